/*
 * rf1.h - RF1, the format of one encrypted value: AES-256-GCM under a key of its own, with a
 * commitment to key, place and nonce that can be checked without the power to read.
 *
 *   0  1 format 0xF8 | 1 1 suite | 2 4 handle | 6 2 epoch | 8 12 salt | 20 12 IV
 *   32 32 commitment | 64 n ciphertext | 64 + n 16 tag
 *
 * Format: docs/formats/field.md. No call allocates; a worker, and so a call, is of one thread at a
 * time.
 */
#ifndef RDT_FIELD_RF1_H
#define RDT_FIELD_RF1_H

#include "base/buf.h"
#include "field/keys.h"
#include "redoubt/redoubt.h"

#define RDT_RF1_ROW_RAW_MAX ((size_t)32) /* bytes of a row's key; a longer one is hashed */

/* Bits of the suite. */
#define RDT_RF1_GCM 0x01    /* AES-256-GCM, HMAC-SHA-256, commitment of 32 bytes */
#define RDT_RF1_PADDED 0x40 /* the plaintext ends in 0x80 and zeroes (ISO/IEC 7816-4) */
#define RDT_RF1_ROW 0x80    /* bound to its row */

/* A value taken apart; borrowed. */
struct rdt_rf1 {
    uint8_t suite;
    uint32_t handle;
    uint16_t epoch;
    struct rdt_span header, salt, iv, commitment, sealed; /* sealed: ciphertext, then tag */
};

/* rdt_rf1_read - take a value apart; false: it is not RF1. Uses no key. */
bool rdt_rf1_read(struct rdt_span value, struct rdt_rf1 *out);

/* rdt_rf1_len - bytes of the value of a plaintext of n bytes; 0: too long. */
size_t rdt_rf1_len(const struct rdt_field_column *column, size_t n);

/* What a call works with. */
struct rdt_rf1_call {
    struct rdt_worker *worker;
    const struct rdt_field_keys *keys; /* of the column */
    const struct rdt_field_column *column;
    struct rdt_span row;       /* the row's key, 1 byte or more; empty where it is not bound */
    struct rdt_secret *record; /* RDT_KEY_LEN bytes of the caller: the value's own key meanwhile */
};

/* Where a result goes: room bytes at p; n becomes how many it took. */
struct rdt_rf1_out {
    uint8_t *p;
    size_t room, n;
};

/*
 * rdt_rf1_seal - encrypt.
 *
 *   plain   0 bytes or more; out is apart from it
 *   out     rdt_rf1_len() bytes of room
 */
enum rdt_field_fault rdt_rf1_seal(const struct rdt_rf1_call *call, struct rdt_span plain,
                                  struct rdt_rf1_out *out);

/*
 * rdt_rf1_open - check and decrypt.
 *
 *   out   value.n - RDT_VALUE_OVER bytes of room; zeroes there after a failure
 */
enum rdt_field_fault rdt_rf1_open(const struct rdt_rf1_call *call, struct rdt_span value,
                                  struct rdt_rf1_out *out);

/*
 * rdt_rf1_verify - whether a value is of this tenant, column, row and epoch. Says nothing of the
 * body: the caller may hold the verify key alone.  record may be NULL.
 */
enum rdt_field_fault rdt_rf1_verify(const struct rdt_rf1_call *call, struct rdt_span value);

/*
 * rdt_rf1_text_add - append a value as text: "rd1." and base64url without padding.
 * rdt_rf1_text_get - the reverse, strict: one text for each value; out has room for text.n bytes.
 */
void rdt_rf1_text_add(struct rdt_buf *out, struct rdt_span value);
bool rdt_rf1_text_get(struct rdt_span text, uint8_t *out, size_t *n);

#endif
