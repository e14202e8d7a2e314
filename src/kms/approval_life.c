/*
 * What becomes of requests by themselves: those that are too old expire, and a quorum that was lost
 * comes back: who can open the root names a new approver, everybody can see that, and unless an
 * approver objects it is so after a long wait.
 */
#include "kms/approval_internal.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"

#include "codec/base64.h"

#include <stdio.h>

#define DUE_MAX 32      /* requests that one tick closes */
#define RECOVER_DAYS 90 /* a recovery that has not had its time by then is over */

bool
rdt_approval_is_recovery(const struct rdt_approval *row)
{
    return rdt_span_is(rdt_span_str(row->operation), "quorum-recover");
}

/* ---- a lost quorum ---- */

/* By whoever holds the folder and can open its root; it waits, and everybody can see it wait. */
static enum rdt_fault
approval_recover(struct rdt_call *call)
{
    RDT_BUF parameters = {0};
    struct rdt_approval *row;
    enum rdt_fault fault = rdt_approver_parameters(call, &parameters);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_pairs_add(&call->note.parameters, rdt_span_str("approver"), rdt_in_text(call, "Name"));
    struct approval_wish wish = {
        .about = {"quorum-recover", rdt_buf_span(&parameters), NULL},
        .reason = rdt_in_text(call, "Reason"),
        .hours = RECOVER_DAYS * (int64_t)24
    };
    fault = rdt_approver_check(call, wish.about.parameters, true);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_approval_open(call, &wish, &row);
    if (fault != RDT_FAULT_NONE)
        return fault;
    row->credited_s = rdt_credited_s(call->view);
    rdt_jout_open(call->request->out, NULL, '{');
    rdt_jout_uuid(call->request->out, "Request", row->id);
    rdt_jout_int(call->request->out, "WaitingDays", APPROVAL_RECOVER_DAYS);
    rdt_jout_close(call->request->out, '}');
    return RDT_FAULT_NONE;
}

/* ---- what is due ---- */

static enum rdt_fault
find(struct rdt_call *call, struct rdt_approval **out)
{
    uint8_t id[16];
    bool uuid = rdt_uuid_parse(rdt_in_text(call, "Request"), id);
    *out = uuid ? rdt_tx_edit(call->tx, RDT_KIND_APPROVAL, (struct rdt_span){id, 16}) : NULL;
    if (*out == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such request");
    rdt_approval_note(call, *out);
    return RDT_FAULT_NONE;
}

static bool
is_old(const struct rdt_approval *row, const struct rdt_site *site, int64_t now_ms)
{
    return row->state == RDT_APPROVAL_OPEN && rdt_approval_is_old(row, site, now_ms);
}

/* Long closed. What is to be reviewed stays until it is. */
static bool
is_over(const struct rdt_approval *row, int64_t now_ms)
{
    return row->state != RDT_APPROVAL_OPEN && row->state != RDT_APPROVAL_USED_UNREVIEWED &&
           row->closed_ms + APPROVAL_KEPT_DAYS * DAY_S * 1000 < now_ms;
}

static bool
has_waited(const struct rdt_approval *row, const struct rdt_site *site)
{
    return row->state == RDT_APPROVAL_OPEN && rdt_approval_is_recovery(row) &&
           site->credited_s - row->credited_s >= APPROVAL_RECOVER_DAYS * DAY_S;
}

static void
close_as(struct rdt_call *call, struct rdt_approval *row, enum rdt_approval_state state)
{
    row->state = (uint8_t)state;
    row->closed_ms = call->request->now_ms;
}

bool
rdt_approval_void(struct rdt_call *call, const char *operation)
{
    struct rdt_span id = {0};
    const struct rdt_approval *row;
    while ((row = rdt_view_next(call->view, RDT_KIND_APPROVAL, id, &id)) != NULL) {
        if (row->state != RDT_APPROVAL_OPEN ||
            !rdt_span_is(rdt_span_str(row->operation), operation))
            continue;
        struct rdt_approval *edit = rdt_tx_edit(call->tx, RDT_KIND_APPROVAL, id);
        if (edit == NULL)
            return false;
        close_as(call, edit, RDT_APPROVAL_EXPIRED);
    }
    return true;
}

static enum rdt_fault
expire(struct rdt_call *call)
{
    struct rdt_approval *row;
    enum rdt_fault fault = find(call, &row);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (!is_old(row, rdt_view_site(call->view), call->request->now_ms))
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "it is not old enough");
    close_as(call, row, RDT_APPROVAL_EXPIRED);
    return RDT_FAULT_NONE;
}

static enum rdt_fault
forget(struct rdt_call *call)
{
    struct rdt_approval *row;
    enum rdt_fault fault = find(call, &row);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (!is_over(row, call->request->now_ms))
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "it is not old enough");
    return rdt_tx_remove(call->tx, RDT_KIND_APPROVAL,
                         (struct rdt_span){call->note.approval, sizeof call->note.approval})
               ? RDT_FAULT_NONE
               : rdt_out_of_memory(call);
}

static enum rdt_fault
recover(struct rdt_call *call)
{
    struct rdt_approval *row;
    enum rdt_fault fault = find(call, &row);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_approval_clock(call, row->operation);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (!has_waited(row, rdt_view_site(call->view)))
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "it has not waited long enough");
    /* who was added meanwhile may stand in the way: then it is over, not tried every second */
    struct rdt_span parameters = rdt_bytes_span(&row->parameters);
    if (rdt_approver_check(call, parameters, true) != RDT_FAULT_NONE) {
        close_as(call, row, RDT_APPROVAL_DENIED);
        return RDT_FAULT_NONE;
    }
    close_as(call, row, RDT_APPROVAL_USED);
    return rdt_approver_put(call, parameters, true);
}

struct due {
    const char *op;
    uint8_t id[16];
};

static const char *
due_of(const struct rdt_approval *row, const struct rdt_site *site, int64_t now_ms)
{
    if (has_waited(row, site) && !site->clock_blocked)
        return "SystemQuorumRecover";
    if (is_old(row, site, now_ms))
        return "SystemApprovalExpire";
    return is_over(row, now_ms) ? "SystemApprovalForget" : NULL;
}

static size_t
find_due(struct rdt_kms *kms, int64_t now_ms, struct due out[static DUE_MAX])
{
    struct rdt_view view = {.state = kms->state};
    struct rdt_span id = {0};
    const struct rdt_approval *row;
    size_t n = 0;
    rdt_state_lock_shared(kms->state);
    const struct rdt_site *site = rdt_view_site(view);
    while (n < DUE_MAX && site != NULL &&
           (row = rdt_view_next(view, RDT_KIND_APPROVAL, id, &id)) != NULL) {
        out[n].op = due_of(row, site, now_ms);
        if (out[n].op != NULL)
            memcpy(out[n++].id, row->id, sizeof row->id);
    }
    rdt_state_unlock(kms->state);
    return n;
}

void
rdt_approval_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms)
{
    struct due due[DUE_MAX];
    size_t n = find_due(kms, now_ms, due);
    for (size_t i = 0; i < n; i++) {
        RDT_BUF out = {0};
        char uuid[RDT_UUID_TEXT], body[64];
        rdt_uuid_text(due[i].id, uuid);
        snprintf(body, sizeof body, "{\"Request\":\"%s\"}", uuid);
        /* a failure is in the audit log; the next tick finds the same thing due */
        (void)!rdt_kms_local(kms, thread, due[i].op, body, &out, NULL);
    }
}

/* ---- the table ---- */

static const struct rdt_in id_in[] = {
    {.name = "Request", .type = RDT_IN_TEXT, .required = true, .min = 36, .max = 36},
};
static const struct rdt_in recover_in[] = {
    {.name = "Name", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "Person", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 128},
    {.name = "PublicKey", .type = RDT_IN_TEXT, .required = true, .min = 64, .max = 130},
    {.name = "Reason", .type = RDT_IN_TEXT, .max = APPROVAL_REASON_MAX},
};

#define SYSTEM(text, members, handler)                                                             \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .cls = RDT_OP_WRITE, .internal = true,               \
        .in = members, .n_in = sizeof members / sizeof members[0], .run = handler                  \
    }

static const struct rdt_op ops[] = {
    /* by name */
    SYSTEM("ApprovalRecover", recover_in, approval_recover),
    SYSTEM("SystemApprovalExpire", id_in, expire),
    SYSTEM("SystemApprovalForget", id_in, forget),
    SYSTEM("SystemQuorumRecover", id_in, recover),
};

const struct rdt_op_table rdt_ops_approval_life = {ops, sizeof ops / sizeof ops[0]};
