#!/usr/bin/env python3
"""docs/guides/approvals.md: its commands are run in their order, in one shell, with only the port changed; those
that it calls refused are refused. docs/formats/approval.md has the operations of the program. Prints TAP.
"""
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Tap  # noqa: E402
from test_server_guide import read, run  # noqa: E402

GUIDE = os.path.join(ROOT, "docs", "guides", "approvals.md")
COMMANDS_MIN, REFUSED = 35, 4
AWS_LINE = re.compile(r"^(aws .*)$", re.M)


def test_guide(tap):
    text, refused = re.subn(r"^(redoubt .*?) +# refused.*$", r"{ ! \1; }", read(GUIDE), flags=re.M)
    have_aws = shutil.which("aws") is not None
    if not have_aws:  # then there is nothing to break the glass of
        text = text.split("## 5.")[0] + "## 6." + text.split("## 6.")[1]
    with tempfile.TemporaryDirectory() as folder:
        status, out, n = run(folder, text, os.environ["PATH"])
        tap.ok(status == 0 and "FAILED" not in out, "the guide's commands work, %d of them" % n, "\n".join(out.splitlines()[-15:]))
        tap.ok(n >= (COMMANDS_MIN if have_aws else 25) and refused == REFUSED, "it has %d commands, %d refused" % (n, refused))
        tap.ok(len(re.findall(r"Request [0-9a-f-]{36} has 0 of 2 signatures", out)) == (refused if have_aws else refused - 1),
               "each refusal names a request")
        tap.ok("Dan D" in read(GUIDE) and "dan becomes an approver after 30 days" in out, "the recovery waits", out[-500:])
        if have_aws:
            with open(os.path.join(folder, "opened"), encoding="utf-8") as file:
                tap.ok(file.read() == "4111", "the glass is broken")


def test_operations(tap):
    code = read(os.path.join(ROOT, "src", "kms", "approval_table.c"))
    rows = re.findall(r'ROW\("([a-z-]+)",\s*"[^"]*",\s*"([^"]*)",\s*([A-Z]+)\)(,\s*\.by_call = true)?', code)
    have = {(name, parameters, binds.lower() if binds != "NOTHING" else "", not by_call) for name, parameters, binds, by_call in rows}
    page = read(os.path.join(ROOT, "docs", "formats", "approval.md")).split("## 3.")[1].split("## 4.")[0]
    told = set()
    for name, parameters, bound, by in re.findall(r"^\| `([a-z-]+)` \| (.*?) \| (.*?) ?\| (.*?) \|$", page, re.M):
        told.add((name, parameters.replace("`", "").replace(",", "").replace("none", ""), bound.replace("the ", "").strip(), "by hand" in by))
    tap.ok(len(rows) == code.count("ROW(") - 1 and have == told, "approval.md has the operations of the program", have ^ told)


def main():
    tap = Tap()
    test_operations(tap)
    test_guide(tap)
    tap.finish()


if __name__ == "__main__":
    main()
