#include "kms/policy_internal.h"

static void
one_text(struct policy_got *out, struct rdt_span text)
{
    out->is = text.n == 0 ? IS_ABSENT : IS_PRESENT;
    out->one = text;
    out->texts = &out->one;
    out->n = 1;
}

/* A value that may be empty: of a pair whose name is in the request. */
static void
some_text(struct policy_got *out, struct rdt_span text)
{
    one_text(out, text);
    out->is = IS_PRESENT;
}

static void
truth(struct policy_got *out, bool value)
{
    one_text(out, rdt_span_str(value ? "true" : "false"));
}

static void
number(struct policy_got *out, int64_t value)
{
    size_t at = sizeof out->digits;
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        out->digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    if (value < 0)
        out->digits[--at] = '-';
    one_text(out, (struct rdt_span){(const uint8_t *)out->digits + at, sizeof out->digits - at});
    if (__builtin_mul_overflow(value, POLICY_UNIT, &out->number))
        out->number = value < 0 ? INT64_MIN : INT64_MAX;
}

static void
many(struct policy_got *out, const struct rdt_span *texts, size_t n)
{
    out->is = n == 0 ? IS_ABSENT : IS_PRESENT;
    out->texts = texts;
    out->n = n;
}

/*
 * A condition key's name has no case, those in an encryption context have: where two of a request
 * differ by no more than that, nobody can say which one the policy means.
 */
static void
context_value(const struct rdt_policy_ask *ask, struct rdt_span name, struct policy_got *out)
{
    size_t hits = 0;
    for (size_t i = 0; i < ask->n_context; i++) {
        if (!rdt_policy_nocase(ask->context_keys[i], name))
            continue;
        hits++;
        some_text(out, ask->context_values[i]);
    }
    if (hits > 1)
        out->is = IS_UNCLEAR;
}

static void
request_tag(const struct rdt_policy_ask *ask, struct rdt_span name, struct policy_got *out)
{
    for (size_t i = 0; ask->request_tag_values != NULL && i < ask->n_request_tags; i++)
        if (rdt_span_eq(ask->request_tag_keys[i], name))
            some_text(out, ask->request_tag_values[i]);
}

static void
resource_tag(const struct rdt_policy_ask *ask, struct rdt_span name, struct policy_got *out)
{
    struct rdt_span value;
    if (ask->resource_tag != NULL && ask->resource_tag(ask->user, name, &value))
        some_text(out, value);
}

static void
aliases(const struct rdt_policy_ask *ask, struct policy_got *out)
{
    size_t n = 0;
    if (ask->resource_aliases != NULL)
        n = ask->resource_aliases(ask->user, out->aliases, POLICY_ALIASES);
    many(out, out->aliases, n);
    if (n >= POLICY_ALIASES)
        out->is = IS_UNCLEAR; /* there may be more */
}

static void
source(const struct rdt_policy_ask *ask, struct policy_got *out)
{
    one_text(out, ask->source_ip);
    if (out->is == IS_PRESENT && !rdt_policy_address(ask->source_ip, out->source))
        out->is = IS_UNCLEAR;
}

/* What follows the last / of arn:aws:iam::ACCOUNT:user/PATH/NAME. */
static void
username(const struct rdt_policy_ask *ask, struct policy_got *out)
{
    struct rdt_span parts[6];
    if (!rdt_policy_parts(ask->principal, parts) ||
        !rdt_policy_match(SHAPE_PREFIX, rdt_span_str("user/*"), parts[5]))
        return;
    const uint8_t *slash = memrchr(parts[5].p, '/', parts[5].n);
    one_text(out, (struct rdt_span){slash + 1, (size_t)(parts[5].p + parts[5].n - slash) - 1});
}

static void
resource_account(const struct rdt_policy_ask *ask, struct policy_got *out)
{
    struct rdt_span parts[6];
    if (rdt_policy_parts(ask->resource, parts))
        one_text(out, parts[4]);
}

static void
get_named(const struct rdt_policy_ask *ask, enum policy_key_id key, struct rdt_span name,
          struct policy_got *out)
{
    if (key == KEY_CONTEXT)
        context_value(ask, name, out);
    else if (key == KEY_RESOURCE_TAG)
        resource_tag(ask, name, out);
    else if (key == KEY_REQUEST_TAG)
        request_tag(ask, name, out);
}

static void
get_text(const struct rdt_policy_ask *ask, enum policy_key_id key, struct policy_got *out)
{
    if (key == KEY_SPEC)
        one_text(out, ask->key_spec);
    else if (key == KEY_USAGE)
        one_text(out, ask->key_usage);
    else if (key == KEY_ORIGIN)
        one_text(out, ask->key_origin);
    else if (key == KEY_REQUEST_ALIAS)
        one_text(out, ask->request_alias);
    else if (key == KEY_ACCOUNT)
        one_text(out, ask->account);
    else if (key == KEY_RESOURCE_ACCOUNT)
        resource_account(ask, out);
    else if (key == KEY_PRINCIPAL_ARN)
        one_text(out, ask->principal);
    else if (key == KEY_USERNAME)
        username(ask, out);
}

void
rdt_policy_get(const struct rdt_policy_ask *ask, enum policy_key_id key, struct rdt_span name,
               struct policy_got *out)
{
    out->is = IS_ABSENT;
    switch (key) {
    case KEY_NEVER:
        return;
    case KEY_FALSE:
        truth(out, false);
        return;
    case KEY_CONTEXT:
    case KEY_RESOURCE_TAG:
    case KEY_REQUEST_TAG:
        get_named(ask, key, name, out);
        return;
    case KEY_CONTEXT_KEYS:
        many(out, ask->context_keys, ask->n_context);
        return;
    case KEY_TAG_KEYS:
        many(out, ask->request_tag_keys, ask->n_request_tags);
        return;
    case KEY_RESOURCE_ALIASES:
        aliases(ask, out);
        return;
    case KEY_SAME_KEY:
        if (ask->reencrypt_same_key >= 0)
            truth(out, ask->reencrypt_same_key != 0);
        return;
    case KEY_WINDOW:
        if (ask->pending_window_days != 0)
            number(out, ask->pending_window_days);
        return;
    case KEY_TIME:
        number(out, ask->now_s);
        return;
    case KEY_BYPASS:
        truth(out, ask->bypass_lockout_check);
        return;
    case KEY_SECURE:
        truth(out, ask->secure_transport);
        return;
    case KEY_SOURCE_IP:
        source(ask, out);
        return;
    default:
        get_text(ask, key, out);
    }
}
