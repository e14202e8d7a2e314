/*
 * fuzz_httphead - the head of a request: any bytes, given in any pieces, come to the same answer;
 * what is read lies within what arrived.
 */
#include "codec/httphead.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
within(struct rdt_span part, const uint8_t *bytes, size_t n)
{
    if (part.p < bytes || part.n > n || (size_t)(part.p - bytes) > n - part.n)
        abort();
}

static void
check(const struct rdt_http_head *head, const uint8_t *bytes, size_t used)
{
    struct rdt_span end = {bytes + used - 4, 4};
    if (used < 4 || used > RDT_HTTP_REQUEST_HEAD_MAX || !rdt_span_is(end, "\r\n\r\n"))
        abort();
    within(head->method, bytes, used);
    within(head->path, bytes, used);
    within(head->query, bytes, used);
    within(head->host, bytes, used);
    if (head->n_fields == 0 || head->n_fields > RDT_HTTP_FIELDS_MAX || head->path.p[0] != '/')
        abort();
    for (size_t i = 0; i < head->n_fields; i++) {
        within(head->fields[i].name, bytes, used);
        within(head->fields[i].value, bytes, used);
        if (head->fields[i].name.n == 0)
            abort();
        for (size_t k = 0; k < head->fields[i].value.n; k++)
            if (head->fields[i].value.p[k] < 0x20 && head->fields[i].value.p[k] != '\t')
                abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct rdt_http_head head, again;
    size_t used = 0, used_again = 0;
    int status = 0, status_again = 0;
    enum rdt_http_read got = rdt_http_head_read((struct rdt_span){bytes, n}, &head, &used, &status);
    if (got == RDT_HTTP_HEAD)
        check(&head, bytes, used);
    if (got == RDT_HTTP_REFUSED && status < 400)
        abort();
    for (size_t cut = n <= 256 ? 0 : n - 256; cut < n; cut++) {
        enum rdt_http_read early =
            rdt_http_head_read((struct rdt_span){bytes, cut}, &again, &used_again, &status_again);
        if (early == RDT_HTTP_MORE)
            continue;
        if (early != got || (got == RDT_HTTP_HEAD && used_again != used) ||
            (got == RDT_HTTP_REFUSED && status_again != status))
            abort();
    }
    return 0;
}
