"""A second reader and writer of what approvers sign, from docs/formats/approval.md alone."""
import struct
import uuid

LABELS = {"approve": b"redoubt approval v1\0", "deny": b"redoubt denial v1\0", "review": b"redoubt review v1\0"}
SUSPEND = b"redoubt suspend v1\0"
PARAMETERS_MAX = 65536


class Refused(Exception):
    pass


def pairs_put(pairs):
    out = b""
    for name in sorted(pairs, key=str.encode):
        for text in (name, pairs[name]):
            raw = text.encode()
            out += struct.pack(">H", len(raw)) + raw
    return out


def put(verb, deployment, request, operation, parameters, rows, root, approvers, expires):
    pairs = pairs_put(parameters)
    return LABELS[verb] + uuid.UUID(deployment).bytes + uuid.UUID(request).bytes + bytes([len(operation)]) + \
        operation.encode() + struct.pack(">I", len(pairs)) + pairs + struct.pack(">Q", rows) + root + \
        struct.pack(">QQ", approvers, expires)


def suspend(deployment, key, time_ms):
    return SUSPEND + uuid.UUID(deployment).bytes + uuid.UUID(key).bytes + struct.pack(">Q", time_ms)


class Cursor:
    def __init__(self, raw):
        self.raw = raw

    def take(self, n):
        if len(self.raw) < n:
            raise Refused("too short")
        part, self.raw = self.raw[:n], self.raw[n:]
        return part

    def number(self, n):
        return int.from_bytes(self.take(n), "big")


def text(raw):
    if b"\0" in raw:
        raise Refused("NUL in a text")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Refused("not UTF-8")


def pairs_read(raw):
    cursor, out, before = Cursor(raw), {}, b""
    while cursor.raw:
        name = cursor.take(cursor.number(2))
        value = cursor.take(cursor.number(2))
        if name <= before:
            raise Refused("parameters out of order")
        out[text(name)] = text(value)
        before = name
    return out


def read(raw):
    for verb, label in LABELS.items():
        if raw.startswith(label):
            break
    else:
        raise Refused("no such label")
    cursor = Cursor(raw[len(label):])
    out = {"verb": verb, "deployment": str(uuid.UUID(bytes=cursor.take(16))),
           "request": str(uuid.UUID(bytes=cursor.take(16)))}
    operation = cursor.take(cursor.number(1))
    if not 1 <= len(operation) <= 64 or operation.strip(b"abcdefghijklmnopqrstuvwxyz-"):
        raise Refused("operation")
    out["operation"] = operation.decode()
    n = cursor.number(4)
    if n > PARAMETERS_MAX:
        raise Refused("parameters too long")
    out["parameters"] = pairs_read(cursor.take(n))
    out["rows"] = cursor.number(8)
    out["root"] = cursor.take(32)
    out["approvers"] = cursor.number(8)
    out["expires"] = cursor.number(8)
    if cursor.raw or out["expires"] >= 1 << 63:
        raise Refused("expiry, or bytes left over")
    return out


# ---- tests/vectors/approval.txt is made by: python3 approval_format.py >tests/vectors/approval.txt ----

DEPLOYMENT, REQUEST, KEY = ("11111111-2222-4333-8444-555555555555", "00112233-4455-4677-8899-aabbccddeeff",
                            "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d")


def good():
    first = ("approve", DEPLOYMENT, REQUEST, "key-destroy", {"Key": KEY, "Version": "3"}, 4711, bytes(range(32)), 7, 1796083200123)
    yield "key-destroy", put(*first)
    yield "denial", put("deny", *first[1:])
    yield "review", put("review", DEPLOYMENT, REQUEST, "break-glass",
                        {"Key": KEY, "Ciphertext": "ab" * 32, "Context": '[["a","\u00e4"]]'}, 1, bytes(32), 1, 1)
    yield "no-parameters", put("approve", DEPLOYMENT, REQUEST, "clock-confirm", {}, 0, bytes(32), 1, (1 << 63) - 1)
    yield "empty-value", put("approve", DEPLOYMENT, REQUEST, "quorum-set", {"Quorum": ""}, (1 << 64) - 1, bytes(32), (1 << 64) - 1, 0)


def bad():
    raw = put("approve", DEPLOYMENT, REQUEST, "store-remove", {"Key": KEY, "Store": "db"}, 1, bytes(32), 1, 1)
    pairs = pairs_put({"Key": KEY, "Store": "db"})
    swapped = pairs_put({"Store": "db"}) + pairs_put({"Key": KEY})
    yield "left-over", raw + b"\0"
    yield "other-version", raw.replace(b"approval v1", b"approval v2")
    yield "no-label", raw[len(LABELS["approve"]):]
    yield "suspend-label", raw.replace(b"approval v1", b"suspend v1")
    yield "out-of-order", raw.replace(pairs, swapped)
    yield "twice", raw.replace(pairs, pairs.replace(b"\0\5Store", b"\0\3Key")).replace(
        struct.pack(">I", len(pairs)), struct.pack(">I", len(pairs) - 2), 1)
    yield "empty-name", put("approve", DEPLOYMENT, REQUEST, "quorum-set", {"": "x"}, 1, bytes(32), 1, 1)
    yield "not-utf8", raw.replace(b"Store", b"Stor\xff")
    yield "nul", raw.replace(b"Store", b"Stor\0")
    yield "operation", raw.replace(b"store-remove", b"Store-remove")
    yield "no-operation", put("approve", DEPLOYMENT, REQUEST, "", {}, 1, bytes(32), 1, 1)
    yield "long-operation", put("approve", DEPLOYMENT, REQUEST, "a" * 65, {}, 1, bytes(32), 1, 1)
    yield "long-parameters", put("approve", DEPLOYMENT, REQUEST, "policy-widen", {"A": "x" * 40000, "B": "x" * 40000}, 1, bytes(32), 1, 1)
    yield "expiry", raw[:-8] + b"\x80" + raw[-7:]
    yield "short-pair", raw.replace(struct.pack(">I", len(pairs)), struct.pack(">I", len(pairs) - 1), 1)


def lines():
    yield "# What approvers sign: docs/formats/approval.md. A bad one has to be refused."
    for kind, cases in (("good", good()), ("bad", bad())):
        for name, raw in cases:
            # long ones by their parts only: a letter that is written n times is n*LETTER
            digits = raw.hex()
            yield "%s %s %s" % (kind, name, digits.replace("78" * 40000, "(40000*78)"))


if __name__ == "__main__":
    print("\n".join(lines()))
