/*
 * The one thread that changes rows. It takes what has gathered while it worked, so under load a
 * commit and a sync serve many calls, and alone a call waits for nobody.
 */
#include "server/keys_internal.h"

#include <stdlib.h>
#include <time.h>

#define QUEUE_MAX                                                                                  \
    16384 /* writing calls that wait; beyond, they are refused with a word to retry                \
           */
#define TICK_MS 1000

struct writer {
    struct rdt_kms *kms;
    struct rdt_kms_thread *thread;
    pthread_t id;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct pending *first, *last;
    size_t n;
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
rdt_writer_queue(struct writer *writer, struct pending *pending)
{
    pthread_mutex_lock(&writer->lock);
    bool room = writer->n < QUEUE_MAX && !writer->stop;
    if (room) {
        pending->next = NULL;
        if (writer->last != NULL)
            writer->last->next = pending;
        else
            writer->first = pending;
        writer->last = pending;
        writer->n++;
        pthread_cond_signal(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    return room;
}

/* Wait for work or the next tick; fills what is to be done. False: told to stop, nothing is left.
 */
static bool
take(struct writer *writer, struct pending *out[static RDT_WRITE_BATCH_MAX], size_t *n)
{
    *n = 0;
    pthread_mutex_lock(&writer->lock);
    while (writer->first == NULL && !writer->stop) {
        int64_t left = writer->ticked_ms + TICK_MS - clock_ms(CLOCK_MONOTONIC);
        if (left <= 0)
            break;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)(left % 1000) * 1000000;
        until.tv_sec += left / 1000 + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&writer->changed, &writer->lock, &until);
    }
    while (writer->first != NULL && *n < RDT_WRITE_BATCH_MAX) {
        out[(*n)++] = writer->first;
        writer->first = writer->first->next;
        writer->n--;
    }
    if (writer->first == NULL)
        writer->last = NULL;
    bool more = *n != 0 || !writer->stop;
    pthread_mutex_unlock(&writer->lock);
    return more;
}

void
rdt_pending_give_back(struct pending *pending)
{
    struct front *front = pending->front;
    pthread_mutex_lock(&front->lock);
    pending->next = front->written;
    front->written = pending;
    pthread_mutex_unlock(&front->lock);
    rdt_loop_wake(front->loop);
}

static void
carry_out(struct writer *writer, struct pending *const *work, size_t n)
{
    struct rdt_request *requests[RDT_WRITE_BATCH_MAX];
    for (size_t i = 0; i < n; i++)
        requests[i] = &work[i]->request;
    rdt_kms_write(writer->kms, writer->thread, requests, n);
    for (size_t i = 0; i < n; i++)
        rdt_pending_give_back(work[i]);
}

static void *
run(void *user)
{
    struct writer *writer = user;
    struct pending *work[RDT_WRITE_BATCH_MAX];
    size_t n;
    while (take(writer, work, &n)) {
        if (n != 0)
            carry_out(writer, work, n);
        int64_t now = clock_ms(CLOCK_MONOTONIC);
        if (now - writer->ticked_ms >= TICK_MS) {
            writer->ticked_ms = now;
            rdt_kms_tick(writer->kms, writer->thread, clock_ms(CLOCK_REALTIME));
        }
    }
    return NULL;
}

enum rdt_code
rdt_writer_open(struct rdt_kms *kms, struct writer **out, struct rdt_err *err)
{
    pthread_condattr_t attr;
    struct writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "start the writer");
    writer->kms = kms;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->changed, &attr);
    pthread_condattr_destroy(&attr);
    enum rdt_code rc = rdt_kms_thread_open(kms, &writer->thread, err);
    if (rc == RDT_OK && pthread_create(&writer->id, NULL, run, writer) != 0)
        rc = rdt_fail(err, RDT_E_NOMEM, "start the writer");
    if (rc != RDT_OK) {
        rdt_kms_thread_close(writer->thread);
        free(writer);
        return rc;
    }
    *out = writer;
    return RDT_OK;
}

void
rdt_writer_close(struct writer *writer)
{
    if (writer == NULL)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->id, NULL);
    rdt_kms_thread_close(writer->thread);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}
