/*
 * load.c - the rows of a store, each checked, into memory. A row that fails is counted, and the
 * others are still looked at: the operator shall see at once how much is wrong.
 */
#include "kms/state_internal.h"

#include <stdio.h>
#include <stdlib.h>

struct loading {
    struct rdt_state *state;
    struct rdt_worker *worker;
    uint64_t revision; /* of the store */
    struct rdt_buf id;
    size_t tampered[RDT_KIND_END]; /* by kind; 0: of a kind that there is none of */
    size_t n_tampered;
};

/* Whether the row is what was written, at a revision that the store has reached. */
static enum rdt_code
check_row(struct loading *l, const struct rdt_row *row, uint8_t term[static 32],
          struct rdt_err *err)
{
    uint8_t mac[32];
    enum rdt_code rc = rdt_row_mac(&l->state->keys, l->worker, row, mac, term);
    if (rc != RDT_OK)
        return rdt_fail(err, rc, "check a row");
    bool good =
        rdt_same((struct rdt_span){mac, sizeof mac}, (struct rdt_span){row->mac, sizeof row->mac});
    return good && row->revision <= l->revision ? RDT_OK : RDT_E_TAMPERED;
}

static const char *
account_of(const struct rdt_state *state)
{
    const struct rdt_site *site = rdt_view_site((struct rdt_view){state, NULL});
    return site == NULL || site->account == NULL ? "" : site->account;
}

/* Policies are about the site's account; its row comes first, since its kind is the lowest. */
static enum rdt_code
read_object(struct loading *l, enum rdt_kind kind, const struct rdt_row *row, void *object,
            struct rdt_err *err)
{
    enum rdt_code rc = rdt_record_get(rdt_kind_record(kind), row->body, object, err);
    if (rc != RDT_OK)
        return rc;
    l->id.n = 0;
    rdt_kind_id(kind, object, &l->id);
    if (!rdt_buf_ok(&l->id))
        return rdt_fail(err, RDT_E_NOMEM, "load a row");
    if (!rdt_span_eq(rdt_buf_span(&l->id), row->id))
        return rdt_fail(err, RDT_E_BADINPUT, "a %s lies under another id than its own",
                        rdt_kind_record(kind)->name);
    return rdt_kind_ready(kind, object, account_of(l->state), err);
}

static enum rdt_code
hold(struct loading *l, enum rdt_kind kind, const struct rdt_row *row,
     const uint8_t term[static 32], struct rdt_err *err)
{
    struct rdt_index *index = &l->state->kinds[kind];
    struct rdt_held *held = rdt_held_new(l->state, kind, row->id);
    if (held == NULL || !rdt_index_room(index, 1)) {
        rdt_held_free(kind, held);
        return rdt_fail(err, RDT_E_NOMEM, "load a row");
    }
    held->revision = row->revision;
    memcpy(held->term, term, sizeof held->term);
    enum rdt_code rc = read_object(l, kind, row, rdt_held_object(held), err);
    if (rc == RDT_OK && rdt_index_get(index, held->node.hash, row->id) != NULL)
        rc = rdt_fail(err, RDT_E_TAMPERED, "a %s is there twice", rdt_kind_record(kind)->name);
    if (rc != RDT_OK) {
        rdt_held_free(kind, held);
        return rc;
    }
    rdt_index_insert(index, &held->node);
    rdt_sum_add(&l->state->head.sum, term);
    return RDT_OK;
}

static enum rdt_code
take_row(void *user, const struct rdt_row *row, struct rdt_err *err)
{
    struct loading *l = user;
    uint8_t term[32];
    enum rdt_code rc = check_row(l, row, term, err);
    bool known = rdt_kind_record(row->kind) != NULL;
    if (rc == RDT_E_TAMPERED) {
        l->tampered[known ? row->kind : 0]++;
        l->n_tampered++;
        return RDT_OK;
    }
    if (rc != RDT_OK || l->n_tampered != 0)
        return rc; /* the rest is only counted */
    if (!known)
        return rdt_fail(err, RDT_E_BADINPUT, "a row of the unknown kind %u", row->kind);
    return hold(l, row->kind, row, term, err);
}

static enum rdt_code
say_tampered(const struct loading *l, struct rdt_err *err)
{
    RDT_BUF kinds = {0};
    for (unsigned kind = 0; kind < RDT_KIND_END; kind++)
        if (l->tampered[kind] != 0)
            rdt_buf_fmt(&kinds, "%s%s %zu", kinds.n == 0 ? "" : ", ",
                        kind == 0 ? "unknown" : rdt_kind_record(kind)->name, l->tampered[kind]);
    const char *words = rdt_buf_cstr(&kinds);
    return rdt_fail(err, RDT_E_TAMPERED, "%zu rows were changed outside of Redoubt (%s)",
                    l->n_tampered, words == NULL ? "?" : words);
}

static enum rdt_code
load(struct loading *l, struct rdt_store *store, struct rdt_err *err)
{
    enum rdt_code rc = rdt_store_rows(store, take_row, l, err);
    if (rc != RDT_OK)
        return rc;
    if (l->n_tampered != 0)
        return say_tampered(l, err);
    struct rdt_head *head = &l->state->head;
    head->revision = l->revision;
    rc = rdt_sum_digest(&head->sum, &l->state->keys, l->worker, head->digest);
    return rc == RDT_OK ? RDT_OK : rdt_fail(err, rc, "digest of the rows");
}

/* Readers come all the time, the writer must not wait for a moment without any. */
static bool
make_locks(struct rdt_state *state)
{
    pthread_rwlockattr_t attr;
    if (pthread_rwlockattr_init(&attr) != 0)
        return false;
#ifdef __GLIBC__
    bool ok =
        pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0;
#else
    bool ok = true; /* elsewhere writers come first anyway */
#endif
    ok = ok && pthread_rwlock_init(&state->lock, &attr) == 0;
    pthread_rwlockattr_destroy(&attr);
    if (ok && pthread_mutex_init(&state->head_lock, NULL) != 0) {
        pthread_rwlock_destroy(&state->lock);
        return false;
    }
    return ok;
}

enum rdt_code
rdt_state_load(struct rdt_store *store, const struct rdt_state_keys *keys,
               struct rdt_worker *worker, struct rdt_state **out, struct rdt_err *err)
{
    struct rdt_state *state = calloc(1, sizeof *state);
    if (state == NULL || !make_locks(state)) {
        free(state);
        return rdt_fail(err, RDT_E_NOMEM, "load the rows");
    }
    state->keys = *keys;
    struct loading l = {.state = state, .worker = worker, .revision = rdt_store_revision(store)};
    enum rdt_code rc = rdt_random(worker, state->hash_key, sizeof state->hash_key, err);
    if (rc == RDT_OK)
        rc = load(&l, store, err);
    rdt_buf_done(&l.id);
    if (rc != RDT_OK) {
        rdt_state_free(state);
        return rdt_fail_in(err, rc, "load the rows");
    }
    *out = state;
    return RDT_OK;
}
