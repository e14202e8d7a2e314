/*
 * token.h - the blind index: a token by which the rows of a value are found and which says nothing
 * of the value to who lacks the key; and the searchable value, which carries one in front of RF1.
 *
 *   0 1 format 0xF9 | 1 1 kind | 2 2 index epoch | 4 16 token | 20 RF1
 *
 * Index keys are of a ring of their own, so that rotating the data keys leaves an index standing.
 * Format: docs/formats/searchable.md. Only rdt_index_keys_new() allocates.
 */
#ifndef RDT_FIELD_TOKEN_H
#define RDT_FIELD_TOKEN_H

#include "field/normal.h"

#define RDT_TOKEN_LEN ((size_t)16)        /* bytes of a token */
#define RDT_TOKEN_BITS 128                /* of a unique token */
#define RDT_TOKEN_TRUNCATED_MAX 40        /* bits of a truncated token */
#define RDT_INDEX_NAME_MAX ((size_t)63)   /* bytes of an index's name */
#define RDT_SEARCHABLE_FRONT ((size_t)20) /* bytes of a searchable value before its RF1 */

enum rdt_index_kind {
    RDT_INDEX_UNIQUE = 1, /* 128 bits: UNIQUE, joins, foreign keys; shows which values are equal */
    RDT_INDEX_TRUNCATED = 2, /* few bits: several values share a token, so equality does not show */
    RDT_INDEX_PREFIX = 3,    /* tokens of a value's beginnings (parts.h) */
    RDT_INDEX_WORD = 4,      /* tokens of a value's words (parts.h) */
};

/* What the caller's catalogue says of an index. Whatever is here makes another key, but for
 * risk_accepted. */
struct rdt_field_index {
    uint8_t tenant[16], domain[16]; /* columns that are joined share a domain */
    enum rdt_index_kind kind;
    uint8_t bits; /* of a token: 128 where unique, up to 40 where truncated, 128 for parts */
    struct rdt_span name;     /* 1 to RDT_INDEX_NAME_MAX bytes */
    struct rdt_normal normal; /* how values are written before they become tokens */
    bool risk_accepted;       /* prefixes and words: somebody has signed for what they give away */
};

struct rdt_index_keys {
    uint32_t handle;
    uint16_t epoch; /* 1 or more */
    uint8_t kind, bits;
    struct rdt_secret token; /* RDT_MAC_READY_LEN bytes */
};

/* rdt_field_index_check - whether a definition may be used: RDT_FIELD_INDEX (it is none), or
 * RDT_FIELD_RISK (prefixes or words, and nobody has accepted what they give away). */
enum rdt_field_fault rdt_field_index_check(const struct rdt_field_index *index);

/* rdt_index_keys_new - room for keys, in locked memory.  Fails: RDT_E_NOMEM, RDT_E_DENIED. */
RDT_MUST_CHECK enum rdt_code rdt_index_keys_new(struct rdt_index_keys *keys, struct rdt_err *err);

/* rdt_index_keys_wipe - the closer for RDT_AUTO; {0} is fine. */
void rdt_index_keys_wipe(struct rdt_index_keys *keys);

/*
 * rdt_index_keys_make - fill keys, but for handle and epoch, which are the caller's to set.
 *
 *   kek    RDT_KEY_LEN bytes: of (handle, epoch) in the index ring, never in a ring of data
 *   keys   made by rdt_index_keys_new()
 *
 * Fails: as rdt_field_index_check(), RDT_FIELD_INTERNAL.
 */
enum rdt_field_fault rdt_index_keys_make(struct rdt_worker *worker, const struct rdt_secret *kek,
                                         const struct rdt_field_index *index,
                                         struct rdt_index_keys *keys);

/*
 * rdt_token - the token of a value.
 *
 *   keys    of a unique or truncated index
 *   value   as rdt_normal_put() wrote it; at most RDT_VALUE_MAX bytes
 *
 * Fails: RDT_FIELD_INDEX (keys of another kind), RDT_FIELD_TOO_LONG, RDT_FIELD_INTERNAL.
 */
enum rdt_field_fault rdt_token(struct rdt_worker *worker, const struct rdt_index_keys *keys,
                               struct rdt_span value, uint8_t out[static RDT_TOKEN_LEN]);

/*
 * rdt_token_check - whether a token is that of a value: what a search found is looked at again when
 * it is decrypted, since several values share a truncated token and who writes the database may
 * put any token before any value.  RDT_FIELD_TOKEN: it is of another value, or another index.
 */
enum rdt_field_fault rdt_token_check(struct rdt_worker *worker, const struct rdt_index_keys *keys,
                                     struct rdt_span value, struct rdt_span token);

/* A searchable value taken apart; borrowed. */
struct rdt_searchable {
    uint8_t kind;
    uint16_t epoch;
    struct rdt_span token, rf1;
};

/* rdt_searchable_read - take a value apart; false: it is none. Uses no key. */
bool rdt_searchable_read(struct rdt_span value, struct rdt_searchable *out);

/*
 * rdt_searchable_put - write what stands before the RF1: sealing goes to out +
 * RDT_SEARCHABLE_FRONT.
 *
 *   token   of rdt_token() under these keys
 */
void rdt_searchable_put(const struct rdt_index_keys *keys, const uint8_t *token,
                        uint8_t out[static RDT_SEARCHABLE_FRONT]);

#endif
