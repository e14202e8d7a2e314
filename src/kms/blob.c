#include "kms/blob.h"

#include "base/cursor.h"
#include "kms/context.h"

#define KEY_LEN ((size_t)16)
#define NONCE_LEN ((size_t)16)
#define FRESH_LEN (NONCE_LEN + RDT_GCM_IV_LEN) /* what is chosen anew for each ciphertext */
#define POOL_LEN ((size_t)32)
#define DERIVED_HEAD                                                                               \
    (RDT_BLOB_HEAD - RDT_GCM_IV_LEN) /* bytes of the head that the key is made of */

bool
rdt_blob_read(struct rdt_span bytes, struct rdt_blob *out)
{
    struct rdt_blob b = {
        .head = {bytes.p, RDT_BLOB_HEAD}
    };
    struct rdt_span in = bytes, fresh;
    uint8_t format;
    /* docs/formats/kms-ciphertext.md 1: u8 format | key[16] | material id[32] | nonce[16] | iv[12]
     * | sealed */
    bool ok = rdt_take_u8(&in, &format) && format == RDT_BLOB_FORMAT;
    ok = ok && rdt_take(&in, KEY_LEN, &b.key);
    ok = ok && rdt_take(&in, RDT_MATERIAL_ID_LEN, &b.material_id);
    ok = ok && rdt_take(&in, FRESH_LEN, &fresh);
    if (!ok || in.n < RDT_GCM_TAG_LEN)
        return false;
    b.sealed = in;
    *out = b;
    return true;
}

enum rdt_code
rdt_material_id(struct rdt_worker *worker, const struct rdt_secret *material,
                const uint8_t key[static 16], uint8_t out[static RDT_MATERIAL_ID_LEN])
{
    static const char label[] = "redoubt material id v1"; /* with its NUL */
    struct rdt_span parts[] = {
        {(const uint8_t *)label, sizeof label},
        {key,                    KEY_LEN     }
    };
    return rdt_hmac(worker, material, parts, RDT_COUNT(parts), out);
}

/* The key of one ciphertext, from the first bytes of its head. */
static enum rdt_code
derive(struct rdt_worker *worker, const struct rdt_blob_keys *keys, const uint8_t *head)
{
    if (keys->scratch->n != RDT_KEY_LEN || keys->material->n != RDT_KEY_LEN)
        return RDT_E_INTERNAL;
    return rdt_kbkdf(worker, keys->material, rdt_span_str("redoubt kms v1"),
                     (struct rdt_span){head, DERIVED_HEAD}, keys->scratch);
}

/* head | context, which GCM authenticates */
struct aad {
    uint8_t bytes[RDT_BLOB_HEAD + RDT_CONTEXT_MAX];
    size_t n;
};

static bool
aad_make(struct aad *aad, const uint8_t *head, struct rdt_span context)
{
    if (context.n > RDT_CONTEXT_MAX)
        return false;
    memcpy(aad->bytes, head, RDT_BLOB_HEAD);
    if (context.n != 0)
        memcpy(aad->bytes + RDT_BLOB_HEAD, context.p, context.n);
    aad->n = RDT_BLOB_HEAD + context.n;
    return true;
}

/* What follows the pool's bytes only matters when those repeat, as in a cloned machine. */
static enum rdt_code
hedge(struct rdt_worker *worker, const struct rdt_blob_keys *keys, struct rdt_span context,
      struct rdt_span plain, uint8_t out[static FRESH_LEN])
{
    uint8_t pool[POOL_LEN], mac[RDT_SHA256_LEN];
    enum rdt_code rc = rdt_random(worker, pool, sizeof pool, NULL);
    if (rc != RDT_OK)
        return rc;
    struct rdt_span parts[] = {
        {pool,      sizeof pool},
        {keys->key, KEY_LEN    },
        context, plain
    };
    rc = rdt_hmac(worker, keys->hedge, parts, RDT_COUNT(parts), mac);
    if (rc == RDT_OK)
        memcpy(out, mac, FRESH_LEN);
    return rc;
}

enum rdt_code
rdt_blob_seal(struct rdt_worker *worker, const struct rdt_blob_keys *keys, struct rdt_span context,
              struct rdt_span plain, uint8_t *out)
{
    struct aad aad;
    uint8_t *fresh = out + RDT_BLOB_HEAD - FRESH_LEN;
    out[0] = RDT_BLOB_FORMAT;
    memcpy(out + 1, keys->key, KEY_LEN);
    memcpy(out + 1 + KEY_LEN, keys->material_id, RDT_MATERIAL_ID_LEN);
    enum rdt_code rc = hedge(worker, keys, context, plain, fresh);
    if (rc == RDT_OK && !aad_make(&aad, out, context))
        rc = RDT_E_INTERNAL;
    if (rc == RDT_OK)
        rc = derive(worker, keys, out);
    if (rc == RDT_OK)
        rc = rdt_gcm_seal(worker, keys->scratch, fresh + NONCE_LEN,
                          (struct rdt_span){aad.bytes, aad.n}, plain, out + RDT_BLOB_HEAD);
    rdt_secret_clear(keys->scratch);
    return rc;
}

/*
 * AES-GCM commits to no key: some ciphertext opens under two. So the material has to be the one
 * that the head names, which is a hash of it.
 */
static enum rdt_code
check_material(struct rdt_worker *worker, const struct rdt_blob_keys *keys,
               const struct rdt_blob *blob)
{
    uint8_t id[RDT_MATERIAL_ID_LEN];
    enum rdt_code rc = rdt_material_id(worker, keys->material, keys->key, id);
    if (rc != RDT_OK)
        return rc;
    bool same = rdt_same(blob->key, (struct rdt_span){keys->key, KEY_LEN});
    same &= rdt_same(blob->material_id, (struct rdt_span){id, sizeof id});
    same &= rdt_same(blob->material_id, (struct rdt_span){keys->material_id, RDT_MATERIAL_ID_LEN});
    return same ? RDT_OK : RDT_E_TAMPERED;
}

enum rdt_code
rdt_blob_open(struct rdt_worker *worker, const struct rdt_blob_keys *keys, struct rdt_span context,
              const struct rdt_blob *blob, uint8_t *out)
{
    struct aad aad;
    enum rdt_code rc = check_material(worker, keys, blob);
    if (rc == RDT_OK && !aad_make(&aad, blob->head.p, context))
        rc = RDT_E_TAMPERED;
    if (rc == RDT_OK)
        rc = derive(worker, keys, blob->head.p);
    if (rc == RDT_OK)
        rc = rdt_gcm_open(worker, keys->scratch, blob->head.p + DERIVED_HEAD,
                          (struct rdt_span){aad.bytes, aad.n}, blob->sealed, out);
    else if (blob->sealed.n > RDT_GCM_TAG_LEN)
        memset(out, 0, blob->sealed.n - RDT_GCM_TAG_LEN);
    rdt_secret_clear(keys->scratch);
    return rc;
}
