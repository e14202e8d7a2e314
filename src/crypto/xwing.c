#include "crypto/xwing.h"

#include "crypto/chacha.h"
#include "crypto/hpke_internal.h"
#include "crypto/worker_internal.h"
#include "crypto/x25519.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#define ML_KEM "ML-KEM-768"
#define ML_KEM_SEED_LEN 64
#define ML_KEM_PUBLIC_LEN (RDT_XWING_PUBLIC_LEN - RDT_X25519_LEN)
#define ML_KEM_ENC_LEN (RDT_XWING_ENC_LEN - RDT_X25519_LEN)
#define SHARED_LEN 32 /* bytes that each of the two gives, and both together */

/* kem 0x647a MLKEM768-X25519, kdf 0x0001 HKDF-SHA256, aead 0x0003 ChaCha20-Poly1305 */
static const struct hpke_suite suite = {
    "HPKE", {0x647a, 0x0001, 0x0003},
     3
};

static const uint8_t label[] = {'\\', '.', '/', '/', '^', '\\'};

static void
free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void
free_key_ctx(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

static void
free_md_ctx(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

bool
rdt_xwing_has(struct rdt_worker *worker)
{
    EVP_KEYMGMT *found = EVP_KEYMGMT_fetch(worker->lib, ML_KEM, NULL);
    bool has = found != NULL;
    EVP_KEYMGMT_free(found);
    ERR_clear_error();
    return has;
}

/* A hash of the SHA-3 family over parts; out.n is its length, or any where it has none. */
static bool
sha3(struct rdt_worker *w, const char *name, const struct rdt_span *parts, size_t n_parts,
     struct rdt_secret *out)
{
    EVP_MD *md = EVP_MD_fetch(w->lib, name, NULL);
    RDT_AUTO(free_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = md != NULL && ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) == 1;
    for (size_t i = 0; ok && i < n_parts; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    if (ok && (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) != 0)
        ok = EVP_DigestFinalXOF(ctx, out->p, out->n) == 1;
    else
        ok = ok && (size_t)EVP_MD_get_size(md) == out->n &&
             EVP_DigestFinal_ex(ctx, out->p, NULL) == 1;
    EVP_MD_free(md); /* the context holds it */
    return ok;
}

/* What a private key consists of. */
struct mine {
    EVP_PKEY *pq;
    struct rdt_secret dh;
};

static void
mine_done(struct mine *mine)
{
    EVP_PKEY_free(mine->pq);
    rdt_secret_wipe(&mine->dh);
}

static EVP_PKEY *
ml_kem_private(struct rdt_worker *w, uint8_t seed[static ML_KEM_SEED_LEN])
{
    RDT_AUTO(free_key_ctx)
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(w->lib, ML_KEM, NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string("seed", seed, ML_KEM_SEED_LEN),
        OSSL_PARAM_construct_end(),
    };
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        return NULL;
    return key;
}

/* expandKey of draft-ietf-hpke-pq-03: SHAKE256 of the seed is ML-KEM's seed 64 | X25519's key 32 */
static enum rdt_code
expand(struct rdt_worker *w, const struct rdt_secret *private_key, struct mine *out)
{
    RDT_SECRET both = {0};
    struct rdt_span seed = rdt_secret_view(private_key);
    enum rdt_code rc = rdt_secret_new(&both, ML_KEM_SEED_LEN + RDT_X25519_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&out->dh, RDT_X25519_LEN, NULL);
    if (rc != RDT_OK)
        return rc;
    if (seed.n != RDT_XWING_PRIVATE_LEN || !sha3(w, "SHAKE256", &seed, 1, &both))
        return RDT_E_INTERNAL;
    memcpy(out->dh.p, both.p + ML_KEM_SEED_LEN, RDT_X25519_LEN);
    out->pq = ml_kem_private(w, both.p);
    return out->pq == NULL ? RDT_E_INTERNAL : RDT_OK;
}

/* What failed in libcrypto has left its story there. */
static enum rdt_code
tidy(enum rdt_code rc)
{
    if (rc != RDT_OK)
        ERR_clear_error();
    return rc;
}

static enum rdt_code
public_of(struct rdt_worker *w, const struct rdt_secret *private_key, uint8_t *out)
{
    RDT_AUTO(mine_done) struct mine mine = {.pq = NULL};
    size_t n = ML_KEM_PUBLIC_LEN;
    enum rdt_code rc = expand(w, private_key, &mine);
    if (rc != RDT_OK)
        return rc;
    if (EVP_PKEY_get_raw_public_key(mine.pq, out, &n) != 1 || n != ML_KEM_PUBLIC_LEN)
        return RDT_E_INTERNAL;
    return rdt_x25519_public(w, &mine.dh, out + ML_KEM_PUBLIC_LEN);
}

enum rdt_code
rdt_xwing_public(struct rdt_worker *worker, const struct rdt_secret *private_key, uint8_t *out)
{
    return tidy(public_of(worker, private_key, out));
}

/* ---- the KEM ---- */

/* Both secrets of a KEM under way, and what the context of HPKE is made of. */
struct context {
    struct rdt_secret pq, dh, shared, key, pages;
    struct hpke_work *work;
};

static void
context_done(struct context *c)
{
    rdt_secret_wipe(&c->pq);
    rdt_secret_wipe(&c->dh);
    rdt_secret_wipe(&c->shared);
    rdt_secret_wipe(&c->key);
    rdt_secret_wipe(&c->pages);
}

static enum rdt_code
context_new(struct context *c)
{
    enum rdt_code rc = rdt_secret_new(&c->pages, sizeof(struct hpke_work), NULL);
    c->work = (struct hpke_work *)c->pages.p; /* bytes only: any address will do */
    if (rc == RDT_OK)
        rc = rdt_secret_new(&c->pq, SHARED_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&c->dh, SHARED_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&c->shared, SHARED_LEN, NULL);
    return rc == RDT_OK ? rdt_secret_new(&c->key, RDT_KEY_LEN, NULL) : rc;
}

/* SHA3-256(ss_PQ | ss_T | ct_T | ek_T | label), and of it the key of the one message. */
static enum rdt_code
schedule(struct rdt_worker *w, struct context *c, const uint8_t *share, const uint8_t *receiver,
         struct rdt_span info)
{
    const struct rdt_span parts[] = {
        rdt_secret_view(&c->pq),    rdt_secret_view(&c->dh), {share,    RDT_X25519_LEN},
        {receiver, RDT_X25519_LEN},
             {label,    sizeof label  },
    };
    if (!sha3(w, "SHA3-256", parts, RDT_COUNT(parts), &c->shared))
        return RDT_E_INTERNAL;
    memcpy(c->work->shared, c->shared.p, SHARED_LEN);
    return rdt_hpke_schedule(w, &suite, info, c->work, &c->key);
}

static enum rdt_code
encapsulate(struct rdt_worker *w, const uint8_t *to, uint8_t *enc, struct rdt_secret *shared)
{
    RDT_AUTO(free_key)
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(w->lib, ML_KEM, NULL, to, ML_KEM_PUBLIC_LEN);
    RDT_AUTO(free_key_ctx)
    EVP_PKEY_CTX *ctx = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(w->lib, key, NULL);
    size_t enc_n = ML_KEM_ENC_LEN, n = shared->n;
    if (key == NULL)
        return rdt_xwing_has(w) ? RDT_E_BADINPUT : RDT_E_INTERNAL;
    bool ok = ctx != NULL && EVP_PKEY_encapsulate_init(ctx, NULL) == 1 &&
              EVP_PKEY_encapsulate(ctx, enc, &enc_n, shared->p, &n) == 1;
    return ok && enc_n == ML_KEM_ENC_LEN && n == shared->n ? RDT_OK : RDT_E_INTERNAL;
}

/* A wrong ciphertext gives another secret, not an error: FIPS 203 section 6.3. */
static bool
decapsulate(struct rdt_worker *w, EVP_PKEY *key, const uint8_t *enc, struct rdt_secret *shared)
{
    RDT_AUTO(free_key_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(w->lib, key, NULL);
    size_t n = shared->n;
    return ctx != NULL && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
           EVP_PKEY_decapsulate(ctx, shared->p, &n, enc, ML_KEM_ENC_LEN) == 1 && n == shared->n;
}

/* ---- one message ---- */

static enum rdt_code
seal(struct rdt_worker *w, const uint8_t *to, struct rdt_span info, struct context *c, uint8_t *enc)
{
    RDT_SECRET ephemeral = {0};
    uint8_t *share = enc + ML_KEM_ENC_LEN;
    const uint8_t *receiver = to + ML_KEM_PUBLIC_LEN;
    enum rdt_code rc = context_new(c);
    if (rc == RDT_OK)
        rc = encapsulate(w, to, enc, &c->pq);
    if (rc == RDT_OK)
        rc = rdt_x25519_keypair(w, &ephemeral, share, NULL);
    if (rc == RDT_OK)
        rc = rdt_x25519_shared(w, &ephemeral, receiver, c->dh.p);
    return rc == RDT_OK ? schedule(w, c, share, receiver, info) : rc;
}

enum rdt_code
rdt_xwing_seal(struct rdt_worker *worker, const uint8_t *to, struct rdt_span info,
               const struct rdt_secret *key, uint8_t *enc, uint8_t *sealed)
{
    RDT_AUTO(context_done) struct context c = {.work = NULL};
    struct rdt_span none = {NULL, 0};
    enum rdt_code rc = seal(worker, to, info, &c, enc);
    if (rc == RDT_OK)
        rc = rdt_chacha_seal(worker, &c.key, c.work->nonce, none, rdt_secret_view(key), sealed);
    return tidy(rc);
}

static enum rdt_code
open_context(struct rdt_worker *w, const struct rdt_secret *private_key, struct rdt_span info,
             const uint8_t *enc, struct context *c)
{
    RDT_AUTO(mine_done) struct mine mine = {.pq = NULL};
    uint8_t receiver[RDT_X25519_LEN];
    const uint8_t *share = enc + ML_KEM_ENC_LEN;
    enum rdt_code rc = context_new(c);
    if (rc == RDT_OK)
        rc = expand(w, private_key, &mine);
    if (rc == RDT_OK)
        rc = rdt_x25519_public(w, &mine.dh, receiver);
    if (rc == RDT_OK)
        rc = rdt_x25519_shared(w, &mine.dh, share, c->dh.p);
    if (rc == RDT_OK && !decapsulate(w, mine.pq, enc, &c->pq))
        rc = RDT_E_INTERNAL;
    return rc == RDT_OK ? schedule(w, c, share, receiver, info) : rc;
}

enum rdt_code
rdt_xwing_open(struct rdt_worker *worker, const struct rdt_secret *private_key,
               struct rdt_span info, const uint8_t *enc, const uint8_t *sealed,
               struct rdt_secret *out)
{
    RDT_AUTO(context_done) struct context c = {.work = NULL};
    struct rdt_span none = {NULL, 0}, whole = {sealed, out->n + RDT_XWING_TAG_LEN};
    enum rdt_code rc = open_context(worker, private_key, info, enc, &c);
    if (rc == RDT_OK)
        rc = rdt_chacha_open(worker, &c.key, c.work->nonce, none, whole, out->p);
    if (rc != RDT_OK)
        rdt_secret_clear(out);
    return tidy(rc);
}
