/*
 * `redoubt root unseal|rotate`: what opens a root goes to the server that runs on its folder.
 */
#include "base/arena.h"
#include "cli/root_input.h"
#include "codec/json.h"
#include "kms/kms.h"
#include "server/control.h"

/* What one run works on. */
struct unsealing {
    struct rdt_cli *cli;
    const char *dir;
    struct rdt_root *root;
    struct rdt_root_input input;
    struct rdt_buf answer;
    struct rdt_arena arena;
    struct rdt_node *tree; /* of answer */
};

static void
unsealing_done(struct unsealing *u)
{
    rdt_root_free(u->root);
    rdt_root_input_done(&u->input);
    rdt_buf_done(&u->answer);
    rdt_arena_done(&u->arena);
}

static enum rdt_code
ask(struct unsealing *u, enum rdt_control_command command, const char *seal,
    const struct rdt_unseal *means)
{
    struct rdt_control_ask what = {
        .dir = u->dir, .command = command, .seal = seal, .means = means, .fd = -1};
    u->answer.n = 0;
    enum rdt_code rc = rdt_control_ask(&what, &u->answer, &u->cli->err);
    if (rc == RDT_E_NOTFOUND)
        rdt_hint(&u->cli->err, "start it: redoubt serve --config FILE");
    return rc == RDT_OK ? rdt_json_parse("the server's answer", rdt_buf_span(&u->answer), &u->arena,
                                         &u->tree, &u->cli->err)
                        : rc;
}

static bool
is_sealed(const struct unsealing *u)
{
    const char *state = rdt_node_str(u->tree, "state");
    return state != NULL && strcmp(state, "sealed") == 0;
}

/* Each person brings a share: one a run on a terminal, one at least in files. */
static enum rdt_code
send_means(struct unsealing *u, struct rdt_seal_info seal)
{
    seal.threshold = 1;
    enum rdt_code rc = rdt_root_input_old(u->cli, &seal, &u->input);
    struct rdt_unseal means = {.passphrase = u->input.word.p == NULL ? NULL : &u->input.word};
    if (rc != RDT_OK || seal.type != RDT_SEAL_SHAMIR)
        return rc == RDT_OK ? ask(u, RDT_CONTROL_UNSEAL, seal.id, &means) : rc;
    for (size_t i = 0; rc == RDT_OK && i < u->input.n_shares && is_sealed(u); i++) {
        means = (struct rdt_unseal){.shares = &u->input.pointers[i], .n_shares = 1};
        rc = ask(u, RDT_CONTROL_UNSEAL, seal.id, &means);
    }
    return rc;
}

static enum rdt_code
say(struct unsealing *u)
{
    RDT_BUF out = {0};
    if (rdt_cli_has(u->cli, OPT_JSON)) {
        rdt_buf_str(&out, "{\"redoubt\":1,\"server\":");
        rdt_buf_add(&out, u->answer.p, u->answer.n);
        rdt_buf_str(&out, "}\n");
    } else if (!is_sealed(u)) {
        rdt_buf_str(&out, "the server is open\n");
    } else {
        rdt_buf_fmt(&out, "%.0f of %.0f shares; the server is sealed until the others come\n",
                    rdt_node_number(u->tree, "shares", 0), rdt_node_number(u->tree, "needed", 0));
    }
    return rdt_cli_write_words(u->cli, &out);
}

int
rdt_cmd_root_unseal(struct rdt_cli *cli)
{
    RDT_AUTO(unsealing_done) struct unsealing u = {.cli = cli};
    struct rdt_seal_info seal;
    enum rdt_code rc = RDT_OK;
    u.dir = rdt_cli_value(cli, OPT_DATA, NULL);
    if (u.dir == NULL)
        rc = rdt_fail(&cli->err, RDT_E_USAGE, "--data DIR is missing: the server's folder");
    if (rc == RDT_OK)
        rc = ask(&u, RDT_CONTROL_STATUS, NULL, NULL);
    if (rc == RDT_OK)
        rc = rdt_root_load(u.dir, &u.root, &cli->err);
    if (rc == RDT_OK && is_sealed(&u)) {
        rc = rdt_root_input_choose(cli, u.root, &seal);
        if (rc == RDT_OK)
            rc = send_means(&u, seal);
    }
    if (rc == RDT_OK)
        rc = say(&u);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* ---- rotate ---- */

/* All that the seal needs, at once. */
static enum rdt_code
rotate_there(struct unsealing *u)
{
    struct rdt_seal_info seal;
    enum rdt_code rc = rdt_root_input_choose(u->cli, u->root, &seal);
    if (rc == RDT_OK)
        rc = rdt_root_input_old(u->cli, &seal, &u->input);
    struct rdt_unseal means = {.passphrase = u->input.word.p == NULL ? NULL : &u->input.word,
                               .shares = u->input.pointers,
                               .n_shares = u->input.n_shares};
    return rc == RDT_OK ? ask(u, RDT_CONTROL_ROTATE, seal.id, &means) : rc;
}

/* Of a stopped server: what is wrapped follows once it runs. */
static enum rdt_code
rotate_here(struct unsealing *u)
{
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    struct rdt_kms *kms = NULL;
    struct rdt_kms_thread *thread = NULL;
    enum rdt_code rc = rdt_root_input_unseal(u->cli, u->root, &open);
    struct rdt_kms_opts opts = {.data = u->dir, .root = u->root, .open = open};
    if (rc == RDT_OK)
        rc = rdt_kms_open(&opts, &kms, &u->cli->err);
    if (rc == RDT_OK)
        rc = rdt_kms_thread_open(kms, &thread, &u->cli->err);
    if (rc == RDT_OK)
        rc = rdt_kms_domain_rotate(kms, thread, &opts, &u->cli->err);
    rdt_kms_thread_close(thread);
    rdt_kms_close(kms);
    return rc;
}

int
rdt_cmd_root_rotate(struct rdt_cli *cli)
{
    RDT_AUTO(unsealing_done) struct unsealing u = {.cli = cli};
    enum rdt_code rc = RDT_OK;
    u.dir = rdt_cli_value(cli, OPT_DATA, NULL);
    if (u.dir == NULL)
        rc = rdt_fail(&cli->err, RDT_E_USAGE, "--data DIR is missing: the server's folder");
    if (rc == RDT_OK)
        rc = rdt_root_load(u.dir, &u.root, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rc = ask(&u, RDT_CONTROL_STATUS, NULL, NULL);
    bool runs = rc != RDT_E_NOTFOUND;
    if (!runs)
        cli->err = (struct rdt_err){0};
    if (rc == RDT_OK || !runs)
        rc = runs ? rotate_there(&u) : rotate_here(&u);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_cli_note(cli, runs ? "a new domain key is in use; what the old one wraps follows"
                           : "a new domain key is in use; what the old one wraps follows when the "
                             "server runs");
    return 0;
}
