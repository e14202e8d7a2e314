#!/usr/bin/env python3
"""RF1, a second time: written from docs/formats/field.md alone, so that it agrees with the C code by
nothing but the page.

field_values.py --vectors   print tests/vectors/field.json
"""
import base64
import hashlib
import hmac
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kms_blob import Refused, gcm_open, gcm_seal  # noqa: E402

OVER, FRONT, MOST = 80, 64, 16 << 20
FAULTS = ("ok", "not-rf1", "suite", "tenant", "key", "place", "body", "row", "too-long")


class Place:
    """What a catalogue and a keyring say of a column: section 2."""

    def __init__(self, kek, handle, epoch, tenant, column, row_bound=False, bucket=0, any_length=False):
        self.kek, self.handle, self.epoch = kek, handle, epoch
        self.tenant, self.column = tenant, column
        self.row_bound, self.bucket, self.any_length = row_bound, bucket, any_length

    def key(self, label):
        return mac(self.kek, label + b"\0" + self.tenant + self.column + b"\1")

    @property
    def suite(self):
        return 0x01 | (0x40 if self.bucket else 0) | (0x80 if self.row_bound else 0)

    def words(self):
        """As field_main takes it."""
        return (self.handle.to_bytes(4, "big") + self.epoch.to_bytes(2, "big") + self.tenant + self.column
                + bytes([self.row_bound]) + self.bucket.to_bytes(2, "big") + bytes([self.any_length, 0]))


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def row_bytes(place, row):
    if place.row_bound != bool(row):
        raise Refused("row")
    if not row:
        return b""
    return bytes([len(row)]) + row if len(row) <= 32 else b"\xff" + hashlib.sha256(row).digest()


def seal(place, row, plain, fresh):
    """fresh: salt 12, IV 12."""
    row = row_bytes(place, row)
    if place.bucket:
        plain += b"\x80"
        plain += bytes(-len(plain) % place.bucket)
    if len(plain) > MOST:
        raise Refused("too-long")
    header = bytes([0xF8, place.suite]) + place.handle.to_bytes(4, "big") + place.epoch.to_bytes(2, "big")
    salt, iv = fresh[:12], fresh[12:]
    commitment = mac(place.key(b"redoubt/rf1/verify"), header + salt + iv + row)
    dek = mac(place.key(b"redoubt/rf1/encrypt"), header + salt + row + b"\1")
    return header + salt + iv + commitment + gcm_seal(dek, iv, header + salt + commitment + row, plain)


def verify(place, row, value):
    """The row's bytes; Refused says why not."""
    if not OVER <= len(value) <= OVER + MOST or value[0] != 0xF8:
        raise Refused("not-rf1")
    if value[1] != place.suite and not (place.any_length and value[1] == place.suite ^ 0x40):
        raise Refused("suite")
    if value[2:6] != place.handle.to_bytes(4, "big"):
        raise Refused("tenant")
    if value[6:8] != place.epoch.to_bytes(2, "big"):
        raise Refused("key")
    row = row_bytes(place, row)
    if not hmac.compare_digest(value[32:64], mac(place.key(b"redoubt/rf1/verify"), value[:32] + row)):
        raise Refused("place")
    return row


def unseal(place, row, value):
    row = verify(place, row, value)
    dek = mac(place.key(b"redoubt/rf1/encrypt"), value[:20] + row + b"\1")
    try:
        plain = gcm_open(dek, value[20:32], value[:20] + value[32:64] + row, value[FRONT:])
    except Refused:
        raise Refused("body") from None
    if value[1] & 0x40:
        plain = plain.rstrip(b"\0")
        if not plain.endswith(b"\x80"):
            raise Refused("body")
        plain = plain[:-1]
    return plain


def text(value):
    return "rd1." + base64.urlsafe_b64encode(value).decode().rstrip("=")


def untext(words):
    if not words.startswith("rd1."):
        raise Refused("text")
    try:
        value = base64.b64decode(words[4:] + "=" * (-len(words[4:]) % 4), altchars="-_", validate=True)
    except ValueError:
        raise Refused("text") from None
    if text(value) != words:
        raise Refused("text")
    return value


# ---- vectors ----

def fixed(label, n):
    return hashlib.shake_128(b"redoubt field vectors: " + label.encode()).digest(n)


def place_of(label, **other):
    return Place(fixed(label + " kek", 32), int.from_bytes(fixed(label + " handle", 4), "big"), 1 + fixed(label, 1)[0],
                 fixed(label + " tenant", 16), fixed(label + " column", 16), **other)


GOOD = [
    ("empty", {}, b"", b""),
    ("one byte", {}, b"", b"x"),
    ("an address", {}, b"", b"ada@example.org"),
    ("a block", {}, b"", bytes(range(16))),
    ("1,000 bytes", {}, b"", fixed("thousand", 1000)),
    ("row of one byte", {"row_bound": True}, b"\0", b"row"),
    ("row of 32 bytes", {"row_bound": True}, fixed("row 32", 32), b"row"),
    ("row of 33 bytes is hashed", {"row_bound": True}, fixed("row 33", 33), b"row"),
    ("padded, empty", {"bucket": 16}, b"", b""),
    ("padded, one below", {"bucket": 16}, b"", fixed("fifteen", 15)),
    ("padded, a full bucket", {"bucket": 16}, b"", fixed("sixteen", 16)),
    ("padded, ends in what pads", {"bucket": 32}, b"", b"\x80\0\0"),
    ("padded and bound", {"bucket": 64, "row_bound": True}, b"42", b"0151 2345678"),
]


def flip(value, at, bit=1):
    return value[:at] + bytes([value[at] ^ bit]) + value[at + 1:]


def bad():
    """(name, place, row, value): none of them opens."""
    p = place_of("bad", row_bound=True, bucket=16)
    fresh = fixed("bad fresh", 24)
    good = seal(p, b"row 1", b"secret", fresh)
    plain = place_of("bad")
    for name, at in (("format", 0), ("handle", 2), ("epoch", 7), ("salt", 8), ("IV", 20), ("commitment", 32), ("body", 64),
                     ("tag", len(good) - 1)):
        yield name + " changed", p, b"row 1", flip(good, at)
    yield "of a later suite", p, b"row 1", flip(good, 1, 0x02)
    yield "not bound to its row", p, b"row 1", seal(Place(p.kek, p.handle, p.epoch, p.tenant, p.column, bucket=16), b"", b"secret", fresh)
    yield "not padded", p, b"row 1", seal(Place(p.kek, p.handle, p.epoch, p.tenant, p.column, row_bound=True), b"row 1", b"secret", fresh)
    yield "of another row", p, b"row 2", good
    yield "without a row", p, b"", good
    yield "with a row where none is", plain, b"row 1", seal(plain, b"", b"secret", fresh)
    yield "of another column", p, b"row 1", seal(Place(p.kek, p.handle, p.epoch, p.tenant, fixed("other", 16), True, 16), b"row 1", b"secret", fresh)
    yield "of another tenant under this handle", p, b"row 1", seal(Place(p.kek, p.handle, p.epoch, fixed("other", 16), p.column, True, 16), b"row 1", b"secret", fresh)
    yield "of another KEK", p, b"row 1", seal(Place(fixed("other", 32), p.handle, p.epoch, p.tenant, p.column, True, 16), b"row 1", b"secret", fresh)
    yield "of another handle", p, b"row 1", seal(Place(p.kek, p.handle ^ 1, p.epoch, p.tenant, p.column, True, 16), b"row 1", b"secret", fresh)
    yield "of another epoch", p, b"row 1", seal(Place(p.kek, p.handle, p.epoch + 1, p.tenant, p.column, True, 16), b"row 1", b"secret", fresh)
    yield "cut in its tag", p, b"row 1", good[:79]
    yield "cut by one", p, b"row 1", good[:-1]
    yield "longer by one", p, b"row 1", good + b"\0"
    yield "no bytes", p, b"row 1", b""


def reason(place, row, value):
    try:
        unseal(place, row, value)
    except Refused as why:
        return str(why)
    return "ok"


def described(name, place, row, value):
    return {"name": name, "kek": place.kek.hex(), "handle": place.handle, "epoch": place.epoch, "tenant": place.tenant.hex(),
            "column": place.column.hex(), "row_bound": place.row_bound, "bucket": place.bucket, "row": row.hex(),
            "value": value.hex()}


def vectors():
    out = {"format": "docs/formats/field.md", "open": [], "refuse": [], "texts": []}
    for name, other, row, plain in GOOD:
        place = place_of(name, **other)
        value = seal(place, row, plain, fixed(name + " fresh", 24))
        out["open"].append(dict(described(name, place, row, value), plain=plain.hex(), text=text(value)))
    for name, place, row, value in bad():
        out["refuse"].append(dict(described(name, place, row, value), fault=reason(place, row, value)))
    good = out["open"][2]["text"]  # two bits of its last letter are not used
    for words in (good[1:], good + "=", good[:-1] + chr(ord(good[-1]) + 1), good + "\n", good[:9] + "+" + good[10:], "rd2." + good[4:]):
        try:
            untext(words)
        except Refused:
            out["texts"].append(words)
    return out


if __name__ == "__main__":
    if sys.argv[1:] != ["--vectors"]:
        sys.exit(__doc__)
    print(json.dumps(vectors(), indent=1))
