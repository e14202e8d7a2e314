#!/usr/bin/env python3
"""docs/guides/backup.md: its commands, on a service as the server's guide makes one. Prints TAP."""
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, ROOT, Tap, redoubt, write  # noqa: E402
from server import AWS  # noqa: E402
from service import Service  # noqa: E402

COMMANDS_MIN = 18
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}]}'


def blocks():
    with open(os.path.join(ROOT, "docs", "guides", "backup.md"), encoding="utf-8") as file:
        return re.findall(r"^```sh\n(.*?)^```$", file.read(), re.M | re.S)


def script(folder, port):
    lines, n = [], 0
    for block in blocks():
        for command in re.sub(r"\\\n\s*", " ", block).splitlines():
            n += 1
            if command.endswith("&"):
                command = command[:-1] + " >server.log & i=0; until grep -q ready server.log || [ $((i+=1)) -gt 300 ]; do sleep 0.1; done; sleep 1.1"
            lines.append("{ %s; } || { echo FAILED command %d; exit 1; }" % (command, n))
    start = "redoubt serve --config server.yaml >server.log &\nuntil grep -q ready server.log; do sleep 0.1; done\n" \
            "redoubt key create --alias orders\nredoubt principal create app --policy app.json\nredoubt principal credential app -o app.env\n"
    env = "trap 'kill $(jobs -p) 2>/dev/null' EXIT\nexport AWS_ENDPOINT_URL=https://127.0.0.1:%d AWS_CA_BUNDLE=server.pem AWS_REGION=local-1\nset -a; . ./alice.env; set +a\n" % port
    return env + start + "\n".join(lines) + "\n", n


def free_port():
    import socket
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        service = Service(folder)
        os.rename(service.data, os.path.join(folder, "service"))
        os.rename(service.words, os.path.join(folder, "passphrase"))
        port = free_port()
        write(os.path.join(folder, "app.json"), POLICY)
        write(os.path.join(folder, "server.yaml"), "data: service\nlisten: 127.0.0.1:%d\ncertificate: server.pem\nkey: server.key\n"
              "seal: passphrase\npassphrase_file: passphrase\n" % port)
        os.mkdir(os.path.join(folder, "bin"))
        os.symlink(REDOUBT, os.path.join(folder, "bin", "redoubt"))
        env = {k: v for k, v in os.environ.items() if k not in AWS}
        env["PATH"] = os.path.join(folder, "bin") + ":" + env["PATH"]
        text, n = script(folder, port)
        done = subprocess.run(["bash", "-c", text], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        out = done.stdout.decode()
        tap.ok(done.returncode == 0 and "FAILED" not in out, "the guide's commands work", "\n".join(out.splitlines()[-20:]))
        tap.ok(n >= COMMANDS_MIN, "the guide has %d commands" % n)
        tap.ok(re.search(r"state +disabled", out, re.I) and "restored: it may serve" in out, "what was withdrawn stays withdrawn", out[-3000:])
        tap.ok("QUARANTINE" in out and "not ready: quarantine" in out and "released" in out, "without the log: quarantine, until it is released", out[-3000:])
        tap.ok("fresh: yes" in out, "the log is one, before and after")
    tap.finish()


main()
