#!/usr/bin/env python3
"""tools/mutate_tags.py finds the statement under a tag, and knows what it must not delete."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import mutate_tags  # noqa: E402
import rfc_matrix  # noqa: E402


def span(text, index=0):
    """The lines of the statement, from 0, first and last."""
    return mutate_tags.statement_after(text.split("\n"), index)


class MutateTags(unittest.TestCase):
    def test_statements_end_at_their_semicolon_or_brace(self):
        self.assertEqual(span("f();\ng();"), (0, 0))
        self.assertEqual(span("f(a,\n  b);\ng();"), (0, 1))
        self.assertEqual(span("if (a) return b;\nc();"), (0, 0))
        self.assertEqual(span("if (a) {\n  b();\n}\nc();"), (0, 2))
        self.assertEqual(span("for (int i = 0; i < 2; ++i) { f(); }\nc();"), (0, 0))
        self.assertEqual(span("x = S{\n  .a = 1};\nc();"), (0, 1))
        self.assertEqual(span("f([&] {\n  g();\n});\nc();"), (0, 2))

    def test_comments_and_empty_lines_are_stepped_over(self):
        self.assertEqual(span("\n// why; not\nf();"), (2, 2))

    def test_what_is_no_statement_is_left(self):
        for text in ("case a: f();", "default: break;", "}", "else f();", "struct S {", "if (a) {\n b();\n} else {\n c();\n}",
                     "if (a) b();\nelse c();", "a, b);", "red,\ngreen", "template <class T>\nvoid f() {}"):
            with self.subTest(text):
                self.assertIsNone(span(text))

    def test_function_heads_and_declarations_are_skipped(self):
        text = "//= rfc9293#3.1 MUST-1\nint f() {\n  //= rfc9293#3.1 MUST-2\n  g();\n  return 1;\n}\n//= rfc9293#3.1 MUST-3\nint x = 1;\n"
        with tempfile.TemporaryDirectory() as name:
            root = Path(name).resolve()
            (root / "src").mkdir()
            (root / "src/a.cpp").write_text(text)
            found, skipped = mutate_tags.mutants(root, rfc_matrix.collect(root))
        self.assertEqual([(m.first, m.last, m.rules) for m in found], [(4, 4, frozenset({("rfc9293", "MUST-2")}))])
        self.assertEqual(len(skipped), 2)


if __name__ == "__main__":
    unittest.main()
