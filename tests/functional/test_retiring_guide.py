#!/usr/bin/env python3
"""docs/guides/retiring-a-key.md: its commands are run in their order, in one shell, with only the port changed; the one
that it calls refused is refused. Prints TAP.
"""
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Tap  # noqa: E402
from test_server_guide import read, run  # noqa: E402

GUIDE = os.path.join(ROOT, "docs", "guides", "retiring-a-key.md")
COMMANDS_MIN = 30


def main():
    tap = Tap()
    text, refused = re.subn(r"^(redoubt .*?) +# refused.*$", r"{ ! \1; }", read(GUIDE), flags=re.M)
    with tempfile.TemporaryDirectory() as folder:
        status, out, n = run(folder, text, os.environ["PATH"])
    tap.ok(status == 0 and "FAILED" not in out, "the guide's commands work, %d of them" % n, "\n".join(out.splitlines()[-15:]))
    tap.ok(n >= COMMANDS_MIN and refused == 1, "it has %d commands, %d refused" % (n, refused))
    states = re.findall(r"^1 +(\w+) ", out, re.M)
    tap.ok(states == ["draining", "draining", "drained", "quiesced", "draining", "draining"], "version 1 goes as it says", states)
    tap.ok("store stores.db: 3 values are under it" in out and "used up" in out, "what is left, and a nonce twice", out[-300:])
    tap.ok("of credited waiting are left" in out and "deletion: not yet:" in out, "what stands in the way", out[-300:])
    tap.finish()


if __name__ == "__main__":
    main()
