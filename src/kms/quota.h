/*
 * quota.h - how many rows of a kind a deployment may have. All rows are in memory, so whoever may
 * make rows could fill it; the replay rows (RDT_KIND_SEEN) alone have no number here: they go by
 * themselves, RDT_CLOCK_SKEW_S after the signature's time.
 */
#ifndef RDT_KMS_QUOTA_H
#define RDT_KMS_QUOTA_H

#include "kms/state.h"

#define RDT_KEYS_MAX ((size_t)1 << 20)       /* keys, their aliases, tenants, handles, holds */
#define RDT_VERSIONS_MAX ((size_t)1 << 22)   /* versions of all keys; seeds of all tenants */
#define RDT_PRINCIPALS_MAX ((size_t)1 << 16) /* principals; twice as many credentials */
#define RDT_APPROVERS_MAX ((size_t)64)       /* approvers */
#define RDT_REQUESTS_MAX ((size_t)1 << 14)   /* approval requests, also those that are settled */
#define RDT_STORES_MAX ((size_t)1 << 12)     /* registered stores; scanners */
#define RDT_REPORTS_MAX ((size_t)1 << 18)    /* newest census reports; nonces not yet used */

struct rdt_quota {
    enum rdt_kind kind;
    size_t most;
    const char *what; /* in words, for a message */
};

/*
 * rdt_quota_passed - the quota that a call went beyond: it made a row of a kind, of which there are
 * now too many.
 *
 *   mark   of the call, rdt_tx_mark()
 *
 * NULL: none.
 */
const struct rdt_quota *rdt_quota_passed(const struct rdt_tx *tx, size_t mark);

#endif
