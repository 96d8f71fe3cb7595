#!/usr/bin/env python3
"""Writes docs/mission.md from docs/mission.csv: what weir is to have, where it is, and which test shows it.

A row of the CSV is number,area,item,where,test. `where` and `test` hold paths of the repository, separated by spaces; a path may be
followed by #name of something in that file. Both are empty as long as an item is not there.

usage: mission.py [--check] [--root DIR]
--check writes nothing; exit status 1 if the page is out of date. A path or name that does not exist is an error, with exit status 2.
"""
import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
import generated  # noqa: E402

COLUMNS = "number area item where test".split()


def missing(entry, root):
    """What is wrong with a path or path#name, or None."""
    path, _, name = entry.partition("#")
    if not (root / path).exists():
        return f"no such file: {path}"
    if name and (not (root / path).is_file() or name not in (root / path).read_text(encoding="utf-8", errors="replace")):
        return f"no {name} in {path}"
    return None


def links(text):
    return "<br>".join(f"[{generated.cell(entry.replace('#', ': '))}](../{entry.partition('#')[0]})" for entry in text.split())


def page(rows):
    done = sum(1 for row in rows if row["where"])
    tested = sum(1 for row in rows if row["where"] and row["test"])
    out = ["# What weir is to have", "",
           "Written by tools/mission.py from mission.csv; do not edit. An item is a capability, a structure, an operation, a constant or a",
           "target under its usual name in the field. The column *where* names the code that has it, *test* what shows that it works.", "",
           f"{len(rows)} items: {done} in place, {tested} of them with a test named here, {len(rows) - done} not yet."]
    area = None
    for row in rows:
        if row["area"] != area:
            area = row["area"]
            out += ["", f"## {area}", "", "| | item | where | test |", "|---:|---|---|---|"]
        out.append(f"| {row['number']} | {generated.cell(row['item'])} | {links(row['where']) or 'not yet'} | {links(row['test'])} |")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description="writes docs/mission.md from docs/mission.csv")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if the page is out of date")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    rows = generated.read_rows(root / "docs/mission.csv", COLUMNS)
    wrong = []
    for expected, row in enumerate(rows, 1):
        if row["number"] != str(expected):
            wrong.append(f"docs/mission.csv:{expected + 1}: number {row['number']}, and {expected} is next")
        problems = [missing(entry, root) for entry in (row["where"] + " " + row["test"]).split()]
        wrong += [f"docs/mission.csv:{expected + 1}: {problem}" for problem in problems if problem]
    if wrong:
        print("\n".join(wrong))
        return 2
    return generated.update({root / "docs/mission.md": page(rows)}, root, "tools/mission.py", arguments.check)


if __name__ == "__main__":
    sys.exit(main())
