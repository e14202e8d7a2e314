#include "crypto/shamir.h"

#include <openssl/rand.h>

#define REDUCE 0x1b /* x^8 = x^4 + x^3 + x + 1 */

/* Without branches or tables that depend on a or b. */
static uint8_t
times(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        product ^= (uint8_t)(a & -(b & 1));
        b >>= 1;
        a = (uint8_t)(a << 1 ^ (REDUCE & -(a >> 7)));
    }
    return product;
}

/* a^254, since a^255 is 1. */
static uint8_t
inverse(uint8_t a)
{
    uint8_t power = a;
    for (unsigned i = 0; i < 6; i++)
        power = times(times(power, power), a); /* a^3, a^7, ... a^127 */
    return times(power, power);
}

/* One byte of one share: the polynomial whose constant term is the secret's byte, at x. */
static uint8_t
value_at(uint8_t x, uint8_t constant, const uint8_t *more, size_t n_more)
{
    uint8_t y = 0;
    for (size_t i = n_more; i > 0; i--)
        y = times(y ^ more[i - 1], x);
    return y ^ constant;
}

enum rdt_code
rdt_shamir_split(const struct rdt_secret *secret, unsigned k, unsigned n, struct rdt_share *shares,
                 struct rdt_err *err)
{
    RDT_SECRET more = {0}; /* k - 1 random coefficients a byte, zero among them as likely as any */
    if (k < 2 || k > n || n > RDT_SHARES_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "%u of %u shares: 2 to %d, and no more than are made", k,
                        n, RDT_SHARES_MAX);
    if (secret->n == 0 || secret->n > RDT_SECRET_MAX / k)
        return rdt_fail(err, RDT_E_LIMIT, "a secret of %zu bytes to share", secret->n);
    enum rdt_code rc = rdt_secret_new(&more, secret->n * (k - 1), err);
    if (rc == RDT_OK && RAND_priv_bytes(more.p, (int)more.n) != 1)
        rc = rdt_fail(err, RDT_E_INTERNAL, "no random bytes");
    for (unsigned s = 0; rc == RDT_OK && s < n; s++) {
        shares[s].x = (uint8_t)(s + 1);
        rc = rdt_secret_new(&shares[s].y, secret->n, err);
        for (size_t i = 0; rc == RDT_OK && i < secret->n; i++)
            shares[s].y.p[i] =
                value_at(shares[s].x, secret->p[i], more.p + i * (k - 1), (size_t)k - 1);
    }
    for (unsigned s = 0; rc != RDT_OK && s < n; s++)
        rdt_secret_wipe(&shares[s].y);
    return rc;
}

static enum rdt_code
check_shares(const struct rdt_share *shares, unsigned k, struct rdt_err *err)
{
    if (k < 2 || k > RDT_SHARES_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "%u shares: 2 to %d", k, RDT_SHARES_MAX);
    for (unsigned i = 0; i < k; i++) {
        if (shares[i].x == 0)
            return rdt_fail(err, RDT_E_BADINPUT, "a share without a number");
        if (shares[i].y.n == 0 || shares[i].y.n != shares[0].y.n)
            return rdt_fail(err, RDT_E_BADINPUT, "shares of different lengths");
        for (unsigned j = 0; j < i; j++) {
            if (shares[j].x == shares[i].x)
                return rdt_fail(err, RDT_E_BADINPUT, "share %u twice", (unsigned)shares[i].x);
        }
    }
    return RDT_OK;
}

/* What share i counts for at x = 0 (Lagrange); the numbers of shares are no secret. */
static uint8_t
weight(const struct rdt_share *shares, unsigned k, unsigned i)
{
    uint8_t above = 1, below = 1;
    for (unsigned j = 0; j < k; j++) {
        if (j == i)
            continue;
        above = times(above, shares[j].x);
        below = times(below, shares[j].x ^ shares[i].x);
    }
    return times(above, inverse(below));
}

enum rdt_code
rdt_shamir_join(const struct rdt_share *shares, unsigned k, struct rdt_secret *out,
                struct rdt_err *err)
{
    enum rdt_code rc = check_shares(shares, k, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(out, shares[0].y.n, err);
    for (unsigned s = 0; rc == RDT_OK && s < k; s++) {
        uint8_t w = weight(shares, k, s);
        for (size_t i = 0; i < out->n; i++)
            out->p[i] ^= times(w, shares[s].y.p[i]);
    }
    return rc;
}
