/*
 * keys_internal.h - the keys process: loops that answer, a writer that commits.
 */
#ifndef RDT_SERVER_KEYS_INTERNAL_H
#define RDT_SERVER_KEYS_INTERNAL_H

#include "kms/kms.h"
#include "net/server.h"
#include "server/server.h"

#include <pthread.h>
#include <stdatomic.h>

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
    struct batch *open;   /* being filled */
    struct batch *spare;  /* to be used again */
    pthread_mutex_t lock; /* of all below */
    struct batch *synced; /* from the log's thread */
    struct pending *done; /* from the lanes */
    size_t away;          /* batches and calls that others have */
    pthread_cond_t home;  /* none is away */
};

struct lane;

struct keys {
    _Atomic(struct rdt_kms *) kms;       /* NULL: sealed; set once, after the lanes */
    struct lane *writer, *reader, *held; /* held: answers that wait for their time */
    uint16_t port;                       /* of the first listener */
};

/* rdt_keys_kms - the open service; NULL while the root is sealed.  From any thread. */
struct rdt_kms *rdt_keys_kms(struct keys *keys);

/*
 * rdt_keys_serve - open the service with an unsealed root and start its lanes: from then on calls
 * are answered.  Once.
 *
 * Fails, leaving keys sealed: RDT_E_STATE (a second seal is missing), as rdt_kms_open() and
 * rdt_lane_open().
 */
RDT_MUST_CHECK enum rdt_code rdt_keys_serve(struct keys *keys, const struct rdt_serve_opts *opts,
                                            struct rdt_root *root, struct rdt_root_open *open,
                                            struct rdt_err *err);

/* The hooks of the HTTPS server; user is struct keys. */
extern const struct rdt_server_hooks rdt_front_hooks;

/*
 * A thread that takes calls off the loops' hands, in their order: the writer, which takes many at
 * once and ticks, and the reader of files, on which nobody else shall wait.
 */
struct lane_opts {
    struct rdt_kms *kms;
    const char *name; /* for errors */
    size_t queue;     /* calls that may wait; beyond, they are refused with a word to retry */
    size_t batch;     /* calls taken at once, at most RDT_WRITE_BATCH_MAX */
    void (*run)(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                struct rdt_request *const *requests, size_t n);
    void (*tick)(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms); /* or NULL */
};

/* rdt_lane_open - start the thread.  rdt_lane_close - finish what is queued, join; NULL is fine. */
enum rdt_code rdt_lane_open(const struct lane_opts *opts, struct lane **out, struct rdt_err *err);
void rdt_lane_close(struct lane *lane);

/* rdt_lane_queue - hand a call over; it comes back through front->done.  False: full. */
bool rdt_lane_queue(struct lane *lane, struct pending *pending);

/*
 * rdt_lane_do - run a function on the lane's thread, between two batches, and wait for it.  From a
 * thread that the lane does not wait for.  False: it is closing.
 */
typedef void lane_job_fn(struct rdt_kms *kms, struct rdt_kms_thread *thread, void *user);
bool rdt_lane_do(struct lane *lane, lane_job_fn *fn, void *user);

/* rdt_pending_give_back - a call is done: to its loop, which answers. From any thread. */
void rdt_pending_give_back(struct pending *pending);

/* ---- control.c: DIR/control.sock ---- */

struct control;

/*
 * rdt_control_open - lock the folder against a second server and make the socket.
 * Fails: RDT_E_STATE (another server; something is in the way), RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_control_open(const struct rdt_serve_opts *opts, struct keys *keys,
                                              struct control **out, struct rdt_err *err);

/* rdt_control_start - start its thread.  rdt_control_close - end it, remove the socket; NULL is
 * fine. */
RDT_MUST_CHECK enum rdt_code rdt_control_start(struct control *control, struct rdt_err *err);
void rdt_control_close(struct control *control);

#endif
