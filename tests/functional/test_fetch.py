#!/usr/bin/env python3
"""The helper that fetches tenants' keys, against a real server: one request for many threads, keys kept
fresh, grace while the server is gone, an end to it when a right is withdrawn. Prints TAP.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Tap, redoubt  # noqa: E402
from server import Server, wait_for  # noqa: E402
from test_tenants import allow, principal  # noqa: E402

COLUMN = str(uuid.UUID(int=1))
KEY, NEED, FORKED = "fault 4", "fault 11", "fault 17"  # enum rdt_field_fault


class App:
    def __init__(self, env, ring, tenant, ttl=300, grace=0):
        self.child = subprocess.Popen([os.environ["FETCH_MAIN"], ring, tenant, COLUMN, str(ttl), str(grace)], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, **env))

    def ask(self, *words):
        self.child.stdin.write(" ".join(words) + "\n")
        self.child.stdin.flush()
        return self.child.stdout.readline().rstrip("\n")

    def counts(self):
        """answered, refused, failed, unreachable."""
        return [int(n) for n in self.ask("status").split(";")[0].split()]

    def end(self):
        self.child.stdin.close()
        self.child.stdout.close()
        return self.child.wait(30)


def exports(server, **which):
    args = [word for k, v in which.items() for word in ("--" + k, v)]
    got = server.admin("audit", "search", "--operation", "KekExport", "--limit", "1000", "--json", *args)
    return len(got.out.splitlines())


def test_single_flight(tap, server, ring, tenant, env):
    app = App(env, ring, tenant)
    value = app.ask("encrypt", "a plaintext")
    tap.ok(value.startswith("f801"), "a key that is not there is fetched", value)
    tap.ok(app.ask("decrypt", value) == "a plaintext" and app.counts() == [1, 0, 0, 0], "once", app.ask("status"))
    app.ask("drop")
    before = exports(server)
    tap.ok(app.ask("try", value).startswith(NEED), "what was dropped is needed again")
    app.ask("drop")
    tap.ok(app.ask("threads", "8", value) == "8", "8 threads at once")
    tap.ok(exports(server) <= before + 2 and app.counts()[0] <= 3, "one request for all of them", exports(server) - before)
    tap.ok(app.ask("fork").startswith(FORKED), "a child of fork() is told so")
    app.ask("drop")
    tap.ok(app.ask("decrypt", value) == "a plaintext", "and the parent's connection is as it was")
    tap.ok(app.end() == 0, "it ends well")
    return value


def test_fresh(tap, server, ring, tenant, env, value):
    """A time limit of 2 s: asked for again after 1.5 s of use, never missing."""
    app, before = App(env, ring, tenant, ttl=2), exports(server)
    app.ask("decrypt", value)
    bad, end = [], time.monotonic() + 4.5
    while time.monotonic() < end:
        got = app.ask("try", value)
        if got != "a plaintext":
            bad.append(got)
        time.sleep(0.05)
    tap.ok(not bad and 3 <= app.counts()[0] <= 6, "a key in use is there all the time", (bad[:3], app.ask("status")))
    tap.ok(exports(server) - before == app.counts()[0], "and each request is in the audit log")
    time.sleep(2.1)
    idle = app.counts()[0]
    time.sleep(1)
    tap.ok(app.counts()[0] <= idle, "one that nobody uses is not asked for")
    tap.ok(app.ask("try", value).startswith(NEED), "and is gone when its time is over")
    tap.ok(app.end() == 0, "it ends well")


def test_grace(tap, server, ring, tenant, env, value):
    """The server is killed and comes back."""
    listen = server.url.split("//")[1]
    apps = {grace: App(env, ring, tenant, ttl=2, grace=grace) for grace in (0, 60)}
    for app in apps.values():
        app.ask("decrypt", value)
    server.stop(9)
    time.sleep(1.6)
    for app in apps.values():
        app.ask("try", value)  # in use
    time.sleep(1.2)
    tap.ok(apps[0].ask("try", value).startswith(NEED), "without grace a key is gone with its time")
    got = apps[60].ask("decrypt", value)
    tap.ok(got == "a plaintext", "with grace it serves on while the server is gone", (got, apps[60].ask("status")))
    begun = time.monotonic()
    got = apps[0].ask("decrypt", value)
    tap.ok(got.startswith(NEED) and 2.5 < time.monotonic() - begun < 20, "who waits is told so when the time is up", got)
    tap.ok(all(app.counts()[3] == 1 for app in apps.values()), "the status says that it cannot be reached", apps[60].ask("status"))
    server.start(listen)
    tap.ok(wait_for(lambda: all(app.ask("decrypt", value) == "a plaintext" and app.counts()[3] == 0 for app in apps.values()), 30),
           "it comes back: keys are fetched again", [app.ask("status") for app in apps.values()])
    tap.ok([app.end() for app in apps.values()] == [0, 0], "they end well")


def test_refused(tap, server, folder, ring, tenant, env, value):
    """A right that is withdrawn ends the key at the next refresh, whatever the grace."""
    own = principal(server, folder, "reader", [allow(["redoubt:KekExport"])])
    app = App(own, ring, tenant, ttl=2, grace=600)
    tap.ok(app.ask("decrypt", value) == "a plaintext", "a reader with a key of its own")
    server.admin("principal", "disable", "reader")
    tap.ok(wait_for(lambda: app.ask("try", value).startswith(KEY), 10), "disabled: its key is gone within the time limit, grace or not",
           app.ask("status"))
    tap.ok(app.counts()[1] >= 1 and "UnrecognizedClient" in app.ask("status") or "AccessDenied" in app.ask("status"),
           "the status says why", app.ask("status"))
    tap.ok(app.ask("decrypt", value).startswith(KEY), "waiting does not bring it back")
    tap.ok(app.end() == 0, "it ends well")
    app, other = App(env, ring, tenant, ttl=2, grace=600), App(env, ring, str(uuid.uuid4()), ttl=2)
    app.ask("decrypt", value)
    tap.ok(other.ask("encrypt", "x").startswith(KEY), "a tenant that there is not: no key")
    server.admin("key", "disable", ring)
    tap.ok(wait_for(lambda: app.ask("try", value).startswith(KEY), 10) and "Disabled" in app.ask("status"),
           "a disabled ring: the key is gone within the time limit", app.ask("status"))
    server.admin("key", "enable", ring)
    wrong = App(dict(env, AWS_SECRET_ACCESS_KEY="x" * 40), ring, tenant, grace=600)
    tap.ok(wrong.ask("decrypt", value).startswith(KEY), "a wrong secret: no key", wrong.ask("status"))
    stranger = App(dict(env, AWS_CA_BUNDLE="/etc/ssl/certs/ca-certificates.crt"), ring, tenant)
    got = stranger.ask("decrypt", value)
    tap.ok(got.startswith(NEED) and "certificate" in stranger.ask("status"), "a server that is not trusted: nothing is sent", stranger.ask("status"))
    for one in (app, other, wrong, stranger):
        one.end()


def test_made(tap, ring, tenant, env):
    for name, more in (("no endpoint", {"AWS_ENDPOINT_URL": ""}), ("http", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}),
                       ("nobody", {"AWS_ACCESS_KEY_ID": ""}), ("no such CA", {"AWS_CA_BUNDLE": "/nowhere"}),
                       ("no region", {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""})):
        app = App(dict(env, **more), ring, tenant)
        got = app.child.communicate(timeout=30)[0]
        tap.ok(app.child.returncode == 1 and got.startswith("fault 15") and len(got) > 12, "refused: %s" % name, got)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        with Server(os.path.join(folder, "data")) as server:
            ring = server.admin("key", "create", "--alias", "records").out.strip()
            server.admin("key", "ring", "records")
            server.admin("tenant", "create", "acme", "records")
            tenant = json.loads(server.admin("tenant", "show", "acme", "--json").out)["TenantId"]
            env = server.env("app")
            value = test_single_flight(tap, server, ring, tenant, env)
            test_fresh(tap, server, ring, tenant, env, value)
            test_made(tap, ring, tenant, env)
            test_refused(tap, server, folder, ring, tenant, env, value)
            test_grace(tap, server, ring, tenant, env, value)
    tap.finish()


if __name__ == "__main__":
    main()
