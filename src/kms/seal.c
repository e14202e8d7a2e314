/*
 * seal.c - what a call changed becomes authenticated bytes, and the digest follows.
 */
#include "kms/state_internal.h"

#include <stdlib.h>

struct sealing {
    struct rdt_tx *tx;
    struct rdt_worker *worker;
    struct rdt_head head; /* what is to become of the transaction's */
};

/* What a row has in the sum now: as sealed last in this commit, or as published; NULL: nothing. */
static const uint8_t *
counted_term(const struct rdt_staged *staged)
{
    const struct rdt_staged *s = staged;
    while (s != NULL && !s->sealed)
        s = s->under;
    if (s != NULL)
        return s->counted ? s->term : NULL;
    return staged->base == NULL ? NULL : staged->base->term;
}

/* A row that could not be read at the next start, or under another id, must not be written. */
static enum rdt_code
check_readable(const struct rdt_staged *staged, struct rdt_err *err)
{
    const struct rdt_record *record = rdt_kind_record(staged->kind);
    RDT_BUF id = {0};
    void *again = calloc(1, record->size);
    if (again == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "seal a row");
    enum rdt_code rc = rdt_record_get(record, rdt_buf_span(&staged->body), again, err);
    if (rc == RDT_OK)
        rdt_kind_id(staged->kind, again, &id);
    rdt_record_done(record, again);
    free(again);
    if (rc == RDT_OK && !rdt_buf_ok(&id))
        return rdt_fail(err, RDT_E_NOMEM, "seal a row");
    if (rc == RDT_OK && !rdt_span_eq(rdt_buf_span(&id), rdt_index_id(&staged->node)))
        return rdt_fail(err, RDT_E_INTERNAL, "a %s has another id than it was staged under",
                        record->name);
    return rc;
}

static enum rdt_code
encode(struct rdt_tx *tx, struct rdt_staged *staged, struct rdt_err *err)
{
    const struct rdt_record *record = rdt_kind_record(staged->kind);
    void *object = rdt_held_object(staged->row);
    enum rdt_code rc = rdt_kind_ready(staged->kind, object, rdt_tx_account(tx), err);
    if (rc != RDT_OK)
        return rc;
    rdt_buf_done(&staged->body);
    rdt_record_put(record, object, &staged->body);
    if (staged->body.full || staged->body.n > RDT_STORE_BODY_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a %s is larger than %zu bytes", record->name,
                        RDT_STORE_BODY_MAX);
    if (!rdt_buf_ok(&staged->body))
        return rdt_fail(err, RDT_E_NOMEM, "seal a %s", record->name);
    return check_readable(staged, err);
}

struct rdt_row
rdt_staged_row(const struct rdt_staged *staged, uint64_t revision)
{
    struct rdt_row row = {(uint16_t)staged->kind, rdt_index_id(&staged->node), revision, {0}, {0}};
    if (staged->row != NULL) {
        row.body = rdt_buf_span(&staged->body);
        if (row.body.p == NULL)
            row.body.p = (const uint8_t *)"";
        memcpy(row.mac, staged->mac, sizeof row.mac);
    }
    return row;
}

static enum rdt_code
seal_row(struct sealing *s, struct rdt_staged *staged, struct rdt_err *err)
{
    const uint8_t *old = counted_term(staged);
    if (old != NULL)
        rdt_sum_take(&s->head.sum, old);
    if (staged->row != NULL) {
        enum rdt_code rc = encode(s->tx, staged, err);
        if (rc != RDT_OK)
            return rc;
        struct rdt_row row = rdt_staged_row(staged, s->head.revision);
        rc = rdt_row_mac(&s->tx->state->keys, s->worker, &row, staged->mac, staged->term);
        if (rc != RDT_OK)
            return rdt_fail(err, rc, "authenticate a row");
        rdt_sum_add(&s->head.sum, staged->term);
        staged->row->revision = row.revision;
        memcpy(staged->row->term, staged->term, sizeof staged->term);
    }
    staged->counted = staged->row != NULL;
    staged->sealed = true;
    staged->dirty = false;
    return RDT_OK;
}

static bool
is_newest(const struct rdt_tx *tx, const struct rdt_staged *staged)
{
    return rdt_tx_staged(tx, staged->kind, staged->node.hash, rdt_index_id(&staged->node)) ==
           staged;
}

size_t
rdt_tx_count(const struct rdt_tx *tx)
{
    size_t n = 0;
    for (unsigned kind = 0; kind < RDT_KIND_END; kind++)
        n += tx->kinds[kind].n;
    return n;
}

static enum rdt_code
seal_rows(struct sealing *s, size_t *n, struct rdt_err *err)
{
    struct rdt_tx *tx = s->tx;
    if (rdt_tx_count(tx) > RDT_STORE_CHANGES_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d rows in one commit", RDT_STORE_CHANGES_MAX);
    for (size_t i = tx->dirty_from; i < tx->n_steps; i++) {
        struct rdt_staged *staged = tx->steps[i].change;
        if (staged == NULL || !staged->dirty || !is_newest(tx, staged))
            continue;
        if ((*n)++ == 0)
            tx->broken = i; /* until all is well */
        enum rdt_code rc = seal_row(s, staged, err);
        if (rc != RDT_OK)
            return rc;
    }
    return *n == 0 ? RDT_OK
                   : rdt_sum_digest(&s->head.sum, &tx->state->keys, s->worker, s->head.digest);
}

static enum rdt_code
push_seal(struct rdt_tx *tx, const struct rdt_head *head, struct rdt_err *err)
{
    struct rdt_step *step = rdt_tx_step(tx);
    struct rdt_head *before = malloc(sizeof *before);
    if (step == NULL || before == NULL) {
        free(before);
        return rdt_fail(err, RDT_E_NOMEM, "seal a call");
    }
    *before = tx->head;
    *step = (struct rdt_step){.before = before};
    tx->n_steps++;
    tx->head = *head;
    return RDT_OK;
}

enum rdt_code
rdt_tx_seal(struct rdt_tx *tx, struct rdt_worker *worker, uint64_t *revision,
            uint8_t digest[static 32], struct rdt_err *err)
{
    if (tx->broken != SIZE_MAX)
        return rdt_fail(err, RDT_E_INTERNAL, "seal after a failed seal that was not undone");
    struct sealing s = {tx, worker, tx->head};
    size_t n = 0;
    s.head.revision++;
    enum rdt_code rc = seal_rows(&s, &n, err);
    if (rc == RDT_OK && n != 0)
        rc = push_seal(tx, &s.head, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "seal");
    tx->broken = SIZE_MAX;
    tx->dirty_from = tx->n_steps;
    *revision = tx->head.revision;
    memcpy(digest, tx->head.digest, sizeof tx->head.digest);
    return RDT_OK;
}
