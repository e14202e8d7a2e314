/*
 * jtok.h - a small strict JSON reader for the request path: tokens over the request's own bytes, no
 * allocation. Tested against jansson on the same corpus; everything else uses codec/json.h.
 *
 * Source: RFC 8259; refused besides: duplicate names, NUL (also as an escape), lone surrogates, bad
 * UTF-8, a document that is neither array nor object, and what passes a limit below.
 *
 * It accepts what codec/json.h accepts, with the same values, but for three things: arrays and
 * objects lie in each other 8 deep, not 2048; a document has 2048 values and names; and a number
 * stays text, so that one of any size is read here (and then does not fit where it is used) while
 * jansson refuses integers beyond 64 bits and what a double cannot hold.
 */
#ifndef RDT_CODEC_JTOK_H
#define RDT_CODEC_JTOK_H

#include "base/span.h"

#include <stdbool.h>

#define RDT_JTOK_MAX 2048    /* values and names of one request */
#define RDT_JTOK_DEPTH_MAX 8 /* arrays and objects in each other */

enum rdt_jtype {
    RDT_J_NULL,
    RDT_J_TRUE,
    RDT_J_FALSE,
    RDT_J_NUMBER,
    RDT_J_STRING,
    RDT_J_ARRAY,
    RDT_J_OBJECT
};

struct rdt_jtok {
    enum rdt_jtype type;
    uint32_t start, n; /* bytes of a string (unescaped) or number, in the document */
    uint32_t count;    /* members of an object, items of an array */
    uint32_t next;     /* index of the token after this value and all in it */
};

/* 40 KiB: one is kept per worker and used again, not put on a stack, and never zeroed. */
struct rdt_jdoc {
    const uint8_t *text; /* borrowed */
    struct rdt_jtok tok[RDT_JTOK_MAX];
    uint32_t n;
};

/*
 * rdt_jscan - read one document; strings are unescaped in place, so text changes.
 *
 *   text   n bytes, borrowed by out
 *   out    token 0 is the document; a name is the token right before its value
 *
 * False when it is not JSON or passes a limit; then out has no tokens, so that every look-up
 * finds nothing.  Time is at most n log n whatever the names are.
 */
bool rdt_jscan(uint8_t *text, size_t n, struct rdt_jdoc *out);

/* rdt_jget - index of an object's member, or 0 when it is absent, null, or obj is no object. */
uint32_t rdt_jget(const struct rdt_jdoc *doc, uint32_t obj, const char *name);

/* rdt_jspan - the bytes of a string or number; empty for other types, so for token 0. */
struct rdt_span rdt_jspan(const struct rdt_jdoc *doc, uint32_t tok);

/* rdt_jint - an integer without fraction or exponent that fits; false otherwise. */
bool rdt_jint(const struct rdt_jdoc *doc, uint32_t tok, int64_t *out);

#endif
