/*
 * A lane takes what has gathered while it worked: under load a commit and a sync serve many calls,
 * and alone a call waits for nobody.
 */
#include "server/keys_internal.h"

#include <stdlib.h>
#include <time.h>

#define TICK_MS 1000

struct job {
    lane_job_fn *fn;
    void *user;
    bool done;
    struct job *next;
};

struct lane {
    struct lane_opts opts;
    struct rdt_kms_thread *thread;
    pthread_t id;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct pending *first, *last;
    size_t n;
    struct job *jobs;
    pthread_cond_t job_done;
    bool stop;
    int64_t ticked_ms; /* CLOCK_MONOTONIC */
};

static int64_t
clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool
rdt_lane_queue(struct lane *lane, struct pending *pending)
{
    pthread_mutex_lock(&lane->lock);
    bool room = lane->n < lane->opts.queue && !lane->stop;
    if (room) {
        pending->next = NULL;
        if (lane->last != NULL)
            lane->last->next = pending;
        else
            lane->first = pending;
        lane->last = pending;
        lane->n++;
        pthread_cond_signal(&lane->changed);
    }
    pthread_mutex_unlock(&lane->lock);
    return room;
}

bool
rdt_lane_do(struct lane *lane, lane_job_fn *fn, void *user)
{
    struct job job = {.fn = fn, .user = user};
    pthread_mutex_lock(&lane->lock);
    if (!lane->stop) {
        job.next = lane->jobs;
        lane->jobs = &job;
        pthread_cond_signal(&lane->changed);
        while (!job.done)
            pthread_cond_wait(&lane->job_done, &lane->lock);
    }
    pthread_mutex_unlock(&lane->lock);
    return job.done;
}

/* Until there is work, or the next tick is due. False: it is. */
static bool
wait(struct lane *lane)
{
    struct timespec until;
    if (lane->opts.tick == NULL) {
        pthread_cond_wait(&lane->changed, &lane->lock);
        return true;
    }
    int64_t at = lane->ticked_ms + TICK_MS;
    if (at <= clock_ms(CLOCK_MONOTONIC))
        return false;
    until = (struct timespec){.tv_sec = at / 1000, .tv_nsec = (long)(at % 1000) * 1000000};
    pthread_cond_timedwait(&lane->changed, &lane->lock, &until);
    return true;
}

/* Fills what is to be done. False: told to stop, and nothing is left. */
static bool
take(struct lane *lane, struct pending *out[static RDT_WRITE_BATCH_MAX], size_t *n)
{
    *n = 0;
    pthread_mutex_lock(&lane->lock);
    while (lane->first == NULL && lane->jobs == NULL && !lane->stop && wait(lane))
        ;
    while (lane->first != NULL && *n < lane->opts.batch) {
        out[(*n)++] = lane->first;
        lane->first = lane->first->next;
        lane->n--;
    }
    if (lane->first == NULL)
        lane->last = NULL;
    bool more = *n != 0 || lane->jobs != NULL || !lane->stop;
    pthread_mutex_unlock(&lane->lock);
    return more;
}

static void
carry_out(struct lane *lane, struct pending *const *work, size_t n)
{
    struct rdt_request *requests[RDT_WRITE_BATCH_MAX];
    for (size_t i = 0; i < n; i++)
        requests[i] = &work[i]->request;
    lane->opts.run(lane->opts.kms, lane->thread, requests, n);
    for (size_t i = 0; i < n; i++)
        if (requests[i]->hold_ms == 0 || !rdt_lane_queue(work[i]->front->keys->held, work[i]))
            rdt_pending_give_back(work[i]);
}

static void
do_jobs(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    while (lane->jobs != NULL) {
        struct job *job = lane->jobs;
        lane->jobs = job->next;
        pthread_mutex_unlock(&lane->lock);
        job->fn(lane->opts.kms, lane->thread, job->user);
        pthread_mutex_lock(&lane->lock);
        job->done = true;
        pthread_cond_broadcast(&lane->job_done);
    }
    pthread_mutex_unlock(&lane->lock);
}

static void *
run(void *user)
{
    struct lane *lane = user;
    struct pending *work[RDT_WRITE_BATCH_MAX];
    size_t n;
    while (take(lane, work, &n)) {
        if (n != 0)
            carry_out(lane, work, n);
        do_jobs(lane);
        int64_t now = clock_ms(CLOCK_MONOTONIC);
        if (lane->opts.tick != NULL && now - lane->ticked_ms >= TICK_MS) {
            lane->ticked_ms = now;
            lane->opts.tick(lane->opts.kms, lane->thread, clock_ms(CLOCK_REALTIME));
        }
    }
    return NULL;
}

static void
lane_free(struct lane *lane)
{
    rdt_kms_thread_close(lane->thread);
    pthread_cond_destroy(&lane->job_done);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->lock);
    free(lane);
}

enum rdt_code
rdt_lane_open(const struct lane_opts *opts, struct lane **out, struct rdt_err *err)
{
    pthread_condattr_t attr;
    struct lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "start the %s", opts->name);
    lane->opts = *opts;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->job_done, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&lane->changed, &attr);
    pthread_condattr_destroy(&attr);
    enum rdt_code rc = rdt_kms_thread_open(opts->kms, &lane->thread, err);
    if (rc == RDT_OK && pthread_create(&lane->id, NULL, run, lane) != 0)
        rc = rdt_fail(err, RDT_E_NOMEM, "start the %s", opts->name);
    if (rc != RDT_OK) {
        lane_free(lane);
        return rc;
    }
    *out = lane;
    return RDT_OK;
}

void
rdt_lane_close(struct lane *lane)
{
    if (lane == NULL)
        return;
    pthread_mutex_lock(&lane->lock);
    lane->stop = true;
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
    pthread_join(lane->id, NULL);
    lane_free(lane);
}
