/*
 * `redoubt census`: which stores a key's data may be in, whose reports about them are believed, and
 * the reports. A scanner runs `census report` with a key of its own; the service holds none.
 */
#include "base/file.h"
#include "cli/remote.h"
#include "cli/scanner_key.h"
#include "client/census.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static void
key_body(struct rdt_buf *body, const char *id)
{
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "KeyId", id);
}

/* The server, and the id of the key that the first operand names. */
static enum rdt_code
begin(struct rdt_cli *cli, struct rdt_remote *remote, struct rdt_buf *body, const char **id)
{
    enum rdt_code rc = rdt_remote_open(cli, remote);
    if (rc == RDT_OK)
        *id = rdt_remote_key(remote, cli->words[0], &rc);
    if (rc == RDT_OK)
        key_body(body, *id);
    return rc;
}

/* ---- stores */

int
rdt_cmd_census_register(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *id = NULL;
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_str(&body, "Store", cli->words[1]);
    rdt_jout_str(&body, "Kind", rdt_cli_value(cli, OPT_KIND, NULL));
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "redoubt:StoreRegister", &body,
                          "%s: store %s has to be empty before a version of it dies", id,
                          cli->words[1]);
}

int
rdt_cmd_census_remove(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *id = NULL;
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_str(&body, "Store", cli->words[1]);
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "redoubt:StoreRemove", &body,
                          "%s: store %s is not asked any more", id, cli->words[1]);
}

int
rdt_cmd_census_statement(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *id = NULL;
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "redoubt:CensusStatement", &body,
                          "%s: by the quorum's word no store holds anything under it", id);
}

int
rdt_cmd_census_stores(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 3};
    struct rdt_node *stores = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_list(
            &remote, &(struct rdt_remote_listing){"redoubt:StoreList", "Stores", "", 100}, &stores);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json_list(cli, "Stores", stores);
    rdt_table_text(&table, "STORE");
    rdt_table_text(&table, "KIND");
    rdt_table_text(&table, "KEYS");
    for (size_t i = 0; i < stores->n; i++) {
        const struct rdt_node *store = stores->members[i].node, *keys = rdt_node_get(store, "Keys");
        rdt_table_text(&table, rdt_node_str(store, "Store"));
        rdt_table_text(&table, rdt_node_str(store, "Kind"));
        rdt_table_cell(&table, "%zu", keys == NULL ? 0 : keys->n);
    }
    return rdt_remote_table(cli, &table);
}

/* ---- scanners */

int
rdt_cmd_census_enrol(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    RDT_BUF key = {0};
    enum rdt_code rc = rdt_scanner_public(cli, cli->words[1], &key);
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Scanner", cli->words[0]);
    rdt_jout_text(&body, "PublicKey", rdt_buf_span(&key));
    rdt_jout_open(&body, "Stores", '[');
    for (size_t i = 2; i < cli->n_words; i++)
        rdt_jout_str(&body, NULL, cli->words[i]);
    rdt_jout_close(&body, ']');
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "redoubt:ScannerEnrol", &body,
                          "%s: its reports on these stores are believed", cli->words[0]);
}

int
rdt_cmd_census_revoke(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Scanner", cli->words[0]);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:ScannerRevoke", &body,
                          "%s: revoked; what it reported counts no more", cli->words[0]);
}

int
rdt_cmd_census_scanners(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 4};
    struct rdt_node *scanners = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_list(
            &remote, &(struct rdt_remote_listing){"redoubt:ScannerList", "Scanners", "", 100},
            &scanners);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json_list(cli, "Scanners", scanners);
    rdt_table_text(&table, "SCANNER");
    rdt_table_text(&table, "STATE");
    rdt_table_text(&table, "SINCE");
    rdt_table_text(&table, "STORES");
    for (size_t i = 0; i < scanners->n; i++) {
        RDT_BUF names = {0};
        const struct rdt_node *scanner = scanners->members[i].node,
                              *stores = rdt_node_get(scanner, "Stores");
        for (size_t k = 0; stores != NULL && k < stores->n; k++)
            rdt_buf_fmt(&names, "%s%s", k == 0 ? "" : " ", rdt_node_text(stores->members[k].node));
        rdt_table_text(&table, rdt_node_str(scanner, "Scanner"));
        rdt_table_text(&table, rdt_node_true(scanner, "Revoked") ? "revoked" : "enrolled");
        rdt_table_time(&table, rdt_node_number(scanner, "Added", 0));
        rdt_table_text(&table, rdt_buf_cstr(&names));
    }
    return rdt_remote_table(cli, &table);
}

/* ---- nonces and reports */

static void
warn_too_early(struct rdt_cli *cli, struct rdt_span answer)
{
    struct rdt_census_ticket ticket;
    if (rdt_census_ticket_read(answer, &ticket, NULL) == RDT_OK && ticket.too_early)
        rdt_cli_note(cli, "too early to count for a drain: clients may still write under keys of "
                          "this ring that they were given before; ask again in some minutes");
}

int
rdt_cmd_census_nonce(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    RDT_BUF answer = {0};
    const char *id = NULL;
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    if (rc == RDT_OK) {
        rdt_jout_str(&body, "Store", cli->words[1]);
        rdt_jout_close(&body, '}');
        rc = rdt_client_call(remote.client, "redoubt:CensusNonce", rdt_buf_span(&body), NULL,
                             &answer, &cli->err);
    }
    if (rc == RDT_OK)
        warn_too_early(cli, rdt_buf_span(&answer));
    rdt_buf_str(&answer, "\n");
    if (rc == RDT_OK)
        rc = rdt_buf_ok(&answer) ? rdt_cli_write(cli, rdt_buf_span(&answer))
                                 : rdt_fail(&cli->err, RDT_E_NOMEM, "census nonce");
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* A whole number, all of the text before `stop`. */
static bool
number(const char *text, char stop, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == stop && errno == 0 && *out <= most;
}

static enum rdt_code
usage(struct rdt_cli *cli, const char *option, const char *text)
{
    return rdt_fail(&cli->err, RDT_E_USAGE, "--%s %s: not understood", option, text);
}

/* VERSION=N, or HANDLE:EPOCH=N; in ascending order, as the report has them. */
static enum rdt_code
read_counts(struct rdt_cli *cli, enum rdt_option option, struct rdt_buf *out)
{
    bool epochs = option == OPT_EPOCH;
    uint64_t last = 0;
    for (size_t i = 0; i < cli->n_values[option]; i++) {
        const char *text = cli->values[option][i], *at = text;
        uint64_t handle = 0, version, count;
        if (epochs && (!number(at, ':', UINT32_MAX, &handle) || (at = strchr(at, ':') + 1) == NULL))
            return usage(cli, "epoch", text);
        const char *equals = strchr(at, '=');
        if (!number(at, '=', UINT32_MAX, &version) || equals == NULL ||
            !number(equals + 1, '\0', UINT64_MAX, &count))
            return usage(cli, epochs ? "epoch" : "count", text);
        if ((handle << 32 | version) <= last)
            return rdt_fail(&cli->err, RDT_E_USAGE, "%s: counts ascend, each version once", text);
        last = handle << 32 | version;
        if (count != 0)
            rdt_census_add(out, epochs,
                           &(struct rdt_census_count){(uint32_t)handle, (uint32_t)version, count});
    }
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(&cli->err, RDT_E_NOMEM, "read counts");
}

/* What `census nonce` wrote. */
static enum rdt_code
read_nonce(struct rdt_cli *cli, struct rdt_census_ticket *out)
{
    RDT_BUF text = {0};
    const char *file = cli->words[0];
    enum rdt_code rc = rdt_file_read(file, RDT_CENSUS_TICKET_MAX, &text, &cli->err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_census_ticket_read(rdt_buf_span(&text), out, &cli->err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(&cli->err, rc, "%s", file);
}

static enum rdt_code
read_coverage(struct rdt_cli *cli, struct rdt_census *out)
{
    const char *looked_at = rdt_cli_value(cli, OPT_LOOKED_AT, ""),
               *total = rdt_cli_value(cli, OPT_TOTAL, ""),
               *highest = rdt_cli_value(cli, OPT_HIGHEST, "0");
    uint64_t seen;
    if (!number(looked_at, '\0', UINT64_MAX, &out->looked_at))
        return usage(cli, "looked-at", looked_at);
    if (!number(total, '\0', UINT64_MAX, &out->total))
        return usage(cli, "total", total);
    if (!number(highest, '\0', UINT32_MAX, &seen))
        return usage(cli, "highest", highest);
    out->highest = (uint32_t)seen;
    out->made_ms = cli->time * 1000;
    return RDT_OK;
}

static enum rdt_code
make_report(struct rdt_cli *cli, const struct rdt_census_by *by, struct rdt_buf *body)
{
    RDT_BUF counts = {0};
    RDT_BUF epochs = {0};
    struct rdt_census_ticket ticket;
    struct rdt_census census;
    enum rdt_code rc = read_nonce(cli, &ticket);
    if (rc != RDT_OK)
        return rc;
    rdt_census_begin(&ticket, &census);
    rc = read_coverage(cli, &census);
    if (rc == RDT_OK)
        rc = read_counts(cli, OPT_COUNT, &counts);
    if (rc == RDT_OK)
        rc = read_counts(cli, OPT_EPOCH, &epochs);
    if (rc != RDT_OK)
        return rc;
    census.counts = rdt_buf_span(&counts);
    census.epochs = rdt_buf_span(&epochs);
    return rdt_census_sign_report(by, &census, body, &cli->err);
}

int
rdt_cmd_census_report(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = NULL;
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *scanner = rdt_cli_value(cli, OPT_SCANNER, NULL);
    enum rdt_code rc = scanner == NULL
                           ? rdt_fail(&cli->err, RDT_E_USAGE, "--scanner NAME is needed")
                           : rdt_scanner_signer(cli, &signer);
    if (rc == RDT_OK)
        rc = make_report(cli, &(struct rdt_census_by){scanner, signer}, &body);
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:CensusReport", &body,
                          "reported: redoubt census status");
}

/* ---- status */

static void
put_counts(struct rdt_table *table, const struct rdt_node *report)
{
    RDT_BUF text = {0};
    const struct rdt_node *counts = rdt_node_get(report, "Counts");
    for (size_t i = 0; counts != NULL && i < counts->n; i++)
        rdt_buf_fmt(&text, "%s%.0f=%.0f", i == 0 ? "" : " ",
                    rdt_node_number(counts->members[i].node, "Version", 0),
                    rdt_node_number(counts->members[i].node, "Count", 0));
    rdt_table_text(table, rdt_buf_cstr(&text));
}

static void
put_store(struct rdt_table *table, const struct rdt_node *store)
{
    const struct rdt_node *report = rdt_node_get(store, "Report");
    rdt_table_text(table, rdt_node_str(store, "Store"));
    rdt_table_text(table, rdt_node_str(store, "Kind"));
    rdt_table_text(table, rdt_node_str(report, "Scanner"));
    rdt_table_time(table, rdt_node_number(report, "Received", 0));
    if (report == NULL)
        rdt_table_text(table, NULL);
    else
        rdt_table_cell(table, "%.0f of %.0f", rdt_node_number(report, "LookedAt", 0),
                       rdt_node_number(report, "Total", 0));
    put_counts(table, report);
}

int
rdt_cmd_census_status(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 6};
    RDT_BUF body = {0};
    static const char *const heads[] = {"STORE",    "KIND",      "SCANNER",
                                        "REPORTED", "LOOKED AT", "VALUES BY VERSION"};
    const struct rdt_node *answer = NULL;
    const char *id = NULL;
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    if (rc == RDT_OK) {
        rdt_jout_close(&body, '}');
        rc = rdt_remote_ask(&remote, "redoubt:CensusStatus", &body, &answer);
    }
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    const struct rdt_node *stores = rdt_node_get(answer, "Stores");
    for (size_t i = 0; i < RDT_COUNT(heads); i++)
        rdt_table_text(&table, heads[i]);
    for (size_t i = 0; stores != NULL && i < stores->n; i++)
        put_store(&table, stores->members[i].node);
    if (stores == NULL || stores->n == 0)
        rdt_cli_note(cli, "no store is registered for it: redoubt census register KEY STORE");
    return rdt_remote_table(cli, &table);
}
