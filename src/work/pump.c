#include "work/pump.h"

#include <pthread.h>
#include <stdatomic.h>

struct pump {
    const struct rdt_pump_job *job;
    pthread_mutex_t reading; /* held while a unit is filled */
    uint64_t next;           /* number of the next unit */
    atomic_bool ended;       /* no more units are to be filled */

    pthread_mutex_t order; /* held while a unit is given */
    pthread_cond_t moved;
    uint64_t turn; /* number of the unit that is given next */
    enum rdt_code rc;
    struct rdt_err err;
};

struct hand {
    struct pump *pump;
    unsigned number;
    struct rdt_pump_unit unit;
    pthread_t thread;
    bool started;
};

/* The next unit, filled; false: there is none. */
static bool
take(struct hand *hand, enum rdt_code *rc, struct rdt_err *err)
{
    struct pump *pump = hand->pump;
    struct rdt_pump_unit *unit = &hand->unit;
    pthread_mutex_lock(&pump->reading);
    bool more = !atomic_load(&pump->ended);
    if (more) {
        unit->number = pump->next++;
        unit->last = false;
        unit->n = unit->out_n = 0;
        *rc = pump->job->fill(pump->job->arg, unit, err);
        if (*rc != RDT_OK || unit->last)
            atomic_store(&pump->ended, true);
    }
    pthread_mutex_unlock(&pump->reading);
    return more;
}

/* What failed first stays; what waits for something else is told. */
static void
stop(struct pump *pump, enum rdt_code rc, const struct rdt_err *err)
{
    pump->rc = rc;
    pump->err = *err;
    atomic_store(&pump->ended, true);
    if (pump->job->stop != NULL)
        pump->job->stop(pump->job->arg);
}

/* When its turn comes: a unit that failed counts only then, so that those before it are given. */
static void
hand_on(struct hand *hand, enum rdt_code rc, struct rdt_err *err)
{
    struct pump *pump = hand->pump;
    pthread_mutex_lock(&pump->order);
    while (pump->turn != hand->unit.number)
        pthread_cond_wait(&pump->moved, &pump->order);
    if (pump->rc == RDT_OK) {
        if (rc == RDT_OK)
            rc = pump->job->give(pump->job->arg, &hand->unit, err);
        if (rc != RDT_OK)
            stop(pump, rc, err);
    }
    pump->turn++;
    pthread_cond_broadcast(&pump->moved);
    pthread_mutex_unlock(&pump->order);
}

static void *
run(void *arg)
{
    struct hand *hand = arg;
    const struct rdt_pump_job *job = hand->pump->job;
    struct rdt_err err = {0};
    enum rdt_code rc = RDT_OK;
    while (take(hand, &rc, &err)) {
        if (rc == RDT_OK && !hand->unit.last)
            rc = job->work(job->arg, hand->number, &hand->unit, &err);
        hand_on(hand, rc, &err);
    }
    return NULL;
}

static enum rdt_code
make_rooms(struct hand *hands, const struct rdt_pump_job *job, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    for (unsigned i = 0; i < job->threads && rc == RDT_OK; i++) {
        rc = rdt_room_new(&hands[i].unit.in, job->in_len, err);
        if (rc == RDT_OK && job->out_len != 0)
            rc = rdt_room_new(&hands[i].unit.out, job->out_len, err);
    }
    return rc;
}

enum rdt_code
rdt_pump_run(const struct rdt_pump_job *job, struct rdt_err *err)
{
    struct pump pump = {.job = job,
                        .reading = PTHREAD_MUTEX_INITIALIZER,
                        .order = PTHREAD_MUTEX_INITIALIZER,
                        .moved = PTHREAD_COND_INITIALIZER};
    struct hand hands[RDT_PUMP_THREADS_MAX] = {0};
    if (job->threads == 0 || job->threads > RDT_PUMP_THREADS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "%u threads", job->threads);
    enum rdt_code rc = make_rooms(hands, job, err);
    if (rc == RDT_OK) {
        for (unsigned i = 0; i < job->threads; i++) {
            hands[i].pump = &pump;
            hands[i].number = i;
            if (i != 0) /* where no more threads can be had, those that are there do it */
                hands[i].started = pthread_create(&hands[i].thread, NULL, run, &hands[i]) == 0;
        }
        run(&hands[0]);
        for (unsigned i = 1; i < job->threads; i++) {
            if (hands[i].started)
                pthread_join(hands[i].thread, NULL);
        }
        rc = pump.rc;
        if (rc != RDT_OK && err != NULL)
            *err = pump.err;
    }
    for (unsigned i = 0; i < job->threads; i++) {
        rdt_room_done(&hands[i].unit.in);
        rdt_room_done(&hands[i].unit.out);
    }
    pthread_cond_destroy(&pump.moved);
    pthread_mutex_destroy(&pump.order);
    pthread_mutex_destroy(&pump.reading);
    return rc;
}
