#include "field/rf1.h"

#include "codec/base64.h"
#include "crypto/hash.h"

#include <time.h>

#define FORMAT 0xf8 /* never a byte of UTF-8 */
#define HEADER 8
#define SALT 12
#define COMMITMENT 32
#define FRONT ((size_t)64) /* before the ciphertext */
#define ROW_MOST (1 + RDT_SHA256_LEN)
#define ROW_HASHED 0xff
#define TEXT_FRONT "rd1."

const char *
rdt_field_fault_words(enum rdt_field_fault fault)
{
    static const char *const words[RDT_FIELD_NFAULTS] = {
        [RDT_FIELD_OK] = "",
        [RDT_FIELD_NOT_RF1] = "this is not an encrypted value",
        [RDT_FIELD_SUITE] = "the value was not encrypted as this column allows",
        [RDT_FIELD_TENANT] = "the value is of another tenant or ring",
        [RDT_FIELD_KEY] = "the key of the value's epoch is not at hand",
        [RDT_FIELD_PLACE] = "the value is of another column or row",
        [RDT_FIELD_BODY] = "the value is damaged",
        [RDT_FIELD_ROW] = "a row-bound column needs the row's key, any other takes none",
        [RDT_FIELD_TOO_LONG] = "the value is too long",
        [RDT_FIELD_NO_ROOM] = "the buffer is too small",
        [RDT_FIELD_INTERNAL] = "an internal error",
        [RDT_FIELD_NEED] = "a key has to be fetched first",
        [RDT_FIELD_NOMEM] = "out of memory",
        [RDT_FIELD_UNLOCKED] = "memory cannot be locked: raise RLIMIT_MEMLOCK",
        [RDT_FIELD_FULL] = "the keyring holds as many keys as it may",
        [RDT_FIELD_USAGE] = "the call makes no sense: a length, a flag or a pointer",
        [RDT_FIELD_ANSWER] = "the key service's answer is none to what was asked",
        [RDT_FIELD_FORKED] = "made before fork(), used after it",
        [RDT_FIELD_INDEX] = "the definition of the index is none that may be used",
        [RDT_FIELD_RISK] = "prefixes and words need an accepted risk: they show what is frequent",
        [RDT_FIELD_TEXT] = "the value is not UTF-8, or has characters that such a value has not",
        [RDT_FIELD_FORM] = "the value is not of the kind that the index takes",
        [RDT_FIELD_UNCLEAR] = "the value can be read in two ways",
        [RDT_FIELD_TOKEN] = "the token is of another value",
    };
    return (size_t)fault < RDT_FIELD_NFAULTS ? words[fault] : "an unknown fault";
}

static uint32_t
load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool
rdt_rf1_read(struct rdt_span value, struct rdt_rf1 *out)
{
    if (value.n < RDT_VALUE_OVER || value.n > RDT_VALUE_OVER + RDT_VALUE_MAX ||
        value.p[0] != FORMAT)
        return false;
    *out = (struct rdt_rf1){
        .suite = value.p[1],
        .handle = load_u32(value.p + 2),
        .epoch = (uint16_t)(value.p[6] << 8 | value.p[7]),
        .header = {value.p,         HEADER         },
        .salt = {value.p + 8,     SALT           },
        .iv = {value.p + 20,    RDT_GCM_IV_LEN },
        .commitment = {value.p + 32,    COMMITMENT     },
        .sealed = {value.p + FRONT, value.n - FRONT},
    };
    return true;
}

static size_t
padded_len(const struct rdt_field_column *column, size_t n)
{
    return column->bucket == 0 ? n : (n / column->bucket + 1) * column->bucket;
}

size_t
rdt_rf1_len(const struct rdt_field_column *column, size_t n)
{
    if (n > RDT_VALUE_MAX || padded_len(column, n) > RDT_VALUE_MAX)
        return 0;
    return RDT_VALUE_OVER + padded_len(column, n);
}

/* ---- the row ---- */

struct row {
    uint8_t bytes[ROW_MOST];
    size_t n;
};

static enum rdt_field_fault
row_of(const struct rdt_rf1_call *call, struct row *out)
{
    out->n = 0;
    if (call->column->row_bound != (call->row.n != 0))
        return RDT_FIELD_ROW;
    if (!call->column->row_bound)
        return RDT_FIELD_OK;
    if (call->row.n <= RDT_RF1_ROW_RAW_MAX) {
        out->bytes[0] = (uint8_t)call->row.n;
        memcpy(out->bytes + 1, call->row.p, call->row.n);
        out->n = 1 + call->row.n;
        return RDT_FIELD_OK;
    }
    out->bytes[0] = ROW_HASHED;
    out->n = ROW_MOST;
    return rdt_digest(call->worker, &call->row, 1, out->bytes + 1, NULL) == RDT_OK
               ? RDT_FIELD_OK
               : RDT_FIELD_INTERNAL;
}

/* ---- keys of one value ---- */

static bool
record_key(const struct rdt_rf1_call *call, const uint8_t *front, const struct row *row)
{
    static const uint8_t one[1] = {1};
    const struct rdt_span parts[] = {
        {front,      HEADER + SALT},
        {row->bytes, row->n       },
        {one,        sizeof one   },
    };
    return rdt_mac_key(call->worker, &call->keys->encrypt, parts, RDT_COUNT(parts), call->record) ==
           RDT_OK;
}

static bool
commit(const struct rdt_rf1_call *call, const uint8_t *front, const struct row *row, uint8_t *out)
{
    const struct rdt_span parts[] = {
        {front,      HEADER + SALT + RDT_GCM_IV_LEN},
        {row->bytes, row->n                        },
    };
    return rdt_mac(call->worker, &call->keys->verify, parts, RDT_COUNT(parts), out) == RDT_OK;
}

/* header | salt | commitment | row */
struct aad {
    uint8_t bytes[HEADER + SALT + COMMITMENT + ROW_MOST];
    struct rdt_span span;
};

static void
make_aad(const uint8_t *front, const struct row *row, struct aad *out)
{
    size_t n = HEADER + SALT;
    memcpy(out->bytes, front, n);
    memcpy(out->bytes + n, front + 32, COMMITMENT);
    n += COMMITMENT;
    memcpy(out->bytes + n, row->bytes, row->n);
    out->span = (struct rdt_span){out->bytes, n + row->n};
}

/* ---- salt and IV ---- */

/* Two copies of one machine draw the same bytes from their pools; their cycle counters differ. */
static uint64_t
cycles(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t v;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
    return v;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* Bytes that differ wherever anything does that matters: pool, place, or plaintext. */
static bool
hedge(const struct rdt_rf1_call *call, const uint8_t *front, const struct row *row,
      struct rdt_span plain, uint8_t out[static RDT_SHA256_LEN])
{
    uint8_t drawn[RDT_SHA256_LEN];
    const struct rdt_span parts[] = {
        {drawn,      sizeof drawn},
        {front,      HEADER      },
        {row->bytes, row->n      },
        plain,
    };
    bool ok = rdt_random(call->worker, drawn, sizeof drawn, NULL) == RDT_OK &&
              rdt_mac(call->worker, &call->keys->hedge, parts, RDT_COUNT(parts), out) == RDT_OK;
    explicit_bzero(drawn, sizeof drawn);
    return ok;
}

static bool
put_nonce(const struct rdt_rf1_call *call, const struct row *row, struct rdt_span plain,
          uint8_t *front)
{
    uint8_t *salt = front + HEADER, bytes[RDT_SHA256_LEN];
    if (call->column->hedged) {
        bool ok = hedge(call, front, row, plain, bytes);
        memcpy(salt, bytes, SALT + RDT_GCM_IV_LEN);
        return ok;
    }
    if (rdt_random(call->worker, salt, SALT + RDT_GCM_IV_LEN, NULL) != RDT_OK)
        return false;
    for (uint64_t i = 0, v = cycles(); i < 8; i++, v >>= 8)
        salt[i] ^= (uint8_t)v;
    return true;
}

/* ---- encrypting ---- */

static uint8_t
suite_of(const struct rdt_field_column *column)
{
    return (uint8_t)(RDT_RF1_GCM | (column->bucket != 0 ? RDT_RF1_PADDED : 0) |
                     (column->row_bound ? RDT_RF1_ROW : 0));
}

static void
put_header(const struct rdt_rf1_call *call, uint8_t *out)
{
    uint32_t handle = call->keys->handle;
    out[0] = FORMAT;
    out[1] = suite_of(call->column);
    for (size_t i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)(handle >> (24 - 8 * i));
    out[6] = (uint8_t)(call->keys->epoch >> 8);
    out[7] = (uint8_t)call->keys->epoch;
}

static bool
encrypt(const struct rdt_rf1_call *call, const struct row *row, struct rdt_span plain, uint8_t *out)
{
    struct aad aad;
    uint8_t *body = out + FRONT;
    size_t n = padded_len(call->column, plain.n);
    put_header(call, out);
    if (!put_nonce(call, row, plain, out) || !record_key(call, out, row) ||
        !commit(call, out, row, out + 32))
        return false;
    make_aad(out, row, &aad);
    if (n != plain.n) { /* encrypted where it stands */
        if (plain.n != 0)
            memcpy(body, plain.p, plain.n);
        body[plain.n] = 0x80;
        memset(body + plain.n + 1, 0, n - plain.n - 1);
        plain = (struct rdt_span){body, n};
    }
    return rdt_gcm_seal(call->worker, call->record, out + 20, aad.span, plain, body) == RDT_OK;
}

enum rdt_field_fault
rdt_rf1_seal(const struct rdt_rf1_call *call, struct rdt_span plain, struct rdt_rf1_out *out)
{
    struct row row;
    size_t n = rdt_rf1_len(call->column, plain.n);
    enum rdt_field_fault fault = row_of(call, &row);
    out->n = 0;
    if (n == 0)
        return RDT_FIELD_TOO_LONG;
    if (fault != RDT_FIELD_OK)
        return fault;
    if (call->keys->encrypt.n == 0)
        return RDT_FIELD_KEY;
    if (out->room < n)
        return RDT_FIELD_NO_ROOM;
    bool ok = encrypt(call, &row, plain, out->p);
    rdt_secret_clear(call->record);
    if (!ok) {
        explicit_bzero(out->p, n); /* padding may have put plaintext there */
        return RDT_FIELD_INTERNAL;
    }
    out->n = n;
    return RDT_FIELD_OK;
}

/* ---- decrypting ---- */

/* Suites that the catalogue allows: those of its column, padded or not. */
static bool
allowed(const struct rdt_field_column *column, uint8_t suite)
{
    uint8_t own = suite_of(column);
    return suite == own || (column->any_length && suite == (own ^ RDT_RF1_PADDED));
}

static enum rdt_field_fault
check(const struct rdt_rf1_call *call, struct rdt_span value, struct rdt_rf1 *rf1, struct row *row)
{
    uint8_t want[COMMITMENT];
    if (!rdt_rf1_read(value, rf1))
        return RDT_FIELD_NOT_RF1;
    if (!allowed(call->column, rf1->suite))
        return RDT_FIELD_SUITE;
    if (rf1->handle != call->keys->handle)
        return RDT_FIELD_TENANT;
    if (rf1->epoch != call->keys->epoch)
        return RDT_FIELD_KEY;
    enum rdt_field_fault fault = row_of(call, row);
    if (fault != RDT_FIELD_OK)
        return fault;
    if (!commit(call, value.p, row, want))
        return RDT_FIELD_INTERNAL;
    return rdt_same((struct rdt_span){want, sizeof want}, rf1->commitment) ? RDT_FIELD_OK
                                                                           : RDT_FIELD_PLACE;
}

/* Bytes before the 0x80; SIZE_MAX: there is none. The tag has vouched for all of it. */
static size_t
unpadded_len(const uint8_t *p, size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n > 0 && p[n - 1] == 0x80 ? n - 1 : SIZE_MAX;
}

enum rdt_field_fault
rdt_rf1_open(const struct rdt_rf1_call *call, struct rdt_span value, struct rdt_rf1_out *out)
{
    struct rdt_rf1 rf1;
    struct row row;
    struct aad aad;
    out->n = 0;
    enum rdt_field_fault fault = check(call, value, &rf1, &row);
    if (fault != RDT_FIELD_OK)
        return fault;
    size_t n = rf1.sealed.n - RDT_GCM_TAG_LEN;
    if (call->keys->encrypt.n == 0)
        return RDT_FIELD_KEY;
    if (out->room < n)
        return RDT_FIELD_NO_ROOM;
    make_aad(value.p, &row, &aad);
    bool ok = record_key(call, value.p, &row);
    enum rdt_code rc =
        ok ? rdt_gcm_open(call->worker, call->record, rf1.iv.p, aad.span, rf1.sealed, out->p)
           : RDT_E_INTERNAL;
    rdt_secret_clear(call->record);
    if (rc != RDT_OK)
        return rc == RDT_E_TAMPERED ? RDT_FIELD_BODY : RDT_FIELD_INTERNAL;
    size_t plain_n = (rf1.suite & RDT_RF1_PADDED) != 0 ? unpadded_len(out->p, n) : n;
    if (plain_n == SIZE_MAX) {
        explicit_bzero(out->p, n);
        return RDT_FIELD_BODY;
    }
    out->n = plain_n;
    return RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_rf1_verify(const struct rdt_rf1_call *call, struct rdt_span value)
{
    struct rdt_rf1 rf1;
    struct row row;
    return check(call, value, &rf1, &row);
}

/* ---- text ---- */

void
rdt_rf1_text_add(struct rdt_buf *out, struct rdt_span value)
{
    rdt_buf_str(out, TEXT_FRONT);
    rdt_base64url_add(out, value);
}

bool
rdt_rf1_text_get(struct rdt_span text, uint8_t *out, size_t *n)
{
    size_t front = sizeof TEXT_FRONT - 1;
    if (text.n < front || !rdt_span_is((struct rdt_span){text.p, front}, TEXT_FRONT))
        return false;
    return rdt_base64url_get((struct rdt_span){text.p + front, text.n - front}, out, n);
}
