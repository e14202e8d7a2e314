/* The thread that appends: many hand in, each is told when its records are on disk. */
#include "store/audit_writer.h"

#include "audit_log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define CLIENTS 8
#define EACH 200

/* One that waits for its batch. */
struct waiter {
    struct rdt_audit_batch batch;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_done;
};

static void
done(struct rdt_audit_batch *batch)
{
    struct waiter *waiter = batch->user;
    pthread_mutex_lock(&waiter->lock);
    waiter->is_done = true;
    pthread_cond_signal(&waiter->wake);
    pthread_mutex_unlock(&waiter->lock);
}

static void
waiter_init(struct waiter *waiter)
{
    *waiter = (struct waiter){
        .batch = {.done = done, .user = waiter}
    };
    pthread_mutex_init(&waiter->lock, NULL);
    pthread_cond_init(&waiter->wake, NULL);
}

static enum rdt_code
waiter_wait(struct waiter *waiter)
{
    pthread_mutex_lock(&waiter->lock);
    while (!waiter->is_done)
        pthread_cond_wait(&waiter->wake, &waiter->lock);
    waiter->is_done = false;
    pthread_mutex_unlock(&waiter->lock);
    return waiter->batch.code;
}

static enum rdt_code
hand_in(struct rdt_audit_writer *writer, struct waiter *waiter, const struct rdt_span *records,
        size_t n, bool privileged)
{
    waiter->batch.records = records;
    waiter->batch.n = n;
    waiter->batch.privileged = privileged;
    if (rdt_audit_submit(writer, &waiter->batch) != RDT_OK)
        return RDT_E_LIMIT;
    return waiter_wait(waiter);
}

/* What the writer tells the store. */
struct told {
    atomic_int states, made;
    struct rdt_checkpoint last;
};

static void
state_of(void *user, uint64_t *revision, uint8_t digest[static 32])
{
    struct told *told = user;
    *revision = (uint64_t)atomic_fetch_add(&told->states, 1) + 100;
    memset(digest, 0x5a, 32);
}

static void
made(void *user, struct rdt_span checkpoint)
{
    struct told *told = user;
    assert_true(rdt_checkpoint_get(checkpoint, &told->last));
    atomic_fetch_add(&told->made, 1);
}

/* ---- many at once ---- */

struct client {
    struct rdt_audit_writer *writer;
    int number;
    uint64_t first[EACH];
    int failed;
};

static void *
run_client(void *arg)
{
    struct client *client = arg;
    struct waiter waiter;
    waiter_init(&waiter);
    for (int i = 0; i < EACH; i++) {
        char text[2][32];
        struct rdt_span records[2];
        for (int j = 0; j < 2; j++) {
            snprintf(text[j], sizeof text[j], "client %d record %d/%d", client->number, i, j);
            records[j] = rdt_span_str(text[j]);
        }
        if (hand_in(client->writer, &waiter, records, 2, false) != RDT_OK)
            client->failed++;
        client->first[i] = waiter.batch.first;
    }
    return NULL;
}

static void
many_clients_each_get_their_own_places(void **state)
{
    static struct client clients[CLIENTS];
    static bool taken[2 * CLIENTS * EACH];
    struct rdt_audit_writer *writer = NULL;
    struct told told = {0};
    pthread_t threads[CLIENTS];
    struct rdt_audit_stats stats;
    struct log log;
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    assert_int_equal(rdt_audit_writer_open(log.audit, state_of, made, &told, &writer, &log.err),
                     RDT_OK);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.writer = writer, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run_client, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(rdt_audit_health(writer, &log.err), RDT_OK);
    rdt_audit_writer_close(writer);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(clients[i].failed, 0);
        for (int j = 0; j < EACH; j++) {
            assert_true(clients[i].first[j] < 2 * CLIENTS * EACH - 1);
            assert_false(taken[clients[i].first[j]] || taken[clients[i].first[j] + 1]);
            taken[clients[i].first[j]] = taken[clients[i].first[j] + 1] = true;
            assert_true(j == 0 || clients[i].first[j] > clients[i].first[j - 1]);
        }
    }
    rdt_audit_stats(log.audit, &stats);
    assert_int_equal(stats.records, 2 * CLIENTS * EACH);
    assert_true(stats.syncs < CLIENTS * EACH); /* they shared */
    assert_true(told.made >= 1 && told.made == told.states);
    assert_int_equal(told.last.size, 2 * CLIENTS * EACH); /* the one made on close */
    assert_int_equal(told.last.revision, 99 + (uint64_t)told.states);
    log_close(&log);
    log_open(&log);
    assert_int_equal(rdt_audit_size(log.audit), 2 * CLIENTS * EACH);
    log_done(&log);
}

/* ---- one at a time ---- */

struct rig {
    struct log log;
    struct rdt_audit_writer *writer;
    struct told told;
    struct waiter waiter;
};

static void
rig_open(struct rig *rig)
{
    *rig = (struct rig){0};
    log_init(&rig->log, 1);
    log_open(&rig->log);
    assert_int_equal(rdt_audit_writer_open(rig->log.audit, state_of, made, &rig->told, &rig->writer,
                                           &rig->log.err),
                     RDT_OK);
    waiter_init(&rig->waiter);
}

static void
rig_close(struct rig *rig)
{
    rdt_audit_writer_close(rig->writer);
    log_done(&rig->log);
}

static void
what_does_not_fit_is_refused_alone(void **state)
{
    static uint8_t big[RDT_AUDIT_RECORD_MAX + 1];
    const struct rdt_span one = {big, 10}, whole = {big, RDT_AUDIT_RECORD_MAX};
    const struct rdt_span records[] = {whole, whole, whole, whole};
    const struct rdt_span long_one = {big, sizeof big};
    struct rig rig;
    (void)state;
    rig_open(&rig);
    assert_int_equal(hand_in(rig.writer, &rig.waiter, &long_one, 1, false), RDT_E_LIMIT);
    assert_int_equal(hand_in(rig.writer, &rig.waiter, records, 4, false), RDT_E_LIMIT);
    assert_int_equal(rdt_audit_health(rig.writer, &rig.log.err), RDT_OK);
    assert_int_equal(hand_in(rig.writer, &rig.waiter, records, 2, false), RDT_OK);
    assert_int_equal(hand_in(rig.writer, &rig.waiter, NULL, 0, false), RDT_OK);
    assert_int_equal(hand_in(rig.writer, &rig.waiter, &one, 1, false), RDT_OK);
    assert_int_equal(rig.waiter.batch.first, 2);
    rig_close(&rig);
}

/* More than one frame takes, handed in before the thread can look: several frames, in order. */
static void
a_crowd_takes_several_frames(void **state)
{
    enum { CROWD = 40 };
    static uint8_t big[16384];
    static struct waiter waiters[CROWD];
    const struct rdt_span record = {big, sizeof big};
    struct rig rig;
    (void)state;
    rig_open(&rig);
    for (int i = 0; i < CROWD; i++) {
        waiter_init(&waiters[i]);
        waiters[i].batch.records = &record;
        waiters[i].batch.n = 1;
        assert_int_equal(rdt_audit_submit(rig.writer, &waiters[i].batch), RDT_OK);
    }
    for (uint64_t i = 0; i < CROWD; i++) {
        assert_int_equal(waiter_wait(&waiters[i]), RDT_OK);
        assert_int_equal(waiters[i].batch.first, i);
    }
    rig_close(&rig);
}

/* Waits, at most some seconds, until the writer's health is a code. */
static bool
becomes(struct rig *rig, enum rdt_code code)
{
    for (int i = 0; i < 500; i++) {
        if (rdt_audit_health(rig->writer, &rig->log.err) == code)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return false;
}

static void
a_checkpoint_comes_without_being_asked(void **state)
{
    const struct rdt_span record = rdt_span_str("one");
    struct rig rig;
    (void)state;
    rig_open(&rig);
    assert_int_equal(hand_in(rig.writer, &rig.waiter, &record, 1, false), RDT_OK);
    for (int i = 0; i < 500 && atomic_load(&rig.told.made) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_int_equal(atomic_load(&rig.told.made), 1);
    assert_int_equal(rig.told.last.size, 1);
    rdt_audit_writer_close(rig.writer);
    rig.writer = NULL;
    assert_int_equal(atomic_load(&rig.told.made), 1); /* nothing new: none on close */
    rig_close(&rig);
}

static void
notices_a_deleted_log_while_idle(void **state)
{
    const struct rdt_span record = rdt_span_str("one");
    struct rig rig;
    (void)state;
    rig_open(&rig);
    log_empty(&rig.log);
    assert_true(becomes(&rig, RDT_E_TAMPERED));
    assert_non_null(strstr(rig.log.err.text, "removed"));
    assert_int_equal(hand_in(rig.writer, &rig.waiter, &record, 1, true), RDT_E_TAMPERED);
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_clients_each_get_their_own_places),
        cmocka_unit_test(what_does_not_fit_is_refused_alone),
        cmocka_unit_test(a_crowd_takes_several_frames),
        cmocka_unit_test(a_checkpoint_comes_without_being_asked),
        cmocka_unit_test(notices_a_deleted_log_while_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
