/*
 * index_internal.h - rows of one kind by id: a hash table to find one, a treap (a search tree whose
 * shape follows from random priorities) to insert in order, a list to walk in order.
 *
 * Nodes live inside what they index. Only growth can fail, so a transaction makes room before it
 * commits and cannot fail when it publishes. Ids are chosen by clients: hashes are keyed
 * (SipHash-2-4), so that nobody can choose ids which make the table or the tree degenerate.
 */
#ifndef RDT_KMS_INDEX_INTERNAL_H
#define RDT_KMS_INDEX_INTERNAL_H

#include "base/span.h"

struct rdt_index_node {
    struct rdt_index_node *left, *right,
        *next;     /* next: the following id, whatever the tree's shape */
    uint64_t hash; /* rdt_index_hash() of the id; also the priority */
    size_t id_n; /* of the id, whose bytes follow the node: a look-up misses the cache once less */
};

struct rdt_index_slot {
    uint64_t hash;
    struct rdt_index_node *node; /* NULL: free */
};

struct rdt_index { /* {0} is an empty one */
    struct rdt_index_slot *slots;
    size_t n_slots, n; /* slots: a power of two, or 0 */
    struct rdt_index_node *root, *first;
};

/* rdt_index_hash - SipHash-2-4 of an id (Aumasson, Bernstein 2012). */
uint64_t rdt_index_hash(const uint8_t key[static 16], struct rdt_span id);

/* rdt_index_get - the node of an id whose hash is known; NULL when there is none. */
struct rdt_index_node *rdt_index_get(const struct rdt_index *index, uint64_t hash,
                                     struct rdt_span id);

/* rdt_index_after - the first node whose id is above id in byte order; NULL when there is none. */
struct rdt_index_node *rdt_index_after(const struct rdt_index *index, uint64_t hash,
                                       struct rdt_span id);

/*
 * rdt_index_grown - a larger table for `more` nodes beyond those that are there.
 *
 *   n_slots   of the table; 0 when no larger one is needed
 *
 * Answers the table, to be handed to rdt_index_adopt() or freed; NULL when out of memory, or when
 * none is needed.  Readers may look meanwhile.
 */
struct rdt_index_slot *rdt_index_grown(const struct rdt_index *index, size_t more, size_t *n_slots);

/* rdt_index_adopt - use a table made by rdt_index_grown() since the last change; answers the old
 * one, to be freed. */
struct rdt_index_slot *rdt_index_adopt(struct rdt_index *index, struct rdt_index_slot *slots,
                                       size_t n_slots);

/* rdt_index_room - both at once, for an index without readers; false when out of memory. */
bool rdt_index_room(struct rdt_index *index, size_t more);

/* rdt_index_insert - a node with id, id_n and hash set, whose id is not in the index; there is
 * room. */
void rdt_index_insert(struct rdt_index *index, struct rdt_index_node *node);

/* rdt_index_remove - a node that is in the index. */
void rdt_index_remove(struct rdt_index *index, struct rdt_index_node *node);

/* rdt_index_done - free the tables, not the nodes, and leave {0}. */
void rdt_index_done(struct rdt_index *index);

/* rdt_index_set_id - copy an id behind the node, where the caller has room for it. */
static inline void
rdt_index_set_id(struct rdt_index_node *node, uint64_t hash, struct rdt_span id)
{
    memcpy(node + 1, id.p, id.n);
    node->hash = hash;
    node->id_n = id.n;
}

/* rdt_index_id - borrowed. */
static inline struct rdt_span
rdt_index_id(const struct rdt_index_node *node)
{
    return (struct rdt_span){(const uint8_t *)(node + 1), node->id_n};
}

#endif
