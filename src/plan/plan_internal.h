/*
 * plan_internal.h - what the files of this room share: a plan while it is being made.
 */
#ifndef RDT_PLAN_PLAN_INTERNAL_H
#define RDT_PLAN_PLAN_INTERNAL_H

#include "plan/fields.h"
#include "plan/plan.h"

#define RDT_ID_MAX 63                            /* bytes of an entry's id */
#define RDT_PLAN_PATH_MAX 512                    /* bytes of a field's path in a message */
#define RDT_KEY_CHAIN_MAX 16                     /* keys that wrap each other in a row */
#define RDT_LINKS_MAX ((size_t)10 * 1000 * 1000) /* links between all entries of a plan */
#define RDT_BACKUP_CHAIN_MAX 16                  /* backups of backups in a row */
#define RDT_ENVIRONMENTS_MAX 100    /* environments of one plan: each is resolved anew */
#define RDT_INCLUDES_MAX 256        /* files that one plan may include */
#define RDT_GLOB_ENTRIES_MAX 100000 /* folder entries that one pattern of `include` looks at */
/* values looked at in all environments together, once `like` and the patches are written out */
#define RDT_VALUES_MAX ((size_t)8 * 1000 * 1000)
#define RDT_INCLUDED_MAX ((size_t)64 * 1024 * 1024) /* bytes of them together */

struct rdt_plan {
    struct rdt_arena arena;
    const char *path, *folder, *env;
    const struct rdt_node *root; /* resolved */
    struct rdt_subject *subjects;
    size_t n_subjects;
    size_t first[RDT_NSECTIONS + 1]; /* where each section begins in subjects */
    struct rdt_floor floors[RDT_NLEVELS];
    struct rdt_shared_keys {
        const char *env;
        const char *const *keys;
        size_t n;
    } *shared;
    size_t n_shared;
    const struct rdt_node *targets;
    bool targets_read;
};

/* What a step of loading works with. */
struct rdt_loading {
    struct rdt_arena *arena;
    struct rdt_diags *diags;
    struct rdt_err *err;
    const char *folder;
    size_t n_included, n_bytes; /* files, and their bytes, so far */
    size_t n_values;            /* see rdt_loading_spend() */
};

/*
 * rdt_loading_spend - count values looked at; false when they are more than RDT_VALUES_MAX, which
 * is said once in diags, at mark.  `like` and environments make a short file into a long plan: ten
 * thousand data types held by ten thousand stores are one line each.
 */
bool rdt_loading_spend(struct rdt_loading *loading, struct rdt_mark mark, size_t n);

/* A field's path in messages: "stores.db.at_rest"; cut when too long. */
struct rdt_path {
    char text[RDT_PLAN_PATH_MAX];
    size_t n;
};

/* rdt_path_push - one key longer; rdt_path_pop - back to the length n that it had. */
void rdt_path_push(struct rdt_path *path, struct rdt_span key);
void rdt_path_pop(struct rdt_path *path, size_t n);

/*
 * rdt_shape_check - first pass, over what was written: unknown fields, wrong types, wrong words.
 * Gives each scalar its type.  A patch (partial) may hold null.
 */
void rdt_shape_check(struct rdt_loading *loading, const struct rdt_shape *shape,
                     struct rdt_node *node, bool partial);

/*
 * rdt_shape_complete - second pass, over what was resolved: required fields and references.
 *
 *   ids   where references are looked up: the resolved plan
 */
void rdt_shape_complete(struct rdt_loading *loading, const struct rdt_shape *shape,
                        const struct rdt_node *node, const struct rdt_node *ids);

/* rdt_suggest - "did you mean ...?" for the complaint added last, when one of the words is near. */
void rdt_suggest(struct rdt_diags *diags, struct rdt_span text, const char *const *words, size_t n);

/* rdt_suggest_id - the same, with the keys of a map. */
void rdt_suggest_id(struct rdt_diags *diags, struct rdt_span text, const struct rdt_node *entries);

/* rdt_path_leaves - whether a path is absolute or has a part `..`, so that it may lead elsewhere.
 */
bool rdt_path_leaves(const char *path);

/* rdt_include - join the files that `include` names into root.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_include(struct rdt_loading *loading, struct rdt_node *root);

/*
 * rdt_plan_resolve - the document for one environment: the patch merged over root, then `like`.
 *
 *   patch   NULL for the plan as written
 *
 * Complaints go to loading->diags, and the rest is resolved all the same.  NULL: out of memory.
 */
struct rdt_node *rdt_plan_resolve(struct rdt_loading *loading, struct rdt_node *root,
                                  struct rdt_node *patch);

/* rdt_graph_build - fill subjects, links and levels from plan->root.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_graph_build(struct rdt_plan *plan, struct rdt_loading *loading);

/* rdt_floors_build - the level table under the plan's policy. */
void rdt_floors_build(struct rdt_plan *plan);

#endif
