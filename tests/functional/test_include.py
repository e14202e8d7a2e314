#!/usr/bin/env python3
"""A plan in several files: all entries arrive, no entry is lost without a word, and an id that two files write is
refused with both places.  Prints TAP.
"""
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Tap, redoubt, write  # noqa: E402

HEAD = "redoubt: 1\nproduct: { id: p, name: P, owner: o }\ninclude: [parts/*.yaml]\n"


def services(first, n):
    return "services:\n" + "".join("  s%d: { zone: z }\n" % i for i in range(first, first + n))


def load(folder, root, **parts):
    path = os.path.join(folder, "redoubt.yaml")
    os.makedirs(os.path.join(folder, "parts"), exist_ok=True)
    for name in os.listdir(os.path.join(folder, "parts")):
        os.remove(os.path.join(folder, "parts", name))
    write(path, HEAD + root)
    for name, text in parts.items():
        write(os.path.join(folder, "parts", name + ".yaml"), text)
    return redoubt("plan", "show", "--resolved", "--json", path)


# name, root, pieces, (file, line, words) of the complaint
BAD = [
    ("an id in the plan and in a piece", services(0, 2), {"a": services(1, 1)}, ("a", 2, "'s1' is written twice")),
    ("an id in two pieces", "", {"a": services(0, 1), "b": services(0, 1)}, ("b", 2, "'s0' is written twice")),
    ("an id far apart in big pieces", services(100, 50), {"a": services(0, 99), "b": services(99, 2)},
     ("b", 3, "'s100' is written twice")),
    ("a section that is a list, beside a good one", services(0, 1), {"a": "services: [s1]\n"}, ("a", 1, "expected a map")),
    ("a section that is a word, beside a good one", services(0, 1), {"a": "services: all\n"}, ("a", 1, "expected a map")),
    ("an empty section, beside a good one", services(0, 1), {"a": "services:\n"}, ("a", 1, "expected a map")),
    ("a section that is a list, alone", "", {"a": "services: [s1]\n"}, ("a", 1, "expected a map")),
    ("what a piece may not hold", "", {"a": "product: { id: q, name: Q, owner: o }\n"}, ("a", 1, "cannot stand in")),
]


def test_good(tap, folder):
    got = load(folder, services(0, 20), a=services(20, 30), b=services(50, 1), c="data: { d: { level: low } }\n")
    names = json.loads(got.out).get("services", {}) if got.status == 0 else {}
    tap.ok(len(names) == 51 and "s50" in names, "the entries of all files are there", got)


def test_bad(tap, folder):
    for name, root, parts, (file, line, words) in BAD:
        got = load(folder, root, **parts)
        path = os.path.join(folder, "parts", file + ".yaml")
        try:
            errors = json.loads(got.out)["errors"]
        except (ValueError, KeyError):
            errors = []
        fits = [e for e in errors if e["file"] == path and e["line"] == line and words in e["message"]]
        tap.ok(got.status == 3 and len(fits) == 1, "refused: " + name, got)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        test_good(tap, folder)
        test_bad(tap, folder)
    tap.finish()


if __name__ == "__main__":
    main()
