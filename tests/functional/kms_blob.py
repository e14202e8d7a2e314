#!/usr/bin/env python3
"""The KMS ciphertext, a second time: written from docs/formats/kms-ciphertext.md alone, with an AES-GCM
of its own, so that it agrees with the C code by nothing but the page.

kms_blob.py --vectors   print tests/vectors/kms-ciphertext.json
"""
import hashlib
import hmac
import json
import sys

HEAD, TAG, OVER = 77, 16, 93
CONTEXT_MOST, PAIRS_MOST = 8192, 64


class Refused(Exception):
    pass


# ---- AES-256 and GCM: FIPS 197, SP 800-38D ----

def _times(a, b):
    r = 0
    while b:
        r ^= a if b & 1 else 0
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return r


def _sbox():
    box = []
    for x in range(256):
        inverse = next((y for y in range(256) if _times(x, y) == 1), 0)
        s = 0x63
        for k in range(5):
            s ^= ((inverse << k) | (inverse >> (8 - k))) & 0xFF
        box.append(s)
    return box


SBOX = _sbox()
TWICE = [_times(x, 2) for x in range(256)]


def _expand(key):
    words = [list(key[i:i + 4]) for i in range(0, 32, 4)]
    rcon = 1
    for i in range(8, 60):
        w = list(words[-1])
        if i % 8 == 0:
            w = [SBOX[b] for b in w[1:] + w[:1]]
            w[0] ^= rcon
            rcon = TWICE[rcon]
        elif i % 8 == 4:
            w = [SBOX[b] for b in w]
        words.append([a ^ b for a, b in zip(words[-8], w)])
    return [sum(words[i:i + 4], []) for i in range(0, 60, 4)]


def _block(rounds, block):
    s = [a ^ b for a, b in zip(block, rounds[0])]
    for n, key in enumerate(rounds[1:], 1):
        s = [SBOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if n != 14:
            mixed = []
            for c in range(0, 16, 4):
                col = s[c:c + 4]
                total = col[0] ^ col[1] ^ col[2] ^ col[3]
                mixed += [col[i] ^ total ^ TWICE[col[i] ^ col[(i + 1) % 4]] for i in range(4)]
            s = mixed
        s = [a ^ b for a, b in zip(s, key)]
    return bytes(s)


def _ghash(h, data):
    y = 0
    for i in range(0, len(data), 16):
        x = y ^ int.from_bytes(data[i:i + 16], "big")
        z, v = 0, h
        for bit in range(127, -1, -1):
            z ^= v if x >> bit & 1 else 0
            v = (v >> 1) ^ (0xE1 << 120 if v & 1 else 0)
        y = z
    return y.to_bytes(16, "big")


def _padded(data):
    return data + bytes(-len(data) % 16)


def _gcm(key, iv, data):
    """The stream over data, and what makes a tag of (aad, ciphertext)."""
    rounds = _expand(key)
    stream = b"".join(_block(rounds, iv + (2 + i).to_bytes(4, "big")) for i in range((len(data) + 15) // 16))
    out = bytes(a ^ b for a, b in zip(data, stream))
    h = int.from_bytes(_block(rounds, bytes(16)), "big")
    mask = _block(rounds, iv + (1).to_bytes(4, "big"))

    def tag(aad, ct):
        lengths = (8 * len(aad)).to_bytes(8, "big") + (8 * len(ct)).to_bytes(8, "big")
        return bytes(a ^ b for a, b in zip(_ghash(h, _padded(aad) + _padded(ct) + lengths), mask))

    return out, tag


def gcm_seal(key, iv, aad, plain):
    ct, tag = _gcm(key, iv, plain)
    return ct + tag(aad, ct)


def gcm_open(key, iv, aad, sealed):
    ct, given = sealed[:-TAG], sealed[-TAG:]
    plain, tag = _gcm(key, iv, ct)
    if not hmac.compare_digest(tag(aad, ct), given):
        raise Refused("tag")
    return plain


# ---- the format ----

def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def u32(n):
    return n.to_bytes(4, "big")


def canonical(pairs):
    """Section 3; pairs of texts or bytes."""
    pairs = [tuple(x.encode("utf-8", "surrogatepass") if isinstance(x, str) else x for x in p) for p in pairs]
    if len(pairs) > PAIRS_MOST or len({k for k, _ in pairs}) != len(pairs):
        raise Refused("pairs")
    out = u32(len(pairs))
    for pair in sorted(pairs):
        for text in pair:
            try:
                text.decode("utf-8", "strict")
            except UnicodeDecodeError:
                raise Refused("not UTF-8") from None
            if b"\0" in text:
                raise Refused("NUL")
            out += u32(len(text)) + text
        if not pair[0]:
            raise Refused("empty key")
    if len(out) > CONTEXT_MOST:
        raise Refused("long")
    return out


def material_id(material, key):
    return mac(material, b"redoubt material id v1\0" + key)


def derived(material, head):
    return mac(material, u32(1) + b"redoubt kms v1\0" + head[:65] + u32(256))


def seal(material, key, context, plain, fresh):
    head = b"\xf7" + key + material_id(material, key) + fresh
    return head + gcm_seal(derived(material, head), head[65:], head + context, plain)


def fresh(hedge, pool, key, context, plain):
    return mac(hedge, pool + key + context + plain)[:28]


def unseal(material, key, context, blob):
    if len(blob) < OVER or blob[0] != 0xF7:
        raise Refused("format")
    head = blob[:HEAD]
    if head[1:17] != key or not hmac.compare_digest(head[17:49], material_id(material, key)):
        raise Refused("key or material")
    return gcm_open(derived(material, head), head[65:], head + context, blob[HEAD:])


# ---- vectors ----

def fixed(label, n):
    return hashlib.shake_128(b"redoubt kms-ciphertext vectors: " + label.encode()).digest(n)


OPEN = [
    ("no context, empty plaintext", {}, b""),
    ("no context, one byte", {}, b"x"),
    ("one pair", {"tenant": "a"}, b"attack at dawn"),
    ("order of bytes, not of writing", {"b": "2", "a": "1", "ab": "3", "B": "4", "\u00e4": "5"}, bytes(range(64))),
    ("empty value", {"k": ""}, bytes(32)),
    ("beyond the first plane", {"\U0001f511": "\uffff"}, fixed("plane", 100)),
    ("as much as KMS takes", {"purpose": "a long one"}, fixed("long", 4096)),
    ("64 pairs", {"k%02d" % i: "v" * i for i in range(64)}, b"data key"),
]

def raw(*texts):
    return [t.encode("utf-8", "surrogatepass") if isinstance(t, str) else t for t in texts]


CONTEXTS = [
    [],
    [raw("a", "b")],
    [raw("b", ""), raw("a", "")],
    [raw("a", "b"), raw("aa", "c"), raw("B", "d")],
    [raw("\u00e9", "e\u0301"), raw("e\u0301", "\u00e9")],
    [raw("a", "b"), raw("a", "c")],
    [raw("", "b")],
    [raw("a", "b\0")],
    [raw("a\0", "b")],
    [raw("\ud800", "b")],
    [raw("a", b"\xff")],
    [raw("a", b"\xc0\xaf")],
    [raw(b"a\xe2\x82", "b")],
    [raw("a", "x" * (8192 - 13))],
    [raw("a", "x" * (8192 - 12))],
    [raw("k%d" % i, "") for i in range(64)],
    [raw("k%d" % i, "") for i in range(65)],
]


def vectors():
    out = {"format": "docs/formats/kms-ciphertext.md", "open": [], "refuse": [], "contexts": []}
    for name, context, plain in OPEN:
        material, key = fixed(name + " material", 32), fixed(name + " key", 16)
        bytes_ = canonical(context.items())
        blob = seal(material, key, bytes_, plain,
                    fresh(fixed(name + " hedge", 32), fixed(name + " pool", 32), key, bytes_, plain))
        out["open"].append({"name": name, "material": material.hex(), "key": key.hex(), "context": context,
                            "context_bytes": bytes_.hex(), "material_id": blob[17:49].hex(),
                            "derived": derived(material, blob).hex(), "plain": plain.hex(), "blob": blob.hex()})
    out["refuse"] = list(refused())
    for pairs in CONTEXTS:
        try:
            bytes_ = canonical(pairs).hex()
        except Refused:
            bytes_ = None
        out["contexts"].append({"pairs": [[t.hex() for t in p] for p in pairs], "bytes": bytes_})
    return out


def refused():
    material, other, key = fixed("material", 32), fixed("other", 32), fixed("key", 16)
    context, plain = {"tenant": "a", "row": "7"}, b"attack at dawn"
    good = seal(material, key, canonical(context.items()), plain, fixed("fresh", 28))

    def case(name, blob=good, material=material, key=key, context=context):
        return {"name": name, "material": material.hex(), "key": key.hex(), "context": context, "blob": blob.hex()}

    for place, at in [("format", 0), ("key", 1), ("material id", 17), ("nonce", 49), ("IV", 65),
                      ("ciphertext", 77), ("tag", len(good) - 1)]:
        yield case("one bit of the %s" % place, blob=good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
    yield case("one byte less", blob=good[:-1])
    yield case("one byte more", blob=good + b"\0")
    yield case("head alone", blob=good[:HEAD])
    yield case("92 bytes", blob=good[:92])
    yield case("empty", blob=b"")
    yield case("another material", material=other)
    yield case("another key", key=fixed("other key", 16))
    yield case("no context", context={})
    yield case("a pair less", context={"tenant": "a"})
    yield case("a pair more", context={"tenant": "a", "row": "7", "x": ""})
    yield case("another value", context={"tenant": "b", "row": "7"})
    yield case("case of a key", context={"Tenant": "a", "row": "7"})
    yield case("key and value shifted", context={"tenant": "a", "ro": "w7"})
    # a blob of the other material under this material's id: what the commitment is for
    head = b"\xf7" + key + material_id(material, key) + fixed("fresh", 28)
    ctx = canonical(context.items())
    yield case("id of one material, key of another", material=other,
               blob=head + gcm_seal(derived(other, head), head[65:], head + ctx, plain))
    yield case("context is not authenticated", blob=head + gcm_seal(derived(material, head), head[65:], head, plain))
    yield case("head is not authenticated", blob=head + gcm_seal(derived(material, head), head[65:], ctx, plain))


def main():
    if sys.argv[1:] == ["--vectors"]:
        json.dump(vectors(), sys.stdout, indent=1)
        print()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
