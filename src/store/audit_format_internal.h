/*
 * audit_format_internal.h - the bytes of an audit segment: header, frames, checkpoints, and the
 * keys of their MACs.  No file is touched here.
 *
 * Format: docs/formats/audit.md.  What can be checked without a key is checked by the get
 * functions; MACs are compared by whoever has the keys (audit_keys).
 */
#ifndef RDT_STORE_AUDIT_FORMAT_INTERNAL_H
#define RDT_STORE_AUDIT_FORMAT_INTERNAL_H

#include "crypto/worker.h"
#include "store/audit.h"
#include "store/merkle.h"

#define AUDIT_VERSION 1
#define AUDIT_HEADER_LEN ((size_t)4096)
#define AUDIT_HEAD_LEN ((size_t)80) /* of a frame, before its payload */
#define AUDIT_TAIL_LEN ((size_t)41) /* of a frame, after its payload */
#define AUDIT_FRAME_OVER (AUDIT_HEAD_LEN + AUDIT_TAIL_LEN)
#define AUDIT_TAG_LEN ((size_t)4)
#define AUDIT_CHECK_LEN ((size_t)8)
#define AUDIT_CHECKPOINT_LEN ((size_t)232)
#define AUDIT_SEGMENT_MIN ((size_t)256 * 1024) /* bytes of the smallest segment */
#define AUDIT_SEGMENT_TOP ((size_t)1 << 30)    /* and of the largest */
#define AUDIT_RECORDS_TOP ((uint64_t)1 << 48)  /* no log has as many records, or frames */
#define AUDIT_SEGMENTS_TOP 100000000u          /* eight digits */
#define AUDIT_NAME_LEN 16                      /* "00000000.seg" and its NUL, with room */

enum audit_kind { AUDIT_RECORDS = 1, AUDIT_CHECKPOINT = 2 };

struct audit_header {
    uint8_t deployment[16], node[16];
    uint64_t number;              /* of the segment */
    uint64_t bytes;               /* of the segment */
    uint64_t frame;               /* number of its first frame */
    uint64_t time_us;             /* when it was begun */
    uint8_t link[RDT_SHA256_LEN]; /* to the last frame before it */
    struct rdt_merkle tree;       /* over all records before it */
    /* found by get, made by put */
    uint8_t mac[RDT_SHA256_LEN];
    uint8_t digest[RDT_SHA256_LEN];
};

struct audit_frame {
    uint8_t tag[AUDIT_TAG_LEN]; /* of its segment */
    uint8_t kind;
    uint32_t count; /* records */
    uint64_t number;
    uint64_t first;               /* index of the first record; in a checkpoint: of the next one */
    uint8_t link[RDT_SHA256_LEN]; /* to the frame, or segment header, before it */
    size_t n_payload;
    /* found by get, made by put */
    struct rdt_span payload;
    uint8_t mac[RDT_SHA256_LEN];
    uint8_t digest[RDT_SHA256_LEN];
};

/* The keys that may be in memory while a segment is written: neither leads back to an earlier one.
 */
struct audit_keys {
    struct rdt_secret next;  /* S(s + 1), of the segment after this one */
    struct rdt_secret frame; /* F(i), of the frame that comes next */
};

/* rdt_audit_name - "00000012.seg"; suffix with its dot. */
void rdt_audit_name(uint64_t number, const char *suffix, char out[static AUDIT_NAME_LEN]);

/* rdt_audit_keys_start - make both secrets and let next be S(0), the chain.  Fails: as
 * rdt_secret_new(). */
RDT_MUST_CHECK enum rdt_code
rdt_audit_keys_start(struct audit_keys *keys, const struct rdt_secret *chain, struct rdt_err *err);

/* rdt_audit_keys_header - the key of the header of the segment whose key is next, into a secret of
 * RDT_KEY_LEN bytes; nothing moves.  Fails: RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_audit_keys_header(const struct audit_keys *keys,
                                                   struct rdt_worker *worker,
                                                   struct rdt_secret *out, struct rdt_err *err);

/* rdt_audit_keys_segment - go on to the segment whose key is next: frame becomes its F(0).  Fails:
 * RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_audit_keys_segment(struct audit_keys *keys,
                                                    struct rdt_worker *worker, struct rdt_err *err);

/* rdt_audit_keys_mac - the MAC of the frame that comes next; nothing moves.  Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_keys_mac(const struct audit_keys *keys,
                                                struct rdt_worker *worker,
                                                const uint8_t digest[static RDT_SHA256_LEN],
                                                uint8_t out[static RDT_SHA256_LEN],
                                                struct rdt_err *err);

/* rdt_audit_keys_frame - go on to the next frame; the key of this one is gone.  Fails:
 * RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_audit_keys_frame(struct audit_keys *keys,
                                                  struct rdt_worker *worker, struct rdt_err *err);

/* rdt_audit_keys_done - wipe. */
void rdt_audit_keys_done(struct audit_keys *keys);

/*
 * rdt_audit_header_put - its AUDIT_HEADER_LEN bytes.
 *
 *   key   of the MAC; header->mac and header->digest are set
 *
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_header_put(struct audit_header *header,
                                                  struct rdt_worker *worker,
                                                  const struct rdt_secret *key, uint8_t *out,
                                                  struct rdt_err *err);

/*
 * rdt_audit_header_get - the reverse.
 *
 *   bytes   AUDIT_HEADER_LEN
 *
 * Fails: RDT_E_TAMPERED (not a header, or its check differs), RDT_E_STATE (a newer version),
 * RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_header_get(struct rdt_span bytes, struct rdt_worker *worker,
                                                  struct audit_header *out, struct rdt_err *err);

/*
 * rdt_audit_frame_put - write head and tail around a payload that is in its place.
 *
 *   bytes   AUDIT_HEAD_LEN bytes for the head, frame->n_payload bytes of payload, AUDIT_TAIL_LEN
 *           for the tail
 *   keys    make the MAC; they do not move
 *
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_frame_put(struct audit_frame *frame,
                                                 struct rdt_worker *worker,
                                                 const struct audit_keys *keys, uint8_t *bytes,
                                                 struct rdt_err *err);

/*
 * rdt_audit_head_get - a frame's head; out->n_payload says how much follows.
 *
 *   bytes   AUDIT_HEAD_LEN
 *   ok      false: this is no head, or a damaged one
 *
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_head_get(struct rdt_span bytes, struct rdt_worker *worker,
                                                struct audit_frame *out, bool *ok,
                                                struct rdt_err *err);

/* rdt_audit_frame_get - a whole frame: head, payload, tail.  As rdt_audit_head_get(). */
RDT_MUST_CHECK enum rdt_code rdt_audit_frame_get(struct rdt_span bytes, struct rdt_worker *worker,
                                                 struct audit_frame *out, bool *ok,
                                                 struct rdt_err *err);

/* rdt_audit_link - what the frame after this one says about it.  Fails: RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_audit_link(struct rdt_worker *worker,
                                            const uint8_t digest[static RDT_SHA256_LEN],
                                            const uint8_t mac[static RDT_SHA256_LEN],
                                            uint8_t out[static RDT_SHA256_LEN],
                                            struct rdt_err *err);

/* rdt_audit_record_take - the next record of a payload; false at its end or when it is malformed
 * (then bytes are left over). */
bool rdt_audit_record_take(struct rdt_span *payload, struct rdt_span *record);

/* rdt_checkpoint_sign - set checkpoint->signature.  Fails: RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_checkpoint_sign(struct rdt_checkpoint *checkpoint,
                                                 struct rdt_signer *signer, struct rdt_err *err);

/* rdt_checkpoint_check - whether its signature is that of a key.  Fails: RDT_E_TAMPERED,
 * RDT_E_BADINPUT (no such key), RDT_E_INTERNAL, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_checkpoint_check(const struct rdt_checkpoint *checkpoint,
                                                  struct rdt_span public_key, struct rdt_err *err);

/* What DIR/audit.pub says. */
struct audit_pub {
    uint8_t deployment[16], node[16];
    uint8_t key[RDT_ED25519_PUBLIC_LEN];
};

#define AUDIT_PUB_NAME "audit.pub"

/* rdt_audit_pub_put - its text, appended. */
void rdt_audit_pub_put(const struct audit_pub *pub, struct rdt_buf *out);

/* rdt_audit_pub_get - the reverse; false when it is not exactly such a text. */
bool rdt_audit_pub_get(struct rdt_span text, struct audit_pub *out);

#endif
