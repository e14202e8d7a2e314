#include "seal/frame.h"

#define TABLE_MAGIC 0x184d2a5eu
#define END_MAGIC 0x8f92eab1u
#define SKIP_LEN ((size_t)8)  /* magic and length of a skippable frame */
#define ENTRY_LEN ((size_t)8) /* compressed and plain length */

void
rdt_frames_done(struct rdt_frames *frames)
{
    rdt_buf_done(&frames->lens);
    *frames = (struct rdt_frames){.plain_len = 0};
}

static uint32_t
count(const struct rdt_frames *frames)
{
    return (uint32_t)(frames->lens.n / sizeof(uint32_t));
}

static uint32_t
len_at(const struct rdt_frames *frames, uint64_t n)
{
    uint32_t len;
    memcpy(&len, frames->lens.p + n * sizeof len, sizeof len);
    return len;
}

enum rdt_seal_fault
rdt_frames_add(struct rdt_frames *frames, size_t stored, size_t plain)
{
    uint32_t len = (uint32_t)stored;
    if (frames->ended || plain == 0 || plain > RDT_FRAME_LEN || stored == 0 ||
        stored > rdt_frame_room())
        return RDT_SEAL_FRAME;
    if (count(frames) >= RDT_FRAMES_MAX)
        return RDT_SEAL_LIMIT;
    rdt_buf_add(&frames->lens, &len, sizeof len);
    frames->stored_len += stored;
    frames->plain_len += plain;
    frames->ended = plain < RDT_FRAME_LEN;
    return rdt_buf_ok(&frames->lens) ? RDT_SEAL_OK : RDT_SEAL_INTERNAL;
}

static uint32_t
plain_at(const struct rdt_frames *frames, uint64_t n)
{
    uint64_t left = frames->plain_len - n * RDT_FRAME_LEN;
    return (uint32_t)(left < RDT_FRAME_LEN ? left : RDT_FRAME_LEN);
}

/* ---- bytes: little-endian, as zstd has it ---- */

static void
put_le(struct rdt_buf *out, uint32_t v)
{
    const uint8_t bytes[] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    rdt_buf_add(out, bytes, sizeof bytes);
}

static uint32_t
load_le(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static size_t
table_len(uint32_t n)
{
    return SKIP_LEN + n * ENTRY_LEN + RDT_FRAMES_END_LEN;
}

enum rdt_seal_fault
rdt_frames_put(const struct rdt_frames *frames, struct rdt_buf *out)
{
    uint32_t n = count(frames);
    put_le(out, TABLE_MAGIC);
    put_le(out, (uint32_t)(table_len(n) - SKIP_LEN));
    for (uint32_t i = 0; i < n; i++) {
        put_le(out, len_at(frames, i));
        put_le(out, plain_at(frames, i));
    }
    put_le(out, n);
    rdt_buf_uint(out, 0, 1); /* no sums */
    put_le(out, END_MAGIC);
    return rdt_buf_ok(out) ? RDT_SEAL_OK : RDT_SEAL_INTERNAL;
}

enum rdt_seal_fault
rdt_frames_same(const struct rdt_frames *frames, struct rdt_span table)
{
    RDT_BUF want = {0};
    if (table.n != table_len(count(frames)))
        return RDT_SEAL_FOOTER;
    if (rdt_frames_put(frames, &want) != RDT_SEAL_OK)
        return RDT_SEAL_INTERNAL;
    return rdt_span_eq(rdt_buf_span(&want), table) ? RDT_SEAL_OK : RDT_SEAL_FOOTER;
}

enum rdt_seal_fault
rdt_frames_table_len(struct rdt_span end, size_t *len)
{
    if (end.n != RDT_FRAMES_END_LEN || end.p[4] != 0 || load_le(end.p + 5) != END_MAGIC ||
        load_le(end.p) > RDT_FRAMES_MAX)
        return RDT_SEAL_FOOTER;
    *len = table_len(load_le(end.p));
    return RDT_SEAL_OK;
}

/* docs/formats/sealed-file.md 7; that it is the one way to write it, rdt_frames_same() says. */
enum rdt_seal_fault
rdt_frames_read(struct rdt_span table, uint64_t stored_len, uint64_t plain_len,
                struct rdt_frames *out)
{
    RDT_AUTO(rdt_frames_done) struct rdt_frames frames = {.plain_len = 0};
    size_t len;
    if (table.n < SKIP_LEN + RDT_FRAMES_END_LEN)
        return RDT_SEAL_FOOTER;
    struct rdt_span end = {table.p + table.n - RDT_FRAMES_END_LEN, RDT_FRAMES_END_LEN};
    if (rdt_frames_table_len(end, &len) != RDT_SEAL_OK || len != table.n)
        return RDT_SEAL_FOOTER;
    const uint8_t *entry = table.p + SKIP_LEN;
    for (uint32_t n = load_le(end.p); n > 0; n--, entry += ENTRY_LEN) {
        enum rdt_seal_fault fault = rdt_frames_add(&frames, load_le(entry), load_le(entry + 4));
        if (fault != RDT_SEAL_OK)
            return fault == RDT_SEAL_INTERNAL ? fault : RDT_SEAL_FOOTER;
    }
    if (frames.stored_len + table.n != stored_len || frames.plain_len != plain_len)
        return RDT_SEAL_FOOTER;
    enum rdt_seal_fault fault = rdt_frames_same(&frames, table);
    if (fault == RDT_SEAL_OK) {
        *out = frames;
        frames = (struct rdt_frames){.plain_len = 0};
    }
    return fault;
}

bool
rdt_frames_find(const struct rdt_frames *frames, uint64_t n, struct rdt_frame_place *out)
{
    if (n >= count(frames))
        return false;
    out->at = 0;
    for (uint64_t i = 0; i < n; i++) /* once per range, not per frame of it */
        out->at += len_at(frames, i);
    out->len = len_at(frames, n);
    return true;
}
