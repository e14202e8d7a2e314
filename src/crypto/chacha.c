#include "crypto/chacha.h"

#include "crypto/worker_internal.h"

#include <limits.h>
#include <openssl/err.h>

static bool
fits(size_t n)
{
    return n <= INT_MAX - RDT_CHACHA_TAG_LEN;
}

/* Fetched when first asked for; a worker is of one thread. */
static EVP_CIPHER_CTX *
context(struct rdt_worker *w)
{
    if (w->chacha != NULL)
        return w->chacha;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(w->lib, "ChaCha20-Poly1305", NULL);
    EVP_CIPHER_CTX *ctx = cipher == NULL ? NULL : EVP_CIPHER_CTX_new();
    if (ctx != NULL && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, 1, NULL) == 1)
        w->chacha = ctx;
    else
        EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher); /* the context holds it */
    return w->chacha;
}

static bool
start(EVP_CIPHER_CTX *ctx, const struct rdt_secret *key, const uint8_t *nonce, bool encrypt)
{
    return ctx != NULL && key->n == RDT_KEY_LEN &&
           EVP_CipherInit_ex2(ctx, NULL, key->p, nonce, encrypt, NULL) == 1;
}

static bool
add(EVP_CIPHER_CTX *ctx, struct rdt_span in, uint8_t *out)
{
    int n = 0;
    return in.n == 0 || (fits(in.n) && EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1);
}

enum rdt_code
rdt_chacha_seal(struct rdt_worker *worker, const struct rdt_secret *key, const uint8_t *nonce,
                struct rdt_span aad, struct rdt_span plain, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = context(worker);
    uint8_t *tag = out + plain.n;
    int n = 0;
    bool ok = start(ctx, key, nonce, true) && add(ctx, aad, NULL) && add(ctx, plain, out);
    ok = ok && EVP_CipherFinal_ex(ctx, tag, &n) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)RDT_CHACHA_TAG_LEN, tag) == 1;
    if (ok)
        return RDT_OK;
    ERR_clear_error();
    memset(out, 0, plain.n + RDT_CHACHA_TAG_LEN);
    return RDT_E_INTERNAL;
}

enum rdt_code
rdt_chacha_open(struct rdt_worker *worker, const struct rdt_secret *key, const uint8_t *nonce,
                struct rdt_span aad, struct rdt_span sealed, uint8_t *out)
{
    uint8_t tag[RDT_CHACHA_TAG_LEN];
    if (sealed.n < sizeof tag)
        return RDT_E_TAMPERED;
    EVP_CIPHER_CTX *ctx = context(worker);
    struct rdt_span body = {sealed.p, sealed.n - sizeof tag};
    int n = 0;
    memcpy(tag, sealed.p + body.n, sizeof tag);
    bool ok = start(ctx, key, nonce, false);
    ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)sizeof tag, tag) == 1;
    ok = ok && add(ctx, aad, NULL) && add(ctx, body, out);
    if (ok && EVP_CipherFinal_ex(ctx, tag, &n) == 1)
        return RDT_OK;
    ERR_clear_error();
    if (body.n != 0)
        explicit_bzero(out, body.n);
    return ok ? RDT_E_TAMPERED : RDT_E_INTERNAL;
}
