#include "kms/policy_internal.h"

#include "base/cursor.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define ADDRESS_TEXT 64 /* bytes of the longest text of an address, and some */
#define WHOLE_DIGITS 12
#define DECIMALS 6

/* ---- patterns ---- */

enum policy_shape
rdt_policy_shape(struct rdt_span pattern)
{
    size_t stars = 0, marks = 0;
    for (size_t i = 0; i < pattern.n; i++) {
        stars += pattern.p[i] == '*';
        marks += pattern.p[i] == '?';
    }
    if (stars + marks == 0)
        return SHAPE_EXACT;
    if (marks != 0 || stars != 1 || pattern.p[pattern.n - 1] != '*')
        return SHAPE_GLOB;
    return pattern.n == 1 ? SHAPE_ANY : SHAPE_PREFIX;
}

static struct rdt_span
before(struct rdt_span text, const uint8_t *end)
{
    return (struct rdt_span){text.p, (size_t)(end - text.p)};
}

static struct rdt_span
after(struct rdt_span text, const uint8_t *at)
{
    return (struct rdt_span){at, (size_t)(text.p + text.n - at)};
}

static const uint8_t *
byte_of(struct rdt_span text, uint8_t byte)
{
    return text.n == 0 ? NULL : memchr(text.p, byte, text.n);
}

size_t
rdt_policy_floating(struct rdt_span pattern)
{
    const uint8_t *star = byte_of(pattern, '*');
    size_t n = 0;
    while (star != NULL) {
        pattern = after(pattern, star + 1);
        star = byte_of(pattern, '*');
        if (star != NULL && byte_of(before(pattern, star), '?') != NULL)
            n += (size_t)(star - pattern.p);
    }
    return n;
}

static bool
continues(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Past one character of UTF-8. */
static size_t
next_char(struct rdt_span text, size_t at)
{
    do
        at++;
    while (at < text.n && continues(text.p[at]));
    return at;
}

/* A part without stars at *at, which moves past it. */
static bool
eat(struct rdt_span part, struct rdt_span text, size_t *at)
{
    size_t t = *at;
    for (size_t i = 0; i < part.n; i++) {
        if (t >= text.n || (part.p[i] != '?' && part.p[i] != text.p[t]))
            return false;
        t = part.p[i] == '?' ? next_char(text, t) : t + 1;
    }
    *at = t;
    return true;
}

/* The same at the end of the text, not before `from`. */
static bool
eat_end(struct rdt_span part, struct rdt_span text, size_t from)
{
    size_t t = text.n;
    for (size_t i = part.n; i > 0; i--) {
        if (t <= from)
            return false;
        t--;
        if (part.p[i - 1] != '?') {
            if (part.p[i - 1] != text.p[t])
                return false;
            continue;
        }
        while (t > from && continues(text.p[t]))
            t--;
    }
    return true;
}

/* The first place of a part from *at on, which moves past it. */
static bool
find(struct rdt_span part, struct rdt_span text, size_t *at)
{
    if (part.n == 0)
        return true;
    if (byte_of(part, '?') == NULL) {
        const uint8_t *hit =
            *at >= text.n ? NULL : memmem(text.p + *at, text.n - *at, part.p, part.n);
        if (hit != NULL)
            *at = (size_t)(hit - text.p) + part.n;
        return hit != NULL;
    }
    for (size_t from = *at; from < text.n; from = next_char(text, from)) {
        size_t end = from;
        if (eat(part, text, &end)) {
            *at = end;
            return true;
        }
    }
    return false;
}

/*
 * The first place is always as good as a later one, so no star is ever tried twice: what stands
 * between stars is looked for once each, going forward.
 */
static bool
glob(struct rdt_span pattern, struct rdt_span text)
{
    size_t at = 0;
    const uint8_t *star = byte_of(pattern, '*');
    if (star == NULL)
        return eat(pattern, text, &at) && at == text.n;
    if (!eat(before(pattern, star), text, &at))
        return false;
    for (;;) {
        pattern = after(pattern, star + 1);
        star = byte_of(pattern, '*');
        if (star == NULL)
            return eat_end(pattern, text, at);
        if (!find(before(pattern, star), text, &at))
            return false;
    }
}

bool
rdt_policy_parts(struct rdt_span arn, struct rdt_span parts[static 6])
{
    for (size_t i = 0; i < 5; i++) {
        const uint8_t *colon = byte_of(arn, ':');
        if (colon == NULL)
            return false;
        parts[i] = before(arn, colon);
        arn = after(arn, colon + 1);
    }
    parts[5] = arn;
    return rdt_span_is(parts[0], "arn") && arn.n != 0;
}

static bool
match_prefix(struct rdt_span pattern, struct rdt_span text)
{
    size_t n = pattern.n - 1;
    return text.n >= n &&
           rdt_span_eq((struct rdt_span){pattern.p, n}, (struct rdt_span){text.p, n});
}

/* The part of a pattern up to a colon, or the last one, which also says of what shape it is. */
static enum policy_shape
next_part(struct rdt_span *pattern, bool last, struct rdt_span *part)
{
    size_t n = 0, wild = 0;
    for (; n < pattern->n && (last || pattern->p[n] != ':'); n++)
        wild += pattern->p[n] == '*' || pattern->p[n] == '?';
    *part = (struct rdt_span){pattern->p, n};
    size_t past = n < pattern->n ? n + 1 : n;
    *pattern = (struct rdt_span){pattern->p + past, pattern->n - past};
    if (wild == 0)
        return SHAPE_EXACT;
    return wild == 1 && part->p[n - 1] == '*' ? SHAPE_PREFIX : SHAPE_GLOB;
}

/* A star does not reach over a colon, but in the last part. The pattern has its six parts. */
static bool
match_arn(struct rdt_span pattern, struct rdt_span text)
{
    for (unsigned i = 0; i < 6; i++) {
        struct rdt_span want, have = text;
        if (i < 5 && !rdt_take_until(&text, ':', &have))
            return false;
        enum policy_shape shape = next_part(&pattern, i == 5, &want);
        if (shape == SHAPE_EXACT    ? !rdt_span_eq(want, have)
            : shape == SHAPE_PREFIX ? !match_prefix(want, have)
                                    : !glob(want, have))
            return false;
    }
    return true;
}

bool
rdt_policy_match(enum policy_shape shape, struct rdt_span pattern, struct rdt_span text)
{
    switch (shape) {
    case SHAPE_EXACT:
        return rdt_span_eq(pattern, text);
    case SHAPE_ANY:
        return true;
    case SHAPE_PREFIX:
        return match_prefix(pattern, text);
    case SHAPE_GLOB:
        return glob(pattern, text);
    case SHAPE_ARN:
        return match_arn(pattern, text);
    default:
        return false;
    }
}

static uint8_t
lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool
rdt_policy_nocase(struct rdt_span a, struct rdt_span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

/* ---- addresses ---- */

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool
is_mapped(const uint8_t address[static 16])
{
    return rdt_span_eq((struct rdt_span){address, 12}, (struct rdt_span){mapped, 12});
}

bool
rdt_policy_address(struct rdt_span text, uint8_t out[static 16])
{
    char name[ADDRESS_TEXT];
    const uint8_t *zone = byte_of(text, '%');
    if (zone != NULL)
        text = before(text, zone);
    if (text.n == 0 || text.n >= sizeof name || byte_of(text, 0) != NULL)
        return false;
    memcpy(name, text.p, text.n);
    name[text.n] = 0;
    memcpy(out, mapped, sizeof mapped);
    return inet_pton(AF_INET, name, out + 12) == 1 || inet_pton(AF_INET6, name, out) == 1;
}

/* One to three digits without a zero before others. */
static bool
read_bits(struct rdt_span text, unsigned most, unsigned *out)
{
    unsigned v = 0;
    if (text.n == 0 || text.n > 3 || (text.n > 1 && text.p[0] == '0'))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = v * 10 + (text.p[i] - '0');
    }
    *out = v;
    return v <= most;
}

bool
rdt_policy_network(struct rdt_span text, uint8_t out[static 17])
{
    const uint8_t *slash = byte_of(text, '/');
    struct rdt_span address = slash == NULL ? text : before(text, slash);
    if (byte_of(address, '%') != NULL || !rdt_policy_address(address, out + 1))
        return false;
    bool v4 = byte_of(address, ':') == NULL;
    unsigned bits = v4 ? 32 : 128;
    if (slash != NULL && !read_bits(after(text, slash + 1), bits, &bits))
        return false;
    bits += v4 ? 96 : 0;
    if (is_mapped(out + 1) && bits < 96)
        return false; /* half IPv4, half IPv6: nobody means that */
    out[0] = (uint8_t)bits;
    for (unsigned bit = bits; bit < 128; bit++)
        out[1 + bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    return true;
}

bool
rdt_policy_inside(const uint8_t network[static 17], const uint8_t address[static 16])
{
    if (is_mapped(network + 1) != is_mapped(address))
        return false; /* ::/0 is all of IPv6, not IPv4 */
    unsigned bits = network[0];
    if (!rdt_span_eq((struct rdt_span){network + 1, bits / 8},
                     (struct rdt_span){address, bits / 8}))
        return false;
    return bits % 8 == 0 ||
           ((network[1 + bits / 8] ^ address[bits / 8]) & (0xff00 >> bits % 8) & 0xff) == 0;
}

/* ---- numbers ---- */

static bool
digits(struct rdt_span *in, size_t most, int64_t *value, size_t *n)
{
    *n = 0;
    while (*n < in->n && in->p[*n] >= '0' && in->p[*n] <= '9') {
        if (*n == most)
            return false;
        *value = *value * 10 + (in->p[(*n)++] - '0');
    }
    in->p += *n;
    in->n -= *n;
    return *n != 0;
}

bool
rdt_policy_number(struct rdt_span text, int64_t *out)
{
    int64_t value = 0;
    size_t n, decimals = 0;
    bool minus = text.n != 0 && text.p[0] == '-';
    if (minus)
        text = after(text, text.p + 1);
    if (!digits(&text, WHOLE_DIGITS, &value, &n))
        return false;
    if (text.n != 0) {
        if (text.p[0] != '.')
            return false;
        text = after(text, text.p + 1);
        if (!digits(&text, DECIMALS, &value, &decimals) || text.n != 0)
            return false;
    }
    for (; decimals < DECIMALS; decimals++)
        value *= 10;
    *out = minus ? -value : value;
    return true;
}
