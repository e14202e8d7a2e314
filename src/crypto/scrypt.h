/*
 * scrypt.h - scrypt (RFC 7914), which age files with a passphrase ask for. What Redoubt itself
 * makes out of a passphrase is Argon2id: passphrase.h.
 */
#ifndef RDT_CRYPTO_SCRYPT_H
#define RDT_CRYPTO_SCRYPT_H

#include "crypto/worker.h"

#define RDT_SCRYPT_LOG_MAX 22u /* binary logarithm of the cost N: 4 GiB of memory */

/*
 * rdt_scrypt - a key out of a passphrase with r = 8 and p = 1.  Takes 1 KiB << log_n of memory,
 * which is wiped but not locked, as in rdt_passphrase_key().
 *
 *   passphrase   not empty
 *   log_n        1..RDT_SCRYPT_LOG_MAX: N is 2 to the power of it
 *   out          a secret made by the caller
 *
 * Fails, leaving zeroes: RDT_E_LIMIT (log_n, an empty passphrase), RDT_E_NOMEM (libcrypto does not
 * say whether it was memory that it lacked).
 */
RDT_MUST_CHECK enum rdt_code rdt_scrypt(struct rdt_worker *worker,
                                        const struct rdt_secret *passphrase, struct rdt_span salt,
                                        unsigned log_n, struct rdt_secret *out,
                                        struct rdt_err *err);

#endif
