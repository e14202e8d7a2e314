/*
 * fuzz_blob - a ciphertext from a stranger: u16 length | context | ciphertext. It never opens under
 * a key that did not make it; with the right head in its place it does not either.
 */
#include "base/cursor.h"
#include "kms/blob.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const uint8_t uuid[16] = "0123456789abcdef";

struct keys {
    struct rdt_worker *worker;
    struct rdt_secret material, scratch;
    uint8_t id[RDT_MATERIAL_ID_LEN];
};

static struct keys *
keys_made(void)
{
    static struct keys keys;
    if (keys.worker != NULL)
        return &keys;
    if (rdt_worker_open(&keys.worker, NULL) != RDT_OK ||
        rdt_secret_new(&keys.material, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_secret_new(&keys.scratch, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_random_key(keys.worker, &keys.material, NULL) != RDT_OK ||
        rdt_material_id(keys.worker, &keys.material, uuid, keys.id) != RDT_OK)
        abort();
    return &keys;
}

static void
must_not_open(struct keys *k, struct rdt_span context, struct rdt_span bytes)
{
    struct rdt_blob blob;
    struct rdt_blob_keys keys = {&k->material, NULL, &k->scratch, uuid, k->id};
    if (!rdt_blob_read(bytes, &blob))
        return;
    if (blob.head.n + blob.sealed.n != bytes.n || bytes.n < RDT_BLOB_OVERHEAD)
        abort();
    uint8_t *out = malloc(blob.sealed.n);
    if (out == NULL)
        abort();
    if (rdt_blob_open(k->worker, &keys, context, &blob, out) != RDT_E_TAMPERED)
        abort();
    free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_span in = {bytes, n}, context;
    uint16_t length;
    if (!rdt_take_u16(&in, &length) || !rdt_take(&in, length, &context))
        return 0;
    struct keys *k = keys_made();
    must_not_open(k, context, in);
    if (in.n < RDT_BLOB_OVERHEAD)
        return 0;
    uint8_t *named = malloc(in.n);
    if (named == NULL)
        abort();
    memcpy(named, in.p, in.n);
    memcpy(named + 1, uuid, sizeof uuid);
    memcpy(named + 17, k->id, sizeof k->id);
    must_not_open(k, context, (struct rdt_span){named, in.n});
    free(named);
    return 0;
}
