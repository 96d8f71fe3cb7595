#!/usr/bin/env python3
"""Checks the shape of the code that docs/architecture.md describes, and prints file:line of what breaks it.

- A folder of src/ includes only itself and folders to its left in ORDER; headers of include/weir count as api.
- The core, which is everything left of sim, does not know threads, chance, streams or the clock.
- A source file has at most 600 lines, a function at most 70.

usage: check_layers.py [--root DIR]      exit status 1 if something breaks a rule
"""
import argparse
import re
import sys
from pathlib import Path

ORDER = """base wire buf link ip udp tcp filter qos sock tunnel svc graph shard
           sim io rt api plot apps capi posix run netlink control drill packetdrill cli""".split()
CORE = ORDER[:ORDER.index("sim")]
# Neighbours in ORDER that must not see each other: simulated and real time are two worlds under one api.
APART = {("io", "sim"), ("rt", "sim")}

FORBIDDEN_HEADERS = {
    **dict.fromkeys("thread mutex shared_mutex condition_variable future semaphore barrier latch stop_token pthread.h".split(),
                    "no threads and no locks in the core"),
    **dict.fromkeys(["random", "sys/random.h"], "no chance of its own in the core: the rng is an argument"),
    **dict.fromkeys("iostream ostream istream fstream sstream".split(), "no streams in the core"),
    **dict.fromkeys("chrono ctime time.h sys/time.h sys/timerfd.h".split(),
                    "no clock in the core: the time is an argument"),
}
FORBIDDEN_USES = re.compile(
    r"\bstd::chrono\b|\b(?:clock_gettime|clock_getres|clock_nanosleep|gettimeofday|timespec_get|nanosleep|usleep"
    r"|__rdtscp?|_rdtsc|__builtin_ia32_rdtscp?|getrandom|getentropy|arc4random)\s*\(|\bstd::(?:time|clock|rand|random_device)\b")

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70
CODE = {".cpp", ".hpp", ".h", ".c"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# What must vanish before braces can be counted: comments, strings (raw ones too), characters.
NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'", re.S)


def blank(match):
    """The same number of lines, and a literal in place of a string so that nothing around it changes its meaning."""
    text = match.group(0)
    return ("" if text.startswith("/") else "0") + "\n" * text.count("\n")


def without_noise(text):
    return NOISE.sub(blank, text)


def without_directives(text):
    """Blanks preprocessor lines with their continuations, and every branch of an #if but the first."""
    out, depth_skipped, conditionals, continued = [], None, 0, False
    for line in text.split("\n"):
        stripped = line.lstrip()
        if continued or stripped.startswith("#"):
            if not continued:
                word = stripped[1:].lstrip()
                if word.startswith("if"):
                    conditionals += 1
                elif word.startswith("endif"):
                    if depth_skipped == conditionals:
                        depth_skipped = None
                    conditionals -= 1
                elif word.startswith("el") and depth_skipped is None:
                    depth_skipped = conditionals
            continued = line.rstrip().endswith("\\")
            out.append("")
        else:
            out.append("" if depth_skipped is not None else line)
    return "\n".join(out)


SCOPE = re.compile(r"^\s*(?:inline\s+)?(?:namespace\b|extern\s+0\s*$)")
TYPE = re.compile(r"\b(?:class|struct|union|enum)\b")
OPERATOR = re.compile(r"\boperator\s*(?:\(\s*\)|\[\s*\]|[^\s\w(]+)")


def opens(head):
    """What the brace after `head` opens, where declarations stand: scope, function, or other (an initialiser)."""
    head = OPERATOR.sub("operator_", head)
    if SCOPE.search(head):
        return "scope"
    bare = head
    while True:  # top level only: default arguments and template parameters do not count
        bare, changed = re.subn(r"\([^()]*\)", " @ ", re.sub(r"\[[^\[\]]*\]", " ", bare))
        if not changed:
            break
    angle = re.sub(r"<[^<>;]*>", " ", re.sub(r"<[^<>;]*>", " ", bare))
    if re.search(r"(?<![=!<>])=(?!=)", re.sub(r"\brequires\b.*", "", angle)):
        return "other"
    if TYPE.search(re.sub(r"@.*", "", angle)) and not re.search(r"@(?:\s|const|noexcept|override|final|&)*$", angle):
        return "scope"
    return "function" if "@" in bare else "other"


def functions(text):
    """(name, first line, last line) of each function body, found by braces; bodies inside bodies belong to the outer."""
    text = without_directives(without_noise(text))
    found, stack, head, head_line, line = [], [], "", 1, 1
    parens = 0
    for char in text:
        if char == "\n":
            line += 1
        inside = bool(stack) and stack[-1][0] != "scope"
        if char == "{":
            if inside:
                stack.append(("inner", "", 0))
            elif parens > 0 or re.search(r"@?\)\s*(?:noexcept\s*)?:(?!:).*[\w>]\s*$", head, re.S):
                stack.append(("value", "", 0))  # a default argument or a member initialised in braces
            else:
                stack.append((opens(head), head, head_line))
                if stack[-1][0] == "scope":
                    head = ""
        elif char == "}":
            if not stack:
                return found  # braces out of step: the compiler will say more
            kind, opened, first = stack.pop()
            if kind == "function":
                name = re.search(r"([\w:~]+|operator\s*\S+?)\s*\(", opened)
                found.append((name.group(1) if name else "?", first, line))
            if kind in ("scope", "function") and not (stack and stack[-1][0] != "scope"):
                head = ""
            elif kind == "value":
                head += "0"
        elif not inside:
            if char == ";" and parens == 0:
                head = ""
                continue
            parens += (char == "(") - (char == ")")
            if not head.strip():
                head, head_line = "", line if not char.isspace() else head_line
            head += char
            if re.fullmatch(r"\s*(?:public|private|protected)\s*:", head):
                head = ""
    return found


def folder_of(path, root):
    """The layer that a file belongs to, or None."""
    parts = path.relative_to(root).parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ("include", "weir"):
        return "api"
    return None


def included_folder(target, quoted, path, root):
    """The layer that an include reaches, None for the world outside."""
    first = target.split("/")[0]
    if first == "weir" or target.startswith("include/weir"):
        return "api"
    if quoted and (path.parent / target).is_file():
        return folder_of((path.parent / target).resolve(), root)
    if first in ORDER and "/" in target and (quoted or (root / "src" / target).exists()):
        return first
    return None


def may_include(own, other):
    if own == other:
        return True
    if tuple(sorted((own, other))) in APART:
        return False
    return ORDER.index(other) < ORDER.index(own)


def check_includes(path, text, root):
    own = folder_of(path, root)
    if own is None:
        return
    if own not in ORDER:
        yield 1, f"folder src/{own} has no place in the order of layers (ORDER in tools/check_layers.py)"
        return
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target, quoted = match.group(1) or match.group(2), match.group(1) is not None
        if own in CORE and target in FORBIDDEN_HEADERS:
            yield number, f"<{target}>: {FORBIDDEN_HEADERS[target]}"
        if ".." in target.split("/"):
            yield number, f'"{target}": includes start at src/, not at ..'
            continue
        other = included_folder(target, quoted, path, root)
        if other is not None and not may_include(own, other):
            yield number, f'"{target}": {own} must not include {other}'


def check_uses(path, text, root):
    if folder_of(path, root) not in CORE:
        return
    for number, line in enumerate(without_noise(text).split("\n"), 1):
        match = FORBIDDEN_USES.search(line)
        if match:
            yield number, f"{match.group(0).rstrip('( ')}: the core gets time and chance as arguments"


def check_sizes(path, text, root):
    lines = text.count("\n") + (not text.endswith("\n") and text != "")
    if lines > MAX_FILE_LINES:
        yield 1, f"{lines} lines, and {MAX_FILE_LINES} are the limit: look for a second noun in it"
    for name, first, last in functions(text):
        if last - first + 1 > MAX_FUNCTION_LINES:
            yield first, f"{name}: {last - first + 1} lines, and {MAX_FUNCTION_LINES} are the limit for a function"


def check(root):
    """(number of files, list of "file:line: what")."""
    found, count = [], 0
    for top in ("src", "include", "bench", "examples"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in CODE or not path.is_file():
                continue
            count += 1
            text = path.read_text(encoding="utf-8", errors="replace")
            for rule in (check_includes, check_uses, check_sizes):
                found += [f"{path.relative_to(root)}:{number}: {what}" for number, what in rule(path, text, root)]
    return count, found


def main():
    parser = argparse.ArgumentParser(description="checks layers, forbidden includes and sizes")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root.resolve()
    count, found = check(root)
    print("\n".join(found) or f"{count} files keep to their layers and sizes")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
