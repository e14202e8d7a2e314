#include "codec/sigv4.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "codec/base64.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define HASH_DIGITS 64
#define AMZ "x-amz-"
#define STAMP_FORM                                                                                 \
    "YYYY-MM-DDThh:mm:ssZ" /* what base/clock.h reads; AWS leaves "-" and ":" out                  \
                            */

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool
is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool
is_unreserved(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || is_upper(c) || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void
trim(struct rdt_span *text)
{
    while (text->n != 0 && is_blank(text->p[0]))
        *text = (struct rdt_span){text->p + 1, text->n - 1};
    while (text->n != 0 && is_blank(text->p[text->n - 1]))
        text->n--;
}

/* The bytes before the next stop byte, or the rest, which is then empty; false at the end. */
static bool
next_part(struct rdt_span *in, uint8_t stop, bool *more, struct rdt_span *out)
{
    if (!*more)
        return false;
    *more = rdt_take_until(in, stop, out);
    return *more || rdt_take(in, in->n, out);
}

static bool
name_same(struct rdt_span a, struct rdt_span b)
{
    if (a.n != b.n)
        return false;
    if (rdt_span_eq(a, b))
        return true; /* most that are the same are written alike */
    for (size_t i = 0; i < a.n; i++) {
        uint8_t x = is_upper(a.p[i]) ? a.p[i] | 0x20 : a.p[i];
        uint8_t y = is_upper(b.p[i]) ? b.p[i] | 0x20 : b.p[i];
        if (x != y)
            return false;
    }
    return true;
}

/* ---- the Authorization header */

static bool
is_scope_part(struct rdt_span part)
{
    for (size_t i = 0; i < part.n; i++)
        if (!is_unreserved(part.p[i]))
            return false;
    return part.n != 0 && part.n <= RDT_SIGV4_SCOPE_MAX;
}

/* key id "/" date "/" region "/" service "/aws4_request" */
static bool
read_credential(struct rdt_span in, struct rdt_sigv4 *out)
{
    struct rdt_span end;
    if (!rdt_take_until(&in, '/', &out->key_id) || out->key_id.n == 0 ||
        out->key_id.n > RDT_SIGV4_KEY_ID_MAX)
        return false;
    for (size_t i = 0; i < out->key_id.n; i++)
        if (out->key_id.p[i] <= ' ' || out->key_id.p[i] > '~')
            return false;
    out->scope = in;
    bool ok = rdt_take_until(&in, '/', &out->date); /* compared with the stamp later */
    ok = ok && rdt_take_until(&in, '/', &out->region) && is_scope_part(out->region);
    ok = ok && rdt_take_until(&in, '/', &out->service) && is_scope_part(out->service);
    return ok && rdt_take(&in, in.n, &end) && rdt_span_is(end, "aws4_request");
}

/* name *( ";" name ), small letters, each greater than the one before */
static bool
read_signed(struct rdt_span in, struct rdt_sigv4 *out)
{
    struct rdt_span name, last = {0};
    out->signed_headers = in;
    out->n_signed = 0;
    for (bool more = true; next_part(&in, ';', &more, &name); last = name) {
        if (out->n_signed == RDT_SIGV4_SIGNED_MAX || rdt_span_cmp(last, name) >= 0)
            return false;
        for (size_t i = 0; i < name.n; i++)
            if (is_upper(name.p[i]))
                return false;
        out->signed_name[out->n_signed++] = name;
    }
    return true;
}

static bool
read_signature(struct rdt_span in, struct rdt_sigv4 *out)
{
    for (size_t i = 0; i < in.n; i++)
        if (is_upper(in.p[i]))
            return false;
    return rdt_hex_get(in, out->signature, sizeof out->signature);
}

static const struct {
    const char *name;
    bool (*read)(struct rdt_span in, struct rdt_sigv4 *out);
} parts[] = {
    {"Credential",    read_credential},
    {"SignedHeaders", read_signed    },
    {"Signature",     read_signature },
};

/* algorithm 1*blank part "," part "," part */
static bool
read_authorization(struct rdt_span in, struct rdt_sigv4 *out)
{
    unsigned seen = 0;
    struct rdt_span part, name;
    if (!rdt_take(&in, strlen(ALGORITHM), &name) || !rdt_span_is(name, ALGORITHM) || in.n == 0 ||
        !is_blank(in.p[0]))
        return false;
    for (bool more = true; next_part(&in, ',', &more, &part);) {
        trim(&part);
        if (!rdt_take_until(&part, '=', &name))
            return false;
        size_t i = 0;
        while (i < RDT_COUNT(parts) && !rdt_span_is(name, parts[i].name))
            i++;
        if (i == RDT_COUNT(parts) || (seen & 1u << i) != 0 || !parts[i].read(part, out))
            return false;
        seen |= 1u << i;
    }
    return seen == (1u << RDT_COUNT(parts)) - 1;
}

/* ---- the time */

/* `form` is STAMP_FORM filled in; out gets the same without "-" and ":". */
static bool
read_form(const char *form, struct rdt_sigv4 *out)
{
    size_t k = 0;
    for (size_t i = 0; i < strlen(STAMP_FORM); i++)
        if (STAMP_FORM[i] != '-' && STAMP_FORM[i] != ':')
            out->stamp[k++] = form[i];
    out->stamp[k] = '\0';
    return rdt_stamp_parse((struct rdt_span){(const uint8_t *)form, strlen(STAMP_FORM)},
                           &out->time_s);
}

static bool
read_amz_date(struct rdt_span in, struct rdt_sigv4 *out)
{
    char form[] = STAMP_FORM;
    if (in.n != RDT_SIGV4_STAMP - 1)
        return false;
    for (size_t i = 0, k = 0; i < strlen(STAMP_FORM); i++)
        if (form[i] != '-' && form[i] != ':')
            form[i] = (char)in.p[k++];
    return read_form(form, out);
}

/* "Tue, 24 Nov 2026 10:15:00 GMT"; Python's library ends with the numeric zone. */
static bool
read_http_date(struct rdt_span in, struct rdt_sigv4 *out)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct rdt_span week, day, month, year, time;
    char form[] = STAMP_FORM;
    bool ok = rdt_take(&in, 5, &week) && week.p[3] == ',' && week.p[4] == ' ';
    ok = ok && rdt_take_until(&in, ' ', &day) && day.n == 2;
    ok = ok && rdt_take_until(&in, ' ', &month) && month.n == 3;
    ok = ok && rdt_take_until(&in, ' ', &year) && year.n == 4;
    ok = ok && rdt_take_until(&in, ' ', &time) && time.n == 8;
    if (!ok || !(rdt_span_is(in, "GMT") || rdt_span_is(in, "+0000") || rdt_span_is(in, "-0000")))
        return false;
    unsigned m = 0;
    while (m < 12 &&
           !rdt_span_eq(month, (struct rdt_span){(const uint8_t *)months + (size_t)3 * m, 3}))
        m++;
    memcpy(form, year.p, 4);
    form[5] = (char)('0' + (m + 1) / 10); /* a month nobody knows is the 13th: refused below */
    form[6] = (char)('0' + (m + 1) % 10);
    memcpy(form + 8, day.p, 2);
    memcpy(form + 11, time.p, 8);
    return read_form(form, out);
}

static bool
read_time(const struct rdt_http_head *head, struct rdt_sigv4 *out)
{
    struct rdt_span value, again;
    if (rdt_http_field_find(head, AMZ "date", 0, &value))
        return read_amz_date(value, out);
    return rdt_http_field_find(head, "date", 0, &value) &&
           !rdt_http_field_find(head, "date", 1, &again) && read_http_date(value, out);
}

/* ---- what has to be signed, and what must not be ambiguous */

static bool
arrived(const struct rdt_http_head *head, struct rdt_span name)
{
    for (size_t i = 0; i < head->n_fields; i++)
        if (name_same(head->fields[i].name, name))
            return true;
    return false;
}

static bool
is_signed(const struct rdt_sigv4 *sig, struct rdt_span name)
{
    for (size_t i = 0; i < sig->n_signed; i++)
        if (name_same(name, sig->signed_name[i]))
            return true;
    return false;
}

static bool
is_amz(struct rdt_span name)
{
    size_t n = strlen(AMZ);
    return name.n > n && name_same((struct rdt_span){name.p, n}, rdt_span_str(AMZ));
}

/* Each x-amz-* line comes once, so that who reads one of them reads what was signed. */
static bool
amz_once(const struct rdt_http_head *head)
{
    for (size_t i = 0; i < head->n_fields; i++) {
        if (!is_amz(head->fields[i].name))
            continue;
        for (size_t k = 0; k < i; k++)
            if (name_same(head->fields[i].name, head->fields[k].name))
                return false;
    }
    return true;
}

static bool
all_signed(const struct rdt_http_head *head, const struct rdt_sigv4 *sig)
{
    struct rdt_span value;
    if (!is_signed(sig, rdt_span_str("host")))
        return false;
    if (!rdt_http_field_find(head, AMZ "date", 0, &value) && !is_signed(sig, rdt_span_str("date")))
        return false;
    for (size_t i = 0; i < head->n_fields; i++)
        if (is_amz(head->fields[i].name) && !is_signed(sig, head->fields[i].name))
            return false;
    return true;
}

/* Segments that signers take out would let two paths have one signature. */
static bool
path_holds(struct rdt_span path)
{
    struct rdt_span part, root;
    bool more = rdt_take(&path, 1, &root) && path.n != 0;
    while (next_part(&path, '/', &more, &part))
        if ((part.n == 0 && more) || rdt_span_is(part, ".") || rdt_span_is(part, ".."))
            return false;
    return true;
}

static bool
query_holds(struct rdt_span query)
{
    size_t n = 1;
    for (size_t i = 0; i < query.n; i++)
        n += query.p[i] == '&';
    return n <= RDT_SIGV4_QUERY_MAX;
}

enum rdt_sigv4_fault
rdt_sigv4_parse(const struct rdt_http_head *head, struct rdt_sigv4 *out)
{
    struct rdt_span value, again;
    if (!rdt_http_field_find(head, "authorization", 0, &value))
        return RDT_SIGV4_MISSING;
    if (rdt_http_field_find(head, "authorization", 1, &again) || !read_authorization(value, out) ||
        !read_time(head, out) ||
        !rdt_span_eq(out->date, (struct rdt_span){(uint8_t *)out->stamp, 8}))
        return RDT_SIGV4_INCOMPLETE;
    for (size_t i = 0; i < out->n_signed; i++)
        if (!arrived(head, out->signed_name[i]))
            return RDT_SIGV4_INCOMPLETE;
    if (!amz_once(head) || !path_holds(head->path) || !query_holds(head->query))
        return RDT_SIGV4_INCOMPLETE;
    if (!rdt_http_field_find(head, AMZ "security-token", 0, &out->token))
        out->token = (struct rdt_span){0};
    return all_signed(head, out) ? RDT_SIGV4_OK : RDT_SIGV4_UNSIGNED;
}

/* ---- the canonical request */

static void
add_span(struct rdt_buf *out, struct rdt_span bytes)
{
    rdt_buf_add(out, bytes.p, bytes.n);
}

static void
add_encoded(struct rdt_buf *out, uint8_t c)
{
    static const char digits[] = "0123456789ABCDEF";
    char text[3] = {'%', digits[c >> 4], digits[c & 15]};
    if (is_unreserved(c))
        rdt_buf_add(out, &c, 1);
    else
        rdt_buf_add(out, text, sizeof text);
}

static void
add_path(struct rdt_buf *out, struct rdt_span path)
{
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '/')
            rdt_buf_add(out, "/", 1);
        else
            add_encoded(out, path.p[i]);
    }
}

struct pair {
    struct rdt_span name, value; /* as they came, so encoded somehow */
};

/* The next byte that a part of a query stands for. */
static bool
take_decoded(struct rdt_span *in, uint8_t *c)
{
    struct rdt_span digits;
    if (!rdt_take_u8(in, c))
        return false;
    struct rdt_span rest = *in;
    if (*c == '%' && rdt_take(&rest, 2, &digits) && rdt_hex_get(digits, c, 1))
        *in = rest;
    return true;
}

/* The order of the encoded texts: what is encoded begins with "%", which is less than the rest. */
static int
text_cmp(struct rdt_span a, struct rdt_span b)
{
    for (;;) {
        uint8_t x = 0, y = 0;
        bool has_x = take_decoded(&a, &x), has_y = take_decoded(&b, &y);
        if (!has_x || !has_y)
            return has_x - has_y;
        if (x != y)
            return is_unreserved(x) == is_unreserved(y) ? x - y : is_unreserved(x) ? 1 : -1;
    }
}

static int
pair_cmp(const struct pair *a, const struct pair *b)
{
    int c = text_cmp(a->name, b->name);
    return c != 0 ? c : text_cmp(a->value, b->value);
}

static void
add_query(struct rdt_buf *out, struct rdt_span query)
{
    struct pair pairs[RDT_SIGV4_QUERY_MAX];
    size_t n = 0;
    struct rdt_span part;
    bool more = query.n != 0;
    while (n < RDT_SIGV4_QUERY_MAX && next_part(&query, '&', &more, &part)) {
        struct pair pair = {.value = part};
        if (!rdt_take_until(&pair.value, '=', &pair.name))
            pair = (struct pair){
                .name = part, .value = {part.p, 0}
            };
        size_t at = n++;
        for (; at != 0 && pair_cmp(&pairs[at - 1], &pair) > 0; at--)
            pairs[at] = pairs[at - 1];
        pairs[at] = pair;
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t c;
        rdt_buf_add(out, "&", i != 0);
        while (take_decoded(&pairs[i].name, &c))
            add_encoded(out, c);
        rdt_buf_add(out, "=", 1);
        while (take_decoded(&pairs[i].value, &c))
            add_encoded(out, c);
    }
}

/* A header's value, runs of blanks made one space; those around it are gone already. */
static void
add_value(struct rdt_buf *out, struct rdt_span value)
{
    size_t from = 0;
    if (value.n != 0 && memchr(value.p, ' ', value.n) == NULL &&
        memchr(value.p, '\t', value.n) == NULL) {
        add_span(out, value);
        return;
    }
    for (size_t i = 0, end; i < value.n; i = end) {
        for (end = i; end < value.n && is_blank(value.p[end]);)
            end++;
        if (end == i) {
            end++;
        } else if (end - i > 1 || value.p[i] == '\t') {
            rdt_buf_add(out, value.p + from, i - from);
            rdt_buf_add(out, " ", 1);
            from = end;
        }
    }
    if (from < value.n)
        rdt_buf_add(out, value.p + from, value.n - from);
}

static void
add_header(struct rdt_buf *out, const struct rdt_http_head *head, struct rdt_span name)
{
    size_t n = 0;
    add_span(out, name);
    rdt_buf_add(out, ":", 1);
    for (size_t i = 0; i < head->n_fields; i++) {
        if (!name_same(head->fields[i].name, name))
            continue;
        rdt_buf_add(out, ",", n++ != 0);
        add_value(out, head->fields[i].value);
    }
    rdt_buf_add(out, "\n", 1);
}

enum rdt_sigv4_fault
rdt_sigv4_canonical(const struct rdt_http_head *head, const struct rdt_sigv4 *sig,
                    const char *body_hash, struct rdt_buf *out)
{
    struct rdt_span hash = {(const uint8_t *)body_hash, HASH_DIGITS}, claimed;
    add_span(out, head->method);
    rdt_buf_add(out, "\n", 1);
    add_path(out, head->path);
    rdt_buf_add(out, "\n", 1);
    add_query(out, head->query);
    rdt_buf_add(out, "\n", 1);
    for (size_t i = 0; i < sig->n_signed; i++)
        add_header(out, head, sig->signed_name[i]);
    rdt_buf_add(out, "\n", 1);
    add_span(out, sig->signed_headers);
    rdt_buf_add(out, "\n", 1);
    add_span(out, hash);
    if (rdt_http_field_find(head, AMZ "content-sha256", 0, &claimed) && !rdt_span_eq(claimed, hash))
        return RDT_SIGV4_PAYLOAD;
    return RDT_SIGV4_OK;
}

void
rdt_sigv4_to_sign(const struct rdt_sigv4 *sig, const char *canonical_hash, struct rdt_buf *out)
{
    rdt_buf_str(out, ALGORITHM "\n");
    rdt_buf_str(out, sig->stamp);
    rdt_buf_add(out, "\n", 1);
    add_span(out, sig->scope);
    rdt_buf_add(out, "\n", 1);
    rdt_buf_add(out, canonical_hash, HASH_DIGITS);
}
