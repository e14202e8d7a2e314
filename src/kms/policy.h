/*
 * policy.h - AWS policy documents: read once into a compiled form, evaluated per request without
 * allocation. One grammar for key policies and identity policies; explicit deny wins; what no
 * statement allows is refused.
 *
 * Source: reference kms.md 2.8; SECURITY-DESIGN section 4.
 */
#ifndef RDT_KMS_POLICY_H
#define RDT_KMS_POLICY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define RDT_POLICY_MAX ((size_t)32768) /* bytes of a document */
#define RDT_POLICY_STATEMENTS_MAX 128
#define RDT_POLICY_VALUES_MAX 2048 /* actions, resources, principals, condition values in all */

struct rdt_policy;

enum rdt_policy_kind {
    RDT_POLICY_KEY,     /* Principal required; Resource is "*" or the key's ARN */
    RDT_POLICY_IDENTITY /* no Principal; Resource names ARNs with * and ? */
};

/*
 * rdt_policy_compile - read a document (JSON, strict).
 *
 *   account   the deployment's 12 digits; "arn:aws:iam::ACCOUNT:root" and ACCOUNT mean: the
 *             caller's own identity policy decides
 *   out       caller frees
 *
 * Fails: RDT_E_BADINPUT (text: what is malformed; no value from the document), RDT_E_LIMIT,
 * RDT_E_NOMEM.  An operator or condition key that is not known is BADINPUT, never ignored: a deny
 * that does not work is worse than a refusal.
 */
RDT_MUST_CHECK enum rdt_code rdt_policy_compile(enum rdt_policy_kind kind, struct rdt_span json,
                                                const char *account, struct rdt_policy **out,
                                                struct rdt_err *err);

/* rdt_policy_free - NULL is fine. */
void rdt_policy_free(struct rdt_policy *policy);

/* What a policy may ask about a request. Texts are borrowed; empty: the key is not in the request.
 */
struct rdt_policy_ask {
    struct rdt_span action;    /* "kms:Encrypt", "redoubt:TenantCreate" */
    struct rdt_span resource;  /* ARN, or "*" for calls about no resource */
    struct rdt_span principal; /* caller's ARN */
    struct rdt_span account;   /* kms:CallerAccount */
    struct rdt_span key_spec, key_usage, key_origin;
    struct rdt_span request_alias; /* kms:RequestAlias: "alias/x" as it stood in KeyId */
    struct rdt_span source_ip;     /* text of the peer's address */
    int64_t now_s;                 /* aws:CurrentTime */
    int64_t pending_window_days; /* kms:ScheduleKeyDeletionPendingWindowInDays; 0: not in request */
    int reencrypt_same_key;      /* kms:ReEncryptOnSameKey: -1 not in request, 0, 1 */
    bool secure_transport;       /* aws:SecureTransport */
    bool bypass_lockout_check;   /* kms:BypassPolicyLockoutSafetyCheck */
    /* kms:EncryptionContext:<k>, kms:EncryptionContextKeys: sorted pairs of the request */
    const struct rdt_span *context_keys, *context_values;
    size_t n_context;
    /* kms:ResourceAliases, aws:ResourceTag/<k>, aws:RequestTag/<k>, aws:TagKeys: asked when needed
     */
    size_t (*resource_aliases)(const void *user, struct rdt_span *out, size_t max);
    bool (*resource_tag)(const void *user, struct rdt_span key, struct rdt_span *value);
    const struct rdt_span *request_tag_keys, *request_tag_values;
    size_t n_request_tags;
    const void *user;
    bool any_condition; /* about no one request: conditions of an allow hold, of a deny do not */
};

enum rdt_policy_answer {
    RDT_POLICY_SILENT, /* no statement speaks */
    RDT_POLICY_ALLOW,
    RDT_POLICY_DENY,
    RDT_POLICY_DELEGATE /* key policies: allowed for the account; the identity policy decides */
};

/* rdt_policy_ask - evaluate one document.  Threads may share a policy. */
enum rdt_policy_answer rdt_policy_ask(const struct rdt_policy *policy,
                                      const struct rdt_policy_ask *ask);

/*
 * rdt_policy_decide - both documents together: a deny in either refuses; a key policy that allows
 * the caller allows; one that delegates, or calls about no key, need the identity policy's allow.
 *
 *   key, identity   NULL: there is none
 */
bool rdt_policy_decide(const struct rdt_policy *key, const struct rdt_policy *identity,
                       const struct rdt_policy_ask *ask);

/*
 * rdt_policy_widens - whether `after` allows anything that `before` did not, as far as can be told:
 * true when in doubt.  PutKeyPolicy that widens may need approval (mode b).
 */
bool rdt_policy_widens(const struct rdt_policy *before, const struct rdt_policy *after);

/* rdt_policy_default - the document of a key that was given none; appended. */
void rdt_policy_default(const char *account, struct rdt_buf *out);

#endif
