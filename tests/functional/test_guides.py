#!/usr/bin/env python3
"""The guides' plans are judged as they say. A comment right above a ```yaml block tells what it is:

  <!-- save: FILE; finds: RULE SUBJECT [accepted], ... -->   a whole plan, and exactly the findings it has
  <!-- save: FILE; wrong: WORDS -->                          a whole plan that is refused with these words
  <!-- save: FILE -->                                        a file that later ones need
  <!-- plan -->                                              more of the guide's running plan
  <!-- patch: RULE SUBJECT [VERDICT], ... -->                a change to it, and exactly the findings that it makes;
                                                             `clean` for none
  <!-- targets: FILE -->                                     a targets file for the running plan

The commands of the guides are run by tools/check-docs-commands. Also: the table of facts in probes.md has what
src/evidence/facts.h has. Prints TAP.
"""
import json
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Tap, redoubt, write  # noqa: E402

GUIDES = os.path.join(ROOT, "docs", "guides")
AT = "2026-11-24"
QUIET = ("pass", "n/a", "unobserved")   # what a plan alone cannot settle is no finding of a guide
FILES_NAMED = ("docs/rotate-root.md",)   # that the running plan speaks of
BLOCKS_MIN = {"start.md": 4, "plan.md": 12, "probes.md": 1}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def blocks(text):
    """(line, comment, block) of each ```yaml block that has a comment."""
    for match in re.finditer(r"^<!-- ((?:save|plan|patch|targets)\b[^\n]*?) *-->\n```yaml\n(.*?)^```$", text, re.M | re.S):
        yield text[:match.start()].count("\n") + 1, match.group(1), match.group(2)


def wanted(words):
    """"RULE SUBJECT [VERDICT], ..." as a set."""
    if words.strip() == "clean":
        return set()
    triples = [tuple(part.split()) for part in words.split(",")]
    return {triple if len(triple) == 3 else triple + ("fail",) for triple in triples}


def findings(got):
    try:
        return {(f["rule"], f["subject"], f["verdict"]) for f in json.loads(got.out)["findings"]
                if f["verdict"] not in QUIET}
    except (ValueError, KeyError):
        return None


def check_saved(tap, name, folder, _plan, comment, block):
    parts = dict(part.strip().split(": ", 1) for part in comment.split(";"))
    path = write(os.path.join(folder, parts["save"]), block)
    if "finds" in parts:
        got = redoubt("check", "--json", "--at", AT, path)
        tap.ok(findings(got) == wanted(parts["finds"]), name + " has the findings that it names",
               "%s\n%s" % (findings(got), got))
    if "wrong" in parts:
        got = redoubt("check", path)
        tap.ok(got.status == 3 and parts["wrong"] in got.err, name + " is refused", got)


def check_plan(tap, name, folder, plan):
    got = redoubt("check", "--json", "--at", AT, write(os.path.join(folder, "plan.yaml"), plan))
    tap.ok(findings(got) == set(), name + ": the running plan is clean", "%s\n%s" % (findings(got), got))


def check_patch(tap, name, folder, plan, comment, block):
    """As an environment, so that nothing here has to merge YAML."""
    patch = "environments:\n  other:\n    patch:\n" + "".join("      " + line + "\n" for line in block.splitlines())
    path = write(os.path.join(folder, "patched.yaml"), plan + "\n" + patch)
    got = redoubt("check", "--json", "--at", AT, "--env", "other", path)
    found = findings(got)
    if found is not None:
        found.discard(("REST-6-SHARED", "environments.other", "fail"))   # of the environment, not of the change
    tap.ok(found == wanted(comment.split(":", 1)[1]), name + " has the findings that it names",
           "%s\n%s" % (found, got))


def check_targets(tap, name, folder, plan, comment, block):
    """The plan as a whole has no target, so that the file is read and nothing is reached for."""
    file = comment.split(":", 1)[1].strip()
    write(os.path.join(folder, file), block)
    path = write(os.path.join(folder, "targeted.yaml"), plan + "\nenvironments: { prod: { targets: %s } }\n" % file)
    got = redoubt("verify", "--env", "prod", "--only", "plan", path)
    tap.ok(got.status in (0, 1), name + " is a targets file for the running plan", got)


def test_guide(tap, guide, start):
    """Gives the running plan, for guides that go on from it."""
    all_blocks = list(blocks(read(os.path.join(GUIDES, guide))))
    more = [block for _, comment, block in all_blocks if comment == "plan"]
    plan = start + "\n".join(more)
    checks = {"save": check_saved, "patch": check_patch, "targets": check_targets}
    with tempfile.TemporaryDirectory() as folder:
        for file in FILES_NAMED:
            write(os.path.join(folder, file), "as described\n")
        if more:
            check_plan(tap, guide, folder, plan)
        for line, comment, block in all_blocks:
            kind = comment.split(":")[0]
            if kind in checks:
                checks[kind](tap, "%s:%d" % (guide, line), folder, plan, comment, block)
    tap.ok(len(all_blocks) >= BLOCKS_MIN[guide], "%s: %d blocks" % (guide, len(all_blocks)))
    return plan


def test_facts(tap):
    code = read(os.path.join(ROOT, "src", "evidence", "facts.h"))
    have = set(re.findall(r'X\("([a-z.]+)", "([a-z]+)"', code))
    told = set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \| ([a-z]+) \|", read(os.path.join(GUIDES, "probes.md")), re.M))
    tap.ok(have, "facts.h has facts")
    tap.ok(have == told, "probes.md tells of each fact and its section",
           "only in facts.h: %s\nonly in probes.md: %s" % (sorted(have - told), sorted(told - have)))


def main():
    tap = Tap()
    test_guide(tap, "start.md", "")
    plan = test_guide(tap, "plan.md", "")
    test_guide(tap, "probes.md", plan)
    test_facts(tap)
    tap.finish()


if __name__ == "__main__":
    main()
