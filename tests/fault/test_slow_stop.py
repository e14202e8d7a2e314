#!/usr/bin/env python3
"""A stop while the disk hangs for longer than the server's grace: calls are cut off, and nothing that
still works on them touches what is gone. The address sanitizer sees best what this is about."""
import os
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from harness import Tap  # noqa: E402
from rounds import preload  # noqa: E402
from server import Server, env_file  # noqa: E402
from signing import call  # noqa: E402

STOP_SECONDS = 120


def caller(env, name, got):
    try:
        got.append((name, call(env, "TrentService." + name, {})[0]))
    except OSError:
        got.append((name, "cut off"))


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as top:
        data, slow = os.path.join(top, "data"), os.path.join(top, "slow")
        extra = {"LD_PRELOAD": preload(os.environ["SLOWSYNC"]), "SLOWSYNC_FILE": slow,
                 "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        os.environ.update(extra)
        server = Server(data).start()
        for name in ("LD_PRELOAD", "SLOWSYNC_FILE"):
            del os.environ[name]
        env = dict(env_file(os.path.join(data, "dev.env")), AWS_ENDPOINT_URL=server.url)
        tap.ok(call(env, "TrentService.CreateKey", {})[0] == 200, "the server answers")
        with open(slow, "w", encoding="utf-8"):
            pass
        got = []
        threads = [threading.Thread(target=caller, args=(env, name, got)) for name in ("CreateKey", "ListKeys") * 3]
        for thread in threads:
            thread.start()
        time.sleep(1)  # until they wait for the disk; where one does not yet, it is refused: fine too
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(STOP_SECONDS)
        for thread in threads:
            thread.join()
        tap.ok(status == 0, "the server ends well", str(status))
        tap.ok(any(end == "cut off" for _, end in got), "calls were cut off", str(got))
        with Server(data) as again:
            tap.ok(call(dict(env, AWS_ENDPOINT_URL=again.url), "TrentService.ListKeys", {})[0] == 200, "it opens again")
    tap.finish()


main()
