/*
 * sqlite_internal.h - the SQLite engine's parts: sqlite.c (the file, its lock, its copy),
 * sqlite_data.c (what is in it), sqlite_schema.c (how it is laid out).
 */
#ifndef RDT_STORE_SQLITE_INTERNAL_H
#define RDT_STORE_SQLITE_INTERNAL_H

#include "store/engine_internal.h"

#include <sqlite3.h>
#include <sys/types.h>

#define RDT_SQLITE_APPLICATION 0x52445453 /* "RDTS": bytes 68 to 71 of the file */

enum rdt_sqlite_statement {
    RDT_SQL_BEGIN,
    RDT_SQL_COMMIT,
    RDT_SQL_ROLLBACK,
    RDT_SQL_REVISION,
    RDT_SQL_RAISE,
    RDT_SQL_ROW_PUT,
    RDT_SQL_ROW_DROP,
    RDT_SQL_ROWS,
    RDT_SQL_OUTBOX_PUT,
    RDT_SQL_OUTBOX_DROP,
    RDT_SQL_OUTBOX,
    RDT_SQL_VALUE,
    RDT_SQL_VALUE_PUT,
    RDT_SQL_END
};

struct rdt_sqlite_place { /* which file a name leads to */
    dev_t device;
    ino_t inode;
};

struct rdt_sqlite {
    struct rdt_engine base;
    sqlite3 *db;
    char *path; /* as given */
    sqlite3_stmt *statements[RDT_SQL_END];
    struct rdt_sqlite_place file, log; /* as opened */
    unsigned copies;                   /* under way */
    bool lost;                         /* one of both was removed or replaced under us */
};

/* rdt_sqlite_code - our code for a result of SQLite. */
enum rdt_code rdt_sqlite_code(sqlite3 *db, int rc);

/* rdt_sqlite_fail - the failure of a call, with SQLite's words for it. */
enum rdt_code rdt_sqlite_fail(sqlite3 *db, int rc, const char *doing, struct rdt_err *err);

/* ---- sqlite_data.c ---- */

/* rdt_sqlite_prepare - make the statements that are kept. */
RDT_MUST_CHECK enum rdt_code rdt_sqlite_prepare(struct rdt_sqlite *sq, struct rdt_err *err);

/* rdt_sqlite_unprepare - free them. */
void rdt_sqlite_unprepare(struct rdt_sqlite *sq);

/* rdt_sqlite_revision - as stored. */
RDT_MUST_CHECK enum rdt_code rdt_sqlite_revision(struct rdt_sqlite *sq, uint64_t *out,
                                                 struct rdt_err *err);

/* rdt_sqlite_write - one transaction: the commit's, or (commit NULL) a named value. */
struct rdt_sqlite_change {
    const struct rdt_commit *commit;
    const char *name;
    struct rdt_span value;
};
RDT_MUST_CHECK enum rdt_code rdt_sqlite_write(struct rdt_sqlite *sq,
                                              const struct rdt_sqlite_change *change, bool *unknown,
                                              struct rdt_err *err);

/* rdt_sqlite_rows, rdt_sqlite_outbox, rdt_sqlite_value - see struct rdt_engine_ops. */
enum rdt_code rdt_sqlite_rows(struct rdt_engine *engine, rdt_row_fn *fn, void *user,
                              struct rdt_err *err);
enum rdt_code rdt_sqlite_outbox(struct rdt_engine *engine, rdt_outbox_fn *fn, void *user,
                                struct rdt_err *err);
enum rdt_code rdt_sqlite_value(struct rdt_engine *engine, const char *name, struct rdt_buf *out,
                               struct rdt_err *err);

/* ---- sqlite_schema.c ---- */

struct rdt_sqlite_steps { /* step i makes version i + 1 of version i */
    const char *const *sql;
    int n;
};

/* rdt_sqlite_steps - this program's. */
extern const struct rdt_sqlite_steps rdt_sqlite_steps;

/* rdt_sqlite_version - of the schema in the file.  Fails: as reading does (RDT_E_STATE: locked). */
RDT_MUST_CHECK enum rdt_code rdt_sqlite_version(sqlite3 *db, int *out, struct rdt_err *err);

/*
 * rdt_sqlite_migrate - take every step that is missing, in one transaction.
 * Fails, with nothing changed: RDT_E_STATE (the file is newer), RDT_E_FULL, RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_sqlite_migrate(sqlite3 *db, const struct rdt_sqlite_steps *steps,
                                                struct rdt_err *err);

/*
 * rdt_sqlite_same_schema - whether the file holds exactly the objects that its version's steps
 * make: no trigger, view, index or constraint that somebody added, none missing.
 * Fails: RDT_E_TAMPERED, RDT_E_STATE (a newer version), as reading does.
 */
RDT_MUST_CHECK enum rdt_code
rdt_sqlite_same_schema(sqlite3 *db, const struct rdt_sqlite_steps *steps, struct rdt_err *err);

/* rdt_sqlite_image - the bytes of an empty store; appended to out. */
RDT_MUST_CHECK enum rdt_code rdt_sqlite_image(const struct rdt_sqlite_steps *steps,
                                              struct rdt_buf *out, struct rdt_err *err);

#endif
