#!/usr/bin/env python3
"""What `check` costs on made-up plans of 1,000, 10,000 and 100,000 entries and on MedTrack: time, memory, cost
for each entry, the ratio to the bars of the design and to the limit, a bare parse of the same YAML by the same
library in the same run. It prints times and judges none, since machines differ; what it does judge is that the
findings are those that were built into the plan. REDOUBT_BENCH_QUICK=1 makes it brief. Prints TAP."""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import gen_plan  # noqa: E402

REDOUBT = os.environ.get("REDOUBT", "redoubt")
SOURCE = os.environ.get("REDOUBT_SOURCE", os.path.join(HERE, "..", ".."))
BUILD = os.environ.get("REDOUBT_BUILD", "")
YAML_ONLY = os.environ.get("REDOUBT_YAML_ONLY", "")
QUICK = os.environ.get("REDOUBT_BENCH_QUICK") == "1"
SIZES = (100, 1000) if QUICK else (1000, 10000, 100000)
BAR_S, BAR_MB, BAR_SUBJECTS, BAR_COLD_S = 1.0, 200, 10000, 0.050

count = failed = 0


def ok(name, problem=None):
    global count, failed
    count += 1
    failed += bool(problem)
    print("%s %d - %s" % ("not ok" if problem else "ok", count, name))
    if problem:
        print("# " + str(problem))
    sys.stdout.flush()


def say(text):
    print("# " + text)
    sys.stdout.flush()


def run(args, repeat):
    """Best wall and CPU seconds of some runs; os.wait4 counts the rules' child as well."""
    best = None
    for _ in range(repeat):
        start = time.perf_counter()
        child = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        cost = (wall, usage.ru_utime + usage.ru_stime, usage.ru_utime)
        best = cost if best is None else min(best, cost)
    return best


def family(pid):
    """The process and its children."""
    yield pid
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
            for word in f.read().split():
                yield from family(int(word))
    except OSError:
        pass


def memory_of(pid):
    """Bytes of one process, pages shared with another counted once between them."""
    try:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
            for line in f:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def peak_memory(args):
    """Most bytes of the process and its child together, looked at every few milliseconds: not in a timed run."""
    child = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak, done = 0, threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, sum(memory_of(pid) for pid in family(child.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    done.set()
    watcher.join()
    return max(peak, usage.ru_maxrss * 1024)


def findings_of(plan):
    out = subprocess.run([REDOUBT, "check", "--json", "--at", gen_plan.AT, plan], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False)
    if out.returncode not in (0, 1):
        return "exit %d: %s" % (out.returncode, out.stderr.decode("utf-8", "replace")[:300])
    found = json.loads(out.stdout)["findings"]
    return sorted((f["rule"], f["subject"]) for f in found if f["verdict"] not in ("pass", "unobserved", "n/a"))


def measure(subjects, folder):
    """Wall seconds of one size, for the ratio between sizes."""
    expected, files = gen_plan.write(subjects, folder)
    plan = os.path.join(folder, "redoubt.yaml")
    args = [REDOUBT, "check", "--at", gen_plan.AT, plan]
    found = findings_of(plan)
    ok("%d entries: findings are the %d that were built in" % (subjects, len(expected)),
       None if found == sorted(expected) else "found %s" % str(found)[:600])
    repeat = 1 if QUICK else 3
    wall, cpu, user = run(args, repeat)
    size = sum(os.path.getsize(name) for name in files)
    peak = peak_memory(args)
    say("%d entries, %.1f MB in %d file(s): %.3f s wall, %.3f s CPU (%.3f user), peak %.0f MB, %.1f us and %.1f KB "
        "an entry" % (subjects, size / 1e6, len(files), wall, cpu, user, peak / 1e6, wall / subjects * 1e6,
                      peak / subjects / 1e3))
    if YAML_ONLY:
        bare, bare_cpu, _ = run([YAML_ONLY] + files, repeat)
        say("    limit: a bare YAML parse of these bytes takes %.3f s; check is %.1f times that (%.1f in CPU), "
            "parsing is %.0f%% of it" % (bare, wall / bare, cpu / max(bare_cpu, 1e-6), 100 * bare / wall))
    if subjects == BAR_SUBJECTS:
        say("    bar: %.2f of %.0f s, %.2f of %d MB" % (wall / BAR_S, BAR_S, peak / 1e6 / BAR_MB, BAR_MB))
    return wall, cpu


def build_type():
    try:
        with open(os.path.join(BUILD, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as f:
            options = {o["name"]: o["value"] for o in json.load(f)}
        return "%s, sanitize %s" % (options.get("buildtype"), options.get("b_sanitize"))
    except OSError:
        return "unknown"


def main():
    say("build: %s; %d processors, load %.1f; best of %d" % (build_type(), os.cpu_count(), os.getloadavg()[0],
                                                            1 if QUICK else 3))
    with tempfile.TemporaryDirectory() as top:
        os.environ["XDG_STATE_HOME"] = os.path.join(top, "state")
        costs = [measure(n, os.path.join(top, str(n))) for n in SIZES]
        for i in range(1, len(SIZES)):
            times = SIZES[i] / SIZES[i - 1]
            say("%d against %d entries: %.2f of linear in wall, %.2f in CPU" % (
                SIZES[i], SIZES[i - 1], costs[i][0] / costs[i - 1][0] / times,
                costs[i][1] / costs[i - 1][1] / times))
        medtrack = os.path.join(SOURCE, "examples", "medtrack", "redoubt.yaml")
        cold, cpu, _ = run([REDOUBT, "check", "--at", gen_plan.AT, medtrack], 3 if QUICK else 20)
        say("MedTrack, a new process: %.1f ms wall, %.1f ms CPU; %.2f of the bar of %.0f ms" % (
            cold * 1e3, cpu * 1e3, cold / BAR_COLD_S, BAR_COLD_S * 1e3))
    ok("MedTrack was checked")
    print("1..%d" % count)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
