#!/usr/bin/env python3
"""Searchable values, a second time: written from docs/formats/searchable.md alone, so that it agrees
with the C code by nothing but the page.

searchable_values.py --vectors   print tests/vectors/searchable.json
"""
import datetime
import hashlib
import json
import os
import sys
import unicodedata

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from field_values import Place, mac, seal  # noqa: E402
from kms_blob import Refused  # noqa: E402

RAW, EMAIL, PHONE, DIGITS, NAME, DATE = 1, 2, 3, 4, 5, 6
FOLD, KEEP, TAG = 1, 2, 3
ISO, DMY, MDY = 1, 2, 3
UNIQUE, TRUNCATED, PREFIX, WORD = 1, 2, 3, 4
TEXT_MOST, OUT_MOST, POINTS_MOST, DIGITS_MOST, VALUE_MOST = 1024, 4096, 2048, 64, 16 << 20
BLANKS = set([*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000])
UNSEEN = set([0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF])
DASHES = set([0x2D, *range(0x2010, 0x2016), 0x2212])


class Rule:
    """Section 4: a normaliser."""

    def __init__(self, rule, version=1, local=0, country=0, trunk=0, order=0):
        self.rule, self.version, self.local = rule, version, local
        self.country, self.trunk, self.order = country, trunk, order

    def words(self):
        return bytes([self.rule, self.version, self.local]) + self.country.to_bytes(2, "big") + bytes([self.trunk, self.order])

    def good(self):
        if self.version != 1 or not RAW <= self.rule <= DATE or self.country > 999:
            return False
        if (self.local in (FOLD, KEEP, TAG)) != (self.rule == EMAIL) or (self.local and self.rule != EMAIL):
            return False
        if (self.order in (ISO, DMY, MDY)) != (self.rule == DATE) or (self.order and self.rule != DATE):
            return False
        if self.rule != PHONE:
            return not self.country and not self.trunk
        return not self.trunk or (0x30 <= self.trunk <= 0x39 and self.country > 1)


class Index:
    """Section 2: what a catalogue says of an index."""

    def __init__(self, tenant, domain, kind, bits, name, rule, risk=False, epoch=1):
        self.tenant, self.domain, self.kind, self.bits = tenant, domain, kind, bits
        self.name, self.rule, self.risk, self.epoch = name, rule, risk, epoch

    def words(self):
        """As searchable_main takes it; the name goes by itself."""
        return (self.epoch.to_bytes(2, "big") + self.tenant + bytes([self.kind, self.bits]) + self.domain
                + bytes([self.risk]) + self.rule.words())

    def check(self):
        parts = self.kind in (PREFIX, WORD)
        few, whole = 1 <= self.bits <= 40, self.bits == 128
        if not {UNIQUE: whole, TRUNCATED: few}.get(self.kind, parts and (few or whole)):
            raise Refused("index")
        if not self.rule.good() or not 1 <= len(self.name) <= 63 or (parts and self.rule.rule == RAW):
            raise Refused("index")
        if parts and not self.risk:
            raise Refused("risk")

    def key(self, kek):
        self.check()
        return mac(kek, b"redoubt/index/token\0" + self.tenant + bytes([self.kind, self.bits]) + self.domain
                   + bytes([len(self.name)]) + self.name + self.rule.words() + b"\1")


# ---- tokens ----

def cut(token, bits):
    n = int.from_bytes(token[:16], "big")
    return (n >> (128 - bits) << (128 - bits)).to_bytes(16, "big")


def token_of(kek, index, value):
    return cut(mac(index.key(kek), len(value).to_bytes(4, "big") + value), index.bits)


def token(kek, index, value):
    index.check()
    if index.kind not in (UNIQUE, TRUNCATED):
        raise Refused("index")
    return token_of(kek, index, value)


def words_of(text):
    out, word = [], ""
    for c in text + " ":
        if unicodedata.category(c)[0] in "LMN":
            word += c
        elif word:
            out.append(word)
            word = ""
    return out


def pieces(index, text):
    if index.kind == WORD:
        return words_of(text)
    return [text[:n] for n in range(3, min(8, len(text)) + 1)]


def utf8(value):
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("text") from None


def parts(kek, index, value):
    index.check()
    if index.kind not in (PREFIX, WORD):
        raise Refused("index")
    out = sorted({token_of(kek, index, piece.encode()) for piece in pieces(index, utf8(value))})
    if len(out) > 64:
        raise Refused("too-long")
    return b"".join(out)


def ask(kek, index, value):
    index.check()
    if index.kind not in (PREFIX, WORD):
        raise Refused("index")
    found = pieces(index, utf8(value))
    if not found or (index.kind == WORD and found != [utf8(value)]):
        raise Refused("form")
    return token_of(kek, index, found[-1].encode())


def front(kek, index, value):
    return bytes([0xF9, index.kind]) + index.epoch.to_bytes(2, "big") + token(kek, index, value)


def read(value):
    """kind 1 | epoch 2 | token 16 | RF1"""
    if len(value) < 100 or len(value) > 100 + VALUE_MOST or value[0] != 0xF9 or value[1] not in (UNIQUE, TRUNCATED):
        raise Refused("searchable")
    if value[2:4] == b"\0\0" or value[20] != 0xF8:
        raise Refused("searchable")
    return value[1:]


# ---- normalisers ----

def decompose(text, form):
    text = unicodedata.normalize(form, text)
    if len(text) > POINTS_MOST:
        raise Refused("too-long")
    return text


def typed(value, form):
    """Decomposed, without what cannot be seen."""
    if not value:
        raise Refused("form")
    if len(value) > TEXT_MOST:
        raise Refused("too-long")
    text = utf8(value)
    if any(unicodedata.category(c) == "Cn" for c in text):
        raise Refused("text")
    return "".join(c for c in decompose(text, form) if ord(c) not in UNSEEN)


def finish(text, fold, form):
    text = text.casefold() if fold else text
    decompose(text, form.replace("C", "D"))
    return unicodedata.normalize(form, text)


def trim(text):
    while text and ord(text[0]) in BLANKS:
        text = text[1:]
    while text and ord(text[-1]) in BLANKS:
        text = text[:-1]
    return text


def control(c):
    return ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F


def email(rule, value):
    local, at, domain = trim(typed(value, "NFD")).partition("@")
    if not at:
        raise Refused("form")
    local, domain = finish(local, rule.local != KEEP, "NFC"), finish(domain, True, "NFC")
    if rule.local == TAG and local.find("+") > 0:
        local = local[:local.find("+")]
    if not local or "@" in domain or "" in domain.split("."):
        raise Refused("form")
    if any(control(c) or ord(c) in BLANKS for c in local + domain):
        raise Refused("form")
    return local + "@" + domain


def name(_, value):
    text = trim(finish(typed(value, "NFKD"), True, "NFKC"))
    if not text:
        raise Refused("form")
    out = ""
    for c in text:
        if ord(c) in BLANKS:
            out += "" if out.endswith(" ") else " "
        elif control(c):
            raise Refused("text")
        else:
            out += c
    return out


def digit(c):
    for zero in (0x30, 0x660, 0x6F0):
        if zero <= ord(c) <= zero + 9:
            return chr(0x30 + ord(c) - zero)
    return ""


def keep(value, signs):
    out = ""
    for c in typed(value, "NFKD"):
        got = digit(c) or (c if c in signs else "")
        if not got and ord(c) not in BLANKS | DASHES and c not in "./":
            raise Refused("form")
        out += got
        if len(out) > DIGITS_MOST:
            raise Refused("too-long")
    return out


def digits(_, value):
    out = keep(value, "")
    if not out:
        raise Refused("form")
    return out


def national(rule, number):
    if not rule.country:
        raise Refused("form")
    if rule.country == 1:
        if len(number) == 11 and number[0] == "1":
            return number
        if len(number) != 10:
            raise Refused("form")
    elif rule.trunk:
        if number[:1] != chr(rule.trunk):
            raise Refused("unclear")
        number = number[1:]
    return str(rule.country) + number


def phone(rule, value):
    number = keep(value, "+()")
    whole = False
    for sign in ("+", "(+", "00", "(00") + (("011",) if rule.country == 1 else ()):
        if number.startswith(sign):
            number, whole = number[len(sign):], True
            break
    if whole and "(0)" in number:
        if number.index("(0)") > 4:
            raise Refused("form")
        if number.startswith(("39", "378", "379")):
            raise Refused("unclear")
        number = number.replace("(0)", "", 1)
    number = number.replace("(", "").replace(")", "")
    if "+" in number:
        raise Refused("form")
    if not whole:
        number = national(rule, number)
    if not 7 <= len(number) <= 15 or number[0] == "0" or (number[0] == "1" and len(number) != 11):
        raise Refused("form")
    return "+" + number


def calendar(y, m, d):
    try:
        return datetime.date(y, m, d).isoformat()
    except ValueError:
        return None


def date(rule, value):
    groups, sign = [""], None
    for c in trim(typed(value, "NFKD")):
        c = "-" if ord(c) in DASHES else digit(c) or c
        if c.isascii() and c.isdigit():
            groups[-1] += c
        elif c in "-/." and sign in (None, c) and groups[-1] and len(groups) < 3:
            sign = c
            groups.append("")
        else:
            raise Refused("form")
    if not groups[-1]:
        raise Refused("form")
    sizes, numbers = [len(g) for g in groups], [int(g) for g in groups]
    if sizes == [8]:
        if rule.order != ISO:
            raise Refused("unclear")
        found = calendar(numbers[0] // 10000, numbers[0] // 100 % 100, numbers[0] % 100)
    elif len(groups) != 3:
        raise Refused("form")
    elif sizes[0] == 4 and max(sizes[1:]) <= 2:
        found = calendar(*numbers)
    elif sizes[2] == 4 and max(sizes[:2]) <= 2:
        a, b, y = numbers
        both = {calendar(y, m, d) for m, d in {ISO: ((a, b), (b, a)), DMY: ((b, a),), MDY: ((a, b),)}[rule.order]}
        both.discard(None)
        if len(both) > 1:
            raise Refused("unclear")
        found = both.pop() if both else None
    else:
        raise Refused("form")
    if not found:
        raise Refused("form")
    return found


def normal(rule, value):
    if not rule.good():
        raise Refused("index")
    if rule.rule == RAW:
        return value
    out = {EMAIL: email, PHONE: phone, DIGITS: digits, NAME: name, DATE: date}[rule.rule](rule, value).encode()
    if len(out) > OUT_MOST:
        raise Refused("too-long")
    return out


def join(values):
    if not 2 <= len(values) <= 8:
        raise Refused("index")
    return b"".join(len(v).to_bytes(4, "big") + v for v in values)


def reason(call, *args):
    try:
        call(*args)
    except Refused as why:
        return str(why)
    return "ok"


# ---- vectors ----

def fixed(label, n):
    return hashlib.shake_128(b"redoubt searchable vectors: " + label.encode()).digest(n)


def index_of(label, kind, bits, rule, **other):
    return Index(fixed(label + " tenant", 16), fixed(label + " domain", 16), kind, bits, (label + " index").encode(), rule, **other)


MAIL, MAIL_KEEP, MAIL_TAG = Rule(EMAIL, local=FOLD), Rule(EMAIL, local=KEEP), Rule(EMAIL, local=TAG)
ANY, GERMAN, US, SPAIN = Rule(PHONE), Rule(PHONE, country=49, trunk=0x30), Rule(PHONE, country=1), Rule(PHONE, country=34)
NAMES, DIGIT, DATES, DAYS, MONTHS, BYTES = Rule(NAME), Rule(DIGITS), Rule(DATE, order=ISO), Rule(DATE, order=DMY), Rule(DATE, order=MDY), Rule(RAW)

NORMAL = [
    (BYTES, "As It Is "), (BYTES, ""),
    (MAIL, "Ada@Example.ORG"), (MAIL, "  ada@example.org\n"), (MAIL, "Jose\u0301@example.org"), (MAIL, "JOS\u00c9@EXAMPLE.ORG"),
    (MAIL, "stra\u00dfe@b\u00fccher.example"), (MAIL, "\u200bada@example.org\ufeff"), (MAIL_KEEP, "Ada@Example.ORG"), (MAIL, "a+b@example.org"),
    (MAIL_TAG, "Ada+News+x@Example.org"), (MAIL_TAG, "+x@example.org"), (MAIL, "\u0391\u03a3@\u0391\u03a3.gr"), (MAIL, "a@localhost"),
    (MAIL, "q\u0323\u0307@x.org"), (MAIL, "q\u0307\u200b\u0323@x.org"), (MAIL, "\u03b1\u0345\u0301@x.org"), (MAIL, '"quoted"@x.org'),
    (ANY, "+49 151 2345678"), (ANY, "0049 (151) 234-56.78"), (ANY, "(+49) 151/2345678"), (ANY, "+44 (0)20 7946 0000"), (ANY, "\uff0b49 \uff11\uff15\uff11 2345678"),
    (ANY, "\u202a+49\u2011151\u20112345678\u202c"), (ANY, "+\u0664\u0669\u0661\u0665\u0661\u0662\u0663\u0664\u0665\u0666"), (ANY, "+2345678"), (ANY, "+234567890123456"),
    (GERMAN, "0151 2345678"), (GERMAN, "(0151) 2345678"), (GERMAN, "(0)151 2345678"), (GERMAN, "+1 415 555 2671"), (US, "(415) 555-2671"), (US, "1-415-555-2671"),
    (US, "011 49 151 2345678"), (SPAIN, "612 34 56 78"),
    (DIGIT, "123-45-6789"), (DIGIT, "00 12"), (DIGIT, "\u0661\u0662"), (DIGIT, "9" * 64),
    (NAMES, "  Ada   Lovelace "), (NAMES, "M\u00dcLLER"), (NAMES, "Mu\u0308ller"), (NAMES, "Stra\u00dfe"), (NAMES, "\ufb01n"), (NAMES, "\uff21da"),
    (NAMES, "\u0130stanbul"), (NAMES, "\u5c71\u7530\u3000\u592a\u90ce"), (NAMES, "O\u2019Brien"), (NAMES, "a\u200db"), (NAMES, "\u1e9e"), (NAMES, "a\tb\r\nc\u00a0d"),
    (NAMES, "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2"), (NAMES, "\u2460 \u00bd"), (NAMES, "\ud55c\uae00"), (NAMES, "\u1112\u1161\u11ab"),
    (DATES, "2020-04-03"), (DATES, "2020-4-3"), (DATES, "20200403"), (DATES, "2020/04/03"), (DATES, "13.4.2020"), (DATES, "4/13/2020"), (DATES, "5.5.2020"),
    (DAYS, "3.4.2020"), (DAYS, "2020-04-03"), (MONTHS, "3/4/2020"), (DATES, "2000-02-29"), (DATES, " 2020-04-03 "), (DATES, "0001-01-01"), (DATES, "29.2.2000"),
]
REFUSE = [
    (MAIL, ""), (MAIL, " "), (MAIL, "ada"), (MAIL, "@example.org"), (MAIL, "ada@"), (MAIL, "a@b@c"), (MAIL, "a b@c.org"), (MAIL, "a@b..c"), (MAIL, "a@.b"),
    (MAIL, "a@b."), (MAIL, "a\u0000b@c.org"), (MAIL, "a@b c.org"), (MAIL, "\u0378@x.org"), (MAIL, "a@" + "b" * 1023),
    (ANY, ""), (ANY, "0151 2345678"), (ANY, "+49 151 CALLME"), (ANY, "+234567"), (ANY, "+2345678901234567"), (ANY, "+1 555 2671"), (US, "+1 415 555 26711"), (ANY, "+0151234567"), (ANY, "+49+151234567"),
    (ANY, "+39 (0)6 1234567"), (ANY, "+49 151 (0) 234567"), (ANY, "+49 151 2345678 x5"), (GERMAN, "151 2345678"), (GERMAN, "49 151 2345678"), (US, "555 2671"),
    (US, "2-415-555-2671"), (ANY, "9" * 70),
    (DIGIT, ""), (DIGIT, "-"), (DIGIT, "12a"), (DIGIT, "9" * 65), (DIGIT, "(12)"), (DIGIT, "\u0967"),
    (NAMES, ""), (NAMES, " \u3000 "), (NAMES, "a\u0000"), (NAMES, "a\u001b[0m"), (NAMES, "\u0378"), (NAMES, "\ufffe"), (NAMES, "a" * 1025), (NAMES, "\ufdfa" * 341),
    (NAMES, "\ufdfa" * 113 + "\u4e00" * 226),
    (DATES, "3/4/2020"), (DATES, "2020-02-30"), (DATES, "2019-02-29"), (DATES, "1900-02-29"), (DATES, "0000-01-01"), (DATES, "3/4/20"), (DATES, "2020-04"),
    (DATES, "2020-04-03T00:00"), (DATES, "2020-04/03"), (DATES, "20/2020/04"), (DATES, "2020--04"), (DATES, "-2020-04-03"), (DATES, "2020-04-03-01"), (DATES, "20201301"),
    (DAYS, "20200403"), (DAYS, "4/13/2020"), (MONTHS, "13/4/2020"), (DATES, "32.1.2020"), (DATES, "April 3, 2020"), (DATES, ""), (DATES, "2020-004-03"),
    (Rule(EMAIL), "a@b.c"), (Rule(EMAIL, local=4), "a@b.c"), (Rule(NAME, version=2), "a"), (Rule(NAME, version=0), "a"), (Rule(0), "a"), (Rule(7), "a"), (Rule(NAME, local=FOLD), "a"),
    (Rule(PHONE, country=1000), "+49151234567"), (Rule(PHONE, country=1, trunk=0x31), "+49151234567"), (Rule(PHONE, trunk=0x30), "+49151234567"),
    (Rule(PHONE, country=49, trunk=1), "+49151234567"), (Rule(DATE), "2020-04-03"), (Rule(RAW, country=49), "a"), (Rule(DATE, order=4), "2020-04-03"),
]
BAD_TEXT = [(NAMES, b"\xff"), (NAMES, b"a\xc3"), (NAMES, b"\xed\xa0\x80"), (NAMES, b"\xc0\x80"), (MAIL, b"\xf4\x90\x80\x80@x.org"), (ANY, b"+49\xff"), (DATES, b"2020\x80")]


def tokens():
    yield "unique", index_of("unique", UNIQUE, 128, MAIL), b"ada@example.org"
    yield "empty", index_of("empty", UNIQUE, 128, BYTES), b""
    yield "long", index_of("long", UNIQUE, 128, BYTES), fixed("long", 1000)
    for bits in (1, 7, 8, 9, 12, 40):
        yield "%d bits" % bits, index_of("truncated %d" % bits, TRUNCATED, bits, NAMES), b"ada lovelace"
    yield "joined", index_of("joined", UNIQUE, 128, BYTES), join([b"ada", b"1815-12-10"])
    yield "name of 63 bytes", Index(bytes(16), bytes(16), UNIQUE, 128, b"n" * 63, GERMAN), b"+491512345678"
    good = index_of("unique", UNIQUE, 128, MAIL)
    for what, other in (("tenant", "tenant"), ("domain", "domain"), ("name", "name")):
        index = index_of("unique", UNIQUE, 128, MAIL)
        setattr(index, other, bytes(16) if what != "name" else b"other")
        yield "another " + what, index, b"ada@example.org"
    yield "another rule", Index(good.tenant, good.domain, UNIQUE, 128, good.name, MAIL_KEEP), b"ada@example.org"
    yield "truncated", Index(good.tenant, good.domain, TRUNCATED, 40, good.name, MAIL), b"ada@example.org"


def token_refusals():
    yield "no name", Index(bytes(16), bytes(16), UNIQUE, 128, b"", MAIL)
    yield "name of 64 bytes", Index(bytes(16), bytes(16), UNIQUE, 128, b"n" * 64, MAIL)
    yield "unique of 64 bits", Index(bytes(16), bytes(16), UNIQUE, 64, b"n", MAIL)
    yield "truncated to nothing", Index(bytes(16), bytes(16), TRUNCATED, 0, b"n", MAIL)
    yield "41 bits", Index(bytes(16), bytes(16), TRUNCATED, 41, b"n", MAIL)
    yield "128 bits, truncated", Index(bytes(16), bytes(16), TRUNCATED, 128, b"n", MAIL)
    yield "no kind", Index(bytes(16), bytes(16), 0, 128, b"n", MAIL)
    yield "a later kind", Index(bytes(16), bytes(16), 5, 128, b"n", MAIL)
    yield "no rule", Index(bytes(16), bytes(16), UNIQUE, 128, b"n", Rule(0))
    yield "prefixes at nobody's risk", Index(bytes(16), bytes(16), PREFIX, 128, b"n", NAMES)
    yield "words at nobody's risk", Index(bytes(16), bytes(16), WORD, 128, b"n", NAMES)
    yield "prefixes of raw bytes", Index(bytes(16), bytes(16), PREFIX, 128, b"n", BYTES, risk=True)
    yield "prefixes are no token", Index(bytes(16), bytes(16), PREFIX, 128, b"n", NAMES, risk=True)


def part_cases():
    prefix, word = index_of("prefix", PREFIX, 128, NAMES, risk=True), index_of("word", WORD, 12, NAMES, risk=True)
    for text in ("ada lovelace", "ada", "ad", "\u00e9t\u00e9 \u00e0 paris"):
        yield prefix, text
    for text in ("ada lovelace", "ada, ada & ada", "...", "o'brien", "\u5c71\u7530 \u592a\u90ce", "x1 2y"):
        yield word, text


def asks():
    prefix, word = index_of("prefix", PREFIX, 128, NAMES, risk=True), index_of("word", WORD, 12, NAMES, risk=True)
    for text in ("ada", "ada love", "ada lovelace", "ad", ""):
        yield prefix, text
    for text in ("lovelace", "ada lovelace", "ada ", " ada", "", "..."):
        yield word, text


def described_rule(rule):
    return {"rule": rule.rule, "version": rule.version, "local": rule.local, "country": rule.country, "trunk": rule.trunk, "order": rule.order}


def described(index):
    return {"tenant": index.tenant.hex(), "domain": index.domain.hex(), "kind": index.kind, "bits": index.bits, "name": index.name.hex(),
            "risk_accepted": index.risk, "epoch": index.epoch, "normaliser": described_rule(index.rule)}


def values():
    """(name, value, whether it is searchable)"""
    kek, index = fixed("value kek", 32), index_of("value", UNIQUE, 128, MAIL, epoch=258)
    place = Place(fixed("value data kek", 32), 7, 3, index.tenant, fixed("value column", 16))
    good = front(kek, index, b"ada@example.org") + seal(place, b"", b"Ada@Example.org", fixed("value fresh", 24))
    few = index_of("value", TRUNCATED, 12, MAIL, epoch=65535)
    yield "unique", good, True
    yield "truncated", front(kek, few, b"ada@example.org") + good[20:], True
    yield "empty plaintext", good[:20] + seal(place, b"", b"", fixed("value fresh 2", 24)), True
    yield "RF1 alone", good[20:], False
    yield "no bytes", b"", False
    yield "token alone", good[:20], False
    yield "cut in its RF1", good[:99], False
    yield "of another format", b"\xf7" + good[1:], False
    yield "of no kind", good[:1] + b"\0" + good[2:], False
    yield "of prefixes", good[:1] + b"\3" + good[2:], False
    yield "of epoch 0", good[:2] + b"\0\0" + good[4:], False
    yield "twice in front", good[:20] + good, False
    yield "not RF1 behind", good[:20] + b"\0" + good[21:], False


def vectors():
    kek = fixed("kek", 32)
    out = {"format": "docs/formats/searchable.md", "kek": kek.hex(), "normal": [], "refuse": [], "tokens": [], "no_tokens": [], "parts": [], "ask": [], "values": []}
    for rule, text in NORMAL:
        out["normal"].append({"normaliser": described_rule(rule), "typed": text.encode().hex(), "shown": text, "normal": normal(rule, text.encode()).hex()})
    for rule, raw in [(r, t.encode()) for r, t in REFUSE] + BAD_TEXT:
        out["refuse"].append({"normaliser": described_rule(rule), "typed": raw.hex(), "fault": reason(normal, rule, raw)})
    for what, index, value in tokens():
        out["tokens"].append({"name": what, "index": described(index), "value": value.hex(), "token": token(kek, index, value).hex(), "front": front(kek, index, value).hex()})
    for what, index in token_refusals():
        out["no_tokens"].append({"name": what, "index": described(index), "fault": reason(token, kek, index, b"x")})
    for index, text in part_cases():
        out["parts"].append({"index": described(index), "shown": text, "value": text.encode().hex(), "tokens": parts(kek, index, text.encode()).hex()})
    for index, text in asks():
        fault = reason(ask, kek, index, text.encode())
        out["ask"].append({"index": described(index), "part": text.encode().hex(), "fault": fault, "token": ask(kek, index, text.encode()).hex() if fault == "ok" else ""})
    for what, value, good in values():
        out["values"].append({"name": what, "value": value.hex(), "searchable": good})
    return out


if __name__ == "__main__":
    if sys.argv[1:] != ["--vectors"]:
        sys.exit(__doc__)
    print(json.dumps(vectors(), indent=1))
