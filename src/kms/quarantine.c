/*
 * Quarantine: a service that was restored, and may have brought back what was withdrawn. It can be
 * looked at, more can be withdrawn, and the quorum lets it go; nothing else.
 */
#include "kms/approval_internal.h"
#include "kms/op_internal.h"
#include "kms/restore_internal.h"

#include <stdlib.h>

/* Changing calls that only withdraw, or lead out. */
static const char *const lets[] = {
    "ApprovalDeny",     "ApprovalRequest", "ApprovalSign",    "CertificateRevoke",
    "CredentialRevoke", "DisableKey",      "GetKeyLastUsage", "KeySuspend",
    "PrincipalUpdate",  "RestoreRelease",  "ScannerRevoke",   "ScheduleKeyDeletion",
};

/* Besides, whoever has the root and the folder: `redoubt root admin`. */
static const char *const lets_root[] = {"CredentialCreate", "PrincipalCreate", "PrincipalUpdate"};

static int
by_name(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

static bool
has(const char *const *list, size_t n, const char *name)
{
    return bsearch(name, list, n, sizeof *list, by_name) != NULL;
}

const char *
rdt_quarantine_why(struct rdt_view view)
{
    const struct rdt_site *site = rdt_view_site(view);
    if (site == NULL || site->quarantine_ms == 0)
        return NULL;
    return site->quarantine_reason == NULL ? "restored" : site->quarantine_reason;
}

bool
rdt_quarantine_lets(const struct rdt_call *call)
{
    const struct rdt_op *op = call->op;
    if (op->cls == RDT_OP_READ || op->cls == RDT_OP_SLOW || rdt_quarantine_why(call->view) == NULL)
        return true;
    if (!call->request->caller.internal && strcmp(op->name, "PrincipalUpdate") == 0)
        return rdt_in_has(call, "Enabled") && !rdt_in_bool(call, "Enabled") &&
               !rdt_in_has(call, "Policy");
    return op->cls == RDT_OP_WRITE &&
           (has(lets, RDT_COUNT(lets), op->name) ||
            (call->request->caller.internal && has(lets_root, RDT_COUNT(lets_root), op->name)));
}

/* ---- leading out ---- */

/* Where there are approvers enough they decide; else whoever opens the root (root unseal's means,
 * over the control socket). */
static enum rdt_fault
restore_release(struct rdt_call *call)
{
    RDT_BUF parameters = {0};
    struct rdt_span reason = rdt_in_text(call, "Reason");
    if (rdt_quarantine_why(call->view) == NULL)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "the service is not in quarantine");
    if (reason.n != 0)
        rdt_pairs_add(&parameters, rdt_span_str("Reason"), reason);
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    bool quorum = rdt_approvals_on(call->view);
    if (quorum && call->request->caller.internal)
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                             "approvers are enrolled: their quorum decides (redoubt backup "
                             "release)");
    if (!quorum && !call->request->caller.internal)
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                             "no quorum of approvers is enrolled: whoever opens the root decides "
                             "(redoubt backup release --data DIR)");
    struct approval_about about = {"restore-release", rdt_buf_span(&parameters), NULL};
    enum rdt_fault fault = quorum ? rdt_approval_gate(call, &about) : RDT_FAULT_NONE;
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_site *site = rdt_tx_edit(call->tx, RDT_KIND_SITE, rdt_span_str("site"));
    if (site == NULL || !rdt_text_set(&site->quarantine_reason, (struct rdt_span){0}))
        return rdt_out_of_memory(call);
    site->quarantine_ms = 0;
    return RDT_FAULT_NONE;
}

static const struct rdt_in release_in[] = {
    {.name = "Reason", .type = RDT_IN_TEXT, .min = 1, .max = 512},
};

static const struct rdt_op ops[] = {
    OP_OWN("RestoreRelease", "/v1/restore/release", WRITE, release_in, restore_release),
};

const struct rdt_op_table rdt_ops_quarantine = {ops, sizeof ops / sizeof ops[0]};
