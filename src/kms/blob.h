/*
 * blob.h - the KMS ciphertext. Format: docs/formats/kms-ciphertext.md; SECURITY-DESIGN section 3.
 *
 *   0 format 0xF7 | 1 key UUID 16 | 17 material id 32 | 49 nonce 16 | 65 IV 12 | 77 ct n | tag 16
 */
#ifndef RDT_KMS_BLOB_H
#define RDT_KMS_BLOB_H

#include "crypto/worker.h"

#define RDT_BLOB_FORMAT 0xF7
#define RDT_BLOB_HEAD ((size_t)77)     /* bytes before the ciphertext */
#define RDT_BLOB_OVERHEAD ((size_t)93) /* bytes more than the plaintext */
#define RDT_MATERIAL_ID_LEN ((size_t)32)

struct rdt_blob {                /* a ciphertext's parts, borrowed */
    struct rdt_span head;        /* RDT_BLOB_HEAD bytes */
    struct rdt_span key;         /* 16 */
    struct rdt_span material_id; /* 32 */
    struct rdt_span sealed;      /* ciphertext and tag */
};

/* rdt_blob_read - the parts; false when it is none of ours: another format byte, too short. */
bool rdt_blob_read(struct rdt_span bytes, struct rdt_blob *out);

/*
 * rdt_material_id - names a version's material and commits to it:
 * HMAC-SHA-256(material, "redoubt material id v1" 00 | key UUID).
 */
RDT_MUST_CHECK enum rdt_code rdt_material_id(struct rdt_worker *worker,
                                             const struct rdt_secret *material,
                                             const uint8_t key[static 16],
                                             uint8_t out[static RDT_MATERIAL_ID_LEN]);

struct rdt_blob_keys {
    const struct rdt_secret *material; /* 32 bytes */
    const struct rdt_secret *hedge;    /* 32 bytes; only for sealing */
    struct rdt_secret *scratch; /* 32 bytes, for the per-request key; cleared before return */
    const uint8_t *key;         /* UUID, 16 bytes */
    const uint8_t *material_id; /* 32 bytes */
};

/*
 * rdt_blob_seal - encrypt under a key of its own, derived by SP 800-108 in counter mode.
 *
 *   context   canonical bytes (kms/context.h)
 *   out       plain.n + RDT_BLOB_OVERHEAD bytes; may not overlap plain
 *
 * Nonce and IV are hedged: the first 28 bytes of HMAC(hedge, 32 random bytes | key UUID | context |
 * plaintext), so a cloned machine repeats nothing that matters.
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_blob_seal(struct rdt_worker *worker,
                                           const struct rdt_blob_keys *keys,
                                           struct rdt_span context, struct rdt_span plain,
                                           uint8_t *out);

/*
 * rdt_blob_open - decrypt; the material has to be the one that the header commits to.
 *
 *   out   blob->sealed.n - RDT_GCM_TAG_LEN bytes; zeroes after a failure
 *
 * Fails: RDT_E_TAMPERED (anything does not belong together), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_blob_open(struct rdt_worker *worker,
                                           const struct rdt_blob_keys *keys,
                                           struct rdt_span context, const struct rdt_blob *blob,
                                           uint8_t *out);

#endif
