#!/usr/bin/env python3
"""The program in README.md is examples/ten_lines.cpp, which is compiled."""
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class Readme(unittest.TestCase):
    def test_shows_the_example(self):
        programs = re.findall(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
        self.assertIn((ROOT / "examples/ten_lines.cpp").read_text(), programs)

    def test_ten_lines(self):
        lines = [l for l in (ROOT / "examples/ten_lines.cpp").read_text().split("\n") if l.strip(" }")]
        self.assertLessEqual(len(lines), 10)


if __name__ == "__main__":
    unittest.main()
