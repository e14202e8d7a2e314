/*
 * sign.h - Ed25519 and ECDSA P-256 signatures: audit checkpoints, approvals, census reports.
 *
 * A public key travels as its 32 raw bytes (Ed25519) or its 65-byte uncompressed point (P-256); the
 * length tells the algorithm.  Signatures are 64 bytes for both: RFC 8032, or r | s over SHA-256.
 * A right signature proves the message, not itself: who has one of P-256 can make another of the
 * same message (s -> n - s), so a signature is no key to remember a message by.
 *
 * A signer's private key lies in libcrypto's heap, which wipes it when it is freed.
 */
#ifndef RDT_CRYPTO_SIGN_H
#define RDT_CRYPTO_SIGN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define RDT_SIGNATURE_LEN ((size_t)64)
#define RDT_PUBLIC_MAX ((size_t)65)            /* bytes of a public key */
#define RDT_SIGNER_PEM_MAX ((size_t)16 * 1024) /* bytes of a private key's PEM */
#define RDT_ED25519_PUBLIC_LEN ((size_t)32)
#define RDT_P256_PUBLIC_LEN ((size_t)65)

enum rdt_sign_alg { RDT_SIGN_ED25519, RDT_SIGN_P256 };

struct rdt_signer; /* a private key; one thread at a time */

/* rdt_signer_new - make a key pair.  out: caller frees.  Fails: RDT_E_INTERNAL, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_signer_new(enum rdt_sign_alg alg, struct rdt_signer **out,
                                            struct rdt_err *err);

/*
 * rdt_signer_load - a key pair from its secret: the 32-byte seed (Ed25519) or scalar (P-256).
 * Fails: RDT_E_BADINPUT, RDT_E_INTERNAL, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_signer_load(enum rdt_sign_alg alg, const struct rdt_secret *secret,
                                             struct rdt_signer **out, struct rdt_err *err);

/*
 * rdt_signer_load_pem - a key pair from a PKCS#8 PEM file's bytes, encrypted or not.
 *
 *   pass   the passphrase, or NULL for none
 *
 * Fails: RDT_E_BADINPUT (not such a key, or above RDT_SIGNER_PEM_MAX), RDT_E_DENIED (passphrase
 * wrong or missing), RDT_E_INTERNAL, RDT_E_NOMEM, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_signer_load_pem(struct rdt_span pem, const struct rdt_secret *pass,
                                                 struct rdt_signer **out, struct rdt_err *err);

/* rdt_signer_pem - PKCS#8 PEM, encrypted by AES-256-CBC and PBKDF2 (600,000 rounds of HMAC-SHA-256,
 * 0.14 s) when pass is given; appended in one piece.
 * Fails: RDT_E_INTERNAL, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_signer_pem(const struct rdt_signer *signer,
                                            const struct rdt_secret *pass, struct rdt_buf *out,
                                            struct rdt_err *err);

/* rdt_signer_secret - the seed or scalar, 32 bytes, into an empty secret.  Fails: as
 * rdt_secret_new(), RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_signer_secret(const struct rdt_signer *signer,
                                               struct rdt_secret *out, struct rdt_err *err);

/* rdt_signer_public - the public key's bytes, borrowed until the signer is freed. */
struct rdt_span rdt_signer_public(const struct rdt_signer *signer);

/* rdt_signer_sign - sign a message.  Fails: RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_signer_sign(struct rdt_signer *signer, struct rdt_span message,
                                             uint8_t out[static 64], struct rdt_err *err);

/* rdt_signer_free - wipe and free; NULL is fine. */
void rdt_signer_free(struct rdt_signer *signer);

/* rdt_signer_free_at - the same as a closer for RDT_AUTO. */
void rdt_signer_free_at(struct rdt_signer **signer);

/*
 * rdt_signature_check - whether a signature is right.  Keeps no state: threads may share.
 *
 * Fails: RDT_E_TAMPERED (it is not), RDT_E_BADINPUT (no such public key; the point is not on the
 * curve), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_signature_check(struct rdt_span public_key,
                                                 struct rdt_span message, struct rdt_span signature,
                                                 struct rdt_err *err);

#endif
