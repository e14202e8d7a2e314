#include "codec/jtok.h"

#include "base/cursor.h"
#include "base/text.h"

#define EACH(byte) (~UINT64_C(0) / 255 * (byte)) /* the byte, eight times */
#define NAMES_MAX (RDT_JTOK_MAX / 2)             /* each name has a value */
#define FEW_NAMES 8 /* so many are compared each with each; more are sorted first */

struct scan {
    struct rdt_span in; /* what is left of text */
    uint8_t *text;
    struct rdt_jdoc *doc;
    unsigned depth;
};

static bool scan_value(struct scan *s);

static uint32_t
offset(const struct scan *s)
{
    return (uint32_t)(s->in.p - s->text);
}

/* The next token, with all of it set but what only its end tells; NULL when there are too many. */
static struct rdt_jtok *
add(struct scan *s, enum rdt_jtype type, uint32_t n)
{
    if (s->doc->n == RDT_JTOK_MAX)
        return NULL;
    struct rdt_jtok *tok = &s->doc->tok[s->doc->n++];
    *tok = (struct rdt_jtok){.type = type, .start = offset(s), .n = n, .next = s->doc->n};
    return tok;
}

static void
skip_space(struct scan *s)
{
    size_t n = 0;
    struct rdt_span space;
    while (n < s->in.n &&
           (s->in.p[n] == ' ' || s->in.p[n] == '\n' || s->in.p[n] == '\r' || s->in.p[n] == '\t'))
        n++;
    (void)rdt_take(&s->in, n, &space);
}

static bool
take_byte(struct scan *s, uint8_t want)
{
    struct rdt_span got;
    return s->in.n != 0 && s->in.p[0] == want && rdt_take(&s->in, 1, &got);
}

/* ---- strings */

/*
 * How many bytes at the beginning stand for themselves: neither quote, backslash nor control.
 * wide becomes true when one of them is not ASCII.
 */
static size_t
run_of_plain(struct rdt_span in, bool *wide)
{
    size_t n = 0;
    uint64_t all = 0;
    for (uint64_t w; in.n - n >= sizeof w; n += sizeof w) {
        memcpy(&w, in.p + n, sizeof w);
        uint64_t quote = w ^ EACH('"'), back = w ^ EACH('\\');
        uint64_t stop =
            ((w - EACH(0x20)) & ~w) | ((quote - EACH(1)) & ~quote) | ((back - EACH(1)) & ~back);
        if ((stop & EACH(0x80)) != 0)
            break;
        all |= w;
    }
    for (; n < in.n && in.p[n] >= 0x20 && in.p[n] != '"' && in.p[n] != '\\'; n++)
        all |= in.p[n];
    *wide = *wide || (all & EACH(0x80)) != 0;
    return n;
}

static bool
take_hex4(struct rdt_span *in, uint32_t *out)
{
    struct rdt_span digits;
    uint32_t code = 0;
    if (!rdt_take(in, 4, &digits))
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        uint8_t c = digits.p[i];
        uint8_t letter = c | 0x20;
        if (c >= '0' && c <= '9')
            code = code << 4 | (uint32_t)(c - '0');
        else if (letter >= 'a' && letter <= 'f')
            code = code << 4 | (uint32_t)(letter - 'a' + 10);
        else
            return false;
    }
    *out = code;
    return true;
}

/* What follows "\u": one code unit, or two that make a character.  Neither NUL nor half of one. */
static bool
take_code(struct rdt_span *in, uint32_t *out)
{
    struct rdt_span mark;
    uint32_t high, low;
    if (!take_hex4(in, &high) || high == 0)
        return false;
    *out = high;
    if (high < 0xd800 || high > 0xdfff)
        return true;
    if (high > 0xdbff || !rdt_take(in, 2, &mark) || !rdt_span_is(mark, "\\u") ||
        !take_hex4(in, &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    *out = 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
    return true;
}

/* UTF-8 of one character: shorter than the escape that it comes from. */
static size_t
put_code(uint8_t *out, uint32_t code)
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
    out[0] = (uint8_t)(n == 1 ? code : (0xf00u >> n & 0xf0) | code);
    return n;
}

/* One escape, written at out; how many bytes, 0 when it is none. */
static size_t
take_escape(struct rdt_span *in, uint8_t *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    struct rdt_span mark;
    uint32_t code;
    if (!rdt_take(in, 2, &mark) || mark.p[0] != '\\')
        return 0;
    if (mark.p[1] == 'u')
        return take_code(in, &code) ? put_code(out, code) : 0;
    for (size_t i = 0; i < sizeof from - 1; i++) {
        if (mark.p[1] == (uint8_t)from[i]) {
            *out = (uint8_t)to[i];
            return 1;
        }
    }
    return 0;
}

/* quote *( plain | escape ) quote.  What is written never overtakes what is read. */
static bool
scan_string(struct scan *s)
{
    struct rdt_span run;
    bool wide = false;
    struct rdt_jtok *tok = take_byte(s, '"') ? add(s, RDT_J_STRING, 0) : NULL;
    if (tok == NULL)
        return false;
    uint8_t *out = s->text + tok->start;
    while (!take_byte(s, '"')) {
        size_t n = run_of_plain(s->in, &wide);
        if (!rdt_take(&s->in, n, &run))
            return false;
        if (n != 0 && out != run.p)
            memmove(out, run.p, n);
        else if (n == 0)
            n = take_escape(&s->in, out);
        if (n == 0)
            return false;
        out += n;
    }
    tok->n = (uint32_t)(out - s->text) - tok->start;
    return !wide || rdt_text_utf8((struct rdt_span){s->text + tok->start, tok->n});
}

/* ---- numbers and words */

static size_t
run_of_digits(struct rdt_span in, size_t from)
{
    size_t n = from;
    while (n < in.n && in.p[n] >= '0' && in.p[n] <= '9')
        n++;
    return n - from;
}

/* [ "-" ] ( "0" | 1..9 digits ) [ "." digits ] [ e [ sign ] digits ] */
static bool
scan_number(struct scan *s)
{
    struct rdt_span in = s->in, number;
    size_t n = in.p[0] == '-', digits = run_of_digits(in, n);
    if (digits == 0 || (digits > 1 && in.p[n] == '0'))
        return false;
    n += digits;
    if (n < in.n && in.p[n] == '.') {
        digits = run_of_digits(in, ++n);
        n += digits;
    }
    if (digits != 0 && n < in.n && (in.p[n] | 0x20) == 'e') {
        n++;
        n += n < in.n && (in.p[n] == '+' || in.p[n] == '-');
        digits = run_of_digits(in, n);
        n += digits;
    }
    return digits != 0 && add(s, RDT_J_NUMBER, (uint32_t)n) != NULL && rdt_take(&s->in, n, &number);
}

static bool
scan_word(struct scan *s, const char *word, enum rdt_jtype type)
{
    struct rdt_span got;
    return add(s, type, 0) != NULL && rdt_take(&s->in, strlen(word), &got) &&
           rdt_span_is(got, word);
}

/* ---- arrays and objects */

static struct rdt_span
name_of(const struct rdt_jdoc *doc, uint16_t tok)
{
    return (struct rdt_span){doc->text + doc->tok[tok].start, doc->tok[tok].n};
}

/* Any order will do to bring equal names together; that by length needs the least looking. */
static int
name_cmp(const struct rdt_jdoc *doc, uint16_t a, uint16_t b)
{
    uint32_t a_n = doc->tok[a].n, b_n = doc->tok[b].n;
    return a_n != b_n ? (a_n > b_n) - (a_n < b_n) : rdt_span_cmp(name_of(doc, a), name_of(doc, b));
}

/* Merge sort: its time does not depend on the names, so that nobody can choose slow ones. */
static bool
sorted_differ(const struct rdt_jdoc *doc, uint16_t *names, size_t n)
{
    uint16_t other[NAMES_MAX], *from = names, *to = other;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t mid = lo + width < n ? lo + width : n;
            size_t end = lo + 2 * width < n ? lo + 2 * width : n;
            for (size_t a = lo, b = mid, k = lo; k < end; k++) {
                int c = a == mid ? 1 : b == end ? -1 : name_cmp(doc, from[a], from[b]);
                if (c == 0)
                    return false; /* equal names meet in some merge */
                to[k] = c < 0 ? from[a++] : from[b++];
            }
        }
        uint16_t *swap = from;
        from = to;
        to = swap;
    }
    return true;
}

/* Whether the names of a finished object are all different. */
static bool
names_differ(const struct rdt_jdoc *doc, uint32_t object)
{
    uint16_t names[NAMES_MAX];
    size_t n = 0;
    for (uint32_t i = object + 1; i < doc->n; i = doc->tok[i + 1].next)
        names[n++] = (uint16_t)i;
    if (n > FEW_NAMES)
        return sorted_differ(doc, names, n);
    for (size_t a = 1; a < n; a++)
        for (size_t b = 0; b < a; b++)
            if (name_cmp(doc, names[a], names[b]) == 0)
                return false;
    return true;
}

static bool
scan_member(struct scan *s)
{
    skip_space(s);
    if (!scan_string(s))
        return false;
    skip_space(s);
    return take_byte(s, ':') && scan_value(s);
}

/* open [ item *( "," item ) ] close; open is there already */
static bool
scan_list(struct scan *s, enum rdt_jtype type)
{
    uint8_t close = type == RDT_J_OBJECT ? '}' : ']';
    uint32_t at = s->doc->n;
    struct rdt_jtok *tok = add(s, type, 0);
    struct rdt_span open;
    if (tok == NULL || ++s->depth > RDT_JTOK_DEPTH_MAX || !rdt_take(&s->in, 1, &open))
        return false;
    skip_space(s);
    if (!take_byte(s, close)) {
        do {
            if (!(type == RDT_J_OBJECT ? scan_member(s) : scan_value(s)))
                return false;
            tok->count++;
            skip_space(s);
        } while (take_byte(s, ','));
        if (!take_byte(s, close))
            return false;
    }
    s->depth--;
    tok->next = s->doc->n;
    return type != RDT_J_OBJECT || names_differ(s->doc, at);
}

static bool
scan_value(struct scan *s)
{
    skip_space(s);
    if (s->in.n == 0)
        return false;
    switch (s->in.p[0]) {
    case '"':
        return scan_string(s);
    case '{':
        return scan_list(s, RDT_J_OBJECT);
    case '[':
        return scan_list(s, RDT_J_ARRAY);
    case 't':
        return scan_word(s, "true", RDT_J_TRUE);
    case 'f':
        return scan_word(s, "false", RDT_J_FALSE);
    case 'n':
        return scan_word(s, "null", RDT_J_NULL);
    default:
        return scan_number(s);
    }
}

bool
rdt_jscan(uint8_t *text, size_t n, struct rdt_jdoc *out)
{
    struct scan s = {
        .in = {text, n},
          .text = text, .doc = out
    };
    out->text = text;
    out->n = 0; /* tok is left as it was: 40 KiB */
    if (n > UINT32_MAX)
        return false;
    skip_space(&s);
    if (s.in.n == 0 || (s.in.p[0] != '{' && s.in.p[0] != '['))
        return false;
    bool ok = scan_value(&s);
    skip_space(&s);
    ok = ok && s.in.n == 0;
    if (!ok)
        out->n = 0;
    return ok;
}

/* ---- what was read */

uint32_t
rdt_jget(const struct rdt_jdoc *doc, uint32_t obj, const char *name)
{
    struct rdt_span want = rdt_span_str(name);
    if (obj >= doc->n || doc->tok[obj].type != RDT_J_OBJECT)
        return 0;
    for (uint32_t i = obj + 1; i < doc->tok[obj].next; i = doc->tok[i + 1].next)
        if (rdt_span_eq(rdt_jspan(doc, i), want))
            return doc->tok[i + 1].type == RDT_J_NULL ? 0 : i + 1;
    return 0;
}

struct rdt_span
rdt_jspan(const struct rdt_jdoc *doc, uint32_t tok)
{
    struct rdt_span none = {doc->text, 0};
    if (tok >= doc->n || (doc->tok[tok].type != RDT_J_STRING && doc->tok[tok].type != RDT_J_NUMBER))
        return none;
    return (struct rdt_span){doc->text + doc->tok[tok].start, doc->tok[tok].n};
}

bool
rdt_jint(const struct rdt_jdoc *doc, uint32_t tok, int64_t *out)
{
    struct rdt_span digits = rdt_jspan(doc, tok);
    if (digits.n == 0 || doc->tok[tok].type != RDT_J_NUMBER)
        return false;
    bool minus = digits.p[0] == '-';
    int64_t v = 0; /* below zero all the way: there is one number more on that side */
    for (size_t i = minus; i < digits.n; i++)
        if (digits.p[i] < '0' || digits.p[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, digits.p[i] - '0', &v))
            return false;
    if (!minus && v == INT64_MIN)
        return false;
    *out = minus ? v : -v;
    return true;
}
