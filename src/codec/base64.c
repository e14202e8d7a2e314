#include "codec/base64.h"

#define CHUNK 48 /* bytes that are written at once; a multiple of 3 and of 2 */

static const char plain_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* What a letter stands for, and the alphabets that have it. */
enum { VALUE = 0x3f, PLAIN = 0x40, URL = 0x80, BOTH = PLAIN | URL };

#define TWO(letter, value) [letter] = BOTH | (value), [(letter) + 1] = BOTH | ((value) + 1)
#define SIX(letter, value)                                                                         \
    TWO(letter, value), TWO((letter) + 2, (value) + 2), TWO((letter) + 4, (value) + 4)

static const uint8_t values[256] = {
    SIX('A', 0),      SIX('G', 6),      SIX('M', 12), SIX('S', 18),       TWO('Y', 24),
    SIX('a', 26),     SIX('g', 32),     SIX('m', 38), SIX('s', 44),       TWO('y', 50),
    SIX('0', 52),     TWO('6', 58),     TWO('8', 60), ['+'] = PLAIN | 62, ['/'] = PLAIN | 63,
    ['-'] = URL | 62, ['_'] = URL | 63,
};

/* Three bytes make four letters, one or two make two or three; how many letters there are. */
static size_t
put(struct rdt_span in, const char *letters, char *out)
{
    size_t i = 0, k = 0;
    for (; in.n - i >= 3; i += 3, k += 4) {
        uint32_t w = (uint32_t)in.p[i] << 16 | (uint32_t)in.p[i + 1] << 8 | in.p[i + 2];
        out[k] = letters[w >> 18];
        out[k + 1] = letters[w >> 12 & VALUE];
        out[k + 2] = letters[w >> 6 & VALUE];
        out[k + 3] = letters[w & VALUE];
    }
    size_t left = in.n - i;
    if (left == 0)
        return k;
    uint32_t w = (uint32_t)in.p[i] << 16 | (left == 2 ? (uint32_t)in.p[i + 1] << 8 : 0);
    out[k++] = letters[w >> 18];
    out[k++] = letters[w >> 12 & VALUE];
    if (left == 2)
        out[k++] = letters[w >> 6 & VALUE];
    return k;
}

/* The other way round, without padding.  One letter left over, or bits that are not 0, is wrong. */
static bool
get(struct rdt_span in, unsigned alphabet, uint8_t *out, size_t *n)
{
    unsigned all = alphabet;
    size_t i = 0, k = 0, left = in.n % 4;
    for (; in.n - i >= 4; i += 4, k += 3) {
        uint8_t a = values[in.p[i]], b = values[in.p[i + 1]], c = values[in.p[i + 2]],
                d = values[in.p[i + 3]];
        all &= a & b & c & d;
        uint32_t w = (uint32_t)(a & VALUE) << 18 | (uint32_t)(b & VALUE) << 12 |
                     (uint32_t)(c & VALUE) << 6 | (d & VALUE);
        out[k] = (uint8_t)(w >> 16);
        out[k + 1] = (uint8_t)(w >> 8);
        out[k + 2] = (uint8_t)w;
    }
    if (all == 0 || left == 1)
        return false;
    if (left != 0) {
        uint8_t a = values[in.p[i]], b = values[in.p[i + 1]],
                c = left == 3 ? values[in.p[i + 2]] : BOTH;
        uint32_t w = (uint32_t)(a & VALUE) << 12 | (uint32_t)(b & VALUE) << 6 | (c & VALUE);
        if ((all & a & b & c) == 0 || (left == 3 ? w & 3 : w >> 6 & 15) != 0)
            return false;
        out[k++] = (uint8_t)(w >> 10);
        if (left == 3)
            out[k++] = (uint8_t)(w >> 2);
    }
    *n = k;
    return true;
}

void
rdt_base64_put(struct rdt_span bytes, char *out)
{
    size_t k = put(bytes, plain_letters, out), len = rdt_base64_len(bytes.n);
    while (k < len)
        out[k++] = '=';
}

bool
rdt_base64_get(struct rdt_span text, uint8_t *out, size_t *n)
{
    struct rdt_span letters = text;
    if (text.n % 4 != 0)
        return false;
    for (int pads = 0; pads < 2 && letters.n != 0 && letters.p[letters.n - 1] == '='; pads++)
        letters.n--;
    return get(letters, PLAIN, out, n);
}

bool
rdt_base64_raw_get(struct rdt_span text, uint8_t *out, size_t *n)
{
    return get(text, PLAIN, out, n);
}

bool
rdt_base64url_get(struct rdt_span text, uint8_t *out, size_t *n)
{
    return get(text, URL, out, n);
}

/* By arithmetic, which compilers do for many digits at once; looking them up they cannot. */
static char
hex_letter(uint8_t value)
{
    return (char)('0' + value + (value > 9 ? 'a' - '9' - 1 : 0));
}

void
rdt_hex_put(struct rdt_span bytes, char *out)
{
    for (size_t i = 0; i < bytes.n; i++) {
        out[2 * i] = hex_letter(bytes.p[i] >> 4);
        out[2 * i + 1] = hex_letter(bytes.p[i] & 15);
    }
}

/* ---- appended, a chunk at a time */

static struct rdt_span
next_chunk(struct rdt_span *bytes)
{
    size_t n = bytes->n < CHUNK ? bytes->n : CHUNK;
    struct rdt_span chunk = {bytes->p, n};
    *bytes = (struct rdt_span){bytes->p + n, bytes->n - n};
    return chunk;
}

void
rdt_base64_add(struct rdt_buf *out, struct rdt_span bytes)
{
    char text[CHUNK / 3 * 4];
    while (bytes.n != 0) {
        struct rdt_span chunk = next_chunk(&bytes);
        rdt_base64_put(chunk, text);
        rdt_buf_add(out, text, rdt_base64_len(chunk.n));
    }
}

/* A chunk is a multiple of 3 bytes, so nothing has to be filled up between two. */
static void
add_unpadded(struct rdt_buf *out, struct rdt_span bytes, const char *letters)
{
    char text[CHUNK / 3 * 4];
    while (bytes.n != 0)
        rdt_buf_add(out, text, put(next_chunk(&bytes), letters, text));
}

void
rdt_base64_raw_add(struct rdt_buf *out, struct rdt_span bytes)
{
    add_unpadded(out, bytes, plain_letters);
}

void
rdt_base64url_add(struct rdt_buf *out, struct rdt_span bytes)
{
    add_unpadded(out, bytes, url_letters);
}

void
rdt_hex_add(struct rdt_buf *out, struct rdt_span bytes)
{
    char text[2 * CHUNK];
    while (bytes.n != 0) {
        struct rdt_span chunk = next_chunk(&bytes);
        rdt_hex_put(chunk, text);
        rdt_buf_add(out, text, 2 * chunk.n);
    }
}

/* ---- hexadecimal digits and UUIDs, read */

/* 0 to 15, or 16 when it is no digit. */
static unsigned
hex_value(uint8_t c)
{
    uint8_t letter = c | 0x20;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return letter >= 'a' && letter <= 'f' ? (unsigned)(letter - 'a' + 10) : 16;
}

bool
rdt_hex_get(struct rdt_span text, uint8_t *out, size_t n)
{
    unsigned all = 0;
    if (text.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned high = hex_value(text.p[2 * i]), low = hex_value(text.p[2 * i + 1]);
        all |= high | low;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return all < 16;
}

/* 8-4-4-4-12: how many bytes stand between the dashes. */
static const uint8_t uuid_parts[] = {4, 2, 2, 2, 6};

void
rdt_uuid_text(const uint8_t uuid[static 16], char out[static RDT_UUID_TEXT])
{
    for (size_t i = 0; i < sizeof uuid_parts; i++) {
        if (i != 0)
            *out++ = '-';
        rdt_hex_put((struct rdt_span){uuid, uuid_parts[i]}, out);
        out += 2 * uuid_parts[i];
        uuid += uuid_parts[i];
    }
    *out = '\0';
}

bool
rdt_uuid_parse(struct rdt_span text, uint8_t out[static 16])
{
    uint8_t uuid[16];
    char again[RDT_UUID_TEXT];
    size_t at = 0, from = 0;
    if (text.n != RDT_UUID_TEXT - 1)
        return false;
    for (size_t i = 0; i < sizeof uuid_parts; i++) {
        size_t n = uuid_parts[i];
        if (!rdt_hex_get((struct rdt_span){text.p + from, 2 * n}, uuid + at, n))
            return false;
        from += 2 * n + 1;
        at += n;
    }
    /* One spelling: dashes where they belong, no capital. */
    rdt_uuid_text(uuid, again);
    if (!rdt_span_is(text, again))
        return false;
    memcpy(out, uuid, sizeof uuid);
    return true;
}
