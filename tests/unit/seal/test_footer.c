/* Footers: what is written is read from the end; what no writer makes is refused. */
#include "seal/footer.h"

#include "../test.h"

#include <stdlib.h>

static uint8_t epochs[2 * RDT_SEAL_EPOCH_LEN], versions[2 * RDT_SEAL_VERSION_LEN];

static struct rdt_seal_footer
full(void)
{
    epochs[RDT_SEAL_EPOCH_LEN] = 1;
    versions[2 * RDT_SEAL_VERSION_LEN - 1] = 1;
    return (struct rdt_seal_footer){
        .coding = RDT_SEAL_ZSTD,
        .plain_len = 1 << 20,
        .stored_len = 1 << 10,
        .tags = {1},
        .hashed = true,
        .plain = {2},
        .contained_known = true,
        .epochs = {epochs, sizeof epochs},
        .versions = {versions, sizeof versions},
    };
}

static void
same(const struct rdt_seal_footer *a, const struct rdt_seal_footer *b)
{
    assert_int_equal(a->exit_status, b->exit_status);
    assert_int_equal(a->coding, b->coding);
    assert_int_equal(a->plain_len, b->plain_len);
    assert_int_equal(a->stored_len, b->stored_len);
    assert_int_equal(a->hashed, b->hashed);
    assert_int_equal(a->contained_known, b->contained_known);
    assert_memory_equal(a->tags, b->tags, sizeof a->tags);
    assert_memory_equal(a->plain, b->plain, sizeof a->plain);
    assert_true(rdt_span_eq(a->epochs, b->epochs));
    assert_true(rdt_span_eq(a->versions, b->versions));
}

static void
written_and_read(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        RDT_BUF tail = {0};
        struct rdt_seal_footer footer = full(), got;
        size_t len;
        if ((i & 1) != 0) {
            footer.hashed = false;
            memset(footer.plain, 0, sizeof footer.plain);
        }
        if ((i & 2) != 0) {
            footer.contained_known = false;
            footer.epochs.n = footer.versions.n = 0;
        }
        rdt_buf_str(&tail, "what is before is payload");
        size_t before = tail.n;
        assert_int_equal(rdt_seal_footer_put(&footer, &tail), RDT_SEAL_OK);
        assert_int_equal(rdt_seal_footer_read(rdt_buf_span(&tail), &got, &len), RDT_SEAL_OK);
        assert_int_equal(len, tail.n - before);
        same(&footer, &got);
    }
}

static void
a_producer_that_failed(void **state)
{
    RDT_BUF tail = {0};
    struct rdt_seal_footer footer = full(), got;
    size_t len = 0;
    (void)state;
    footer.exit_status = 137;
    assert_int_equal(rdt_seal_footer_put(&footer, &tail), RDT_SEAL_OK);
    assert_int_equal(rdt_seal_footer_read(rdt_buf_span(&tail), &got, &len), RDT_SEAL_INCOMPLETE);
    assert_int_equal(len, tail.n);
    same(&footer, &got);
}

static void
cut_and_missing(void **state)
{
    RDT_BUF tail = {0};
    struct rdt_seal_footer footer = full(), got;
    size_t len;
    (void)state;
    assert_int_equal(rdt_seal_footer_put(&footer, &tail), RDT_SEAL_OK);
    for (size_t n = 0; n < tail.n; n++) {
        uint8_t *part = malloc(n == 0 ? 1 : n);
        assert_non_null(part);
        memcpy(part, tail.p, n); /* its end is missing */
        assert_int_equal(rdt_seal_footer_read((struct rdt_span){part, n}, &got, &len),
                         RDT_SEAL_INCOMPLETE);
        memcpy(part, tail.p + tail.n - n, n); /* its beginning is */
        assert_int_equal(rdt_seal_footer_read((struct rdt_span){part, n}, &got, &len),
                         n < 8 ? RDT_SEAL_INCOMPLETE : RDT_SEAL_FOOTER);
        free(part);
    }
}

static void
what_no_writer_makes(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
    } cases[] = {
        {"version",                 0,   2   },
        {"a flag of later",         1,   7   },
        {"flags and length differ", 1,   2   },
        {"coding",                  2,   2   },
        {"raw of another length",   2,   0   },
        {"count of epochs",         88,  3   },
        {"epochs out of order",     111, 0   },
        {"versions twice",          174, 0   },
        {"count of versions",       134, 0xff},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF tail = {0};
        struct rdt_seal_footer footer = full(), got;
        size_t len;
        assert_int_equal(rdt_seal_footer_put(&footer, &tail), RDT_SEAL_OK);
        assert_int_not_equal(tail.p[cases[i].at], cases[i].value);
        tail.p[cases[i].at] = cases[i].value;
        if (rdt_seal_footer_read(rdt_buf_span(&tail), &got, &len) != RDT_SEAL_FOOTER)
            fail_msg("%s", cases[i].name);
    }
}

static void
what_cannot_be_written(void **state)
{
    static uint8_t many[(RDT_SEAL_CONTAINED_MAX + 1) * RDT_SEAL_EPOCH_LEN];
    RDT_BUF tail = {0};
    struct rdt_seal_footer footer, got;
    size_t len;
    (void)state;
    for (size_t i = 0; i <= RDT_SEAL_CONTAINED_MAX; i++) {
        many[i * RDT_SEAL_EPOCH_LEN] = (uint8_t)(i >> 8);
        many[i * RDT_SEAL_EPOCH_LEN + 1] = (uint8_t)i;
    }
    footer = full();
    footer.epochs = (struct rdt_span){many, sizeof many};
    assert_int_equal(rdt_seal_footer_put(&footer, &tail), RDT_SEAL_LIMIT);
    footer.epochs.n -= RDT_SEAL_EPOCH_LEN + 1;
    assert_int_equal(rdt_seal_footer_put(&footer, &tail), RDT_SEAL_USAGE);
    footer = full();
    footer.contained_known = false;
    assert_int_equal(rdt_seal_footer_put(&footer, &tail), RDT_SEAL_USAGE);
    footer = full();
    memset(epochs, 0, sizeof epochs);
    assert_int_equal(rdt_seal_footer_put(&footer, &tail), RDT_SEAL_USAGE);
    assert_int_equal(tail.n, 0);
    footer = full(); /* the longest list of epochs there is */
    footer.epochs = (struct rdt_span){many, sizeof many - RDT_SEAL_EPOCH_LEN};
    assert_int_equal(rdt_seal_footer_put(&footer, &tail), RDT_SEAL_OK);
    assert_true(tail.n < RDT_SEAL_TAIL_MAX);
    assert_int_equal(rdt_seal_footer_read(rdt_buf_span(&tail), &got, &len), RDT_SEAL_OK);
    same(&footer, &got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_read),       cmocka_unit_test(a_producer_that_failed),
        cmocka_unit_test(cut_and_missing),        cmocka_unit_test(what_no_writer_makes),
        cmocka_unit_test(what_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
