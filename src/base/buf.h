/*
 * buf.h - bytes that grow. Out of memory is remembered, as is a buffer that grows beyond its limit:
 * append freely, then ask
 * rdt_buf_ok() once before using the result. {0} is an empty buffer.
 */
#ifndef RDT_BASE_BUF_H
#define RDT_BASE_BUF_H

#include "base/compiler.h"
#include "base/span.h"

#define RDT_BUF_MAX ((size_t)1024 * 1024 * 1024) /* bytes of one buffer */

struct rdt_buf {
    uint8_t *p; /* owned; not NUL-terminated */
    size_t n, cap;
    bool failed;
    bool full; /* failed, since it would have passed RDT_BUF_MAX */
};

/* rdt_buf_grow_add - rdt_buf_add() where there is no room yet, or nothing to append. */
void rdt_buf_grow_add(struct rdt_buf *buf, const void *bytes, size_t n);

/* rdt_buf_add - append n bytes.  Here, since most appends are of a few bytes and find room. */
static inline void
rdt_buf_add(struct rdt_buf *buf, const void *bytes, size_t n)
{
    if (n == 0 || n > buf->cap - buf->n || buf->failed) {
        rdt_buf_grow_add(buf, bytes, n);
        return;
    }
    memcpy(buf->p + buf->n, bytes, n);
    buf->n += n;
}

/* rdt_buf_str - append a NUL-terminated string without its NUL. */
static inline void
rdt_buf_str(struct rdt_buf *buf, const char *s)
{
    rdt_buf_add(buf, s, strlen(s));
}

/* rdt_buf_fmt - append formatted text. */
void rdt_buf_fmt(struct rdt_buf *buf, const char *fmt, ...) RDT_PRINTF(2, 3);

/* rdt_buf_span - the bytes so far, borrowed until the next change. */
static inline struct rdt_span
rdt_buf_span(const struct rdt_buf *buf)
{
    return (struct rdt_span){buf->p, buf->n};
}

/* rdt_buf_ok - whether every append found memory. */
RDT_MUST_CHECK static inline bool
rdt_buf_ok(const struct rdt_buf *buf)
{
    return !buf->failed;
}

/* rdt_buf_uint - append a number, big-endian, in n bytes (1 to 8), as formats have it; higher bytes
 * of it are cut off. */
void rdt_buf_uint(struct rdt_buf *buf, uint64_t v, size_t n);

/* rdt_buf_cstr - the bytes as a NUL-terminated string, borrowed; NULL when out of memory. */
const char *rdt_buf_cstr(struct rdt_buf *buf);

/* rdt_buf_done - free the bytes and leave {0}.  Also the closer for RDT_AUTO. */
void rdt_buf_done(struct rdt_buf *buf);

#define RDT_BUF RDT_AUTO(rdt_buf_done) struct rdt_buf

#endif
