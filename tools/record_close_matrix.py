#!/usr/bin/env python3
"""Records what this machine's Linux kernel does when TCP connections close: tests/golden/close_matrix.tsv.

    sudo tools/record_close_matrix.py                  # the whole table, about four minutes
    sudo tools/record_close_matrix.py --timing         # tests/golden/kernel_timing.tsv, about four and a half
    sudo tools/record_close_matrix.py --only first/zero/close/unread --runs 1 --stdout

Needs root, `ip` and Python 3 with its standard library. docs/close-matrix.md defines the scenario and the columns.
Many cases run at once over one relayed wire (record_close_matrix_net.py); each has its own connection.
"""

import argparse
import collections
import itertools
import os
import platform
import select
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import record_close_matrix_net as net  # noqa: E402
import record_close_matrix_timing as timing  # noqa: E402

ACTIONS = ("close", "shutdown", "linger0", "linger5", "unread")
QUEUES = ("nothing", "some", "zero", "both")
ORDERS = ("first", "simultaneous")
LOSSES = range(7)

ROUNDS, ROUND_BYTES = 10, 100  # phase 1: A sends 100, B answers with 100, ten times
UNREAD_BYTES = 1000  # what an `unread` end leaves in its buffer
QUEUED_BYTES = 20000  # what A has queued behind the action or the zero window
REPLY_BYTES = 1000  # what B sends right before its action in the queue state `both`
FLIGHT = 10  # full segments in the initial window of RFC 6928
RCVBUF_ZERO = 4096  # SO_RCVBUF of B in the zero-window cases
PORT_PLAIN, PORT_SMALL = 7001, 7002
SETTLED = 0.2  # quiet on the wire before a phase begins
PATIENCE = 7.0  # B acts this long after A at the latest; with a zero window it does not read before
PATIENCE_ZERO = 14.0  # and here acts at the latest
THINK = 0.1  # from what B has seen to its action: its ACK, delayed by 40 ms, goes alone
QUIET = 0.8  # nothing on the wire, no retransmit or probe timer: the case is over
LIMIT = 40.0
RUNS = 3

Key = collections.namedtuple("Key", "order queue a b lost")


class End:
    """One application: its socket, its log of results, the states its connection was seen in."""

    def __init__(self, index, space):
        self.index, self.space = index, space
        self.sock, self.local, self.remote = None, None, None
        self.log, self.states, self.bytes = [], [], 0
        self.closer, self.over = None, False  # over: EOF or an error was read
        self.next_seq = self.base = None

    def sample(self):
        state = "CLOSED"
        if self.sock:
            state = net.STATES[self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]]
        if state == "CLOSED":  # no socket, or its connection lives on in TIME-WAIT without it
            state = self.space.lookup(self.local, self.remote)[0]
        if not self.states or self.states[-1] != state:
            self.states.append(state)

    def note(self, name, result):
        self.log.append(f"{name}={result}")

    def read(self):
        """Reads what there is; consecutive counts are one entry. EOF or an error ends the reading."""
        while not self.over:
            result = net.call(self._recv)
            if result == "EAGAIN":
                return
            if not result.isdigit() or result == "0":
                self.over = True
                self.note("recv", "EOF" if result == "0" else result)
                return
            self.bytes += int(result)
            if self.log and self.log[-1].startswith("recv=") and self.log[-1][5:].isdigit():
                result = str(int(self.log.pop()[5:]) + int(result))
            self.note("recv", result)

    def _recv(self):
        return len(self.sock.recv(65536))

    def error(self):
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return net.errno.errorcode[code] if code else "0"

    def event(self):
        """What a poll tells without reading: ERR (reset, connection gone), EOF (peer's FIN is here) or nothing."""
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP)
        bits = poll.poll(0)[0][1] if poll.poll(0) else 0
        if bits & (select.POLLERR | select.POLLHUP):
            return "ERR"
        return "EOF" if bits & select.POLLRDHUP else None

    def close(self, lingering=False):
        fd = self.sock.detach()
        self.sock = None
        if not lingering:
            self.note("close", net.call(os.close, fd))
            return
        self.closer = net.LingeringClose(fd)
        self.closer.start()
        while self.closer.result is None and self.space.lookup(self.local, self.remote)[0] in ("ESTABLISHED", "CLOSE-WAIT"):
            self.closer.join(0.0002)

    def reap(self, wait=False):
        """Takes the result of a lingering close, if it has one. With wait: its reason to block is gone."""
        if not self.closer:
            return
        if wait:
            self.closer.join(1.0)
        if self.closer.result is None:
            return
        seconds, result = self.closer.seconds, self.closer.result
        how = "at-once" if seconds < net.DELAY / 2 else "after-5s" if seconds > 4.9 else "waited"
        self.note("close", f"{result}:{how}")
        self.closer = None


class Flow:
    """One run of one case: the scenario of docs/close-matrix.md as three generators that a relay event or a tick resumes."""

    def __init__(self, wire, key, port, drop, done):
        self.wire, self.key, self.port, self.drop, self.done = wire, key, port, drop, done
        self.ends = [End(0, wire.ends[0]), End(1, wire.ends[1])]
        self.in_flight, self.last_emit, self.t0, self.started = 0, wire.t, None, wire.t
        self.packets, self.dropped, self.zero_window, self.window = [], None, False, 0
        self.waiting, self.finished, self.programs, self.unfinished = 0, False, [self.setup()], False
        self.spoilt = False  # an event came late: the order of things is not what the scenario says
        wire.flows[port] = self
        self.resume()
        wire.at(wire.t + 0.05, self.tick)

    # -- what the relay calls

    def on_emit(self, packet, t):
        """Counts a packet just sent; False when it is the one to lose."""
        self.last_emit = t
        end = self.ends[packet.src]
        if end.next_seq is None or (packet.end - end.next_seq) & 0xFFFFFFFF < 1 << 31:
            end.next_seq = packet.end
        if packet.src == 1:
            self.zero_window = packet.wnd == 0
        if self.t0 is None:
            return True
        self.packets.append(packet)
        if self.drop is None or len(self.packets) - 1 != self.drop:
            return True
        self.dropped = packet
        return False

    def on_event(self, _packet=None):
        if not self.finished:
            self.sample()
            self.resume()

    def tick(self):
        if self.finished:
            return
        self.sample()
        self.resume()
        if self.over():
            self.finish()
        else:
            self.wire.at(self.wire.t + 0.2, self.tick)

    # -- machinery

    def sample(self):
        for end in self.ends:
            if self.t0 is not None:
                end.sample()
            if end.closer:
                state = end.space.lookup(end.local, end.remote)[0]
                end.reap(wait=state not in ("FIN-WAIT-1", "CLOSING", "LAST-ACK"))

    def resume(self):
        index = 0
        while index < len(self.programs):  # a program may add others behind itself
            if next(self.programs[index], StopIteration) is StopIteration:
                del self.programs[index]
            else:
                index += 1

    def settled(self):
        return self.in_flight == 0 and self.wire.t - self.last_emit >= SETTLED

    def over(self):
        if self.t0 is None:
            return self.wire.t - self.started > LIMIT
        if self.wire.t - self.t0 > LIMIT:
            self.unfinished = True
            return True
        if self.waiting or self.in_flight or self.wire.t - self.last_emit < QUIET or any(e.closer for e in self.ends):
            return False
        return all(e.space.lookup(e.local, e.remote)[1] not in (1, 4) for e in self.ends)

    def finish(self):
        """What is still open is asked once more, in this order; then the connection is removed without a packet counted."""
        self.finished = True
        self.sample()
        for end in self.ends:
            if end.sock:
                end.note("SO_ERROR", end.error())
                result = net.call(end._recv)
                end.note("recv", "EOF" if result == "0" else result)
                end.note("send", net.call(end.sock.send, b"x"))
        del self.wire.flows[self.port]
        for end in self.ends:
            if end.sock:
                end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.sock.close()
            if end.local:
                end.space.destroy(end.local, end.remote)
        self.done(self)

    # -- the scenario

    def setup(self):
        a, b = self.ends
        zero = self.key.queue == "zero"
        a.sock = a.space.socket()
        a.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        a.local, a.remote = (net.ADDR[0], self.port), (net.ADDR[1], PORT_SMALL if zero else PORT_PLAIN)
        b.local, b.remote = a.remote, a.local
        a.sock.bind(a.local)
        net.call(a.sock.connect, a.remote)
        while self.port not in self.wire.accepted:
            yield
        b.sock = self.wire.accepted.pop(self.port)
        for _ in range(ROUNDS):  # phase 1
            for sender, receiver in ((a, b), (b, a)):
                sender.sock.send(bytes(ROUND_BYTES))
                while net.call(receiver._recv) == "EAGAIN":
                    yield
        # phase 2
        for end, peer, action in ((a, b, self.key.a), (b, a, self.key.b)):
            if action == "unread":
                peer.sock.send(bytes(UNREAD_BYTES))
        while not self.settled():
            yield
        if zero:
            before = a.next_seq
            self.send_queue()
            while not (self.zero_window and self.settled()):
                yield
            self.window = (a.next_seq - before) & 0xFFFFFFFF
        # phase 3
        self.t0 = self.wire.t
        a.base, b.base = a.next_seq, b.next_seq
        self.sample()
        self.programs += [self.program_a(), self.program_b()]

    def send_queue(self):
        self.ends[0].note("send", net.call(self.ends[0].sock.send, bytes(QUEUED_BYTES)))

    def program_a(self):
        if self.key.queue in ("some", "both"):
            self.send_queue()
        yield from self.act(self.ends[0], self.key.a)

    def program_b(self):
        b, action = self.ends[1], self.key.b
        if self.key.order == "simultaneous":
            if action != "unread":
                b.read()
            yield from self.act(b, action)
            return
        zero = self.key.queue == "zero"
        if zero:
            yield from self.wait_until(PATIENCE, lambda: b.event() == "ERR")
        if action == "unread":
            yield from self.wait_until(PATIENCE, b.event)
            yield from self.think(b.event())
            b.note("event", b.event() or "none")
            b.note("SO_ERROR", b.error())
        else:
            def read_to_the_end():
                b.read()
                return b.over
            yield from self.wait_until(PATIENCE_ZERO if zero else PATIENCE, read_to_the_end)
            yield from self.think(b.over)
            if not b.over:
                b.note("recv", "none")
        yield from self.act(b, action)

    def wait_until(self, seconds, condition):
        """Waits for the condition, at most until that long after A's action."""
        self.waiting += 1
        until = self.t0 + seconds
        self.wire.at(until, self.on_event, self)
        while not condition() and self.wire.t < until - 1e-6:
            yield
        self.waiting -= 1

    def think(self, seen):
        """B needs a moment to answer what it has seen; when it acts because it is out of patience, it does so at once."""
        if seen:
            yield from self.wait_until(self.wire.t - self.t0 + THINK, lambda: False)

    def act(self, end, action):
        if end.index == 1 and self.key.queue == "both":
            end.note("send", net.call(end.sock.send, bytes(REPLY_BYTES)))
        if action.startswith("linger"):
            end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, int(action[6:])))
        if action != "shutdown":
            end.close(lingering=action == "linger5")
            self.wire.drain()
            self.sample()
            return
        end.note("shutdown", net.call(end.sock.shutdown, socket.SHUT_WR))
        self.wire.drain()
        self.sample()
        while not end.over:
            end.read()
            yield

    # -- the result

    def token(self, packet):
        text = ("<" if packet.src else ">") + packet.flags + (str(packet.len) if packet.len else "")
        text += "w0" if packet.wnd == 0 and "R" not in packet.flags else ""
        return "!" + text if packet is self.dropped else text

    def role(self, packet):
        """What a packet is for, so that another stack's packet of that purpose can be found."""
        peer_fin = next((p.end for p in self.packets if p.src != packet.src and "F" in p.flags), None)
        if "R" in packet.flags or "F" in packet.flags:
            name = "RST" if "R" in packet.flags else "FIN"
        elif packet.len:
            name = "data"
        elif packet.ack == peer_fin:
            name = "ACK-of-FIN"
        elif packet.wnd == 0:
            name = "ACK-win-0"
        else:  # a window probe repeats a sequence number that has been acknowledged
            name = "probe" if (packet.seq + 1 - self.ends[packet.src].base) & 0xFFFFFFFF == 0 else "ACK"
        return "AB"[packet.src] + ":" + name

    def wire_text(self):
        groups = [(t, len(list(g))) for t, g in itertools.groupby(map(self.token, self.packets))]
        return " ".join(t if n == 1 else f"{t}*{n}" for t, n in groups) or "-"

    def lost_text(self):
        if not self.dropped:
            return "-"
        base = self.ends[self.dropped.src].base
        relative = (self.dropped.seq - base + (1 << 31)) % (1 << 32) - (1 << 31)
        return self.token(self.dropped)[1:] + f"@{relative}"

    def outcome(self):
        """The columns that are compared, then the wire, which is not."""
        cells = []
        flight = FLIGHT * max([p.len for p in self.packets], default=0)
        counts = {self.window: "W", QUEUED_BYTES - self.window: f"{QUEUED_BYTES}-W"} if self.window else {flight: "F"}
        counts.pop(0, None)
        for end in self.ends:
            names = {f"recv={count}": f"recv={name}" for count, name in counts.items()}
            log = [names.get(entry, entry) for entry in end.log]
            cells.append((" ".join(log), counts.get(end.bytes, str(end.bytes)),
                          ">".join(end.states), end.states[-1] + ("..." if self.unfinished else "")))
        (a_calls, a_bytes, a_states, a_final), (b_calls, b_bytes, b_states, b_final) = cells
        return (a_calls, b_calls, a_bytes, b_bytes, a_states, b_states, a_final, b_final), (self.lost_text(), self.wire_text())


class Recorder:
    """Starts runs at a steady pace, repeats those a stall has spoilt, and collects outcomes by case."""

    def __init__(self, wire, pace):
        self.wire, self.pace, self.port = wire, pace, 10000
        self.queue, self.open, self.results = collections.deque(), 0, collections.defaultdict(list)
        self.roles, self.windows, self.repeated = collections.defaultdict(list), set(), 0
        wire.at(wire.t, self.start)

    def add(self, key, drop):
        self.queue.append((key, drop, 0))

    def start(self):
        if self.queue and self.open < 150:
            key, drop, tries = self.queue.popleft()
            self.open += 1
            self.port = 10000 + (self.port - 9999) % 50000
            Flow(self.wire, key, self.port, drop, lambda flow: self.done(flow, tries))
        self.wire.at(self.wire.t + self.pace, self.start)

    def done(self, flow, tries):
        self.open -= 1
        if flow.spoilt or flow.t0 is None:
            if tries == 20:
                raise SystemExit(f"record_close_matrix: no undisturbed run of {flow.key} in {tries}: is the machine too busy?")
            self.repeated += 1
            self.queue.append((flow.key, flow.drop, tries + 1))
            return
        self.results[flow.key].append(flow.outcome())
        self.roles[flow.key].append(tuple(map(flow.role, flow.packets)))
        if flow.window:
            self.windows.add(flow.window)

    def exchange(self, key):
        """The packets of the case without loss, by role."""
        return collections.Counter(self.roles[key._replace(lost=0)]).most_common(1)[0][0]

    def run(self, label):
        total = len(self.queue)

        def finished():
            left = len(self.queue) + self.open
            if sys.stderr.isatty():
                print(f"\r{label}: {total - left} of {total}, {self.repeated} repeated  ", end="", file=sys.stderr)
            return left == 0
        self.wire.run(finished)
        print(f"\r{label}: {total} runs, {self.repeated} repeated after stalls", file=sys.stderr)


COLUMNS = ("order", "queue", "A_action", "B_action", "lost", "lost_role", "runs", "A_calls", "B_calls", "A_bytes", "B_bytes",
           "A_states", "B_states", "A_final", "B_final", "lost_packet", "wire")


def rows(recorder, keys, absent):
    for key in keys:
        if key in absent:
            yield (*key, "-", "absent", *["-"] * (len(COLUMNS) - 7))
            continue
        tail = recorder.exchange(key)[-key.lost:] if key.lost else ()
        role = f"{tail[0]}/{tail.count(tail[0])}" if tail else "-"
        outcomes = collections.defaultdict(list)
        for compared, seen in recorder.results[key]:
            outcomes[compared].append(seen)
        total = len(recorder.results[key])
        for compared, seen in sorted(outcomes.items(), key=lambda item: (-len(item[1]), item[0])):
            (lost, wire), times = collections.Counter(seen).most_common(1)[0]
            yield (*key, role, f"{len(seen)}/{total}", *compared, lost, wire if times == len(seen) else "~ " + wire)


def header(recorder):
    windows = "/".join(map(str, sorted(recorder.windows))) or "-"
    return f"""\
# How TCP connections close: recorded from Linux {platform.release().split('-')[0]} with tools/record_close_matrix.py (as root;
# run it again to re-record). docs/close-matrix.md defines the scenario, the columns and the words used here.
# One-way delay {net.DELAY * 1000:.0f} ms, MTU {net.MTU}, kernel defaults except {net.changes()}.
# W: what B's buffer took of A's bytes before its window closed, {windows}. F: ten full segments, the initial window.
# `lost` n: the n-th packet from the end of the exchange is lost, 0 none; `runs` absent: the exchange has fewer packets.
# Several rows with one key (`runs` below n/n): each is an allowed outcome.
"""


def record(options):
    wire = net.Wire(dict(setting.split("=") for setting in options.sysctl))
    wire.listen(PORT_PLAIN)
    wire.listen(PORT_SMALL, RCVBUF_ZERO)
    recorder = Recorder(wire, options.pace)
    wanted = options.only.split("/") if options.only else []
    combos = [c for c in itertools.product(ORDERS, QUEUES, ACTIONS, ACTIONS) if all(w in ("*", x) for w, x in zip(wanted, c))]
    for _, combo in itertools.product(range(options.runs), combos):
        recorder.add(Key(*combo, 0), None)
    recorder.run("without loss")
    absent, keys = set(), [Key(*combo, lost) for combo in combos for lost in LOSSES]
    for _, key in itertools.product(range(options.runs), keys):
        roles = recorder.exchange(key)
        if key.lost > len(roles):
            absent.add(key)
        elif key.lost:
            recorder.add(key, len(roles) - key.lost)
    recorder.run("with loss")
    lines = [header(recorder), "\t".join(COLUMNS) + "\n"]
    lines += ["\t".join(map(str, row)) + "\n" for row in rows(recorder, keys, absent)]
    return "".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--only", help="order/queue/A_action/B_action, * for any; a prefix is enough")
    parser.add_argument("--runs", type=int, default=RUNS, help="how often each case runs (default %(default)s)")
    parser.add_argument("--pace", type=float, default=0.06, help="seconds between the starts of two runs (default %(default)s)")
    parser.add_argument("--sysctl", action="append", default=[], metavar="NAME=VALUE",
                        help="another setting for both namespaces, to see whether it matters: net.ipv4.tcp_sack=0")
    parser.add_argument("--timing", action="store_true", help="record kernel_timing.tsv instead")
    parser.add_argument("--stdout", action="store_true", help="print the table instead of writing it")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("record_close_matrix: needs root to make network namespaces; run it with sudo")
    text = timing.record() if options.timing else record(options)
    if options.stdout:
        print(text, end="")
        return
    golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden")
    os.makedirs(golden, exist_ok=True)
    name = "kernel_timing.tsv" if options.timing else "close_matrix.tsv"
    with open(os.path.join(golden, name), "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    main()
