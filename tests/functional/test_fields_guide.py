#!/usr/bin/env python3
"""docs/guides/fields.md: its commands are run, and its program is built with the libraries as they would be
installed, shared and static. Prints TAP.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, SANITIZED, Tap, write  # noqa: E402
from server import Server  # noqa: E402
from test_server_guide import run  # noqa: E402

GUIDE = os.path.join(ROOT, "docs", "guides", "fields.md")
BUILD = os.environ.get("REDOUBT_BUILD") or os.path.join(ROOT, "build")
LIBS = os.path.join(BUILD, "include")
NAMES = ("libredoubt", "libredoubt-net")


def pkg_config(folder):
    """The .pc files of the build, with its folders for those of an installation: by links, since a
    folder with a blank in its name is nothing that pkg-config can say."""
    lib, include = os.path.join(folder, "lib"), os.path.join(folder, "include")
    os.symlink(LIBS, lib)
    os.symlink(os.path.join(ROOT, "include"), include)
    for name in NAMES:
        with open(os.path.join(BUILD, "meson-private", name + ".pc"), encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"^libdir=.*$", "libdir=" + lib, text, flags=re.M)
        write(os.path.join(folder, name + ".pc"), re.sub(r"^includedir=.*$", "includedir=" + include, text, flags=re.M))


def symbols(path, *args):
    got = subprocess.run(["nm"] + list(args) + [path], stdout=subprocess.PIPE, text=True, check=True)
    return {line.split()[-1].split("@")[0] for line in got.stdout.splitlines() if len(line.split()) > 2 and line.split()[-2] == "T"}


def test_symbols(tap):
    for name in NAMES:
        with open(os.path.join(ROOT, "include", name + ".map"), encoding="utf-8") as file:
            want = set(re.findall(r"^ +(rdt_\w+);", file.read(), re.M))
        tap.ok(symbols(os.path.join(LIBS, name + ".so"), "-D", "--defined-only") == want, "%s.so shows what its map says" % name)
        got = symbols(os.path.join(LIBS, name + ".a"), "-g", "--defined-only")
        tap.ok(got == want, "%s.a, too" % name, got ^ want)
    inner = symbols(os.path.join(LIBS, "libredoubt-net.so.0"), "--defined-only") if os.path.exists(os.path.join(LIBS, "libredoubt-net.so.0")) else set()
    tap.ok(not [n for n in inner if re.match(r"rdt_(keyring|need|session|rf1)_", n)], "libredoubt-net has no keyring of its own")


def test_guide(tap, folder):
    pkg_config(folder)
    os.environ["PKG_CONFIG_PATH"], os.environ["LD_LIBRARY_PATH"] = folder, LIBS
    with open(GUIDE, encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as place:
        status, out, n = run(place, text, os.environ["PATH"])
        tap.ok(status == 0 and "FAILED" not in out and n > 10, "the %d commands of docs/guides/fields.md work" % n,
               "\n".join(out.splitlines()[-15:]))
        tap.ok("bytes of ciphertext are asthma" in out and "in another row: the value is of another" in out,
               "its program says what it should", out[-800:])
        with open(os.path.join(place, "app.c"), encoding="utf-8") as file:
            return file.read()


def test_static(tap, folder, source):
    """Both archives in one program."""
    deps = []
    for name in NAMES:
        with open(os.path.join(folder, name + ".pc"), encoding="utf-8") as file:
            text = file.read()
        needs = re.findall(r"([a-z0-9.-]+)(?: >= [0-9.]+)?", re.search(r"^Requires.private: (.*)$", text, re.M).group(1))
        deps += subprocess.run(["pkg-config", "--libs"] + needs, text=True, stdout=subprocess.PIPE, check=True).stdout.split()
        deps += re.search(r"^Libs.private: (.*)$", text, re.M).group(1).split()
    write(os.path.join(folder, "app.c"), source)
    made = subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", os.path.join(folder, "app"), os.path.join(folder, "app.c"), "-I" + os.path.join(ROOT, "include"),
                           os.path.join(LIBS, "libredoubt-net.a"), os.path.join(LIBS, "libredoubt.a")] + deps,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tap.ok(made.returncode == 0, "it is built with the static libraries, too", made.stdout)
    with Server(os.path.join(folder, "data")) as server:
        ring = server.admin("key", "create", "--alias", "records").out.strip()
        server.admin("key", "ring", "records")
        server.admin("tenant", "create", "acme", "records")
        tenant = re.search(r'"TenantId": *"([^"]*)"', server.admin("tenant", "show", "acme", "--json").out).group(1)
        got = subprocess.run([os.path.join(folder, "app"), ring, tenant], stdout=subprocess.PIPE, text=True,
                             env=dict(os.environ, **server.env("app")))
        tap.ok(got.returncode == 0 and "are asthma" in got.stdout, "and does the same", got.stdout)


def main():
    tap = Tap()
    if SANITIZED:  # a program that is not sanitized does not start with libraries that are
        tap.skip("docs/guides/fields.md", "run in the build without sanitizers")
        tap.finish()
    with tempfile.TemporaryDirectory() as folder:
        test_symbols(tap)
        source = test_guide(tap, folder)
        test_static(tap, folder, source)
    tap.finish()


if __name__ == "__main__":
    main()
