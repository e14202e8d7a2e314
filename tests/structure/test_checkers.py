#!/usr/bin/env python3
"""Each checker of tools/ is fed small bad trees and must complain about exactly what is wrong."""
import shutil

from tree import Tap, run_tool

ROOMS = "# rooms\nbase:\ncrypto: base !openssl/\nkms: base crypto\n"
GOOD = {
    "src/ROOMS": ROOMS,
    "src/base/a.h": "#ifndef A_H\n#define A_H\n/* rdt_a - one. */\nint rdt_a(int n);\n#endif\n",
    "src/base/a.c": '#include "base/a.h"\n\nint\nrdt_a(int n)\n{\n    return n;\n}\n',
    "src/base/banned.h": "#define strcpy(...) rdt_banned_strcpy\n#define ctime(...) rdt_banned_ctime\n",
    "src/base/README.md": "# base\n\na\n\nb\n",
    "README.md": "line\n" * 12,
    ".clang-format": "BasedOnStyle: LLVM\nIndentWidth: 4\nBreakBeforeBraces: Linux\n"
                     "AlwaysBreakAfterReturnType: AllDefinitions\n",
}


def function(name, body, params="void"):
    return "int\n%s(%s)\n{\n%s}\n" % (name, params, body)


def header(text):
    return "#ifndef B_H\n#define B_H\n#include <stddef.h>\n" + text + "#endif\n"


def doc(commands):
    return "```sh\n%s\n```\n" % commands


def script(text):
    return "#!/bin/sh\n" + text + "\n"


# checker, what is wrong, files over GOOD, words of the complaint (None: nothing to complain about)
CASES = [
    ("rooms", "good tree", {}, None),
    ("rooms", "upper room", {"src/base/b.c": '#include "kms/k.h"\n'}, "src/base/b.c:1: base may not include kms/k.h"),
    ("rooms", "private header", {"src/kms/k.c": '\n#include "base/a_internal.h"\n'}, "k.c:2: base/a_internal.h is private"),
    ("rooms", "own private header", {"src/base/b.c": '#include "base/a_internal.h"\n'}, None),
    ("rooms", "reserved system header", {"src/kms/k.c": "#include <openssl/evp.h>\n"}, "<openssl/evp.h> is for crypto only"),
    ("rooms", "its owner may", {"src/crypto/c.c": "#include <openssl/evp.h>\n"}, None),
    ("rooms", "no room named", {"src/base/b.c": '#include "a.h"\n'}, "so that the reader sees the room"),
    ("rooms", "way out by dots", {"src/kms/k.c": '#include "../base/a.h"\n'}, "so that the reader sees the room"),
    ("rooms", "unknown room included", {"src/base/b.c": '#include "attic/a.h"\n'}, "attic/a.h is of no room"),
    ("rooms", "unlisted room", {"src/attic/a.c": "\n"}, "the room src/attic is missing"),
    ("rooms", "cycle", {"src/ROOMS": "base: crypto\ncrypto: base\n"}, "base needs crypto, which is not above it"),

    ("headers", "good tree", {}, None),
    ("headers", "needs another", {"src/base/b.h": header("size_t x(uint8_t n);\n")}, "b.h:1: does not compile alone"),
    ("headers", "no guard", {"src/base/b.h": "struct x { int a; };\n"}, "b.h:1: does not compile alone"),

    ("limits", "good tree", {}, None),
    ("limits", "long function", {"src/base/b.c": function("f", "    ;\n" * 100)}, "b.c:2: f is 103 lines long"),
    ("limits", "comments count too", {"src/base/b.c": function("f", "    /* \n" + "\n" * 99 + "*/\n")}, "lines long"),
    ("limits", "many decisions", {"src/base/b.c": function("f", "    if (a && b) {}\n" * 10)}, "f takes 21 decisions"),
    ("limits", "decisions in comments and strings", {"src/base/b.c": function("f", '    /* if */ g("if && if");\n' * 30)}, None),
    ("limits", "many parameters", {"src/base/b.c": function("f", "", "int a, int b, int c, int d, int e, int f, int g")}, "f has 7 parameters"),
    ("limits", "a callback is one parameter", {"src/base/b.c": function("f", "", "int (*a)(int, int), int b, int c, int d, int e, int f")}, None),
    ("limits", "long file", {"src/base/b.c": "\n" * 901}, "b.c has 901 lines"),
    ("limits", "many includes", {"src/base/b.c": "#include <a.h>\n" * 21}, "b.c has 21 includes"),
    ("limits", "excepted", {"src/base/b.c": "\n" * 901, "tools/limits.txt": "src/base/b.c lines 901 -- a table\n"}, None),
    ("limits", "over its exception", {"src/base/b.c": "\n" * 902, "tools/limits.txt": "src/base/b.c lines 901 -- a table\n"}, "902 lines, at most 901"),
    ("limits", "unused exception", {"tools/limits.txt": "src/base/b.c lines 901 -- a table\n"}, "limits.txt:1: nothing needs this exception"),
    ("limits", "no reason", {"tools/limits.txt": "src/base/b.c lines 901\n"}, "limits.txt:1: not of the form"),

    ("contracts", "good tree", {}, None),
    ("contracts", "for C++ too", {"src/base/b.h": header('extern "C" {\nint rdt_b(int n);\n}\n')}, "rdt_b has no contract"),
    ("contracts", "no contract", {"src/base/b.h": header("int rdt_b(int n);\n")}, "b.h:4: rdt_b has no contract"),
    ("contracts", "comment names another", {"src/base/b.h": header("/* rdt_c - x. */\nint rdt_b(int n);\n")}, "rdt_b has no contract"),
    ("contracts", "comment too far above", {"src/base/b.h": header("/* rdt_b - x. */\n\nint rdt_b(int n);\n")}, "rdt_b has no contract"),
    ("contracts", "one comment for a group", {"src/base/b.h": header("/* rdt_b, rdt_c - x. */\nint rdt_b(int n);\nint rdt_c(int n);\n")}, None),
    ("contracts", "unnamed parameter", {"src/base/b.h": header("/* rdt_b - x. */\nint rdt_b(int);\n")}, "parameter without a name"),
    ("contracts", "unnamed struct", {"src/base/b.h": header("/* rdt_b - x. */\nint rdt_b(const struct x *, size_t n);\n")}, "parameter without a name"),
    ("contracts", "unnamed uint8_t", {"src/base/b.h": header("/* rdt_b - x. */\nint rdt_b(const uint8_t *);\n")}, "parameter without a name"),
    ("contracts", "named arrays, structs, callbacks", {"src/base/b.h": header("/* rdt_b - x. */\nint rdt_b(struct x *x, uint8_t id[16], unsigned n, int (*f)(void *p), ...);\n")}, None),
    ("contracts", "wrong prefix", {"src/base/b.h": header("/* open_it - x. */\nint open_it(int n);\n")}, "open_it does not start with rdt_"),
    ("contracts", "after a struct and an inline function", {"src/base/b.h": header("struct s {\n    int (*f)(int n);\n};\n/* rdt_i - x. */\nstatic inline int\nrdt_i(int n)\n{\n    return n;\n}\nint rdt_b(int n);\n")}, "rdt_b has no contract"),

    ("banned", "good tree", {}, None),
    ("banned", "a call", {"src/base/b.c": "void f(void) { strcpy(a, b); }\n"}, "b.c:1: strcpy is banned"),
    ("banned", "a pointer", {"src/base/b.c": "\nvoid *p = strcpy;\n"}, "b.c:2: strcpy is banned"),
    ("banned", "in a macro", {"src/base/b.c": "#define COPY strcpy\n"}, "strcpy is banned"),
    ("banned", "in a comment, a string, a member", {"src/base/b.c": 'int i; /* strcpy */ char *s = "strcpy"; int x = st->ctime;\n'}, None),
    ("banned", "the name of a header, but not behind it",
     {"src/base/b.c": "#include <openssl/strcpy.h>\nvoid *p = strcpy;\n"}, "b.c:2: strcpy is banned"),
    ("banned", "the name of a header", {"src/base/b.c": "#include <openssl/strcpy.h>\n"}, None),
    ("banned", "uncounted memcmp", {"src/base/b.c": "int x = memcmp(a, b, 1);\n"}, "b.c:1: 1 memcmp"),
    ("banned", "counted memcmp", {"src/base/b.c": "int x = memcmp(a, b, 1);\n", "tools/memcmp.txt": "src/base/b.c 1 -- public bytes\n"}, None),
    ("banned", "count too high", {"tools/memcmp.txt": "src/base/b.c 1 -- public bytes\n"}, "memcmp.txt:1: src/base/b.c has only 0"),

    ("format", "good tree", {}, None),
    ("format", "bad layout", {"src/base/b.c": "int  f( void ) {return 1;}\n"}, "src/base/b.c:1: not laid out"),

    ("readmes", "good tree", {}, None),
    ("readmes", "room without", {"src/kms/k.c": "\n"}, "src/kms/README.md:1: missing"),
    ("readmes", "room with too much", {"src/base/README.md": "x\n" * 40}, "src/base/README.md:40: 40 lines"),
    ("readmes", "main one too long", {"README.md": "x\n" * 121}, "README.md:121: 121 lines"),
    ("readmes", "somebody's path", {"docs/a.md": "\nsee /home/ann/x\n"}, "docs/a.md:2: names a path of one machine"),
    ("readmes", "a path in a container is fine", {"docs/a.md": "see build/root/x and /rootfs\n"}, None),
    ("docs-commands", "runs, in order", {"README.md": doc("./a.sh\n./b.sh"), "a.sh": script("touch b"), "b.sh": script("test -f b")}, None),
    ("docs-commands", "fails", {"README.md": doc("./a.sh"), "a.sh": script("echo burnt; exit 1")}, "README.md:2: './a.sh' ended with 1, not 0: burnt"),
    ("docs-commands", "ends as it says", {"README.md": doc("./a.sh  # exit 1"), "a.sh": script("exit 1")}, None),
    ("docs-commands", "ends otherwise", {"README.md": doc("./a.sh  # exit 1"), "a.sh": script("exit 0")}, "ended with 0, not 1"),
    ("docs-commands", "joined lines", {"docs/guides/a.md": doc("./a.sh \\\n  7  # exit 7"), "a.sh": script("exit $1")}, None),
    ("docs-commands", "not run", {"README.md": "<!-- not run: needs a server -->\n" + doc("./gone")}, None),
    ("docs-commands", "a file that the reader saves", {"README.md": "<!-- save: a.sh; as told -->\n```text\nexit 7\n```\n" + doc("./b.sh  # exit 7"), "b.sh": script("sh a.sh")}, None),
    ("docs-commands", "run by a test of its own", {"docs/guides/a.md": "<!-- run by: tests/t.py -->\n" + doc("./gone"), "tests/t.py": "open('a.md')"}, None),
    ("docs-commands", "a test that names another", {"docs/guides/a.md": "<!-- run by: tests/t.py -->\n" + doc("./gone"), "tests/t.py": "b.md"}, "tests/t.py is not there or does not name"),
    ("docs-commands", "a test that is not there", {"docs/guides/a.md": "<!-- run by: tests/t.py -->\n" + doc("./gone")}, "tests/t.py is not there or does not name"),
    ("docs-commands", "other languages", {"README.md": doc("./gone").replace("sh", "text")}, None),
    ("docs-commands", "a set-up command that is missing", {"README.md": doc("./quickstart")}, "README.md:2: ./quickstart is not there"),
    ("docs-commands", "the tree stays as it is", {"README.md": doc("./a.sh\n./a.sh"), "a.sh": script("rm README.md || exit 0")}, None),

    ("readmes", "left for later", {"src/base/b.c": "/* TODO: x */\n"}, "b.c:1: TODO"),
]


def main():
    tap = Tap()
    for checker, what, tree, words in CASES:
        name = "%s: %s" % (checker, what)
        if checker == "format" and not shutil.which("clang-format-16"):
            tap.skip(name, "clang-format-16 is not installed")
            continue
        status, output = run_tool("check-" + checker, {**GOOD, **tree})
        if words is None:
            tap.ok(status == 0, name, output)
        else:
            tap.ok(status == 1 and words in output, name, "status %d: %s" % (status, output))
    tap.finish()


main()
