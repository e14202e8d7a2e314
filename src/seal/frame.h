/*
 * frame.h - compression in a sealed file: frames of zstd, each alone, of 1 MiB of plaintext but the
 * last, and a table of them at the end. So any part can be had without what is before it, and what
 * is decrypted is a file of zstd's own ("seekable format"), should nothing else read it.
 *
 * A compressed length says something of the content: who can choose a part of a file and see its
 * size may guess the rest. So nobody gets compression unasked.
 *
 * Format: docs/formats/sealed-file.md 7.  Source: RFC 8878; zstd's seekable format, without sums.
 */
#ifndef RDT_SEAL_FRAME_H
#define RDT_SEAL_FRAME_H

#include "seal/seal.h"

#define RDT_FRAME_LEN ((size_t)1 << 20) /* bytes of plaintext of a frame */
#define RDT_FRAMES_MAX 4194304u         /* frames of one file: 4 TiB */
#define RDT_FRAME_LEVEL_DEFAULT 3       /* of zstd */
#define RDT_FRAME_LEVEL_MAX 19          /* likewise; above it takes much memory */

/* A compressor and a decompressor; one thread at a time. */
struct rdt_frame_coder;

/* rdt_frame_coder_new - level: 1..RDT_FRAME_LEVEL_MAX; 0: RDT_FRAME_LEVEL_DEFAULT.  out: caller
 * frees with rdt_frame_coder_free().  Fails: RDT_SEAL_USAGE, RDT_SEAL_INTERNAL. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_frame_coder_new(int level, struct rdt_frame_coder **out);

/* rdt_frame_coder_free - NULL is fine; what it held of plaintext is wiped.
 * rdt_frame_coder_free_at - as a closer for RDT_AUTO. */
void rdt_frame_coder_free(struct rdt_frame_coder *coder);
void rdt_frame_coder_free_at(struct rdt_frame_coder **coder);

/* rdt_frame_room - bytes that a frame takes at most. */
size_t rdt_frame_room(void);

/*
 * rdt_frame_pack - compress.
 *
 *   plain   1..RDT_FRAME_LEN bytes; less than RDT_FRAME_LEN in the last frame only
 *   out     rdt_frame_room() bytes
 *   n       becomes how many were written
 *
 * Fails: RDT_SEAL_USAGE, RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_frame_pack(struct rdt_frame_coder *coder,
                                                  struct rdt_span plain, uint8_t *out, size_t *n);

enum rdt_frame_next {
    RDT_FRAME_MORE,  /* bytes are missing: at most rdt_frame_room() are needed for a frame */
    RDT_FRAME_DATA,  /* a frame of *len bytes */
    RDT_FRAME_TABLE, /* the table begins: the rest of the payload */
    RDT_FRAME_WRONG
};

/*
 * rdt_frame_next - what the payload goes on with, for who reads it from the beginning.
 *
 *   bytes   what there is of it; all that is left where there are less than rdt_frame_room()
 */
enum rdt_frame_next rdt_frame_next(struct rdt_span bytes, size_t *len);

/*
 * rdt_frame_unpack - decompress one frame.
 *
 *   frame   all of it and nothing else
 *   out     RDT_FRAME_LEN bytes; zeroes after a failure
 *   n       becomes how many were written
 *
 * Fails: RDT_SEAL_FRAME (damaged; more than RDT_FRAME_LEN; no length; a dictionary).
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_frame_unpack(struct rdt_frame_coder *coder,
                                                    struct rdt_span frame, uint8_t *out, size_t *n);

/* ---- the table ---- */

/* The last bytes of a payload: they say how long the table is. */
#define RDT_FRAMES_END_LEN ((size_t)9)

/* Frames in order; {0} is none. */
struct rdt_frames {
    struct rdt_buf lens; /* u32 each, of the compressed frame */
    uint64_t stored_len; /* bytes of all of them */
    uint64_t plain_len;
    bool ended; /* the last one was shorter */
};

/* rdt_frames_done - the closer for RDT_AUTO. */
void rdt_frames_done(struct rdt_frames *frames);

/* rdt_frames_add - the next frame, as pack or unpack had it.  Fails: RDT_SEAL_FRAME (one behind a
 * shorter one, an empty one), RDT_SEAL_LIMIT (RDT_FRAMES_MAX), RDT_SEAL_INTERNAL. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_frames_add(struct rdt_frames *frames, size_t stored,
                                                  size_t plain);

/* rdt_frames_put - append the table: the end of the payload.  Fails: RDT_SEAL_INTERNAL. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_frames_put(const struct rdt_frames *frames,
                                                  struct rdt_buf *out);

/* rdt_frames_same - whether a table, all that follows the frames, is that of the frames that were
 * read.  Fails: RDT_SEAL_FOOTER (it is not), RDT_SEAL_INTERNAL. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_frames_same(const struct rdt_frames *frames,
                                                   struct rdt_span table);

/* rdt_frames_table_len - by the last RDT_FRAMES_END_LEN bytes of a payload.  Fails:
 * RDT_SEAL_FOOTER (no table; too many frames). */
RDT_MUST_CHECK enum rdt_seal_fault rdt_frames_table_len(struct rdt_span end, size_t *len);

/*
 * rdt_frames_read - take a table apart.
 *
 *   stored_len, plain_len   as the footer has them
 *   out                     {0}; caller: rdt_frames_done()
 *
 * Fails: RDT_SEAL_FOOTER (lengths do not add up, frames of other lengths than the format allows).
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_frames_read(struct rdt_span table, uint64_t stored_len,
                                                   uint64_t plain_len, struct rdt_frames *out);

/* A frame in the payload. */
struct rdt_frame_place {
    uint64_t at; /* offset in the payload */
    size_t len;
};

/* rdt_frames_find - frame number n; false: there is none. */
bool rdt_frames_find(const struct rdt_frames *frames, uint64_t n, struct rdt_frame_place *out);

#endif
