/*
 * rules.h - the rules themselves: listed, tested, explained. Judging is in run.h.
 */
#ifndef RDT_RULES_RULES_H
#define RDT_RULES_RULES_H

#include "base/buf.h"

#include "rules/run.h"

/*
 * rdt_rules_list - every rule of the built-in packs and of a site's own, with the rows and the
 * controls that it serves; no plan, no results.
 *
 *   packs   files of a site's own rules
 *   out     a run with rules, rows and frameworks only; caller frees with rdt_run_free()
 *
 * Fails: as rdt_run_judge().
 */
RDT_MUST_CHECK enum rdt_code rdt_rules_list(const struct rdt_strings *packs, struct rdt_run **out,
                                            struct rdt_err *err);

/* One test that a rule carries. */
struct rdt_rule_test {
    const char *rule, *pack;
    unsigned number; /* from 1 in the order written; 0: a remark about the rule's tests */
    bool good;       /* it came out as expected (a remark is no failure) */
    const char *subject, *expected, *got;
    const char *message; /* what the rule said, or why the test could not run */
};

struct rdt_rules_tally {
    size_t rules, tests, failed, remarks;
};

/*
 * rdt_rules_test - run the tests that rules carry, each from the healthy plan.
 *
 *   only     rule ids (globs); none: all
 *   report   called for each test, in order; strings are borrowed for the call
 *   tally    the sums
 *
 * Fails: as rdt_run_judge().  A test that comes out wrong is no failure of the call.
 */
RDT_MUST_CHECK enum rdt_code
rdt_rules_test(const struct rdt_strings *packs, const struct rdt_strings *only,
               void (*report)(void *context, const struct rdt_rule_test *test), void *context,
               struct rdt_rules_tally *tally, struct rdt_err *err);

/* A value that a rule read, and where it is written. */
struct rdt_explained_value {
    const char *path, *value; /* "flows.web.tls.min", "tls1.2" */
    struct rdt_mark where;
};

struct rdt_explanation {
    struct rdt_arena arena;
    struct rdt_run *run; /* rules, rows and this one result */
    const struct rdt_rule *rule;
    const struct rdt_result *result;   /* NULL: not judged, why in `not_judged` */
    const char *not_judged;            /* "disabled: ...", or NULL */
    const struct rdt_subject *subject; /* of the judge's plan */
    const struct rdt_floor *floor;     /* of the subject's level, or NULL */
    const struct rdt_explained_value *values;
    size_t n_values;
    const struct rdt_observation *const *observations; /* of the judge's evidence */
    size_t n_observations;
};

/*
 * rdt_rules_explain - apply one rule to one subject and keep what led to the verdict.
 *
 *   judge     plan, evidence, time and packs; its filters are ignored; must outlive the explanation
 *   rule      a rule's id
 *   subject   a subject's id ("stores.db")
 *
 * Fails: RDT_E_NOTFOUND (no such rule or subject, or not for that section; with did-you-mean), and
 * as rdt_run_judge().
 */
RDT_MUST_CHECK enum rdt_code rdt_rules_explain(const struct rdt_judge *judge, const char *rule,
                                               const char *subject, struct rdt_explanation **out,
                                               struct rdt_err *err);

/* rdt_explanation_text - the explanation for people, lines of text. */
void rdt_explanation_text(const struct rdt_explanation *explanation, struct rdt_buf *out);

/* rdt_explanation_free - free it.  rdt_explanation_free_at - closer for RDT_AUTO. */
void rdt_explanation_free(struct rdt_explanation *explanation);
void rdt_explanation_free_at(struct rdt_explanation **explanation);

#endif
