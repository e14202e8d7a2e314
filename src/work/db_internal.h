/*
 * db_internal.h - questions to the database, for the files of this room.
 *
 * Parameters and results are binary: a value is never part of a statement's text, and no literal of
 * it reaches a log.
 */
#ifndef RDT_WORK_DB_INTERNAL_H
#define RDT_WORK_DB_INTERNAL_H

#include "base/buf.h"
#include "work/db.h"

#define RDT_DB_PARAMS 16 /* of one statement */

/* PostgreSQL's numbers of the types that we send. */
enum { RDT_OID_BYTEA = 17, RDT_OID_TEXT = 25, RDT_OID_BYTEAS = 1001, RDT_OID_TEXTS = 1009 };

struct rdt_db_param {
    uint32_t type;
    struct rdt_span value; /* p NULL: NULL */
};

#define RDT_DB_TEXT(text) ((struct rdt_db_param){RDT_OID_TEXT, rdt_span_str(text)})

struct pg_result; /* libpq's: its header is for db.c alone */

/* What came back. {0} is none. */
struct rdt_rows {
    struct pg_result *result;
    size_t n;
};

/* rdt_rows_done - the closer for RDT_AUTO. */
void rdt_rows_done(struct rdt_rows *rows);

#define RDT_ROWS RDT_AUTO(rdt_rows_done) struct rdt_rows

/* rdt_rows_at - bytes of a field, borrowed; p NULL: NULL. */
struct rdt_span rdt_rows_at(const struct rdt_rows *rows, size_t row, size_t column);

/* rdt_rows_text - a field as text, "" for NULL; borrowed. rdt_rows_true - a boolean.
 * rdt_rows_number - a field that was cast to text, as a number; 0 where it is none. */
const char *rdt_rows_text(const struct rdt_rows *rows, size_t row, size_t column);
bool rdt_rows_true(const struct rdt_rows *rows, size_t row, size_t column);
uint64_t rdt_rows_number(const struct rdt_rows *rows, size_t row, size_t column);

/* rdt_rows_bytes - how many bytes a field has in all rows. */
size_t rdt_rows_bytes(const struct rdt_rows *rows, size_t column);

/* rdt_rows_wipe - overwrite a field of all rows: plaintexts, once they were used. */
void rdt_rows_wipe(const struct rdt_rows *rows, size_t column);

/* rdt_rows_changed - how many rows a statement changed. */
uint64_t rdt_rows_changed(const struct rdt_rows *rows);

/*
 * rdt_db_ask - one statement.
 *
 *   out   {0}; the caller frees with rdt_rows_done()
 *
 * Fails: RDT_E_STATE (the server refused), RDT_E_DENIED (a right is missing), RDT_E_TIMEOUT (a lock
 * was not had in time), RDT_E_NET (the connection is lost: rdt_db_again()), RDT_E_NOMEM. The text
 * is the server's first line, without DETAIL, which can quote a row.
 */
RDT_MUST_CHECK enum rdt_code rdt_db_ask(struct rdt_db *db, const char *sql,
                                        const struct rdt_db_param *params, size_t n,
                                        struct rdt_rows *out, struct rdt_err *err);

/* rdt_db_again - connect anew after RDT_E_NET, waiting up to RDT_DB_AGAIN_MAX seconds for a server
 * that restarts. What was under way is undone.  Fails: as rdt_db_open(). */
RDT_MUST_CHECK enum rdt_code rdt_db_again(struct rdt_db *db, struct rdt_err *err);

/* rdt_db_by_key - from now on rows of a batch are looked up one by one: the planner, which knows
 * nothing of what it will find, else reads the whole table for each batch. */
RDT_MUST_CHECK enum rdt_code rdt_db_by_key(struct rdt_db *db, struct rdt_err *err);

/* rdt_db_quote - append a name as an identifier. */
void rdt_db_quote(struct rdt_buf *out, const char *name);

/* A one-dimensional array that is being made, in PostgreSQL's binary form. */
struct rdt_db_array {
    struct rdt_buf bytes;
    uint32_t n;
};

/* rdt_db_array_start - begin (again). element: RDT_OID_BYTEA or RDT_OID_TEXT. rdt_db_array_add -
 * one more. rdt_db_array_param - as a parameter, borrowed. rdt_db_array_done - closer. */
void rdt_db_array_start(struct rdt_db_array *array, uint32_t element);
void rdt_db_array_add(struct rdt_db_array *array, struct rdt_span value);
struct rdt_db_param rdt_db_array_param(struct rdt_db_array *array);
void rdt_db_array_done(struct rdt_db_array *array);

#endif
