#!/usr/bin/env python3
"""RBF1, a second time: written from docs/formats/sealed-file.md alone, so that it agrees with the C code
by nothing but the page.

sealed_file.py --vectors   print tests/vectors/sealed-file.json
"""
import base64
import ctypes
import hashlib
import hmac
import json
import os
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kms_blob import Refused  # noqa: E402
from root_format import argon2id, join, times  # noqa: E402
from tenant_kek import hpke_open, hpke_seal, public  # noqa: E402

FAULTS = ("ok", "not-rbf1", "version", "head", "recipient", "removed", "key", "slots", "rollback", "wrong-body", "body", "incomplete",
          "footer", "hash", "frame", "cost", "limit", "usage", "internal")
KMS, TENANT, X25519, PASSPHRASE, P11, GLASS = range(1, 7)
CHUNK, SEALED, TAIL_MOST, FRAME = 16384, 16400, 196608, 1 << 20
HIDDEN = ((0, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
          (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB),
          (0xE0000, 0xE0FFF))


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def sha256(data):
    return hashlib.sha256(data).digest()


def gcm(key, iv, aad, plain):
    return AESGCM(key).encrypt(iv, plain, aad)


def ungcm(key, iv, aad, sealed, fault):
    try:
        return AESGCM(key).decrypt(iv, sealed, aad)
    except (InvalidTag, ValueError):
        raise Refused(fault) from None


def shown(text):
    try:
        text = text.decode()
    except UnicodeDecodeError:
        return False
    return not any(a <= ord(c) <= b for c in text for a, b in HIDDEN)


class Bytes:
    """What is left to read; what is not there is the fault."""

    def __init__(self, data, fault):
        self.data, self.fault = data, fault

    def take(self, n):
        if n > len(self.data):
            raise Refused(self.fault)
        out, self.data = self.data[:n], self.data[n:]
        return out

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def need(self, good):
        if not good:
            raise Refused(self.fault)


def u(n, v):
    return v.to_bytes(n, "big")


# ---- 2. the core ----

def make_core(file_id, slot_len=512, items=()):
    policy = b"".join(u(1, kind) + u(2, len(value)) + value for kind, value in items)
    return b"RBF1\1\1" + u(4, slot_len) + file_id + u(2, len(policy)) + policy


def read_item(kind, value):
    if kind == 1:
        return len(value) <= 255 and shown(value)
    if kind == 2:
        return len(value) == 1 and 1 <= value[0] <= 4
    if kind in (3, 4):
        return len(value) == 8 and 1 <= int.from_bytes(value, "big") <= 1 << 53
    if kind == 5:
        return len(value) == 16
    return kind == 6 and value == b"\1"


def read_core(b):
    """(core, slot length, file id, items)"""
    whole = b.data
    b.fault = "not-rbf1"
    b.need(b.take(4) == b"RBF1")
    if b.take(2) != b"\1\1":
        raise Refused("version")
    slot_len, file_id, n = b.number(4), b.take(16), b.number(2)
    b.fault = "head"
    b.need(512 <= slot_len <= 262144 and n <= 4096)
    items, policy, last = {}, Bytes(b.take(n), "head"), 0
    while policy.data:
        kind, value = policy.number(1), policy.take(policy.number(2))
        policy.need(value and kind > last)
        if kind > 6:
            raise Refused("version")
        policy.need(read_item(kind, value))
        items[kind], last = value, kind
    return whole[:28 + n], slot_len, file_id, items


# ---- 3. and 4. slots, stanzas ----

def head_key(file_key):
    return mac(file_key, b"redoubt/rbf1/head\0\1")


def make_slot(core, file_key, stanzas, generation=1, fill=b""):
    slot = u(8, generation) + u(4, len(stanzas)) + stanzas + fill
    slot += bytes(int.from_bytes(core[6:10], "big") - 32 - len(slot))
    return slot + mac(head_key(file_key), core + slot)


def stanza(kind, data):
    return u(1, kind) + u(2, len(data)) + data


def well_formed(kind, data):
    b = Bytes(data, "head")
    if kind == KMS:
        key = b.take(b.number(2))
        tenant = b.take(b.number(1))
        return 1 <= len(key) <= 2048 and shown(key) and shown(tenant) and 1 <= len(b.data) <= 6144
    if kind == P11:
        how = b.number(1)
        labels = [b.take(b.number(1)), b.take(b.number(1))]
        return 1 <= how <= 3 and all(1 <= len(x) <= 64 and shown(x) for x in labels) and 1 <= len(b.data) <= 1024
    if kind == GLASS:
        _, k, n, x = b.take(4)
        return len(data) == 116 and 2 <= k <= n <= 16 and 1 <= x <= n
    return len(data) == {TENANT: 82, X25519: 112, PASSPHRASE: 85}.get(kind, len(data))


class Slot:
    def __init__(self, raw):
        self.raw, self.readable, self.stanzas = raw, False, []
        try:
            b = Bytes(raw[:-32], "head")
            self.generation = b.number(8)
            stanzas = Bytes(b.take(b.number(4)), "head")
            b.need(self.generation > 0 and not any(b.data))
            while stanzas.data:
                kind, data = stanzas.number(1), stanzas.take(stanzas.number(2))
                stanzas.need(well_formed(kind, data))
                self.stanzas.append((kind, data))
            kinds = [kind for kind, _ in self.stanzas]
            self.readable = 1 <= len(kinds) <= 64 and (PASSPHRASE not in kinds or len(kinds) == 1)
        except Refused:
            pass

    def right(self, core, file_key):
        return self.readable and hmac.compare_digest(mac(head_key(file_key), core + self.raw[:-32]), self.raw[-32:])


def wrap(key, aad, file_key, iv):
    return iv + gcm(key, iv, aad, file_key)


def tenant_wrap(file_id, kek, place):
    return mac(kek, b"redoubt/rbf1/tenant\0" + file_id + b"\1"), b"redoubt/rbf1/tenant\0" + file_id + place


def make_stanza(kind, file_id, file_key, who, fresh):
    """who: as seal_main takes it. fresh: bytes to draw on."""
    if kind == KMS:
        return stanza(kind, u(2, 12) + b"alias/backup" + u(1, 4) + b"acme" + b"as kms:Encrypt gave it")
    if kind == P11:
        return stanza(kind, b"\1" + u(1, 5) + b"token" + u(1, 6) + b"backup" + b"as the token wrapped it")
    if kind == TENANT:
        key, aad = tenant_wrap(file_id, who[22:], who[:22])
        return stanza(kind, who[:22] + wrap(key, aad, file_key, fresh[:12]))
    if kind == X25519:
        enc, sealed = hpke_seal(who, b"redoubt/rbf1/x25519\0" + file_id, b"", file_key, fresh[:32])
        return stanza(kind, who + enc + sealed)
    if kind == PASSPHRASE:
        cost = u(4, 19456) + u(4, 1) + u(1, 1) + fresh[:16]
        key = argon2id(who, fresh[:16], 19456, 1, 1)
        return stanza(kind, cost + wrap(key, b"redoubt/rbf1/passphrase\0" + file_id + cost, file_key, fresh[16:28]))
    keys = [who[i:i + 32] for i in range(1, len(who), 32)]
    out = b""
    for x, key in enumerate(keys, 1):
        share, power = bytearray(file_key), 1
        for i in range(1, who[0]):  # the polynomial's further coefficients
            power = times(power, x)
            for j in range(32):
                share[j] ^= times(power, fresh[32 * i + j])
        place = bytes([0, who[0], len(keys), x])
        enc, sealed = hpke_seal(key, b"redoubt/rbf1/break-glass\0" + file_id + place, b"", bytes(share), sha256(fresh + place))
        out += stanza(GLASS, place + key + enc + sealed)
    return out


def unwrap(key, aad, wrapped):
    return ungcm(key, wrapped[:12], aad, wrapped[12:], "recipient")


def hpke(private, info, data):
    try:
        return hpke_open(private, info, b"", data[:32], data[32:])
    except Refused:
        raise Refused("recipient") from None


def file_key_of(kind, secret, file_id, slot, data):
    """Out of one stanza; break-glass: out of all of the slot."""
    if kind in (KMS, P11):
        return secret
    if kind == TENANT:
        key, aad = tenant_wrap(file_id, secret, data[:22])
        return unwrap(key, aad, data[22:])
    if kind == X25519:
        return hpke(secret, b"redoubt/rbf1/x25519\0" + file_id, data[32:])
    if kind == PASSPHRASE:
        kib, passes, lanes = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big"), data[8]
        if not (19456 <= kib <= 1 << 20 and 1 <= passes <= 10 and 1 <= lanes <= 4):
            raise Refused("cost")
        return unwrap(argon2id(secret, data[9:25], kib, passes, lanes), b"redoubt/rbf1/passphrase\0" + file_id + data[:25], data[25:])
    shares = {}
    for other, share in slot.stanzas:
        for private in (secret[i:i + 32] for i in range(0, len(secret), 32)):
            if other == GLASS and public(private) == share[4:36]:
                shares[share[3]] = hpke(private, b"redoubt/rbf1/break-glass\0" + file_id + share[:4], share[36:])
    if len(shares) < data[1]:
        raise Refused("recipient")
    return join(shares)


def unlock(core, file_id, slots, kind, secret, oldest=0):
    order = sorted((s for s in slots if s.readable), key=lambda s: -s.generation)
    if len(order) == 2 and order[0].raw == order[1].raw:
        order.pop()
    why = "recipient"
    for slot in order:
        other = slots[0] if slot is slots[1] else slots[1]
        for data in (data for k, data in slot.stanzas if k == kind):
            try:
                key = file_key_of(kind, secret, file_id, slot, data)
            except Refused as refused:
                if str(refused) != "recipient":
                    raise
                continue
            if not slot.right(core, key):
                why = "key"
                continue
            if other.right(core, key) and other.generation > slot.generation:
                raise Refused("removed")
            if other.right(core, key) and other.generation == slot.generation and other.raw != slot.raw:
                raise Refused("slots")
            if slot.generation < oldest:
                raise Refused("rollback")
            return key
    raise Refused(why)


# ---- 5. the body ----

def expand512(prk, info, n):
    out = block = b""
    for i in range(1, n // 64 + 2):
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha512).digest()
        out += block
    return out[:n]


def message_keys(key, salt, context):
    out = expand512(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context, 76)
    return out[:32], out[32:44], out[44:]


def nonce_of(base, number):
    return bytes(a ^ b for a, b in zip(base, u(12, number)))


def body_keys(core, file_key, salt):
    return message_keys(mac(file_key, b"redoubt/rbf1/body\0\1"), salt, b"redoubt/rbf1\0" + sha256(core))


def make_chunks(key, base, plain, first=0):
    pieces = [plain[i:i + CHUNK] for i in range(0, len(plain) + 1, CHUNK)]
    return [gcm(key, nonce_of(base, first + i), b"", piece) for i, piece in enumerate(pieces)]


def read_chunks(key, base, sealed):
    """The plaintext and the chunks' tags."""
    if len(sealed) % SEALED == 0:
        raise Refused("incomplete")
    pieces = [sealed[i:i + SEALED] for i in range(0, len(sealed), SEALED)]
    return (b"".join(ungcm(key, nonce_of(base, i), b"", piece, "body") for i, piece in enumerate(pieces)),
            [piece[-16:] for piece in pieces])


# ---- 6. the footer ----

def make_footer(plain, payload, tags, flags=0, coding=0, status=0, epochs=b"", versions=b""):
    record = (bytes([1, flags, coding]) + u(4, status) + u(8, len(plain)) + u(8, len(payload)) + sha256(b"".join(tags)))
    if flags & 1:
        record += sha256(plain)
    if flags & 2:
        record += u(2, len(epochs) // 22) + epochs + u(2, len(versions) // 20) + versions
    return record + u(4, len(record)) + b"RBFE"


def ascending(b, each):
    n = b.number(2)
    raw = b.take(n * each)
    entries = [raw[i:i + each] for i in range(0, len(raw), each)]
    b.need(n <= 4096 and all(x < y for x, y in zip(entries, entries[1:])))
    return entries


def read_footer(plain):
    """(payload, footer)"""
    if len(plain) < 8 or plain[-4:] != b"RBFE":
        raise Refused("incomplete")
    n = int.from_bytes(plain[-8:-4], "big")
    if n > len(plain) - 8 or n > TAIL_MOST - 8:
        raise Refused("footer")
    b = Bytes(plain[len(plain) - 8 - n:-8], "footer")
    b.need(b.number(1) == 1)
    flags, coding = b.number(1), b.number(1)
    b.need(flags <= 3 and coding <= 1)
    f = {"coding": coding, "status": b.number(4), "plain": b.number(8), "stored": b.number(8), "tags": b.take(32)}
    f["hash"] = b.take(32) if flags & 1 else None
    f["contained"] = (ascending(b, 22), ascending(b, 20)) if flags & 2 else None
    b.need(not b.data and (coding or f["plain"] == f["stored"]))
    if f["status"]:
        raise Refused("incomplete")
    return plain[:len(plain) - 8 - n], f


# ---- 7. compression: by the library, without the C code's bounds ----

def zstd():
    library = ctypes.CDLL("libzstd.so.1")
    for name in ("ZSTD_compress", "ZSTD_decompress", "ZSTD_findFrameCompressedSize", "ZSTD_compressBound"):
        getattr(library, name).restype = ctypes.c_size_t
    library.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    return library


def le(v):
    return v.to_bytes(4, "little")


def table_of(frames):
    entries = b"".join(le(stored) + le(plain) for stored, plain in frames)
    return le(0x184D2A5E) + le(len(entries) + 9) + entries + le(len(frames)) + b"\0" + le(0x8F92EAB1)


def compress(plain):
    library, out, frames = zstd(), b"", []
    for i in range(0, len(plain), FRAME):
        piece = plain[i:i + FRAME]
        room = ctypes.create_string_buffer(2 * FRAME)
        n = library.ZSTD_compress(room, ctypes.c_size_t(len(room)), piece, ctypes.c_size_t(len(piece)), 3)
        out += room.raw[:n]
        frames.append((n, len(piece)))
    return out + table_of(frames)


def decompress(payload):
    library, out, frames = zstd(), b"", []
    while payload[:4] == bytes.fromhex("28b52ffd"):
        n = library.ZSTD_findFrameCompressedSize(payload, ctypes.c_size_t(len(payload)))
        size = library.ZSTD_getFrameContentSize(payload, ctypes.c_size_t(len(payload)))
        if n > len(payload) or not 1 <= size <= FRAME or (frames and frames[-1][1] != FRAME):
            raise Refused("frame")
        room = ctypes.create_string_buffer(FRAME)
        if library.ZSTD_decompress(room, ctypes.c_size_t(FRAME), payload, ctypes.c_size_t(n)) != size:
            raise Refused("frame")
        out += room.raw[:size]
        frames.append((n, size))
        payload = payload[n:]
    if payload[:4] != le(0x184D2A5E):
        raise Refused("frame")
    if payload != table_of(frames):
        raise Refused("footer")
    return out


# ---- a whole file ----

def seal(kind, who, plain, fresh, flags=0, slot_len=512, **other):
    """other: items (of the core), status, key, tail (puts the footer as it likes)"""
    file_id, file_key = fresh[:16], other.get("key", fresh[16:48])
    coding = 1 if flags & 4 else 0
    core = make_core(file_id, slot_len, list(other.get("items", ())) + ([(6, b"\1")] if coding else []))
    slot = make_slot(core, file_key, make_stanza(kind, file_id, file_key, who, fresh[80:]))
    return core + slot + slot + make_body(core, file_key, plain, fresh[48:72], flags, other.get("tail"), other.get("status", 0))


def make_body(core, file_key, plain, salt, flags=0, tail=None, status=0):
    key, base, commitment = body_keys(core, file_key, salt)
    payload = compress(plain) if flags & 4 else plain
    n = len(payload) // CHUNK
    full = make_chunks(key, base, payload)[:n]
    contained = (bytes(22) + b"\1" + bytes(21), b"\7" + bytes(19)) if flags & 2 else (b"", b"")
    footer = make_footer(plain, payload, [c[-16:] for c in full], flags & 3, (flags & 4) // 4, status, *contained)
    rest = payload[n * CHUNK:] + (tail(footer) if tail else footer)
    return salt + commitment + b"".join(full + make_chunks(key, base, rest, n))


def unseal(data, kind, secret, oldest=0):
    b = Bytes(data, "not-rbf1")
    core, slot_len, file_id, items = read_core(b)
    slots = [Slot(b.take(slot_len)), Slot(b.take(slot_len))]
    b.need(slots[0].readable or slots[1].readable)
    file_key = unlock(core, file_id, slots, kind, secret, oldest)
    b.fault = "incomplete"
    salt, commitment = b.take(24), b.take(32)
    key, base, right = body_keys(core, file_key, salt)
    if not hmac.compare_digest(commitment, right):
        raise Refused("wrong-body")
    plain, tags = read_chunks(key, base, b.data)
    payload, footer = read_footer(plain)
    if footer["coding"] != (6 in items):
        raise Refused("footer")
    content = decompress(payload) if footer["coding"] else payload
    if len(content) != footer["plain"] or len(payload) != footer["stored"]:
        raise Refused("footer")
    if sha256(b"".join(tags[:len(payload) // CHUNK])) != footer["tags"] or footer["hash"] not in (None, sha256(content)):
        raise Refused("hash")
    return content


def digest(data, kind, secret):
    b = Bytes(data, "not-rbf1")
    core, slot_len, file_id, _ = read_core(b)
    file_key = unlock(core, file_id, [Slot(b.take(slot_len)), Slot(b.take(slot_len))], kind, secret)
    front = b.take(56)
    plain, tags = read_chunks(*body_keys(core, file_key, front[:24])[:2], b.data)
    tail = plain[len(read_footer(plain)[0]):]
    return sha256(b"redoubt/rbf1/digest\0" + sha256(core) + front + sha256(b"".join(tags)) + tail)


def reason(data, kind, secret):
    try:
        unseal(data, kind, secret)
    except Refused as why:
        return str(why)
    return "ok"


# ---- vectors ----

def fixed(label, n):
    return hashlib.shake_128(b"redoubt sealed-file vectors: " + label.encode()).digest(n)


KEYS = [fixed("private key %d" % i, 32) for i in range(4)]
PUBLIC = [public(key) for key in KEYS]
KEK = fixed("KEK", 32)
SECRETS = {KMS: KEYS[3], P11: KEYS[3], TENANT: KEK, X25519: KEYS[0], PASSPHRASE: b"correct horse battery staple", GLASS: KEYS[0] + KEYS[2]}
WHO = {KMS: b"", P11: b"", TENANT: fixed("ring", 16) + u(4, 0x01020304) + u(2, 7) + KEK, X25519: PUBLIC[0],
       PASSPHRASE: SECRETS[PASSPHRASE], GLASS: b"\2" + b"".join(PUBLIC[:3])}
ITEMS = ((1, b"orders"), (2, b"\3"), (3, u(8, 1800000000000)), (4, u(8, 1900000000000)), (5, fixed("backup ring", 16)))


def sealed(name, kind, plain, flags=0, **other):
    if kind in (KMS, P11):
        other["key"] = KEYS[3]
    return {"name": name, "kind": kind, "secret": SECRETS[kind], "plain": plain,
            "file": seal(kind, WHO[kind], plain, fixed(name, 400), flags, **other)}


def good():
    yield sealed("for a public key", X25519, b"hello\n")
    yield sealed("of the key service, with a policy", KMS, b"hello\n", items=ITEMS)
    yield sealed("of a tenant", TENANT, b"hello\n", 2)
    yield sealed("under a passphrase", PASSPHRASE, b"hello\n", 1)
    yield sealed("two of three", GLASS, b"hello\n")
    yield sealed("of a token", P11, b"hello\n")
    yield sealed("no plaintext", X25519, b"", 3)
    yield sealed("compressed", X25519, b"hello " * 500, 4)
    yield sealed("compressed, no plaintext", X25519, b"", 5)
    yield sealed("a chunk full", KMS, fixed("chunk", CHUNK))
    yield sealed("two chunks and some", KMS, fixed("more", 2 * CHUNK + 100), 3)
    yield sealed("the footer ends with a chunk", KMS, fixed("edge", CHUNK - 63))
    yield two_slots("one slot torn", lambda core, key, a, b: (a(1), bytes([1]) + a(2)[1:]))
    yield two_slots("resealed, stopped half-way", lambda core, key, a, b: (a(1), a(2)))
    yield two_slots("stanzas of later kinds", lambda core, key, a, b: (
        make_slot(core, key, stanza(99, b"?") + a.stanza + stanza(0, b"")),) * 2)


def two_slots(name, slots):
    """A file whose slots are slots(core, file key, a, b): a() is one for the first key, b() one for the second."""
    fresh = fixed(name, 400)
    core, file_key = make_core(fresh[:16]), fresh[16:48]

    class For:
        def __init__(self, who, at):
            self.stanza = make_stanza(X25519, fresh[:16], file_key, who, fresh[at:])

        def __call__(self, generation=1, fill=b""):
            return make_slot(core, file_key, self.stanza, generation, fill)

    head = slots(core, file_key, For(PUBLIC[0], 80), For(PUBLIC[1], 120))
    return {"name": name, "kind": X25519, "secret": KEYS[0], "plain": b"hello\n",
            "file": core + b"".join(head) + make_body(core, file_key, b"hello\n", fresh[48:72])}


def changed(of, name, slices=None, edits=(), **other):
    data = b"".join(of["file"][a:b] for a, b in slices) if slices else of["file"]
    for at, value in edits:
        at += len(data) if at < 0 else 0
        data = data[:at] + value + data[at + len(value):]
    return dict({"name": name, "of": of["name"], "slices": slices or [[0, len(of["file"])]],
                 "set": [[at, value.hex()] for at, value in edits], "kind": of["kind"], "secret": of["secret"], "file": data}, **other)


def moved(of, name, order):
    """Chunks in another order; the last is number 2."""
    at = [28 + 2 * 512 + 56 + i * SEALED for i in range(3)] + [len(of["file"])]
    return changed(of, name, [[0, at[0]]] + [[at[i], at[i + 1]] for i in order])


def of_one(one, glass, passphrase, long):
    head, body = 28, 28 + 2 * 512
    n = len(one["file"])
    for name, at, value in (("magic", 3, b"2"), ("version", 4, b"\2"), ("suite", 5, b"\2"), ("slot length", 8, b"\0"),
                            ("policy's length", 27, b"\1"), ("salt", body, b"\0"), ("commitment", body + 24, b"\0"),
                            ("first byte of a chunk", body + 56, b"\0"), ("last byte", n - 1, b"\0")):
        yield changed(one, name, edits=[(at, bytes([one["file"][at] ^ 1]) if value == b"\0" else value)])
    yield changed(one, "file id", edits=[(10, b"\0")])
    yield changed(one, "MAC of both slots", edits=[(head + 511, b"\0"), (body - 1, b"\0")])
    yield changed(one, "behind the stanzas of both slots", edits=[(head + 300, b"\1"), (head + 812, b"\1")])
    yield changed(one, "generation 0", edits=[(head + 7, b"\0"), (head + 519, b"\0")])
    yield changed(one, "a higher generation, without the key", edits=[(head + 7, b"\2"), (head + 519, b"\2")])
    yield changed(one, "another key", secret=KEYS[1])
    yield changed(one, "another kind of key", kind=PASSPHRASE, secret=SECRETS[PASSPHRASE])
    yield changed(glass, "one of three", secret=KEYS[1])
    yield changed(passphrase, "another passphrase", secret=b"correct horse battery stapl")
    yield changed(passphrase, "a passphrase that costs too much", edits=[(28 + 15, u(4, (1 << 20) + 1)), (28 + 512 + 15, u(4, (1 << 20) + 1))])
    for name, cut in (("no bytes", 0), ("cut in the core", 27), ("cut in the second slot", body - 1), ("no body", body),
                      ("cut in the commitment", body + 55), ("no chunk", body + 56), ("cut in a tag", body + 60), ("cut by one", n - 1)):
        yield changed(one, name, [[0, cut]])
    yield changed(one, "longer by one", [[0, n], [0, 1]])
    for name, order in (("two chunks swapped", (1, 0, 2)), ("a chunk twice", (0, 0, 2)), ("one more", (0, 1, 1, 2)), ("a chunk removed", (0, 2)),
                        ("the last removed", (0, 1)), ("all removed", ()), ("something behind the last", (0, 1, 2, 2))):
        yield moved(long, name, order)


def of_their_own():
    yield two_slots("removed", lambda core, key, a, b: (a(1), b(2)))
    yield two_slots("two slots that differ", lambda core, key, a, b: (a(1), make_slot(core, key, a.stanza + b.stanza)))
    yield two_slots("never a recipient", lambda core, key, a, b: (b(1), b(2)))
    yield two_slots("no stanza", lambda core, key, a, b: (make_slot(core, key, b""),) * 2)
    yield two_slots("a passphrase beside a public key", lambda core, key, a, b: (make_slot(
        core, key, a.stanza + make_stanza(PASSPHRASE, core[10:26], key, b"x", fixed("x", 99))),) * 2)
    yield two_slots("something behind the stanzas", lambda core, key, a, b: (a(1, bytes(9) + b"\1"),) * 2)
    yield sealed("a policy out of order", KMS, b"", items=((2, b"\3"), (1, b"x")))
    yield sealed("a policy with a later kind", KMS, b"", items=((7, b"x"),))
    yield sealed("an asset with an escape", KMS, b"", items=((1, b"a\x1b[m"),))
    yield sealed("a date of another age", KMS, b"", items=((3, u(8, 1 << 54)),))
    yield sealed("its producer failed", KMS, b"hello\n", status=1)
    yield sealed("no footer", KMS, b"hello\n", tail=lambda footer: b"")
    yield sealed("a footer cut short", KMS, b"hello\n", tail=lambda footer: footer[:-1])
    yield sealed("a footer that begins too early", KMS, b"hello\n", tail=lambda footer: footer[:-8] + u(4, 1 << 20) + b"RBFE")
    for name, at, value in (("footer version", 0, b"\2"), ("footer flags", 1, b"\4"), ("plain length", 14, b"\7"), ("tags", 23, b"\0")):
        yield sealed("another " + name, KMS, b"hello\n", tail=lambda footer, at=at, value=value: footer[:at] + value + footer[at + 1:])
    yield sealed("another hash of the plaintext", KMS, b"hello\n", 1, tail=lambda footer: footer[:60] + b"\0" + footer[61:])
    yield sealed("epochs twice", KMS, b"hello\n", 2, tail=lambda footer: footer[:79] + b"\0" + footer[80:])
    yield sealed("compressed, the core does not say so", KMS, b"hello\n", tail=lambda footer: footer[:2] + b"\1" + footer[3:])
    fresh = fixed("body of another head", 400)
    other = seal(X25519, PUBLIC[0], b"hello\n", fresh, items=((1, b"x"),))
    mine = seal(X25519, PUBLIC[0], b"hello\n", fresh)
    yield {"name": "a body of another head", "kind": X25519, "secret": KEYS[0], "file": mine[:28 + 1024] + other[32 + 1024:]}


def written(v):
    out = {"name": v["name"], "kind": v["kind"], "secret": v["secret"].hex()}
    if "of" in v:
        return dict(out, of=v["of"], slices=v["slices"], set=v["set"])
    return dict(out, file=base64.b64encode(v["file"]).decode())


def bad():
    by_name = {v["name"]: v for v in good()}
    yield from of_one(by_name["for a public key"], by_name["two of three"], by_name["under a passphrase"], by_name["two chunks and some"])
    yield from of_their_own()


def vectors():
    out = {"format": "docs/formats/sealed-file.md", "open": [], "refuse": []}
    for v in good():
        out["open"].append(dict(written(v), length=len(v["plain"]), sha256=sha256(v["plain"]).hex(),
                                digest=digest(v["file"], v["kind"], v["secret"]).hex()))
    for v in bad():
        out["refuse"].append(dict(written(v), fault=reason(v["file"], v["kind"], v["secret"])))
    return out


def read_vectors(document):
    """Each with its file's bytes under "data"."""
    files = {v["name"]: base64.b64decode(v["file"]) for v in document["open"]}
    for v in document["open"] + document["refuse"]:
        if "of" in v:
            data = b"".join(files[v["of"]][a:b] for a, b in v["slices"])
            for at, value in v["set"]:
                value = bytes.fromhex(value)
                at += len(data) if at < 0 else 0
                data = data[:at] + value + data[at + len(value):]
        else:
            data = base64.b64decode(v["file"])
        v["data"] = data
    return document


if __name__ == "__main__":
    if sys.argv[1:] != ["--vectors"]:
        sys.exit(__doc__)
    print(json.dumps(vectors(), indent=1))
