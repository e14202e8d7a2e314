/* The statement of a proof, as JSON. Format: docs/formats/statement.md. */
#include "base/clock.h"
#include "codec/jout.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "work/column_internal.h"

#define COPIES                                                                                     \
    "Replicas behind this place in the log, archived WAL, dumps and backups from before it may "   \
    "hold values of older epochs: this statement says nothing of them."

/* Where the snapshot stands; a right that is missing leaves a word out, never the statement. */
static enum rdt_code
put_server(struct rdt_db *db, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_ROWS rows = {0};
    RDT_ROWS cluster = {0};
    enum rdt_code rc = rdt_db_ask(
        db,
        "SELECT current_setting('server_version'), pg_is_in_recovery(), (CASE WHEN "
        "pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() "
        "END)::text, pg_current_snapshot()::text, current_database()::text, "
        "has_function_privilege('pg_control_system()', 'EXECUTE')",
        NULL, 0, &rows, err);
    if (rc != RDT_OK)
        return rc;
    if (rdt_rows_true(&rows, 0, 5))
        rc = rdt_db_ask(db, "SELECT system_identifier::text FROM pg_control_system()", NULL, 0,
                        &cluster, err);
    if (rc != RDT_OK)
        return rc;
    rdt_jout_str(out, "database", rdt_rows_text(&rows, 0, 4));
    rdt_jout_str(out, "server_version", rdt_rows_text(&rows, 0, 0));
    rdt_jout_str(out, "system", cluster.n == 1 ? rdt_rows_text(&cluster, 0, 0) : NULL);
    rdt_jout_bool(out, "standby", rdt_rows_true(&rows, 0, 1));
    rdt_jout_str(out, "lsn", rdt_rows_text(&rows, 0, 2));
    rdt_jout_str(out, "snapshot", rdt_rows_text(&rows, 0, 3));
    return RDT_OK;
}

/* The database's own words, in our spelling of JSON. */
static enum rdt_code
put_facts(const struct rdt_column_proof *proof, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_node *facts = NULL;
    if (proof->facts.n == 0)
        return RDT_OK;
    enum rdt_code rc =
        rdt_json_parse("redoubt.prove()", rdt_buf_span(&proof->facts), &arena, &facts, err);
    if (rc != RDT_OK)
        return rc;
    rdt_buf_str(out, ",\"facts\":"); /* never the first member */
    rdt_json_node(out, facts, 0);
    return RDT_OK;
}

static enum rdt_code
put_proof(const struct rdt_column_proof *proof, struct rdt_buf *out, struct rdt_err *err)
{
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "column", proof->column->name);
    rdt_jout_uuid(out, "id", proof->column->id);
    rdt_jout_str(out, "ring", proof->column->ring);
    rdt_jout_uuid(out, "ring_id", proof->ring);
    rdt_jout_int(out, "values", (int64_t)proof->values);
    rdt_jout_int(out, "decrypted", (int64_t)(proof->values - proof->bad.all));
    rdt_jout_int(out, "nulls", (int64_t)proof->nulls);
    rdt_jout_int(out, "stale", (int64_t)proof->stale);
    rdt_jout_open(out, "counts", '[');
    for (size_t i = 0; i < proof->n_counts; i++) {
        const struct rdt_column_count *one = &proof->counts[i];
        rdt_jout_open(out, NULL, '{');
        rdt_jout_int(out, "handle", one->handle);
        rdt_jout_int(out, "epoch", one->epoch);
        rdt_jout_int(out, "current", one->current);
        if (one->index_epoch != 0) {
            rdt_jout_int(out, "index_epoch", one->index_epoch);
            rdt_jout_int(out, "index_current", one->index_current);
        }
        rdt_jout_int(out, "values", (int64_t)one->n);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
    rdt_jout_hex(out, "merkle_root", (struct rdt_span){proof->root, sizeof proof->root});
    enum rdt_code rc = put_facts(proof, out, err);
    rdt_jout_close(out, '}');
    return rc;
}

static void
put_places(const struct rdt_column_places *places, struct rdt_buf *out)
{
    size_t unread = 0;
    rdt_jout_bool(out, "discovered_looked", places->looked);
    rdt_jout_open(out, "discovered", '[');
    for (size_t i = 0; i < places->n; i++) {
        const struct rdt_column_place *at = &places->at[i];
        bool looked = at->form[0] != '\0';
        unread += !looked;
        rdt_jout_open(out, NULL, '{');
        rdt_jout_str(out, "relation", at->relation);
        rdt_jout_str(out, "column", at->column);
        rdt_jout_str(out, "type", at->type);
        rdt_jout_str(out, "form", looked ? at->form : NULL);
        if (at->handle != 0) {
            rdt_jout_int(out, "handle", at->handle);
            rdt_jout_int(out, "epoch_min", at->epoch_min);
            rdt_jout_int(out, "epoch_max", at->epoch_max);
        }
        if (looked)
            rdt_jout_int(out, "values", (int64_t)at->n);
        rdt_jout_bool(out, "in_catalogue", at->in_catalogue);
        rdt_jout_str(out, "note", at->note[0] == '\0' ? NULL : at->note);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
    rdt_jout_int(out, "unread", (int64_t)unread);
}

enum rdt_code
rdt_statement_put(struct rdt_db *db, const struct rdt_statement *statement, struct rdt_buf *out,
                  struct rdt_err *err)
{
    char stamp[RDT_STAMP_TEXT], hash[2 * RDT_SHA256_LEN + 1];
    rdt_stamp_text(statement->time_s, stamp);
    enum rdt_code rc = rdt_sha256_text(statement->catalogue, hash, err);
    if (rc != RDT_OK)
        return rc;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "format", "redoubt-column-statement-1");
    rdt_jout_str(out, "time", stamp);
    rdt_jout_str(out, "catalogue_sha256", hash);
    rc = put_server(db, out, err);
    rdt_jout_open(out, "columns", '[');
    for (size_t i = 0; i < statement->n_proofs && rc == RDT_OK; i++)
        rc = put_proof(&statement->proofs[i], out, err);
    rdt_jout_close(out, ']');
    put_places(statement->places, out);
    rdt_jout_str(out, "copies", COPIES);
    rdt_jout_close(out, '}');
    rdt_buf_str(out, "\n");
    if (rc == RDT_OK && !rdt_buf_ok(out))
        rc = rdt_fail(err, RDT_E_NOMEM, "statement");
    return rc;
}
