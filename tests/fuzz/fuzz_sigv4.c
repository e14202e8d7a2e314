/*
 * fuzz_sigv4 - a signed request: what is accepted has its parts within their limits, and its
 * canonical request a line for each, so that nothing that arrived makes a line of its own.
 */
#include "codec/sigv4.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void
check_lines(const struct rdt_sigv4 *sig, struct rdt_span text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    if (lines != 3 + sig->n_signed + 3)
        abort();
    if (!rdt_span_is((struct rdt_span){text.p + text.n - 64, 64}, hash))
        abort();
}

static void
check(const struct rdt_http_head *head, const struct rdt_sigv4 *sig)
{
    RDT_BUF canonical = {0}, to_sign = {0};
    if (sig->key_id.n == 0 || sig->key_id.n > RDT_SIGV4_KEY_ID_MAX || sig->date.n != 8 ||
        sig->n_signed == 0 || sig->n_signed > RDT_SIGV4_SIGNED_MAX || sig->region.n == 0 ||
        sig->region.n > RDT_SIGV4_SCOPE_MAX || sig->service.n == 0 ||
        strlen(sig->stamp) != RDT_SIGV4_STAMP - 1 || sig->time_s < 0)
        abort();
    if (rdt_sigv4_canonical(head, sig, hash, &canonical) > RDT_SIGV4_PAYLOAD ||
        !rdt_buf_ok(&canonical))
        abort();
    check_lines(sig, rdt_buf_span(&canonical));
    rdt_sigv4_to_sign(sig, hash, &to_sign);
    if (to_sign.n != 16 + 1 + 16 + 1 + sig->scope.n + 1 + 64)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct rdt_http_head head;
    struct rdt_sigv4 sig;
    size_t used;
    int status;
    if (rdt_http_head_read((struct rdt_span){bytes, n}, &head, &used, &status) == RDT_HTTP_HEAD &&
        rdt_sigv4_parse(&head, &sig) == RDT_SIGV4_OK)
        check(&head, &sig);
    return 0;
}
