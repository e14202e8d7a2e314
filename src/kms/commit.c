/*
 * commit.c - bytes to the store, and only what it has made durable to the readers.
 */
#include "kms/state_internal.h"

#include <stdlib.h>

/* What a commit prepares, so that nothing can fail once the store has it. */
struct commit {
    struct rdt_tx *tx;
    struct rdt_row *rows;
    size_t n_rows;
    struct rdt_index_slot *slots[RDT_KIND_END]; /* larger tables, then the old ones */
    size_t n_slots[RDT_KIND_END];
};

static void
commit_done(struct commit *c)
{
    free(c->rows);
    for (unsigned kind = 0; kind < RDT_KIND_END; kind++)
        free(c->slots[kind]);
}

static bool
collect(struct commit *c, unsigned kind, size_t *added)
{
    for (struct rdt_index_node *node = c->tx->kinds[kind].first; node != NULL; node = node->next) {
        const struct rdt_staged *staged = rdt_staged_of(node);
        if (staged->dirty)
            return false;
        *added += staged->row != NULL && staged->base == NULL;
        if (staged->row == NULL && staged->base == NULL)
            continue; /* came and went within the commit */
        uint64_t revision = staged->row == NULL ? c->tx->head.revision : staged->row->revision;
        c->rows[c->n_rows++] = rdt_staged_row(staged, revision);
    }
    return true;
}

static enum rdt_code
prepare(struct commit *c, struct rdt_err *err)
{
    size_t n = rdt_tx_count(c->tx);
    if (c->tx->broken != SIZE_MAX)
        return rdt_fail(err, RDT_E_INTERNAL, "commit after a failed seal that was not undone");
    c->rows = calloc(n == 0 ? 1 : n, sizeof *c->rows);
    if (c->rows == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "commit");
    for (unsigned kind = 0; kind < RDT_KIND_END; kind++) {
        size_t added = 0;
        if (!collect(c, kind, &added))
            return rdt_fail(err, RDT_E_INTERNAL, "commit of a change that was not sealed");
        const struct rdt_index *index = &c->tx->state->kinds[kind];
        c->slots[kind] = rdt_index_grown(index, added, &c->n_slots[kind]);
        if (c->n_slots[kind] != 0 && c->slots[kind] == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "commit");
    }
    return RDT_OK;
}

static void
swap_bytes(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

/* Afterwards staged->row is what nobody can see any more; it is freed with the transaction, when
 * the readers are let in again. */
static void
publish_row(struct rdt_index *index, struct rdt_staged *staged)
{
    struct rdt_held *base = staged->base, *row = staged->row;
    if (base != NULL && row != NULL) {
        /* the row keeps its place in the index, its content is exchanged */
        base->revision = row->revision;
        memcpy(base->term, row->term, sizeof base->term);
        swap_bytes(rdt_held_object(base), rdt_held_object(row),
                   rdt_kind_record(staged->kind)->size);
    } else if (row != NULL) {
        rdt_index_insert(index, &row->node);
        staged->row = NULL;
    } else if (base != NULL) {
        rdt_index_remove(index, &base->node);
        staged->row = base;
    }
}

static void
publish(struct commit *c)
{
    struct rdt_state *state = c->tx->state;
    rdt_state_must(pthread_rwlock_wrlock(&state->lock));
    for (unsigned kind = 0; kind < RDT_KIND_END; kind++) {
        struct rdt_index *index = &state->kinds[kind];
        if (c->n_slots[kind] != 0)
            c->slots[kind] = rdt_index_adopt(index, c->slots[kind], c->n_slots[kind]);
        for (struct rdt_index_node *node = c->tx->kinds[kind].first; node != NULL;
             node = node->next)
            publish_row(index, rdt_staged_of(node));
    }
    rdt_state_must(pthread_mutex_lock(&state->head_lock));
    state->head = c->tx->head;
    rdt_state_must(pthread_mutex_unlock(&state->head_lock));
    rdt_state_must(pthread_rwlock_unlock(&state->lock));
}

enum rdt_code
rdt_tx_commit(struct rdt_tx *tx, struct rdt_store *store, const struct rdt_tx_records *records,
              struct rdt_err *err)
{
    static const struct rdt_tx_records none;
    const struct rdt_tx_records *r = records == NULL ? &none : records;
    struct commit c = {.tx = tx};
    bool changed = tx->head.revision != tx->state->head.revision;
    enum rdt_code rc = prepare(&c, err);
    if (rc == RDT_OK && !changed && r->n_outbox != 0)
        rc = rdt_fail(err, RDT_E_INTERNAL, "audit records of a commit that changes nothing");
    if (rc == RDT_OK && (changed || r->n_sent != 0)) {
        const struct rdt_commit commit = {tx->head.revision, c.rows,  c.n_rows, r->outbox,
                                          r->n_outbox,       r->sent, r->n_sent};
        rc = rdt_store_commit(store, &commit, err);
        if (rc == RDT_OK)
            publish(&c);
    }
    commit_done(&c);
    rdt_tx_drop(tx);
    return rc;
}
