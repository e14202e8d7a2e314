#!/usr/bin/env python3
"""What our verifier would hash for a request is what other signers hashed: the published
signatures of the AWS Signature Version 4 test-suite, botocore's signer on random requests, and
libmongocrypt, awscli, boto3 and curl as they are, whose requests a small server writes down.  A change of any
byte that is signed is a change of what would be hashed."""
import ctypes
import hashlib
import hmac
import json
import os
import random
import re
import subprocess
import sys
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import FOLDER, bail, finish, result, scripted  # noqa: E402

try:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    bail("python3-boto3 is missing: tools/setup.sh installs it")

SIGV4_MAIN = os.environ.get("SIGV4_MAIN", "sigv4_main")
KEY_ID, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "local-1"
OK, MISSING, INCOMPLETE, UNSIGNED, PAYLOAD = range(5)  # enum rdt_sigv4_fault
ROUNDS = 400


class Seen:
    """What our side said about one request."""

    def __init__(self, line):
        got = json.loads(line)
        self.status, self.fault = got.pop("status"), got.pop("fault")
        for name, text in got.items():
            setattr(self, name, bytes.fromhex(text))

    def holds(self, secret=SECRET):
        """Whether the request's signature is the one of what we would hash."""
        if self.fault != OK or self.key_id != KEY_ID.encode():
            return False  # another id would be another secret
        key = ("AWS4" + secret).encode()
        for part in (self.date, self.region, self.service, b"aws4_request", self.to_sign):
            key = hmac.new(key, part, hashlib.sha256).digest()
        return key == self.signature


def look_at(requests):
    lines = "".join(request.hex() + "\n" for request in requests)
    done = subprocess.run([SIGV4_MAIN], input=lines, capture_output=True, text=True, timeout=120)
    seen = [Seen(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(seen) != len(requests):
        bail("sigv4_main: status %d after %d of %d: %s" % (done.returncode, len(seen), len(requests), done.stderr))
    return seen


def look(request):
    return look_at([request])[0]


# ---- the test-suite's own signatures

SUITE = [
    ("get-vanilla", "GET", "/", "", b"",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("post-vanilla", "POST", "/", "", b"",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", "", b"",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ("get-vanilla-query-unreserved", "GET",
     "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
     "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", b"",
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
    ("get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", b"",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
    ("get-header-key-duplicate", "GET", "/", "My-Header1:value2\r\nMy-Header1:value2\r\nMy-Header1:value1\r\n", b"",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
    ("get-header-value-order", "GET", "/",
     "My-Header1:value4\r\nMy-Header1:value1\r\nMy-Header1:value3\r\nMy-Header1:value2\r\n", b"",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"),
    ("get-header-value-trim", "GET", "/", "My-Header1: value1\r\nMy-Header2: \"a   b   c\"\r\n", b"",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    ("post-x-www-form-urlencoded", "POST", "/", "Content-Type:application/x-www-form-urlencoded\r\n", b"Param1=value1",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
]


def suite():
    for name, method, target, lines, body, signature in SUITE:
        names = {line.split(":")[0].lower() for line in lines.splitlines()} | {"host", "x-amz-date"}
        head = ("%s %s HTTP/1.1\r\nHost:example.amazonaws.com\r\n%sX-Amz-Date:20150830T123600Z\r\n"
                "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                "SignedHeaders=%s, Signature=%s\r\n\r\n" % (method, target, lines, ";".join(sorted(names)), signature))
        seen = look(head.encode() + body)
        result(seen.holds(), "test-suite: " + name, getattr(seen, "canonical", b"").decode())


# ---- random requests, signed by botocore

def some(rng, letters, most):
    return "".join(rng.choice(letters) for _ in range(rng.randrange(most + 1)))


LETTERS = "abcXYZ019-._~"
ODD = LETTERS + " /+&=%?:@!$'()*,;#[]{}|\"\\^`<>\t\u00e4\u20ac\U0001f512"
WORDS = ["", "a", "b c", "d  e", "f \t g", "h\ti", "\"j   k\"", "l,m", "n;o=p", "q:r", "  s  ", "t" * 200, "#%&{}|"]


def random_request(rng):
    path = "/"
    if rng.random() < 0.5:
        segments = [urllib.parse.quote("s" + some(rng, ODD, 8), safe=rng.choice(["", ":@!$'()*,;="]))
                    for _ in range(rng.randrange(1, 4))]
        path = "/v1/" + "/".join(segments) + rng.choice(["", "/"])
    query = ["%s=%s" % (urllib.parse.quote(some(rng, ODD, 4), safe="~"), urllib.parse.quote(some(rng, ODD, 6), safe="~"))
             for _ in range(rng.choice([0, 0, 1, 2, 5, 12]))]
    if query and rng.random() < 0.2:
        query.append(rng.choice(["", "a", "a=", "Z"]))
    url = "https://localhost:8443" + path + ("?" + "&".join(query) if query else "")
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "TrentService." + some(rng, "AbC", 9))]
    for _ in range(rng.randrange(5)):
        headers.append((rng.choice(["X-Test", "x-test", "Accept", "A", "B-_~!", "Z9", "X-Am"]), rng.choice(WORDS)))
    if rng.random() < 0.2:
        headers.append(("Date", "now"))
    body = rng.randbytes(rng.choice([0, 2, 100, 5000]))
    return rng.choice(["POST", "POST", "GET", "PUT", "DELETE"]), url, headers, body


def signed(rng, method, url, headers, body):
    """The request as it goes over the wire, and botocore's canonical request."""
    request = AWSRequest(method=method, url=url, data=body)
    for name, value in headers:
        request.headers.add_header(name, value)
    token = rng.choice([None, None, "Token/+=" + some(rng, LETTERS, 50)])
    made = []

    class Signer(SigV4Auth):
        def string_to_sign(self, request, canonical_request):
            made.append(canonical_request)
            return super().string_to_sign(request, canonical_request)

    Signer(Credentials(KEY_ID, SECRET, token), "kms", REGION).add_auth(request)
    lines = [("Host", "localhost:8443")] + list(request.headers.items())
    lines += [("Content-Length", str(len(body))), ("amz-sdk-invocation-id", "not signed")]
    rng.shuffle(lines)  # lines of one name keep their order below, as on the wire
    order = {}
    for name, value in request.headers.items():
        order.setdefault(name.lower(), []).append(value)
    lines = [(n, order[n.lower()].pop(0) if n.lower() in order else v) for n, v in lines]
    lines = [(rng.choice([n, n.lower(), n.upper()]), v) for n, v in lines]
    target = url[len("https://localhost:8443"):]
    head = "%s %s HTTP/1.1\r\n%s\r\n" % (
        method, target, "".join("%s:%s%s\r\n" % (n, rng.choice(["", " ", "\t "]), v) for n, v in lines))
    return head.encode() + body, made[0]


def botocore_signs():
    rng = random.Random(20261124)
    pairs = [signed(rng, *random_request(rng)) for _ in range(ROUNDS)]
    wrong = []
    for (request, canonical), seen in zip(pairs, look_at([request for request, _ in pairs])):
        if not seen.holds() or seen.canonical.decode() != canonical:
            wrong.append("%s\nbotocore:\n%s\nours (status %d, fault %d):\n%s" % (
                request.split(b"\r\n\r\n")[0].decode(), canonical, seen.status, seen.fault, getattr(seen, "canonical", b"").decode()))
    result(not wrong, "%d random requests: the canonical request is botocore's" % ROUNDS, "\n".join(wrong[:2]))
    return [request for request, _ in pairs]


def changed(requests):
    """One byte is changed, or a line goes: no signature holds, but where nobody reads the byte."""
    rng = random.Random(1124)
    tries = []
    for request in requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        at = rng.randrange(len(lines))
        unread = re.match(rb"(?i)(content-length|amz-sdk-invocation-id):", lines[at])
        if unread or b":" not in lines[at] and at != 0:
            continue
        how = rng.randrange(4)
        if how == 0 and at != 0:
            gone = lines[:at] + lines[at + 1:]
            tries.append((request, b"\r\n".join(gone) + b"\r\n\r\n" + body))
        elif how == 1 and body:
            i = rng.randrange(len(body))
            tries.append((request, head + b"\r\n\r\n" + body[:i] + bytes([body[i] ^ 1]) + body[i + 1:]))
        else:
            letters = [m.start() for m in re.finditer(rb"[A-Za-z0-9]", lines[at])]
            if at != 0:  # a name's letters come in either case
                letters = [i for i in letters if i > lines[at].index(b":")]
            else:  # not in the version
                letters = [i for i in letters if i < lines[0].rindex(b" ") and lines[0][:i][-1:] != b"%" and lines[0][:i][-2:-1] != b"%"]
            if letters:
                i = rng.choice(letters)
                letter = b"q" if lines[at][i:i + 1] != b"q" else b"w"
                line = lines[at][:i] + letter + lines[at][i + 1:]
                tries.append((request, b"\r\n".join(lines[:at] + [line] + lines[at + 1:]) + b"\r\n\r\n" + body))
    wrong = ["%s\n-> %s" % (a[:1500], b[:1500]) for (a, b), seen in zip(tries, look_at([b for _, b in tries])) if seen.holds()]
    result(not wrong and len(tries) > ROUNDS / 4, "%d requests with a byte or a line changed are refused" % len(tries),
           "\n".join(wrong[:3]))


def stripped(request):
    """Headers of the kind that must be signed, put in afterwards."""
    head, _, body = request.partition(b"\r\n\r\n")
    cases = [(b"X-Amz-Target: TrentService.ScheduleKeyDeletion", INCOMPLETE), (b"X-Amz-Other: x", UNSIGNED),
             (b"X-Amz-Content-SHA256: UNSIGNED-PAYLOAD", UNSIGNED), (b"Authorization: x", INCOMPLETE)]
    for line, want in cases:
        seen = look(head + b"\r\n" + line + b"\r\n\r\n" + body)
        result(seen.fault == want, "put in afterwards: " + line.decode(), seen.fault)
    seen = look(re.sub(rb"(?i)\r\nauthorization:[^\r]*", b"", head) + b"\r\n\r\n" + body)
    result(seen.fault == MISSING, "without Authorization", seen.fault)


# ---- unmodified clients

caught = []


def catch(peer):
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65536)
        if not more:
            return
        data += more
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", data)
    while length and len(data.partition(b"\r\n\r\n")[2]) < int(length[1]):
        data += peer.recv(65536)
    caught.append(data)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n"
                 b"Connection: close\r\n\r\n{}")


BOTO3 = """
import boto3
kms = boto3.client("kms", endpoint_url="%s", region_name="local-1")
kms.encrypt(KeyId="alias/x", Plaintext=b"hello", EncryptionContext={"tenant": "acme"})
"""


def clients():
    url = "http://127.0.0.1:%d" % scripted(catch)
    env = dict(os.environ, AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION=REGION,
               AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.path.join(FOLDER, "none"),
               AWS_SHARED_CREDENTIALS_FILE=os.path.join(FOLDER, "none"), HOME=FOLDER)
    env.pop("AWS_PROFILE", None)
    curl = ["curl", "-sS", "--aws-sigv4", "aws:amz:%s:kms" % REGION, "--user", KEY_ID + ":" + SECRET, "-H",
            "X-Amz-Target: TrentService.ListKeys", "-H", "Content-Type: application/x-amz-json-1.1", "-d", "{}"]
    runs = [
        ("awscli", ["aws", "kms", "list-keys", "--endpoint-url", url], {}),
        ("boto3", [sys.executable, "-c", BOTO3 % url], {}),
        ("boto3 with a session token", [sys.executable, "-c", BOTO3 % url], {"AWS_SESSION_TOKEN": "Session/+="}),
        ("curl --aws-sigv4", curl + [url + "/"], {}),
        ("curl with a path", curl + [url + "/v1/keys"], {}),
    ]
    for name, command, more in runs:
        caught.clear()
        done = subprocess.run(command, env=dict(env, **more), capture_output=True, text=True, timeout=60)
        seen = look(caught[-1]) if caught else None
        result(bool(seen and seen.holds() and not seen.holds("another secret")), "unmodified client: " + name,
               "%s\n%s\n%s" % (done.stderr, caught[-1:], getattr(seen, "canonical", seen and seen.fault)))
        if "AWS_SESSION_TOKEN" in more:
            result(bool(seen and seen.token == b"Session/+="), "its token", caught[-1:])


def libmongocrypt():
    """The signer of the MongoDB drivers."""
    try:
        lib = ctypes.CDLL("libkms_message.so.0")
    except OSError:
        bail("libmongocrypt-dev is missing: tools/setup.sh installs it")
    for name in ("kms_request_opt_new", "kms_encrypt_request_new", "kms_request_get_signed"):
        getattr(lib, name).restype = ctypes.c_void_p
    lib.kms_message_init()
    options = ctypes.c_void_p(lib.kms_request_opt_new())
    lib.kms_request_opt_set_connection_close(options, True)
    request = ctypes.c_void_p(lib.kms_encrypt_request_new(b"hello", ctypes.c_size_t(5), b"alias/x", options))
    for name, value in (("region", REGION), ("service", "kms"), ("access_key_id", KEY_ID), ("secret_key", SECRET)):
        getattr(lib, "kms_request_set_" + name)(request, value.encode())
    made = ctypes.string_at(lib.kms_request_get_signed(request))
    result(look(made).holds(), "unmodified client: libmongocrypt", made.decode())


def main():
    suite()
    requests = botocore_signs()
    changed(requests)
    stripped(requests[0])
    libmongocrypt()
    clients()
    return finish()


sys.exit(main())
