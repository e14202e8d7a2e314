/*
 * What each type of seal does. All of them protect a key of their own (KEK) in their own way, and
 * the root secret is wrapped under it; what a seal says about itself is bound into that wrap, so
 * that nobody who can write the file alone lowers a cost or a threshold, or calls it another type.
 */
#include "kms/root_internal.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

#define AAD_LABEL "redoubt root seal v1"
#define ARGON_MEMORY_KIB ((uint32_t)256 << 10) /* where the operator names none */
#define ARGON_PASSES 3u
#define ARGON_LANES 4u

/* Fills in the seal's parameters and makes its KEK. */
typedef enum rdt_code make_fn(const uint8_t *deployment, const struct rdt_root_open *open,
                              const struct rdt_seal_opts *opts, struct root_seal *seal,
                              struct rdt_secret *kek, struct rdt_err *err);
/* Finds the KEK again; kek has RDT_KEY_LEN bytes. */
typedef enum rdt_code find_fn(const uint8_t *deployment, const struct root_seal *seal,
                              const struct rdt_unseal *means, struct rdt_secret *kek,
                              struct rdt_err *err);

/* ---- what the wrap is bound to ---- */

static void
add_u32(struct rdt_buf *out, size_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    rdt_buf_add(out, bytes, sizeof bytes);
}

static void
add_vec(struct rdt_buf *out, const void *bytes, size_t n)
{
    add_u32(out, n);
    rdt_buf_add(out, bytes, n);
}

static void
add_text(struct rdt_buf *out, const char *text)
{
    add_vec(out, text, strlen(text));
}

void
rdt_root_seal_aad(const uint8_t deployment[static 16], const struct root_seal *seal, bool bare,
                  struct rdt_buf *out)
{
    rdt_buf_add(out, AAD_LABEL, sizeof AAD_LABEL); /* with its NUL */
    rdt_buf_add(out, deployment, 16);
    add_text(out, seal->id);
    add_text(out, rdt_seal_type_name(seal->type));
    add_u32(out, (uint64_t)seal->created_s >> 32);
    add_u32(out, (uint64_t)seal->created_s & UINT32_MAX);
    switch (seal->type) {
    case RDT_SEAL_DEVELOPMENT:
        break;
    case RDT_SEAL_PASSPHRASE:
        add_u32(out, seal->argon.memory_kib);
        add_u32(out, seal->argon.passes);
        add_u32(out, seal->argon.lanes);
        rdt_buf_add(out, seal->argon.salt, sizeof seal->argon.salt);
        break;
    case RDT_SEAL_SHAMIR:
        add_u32(out, seal->threshold);
        add_u32(out, seal->shares);
        rdt_buf_add(out, seal->set, sizeof seal->set);
        break;
    case RDT_SEAL_PKCS11:
        add_text(out, seal->module);
        add_text(out, seal->token);
        add_text(out, seal->key);
        add_text(out, rdt_p11_how_name(seal->how));
        if (!bare)
            add_vec(out, seal->kek, seal->kek_n);
        break;
    }
}

/* ---- development ---- */

static enum rdt_code
make_development(const uint8_t *deployment, const struct rdt_root_open *open,
                 const struct rdt_seal_opts *opts, struct root_seal *seal, struct rdt_secret *kek,
                 struct rdt_err *err)
{
    (void)deployment;
    (void)opts;
    enum rdt_code rc = rdt_random_key(open->worker, kek, err);
    if (rc == RDT_OK)
        memcpy(seal->plain, kek->p, sizeof seal->plain);
    return rc;
}

static enum rdt_code
find_development(const uint8_t *deployment, const struct root_seal *seal,
                 const struct rdt_unseal *means, struct rdt_secret *kek, struct rdt_err *err)
{
    (void)deployment;
    (void)means;
    (void)err;
    memcpy(kek->p, seal->plain, sizeof seal->plain);
    return RDT_OK;
}

/* ---- passphrase ---- */

static enum rdt_code
make_passphrase(const uint8_t *deployment, const struct rdt_root_open *open,
                const struct rdt_seal_opts *opts, struct root_seal *seal, struct rdt_secret *kek,
                struct rdt_err *err)
{
    (void)deployment;
    seal->argon.memory_kib =
        opts->argon_memory_kib != 0 ? opts->argon_memory_kib : ARGON_MEMORY_KIB;
    seal->argon.passes = opts->argon_passes != 0 ? opts->argon_passes : ARGON_PASSES;
    seal->argon.lanes = ARGON_LANES;
    enum rdt_code rc = rdt_random(open->worker, seal->argon.salt, sizeof seal->argon.salt, err);
    return rc == RDT_OK ? rdt_passphrase_key(opts->passphrase, &seal->argon, kek, err) : rc;
}

static enum rdt_code
find_passphrase(const uint8_t *deployment, const struct root_seal *seal,
                const struct rdt_unseal *means, struct rdt_secret *kek, struct rdt_err *err)
{
    (void)deployment;
    if (means->passphrase == NULL)
        return rdt_fail(err, RDT_E_DENIED, "the seal '%s' needs its passphrase", seal->id);
    return rdt_passphrase_key(means->passphrase, &seal->argon, kek, err);
}

/* ---- shamir: the KEK is split once the seal is made, see rdt_root_seal_make() ---- */

static enum rdt_code
make_shamir(const uint8_t *deployment, const struct rdt_root_open *open,
            const struct rdt_seal_opts *opts, struct root_seal *seal, struct rdt_secret *kek,
            struct rdt_err *err)
{
    (void)deployment;
    seal->threshold = opts->threshold;
    seal->shares = opts->shares;
    enum rdt_code rc = rdt_random(open->worker, seal->set, sizeof seal->set, err);
    return rc == RDT_OK ? rdt_random_key(open->worker, kek, err) : rc;
}

static enum rdt_code
find_shamir(const uint8_t *deployment, const struct root_seal *seal, const struct rdt_unseal *means,
            struct rdt_secret *kek, struct rdt_err *err)
{
    RDT_SECRET joined = {0};
    enum rdt_code rc = rdt_root_shares_join(deployment, seal, means, &joined, err);
    if (rc == RDT_OK)
        memcpy(kek->p, joined.p, RDT_KEY_LEN);
    return rc;
}

/* ---- pkcs11 ---- */

static struct rdt_p11
token_of(const struct root_seal *seal, const char *module)
{
    return (struct rdt_p11){.module = module != NULL ? module : seal->module,
                            .token = seal->token,
                            .key = seal->key,
                            .how = seal->how};
}

static enum rdt_code
make_pkcs11(const uint8_t *deployment, const struct rdt_root_open *open,
            const struct rdt_seal_opts *opts, struct root_seal *seal, struct rdt_secret *kek,
            struct rdt_err *err)
{
    RDT_BUF aad = {0}, wrapped = {0};
    snprintf(seal->module, sizeof seal->module, "%s", opts->p11_module);
    snprintf(seal->token, sizeof seal->token, "%s", opts->p11_token);
    snprintf(seal->key, sizeof seal->key, "%s", opts->p11_key);
    seal->how = opts->p11_how;
    struct rdt_p11 token = token_of(seal, NULL);
    enum rdt_code rc = rdt_random_key(open->worker, kek, err);
    if (rc == RDT_OK)
        rc = rdt_p11_make(&token, opts->passphrase, err);
    if (rc != RDT_OK)
        return rc;
    seal->how = token.how;
    rdt_root_seal_aad(deployment, seal, true, &aad);
    if (!rdt_buf_ok(&aad))
        return rdt_fail(err, RDT_E_NOMEM, "a seal");
    rc = rdt_p11_wrap(&token, opts->passphrase, rdt_buf_span(&aad), kek, &wrapped, err);
    if (rc == RDT_OK && wrapped.n > sizeof seal->kek)
        rc = rdt_fail(err, RDT_E_LIMIT, "the token wrapped a key to %zu bytes", wrapped.n);
    if (rc != RDT_OK)
        return rc;
    memcpy(seal->kek, wrapped.p, wrapped.n);
    seal->kek_n = wrapped.n;
    return RDT_OK;
}

static enum rdt_code
find_pkcs11(const uint8_t *deployment, const struct root_seal *seal, const struct rdt_unseal *means,
            struct rdt_secret *kek, struct rdt_err *err)
{
    RDT_BUF aad = {0};
    struct rdt_p11 token = token_of(seal, means->p11_module);
    if (means->passphrase == NULL)
        return rdt_fail(err, RDT_E_DENIED, "the seal '%s' needs the token's PIN", seal->id);
    rdt_root_seal_aad(deployment, seal, true, &aad);
    if (!rdt_buf_ok(&aad))
        return rdt_fail(err, RDT_E_NOMEM, "a seal");
    return rdt_p11_unwrap(&token, means->passphrase, rdt_buf_span(&aad),
                          (struct rdt_span){seal->kek, seal->kek_n}, kek, err);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    make_fn *make;
    find_fn *find;
    enum rdt_code wrong; /* what it means that the KEK does not open the root secret */
    const char *words;
} types[] = {
    [RDT_SEAL_DEVELOPMENT] = {"development", make_development, find_development, RDT_E_TAMPERED,
                              "the seal was changed"                            },
    [RDT_SEAL_PASSPHRASE] = {"passphrase",  make_passphrase,  find_passphrase,  RDT_E_DENIED,
                              "the passphrase is wrong, or the seal was changed"},
    [RDT_SEAL_SHAMIR] = {"shamir",      make_shamir,      find_shamir,      RDT_E_DENIED,
                              "the shares are wrong, or the seal was changed"   },
    [RDT_SEAL_PKCS11] = {"pkcs11",      make_pkcs11,      find_pkcs11,      RDT_E_TAMPERED,
                              "the seal was changed"                            },
};

const char *
rdt_seal_type_name(enum rdt_seal_type type)
{
    return types[type].name;
}

/* ---- options ---- */

static enum rdt_code
check_text(const char *text, size_t max, const char *what, struct rdt_err *err)
{
    if (text == NULL || text[0] == '\0')
        return rdt_fail(err, RDT_E_BADINPUT, "a PKCS#11 seal needs %s", what);
    if (strlen(text) > max)
        return rdt_fail(err, RDT_E_LIMIT, "%s of more than %zu bytes", what, max);
    if (!rdt_text_fit(rdt_span_str(text)))
        return rdt_fail(err, RDT_E_BADINPUT, "%s with characters that cannot be shown", what);
    return RDT_OK;
}

static enum rdt_code
check_pkcs11(const struct rdt_seal_opts *opts, struct rdt_err *err)
{
    enum rdt_code rc = check_text(opts->p11_module, RDT_ROOT_PATH_MAX - 1, "a module", err);
    if (rc == RDT_OK)
        rc = check_text(opts->p11_token, RDT_P11_LABEL_MAX, "a token's label", err);
    if (rc == RDT_OK)
        rc = check_text(opts->p11_key, RDT_P11_LABEL_MAX, "a key's label", err);
    if (rc == RDT_OK && opts->passphrase == NULL)
        rc = rdt_fail(err, RDT_E_BADINPUT, "a PKCS#11 seal needs the token's PIN");
    return rc;
}

static enum rdt_code
check_passphrase(const struct rdt_seal_opts *opts, struct rdt_err *err)
{
    struct rdt_argon cost = {.memory_kib = opts->argon_memory_kib != 0 ? opts->argon_memory_kib
                                                                       : ARGON_MEMORY_KIB,
                             .passes = opts->argon_passes != 0 ? opts->argon_passes : ARGON_PASSES,
                             .lanes = ARGON_LANES};
    if (opts->passphrase == NULL || opts->passphrase->n < RDT_ROOT_PASSPHRASE_MIN)
        return rdt_fail(err, RDT_E_BADINPUT, "a passphrase of at least %zu bytes is needed",
                        RDT_ROOT_PASSPHRASE_MIN);
    return rdt_argon_check(&cost, err);
}

enum rdt_code
rdt_root_seal_check(const struct rdt_seal_opts *opts, struct rdt_err *err)
{
    if (opts->id == NULL || !rdt_root_is_name(opts->id, RDT_ROOT_ID_MAX, ""))
        return rdt_fail(err, RDT_E_BADINPUT, "a seal's id is 1 to %d of a-z, 0-9 and -",
                        RDT_ROOT_ID_MAX - 1);
    if (opts->type == RDT_SEAL_PASSPHRASE)
        return check_passphrase(opts, err);
    if (opts->type == RDT_SEAL_PKCS11)
        return check_pkcs11(opts, err);
    if (opts->type == RDT_SEAL_SHAMIR &&
        (opts->threshold < 2 || opts->threshold > opts->shares || opts->shares > RDT_SHARES_MAX))
        return rdt_fail(err, RDT_E_BADINPUT, "%u of %u shares: 2 to %d, and no more than are made",
                        opts->threshold, opts->shares, RDT_SHARES_MAX);
    return RDT_OK;
}

/* ---- making and opening ---- */

enum rdt_code
rdt_root_seal_make(const uint8_t deployment[static 16], const struct rdt_root_open *open,
                   const struct rdt_seal_opts *opts, struct root_shares *shares,
                   struct root_seal *out, struct rdt_err *err)
{
    RDT_SECRET kek = {0};
    RDT_BUF aad = {0};
    struct root_seal seal = {.type = opts->type, .created_s = rdt_now()};
    snprintf(seal.id, sizeof seal.id, "%s", opts->id);
    enum rdt_code rc = rdt_secret_new(&kek, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = types[seal.type].make(deployment, open, opts, &seal, &kek, err);
    if (rc == RDT_OK) {
        rdt_root_seal_aad(deployment, &seal, false, &aad);
        rc = rdt_buf_ok(&aad) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "a seal");
    }
    if (rc == RDT_OK)
        rc = rdt_key_wrap(open->worker, &kek, rdt_buf_span(&aad), &open->root, seal.root, err);
    if (rc == RDT_OK && seal.type == RDT_SEAL_SHAMIR)
        rc = rdt_root_shares_split(deployment, &seal, &kek, shares, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "make the seal '%s'", opts->id);
    *out = seal;
    return RDT_OK;
}

enum rdt_code
rdt_root_seal_open(const uint8_t deployment[static 16], const struct root_seal *seal,
                   const struct rdt_unseal *means, struct rdt_root_open *open, struct rdt_err *err)
{
    RDT_SECRET kek = {0};
    RDT_BUF aad = {0};
    rdt_root_seal_aad(deployment, seal, false, &aad);
    if (!rdt_buf_ok(&aad))
        return rdt_fail(err, RDT_E_NOMEM, "open a seal");
    enum rdt_code rc = rdt_secret_new(&kek, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = types[seal->type].find(deployment, seal, means, &kek, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "open the seal '%s'", seal->id);
    rc = rdt_key_unwrap(open->worker, &kek, rdt_buf_span(&aad),
                        (struct rdt_span){seal->root, sizeof seal->root}, &open->root);
    if (rc == RDT_E_TAMPERED)
        rc = rdt_fail(err, types[seal->type].wrong, "%s", types[seal->type].words);
    else if (rc != RDT_OK)
        rdt_fail(err, rc, "libcrypto failed");
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "open the seal '%s'", seal->id);
}
