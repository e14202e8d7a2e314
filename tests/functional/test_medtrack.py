#!/usr/bin/env python3
"""MedTrack is clean, and one changed value makes exactly one finding: the right rule on the right
subject. The changes are data: medtrack_changes*.py. Prints TAP."""
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import medtrack_changes  # noqa: E402
import medtrack_changes_keys  # noqa: E402
import medtrack_changes_mistakes  # noqa: E402

REDOUBT = os.environ.get("REDOUBT", "redoubt")
ROOT = os.environ.get("REDOUBT_SOURCE", os.path.join(HERE, "..", ".."))
EXAMPLE = os.path.join(ROOT, "examples", "medtrack")
AT = "2026-11-24"
CHANGES_MIN = 60
ACCEPTED = [("TRANSIT-TLS-FLOOR", "flows.api-search")]  # by EX-7
ACCEPTED_IN_DEV = [("KMS-DEV-ROOT", "plan")]  # by EX-8
ENVIRONMENTS = ["prod", "staging", "dev"]
STATE = tempfile.mkdtemp(prefix="redoubt-medtrack-")


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def check(self, name, problem):
        """problem: what is wrong, or an empty value."""
        self.n += 1
        self.failed += bool(problem)
        print("%s %d - %s" % ("not ok" if problem else "ok", self.n, name))
        for line in str(problem).splitlines() if problem else []:
            print("# " + line)
        sys.stdout.flush()


def run(*args):
    """The binary, with a state folder of its own: exit status, standard output, standard error."""
    env = dict(os.environ, XDG_STATE_HOME=STATE, NO_COLOR="1")
    done = subprocess.run([REDOUBT, *args], env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(plan, *args):
    """The findings of a plan: (exit, {verdict: [(rule, subject, finding)]}), or a text: what went wrong."""
    status, out, err = run("check", "--at", AT, "--json", *args, plan)
    if status not in (0, 1):
        return status, "exit %d: %s" % (status, err.strip())
    by = {}
    for finding in json.loads(out)["findings"]:
        by.setdefault(finding["verdict"], []).append(finding)
    return status, by


def named(findings):
    return sorted((f["rule"], f["subject"]) for f in findings)


def change(document, path, value):
    """Sets a dotted path in the document; None deletes. Maps on the way are made."""
    keys = path.split(".")
    at = document
    for key in keys[:-1]:
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
    last = int(keys[-1]) if isinstance(at, list) else keys[-1]
    if value is None:
        del at[last]  # a path that is not there is a mistake in the table
    else:
        at[last] = copy.deepcopy(value)


def problem_of_clean(env):
    """Why MedTrack is not clean in one environment, or an empty text."""
    status, by = check(os.path.join(EXAMPLE, "redoubt.yaml"), *(["--env", env] if env else []))
    if isinstance(by, str):
        return by
    accepted = named(by.get("accepted", []))
    wrong = ["%s: %s" % (v, named(by[v])) for v in ("fail", "drift", "unknown") if by.get(v)]
    # In dev the records are made up, so the search flow has no critical data to protect.
    if accepted != (ACCEPTED_IN_DEV if env == "dev" else ACCEPTED):
        wrong.append("accepted: %s" % accepted)
    if status != 0:
        wrong.append("exit %d" % status)
    return "\n".join(wrong)


def problem_of(folder, document, changes, want, *args):
    """Why changes to the document do not give exactly the wanted findings, or an empty text."""
    changed = copy.deepcopy(document)
    for path, value in changes.items():
        change(changed, path, value)
    plan = os.path.join(folder, "changed.json")
    with open(plan, "w", encoding="utf-8") as file:
        json.dump(changed, file, indent=1)
    status, by = check(plan, *args)
    if isinstance(by, str):
        return by
    broken = by.get("fail", []) + by.get("drift", [])
    wrong = []
    if named(broken) != sorted(want):
        wrong.append("wanted %s, got %s" % (sorted(want), named(broken)))
    if by.get("unknown"):
        wrong.append("unknown: %s" % named(by["unknown"]))
    counts = [f for f in broken if f["severity"] != "info"]
    if status != (1 if counts else 0):
        wrong.append("exit %d" % status)
    for finding in broken:
        if not finding["where"].get("line") or not finding.get("message"):
            wrong.append("%s has no line or no message" % finding["rule"])
    return "\n".join(wrong)


def main():
    tap = Tap()
    folder = os.path.join(STATE, "medtrack")
    shutil.copytree(EXAMPLE, folder)
    tap.check("MedTrack is clean as written", problem_of_clean(None))
    for env in ENVIRONMENTS:
        tap.check("MedTrack is clean in %s" % env, problem_of_clean(env))
    changes = medtrack_changes.CHANGES + medtrack_changes_keys.CHANGES + medtrack_changes_mistakes.CHANGES
    breaking = [c for c in changes if c[2]]
    tap.check("at least %d changes that break something" % CHANGES_MIN,
              "only %d" % len(breaking) if len(breaking) < CHANGES_MIN else "")
    names = [c[0] for c in changes]
    tap.check("each change has a name of its own", [n for n in names if names.count(n) > 1])
    status, out, err = run("plan", "show", "--json", os.path.join(folder, "redoubt.yaml"))
    tap.check("the plan can be had as JSON", "" if status == 0 else err or "exit %d" % status)
    if status == 0:
        document = json.loads(out)
        tap.check("nothing changed, nothing found", problem_of(folder, document, {}, []))
        for name, what, want in changes:
            tap.check(name, problem_of(folder, document, what, want))
        for name, env, patch, want in medtrack_changes_mistakes.PATCHES:
            what = {"environments.%s.patch.%s" % (env, path): value for path, value in patch.items()}
            tap.check(name + ": seen with --env %s" % env, problem_of(folder, document, what, want, "--env", env))
            tap.check(name + ": not in the plan as written", problem_of(folder, document, what, []))
    print("1..%d" % tap.n)
    shutil.rmtree(STATE, ignore_errors=True)
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
