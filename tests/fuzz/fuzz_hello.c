/*
 * fuzz_hello - a server's first bytes. What they are must not change when more of them arrive: each
 * beginning is either undecided or says what the whole says.
 */
#include "net/hello.h"

#include <stdlib.h>

#define CUTS_MAX 600 /* beginnings that are tried, so that large inputs stay fast */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_hello hello, h;
    uint8_t alert = 0;
    enum rdt_hello_kind whole = rdt_hello_reply((struct rdt_span){bytes, n}, &hello, &alert);
    for (size_t cut = 0; cut < n && cut < CUTS_MAX; cut++) {
        enum rdt_hello_kind kind = rdt_hello_reply((struct rdt_span){bytes, cut}, &h, &alert);
        if (kind != RDT_HELLO_MORE && kind != whole)
            abort();
    }
    (void)rdt_hello_parse((struct rdt_span){bytes, n}, &h);
    return 0;
}
