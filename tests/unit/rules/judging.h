/* judging.h - a plan, packs in a temporary folder, facts, and a run of them. */
#ifndef RDT_TEST_JUDGING_H
#define RDT_TEST_JUDGING_H

#include "base/clock.h"
#include "base/embed.h"
#include "base/file.h"
#include "codec/yaml.h"
#include "rules/rules.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TODAY INT64_C(20781) /* 2026-11-24 */

/* A rule with everything that it needs but the functions. */
#define RULE_HEAD(id)                                                                              \
    "id = \"" id "\", title = \"T\", severity = \"medium\", why = \"W\", fix = \"F\", "            \
    "tests = {{ on = \"stores.db\", expect = \"pass\" }}, "
#define PLAN_RULE(id, section, body)                                                               \
    "rule { " RULE_HEAD(id) "decided = {\"plan\"}, subjects = {\"" section                         \
                            "\"}, check = function(s) " body " end }\n"
#define LIVE_RULE(id, section, decided, body)                                                      \
    "rule { " RULE_HEAD(id) "decided = {" decided "}, subjects = {\"" section                      \
                            "\"}, check = function(s) return pass() end, live = function(s) " body \
                            " end }\n"

#define PACKS_MAX 4

struct judging {
    struct rdt_arena arena;
    struct rdt_diags diags;
    struct rdt_plan *plan;
    struct rdt_evidence evidence;
    struct rdt_run *run;
    struct rdt_err err;
    const char *only[4]; /* rule ids; none: all */
    const char *subject;
    int64_t time;
    char folder[64];
    char path[PACKS_MAX][96];
    const char *packs[PACKS_MAX];
    size_t n_packs;
};

static RDT_UNUSED void
judging_plan(struct judging *j, const char *yaml)
{
    struct rdt_node *root = NULL;
    rdt_plan_close(j->plan);
    j->plan = NULL;
    assert_int_equal(
        rdt_yaml_parse("plan.yaml", rdt_span_str(yaml), &j->arena, &j->diags, &root, &j->err),
        RDT_OK);
    enum rdt_code rc = rdt_plan_from_node(root, "plan.yaml", NULL, &j->diags, &j->plan, &j->err);
    if (rc != RDT_OK)
        print_error("%s: %s\n", j->err.text, j->diags.n == 0 ? "" : j->diags.items[0].text);
    assert_int_equal(rc, RDT_OK);
}

static RDT_UNUSED struct judging *
judging_new(void)
{
    struct judging *j = calloc(1, sizeof *j);
    struct rdt_span text = {0};
    assert_non_null(j);
    snprintf(j->folder, sizeof j->folder, "/tmp/redoubt-rules-XXXXXX");
    assert_non_null(mkdtemp(j->folder));
    j->time = TODAY * RDT_DAY_S + 3600;
    assert_true(rdt_embed_find("packs/rules/healthy.yaml", &text));
    judging_plan(j, (const char *)text.p);
    return j;
}

/* The healthy plan with a patch over it, both as YAML. */
static RDT_UNUSED void
judging_patch(struct judging *j, const char *patch)
{
    struct rdt_node *base = NULL, *over = NULL;
    struct rdt_span text = {0};
    rdt_plan_close(j->plan);
    j->plan = NULL;
    assert_true(rdt_embed_find("packs/rules/healthy.yaml", &text));
    assert_int_equal(rdt_yaml_parse("plan.yaml", text, &j->arena, &j->diags, &base, &j->err), 0);
    assert_int_equal(
        rdt_yaml_parse("patch.yaml", rdt_span_str(patch), &j->arena, &j->diags, &over, &j->err), 0);
    base = rdt_node_merge(&j->arena, base, over);
    enum rdt_code rc = rdt_plan_from_node(base, "plan.yaml", NULL, &j->diags, &j->plan, &j->err);
    if (rc != RDT_OK)
        print_error("%s: %s\n", j->err.text, j->diags.n == 0 ? "" : j->diags.items[0].text);
    assert_int_equal(rc, RDT_OK);
}

static RDT_UNUSED void
judging_pack_bytes(struct judging *j, struct rdt_span bytes)
{
    assert_true(j->n_packs < PACKS_MAX);
    char *path = j->path[j->n_packs];
    snprintf(path, sizeof j->path[0], "%s/pack%zu.lua", j->folder, j->n_packs + 1);
    assert_int_equal(rdt_file_write(path, 0600, bytes, &j->err), RDT_OK);
    j->packs[j->n_packs++] = path;
}

static RDT_UNUSED void
judging_pack(struct judging *j, const char *lua)
{
    judging_pack_bytes(j, rdt_span_str(lua));
}

static RDT_UNUSED void
judging_reset(struct judging *j)
{
    rdt_run_free(j->run);
    j->run = NULL;
    for (size_t i = 0; i < j->n_packs; i++)
        unlink(j->path[i]);
    j->n_packs = 0;
    j->err = (struct rdt_err){0};
}

static RDT_UNUSED struct rdt_judge
judging_request(const struct judging *j)
{
    size_t n = 0;
    while (n < RDT_COUNT(j->only) && j->only[n] != NULL)
        n++;
    return (struct rdt_judge){
        .plan = j->plan,
        .evidence = j->evidence.n == 0 ? NULL : &j->evidence,
        .time = j->time,
        .packs = {j->packs, j->n_packs},
        .only = {j->only,  n         },
        .subject = j->subject,
    };
}

static RDT_UNUSED enum rdt_code
judging_run(struct judging *j)
{
    struct rdt_judge judge = judging_request(j);
    rdt_run_free(j->run);
    j->run = NULL;
    return rdt_run_judge(&judge, &j->run, &j->err);
}

/* The result of a rule on a subject; NULL when there is none. */
static RDT_UNUSED const struct rdt_result *
judging_find(const struct judging *j, const char *rule, const char *subject)
{
    for (size_t i = 0; i < j->run->n_results; i++) {
        const struct rdt_result *r = &j->run->results[i];
        if (strcmp(j->run->rules[r->rule].id, rule) == 0 &&
            strcmp(j->run->subjects[r->subject].id, subject) == 0)
            return r;
    }
    return NULL;
}

/* An observation made `age_s` seconds before the run. */
static RDT_UNUSED void
judging_fact(struct judging *j, const char *subject, const char *fact, struct rdt_node *value,
             const char *unknown, int64_t age_s)
{
    struct rdt_span raw = rdt_span_str("raw");
    enum rdt_code rc = unknown != NULL
                           ? rdt_evidence_unknown(&j->evidence, subject, fact, unknown, raw)
                           : rdt_evidence_fact(&j->evidence, subject, fact, value, raw);
    assert_int_equal(rc, RDT_OK);
    j->evidence.items[j->evidence.n - 1].time = j->time - age_s;
}

static RDT_UNUSED void
judging_free(struct judging *j)
{
    judging_reset(j);
    rdt_plan_close(j->plan);
    rdt_evidence_done(&j->evidence);
    rdt_diags_done(&j->diags);
    rdt_arena_done(&j->arena);
    rmdir(j->folder);
    free(j);
}

static RDT_UNUSED int
judging_setup(void **state)
{
    *state = judging_new();
    return 0;
}

static RDT_UNUSED int
judging_teardown(void **state)
{
    judging_free(*state);
    return 0;
}

#define JUDGING_TEST(f) cmocka_unit_test_setup_teardown(f, judging_setup, judging_teardown)

#endif
