/*
 * Key policies. Documents are kept as they were put; the compiled form stands beside them in
 * memory.
 */
#include "kms/approval_internal.h"
#include "kms/op_internal.h"

#include "codec/base64.h"

static enum rdt_fault
only_default(struct rdt_call *call)
{
    struct rdt_span name = rdt_in_text(call, "PolicyName");
    if (name.n == 0 || rdt_span_is(name, "default"))
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "No such policy exists");
}

/* Whether the caller could still put a policy afterwards: AWS's lock-out check. */
static bool
locks_out(struct rdt_call *call, struct rdt_key *key, struct rdt_policy *policy)
{
    struct rdt_policy *before = key->compiled;
    key->compiled = policy;
    bool allowed = rdt_call_allowed(call, "PutKeyPolicy", key, (struct rdt_span){0}, NULL);
    key->compiled = before;
    return !allowed;
}

/* A document that may be put, compiled; the caller frees it, also after a fault. */
static enum rdt_fault
check(struct rdt_call *call, struct rdt_key *key, struct rdt_span document,
      struct rdt_policy **policy)
{
    struct rdt_err err = {0};
    if (document.n > RDT_POLICY_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED, "a policy has at most %zu bytes",
                             RDT_POLICY_MAX);
    enum rdt_code rc =
        rdt_policy_compile(RDT_POLICY_KEY, document, call->kms->account, policy, &err);
    if (rc == RDT_E_NOMEM)
        return rdt_out_of_memory(call);
    if (rc != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_MALFORMED_POLICY, "%s", err.text);
    if (!rdt_in_bool(call, "BypassPolicyLockoutSafetyCheck") && locks_out(call, key, *policy))
        return rdt_call_fail(
            call, RDT_FAULT_MALFORMED_POLICY,
            "The new key policy will not allow you to update the key policy in the "
            "future.");
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_policy_put(struct rdt_call *call, struct rdt_key *key, struct rdt_span document)
{
    struct rdt_policy *policy = NULL;
    if (document.n == 0)
        return RDT_FAULT_NONE;
    enum rdt_fault fault = check(call, key, document, &policy);
    rdt_policy_free(policy);
    if (fault != RDT_FAULT_NONE)
        return fault;
    return rdt_text_set(&key->policy, document) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

/* Where there is a quorum it decides about a policy that allows more than the one before. */
static enum rdt_fault
gate(struct rdt_call *call, struct rdt_span document)
{
    RDT_BUF parameters = {0};
    struct rdt_policy *policy = NULL;
    const struct rdt_policy *before =
        call->key->compiled != NULL ? call->key->compiled : call->kms->default_policy;
    char uuid[RDT_UUID_TEXT];
    if (!rdt_approvals_on(call->view))
        return RDT_FAULT_NONE;
    struct rdt_key looked_at = *call->key;
    enum rdt_fault fault = check(call, &looked_at, document, &policy);
    bool widens = fault == RDT_FAULT_NONE && rdt_policy_widens(before, policy);
    rdt_policy_free(policy);
    if (!widens)
        return fault;
    rdt_uuid_text(call->key->id, uuid);
    rdt_pairs_add(&parameters, rdt_span_str("Key"), rdt_span_str(uuid));
    rdt_pairs_add(&parameters, rdt_span_str("Policy"), document);
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    return rdt_approval_gate(
        call, &(struct approval_about){"policy-widen", rdt_buf_span(&parameters), NULL});
}

enum rdt_fault
rdt_op_put_key_policy(struct rdt_call *call)
{
    struct rdt_span document = rdt_in_text(call, "Policy");
    enum rdt_fault fault = only_default(call);
    if (fault == RDT_FAULT_NONE)
        fault = gate(call, document);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_key *key = rdt_edit_key(call);
    return key == NULL ? rdt_out_of_memory(call) : rdt_policy_put(call, key, document);
}

enum rdt_fault
rdt_op_get_key_policy(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    RDT_BUF standard = {0};
    enum rdt_fault fault = only_default(call);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_policy_default(call->kms->account, &standard);
    rdt_jout_open(out, NULL, '{');
    if (call->key->policy != NULL)
        rdt_jout_str(out, "Policy", call->key->policy);
    else
        rdt_jout_text(out, "Policy", rdt_buf_span(&standard));
    rdt_jout_str(out, "PolicyName", "default");
    rdt_jout_close(out, '}');
    return rdt_buf_ok(&standard) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

enum rdt_fault
rdt_op_list_key_policies(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    struct page page;
    enum rdt_fault fault = rdt_page_begin(call, 100, 1000, &page);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_open(out, "PolicyNames", '[');
    rdt_jout_str(out, NULL, "default");
    rdt_jout_close(out, ']');
    rdt_jout_bool(out, "Truncated", false);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}
