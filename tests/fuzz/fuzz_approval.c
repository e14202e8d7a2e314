/*
 * fuzz_approval - bytes that an approver is asked to sign, from a server that may be anybody's:
 * what is read is written again byte for byte, so nothing is in them that the approver was not
 * shown.
 */
#include "kms/approval.h"
#include "kms/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_BUF again = {0};
    struct rdt_approval_bytes read;
    struct rdt_pair pair;
    if (rdt_approval_read((struct rdt_span){bytes, n}, &read, NULL) != RDT_OK)
        return 0;
    rdt_approval_put(&read, &again);
    if (!rdt_buf_ok(&again) || !rdt_span_eq(rdt_buf_span(&again), (struct rdt_span){bytes, n}))
        abort();
    struct rdt_span rest = read.parameters;
    while (rdt_pairs_next(&rest, &pair))
        if (pair.name.n == 0)
            abort();
    if (rest.n != 0)
        abort();
    (void)rdt_approval_words(read.operation);
    return 0;
}
