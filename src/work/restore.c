#include "work/restore.h"

#include "base/buf.h"
#include "codec/base64.h"
#include "crypto/worker.h"
#include "work/produce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME_LEN 40
#define ANSWER_MAX ((size_t)4096) /* bytes of an answer of psql */

/* What libpq reads, where it is set. */
static const char *const variables[] = {
    "PGHOST",           "PGPORT",        "PGUSER",        "PGPASSWORD",        "PGPASSFILE",
    "PGSERVICE",        "PGSSLMODE",     "PGSSLROOTCERT", "PGSSLCERT",         "PGSSLKEY",
    "PGHOSTADDR",       "PGSERVICEFILE", "PGOPTIONS",     "PGCONNECT_TIMEOUT", "PGREQUIREPEER",
    "PGCHANNELBINDING", "PATH"};

struct rdt_restore {
    const char *maintenance;
    char name[NAME_LEN];
    bool made;
    struct rdt_producer *program; /* that takes the dump; NULL: none yet */
    const char *pass[RDT_COUNT(variables)];
    size_t n_pass;
};

static enum rdt_code
start(struct rdt_restore *r, const char *const *argv, bool to, struct rdt_producer **out,
      struct rdt_err *err)
{
    struct rdt_produce what = {.argv = argv, .pass = r->pass, .n_pass = r->n_pass, .to = to};
    return rdt_producer_start(&what, out, err);
}

/* One statement; what it gives is appended to out. */
static enum rdt_code
psql(struct rdt_restore *r, const char *database, const char *sql, struct rdt_buf *out,
     struct rdt_err *err)
{
    const char *const argv[] = {"psql", "-X",     "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1",
                                "-d",   database, "-c", sql,  NULL};
    RDT_AUTO(rdt_producer_close_at) struct rdt_producer *program = NULL;
    uint8_t bytes[512];
    size_t got = 1;
    enum rdt_code rc = start(r, argv, false, &program, err);
    while (rc == RDT_OK && got != 0) {
        rc = rdt_producer_read(program, bytes, sizeof bytes, &got, err);
        if (rc == RDT_OK && out->n + got > ANSWER_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "psql answers too much");
        rdt_buf_add(out, bytes, rc == RDT_OK ? got : 0);
    }
    if (rc == RDT_OK)
        rc = rdt_producer_wait(program, err);
    return rc == RDT_OK && !rdt_buf_ok(out) ? rdt_fail(err, RDT_E_NOMEM, "psql") : rc;
}

static enum rdt_code
new_name(struct rdt_restore *r, struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    uint8_t bytes[8];
    char digits[2 * sizeof bytes + 1] = "";
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = rdt_random(worker, bytes, sizeof bytes, err);
    if (rc != RDT_OK)
        return rc;
    rdt_hex_put((struct rdt_span){bytes, sizeof bytes}, digits);
    snprintf(r->name, sizeof r->name, "redoubt_drill_%.16s", digits);
    return RDT_OK;
}

enum rdt_code
rdt_restore_begin(const char *maintenance, struct rdt_restore **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_restore_close_at) struct rdt_restore *r = calloc(1, sizeof *r);
    RDT_BUF answer = {0};
    char sql[128];
    if (r == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "restore");
    r->maintenance = maintenance;
    for (size_t i = 0; i < RDT_COUNT(variables); i++) {
        if (getenv(variables[i]) != NULL)
            r->pass[r->n_pass++] = variables[i];
    }
    enum rdt_code rc = new_name(r, err);
    if (rc != RDT_OK)
        return rc;
    snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE template0", r->name);
    rc = psql(r, maintenance, sql, &answer, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "make a database for the drill");
    r->made = true;
    *out = RDT_STEAL(r);
    return RDT_OK;
}

static enum rdt_code
write_all(int fd, struct rdt_span bytes)
{
    while (bytes.n != 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return RDT_E_IO;
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return RDT_OK;
}

/* A dump in PostgreSQL's own format begins with a word; all else is SQL. */
enum rdt_code
rdt_restore_start(struct rdt_restore *restore, struct rdt_span first, struct rdt_err *err)
{
    const char *const custom[] = {
        "pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", "-w",
        "-d",         restore->name,     NULL};
    const char *const text[] = {"psql", "-X",          "-q", "-w",        "-v", "ON_ERROR_STOP=1",
                                "-d",   restore->name, "-o", "/dev/null", NULL};
    enum rdt_code rc =
        start(restore, rdt_span_is(first, "PGDMP") ? custom : text, true, &restore->program, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "restore");
}

enum rdt_code
rdt_restore_put(struct rdt_restore *restore, struct rdt_span bytes, struct rdt_err *err)
{
    if (restore->program == NULL)
        return rdt_fail(err, RDT_E_STATE, "restore: nothing takes the dump");
    if (write_all(rdt_producer_fd(restore->program), bytes) == RDT_OK)
        return RDT_OK;
    enum rdt_code rc = rdt_producer_wait(restore->program, err); /* it says why, if it failed */
    return rc == RDT_OK ? rdt_fail(err, RDT_E_IO, "restore: the dump goes on behind its end")
                        : rdt_fail_in(err, rc, "restore");
}

enum rdt_code
rdt_restore_end(struct rdt_restore *restore, struct rdt_err *err)
{
    if (restore->program == NULL)
        return rdt_fail(err, RDT_E_STATE, "the dump is empty");
    enum rdt_code rc = rdt_producer_wait(restore->program, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "restore");
}

static bool
take_number(const char **at, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(*at, &end, 10);
    bool ok = **at >= '0' && **at <= '9' && errno == 0;
    *at = *end == '\0' ? end : end + 1;
    return ok;
}

enum rdt_code
rdt_restore_count(struct rdt_restore *restore, uint64_t *tables, uint64_t *rows,
                  struct rdt_err *err)
{
    static const char sql[] =
        "SELECT count(*), coalesce(sum((xpath('/row/n/text()', query_to_xml(format('SELECT "
        "count(*) "
        "AS n FROM %I.%I', schemaname, tablename), false, true, '')))[1]::text::bigint), 0) FROM "
        "pg_catalog.pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    RDT_BUF answer = {0};
    enum rdt_code rc = psql(restore, restore->name, sql, &answer, err);
    const char *at = rc == RDT_OK ? rdt_buf_cstr(&answer) : NULL;
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "count rows");
    if (at == NULL || !take_number(&at, tables) || !take_number(&at, rows))
        return rdt_fail(err, RDT_E_PROTOCOL, "count rows: no number");
    return RDT_OK;
}

enum rdt_code
rdt_restore_check(struct rdt_restore *restore, const char *sql, struct rdt_err *err)
{
    RDT_BUF answer = {0};
    enum rdt_code rc = psql(restore, restore->name, sql, &answer, err);
    if (rc == RDT_OK && !rdt_span_is(rdt_buf_span(&answer), "t\n"))
        return rdt_fail(err, RDT_E_STATE, "a check of the restored database is not true");
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "check");
}

void
rdt_restore_close(struct rdt_restore *restore)
{
    RDT_BUF answer = {0};
    char sql[128];
    if (restore == NULL)
        return;
    rdt_producer_close(restore->program);
    snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", restore->name);
    if (restore->made && psql(restore, restore->maintenance, sql, &answer, NULL) != RDT_OK)
        fprintf(stderr, "redoubt: database %s is left behind\n", restore->name);
    free(restore);
}

void
rdt_restore_close_at(struct rdt_restore **restore)
{
    rdt_restore_close(*restore);
}
