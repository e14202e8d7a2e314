#!/usr/bin/env python3
"""docs/formats/policy.md names each operator and condition key of the code's tables, and those alone are
said to be known. Prints TAP.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Tap  # noqa: E402


def main():
    tap = Tap()
    with open(os.path.join(ROOT, "src", "kms", "policy_keys.c"), encoding="utf-8") as file:
        code = file.read()
    with open(os.path.join(ROOT, "docs", "formats", "policy.md"), encoding="utf-8") as file:
        page = file.read()
    operators = re.findall(r'^    \{"([A-Za-z]+)",', code, re.MULTILINE)
    keys = {re.sub(r"[:/]$", lambda m: m.group() + "NAME", k)
            for k in re.findall(r'\{"((?:aws|kms):[A-Za-z:/]+)",', code)}
    section = page[page.index("## 3."):page.index("Other keys of AWS")]
    named = set(re.findall(r"`((?:aws|kms):[A-Za-z:/]+)`", section))
    tap.ok(len(operators) >= 26 and len(keys) >= 60, "the tables are read", (len(operators), len(keys)))
    missing = [o for o in operators if "`%s`" % o not in section]
    tap.ok(not missing, "each operator is on the page", missing)
    tap.ok(keys == named, "each key is on the page, and no other", sorted(keys ^ named))
    many = set(re.findall(r'\{"((?:aws|kms):[A-Za-z]+)",\s*\w+,\s*[^}]*?,\s*true\s*\}', code))
    said = {k for k in named if re.search(r"`%s`\s*\(many\)|`%s` \|[^|]*\| many" % (k, k), section)}
    tap.ok(many and many == said, "keys of many values are said to be", sorted(many ^ said))
    tap.finish()


main()
