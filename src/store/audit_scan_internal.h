/*
 * audit_scan_internal.h - reading segments, without any key: one frame after the other, what the
 * end of a segment means, and the tree and checkpoints that the frames add up to.
 *
 * A segment that is being written beside us may be read.
 */
#ifndef RDT_STORE_AUDIT_SCAN_INTERNAL_H
#define RDT_STORE_AUDIT_SCAN_INTERNAL_H

#include "store/audit_format_internal.h"

/* One segment. {.fd = -1} is closed. */
struct audit_scan {
    struct rdt_worker *worker; /* borrowed */
    int fd;
    char name[AUDIT_NAME_LEN];
    struct audit_header header;
    uint64_t at;                  /* offset of the frame that comes next */
    uint64_t frame, first;        /* its number, and index of its first record */
    uint8_t link[RDT_SHA256_LEN]; /* and what it must say about the one before */
    uint8_t *window;              /* bytes of the file from window_at on */
    size_t window_n, window_cap;
    uint64_t window_at;
    bool damaged; /* after RDT_E_TAMPERED: the frame at `at` is, whatever was before it */
};

enum audit_step {
    AUDIT_FRAME, /* here is the next one */
    AUDIT_END,   /* only the zeroes of the preallocation follow */
    AUDIT_TORN,  /* what follows is a frame that a crash cut short */
};

/*
 * rdt_audit_folder - open a log's folder for reading.
 *
 *   dir   the descriptor; caller closes
 *   n     segments
 *
 * Fails: RDT_E_NOTFOUND (no folder), RDT_E_DENIED, RDT_E_IO, and as rdt_audit_list().
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_folder(const char *path, int *dir, uint64_t *n,
                                              struct rdt_err *err);

/*
 * rdt_audit_list - how many segments a folder holds.
 *
 * Fails: RDT_E_TAMPERED (one is missing between others), RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_list(int dir, uint64_t *n, struct rdt_err *err);

/*
 * rdt_audit_scan_open - open a segment of a folder and read its header.
 *
 *   scan   {.fd = -1}, or one used before, whose memory is used again
 *
 * Fails: RDT_E_NOTFOUND (no such segment), RDT_E_TAMPERED (its header is damaged, or that of
 * another segment; its length is not the one it was made with), RDT_E_STATE (a newer format),
 * RDT_E_IO, RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_scan_open(struct audit_scan *scan, struct rdt_worker *worker,
                                                 int dir, uint64_t number, struct rdt_err *err);

/*
 * rdt_audit_scan_next - the next frame, checked against the one before it.
 *
 *   frame   its payload is borrowed until the next call
 *
 * Fails: RDT_E_TAMPERED (a frame that does not belong here, a damaged one, bytes that no crash
 * explains), RDT_E_IO, RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_scan_next(struct audit_scan *scan, struct audit_frame *frame,
                                                 enum audit_step *step, struct rdt_err *err);

/* rdt_audit_scan_dirty - offset behind the last byte of the segment that is not zero, found by the
 * last call of rdt_audit_scan_next().  Fails: RDT_E_IO, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_audit_scan_dirty(struct audit_scan *scan, uint64_t *end,
                                                  struct rdt_err *err);

/* rdt_audit_scan_close - also the closer for RDT_AUTO. */
void rdt_audit_scan_close(struct audit_scan *scan);

/* What the frames so far add up to. */
struct audit_walk {
    struct rdt_worker *worker; /* borrowed */
    uint8_t deployment[16], node[16];
    struct rdt_merkle tree;
    uint64_t checkpoints;
    struct rdt_checkpoint last; /* valid when checkpoints > 0 */
};

/*
 * rdt_audit_walk_frame - take one in: records into the tree, a checkpoint compared with it.
 *
 * Fails: RDT_E_TAMPERED (records malformed, a checkpoint that says otherwise), RDT_E_INTERNAL.
 * Signatures are not looked at.
 */
RDT_MUST_CHECK enum rdt_code
rdt_audit_walk_frame(struct audit_walk *walk, const struct audit_frame *frame, struct rdt_err *err);

/* rdt_audit_pub_read - read DIR/audit.pub.  Fails: RDT_E_NOTFOUND, RDT_E_TAMPERED (not such a
 * file), RDT_E_IO, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_audit_pub_read(const char *dir, struct audit_pub *out,
                                                struct rdt_err *err);

#endif
