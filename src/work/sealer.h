/*
 * sealer.h - a sealed file being written: head, chunks, footer, to a sink. Payload comes in any
 * portions, or as whole units of chunks that several threads have encrypted.
 */
#ifndef RDT_WORK_SEALER_H
#define RDT_WORK_SEALER_H

#include "seal/footer.h"
#include "work/recipients.h"
#include "work/sink.h"

struct rdt_sealer;

struct rdt_sealer_opts {
    const struct rdt_seal_policy *policy; /* NULL: none */
    const struct rdt_recipients *to;
    enum rdt_seal_coding coding;
    bool hashed; /* SHA-256 of the plaintext too */
    bool again;  /* payload of another file: what its footer says of the plaintext holds */
};

/* What was written. */
struct rdt_sealed {
    uint8_t file_id[RDT_SEAL_FILE_ID_LEN];
    uint8_t digest[RDT_SHA256_LEN]; /* rdt_seal_digest() */
    uint64_t plain_len, stored_len, sealed_len;
    bool hashed;
    uint8_t plain[RDT_SHA256_LEN];
};

/*
 * rdt_sealer_new - make a file key, wrap it for every recipient, write the head.
 *
 *   worker, sink   borrowed until the sealer is closed
 *   out            caller closes it
 *
 * Fails: as rdt_recipients_wrap() and rdt_sink_write(), RDT_E_LIMIT (more recipients than a head
 * has room for), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_sealer_new(struct rdt_worker *worker, struct rdt_sink *sink,
                                            const struct rdt_sealer_opts *opts,
                                            struct rdt_sealer **out, struct rdt_err *err);

/* rdt_sealer_chunks - the message, to be copied for another thread; borrowed. */
const struct rdt_chunks *rdt_sealer_chunks(const struct rdt_sealer *sealer);

/* rdt_sealer_key - the file key, borrowed: to read back what was written. */
const struct rdt_secret *rdt_sealer_key(const struct rdt_sealer *sealer);

/* rdt_sealer_plain - the next bytes of the plaintext, for the hash, when opts->hashed, and to be
 * counted. Fails: RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_sealer_plain(struct rdt_sealer *sealer, struct rdt_span plain,
                                              struct rdt_err *err);

/* rdt_sealer_put - the next bytes of the payload. Fails: as rdt_sink_write(), RDT_E_LIMIT (too long
 * a message), RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_sealer_put(struct rdt_sealer *sealer, struct rdt_span payload,
                                            struct rdt_err *err);

/*
 * rdt_sealer_put_sealed - the next chunks, whole ones, encrypted under rdt_sealer_chunks() from the
 * number that comes next. Not after a rdt_sealer_put() that was no multiple of RDT_CHUNK_LEN.
 * Fails: as rdt_sealer_put().
 */
RDT_MUST_CHECK enum rdt_code rdt_sealer_put_sealed(struct rdt_sealer *sealer,
                                                   struct rdt_span sealed, struct rdt_err *err);

/*
 * rdt_sealer_end - the last chunk. Without it nobody can read a whole file.
 *
 *   footer   contained_known, epochs, versions are the caller's, the rest is filled here
 *
 * Fails: as rdt_sealer_put(), RDT_E_BADINPUT (contained lists).
 */
RDT_MUST_CHECK enum rdt_code rdt_sealer_end(struct rdt_sealer *sealer,
                                            struct rdt_seal_footer *footer, struct rdt_sealed *out,
                                            struct rdt_err *err);

/* rdt_sealer_close - NULL is fine. rdt_sealer_close_at - as a closer for RDT_AUTO. */
void rdt_sealer_close(struct rdt_sealer *sealer);
void rdt_sealer_close_at(struct rdt_sealer **sealer);

#endif
