/*
 * fuzz_record - the first byte chooses a kind of row, the rest is its body: it is refused, or is
 * the one way to write what it says. The same bytes as pairs end, without a step back.
 */
#include "kms/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
expect_same(const struct rdt_record *record, const void *object, struct rdt_span want)
{
    RDT_BUF got = {0};
    rdt_record_put(record, object, &got);
    if (!rdt_buf_ok(&got) || !rdt_span_eq(rdt_buf_span(&got), want))
        abort();
}

static void
walk_pairs(struct rdt_span in)
{
    struct rdt_pair pair;
    for (size_t left = in.n; rdt_pairs_next(&in, &pair); left = in.n)
        if (in.n >= left || pair.name.n + pair.value.n > left)
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    enum rdt_kind kind = 1 + bytes[0] % (RDT_KIND_END - 1);
    const struct rdt_record *record = rdt_kind_record(kind);
    struct rdt_span body = {bytes + 1, n - 1};
    void *object = calloc(1, record->size), *copy = malloc(record->size);
    RDT_BUF id = {0};
    if (object == NULL || copy == NULL)
        abort();
    if (rdt_record_get(record, body, object, NULL) == RDT_OK) {
        expect_same(record, object, body);
        rdt_kind_id(kind, object, &id);
        if (rdt_record_copy(record, object, copy) != RDT_OK)
            abort();
        rdt_record_done(record, object);
        expect_same(record, copy, body);
        rdt_record_done(record, copy);
    }
    rdt_record_done(record, object);
    free(object);
    free(copy);
    walk_pairs(body);
    return 0;
}
