#include "kms/context.h"

#include "base/text.h"

bool
rdt_context_add(struct rdt_context *context, struct rdt_span key, struct rdt_span value)
{
    if (context->n >= RDT_CONTEXT_PAIRS_MAX)
        return false;
    context->keys[context->n] = key;
    context->values[context->n++] = value;
    return true;
}

/* By insertion: the pairs are few, and mostly in order already. */
static void
sort(struct rdt_context *context)
{
    for (size_t i = 1; i < context->n; i++) {
        struct rdt_span key = context->keys[i], value = context->values[i];
        size_t at = i;
        for (; at > 0 && rdt_span_cmp(key, context->keys[at - 1]) < 0; at--) {
            context->keys[at] = context->keys[at - 1];
            context->values[at] = context->values[at - 1];
        }
        context->keys[at] = key;
        context->values[at] = value;
    }
}

static bool
put_u32(struct rdt_context *context, size_t v)
{
    if (RDT_CONTEXT_MAX - context->bytes_n < 4)
        return false;
    for (unsigned shift = 32; shift > 0; shift -= 8)
        context->bytes[context->bytes_n++] = (uint8_t)(v >> (shift - 8));
    return true;
}

static bool
put_text(struct rdt_context *context, struct rdt_span text)
{
    if (text.n > RDT_CONTEXT_MAX || !put_u32(context, text.n) ||
        RDT_CONTEXT_MAX - context->bytes_n < text.n)
        return false;
    if (text.n != 0)
        memcpy(context->bytes + context->bytes_n, text.p, text.n);
    context->bytes_n += text.n;
    return true;
}

enum rdt_code
rdt_context_finish(struct rdt_context *context)
{
    context->bytes_n = 0;
    sort(context);
    for (size_t i = 0; i < context->n; i++) {
        if (context->keys[i].n == 0 || !rdt_text_utf8(context->keys[i]) ||
            !rdt_text_utf8(context->values[i]) ||
            (i > 0 && rdt_span_eq(context->keys[i], context->keys[i - 1])))
            return RDT_E_BADINPUT;
    }
    bool fits = put_u32(context, context->n);
    for (size_t i = 0; fits && i < context->n; i++)
        fits = put_text(context, context->keys[i]) && put_text(context, context->values[i]);
    if (!fits)
        context->bytes_n = 0;
    return fits ? RDT_OK : RDT_E_LIMIT;
}
