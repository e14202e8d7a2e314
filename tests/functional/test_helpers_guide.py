#!/usr/bin/env python3
"""The program of docs/guides/passwords.md compiles as C and as C++, against the shared library and against
the static one, and says what it should. Prints TAP.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, SANITIZED, Tap  # noqa: E402

BUILD = os.environ.get("REDOUBT_BUILD") or os.path.join(ROOT, "build", "gcc")
SAYS = "the password is right\nthe stored value is of another row or key, or damaged\nacme_live_... is whole\n"
STATIC = ["-lcrypto", "-ljansson", "-largon2", "-lcrypt", "-lutf8proc", "-lpthread", "-ldl"]


def program():
    with open(os.path.join(ROOT, "docs", "guides", "passwords.md"), encoding="utf-8") as file:
        return re.search(r"<!-- compiled and run by: [^\n]*test_helpers_guide.py -->\n```c\n(.*?)```", file.read(), re.S)[1]


def tried(tap, compiler, language, folder, libraries, what):
    out = os.path.join(folder, what.replace(" ", "_"))
    flags = ["-x", language, "-Wall", "-Wextra", "-Werror", "-I" + os.path.join(ROOT, "include"), os.path.join(folder, "guide.c"), "-x", "none"]
    done = subprocess.run([compiler] + flags + libraries + ["-o", out], capture_output=True, text=True)
    if not tap.ok(done.returncode == 0, "compiles as %s" % what, done.stderr):
        return
    done = subprocess.run([out], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, LD_LIBRARY_PATH=os.path.join(BUILD, "include")))
    tap.ok(done.returncode == 0 and done.stdout == SAYS, "runs as %s" % what, (done.returncode, done.stdout, done.stderr))


def main():
    tap = Tap()
    shared = ["-L" + os.path.join(BUILD, "include"), "-lredoubt"]
    static = [os.path.join(BUILD, "include", "libredoubt.a")] + STATIC
    if SANITIZED or not os.path.exists(static[0]):
        tap.skip("the guide's program", "a library with a sanitizer in it needs a program with one")
        tap.finish()
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "guide.c"), "w", encoding="utf-8") as file:
            file.write(program())
        cc = next(c for c in ("gcc", "clang-16", "cc") if shutil.which(c))
        tried(tap, cc, "c", folder, shared, "C shared")
        tried(tap, cc, "c", folder, static, "C static")
        if shutil.which("g++"):
            tried(tap, "g++", "c++", folder, shared, "C++ shared")
        else:
            tap.skip("compiles as C++", "no g++ here")
    tap.finish()


main()
