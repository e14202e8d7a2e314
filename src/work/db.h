/*
 * db.h - a connection to the application's PostgreSQL, for long work: found by service, URI or the
 * PG* variables as psql finds it, made again when the server restarts. A database belongs to one
 * thread at a time.
 */
#ifndef RDT_WORK_DB_H
#define RDT_WORK_DB_H

#include "base/err.h"
#include "base/span.h"

#define RDT_DB_AGAIN_MAX 60 /* seconds that a lost server is waited for */

struct rdt_db;

/*
 * rdt_db_open - connect. Values are kept out of the server's log as far as a session may say so;
 * row security is off, so that a policy which hides rows is an error, not a smaller table.
 *
 *   words   a connection string or URI, without a password (it would stand in the process list);
 *           NULL: PG* variables and ~/.pgpass alone
 *   out     caller closes with rdt_db_close()
 *
 * Fails: RDT_E_USAGE (a password in words, or it cannot be read), RDT_E_NET, RDT_E_DENIED,
 * RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_db_open(const char *words, struct rdt_db **out,
                                         struct rdt_err *err);

/* rdt_db_close - NULL is fine.  rdt_db_close_at - the same as a closer for RDT_AUTO. */
void rdt_db_close(struct rdt_db *db);
void rdt_db_close_at(struct rdt_db **db);

/* rdt_db_name - the database's name, borrowed until close. */
const char *rdt_db_name(const struct rdt_db *db);

/*
 * rdt_db_run - SQL of ours, of one or several statements, without parameters or results.
 * Fails: as rdt_db_open(), RDT_E_STATE (the server refused; its words without a value).
 */
RDT_MUST_CHECK enum rdt_code rdt_db_run(struct rdt_db *db, const char *sql, struct rdt_err *err);

/* rdt_db_pgext - the version of Redoubt's SQL that is installed, "" for none.  Fails: as
 * rdt_db_run(). */
RDT_MUST_CHECK enum rdt_code rdt_db_pgext(struct rdt_db *db, char out[static 32],
                                          struct rdt_err *err);

#endif
