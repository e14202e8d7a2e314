/*
 * Once a second, on the writer's thread: what happens by itself. All of it goes through one
 * transaction with its audit record, like any other change.
 */
#include "kms/audit_record.h"
#include "kms/call_internal.h"
#include "kms/life_internal.h"
#include "kms/restore_internal.h"

#include <stdio.h>

#define SEEN_STEP 4096 /* replay rows looked at in one tick */

/*
 * Replay rows whose signature would be refused for its age anyway. Each tick goes on where the last
 * one stopped: under load the first rows are all young, and the old ones stand behind them.
 */
static void
forget_seen(struct rdt_tx *tx, struct rdt_kms_thread *thread, int64_t now_ms)
{
    struct rdt_buf *old = &thread->scratch;
    struct rdt_span id = {thread->seen_at, sizeof thread->seen_at};
    old->n = 0;
    for (size_t i = 0; i < SEEN_STEP; i++) {
        const struct rdt_seen *seen = rdt_view_next(rdt_tx_view(tx), RDT_KIND_SEEN, id, &id);
        if (seen == NULL) {
            memset(thread->seen_at, 0, sizeof thread->seen_at);
            break;
        }
        memcpy(thread->seen_at, seen->signature, sizeof thread->seen_at);
        if (seen->until_ms < now_ms)
            rdt_buf_add(old, seen->signature, sizeof seen->signature);
    }
    for (size_t i = 0; i + 32 <= old->n; i += 32)
        (void)rdt_tx_remove(tx, RDT_KIND_SEEN, (struct rdt_span){old->p + i, 32});
}

static enum rdt_code
commit_tick(struct rdt_kms *kms, struct rdt_kms_thread *thread, struct rdt_tx *tx, int64_t now_ms,
            struct rdt_err *err)
{
    RDT_BUF record = {0};
    struct rdt_outbox entry = {0};
    uint64_t revision;
    uint8_t digest[32];
    size_t n_sent;
    enum rdt_code rc = rdt_tx_seal(tx, thread->worker, &revision, digest, err);
    if (rc == RDT_OK)
        rc = rdt_random(thread->worker, entry.id, sizeof entry.id, err);
    if (rc == RDT_OK) {
        rdt_record_system("Tick", now_ms, revision, digest, entry.id, &record);
        entry.record = rdt_buf_span(&record);
        rc = rdt_buf_ok(&record) ? rdt_log_outbox_mac(kms, thread->worker, &entry) : RDT_E_NOMEM;
    }
    if (rc != RDT_OK) {
        rdt_tx_drop(tx);
        return rc;
    }
    const uint8_t(*sent)[16];
    rdt_log_take_sent(kms, &sent, &n_sent);
    rc = rdt_tx_commit(tx, kms->store, &(struct rdt_tx_records){&entry, 1, sent, n_sent}, err);
    if (rc != RDT_OK)
        return rc;
    rdt_log_forget_sent(kms);
    /* the rows are durable, and with them the record, whatever becomes of the log */
    if (rdt_log_append(kms, &entry.record, 1, true) == RDT_OK)
        rdt_log_sent(kms, entry.id);
    else
        rdt_log_missed(kms);
    return RDT_OK;
}

/* Outbox entries that are in the log, when no other commit takes them away. */
static void
clear_outbox(struct rdt_kms *kms)
{
    size_t n_sent;
    const uint8_t(*sent)[16];
    rdt_log_take_sent(kms, &sent, &n_sent);
    struct rdt_commit commit = {
        .revision = rdt_store_revision(kms->store), .sent = sent, .n_sent = n_sent};
    if (n_sent != 0 && rdt_store_commit(kms->store, &commit, NULL) == RDT_OK)
        rdt_log_forget_sent(kms);
}

/* Nothing happens by itself before people have looked. */
static bool
in_quarantine(struct rdt_kms *kms)
{
    rdt_state_lock_shared(kms->state);
    bool yes = rdt_quarantine_why((struct rdt_view){.state = kms->state}) != NULL;
    rdt_state_unlock(kms->state);
    return yes;
}

void
rdt_kms_tick(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms)
{
    struct rdt_tx *tx = NULL;
    struct rdt_err err = {0};
    const char *clock = NULL;
    rdt_log_catch_up(kms, thread->worker);
    rdt_log_refusals(kms, now_ms);
    rdt_open_keep_checkpoint(kms);
    /* what is left of the log is for administrators, not for what happens by itself */
    if (rdt_audit_health(kms->log, NULL) != RDT_OK)
        return;
    if (rdt_tx_begin(kms->state, &tx, &err) != RDT_OK)
        return;
    bool settled = rdt_log_collect_usage(kms, tx, now_ms) && rdt_time_tick(kms, tx, now_ms, &clock);
    forget_seen(tx, thread, now_ms);
    if (settled && rdt_tx_changed(tx, 0) != 0) {
        settled = commit_tick(kms, thread, tx, now_ms, &err) == RDT_OK;
    } else {
        rdt_tx_drop(tx);
        clear_outbox(kms);
    }
    rdt_log_settle_usage(kms, settled);
    rdt_time_settle(kms, settled);
    if (clock != NULL)
        rdt_time_block(kms, thread, clock);
    if (in_quarantine(kms))
        return;
    /* nothing dies in a tick whose clock is not to be trusted, also if that could not be recorded
     */
    rdt_life_due(kms, thread, now_ms, settled && clock == NULL);
    rdt_ring_due(kms, thread);
    rdt_domain_due(kms, thread, now_ms);
}
