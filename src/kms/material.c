#include "kms/call_internal.h"

#include "kms/blob.h"

#define WRAP_AAD_MAX ((size_t)RDT_STORE_ID_MAX + 96)

/* deployment | table | key | version | kind | tenant: SECURITY-DESIGN section 3, each length fixed
 * or said. */
static void
wrap_aad(const struct rdt_kms *kms, const struct wrap_at *at, uint32_t domain, struct rdt_buf *out)
{
    static const uint8_t none[16];
    rdt_buf_str(out, "redoubt wrap v1");
    rdt_buf_add(out, kms->deployment, sizeof kms->deployment);
    rdt_buf_uint(out, domain, 4);
    rdt_buf_uint(out, (uint32_t)at->kind, 4);
    rdt_buf_uint(out, (uint32_t)at->id.n, 4);
    rdt_buf_add(out, at->id.p, at->id.n);
    rdt_buf_uint(out, at->version, 4);
    rdt_buf_uint(out, (uint32_t)strlen(at->purpose), 4);
    rdt_buf_str(out, at->purpose);
    rdt_buf_add(out, at->tenant == NULL ? none : at->tenant, sizeof none);
}

enum rdt_code
rdt_wrap_put(struct rdt_kms *kms, struct rdt_worker *worker, const struct wrap_at *at,
             const struct rdt_secret *secret, uint32_t domain, struct rdt_bytes *out)
{
    const struct rdt_secret *under = rdt_domains_get(&kms->domains, domain);
    RDT_BUF aad = {0};
    wrap_aad(kms, at, domain, &aad);
    size_t n = RDT_GCM_IV_LEN + secret->n + RDT_GCM_TAG_LEN;
    uint8_t wrapped[RDT_GCM_IV_LEN + 256 + RDT_GCM_TAG_LEN];
    if (under == NULL || !rdt_domain_wraps(at->kind) || !rdt_buf_ok(&aad) || n > sizeof wrapped)
        return RDT_E_INTERNAL;
    enum rdt_code rc = rdt_key_wrap(worker, under, rdt_buf_span(&aad), secret, wrapped, NULL);
    if (rc != RDT_OK)
        return rc;
    return rdt_bytes_set(out, (struct rdt_span){wrapped, n}) ? RDT_OK : RDT_E_NOMEM;
}

enum rdt_code
rdt_wrap_open(struct rdt_kms *kms, struct rdt_kms_thread *thread, const struct wrap_at *at,
              uint32_t domain, struct rdt_span wrapped, struct rdt_secret *out)
{
    const struct rdt_secret *under = rdt_domains_get(&kms->domains, domain);
    if (under == NULL || wrapped.n == 0)
        return RDT_E_STATE; /* destroyed, or under a domain key that is gone */
    struct rdt_buf *aad = &thread->aad;
    aad->n = 0;
    wrap_aad(kms, at, domain, aad);
    return rdt_buf_ok(aad) ? rdt_key_unwrap(thread->worker, under, rdt_buf_span(aad), wrapped, out)
                           : RDT_E_NOMEM;
}

static struct wrap_at
version_at(const struct rdt_version *version)
{
    return (struct wrap_at){
        .kind = RDT_KIND_VERSION,
        .id = {version->key, sizeof version->key},
        .version = version->number,
        .purpose = "material"
    };
}

enum rdt_code
rdt_material_new(struct rdt_call *call, struct rdt_version *version, struct rdt_err *err)
{
    struct rdt_kms_thread *thread = call->thread;
    const struct rdt_site *site = rdt_view_site(call->view);
    version->domain = site->domain;
    struct wrap_at at = version_at(version);
    enum rdt_code rc = rdt_random_key(thread->worker, &thread->material, err);
    if (rc == RDT_OK)
        rc = rdt_material_id(thread->worker, &thread->material, version->key, version->material_id);
    if (rc == RDT_OK)
        rc = rdt_wrap_put(call->kms, thread->worker, &at, &thread->material, version->domain,
                          &version->wrapped);
    rdt_secret_clear(&thread->material);
    return rc;
}

enum rdt_code
rdt_material_open(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                  const struct rdt_version *version)
{
    struct wrap_at at = version_at(version);
    return rdt_wrap_open(kms, thread, &at, version->domain, rdt_bytes_span(&version->wrapped),
                         &thread->material);
}
