/*
 * fuzz_seal_footer - what lies behind a body's encryption, which a sender chose: footers, tables of
 * frames, frames. What reads has one spelling, and nothing takes more memory than it may.
 */
#include "seal/footer.h"
#include "seal/frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
footer(struct rdt_span tail)
{
    RDT_BUF again = {0};
    struct rdt_seal_footer f;
    size_t len = 0;
    enum rdt_seal_fault fault = rdt_seal_footer_read(tail, &f, &len);
    if (fault != RDT_SEAL_OK && (fault != RDT_SEAL_INCOMPLETE || len == 0))
        return;
    if (len > tail.n || len > RDT_SEAL_TAIL_MAX || rdt_seal_footer_put(&f, &again) != RDT_SEAL_OK ||
        !rdt_span_eq(rdt_buf_span(&again), (struct rdt_span){tail.p + tail.n - len, len}))
        abort();
}

static void
table(struct rdt_span bytes)
{
    RDT_AUTO(rdt_frames_done) struct rdt_frames frames = {.plain_len = 0};
    RDT_BUF again = {0};
    struct rdt_frame_place place;
    /* lengths that would fit, as far as one can tell from the entries */
    uint64_t stored = bytes.n, plain = 0;
    for (size_t at = 8; at + 17 <= bytes.n; at += 8) {
        const uint8_t *p = bytes.p + at;
        stored +=
            (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
        plain += (uint64_t)p[4] | (uint64_t)p[5] << 8 | (uint64_t)p[6] << 16 | (uint64_t)p[7] << 24;
    }
    if (rdt_frames_read(bytes, stored, plain, &frames) != RDT_SEAL_OK)
        return;
    if (rdt_frames_put(&frames, &again) != RDT_SEAL_OK || !rdt_span_eq(rdt_buf_span(&again), bytes))
        abort();
    for (uint64_t i = 0; rdt_frames_find(&frames, i, &place); i++)
        if (place.at + place.len > frames.stored_len)
            abort();
}

static void
frame(struct rdt_frame_coder *coder, struct rdt_span bytes, uint8_t *room)
{
    size_t len = 0, n = 0;
    if (rdt_frame_next(bytes, &len) == RDT_FRAME_DATA && (len == 0 || len > bytes.n))
        abort();
    if (rdt_frame_unpack(coder, bytes, room, &n) == RDT_SEAL_OK && (n == 0 || n > RDT_FRAME_LEN))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct rdt_frame_coder *coder;
    static uint8_t *room;
    struct rdt_span all = {bytes, n};
    if (room == NULL)
        room = malloc(RDT_FRAME_LEN);
    if (room == NULL || (coder == NULL && rdt_frame_coder_new(0, &coder) != RDT_SEAL_OK))
        abort();
    footer(all);
    table(all);
    frame(coder, all, room);
    return 0;
}
