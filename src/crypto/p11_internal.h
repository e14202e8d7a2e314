/*
 * p11_internal.h - the vendor's module, in the process that was made for it. Nothing here is wiped
 * or given back: the process ends after one job, and its memory with it.
 */
#ifndef RDT_CRYPTO_P11_INTERNAL_H
#define RDT_CRYPTO_P11_INTERNAL_H

#include "crypto/p11.h"

#include <p11-kit/pkcs11.h>

struct p11_session {
    const struct rdt_p11 *what;
    CK_FUNCTION_LIST *f;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE handle;
};

/* rdt_p11_open - load the module, find the token, log in once. */
RDT_MUST_CHECK enum rdt_code rdt_p11_open(const struct rdt_p11 *what, struct rdt_span pin,
                                          struct p11_session *session, struct rdt_err *err);

/* rdt_p11_close - log out and let the module tidy up. */
void rdt_p11_close(struct p11_session *session);

/* rdt_p11_refused - record that the token answered rv to a call: RDT_E_IO, and the CKR name. */
enum rdt_code rdt_p11_refused(struct rdt_err *err, const char *call, CK_RV rv);

/* rdt_p11_find_key - the one object of a class (CKO_PRIVATE_KEY and CKO_PUBLIC_KEY: RSA;
 * CKO_SECRET_KEY: AES) with what->key as its label.  RDT_E_NOTFOUND: none, or more than one. */
RDT_MUST_CHECK enum rdt_code rdt_p11_find_key(const struct p11_session *session,
                                              CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *out,
                                              struct rdt_err *err);

/* rdt_p11_make_key - rdt_p11_make(), logged in; how becomes what->how. */
RDT_MUST_CHECK enum rdt_code rdt_p11_make_key(const struct p11_session *session,
                                              enum rdt_p11_how *how, struct rdt_err *err);

/* rdt_p11_wrap_key, rdt_p11_unwrap_key - rdt_p11_wrap() and rdt_p11_unwrap(), logged in. */
RDT_MUST_CHECK enum rdt_code rdt_p11_wrap_key(const struct p11_session *session,
                                              struct rdt_span aad, struct rdt_span secret,
                                              struct rdt_buf *out, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_p11_unwrap_key(const struct p11_session *session,
                                                struct rdt_span aad, struct rdt_span wrapped,
                                                uint8_t out[static RDT_P11_KEY_LEN],
                                                struct rdt_err *err);

#endif
