"""The kernel's timers and answers around closing, for tests/golden/kernel_timing.tsv. Run by record_close_matrix.py --timing.

Each experiment is a generator that drives one connection of its own over the relayed wire; all of them run at the same time.
"""

import collections
import os
import platform
import socket
import statistics
import struct
import sys
import threading
import time

import record_close_matrix_net as net

PORT, PORT_SMALL, PORT_CLOSED = 7001, 7002, 7009
RCVBUF_SMALL = 4096
ROUNDS = 10  # request and response of 100 bytes, so that the RTT is known and both ends delay their ACKs
LIMIT = 260.0
RUNS = 3
TCP_LINGER2, TCP_INFO = 8, 11


class Probe:
    """One connection under observation. `lose` says which packets the wire swallows; all that was sent is kept with its time."""

    def __init__(self, wire, port, experiment):
        self.wire, self.port, self.in_flight = wire, port, 0
        self.sent, self.arrived = [], []  # (time, packet)
        self.lose = lambda packet: False
        self.rows, self.socks = [], [None, None]
        self.local, self.remote = (net.ADDR[0], port), (net.ADDR[1], PORT)
        wire.flows[port] = self
        self.program = experiment(self)
        self.tick()

    # -- what the relay calls

    def on_emit(self, packet, _t):
        self.sent.append((time.monotonic(), packet))  # timers are measured: not the logical clock
        return not self.lose(packet)

    def on_event(self, packet):
        self.arrived.append((time.monotonic(), packet))
        self.step()

    def tick(self):
        """Looks at waiting experiments now and then: not everything they wait for is a packet."""
        self.step()
        if self.program:
            self.wire.at(time.monotonic() + 0.02, self.tick)

    def step(self):
        if self.program:
            self.wire.drain()
            if next(self.program, "end") == "end":
                self.program = None
            self.wire.drain()

    # -- what experiments use

    def row(self, quantity, value):
        self.rows.append((quantity, value))

    def until(self, condition, seconds=LIMIT):
        """Waits for the condition, looking at it after every packet and every tick, and gives up after a while."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            yield

    def sleep(self, seconds):
        yield from self.until(lambda: False, seconds)

    def open(self, port=PORT):
        a = self.wire.ends[0].socket()
        a.bind(self.local)
        a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        self.remote, self.socks[0] = (net.ADDR[1], port), a
        net.call(a.connect, self.remote)

    def connect(self, port=PORT):
        self.open(port)
        yield from self.until(lambda: self.port in self.wire.accepted)
        self.socks[1] = self.wire.accepted.pop(self.port)
        for _ in range(ROUNDS):
            for sender, receiver in (self.socks, self.socks[::-1]):
                sender.send(bytes(100))
                yield from self.until(lambda r=receiver: net.call(r.recv, 4096) != "EAGAIN")
        yield from self.sleep(0.5)
        self.sent.clear()
        self.arrived.clear()
        return self.socks

    def fill_window(self):
        """A writes until B, which does not read, has closed its window; returns the time at which A learnt of it."""
        self.socks[0].send(bytes(20000))
        yield from self.until(lambda: self.arrived and self.arrived[-1][1].src == 1 and self.arrived[-1][1].wnd == 0)
        return time.monotonic()

    def state(self, end):
        pair = (self.local, self.remote) if end == 0 else (self.remote, self.local)
        return self.wire.ends[end].lookup(*pair)[0]

    def rto_ms(self):
        info = self.socks[0].getsockopt(socket.IPPROTO_TCP, TCP_INFO, 104)
        return round(struct.unpack_from("=I", info, 8)[0] / 1000)

    def times(self, src, since, want=lambda packet: True):
        """Milliseconds between what one end sent, counted from `since`."""
        at = [since] + [t for t, packet in self.sent if packet.src == src and t > since + 1e-4 and want(packet)]
        return [round((b - a) * 1000) for a, b in zip(at, at[1:])]

    def wire_text(self):
        return " ".join(("<" if p.src else ">") + p.flags + (str(p.len) if p.len else "") for _, p in self.sent) or "-"

    def lifetime(self, since):
        """Milliseconds until A's connection was gone."""
        if self.state(0) != "CLOSED":
            return f"never: {self.state(0)} after {LIMIT:.0f} s"
        return round((time.monotonic() - since) * 1000)

    def error(self):
        code = self.socks[0].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return net.errno.errorcode[code] if code else "0"


def received(sock):
    result = net.call(lambda: len(sock.recv(65536)))
    return "EOF" if result == "0" else result


# -- (a) data after close(), (b) closed ports

def data_after_close(then):
    def experiment(p):
        a, b = yield from p.connect()
        b.close()
        yield from p.sleep(0.5)
        calls = [f"recv={received(a)}", f"send={net.call(a.send, bytes(100))}"]
        yield from p.sleep(0.5)
        for name in then:
            ask = {"SO_ERROR": p.error, "recv": lambda: received(a), "send": lambda: net.call(a.send, b"x")}[name]
            calls.append(f"{name}={ask()}")
        p.row("A_calls", " ".join(calls))
        p.row("wire", p.wire_text())
        p.row("final_states", f"{p.state(0)} {p.state(1)}")
    return experiment


def data_after_shutdown_both(p):
    """shutdown(RD) is no close(): data is still taken and acknowledged."""
    a, b = yield from p.connect()
    b.shutdown(socket.SHUT_RD)
    a.send(bytes(100))
    yield from p.sleep(0.5)
    p.row("B_recv", received(b))
    p.row("wire", p.wire_text())


def closed_port_connect(p):
    p.open(PORT_CLOSED)
    yield from p.sleep(0.5)
    p.row("A_SO_ERROR", p.error())
    p.row("wire", p.wire_text())
    syn, rst = p.sent[0][1], p.sent[1][1]
    p.row("RST_seq", rst.seq)
    p.row("RST_ack_minus_SYN_seq", rst.ack - syn.seq & 0xFFFFFFFF)


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def forged(sport, flags, seq, ack, payload=b""):
    """A segment from A to B's closed port that no kernel has sent."""
    src, dst = map(socket.inet_aton, net.ADDR)
    tcp = struct.pack("!HHIIBBHHH", sport, PORT_CLOSED, seq, ack, 5 << 4, flags, 1024, 0, 0) + payload
    summed = checksum(src + dst + struct.pack("!HH", 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack("!H", summed) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + src + dst
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


def closed_port_forged(p):
    p.lose = lambda packet: True  # A must not see the answers
    kinds = {"SYN": (2, 0), "ACK": (16, 0), "data+ACK": (24, 10), "FIN": (1, 0), "FIN+ACK": (17, 0), "SYN+ACK": (18, 0),
             "SYN+FIN": (3, 0), "no-flags": (0, 0), "RST": (4, 0), "RST+ACK": (20, 0)}
    for name, (flags, length) in kinds.items():
        p.sent.clear()
        os.write(p.wire.ends[1].tun, forged(p.port, flags, 1000, 5000, bytes(length)))
        yield from p.sleep(0.2)
        answers = [f"{q.flags} seq={q.seq} ack={q.ack} wnd={q.wnd}" for _, q in p.sent]
        p.row(f"answer_to_{name}_seq_1000_ack_5000_len_{length}", answers[0] if answers else "none")


# -- (c) FIN-WAIT-2 and TIME-WAIT

def fin_wait_2_orphan(linger2=None):
    def experiment(p):
        a, b = yield from p.connect()
        if linger2:
            a.setsockopt(socket.IPPROTO_TCP, TCP_LINGER2, linger2)
        a.close()
        yield from p.until(lambda: p.state(0) == "FIN-WAIT-2", 2)
        since = time.monotonic()
        yield from p.until(lambda: p.state(0) == "CLOSED", 90)
        p.row("FIN-WAIT-2_ms", round((time.monotonic() - since) * 1000))
        p.row("B_state", p.state(1))
        b.close()
        yield from p.sleep(0.5)
        p.row("wire_with_late_FIN", p.wire_text())
    return experiment


def fin_wait_2_after_shutdown(p):
    a, _ = yield from p.connect()
    a.shutdown(socket.SHUT_WR)
    yield from p.sleep(30)
    p.row("state_after_30_s", p.state(0))


def time_wait(p):
    a, b = yield from p.connect()
    a.close()
    yield from p.sleep(0.5)
    b.close()
    yield from p.until(lambda: p.state(0) == "TIME-WAIT", 2)
    since = time.monotonic()
    yield from p.until(lambda: p.state(0) == "CLOSED", 90)
    p.row("TIME-WAIT_ms", round((time.monotonic() - since) * 1000))


# -- (d) zero window

def zero_window(answered, orphan=False):
    def experiment(p):
        a, _ = yield from p.connect(PORT_SMALL)
        p.row("rto_ms", p.rto_ms())
        since = yield from p.fill_window()
        if not answered:
            p.lose = lambda packet: packet.src == 1
        if orphan:
            a.close()
            p.socks[0] = None
            yield from p.until(lambda: p.state(0) == "CLOSED")
            p.row("ms_until_CLOSED", p.lifetime(since))
        else:
            yield from p.sleep(100)
        p.row("probe_gaps_ms", p.times(0, since))
        probes = [q for t, q in p.sent if q.src == 0 and t > since + 1e-4]
        p.row("probe_flags", " ".join(sorted({q.flags + (str(q.len) if q.len else "") for q in probes})))
        before = [q for t, q in p.sent if q.src == 0 and t <= since + 1e-4][-1]
        p.row("probe_seq_minus_SND.NXT", (probes[0].seq - before.end + (1 << 31)) % (1 << 32) - (1 << 31))
        if not orphan:
            p.row("state", p.state(0))
    return experiment


# -- (e) SYN and SYN-ACK, (g) data and FIN without an answer

def syn_retransmit(p):
    p.lose = lambda packet: True
    since = time.monotonic()
    p.open()
    yield from p.until(lambda: p.state(0) == "CLOSED")
    p.row("gaps_ms", p.times(0, p.sent[0][0]))
    p.row("gives_up_after_ms", round((time.monotonic() - since) * 1000))
    p.row("A_SO_ERROR", p.error())


def syn_ack_retransmit(p):
    p.lose = lambda packet: packet.src == 0 and "S" not in packet.flags
    p.open()
    yield from p.until(lambda: p.arrived)
    since = p.arrived[0][0]
    yield from p.until(lambda: p.state(1) == "CLOSED")
    p.row("gaps_ms", p.times(1, since))
    p.row("gives_up_after_ms", round((time.monotonic() - since) * 1000))


def data_retransmit(p):
    a, _ = yield from p.connect()
    p.row("rto_ms", p.rto_ms())
    p.lose = lambda packet: True
    a.send(bytes(100))
    p.wire.drain()
    since = p.sent[0][0]
    yield from p.sleep(100)
    p.row("gaps_ms_in_100_s", p.times(0, since))


def fin_retransmit_orphan(p):
    a, _ = yield from p.connect()
    p.row("rto_ms", p.rto_ms())
    p.lose = lambda packet: True
    a.close()
    p.wire.drain()
    since = p.sent[0][0]
    yield from p.until(lambda: p.state(0) == "CLOSED")
    p.row("gaps_ms", p.times(0, since))
    p.row("ms_until_CLOSED", p.lifetime(since))
    p.row("last_packet", p.sent[-1][1].flags)


# -- (f) keepalive, delayed ACK

def keepalive(answered):
    def experiment(p):
        a, _ = yield from p.connect()
        for option, value in ((socket.TCP_KEEPIDLE, 2), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 3)):
            a.setsockopt(socket.IPPROTO_TCP, option, value)
        a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        a.send(bytes(100))
        yield from p.sleep(0.5)
        if not answered:
            p.lose = lambda packet: packet.src == 1
        since = [t for t, q in p.arrived if q.src == 1][-1]
        if answered:
            yield from p.sleep(11)
        else:
            yield from p.until(lambda: p.state(0) == "CLOSED", 20)
        p.row("gaps_ms_after_last_ACK", p.times(0, since))
        last = [q for t, q in p.sent if q.src == 0 and t <= since][-1]
        probe = [q for t, q in p.sent if q.src == 0 and t > since][0]
        p.row("probe", f"{probe.flags} len={probe.len} seq=SND.NXT{(probe.seq - last.end + (1 << 31)) % (1 << 32) - (1 << 31)}")
        p.row("last_packet", [q for _, q in p.sent if q.src == 0][-1].flags)
        p.row("A_SO_ERROR", p.error())
    return experiment


def delayed_ack(p):
    a, _ = yield from p.connect()
    a.send(bytes(100))
    yield from p.sleep(0.5)
    p.row("ms", p.times(1, p.arrived[0][0])[0])


EXPERIMENTS = {
    "data_after_close_then_SO_ERROR": data_after_close(("SO_ERROR", "recv", "send")),
    "data_after_close_then_recv": data_after_close(("recv", "SO_ERROR", "send")),
    "data_after_close_then_send": data_after_close(("send", "SO_ERROR", "recv")),
    "data_after_shutdown_RD": data_after_shutdown_both,
    "closed_port_connect": closed_port_connect,
    "closed_port_forged": closed_port_forged,
    "fin_wait_2_orphan": fin_wait_2_orphan(),
    "time_wait": time_wait,
    "zero_window_probes_answered": zero_window(True),
    "zero_window_probes_unanswered": zero_window(False),
    "zero_window_orphan_answered": zero_window(True, orphan=True),
    "zero_window_orphan_unanswered": zero_window(False, orphan=True),
    "syn_retransmit": syn_retransmit,
    "syn_ack_retransmit": syn_ack_retransmit,
    "data_retransmit": data_retransmit,
    "fin_retransmit_orphan": fin_retransmit_orphan,
    "keepalive_answered": keepalive(True),
    "keepalive_unanswered": keepalive(False),
    "delayed_ack": delayed_ack,
}
SHORT = {"net.ipv4.tcp_fin_timeout": "3", "net.ipv4.tcp_syn_linear_timeouts": "0"}
SHORT_EXPERIMENTS = {
    "fin_wait_2_orphan_fin_timeout_3": fin_wait_2_orphan(),
    "fin_wait_2_orphan_TCP_LINGER2_2": fin_wait_2_orphan(linger2=2),
    "fin_wait_2_after_shutdown_fin_timeout_3": fin_wait_2_after_shutdown,
    "syn_retransmit_linear_timeouts_0": syn_retransmit,
}


def start(wire, experiments):
    wire.listen(PORT)
    wire.listen(PORT_SMALL, RCVBUF_SMALL)
    return {name: [Probe(wire, 20000 + RUNS * i + run, experiment) for run in range(RUNS)]
            for i, (name, experiment) in enumerate(experiments.items())}


def merge(values):
    """One cell for what several runs measured: equal values as they are, times as medians, the rest as alternatives."""
    if all(isinstance(v, int) for v in values):
        return str(statistics.median_low(values))
    if all(isinstance(v, list) for v in values):
        shortest = min(map(len, values))
        return " ".join(str(statistics.median_low([v[i] for v in values])) for i in range(shortest))
    return " | ".join(v for v, _ in collections.Counter(values).most_common())


HEADER = """\
# Timers and answers around closing: recorded from Linux {release} with tools/record_close_matrix.py --timing (as root; run it
# again to re-record). docs/close-matrix.md explains the experiments. One-way delay {delay:.0f} ms, kernel defaults except what a name
# says and {changed}.
# Times are medians of {runs} runs, in milliseconds.
"""


def record():
    plain, short = net.Wire(), net.Wire(SHORT)
    probes = {**start(plain, EXPERIMENTS), **start(short, SHORT_EXPERIMENTS)}
    everyone = [p for group in probes.values() for p in group]
    threads = [threading.Thread(target=wire.run, args=(lambda w=wire: not any(p.program for p in w.flows.values()),))
               for wire in (plain, short)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{len(everyone)} experiments", file=sys.stderr)
    text = HEADER.format(release=platform.release().split("-")[0], delay=net.DELAY * 1000, changed=net.changes(), runs=RUNS)
    lines = ["experiment\tquantity\tvalue\n"]
    for name, group in probes.items():
        for i, (quantity, _) in enumerate(group[0].rows):
            lines.append(f"{name}\t{quantity}\t{merge([p.rows[i][1] for p in group])}\n")
    return text + "".join(lines)
