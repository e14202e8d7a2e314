#include "store/sqlite_internal.h"

#include <assert.h>
#include <errno.h>

static const char *const sql[RDT_SQL_END] = {
    [RDT_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [RDT_SQL_COMMIT] = "COMMIT",
    [RDT_SQL_ROLLBACK] = "ROLLBACK",
    [RDT_SQL_REVISION] = "SELECT revision FROM rdt_head WHERE one = 1",
    [RDT_SQL_RAISE] = "UPDATE rdt_head SET revision = ?1 WHERE one = 1 AND (revision < ?1 OR (?2 "
                      "AND revision = ?1))",
    [RDT_SQL_ROW_PUT] = "INSERT INTO rdt_row (kind, id, revision, body, mac)"
                        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (kind, id) DO UPDATE"
                        " SET revision = ?3, body = ?4, mac = ?5",
    [RDT_SQL_ROW_DROP] = "DELETE FROM rdt_row WHERE kind = ?1 AND id = ?2",
    [RDT_SQL_ROWS] = "SELECT kind, id, revision, body, mac FROM rdt_row ORDER BY kind, id",
    [RDT_SQL_OUTBOX_PUT] = "INSERT INTO rdt_outbox (revision, number, id, record, mac)"
                           " VALUES (?1, ?2, ?3, ?4, ?5)",
    [RDT_SQL_OUTBOX_DROP] = "DELETE FROM rdt_outbox WHERE id = ?1",
    [RDT_SQL_OUTBOX] = "SELECT id, record, mac FROM rdt_outbox ORDER BY revision, number",
    [RDT_SQL_VALUE] = "SELECT value FROM rdt_value WHERE name = ?1",
    [RDT_SQL_VALUE_PUT] = "INSERT INTO rdt_value (name, value) VALUES (?1, ?2)"
                          " ON CONFLICT (name) DO UPDATE SET value = ?2",
};

enum rdt_code
rdt_sqlite_prepare(struct rdt_sqlite *sq, struct rdt_err *err)
{
    for (int i = 0; i < RDT_SQL_END; i++) {
        int rc = sqlite3_prepare_v3(sq->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &sq->statements[i], NULL);
        if (rc != SQLITE_OK)
            return rdt_sqlite_fail(sq->db, rc, "prepare", err);
    }
    return RDT_OK;
}

void
rdt_sqlite_unprepare(struct rdt_sqlite *sq)
{
    for (int i = 0; i < RDT_SQL_END; i++) {
        sqlite3_finalize(sq->statements[i]);
        sq->statements[i] = NULL;
    }
}

/* ---- writing ---- */

/* A statement without a result. */
static int
run(struct rdt_sqlite *sq, enum rdt_sqlite_statement which)
{
    sqlite3_stmt *statement = sq->statements[which];
    errno = 0; /* rdt_sqlite_code() may ask for it */
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The lengths are within the store's limits, so in an int; store.c has looked. */
static void
bind_bytes(sqlite3_stmt *statement, int at, struct rdt_span bytes)
{
    int rc = sqlite3_bind_blob(statement, at, bytes.n == 0 ? (const uint8_t *)"" : bytes.p,
                               (int)bytes.n, SQLITE_STATIC);
    assert(rc == SQLITE_OK);
    (void)rc;
}

static void
bind_number(sqlite3_stmt *statement, int at, uint64_t number)
{
    int rc = sqlite3_bind_int64(statement, at, (sqlite3_int64)number);
    assert(rc == SQLITE_OK);
    (void)rc;
}

static int
write_row(struct rdt_sqlite *sq, const struct rdt_row *row)
{
    bool drop = row->body.p == NULL;
    enum rdt_sqlite_statement which = drop ? RDT_SQL_ROW_DROP : RDT_SQL_ROW_PUT;
    sqlite3_stmt *statement = sq->statements[which];
    bind_number(statement, 1, row->kind);
    bind_bytes(statement, 2, row->id);
    if (!drop) {
        bind_number(statement, 3, row->revision);
        bind_bytes(statement, 4, row->body);
        bind_bytes(statement, 5, (struct rdt_span){row->mac, sizeof row->mac});
    }
    return run(sq, which);
}

static int
write_outbox(struct rdt_sqlite *sq, const struct rdt_commit *commit, size_t number)
{
    const struct rdt_outbox *entry = &commit->outbox[number];
    sqlite3_stmt *statement = sq->statements[RDT_SQL_OUTBOX_PUT];
    bind_number(statement, 1, commit->revision);
    bind_number(statement, 2, number);
    bind_bytes(statement, 3, (struct rdt_span){entry->id, sizeof entry->id});
    bind_bytes(statement, 4, entry->record);
    bind_bytes(statement, 5, (struct rdt_span){entry->mac, sizeof entry->mac});
    return run(sq, RDT_SQL_OUTBOX_PUT);
}

static int
write_commit(struct rdt_sqlite *sq, const struct rdt_commit *commit)
{
    bind_number(sq->statements[RDT_SQL_RAISE], 1, commit->revision);
    bind_number(sq->statements[RDT_SQL_RAISE], 2, commit->n_rows == 0 && commit->n_outbox == 0);
    int rc = run(sq, RDT_SQL_RAISE);
    if (rc == SQLITE_OK && sqlite3_changes(sq->db) != 1)
        return SQLITE_CONSTRAINT; /* what is stored is not below: somebody else wrote */
    for (size_t i = 0; rc == SQLITE_OK && i < commit->n_rows; i++)
        rc = write_row(sq, &commit->rows[i]);
    for (size_t i = 0; rc == SQLITE_OK && i < commit->n_sent; i++) {
        bind_bytes(sq->statements[RDT_SQL_OUTBOX_DROP], 1,
                   (struct rdt_span){commit->sent[i], sizeof commit->sent[i]});
        rc = run(sq, RDT_SQL_OUTBOX_DROP);
    }
    for (size_t i = 0; rc == SQLITE_OK && i < commit->n_outbox; i++)
        rc = write_outbox(sq, commit, i);
    return rc;
}

static int
write_value(struct rdt_sqlite *sq, const char *name, struct rdt_span value)
{
    sqlite3_stmt *statement = sq->statements[RDT_SQL_VALUE_PUT];
    int rc = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    bind_bytes(statement, 2, value);
    return rc == SQLITE_OK ? run(sq, RDT_SQL_VALUE_PUT) : rc;
}

static enum rdt_code
write_once(struct rdt_sqlite *sq, const struct rdt_sqlite_change *change, bool *unknown,
           struct rdt_err *err)
{
    int rc = run(sq, RDT_SQL_BEGIN);
    if (rc == SQLITE_OK && change->commit != NULL)
        rc = write_commit(sq, change->commit);
    else if (rc == SQLITE_OK)
        rc = write_value(sq, change->name, change->value);
    bool sure = true;
    if (rc == SQLITE_OK) {
        rc = run(sq, RDT_SQL_COMMIT);
        /* No space: the frame that says "committed" comes last, and was not written. After any
         * other failure it may be in the log all the same, and be found there by the next start. */
        sure = rc == SQLITE_OK || rc == SQLITE_FULL;
    }
    if (rc == SQLITE_OK)
        return RDT_OK;
    enum rdt_code code = rdt_sqlite_fail(sq->db, rc, "commit", err);
    if (rc == SQLITE_CONSTRAINT)
        code = rdt_fail(err, RDT_E_STATE, "commit: the stored revision is not below this one's");
    if (!sqlite3_get_autocommit(sq->db))
        run(sq, RDT_SQL_ROLLBACK);
    *unknown = !sure || !sqlite3_get_autocommit(sq->db);
    return code;
}

/* With the log's pages in the file, the next commit starts at the log's beginning: on space that
 * is taken already. */
static bool
make_room(struct rdt_sqlite *sq)
{
    int log = 0, moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(sq->db, NULL, SQLITE_CHECKPOINT_RESTART, &log, &moved);
    return rc == SQLITE_OK && log > 0 && log == moved;
}

enum rdt_code
rdt_sqlite_write(struct rdt_sqlite *sq, const struct rdt_sqlite_change *change, bool *unknown,
                 struct rdt_err *err)
{
    enum rdt_code code = write_once(sq, change, unknown, err);
    if (code == RDT_E_FULL && !*unknown && make_room(sq))
        code = write_once(sq, change, unknown, err);
    return code;
}

/* ---- reading: of a file that anyone may have written into ---- */

static bool
bytes_at(sqlite3_stmt *statement, int at, size_t least, size_t most, struct rdt_span *out)
{
    if (sqlite3_column_type(statement, at) != SQLITE_BLOB)
        return false;
    const void *p = sqlite3_column_blob(statement, at);
    size_t n = (size_t)sqlite3_column_bytes(statement, at);
    *out = (struct rdt_span){p == NULL ? (const uint8_t *)"" : p, n};
    return n >= least && n <= most && (p != NULL || n == 0);
}

static bool
number_at(sqlite3_stmt *statement, int at, uint64_t most, uint64_t *out)
{
    if (sqlite3_column_type(statement, at) != SQLITE_INTEGER)
        return false;
    sqlite3_int64 number = sqlite3_column_int64(statement, at);
    *out = (uint64_t)number;
    return number >= 0 && *out <= most;
}

static bool
row_of(sqlite3_stmt *statement, struct rdt_row *row)
{
    uint64_t kind = 0;
    struct rdt_span mac = {0};
    bool ok = number_at(statement, 0, UINT16_MAX, &kind);
    ok = ok && bytes_at(statement, 1, 1, RDT_STORE_ID_MAX, &row->id);
    ok = ok && number_at(statement, 2, INT64_MAX, &row->revision);
    ok = ok && bytes_at(statement, 3, 0, RDT_STORE_BODY_MAX, &row->body);
    ok = ok && bytes_at(statement, 4, sizeof row->mac, sizeof row->mac, &mac);
    if (ok) {
        row->kind = (uint16_t)kind;
        memcpy(row->mac, mac.p, sizeof row->mac);
    }
    return ok;
}

static bool
outbox_of(sqlite3_stmt *statement, struct rdt_outbox *entry)
{
    struct rdt_span id = {0}, mac = {0};
    bool ok = bytes_at(statement, 0, sizeof entry->id, sizeof entry->id, &id);
    ok = ok && bytes_at(statement, 1, 1, RDT_STORE_RECORD_MAX, &entry->record);
    ok = ok && bytes_at(statement, 2, sizeof entry->mac, sizeof entry->mac, &mac);
    if (ok) {
        memcpy(entry->id, id.p, sizeof entry->id);
        memcpy(entry->mac, mac.p, sizeof entry->mac);
    }
    return ok;
}

static void
reset(sqlite3_stmt **statement)
{
    sqlite3_reset(*statement);
}

/* The end of a loop over results: it was done, or reading failed. */
static enum rdt_code
ended(struct rdt_sqlite *sq, int rc, const char *doing, struct rdt_err *err)
{
    if (rc == SQLITE_DONE)
        return RDT_OK;
    if (rc == SQLITE_TOOBIG) /* nothing that long was ever written */
        return rdt_fail(err, RDT_E_TAMPERED, "%s: a value is too long", doing);
    return rdt_sqlite_fail(sq->db, rc, doing, err);
}

enum rdt_code
rdt_sqlite_rows(struct rdt_engine *engine, rdt_row_fn *fn, void *user, struct rdt_err *err)
{
    struct rdt_sqlite *sq = (struct rdt_sqlite *)engine;
    RDT_AUTO(reset) sqlite3_stmt *each = sq->statements[RDT_SQL_ROWS];
    int rc;
    while ((rc = sqlite3_step(each)) == SQLITE_ROW) {
        struct rdt_row row = {0};
        if (!row_of(each, &row))
            return rdt_fail(err, RDT_E_TAMPERED, "rows: one that was never written so");
        enum rdt_code code = fn(user, &row, err);
        if (code != RDT_OK)
            return code;
    }
    return ended(sq, rc, "rows", err);
}

enum rdt_code
rdt_sqlite_outbox(struct rdt_engine *engine, rdt_outbox_fn *fn, void *user, struct rdt_err *err)
{
    struct rdt_sqlite *sq = (struct rdt_sqlite *)engine;
    RDT_AUTO(reset) sqlite3_stmt *each = sq->statements[RDT_SQL_OUTBOX];
    int rc;
    while ((rc = sqlite3_step(each)) == SQLITE_ROW) {
        struct rdt_outbox entry = {0};
        if (!outbox_of(each, &entry))
            return rdt_fail(err, RDT_E_TAMPERED, "outbox: an entry that was never written so");
        enum rdt_code code = fn(user, &entry, err);
        if (code != RDT_OK)
            return code;
    }
    return ended(sq, rc, "outbox", err);
}

enum rdt_code
rdt_sqlite_value(struct rdt_engine *engine, const char *name, struct rdt_buf *out,
                 struct rdt_err *err)
{
    struct rdt_sqlite *sq = (struct rdt_sqlite *)engine;
    RDT_AUTO(reset) sqlite3_stmt *get = sq->statements[RDT_SQL_VALUE];
    struct rdt_span value = {0};
    int rc = sqlite3_bind_text(get, 1, name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(get);
    if (rc == SQLITE_DONE)
        return rdt_fail(err, RDT_E_NOTFOUND, "no value '%s' in the store", name);
    if (rc != SQLITE_ROW)
        return ended(sq, rc, "value", err);
    if (!bytes_at(get, 0, 0, RDT_STORE_BODY_MAX, &value))
        return rdt_fail(err, RDT_E_TAMPERED, "value '%s': was never written so", name);
    rdt_buf_add(out, value.p, value.n);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "value '%s'", name);
}

enum rdt_code
rdt_sqlite_revision(struct rdt_sqlite *sq, uint64_t *out, struct rdt_err *err)
{
    RDT_AUTO(reset) sqlite3_stmt *get = sq->statements[RDT_SQL_REVISION];
    int rc = sqlite3_step(get);
    if (rc == SQLITE_ROW && number_at(get, 0, INT64_MAX, out))
        return RDT_OK;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return rdt_fail(err, RDT_E_TAMPERED, "the store has lost its revision");
    return rdt_sqlite_fail(sq->db, rc, "revision", err);
}
