#!/usr/bin/env python3
"""Files that somebody laid out: links that lead out of the plan's folder, pipes that would hang a
reader, devices, a state folder of somebody else, a full disk, a reader that goes away."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import REDOUBT, ROOT, Tap, redoubt, write

MEDTRACK = os.path.join(ROOT, "examples", "medtrack", "redoubt.yaml")
AT = ("--at", "2026-11-24")
SECRET = "top: secret-of-another\n"
PLAN = """redoubt: 1
product: {id: x, name: X, owner: o, tenancy: single}
%s
services:
  s: {zone: app}
data:
  d: {level: low, owner: o}
"""


def named(path, sha256="0" * 64, n=1):
    items = ", ".join('{file: "%s%s", sha256: "%s"}' % ("./" * i, path, sha256) for i in range(n))
    return ("attestations:\n  AT-1: {covers: [REST-1], statement: s, by: o, signed: 2026-11-01, "
            "expires: 2027-01-01, evidence: [%s]}\n" % items)


def read_outside(tap, folder):
    """The files of others are neither read nor told apart from files that are not there."""
    plan = os.path.join(folder, "plan", "redoubt.yaml")
    out = write(os.path.join(folder, "outside.yaml"), SECRET)
    inside = os.path.join(folder, "plan", "link.yaml")
    os.makedirs(os.path.dirname(plan))
    for what, target in (("a file outside", out), ("a device", "/dev/zero"), ("a process's environment", "/proc/self/environ"),
                         ("a folder", folder), ("itself", "link.yaml")):
        if os.path.lexists(inside):
            os.remove(inside)
        os.symlink(target, inside)
        write(plan, PLAN % "include: [link.yaml]")
        got = redoubt("check", plan)
        tap.ok(got.status == 3 and "secret" not in str(got), "include of a link to " + what, got)
        write(plan, PLAN % "environments:\n  e: {targets: link.yaml}")
        got = redoubt("verify", "--env", "e", plan)
        tap.ok(got.status in (3, 4) and "secret" not in str(got), "targets of a link to " + what, got)
    hashes = []
    for name in (out, "no-such-file"):
        os.remove(inside)
        os.symlink(name, inside)
        write(plan, PLAN % named("link.yaml"))
        got = redoubt("check", *AT, "--json", "--all", plan)
        hashes.append([(f["rule"], f["verdict"], f["message"]) for f in json.loads(got.out)["findings"] if "AT-1" in f["subject"]])
    tap.ok(hashes[0] == hashes[1] and hashes[0], "evidence outside looks like evidence that is not there", hashes)


def pipes(tap, folder):
    fifo = os.path.join(folder, "fifo")
    os.mkfifo(fifo)
    plan = os.path.join(folder, "piped.yaml")
    for what, args, text in (
            ("as a plan", ["check", fifo], None), ("as a pack", ["check", "--pack", fifo, MEDTRACK], None),
            ("as a run", ["report", "--run", fifo], None), ("as an included file", ["check", plan], PLAN % "include: [fifo]"),
            ("as evidence", ["check", *AT, plan], PLAN % named("fifo"))):
        if text:
            write(plan, text)
        began = time.monotonic()
        got = redoubt(*args)
        tap.ok(got.status in (1, 3) and time.monotonic() - began < 20, "a FIFO " + what + " is not waited for", got)
    os.remove(fifo)
    for name in ("/dev/zero", "/dev/stdin", "/proc/self/mem", "/"):
        got = redoubt("check", name)
        tap.ok(got.status in (3, 4), "%s is no plan" % name, got)


def evidence_without_end(tap, folder):
    """One file of 64 MiB under many names: hashed so often and no more."""
    plan = os.path.join(folder, "named", "redoubt.yaml")
    os.makedirs(os.path.dirname(plan))
    with open(os.path.join(folder, "named", "big"), "wb") as big:
        big.truncate(64 << 20)
    write(plan, PLAN % named("big", n=500))
    began = time.monotonic()
    got = redoubt("check", *AT, plan)
    tap.ok(got.status == 3 and "bytes in all" in got.err and time.monotonic() - began < 40,
           "one file under 500 names is refused by the sum of their bytes", got)


def state(tap, folder):
    """A run is kept in a folder of one's own, or not at all."""
    home = os.path.join(folder, "home")
    victim = os.path.join(folder, "victim")
    os.makedirs(victim)
    os.makedirs(home)
    env = {"XDG_STATE_HOME": home}
    os.symlink(victim, os.path.join(home, "redoubt"))
    got = redoubt("check", *AT, MEDTRACK, env=env)
    tap.ok(got.status == 0 and "was not kept" in got.err and os.listdir(victim) == [], "a link in its place is not followed", got)
    os.remove(os.path.join(home, "redoubt"))
    os.mkdir(os.path.join(home, "redoubt"))
    os.chmod(os.path.join(home, "redoubt"), 0o777)
    got = redoubt("check", *AT, MEDTRACK, env=env)
    tap.ok(got.status == 0 and "others may write" in got.err, "nor a folder that others write to", got)
    got = redoubt("report", env=env)
    tap.ok(got.status == 4 and "others may write" in got.err, "and no run is read from there", got)
    os.chmod(os.path.join(home, "redoubt"), 0o700)
    if os.geteuid() == 0:
        os.chown(os.path.join(home, "redoubt"), 65534, 65534)
        got = redoubt("check", *AT, MEDTRACK, env=env)
        tap.ok(got.status == 0 and "somebody else" in got.err, "nor somebody else's", got)
        os.chown(os.path.join(home, "redoubt"), 0, 0)
    else:
        tap.skip("somebody else's folder", "needs root")
    was = os.umask(0)
    redoubt("check", *AT, MEDTRACK, env=env)
    os.umask(was)
    mode = os.stat(os.path.join(home, "redoubt", "last-run.json")).st_mode & 0o777
    tap.ok(mode == 0o600, "a run is the user's own, whatever the umask", oct(mode))


def at_once(tap, folder):
    """Twelve runs that keep themselves in one place: each ends well, and a whole one is left."""
    env = dict(os.environ, XDG_STATE_HOME=os.path.join(folder, "many"))
    runs = [subprocess.Popen([REDOUBT, "check", *AT, MEDTRACK], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(12)]
    ends = [(run.communicate(), run.returncode) for run in runs]
    left = os.listdir(os.path.join(folder, "many", "redoubt"))
    got = redoubt("report", env={"XDG_STATE_HOME": env["XDG_STATE_HOME"]})
    tap.ok(all(code == 0 for _, code in ends) and left == ["last-run.json"] and got.status == 0, "runs at the same time", (ends, left))


def devices(tap, folder):
    got = redoubt("check", *AT, "-o", "/dev/full", MEDTRACK)
    tap.ok(got.status == 4 and "No space" in got.err and os.path.exists("/dev/full"), "-o /dev/full fails", got)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([REDOUBT, "check", *AT, MEDTRACK], stdout=full, stderr=subprocess.PIPE)
    tap.ok(done.returncode == 4 and b"standard output" in done.stderr, "standard output that is full fails", done)
    got = redoubt("check", *AT, "-o", "/dev/null", MEDTRACK)
    tap.ok(got.status == 0 and not os.path.isfile("/dev/null"), "-o /dev/null leaves the device", got)
    got = redoubt("check", *AT, "-o", "/dev/stdout", MEDTRACK)
    tap.ok(got.status == 0 and "MedTrack" in got.out, "-o /dev/stdout writes there", got)
    held = os.path.join(folder, "held")
    os.makedirs(held)
    keep = write(os.path.join(held, "report.html"), "old")
    script = 'mount -t tmpfs -o size=16k none "%s" && echo old > "%s" && exec "$0" "$@"' % (held, keep)
    try:
        done = subprocess.run(["unshare", "-m", "sh", "-c", script + ' ; true', REDOUBT, "check", *AT, "--format", "html", "-o", keep, MEDTRACK],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError:
        done = None
    if done is None or b"mount" in done.stderr or b"unshare" in done.stderr:
        tap.skip("a full disk", "unshare -m and mount need root")
        return
    tap.ok(done.returncode == 4 and b"No space" in done.stderr, "a full disk fails", done)


def goes_away(tap):
    for args in (["report", "--all"], ["rules", "list"], ["plan", "schema"], ["help"]):
        run = subprocess.Popen([REDOUBT] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=True)
        run.stdout.read(1)
        run.stdout.close()
        said = run.stderr.read()
        run.wait(20)
        tap.ok(said == b"" and run.returncode in (-signal.SIGPIPE, 0), "%s | head ends without a word" % args[0], (run.returncode, said))


def interrupted(tap, folder):
    """SIGINT while a probe waits for a server that says nothing."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(5)
    plan = os.path.join(folder, "silent", "redoubt.yaml")
    write(plan, PLAN % "environments:\n  e: {targets: t.yaml}\nflows:\n  f: {from: s, to: s, carries: [d], tls: {min: tls1.2}}")
    write(os.path.join(folder, "silent", "t.yaml"),
          'flows:\n  f: {https: {url: "https://localhost:%d/"}}\n' % server.getsockname()[1])
    out = os.path.join(folder, "silent", "out.html")
    env = dict(os.environ, XDG_STATE_HOME=os.path.join(folder, "silent", "state"))
    run = subprocess.Popen([REDOUBT, "verify", "--env", "e", "--timeout", "30", "--format", "html", "-o", out, plan], env=env,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.5)
    alive = run.poll() is None
    run.send_signal(signal.SIGINT)
    try:
        said = run.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        run.kill()
        said = run.communicate()
    left = os.listdir(os.path.dirname(out))
    tap.ok(alive and run.returncode == -signal.SIGINT and sorted(left) == ["redoubt.yaml", "t.yaml"],
           "SIGINT ends a verify and leaves nothing half-written", (alive, run.returncode, said, left))
    server.close()


def main():
    tap = Tap()
    folder = tempfile.mkdtemp()
    os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
    try:
        read_outside(tap, folder)
        pipes(tap, folder)
        evidence_without_end(tap, folder)
        state(tap, folder)
        at_once(tap, folder)
        devices(tap, folder)
        redoubt("check", *AT, MEDTRACK)
        goes_away(tap)
        interrupted(tap, folder)
    finally:
        shutil.rmtree(folder)
    tap.finish()


main()
