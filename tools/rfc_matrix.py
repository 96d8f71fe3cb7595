#!/usr/bin/env python3
"""Joins requirements of RFCs with the code that meets them and the tests that prove it: docs/rfc/*.md.

A requirement is a row of docs/rfc/rfcNNNN.csv. Code under src/ and include/ and tests under tests/ name it in a comment of its own:

    //= rfc9293#3.8.6.3 MUST-40            in C++, above the statement that does it or the test that proves it
    //= rfc9293#3.8.4 MUST-24, MUST-25     several at once
    //= rfc5961#3.2                        a section, of an RFC without a table here
    //= rfc3042#2 limited-transmit         one rule of such a section, named by ourselves
    #= rfc9293#3.4.1 MUST-8                the same in .pkt scripts and Python

usage: rfc_matrix.py [--check] [--root DIR]
--check writes nothing; exit status 1 if a page is out of date. A tag that names no requirement is an error, with exit status 2.
"""
import argparse
import re
import sys
from collections import defaultdict, namedtuple
from pathlib import Path

sys.dont_write_bytecode = True
import generated  # noqa: E402

COLUMNS = "id level area rule section part".split()
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "RECOMMENDED", "MAY"}
OPTIONAL = {"MAY"}
PARTS = {
    "here": "",
    "accecn": "comes with accurate ECN",
    "ao": "comes with the authentication option",
    "application": "is for applications or authors of standards, not for a stack",
    "congestion": "comes with the congestion control algorithms",
    "cwv": "is not done: CUBIC and Reno keep the window and decay it by RFC 2861 while nothing is sent",
    "dhcp": "comes with DHCP",
    "dns": "comes with the resolver",
    "ecn": "comes with explicit congestion notification",
    "fastopen": "comes with fast open",
    "icmp": "comes with the rest of ICMP",
    "ipv6": "comes with the rest of IPv6",
    "keepalive": "comes with keepalive",
    "multicast": "comes with multicast, IGMP and MLD",
    "obsolete": "was withdrawn or replaced by later RFCs",
    "out": "is outside of what weir sets out to do",
    "plpmtud": "comes with probing of the path MTU",
    "policy": "is deliberately not done: IP options that steer a packet are dropped (RFC 7126)",
    "policy-rto": "is deliberately not done: the least RTO is 200 ms (tcp_rto_min_ms), above what the peer may delay an ACK",
    "policy-sack": "is deliberately not done: it is forgotten where the peer shows that it has reneged (RFC 6675 5.1, RFC 8985 6.3)",
    "raw": "comes with raw sockets and IP options",
    "router": "comes with the rest of forwarding",
    "routing": "comes with redirects and the rest of routing",
    "sockets": "comes with the table of socket options",
    "tunnel": "comes with tunnels",
    "urgent": "comes with the application's side of urgent data",
}
TITLES = {
    "rfc9293": "RFC 9293, Transmission Control Protocol",
    "rfc1122": "RFC 1122, requirements for hosts: link, internet and UDP",
    "rfc8504": "RFC 8504, IPv6 node requirements",
    "rfc2018": "RFC 2018, selective acknowledgments",
    "rfc2883": "RFC 2883, duplicate SACK",
    "rfc3042": "RFC 3042, limited transmit",
    "rfc3168": "RFC 3168, explicit congestion notification: the part of TCP",
    "rfc4821": "RFC 4821, packetization layer path MTU discovery",
    "rfc5681": "RFC 5681, congestion control",
    "rfc5682": "RFC 5682, F-RTO",
    "rfc5925": "RFC 5925, authentication option",
    "rfc5961": "RFC 5961, blind attacks",
    "rfc6191": "RFC 6191, TIME-WAIT and timestamps",
    "rfc6298": "RFC 6298, retransmission timer",
    "rfc6582": "RFC 6582, NewReno",
    "rfc6675": "RFC 6675, loss recovery with SACK",
    "rfc7323": "RFC 7323, window scale and timestamps",
    "rfc7413": "RFC 7413, fast open",
    "rfc7661": "RFC 7661, windows that are not used",
    "rfc8985": "RFC 8985, RACK-TLP",
    "rfc9406": "RFC 9406, HyStart++",
    "rfc9438": "RFC 9438, CUBIC",
    "rfc9768": "RFC 9768, accurate ECN",
    "rfc9937": "RFC 9937, proportional rate reduction",
}

CODE_DIRS, TEST_DIRS = ("src", "include"), ("tests",)
SUFFIXES = {".cpp", ".hpp", ".h", ".c", ".pkt", ".py"}
MARK = re.compile(r"(?:^|\s)(?://|#)=\s")
TAG = re.compile(r"(?:^|\s)(?://|#)=\s+(rfc\d+)#([0-9A-Z][\w.]*)((?:[\s,]+[A-Z]+-?\d+)*)(?:\s+([a-z][\w-]*))?\s*$")
TEST = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(\s*(\w+)\s*,\s*(\w+)|^\s*def (test_\w+)")

Place = namedtuple("Place", "path line test")  # path relative to the root; test is "suite.name" or ""
Tag = namedtuple("Tag", "rfc section ids rule place is_test")  # rule: our own name for one of an RFC without a table


class BadTag(Exception):
    pass


def test_name(match):
    return match.group(3) or f"{match.group(1)}.{match.group(2)}"


def test_at(lines, index):
    """The test that a tag belongs to: the one that starts right below it, else the one around it."""
    for line in lines[index + 1:]:
        match = TEST.match(line)
        if match:
            return test_name(match)
        if line.strip() and not re.match(r"\s*(//|#)", line):
            break
    for line in reversed(lines[:index + 1]):
        match = TEST.match(line)
        if match:
            return test_name(match)
    return ""


def tags_of(path, root, is_test):
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for index, line in enumerate(lines):
        if not MARK.search(line):
            continue
        match = TAG.search(line)
        if not match:
            raise BadTag(f"{path.relative_to(root)}:{index + 1}: not a tag such as //= rfc9293#3.8.6.3 MUST-40: {line.strip()}")
        ids = re.findall(r"[A-Z]+-?\d+", match.group(3))
        place = Place(path.relative_to(root), index + 1, test_at(lines, index) if is_test else "")
        yield Tag(match.group(1), match.group(2), ids, match.group(4) or "", place, is_test)


def collect(root):
    found = []
    for dirs, is_test in ((CODE_DIRS, False), (TEST_DIRS, True)):
        for top in dirs:
            for path in sorted((root / top).rglob("*")):
                if path.suffix in SUFFIXES and path.is_file() and "tools" not in path.relative_to(root / top).parts:
                    found += tags_of(path, root, is_test)
    return found


def read_table(path):
    rows = generated.read_rows(path, COLUMNS)
    for number, row in enumerate(rows, 2):
        if row["level"] not in LEVELS:
            sys.exit(f"{path}:{number}: level {row['level']!r} is none of {', '.join(sorted(LEVELS))}")
        if row["part"] not in PARTS:
            sys.exit(f"{path}:{number}: part {row['part']!r} is none of {', '.join(PARTS)}")
    return rows


def links(places):
    """Each file once, tests by their names. Without line numbers: the page changes when a tag comes, goes or moves to another file."""
    shown = {}
    for place in places:
        shown.setdefault((place.test or "/".join(place.path.parts[1:]), place.path.as_posix()))
    return "<br>".join(f"[{generated.cell(label)}](../../{path})" for label, path in shown)


def hole(row, places):
    if places:
        return links(places)
    if row["part"] != "here":
        return ""
    return "-" if row["level"] in OPTIONAL else "**hole**"


def summary(rows, code, test):
    """level -> [all, in this part, with code and test]"""
    counts = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        count = counts[row["level"]]
        done = bool(code[row["id"]] and test[row["id"]])
        count[0] += 1
        count[1] += row["part"] == "here" or done
        count[2] += done
    return counts


def page(name, rows, code, test):
    out = [f"# {TITLES.get(name, name.upper())}", "",
           f"Written by tools/rfc_matrix.py from {name}.csv and the tags in code and tests; do not edit. The wording is ours, the numbers in",
           f"the column § are the RFC's sections. `grep -rn '{name}#.* ID' src tests` finds the lines. A requirement in scope that has no code or",
           "no test is a **hole**. Each is told the way round that holds, those under MUST NOT too.", "", "| level | requirements | in scope | with code and test |", "|---|---:|---:|---:|"]
    out += [f"| {level} | {a} | {b} | {c} |" for level, (a, b, c) in summary(rows, code, test).items()]
    if any(row["section"].endswith("?") for row in rows):
        out += ["", "A question mark after a section: the rule is there, the number has not been looked up."]
    parts = sorted({row["part"] for row in rows} - {"here"})
    if parts:
        out += ["", "Out of scope for now, by the word in the column *part*:", ""]
        out += [f"- *{part}* {PARTS[part]}" for part in parts]
    out += ["", "| id | level | area | requirement | § | part | code | test |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        part = "" if row["part"] == "here" else f"*{row['part']}*"
        out.append(f"| {row['id']} | {row['level']} | {generated.cell(row['area'])} | {generated.cell(row['rule'])} | {row['section']} | {part} "
                   f"| {hole(row, code[row['id']])} | {hole(row, test[row['id']])} |")
    return "\n".join(out) + "\n"


def section_key(section):
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in section.split(".")]


def index(tables, tags, counts):
    out = ["# Requirements of RFCs", "", "Written by tools/rfc_matrix.py; do not edit.", "",
           "| RFC | in scope | with code and test |", "|---|---:|---:|"]
    for name in tables:
        scope = sum(b for _, b, _ in counts[name].values())
        done = sum(c for _, _, c in counts[name].values())
        out.append(f"| [{TITLES.get(name, name)}]({name}.md) | {scope} | {done} |")
    others = defaultdict(lambda: ([], []))
    for tag in tags:
        if tag.rfc not in tables:
            others[tag.rfc, tag.section, tag.rule][tag.is_test].append(tag.place)
    if others:
        out += ["", "Sections of other RFCs that code and tests name:", "", "| RFC | § | rule | code | test |", "|---|---|---|---|---|"]
        key = lambda item: (int(item[0][0][3:]), section_key(item[0][1]), item[0][2])  # noqa: E731
        for (rfc, section, rule), (code, test) in sorted(others.items(), key=key):
            out.append(f"| {rfc[3:]} | {section} | {rule} | {links(code) or '**hole**'} | {links(test) or '**hole**'} |")
    return "\n".join(out) + "\n"


def pages(root):
    tables = {path.stem: read_table(path) for path in sorted((root / "docs/rfc").glob("rfc*.csv"))}
    known = {name: {row["id"] for row in rows} for name, rows in tables.items()}
    tags = collect(root)
    places = defaultdict(lambda: defaultdict(lambda: ([], [])))  # rfc -> id -> (code, test)
    for tag in tags:
        if tag.rule and (tag.rfc in known or tag.ids):
            raise BadTag(f"{tag.place.path}:{tag.place.line}: {tag.rule} is none of the requirements in docs/rfc/{tag.rfc}.csv")
        for wanted in tag.ids:
            if tag.rfc not in known or wanted not in known[tag.rfc]:
                raise BadTag(f"{tag.place.path}:{tag.place.line}: {tag.rfc} has no requirement {wanted} in docs/rfc/{tag.rfc}.csv")
            places[tag.rfc][wanted][tag.is_test].append(tag.place)
    out, counts = {}, {}
    for name, rows in tables.items():
        code = {row["id"]: places[name][row["id"]][0] for row in rows}
        test = {row["id"]: places[name][row["id"]][1] for row in rows}
        counts[name] = summary(rows, code, test)
        out[root / f"docs/rfc/{name}.md"] = page(name, rows, code, test)
    out[root / "docs/rfc/README.md"] = index(tables, tags, counts)
    return out


def main():
    parser = argparse.ArgumentParser(description="writes docs/rfc/*.md from docs/rfc/*.csv and the tags in code and tests")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a page is out of date")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    try:
        return generated.update(pages(root), root, "tools/rfc_matrix.py", arguments.check)
    except BadTag as error:
        print(error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
