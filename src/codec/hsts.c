#include "codec/hsts.h"

#include "base/cursor.h"

#include <strings.h>

enum { SEEN_MAX_AGE = 1, SEEN_SUBDOMAINS = 2, SEEN_PRELOAD = 4 };

struct directive {
    struct rdt_span name, value;
    bool has_value;
};

static bool
is_token_byte(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static void
skip_space(struct rdt_span *in)
{
    struct rdt_span one;
    while (in->n != 0 && (in->p[0] == ' ' || in->p[0] == '\t'))
        (void)rdt_take(in, 1, &one);
}

static bool
take_byte(struct rdt_span *in, uint8_t want)
{
    struct rdt_span one;
    return in->n != 0 && in->p[0] == want && rdt_take(in, 1, &one);
}

static bool
take_token(struct rdt_span *in, struct rdt_span *out)
{
    size_t n = 0;
    while (n < in->n && is_token_byte(in->p[n]))
        n++;
    return n != 0 && rdt_take(in, n, out);
}

/* quoted-string: what stands between the quotes, escapes left as they are. */
static bool
take_quoted(struct rdt_span *in, struct rdt_span *out)
{
    struct rdt_span rest = *in;
    if (!take_byte(&rest, '"'))
        return false;
    for (size_t n = 0; n < rest.n; n++) {
        if (rest.p[n] == '\\') {
            n++;
        } else if (rest.p[n] == '"') {
            bool ok = rdt_take(&rest, n, out) && take_byte(&rest, '"');
            *in = rest;
            return ok;
        }
    }
    return false;
}

/* directive: token [ "=" ( token | quoted-string ) ], white space allowed around each part */
static bool
take_directive(struct rdt_span *in, struct directive *out)
{
    struct directive d = {0};
    bool ok = take_token(in, &d.name);
    skip_space(in);
    if (ok && take_byte(in, '=')) {
        d.has_value = true;
        skip_space(in);
        ok = take_quoted(in, &d.value) || take_token(in, &d.value);
        skip_space(in);
    }
    *out = d;
    return ok;
}

static bool
is_name(struct rdt_span name, const char *want)
{
    size_t n = strlen(want);
    return name.n == n && strncasecmp((const char *)name.p, want, n) == 0;
}

static bool
parse_age(struct rdt_span digits, int64_t *out)
{
    int64_t v = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        v = v * 10 + (digits.p[i] - '0');
        if (v > RDT_HSTS_AGE_MAX)
            v = RDT_HSTS_AGE_MAX;
    }
    *out = v;
    return digits.n != 0;
}

static enum rdt_code
apply(const struct directive *d, unsigned *seen, struct rdt_hsts *h, struct rdt_err *err)
{
    unsigned bit = 0;
    if (is_name(d->name, "max-age")) {
        bit = SEEN_MAX_AGE;
        if (!d->has_value || !parse_age(d->value, &h->max_age_s))
            return rdt_fail(err, RDT_E_BADINPUT, "max-age is no number of seconds");
    } else if (is_name(d->name, "includeSubDomains")) {
        bit = SEEN_SUBDOMAINS;
        if (d->has_value)
            return rdt_fail(err, RDT_E_BADINPUT, "includeSubDomains has a value");
        h->subdomains = true;
    } else if (is_name(d->name, "preload")) {
        bit = SEEN_PRELOAD;
        h->preload = !d->has_value;
    }
    if (*seen & bit)
        return rdt_fail(err, RDT_E_BADINPUT, "a directive comes twice");
    *seen |= bit;
    return RDT_OK;
}

enum rdt_code
rdt_hsts_parse(struct rdt_span value, struct rdt_hsts *out, struct rdt_err *err)
{
    struct rdt_hsts h = {0};
    unsigned seen = 0;
    /* [ directive ] *( ";" [ directive ] ) */
    do {
        struct directive d;
        skip_space(&value);
        if (value.n == 0 || value.p[0] == ';')
            continue;
        if (!take_directive(&value, &d))
            return rdt_fail(err, RDT_E_BADINPUT, "not a list of directives");
        enum rdt_code rc = apply(&d, &seen, &h, err);
        if (rc != RDT_OK)
            return rc;
    } while (take_byte(&value, ';'));
    if (value.n != 0)
        return rdt_fail(err, RDT_E_BADINPUT, "not a list of directives");
    if (!(seen & SEEN_MAX_AGE))
        return rdt_fail(err, RDT_E_BADINPUT, "max-age is missing");
    *out = h;
    return RDT_OK;
}
