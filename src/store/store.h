/*
 * store.h - what the service must not lose: rows, an outbox of audit records, and a few named
 * values, behind an interface that SQLite implements now and PostgreSQL will share.
 *
 * A row is opaque here: kind, id, revision, body, MAC. Whoever writes rows (kms/) encodes and
 * authenticates them; the store makes them durable, all of a change or nothing. One schema for
 * every kind keeps the engines small and the rows' MACs independent of an engine's types.
 *
 * One thread at a time. Format: docs/formats/store.md.
 */
#ifndef RDT_STORE_STORE_H
#define RDT_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define RDT_STORE_SCHEMA 1                   /* version that this program reads and writes */
#define RDT_STORE_ID_MAX ((size_t)512)       /* bytes of a row's id */
#define RDT_STORE_BODY_MAX ((size_t)1 << 20) /* bytes of a row's body */
#define RDT_STORE_CHANGES_MAX 65536          /* rows of one transaction */
#define RDT_STORE_MAC_LEN ((size_t)32)

struct rdt_store;

struct rdt_store_opts {
    const char *path; /* SQLite file; its folder exists */
    bool create;      /* make it when it is not there; otherwise RDT_E_NOTFOUND */
};

/* A row, or one to be written. All borrowed. */
struct rdt_row {
    uint16_t kind;
    struct rdt_span id;   /* 1..RDT_STORE_ID_MAX bytes */
    uint64_t revision;    /* of the store when it was written */
    struct rdt_span body; /* RDT_STORE_BODY_MAX bytes at most; p NULL: remove the row */
    uint8_t mac[32];
};

/* An audit record whose effect is committed and which may not be in the log yet. */
struct rdt_outbox {
    uint8_t id[16];
    struct rdt_span record;
    uint8_t mac[32];
};

struct rdt_commit {
    uint64_t revision; /* of the store, after this; must be the old one + 1 or more */
    const struct rdt_row *rows;
    size_t n_rows;
    const struct rdt_outbox *outbox; /* records to add */
    size_t n_outbox;
    const uint8_t (*sent)[16]; /* outbox ids that are in the log: removed */
    size_t n_sent;
};

/*
 * rdt_store_open - open or create, take the lock that keeps a second process out, check the file,
 * migrate an older schema forward inside one transaction.
 *
 * Fails, having changed nothing: RDT_E_NOTFOUND, RDT_E_STATE (a newer schema, or another process
 * has it), RDT_E_TAMPERED (damaged: quick_check), RDT_E_FULL, RDT_E_DENIED, RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_store_open(const struct rdt_store_opts *opts,
                                            struct rdt_store **out, struct rdt_err *err);

/* rdt_store_close - NULL is fine. */
void rdt_store_close(struct rdt_store *store);

/* rdt_store_close_at - the same as a closer for RDT_AUTO. */
void rdt_store_close_at(struct rdt_store **store);

/* rdt_store_revision - as committed last. */
uint64_t rdt_store_revision(const struct rdt_store *store);

/*
 * rdt_store_commit - one transaction; durable (synced) when it answers RDT_OK.
 *
 * Fails, with nothing of it done: RDT_E_FULL, RDT_E_IO, RDT_E_STATE (the revision is not above the
 * stored one: someone else wrote), RDT_E_LIMIT, RDT_E_NOMEM.  Where it cannot be known whether
 * COMMIT took, the store reads the revision back before it answers.
 */
RDT_MUST_CHECK enum rdt_code rdt_store_commit(struct rdt_store *store,
                                              const struct rdt_commit *commit, struct rdt_err *err);

typedef enum rdt_code rdt_row_fn(void *user, const struct rdt_row *row, struct rdt_err *err);
typedef enum rdt_code rdt_outbox_fn(void *user, const struct rdt_outbox *entry,
                                    struct rdt_err *err);

/* rdt_store_rows - every row, by kind, then id.  Ends early with what fn answers if not RDT_OK. */
RDT_MUST_CHECK enum rdt_code rdt_store_rows(struct rdt_store *store, rdt_row_fn *fn, void *user,
                                            struct rdt_err *err);

/* rdt_store_outbox - every outbox entry, oldest first. */
RDT_MUST_CHECK enum rdt_code rdt_store_outbox(struct rdt_store *store, rdt_outbox_fn *fn,
                                              void *user, struct rdt_err *err);

/*
 * rdt_store_value - a named value (the newest checkpoint, the deployment's id); appended to out.
 * Fails: RDT_E_NOTFOUND, RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_store_value(struct rdt_store *store, const char *name,
                                             struct rdt_buf *out, struct rdt_err *err);

/* rdt_store_put_value - set it, durable; RDT_STORE_BODY_MAX bytes at most.  Fails: as commit. */
RDT_MUST_CHECK enum rdt_code rdt_store_put_value(struct rdt_store *store, const char *name,
                                                 struct rdt_span value, struct rdt_err *err);

/*
 * rdt_store_copy - a consistent copy into a new file while the store is in use (for a backup),
 * synced.  Fails: RDT_E_STATE (the file is there), RDT_E_FULL, RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_store_copy(struct rdt_store *store, const char *path,
                                            struct rdt_err *err);

#endif
