#include "codec/bech32.h"

#include <assert.h>

#define CHECKSUM_LETTERS 6
#define NO_LETTER 32

static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* BIP 173: the remainder of a polynomial over GF(32), 30 bits. */
static uint32_t
checksum_add(uint32_t sum, uint8_t value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (size_t i = 0; i < sizeof generator / sizeof generator[0]; i++)
        sum ^= generator[i] & (uint32_t) - (int32_t)(top >> i & 1);
    return sum;
}

static uint8_t
lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool
is_capital(const char *prefix)
{
    for (; *prefix != '\0'; prefix++)
        if (*prefix >= 'A' && *prefix <= 'Z')
            return true;
    return false;
}

/* The prefix counts in small letters: their high bits, a zero, their low bits. */
static uint32_t
checksum_start(const char *prefix)
{
    uint32_t sum = 1;
    for (const char *p = prefix; *p != '\0'; p++)
        sum = checksum_add(sum, lower((uint8_t)*p) >> 5);
    sum = checksum_add(sum, 0);
    for (const char *p = prefix; *p != '\0'; p++)
        sum = checksum_add(sum, lower((uint8_t)*p) & 31);
    return sum;
}

struct writer {
    char *out;
    uint32_t sum;
    uint8_t capital; /* what turns a small letter into one of this text */
};

static void
put_letter(struct writer *w, uint8_t value)
{
    char c = letters[value];
    *w->out++ = (char)(c >= 'a' ? c & ~w->capital : c);
}

static void
put_value(struct writer *w, uint8_t value)
{
    w->sum = checksum_add(w->sum, value);
    put_letter(w, value);
}

void
rdt_bech32_put(const char *prefix, struct rdt_span bytes, char *out)
{
    size_t prefix_n = strlen(prefix);
    assert(prefix_n >= 1 && prefix_n <= RDT_BECH32_PREFIX_MAX);
    struct writer w = {out, checksum_start(prefix), is_capital(prefix) ? 0x20 : 0};
    uint32_t held = 0, bits = 0;
    memcpy(w.out, prefix, prefix_n);
    w.out += prefix_n;
    *w.out++ = '1';
    for (size_t i = 0; i < bytes.n; i++) {
        held = (held << 8 | bytes.p[i]) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5)
            put_value(&w, held >> (bits - 5) & 31);
    }
    if (bits != 0)
        put_value(&w, (uint8_t)(held << (5 - bits) & 31));
    uint32_t sum = w.sum;
    for (size_t i = 0; i < CHECKSUM_LETTERS; i++)
        sum = checksum_add(sum, 0);
    sum ^= 1;
    for (size_t i = 0; i < CHECKSUM_LETTERS; i++)
        put_letter(&w, sum >> (5 * (CHECKSUM_LETTERS - 1 - i)) & 31);
}

/* Looked up by going through all of them: the time does not tell which letter of a key it was. */
static uint8_t
value_of(uint8_t c, bool capital)
{
    uint8_t value = NO_LETTER;
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter && capital != (c <= 'Z'))
        return NO_LETTER;
    for (uint8_t i = 0; i < NO_LETTER; i++) {
        uint8_t same = (uint8_t) - (letters[i] == lower(c));
        value = (uint8_t)((value & ~same) | (i & same));
    }
    return value;
}

/* The letters behind the prefix: n bytes, zero bits up to a letter's end, the checksum. */
static bool
get_values(struct rdt_span text, uint32_t sum, bool capital, uint8_t *out, size_t n)
{
    uint32_t held = 0, bits = 0;
    size_t done = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t value = value_of(text.p[i], capital);
        if (value == NO_LETTER)
            return false;
        sum = checksum_add(sum, value);
        if (i >= text.n - CHECKSUM_LETTERS)
            continue;
        held = (held << 5 | value) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out[done++] = (uint8_t)(held >> bits);
        }
    }
    return done == n && sum == 1 && (held & ((1u << bits) - 1)) == 0;
}

bool
rdt_bech32_get(struct rdt_span text, const char *prefix, uint8_t *out, size_t n)
{
    size_t prefix_n = strlen(prefix);
    bool ok = text.n == rdt_bech32_len(prefix_n, n) && text.p[prefix_n] == '1' &&
              rdt_span_is((struct rdt_span){text.p, prefix_n}, prefix);
    if (ok) {
        struct rdt_span rest = {text.p + prefix_n + 1, text.n - prefix_n - 1};
        ok = get_values(rest, checksum_start(prefix), is_capital(prefix), out, n);
    }
    if (!ok && n != 0)
        explicit_bzero(out, n);
    return ok;
}
