#include "kms/certificate.h"

#include "base/cursor.h"
#include "codec/base64.h"
#include "crypto/worker.h"

#define LABEL "redoubt destruction certificate v1"
#define HEAD "{\"certificate\":"
#define MIDDLE ",\"signature\":\""
#define NAME ",\"key\":\""
#define TAIL "}"
#define SIGNATURE_DIGITS ((size_t)2 * RDT_SIGNATURE_LEN)
#define KEY_DIGITS ((size_t)2 * RDT_ED25519_PUBLIC_LEN)

/* ,"signature":"<128>","key":"<64>"} */
#define REST                                                                                       \
    (sizeof MIDDLE - 1 + SIGNATURE_DIGITS + 1 + sizeof NAME - 1 + KEY_DIGITS + 1 + sizeof TAIL - 1)

static void
signed_bytes(struct rdt_span says, struct rdt_buf *out)
{
    rdt_buf_add(out, LABEL, sizeof LABEL);
    rdt_buf_add(out, says.p, says.n);
}

enum rdt_code
rdt_certificate_seal(struct rdt_signer *signer, struct rdt_span says, struct rdt_buf *out,
                     struct rdt_err *err)
{
    RDT_BUF bytes = {0};
    uint8_t signature[RDT_SIGNATURE_LEN];
    if (says.n + sizeof HEAD + REST > RDT_CERTIFICATE_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a certificate of more than %zu bytes",
                        RDT_CERTIFICATE_MAX);
    signed_bytes(says, &bytes);
    if (!rdt_buf_ok(&bytes))
        return rdt_fail(err, RDT_E_NOMEM, "sign a certificate");
    enum rdt_code rc = rdt_signer_sign(signer, rdt_buf_span(&bytes), signature, err);
    if (rc != RDT_OK)
        return rc;
    rdt_buf_str(out, HEAD);
    rdt_buf_add(out, says.p, says.n);
    rdt_buf_str(out, MIDDLE);
    rdt_hex_add(out, (struct rdt_span){signature, sizeof signature});
    rdt_buf_str(out, "\"" NAME);
    rdt_hex_add(out, rdt_signer_public(signer));
    rdt_buf_str(out, "\"" TAIL);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "sign a certificate");
}

/* Without the white space outside of texts. */
static void
compact(struct rdt_span in, struct rdt_buf *out)
{
    bool text = false, escaped = false;
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = in.p[i];
        if (!text && (c == ' ' || c == '\t' || c == '\n' || c == '\r'))
            continue;
        rdt_buf_add(out, &c, 1);
        if (text && !escaped && c == '\\') {
            escaped = true;
            continue;
        }
        if (c == '"' && !escaped)
            text = !text;
        escaped = false;
    }
}

static bool
take_words(struct rdt_span *in, const char *words)
{
    struct rdt_span got;
    return rdt_take(in, strlen(words), &got) && rdt_span_is(got, words);
}

/* Cut a compact certificate into its parts. */
static bool
split(struct rdt_span in, struct rdt_span *says, uint8_t signature[static RDT_SIGNATURE_LEN],
      uint8_t key[static RDT_ED25519_PUBLIC_LEN])
{
    struct rdt_span digits;
    if (!take_words(&in, HEAD) || in.n < REST + 2)
        return false;
    bool ok = rdt_take(&in, in.n - REST, says) && says->p[0] == '{';
    ok = ok && take_words(&in, MIDDLE) && rdt_take(&in, SIGNATURE_DIGITS, &digits) &&
         rdt_hex_get(digits, signature, RDT_SIGNATURE_LEN);
    ok = ok && take_words(&in, "\"" NAME) && rdt_take(&in, KEY_DIGITS, &digits) &&
         rdt_hex_get(digits, key, RDT_ED25519_PUBLIC_LEN);
    return ok && take_words(&in, "\"" TAIL) && in.n == 0;
}

struct rdt_span
rdt_certificate_says(struct rdt_span bytes)
{
    struct rdt_span says;
    uint8_t signature[RDT_SIGNATURE_LEN], key[RDT_ED25519_PUBLIC_LEN];
    return split(bytes, &says, signature, key) ? says : (struct rdt_span){0};
}

enum rdt_code
rdt_certificate_check(struct rdt_span bytes, struct rdt_span key, struct rdt_buf *says,
                      struct rdt_err *err)
{
    RDT_BUF text = {0};
    RDT_BUF made = {0};
    struct rdt_span inner;
    uint8_t signature[RDT_SIGNATURE_LEN], named[RDT_ED25519_PUBLIC_LEN];
    if (bytes.n > RDT_CERTIFICATE_MAX * 2)
        return rdt_fail(err, RDT_E_LIMIT, "too long for a certificate");
    compact(bytes, &text);
    if (!rdt_buf_ok(&text))
        return rdt_fail(err, RDT_E_NOMEM, "read a certificate");
    if (!split(rdt_buf_span(&text), &inner, signature, named))
        return rdt_fail(err, RDT_E_BADINPUT, "not a certificate of destruction");
    struct rdt_span own = {named, sizeof named};
    if (key.n != 0 && !rdt_span_eq(key, own))
        return rdt_fail(err, RDT_E_TAMPERED, "it was signed by another key than the one given");
    signed_bytes(inner, &made);
    if (!rdt_buf_ok(&made))
        return rdt_fail(err, RDT_E_NOMEM, "read a certificate");
    enum rdt_code rc = rdt_signature_check(own, rdt_buf_span(&made),
                                           (struct rdt_span){signature, sizeof signature}, NULL);
    if (rc != RDT_OK)
        return rdt_fail(err, rc == RDT_E_BADINPUT ? RDT_E_TAMPERED : rc,
                        "it is not what was signed");
    rdt_buf_add(says, inner.p, inner.n);
    return rdt_buf_ok(says) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "read a certificate");
}
