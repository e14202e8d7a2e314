#!/usr/bin/env python3
"""Every named limit of a header (NAME_MAX) stands in docs/limits.md with the value that it has, and
nothing stands there that is gone.  Prints TAP, and for a missing limit the line to add.
"""
import glob
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Tap  # noqa: E402

DOCUMENT = os.path.join(ROOT, "docs", "limits.md")
DEFINE = re.compile(r"^#define ([A-Z][A-Z0-9_]*_MAX) +(.*?)(?: */\* *(.*?)(?: *\*/)?)?$")
ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| ([^|]+) \| ([^|]+) \|$")
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
LIMITS_MIN = 40


def c_value(text):
    """The value of a constant as C would have it: casts and suffixes off, then plain arithmetic."""
    text = re.sub(r"\(size_t\)|\bU?INT\d+_C\b", "", text)
    text = re.sub(r"(?<=\d)[uUlL]+\b", "", text)
    if not re.fullmatch(r"[\d()*+<\s-]+", text):
        raise ValueError(text)
    return eval(text, {"__builtins__": {}})  # digits, brackets and * + - << only


def shown_value(text):
    number, _, unit = text.strip().replace(",", "").partition(" ")
    return int(number) * UNITS.get(unit, 1 if unit == "" else None)


def show(value, what):
    for unit in ("GiB", "MiB", "KiB"):
        if "byte" in what and value >= UNITS[unit] and value % UNITS[unit] == 0:
            return "%d %s" % (value // UNITS[unit], unit)
    return "{:,}".format(value)


def defined(texts):
    """name -> (value, what for, where) of a list of (path, text)."""
    found = {}
    for path, text in texts:
        for line in re.sub(r"\\\n\s*", "", text).splitlines():
            m = DEFINE.match(line)
            if m:
                found[m.group(1)] = (c_value(m.group(2)), (m.group(3) or "?").rstrip("."), path)
    return found


def listed(text):
    return {m.group(1): shown_value(m.group(2)) for m in map(ROW.match, text.splitlines()) if m}


def complaints(limits, rows):
    for name, (value, what, path) in sorted(limits.items()):
        if name not in rows:
            yield "%s: add to docs/limits.md:  | `%s` | %s | %s |" % (path, name, show(value, what), what)
        elif rows[name] != value:
            yield "%s: docs/limits.md says %d, %s says %d" % (name, rows[name], path, value)
    for name in sorted(set(rows) - set(limits)):
        yield "docs/limits.md: %s is gone" % name


def main():
    tap = Tap()
    texts = []
    for path in sorted(glob.glob(os.path.join(ROOT, "src", "*", "*.h"))
                       + glob.glob(os.path.join(ROOT, "include", "redoubt", "*.h"))):
        with open(path, encoding="utf-8") as file:
            texts.append((os.path.relpath(path, ROOT), file.read()))
    with open(DOCUMENT, encoding="utf-8") as file:
        rows = listed(file.read())
    limits = defined(texts)
    if sys.argv[1:] == ["--table"]:
        for name, (value, what, path) in sorted(limits.items(), key=lambda item: (item[1][2], item[0])):
            print("| `%s` | %s | %s |  %s" % (name, show(value, what), what, path))
        return
    tap.ok(len(limits) >= LIMITS_MIN, "%d named limits in headers" % len(limits))
    wrong = list(complaints(limits, rows))
    tap.ok(not wrong, "docs/limits.md lists each with its value", "\n".join(wrong))
    made_up = defined([("x.h", "#define A_MAX ((size_t)8 * 1024) /* bytes */\n#define B_MAX INT64_C(7)\n")])
    tap.ok(made_up == {"A_MAX": (8192, "bytes", "x.h"), "B_MAX": (7, "?", "x.h")}, "values are read as C means them", made_up)
    found = list(complaints(made_up, listed("| `A_MAX` | 4 KiB | x |\n| `C_MAX` | 1 | x |\n")))
    tap.ok(len(found) == 3, "a wrong, a missing and a gone limit are each noticed", found)
    tap.finish()


main()
