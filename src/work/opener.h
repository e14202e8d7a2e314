/*
 * opener.h - a sealed file being read: its head, its key, its chunks through the pump, what its
 * footer says held against what was read.
 */
#ifndef RDT_WORK_OPENER_H
#define RDT_WORK_OPENER_H

#include "seal/footer.h"
#include "work/source.h"
#include "work/unlock.h"

#define RDT_OPENER_THREADS 3u /* one reads, one decrypts, one writes */

struct rdt_opener;

/*
 * rdt_opener_new - read the head. Nothing is proved yet.
 *
 *   source   at the file's first byte; borrowed until the opener is closed
 *   out      caller closes it
 *
 * Fails: RDT_E_BADINPUT (no sealed file, a later version), RDT_E_TAMPERED (damaged), as
 * rdt_source_fill(), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_opener_new(struct rdt_source *source, struct rdt_opener **out,
                                            struct rdt_err *err);

/* rdt_opener_head - borrowed. */
const struct rdt_seal_head *rdt_opener_head(const struct rdt_opener *opener);

/*
 * rdt_opener_unlock - find the file key. rdt_opener_key - it is known: what was just written.
 *
 * Fail: as rdt_unlock_find(); RDT_E_STATE (the file ends before its body), RDT_E_TAMPERED (the body
 * is of another head).
 */
RDT_MUST_CHECK enum rdt_code rdt_opener_unlock(struct rdt_opener *opener,
                                               const struct rdt_unlock *with, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_opener_key(struct rdt_opener *opener,
                                            const struct rdt_secret *file_key, struct rdt_err *err);

/* What a whole file said at its end. */
struct rdt_opened {
    struct rdt_seal_footer footer; /* its lists borrowed until the opener is closed */
    uint8_t digest[RDT_SHA256_LEN];
    uint64_t plain_len, sealed_len;
};

struct rdt_opener_to {
    void *arg;
    /* The next bytes of the plaintext, in order. NULL: nobody wants them, they are only proved. */
    enum rdt_code (*take)(void *arg, struct rdt_span plain, struct rdt_err *err);
    /* Bytes of the file so far. NULL: nobody looks. */
    void (*progress)(void *arg, uint64_t done);
    bool payload;    /* take() gets the payload as it is stored, not decompressed */
    bool failed_too; /* a file whose producer failed is fine: out->footer has its status */
};

/*
 * rdt_opener_run - all of it. What take() got before a failure is right as far as it goes.
 *
 * Fails: RDT_E_TAMPERED (a chunk, footer, hash), RDT_E_STATE (incomplete: cut, never finished, or
 * its producer failed), as take() and rdt_source_fill(), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_opener_run(struct rdt_opener *opener,
                                            const struct rdt_opener_to *to, struct rdt_opened *out,
                                            struct rdt_err *err);

/*
 * rdt_opener_range - bytes from to below end of the plaintext, of a regular file, without the rest.
 * Of what is not read nothing is proved but that the file has an end that its key wrote.
 *
 * Fails: as rdt_opener_run(); RDT_E_STATE (a pipe), RDT_E_USAGE (from is beyond the end).
 */
RDT_MUST_CHECK enum rdt_code rdt_opener_range(struct rdt_opener *opener, uint64_t from,
                                              uint64_t end, const struct rdt_opener_to *to,
                                              struct rdt_err *err);

/* rdt_opener_at - where the key was found; rdt_opener_file_key - the key; borrowed: for reseal and
 * rekey. */
const struct rdt_seal_at *rdt_opener_at(const struct rdt_opener *opener);
const struct rdt_secret *rdt_opener_file_key(const struct rdt_opener *opener);

/* rdt_opener_worker - the worker of the caller's thread, borrowed. */
struct rdt_worker *rdt_opener_worker(const struct rdt_opener *opener);

/* rdt_opener_close - NULL is fine. rdt_opener_close_at - as a closer for RDT_AUTO. */
void rdt_opener_close(struct rdt_opener *opener);
void rdt_opener_close_at(struct rdt_opener **opener);

#endif
