/*
 * keys_internal.h - the keys process: loops that answer, a writer that commits.
 */
#ifndef RDT_SERVER_KEYS_INTERNAL_H
#define RDT_SERVER_KEYS_INTERNAL_H

#include "kms/kms.h"
#include "net/server.h"

#include <pthread.h>

struct front;

/* A call while its exchange is kept; lives behind exchange->user. */
struct pending {
    struct rdt_request request;
    struct rdt_exchange *exchange;
    struct front *front;
    struct rdt_buf record; /* of a writing call; a reading one's goes into its batch */
    struct pending *next;
};

/* Answers that wait for the same sync of the log. */
struct batch {
    struct rdt_audit_batch audit;
    struct front *front;
    struct rdt_buf bytes; /* records, one after the other */
    size_t *ends;         /* of each */
    struct rdt_span *spans;
    size_t n, cap;
    struct rdt_exchange *first, *last; /* through exchange->next */
    struct batch *next;
};

/* One loop's own. */
struct front {
    struct keys *keys;
    struct rdt_loop *loop;
    struct rdt_kms_thread *thread;
    struct batch *open;      /* being filled */
    struct batch *spare;     /* to be used again */
    pthread_mutex_t lock;    /* of the two below */
    struct batch *synced;    /* from the log's thread */
    struct pending *written; /* from the writer and the reader */
};

struct writer;
struct reader;

struct keys {
    struct rdt_kms *kms;
    struct writer *writer;
    struct reader *reader;
};

/* The hooks of the HTTPS server; user is struct keys. */
extern const struct rdt_server_hooks rdt_front_hooks;

/* rdt_writer_open - start the writer's thread.  rdt_writer_close - finish what is queued, join. */
enum rdt_code rdt_writer_open(struct rdt_kms *kms, struct writer **out, struct rdt_err *err);
void rdt_writer_close(struct writer *writer);

/* rdt_writer_queue - hand a writing call over; it comes back through front->written. False: full.
 */
bool rdt_writer_queue(struct writer *writer, struct pending *pending);

/* rdt_reader_open, rdt_reader_close, rdt_reader_queue - the same for calls that read files. */
enum rdt_code rdt_reader_open(struct rdt_kms *kms, struct reader **out, struct rdt_err *err);
void rdt_reader_close(struct reader *reader);
bool rdt_reader_queue(struct reader *reader, struct pending *pending);

/* rdt_pending_give_back - a call is done: to its loop, which answers. From any thread. */
void rdt_pending_give_back(struct pending *pending);

#endif
