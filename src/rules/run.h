/*
 * run.h - one judgement of one plan: each rule on each subject it applies to, the roll-up rows and
 * the controls of every framework. Judging makes it, reports show it, and it is kept as JSON.
 */
#ifndef RDT_RULES_RUN_H
#define RDT_RULES_RUN_H

#include "base/err.h"
#include "evidence/evidence.h"
#include "plan/plan.h"

/* enum, word, rank (worst first when grouped) */
#define RDT_VERDICTS(X)                                                                            \
    X(RDT_FAIL, "fail", 0)                                                                         \
    X(RDT_DRIFT, "drift", 1)                                                                       \
    X(RDT_UNKNOWN, "unknown", 2)                                                                   \
    X(RDT_UNOBSERVED, "unobserved", 3)                                                             \
    X(RDT_ACCEPTED, "accepted", 4)                                                                 \
    X(RDT_PASS, "pass", 5)                                                                         \
    X(RDT_NA, "n/a", 6)

#define X(name, word, rank) name,
enum rdt_verdict { RDT_VERDICTS(X) RDT_NVERDICTS };
#undef X

/* A0 declared, A1 attested, A2 imported, A3 observed, A4 exercised. */
enum rdt_assurance { RDT_A0, RDT_A1, RDT_A2, RDT_A3, RDT_A4 };

enum rdt_severity { RDT_INFO, RDT_SEV_LOW, RDT_SEV_MEDIUM, RDT_SEV_HIGH, RDT_SEV_CRITICAL };

/* Where a rule can be decided, as bits. */
enum rdt_decided {
    RDT_BY_PLAN = 1,
    RDT_BY_LIVE = 2,
    RDT_BY_SNAPSHOT = 4,
    RDT_BY_HUMAN = 8,
    RDT_BY_LOADER = 16
};

struct rdt_strings {
    const char *const *at;
    size_t n;
};

struct rdt_rule {
    const char *id, *title, *why, *fix;
    const char *pack; /* "builtin" or the file it came from */
    enum rdt_severity severity;
    unsigned decided;            /* enum rdt_decided bits */
    struct rdt_strings source;   /* template items: "REST-1" */
    struct rdt_strings subjects; /* sections it is applied to */
    struct rdt_strings controls; /* "pci-dss@4.0.1:3.5.1" */
    struct rdt_strings rollups;  /* rows it counts in */
    const char *disabled;        /* the plan's reason, or NULL */
};

struct rdt_result {
    uint32_t rule, subject; /* indices into rules and subjects */
    enum rdt_verdict verdict;
    enum rdt_verdict before; /* accepted: what it was before the exception */
    enum rdt_assurance assurance;
    enum rdt_severity severity;
    const char *message;         /* NULL for a plain pass */
    const char *observed;        /* the value seen, as text, or NULL */
    const char *expected;        /* the value wanted, as text, or NULL */
    const char *exception;       /* "EX-7", or NULL */
    struct rdt_mark where;       /* the line to change */
    struct rdt_strings evidence; /* SHA-256 of the observations used */
};

/* A subject as a run remembers it. */
struct rdt_run_subject {
    const char *id;
    enum rdt_level level;
    const char *level_from; /* or NULL */
    struct rdt_mark where;
};

struct rdt_row {
    const char *id, *title;
    const char *checklist; /* "rest", "transit", "keygen"... or NULL */
    int part;
    enum rdt_verdict verdict; /* pass: met */
    enum rdt_assurance assurance;
    struct rdt_strings by;     /* primary rules */
    struct rdt_strings broken; /* "RULE subject" of what keeps it from being met */
    struct rdt_strings notes;  /* contradictions of the template that touch it: "X7" */
};

/* Where the template contradicts itself, and what is done instead; not kept with a stored run. */
struct rdt_template_note {
    const char *id, *title, *settled; /* "X7" */
    struct rdt_strings rules;         /* those that settle it */
};

enum rdt_control_state { RDT_MET, RDT_NOT_MET, RDT_UNPROVEN, RDT_NOT_APPLICABLE };

struct rdt_control_rule {
    const char *rule;
    bool covers;                  /* otherwise supports */
    enum rdt_verdict verdict;     /* the worst on any subject */
    enum rdt_assurance assurance; /* the least of its passes */
};

struct rdt_control {
    const char *id, *title, *note;
    bool verified; /* false: the id was not read in a licensed text */
    enum rdt_control_state state;
    const struct rdt_control_rule *rules;
    size_t n_rules;
};

struct rdt_framework {
    const char *id, *edition, *title; /* "pci-dss", "4.0.1", "PCI DSS 4.0.1" */
    const char *published;
    bool chosen;     /* named under the plan's frameworks */
    bool is_default; /* the edition meant when none is named */
    struct rdt_strings notes;
    const struct rdt_control *controls;
    size_t n_controls;
};

struct rdt_run {
    struct rdt_arena arena;
    const char *id;                             /* random, UUID */
    int64_t time;                               /* run.time: --at, or now */
    const char *plan, *product, *env, *version; /* env NULL: the plan as written */
    struct rdt_rule *rules;
    size_t n_rules;
    struct rdt_run_subject *subjects;
    size_t n_subjects;
    struct rdt_result *results; /* by verdict rank, severity, rule, subject */
    size_t n_results;
    struct rdt_row *rows;
    size_t n_rows;
    struct rdt_template_note *template_notes;
    size_t n_template_notes;
    struct rdt_framework *frameworks;
    size_t n_frameworks;
    struct rdt_strings notes; /* disabled rules, changed levels, synthetic data, template notes */
    size_t count[RDT_NVERDICTS];
    size_t planned, observed; /* subjects that a probe could look at; those that one did */
    bool live;                /* probes were run */
};

struct rdt_judge {
    const struct rdt_plan *plan;
    const struct rdt_evidence *evidence; /* NULL: nothing was looked at */
    int64_t time;
    struct rdt_strings packs; /* files of a site's own rules, after the built-in ones */
    struct rdt_strings only;  /* rule ids (globs); none: all */
    const char *subject;      /* one subject only (a glob), or NULL */
    bool stored; /* the plan is out of a stored run, whose maker names its folder: no file is looked
                    at, and what asks for one is unknown */
};

/*
 * rdt_run_judge - judge a plan in a sandboxed child and gather the results.
 *
 * Fails: RDT_E_BADINPUT (a pack is wrong), RDT_E_SANDBOX (a pack went over its limits),
 * RDT_E_NOMEM, RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_run_judge(const struct rdt_judge *judge, struct rdt_run **out,
                                           struct rdt_err *err);

/* rdt_run_free - free a run.  rdt_run_free_at - closer for RDT_AUTO. */
void rdt_run_free(struct rdt_run *run);
void rdt_run_free_at(struct rdt_run **run);

/*
 * rdt_verdict_name, rdt_assurance_name, rdt_severity_name, rdt_control_state_name - words for the
 * enums: "fail", "A3", "critical", "met".
 */
const char *rdt_verdict_name(enum rdt_verdict verdict);
const char *rdt_assurance_name(enum rdt_assurance assurance);
const char *rdt_severity_name(enum rdt_severity severity);
const char *rdt_control_state_name(enum rdt_control_state state);

#endif
