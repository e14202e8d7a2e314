/*
 * record.h - objects to bytes and back, by a table of fields. Rows of the store, audit records and
 * what approvers sign are all written this way, so a field has one place.
 *
 * Bytes: for each field that is not zero or empty, in ascending order of numbers,
 * u8 number | u24 length | value; numbers big-endian without leading zero bytes.
 * Format: docs/formats/record.md.
 */
#ifndef RDT_KMS_RECORD_H
#define RDT_KMS_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct rdt_bytes { /* owned bytes of an object */
    uint8_t *p;
    size_t n;
};

enum rdt_member_type {
    RDT_M_U8, /* uint8_t, enums and truth values of records */
    RDT_M_U32,
    RDT_M_U64,
    RDT_M_I64,  /* zigzag */
    RDT_M_B16,  /* uint8_t[16] */
    RDT_M_B32,  /* uint8_t[32] */
    RDT_M_TEXT, /* char *, owned, NUL-terminated UTF-8 without NUL; NULL is empty */
    RDT_M_BYTES /* struct rdt_bytes, owned */
};

struct rdt_record_member {
    uint8_t number; /* 1..255, never used again for something else */
    enum rdt_member_type type;
    size_t at;        /* offsetof in the object */
    const char *name; /* for exports and messages */
};

struct rdt_record {
    const char *name; /* "key", "principal" */
    size_t size;      /* of the object */
    const struct rdt_record_member *members;
    size_t n_members; /* ascending by number */
};

#define RDT_M(number, type, object, field)                                                         \
    {                                                                                              \
        number, type, offsetof(struct object, field), #field                                       \
    }

/* rdt_record_put - append the object's bytes. */
void rdt_record_put(const struct rdt_record *record, const void *object, struct rdt_buf *out);

/*
 * rdt_record_get - read an object.
 *
 *   object   record->size zero bytes; caller frees with rdt_record_done(), also after a failure
 *
 * Fails: RDT_E_BADINPUT (order, an unknown number, a length, text that is no UTF-8, bytes left
 * over, a number with leading zeroes or too large), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_record_get(const struct rdt_record *record, struct rdt_span bytes,
                                            void *object, struct rdt_err *err);

/* rdt_record_copy - a deep copy into record->size bytes.  Fails, leaving zeroes: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_record_copy(const struct rdt_record *record, const void *from,
                                             void *to);

/* rdt_record_done - free what an object owns and leave zeroes. */
void rdt_record_done(const struct rdt_record *record, void *object);

/*
 * rdt_text_set, rdt_bytes_set - replace an owned member by a copy, which may be of a part of it;
 * false, with nothing changed, when out of memory or when a text is no UTF-8 without NUL.
 */
bool rdt_text_set(char **member, struct rdt_span text);
bool rdt_bytes_set(struct rdt_bytes *member, struct rdt_span bytes);

/* rdt_bytes_span - borrowed. */
static inline struct rdt_span
rdt_bytes_span(const struct rdt_bytes *bytes)
{
    return (struct rdt_span){bytes->p, bytes->n};
}

#endif
