#!/usr/bin/env python3
"""weir as a host on a TAP device, in a network namespace of its own, with the kernel as its peer: both families.

usage: host_test.py WEIR      exit status 77 (skipped) where that cannot be had: no root, no /dev/net/tun, no namespaces
"""
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

WEIR = os.path.abspath(sys.argv[1])
CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x00020000


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def enter_namespace():
    """This process and its children, weir among them, get a network and mounts of their own. They go away with them."""
    import ctypes
    if os.geteuid() != 0 or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        skip("needs root and /dev/net/tun")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        skip("may not create network namespaces")
    os.makedirs("/run/weir", exist_ok=True)  # control sockets of other weirs are out of sight
    for mount in (["--make-rprivate", "/"], ["-t", "tmpfs", "tmpfs", "/run/weir"]):
        subprocess.run(["mount", *mount], check=True)
    if shutil.which("ip") is None:
        skip("needs ip (apt-get install iproute2)")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Running:
    """A weir that says ready."""

    def __init__(self, *args):
        self.process = subprocess.Popen([WEIR, *args], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if line != "ready\n":
            raise AssertionError(f"weir {args}: {line}{self.process.stderr.read()}")

    def read_line(self):
        return self.process.stderr.readline()

    def stop(self):
        start = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.communicate(timeout=10)
        return self.process.returncode, time.monotonic() - start


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        root = Path(cls.dir.name)
        random.seed(1)
        cls.data = random.randbytes(20 << 20)
        (root / "f").write_bytes(cls.data)
        (root / "small").write_text("small\n")
        cls.weir = Running("serve", "http", "--device", "tap:weir0,host=10.77.0.1/24,host=fd77::1/64", "--address", "10.77.0.2/24",
                           "--address", "fd77::2/64", "--root", cls.dir.name)

    @classmethod
    def tearDownClass(cls):
        status, seconds = cls.weir.stop()
        cls.dir.cleanup()
        assert status == 0 and seconds < 1, (status, seconds)
        assert "weir0" not in subprocess.run(["ip", "link"], capture_output=True, text=True).stdout

    def get(self, host, path, **headers):
        with contextlib.closing(http.client.HTTPConnection(host, 80, timeout=20)) as c:  # "fd77::2" alone would be host and port
            c.request("GET", path, headers=headers)
            r = c.getresponse()
            return r.status, r.read()

    def test_a_file_arrives_intact_over_both_families(self):
        for host in ("10.77.0.2", "fd77::2"):
            status, body = self.get(host, "/f")
            self.assertEqual((status, hashlib.sha256(body).digest()), (200, hashlib.sha256(self.data).digest()))

    def test_many_at_once(self):
        good = []

        def one(i):
            first = i * 1000
            status, body = self.get("10.77.0.2", "/f", Range=f"bytes={first}-{first + 999_999}")
            if status == 206 and body == self.data[first:first + 1_000_000]:
                good.append(i)
        threads = [threading.Thread(target=one, args=[i]) for i in range(32)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        self.assertEqual(len(good), 32)

    def test_requests_on_one_connection(self):
        with contextlib.closing(http.client.HTTPConnection("10.77.0.2", timeout=10)) as c:
            for _ in range(100):
                c.request("GET", "/small")
                self.assertEqual(c.getresponse().read(), b"small\n")

    def test_a_closed_port_refuses_at_once(self):
        for host in ("10.77.0.2", "fd77::2"):
            start = time.monotonic()
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection((host, 81), 5)
            self.assertLess(time.monotonic() - start, 1)

    def test_who_hangs_harms_nobody(self):
        hanging = [socket.create_connection(("10.77.0.2", 80), 5) for _ in range(100)]
        for s in hanging[:50]:
            s.sendall(b"GET /f HTTP/1.1\r\nHost: x\r\n\r\n")
        for s in hanging[50:]:
            s.sendall(b"GET / HT")
        self.assertEqual(self.get("10.77.0.2", "/small"), (200, b"small\n"))
        [s.close() for s in hanging]

    def test_resets_and_garbage(self):
        for _ in range(50):
            s = socket.create_connection(("10.77.0.2", 80), 5)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.sendall(b"GET /f HTTP/1.1\r\nHost: x\r\n\r\n" if random.random() < .5 else random.randbytes(100))
            s.close()
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("weir0", 0))
        for _ in range(2000):
            kind = random.choice([b"\x08\0", b"\x08\x06", b"\x86\xdd", b"\x81\0"])
            raw.send(b"\xff" * 6 + b"\x02\0\0\0\0\1" + kind + random.randbytes(random.randrange(1400)))
        raw.close()
        self.assertEqual(self.get("10.77.0.2", "/small"), (200, b"small\n"))

    def test_what_passes_is_captured(self):
        at = f"/run/weir/{self.weir.process.pid}.sock"
        file = os.path.join(self.dir.name, "capture")
        capture = subprocess.Popen([WEIR, "capture", "--at", at, "-w", file, "--count", "50"])
        lines = subprocess.Popen([WEIR, "capture", "--at", at, "--count", "20"], stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        self.get("10.77.0.2", "/f")
        self.assertEqual(capture.wait(20), 0)
        self.assertIn("10.77.0.2.80", lines.communicate(timeout=20)[0])
        if shutil.which("tshark"):
            bad = subprocess.run(["tshark", "-r", file, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-Y",
                                  "_ws.malformed || ip.checksum.status==0 || tcp.checksum.status==0"], capture_output=True, text=True)
            self.assertEqual((bad.returncode, bad.stdout), (0, ""))
        stat = json.loads(subprocess.run([WEIR, "stat", "--at", at, "--json"], capture_output=True, text=True).stdout)
        self.assertGreater(stat["namespaces"][0]["counters"]["tcp"]["out_segs"]["value"], 50)

    def test_what_tcp_does_is_traced(self):
        at = f"/run/weir/{self.weir.process.pid}.sock"
        picture = os.path.join(self.dir.name, "flow.svg")

        def trace(*args):
            return subprocess.Popen([WEIR, "trace-tcp", "--at", at, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        traces = [trace("--json", "--port", "80"), trace("--svg", picture), trace(), trace("--json", "--port", "81")]
        time.sleep(0.5)
        self.get("10.77.0.2", "/f", Range="bytes=0-999999")
        time.sleep(0.3)
        [t.send_signal(signal.SIGINT) for t in traces]
        told = [t.communicate(timeout=10) for t in traces]
        self.assertEqual([t.returncode for t in traces], [0] * 4, [t[1] for t in told])
        j = json.loads(told[0][0])
        (connection,) = (c for c in j["connections"] if c["local"] == "10.77.0.2:80")
        self.assertLess(abs(j["reference_time_ms"] / 1000 - time.time()), 60)
        events = [(name, data) for _, _, name, data in j["events"] if data["connection"] == connection["id"]]
        self.assertEqual(events[0], ("state_changed", {"connection": connection["id"], "old": "CLOSED", "new": "ESTABLISHED"}))
        sent = sum(data["len"] for name, data in events if name == "segment_sent" and not data["again"])
        self.assertGreaterEqual(sent, 1_000_000)
        acked = max((data["ack"] - connection["iss"]) % 2**32 for name, data in events if name == "ack_received")
        self.assertIn(acked, (sent + 1, sent + 2))  # the FIN
        self.assertEqual(json.loads(told[3][0])["events"], [])
        lines = told[2][0].splitlines()
        self.assertRegex(lines[0], r"^# 1 is \S+ (10\.77|\[fd77)")
        self.assertTrue(any("ESTABLISHED" in line for line in lines))
        root = xml.parse(picture).getroot()
        self.assertTrue([p for p in root.iter("{http://www.w3.org/2000/svg}path") if p.get("class") == "sent" and p.get("data-points")])

    def test_an_interrupted_capture_has_all_that_passed_before(self):
        file = os.path.join(self.dir.name, "interrupted")
        capture = subprocess.Popen([WEIR, "capture", "--at", f"/run/weir/{self.weir.process.pid}.sock", "-w", file])
        for _ in range(100):
            if os.path.exists(file):
                break
            time.sleep(.1)
        time.sleep(.3)
        self.get("10.77.0.2", "/small")
        capture.send_signal(signal.SIGINT)
        self.assertEqual(capture.wait(5), 0)
        data, at, packets = Path(file).read_bytes(), 0, 0
        while at < len(data):
            kind, length = struct.unpack_from("<II", data, at)
            packets += kind == 6
            at += length
        self.assertGreaterEqual(packets, 8)  # handshake, request, answer, ends


class Clients(unittest.TestCase):
    NET = ["--device", "tap:weir1,host=10.78.0.1/24", "--address", "10.78.0.2/24"]

    def test_get_from_a_kernel_server(self):
        data = random.randbytes(5 << 20)
        with tempfile.TemporaryDirectory() as d:
            Path(d, "f").write_bytes(data)
            server = subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "0.0.0.0", "--directory", d, "8000"],
                                      stderr=subprocess.DEVNULL)
            try:
                for _ in range(100):
                    try:
                        socket.create_connection(("127.0.0.1", 8000)).close()
                        break
                    except OSError:
                        time.sleep(.1)
                for output, stdout in (("-", subprocess.PIPE), (f"{d}/out", None)):
                    r = subprocess.run([WEIR, "get", "http://10.78.0.1:8000/f", *self.NET, "--output", output], stdout=stdout, timeout=60)
                    self.assertEqual(r.returncode, 0)
                    self.assertEqual(r.stdout if stdout else Path(output).read_bytes(), data)
                r = subprocess.run([WEIR, "get", "http://10.78.0.1:8000/none", *self.NET], capture_output=True, text=True, timeout=60)
                self.assertEqual(r.returncode, 1)
                self.assertIn("404", r.stderr)
            finally:
                server.kill()
                server.wait()

    def test_ping_the_kernel(self):
        r = subprocess.run([WEIR, "ping", "10.78.0.1", *self.NET, "-c", "5", "-i", "0.05"], capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 0, r)
        self.assertIn("5 received, 0% packet loss", r.stdout)

    def test_nc_with_the_kernel(self):
        listener = socket.create_server(("0.0.0.0", 7000))
        answers = []

        def serve():
            s, _ = listener.accept()
            got = b""
            while part := s.recv(65536):
                got += part
            answers.append(got)
            s.sendall(b"you said " + str(len(got)).encode())
            s.close()
        t = threading.Thread(target=serve)
        t.start()
        r = subprocess.run([WEIR, "nc", "10.78.0.1", "7000", *self.NET], input=b"x" * 1_000_000, capture_output=True, timeout=60)
        t.join()
        self.assertEqual((r.returncode, r.stdout), (0, b"you said 1000000"))


class Services(unittest.TestCase):
    def hang(self, port, n, first):
        hanging = []
        for _ in range(n):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.connect(("10.80.0.2", port))
            s.setblocking(False)
            for _ in range(100):
                try:
                    s.send(first)
                except BlockingIOError:
                    break
            hanging.append(s)
        return hanging

    def test_who_does_not_read_harms_nobody_and_is_served_when_it_does(self):
        for kind, port, first in (("chargen", 19, b""), ("echo", 7, b"x" * 65536)):
            weir = Running("serve", kind, "--device", "tap:weir2,host=10.80.0.1/24", "--address", "10.80.0.2/24")
            try:
                hanging = self.hang(port, 100, first or b"x")
                with socket.create_connection(("10.80.0.2", port), 5) as good:
                    good.sendall(b"hello")
                    self.assertEqual(good.recv(5), b"hello" if kind == "echo" else b" !\"#$")
                for s in hanging:
                    s.settimeout(20)
                    left = 50_000
                    while left > 0:
                        left -= len(s.recv(left)) or self.fail(f"{kind} has ended")
                    s.close()
            finally:
                self.assertEqual(weir.stop()[0], 0)


class Trouble(unittest.TestCase):
    """Whatever goes wrong is told, and the rest goes on."""

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.dir], check=True)

    def tearDown(self):
        subprocess.run(["umount", self.dir], check=True)
        os.rmdir(self.dir)

    def start(self):
        root = tempfile.TemporaryDirectory()
        self.addCleanup(root.cleanup)
        Path(root.name, "big").write_bytes(bytes(8 << 20))
        Path(root.name, "small").write_text("small\n")
        weir = Running("serve", "http", "--device", "tap:weir3,host=10.81.0.1/24", "--address", "10.81.0.2/24", "--root", root.name)
        self.addCleanup(weir.stop)
        return weir

    def get(self, path, at="10.81.0.2"):
        with contextlib.closing(http.client.HTTPConnection(at, timeout=20)) as c:
            c.request("GET", path)
            return c.getresponse().read()

    def test_a_full_disk(self):
        weir = self.start()
        file = f"{self.dir}/capture"
        capture = subprocess.Popen([WEIR, "capture", "-w", file], stderr=subprocess.PIPE, text=True)
        time.sleep(.5)
        self.assertEqual(len(self.get("/big")), 8 << 20)
        self.assertEqual((capture.communicate(timeout=20)[1], capture.returncode), (f"weir: -w {file}: No space left on device\n", 1))
        self.assertEqual(self.get("/small"), b"small\n")
        os.remove(file)
        r = subprocess.run([WEIR, "get", "http://10.81.0.2/big", "--device", "tap:weir4", "--address", "10.82.0.2/24", "--output", "/no/such"],
                           capture_output=True, text=True, timeout=20)
        self.assertEqual((r.returncode, r.stderr), (1, "weir: --output /no/such: No such file or directory\n"))
        self.assertEqual(weir.stop()[0], 0)

    def test_get_onto_a_full_disk(self):
        server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Zeros)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            r = subprocess.run([WEIR, "get", f"http://10.78.0.1:{server.server_port}/", *Clients.NET, "--output", f"{self.dir}/out"],
                               capture_output=True, text=True, timeout=60)
        finally:
            server.shutdown()
            server.server_close()
        self.assertEqual((r.returncode, r.stderr), (1, "weir: the output cannot be written: no space left on the device\n"))

    def test_output_that_nobody_reads(self):
        with open("/dev/full", "w") as full:
            r = subprocess.run([WEIR, "demo", "routes"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
        self.assertEqual((r.returncode, r.stderr), (1, "weir: stdout: No space left on device\n"))
        r = subprocess.run(f"{WEIR} ping 127.0.0.1 --device loopback -i 0.01 | head -1", shell=True, capture_output=True, text=True, timeout=20)
        self.assertEqual((r.stdout, r.stderr), ("PING 127.0.0.1 56 bytes of data\n", ""))

    def test_a_device_that_vanishes(self):
        weir = self.start()
        self.assertEqual(self.get("/small"), b"small\n")
        subprocess.run(["ip", "link", "del", "weir3"], check=True)
        self.assertEqual(weir.read_line(), "weir: device weir3 is gone\n")
        stat = subprocess.run([WEIR, "stat", "--json"], capture_output=True, text=True, timeout=20)
        interfaces = {i["name"]: i["carrier"] for i in json.loads(stat.stdout)["namespaces"][0]["interfaces"]}
        self.assertEqual(interfaces, {"lo": True, "eth0": False})
        self.assertEqual(weir.stop()[0], 0)

    def test_a_network_of_two_namespaces(self):
        file = f"{self.dir}/net.toml"
        Path(file).write_text(f"""
[netns.router]
forward = true
[[netns.router.interface]]
name = "eth0"
device = "tap:weir5,host=10.83.0.1/24,host=fd83::1/64"
addresses = ["10.83.0.2/24", "fd83::2/64"]
[[netns.router.interface]]
name = "eth1"
device = "veth:inner/eth0"
addresses = ["10.84.0.1/24", "fd84::1/64"]
[netns.inner]
[[netns.inner.interface]]
name = "eth0"
addresses = ["10.84.0.2/24", "fd84::2/64"]
[[netns.inner.route]]
to = "default"
via = "10.84.0.1"
[[netns.inner.route]]
to = "default"
via = "fd84::1"
[[netns.inner.service]]
kind = "http"
root = "{self.dir}"
""")
        Path(self.dir, "small").write_text("small\n")
        weir = Running("up", file)
        try:
            subprocess.run(["ip", "route", "add", "10.84.0.0/24", "via", "10.83.0.2"], check=True)
            subprocess.run(["ip", "-6", "route", "add", "fd84::/64", "via", "fd83::2"], check=True)
            for at in ("10.84.0.2", "[fd84::2]"):
                self.assertEqual(self.get("/small", at), b"small\n")
        finally:
            status, seconds = weir.stop()
        self.assertEqual(status, 0)
        self.assertLess(seconds, 1)
        self.assertNotIn("weir5", subprocess.run(["ip", "link"], capture_output=True, text=True).stdout)


class Zeros(http.server.BaseHTTPRequestHandler):
    """Eight megabytes of them."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(8 << 20))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(bytes(8 << 20))

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    enter_namespace()
    unittest.main(argv=sys.argv[:1])
