"""What the checkers in this folder share: finding C files, reading them, reporting."""
import os
import re
import sys

TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\\\n]|\\.|\\\n)*", re.MULTILINE)


class Report:
    """Collects `file:line: message` and ends the program with 0 or 1."""

    def __init__(self):
        self.bad = 0

    def at(self, path, line, message):
        print("%s:%d: %s" % (path, line, message))
        self.bad += 1

    def finish(self, summary):
        if self.bad:
            print("%d to mend" % self.bad)
        else:
            print(summary)
        sys.exit(1 if self.bad else 0)


def enter_root(argv):
    """Work in the tree named on the command line, or in the one that this folder is part of."""
    os.chdir(argv[1] if len(argv) > 1 else os.path.join(os.path.dirname(__file__), ".."))


def files(folder, endings=(".c", ".h")):
    """Paths under a folder, sorted; hidden and build folders left out."""
    found = []
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "build", "__")))
        found += [os.path.join(at, n) for n in names if n.endswith(endings)]
    return sorted(os.path.normpath(path) for path in found)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _spaces(match):
    return re.sub(r"[^\n]", " ", match.group())


def blank(text, directives=True):
    """The text with comments, strings and (if asked) directives as spaces: same places, no words."""
    text = TOKEN.sub(_spaces, text)
    return DIRECTIVE.sub(_spaces, text) if directives else text


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def table(path):
    """Rows of a list such as limits.txt: (line number, words before the reason, reason)."""
    rows = []
    if not os.path.exists(path):
        return rows
    for number, line in enumerate(read(path).splitlines(), 1):
        fact, _, reason = line.partition(" -- ")
        if fact.strip() and not fact.startswith("#"):
            rows.append((number, fact.split(), reason.strip()))
    return rows


def split_commas(text):
    """Split at the commas that are outside of brackets."""
    parts, depth, start = [], 0, 0
    for at, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [p.strip() for p in parts + [text[start:]]]


def closing(text, at):
    """Where the bracket that opens at `at` closes; -1 when it never does."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth == 0:
            return i
    return -1
