/*
 * state.c - rows in memory, who may look at them, and the digest over them.
 */
#include "kms/state_internal.h"

#include <assert.h>
#include <stdlib.h>

struct rdt_held *
rdt_held_new(const struct rdt_state *state, enum rdt_kind kind, struct rdt_span id)
{
    struct rdt_held *row =
        calloc(1, sizeof *row + (id.n + 7) / 8 * 8 + rdt_kind_record(kind)->size);
    if (row != NULL)
        rdt_index_set_id(&row->node, rdt_index_hash(state->hash_key, id), id);
    return row;
}

void
rdt_held_free(enum rdt_kind kind, struct rdt_held *row)
{
    if (row == NULL)
        return;
    rdt_kind_done(kind, rdt_held_object(row));
    free(row);
}

struct rdt_held *
rdt_state_held(const struct rdt_state *state, enum rdt_kind kind, uint64_t hash, struct rdt_span id)
{
    return rdt_held_of(rdt_index_get(&state->kinds[kind], hash, id));
}

void
rdt_state_free(struct rdt_state *state)
{
    if (state == NULL)
        return;
    assert(!state->writing);
    for (unsigned kind = 0; kind < RDT_KIND_END; kind++) {
        for (struct rdt_index_node *node = state->kinds[kind].first, *next; node != NULL;
             node = next) {
            next = node->next;
            rdt_held_free(kind, rdt_held_of(node));
        }
        rdt_index_done(&state->kinds[kind]);
    }
    pthread_mutex_destroy(&state->head_lock);
    pthread_rwlock_destroy(&state->lock);
    free(state);
}

void
rdt_state_must(int failed)
{
    if (failed != 0)
        abort();
}

void
rdt_state_lock_shared(struct rdt_state *state)
{
    rdt_state_must(pthread_rwlock_rdlock(&state->lock));
}

void
rdt_state_unlock(struct rdt_state *state)
{
    rdt_state_must(pthread_rwlock_unlock(&state->lock));
}

/* The lock is no part of what a reader sees as const. */
static pthread_mutex_t *
head_lock(const struct rdt_state *state)
{
    return (pthread_mutex_t *)&state->head_lock;
}

void
rdt_state_published(const struct rdt_state *state, uint64_t *revision, uint8_t digest[static 32])
{
    rdt_state_must(pthread_mutex_lock(head_lock(state)));
    *revision = state->head.revision;
    memcpy(digest, state->head.digest, sizeof state->head.digest);
    rdt_state_must(pthread_mutex_unlock(head_lock(state)));
}

size_t
rdt_state_count(const struct rdt_state *state, enum rdt_kind kind)
{
    return (size_t)kind < RDT_KIND_END ? state->kinds[kind].n : 0;
}

/* ---- MACs and the digest ---- */

static void
put_be(uint64_t v, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

enum rdt_code
rdt_row_mac(const struct rdt_state_keys *keys, struct rdt_worker *worker, const struct rdt_row *row,
            uint8_t mac[static 32], uint8_t term[static 32])
{
    uint8_t head[6], revision[8];
    put_be(row->kind, 2, head);
    put_be(row->id.n, 4, head + 2);
    put_be(row->revision, 8, revision);
    const struct rdt_span parts[] = {
        {head,     sizeof head    },
        row->id, {revision, sizeof revision},
        row->body
    };
    enum rdt_code rc = rdt_hmac(worker, keys->rows, parts, RDT_COUNT(parts), mac);
    const struct rdt_span all = {mac, 32};
    return rc == RDT_OK ? rdt_hmac(worker, keys->digest, &all, 1, term) : rc;
}

/* Words of a term as a big-endian number, lowest first. */
static uint64_t
term_word(const uint8_t term[static 32], size_t i)
{
    uint64_t v = 0;
    for (size_t k = 0; k < 8; k++)
        v = v << 8 | term[24 - 8 * i + k];
    return v;
}

void
rdt_sum_add(struct rdt_sum *sum, const uint8_t term[static 32])
{
    bool carry = false;
    for (size_t i = 0; i < 4; i++) {
        bool over = __builtin_add_overflow(sum->words[i], term_word(term, i), &sum->words[i]);
        bool again = __builtin_add_overflow(sum->words[i], (uint64_t)carry, &sum->words[i]);
        carry = over || again;
    }
    sum->rows++;
}

void
rdt_sum_take(struct rdt_sum *sum, const uint8_t term[static 32])
{
    bool borrow = false;
    for (size_t i = 0; i < 4; i++) {
        bool under = __builtin_sub_overflow(sum->words[i], term_word(term, i), &sum->words[i]);
        bool again = __builtin_sub_overflow(sum->words[i], (uint64_t)borrow, &sum->words[i]);
        borrow = under || again;
    }
    sum->rows--;
}

enum rdt_code
rdt_sum_digest(const struct rdt_sum *sum, const struct rdt_state_keys *keys,
               struct rdt_worker *worker, uint8_t out[static 32])
{
    uint8_t rows[8], bytes[32];
    put_be(sum->rows, 8, rows);
    for (size_t i = 0; i < 4; i++)
        put_be(sum->words[i], 8, bytes + 24 - 8 * i);
    const struct rdt_span parts[] = {
        rdt_span_str("redoubt digest v1"), {rows,  sizeof rows },
         {bytes, sizeof bytes}
    };
    return rdt_hmac(worker, keys->digest, parts, RDT_COUNT(parts), out);
}
