#include "crypto/sign.h"

#include "crypto/pem_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define SECRET_LEN 32  /* bytes of a seed or scalar */
#define HALF_LEN 32    /* bytes of r, and of s */
#define DER_LEN 72     /* bytes of the longest ECDSA signature in DER */
#define UNCOMPRESSED 4 /* first byte of such a point */
#define P256 "prime256v1"

struct rdt_signer {
    enum rdt_sign_alg alg;
    EVP_PKEY *key;
    uint8_t public_key[RDT_PUBLIC_MAX];
    size_t public_n;
};

static void
free_number(BIGNUM **n)
{
    BN_clear_free(*n);
}

static void
free_group(EC_GROUP **group)
{
    EC_GROUP_free(*group);
}

static void
free_point(EC_POINT **point)
{
    EC_POINT_free(*point);
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

static void
free_ecdsa(ECDSA_SIG **sig)
{
    ECDSA_SIG_free(*sig);
}

/* libcrypto may get a NULL for no bytes from us, and does not like it everywhere. */
static const uint8_t *
bytes_of(struct rdt_span s)
{
    static const uint8_t none[1];
    return s.n == 0 ? none : s.p;
}

/*
 * A P-256 key out of its parts.
 *
 *   point    65 bytes; libcrypto refuses what is not on the curve
 *   scalar   32 bytes in this machine's order; NULL: a public key only
 */
static EVP_PKEY *
p256_key(const uint8_t *point, uint8_t *scalar)
{
    RDT_AUTO(free_key_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    char group[] = P256;
    uint8_t copy[RDT_P256_PUBLIC_LEN];
    memcpy(copy, point, sizeof copy);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof copy),
        OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    int selection = EVP_PKEY_PUBLIC_KEY;
    EVP_PKEY *key = NULL;
    if (scalar != NULL) {
        params[2] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar, SECRET_LEN);
        selection = EVP_PKEY_KEYPAIR;
    }
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
        return NULL;
    return key;
}

/* The point that belongs to a scalar, which must be 1 or more and less than the group's order. */
static bool
p256_point(const BIGNUM *scalar, uint8_t out[static RDT_P256_PUBLIC_LEN])
{
    RDT_AUTO(free_group) EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    RDT_AUTO(free_point) EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
    if (point == NULL || BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(group)) >= 0)
        return false;
    return EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1 &&
           EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out, RDT_P256_PUBLIC_LEN,
                              NULL) == RDT_P256_PUBLIC_LEN;
}

static EVP_PKEY *
p256_load(const struct rdt_secret *secret)
{
    struct rdt_span bytes = rdt_secret_view(secret);
    RDT_AUTO(free_number) BIGNUM *scalar = BN_secure_new();
    uint8_t point[RDT_P256_PUBLIC_LEN], native[SECRET_LEN];
    if (scalar == NULL || BN_bin2bn(bytes.p, (int)bytes.n, scalar) == NULL)
        return NULL;
    BN_set_flags(scalar, BN_FLG_CONSTTIME);
    if (!p256_point(scalar, point))
        return NULL;
    EVP_PKEY *key = NULL;
    if (BN_bn2nativepad(scalar, native, sizeof native) == sizeof native)
        key = p256_key(point, native);
    explicit_bzero(native, sizeof native);
    return key;
}

/* Takes the key over, also when it fails. */
static enum rdt_code
make_signer(enum rdt_sign_alg alg, EVP_PKEY *key, struct rdt_signer **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = calloc(1, sizeof *s);
    if (s == NULL) {
        EVP_PKEY_free(key);
        return rdt_fail(err, RDT_E_NOMEM, "a key for signatures");
    }
    s->alg = alg;
    s->key = key;
    s->public_n = sizeof s->public_key;
    bool ok = false;
    if (alg == RDT_SIGN_ED25519)
        ok = EVP_PKEY_get_raw_public_key(key, s->public_key, &s->public_n) == 1 &&
             s->public_n == RDT_ED25519_PUBLIC_LEN;
    else
        ok = EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, s->public_key,
                                             sizeof s->public_key, &s->public_n) == 1 &&
             s->public_n == RDT_P256_PUBLIC_LEN && s->public_key[0] == UNCOMPRESSED;
    ERR_clear_error();
    if (!ok)
        return rdt_fail(err, RDT_E_INTERNAL, "a private key without its public one");
    *out = RDT_STEAL(s);
    return RDT_OK;
}

enum rdt_code
rdt_signer_load(enum rdt_sign_alg alg, const struct rdt_secret *secret, struct rdt_signer **out,
                struct rdt_err *err)
{
    struct rdt_span bytes = rdt_secret_view(secret);
    EVP_PKEY *key = NULL;
    if (bytes.n != SECRET_LEN)
        return rdt_fail(err, RDT_E_BADINPUT, "a private key of %zu bytes", bytes.n);
    if (alg == RDT_SIGN_ED25519)
        key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, bytes.p, bytes.n);
    else
        key = p256_load(secret);
    ERR_clear_error();
    if (key == NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "not a private key of that kind");
    return make_signer(alg, key, out, err);
}

enum rdt_code
rdt_signer_new(enum rdt_sign_alg alg, struct rdt_signer **out, struct rdt_err *err)
{
    EVP_PKEY *key = alg == RDT_SIGN_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                            : EVP_PKEY_Q_keygen(NULL, NULL, "EC", P256);
    ERR_clear_error();
    if (key == NULL)
        return rdt_fail(err, RDT_E_INTERNAL, "libcrypto makes no key pair");
    return make_signer(alg, key, out, err);
}

/* The seed or scalar of a key, into a secret of 32 bytes. */
static bool
take_secret(enum rdt_sign_alg alg, const EVP_PKEY *key, struct rdt_secret *out)
{
    size_t n = out->n;
    if (alg == RDT_SIGN_ED25519)
        return EVP_PKEY_get_raw_private_key(key, out->p, &n) == 1 && n == SECRET_LEN;
    RDT_AUTO(free_number) BIGNUM *scalar = NULL;
    return EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1 &&
           BN_bn2binpad(scalar, out->p, (int)out->n) == SECRET_LEN;
}

static enum rdt_code
secret_of(enum rdt_sign_alg alg, const EVP_PKEY *key, struct rdt_secret *out, struct rdt_err *err)
{
    enum rdt_code rc = rdt_secret_new(out, SECRET_LEN, err);
    if (rc == RDT_OK && !take_secret(alg, key, out)) {
        rdt_secret_wipe(out);
        rc = rdt_fail(err, RDT_E_INTERNAL, "a private key that libcrypto does not show");
    }
    ERR_clear_error();
    return rc;
}

enum rdt_code
rdt_signer_secret(const struct rdt_signer *signer, struct rdt_secret *out, struct rdt_err *err)
{
    return secret_of(signer->alg, signer->key, out, err);
}

static bool
kind_of(const EVP_PKEY *key, enum rdt_sign_alg *alg)
{
    char group[24] = "";
    if (EVP_PKEY_is_a(key, "ED25519")) {
        *alg = RDT_SIGN_ED25519;
        return true;
    }
    *alg = RDT_SIGN_P256;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 && strcmp(group, P256) == 0;
}

/* By its secret alone: a public key that stands beside it in the file, and may not belong to it,
 * is not believed. */
enum rdt_code
rdt_signer_load_pem(struct rdt_span pem, const struct rdt_secret *pass, struct rdt_signer **out,
                    struct rdt_err *err)
{
    RDT_AUTO(rdt_pkey_free_at) EVP_PKEY *key = NULL;
    RDT_SECRET secret = {0};
    enum rdt_sign_alg alg;
    enum rdt_code rc = rdt_pem_key_read(pem, pass, &key, err);
    if (rc != RDT_OK)
        return rc;
    if (!kind_of(key, &alg)) {
        ERR_clear_error();
        return rdt_fail(err, RDT_E_BADINPUT, "neither an Ed25519 nor a P-256 key");
    }
    rc = secret_of(alg, key, &secret, err);
    return rc == RDT_OK ? rdt_signer_load(alg, &secret, out, err) : rc;
}

enum rdt_code
rdt_signer_pem(const struct rdt_signer *signer, const struct rdt_secret *pass, struct rdt_buf *out,
               struct rdt_err *err)
{
    RDT_AUTO(rdt_bio_free_at) BIO *bio = BIO_new(BIO_s_secmem());
    if (bio == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "a PEM text");
    enum rdt_code rc = rdt_pem_key_write(signer->key, pass, bio, err);
    return rc == RDT_OK ? rdt_pem_take(bio, out, err) : rc;
}

struct rdt_span
rdt_signer_public(const struct rdt_signer *signer)
{
    return (struct rdt_span){signer->public_key, signer->public_n};
}

static const char *
digest_of(enum rdt_sign_alg alg)
{
    return alg == RDT_SIGN_ED25519 ? NULL : "SHA256"; /* Ed25519 hashes by itself */
}

static bool
ecdsa_from_der(const uint8_t *der, size_t n, uint8_t out[static RDT_SIGNATURE_LEN])
{
    RDT_AUTO(free_ecdsa) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    return sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, HALF_LEN) == HALF_LEN &&
           BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + HALF_LEN, HALF_LEN) == HALF_LEN;
}

enum rdt_code
rdt_signer_sign(struct rdt_signer *signer, struct rdt_span message, uint8_t out[static 64],
                struct rdt_err *err)
{
    RDT_AUTO(free_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const char *digest = digest_of(signer->alg);
    uint8_t made[DER_LEN];
    size_t n = sizeof made;
    bool ok = ctx != NULL &&
              EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, signer->key, NULL) == 1 &&
              EVP_DigestSign(ctx, made, &n, bytes_of(message), message.n) == 1;
    if (ok && signer->alg == RDT_SIGN_ED25519)
        memcpy(out, made, RDT_SIGNATURE_LEN);
    else if (ok)
        ok = ecdsa_from_der(made, n, out);
    ERR_clear_error();
    return ok ? RDT_OK : rdt_fail(err, RDT_E_INTERNAL, "libcrypto makes no signature");
}

void
rdt_signer_free(struct rdt_signer *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_free(signer->key); /* which wipes */
    free(signer);
}

void
rdt_signer_free_at(struct rdt_signer **signer)
{
    rdt_signer_free(*signer);
}

/* r | s as DER; false when out of memory. */
static bool
ecdsa_to_der(const uint8_t *raw, uint8_t **out, size_t *n)
{
    RDT_AUTO(free_ecdsa) ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, HALF_LEN, NULL);
    BIGNUM *s = BN_bin2bn(raw + HALF_LEN, HALF_LEN, NULL);
    if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return false;
    }
    int got = i2d_ECDSA_SIG(sig, out);
    *n = got < 0 ? 0 : (size_t)got;
    return got > 0;
}

static enum rdt_code
check(EVP_PKEY *key, const char *digest, struct rdt_span message, struct rdt_span signature,
      struct rdt_err *err)
{
    RDT_AUTO(free_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) != 1)
        return rdt_fail(err, RDT_E_INTERNAL, "libcrypto checks no signature");
    /* 0 is a wrong signature; below 0 one of a shape that libcrypto does not even try */
    int got = EVP_DigestVerify(ctx, signature.p, signature.n, bytes_of(message), message.n);
    return got == 1 ? RDT_OK : rdt_fail(err, RDT_E_TAMPERED, "the signature is wrong");
}

static enum rdt_code
check_p256(struct rdt_span public_key, struct rdt_span message, struct rdt_span signature,
           struct rdt_err *err)
{
    uint8_t *der = NULL;
    size_t n = 0;
    /* a point at infinity or a hybrid form has no place here */
    RDT_AUTO(rdt_pkey_free_at)
    EVP_PKEY *key = public_key.p[0] == UNCOMPRESSED ? p256_key(public_key.p, NULL) : NULL;
    if (key == NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "not a point of P-256");
    if (!ecdsa_to_der(signature.p, &der, &n))
        return rdt_fail(err, RDT_E_INTERNAL, "libcrypto takes no signature");
    enum rdt_code rc = check(key, "SHA256", message, (struct rdt_span){der, n}, err);
    OPENSSL_free(der);
    return rc;
}

static enum rdt_code
check_ed25519(struct rdt_span public_key, struct rdt_span message, struct rdt_span signature,
              struct rdt_err *err)
{
    RDT_AUTO(rdt_pkey_free_at)
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key.p, public_key.n);
    if (key == NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "not an Ed25519 public key");
    return check(key, NULL, message, signature, err);
}

enum rdt_code
rdt_signature_check(struct rdt_span public_key, struct rdt_span message, struct rdt_span signature,
                    struct rdt_err *err)
{
    enum rdt_code rc;
    if (public_key.n != RDT_ED25519_PUBLIC_LEN && public_key.n != RDT_P256_PUBLIC_LEN)
        return rdt_fail(err, RDT_E_BADINPUT, "a public key of %zu bytes", public_key.n);
    if (signature.n != RDT_SIGNATURE_LEN)
        return rdt_fail(err, RDT_E_TAMPERED, "a signature of %zu bytes", signature.n);
    if (public_key.n == RDT_ED25519_PUBLIC_LEN)
        rc = check_ed25519(public_key, message, signature, err);
    else
        rc = check_p256(public_key, message, signature, err);
    ERR_clear_error();
    return rc;
}
