/*
 * fuzz_cert - a certificate from a peer and, from the first "-----BEGIN" on, a CA file to verify it
 * with. Texts that come out must be fit for a report: UTF-8 without control bytes.
 */
#include "crypto/cert.h"

#include "base/text.h"

#include <stdlib.h>

#define NOW INT64_C(1796083200) /* 2026-12-01: a crash must come again tomorrow */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
expect_clean(const char *text, size_t size)
{
    struct rdt_span s = {(const uint8_t *)text, strnlen(text, size)};
    if (s.n == size || !rdt_text_utf8(s))
        abort();
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ')
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const uint8_t *pem = memmem(bytes, n, "-----BEGIN", 10);
    struct rdt_span der = {bytes, pem == NULL ? n : (size_t)(pem - bytes)};
    struct rdt_cert cert;
    struct rdt_cert_trust trust;
    if (rdt_cert_read(der, "a.example", &cert, NULL) == RDT_OK) {
        expect_clean(cert.subject, sizeof cert.subject);
        expect_clean(cert.issuer, sizeof cert.issuer);
        expect_clean(cert.key, sizeof cert.key);
        if (rdt_cert_read(der, "10.0.0.1", &cert, NULL) != RDT_OK)
            abort();
    }
    struct rdt_span ca = pem == NULL ? rdt_span_str("x") : (struct rdt_span){pem, n - der.n};
    if (rdt_cert_verify(&der, 1, ca, NOW, &trust, NULL) == RDT_OK)
        expect_clean(trust.why, sizeof trust.why);
    return 0;
}
