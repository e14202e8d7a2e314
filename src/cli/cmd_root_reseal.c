#include "cli/root_input.h"

/* What one run of `root reseal` works on. */
struct reseal {
    struct rdt_cli *cli;
    const char *dir;
    struct rdt_root *root;
    struct rdt_root_open *open;
};

static enum rdt_code
add(struct reseal *r, const struct rdt_seal_opts *seal, struct rdt_secret *shares)
{
    RDT_AUTO(rdt_root_input_done) struct rdt_root_input input = {.n_shares = 0};
    struct rdt_seal_opts full = *seal;
    enum rdt_option file = seal->type != RDT_SEAL_PKCS11           ? OPT_NEW_PASSPHRASE_FILE
                           : rdt_cli_has(r->cli, OPT_NEW_PIN_FILE) ? OPT_NEW_PIN_FILE
                                                                   : OPT_PIN_FILE;
    enum rdt_code rc = rdt_root_input_new(r->cli, seal->type, file, &input);
    full.passphrase = &input.word;
    return rc == RDT_OK ? rdt_root_add_seal(r->root, r->open, &full, shares, &r->cli->err) : rc;
}

/* All in memory; shares are given out once everything else is known to be well, and then saved. */
static enum rdt_code
change(struct reseal *r, const struct rdt_seal_opts *seal)
{
    RDT_SECRET shares = {0};
    enum rdt_code rc = rdt_root_input_unseal(r->cli, r->root, &r->open);
    if (rc == RDT_OK && seal != NULL)
        rc = add(r, seal, &shares);
    for (size_t i = 0; rc == RDT_OK && i < r->cli->n_values[OPT_REMOVE]; i++)
        rc = rdt_root_remove_seal(r->root, r->cli->values[OPT_REMOVE][i], &r->cli->err);
    if (rc == RDT_OK && shares.n != 0)
        rc = rdt_root_shares_show(r->cli, &shares);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_root_save(r->root, r->dir, &r->cli->err);
    if (rc != RDT_OK && shares.n != 0)
        rdt_cli_note(r->cli, "the shares that were given out open nothing");
    return rc;
}

static enum rdt_code
take_options(struct rdt_cli *cli, const char **dir, struct rdt_seal_opts *seal)
{
    const char *type = rdt_cli_value(cli, OPT_ADD, NULL);
    *dir = rdt_cli_value(cli, OPT_DATA, NULL);
    if (*dir == NULL)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--data DIR is missing: the server's folder");
    if (type == NULL && !rdt_cli_has(cli, OPT_REMOVE))
        return rdt_fail(&cli->err, RDT_E_USAGE, "nothing to do: give --add TYPE or --remove ID");
    if (cli->n_values[OPT_ADD] > 1)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--add: one seal at a time");
    if (type == NULL)
        return RDT_OK;
    enum rdt_code rc = rdt_root_input_seal(cli, type, rdt_cli_value(cli, OPT_ID, type), seal);
    return rc == RDT_OK && seal->type == RDT_SEAL_SHAMIR ? rdt_root_shares_place(cli) : rc;
}

int
rdt_cmd_root_reseal(struct rdt_cli *cli)
{
    struct reseal r = {.cli = cli};
    struct rdt_seal_opts seal;
    RDT_BUF out = {0};
    enum rdt_code rc = take_options(cli, &r.dir, &seal);
    if (rc == RDT_OK)
        rc = rdt_root_load(r.dir, &r.root, &cli->err);
    if (rc == RDT_OK)
        rc = change(&r, rdt_cli_has(cli, OPT_ADD) ? &seal : NULL);
    if (rc == RDT_OK) {
        rdt_root_show(cli, r.root, r.dir, &out);
        rc = rdt_cli_write_words(cli, &out);
    }
    if (rc == RDT_OK)
        rdt_root_warn(cli, r.root, r.dir);
    rdt_root_lock(r.open);
    rdt_root_free(r.root);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
