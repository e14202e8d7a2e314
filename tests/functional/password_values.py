#!/usr/bin/env python3
"""Passwords, API keys and webhooks, a second time: written from docs/formats/password.md alone. Hashes are
computed by hashlib, crypt and the program argon2.

password_values.py --vectors   print tests/vectors/password.json
"""
import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import warnings
import zlib

sys.dont_write_bytecode = True
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import crypt
except ImportError:  # Python 3.13
    crypt = None

VERDICTS = ("no-match", "match", "rehash", "unknown", "cost", "unfit", "seal")
HOOK_VERDICTS = ("no-match", "match", "malformed", "late", "early")
LEAST = (19456, 2, 1)
DECIMAL = r"(0|[1-9][0-9]*)"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CRYPT = "./" + DIGITS
WORD = "[./0-9A-Za-z]"


class NotHere(Exception):
    """What this machine has no second implementation of."""


class Unread(Exception):
    """Of no form."""


def number(text):
    n = int(text)
    if n >= 1 << 32:
        raise Unread
    return n


def b64(text, plus="+", least=1, most=128):
    if not re.fullmatch("[A-Za-z0-9/%s]*" % re.escape(plus), text):
        raise Unread
    standard = text.replace(plus, "+")
    try:
        raw = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        raise Unread from None
    if unpadded(raw) != standard or not least <= len(raw) <= most:
        raise Unread
    return raw


def unpadded(raw):
    return base64.b64encode(raw).decode().rstrip("=")


# ---- forms: each gives (whether its cost is allowed, bytes of a password at most, hash or function, compute) ----

def argon2(kind, version, m, t, p, salt, n):
    def compute(password):
        if b"\0" in salt or not 0 < len(password) < 128:
            raise NotHere("argon2(1) takes no such salt or password")
        try:
            done = subprocess.run(["argon2", salt, "-" + kind, "-t", str(t), "-k", str(m), "-p", str(p), "-l", str(n), "-r", "-v",
                                   {16: "10", 19: "13"}[version]], input=password, stdout=subprocess.PIPE, check=True, timeout=60)
        except FileNotFoundError:
            raise NotHere("argon2") from None
        return bytes.fromhex(done.stdout.decode().strip())
    return compute


def of_argon2(s):
    m = re.fullmatch(r"(?:argon2)?\$argon2(id|i)\$(?:v=%s\$)?m=%s,t=%s,p=%s\$([^$]*)\$([^$]*)" % ((DECIMAL,) * 4), s)
    if not m:
        return None
    version = number(m[2] or "16")
    cost = tuple(number(m[i]) for i in (3, 4, 5))
    salt, want = b64(m[6], least=8, most=48), b64(m[7], least=12, most=64)
    if version not in (16, 19):
        raise Unread
    mem, t, p = cost
    fits = 8 * p <= mem <= 1 << 20 and 1 <= t <= 10 and 1 <= p <= 16
    new = s.startswith("$argon2id$v=19$") and len(salt) == 16 and len(want) == 32
    return fits, want, argon2(m[1], version, mem, t, p, salt, len(want)), cost if new else None


def scrypt(n, r, p, salt, length):
    return lambda password: hashlib.scrypt(password, salt=salt, n=1 << n, r=r, p=p, maxmem=(1 << 31) - 1, dklen=length)


def scrypt_fits(n, r, p):
    return (1 <= n <= 24 and r >= 1 and 1 <= p <= 16 and n < 16 * r and (128 << n) * r <= 1 << 30
            and (r * p) << n <= 1 << 24)


def of_scrypt(s):
    m = re.fullmatch(r"\$scrypt\$ln=%s,r=%s,p=%s\$([^$]*)\$([^$]*)" % ((DECIMAL,) * 3), s)
    if not m:
        return None
    n, r, p = (number(m[i]) for i in (1, 2, 3))
    salt, want = b64(m[4]), b64(m[5], least=12, most=64)
    return scrypt_fits(n, r, p), want, scrypt(n, r, p, salt, len(want)), None


def low_first(text):
    return sum(CRYPT.index(c) << 6 * i for i, c in enumerate(text))


def of_scrypt7(s):
    m = re.fullmatch(r"\$7\$(%s)(%s{5})(%s{5})(%s{1,64})\$(%s{43})" % ((WORD,) * 5), s)
    if not m:
        return None
    n, r, p = (low_first(m[i]) for i in (1, 2, 3))
    want = b""
    for at in range(0, 43, 4):
        group = m[5][at:at + 4]
        try:
            want += low_first(group).to_bytes(len(group) - 1, "little")
        except OverflowError:
            raise Unread from None
    return scrypt_fits(n, r, p), want, scrypt(n, r, p, m[4].encode(), 32), None


def of_pbkdf2(s):
    m = re.fullmatch(r"\$pbkdf2-(sha256|sha512)\$(?:(i=)%s(?:,l=%s)?|%s)\$([^$]*)\$([^$]*)" % ((DECIMAL,) * 3), s)
    if not m:
        return None
    n, plus = number(m[3] or m[5]), "+" if m[2] else "."
    salt, want = b64(m[6], plus), b64(m[7], plus, 12, 64)
    if m[4] and number(m[4]) != len(want):
        raise Unread
    return 1 <= n <= 10000000, want, lambda password: hashlib.pbkdf2_hmac(m[1], password, salt, n, len(want)), None


def of_django(s):
    m = re.fullmatch(r"pbkdf2_sha256\$%s\$([!-#%%-~]{1,128})\$([A-Za-z0-9+/]{43}=)" % DECIMAL, s)
    if not m:
        return None
    n, want = number(m[1]), b64(m[3][:-1])
    return 1 <= n <= 10000000, want, lambda password: hashlib.pbkdf2_hmac("sha256", password, m[2].encode(), n), None


def by_crypt(s, tail):
    def compute(password):
        try:
            return crypt.crypt(password.decode(), s)[-tail:].encode()
        except (AttributeError, UnicodeDecodeError):
            raise NotHere("crypt") from None
    return compute


def of_bcrypt(s):
    m = re.fullmatch(r"\$2[aby]\$([0-9]{2})\$%s{53}" % WORD, s)
    if not m:
        return None
    cost = int(m[1])
    if not 4 <= cost <= 31:
        raise Unread
    return cost <= 16, s[-31:].encode(), by_crypt(s, 31), 72


def of_sha512crypt(s):
    m = re.fullmatch(r"\$6\$(?:rounds=%s\$)?%s{0,16}\$%s{86}" % (DECIMAL, WORD, WORD), s)
    if not m:
        return None
    rounds = number(m[1] or "5000")
    if rounds < 1000:
        raise Unread
    return rounds <= 1000000, s[-86:].encode(), by_crypt(s, 86), 511


def check(password, stored, cost=LEAST):
    """The verdict's name. stored: bytes."""
    if len(password) > 4096:
        return "unfit"
    try:
        s = stored.decode("ascii") if len(stored) <= 512 else ""
        found = next((f for f in (form(s) for form in (of_argon2, of_bcrypt, of_scrypt, of_scrypt7, of_pbkdf2, of_django,
                                                      of_sha512crypt)) if f), None)
    except (Unread, UnicodeDecodeError):
        found = None
    if not found:
        return "unknown"
    fits, want, compute, about = found
    if not fits:
        return "cost"
    if isinstance(about, int) and (len(password) > about or b"\0" in password):
        return "unfit"
    if not hmac.compare_digest(compute(password), want):
        return "no-match"
    return "match" if about == cost else "rehash"


# ---- API keys ----

def base62(n, length):
    text = ""
    for _ in range(length):
        n, digit = divmod(n, 62)
        text = DIGITS[digit] + text
    return text


def api_key(prefix, raw):
    text = prefix + "_" + base62(int.from_bytes(raw, "big"), 43)
    return text + base62(zlib.crc32(text.encode()), 6)


def read_key(text):
    """The prefix, or None."""
    m = re.fullmatch(r"([a-z](?:_?[a-z0-9])*)_([0-9A-Za-z]{43})([0-9A-Za-z]{6})", text)
    if not m or len(m[1]) > 20:
        return None
    value = 0
    for digit in m[2]:
        value = 62 * value + DIGITS.index(digit)
    return m[1] if value < 1 << 256 and api_key(m[1], value.to_bytes(32, "big")) == text else None


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def expand(kek, label, tenant, column):
    return mac(kek, label + b"\0" + tenant + column + b"\1")


def store_key(kek, place, text):
    """place: handle 4 | epoch 2 | tenant 16 | column 16."""
    tenant, column = place[6:22], place[22:]
    return (b"\xfa\1" + place[:6] + mac(expand(kek, b"redoubt/api-key/look-up", tenant, column), text.encode())[:16]
            + mac(expand(kek, b"redoubt/api-key/proof", tenant, column), text.encode()))


# ---- webhooks ----

def secret_of(text):
    """The bytes, or None."""
    m = re.fullmatch(r"whsec_([A-Za-z0-9+/]+={0,2})", text)
    try:
        raw = base64.b64decode(m[1], validate=True) if m else b""
    except ValueError:
        return None
    return raw if 24 <= len(raw) <= 64 and base64.b64encode(raw).decode() == m[1] else None


def sign(secrets, ident, timestamp, body):
    content = ident.encode() + b"." + timestamp.encode() + b"." + body
    return " ".join("v1," + base64.b64encode(mac(secret, content)).decode() for secret in secrets)


def check_hook(secrets, ident, timestamp, signature, body, now):
    if (not re.fullmatch(r"[!-\-/-~]{1,128}", ident) or not re.fullmatch(DECIMAL, timestamp) or len(timestamp) > 12
            or not 0 < len(signature) <= 4096 or not all("," in one[1:] for one in signature.split(" "))
            or len(signature.split(" ")) > 16):
        return "malformed"
    if int(timestamp) < now - 300:
        return "late"
    if int(timestamp) > now + 300:
        return "early"
    given = signature.split(" ")
    return "match" if any(one in given for one in sign(secrets, ident, timestamp, body).split(" ")) else "no-match"


def derive(kek, tenant, column, endpoint):
    secret = mac(expand(kek, b"redoubt/webhook/secret", tenant, column), b"redoubt/webhook/endpoint\0" + endpoint)
    return "whsec_" + base64.b64encode(secret).decode()


# ---- vectors ----

def fixed(label, n):
    return hashlib.shake_128(b"redoubt password vectors: " + label.encode()).digest(n)


A72 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SALT, HASH = unpadded(b"sixteenbytesalts"), "GqqZ3pOAQb9qkR3IQZPrIpT814a9OUs5yGgOEa4axck"
BF = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
SHA6 = ("$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/"
        "YTBmSK6H9qs/y3RnOaw5v.")
RIGHT = [  # source, password, stored
    ("argon2(1), reference of the Password Hashing Competition", b"pass", "$argon2id$v=19$m=19456,t=2,p=1$%s$%s" % (SALT, HASH)),
    ("test.c of the Argon2 reference", b"password",
     "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
    ("test.c of the Argon2 reference", b"password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
    ("test.c of the Argon2 reference, version 16", b"password",
     "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"),
    ("argon2(1), with the word in front that Django writes", b"password",
     "argon2$argon2id$v=19$m=4096,t=3,p=8$c29tZXNhbHQxMjM0NTY$noMwOsCMn2ZaxzFrE/Mtvw"),
    ("crypt_blowfish", b"U*U", "$2a$05$" + BF),
    ("crypt_blowfish", b"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("crypt_blowfish, 72 bytes", A72.encode(), "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"),
    ("passlib's manual", b"password",
     "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E"),
    ("RFC 7914 section 12, as crypt(3) writes it", b"pleaseletmein", "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D"),
    ("passlib's manual", b"password", "$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M"),
    ("the same as PHC", b"password", "$pbkdf2-sha256$i=6400,l=32$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M"),
    ("Django's own tests", "l\xe8tmein".encode(), "pbkdf2_sha256$1000000$seasalt$r1uLUxoxpP2Ued/qxvmje7UH9PUJBkRrvf9gGPL7Cps="),
    ("SHA-crypt.txt (U. Drepper)", b"Hello world!", SHA6),
]
OTHERS = [  # name, password, stored: judged without a hash, or wrong by one letter
    ("wrong by one letter", b"pasS", RIGHT[0][2]),
    ("no password", b"", RIGHT[10][2]),
    ("bcrypt, wrong by one letter", b"U*u", "$2b$05$" + BF),
    ("bcrypt, 73 bytes", A72.encode() + b"c", RIGHT[7][2]),
    ("bcrypt, a NUL inside", b"U*U\0", "$2a$05$" + BF),
    ("sha512crypt, 512 bytes", b"x" * 512, SHA6),
    ("4,097 bytes", b"x" * 4097, RIGHT[0][2]),
    ("2 GiB", b"pass", "$argon2id$v=19$m=2097152,t=1,p=4$%s$%s" % (SALT, HASH)),
    ("11 passes", b"pass", "$argon2id$v=19$m=19456,t=11,p=1$%s$%s" % (SALT, HASH)),
    ("17 lanes", b"pass", "$argon2id$v=19$m=19456,t=2,p=17$%s$%s" % (SALT, HASH)),
    ("bcrypt of cost 17", b"pass", "$2b$17$" + BF),
    ("scrypt of 2 GiB", b"pass", "$scrypt$ln=21,r=8,p=1$%s$%s" % (SALT, HASH)),
    ("too many iterations", b"pass", "pbkdf2_sha256$10000001$salt$" + HASH[:-1] + "k="),
    ("too many rounds", b"pass", SHA6.replace("10000", "1000001")),
    ("2^32", b"pass", "$argon2id$v=19$m=4294967296,t=2,p=1$%s$%s" % (SALT, HASH)),
    ("argon2d", b"pass", "$argon2d$v=19$m=19456,t=2,p=1$%s$%s" % (SALT, HASH)),
    ("order", b"pass", "$argon2id$v=19$t=2,m=19456,p=1$%s$%s" % (SALT, HASH)),
    ("a leading zero", b"pass", "$argon2id$v=19$m=019456,t=2,p=1$%s$%s" % (SALT, HASH)),
    ("padding", b"pass", "$argon2id$v=19$m=19456,t=2,p=1$%s==$%s" % (SALT, HASH)),
    ("bits left over", b"pass", "$argon2id$v=19$m=19456,t=2,p=1$%s$%s" % (SALT, HASH[:-1] + "l")),
    ("a key's id", b"pass", "$argon2id$v=19$m=19456,t=2,p=1,keyid=Hj5$%s$%s" % (SALT, HASH)),
    ("a hash of 11", b"pass", "$argon2id$v=19$m=19456,t=2,p=1$%s$AAAAAAAAAAAAAAA" % SALT),
    ("a new line", b"pass", RIGHT[0][2] + "\n"),
    ("$2x$", b"U*U", "$2x$05$" + BF),
    ("passlib with a +", b"password", "$pbkdf2-sha256$6400$c2l4dGVlbmJ5+GVzYWx0cw$" + HASH),
    ("another length", b"password", RIGHT[11][2].replace("l=32", "l=31")),
    ("md5crypt", b"pass", "$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1"),
    ("MD5", b"password", "5f4dcc3b5aa765d61d8327deb882cf99"),
    ("a locked account", b"pass", "!"),
    ("nothing", b"", ""),
]


def password_vectors():
    for source, password, stored in RIGHT:
        yield {"name": source, "password": password.hex(), "stored": stored, "verdict": check(password, stored.encode())}
        wrong = password[:-1] + bytes([password[-1] ^ 1])
        yield {"name": "another password", "password": wrong.hex(), "stored": stored, "verdict": check(wrong, stored.encode())}
    for name, password, stored in OTHERS:
        yield {"name": name, "password": password.hex(), "stored": stored, "verdict": check(password, stored.encode())}


def key_texts():
    good = api_key("acme_live", fixed("key", 32))
    yield from (good, api_key("a", bytes(32)), api_key("a", b"\xff" * 32), api_key("abcdefghijklmnopqrst", fixed("longest", 32)))
    over = "a_" + base62(1 << 256, 43)
    yield from (over + base62(zlib.crc32(over.encode()), 6), good[:-1] + ("0" if good[-1] != "0" else "1"), good[1:], good[:-1], good + "0",
                good + "\n", good.replace("acme_", "acme__"), api_key("A", bytes(32)), api_key("1a", bytes(32)), api_key("a_", bytes(32)),
                api_key("abcdefghijklmnopqrstu", bytes(32)), api_key("", bytes(32)), "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "")


WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MSG = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
THEIRS = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def hook_vectors():
    ident, stamp, body = MSG
    other = "whsec_" + base64.b64encode(fixed("secret", 64)).decode()
    bad = "v1," + base64.b64encode(bytes(32)).decode()
    now = int(stamp)
    cases = [("tests of the standard's libraries", [WHSEC], ident, stamp, THEIRS, body, now),
             ("the second secret", [other, WHSEC], ident, stamp, THEIRS, body, now),
             ("the second signature, after others", [WHSEC], ident, stamp, bad + " v2,x v1a,aGk= " + THEIRS, body, now),
             ("another secret", [other], ident, stamp, THEIRS, body, now),
             ("another body", [WHSEC], ident, stamp, THEIRS, body + b" ", now),
             ("another id", [WHSEC], ident + "x", stamp, THEIRS, body, now),
             ("another time", [WHSEC], ident, str(now + 1), THEIRS, body, now),
             ("another version", [WHSEC], ident, stamp, THEIRS.replace("v1", "v2"), body, now),
             ("a cut signature", [WHSEC], ident, stamp, THEIRS[:20], body, now),
             ("300 seconds ago", [WHSEC], ident, stamp, THEIRS, body, now + 300),
             ("301 seconds ago", [WHSEC], ident, stamp, THEIRS, body, now + 301),
             ("300 seconds ahead", [WHSEC], ident, stamp, THEIRS, body, now - 300),
             ("301 seconds ahead", [WHSEC], ident, stamp, THEIRS, body, now - 301),
             ("a dot in the id", [WHSEC], ident + ".1", stamp, THEIRS, body, now),
             ("no id", [WHSEC], "", stamp, THEIRS, body, now),
             ("a zero in front of the time", [WHSEC], ident, "0" + stamp, THEIRS, body, now),
             ("13 digits of time", [WHSEC], ident, stamp + "000", THEIRS, body, now),
             ("two spaces", [WHSEC], ident, stamp, bad + "  " + THEIRS, body, now),
             ("no version", [WHSEC], ident, stamp, THEIRS[3:], body, now),
             ("no signature", [WHSEC], ident, stamp, "", body, now),
             ("17 signatures", [WHSEC], ident, stamp, " ".join([THEIRS] * 17), body, now)]
    for name, secrets, ident, stamp, signature, body, now in cases:
        yield {"name": name, "secrets": secrets, "id": ident, "timestamp": stamp, "signature": signature, "body": body.hex(), "now": now,
               "verdict": check_hook([secret_of(s) for s in secrets], ident, stamp, signature, body, now)}


def vectors():
    kek, place = fixed("kek", 32), fixed("handle", 4) + b"\0\7" + fixed("tenant", 16) + fixed("column", 16)
    good = api_key("acme_live", fixed("key", 32))
    return {"format": "docs/formats/password.md",
            "passwords": list(password_vectors()),
            "keys": [{"text": text, "prefix": read_key(text)} for text in key_texts()],
            "stored-keys": [{"kek": kek.hex(), "place": place.hex(), "text": good, "stored": store_key(kek, place, good).hex()}],
            "webhooks": list(hook_vectors()),
            "secrets": [{"text": text, "secret": (secret_of(text) or b"").hex()} for text in
                        (WHSEC, WHSEC[6:], WHSEC[:-1], WHSEC + "\n", WHSEC.replace("whsec", "whsk"), "whsec_" + base64.b64encode(bytes(23)).decode(),
                         "whsec_" + base64.b64encode(bytes(64)).decode(), "whsec_" + base64.b64encode(bytes(65)).decode())],
            "derived": [{"kek": kek.hex(), "tenant": place[6:22].hex(), "column": place[22:].hex(), "endpoint": b"ep_1".hex(),
                         "text": derive(kek, place[6:22], place[22:], b"ep_1")}]}


if __name__ == "__main__":
    if sys.argv[1:] != ["--vectors"]:
        sys.exit(__doc__)
    print(json.dumps(vectors(), indent=1))
