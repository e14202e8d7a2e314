#!/usr/bin/env python3
"""Files, folders and options that are wrong: each a clear error with the right exit status; never a
crash, a hang, a pass, a secret in the message, or a file outside the plan's folder that is read.
Prints TAP.
"""
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, SECONDS, Tap, redoubt, write  # noqa: E402

BASE = "redoubt: 1\nproduct: { id: p, name: P, owner: o }\n"
KEY = "{ purpose: x, type: symmetric, algorithm: aes-256, custody: { provider: vault }, " \
      "rotation: { every: 90d, how: auto } }"
CANARY = "hunter2-Canary-7731"
MIB = 1 << 20
COMMANDS = (("plan", "show", "--resolved"), ("check",), ("plan", "fmt", "--check"))


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (2048 * MIB, 2048 * MIB))


def sanitized():
    """AddressSanitizer reserves terabytes of addresses."""
    with open(REDOUBT, "rb") as file:
        return b"__asan_init" in file.read()


def refused(tap, name, got, words, status=3, secret=CANARY):
    good = got.status == status and words in got.err and "redoubt: error: " in got.err and \
        got.out == "" and secret not in got.err
    tap.ok(good, name, "wanted status %d, '%s'\n%s" % (status, words, got))


# ---- what one file holds ----

CONTENTS = [
    # name, bytes, words of the message
    ("empty file", b"", "x.yaml:1:1: the file is empty"),
    ("blanks only", b"  \n\n  \n", "x.yaml:1:1: the file is empty"),
    ("comment only", b"# nothing\n", "the file is empty"),
    ("null document", b"null\n", "the file is empty"),
    ("NUL byte", b"redoubt: 1\nproduct: a\0b\n", "x.yaml:2:1: a NUL byte"),
    ("only NUL bytes", b"\0" * 100, "x.yaml:1:1: a NUL byte"),
    ("UTF-16", BASE.encode("utf-16"), "x.yaml:1:1: "),
    ("UTF-32", BASE.encode("utf-32"), "x.yaml:1:1: "),
    ("latin 1", b"redoubt: 1\nproduct: { id: p, name: Gr\xfc\xdfe, owner: o }\n", "x.yaml:2:1: this line is not valid UTF-8"),
    ("overlong slash", b"a: \xc0\xaf\n", "not valid UTF-8"),
    ("surrogate", b"a: \xed\xa0\x80\n", "not valid UTF-8"),
    ("cut in a character", b"a: \xe2\x82", "not valid UTF-8"),
    ("control character", b"a: b\x01c\n", "x.yaml:1:"),
    ("a program", b"\x7fELF\x02\x01\x01\0\0\0", "NUL byte"),
    ("depth 1000, brackets", b"a: " + b"[" * 1000 + b"]" * 1000 + b"\n", "deep"),
    ("depth 1000, blocks", b"".join(b" " * i + b"a:\n" for i in range(1000)), "deep"),
    ("depth 100000, open", b"[" * 100000, "deep"),
    ("depth 100000, braces", b"{a: " * 100000, "deep"),
    ("billion laughs", b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\n", "anchors (&name)"),
    ("alias loop", b"a: &a [*a]\n", "anchors (&name)"),
    ("merge key", BASE.encode() + b"data: { d: { level: low, <<: { owner: o } } }\n", "merge keys (<<)"),
    ("tag that makes objects", b"!!python/object/apply:os.system [id]\n", "tags (!name)"),
    ("a mega of open quotes", b'a: "' + b"x" * MIB, "quote"),
    ("a mega of dashes", b"- " * (MIB // 2), ""),
    ("a key of a mega", b"k" * MIB + b": 1\n" + BASE.encode(), ""),
    ("a text of four megas", BASE.replace("P", "P" * 4 * MIB).replace("redoubt", "redoubts", 1).encode(), "unknown field 'redoubts'"),
    ("ten thousand unknown fields", BASE.encode() + b"".join(b"f%d: 1\n" % i for i in range(10000)), "more mistakes"),
    ("ten thousand dangling references", (BASE + "stores: { db: { kind: disk, holds: [%s] } }\n" %
                                          ", ".join("d%d" % i for i in range(10000))).encode(), "more mistakes"),
    ("format strings", b"%s%n%x: '%s%n'\n" + BASE.encode(), ""),
    ("terminal escapes", b'"\\e[31mred\\e[0m": 1\n' + BASE.encode(), ""),
]


def test_contents(tap, folder):
    path = os.path.join(folder, "x.yaml")
    for name, content, words in CONTENTS:
        write(path, content)
        for command in COMMANDS[:2]:
            got = redoubt(*command, path, preexec=None if sanitized() else limit_memory)
            refused(tap, "%s: %s" % (" ".join(command), name), got, words)
        tap.ok("\x1b" not in got.err, "%s: no escape reaches the terminal" % name, repr(got.err[:300]))
    write(path, BASE.encode() + b"#" * (8 * MIB))
    refused(tap, "more than 8 MiB", redoubt("check", path), "larger than", 3)
    write(path, BASE.encode() + b"#" * (8 * MIB - len(BASE)))
    tap.ok(redoubt("plan", "show", "--resolved", path).status == 0, "8 MiB exactly is read")
    refused(tap, "more than 8 MiB by a pipe", redoubt("check", "-", stdin=b"#" * (9 * MIB)), "larger than", 3)


def test_chains(tap, folder):
    path = os.path.join(folder, "x.yaml")
    n = 10000
    write(path, BASE + "data:\n  d0: { level: high }\n" +
          "".join("  d%d: { like: d%d }\n" % (i, i - 1) for i in range(1, n)))
    got = redoubt("plan", "show", "--resolved", "--json", path)
    tap.ok(got.status == 0 and json.loads(got.out)["data"]["d%d" % (n - 1)] == {"level": "high"},
           "10,000 entries, each like the one before", got)
    write(path, BASE + "data:\n" + "".join("  d%d: { like: d%d }\n" % (i, (i + 1) % n) for i in range(n)))
    refused(tap, "a ring of 10,000 that inherit", redoubt("check", path), "inherits from itself")
    write(path, BASE + "keys:\n  k0: %s\n" % KEY + "".join(
        "  k%d: { like: k0, wrapped_by: k%d }\n" % (i, i - 1) for i in range(1, n)))
    refused(tap, "10,000 keys that wrap each other", redoubt("check", path), "a chain of more than 16")
    write(path, BASE + "stores:\n" + "".join(
        "  s%d: { kind: disk, backup_of: [s%d] }\n" % (i, (i + 1) % n) for i in range(n)))
    refused(tap, "a ring of 10,000 backups", redoubt("check", path), "chain of more than 16")
    write(path, BASE + "environments:\n" + "".join("  e%d: {}\n" % i for i in range(101)))
    refused(tap, "101 environments", redoubt("check", path), "environments: more than 100")


# ---- what stands where a file should ----

def as_nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def test_places(tap, folder):
    refused(tap, "no such file", redoubt("check", os.path.join(folder, "none.yaml")), "none.yaml: No such file")
    refused(tap, "no redoubt.yaml here", redoubt("check", cwd=folder), "redoubt.yaml: No such file")
    refused(tap, "a folder", redoubt("check", folder), "is a directory, a file was expected")
    refused(tap, "a file as a folder", redoubt("check", REDOUBT + "/x.yaml"), "Not a directory")
    fifo = os.path.join(folder, "fifo")
    os.mkfifo(fifo)
    for command in COMMANDS:
        refused(tap, "%s: a FIFO does not hang" % " ".join(command), redoubt(*command, fifo), "not a regular file")
    for device in ("/dev/zero", "/dev/null", "/dev/tty"):
        got = redoubt("check", device)
        tap.ok(got.status in (3, 4) and "redoubt: error: " in got.err, "%s is no plan" % device, got)
    link = os.path.join(folder, "loop.yaml")
    os.symlink("loop.yaml", link)
    refused(tap, "a link to itself", redoubt("check", link), "loop.yaml: Too many levels", 4)
    secret = write(os.path.join(folder, "unreadable.yaml"), BASE)
    os.chmod(secret, 0)
    if os.geteuid() != 0:
        refused(tap, "an unreadable file", redoubt("check", secret), "Permission denied", 4)
    else:
        # nobody may not reach a checkout in root's home: a copy where everybody may
        copy = shutil.copy(REDOUBT, os.path.join(folder, "redoubt-copy"))
        os.chmod(copy, 0o755)
        os.chmod(folder, 0o755)
        done = subprocess.run([copy, "check", secret], preexec_fn=as_nobody, cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=SECONDS)
        tap.ok(done.returncode == 4 and "Permission denied" in done.stderr, "an unreadable file", done)


# ---- include ----

def test_include(tap, folder):
    top, out = os.path.join(folder, "inc"), os.path.join(folder, "outside.yaml")
    plan = os.path.join(top, "redoubt.yaml")
    write(out, "data: { %s: { level: low } }\n" % CANARY.lower())

    def load(include, **files):
        shutil.rmtree(top, ignore_errors=True)
        write(plan, BASE + "include: [%s]\n" % include)
        for name, text in files.items():
            write(os.path.join(top, name + ".yaml"), text)
        return redoubt("check", plan)

    refused(tap, "include ../", load("../outside.yaml"), "leaves the plan's folder")
    refused(tap, "include /", load(out), "leaves the plan's folder")
    refused(tap, "include a/../../", load("a/../../outside.yaml"), "leaves the plan's folder")
    load("link.yaml")
    os.symlink(out, os.path.join(top, "link.yaml"))
    refused(tap, "include of a link that leads out", redoubt("check", plan), "leaves the plan's folder")
    refused(tap, "include of itself", load("redoubt.yaml"), "'redoubt' cannot stand in an included file")
    refused(tap, "include in an included file", load("a.yaml", a="include: [b.yaml]\n", b="data: {}\n"),
            "'include' cannot stand in an included file")
    refused(tap, "an included file twice", load("a.yaml, a.yaml", a="data: { d: { level: low } }\n"), "'d' is written twice")
    refused(tap, "one id in two files", load("a.yaml, b.yaml", a="data: { d: { level: low } }\n",
                                             b="data: { d: { level: high } }\n"), "b.yaml:1:9: 'd' is written twice")
    refused(tap, "a mistake in an included file", load("a.yaml", a="data:\n  d: { levle: low }\n"),
            "a.yaml:2:8: data.d: unknown field 'levle'")
    refused(tap, "a broken included file", load("a.yaml", a="data: [\n"), "a.yaml:")
    refused(tap, "an included list", load("a.yaml", a="- a\n"), "a.yaml:1:1: expected a map")
    refused(tap, "an included exception without owner",
            load("a.yaml", a="exceptions: { EX-1: { rule: REST-1, subject: plan, reason: r, approved_by: [x], "
                 "granted: 2020-01-01, expires: 2020-02-01 } }\n"), "needs the field 'owner'")
    refused(tap, "no match", load("parts/*.yaml"), "no file matches")
    many = {"p%d" % i: "data: { d%d: { level: low } }\n" % i for i in range(300)}
    refused(tap, "300 includes by one pattern", load("p*.yaml", **many), "more than 256 files")
    refused(tap, "300 includes by many", load(", ".join(sorted("%s.yaml" % p for p in many)), **many), "more than 256 files")
    few = dict(list(many.items())[:256])
    shutil.rmtree(top, ignore_errors=True)
    write(plan, BASE + "include: [p*.yaml]\n")
    for name, text in few.items():
        write(os.path.join(top, name + ".yaml"), text)
    tap.ok(redoubt("plan", "show", "--resolved", plan).status == 0, "256 includes are read")
    load("a.yaml")
    os.mkdir(os.path.join(top, "a.yaml"))
    refused(tap, "include of a folder", redoubt("check", plan), "is a directory")
    os.rmdir(os.path.join(top, "a.yaml"))
    os.mkfifo(os.path.join(top, "a.yaml"))
    refused(tap, "include of a FIFO", redoubt("check", plan), "not a regular file")


# ---- targets ----

TARGET = "stores:\n  db:\n    postgres:\n      host: 127.0.0.1\n      port: 1\n      databases: [a]\n      user: u\n"


def test_targets(tap, folder):
    top = os.path.join(folder, "tgt")
    plan = write(os.path.join(top, "redoubt.yaml"),
                 BASE + "stores: { db: { kind: postgres } }\nenvironments:\n  prod: { targets: targets.yaml }\n"
                 "  up: { targets: ../up.yaml }\n  root: { targets: %s/up.yaml }\n"
                 "  link: { targets: link.yaml }\n  gone: { targets: gone.yaml }\n" % folder)
    write(os.path.join(folder, "up.yaml"), TARGET + "# %s\n" % CANARY)
    os.symlink("../up.yaml", os.path.join(top, "link.yaml"))
    for env in ("up", "root", "link"):
        got = redoubt("verify", "--env", env, plan)
        refused(tap, "targets of %s leave the folder" % env, got, "leaves the plan's folder")
    refused(tap, "targets that are not there", redoubt("verify", "--env", "gone", plan), "gone.yaml: No such file")
    for name, text, words in (
            ("a literal password", TARGET + "      auditor: { user: a, password: %s }\n" % CANARY,
             "expected a reference to a secret, not the secret itself"),
            ("a quoted password", TARGET + "      auditor: { user: a, password: \"%s\" }\n" % CANARY, "not the secret itself"),
            ("an empty reference", TARGET + "      auditor: { user: a, password: \"env:\" }\n", "not the secret itself"),
            ("a password in a list", TARGET + "      auditor: { user: a, password: [%s] }\n" % CANARY, "not the secret itself"),
            ("a password in a place of its own", TARGET + "      password: %s\n" % CANARY, "unknown field 'password'"),
            ("a subject that the plan lacks", TARGET.replace("  db:", "  dbx:"), "the plan has no 'dbx'"),
            ("a section that has no targets", "data: {}\n", "unknown field 'data'"),
            ("no host", "stores: { db: { redis: { port: 1 } } }\n", "needs the field 'host'"),
            ("a port of 0", "stores: { db: { redis: { host: h, port: 0 } } }\n", "a whole number from 1 to 65535"),
            ("a secret as a port", "stores: { db: { redis: { host: h, port: %s } } }\n" % CANARY, "a whole number"),
            ("a secret as a word", "stores: { db: { redis: { host: h, addresses: %s } } }\n" % CANARY, "one of one, all"),
            ("a secret of digits", TARGET.replace("user: u", "user: 88887777"), "expected text"),
            ("a list", "- a\n", "expected a map"),
            ("nothing", "", "the file is empty")):
        write(os.path.join(top, "targets.yaml"), text)
        got = redoubt("verify", "--env", "prod", plan)
        refused(tap, "targets with %s" % name, got, words)
        tap.ok("88887777" not in got.err, "targets with %s: no value is repeated" % name, got)
        tap.ok("targets.yaml:" in got.err, "targets with %s: the place is named" % name, got)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
        test_contents(tap, folder)
        test_chains(tap, folder)
        test_places(tap, folder)
        test_include(tap, folder)
        test_targets(tap, folder)
        left = [name for _, _, names in os.walk(folder) for name in names if name.endswith(".partial")]
        tap.ok(not left, "nothing half-done is left", left)
    tap.finish()


main()
