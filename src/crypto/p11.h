/*
 * p11.h - the part of PKCS#11 that a root key needs: make, wrap, unwrap. Each call loads the
 * vendor's module in a process of its own (base/apart.h), which ends with it: a module that hangs,
 * crashes or keeps what it saw harms nothing else. Slow, so: at start and on rotation, never per
 * request.
 *
 * A call asks the token for the PIN's approval once and never again: tokens lock after a few wrong
 * ones, and refuses beforehand where the token says that only one try is left.
 *
 * Source: OASIS PKCS #11 v2.40; headers of p11-kit.
 */
#ifndef RDT_CRYPTO_P11_H
#define RDT_CRYPTO_P11_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define RDT_P11_LABEL_MAX 64     /* bytes of a label */
#define RDT_P11_WRAPPED_MAX 1024 /* bytes of a wrapped root secret */
#define RDT_P11_PIN_MAX 256      /* bytes of a PIN */
#define RDT_P11_KEY_LEN 32       /* bytes of what is wrapped */
#define RDT_P11_TIMEOUT_MS 60000 /* of one call where none is given */

/* How the token unwraps, best first. */
enum rdt_p11_how {
    RDT_P11_BEST,  /* to rdt_p11_make(): the first of these that the token can */
    RDT_P11_OAEP,  /* C_Decrypt, RSA key pair, CKM_RSA_PKCS_OAEP with SHA-256, or SHA-1 where the
                      token has no other */
    RDT_P11_GCM,   /* C_Decrypt, AES-256 key, CKM_AES_GCM */
    RDT_P11_UNWRAP /* C_UnwrapKey to an extractable session key, then C_GetAttributeValue */
};

/* rdt_p11_how_name - "best", "oaep", "gcm", "unwrap". */
const char *rdt_p11_how_name(enum rdt_p11_how how);

struct rdt_p11 {
    const char *module; /* absolute path of the vendor's library */
    const char *token;  /* token label; two tokens of one label are none */
    const char *key;    /* key label, likewise */
    enum rdt_p11_how how;
    int timeout_ms; /* of one call; 0: RDT_P11_TIMEOUT_MS */
};

/*
 * rdt_p11_make - make the key on the token (never extractable, sensitive) unless one with the label
 * is there.  Sets what->how to what the key can, where RDT_P11_BEST was asked for.
 *
 * Fails: RDT_E_NOTFOUND (module, token), RDT_E_DENIED (PIN; a key that may leave the token),
 * RDT_E_IO (the token, text has the CKR name; the module crashed), RDT_E_TIMEOUT, RDT_E_LIMIT,
 * RDT_E_INTERNAL, as rdt_secret_new().  No other thread may run that could hold a lock.
 */
RDT_MUST_CHECK enum rdt_code rdt_p11_make(struct rdt_p11 *what, const struct rdt_secret *pin,
                                          struct rdt_err *err);

/*
 * rdt_p11_wrap - wrap RDT_P11_KEY_LEN bytes under the key, after a trial that it gives them back;
 * appended to out.  aad: bound where the mechanism can (GCM).  Fails: as above, RDT_E_NOTFOUND also
 * for the key.
 */
RDT_MUST_CHECK enum rdt_code rdt_p11_wrap(const struct rdt_p11 *what, const struct rdt_secret *pin,
                                          struct rdt_span aad, const struct rdt_secret *secret,
                                          struct rdt_buf *out, struct rdt_err *err);

/* rdt_p11_unwrap - the reverse.  out: a secret of RDT_P11_KEY_LEN bytes made by the caller.  Fails:
 * as above, RDT_E_TAMPERED (the token refused the ciphertext). */
RDT_MUST_CHECK enum rdt_code rdt_p11_unwrap(const struct rdt_p11 *what,
                                            const struct rdt_secret *pin, struct rdt_span aad,
                                            struct rdt_span wrapped, struct rdt_secret *out,
                                            struct rdt_err *err);

#endif
