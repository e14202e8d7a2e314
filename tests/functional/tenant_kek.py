#!/usr/bin/env python3
"""A tenant's key and its export, a second time: written from docs/formats/tenant-kek.md and RFC 7748,
5869 and 9180 alone, so that it agrees with the C code by nothing but the pages.

tenant_kek.py --vectors   print tests/vectors/tenant-kek.json
"""
import hashlib
import hmac
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kms_blob import Refused, gcm_open, gcm_seal  # noqa: E402

P = 2 ** 255 - 19
EXPORT_LABEL = b"redoubt kek export v1\0"


# ---- X25519: RFC 7748 section 5 ----

def x25519(scalar, point):
    k = int.from_bytes(scalar, "little") & ~7 & ((1 << 255) - 1) | 1 << 254
    x1 = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b = x2 + z2, x2 - z2
        aa, bb = a * a % P, b * b % P
        e = aa - bb
        da, cb = (x3 - z3) * a % P, (x3 + z3) * b % P
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    out = (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")
    if out == bytes(32):
        raise Refused("a point of small order")
    return out


def public(scalar):
    return x25519(scalar, (9).to_bytes(32, "little"))


# ---- HKDF and HPKE: RFC 5869, RFC 9180 ----

def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def extract(salt, ikm):
    return mac(salt or bytes(32), ikm)


def expand(prk, info, n):
    out, block, i = b"", b"", 0
    while len(out) < n:
        i += 1
        block = mac(prk, block + info + bytes([i]))
        out += block
    return out[:n]


def labeled_extract(suite, salt, label, ikm):
    return extract(salt, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite, prk, label, info, n):
    return expand(prk, n.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, n)


KEM = b"KEM" + bytes([0, 0x20])


def kem_shared(dh, enc, receiver):
    prk = labeled_extract(KEM, b"", b"eae_prk", dh)
    return labeled_expand(KEM, prk, b"shared_secret", enc + receiver, 32)


def key_schedule(shared, info, aead=2, key_n=32):
    suite = b"HPKE" + bytes([0, 0x20, 0, 1, 0, aead])
    context = b"\0" + labeled_extract(suite, b"", b"psk_id_hash", b"") + labeled_extract(suite, b"", b"info_hash", info)
    secret = labeled_extract(suite, shared, b"secret", b"")
    return labeled_expand(suite, secret, b"key", context, key_n), labeled_expand(suite, secret, b"base_nonce", context, 12)


def hpke_seal(receiver, info, aad, plain, ephemeral):
    enc = public(ephemeral)
    key, nonce = key_schedule(kem_shared(x25519(ephemeral, receiver), enc, receiver), info)
    return enc, gcm_seal(key, nonce, aad, plain)


def hpke_open(private, info, aad, enc, sealed):
    key, nonce = key_schedule(kem_shared(x25519(private, enc), enc, public(private)), info)
    return gcm_open(key, nonce, aad, sealed)


# ---- the key, and what its export is bound to ----

def place(handle, epoch):
    return handle.to_bytes(4, "big") + epoch.to_bytes(2, "big")


def ring_secret(material, key):
    return mac(material, (1).to_bytes(4, "big") + b"redoubt ring v1\0" + key + (256).to_bytes(4, "big"))


def kek(material, key, seed, handle, epoch):
    return expand(extract(seed, ring_secret(material, key)), b"redoubt tenant kek v1\0" + place(handle, epoch), 32)


def export_info(key, tenant, handle, epoch):
    return EXPORT_LABEL + key + tenant + place(handle, epoch)


# ---- vectors ----

def fixed(label, n):
    return hashlib.shake_128(b"redoubt tenant-kek vectors: " + label.encode()).digest(n)


PLACES = [("first epoch", 0x00000001, 1), ("last epoch", 0xFFFFFFFF, 65535), ("another", 0x1B2C3D4E, 300)]


def vectors():
    out = {"format": "docs/formats/tenant-kek.md", "kek": [], "export": []}
    for name, handle, epoch in PLACES:
        material, key, seed = fixed(name + " material", 32), fixed(name + " key", 16), fixed(name + " seed", 32)
        tenant, private, ephemeral = (fixed(name + " " + w, n) for w, n in
                                      (("tenant", 16), ("private", 32), ("ephemeral", 32)))
        secret = kek(material, key, seed, handle, epoch)
        info = export_info(key, tenant, handle, epoch)
        enc, sealed = hpke_seal(public(private), info, b"", secret, ephemeral)
        out["kek"].append({"name": name, "material": material.hex(), "key": key.hex(), "seed": seed.hex(),
                           "handle": handle, "epoch": epoch, "ring_secret": ring_secret(material, key).hex(),
                           "kek": secret.hex()})
        out["export"].append({"name": name, "key": key.hex(), "tenant": tenant.hex(), "handle": handle, "epoch": epoch,
                              "private": private.hex(), "public": public(private).hex(), "info": info.hex(),
                              "encapsulated": enc.hex(), "sealed": sealed.hex(), "kek": secret.hex()})
    return out


def main():
    if sys.argv[1:] == ["--vectors"]:
        json.dump(vectors(), sys.stdout, indent=1)
        print()
    else:
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
