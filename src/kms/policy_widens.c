#include "kms/policy_internal.h"

/*
 * Statement by statement: each allow of the new document must be inside one of the old, each deny
 * of the old inside one of the new. Then no request is answered more freely than before, whatever
 * it holds. What cannot be shown this way counts as wider.
 */

/* Values of one policy; `but`: all that they do not name. */
struct group {
    const struct rdt_policy *policy;
    struct policy_slice slice;
    bool but;
};

/* Whether a value of `wide` stands for all that one of `narrow` does. */
typedef bool covers_fn(const struct policy_value *wide, struct rdt_span wide_text,
                       const struct policy_value *narrow, struct rdt_span narrow_text);

static bool
has(struct rdt_span text, uint8_t byte)
{
    return text.n != 0 && memchr(text.p, byte, text.n) != NULL;
}

/*
 * Texts and patterns: those of a pattern that stand for others must not be taken for themselves. A
 * star of `wide` may swallow a star or a question mark of `narrow`; a question mark must not stand
 * for a star. Nor must a star that is only itself (StringEquals "*") cover one that stands for
 * others (StringLike "*").
 */
static bool
covers_text(const struct policy_value *wide, struct rdt_span wide_text,
            const struct policy_value *narrow, struct rdt_span narrow_text)
{
    if (wide->shape == narrow->shape && rdt_span_eq(wide_text, narrow_text))
        return true;
    if (wide->shape == SHAPE_EXACT || wide->shape > SHAPE_ARN || narrow->shape > SHAPE_ARN)
        return false;
    if (has(wide_text, '?') && has(narrow_text, '*'))
        return false;
    return rdt_policy_match(wide->shape, wide_text, narrow_text);
}

/* An account is not the same as everybody: it only passes the question on. */
static bool
covers_principal(const struct policy_value *wide, struct rdt_span wide_text,
                 const struct policy_value *narrow, struct rdt_span narrow_text)
{
    return wide->shape == SHAPE_ANY ||
           (wide->shape == narrow->shape && rdt_span_eq(wide_text, narrow_text));
}

static bool
covers_each(const struct group *wide, const struct group *narrow, covers_fn *covers)
{
    for (size_t i = 0; i < narrow->slice.n; i++) {
        const struct policy_value *n = &narrow->policy->values[narrow->slice.first + i];
        bool found = false;
        for (size_t k = 0; k < wide->slice.n && !found; k++) {
            const struct policy_value *w = &wide->policy->values[wide->slice.first + k];
            found =
                covers(w, rdt_policy_text(wide->policy, w), n, rdt_policy_text(narrow->policy, n));
        }
        if (!found)
            return false;
    }
    return true;
}

/* Of two that leave out, the one that leaves out more is inside. */
static bool
inside(const struct group *wide, const struct group *narrow, covers_fn *covers)
{
    if (wide->but != narrow->but)
        return false;
    return wide->but ? covers_each(narrow, wide, covers) : covers_each(wide, narrow, covers);
}

/* Whether `narrow` cannot hold where `wide` does not. */
static bool
condition_inside(const struct rdt_policy *wide_policy, const struct policy_condition *wide,
                 const struct rdt_policy *narrow_policy, const struct policy_condition *narrow)
{
    if (wide->test != narrow->test || wide->order != narrow->order || wide->set != narrow->set ||
        wide->key != narrow->key || wide->negated != narrow->negated ||
        wide->if_exists != narrow->if_exists ||
        !rdt_span_eq(rdt_policy_text(wide_policy, &wide->name),
                     rdt_policy_text(narrow_policy, &narrow->name)))
        return false;
    struct group w = {wide_policy, wide->values, wide->negated};
    struct group n = {narrow_policy, narrow->values, narrow->negated};
    return inside(&w, &n, covers_text);
}

static bool
conditions_inside(const struct rdt_policy *wide_policy, const struct policy_statement *wide,
                  const struct rdt_policy *narrow_policy, const struct policy_statement *narrow)
{
    for (size_t i = 0; i < wide->conditions.n; i++) {
        const struct policy_condition *c = &wide_policy->conditions[wide->conditions.first + i];
        bool found = false;
        for (size_t k = 0; k < narrow->conditions.n && !found; k++)
            found = condition_inside(wide_policy, c, narrow_policy,
                                     &narrow_policy->conditions[narrow->conditions.first + k]);
        if (!found)
            return false;
    }
    return true;
}

static bool
statement_inside(const struct rdt_policy *wp, const struct policy_statement *w,
                 const struct rdt_policy *np, const struct policy_statement *n)
{
    struct group wide[] = {
        {wp, w->actions,    w->not_action   },
        {wp, w->resources,  w->not_resource },
        {wp, w->principals, w->not_principal}
    };
    struct group narrow[] = {
        {np, n->actions,    n->not_action   },
        {np, n->resources,  n->not_resource },
        {np, n->principals, n->not_principal}
    };
    return w->allow == n->allow && inside(&wide[0], &narrow[0], covers_text) &&
           inside(&wide[1], &narrow[1], covers_text) &&
           inside(&wide[2], &narrow[2], covers_principal) && conditions_inside(wp, w, np, n);
}

/* Whether each allow (or each deny) of `narrow` is inside one of `wide`. */
static bool
all_inside(const struct rdt_policy *wide, const struct rdt_policy *narrow, bool allow)
{
    for (size_t i = 0; i < narrow->n_statements; i++) {
        if (narrow->statements[i].allow != allow)
            continue;
        bool found = false;
        for (size_t k = 0; k < wide->n_statements && !found; k++)
            found = statement_inside(wide, &wide->statements[k], narrow, &narrow->statements[i]);
        if (!found)
            return false;
    }
    return true;
}

bool
rdt_policy_widens(const struct rdt_policy *before, const struct rdt_policy *after)
{
    return before->kind != after->kind || !all_inside(before, after, true) ||
           !all_inside(after, before, false);
}
