#!/usr/bin/env python3
"""Rotation, last use, replays, and that a change holds from the next call on. Prints TAP."""
import sys
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True
from kms_case import code, new_key, run, signing  # noqa: E402

DAY = 86400


def material(kms, key):
    return kms.describe_key(KeyId=key)["KeyMetadata"].get("CurrentKeyMaterialId")


def on_demand(tap, service, kms):
    made = new_key(kms)
    key, arn = made["KeyId"], made["Arn"]
    kms.create_alias(AliasName="alias/rotates", TargetKeyId=key)
    _, described = service.call("DescribeKey", {"KeyId": key})
    first = described["KeyMetadata"]["CurrentKeyMaterialId"]
    sealed, used = [], [first]
    for _ in range(4):
        sealed.append(kms.encrypt(KeyId="alias/rotates", Plaintext=b"%d" % len(sealed), EncryptionContext={"a": "1"}))
        _, answer = service.call("RotateKeyOnDemand", {"KeyId": key})
        tap.ok(answer == {"KeyId": arn}, "RotateKeyOnDemand", answer)
        _, described = service.call("DescribeKey", {"KeyId": key})
        used.append(described["KeyMetadata"]["CurrentKeyMaterialId"])
    tap.ok(len(set(used)) == 5 and all(len(u) == 64 and u == u.lower() for u in used), "the material id moves", used)
    got = []
    for n, blob in enumerate(sealed):
        import base64
        _, answer = service.call("Decrypt", {"CiphertextBlob": base64.b64encode(blob["CiphertextBlob"]).decode(),
                                             "EncryptionContext": {"a": "1"}})
        got.append((base64.b64decode(answer["Plaintext"]), answer["KeyMaterialId"], answer["KeyId"]))
    tap.ok(got == [(b"%d" % n, used[n], arn) for n in range(4)], "each old ciphertext opens, and says by which material", got)
    _, answer = service.call("GenerateDataKey", {"KeyId": key, "NumberOfBytes": 8})
    tap.ok(answer["KeyMaterialId"] == used[4], "new ones use the newest", answer)
    moved = kms.re_encrypt(CiphertextBlob=sealed[0]["CiphertextBlob"], SourceEncryptionContext={"a": "1"}, DestinationKeyId=key)
    _, answer = service.call("ReEncrypt", {"CiphertextBlob": base64.b64encode(sealed[0]["CiphertextBlob"]).decode(),
                                           "SourceEncryptionContext": {"a": "1"}, "DestinationKeyId": key})
    tap.ok((answer["SourceKeyMaterialId"], answer["DestinationKeyMaterialId"]) == (used[0], used[4]), "ReEncrypt moves to it", answer)
    tap.ok(kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"0", "with another context: none")
    rotations(tap, service, key, arn, used)
    return key


def rotations(tap, service, key, arn, used):
    _, answer = service.call("ListKeyRotations", {"KeyId": key})
    tap.ok([r["KeyMaterialId"] for r in answer["Rotations"]] == used[1:] and not answer["Truncated"] and
           all(r["RotationType"] == "ON_DEMAND" and r["KeyId"] == arn and abs(time.time() - r["RotationDate"]) < 300 and
               "KeyMaterialState" not in r for r in answer["Rotations"]), "ListKeyRotations", answer)
    _, answer = service.call("ListKeyRotations", {"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"})
    states = [r["KeyMaterialState"] for r in answer["Rotations"]]
    tap.ok(states == ["NON_CURRENT"] * 4 + ["CURRENT"] and "RotationDate" not in answer["Rotations"][0],
           "with all material", answer)


def limit(tap, service, kms):
    key = new_key(kms)["KeyId"]
    answers = [service.call("RotateKeyOnDemand", {"KeyId": key})[1].get("__type", "") for _ in range(26)]
    tap.ok(answers == [""] * 25 + ["LimitExceededException"], "25 rotations on demand, not 26", answers)
    before = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    tap.ok(kms.decrypt(CiphertextBlob=before)["Plaintext"] == b"x", "and it still works")


def automatic(tap, service, kms, key):
    tap.ok(not kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"], "off until asked for")
    kms.enable_key_rotation(KeyId=key)
    _, status = service.call("GetKeyRotationStatus", {"KeyId": key})
    days = (status["NextRotationDate"] - time.time()) / DAY
    tap.ok(status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 365 and 364.9 < days <= 365, "365 days if not said", status)
    service.call("RotateKeyOnDemand", {"KeyId": key})
    _, again = service.call("GetKeyRotationStatus", {"KeyId": key})
    tap.ok(again["NextRotationDate"] == status["NextRotationDate"], "on demand does not move the schedule", again)
    for period in (90, 2560):
        service.call("EnableKeyRotation", {"KeyId": key, "RotationPeriodInDays": period})
        _, status = service.call("GetKeyRotationStatus", {"KeyId": key})
        days = (status["NextRotationDate"] - time.time()) / DAY
        tap.ok(status["RotationPeriodInDays"] == period and period - 0.1 < days <= period, "every %d days" % period, status)
    kms.disable_key_rotation(KeyId=key)
    _, status = service.call("GetKeyRotationStatus", {"KeyId": key})
    tap.ok(status["KeyRotationEnabled"] is False and "NextRotationDate" not in status, "off again", status)


def last_usage(tap, service, kms, app):
    key = new_key(kms)["KeyId"]
    _, answer = service.call("GetKeyLastUsage", {"KeyId": key})
    tap.ok("KeyLastUsage" not in answer and answer["KeyId"] == key and answer["TrackingStartDate"] <= time.time() and
           answer["KeyCreationDate"] <= time.time(), "never used", answer)
    blob = app.encrypt(KeyId=key, Plaintext=b"x")
    for call, name in ((lambda: blob, "Encrypt"), (lambda: app.decrypt(CiphertextBlob=blob["CiphertextBlob"]), "Decrypt"),
                       (lambda: app.generate_data_key(KeyId=key, NumberOfBytes=1), "GenerateDataKey")):
        made = call()
        _, answer = service.call("GetKeyLastUsage", {"KeyId": key})
        used = answer.get("KeyLastUsage", {})
        tap.ok(used.get("Operation") == name and used.get("KmsRequestId") == made["ResponseMetadata"]["RequestId"] and
               abs(time.time() - used.get("Timestamp", 0)) < 60, "right after %s" % name, answer)
    code(app.encrypt, KeyId=key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_1")
    code(app.decrypt, CiphertextBlob=blob["CiphertextBlob"], EncryptionContext={"a": "b"})
    _, answer = service.call("GetKeyLastUsage", {"KeyId": key})
    tap.ok(answer["KeyLastUsage"]["Operation"] == "GenerateDataKey", "what failed is no use", answer)
    service.call("RotateKeyOnDemand", {"KeyId": key})
    app.decrypt(CiphertextBlob=blob["CiphertextBlob"])
    _, answer = service.call("GetKeyLastUsage", {"KeyId": key})
    tap.ok(answer["KeyLastUsage"]["Operation"] == "Decrypt", "the newest over all versions", answer)


def replays(tap, service):
    """botocore signs equal requests of one second equally; each retry mode gets both through."""
    for mode in ({}, {"retries": {"mode": "standard"}}):
        kms = service.boto(**mode)
        time.sleep(1.02 - time.time() % 1)  # both in one second, so that they are signed equally
        ids = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
        tap.ok(len(set(ids)) == 2, "two equal CreateKey of one second: two keys, retries %s" % (mode or "by default"), ids)
    sent = []
    env = service.server.env()
    at, raw = urllib.parse.urlsplit(env["AWS_ENDPOINT_URL"]), b'{"Description":"twice"}'
    headers = signing.headers_of(env, "TrentService.CreateKey", raw, at.netloc)
    for _ in range(2):
        began = time.monotonic()
        sent.append(signing.send(env, headers, raw) + (time.monotonic() - began,))
    tap.ok(sent[0][0] == 200 and sent[1][:2][0] == 400 and sent[1][1]["__type"] == "ThrottlingException" and sent[1][2] >= 0.9,
           "the same bytes again are refused, after a second", sent)


def read_after_write(tap, service, kms, app):
    """Many clients at once: what one changed, all see with their next call."""
    bad = []

    def one(n):
        mine, other = service.boto(), service.boto("app")
        key = new_key(mine)["KeyId"]
        name = "alias/raw-%d" % n
        mine.create_alias(AliasName=name, TargetKeyId=key)
        blob = other.encrypt(KeyId=name, Plaintext=b"x")["CiphertextBlob"]
        for i in range(6):
            service.call("DisableKey", {"KeyId": key})
            bad.append(code(other.decrypt, CiphertextBlob=blob) == "DisabledException")
            service.call("EnableKey", {"KeyId": key})
            bad.append(other.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x")
            mine.tag_resource(KeyId=key, Tags=[{"TagKey": "n", "TagValue": str(i)}])
            bad.append(other.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "n", "TagValue": str(i)}])
            mine.update_key_description(KeyId=key, Description=str(i))
            bad.append(other.describe_key(KeyId=key)["KeyMetadata"]["Description"] == str(i))

    service.policy()
    threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tap.ok(len(bad) == 96 and all(bad), "read after write, four pairs of clients", "%d of %d" % (sum(bad), len(bad)))


def main(tap, service):
    kms, app = (service.boto(who, retries={"mode": "standard", "max_attempts": 6}) for who in ("dev", "app"))
    key = on_demand(tap, service, kms)
    automatic(tap, service, kms, key)
    limit(tap, service, kms)
    last_usage(tap, service, kms, app)
    replays(tap, service)
    read_after_write(tap, service, kms, app)


run(main)
