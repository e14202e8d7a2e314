/*
 * shamir.h - Shamir's secret sharing over GF(2^8), byte by byte, without tables: the time does not
 * depend on the secret.
 *
 * Source: A. Shamir, How to share a secret (1979); field polynomial x^8 + x^4 + x^3 + x + 1.
 */
#ifndef RDT_CRYPTO_SHAMIR_H
#define RDT_CRYPTO_SHAMIR_H

#include "base/err.h"
#include "base/secret.h"

#define RDT_SHARES_MAX 16 /* shares of one secret */

struct rdt_share {
    uint8_t x;           /* 1..255, each once */
    struct rdt_secret y; /* as long as the secret */
};

/*
 * rdt_shamir_split - n shares of which any k give the secret back and k - 1 say nothing.
 *
 *   k, n     2 <= k <= n <= RDT_SHARES_MAX
 *   shares   n empty ones; caller wipes each y
 *
 * Fails: RDT_E_LIMIT, RDT_E_INTERNAL (no entropy), as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_shamir_split(const struct rdt_secret *secret, unsigned k,
                                              unsigned n, struct rdt_share *shares,
                                              struct rdt_err *err);

/*
 * rdt_shamir_join - the secret out of k shares.  Wrong shares give a wrong secret: the caller has
 * to know a check value.
 *
 *   out   empty; caller wipes
 *
 * Fails: RDT_E_BADINPUT (lengths differ, an x twice or 0), RDT_E_LIMIT, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_shamir_join(const struct rdt_share *shares, unsigned k,
                                             struct rdt_secret *out, struct rdt_err *err);

#endif
