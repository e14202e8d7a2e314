#include "seal/frame.h"

#include <stddef.h>
#include <stdlib.h>

#define ZSTD_STATIC_LINKING_ONLY /* for the allocator; the shared library has these as well */
#include <zstd.h>

#define WINDOW_LOG 20 /* no more memory than a frame has bytes */

struct rdt_frame_coder {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
};

/* ---- memory: zstd copies plaintext into its own, and frees it as it is ---- */

struct block {
    size_t n;
    max_align_t bytes[];
};

static void *
take(void *unused, size_t n)
{
    (void)unused;
    struct block *block = n <= SIZE_MAX - sizeof *block ? malloc(sizeof *block + n) : NULL;
    if (block == NULL)
        return NULL;
    block->n = n;
    return block->bytes;
}

static void
give_back(void *unused, void *p)
{
    (void)unused;
    if (p == NULL)
        return;
    struct block *block = (struct block *)((uint8_t *)p - offsetof(struct block, bytes));
    explicit_bzero(p, block->n);
    free(block);
}

void
rdt_frame_coder_free(struct rdt_frame_coder *coder)
{
    if (coder == NULL)
        return;
    ZSTD_freeCCtx(coder->pack);
    ZSTD_freeDCtx(coder->unpack);
    free(coder);
}

void
rdt_frame_coder_free_at(struct rdt_frame_coder **coder)
{
    rdt_frame_coder_free(*coder);
}

static bool
set_up(struct rdt_frame_coder *coder, int level)
{
    const ZSTD_customMem memory = {take, give_back, NULL};
    coder->pack = ZSTD_createCCtx_advanced(memory);
    coder->unpack = ZSTD_createDCtx_advanced(memory);
    return coder->pack != NULL && coder->unpack != NULL &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(coder->pack, ZSTD_c_compressionLevel, level)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(coder->pack, ZSTD_c_contentSizeFlag, 1)) &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(coder->unpack, ZSTD_d_windowLogMax, WINDOW_LOG));
}

enum rdt_seal_fault
rdt_frame_coder_new(int level, struct rdt_frame_coder **out)
{
    if (level < 0 || level > RDT_FRAME_LEVEL_MAX)
        return RDT_SEAL_USAGE;
    struct rdt_frame_coder *coder = calloc(1, sizeof *coder);
    if (coder == NULL || !set_up(coder, level == 0 ? RDT_FRAME_LEVEL_DEFAULT : level)) {
        rdt_frame_coder_free(coder);
        return RDT_SEAL_INTERNAL;
    }
    *out = coder;
    return RDT_SEAL_OK;
}

size_t
rdt_frame_room(void)
{
    return ZSTD_compressBound(RDT_FRAME_LEN);
}

enum rdt_seal_fault
rdt_frame_pack(struct rdt_frame_coder *coder, struct rdt_span plain, uint8_t *out, size_t *n)
{
    if (plain.n == 0 || plain.n > RDT_FRAME_LEN)
        return RDT_SEAL_USAGE;
    size_t got = ZSTD_compress2(coder->pack, out, rdt_frame_room(), plain.p, plain.n);
    if (ZSTD_isError(got))
        return RDT_SEAL_INTERNAL;
    *n = got;
    return RDT_SEAL_OK;
}

#define MAGIC_LEN ((size_t)4)

static uint32_t
load_le(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

#define TABLE_MAGIC 0x184d2a5eu /* a skippable frame */

enum rdt_frame_next
rdt_frame_next(struct rdt_span bytes, size_t *len)
{
    if (bytes.n < MAGIC_LEN)
        return RDT_FRAME_MORE;
    if (load_le(bytes.p) == TABLE_MAGIC)
        return RDT_FRAME_TABLE;
    if (load_le(bytes.p) != ZSTD_MAGICNUMBER)
        return RDT_FRAME_WRONG;
    size_t got = ZSTD_findFrameCompressedSize(bytes.p, bytes.n);
    if (ZSTD_isError(got) || got > rdt_frame_room())
        return bytes.n < rdt_frame_room() ? RDT_FRAME_MORE : RDT_FRAME_WRONG;
    *len = got;
    return RDT_FRAME_DATA;
}

static bool
frame_ok(struct rdt_span frame)
{
    unsigned long long plain = ZSTD_getFrameContentSize(frame.p, frame.n);
    return frame.n >= MAGIC_LEN && load_le(frame.p) == ZSTD_MAGICNUMBER && plain != 0 &&
           plain != ZSTD_CONTENTSIZE_UNKNOWN && plain != ZSTD_CONTENTSIZE_ERROR &&
           plain <= RDT_FRAME_LEN && ZSTD_findFrameCompressedSize(frame.p, frame.n) == frame.n;
}

enum rdt_seal_fault
rdt_frame_unpack(struct rdt_frame_coder *coder, struct rdt_span frame, uint8_t *out, size_t *n)
{
    *n = 0;
    if (!frame_ok(frame))
        return RDT_SEAL_FRAME;
    size_t got = ZSTD_decompressDCtx(coder->unpack, out, RDT_FRAME_LEN, frame.p, frame.n);
    if (ZSTD_isError(got) || got == 0) {
        explicit_bzero(out, RDT_FRAME_LEN);
        return RDT_SEAL_FRAME;
    }
    *n = got;
    return RDT_SEAL_OK;
}
