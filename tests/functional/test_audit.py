#!/usr/bin/env python3
"""The audit commands: tail, search and export of a running server; verify, prove and anchor of a folder, running and
stopped, and after each kind of change to it.  Prints TAP.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from audit_forger import Forger  # noqa: E402
from audit_reader import Log  # noqa: E402
from harness import REDOUBT, Tap, redoubt, write  # noqa: E402
from server import Server, wait_for  # noqa: E402
from signing import call  # noqa: E402

CLOUDTRAIL = {"eventVersion", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userIdentity",
              "requestParameters", "responseElements", "resources", "requestID", "eventID", "readOnly"}


def lines(got):
    return [json.loads(line) for line in got.out.splitlines()]


def rows(got):
    table = [re.split(r" {2,}", line) for line in got.out.rstrip("\n").split("\n")]
    return [dict(zip(table[0], line)) for line in table[1:]]


def test_server(tap, server):
    """Gives the id of a request that was refused."""
    admin = server.admin
    key = admin("key", "create", "--alias", "pay").out.strip()
    other = admin("key", "create", "--alias", "other").out.strip()
    secret = "value that nobody may read"
    status, _ = call(server.env("app"), "TrentService.Encrypt",
                     {"KeyId": key, "Plaintext": "aGFsbG8=", "EncryptionContext": {"purpose": secret}})
    tap.ok(status == 200, "the application encrypts")
    refused = admin("key", "disable", key, env=server.env("app"))
    request = re.search(r"request ([0-9a-f-]{36})", refused.err).group(1)
    got = admin("audit", "tail")
    shown = rows(got)
    tap.ok(got.status == 0 and 3 < len(shown) <= 20 and [int(r["INDEX"]) for r in shown] == sorted(int(r["INDEX"]) for r in shown),
           "audit tail: the newest, oldest first", got)
    tap.ok(any(r["REQUEST"] == request and r["RESULT"] == "AccessDeniedException" and r["CALLER"] == "app" and r["KEY"] == key
               for r in shown), "a refused call is there, by the id that the client was given", got)
    got = admin("audit", "tail", "--limit", "3")
    tap.ok(len(rows(got)) == 3, "audit tail --limit 3", got)
    everything = lines(admin("audit", "search", "--json"))
    tap.ok([r["Index"] for r in everything] == list(range(len(everything))) and everything[0]["Operation"] == "Genesis",
           "audit search: all of it, a record a line")
    tap.ok(secret not in json.dumps(everything) and "aGFsbG8" not in json.dumps(everything)
           and re.search(r'"purpose": "[0-9a-f]{16}"', json.dumps(everything)), "no value of a context, no plaintext")
    test_filters(tap, server, key, other, request, everything)
    test_pages(tap, server, everything)
    test_export(tap, server, everything, key, secret)
    return request


def test_filters(tap, server, key, other, request, everything):
    find = lambda *args: lines(server.admin("audit", "search", "--json", *args))
    times = [r["Time"] for r in everything]
    cases = [
        (("--for-key", "pay"), lambda r: r.get("KeyId") == key),
        (("--for-key", other), lambda r: r.get("KeyId") == other),
        (("--principal", "app"), lambda r: r.get("Caller", "").endswith("/app")),
        (("--principal", server.env("app")["AWS_ACCESS_KEY_ID"]), lambda r: r.get("Caller", "").endswith("/app")),
        (("--principal", "a*"), lambda r: r.get("Caller", "").split("/")[-1] in ("app", "admin")),
        (("--operation", "Create*"), lambda r: r["Operation"].startswith("Create")),
        (("--fault", "*"), lambda r: "Fault" in r),
        (("--fault", "AccessDeniedException"), lambda r: r.get("Fault") == "AccessDeniedException"),
        (("--request", request), lambda r: r["RequestId"] == request),
        (("--principal", "app", "--operation", "Encrypt"), lambda r: r["Operation"] == "Encrypt"),
        (("--since", "2099-01-01"), lambda r: False),
        (("--until", "2000-01-01"), lambda r: False),
        (("--since", "2000-01-01", "--until", "2099-01-01"), lambda r: True),
    ]
    for args, fits in cases:
        found = [r for r in find(*args) if r["Index"] < len(everything)]
        want = [r for r in everything if fits(r)]
        tap.ok(found == want and (want or "20" in args[1]), "audit search %s" % " ".join(args[:3]),
               "%s\n%s" % (found, want))
    tap.ok(min(times) > 1e9, "times are seconds")
    for args, words in ((("--since", "yesterday"), "is not a date"), (("--limit", "0"), "--limit"),
                        (("--request", "x"), "ValidationException"), (("--for-key", "nope"), "NotFoundException")):
        got = server.admin("audit", "search", *args)
        tap.ok(got.status == 3 and words in got.err, "refused: audit search %s" % " ".join(args), got)
    got = server.admin("audit", "search", env=server.env("app"))
    tap.ok(got.status == 4 and "redoubt:AuditSearch" in got.err, "the application may not read the log", got)


def test_pages(tap, server, everything):
    """The operation itself, three records at a time."""
    env, at, found = server.env(), 0, []
    for _ in range(len(everything)):
        status, answer = call(env, "Redoubt.AuditSearch", {"From": at, "Limit": 3})
        if status != 200 or at >= len(everything):
            break
        found += answer["Records"]
        tap.ok(len(answer["Records"]) <= 3 and answer["Truncated"] == (answer["Next"] < answer["Size"] and len(answer["Records"]) == 3),
               "a page from %d" % at, answer)
        at = answer["Next"]
    tap.ok(found[:len(everything)] == everything, "pages add up to the log")
    status, answer = call(env, "Redoubt.AuditSearch", {"From": 10**9})
    tap.ok(status == 200 and answer["Records"] == [] and not answer["Truncated"], "behind the end there is nothing", answer)
    for body in ({"Limit": 10001}, {"Limit": 0}, {"From": -1}, {"KeyId": "x"}, {"Form": "XML"}):
        status, answer = call(env, "Redoubt.AuditSearch", body)
        tap.ok(status == 400 and answer["__type"] == "ValidationException", "refused: %s" % body, answer)


def test_export(tap, server, everything, key, secret):
    got = server.admin("audit", "export")
    events = lines(got)
    tap.ok(got.status == 0 and len(events) >= len(everything) and all(CLOUDTRAIL <= set(e) for e in events),
           "audit export: CloudTrail events, a line each", got)
    tap.ok(len({e["eventID"] for e in events}) == len(events) and secret not in got.out, "each with its own id, no secret")
    one = next(e for e in events if e["eventName"] == "Encrypt")
    arn = "arn:aws:kms:local-1:000000000000:key/" + key
    tap.ok(one["eventSource"] == "kms.amazonaws.com" and one["requestParameters"]["keyId"] == arn and one["readOnly"] is True
           and one["resources"][0]["ARN"] == arn and one["userIdentity"]["type"] == "IAMUser"
           and one["responseElements"] is None and "purpose" in one["requestParameters"]["encryptionContext"],
           "an Encrypt as CloudTrail has it", one)
    denied = next(e for e in events if e.get("errorCode") == "AccessDeniedException")
    tap.ok(denied["eventName"] == "DisableKey" and denied["readOnly"] is False, "a refused DisableKey", denied)
    path = os.path.join(server.data, "..", "events.jsonl")
    again = server.admin("audit", "export", "-o", path)
    with open(path, encoding="utf-8") as file:
        tap.ok(again.status == 0 and [json.loads(line) for line in file][:len(events)] == events,
               "-o FILE has the same events, ids too")


def test_follow(tap, server):
    process = subprocess.Popen([REDOUBT, "audit", "tail", "--follow", "--limit", "1", "--operation", "GenerateRandom", "--json"],
                               stdout=subprocess.PIPE, env=dict(os.environ, **server.env()))
    call(server.env(), "TrentService.GenerateRandom", {"NumberOfBytes": 8})
    line = process.stdout.readline()
    process.terminate()
    process.wait()
    process.stdout.close()
    tap.ok(json.loads(line)["Operation"] == "GenerateRandom", "audit tail --follow shows what comes", line)


def verify(data, *args):
    return redoubt("audit", "verify", "--data", data, *args)


def test_under_load(tap, server):
    """A frame that is half written when it is read is no damage."""
    done, wrong, env = threading.Event(), [], server.env("dev")

    def load():
        while not done.is_set():
            call(env, "TrentService.ListKeys", {})

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        got = verify(server.data)
        if got.status != 0:
            wrong.append(got.out)
    done.set()
    for thread in threads:
        thread.join()
    tap.ok(not wrong, "verify 40 times while the log is written", wrong[:2])


def test_running(tap, server, folder, request):
    admin_log = os.path.join(server.data, "audit")
    got = verify(server.data)
    tap.ok(got.status == 0 and "good" in got.out and "unknown" in got.out and "running server" in got.out
           and "each with its record" in got.out, "verify beside a running server: good, freshness unknown", got)
    tap.ok(verify(server.data, "--strict").status == 2, "with --strict that is 2")
    anchor = os.path.join(folder, "anchor")
    got = redoubt("audit", "anchor", "--data", server.data, "-o", anchor)
    tap.ok(got.status == 0 and "keep it" in got.err, "audit anchor", got)
    key = shutil.copy(os.path.join(admin_log, "audit.pub"), os.path.join(folder, "kept.pub"))
    got = verify(server.data, "--anchor", anchor, "--key", key, "--strict")
    tap.ok(got.status == 0 and "fresh: yes" in got.out and "the one that was given" in got.out, "with an anchor and the key: all good", got)
    got = verify(server.data, "--json", "--anchor", anchor)
    answer = json.loads(got.out)
    tap.ok(answer["verdict"] == "good" and answer["logs"][0]["fresh"] == "yes" and not answer["logs"][0]["key_given"], "as JSON", got)
    proof = os.path.join(folder, "proof.json")
    wait_for(lambda: redoubt("audit", "prove", request, "--data", server.data, "-o", proof).status == 0)
    with open(proof, encoding="utf-8") as file:
        text = file.read()
    said = json.loads(text)["says"]
    tap.ok(said["RequestId"] == request and said["Fault"] == "AccessDeniedException", "audit prove by request id", text)
    got = redoubt("audit", "prove", "--check", proof, "--key", key)
    tap.ok(got.status == 0 and got.out.startswith("proven") and "the one that was given" in got.out and request in got.out, "and checked without the log", got)
    got = redoubt("audit", "prove", "0", "--data", server.data)
    tap.ok(json.loads(got.out)["says"]["Operation"] == "Genesis", "audit prove by index", got)
    for word, status in (("99999999", 3), ("nonsense", 3), ("00000000-0000-4000-8000-000000000000", 3)):
        tap.ok(redoubt("audit", "prove", word, "--data", server.data).status == status, "no record: audit prove %s" % word)
    test_bad_proofs(tap, folder, json.loads(text), key)
    test_under_load(tap, server)
    return anchor, key


def test_bad_proofs(tap, folder, good, key):
    def change(name, edit):
        proof = json.loads(json.dumps(good))
        edit(proof)
        path = write(os.path.join(folder, "bad.json"), json.dumps(proof))
        return name, redoubt("audit", "prove", "--check", path, "--key", key)

    flip = lambda text, at: text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]
    p = lambda proof: proof["proof"]
    cases = [
        change("another record", lambda x: p(x).update(record=flip(p(x)["record"], 8))),
        change("another index", lambda x: p(x).update(index=p(x)["index"] ^ 1)),
        change("another path", lambda x: p(x)["path"].reverse()),
        change("a shorter path", lambda x: p(x)["path"].pop()),
        change("another time", lambda x: p(x).update(checkpoint=flip(p(x)["checkpoint"], 166))),
    ]
    for name, got in cases:
        tap.ok(got.status == 1 and "NOT PROVEN" in got.out, "not proven: %s" % name, got)
    for name, got in (change("no path", lambda x: p(x).pop("path")), change("no base64", lambda x: p(x).update(record="!"))):
        tap.ok(got.status == 3 and "not a proof" in got.err, "no proof at all: %s" % name, got)
    other = write(os.path.join(folder, "other.pub"), "00" * 31 + "01\n")
    path = write(os.path.join(folder, "good.json"), json.dumps(good))
    tap.ok(redoubt("audit", "prove", "--check", path, "--key", other).status == 1, "not proven by another key")
    tap.ok(redoubt("audit", "prove", "--check", path, "--key", path).status == 3, "a key file that is none")


def segment(data):
    return os.path.join(data, "audit", "00000000.seg")


def copy(data, folder, name):
    path = os.path.join(folder, name)
    shutil.copytree(data, path)
    return path


def poke(path, at, what):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(what)


def frames(path):
    """(offset, length, kind) of each frame."""
    with open(path, "rb") as file:
        text = file.read()
    at, found = 4096, []
    while text[at:at + 4] == b"RAF1":
        n = int.from_bytes(text[at + 12:at + 16], "big")
        found.append((at, 80 + n + 41, text[at + 11]))
        at += found[-1][1]
    return found, text


def test_changed(tap, data, folder, anchor, key):
    """Copies of the stopped server's folder, each changed in one way."""
    got = verify(data, "--anchor", anchor, "--key", key, "--strict")
    tap.ok(got.status == 0 and "its checkpoint was compared" in got.out, "stopped: the store's checkpoint is compared", got)
    found, text = frames(segment(data))
    at, n, _ = found[2]

    def tampered(name, change, words="", args=()):
        path = copy(data, folder, "changed")
        change(path)
        got = verify(path, "--key", key, *args)
        tap.ok(got.status == 1 and "TAMPERED" in got.out and words in got.out, "found: %s" % name, got)
        shutil.rmtree(path)
        return got

    got = tampered("a flipped bit", lambda d: poke(segment(d), at + 90, bytes([text[at + 90] ^ 1])))
    tap.ok(re.search(r"records below \d+ are as they were", got.out), "and says up to where it is good", got)
    tampered("a frame left out", lambda d: poke(segment(d), at, text[at + n:] + bytes(n)))
    tampered("two frames swapped", lambda d: poke(segment(d), at, text[found[3][0]:found[3][0] + found[3][1]] + text[at:at + n]))
    last = [f for f in found if f[2] == 2][-2][0]
    tampered("the end cut off: the store knows", lambda d: poke(segment(d), last, bytes(len(text) - last)), "store's newest checkpoint")

    def cut_both(d):
        poke(segment(d), found[4][0], bytes(len(text) - found[4][0]))
        os.remove(os.path.join(d, "store.db"))
    tampered("the end cut off: the anchor knows", cut_both, "anchor", ("--anchor", anchor))
    tampered("the log deleted", lambda d: shutil.rmtree(os.path.join(d, "audit")), "missing")
    tampered("the segment deleted", lambda d: os.remove(segment(d)))
    path = copy(data, folder, "changed")
    os.remove(os.path.join(path, "store.db"))
    poke(segment(path), found[4][0], bytes(len(text) - found[4][0]))
    got = verify(path, "--key", key)
    tap.ok(got.status == 0 and "unknown" in got.out, "cut off, with neither store nor anchor: good, but freshness unknown", got)
    shutil.rmtree(path)
    for args, words in ((("--anchor", key), "not a checkpoint"), (("--key", anchor), "public key"), (("--anchor", "/nowhere"), "/nowhere")):
        got = verify(data, *args)
        tap.ok(got.status == 3 and words in got.err, "no such thing: %s" % args[0], got)
    got = verify(os.path.join(folder, "nowhere"))
    tap.ok(got.status == 3, "no such folder", got)
    tap.ok(redoubt("audit", "verify").status == 3 and redoubt("audit", "anchor").status == 3, "--data has to be given")


def test_forged(tap, data, folder, anchor, key):
    """Whoever can write the folder makes a log of their own."""
    log = Log(os.path.join(data, "audit"))

    def forged(name, records):
        path = os.path.join(folder, name)
        Forger(records, log.deployment, log.node).write(os.path.join(path, "audit"))
        return path

    whole = forged("whole", log.records)
    got = verify(whole)
    tap.ok(got.status == 0 and "a forger could have made too" in got.out, "forged whole: without a key it looks good, and says why that is little", got)
    got = verify(whole, "--key", key)
    tap.ok(got.status == 1, "the key shows it", got)
    got = verify(whole, "--anchor", anchor)
    tap.ok(got.status == 1, "and so does an anchor", got)
    changes = [i for i, r in enumerate(log.records) if b"CreateKey" in r]
    lacking = forged("lacking", [r for i, r in enumerate(log.records) if i != changes[0]])
    got = verify(lacking)
    tap.ok(got.status == 1 and re.search(r"after change \d+ of the store the next record is of change \d+", got.out), "a log without the record of one change has a gap", got)
    got = redoubt("audit", "verify", "--data", whole, "--data", copy(whole, folder, "twice"))
    tap.ok(got.status == 1 and "two logs tell of one change" in got.out, "two logs with the same changes", got)
    got = redoubt("audit", "verify", "--data", data, "--data", os.path.join(folder, "nowhere"), "--json")
    tap.ok(got.status == 1 and json.loads(got.out)["logs"][1]["verdict"] == "tampered", "of two logs one is missing", got)
    path = os.path.join(folder, "foreign")
    Forger(log.records, b"\x09" * 16, b"\x08" * 16).write(os.path.join(path, "audit"))
    got = redoubt("audit", "verify", "--data", whole, "--data", path)
    tap.ok(got.status == 3 and "two deployments" in got.err, "logs of two deployments", got)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.path.join(folder, "data"))
        with server:
            request = test_server(tap, server)
            test_follow(tap, server)
            anchor, key = test_running(tap, server, folder, request)
        test_changed(tap, server.data, folder, anchor, key)
        test_forged(tap, server.data, folder, anchor, key)
    tap.finish()


if __name__ == "__main__":
    main()
