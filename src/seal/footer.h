/*
 * footer.h - what a body ends in: whether its producer came to a good end, sizes, hashes, and which
 * keys the content is encrypted under in its turn.
 *
 * The body's plaintext is `payload | footer | u32 length of the footer | "RBFE"`. So a reader of a
 * pipe holds back the last RDT_SEAL_TAIL_MAX bytes until the end comes, and one that can seek finds
 * the footer from the end.
 *
 * Hashes: always one over the tags of all chunks that hold nothing but payload, in order, which
 * costs nothing and binds the ciphertext; and SHA-256 of the plaintext where the writer chose so.
 * Format: docs/formats/sealed-file.md 6.
 */
#ifndef RDT_SEAL_FOOTER_H
#define RDT_SEAL_FOOTER_H

#include "crypto/hash.h"
#include "seal/seal.h"

#define RDT_SEAL_CONTAINED_MAX 4096        /* epochs, and again versions, of one footer */
#define RDT_SEAL_TAIL_MAX ((size_t)196608) /* bytes of a footer and what is behind it */
#define RDT_SEAL_EPOCH_LEN ((size_t)22)    /* bytes: ring 16 | u32 handle | u16 epoch */
#define RDT_SEAL_VERSION_LEN ((size_t)20)  /* bytes: key 16 | u32 version */

struct rdt_seal_footer {
    uint32_t exit_status;        /* of the producer; 0: it ended well, or there was none */
    enum rdt_seal_coding coding; /* as the core's policy says it */
    uint64_t plain_len;          /* bytes of plaintext */
    uint64_t stored_len;         /* bytes of the payload */
    uint8_t tags[RDT_SHA256_LEN];
    bool hashed; /* plain is there */
    uint8_t plain[RDT_SHA256_LEN];
    bool contained_known;     /* false: nobody knows what the content is encrypted under */
    struct rdt_span epochs;   /* of RDT_SEAL_EPOCH_LEN, ascending, none twice; borrowed */
    struct rdt_span versions; /* of RDT_SEAL_VERSION_LEN, likewise */
};

/*
 * rdt_seal_footer_put - append footer, length and end mark.  Fails, with nothing appended:
 * RDT_SEAL_USAGE (order, lengths), RDT_SEAL_LIMIT (too many), RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_footer_put(const struct rdt_seal_footer *footer,
                                                       struct rdt_buf *out);

/*
 * rdt_seal_footer_read - the footer at the end of a body's plaintext.
 *
 *   tail     the end of the plaintext: RDT_SEAL_TAIL_MAX bytes, or all of it
 *   out      borrows from tail
 *   len      how many bytes of the tail it takes: what is before is payload
 *
 * Fails: RDT_SEAL_INCOMPLETE (there is none; or, with *out and *len set, the producer failed),
 * RDT_SEAL_FOOTER (there is one that no writer makes).
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_footer_read(struct rdt_span tail,
                                                        struct rdt_seal_footer *out, size_t *len);

/* ---- while a body is written or read ---- */

struct rdt_seal_sums; /* sizes and hashes so far; one thread at a time */

/*
 * rdt_seal_sums_new - out: caller frees with rdt_seal_sums_free().  plain: also SHA-256 of the
 * plaintext, which costs more than encrypting it.  Fails: RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_sums_new(bool plain, struct rdt_seal_sums **out);

/* rdt_seal_sums_free - NULL is fine.  rdt_seal_sums_free_at - as a closer for RDT_AUTO. */
void rdt_seal_sums_free(struct rdt_seal_sums *sums);
void rdt_seal_sums_free_at(struct rdt_seal_sums **sums);

/*
 * rdt_seal_sums_plain - the next bytes of the plaintext, before compression.
 * rdt_seal_sums_stored - the next n bytes of the payload, after it.
 * rdt_seal_sums_sealed - the next chunks as they are in the file, in order, each once, the last
 * chunk as well.
 * Each fails: RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_sums_plain(struct rdt_seal_sums *sums,
                                                       struct rdt_span plain);
void rdt_seal_sums_stored(struct rdt_seal_sums *sums, size_t n);
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_sums_sealed(struct rdt_seal_sums *sums,
                                                        struct rdt_span sealed);

/*
 * rdt_seal_sums_end - sizes and hashes into a footer that is to be written: call it when all chunks
 * of payload alone were summed and before the chunk that holds the end of the payload is.
 *
 * Fails: RDT_SEAL_USAGE (another number of chunks than the payload has), RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_sums_end(struct rdt_seal_sums *sums,
                                                     struct rdt_seal_footer *out);

/*
 * rdt_seal_sums_check - whether what was read is what the footer says.  sums have every chunk of
 * the file, all plaintext and all payload.
 *
 * Fails: RDT_SEAL_FOOTER (sizes), RDT_SEAL_HASH, RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_sums_check(struct rdt_seal_sums *sums,
                                                       const struct rdt_seal_footer *footer);

/*
 * rdt_seal_digest - the file in 32 bytes, for a receipt: over core, front of the body, all tags and
 * the footer. Recipients may change, it stays. When sums have every chunk.
 *
 *   tail   footer, length and end mark
 *
 * Fails: RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_digest(struct rdt_seal_sums *sums, struct rdt_span core,
                                                   struct rdt_span front, struct rdt_span tail,
                                                   uint8_t out[static RDT_SHA256_LEN]);

#endif
