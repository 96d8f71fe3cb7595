#!/usr/bin/env python3
"""tools/check_layers.py finds what breaks the rules, and leaves good code in peace."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import check_layers  # noqa: E402


def body(lines, head="void f() {"):
    """A function of so many lines in all."""
    return head + "\n" + "  step();\n" * (lines - 2) + "}\n"


class CheckLayers(unittest.TestCase):
    def findings(self, files):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name).resolve()
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return check_layers.check(root)[1]

    def good(self, files):
        self.assertEqual(self.findings(files), [])

    def bad(self, files, *wanted):
        found = self.findings(files)
        self.assertEqual(len(found), len(wanted), found)
        for line, want in zip(found, wanted):
            self.assertIn(want, line)

    # --- includes

    def test_left_neighbours_and_its_own_folder_are_allowed(self):
        self.good({"src/tcp/ack.cpp": '#include "tcp/ack.hpp"\n#include "ip/fib.hpp"\n#include "base/seq.hpp"\n#include <array>\n'})

    def test_right_neighbours_are_not(self):
        self.bad({"src/ip/fib.cpp": '#include "base/seq.hpp"\n#include "tcp/tcb.hpp"\n'}, "src/ip/fib.cpp:2: \"tcp/tcb.hpp\": ip must not include tcp")

    def test_subfolders_belong_to_their_folder(self):
        self.good({"src/tcp/cc/reno.cpp": '#include "tcp/cc/concept.hpp"\n#include "wire/tcp.hpp"\n'})
        self.bad({"src/tcp/cc/reno.cpp": '#include "shard/shard.hpp"\n'}, "tcp must not include shard")

    def test_a_header_beside_the_file_is_its_own(self):
        self.good({"src/ip/a.cpp": '#include "tcp/x.hpp"\n', "src/ip/tcp/x.hpp": "\n"})

    def test_simulated_and_real_time_are_apart(self):
        self.good({"src/rt/loop.cpp": '#include "io/tap.hpp"\n'})
        self.bad({"src/rt/loop.cpp": '#include "sim/world.hpp"\n'}, "rt must not include sim")
        self.bad({"src/io/tap.cpp": '#include "sim/world.hpp"\n'}, "io must not include sim")
        self.bad({"src/sim/world.cpp": '#include "io/tap.hpp"\n'}, "sim must not include io")
        self.bad({"src/io/tap.cpp": '#include "rt/loop.hpp"\n'}, "io must not include rt")

    def test_public_headers_count_as_api(self):
        self.good({"src/cli/get.cpp": "#include <weir/weir.hpp>\n", "include/weir/weir.hpp": '#include "base/error.hpp"\n'})
        self.bad({"src/tcp/a.cpp": "#include <weir/stack.hpp>\n"}, "tcp must not include api")
        self.bad({"src/sim/a.cpp": '#include "weir/stack.hpp"\n'}, "sim must not include api")
        self.bad({"include/weir/weir.hpp": '#include "cli/cli.hpp"\n'}, "api must not include cli")

    def test_nothing_climbs_out_of_its_folder(self):
        self.bad({"src/ip/a.cpp": '#include "../base/seq.hpp"\n'}, "start at src/")

    def test_a_folder_must_have_its_place(self):
        self.bad({"src/misc/a.cpp": "\n"}, "src/misc has no place")

    # --- time, chance, threads

    def test_the_core_has_no_threads_streams_or_clock(self):
        for header in ("thread", "mutex", "random", "iostream", "chrono", "condition_variable", "future"):
            self.bad({"src/shard/a.cpp": f"#include <{header}>\n"}, f"<{header}>")
            self.good({"src/rt/a.cpp": f"#include <{header}>\n"})
        self.good({"src/base/a.cpp": "#include <atomic>\n"})

    def test_the_core_asks_nobody_for_the_time(self):
        self.bad({"src/tcp/a.cpp": "void f() { clock_gettime(0, p); }\n"}, "clock_gettime")
        self.bad({"src/base/a.cpp": "auto t = std::chrono::steady_clock::now();\n"}, "std::chrono")
        self.good({"src/tcp/a.cpp": '// std::chrono is not for us\nconst char* s = "clock_gettime(";\nInstant time(Instant t);\n'})
        self.good({"src/io/a.cpp": "void f() { clock_gettime(0, p); }\n"})

    # --- sizes

    def test_files_of_600_lines_are_the_longest(self):
        self.good({"src/base/a.hpp": "\n" * 600})
        self.bad({"src/base/a.hpp": "\n" * 601}, "src/base/a.hpp:1: 601 lines")

    def test_functions_of_70_lines_are_the_longest(self):
        self.good({"src/base/a.cpp": body(70)})
        self.bad({"src/base/a.cpp": "\n" + body(71)}, "src/base/a.cpp:2: f: 71 lines")

    def test_functions_are_found_where_they_stand(self):
        for head in (
            "namespace weir {\ntemplate <class T, class U = std::pair<T, int>>\nrequires (sizeof(T) > 1)\nauto f(T t) -> int {",
            "struct A {\n  bool operator==(const A& o) const noexcept {",
            "struct A : B {\n  explicit A(int x = {}) noexcept : B(x), y_{x}, z_(0) {",
            "class alignas(64) A {\n public:\n  Foo f() const noexcept override {",
            "struct tm* f(int x) {",
            "void A::f(std::span<const std::byte> s, char c = '{', int n = 1'000) {",
            'extern "C" {\nint f(const char* s = "}{") {',
            "TEST(suite, name) {",
        ):
            with self.subTest(head):
                found = self.findings({"src/base/a.cpp": body(80, head) + "};\n" * (head.count("{\n"))})
                self.assertEqual(len(found), 1, found)
                self.assertIn("lines, and 70 are the limit for a function", found[0])

    def test_tables_types_and_macros_are_no_functions(self):
        rows = "  {1, 2},\n" * 90
        self.good({"src/base/a.cpp": "constexpr int table[] = {\n" + rows + "};\n"})
        self.good({"src/base/a.cpp": "int table[90][2]{\n" + rows + "};\n"})
        self.good({"src/base/a.cpp": "enum class E : u8 {\n" + "  a,\n" * 90 + "};\n"})
        self.good({"src/base/a.cpp": "struct S {\n" + "  int a = f(1);\n" * 90 + "};\n"})
        self.good({"src/base/a.cpp": "template <class T>\nconcept C = requires(T t) {\n" + "  t.f();\n" * 90 + "};\n"})
        self.good({"src/base/a.cpp": "#define M(x) \\\n" + "  void f() { x } \\\n" * 90 + "\n"})

    def test_what_is_in_comments_and_strings_does_not_count(self):
        self.good({"src/base/a.cpp": "/* void f() {\n" + "\n" * 90 + "*/\n// {\nvoid g() {}\n"})
        self.good({"src/base/a.cpp": 'auto s = R"x(\nvoid f() {' + "\n" * 90 + ')x";\nvoid g() {}\n'})

    def test_braces_of_two_preprocessor_branches_count_once(self):
        text = "#if A\nvoid f() {\n#else\nvoid f(int) {\n#endif\n}\n" + "int x;\n" * 90
        self.good({"src/base/a.cpp": text})

    def test_a_short_function_after_a_long_initialiser_is_short(self):
        self.good({"src/base/a.cpp": "const T t{\n" + "  1,\n" * 90 + "};\nvoid f() {\n}\n"})


if __name__ == "__main__":
    unittest.main()
