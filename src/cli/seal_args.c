#include "cli/seal_args.h"

#include "base/secret_file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void
rdt_seal_args_done(struct rdt_seal_args *args)
{
    rdt_progress_clear(&args->progress);
    rdt_recipients_done(&args->to);
    rdt_unlock_wipe(&args->with);
    rdt_secret_wipe(&args->passphrase);
    rdt_secret_wipe(&args->pin);
    rdt_remote_close(&args->remote);
}

enum rdt_code
rdt_seal_args_service(struct rdt_seal_args *args)
{
    if (args->remote.client != NULL)
        return RDT_OK;
    enum rdt_code rc = rdt_remote_open(args->cli, &args->remote);
    args->to.client = args->with.client = args->remote.client;
    return rc;
}

static bool
number(const char *text, uint32_t most, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    *out = (uint32_t)v;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && v <= most;
}

static enum rdt_code
read_cost(struct rdt_seal_args *args)
{
    struct rdt_cli *cli = args->cli;
    uint32_t mib = 256, passes = 3;
    if (!number(rdt_cli_value(cli, OPT_ARGON_MEMORY, "256"), RDT_ARGON_MEMORY_MAX >> 10, &mib) ||
        !number(rdt_cli_value(cli, OPT_ARGON_PASSES, "3"), RDT_ARGON_PASSES_MAX, &passes))
        return rdt_fail(&cli->err, RDT_E_USAGE, "--argon-memory, --argon-passes: not understood");
    args->to.cost = (struct rdt_argon){.memory_kib = mib << 10, .passes = passes, .lanes = 1};
    return rdt_argon_check(&args->to.cost, &cli->err);
}

static enum rdt_code
add_passphrase(struct rdt_seal_args *args, const char *file)
{
    struct rdt_cli *cli = args->cli;
    enum rdt_code rc = read_cost(args);
    if (rc == RDT_OK)
        rc = rdt_secret_read(file, &args->passphrase, &cli->err);
    return rc == RDT_OK ? rdt_recipients_add_passphrase(&args->to, &args->passphrase, &cli->err)
                        : rc;
}

static enum rdt_code
add_key(struct rdt_seal_args *args, const char *key)
{
    struct rdt_cli *cli = args->cli;
    RDT_BUF word = {0};
    rdt_buf_fmt(&word, "kms:%s", key);
    const char *text =
        rdt_buf_cstr(&word) == NULL ? NULL : rdt_arena_str(&args->to.arena, rdt_buf_span(&word));
    return text == NULL ? rdt_fail(&cli->err, RDT_E_NOMEM, "recipient")
                        : rdt_recipients_add(&args->to, text, rdt_cli_value(cli, OPT_TENANT, NULL),
                                             &cli->err);
}

enum rdt_code
rdt_seal_args_to(struct rdt_seal_args *args, bool fresh)
{
    struct rdt_cli *cli = args->cli;
    const char *words =
                   rdt_cli_value(cli, fresh ? OPT_NEW_PASSPHRASE_FILE : OPT_PASSPHRASE_FILE, NULL),
               *pin = rdt_cli_value(cli, fresh ? OPT_NEW_PIN_FILE : OPT_PIN_FILE, NULL),
               *tenant = rdt_cli_value(cli, OPT_TENANT, NULL);
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; i < cli->n_values[OPT_RECIPIENT] && rc == RDT_OK; i++)
        rc = rdt_recipients_add(&args->to, cli->values[OPT_RECIPIENT][i], tenant, &cli->err);
    for (size_t i = 0; i < cli->n_values[OPT_KMS_KEY] && rc == RDT_OK; i++)
        rc = add_key(args, cli->values[OPT_KMS_KEY][i]);
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_BREAK_GLASS))
        rc = rdt_recipients_add_glass(&args->to, rdt_cli_value(cli, OPT_BREAK_GLASS, NULL),
                                      &cli->err);
    if (rc == RDT_OK && words != NULL)
        rc = add_passphrase(args, words);
    if (rc == RDT_OK && args->to.n == 0) {
        rc = rdt_fail(&cli->err, RDT_E_USAGE, "nobody could open it: no recipient is given");
        rdt_hint(&cli->err, "-r age1... (redoubt seal keygen makes one), --key KEY, or %s FILE",
                 fresh ? "--new-passphrase-file" : "--passphrase-file");
    }
    if (rc == RDT_OK && pin != NULL) {
        rc = rdt_secret_read(pin, &args->pin, &cli->err);
        args->to.pin = &args->pin;
    }
    if (rc == RDT_OK && rdt_recipients_need_service(&args->to))
        rc = rdt_seal_args_service(args);
    return rc;
}

static bool
names_service(void)
{
    const char *url = getenv("AWS_ENDPOINT_URL_KMS");
    if (url == NULL || url[0] == '\0')
        url = getenv("AWS_ENDPOINT_URL");
    return url != NULL && url[0] != '\0';
}

enum rdt_code
rdt_seal_args_with(struct rdt_seal_args *args)
{
    struct rdt_cli *cli = args->cli;
    const char *words = rdt_cli_value(cli, OPT_PASSPHRASE_FILE, NULL),
               *pin = rdt_cli_value(cli, OPT_PIN_FILE, NULL);
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; i < cli->n_values[OPT_IDENTITY] && rc == RDT_OK; i++)
        rc = rdt_unlock_add_file(&args->with, cli->values[OPT_IDENTITY][i], &cli->err);
    if (rc == RDT_OK && words != NULL)
        rc = rdt_secret_read(words, &args->with.passphrase, &cli->err);
    if (rc == RDT_OK && pin != NULL)
        rc = rdt_secret_read(pin, &args->with.pin, &cli->err);
    args->with.p11_module = rdt_cli_value(cli, OPT_HSM_MODULE, NULL);
    bool other =
        args->with.n + args->with.n_hybrids != 0 || words != NULL || args->with.p11_module != NULL;
    if (rc == RDT_OK && !other && names_service())
        rc = rdt_seal_args_service(args);
    return rc;
}

enum rdt_code
rdt_seal_args_sink(struct rdt_seal_args *args, struct rdt_sink **out)
{
    struct rdt_cli *cli = args->cli;
    struct rdt_sink_opts opts = {.path = rdt_cli_value(cli, OPT_OUT, NULL),
                                 .force = rdt_cli_has(cli, OPT_FORCE),
                                 .keep_partial = rdt_cli_has(cli, OPT_KEEP_PARTIAL)};
    return rdt_sink_open(&opts, out, &cli->err);
}

void
rdt_seal_args_progress(struct rdt_seal_args *args, const char *what, int64_t total)
{
    FILE *to =
        rdt_cli_has(args->cli, OPT_QUIET) || !isatty(STDERR_FILENO) ? NULL : args->cli->words_to;
    rdt_progress_start(&args->progress, to, what, RDT_PROGRESS_BYTES,
                       total < 0 ? 0 : (uint64_t)total, 0);
}

void
rdt_seal_args_at(void *args, uint64_t done)
{
    rdt_progress_at(&((struct rdt_seal_args *)args)->progress, done);
}
