#!/usr/bin/env python3
"""The key state matrix, cell by cell, over HTTP: what each operation answers for a key that is enabled,
disabled, or waits for its deletion. (PendingImport is reached once keys can be imported: unit tests
have its column.) Prints TAP."""
import sys

sys.dont_write_bytecode = True
from kms_case import code, new_key, outcome, run  # noqa: E402

A = ("DisabledException", "%s is disabled.")
B = ("KMSInvalidStateException", "%s is pending deletion.")
N = ("KMSInvalidStateException", "%s is not pending deletion.")
OK = None
STATES = ("Enabled", "Disabled", "PendingDeletion")


class Key:
    """A key of its own for each cell, so that no cell sees what another did."""

    def __init__(self, service, kms, state):
        self.service, self.kms = service, kms
        made = new_key(kms)
        self.id, self.arn = made["KeyId"], made["Arn"]
        self.blob = kms.encrypt(KeyId=self.id, Plaintext=b"x")["CiphertextBlob"]
        if state == "Disabled":
            kms.disable_key(KeyId=self.id)
        elif state == "PendingDeletion":
            kms.create_alias(AliasName="alias/of-" + self.id, TargetKeyId=self.id)
            kms.schedule_key_deletion(KeyId=self.id)


def raw(name, **members):
    """An operation that Debian's boto3 does not know."""
    def call(key):
        _, answer = key.service.call(name, dict(members, KeyId=key.id))
        return answer.get("__type", ""), answer.get("message", "")
    return call


def boto(name, **members):
    def call(key):
        _, found, words = outcome(getattr(key.kms, name), **dict({"KeyId": key.id}, **members))
        return found, words if found else ""
    return call


def with_blob(name, **members):
    def call(key):
        _, found, words = outcome(getattr(key.kms, name), CiphertextBlob=key.blob,
                                  **{k: v(key) if callable(v) else v for k, v in members.items()})
        return found, words if found else ""
    return call


def alias(what):
    """UpdateAlias away from the key, and onto it."""
    def call(key):
        other = new_key(key.kms)["KeyId"]
        name = "alias/moved-" + key.id
        if what == "to":
            key.kms.create_alias(AliasName=name, TargetKeyId=other)
        elif code(key.kms.create_alias, AliasName=name, TargetKeyId=key.id):
            name = "alias/of-" + key.id
        _, found, words = outcome(key.kms.update_alias, AliasName=name, TargetKeyId=key.id if what == "to" else other)
        return found, words if found else ""
    return call


def create_alias(key):
    _, found, words = outcome(key.kms.create_alias, AliasName="alias/new-" + key.id, TargetKeyId=key.id)
    return found, words if found else ""


def delete_alias(key):
    name = "alias/of-" + key.id
    code(key.kms.create_alias, AliasName=name, TargetKeyId=key.id)
    return code(key.kms.delete_alias, AliasName=name), ""


def list_aliases(key):
    return boto("list_aliases")(key)


TAG = {"TagKey": "a", "TagValue": "b"}
POLICY = ('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}')
ROWS = [
    ("Encrypt", boto("encrypt", Plaintext=b"x"), OK, A, B),
    ("Decrypt", with_blob("decrypt"), OK, A, B),
    ("Decrypt by KeyId", with_blob("decrypt", KeyId=lambda key: key.id), OK, A, B),
    ("ReEncrypt from", with_blob("re_encrypt", DestinationKeyId=lambda key: new_key(key.kms)["KeyId"]),
     OK, A, B),
    ("ReEncrypt to", with_blob("re_encrypt", DestinationKeyId=lambda key: key.id), OK, A, B),
    ("GenerateDataKey", boto("generate_data_key", KeySpec="AES_256"), OK, A, B),
    ("GenerateDataKeyWithoutPlaintext", boto("generate_data_key_without_plaintext", NumberOfBytes=16), OK, A, B),
    ("RotateKeyOnDemand", raw("RotateKeyOnDemand"), OK, A, B),
    ("EnableKeyRotation", boto("enable_key_rotation"), OK, A, B),
    ("DisableKeyRotation", boto("disable_key_rotation"), OK, A, B),
    ("GetKeyRotationStatus", boto("get_key_rotation_status"), OK, OK, OK),
    ("EnableKey", boto("enable_key"), OK, OK, B),
    ("DisableKey", boto("disable_key"), OK, OK, B),
    ("ScheduleKeyDeletion", boto("schedule_key_deletion"), OK, OK, B),
    ("CancelKeyDeletion", boto("cancel_key_deletion"), N, N, OK),
    ("CreateAlias", create_alias, OK, OK, B),
    ("UpdateAlias from", alias("from"), OK, OK, OK),
    ("UpdateAlias to", alias("to"), OK, OK, B),
    ("DeleteAlias", delete_alias, OK, OK, OK),
    ("ListAliases", list_aliases, OK, OK, OK),
    ("TagResource", boto("tag_resource", Tags=[TAG]), OK, OK, B),
    ("UntagResource", boto("untag_resource", TagKeys=["a"]), OK, OK, B),
    ("ListResourceTags", boto("list_resource_tags"), OK, OK, OK),
    ("UpdateKeyDescription", boto("update_key_description", Description="d"), OK, OK, B),
    ("DescribeKey", boto("describe_key"), OK, OK, OK),
    ("GetKeyPolicy", boto("get_key_policy", PolicyName="default"), OK, OK, OK),
    ("PutKeyPolicy", boto("put_key_policy", PolicyName="default", Policy=POLICY), OK, OK, OK),
    ("ListKeyPolicies", boto("list_key_policies"), OK, OK, OK),
    ("ListKeyRotations", raw("ListKeyRotations"), OK, OK, OK),
    ("GetKeyLastUsage", raw("GetKeyLastUsage"), OK, OK, OK),
]


def main(tap, service):
    kms = service.boto(retries={"mode": "standard", "max_attempts": 6})
    for name, call, *cells in ROWS:
        for state, want in zip(STATES, cells):
            key = Key(service, kms, state)
            found, words = call(key)
            good = (found, words) == (want[0], want[1] % key.arn) if want else found == ""
            tap.ok(good, "%s of a key %s" % (name, state), "%s: %s" % (found, words))
    after(tap, service, kms)


def after(tap, service, kms):
    """What a state looks like from outside, and that it holds from the next call on."""
    key = Key(service, kms, "Enabled")
    seen = []
    for step in ("disable_key", "enable_key", "schedule_key_deletion", "cancel_key_deletion"):
        getattr(kms, step)(KeyId=key.id)
        found = kms.describe_key(KeyId=key.id)["KeyMetadata"]
        seen.append((found["KeyState"], found["Enabled"], "DeletionDate" in found))
    tap.ok(seen == [("Disabled", False, False), ("Enabled", True, False), ("PendingDeletion", False, True),
                    ("Disabled", False, False)], "DescribeKey right after each change", seen)
    kms.enable_key(KeyId=key.id)
    kms.enable_key_rotation(KeyId=key.id)
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    tap.ok(not kms.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"], "no rotation while deletion waits")
    kms.cancel_key_deletion(KeyId=key.id)
    tap.ok(kms.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"], "rotation again after a cancel")
    tap.ok(code(kms.decrypt, CiphertextBlob=key.blob) == "DisabledException", "a cancelled deletion leaves it disabled")
    kms.enable_key(KeyId=key.id)
    tap.ok(kms.decrypt(CiphertextBlob=key.blob)["Plaintext"] == b"x", "enabled, it decrypts what it did before")


run(main)
