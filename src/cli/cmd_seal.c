/*
 * `redoubt seal` and `redoubt seal keygen`: a file, a pipe or a program's output into a file that
 * only its recipients can read.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/secret_file.h"
#include "cli/seal_args.h"
#include "codec/agekey.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "crypto/hpke.h"
#include "work/age_file.h"
#include "work/interrupt.h"
#include "work/seal_receipt.h"

#include <stdlib.h>

/* One run of the command. */
struct sealing {
    struct rdt_seal_args args;
    struct rdt_arena arena;
    struct rdt_producer *producer;
    struct rdt_source *source;
    struct rdt_sink *sink;
    struct rdt_seal_policy policy;
    struct rdt_sealed sealed;
    bool age; /* of its format: there is nothing to tell */
};

static void
sealing_done(struct sealing *s)
{
    rdt_sink_close(s->sink);
    rdt_source_close(s->source);
    rdt_producer_close(s->producer);
    rdt_interrupt_group(0);
    rdt_seal_args_done(&s->args);
    rdt_arena_done(&s->arena);
}

/* Before anything secret is read. */
static enum rdt_code
start_program(struct rdt_cli *cli, struct sealing *s)
{
    const char *text = rdt_cli_value(cli, OPT_EXEC, NULL);
    const char *const *argv = NULL;
    enum rdt_code rc = RDT_OK;
    if (text != NULL) {
        rc = rdt_command_split(text, &s->arena, &argv, &cli->err);
    } else {
        const char **own = rdt_arena_new(&s->arena, (cli->n_tail + 1) * sizeof *own);
        if (own == NULL)
            return rdt_fail(&cli->err, RDT_E_NOMEM, "seal");
        memcpy(own, cli->words + cli->n_words - cli->n_tail, cli->n_tail * sizeof *own);
        argv = own;
    }
    struct rdt_produce what = {
        .argv = argv, .pass = cli->values[OPT_PASS_ENV], .n_pass = cli->n_values[OPT_PASS_ENV]};
    if (rc == RDT_OK)
        rc = rdt_producer_start(&what, &s->producer, &cli->err);
    if (rc != RDT_OK)
        return rdt_fail_in(&cli->err, rc, "--exec");
    rdt_interrupt_group(rdt_producer_group(s->producer));
    return rdt_source_of(s->producer, &s->source, &cli->err);
}

static enum rdt_code
open_source(struct rdt_cli *cli, struct sealing *s)
{
    bool runs = rdt_cli_has(cli, OPT_EXEC) || cli->n_tail != 0;
    size_t files = cli->n_words - cli->n_tail;
    if ((runs && files != 0) || files > 1 || (rdt_cli_has(cli, OPT_EXEC) && cli->n_tail != 0))
        return rdt_fail(&cli->err, RDT_E_USAGE,
                        "one thing is sealed: a file, or a command's output");
    if (!runs && rdt_cli_has(cli, OPT_PASS_ENV))
        return rdt_fail(&cli->err, RDT_E_USAGE, "--env is for --exec");
    return runs ? start_program(cli, s)
                : rdt_source_open(files == 0 ? NULL : cli->words[0], &s->source, &cli->err);
}

static enum rdt_seal_level
level_of(const char *word)
{
    static const char *const words[] = {
        [RDT_SEAL_LOW] = "low",
        [RDT_SEAL_MEDIUM] = "medium",
        [RDT_SEAL_HIGH] = "high",
        [RDT_SEAL_CRITICAL] = "critical",
    };
    for (size_t i = RDT_SEAL_LOW; word != NULL && i < RDT_COUNT(words); i++) {
        if (strcmp(words[i], word) == 0)
            return (enum rdt_seal_level)i;
    }
    return RDT_SEAL_NO_LEVEL;
}

/* A date, or so long from now; milliseconds. */
static enum rdt_code
read_when(struct rdt_cli *cli, enum rdt_option option, int64_t *out)
{
    const char *text = rdt_cli_value(cli, option, NULL);
    double days;
    int64_t seconds;
    if (text == NULL)
        return RDT_OK;
    if (rdt_duration_parse(rdt_span_str(text), &days))
        seconds = cli->time + (int64_t)(days * RDT_DAY_S);
    else if (!rdt_stamp_parse(rdt_span_str(text), &seconds))
        return rdt_fail(&cli->err, RDT_E_USAGE, "--%s: '%s' is no date and no time like 30d",
                        rdt_option_infos[option].name, text);
    if (seconds <= cli->time)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--%s: '%s' is over already",
                        rdt_option_infos[option].name, text);
    *out = seconds * 1000;
    return RDT_OK;
}

static enum rdt_code
read_policy(struct rdt_cli *cli, struct sealing *s)
{
    const char *asset = rdt_cli_value(cli, OPT_ASSET, "");
    s->policy = (struct rdt_seal_policy){
        .asset = rdt_span_str(asset),
        .level = level_of(rdt_cli_value(cli, OPT_LEVEL, NULL)),
        .created_ms = cli->time * 1000,
        .coding = rdt_cli_has(cli, OPT_ZSTD) ? RDT_SEAL_ZSTD : RDT_SEAL_RAW,
    };
    return read_when(cli, OPT_EXPIRES, &s->policy.expires_ms);
}

static enum rdt_code
seal(struct rdt_cli *cli, struct sealing *s)
{
    struct rdt_seal_file job = {
        .source = s->source,
        .producer = s->producer,
        .sink = s->sink,
        .opts = {.policy = &s->policy,
                 .to = &s->args.to,
                 .coding = s->policy.coding,
                 .hashed = rdt_cli_has(cli, OPT_HASH)},
        .verify = rdt_cli_has(cli, OPT_VERIFY),
        .arg = &s->args,
        .progress = rdt_seal_args_at
    };
    bool age = strcmp(rdt_cli_value(cli, OPT_SEAL_FORMAT, "rbf1"), "age") == 0;
    rdt_seal_args_progress(&s->args, "seal", rdt_source_size(s->source));
    enum rdt_code rc = age ? rdt_age_seal(&job, rdt_cli_has(cli, OPT_ARMOR), &cli->err)
                           : rdt_seal_file_run(&job, &s->sealed, &cli->err);
    s->age = age;
    rdt_progress_clear(&s->args.progress);
    return rc;
}

/* The receipt of what was sealed, signed. */
static enum rdt_code
make_receipt(struct rdt_cli *cli, const struct sealing *s, struct rdt_buf *out)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = NULL;
    RDT_SECRET pem = {0};
    const char *file = rdt_cli_value(cli, OPT_SIGN_KEY, NULL);
    struct rdt_seal_receipt receipt = {.plain_len = s->sealed.plain_len,
                                       .sealed_len = s->sealed.sealed_len,
                                       .made_ms = cli->time * 1000,
                                       .asset = s->policy.asset};
    memcpy(receipt.file_id, s->sealed.file_id, sizeof receipt.file_id);
    memcpy(receipt.digest, s->sealed.digest, sizeof receipt.digest);
    enum rdt_code rc = rdt_secret_read(file, &pem, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_signer_load_pem((struct rdt_span){pem.p, pem.n}, NULL, &signer, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_seal_receipt_put(&receipt, signer, out, &cli->err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(&cli->err, rc, "%s", file);
}

/* What belongs together on the command line. */
static enum rdt_code
check_words(struct rdt_cli *cli)
{
    bool age = strcmp(rdt_cli_value(cli, OPT_SEAL_FORMAT, "rbf1"), "age") == 0;
    static const enum rdt_option ours[] = {OPT_ZSTD,    OPT_HASH,   OPT_ASSET,   OPT_LEVEL,
                                           OPT_EXPIRES, OPT_VERIFY, OPT_RECEIPT, OPT_BREAK_GLASS};
    for (size_t i = 0; age && i < RDT_COUNT(ours); i++) {
        if (rdt_cli_has(cli, ours[i]))
            return rdt_fail(&cli->err, RDT_E_USAGE, "a file in age's format has no --%s",
                            rdt_option_infos[ours[i]].name);
    }
    if (!age && rdt_cli_has(cli, OPT_ARMOR))
        return rdt_fail(&cli->err, RDT_E_USAGE, "--armor is for --format age");
    if (rdt_cli_has(cli, OPT_RECEIPT) != rdt_cli_has(cli, OPT_SIGN_KEY))
        return rdt_fail(&cli->err, RDT_E_USAGE, "--receipt and --sign-key belong together");
    return RDT_OK;
}

static void
tell(struct rdt_cli *cli, const struct rdt_sealed *sealed)
{
    char id[2 * RDT_SEAL_FILE_ID_LEN + 1] = "";
    RDT_BUF out = {0};
    rdt_hex_put((struct rdt_span){sealed->file_id, sizeof sealed->file_id}, id);
    id[sizeof id - 1] = '\0';
    if (!rdt_cli_has(cli, OPT_JSON)) {
        rdt_cli_note(cli, "sealed %llu bytes as file %s", (unsigned long long)sealed->plain_len,
                     id);
        return;
    }
    rdt_jout_open(&out, NULL, '{');
    rdt_jout_str(&out, "file", id);
    rdt_jout_hex(&out, "digest", (struct rdt_span){sealed->digest, sizeof sealed->digest});
    rdt_jout_int(&out, "plain_bytes", (int64_t)sealed->plain_len);
    rdt_jout_int(&out, "sealed_bytes", (int64_t)sealed->sealed_len);
    if (sealed->hashed)
        rdt_jout_hex(&out, "sha256", (struct rdt_span){sealed->plain, sizeof sealed->plain});
    rdt_jout_close(&out, '}');
    rdt_buf_str(&out, "\n");
    /* on standard output only where that is not the file itself */
    FILE *to = rdt_cli_has(cli, OPT_OUT) ? cli->out : cli->words_to;
    fwrite(out.p, 1, out.n, to);
}

int
rdt_cmd_seal(struct rdt_cli *cli)
{
    RDT_AUTO(sealing_done) struct sealing s = {.args = {.cli = cli}};
    RDT_BUF receipt = {0};
    rdt_interrupt_arm();
    enum rdt_code rc = check_words(cli);
    if (rc == RDT_OK)
        rc = read_policy(cli, &s);
    if (rc == RDT_OK)
        rc = open_source(cli, &s);
    if (rc == RDT_OK)
        rc = rdt_seal_args_to(&s.args, false);
    if (rc == RDT_OK)
        rc = rdt_seal_args_sink(&s.args, &s.sink);
    if (rc == RDT_OK)
        rc = seal(cli, &s);
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_RECEIPT))
        rc = make_receipt(cli, &s, &receipt);
    if (rc == RDT_OK)
        rc = rdt_sink_finish(s.sink, &cli->err);
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_RECEIPT))
        rc = rdt_file_write(rdt_cli_value(cli, OPT_RECEIPT, NULL), 0644, rdt_buf_span(&receipt),
                            &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (!s.age)
        tell(cli, &s.sealed);
    return 0;
}

/* ---- keygen */

int
rdt_cmd_seal_keygen(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    RDT_AUTO(rdt_sink_close_at) struct rdt_sink *sink = NULL;
    RDT_SECRET key = {0};
    RDT_SECRET text = {0};
    RDT_BUF head = {0};
    uint8_t public_key[RDT_HPKE_PUBLIC_LEN];
    char public_text[RDT_AGEKEY_PUBLIC_TEXT + 1], when[RDT_STAMP_TEXT];
    struct rdt_sink_opts opts = {.path = rdt_cli_value(cli, OPT_OUT, NULL),
                                 .force = rdt_cli_has(cli, OPT_FORCE),
                                 .words = true};
    rdt_interrupt_arm();
    enum rdt_code rc = rdt_worker_open(&worker, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_hpke_keypair(worker, &key, public_key, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_agekey_private_put(&key, &text, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_sink_open(&opts, &sink, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_agekey_public_put(public_key, public_text);
    rdt_stamp_text(cli->time, when);
    rdt_buf_fmt(&head, "# created: %s\n# public key: %s\n", when, public_text);
    rc = rdt_sink_write(sink, rdt_buf_span(&head), &cli->err);
    if (rc == RDT_OK)
        rc = rdt_sink_write(sink, (struct rdt_span){text.p, text.n}, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_sink_write(sink, rdt_span_str("\n"), &cli->err);
    if (rc == RDT_OK)
        rc = rdt_sink_finish(sink, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_OUT))
        fprintf(cli->out, "%s\n", public_text);
    return 0;
}
