#include "field/keyring_internal.h"

#include <stdlib.h>
#include <string.h>

/* The definition borrows its name from the index. */
static void
define(const struct rdt_index_spec *spec, struct rdt_index *index)
{
    memcpy(index->name, spec->name, sizeof index->name);
    index->definition = (struct rdt_field_index){
        .kind = (enum rdt_index_kind)spec->kind,
        .bits = spec->bits,
        .name = rdt_span_str(index->name),
        .normal = {.rule = spec->rule,
                   .version = spec->version,
                   .local = spec->local,
                   .order = spec->order,
                   .country = spec->country,
                   .trunk = spec->trunk},
    };
    memcpy(index->definition.domain, spec->domain, RDT_ID_LEN);
    memcpy(index->column.ring, spec->ring, RDT_ID_LEN);
    index->column.index = &index->definition;
}

enum rdt_field_fault
rdt_index_new(struct rdt_keyring *keyring, const struct rdt_index_spec *spec,
              struct rdt_index **out)
{
    if (spec->size != sizeof *spec || spec->zero != 0 ||
        memchr(spec->name, 0, sizeof spec->name) == NULL)
        return RDT_FIELD_USAGE;
    if (spec->kind != RDT_INDEX_UNIQUE && spec->kind != RDT_INDEX_TRUNCATED)
        return RDT_FIELD_INDEX;
    if (!rdt_keyring_here(keyring))
        return RDT_FIELD_FORKED;
    struct rdt_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return RDT_FIELD_NOMEM;
    index->column.keyring = keyring;
    define(spec, index);
    enum rdt_field_fault fault = rdt_field_index_check(&index->definition);
    if (fault != RDT_FIELD_OK) {
        free(index);
        return fault;
    }
    rdt_column_add(&index->column);
    *out = index;
    return RDT_FIELD_OK;
}

void
rdt_index_free(struct rdt_index *index)
{
    if (index == NULL || !rdt_keyring_here(index->column.keyring))
        return;
    rdt_column_remove(&index->column);
    free(index);
}
