/*
 * Between calls and the audit log's thread: appending and waiting, outbox entries that are done
 * with, counters, unauthenticated failures.
 */
#include "kms/audit_record.h"
#include "kms/call_internal.h"
#include "kms/restore_internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define SENT_MAX 65536    /* outbox entries waiting to be removed */
#define REFUSALS_MAX 1024 /* sources and reasons counted apart in one minute */
#define REFUSALS_PERIOD_MS 60000
#define OPS_MAX 256 /* rows of all tables */

struct refusal {
    char source[64];
    const char *reason; /* NULL: free */
    uint64_t count;
};

struct kms_late {
    pthread_mutex_t lock; /* of all below but the counters */
    uint8_t (*sent)[16];
    size_t n_sent;
    bool missed; /* the outbox has what the log has not; the writer's thread's */
    struct rdt_buf checkpoint;
    struct rdt_kms_thread *threads;
    bool collected; /* the writer's: the commit under way holds what the threads counted */
    struct refusal refusals[REFUSALS_MAX];
    uint64_t refusals_other; /* from sources that found no room */
    int64_t refusals_since_ms;
    _Atomic uint64_t calls[OPS_MAX], faults[OPS_MAX], refused;
};

struct kms_late *
rdt_late_new(void)
{
    struct kms_late *late = calloc(1, sizeof *late);
    if (late == NULL)
        return NULL;
    late->sent = calloc(SENT_MAX, sizeof late->sent[0]);
    if (late->sent == NULL) {
        free(late);
        return NULL;
    }
    pthread_mutex_init(&late->lock, NULL);
    return late;
}

void
rdt_late_free(struct kms_late *late)
{
    if (late == NULL)
        return;
    pthread_mutex_destroy(&late->lock);
    rdt_buf_done(&late->checkpoint);
    free(late->sent);
    free(late);
}

/* ---- appending ---- */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void
appended(struct rdt_audit_batch *batch)
{
    struct waiter *waiter = batch->user;
    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    pthread_cond_signal(&waiter->changed);
    pthread_mutex_unlock(&waiter->lock);
}

/* Until the batch is on disk, or refused. */
static enum rdt_code
append(struct rdt_kms *kms, struct rdt_audit_batch *batch)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    batch->done = appended;
    batch->user = &waiter;
    enum rdt_code rc = rdt_audit_submit(kms->log, batch);
    if (rc != RDT_OK)
        return rc;
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.done)
        pthread_cond_wait(&waiter.changed, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    return batch->code;
}

enum rdt_code
rdt_log_append(struct rdt_kms *kms, const struct rdt_span *records, size_t n, bool changed)
{
    struct rdt_audit_batch batch = {.records = records, .n = n, .privileged = changed};
    return n == 0 ? RDT_OK : append(kms, &batch);
}

enum rdt_code
rdt_log_append_at(struct rdt_kms *kms, struct rdt_span record, uint64_t *index)
{
    struct rdt_audit_batch batch = {.records = &record, .n = 1, .privileged = true};
    enum rdt_code rc = append(kms, &batch);
    *index = batch.first;
    return rc;
}

void
rdt_log_sent(struct rdt_kms *kms, const uint8_t id[static 16])
{
    struct kms_late *late = kms->late;
    /* beyond the bound an entry stays in the outbox: the next start finds it in the log */
    if (late->n_sent < SENT_MAX)
        memcpy(late->sent[late->n_sent++], id, 16);
}

void
rdt_log_take_sent(struct rdt_kms *kms, const uint8_t (**ids)[16], size_t *n)
{
    *n = kms->late->n_sent;
    *ids = (const uint8_t(*)[16])kms->late->sent;
}

void
rdt_log_forget_sent(struct rdt_kms *kms)
{
    kms->late->n_sent = 0;
}

enum rdt_code
rdt_log_outbox_mac(struct rdt_kms *kms, struct rdt_worker *worker, struct rdt_outbox *entry)
{
    struct rdt_span parts[] = {
        rdt_span_str("redoubt outbox v1"), {entry->id, sizeof entry->id},
         entry->record
    };
    return rdt_hmac(worker, &kms->rows, parts, 3, entry->mac);
}

void
rdt_log_missed(struct rdt_kms *kms)
{
    kms->late->missed = true;
}

struct catching_up {
    struct rdt_kms *kms;
    struct rdt_worker *worker;
    size_t n_sent; /* those from before */
};

static bool
was_sent(const struct catching_up *up, const struct rdt_outbox *entry)
{
    for (size_t i = 0; i < up->n_sent; i++)
        if (rdt_span_eq((struct rdt_span){up->kms->late->sent[i], 16},
                        (struct rdt_span){entry->id, sizeof entry->id}))
            return true;
    return false;
}

static enum rdt_code
send_left(void *user, const struct rdt_outbox *entry, struct rdt_err *err)
{
    const struct catching_up *up = user;
    struct rdt_outbox check = *entry;
    if (was_sent(up, entry))
        return RDT_OK;
    enum rdt_code rc = rdt_log_outbox_mac(up->kms, up->worker, &check);
    if (rc == RDT_OK && !rdt_same((struct rdt_span){check.mac, sizeof check.mac},
                                  (struct rdt_span){entry->mac, sizeof entry->mac}))
        rc = rdt_fail(err, RDT_E_TAMPERED, "an audit record in the store's outbox is not ours");
    if (rc == RDT_OK)
        rc = rdt_log_append(up->kms, &entry->record, 1, true);
    if (rc == RDT_OK)
        rdt_log_sent(up->kms, entry->id);
    return rc;
}

void
rdt_log_catch_up(struct rdt_kms *kms, struct rdt_worker *worker)
{
    struct kms_late *late = kms->late;
    struct catching_up up = {kms, worker, late->n_sent};
    /* with a full list it is not known what was sent: the next start compares with the log */
    if (late->missed && late->n_sent < SENT_MAX &&
        rdt_store_outbox(kms->store, send_left, &up, NULL) == RDT_OK)
        late->missed = false;
}

void
rdt_log_checkpoint_made(void *user, struct rdt_span checkpoint)
{
    struct kms_late *late = ((struct rdt_kms *)user)->late;
    pthread_mutex_lock(&late->lock);
    late->checkpoint.n = 0;
    rdt_buf_add(&late->checkpoint, checkpoint.p, checkpoint.n);
    pthread_mutex_unlock(&late->lock);
}

bool
rdt_log_checkpoint_take(struct rdt_kms *kms, struct rdt_buf *out)
{
    struct kms_late *late = kms->late;
    pthread_mutex_lock(&late->lock);
    bool some = late->checkpoint.n != 0;
    rdt_buf_add(out, late->checkpoint.p, late->checkpoint.n);
    late->checkpoint.n = 0;
    pthread_mutex_unlock(&late->lock);
    return some;
}

/* ---- counting ---- */

/* A row's place among all tables. */
static size_t
op_index(const struct rdt_op *op)
{
    size_t before = 0;
    for (size_t i = 0; rdt_op_tables[i] != NULL; i++) {
        const struct rdt_op_table *table = rdt_op_tables[i];
        if (op >= table->ops && op < table->ops + table->n)
            return before + (size_t)(op - table->ops);
        before += table->n;
    }
    return OPS_MAX;
}

void
rdt_log_counted(struct rdt_kms *kms, const struct rdt_request *request)
{
    size_t at = op_index(request->op);
    if (at >= OPS_MAX)
        return;
    atomic_fetch_add_explicit(&kms->late->calls[at], 1, memory_order_relaxed);
    if (request->fault != RDT_FAULT_NONE)
        atomic_fetch_add_explicit(&kms->late->faults[at], 1, memory_order_relaxed);
}

void
rdt_kms_refusal(struct rdt_kms *kms, const char *source, const char *reason)
{
    struct kms_late *late = kms->late;
    atomic_fetch_add_explicit(&late->refused, 1, memory_order_relaxed);
    pthread_mutex_lock(&late->lock);
    struct refusal *slot = NULL;
    for (size_t i = 0; i < REFUSALS_MAX && slot == NULL; i++) {
        struct refusal *at = &late->refusals[i];
        if (at->reason == NULL) {
            snprintf(at->source, sizeof at->source, "%s", source);
            at->reason = reason;
            slot = at;
        } else if (at->reason == reason && strcmp(at->source, source) == 0) {
            slot = at;
        }
    }
    if (slot != NULL)
        slot->count++;
    else
        late->refusals_other++;
    pthread_mutex_unlock(&late->lock);
}

static void
put_refusal(const char *source, const char *reason, uint64_t count, int64_t now_ms,
            struct rdt_buf *out)
{
    struct rdt_audit_record record = {.type = RDT_AUDIT_REFUSALS,
                                      .time_ms = now_ms,
                                      .operation = (char *)"Refused",
                                      .source = (char *)source,
                                      .reason = (char *)reason,
                                      .count = count};
    rdt_record_put(&rdt_audit_record, &record, out);
}

/*
 * One bounded record a source and reason, a minute at a time: a stranger's requests cost the log
 * at most REFUSALS_MAX records a minute.
 */
void
rdt_log_refusals(struct rdt_kms *kms, int64_t now_ms)
{
    struct kms_late *late = kms->late;
    RDT_BUF bytes = {0};
    struct rdt_span records[REFUSALS_MAX + 1];
    size_t ends[REFUSALS_MAX + 1], n = 0;
    pthread_mutex_lock(&late->lock);
    bool due = now_ms - late->refusals_since_ms >= REFUSALS_PERIOD_MS;
    for (size_t i = 0; due && i < REFUSALS_MAX && late->refusals[i].reason != NULL; i++) {
        struct refusal *at = &late->refusals[i];
        put_refusal(at->source, at->reason, at->count, now_ms, &bytes);
        ends[n++] = bytes.n;
        memset(at, 0, sizeof *at);
    }
    if (due && late->refusals_other != 0) {
        put_refusal("", "other sources", late->refusals_other, now_ms, &bytes);
        ends[n++] = bytes.n;
        late->refusals_other = 0;
    }
    if (due)
        late->refusals_since_ms = now_ms;
    pthread_mutex_unlock(&late->lock);
    if (!rdt_buf_ok(&bytes))
        return;
    for (size_t i = 0, from = 0; i < n; from = ends[i++])
        records[i] = (struct rdt_span){bytes.p + from, ends[i] - from};
    (void)rdt_log_append(kms, records, n, false);
}

void
rdt_kms_metrics(struct rdt_kms *kms, struct rdt_buf *out)
{
    struct rdt_audit_stats stats;
    size_t at = 0;
    rdt_buf_str(out, "# HELP redoubt_kms_calls_total Calls by operation and result.\n"
                     "# TYPE redoubt_kms_calls_total counter\n");
    for (size_t i = 0; rdt_op_tables[i] != NULL; i++)
        for (size_t j = 0; j < rdt_op_tables[i]->n; j++, at++) {
            uint64_t calls = kms->late->calls[at], faults = kms->late->faults[at];
            const char *name = rdt_op_tables[i]->ops[j].name;
            if (calls == 0)
                continue;
            rdt_buf_fmt(out, "redoubt_kms_calls_total{operation=\"%s\",result=\"ok\"} %llu\n", name,
                        (unsigned long long)(calls - faults));
            rdt_buf_fmt(out, "redoubt_kms_calls_total{operation=\"%s\",result=\"refused\"} %llu\n",
                        name, (unsigned long long)faults);
        }
    rdt_buf_fmt(out,
                "# HELP redoubt_kms_unauthenticated_total Requests without a valid identity.\n"
                "# TYPE redoubt_kms_unauthenticated_total counter\n"
                "redoubt_kms_unauthenticated_total %llu\n",
                (unsigned long long)kms->late->refused);
    rdt_audit_stats(kms->audit, &stats);
    rdt_buf_fmt(out,
                "# HELP redoubt_audit_records_total Records in the log since the start.\n"
                "# TYPE redoubt_audit_records_total counter\n"
                "redoubt_audit_records_total %llu\n"
                "# HELP redoubt_audit_syncs_total fdatasync calls of the log.\n"
                "# TYPE redoubt_audit_syncs_total counter\n"
                "redoubt_audit_syncs_total %llu\n"
                "# HELP redoubt_audit_sync_seconds Time of the last syncs.\n"
                "# TYPE redoubt_audit_sync_seconds summary\n"
                "redoubt_audit_sync_seconds{quantile=\"0.5\"} %.6f\n"
                "redoubt_audit_sync_seconds{quantile=\"0.99\"} %.6f\n",
                (unsigned long long)stats.records, (unsigned long long)stats.syncs,
                (double)stats.sync_us_p50 / 1e6, (double)stats.sync_us_p99 / 1e6);
}

/* ---- threads ---- */

void
rdt_log_thread_add(struct rdt_kms *kms, struct rdt_kms_thread *thread)
{
    pthread_mutex_lock(&kms->late->lock);
    thread->next = kms->late->threads;
    kms->late->threads = thread;
    pthread_mutex_unlock(&kms->late->lock);
}

void
rdt_log_thread_remove(struct rdt_kms *kms, struct rdt_kms_thread *thread)
{
    pthread_mutex_lock(&kms->late->lock);
    struct rdt_kms_thread **at = &kms->late->threads;
    while (*at != NULL && *at != thread)
        at = &(*at)->next;
    if (*at != NULL)
        *at = thread->next;
    pthread_mutex_unlock(&kms->late->lock);
}

bool
rdt_log_collect_usage(struct rdt_kms *kms, struct rdt_tx *tx, int64_t now_ms)
{
    bool ok = true;
    if (kms->late->collected)
        return true;
    pthread_mutex_lock(&kms->late->lock);
    for (struct rdt_kms_thread *at = kms->late->threads; at != NULL; at = at->next)
        ok = rdt_usage_collect(at->usage, tx, now_ms) && ok;
    if (kms->missed != NULL)
        ok = rdt_usage_collect(kms->missed, tx, now_ms) && ok;
    pthread_mutex_unlock(&kms->late->lock);
    kms->late->collected = true;
    return ok;
}

bool
rdt_log_collected(const struct rdt_kms *kms)
{
    return kms->late->collected;
}

void
rdt_log_settle_usage(struct rdt_kms *kms, bool durable)
{
    if (!kms->late->collected)
        return;
    kms->late->collected = false;
    if (!durable)
        return;
    pthread_mutex_lock(&kms->late->lock);
    for (struct rdt_kms_thread *at = kms->late->threads; at != NULL; at = at->next)
        rdt_usage_settle(at->usage);
    if (kms->missed != NULL)
        rdt_usage_settle(kms->missed);
    pthread_mutex_unlock(&kms->late->lock);
}

/* ---- health ---- */

enum rdt_code
rdt_kms_ready(struct rdt_kms *kms, struct rdt_err *err)
{
    rdt_state_lock_shared(kms->state);
    const char *why = rdt_quarantine_why((struct rdt_view){.state = kms->state});
    if (why != NULL)
        rdt_fail(err, RDT_E_STATE, "quarantine: %s", why);
    rdt_state_unlock(kms->state);
    return why != NULL ? RDT_E_STATE : rdt_audit_health(kms->log, err);
}
