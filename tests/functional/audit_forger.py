"""Makes a whole audit log out of records, signed by a key of its own: what whoever can write a server's folder can
do. Frame MACs are left out: nobody without the server's root can make or check them."""
import hashlib
import os
import struct

from audit_reader import BASE, HEAD, HEADER, L, P, frontier, point_times, root, sha256

SEGMENT = 1 << 20


def point_bytes(point):
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def key_pair(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return a, h[32:], point_bytes(point_times(a, BASE))


def sign(seed, text):
    a, prefix, public = key_pair(seed)
    r = int.from_bytes(hashlib.sha512(prefix + text).digest(), "little") % L
    point = point_bytes(point_times(r, BASE))
    h = int.from_bytes(hashlib.sha512(point + public + text).digest(), "little") % L
    return point + ((r + h * a) % L).to_bytes(32, "little")


class Forger:
    def __init__(self, records, deployment, node, seed=b"\x42" * 32):
        self.deployment, self.node, self.seed = deployment, node, seed
        self.leaves, self.number = [], 0
        self.bytes = self.header()
        self.frame(1, b"".join(struct.pack(">I", len(r)) + r for r in records), len(records))
        self.leaves = [sha256(b"\0", r) for r in records]
        self.frame(2, self.checkpoint(), 0)

    def header(self):
        head = b"RDTAUDIT" + struct.pack(">HHI", 1, 0, HEADER) + self.deployment + self.node
        head += struct.pack(">QQQQ", 0, SEGMENT, 0, 1) + bytes(32) + struct.pack(">Q", 0) + frontier([])
        head += bytes(4056 - len(head))
        digest, mac = sha256(head), b"\x33" * 32
        self.link, self.tag = sha256(digest, mac), mac[:4]
        return head + digest[:8] + mac

    def frame(self, kind, payload, count):
        head = b"RAF1" + self.tag + struct.pack(">IIQQQ", kind, len(payload), self.number, len(self.leaves), count)
        head += self.link
        body = head + sha256(head)[:8] + payload
        assert len(head) + 8 == HEAD
        digest, mac = sha256(body), b"\x33" * 32
        self.bytes += body + digest[:8] + mac + b"."
        self.link, self.number = sha256(digest, mac), self.number + 1

    def checkpoint(self):
        text = b"RDTACKP1" + self.deployment + self.node + struct.pack(">Q", self.number) + self.link
        text += struct.pack(">Q", len(self.leaves)) + root(self.leaves) + struct.pack(">QQ", 1, 1) + bytes(32)
        return text + sign(self.seed, b"redoubt audit checkpoint 1\0" + text)

    def write(self, folder):
        os.makedirs(folder)
        with open(os.path.join(folder, "00000000.seg"), "wb") as file:
            file.write(self.bytes + bytes(SEGMENT - len(self.bytes)))
        with open(os.path.join(folder, "audit.pub"), "w", encoding="ascii") as file:
            file.write("redoubt audit 1\ndeployment %s\nnode %s\ned25519 %s\n" % (
                self.deployment.hex(), self.node.hex(), key_pair(self.seed)[2].hex()))
