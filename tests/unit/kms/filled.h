/* filled.h - an object of any kind with something in each member, for tests that walk over all. */
#ifndef RDT_TEST_KMS_FILLED_H
#define RDT_TEST_KMS_FILLED_H

#include "kms/model.h"

#include <stdlib.h>

/* Room for an object of any kind; zeroes. */
static inline void *
new_object(enum rdt_kind kind)
{
    return calloc(1, rdt_kind_record(kind)->size);
}

static inline void
fill_member(const struct rdt_record_member *m, unsigned seed, void *object)
{
    static const char *const texts[] = {"a", "alias/\xc3\xa4 b", "{\"Version\":\"2012-10-17\"}"};
    void *at = (uint8_t *)object + m->at;
    uint8_t bytes[32];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(seed * 7 + m->number + i);
    switch (m->type) {
    case RDT_M_U8:
        *(uint8_t *)at = (uint8_t)(1 + seed % 255);
        break;
    case RDT_M_U32:
        *(uint32_t *)at = seed % 2 != 0 ? UINT32_MAX - m->number : seed + 1;
        break;
    case RDT_M_U64:
        *(uint64_t *)at = seed % 2 != 0 ? UINT64_MAX - m->number : seed + 1;
        break;
    case RDT_M_I64:
        *(int64_t *)at = seed % 2 != 0 ? INT64_MIN + m->number : INT64_C(1796083200000) + seed;
        break;
    case RDT_M_B16:
    case RDT_M_B32:
        memcpy(at, bytes, m->type == RDT_M_B16 ? 16 : 32);
        break;
    case RDT_M_TEXT:
        if (!rdt_text_set(at, rdt_span_str(texts[(seed + m->number) % 3])))
            abort();
        break;
    case RDT_M_BYTES:
        if (!rdt_bytes_set(at, (struct rdt_span){bytes, 1 + (seed + m->number) % 32}))
            abort();
        break;
    }
}

static inline void
fill(enum rdt_kind kind, unsigned seed, void *object)
{
    const struct rdt_record *record = rdt_kind_record(kind);
    for (size_t i = 0; i < record->n_members; i++)
        fill_member(&record->members[i], seed, object);
}

#endif
