/*
 * span.h - borrowed bytes. A span never owns, is never written or freed through, and must not
 * outlive what it points into.
 */
#ifndef RDT_BASE_SPAN_H
#define RDT_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rdt_span {
    const uint8_t *p;
    size_t n;
};

/* For printf("%.*s"): a span of text known to be shorter than 2 GiB. */
#define RDT_FMT(span) (int)(span).n, (const char *)(span).p

/* rdt_span_str - the bytes of a NUL-terminated string, without its NUL. */
static inline struct rdt_span
rdt_span_str(const char *s)
{
    return (struct rdt_span){(const uint8_t *)s, strlen(s)};
}

/* rdt_span_eq - whether both are the same bytes.  Not constant-time. */
static inline bool
rdt_span_eq(struct rdt_span a, struct rdt_span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* rdt_span_is - whether the bytes are exactly those of the string.  Not constant-time. */
static inline bool
rdt_span_is(struct rdt_span a, const char *s)
{
    if (a.n != 0 && a.p[0] != (uint8_t)s[0])
        return false; /* most answers, without a look at the rest */
    return rdt_span_eq(a, rdt_span_str(s));
}

/* rdt_span_cmp - order by bytes, a prefix first: less than, equal to or greater than 0. */
static inline int
rdt_span_cmp(struct rdt_span a, struct rdt_span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

#endif
