/*
 * What the clock brings. Each thing that is due is done by a call of the service itself through the
 * same commit and the same audit log as anybody's; nobody else can make these calls. A start after
 * a long stop finds what was missed and does it once, since what is due is read from the rows.
 */
#include "codec/base64.h"
#include "kms/approval_internal.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"

#include <stdio.h>

#define KEYS_STEP 4096 /* keys looked at in one tick: a million take four minutes */
#define DUE_MAX 64     /* calls of one tick */
#define DUE_BODY 128   /* bytes of such a call's input */

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
    const struct rdt_op *op;
    char body[DUE_BODY];
};

static bool
key_is_due(const struct rdt_key *key, int64_t now_ms)
{
    return key->state == RDT_KEY_ENABLED && !key->suspended && key->rotation_days != 0 &&
           key->next_rotation_ms <= now_ms;
}

/* From where the last tick stopped, round and round. */
static size_t
find_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms,
         struct due out[static DUE_MAX])
{
    struct rdt_view view = {.state = kms->state};
    struct rdt_span id = {thread->due_at, sizeof thread->due_at};
    size_t n = 0;
    rdt_state_lock_shared(kms->state);
    for (size_t i = 0; i < KEYS_STEP && n < DUE_MAX; i++) {
        const struct rdt_key *key = rdt_view_next(view, RDT_KIND_KEY, id, &id);
        if (key == NULL) {
            memset(thread->due_at, 0, sizeof thread->due_at);
            break;
        }
        memcpy(thread->due_at, key->id, sizeof thread->due_at);
        if (key_is_due(key, now_ms)) {
            char uuid[RDT_UUID_TEXT];
            rdt_uuid_text(key->id, uuid);
            out[n].op = &ops[0];
            snprintf(out[n].body, sizeof out[n].body, "{\"KeyId\":\"%s\"}", uuid);
            n++;
        }
    }
    rdt_state_unlock(kms->state);
    return n;
}

void
rdt_life_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms, bool settled)
{
    (void)settled;
    struct due due[DUE_MAX];
    size_t n = find_due(kms, thread, now_ms, due);
    for (size_t i = 0; i < n; i++) {
        RDT_BUF out = {0};
        /* a failure is in the audit log; the next tick finds the same thing due */
        (void)!rdt_kms_local(kms, thread, due[i].op->name, due[i].body, &out, NULL);
    }
    rdt_approval_due(kms, thread, now_ms);
}
