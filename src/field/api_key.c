#include "field/api_key.h"

#include "base/cursor.h"

#define FORMAT 0xfa /* never a byte of UTF-8 */
#define VERSION 1
#define KEY_LEN 32
#define KEY_DIGITS 43 /* 62^43 > 2^256 > 62^42 */
#define SUM_DIGITS 6  /* 62^6 > 2^32 */
#define TAIL (KEY_DIGITS + SUM_DIGITS)
#define DIGITS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Each with the NUL that ends it. */
static const char look_up_label[] = "redoubt/api-key/look-up";
static const char proof_label[] = "redoubt/api-key/proof";

/* ---- text ---- */

/* CRC-32 as zlib, PNG and Ethernet have it; a key is 70 bytes: no table. */
static uint32_t
crc32_of(struct rdt_span bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.n; i++) {
        crc ^= bytes.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
    }
    return ~crc;
}

static void
put_sum(struct rdt_span text, char *out)
{
    uint32_t sum = crc32_of(text);
    for (size_t i = SUM_DIGITS; i > 0; i--, sum /= 62)
        out[i - 1] = DIGITS[sum % 62];
}

/* A number of 256 bits, the highest digit first; bytes becomes zero. */
static void
put_digits(uint8_t bytes[static KEY_LEN], char *out)
{
    for (size_t at = KEY_DIGITS; at > 0; at--) {
        unsigned rest = 0;
        for (size_t i = 0; i < KEY_LEN; i++) {
            rest = rest << 8 | bytes[i];
            bytes[i] = (uint8_t)(rest / 62);
            rest %= 62;
        }
        out[at - 1] = DIGITS[rest];
    }
}

static bool
is_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_prefix(struct rdt_span prefix)
{
    if (prefix.n == 0 || prefix.n > RDT_API_KEY_PREFIX_MAX || prefix.p[0] < 'a' ||
        prefix.p[0] > 'z' || prefix.p[prefix.n - 1] == '_')
        return false;
    for (size_t i = 0; i < prefix.n; i++) {
        uint8_t c = prefix.p[i];
        bool upper = c >= 'A' && c <= 'Z';
        if ((c != '_' && !is_digit(c)) || upper || (c == '_' && prefix.p[i - 1] == '_'))
            return false;
    }
    return true;
}

/* Whether 43 digits are a number below 2^256: each key has one text. */
static bool
is_in_range(struct rdt_span digits)
{
    static const char most[] = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";
    return rdt_span_cmp(digits, rdt_span_str(most)) <= 0; /* the digits are in ASCII's order */
}

bool
rdt_apikey_read(struct rdt_span text, struct rdt_span *prefix)
{
    struct rdt_span front, under, digits, sum;
    char want[SUM_DIGITS];
    struct rdt_span in = text;
    if (text.n < TAIL + 2 || !rdt_take(&in, text.n - TAIL - 1, &front) ||
        !rdt_take(&in, 1, &under) || !rdt_take(&in, KEY_DIGITS, &digits) ||
        !rdt_take(&in, SUM_DIGITS, &sum))
        return false;
    if (!is_prefix(front) || under.p[0] != '_')
        return false;
    for (size_t i = 0; i < digits.n; i++)
        if (!is_digit(digits.p[i]))
            return false;
    put_sum((struct rdt_span){text.p, text.n - SUM_DIGITS}, want);
    if (!is_in_range(digits) || !rdt_same(sum, (struct rdt_span){(uint8_t *)want, sizeof want}))
        return false;
    if (prefix != NULL)
        *prefix = front;
    return true;
}

enum rdt_code
rdt_apikey_make(struct rdt_worker *worker, struct rdt_span prefix,
                char out[static RDT_API_KEY_TEXT], struct rdt_err *err)
{
    RDT_SECRET key = {0};
    out[0] = '\0';
    if (!is_prefix(prefix))
        return rdt_fail(err, RDT_E_BADINPUT,
                        "an API key's prefix is 1 to 20 of a-z, 0-9 and single '_' between them");
    enum rdt_code rc = rdt_secret_new(&key, KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_random_key(worker, &key, err);
    if (rc != RDT_OK)
        return rc;
    size_t n = prefix.n;
    memcpy(out, prefix.p, n);
    out[n++] = '_';
    put_digits(key.p, out + n);
    n += KEY_DIGITS;
    put_sum((struct rdt_span){(uint8_t *)out, n}, out + n);
    out[n + SUM_DIGITS] = '\0';
    return RDT_OK;
}

/* ---- stored ---- */

/* HMAC of a key under what a label makes of the KEK. */
static enum rdt_code
mac_of(struct rdt_worker *worker, const struct rdt_field_kek *kek, struct rdt_span label,
       struct rdt_span text, uint8_t out[static RDT_SHA256_LEN])
{
    enum rdt_code rc = rdt_field_expand(worker, kek->key, label, kek->column, kek->scratch);
    if (rc == RDT_OK)
        rc = rdt_hmac(worker, kek->scratch, &text, 1, out);
    rdt_secret_clear(kek->scratch);
    return rc;
}

enum rdt_code
rdt_apikey_look_up(struct rdt_worker *worker, const struct rdt_field_kek *kek, struct rdt_span text,
                   uint8_t out[static RDT_API_KEY_LOOK_UP])
{
    uint8_t mac[RDT_SHA256_LEN];
    if (!rdt_apikey_read(text, NULL))
        return RDT_E_BADINPUT;
    enum rdt_code rc = mac_of(worker, kek, RDT_LABEL(look_up_label), text, mac);
    if (rc == RDT_OK)
        memcpy(out, mac, RDT_API_KEY_LOOK_UP);
    return rc;
}

enum rdt_code
rdt_apikey_store(struct rdt_worker *worker, const struct rdt_field_kek *kek, struct rdt_span text,
                 uint8_t out[static RDT_API_KEY_STORED])
{
    uint8_t *look_up = out + RDT_API_KEY_STORED_AT, *proof = look_up + RDT_API_KEY_LOOK_UP;
    enum rdt_code rc = rdt_apikey_look_up(worker, kek, text, look_up);
    if (rc == RDT_OK)
        rc = mac_of(worker, kek, RDT_LABEL(proof_label), text, proof);
    if (rc != RDT_OK)
        return rc;
    out[0] = FORMAT;
    out[1] = VERSION;
    for (size_t i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)(kek->handle >> (24 - 8 * i));
    out[6] = (uint8_t)(kek->epoch >> 8);
    out[7] = (uint8_t)kek->epoch;
    return RDT_OK;
}

/* docs/formats/password.md 5: u8 format | u8 version | u32 handle | u16 epoch | look-up 16 |
 * proof 32 */
struct stored {
    uint8_t format, version;
    uint32_t handle;
    uint16_t epoch;
    struct rdt_span macs; /* both */
};

static bool
read_stored(struct rdt_span in, struct stored *out)
{
    bool ok = rdt_take_u8(&in, &out->format) && rdt_take_u8(&in, &out->version);
    ok = ok && rdt_take_u32(&in, &out->handle) && rdt_take_u16(&in, &out->epoch);
    ok = ok && rdt_take(&in, RDT_API_KEY_LOOK_UP + RDT_SHA256_LEN, &out->macs);
    return ok && in.n == 0 && out->format == FORMAT && out->version == VERSION;
}

bool
rdt_apikey_head(struct rdt_span stored, uint32_t *handle, uint16_t *epoch)
{
    struct stored is;
    if (!read_stored(stored, &is))
        return false;
    *handle = is.handle;
    *epoch = is.epoch;
    return true;
}

enum rdt_api_key_verdict
rdt_apikey_check(struct rdt_worker *worker, const struct rdt_field_kek *kek, struct rdt_span text,
                 struct rdt_span stored)
{
    uint8_t want[RDT_API_KEY_STORED];
    struct stored is;
    if (!rdt_apikey_read(text, NULL))
        return RDT_API_KEY_MALFORMED;
    if (!read_stored(stored, &is))
        return RDT_API_KEY_STORED_BAD;
    if (is.handle != kek->handle || is.epoch != kek->epoch)
        return RDT_API_KEY_OTHER;
    if (rdt_apikey_store(worker, kek, text, want) != RDT_OK)
        return RDT_API_KEY_INTERNAL;
    struct rdt_span macs = {want + RDT_API_KEY_STORED_AT, is.macs.n};
    return rdt_same(macs, is.macs) ? RDT_API_KEY_MATCH : RDT_API_KEY_NO_MATCH;
}
