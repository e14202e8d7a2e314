/*
 * chunk.h - a message of up to 4 PiB in chunks of 16 KiB, each encrypted and in its place: C2SP
 * chunked-encryption with AES-256-GCM and SHA-512 ("Cobblestone-256").
 *
 *   salt 24 | commitment 32 | (ciphertext 16,384 | tag 16) ... | ciphertext 0..16,383 | tag 16
 *
 * The last chunk is always shorter than the others: a message cut between chunks has no end. Chunk
 * k begins at byte RDT_CHUNK_FRONT_LEN + k * RDT_CHUNK_SEALED_LEN, and any can be had alone.
 *
 * A struct rdt_chunks is one key, its schedule kept; it belongs to its worker's thread. For another
 * thread, rdt_chunks_copy().
 *
 * Source: https://c2sp.org/chunked-encryption
 */
#ifndef RDT_SEAL_CHUNK_H
#define RDT_SEAL_CHUNK_H

#include "crypto/worker.h"

#define RDT_CHUNK_LEN ((size_t)16384)
#define RDT_CHUNK_SEALED_LEN (RDT_CHUNK_LEN + RDT_GCM_TAG_LEN)
#define RDT_CHUNK_SALT_LEN ((size_t)24)
#define RDT_CHUNK_FRONT_LEN ((size_t)56)   /* salt and commitment */
#define RDT_CHUNKS_MAX (UINT64_C(1) << 38) /* chunks of one message */

struct rdt_chunks;

/*
 * rdt_chunks_new - a message to be written.
 *
 *   key       RDT_KEY_LEN random bytes, of this message or of several
 *   context   what the reader has to know likewise; any length
 *   front     in: a salt that was never used with this key, 24 bytes; out: salt and commitment
 *   out       caller frees with rdt_chunks_free()
 *
 * Fails: RDT_E_BADINPUT (length of key), RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_chunks_new(struct rdt_worker *worker, const struct rdt_secret *key,
                                            struct rdt_span context,
                                            uint8_t front[static RDT_CHUNK_FRONT_LEN],
                                            struct rdt_chunks **out);

/*
 * rdt_chunks_open - a message to be read.
 *
 *   front   its first RDT_CHUNK_FRONT_LEN bytes
 *
 * Fails: RDT_E_BADINPUT (a length), RDT_E_TAMPERED (key, context and commitment do not belong
 * together), RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_chunks_open(struct rdt_worker *worker,
                                             const struct rdt_secret *key, struct rdt_span context,
                                             struct rdt_span front, struct rdt_chunks **out);

/* rdt_chunks_copy - the same message for another thread, which owns worker and *out.  Fails:
 * RDT_E_INTERNAL, as rdt_secret_new(). */
RDT_MUST_CHECK enum rdt_code rdt_chunks_copy(const struct rdt_chunks *chunks,
                                             struct rdt_worker *worker, struct rdt_chunks **out);

/* rdt_chunks_free - wipe and free; NULL is fine.  rdt_chunks_free_at - as a closer for RDT_AUTO. */
void rdt_chunks_free(struct rdt_chunks *chunks);
void rdt_chunks_free_at(struct rdt_chunks **chunks);

/* Some chunks in a row. */
struct rdt_chunk_run {
    uint64_t first; /* number of the first, from 0 */
    bool last;      /* the message ends here: what is left over, or nothing, is its last chunk */
};

/* rdt_chunks_sealed_len - bytes that n bytes of plaintext take, front aside. */
size_t rdt_chunks_sealed_len(size_t n, bool last);

/*
 * rdt_chunks_seal - encrypt some chunks.
 *
 *   plain   a multiple of RDT_CHUNK_LEN, unless run.last
 *   out     rdt_chunks_sealed_len() bytes, apart from plain.  One chunk alone may be encrypted
 * where it stands
 *
 * Each number is used once for writing. Fails: RDT_E_BADINPUT (a length), RDT_E_LIMIT (the message
 * is too long), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_chunks_seal(struct rdt_chunks *chunks, struct rdt_chunk_run run,
                                             struct rdt_span plain, uint8_t *out);

/*
 * rdt_chunks_unseal - decrypt some chunks.
 *
 *   sealed   a multiple of RDT_CHUNK_SEALED_LEN, unless run.last
 *   out      room for sealed.n bytes less RDT_GCM_TAG_LEN for each chunk, apart from sealed, or one
 *            chunk where it stands; zeroes after a failure
 *   n        becomes how many bytes of plaintext these are; 0 after a failure
 *
 * Fails: RDT_E_TAMPERED (damaged, moved, or no such last chunk: at the end of the input that
 * includes a message that was cut), RDT_E_BADINPUT (a length), RDT_E_LIMIT, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_chunks_unseal(struct rdt_chunks *chunks, struct rdt_chunk_run run,
                                               struct rdt_span sealed, uint8_t *out, size_t *n);

#endif
