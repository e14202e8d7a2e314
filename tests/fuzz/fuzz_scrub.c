/* fuzz_scrub - raw answers: what comes out is text, not much longer, and a secret put among it is
 * gone. */
#include "base/text.h"
#include "evidence/scrub.h"

#include <stdlib.h>

#define GROWTH_MAX 8 /* times: a one-letter secret becomes [hidden] */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char planted[] = "\n\npassword=Sesame\nAKIAIOSFODNN7EXAMPLE\n";
    RDT_BUF raw = {0}, out = {0};
    rdt_scrub((struct rdt_span){bytes, n}, &out);
    if (!rdt_buf_ok(&out) || out.n > GROWTH_MAX * n)
        abort();
    for (size_t i = 0; i < out.n; i++) {
        if (out.p[i] == '\0')
            abort();
    }
    if (!rdt_text_utf8(rdt_buf_span(&out)))
        abort();
    rdt_buf_add(&raw, bytes, n);
    rdt_buf_str(&raw, planted);
    out.n = 0;
    rdt_scrub(rdt_buf_span(&raw), &out);
    if (memmem(out.p, out.n, "Sesame", 6) != NULL && memmem(bytes, n, "Sesame", 6) == NULL)
        abort();
    if (memmem(out.p, out.n, "AKIAIOSFODNN7", 13) != NULL &&
        memmem(bytes, n, "AKIAIOSFODNN7", 13) == NULL)
        abort();
    return 0;
}
