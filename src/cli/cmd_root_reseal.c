#include "cli/root_input.h"

/* What one run of `root reseal` works on. */
struct reseal {
    struct rdt_cli *cli;
    const char *dir;
    struct rdt_root *root;
    struct rdt_root_open *open;
    struct rdt_seal_info seals[RDT_ROOT_SEALS_MAX];
    size_t n_seals;
};

static const struct rdt_seal_info *
seal_of_type(const struct reseal *r, enum rdt_seal_type type)
{
    for (size_t i = 0; i < r->n_seals; i++) {
        if (r->seals[i].type == type)
            return &r->seals[i];
    }
    return NULL;
}

static const struct rdt_seal_info *
seal_named(const struct reseal *r, const char *id)
{
    for (size_t i = 0; i < r->n_seals; i++) {
        if (strcmp(r->seals[i].id, id) == 0)
            return &r->seals[i];
    }
    return NULL;
}

/* The seal that was named, else the first of which the means are given, else the first. */
static enum rdt_code
choose(const struct reseal *r, const struct rdt_seal_info **out)
{
    static const struct {
        enum rdt_option given;
        enum rdt_seal_type type;
    } ways[] = {
        {OPT_SHARE_FILE,      RDT_SEAL_SHAMIR    },
        {OPT_PASSPHRASE_FILE, RDT_SEAL_PASSPHRASE},
        {OPT_PIN_FILE,        RDT_SEAL_PKCS11    },
    };
    const char *id = rdt_cli_value(r->cli, OPT_OPEN_WITH, NULL);
    *out = id == NULL ? NULL : seal_named(r, id);
    if (id != NULL && *out == NULL)
        return rdt_fail(&r->cli->err, RDT_E_NOTFOUND, "there is no seal '%s'", id);
    for (size_t i = 0; *out == NULL && i < RDT_COUNT(ways); i++) {
        if (rdt_cli_has(r->cli, ways[i].given))
            *out = seal_of_type(r, ways[i].type);
    }
    if (*out == NULL)
        *out = seal_of_type(r, RDT_SEAL_DEVELOPMENT);
    if (*out == NULL)
        *out = &r->seals[0];
    return RDT_OK;
}

/* Who changes the ways in shows that there is one: also where seals are only removed. */
static enum rdt_code
unseal(struct reseal *r)
{
    RDT_AUTO(rdt_root_input_done) struct rdt_root_input input = {.n_shares = 0};
    const struct rdt_seal_info *seal = NULL;
    r->n_seals = rdt_root_seals(r->root, r->seals);
    enum rdt_code rc = choose(r, &seal);
    if (rc == RDT_OK)
        rc = rdt_root_input_old(r->cli, seal, &input);
    if (rc != RDT_OK)
        return rc;
    struct rdt_unseal means = {.passphrase = input.word.p == NULL ? NULL : &input.word,
                               .shares = input.pointers,
                               .n_shares = input.n_shares,
                               /* names the library of the seal to add, where there is one */
                               .p11_module = rdt_cli_has(r->cli, OPT_ADD)
                                                 ? NULL
                                                 : rdt_cli_value(r->cli, OPT_HSM_MODULE, NULL)};
    return rdt_root_unseal(r->root, seal->id, &means, &r->open, &r->cli->err);
}

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
    enum rdt_code rc = unseal(r);
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
