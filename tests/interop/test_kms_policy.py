#!/usr/bin/env python3
"""Policies end to end: who may by a key's policy alone, by the identity policy behind it, and under each
condition that a symmetric key's call can meet. Prints TAP."""
import json
import sys

sys.dont_write_bytecode = True
from kms_case import code, new_key, run  # noqa: E402

DENIED = "AccessDeniedException"
ACCOUNT = "000000000000"
USER = "arn:aws:iam::%s:user/%%s" % ACCOUNT
ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%s:root" % ACCOUNT}, "Action": "kms:*", "Resource": "*"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Case:
    """A key whose policy lets its administrator do all, and the application what the statements under test say."""

    def __init__(self, tap, service):
        self.tap, self.service = tap, service
        self.kms = service.boto(retries={"mode": "standard", "max_attempts": 6})
        self.app = service.boto("app", retries={"mode": "standard", "max_attempts": 6})
        made = new_key(self.kms, Tags=[{"TagKey": "stage", "TagValue": "test"}])
        self.key, self.arn = made["KeyId"], made["Arn"]
        self.kms.create_alias(AliasName="alias/pay/one", TargetKeyId=self.key)
        self.kms.create_alias(AliasName="alias/old", TargetKeyId=self.key)
        self.admin = {"Effect": "Allow", "Principal": {"AWS": self.who()}, "Action": "kms:*", "Resource": "*"}
        self.blob = self.kms.encrypt(KeyId=self.key, Plaintext=b"x")["CiphertextBlob"]
        self.put(self.admin)

    def who(self):
        """The administrator's ARN."""
        return next(p["Arn"] for p in self.service.own("PrincipalList")["Principals"] if p["Principal"] != "app")

    def put(self, *statements):
        self.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=document(*statements))

    def allow(self, condition=None, action="kms:*", principal=None):
        made = {"Effect": "Allow", "Principal": {"AWS": principal or USER % "app"}, "Action": action, "Resource": "*"}
        return dict(made, Condition=condition) if condition else made

    def encrypt(self, **more):
        return code(self.app.encrypt, **dict({"KeyId": self.key, "Plaintext": b"x"}, **more))

    def ok(self, good, words, detail=""):
        self.tap.ok(good, words, detail)


def documents(case):
    """Which document decides."""
    service = case.service
    case.put(case.admin, case.allow(action="kms:Encrypt"))
    case.ok((case.encrypt(), code(case.app.decrypt, CiphertextBlob=case.blob)) == ("", DENIED), "a key policy allows one action")
    case.put(case.admin)
    case.ok(case.encrypt() == DENIED, "a key policy that does not name the caller nor the account")
    case.put(case.admin, ROOT)
    service.policy()
    case.ok(case.encrypt() == "", "the account is named: the caller's own policy decides")
    service.policy({"Effect": "Deny", "Action": "kms:Encrypt", "Resource": case.arn})
    case.ok(case.encrypt() == DENIED and code(case.app.decrypt, CiphertextBlob=case.blob) == "", "a deny there wins")
    case.put(case.admin, case.allow())
    case.ok(case.encrypt() == DENIED, "also over a key policy that allows")
    service.policy()
    case.put(case.admin, case.allow(), {"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"})
    case.ok(case.encrypt() == DENIED and code(case.kms.encrypt, KeyId=case.key, Plaintext=b"x") == DENIED, "a deny in the key policy wins")
    case.put(case.admin, case.allow(principal="*"))
    case.ok(case.encrypt() == "", "everybody may")
    case.put(case.admin, {"Effect": "Allow", "Principal": {"AWS": USER % "app"}, "NotAction": "kms:Encrypt", "Resource": "*"})
    case.ok((case.encrypt(), code(case.app.decrypt, CiphertextBlob=case.blob)) == (DENIED, ""), "NotAction")
    stranger(case)


def stranger(case):
    """A principal without a policy of its own has what key policies give by name, and no more."""
    import boto3
    case.service.own("PrincipalCreate", {"Principal": "other", "Person": "Other O"})
    made, mine = case.service.own("CredentialCreate", {"Principal": "other"}), case.service.server.env()
    other = boto3.client("kms", region_name=mine["AWS_REGION"], endpoint_url=case.service.url, verify=mine["AWS_CA_BUNDLE"],
                         aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"])
    case.put(case.admin, ROOT)
    case.ok(code(other.encrypt, KeyId=case.key, Plaintext=b"x") == DENIED, "no policy of its own, the default key policy: denied")
    case.ok(code(other.list_keys) == DENIED, "and no list")
    case.put(case.admin, case.allow(principal=USER % "other"))
    case.ok(code(other.encrypt, KeyId=case.key, Plaintext=b"x") == "", "named by the key policy")


def row(case, words, condition, good, bad):
    """Under a condition: what meets it may, what does not may not. Both are calls that answer a code."""
    case.put(case.admin, case.allow(condition))
    got = (good(), bad())
    case.ok(got == ("", DENIED), words, got)


def conditions(case):
    ctx = {"EncryptionContext": {"tenant": "a", "table": "t"}}
    other = {"EncryptionContext": {"tenant": "b", "table": "t"}}
    row(case, "kms:EncryptionContext:tenant", {"StringEquals": {"kms:EncryptionContext:tenant": "a"}},
        lambda: case.encrypt(**ctx), lambda: case.encrypt(**other))
    row(case, "without one", {"StringEquals": {"kms:EncryptionContext:tenant": "a"}}, lambda: case.encrypt(**ctx), case.encrypt)
    row(case, "StringLike", {"StringLike": {"kms:EncryptionContext:tenant": ["x*", "?"]}}, lambda: case.encrypt(**other),
        lambda: case.encrypt(EncryptionContext={"tenant": "bb"}))
    row(case, "kms:EncryptionContextKeys, all", {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["tenant", "table"]},
                                                 "Null": {"kms:EncryptionContextKeys": "false"}},
        lambda: case.encrypt(**ctx), lambda: case.encrypt(EncryptionContext={"tenant": "a", "row": "1"}))
    row(case, "kms:EncryptionContextKeys, any", {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["tenant"]}},
        lambda: case.encrypt(**ctx), lambda: case.encrypt(EncryptionContext={"row": "1"}))
    row(case, "kms:RequestAlias", {"StringLike": {"kms:RequestAlias": "alias/pay/*"}},
        lambda: case.encrypt(KeyId="alias/pay/one"), case.encrypt)
    row(case, "kms:RequestAlias by ARN", {"StringEquals": {"kms:RequestAlias": "alias/pay/one"}},
        lambda: case.encrypt(KeyId=case.arn.rsplit(":", 1)[0] + ":alias/pay/one"), lambda: case.encrypt(KeyId="alias/old"))
    for name, good, bad in (("kms:KeySpec", "SYMMETRIC_DEFAULT", "RSA_2048"), ("kms:KeyUsage", "ENCRYPT_DECRYPT", "SIGN_VERIFY"),
                            ("kms:KeyOrigin", "AWS_KMS", "EXTERNAL"), ("kms:CallerAccount", ACCOUNT, "111122223333"),
                            ("aws:PrincipalArn", USER % "app", USER % "other"), ("aws:username", "app", "other"),
                            ("aws:ResourceTag/stage", "test", "prod"), ("aws:PrincipalAccount", ACCOUNT, "1" * 12)):
        twice(case, name, "StringEquals", {name: good}, {name: bad})
    twice(case, "kms:ResourceAliases", "ForAnyValue:StringEquals", {"kms:ResourceAliases": "alias/old"}, {"kms:ResourceAliases": "alias/new"})
    twice(case, "aws:SourceIp", "IpAddress", {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.0/8"]}, {"aws:SourceIp": "10.0.0.0/8"})
    twice(case, "aws:CurrentTime", "DateGreaterThan", {"aws:CurrentTime": "2020-01-01T00:00:00Z"}, {"aws:CurrentTime": "2100-01-01T00:00:00Z"})
    twice(case, "aws:SecureTransport", "Bool", {"aws:SecureTransport": "true"}, {"aws:SecureTransport": "false"})
    twice(case, "kms:ViaService is never there", "Null", {"kms:ViaService": "true"}, {"kms:ViaService": "false"})
    tags(case)
    window(case)


def twice(case, words, operator, good, bad):
    case.put(case.admin, case.allow({operator: good}))
    first = case.encrypt()
    case.put(case.admin, case.allow({operator: bad}))
    got = (first, case.encrypt())
    case.ok(got == ("", DENIED), words, got)


def tags(case):
    """A tag that changes counts from the next call on, as an alias does."""
    case.put(case.admin, case.allow({"StringEquals": {"aws:ResourceTag/stage": "test"}}))
    case.kms.tag_resource(KeyId=case.key, Tags=[{"TagKey": "stage", "TagValue": "prod"}])
    denied = case.encrypt()
    case.kms.untag_resource(KeyId=case.key, TagKeys=["stage"])
    case.ok((denied, case.encrypt()) == (DENIED, DENIED), "another tag, no tag")
    case.put(case.admin, case.allow({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/old"}}))
    case.kms.delete_alias(AliasName="alias/old")
    case.ok(case.encrypt() == DENIED, "an alias that went")


def window(case):
    days = {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "20"}}
    case.put(case.admin, case.allow(days, action="kms:ScheduleKeyDeletion"))
    got = (code(case.app.schedule_key_deletion, KeyId=case.key), code(case.app.schedule_key_deletion, KeyId=case.key, PendingWindowInDays=10))
    case.ok(got == (DENIED, ""), "kms:ScheduleKeyDeletionPendingWindowInDays", got)
    case.kms.cancel_key_deletion(KeyId=case.key)
    case.kms.enable_key(KeyId=case.key)


def lockout(case):
    without = document(case.allow())
    got = code(case.kms.put_key_policy, KeyId=case.key, PolicyName="default", Policy=without)
    case.ok(got == "MalformedPolicyDocumentException", "a policy that locks its author out", got)
    case.put(case.admin, {"Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy", "Resource": "*",
                          "Condition": {"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}})
    got = code(case.kms.put_key_policy, KeyId=case.key, PolicyName="default", Policy=without, BypassPolicyLockoutSafetyCheck=True)
    case.ok(got == DENIED, "kms:BypassPolicyLockoutSafetyCheck", got)
    case.put(case.admin)
    case.kms.put_key_policy(KeyId=case.key, PolicyName="default", Policy=without, BypassPolicyLockoutSafetyCheck=True)
    case.ok(code(case.kms.describe_key, KeyId=case.key) == DENIED and case.encrypt() == "", "bypassed: it locks out")
    case.ok(code(case.app.put_key_policy, KeyId=case.key, PolicyName="default", Policy=document(case.admin, case.allow())) == "",
            "who is named may let the administrator in again")
    made = case.service.call("CreateKey", {"Policy": without, "Description": "locked"})
    case.ok(made[1].get("__type") == "MalformedPolicyDocumentException", "CreateKey checks it too", made)


def no_oracle(case):
    """Who may use no key does not learn which ones exist."""
    case.service.policy({"Effect": "Deny", "Action": "kms:*", "Resource": "*"})
    got = {outcome for outcome in (code(case.app.describe_key, KeyId=k) for k in (
        case.key, "00000000-0000-4000-8000-000000000000", "alias/none", "alias/pay/one", "nope"))}
    case.ok(got == {DENIED}, "denied, whether or not there is such a key", got)
    case.ok(code(case.app.decrypt, CiphertextBlob=case.blob[:1] + b"\0" * 16 + case.blob[17:]) == DENIED, "also by ciphertext")
    case.service.policy()


def main(tap, service):
    case = Case(tap, service)
    documents(case)
    conditions(case)
    lockout(case)
    no_oracle(case)


run(main)
