/*
 * sigv4_main - what codec/sigv4.h makes of requests, for the test that compares it with other
 * signers. Reads a request a line, head and body in hexadecimal; prints a line of JSON for each.
 */
#include "codec/base64.h"
#include "codec/sigv4.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

static void
add(struct rdt_buf *out, const char *key, struct rdt_span text)
{
    rdt_buf_fmt(out, ", \"%s\": \"", key);
    rdt_hex_add(out, text); /* bytes of any kind come through */
    rdt_buf_str(out, "\"");
}

static int
describe(const struct rdt_http_head *head, struct rdt_span body, struct rdt_buf *out)
{
    struct rdt_sigv4 sig;
    char body_hash[2 * RDT_SHA256_LEN + 1], hash[2 * RDT_SHA256_LEN + 1];
    RDT_BUF canonical = {0}, to_sign = {0};
    enum rdt_sigv4_fault fault = rdt_sigv4_parse(head, &sig);
    if (fault != RDT_SIGV4_OK)
        return (int)fault;
    if (rdt_sha256_text(body, body_hash, NULL) != RDT_OK)
        abort();
    fault = rdt_sigv4_canonical(head, &sig, body_hash, &canonical);
    if (!rdt_buf_ok(&canonical) || rdt_sha256_text(rdt_buf_span(&canonical), hash, NULL) != RDT_OK)
        abort();
    rdt_sigv4_to_sign(&sig, hash, &to_sign);
    add(out, "key_id", sig.key_id);
    add(out, "date", sig.date);
    add(out, "region", sig.region);
    add(out, "service", sig.service);
    add(out, "token", sig.token);
    add(out, "signature", (struct rdt_span){sig.signature, sizeof sig.signature});
    add(out, "canonical", rdt_buf_span(&canonical));
    add(out, "to_sign", rdt_buf_span(&to_sign));
    return (int)fault;
}

int
main(void)
{
    static struct rdt_http_head head;
    static char line[262144];
    static uint8_t bytes[sizeof line / 2];
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct rdt_span text = {(const uint8_t *)line, strcspn(line, "\n")};
        size_t n = text.n / 2, used = 0;
        int status = 0, fault = -1;
        RDT_BUF out = {0};
        if (!rdt_hex_get(text, bytes, n))
            return 3;
        if (rdt_http_head_read((struct rdt_span){bytes, n}, &head, &used, &status) == RDT_HTTP_HEAD)
            fault = describe(&head, (struct rdt_span){bytes + used, n - used}, &out);
        const char *more = rdt_buf_cstr(&out);
        printf("{\"status\": %d, \"fault\": %d%s}\n", status, fault, more == NULL ? "" : more);
    }
    return 0;
}
