#include "kms/call_internal.h"

#include "base/cursor.h"
#include "codec/base64.h"

#define MARKER_MAC                                                                                 \
    ((size_t)16) /* bytes kept of the HMAC: forging one marker gains nothing lasting */
#define MARKER_BYTES (MARKER_MAC + RDT_STORE_ID_MAX)

/* A marker is bound to the operation and the caller, so that it tells nobody else an id. */
static enum rdt_code
marker_mac(const struct rdt_call *call, struct rdt_span id, uint8_t out[static RDT_SHA256_LEN])
{
    struct rdt_span parts[] = {
        rdt_span_str("redoubt marker v1"),
        {(const uint8_t *)call->op->name, strlen(call->op->name) + 1},
        {call->request->caller.principal, 16                        },
        id,
    };
    return rdt_hmac(call->thread->worker, &call->kms->cursor, parts, 4, out);
}

static enum rdt_fault
bad_marker(struct rdt_call *call)
{
    return rdt_call_fail(call, RDT_FAULT_INVALID_MARKER, "the marker is not one of this list");
}

enum rdt_fault
rdt_page_begin(struct rdt_call *call, int64_t normal, int64_t most, struct page *out)
{
    out->limit = rdt_in_int(call, "Limit", normal);
    out->after_n = 0;
    if (out->limit > most)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "1 validation error detected: Value '%d' at 'limit' failed to satisfy "
                             "constraint: Member must have value less than or equal to %d",
                             (int)out->limit, (int)most);
    struct rdt_span text = rdt_in_text(call, "Marker");
    if (text.n == 0)
        return RDT_FAULT_NONE;
    uint8_t bytes[MARKER_BYTES * 2], mac[RDT_SHA256_LEN];
    size_t n;
    struct rdt_span in, given;
    if (text.n > MARKER_BYTES * 4 / 3 + 4 || !rdt_base64url_get(text, bytes, &n))
        return bad_marker(call);
    in = (struct rdt_span){bytes, n};
    if (!rdt_take(&in, MARKER_MAC, &given) || in.n == 0 || in.n > RDT_STORE_ID_MAX)
        return bad_marker(call);
    if (marker_mac(call, in, mac) != RDT_OK || !rdt_same(given, (struct rdt_span){mac, MARKER_MAC}))
        return bad_marker(call);
    memcpy(out->after, in.p, in.n);
    out->after_n = in.n;
    return RDT_FAULT_NONE;
}

void
rdt_page_end(struct rdt_call *call, struct rdt_span last, bool more)
{
    uint8_t mac[RDT_SHA256_LEN];
    struct rdt_buf *out = call->request->out;
    if (more && marker_mac(call, last, mac) == RDT_OK) {
        uint8_t bytes[MARKER_BYTES];
        memcpy(bytes, mac, MARKER_MAC);
        memcpy(bytes + MARKER_MAC, last.p, last.n);
        rdt_buf_str(out, ",\"NextMarker\":\"");
        rdt_base64url_add(out, (struct rdt_span){bytes, MARKER_MAC + last.n});
        rdt_buf_str(out, "\"");
    }
    rdt_jout_bool(out, "Truncated", more);
}

enum rdt_fault
rdt_page_rows(struct rdt_call *call, const char *name, enum rdt_kind kind, int64_t normal,
              int64_t most, void (*put)(struct rdt_call *call, const void *row))
{
    struct rdt_buf *out = call->request->out;
    struct page page;
    enum rdt_fault fault = rdt_page_begin(call, normal, most, &page);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_span id = {page.after, page.after_n}, last = {0};
    const void *row = rdt_view_next(call->view, kind, id, &id);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_open(out, name, '[');
    for (int64_t i = 0; i < page.limit && row != NULL; i++) {
        put(call, row);
        last = id;
        row = rdt_view_next(call->view, kind, id, &id);
    }
    rdt_jout_close(out, ']');
    rdt_page_end(call, last, row != NULL);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}
