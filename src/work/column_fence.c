/* Fence and proof in the database's own catalogue, by the functions of pgext. */
#include "base/clock.h"
#include "codec/base64.h"
#include "work/column_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOCK_TRIES 20 /* times that a short lock is asked for; each waits 3 s at most */
#define LOCK_PAUSE_MS 500

/* What stays allowed: an epoch for all, and handles whose own is another. */
struct rule {
    uint16_t least;
    struct rdt_buf minima; /* JSON */
};

static void
rule_done(struct rule *rule)
{
    rdt_buf_done(&rule->minima);
}

static enum rdt_code
make_rule(struct rdt_column_work *work, struct rule *out, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_column_group *groups;
    size_t n, n_tenants, put = 0;
    enum rdt_code rc = rdt_column_groups(work, &arena, &groups, &n, NULL, err);
    if (rc != RDT_OK)
        return rc;
    const struct rdt_column_tenant *tenants = rdt_column_tenants(work->keys, &n_tenants);
    out->least = work->job->others_from == 0 ? 1 : work->job->others_from;
    rdt_buf_str(&out->minima, "{");
    for (size_t i = 0; i < n_tenants; i++) {
        if (tenants[i].epoch != out->least)
            rdt_buf_fmt(&out->minima, "%s\"%u\":%u", put++ == 0 ? "" : ",", tenants[i].handle,
                        tenants[i].epoch);
    }
    rdt_buf_str(&out->minima, "}");
    return rdt_buf_cstr(&out->minima) == NULL ? rdt_fail(err, RDT_E_NOMEM, "fence") : RDT_OK;
}

static enum rdt_code
ask(struct rdt_column_work *work, const struct rule *rule, const char *function,
    struct rdt_rows *out, struct rdt_err *err)
{
    char sql[160], least[16];
    snprintf(least, sizeof least, "%u", rule->least);
    snprintf(sql, sizeof sql,
             "SELECT redoubt.%s($1::regclass, $2::name, $3::text::integer, $4::text::jsonb)::text",
             function);
    return rdt_db_ask(work->job->db, sql,
                      (struct rdt_db_param[]){
                          RDT_DB_TEXT(work->table.rel),
                          RDT_DB_TEXT(work->job->column->field),
                          RDT_DB_TEXT(least),
                          {RDT_OID_TEXT, rdt_buf_span(&rule->minima)}
    },
                      4, out, err);
}

static enum rdt_code
call(struct rdt_column_work *work, const struct rule *rule, const char *function,
     struct rdt_err *err)
{
    RDT_ROWS rows = {0};
    return ask(work, rule, function, &rows, err);
}

/* The same until its short lock is had: whoever waits for a lock makes all others wait behind. */
static enum rdt_code
call_until(struct rdt_column_work *work, const struct rule *rule, const char *function,
           struct rdt_err *err)
{
    enum rdt_code rc = call(work, rule, function, err);
    for (int i = 1; i < LOCK_TRIES && rc == RDT_E_TIMEOUT; i++) {
        struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};
        nanosleep(&pause, NULL);
        rc = call(work, rule, function, err);
    }
    return rc;
}

enum rdt_code
rdt_pgext_there(struct rdt_db *db, bool *out, struct rdt_err *err)
{
    RDT_ROWS rows = {0};
    enum rdt_code rc = rdt_db_ask(
        db, "SELECT to_regprocedure('redoubt.discover(real)') IS NOT NULL", NULL, 0, &rows, err);
    *out = rc == RDT_OK && rdt_rows_true(&rows, 0, 0);
    return rc;
}

static enum rdt_code
check_installed(struct rdt_db *db, struct rdt_err *err)
{
    bool there;
    enum rdt_code rc = rdt_pgext_there(db, &there, err);
    if (rc != RDT_OK || there)
        return rc;
    rdt_fail(err, RDT_E_STATE, "Redoubt's SQL is not installed in database %s", rdt_db_name(db));
    rdt_hint(err, "redoubt column install");
    return RDT_E_STATE;
}

enum rdt_code
rdt_column_facts(struct rdt_column_work *work, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_AUTO(rule_done) struct rule rule = {0};
    RDT_ROWS rows = {0};
    bool there;
    enum rdt_code rc = rdt_pgext_there(work->job->db, &there, err);
    if (rc != RDT_OK || !there)
        return rc;
    rc = make_rule(work, &rule, err);
    if (rc == RDT_OK)
        rc = ask(work, &rule, "prove", &rows, err);
    if (rc != RDT_OK)
        return rc;
    struct rdt_span facts = rdt_rows_at(&rows, 0, 0);
    rdt_buf_add(out, facts.p, facts.n);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "facts of a column");
}

/* So that the database's own views show it: nothing of ours is read from there again. */
static enum rdt_code
note_column(struct rdt_column_work *work, struct rdt_err *err)
{
    char id[RDT_UUID_TEXT];
    RDT_ROWS rows = {0};
    rdt_uuid_text(work->job->column->id, id);
    return rdt_db_ask(
        work->job->db, "SELECT redoubt.register($1::regclass, $2::name, $3::text::uuid)",
        (struct rdt_db_param[]){RDT_DB_TEXT(work->table.rel), RDT_DB_TEXT(work->job->column->field),
                                RDT_DB_TEXT(id)},
        3, &rows, err);
}

enum rdt_code
rdt_column_fence(const struct rdt_column_job *job, struct rdt_rotation *out, struct rdt_err *err)
{
    RDT_AUTO(rdt_column_work_done) struct rdt_column_work work = {0};
    RDT_AUTO(rule_done) struct rule rule = {0};
    int64_t start = rdt_monotonic_ms();
    enum rdt_code rc = rdt_column_work_open(job, true, &work, err);
    if (rc == RDT_OK)
        rc = check_installed(job->db, err);
    if (rc == RDT_OK)
        rc = make_rule(&work, &rule, err);
    if (rc == RDT_OK)
        rc = call_until(&work, &rule, "fence", err);
    if (rc == RDT_OK)
        rc = note_column(&work, err);
    out->fence_ms = rdt_monotonic_ms() - start;
    out->fenced = rc == RDT_OK;
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "fence of %s", job->column->name);
}

enum rdt_code
rdt_column_validate(const struct rdt_column_job *job, struct rdt_rotation *out, struct rdt_err *err)
{
    RDT_AUTO(rdt_column_work_done) struct rdt_column_work work = {0};
    RDT_AUTO(rule_done) struct rule rule = {0};
    int64_t start = rdt_monotonic_ms();
    enum rdt_code rc = rdt_column_work_open(job, true, &work, err);
    if (rc == RDT_OK)
        rc = check_installed(job->db, err);
    if (rc == RDT_OK)
        rc = make_rule(&work, &rule, err);
    if (rc == RDT_OK)
        rc = call_until(&work, &rule, "constrain", err);
    if (rc == RDT_OK)
        rc = call(&work, &rule, "validate", err);
    out->validate_ms = rdt_monotonic_ms() - start;
    out->validated = rc == RDT_OK;
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "validate %s", job->column->name);
}
