/* SVG through the filter: what comes out is well formed to the filter itself, does not change when
 * filtered again, and holds nothing that runs or loads. */
#include "report/report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
must_lack(struct rdt_span text, const char *part)
{
    if (text.n != 0 && memmem(text.p, text.n, part, strlen(part)) != NULL)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const never[] = {"<script", "<style", "<image", "<use",   "<foreign", "<a",
                                        "<!",      "<?",     " on",    " href=", " style="};
    RDT_BUF once = {0}, twice = {0};
    struct rdt_err err = {0};
    if (rdt_svg_filter((struct rdt_span){bytes, n}, &once, &err) != RDT_OK) {
        if (err.text[0] == '\0')
            abort();
        return 0;
    }
    /* inside text a "<" is always "&lt;", but " on" may be a word: look at tags only */
    RDT_BUF tags = {0};
    for (size_t i = 0, in = 0; i < once.n; i++) {
        in = once.p[i] == '<' ? 1 : in;
        if (in != 0 && once.p[i] != '"')
            rdt_buf_add(&tags, &once.p[i], 1);
        if (in != 0 && once.p[i] == '"') /* values go: they are quoted and escaped */
            while (++i < once.n && once.p[i] != '"')
                ;
        in = i < once.n && once.p[i] == '>' ? 0 : in;
    }
    for (size_t i = 0; i < RDT_COUNT(never); i++)
        must_lack(rdt_buf_span(&tags), never[i]);
    if (rdt_svg_filter(rdt_buf_span(&once), &twice, NULL) != RDT_OK)
        abort();
    if (rdt_span_cmp(rdt_buf_span(&once), rdt_buf_span(&twice)) != 0)
        abort();
    return 0;
}
