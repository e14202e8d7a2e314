/*
 * fuzz_certificate - a file that somebody calls a certificate of destruction: it is never one of a
 * key that did not sign it, and what it says begins and ends as an object does.
 */
#include "kms/certificate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const uint8_t nobody[RDT_ED25519_PUBLIC_LEN] = {2};
    struct rdt_span in = {bytes, n};
    RDT_BUF out = {0};
    if (rdt_certificate_check(in, (struct rdt_span){nobody, sizeof nobody}, &out, NULL) == RDT_OK ||
        out.n != 0)
        abort();
    if (rdt_certificate_check(in, (struct rdt_span){0}, &out, NULL) == RDT_OK &&
        (out.n == 0 || out.p[0] != '{'))
        abort();
    struct rdt_span says = rdt_certificate_says(in);
    if (says.n > n || (says.n != 0 && says.p[0] != '{'))
        abort();
    return 0;
}
