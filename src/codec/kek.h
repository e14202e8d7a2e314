/*
 * kek.h - what a tenant's key belongs to, as the bytes that its export is sealed with. The service
 * and its clients write them by the same function.
 *
 * Format: docs/formats/tenant-kek.md.
 */
#ifndef RDT_CODEC_KEK_H
#define RDT_CODEC_KEK_H

#include <stddef.h>
#include <stdint.h>

#define RDT_EPOCH_MAX 65535           /* highest epoch: field values have two bytes for it */
#define RDT_KEK_AT_LEN ((size_t)6)    /* bytes of handle and epoch */
#define RDT_KEK_INFO_LEN ((size_t)60) /* bytes of what an exported KEK is bound to */

/* What a KEK belongs to. */
struct rdt_kek_place {
    const uint8_t *key;    /* UUID of the ring, 16 bytes */
    const uint8_t *tenant; /* UUID, 16 bytes */
    uint32_t handle;
    uint16_t epoch;
};

/* rdt_kek_at - u32 handle | u16 epoch, as in the head of a field value. */
void rdt_kek_at(const struct rdt_kek_place *place, uint8_t out[static RDT_KEK_AT_LEN]);

/* rdt_kek_info - the info under which an export is sealed: label 00 | key | tenant | handle |
 * epoch. */
void rdt_kek_info(const struct rdt_kek_place *place, uint8_t out[static RDT_KEK_INFO_LEN]);

#endif
