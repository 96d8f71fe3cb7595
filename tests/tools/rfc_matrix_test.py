#!/usr/bin/env python3
"""tools/rfc_matrix.py joins tags with requirements, and refuses tags that name none."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import rfc_matrix  # noqa: E402

TABLE = """id,level,area,rule,section,part
MUST-1,MUST,a,one,3.1,here
MUST-2,MUST,a,two,3.2,here
MAY-1,MAY,a,three,3.3,here
SHLD-1,SHOULD,a,four,3.4,ecn
"""


class RfcMatrix(unittest.TestCase):
    def pages(self, files):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name).resolve()
            for path, text in {"docs/rfc/rfc9293.csv": TABLE, **files}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return {path.name: text for path, text in rfc_matrix.pages(root).items()}

    def row(self, files, wanted):
        lines = [line for line in self.pages(files)["rfc9293.md"].split("\n") if line.startswith(f"| {wanted} |")]
        self.assertEqual(len(lines), 1)
        return [cell.strip() for cell in lines[0].strip("|").split("|")][-2:]

    def test_what_nobody_names_is_a_hole(self):
        self.assertEqual(self.row({}, "MUST-1"), ["**hole**", "**hole**"])

    def test_options_and_other_parts_are_no_holes(self):
        self.assertEqual(self.row({}, "MAY-1"), ["-", "-"])
        self.assertEqual(self.row({}, "SHLD-1"), ["", ""])

    def test_code_and_tests_are_linked(self):
        files = {"src/tcp/a.cpp": "  //= rfc9293#3.1 MUST-1, MUST-2\n  f();\n",
                 "tests/tcp/a_test.cpp": "TEST(tcp, one) {\n  //= rfc9293#3.1 MUST-1\n}\n//= rfc9293#3.2 MUST-2\n// why\nTEST_F(tcp, two) {\n}\n",
                 "tests/conformance/x.pkt": "#= rfc9293#3.1 MUST-1\n"}
        self.assertEqual(self.row(files, "MUST-1"), [
            "[tcp/a.cpp](../../src/tcp/a.cpp)",
            "[conformance/x.pkt](../../tests/conformance/x.pkt)<br>[tcp.one](../../tests/tcp/a_test.cpp)"])
        self.assertEqual(self.row(files, "MUST-2"), ["[tcp/a.cpp](../../src/tcp/a.cpp)", "[tcp.two](../../tests/tcp/a_test.cpp)"])

    def test_a_tag_may_follow_code_and_may_stand_twice(self):
        files = {"src/tcp/a.cpp": "f();  //= rfc9293#3.1 MUST-1\n//= rfc9293#3.1 MUST-1\n"}
        self.assertEqual(self.row(files, "MUST-1"), ["[tcp/a.cpp](../../src/tcp/a.cpp)", "**hole**"])

    def test_lines_may_move_without_a_new_page(self):
        one = self.pages({"src/a.cpp": "//= rfc9293#3.1 MUST-1\n"})
        self.assertEqual(one, self.pages({"src/a.cpp": "\n\n\n//= rfc9293#3.1 MUST-1\n"}))

    def test_other_rfcs_are_listed_by_section(self):
        text = self.pages({"src/a.cpp": "//= rfc5961#3.2\n//= rfc815#1\n//= rfc3042#2 limited-transmit\n"})["README.md"]
        self.assertIn("| 3042 | 2 | limited-transmit | [a.cpp]", text)
        self.assertIn("| 5961 | 3.2 |  | [a.cpp](../../src/a.cpp) | **hole** |", text)
        self.assertLess(text.index("| 815 |"), text.index("| 5961 |"))

    def test_a_tag_that_names_nothing_is_refused(self):
        for line in ("//= rfc9293#3.1 MUST-99", "//= rfc9293#3.1 N01", "//= rfc9293#3.1 must-1", "//= rfc9293#3.1 MUST-1 and more", "//= rfc5961#3.2 MUST-1", "//= rfc 9293", "//= RFC9293#3.1 MUST-1"):
            with self.subTest(line), self.assertRaises(rfc_matrix.BadTag):
                self.pages({"src/a.cpp": line + "\n"})


if __name__ == "__main__":
    unittest.main()
