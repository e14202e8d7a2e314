#include "codec/httphead.h"

#include "base/cursor.h"

#define METHOD_MAX 32    /* the longest registered one has 17 letters */
#define LENGTH_DIGITS 18 /* of Content-Length: fits in 64 bits, whatever they are */
#define EACH(byte) (~UINT64_C(0) / 255 * (byte)) /* the byte, eight times */

/* What a part of the head comes to: it is read, more bytes are needed, or the status to answer. */
enum { FINE = 0, SHORT = 1 };

enum {
    IS_TOKEN = 1,  /* RFC 9110 5.6.2 */
    IS_TARGET = 2, /* RFC 3986: what a path or a query is made of, and "?" */
    IS_HEX = 4,
    IS_HOST = 8, /* names, addresses and ports; no "@", which hides a name behind another */
    IS_VALUE = 16
};

#define ALNUM (IS_TOKEN | IS_TARGET | IS_HOST | IS_VALUE)
#define XDIGIT (ALNUM | IS_HEX)

/* RFC 9112 lets bytes from 0x80 on stand in values and nowhere else. */
static const uint8_t kinds[256] = {
    ['\t'] = IS_VALUE,
    [' '] = IS_VALUE,
    ['!'] = IS_TOKEN | IS_TARGET | IS_VALUE,
    ['"'] = IS_VALUE,
    ['#'] = IS_TOKEN | IS_VALUE,
    ['$'] = IS_TOKEN | IS_TARGET | IS_VALUE,
    ['%'] = IS_TOKEN | IS_TARGET | IS_VALUE,
    ['&'] = IS_TOKEN | IS_TARGET | IS_VALUE,
    ['\''] = IS_TOKEN | IS_TARGET | IS_VALUE,
    ['('] = IS_TARGET | IS_VALUE,
    [')'] = IS_TARGET | IS_VALUE,
    ['*'] = IS_TOKEN | IS_TARGET | IS_VALUE,
    ['+'] = IS_TOKEN | IS_TARGET | IS_VALUE,
    [','] = IS_TARGET | IS_VALUE,
    ['-'] = ALNUM,
    ['.'] = ALNUM,
    ['/'] = IS_TARGET | IS_VALUE,
    ['0' ... '9'] = XDIGIT,
    [':'] = IS_TARGET | IS_HOST | IS_VALUE,
    [';'] = IS_TARGET | IS_VALUE,
    ['<'] = IS_VALUE,
    ['='] = IS_TARGET | IS_VALUE,
    ['>'] = IS_VALUE,
    ['?'] = IS_TARGET | IS_VALUE,
    ['@'] = IS_TARGET | IS_VALUE,
    ['A' ... 'F'] = XDIGIT,
    ['G' ... 'Z'] = ALNUM,
    ['['] = IS_HOST | IS_VALUE,
    ['\\'] = IS_VALUE,
    [']'] = IS_HOST | IS_VALUE,
    ['^'] = IS_TOKEN | IS_VALUE,
    ['_'] = ALNUM,
    ['`'] = IS_TOKEN | IS_VALUE,
    ['a' ... 'f'] = XDIGIT,
    ['g' ... 'z'] = ALNUM,
    ['{'] = IS_VALUE,
    ['|'] = IS_TOKEN | IS_VALUE,
    ['}'] = IS_VALUE,
    ['~'] = ALNUM,
    [0x80 ... 0xff] = IS_VALUE,
};

/* How many bytes at the beginning are of a kind. */
static size_t
run_of(struct rdt_span in, uint8_t kind)
{
    size_t n = 0;
    while (n < in.n && (kinds[in.p[n]] & kind) != 0)
        n++;
    return n;
}

/* The same for IS_VALUE, eight bytes a step while none of them is a control byte. */
static size_t
run_of_value(struct rdt_span in)
{
    size_t n = 0;
    for (uint64_t w; in.n - n >= sizeof w; n += sizeof w) {
        memcpy(&w, in.p + n, sizeof w);
        uint64_t del = w ^ EACH(0x7f);
        uint64_t low = (w - EACH(0x20)) & ~w; /* top bit: the byte is below 0x20 */
        uint64_t zero = (del - EACH(1)) & ~del;
        if (((low | zero) & EACH(0x80)) != 0)
            break;
    }
    return n + run_of((struct rdt_span){in.p + n, in.n - n}, IS_VALUE);
}

/* The text itself; a beginning of it is SHORT. */
static int
take_text(struct rdt_span *in, const char *text, int otherwise)
{
    size_t n = 0;
    struct rdt_span got;
    while (text[n] != '\0' && n < in->n && in->p[n] == (uint8_t)text[n])
        n++;
    if (text[n] != '\0')
        return n == in->n ? SHORT : otherwise;
    return rdt_take(in, n, &got) ? FINE : otherwise;
}

/* method = token, then one space */
static int
take_method(struct rdt_span *in, struct rdt_span *out)
{
    size_t n = run_of(*in, IS_TOKEN);
    if (n > METHOD_MAX)
        return 400;
    if (n == in->n)
        return SHORT;
    return n != 0 && rdt_take(in, n, out) ? take_text(in, " ", 400) : 400;
}

static bool
percents_hold(struct rdt_span text)
{
    struct rdt_span before, digits;
    while (rdt_take_until(&text, '%', &before))
        if (!rdt_take(&text, 2, &digits) || run_of(digits, IS_HEX) != 2)
            return false;
    return true;
}

/* origin-form = "/" path [ "?" query ], then one space.  Neither "*" nor a URL nor an authority. */
static int
take_target(struct rdt_span *in, struct rdt_http_head *out)
{
    if (in->n != 0 && in->p[0] != '/')
        return 400;
    size_t n = run_of(*in, IS_TARGET);
    if (n > RDT_HTTP_TARGET_MAX)
        return 414;
    if (n == in->n)
        return SHORT;
    struct rdt_span target, path;
    if (!rdt_take(in, n, &target) || !percents_hold(target))
        return 400;
    out->query = target;
    if (rdt_take_until(&out->query, '?', &path)) {
        out->path = path;
    } else {
        out->path = target;
        out->query.n = 0;
    }
    return take_text(in, " ", 400);
}

/* "HTTP/" digit "." digit CRLF; only 1.1 and 1.0 */
static int
take_version(struct rdt_span *in, bool *is_1_1)
{
    struct rdt_span got;
    int rc = take_text(in, "HTTP/", 400);
    if (rc != FINE)
        return rc;
    for (size_t i = 0; i < 3 && i < in->n; i++)
        if (i == 1 ? in->p[i] != '.' : in->p[i] < '0' || in->p[i] > '9')
            return 400;
    if (!rdt_take(in, 3, &got))
        return SHORT;
    *is_1_1 = got.p[2] == '1';
    if (got.p[0] != '1' || got.p[2] > '1')
        return 505;
    return take_text(in, "\r\n", 400);
}

static void
trim(struct rdt_span *value)
{
    while (value->n != 0 && (value->p[0] == ' ' || value->p[0] == '\t'))
        *value = (struct rdt_span){value->p + 1, value->n - 1};
    while (value->n != 0 && (value->p[value->n - 1] == ' ' || value->p[value->n - 1] == '\t'))
        value->n--;
}

/* field-line = token ":" OWS value OWS CRLF */
static int
take_field(struct rdt_span *in, struct rdt_http_field *out)
{
    size_t n = run_of(*in, IS_TOKEN);
    if (n == in->n)
        return SHORT;
    if (n == 0 || !rdt_take(in, n, &out->name) || take_text(in, ":", 400) != FINE)
        return 400;
    if (!rdt_take(in, run_of_value(*in), &out->value) || in->n == 0)
        return SHORT;
    trim(&out->value);
    return take_text(in, "\r\n", 400);
}

static int
on_host(struct rdt_http_head *head, struct rdt_span value)
{
    if (head->host.n != 0 || value.n == 0 || run_of(value, IS_HOST) != value.n)
        return 400;
    head->host = value;
    return FINE;
}

static int
on_length(struct rdt_http_head *head, struct rdt_span value, bool *seen)
{
    uint64_t n = 0;
    if (*seen || value.n == 0 || value.n > LENGTH_DIGITS)
        return 400;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return 400;
        n = n * 10 + (value.p[i] - '0');
    }
    *seen = true;
    head->content_length = n;
    return FINE;
}

/* #token; what stands in it besides "close" is of no account here. */
static int
on_connection(struct rdt_http_head *head, struct rdt_span value)
{
    for (bool more = true; more;) {
        struct rdt_span item;
        more = rdt_take_until(&value, ',', &item);
        if (!more)
            item = value;
        trim(&item);
        if (run_of(item, IS_TOKEN) != item.n)
            return 400;
        if (rdt_http_name_is(item, "close"))
            head->keep_alive = false;
    }
    return FINE;
}

/* The few fields that the framing depends on, told apart by their length first. */
static int
on_field(struct rdt_http_head *head, const struct rdt_http_field *f, bool *seen_length)
{
    switch (f->name.n) {
    case sizeof "host" - 1:
        return rdt_http_name_is(f->name, "host") ? on_host(head, f->value) : FINE;
    case sizeof "expect" - 1:
        if (!rdt_http_name_is(f->name, "expect"))
            return FINE;
        head->expect_continue = rdt_http_name_is(f->value, "100-continue");
        return head->expect_continue ? FINE : 417;
    case sizeof "connection" - 1:
        return rdt_http_name_is(f->name, "connection") ? on_connection(head, f->value) : FINE;
    case sizeof "content-length" - 1:
        return rdt_http_name_is(f->name, "content-length") ? on_length(head, f->value, seen_length)
                                                           : FINE;
    case sizeof "transfer-encoding" - 1:
        return rdt_http_name_is(f->name, "transfer-encoding") ? 411 : FINE;
    default:
        return FINE;
    }
}

/* *( field-line ) CRLF */
static int
take_fields(struct rdt_span *in, struct rdt_http_head *out)
{
    bool seen_length = false;
    while (in->n != 0 && in->p[0] != '\r') {
        if (out->n_fields == RDT_HTTP_FIELDS_MAX)
            return 431;
        struct rdt_http_field *field = &out->fields[out->n_fields];
        int rc = take_field(in, field);
        if (rc == FINE)
            rc = on_field(out, field, &seen_length);
        if (rc != FINE)
            return rc;
        out->n_fields++;
    }
    return take_text(in, "\r\n", 400);
}

/* One pass, so that what is wrong is refused as soon as it has arrived, whatever follows. */
static int
take_head(struct rdt_span *in, struct rdt_http_head *out)
{
    bool is_1_1 = false;
    int rc = take_method(in, &out->method);
    if (rc == FINE)
        rc = take_target(in, out);
    if (rc == FINE)
        rc = take_version(in, &is_1_1);
    out->keep_alive = is_1_1;
    if (rc == FINE)
        rc = take_fields(in, out);
    if (rc == FINE && out->host.n == 0)
        rc = 400;
    if (!is_1_1)
        out->expect_continue = false; /* RFC 9110 10.1.1: an older client does not wait for it */
    return rc;
}

enum rdt_http_read
rdt_http_head_read(struct rdt_span in, struct rdt_http_head *out, size_t *used, int *status)
{
    struct rdt_span rest = in;
    if (rest.n > RDT_HTTP_REQUEST_HEAD_MAX)
        rest.n = RDT_HTTP_REQUEST_HEAD_MAX;
    size_t n = rest.n;
    /* not the fields: two kilobytes that no one reads beyond n_fields */
    out->n_fields = 0;
    out->host = (struct rdt_span){0};
    out->content_length = 0;
    out->expect_continue = false;
    int rc = take_head(&rest, out);
    if (rc == SHORT && n == RDT_HTTP_REQUEST_HEAD_MAX)
        rc = 431;
    if (rc == SHORT)
        return RDT_HTTP_MORE;
    if (rc != FINE) {
        *status = rc;
        return RDT_HTTP_REFUSED;
    }
    *used = n - rest.n;
    return RDT_HTTP_HEAD;
}

bool
rdt_http_field_find(const struct rdt_http_head *head, const char *name, size_t nth,
                    struct rdt_span *out)
{
    for (size_t i = 0; i < head->n_fields; i++) {
        if (rdt_http_name_is(head->fields[i].name, name) && nth-- == 0) {
            *out = head->fields[i].value;
            return true;
        }
    }
    return false;
}
