/*
 * hpke_internal.h - the two halves of HPKE, which the published vectors name apart.
 */
#ifndef RDT_CRYPTO_HPKE_INTERNAL_H
#define RDT_CRYPTO_HPKE_INTERNAL_H

#include "crypto/hpke.h"

/* What a context passes through, in one locked mapping. */
struct hpke_work {
    uint8_t dh[32], prk[32], shared[32], secret[32];
    uint8_t nonce[RDT_GCM_IV_LEN];
};

/* RFC 9180 4.1 and 5.1: "KEM", or "HPKE", and the numbers of the algorithms. */
struct hpke_suite {
    const char *word;
    uint16_t ids[3];
    size_t n_ids;
};

extern const struct hpke_suite rdt_hpke_kem, rdt_hpke_aes_256;

/*
 * rdt_hpke_encap - RFC 9180 4.1, Encap with a given ephemeral key and Decap alike: the Diffie and
 * Hellman of a private and a public key, and of it work->shared.
 *
 *   context   enc | the receiver's public key
 */
RDT_MUST_CHECK enum rdt_code rdt_hpke_encap(struct rdt_worker *worker,
                                            const struct rdt_secret *private_key,
                                            const uint8_t *public_key, struct rdt_span context,
                                            struct hpke_work *work);

/* rdt_hpke_schedule - RFC 9180 5.1 in base mode: work->shared to key (of the AEAD; a secret of its
 * length, made by the caller) and work->nonce. */
RDT_MUST_CHECK enum rdt_code rdt_hpke_schedule(struct rdt_worker *worker,
                                               const struct hpke_suite *suite, struct rdt_span info,
                                               struct hpke_work *work, struct rdt_secret *key);

#endif
