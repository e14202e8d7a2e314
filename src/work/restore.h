/*
 * restore.h - a database out of a dump, on a server for drills: made, filled by pg_restore or psql,
 * asked, and dropped again. The programs run without a shell; who connects and where is said by
 * PostgreSQL's own variables (PGHOST, PGUSER, PGSERVICE, PGPASSFILE...), which they get.
 */
#ifndef RDT_WORK_RESTORE_H
#define RDT_WORK_RESTORE_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

#define RDT_RESTORE_FIRST ((size_t)5) /* bytes */

struct rdt_restore;

/*
 * rdt_restore_begin - make a database with a name that nobody has, redoubt_drill_...
 *
 *   maintenance   the database to be connected to for that: "postgres"
 *   out           caller closes it, which drops the database
 *
 * Fails: RDT_E_NOTFOUND (psql is not installed), RDT_E_IO (the server said no; its words are on
 * standard error), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_restore_begin(const char *maintenance, struct rdt_restore **out,
                                               struct rdt_err *err);

/*
 * rdt_restore_start - start what takes the dump; from the thread that lives longest, as
 * rdt_producer_start().
 *
 *   first   the first RDT_RESTORE_FIRST bytes of the dump, or all: they say whether pg_restore or
 *           psql takes it
 *
 * Fails: as rdt_producer_start().
 */
RDT_MUST_CHECK enum rdt_code rdt_restore_start(struct rdt_restore *restore, struct rdt_span first,
                                               struct rdt_err *err);

/* rdt_restore_put - the next bytes of the dump. Fails: RDT_E_STATE (nothing takes them), RDT_E_IO
 * (it ended before its input did). */
RDT_MUST_CHECK enum rdt_code rdt_restore_put(struct rdt_restore *restore, struct rdt_span bytes,
                                             struct rdt_err *err);

/* rdt_restore_end - the dump is over: wait until it is restored. Fails: RDT_E_IO (status), with its
 * name. */
RDT_MUST_CHECK enum rdt_code rdt_restore_end(struct rdt_restore *restore, struct rdt_err *err);

/* rdt_restore_count - tables of the database, and the rows of all of them. Fails: RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_restore_count(struct rdt_restore *restore, uint64_t *tables,
                                               uint64_t *rows, struct rdt_err *err);

/* rdt_restore_check - a query that has to give one row that is true. Fails: RDT_E_STATE (it does
 * not), RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_restore_check(struct rdt_restore *restore, const char *sql,
                                               struct rdt_err *err);

/* rdt_restore_close - end what runs, drop the database; NULL is fine. rdt_restore_close_at - as a
 * closer for RDT_AUTO. */
void rdt_restore_close(struct rdt_restore *restore);
void rdt_restore_close_at(struct rdt_restore **restore);

#endif
