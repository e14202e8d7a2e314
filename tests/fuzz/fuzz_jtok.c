/* fuzz_jtok - the request path's JSON reader says of any bytes what jansson says of them. */
#include "codec/jtok.h"

#include "../unit/codec/jtok_same.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    bool accepted;
    if (!jtok_same((struct rdt_span){bytes, n}, &accepted))
        abort();
    return 0;
}
