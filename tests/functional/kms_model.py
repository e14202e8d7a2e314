"""The public model of AWS KMS, where it lies beside the project: shapes, errors, and whether an answer has
an output's shape."""
import base64
import json
import os

from harness import ROOT

FOLDER = os.path.join(ROOT, "..", "shared", "aws")
# Errors that any operation may answer and that the model does not list.
COMMON = {"AccessDeniedException", "IncompleteSignatureException", "InvalidSignatureException", "MissingAuthenticationTokenException",
          "RequestTimeTooSkewed", "SerializationException", "ThrottlingException", "UnknownOperationException",
          "UnrecognizedClientException", "UnsupportedOperationException", "ValidationException", "KMSInternalException"}


def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return json.load(file)


def missing():
    """Why there is no model here, or None."""
    return None if os.path.exists(os.path.join(FOLDER, "kms-service-2.json")) else \
        "no public model beside the project (../shared/aws)"


class Model:
    def __init__(self):
        self.all = read("kms-service-2.json")
        self.ops, self.shapes = self.all["operations"], self.all["shapes"]

    def input(self, name):
        """(members by name, required) of an operation's input."""
        shape = self.shapes.get(self.ops[name].get("input", {}).get("shape"), {"members": {}})
        return {k: self.shapes[v["shape"]] for k, v in shape["members"].items()}, shape.get("required", [])

    def errors(self, name):
        return {e["shape"] for e in self.ops[name].get("errors", [])}

    def wrong(self, name, answer):
        """What in an answer its output shape does not have; empty: nothing."""
        output = self.ops[name].get("output")
        if output is None:
            return [] if answer == {} else ["no output was expected"]
        return list(self.differs(output["shape"], answer, name))

    def differs(self, shape_name, value, at):
        shape = self.shapes[shape_name]
        kind = shape["type"]
        if kind == "structure":
            yield from self.structure(shape, value, at)
        elif kind == "list":
            for i, item in enumerate(value if isinstance(value, list) else [None]):
                yield from self.differs(shape["member"]["shape"], item, "%s[%d]" % (at, i))
        elif not self.scalar(shape, kind, value):
            yield "%s: %r is no %s" % (at, value, shape_name)

    def structure(self, shape, value, at):
        if not isinstance(value, dict):
            yield "%s: no object" % at
            return
        for name in set(value) - set(shape["members"]):
            yield "%s.%s: not in the model" % (at, name)
        for name in set(shape.get("required", [])) - set(value):
            yield "%s.%s: missing" % (at, name)
        for name in set(value) & set(shape["members"]):
            yield from self.differs(shape["members"][name]["shape"], value[name], at + "." + name)

    def scalar(self, shape, kind, value):
        if kind == "string":
            return isinstance(value, str) and shape.get("min", 0) <= len(value) <= shape.get("max", 1 << 20) and \
                value in shape.get("enum", [value])
        if kind == "blob":
            return isinstance(value, str) and shape.get("min", 0) <= len(base64.b64decode(value, validate=True)) <= shape.get("max", 1 << 20)
        if kind == "boolean":
            return isinstance(value, bool)
        if kind == "integer":
            return isinstance(value, int) and not isinstance(value, bool) and shape.get("min", value) <= value <= shape.get("max", value)
        return kind == "timestamp" and isinstance(value, (int, float)) and not isinstance(value, bool)
