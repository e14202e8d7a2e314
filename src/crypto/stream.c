#include "crypto/stream.h"

#include "crypto/worker_internal.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdlib.h>

#define SHA512_LEN ((size_t)64)
#define BLOCKS_MOST 255

struct rdt_stream {
    EVP_CIPHER_CTX *seal, *open;
};

enum rdt_code
rdt_stream_new(struct rdt_worker *worker, const struct rdt_secret *key, struct rdt_stream **out)
{
    struct rdt_stream *stream = calloc(1, sizeof *stream);
    struct rdt_span k = rdt_secret_view(key);
    if (stream == NULL)
        return RDT_E_INTERNAL;
    stream->seal = EVP_CIPHER_CTX_new();
    stream->open = EVP_CIPHER_CTX_new();
    bool ok = k.n == RDT_KEY_LEN && stream->seal != NULL && stream->open != NULL &&
              EVP_EncryptInit_ex2(stream->seal, worker->gcm, k.p, NULL, NULL) == 1 &&
              EVP_DecryptInit_ex2(stream->open, worker->gcm, k.p, NULL, NULL) == 1;
    if (!ok) {
        ERR_clear_error();
        rdt_stream_free(stream);
        return RDT_E_INTERNAL;
    }
    *out = stream;
    return RDT_OK;
}

void
rdt_stream_free(struct rdt_stream *stream)
{
    if (stream == NULL)
        return;
    EVP_CIPHER_CTX_free(stream->open);
    EVP_CIPHER_CTX_free(stream->seal);
    free(stream);
}

static bool
add(EVP_CIPHER_CTX *ctx, struct rdt_span in, uint8_t *out)
{
    int n = 0;
    return in.n == 0 || (in.n <= INT_MAX && EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1);
}

enum rdt_code
rdt_stream_seal(struct rdt_stream *stream, const uint8_t *iv, struct rdt_span plain, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = stream->seal;
    uint8_t *tag = out + plain.n;
    int n = 0;
    bool ok = EVP_EncryptInit_ex2(ctx, NULL, NULL, iv, NULL) == 1 && add(ctx, plain, out);
    ok = ok && EVP_EncryptFinal_ex(ctx, tag, &n) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)RDT_GCM_TAG_LEN, tag) == 1;
    if (ok)
        return RDT_OK;
    ERR_clear_error();
    explicit_bzero(out, plain.n + RDT_GCM_TAG_LEN);
    return RDT_E_INTERNAL;
}

enum rdt_code
rdt_stream_open(struct rdt_stream *stream, const uint8_t *iv, struct rdt_span sealed, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = stream->open;
    uint8_t tag[RDT_GCM_TAG_LEN];
    if (sealed.n < sizeof tag)
        return RDT_E_TAMPERED;
    struct rdt_span body = {sealed.p, sealed.n - sizeof tag};
    int n = 0;
    memcpy(tag, sealed.p + body.n, sizeof tag);
    bool ok = EVP_DecryptInit_ex2(ctx, NULL, NULL, iv, NULL) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)sizeof tag, tag) == 1;
    ok = ok && add(ctx, body, out);
    if (ok && EVP_DecryptFinal_ex(ctx, tag, &n) == 1)
        return RDT_OK;
    ERR_clear_error();
    if (body.n != 0)
        explicit_bzero(out, body.n);
    return ok ? RDT_E_TAMPERED : RDT_E_INTERNAL;
}

/* ---- HKDF-Expand ---- */

/* One block: HMAC(key, the block before | info | number). */
static bool
block(EVP_MAC_CTX *ctx, struct rdt_span before, const struct rdt_span *info, size_t n_info,
      uint8_t number, uint8_t out[static SHA512_LEN])
{
    size_t n = 0;
    bool ok = EVP_MAC_init(ctx, NULL, 0, NULL) == 1;
    ok = ok && (before.n == 0 || EVP_MAC_update(ctx, before.p, before.n) == 1);
    for (size_t i = 0; ok && i < n_info; i++)
        ok = info[i].n == 0 || EVP_MAC_update(ctx, info[i].p, info[i].n) == 1;
    return ok && EVP_MAC_update(ctx, &number, 1) == 1 &&
           EVP_MAC_final(ctx, out, &n, SHA512_LEN) == 1 && n == SHA512_LEN;
}

static bool
blocks(EVP_MAC_CTX *ctx, const struct rdt_span *info, size_t n_info, struct rdt_secret *out)
{
    uint8_t last[SHA512_LEN];
    struct rdt_span before = {last, 0};
    bool ok = true;
    for (size_t at = 0, i = 1; ok && at < out->n; at += SHA512_LEN, i++) {
        size_t n = out->n - at < SHA512_LEN ? out->n - at : SHA512_LEN;
        ok = block(ctx, before, info, n_info, (uint8_t)i, last);
        if (ok)
            memcpy(out->p + at, last, n);
        before.n = SHA512_LEN;
    }
    explicit_bzero(last, sizeof last);
    return ok;
}

enum rdt_code
rdt_expand_sha512(struct rdt_worker *worker, const struct rdt_secret *key,
                  const struct rdt_span *info, size_t n_info, struct rdt_secret *out)
{
    char digest[] = "SHA512";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_END};
    struct rdt_span k = rdt_secret_view(key);
    EVP_MAC *mac = EVP_MAC_fetch(worker->lib, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    bool ok = ctx != NULL && out->n != 0 && out->n <= BLOCKS_MOST * SHA512_LEN && k.n != 0 &&
              EVP_MAC_init(ctx, k.p, k.n, params) == 1 && blocks(ctx, info, n_info, out);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    if (ok)
        return RDT_OK;
    ERR_clear_error();
    rdt_secret_clear(out);
    return RDT_E_INTERNAL;
}
