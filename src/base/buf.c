#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_CAP 256

static bool
reserve(struct rdt_buf *buf, size_t more)
{
    if (buf->failed || more > RDT_BUF_MAX - buf->n) {
        buf->full = buf->full || !buf->failed;
        buf->failed = true;
        return false;
    }
    if (buf->n + more <= buf->cap)
        return true;
    size_t cap = buf->cap == 0 ? BUF_FIRST_CAP : buf->cap;
    while (cap < buf->n + more)
        cap *= 2;
    uint8_t *p = realloc(buf->p, cap);
    if (p == NULL) {
        buf->failed = true;
        return false;
    }
    buf->p = p;
    buf->cap = cap;
    return true;
}

void
rdt_buf_grow_add(struct rdt_buf *buf, const void *bytes, size_t n)
{
    if (n == 0 || !reserve(buf, n))
        return;
    memcpy(buf->p + buf->n, bytes, n);
    buf->n += n;
}

void
rdt_buf_fmt(struct rdt_buf *buf, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        buf->failed = true;
    else if (reserve(buf, (size_t)n + 1)) {
        vsnprintf((char *)buf->p + buf->n, (size_t)n + 1, fmt, again);
        buf->n += (size_t)n;
    }
    va_end(again);
}

void
rdt_buf_uint(struct rdt_buf *buf, uint64_t v, size_t n)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n && i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    rdt_buf_add(buf, bytes, n);
}

const char *
rdt_buf_cstr(struct rdt_buf *buf)
{
    if (!reserve(buf, 1))
        return NULL;
    buf->p[buf->n] = '\0';
    return (const char *)buf->p;
}

void
rdt_buf_done(struct rdt_buf *buf)
{
    free(buf->p);
    *buf = (struct rdt_buf){0};
}
