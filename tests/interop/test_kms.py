#!/usr/bin/env python3
"""An unmodified boto3 against `redoubt serve --dev`: keys, data, rotation, refusals, restart, kill."""
import json
import os
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from harness import Tap  # noqa: E402

REDOUBT = os.environ["REDOUBT"]


class Server:
    def __init__(self, folder, listen="127.0.0.1:0"):
        self.folder = folder
        self.process = subprocess.Popen([REDOUBT, "serve", "--dev", "--data", folder, "--listen", listen],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        self.url = line.split()[1] if line.startswith("ready ") else None

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.stdout.close()
        return self.process.wait()

    def client(self, file):
        import boto3
        import botocore.config
        env = dict(line.strip().split("=", 1) for line in open(os.path.join(self.folder, file)))
        return boto3.client("kms", region_name=env["AWS_REGION"], endpoint_url=self.url,
                            verify=env["AWS_CA_BUNDLE"], aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                            config=botocore.config.Config(retries={"mode": "standard", "max_attempts": 5}))


def code(call, **arguments):
    import botocore.exceptions
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "none"


def data(tap, kms, app, key):
    context = {"tenant": "a", "table": "t"}
    blob = app.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"]
    opened = app.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    tap.ok(opened["Plaintext"] == b"secret" and opened["KeyId"].endswith(key), "encrypt, decrypt with context")
    tap.ok(len(blob) == len(b"secret") + 93, "93 bytes over")
    tap.ok(code(app.decrypt, CiphertextBlob=blob) == "InvalidCiphertextException", "without its context")
    tap.ok(code(app.decrypt, CiphertextBlob=blob, EncryptionContext={"tenant": "b", "table": "t"}) ==
           "InvalidCiphertextException", "with another context")
    broken = blob[:-1] + bytes([blob[-1] ^ 1])
    tap.ok(code(app.decrypt, CiphertextBlob=broken, EncryptionContext=context) == "InvalidCiphertextException",
           "a flipped bit")
    made = app.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    tap.ok(app.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)["Plaintext"] ==
           made["Plaintext"] and len(made["Plaintext"]) == 32, "a data key")
    tap.ok(len(app.generate_random(NumberOfBytes=64)["Plaintext"]) == 64, "random bytes")
    kms.create_alias(AliasName="alias/one", TargetKeyId=key)
    tap.ok(app.describe_key(KeyId="alias/one")["KeyMetadata"]["KeyId"] == key, "an alias names the key")
    moved = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId="alias/one")
    tap.ok(app.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"secret", "re-encrypted")
    return blob, context


def refusals(tap, kms, app, key):
    tap.ok(code(app.disable_key, KeyId=key) == "AccessDeniedException", "an application changes no key")
    tap.ok(code(app.create_key) == "AccessDeniedException", "nor makes one")
    tap.ok(code(kms.describe_key, KeyId="00000000-0000-4000-8000-000000000000") == "NotFoundException",
           "an unknown key")
    tap.ok(code(kms.encrypt, KeyId=key, Plaintext=b"x" * 4097) == "ValidationException", "a plaintext too long")
    kms.disable_key(KeyId=key)
    tap.ok(code(app.encrypt, KeyId=key, Plaintext=b"x") == "DisabledException", "a disabled key")
    kms.enable_key(KeyId=key)
    tap.ok(code(app.encrypt, KeyId=key, Plaintext=b"x") == "none", "enabled again, at once")
    tap.ok(code(kms.put_key_policy, KeyId=key, PolicyName="default", Policy="{}") != "none", "a policy that is none")
    tap.ok(code(kms.create_grant, KeyId=key, GranteePrincipal="arn:aws:iam::000000000000:user/app",
                Operations=["Decrypt"]) == "UnsupportedOperationException", "grants are not offered yet")


def life(tap, kms, app, key, blob, context):
    before = kms.describe_key(KeyId=key)
    kms.enable_key_rotation(KeyId=key)
    tap.ok(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"], "rotation is on")
    tap.ok(before["KeyMetadata"]["Enabled"], "the key is enabled")
    tap.ok(app.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"secret", "still decrypts")
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    tap.ok(kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "a", "TagValue": "b"}], "tags")
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1})
    tap.ok({k["KeyId"] for page in pages for k in page["Keys"]} == {key, other}, "pages of one")
    kms.schedule_key_deletion(KeyId=other, PendingWindowInDays=7)
    tap.ok(code(app.encrypt, KeyId=other, Plaintext=b"x") == "KMSInvalidStateException", "pending deletion")
    kms.cancel_key_deletion(KeyId=other)
    tap.ok(kms.describe_key(KeyId=other)["KeyMetadata"]["KeyState"] == "Disabled", "cancelled: disabled")


def statement(effect, action, condition=None):
    made = {"Effect": effect, "Action": action, "Resource": "*"}
    return dict(made, Condition=condition) if condition else made


def set_policy(server, statements):
    """The application's identity policy, by the administrator's own command."""
    env = dict(line.strip().split("=", 1) for line in open(os.path.join(server.folder, "dev.env")))
    env["AWS_ENDPOINT_URL"] = server.url
    path = os.path.join(server.folder, "app-policy.json")
    with open(path, "w") as file:
        json.dump({"Version": "2012-10-17", "Statement": [statement("Allow", "kms:*")] + statements}, file)
    subprocess.run([REDOUBT, "principal", "policy", "app", path], env=dict(os.environ, **env), check=True,
                   stdout=subprocess.DEVNULL)


def conditions(tap, server, kms, app):
    """A deny under a condition acts: what the request says reaches both policies."""
    denied = "AccessDeniedException"
    one, two = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    blob = kms.encrypt(KeyId=one, Plaintext=b"x")["CiphertextBlob"]
    for same, answers in (("true", (denied, "none")), ("false", ("none", denied))):
        set_policy(server, [statement("Deny", ["kms:ReEncryptFrom", "kms:ReEncryptTo"],
                                      {"Bool": {"kms:ReEncryptOnSameKey": same}})])
        got = tuple(code(app.re_encrypt, CiphertextBlob=blob, DestinationKeyId=k) for k in (one, two))
        tap.ok(got == answers, "ReEncryptOnSameKey %s" % same, str(got))
    set_policy(server, [statement("Deny", "*", {"StringEquals": {"aws:RequestTag/stage": "prod"}}),
                        statement("Deny", "*", {"ForAnyValue:StringEquals": {"aws:TagKeys": "owner"}})])
    for tags, answer in (([("stage", "prod")], denied), ([("stage", "test")], "none"), ([], "none"),
                         ([("a", "b"), ("owner", "me")], denied)):
        tags = [{"TagKey": k, "TagValue": v} for k, v in tags]
        got = code(app.create_key, Tags=tags)
        tap.ok(got == answer, "CreateKey with tags %s" % tags, got)
        if tags:
            got = code(app.tag_resource, KeyId=one, Tags=tags)
            tap.ok(got == answer, "TagResource %s" % tags, got)
    tap.ok(code(app.untag_resource, KeyId=one, TagKeys=["owner"]) == denied, "UntagResource of such a key")
    tap.ok(code(app.untag_resource, KeyId=one, TagKeys=["stage"]) == "none", "and of another")
    for key, value in (("KeySpec", "SYMMETRIC_DEFAULT"), ("KeyUsage", "ENCRYPT_DECRYPT"), ("KeyOrigin", "AWS_KMS")):
        set_policy(server, [statement("Deny", "kms:CreateKey", {"StringEquals": {"kms:" + key: value}})])
        tap.ok(code(app.create_key) == denied, "CreateKey by its %s, not given" % key)
    set_policy(server, [statement("Deny", "kms:CreateKey", {"StringEquals": {"kms:KeySpec": "RSA_2048"}})])
    tap.ok(code(app.create_key, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY") == denied, "CreateKey by a spec that is given")
    days = {"NumericGreaterThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "20"}}
    set_policy(server, [statement("Deny", "kms:ScheduleKeyDeletion", days)])
    tap.ok(code(app.schedule_key_deletion, KeyId=two) == denied, "a deletion by its window, 30 when not given")
    tap.ok(code(app.schedule_key_deletion, KeyId=two, PendingWindowInDays=10) == "none", "and a shorter one")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        tap.ok(server.url is not None, "the server answers")
        kms, app = server.client("dev.env"), server.client("app.env")
        key = kms.create_key(Description="one")["KeyMetadata"]["KeyId"]
        blob, context = data(tap, kms, app, key)
        refusals(tap, kms, app, key)
        life(tap, kms, app, key, blob, context)
        conditions(tap, server, kms, app)
        set_policy(server, [])
        tap.ok(server.stop() == 0, "a graceful stop")
        server = Server(folder)
        app = server.client("app.env")
        tap.ok(app.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"secret",
               "the same folder serves again")
        pid = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True).stdout.split()
        for child in pid:
            os.kill(int(child), signal.SIGKILL)
        server.process.stdout.close()
        tap.ok(server.process.wait() != 0, "killed: the supervisor ends too, and says so")
        server = Server(folder)
        tap.ok(server.client("app.env").decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] ==
               b"secret", "and opens again after a kill")
        server.stop()
    sys.exit(tap.finish())


main()
