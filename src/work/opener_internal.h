/*
 * opener_internal.h - what opener.c (a whole file) and opener_range.c (parts of one) share.
 */
#ifndef RDT_WORK_OPENER_INTERNAL_H
#define RDT_WORK_OPENER_INTERNAL_H

#include "work/opener.h"
#include "work/pump.h"

#define RDT_OPENER_UNIT_CHUNKS ((size_t)32) /* chunks that one thread takes at a time: 512 KiB */

struct rdt_opener {
    struct rdt_source *source;
    struct rdt_worker *worker;
    struct rdt_buf head_bytes;
    struct rdt_seal_head head;
    struct rdt_seal_at at;
    struct rdt_secret key;
    uint8_t front[RDT_CHUNK_FRONT_LEN];
    struct rdt_chunks *chunks;
    struct rdt_room tail; /* the end of the plaintext: footer's lists borrow from it */
};

/* Where the end of a regular file is. */
struct rdt_opener_end {
    struct rdt_seal_footer footer;
    size_t tail_len;     /* footer, length, mark */
    uint64_t sealed_len; /* of the body, its front aside */
};

/* rdt_opener_body_at - offset of the first chunk in the file. */
uint64_t rdt_opener_body_at(const struct rdt_opener *opener);

/*
 * rdt_opener_read_end - the footer of a regular file, without what is before it.
 * Fails: as rdt_opener_range().
 */
RDT_MUST_CHECK enum rdt_code rdt_opener_read_end(struct rdt_opener *opener,
                                                 struct rdt_opener_end *out, struct rdt_err *err);

#endif
