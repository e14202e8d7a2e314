/*
 * state_internal.h - how rows lie in memory, and what a transaction keeps until it is published.
 */
#ifndef RDT_KMS_STATE_INTERNAL_H
#define RDT_KMS_STATE_INTERNAL_H

#include "kms/index_internal.h"
#include "kms/state.h"

#include <pthread.h>

/* The digest's sum: how many rows, and the sum of their terms modulo 2^256, lowest word first. */
struct rdt_sum {
    uint64_t rows;
    uint64_t words[4];
};

/* What an audit record and a checkpoint say of the store. */
struct rdt_head {
    uint64_t revision;
    uint8_t digest[32];
    struct rdt_sum sum;
};

/* A row in memory; its id and then its object follow in the same block. */
struct rdt_held {
    uint64_t revision;
    uint8_t term[32];           /* HMAC(digest key, MAC): what it adds to the sum */
    struct rdt_index_node node; /* last: its id follows */
};

struct rdt_state {
    pthread_rwlock_t lock;
    pthread_mutex_t head_lock; /* the head is read without `lock` */
    struct rdt_head head;
    struct rdt_index kinds[RDT_KIND_END];
    struct rdt_state_keys keys;
    uint8_t hash_key[16];
    bool writing; /* a transaction is under way */
};

/* What a transaction holds of one row since one of its marks. */
struct rdt_staged {
    struct rdt_held *base;    /* the published row; NULL: there is none */
    struct rdt_staged *under; /* what an earlier call of the commit made of it; NULL */
    struct rdt_held *row;     /* new; NULL: removed */
    enum rdt_kind kind;
    size_t at;           /* its step in the journal */
    bool dirty;          /* not sealed since it changed */
    bool sealed;         /* sealed once: the two below say what it has in the sum */
    bool counted;        /* a row, not the lack of one */
    uint8_t term[32];    /* as in struct rdt_held */
    struct rdt_buf body; /* what is to be written */
    uint8_t mac[32];
    struct rdt_index_node node; /* last; in tx->kinds while it is the newest of its id */
};

/* One step back: a change, or a seal. */
struct rdt_step {
    struct rdt_staged *change; /* NULL: a seal */
    struct rdt_head *before;   /* of a seal */
};

struct rdt_tx {
    struct rdt_state *state;
    struct rdt_index kinds[RDT_KIND_END]; /* newest struct rdt_staged by id */
    struct rdt_step *steps;
    size_t n_steps, cap_steps;
    size_t mark;       /* newest: what was staged before it is copied, not changed */
    size_t dirty_from; /* no step before it is dirty */
    size_t broken;     /* a seal failed half-way: only an undo to this step or before repairs it */
    struct rdt_head head; /* as of its newest seal */
};

/* rdt_held_new - a zeroed row with a copy of its id, in no index; NULL when out of memory. */
struct rdt_held *rdt_held_new(const struct rdt_state *state, enum rdt_kind kind,
                              struct rdt_span id);

/* rdt_held_free - the row and what its object owns; NULL is fine. */
void rdt_held_free(enum rdt_kind kind, struct rdt_held *row);

/* rdt_held_of - the row that a node of the state's indexes belongs to; NULL of NULL. */
static inline struct rdt_held *
rdt_held_of(struct rdt_index_node *node)
{
    return node == NULL ? NULL
                        : (struct rdt_held *)((uint8_t *)node - offsetof(struct rdt_held, node));
}

/* rdt_staged_of - the same for a transaction's indexes. */
static inline struct rdt_staged *
rdt_staged_of(struct rdt_index_node *node)
{
    return node == NULL
               ? NULL
               : (struct rdt_staged *)((uint8_t *)node - offsetof(struct rdt_staged, node));
}

/* rdt_held_object - its object. */
static inline void *
rdt_held_object(struct rdt_held *row)
{
    size_t id_room = (row->node.id_n + 7) / 8 * 8; /* objects hold pointers */
    return (uint8_t *)(row + 1) + id_room;
}

/* rdt_state_held - the published row of an id; NULL when there is none. */
struct rdt_held *rdt_state_held(const struct rdt_state *state, enum rdt_kind kind, uint64_t hash,
                                struct rdt_span id);

/* rdt_tx_staged - the newest that a transaction holds of an id; NULL when it left it alone. */
struct rdt_staged *rdt_tx_staged(const struct rdt_tx *tx, enum rdt_kind kind, uint64_t hash,
                                 struct rdt_span id);

/* rdt_row_mac - the MAC of a row and its term in the digest (kms/state.h says of what). */
RDT_MUST_CHECK enum rdt_code rdt_row_mac(const struct rdt_state_keys *keys,
                                         struct rdt_worker *worker, const struct rdt_row *row,
                                         uint8_t mac[static 32], uint8_t term[static 32]);

/* rdt_sum_add, rdt_sum_take - a row comes or goes. */
void rdt_sum_add(struct rdt_sum *sum, const uint8_t term[static 32]);
void rdt_sum_take(struct rdt_sum *sum, const uint8_t term[static 32]);

/* rdt_sum_digest - the store's digest. */
RDT_MUST_CHECK enum rdt_code rdt_sum_digest(const struct rdt_sum *sum,
                                            const struct rdt_state_keys *keys,
                                            struct rdt_worker *worker, uint8_t out[static 32]);

/* rdt_tx_step - room for one more step; NULL when out of memory. */
struct rdt_step *rdt_tx_step(struct rdt_tx *tx);

/* rdt_tx_count - rows that differ, or may differ, from the published ones. */
size_t rdt_tx_count(const struct rdt_tx *tx);

/*
 * rdt_staged_row - the row as the store will have it, borrowed: a removed one has no body, one
 * whose members are all zero has a body of no bytes.
 */
struct rdt_row rdt_staged_row(const struct rdt_staged *staged, uint64_t revision);

/* rdt_tx_account - the account that policies are about, as the transaction sees it; "" before there
 * is a site. */
const char *rdt_tx_account(const struct rdt_tx *tx);

/* rdt_state_must - abort when a lock failed: going on without it would show half a change. */
void rdt_state_must(int failed);

/* rdt_tx_raise - the next seal is above this revision, wherever the state stands: for a restore.
 * Before the first seal. */
void rdt_tx_raise(struct rdt_tx *tx, uint64_t revision);

#endif
