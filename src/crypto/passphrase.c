#include "crypto/passphrase.h"

#include <argon2.h>

#define KEY_LEN_MIN 16u
#define KEY_LEN_MAX 64u

static bool
is_bounded(const struct rdt_argon *cost)
{
    return cost->memory_kib >= RDT_ARGON_MEMORY_MIN && cost->memory_kib <= RDT_ARGON_MEMORY_MAX &&
           cost->passes >= 1 && cost->passes <= RDT_ARGON_PASSES_MAX && cost->lanes >= 1 &&
           cost->lanes <= RDT_ARGON_LANES_MAX;
}

enum rdt_code
rdt_argon_check(const struct rdt_argon *cost, struct rdt_err *err)
{
    return is_bounded(cost) ? RDT_OK
                            : rdt_fail(err, RDT_E_LIMIT,
                                       "Argon2id with %u KiB, %u passes, %u lanes is out of bounds",
                                       (unsigned)cost->memory_kib, (unsigned)cost->passes,
                                       (unsigned)cost->lanes);
}

enum rdt_code
rdt_passphrase_key(const struct rdt_secret *passphrase, const struct rdt_argon *cost,
                   struct rdt_secret *out, struct rdt_err *err)
{
    struct rdt_argon copy = *cost; /* libargon2 takes pointers to what it might write */
    enum rdt_code rc = rdt_argon_check(cost, err);
    if (rc != RDT_OK)
        return rc;
    if (out->n < KEY_LEN_MIN || out->n > KEY_LEN_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a key of %zu bytes out of a passphrase", out->n);
    argon2_context context = {
        .out = out->p,
        .outlen = (uint32_t)out->n,
        .pwd = passphrase->p,
        .pwdlen = (uint32_t)passphrase->n,
        .salt = copy.salt,
        .saltlen = sizeof copy.salt,
        .t_cost = cost->passes,
        .m_cost = cost->memory_kib,
        .lanes = cost->lanes,
        .threads = cost->lanes,
        .version = ARGON2_VERSION_13,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    int got = argon2id_ctx(&context); /* writes straight into locked memory: no copy to wipe */
    if (got == ARGON2_OK)
        return RDT_OK;
    rdt_secret_clear(out);
    if (got == ARGON2_MEMORY_ALLOCATION_ERROR || got == ARGON2_THREAD_FAIL)
        return rdt_fail(err, RDT_E_NOMEM, "Argon2id with %u KiB", (unsigned)cost->memory_kib);
    return rdt_fail(err, RDT_E_INTERNAL, "Argon2id: %s", argon2_error_message(got));
}
