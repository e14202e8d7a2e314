/*
 * secret.h - bytes that must not leak: passwords, keys. They live in pages of their own that are
 * locked into memory, left out of core dumps, not inherited by children, fenced by pages without
 * access, and wiped before they go.
 *
 * The type has no printer and no ordering. {0} is the empty secret; wiping it does nothing. One
 * thread at a time may change a secret, any number may look.
 */
#ifndef RDT_BASE_SECRET_H
#define RDT_BASE_SECRET_H

#include "base/err.h"
#include "base/span.h"

#define RDT_SECRET_MAX ((size_t)64 * 1024)   /* bytes of one secret */
#define RDT_SECRET_BLOCK_MAX ((size_t)65536) /* secrets of one block */

/* Where memory cannot be locked (a container without the right to), a secret is refused unless the
 * operator sets this to 1 in the environment: swap may then keep a copy. */
#define RDT_SECRET_UNLOCKED_ENV "REDOUBT_ALLOW_UNLOCKED"

struct rdt_secret {
    uint8_t *p; /* n bytes, then a NUL that is not counted */
    size_t n;
    size_t mapped_n; /* bytes between the fences */
};

/*
 * rdt_secret_new - n zero bytes to be filled by the caller through secret->p.
 *
 *   secret   must be empty
 *   n        at most RDT_SECRET_MAX
 *
 * Fails, leaving *secret empty: RDT_E_LIMIT, RDT_E_NOMEM, RDT_E_DENIED (memory cannot be locked).
 */
RDT_MUST_CHECK enum rdt_code rdt_secret_new(struct rdt_secret *secret, size_t n,
                                            struct rdt_err *err);

/* rdt_secret_copy - the same, filled with a copy of the bytes; the caller wipes the original. */
RDT_MUST_CHECK enum rdt_code rdt_secret_copy(struct rdt_secret *secret, struct rdt_span bytes,
                                             struct rdt_err *err);

/* rdt_secret_cut - keep the first n bytes and wipe the rest; n at most secret->n. */
void rdt_secret_cut(struct rdt_secret *secret, size_t n);

/*
 * rdt_secret_view - the bytes, borrowed.  Only for crypto/, for probe/, which hands a password to
 * the library that logs in, and for net/, which hands the server's key to libssl; they must go
 * nowhere else: no log, no error, no observation.
 */
static inline struct rdt_span
rdt_secret_view(const struct rdt_secret *secret)
{
    return (struct rdt_span){secret->p, secret->n};
}

/* rdt_secret_equal - whether both hold the same bytes; the time tells lengths apart, no more. */
bool rdt_secret_equal(const struct rdt_secret *a, const struct rdt_secret *b);

/* rdt_secret_clear - overwrite the bytes with zeroes and keep the memory, to be filled again. */
void rdt_secret_clear(struct rdt_secret *secret);

/*
 * A block of secrets of one length in one locked mapping: for caches, where a mapping each would
 * cost too much. The secrets in it are borrowed: rdt_secret_clear() them, never rdt_secret_wipe(),
 * which would forget where they are. A block has fences at its two ends, none inside.
 */
struct rdt_secret_block;

/*
 * rdt_secret_block_new - room for count secrets (1 or more) of n bytes, all zero.
 *
 *   out   caller frees with rdt_secret_block_free()
 *
 * Fails: RDT_E_LIMIT (n above RDT_SECRET_MAX, or count 0 or above RDT_SECRET_BLOCK_MAX),
 * RDT_E_NOMEM, RDT_E_DENIED (memory cannot be locked).
 */
RDT_MUST_CHECK enum rdt_code
rdt_secret_block_new(size_t count, size_t n, struct rdt_secret_block **out, struct rdt_err *err);

/* rdt_secret_block_at - the secret of index i, borrowed until the block is freed. */
struct rdt_secret *rdt_secret_block_at(struct rdt_secret_block *block, size_t i);

/* rdt_secret_block_free - wipe and free; NULL is fine. */
void rdt_secret_block_free(struct rdt_secret_block *block);

/* rdt_secret_wipe - overwrite and free, leaving {0}.  Also the closer for RDT_AUTO. */
void rdt_secret_wipe(struct rdt_secret *secret);

#define RDT_SECRET RDT_AUTO(rdt_secret_wipe) struct rdt_secret

#endif
