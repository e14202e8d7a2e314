#include "codec/kek.h"

#include <string.h>

#define LABEL "redoubt kek export v1" /* with its NUL */
#define UUID_LEN 16

_Static_assert(sizeof LABEL + 2 * UUID_LEN + RDT_KEK_AT_LEN == RDT_KEK_INFO_LEN,
               "the info's length");

void
rdt_kek_at(const struct rdt_kek_place *place, uint8_t out[static RDT_KEK_AT_LEN])
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(place->handle >> (24 - 8 * i));
    out[4] = (uint8_t)(place->epoch >> 8);
    out[5] = (uint8_t)place->epoch;
}

void
rdt_kek_info(const struct rdt_kek_place *place, uint8_t out[static RDT_KEK_INFO_LEN])
{
    memcpy(out, LABEL, sizeof LABEL);
    out += sizeof LABEL;
    memcpy(out, place->key, UUID_LEN);
    memcpy(out + UUID_LEN, place->tenant, UUID_LEN);
    rdt_kek_at(place, out + 2 * UUID_LEN);
}
