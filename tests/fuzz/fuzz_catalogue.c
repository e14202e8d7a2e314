/* A catalogue in: one that can be asked for each of its columns, or at least one complaint. */
#include "work/catalogue.h"

#include "known_leaks.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_AUTO(rdt_catalogue_free_at) struct rdt_catalogue *catalogue = NULL;
    struct rdt_err err = {0};
    enum rdt_code rc =
        rdt_catalogue_parse("fuzz.yaml", (struct rdt_span){bytes, n}, &diags, &catalogue, &err);
    if (rc != RDT_OK && (catalogue != NULL || err.text[0] == '\0'))
        abort();
    if (rc == RDT_E_BADINPUT && diags.n == 0)
        abort();
    size_t n_columns = 0;
    const struct rdt_catalogue_column *columns =
        rc == RDT_OK ? rdt_catalogue_columns(catalogue, &n_columns) : NULL;
    for (size_t i = 0; i < n_columns; i++) {
        const struct rdt_catalogue_column *column = NULL;
        if (rdt_catalogue_find(catalogue, columns[i].name, &column, &err) != RDT_OK ||
            column != &columns[i] || column->ring == NULL || column->schema == NULL ||
            column->table == NULL || column->field == NULL ||
            (column->tenant == NULL) == (column->tenant_column == NULL))
            abort();
        if (column->index != NULL && (column->index->ring == NULL ||
                                      rdt_field_index_check(&column->index->as) != RDT_FIELD_OK))
            abort();
    }
    return 0;
}
