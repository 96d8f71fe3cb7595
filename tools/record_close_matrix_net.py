"""The wire of record_close_matrix.py: two anonymous network namespaces, each with a TUN device, and a relay between them.

The relay lives in this process, so it sees every packet, can drop exactly one of them, and can ask the kernel for the state of
both ends after every single event. It keeps a *logical* clock: what the kernel sends in answer to an event of time t is stamped t,
however late the process was scheduled. Only packets from kernel timers carry the wall clock. The order of events is therefore the
same in every run unless the process stalls; a flow of which an event was handled later than STALL is marked, to be repeated.

Nothing outlives the process: the namespaces have no name and vanish with the last descriptor.
"""

import ctypes
import errno
import fcntl
import heapq
import os
import select
import socket
import struct
import subprocess
import threading
import time

DELAY = 0.080  # one way, seconds; RTT 160 ms keeps deliveries 40 ms apart from delayed ACKs (+40 ms) and the RTO (about 4.5 x)
STALL = 0.025
ADDR = ("10.77.0.1", "10.77.0.2")  # A, B
MTU = 1500
CLONE_NEWNET = 0x40000000

STATES = {1: "ESTABLISHED", 2: "SYN-SENT", 3: "SYN-RECEIVED", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT", 7: "CLOSED",
          8: "CLOSE-WAIT", 9: "LAST-ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN-RECEIVED"}

# What differs from the kernel's defaults, and why.
SYSCTLS = {
    "net.ipv6.conf.all.disable_ipv6": "1",  # no stray router solicitations on the wire
    "net.ipv6.conf.default.disable_ipv6": "1",
    "net.ipv4.tcp_congestion_control": "reno",  # no pacing
    "net.ipv4.tcp_no_metrics_save": "1",  # one case must not teach the next its RTT
    "net.ipv4.tcp_early_retrans": "0",  # no tail loss probe: a lost packet is repaired by the RTO
}



def changes():
    """The TCP settings above in one line."""
    return " ".join(f"{name.split('.')[-1]}={value}" for name, value in SYSCTLS.items() if "tcp" in name)


_libc = ctypes.CDLL(None, use_errno=True)


def _unshare_net():
    if _libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET): run as root")


class Namespace:
    """One end of the wire: a network namespace, its TUN device and a socket to ask for TCP states."""

    def __init__(self, index, sysctls):
        self.addr, peer = ADDR[index], ADDR[1 - index]
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _unshare_net()
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            # IFF_TUN | IFF_NO_PI and no TUNSETOFFLOAD: packets come cut to the MSS and with their checksums.
            fcntl.ioctl(self.tun, 0x400454CA, struct.pack("16sH22x", b"wire", 0x0001 | 0x1000))
            for key, value in sysctls.items():
                with open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as file:
                    file.write(value)
            for command in ("link set lo up", f"link set wire mtu {MTU} txqueuelen 1000 up",
                            f"addr add {self.addr} peer {peer} dev wire"):
                subprocess.run(["ip", *command.split()], check=True)
            self.diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)  # NETLINK_SOCK_DIAG
        finally:
            setns(home)
            os.close(home)

    def socket(self):
        """A non-blocking TCP socket that belongs to this namespace."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(self.fd)
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        finally:
            setns(home)
            os.close(home)
        sock.setblocking(False)
        return sock

    def _ask(self, kind, flags, local, remote):
        ident = struct.pack("!HH", local[1], remote[1]) + socket.inet_aton(local[0]).ljust(16, b"\0")
        ident += socket.inet_aton(remote[0]).ljust(16, b"\0") + struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
        body = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ident
        self.diag.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body)
        return self.diag.recv(8192)

    def lookup(self, local, remote):
        """(state name, timer, milliseconds) of the kernel's socket of that 4-tuple; CLOSED when there is none."""
        reply = self._ask(20, 1, local, remote)  # SOCK_DIAG_BY_FAMILY
        if struct.unpack_from("=H", reply, 4)[0] == 2:  # NLMSG_ERROR
            return "CLOSED", 0, 0
        _, state, timer, _ = struct.unpack_from("=BBBB", reply, 16)
        if state == 10:  # only the listener is left
            return "CLOSED", 0, 0
        return STATES[state], timer, struct.unpack_from("=I", reply, 16 + 4 + 48)[0]

    def destroy(self, local, remote):
        """Kills what is left of a connection, so that it leaves no trace on the next case."""
        if self.lookup(local, remote)[0] == "CLOSED":  # the request would match the listener
            return
        self._ask(21, 5, local, remote)  # SOCK_DESTROY, acknowledged


def setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Packet:
    """A TCP/IPv4 packet as the relay sees it."""

    __slots__ = ("raw", "src", "sport", "dport", "seq", "ack", "flags", "wnd", "len")

    def __init__(self, raw, src):
        self.raw, self.src = raw, src
        ihl = (raw[0] & 15) * 4
        self.sport, self.dport, self.seq, self.ack, offset, flags, self.wnd = struct.unpack_from("!HHIIBBH", raw, ihl)
        self.len = struct.unpack_from("!H", raw, 2)[0] - ihl - (offset >> 4) * 4
        self.flags = "".join(c for c, bit in (("S", 2), ("F", 1), ("R", 4), ("P", 8), ("A", 16)) if flags & bit)

    @property
    def span(self):
        return self.len + ("S" in self.flags) + ("F" in self.flags)

    @property
    def end(self):
        return (self.seq + self.span) & 0xFFFFFFFF

    @property
    def port(self):
        """The port of A, which names the flow."""
        return self.dport if self.src else self.sport


class Wire:
    """Both namespaces and the relay with its clock. Flows register under the port of their active end."""

    def __init__(self, sysctls=None):
        sysctls = {**SYSCTLS, **(sysctls or {})}
        self.ends = [Namespace(0, sysctls), Namespace(1, sysctls)]
        self.flows, self.accepted, self.listeners = {}, {}, []
        self.heap, self.serial, self.t = [], 0, time.monotonic()
        self.poll = select.poll()
        for end in self.ends:
            self.poll.register(end.tun, select.POLLIN)

    def listen(self, port, rcvbuf=None):
        sock = self.ends[1].socket()
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        sock.bind((ADDR[1], port))
        sock.listen(4096)
        self.listeners.append(sock)

    def at(self, when, what, flow=None):
        """Calls `what` at that time. With a flow: it is marked when that happens too late to be in order with its timers."""
        self.serial += 1
        heapq.heappush(self.heap, (when, self.serial, what, flow))

    def drain(self):
        """Takes what both kernels have sent, A first, and schedules or drops it."""
        for index, end in enumerate(self.ends):
            while True:
                try:
                    raw = os.read(end.tun, 65536)
                except BlockingIOError:
                    break
                if raw[0] >> 4 != 4 or raw[9] != 6:
                    continue
                packet = Packet(raw, index)
                flow = self.flows.get(packet.port)
                if flow and flow.on_emit(packet, self.t):
                    self.send(packet, flow)

    def send(self, packet, flow):
        flow.in_flight += 1
        self.at(self.t + DELAY, lambda: self._deliver(packet, flow), flow)

    def _deliver(self, packet, flow):
        flow.in_flight -= 1
        os.write(self.ends[1 - packet.src].tun, packet.raw)
        self.drain()
        self._accept()
        if self.flows.get(packet.port) is flow:
            flow.on_event(packet)

    def _accept(self):
        for listener in self.listeners:
            try:
                while True:
                    sock, peer = listener.accept()
                    sock.setblocking(False)
                    self.accepted[peer[1]] = sock
            except BlockingIOError:
                pass

    def run(self, until):
        """Runs events until the function says so; the wall clock is only waited for."""
        while not until():
            now = time.monotonic()
            due = self.heap[0][0] if self.heap else now + 0.1
            if due > now:
                if self.poll.poll(max(0.0, due - now) * 1000):
                    self.t = time.monotonic()
                    self.drain()
                continue
            self.t = due
            self.drain()
            _, _, what, flow = heapq.heappop(self.heap)
            if flow and now - due > STALL:
                flow.spoilt = True
            what()
            self.drain()


class LingeringClose(threading.Thread):
    """close() in a thread of its own, because SO_LINGER blocks it; remembers its result and how long it took."""

    def __init__(self, fd):
        super().__init__(daemon=True)
        self.fd, self.result, self.seconds = fd, None, None

    def run(self):
        start = time.monotonic()
        result = call(os.close, self.fd)
        self.seconds = time.monotonic() - start
        self.result = result


def call(function, *args):
    """The result of a system call as text: '0', a count, or the name of the errno."""
    try:
        value = function(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "0" if value is None else str(value)
