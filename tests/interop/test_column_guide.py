#!/usr/bin/env python3
"""docs/guides/rotating-a-column.md: its commands are run in their order, in one shell, against a cluster of its own. Prints TAP."""
import os
import re
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../functional"))
from harness import ROOT  # noqa: E402
from test_server_guide import read, run  # noqa: E402
del sys.modules["harness"]
sys.path.insert(0, HERE)
import pgext_case  # noqa: E402
from harness import FOLDER, finish, result as check  # noqa: E402

GUIDE = os.path.join(ROOT, "docs", "guides", "rotating-a-column.md")
COMMANDS_MIN = 25


def main():
    pg = pgext_case.start()
    pg.sql("CREATE DATABASE guide OWNER owner")
    os.environ.update(PGHOST="127.0.0.1", PGPORT=str(pg.port), PGUSER="owner", PGDATABASE="guide")
    folder = os.path.join(FOLDER, "guide")
    os.mkdir(folder)
    text, refused = re.subn(r"^(grep .*?) +# refused.*$", r"{ ! \1; }", read(GUIDE), flags=re.M)
    status, out, n = run(folder, text, pgext_case.BIN + ":" + os.environ["PATH"])
    check(status == 0 and "FAILED" not in out, "the guide's commands work, %d of them" % n, "\n".join(out.splitlines()[-15:]))
    check(n >= COMMANDS_MIN and refused == 1, "it has %d commands, %d refused" % (n, refused))
    check("\n1|500" in out and "\ntrue|true" in out, "encrypted, then fenced and validated", out[-2000:])
    check("too early" in out and "signed with this key" in out and "draining" in out, "proved, signed, reported", out[-2000:])
    return finish()


if __name__ == "__main__":
    sys.exit(main())
