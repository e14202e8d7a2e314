#!/usr/bin/env python3
"""Identifiers (key id, key ARN, alias name, alias ARN: which operation takes which, what a wrong one
answers), aliases that move, and every list in pages of one with markers that are not ours. Prints TAP."""
import sys

sys.dont_write_bytecode = True
from kms_case import NO_KEY, code, new_key, outcome, run  # noqa: E402

REGION_ARN = "arn:aws:kms:%s:%s:%s"


def takes(tap, service, kms, key, arn):
    """Use takes all four forms; management an id or a key ARN."""
    kms.create_alias(AliasName="alias/all", TargetKeyId=key)
    alias_arn = arn.rsplit(":", 1)[0] + ":alias/all"
    forms = {"id": key, "ARN": arn, "alias": "alias/all", "alias ARN": alias_arn}
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    all_four = {
        "Encrypt": lambda k: kms.encrypt(KeyId=k, Plaintext=b"x")["KeyId"],
        "Decrypt": lambda k: kms.decrypt(KeyId=k, CiphertextBlob=blob)["KeyId"],
        "GenerateDataKey": lambda k: kms.generate_data_key(KeyId=k, NumberOfBytes=1)["KeyId"],
        "GenerateDataKeyWithoutPlaintext": lambda k: kms.generate_data_key_without_plaintext(KeyId=k, NumberOfBytes=1)["KeyId"],
        "ReEncrypt from": lambda k: kms.re_encrypt(SourceKeyId=k, DestinationKeyId=key, CiphertextBlob=blob)["SourceKeyId"],
        "ReEncrypt to": lambda k: kms.re_encrypt(DestinationKeyId=k, CiphertextBlob=blob)["KeyId"],
        "DescribeKey": lambda k: kms.describe_key(KeyId=k)["KeyMetadata"]["Arn"],
    }
    for name, call in all_four.items():
        got = {form: call(k) for form, k in forms.items()}
        tap.ok(set(got.values()) == {arn}, "%s takes all four and answers the key's ARN" % name, got)
    two = {
        "enable_key": {}, "disable_key": {}, "get_key_policy": {"PolicyName": "default"}, "list_key_policies": {},
        "get_key_rotation_status": {}, "list_resource_tags": {}, "update_key_description": {"Description": "d"},
        "tag_resource": {"Tags": []}, "untag_resource": {"TagKeys": []}, "list_aliases": {},
        "schedule_key_deletion": {}, "cancel_key_deletion": {}, "enable_key_rotation": {}, "disable_key_rotation": {},
    }
    state = {"schedule_key_deletion": "KMSInvalidStateException", "cancel_key_deletion": "KMSInvalidStateException"}
    for name, members in two.items():
        own = new_key(kms)
        if name == "cancel_key_deletion":
            kms.schedule_key_deletion(KeyId=own["KeyId"])
        got = [outcome(getattr(kms, name), KeyId=k, **members)[1:] for k in (own["KeyId"], own["Arn"], "alias/all", alias_arn)]
        tap.ok([g[0] for g in got] == ["", state.get(name, ""), "NotFoundException", "InvalidArnException"] and
               got[2][1] == "Invalid keyId 'alias/all'", "%s takes id and ARN only" % name, got)
    got = [code(kms.create_alias, AliasName="alias/n%d" % i, TargetKeyId=k) for i, k in enumerate(forms.values())]
    tap.ok(got == ["", "", "NotFoundException", "NotFoundException"], "CreateAlias targets an id or ARN only", got)
    kms.delete_alias(AliasName="alias/n0")
    kms.delete_alias(AliasName="alias/n1")


def wrong(tap, kms, key, arn):
    region, account = arn.split(":")[3:5]
    rows = [
        ("an unknown id", NO_KEY, "NotFoundException", "Key '%s' does not exist" % arn.replace(key, NO_KEY)),
        ("its ARN", arn.replace(key, NO_KEY), "NotFoundException", "Key '%s' does not exist" % arn.replace(key, NO_KEY)),
        ("a multi-region id", "mrk-" + "0" * 32, "NotFoundException",
         "Key '%s' does not exist" % arn.replace(key, "mrk-" + "0" * 32)),
        ("no id", "nope", "NotFoundException", "Invalid keyId 'nope'"),
        ("capitals", key.upper() if key.upper() != key else "A" + key[1:], "NotFoundException", None),
        ("a key ARN of no id", arn.replace(key, "nope"), "NotFoundException", "Invalid keyId 'nope'"),
        ("another region", arn.replace(":%s:" % region, ":mars-1:"), "NotFoundException", "Invalid arn mars-1"),
        ("another account", arn.replace(account, "111122223333"), "NotFoundException", None),
        ("another partition", arn.replace("arn:aws:", "arn:aws-cn:"), "NotFoundException", None),
        ("another service", arn.replace(":kms:", ":s3:"), "InvalidArnException", None),
        ("a short ARN", "arn:aws:kms", "InvalidArnException", None),
        ("an ARN of something else", arn.replace(":key/", ":thing/"), "InvalidArnException", None),
        ("an unknown alias", "alias/none", "NotFoundException", "Alias %s is not found." % arn.replace("key/" + key, "alias/none")),
        ("its ARN", arn.replace("key/" + key, "alias/none"), "NotFoundException",
         "Alias %s is not found." % arn.replace("key/" + key, "alias/none")),
        ("not ASCII", "alias/" + "\u00e4" * 300, "NotFoundException", None),
    ]
    for what, given, want, words in rows:
        _, found, message = outcome(kms.describe_key, KeyId=given)
        tap.ok(found == want and words in (None, message), "DescribeKey of %s" % what, "%s: %s" % (found, message))
        kind, found, message = outcome(kms.encrypt, KeyId=given, Plaintext=b"x")
        want = want.replace("InvalidArn", "NotFound")  # as the model: calls that use keys have no other error
        tap.ok(found == want == kind and words in (None, message), "Encrypt under %s" % what, "%s: %s" % (found, message))
    other = new_key(kms)["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    tap.ok(outcome(kms.decrypt, KeyId=other, CiphertextBlob=blob)[0] == "IncorrectKeyException", "Decrypt by another key")
    tap.ok(code(kms.re_encrypt, SourceKeyId=other, DestinationKeyId=key, CiphertextBlob=blob) == "IncorrectKeyException",
           "ReEncrypt by another source")
    return other


def aliases(tap, service, kms, key, other):
    kms.create_alias(AliasName="alias/moves", TargetKeyId=key)
    sealed = kms.encrypt(KeyId="alias/moves", Plaintext=b"before")["CiphertextBlob"]
    tap.ok(outcome(kms.create_alias, AliasName="alias/moves", TargetKeyId=other)[0] == "AlreadyExistsException", "one name, one key")
    kms.update_alias(AliasName="alias/moves", TargetKeyId=other)
    tap.ok(kms.describe_key(KeyId="alias/moves")["KeyMetadata"]["KeyId"] == other, "moved at once")
    tap.ok(kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"before", "what the old key sealed still opens")
    tap.ok(code(kms.decrypt, KeyId="alias/moves", CiphertextBlob=sealed) == "IncorrectKeyException",
           "but not under the alias's new key")
    found = [a for a in kms.list_aliases(KeyId=other)["Aliases"]]
    tap.ok([a["AliasName"] for a in found] == ["alias/moves"] and found[0]["TargetKeyId"] == other and
           found[0]["AliasArn"].endswith(":alias/moves") and found[0]["LastUpdatedDate"] >= found[0]["CreationDate"],
           "ListAliases of one key", found)
    tap.ok(code(kms.update_alias, AliasName="alias/never", TargetKeyId=key) == "NotFoundException", "no alias to move")
    kms.delete_alias(AliasName="alias/moves")
    tap.ok(code(kms.describe_key, KeyId="alias/moves") == "NotFoundException", "deleted at once")
    for i in range(50):
        kms.create_alias(AliasName="alias/many/%02d" % i, TargetKeyId=other)
    _, answer = service.call("CreateAlias", {"AliasName": "alias/many/50", "TargetKeyId": other})  # boto3 tries these again
    tap.ok(answer["__type"] == "LimitExceededException", "50 aliases of a key", answer)
    longest = "alias/" + "n" * 250
    kms.create_alias(AliasName=longest, TargetKeyId=key)
    arn = [a["AliasArn"] for a in kms.list_aliases(KeyId=key)["Aliases"] if a["AliasName"] == longest]
    tap.ok(arn and arn[0].endswith(longest) and kms.describe_key(KeyId=arn[0])["KeyMetadata"]["KeyId"] == key, "the longest name")
    kms.delete_alias(AliasName=longest)


def lists(tap, service, kms, key, other):
    third = new_key(kms)["KeyId"]
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": k, "TagValue": k * 2} for k in ("b", "a", "\u00e4", "z/" + "t" * 100)])
    for _ in range(3):
        service.call("RotateKeyOnDemand", {"KeyId": key})
    rows = [
        ("ListKeys", {}, "Keys", "KeyId", None),
        ("ListAliases", {}, "Aliases", "AliasName", None),
        ("ListAliases", {"KeyId": other}, "Aliases", "AliasName", 50),
        ("ListResourceTags", {"KeyId": key}, "Tags", "TagKey", 4),
        ("ListKeyRotations", {"KeyId": key}, "Rotations", "KeyMaterialId", 3),
        ("ListKeyRotations", {"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}, "Rotations", "KeyMaterialId", 4),
    ]
    markers = {}
    for name, given, member, item, count in rows:
        _, whole = service.call(name, dict(given, Limit=50 if name == "ListResourceTags" else 100))
        pages, marker, seen = [], None, []
        while len(pages) < 120:
            _, page = service.call(name, dict(given, Limit=1, **({"Marker": marker} if marker else {})))
            pages.append(page)
            seen += page.get(member, [])
            marker = page.get("NextMarker")
            if not page.get("Truncated") or not marker:
                break
            markers.setdefault(name, marker)
        tap.ok(not whole["Truncated"] and "NextMarker" not in whole and [s[item] for s in seen] == [w[item] for w in whole[member]] and
               len(set(s[item] for s in seen)) == len(seen) == (count or len(seen)) and all(len(p[member]) == 1 for p in pages),
               "%s %s in pages of one" % (name, sorted(given)), [len(p.get(member, p)) for p in pages])
    standard_pages(tap, service)
    forged(tap, service, key, markers)
    while_moving(tap, kms, third)


def standard_pages(tap, service):
    _, answer = service.call("ListAliases")
    tap.ok(len(answer["Aliases"]) == 50 and answer["Truncated"], "50 aliases if not said otherwise", len(answer["Aliases"]))


def forged(tap, service, key, markers):
    about = {"ListKeys": {}, "ListAliases": {}, "ListResourceTags": {"KeyId": key}, "ListKeyRotations": {"KeyId": key}}
    for name, given in about.items():
        good = markers[name]
        flipped = good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1]
        foreign = markers["ListKeys" if name != "ListKeys" else "ListAliases"]
        for what, marker in (("flipped", flipped), ("cut", good[:-4]), ("longer", good + "AAAA"), ("made up", "x"),
                             ("of another list", foreign), ("not base64", "\u00e4\u00e4"), ("long", "A" * 1024)):
            _, answer = service.call(name, dict(given, Marker=marker))
            tap.ok(answer.get("__type") == "InvalidMarkerException", "%s: a marker that is %s" % (name, what), answer)
        _, answer = service.call(name, dict(given, Marker=good), who="app")
        tap.ok(answer.get("__type") in ("InvalidMarkerException", "AccessDeniedException"), "%s: another caller's marker" % name, answer)
    _, answer = service.call("ListKeys", {"Marker": "A" * 1025})
    tap.ok(answer["__type"] == "ValidationException", "a marker of 1025 characters", answer)
    _, answer = service.call("ListKeyPolicies", {"KeyId": key, "Limit": 1})
    tap.ok(answer == {"PolicyNames": ["default"], "Truncated": False}, "ListKeyPolicies", answer)


def while_moving(tap, kms, third):
    """A page goes on after what it ended with, also when that is gone."""
    names = ["alias/page/%d" % i for i in range(6)]
    for name in names:
        kms.create_alias(AliasName=name, TargetKeyId=third)
    page = kms.list_aliases(KeyId=third, Limit=3)
    for name in names[:3]:
        kms.delete_alias(AliasName=name)
    rest = kms.list_aliases(KeyId=third, Limit=3, Marker=page["NextMarker"])
    tap.ok([a["AliasName"] for a in rest["Aliases"]] == names[3:] and not rest["Truncated"], "a page after deletions", rest)


def main(tap, service):
    kms = service.boto(retries={"mode": "standard", "max_attempts": 6})
    made = new_key(kms)
    key, arn = made["KeyId"], made["Arn"]
    takes(tap, service, kms, key, arn)
    other = wrong(tap, kms, key, arn)
    aliases(tap, service, kms, key, other)
    lists(tap, service, kms, key, other)


run(main)
