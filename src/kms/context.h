/*
 * context.h - the canonical bytes of an encryption context, which are authenticated with what is
 * encrypted: u32 pairs | per pair u32 length | key | u32 length | value, sorted by the bytes of the
 * key. Format: docs/formats/kms-ciphertext.md.
 */
#ifndef RDT_KMS_CONTEXT_H
#define RDT_KMS_CONTEXT_H

#include "base/err.h"
#include "base/span.h"

#define RDT_CONTEXT_PAIRS_MAX 64       /* pairs of one context */
#define RDT_CONTEXT_MAX ((size_t)8192) /* bytes of its canonical form */

struct rdt_context { /* keys and values are borrowed */
    struct rdt_span keys[RDT_CONTEXT_PAIRS_MAX], values[RDT_CONTEXT_PAIRS_MAX];
    size_t n;
    uint8_t bytes[RDT_CONTEXT_MAX]; /* canonical, once finished */
    size_t bytes_n;
};

/* rdt_context_add - one more pair, in any order.  False: RDT_CONTEXT_PAIRS_MAX are there. */
bool rdt_context_add(struct rdt_context *context, struct rdt_span key, struct rdt_span value);

/*
 * rdt_context_finish - sort and write the canonical bytes. No allocation.
 * Fails: RDT_E_BADINPUT (a key twice or empty, not UTF-8), RDT_E_LIMIT (RDT_CONTEXT_MAX).
 */
RDT_MUST_CHECK enum rdt_code rdt_context_finish(struct rdt_context *context);

#endif
