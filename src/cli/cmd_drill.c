/*
 * `redoubt seal drill`: the newest backup opened, restored into a database that is thrown away, and
 * asked; and the record of it that `verify` reads.
 */
#include "base/file.h"
#include "base/secret_file.h"
#include "cli/seal_args.h"
#include "cli/seal_opening.h"
#include "codec/base64.h"
#include "evidence/drill.h"
#include "work/interrupt.h"
#include "work/restore.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct exercise {
    struct rdt_seal_args args;
    struct rdt_restore *restore;
    struct rdt_drill drill;
    char *file;
    uint8_t first[RDT_RESTORE_FIRST]; /* of the dump */
    size_t first_n;
};

static void
exercise_done(struct exercise *e)
{
    rdt_restore_close(e->restore);
    rdt_seal_args_done(&e->args);
    free(e->file);
}

/* The file that changed last, of those that a pattern matches; OUT.partial and receipts are none.
 */
static char *
newest(const char *pattern)
{
    glob_t found = {0};
    struct stat best = {0}, st;
    char *name = NULL;
    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return NULL;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i], *dot = strrchr(path, '.');
        bool beside = dot != NULL && (strcmp(dot, ".partial") == 0 || strcmp(dot, ".receipt") == 0);
        if (beside || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (name == NULL || st.st_mtim.tv_sec > best.st_mtim.tv_sec ||
            (st.st_mtim.tv_sec == best.st_mtim.tv_sec &&
             st.st_mtim.tv_nsec > best.st_mtim.tv_nsec)) {
            free(name);
            name = strdup(path);
            best = st;
        }
    }
    globfree(&found);
    return name;
}

static enum rdt_code
choose(struct rdt_cli *cli, struct exercise *e)
{
    const char *pattern = rdt_cli_value(cli, OPT_NEWEST, NULL);
    if ((pattern == NULL) == (cli->n_words == 0))
        return rdt_fail(&cli->err, RDT_E_USAGE,
                        "one backup is opened: FILE, or --newest 'PATTERN'");
    e->file = pattern == NULL ? strdup(cli->words[0]) : newest(pattern);
    if (e->file == NULL)
        return rdt_fail(&cli->err, RDT_E_NOTFOUND, "%s: no such file",
                        pattern == NULL ? cli->words[0] : pattern);
    const char *slash = strrchr(e->file, '/');
    snprintf(e->drill.backup, sizeof e->drill.backup, "%s", slash == NULL ? e->file : slash + 1);
    return RDT_OK;
}

/* FILE.receipt where none is named: a restore without one would believe anybody. */
static enum rdt_code
find_receipt(struct rdt_cli *cli, struct exercise *e, struct rdt_seal_receipt_read *out)
{
    bool wanted = false;
    char *beside = NULL;
    if (!rdt_cli_has(cli, OPT_SIGNERS))
        return rdt_fail(&cli->err, RDT_E_USAGE, "--signers is needed: whose backups are believed");
    if (!rdt_cli_has(cli, OPT_REQUIRE_RECEIPT)) {
        size_t n = strlen(e->file) + sizeof ".receipt";
        beside = rdt_arena_new(&e->args.to.arena, n);
        if (beside == NULL)
            return rdt_fail(&cli->err, RDT_E_NOMEM, "drill");
        snprintf(beside, n, "%s.receipt", e->file);
        cli->values[OPT_REQUIRE_RECEIPT][cli->n_values[OPT_REQUIRE_RECEIPT]++] = beside;
    }
    enum rdt_code rc = rdt_receipt_wanted(cli, &wanted, out);
    snprintf(e->drill.made_by, sizeof e->drill.made_by, "%s", out->signer);
    return rc;
}

/* While it is only proved. */
static enum rdt_code
look(void *arg, struct rdt_span plain, struct rdt_err *err)
{
    struct exercise *e = arg;
    (void)err;
    while (plain.n != 0 && e->first_n < sizeof e->first) {
        e->first[e->first_n++] = *plain.p++;
        plain.n--;
    }
    return RDT_OK;
}

static enum rdt_code
take(void *arg, struct rdt_span plain, struct rdt_err *err)
{
    return rdt_restore_put(((struct exercise *)arg)->restore, plain, err);
}

static enum rdt_code
open_once(struct exercise *e, const struct rdt_secret *key, struct rdt_seal_receipt_read *receipt,
          struct rdt_secret *found, const struct rdt_opener_to *to)
{
    struct rdt_cli *cli = e->args.cli;
    RDT_AUTO(rdt_source_close_at) struct rdt_source *source = NULL;
    RDT_AUTO(rdt_opener_close_at) struct rdt_opener *opener = NULL;
    struct rdt_opened opened;
    enum rdt_code rc = rdt_source_open(e->file, &source, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_opener_new(source, &opener, &cli->err);
    if (rc == RDT_OK)
        rc = key == NULL ? rdt_opener_unlock(opener, &e->args.with, &cli->err)
                         : rdt_opener_key(opener, key, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_opener_run(opener, to, &opened, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_receipt_fits(receipt, opener, &opened, &cli->err);
    if (rc == RDT_OK && found != NULL)
        rc = rdt_secret_copy(
            found,
            (struct rdt_span){rdt_opener_file_key(opener)->p, rdt_opener_file_key(opener)->n},
            &cli->err);
    if (rc != RDT_OK)
        return rc;
    rdt_hex_put(rdt_opener_head(opener)->file_id, e->drill.file);
    e->drill.plain_len = opened.plain_len;
    return RDT_OK;
}

/* Read once to see that it is what was signed for, and again into the database, which acts on what
 * it is given. The keys are gone before anything else is asked. */
static enum rdt_code
restore(struct rdt_cli *cli, struct exercise *e, struct rdt_seal_receipt_read *receipt)
{
    RDT_SECRET key = {0};
    struct rdt_opener_to to = {.arg = e, .take = take, .progress = NULL};
    enum rdt_code rc = rdt_seal_args_with(&e->args);
    if (rc == RDT_OK)
        rc = open_once(e, NULL, receipt, &key, &(struct rdt_opener_to){.arg = e, .take = look});
    rdt_unlock_wipe(&e->args.with);
    if (rc == RDT_OK)
        rc = rdt_restore_start(e->restore, (struct rdt_span){e->first, e->first_n}, &cli->err);
    if (rc == RDT_OK)
        rc = open_once(e, &key, receipt, NULL, &to);
    if (rc == RDT_OK)
        rc = rdt_restore_end(e->restore, &cli->err);
    return rc;
}

static enum rdt_code
ask(struct rdt_cli *cli, struct exercise *e)
{
    enum rdt_code rc = rdt_restore_count(e->restore, &e->drill.tables, &e->drill.rows, &cli->err);
    if (rc == RDT_OK && e->drill.tables == 0)
        rc = rdt_fail(&cli->err, RDT_E_STATE, "the restored database has no table");
    for (size_t i = 0; i < cli->n_values[OPT_SQL] && rc == RDT_OK; i++) {
        rc = rdt_restore_check(e->restore, cli->values[OPT_SQL][i], &cli->err);
        if (rc != RDT_OK)
            return rdt_fail_in(&cli->err, rc, "--sql number %zu", i + 1);
        e->drill.checks++;
    }
    return rc;
}

/* Also of a drill that failed: that is what there is to know. */
static enum rdt_code
record(struct rdt_cli *cli, struct exercise *e, struct rdt_err *err)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = NULL;
    RDT_SECRET pem = {0};
    RDT_BUF out = {0};
    const char *path = rdt_cli_value(cli, OPT_RECORD, NULL);
    if (path == NULL)
        return RDT_OK;
    e->drill.time = cli->time;
    enum rdt_code rc = rdt_secret_read(rdt_cli_value(cli, OPT_SIGN_KEY, ""), &pem, err);
    if (rc == RDT_OK)
        rc = rdt_signer_load_pem((struct rdt_span){pem.p, pem.n}, NULL, &signer, err);
    if (rc == RDT_OK)
        rc = rdt_drill_put(&e->drill, signer, &out, err);
    if (rc == RDT_OK)
        rc = rdt_file_write(path, 0644, rdt_buf_span(&out), err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "record the drill");
}

static enum rdt_code
check_words(struct rdt_cli *cli, struct exercise *e)
{
    const char *key = rdt_cli_value(cli, OPT_FOR_KEY, "");
    bool records = rdt_cli_has(cli, OPT_RECORD);
    if (records && (!rdt_cli_has(cli, OPT_SIGN_KEY) || key[0] == '\0'))
        return rdt_fail(&cli->err, RDT_E_USAGE,
                        "--record needs --sign-key, and --for-key: the backup's key in the plan");
    if (strlen(key) > RDT_DRILL_TEXT_MAX)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--for-key is too long");
    snprintf(e->drill.key, sizeof e->drill.key, "%s", key);
    return RDT_OK;
}

int
rdt_cmd_seal_drill(struct rdt_cli *cli)
{
    RDT_AUTO(exercise_done) struct exercise e = {.args = {.cli = cli}};
    struct rdt_seal_receipt_read receipt = {.signer = ""};
    struct rdt_err unrecorded = {.text = ""};
    rdt_interrupt_arm();
    enum rdt_code rc = check_words(cli, &e);
    if (rc == RDT_OK)
        rc = choose(cli, &e);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rc = find_receipt(cli, &e, &receipt);
    if (rc == RDT_OK)
        rc = rdt_restore_begin(rdt_cli_value(cli, OPT_DATABASE_SCRATCH, "postgres"), &e.restore,
                               &cli->err);
    if (rc == RDT_OK)
        rc = restore(cli, &e, &receipt);
    if (rc == RDT_OK)
        rc = ask(cli, &e);
    e.drill.passed = rc == RDT_OK;
    enum rdt_code kept = record(cli, &e, &unrecorded);
    if (rc == RDT_OK && kept != RDT_OK) {
        rc = kept;
        cli->err = unrecorded;
    } else if (kept != RDT_OK) {
        rdt_cli_note(cli, "note: %s", unrecorded.text);
    }
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rdt_fail_in(&cli->err, rc, "drill with %s", e.drill.backup));
    fprintf(cli->out, "%s: made by %s, restored: %llu tables, %llu rows, %llu checks\n",
            e.drill.backup, e.drill.made_by, (unsigned long long)e.drill.tables,
            (unsigned long long)e.drill.rows, (unsigned long long)e.drill.checks);
    return 0;
}
