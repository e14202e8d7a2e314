#!/usr/bin/env python3
"""tools/tally: what is counted as passed, failed and skipped."""
import json

from tree import Tap, run_tool

CASES = [
    ("TAP lines count one by one", [("OK", "1..2\nok 1 - a\nok 2 - b\n")], 0, "2 passed, 0 failed, 0 skipped"),
    ("a line that is not ok", [("FAIL", "1..2\nok 1 - a\nnot ok 2 - b\n")], 1, "1 passed, 1 failed, 0 skipped"),
    ("its name is told", [("FAIL", "1..1\nnot ok 1 - burnt\n")], 1, "failed: build: x: burnt"),
    ("a crash after good lines", [("FAIL", "1..2\nok 1 - a\n")], 1, "1 passed, 1 failed, 0 skipped"),
    ("a time-out", [("TIMEOUT", "")], 1, "0 passed, 1 failed, 0 skipped"),
    ("a skipped line with its reason", [("OK", "1..2\nok 1 - a\nok 2 - b # SKIP no IPv6 here\n")], 0, "skipped: build: x: b: no IPv6 here"),
    ("counted apart", [("OK", "1..2\nok 1 - a\nok 2 - b # SKIP no IPv6 here\n")], 0, "1 passed, 0 failed, 1 skipped"),
    ("everything skipped", [("SKIP", "1..0 # SKIP no server\n"), ("OK", "")], 0, "skipped: build: x: no server"),
    ("a program that skips", [("SKIP", "skipped: no tool\n"), ("OK", "")], 0, "skipped: build: x: no tool"),
    ("a test that returned early", [("OK", "1..2\n# skipped: no vectors\nok 1 - a\nok 2 - b\n")], 0, "skipped: build: x: a: no vectors"),
    ("and only that one", [("OK", "1..2\n# skipped: no vectors\nok 1 - a\nok 2 - b\n")], 0, "1 passed, 0 failed, 1 skipped"),
    ("no excuse for a failure", [("FAIL", "1..1\n# skipped: no vectors\nnot ok 1 - a\n")], 1, "0 passed, 1 failed, 0 skipped"),
    ("programs without TAP count as one", [("OK", "ok, fine\n"), ("FAIL", "x")], 1, "1 passed, 1 failed, 0 skipped"),
    ("nothing ran is no success", [], 1, "0 passed, 0 failed, 0 skipped"),
]


def log(tests):
    return "".join(json.dumps({"name": "redoubt:unit / x", "result": result, "stdout": out}) + "\n" for result, out in tests)


def main():
    tap = Tap()
    for name, tests, want, words in CASES:
        status, output = run_tool("tally", {"build/meson-logs/testlog.json": log(tests)}, in_root=["build"])
        tap.ok(status == want and words in output, name, "status %d: %s" % (status, output))
    status, output = run_tool("tally", {"build/x": ""}, in_root=["build"])
    tap.ok(status == 1 and "did not run" in output, "a build without a log is a failure", output)
    tap.finish()


main()
