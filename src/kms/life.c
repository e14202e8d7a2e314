/*
 * What the clock brings. Each thing that is due is done by a call of the service itself through the
 * same commit and the same audit log as anybody's; nobody else can make these calls. A start after
 * a long stop finds what was missed and does it once, since what is due is read from the rows.
 */
#include "codec/base64.h"
#include "kms/approval_internal.h"
#include "kms/audit_record.h"
#include "kms/death_internal.h"
#include "kms/op_internal.h"

#include <stdio.h>

#define KEYS_STEP 4096 /* keys looked at in one tick: a million take four minutes */
#define DUE_MAX 64     /* calls of one tick */
#define DESTROY "SystemDestroy"
#define DESTROY_AGAIN_MS ((int64_t)600000) /* after one that was refused at the last moment */

static const struct rdt_in key_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

/* An automatic rotation; the next one counts from now, however late this one is. */
static enum rdt_fault
rotate_due(struct rdt_call *call)
{
    const struct rdt_key *now = call->key;
    if (now->rotation_days == 0 || now->next_rotation_ms > call->request->now_ms)
        return RDT_FAULT_NONE;
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    key->next_rotation_ms = call->request->now_ms + (int64_t)key->rotation_days * DAY_MS;
    enum rdt_fault fault = rdt_rotate(call, key, RDT_ROTATION_AUTOMATIC);
    call->keep = fault == RDT_FAULT_LIMIT_EXCEEDED; /* refused again after a whole period */
    return fault;
}

#define SYSTEM(text, when, members, handler)                                                       \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .cls = RDT_OP_WRITE, .key = RDT_KEY_ID,              \
        .states = RDT_STATES_##when, .internal = true, .in = members,                              \
        .n_in = sizeof members / sizeof members[0], .run = handler                                 \
    }

static const struct rdt_op ops[] = {
    /* by name */
    SYSTEM("SystemRotate", USE, key_in, rotate_due),
};

const struct rdt_op_table rdt_ops_system = {ops, sizeof ops / sizeof ops[0]};

/* ---- finding what is due ---- */

struct due {
    const char *op;
    uint8_t key[16];
    uint32_t version; /* 0: none, or the key as a whole */
};

struct finding {
    struct rdt_view view;
    const struct rdt_kms *kms;
    int64_t now_ms;
    bool destroy; /* nothing stands against looking for what may die */
    size_t n;
    struct due due[DUE_MAX];
};

static void
add_due(struct finding *found, const char *op, const uint8_t key[static 16], uint32_t version)
{
    struct due *due = &found->due[found->n++];
    due->op = op;
    due->version = version;
    memcpy(due->key, key, sizeof due->key);
}

static bool
may_die(const struct finding *found, const struct rdt_key *key, const struct rdt_version *version)
{
    struct gate gate = {found->view, found->kms, key, version, found->now_ms};
    uint8_t id[16];
    return found->destroy && key != NULL && rdt_gate_open(&gate) && rdt_gate_approved(&gate, id);
}

static void
look_at_key(struct finding *found, const struct rdt_key *key)
{
    if (key->state == RDT_KEY_ENABLED && !key->suspended && key->rotation_days != 0 &&
        key->next_rotation_ms <= found->now_ms)
        add_due(found, "SystemRotate", key->id, 0);
    else if (key->state == RDT_KEY_PENDING_DELETION && may_die(found, key, NULL))
        add_due(found, DESTROY, key->id, 0);
}

/* From where the last tick stopped, round and round. */
static void
find_keys(struct finding *found, uint8_t at[static 16])
{
    struct rdt_span id = {at, 16};
    for (size_t i = 0; i < KEYS_STEP && found->n < DUE_MAX; i++) {
        const struct rdt_key *key = rdt_view_next(found->view, RDT_KIND_KEY, id, &id);
        if (key == NULL) {
            memset(at, 0, 16);
            break;
        }
        memcpy(at, key->id, 16);
        look_at_key(found, key);
    }
}

static void
find_versions(struct finding *found, uint8_t at[static 20])
{
    struct rdt_span id = {at, 20};
    for (size_t i = 0; i < KEYS_STEP && found->n < DUE_MAX; i++) {
        const struct rdt_version *version = rdt_view_next(found->view, RDT_KIND_VERSION, id, &id);
        if (version == NULL) {
            memset(at, 0, 20);
            break;
        }
        rdt_version_id(version->key, version->number, at);
        if (version->state == RDT_VERSION_QUIESCED &&
            may_die(found, rdt_view_key(found->view, version->key), version))
            add_due(found, DESTROY, version->key, version->number);
    }
}

static void
find_deaths(struct finding *found, uint8_t at[static 20])
{
    struct rdt_span id = {at, 20};
    for (size_t i = 0; i < KEYS_STEP && found->n < DUE_MAX; i++) {
        const struct rdt_death *death = rdt_view_next(found->view, RDT_KIND_DEATH, id, &id);
        if (death == NULL) {
            memset(at, 0, 20);
            break;
        }
        rdt_version_id(death->key, death->version, at);
        if (!death->final && rdt_death_waits(found->view, death, found->now_ms) == NULL)
            add_due(found, "SystemDeathFinal", death->key, death->version);
    }
}

/* ---- doing it ---- */

/* Before a destruction the log says that it is about to be; after it, what came of that. */
static bool
write_intent(struct rdt_kms *kms, struct rdt_kms_thread *thread, const struct due *due,
             int64_t now_ms, struct intent *out)
{
    RDT_BUF parameters = {0};
    RDT_BUF bytes = {0};
    char number[16];
    struct rdt_audit_record record = {
        .type = RDT_AUDIT_INTENT, .time_ms = now_ms, .operation = (char *)DESTROY};
    snprintf(number, sizeof number, "%u", due->version);
    if (due->version != 0)
        rdt_pairs_add(&parameters, rdt_span_str("version"), rdt_span_str(number));
    rdt_kms_request_id(thread, out->id);
    memcpy(record.id, out->id, sizeof record.id);
    memcpy(record.key, due->key, sizeof record.key);
    record.parameters = (struct rdt_bytes){parameters.p, parameters.n};
    rdt_record_put(&rdt_audit_record, &record, &bytes);
    return rdt_buf_ok(&parameters) && rdt_buf_ok(&bytes) &&
           rdt_log_append_at(kms, rdt_buf_span(&bytes), &out->index) == RDT_OK;
}

static bool
do_it(struct rdt_kms *kms, struct rdt_kms_thread *thread, const struct due *due, int64_t now_ms)
{
    RDT_BUF out = {0};
    RDT_BUF body = {0};
    struct intent intent;
    bool destroys = strcmp(due->op, DESTROY) == 0;
    if (destroys && !write_intent(kms, thread, due, now_ms, &intent))
        return false;
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_uuid(&body, strcmp(due->op, "SystemDeathFinal") == 0 ? "Key" : "KeyId", due->key);
    if (due->version != 0)
        rdt_jout_int(&body, "Version", due->version);
    if (destroys) {
        rdt_jout_uuid(&body, "Intent", intent.id);
        rdt_jout_int(&body, "Index", (int64_t)intent.index);
    }
    rdt_jout_close(&body, '}');
    const char *text = rdt_buf_cstr(&body);
    return text != NULL && rdt_kms_local(kms, thread, due->op, text, &out, NULL) == RDT_OK;
}

void
rdt_life_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms, bool settled)
{
    struct finding found = {.view = {.state = kms->state},
                            .kms = kms,
                            .now_ms = now_ms,
                            .destroy = settled && now_ms >= thread->destroy_after_ms};
    rdt_state_lock_shared(kms->state);
    find_keys(&found, thread->due_at);
    find_versions(&found, thread->version_at);
    find_deaths(&found, thread->death_at);
    rdt_state_unlock(kms->state);
    /* a failure is in the audit log; a later tick finds the same thing due */
    for (size_t i = 0; i < found.n; i++)
        if (!do_it(kms, thread, &found.due[i], now_ms) && strcmp(found.due[i].op, DESTROY) == 0)
            thread->destroy_after_ms = now_ms + DESTROY_AGAIN_MS;
    rdt_approval_due(kms, thread, now_ms);
}
