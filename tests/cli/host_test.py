#!/usr/bin/env python3
"""weir as a host on a TAP device, in a network namespace of its own, with the kernel as its peer: both families.

usage: host_test.py WEIR      exit status 77 (skipped) where that cannot be had: no root, no /dev/net/tun, no namespaces
"""
import hashlib
import http.client
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
from pathlib import Path

WEIR = os.path.abspath(sys.argv[1])
CLONE_NEWNET = 0x40000000


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def enter_namespace():
    """This process and its children, weir among them, get a network of their own. It goes away with them."""
    import ctypes
    if os.geteuid() != 0 or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        skip("needs root and /dev/net/tun")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        skip("may not create network namespaces")
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

    def stop(self):
        start = time.monotonic()
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
        c = http.client.HTTPConnection(host, timeout=20)
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
        c = http.client.HTTPConnection("10.77.0.2", timeout=10)
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


if __name__ == "__main__":
    enter_namespace()
    unittest.main(argv=sys.argv[:1])
