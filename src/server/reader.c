/*
 * The thread for calls that read files. They wait for each other here, so that nobody else waits
 * for them: neither the loops nor the writer.
 */
#include "server/keys_internal.h"

#include <stdlib.h>

#define QUEUE_MAX 64 /* slow calls that wait; beyond, they are refused with a word to retry */

struct reader {
    struct rdt_kms *kms;
    struct rdt_kms_thread *thread;
    pthread_t id;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct pending *first, *last;
    size_t n;
    bool stop;
};

bool
rdt_reader_queue(struct reader *reader, struct pending *pending)
{
    pthread_mutex_lock(&reader->lock);
    bool room = reader->n < QUEUE_MAX && !reader->stop;
    if (room) {
        pending->next = NULL;
        if (reader->last != NULL)
            reader->last->next = pending;
        else
            reader->first = pending;
        reader->last = pending;
        reader->n++;
        pthread_cond_signal(&reader->changed);
    }
    pthread_mutex_unlock(&reader->lock);
    return room;
}

/* NULL: told to stop, and nothing is left. */
static struct pending *
take(struct reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    while (reader->first == NULL && !reader->stop)
        pthread_cond_wait(&reader->changed, &reader->lock);
    struct pending *pending = reader->first;
    if (pending != NULL) {
        reader->first = pending->next;
        reader->n--;
    }
    if (reader->first == NULL)
        reader->last = NULL;
    pthread_mutex_unlock(&reader->lock);
    return pending;
}

static void *
run(void *user)
{
    struct reader *reader = user;
    struct pending *pending;
    while ((pending = take(reader)) != NULL) {
        rdt_kms_slow(reader->kms, reader->thread, &pending->request);
        rdt_pending_give_back(pending);
    }
    return NULL;
}

enum rdt_code
rdt_reader_open(struct rdt_kms *kms, struct reader **out, struct rdt_err *err)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "start the reader");
    reader->kms = kms;
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->changed, NULL);
    enum rdt_code rc = rdt_kms_thread_open(kms, &reader->thread, err);
    if (rc == RDT_OK && pthread_create(&reader->id, NULL, run, reader) != 0)
        rc = rdt_fail(err, RDT_E_NOMEM, "start the reader");
    if (rc != RDT_OK) {
        rdt_kms_thread_close(reader->thread);
        free(reader);
        return rc;
    }
    *out = reader;
    return RDT_OK;
}

void
rdt_reader_close(struct reader *reader)
{
    if (reader == NULL)
        return;
    pthread_mutex_lock(&reader->lock);
    reader->stop = true;
    pthread_cond_signal(&reader->changed);
    pthread_mutex_unlock(&reader->lock);
    pthread_join(reader->id, NULL);
    rdt_kms_thread_close(reader->thread);
    pthread_cond_destroy(&reader->changed);
    pthread_mutex_destroy(&reader->lock);
    free(reader);
}
