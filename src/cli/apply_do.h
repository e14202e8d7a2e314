/*
 * apply_do.h - the calls by which `apply` makes a key service as the plan wants it.
 */
#ifndef RDT_CLI_APPLY_DO_H
#define RDT_CLI_APPLY_DO_H

#include "cli/apply.h"
#include "cli/remote.h"

/* What is wanted, what is there, and the steps between; trees are in the remote's arena. */
struct rdt_apply_have {
    struct rdt_apply_want want;
    struct rdt_node *listed;               /* all keys of the server */
    struct rdt_node *principals;           /* all of its principals */
    const struct rdt_node **keys, **users; /* by the index of want; NULL: not there */
    const char **arns;                     /* of keys */
    struct rdt_apply_step *key_steps, *user_steps;
};

/*
 * rdt_apply_do - carry the steps out, keys first. One that is refused does not keep the others from
 * being done, so that a second apply has less to do.
 *
 * Fails: as the first call that failed, whose words stay in cli->err.
 */
RDT_MUST_CHECK enum rdt_code rdt_apply_do(struct rdt_remote *remote, struct rdt_apply_have *have);

/* rdt_apply_have_done - the closer for RDT_AUTO. */
void rdt_apply_have_done(struct rdt_apply_have *have);

#endif
