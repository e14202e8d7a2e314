#include "kms/kek.h"

#define RING_LABEL "redoubt ring v1"
#define KEK_LABEL "redoubt tenant kek v1" /* with its NUL in the info */
#define UUID_LEN 16

enum rdt_code
rdt_kek_derive(struct rdt_worker *worker, const struct rdt_secret *material,
               const struct rdt_secret *seed, const struct rdt_kek_place *place,
               struct rdt_secret *out)
{
    RDT_SECRET ring = {0};
    uint8_t info[sizeof KEK_LABEL + RDT_KEK_AT_LEN] = KEK_LABEL;
    rdt_secret_clear(out);
    if (material->n != RDT_KEY_LEN || seed->n != RDT_SEED_LEN || out->n != RDT_KEY_LEN)
        return RDT_E_INTERNAL;
    rdt_kek_at(place, info + sizeof KEK_LABEL);
    enum rdt_code rc = rdt_secret_new(&ring, RDT_KEY_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_kbkdf(worker, material, rdt_span_str(RING_LABEL),
                       (struct rdt_span){place->key, UUID_LEN}, &ring);
    if (rc == RDT_OK)
        rc = rdt_hkdf(worker, &ring, (struct rdt_span){seed->p, seed->n},
                      (struct rdt_span){info, sizeof info}, out);
    return rc;
}
