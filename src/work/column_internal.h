/*
 * column_internal.h - what the jobs over a column share: the table as the database has it, the keys
 * of its tenants, and one row at a time.
 */
#ifndef RDT_WORK_COLUMN_INTERNAL_H
#define RDT_WORK_COLUMN_INTERNAL_H

#include "base/arena.h"
#include "base/progress.h"
#include "field/rf1.h"
#include "work/column.h"
#include "work/db_internal.h"

#define RDT_RF1_HEAD 8 /* bytes of a value that name suite, handle and epoch */
#define RDT_AT_LEN 6   /* handle and epoch */

/* A SQL column of the table. */
struct rdt_sql_column {
    const char *name; /* quoted */
    const char *type; /* "bigint": to cast to */
    const char *base; /* its type without domains */
    bool not_null;
};

/* The table, as the database has it. */
struct rdt_table_at {
    struct rdt_arena arena;
    const char *rel; /* "schema"."table", quoted */
    const char *col; /* quoted */
    struct rdt_sql_column value, key[RDT_CATALOGUE_PARTS_MAX], row[RDT_CATALOGUE_PARTS_MAX];
    size_t n_key, n_row;
    struct rdt_sql_column tenant; /* name NULL: one tenant for all */
    bool searchable;              /* values have a token in front */
};

/* rdt_table_find - look the column up.  Fails: RDT_E_NOTFOUND, RDT_E_STATE, RDT_E_DENIED (rights to
 * read, and to write when asked), else as rdt_db_ask().  rdt_table_forget - the closer. */
RDT_MUST_CHECK enum rdt_code rdt_table_find(struct rdt_db *db,
                                            const struct rdt_catalogue_column *column,
                                            bool to_write, struct rdt_table_at *out,
                                            struct rdt_err *err);
void rdt_table_forget(struct rdt_table_at *table);

/* rdt_table_sql - look one SQL column up.  Fails: RDT_E_NOTFOUND, else as rdt_db_ask(). */
RDT_MUST_CHECK enum rdt_code rdt_table_sql(struct rdt_db *db, struct rdt_table_at *table,
                                           const char *name, struct rdt_sql_column *out,
                                           struct rdt_err *err);

/* A tenant of the table, and its keys. */
struct rdt_column_tenant {
    const char *name; /* as the table has it; "" where the catalogue names the one */
    struct rdt_field_column place;
    uint32_t handle;
    uint16_t epoch; /* current */
    uint32_t index_handle;
    uint16_t index_epoch; /* likewise; 0: the column has no tokens */
};

/* The keys of one column, by tenant. */
struct rdt_column_keys;

/* rdt_column_keys_close, rdt_column_keys_close_at - wipe and free; NULL is fine. */
void rdt_column_keys_close(struct rdt_column_keys *keys);
void rdt_column_keys_close_at(struct rdt_column_keys **keys);

/* rdt_column_keys_open - caller closes.  Fails: RDT_E_NOMEM, RDT_E_DENIED (locked memory). */
RDT_MUST_CHECK enum rdt_code rdt_column_keys_open(const struct rdt_column_job *job,
                                                  struct rdt_worker *worker,
                                                  struct rdt_column_keys **out,
                                                  struct rdt_err *err);

/*
 * rdt_column_tenant_get - the tenant of a row, asked for the first time or known.
 *
 *   name   as the table has it; borrowed for the call
 *   out    borrowed until the next call of this function
 */
RDT_MUST_CHECK enum rdt_code rdt_column_tenant_get(struct rdt_column_keys *keys,
                                                   struct rdt_span name,
                                                   const struct rdt_column_tenant **out,
                                                   struct rdt_err *err);

/* rdt_column_tenants - all that are known so far, in no order; borrowed until the next get. */
const struct rdt_column_tenant *rdt_column_tenants(const struct rdt_column_keys *keys, size_t *n);

/* rdt_column_keys_ring - UUID of the ring; zeroes before the first tenant was asked for. */
const uint8_t *rdt_column_keys_ring(const struct rdt_column_keys *keys);

/* rdt_column_keys_ttl - seconds that the service lets a client keep a key. */
uint32_t rdt_column_keys_ttl(const struct rdt_column_keys *keys);

/*
 * rdt_column_keys_get - the column's keys of a tenant in an epoch.
 *
 *   out   borrowed until the next call; NULL: the service does not give that key
 *
 * Fails: as the source, where it says more than that there is no such key.
 */
RDT_MUST_CHECK enum rdt_code rdt_column_keys_get(struct rdt_column_keys *keys,
                                                 const struct rdt_column_tenant *tenant,
                                                 uint16_t epoch, const struct rdt_field_keys **out,
                                                 struct rdt_err *err);

/* Memory for plaintexts: locked where possible, in no core dump, wiped after each value. */
struct rdt_plain {
    uint8_t *p;
    size_t n;   /* bytes that may hold plaintext: wiped */
    size_t len; /* of the value */
    size_t room;
};

/* rdt_plain_room - n bytes of room, what was there is wiped.  rdt_plain_wipe - n to 0.
 * rdt_plain_done - the closer. */
RDT_MUST_CHECK enum rdt_code rdt_plain_room(struct rdt_plain *plain, size_t n, struct rdt_err *err);
void rdt_plain_wipe(struct rdt_plain *plain);
void rdt_plain_done(struct rdt_plain *plain);

/* What a job works with from beginning to end. */
struct rdt_column_work {
    const struct rdt_column_job *job;
    struct rdt_worker *worker;
    struct rdt_column_keys *keys;
    struct rdt_column_tokens *tokens; /* NULL: the column is not searchable */
    struct rdt_table_at table;
    struct rdt_secret record;
    struct rdt_plain plain;
    struct rdt_buf row; /* the row's key of the row under way */
    struct rdt_progress progress;
};

/* rdt_column_work_open - fill *out, which is {0}; rdt_column_work_done - the closer. */
RDT_MUST_CHECK enum rdt_code rdt_column_work_open(const struct rdt_column_job *job, bool to_write,
                                                  struct rdt_column_work *out, struct rdt_err *err);
void rdt_column_work_done(struct rdt_column_work *work);

/* A row as a job reads it: where its fields stand among the result's columns. */
struct rdt_column_layout {
    size_t value, tenant, row, key; /* first column of each; row and key have several */
};

/* rdt_column_fields - append `tenant, row.., key.., ` as text, and the value as bytea, to a SELECT;
 * t is the table's alias ("t."), and the layout says where they are. */
void rdt_column_fields(const struct rdt_table_at *table, const char *t, struct rdt_buf *sql,
                       struct rdt_column_layout *layout);

/* rdt_column_heads - the same without the value, which the caller puts there. */
void rdt_column_heads(const struct rdt_table_at *table, const char *t, struct rdt_buf *sql,
                      struct rdt_column_layout *layout);

/* rdt_column_order - append "t.k1, t.k2".  rdt_column_after - append `AND (keys) > ($n, ...)`. */
void rdt_column_order(const struct rdt_table_at *table, const char *t, struct rdt_buf *sql);
void rdt_column_after(const struct rdt_table_at *table, size_t first, struct rdt_buf *sql);

/* The value of a row, opened. */
struct rdt_column_value {
    const struct rdt_column_tenant *tenant;
    struct rdt_span value, front; /* the RF1; what stands before it */
    struct rdt_rf1 rf1;           /* of value, where it is one */
    struct rdt_span row;          /* the row's key, empty where not bound */
    enum rdt_field_fault fault;   /* why it cannot be read */
};

/*
 * rdt_column_open - decrypt the value of row i into work->plain, or say in out->fault why not.
 *
 * Fails: where the job cannot go on: keys, memory.
 */
RDT_MUST_CHECK enum rdt_code rdt_column_open(struct rdt_column_work *work,
                                             const struct rdt_rows *rows,
                                             const struct rdt_column_layout *layout, size_t i,
                                             struct rdt_column_value *out, struct rdt_err *err);

/* rdt_column_seal - encrypt work->plain for the tenant and row of a value, under the tenant's
 * current epochs; out is appended to: a token first, where the column is searchable. Says in
 * value->fault when no token can be made of it. */
RDT_MUST_CHECK enum rdt_code rdt_column_seal(struct rdt_column_work *work,
                                             struct rdt_column_value *value, struct rdt_buf *out,
                                             struct rdt_err *err);

/* Keys of the tokens in front of values. */
struct rdt_column_tokens;

/* rdt_column_tokens_open - caller closes.  rdt_column_tokens_close - wipe and free; NULL is fine.
 */
RDT_MUST_CHECK enum rdt_code rdt_column_tokens_open(const struct rdt_column_job *job,
                                                    struct rdt_worker *worker,
                                                    struct rdt_column_tokens **out,
                                                    struct rdt_err *err);
void rdt_column_tokens_close(struct rdt_column_tokens *tokens);

/* rdt_column_ask_index - the key of a tenant in the ring of the column's index. */
RDT_MUST_CHECK enum rdt_code rdt_column_ask_index(const struct rdt_column_job *job,
                                                  const struct rdt_field_column *place,
                                                  uint16_t epoch, struct rdt_tenant_kek *out,
                                                  struct rdt_err *err);

/* rdt_column_front - append what stands before the RF1 of work->plain; value->fault where no token
 * can be made of it.  rdt_column_front_check - whether value->front is that of work->plain. */
RDT_MUST_CHECK enum rdt_code rdt_column_front(struct rdt_column_work *work,
                                              struct rdt_column_value *value, struct rdt_buf *out,
                                              struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_column_front_check(struct rdt_column_work *work,
                                                    struct rdt_column_value *value,
                                                    struct rdt_err *err);

/* rdt_column_unseal - decrypt a value whose tenant and row are in value->tenant and work->row, into
 * work->plain, or say in out->fault why not: what rdt_column_open() does for a row. */
RDT_MUST_CHECK enum rdt_code rdt_column_unseal(struct rdt_column_work *work, struct rdt_span value,
                                               struct rdt_column_value *out, struct rdt_err *err);

/* rdt_column_row_key - the row's key of row i into work->row.  Fails: RDT_E_BADINPUT (empty), ...
 */
RDT_MUST_CHECK enum rdt_code rdt_column_row_key(struct rdt_column_work *work,
                                                const struct rdt_rows *rows,
                                                const struct rdt_column_layout *layout, size_t i,
                                                struct rdt_err *err);

/* rdt_column_note_bad - count a value that cannot be read, and name its row where that was asked
 * for. */
void rdt_column_note_bad(struct rdt_column_work *work, const struct rdt_rows *rows,
                         const struct rdt_column_layout *layout, size_t i,
                         enum rdt_field_fault fault, struct rdt_column_bad *bad);

/* rdt_column_batch - rows of a job's first page: few, since nobody knows how long values are.
 * rdt_column_batch_next - of the next one, after a page of so many that took so many bytes. */
size_t rdt_column_batch(const struct rdt_column_job *job);
size_t rdt_column_batch_next(const struct rdt_column_job *job, size_t now, size_t bytes);

/* rdt_column_say - a word to whoever listens. */
void rdt_column_say(const struct rdt_column_job *job, const char *fmt, ...) RDT_PRINTF(2, 3);

/* What a column holds, by tenant and head. */
struct rdt_column_group {
    const char *tenant;
    uint32_t handle;
    uint16_t epoch, index_epoch;
    bool is_value; /* of this format, and of the tenant's handle */
    uint64_t n;
};

/*
 * rdt_column_groups - count the column by tenant, handle and epoch, in one scan; asks for each
 * tenant's current key.
 *
 *   out    in arena
 *   nulls  may be NULL
 */
RDT_MUST_CHECK enum rdt_code rdt_column_groups(struct rdt_column_work *work,
                                               struct rdt_arena *arena,
                                               struct rdt_column_group **out, size_t *n,
                                               uint64_t *nulls, struct rdt_err *err);

/* A column with plaintexts and its twin. */
struct rdt_twin_at {
    const char *plain, *sealed; /* quoted names: where plaintexts and values are now */
    const char *bare_plain;     /* name of the plaintext column, not quoted */
    const char *function;       /* quoted, with its schema: of the trigger */
    const char *trigger;
    const char *as_bytes; /* SQL that makes the plaintext bytes; %s is the column */
    bool was_not_null;
};

/* rdt_twin_find - how far the column is, from the database alone.  rdt_twin_begin - the twin and
 * its trigger.  rdt_twin_cut - within a transaction that has the table locked: names changed, the
 * trigger the other way round.  rdt_twin_drop - the plaintext column and the trigger go, in a short
 * transaction. rdt_twin_not_null - the encrypted column takes over what the plaintext one was. */
RDT_MUST_CHECK enum rdt_code rdt_twin_find(struct rdt_column_work *work, struct rdt_twin_at *out,
                                           enum rdt_column_stage *stage, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_twin_begin(struct rdt_column_work *work,
                                            const struct rdt_twin_at *twin, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_twin_cut(struct rdt_column_work *work,
                                          const struct rdt_twin_at *twin, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_twin_drop(struct rdt_column_work *work,
                                           const struct rdt_twin_at *twin, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_twin_not_null(struct rdt_column_work *work, struct rdt_err *err);

/* rdt_column_facts - append what the database itself says of the column (redoubt.prove()); nothing
 * where pgext is not installed. */
RDT_MUST_CHECK enum rdt_code rdt_column_facts(struct rdt_column_work *work, struct rdt_buf *out,
                                              struct rdt_err *err);

/* rdt_pgext_there - whether pgext is installed; an older one than 1.1 counts as none. */
RDT_MUST_CHECK enum rdt_code rdt_pgext_there(struct rdt_db *db, bool *out, struct rdt_err *err);

#endif
