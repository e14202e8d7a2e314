#include "client/sign_internal.h"

#include "base/clock.h"
#include "codec/base64.h"
#include "crypto/sigv4.h"

#define SERVICE "kms"
#define DIGITS (2 * (size_t)RDT_SHA256_LEN)

void
rdt_client_stamp(int64_t now_s, char out[static RDT_SIGV4_STAMP])
{
    char form[RDT_STAMP_TEXT];
    size_t n = 0;
    rdt_stamp_text(now_s, form);
    for (const char *p = form; *p != '\0' && n + 1 < RDT_SIGV4_STAMP; p++)
        if (*p != '-' && *p != ':')
            out[n++] = *p;
    out[n] = '\0';
}

/* The fields' names in order. They are few: each goes to its place. */
static enum rdt_code
sort_names(const struct rdt_http_head *head, struct rdt_sigv4 *sig, struct rdt_err *err)
{
    if (head->n_fields > RDT_SIGV4_SIGNED_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d headers to sign", RDT_SIGV4_SIGNED_MAX);
    for (size_t i = 0; i < head->n_fields; i++) {
        size_t at = sig->n_signed++;
        for (; at != 0 && rdt_span_cmp(sig->signed_name[at - 1], head->fields[i].name) > 0; at--)
            sig->signed_name[at] = sig->signed_name[at - 1];
        sig->signed_name[at] = head->fields[i].name;
    }
    return RDT_OK;
}

static enum rdt_code
hash_text(struct rdt_worker *worker, struct rdt_span bytes, char out[static DIGITS],
          struct rdt_err *err)
{
    uint8_t hash[RDT_SHA256_LEN];
    enum rdt_code rc = rdt_digest(worker, &bytes, 1, hash, err);
    if (rc == RDT_OK)
        rdt_hex_put((struct rdt_span){hash, sizeof hash}, out);
    return rc;
}

static enum rdt_code
make_signature(struct rdt_worker *worker, const struct client_signing *signing,
               const struct rdt_sigv4 *sig, struct rdt_span to_sign,
               uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err)
{
    RDT_SECRET key = {0};
    enum rdt_code rc = rdt_secret_new(&key, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_sigv4_key(worker, signing->secret, sig->date, sig->region, sig->service, &key);
    if (rc == RDT_OK)
        rc = rdt_hmac(worker, &key, &to_sign, 1, out);
    return rc == RDT_OK ? rc : rdt_fail_in(err, rc, "sign a request");
}

static enum rdt_code
string_to_sign(struct rdt_worker *worker, const struct rdt_http_head *head,
               const struct rdt_sigv4 *sig, struct rdt_span body, struct rdt_buf *out,
               struct rdt_err *err)
{
    RDT_BUF canonical = {0};
    char digits[DIGITS];
    enum rdt_code rc = hash_text(worker, body, digits, err);
    if (rc != RDT_OK)
        return rc;
    if (rdt_sigv4_canonical(head, sig, digits, &canonical) != RDT_SIGV4_OK)
        return rdt_fail(err, RDT_E_INTERNAL, "a request that says another body's hash");
    if (!rdt_buf_ok(&canonical))
        return rdt_fail(err, RDT_E_NOMEM, "sign a request");
    rc = hash_text(worker, rdt_buf_span(&canonical), digits, err);
    if (rc == RDT_OK)
        rdt_sigv4_to_sign(sig, digits, out);
    return rc;
}

static void
join_names(const struct rdt_sigv4 *sig, struct rdt_buf *out)
{
    for (size_t i = 0; i < sig->n_signed; i++)
        rdt_buf_fmt(out, "%s%.*s", i == 0 ? "" : ";", RDT_FMT(sig->signed_name[i]));
}

enum rdt_code
rdt_client_sign(struct rdt_worker *worker, const struct client_signing *signing,
                const struct rdt_http_head *head, struct rdt_span body, struct rdt_buf *out,
                struct rdt_err *err)
{
    RDT_BUF scope = {0};
    RDT_BUF names = {0};
    RDT_BUF to_sign = {0};
    uint8_t signature[RDT_SHA256_LEN];
    struct rdt_sigv4 sig = {.time_s = signing->now_s,
                            .region = rdt_span_str(signing->region),
                            .service = rdt_span_str(SERVICE)};
    rdt_client_stamp(signing->now_s, sig.stamp);
    sig.date = (struct rdt_span){(const uint8_t *)sig.stamp, 8};
    enum rdt_code rc = sort_names(head, &sig, err);
    if (rc != RDT_OK)
        return rc;
    rdt_buf_fmt(&scope, "%.*s/%s/" SERVICE "/aws4_request", RDT_FMT(sig.date), signing->region);
    join_names(&sig, &names);
    sig.scope = rdt_buf_span(&scope);
    sig.signed_headers = rdt_buf_span(&names);
    rc = string_to_sign(worker, head, &sig, body, &to_sign, err);
    if (rc == RDT_OK && !(rdt_buf_ok(&scope) && rdt_buf_ok(&names) && rdt_buf_ok(&to_sign)))
        rc = rdt_fail(err, RDT_E_NOMEM, "sign a request");
    if (rc == RDT_OK)
        rc = make_signature(worker, signing, &sig, rdt_buf_span(&to_sign), signature, err);
    if (rc != RDT_OK)
        return rc;
    rdt_buf_fmt(out, "AWS4-HMAC-SHA256 Credential=%s/%.*s, SignedHeaders=%.*s, Signature=",
                signing->key_id, RDT_FMT(sig.scope), RDT_FMT(sig.signed_headers));
    rdt_hex_add(out, (struct rdt_span){signature, sizeof signature});
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "sign a request");
}
