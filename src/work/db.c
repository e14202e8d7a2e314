#include "base/clock.h"
#include "base/text.h"
#include "work/db_internal.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FAILED_WORDS 300 /* of the server's, in an error */
#define ARRAY_HEAD 20    /* bytes before the first element: dimensions, flags, type, size, bound */
#define AGAIN_PAUSE_MS 500

struct rdt_db {
    PGconn *conn;
    char *words; /* NULL: none */
};

/*
 * What the session says of itself. A parameter is quoted in no error of the server; the statement's
 * text, which holds none, is all that is ever logged. What only a superuser may set is left alone.
 */
static const char settings[] =
    "SET search_path = pg_catalog, pg_temp;"
    "SET row_security = off;"
    "SET client_encoding = 'UTF8';"
    "SET DateStyle = 'ISO, YMD';"
    "SET IntervalStyle = 'iso_8601';"
    "SET bytea_output = 'hex';"
    "SET extra_float_digits = 1;"
    "SET statement_timeout = 0;"
    "SET default_transaction_isolation = 'read committed';"
    "SET default_transaction_read_only = off;"
    "DO $$ BEGIN"
    "  IF current_setting('server_version_num')::int >= 130000 THEN"
    "    PERFORM set_config('log_parameter_max_length_on_error', '0', false);"
    "  END IF; "
    "END $$";

/* ---- errors ---- */

static bool
state_is(const char *state, const char *prefix)
{
    return state != NULL && strncmp(state, prefix, strlen(prefix)) == 0;
}

/* The server's first line. A cast that fails quotes what it was given: then its number alone. */
static enum rdt_code
refused(struct rdt_db *db, const PGresult *result, struct rdt_err *err)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *said = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    char words[FAILED_WORDS + 1];
    if (PQstatus(db->conn) != CONNECTION_OK || state_is(state, "57P") || state_is(state, "08"))
        return rdt_fail(err, RDT_E_NET, "the connection to the database is lost");
    if (said == NULL || state_is(state, "22"))
        return rdt_fail(err, RDT_E_STATE, "the database refuses (SQLSTATE %s)",
                        state == NULL ? "none" : state);
    snprintf(words, sizeof words, "%s", said);
    rdt_text_show(words);
    enum rdt_code rc = state_is(state, "42501") || state_is(state, "28") ? RDT_E_DENIED
                       : state_is(state, "55P03")                        ? RDT_E_TIMEOUT
                                                                         : RDT_E_STATE;
    rdt_fail(err, rc, "the database says: %s", words);
    if (hint != NULL) {
        snprintf(words, sizeof words, "%s", hint);
        rdt_text_show(words);
        rdt_hint(err, "%s", words);
    }
    return rc;
}

static void
be_quiet(void *arg, const char *message)
{
    (void)arg;
    (void)message; /* libpq would print the server's words on our stderr */
}

/* ---- connections ---- */

/* A password on the command line is seen by every process of the machine. */
static enum rdt_code
check_words(const char *words, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    if (strchr(words, '=') == NULL && strstr(words, "://") == NULL)
        return RDT_OK; /* the name of a database, as psql takes it */
    PQconninfoOption *all = PQconninfoParse(words, NULL);
    if (all == NULL) /* its own words would quote */
        return rdt_fail(err, RDT_E_USAGE, "the connection string cannot be read");
    for (PQconninfoOption *one = all; one->keyword != NULL; one++) {
        bool secret =
            strcmp(one->keyword, "password") == 0 || strcmp(one->keyword, "sslpassword") == 0;
        if (secret && one->val != NULL && one->val[0] != '\0') {
            rc = rdt_fail(err, RDT_E_USAGE, "a password in the connection string");
            rdt_hint(err, "every process of this machine could read it: put it into ~/.pgpass, or "
                          "a service");
        }
    }
    PQconninfoFree(all);
    return rc;
}

static enum rdt_code
connect_once(struct rdt_db *db, struct rdt_err *err)
{
    const char *names[] = {"dbname", "fallback_application_name", "connect_timeout", NULL};
    const char *values[] = {db->words, "redoubt", "10", NULL};
    bool given = db->words != NULL && db->words[0] != '\0';
    PQfinish(db->conn);
    db->conn = PQconnectdbParams(given ? names : names + 1, given ? values : values + 1, 1);
    if (db->conn == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "connect to the database");
    if (PQstatus(db->conn) != CONNECTION_OK) {
        char words[FAILED_WORDS + 1];
        const char *said = PQerrorMessage(db->conn);
        snprintf(words, sizeof words, "%.*s", (int)strcspn(said, "\r\n"), said);
        rdt_text_show(words);
        return rdt_fail(err, PQconnectionNeedsPassword(db->conn) ? RDT_E_DENIED : RDT_E_NET,
                        "database: %s", words);
    }
    PQsetNoticeProcessor(db->conn, be_quiet, NULL);
    return rdt_db_run(db, settings, err);
}

enum rdt_code
rdt_db_open(const char *words, struct rdt_db **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_db_close_at) struct rdt_db *db = calloc(1, sizeof *db);
    if (db == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "connect to the database");
    enum rdt_code rc = words == NULL ? RDT_OK : check_words(words, err);
    if (rc == RDT_OK && words != NULL && (db->words = strdup(words)) == NULL)
        rc = rdt_fail(err, RDT_E_NOMEM, "connect to the database");
    if (rc == RDT_OK)
        rc = connect_once(db, err);
    if (rc != RDT_OK)
        return rc;
    *out = RDT_STEAL(db);
    return RDT_OK;
}

enum rdt_code
rdt_db_again(struct rdt_db *db, struct rdt_err *err)
{
    int64_t end = rdt_monotonic_ms() + RDT_DB_AGAIN_MAX * 1000;
    enum rdt_code rc = connect_once(db, err);
    while (rc == RDT_E_NET && rdt_monotonic_ms() < end) {
        struct timespec pause = {0, AGAIN_PAUSE_MS * 1000000L};
        nanosleep(&pause, NULL);
        rc = connect_once(db, err);
    }
    return rc;
}

void
rdt_db_close(struct rdt_db *db)
{
    if (db == NULL)
        return;
    PQfinish(db->conn);
    free(db->words);
    free(db);
}

void
rdt_db_close_at(struct rdt_db **db)
{
    rdt_db_close(*db);
}

const char *
rdt_db_name(const struct rdt_db *db)
{
    return PQdb(db->conn);
}

/* ---- questions ---- */

enum rdt_code
rdt_db_run(struct rdt_db *db, const char *sql, struct rdt_err *err)
{
    PGresult *result = PQexec(db->conn, sql);
    ExecStatusType status = PQresultStatus(result);
    enum rdt_code rc =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? RDT_OK : refused(db, result, err);
    PQclear(result);
    return rc;
}

enum rdt_code
rdt_db_ask(struct rdt_db *db, const char *sql, const struct rdt_db_param *params, size_t n,
           struct rdt_rows *out, struct rdt_err *err)
{
    Oid types[RDT_DB_PARAMS];
    const char *values[RDT_DB_PARAMS];
    int lengths[RDT_DB_PARAMS], formats[RDT_DB_PARAMS];
    if (n > RDT_DB_PARAMS)
        return rdt_fail(err, RDT_E_INTERNAL, "too many parameters");
    for (size_t i = 0; i < n; i++) {
        if (params[i].value.n > INT32_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "a parameter is too long");
        types[i] = params[i].type;
        values[i] = (const char *)params[i].value.p;
        lengths[i] = (int)params[i].value.n;
        formats[i] = 1;
    }
    PGresult *result = PQexecParams(db->conn, sql, (int)n, types, values, lengths, formats, 1);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        enum rdt_code rc = refused(db, result, err);
        PQclear(result);
        return rc;
    }
    *out = (struct rdt_rows){result, (size_t)PQntuples(result)};
    return RDT_OK;
}

enum rdt_code
rdt_db_by_key(struct rdt_db *db, struct rdt_err *err)
{
    return rdt_db_run(db, "SET enable_hashjoin = off; SET enable_mergejoin = off", err);
}

enum rdt_code
rdt_db_pgext(struct rdt_db *db, char out[static 32], struct rdt_err *err)
{
    RDT_ROWS there = {0};
    RDT_ROWS version = {0};
    out[0] = '\0';
    enum rdt_code rc = rdt_db_ask(db, "SELECT to_regprocedure('redoubt.version()') IS NOT NULL",
                                  NULL, 0, &there, err);
    if (rc == RDT_OK && rdt_rows_true(&there, 0, 0))
        rc = rdt_db_ask(db, "SELECT redoubt.version()", NULL, 0, &version, err);
    if (rc == RDT_OK && version.n == 1)
        snprintf(out, 32, "%s", rdt_rows_text(&version, 0, 0));
    return rc;
}

void
rdt_rows_done(struct rdt_rows *rows)
{
    PQclear(rows->result);
    *rows = (struct rdt_rows){0};
}

struct rdt_span
rdt_rows_at(const struct rdt_rows *rows, size_t row, size_t column)
{
    if (PQgetisnull(rows->result, (int)row, (int)column))
        return (struct rdt_span){NULL, 0};
    return (struct rdt_span){(const uint8_t *)PQgetvalue(rows->result, (int)row, (int)column),
                             (size_t)PQgetlength(rows->result, (int)row, (int)column)};
}

const char *
rdt_rows_text(const struct rdt_rows *rows, size_t row, size_t column)
{
    return PQgetvalue(rows->result, (int)row, (int)column); /* "" for NULL, a NUL at the end */
}

bool
rdt_rows_true(const struct rdt_rows *rows, size_t row, size_t column)
{
    struct rdt_span value = rdt_rows_at(rows, row, column);
    return value.n == 1 && value.p[0] == 1;
}

uint64_t
rdt_rows_number(const struct rdt_rows *rows, size_t row, size_t column)
{
    return strtoull(rdt_rows_text(rows, row, column), NULL, 10);
}

size_t
rdt_rows_bytes(const struct rdt_rows *rows, size_t column)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++)
        n += (size_t)PQgetlength(rows->result, (int)i, (int)column);
    return n;
}

void
rdt_rows_wipe(const struct rdt_rows *rows, size_t column)
{
    for (size_t i = 0; i < rows->n; i++) { /* libpq says that its results are ours to change */
        int n = PQgetlength(rows->result, (int)i, (int)column);
        if (n > 0)
            explicit_bzero(PQgetvalue(rows->result, (int)i, (int)column), (size_t)n);
    }
}

uint64_t
rdt_rows_changed(const struct rdt_rows *rows)
{
    return strtoull(PQcmdTuples(rows->result), NULL, 10);
}

/* As PostgreSQL takes an identifier in quotes; one that came from its own catalogue. */
void
rdt_db_quote(struct rdt_buf *out, const char *name)
{
    rdt_buf_str(out, "\"");
    for (const char *c = name; *c != '\0'; c++)
        rdt_buf_add(out, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    rdt_buf_str(out, "\"");
}

/* ---- arrays ---- */

void
rdt_db_array_start(struct rdt_db_array *array, uint32_t element)
{
    array->bytes.n = 0;
    array->n = 0;
    rdt_buf_uint(&array->bytes, 1, 4); /* dimensions */
    rdt_buf_uint(&array->bytes, 0, 4); /* no NULL in it */
    rdt_buf_uint(&array->bytes, element, 4);
    rdt_buf_uint(&array->bytes, 0, 4); /* how many: set at the end */
    rdt_buf_uint(&array->bytes, 1, 4); /* the first has number 1 */
}

void
rdt_db_array_add(struct rdt_db_array *array, struct rdt_span value)
{
    rdt_buf_uint(&array->bytes, value.n, 4);
    rdt_buf_add(&array->bytes, value.p, value.n);
    array->n++;
}

struct rdt_db_param
rdt_db_array_param(struct rdt_db_array *array)
{
    struct rdt_buf *bytes = &array->bytes;
    if (bytes->n < ARRAY_HEAD || !rdt_buf_ok(bytes))
        return (struct rdt_db_param){0};
    for (size_t i = 0; i < 4; i++)
        bytes->p[12 + i] = (uint8_t)(array->n >> (24 - 8 * i));
    uint32_t type = bytes->p[11] == RDT_OID_TEXT ? RDT_OID_TEXTS : RDT_OID_BYTEAS;
    return (struct rdt_db_param){type, rdt_buf_span(bytes)};
}

void
rdt_db_array_done(struct rdt_db_array *array)
{
    rdt_buf_done(&array->bytes);
    array->n = 0;
}
