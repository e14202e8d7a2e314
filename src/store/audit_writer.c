#include "store/audit_writer.h"

#include "store/audit_internal.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#define TICK_MS 1000      /* between two looks at the files, and two checkpoints */
#define GATHER_SHARE 8    /* a crowd is waited for this part of a sync, */
#define GATHER_US_TOP 500 /* and no longer than this */

struct rdt_audit_writer {
    struct rdt_audit *audit;
    rdt_audit_state_fn *state;
    rdt_audit_made_fn *made;
    void *user;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;  /* counts by the monotonic clock */
    struct rdt_audit_batch *head, **tail;
    size_t n_waiting, n_records; /* batches, and the records in them */
    size_t want;                 /* wake the thread when so many records wait; 0: it is awake */
    bool closing;
    struct rdt_err health;
    /* of the thread alone */
    struct rdt_span *records;
    size_t cap;
    uint64_t covered; /* records under the newest checkpoint */
    int64_t tick_us;  /* when the next one is due */
    size_t crowd;     /* records that came together last time */
    bool well;        /* health says RDT_OK */
};

/* ---- health ---- */

static void
say(struct rdt_audit_writer *writer, const struct rdt_err *err)
{
    bool well = err == NULL;
    if (well && writer->well)
        return; /* nearly always: no lock */
    pthread_mutex_lock(&writer->lock);
    writer->health = well ? (struct rdt_err){0} : *err;
    pthread_mutex_unlock(&writer->lock);
    writer->well = well;
}

/* ---- batches ---- */

/* Batches that become one frame. */
struct group {
    struct rdt_audit_batch *head, **tail;
    size_t n_records, n_payload;
    bool privileged; /* all of them */
    bool ordinary;   /* none of them */
};

static void
group_add(struct group *group, struct rdt_audit_batch *batch, size_t n_payload)
{
    *group->tail = batch;
    group->tail = &batch->next;
    batch->next = NULL;
    group->n_records += batch->n;
    group->n_payload += n_payload;
    group->privileged = group->privileged && batch->privileged;
    group->ordinary = group->ordinary && !batch->privileged;
}

static void
group_init(struct group *group)
{
    *group = (struct group){.tail = &group->head, .privileged = true, .ordinary = true};
}

static void
finish(struct rdt_audit_batch *batch, enum rdt_code code)
{
    batch->code = code;
    batch->done(batch); /* it may be gone now */
}

static void
finish_all(struct group *group, enum rdt_code code, uint64_t first)
{
    for (struct rdt_audit_batch *batch = group->head, *next; batch != NULL; batch = next) {
        next = batch->next;
        batch->first = first;
        first += batch->n;
        finish(batch, code);
    }
}

static enum rdt_code
collect(struct rdt_audit_writer *writer, const struct group *group, struct rdt_err *err)
{
    size_t at = 0;
    if (group->n_records > writer->cap) {
        size_t cap = group->n_records < 1024 ? 1024 : 2 * group->n_records;
        struct rdt_span *grown = reallocarray(writer->records, cap, sizeof *grown);
        if (grown == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "%zu audit records", group->n_records);
        writer->records = grown;
        writer->cap = cap;
    }
    for (const struct rdt_audit_batch *batch = group->head; batch != NULL; batch = batch->next) {
        if (batch->n != 0)
            memcpy(writer->records + at, batch->records, batch->n * sizeof *batch->records);
        at += batch->n;
    }
    return RDT_OK;
}

static enum rdt_code
append(struct rdt_audit_writer *writer, const struct group *group, uint64_t *first)
{
    struct rdt_err err = {0};
    enum rdt_code rc = collect(writer, group, &err);
    if (rc == RDT_OK)
        rc = rdt_audit_append(writer->audit, writer->records, group->n_records, group->privileged,
                              first, &err);
    /* that administrators still get through does not mean that all is well again */
    if (rc != RDT_OK)
        say(writer, &err);
    else if (!group->privileged)
        say(writer, NULL);
    return rc;
}

/* No room for all of them: there may still be some for the administrators'. */
static void
append_apart(struct rdt_audit_writer *writer, struct group *group)
{
    struct group privileged, ordinary;
    uint64_t first = 0;
    group_init(&privileged);
    group_init(&ordinary);
    for (struct rdt_audit_batch *batch = group->head, *next; batch != NULL; batch = next) {
        next = batch->next;
        group_add(batch->privileged ? &privileged : &ordinary, batch, 0);
    }
    finish_all(&ordinary, RDT_E_FULL, 0);
    enum rdt_code rc = append(writer, &privileged, &first);
    finish_all(&privileged, rc, first);
}

static void
append_group(struct rdt_audit_writer *writer, struct group *group)
{
    uint64_t first = 0;
    if (group->head != NULL) {
        enum rdt_code rc = append(writer, group, &first);
        if (rc == RDT_E_FULL && !group->privileged && !group->ordinary)
            append_apart(writer, group);
        else
            finish_all(group, rc, first);
    }
    group_init(group);
}

/* Bytes of a batch in a frame; more than max when it does not fit into any. */
static size_t
payload_of(const struct rdt_audit_batch *batch, size_t max)
{
    size_t sum = 0;
    for (size_t i = 0; i < batch->n; i++) {
        if (batch->records[i].n > RDT_AUDIT_RECORD_MAX)
            return max + 1;
        sum += 4 + batch->records[i].n;
        if (sum > max)
            return max + 1;
    }
    return sum;
}

static void
append_all(struct rdt_audit_writer *writer, struct rdt_audit_batch *batches)
{
    size_t max = rdt_audit_payload_max(writer->audit);
    struct group group;
    group_init(&group);
    for (struct rdt_audit_batch *batch = batches, *next; batch != NULL; batch = next) {
        next = batch->next;
        size_t n_payload = payload_of(batch, max);
        if (n_payload > max) {
            finish(batch, RDT_E_LIMIT);
            continue;
        }
        if (group.n_payload + n_payload > max)
            append_group(writer, &group);
        group_add(&group, batch, n_payload);
    }
    append_group(writer, &group);
}

/* ---- once a second ---- */

static enum rdt_code
checkpoint(struct rdt_audit_writer *writer, struct rdt_err *err)
{
    uint64_t revision = 0, size = rdt_audit_size(writer->audit);
    uint8_t digest[RDT_SHA256_LEN] = {0};
    RDT_BUF bytes = {0};
    if (size == writer->covered)
        return RDT_OK;
    if (writer->state != NULL)
        writer->state(writer->user, &revision, digest);
    enum rdt_code rc = rdt_audit_checkpoint(writer->audit, revision, digest, &bytes, err);
    if (rc != RDT_OK)
        return rc;
    writer->covered = size;
    if (writer->made != NULL)
        writer->made(writer->user, rdt_buf_span(&bytes));
    return RDT_OK;
}

static void
tick(struct rdt_audit_writer *writer)
{
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_audit_intact(writer->audit, &err);
    if (rc == RDT_OK)
        rc = checkpoint(writer, &err);
    /* while nobody is served nobody appends: find out here that there is room again */
    if (rc == RDT_OK && !writer->well)
        rc = rdt_audit_room(writer->audit, &err);
    say(writer, rc == RDT_OK ? NULL : &err);
}

/* ---- the thread ---- */

static int64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Until so many records wait, or the time has come. */
static void
sleep_until(struct rdt_audit_writer *writer, size_t want, int64_t us)
{
    struct timespec until = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    int rc = 0;
    while (writer->n_records < want && !writer->closing && rc != ETIMEDOUT) {
        writer->want = want;
        rc = pthread_cond_timedwait(&writer->wake, &writer->lock, &until);
    }
    writer->want = 0;
}

/*
 * Those that were answered together tend to ask again together, but one by one: the first of them
 * would get a sync for itself and the others wait for it, so that everybody waited for two. So give
 * as many as came last time a moment, a small part of what a sync takes; one alone never waits.
 */
static void
gather(struct rdt_audit_writer *writer)
{
    int64_t us = rdt_audit_sync_us(writer->audit) / GATHER_SHARE;
    us = us < GATHER_US_TOP ? us : GATHER_US_TOP;
    if (us > 0 && writer->crowd > 1)
        sleep_until(writer, writer->crowd, now_us() + us);
}

/* Everything that waits, or NULL when it is time to look around or to end. */
static struct rdt_audit_batch *
take_waiting(struct rdt_audit_writer *writer, bool *ends)
{
    pthread_mutex_lock(&writer->lock);
    if (writer->n_records < writer->crowd)
        gather(writer);
    sleep_until(writer, 1, writer->tick_us);
    struct rdt_audit_batch *batches = writer->head;
    *ends = writer->closing && batches == NULL;
    writer->head = NULL;
    writer->tail = &writer->head;
    writer->crowd = writer->n_records;
    writer->n_waiting = writer->n_records = 0;
    pthread_mutex_unlock(&writer->lock);
    return batches;
}

static void *
run(void *arg)
{
    struct rdt_audit_writer *writer = arg;
    bool ends = false;
    prctl(PR_SET_TIMERSLACK, 1000UL); /* nanoseconds; else a moment is 50 us longer */
    while (!ends) {
        struct rdt_audit_batch *batches = take_waiting(writer, &ends);
        append_all(writer, batches);
        int64_t now = now_us();
        if (now < writer->tick_us && !ends)
            continue;
        tick(writer);
        writer->tick_us = now + TICK_MS * 1000;
    }
    return NULL;
}

static enum rdt_code
start(struct rdt_audit_writer *writer, struct rdt_err *err)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are for the loops */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "audit thread: %s", strerror(rc));
}

static void
free_writer(struct rdt_audit_writer *writer)
{
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->lock);
    free(writer->records);
    free(writer);
}

enum rdt_code
rdt_audit_writer_open(struct rdt_audit *audit, rdt_audit_state_fn *state, rdt_audit_made_fn *made,
                      void *user, struct rdt_audit_writer **out, struct rdt_err *err)
{
    struct rdt_checkpoint last;
    pthread_condattr_t monotonic;
    struct rdt_audit_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "audit thread");
    writer->audit = audit;
    writer->state = state;
    writer->made = made;
    writer->user = user;
    writer->tail = &writer->head;
    writer->well = true;
    writer->covered = rdt_audit_last(audit, &last) ? last.size : 0;
    writer->tick_us = now_us() + TICK_MS * 1000;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    enum rdt_code rc = start(writer, err);
    if (rc == RDT_OK)
        *out = writer;
    else
        free_writer(writer);
    return rc;
}

enum rdt_code
rdt_audit_submit(struct rdt_audit_writer *writer, struct rdt_audit_batch *batch)
{
    pthread_mutex_lock(&writer->lock);
    assert(!writer->closing);
    bool room = writer->n_waiting < RDT_AUDIT_QUEUE_MAX;
    if (room) {
        batch->next = NULL;
        *writer->tail = batch;
        writer->tail = &batch->next;
        writer->n_waiting++;
        writer->n_records += batch->n == 0 ? 1 : batch->n; /* an empty one is answered too */
    }
    bool wake = writer->want != 0 && writer->n_records >= writer->want;
    if (wake)
        writer->want = 0; /* once is enough */
    pthread_mutex_unlock(&writer->lock);
    if (wake)
        pthread_cond_signal(&writer->wake);
    return room ? RDT_OK : RDT_E_LIMIT;
}

enum rdt_code
rdt_audit_health(struct rdt_audit_writer *writer, struct rdt_err *err)
{
    pthread_mutex_lock(&writer->lock);
    struct rdt_err health = writer->health;
    pthread_mutex_unlock(&writer->lock);
    return health.code == RDT_OK ? RDT_OK : rdt_fail(err, health.code, "%s", health.text);
}

void
rdt_audit_writer_close(struct rdt_audit_writer *writer)
{
    if (writer == NULL)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->closing = true;
    pthread_mutex_unlock(&writer->lock);
    pthread_cond_signal(&writer->wake);
    pthread_join(writer->thread, NULL);
    free_writer(writer);
}
