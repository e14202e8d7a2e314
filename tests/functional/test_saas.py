#!/usr/bin/env python3
"""The template as written gives its contradictions as findings, each by rule and subject, and
nothing beside what is listed here; the minimal plan gives none. Prints TAP."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
REDOUBT = os.environ.get("REDOUBT", "redoubt")
EXAMPLES = os.path.join(os.environ.get("REDOUBT_SOURCE", os.path.join(HERE, "..", "..")), "examples")
AT = "2026-11-24"

# note of the template -> what must be found
CONTRADICTIONS = {
    "X1: critical data under TLS 1.2": ("TRANSIT-TLS-FLOOR", "flows.web"),
    "X4: PII under volume encryption only": ("REST-2", "stores.db"),
    "X5: passwords under a yearly key": ("KEY-FLOOR-ROTATION", "keys.prod-db-cmk"),
    "X7: mail under opportunistic TLS": ("TRANSIT-OPPORTUNISTIC", "flows.email"),
    "X10: a KMS key turned by hand": ("ROTATE-1", "keys.prod-pii-cmk"),
    "X14: one pinned root": ("TLS-PIN-NEXT", "flows.app-db"),
}

# Everything else that the template leaves open or gets wrong.
OTHERS = [
    ("BACKUP-RESTORE", "keys.backup-cmk"),
    ("ENDPOINT-FDE", "stores.laptops"),
    ("GAP-BACKUP", "stores.analytics"), ("GAP-BACKUP", "stores.audit-logs"), ("GAP-BACKUP", "stores.search"),
    ("GAP-BACKUP", "stores.sessions"),
    # Part 3 lists eight paths, and none of them reaches these four.
    ("GAP-FLOW", "stores.analytics"), ("GAP-FLOW", "stores.audit-logs"), ("GAP-FLOW", "stores.search"),
    ("GAP-FLOW", "stores.sessions"),
    ("GAP-LOG", "stores.audit-logs"),
    ("GAP-SCRATCH", "services.app"), ("GAP-SCRATCH", "services.worker"),
    ("KEY-FIPS-HISTORICAL", "keys.backup-cmk"), ("KEY-FIPS-HISTORICAL", "keys.prod-db-cmk"),
    ("KEY-FIPS-HISTORICAL", "keys.prod-pii-cmk"), ("KEY-FIPS-HISTORICAL", "keys.prod-s3-cmk"),
    ("KEY-FLOOR-ROTATION", "keys.backup-cmk"),
    ("KEYSTORE-2", "stores.analytics"), ("KEYSTORE-2", "stores.audit-logs"), ("KEYSTORE-2", "stores.search"),
    ("KEYSTORE-2", "stores.sessions"),
    ("REST-2", "stores.search"),
    ("REST-4", "stores.audit-logs"), ("REST-4", "stores.backups"),
    ("REST-7-STALE", "plan"),
    ("ROTATE-1", "keys.hmac-secret"),
    ("ROTATE-REHEARSED", "keys.internal-ca"),
    ("THIRD-PARTY-EVIDENCE", "stores.stripe"),
    ("TRANSIT-NODE", "stores.analytics"), ("TRANSIT-NODE", "stores.search"),
    ("TRANSIT-TLS-FLOOR", "flows.app-db"), ("TRANSIT-TLS-FLOOR", "flows.app-stripe"),
]

count = failed = 0


def check(name, problem):
    global count, failed
    count += 1
    failed += bool(problem)
    print("%s %d - %s" % ("not ok" if problem else "ok", count, name))
    for line in str(problem).splitlines() if problem else []:
        print("# " + line)


def findings(state, example):
    """(exit status, findings), or (exit status, what went wrong as a text)."""
    env = dict(os.environ, XDG_STATE_HOME=state, NO_COLOR="1")
    plan = os.path.join(EXAMPLES, example, "redoubt.yaml")
    done = subprocess.run([REDOUBT, "check", "--at", AT, "--json", plan], env=env, capture_output=True,
                          text=True, timeout=60)
    if done.returncode not in (0, 1):
        return done.returncode, done.stderr.strip() or "exit %d" % done.returncode
    return done.returncode, json.loads(done.stdout)["findings"]


def by_verdict(found, *verdicts):
    return {(f["rule"], f["subject"]): f for f in found if f["verdict"] in verdicts}


def saas(state):
    status, found = findings(state, "saas")
    if isinstance(found, str):
        check("the template is judged", found)
        return
    fails = by_verdict(found, "fail", "drift")
    for name, want in CONTRADICTIONS.items():
        finding = fails.get(want, {})
        line = finding.get("where", {}).get("line")
        check("%s: %s on %s" % (name, *want), "" if finding and line else "not found, or no line: %s" % finding)
    wanted = set(CONTRADICTIONS.values()) | set(OTHERS)
    check("nothing else is found", sorted(set(fails) - wanted))
    check("nothing that was found before is lost", sorted(wanted - set(fails)))
    check("nothing is undecided", sorted(by_verdict(found, "unknown")))
    check("findings end with status 1", "" if status == 1 else "exit %d" % status)


def minimal(state):
    status, found = findings(state, "minimal")
    if isinstance(found, str):
        check("the minimal plan is judged", found)
        return
    check("the minimal plan is clean", sorted(by_verdict(found, "fail", "drift", "unknown", "accepted")))
    check("and ends with status 0", "" if status == 0 else "exit %d" % status)


def main():
    state = tempfile.mkdtemp(prefix="redoubt-saas-")
    try:
        saas(state)
        minimal(state)
    finally:
        shutil.rmtree(state, ignore_errors=True)
    print("1..%d" % count)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
