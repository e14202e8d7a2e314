/*
 * audit_writer.h - the thread that appends: it takes what all loops have handed in, writes one
 * frame, syncs once, and tells them. No record's answer leaves before that.
 */
#ifndef RDT_STORE_AUDIT_WRITER_H
#define RDT_STORE_AUDIT_WRITER_H

#include "store/audit.h"

#define RDT_AUDIT_QUEUE_MAX 65536 /* batches waiting; beyond, submit refuses */

struct rdt_audit_writer;

/* Records handed in together; the caller's, untouched by it until done() has been called. */
struct rdt_audit_batch {
    const struct rdt_span *records;
    size_t n;
    bool privileged;
    uint64_t first;                              /* set before done() */
    enum rdt_code code;                          /* RDT_OK: all are on disk */
    void (*done)(struct rdt_audit_batch *batch); /* on the writer's thread: hand over, return */
    void *user;
    struct rdt_audit_batch *next; /* the writer's */
};

/* What a checkpoint says about the store; called on the writer's thread. */
typedef void rdt_audit_state_fn(void *user, uint64_t *revision, uint8_t digest[static 32]);
/* A checkpoint was made: its bytes, for the store. On the writer's thread. */
typedef void rdt_audit_made_fn(void *user, struct rdt_span checkpoint);

/*
 * rdt_audit_writer_open - start the thread; a checkpoint is made at most every second, when records
 * came since the last one, and on close.
 *
 *   audit   borrowed until close
 */
RDT_MUST_CHECK enum rdt_code
rdt_audit_writer_open(struct rdt_audit *audit, rdt_audit_state_fn *state, rdt_audit_made_fn *made,
                      void *user, struct rdt_audit_writer **out, struct rdt_err *err);

/*
 * rdt_audit_submit - hand in a batch.  From any thread; never blocks.
 * Fails, without calling done(): RDT_E_LIMIT (the queue is full).
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_submit(struct rdt_audit_writer *writer,
                                              struct rdt_audit_batch *batch);

/* rdt_audit_health - RDT_OK while appends succeed; else the code of what keeps failing, with text.
 * From any thread. */
enum rdt_code rdt_audit_health(struct rdt_audit_writer *writer, struct rdt_err *err);

/* rdt_audit_writer_close - append what is waiting, make a last checkpoint, join; NULL is fine. */
void rdt_audit_writer_close(struct rdt_audit_writer *writer);

#endif
