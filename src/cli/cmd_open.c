/*
 * `redoubt open`: a sealed file, or one of age, back to its plaintext.
 */
#include "cli/seal_args.h"
#include "cli/seal_opening.h"
#include "seal/age.h"
#include "work/age_file.h"
#include "work/interrupt.h"

#include <errno.h>
#include <stdlib.h>

struct opening {
    struct rdt_seal_args args;
    struct rdt_source *source;
    struct rdt_opener *opener;
    struct rdt_sink *sink;
    bool wanted;
    struct rdt_seal_receipt_read receipt;
};

static void
opening_done(struct opening *o)
{
    rdt_opener_close(o->opener);
    rdt_source_close(o->source);
    rdt_sink_close(o->sink);
    rdt_seal_args_done(&o->args);
}

static enum rdt_code
take(void *arg, struct rdt_span plain, struct rdt_err *err)
{
    return rdt_sink_write(((struct opening *)arg)->sink, plain, err);
}

static void
progress(void *arg, uint64_t done)
{
    rdt_seal_args_at(&((struct opening *)arg)->args, done);
}

/* A-B, both included, or A-: from A to the end. */
static enum rdt_code
read_range(struct rdt_cli *cli, uint64_t *from, uint64_t *end)
{
    const char *text = rdt_cli_value(cli, OPT_RANGE, "");
    char *at;
    errno = 0;
    *from = strtoull(text, &at, 10);
    bool ok = text[0] >= '0' && text[0] <= '9' && *at == '-' && errno == 0;
    *end = UINT64_MAX;
    if (ok && at[1] != '\0') {
        const char *last = at + 1;
        *end = strtoull(last, &at, 10);
        ok = *last >= '0' && *last <= '9' && *at == '\0' && errno == 0 && *end != UINT64_MAX &&
             *end >= *from;
        *end += 1;
    }
    return ok ? RDT_OK : rdt_fail(&cli->err, RDT_E_USAGE, "--range %s: not FIRST-LAST", text);
}

/* Anyone can seal to a public key: what is passed on before its end was compared would be believed
 * by whoever reads the pipe. So a file is read twice. */
static enum rdt_code
prove_first(struct rdt_cli *cli, struct opening *o)
{
    RDT_AUTO(rdt_source_close_at) struct rdt_source *source = NULL;
    RDT_AUTO(rdt_opener_close_at) struct rdt_opener *opener = NULL;
    struct rdt_opened opened;
    if (cli->n_words == 0 || rdt_source_size(o->source) < 0)
        return rdt_fail(&cli->err, RDT_E_STATE,
                        "--require-receipt to a pipe needs a file, which can be read twice");
    enum rdt_code rc = rdt_source_open(cli->words[0], &source, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_opener_new(source, &opener, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_opener_key(opener, rdt_opener_file_key(o->opener), &cli->err);
    if (rc == RDT_OK)
        rc = rdt_opener_run(opener, &(struct rdt_opener_to){.arg = NULL}, &opened, &cli->err);
    return rc == RDT_OK ? rdt_receipt_fits(&o->receipt, opener, &opened, &cli->err) : rc;
}

static enum rdt_code
open_sealed(struct rdt_cli *cli, struct opening *o)
{
    struct rdt_opened opened;
    struct rdt_opener_to to = {.arg = o, .take = take, .progress = progress};
    uint64_t from = 0, end = UINT64_MAX;
    bool part = rdt_cli_has(cli, OPT_RANGE);
    enum rdt_code rc = part ? read_range(cli, &from, &end) : RDT_OK;
    if (rc == RDT_OK)
        rc = rdt_opener_new(o->source, &o->opener, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_opener_unlock(o->opener, &o->args.with, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_seal_args_sink(&o->args, &o->sink);
    if (rc == RDT_OK && o->wanted && (part || !rdt_sink_is_file(o->sink)))
        rc = prove_first(cli, o);
    if (rc != RDT_OK)
        return rc;
    rdt_seal_args_progress(&o->args, "open", rdt_source_size(o->source));
    if (part)
        return rdt_opener_range(o->opener, from, end, &to, &cli->err);
    rc = rdt_opener_run(o->opener, &to, &opened, &cli->err);
    if (rc == RDT_OK && o->wanted)
        rc = rdt_receipt_fits(&o->receipt, o->opener, &opened, &cli->err);
    return rc;
}

static enum rdt_code
open_age(struct rdt_cli *cli, struct opening *o)
{
    struct rdt_opener_to to = {.arg = o, .take = take, .progress = progress};
    if (rdt_cli_has(cli, OPT_RANGE) || o->wanted)
        return rdt_fail(&cli->err, RDT_E_USAGE,
                        "a file in age's format has no --range and no receipt");
    enum rdt_code rc = rdt_seal_args_sink(&o->args, &o->sink);
    rdt_seal_args_progress(&o->args, "open", rdt_source_size(o->source));
    return rc == RDT_OK ? rdt_age_open(o->source, &o->args.with, &to, &cli->err) : rc;
}

int
rdt_cmd_open(struct rdt_cli *cli)
{
    RDT_AUTO(opening_done) struct opening o = {.args = {.cli = cli}};
    struct rdt_span first = {0};
    rdt_interrupt_arm();
    enum rdt_code rc = rdt_receipt_wanted(cli, &o.wanted, &o.receipt);
    if (rc == RDT_OK)
        rc = rdt_source_open(cli->n_words == 0 ? NULL : cli->words[0], &o.source, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_seal_args_with(&o.args);
    if (rc == RDT_OK)
        rc = rdt_source_peek(o.source, 40, &first, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_age_is(first) ? open_age(cli, &o) : open_sealed(cli, &o);
    rdt_progress_clear(&o.args.progress);
    if (rc == RDT_OK)
        rc = rdt_sink_finish(o.sink, &cli->err);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
