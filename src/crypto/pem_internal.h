/* pem_internal.h - private keys and certificates as PEM text, for sign.c and issue.c. */
#ifndef RDT_CRYPTO_PEM_INTERNAL_H
#define RDT_CRYPTO_PEM_INTERNAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * rdt_pem_key_read - the first thing in a PEM, which must be a PKCS#8 private key.
 *
 *   pass   the passphrase, or NULL for none; not looked at when the key is not encrypted
 *   out    caller frees with EVP_PKEY_free()
 *
 * Fails: RDT_E_BADINPUT, RDT_E_DENIED (encrypted, and pass is NULL or wrong), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_pem_key_read(struct rdt_span pem, const struct rdt_secret *pass,
                                              EVP_PKEY **out, struct rdt_err *err);

/* rdt_pem_key_write - PKCS#8 PEM, appended; encrypted when pass is not NULL.  Fails:
 * RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_pem_key_write(EVP_PKEY *key, const struct rdt_secret *pass,
                                               BIO *out, struct rdt_err *err);

/*
 * rdt_pem_cert_read - the first certificate of a PEM.
 *
 *   out   caller frees with X509_free()
 *   der   its bytes as they stand in the PEM, appended; NULL: not wanted
 *
 * Fails: RDT_E_BADINPUT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_pem_cert_read(struct rdt_span pem, X509 **out, struct rdt_buf *der,
                                               struct rdt_err *err);

/* rdt_pem_take - append what a memory BIO holds.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_pem_take(BIO *from, struct rdt_buf *out, struct rdt_err *err);

/* rdt_bio_free_at, rdt_pkey_free_at, rdt_x509_free_at - closers for RDT_AUTO. */
void rdt_bio_free_at(BIO **bio);
/* rdt_pkey_free_at - as above. */
void rdt_pkey_free_at(EVP_PKEY **key);
/* rdt_x509_free_at - as above. */
void rdt_x509_free_at(X509 **x);

#endif
