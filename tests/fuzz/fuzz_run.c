/* A stored run: refused with words, or good for every format, and the same when stored again. */
#include "report/report.h"

#include "known_leaks.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct rdt_report
report_of(const struct rdt_stored *stored)
{
    return (struct rdt_report){.run = rdt_stored_run(stored),
                               .plan = rdt_stored_plan(stored),
                               .evidence = rdt_stored_evidence(stored)};
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_AUTO(rdt_stored_close_at) struct rdt_stored *stored = NULL;
    RDT_AUTO(rdt_stored_close_at) struct rdt_stored *again = NULL;
    RDT_BUF once = {0}, twice = {0};
    struct rdt_err err = {0};
    if (rdt_run_load("fuzz.json", (struct rdt_span){bytes, n}, &stored, &err) != RDT_OK) {
        if (stored != NULL || err.text[0] == '\0')
            abort();
        return 0;
    }
    struct rdt_report report = report_of(stored);
    for (unsigned f = 0; f < RDT_NFORMATS; f++) {
        RDT_BUF out = {0};
        if (rdt_report_render(&report, f, &out, &err) != RDT_OK)
            abort();
    }
    if (rdt_report_render(&report, RDT_FORMAT_STORED, &once, NULL) != RDT_OK ||
        rdt_run_load("again.json", rdt_buf_span(&once), &again, NULL) != RDT_OK)
        abort();
    report = report_of(again);
    if (rdt_report_render(&report, RDT_FORMAT_STORED, &twice, NULL) != RDT_OK ||
        rdt_span_cmp(rdt_buf_span(&once), rdt_buf_span(&twice)) != 0)
        abort();
    return 0;
}
