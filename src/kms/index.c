#include "kms/index_internal.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLOTS_LEAST ((size_t)8)
#define LARGE_PAGE ((size_t)2 << 20)

/* ---- SipHash-2-4 ---- */

static uint64_t
load_le(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    if (n == sizeof v) {
        memcpy(&v, p, sizeof v);
        return le64toh(v);
    }
    for (size_t i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static uint64_t
rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static void
sip_rounds(uint64_t v[static 4], int n)
{
    while (n-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] = rotl(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] = rotl(v[2], 32);
    }
}

static void
sip_word(uint64_t v[static 4], uint64_t word)
{
    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
}

uint64_t
rdt_index_hash(const uint8_t key[static 16], struct rdt_span id)
{
    uint64_t k0 = load_le(key, 8), k1 = load_le(key + 8, 8), last = (uint64_t)id.n << 56;
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    size_t whole = id.n / 8 * 8;
    for (size_t i = 0; i < whole; i += 8)
        sip_word(v, load_le(id.p + i, 8));
    if (whole != id.n)
        last |= load_le(id.p + whole, id.n - whole);
    sip_word(v, last);
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the table: linear probing, at most three quarters full ---- */

static struct rdt_index_slot *
slot_of(const struct rdt_index *index, uint64_t hash, struct rdt_span id)
{
    if (index->n_slots == 0)
        return NULL;
    size_t mask = index->n_slots - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct rdt_index_slot *slot = &index->slots[i];
        if (slot->node == NULL)
            return NULL;
        if (slot->hash == hash && rdt_span_eq(rdt_index_id(slot->node), id))
            return slot;
    }
}

static void
put_slot(struct rdt_index_slot *slots, size_t n_slots, struct rdt_index_slot slot)
{
    size_t i = slot.hash & (n_slots - 1);
    while (slots[i].node != NULL)
        i = (i + 1) & (n_slots - 1);
    slots[i] = slot;
}

/* What follows is moved up where its own place allows it, so that no look-up stops too early. */
static void
take_slot(struct rdt_index *index, struct rdt_index_slot *slot)
{
    size_t mask = index->n_slots - 1, hole = (size_t)(slot - index->slots);
    for (size_t i = (hole + 1) & mask; index->slots[i].node != NULL; i = (i + 1) & mask) {
        size_t home = index->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            index->slots[hole] = index->slots[i];
            hole = i;
        }
    }
    index->slots[hole] = (struct rdt_index_slot){0};
}

struct rdt_index_node *
rdt_index_get(const struct rdt_index *index, uint64_t hash, struct rdt_span id)
{
    struct rdt_index_slot *slot = slot_of(index, hash, id);
    return slot == NULL ? NULL : slot->node;
}

/* A large table is hit at random all over: on large pages, where there are, that is half as slow.
 */
static struct rdt_index_slot *
new_slots(size_t n)
{
    size_t size = n * sizeof(struct rdt_index_slot);
    if (size < LARGE_PAGE)
        return calloc(n, sizeof(struct rdt_index_slot));
    struct rdt_index_slot *slots = aligned_alloc(LARGE_PAGE, size); /* both are powers of two */
    if (slots == NULL)
        return NULL;
#ifdef MADV_HUGEPAGE
    (void)madvise(slots, size, MADV_HUGEPAGE); /* refused: small pages do as well */
#endif
    memset(slots, 0, size);
    return slots;
}

struct rdt_index_slot *
rdt_index_grown(const struct rdt_index *index, size_t more, size_t *n_slots)
{
    size_t want = index->n_slots == 0 ? SLOTS_LEAST : index->n_slots;
    while (want / 4 * 3 < index->n + more)
        want *= 2;
    *n_slots = 0;
    if (want == index->n_slots)
        return NULL;
    *n_slots = want;
    struct rdt_index_slot *slots = new_slots(want);
    for (size_t i = 0; slots != NULL && i < index->n_slots; i++)
        if (index->slots[i].node != NULL)
            put_slot(slots, want, index->slots[i]);
    return slots;
}

struct rdt_index_slot *
rdt_index_adopt(struct rdt_index *index, struct rdt_index_slot *slots, size_t n_slots)
{
    struct rdt_index_slot *old = index->slots;
    index->slots = slots;
    index->n_slots = n_slots;
    return old;
}

bool
rdt_index_room(struct rdt_index *index, size_t more)
{
    size_t n_slots;
    struct rdt_index_slot *slots = rdt_index_grown(index, more, &n_slots);
    if (slots != NULL)
        free(rdt_index_adopt(index, slots, n_slots));
    return slots != NULL || n_slots == 0;
}

/* ---- the order ---- */

static bool
before(const struct rdt_index_node *a, const struct rdt_index_node *b)
{
    return rdt_span_cmp(rdt_index_id(a), rdt_index_id(b)) < 0;
}

/* Puts the node into the tree and answers the one before it in order; NULL: it is the first. */
static struct rdt_index_node *
plant(struct rdt_index *index, struct rdt_index_node *node)
{
    struct rdt_index_node **link = &index->root, *pred = NULL;
    while (*link != NULL && (*link)->hash >= node->hash) {
        if (before(*link, node)) {
            pred = *link;
            link = &pred->right;
        } else {
            link = &(*link)->left;
        }
    }
    /* what stood here goes below the node, split by its id */
    struct rdt_index_node *rest = *link, **low = &node->left, **high = &node->right;
    *link = node;
    while (rest != NULL) {
        if (before(rest, node)) {
            pred = *low = rest;
            low = &rest->right;
            rest = rest->right;
        } else {
            *high = rest;
            high = &rest->left;
            rest = rest->left;
        }
    }
    *low = *high = NULL;
    return pred;
}

/* Takes the node out of the tree and answers the one before it in order. */
static struct rdt_index_node *
unroot(struct rdt_index *index, struct rdt_index_node *node)
{
    struct rdt_index_node **link = &index->root, *pred = NULL;
    while (*link != node) {
        if (before(*link, node)) {
            pred = *link;
            link = &pred->right;
        } else {
            link = &(*link)->left;
        }
    }
    struct rdt_index_node *low = node->left, *high = node->right;
    for (struct rdt_index_node *n = low; n != NULL; n = n->right)
        pred = n;
    while (low != NULL && high != NULL) {
        if (low->hash >= high->hash) {
            *link = low;
            link = &low->right;
            low = low->right;
        } else {
            *link = high;
            link = &high->left;
            high = high->left;
        }
    }
    *link = low != NULL ? low : high;
    return pred;
}

struct rdt_index_node *
rdt_index_after(const struct rdt_index *index, uint64_t hash, struct rdt_span id)
{
    if (id.n == 0)
        return index->first;
    struct rdt_index_node *found = rdt_index_get(index, hash, id);
    if (found != NULL)
        return found->next;
    for (struct rdt_index_node *node = index->root; node != NULL;) {
        if (rdt_span_cmp(rdt_index_id(node), id) > 0) {
            found = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}

void
rdt_index_insert(struct rdt_index *index, struct rdt_index_node *node)
{
    assert(index->n < index->n_slots);
    put_slot(index->slots, index->n_slots, (struct rdt_index_slot){node->hash, node});
    index->n++;
    struct rdt_index_node *pred = plant(index, node),
                          **link = pred == NULL ? &index->first : &pred->next;
    node->next = *link;
    *link = node;
}

void
rdt_index_remove(struct rdt_index *index, struct rdt_index_node *node)
{
    struct rdt_index_slot *slot = slot_of(index, node->hash, rdt_index_id(node));
    assert(slot != NULL && slot->node == node);
    take_slot(index, slot);
    index->n--;
    struct rdt_index_node *pred = unroot(index, node),
                          **link = pred == NULL ? &index->first : &pred->next;
    *link = node->next;
}

void
rdt_index_done(struct rdt_index *index)
{
    free(index->slots);
    *index = (struct rdt_index){0};
}
