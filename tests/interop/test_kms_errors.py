#!/usr/bin/env python3
"""How calls are refused, row by row: code, HTTP status, the words that clients match; and the envelope:
blobs, times, null and unknown members. Prints TAP."""
import base64
import http.client
import json
import re
import ssl
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
from kms_case import NO_KEY, new_key, outcome, run, signing  # noqa: E402
import kms_model  # noqa: E402

VALIDATION = "ValidationException"
SERIAL = "SerializationException"
LONG = "x" * 129


def must(member, what):
    return r"1 validation error detected: Value.* at '%s' failed to satisfy constraint: Member must %s" % (member, what)


def shapes(key):
    """(what, operation, input, code, pattern of the message): input as JSON, since clients check some of it first."""
    blob64 = base64.b64encode(b"x").decode()
    ctx = {"a": "1"}
    return [
        ("no KeyId", "Encrypt", {"Plaintext": blob64}, VALIDATION, must("keyId", "not be null")),
        ("KeyId null", "Encrypt", {"KeyId": None, "Plaintext": blob64}, VALIDATION, must("keyId", "not be null")),
        ("KeyId empty", "DescribeKey", {"KeyId": ""}, VALIDATION, must("keyId", "have length greater than or equal to 1")),
        ("KeyId long", "DescribeKey", {"KeyId": "k" * 2049}, VALIDATION,
         must("keyId", "have length less than or equal to 2048")),
        ("KeyId a number", "DescribeKey", {"KeyId": 1}, SERIAL, ""),
        ("plaintext empty", "Encrypt", {"KeyId": key, "Plaintext": ""}, VALIDATION,
         must("plaintext", "have length greater than or equal to 1")),
        ("plaintext 4097", "Encrypt", {"KeyId": key, "Plaintext": base64.b64encode(b"S" * 4097).decode()}, VALIDATION,
         "^" + must("plaintext", "have length less than or equal to 4096") + "$"),
        ("plaintext no base64", "Encrypt", {"KeyId": key, "Plaintext": "***="}, SERIAL, ""),
        ("plaintext without padding", "Encrypt", {"KeyId": key, "Plaintext": "eA"}, SERIAL, ""),
        ("plaintext base64url", "Encrypt", {"KeyId": key, "Plaintext": "-_-_"}, SERIAL, ""),
        ("plaintext in lines", "Encrypt", {"KeyId": key, "Plaintext": "eHh4\neHh4"}, SERIAL, ""),
        ("no ciphertext", "Decrypt", {}, VALIDATION, must("ciphertextBlob", "not be null")),
        ("ciphertext 6145", "Decrypt", {"CiphertextBlob": base64.b64encode(b"c" * 6145).decode()}, VALIDATION,
         must("ciphertextBlob", "have length less than or equal to 6144")),
        ("ciphertext of nobody", "Decrypt", {"CiphertextBlob": blob64}, "InvalidCiphertextException", "^$"),
        ("context a list", "Encrypt", {"KeyId": key, "Plaintext": blob64, "EncryptionContext": []}, SERIAL, ""),
        ("context of numbers", "Encrypt", {"KeyId": key, "Plaintext": blob64, "EncryptionContext": {"a": 1}}, SERIAL, ""),
        ("context too long", "Encrypt", {"KeyId": key, "Plaintext": blob64, "EncryptionContext": {"a": "v" * 8200}},
         VALIDATION, ""),
        ("context with an empty name", "Encrypt", {"KeyId": key, "Plaintext": blob64, "EncryptionContext": {"": "v"}},
         VALIDATION, ""),
        ("grant tokens, eleven", "Encrypt", {"KeyId": key, "Plaintext": blob64, "GrantTokens": ["t"] * 11}, VALIDATION,
         must("grantTokens", "have length less than or equal to 10")),
        ("algorithm unknown", "Encrypt", {"KeyId": key, "Plaintext": blob64, "EncryptionAlgorithm": "ROT13"}, VALIDATION,
         r"Value 'ROT13' at 'encryptionAlgorithm' .* satisfy enum value set: \[.*SYMMETRIC_DEFAULT"),
        ("algorithm of another spec", "Encrypt", {"KeyId": key, "Plaintext": blob64,
                                                  "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"},
         "InvalidKeyUsageException", "RSAES_OAEP_SHA_256.*SYMMETRIC_DEFAULT"),
        ("neither length nor spec", "GenerateDataKey", {"KeyId": key}, VALIDATION, ""),
        ("both length and spec", "GenerateDataKey", {"KeyId": key, "NumberOfBytes": 16, "KeySpec": "AES_128"}, VALIDATION, ""),
        ("1025 bytes", "GenerateDataKey", {"KeyId": key, "NumberOfBytes": 1025}, VALIDATION,
         must("numberOfBytes", "have value less than or equal to 1024")),
        ("0 bytes", "GenerateRandom", {"NumberOfBytes": 0}, VALIDATION,
         must("numberOfBytes", "have value greater than or equal to 1")),
        ("no bytes", "GenerateRandom", {}, VALIDATION, "numberOfBytes"),
        ("1.5 bytes", "GenerateRandom", {"NumberOfBytes": 1.5}, SERIAL, ""),
        ("attested recipient", "Decrypt", {"CiphertextBlob": blob64, "Recipient": {"KeyEncryptionAlgorithm": "x"}},
         "UnsupportedOperationException", ""),
        ("Limit 0", "ListKeys", {"Limit": 0}, VALIDATION, must("limit", "have value greater than or equal to 1")),
        ("Limit 1001", "ListKeys", {"Limit": 1001}, VALIDATION, must("limit", "have value less than or equal to 1000")),
        ("Limit 101", "ListAliases", {"Limit": 101}, VALIDATION, must("limit", "have value less than or equal to 100")),
        ("Limit 51", "ListResourceTags", {"KeyId": key, "Limit": 51}, VALIDATION,
         must("limit", "have value less than or equal to 50")),
        ("Limit text", "ListKeys", {"Limit": "1"}, SERIAL, ""),
        ("window 6", "ScheduleKeyDeletion", {"KeyId": key, "PendingWindowInDays": 6}, VALIDATION, ""),
        ("window 31", "ScheduleKeyDeletion", {"KeyId": key, "PendingWindowInDays": 31}, VALIDATION, ""),
        ("window 366", "ScheduleKeyDeletion", {"KeyId": key, "PendingWindowInDays": 366}, VALIDATION,
         must("pendingWindowInDays", "have value less than or equal to 365")),
        ("rotation 89", "EnableKeyRotation", {"KeyId": key, "RotationPeriodInDays": 89}, VALIDATION,
         must("rotationPeriodInDays", "have value greater than or equal to 90")),
        ("rotation 2561", "EnableKeyRotation", {"KeyId": key, "RotationPeriodInDays": 2561}, VALIDATION,
         must("rotationPeriodInDays", "have value less than or equal to 2560")),
        ("alias without prefix", "CreateAlias", {"AliasName": "payments", "TargetKeyId": key}, VALIDATION, ""),
        ("alias of nothing", "CreateAlias", {"AliasName": "alias/", "TargetKeyId": key}, VALIDATION, ""),
        ("alias with a blank", "CreateAlias", {"AliasName": "alias/a b", "TargetKeyId": key}, VALIDATION,
         must("aliasName", r"satisfy regular expression pattern: \^\[a-zA-Z0-9:/_-\]\+\$")),
        ("alias reserved", "CreateAlias", {"AliasName": "alias/aws/x", "TargetKeyId": key}, "InvalidAliasNameException", ""),
        ("alias 257", "CreateAlias", {"AliasName": "alias/" + "x" * 251, "TargetKeyId": key}, VALIDATION,
         must("aliasName", "have length less than or equal to 256")),
        ("alias deleted twice", "DeleteAlias", {"AliasName": "alias/none"}, "NotFoundException",
         r"^Alias arn:aws:kms:\S+:alias/none is not found\.$"),
        ("description 8193", "UpdateKeyDescription", {"KeyId": key, "Description": "d" * 8193}, VALIDATION,
         must("description", "have length less than or equal to 8192")),
        ("tag twice", "TagResource", {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": v} for v in "12"]}, "TagException", ""),
        ("tag reserved", "TagResource", {"KeyId": key, "Tags": [{"TagKey": "aws:a", "TagValue": ""}]}, "TagException", ""),
        ("tags, 51", "TagResource", {"KeyId": key, "Tags": [{"TagKey": "k%d" % i, "TagValue": ""} for i in range(51)]},
         "TagException", ""),
        ("tag without value", "TagResource", {"KeyId": key, "Tags": [{"TagKey": "a"}]}, VALIDATION, ""),
        ("tag key 129", "TagResource", {"KeyId": key, "Tags": [{"TagKey": LONG, "TagValue": ""}]}, VALIDATION, ""),
        ("tag key empty", "TagResource", {"KeyId": key, "Tags": [{"TagKey": "", "TagValue": ""}]}, VALIDATION, ""),
        ("tag value 257", "TagResource", {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "v" * 257}]}, VALIDATION, ""),
        ("tags at creation", "CreateKey", {"Tags": [{"TagKey": "aws:x", "TagValue": ""}]}, "TagException", ""),
        ("spec unknown", "CreateKey", {"KeySpec": "ROT_13"}, VALIDATION, must("keySpec", "satisfy enum value set")),
        ("spec not offered", "CreateKey", {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
         "UnsupportedOperationException", ""),
        ("origin not offered", "CreateKey", {"Origin": "AWS_CLOUDHSM"}, "UnsupportedOperationException", ""),
        ("custom key store", "CreateKey", {"CustomKeyStoreId": "cks-1"}, "UnsupportedOperationException", ""),
        ("multi-region", "CreateKey", {"MultiRegion": True}, "UnsupportedOperationException", ""),
        ("policy of nothing", "PutKeyPolicy", {"KeyId": key, "Policy": "{}"}, "MalformedPolicyDocumentException", ""),
        ("policy no JSON", "PutKeyPolicy", {"KeyId": key, "Policy": "x"}, "MalformedPolicyDocumentException", ""),
        ("policy 32769", "PutKeyPolicy", {"KeyId": key, "Policy": "{" + " " * 32767 + "}"}, "LimitExceededException", ""),
        ("policy that locks out", "PutKeyPolicy", {"KeyId": key, "Policy": LOCKED},
         "MalformedPolicyDocumentException", "will not allow you to update the key policy in the future"),
        ("policy of another name", "GetKeyPolicy", {"KeyId": key, "PolicyName": "other"}, "NotFoundException", ""),
        ("not pending", "CancelKeyDeletion", {"KeyId": key}, "KMSInvalidStateException", "is not pending deletion"),
        ("grants", "ListGrants", {"KeyId": key}, "UnsupportedOperationException", ""),
        ("no such operation", "Explode", {}, "UnknownOperationException", ""),
        ("dry run", "Encrypt", {"KeyId": key, "Plaintext": blob64, "DryRun": True}, "DryRunOperationException", ""),
        ("dry run, denied state", "Encrypt", {"KeyId": NO_KEY, "Plaintext": blob64, "DryRun": True}, "NotFoundException",
         r"^Key 'arn:aws:kms:\S+:key/%s' does not exist$" % NO_KEY),
        ("dry run of nothing", "Decrypt", {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}, VALIDATION, ""),
        ("dry run by key", "Decrypt", {"KeyId": key, "DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"],
                                       "EncryptionContext": ctx}, "DryRunOperationException", ""),
        ("ignored ciphertext, no dry run", "Decrypt", {"KeyId": key, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}, VALIDATION,
         ""),
        ("dry run modifier unknown", "Decrypt", {"KeyId": key, "DryRun": True, "DryRunModifiers": ["FASTER"]}, VALIDATION, ""),
    ]


LOCKED = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/app"}, "Action": "kms:*", "Resource": "*"}]})


def rows(tap, service, key):
    model = None if kms_model.missing() else kms_model.Model()
    for what, name, given, want, pattern in shapes(key):
        if model and name in model.ops:
            known = model.errors(name) | kms_model.COMMON
            if want not in known:
                tap.ok(False, "%s may answer %s" % (name, want), sorted(known))
        status, answer = service.call(name, given)
        words = answer.get("message", "")
        tap.ok(status == 400 and answer.get("__type") == want and re.search(pattern, words),
               "%s: %s: %s" % (name, what, want), "%d %s" % (status, answer))


def no_secrets(tap, service, key):
    _, answer = service.call("Encrypt", {"KeyId": key, "Plaintext": 5, "Secret": "hunter2"})
    tap.ok("hunter2" not in json.dumps(answer), "no value of an unknown member comes back")
    _, answer = service.call("Encrypt", {"KeyId": key, "Plaintext": base64.b64encode(b"hunter2" * 700).decode()})
    tap.ok("hunter2" not in json.dumps(answer) and "aHVudGVy" not in json.dumps(answer), "no plaintext comes back")


# ---- the envelope

def exchange(env, raw, target="TrentService.DescribeKey", **more):
    at = urllib.parse.urlsplit(env["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPSConnection(at.hostname, at.port, timeout=60,
                                             context=ssl.create_default_context(cafile=env["AWS_CA_BUNDLE"]))
    connection.request("POST", "/", raw, dict(signing.headers_of(env, target, raw, at.netloc), **more))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, text


def envelope(tap, service, kms, key):
    env = service.server.env()
    answer, text = exchange(env, json.dumps({"KeyId": key}).encode())
    names = [name for name, _ in answer.getheaders()]
    tap.ok(answer.status == 200 and answer.getheader("Content-Type") == "application/x-amz-json-1.1", "content type")
    tap.ok("Content-Length" in names and int(answer.getheader("Content-Length")) == len(text), "Content-Length, in that case")
    tap.ok(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.getheader("x-amzn-RequestId") or ""),
           "x-amzn-RequestId")
    tap.ok(re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.getheader("Date") or ""), "Date")
    answer, text = exchange(env, b'{"KeyId":"nope"}')
    tap.ok(answer.getheader("x-amzn-ErrorType") == "NotFoundException" == json.loads(text)["__type"], "x-amzn-ErrorType")
    answer, text = exchange(env, b'{"KeyId":"%s"}' % key.encode(), "TrentService.EnableKey")
    tap.ok(answer.status == 200 and text in (b"", b"{}"), "no output shape: an empty object", text)
    for what, raw in (("not JSON", b"{"), ("a list", b"[]"), ("nothing", b""), ("a name twice", b'{"KeyId":"a","KeyId":"b"}'),
                      ("bad UTF-8", b'{"KeyId":"\xff"}'), ("two documents", b'{"KeyId":"a"}{}')):
        answer, text = exchange(env, raw)
        tap.ok(answer.status == 400 and json.loads(text)["__type"] == SERIAL, "a body that is %s" % what, text)
    answer, text = exchange(env, b'{"KeyId":"%s","GrantTokens":null,"New":{"a":[1,{"b":null}]},"More":[]}' % key.encode())
    tap.ok(answer.status == 200, "null and unknown members", text)
    answer, text = exchange(env, b'{"\\u004beyId" : "%s"}\n' % key.encode())
    tap.ok(answer.status == 200, "an escaped name, blanks", text)
    answer, text = exchange(env, b"{}", "TrentService.ListKeys", **{"Connection": "close"})
    tap.ok(answer.status == 200 and answer.getheader("Connection") == "close", "Connection: close is kept")


def blobs(tap, service, kms, key):
    for size in (1, 2, 3, 255, 4096):
        plain = bytes(i * 7 & 255 for i in range(size))
        sealed = kms.encrypt(KeyId=key, Plaintext=plain)["CiphertextBlob"]
        tap.ok(kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == plain, "%d bytes there and back" % size)
    for members, size in (({"KeySpec": "AES_128"}, 16), ({"KeySpec": "AES_256"}, 32), ({"NumberOfBytes": 1024}, 1024)):
        made = kms.generate_data_key(KeyId=key, **members)
        hidden = kms.generate_data_key_without_plaintext(KeyId=key, **members)
        tap.ok(len(made["Plaintext"]) == size == len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) and
               "Plaintext" not in hidden, "data keys: %s" % members)
    context = {"z": "1", "a": "2", "\u00e4": "\u20ac", "A": "", "long": "v" * 4000}
    sealed = kms.encrypt(KeyId=key, Plaintext=b"p", EncryptionContext=context)["CiphertextBlob"]
    again = dict(reversed(list(context.items())))
    tap.ok(kms.decrypt(CiphertextBlob=sealed, EncryptionContext=again)["Plaintext"] == b"p", "a context in another order")
    for what, changed in (("case of a name", dict({k.lower(): v for k, v in context.items()})),
                          ("one pair less", {k: v for k, v in context.items() if k != "A"}),
                          ("one pair more", dict(context, b="")), ("a value", dict(context, z="2"))):
        tap.ok(outcome(kms.decrypt, CiphertextBlob=sealed, EncryptionContext=changed)[1:] == ("InvalidCiphertextException", ""),
               "a context with %s changed" % what)
    empty = kms.encrypt(KeyId=key, Plaintext=b"p", EncryptionContext={})["CiphertextBlob"]
    tap.ok(kms.decrypt(CiphertextBlob=empty)["Plaintext"] == b"p", "an empty context is none")
    plain = kms.encrypt(KeyId=key, Plaintext=b"p")["CiphertextBlob"]
    bad = [plain[:n] for n in (1, 16, 48, len(plain) - 1)] + [plain + b"x"]
    bad += [plain[:at] + bytes([plain[at] ^ 1]) + plain[at + 1:] for at in (0, 17, 33, 50, 70, len(plain) - 1)]
    codes = [outcome(kms.decrypt, CiphertextBlob=b)[1] for b in bad]
    tap.ok(set(codes) == {"InvalidCiphertextException"}, "cut, extended and flipped ciphertexts", codes)
    other = plain[:1] + bytes([plain[1] ^ 1]) + plain[2:]
    tap.ok(outcome(kms.decrypt, CiphertextBlob=other)[1] == "AccessDeniedException", "a ciphertext of a key that is not here")


def times(tap, service, kms, key):
    _, answer = service.call("DescribeKey", {"KeyId": key})
    made = answer["KeyMetadata"]["CreationDate"]
    tap.ok(isinstance(made, (int, float)) and abs(time.time() - made) < 300, "a time is a number of seconds", made)
    _, answer = service.call("ScheduleKeyDeletion", {"KeyId": key, "PendingWindowInDays": 7})
    days = (answer["DeletionDate"] - time.time()) / 86400
    tap.ok(answer["KeyState"] == "PendingDeletion" and answer["PendingWindowInDays"] == 7 and 6.99 < days < 7.01 and
           answer["KeyId"].endswith(":key/" + key), "ScheduleKeyDeletion's answer", answer)
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    tap.ok(abs(found["DeletionDate"].timestamp() - answer["DeletionDate"]) < 0.01, "DescribeKey says when")


def metadata(tap, kms):
    made = new_key(kms, Description="d\u00e9", Tags=[{"TagKey": "k", "TagValue": "v"}])
    want = {"AWSAccountId": "000000000000", "Description": "d\u00e9", "Enabled": True, "KeyState": "Enabled",
            "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT",
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "MultiRegion": False}
    wrong = {k: made.get(k) for k in want if made.get(k) != want[k]}
    tap.ok(not wrong and "DeletionDate" not in made, "KeyMetadata", wrong)
    tap.ok(made == kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"], "DescribeKey says the same")
    kms.update_key_description(KeyId=made["KeyId"], Description="")
    tap.ok(kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["Description"] == "", "an empty description")
    wide = "\u4e2d" * 8192
    kms.update_key_description(KeyId=made["KeyId"], Description=wide)
    tap.ok(kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["Description"] == wide, "lengths count characters")
    policy = kms.get_key_policy(KeyId=made["KeyId"], PolicyName="default")["Policy"]
    only = json.loads(policy)["Statement"][0]
    tap.ok(json.loads(policy)["Id"] == "key-default-1" and only["Sid"] == "Enable IAM User Permissions" and
           only["Principal"] == {"AWS": "arn:aws:iam::000000000000:root"}, "the default policy", policy)
    kms.put_key_policy(KeyId=made["KeyId"], PolicyName="default", Policy=policy + "\n")
    tap.ok(kms.get_key_policy(KeyId=made["KeyId"], PolicyName="default")["Policy"] == policy + "\n",
           "a policy comes back as it was put")


def tag_limits(tap, service, kms):
    key = new_key(kms)["KeyId"]

    def tag(*names, value="v"):
        return service.call("TagResource", {"KeyId": key, "Tags": [{"TagKey": n, "TagValue": value} for n in names]})[1]

    tag(*["k%02d" % i for i in range(30)])
    tag(*["k%02d" % i for i in range(30, 50)])
    found = kms.list_resource_tags(KeyId=key)
    tap.ok(len(found["Tags"]) == 50 and not found["Truncated"], "fifty tags, one page", len(found["Tags"]))
    tap.ok(tag("k50").get("__type") == "TagException", "not fifty-one")
    tap.ok(tag("k00", value="") == {} and kms.list_resource_tags(KeyId=key)["Tags"][0] == {"TagKey": "k00", "TagValue": ""},
           "but another value, an empty one")
    service.call("UntagResource", {"KeyId": key, "TagKeys": ["k01", "none"]})
    tap.ok(tag("\u4e2d" * 128, value="\u4e2d" * 256) == {}, "room for another; lengths count characters")
    names = [t["TagKey"] for t in kms.list_resource_tags(KeyId=key)["Tags"]]
    tap.ok("k01" not in names and "\u4e2d" * 128 in names and len(names) == 50, "what there is now", names)


def main(tap, service):
    kms = service.boto(retries={"mode": "standard", "max_attempts": 6})
    key = new_key(kms)["KeyId"]
    rows(tap, service, key)
    no_secrets(tap, service, key)
    envelope(tap, service, kms, key)
    blobs(tap, service, kms, key)
    metadata(tap, kms)
    tag_limits(tap, service, kms)
    times(tap, service, kms, key)


run(main)
