#!/usr/bin/env python3
"""`redoubt field index-plan`: the table of CipherSweet's planner, an index judged for a table and for
each tenant, and what is no question. Prints TAP.
"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Tap, redoubt  # noqa: E402

BOUNDS = [(1000, 5, 8), (10000, 7, 12), (100000, 9, 15), (1000000, 10, 18), (10000000, 12, 22), (100000000, 14, 25)]
WRONG = [
    ("1e6", "2"), ("-5", "2"), ("1000", ""), ("1000", "2 "), ("1000",), ("1000", "2", "3"), ("99999999999999999999", "2"),
    ("1000", "1000", "--bits", "0"), ("1000", "1000", "--bits", "41"), ("1000", "1000", "--bits", "x"), ("1000", "1000", "--other", "99"),
    ("1000", "1000", "--tenants", "-"),
]


def plan(*args, **more):
    return redoubt("field", "index-plan", *args, **more)


def main():
    tap, wrong = Tap(), []
    for rows, least, most in BOUNDS:
        got = plan(str(rows), str(rows), "--json")
        answer = json.loads(got.out)
        verdicts = {size["bits"]: size["verdict"] for size in answer["sizes"]}
        want = {n: "few" if n < least else "many" if n > most else "ok" for n in range(least - 1, most + 2)}
        if got.status or (answer["least"], answer["most"], answer["verdict"]) != (least, most, "ok") or verdicts != want:
            wrong.append(str(got))
    tap.ok(not wrong, "the bounds are those of the table", "\n".join(wrong))
    got = plan("1000000", "1000000")
    tap.ok(got.status == 0 and "10 to 18 bits" in got.out and "18    3.8" in got.out, "for people, too", got)
    got = plan("1000000", "1000", "--json")
    tap.ok(got.status == 1 and json.loads(got.out)["most"] == 8, "where hiding is dear the bits that hide are named", got)
    refused = [(("1000000", "2"), "domain"), (("1000000", "63"), "domain"), (("1000000", "0"), "unknown"), (("15", "1000"), "rows"),
               (("1000000", "1000000", "--other", "128"), "many")]
    wrong = [str(got) for args, why in refused for got in [plan(*args, "--json")] if got.status != 1 or json.loads(got.out)["verdict"] != why or "sizes" in got.out]
    tap.ok(not wrong, "no index over yes and no, an unknown number of values, too few rows, beside a unique one", "\n".join(wrong))
    judged = [("12", 0, []), ("8", 1, ["few"]), ("16", 1, ["many"]), ("128", 0, [])]
    wrong = [str(got) for bits, status, why in judged for got in [plan("100000", "100000", "--bits", bits, "--json")]
             if got.status != status or [f["verdict"] for f in json.loads(got.out)["findings"]] != why]
    tap.ok(not wrong, "an index that is there is judged", "\n".join(wrong))
    got = plan("10000000", "9000000", "--bits", "12", "--tenants", "-", "--json", stdin="acme|200\nbolt|9000000\r\n\nc d,15\nempty\t0\n")
    found = [(f["tenant"], f["rows"], f["verdict"]) for f in json.loads(got.out)["findings"]]
    tap.ok(got.status == 1 and found == [("acme", 200, "many"), ("c d", 15, "rows")], "each tenant by its own rows", got)
    got = plan("10000000", "2", "--bits", "12", "--tenants", "-", "--json", stdin="acme|200\nbolt|900\n")
    tap.ok(got.status == 1 and [f["verdict"] for f in json.loads(got.out)["findings"]] == ["domain"], "what no tenant changes is said once", got)
    got = plan("10000000", "9000000", "--bits", "12", "--tenants", "-", stdin="a\x1b[31m|200\n")
    tap.ok(got.status == 1 and "\x1b" not in got.out, "a tenant's name is made fit to show", got)
    bad = [plan("1000", "1000", "--bits", "9", "--tenants", "-", stdin=text) for text in ("acme", "acme|", "|5", "acme|5x", "acme|99999999999999999999", "acme-5\n")]
    bad += [plan("1000", "1000", "--bits", "9", "--tenants", "/nonexistent/file")]
    tap.ok(all(got.status in (3, 4) and not got.out and got.err.startswith("redoubt: error:") for got in bad), "lines that are none of TENANT|ROWS are refused", "\n".join(map(str, bad)))
    bad = [plan(*args) for args in WRONG]
    tap.ok(all(got.status == 3 and not got.out and "error:" in got.err for got in bad), "what is no question is refused", "\n".join(map(str, bad)))
    tap.finish()


main()
