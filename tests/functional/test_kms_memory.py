#!/usr/bin/env python3
"""What the memory of a running key service shows of the secrets that went through it, and what of the rest of the
program runs where keys are. Prints TAP."""
import base64
import json
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, SANITIZED, Tap, redoubt  # noqa: E402
from server import Server, child_of  # noqa: E402
from service import WORDS, Service  # noqa: E402
from signing import call  # noqa: E402

CALLS = 20
KEYS_ROOMS = ("base", "crypto", "codec", "net", "store", "kms", "server")
NOT_IN_KEYS = re.compile(r'#include\s+["<](rules|probe|scan|report|evidence|lua|lauxlib|archive)\b')


def regions(pid):
    """(begin, end, whether a core dump leaves it out) of what may be read."""
    out, found = [], None
    with open("/proc/%d/smaps" % pid, encoding="utf-8") as file:
        for line in file:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line)
            if head:
                found = (int(head.group(1), 16), int(head.group(2), 16), head.group(3), head.group(4).strip())
            elif line.startswith("VmFlags:") and found[2].startswith("r") and found[3] not in ("[vvar]", "[vsyscall]"):
                out.append((found[0], found[1], " dd " in line + " "))
    return out


def memory(pid):
    """(what a core dump would hold, what it would leave out)"""
    parts = ([], [])
    with open("/proc/%d/mem" % pid, "rb", 0) as file:
        for begin, end, left_out in regions(pid):
            try:
                file.seek(begin)
                parts[left_out].append(file.read(end - begin))
            except (OSError, ValueError):
                continue  # not there to be read: guards
    return parts


def found(parts, secrets):
    return sorted(name for name, bytes_ in secrets.items() if any(bytes_ in part for part in parts))


def work(server):
    """Calls whose secrets are known here. What a client sees of its own: name -> bytes."""
    admin, app = server.env("dev"), server.env("app")
    key = call(admin, "TrentService.CreateKey", {})[1]["KeyMetadata"]["KeyId"]
    plain = os.urandom(48)
    body = {"KeyId": key, "Plaintext": base64.b64encode(plain).decode()}
    blob = call(app, "TrentService.Encrypt", body)[1]["CiphertextBlob"]
    call(app, "TrentService.Decrypt", {"CiphertextBlob": blob})
    made = call(app, "TrentService.GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"})[1]["Plaintext"]
    new = call(admin, "Redoubt.CredentialCreate", {"Principal": "app"})[1]["SecretAccessKey"]
    for _ in range(CALLS):  # what others do afterwards, on each of its threads
        call(app, "TrentService.GenerateRandom", {"NumberOfBytes": 32})
        call(admin, "TrentService.ListKeys", {})
    return {"a plaintext": plain, "a plaintext in base64": body["Plaintext"].encode(), "a data key": base64.b64decode(made),
            "a data key in base64": made.encode(), "a new secret access key": new.encode(),
            "the administrator's secret access key": admin["AWS_SECRET_ACCESS_KEY"].encode(),
            "the application's secret access key": app["AWS_SECRET_ACCESS_KEY"].encode()}


def dump(tap, server):
    secrets = dict(work(server), **means(server.data))
    keys, jobs = (child_of(server.process.pid, "redoubt-" + name) for name in ("keys", "jobs"))
    dumped, left_out = memory(keys)
    marker = {"an access key id, which is public": server.env("app")["AWS_ACCESS_KEY_ID"].encode()}
    tap.ok(found(dumped, marker), "the memory was read: %d MiB" % (sum(map(len, dumped)) >> 20))
    tap.ok(not found(dumped, secrets), "what a core dump would hold has no secret of a call", found(dumped, secrets))
    tap.ok(not found(left_out, secrets), "nor has what it would leave out", found(left_out, secrets))
    for name, pid in (("jobs", jobs), ("the supervisor", server.process.pid)):
        parts = memory(pid)
        tap.ok(not found(parts[0] + parts[1], secrets), "%s never had one" % name)


def opened(tap, folder):
    """What opened the root goes when it is open."""
    service = Service(folder).open()
    try:
        call(service.env(), "TrentService.ListKeys", {})
        secrets = {"the passphrase": WORDS.encode()}
        dumped, left_out = memory(child_of(service.process.pid, "redoubt-keys"))
        tap.ok(not found(dumped + left_out, secrets), "the passphrase is gone", found(dumped, secrets))
    finally:
        service.stop()


def means(data):
    """The key encryption key of a development root. Its base64 is in clear in root.json, and may stay in memory too."""
    with open(os.path.join(data, "root.json"), encoding="utf-8") as file:
        return {"the root's key": base64.b64decode(json.load(file)["seals"][0]["key"])}


def processes(tap, server):
    for name in ("keys", "jobs"):
        pid = child_of(server.process.pid, "redoubt-" + name)
        wrong = []
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/status" % (pid, thread), encoding="utf-8") as file:
                status = file.read()
            if "Seccomp:\t2" not in status or "NoNewPrivs:\t1" not in status:
                wrong.append(thread)
        if SANITIZED:
            tap.skip("the sandbox of %s" % name, "it stays open under a sanitizer")
        else:
            tap.ok(not wrong, "%s: every thread is in the sandbox" % name, wrong)


def no_lua(tap, folder):
    """With a library in which a start of Lua ends the process, the server works; and a check of a plan, which needs Lua,
    does not: so the library is one."""
    name = os.path.join(folder, "preloaded.so")
    os.symlink(os.environ["NOLUA"], name)
    more = {"LD_PRELOAD": name, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    with Server(os.path.join(folder, "data"), env=more) as server:
        work(server)
        tap.ok(child_of(server.process.pid, "redoubt-keys"), "no Lua, no archive is opened where keys are")
    got = redoubt("check", os.path.join(ROOT, "examples", "medtrack", "redoubt.yaml"), env=more)
    tap.ok(got.status == 4, "where rules run there is Lua", got)


def rooms(tap):
    """What reads strangers' rules, hellos and archives is not included where keys are."""
    wrong = []
    for room in KEYS_ROOMS:
        folder = os.path.join(ROOT, "src", room)
        for name in sorted(os.listdir(folder)):
            if name.endswith((".c", ".h")) and not name.startswith("jobs"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    wrong += [(room, name, line) for line in file if NOT_IN_KEYS.match(line)]
    tap.ok(not wrong, "keys include no rules, probes, reports", wrong)


if __name__ == "__main__":
    tap = Tap()
    readable = os.geteuid() == 0 and not SANITIZED
    with tempfile.TemporaryDirectory() as folder, Server(os.path.join(folder, "data")) as server:
        if readable:
            dump(tap, server)
        else:
            tap.skip("what memory shows", "only root reads it, and a sanitizer makes terabytes of it")
        processes(tap, server)
    rooms(tap)
    with tempfile.TemporaryDirectory() as folder:
        no_lua(tap, folder)
    if readable:
        with tempfile.TemporaryDirectory() as folder:
            opened(tap, folder)
    tap.finish()
