/*
 * What `apply` compares a plan with and what `verify` records: the service as a whole, and one key
 * with all that was set on it. No secret is in it.
 */
#include "kms/call_internal.h"
#include "kms/op_internal.h"

#define CALLERS_MOST 1000 /* in one answer of KeyCallers */

static bool
is_of(const uint8_t id[static 16], const struct rdt_key *key)
{
    return rdt_span_eq((struct rdt_span){id, 16}, (struct rdt_span){key->id, 16});
}

/* ---- the service ---- */

/* Rows of a kind, or those that which() takes. */
static int64_t
count(struct rdt_call *call, enum rdt_kind kind, bool (*which)(const void *row))
{
    struct rdt_span id = {0};
    const void *row;
    int64_t n = 0;
    while ((row = rdt_view_next(call->view, kind, id, &id)) != NULL)
        n += which == NULL || which(row);
    return n;
}

static bool
is_pending(const void *row)
{
    return ((const struct rdt_key *)row)->state == RDT_KEY_PENDING_DELETION;
}

static bool
is_enabled(const void *row)
{
    return !((const struct rdt_principal *)row)->disabled;
}

static bool
is_open(const void *row)
{
    return ((const struct rdt_approval *)row)->state == RDT_APPROVAL_OPEN;
}

static bool
is_unreviewed(const void *row)
{
    return ((const struct rdt_approval *)row)->state == RDT_APPROVAL_USED_UNREVIEWED;
}

static enum rdt_fault
site_status(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_site *site = rdt_view_site(call->view);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "Deployment", call->kms->deployment);
    rdt_jout_str(out, "Account", call->kms->account);
    rdt_jout_str(out, "Region", call->kms->region);
    rdt_jout_bool(out, "Development", site->development || call->kms->development);
    rdt_jout_str(out, "Custody", call->kms->custody);
    rdt_jout_time(out, "CreationDate", site->created_ms);
    rdt_jout_int(out, "Quorum", site->quorum);
    rdt_jout_int(out, "WaitingDays", site->waiting_days);
    rdt_jout_bool(out, "ClockBlocked", site->clock_blocked);
    rdt_jout_str(out, "ClockReason", site->clock_blocked ? site->clock_reason : NULL);
    rdt_jout_int(out, "Keys", count(call, RDT_KIND_KEY, NULL));
    rdt_jout_int(out, "KeysPendingDeletion", count(call, RDT_KIND_KEY, is_pending));
    rdt_jout_int(out, "Principals", count(call, RDT_KIND_PRINCIPAL, is_enabled));
    rdt_jout_int(out, "Approvers", count(call, RDT_KIND_APPROVER, NULL));
    rdt_jout_int(out, "OpenApprovals", count(call, RDT_KIND_APPROVAL, is_open));
    rdt_jout_int(out, "OpenReviews", count(call, RDT_KIND_APPROVAL, is_unreviewed));
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- one key ---- */

static void
put_aliases(struct rdt_call *call, const struct rdt_key *key)
{
    struct rdt_buf *out = call->request->out;
    struct rdt_span id = {0};
    const struct rdt_alias *alias;
    rdt_jout_open(out, "Aliases", '[');
    while ((alias = rdt_view_next(call->view, RDT_KIND_ALIAS, id, &id)) != NULL)
        if (is_of(alias->key, key))
            rdt_jout_str(out, NULL, alias->name);
    rdt_jout_close(out, ']');
}

static void
put_tags(struct rdt_buf *out, const struct rdt_key *key)
{
    struct rdt_span in = rdt_bytes_span(&key->tags);
    struct rdt_pair pair;
    rdt_jout_open(out, "Tags", '[');
    while (rdt_pairs_next(&in, &pair)) {
        rdt_jout_open(out, NULL, '{');
        rdt_jout_text(out, "TagKey", pair.name);
        rdt_jout_text(out, "TagValue", pair.value);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
}

static void
put_rotation(struct rdt_call *call, const struct rdt_key *key)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_version *current = rdt_view_version(call->view, key->id, key->current);
    rdt_jout_int(out, "CurrentVersion", key->current);
    if (current != NULL)
        rdt_jout_time(out, "LastRotationDate", current->created_ms);
    if (key->rotation_days != 0) {
        rdt_jout_int(out, "RotationPeriodInDays", key->rotation_days);
        rdt_jout_time(out, "NextRotationDate", key->next_rotation_ms);
    }
}

/* Stores that a plan declared to hold data under the key. */
static void
put_stores(struct rdt_call *call, const struct rdt_key *key)
{
    struct rdt_buf *out = call->request->out;
    struct rdt_span id = {0};
    const struct rdt_store_reg *store;
    rdt_jout_open(out, "Stores", '[');
    while ((store = rdt_view_next(call->view, RDT_KIND_STORE, id, &id)) != NULL)
        for (size_t i = 0; store->declared && i + 16 <= store->keys.n; i += 16)
            if (is_of(store->keys.p + i, key))
                rdt_jout_str(out, NULL, store->name);
    rdt_jout_close(out, ']');
}

static enum rdt_fault
key_status(struct rdt_call *call)
{
    const struct rdt_key *key = call->key;
    struct rdt_buf *out = call->request->out;
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, key->id, arn);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", key->id);
    rdt_jout_str(out, "KeyArn", arn);
    rdt_jout_str(out, "KeyState", rdt_key_state_word(key->state));
    rdt_jout_bool(out, "Suspended", key->suspended);
    rdt_jout_bool(out, "Gate", key->gate);
    rdt_jout_str(out, "Description", key->description == NULL ? "" : key->description);
    rdt_jout_time(out, "CreationDate", key->created_ms);
    put_rotation(call, key);
    if (key->state == RDT_KEY_PENDING_DELETION)
        rdt_jout_time(out, "DeletionDate", key->deletion_ms);
    rdt_jout_bool(out, "Tenants", key->tenants);
    rdt_jout_str(out, "Custody", call->kms->custody);
    rdt_jout_str(out, "Policy", key->policy); /* none: the default */
    put_aliases(call, key);
    put_tags(out, key);
    put_stores(call, key);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- who may do what with a key ---- */

static bool
could_any(struct rdt_call *call, const struct rdt_principal *principal, const char *const *actions,
          size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rdt_call_could(call, principal, actions[i], call->key))
            return true;
    return false;
}

/* Over all policies, also by conditions that only some requests meet. Principals who may nothing
 * are left out. */
static enum rdt_fault
key_callers(struct rdt_call *call)
{
    static const char *const administer[] = {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"};
    static const char *const use[] = {"kms:Encrypt", "kms:GenerateDataKey",
                                      "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptTo"};
    static const char *const read[] = {"kms:Decrypt", "kms:ReEncryptFrom", "redoubt:KekExport"};
    struct rdt_buf *out = call->request->out;
    struct rdt_span id = {0};
    const struct rdt_principal *principal;
    size_t n = 0;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", call->key->id);
    rdt_jout_open(out, "Callers", '[');
    while ((principal = rdt_view_next(call->view, RDT_KIND_PRINCIPAL, id, &id)) != NULL) {
        bool may_administer = could_any(call, principal, administer, RDT_COUNT(administer));
        bool may_read = could_any(call, principal, read, RDT_COUNT(read));
        bool may_use = may_read || could_any(call, principal, use, RDT_COUNT(use));
        if (!may_administer && !may_use)
            continue;
        if (++n > CALLERS_MOST)
            break;
        rdt_jout_open(out, NULL, '{');
        rdt_jout_str(out, "Principal", principal->name);
        rdt_jout_bool(out, "Administers", may_administer);
        rdt_jout_bool(out, "Uses", may_use);
        rdt_jout_bool(out, "Reads", may_read);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
    rdt_jout_bool(out, "Truncated", n > CALLERS_MOST);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

static const struct rdt_in key_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

#define ON_KEY(text, where, how, handler)                                                          \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .path = where, .cls = RDT_OP_##how,                  \
        .key = RDT_KEY_ANY, .in = key_in, .n_in = RDT_COUNT(key_in), .run = handler                \
    }

static const struct rdt_op ops[] = {
    ON_KEY("KeyCallers", "/v1/key/callers", SLOW, key_callers),
    ON_KEY("KeyStatus", "/v1/key/status", READ, key_status),
    {.name = "SiteStatus",
                                                       .front = RDT_FRONT_OWN,
                                                       .path = "/v1/site/status",
                                                       .cls = RDT_OP_READ,
                                                       .run = site_status},
};

const struct rdt_op_table rdt_ops_status = {ops, sizeof ops / sizeof ops[0]};
