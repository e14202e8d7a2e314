#!/usr/bin/env python3
"""Backup and restore: what is changed in a backup is refused; what was withdrawn after it is not brought back; without the
log the service stands in quarantine. Prints TAP.
"""
import base64
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, Tap, redoubt, write  # noqa: E402
from service import Service, children, secret_file, until  # noqa: E402
from signing import call  # noqa: E402

EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["kms:*", "redoubt:*"], "Resource": "*"}]})
NARROW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Resource": "*",
                     "Action": ["kms:PutKeyPolicy", "kms:DescribeKey", "kms:EnableKey"]}]})
NOTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": ["kms:*"], "Resource": "*"}]})


def read(path):
    with open(path, "rb") as file:
        return file.read()


def kms(service, operation, body, env=None):
    status, answer = call(env or service.env(), ("TrentService." if operation[0] != ":" else "Redoubt") + operation.replace(":", "."), body)
    return answer if status == 200 else dict(answer, status=status)


def encrypt(service, key, env=None):
    return kms(service, "Encrypt", {"KeyId": key, "Plaintext": base64.b64encode(b"4111").decode()}, env)


def decrypt(service, blob, env=None):
    return kms(service, "Decrypt", {"CiphertextBlob": blob}, env)


def backup(service, file, *args):
    return redoubt("backup", "create", "--data", service.data, "-o", file, *args, preexec=os.setsid)


def restore(service, file, data, *args):
    return redoubt("backup", "restore", file, "--data", data, "--open-with", "passphrase", "--passphrase-file", service.words, *args,
                   preexec=os.setsid)


def on(service, data):
    """The same service, its folder being another."""
    other = Service.__new__(Service)
    other.__dict__.update(service.__dict__, data=data, process=None, line="", url="")
    return other


def next_second():
    """What was signed up to the second of a restore is refused."""
    time.sleep(1.05 - time.time() % 1)


# ---- making one ----

class Writing(threading.Thread):
    def __init__(self, service):
        super().__init__()
        self.service, self.made, self.bad, self.ending = service, [], [], False

    def run(self):
        while not self.ending:
            got = kms(self.service, "CreateKey", {})
            (self.made if "KeyMetadata" in got else self.bad).append(got)


def test_create(tap, service, file):
    thread = Writing(service)
    thread.start()
    until(lambda: len(thread.made) > 5)
    before = [key["KeyMetadata"]["KeyId"] for key in thread.made[:5]]
    got = backup(service, file)
    thread.ending = True
    thread.join()
    tap.ok(got.status == 0 and "changes     up to" in got.out, "a backup of a running server", got)
    tap.ok(not thread.bad and len(thread.made) > 5, "which nobody notices", thread.bad[:2])
    tap.ok(stat.S_IMODE(os.stat(file).st_mode) == 0o600 and not os.path.exists(file + ".partial"), "for its owner alone, and whole")
    tap.ok(not any(n.startswith(".backup") for n in os.listdir(service.data)), "nothing of it stays in the server's folder")
    tap.ok(service.env()["AWS_SECRET_ACCESS_KEY"].encode() not in read(file), "no secret stands in it")
    first = read(file)
    got = backup(service, file)
    tap.ok(got.status == 4 and "is there already" in got.err and read(file) == first, "an older one is not replaced", got)
    got = backup(service, os.path.join(service.folder, "nowhere", "b"))
    tap.ok(got.status == 4 and "nowhere" in got.err, "a folder that is not there", got)
    return before


def test_verify(tap, service, file):
    verify = lambda path, *args: redoubt("backup", "verify", path, *(args or ("--passphrase-file", service.words)), preexec=os.setsid)
    got = verify(file)
    tap.ok(got.status == 0 and "good" in got.out, "verify", got)
    got = verify(file, *[w for s in service.shares()[:3] for w in ("--share-file", s)], "--json")
    tap.ok(got.status == 0 and json.loads(got.out)["verdict"] == "good", "by shares, as JSON", got)
    wrong = secret_file(os.path.join(service.folder, "wrong"), "wrong horse battery staple")
    got = verify(file, "--open-with", "passphrase", "--passphrase-file", wrong)
    tap.ok(got.status == 4 and "wrong" in got.err, "not by a wrong passphrase", got)
    whole, bad = read(file), os.path.join(service.folder, "bad")
    info = json.loads(verify(file, "--passphrase-file", service.words, "--json").out)
    head = len(whole) - info["bytes"]
    cases = [("its magic", 0), ("its deployment", 10), ("its time", 30), ("its revision", 36), ("its checkpoint", 100), ("a length", head - 32 - 80),
             ("a hash", head - 40), ("its MAC", head - 1), ("the root", head + 200), ("the store's first page", len(whole) - info["bytes"] + 9000),
             ("the store's end", len(whole) - 1)]
    for name, at in cases:
        write(bad, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        got = verify(bad)
        tap.ok(got.status in (3, 4) and got.err.count("error:") == 1, "refused: %s was changed" % name, got)
    for name, changed in (("nothing", b""), ("a head alone", whole[:head]), ("cut off", whole[:-1]), ("longer", whole + b"x"), ("text", b"RDTBKUP1" * 999)):
        write(bad, changed)
        got = verify(bad)
        tap.ok(got.status in (3, 4) and got.err.count("error:") == 1, "refused: " + name, got)
    got = restore(service, bad, os.path.join(service.folder, "never"))
    tap.ok(got.status == 3 and os.listdir(os.path.join(service.folder, "never")) == [], "and nothing is left of a restore", got)
    left = [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("redoubt-backup-")]
    tap.ok(not left, "no temporary folder stays", left)


def test_mixed(tap, service, file):
    """Parts of two backups of one service, with hashes that fit: only the MAC tells."""
    other = os.path.join(service.folder, "second")
    got = backup(service, other)
    a, b = read(file), read(other)
    size = lambda x: json.loads(redoubt("backup", "verify", x, "--passphrase-file", service.words, "--json").out)["bytes"]
    head_a, head_b = len(a) - size(file), len(b) - size(other)
    mixed = write(os.path.join(service.folder, "mixed"), b[:head_b - 32] + a[head_a - 32:head_a] + b[head_b:])
    got = redoubt("backup", "verify", mixed, "--passphrase-file", service.words)
    tap.ok(got.status == 4 and "was changed" in got.err, "refused: the MAC of another backup", got)


# ---- approvers ----

class Approver:
    def __init__(self, folder, name):
        self.name, self.key = name, os.path.join(folder, name + ".pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.key], check=True)
        self.public = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"], check=True,
                                     stdout=subprocess.PIPE).stdout[-32:].hex()

    def add(self, service):
        return kms(service, ":ApproverAdd", {"Name": self.name, "Person": self.name + " of approvals", "PublicKey": self.public})

    def sign(self, service, request):
        shown = kms(service, ":ApprovalShow", {"Request": request})
        with tempfile.NamedTemporaryFile() as file:
            file.write(base64.b64decode(shown["ToSign"]))
            file.flush()
            made = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", self.key, "-rawin", "-in", file.name], check=True,
                                  stdout=subprocess.PIPE).stdout
        return kms(service, ":ApprovalSign", {"Request": request, "Approver": self.name, "Signature": base64.b64encode(made).decode()})


def request_in(text):
    found = re.search(r"[Rr]equest ([0-9a-f-]{36})", text)
    return found.group(1) if found else "none"


# ---- what comes later ----

class Later:
    """What is made before the backup, and what is done after it."""

    def __init__(self, service):
        new = lambda: kms(service, "CreateKey", {})["KeyMetadata"]["KeyId"]
        self.stays, self.disabled, self.again, self.policy, self.rotated, self.dying = (new() for _ in range(6))
        self.suspended_off = new()
        kms(service, "DisableKey", {"KeyId": self.suspended_off})
        self.blobs = {key: encrypt(service, key)["CiphertextBlob"] for key in (self.stays, self.disabled, self.again, self.policy, self.rotated)}
        for name in ("bob", "carol", "dave"):
            kms(service, ":PrincipalCreate", {"Principal": name, "Policy": EVERYTHING})
        self.keys = {name: kms(service, ":CredentialCreate", {"Principal": name}) for name in ("bob", "carol", "dave")}
        self.bob2 = kms(service, ":CredentialCreate", {"Principal": "bob"})
        self.approvers = [Approver(service.folder, name) for name in ("ann", "ben", "cid")]
        self.added = [approver.add(service) for approver in self.approvers[:2]]

    def env(self, service, name):
        made = self.bob2 if name == "bob2" else self.keys[name]
        return dict(service.env(), AWS_ACCESS_KEY_ID=made["AccessKeyId"], AWS_SECRET_ACCESS_KEY=made["SecretAccessKey"])

    def happens(self, service):
        do = lambda operation, **body: kms(service, operation, body)
        results = [
            do("DisableKey", KeyId=self.disabled), do("DisableKey", KeyId=self.again), do("EnableKey", KeyId=self.again),
            do("EnableKey", KeyId=self.suspended_off),
            do("PutKeyPolicy", KeyId=self.policy, PolicyName="default", Policy=NARROW),
            do("RotateKeyOnDemand", KeyId=self.rotated), do("RotateKeyOnDemand", KeyId=self.rotated),
            do("ScheduleKeyDeletion", KeyId=self.dying, PendingWindowInDays=30),
            do(":CredentialRevoke", AccessKeyId=self.keys["bob"]["AccessKeyId"]), do(":PrincipalUpdate", Principal="carol", Enabled=False),
            do(":PrincipalUpdate", Principal="dave", Policy=NOTHING),
        ]
        asked = kms(service, ":ApproverRemove", {"Name": "cid"})
        results += [approver.sign(service, request_in(asked["message"])) for approver in self.approvers[:2]]
        results.append(kms(service, ":ApproverRemove", {"Name": "cid"}))
        self.lost = do("CreateKey")["KeyMetadata"]["KeyId"]
        return [r for r in results if "status" in r]


def third(service, later):
    """The third approver: by the quorum of the first two."""
    asked = later.approvers[2].add(service)
    for approver in later.approvers[:2]:
        approver.sign(service, request_in(asked["message"]))
    return later.approvers[2].add(service)


def works(service, later, name):
    return kms(service, "ListKeys", {}, later.env(service, name))


def test_with_log(tap, service, later, file):
    data = os.path.join(service.folder, "with-log")
    got = restore(service, file, data, "--log", service.data)
    tap.ok(got.status == 4 and "stop it" in got.err, "the log of a server that still runs is refused", got)
    service.stop()
    got = restore(service, file, data, "--log", service.data)
    tap.ok(got.status == 0 and "restored: it may serve" in got.out, "restored with the log", got)
    tap.ok(later.policy in got.out and "'dave'" in got.out and later.dying in got.out and later.lost in got.out and later.rotated in got.out,
           "it says what people have to look at", got)
    tap.ok(sorted(os.listdir(data)) == ["audit", "root.json", "store.db"], "and leaves a service", os.listdir(data))
    got = restore(service, file, data, "--log", service.data)
    tap.ok(got.status == 4 and "not an empty folder" in got.err, "a folder with something in it is refused", got)
    env = service.env()
    new = on(service, data).open()
    env["AWS_ENDPOINT_URL"] = new.url
    tap.ok(new.line.startswith("ready"), "the server starts on it", new.log()[-1500:])
    next_second()
    state = lambda key: kms(new, "DescribeKey", {"KeyId": key}).get("KeyMetadata", {}).get("KeyState")
    tap.ok(decrypt(new, later.blobs[later.stays]).get("Plaintext") == base64.b64encode(b"4111").decode(), "old ciphertexts open")
    tap.ok(state(later.disabled) == "Disabled" and decrypt(new, later.blobs[later.disabled]).get("__type") == "DisabledException",
           "a key that was disabled later is disabled")
    tap.ok(state(later.again) == "Enabled" and state(later.suspended_off) == "Enabled", "one that was enabled again is enabled")
    tap.ok(state(later.policy) == "Disabled", "one whose policy was replaced is disabled")
    tap.ok(state(later.dying) == "Disabled", "one whose deletion was scheduled is disabled")
    tap.ok(works(new, later, "bob").get("__type") == "UnrecognizedClientException", "a revoked access key is refused", works(new, later, "bob"))
    tap.ok("Keys" in works(new, later, "bob2"), "bob's other one is not")
    tap.ok("Keys" not in works(new, later, "carol"), "a disabled principal is refused", works(new, later, "carol"))
    tap.ok("Keys" not in works(new, later, "dave"), "so is one whose policy was replaced", works(new, later, "dave"))
    names = [row["Name"] for row in kms(new, ":ApproverList", {}).get("Approvers", [])]
    tap.ok(sorted(names) == ["ann", "ben"], "an approver who was removed is gone", names)
    tap.ok(kms(new, "DescribeKey", {"KeyId": later.lost}).get("__type") == "NotFoundException", "a key that was made later is lost")
    got = kms(new, "RotateKeyOnDemand", {"KeyId": later.rotated})
    got = kms(new, ":KeyVersions", {"KeyId": later.rotated})
    numbers = [v["Version"] for v in got.get("Versions", [])]
    tap.ok(numbers == [1, 4], "the next version stands above those that are lost", got)
    tap.ok(decrypt(new, later.blobs[later.rotated]).get("Plaintext") is not None, "and the first still opens what it sealed")
    got = redoubt("audit", "search", "--operation", "Restore", "--json", env=dict(new.env()))
    tap.ok(got.status == 0 and got.out.count('"Restore"') == 1, "the restore is in the audit log", got)
    tap.ok(new.stop() == 0, "it stops")
    got = redoubt("audit", "verify", "--data", data)
    tap.ok(got.status == 0 and "each with its record" in got.out, "the log is one unbroken row, before and after", got)
    new.open()
    tap.ok(new.line.startswith("ready"), "and it starts again", new.log()[-500:])
    new.stop()


def test_bad_log(tap, service, file, old_log):
    data = os.path.join(service.folder, "bad-log")
    with tempfile.TemporaryDirectory() as top:
        other = Service(top)
        got = restore(service, file, data, "--log", other.data)
        tap.ok(got.status == 4 and not os.listdir(data), "the log of another service is refused", got)
    got = restore(service, file, data, "--log", old_log)
    tap.ok(got.status == 4 and "ready" not in got.out, "a log that ends before the backup is refused", got)
    changed = os.path.join(service.folder, "changed-log")
    shutil.copytree(os.path.join(service.data, "audit"), changed)
    path = os.path.join(changed, sorted(n for n in os.listdir(changed) if n.endswith(".seg"))[0])
    with open(path, "r+b") as log:
        used = len(log.read().rstrip(b"\0"))
        log.seek(used - 2000)
        byte = log.read(1)
        log.seek(used - 2000)
        log.write(bytes([byte[0] ^ 1]))
    got = restore(service, file, data, "--log", changed)
    tap.ok(got.status == 4, "a log that was changed is refused", got)
    anchor = os.path.join(service.folder, "anchor")
    got = redoubt("audit", "anchor", "--data", service.data, "-o", anchor)
    cut = os.path.join(service.folder, "cut-log")
    shutil.copytree(os.path.join(service.folder, "log-at-backup"), cut)
    got = restore(service, file, data, "--log", cut, "--anchor", anchor)
    tap.ok(got.status == 4 and not os.listdir(data), "a log without its end is refused, with an anchor", got)
    got = restore(service, file, os.path.join(service.folder, "anchored"), "--log", service.data, "--anchor", anchor)
    tap.ok(got.status == 0 and "--anchor" not in got.out and "may serve" in got.out, "the whole one is not", got)
    got = restore(service, file, data, "--log", os.path.join(service.folder, "nowhere"))
    tap.ok(got.status in (3, 4) and not os.listdir(data), "a log that is not there", got)


def test_without_log(tap, service, later, file):
    data = os.path.join(service.folder, "without-log")
    os.makedirs(os.path.join(data, ".restoring", "audit"))  # what an interrupted one left
    write(os.path.join(data, ".restoring", "audit", "x"), "x")
    got = restore(service, file, data)
    tap.ok(got.status == 0 and "QUARANTINE" in got.out and "without the audit log" in got.out, "without the log: quarantine", got)
    new = on(service, data).open()
    next_second()
    tap.ok("Keys" in kms(new, "ListKeys", {}), "it can be looked at")
    got = new.root("status")
    tap.ok("quarantine" in got.out, "root status says why it is not ready", got)
    for operation, body in (("Encrypt", {"KeyId": later.stays, "Plaintext": "QUJD"}), ("Decrypt", {"CiphertextBlob": later.blobs[later.stays]}),
                            ("GenerateRandom", {"NumberOfBytes": 8}), ("CreateKey", {}), ("EnableKey", {"KeyId": later.suspended_off}),
                            (":PrincipalCreate", {"Principal": "eve"}), (":CredentialCreate", {"Principal": "bob"}),
                            (":PrincipalUpdate", {"Principal": "bob", "Policy": EVERYTHING}), (":PrincipalUpdate", {"Principal": "bob", "Enabled": True}),
                            ("PutKeyPolicy", {"KeyId": later.policy, "PolicyName": "default", "Policy": "{}"})):
        got = kms(new, operation, body)
        tap.ok(got.get("__type") == "KMSInvalidStateException" and "quarantine" in got["message"], "refused: " + operation, got)
    tap.ok("status" not in kms(new, "DisableKey", {"KeyId": later.disabled}), "withdrawing is allowed: a key")
    tap.ok("status" not in kms(new, ":CredentialRevoke", {"AccessKeyId": later.keys["bob"]["AccessKeyId"]}), "an access key")
    tap.ok("status" not in kms(new, ":PrincipalUpdate", {"Principal": "carol", "Enabled": False}), "a principal")
    got = redoubt("backup", "release", env=new.env())
    tap.ok(got.status == 4 and "has 0 of 2" in got.err, "an administrator alone does not release it", got)
    new.stop()
    new.open()
    tap.ok(encrypt(new, later.stays).get("__type") == "KMSInvalidStateException", "nor does a restart")
    shares = [w for s in service.shares()[:3] for w in ("--share-file", s)]
    again = redoubt("backup", "release", "--data", data, *shares)
    tap.ok(again.status == 4 and "their quorum decides" in again.err, "nor who opens the root, where there are approvers", again)
    request = request_in(got.err)
    later.approvers[0].sign(new, request)
    got = redoubt("backup", "release", env=new.env())
    tap.ok(got.status == 4 and "has 1 of 2" in got.err, "nor one approver", got)
    later.approvers[1].sign(new, request)
    got = redoubt("backup", "release", env=new.env())
    tap.ok(got.status == 0, "two do", got)
    tap.ok("CiphertextBlob" in encrypt(new, later.stays), "it serves")
    tap.ok("status" in kms(new, ":RestoreRelease", {}), "there is nothing to be released any more")
    new.stop()
    got = redoubt("audit", "verify", "--data", data)
    tap.ok(got.status == 0, "its new log is good", got)


def test_folder_log(tap, service, later):
    """The log of a stopped server's folder, read without it."""
    search = lambda *args: redoubt("audit", "search", "--data", service.data, *args)
    got = search("--operation", "DisableKey")
    tap.ok(got.status == 0 and len(got.out.splitlines()) >= 3 and "alice" in got.out, "audit search --data", got)
    got = search("--for-key", later.disabled, "--operation", "DisableKey", "--json")
    rows = [json.loads(line) for line in got.out.splitlines()]
    tap.ok(len(rows) == 1 and rows[0]["KeyId"] == later.disabled and rows[0]["Operation"] == "DisableKey", "of one key, as JSON", got)
    got = search("--request", rows[0]["RequestId"], "--json")
    tap.ok(got.status == 0 and len(got.out.splitlines()) == 1, "one request", got)
    got = search("--fault", "*", "--json")
    tap.ok(got.out and all("Fault" in json.loads(line) for line in got.out.splitlines()), "what was refused", got)
    got = search("--limit", "2", "--json")
    tap.ok(len(got.out.splitlines()) == 2, "so many at most", got)
    got = search("--principal", "nobody-*", "--json")
    tap.ok(got.status == 0 and got.out == "", "nobody's", got)
    for bad in (("--for-key", "orders"), ("--since", "yesterday"), ("--request", "1")):
        tap.ok(search(*bad).status == 3, "refused: %s %s" % bad, search(*bad))
    file = os.path.join(service.folder, "events")
    got = redoubt("audit", "export", "--data", service.data, "-o", file, "--region", "here-1")
    events = [json.loads(line) for line in read(file).splitlines()]
    tap.ok(got.status == 0 and len(events) > 20 and all(e["awsRegion"] == "here-1" for e in events), "audit export --data", got)
    got = redoubt("audit", "search", "--data", os.path.join(service.folder, "nowhere"))
    tap.ok(got.status in (3, 4), "a folder that is not there", got)


def test_by_root(tap, top):
    """Without approvers whoever opens the root decides."""
    service = Service(top).open()
    key = kms(service, "CreateKey", {})["KeyMetadata"]["KeyId"]
    file, data = os.path.join(top, "backup"), os.path.join(top, "restored")
    backup(service, file)
    service.stop()
    got = restore(service, file, data)
    new = on(service, data).open()
    next_second()
    got = redoubt("backup", "release", env=new.env())
    tap.ok(got.status == 4 and "whoever opens the root" in got.err, "without approvers: not by an administrator", got)
    wrong = secret_file(os.path.join(service.folder, "wrong2"), "wrong horse battery staple")
    got = redoubt("backup", "release", "--data", data, "--open-with", "passphrase", "--passphrase-file", wrong)
    tap.ok(got.status == 4 and encrypt(new, key).get("status") == 400, "not by a wrong passphrase", got)
    shares = [w for s in service.shares()[:3] for w in ("--share-file", s)]
    got = redoubt("backup", "release", "--data", data, *shares)
    tap.ok(got.status == 0 and "CiphertextBlob" in encrypt(new, key), "but by three shares", got)
    got = redoubt("backup", "release", "--data", data, *shares)
    tap.ok(got.status == 4 and "not in quarantine" in got.err, "once", got)
    new.stop()


def test_stopped(tap, service):
    """A backup of a stopped server, by its root."""
    file = os.path.join(service.folder, "stopped")
    wrong = secret_file(os.path.join(service.folder, "wrong3"), "wrong horse battery staple")
    got = backup(service, file, "--open-with", "passphrase", "--passphrase-file", wrong)
    tap.ok(got.status == 4 and not os.path.exists(file) and not os.path.exists(file + ".partial"), "of a stopped server: not by a wrong passphrase", got)
    got = backup(service, file, "--open-with", "passphrase", "--passphrase-file", service.words)
    tap.ok(got.status == 0, "by the right one", got)
    data = os.path.join(service.folder, "from-stopped")
    got = restore(service, file, data, "--log", service.data)
    tap.ok(got.status == 0 and "later       0 changes" in got.out and "may serve" in got.out, "nothing came later", got)


def run():
    tap = Tap()
    with tempfile.TemporaryDirectory() as top:
        service = Service(top).open()
        try:
            file = os.path.join(top, "backup")
            later = Later(service)
            tap.ok("status" not in third(service, later), "three approvers are enrolled")
            time.sleep(1.1)  # a checkpoint
            service.stop()
            old_log = os.path.join(top, "old-log")
            shutil.copytree(os.path.join(service.data, "audit"), old_log)
            service.open()
            before = test_create(tap, service, file)
            service.stop()
            shutil.copytree(os.path.join(service.data, "audit"), os.path.join(top, "log-at-backup"))
            service.open()
            bad = later.happens(service)
            tap.ok(not bad, "then much happens", bad)
            test_verify(tap, service, file)
            test_mixed(tap, service, file)
            test_with_log(tap, service, later, file)
            test_bad_log(tap, service, file, old_log)
            test_without_log(tap, service, later, file)
            test_stopped(tap, service)
            test_folder_log(tap, service, later)
        finally:
            service.stop()
    with tempfile.TemporaryDirectory() as top:
        test_by_root(tap, top)
    tap.finish()


def main():
    """In a temporary folder of our own: in the common one other tests make the like of what must not be left."""
    with tempfile.TemporaryDirectory() as own:
        os.environ["TMPDIR"] = tempfile.tempdir = own
        run()


main()
