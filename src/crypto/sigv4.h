/*
 * sigv4.h - the keys of AWS Signature Version 4: a chain of four HMACs, and the signature.
 */
#ifndef RDT_CRYPTO_SIGV4_H
#define RDT_CRYPTO_SIGV4_H

#include "crypto/worker.h"

/*
 * rdt_sigv4_key - the signing key of one day, region and service.
 *
 *   secret   the secret access key's text
 *   out      a secret of 32 bytes made by the caller
 */
RDT_MUST_CHECK enum rdt_code rdt_sigv4_key(struct rdt_worker *worker,
                                           const struct rdt_secret *secret, struct rdt_span date,
                                           struct rdt_span region, struct rdt_span service,
                                           struct rdt_secret *out);

#endif
