/*
 * ScheduleKeyDeletion and CancelKeyDeletion. To a client they are AWS's: the key waits, then it is
 * gone. What happens at the end of the wait is the gate of life.c: census, quorum, credited time.
 */
#include "kms/approval_internal.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"

#include "codec/base64.h"

#include <stdio.h>

#define WINDOW_MIN_DAYS 7
#define WINDOW_MAX_DAYS 30 /* what AWS's clients may ask for */

static int64_t
least_window(const struct rdt_key *key)
{
    return key->window_min_days > WINDOW_MIN_DAYS ? key->window_min_days : WINDOW_MIN_DAYS;
}

int64_t
rdt_deletion_window(const struct rdt_key *key)
{
    int64_t least = least_window(key);
    return least > WINDOW_MAX_DAYS ? least : WINDOW_MAX_DAYS;
}

/* Of a key that has a gate at the call, beside the one at the end. */
static enum rdt_fault
gate(struct rdt_call *call, int64_t days)
{
    RDT_BUF parameters = {0};
    char uuid[RDT_UUID_TEXT], digits[24];
    if (!call->key->gate)
        return RDT_FAULT_NONE;
    rdt_uuid_text(call->key->id, uuid);
    snprintf(digits, sizeof digits, "%lld", (long long)days);
    rdt_pairs_add(&parameters, rdt_span_str("Days"), rdt_span_str(digits));
    rdt_pairs_add(&parameters, rdt_span_str("Key"), rdt_span_str(uuid));
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    return rdt_approval_gate(
        call, &(struct approval_about){"key-schedule-deletion", rdt_buf_span(&parameters), NULL});
}

enum rdt_fault
rdt_op_schedule_key_deletion(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    int64_t least = least_window(call->key), most = rdt_deletion_window(call->key);
    int64_t days = rdt_in_int(call, "PendingWindowInDays", most);
    char arn[ARN_TEXT];
    if (days < least || days > most)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "PendingWindowInDays is between %lld and %lld", (long long)least,
                             (long long)most);
    enum rdt_fault fault = gate(call, days);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    rdt_key_arn(call->kms, key->id, arn);
    key->state = RDT_KEY_PENDING_DELETION;
    key->window_days = (uint32_t)days;
    key->deletion_ms = call->request->now_ms + days * DAY_MS;
    key->refused_ms = 0;
    if (!rdt_drain_restart(call->tx, key->id))
        return rdt_out_of_memory(call);
    key->gate_drain = key->gate ? key->drain_no : 0;
    memcpy(key->gate_approval, call->note.approval, sizeof key->gate_approval);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "KeyId", arn);
    rdt_jout_time(out, "DeletionDate", key->deletion_ms);
    rdt_jout_str(out, "KeyState", rdt_key_state_word(RDT_KEY_PENDING_DELETION));
    rdt_jout_int(out, "PendingWindowInDays", days);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_op_cancel_key_deletion(struct rdt_call *call)
{
    char arn[ARN_TEXT];
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    rdt_key_arn(call->kms, key->id, arn);
    key->state = RDT_KEY_DISABLED;
    key->window_days = 0;
    key->deletion_ms = 0;
    key->drain_no = key->gate_drain = 0;
    key->quiet_s = 0;
    key->refused_ms = 0;
    rdt_jout_open(call->request->out, NULL, '{');
    rdt_jout_str(call->request->out, "KeyId", arn);
    rdt_jout_close(call->request->out, '}');
    return RDT_FAULT_NONE;
}
