"""A second reader of audit logs, written from docs/formats/audit.md alone: it shares no code with Redoubt's. Python's
standard library only; the signature check is RFC 8032, slow and plain."""
import hashlib
import hmac
import os
import re
import struct

HEADER, HEAD, TAIL = 4096, 80, 41


class Bad(Exception):
    """The log is not what the format says."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def must(condition, what):
    if not condition:
        raise Bad(what)


# ---- Ed25519 (RFC 8032, 5.1), for public bytes only ----

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point_add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    g, h, i, j = f - e, d - c, d + c, f + e
    return g * h % P, i * j % P, h * i % P, g * j % P


def point_times(n, point):
    total = (0, 1, 1, 0)
    while n:
        total = point_add(total, point) if n & 1 else total
        point = point_add(point, point)
        n >>= 1
    return total


def point_of(raw):
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    must((x * x - square) % P == 0, "no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, text, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(r + key + text).digest(), "little") % L
    a, b = point_times(s, BASE), point_add(point_of(r), point_times(h, point_of(key)))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


# ---- RFC 6962 ----

def root(leaves):
    """Of hashed leaves, by the recursive definition."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1", root(leaves[:k]), root(leaves[k:]))


def frontier(leaves):
    """The 64 hashes of a segment's header."""
    out, at = [bytes(32)] * 64, 0
    for level in range(63, -1, -1):
        if len(leaves) >> level & 1:
            out[level] = root(leaves[at:at + (1 << level)])
            at += 1 << level
    return b"".join(out)


# ---- the log ----

class Log:
    """Everything in a folder, checked as it is read. chain: the secret that the MACs come from, if it is known."""

    def __init__(self, folder, chain=None):
        self.records, self.leaves, self.checkpoints, self.frames = [], [], [], 0
        self.link, self.secret = bytes(32), chain
        with open(os.path.join(folder, "audit.pub")) as file:
            found = re.fullmatch(r"redoubt audit 1\ndeployment ([0-9a-f]{32})\nnode ([0-9a-f]{32})\n"
                                 r"ed25519 ([0-9a-f]{64})\n", file.read())
        must(found, "audit.pub")
        self.deployment, self.node, self.key = map(bytes.fromhex, found.groups())
        names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"\d{8}\.seg", name))
        must(names == ["%08d.seg" % n for n in range(len(names))], "a segment is missing")
        for number, name in enumerate(names):
            with open(os.path.join(folder, name), "rb") as file:
                self.segment(file.read(), number)

    def segment(self, bytes_, number):
        header = bytes_[:HEADER]
        magic, version, length = header[:8], header[8:10], header[10:16]
        must(magic == b"RDTAUDIT" and version == b"\0\1" and int.from_bytes(length, "big") == HEADER, "header")
        must(header[16:48] == self.deployment + self.node, "another node's segment")
        must(struct.unpack(">QQQ", header[48:72]) == (number, len(bytes_), self.frames), "place of the segment")
        must(header[80:112] == self.link, "link of the segment")
        must(struct.unpack(">Q", header[112:120])[0] == len(self.leaves), "records before the segment")
        must(header[120:2168] == frontier(self.leaves), "frontier")
        must(not any(header[2168:4056]), "zeroes of the header")
        digest = sha256(header[:4056])
        must(header[4056:4064] == digest[:8], "check of the header")
        if self.secret is not None:
            must(header[4064:] == mac(mac(self.secret, b"header"), digest), "MAC of the header")
            self.frame_key, self.secret = mac(self.secret, b"frame"), mac(self.secret, b"segment")
        self.link, self.tag = sha256(digest, header[4064:]), header[4064:4068]
        at = HEADER
        while bytes_[at:at + 4] == b"RAF1":
            n = int.from_bytes(bytes_[at + 12:at + 16], "big")
            at += self.frame(bytes_[at:at + HEAD + n + TAIL])
        must(not bytes_[at:].strip(b"\0"), "bytes behind the last frame")

    def frame(self, bytes_):
        kind, n, number, first, count = struct.unpack(">IIQQQ", bytes_[8:40])
        must(bytes_[4:8] == self.tag and bytes_[40:72] == self.link, "tag or link of frame %d" % self.frames)
        must((number, first) == (self.frames, len(self.leaves)), "place of frame %d" % self.frames)
        must(bytes_[72:80] == sha256(bytes_[:72])[:8], "head check")
        payload, tail = bytes_[HEAD:HEAD + n], bytes_[HEAD + n:HEAD + n + TAIL]
        digest = sha256(bytes_[:HEAD + n])
        must(tail[:8] == digest[:8] and tail[40:] == b".", "frame check")
        if self.secret is not None:
            must(tail[8:40] == mac(self.frame_key, digest), "MAC of frame %d" % number)
            self.frame_key = mac(self.frame_key, b"next")
        if kind == 1:
            self.take_records(payload, count)
        else:
            must(kind == 2 and count == 0, "kind")
            self.take_checkpoint(payload)
        self.link = sha256(digest, tail[8:40])
        self.frames += 1
        return HEAD + n + TAIL

    def take_records(self, payload, count):
        at = 0
        for _ in range(count):
            n = int.from_bytes(payload[at:at + 4], "big")
            self.records.append(payload[at + 4:at + 4 + n])
            self.leaves.append(sha256(b"\0", self.records[-1]))
            at += 4 + n
        must(count and at == len(payload), "records of frame %d" % self.frames)

    def take_checkpoint(self, bytes_):
        must(len(bytes_) == 232 and bytes_[:8] == b"RDTACKP1", "checkpoint")
        must(bytes_[8:40] == self.deployment + self.node, "another node's checkpoint")
        must(bytes_[40:80] == struct.pack(">Q", self.frames) + self.link, "place of the checkpoint")
        must(bytes_[80:88] == struct.pack(">Q", len(self.leaves)), "records under the checkpoint")
        must(bytes_[88:120] == root(self.leaves), "root")
        must(signed(self.key, b"redoubt audit checkpoint 1\0" + bytes_[:168], bytes_[168:]), "signature")
        self.checkpoints.append(bytes_)
