/*
 * `redoubt apply`: look at what the key service has, show how it differs from the plan, do it.
 */
#include "cli/apply.h"
#include "cli/apply_do.h"
#include "codec/jout.h"
#include "probe/path.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- reading ---- */

static enum rdt_code
load(struct rdt_cli *cli, struct rdt_plan **plan)
{
    struct rdt_plan_opts opts = {.env = rdt_cli_value(cli, OPT_ENV, NULL)};
    size_t n = 0;
    enum rdt_code rc = rdt_plan_load(rdt_cli_plan(cli), &opts, &cli->diags, plan, &cli->err);
    if (rc != RDT_OK)
        return rc;
    const struct rdt_subject *envs = rdt_plan_section(*plan, RDT_ENVIRONMENTS, &n);
    if (opts.env != NULL || n == 0)
        return RDT_OK;
    rdt_fail(&cli->err, RDT_E_USAGE, "the plan has environments: name the one to apply");
    rdt_hint(&cli->err, "redoubt apply --env %s", envs[n - 1].name);
    return RDT_E_USAGE;
}

/* The server of the environment's targets; what they leave out comes from the environment. */
static enum rdt_code
open_server(struct rdt_cli *cli, struct rdt_plan *plan, struct rdt_remote *remote)
{
    char ca[RDT_PROBE_PATH_MAX];
    const struct rdt_node *targets = NULL;
    enum rdt_code rc = rdt_plan_targets(plan, &cli->diags, &targets, &cli->err);
    if (rc != RDT_OK)
        return rc;
    const struct rdt_node *kms = rdt_node_get(targets, "kms");
    struct rdt_client_opts at = {.endpoint = rdt_node_str(kms, "url"),
                                 .region = rdt_node_str(kms, "region")};
    const char *file = rdt_node_str(kms, "ca");
    if (file != NULL) {
        rc = rdt_probe_path(rdt_plan_folder(plan), file, ca, &cli->err);
        at.ca_file = ca;
    }
    return rc == RDT_OK ? rdt_remote_open_at(cli, &at, remote) : rc;
}

/* One answer about a thing by its name; NULL where the server has none. */
static enum rdt_code
look_up(struct rdt_remote *remote, const char *op, const char *member, const char *name,
        const struct rdt_node **out)
{
    RDT_BUF body = {0};
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, member, name);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_ask(remote, op, &body, out);
    if (rc != RDT_E_NOTFOUND)
        return rc;
    remote->cli->err = (struct rdt_err){0};
    *out = NULL;
    return RDT_OK;
}

static bool
is_ours(const struct rdt_apply_want *want, const struct rdt_node *listed)
{
    return rdt_node_is(rdt_node_get(listed, "Plan"), want->plan) &&
           rdt_node_is(rdt_node_get(listed, "PlanEnv"), want->env);
}

/* A key whose alias is gone, or was not made yet when an apply was cut off, is known by its tags.
 */
static enum rdt_code
find_by_tags(struct rdt_remote *remote, struct rdt_apply_have *have, size_t k)
{
    const char *id = have->want.keys[k].id, *found = NULL;
    for (size_t i = 0; i < have->listed->n; i++) {
        const struct rdt_node *key = have->listed->members[i].node;
        if (!is_ours(&have->want, key) || !rdt_node_is(rdt_node_get(key, "PlanKey"), id))
            continue;
        if (found != NULL)
            return rdt_fail(
                &remote->cli->err, RDT_E_STATE,
                "%s and %s both have the tags of the plan's key %s, and neither has its "
                "alias",
                found, rdt_node_str(key, "KeyId"), id);
        found = rdt_node_str(key, "KeyId");
    }
    if (found == NULL)
        return RDT_OK;
    return look_up(remote, "redoubt:KeyStatus", "KeyId", found, &have->keys[k]);
}

static enum rdt_code
read_keys(struct rdt_remote *remote, struct rdt_apply_have *have)
{
    enum rdt_code rc = rdt_remote_list(
        remote, &(struct rdt_remote_listing){"redoubt:KeyList", "Keys", "", 1000}, &have->listed);
    for (size_t k = 0; rc == RDT_OK && k < have->want.n_keys; k++) {
        if (have->want.keys[k].left_out != NULL)
            continue;
        rc =
            look_up(remote, "redoubt:KeyStatus", "KeyId", have->want.keys[k].alias, &have->keys[k]);
        if (rc == RDT_OK && have->keys[k] == NULL)
            rc = find_by_tags(remote, have, k);
        have->arns[k] = rdt_node_str(have->keys[k], "KeyArn");
    }
    return rc;
}

static enum rdt_code
read_site(struct rdt_remote *remote, struct rdt_apply_site *site)
{
    RDT_BUF body = {0};
    const struct rdt_node *status = NULL;
    rdt_buf_str(&body, "{}");
    enum rdt_code rc = rdt_remote_ask(remote, "redoubt:SiteStatus", &body, &status);
    site->account = rdt_node_str(status, "Account");
    site->region = rdt_node_str(status, "Region");
    if (rc == RDT_OK && (site->account == NULL || site->region == NULL))
        rc = rdt_fail(&remote->cli->err, RDT_E_PROTOCOL, "the server names no account and region");
    return rc;
}

static enum rdt_code
read_all(struct rdt_remote *remote, const struct rdt_plan *plan, struct rdt_apply_have *have)
{
    struct rdt_apply_site site = {0};
    struct rdt_err *err = &remote->cli->err;
    enum rdt_code rc = read_site(remote, &site);
    if (rc == RDT_OK)
        rc = rdt_apply_want(plan, &site, &have->want, err);
    if (rc != RDT_OK)
        return rc;
    size_t n_keys = have->want.n_keys + 1, n_users = have->want.n_users + 1;
    have->keys = calloc(n_keys, sizeof(struct rdt_node *));
    have->arns = calloc(n_keys, sizeof(char *));
    have->key_steps = calloc(n_keys, sizeof *have->key_steps);
    have->users = calloc(n_users, sizeof(struct rdt_node *));
    have->user_steps = calloc(n_users, sizeof *have->user_steps);
    if (have->keys == NULL || have->arns == NULL || have->key_steps == NULL ||
        have->users == NULL || have->user_steps == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "apply");
    rc = read_keys(remote, have);
    if (rc == RDT_OK)
        rc = rdt_remote_list(
            remote, &(struct rdt_remote_listing){"redoubt:PrincipalList", "Principals", "", 1000},
            &have->principals);
    for (size_t u = 0; rc == RDT_OK && u < have->want.n_users; u++)
        rc = look_up(remote, "redoubt:PrincipalGet", "Principal", have->want.users[u].name,
                     &have->users[u]);
    return rc;
}

static enum rdt_code
compare(struct rdt_cli *cli, struct rdt_apply_have *have)
{
    enum rdt_code rc = RDT_OK;
    for (size_t k = 0; rc == RDT_OK && k < have->want.n_keys; k++)
        if (have->want.keys[k].left_out == NULL)
            rc = rdt_apply_key_step(&have->want, k, have->keys[k], &have->key_steps[k], &cli->err);
    for (size_t u = 0; rc == RDT_OK && u < have->want.n_users; u++)
        rc = rdt_apply_user_step(&have->want, u, have->users[u], have->arns, &have->user_steps[u],
                                 &cli->err);
    return rc;
}

/* ---- showing ---- */

static const char *const actions[] = {[RDT_APPLY_KEEP] = "=",
                                      [RDT_APPLY_MAKE] = "+",
                                      [RDT_APPLY_CHANGE] = "~",
                                      [RDT_APPLY_BLOCKED] = "!"};
static const char *const action_words[] = {[RDT_APPLY_KEEP] = "keep",
                                           [RDT_APPLY_MAKE] = "make",
                                           [RDT_APPLY_CHANGE] = "change",
                                           [RDT_APPLY_BLOCKED] = "blocked"};

struct counts {
    size_t n[RDT_APPLY_BLOCKED + 1];
};

static struct counts
count(const struct rdt_apply_have *have)
{
    struct counts counts = {0};
    for (size_t k = 0; k < have->want.n_keys; k++)
        if (have->want.keys[k].left_out == NULL)
            counts.n[have->key_steps[k].action]++;
    for (size_t u = 0; u < have->want.n_users; u++)
        counts.n[have->user_steps[u].action]++;
    return counts;
}

static void
put_row(struct rdt_table *table, const char *sign, const char *what, const char *name,
        const char *words)
{
    rdt_table_text(table, sign);
    rdt_table_text(table, what);
    rdt_table_text(table, name);
    rdt_table_text(table, words);
}

static bool
is_planned(const struct rdt_apply_want *want, const struct rdt_node *listed)
{
    for (size_t k = 0; k < want->n_keys; k++)
        if (rdt_node_is(rdt_node_get(listed, "PlanKey"), want->keys[k].id) &&
            want->keys[k].left_out == NULL)
            return true;
    return false;
}

/* Made for this plan and environment, by their PlanService. */
static bool
is_our_principal(const struct rdt_apply_want *want, const struct rdt_node *listed)
{
    const char *made_for = rdt_node_str(listed, "PlanService");
    return made_for != NULL && strncmp(made_for, want->front, strlen(want->front)) == 0;
}

static bool
is_user(const struct rdt_apply_want *want, const struct rdt_node *listed)
{
    for (size_t u = 0; u < want->n_users; u++)
        if (rdt_node_is(rdt_node_get(listed, "Principal"), want->users[u].name))
            return true;
    return false;
}

/* Whatever is left as it is, one after the other: keys of the plan that are not this server's, keys
 * and principals of the server that the plan no longer has. */
typedef void left_fn(void *to, const char *what, const char *name, const char *words);

static void
each_left(const struct rdt_apply_have *have, left_fn *put, void *to)
{
    static const char gone[] = "the plan no longer has it";
    const struct rdt_apply_want *want = &have->want;
    for (size_t k = 0; k < want->n_keys; k++)
        if (want->keys[k].left_out != NULL)
            put(to, "key", want->keys[k].id, want->keys[k].left_out);
    for (size_t i = 0; i < have->listed->n; i++) {
        const struct rdt_node *key = have->listed->members[i].node;
        if (is_ours(want, key) && !is_planned(want, key))
            put(to, "key", rdt_node_str(key, "PlanKey"), gone);
    }
    for (size_t i = 0; i < have->principals->n; i++) {
        const struct rdt_node *principal = have->principals->members[i].node;
        if (is_our_principal(want, principal) && !is_user(want, principal))
            put(to, "principal", rdt_node_str(principal, "Principal"), gone);
    }
}

static void
put_left_row(void *to, const char *what, const char *name, const char *words)
{
    struct rdt_table *table = to;
    put_row(table, " ", what, name, rdt_arena_fmt(&table->arena, "left alone: %s", words));
}

static enum rdt_code
show(struct rdt_cli *cli, const struct rdt_apply_have *have)
{
    RDT_TABLE table = {.columns = 4};
    RDT_BUF out = {0};
    const struct rdt_apply_want *want = &have->want;
    for (size_t k = 0; k < want->n_keys; k++)
        if (want->keys[k].left_out == NULL)
            put_row(&table, actions[have->key_steps[k].action], "key", want->keys[k].id,
                    have->key_steps[k].words);
    for (size_t u = 0; u < want->n_users; u++)
        put_row(&table, actions[have->user_steps[u].action], "principal", want->users[u].name,
                have->user_steps[u].words);
    each_left(have, put_left_row, &table);
    if (!rdt_table_put(&table, &out))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "show the difference");
    for (size_t i = 0; i < want->n_notes; i++)
        rdt_buf_fmt(&out, "note: %s\n", want->notes[i]);
    return rdt_cli_write_words(cli, &out);
}

static void
put_json(struct rdt_buf *out, const char *action, const char *what, const char *name,
         const char *words)
{
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "Action", action);
    rdt_jout_str(out, "What", what);
    rdt_jout_str(out, "Name", name);
    rdt_jout_str(out, "Words", words);
    rdt_jout_close(out, '}');
}

static void
put_left_json(void *to, const char *what, const char *name, const char *words)
{
    put_json(to, "leave", what, name, words);
}

static enum rdt_code
show_json(struct rdt_cli *cli, const struct rdt_apply_have *have, bool applied)
{
    RDT_BUF out = {0};
    const struct rdt_apply_want *want = &have->want;
    rdt_jout_open(&out, NULL, '{');
    rdt_jout_bool(&out, "Applied", applied);
    rdt_jout_open(&out, "Steps", '[');
    for (size_t k = 0; k < want->n_keys; k++)
        if (want->keys[k].left_out == NULL)
            put_json(&out, action_words[have->key_steps[k].action], "key", want->keys[k].id,
                     have->key_steps[k].words);
    for (size_t u = 0; u < want->n_users; u++)
        put_json(&out, action_words[have->user_steps[u].action], "principal", want->users[u].name,
                 have->user_steps[u].words);
    each_left(have, put_left_json, &out);
    rdt_jout_close(&out, ']');
    rdt_jout_open(&out, "Notes", '[');
    for (size_t i = 0; i < want->n_notes; i++)
        rdt_jout_str(&out, NULL, want->notes[i]);
    rdt_jout_close(&out, ']');
    rdt_jout_close(&out, '}');
    rdt_buf_str(&out, "\n");
    if (!rdt_buf_ok(&out))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "JSON");
    return rdt_cli_write(cli, rdt_buf_span(&out));
}

/* ---- doing ---- */

/* Only a person at a terminal is asked; anything but a yes is a no. */
static bool
agreed(struct rdt_cli *cli, const char *endpoint)
{
    char answer[16] = "";
    if (rdt_cli_has(cli, OPT_YES) || !isatty(STDIN_FILENO))
        return true;
    fprintf(cli->words_to, "apply this to %s? [y/N] ", endpoint);
    fflush(cli->words_to);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        return false;
    return strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0;
}

static enum rdt_code
say_done(struct rdt_cli *cli, const struct rdt_apply_have *have, const struct counts *counts)
{
    RDT_BUF out = {0};
    rdt_buf_fmt(&out, "done: %zu made, %zu changed, %zu as planned\n", counts->n[RDT_APPLY_MAKE],
                counts->n[RDT_APPLY_CHANGE], counts->n[RDT_APPLY_KEEP]);
    const char *first = NULL;
    for (size_t u = 0; u < have->want.n_users && first == NULL; u++)
        if (have->user_steps[u].action == RDT_APPLY_MAKE)
            first = have->want.users[u].name;
    if (first != NULL)
        rdt_buf_fmt(&out,
                    "a credential for a principal: redoubt principal credential %s -o %s.env\n",
                    first, first);
    return rdt_cli_write_words(cli, &out);
}

static enum rdt_code
blocked(struct rdt_cli *cli, const struct counts *counts)
{
    if (counts->n[RDT_APPLY_BLOCKED] == 0)
        return RDT_OK;
    return rdt_fail(&cli->err, RDT_E_STATE,
                    "%zu of the plan's keys and principals cannot be applied",
                    counts->n[RDT_APPLY_BLOCKED]);
}

/* The steps are shown, what is to be done is done: the exit status. */
static int
carry_out(struct rdt_remote *remote, struct rdt_apply_have *have)
{
    struct rdt_cli *cli = remote->cli;
    struct counts counts = count(have);
    bool json = rdt_cli_has(cli, OPT_JSON);
    bool nothing = counts.n[RDT_APPLY_MAKE] + counts.n[RDT_APPLY_CHANGE] == 0;
    bool go = !nothing && !rdt_cli_has(cli, OPT_CHECK);
    enum rdt_code rc = json ? RDT_OK : show(cli, have);
    if (rc == RDT_OK && go && !agreed(cli, rdt_client_endpoint(remote->client))) {
        rdt_cli_note(cli, "nothing was changed");
        go = false;
    }
    if (rc == RDT_OK && go)
        rc = rdt_apply_do(remote, have);
    if (rc == RDT_OK && json)
        rc = show_json(cli, have, go);
    if (rc == RDT_OK && !json && go)
        rc = say_done(cli, have, &counts);
    if (rc == RDT_OK && nothing && counts.n[RDT_APPLY_BLOCKED] == 0)
        rdt_cli_note(cli, "nothing to do");
    if (rc == RDT_OK)
        rc = blocked(cli, &counts);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return go || nothing ? 0 : 1;
}

int
rdt_cmd_apply(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = NULL;
    RDT_REMOTE remote = {.cli = cli};
    RDT_AUTO(rdt_apply_have_done) struct rdt_apply_have have = {0};
    enum rdt_code rc = load(cli, &plan);
    if (rc == RDT_OK)
        rc = open_server(cli, plan, &remote);
    if (rc == RDT_OK)
        rc = read_all(&remote, plan, &have);
    if (rc == RDT_OK)
        rc = compare(cli, &have);
    return rc == RDT_OK ? carry_out(&remote, &have) : rdt_cli_fail(cli, rc);
}
