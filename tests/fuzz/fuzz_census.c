/*
 * fuzz_census - bytes that a scanner is said to have signed: refused, or the one way to write what
 * they say; counts are in order, and walking over them ends.
 */
#include "codec/census.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
expect_same(const struct rdt_buf *got, struct rdt_span want)
{
    if (!rdt_buf_ok(got) || !rdt_span_eq(rdt_buf_span(got), want))
        abort();
}

static void
walk(struct rdt_span list, bool epochs)
{
    struct rdt_census_count count;
    uint64_t last = 0;
    size_t left = list.n;
    while (rdt_census_next(&list, epochs, &count)) {
        uint64_t place = (uint64_t)count.handle << 32 | count.version;
        if (place <= last || count.count == 0 || list.n >= left)
            abort();
        last = place;
        left = list.n;
    }
    if (list.n != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_span in = {bytes, n};
    struct rdt_census census;
    struct rdt_receipt receipt;
    RDT_BUF again = {0};
    if (rdt_census_read(in, &census, NULL) == RDT_OK) {
        if (census.looked_at > census.total || !rdt_store_name_ok(census.store))
            abort();
        walk(census.counts, false);
        walk(census.epochs, true);
        rdt_census_put(&census, &again);
        expect_same(&again, in);
    } else if (rdt_receipt_read(in, &receipt, NULL) == RDT_OK) {
        if (receipt.until_ms < receipt.created_ms || receipt.versions.n % 20 != 0)
            abort();
        rdt_receipt_put(&receipt, &again);
        expect_same(&again, in);
    }
    return 0;
}
