#include "seal/age_internal.h"

#include "crypto/scrypt.h"

#define X25519_LABEL "age-encryption.org/v1/X25519"
#define HYBRID_LABEL "age-encryption.org/mlkem768x25519"
#define SCRYPT_LABEL "age-encryption.org/v1/scrypt"

/* The nonce of a wrap is zeroes: each wrapping key is used once. */
static const uint8_t zero_nonce[RDT_CHACHA_NONCE_LEN];

static enum rdt_code
wrap(struct rdt_worker *w, const struct rdt_secret *key, const struct rdt_secret *file_key,
     struct age_stanza *out)
{
    struct rdt_span none = {NULL, 0}, plain = {file_key->p, file_key->n};
    return rdt_chacha_seal(w, key, zero_nonce, none, plain, out->body);
}

static enum rdt_code
unwrap(struct rdt_worker *w, const struct rdt_secret *key, const struct age_stanza *stanza,
       struct rdt_secret *file_key)
{
    struct rdt_span none = {NULL, 0}, body = {stanza->body, sizeof stanza->body};
    return rdt_chacha_open(w, key, zero_nonce, none, body, file_key->p);
}

/* ---- X25519 ---- */

/* Of a private key of the one side and a public key of the other. */
static enum rdt_code
x25519_key(struct rdt_worker *w, struct age_pair keys, const uint8_t *share,
           const uint8_t *recipient, struct rdt_secret *out)
{
    RDT_SECRET shared = {0};
    uint8_t salt[2 * RDT_X25519_LEN];
    memcpy(salt, share, RDT_X25519_LEN);
    memcpy(salt + RDT_X25519_LEN, recipient, RDT_X25519_LEN);
    enum rdt_code rc = rdt_secret_new(&shared, RDT_X25519_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_secret_new(out, RDT_KEY_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_x25519_shared(w, keys.private_key, keys.public_key, shared.p);
    if (rc == RDT_OK)
        rc = rdt_hkdf(w, &shared, (struct rdt_span){salt, sizeof salt}, rdt_span_str(X25519_LABEL),
                      out);
    return rc;
}

enum rdt_code
rdt_age_wrap_x25519(struct rdt_worker *worker, const uint8_t *public_key,
                    const struct rdt_secret *file_key, struct age_stanza *out)
{
    RDT_SECRET ephemeral = {0}, key = {0};
    *out = (struct age_stanza){.kind = AGE_X25519};
    enum rdt_code rc = rdt_x25519_keypair(worker, &ephemeral, out->share, NULL);
    if (rc == RDT_OK)
        rc = x25519_key(worker, (struct age_pair){&ephemeral, public_key}, out->share, public_key,
                        &key);
    return rc == RDT_OK ? wrap(worker, &key, file_key, out) : rc;
}

enum rdt_code
rdt_age_unwrap_x25519(struct rdt_worker *worker, struct age_pair mine,
                      const struct age_stanza *stanza, struct rdt_secret *file_key)
{
    RDT_SECRET key = {0};
    enum rdt_code rc = x25519_key(worker, (struct age_pair){mine.private_key, stanza->share},
                                  stanza->share, mine.public_key, &key);
    return rc == RDT_OK ? unwrap(worker, &key, stanza, file_key) : rc;
}

/* ---- hybrid ---- */

enum rdt_code
rdt_age_wrap_hybrid(struct rdt_worker *worker, const uint8_t *public_key,
                    const struct rdt_secret *file_key, struct age_stanza *out)
{
    *out = (struct age_stanza){.kind = AGE_HYBRID};
    return rdt_xwing_seal(worker, public_key, rdt_span_str(HYBRID_LABEL), file_key, out->enc,
                          out->body);
}

enum rdt_code
rdt_age_unwrap_hybrid(struct rdt_worker *worker, const struct rdt_secret *private_key,
                      const struct age_stanza *stanza, struct rdt_secret *file_key)
{
    return rdt_xwing_open(worker, private_key, rdt_span_str(HYBRID_LABEL), stanza->enc,
                          stanza->body, file_key);
}

/* ---- scrypt ---- */

static enum rdt_code
scrypt_key(struct rdt_worker *w, const struct rdt_secret *passphrase,
           const struct age_stanza *stanza, struct rdt_secret *out, struct rdt_err *err)
{
    uint8_t salt[sizeof SCRYPT_LABEL - 1 + AGE_SALT_LEN];
    memcpy(salt, SCRYPT_LABEL, sizeof SCRYPT_LABEL - 1);
    memcpy(salt + sizeof SCRYPT_LABEL - 1, stanza->salt, AGE_SALT_LEN);
    enum rdt_code rc = rdt_secret_new(out, RDT_KEY_LEN, err);
    return rc == RDT_OK ? rdt_scrypt(w, passphrase, (struct rdt_span){salt, sizeof salt},
                                     stanza->log_n, out, err)
                        : rc;
}

enum rdt_code
rdt_age_wrap_scrypt(struct rdt_worker *worker, const struct rdt_secret *passphrase,
                    const struct rdt_secret *file_key, struct age_stanza *stanza,
                    struct rdt_err *err)
{
    RDT_SECRET key = {0};
    stanza->kind = AGE_SCRYPT;
    enum rdt_code rc = rdt_random(worker, stanza->salt, sizeof stanza->salt, err);
    if (rc == RDT_OK)
        rc = scrypt_key(worker, passphrase, stanza, &key, err);
    if (rc != RDT_OK)
        return rc;
    rc = wrap(worker, &key, file_key, stanza);
    return rc == RDT_OK ? rc : rdt_fail(err, rc, "libcrypto gives no ChaCha20-Poly1305");
}

enum rdt_code
rdt_age_unwrap_scrypt(struct rdt_worker *worker, const struct rdt_secret *passphrase,
                      const struct age_stanza *stanza, struct rdt_secret *file_key,
                      struct rdt_err *err)
{
    RDT_SECRET key = {0};
    enum rdt_code rc = scrypt_key(worker, passphrase, stanza, &key, err);
    return rc == RDT_OK ? unwrap(worker, &key, stanza, file_key) : rc;
}
