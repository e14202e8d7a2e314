#include "crypto/worker_internal.h"

#include <limits.h>
#include <openssl/err.h>

static bool
fits(size_t n)
{
    return n <= INT_MAX - RDT_GCM_TAG_LEN;
}

static bool
gcm_add(EVP_CIPHER_CTX *ctx, struct rdt_span in, uint8_t *out)
{
    int n = 0;
    return in.n == 0 || EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1;
}

enum rdt_code
rdt_gcm_seal(struct rdt_worker *worker, const struct rdt_secret *key, const uint8_t *iv,
             struct rdt_span aad, struct rdt_span plain, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = worker->seal;
    uint8_t *tag = out + plain.n;
    int n = 0;
    bool ok = key->n == RDT_KEY_LEN && fits(aad.n) && fits(plain.n);
    ok = ok && EVP_EncryptInit_ex2(ctx, NULL, key->p, iv, NULL) == 1;
    ok = ok && gcm_add(ctx, aad, NULL) && gcm_add(ctx, plain, out);
    ok = ok && EVP_EncryptFinal_ex(ctx, tag, &n) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)RDT_GCM_TAG_LEN, tag) == 1;
    if (ok)
        return RDT_OK;
    ERR_clear_error();
    memset(out, 0, plain.n + RDT_GCM_TAG_LEN);
    return RDT_E_INTERNAL;
}

enum rdt_code
rdt_gcm_open(struct rdt_worker *worker, const struct rdt_secret *key, const uint8_t *iv,
             struct rdt_span aad, struct rdt_span sealed, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = worker->open;
    uint8_t tag[RDT_GCM_TAG_LEN];
    if (sealed.n < sizeof tag)
        return RDT_E_TAMPERED;
    struct rdt_span body = {sealed.p, sealed.n - sizeof tag};
    int n = 0;
    bool ok = key->n == RDT_KEY_LEN && fits(aad.n) && fits(body.n);
    ok = ok && EVP_DecryptInit_ex2(ctx, NULL, key->p, iv, NULL) == 1;
    memcpy(tag, sealed.p + body.n, sizeof tag);
    ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)sizeof tag, tag) == 1;
    ok = ok && gcm_add(ctx, aad, NULL) && gcm_add(ctx, body, out);
    if (ok && EVP_DecryptFinal_ex(ctx, tag, &n) == 1)
        return RDT_OK;
    ERR_clear_error();
    if (body.n != 0)
        explicit_bzero(out, body.n);
    return ok ? RDT_E_TAMPERED : RDT_E_INTERNAL;
}

/*
 * Hedged as SECURITY-DESIGN section 3 asks of every IV: two copies of one machine that draw the
 * same random bytes still give different keys or places different IVs. The key that is wrapped keys
 * the MAC, so that a fixed wrapping key has no second use.
 */
static enum rdt_code
wrap_iv(struct rdt_worker *w, struct rdt_span aad, const struct rdt_secret *key, uint8_t *iv,
        struct rdt_err *err)
{
    uint8_t drawn[RDT_SHA256_LEN], mac[RDT_SHA256_LEN];
    struct rdt_span parts[] = {
        rdt_span_str("redoubt key wrap iv"), {drawn, sizeof drawn},
         aad
    };
    enum rdt_code rc = rdt_random(w, drawn, sizeof drawn, err);
    if (rc == RDT_OK) {
        rc = rdt_hmac(w, key, parts, RDT_COUNT(parts), mac);
        memcpy(iv, mac, RDT_GCM_IV_LEN);
    }
    explicit_bzero(drawn, sizeof drawn);
    explicit_bzero(mac, sizeof mac);
    return rc;
}

enum rdt_code
rdt_key_wrap(struct rdt_worker *worker, const struct rdt_secret *under, struct rdt_span aad,
             const struct rdt_secret *key, uint8_t *out, struct rdt_err *err)
{
    enum rdt_code rc = wrap_iv(worker, aad, key, out, err);
    if (rc == RDT_OK)
        rc = rdt_gcm_seal(worker, under, out, aad, rdt_secret_view(key), out + RDT_GCM_IV_LEN);
    return rc == RDT_OK ? RDT_OK : rdt_fail(err, rc, "wrap a key");
}

enum rdt_code
rdt_key_unwrap(struct rdt_worker *worker, const struct rdt_secret *under, struct rdt_span aad,
               struct rdt_span wrapped, struct rdt_secret *out)
{
    if (wrapped.n != RDT_GCM_IV_LEN + out->n + RDT_GCM_TAG_LEN) {
        rdt_secret_clear(out);
        return RDT_E_BADINPUT;
    }
    struct rdt_span sealed = {wrapped.p + RDT_GCM_IV_LEN, wrapped.n - RDT_GCM_IV_LEN};
    return rdt_gcm_open(worker, under, wrapped.p, aad, sealed, out->p);
}
