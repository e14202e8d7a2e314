#include "cli/root_input.h"

/* A root's seals, one of which is to be opened. */
struct opening {
    struct rdt_cli *cli;
    struct rdt_seal_info seals[RDT_ROOT_SEALS_MAX];
    size_t n_seals;
};

static const struct rdt_seal_info *
seal_of_type(const struct opening *r, enum rdt_seal_type type)
{
    for (size_t i = 0; i < r->n_seals; i++) {
        if (r->seals[i].type == type)
            return &r->seals[i];
    }
    return NULL;
}

static const struct rdt_seal_info *
seal_named(const struct opening *r, const char *id)
{
    for (size_t i = 0; i < r->n_seals; i++) {
        if (strcmp(r->seals[i].id, id) == 0)
            return &r->seals[i];
    }
    return NULL;
}

/* The seal that was named, else the first of which the means are given, else the first. */
static enum rdt_code
choose(const struct opening *r, const struct rdt_seal_info **out)
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

enum rdt_code
rdt_root_input_choose(struct rdt_cli *cli, const struct rdt_root *root, struct rdt_seal_info *out)
{
    const struct rdt_seal_info *seal = NULL;
    struct opening o = {.cli = cli};
    o.n_seals = rdt_root_seals(root, o.seals);
    enum rdt_code rc = choose(&o, &seal);
    if (rc == RDT_OK)
        *out = *seal;
    return rc;
}

enum rdt_code
rdt_root_input_unseal(struct rdt_cli *cli, struct rdt_root *root, struct rdt_root_open **out)
{
    RDT_AUTO(rdt_root_input_done) struct rdt_root_input input = {.n_shares = 0};
    struct rdt_seal_info seal;
    enum rdt_code rc = rdt_root_input_choose(cli, root, &seal);
    if (rc == RDT_OK)
        rc = rdt_root_input_old(cli, &seal, &input);
    if (rc != RDT_OK)
        return rc;
    struct rdt_unseal means = {
        .passphrase = input.word.p == NULL ? NULL : &input.word,
        .shares = input.pointers,
        .n_shares = input.n_shares,
        /* names the library of the seal to add, where there is one */
        .p11_module = rdt_cli_has(cli, OPT_ADD) ? NULL : rdt_cli_value(cli, OPT_HSM_MODULE, NULL)};
    return rdt_root_unseal(root, seal.id, &means, out, &cli->err);
}
