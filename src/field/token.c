#include "field/token_internal.h"

#define FORMAT 0xf9 /* never a byte of UTF-8, nor of RF1 */

static const char token_label[] = "redoubt/index/token"; /* with the NUL that ends it */

/* ---- definition and keys ---- */

static bool
good_bits(const struct rdt_field_index *index)
{
    bool whole = index->bits == RDT_TOKEN_BITS;
    bool few = index->bits >= 1 && index->bits <= RDT_TOKEN_TRUNCATED_MAX;
    switch (index->kind) {
    case RDT_INDEX_UNIQUE:
        return whole;
    case RDT_INDEX_TRUNCATED:
        return few;
    case RDT_INDEX_PREFIX:
    case RDT_INDEX_WORD:
        return whole || few;
    }
    return false;
}

enum rdt_field_fault
rdt_field_index_check(const struct rdt_field_index *index)
{
    bool parts = index->kind == RDT_INDEX_PREFIX || index->kind == RDT_INDEX_WORD;
    if (!good_bits(index) || !rdt_normal_check(&index->normal) || index->name.n == 0 ||
        index->name.n > RDT_INDEX_NAME_MAX)
        return RDT_FIELD_INDEX;
    if (parts && index->normal.rule == RDT_NORMAL_RAW) /* its bytes need not be text */
        return RDT_FIELD_INDEX;
    return parts && !index->risk_accepted ? RDT_FIELD_RISK : RDT_FIELD_OK;
}

enum rdt_code
rdt_index_keys_new(struct rdt_index_keys *keys, struct rdt_err *err)
{
    *keys = (struct rdt_index_keys){0};
    return rdt_secret_new(&keys->token, RDT_MAC_READY_LEN, err);
}

void
rdt_index_keys_wipe(struct rdt_index_keys *keys)
{
    rdt_secret_wipe(&keys->token);
}

/* HKDF-Expand (RFC 5869) to one block. */
static enum rdt_code
expand(struct rdt_worker *worker, const struct rdt_secret *kek, const struct rdt_field_index *index,
       struct rdt_secret *out)
{
    static const uint8_t one[1] = {1};
    const struct rdt_normal *normal = &index->normal;
    const uint8_t kind[2] = {(uint8_t)index->kind, index->bits};
    const uint8_t name_n[1] = {(uint8_t)index->name.n};
    const uint8_t rule[7] = {
        normal->rule,
        normal->version,
        normal->local,
        (uint8_t)(normal->country >> 8),
        (uint8_t)normal->country,
        normal->trunk,
        normal->order,
    };
    const struct rdt_span parts[] = {
        {(const uint8_t *)token_label, sizeof token_label  },
        {index->tenant,                sizeof index->tenant},
        {kind,                         sizeof kind         },
        {index->domain,                sizeof index->domain},
        {name_n,                       sizeof name_n       },
        index->name,
        {rule,                         sizeof rule         },
        {one,                          sizeof one          },
    };
    return rdt_hmac_key(worker, kek, parts, RDT_COUNT(parts), out);
}

enum rdt_field_fault
rdt_index_keys_make(struct rdt_worker *worker, const struct rdt_secret *kek,
                    const struct rdt_field_index *index, struct rdt_index_keys *keys)
{
    RDT_SECRET key = {0};
    enum rdt_field_fault fault = rdt_field_index_check(index);
    if (fault != RDT_FIELD_OK)
        return fault;
    if (kek->n != RDT_KEY_LEN || rdt_secret_new(&key, RDT_SHA256_LEN, NULL) != RDT_OK ||
        expand(worker, kek, index, &key) != RDT_OK ||
        rdt_mac_ready(worker, &key, &keys->token) != RDT_OK)
        return RDT_FIELD_INTERNAL;
    keys->kind = (uint8_t)index->kind;
    keys->bits = index->bits;
    return RDT_FIELD_OK;
}

/* ---- tokens ---- */

/* Bits beyond the first `bits` become zero. */
static void
keep_bits(uint8_t *token, unsigned bits)
{
    size_t whole = bits / 8;
    if (whole == RDT_TOKEN_LEN)
        return;
    token[whole] &= (uint8_t)(0xff00 >> bits % 8);
    memset(token + whole + 1, 0, RDT_TOKEN_LEN - whole - 1);
}

enum rdt_field_fault
rdt_token_of(struct rdt_worker *worker, const struct rdt_index_keys *keys, struct rdt_span value,
             uint8_t *out)
{
    uint8_t mac[RDT_SHA256_LEN];
    const uint8_t n[4] = {(uint8_t)(value.n >> 24), (uint8_t)(value.n >> 16),
                          (uint8_t)(value.n >> 8), (uint8_t)value.n};
    const struct rdt_span parts[] = {
        {n, sizeof n},
        value,
    };
    if (value.n > RDT_VALUE_MAX)
        return RDT_FIELD_TOO_LONG;
    if (rdt_mac(worker, &keys->token, parts, RDT_COUNT(parts), mac) != RDT_OK)
        return RDT_FIELD_INTERNAL;
    memcpy(out, mac, RDT_TOKEN_LEN);
    keep_bits(out, keys->bits);
    return RDT_FIELD_OK;
}

static bool
of_whole_values(unsigned kind)
{
    return kind == RDT_INDEX_UNIQUE || kind == RDT_INDEX_TRUNCATED;
}

enum rdt_field_fault
rdt_token(struct rdt_worker *worker, const struct rdt_index_keys *keys, struct rdt_span value,
          uint8_t out[static RDT_TOKEN_LEN])
{
    return of_whole_values(keys->kind) ? rdt_token_of(worker, keys, value, out) : RDT_FIELD_INDEX;
}

enum rdt_field_fault
rdt_token_check(struct rdt_worker *worker, const struct rdt_index_keys *keys, struct rdt_span value,
                struct rdt_span token)
{
    uint8_t want[RDT_TOKEN_LEN];
    enum rdt_field_fault fault = rdt_token(worker, keys, value, want);
    if (fault != RDT_FIELD_OK)
        return fault;
    return rdt_same((struct rdt_span){want, sizeof want}, token) ? RDT_FIELD_OK : RDT_FIELD_TOKEN;
}

/* ---- the searchable value ---- */

bool
rdt_searchable_read(struct rdt_span value, struct rdt_searchable *out)
{
    struct rdt_rf1 rf1;
    if (value.n < RDT_SEARCHABLE_FRONT || value.p[0] != FORMAT || !of_whole_values(value.p[1]))
        return false;
    *out = (struct rdt_searchable){
        .kind = value.p[1],
        .epoch = (uint16_t)(value.p[2] << 8 | value.p[3]),
        .token = {value.p + 4,                    RDT_TOKEN_LEN                 },
        .rf1 = {value.p + RDT_SEARCHABLE_FRONT, value.n - RDT_SEARCHABLE_FRONT},
    };
    return out->epoch != 0 && rdt_rf1_read(out->rf1, &rf1);
}

void
rdt_searchable_put(const struct rdt_index_keys *keys, const uint8_t *token,
                   uint8_t out[static RDT_SEARCHABLE_FRONT])
{
    out[0] = FORMAT;
    out[1] = keys->kind;
    out[2] = (uint8_t)(keys->epoch >> 8);
    out[3] = (uint8_t)keys->epoch;
    memcpy(out + 4, token, RDT_TOKEN_LEN);
}
