"""root.json, a second time: written from docs/formats/root.md alone. AES-GCM is that of kms_blob.py, Shamir's
sharing goes by logarithms, Argon2id is the library's (there is no other on a Debian machine)."""
import base64
import ctypes
import hashlib
import hmac
import itertools
import json
import re

from kms_blob import Refused, gcm_open


def sized(text):
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw


def u32(n):
    return n.to_bytes(4, "big")


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf(ikm, salt, info):
    return mac(mac(salt, ikm), info + b"\x01")


def unwrap(key, aad, wrapped):
    if len(wrapped) != 60:
        raise Refused("a wrap of %d bytes" % len(wrapped))
    return gcm_open(key, wrapped[:12], aad, wrapped[12:])


def seconds(stamp):
    import calendar
    import time
    return calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))


def argon2id(passphrase, salt, memory_kib, passes, lanes):
    library = ctypes.CDLL("libargon2.so.1")
    out = ctypes.create_string_buffer(32)
    rc = library.argon2id_hash_raw(passes, memory_kib, lanes, passphrase, ctypes.c_size_t(len(passphrase)),
                                   salt, ctypes.c_size_t(len(salt)), out, ctypes.c_size_t(32))
    if rc != 0:
        raise Refused("Argon2id: %d" % rc)
    return out.raw


# ---- GF(2^8) by logarithms to the base 3 ----

EXP, LOG = [0] * 510, [0] * 256
_x = 1
for _i in range(255):
    EXP[_i] = EXP[_i + 255] = _x
    LOG[_x] = _i
    _x = (_x ^ (_x << 1)) ^ (0x11B if (_x ^ (_x << 1)) & 0x100 else 0)


def times(a, b):
    return EXP[LOG[a] + LOG[b]] if a and b else 0


def over(a, b):
    return EXP[LOG[a] - LOG[b] + 255] if a else 0


def join(shares):
    """shares: {x: y}."""
    out = bytearray(32)
    for x, y in shares.items():
        weight = 1
        for other in shares:
            if other != x:
                weight = times(weight, over(other, other ^ x))
        for i in range(32):
            out[i] ^= times(weight, y[i])
    return bytes(out)


SHARE = re.compile(r"redoubt-share-1-([a-z0-9-]{1,31})-([1-9][0-9]?)-([A-Za-z0-9_-]{59})$")


def read_share(text):
    """(seal, x, deployment's start, set, y)"""
    m = SHARE.match(text.strip())
    if not m:
        raise Refused("no share")
    body = base64.urlsafe_b64decode(m.group(3) + "=")
    owner, split, y, total = body[:4], body[4:8], body[8:40], body[40:]
    x = int(m.group(2))
    want = hashlib.sha256(b"redoubt share v1\0" + m.group(1).encode() + b"\0" + bytes([x]) + owner + split + y).digest()
    if want[:4] != total:
        raise Refused("a typing error")
    return m.group(1), x, owner, split, y


class Root:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.doc = json.load(file)
        if self.doc["redoubt_root"] != 1 or set(self.doc) != {"redoubt_root", "deployment", "created", "check", "items", "seals"}:
            raise Refused("format")
        self.deployment = base64.b64decode(self.doc["deployment"])

    def seal(self, name):
        return next(seal for seal in self.doc["seals"] if seal["id"] == name)

    def aad(self, seal):
        out = b"redoubt root seal v1\0" + self.deployment + sized(seal["id"]) + sized(seal["type"])
        out += seconds(seal["created"]).to_bytes(8, "big")
        if seal["type"] == "passphrase":
            out += u32(seal["memory_kib"]) + u32(seal["passes"]) + u32(seal["lanes"]) + base64.b64decode(seal["salt"])
        elif seal["type"] == "shamir":
            out += u32(seal["threshold"]) + u32(seal["shares"]) + base64.b64decode(seal["set"])
        elif seal["type"] == "pkcs11":
            kek = base64.b64decode(seal["kek"])
            out += sized(seal["module"]) + sized(seal["token"]) + sized(seal["label"]) + sized(seal["how"])
            out += u32(len(kek)) + kek
        return out

    def open(self, seal, kek):
        root = unwrap(kek, self.aad(seal), base64.b64decode(seal["root"]))
        if mac(root, b"redoubt root check v1" + self.deployment) != base64.b64decode(self.doc["check"]):
            raise Refused("check value")
        return root

    def by_development(self, name):
        seal = self.seal(name)
        return self.open(seal, base64.b64decode(seal["key"]))

    def by_passphrase(self, name, passphrase):
        seal = self.seal(name)
        return self.open(seal, argon2id(passphrase, base64.b64decode(seal["salt"]), seal["memory_kib"],
                                        seal["passes"], seal["lanes"]))

    def by_shares(self, texts):
        read = [read_share(text) for text in texts]
        seal = self.seal(read[0][0])
        shares = {}
        for name, x, owner, split, y in read:
            if name != seal["id"] or owner != self.deployment[:4] or split != base64.b64decode(seal["set"]):
                raise Refused("a share of something else")
            shares[x] = y
        if len(shares) < seal["threshold"]:
            raise Refused("too few")
        return self.open(seal, join(dict(itertools.islice(shares.items(), seal["threshold"]))))

    def items(self, root):
        key = hkdf(root, self.deployment, b"redoubt root item v1")
        return {name: unwrap(key, self.deployment + name.encode(), base64.b64decode(wrapped))
                for name, wrapped in self.doc["items"].items()}
