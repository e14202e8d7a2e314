/*
 * Rotation: a new version becomes current, the old one stays for decrypting. Aliases, policies and
 * the ARN stay; nothing is re-encrypted by this alone.
 */
#include "kms/call_internal.h"
#include "kms/op_internal.h"
#include "kms/tenant_internal.h"

#define DAY_MS ((int64_t)86400000)
#define PERIOD_DAYS 365  /* if not given */
#define ON_DEMAND_MAX 25 /* rotations on demand of one key */
#define CONFLICT_MS                                                                                \
    ((int64_t)20 * 60 * 1000) /* no rotation on demand this near an automatic one                  \
                               */

static enum rdt_fault
retain(struct rdt_call *call, const struct rdt_key *key)
{
    RDT_BUF id = {0};
    struct rdt_version sample = {.number = key->current};
    memcpy(sample.key, key->id, sizeof sample.key);
    rdt_kind_id(RDT_KIND_VERSION, &sample, &id);
    struct rdt_version *old = rdt_tx_edit(call->tx, RDT_KIND_VERSION, rdt_buf_span(&id));
    if (old == NULL)
        return rdt_out_of_memory(call);
    old->state = RDT_VERSION_RETAINED;
    old->state_ms = call->request->now_ms;
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_rotate(struct rdt_call *call, struct rdt_key *key, enum rdt_rotation_type type)
{
    char number[16];
    /* a ring goes on above every epoch of its tenants and every one that a census has seen, also
     * after an old copy was restored */
    uint32_t highest = rdt_ring_highest(call->view, key);
    if (key->tenants && highest >= RDT_EPOCH_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED,
                             "the ring has used up its %d epochs: move the tenants to a new one",
                             RDT_EPOCH_MAX);
    if (highest == UINT32_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED,
                             "a census has seen the last number that a version can have");
    enum rdt_fault fault = retain(call, key);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_add_version(call, key, highest + 1, type);
    if (fault != RDT_FAULT_NONE)
        return fault;
    key->current = highest + 1;
    snprintf(number, sizeof number, "%u", key->current);
    rdt_pairs_add(&call->note.parameters, rdt_span_str("version"), rdt_span_str(number));
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_op_enable_key_rotation(struct rdt_call *call)
{
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    int64_t days = rdt_in_int(call, "RotationPeriodInDays", PERIOD_DAYS);
    if (key->rotation_days == (uint32_t)days)
        return RDT_FAULT_NONE;
    const struct rdt_version *current =
        rdt_view_version(call->view, call->key->id, call->key->current);
    int64_t since = current == NULL ? call->request->now_ms : current->created_ms;
    key->rotation_days = (uint32_t)days;
    key->next_rotation_ms = since + days * DAY_MS;
    if (key->next_rotation_ms < call->request->now_ms)
        key->next_rotation_ms = call->request->now_ms + days * DAY_MS;
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_op_disable_key_rotation(struct rdt_call *call)
{
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    key->rotation_days = 0;
    key->next_rotation_ms = 0;
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_op_get_key_rotation_status(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_key *key = call->key;
    bool on = key->rotation_days != 0 && key->state != RDT_KEY_PENDING_DELETION;
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, key->id, arn);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_bool(out, "KeyRotationEnabled", on);
    rdt_jout_str(out, "KeyId", arn);
    if (on) {
        rdt_jout_int(out, "RotationPeriodInDays", key->rotation_days);
        rdt_jout_time(out, "NextRotationDate", key->next_rotation_ms);
    }
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_op_rotate_key_on_demand(struct rdt_call *call)
{
    const struct rdt_key *now = call->key;
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, now->id, arn);
    if (now->on_demand >= ON_DEMAND_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED, "%s was rotated on demand %d times",
                             arn, ON_DEMAND_MAX);
    int64_t to_next = now->next_rotation_ms - call->request->now_ms;
    if (now->rotation_days != 0 && to_next > -CONFLICT_MS && to_next < CONFLICT_MS)
        return rdt_call_fail(call, RDT_FAULT_CONFLICT, "%s is about to be rotated automatically",
                             arn);
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    key->on_demand++;
    enum rdt_fault fault = rdt_rotate(call, key, RDT_ROTATION_ON_DEMAND);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_jout_open(call->request->out, NULL, '{');
    rdt_jout_str(call->request->out, "KeyId", arn);
    rdt_jout_close(call->request->out, '}');
    return RDT_FAULT_NONE;
}

static void
put_rotation(struct rdt_call *call, const struct rdt_version *version, bool all)
{
    struct rdt_buf *out = call->request->out;
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, version->key, arn);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "KeyId", arn);
    rdt_jout_hex(out, "KeyMaterialId", (struct rdt_span){version->material_id, 32});
    if (all)
        rdt_jout_str(out, "KeyMaterialState",
                     version->number == call->key->current ? "CURRENT" : "NON_CURRENT");
    if (version->rotation != RDT_ROTATION_FIRST) {
        rdt_jout_time(out, "RotationDate", version->created_ms);
        rdt_jout_str(out, "RotationType",
                     version->rotation == RDT_ROTATION_AUTOMATIC ? "AUTOMATIC" : "ON_DEMAND");
    }
    rdt_jout_close(out, '}');
}

/* The number of the version that a marker ends at. */
static uint32_t
number_after(const struct page *page)
{
    uint32_t number = 0;
    for (size_t i = 0; i < 4 && page->after_n == 4; i++)
        number = number << 8 | page->after[i];
    return number;
}

enum rdt_fault
rdt_op_list_key_rotations(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    struct page page;
    bool all = rdt_span_is(rdt_in_text(call, "IncludeKeyMaterial"), "ALL_KEY_MATERIAL");
    bool more = false;
    uint8_t last[4] = {0};
    int64_t n = 0;
    enum rdt_fault fault = rdt_page_begin(call, 100, 1000, &page);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_open(out, "Rotations", '[');
    const struct rdt_version *version;
    uint32_t number = number_after(&page);
    while ((version = rdt_view_version_after(call->view, call->key->id, number)) != NULL) {
        number = version->number;
        if (!all && version->rotation == RDT_ROTATION_FIRST)
            continue;
        more = n == page.limit;
        if (more)
            break;
        put_rotation(call, version, all);
        for (size_t i = 0; i < 4; i++)
            last[i] = (uint8_t)(number >> (24 - 8 * i));
        n++;
    }
    rdt_jout_close(out, ']');
    rdt_page_end(call, (struct rdt_span){last, sizeof last}, more);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}
