#!/usr/bin/env python3
"""src/base/banned.h: each banned call is a compile error, and system headers still compile after it."""
import os
import re
import shutil
import subprocess

from tree import SOURCE, Tap

HEADER = os.path.join(SOURCE, "src", "base", "banned.h")
# Headers that declare or use some of the words, read after banned.h as in any source file.
LATER = "".join("#include <%s>\n" % h for h in (
    "alloca.h", "stdio.h", "stdlib.h", "string.h", "sys/stat.h", "time.h", "wchar.h", "openssl/ssl.h",
    "openssl/x509v3.h", "jansson.h", "libfyaml.h", "libpq-fe.h", "seccomp.h", "curl/curl.h"))
# Not in the list on purpose: these must stay usable.
FINE = "char b[9]; snprintf(b, 9, \"%d\", 1); struct tm t; time_t n = 0; gmtime_r(&n, &t); memcpy(b, b + 1, 1);"


def compiles(cc, body):
    flags = subprocess.run(["pkg-config", "--cflags", "libpq"], capture_output=True, text=True).stdout.split()
    got = subprocess.run([cc, "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-D_FORTIFY_SOURCE=2", "-fsyntax-only", "-xc", "-",
                          "-fmax-errors=0" if cc == "gcc" else "-ferror-limit=0",
                          "-include", HEADER] + flags, capture_output=True, text=True,
                         input=LATER + "int main(void)\n{\n    %s\n    return 0;\n}\n" % body)
    return got.returncode == 0, got.stderr


def main():
    tap = Tap()
    with open(HEADER, encoding="utf-8") as file:
        words = re.findall(r"^#define (\w+)\(\.\.\.\)", file.read(), re.MULTILINE)
    tap.ok(len(words) >= 22, "the list has all its words", words)
    for cc in ("gcc", "clang-16"):
        if not shutil.which(cc):
            tap.skip(cc, "not installed")
            continue
        good, told = compiles(cc, FINE)
        tap.ok(good, "%s: what is not banned compiles" % cc, told)
        told = compiles(cc, "\n    ".join("%s(0);" % word for word in words))[1]
        for word in words:
            tap.ok(re.search(r"error:.*\brdt_banned_%s_" % word, told), "%s: %s" % (cc, word), told)
    tap.finish()


main()
