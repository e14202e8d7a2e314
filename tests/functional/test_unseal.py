#!/usr/bin/env python3
"""A server that starts sealed: it answers, refuses every call, and is opened over its control socket, share by share
or by a passphrase; what is wrong is refused. Seals change under a running server's load. Prints TAP.
"""
import http.client
import os
import re
import signal
import socket
import ssl
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, SANITIZED, Tap, redoubt  # noqa: E402
from service import CHEAP, Service, children, secret_file, until  # noqa: E402
from signing import call  # noqa: E402

DENIED, PROTOCOL = 7, 10  # places of the codes in base/err.h
STATUS, UNSEAL = 1, 2


def get(service, path):
    at = service.url.split("//")[1].split(":")
    connection = http.client.HTTPSConnection(at[0], int(at[1]), timeout=30,
                                             context=ssl.create_default_context(cafile=service.pem))
    connection.request("GET", path)
    answer = connection.getresponse()
    got = answer.status, answer.read().decode()
    connection.close()
    return got


def raw(service, bytes_sent, end=True):
    """What the control socket answers to bytes: the code, or None when it hangs up."""
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(30)
    peer.connect(os.path.join(service.data, "control.sock"))
    got = b""
    try:
        peer.sendall(bytes_sent)
        if end:
            peer.shutdown(socket.SHUT_WR)
        while len(got) < 14:
            more = peer.recv(14 - len(got))
            if not more:
                break
            got += more
    except OSError:
        pass
    peer.close()
    return got[5] if len(got) == 14 and got[:5] == b"RDTA\x01" else None


def request(command, body=b"", version=1, magic=b"RDTQ"):
    return magic + struct.pack(">BBI", version, command, len(body)) + body


def means(words, seal=b"", how=2):
    return bytes([len(seal)]) + seal + bytes([how, len(words)]) + b"".join(struct.pack(">H", len(w)) + w for w in words)


# ---- sealed ----

def test_sealed(tap, service):
    service.start()
    tap.ok(service.line.startswith("sealed https://127.0.0.1:"), "without means a server starts sealed", service.line)
    tap.ok(get(service, "/healthz")[0] == 200, "it is alive")
    tap.ok(get(service, "/readyz") == (503, "sealed\n"), "and not ready: sealed", get(service, "/readyz"))
    for target in ("TrentService.ListKeys", "TrentService.CreateKey", "Redoubt.PrincipalList"):
        status, answer = call(service.env(), target, {})
        tap.ok(status == 500 and answer["__type"] == "KMSInternalException" and "sealed" in answer["message"],
               "%s answers that it is sealed" % target, answer)
    path = os.path.join(service.data, "control.sock")
    mode = os.stat(path).st_mode
    tap.ok(stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, "the control socket is for its owner alone")
    got = service.root("status")
    tap.ok(got.status == 0 and "server: sealed" in got.out, "root status says so", got)
    got = service.root("status", "--json")
    tap.ok('"server":{"state":"sealed","pid":' in got.out, "also as JSON", got)
    second = subprocess.run([REDOUBT, "serve", "--config", service.config()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    tap.ok(second.returncode == 4 and b"another process serves" in second.stderr, "a second sealed server is refused",
           second.stderr)
    tap.ok(service.root("status").out.count("sealed") == 1, "and the first one's socket is still there")


def test_shares(tap, service):
    shares = service.shares()
    text = open(shares[0]).read().strip()
    typo = secret_file(os.path.join(service.folder, "typo"), text[:-5] + ("A" if text[-5] != "A" else "B") + text[-4:])
    give = lambda *files: service.root("unseal", *[w for f in files for w in ("--share-file", f)])
    got = give(shares[0])
    tap.ok(got.status == 0 and "1 of 3 shares" in got.out, "one share", got)
    got = give(typo)
    tap.ok(got.status == 4 and "typing error" in got.err, "a share with a typing error is refused", got)
    got = give(shares[0])
    tap.ok(got.status == 4 and "given already" in got.err, "the same share again is refused", got)
    got = service.root("status")
    tap.ok("shares of 'shamir': 1 of 3" in got.out, "the first one stays", got)
    with tempfile.TemporaryDirectory() as top:
        other = Service(top)
        got = give(other.shares()[1])
        tap.ok(got.status == 4 and "another deployment" in got.err, "a share of another deployment is refused", got)
    got = give(shares[2])
    tap.ok(got.status == 0 and "2 of 3 shares" in got.out, "two shares", got)
    tap.ok(get(service, "/readyz") == (503, "sealed\n"), "two are not enough")
    everything = got.out + got.err
    got = give(shares[4])
    tap.ok(got.status == 0 and got.out == "the server is open\n", "the third opens it", got)
    tap.ok(until(lambda: get(service, "/readyz")[0] == 200), "it is ready")
    tap.ok(service.process.stdout.readline().startswith(b"ready https://"), "and says so")
    status, answer = call(service.env(), "TrentService.CreateKey", {})
    tap.ok(status == 200, "calls are answered, also changing ones", answer)
    tap.ok(service.admin("audit", "tail").status == 0, "also slow ones")
    got = service.root("unseal", "--share-file", shares[1])
    tap.ok(got.status == 0 and got.out == "the server is open\n", "a share too many does no harm", got)
    everything += service.log() + got.out + got.err
    tap.ok(not any(open(s).read().strip()[-40:] in everything for s in shares), "no share is printed anywhere")
    return answer["KeyMetadata"]["KeyId"]


def test_forged(tap, service):
    """A share that is whole, of this root, and not the one that was given out."""
    import base64
    import hashlib
    service.stop()
    service.start()
    real = open(service.shares()[1]).read().strip()
    head, body = real[:-60], base64.urlsafe_b64decode(real[-59:] + "=")
    number, x = head.rsplit("-", 1)
    seal = number[len("redoubt-share-1-"):]
    inner = body[:8] + bytes(32)
    total = hashlib.sha256(b"redoubt share v1\0" + seal.encode() + b"\0" + bytes([int(x)]) + inner).digest()[:4]
    forged = secret_file(os.path.join(service.folder, "forged"),
                         head + "-" + base64.urlsafe_b64encode(inner + total).decode().rstrip("="))
    shares = service.shares()
    got = service.root("unseal", "--share-file", forged, "--share-file", shares[2], "--share-file", shares[3])
    tap.ok(got.status == 4 and "shares are wrong" in got.err and "begin again" in got.err, "a forged share opens nothing", got)
    got = service.root("status")
    tap.ok("server: sealed" in got.out and "shares of" not in got.out, "and all are forgotten", got)
    got = service.root("unseal", *[w for s in shares[:3] for w in ("--share-file", s)])
    tap.ok(got.status == 0 and got.out == "the server is open\n", "the real ones open it", got)


def test_again(tap, service):
    """The shares are right, and the service does not open: the same people try again."""
    service.stop()
    service.start()
    give = lambda: service.root("unseal", *[w for s in service.shares()[:3] for w in ("--share-file", s)])
    store = os.path.join(service.data, "store.db")
    os.rename(store, store + ".away")
    got = give()
    tap.ok(got.status != 0 and "server: sealed" in service.root("status").out, "without its store the service does not open", got)
    tap.ok("shares of" not in service.root("status").out, "and no share stays in memory", service.root("status"))
    if os.path.exists(store):
        os.remove(store)
    os.rename(store + ".away", store)
    got = give()
    tap.ok(got.status == 0 and got.out == "the server is open\n", "with it the same shares do", got)


def test_passphrase(tap, service, key):
    service.stop()
    service.start()
    wrong = secret_file(os.path.join(service.folder, "wrong"), "wrong horse battery staple")
    got = service.root("unseal", "--passphrase-file", wrong)
    tap.ok(got.status == 4 and "passphrase is wrong" in got.err, "a wrong passphrase is refused", got)
    tap.ok(get(service, "/readyz")[0] == 503, "and it stays sealed")
    for _ in range(9):
        got = service.root("unseal", "--passphrase-file", wrong)
    got = service.root("unseal", "--passphrase-file", service.words)
    tap.ok(got.status == 4 and "wait a minute" in got.err, "after ten wrong tries also the right one waits", got)
    service.stop()
    service.start()
    got = service.root("unseal", "--open-with", "nobody", "--passphrase-file", service.words)
    tap.ok(got.status == 3 and "no seal 'nobody'" in got.err, "a seal that is none", got)
    got = service.root("unseal", "--passphrase-file", service.words)
    tap.ok(got.status == 0 and call(service.env(), "TrentService.DescribeKey", {"KeyId": key})[0] == 200, "the passphrase opens it", got)


def test_socket(tap, service):
    """Bytes that are no request; the server goes on."""
    service.stop()
    service.start()
    word = means([b"x" * 20], how=1)
    cases = [
        ("no magic", request(STATUS, magic=b"RDTA")), ("another version", request(STATUS, version=2)),
        ("no command", request(0)), ("an unknown command", request(99)), ("too long", b"RDTQ\x01\x02" + struct.pack(">I", 1 << 20)),
        ("a body with bytes left over", request(UNSEAL, word + b"x")), ("a body cut short", request(UNSEAL, word[:-1])),
        ("no way of that number", request(UNSEAL, means([b"x"], how=3))), ("two passphrases", request(UNSEAL, means([b"x", b"y"], how=1))),
        ("17 shares", request(UNSEAL, means([b"x"] * 17))), ("an empty share", request(UNSEAL, means([b""]))),
        ("a seal that is no name", request(UNSEAL, means([b"x"], seal=b"../x"))),
    ]
    for name, sent in cases:
        tap.ok(raw(service, sent) == PROTOCOL, "refused: " + name, raw(service, sent))
    tap.ok(raw(service, request(STATUS)[:5]) not in (0, None), "refused: a head cut short")
    tap.ok(raw(service, request(STATUS)) == 0, "and the server still answers")
    tap.ok("server: sealed" in service.root("status").out, "still sealed")


def test_stale(tap, service):
    for pid in children(service.process.pid) + [service.process.pid]:
        os.kill(pid, signal.SIGKILL)
    service.process.wait()
    service.process.stdout.close()
    service.process = None
    tap.ok(os.path.exists(os.path.join(service.data, "control.sock")), "a killed server leaves its socket")
    got = service.root("status")
    tap.ok(got.status == 0 and "server: does not run" in got.out, "which nobody takes for a server", got)
    got = service.root("unseal", "--share-file", service.shares()[0])
    tap.ok(got.status == 3 and "no server runs" in got.err, "unseal says that none runs", got)
    service.start()
    tap.ok("server: sealed" in service.root("status").out, "the next start takes its place")
    service.stop()
    tap.ok(not os.path.exists(os.path.join(service.data, "control.sock")), "and a stop removes it")


# ---- seals change under a running server ----

class Load(threading.Thread):
    def __init__(self, service, key):
        super().__init__()
        self.service, self.key, self.bad, self.n, self.ending = service, key, [], 0, False

    def run(self):
        while not self.ending:
            got = call(self.service.env(), "TrentService.GenerateDataKey", {"KeyId": self.key, "KeySpec": "AES_256"})
            self.n += 1
            if got[0] != 200:
                self.bad.append(got)


def test_reseal(tap, service, key):
    service.open()
    load = [Load(service, key) for _ in range(2)]
    for thread in load:
        thread.start()
    new = secret_file(os.path.join(service.folder, "new"), "another battery horse staple")
    got = service.root("reseal", "--open-with", "passphrase", "--passphrase-file", service.words, "--add", "passphrase", "--id", "second",
                       "--new-passphrase-file", new, *CHEAP)
    tap.ok(got.status == 0, "a seal is added while the server runs", got)
    got = service.root("reseal", "--open-with", "second", "--passphrase-file", new, "--remove", "passphrase")
    tap.ok(got.status == 0, "and the old one removed", got)
    tap.ok(call(service.env(), "TrentService.CreateKey", {})[0] == 200, "changes go on")
    before = sum(thread.n for thread in load)
    until(lambda: sum(thread.n for thread in load) > before + 20)
    for thread in load:
        thread.ending = True
    for thread in load:
        thread.join()
    n = sum(thread.n for thread in load)
    tap.ok(n > 20 and not any(thread.bad for thread in load), "%d calls, none disturbed" % n, [t.bad[:2] for t in load])
    got = service.root("status")
    tap.ok("server: serving" in got.out and "second" in got.out, "root status shows both", got)
    service.stop()
    service.start(passphrase_file=service.words, seal="passphrase")
    tap.ok(service.line == "" and service.process.wait(60) != 0 and "passphrase" in service.log(), "the old seal starts no server", service.line)
    service.stop()
    service.start(passphrase_file=service.words)
    tap.ok(service.line == "" and "wrong" in service.log(), "nor does the old passphrase", service.line)
    service.stop()
    service.start(passphrase_file=new, seal="second")
    tap.ok(service.line.startswith("ready") and call(service.env(), "TrentService.DescribeKey", {"KeyId": key})[0] == 200,
           "the new one does", service.log()[-500:])
    service.stop()


def test_rotate(tap, service, key):
    """A new domain key, by shares and a running server, then by a stopped one's folder."""
    service.stop()
    service.start(passphrase_file=os.path.join(service.folder, "new"), seal="second")
    blob = call(service.env(), "TrentService.Encrypt", {"KeyId": key, "Plaintext": "QUJD"})[1]["CiphertextBlob"]
    shares = [w for s in service.shares()[:3] for w in ("--share-file", s)]
    got = service.root("rotate", *shares[:4])
    tap.ok(got.status == 4 and "are needed" in got.err, "two shares rotate nothing", got)
    got = service.root("rotate", *shares)
    tap.ok(got.status == 0, "root rotate, over the control socket", got)
    tap.ok(until(lambda: re.search("domain key [2-9] wraps what is new; 0 older", service.root("status").out)), "what the old one wrapped follows",
           service.root("status"))
    tap.ok('"domain/1"' not in service.root("status", "--json").out, "and the old one is gone")
    got = call(service.env(), "TrentService.Decrypt", {"CiphertextBlob": blob})
    tap.ok(got[0] == 200 and got[1]["Plaintext"] == "QUJD", "old ciphertexts open", got)
    service.stop()
    got = service.root("rotate", *shares)
    tap.ok(got.status == 0, "of a stopped server", got)
    service.start(passphrase_file=os.path.join(service.folder, "new"), seal="second")
    tap.ok(until(lambda: re.search("domain key [1-9][0-9]* wraps what is new; 0 older", service.root("status").out)), "it follows once the server runs",
           service.root("status"))
    service.stop()


def test_provider(tap, service, key):
    """Threads that start in the sandbox still read the operator's configuration of libcrypto."""
    with tempfile.TemporaryDirectory() as other:
        conf = os.path.join(other, "openssl.cnf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write("openssl_conf = top\n[top]\nproviders = list\n[list]\ndefault = one\n[one]\nactivate = 1\n")
        service.start(env={"OPENSSL_CONF": conf})
        shares = [w for s in service.shares()[:3] for w in ("--share-file", s)]
        got = service.root("unseal", "--open-with", "shamir", *shares)
        tap.ok(got.status == 0 and call(service.env(), "TrentService.DescribeKey", {"KeyId": key})[0] == 200,
               "with OPENSSL_CONF, unsealed in the sandbox", got)
        service.stop()


def test_one_seal(tap, top):
    service = Service(top, seals=("passphrase",))
    service.start()
    tap.ok(service.line == "" and service.process.wait(60) == 4 and "only one seal" in service.log(), "one seal alone starts nothing, sealed or not",
           service.log())
    service.stop()


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as top:
        service = Service(top)
        try:
            test_sealed(tap, service)
            key = test_shares(tap, service)
            test_forged(tap, service)
            test_again(tap, service)
            test_passphrase(tap, service, key)
            test_socket(tap, service)
            test_stale(tap, service)
            test_reseal(tap, service, key)
            test_rotate(tap, service, key)
            test_provider(tap, service, key)
        finally:
            service.stop()
    with tempfile.TemporaryDirectory() as top:
        test_one_seal(tap, top)
    tap.finish()


main()
