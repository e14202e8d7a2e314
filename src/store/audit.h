/*
 * audit.h - the audit log of one node: preallocated segments DIR/NNNNNNNN.seg, framed per group
 * commit, each frame with a MAC under a key that evolves by hashing; an RFC 6962 Merkle tree over
 * the records; Ed25519 checkpoints. What is appended is synced before the call returns.
 *
 * Format: docs/formats/audit.md (normative).  One thread at a time appends; see audit_writer.h.
 */
#ifndef RDT_STORE_AUDIT_H
#define RDT_STORE_AUDIT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

#define RDT_AUDIT_RECORD_MAX ((size_t)64 * 1024) /* bytes of one record */
#define RDT_AUDIT_FRAME_MAX ((size_t)8 << 20)    /* bytes of one frame */
#define RDT_AUDIT_SEGMENT_BYTES                                                                    \
    ((size_t)64 << 20)                            /* preallocated; the next one is made in time    \
                                                   */
#define RDT_AUDIT_RESERVE_BYTES ((size_t)1 << 20) /* kept for administrators on a full disk */
#define RDT_AUDIT_CHECKPOINT_MAX ((size_t)512)    /* bytes of a checkpoint */

struct rdt_audit;

/* A signed statement: this many records with this root, over a store at this revision. */
struct rdt_checkpoint {
    uint8_t deployment[16];
    uint8_t node[16];
    uint64_t frame;                 /* number of the log's frame that holds it */
    uint8_t link[RDT_SHA256_LEN];   /* over every byte of the log before that frame */
    uint64_t size;                  /* records */
    uint8_t root[RDT_SHA256_LEN];   /* RFC 6962 */
    uint64_t time_us;               /* since 1970 */
    uint64_t revision;              /* of the store */
    uint8_t digest[RDT_SHA256_LEN]; /* over the store's rows */
    uint8_t signature[RDT_SIGNATURE_LEN];
};

struct rdt_audit_opts {
    const char *dir;
    uint8_t deployment[16], node[16];
    const struct rdt_secret *chain; /* 32 bytes, the frame keys' start; used now, not kept */
    struct rdt_signer *signer;      /* Ed25519; borrowed until close */
    struct rdt_span known;          /* the newest checkpoint known from elsewhere, or empty: a
                                       log that is shorter, or says otherwise, is refused */
    bool create;          /* make it when it is not there; otherwise a missing one is refused */
    size_t segment_bytes; /* of segments made from now on; 0: RDT_AUDIT_SEGMENT_BYTES */
};

/*
 * rdt_audit_open - find the end: the last segment is checked, a torn last frame (never
 * acknowledged) is cut off.
 *
 * Fails, having changed nothing: RDT_E_NOTFOUND (no log and not create), RDT_E_TAMPERED (a frame,
 * a checkpoint, or shorter than known), RDT_E_STATE (another process has it; a newer format),
 * RDT_E_FULL, RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_open(const struct rdt_audit_opts *opts,
                                            struct rdt_audit **out, struct rdt_err *err);

/*
 * rdt_audit_append - one frame of records, written and fdatasync()ed.
 *
 *   first        index of the first record in the log
 *   privileged   may use the reserve that is kept for administrators on a full disk
 *
 * Fails: RDT_E_FULL (nothing was written; later calls may succeed), RDT_E_IO and RDT_E_TAMPERED
 * (the file was removed or replaced under us: the log is dead, every later call fails too),
 * RDT_E_LIMIT.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_append(struct rdt_audit *audit,
                                              const struct rdt_span *records, size_t n,
                                              bool privileged, uint64_t *first,
                                              struct rdt_err *err);

/*
 * rdt_audit_checkpoint - sign and append a checkpoint over everything so far, synced.
 *
 *   out   appended: its bytes, for the store and for whoever keeps an anchor
 *
 * Fails: as append (it may use the reserve).
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_checkpoint(struct rdt_audit *audit, uint64_t revision,
                                                  const uint8_t digest[static RDT_SHA256_LEN],
                                                  struct rdt_buf *out, struct rdt_err *err);

/* rdt_audit_size - records so far. */
uint64_t rdt_audit_size(const struct rdt_audit *audit);

/* rdt_audit_last - the newest checkpoint in the log as it was opened or made since; false if none.
 */
bool rdt_audit_last(const struct rdt_audit *audit, struct rdt_checkpoint *out);

/*
 * rdt_audit_intact - whether the folder's files are still the ones that are open (inode, length);
 * cheap, called every second.  Fails: RDT_E_TAMPERED.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_intact(struct rdt_audit *audit, struct rdt_err *err);

struct rdt_audit_stats {
    uint64_t syncs, records, bytes;
    uint64_t sync_us_p50, sync_us_p99; /* of the last 1024 */
};

/* rdt_audit_stats - counts since the open.  From any thread. */
void rdt_audit_stats(const struct rdt_audit *audit, struct rdt_audit_stats *out);

/* rdt_audit_close - NULL is fine. */
void rdt_audit_close(struct rdt_audit *audit);

/* rdt_audit_close_at - the same as a closer for RDT_AUTO. */
void rdt_audit_close_at(struct rdt_audit **audit);

/* ---- reading, without any key: also beside a running server ---- */

typedef enum rdt_code rdt_audit_fn(void *user, uint64_t index, struct rdt_span record,
                                   struct rdt_err *err);

/*
 * rdt_audit_each - call fn for the records from index `from` on, in order; frames' checksums and
 * order are checked, MACs are not (that needs the key).
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_each(const char *dir, uint64_t from, rdt_audit_fn *fn,
                                            void *user, struct rdt_err *err);

struct rdt_audit_verdict {
    uint64_t records, checkpoints, frames;
    uint64_t proven;            /* records up to the last good checkpoint */
    struct rdt_checkpoint last; /* valid when checkpoints > 0 */
    bool key_given;             /* the public key came from outside the folder */
    bool fresh;                 /* an anchor from outside agrees */
    bool torn;                  /* a frame follows that a crash cut short; nobody was answered */
    uint64_t bad_index;         /* after RDT_E_TAMPERED: records below it are as they were */
};

/*
 * rdt_audit_verify - everything that can be proven about a stopped node's log.
 *
 *   public_key   32 bytes, or empty: the one that the folder itself names (a forger could replace
 *                both; out->key_given says so)
 *   anchor       a checkpoint kept elsewhere, or empty
 *   known        checkpoint bytes that the node's store holds, or empty
 *
 * Fails: RDT_E_TAMPERED (text says what and where), RDT_E_NOTFOUND, RDT_E_BADINPUT (public_key),
 * RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_verify(const char *dir, struct rdt_span public_key,
                                              struct rdt_span anchor, struct rdt_span known,
                                              struct rdt_audit_verdict *out, struct rdt_err *err);

struct rdt_audit_proof {
    uint64_t index;
    struct rdt_checkpoint checkpoint;
    uint8_t path[64][RDT_SHA256_LEN]; /* RFC 6962 audit path, leaf upwards */
    size_t n_path;
};

/* rdt_audit_prove - that a record is under the newest checkpoint.  Fails: RDT_E_NOTFOUND (no such
 * record, or no checkpoint covers it yet), as verify. */
RDT_MUST_CHECK enum rdt_code rdt_audit_prove(const char *dir, uint64_t index,
                                             struct rdt_audit_proof *out, struct rdt_err *err);

/*
 * rdt_audit_proof_check - whether a proof leads from a record to the root of its checkpoint, and
 * the checkpoint is signed by a key. No folder is needed.
 *
 *   public_key   32 bytes
 *
 * Fails: RDT_E_TAMPERED, RDT_E_BADINPUT (public_key; a path of another length), RDT_E_NOMEM,
 * RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_proof_check(const struct rdt_audit_proof *proof,
                                                   struct rdt_span record,
                                                   struct rdt_span public_key, struct rdt_err *err);

/* rdt_audit_newest - the newest checkpoint in a folder, signed by the key that the folder names.
 * Fails: RDT_E_NOTFOUND (no log; no checkpoint yet), as verify. */
RDT_MUST_CHECK enum rdt_code rdt_audit_newest(const char *dir, struct rdt_checkpoint *out,
                                              struct rdt_err *err);

/* rdt_audit_count - how many records a folder's log has; reads its last segment.  Fails: as
 * rdt_audit_each(). */
RDT_MUST_CHECK enum rdt_code rdt_audit_count(const char *dir, uint64_t *out, struct rdt_err *err);

/* rdt_audit_named_key - the public key that the folder itself names (audit.pub).  Fails: as verify.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_named_key(const char *dir,
                                                 uint8_t out[static RDT_ED25519_PUBLIC_LEN],
                                                 struct rdt_err *err);

/* rdt_audit_key_text - the key in the text of an audit.pub, or 64 hexadecimal digits alone; false
 * when it is neither. */
bool rdt_audit_key_text(struct rdt_span text, uint8_t out[static RDT_ED25519_PUBLIC_LEN]);

/* rdt_checkpoint_put, rdt_checkpoint_get - the bytes of docs/formats/audit.md and back. */
void rdt_checkpoint_put(const struct rdt_checkpoint *checkpoint, struct rdt_buf *out);
bool rdt_checkpoint_get(struct rdt_span bytes, struct rdt_checkpoint *out);

#endif
