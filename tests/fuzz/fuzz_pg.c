/* fuzz_pg - what a PostgreSQL server, or anything in its place, answers first. */
#include "probe/pg_wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_pg_answer whole = {0}, cut = {0};
    enum rdt_pg_kind kind = rdt_pg_parse((struct rdt_span){bytes, n}, &whole);
    if (kind == RDT_PG_ERROR && strlen(whole.sqlstate) != RDT_PG_SQLSTATE - 1)
        abort();
    /* Bytes come one by one: an answer once read stays the same whatever follows it. */
    for (size_t i = n > 64 ? n - 64 : 0; i < n; i++) {
        enum rdt_pg_kind early = rdt_pg_parse((struct rdt_span){bytes, i}, &cut);
        if (early != RDT_PG_MORE && early != kind)
            abort();
    }
    return 0;
}
