/* The table of frames: what is written is read, lengths add up, nothing else is a table. */
#include "seal/frame.h"

#include "../test.h"

#include <stdlib.h>

static void
three(struct rdt_frames *out)
{
    assert_int_equal(rdt_frames_add(out, 1000, RDT_FRAME_LEN), RDT_SEAL_OK);
    assert_int_equal(rdt_frames_add(out, 2000, RDT_FRAME_LEN), RDT_SEAL_OK);
    assert_int_equal(rdt_frames_add(out, 30, 7), RDT_SEAL_OK);
}

static void
written_and_read(void **state)
{
    (void)state;
    for (int n = 0; n < 2; n++) {
        RDT_AUTO(rdt_frames_done) struct rdt_frames frames = {.plain_len = 0};
        RDT_AUTO(rdt_frames_done) struct rdt_frames got = {.plain_len = 0};
        RDT_BUF table = {0};
        struct rdt_frame_place place;
        size_t len;
        if (n == 1)
            three(&frames);
        assert_int_equal(rdt_frames_put(&frames, &table), RDT_SEAL_OK);
        struct rdt_span end = {table.p + table.n - RDT_FRAMES_END_LEN, RDT_FRAMES_END_LEN};
        assert_int_equal(rdt_frames_table_len(end, &len), RDT_SEAL_OK);
        assert_int_equal(len, table.n);
        assert_int_equal(rdt_frames_same(&frames, rdt_buf_span(&table)), RDT_SEAL_OK);
        assert_int_equal(rdt_frames_read(rdt_buf_span(&table), frames.stored_len + table.n,
                                         frames.plain_len, &got),
                         RDT_SEAL_OK);
        assert_true(rdt_span_eq(rdt_buf_span(&got.lens), rdt_buf_span(&frames.lens)));
        assert_int_equal(rdt_frames_find(&got, 2, &place), n == 1);
        if (n == 1) {
            assert_int_equal(place.at, 3000);
            assert_int_equal(place.len, 30);
        }
        assert_false(rdt_frames_find(&got, 3, &place));
    }
}

static void
changed_and_cut(void **state)
{
    RDT_AUTO(rdt_frames_done) struct rdt_frames frames = {.plain_len = 0};
    RDT_AUTO(rdt_frames_done) struct rdt_frames got = {.plain_len = 0};
    RDT_BUF table = {0};
    (void)state;
    three(&frames);
    assert_int_equal(rdt_frames_put(&frames, &table), RDT_SEAL_OK);
    uint64_t stored = frames.stored_len + table.n;
    for (size_t bit = 0; bit < 8 * table.n; bit++) {
        table.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(rdt_frames_read(rdt_buf_span(&table), stored, frames.plain_len, &got),
                         RDT_SEAL_FOOTER);
        assert_int_equal(rdt_frames_same(&frames, rdt_buf_span(&table)), RDT_SEAL_FOOTER);
        table.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < table.n; n++) {
        uint8_t *own = malloc(n == 0 ? 1 : n);
        assert_non_null(own);
        memcpy(own, table.p + table.n - n, n);
        struct rdt_span part = {own, n};
        assert_int_equal(rdt_frames_read(part, stored, frames.plain_len, &got), RDT_SEAL_FOOTER);
        assert_int_equal(rdt_frames_same(&frames, part), RDT_SEAL_FOOTER);
        free(own);
    }
    struct rdt_span all = rdt_buf_span(&table);
    assert_int_equal(rdt_frames_read(all, stored - 1, frames.plain_len, &got), RDT_SEAL_FOOTER);
    assert_int_equal(rdt_frames_read(all, stored, frames.plain_len + 1, &got), RDT_SEAL_FOOTER);
    assert_int_equal(got.lens.n, 0);
}

/* A number of frames that would fill the memory. */
static void
too_many(void **state)
{
    uint8_t end[] = {1, 0, 0x40, 0, 0, 0xb1, 0xea, 0x92, 0x8f};
    size_t len;
    (void)state;
    assert_int_equal(rdt_frames_table_len((struct rdt_span){end, sizeof end}, &len),
                     RDT_SEAL_FOOTER);
    end[0] = 0;
    assert_int_equal(rdt_frames_table_len((struct rdt_span){end, sizeof end}, &len), RDT_SEAL_OK);
    assert_int_equal(rdt_frames_table_len((struct rdt_span){end, 8}, &len), RDT_SEAL_FOOTER);
}

static void
no_such_frame(void **state)
{
    RDT_AUTO(rdt_frames_done) struct rdt_frames frames = {.plain_len = 0};
    (void)state;
    assert_int_equal(rdt_frames_add(&frames, 1, 0), RDT_SEAL_FRAME);
    assert_int_equal(rdt_frames_add(&frames, 0, 1), RDT_SEAL_FRAME);
    assert_int_equal(rdt_frames_add(&frames, 1, RDT_FRAME_LEN + 1), RDT_SEAL_FRAME);
    assert_int_equal(rdt_frames_add(&frames, rdt_frame_room() + 1, RDT_FRAME_LEN), RDT_SEAL_FRAME);
    assert_int_equal(rdt_frames_add(&frames, 9, RDT_FRAME_LEN - 1), RDT_SEAL_OK);
    assert_int_equal(rdt_frames_add(&frames, 9, RDT_FRAME_LEN), RDT_SEAL_FRAME); /* behind it */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(changed_and_cut),
        cmocka_unit_test(too_many),
        cmocka_unit_test(no_such_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
