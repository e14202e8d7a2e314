#!/usr/bin/env python3
"""curl --aws-sigv4 against the key service: what a shell script has. curl 7.88 signs host, the date that
it makes, and each header given with -H, as it was given; x-amz-content-sha256 only where the caller
gives it. Prints TAP."""
import base64
import hashlib
import json
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from kms_case import NO_KEY, Service, Tap  # noqa: E402

CURL = shutil.which("curl", path="/usr/bin:/bin")


class Curl:
    def __init__(self, service, who="dev"):
        self.env = service.server.env(who)
        self.url = service.url

    def raw(self, body, *args, url=None, secret=None, scope=None):
        """(status, answer) of one call; args: further words for curl."""
        env = self.env
        words = [CURL, "-sS", "--cacert", env["AWS_CA_BUNDLE"], "--aws-sigv4", scope or "aws:amz:%s:kms" % env["AWS_REGION"],
                 "--user", "%s:%s" % (env["AWS_ACCESS_KEY_ID"], secret or env["AWS_SECRET_ACCESS_KEY"]), "-w", "\n%{http_code}",
                 "--data-binary", "@-", *args, url or self.url]
        done = subprocess.run(words, input=body, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        text, _, status = done.stdout.rpartition(b"\n")
        try:
            return int(status), json.loads(text)
        except ValueError:
            return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")

    def __call__(self, name, given=None, *args, **more):
        return self.raw(json.dumps(given or {}).encode(), "-H", "Content-Type: application/x-amz-json-1.1",
                        "-H", "X-Amz-Target: TrentService." + name, *args, **more)


def works(tap, curl):
    _, made = curl("CreateKey", {"Description": "by curl"})
    key = made["KeyMetadata"]["KeyId"]
    context = {"tenant": "a"}
    plain = base64.b64encode(b"secret").decode()
    _, sealed = curl("Encrypt", {"KeyId": key, "Plaintext": plain, "EncryptionContext": context})
    status, opened = curl("Decrypt", {"CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": context})
    tap.ok(status == 200 and opened["Plaintext"] == plain, "create, encrypt, decrypt with context", opened)
    _, data = curl("GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"})
    _, opened = curl("Decrypt", {"CiphertextBlob": data["CiphertextBlob"]})
    tap.ok(opened["Plaintext"] == data["Plaintext"], "a data key")
    status, answer = curl("EnableKeyRotation", {"KeyId": key, "RotationPeriodInDays": 90})
    tap.ok((status, answer) == (200, {}), "rotation", answer)
    curl("RotateKeyOnDemand", {"KeyId": key})
    _, opened = curl("Decrypt", {"CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": context})
    tap.ok(opened["Plaintext"] == plain, "after it")
    return key, sealed["CiphertextBlob"]


def refusals(tap, service, curl, key, blob):
    rows = [
        ("another context", curl("Decrypt", {"CiphertextBlob": blob, "EncryptionContext": {"tenant": "b"}}), "InvalidCiphertextException"),
        ("an unknown key", curl("Encrypt", {"KeyId": NO_KEY, "Plaintext": "eA=="}), "NotFoundException"),
        ("a policy", Curl(service, "app")("DisableKey", {"KeyId": key}), "AccessDeniedException"),
        ("another secret", curl("ListKeys", secret="x" * 40), "InvalidSignatureException"),
        ("another region", curl("ListKeys", scope="aws:amz:mars-1:kms"), "InvalidSignatureException"),
        ("another service", curl("ListKeys", scope="aws:amz:%s:s3" % curl.env["AWS_REGION"]), "InvalidSignatureException"),
        ("no body", curl.raw(b"", "-H", "X-Amz-Target: TrentService.ListKeys"), "SerializationException"),
        ("an unsigned body", curl("ListKeys", {}, "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"), "InvalidSignatureException"),
        # What curl 7.88 itself gets wrong: it sends its own date twice, signs a header that it was told to leave out, and
        # signs an empty one under the name "x-empty;".
        ("a date of its own", curl("ListKeys", {}, "-H", "X-Amz-Date: 20200101T000000Z"), "IncompleteSignatureException"),
        ("a header taken out", curl("ListKeys", {}, "-H", "Accept:"), "IncompleteSignatureException"),
        ("an empty header", curl("ListKeys", {}, "-H", "X-Empty;"), "IncompleteSignatureException"),
    ]
    for what, (status, answer), want in rows:
        tap.ok(status == 400 and answer["__type"] == want, "%s: %s" % (what, want), "%s %s" % (status, answer))
    _, answer = curl("ScheduleKeyDeletion", {"KeyId": key, "PendingWindowInDays": 7})
    status, refused = curl("Encrypt", {"KeyId": key, "Plaintext": "eA=="})
    tap.ok(answer["KeyState"] == "PendingDeletion" and refused["__type"] == "KMSInvalidStateException" and
           refused["message"].endswith(" is pending deletion."), "deletion", refused)


def quirks(tap, curl):
    """What curl may send besides; each is signed or left out by curl as it likes."""
    digest = hashlib.sha256(b"{}").hexdigest()
    target = ("-H", "X-Amz-Target: TrentService.ListKeys")
    rows = [
        ("no content type", curl.raw(b"{}", *target)),
        ("Accept of its own", curl.raw(b"{}", *target, "-H", "Accept: application/json")),
        ("User-Agent of its own", curl.raw(b"{}", *target, "-A", "script/1 (a  b)")),
        ("the body's hash", curl.raw(b"{}", *target, "-H", "x-amz-content-sha256: " + digest)),
        ("a header that sorts first", curl.raw(b"{}", *target, "-H", "A-First: 1")),
        ("a header that sorts last", curl.raw(b"{}", *target, "-H", "Zz: 1")),
        ("HTTP/1.1 said aloud", curl.raw(b"{}", *target, "--http1.1")),
        ("TLS 1.2", curl.raw(b"{}", *target, "--tls-max", "1.2")),
        ("a slash", curl.raw(b"{}", *target, url=curl.url + "/")),
        ("blanks before and within a value", curl.raw(b"{}", *target, "-H", "X-Amz-Extra:  a  b")),
        ("lower case", curl.raw(b"{}", "-H", "x-amz-target: TrentService.ListKeys")),
    ]
    for what, (status, answer) in rows:
        tap.ok(status == 200 and "Keys" in answer, "ListKeys: " + what, "%s %s" % (status, answer))


def main():
    tap = Tap()
    if CURL is None or b"--aws-sigv4" not in subprocess.run([CURL, "--help", "all"], stdout=subprocess.PIPE).stdout:
        tap.skip("curl --aws-sigv4", "curl is missing or older than 7.75")
        tap.finish()
    with Service() as service:
        curl = Curl(service)
        key, blob = works(tap, curl)
        refusals(tap, service, curl, key, blob)
        quirks(tap, curl)
    tap.finish()


main()
