#!/usr/bin/env python3
"""docs/guides/server.md: its commands are run in their order, in one shell, with only the port changed; its table of
fields is that of the program; the units of packaging/ are ones that systemd takes, and keep what they promise. Prints TAP.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, ROOT, Tap, write  # noqa: E402
from server import AWS  # noqa: E402

GUIDE = os.path.join(ROOT, "docs", "guides", "server.md")
BUILD = os.environ.get("REDOUBT_BUILD") or os.path.join(ROOT, "build")
BLOCKS_MIN, COMMANDS_MIN = 15, 40
PROMISED = ("MemorySwapMax=0", "LimitMEMLOCK=infinity", "LimitCORE=0", "NoNewPrivileges=yes", "ProtectSystem=strict",
            "StateDirectory=redoubt", "CapabilityBoundingSet=", "SystemCallFilter=", "User=redoubt")
EXPOSURE_MAX = 2.0   # of systemd-analyze security: 0 is best, 10 worst


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def blocks(text):
    """(line, what for, text) of each block that is run or saved."""
    last = ""
    for match in re.finditer(r"^(<!-- [^\n]*-->)?\n*```(\w+)\n(.*?)^```$", text, re.M | re.S):
        line, comment = text[:match.start()].count("\n") + 1, match.group(1) or ""
        save = re.search(r"save: (\S+)", comment)
        if save:
            yield line, save.group(1), match.group(3)
        elif match.group(2) == "sh" and "not run" not in comment:
            yield line, None, match.group(3)


def script(folder, port, text):
    """One script: what is saved is written first; a server in the background is waited for."""
    lines = ["set -m", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    n = 0
    for line, save, block in blocks(text):
        block = block.replace("7443", str(port))
        if save:
            write(os.path.join(folder, save), block)
            continue
        for command in re.sub(r"\\\n\s*", " ", block).splitlines():
            n += 1
            command = re.sub(r"\s+#.*$", "", command)
            if command.endswith("&"):
                command = command[:-1].replace("--dev", "--dev --listen 127.0.0.1:%d" % port) + " >server.log & " \
                    "i=0; until grep -q ready server.log || [ $((i+=1)) -gt 300 ]; do sleep 0.1; done; grep ready server.log"
            lines.append("echo '+ %d: %s'; { %s; } || { echo FAILED %d; exit 1; }" % (
                line, command.replace("'", ""), command, line))
    return "\n".join(lines) + "\n", n


def run(folder, text, path):
    """What a document's commands print, and how many they are. path: where programs are looked for."""
    made, n = script(folder, free_port(), text)
    bin_folder = os.path.join(folder, "bin")
    os.mkdir(bin_folder)
    os.symlink(REDOUBT, os.path.join(bin_folder, "redoubt"))
    env = {k: v for k, v in os.environ.items() if k not in AWS}
    env["PATH"] = bin_folder + ":" + path
    if not shutil.which("aws", path=path):
        made = re.sub(r"^.*aws --endpoint.*$", "", made, flags=re.M)
    done = subprocess.run(["bash", "-c", made], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=240)
    return done.returncode, done.stdout.decode(), n


def test_commands(tap):
    path = os.environ["PATH"]
    with tempfile.TemporaryDirectory() as folder:
        status, out, n = run(folder, read(GUIDE), path)
        ran = len(re.findall(r"^\+ \d+:", out, re.M))
        tap.ok(status == 0 and "FAILED" not in out, "the guide's commands work, %d of them" % ran, "\n".join(out.splitlines()[-15:]))
        tap.ok(n >= COMMANDS_MIN, "the guide has %d commands" % n)
        tap.ok(not shutil.which("aws", path=path) or "\n4111 1111" in out, "what was sealed opens again")
        tap.ok("fresh: yes" in out and "proven: record 0" in out, "the log is verified and proven")


def test_readme(tap):
    """Its three lines, with the system's own AWS CLI, which is the oldest that a reader has."""
    block = re.search(r"^```sh\nredoubt serve --dev &\n.*?^```$", read(os.path.join(ROOT, "README.md")), re.M | re.S)
    tap.ok(block is not None, "the README shows the key service")
    if not shutil.which("aws", path="/usr/bin"):
        tap.skip("the README's three lines", "there is no /usr/bin/aws")
        return
    with tempfile.TemporaryDirectory() as folder:
        status, out, n = run(folder, block.group(0) + "\n", "/usr/bin:/bin")
        tap.ok(status == 0 and n == 3 and '"KeyState": "Enabled"' in out, "the README's three lines make a key", out[-500:])


def test_fields(tap):
    code = read(os.path.join(ROOT, "src", "server", "config.c"))
    have = set(re.findall(r'^    \{"([a-z_]+)", +(?:TEXT|NUMBER|LISTEN)', code, re.M))
    told = set(re.findall(r"^\| `([a-z_]+)` \|", read(GUIDE), re.M))
    tap.ok(have and have == told, "the guide has each field of the configuration", "%s\n%s" % (sorted(have), sorted(told)))


def test_records(tap):
    """docs/formats/audit-record.md has the fields of the program."""
    types = {"U8": "u8", "U32": "u32", "U64": "u64", "I64": "i64", "B16": "16 bytes", "B32": "32 bytes", "TEXT": "text", "BYTES": "bytes"}
    code = read(os.path.join(ROOT, "src", "kms", "audit_record.c"))
    have = {(n, types[t], name) for n, t, name in re.findall(r"F\((\d+), RDT_M_(\w+), (\w+)\)", code)}
    text = read(os.path.join(ROOT, "docs", "formats", "audit-record.md"))
    told = set(re.findall(r"^\| (\d+) \| ([\w ]+) \| (\w+) \|", text, re.M))
    tap.ok(have and have == told, "audit-record.md has each field of a record", have ^ told)
    shown = set(re.findall(r'"([A-Z]\w+)"', read(os.path.join(ROOT, "src", "kms", "audit_json.c")).split("CloudTrail")[0])) - {"Index"}
    told = set(re.findall(r"^\| \d+ \|[^|]*\|[^|]*\| `(\w+)` \|", text, re.M))
    tap.ok(shown == told, "and its names in JSON", shown ^ told)


def test_units(tap):
    service = read(os.path.join(BUILD, "packaging", "redoubt.service"))
    lines = service.splitlines()
    lacks = [p for p in PROMISED if not any(line.startswith(p) for line in lines)]
    tap.ok(not lacks, "the unit has what is promised of it", lacks)
    tap.ok("@" not in service.split("SystemCallFilter")[0], "the program's path is filled in")
    if not shutil.which("systemd-analyze"):
        tap.skip("systemd takes the units", "there is no systemd-analyze")
        return
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "redoubt")  # a path without blanks
        os.symlink(REDOUBT, program)
        for name in ("redoubt.service", "redoubt.socket"):
            text = service if name.endswith("service") else read(os.path.join(ROOT, "packaging", name))
            text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)   # pages that are not installed here
            write(os.path.join(folder, name), re.sub(r"^ExecStart=\S+", "ExecStart=" + program, text, flags=re.M))
        paths = [os.path.join(folder, name) for name in ("redoubt.service", "redoubt.socket")]
        done = subprocess.run(["systemd-analyze", "verify"] + paths, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        tap.ok(done.returncode == 0 and not done.stdout, "systemd takes the units", done.stdout.decode())
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", paths[0]], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        found = re.search(r"exposure level for redoubt.service: ([0-9.]+)", done.stdout.decode())
        if found:
            tap.ok(float(found.group(1)) <= EXPOSURE_MAX, "systemd finds little to attack: %s" % found.group(1))
        else:
            tap.skip("systemd finds little to attack", "this systemd cannot judge a file")


def main():
    tap = Tap()
    test_fields(tap)
    test_records(tap)
    test_units(tap)
    test_commands(tap)
    test_readme(tap)
    tap.finish()


if __name__ == "__main__":
    main()
