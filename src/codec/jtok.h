/*
 * jtok.h - a small strict JSON reader for the request path: tokens over the request's own bytes, no
 * allocation. Tested against jansson on the same corpus; everything else uses codec/json.h.
 *
 * Source: RFC 8259; refused besides: duplicate names, NUL (also as an escape), lone surrogates, bad
 * UTF-8, depth over the limit.
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

struct rdt_jdoc {
    const uint8_t *text; /* borrowed */
    struct rdt_jtok tok[RDT_JTOK_MAX];
    uint32_t n;
};

/*
 * rdt_jscan - read one document; strings are unescaped in place, so text changes.
 * Token 0 is the document.  False when it is not JSON or passes a limit; nothing is usable then.
 */
bool rdt_jscan(uint8_t *text, size_t n, struct rdt_jdoc *out);

/* rdt_jget - index of an object's member, or 0 when it is absent, null, or obj is no object. */
uint32_t rdt_jget(const struct rdt_jdoc *doc, uint32_t obj, const char *name);

/* rdt_jspan - the bytes of a string or number; empty for other types. */
struct rdt_span rdt_jspan(const struct rdt_jdoc *doc, uint32_t tok);

/* rdt_jint - an integer without fraction or exponent that fits; false otherwise. */
bool rdt_jint(const struct rdt_jdoc *doc, uint32_t tok, int64_t *out);

#endif
