#!/usr/bin/env python3
"""Plans that are made to cost: each is refused in seconds by a limit that the message names, or is
checked in seconds. A plan that means no harm and looks alike is accepted."""
import os
import shutil
import tempfile
import time

from harness import Tap, redoubt, write

HEAD = """redoubt: 1
product: {id: x, name: X, owner: o@x.example, tenancy: single}
services:
  s: {zone: app}
  t: {zone: app}
"""
DATA = "data:\n  d: {level: high, kinds: [pii], owner: o}\n"
KEY = ("{purpose: p, type: symmetric, algorithm: aes-256-gcm, custody: {provider: aws-kms}, "
       "rotation: {every: 90d, how: auto}}")
MIB = 1 << 20
SECONDS = 25  # on a busy machine; without their limits these took minutes, or gigabytes


def data(n):
    return "data:\n" + "".join("  d%d: {level: high, kinds: [pii], owner: o}\n" % i for i in range(n))


def names(prefix, n):
    return "[" + ",".join("%s%d" % (prefix, i) for i in range(n)) + "]"


def likes(section, prefix, first, n):
    return "%s:\n  %s0: %s\n" % (section, prefix, first) + "".join(
        "  %s%d: {like: %s%d}\n" % (prefix, i, prefix, i - 1) for i in range(1, n))


def environments(n, patch):
    return "environments:\n" + "".join("  e%d: {patch: %s}\n" % (i, patch) for i in range(n))


def attestations(n, covers, evidence):
    return "attestations:\n" + "".join(
        "  AT-%d: {covers: [%s], statement: s, by: o, signed: 2026-01-01, expires: 2027-01-01, "
        "evidence: [%s]}\n" % (i, covers, evidence(i)) for i in range(n))


def missing(i):
    return '{file: missing%d, sha256: "%s"}' % (i, "0" * 64)


VALUES = "more than 8000000 values"
# what, plan, exit status, words that the refusal holds
PLANS = [
    ("8 MiB of opening brackets", "redoubt: 1\nx: " + "[" * (8 * MIB - 100), 3, "brackets"),
    ("8 MiB of empty maps in a list", "redoubt: 1\nx: [" + "{}," * (2 * MIB) + "]", 3, "brackets"),
    ("8 MiB of blank lines", "x: |\n" + "\n" * (8 * MIB - 100), 3, "blank lines"),
    ("2 million documents", "---\n" * (2 * MIB - 100), 3, "second document"),
    ("8 MiB of one name", HEAD.replace("name: X", "name: " + "a" * (8 * MIB - 500)) + DATA, 1, ""),
    ("a chain of 40,000 keys", HEAD + DATA + likes("keys", "k", KEY, 40000), 1, ""),
    ("10,000 data types inherited 60,000 times",
     HEAD + data(10000) + likes("stores", "st", "{kind: postgres, holds: %s}" % names("d", 10000), 60000),
     3, VALUES),
    ("the same by flows",
     HEAD + data(10000) + likes("flows", "f", "{from: s, to: t, carries: %s}" % names("d", 10000), 60000),
     3, VALUES),
    ("100 environments of 50,000 keys that inherit",
     HEAD + DATA + likes("keys", "k", KEY, 50000) + environments(100, "{data: {d: {level: low}}}"),
     3, VALUES),
    ("100 environments that patch 2,000 stores each",
     HEAD + DATA + "stores:\n" + "".join("  st%d: {kind: postgres, holds: [d]}\n" % i for i in range(20000))
     + environments(100, "{stores: {%s}}" % ",".join("st%d: {kind: mysql}" % i for i in range(2000))),
     3, VALUES),
    ("101 environments", HEAD + DATA + environments(101, "{data: {d: {level: low}}}"), 3, "environments"),
    ("40,000 attestations whose evidence is missing",
     HEAD + DATA + attestations(40000, "REST-2", missing), 1, ""),
    ("attestations of 900,000 rows",
     HEAD + DATA + attestations(900, ",".join(["GAP-1"] * 1000), missing), 1, ""),
    ("one attestation that names a rule 50,000 times, and 50,000 files",
     HEAD + DATA + attestations(1, ",".join(["REST-2"] * 50000), lambda i: ",".join(map(missing, range(50000)))),
     1, ""),
]


def timed(tap, folder, what, text, status, words):
    path = write(os.path.join(folder, "plan.yaml"), text)
    began = time.monotonic()
    got = redoubt("check", "--at", "2026-11-24", "-o", os.path.join(folder, "out.txt"), path)
    took = time.monotonic() - began
    tap.ok(got.status == status and words in got.err and took < SECONDS,
           "%s: %s" % (what, "refused: " + words if words else "checked"), "%.1f s\n%s" % (took, got))


def globs(tap, folder):
    """Two links that lead back double the paths with each star."""
    for name in ("a", "b"):
        os.symlink(".", os.path.join(folder, name))
    timed(tap, folder, "a pattern of 20 stars over links that lead back",
          HEAD + DATA + "include: ['%s*.yml']\n" % ("*/" * 20), 3, "looks at more than 100000 files")


def main():
    tap = Tap()
    folder = tempfile.mkdtemp()
    os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
    try:
        for what, text, status, words in PLANS:
            timed(tap, folder, what, text, status, words)
        globs(tap, folder)
    finally:
        shutil.rmtree(folder)
    tap.finish()


main()
