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

/* ---- versions ---- */

static void
put_usage(struct rdt_call *call, const struct rdt_version *version)
{
    RDT_BUF id = {0};
    struct rdt_buf *out = call->request->out;
    struct rdt_usage sample = {.version = version->number};
    memcpy(sample.key, version->key, sizeof sample.key);
    rdt_kind_id(RDT_KIND_USAGE, &sample, &id);
    const struct rdt_usage *usage =
        rdt_buf_ok(&id) ? rdt_view_get(call->view, RDT_KIND_USAGE, rdt_buf_span(&id)) : NULL;
    rdt_jout_int(out, "Wraps", usage == NULL ? 0 : (int64_t)usage->wraps);
    rdt_jout_int(out, "Unwraps", usage == NULL ? 0 : (int64_t)usage->unwraps);
    if (usage != NULL && usage->last_ms != 0)
        rdt_jout_time(out, "LastUsed", usage->last_ms);
}

static void
put_version(struct rdt_call *call, const struct rdt_version *version)
{
    struct rdt_buf *out = call->request->out;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_int(out, "Version", version->number);
    rdt_jout_str(out, "State", rdt_version_state_word(version->state));
    rdt_jout_hex(out, "KeyMaterialId", (struct rdt_span){version->material_id, 32});
    rdt_jout_time(out, "CreationDate", version->created_ms);
    rdt_jout_time(out, "StateDate",
                  version->state_ms != 0 ? version->state_ms : version->created_ms);
    rdt_jout_int(out, "Domain", version->domain);
    put_usage(call, version);
    rdt_jout_close(out, '}');
}

/* Numbers have gaps where a census had seen a higher epoch: so by the rows, not by counting. */
static enum rdt_fault
key_versions(struct rdt_call *call)
{
    RDT_BUF before = {0};
    struct rdt_buf *out = call->request->out;
    struct rdt_version sample = {.number = 0};
    const struct rdt_version *version;
    memcpy(sample.key, call->key->id, sizeof sample.key);
    rdt_kind_id(RDT_KIND_VERSION, &sample, &before);
    if (!rdt_buf_ok(&before))
        return rdt_out_of_memory(call);
    struct rdt_span id = rdt_buf_span(&before);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", call->key->id);
    rdt_jout_open(out, "Versions", '[');
    while ((version = rdt_view_next(call->view, RDT_KIND_VERSION, id, &id)) != NULL &&
           rdt_span_eq((struct rdt_span){version->key, 16}, (struct rdt_span){call->key->id, 16}))
        put_version(call, version);
    rdt_jout_close(out, ']');
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

static const struct rdt_in key_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};
static const struct rdt_in list_in[] = {
    {.name = "Limit",  .type = RDT_IN_INT,  .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};

static const struct rdt_op ops[] = {
    OP_OWN("KeyList", "/v1/key/list", READ, list_in, key_list),
    {.name = "KeyVersions",
                                                          .front = RDT_FRONT_OWN,
                                                          .path = "/v1/key/versions",
                                                          .cls = RDT_OP_READ,
                                                          .key = RDT_KEY_ANY,
                                                          .in = key_in,
                                                          .n_in = sizeof key_in / sizeof key_in[0],
                                                          .run = key_versions},
};

const struct rdt_op_table rdt_ops_list = {ops, sizeof ops / sizeof ops[0]};
