"""What the tools that write pages under docs/ have in common."""
import csv
import sys


def read_rows(path, columns):
    """The rows of a CSV file as dictionaries; the header must be exactly `columns`."""
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != columns:
            sys.exit(f"{path}: the first line must be {','.join(columns)}")
        rows = list(reader)
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            sys.exit(f"{path}:{number}: {len(columns)} columns are expected; a text with a comma stands in quotes")
    return rows


def update(pages, root, tool, check):
    """Writes {path: text}, or with `check` only tells which are out of date. The exit status."""
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if check:
        for path in stale:
            print(f"{path.relative_to(root)}: out of date: run {tool}")
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
        print(f"wrote {path.relative_to(root)}")
    return 0


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")
