/* `redoubt column encrypt`: a twin, the cut-over, the end of the plaintext. */
#include "cli/column.h"
#include "codec/jout.h"

#include <inttypes.h>

static const char *const stages[] = {"plain", "twin", "cut", "sealed"};

static void
say_next(struct rdt_column_cli *at, const struct rdt_encryption *encryption)
{
    struct rdt_cli *cli = at->cli;
    const char *name = at->job.column->name;
    if (encryption->stage == RDT_COLUMN_TWIN)
        rdt_cli_note(cli,
                     "%s_rdt is filled; when the application reads and writes encrypted "
                     "values: --cut-over",
                     name);
    if (encryption->stage == RDT_COLUMN_CUT)
        rdt_cli_note(cli,
                     "the plaintexts are in %s_plain; when nobody needs them: "
                     "--drop-plaintext",
                     name);
    if (encryption->stage == RDT_COLUMN_SEALED)
        rdt_cli_note(cli, "what was in the column before is still in old pages of the table (until "
                          "VACUUM FULL), in archived WAL, replicas, dumps and backups");
}

static int
show(struct rdt_column_cli *at, const struct rdt_encryption *encryption)
{
    RDT_BUF text = {0};
    if (rdt_cli_has(at->cli, OPT_JSON)) {
        rdt_jout_open(&text, NULL, '{');
        rdt_jout_str(&text, "Column", at->job.column->name);
        rdt_jout_str(&text, "Stage", stages[encryption->stage]);
        rdt_jout_int(&text, "Encrypted", (int64_t)encryption->sealed);
        rdt_jout_int(&text, "Compared", (int64_t)encryption->compared);
        rdt_jout_int(&text, "Beaten", (int64_t)encryption->beaten);
        rdt_jout_int(&text, "LockMs", encryption->lock_ms);
        rdt_jout_close(&text, '}');
        rdt_buf_str(&text, "\n");
    } else {
        rdt_buf_fmt(&text, "%s: %s; %" PRIu64 " values encrypted, %" PRIu64 " compared\n",
                    at->job.column->name, stages[encryption->stage], encryption->sealed,
                    encryption->compared);
    }
    enum rdt_code rc = rdt_cli_write(at->cli, rdt_buf_span(&text));
    if (rc != RDT_OK)
        return rdt_cli_fail(at->cli, rc);
    say_next(at, encryption);
    return 0;
}

int
rdt_cmd_column_encrypt(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_column_cli_close) struct rdt_column_cli at = {0};
    RDT_AUTO(rdt_encryption_done) struct rdt_encryption encryption = {0};
    struct rdt_encrypt_opts opts = {rdt_cli_has(cli, OPT_CUT_OVER),
                                    rdt_cli_has(cli, OPT_DROP_PLAINTEXT)};
    enum rdt_code rc = rdt_column_cli_open(cli, &at);
    if (rc == RDT_OK)
        rc = rdt_column_cli_use(&at, cli->words[0]);
    if (rc == RDT_OK && opts.drop_plaintext && opts.cut_over)
        rc = rdt_fail(&cli->err, RDT_E_USAGE,
                      "--drop-plaintext is for later: when the application was seen to work");
    if (rc == RDT_OK)
        rc = rdt_column_encrypt(&at.job, &opts, &encryption, &cli->err);
    if (rc == RDT_OK)
        return show(&at, &encryption);
    if (rdt_column_cli_bad(cli, &encryption.bad) && !at.job.show_rows)
        rdt_hint(&cli->err, "--show-rows names their rows");
    return rdt_cli_fail(cli, rc);
}
