#!/usr/bin/env python3
"""A hostile start: descriptors, signals, limits and system calls that whoever starts redoubt has
taken away. It says so and ends, or works; it never judges without its sandbox and never hangs. And
packs that try what the sandbox is for."""
import ctypes
import ctypes.util
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from harness import REDOUBT, ROOT, SANITIZED, Tap, redoubt, write

PLAN = os.path.join(ROOT, "examples", "medtrack", "redoubt.yaml")
AT = ("check", "--at", "2026-11-24")
EPERM, KILL = 0x00050000 | 1, 0
SCMP_ALLOW = 0x7fff0000

RULE = """local t = { id = "ACME-1", title = "t", severity = "high", why = "w", fix = "f", subjects = { %s },
  decided = { "plan" }, check = function(s) %s end, tests = { { on = "stores.db", expect = "pass" } } }
rule(t)
"""
# The pack takes its texts out of the table that it gave away, and makes others of their size.
GONE = """local t = { id = "ACME-" .. "GONE-1", title = "a title that is longer than the forty bytes" .. " of short ones",
  severity = "high", source = { "SOURCE-" .. "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }, subjects = { "stores" },
  decided = { "plan" }, why = "a reason that is longer than the forty bytes" .. " of short ones",
  fix = "a remedy that is longer than the forty bytes" .. " of short ones",
  check = function(s) return pass() end, tests = { { on = "stores.db", expect = "pass" } } }
rule(t)
t.id, t.title, t.why, t.fix, t.source[1] = nil, nil, nil, nil, nil
local junk = {}
for i = 1, 200000 do junk[i % 100 + 1] = "junk junk junk junk junk junk junk junk junk " .. i end
"""


def limited(what, soft, hard=None):
    return lambda: resource.setrlimit(what, (soft, soft if hard is None else hard))


def closed(*fds):
    def close():
        for fd in fds:
            os.close(fd)
    return close


def ignored(*signals):
    def ignore():
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
    return ignore


def without_seccomp(library):
    """A container that answers EPERM to whoever asks for a filter."""
    def refuse():
        lib = ctypes.CDLL(library)
        lib.seccomp_init.restype = ctypes.c_void_p
        ctx = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(SCMP_ALLOW)))
        lib.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
        number = lib.seccomp_syscall_resolve_name(b"seccomp")
        lib.seccomp_rule_add(ctx, EPERM, number, 0)
        if lib.seccomp_load(ctx) != 0:
            os._exit(99)
    return refuse


def run(before=None, *args, env=None, prefix=(), timeout=60):
    began = time.monotonic()
    done = subprocess.run(list(prefix) + [REDOUBT] + list(args or AT + (PLAN,)), preexec_fn=before, timeout=timeout,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=os.environ if env is None else env)
    done.took = time.monotonic() - began
    return done


def starts(tap):
    judged = run().stdout
    for what, before, status, words in (
            ("SIGCHLD is ignored", ignored(signal.SIGCHLD), 0, b""),
            ("SIGXCPU is ignored", ignored(signal.SIGXCPU), 0, b""),
            ("all signals are blocked", lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()), 0, b""),
            ("300 MiB of memory", limited(resource.RLIMIT_AS, 300 << 20), 0, b""),
            ("8 descriptors", limited(resource.RLIMIT_NOFILE, 8), 0, b""),
            ("4 descriptors", limited(resource.RLIMIT_NOFILE, 4), 4, b"pipe for the sandbox"),
            ("5 seconds of processor time", limited(resource.RLIMIT_CPU, 5), 0, b""),
            ("no file may grow", limited(resource.RLIMIT_FSIZE, 0), 0, b"not kept"),
            ("no locked memory", limited(resource.RLIMIT_MEMLOCK, 0), 0, b""),
            ("stdin is closed", closed(0), 0, b""),
            ("stdout is closed", closed(1), 4, b"standard output"),
            ("stderr is closed", closed(2), 0, b""),
            ("all three are closed", closed(0, 1, 2), 4, b"")):
        if SANITIZED and what == "300 MiB of memory":
            tap.skip(what, "the sanitizer's shadow memory is larger than that by itself")
            continue
        got = run(before)
        good = got.returncode == status and words in got.stderr and (status != 0 or got.stdout == judged)
        tap.ok(good, "%s: status %d" % (what, status), "%s\n%s\n%s" % (got.returncode, got.stdout[:300], got.stderr))


def no_sandbox(tap):
    library = ctypes.util.find_library("seccomp") or "libseccomp.so.2"
    got = run(without_seccomp(library))
    tap.ok(got.returncode == 4 and got.stdout == b"" and b"nothing was run" in got.stderr and
           b"hint: seccomp was refused" in got.stderr, "without seccomp nothing is judged, and it says why", got.stderr)
    script = 'umount -l /proc && exec "$0" "$@"'
    prefix = ("unshare", "-m", "sh", "-c", script)
    try:
        can = subprocess.run(["unshare", "-m", "sh", "-c", "umount -l /proc"], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        can = False
    if SANITIZED:
        tap.skip("without /proc", "a sanitized child has no limit on memory to set up")
        return
    if not can:
        tap.skip("without /proc", "unshare -m and umount need root")
        return
    got = run(None, prefix=prefix)
    tap.ok(got.returncode == 4 and got.stdout == b"" and b"/proc" in got.stderr,
           "without /proc memory cannot be limited, so nothing is judged", got.stderr)


def packs(tap, folder):
    pack = write(os.path.join(folder, "gone.lua"), GONE)
    got = redoubt("rules", "show", "--pack", pack, "ACME-GONE-1")
    tap.ok(got.status == 0 and all(w in got.out for w in ("a title that is", "a reason that is", "a remedy that is",
                                                           "SOURCE-aaa", "of short ones")) and "junk" not in got.out,
           "texts that a pack takes back stay what they were", got)
    for what, sections, body, status, words in (
            ("calls without an end", '"stores"', "local function f(n) return 1 + f(n + 1) end return f(1)", 4, "more instructions"),
            ("an error of 10 MB", '"stores"', "local x = 'x' for i = 1, 23 do x = x .. x end error(x)", 0, "rule error"),
            ("a message of 10 MB", '"stores"', "local x = 'x' for i = 1, 23 do x = x .. x end return fail { message = x }",
             1, "ACME-1 on stores."),
            ("an error that is a table of itself", '"stores"', "local e = {} e.e = e error(e)", 0, "rule error"),
            ("a list that holds itself", '"stores"', "local e = {} e[1] = e return fail { message = 'm', observed = e }",
             1, "ACME-1 on stores."),
            ("a change of what others see", '"stores"',
             "plan.flows.web.tls = nil s.holds = nil for k in pairs(plan.stores) do plan.stores[k] = nil end return pass()",
             0, "1 accepted"),
            ("a forged outcome", '"stores"', "local p = pass() p.level = 4 return p", 0, "rule error"),
            ("another's functions", '"stores"', "pass = fail rule = nil get = nil seen = function() return true end return unknown('x')",
             0, "ACME-1"),
            ("one sort of a million", '"plan"', "local t = {} for i = 1, 1000000 do t[i] = -i end table.sort(t) return pass()", 4, "ACME-1"),
            ("comparators that never agree", '"stores"', "local t = {} for i = 1, 1000 do t[i] = i end "
             "table.sort(t, function() return true end) return pass()", 0, "1 accepted")):
        pack = write(os.path.join(folder, "site.lua"), RULE % (sections, body))
        got = run(None, *AT, "--pack", pack, PLAN)
        text = b" ".join((got.stdout + got.stderr).split())
        tap.ok(got.returncode == status and words.encode() in text and got.took < 40 and len(got.stdout) < 100000, what,
               "%s %.1f s\n%s" % (got.returncode, got.took, text[:1500]))


def main():
    tap = Tap()
    folder = tempfile.mkdtemp()
    os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
    try:
        starts(tap)
        no_sandbox(tap)
        packs(tap, folder)
    finally:
        shutil.rmtree(folder)
    tap.finish()


main()
