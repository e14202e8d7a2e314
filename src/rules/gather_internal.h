/*
 * gather_internal.h - the parent's side: start the children, read their records, make a run.
 */
#ifndef RDT_RULES_GATHER_INTERNAL_H
#define RDT_RULES_GATHER_INTERNAL_H

#include "base/buf.h"

#include "rules/child_internal.h"

/* template.yaml and the framework packs, beside the run's rows and frameworks. */
struct rdt_filter_facts;

struct rdt_catalogue {
    const struct rdt_node **filters; /* of each row of the run; NULL: every subject */
};

/* The results of one rule stand together while a run is made. */
struct rdt_range {
    size_t first, n;
    bool judged;                /* selected and not disabled: what is missing does not apply */
    bool attested;              /* on every subject, by an attestation in force */
    const uint8_t *attested_on; /* on those subjects: attested by a row; or NULL */
};

struct rdt_gather {
    struct rdt_run *run;
    struct rdt_catalogue catalogue;
    const struct rdt_judge *judge; /* plan NULL: list or test only */
    struct rdt_fileinfo *files;
    size_t n_files;
    struct rdt_arena arena;         /* for the time of the making */
    struct rdt_filter_facts *facts; /* of the plan's subjects, once a row asks; or NULL */

    /* The run's rules and results while they grow; rdt_gather_finish() moves them to its arena. */
    struct rdt_rule *rules;
    struct rdt_result *results;
    struct rdt_range *ranges; /* of each rule */
    size_t cap_rules, cap_results;
    const struct rdt_subject **exceptions; /* those in force, by rule and subject */
    size_t n_exceptions;
    const char **attested; /* rules and rows that attestations in force name, sorted; or NULL */
    size_t n_attested;
    size_t base;     /* index of the first rule of the pack being read */
    uint8_t *sees;   /* bits of each subject: 1 a probe is due, 2 one has looked */
    uint32_t *slots; /* of each subject: 1 + its result under the rule being read */
    size_t low_slot, high_slot;
    struct rdt_result *scratch; /* results of the rule being read, in the order they came */
    size_t n_scratch, cap_scratch;
    uint32_t last_evidence[RDT_WIRE_EVIDENCE_MAX]; /* of the result read last */
    size_t n_last_evidence;
    uint32_t reading; /* the rule that scratch is of; UINT32_MAX: none */

    void (*on_test)(struct rdt_gather *gather, const struct rdt_wire_test *test);    /* or NULL */
    void (*on_value)(struct rdt_gather *gather, const struct rdt_wire_value *value); /* or NULL */
    void *context; /* of the two */
};

#define RDT_SEES_DUE 1
#define RDT_SEES_LOOKED 2

/* gather.c: rdt_gather_start - an empty run with the plan's subjects.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_gather_start(struct rdt_gather *gather,
                                              const struct rdt_judge *judge, struct rdt_err *err);

/*
 * gather.c: rdt_gather_finish - order the results by verdict, severity, rule, subject, count them,
 * and hand the run over.  Fails: RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_gather_finish(struct rdt_gather *gather, struct rdt_run **out,
                                               struct rdt_err *err);

/* gather.c: rdt_gather_done - free everything; the run too, unless it was handed over. */
void rdt_gather_done(struct rdt_gather *gather);

/*
 * children.c: rdt_gather_packs - load the catalogue, run a job for the built-in packs and for each
 * pack of a site, and read what they answer.  job's packs are left out: they are filled in here.
 * Fails: as rdt_run_judge().
 */
RDT_MUST_CHECK enum rdt_code rdt_gather_packs(struct rdt_gather *gather,
                                              const struct rdt_child_job *job,
                                              const struct rdt_strings *files, struct rdt_err *err);

/* gather.c: rdt_gather_read - the records of one child, into the run.  name: of its packs. */
RDT_MUST_CHECK enum rdt_code rdt_gather_read(struct rdt_gather *gather, struct rdt_span bytes,
                                             const char *name, struct rdt_err *err);

/* gather.c: rdt_gather_text - a copy in the run's arena; NULL for no bytes or no memory. */
const char *rdt_gather_text(struct rdt_gather *gather, struct rdt_span text);

/* overlay.c: rdt_overlay_start - find the exceptions that are in force.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_overlay_start(struct rdt_gather *gather, struct rdt_err *err);

/*
 * overlay.c: rdt_overlay_attest - on which subjects an attestation in force covers the rule, by its
 * name or by a row's; of a row the subjects that the row is about.  false: out of memory.
 */
RDT_MUST_CHECK bool rdt_overlay_attest(struct rdt_gather *gather, const char *rule,
                                       struct rdt_range *range);

/* overlay.c: rdt_overlay_apply - attestations and exceptions over one result that has its verdict.
 */
void rdt_overlay_apply(struct rdt_gather *gather, struct rdt_result *result);

/*
 * refs.c: rdt_refs_check - every rule that the plan and the options name exists, and each
 * exception names one subject that the rule judges.
 * Fails: RDT_E_BADINPUT with the place and what may be meant.
 */
RDT_MUST_CHECK enum rdt_code rdt_refs_check(const struct rdt_gather *gather, struct rdt_err *err);

/* catalogue.c: rdt_gather_catalogue - rows and frameworks into the run, no verdicts yet. */
RDT_MUST_CHECK enum rdt_code rdt_gather_catalogue(struct rdt_gather *gather, struct rdt_err *err);

/* catalogue.c: rdt_catalogue_link - each rule's rollups and controls.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_catalogue_link(struct rdt_gather *gather, struct rdt_err *err);

/* rollup.c: rdt_rollup_rows - the verdict of every row.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_rollup_rows(struct rdt_gather *gather, struct rdt_err *err);

/* framework.c: rdt_framework_states - the state of every control, and which are chosen. */
RDT_MUST_CHECK enum rdt_code rdt_framework_states(struct rdt_gather *gather, struct rdt_err *err);

/* What the results of a rule come to, over some subjects. */
struct rdt_sum {
    enum rdt_verdict worst;       /* RDT_NA when nothing applies */
    enum rdt_verdict firm;        /* the same, where a finding of severity info is accepted */
    enum rdt_assurance assurance; /* the least of the passes; RDT_A4 + 1 when there is none */
};

/* rollup.c: rdt_rollup_sum - over all subjects (mask NULL) or those with mask[subject] != 0. */
struct rdt_sum rdt_rollup_sum(const struct rdt_gather *gather, size_t rule, const uint8_t *mask);

/* rollup.c: rdt_rollup_find - index of a rule by id; false when there is none. */
bool rdt_rollup_find(const struct rdt_gather *gather, const char *id, size_t *out);

#endif
