/*
 * remote.h - what the commands share that speak to a server.
 */
#ifndef RDT_CLI_REMOTE_H
#define RDT_CLI_REMOTE_H

#include "cli/command.h"
#include "cli/table.h"
#include "client/client.h"
#include "codec/node.h"

/* A command's server and the memory of what it answered. {0} is a closed one. */
struct rdt_remote {
    struct rdt_cli *cli;
    struct rdt_client *client;
    struct rdt_arena arena;
};

/* rdt_remote_open - by the environment, --cert and --key.  Fails: as rdt_client_open_env(). */
RDT_MUST_CHECK enum rdt_code rdt_remote_open(struct rdt_cli *cli, struct rdt_remote *out);

/*
 * rdt_remote_open_at - the same, but for what is known of the server otherwise.
 *
 *   at   endpoint, ca_file, region; NULL members come from the environment
 */
RDT_MUST_CHECK enum rdt_code
rdt_remote_open_at(struct rdt_cli *cli, const struct rdt_client_opts *at, struct rdt_remote *out);

/* rdt_remote_close - the closer for RDT_AUTO. */
void rdt_remote_close(struct rdt_remote *remote);

#define RDT_REMOTE RDT_AUTO(rdt_remote_close) struct rdt_remote

/*
 * rdt_remote_ask - one call; its answer as a tree in remote->arena, so for answers without secrets.
 *
 *   op     as rdt_client_call()
 *   body   JSON, made by codec/jout.h; emptied, so that it can be used again
 *   out    NULL: nobody looks at it
 */
RDT_MUST_CHECK enum rdt_code rdt_remote_ask(struct rdt_remote *remote, const char *op,
                                            struct rdt_buf *body, const struct rdt_node **out);

/*
 * rdt_remote_list - a paged list, all of it, as one list.
 *
 *   name      of the member with the items
 *   members   JSON members of the input beside Limit and Marker, or ""
 *   limit     items a page; 0: the server's normal number
 */
struct rdt_remote_listing {
    const char *op, *name, *members;
    unsigned limit;
};
RDT_MUST_CHECK enum rdt_code rdt_remote_list(struct rdt_remote *remote,
                                             const struct rdt_remote_listing *what,
                                             struct rdt_node **out);

/*
 * rdt_remote_key - the id of a key that a person named: by id, ARN, alias, or alias without
 * "alias/"; NULL: *rc says why, cli->err has the words.
 */
const char *rdt_remote_key(struct rdt_remote *remote, const char *word, enum rdt_code *rc);

/* rdt_remote_json - write a tree as JSON and a line end; the exit status. */
int rdt_remote_json(struct rdt_cli *cli, const struct rdt_node *tree);

/* rdt_remote_json_list - the same for `{"NAME": list}`. */
int rdt_remote_json_list(struct rdt_cli *cli, const char *name, const struct rdt_node *list);

/* rdt_remote_table - write a table; the exit status. */
int rdt_remote_table(struct rdt_cli *cli, const struct rdt_table *table);

/*
 * rdt_remote_act - a command that is one call: the answer with --json, else one line of words.
 *
 *   body   as rdt_remote_ask()
 */
int rdt_remote_act(struct rdt_remote *remote, const char *op, struct rdt_buf *body, const char *fmt,
                   ...) RDT_PRINTF(4, 5);

/* rdt_remote_days - the value of --days, or otherwise; false: it is no number of 1 to 99999. */
bool rdt_remote_days(struct rdt_cli *cli, enum rdt_option option, int64_t otherwise, int64_t *out);

#endif
