"""A reader of census reports and seal receipts, written from docs/formats/census.md alone."""
import struct

REPORT, RECEIPT = b"redoubt census v1\0", b"redoubt seal receipt v2\0"
STORE = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-")


class Bad(ValueError):
    pass


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        part = self.data[self.at:self.at + n]
        if len(part) != n:
            raise Bad("too short")
        self.at += n
        return part

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def end(self):
        if self.at != len(self.data):
            raise Bad("bytes left over")


def listed(b, each, fields):
    n = b.number(2)
    if n > 4096:
        raise Bad("too many")
    return [struct.unpack(fields, b.take(each)) for _ in range(n)]


def in_order(counts):
    places = [c[:-1] for c in counts]
    return places == sorted(set(places)) and all(c[-1] and c[-2] for c in counts)


def read_report(data):
    b = Bytes(data)
    if b.take(len(REPORT)) != REPORT:
        raise Bad("another label")
    r = {"deployment": b.take(16), "nonce": b.take(16)}
    r["store"] = b.take(b.number(1))
    r["key"] = b.take(16)
    r["looked_at"], r["total"] = b.number(8), b.number(8)
    r["counts"] = listed(b, 12, ">IQ")
    r["epochs"] = listed(b, 16, ">IIQ")
    r["highest"], r["made_ms"] = b.number(4), b.number(8)
    b.end()
    if not r["store"] or len(r["store"]) > 128 or not set(r["store"]) <= STORE or r["looked_at"] > r["total"] \
            or not in_order(r["counts"]) or not in_order(r["epochs"]) or r["made_ms"] > 1 << 53:
        raise Bad("a value that is none")
    return r


def read_receipt(data):
    b = Bytes(data)
    if b.take(len(RECEIPT)) != RECEIPT:
        raise Bad("another label")
    r = {"deployment": b.take(16), "file": b.take(16), "digest": b.take(32), "name": b.take(b.number(1)).decode()}
    r["created_ms"], r["until_ms"] = b.number(8), b.number(8)
    r["versions"] = listed(b, 20, ">16sI")
    b.end()
    if r["until_ms"] < r["created_ms"] or max(r["created_ms"], r["until_ms"]) > 1 << 53:
        raise Bad("a value that is none")
    return r


def write_report(r):
    return (REPORT + r["deployment"] + r["nonce"] + bytes([len(r["store"])]) + r["store"] + r["key"]
            + struct.pack(">QQH", r["looked_at"], r["total"], len(r["counts"]))
            + b"".join(struct.pack(">IQ", *c) for c in r["counts"]) + struct.pack(">H", len(r["epochs"]))
            + b"".join(struct.pack(">IIQ", *c) for c in r["epochs"]) + struct.pack(">IQ", r["highest"], r["made_ms"]))
