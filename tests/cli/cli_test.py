#!/usr/bin/env python3
"""The command from outside: usage errors, help, version, exit status. Needs no privileges.

usage: cli_test.py WEIR SOURCE_DIR
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

WEIR, ROOT = sys.argv[1], Path(sys.argv[2])
VERBS = ["serve", "get", "ping", "nc", "up", "sim", "drill", "capture", "trace-tcp", "stat", "ss", "bench", "demo"]
NETWORK = ["--device", "loopback"]


def weir(*args, **more):
    return subprocess.run([WEIR, *map(str, args)], capture_output=True, text=True, timeout=120, **more)


class Usage(unittest.TestCase):
    def wrong(self, *args, says):
        r = weir(*args)
        self.assertEqual(r.returncode, 2, (args, r))
        self.assertEqual(r.stdout, "", args)
        for what in [says] if isinstance(says, str) else says:
            self.assertIn(what, r.stderr, args)

    def test_what_was_wrong_is_named(self):
        self.wrong(says="subcommand")
        self.wrong("frobnicate", says="frobnicate")
        self.wrong("--frobnicate", says="frobnicate")
        self.wrong("serve", says="KIND")
        self.wrong("serve", "gopher", *NETWORK, says="gopher")
        self.wrong("serve", "http", "--device", "nonsense:x", "--address", "1.2.3.4/24", says=["nonsense", "tap:"])
        self.wrong("serve", "http", "--device", "xdp:eth0", says="not there yet")
        self.wrong("serve", "http", "--device", "tap:", says="tap:NAME")
        self.wrong("serve", "http", "--device", "tap:a,speed=9", says="speed")
        self.wrong("serve", "http", says="--device")
        self.wrong("serve", "http", *NETWORK, "--address", "10.0.0.1", says=["10.0.0.1", "prefix length"])
        self.wrong("serve", "http", *NETWORK, "--address", "10.0.0.1/33", says="10.0.0.1/33")
        self.wrong("serve", "http", *NETWORK, "--address", "dhcp", says="not there yet")
        self.wrong("serve", "http", *NETWORK, "--gateway", "router", says="router")
        self.wrong("serve", "http", *NETWORK, "--mac", "01:00:00:00:00:00", says="unicast")
        self.wrong("serve", "http", *NETWORK, "--mtu", "67", says="67")
        self.wrong("serve", "http", *NETWORK, "--vlan", "5", says="not there yet")
        self.wrong("serve", "http", *NETWORK, "--dns", "1.1.1.1", says="not there yet")
        self.wrong("serve", "http", *NETWORK, "--port", "0", says="--port")
        self.wrong("serve", "http", *NETWORK, "--port", "x", says="--port")
        self.wrong("serve", "http", *NETWORK, "--root", "/no/such/directory", says="/no/such/directory")
        self.wrong("serve", "http", *NETWORK, "--net", "x.toml", says="--net")
        self.wrong("get", *NETWORK, says="URL")
        self.wrong("get", "https://1.2.3.4/", *NETWORK, says="https")
        self.wrong("get", "http://name/", *NETWORK, says="name")
        self.wrong("ping", "name", *NETWORK, says="name")
        self.wrong("ping", "::1", *NETWORK, "--count", "-1", says="--count")
        self.wrong("nc", "::1", "99999", *NETWORK, says="99999")
        script = ROOT / "tests/conformance/rfc9293/closed_syn_is_reset.pkt"
        self.wrong("drill", says="SCRIPT")
        self.wrong("drill", "/no/such/script.pkt", says="/no/such/script.pkt")
        self.wrong("drill", "--family", "ipv5", script, says="ipv5")
        self.wrong("drill", "--local", "nowhere", script, says="nowhere")
        self.wrong("drill", "--define", "X", script, says="NAME=VALUE")
        self.wrong("nc", "::1", *NETWORK, says="PORT")
        self.wrong("capture", "--count", "0", says="--count")
        self.wrong("trace-tcp", "--port", "0", says="--port")
        self.wrong("trace-tcp", "--for", "5", says=["--for 5", "10s"])
        for pair in ("x", "10.0.0.1:80", "10.0.0.1:80-", "-", "10.0.0.1:80-10.0.0.2", "fd00::1:80-fd00::2:90"):
            self.wrong("trace-tcp", f"--connection={pair}", says=["--connection", "LOCAL:PORT-REMOTE:PORT"])
        self.wrong("trace-tcp", "--json", "--svg", "x", says="--svg")
        self.wrong("trace-tcp", "--port", "1", "--connection", "10.0.0.1:1-10.0.0.2:2", says="--connection")
        self.wrong("stat", "extra", says="extra")
        self.wrong("demo", says="WHAT")
        self.wrong("demo", "nothing", says="nothing")
        self.wrong("bench", "no-such-case", says="no-such-case")

    def test_files_that_are_not_there(self):
        self.wrong("up", "/no/such/file.toml", says="/no/such/file.toml")
        self.wrong("sim", "/no/such/file.toml", says="/no/such/file.toml")

    def test_a_mistake_in_a_network_file_is_told_with_its_line(self):
        a = '[netns.a]\n[[netns.a.interface]]\nname = "eth0"\naddresses = ["10.0.0.1/24"]\n'
        b = '[netns.b]\n[[netns.b.interface]]\nname = "eth0"\naddresses = ["10.0.0.2/24"]\n'
        link = '[[link]]\nbetween = ["a:eth0", "b:eth0"]\n'
        service = '[[netns.a.service]]\nkind = "{}"\n'
        with tempfile.TemporaryDirectory() as d:
            file = Path(d, "net.toml")
            for text, status, says in [
                    ("", 2, f"{file}:1: no [netns.NAME]"),
                    ("[netns.a\n", 2, f"{file}:1: "),
                    (a + "adresses = 1\n" + b + link, 2, [f"{file}:5: ", '"adresses"', 'did you mean "addresses"']),
                    (a + b + link + 'dealy = "1ms"\n', 2, [f"{file}:11: ", 'did you mean "delay"']),
                    (a + b + link + 'delay = "1m"\nloss = "200%"\n', 2, [f"{file}:11: ", "10ms", f"{file}:12: ", "0.1%"]),
                    (a + b + '[[link]]\nbetween = ["a:eth0", "c:eth0"]\n', 2, [f"{file}:10: ", "c:eth0"]),
                    (a + b, 2, [f"{file}:2: ", "neither a device nor a [[link]]"]),
                    (a + 'device = "tapp:x"\n', 2, [f"{file}:5: ", "tapp", "tap:NAME"]),
                    (a.replace("10.0.0.1", "224.0.0.1") + b + link, 2, [f"{file}:4: ", "224.0.0.1"]),
                    ('[netns.a]\nsysctl = { tcp_keepalive_tim = 5 }\n', 2, [f"{file}:2: ", 'did you mean "tcp_keepalive_time"']),
                    (a + service.format("htp") + b + link, 2, [f"{file}:5: ", 'did you mean "http"']),
                    (a + service.format("http") + 'root = "/no/such"\n' + b + link, 1, [f"{file}:5: ", "/no/such"]),
                    (a + 2 * service.format("echo") + b + link, 1, [f"{file}:7: ", "taken"]),
                    (a + '[[netns.a.route]]\nto = "default"\nvia = "10.9.0.1"\n' + b + link, 1, [f"{file}:5: ", "route"])]:
                file.write_text(text)
                r = weir("sim", file)
                self.assertEqual((r.returncode, r.stdout), (status, ""), (text, r))
                for what in [says] if isinstance(says, str) else says:
                    self.assertIn(what, r.stderr, text)

    def test_wrong_options_of_sim(self):
        file = ROOT / "examples/two-hosts.toml"
        self.wrong("sim", file, "--for", "0", says=["--for 0", "10s"])
        self.wrong("sim", file, "--for", "-1s", says="--for -1s")
        self.wrong("sim", file, "--for", "5", says="--for 5")
        for seed in ("x", "-1", "99999999999999999999999"):
            self.wrong("sim", file, "--seed", seed, says=["--seed", seed])
        self.wrong("sim", ROOT, says=str(ROOT))
        self.wrong("up", file, says=[f"{file}:9: ", "weir sim only"])

    def test_help_everywhere(self):
        r = weir("--help")
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        for verb in VERBS:
            self.assertRegex(r.stdout, rf"(?m)^ +{verb} ")
            h = weir(verb, "--help")
            self.assertEqual((h.returncode, h.stderr), (0, ""), verb)
            self.assertIn(verb, h.stdout)
        self.assertIn("--address", weir("serve", "--help").stdout)

    def test_completion_knows_the_verbs_and_their_options(self):
        text = (ROOT / "tools/completion/weir.bash").read_text()
        self.assertEqual(re.search(r"_weir_verbs='(.*?)'", text).group(1).split(), VERBS)
        for verb in VERBS:
            if verb == "bench":
                continue
            known = set(re.findall(r"(?<![\w-])(--?[a-z]+(?:-[a-z]+)*)", weir(verb, "--help").stdout)) - {"-h", "--help", "-c", "-i", "-s", "-W", "-u", "-j", "-v"}
            line = subprocess.run(["bash", "-c", f"source {ROOT}/tools/completion/weir.bash; _weir_options {verb}"], capture_output=True, text=True)
            self.assertLessEqual(known, set(line.stdout.split()), verb)

    def test_completion_is_in_the_command(self):
        r = weir("--completion", "bash")
        self.assertEqual((r.returncode, r.stdout, r.stderr), (0, (ROOT / "tools/completion/weir.bash").read_text(), ""))
        self.wrong("--completion", "fish", says="bash")

    def test_version(self):
        r = weir("--version")
        self.assertEqual(r.returncode, 0)
        self.assertRegex(r.stdout, r"^weir \d+\.\d+\.\d+\n")
        self.assertIn("optional parts", r.stdout)


class Work(unittest.TestCase):
    def fails(self, *args, says):
        r = weir(*args)
        self.assertEqual(r.returncode, 1, (args, r))
        self.assertIn(says, r.stderr, args)

    def test_what_cannot_be_done(self):
        self.fails("get", "http://127.0.0.1:9/", *NETWORK, says="refused")
        self.fails("get", "http://203.0.113.1/", *NETWORK, says="no route")
        self.fails("nc", "127.0.0.1", "9", *NETWORK, says="refused")
        self.fails("ping", "203.0.113.1", *NETWORK, "--count", "1", says="no route")
        self.fails("stat", "--at", "/no/such.sock", says="/no/such.sock")
        self.fails("ss", "--at", "/no/such.sock", says="/no/such.sock")
        self.fails("capture", "--at", "/no/such.sock", says="/no/such.sock")
        self.fails("trace-tcp", "--at", "/no/such.sock", says="/no/such.sock")
        self.fails("sim", ROOT / "examples/two-hosts.toml", "--for", "1ms", "--plot", "/dev/null/plots", says="/dev/null/plots")
        self.fails("get", "http://127.0.0.1/", *NETWORK, "--output", "/no/such/file", says="/no/such/file")

    def test_ping_itself(self):
        r = weir("ping", "127.0.0.1", *NETWORK, "--count", "3", "--interval", "0.01")
        self.assertEqual(r.returncode, 0, r)
        self.assertIn("3 packets transmitted, 3 received, 0% packet loss", r.stdout)
        r = weir("ping", "::1", *NETWORK, "--count", "2", "--interval", "0.01", "--json")
        self.assertEqual(json.loads(r.stdout)["received"], 2)

    def test_ends_by_a_signal_with_status_0(self):
        for verb in (["serve", "echo", *NETWORK], ["ping", "127.0.0.1", *NETWORK]):
            for signal in (2, 15):
                p = subprocess.Popen([WEIR, *verb], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                (p.stderr if verb[0] == "serve" else p.stdout).readline()
                p.send_signal(signal)
                out, err = p.communicate(timeout=5)
                self.assertEqual(p.returncode, 0, (verb, signal, out, err))

    def test_a_running_weir_tells_about_itself(self):
        with tempfile.TemporaryDirectory() as runtime:
            env = {"XDG_RUNTIME_DIR": runtime, "PATH": "/usr/bin:/bin"}
            p = subprocess.Popen([WEIR, "serve", "echo", *NETWORK], stderr=subprocess.PIPE, text=True, env=env)
            try:
                self.assertEqual(p.stderr.readline(), "ready\n")
                paths = [Path(d) / f"{p.pid}.sock" for d in ("/run/weir", f"{runtime}/weir")]
                at = next(path for path in paths if path.exists())
                sockets = json.loads(weir("ss", "--at", at, "--json", env=env).stdout)
                self.assertIn(("tcp", "[::]:7"), [(s["protocol"], s["local"]) for s in sockets])
                self.assertIn("udp", [s["protocol"] for s in sockets])
                stat = json.loads(weir("stat", "--at", at, "--json", env=env).stdout)
                self.assertEqual(stat["namespaces"][0]["interfaces"][0]["name"], "lo")
                self.assertEqual(stat["namespaces"][0]["counters"]["tcp"]["in_segs"]["mib"], "tcpHCInSegs")
                self.assertIn("LISTEN", weir("ss", "--at", at, env=env).stdout)
                self.assertEqual(weir("capture", "--at", at, "--duration", "0.1", "-w", f"{runtime}/c", env=env).returncode, 0)
                trace = ["trace-tcp", "--at", at, "--for", "100ms"]
                self.assertEqual(json.loads(weir(*trace, "--json", env=env).stdout)["events"], [])
                for args, says in ((["--svg", f"{runtime}/x.svg"], "nothing to draw"), (["--netns", "none"], 'no namespace "none"')):
                    r = weir(*trace, *args, env=env)
                    self.assertEqual(r.returncode, 1, args)
                    self.assertIn(says, r.stderr)
            finally:
                p.terminate()
                p.communicate(timeout=5)
            self.assertFalse(at.exists())

    def test_demos(self):
        for what, says in {"handshake": "Flags [S.]", "states": "11 of 11 states", "routes": "no route", "buffers": "no byte copied",
                           "timers": "keepalive"}.items():
            r = weir("demo", what)
            self.assertEqual(r.returncode, 0, r)
            self.assertIn(says, r.stdout, what)

    def test_network_files_of_the_pages(self):
        with tempfile.TemporaryDirectory() as d:
            for page in [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/verbs/*.md")]:
                for text in re.findall(r"```toml\n(.*?)```", page.read_text(), re.S):
                    file = Path(d, "net.toml")
                    file.write_text(text)
                    r = weir("sim", file, "--for", "1s")
                    self.assertEqual((r.returncode, r.stderr), (0, ""), page)

    def test_settings_of_the_guide_are_those_there_are(self):
        guide = (ROOT / "docs/guide.md").read_text().split("## Settings")[1].split("##")[0]
        rows = re.findall(r"(?m)^\| (`[^|]*`) \| ([^|]*) \|", guide)
        told = set()
        for names, values in rows:
            names = [re.sub("^_", "tcp_keepalive_", n) for n in re.findall(r"`(\w+)`", names)]
            values = (values.split(", ") * len(names))[:len(names)]
            told |= set(names)
            for name, value in zip(names, values):
                with tempfile.TemporaryDirectory() as d:
                    file = Path(d, "net.toml")
                    file.write_text(f"[netns.a]\nsysctl = {{ {name} = {dict(on='true', off='false').get(value, value.strip('`'))} }}\n")
                    self.assertEqual(weir("sim", file, "--for", "1s").returncode, 0, (name, value))
        source = (ROOT / "src/api/sysctl_names.cpp").read_text()
        self.assertEqual(told, set(re.findall(r'^    \{"(\w+)", Kind::', source, re.M)) | {"tcp_congestion_control"})

    def test_simulation_of_a_file_server_and_bad_lines(self):
        text = """
[netns.client]
[[netns.client.interface]]
name = "eth0"
addresses = ["10.0.0.1/24"]
[[netns.client.service]]
kind = "rpc"
to = "10.0.0.2"
[[netns.client.service]]
kind = "bulk"
to = "10.0.0.2"
port = 80
bytes = 1000
[netns.server]
[[netns.server.interface]]
name = "eth0"
addresses = ["10.0.0.2/24"]
[[netns.server.service]]
kind = "http"
[[netns.server.service]]
kind = "rpc"
[[link]]
between = ["client:eth0", "server:eth0"]
rate = "100Mbit/s"
delay = "10ms"
jitter = "1ms"
loss = "1%"
duplicate = "1%"
reorder = "1%"
queue = "64KiB"
"""
        with tempfile.TemporaryDirectory() as d:
            Path(d, "net.toml").write_text(text)
            r = weir("sim", f"{d}/net.toml", "--for", "20s", "--json", "--pcap", f"{d}/captures", cwd=d)
            self.assertEqual((r.returncode, r.stderr), (0, ""), r.stdout)
            report = json.loads(r.stdout)
            self.assertEqual((report["time_s"], report["violations"]), (20.0, []))
            self.assertIn('"time_s": 20.0,', r.stdout)
            self.assertEqual([f["kind"] for f in report["flows"]], ["rpc", "bulk"])
            self.assertTrue(all(f["completion_s"] for f in report["flows"]), report["flows"])
            (capture,) = Path(d, "captures").iterdir()
            self.assertEqual(capture.name, "client.eth0-server.eth0.pcapng")
            if shutil.which("tshark"):
                bad = subprocess.run(["tshark", "-r", capture, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-Y",
                                      "_ws.malformed || ip.checksum.status==0 || tcp.checksum.status==0"], capture_output=True, text=True)
                self.assertEqual((bad.returncode, bad.stdout), (0, ""))

    def test_drill_runs_scripts_and_says_what_differs(self):
        conformance = ROOT / "tests/conformance/rfc9293"
        scripts = sorted(conformance.glob("listen_*.pkt"))
        r = weir("drill", "--strict-end", "-j", "4", *scripts)
        self.assertEqual((r.returncode, r.stderr), (0, ""), r.stdout)
        self.assertIn(f"{len(scripts)} passed, 0 failed, 0 not understood", r.stdout)
        with tempfile.TemporaryDirectory() as d:
            bad, odd = Path(d) / "bad.pkt", Path(d) / "odd.pkt"
            bad.write_text("0 < S 0:0(0) win 100\n+0 > R. 0:0(0) ack 2\n")
            odd.write_text("0 frobnicate() = 0\n")
            r = weir("drill", bad)
            self.assertEqual(r.returncode, 1)
            self.assertIn(f"FAIL  {bad}:2:1: another packet was sent", r.stdout)
            self.assertIn("ack 1", r.stdout)
            r = weir("drill", "--json", bad, odd)
            self.assertEqual(r.returncode, 2)
            report = json.loads(r.stdout)
            self.assertEqual([x["result"] for x in report], ["failed", "not understood"])
            self.assertEqual((report[1]["line"], report[1]["column"]), (1, 1))
            self.assertIn("frobnicate", report[1]["message"])

    def test_pictures_of_a_simulation(self):
        def points(svg, style):
            return sum(int(path.get("data-points")) for path in svg.iter("{http://www.w3.org/2000/svg}path")
                       if path.get("class") == style and path.get("data-points"))
        with tempfile.TemporaryDirectory() as d:
            args = ["sim", ROOT / "examples/two-hosts.toml", "--seed", "3", "--json"]
            r = weir(*args, "--plot", f"{d}/plots")
            self.assertEqual((r.returncode, r.stderr), (0, ""), r)
            report = json.loads(r.stdout)
            self.assertEqual(report["digest"], json.loads(weir(*args).stdout)["digest"], "drawing changes nothing")
            page = xml.fromstring(Path(d, "plots/index.html").read_text())
            shown = [image.get("src") for image in page.iter("img")]
            self.assertEqual(sorted(shown), sorted(p.name for p in Path(d, "plots").iterdir() if p.name != "index.html"))
            port = report["flows"][0]["local"].split(":")[1]
            self.assertEqual(shown, [f"client.{port}-server.5001.svg", "client.eth0-server.eth0.svg"])
            flow, link = (xml.parse(Path(d, "plots", name)).getroot() for name in shown)
            self.assertGreater(report["flows"][0]["retransmissions"], 0)
            for style in ("sent", "again", "ack", "window", "sack", "lost", "cwnd", "ssthresh", "flight", "rtt", "srtt"):
                self.assertGreater(points(flow, style), 0, style)
            self.assertLessEqual(points(flow, "sent") + points(flow, "again"), report["flows"][0]["segments"])
            drops = [x["drops"] for x in report["links"][0]["directions"]]
            self.assertEqual(points(link, "drop"), sum(x["queue"] for x in drops))
            self.assertEqual(points(link, "loss"), sum(x["loss"] + x["script"] for x in drops))
            self.assertGreater(points(link, "queue"), 0)
            again = weir(*args, "--plot", f"{d}/again")
            self.assertEqual(again.returncode, 0)
            for name in shown:
                self.assertEqual(Path(d, "plots", name).read_bytes(), Path(d, "again", name).read_bytes(), name)

    def test_simulation_is_the_same_each_time(self):
        args = ["sim", ROOT / "examples/two-hosts.toml", "--for", "30s", "--json"]
        runs = [json.loads(weir(*args, "--seed", seed).stdout) for seed in (1, 1, 2)]
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0]["digest"], runs[2]["digest"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
