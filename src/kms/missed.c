/*
 * Uses that are in the audit log, whose answers have left, and that no commit carries yet: a stop
 * in the second between would forget them. So a start reads the end of the log and counts them:
 * those that were refused again, since one that was counted already takes nothing back that has not
 * gone on since; those that succeeded where they are newer than the last one in the rows. Without
 * these a key that has encrypted would look as if it never had, and a drained version as if nobody
 * had needed it.
 */
#include "kms/audit_record.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"
#include "kms/tenant_internal.h"

#include <stdlib.h>

#define LOOK_AT ((uint64_t)32768) /* records before the newest checkpoint: a busy second */
#define RECENT_MS ((int64_t)5000) /* a tick collects every second */
#define MISSED_MAX 4096           /* the newest of them */

struct use {
    uint8_t key[16], material[32];
    int64_t time_ms;
};

struct missed {
    struct usage *usage;
    struct rdt_view view;
    int64_t last_ms;
    size_t n;
    struct use uses[MISSED_MAX];
};

static bool
is_none(const uint8_t *id, size_t n)
{
    static const uint8_t none[32];
    return rdt_span_eq((struct rdt_span){id, n}, (struct rdt_span){none, n});
}

/* The operation of a record, if it uses a key; NULL: it does not. */
static const struct rdt_op *
use_of(const struct rdt_audit_record *record)
{
    if (record->operation == NULL || record->dry_run || is_none(record->key, sizeof record->key))
        return NULL;
    const struct rdt_op *op = rdt_op_named(record->operation);
    return op != NULL && (op->cls == RDT_OP_DATA || op->run == rdt_op_kek_export) ? op : NULL;
}

static bool
is_refused(const struct rdt_audit_record *record)
{
    return record->fault != NULL &&
           (rdt_span_is(rdt_span_str(record->fault), rdt_fault_wire(RDT_FAULT_INVALID_STATE)) ||
            rdt_span_is(rdt_span_str(record->fault), rdt_fault_wire(RDT_FAULT_DISABLED)));
}

/* ---- that succeeded ---- */

static void
count_used(const struct missed *missed, const struct rdt_version *version,
           const struct rdt_audit_record *record, const struct rdt_op *op, bool wrap)
{
    uint8_t id[20];
    struct rdt_request request = {.now_ms = record->time_ms};
    struct rdt_call call = {.request = &request, .op = op};
    rdt_version_id(version->key, version->number, id);
    const struct rdt_usage *row =
        rdt_view_get(missed->view, RDT_KIND_USAGE, (struct rdt_span){id, sizeof id});
    bool last = row != NULL && rdt_span_eq((struct rdt_span){row->last_request, 16},
                                           (struct rdt_span){record->id, 16});
    if (row != NULL && (row->last_ms > record->time_ms || last))
        return; /* a commit carries it; of another one in the same millisecond nobody knows */
    memcpy(request.id, record->id, sizeof request.id);
    rdt_usage_count(missed->usage, &call, version, wrap);
}

/* A record names one version; of ReEncrypt the new one, and the old one may be any that is drained.
 */
static void
used(const struct missed *missed, const struct rdt_audit_record *record, const struct rdt_op *op)
{
    bool again = op->run == rdt_op_re_encrypt;
    bool opens = op->run == rdt_op_decrypt || op->run == rdt_op_kek_export;
    const uint8_t *key = again ? record->key2 : record->key;
    const struct rdt_version *version;
    for (uint32_t number = 0;
         (version = rdt_view_version_after(missed->view, key, number)) != NULL;) {
        number = version->number;
        if (rdt_span_eq((struct rdt_span){version->material_id, 32},
                        (struct rdt_span){record->material, 32}))
            count_used(missed, version, record, op, !opens);
    }
    for (uint32_t number = 0;
         again && (version = rdt_view_version_after(missed->view, record->key, number)) != NULL;) {
        number = version->number;
        if (version->state == RDT_VERSION_DRAINED)
            count_used(missed, version, record, op, false);
    }
}

/* ---- that were refused ---- */

/* The newest ones take the places of the oldest. */
static enum rdt_code
look(void *user, uint64_t index, struct rdt_span bytes, struct rdt_err *err)
{
    struct missed *missed = user;
    struct rdt_audit_record record = {0};
    (void)index;
    enum rdt_code rc = rdt_record_get(&rdt_audit_record, bytes, &record, err);
    const struct rdt_op *op = rc == RDT_OK ? use_of(&record) : NULL;
    if (rc == RDT_OK && record.time_ms > missed->last_ms)
        missed->last_ms = record.time_ms;
    if (op != NULL && record.fault == NULL && !is_none(record.material, sizeof record.material))
        used(missed, &record, op);
    if (op != NULL && is_refused(&record)) {
        struct use *use = &missed->uses[missed->n++ % MISSED_MAX];
        memcpy(use->key, record.key, sizeof use->key);
        memcpy(use->material, record.material, sizeof use->material);
        use->time_ms = record.time_ms;
    }
    rdt_record_done(&rdt_audit_record, &record);
    return rc;
}

/* As the call counted it: of the version that the ciphertext named, else of the key. */
static void
count(struct usage *usage, struct rdt_view view, const struct use *use)
{
    const struct rdt_version *version;
    const struct rdt_key *key = rdt_view_key(view, use->key);
    if (key == NULL)
        return;
    if (is_none(use->material, sizeof use->material)) {
        rdt_usage_refused_key(usage, key);
        return;
    }
    for (uint32_t number = 0; (version = rdt_view_version_after(view, use->key, number)) != NULL;) {
        number = version->number;
        if (rdt_span_eq((struct rdt_span){version->material_id, 32},
                        (struct rdt_span){use->material, 32}))
            rdt_usage_refused(usage, version);
    }
}

enum rdt_code
rdt_missed_uses(struct rdt_kms *kms, const char *dir, struct rdt_err *err)
{
    struct rdt_view view = {.state = kms->state};
    struct rdt_checkpoint last;
    struct missed *missed = calloc(1, sizeof *missed);
    kms->missed = rdt_usage_new();
    if (missed == NULL || kms->missed == NULL) {
        free(missed);
        return rdt_fail(err, RDT_E_NOMEM, "look for uses that no commit carries");
    }
    missed->usage = kms->missed;
    missed->view = view;
    uint64_t from =
        rdt_audit_last(kms->audit, &last) && last.size > LOOK_AT ? last.size - LOOK_AT : 0;
    enum rdt_code rc = rdt_audit_each(dir, from, look, missed, err);
    for (size_t i = 0; rc == RDT_OK && i < missed->n && i < MISSED_MAX; i++)
        if (missed->uses[i].time_ms > missed->last_ms - RECENT_MS)
            count(kms->missed, view, &missed->uses[i]);
    free(missed);
    return rc;
}
