/*
 * store.h - what the service must not lose: rows, an outbox of audit records, and a few named
 * values, behind an interface that SQLite implements now and PostgreSQL will share.
 *
 * A row is opaque here: kind, id, revision, body, MAC. Whoever writes rows (kms/) encodes and
 * authenticates them; the store makes them durable, all of a change or nothing. One schema for
 * every kind keeps the engines small and the rows' MACs independent of an engine's types.
 *
 * Any thread may call; calls take turns, and a long copy lets the others in between. A function
 * that is handed rows or entries must not call the store. Format: docs/formats/store.md.
 */
#ifndef RDT_STORE_STORE_H
#define RDT_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define RDT_STORE_SCHEMA 1                       /* version that this program reads and writes */
#define RDT_STORE_ID_MAX ((size_t)512)           /* bytes of a row's id */
#define RDT_STORE_BODY_MAX ((size_t)1 << 20)     /* bytes of a row's body */
#define RDT_STORE_CHANGES_MAX 65536              /* rows of one transaction; entries; ids */
#define RDT_STORE_COMMIT_MAX ((size_t)256 << 20) /* bytes of one transaction */
#define RDT_STORE_RECORD_MAX ((size_t)64 * 1024) /* bytes of an outbox record, as in the log */
#define RDT_STORE_NAME_MAX ((size_t)64)          /* bytes of a value's name */
#define RDT_STORE_CHECK_MAX ((size_t)256 << 20)  /* bytes of a file that is walked at the start */
#define RDT_STORE_MAC_LEN ((size_t)32)

struct rdt_store;

struct rdt_store_opts {
    const char *path; /* SQLite file; its folder exists */
    bool create;      /* make it when it is not there; otherwise RDT_E_NOTFOUND */
    bool reserve;     /* take disk space ahead, for changes on a full disk; none: RDT_E_FULL */
};

/* A row, or one to be written. All borrowed. */
struct rdt_row {
    uint16_t kind;
    struct rdt_span id;   /* 1..RDT_STORE_ID_MAX bytes */
    uint64_t revision;    /* of the store when it was written; not above the commit's */
    struct rdt_span body; /* RDT_STORE_BODY_MAX bytes at most; p NULL: remove the row */
    uint8_t mac[32];
};

/* An audit record whose effect is committed and which may not be in the log yet. */
struct rdt_outbox {
    uint8_t id[16];
    struct rdt_span record; /* 1..RDT_STORE_RECORD_MAX bytes */
    uint8_t mac[32];
};

struct rdt_commit {
    uint64_t revision; /* of the store, after this: the old one + 1 or more; the old one itself
                        * where only `sent` is given */
    const struct rdt_row *rows; /* written in this order */
    size_t n_rows;
    const struct rdt_outbox *outbox; /* records to add */
    size_t n_outbox;
    const uint8_t (*sent)[16]; /* outbox ids that are in the log: removed if there */
    size_t n_sent;
};

/*
 * rdt_store_open - open or create, take the lock that keeps a second process out, check the file
 * (page by page up to RDT_STORE_CHECK_MAX bytes; a larger one shows damage when it is read),
 * migrate an older schema forward inside one transaction.
 *
 * Fails, having changed nothing: RDT_E_NOTFOUND, RDT_E_STATE (a newer schema, or another process
 * has it), RDT_E_TAMPERED (damaged, not a store, tables that are not ours, or its log is there
 * without it), RDT_E_FULL, RDT_E_DENIED, RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_store_open(const struct rdt_store_opts *opts,
                                            struct rdt_store **out, struct rdt_err *err);

/* rdt_store_close - NULL is fine. */
void rdt_store_close(struct rdt_store *store);

/* rdt_store_close_at - the same as a closer for RDT_AUTO. */
void rdt_store_close_at(struct rdt_store **store);

/* rdt_store_revision - as committed last; never waits. */
uint64_t rdt_store_revision(const struct rdt_store *store);

/*
 * rdt_store_commit - one transaction; durable (synced) when it answers RDT_OK.
 *
 * Fails, with nothing of it done: RDT_E_FULL (later ones may succeed), RDT_E_IO, RDT_E_STATE (the
 * revision is not above the stored one: someone else wrote; a row's is above the commit's; an
 * outbox id is there already), RDT_E_LIMIT, RDT_E_NOMEM, RDT_E_TAMPERED (damaged; or the file was
 * removed or replaced under us: every later one fails too).  Where it cannot be known whether
 * COMMIT took, the store reads back what is on disk before it answers; where even that fails it
 * says so with RDT_E_IO, is of no more use, and the next start finds out.
 */
RDT_MUST_CHECK enum rdt_code rdt_store_commit(struct rdt_store *store,
                                              const struct rdt_commit *commit, struct rdt_err *err);

typedef enum rdt_code rdt_row_fn(void *user, const struct rdt_row *row, struct rdt_err *err);
typedef enum rdt_code rdt_outbox_fn(void *user, const struct rdt_outbox *entry,
                                    struct rdt_err *err);

/*
 * rdt_store_rows - every row, by kind, then id.  Ends early with what fn answers if not RDT_OK.
 * Fails: RDT_E_TAMPERED (damaged, or a row that was never written so), RDT_E_IO, RDT_E_STATE
 * (called by such an fn), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_store_rows(struct rdt_store *store, rdt_row_fn *fn, void *user,
                                            struct rdt_err *err);

/* rdt_store_outbox - every outbox entry, oldest first.  Fails: as rdt_store_rows(). */
RDT_MUST_CHECK enum rdt_code rdt_store_outbox(struct rdt_store *store, rdt_outbox_fn *fn,
                                              void *user, struct rdt_err *err);

/*
 * rdt_store_value - a named value (the newest checkpoint, the deployment's id); appended to out.
 * Fails: RDT_E_NOTFOUND, RDT_E_LIMIT (a name too long or empty), as rdt_store_rows().
 */
RDT_MUST_CHECK enum rdt_code rdt_store_value(struct rdt_store *store, const char *name,
                                             struct rdt_buf *out, struct rdt_err *err);

/* rdt_store_put_value - set it, durable; RDT_STORE_BODY_MAX bytes at most.  Fails: as commit. */
RDT_MUST_CHECK enum rdt_code rdt_store_put_value(struct rdt_store *store, const char *name,
                                                 struct rdt_span value, struct rdt_err *err);

/*
 * rdt_store_copy - a consistent copy into a new file while the store is in use (for a backup): what
 * is committed while it runs is in it. The file appears whole and synced; its mode is 0600. It is a
 * store to be opened with rdt_store_open().
 *
 * Fails, leaving no file: RDT_E_STATE (the file is there), RDT_E_NOTFOUND (its folder is not),
 * RDT_E_FULL, RDT_E_DENIED, RDT_E_IO, RDT_E_TAMPERED (the store is damaged), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_store_copy(struct rdt_store *store, const char *path,
                                            struct rdt_err *err);

#endif
