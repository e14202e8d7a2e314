/*
 * keys.h - the keys of one column of one tenant in one epoch, made from the tenant's KEK.
 *
 * Format: docs/formats/field.md. Any number of threads may use keys that none changes.
 */
#ifndef RDT_FIELD_KEYS_H
#define RDT_FIELD_KEYS_H

#include "crypto/worker.h"

/* What the caller's catalogue says of a place. Ids are stable ones: a name may change. */
struct rdt_field_column {
    uint8_t tenant[16], id[16];
    bool row_bound;  /* a value belongs to its row, and opens in no other */
    bool any_length; /* padded and other values are both read: while a column changes over */
    bool hedged;     /* IV and salt also depend on the plaintext: for critical data */
    uint16_t bucket; /* new values are padded to a multiple of so many bytes; 0: not padded */
};

/*
 * Secrets of RDT_MAC_READY_LEN bytes. Who holds `verify` alone can prove tenant, column, epoch and
 * row of each value and read none.
 */
struct rdt_field_keys {
    uint32_t handle;
    uint16_t epoch;
    struct rdt_secret encrypt; /* empty: verify only */
    struct rdt_secret verify;
    struct rdt_secret hedge; /* empty: verify only */
};

/* A KEK at hand, and what else keys for other uses than values are made from. */
struct rdt_field_kek {
    uint32_t handle;
    uint16_t epoch;
    const struct rdt_secret *key;          /* RDT_KEY_LEN bytes: of (handle, epoch) */
    const struct rdt_field_column *column; /* tenant and id count */
    struct rdt_secret *scratch; /* RDT_KEY_LEN bytes of the caller: zero before, and after */
};

/* rdt_field_keys_new - room for keys, in locked memory.  Fails: RDT_E_NOMEM, RDT_E_DENIED. */
RDT_MUST_CHECK enum rdt_code rdt_field_keys_new(struct rdt_field_keys *keys, struct rdt_err *err);

/* rdt_field_keys_wipe - the closer for RDT_AUTO; {0} is fine. */
void rdt_field_keys_wipe(struct rdt_field_keys *keys);

/*
 * rdt_field_keys_make - fill keys.
 *
 *   kek      RDT_KEY_LEN bytes: of (handle, epoch)
 *   column   tenant and id count
 *   keys     made by rdt_field_keys_new()
 *
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_field_keys_make(struct rdt_worker *worker,
                                                 const struct rdt_secret *kek,
                                                 const struct rdt_field_column *column,
                                                 struct rdt_field_keys *keys);

/* rdt_field_keys_derive - the same; scratch, RDT_SHA256_LEN bytes of the caller, is overwritten and
 * wiped, and nothing is allocated. */
RDT_MUST_CHECK enum rdt_code rdt_field_keys_derive(struct rdt_worker *worker,
                                                   const struct rdt_secret *kek,
                                                   const struct rdt_field_column *column,
                                                   struct rdt_secret *scratch,
                                                   struct rdt_field_keys *keys);

/*
 * rdt_field_expand - one block of HKDF-Expand (RFC 5869): the key of a tenant and column for one
 * use, which the label names.
 *
 *   kek     RDT_KEY_LEN bytes
 *   label   RDT_LABEL() of an array of char: with the NUL, so that none begins another
 *   out     a secret of RDT_KEY_LEN bytes made by the caller
 *
 * Fails: RDT_E_INTERNAL.
 */
#define RDT_LABEL(text) ((struct rdt_span){(const uint8_t *)(text), sizeof(text)})
RDT_MUST_CHECK enum rdt_code rdt_field_expand(struct rdt_worker *worker,
                                              const struct rdt_secret *kek, struct rdt_span label,
                                              const struct rdt_field_column *column,
                                              struct rdt_secret *out);

/*
 * rdt_field_verifier - fill keys that can only verify, from the bytes that rdt_field_verify_key()
 * gave to a verifier.  rdt_field_verify_key - those 32 bytes; out: a secret made by the caller.
 *
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_field_verify_key(struct rdt_worker *worker,
                                                  const struct rdt_secret *kek,
                                                  const struct rdt_field_column *column,
                                                  struct rdt_secret *out);
RDT_MUST_CHECK enum rdt_code rdt_field_verifier(struct rdt_worker *worker,
                                                const struct rdt_secret *verify_key,
                                                struct rdt_field_keys *keys);

#endif
