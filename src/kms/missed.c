/*
 * Refused uses that are in the audit log, whose answers have left, and that no commit carries yet:
 * a stop in the second between would forget them. So a start reads the end of the log and counts
 * them again; one that was counted already takes nothing back that has not gone on since.
 */
#include "kms/audit_record.h"
#include "kms/life_internal.h"

#include <stdlib.h>

#define LOOK_AT ((uint64_t)32768) /* records before the newest checkpoint: a busy second */
#define RECENT_MS ((int64_t)5000) /* a tick collects every second */
#define MISSED_MAX 4096           /* the newest of them */

struct use {
    uint8_t key[16], material[32];
    int64_t time_ms;
};

struct missed {
    int64_t last_ms;
    size_t n;
    struct use uses[MISSED_MAX];
};

static bool
is_refused_use(const struct rdt_audit_record *record)
{
    static const uint8_t none[16];
    if (record->fault == NULL || record->operation == NULL || record->dry_run)
        return false;
    const struct rdt_op *op = rdt_op_named(record->operation);
    return op != NULL && op->cls == RDT_OP_DATA &&
           !rdt_span_eq((struct rdt_span){record->key, 16}, (struct rdt_span){none, 16}) &&
           (rdt_span_is(rdt_span_str(record->fault), rdt_fault_wire(RDT_FAULT_INVALID_STATE)) ||
            rdt_span_is(rdt_span_str(record->fault), rdt_fault_wire(RDT_FAULT_DISABLED)));
}

/* The newest ones take the places of the oldest. */
static enum rdt_code
look(void *user, uint64_t index, struct rdt_span bytes, struct rdt_err *err)
{
    struct missed *missed = user;
    struct rdt_audit_record record = {0};
    (void)index;
    enum rdt_code rc = rdt_record_get(&rdt_audit_record, bytes, &record, err);
    if (rc == RDT_OK && record.time_ms > missed->last_ms)
        missed->last_ms = record.time_ms;
    if (rc == RDT_OK && is_refused_use(&record)) {
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
    static const uint8_t none[32];
    const struct rdt_version *version;
    const struct rdt_key *key = rdt_view_key(view, use->key);
    if (key == NULL)
        return;
    if (rdt_span_eq((struct rdt_span){use->material, 32}, (struct rdt_span){none, 32})) {
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
        return rdt_fail(err, RDT_E_NOMEM, "look for refused uses");
    }
    uint64_t from =
        rdt_audit_last(kms->audit, &last) && last.size > LOOK_AT ? last.size - LOOK_AT : 0;
    enum rdt_code rc = rdt_audit_each(dir, from, look, missed, err);
    for (size_t i = 0; rc == RDT_OK && i < missed->n && i < MISSED_MAX; i++)
        if (missed->uses[i].time_ms > missed->last_ms - RECENT_MS)
            count(kms->missed, view, &missed->uses[i]);
    free(missed);
    return rc;
}
