/*
 * What people look at and no AWS operation gives in one call.
 */
#include "kms/call_internal.h"
#include "kms/op_internal.h"

static void
put_key(struct rdt_call *call, const struct rdt_key *key)
{
    struct rdt_buf *out = call->request->out;
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, key->id, arn);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", key->id);
    rdt_jout_str(out, "KeyArn", arn);
    rdt_jout_str(out, "KeyState", rdt_key_state_word(key->state));
    rdt_jout_bool(out, "Suspended", key->suspended);
    rdt_jout_str(out, "Description", key->description == NULL ? "" : key->description);
    rdt_jout_time(out, "CreationDate", key->created_ms);
    rdt_jout_int(out, "CurrentVersion", key->current);
    if (key->rotation_days != 0) {
        rdt_jout_int(out, "RotationPeriodInDays", key->rotation_days);
        rdt_jout_time(out, "NextRotationDate", key->next_rotation_ms);
    }
    if (key->state == RDT_KEY_PENDING_DELETION)
        rdt_jout_time(out, "DeletionDate", key->deletion_ms);
    rdt_jout_bool(out, "HasPolicy", key->policy != NULL);
    rdt_jout_bool(out, "Tenants", key->tenants);
    rdt_jout_str(out, "PlanKey", key->plan_key);
    rdt_jout_close(out, '}');
}

static enum rdt_fault
key_list(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    struct page page;
    enum rdt_fault fault = rdt_page_begin(call, 100, 1000, &page);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_span id = {page.after, page.after_n}, last = {0};
    const struct rdt_key *key = rdt_view_next(call->view, RDT_KIND_KEY, id, &id);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_open(out, "Keys", '[');
    for (int64_t i = 0; i < page.limit && key != NULL; i++) {
        put_key(call, key);
        last = id;
        key = rdt_view_next(call->view, RDT_KIND_KEY, id, &id);
    }
    rdt_jout_close(out, ']');
    rdt_page_end(call, last, key != NULL);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

static const struct rdt_in list_in[] = {
    {.name = "Limit",  .type = RDT_IN_INT,  .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};

static const struct rdt_op ops[] = {
    OP_OWN("KeyList", "/v1/key/list", READ, list_in, key_list),
};

const struct rdt_op_table rdt_ops_list = {ops, sizeof ops / sizeof ops[0]};
