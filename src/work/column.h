/*
 * column.h - encrypted columns of a PostgreSQL table in bulk: encrypted anew under the newest keys
 * while the application goes on, and proved.
 *
 * Whatever is under way can be killed at any moment: each batch is a transaction of its own, and
 * how far it got is read from the values themselves (handle and epoch are in each one's head).
 * One thread. Decisions: docs/adr/0028-columns.md.
 */
#ifndef RDT_WORK_COLUMN_H
#define RDT_WORK_COLUMN_H

#include "base/arena.h"
#include "field/kek.h"
#include "work/catalogue.h"
#include "work/db.h"

#include <redoubt/redoubt.h>
#include <stdio.h>

#define RDT_COLUMN_BATCH 500                    /* rows of a batch, if nobody says otherwise */
#define RDT_COLUMN_BATCH_MAX ((size_t)10000)    /* rows of one transaction */
#define RDT_COLUMN_KEYS_MAX ((size_t)256)       /* keys of epochs held in locked memory at once */
#define RDT_COLUMN_TENANTS_MAX ((size_t)100000) /* tenants of one table */
#define RDT_COLUMN_GROUPS_MAX ((size_t)1000000) /* tenants times epochs of one table */
#define RDT_COLUMN_PASSES_MAX 1000              /* times that a sweep begins anew */
#define RDT_COLUMN_SHOWN_MAX ((size_t)20)       /* rows named in one report of what is wrong */

/* Where keys come from: the key service (client/kek.h), or a test. */
struct rdt_kek_source {
    /* as rdt_client_kek(): fills *out, which is {0}, or fails */
    enum rdt_code (*get)(void *self, const struct rdt_kek_ask *ask, struct rdt_tenant_kek *out,
                         struct rdt_err *err);
    void *self;
};

/* What all jobs over a column take. */
struct rdt_column_job {
    struct rdt_db *db;
    const struct rdt_catalogue_column *column;
    struct rdt_kek_source keys;
    const char *tenant;         /* only the rows of this one, as the table has it; NULL: all */
    size_t batch;               /* rows of a transaction; 0: RDT_COLUMN_BATCH */
    double rate;                /* rows a second at most; 0: as fast as it goes */
    FILE *progress;             /* NULL: no line of progress */
    bool show_rows;             /* name the rows of what is wrong by their primary key */
    unsigned short others_from; /* epoch of tenants that the table has none of; 0: 1 */
    /* a word on what is being done; NULL: nobody listens */
    void (*say)(void *self, const char *words);
    void *say_self;
};

/* Values of one tenant in one epoch. */
struct rdt_column_count {
    uint32_t handle;
    uint16_t epoch, index_epoch; /* index_epoch 0: not searchable */
    uint16_t current;            /* epoch of the tenant */
    uint16_t index_current;      /* likewise */
    uint64_t n;
};

/* Values that could not be read, by why. */
struct rdt_column_bad {
    uint64_t n[RDT_FIELD_NFAULTS];
    uint64_t all;
    struct rdt_buf shown; /* a line each of the first ones, with show_rows */
};

/* How a rotation went. {0} before; rdt_rotation_done() after. */
struct rdt_rotation {
    uint64_t values; /* in the column when it began, NULL not counted */
    uint64_t stale;  /* of them, under other epochs than their tenant's current one */
    uint64_t swept;  /* encrypted anew */
    uint64_t passes;
    uint64_t beaten; /* times that the application changed or held a row first */
    int64_t sweep_ms, fence_ms, validate_ms;
    bool fenced, validated;
    bool off_cycle; /* a tenant's current epoch is none of the ring's: it was rotated alone */
    uint32_t ttl_s; /* for so long a client may go on writing under a key that it was given */
    struct rdt_column_bad bad;
};

/* rdt_rotation_done - the closer for RDT_AUTO. */
void rdt_rotation_done(struct rdt_rotation *rotation);

/*
 * rdt_column_sweep - encrypt every value anew that is not under the current epoch of its tenant.
 * Rows that the application changes or holds meanwhile are left to a later pass: nothing of the
 * application's ever fails or waits longer than one batch.
 *
 *   out   {0}, or from an earlier sweep: figures are added.  out->bad says which values are left
 *         because they cannot be read
 *
 * Fails: RDT_E_NOTFOUND (table, column), RDT_E_STATE (no primary key, a type that does not fit),
 * RDT_E_DENIED, as rdt_db_open(), as the source of keys; what was swept stays so.
 */
RDT_MUST_CHECK enum rdt_code rdt_column_sweep(const struct rdt_column_job *job,
                                              struct rdt_rotation *out, struct rdt_err *err);

/*
 * rdt_column_fence - from now on the database refuses values below the tenants' current epochs
 * (redoubt.fence()).  rdt_column_validate - and says so in its catalogue of the whole column
 * (CHECK, VALIDATE).
 *
 * Fails: RDT_E_STATE (pgext is not installed; an old value is left), RDT_E_TIMEOUT (the lock was
 * not had), else as rdt_column_sweep().
 */
RDT_MUST_CHECK enum rdt_code rdt_column_fence(const struct rdt_column_job *job,
                                              struct rdt_rotation *out, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_column_validate(const struct rdt_column_job *job,
                                                 struct rdt_rotation *out, struct rdt_err *err);

/* What is proved of one column. {0} before; rdt_column_proof_done() after. */
struct rdt_column_proof {
    const struct rdt_catalogue_column *column;
    uint64_t values, nulls; /* every value was decrypted */
    uint64_t stale;         /* value or token under another epoch than its tenant's current one */
    struct rdt_column_count *counts; /* by handle, epoch, index epoch */
    size_t n_counts, cap_counts;
    uint8_t ring[16];     /* the KMS key's UUID; zeroes: no tenant was asked for */
    uint8_t root[32];     /* Merkle root over (primary key, commitment), in the key's order */
    struct rdt_buf facts; /* JSON of redoubt.prove(); empty: pgext is not installed */
    struct rdt_column_bad bad;
};

/* rdt_column_proof_done - the closer for RDT_AUTO. */
void rdt_column_proof_done(struct rdt_column_proof *proof);

/* rdt_column_snapshot - begin the transaction in which everything is proved; read only.
 * rdt_column_snapshot_end - its end.  Fail: as rdt_db_run(). */
RDT_MUST_CHECK enum rdt_code rdt_column_snapshot(struct rdt_db *db, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_column_snapshot_end(struct rdt_db *db, struct rdt_err *err);

/*
 * rdt_column_prove - decrypt every value of a column, within rdt_column_snapshot(). With bad.all
 * above 0 nothing is proved.
 *
 * Fails: as rdt_column_sweep(); RDT_E_LIMIT (more kinds of values than a census takes).
 */
RDT_MUST_CHECK enum rdt_code rdt_column_prove(const struct rdt_column_job *job,
                                              struct rdt_column_proof *out, struct rdt_err *err);

/* A place in the database where encrypted values are, or where nobody could look. */
struct rdt_column_place {
    const char *relation, *column, *type;
    const char *form; /* rf1, searchable, inside, rbf1; "" where nobody looked */
    const char *note; /* why not; "" else */
    uint32_t handle;
    uint16_t epoch_min, epoch_max;
    uint64_t n;
    bool in_catalogue; /* one of the catalogue's columns */
};

/* All that redoubt.discover() found. {0} before; rdt_column_places_done() after. */
struct rdt_column_places {
    struct rdt_arena arena;
    struct rdt_column_place *at;
    size_t n;
    bool looked; /* false: pgext is not installed */
};

/* rdt_column_places_done - the closer for RDT_AUTO. */
void rdt_column_places_done(struct rdt_column_places *places);

/*
 * rdt_column_discover - find encrypted values in every table that this user may read, within
 * rdt_column_snapshot().
 *
 *   columns   those of the catalogue, n of them
 */
RDT_MUST_CHECK enum rdt_code rdt_column_discover(struct rdt_db *db,
                                                 const struct rdt_catalogue_column *columns,
                                                 size_t n, struct rdt_column_places *out,
                                                 struct rdt_err *err);

/* How far a plaintext column is on its way to an encrypted one. */
enum rdt_column_stage {
    RDT_COLUMN_PLAIN,  /* nothing was begun */
    RDT_COLUMN_TWIN,   /* an encrypted twin is being filled beside it */
    RDT_COLUMN_CUT,    /* the twin has its name; the plaintext is kept as NAME_plain */
    RDT_COLUMN_SEALED, /* no plaintext column is left */
};

/* What `column encrypt` is to do beside filling and comparing the twin. */
struct rdt_encrypt_opts {
    bool cut_over;       /* let the twin take the column's name */
    bool drop_plaintext; /* after that: drop the plaintext column */
};

/* How an encryption went. {0} before; rdt_encryption_done() after. */
struct rdt_encryption {
    enum rdt_column_stage stage; /* now */
    uint64_t sealed;             /* values encrypted */
    uint64_t compared;           /* values decrypted and found equal to their plaintext */
    uint64_t differ;             /* not equal */
    uint64_t beaten;             /* times that the application changed or held a row first */
    int64_t lock_ms;             /* how long the cut-over held the table */
    struct rdt_column_bad bad;   /* could not be encrypted, or not decrypted again */
};

/* rdt_encryption_done - the closer for RDT_AUTO. */
void rdt_encryption_done(struct rdt_encryption *encryption);

/*
 * rdt_column_encrypt - make a column of plaintexts an encrypted one, while it is used: a twin
 * beside it, filled and compared; where asked, the cut-over in one short transaction; where asked,
 * the end of the plaintext column. Can be killed and run again: how far it is stands in the
 * database.
 *
 * Fails: RDT_E_STATE (pgext is not installed; something else depends on the column; a type that
 * does not fit; values that differ: nothing is cut over or dropped), else as rdt_column_sweep().
 */
RDT_MUST_CHECK enum rdt_code rdt_column_encrypt(const struct rdt_column_job *job,
                                                const struct rdt_encrypt_opts *opts,
                                                struct rdt_encryption *out, struct rdt_err *err);

/* What a statement says beside the proofs. */
struct rdt_statement {
    const struct rdt_column_proof *proofs;
    size_t n_proofs;
    const struct rdt_column_places *places;
    struct rdt_span catalogue; /* the file's bytes: their hash is in it */
    int64_t time_s;
};

/*
 * rdt_statement_put - append the statement as JSON, to be signed (docs/formats/statement.md);
 * within rdt_column_snapshot(), of which it says where it stands.
 *
 * Fails: RDT_E_NOMEM, else as rdt_db_run().
 */
RDT_MUST_CHECK enum rdt_code rdt_statement_put(struct rdt_db *db,
                                               const struct rdt_statement *statement,
                                               struct rdt_buf *out, struct rdt_err *err);

#endif
