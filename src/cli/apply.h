/*
 * apply.h - what `redoubt apply` wants of a key service, and how that differs from what is there.
 * No I/O here: the plan goes in, and what the server answered (KeyStatus, PrincipalGet) as trees.
 */
#ifndef RDT_CLI_APPLY_H
#define RDT_CLI_APPLY_H

#include "codec/node.h"
#include "plan/plan.h"

#define RDT_ROTATION_DAYS_MIN 90 /* of an automatic rotation: AWS's bounds */
#define RDT_ROTATION_DAYS_MAX 2560

/* The server: only keys of its account and region are its own. */
struct rdt_apply_site {
    const char *account, *region;
};

/* A key of the plan with custody.provider redoubt. */
struct rdt_apply_key {
    const char *id;          /* the plan's: "root-cmk" */
    const char *alias;       /* "alias/root-cmk" */
    const char *description; /* its purpose */
    const char *level;       /* "critical"; "" for none */
    int64_t rotation_days;   /* 0: by hand */
    bool tenants;            /* one key a tenant or customer is derived from it */
    const char *left_out;    /* why the server does not keep it; NULL: it does */
};

/* Who uses keys: a service of the plan, or somebody whom a key's access.principals names. */
struct rdt_apply_user {
    const char *name;     /* of the principal */
    const char *made_for; /* "medtrack/dev/services.api" */
};

/* A store of the plan: before a version of a key that it holds data under is destroyed, it is
 * asked. */
struct rdt_apply_store {
    const char *name;
    const char *kind; /* "database", "bucket", "backup", "files" */
};

struct rdt_apply_want {
    struct rdt_arena arena;
    const char *plan, *env; /* ids */
    const char *front;      /* "medtrack/dev/": what made_for begins with */
    struct rdt_apply_site site;
    struct rdt_apply_key *keys;
    size_t n_keys;
    struct rdt_apply_user *users; /* those that use a key that is not left out */
    size_t n_users, cap_users;
    bool *uses; /* of key k by user u: [k * cap_users + u] */
    struct rdt_apply_store *stores;
    size_t n_stores;
    bool *holds;        /* data under key k in store s: [k * n_stores + s] */
    const char **notes; /* what a person should know of what could not be carried over */
    size_t n_notes, cap_notes;
};

/*
 * rdt_apply_want - what the plan asks of one server.
 *
 *   out   {0}; freed with rdt_apply_done(), also after a failure; borrows from plan and site
 *
 * Fails: RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_apply_want(const struct rdt_plan *plan,
                                            const struct rdt_apply_site *site,
                                            struct rdt_apply_want *out, struct rdt_err *err);

/* rdt_apply_done - the closer for RDT_AUTO. */
void rdt_apply_done(struct rdt_apply_want *want);

/* rdt_apply_uses - whether a user uses a key, by their indices. */
bool rdt_apply_uses(const struct rdt_apply_want *want, size_t key, size_t user);

/* rdt_apply_holds - whether a store holds data under a key, by their indices. */
bool rdt_apply_holds(const struct rdt_apply_want *want, size_t key, size_t store);

/* rdt_apply_has_store - whether a key's KeyStatus lists a store; NULL lists none. */
bool rdt_apply_has_store(const struct rdt_node *status, const char *store);

/*
 * rdt_apply_key_policy - append the policy of a key: the account administers it by identity
 * policies, and nobody but its users may use it.
 */
void rdt_apply_key_policy(const struct rdt_apply_want *want, size_t key, struct rdt_buf *out);

/*
 * rdt_apply_user_policy - append the identity policy of a user: use of its keys by their ARNs.
 *
 *   arns   one a key; NULL: that key is not there yet, and the policy is not complete
 *
 * Answers whether it is complete.
 */
bool rdt_apply_user_policy(const struct rdt_apply_want *want, size_t user, const char *const *arns,
                           struct rdt_buf *out);

enum rdt_apply_action {
    RDT_APPLY_KEEP,
    RDT_APPLY_MAKE,
    RDT_APPLY_CHANGE,
    RDT_APPLY_BLOCKED /* cannot be done; words say why */
};

enum rdt_apply_change { /* bits */
                        RDT_APPLY_ALIAS = 1,
                        RDT_APPLY_DESCRIPTION = 2,
                        RDT_APPLY_ROTATION = 4,
                        RDT_APPLY_TAGS = 8,
                        RDT_APPLY_POLICY = 16,
                        RDT_APPLY_TENANTS = 32,
                        RDT_APPLY_STORES = 64
};

struct rdt_apply_step {
    enum rdt_apply_action action;
    unsigned changes;  /* of CHANGE */
    const char *words; /* in want->arena */
};

/*
 * rdt_apply_key_step - what is to be done about a key.
 *
 *   status   answer of KeyStatus; NULL: there is no such key
 *
 * Fails: RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_apply_key_step(struct rdt_apply_want *want, size_t key,
                                                const struct rdt_node *status,
                                                struct rdt_apply_step *out, struct rdt_err *err);

/*
 * rdt_apply_user_step - what is to be done about a principal.
 *
 *   principal   answer of PrincipalGet; NULL: there is no such principal
 *   arns        as rdt_apply_user_policy()
 *
 * Fails: RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_apply_user_step(struct rdt_apply_want *want, size_t user,
                                                 const struct rdt_node *principal,
                                                 const char *const *arns,
                                                 struct rdt_apply_step *out, struct rdt_err *err);

#define RDT_APPLY_TAGS_N 4 /* tags that apply puts on a key */

/* rdt_apply_tag - the name and value of the i-th tag of a key; false: it has no such value. */
bool rdt_apply_tag(const struct rdt_apply_want *want, size_t key, size_t i, const char **name,
                   const char **value);

#endif
