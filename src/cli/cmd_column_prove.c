/* `redoubt column prove`: decrypt everything, say what there is, sign it, and tell the census. */
#include "base/clock.h"
#include "base/file.h"
#include "cli/column.h"
#include "cli/scanner_key.h"
#include "client/census.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"
#include "work/column_census.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define STATEMENT_MAX ((size_t)64 * 1024 * 1024) /* bytes of a statement that is verified */
#define SIGNATURE_FILE_MAX ((size_t)4096)
#define PATH_TEXT 4096
#define RINGS_MAX (2 * RDT_CATALOGUE_RINGS_MAX) /* of values, and of tokens */

/* A ring that the census is told about. */
struct ring {
    const char *name;
    bool index;
    struct rdt_census_ticket ticket; /* from before the scan */
};

struct proof {
    struct rdt_column_cli at;
    struct rdt_column_proof *columns;
    size_t n;
    struct rdt_column_places places;
    struct rdt_buf statement;
    struct rdt_signer *signer;
    struct ring rings[RINGS_MAX];
    size_t n_rings;
};

static void
proof_done(struct proof *proof)
{
    for (size_t i = 0; i < proof->n; i++)
        rdt_column_proof_done(&proof->columns[i]);
    free(proof->columns);
    rdt_column_places_done(&proof->places);
    rdt_buf_done(&proof->statement);
    rdt_signer_free(proof->signer);
    rdt_column_cli_close(&proof->at);
}

/* ---- what is asked for ---- */

static enum rdt_code
pick_columns(struct proof *proof)
{
    struct rdt_cli *cli = proof->at.cli;
    enum rdt_code rc = RDT_OK;
    size_t n_all;
    const struct rdt_catalogue_column *all = rdt_catalogue_columns(proof->at.catalogue, &n_all);
    size_t n = cli->n_words == 0 ? n_all : cli->n_words;
    proof->columns = calloc(n + 1, sizeof *proof->columns);
    if (proof->columns == NULL)
        return rdt_fail(&cli->err, RDT_E_NOMEM, "prove");
    if (n == 0)
        return rdt_fail(&cli->err, RDT_E_BADINPUT, "the catalogue has no columns");
    for (; proof->n < n && rc == RDT_OK; proof->n++) {
        struct rdt_column_proof *one = &proof->columns[proof->n];
        if (cli->n_words == 0)
            one->column = &all[proof->n];
        else
            rc = rdt_catalogue_find(proof->at.catalogue, cli->words[proof->n], &one->column,
                                    &cli->err);
    }
    return rc;
}

static enum rdt_code
check_options(struct rdt_cli *cli)
{
    bool store = rdt_cli_has(cli, OPT_STORE), out = rdt_cli_has(cli, OPT_OUT);
    const char *path = rdt_cli_value(cli, OPT_OUT, "-");
    if (store && cli->n_words != 0)
        return rdt_fail(&cli->err, RDT_E_USAGE,
                        "--store: a report is about all columns of a ring: name none");
    if (store && (!rdt_cli_has(cli, OPT_SCANNER) || !rdt_cli_has(cli, OPT_SIGNER)))
        return rdt_fail(&cli->err, RDT_E_USAGE, "--store needs --scanner and --signer");
    if (rdt_cli_has(cli, OPT_SIGNER) && (!out || strcmp(path, "-") == 0))
        return rdt_fail(&cli->err, RDT_E_USAGE,
                        "--signer needs -o FILE: the signature goes beside it");
    return RDT_OK;
}

/* ---- the census ---- */

static enum rdt_code
add_ring(struct proof *proof, const char *name, bool index)
{
    struct rdt_cli *cli = proof->at.cli;
    struct ring *ring = &proof->rings[proof->n_rings];
    for (size_t i = 0; i < proof->n_rings; i++) {
        if (proof->rings[i].index == index && strcmp(proof->rings[i].name, name) == 0)
            return RDT_OK;
    }
    ring->name = name;
    ring->index = index;
    proof->n_rings++;
    enum rdt_code rc = rdt_client_census_ticket(
        proof->at.remote.client, name, rdt_cli_value(cli, OPT_STORE, ""), &ring->ticket, &cli->err);
    if (rc == RDT_OK && ring->ticket.too_early)
        rdt_cli_note(cli,
                     "%s: too early to count for a drain: programs may still write under keys that "
                     "they were given before; prove it again in some minutes",
                     name);
    return rc;
}

/* Asked for before anything is read, so that the report is known to be newer than the drain. */
static enum rdt_code
ask_tickets(struct proof *proof)
{
    enum rdt_code rc = RDT_OK;
    if (!rdt_cli_has(proof->at.cli, OPT_STORE))
        return RDT_OK;
    for (size_t i = 0; i < proof->n && rc == RDT_OK; i++) {
        const struct rdt_catalogue_column *column = proof->columns[i].column;
        rc = add_ring(proof, column->ring, false);
        if (rc == RDT_OK && rdt_catalogue_in_value(column))
            rc = add_ring(proof, column->index->ring, true);
    }
    return rc;
}

static enum rdt_code
report(struct proof *proof, const struct ring *ring)
{
    RDT_AUTO(rdt_ring_seen_done) struct rdt_ring_seen seen = {0};
    struct rdt_cli *cli = proof->at.cli;
    struct rdt_column_scan scan = {proof->columns, proof->n, &proof->places, proof->at.job.keys};
    struct rdt_census_by by = {rdt_cli_value(cli, OPT_SCANNER, NULL), proof->signer};
    struct rdt_census census;
    struct timespec now;
    enum rdt_code rc = rdt_ring_see(&scan, ring->name, ring->index, &seen, &cli->err);
    if (rc != RDT_OK)
        return rc;
    clock_gettime(CLOCK_REALTIME, &now);
    rdt_census_begin(&ring->ticket, &census);
    census.looked_at = seen.looked_at;
    census.total = seen.total;
    census.epochs = rdt_buf_span(&seen.epochs);
    census.highest = seen.highest;
    census.made_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    rc = rdt_client_census_report(proof->at.remote.client, &by, &census, &cli->err);
    if (rc != RDT_OK)
        return rdt_fail_in(&cli->err, rc, "census of %s", ring->name);
    rdt_cli_note(cli, "%s: reported %" PRIu64 " of %" PRIu64 " to the census: redoubt key versions",
                 ring->name, seen.looked_at, seen.total);
    return RDT_OK;
}

/* ---- the proof ---- */

static enum rdt_code
prove_all(struct proof *proof)
{
    struct rdt_err *err = &proof->at.cli->err;
    enum rdt_code rc = rdt_column_snapshot(proof->at.db, err);
    for (size_t i = 0; i < proof->n && rc == RDT_OK; i++) {
        struct rdt_column_proof *one = &proof->columns[i];
        rc = rdt_column_cli_use(&proof->at, one->column->name);
        if (rc == RDT_OK)
            rc = rdt_column_prove(&proof->at.job, one, err);
        if (rc != RDT_OK || one->bad.all == 0)
            continue;
        rdt_column_cli_bad(proof->at.cli, &one->bad);
        rc = rdt_fail(err, RDT_E_TAMPERED,
                      "%s: %" PRIu64 " values cannot be decrypted: no statement", one->column->name,
                      one->bad.all);
        if (!proof->at.job.show_rows)
            rdt_hint(err, "--show-rows names their rows");
    }
    size_t n_all;
    const struct rdt_catalogue_column *all = rdt_catalogue_columns(proof->at.catalogue, &n_all);
    return rc != RDT_OK ? rc : rdt_column_discover(proof->at.db, all, n_all, &proof->places, err);
}

static enum rdt_code
make_statement(struct proof *proof)
{
    RDT_BUF catalogue = {0};
    struct rdt_cli *cli = proof->at.cli;
    enum rdt_code rc = rdt_file_read(rdt_cli_value(cli, OPT_CATALOGUE, ""), RDT_CATALOGUE_BYTES_MAX,
                                     &catalogue, &cli->err);
    struct rdt_statement statement = {.proofs = proof->columns,
                                      .n_proofs = proof->n,
                                      .places = &proof->places,
                                      .catalogue = rdt_buf_span(&catalogue),
                                      .time_s = rdt_now()};
    if (rc == RDT_OK)
        rc = rdt_statement_put(proof->at.db, &statement, &proof->statement, &cli->err);
    return rc == RDT_OK ? rdt_column_snapshot_end(proof->at.db, &cli->err) : rc;
}

static enum rdt_code
write_signed(struct proof *proof)
{
    RDT_BUF text = {0};
    struct rdt_cli *cli = proof->at.cli;
    uint8_t signature[RDT_SIGNATURE_LEN];
    char path[PATH_TEXT];
    struct rdt_span bytes = rdt_buf_span(&proof->statement);
    enum rdt_code rc = RDT_OK;
    if (proof->signer == NULL)
        return rdt_cli_write(cli, bytes);
    int n = snprintf(path, sizeof path, "%s.sig", rdt_cli_value(cli, OPT_OUT, ""));
    if (n < 0 || (size_t)n >= sizeof path)
        return rdt_fail(&cli->err, RDT_E_USAGE, "-o: the path is too long");
    rc = rdt_signer_sign(proof->signer, bytes, signature, &cli->err);
    if (rc != RDT_OK)
        return rc;
    rdt_jout_open(&text, NULL, '{');
    rdt_jout_str(&text, "scanner", rdt_cli_value(cli, OPT_SCANNER, NULL));
    rdt_jout_hex(&text, "public_key", rdt_signer_public(proof->signer));
    rdt_jout_hex(&text, "signature", (struct rdt_span){signature, sizeof signature});
    rdt_jout_close(&text, '}');
    rdt_buf_str(&text, "\n");
    if (!rdt_buf_ok(&text))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "sign a statement");
    rc = rdt_file_write(path, 0644, rdt_buf_span(&text), &cli->err);
    return rc == RDT_OK ? rdt_cli_write(cli, bytes) : rc;
}

/* 1: something stands in the way of an old version's end, and was said. */
static int
verdict(struct proof *proof)
{
    struct rdt_cli *cli = proof->at.cli;
    int status = 0;
    for (size_t i = 0; i < proof->n; i++) {
        const struct rdt_column_proof *one = &proof->columns[i];
        rdt_cli_note(cli,
                     "%s: %" PRIu64 " values decrypted, %" PRIu64 " of them under older epochs",
                     one->column->name, one->values, one->stale);
        status |= one->stale != 0;
    }
    for (size_t i = 0; i < proof->places.n; i++) {
        const struct rdt_column_place *at = &proof->places.at[i];
        bool looked = at->form[0] != '\0';
        if (at->in_catalogue)
            continue;
        if (looked)
            rdt_cli_note(cli,
                         "%s.%s: %" PRIu64 " encrypted values, and the catalogue does not name it",
                         at->relation, at->column, at->n);
        else
            rdt_cli_note(cli, "%s.%s: %s", at->relation, at->column, at->note);
        status |= !looked || at->handle != 0; /* sealed files have receipts of their own */
    }
    if (!proof->places.looked) {
        rdt_cli_note(cli, "other tables were not looked into: redoubt column install");
        status = 1;
    }
    return status;
}

int
rdt_cmd_column_prove(struct rdt_cli *cli)
{
    RDT_AUTO(proof_done) struct proof proof = {0};
    proof.at.cli = cli;
    enum rdt_code rc = check_options(cli);
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_SIGNER))
        rc = rdt_scanner_signer(cli, &proof.signer);
    if (rc == RDT_OK)
        rc = rdt_column_cli_open(cli, &proof.at);
    if (rc == RDT_OK)
        rc = pick_columns(&proof);
    if (rc == RDT_OK)
        rc = ask_tickets(&proof);
    if (rc == RDT_OK)
        rc = prove_all(&proof);
    if (rc == RDT_OK)
        rc = make_statement(&proof);
    if (rc == RDT_OK)
        rc = write_signed(&proof);
    for (size_t i = 0; i < proof.n_rings && rc == RDT_OK; i++)
        rc = report(&proof, &proof.rings[i]);
    return rc == RDT_OK ? verdict(&proof) : rdt_cli_fail(cli, rc);
}

/* ---- verify-statement ---- */

static enum rdt_code
read_signature(struct rdt_cli *cli, const char *file, uint8_t out[static RDT_SIGNATURE_LEN])
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF text = {0};
    struct rdt_node *tree = NULL;
    char path[PATH_TEXT];
    int n = snprintf(path, sizeof path, "%s.sig", file);
    if (n < 0 || (size_t)n >= sizeof path)
        return rdt_fail(&cli->err, RDT_E_USAGE, "the path is too long");
    enum rdt_code rc = rdt_file_read(path, SIGNATURE_FILE_MAX, &text, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_json_parse(path, rdt_buf_span(&text), &arena, &tree, &cli->err);
    const char *digits = rc == RDT_OK ? rdt_node_str(tree, "signature") : NULL;
    if (rc == RDT_OK &&
        (digits == NULL || !rdt_hex_get(rdt_span_str(digits), out, RDT_SIGNATURE_LEN)))
        rc = rdt_fail(&cli->err, RDT_E_BADINPUT, "%s: no signature", path);
    return rc;
}

int
rdt_cmd_column_verify_statement(struct rdt_cli *cli)
{
    RDT_BUF bytes = {0};
    RDT_BUF digits = {0};
    uint8_t signature[RDT_SIGNATURE_LEN], key[RDT_PUBLIC_MAX];
    const char *word = rdt_cli_value(cli, OPT_KEY, NULL);
    enum rdt_code rc =
        word == NULL ? rdt_fail(&cli->err, RDT_E_USAGE, "--key is needed: the scanner's public key")
                     : rdt_scanner_public(cli, word, &digits);
    if (rc == RDT_OK &&
        (digits.n / 2 > sizeof key || !rdt_hex_get(rdt_buf_span(&digits), key, digits.n / 2)))
        rc = rdt_fail(&cli->err, RDT_E_BADINPUT, "%s: not a key", word);
    if (rc == RDT_OK)
        rc = rdt_file_read(cli->words[0], STATEMENT_MAX, &bytes, &cli->err);
    if (rc == RDT_OK)
        rc = read_signature(cli, cli->words[0], signature);
    if (rc == RDT_OK)
        rc = rdt_signature_check((struct rdt_span){key, digits.n / 2}, rdt_buf_span(&bytes),
                                 (struct rdt_span){signature, sizeof signature}, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rdt_fail_in(&cli->err, rc, "%s", cli->words[0]));
    rdt_cli_note(cli, "%s: signed with this key, and not changed since", cli->words[0]);
    return 0;
}
