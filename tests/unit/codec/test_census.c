/*
 * Bytes of reports and receipts: what is written is read, and nothing else is. The vectors of
 * docs/formats/census.md, which are signed, are in tests/unit/client/test_census.c.
 */
#include "codec/census.h"

#include "../test.h"

static void
numbers(uint8_t *out, uint8_t from)
{
    for (size_t i = 0; i < 16; i++)
        out[i] = (uint8_t)(from + i);
}

static struct rdt_census
sample(struct rdt_buf *counts, struct rdt_buf *epochs)
{
    struct rdt_census census = {.store = rdt_span_str("stores.db"),
                                .looked_at = 1000,
                                .total = 1000,
                                .highest = 7,
                                .made_ms = 1796083200000};
    numbers(census.deployment, 0x10);
    numbers(census.nonce, 0x20);
    numbers(census.key, 0x30);
    rdt_census_add(counts, false, &(struct rdt_census_count){.version = 1, .count = 3});
    rdt_census_add(counts, false, &(struct rdt_census_count){.version = 4, .count = 1 << 20});
    rdt_census_add(epochs, true,
                   &(struct rdt_census_count){.handle = 0xdeadbeef, .version = 7, .count = 9});
    census.counts = rdt_buf_span(counts);
    census.epochs = rdt_buf_span(epochs);
    return census;
}

static struct rdt_receipt
sample_receipt(uint8_t held[static 20])
{
    struct rdt_receipt receipt = {.name = rdt_span_str("backup-2026-11.rbf"),
                                  .created_ms = 1796083200000,
                                  .until_ms = 1803859200000};
    numbers(receipt.deployment, 0x10);
    numbers(receipt.file, 0x40);
    numbers(receipt.digest, 0x50);
    numbers(receipt.digest + 16, 0x60);
    numbers(held, 0x30);
    memcpy(held + 16, "\0\0\0\1", 4);
    receipt.versions = (struct rdt_span){held, 20};
    return receipt;
}

static void
reads_what_is_written(void **state)
{
    RDT_BUF counts = {0};
    RDT_BUF epochs = {0};
    RDT_BUF bytes = {0};
    RDT_BUF again = {0};
    struct rdt_census census = sample(&counts, &epochs), read;
    (void)state;
    rdt_census_put(&census, &bytes);
    assert_int_equal(rdt_census_read(rdt_buf_span(&bytes), &read, NULL), RDT_OK);
    assert_true(rdt_span_is(read.store, "stores.db"));
    assert_int_equal(read.looked_at, 1000);
    assert_int_equal(read.highest, 7);
    rdt_census_put(&read, &again);
    assert_true(rdt_span_eq(rdt_buf_span(&bytes), rdt_buf_span(&again)));
    struct rdt_census_count count;
    assert_true(rdt_census_next(&read.epochs, true, &count));
    assert_int_equal(count.handle, 0xdeadbeef);
    assert_int_equal(count.count, 9);
    assert_false(rdt_census_next(&read.epochs, true, &count));
}

static void
truncated(void **state)
{
    RDT_BUF counts = {0};
    RDT_BUF epochs = {0};
    RDT_BUF bytes = {0};
    RDT_BUF receipt = {0};
    uint8_t held[20];
    struct rdt_census census = sample(&counts, &epochs);
    struct rdt_receipt held_by = sample_receipt(held), read_receipt;
    (void)state;
    rdt_census_put(&census, &bytes);
    rdt_receipt_put(&held_by, &receipt);
    for (size_t n = 0; n < bytes.n; n++)
        assert_int_equal(rdt_census_read((struct rdt_span){bytes.p, n}, &census, NULL),
                         RDT_E_BADINPUT);
    for (size_t n = 0; n < receipt.n; n++)
        assert_int_equal(rdt_receipt_read((struct rdt_span){receipt.p, n}, &read_receipt, NULL),
                         RDT_E_BADINPUT);
    assert_int_equal(rdt_receipt_read(rdt_buf_span(&receipt), &read_receipt, NULL), RDT_OK);
    assert_int_equal(rdt_census_read(rdt_buf_span(&receipt), &census, NULL), RDT_E_BADINPUT);
    rdt_buf_add(&bytes, "", 1);
    rdt_buf_add(&receipt, "", 1);
    assert_int_equal(rdt_census_read(rdt_buf_span(&bytes), &census, NULL), RDT_E_BADINPUT);
    assert_int_equal(rdt_receipt_read(rdt_buf_span(&receipt), &read_receipt, NULL), RDT_E_BADINPUT);
}

/* One thing wrong at a time. */
static void
refused(void **state)
{
    enum what { ORDER, TWICE, ZERO, NO_VERSION, COVERAGE, STORE, EMPTY_STORE, TIME, LABEL, N_WHAT };
    (void)state;
    for (enum what what = 0; what < N_WHAT; what++) {
        RDT_BUF counts = {0};
        RDT_BUF epochs = {0};
        RDT_BUF bytes = {0};
        struct rdt_census census = sample(&counts, &epochs), read;
        struct rdt_census_count more = {.version = what == ORDER        ? 2
                                                   : what == TWICE      ? 4
                                                   : what == NO_VERSION ? 0
                                                                        : 5,
                                        .count = what != ZERO};
        rdt_census_add(&counts, false, &more);
        census.counts = rdt_buf_span(&counts);
        census.looked_at += what == COVERAGE;
        census.made_ms = what == TIME ? INT64_MAX : census.made_ms;
        if (what == STORE)
            census.store = rdt_span_str("db one");
        if (what == EMPTY_STORE)
            census.store = rdt_span_str("");
        rdt_census_put(&census, &bytes);
        if (what == LABEL)
            bytes.p[0] ^= 1;
        if (rdt_census_read(rdt_buf_span(&bytes), &read, NULL) != RDT_E_BADINPUT)
            fail_msg("case %d was taken", (int)what);
    }
    uint8_t held[20];
    RDT_BUF bytes = {0};
    struct rdt_receipt receipt = sample_receipt(held);
    receipt.until_ms = receipt.created_ms - 1;
    rdt_receipt_put(&receipt, &bytes);
    assert_int_equal(rdt_receipt_read(rdt_buf_span(&bytes), &receipt, NULL), RDT_E_BADINPUT);
}

/* A name is shown to people: nothing in it may be more than a name. */
static void
names(void **state)
{
    static const struct {
        const char *name;
        enum rdt_code rc;
    } cases[] = {
        {"",                     RDT_OK        },
        {"Sicherung \xc3\xa4 1", RDT_OK        },
        {"a\tb",                 RDT_E_BADINPUT},
        {"\x1b[2J",              RDT_E_BADINPUT},
        {"a\x7f",                RDT_E_BADINPUT},
        {"\xff",                 RDT_E_BADINPUT},
        {"\xe2\x80\xae",         RDT_E_BADINPUT}, /* turns the order round */
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF bytes = {0};
        uint8_t held[20];
        struct rdt_receipt receipt = sample_receipt(held), read;
        receipt.name = rdt_span_str(cases[i].name);
        rdt_receipt_put(&receipt, &bytes);
        assert_int_equal(rdt_receipt_read(rdt_buf_span(&bytes), &read, NULL), cases[i].rc);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_written),
        cmocka_unit_test(truncated),
        cmocka_unit_test(refused),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests_name("codec/census", tests, NULL, NULL);
}
