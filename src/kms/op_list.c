/*
 * What people look at and no AWS operation gives in one call.
 */
#include "kms/call_internal.h"
#include "kms/op_internal.h"

/* Which plan's key it is, as the tags say that `apply` puts on it. */
static void
put_plan(struct rdt_buf *out, const struct rdt_key *key)
{
    static const char *const members[][2] = {
        {"redoubt:plan",     "Plan"   },
        {"redoubt:plan-key", "PlanKey"},
        {"redoubt:env",      "PlanEnv"},
    };
    struct rdt_span value;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (rdt_pairs_find(rdt_bytes_span(&key->tags), rdt_span_str(members[i][0]), &value))
            rdt_jout_text(out, members[i][1], value);
}

static void
put_key(struct rdt_call *call, const void *row)
{
    const struct rdt_key *key = row;
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
    put_plan(out, key);
    rdt_jout_close(out, '}');
}

static enum rdt_fault
key_list(struct rdt_call *call)
{
    return rdt_page_rows(call, "Keys", RDT_KIND_KEY, 100, 1000, put_key);
}

static const struct rdt_in list_in[] = {
    {.name = "Limit",  .type = RDT_IN_INT,  .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};

static const struct rdt_op ops[] = {
    OP_OWN("KeyList", "/v1/key/list", READ, list_in, key_list),
};

const struct rdt_op_table rdt_ops_list = {ops, sizeof ops / sizeof ops[0]};
