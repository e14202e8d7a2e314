#include "kms/kek.h"

#define RING_LABEL "redoubt ring v1"
#define KEK_LABEL "redoubt tenant kek v1"    /* with its NUL in the info */
#define EXPORT_LABEL "redoubt kek export v1" /* likewise */
#define UUID_LEN 16
#define HANDLE_LEN 4
#define EPOCH_LEN 2

_Static_assert(sizeof EXPORT_LABEL + 2 * UUID_LEN + HANDLE_LEN + EPOCH_LEN == RDT_KEK_INFO_LEN,
               "the info's length");

/* As in the head of a field value: u32 handle | u16 epoch. */
static void
put_place(const struct rdt_kek_place *place, uint8_t out[static HANDLE_LEN + EPOCH_LEN])
{
    for (size_t i = 0; i < HANDLE_LEN; i++)
        out[i] = (uint8_t)(place->handle >> (24 - 8 * i));
    out[4] = (uint8_t)(place->epoch >> 8);
    out[5] = (uint8_t)place->epoch;
}

enum rdt_code
rdt_kek_derive(struct rdt_worker *worker, const struct rdt_secret *material,
               const struct rdt_secret *seed, const struct rdt_kek_place *place,
               struct rdt_secret *out)
{
    RDT_SECRET ring = {0};
    uint8_t info[sizeof KEK_LABEL + HANDLE_LEN + EPOCH_LEN] = KEK_LABEL;
    rdt_secret_clear(out);
    if (material->n != RDT_KEY_LEN || seed->n != RDT_SEED_LEN || out->n != RDT_KEY_LEN)
        return RDT_E_INTERNAL;
    put_place(place, info + sizeof KEK_LABEL);
    enum rdt_code rc = rdt_secret_new(&ring, RDT_KEY_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_kbkdf(worker, material, rdt_span_str(RING_LABEL),
                       (struct rdt_span){place->key, UUID_LEN}, &ring);
    if (rc == RDT_OK)
        rc = rdt_hkdf(worker, &ring, (struct rdt_span){seed->p, seed->n},
                      (struct rdt_span){info, sizeof info}, out);
    return rc;
}

void
rdt_kek_info(const struct rdt_kek_place *place, uint8_t out[static RDT_KEK_INFO_LEN])
{
    memcpy(out, EXPORT_LABEL, sizeof EXPORT_LABEL);
    out += sizeof EXPORT_LABEL;
    memcpy(out, place->key, UUID_LEN);
    memcpy(out + UUID_LEN, place->tenant, UUID_LEN);
    put_place(place, out + 2 * UUID_LEN);
}
