#include "evidence/scrub.h"

#include "base/text.h"

#define BLANKS_MAX 8  /* between a field's name, its separator and its value */
#define ESCAPES_MAX 3 /* backslashes before a quote: JSON inside JSON inside JSON */
#define PEM_LABEL_MAX 64
#define RANDOM_SHARE 5 /* one change in so many letters is more than words have */
#define BEARER_MIN 6   /* shorter words after "Bearer" or "Basic" are prose */

#define HIDDEN "[hidden]"
#define HIDDEN_MAIL "[e-mail]"
#define HIDDEN_KEY "[private key]"

struct scrub {
    struct rdt_span in;
    struct rdt_buf *out;
    size_t run_end; /* end of the unbroken run that was looked at last: */
    size_t run_at;  /* each run is searched once, which keeps the whole linear */
};

/* Ends of field names whose value is a secret; '-' and '.' count as '_'. */
static const struct {
    const char *word;
    bool whole; /* not as the end of a longer word: "compass" is none */
} secret_names[] = {
    {"password",          false},
    {"passwd",            false},
    {"passphrase",        false},
    {"pwd",               true },
    {"pass",              true },
    {"pgpassword",        false},
    {"secret",            false},
    {"token",             false},
    {"api_key",           false},
    {"apikey",            false},
    {"access_key",        false},
    {"secret_key",        false},
    {"private_key",       false},
    {"encryption_key",    false},
    {"authorization",     false},
    {"cookie",            false},
    {"cookie2",           false},
    {"credential",        false},
    {"credentials",       false},
    {"amz_signature",     false},
    {"sig",               true },
    {"signing_key",       false},
    {"master_key",        false},
    {"connection_string", false},
    {"secret_access_key", false},
    {"account_key",       false},
};

/* How published kinds of token begin, and how long the whole is at least. */
static const struct {
    const char *start;
    size_t min;
} known_tokens[] = {
    {"AKIA",             16},
    {"ASIA",             16},
    {"AIza",             20},
    {"ghp_",             20},
    {"gho_",             20},
    {"ghu_",             20},
    {"ghs_",             20},
    {"ghr_",             20},
    {"github_pat_",      20},
    {"glpat-",           16},
    {"xoxb-",            16},
    {"xoxp-",            16},
    {"xoxa-",            16},
    {"xoxr-",            16},
    {"xoxs-",            16},
    {"sk_live_",         16},
    {"sk_test_",         16},
    {"rk_live_",         16},
    {"whsec_",           16},
    {"sk-",              20},
    {"hvs.",             16},
    {"hvb.",             16},
    {"npm_",             20},
    {"pypi-",            20},
    {"SG.",              20},
    {"eyJ",              16},
    {"dop_v1_",          20},
    {"AGE-SECRET-KEY-1", 20},
};

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool
is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool
is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool
is_alnum(uint8_t c)
{
    return is_digit(c) || is_lower(c) || is_upper(c);
}

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool
is_token(uint8_t c)
{
    return is_alnum(c) || c >= 0x80 || (c != '\0' && strchr("+/_.~%-", c) != NULL);
}

/* Lower case, and one sign for all that joins words. */
static uint8_t
fold(uint8_t c)
{
    if (is_upper(c))
        return (uint8_t)(c + ('a' - 'A'));
    return c == '-' || c == '.' || c == '/' ? '_' : c;
}

/* The byte at i, or NUL behind the end. */
static uint8_t
at(const struct scrub *s, size_t i)
{
    return i < s->in.n ? s->in.p[i] : '\0';
}

static struct rdt_span
part(const struct scrub *s, size_t from, size_t to)
{
    return (struct rdt_span){s->in.p + from, to - from};
}

/* Length of the character at the start of a text that may be shown; 0 where it may not. */
static size_t
shown(struct rdt_span text)
{
    uint8_t c = text.p[0];
    if (c < 0x80)
        return (c >= ' ' && c != 0x7F) || c == '\t' || c == '\n' || c == '\r';
    size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (text.n < n || !rdt_text_utf8((struct rdt_span){text.p, n}))
        return 0;
    return c == 0xC2 && text.p[1] < 0xA0 ? 0 : n; /* U+0080 to U+009F steer terminals */
}

static void
emit(struct scrub *s, struct rdt_span text)
{
    while (text.n > 0) {
        size_t n = shown(text);
        if (n == 0) {
            rdt_buf_fmt(s->out, "\\x%02x", text.p[0]);
            n = 1;
        } else {
            rdt_buf_add(s->out, text.p, n);
        }
        text.p += n;
        text.n -= n;
    }
}

static size_t
skip_blanks(const struct scrub *s, size_t i)
{
    for (size_t n = 0; n < BLANKS_MAX && is_blank(at(s, i)); n++)
        i++;
    return i;
}

/* The quote at i, perhaps behind backslashes, or NUL; *n_escapes of them. */
static uint8_t
quote_at(const struct scrub *s, size_t i, size_t *n_escapes)
{
    size_t n = 0;
    while (n < ESCAPES_MAX && at(s, i + n) == '\\')
        n++;
    uint8_t c = at(s, i + n);
    *n_escapes = n;
    return c == '"' || c == '\'' ? c : '\0';
}

/* The end of the text in quotes that begins at i; of the input when it is never closed. */
static size_t
quoted_end(const struct scrub *s, size_t i, uint8_t quote, size_t n_escapes)
{
    size_t escapes = 0;
    while (i < s->in.n) {
        uint8_t c = at(s, i);
        if (c == quote && escapes == n_escapes) {
            if (at(s, i + 1) != quote || n_escapes != 0)
                return i - n_escapes;
            i++; /* SQL doubles a quote to mean one */
        }
        /* a pair of backslashes means one, so only an odd one reaches the quote */
        escapes = c == '\\' ? (n_escapes == 0 ? !escapes : escapes + 1) : 0;
        i++;
    }
    return s->in.n;
}

static size_t
brackets_end(const struct scrub *s, size_t i)
{
    size_t depth = 0;
    for (; i < s->in.n; i++) {
        uint8_t c = at(s, i);
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        if (depth == 0)
            return i + 1;
    }
    return s->in.n;
}

/* To the end of the line and of the lines that continue it by a blank; "\n" may be spelled out. */
static size_t
line_end(const struct scrub *s, size_t i)
{
    for (; i < s->in.n; i++) {
        uint8_t c = at(s, i);
        if (c == '\n' && !is_blank(at(s, i + 1)))
            return i;
        if (c == '\\' && (at(s, i + 1) == 'n' || at(s, i + 1) == 'r'))
            return i;
    }
    return s->in.n;
}

/* To a blank, or a quote that ends the text around the value; '\\' keeps the next byte in. */
static size_t
word_end(const struct scrub *s, size_t i)
{
    for (; i < s->in.n; i++) {
        uint8_t c = at(s, i);
        if (c == '\\' && i + 1 < s->in.n && at(s, i + 1) != 'n')
            i++;
        else if (is_blank(c) || c == '\n' || c == '\r' || c == '\\')
            return i;
        else if (c == '"' && (i + 1 >= s->in.n || strchr(",}] \t\r\n", at(s, i + 1)) != NULL))
            return i;
    }
    return s->in.n;
}

static size_t
json_word_end(const struct scrub *s, size_t i)
{
    while (i < s->in.n && strchr(",}] \t\r\n", at(s, i)) == NULL)
        i++;
    return i;
}

/* Shows what stands from token to the value at i, hides the value, returns where it ends. */
static size_t
hide_value(struct scrub *s, size_t token, size_t i, uint8_t separator, bool json)
{
    size_t n_escapes, end;
    uint8_t quote = quote_at(s, i, &n_escapes);
    if (quote != '\0') {
        i += n_escapes + 1;
        end = quoted_end(s, i, quote, n_escapes);
    } else if (at(s, i) == '[' || at(s, i) == '{') {
        end = brackets_end(s, i);
    } else if (json) {
        end = json_word_end(s, i);
    } else {
        end = separator == ':' ? line_end(s, i) : word_end(s, i);
    }
    if (end < i)
        end = i;
    emit(s, part(s, token, i));
    if (end > i)
        rdt_buf_str(s->out, HIDDEN);
    return end;
}

static bool
names_secret(struct rdt_span token)
{
    for (size_t k = 0; k < RDT_COUNT(secret_names); k++) {
        const char *word = secret_names[k].word;
        size_t n = strlen(word), i = 0;
        if (token.n < n)
            continue;
        const uint8_t *end = token.p + token.n - n;
        while (i < n && fold(end[i]) == (uint8_t)word[i])
            i++;
        if (i == n && (!secret_names[k].whole || token.n == n || fold(end[-1]) == '_'))
            return true;
    }
    return false;
}

static bool
starts(struct rdt_span text, const char *with)
{
    size_t n = strlen(with);
    return text.n >= n && rdt_span_is((struct rdt_span){text.p, n}, with);
}

/* "/etc/passwd: no such file" tells of a file, not of a field. */
static bool
is_path(struct rdt_span token)
{
    return starts(token, "/") || starts(token, "./") || starts(token, "../");
}

/* "password = x", "password": "x", PASSWORD 'x', Cookie: x. Returns 0 where it is none. */
static size_t
secret_field(struct scrub *s, size_t from, size_t to)
{
    size_t n_escapes;
    if (!names_secret(part(s, from, to)))
        return 0;
    size_t i = to;
    bool json = quote_at(s, i, &n_escapes) != '\0';
    if (json)
        i += n_escapes + 1;
    size_t value = skip_blanks(s, i);
    uint8_t separator = at(s, value);
    if (separator == ':' && !json && is_path(part(s, from, to)))
        return 0;
    if (separator == '=' || separator == ':') {
        value++;
        if (at(s, value) == '=' || at(s, value) == '>')
            value++;
        value = skip_blanks(s, value);
    } else if (json || value == i || at(s, value) != '\'') {
        return 0;
    }
    return hide_value(s, from, value, separator, json);
}

static bool
is_word(struct rdt_span token, const char *lower)
{
    if (token.n != strlen(lower))
        return false;
    for (size_t i = 0; i < token.n; i++) {
        if (fold(token.p[i]) != (uint8_t)lower[i])
            return false;
    }
    return true;
}

/* "Bearer x", "Basic x" outside a header that we know. */
static size_t
bearer(struct scrub *s, size_t from, size_t to)
{
    struct rdt_span word = part(s, from, to);
    if (!is_word(word, "bearer") && !is_word(word, "basic"))
        return 0;
    size_t i = skip_blanks(s, to), end = i;
    while (is_token(at(s, end)) || at(s, end) == '=' || at(s, end) == ':')
        end++;
    if (i == to || end - i < BEARER_MIN)
        return 0;
    emit(s, part(s, from, i));
    rdt_buf_str(s->out, HIDDEN);
    return end;
}

/* A private key in PEM, up to its end line or the end of the input. */
static size_t
pem_key(struct scrub *s, size_t from, size_t to)
{
    static const char begin[] = "-----BEGIN ", end[] = "-----END ";
    struct rdt_span rest = part(s, from, s->in.n), label;
    if (to - from < sizeof begin - 2 || rest.n < sizeof begin ||
        !rdt_span_is((struct rdt_span){rest.p, sizeof begin - 1}, begin))
        return 0;
    label = (struct rdt_span){rest.p + sizeof begin - 1, rest.n - (sizeof begin - 1)};
    if (label.n > PEM_LABEL_MAX)
        label.n = PEM_LABEL_MAX;
    if (memmem(label.p, label.n, "PRIVATE KEY", strlen("PRIVATE KEY")) == NULL)
        return 0;
    rdt_buf_str(s->out, HIDDEN_KEY);
    const uint8_t *close = memmem(rest.p, rest.n, end, sizeof end - 1);
    if (close == NULL)
        return s->in.n;
    size_t i = (size_t)(close - s->in.p) + sizeof end - 1;
    while (i < s->in.n && (is_alnum(at(s, i)) || at(s, i) == ' '))
        i++;
    while (at(s, i) == '-')
        i++;
    return i;
}

static bool
known_token(struct rdt_span token)
{
    for (size_t i = 0; i < token.n; i++) {
        struct rdt_span rest = {token.p + i, token.n - i};
        if (i != 0 && is_alnum(token.p[i - 1]))
            continue;
        for (size_t k = 0; k < RDT_COUNT(known_tokens); k++) {
            if (rest.n >= known_tokens[k].min && starts(rest, known_tokens[k].start))
                return true;
        }
    }
    return false;
}

/* 550e8400-e29b-41d4-a716-446655440000: names things, opens nothing. */
static bool
is_uuid(struct rdt_span token)
{
    if (token.n != 36)
        return false;
    for (size_t i = 0; i < token.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? token.p[i] != '-' : !is_alnum(token.p[i]))
            return false;
    }
    return true;
}

/*
 * Words keep to one kind of letter; random text changes between digits, small and capital letters
 * at up to every second place. A capital that begins a word (small after capital) is no change,
 * so that camelCase and cipher suites stay readable.
 */
static bool
looks_random(struct rdt_span token)
{
    size_t changes = 0, run = 0, longest = 0;
    for (size_t i = 0; i < token.n; i++) {
        uint8_t c = token.p[i], was = i == 0 ? '\0' : token.p[i - 1];
        run = is_alnum(c) ? run + 1 : 0;
        longest = run > longest ? run : longest;
        if (run < 2)
            continue;
        changes += is_digit(c) != is_digit(was) || (is_lower(was) && is_upper(c));
    }
    if (is_uuid(token))
        return false;
    return longest >= RDT_SCRUB_RUN_MAX ||
           (token.n >= RDT_SCRUB_TOKEN_MIN && changes * RANDOM_SHARE >= token.n);
}

/* A dot with a letter behind it: a name that a mail could go to, and no address in numbers. */
static bool
has_domain(struct rdt_span text)
{
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] == '.' && (is_lower(fold(text.p[i + 1])) || text.p[i + 1] >= 0x80))
            return true;
    }
    return false;
}

static size_t
mail(struct scrub *s, size_t from, size_t to)
{
    struct rdt_span token = part(s, from, to);
    const uint8_t *escaped = memmem(token.p, token.n, "%40", 3);
    if (escaped != NULL) {
        struct rdt_span rest = {escaped, token.n - (size_t)(escaped - token.p)};
        if (escaped != token.p && has_domain(rest)) {
            rdt_buf_str(s->out, HIDDEN_MAIL);
            return to;
        }
    }
    if (at(s, to) != '@')
        return 0;
    size_t end = to + 1;
    while (is_token(at(s, end)))
        end++;
    if (!has_domain(part(s, to, end)))
        return 0;
    rdt_buf_str(s->out, HIDDEN_MAIL);
    return end;
}

static size_t
token(struct scrub *s, size_t from)
{
    static size_t (*const hiders[])(struct scrub *s, size_t from,
                                    size_t to) = {pem_key, secret_field, bearer, mail};
    size_t to = from;
    while (is_token(at(s, to)))
        to++;
    for (size_t k = 0; k < RDT_COUNT(hiders); k++) {
        size_t end = hiders[k](s, from, to);
        if (end != 0)
            return end;
    }
    struct rdt_span text = part(s, from, to);
    if (known_token(text) || looks_random(text))
        rdt_buf_str(s->out, HIDDEN);
    else
        emit(s, text);
    return to;
}

/* Where the last '@' of the unbroken run around i is; not behind i when there is none. */
static size_t
last_at(struct scrub *s, size_t i)
{
    if (i >= s->run_end) {
        s->run_at = 0;
        for (s->run_end = i; s->run_end < s->in.n; s->run_end++) {
            uint8_t c = at(s, s->run_end);
            if (c <= ' ' || c == '"' || c == '<' || c == '>')
                break;
            if (c == '@')
                s->run_at = s->run_end;
        }
    }
    return s->run_at;
}

/* user:password@host, with or without a scheme; all of it up to the last '@', since people put
 * '/' and '@' into passwords without escaping them. */
static size_t
after_colon(struct scrub *s, size_t i)
{
    emit(s, part(s, i, i + 1));
    if (at(s, i + 1) == '/' && at(s, i + 2) == '/')
        return i + 1;
    size_t end = last_at(s, i);
    if (end <= i + 1)
        return i + 1;
    rdt_buf_str(s->out, HIDDEN);
    return end;
}

void
rdt_scrub(struct rdt_span raw, struct rdt_buf *out)
{
    struct scrub s = {.in = raw, .out = out};
    size_t i = 0;
    while (i < raw.n) {
        if (is_token(raw.p[i])) {
            i = token(&s, i);
        } else if (raw.p[i] == ':') {
            i = after_colon(&s, i);
        } else {
            emit(&s, part(&s, i, i + 1));
            i++;
        }
    }
}
