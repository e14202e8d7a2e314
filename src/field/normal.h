/*
 * normal.h - normalisers: one way to write a value, so that a search finds it however it was typed.
 * A normaliser is part of its index's definition, and so is its version: another one makes other
 * tokens.
 *
 * Rules: docs/formats/searchable.md. Values are untrusted; what is none of the rule's kind is
 * refused, and so are characters that the Unicode tables at hand do not know: tables that know them
 * might write them otherwise. No call allocates.
 */
#ifndef RDT_FIELD_NORMAL_H
#define RDT_FIELD_NORMAL_H

#include "field/rf1.h"

#define RDT_NORMAL_TEXT_MAX                                                                        \
    ((size_t)1024)                           /* bytes of a value as it was typed, but for raw ones \
                                              */
#define RDT_NORMAL_OUT_MAX ((size_t)4096)    /* bytes of a normalised value, but for raw ones */
#define RDT_NORMAL_POINTS_MAX ((size_t)2048) /* code points of a value while it is normalised */
#define RDT_NORMAL_DIGITS_MAX ((size_t)64)   /* digits of an identifier */
#define RDT_NORMAL_PARTS_MAX ((size_t)8)     /* values of a compound one */

enum rdt_normal_rule {
    RDT_NORMAL_RAW = 1, /* as it is */
    RDT_NORMAL_EMAIL = 2,
    RDT_NORMAL_PHONE = 3,
    RDT_NORMAL_DIGITS = 4,
    RDT_NORMAL_NAME = 5,
    RDT_NORMAL_DATE = 6,
};

/* What becomes of an e-mail address's local part. */
enum rdt_normal_local {
    RDT_NORMAL_LOCAL_FOLD = 1, /* upper and lower case are the same: nearly every provider */
    RDT_NORMAL_LOCAL_KEEP = 2, /* not the same */
    RDT_NORMAL_LOCAL_TAG = 3,  /* folded, and what follows the first + is left out */
};

/* How a date is typed that is not in ISO's order. */
enum rdt_normal_order {
    RDT_NORMAL_ORDER_ISO = 1, /* 3/4/2020 is refused, 13/4/2020 is not: it can only be one */
    RDT_NORMAL_ORDER_DMY = 2,
    RDT_NORMAL_ORDER_MDY = 3,
};

/* What a rule does not use is 0. */
struct rdt_normal {
    uint8_t rule;     /* enum rdt_normal_rule */
    uint8_t version;  /* 1 */
    uint8_t local;    /* e-mail: enum rdt_normal_local */
    uint8_t order;    /* date: enum rdt_normal_order */
    uint16_t country; /* phone: calling code of numbers typed without one; 0: they are refused */
    uint8_t trunk; /* phone: '0' to '9', left out before a number typed without a code; 0: none */
};

/* rdt_normal_check - whether a normaliser is one of this version. */
bool rdt_normal_check(const struct rdt_normal *normal);

/* rdt_normal_len - bytes of room that the normalised value of n bytes may need. */
size_t rdt_normal_len(const struct rdt_normal *normal, size_t n);

/*
 * rdt_normal_put - write a value as its normaliser has it.
 *
 *   out   rdt_normal_len() bytes of room always do; apart from value
 *
 * Fails, leaving zeroes in out: RDT_FIELD_INDEX (no such normaliser), RDT_FIELD_TEXT (not UTF-8, or
 * characters that are not for such a value), RDT_FIELD_FORM (no e-mail address, phone number...),
 * RDT_FIELD_UNCLEAR (it could be two), RDT_FIELD_TOO_LONG, RDT_FIELD_NO_ROOM.
 */
enum rdt_field_fault rdt_normal_put(const struct rdt_normal *normal, struct rdt_span value,
                                    struct rdt_rf1_out *out);

/*
 * rdt_normal_join - one value of several, each normalised: for an index over a small domain
 * together with something else. Its index has the rule raw; what it is made of is in its name.
 *
 *   parts   2 to RDT_NORMAL_PARTS_MAX
 *   out     4 bytes for each part, and its own
 *
 * Fails: RDT_FIELD_INDEX (another number of parts), RDT_FIELD_TOO_LONG, RDT_FIELD_NO_ROOM.
 */
enum rdt_field_fault rdt_normal_join(const struct rdt_span *parts, size_t n,
                                     struct rdt_rf1_out *out);

#endif
