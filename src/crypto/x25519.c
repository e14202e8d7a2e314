#include "crypto/x25519.h"

#include "crypto/worker_internal.h"

#include <openssl/err.h>

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

static EVP_PKEY *
load_private(struct rdt_worker *w, const struct rdt_secret *private_key)
{
    struct rdt_span k = rdt_secret_view(private_key);
    return k.n != RDT_X25519_LEN
               ? NULL
               : EVP_PKEY_new_raw_private_key_ex(w->lib, "X25519", NULL, k.p, k.n);
}

/* libcrypto refuses a result of zeroes, as RFC 9180 7.1.4 and age want: RDT_E_BADINPUT. */
enum rdt_code
rdt_x25519_shared(struct rdt_worker *worker, const struct rdt_secret *private_key,
                  const uint8_t *public_key, uint8_t out[static RDT_X25519_LEN])
{
    RDT_AUTO(free_key) EVP_PKEY *mine = load_private(worker, private_key);
    RDT_AUTO(free_key)
    EVP_PKEY *theirs =
        EVP_PKEY_new_raw_public_key_ex(worker->lib, "X25519", NULL, public_key, RDT_X25519_LEN);
    RDT_AUTO(free_key_ctx)
    EVP_PKEY_CTX *ctx = mine == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(worker->lib, mine, NULL);
    size_t n = RDT_X25519_LEN;
    if (theirs == NULL || ctx == NULL || EVP_PKEY_derive_init(ctx) != 1) {
        ERR_clear_error();
        return RDT_E_INTERNAL;
    }
    if (EVP_PKEY_derive_set_peer(ctx, theirs) != 1 || EVP_PKEY_derive(ctx, out, &n) != 1 ||
        n != RDT_X25519_LEN) {
        ERR_clear_error();
        explicit_bzero(out, RDT_X25519_LEN);
        return RDT_E_BADINPUT;
    }
    return RDT_OK;
}

enum rdt_code
rdt_x25519_public(struct rdt_worker *worker, const struct rdt_secret *private_key,
                  uint8_t out[static RDT_X25519_LEN])
{
    RDT_AUTO(free_key) EVP_PKEY *key = load_private(worker, private_key);
    size_t n = RDT_X25519_LEN;
    if (key != NULL && EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == RDT_X25519_LEN)
        return RDT_OK;
    ERR_clear_error();
    return RDT_E_INTERNAL;
}

enum rdt_code
rdt_x25519_keypair(struct rdt_worker *worker, struct rdt_secret *private_key,
                   uint8_t public_key[static RDT_X25519_LEN], struct rdt_err *err)
{
    enum rdt_code rc = rdt_secret_new(private_key, RDT_X25519_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_random_key(worker, private_key, err);
    if (rc == RDT_OK && rdt_x25519_public(worker, private_key, public_key) != RDT_OK)
        rc = rdt_fail(err, RDT_E_INTERNAL, "libcrypto gives no X25519");
    if (rc != RDT_OK)
        rdt_secret_wipe(private_key);
    return rc;
}
