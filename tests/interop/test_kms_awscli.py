#!/usr/bin/env python3
"""The AWS CLI as Debian ships it, against the key service. Prints TAP."""
import base64
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from kms_case import NO_KEY, Service, Tap  # noqa: E402

AWS = shutil.which("aws", path="/usr/bin:/bin")
try:
    import awscli.clidriver
except ImportError:
    AWS = None


class Cli:
    """A process for each command, forked after awscli was read once: most of its time is that."""

    def __init__(self, service, who="dev"):
        self.env, self.url, self.folder = service.env(who), service.url, service.folder

    def __call__(self, *words):
        """(status, answer or words of the error)."""
        words = ["--endpoint-url", self.url, "kms", *words]
        out, err = (os.path.join(self.folder, name) for name in ("out", "err"))
        child = os.fork()
        if child == 0:
            self.run(words, out, err)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with open(out, encoding="utf-8") as file, open(err, encoding="utf-8") as said:
            text, complaint = file.read(), said.read()
        if status != 0:
            return status, complaint.strip()
        return 0, json.loads(text) if text.strip() else {}

    def run(self, words, out, err):
        status = 1
        try:
            for fd, path in ((1, out), (2, err)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), fd)
            os.environ.clear()
            os.environ.update(self.env)
            sys.argv = ["aws", *words]
            status = awscli.clidriver.main()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def program(self, *words):
        """/usr/bin/aws itself."""
        done = subprocess.run([AWS, "--endpoint-url", self.url, "kms", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.env, timeout=120)
        return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr.decode()


def works(tap, service, aws):
    plain = service.path("plain", b"secret\0\xff")
    _, made = aws.program("create-key", "--description", "by the CLI", "--tags", "TagKey=a,TagValue=b")
    key = made["KeyMetadata"]["KeyId"]
    aws("create-alias", "--alias-name", "alias/cli", "--target-key-id", key)
    words = ("--key-id", "alias/cli", "--encryption-context", "tenant=a,table=t")
    _, sealed = aws("encrypt", *words, "--plaintext", "fileb://" + plain)
    blob = service.path("blob", base64.b64decode(sealed["CiphertextBlob"]))
    _, opened = aws("decrypt", *words[2:], "--ciphertext-blob", "fileb://" + blob)
    tap.ok(base64.b64decode(opened["Plaintext"]) == b"secret\0\xff" and opened["KeyId"] == made["KeyMetadata"]["Arn"],
           "create, encrypt, decrypt with context", opened)
    _, opened = aws("decrypt", *words[2:], "--ciphertext-blob", sealed["CiphertextBlob"])
    tap.ok(opened["Plaintext"] == "c2VjcmV0AP8=", "a ciphertext as base64 on the command line", opened)
    _, data = aws("generate-data-key", "--key-id", key, "--key-spec", "AES_256")
    _, opened = aws("decrypt", "--ciphertext-blob", data["CiphertextBlob"])
    tap.ok(opened["Plaintext"] == data["Plaintext"], "a data key")
    aws("enable-key-rotation", "--key-id", key)
    _, status = aws("get-key-rotation-status", "--key-id", key)
    tap.ok(status["KeyRotationEnabled"] is True, "rotation", status)
    _, described = aws("describe-key", "--key-id", "alias/cli")
    tap.ok(described["KeyMetadata"]["CreationDate"].startswith("20"), "times are read", described)
    return key, blob


def lists(tap, aws):
    aws("create-key")
    _, listed = aws("list-keys", "--page-size", "1")
    _, some = aws("list-keys", "--max-items", "1")
    tap.ok(len(listed["Keys"]) == 2 and len(some["Keys"]) == 1 and "NextToken" in some, "pages of one", listed)


def refusals(tap, service, aws, key, blob):
    app = Cli(service, "app")
    rows = [
        ("another context", aws("decrypt", "--ciphertext-blob", "fileb://" + blob), "InvalidCiphertextException", "Decrypt"),
        ("an unknown key", aws("describe-key", "--key-id", NO_KEY), "NotFoundException", "DescribeKey"),
        ("a policy", app("disable-key", "--key-id", key), "AccessDeniedException", "DisableKey"),
        ("a shape", aws("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "6"), "ValidationException",
         "ScheduleKeyDeletion"),
        ("what is not offered", aws("list-grants", "--key-id", key), "UnsupportedOperationException", "ListGrants"),
    ]
    for what, (status, words), want, name in rows:
        tap.ok(status == 254 and "An error occurred (%s) when calling the %s operation" % (want, name) in words,
               "%s: %s" % (what, want), "%s %s" % (status, words))
    status, answer = aws("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")
    _, words = aws("encrypt", "--key-id", key, "--plaintext", "eA==")
    tap.ok(status == 0 and answer["KeyState"] == "PendingDeletion" and "(KMSInvalidStateException)" in str(words), "deletion", words)
    aws("cancel-key-deletion", "--key-id", key)
    _, words = aws("encrypt", "--key-id", key, "--plaintext", "eA==")
    tap.ok("(DisabledException)" in str(words), "and a cancel", words)
    aws.env = dict(aws.env, AWS_SECRET_ACCESS_KEY="x" * 40)
    _, words = aws("list-keys")
    tap.ok("(InvalidSignatureException)" in str(words), "another secret", words)


def main():
    tap = Tap()
    if AWS is None:
        tap.skip("awscli", "Debian's awscli is not installed, or %s does not see it" % sys.executable)
        tap.finish()
    with Service() as service:
        aws = Cli(service)
        key, blob = works(tap, service, aws)
        lists(tap, aws)
        refusals(tap, service, aws, key, blob)
    tap.finish()


main()
