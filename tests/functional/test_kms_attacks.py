#!/usr/bin/env python3
"""Attacks on a running key service, by strangers and by its own clients: docs/threat-model.md says which row each part
is about. Prints TAP."""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
sys.path.insert(0, HERE)
from audit_reader import Log  # noqa: E402
from harness import Tap  # noqa: E402
from hostile import HOSTILE  # noqa: E402
from server import Server, wait_for  # noqa: E402
from signing import call, headers_of  # noqa: E402

SECONDS = 60
BODY_MAX = 256 * 1024
FLOOD = 4000  # a stranger's requests
REASONS_MAX = 16  # records that they may leave behind: one for each reason, a minute
FLIPS = 40
NO_KEY = "00000000-0000-4000-8000-000000000000"
CREATE, LIST = "TrentService.CreateKey", "TrentService.ListKeys"
UNKNOWN, FORGED = "UnrecognizedClientException", "InvalidSignatureException"
INCOMPLETE, SKEWED = "IncompleteSignatureException", "RequestTimeTooSkewed"
MISSING = "MissingAuthenticationTokenException"


class Peer:
    """One TLS connection; bytes that need not be a request."""

    def __init__(self, env, cert=None):
        self.at = urllib.parse.urlsplit(env["AWS_ENDPOINT_URL"])
        context = ssl.create_default_context(cafile=env["AWS_CA_BUNDLE"])
        if cert:
            context.load_cert_chain(*cert)
        self.host = self.at.netloc
        self.connection = http.client.HTTPSConnection(self.at.hostname, self.at.port, timeout=SECONDS, context=context)

    def send(self, headers, raw, path="/", method="POST"):
        """(status, error type or '', answer)"""
        self.connection.request(method, path, raw, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        try:
            tree = json.loads(text)
        except ValueError:
            tree = {}
        return answer.status, tree.get("__type", ""), tree

    def raw(self, bytes_):
        """What comes back, until the other side closes."""
        self.connection.connect()
        self.connection.sock.sendall(bytes_)
        got = b""
        try:
            while True:
                part = self.connection.sock.recv(65536)
                if not part:
                    return got
                got += part
        except (ConnectionError, ssl.SSLError):
            return got


class Attack:
    def __init__(self, tap, server):
        self.tap, self.server = tap, server
        self.admin, self.app = server.env("dev"), server.env("app")

    def keys(self):
        return len(call(self.admin, LIST, {"Limit": 1000})[1]["Keys"])

    def signed(self, who, target, body):
        raw = json.dumps(body).encode()
        peer = Peer(self.server.env())
        return peer, headers_of(who, target, raw, peer.host), raw

    def refused(self, what, want, change, target=CREATE, body=None, who=None):
        """A good request, changed: refused as wanted, and no key is made."""
        before = self.keys()
        peer, headers, raw = self.signed(who or self.admin, target, body or {})
        headers, raw = change(headers, raw)
        status, fault, answer = peer.send(headers, raw)
        self.tap.ok(status in (400, 403) and fault in want and self.keys() == before, "%s: refused" % what, (status, answer))


def sign(headers, env, raw, when=None, region=None, service="kms", names=None, secret=None):
    """Signs headers again, where something about it is to be wrong."""
    stamp = (when or datetime.datetime.now(datetime.timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
    headers = {k: v for k, v in headers.items() if k != "authorization"}
    headers["x-amz-date"] = stamp
    names = names or sorted(headers)
    canonical = "POST\n/\n\n" + "".join("%s:%s\n" % (k, headers[k]) for k in names) + "\n" + ";".join(names) + "\n" + \
        hashlib.sha256(raw).hexdigest()
    scope = "%s/%s/%s/aws4_request" % (stamp[:8], region or env["AWS_REGION"], service)
    text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (stamp, scope, hashlib.sha256(canonical.encode()).hexdigest())
    key = ("AWS4" + (secret or env["AWS_SECRET_ACCESS_KEY"])).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        env["AWS_ACCESS_KEY_ID"], scope, ";".join(names), hmac.new(key, text.encode(), hashlib.sha256).hexdigest())
    return headers


def flipped(text, at):
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]


# ---- outsiders ----

def forged(a):
    def auth(change):
        return lambda h, raw: (dict(h, authorization=change(h["authorization"])), raw)

    def without(name):
        return lambda h, raw: ({k: v for k, v in h.items() if k != name}, raw)

    def again(**how):
        return lambda h, raw: (sign(h, a.admin, raw, **how), raw)

    def minutes(n):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=n)

    a.refused("not signed", (MISSING,), without("authorization"))
    for at in (-1, -33, -64):
        a.refused("a digit of the signature is another", (FORGED,), auth(lambda t, at=at: flipped(t, len(t) + at)))
    a.refused("the signature is cut", (INCOMPLETE, FORGED), auth(lambda t: t[:-1]))
    a.refused("the signature is longer", (INCOMPLETE, FORGED), auth(lambda t: t + "0"))
    a.refused("the signature is empty", (INCOMPLETE, FORGED), auth(lambda t: t[:-64]))
    a.refused("an access key that is none", (UNKNOWN,), auth(lambda t: t.replace(a.admin["AWS_ACCESS_KEY_ID"], "RDTANOBODY00000000")))
    a.refused("another's access key, the own secret", (FORGED,), again(secret=a.app["AWS_SECRET_ACCESS_KEY"]))
    a.refused("another's access key in the own signature", (FORGED,),
              auth(lambda t: t.replace(a.app["AWS_ACCESS_KEY_ID"], a.admin["AWS_ACCESS_KEY_ID"])), who=a.app)
    a.refused("another algorithm's name", (INCOMPLETE, FORGED, MISSING), auth(lambda t: t.replace("SHA256", "SHA1")))
    a.refused("another body", (FORGED,), lambda h, raw: (h, b'{"Description":"x"}'))
    a.refused("a blank behind the body", (FORGED,), lambda h, raw: (h, raw + b" "))
    a.refused("another operation", (FORGED,), lambda h, raw: (dict(h, **{"x-amz-target": CREATE}), raw), target=LIST)
    a.refused("an operation that is not signed", (FORGED,),
              lambda h, raw: (sign(h, a.admin, raw, names=[n for n in sorted(h) if n not in ("authorization", "x-amz-target")]), raw))
    a.refused("a host that is not signed", (FORGED,),
              lambda h, raw: (sign(h, a.admin, raw, names=[n for n in sorted(h) if n not in ("authorization", "host")]), raw))
    a.refused("a date that is not signed", (FORGED, INCOMPLETE),
              lambda h, raw: (sign(h, a.admin, raw, names=[n for n in sorted(h) if n not in ("authorization", "x-amz-date")]), raw))
    a.refused("a signed header was stripped", (INCOMPLETE, FORGED), without("amz-sdk-invocation-id"))
    a.refused("the date was stripped", (INCOMPLETE, FORGED), without("x-amz-date"))
    a.refused("an x-amz header was put in", (FORGED,), lambda h, raw: (dict(h, **{"x-amz-security-token": "x"}), raw))
    a.refused("another region's scope", (FORGED,), again(region="elsewhere-1"))
    a.refused("another service's scope", (FORGED,), again(service="s3"))
    for n in (-6, 6, -60 * 24, 60 * 24 * 365):
        a.refused("signed %d minutes from now" % n, (SKEWED,), again(when=minutes(n)))
    for n in (-4, 4):
        peer, headers, raw = a.signed(a.admin, LIST, {})
        a.tap.ok(peer.send(sign(headers, a.admin, raw, when=minutes(n)), raw)[0] == 200, "%d minutes are taken" % n)


def replayed(a):
    before = a.keys()
    peer, headers, raw = a.signed(a.admin, CREATE, {})
    a.tap.ok(peer.send(headers, raw)[0] == 200, "a change")
    got = [Peer(a.server.env()).send(headers, raw)[:2] for _ in range(3)]
    a.tap.ok(set(got) == {(400, "ThrottlingException")} and a.keys() == before + 1, "the same bytes again: refused, on any connection", got)
    status, fault, answer = peer.send(headers, b'{"Description":"again"}')
    a.tap.ok((status, fault) == (400, FORGED) and a.keys() == before + 1, "and with a change of it", answer)
    a.server.stop()
    a.server.start()
    a.admin, a.app = a.server.env("dev"), a.server.env("app")
    headers["host"] = urllib.parse.urlsplit(a.server.url).netloc
    status, fault, _ = Peer(a.server.env()).send(headers, raw)
    a.tap.ok(fault == FORGED and a.keys() == before + 1, "for another port it is not signed", fault)


def replayed_after_restart(a):
    before = a.keys()
    peer, headers, raw = a.signed(a.admin, CREATE, {})
    peer.send(headers, raw)
    port = urllib.parse.urlsplit(a.server.url).netloc
    a.server.stop()
    a.server.start(port)
    status, fault, answer = Peer(a.server.env()).send(headers, raw)
    a.tap.ok((status, fault) == (400, "ThrottlingException") and a.keys() == before + 1,
             "a restart does not make a replay new", answer)


def sizes(a):
    before = a.keys()
    peer, headers, raw = a.signed(a.admin, CREATE, {"Description": "x" * 100})
    for cut in (1, 10, len(raw) - 1):
        text = "POST / HTTP/1.1\r\n" + "".join("%s: %s\r\n" % pair for pair in headers.items())
        bytes_ = (text + "content-length: %d\r\n\r\n" % len(raw)).encode() + raw[:-cut]
        peer.connection.connect()
        peer.connection.sock.sendall(bytes_)
        peer.connection.close()
    a.tap.ok(a.keys() == before, "a body cut short is no call")
    peer, headers, raw = a.signed(a.admin, CREATE, {"Description": "x" * BODY_MAX})
    try:
        status = peer.send(headers, raw)[0]
    except (ConnectionError, ssl.SSLError):
        status = "closed"
    a.tap.ok(status in (413, "closed") and a.keys() == before, "a body too large", status)
    deep = b'{"Tags":' + b"[" * 5000 + b"]" * 5000 + b"}"
    peer = Peer(a.server.env())
    status, fault, answer = peer.send(headers_of(a.admin, CREATE, deep, peer.host), deep)
    a.tap.ok(status == 400 and a.keys() == before, "a body nested too deep", answer)


def smuggled(a):
    """A good request behind a hostile one, on the same connection, must not be carried out."""
    before, wrong = a.keys(), []
    for name, bytes_, status in HOSTILE:
        peer, headers, raw = a.signed(a.admin, CREATE, {})
        good = ("POST / HTTP/1.1\r\n" + "".join("%s: %s\r\n" % pair for pair in headers.items()) +
                "content-length: %d\r\n\r\n" % len(raw)).encode() + raw
        got = peer.raw(bytes_ + good)
        first = got.split(b"\r\n", 1)[0].split(b" ")
        code = int(first[1]) if len(first) > 1 and first[1].isdigit() else None
        if code is None or code < 400 or (status and code != status) or got.count(b"HTTP/1.1 ") != 1:
            wrong.append("%s: %r" % (name, got[:200]))
    a.tap.ok(not wrong and a.keys() == before, "%d hostile requests: refused, closed, nothing behind them runs" % len(HOSTILE),
             "\n".join(wrong))


def flood(a):
    """What costs a stranger nothing leaves a bounded trace, and keeps nobody out."""
    at = urllib.parse.urlsplit(a.server.url)
    request = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: " + CREATE.encode() + b"\r\nContent-Length: 2\r\n\r\n{}"
    context = ssl.create_default_context(cafile=a.admin["AWS_CA_BUNDLE"])
    audit = os.path.join(a.server.data, "audit")
    before = len(Log(audit).records)
    with context.wrap_socket(socket.create_connection((at.hostname, at.port), SECONDS), server_hostname=at.hostname) as sock:
        for _ in range(FLOOD // 100):
            sock.sendall(request * 100)
            got = b""
            while got.count(b"HTTP/1.1 4") < 100:
                got += sock.recv(1 << 20)
    a.tap.ok(call(a.app, "TrentService.GenerateRandom", {"NumberOfBytes": 8})[0] == 200, "clients are served meanwhile")
    time.sleep(2.5)  # two ticks
    after = len(Log(audit).records)
    a.tap.ok(after - before <= REASONS_MAX, "%d requests of a stranger leave %d records" % (FLOOD, after - before))


# ---- clients ----

def revoked(a):
    """The very next request, also on a connection that was good."""
    call(a.admin, "Redoubt.PrincipalCreate", {"Principal": "mallory", "Policy": json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]})})
    made = call(a.admin, "Redoubt.CredentialCreate", {"Principal": "mallory"})[1]
    env = dict(a.app, AWS_ACCESS_KEY_ID=made["AccessKeyId"], AWS_SECRET_ACCESS_KEY=made["SecretAccessKey"])

    def outcome(peer):
        headers = headers_of(env, LIST, b"{}", peer.host)
        return peer.send(headers, b"{}")[:2]

    kept = Peer(env)
    a.tap.ok(outcome(kept) == (200, ""), "a credential that was made works")
    call(a.admin, "Redoubt.PrincipalUpdate", {"Principal": "mallory", "Enabled": False})
    a.tap.ok(outcome(kept)[1] == UNKNOWN, "its principal is disabled: refused at once")
    call(a.admin, "Redoubt.PrincipalUpdate", {"Principal": "mallory", "Enabled": True})
    a.tap.ok(outcome(kept) == (200, ""), "enabled again: works at once")
    call(a.admin, "Redoubt.CredentialRevoke", {"AccessKeyId": made["AccessKeyId"]})
    a.tap.ok(outcome(kept)[1] == UNKNOWN and outcome(Peer(env))[1] == UNKNOWN, "revoked: refused at once, on old and new connections")


def certificate(folder, ca, name):
    """(certificate, key, fingerprint) for a client, by a CA of the folder ca."""
    pem, key, csr = (os.path.join(folder, name + end) for end in (".pem", ".key", ".csr"))
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout", key]
    subprocess.run(new + ["-out", csr], check=True, stderr=subprocess.DEVNULL)
    ext = os.path.join(folder, "ext")
    with open(ext, "w", encoding="utf-8") as file:
        file.write("extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n")
    subprocess.run(["openssl", "x509", "-req", "-in", csr, "-CA", os.path.join(ca, "ca.pem"), "-CAkey", os.path.join(ca, "ca.key"),
                    "-CAcreateserial", "-CAserial", os.path.join(folder, "serial"), "-days", "2", "-extfile", ext, "-out", pem], check=True,
                   stderr=subprocess.DEVNULL)
    with open(pem, encoding="utf-8") as file:
        return pem, key, hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def certificates(a, folder):
    pem, key, print_ = certificate(folder, a.server.data, "mallory")

    def outcome(peer):
        try:
            return peer.send({"x-amz-target": LIST, "content-type": "application/x-amz-json-1.1"}, b"{}")[:2]
        except (ConnectionError, ssl.SSLError, http.client.HTTPException):
            peer.connection.close()
            return "closed"

    kept = Peer(a.admin, (pem, key))
    a.tap.ok(outcome(kept)[1] == UNKNOWN, "a good certificate that nobody bound is nobody's")
    call(a.admin, "Redoubt.CertificateBind", {"Principal": "mallory", "Fingerprint": print_})
    a.tap.ok(outcome(kept) == (200, ""), "bound: its principal")
    resumed = Peer(a.admin, (pem, key))
    outcome(resumed)
    call(a.admin, "Redoubt.CertificateRevoke", {"Fingerprint": print_})
    got = outcome(kept), outcome(resumed), outcome(Peer(a.admin, (pem, key)))
    a.tap.ok({one[1] for one in got} == {UNKNOWN}, "revoked: refused at once, on old and new connections", got)
    again = call(a.admin, "Redoubt.CertificateBind", {"Principal": "mallory", "Fingerprint": print_})
    a.tap.ok(again[0] == 400 or outcome(kept)[1] == UNKNOWN, "and not bound again by mistake", again)
    other = os.path.join(folder, "other")
    os.mkdir(other)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=Redoubt development CA", "-keyout", os.path.join(other, "ca.key"), "-out", os.path.join(other, "ca.pem")],
                   check=True, stderr=subprocess.DEVNULL)
    pem, key, print_ = certificate(other, other, "mallory")
    call(a.admin, "Redoubt.CertificateBind", {"Principal": "mallory", "Fingerprint": print_})
    a.tap.ok(outcome(Peer(a.admin, (pem, key))) == "closed", "a certificate of another CA of the same name: no connection")


def ciphertexts(a):
    one, two = (call(a.admin, CREATE, {})[1]["KeyMetadata"]["KeyId"] for _ in range(2))
    context = {"tenant": "a", "column": "c"}
    body = {"KeyId": one, "Plaintext": "c2VjcmV0", "EncryptionContext": context}
    blob = base64.b64decode(call(a.app, "TrentService.Encrypt", body)[1]["CiphertextBlob"])
    other = base64.b64decode(call(a.app, "TrentService.Encrypt", dict(body, KeyId=two))[1]["CiphertextBlob"])

    def opens(bytes_, **more):
        request = dict({"CiphertextBlob": base64.b64encode(bytes_).decode(), "EncryptionContext": context}, **more)
        status, answer = call(a.app, "TrentService.Decrypt", request)
        return "opened" if status == 200 else answer["__type"]

    bad = "InvalidCiphertextException"
    a.tap.ok(opens(blob) == "opened", "a ciphertext opens")
    swapped = ({"tenant": "c", "column": "a"}, {"tenant": "b", "column": "c"}, {"tenant": "a"}, {}, {"column": "c", "tenant": "a", "x": ""},
               {"tenanta": "", "column": "c"}, {"tenant": "A", "column": "c"})
    got = [opens(blob, EncryptionContext=other_context) for other_context in swapped]
    a.tap.ok(set(got) == {bad}, "not in %d other contexts" % len(swapped), got)
    a.tap.ok(opens(blob, KeyId=two) == "IncorrectKeyException", "not where another key is expected")
    a.tap.ok(opens(blob[:1] + other[1:17] + blob[17:]) == bad, "not under another key's id")
    a.tap.ok(opens(blob[:49] + other[49:]) == bad and opens(other[:77] + blob[77:]) == bad, "not with another's nonce or body")
    got = {opens(bytes([format_]) + blob[1:]) for format_ in range(256) if format_ != blob[0]}
    a.tap.ok(got == {bad}, "no other format byte is taken: there is nothing to go back to", got)
    got = {opens(blob[:at] + bytes([blob[at] ^ 1 << at % 8]) + blob[at + 1:]) for at in range(17, len(blob), 2)}
    a.tap.ok(got == {bad}, "nor a flipped bit", got)
    return one


def unknown_keys(a, key):
    """Who may not use a key learns nothing about which ones there are."""
    call(a.admin, "Redoubt.PrincipalCreate", {"Principal": "nobody", "Policy": json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:GenerateRandom", "Resource": "*"}]})})
    made = call(a.admin, "Redoubt.CredentialCreate", {"Principal": "nobody"})[1]
    env = dict(a.app, AWS_ACCESS_KEY_ID=made["AccessKeyId"], AWS_SECRET_ACCESS_KEY=made["SecretAccessKey"])
    call(a.admin, "TrentService.CreateAlias", {"AliasName": "alias/there", "TargetKeyId": key})
    wrong = []
    for name, more in (("DescribeKey", {}), ("Encrypt", {"Plaintext": "eA=="}), ("GenerateDataKey", {"KeySpec": "AES_256"}),
                       ("DisableKey", {}), ("GetKeyPolicy", {}), ("ListResourceTags", {}), ("ScheduleKeyDeletion", {}),
                       ("GetKeyRotationStatus", {}), ("RotateKeyOnDemand", {})):
        for there, not_there in ((key, NO_KEY), ("alias/there", "alias/nothere")):
            if there.startswith("alias/") and name not in ("DescribeKey", "Encrypt", "GenerateDataKey"):
                continue
            got = [call(env, "TrentService." + name, dict(more, KeyId=id_)) for id_ in (there, not_there)]
            texts = [(status, answer.get("__type"), answer.get("message", "").replace(id_, "ID")) for (status, answer), id_ in
                     zip(got, (there, not_there))]
            if texts[0] != texts[1] or texts[0][1] != "AccessDeniedException":
                wrong.append("%s: %s" % (name, texts))
    a.tap.ok(not wrong, "a key that is forbidden and one that is not there look alike", "\n".join(wrong))
    status, answer = call(env, LIST, {})
    a.tap.ok(answer.get("__type") == "AccessDeniedException", "and nothing lists them", answer)


def clones(a, folder, key):
    """One folder copied, two servers: the same plaintexts and contexts, and no nonce comes twice."""
    a.server.stop()
    twin = os.path.join(folder, "twin")
    shutil.copytree(a.server.data, twin)
    a.server.start()
    seen, n = [], 0
    with Server(twin) as other:
        for server in (a.server, other):
            env = server.env("app")
            for _ in range(50):
                blob = base64.b64decode(call(env, "TrentService.Encrypt", {"KeyId": key, "Plaintext": "eA=="})[1]["CiphertextBlob"])
                seen.append(blob[49:77])
                n += 1
    a.tap.ok(len(set(seen)) == n == 100 and len({one[16:] for one in seen}) == n, "two clones of one folder repeat no nonce")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        with Server(os.path.join(folder, "data")) as server:
            attack = Attack(tap, server)
            for part in (forged, sizes, smuggled, replayed, replayed_after_restart):
                part(attack)
            attack.admin, attack.app = server.env("dev"), server.env("app")
            flood(attack)
            revoked(attack)
            certificates(attack, folder)
            key = ciphertexts(attack)
            unknown_keys(attack, key)
            clones(attack, folder, key)
    tap.finish()


main()
