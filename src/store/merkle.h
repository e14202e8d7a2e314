/*
 * merkle.h - the Merkle tree of RFC 6962 (section 2.1) over records that only ever get more: what
 * must be kept to go on (at most 64 hashes), the root, and the path that proves one record.
 *
 * Source: RFC 6962; leaf = SHA-256(00 | record), node = SHA-256(01 | left | right).
 */
#ifndef RDT_STORE_MERKLE_H
#define RDT_STORE_MERKLE_H

#include "base/err.h"
#include "base/span.h"
#include "crypto/hash.h"
#include "crypto/worker.h"

#define RDT_MERKLE_LEVELS 64 /* a tree has fewer than 2^64 leaves */

/* The right edge of a tree: node[k] is the root of a full subtree of 2^k leaves and is there when
 * bit k of size is set; the largest one stands furthest left. {0} is the empty tree. */
struct rdt_merkle {
    uint64_t size;
    uint8_t node[RDT_MERKLE_LEVELS][RDT_SHA256_LEN];
};

/* rdt_merkle_add - one more record at the right.  Fails, leaving the tree alone: RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_merkle_add(struct rdt_merkle *tree, struct rdt_worker *worker,
                                            struct rdt_span record, struct rdt_err *err);

/* rdt_merkle_root - the root over all records so far.  Fails: RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_merkle_root(const struct rdt_merkle *tree,
                                             struct rdt_worker *worker,
                                             uint8_t out[static RDT_SHA256_LEN],
                                             struct rdt_err *err);

/* Makes the audit path of one record while the records pass by, in memory that does not grow. */
struct rdt_merkle_prover {
    uint64_t index, size;   /* of the record to prove, in a tree of so many */
    struct rdt_merkle tree; /* until the record came: everything; then: what one step spans */
    uint64_t lo[RDT_MERKLE_LEVELS], hi[RDT_MERKLE_LEVELS]; /* what each step spans, upwards */
    size_t n_path, step; /* step: the next one at the right of the record */
    uint64_t at;         /* index of the record that comes next */
    uint8_t path[RDT_MERKLE_LEVELS][RDT_SHA256_LEN];
};

/*
 * rdt_merkle_prover_init - begin.
 *
 *   index, size   the record, below size, which is that of the tree
 *   before        the tree over records that need not be shown again; its size is at most index
 */
void rdt_merkle_prover_init(struct rdt_merkle_prover *prover, uint64_t index, uint64_t size,
                            const struct rdt_merkle *before);

/*
 * rdt_merkle_prover_add - show the next record, until prover->at is prover->size; then the path is
 * in prover->path.  Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_merkle_prover_add(struct rdt_merkle_prover *prover,
                                                   struct rdt_worker *worker,
                                                   struct rdt_span record, struct rdt_err *err);

/* An audit path, and the place it is for. */
struct rdt_merkle_path {
    uint64_t index, size;
    const uint8_t (*path)[RDT_SHA256_LEN];
    size_t n_path;
};

/*
 * rdt_merkle_path_root - the root that a record has by a path (RFC 9162, section 2.1.3.2).
 *
 * Fails: RDT_E_BADINPUT (the path has not the length that the place asks for), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_merkle_path_root(const struct rdt_merkle_path *path,
                                                  struct rdt_worker *worker, struct rdt_span record,
                                                  uint8_t out[static RDT_SHA256_LEN],
                                                  struct rdt_err *err);

#endif
