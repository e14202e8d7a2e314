#include "store/merkle.h"

#include <assert.h>

static enum rdt_code
hash_leaf(struct rdt_worker *worker, struct rdt_span record, uint8_t out[static RDT_SHA256_LEN],
          struct rdt_err *err)
{
    static const uint8_t label = 0x00;
    const struct rdt_span parts[] = {
        {&label, 1},
        record
    };
    return rdt_digest(worker, parts, RDT_COUNT(parts), out, err);
}

/* out may be left or right */
static enum rdt_code
hash_node(struct rdt_worker *worker, const uint8_t *left, const uint8_t *right,
          uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err)
{
    uint8_t bytes[1 + 2 * RDT_SHA256_LEN] = {0x01};
    memcpy(bytes + 1, left, RDT_SHA256_LEN);
    memcpy(bytes + 1 + RDT_SHA256_LEN, right, RDT_SHA256_LEN);
    return rdt_digest(worker, &(struct rdt_span){bytes, sizeof bytes}, 1, out, err);
}

enum rdt_code
rdt_merkle_add(struct rdt_merkle *tree, struct rdt_worker *worker, struct rdt_span record,
               struct rdt_err *err)
{
    uint8_t hash[RDT_SHA256_LEN];
    assert(tree->size < UINT64_MAX);
    enum rdt_code rc = hash_leaf(worker, record, hash, err);
    size_t level = 0;
    for (; rc == RDT_OK && (tree->size >> level & 1) != 0; level++)
        rc = hash_node(worker, tree->node[level], hash, hash, err);
    if (rc != RDT_OK)
        return rc;
    memcpy(tree->node[level], hash, sizeof hash);
    tree->size++;
    return RDT_OK;
}

enum rdt_code
rdt_merkle_root(const struct rdt_merkle *tree, struct rdt_worker *worker,
                uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err)
{
    bool any = false;
    enum rdt_code rc = RDT_OK;
    if (tree->size == 0)
        return rdt_digest(worker, NULL, 0, out, err);
    for (size_t level = 0; rc == RDT_OK && level < RDT_MERKLE_LEVELS; level++) {
        if ((tree->size >> level & 1) == 0)
            continue;
        if (any)
            rc = hash_node(worker, tree->node[level], out, out, err);
        else
            memcpy(out, tree->node[level], RDT_SHA256_LEN);
        any = true;
    }
    return rc;
}

/* The largest power of two below n (n at least 2): where RFC 6962 splits n leaves. */
static uint64_t
split_of(uint64_t n)
{
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

void
rdt_merkle_prover_init(struct rdt_merkle_prover *prover, uint64_t index, uint64_t size,
                       const struct rdt_merkle *before)
{
    uint64_t lo = 0, hi = size;
    assert(index < size && before->size <= index);
    *prover = (struct rdt_merkle_prover){
        .index = index, .size = size, .tree = *before, .at = before->size};
    while (hi - lo > 1) { /* downwards from the root: the half that the record is not in */
        uint64_t middle = lo + split_of(hi - lo);
        bool right = index < middle;
        prover->lo[prover->n_path] = right ? middle : lo;
        prover->hi[prover->n_path++] = right ? hi : middle;
        if (right)
            hi = middle;
        else
            lo = middle;
    }
    for (size_t i = 0; i < prover->n_path / 2; i++) { /* the path goes upwards */
        size_t j = prover->n_path - 1 - i;
        uint64_t low = prover->lo[i], high = prover->hi[i];
        prover->lo[i] = prover->lo[j];
        prover->hi[i] = prover->hi[j];
        prover->lo[j] = low;
        prover->hi[j] = high;
    }
}

/* Everything left of the record is full subtrees, and they are the right edge of the tree so far.
 */
static void
take_left(struct rdt_merkle_prover *prover)
{
    for (size_t i = 0; i < prover->n_path; i++) {
        if (prover->hi[i] > prover->index)
            continue;
        int level = __builtin_ctzll(prover->hi[i] - prover->lo[i]);
        memcpy(prover->path[i], prover->tree.node[level], RDT_SHA256_LEN);
    }
    prover->tree.size = 0;
}

static void
next_right(struct rdt_merkle_prover *prover)
{
    while (prover->step < prover->n_path && prover->lo[prover->step] <= prover->index)
        prover->step++;
}

enum rdt_code
rdt_merkle_prover_add(struct rdt_merkle_prover *prover, struct rdt_worker *worker,
                      struct rdt_span record, struct rdt_err *err)
{
    assert(prover->at < prover->size);
    if (prover->at == prover->index) {
        take_left(prover);
        next_right(prover);
        prover->at++;
        return RDT_OK;
    }
    enum rdt_code rc = rdt_merkle_add(&prover->tree, worker, record, err);
    if (rc != RDT_OK)
        return rc;
    prover->at++;
    if (prover->at > prover->index && prover->at == prover->hi[prover->step]) {
        rc = rdt_merkle_root(&prover->tree, worker, prover->path[prover->step], err);
        prover->tree.size = 0;
        prover->step++;
        next_right(prover);
    }
    return rc;
}

enum rdt_code
rdt_merkle_path_root(const struct rdt_merkle_path *path, struct rdt_worker *worker,
                     struct rdt_span record, uint8_t out[static RDT_SHA256_LEN],
                     struct rdt_err *err)
{
    if (path->index >= path->size)
        return rdt_fail(err, RDT_E_BADINPUT, "audit path: the record is not in the tree");
    uint64_t at = path->index, last = path->size - 1;
    enum rdt_code rc = hash_leaf(worker, record, out, err);
    for (size_t i = 0; rc == RDT_OK && i < path->n_path; i++) {
        if (last == 0)
            return rdt_fail(err, RDT_E_BADINPUT, "audit path: too long");
        bool left = (at & 1) != 0 || at == last; /* what the path gives stands at the left */
        rc = left ? hash_node(worker, path->path[i], out, out, err)
                  : hash_node(worker, out, path->path[i], out, err);
        while (left && (at & 1) == 0 && at != 0) { /* levels where it had no neighbour */
            at >>= 1;
            last >>= 1;
        }
        at >>= 1;
        last >>= 1;
    }
    if (rc == RDT_OK && last != 0)
        return rdt_fail(err, RDT_E_BADINPUT, "audit path: too short");
    return rc;
}
