/* fuzz_hsts - the Strict-Transport-Security parser: any bytes; what it accepts is in range. */
#include "codec/hsts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_hsts h = {-1, false, false};
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_hsts_parse((struct rdt_span){bytes, n}, &h, &err);
    bool in_range = h.max_age_s >= 0 && h.max_age_s <= RDT_HSTS_AGE_MAX;
    if (rc == RDT_OK ? !in_range : (h.max_age_s != -1 || err.text[0] == '\0'))
        abort();
    return 0;
}
