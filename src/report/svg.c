/*
 * svg.c - an allow-list filter for SVG that will stand inside an HTML page. What is not named here
 * does not get out; text and attribute values are decoded and escaped anew, never copied. `dot`
 * draws names that come from a plan, so its answer is untrusted.
 *
 * Source: XML 1.0 (Fifth Edition), without internal subsets, CDATA and user-defined entities.
 */
#include "base/cursor.h"
#include "report/markup_internal.h"
#include "report/report.h"

#include <strings.h>

#define DEPTH_MAX 64
#define ATTRIBUTES_MAX 64 /* of one element */
#define SVG_NAMESPACE "http://www.w3.org/2000/svg"

enum fate { KEEP, UNWRAP, DROP };

struct svg {
    struct rdt_span in;
    struct rdt_buf *out;
    struct {
        struct rdt_span name;
        enum fate fate;
    } open[DEPTH_MAX];
    unsigned depth;
    unsigned dropped; /* open elements that are left out with all they hold */
    bool root;        /* the root was seen */
    const char *why;  /* what is wrong with it */
};

static const char *const elements[] = {"svg",     "g",        "title",   "desc",   "path",
                                       "polygon", "polyline", "ellipse", "circle", "rect",
                                       "line",    "text",     "tspan"};

static const char *const attributes[] = {"width",
                                         "height",
                                         "viewBox",
                                         "preserveAspectRatio",
                                         "id",
                                         "class",
                                         "transform",
                                         "fill",
                                         "fill-opacity",
                                         "stroke",
                                         "stroke-width",
                                         "stroke-dasharray",
                                         "stroke-linecap",
                                         "stroke-linejoin",
                                         "stroke-opacity",
                                         "opacity",
                                         "points",
                                         "d",
                                         "cx",
                                         "cy",
                                         "r",
                                         "rx",
                                         "ry",
                                         "x",
                                         "y",
                                         "x1",
                                         "y1",
                                         "x2",
                                         "y2",
                                         "dx",
                                         "dy",
                                         "text-anchor",
                                         "font-family",
                                         "font-size",
                                         "font-weight",
                                         "font-style",
                                         "text-decoration",
                                         "role",
                                         "aria-label"};

static bool
listed(struct rdt_span name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rdt_span_is(name, names[i]))
            return true;
    }
    return false;
}

static bool
wrong(struct svg *svg, const char *why)
{
    if (svg->why == NULL)
        svg->why = why;
    return false;
}

static bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(struct rdt_span *in)
{
    while (in->n > 0 && is_space(in->p[0])) {
        in->p++;
        in->n--;
    }
}

static bool
starts(struct rdt_span in, const char *with)
{
    size_t n = strlen(with);
    return in.n >= n && rdt_span_is((struct rdt_span){in.p, n}, with);
}

static bool
take_name(struct rdt_span *in, struct rdt_span *name)
{
    size_t n = 0;
    for (; n < in->n; n++) {
        uint8_t c = in->p[n];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
        if (!letter && (n == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '.')))
            break;
    }
    return n != 0 && rdt_take(in, n, name);
}

/* Moves past the first occurrence of a mark. */
static bool
skip_past(struct svg *svg, const char *mark, const char *why)
{
    size_t n = strlen(mark);
    const uint8_t *found = memmem(svg->in.p, svg->in.n, mark, n);
    if (found == NULL)
        return wrong(svg, why);
    svg->in.n -= (size_t)(found - svg->in.p) + n;
    svg->in.p = found + n;
    return true;
}

static void
add_code_point(struct rdt_buf *out, uint32_t c)
{
    uint8_t b[4];
    size_t n = 0;
    if (c < 0x80) {
        b[n++] = (uint8_t)c;
    } else if (c < 0x800) {
        b[n++] = (uint8_t)(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        b[n++] = (uint8_t)(0xE0 | c >> 12);
        b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    } else {
        b[n++] = (uint8_t)(0xF0 | c >> 18);
        b[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
        b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    }
    if (c >= 0x80)
        b[n++] = (uint8_t)(0x80 | (c & 0x3F));
    rdt_buf_add(out, b, n);
}

static bool
decode_number(struct rdt_span digits, uint32_t *out)
{
    int base = 10;
    uint32_t value = 0;
    if (digits.n > 1 && digits.p[0] == 'x') {
        base = 16;
        digits.p++;
        digits.n--;
    }
    if (digits.n == 0 || digits.n > 7)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        uint8_t c = digits.p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : 99;
        if (digit >= base)
            return false;
        value = value * (uint32_t)base + (uint32_t)digit;
    }
    *out = value;
    return value != 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
}

static bool
decode_entity(struct rdt_span *in, struct rdt_buf *out)
{
    static const struct {
        const char *name, *text;
    } known[] = {
        {"amp",  "&" },
        {"lt",   "<" },
        {"gt",   ">" },
        {"quot", "\""},
        {"apos", "'" },
    };
    struct rdt_span name;
    uint32_t code = 0;
    if (!rdt_take_until(in, ';', &name) || name.n == 0)
        return false;
    for (size_t i = 0; i < RDT_COUNT(known); i++) {
        if (rdt_span_is(name, known[i].name)) {
            rdt_buf_str(out, known[i].text);
            return true;
        }
    }
    if (name.p[0] != '#' || !decode_number((struct rdt_span){name.p + 1, name.n - 1}, &code))
        return false;
    add_code_point(out, code);
    return true;
}

static bool
decode(struct svg *svg, struct rdt_span in, struct rdt_buf *out)
{
    struct rdt_span plain;
    while (in.n > 0) {
        if (in.p[0] == '&') {
            in.p++;
            in.n--;
            if (!decode_entity(&in, out))
                return wrong(svg, "an entity that is not built in");
            continue;
        }
        size_t n = 1;
        while (n < in.n && in.p[n] != '&')
            n++;
        if (rdt_take(&in, n, &plain))
            rdt_buf_add(out, plain.p, plain.n);
    }
    return true;
}

static bool
harmless(struct rdt_span value)
{
    static const char *const bad[] = {"url(", "script:", "data:", "expression("};
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\\')
            return false; /* a CSS escape would hide the words below */
        for (size_t b = 0; b < RDT_COUNT(bad); b++) {
            size_t n = strlen(bad[b]);
            if (value.n - i >= n && strncasecmp((const char *)value.p + i, bad[b], n) == 0)
                return false;
        }
    }
    return true;
}

static bool
write_attribute(struct svg *svg, struct rdt_span name, struct rdt_span raw, bool write)
{
    RDT_BUF value = {0};
    if (!decode(svg, raw, &value))
        return false;
    bool keep = listed(name, attributes, RDT_COUNT(attributes)) ||
                (rdt_span_is(name, "xmlns") && rdt_span_is(rdt_buf_span(&value), SVG_NAMESPACE));
    if (value.failed)
        svg->out->failed = true;
    if (!write || !keep || !harmless(rdt_buf_span(&value)))
        return true;
    rdt_buf_fmt(svg->out, " %.*s=\"", RDT_FMT(name));
    rdt_markup_span(svg->out, rdt_buf_span(&value));
    rdt_buf_add(svg->out, "\"", 1);
    return true;
}

static bool
take_attributes(struct svg *svg, bool write)
{
    for (unsigned i = 0; i < ATTRIBUTES_MAX; i++) {
        struct rdt_span name, value;
        uint8_t quote;
        skip_space(&svg->in);
        if (svg->in.n > 0 && (svg->in.p[0] == '>' || svg->in.p[0] == '/'))
            return true;
        if (!take_name(&svg->in, &name))
            return wrong(svg, "an attribute without a name");
        skip_space(&svg->in);
        if (!rdt_take_u8(&svg->in, &quote) || quote != '=')
            return wrong(svg, "an attribute without a value");
        skip_space(&svg->in);
        if (!rdt_take_u8(&svg->in, &quote) || (quote != '"' && quote != '\'') ||
            !rdt_take_until(&svg->in, quote, &value))
            return wrong(svg, "an attribute without quotes");
        if (memchr(value.p, '<', value.n) != NULL)
            return wrong(svg, "a < in an attribute");
        if (!write_attribute(svg, name, value, write))
            return false;
    }
    return wrong(svg, "too many attributes");
}

/* Inside a title HTML reads markup as its own, so nothing but text may stand there. */
static bool
in_words_only(const struct svg *svg)
{
    if (svg->depth == 0)
        return false;
    struct rdt_span above = svg->open[svg->depth - 1].name;
    return rdt_span_is(above, "title") || rdt_span_is(above, "desc");
}

static enum fate
fate_of(const struct svg *svg, struct rdt_span name)
{
    if (in_words_only(svg))
        return DROP;
    if (rdt_span_is(name, "a"))
        return UNWRAP;
    return listed(name, elements, RDT_COUNT(elements)) ? KEEP : DROP;
}

static bool
take_start(struct svg *svg)
{
    struct rdt_span name;
    uint8_t c;
    if (!take_name(&svg->in, &name))
        return wrong(svg, "a tag without a name");
    if (svg->depth == 0 && (svg->root || !rdt_span_is(name, "svg")))
        return wrong(svg, "a root that is not one svg element");
    if (svg->depth == DEPTH_MAX)
        return wrong(svg, "elements nested too deep");
    svg->root = true;
    enum fate fate = fate_of(svg, name);
    bool write = fate == KEEP && svg->dropped == 0;
    if (write)
        rdt_buf_fmt(svg->out, "<%.*s", RDT_FMT(name));
    if (!take_attributes(svg, write))
        return false;
    bool empty = svg->in.n > 0 && svg->in.p[0] == '/' && rdt_take_u8(&svg->in, &c);
    if (!rdt_take_u8(&svg->in, &c) || c != '>')
        return wrong(svg, "a tag that does not end");
    if (write)
        rdt_buf_str(svg->out, empty ? "/>" : ">");
    if (empty)
        return true;
    svg->open[svg->depth].name = name;
    svg->open[svg->depth++].fate = fate;
    svg->dropped += fate == DROP;
    return true;
}

static bool
take_end(struct svg *svg)
{
    struct rdt_span name;
    uint8_t c;
    if (!take_name(&svg->in, &name))
        return wrong(svg, "a tag without a name");
    skip_space(&svg->in);
    if (!rdt_take_u8(&svg->in, &c) || c != '>')
        return wrong(svg, "a tag that does not end");
    if (svg->depth == 0 || rdt_span_cmp(svg->open[svg->depth - 1].name, name) != 0)
        return wrong(svg, "an end tag that closes nothing");
    enum fate fate = svg->open[--svg->depth].fate;
    svg->dropped -= fate == DROP;
    if (fate == KEEP && svg->dropped == 0)
        rdt_buf_fmt(svg->out, "</%.*s>", RDT_FMT(name));
    return true;
}

static bool
take_text(struct svg *svg)
{
    RDT_BUF text = {0};
    struct rdt_span raw;
    size_t n = 0;
    while (n < svg->in.n && svg->in.p[n] != '<')
        n++;
    if (!rdt_take(&svg->in, n, &raw) || !decode(svg, raw, &text))
        return false;
    if (text.failed)
        svg->out->failed = true;
    if (svg->depth == 0) {
        for (size_t i = 0; i < raw.n; i++) {
            if (!is_space(raw.p[i]))
                return wrong(svg, "text outside the svg element");
        }
    } else if (svg->dropped == 0) {
        rdt_markup_span(svg->out, rdt_buf_span(&text));
    }
    return true;
}

static bool
take_markup(struct svg *svg)
{
    struct rdt_span tag;
    if (starts(svg->in, "<!--"))
        return skip_past(svg, "-->", "a comment that does not end");
    if (starts(svg->in, "<?"))
        return skip_past(svg, "?>", "an instruction that does not end");
    if (starts(svg->in, "<!DOCTYPE") && svg->depth == 0 && !svg->root) {
        if (!rdt_take_until(&svg->in, '>', &tag))
            return wrong(svg, "a DOCTYPE that does not end");
        return memchr(tag.p, '[', tag.n) == NULL || wrong(svg, "a DOCTYPE with declarations");
    }
    if (starts(svg->in, "<!"))
        return wrong(svg, "a declaration");
    bool end = starts(svg->in, "</");
    return rdt_take(&svg->in, end ? 2 : 1, &tag) && (end ? take_end(svg) : take_start(svg));
}

enum rdt_code
rdt_svg_filter(struct rdt_span in, struct rdt_buf *out, struct rdt_err *err)
{
    struct svg svg = {.in = in, .out = out};
    bool ok = true;
    if (in.n > RDT_SVG_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "SVG: larger than %zu bytes", RDT_SVG_MAX);
    while (ok && svg.in.n > 0)
        ok = svg.in.p[0] == '<' ? take_markup(&svg) : take_text(&svg);
    if (ok && (svg.depth != 0 || !svg.root))
        ok = wrong(&svg, "an svg element that is missing or open");
    if (!ok && svg.depth == DEPTH_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "SVG: %s", svg.why);
    if (!ok)
        return rdt_fail(err, RDT_E_BADINPUT, "SVG: %s", svg.why == NULL ? "wrong" : svg.why);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "SVG");
}
