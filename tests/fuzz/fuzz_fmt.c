/* plan fmt: whatever can be read either is tidied, so that a second time changes nothing, or is
 * refused with words.  rdt_plan_fmt() itself proves that tree and comments are the same. */
#include "plan/fmt.h"

#include "known_leaks.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_BUF once = {0}, twice = {0};
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_plan_fmt("fuzz.yaml", (struct rdt_span){bytes, n}, &diags, &once, &err);
    if (rc != RDT_OK && once.n == 0 && (diags.n != 0 || err.text[0] != '\0')) {
#ifdef RDT_FMT_STRICT
        /* Known: letters that mean something else at the beginning of a line, and block texts
         * whose last blank lines libfyaml counts in more than one way. */
        if (rc == RDT_E_INTERNAL && memmem(bytes, n, "\xef\xbb\xbf", 3) == NULL &&
            memmem(bytes, n, "---", 3) == NULL && memmem(bytes, n, "...", 3) == NULL &&
            memchr(bytes, '%', n) == NULL && memchr(bytes, '|', n) == NULL &&
            memchr(bytes, '>', n) == NULL)
            abort();
#endif
        return 0;
    }
    if (rc != RDT_OK || rdt_plan_fmt("fuzz.yaml", rdt_buf_span(&once), &diags, &twice, &err) != 0 ||
        rdt_span_cmp(rdt_buf_span(&once), rdt_buf_span(&twice)) != 0)
        abort();
    return 0;
}
