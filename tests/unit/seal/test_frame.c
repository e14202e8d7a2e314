/* Frames: there and back, in pieces, damaged, and those that no writer makes. */
#include "seal/frame.h"

#include "../test.h"

#include <stdlib.h>

static struct rdt_frame_coder *coder;
static uint8_t *plain, *packed, *out;

static int
set_up(void **state)
{
    uint32_t v = 1;
    (void)state;
    plain = malloc(RDT_FRAME_LEN + 1);
    packed = malloc(rdt_frame_room());
    out = malloc(RDT_FRAME_LEN);
    if (plain == NULL || packed == NULL || out == NULL)
        return -1;
    for (size_t i = 0; i <= RDT_FRAME_LEN; i++) { /* half noise, half text */
        v = v * 1664525u + 1013904223u;
        plain[i] = (i & 4096) != 0 ? (uint8_t)(v >> 24) : (uint8_t) "planted text "[i % 13];
    }
    return rdt_frame_coder_new(0, &coder) == RDT_SEAL_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_frame_coder_free(coder);
    rdt_frame_coder_free(NULL);
    free(plain);
    free(packed);
    free(out);
    return 0;
}

static void
there_and_back(void **state)
{
    static const size_t lens[] = {1, 2, 255, 4096, RDT_FRAME_LEN - 1, RDT_FRAME_LEN};
    size_t n, got, len;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(lens); i++) {
        assert_int_equal(rdt_frame_pack(coder, (struct rdt_span){plain, lens[i]}, packed, &n),
                         RDT_SEAL_OK);
        struct rdt_span frame = {packed, n};
        assert_int_equal(rdt_frame_next(frame, &len), RDT_FRAME_DATA);
        assert_int_equal(len, n);
        assert_int_equal(rdt_frame_unpack(coder, frame, out, &got), RDT_SEAL_OK);
        assert_int_equal(got, lens[i]);
        assert_memory_equal(out, plain, got);
    }
}

static void
in_pieces(void **state)
{
    size_t n, len;
    (void)state;
    assert_int_equal(rdt_frame_pack(coder, (struct rdt_span){plain, 300}, packed, &n), RDT_SEAL_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rdt_frame_next((struct rdt_span){packed, i}, &len), RDT_FRAME_MORE);
    assert_int_equal(rdt_frame_next((struct rdt_span){packed, n + 5}, &len), RDT_FRAME_DATA);
    assert_int_equal(len, n);
    assert_int_equal(rdt_frame_next(rdt_span_str("\x5e\x2a\x4d\x18"), &len), RDT_FRAME_TABLE);
    assert_int_equal(rdt_frame_next(rdt_span_str("text"), &len), RDT_FRAME_WRONG);
    memset(packed + 4, 0xff, rdt_frame_room() - 4); /* never ends */
    assert_int_equal(rdt_frame_next((struct rdt_span){packed, rdt_frame_room()}, &len),
                     RDT_FRAME_WRONG);
}

/* Damage that the chunks would have shown: no crash, at most RDT_FRAME_LEN bytes. */
static void
damaged(void **state)
{
    size_t n, got;
    (void)state;
    assert_int_equal(rdt_frame_pack(coder, (struct rdt_span){plain, 300}, packed, &n), RDT_SEAL_OK);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        uint8_t *own = malloc(n);
        assert_non_null(own);
        memcpy(own, packed, n);
        own[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum rdt_seal_fault fault = rdt_frame_unpack(coder, (struct rdt_span){own, n}, out, &got);
        assert_true(fault == RDT_SEAL_FRAME ? got == 0 : got <= RDT_FRAME_LEN);
        free(own);
    }
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(rdt_frame_unpack(coder, (struct rdt_span){packed, cut}, out, &got),
                         RDT_SEAL_FRAME);
    assert_int_equal(rdt_frame_unpack(coder, (struct rdt_span){packed, n + 1}, out, &got),
                     RDT_SEAL_FRAME);
}

/* Larger, empty, without a length, and a skippable one. */
static void
what_no_writer_makes(void **state)
{
    /* 2 MiB of zeroes; no bytes; "abc" without its length */
    static const uint8_t large[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0x00, 0x00, 0x20, 0x00, 0x54,
                                    0x00, 0x00, 0x10, 0x00, 0x00, 0x01, 0x00, 0xfb, 0xff, 0x39,
                                    0xc0, 0x02, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00,
                                    0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00,
                                    0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00,
                                    0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00,
                                    0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00,
                                    0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x03, 0x00,
                                    0x10, 0x00},
                         empty[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00},
                         unknown[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00,
                                      0x19, 0x00, 0x00, 0x61, 0x62, 0x63};
    static const struct rdt_span frames[] = {
        {large,                                       sizeof large  },
        {empty,                                       sizeof empty  },
        {unknown,                                     sizeof unknown},
        {(const uint8_t *)"\x5e\x2a\x4d\x18\0\0\0\0", 8             },
        {NULL,                                        0             },
    };
    size_t n;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(frames); i++)
        if (rdt_frame_unpack(coder, frames[i], out, &n) != RDT_SEAL_FRAME)
            fail_msg("frame %zu", i);
}

static void
what_cannot_be_packed(void **state)
{
    struct rdt_frame_coder *other = NULL;
    size_t n;
    (void)state;
    assert_int_equal(rdt_frame_pack(coder, (struct rdt_span){plain, 0}, packed, &n),
                     RDT_SEAL_USAGE);
    assert_int_equal(rdt_frame_pack(coder, (struct rdt_span){plain, RDT_FRAME_LEN + 1}, packed, &n),
                     RDT_SEAL_USAGE);
    assert_int_equal(rdt_frame_coder_new(-1, &other), RDT_SEAL_USAGE);
    assert_int_equal(rdt_frame_coder_new(RDT_FRAME_LEVEL_MAX + 1, &other), RDT_SEAL_USAGE);
    assert_null(other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(in_pieces),
        cmocka_unit_test(damaged),
        cmocka_unit_test(what_no_writer_makes),
        cmocka_unit_test(what_cannot_be_packed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
