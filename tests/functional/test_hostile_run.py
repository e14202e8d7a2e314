#!/usr/bin/env python3
"""Stored runs (`report --run`) by somebody else: small files that would make gigabytes, and words in
every place that takes words. Each is refused in seconds by a limit that is named, or shown harmless."""
import copy
import csv
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import time
import unicodedata
import xml.etree.ElementTree as xml

from harness import ROOT, SANITIZED, Tap, redoubt, write

MEDTRACK = os.path.join(ROOT, "examples", "medtrack", "redoubt.yaml")
EVIL = "=E\x1b[2J\x07\u009b31m\u202e\u2066\u200b\ufeff\U000e0041<script>alert(1)</script>'\"`|\\](javascript:x)\n| x |"
FORMATS = ("text", "json", "sarif", "junit", "csv", "html", "template")
SECONDS = 45


def stored(folder):
    redoubt("check", "--at", "2026-11-24", MEDTRACK, env={"XDG_STATE_HOME": folder})
    with open(os.path.join(folder, "redoubt", "last-run.json"), encoding="utf-8") as file:
        return json.load(file)


def show(folder, run, *args):
    path = write(os.path.join(folder, "run.json"), run if isinstance(run, str) else json.dumps(run))
    return redoubt("report", "--run", path, *args)


def multiplied(run, n_subjects, n_controls, n_rules):
    """A rule passes on many subjects, and many controls name it many times: lines of a table multiply."""
    run = copy.deepcopy(run)
    passed = [g for g in run["grouped"] if g["verdict"] == "pass"][0]
    stores = run["plan_document"]["stores"]
    where = run["subjects"][0]["where"]
    added = ["x%d" % i for i in range(n_subjects)]
    for name in added:
        stores[name] = {"kind": "postgres", "holds": []}
        run["subjects"].append({"id": "stores." + name, "where": where})
    passed["subjects"] = list(passed.get("subjects") or [passed.pop("subject")]) + ["stores." + n for n in added]
    run["summary"]["pass"] += n_subjects
    gdpr = [f for f in run["frameworks"] if f["id"] == "gdpr"][0]
    one = {"rule": passed["rule"], "strength": "covers", "verdict": "pass", "assurance": "A0"}
    gdpr["controls"] = [dict(gdpr["controls"][0], id="C%d" % i, rules=[one] * n_rules) for i in range(n_controls)]
    return run


def costs(tap, folder, run):
    big = multiplied(run, 5000, 200, 20)
    for name, text, args, words in (
            ("a table of 20 million lines", json.dumps(big), ["--format", "csv", "--framework", "gdpr"], "report is larger"),
            ("11 million empty objects", "[" + "{}," * (11 << 20) + "{}]", [], "more than 4000000 values"),
            ("16 million numbers", "[" + "1," * (16 << 20) + "1]", [], "more than 4000000 values"),
            ("32 MiB of brackets", "[" * (32 << 20), [], "more than 4000000 values"),
            ("nested deeper than any run", "[" * 100000, [], "depth")):
        if SANITIZED and words == "report is larger":
            tap.skip(name, "a report of 1 GiB under a sanitizer takes longer than the time that is judged")
            continue
        began = time.monotonic()
        got = show(folder, text, *args)
        took = time.monotonic() - began
        tap.ok(got.status == 3 and words in got.err and took < SECONDS, name, "%.1f s %s" % (took, got))
    for name in FORMATS:
        began = time.monotonic()
        got = show(folder, big, "--format", name)
        took = time.monotonic() - began
        tap.ok(got.status == 0 and took < SECONDS, "5,000 subjects and 4,000 lines of controls as " + name, "%.1f s" % took)
    long = copy.deepcopy(run)
    for finding in long["findings"]:
        finding["message"] = "\u202e|" * (4 << 20)
    for name in FORMATS:
        began = time.monotonic()
        got = show(folder, long, "--format", name)
        took = time.monotonic() - began
        tap.ok(got.status in (0, 3) and took < SECONDS, "a message of 16 MiB as " + name, "%.1f s" % took)


# Words whose form matters: ids, verdicts, dates, hashes, names of files.
FORMAL = {"id", "rule", "subject", "verdict", "before", "assurance", "severity", "state", "strength", "sha256", "time", "version",
          "edition", "exception", "level", "level_from", "by", "subjects", "rollups", "controls", "source", "broken", "evidence",
          "checklist", "published", "env"}


def poison(value, key=None):
    if isinstance(value, dict):
        return {k: v if k == "plan_document" else poison(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return value if key in FORMAL else [poison(v, key) for v in value]
    return EVIL + value if isinstance(value, str) and key not in FORMAL else value


def files_of_others(tap, folder, run):
    """The maker of a run names the plan's folder: no file there is read, and so none is told about."""
    run = copy.deepcopy(run)
    own = write(os.path.join(folder, "others", "secret"), "secret of another\n")
    run["run"]["plan"] = os.path.join(os.path.dirname(own), "redoubt.yaml")
    run["plan_document"]["attestations"] = {"AT-1": {
        "covers": ["REST-1"], "statement": "s", "by": "b", "signed": "2026-11-01", "expires": "2027-01-01",
        "evidence": [{"file": "secret", "sha256": "0" * 64}]}}
    path = write(os.path.join(folder, "run.json"), json.dumps(run))
    got = redoubt("rules", "explain", "--run", path, "AT-HASH", "attestations.AT-1")
    with open(own, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    tap.ok(got.status == 0 and "unknown" in got.out and digest not in got.out, "explain tells no hash of a file", got)
    run["plan_document"]["include"] = ["*"]
    got = show(folder, run)
    tap.ok(got.status == 3, "a stored run includes nothing", got)


def unfit(text, keep):
    return sorted({"U+%04X" % ord(c) for c in text
                   if c not in keep and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Cn")})


def words(tap, folder, run):
    run = poison(run)
    for name in FORMATS:
        for extra in ([], ["--framework", "soc2"]) if name != "template" else ([],):
            got = show(folder, run, "--all", "--format", name, *extra)
            what = "hostile words in every place as %s %s" % (name, " ".join(extra))
            if not tap.ok(got.status == 0, what, got):
                continue
            bad = unfit(got.out + got.err, "\r\n\t" if name in ("csv", "html", "junit") else "\n")
            tap.ok(not bad, what + ": nothing that a terminal obeys or that turns a line round", bad)
            if name in ("html", "template"):
                tap.ok("<script>alert" not in got.out, what + ": no markup of their own", got.out[:300])
            if name == "template":
                tap.ok(not re.search(r"(?<!\\)\]\(javascript", got.out), what + ": no link", got.out[:300])
            if name in ("json", "sarif"):
                tap.ok(isinstance(json.loads(got.out), dict), what + ": is JSON")
            if name == "junit":
                tap.ok(len(xml.fromstring(got.out)) > 0, what + ": is XML")
            if name == "csv":
                rows = list(csv.reader(io.StringIO(got.out, newline="")))
                bad = [c for row in rows for c in row if c[:1] and c[0] in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"]
                tap.ok(not bad and len({len(row) for row in rows}) == 1, what + ": no formula, no torn line", bad[:3])


def main():
    tap = Tap()
    folder = tempfile.mkdtemp()
    try:
        run = stored(folder)
        costs(tap, folder, run)
        words(tap, folder, run)
        files_of_others(tap, folder, run)
    finally:
        shutil.rmtree(folder)
    tap.finish()


main()
