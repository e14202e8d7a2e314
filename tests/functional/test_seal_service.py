#!/usr/bin/env python3
"""Sealed files for keys of the key service: customers apart, tenants' keys, a revoked recipient; and for a token.
Prints TAP."""
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Tap, redoubt, write  # noqa: E402
from seal_files import get, keygen, put, run, some_bytes  # noqa: E402
from server import Server, env_file  # noqa: E402

MODULES = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
           "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"]
PIN = "471108"


def allow(actions, **equals):
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    if equals:
        statement["Condition"] = {"StringEquals": {"kms:EncryptionContext:" + name.replace("__", ":"): value for name, value in equals.items()}}
    return statement


def principal(server, folder, name, *statements):
    """A principal with a policy; its environment."""
    path = write(os.path.join(folder, name + ".json"), json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    env = os.path.join(folder, name + ".env")
    for words in (("create", name, "--policy", path), ("credential", name, "-o", env)):
        got = server.admin("principal", *words)
        assert got.status == 0, got
    base = server.env()
    return dict(base, **env_file(env), AWS_ENDPOINT_URL=base["AWS_ENDPOINT_URL"])


def seal(folder, env, name, data, *words):
    path = os.path.join(folder, name)
    return path, run("seal", "-q", *words, "-o", path, data=data, env=env)


def customers(tap, server, folder):
    """One key, two customers: the context under which the file key lies tells them apart."""
    data = some_bytes(50000)
    assert server.admin("key", "create", "--alias", "backups").status == 0
    use = ["kms:Encrypt", "kms:Decrypt"]
    acme = principal(server, folder, "acme", allow(use, redoubt__tenant="acme"))
    bolt = principal(server, folder, "bolt", allow(use, redoubt__tenant="bolt"))
    path, got = seal(folder, acme, "acme.rbf", data, "--key", "alias/backups", "--tenant", "acme")
    tap.ok(got.returncode == 0, "acme seals for acme", got.stderr)
    got = run("open", path, env=acme)
    tap.ok(got.stdout == data, "acme opens it", got.stderr)
    got = run("open", path, env=bolt)
    tap.ok(got.returncode == 4 and b"AccessDenied" in got.stderr and not got.stdout, "bolt is refused", got.stderr)
    _, got = seal(folder, bolt, "forged.rbf", data, "--key", "alias/backups", "--tenant", "acme")
    tap.ok(got.returncode == 4 and not os.path.exists(os.path.join(folder, "forged.rbf")), "bolt cannot seal as acme", got.stderr)
    sealed = get(path)
    forged = sealed.replace(b"acme", b"bolt")
    got = run("open", put(os.path.join(folder, "renamed.rbf"), forged), env=bolt)
    tap.ok(sealed != forged and got.returncode == 4 and not got.stdout, "nor by writing another name into the file", got.stderr)
    told = json.loads(redoubt("inspect", "--json", path).out)["recipients"][0]
    tap.ok(told["kind"] == "kms" and told["tenant"] == "acme" and ":key/" in told["key"], "inspect tells key and tenant", told)
    other, got = seal(folder, acme, "acme2.rbf", some_bytes(10, 3), "--key", "alias/backups", "--tenant", "acme")
    one, two = get(path), get(other)
    mixed = two[:10] + one[10:26] + two[26:]
    got = run("open", put(os.path.join(folder, "mixed.rbf"), mixed), env=acme)
    tap.ok(got.returncode == 4 and not got.stdout, "a wrap of another file is refused", got.stderr)
    key, public = keygen(folder, "offline.txt")
    both, got = seal(folder, acme, "both.rbf", data, "--key", "alias/backups", "--tenant", "acme", "-r", public)
    tap.ok(run("open", "-i", key, both).stdout == data and run("open", both, env=acme).stdout == data, "a key of the service and one offline", got.stderr)
    got = run("reseal", "-i", key, "-r", public, both)
    tap.ok(got.returncode == 0 and run("open", both, env=acme).returncode == 4 and run("open", "-i", key, both).stdout == data,
           "a recipient that was removed is refused", got.stderr)
    assert server.admin("principal", "disable", "acme").status == 0
    got = run("open", path, env=acme)
    tap.ok(got.returncode == 4 and not got.stdout, "a revoked credential is refused", got.stderr)
    got = run("open", path, env=dict(server.env(), AWS_ENDPOINT_URL="https://127.0.0.1:1"))
    tap.ok(got.returncode == 4 and not got.stdout, "no server: a clear error", got.stderr)


def tenants(tap, server, folder):
    data = some_bytes(20000)
    for words in (("key", "create", "--alias", "archive"), ("key", "ring", "archive"), ("tenant", "create", "acme", "archive"),
                  ("tenant", "create", "bolt", "archive")):
        got = server.admin(*words)
        assert got.status == 0, got
    acme = principal(server, folder, "acme-app", allow(["redoubt:KekExport"], tenant="acme"))
    bolt = principal(server, folder, "bolt-app", allow(["redoubt:KekExport"], tenant="bolt"))
    path, got = seal(folder, acme, "tenant.rbf", data, "-r", "tenant:acme@alias/archive")
    tap.ok(got.returncode == 0 and run("open", path, env=acme).stdout == data, "a tenant's key", got.stderr)
    got = run("open", path, env=bolt)
    tap.ok(got.returncode == 4 and not got.stdout, "another tenant's application is refused", got.stderr)
    _, got = seal(folder, bolt, "tenant2.rbf", data, "-r", "tenant:acme@alias/archive")
    tap.ok(got.returncode == 4, "and does not get the key to seal either", got.stderr)
    server.admin("key", "rotate", "archive")
    got = run("open", path, env=acme)
    tap.ok(got.stdout == data, "after the ring has rotated the file can be opened", got.stderr)


def token(tap, folder):
    module = next((path for path in MODULES if os.path.exists(path)), None)
    if module is None:
        tap.skip("a token", "no SoftHSM here")
        return
    conf = write(os.path.join(folder, "softhsm2.conf"), "directories.tokendir = %s\nlog.level = ERROR\n" % folder)
    env = {"SOFTHSM2_CONF": conf}
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "backup", "--so-pin", "12345678", "--pin", PIN],
                   check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, **env))
    pin, wrong = put(os.path.join(folder, "pin"), PIN.encode()), put(os.path.join(folder, "wrong"), b"000000")
    word = "pkcs11:token=backup;object=seal?module-path=" + module
    data = some_bytes(5000)
    path, got = seal(folder, env, "token.rbf", data, "-r", word, "--pin-file", pin)
    tap.ok(got.returncode == 0, "sealed to a token", got.stderr)
    got = run("open", "--hsm-module", module, "--pin-file", pin, path, env=env)
    tap.ok(got.stdout == data, "and opened by it", got.stderr)
    got = run("open", "--hsm-module", module, "--pin-file", wrong, path, env=env)
    tap.ok(got.returncode == 4 and not got.stdout, "a wrong PIN is refused", got.stderr)
    got = run("open", path)
    tap.ok(got.returncode == 4 and b"token" in got.stderr, "without it the hint names the token", got.stderr)


if __name__ == "__main__":
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder, Server(os.path.join(folder, "data")) as server:
        customers(tap, server, folder)
        tenants(tap, server, folder)
        token(tap, folder)
    tap.finish()
