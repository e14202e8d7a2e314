#!/usr/bin/env python3
"""docs/guides/clients.md: each block is run as it stands there, in the page's order. Prints TAP."""
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from kms_case import ROOT, Service, Tap, boto_missing, new_key  # noqa: E402
from npm_case import install  # noqa: E402

GUIDE = os.path.join(ROOT, "docs", "guides", "clients.md")
BLOCKS = {"sh": 2, "python": 1, "js": 1}
NEEDS = {"sh": lambda: None if shutil.which("aws", path="/usr/bin") and shutil.which("curl") else "no awscli, or no curl",
         "python": boto_missing, "js": lambda: install()[1]}


def command(kind, block):
    if kind == "sh":
        return ["bash", "-euo", "pipefail", "-c", block]
    if kind == "python":
        return [sys.executable, "-c", block]
    return ["node", "-e", block]


def main():
    tap = Tap()
    with open(GUIDE, encoding="utf-8") as file:
        found = re.findall(r"^```(\w+)\n(.*?)^```$", file.read(), re.M | re.S)
    kinds = [kind for kind, _ in found]
    tap.ok({k: kinds.count(k) for k in kinds} == BLOCKS, "the blocks that there are", kinds)
    why = boto_missing()
    if why:
        tap.skip("the blocks", why)
        tap.finish()
    with Service() as service:
        env = service.env()
        env.update(KEY=new_key(service.boto())["KeyId"], NODE_EXTRA_CA_CERTS=env["AWS_CA_BUNDLE"], NODE_NO_WARNINGS="1",
                   PATH="/usr/bin:/bin:" + env["PATH"])
        for kind, block in found:
            name = "%s: %s" % (kind, block.splitlines()[0][:60])
            why = NEEDS[kind]()
            if why:
                tap.skip(name, why)
                continue
            if kind == "js":
                env["NODE_PATH"] = os.path.join(install()[0], "node_modules")
            done = subprocess.run(command(kind, block), env=env, cwd=service.folder, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=120)
            good = done.returncode == 0 and "Exception" not in done.stdout
            if "decrypt" in block and kind == "sh":
                good = good and done.stdout == "4111 1111 1111 1111\n"
            tap.ok(good, name, done.stdout)
    tap.finish()


main()
