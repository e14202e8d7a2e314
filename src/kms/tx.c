/*
 * tx.c - changes that nobody else sees yet. Each row that a call changes is staged as a copy. Of a
 * row that an earlier call of the commit changed another copy is made, so that the failure of one
 * call takes back its own changes and no others.
 */
#include "kms/state_internal.h"

#include <assert.h>
#include <stdlib.h>

#define STEPS_FIRST ((size_t)16)

enum rdt_code
rdt_tx_begin(struct rdt_state *state, struct rdt_tx **out, struct rdt_err *err)
{
    if (state->writing)
        return rdt_fail(err, RDT_E_STATE, "a transaction is under way");
    struct rdt_tx *tx = calloc(1, sizeof *tx);
    if (tx == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "begin a transaction");
    state->writing = true;
    tx->state = state;
    tx->head = state->head;
    tx->broken = SIZE_MAX;
    *out = tx;
    return RDT_OK;
}

void
rdt_tx_raise(struct rdt_tx *tx, uint64_t revision)
{
    if (tx->head.revision < revision)
        tx->head.revision = revision;
}

struct rdt_view
rdt_tx_view(const struct rdt_tx *tx)
{
    return (struct rdt_view){tx->state, tx};
}

const char *
rdt_tx_account(const struct rdt_tx *tx)
{
    const struct rdt_site *site = rdt_view_site(rdt_tx_view(tx));
    return site == NULL || site->account == NULL ? "" : site->account;
}

struct rdt_staged *
rdt_tx_staged(const struct rdt_tx *tx, enum rdt_kind kind, uint64_t hash, struct rdt_span id)
{
    return rdt_staged_of(rdt_index_get(&tx->kinds[kind], hash, id));
}

struct rdt_step *
rdt_tx_step(struct rdt_tx *tx)
{
    if (tx->n_steps == tx->cap_steps) {
        size_t cap = tx->cap_steps == 0 ? STEPS_FIRST : 2 * tx->cap_steps;
        struct rdt_step *steps = realloc(tx->steps, cap * sizeof *steps);
        if (steps == NULL)
            return NULL;
        tx->steps = steps;
        tx->cap_steps = cap;
    }
    return &tx->steps[tx->n_steps];
}

/* ---- staging ---- */

/* A row as the transaction finds it. */
struct found {
    enum rdt_kind kind;
    struct rdt_span id;
    uint64_t hash;
    struct rdt_staged *staged;
    struct rdt_held *base;
    struct rdt_held *row; /* what it sees; NULL: nothing */
};

static bool
find(const struct rdt_tx *tx, enum rdt_kind kind, struct rdt_span id, struct found *out)
{
    if (rdt_kind_record(kind) == NULL || id.n == 0 || id.n > RDT_STORE_ID_MAX)
        return false;
    struct found f = {.kind = kind, .id = id};
    f.hash = rdt_index_hash(tx->state->hash_key, id);
    f.staged = rdt_tx_staged(tx, kind, f.hash, id);
    f.base = f.staged != NULL ? f.staged->base : rdt_state_held(tx->state, kind, f.hash, id);
    f.row = f.staged != NULL ? f.staged->row : f.base;
    *out = f;
    return true;
}

static struct rdt_staged *
touched(struct rdt_tx *tx, struct rdt_staged *staged)
{
    staged->dirty = true;
    if (staged->at < tx->dirty_from)
        tx->dirty_from = staged->at;
    return staged;
}

/* Whether what is staged may be changed in its place: nothing before the mark may. */
static bool
is_own(const struct rdt_tx *tx, const struct rdt_staged *staged)
{
    return staged != NULL && staged->at >= tx->mark;
}

/* The place for a changed row, without one; NULL when out of memory. */
static struct rdt_staged *
stage(struct rdt_tx *tx, const struct found *f)
{
    if (is_own(tx, f->staged))
        return touched(tx, f->staged);
    struct rdt_index *index = &tx->kinds[f->kind];
    struct rdt_step *step = rdt_tx_step(tx);
    struct rdt_staged *staged = calloc(1, sizeof *staged + f->id.n);
    if (step == NULL || staged == NULL || !rdt_index_room(index, 1)) {
        free(staged);
        return NULL;
    }
    rdt_index_set_id(&staged->node, f->hash, f->id);
    staged->base = f->base;
    staged->under = f->staged;
    staged->kind = f->kind;
    staged->at = tx->n_steps++;
    *step = (struct rdt_step){.change = staged};
    if (f->staged != NULL)
        rdt_index_remove(index, &f->staged->node);
    rdt_index_insert(index, &staged->node);
    return touched(tx, staged);
}

static void *
staged_row(struct rdt_tx *tx, const struct found *f, struct rdt_held *row)
{
    struct rdt_staged *staged = row == NULL ? NULL : stage(tx, f);
    if (staged == NULL) {
        rdt_held_free(f->kind, row);
        return NULL;
    }
    staged->row = row;
    return rdt_held_object(row);
}

void *
rdt_tx_edit(struct rdt_tx *tx, enum rdt_kind kind, struct rdt_span id)
{
    struct found f;
    if (!find(tx, kind, id, &f) || f.row == NULL)
        return NULL;
    if (is_own(tx, f.staged))
        return rdt_held_object(touched(tx, f.staged)->row);
    struct rdt_held *copy = rdt_held_new(tx->state, kind, id);
    if (copy == NULL)
        return NULL;
    void *object = rdt_held_object(copy);
    /* ready at once: a policy that is there must not look like the default one until the seal */
    if (rdt_record_copy(rdt_kind_record(kind), rdt_held_object(f.row), object) != RDT_OK ||
        rdt_kind_ready(kind, object, rdt_tx_account(tx), NULL) != RDT_OK) {
        rdt_held_free(kind, copy);
        return NULL;
    }
    return staged_row(tx, &f, copy);
}

void *
rdt_tx_add(struct rdt_tx *tx, enum rdt_kind kind, struct rdt_span id)
{
    struct found f;
    if (!find(tx, kind, id, &f) || f.row != NULL)
        return NULL;
    return staged_row(tx, &f, rdt_held_new(tx->state, kind, id));
}

bool
rdt_tx_remove(struct rdt_tx *tx, enum rdt_kind kind, struct rdt_span id)
{
    struct found f;
    struct rdt_staged *staged = NULL;
    if (find(tx, kind, id, &f) && f.row != NULL)
        staged = stage(tx, &f);
    if (staged == NULL)
        return false;
    rdt_held_free(kind, staged->row);
    staged->row = NULL;
    return true;
}

/* ---- the way back ---- */

static void
free_staged(struct rdt_staged *staged)
{
    rdt_held_free(staged->kind, staged->row);
    rdt_buf_done(&staged->body);
    free(staged);
}

static void
back(struct rdt_tx *tx)
{
    struct rdt_step step = tx->steps[--tx->n_steps];
    if (step.change == NULL) {
        tx->head = *step.before;
        free(step.before);
        return;
    }
    struct rdt_staged *staged = step.change, *under = staged->under;
    struct rdt_index *index = &tx->kinds[staged->kind];
    rdt_index_remove(index, &staged->node);
    if (under != NULL)
        rdt_index_insert(index, &under->node);
    free_staged(staged);
}

size_t
rdt_tx_mark(struct rdt_tx *tx)
{
    return tx->mark = tx->n_steps;
}

void
rdt_tx_undo(struct rdt_tx *tx, size_t mark)
{
    assert(mark <= tx->n_steps);
    while (tx->n_steps > mark)
        back(tx);
    tx->mark = mark;
    tx->dirty_from = 0;
    if (mark <= tx->broken)
        tx->broken = SIZE_MAX;
}

/* What was made and removed again since nobody saw it is no change. */
static bool
is_change(const struct rdt_staged *staged)
{
    const struct rdt_held *was = staged->under != NULL ? staged->under->row : staged->base;
    return staged->row != NULL || was != NULL;
}

size_t
rdt_tx_changed(const struct rdt_tx *tx, size_t mark)
{
    size_t n = 0;
    for (size_t i = mark; i < tx->n_steps; i++)
        n += tx->steps[i].change != NULL && is_change(tx->steps[i].change);
    return n;
}

bool
rdt_tx_added(const struct rdt_tx *tx, size_t mark, enum rdt_kind kind)
{
    for (size_t i = mark; i < tx->n_steps; i++) {
        const struct rdt_staged *staged = tx->steps[i].change;
        if (staged != NULL && staged->kind == kind && staged->base == NULL && staged->row != NULL &&
            staged->under == NULL)
            return true;
    }
    return false;
}

size_t
rdt_tx_rows(const struct rdt_tx *tx, enum rdt_kind kind)
{
    size_t n = rdt_state_count(tx->state, kind);
    for (struct rdt_index_node *node = tx->kinds[kind].first; node != NULL; node = node->next) {
        const struct rdt_staged *staged = rdt_staged_of(node);
        n += staged->row != NULL;
        n -= staged->base != NULL;
    }
    return n;
}

void
rdt_tx_drop(struct rdt_tx *tx)
{
    if (tx == NULL)
        return;
    for (size_t i = 0; i < tx->n_steps; i++) {
        free(tx->steps[i].before);
        if (tx->steps[i].change != NULL)
            free_staged(tx->steps[i].change);
    }
    for (unsigned kind = 0; kind < RDT_KIND_END; kind++)
        rdt_index_done(&tx->kinds[kind]);
    free(tx->steps);
    tx->state->writing = false;
    free(tx);
}
