#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/root_input.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "kms/kms.h"
#include "server/control.h"

#include <stdio.h>

#define ACCOUNT "000000000000"
#define REGION "local-1"

/* ---- what a root says of itself ---- */

static void
show_json(const struct rdt_root *root, struct rdt_buf *out)
{
    struct rdt_seal_info seals[RDT_ROOT_SEALS_MAX];
    char uuid[RDT_UUID_TEXT], stamp[RDT_STAMP_TEXT];
    size_t n = rdt_root_seals(root, seals);
    rdt_uuid_text(rdt_root_deployment(root), uuid);
    rdt_stamp_text(rdt_root_created(root), stamp);
    rdt_buf_fmt(out,
                "{\"redoubt\":1,\"root\":{\"deployment\":\"%s\",\"created\":\"%s\",\"custody\":\"%"
                "s\",\"needs_second_seal\":%s,\"seals\":[",
                uuid, stamp, rdt_root_custody(root),
                rdt_root_needs_second(root) ? "true" : "false");
    for (size_t i = 0; i < n; i++) {
        rdt_stamp_text(seals[i].created_s, stamp);
        rdt_buf_fmt(out, "%s{\"id\":\"%s\",\"type\":\"%s\",\"created\":\"%s\"", i == 0 ? "" : ",",
                    seals[i].id, rdt_seal_type_name(seals[i].type), stamp);
        if (seals[i].type == RDT_SEAL_SHAMIR)
            rdt_buf_fmt(out, ",\"threshold\":%u,\"shares\":%u", seals[i].threshold,
                        seals[i].shares);
        rdt_buf_str(out, ",\"detail\":");
        rdt_json_text(out, rdt_span_str(seals[i].detail));
        rdt_buf_str(out, "}");
    }
    rdt_buf_str(out, "],\"items\":[");
    for (size_t i = 0; rdt_root_item(root, i) != NULL; i++)
        rdt_buf_fmt(out, "%s\"%s\"", i == 0 ? "" : ",", rdt_root_item(root, i));
    rdt_buf_str(out, "]}}\n");
}

/* What the running server says of itself, in words; nothing for one that does not run. */
static void
show_server(const struct rdt_node *server, struct rdt_buf *out)
{
    const char *state = server == NULL ? NULL : rdt_node_str(server, "state");
    if (server == NULL) {
        rdt_buf_str(out, "\nserver: does not run\n");
        return;
    }
    rdt_buf_fmt(out, "\nserver: %s, process %.0f\n", state == NULL ? "?" : state,
                rdt_node_number(server, "pid", 0));
    const char *seal = rdt_node_str(server, "seal"), *why = rdt_node_str(server, "why");
    if (seal != NULL)
        rdt_buf_fmt(out, "  shares of '%s': %.0f of %.0f\n", seal,
                    rdt_node_number(server, "shares", 0), rdt_node_number(server, "needed", 0));
    if (why != NULL)
        rdt_buf_fmt(out, "  not ready: %s\n", why);
    const struct rdt_node *domain = rdt_node_get(server, "domain");
    if (domain != NULL)
        rdt_buf_fmt(out,
                    "  domain key %.0f wraps what is new; %.0f older in use, %.0f made ahead\n",
                    rdt_node_number(domain, "current", 0), rdt_node_number(domain, "older", 0),
                    rdt_node_number(domain, "ahead", 0));
}

static void
show_words(const struct rdt_root *root, const char *dir, struct rdt_buf *out)
{
    struct rdt_seal_info seals[RDT_ROOT_SEALS_MAX];
    char uuid[RDT_UUID_TEXT], stamp[RDT_STAMP_TEXT];
    size_t n = rdt_root_seals(root, seals), items = 0, domains = 0, width = 4;
    rdt_uuid_text(rdt_root_deployment(root), uuid);
    rdt_stamp_text(rdt_root_created(root), stamp);
    for (const char *item; (item = rdt_root_item(root, items)) != NULL; items++)
        domains += strncmp(item, "domain/", 7) == 0;
    rdt_buf_fmt(out, "root of %s\n", dir);
    rdt_buf_fmt(out,
                "  deployment  %s\n  created     %s\n  custody     %s\n  items       %zu, "
                "of these %zu domain key%s\n",
                uuid, stamp, rdt_root_custody(root), items, domains, domains == 1 ? "" : "s");
    for (size_t i = 0; i < n; i++)
        width = strlen(seals[i].id) > width ? strlen(seals[i].id) : width;
    rdt_buf_fmt(out, "\n  %-*s  %-11s  %-10s  %s\n", (int)width, "seal", "type", "since",
                "opened by");
    for (size_t i = 0; i < n; i++) {
        rdt_date_text(seals[i].created_s / RDT_DAY_S, stamp);
        rdt_buf_fmt(out, "  %-*s  %-11s  %-10s  %s\n", (int)width, seals[i].id,
                    rdt_seal_type_name(seals[i].type), stamp, seals[i].detail);
    }
}

void
rdt_root_show(const struct rdt_cli *cli, const struct rdt_root *root, const char *dir,
              struct rdt_buf *out)
{
    if (rdt_cli_has(cli, OPT_JSON))
        show_json(root, out);
    else
        show_words(root, dir, out);
}

void
rdt_root_warn(const struct rdt_cli *cli, const struct rdt_root *root, const char *dir)
{
    if (strcmp(rdt_root_custody(root), "development") == 0)
        rdt_cli_note(
            cli, "warning: DEVELOPMENT root: whoever reads %s/root.json has every key of it", dir);
    if (rdt_root_needs_second(root))
        rdt_cli_note(cli,
                     "warning: a second seal is missing, and no server starts without it: redoubt "
                     "root reseal --data %s --add shamir",
                     dir);
}

static enum rdt_code
need_data(struct rdt_cli *cli, const char **dir)
{
    *dir = rdt_cli_value(cli, OPT_DATA, NULL);
    if (*dir != NULL)
        return RDT_OK;
    rdt_fail(&cli->err, RDT_E_USAGE, "--data DIR is missing: the server's folder");
    return RDT_E_USAGE;
}

/* A server that does not run, or does not hear us, is no failure: the file can be shown. */
static enum rdt_code
ask_server(struct rdt_cli *cli, const char *dir, struct rdt_arena *arena, struct rdt_buf *text,
           struct rdt_node **server)
{
    struct rdt_err err = {0};
    struct rdt_control_ask ask = {.dir = dir, .command = RDT_CONTROL_STATUS, .fd = -1};
    enum rdt_code rc = rdt_control_ask(&ask, text, &err);
    if (rc == RDT_OK)
        return rdt_json_parse("the server's answer", rdt_buf_span(text), arena, server, &cli->err);
    text->n = 0;
    if (rc != RDT_E_NOTFOUND)
        rdt_cli_note(cli, "warning: %s", err.text);
    return RDT_OK;
}

int
rdt_cmd_root_status(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF out = {0};
    RDT_BUF text = {0};
    struct rdt_node *server = NULL;
    const char *dir = NULL;
    enum rdt_code rc = need_data(cli, &dir);
    if (rc == RDT_OK)
        rc = rdt_root_load(dir, &root, &cli->err);
    if (rc == RDT_OK)
        rc = ask_server(cli, dir, &arena, &text, &server);
    if (rc == RDT_OK) {
        rdt_root_show(cli, root, dir, &out);
        if (!rdt_cli_has(cli, OPT_JSON)) {
            show_server(server, &out);
        } else if (rdt_buf_ok(&out)) {
            out.n -= 2; /* the object's end and its line's */
            rdt_buf_str(&out, ",\"server\":");
            rdt_buf_add(&out, server == NULL ? "null" : (const char *)text.p,
                        server == NULL ? 4 : text.n);
            rdt_buf_str(&out, "}\n");
        }
        rc = rdt_cli_write_words(cli, &out);
    }
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_root_warn(cli, root, dir);
    return 0;
}

/* ---- init ---- */

/* Refused before anybody is asked for anything. */
static enum rdt_code
check_free(struct rdt_cli *cli, const char *dir)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    struct rdt_err why = {0};
    if (rdt_root_load(dir, &root, &why) == RDT_E_NOTFOUND)
        return RDT_OK;
    return rdt_fail(&cli->err, RDT_E_STATE, "%s has a root already", dir);
}

static enum rdt_code
collect(struct rdt_cli *cli, struct rdt_seal_opts *seals, struct rdt_root_input *inputs, size_t *n)
{
    enum rdt_code rc = RDT_OK;
    *n = cli->n_values[OPT_SEAL];
    if (*n == 0 || *n > RDT_ROOT_SEALS_MAX) {
        rdt_fail(&cli->err, RDT_E_USAGE, "--seal TYPE is missing: what opens the root");
        rdt_hint(&cli->err, "such as --seal passphrase --seal shamir");
        return RDT_E_USAGE;
    }
    for (size_t i = 0; rc == RDT_OK && i < *n; i++) {
        const char *type = cli->values[OPT_SEAL][i];
        for (size_t j = 0; j < i; j++) {
            if (strcmp(cli->values[OPT_SEAL][j], type) == 0)
                return rdt_fail(&cli->err, RDT_E_USAGE, "--seal %s twice", type);
        }
        rc = rdt_root_input_seal(cli, type, type, &seals[i]);
        if (rc == RDT_OK && seals[i].type == RDT_SEAL_SHAMIR)
            rc = rdt_root_shares_place(cli);
    }
    for (size_t i = 0; rc == RDT_OK && i < *n; i++) {
        enum rdt_option file =
            seals[i].type == RDT_SEAL_PKCS11 ? OPT_PIN_FILE : OPT_PASSPHRASE_FILE;
        rc = rdt_root_input_new(cli, seals[i].type, file, &inputs[i]);
        seals[i].passphrase = &inputs[i].word;
    }
    return rc;
}

/* Everything in memory; shares are given out once all seals are made, and before anything is
 * written that they are to open. */
static enum rdt_code
make_root(struct rdt_cli *cli, const struct rdt_seal_opts *seals, size_t n, struct rdt_root **root,
          struct rdt_root_open **open)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    RDT_SECRET shares = {0}; /* --seal shamir stands once at most */
    uint8_t deployment[16];
    enum rdt_code rc = rdt_worker_open(&worker, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_random(worker, deployment, sizeof deployment, &cli->err);
    for (size_t i = 0; rc == RDT_OK && i < n; i++) {
        struct rdt_secret *out = seals[i].type == RDT_SEAL_SHAMIR ? &shares : NULL;
        rc = i == 0 ? rdt_root_create(deployment, &seals[i], out, root, open, &cli->err)
                    : rdt_root_add_seal(*root, *open, &seals[i], out, &cli->err);
    }
    return rc == RDT_OK && shares.n != 0 ? rdt_root_shares_show(cli, &shares) : rc;
}

static enum rdt_code
make_service(struct rdt_cli *cli, const char *dir, struct rdt_root *root,
             struct rdt_root_open *open)
{
    bool development = strcmp(rdt_root_custody(root), "development") == 0;
    struct rdt_kms_opts opts = {.data = dir, .root = root, .open = open};
    struct rdt_kms_new site = {.account = rdt_cli_value(cli, OPT_ACCOUNT, ACCOUNT),
                               .region = rdt_cli_value(cli, OPT_REGION, REGION),
                               .development = development};
    enum rdt_code rc = rdt_kms_make(&opts, &site, &cli->err);
    for (size_t i = 0; rc != RDT_OK && i < cli->n_values[OPT_SEAL]; i++) {
        if (strcmp(cli->values[OPT_SEAL][i], "shamir") == 0)
            rdt_cli_note(cli, "the shares that were given out open nothing");
    }
    return rc;
}

int
rdt_cmd_root_init(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    RDT_BUF out = {0};
    struct rdt_root_input inputs[RDT_ROOT_SEALS_MAX] = {0};
    struct rdt_seal_opts seals[RDT_ROOT_SEALS_MAX];
    const char *dir = NULL;
    size_t n = 0;
    enum rdt_code rc = need_data(cli, &dir);
    if (rc == RDT_OK)
        rc = check_free(cli, dir);
    if (rc == RDT_OK)
        rc = collect(cli, seals, inputs, &n);
    if (rc == RDT_OK)
        rc = make_root(cli, seals, n, &root, &open);
    for (size_t i = 0; i < RDT_ROOT_SEALS_MAX; i++)
        rdt_root_input_done(&inputs[i]);
    if (rc == RDT_OK)
        rc = make_service(cli, dir, root, open);
    if (rc == RDT_OK) {
        rdt_root_show(cli, root, dir, &out);
        rc = rdt_cli_write_words(cli, &out);
    }
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_root_warn(cli, root, dir);
    return 0;
}
