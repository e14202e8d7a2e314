#include "report/markup_internal.h"

#include "base/text.h"

#define REPLACEMENT "\xEF\xBF\xBD"

static const char *
entity(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        if (c == '\t' || c == '\n' || c == '\r')
            return NULL;
        return c < 0x20 || c == 0x7f ? REPLACEMENT : NULL;
    }
}

/* U+FFFE and U+FFFF are no XML characters. */
static bool
is_noncharacter(struct rdt_span text)
{
    return text.n >= 3 && text.p[0] == 0xEF && text.p[1] == 0xBF && text.p[2] >= 0xBE;
}

void
rdt_markup_span(struct rdt_buf *out, struct rdt_span text)
{
    size_t i = 0, from = 0;
    while (i < text.n) {
        uint8_t c = text.p[i];
        struct rdt_span rest = {text.p + i, text.n - i};
        const char *instead = c < 0x80 ? entity(c) : NULL;
        bool fit = true; /* what turns the order round would do so to the whole line of a page */
        size_t n = c < 0x80 ? 1 : rdt_text_step(rest, &fit);
        if (!fit || is_noncharacter(rest))
            instead = REPLACEMENT;
        if (instead != NULL) {
            rdt_buf_add(out, text.p + from, i - from);
            rdt_buf_str(out, instead);
            from = i + n;
        }
        i += n;
    }
    if (from < text.n)
        rdt_buf_add(out, text.p + from, text.n - from);
}

void
rdt_markup_text(struct rdt_buf *out, const char *text)
{
    if (text != NULL)
        rdt_markup_span(out, rdt_span_str(text));
}
