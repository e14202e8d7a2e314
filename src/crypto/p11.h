/*
 * p11.h - the part of PKCS#11 that a root key needs: make, wrap, unwrap. The vendor's module is
 * loaded by dlopen(), so call these only in a process of their own (base/apart.h).
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

/* How the token unwraps, best first. */
enum rdt_p11_how {
    RDT_P11_OAEP,  /* C_Decrypt, RSA key pair, CKM_RSA_PKCS_OAEP with SHA-256, or SHA-1 as MGF
                      where the token has no other */
    RDT_P11_GCM,   /* C_Decrypt, AES-256 key, CKM_AES_GCM */
    RDT_P11_UNWRAP /* C_UnwrapKey to an extractable session key, then C_GetAttributeValue */
};

struct rdt_p11 {
    const char *module; /* path of the vendor's library */
    const char *token;  /* token label */
    const char *key;    /* key label */
    enum rdt_p11_how how;
};

/*
 * rdt_p11_make - make the key on the token (never extractable, sensitive) unless one with the label
 * is there.  Sets what->how to the best the token can.
 * Fails: RDT_E_NOTFOUND (module, token), RDT_E_DENIED (PIN), RDT_E_IO (the token; text has the
 * CKR name), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_p11_make(struct rdt_p11 *what, const struct rdt_secret *pin,
                                          struct rdt_err *err);

/* rdt_p11_wrap - wrap 32 bytes under the key; appended to out.  aad: bound where the mechanism can
 * (GCM).  Fails: as above. */
RDT_MUST_CHECK enum rdt_code rdt_p11_wrap(const struct rdt_p11 *what, const struct rdt_secret *pin,
                                          struct rdt_span aad, const struct rdt_secret *secret,
                                          struct rdt_buf *out, struct rdt_err *err);

/* rdt_p11_unwrap - the reverse.  out: a secret of 32 bytes made by the caller.  Fails: as above,
 * RDT_E_TAMPERED (the token refused the ciphertext). */
RDT_MUST_CHECK enum rdt_code rdt_p11_unwrap(const struct rdt_p11 *what,
                                            const struct rdt_secret *pin, struct rdt_span aad,
                                            struct rdt_span wrapped, struct rdt_secret *out,
                                            struct rdt_err *err);

#endif
