/*
 * Controls: docs/guides/frameworks.md, "met, not met, unproven". A plan by itself meets none.
 */
#include "rules/gather_internal.h"

#include "base/text.h"

#include <stdlib.h>

/*
 * Met: what covers it is all decided and good, and at least one rule passes wherever it applies at
 * A2 or better. Rules that only support it decide nothing; nor does a warning break anything.
 */
struct tally {
    bool applies, broken, open, proven;
};

static void
count_rule(struct tally *t, const struct rdt_control_rule *rule, enum rdt_verdict firm)
{
    t->applies = t->applies || rule->verdict != RDT_NA;
    if (!rule->covers || rule->verdict == RDT_NA)
        return;
    t->broken = t->broken || firm == RDT_FAIL || firm == RDT_DRIFT;
    t->open = t->open || firm == RDT_UNKNOWN || firm == RDT_UNOBSERVED;
    t->proven = t->proven || (rule->verdict == RDT_PASS && rule->assurance >= RDT_A2);
}

static enum rdt_control_state
state_of(const struct tally *t)
{
    if (t->broken)
        return RDT_NOT_MET;
    if (!t->applies)
        return RDT_NOT_APPLICABLE;
    return t->proven && !t->open ? RDT_MET : RDT_UNPROVEN;
}

static void
judge_control(const struct rdt_gather *g, const struct rdt_sum *sums, struct rdt_control *control)
{
    struct rdt_control_rule *rules = (struct rdt_control_rule *)control->rules; /* ours: fresh */
    struct tally tally = {0};
    for (size_t i = 0; i < control->n_rules; i++) {
        size_t rule;
        enum rdt_verdict firm = RDT_UNOBSERVED;
        if (rdt_rollup_find(g, rules[i].rule, &rule)) {
            firm = sums[rule].firm;
            rules[i].verdict = sums[rule].worst;
            rules[i].assurance = sums[rule].assurance > RDT_A4 ? RDT_A0 : sums[rule].assurance;
        }
        count_rule(&tally, &rules[i], firm);
    }
    control->state = state_of(&tally);
}

/* "soc2@2022" names an edition, "soc2" the default one. */
static bool
is_named(const struct rdt_framework *f, struct rdt_span name)
{
    struct rdt_span rest = name, id;
    if (!rdt_take_until(&rest, '@', &id))
        return f->is_default && rdt_span_is(name, f->id);
    return rdt_span_is(id, f->id) && rdt_span_is(rest, f->edition);
}

static enum rdt_code
fail_unknown(const struct rdt_run *run, const struct rdt_node *node, struct rdt_err *err)
{
    const char *ids[64];
    size_t n = 0;
    const char *name = rdt_node_text(node);
    for (size_t i = 0; i < run->n_frameworks && n < RDT_COUNT(ids); i++)
        ids[n++] = run->frameworks[i].id;
    rdt_fail(err, RDT_E_BADINPUT, "%s:%u:%u: there is no framework '%s'",
             node->mark.file == NULL ? "-" : node->mark.file, (unsigned)node->mark.line,
             (unsigned)node->mark.column, name);
    struct rdt_span id, rest = rdt_span_str(name);
    if (rdt_take_until(&rest, '@', &id)) {
        rdt_hint(err, "name it without an edition, or with one that docs/guides/frameworks.md "
                      "lists");
        return RDT_E_BADINPUT;
    }
    const char *near = rdt_text_nearest(rdt_span_str(name), ids, n);
    if (near != NULL)
        rdt_hint(err, "did you mean '%s'?", near);
    return RDT_E_BADINPUT;
}

static enum rdt_code
choose(struct rdt_run *run, const struct rdt_node *list, struct rdt_err *err)
{
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const struct rdt_node *node = list->members[i].node;
        bool found = false;
        for (size_t f = 0; f < run->n_frameworks && rdt_node_text(node) != NULL; f++) {
            if (is_named(&run->frameworks[f], node->text))
                found = run->frameworks[f].chosen = true;
        }
        if (!found && rdt_node_text(node) != NULL)
            return fail_unknown(run, node, err);
    }
    return RDT_OK;
}

enum rdt_code
rdt_framework_states(struct rdt_gather *gather, struct rdt_err *err)
{
    struct rdt_run *run = gather->run;
    struct rdt_sum *sums = calloc(run->n_rules + 1, sizeof *sums);
    if (sums == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "frameworks");
    for (size_t r = 0; r < run->n_rules; r++)
        sums[r] = rdt_rollup_sum(gather, r, NULL);
    for (size_t f = 0; f < run->n_frameworks; f++)
        for (size_t c = 0; c < run->frameworks[f].n_controls; c++)
            judge_control(gather, sums, (struct rdt_control *)&run->frameworks[f].controls[c]);
    free(sums);
    return choose(run, rdt_node_get(rdt_plan_root(gather->judge->plan), "frameworks"), err);
}
