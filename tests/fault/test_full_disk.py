#!/usr/bin/env python3
"""A server whose disk fills up under it: data calls are refused, administrators still act, and it
goes on by itself once there is space."""
import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from harness import Tap  # noqa: E402
from server import Server, env_file, wait_for  # noqa: E402
from signing import headers_of  # noqa: E402

MIB = 1 << 20
SIZE = 76 * MIB  # one segment of the log, the store with its reserve, and not much more
CALLS_MAX = 60000  # a segment takes about 8,300 records of this size; this many would fill several
TAGS_MAX = 3000  # changes of one connection; fewer fill what is kept for administrators
CHECKPOINT = 353  # bytes of its frame: the one of the last records that had room
NAME = "n" * 8000  # a name of the encryption context stands in the record


class Caller:
    """One connection, kept."""

    def __init__(self, env):
        self.env = env
        self.at = urllib.parse.urlsplit(env["AWS_ENDPOINT_URL"])
        self.connection = http.client.HTTPSConnection(
            self.at.hostname, self.at.port, timeout=60, context=ssl.create_default_context(cafile=env["AWS_CA_BUNDLE"]))

    def call(self, name, body):
        raw = json.dumps(body).encode()
        self.connection.request("POST", "/", raw, headers_of(self.env, "TrentService." + name, raw, self.at.netloc))
        answer = self.connection.getresponse()
        self.id = bytes.fromhex(answer.headers["x-amzn-RequestId"].replace("-", ""))
        return answer.status, json.loads(answer.read())


def ready(env):
    try:
        with urllib.request.urlopen(env["AWS_ENDPOINT_URL"] + "/readyz",
                                    context=ssl.create_default_context(cafile=env["AWS_CA_BUNDLE"])) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def fill(env, key):
    """Encrypt until it is refused; the number of calls that were not, and the refusal."""
    body = {"KeyId": key, "Plaintext": base64.b64encode(b"x").decode(), "EncryptionContext": {NAME: "v"}}
    got, lock = {"n": 0, "status": 200, "answer": {}}, threading.Lock()

    def work():
        caller = Caller(env)
        while got["status"] == 200 and got["n"] < CALLS_MAX:
            status, answer = caller.call("Encrypt", body)
            with lock:
                if status == 200:
                    got["n"] += 1
                else:
                    got["status"], got["answer"] = status, answer

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def last_segment(data):
    folder = os.path.join(data, "audit")
    return os.path.join(folder, sorted(name for name in os.listdir(folder) if name.endswith(".seg"))[-1])


def log_bytes(data):
    """Bytes of the log's records so far: those before the zeroes of its last segment."""
    with open(last_segment(data), "rb") as file:
        return len(file.read().rstrip(b"\0"))


def refuses_others(tap, data, app, key):
    """An application's refused calls must not use up what is kept for administrators."""
    caller = Caller(app)
    small = next((n for n in range(1000) if all(caller.call("CreateKey", {})[0] == 500 for _ in range(20))), None)
    tap.ok(small is not None, "what is left over for small records ends as well")
    tap.ok(wait_for(lambda: ready(app) == 503), "not ready")
    before = log_bytes(data)
    got = {caller.call("CreateKey", {"Description": "x" * 4000})[0] for _ in range(300)}
    tap.ok(got == {500}, "a call that would be denied is refused for the disk", str(got))
    tap.ok(log_bytes(data) - before in (0, CHECKPOINT), "and adds nothing to the log", "%d, %d" % (before, log_bytes(data)))
    tap.ok(caller.call("DescribeKey", {"KeyId": key})[0] == 500, "a reading call too: it could not be recorded")


def full(tap, server, admin, app, key):
    got = fill(app, key)
    tap.ok(got["status"] == 500 and got["answer"].get("__type") == "KMSInternalException",
           "with a full disk a data call is refused", str(got))
    tap.ok(got["n"] > 1000, "after many that were not", str(got["n"]))
    tap.ok("Ciphertext" not in json.dumps(got["answer"]), "and its answer holds nothing")
    refuses_others(tap, server.data, app, key)
    caller = Caller(admin)
    status, answer = caller.call("DisableKey", {"KeyId": key})
    tap.ok(status == 200, "an administrator still disables a key", str(answer))
    status, answer = caller.call("EnableKey", {"KeyId": key})
    tap.ok(status == 200, "and enables it", str(answer))


def exhaust(admin, key):
    """Changes until the log has no room for an administrator either: the request ids of those that were made, and
    answered with a failure."""
    missed, lock = [], threading.Lock()

    def work(number):
        caller = Caller(admin)
        for n in range(TAGS_MAX):
            body = {"KeyId": key, "Tags": [{"TagKey": "%d-%d" % (number, i), "TagValue": "%d" % n} for i in range(10)]}
            status, answer = caller.call("TagResource", body)
            if status != 200:
                with lock:
                    missed.append((caller.id, answer["message"]))
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return missed


def logged(data, ids):
    """How many of the records with these request ids are in the log."""
    found = 0
    for name in os.listdir(os.path.join(data, "audit")):
        with open(os.path.join(data, "audit", name), "rb") as file:
            bytes_ = file.read()
        found += sum(id_ in bytes_ for id_ in ids)
    return found


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as top:
        data = os.path.join(top, "data")
        os.mkdir(data)
        mount = ["mount", "-t", "tmpfs", "-o", "size=%d" % SIZE, "none", data]
        if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
            tap.skip("a full disk", "mount needs root")
            tap.finish()
        try:
            with Server(data) as server:
                admin, app = (dict(env_file(os.path.join(data, name)), AWS_ENDPOINT_URL=server.url)
                              for name in ("dev.env", "app.env"))
                key = Caller(admin).call("CreateKey", {})[1]["KeyMetadata"]["KeyId"]
                full(tap, server, admin, app, key)
                missed = exhaust(admin, key)
                ids = [id_ for id_, message in missed if "outbox" in message]
                tap.ok(ids and logged(data, ids) < len(ids), "what the log has no room for is said to be in the outbox",
                       str(missed))
                subprocess.run(["mount", "-o", "remount,size=%d" % (8 * SIZE), data], check=True)
                again = next((n for n in range(100) if Caller(app).call(
                    "Encrypt", {"KeyId": key, "Plaintext": "eA=="})[0] == 200), None)
                tap.ok(again is not None, "with space again it goes on, without a restart")
                tap.ok(ready(admin) == 200, "and is ready")
                tap.ok(wait_for(lambda: logged(data, ids) == len(ids)), "and what was in the outbox is in the log")
            with Server(data) as server:
                tap.ok(Caller(dict(app, AWS_ENDPOINT_URL=server.url)).call("DescribeKey", {"KeyId": key})[0] == 200,
                       "and starts again")
        finally:
            subprocess.run(["umount", "-l", data], check=False)
    tap.finish()


main()
