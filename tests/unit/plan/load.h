/* load.h - plans out of text, for the tests of this room; and what is wrong with them. */
#ifndef RDT_TEST_PLAN_LOAD_H
#define RDT_TEST_PLAN_LOAD_H

#include "codec/json.h"
#include "codec/yaml.h"
#include "plan/plan.h"

#include "../test.h"

#include <stdio.h>

#define HEAD "redoubt: 1\nproduct: { id: p, name: P, owner: o }\n"
#define KEY                                                                                        \
    "purpose: x, type: symmetric, algorithm: aes-256, custody: { provider: aws-kms }, "            \
    "rotation: { every: 90d, how: auto }"

struct loaded {
    struct rdt_arena arena;
    struct rdt_diags diags;
    struct rdt_err err;
    struct rdt_plan *plan;
    enum rdt_code rc;
};

static inline void
loaded_done(struct loaded *l)
{
    rdt_plan_close(l->plan);
    rdt_diags_done(&l->diags);
    rdt_arena_done(&l->arena);
}

#define LOADED RDT_AUTO(loaded_done) struct loaded

static inline void
load_env(struct loaded *l, const char *text, const char *env)
{
    struct rdt_node *root = NULL;
    struct rdt_plan_opts opts = {.env = env};
    *l = (struct loaded){0};
    l->rc = rdt_yaml_parse("t.yaml", rdt_span_str(text), &l->arena, &l->diags, &root, &l->err);
    if (l->rc == RDT_OK)
        l->rc =
            rdt_plan_from_node(root, "/nonexistent/t.yaml", &opts, &l->diags, &l->plan, &l->err);
}

/* A plan that must load. */
static inline const struct rdt_plan *
load(struct loaded *l, const char *text)
{
    load_env(l, text, NULL);
    if (l->rc != RDT_OK)
        fail_msg("%s: %s", l->err.text, l->diags.n == 0 ? "" : l->diags.items[0].text);
    return l->plan;
}

/* A plan that must be refused: a complaint in this line, with these words and this hint. */
static inline void
assert_refused(const char *text, uint32_t line, const char *words, const char *hint)
{
    LOADED l;
    load_env(&l, text, NULL);
    assert_int_equal(l.rc, RDT_E_BADINPUT);
    assert_null(l.plan);
    for (size_t i = 0; i < l.diags.n; i++) {
        const struct rdt_diag *d = &l.diags.items[i];
        if (d->mark.line == line && d->mark.column != 0 && strstr(d->text, words) != NULL &&
            (hint == NULL || (d->hint != NULL && strstr(d->hint, hint) != NULL)))
            return;
    }
    fail_msg("wanted %u: %s (%s), got %u: %s (%s)", line, words, hint == NULL ? "" : hint,
             l.diags.items[0].mark.line, l.diags.items[0].text,
             l.diags.items[0].hint == NULL ? "" : l.diags.items[0].hint);
}

/* Whether any complaint has these words. */
static inline bool
complains(const struct loaded *l, const char *words)
{
    for (size_t i = 0; i < l->diags.n; i++) {
        if (strstr(l->diags.items[i].text, words) != NULL)
            return true;
    }
    return false;
}

/* The names that a link leads to, in order, with a blank between. */
static inline void
assert_link(const struct rdt_plan *plan, const char *id, enum rdt_link link, const char *want)
{
    const struct rdt_subject *subject = rdt_plan_find(plan, id);
    RDT_BUF got = {0};
    assert_non_null(subject);
    for (size_t i = 0; i < subject->links[link].n; i++)
        rdt_buf_fmt(&got, "%s%s", i == 0 ? "" : " ", rdt_plan_linked(plan, subject, link, i)->name);
    assert_string_equal(rdt_buf_cstr(&got), want);
}

static inline void
assert_level(const struct rdt_plan *plan, const char *id, enum rdt_level level, const char *from)
{
    const struct rdt_subject *subject = rdt_plan_find(plan, id);
    assert_non_null(subject);
    if (subject->level != level)
        fail_msg("%s: %s", id, rdt_level_name(subject->level));
    if (from == NULL)
        assert_null(subject->level_from);
    else
        assert_string_equal(subject->level_from, from);
}

#endif
