/*
 * kms_internal.h - what a key service answered, as facts.
 */
#ifndef RDT_PROBE_KMS_INTERNAL_H
#define RDT_PROBE_KMS_INTERNAL_H

#include "evidence/evidence.h"

/* The facts of one key; rdt_kms_key_unknown() gives all of them one reason. */
#define RDT_KMS_KEY_FACTS "key.exists", "key.rotated", "key.custody", "key.policy"

/*
 * rdt_kms_site_fact - kms.site of a subject, from the answer of SiteStatus.
 *
 *   raw   the answer as it came
 *
 * Fails: RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_kms_site_fact(struct rdt_evidence *out, const char *subject,
                                               const struct rdt_node *site, struct rdt_span raw);

/* Whose keys are looked for: what `apply` writes on them as tags. */
struct rdt_kms_owner {
    const char *plan, *env; /* ids; NULL: any */
};

/* rdt_kms_key_facts - key.exists, key.rotated and key.custody, from the answer of KeyStatus. */
RDT_MUST_CHECK enum rdt_code rdt_kms_key_facts(struct rdt_evidence *out, const char *subject,
                                               const struct rdt_kms_owner *owner,
                                               const struct rdt_node *status, struct rdt_span raw);

/* rdt_kms_policy_fact - key.policy, from the answer of KeyCallers. */
RDT_MUST_CHECK enum rdt_code rdt_kms_policy_fact(struct rdt_evidence *out, const char *subject,
                                                 const struct rdt_node *callers,
                                                 struct rdt_span raw);

/* rdt_kms_key_absent - key.exists: the service has no such key; the others are unknown. */
RDT_MUST_CHECK enum rdt_code rdt_kms_key_absent(struct rdt_evidence *out, const char *subject,
                                                struct rdt_span raw);

/* rdt_kms_key_unknown - all facts of a key could not be read, and why. */
RDT_MUST_CHECK enum rdt_code rdt_kms_key_unknown(struct rdt_evidence *out, const char *subject,
                                                 const char *why);

#endif
