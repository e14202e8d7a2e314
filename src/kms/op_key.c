/*
 * CreateKey, DescribeKey, ListKeys, UpdateKeyDescription, EnableKey, DisableKey, GetKeyLastUsage.
 */
#include "codec/base64.h"
#include "kms/call_internal.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"

#include <assert.h>

/* ---- KeyMetadata ---- */

static void
put_state(struct rdt_buf *out, const struct rdt_key *key)
{
    /* a suspended key is Disabled to clients; Redoubt's own describe says why */
    bool enabled = key->state == RDT_KEY_ENABLED && !key->suspended;
    rdt_jout_bool(out, "Enabled", enabled);
    rdt_jout_str(out, "KeyState",
                 key->state == RDT_KEY_ENABLED && key->suspended
                     ? rdt_key_state_word(RDT_KEY_DISABLED)
                     : rdt_key_state_word(key->state));
    if (key->state == RDT_KEY_PENDING_DELETION)
        rdt_jout_time(out, "DeletionDate", key->deletion_ms);
}

void
rdt_put_metadata(struct rdt_call *call, const struct rdt_key *key)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_version *version = rdt_view_version(call->view, key->id, key->current);
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, key->id, arn);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_open(out, "KeyMetadata", '{');
    rdt_jout_str(out, "AWSAccountId", call->kms->account);
    rdt_jout_uuid(out, "KeyId", key->id);
    rdt_jout_str(out, "Arn", arn);
    rdt_jout_time(out, "CreationDate", key->created_ms);
    put_state(out, key);
    rdt_jout_str(out, "Description", key->description == NULL ? "" : key->description);
    rdt_jout_str(out, "KeyUsage", "ENCRYPT_DECRYPT");
    rdt_jout_str(out, "Origin", "AWS_KMS");
    rdt_jout_str(out, "KeyManager", "CUSTOMER");
    rdt_jout_str(out, "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT");
    rdt_jout_str(out, "KeySpec", "SYMMETRIC_DEFAULT");
    rdt_jout_open(out, "EncryptionAlgorithms", '[');
    rdt_jout_str(out, NULL, "SYMMETRIC_DEFAULT");
    rdt_jout_close(out, ']');
    rdt_jout_bool(out, "MultiRegion", false);
    if (version != NULL)
        rdt_jout_hex(out, "CurrentKeyMaterialId", (struct rdt_span){version->material_id, 32});
    rdt_jout_close(out, '}');
    rdt_jout_close(out, '}');
}

enum rdt_fault
rdt_op_describe_key(struct rdt_call *call)
{
    rdt_put_metadata(call, call->key);
    return RDT_FAULT_NONE;
}

/* ---- CreateKey ---- */

/* What is offered today: a symmetric key made here. */
static enum rdt_fault
check_kind(struct rdt_call *call)
{
    static const struct {
        const char *member, *only;
    } kinds[] = {
        {"KeySpec",               "SYMMETRIC_DEFAULT"},
        {"CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"},
        {"KeyUsage",              "ENCRYPT_DECRYPT"  },
        {"Origin",                "AWS_KMS"          },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct rdt_span value = rdt_in_text(call, kinds[i].member);
        if (value.n != 0 && !rdt_span_is(value, kinds[i].only))
            return rdt_call_fail(call, RDT_FAULT_UNSUPPORTED, "%s %.*s is not offered",
                                 kinds[i].member, RDT_FMT(value));
    }
    if (rdt_in_has(call, "CustomKeyStoreId") || rdt_in_has(call, "XksKeyId"))
        return rdt_call_fail(call, RDT_FAULT_UNSUPPORTED, "custom key stores are not offered");
    if (rdt_in_bool(call, "MultiRegion"))
        return rdt_call_fail(call, RDT_FAULT_UNSUPPORTED, "multi-region keys are not offered");
    return RDT_FAULT_NONE;
}

/* The first version, current from the start. */
enum rdt_fault
rdt_add_version(struct rdt_call *call, const struct rdt_key *key, uint32_t number,
                enum rdt_rotation_type type)
{
    RDT_BUF id = {0};
    struct rdt_version sample = {.number = number};
    memcpy(sample.key, key->id, sizeof sample.key);
    rdt_kind_id(RDT_KIND_VERSION, &sample, &id);
    struct rdt_version *version = rdt_tx_add(call->tx, RDT_KIND_VERSION, rdt_buf_span(&id));
    if (version == NULL)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "out of memory");
    memcpy(version->key, key->id, sizeof version->key);
    version->number = number;
    version->state = RDT_VERSION_CURRENT;
    version->rotation = (uint8_t)type;
    version->created_ms = version->state_ms = call->request->now_ms;
    struct rdt_err err = {0};
    if (rdt_material_new(call, version, &err) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "key material could not be made");
    return RDT_FAULT_NONE;
}

static enum rdt_fault
fill_key(struct rdt_call *call, struct rdt_key *key)
{
    key->state = RDT_KEY_ENABLED;
    key->spec = RDT_SPEC_SYMMETRIC_DEFAULT;
    key->usage = RDT_USAGE_ENCRYPT_DECRYPT;
    key->origin = RDT_ORIGIN_AWS_KMS;
    key->created_ms = call->request->now_ms;
    key->current = 1;
    if (!rdt_text_set(&key->description, rdt_in_text(call, "Description")))
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "out of memory");
    enum rdt_fault fault = rdt_policy_put(call, key, rdt_in_text(call, "Policy"));
    return fault == RDT_FAULT_NONE ? rdt_tags_put(call, key, "Tags") : fault;
}

enum rdt_fault
rdt_op_create_key(struct rdt_call *call)
{
    uint8_t id[16];
    enum rdt_fault fault = check_kind(call);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (rdt_random(call->thread->worker, id, sizeof id, NULL) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "no random bytes");
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    struct rdt_key *key = rdt_tx_add(call->tx, RDT_KIND_KEY, (struct rdt_span){id, sizeof id});
    if (key == NULL)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "out of memory");
    memcpy(key->id, id, sizeof id);
    memcpy(call->note.key, id, sizeof id);
    fault = fill_key(call, key);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_add_version(call, key, 1, RDT_ROTATION_FIRST);
    if (fault == RDT_FAULT_NONE)
        rdt_put_metadata(call, key);
    return fault;
}

/* ---- changing ---- */

struct rdt_key *
rdt_edit_key(struct rdt_call *call)
{
    return rdt_tx_edit(call->tx, RDT_KIND_KEY, (struct rdt_span){call->key->id, 16});
}

enum rdt_fault
rdt_out_of_memory(struct rdt_call *call)
{
    return rdt_call_fail(call, RDT_FAULT_INTERNAL, "out of memory");
}

enum rdt_fault
rdt_op_update_key_description(struct rdt_call *call)
{
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL || !rdt_text_set(&key->description, rdt_in_text(call, "Description")))
        return rdt_out_of_memory(call);
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_op_enable_key(struct rdt_call *call)
{
    if (call->key->state == RDT_KEY_ENABLED && !call->key->suspended)
        return RDT_FAULT_NONE;
    if (call->key->suspended)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE,
                             "an approver suspended this key; the quorum has to lift that");
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    key->state = RDT_KEY_ENABLED;
    /* uses of its quiesced versions were refused for another reason, and may come now */
    return rdt_drain_enabled(call->tx, call->key->id, call->request->now_ms)
               ? RDT_FAULT_NONE
               : rdt_out_of_memory(call);
}

enum rdt_fault
rdt_op_disable_key(struct rdt_call *call)
{
    if (call->key->state == RDT_KEY_DISABLED)
        return RDT_FAULT_NONE;
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    key->state = RDT_KEY_DISABLED;
    return RDT_FAULT_NONE;
}

/* ---- lists ---- */

static void
put_entry(struct rdt_call *call, const void *row)
{
    const struct rdt_key *key = row;
    struct rdt_buf *out = call->request->out;
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, key->id, arn);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", key->id);
    rdt_jout_str(out, "KeyArn", arn);
    rdt_jout_close(out, '}');
}

enum rdt_fault
rdt_op_list_keys(struct rdt_call *call)
{
    return rdt_page_rows(call, "Keys", RDT_KIND_KEY, 100, 1000, put_entry);
}

/* ---- last usage ---- */

static const struct rdt_usage *
last_usage(struct rdt_call *call)
{
    const struct rdt_usage *best = NULL;
    const struct rdt_version *version = NULL;
    uint32_t number = 0;
    while ((version = rdt_view_version_after(call->view, call->key->id, number)) != NULL) {
        RDT_BUF id = {0};
        struct rdt_usage sample = {.version = number = version->number};
        memcpy(sample.key, call->key->id, sizeof sample.key);
        rdt_kind_id(RDT_KIND_USAGE, &sample, &id);
        const struct rdt_usage *row =
            rdt_buf_ok(&id) ? rdt_view_get(call->view, RDT_KIND_USAGE, rdt_buf_span(&id)) : NULL;
        if (row != NULL && (best == NULL || row->last_ms > best->last_ms))
            best = row;
    }
    return best;
}

/* A writing call, since what the threads counted has to be in the rows before it answers. */
enum rdt_fault
rdt_op_get_key_last_usage(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    if (!rdt_log_collect_usage(call->kms, call->tx, call->request->now_ms))
        return rdt_out_of_memory(call);
    const struct rdt_usage *usage = last_usage(call);
    char uuid[RDT_UUID_TEXT];
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", call->key->id);
    if (usage != NULL) {
        rdt_uuid_text(usage->last_request, uuid);
        rdt_jout_open(out, "KeyLastUsage", '{');
        rdt_jout_str(out, "Operation", usage->last_operation);
        rdt_jout_time(out, "Timestamp", usage->last_ms);
        rdt_jout_str(out, "KmsRequestId", uuid);
        rdt_jout_close(out, '}');
    }
    rdt_jout_time(out, "TrackingStartDate", call->key->created_ms);
    rdt_jout_time(out, "KeyCreationDate", call->key->created_ms);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}
