#!/usr/bin/env python3
"""The table of operations against the public model of AWS KMS: names, members, types, bounds, words, errors,
lists; and each answer of a running server against its output shape. Prints TAP."""
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Tap  # noqa: E402
from kms_model import COMMON, Model, missing, read  # noqa: E402
import server  # noqa: E402
import signing  # noqa: E402

OWN = {"ApprovalRequiredException", "CensusException", "ClockException"}  # of Redoubt's own operations
KEY_ID, KEY_ANY, KEY_TARGET = 2, 3, 4  # enum rdt_op_key
STATE_ERRORS = {1: {"DisabledException", "KMSInvalidStateException"}, 2: {"DisabledException", "KMSInvalidStateException"},
                3: {"KMSInvalidStateException"}, 4: {"KMSInvalidStateException"}, 5: {"KMSInvalidStateException"}}
# What handlers answer besides; each has a test that sees it.
HANDLERS = {
    "CreateAlias": {"AlreadyExistsException", "InvalidAliasNameException", "LimitExceededException", "NotFoundException"},
    "CreateKey": {"MalformedPolicyDocumentException", "LimitExceededException", "TagException"},
    "Decrypt": {"DisabledException", "DryRunOperationException", "IncorrectKeyException", "InvalidCiphertextException",
                "InvalidKeyUsageException", "KMSInvalidStateException", "NotFoundException"},
    "DeleteAlias": {"NotFoundException"},
    "Encrypt": {"DryRunOperationException", "InvalidKeyUsageException"},
    "GenerateDataKey": {"DryRunOperationException"},
    "GenerateDataKeyWithoutPlaintext": {"DryRunOperationException"},
    "GetKeyPolicy": {"NotFoundException"},
    "ListAliases": {"InvalidArnException", "InvalidMarkerException", "NotFoundException"},
    "ListKeyRotations": {"InvalidMarkerException"},
    "ListKeys": {"InvalidMarkerException"},
    "ListResourceTags": {"InvalidMarkerException"},
    "PutKeyPolicy": {"LimitExceededException", "MalformedPolicyDocumentException", "NotFoundException"},
    "ReEncrypt": {"DisabledException", "DryRunOperationException", "IncorrectKeyException", "InvalidCiphertextException",
                  "InvalidKeyUsageException", "KMSInvalidStateException", "NotFoundException"},
    "RotateKeyOnDemand": {"ConflictException", "LimitExceededException"},
    "TagResource": {"TagException"},
    "UpdateAlias": {"KMSInvalidStateException", "LimitExceededException", "NotFoundException"},
}


def row_of(model, shape):
    """What a row has to say about a member of this shape."""
    kind = shape["type"]
    low, high = shape.get("min", 0), shape.get("max", 0)
    if kind == "string":
        return ("word", 0, 0, shape["enum"]) if "enum" in shape else ("text", low, high, None)
    if kind == "list":
        item = model.shapes[shape["member"]["shape"]]
        return ("objects" if item["type"] == "structure" else "texts", low, high, item.get("enum"))
    return {"map": ("map", 0, 0, None), "structure": ("object", 0, 0, None), "boolean": ("boolean", 0, 0, None),
            "blob": ("blob", low, high, None), "integer": ("integer", low, high, None)}[kind]


def members(tap, model, op):
    shapes, required = model.input(op["name"])
    rows = {row["name"]: row for row in op["in"]}
    wrong = ["%s: in one only" % name for name in set(rows) ^ set(shapes)]
    for name in set(rows) & set(shapes):
        row = rows[name]
        want = row_of(model, shapes[name]) + (name in required, shapes[name].get("sensitive", False))
        words = row["words"].split(" ") if "words" in row else None
        got = (row["type"], row["min"], row["max"], words, row["required"], row["sensitive"])
        if want[:3] + want[4:] != got[:3] + got[4:] or sorted(want[3] or []) != sorted(words or []):
            wrong.append("%s: %s, the model says %s" % (name, got, want))
    tap.ok(not wrong, "%s: members" % op["name"], "\n".join(wrong))


def errors(tap, model, op):
    """What the row and its handler may answer."""
    name = op["name"]
    may = set(HANDLERS.get(name, ())) | STATE_ERRORS.get(op["states"], set())
    if op["key"] in (KEY_ID, KEY_ANY, KEY_TARGET):
        may |= {"NotFoundException"} | (set() if op["class"] == "data" or op["key"] == KEY_TARGET else {"InvalidArnException"})
    extra = may - model.errors(name) - COMMON
    tap.ok(not extra, "%s: answers only errors of the model" % name, sorted(extra))


def lists(tap, model, ops):
    pages = read("kms-paginators-1.json")["pagination"]
    for name, page in sorted(pages.items()):
        op = ops[name]
        if op["class"] == "unsupported":
            continue
        rows = {row["name"] for row in op["in"]}
        output = model.shapes[model.ops[name]["output"]["shape"]]["members"]
        tap.ok({page["limit_key"], page["input_token"]} <= rows and
               {page["output_token"], page["more_results"], page["result_key"]} <= set(output), "%s: pages" % name, page)
    paged = {name for name, op in ops.items() if {"Limit", "Marker"} <= {row["name"] for row in op["in"]}}
    tap.ok(paged == {name for name in pages if ops[name]["class"] != "unsupported"}, "every list has pages, nothing else has", paged)


def table(tap, model):
    said = json.loads(subprocess.run([os.environ["KMS_OPS_MAIN"]], stdout=subprocess.PIPE, check=True).stdout)
    names = [op["name"] for op in said["ops"]]
    tap.ok(names == sorted(model.ops) and len(names) == 54, "the names of all operations, sorted", set(names) ^ set(model.ops))
    ops = {op["name"]: op for op in said["ops"]}
    for op in said["ops"]:
        if op["class"] != "unsupported":
            members(tap, model, op)
            errors(tap, model, op)
    lists(tap, model, ops)
    known = {name for name, shape in model.shapes.items() if shape.get("exception")} | COMMON | OWN
    tap.ok({f["name"] for f in said["faults"]} <= known, "every fault has a name that clients know",
           {f["name"] for f in said["faults"]} - known)
    faults = {name for name, shape in model.shapes.items() if shape.get("fault")}
    wrong = [f for f in said["faults"] if f["name"] not in OWN and (f["status"] >= 500) != (f["name"] in faults)]
    tap.ok(not wrong, "statuses: 400, and 5xx for the model's faults", wrong)
    return ops


# ---- answers

def answers(tap, model, ops, env):
    def call(name, given=None):
        status, answer = signing.call(env, "TrentService." + name, given or {})
        if status != 200:
            tap.ok(False, "%s answers" % name, answer)
        return answer

    asked = {}
    key = call("CreateKey", {"Description": "d", "Tags": [{"TagKey": "a", "TagValue": ""}]})
    asked["CreateKey"], key = key, key["KeyMetadata"]["KeyId"]
    one = {"KeyId": key}
    asked["CreateAlias"] = call("CreateAlias", {"AliasName": "alias/a", "TargetKeyId": key})
    asked["Encrypt"] = call("Encrypt", dict(one, Plaintext="eA==", EncryptionContext={"a": "b"}))
    blob = {"CiphertextBlob": asked["Encrypt"]["CiphertextBlob"]}
    for name, given in (
            ("Decrypt", dict(blob, EncryptionContext={"a": "b"})),
            ("ReEncrypt", dict(blob, SourceEncryptionContext={"a": "b"}, DestinationKeyId=key)),
            ("GenerateDataKey", dict(one, KeySpec="AES_128")), ("GenerateDataKeyWithoutPlaintext", dict(one, NumberOfBytes=1)),
            ("GenerateRandom", {"NumberOfBytes": 3}), ("UpdateKeyDescription", dict(one, Description="e")),
            ("EnableKeyRotation", one), ("GetKeyRotationStatus", one), ("RotateKeyOnDemand", one),
            ("ListKeyRotations", dict(one, IncludeKeyMaterial="ALL_KEY_MATERIAL", Limit=1)), ("DisableKeyRotation", one),
            ("TagResource", dict(one, Tags=[{"TagKey": "b", "TagValue": "c"}])), ("ListResourceTags", dict(one, Limit=1)),
            ("UntagResource", dict(one, TagKeys=["b"])), ("GetKeyPolicy", one), ("ListKeyPolicies", one), ("DescribeKey", one),
            ("GetKeyLastUsage", one), ("ListKeys", {}), ("ListAliases", {}), ("DisableKey", one), ("EnableKey", one),
            ("UpdateAlias", {"AliasName": "alias/a", "TargetKeyId": key}), ("DeleteAlias", {"AliasName": "alias/a"})):
        asked[name] = call(name, given)
    asked["PutKeyPolicy"] = call("PutKeyPolicy", dict(one, Policy=asked["GetKeyPolicy"]["Policy"]))
    asked["ScheduleKeyDeletion"] = call("ScheduleKeyDeletion", one)
    asked["DescribeKey of a key that goes"] = call("DescribeKey", one)
    asked["CancelKeyDeletion"] = call("CancelKeyDeletion", one)
    for name, answer in sorted(asked.items()):
        wrong = model.wrong(name.split(" ")[0], answer)
        tap.ok(not wrong, "%s: an answer of the model's shape" % name, "\n".join(wrong))
    offered = {name for name, op in ops.items() if op["class"] != "unsupported"}
    tap.ok(offered <= set(asked), "each operation that is offered was asked", offered - set(asked))
    for name in sorted(set(ops) - offered):
        status, answer = signing.call(env, "TrentService." + name, {})
        tap.ok((status, answer["__type"]) == (400, "UnsupportedOperationException"), "%s is not offered, and says so" % name, answer)


def main():
    tap = Tap()
    why = missing()
    if why:
        tap.skip("the operations against the public model", why)
        tap.finish()
    model = Model()
    ops = table(tap, model)
    with tempfile.TemporaryDirectory() as folder, server.Server(os.path.join(folder, "data")) as running:
        answers(tap, model, ops, running.env())
    tap.finish()


main()
