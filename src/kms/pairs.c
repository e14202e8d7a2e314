#include "kms/model.h"

#include "base/cursor.h"

static bool
take_text(struct rdt_span *in, struct rdt_span *out)
{
    uint16_t n;
    return rdt_take_u16(in, &n) && rdt_take(in, n, out);
}

bool
rdt_pairs_next(struct rdt_span *in, struct rdt_pair *out)
{
    struct rdt_span rest = *in;
    struct rdt_pair pair;
    if (!take_text(&rest, &pair.name) || !take_text(&rest, &pair.value))
        return false;
    *in = rest;
    *out = pair;
    return true;
}

bool
rdt_pairs_find(struct rdt_span pairs, struct rdt_span name, struct rdt_span *value)
{
    struct rdt_pair pair;
    while (rdt_pairs_next(&pairs, &pair))
        if (rdt_span_eq(pair.name, name)) {
            *value = pair.value;
            return true;
        }
    return false;
}

static void
put_text(struct rdt_buf *out, struct rdt_span text)
{
    const uint8_t n[] = {(uint8_t)(text.n >> 8), (uint8_t)text.n};
    rdt_buf_add(out, n, sizeof n);
    rdt_buf_add(out, text.p, text.n);
}

void
rdt_pairs_add(struct rdt_buf *out, struct rdt_span name, struct rdt_span value)
{
    if (name.n > UINT16_MAX || value.n > UINT16_MAX) {
        out->failed = out->full = true; /* half a pair would make all behind it unreadable */
        return;
    }
    put_text(out, name);
    put_text(out, value);
}
