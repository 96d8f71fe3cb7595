#!/usr/bin/env python3
"""What `make install` puts down is enough: the command runs, and a program elsewhere builds by find_package(weir).

usage: install_test.py CMAKE BUILD_DIR SOURCE_DIR
"""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CMAKE, BUILD, ROOT = sys.argv[1], sys.argv[2], Path(sys.argv[3])

PROJECT = """\
cmake_minimum_required(VERSION 3.25)
project(user CXX)
find_package(weir REQUIRED)
add_executable(user ten_lines.cpp)
target_link_libraries(user PRIVATE weir::weir)
"""


def run(*command):
    r = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if r.returncode != 0:
        raise AssertionError(f"{command}: {r.stdout}{r.stderr}")
    return r.stdout


class Install(unittest.TestCase):
    def test_a_program_elsewhere_builds_with_what_was_installed(self):
        with tempfile.TemporaryDirectory() as d:
            there, user = Path(d) / "usr", Path(d) / "user"
            run(CMAKE, "--install", BUILD, "--prefix", there)
            self.assertIn("weir", run(there / "bin/weir", "--version"))
            self.assertTrue(next(there.rglob("LICENSE")).read_text().startswith("MIT License"))
            self.assertTrue(any(there.rglob("bash-completion/completions/weir")))
            user.mkdir()
            (user / "CMakeLists.txt").write_text(PROJECT)
            (user / "ten_lines.cpp").write_text((ROOT / "examples/ten_lines.cpp").read_text())
            run(CMAKE, "-S", user, "-B", user / "build", f"-DCMAKE_PREFIX_PATH={there}", "-DCMAKE_BUILD_TYPE=Debug")
            run(CMAKE, "--build", user / "build")
            self.assertTrue((user / "build/user").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
