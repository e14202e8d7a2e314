/*
 * plan.h - a plan, loaded and resolved for one environment: every entry with its effective level,
 * where that level comes from, and what it is connected to.
 *
 * Source: PLAN-FORMAT section 1 (fields), docs/formats/plan.md.  Read-only once loaded; threads may
 * share it.
 */
#ifndef RDT_PLAN_PLAN_H
#define RDT_PLAN_PLAN_H

#include "base/err.h"
#include "codec/node.h"

/* The sections whose entries are subjects: enum, name in the plan. */
#define RDT_SECTIONS(X)                                                                            \
    X(RDT_SERVICES, "services")                                                                    \
    X(RDT_DATA, "data")                                                                            \
    X(RDT_KEYS, "keys")                                                                            \
    X(RDT_STORES, "stores")                                                                        \
    X(RDT_FLOWS, "flows")                                                                          \
    X(RDT_ENVIRONMENTS, "environments")                                                            \
    X(RDT_PROCEDURES, "procedures")                                                                \
    X(RDT_TRUST, "trust")                                                                          \
    X(RDT_EXCEPTIONS, "exceptions")                                                                \
    X(RDT_ATTESTATIONS, "attestations")                                                            \
    X(RDT_PLAN, "plan") /* one subject, "plan": what belongs to no entry */

#define X(name, text) name,
enum rdt_section { RDT_SECTIONS(X) RDT_NSECTIONS };
#undef X

enum rdt_level { RDT_LEVEL_NONE, RDT_LOW, RDT_MEDIUM, RDT_HIGH, RDT_CRITICAL, RDT_NLEVELS };

/* How one subject is connected to others: enum, name in rules and in JSON, meaning. */
#define RDT_LINKS(X)                                                                               \
    X(RDT_LINK_DATA, "all_data",                                                                   \
      "store, flow, service, key: data it holds, carries, handles, guards")                        \
    X(RDT_LINK_STORES, "in_stores", "data: stores that hold it, backups included")                 \
    X(RDT_LINK_FLOWS, "in_flows", "data: flows that carry it; service, store: flows at its ends")  \
    X(RDT_LINK_KEYS, "used_keys", "store, flow: keys named in it; key: its parent")                \
    X(RDT_LINK_BACKUPS, "backups", "store: stores that back it up")                                \
    X(RDT_LINK_SOURCES, "sources", "store: stores it backs up")                                    \
    X(RDT_LINK_PROTECTS, "protects", "key: stores and flows that name it")                         \
    X(RDT_LINK_CHILDREN, "children", "key: keys it wraps")

#define X(name, text, meaning) name,
enum rdt_link { RDT_LINKS(X) RDT_NLINKS };
#undef X

struct rdt_links {
    const uint32_t *at; /* indices into rdt_plan_subjects() */
    size_t n;
};

struct rdt_subject {
    const char *id;   /* "stores.db"; "plan" for the plan as a whole */
    const char *name; /* "db" */
    enum rdt_section section;
    const struct rdt_node *node; /* its resolved entry: patched, then `like` merged in */
    struct rdt_mark mark;        /* where its key is written */
    enum rdt_level level;        /* effective; RDT_LEVEL_NONE where levels do not apply */
    const char *level_from;      /* id of the data entry that gives the level, or NULL */
    struct rdt_links links[RDT_NLINKS];
};

/* What a level demands. */
struct rdt_floor {
    const char *volume;   /* "aes-256" or "provider-default" */
    bool field;           /* critical fields are encrypted by the application as well */
    const char *tls;      /* "tls1.3" */
    const char *custody;  /* "hardware", "key-service" or "provider-default" */
    double rotation_days; /* 0: no floor */
    bool overridden;      /* by policy.levels; every report says so */
};

struct rdt_plan;

struct rdt_plan_opts {
    const char *env; /* an id of `environments`, or NULL for the plan as written */
};

/*
 * rdt_plan_load - read, validate and resolve a plan.
 *
 *   path   the file; "-" is standard input
 *   diags  gets every complaint about the file and those it includes, each with its place
 *   out    the plan; caller closes
 *
 * Fails: RDT_E_BADINPUT (diags says why), RDT_E_NOTFOUND, RDT_E_DENIED, RDT_E_LIMIT, RDT_E_IO,
 * RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_plan_load(const char *path, const struct rdt_plan_opts *opts,
                                           struct rdt_diags *diags, struct rdt_plan **out,
                                           struct rdt_err *err);

/*
 * rdt_plan_from_node - a plan out of a tree that is already there (a stored run, a rule's test).
 * The tree must outlive the plan.  Fails as rdt_plan_load().
 */
RDT_MUST_CHECK enum rdt_code rdt_plan_from_node(struct rdt_node *root, const char *path,
                                                const struct rdt_plan_opts *opts,
                                                struct rdt_diags *diags, struct rdt_plan **out,
                                                struct rdt_err *err);

/* rdt_plan_close - free a plan and everything borrowed from it.  NULL is fine. */
void rdt_plan_close(struct rdt_plan *plan);

/* rdt_plan_close_at - closer for RDT_AUTO. */
void rdt_plan_close_at(struct rdt_plan **plan);

/* rdt_plan_subjects - every subject, section by section, in the order written; "plan" is last. */
const struct rdt_subject *rdt_plan_subjects(const struct rdt_plan *plan, size_t *n);

/* rdt_plan_section - the subjects of one section; they stand together in rdt_plan_subjects(). */
const struct rdt_subject *rdt_plan_section(const struct rdt_plan *plan, enum rdt_section section,
                                           size_t *n);

/* rdt_plan_find - a subject by its id ("stores.db"), or NULL. */
const struct rdt_subject *rdt_plan_find(const struct rdt_plan *plan, const char *id);

/* rdt_plan_linked - the i-th subject of a link. */
const struct rdt_subject *rdt_plan_linked(const struct rdt_plan *plan,
                                          const struct rdt_subject *subject, enum rdt_link link,
                                          size_t i);

/* rdt_plan_root - the resolved document: patched, `like` merged, includes joined. */
const struct rdt_node *rdt_plan_root(const struct rdt_plan *plan);

/* rdt_plan_path - the file's name as given; rdt_plan_folder - the folder that it is in. */
const char *rdt_plan_path(const struct rdt_plan *plan);
const char *rdt_plan_folder(const struct rdt_plan *plan);

/* rdt_plan_env - the environment it was resolved for, or NULL for the plan as written. */
const char *rdt_plan_env(const struct rdt_plan *plan);

/* rdt_plan_floor - what a level demands under this plan's policy. */
const struct rdt_floor *rdt_plan_floor(const struct rdt_plan *plan, enum rdt_level level);

/*
 * rdt_plan_shared_keys - ids (names) of the keys that environment env keeps in the same home
 * (provider, account, region) as the plan as written; one environment's subject index in links.
 */
const char *const *rdt_plan_shared_keys(const struct rdt_plan *plan, const char *env, size_t *n);

/*
 * rdt_plan_targets - read and validate the targets file of the plan's environment.
 *
 *   out   the document, owned by the plan; NULL when the environment names no targets
 *
 * Fails: as rdt_plan_load().
 */
RDT_MUST_CHECK enum rdt_code rdt_plan_targets(struct rdt_plan *plan, struct rdt_diags *diags,
                                              const struct rdt_node **out, struct rdt_err *err);

/* rdt_section_name - "stores"; rdt_level_name - "critical", "" for none. */
const char *rdt_section_name(enum rdt_section section);
const char *rdt_level_name(enum rdt_level level);

/* rdt_level_parse - the level of a word; RDT_LEVEL_NONE when it is none. */
enum rdt_level rdt_level_parse(const char *word);

#endif
