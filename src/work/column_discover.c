/* Encrypted values in places that no catalogue names: what a rotation of the columns would miss. */
#include "work/column_internal.h"

void
rdt_column_places_done(struct rdt_column_places *places)
{
    rdt_arena_done(&places->arena);
}

static enum rdt_code
put_places(struct rdt_column_places *out, const struct rdt_rows *rows, struct rdt_err *err)
{
    out->at = rdt_arena_new(&out->arena, (rows->n + 1) * sizeof *out->at);
    if (out->at == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "discover");
    for (size_t i = 0; i < rows->n; i++) {
        struct rdt_column_place *at = &out->at[i];
        const char **texts[] = {&at->relation, &at->column, &at->type, &at->form, &at->note};
        for (size_t k = 0; k < RDT_COUNT(texts); k++) {
            *texts[k] = rdt_arena_str(&out->arena, rdt_rows_at(rows, i, k));
            if (*texts[k] == NULL)
                return rdt_fail(err, RDT_E_NOMEM, "discover");
        }
        at->handle = (uint32_t)rdt_rows_number(rows, i, 5);
        at->epoch_min = (uint16_t)rdt_rows_number(rows, i, 6);
        at->epoch_max = (uint16_t)rdt_rows_number(rows, i, 7);
        at->n = rdt_rows_number(rows, i, 8);
        at->in_catalogue = rdt_rows_true(rows, i, 9);
    }
    out->n = rows->n;
    return RDT_OK;
}

static bool
put_names(const struct rdt_catalogue_column *columns, size_t n, struct rdt_db_array *rels,
          struct rdt_db_array *cols)
{
    rdt_db_array_start(rels, RDT_OID_TEXT);
    rdt_db_array_start(cols, RDT_OID_TEXT);
    for (size_t i = 0; i < n; i++) {
        RDT_BUF rel = {0};
        rdt_db_quote(&rel, columns[i].schema);
        rdt_buf_str(&rel, ".");
        rdt_db_quote(&rel, columns[i].table);
        if (!rdt_buf_ok(&rel))
            return false;
        rdt_db_array_add(rels, rdt_buf_span(&rel));
        rdt_db_array_add(cols, rdt_span_str(columns[i].field));
    }
    return rdt_db_array_param(rels).value.p != NULL && rdt_db_array_param(cols).value.p != NULL;
}

enum rdt_code
rdt_column_discover(struct rdt_db *db, const struct rdt_catalogue_column *columns, size_t n,
                    struct rdt_column_places *out, struct rdt_err *err)
{
    RDT_AUTO(rdt_db_array_done) struct rdt_db_array rels = {0};
    RDT_AUTO(rdt_db_array_done) struct rdt_db_array cols = {0};
    RDT_ROWS rows = {0};
    enum rdt_code rc = rdt_pgext_there(db, &out->looked, err);
    if (rc != RDT_OK || !out->looked)
        return rc;
    if (!put_names(columns, n, &rels, &cols))
        return rdt_fail(err, RDT_E_NOMEM, "discover");
    rc = rdt_db_ask(
        db,
        "WITH known AS MATERIALIZED (SELECT t.relation::oid AS rel, c.col FROM "
        "unnest($1::text[], $2::text[]) AS c(rel, col), redoubt.tree(to_regclass(c.rel)) AS t) "
        "SELECT d.relation, d.col::text, d.type, coalesce(d.form, ''), coalesce(d.note, ''), "
        "coalesce(d.handle, 0)::text, coalesce(d.epoch_min, 0)::text, "
        "coalesce(d.epoch_max, 0)::text, coalesce(d.n, 0)::text, EXISTS (SELECT 1 FROM known k "
        "WHERE k.col = d.col AND k.rel = d.relation::regclass::oid) "
        "FROM redoubt.discover(100) AS d",
        (struct rdt_db_param[]){rdt_db_array_param(&rels), rdt_db_array_param(&cols)}, 2, &rows,
        err);
    if (rc == RDT_OK)
        rc = put_places(out, &rows, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "discover");
}
