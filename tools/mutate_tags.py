#!/usr/bin/env python3
"""Do the tests notice when a rule goes? Deletes the statement under a tag such as //= rfc9293#3.8.6.3 MUST-40 and runs the tests that
carry the same tag: one of them must fail. Works on a copy of the tree; the tree itself is only read.

A statement that cannot be deleted (a declaration, the head of a function, a `case`, or what the compiler insists on) is told as skipped.

usage: mutate_tags.py [--sample N] [--seed S] [--only TEXT] [--list] [--jobs N] [--keep]
exit status 0: every deletion was noticed; 1: one was not, or a tagged test fails without any
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, namedtuple
from pathlib import Path

sys.dont_write_bytecode = True
import check_layers  # noqa: E402
import rfc_matrix  # noqa: E402

Mutant = namedtuple("Mutant", "path first last rules")  # lines are counted from 1
COPIED = "CMakeLists.txt CMakePresets.json cmake src include tests bench tools examples docs README.md LICENSE".split()
TEST_SECONDS = 300


def statement_after(lines, index):
    """(first, last) of the statement that starts at or after lines[index], as indices; None if it is not one to delete."""
    clean = check_layers.without_noise("\n".join(lines)).split("\n")
    while index < len(clean) and not clean[index].strip():
        index += 1
    if index == len(clean):
        return None
    head = clean[index].strip()
    if re.match(r"(?:case\b|default\s*:|else\b|\}|#|namespace\b|template\b|class\b|struct\b|enum\b|using\b|public\b|private\b|static_assert\b)", head):
        return None
    depth, opened = 0, False
    for last in range(index, min(index + check_layers.MAX_FUNCTION_LINES, len(clean))):
        for position, char in enumerate(clean[last]):
            if char in "({[":
                depth += 1
                opened = opened or (char == "{" and depth == 1)
            elif char in ")}]":
                depth -= 1
                if depth < 0:
                    return None  # the end of an argument list or a block: this was no statement
                ended = char == "}" and depth == 0 and opened
                rest = clean[last][position + 1:].strip()
                if ended and not rest.startswith((";", ",", ")", ".")):
                    follows = rest or next((line.strip() for line in clean[last + 1:] if line.strip()), "")
                    return None if follows.startswith("else") else (index, last)
            elif char == ";" and depth == 0:
                follows = next((line.strip() for line in clean[last + 1:] if line.strip()), "")
                return None if follows.startswith("else") else (index, last)
            elif char == "," and depth == 0:
                return None  # an enumerator or an element of a table
    return None


def in_a_function(lines, line):
    """Whether a line (from 1) is inside a function and not its head."""
    for _, first, last in check_layers.functions("\n".join(lines)):
        if first < line <= last:
            body = next((number for number in range(first, last + 1) if "{" in lines[number - 1]), last)
            return line > body or first == last
    return False


def mutants(root, tags):
    """(list of Mutant, list of "file:line: why not")"""
    found, skipped = {}, []
    for tag in tags:
        if tag.is_test:
            continue
        path, line = tag.place.path, tag.place.line
        lines = (root / path).read_text(encoding="utf-8").split("\n")
        index = line - 1
        own = lines[index].strip()
        span = statement_after(lines, index if not own.startswith("//=") else index + 1)
        rules = {(tag.rfc, wanted) for wanted in tag.ids or [tag.rule or tag.section]}
        if span is None or not in_a_function(lines, span[0] + 1):
            skipped.append(f"{path}:{line}: what the tag stands above cannot be deleted")
            continue
        key = (path, span[0] + 1, span[1] + 1)
        found.setdefault(key, set()).update(rules)
    return [Mutant(*key, frozenset(rules)) for key, rules in sorted(found.items())], skipped


def tests_of(tags):
    """rule -> set of (path of the test file, name)"""
    found = defaultdict(set)
    for tag in tags:
        if tag.is_test:
            for wanted in tag.ids or [tag.rule or tag.section]:
                found[tag.rfc, wanted].add((tag.place.path, tag.place.test))
    return found


class Tree:
    """A copy of the repository with a build of its own."""

    def __init__(self, root, jobs):
        self.root = Path(tempfile.mkdtemp(prefix="weir-mutants-"))
        self.build_dir = self.root / "build/release"
        self.jobs = jobs
        for name in COPIED:
            source = root / name
            if source.is_dir():
                shutil.copytree(source, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy2(source, self.root / name)

    def run(self, *command, seconds=None):
        environment = dict(os.environ, CCACHE_BASEDIR=str(self.root), CCACHE_NOHASHDIR="1", LC_ALL="C")
        try:
            return subprocess.run(command, cwd=self.root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds)
        except subprocess.TimeoutExpired as error:
            return subprocess.CompletedProcess(command, 124, str(error.stdout or ""), "")

    def configure(self):
        done = self.run("cmake", "--preset", "release", "-DCMAKE_CXX_FLAGS=-w")  # what a deletion leaves unused is no error
        if done.returncode:
            sys.exit(done.stdout)
        listed = self.run("cmake", "--build", str(self.build_dir), "--target", "help").stdout
        self.targets = set(re.findall(r"^([\w.-]+): phony", listed, re.M)) | set(re.findall(r"^\.\.\. ([\w.-]+)", listed, re.M))

    def target_of(self, path):
        """The test program that holds a test file: tests/a/b/x_test.cpp is in a_b_test or a_test."""
        if path.suffix == ".pkt":
            return "weir"
        parts = path.parts[1:-1]
        for length in range(len(parts), 0, -1):
            name = "_".join(parts[:length]) + "_test"
            if name in self.targets:
                return name
        return None

    def build(self, targets):
        command = ["cmake", "--build", str(self.build_dir), "--target", *sorted(targets)]
        return self.run(*command, *(["--parallel", str(self.jobs)] if self.jobs else []))

    def program(self, target):
        for directory in (self.build_dir / "tests", self.build_dir):
            if (directory / target).is_file():
                return directory / target
        found = [path for path in self.build_dir.rglob(target) if path.is_file()]
        return found[0] if found else None

    def passes(self, tests):
        """Runs (path, name) tests; the first that fails, or None if all pass."""
        by_target = defaultdict(set)
        for path, name in tests:
            by_target[self.target_of(path)].add((path, name))
        for target, members in by_target.items():
            program = self.program(target)
            if program is None:
                return f"{target} was not built"
            if target == "weir":
                command = [str(program), "drill", "--strict-end", *sorted(str(path) for path, _ in members)]
            else:  # a parametrised test is instance/suite.name/number
                names = sorted(name for _, name in members if name)
                patterns = ":".join(f"{name}:*/{name}/*" for name in names)
                command = [str(program), "--gtest_brief=1", *([f"--gtest_filter={patterns}"] if patterns else [])]
            done = self.run(*command, seconds=TEST_SECONDS)
            if done.returncode:
                return ", ".join(sorted(name or str(path) for path, name in members))
        return None

    def delete(self, mutant):
        """Comments a statement out; returns what restores it."""
        path = self.root / mutant.path
        text = path.read_text(encoding="utf-8")
        lines = text.split("\n")
        for number in range(mutant.first, mutant.last + 1):
            lines[number - 1] = "// " + lines[number - 1]
        path.write_text("\n".join(lines), encoding="utf-8")
        return lambda: path.write_text(text, encoding="utf-8")

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


def judge(tree, mutant, tests):
    """What came of one deletion: noticed, survived or not built."""
    restore = tree.delete(mutant)
    try:
        if tree.build({tree.target_of(path) for path, _ in tests}).returncode:
            return "skipped", "the compiler notices"
        failed = tree.passes(tests)
        return ("noticed", f"by {failed}") if failed else ("SURVIVED", "no tagged test fails: " + ", ".join(sorted(n or str(p) for p, n in tests)))
    finally:
        restore()


def choose(root, arguments):
    """The mutants to try, each with its tests."""
    tags = rfc_matrix.collect(root)
    found, skipped = mutants(root, tags)
    tests = tests_of(tags)
    chosen = []
    for mutant in found:
        where = f"{mutant.path}:{mutant.first}"
        rules = ", ".join(sorted(f"{rfc} {rule}" for rfc, rule in mutant.rules))
        if arguments.only and arguments.only not in f"{where} {rules}":
            continue
        wanted = set().union(*(tests[rule] for rule in mutant.rules))
        if wanted:
            chosen.append((mutant, where, rules, wanted))
        else:
            skipped.append(f"{where}: no test carries {rules}")
    random.Random(arguments.seed).shuffle(chosen)
    return chosen, skipped


def try_all(tree, chosen):
    """The number of deletions that nothing noticed."""
    tree.configure()
    unplaced = {path for _, _, _, tests in chosen for path, _ in tests if tree.target_of(path) is None}
    for path in sorted(unplaced):
        print(f"no test program holds {path}")
    chosen = [(m, w, r, {t for t in tests if t[0] not in unplaced}) for m, w, r, tests in chosen]
    chosen = [entry for entry in chosen if entry[3]]
    everything = set().union(*(tests for _, _, _, tests in chosen)) if chosen else set()
    built = tree.build({tree.target_of(path) for path, _ in everything}) if everything else None
    if built and built.returncode:
        sys.exit("the tree as it is does not build:\n" + "\n".join(built.stdout.split("\n")[:40]))
    failed = tree.passes(everything) if everything else None
    if failed:
        sys.exit(f"tagged tests fail without any deletion: {failed}")
    counts = defaultdict(int)
    for mutant, where, rules, tests in chosen:
        verdict, why = judge(tree, mutant, tests)
        counts[verdict] += 1
        print(f"{verdict:8} {where} {rules}: {why}", flush=True)
    print("; ".join(f"{verdict.lower()}: {count}" for verdict, count in sorted(counts.items())) or "nothing to delete")
    return counts["SURVIVED"]


def main():
    parser = argparse.ArgumentParser(description="deletes tagged statements and asks whether the tagged tests notice")
    parser.add_argument("--sample", type=int, default=20, help="how many deletions to try (20)")
    parser.add_argument("--seed", type=int, default=int(time.time()) // 86400, help="which ones; the day, unless given")
    parser.add_argument("--only", help="only those whose file, line or rule contains this text")
    parser.add_argument("--list", action="store_true", help="tell what could be deleted, and delete nothing")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("WEIR_JOBS", "0")))
    parser.add_argument("--keep", action="store_true", help="leave the copy of the tree behind")
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    chosen, skipped = choose(root, arguments)
    if arguments.list:
        for mutant, where, rules, tests in sorted(chosen, key=lambda entry: entry[1]):
            print(f"{where}-{mutant.last} {rules}: {len(tests)} tests")
        print("\n".join(sorted(f"skipped {why}" for why in skipped)))
        return 0
    print(f"{len(chosen)} tagged statements with tests, {len(skipped)} tags skipped; seed {arguments.seed}, sample {arguments.sample}", flush=True)
    if not chosen:
        return 0
    tree = Tree(root, arguments.jobs)
    try:
        return 1 if try_all(tree, chosen[:arguments.sample]) else 0
    finally:
        if arguments.keep:
            print(f"the copy is {tree.root}")
        else:
            tree.remove()


if __name__ == "__main__":
    sys.exit(main())
