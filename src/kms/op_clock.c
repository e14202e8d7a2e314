/*
 * The clock as people see it, and how they say that it is right again.
 */
#include "kms/approval_internal.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"

#include <stdio.h>

static enum rdt_fault
clock_status(struct rdt_call *call)
{
    const struct rdt_site *site = rdt_view_site(call->view);
    struct rdt_buf *out = call->request->out;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_time(out, "Time", call->request->now_ms);
    rdt_jout_time(out, "Highest", site->highest_ms);
    rdt_jout_int(out, "CreditedSeconds", site->credited_s);
    rdt_jout_int(out, "WaitingDays", site->waiting_days);
    rdt_jout_int(out, "BackupDays", site->backup_days == 0 ? BACKUP_DAYS : site->backup_days);
    rdt_jout_bool(out, "Blocked", site->clock_blocked);
    if (site->clock_blocked)
        rdt_jout_str(out, "Reason", site->clock_reason);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/*
 * The time of this call counts from now on, also where it is lower than one seen before. What
 * others asked for is over with it: their approvers looked at this block, not at the next one.
 */
static enum rdt_fault
clock_confirm(struct rdt_call *call)
{
    const struct rdt_site *now = rdt_view_site(call->view);
    if (!now->clock_blocked)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "the clock is not blocked");
    if (rdt_approvals_on(call->view)) {
        enum rdt_fault fault =
            rdt_approval_gate(call, &(struct approval_about){.operation = "clock-confirm"});
        if (fault != RDT_FAULT_NONE)
            return fault;
    }
    struct rdt_site *site = rdt_tx_edit(call->tx, RDT_KIND_SITE, rdt_span_str("site"));
    if (site == NULL || !rdt_text_set(&site->clock_reason, (struct rdt_span){0}) ||
        !rdt_approval_void(call, "clock-confirm"))
        return rdt_out_of_memory(call);
    site->clock_blocked = 0;
    site->highest_ms = call->request->now_ms - HIGHEST_BEHIND_MS;
    return RDT_FAULT_NONE;
}

/* ---- how long things wait ---- */

static void
add_days(struct rdt_call *call, const char *name, struct rdt_buf *parameters)
{
    char digits[24];
    if (!rdt_in_has(call, name))
        return;
    snprintf(digits, sizeof digits, "%lld", (long long)rdt_in_int(call, name, 0));
    rdt_pairs_add(parameters, rdt_span_str(name), rdt_span_str(digits));
    rdt_pairs_add(&call->note.parameters, rdt_span_str(name), rdt_span_str(digits));
}

/* Longer is an administrator's to say, shorter the quorum's once there is one. */
static enum rdt_fault
waiting_set(struct rdt_call *call)
{
    RDT_BUF parameters = {0};
    const struct rdt_site *now = rdt_view_site(call->view);
    uint32_t backups = now->backup_days == 0 ? BACKUP_DAYS : now->backup_days;
    int64_t waiting_days = rdt_in_int(call, "WaitingDays", now->waiting_days);
    int64_t backup_days = rdt_in_int(call, "BackupDays", backups);
    add_days(call, "BackupDays", &parameters);
    add_days(call, "WaitingDays", &parameters);
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    if ((waiting_days < now->waiting_days || backup_days < backups) &&
        rdt_approvals_on(call->view)) {
        enum rdt_fault fault = rdt_approval_gate(
            call, &(struct approval_about){"waiting-shorten", rdt_buf_span(&parameters), NULL});
        if (fault != RDT_FAULT_NONE)
            return fault;
    }
    struct rdt_site *site = rdt_tx_edit(call->tx, RDT_KIND_SITE, rdt_span_str("site"));
    if (site == NULL)
        return rdt_out_of_memory(call);
    site->waiting_days = (uint32_t)waiting_days;
    site->backup_days = (uint32_t)backup_days;
    return RDT_FAULT_NONE;
}

/* The service's own: destruction and approvals wait until people have looked. What was asked for,
 * or approved, was about the clock as it was until now. */
static enum rdt_fault
clock_block(struct rdt_call *call)
{
    struct rdt_span reason = rdt_in_text(call, "Reason");
    struct rdt_site *site = rdt_tx_edit(call->tx, RDT_KIND_SITE, rdt_span_str("site"));
    rdt_pairs_add(&call->note.parameters, rdt_span_str("reason"), reason);
    if (site == NULL || !rdt_text_set(&site->clock_reason, reason) ||
        !rdt_approval_void(call, "clock-confirm"))
        return rdt_out_of_memory(call);
    site->clock_blocked = 1;
    return RDT_FAULT_NONE;
}

static const struct rdt_in waiting_in[] = {
    {.name = "WaitingDays", .type = RDT_IN_INT, .min = WAITING_DAYS_MIN, .max = WAITING_DAYS_MAX},
    {.name = "BackupDays",  .type = RDT_IN_INT, .min = 1,                .max = WAITING_DAYS_MAX},
};
static const struct rdt_in none_in[] = {
    {.name = "Reason", .type = RDT_IN_TEXT, .max = 256}
};

static const struct rdt_op ops[] = {
  /* by name */
    OP_OWN("ClockConfirm", "/v1/clock/confirm", WRITE, none_in, clock_confirm),
    OP_OWN("ClockStatus", "/v1/clock/status", READ, none_in, clock_status),
    {.name = "SystemClockBlock",
                                                                      .front = RDT_FRONT_OWN,
                                                                      .cls = RDT_OP_WRITE,
                                                                      .internal = true,
                                                                      .in = none_in,
                                                                      .n_in = 1,
                                                                      .run = clock_block},
    OP_OWN("WaitingSet", "/v1/clock/waiting", WRITE, waiting_in, waiting_set),
};

const struct rdt_op_table rdt_ops_clock = {ops, sizeof ops / sizeof ops[0]};
