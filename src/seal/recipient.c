#include "seal/seal_internal.h"

#include "base/text.h"

#define TENANT_LABEL "redoubt/rbf1/tenant"
#define X25519_LABEL "redoubt/rbf1/x25519"
#define PASSPHRASE_LABEL "redoubt/rbf1/passphrase"
#define P11_LABEL "redoubt/rbf1/p11"
#define GLASS_LABEL "redoubt/rbf1/break-glass"
#define UUID_LEN ((size_t)16)
#define SEALED_LEN (RDT_KEY_LEN + RDT_GCM_TAG_LEN)
#define ABOUT_MOST 128

/* What a wrap is bound to: label 00 | file id | more. */
struct about {
    uint8_t bytes[ABOUT_MOST];
    struct rdt_span span;
};

static bool
make_about(const char *label, struct rdt_span core, struct rdt_span more, struct about *out)
{
    struct rdt_span id;
    size_t n = strlen(label) + 1;
    if (!rdt_seal_file_id(core, &id) || n + id.n + more.n > ABOUT_MOST)
        return false;
    memcpy(out->bytes, label, n);
    memcpy(out->bytes + n, id.p, id.n);
    if (more.n != 0)
        memcpy(out->bytes + n + id.n, more.p, more.n);
    out->span = (struct rdt_span){out->bytes, n + id.n + more.n};
    return true;
}

static const struct rdt_span nothing = {NULL, 0};

/* One stanza at the end of out. */
static enum rdt_seal_fault
put_stanza(enum rdt_seal_kind kind, const struct rdt_buf *bytes, struct rdt_buf *out)
{
    if (!rdt_buf_ok(bytes) || bytes->n > UINT16_MAX)
        return RDT_SEAL_INTERNAL;
    rdt_buf_uint(out, (uint64_t)kind, 1);
    rdt_buf_uint(out, bytes->n, 2);
    rdt_buf_add(out, bytes->p, bytes->n);
    return rdt_buf_ok(out) ? RDT_SEAL_OK : RDT_SEAL_INTERNAL;
}

static enum rdt_seal_fault
got(enum rdt_code rc, struct rdt_secret *file_key)
{
    if (rc == RDT_OK && file_key->n == RDT_KEY_LEN)
        return RDT_SEAL_OK;
    rdt_secret_wipe(file_key);
    return rc == RDT_OK || rc == RDT_E_TAMPERED || rc == RDT_E_BADINPUT ? RDT_SEAL_RECIPIENT
                                                                        : RDT_SEAL_INTERNAL;
}

/* ---- the key service ---- */

enum rdt_seal_fault
rdt_seal_add_kms(struct rdt_span key, struct rdt_span tenant, struct rdt_span blob,
                 struct rdt_buf *out)
{
    RDT_BUF bytes = {0};
    if (key.n == 0 || key.n > RDT_SEAL_KMS_KEY_MAX || !rdt_text_fit(key) ||
        tenant.n > RDT_SEAL_KMS_TENANT_MAX || !rdt_text_fit(tenant) || blob.n == 0 ||
        blob.n > RDT_SEAL_KMS_BLOB_MAX)
        return RDT_SEAL_USAGE;
    rdt_buf_uint(&bytes, key.n, 2);
    rdt_buf_add(&bytes, key.p, key.n);
    rdt_buf_uint(&bytes, tenant.n, 1);
    rdt_buf_add(&bytes, tenant.p, tenant.n);
    rdt_buf_add(&bytes, blob.p, blob.n);
    return put_stanza(RDT_SEAL_KMS, &bytes, out);
}

/* ---- a tenant's KEK ---- */

/* ring 16 | u32 handle | u16 epoch */
static void
put_tenant(struct rdt_buf *out, const struct rdt_seal_tenant *tenant)
{
    rdt_buf_add(out, tenant->ring, UUID_LEN);
    rdt_buf_uint(out, tenant->handle, 4);
    rdt_buf_uint(out, tenant->epoch, 2);
}

static bool
tenant_key(struct rdt_worker *worker, struct rdt_span core, const struct rdt_secret *kek,
           struct rdt_secret *out)
{
    struct rdt_span id;
    return rdt_seal_file_id(core, &id) && rdt_seal_derive(worker, kek, TENANT_LABEL, id, out);
}

enum rdt_seal_fault
rdt_seal_add_tenant(struct rdt_worker *worker, struct rdt_span core,
                    const struct rdt_secret *file_key, const struct rdt_seal_tenant *tenant,
                    const struct rdt_secret *kek, struct rdt_buf *out)
{
    RDT_BUF bytes = {0};
    RDT_SECRET key = {0};
    struct about about;
    uint8_t wrapped[RDT_WRAPPED_LEN];
    put_tenant(&bytes, tenant);
    bool ok = rdt_buf_ok(&bytes) && file_key->n == RDT_KEY_LEN &&
              make_about(TENANT_LABEL, core, rdt_buf_span(&bytes), &about) &&
              tenant_key(worker, core, kek, &key) &&
              rdt_key_wrap(worker, &key, about.span, file_key, wrapped, NULL) == RDT_OK;
    if (!ok)
        return RDT_SEAL_INTERNAL;
    rdt_buf_add(&bytes, wrapped, sizeof wrapped);
    return put_stanza(RDT_SEAL_TENANT, &bytes, out);
}

enum rdt_seal_fault
rdt_seal_get_tenant(struct rdt_worker *worker, const struct rdt_seal_head *head,
                    const struct rdt_seal_stanza *stanza, const struct rdt_secret *kek,
                    struct rdt_secret *file_key)
{
    RDT_SECRET key = {0};
    struct about about;
    if (stanza->kind != RDT_SEAL_TENANT)
        return RDT_SEAL_USAGE;
    struct rdt_span place = {stanza->bytes.p, UUID_LEN + 6};
    if (kek->n != RDT_KEY_LEN)
        return RDT_SEAL_RECIPIENT;
    if (!make_about(TENANT_LABEL, head->core, place, &about) ||
        !tenant_key(worker, head->core, kek, &key) ||
        rdt_secret_new(file_key, RDT_KEY_LEN, NULL) != RDT_OK)
        return RDT_SEAL_INTERNAL;
    return got(rdt_key_unwrap(worker, &key, about.span, stanza->as.tenant.wrapped, file_key),
               file_key);
}

/* ---- a public key ---- */

/* public key | enc | sealed: a secret for whoever has the private key. */
static enum rdt_seal_fault
put_sealed(struct rdt_worker *worker, struct rdt_span about, struct rdt_span public_key,
           const struct rdt_secret *secret, struct rdt_buf *out)
{
    const struct rdt_hpke_about hpke = {.info = about, .aad = nothing};
    uint8_t enc[RDT_HPKE_PUBLIC_LEN], sealed[SEALED_LEN];
    if (public_key.n != RDT_HPKE_PUBLIC_LEN)
        return RDT_SEAL_USAGE;
    if (secret->n != RDT_KEY_LEN)
        return RDT_SEAL_INTERNAL;
    enum rdt_code rc = rdt_hpke_seal(worker, public_key, &hpke, secret, enc, sealed);
    if (rc != RDT_OK)
        return rc == RDT_E_BADINPUT ? RDT_SEAL_USAGE : RDT_SEAL_INTERNAL;
    rdt_buf_add(out, public_key.p, public_key.n);
    rdt_buf_add(out, enc, sizeof enc);
    rdt_buf_add(out, sealed, sizeof sealed);
    return RDT_SEAL_OK;
}

enum rdt_seal_fault
rdt_seal_add_x25519(struct rdt_worker *worker, struct rdt_span core,
                    const struct rdt_secret *file_key, struct rdt_span public_key,
                    struct rdt_buf *out)
{
    RDT_BUF bytes = {0};
    struct about about;
    if (!make_about(X25519_LABEL, core, nothing, &about))
        return RDT_SEAL_INTERNAL;
    enum rdt_seal_fault fault = put_sealed(worker, about.span, public_key, file_key, &bytes);
    return fault == RDT_SEAL_OK ? put_stanza(RDT_SEAL_X25519, &bytes, out) : fault;
}

enum rdt_seal_fault
rdt_seal_get_x25519(struct rdt_worker *worker, const struct rdt_seal_head *head,
                    const struct rdt_seal_stanza *stanza, const struct rdt_secret *private_key,
                    struct rdt_secret *file_key)
{
    struct about about;
    if (stanza->kind != RDT_SEAL_X25519)
        return RDT_SEAL_USAGE;
    if (!make_about(X25519_LABEL, head->core, nothing, &about))
        return RDT_SEAL_INTERNAL;
    const struct rdt_hpke_about hpke = {.info = about.span, .aad = nothing};
    return got(rdt_hpke_open(worker, private_key, &hpke, stanza->as.x25519.enc,
                             stanza->as.x25519.sealed, file_key),
               file_key);
}

/* ---- a passphrase ---- */

/* u32 KiB | u32 passes | u8 lanes | salt 16 */
static void
put_cost(struct rdt_buf *out, const struct rdt_argon *cost)
{
    rdt_buf_uint(out, cost->memory_kib, 4);
    rdt_buf_uint(out, cost->passes, 4);
    rdt_buf_uint(out, cost->lanes, 1);
    rdt_buf_add(out, cost->salt, RDT_ARGON_SALT_LEN);
}

/* cost, and what the wrap is bound to. */
static enum rdt_seal_fault
passphrase_key(const struct rdt_secret *passphrase, const struct rdt_argon *cost,
               struct rdt_span core, struct about *about, struct rdt_secret *key)
{
    RDT_BUF bytes = {0};
    if (rdt_argon_check(cost, NULL) != RDT_OK)
        return RDT_SEAL_COST;
    put_cost(&bytes, cost);
    bool ok = rdt_buf_ok(&bytes) &&
              make_about(PASSPHRASE_LABEL, core, rdt_buf_span(&bytes), about) &&
              rdt_secret_new(key, RDT_KEY_LEN, NULL) == RDT_OK &&
              rdt_passphrase_key(passphrase, cost, key, NULL) == RDT_OK;
    return ok ? RDT_SEAL_OK : RDT_SEAL_INTERNAL;
}

enum rdt_seal_fault
rdt_seal_add_passphrase(struct rdt_worker *worker, struct rdt_span core,
                        const struct rdt_secret *file_key, const struct rdt_secret *passphrase,
                        struct rdt_argon *cost, struct rdt_buf *out)
{
    RDT_BUF bytes = {0};
    RDT_SECRET key = {0};
    struct about about;
    uint8_t wrapped[RDT_WRAPPED_LEN];
    if (passphrase->n == 0)
        return RDT_SEAL_USAGE;
    if (file_key->n != RDT_KEY_LEN ||
        rdt_random(worker, cost->salt, RDT_ARGON_SALT_LEN, NULL) != RDT_OK)
        return RDT_SEAL_INTERNAL;
    enum rdt_seal_fault fault = passphrase_key(passphrase, cost, core, &about, &key);
    if (fault != RDT_SEAL_OK)
        return fault;
    if (rdt_key_wrap(worker, &key, about.span, file_key, wrapped, NULL) != RDT_OK)
        return RDT_SEAL_INTERNAL;
    put_cost(&bytes, cost);
    rdt_buf_add(&bytes, wrapped, sizeof wrapped);
    return put_stanza(RDT_SEAL_PASSPHRASE, &bytes, out);
}

enum rdt_seal_fault
rdt_seal_get_passphrase(struct rdt_worker *worker, const struct rdt_seal_head *head,
                        const struct rdt_seal_stanza *stanza, const struct rdt_secret *passphrase,
                        struct rdt_secret *file_key)
{
    RDT_SECRET key = {0};
    struct about about;
    if (stanza->kind != RDT_SEAL_PASSPHRASE)
        return RDT_SEAL_USAGE;
    enum rdt_seal_fault fault =
        passphrase_key(passphrase, &stanza->as.passphrase.cost, head->core, &about, &key);
    if (fault != RDT_SEAL_OK)
        return fault;
    if (rdt_secret_new(file_key, RDT_KEY_LEN, NULL) != RDT_OK)
        return RDT_SEAL_INTERNAL;
    return got(rdt_key_unwrap(worker, &key, about.span, stanza->as.passphrase.wrapped, file_key),
               file_key);
}

/* ---- a token ---- */

void
rdt_seal_p11_aad(struct rdt_span core, struct rdt_buf *out)
{
    struct about about;
    if (make_about(P11_LABEL, core, nothing, &about))
        rdt_buf_add(out, about.span.p, about.span.n);
}

enum rdt_seal_fault
rdt_seal_add_p11(const struct rdt_p11 *what, struct rdt_span wrapped, struct rdt_buf *out)
{
    RDT_BUF bytes = {0};
    struct rdt_span token = rdt_span_str(what->token), key = rdt_span_str(what->key);
    if (what->how < RDT_P11_OAEP || what->how > RDT_P11_UNWRAP || token.n == 0 ||
        token.n > RDT_P11_LABEL_MAX || !rdt_text_fit(token) || key.n == 0 ||
        key.n > RDT_P11_LABEL_MAX || !rdt_text_fit(key) || wrapped.n == 0 ||
        wrapped.n > RDT_P11_WRAPPED_MAX)
        return RDT_SEAL_USAGE;
    rdt_buf_uint(&bytes, (uint64_t)what->how, 1);
    rdt_buf_uint(&bytes, token.n, 1);
    rdt_buf_add(&bytes, token.p, token.n);
    rdt_buf_uint(&bytes, key.n, 1);
    rdt_buf_add(&bytes, key.p, key.n);
    rdt_buf_add(&bytes, wrapped.p, wrapped.n);
    return put_stanza(RDT_SEAL_P11, &bytes, out);
}

/* ---- k of n ---- */

static bool
glass_ok(const struct rdt_seal_glass *glass)
{
    bool ok = glass->k >= 2 && glass->k <= glass->n && glass->n <= RDT_SHARES_MAX;
    for (size_t i = 0; ok && i < glass->n; i++)
        for (size_t j = 0; ok && j < i; j++)
            ok = !rdt_span_eq(glass->public_keys[i], glass->public_keys[j]);
    return ok;
}

/* One holder's stanza: group | k | n | x | public key | enc | sealed share. */
static enum rdt_seal_fault
put_share(struct rdt_worker *worker, struct rdt_span core, const struct rdt_seal_glass *glass,
          const struct rdt_share *share, struct rdt_buf *out)
{
    RDT_BUF bytes = {0};
    struct about about;
    const uint8_t place[] = {glass->group, glass->k, glass->n, share->x};
    if (!make_about(GLASS_LABEL, core, (struct rdt_span){place, sizeof place}, &about))
        return RDT_SEAL_INTERNAL;
    rdt_buf_add(&bytes, place, sizeof place);
    enum rdt_seal_fault fault =
        put_sealed(worker, about.span, glass->public_keys[share->x - 1], &share->y, &bytes);
    return fault == RDT_SEAL_OK ? put_stanza(RDT_SEAL_GLASS, &bytes, out) : fault;
}

enum rdt_seal_fault
rdt_seal_add_glass(struct rdt_worker *worker, struct rdt_span core,
                   const struct rdt_secret *file_key, const struct rdt_seal_glass *glass,
                   struct rdt_buf *out)
{
    struct rdt_share shares[RDT_SHARES_MAX] = {{.x = 0}};
    size_t before = out->n;
    if (!glass_ok(glass))
        return RDT_SEAL_USAGE;
    enum rdt_seal_fault fault =
        file_key->n == RDT_KEY_LEN &&
                rdt_shamir_split(file_key, glass->k, glass->n, shares, NULL) == RDT_OK
            ? RDT_SEAL_OK
            : RDT_SEAL_INTERNAL;
    for (size_t i = 0; fault == RDT_SEAL_OK && i < glass->n; i++)
        fault = put_share(worker, core, glass, &shares[i], out);
    for (size_t i = 0; i < RDT_COUNT(shares); i++)
        rdt_secret_wipe(&shares[i].y);
    if (fault != RDT_SEAL_OK)
        out->n = before;
    return fault;
}

enum rdt_seal_fault
rdt_seal_get_share(struct rdt_worker *worker, const struct rdt_seal_head *head,
                   const struct rdt_seal_stanza *stanza, const struct rdt_secret *private_key,
                   struct rdt_share *share)
{
    struct about about;
    if (stanza->kind != RDT_SEAL_GLASS)
        return RDT_SEAL_USAGE;
    struct rdt_span place = {stanza->bytes.p, 4};
    if (!make_about(GLASS_LABEL, head->core, place, &about))
        return RDT_SEAL_INTERNAL;
    const struct rdt_hpke_about hpke = {.info = about.span, .aad = nothing};
    share->x = stanza->as.glass.x;
    return got(rdt_hpke_open(worker, private_key, &hpke, stanza->as.glass.enc,
                             stanza->as.glass.sealed, &share->y),
               &share->y);
}
