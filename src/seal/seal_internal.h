/*
 * seal_internal.h - what the files of this room share.
 */
#ifndef RDT_SEAL_SEAL_INTERNAL_H
#define RDT_SEAL_SEAL_INTERNAL_H

#include "seal/recipient.h"
#include "seal/seal.h"

/*
 * rdt_seal_derive - HKDF-Expand of one block: HMAC-SHA-256(key, label 00 | about | 01).
 *
 *   out   empty; becomes RDT_KEY_LEN bytes
 */
RDT_MUST_CHECK bool rdt_seal_derive(struct rdt_worker *worker, const struct rdt_secret *key,
                                    const char *label, struct rdt_span about,
                                    struct rdt_secret *out);

/* rdt_seal_file_id - of a core that rdt_seal_core_make() wrote; false: it is none. */
RDT_MUST_CHECK bool rdt_seal_file_id(struct rdt_span core, struct rdt_span *out);

/* rdt_seal_kind_known - whether stanzas of this kind can be read. */
bool rdt_seal_kind_known(uint8_t kind);

/* rdt_seal_stanzas_fit - whether these are 1 to RDT_SEAL_STANZAS_MAX stanzas and nothing else,
 * those of known kinds well formed, a passphrase's alone (then *passphrase). */
RDT_MUST_CHECK bool rdt_seal_stanzas_fit(struct rdt_span stanzas, bool *passphrase);

#endif
