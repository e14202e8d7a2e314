#include "field/parts.h"

#include "field/token_internal.h"

#include <utf8proc.h>

/* A value's parts, one after the other. */
struct walk {
    struct rdt_span value;
    size_t at, points; /* bytes and code points gone */
};

/* The next code point and its bytes; false at the end, or where it is no UTF-8 (bad). */
static bool
next(struct walk *walk, int32_t *point, bool *bad)
{
    utf8proc_int32_t c;
    if (walk->at == walk->value.n)
        return false;
    utf8proc_ssize_t n = utf8proc_iterate(walk->value.p + walk->at,
                                          (utf8proc_ssize_t)(walk->value.n - walk->at), &c);
    if (n <= 0) {
        *bad = true;
        return false;
    }
    walk->at += (size_t)n;
    walk->points++;
    *point = c;
    return true;
}

/* Letters, marks and digits. */
static bool
of_word(int32_t point)
{
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

static bool
next_prefix(struct walk *walk, struct rdt_span *part, bool *bad)
{
    int32_t point;
    do {
        if (walk->points == RDT_PREFIX_MOST || !next(walk, &point, bad))
            return false;
    } while (walk->points < RDT_PREFIX_LEAST);
    *part = (struct rdt_span){walk->value.p, walk->at};
    return true;
}

static bool
next_word(struct walk *walk, struct rdt_span *part, bool *bad)
{
    int32_t point;
    size_t before = walk->at, from = 0;
    bool within = false;
    while (next(walk, &point, bad)) {
        bool word = of_word(point);
        if (word && !within)
            from = before;
        if (!word && within) {
            *part = (struct rdt_span){walk->value.p + from, before - from};
            return true;
        }
        within = word;
        before = walk->at;
    }
    *part = (struct rdt_span){walk->value.p + from, before - from};
    return within && !*bad;
}

static bool
next_part(unsigned kind, struct walk *walk, struct rdt_span *part, bool *bad)
{
    return kind == RDT_INDEX_PREFIX ? next_prefix(walk, part, bad) : next_word(walk, part, bad);
}

/* In order, so that it does not tell which part stands where; false: no room. */
static bool
insert(struct rdt_tokens *tokens, const uint8_t *token)
{
    struct rdt_span one = {token, RDT_TOKEN_LEN};
    size_t i = tokens->n;
    while (i > 0 && rdt_span_cmp((struct rdt_span){tokens->at[i - 1], RDT_TOKEN_LEN}, one) > 0)
        i--;
    if (i > 0 && rdt_span_eq((struct rdt_span){tokens->at[i - 1], RDT_TOKEN_LEN}, one))
        return true;
    if (tokens->n == RDT_TOKENS_MAX)
        return false;
    memmove(tokens->at[i + 1], tokens->at[i], (tokens->n - i) * RDT_TOKEN_LEN);
    memcpy(tokens->at[i], token, RDT_TOKEN_LEN);
    tokens->n++;
    return true;
}

static bool
of_parts(const struct rdt_index_keys *keys)
{
    return keys->kind == RDT_INDEX_PREFIX || keys->kind == RDT_INDEX_WORD;
}

enum rdt_field_fault
rdt_tokens_put(struct rdt_worker *worker, const struct rdt_index_keys *keys, struct rdt_span value,
               struct rdt_tokens *out)
{
    struct walk walk = {.value = value};
    struct rdt_span part;
    uint8_t token[RDT_TOKEN_LEN];
    bool bad = false;
    enum rdt_field_fault fault = of_parts(keys) ? RDT_FIELD_OK : RDT_FIELD_INDEX;
    out->n = 0;
    while (fault == RDT_FIELD_OK && next_part(keys->kind, &walk, &part, &bad)) {
        fault = rdt_token_of(worker, keys, part, token);
        if (fault == RDT_FIELD_OK && !insert(out, token))
            fault = RDT_FIELD_TOO_LONG;
    }
    if (fault == RDT_FIELD_OK && bad)
        fault = RDT_FIELD_TEXT;
    if (fault != RDT_FIELD_OK)
        out->n = 0;
    return fault;
}

enum rdt_field_fault
rdt_tokens_ask(struct rdt_worker *worker, const struct rdt_index_keys *keys, struct rdt_span part,
               uint8_t out[static RDT_TOKEN_LEN])
{
    struct walk walk = {.value = part};
    struct rdt_span found, one = {0};
    bool bad = false;
    size_t n = 0;
    if (!of_parts(keys))
        return RDT_FIELD_INDEX;
    while (next_part(keys->kind, &walk, &found, &bad)) {
        one = found; /* of beginnings the last: the longest */
        n++;
    }
    if (bad)
        return RDT_FIELD_TEXT;
    if (n == 0 || (keys->kind == RDT_INDEX_WORD && (n != 1 || one.n != part.n)))
        return RDT_FIELD_FORM;
    return rdt_token_of(worker, keys, one, out);
}
