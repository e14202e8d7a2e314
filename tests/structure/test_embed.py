#!/usr/bin/env python3
"""tools/embed: awkward bytes survive the C compiler, and only what should go in does."""
import os
import shutil
import subprocess
import tempfile

from tree import SOURCE, Tap, write

TREE = {
    "packs/rules/a.lua": b'return "a??/b", \'\\\\\', "\\n"\r\n\tx\0' + b"12",
    "packs/b.yaml": bytes(range(256)) * 3,
    "packs/empty.yaml": b"",
    "schema/s.json": b"{}\n",
    "examples/x/plan.yaml": b"no newline at the end",
    "examples/x/ca.pem": b"-----BEGIN\n",
    # stay out
    "packs/notes.txt": b"x", "packs/README.md": b"x", "schema/x.yaml": b"x",
    "examples/x/.plan.swp": b"x", "examples/x/plan.yaml~": b"x", "examples/.git/config": b"x",
    "examples/__pycache__/a.pyc": b"x",
}
IN = ["examples/x/ca.pem", "examples/x/plan.yaml", "packs/b.yaml", "packs/empty.yaml", "packs/rules/a.lua",
      "schema/s.json"]
MAIN = r"""
#include "base/embed.h"
#include <stdio.h>
int main(void) {
    for (size_t i = 0; i < rdt_embedded_n; i++) {
        printf("%s %zu ", rdt_embedded[i].name, rdt_embedded[i].n);
        for (size_t k = 0; k < rdt_embedded[i].n; k++) printf("%02x", rdt_embedded[i].bytes[k]);
        printf("\n");
    }
}
"""


def embed(root, out):
    return subprocess.run([os.path.join(SOURCE, "tools", "embed"), root, out], capture_output=True, text=True)


def compiled(folder, made):
    """What a program sees that has the table."""
    write(folder, {"main.c": MAIN})
    program = os.path.join(folder, "main")
    cc = next(c for c in ("cc", "gcc", "clang-16") if shutil.which(c))
    subprocess.run([cc, "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(SOURCE, "src"),
                    os.path.join(folder, "main.c"), made, "-o", program], check=True)
    return subprocess.run([program], capture_output=True, text=True).stdout.splitlines()


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        root, made = os.path.join(folder, "root"), os.path.join(folder, "made.c")
        write(root, TREE)
        tap.ok(embed(root, made).returncode == 0, "embeds")
        want = ["%s %d %s" % (name, len(TREE[name]), TREE[name].hex()) for name in IN]
        got = compiled(folder, made)
        tap.ok(got == want, "the same bytes under the same names, sorted", "\n".join(got))
        os.utime(made, (1, 1))
        embed(root, made)
        tap.ok(os.stat(made).st_mtime == 1, "an unchanged result is not written")
        os.remove(os.path.join(root, "packs/b.yaml"))
        embed(root, made)
        tap.ok(os.stat(made).st_mtime != 1, "a file that went is noticed")
        write(root, {"packs/big.yaml": b"x" * (1 << 20) + b"x"})
        got = embed(root, made)
        tap.ok(got.returncode == 1 and "too large" in got.stderr, "a large file is refused", got.stderr)
        empty = os.path.join(folder, "empty")
        os.mkdir(empty)
        embed(empty, made)
        tap.ok(compiled(folder, made) == [], "nothing to embed compiles too")
    tap.finish()


main()
