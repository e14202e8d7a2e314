#include "kms/policy_internal.h"

/* Unclear: the request does not say it in a way that a policy could be held against. An allow then
 * does not apply, a deny does. */
enum verdict { NO, UNCLEAR, YES };

/* What all statements look at, made once. */
struct asking {
    const struct rdt_policy *policy;
    const struct rdt_policy_ask *ask;
    struct rdt_span action; /* in lower case */
    uint8_t folded[POLICY_ACTION_LEN];
};

/* ---- conditions ---- */

static bool
compare(enum policy_order order, int64_t have, int64_t want)
{
    switch (order) {
    case ORDER_LT:
        return have < want;
    case ORDER_LE:
        return have <= want;
    case ORDER_GT:
        return have > want;
    case ORDER_GE:
        return have >= want;
    default:
        return have == want;
    }
}

static bool
matches_number(const struct policy_condition *c, int64_t have, struct rdt_span value)
{
    int64_t want;
    memcpy(&want, value.p, sizeof want);
    return compare(c->order, have, want);
}

/* Whether one value of the request matches any of the policy's. */
static bool
matches_any(const struct rdt_policy *policy, const struct policy_condition *c,
            const struct policy_got *got, struct rdt_span text)
{
    const struct policy_value *value = policy->values + c->values.first;
    for (size_t i = 0; i < c->values.n; i++, value++) {
        struct rdt_span want = rdt_policy_text(policy, value);
        bool hit = c->test == TEST_NUMBER    ? matches_number(c, got->number, want)
                   : c->test == TEST_NETWORK ? rdt_policy_inside(want.p, got->source)
                   : c->test == TEST_NOCASE  ? rdt_policy_nocase(want, text)
                                             : rdt_policy_match(value->shape, want, text);
        if (hit)
            return true;
    }
    return false;
}

static bool
matches_null(const struct rdt_policy *policy, const struct policy_condition *c, bool absent)
{
    const struct policy_value *value = policy->values + c->values.first;
    for (size_t i = 0; i < c->values.n; i++, value++)
        if (rdt_span_is(rdt_policy_text(policy, value), "true") == absent)
            return true;
    return false;
}

static bool
absent_holds(const struct policy_condition *c)
{
    if (c->if_exists || c->set == SET_ALL)
        return true;
    return c->set == SET_ONE && c->negated;
}

static enum verdict
holds(const struct rdt_policy *policy, const struct policy_condition *c,
      const struct rdt_policy_ask *ask)
{
    struct policy_got got;
    rdt_policy_get(ask, c->key, rdt_policy_text(policy, &c->name), &got);
    if (got.is == IS_UNCLEAR)
        return UNCLEAR;
    bool absent = got.is == IS_ABSENT;
    if (c->test == TEST_NULL)
        return matches_null(policy, c, absent) ? YES : NO;
    if (absent)
        return absent_holds(c) ? YES : NO;
    bool all = true, any = false;
    for (size_t i = 0; i < got.n; i++) {
        bool hit = matches_any(policy, c, &got, got.texts[i]) != c->negated;
        all = all && hit;
        any = any || hit;
    }
    return (c->set == SET_ANY ? any : all) ? YES : NO;
}

/* ---- statements ---- */

static bool
listed(const struct rdt_policy *policy, struct policy_slice slice, struct rdt_span text)
{
    const struct policy_value *value = policy->values + slice.first;
    for (size_t i = 0; i < slice.n; i++, value++)
        if (rdt_policy_match(value->shape, rdt_policy_text(policy, value), text))
            return true;
    return false;
}

/* arn:aws:iam::ACCOUNT:root, of this account */
static bool
is_root(const struct rdt_policy_ask *ask)
{
    struct rdt_span parts[6];
    return rdt_policy_parts(ask->principal, parts) && rdt_span_is(parts[2], "iam") &&
           rdt_span_is(parts[5], "root") && rdt_span_eq(parts[4], ask->account);
}

/* DELEGATE: the account is named, not the caller. */
static enum rdt_policy_answer
named(const struct rdt_policy *policy, struct policy_slice slice, const struct rdt_policy_ask *ask)
{
    enum rdt_policy_answer answer = RDT_POLICY_SILENT;
    const struct policy_value *value = policy->values + slice.first;
    for (size_t i = 0; i < slice.n; i++, value++) {
        struct rdt_span text = rdt_policy_text(policy, value);
        if (value->shape == SHAPE_ANY ||
            (value->shape == SHAPE_CALLER && rdt_span_eq(text, ask->principal)))
            return RDT_POLICY_ALLOW;
        if (value->shape == SHAPE_ACCOUNT && rdt_span_eq(text, ask->account))
            answer = RDT_POLICY_DELEGATE;
    }
    return answer;
}

/* Who it is about. An account under NotPrincipal spares its root alone, as in AWS: whoever writes
 * it there would otherwise spare everybody. */
static enum rdt_policy_answer
about_caller(const struct rdt_policy *policy, const struct policy_statement *s,
             const struct rdt_policy_ask *ask)
{
    if (policy->kind == RDT_POLICY_IDENTITY)
        return RDT_POLICY_ALLOW;
    enum rdt_policy_answer answer = named(policy, s->principals, ask);
    if (!s->not_principal)
        return answer;
    bool spared = answer == RDT_POLICY_ALLOW || (answer == RDT_POLICY_DELEGATE && is_root(ask));
    return spared ? RDT_POLICY_SILENT : RDT_POLICY_ALLOW;
}

static enum verdict
conditions_hold(const struct asking *a, const struct policy_statement *s)
{
    enum verdict worst = YES;
    struct policy_slice slice = s->conditions;
    if (a->ask->any_condition)
        return slice.n == 0 || s->allow ? YES : NO;
    const struct policy_condition *c = a->policy->conditions + slice.first;
    for (size_t i = 0; i < slice.n && worst != NO; i++, c++) {
        enum verdict verdict = holds(a->policy, c, a->ask);
        if (verdict < worst)
            worst = verdict;
    }
    return worst;
}

/* SILENT, ALLOW or DELEGATE for a statement that applies; a deny that applies is ALLOW too. */
static enum rdt_policy_answer
applies(const struct asking *a, const struct policy_statement *s)
{
    if (listed(a->policy, s->actions, a->action) == s->not_action)
        return RDT_POLICY_SILENT;
    enum rdt_policy_answer who = about_caller(a->policy, s, a->ask);
    if (who == RDT_POLICY_SILENT)
        return RDT_POLICY_SILENT;
    if (listed(a->policy, s->resources, a->ask->resource) == s->not_resource)
        return RDT_POLICY_SILENT;
    enum verdict verdict = conditions_hold(a, s);
    return verdict == YES || (verdict == UNCLEAR && !s->allow) ? who : RDT_POLICY_SILENT;
}

static bool
fold(struct asking *a, struct rdt_span action)
{
    if (action.n == 0 || action.n > sizeof a->folded)
        return false;
    for (size_t i = 0; i < action.n; i++) {
        uint8_t c = action.p[i];
        a->folded[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
    a->action = (struct rdt_span){a->folded, action.n};
    return true;
}

enum rdt_policy_answer
rdt_policy_ask(const struct rdt_policy *policy, const struct rdt_policy_ask *ask)
{
    struct asking a;
    a.policy = policy;
    a.ask = ask;
    if (!fold(&a, ask->action) || ask->resource.n == 0 || ask->principal.n == 0 ||
        ask->account.n == 0)
        return RDT_POLICY_DENY; /* a deny might have been about what is missing */
    enum rdt_policy_answer answer = RDT_POLICY_SILENT;
    for (size_t i = 0; i < policy->n_statements; i++) {
        const struct policy_statement *s = &policy->statements[i];
        enum rdt_policy_answer got = applies(&a, s);
        if (got == RDT_POLICY_SILENT)
            continue;
        if (!s->allow)
            return RDT_POLICY_DENY;
        if (got == RDT_POLICY_ALLOW)
            return RDT_POLICY_ALLOW; /* denies came first */
        answer = got;
    }
    return answer;
}

bool
rdt_policy_decide(const struct rdt_policy *key, const struct rdt_policy *identity,
                  const struct rdt_policy_ask *ask)
{
    enum rdt_policy_answer by_key = key == NULL ? RDT_POLICY_DELEGATE : rdt_policy_ask(key, ask);
    if (by_key == RDT_POLICY_DENY || by_key == RDT_POLICY_SILENT)
        return false;
    enum rdt_policy_answer by_identity =
        identity == NULL ? RDT_POLICY_SILENT : rdt_policy_ask(identity, ask);
    if (by_identity == RDT_POLICY_DENY)
        return false;
    return by_key == RDT_POLICY_ALLOW || by_identity == RDT_POLICY_ALLOW;
}
