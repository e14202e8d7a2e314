/*
 * cursor.h - the only way to read untrusted bytes. Each take moves the span forward and returns
 * true, or changes nothing and returns false. Numbers are big-endian (network order).
 */
#ifndef RDT_BASE_CURSOR_H
#define RDT_BASE_CURSOR_H

#include "base/span.h"

/* rdt_take - the next n bytes, borrowed from the input. */
static inline bool
rdt_take(struct rdt_span *in, size_t n, struct rdt_span *out)
{
    if (in->n < n)
        return false;
    *out = (struct rdt_span){in->p, n};
    in->p += n;
    in->n -= n;
    return true;
}

/* rdt_take_uint - a big-endian number of n bytes (1 to 8). */
static inline bool
rdt_take_uint(struct rdt_span *in, size_t n, uint64_t *out)
{
    struct rdt_span raw;
    if (n == 0 || n > 8 || !rdt_take(in, n, &raw))
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | raw.p[i];
    *out = v;
    return true;
}

/* rdt_take_u8 - one byte. */
static inline bool
rdt_take_u8(struct rdt_span *in, uint8_t *out)
{
    uint64_t v;
    bool ok = rdt_take_uint(in, 1, &v);
    if (ok)
        *out = (uint8_t)v;
    return ok;
}

/* rdt_take_u16 - two bytes. */
static inline bool
rdt_take_u16(struct rdt_span *in, uint16_t *out)
{
    uint64_t v;
    bool ok = rdt_take_uint(in, 2, &v);
    if (ok)
        *out = (uint16_t)v;
    return ok;
}

/* rdt_take_u32 - four bytes. */
static inline bool
rdt_take_u32(struct rdt_span *in, uint32_t *out)
{
    uint64_t v;
    bool ok = rdt_take_uint(in, 4, &v);
    if (ok)
        *out = (uint32_t)v;
    return ok;
}

/* rdt_take_until - the bytes before the next stop byte; the stop byte is consumed, not returned. */
static inline bool
rdt_take_until(struct rdt_span *in, uint8_t stop, struct rdt_span *out)
{
    const uint8_t *end = in->n == 0 ? NULL : memchr(in->p, stop, in->n);
    if (end == NULL)
        return false;
    *out = (struct rdt_span){in->p, (size_t)(end - in->p)};
    in->n -= out->n + 1;
    in->p = end + 1;
    return true;
}

/* rdt_take_line - the bytes before the next newline, or the rest; false at the end of input. */
static inline bool
rdt_take_line(struct rdt_span *in, struct rdt_span *out)
{
    return rdt_take_until(in, '\n', out) || (in->n != 0 && rdt_take(in, in->n, out));
}

#endif
