/*
 * `redoubt tenant`: tenants, the rings that they have keys in, and who holds these; `redoubt key
 * ring`.
 */
#include "cli/remote.h"
#include "codec/jout.h"

static void
tenant_body(struct rdt_buf *body, const char *name)
{
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "Tenant", name);
}

static void
put_heads(struct rdt_table *table, const char *const *heads, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rdt_table_text(table, heads[i]);
}

/* As the head of a field value shows it. */
static void
put_handle(struct rdt_table *table, const struct rdt_node *node)
{
    rdt_table_cell(table, "%08x", (unsigned)rdt_node_number(node, "Handle", 0));
}

/* ---- list */

static void
list_tenant(struct rdt_table *table, const struct rdt_node *tenant)
{
    const struct rdt_node *rings = rdt_node_get(tenant, "Rings");
    for (size_t i = 0; rings != NULL && i < rings->n; i++) {
        const struct rdt_node *ring = rings->members[i].node;
        rdt_table_text(table, rdt_node_str(tenant, "Tenant"));
        rdt_table_text(table, rdt_node_str(tenant, "State"));
        put_handle(table, ring);
        rdt_table_cell(table, "%.0f", rdt_node_number(ring, "Epoch", 0));
        rdt_table_time(table, rdt_node_number(tenant, "CreationDate", 0));
        rdt_table_text(table, rdt_node_str(ring, "KeyId"));
    }
}

int
rdt_cmd_tenant_list(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 6};
    static const char *const heads[] = {"TENANT", "STATE", "HANDLE", "EPOCH", "CREATED", "RING"};
    struct rdt_node *list = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_list(
            &remote, &(struct rdt_remote_listing){"redoubt:TenantList", "Tenants", "", 1000},
            &list);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json_list(cli, "Tenants", list);
    put_heads(&table, heads, RDT_COUNT(heads));
    for (size_t i = 0; i < list->n; i++)
        list_tenant(&table, list->members[i].node);
    if (list->n == 0)
        rdt_cli_note(cli, "there is no tenant yet: redoubt key ring KEY, then "
                          "redoubt tenant create NAME KEY");
    return rdt_remote_table(cli, &table);
}

/* ---- show */

static void
show_facts(struct rdt_table *facts, const struct rdt_node *tenant)
{
    static const char *const lines[][2] = {
        {"tenant", "Tenant"  },
        {"id",     "TenantId"},
        {"state",  "State"   },
    };
    for (size_t i = 0; i < RDT_COUNT(lines); i++) {
        rdt_table_text(facts, lines[i][0]);
        rdt_table_text(facts, rdt_node_str(tenant, lines[i][1]));
    }
    rdt_table_text(facts, "created");
    rdt_table_time(facts, rdt_node_number(tenant, "CreationDate", 0));
}

static void
show_rings(struct rdt_table *table, const struct rdt_node *list)
{
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const struct rdt_node *ring = list->members[i].node;
        put_handle(table, ring);
        rdt_table_cell(table, "%.0f", rdt_node_number(ring, "Epoch", 0));
        rdt_table_time(table, rdt_node_number(ring, "RotationDate", 0));
        rdt_table_text(table, rdt_node_str(ring, "KeyId"));
    }
}

static void
show_exports(struct rdt_table *table, const struct rdt_node *list)
{
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const struct rdt_node *one = list->members[i].node;
        const char *name = rdt_node_str(one, "Principal");
        rdt_table_text(table, name != NULL ? name : rdt_node_str(one, "PrincipalId"));
        put_handle(table, one);
        rdt_table_cell(table, "%.0f", rdt_node_number(one, "Epoch", 0));
        rdt_table_time(table, rdt_node_number(one, "FirstExport", 0));
        rdt_table_time(table, rdt_node_number(one, "HeldUntil", 0));
    }
}

static enum rdt_code
show(struct rdt_cli *cli, const struct rdt_node *tenant, struct rdt_buf *out)
{
    static const char *const ring_heads[] = {"HANDLE", "EPOCH", "ROTATED", "RING"};
    static const char *const export_heads[] = {"EXPORTED TO", "HANDLE", "EPOCH", "FIRST",
                                               "HELD UNTIL"};
    RDT_TABLE facts = {.columns = 2};
    RDT_TABLE rings = {.columns = RDT_COUNT(ring_heads)};
    RDT_TABLE exports = {.columns = RDT_COUNT(export_heads)};
    const struct rdt_node *list = rdt_node_get(tenant, "Exports");
    show_facts(&facts, tenant);
    put_heads(&rings, ring_heads, RDT_COUNT(ring_heads));
    show_rings(&rings, rdt_node_get(tenant, "Rings"));
    bool ok = rdt_table_put(&facts, out);
    rdt_buf_str(out, "\n");
    ok = rdt_table_put(&rings, out) && ok;
    if (list != NULL && list->n != 0) {
        put_heads(&exports, export_heads, RDT_COUNT(export_heads));
        show_exports(&exports, list);
        rdt_buf_str(out, "\n");
        ok = rdt_table_put(&exports, out) && ok;
    }
    if (rdt_node_true(tenant, "MoreExports"))
        rdt_cli_note(cli, "there are more exports than shown");
    return ok ? RDT_OK : rdt_fail(&cli->err, RDT_E_NOMEM, "show a tenant");
}

static enum rdt_code
get_tenant(struct rdt_remote *remote, const struct rdt_node **out)
{
    RDT_BUF body = {0};
    tenant_body(&body, remote->cli->words[0]);
    rdt_jout_close(&body, '}');
    return rdt_remote_ask(remote, "redoubt:TenantShow", &body, out);
}

int
rdt_cmd_tenant_show(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF out = {0};
    const struct rdt_node *answer = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = get_tenant(&remote, &answer);
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    if (rc == RDT_OK)
        rc = show(cli, answer, &out);
    if (rc == RDT_OK)
        rc = rdt_cli_write_words(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* ---- create, rotate, destroy */

int
rdt_cmd_tenant_create(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *key = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        key = rdt_remote_key(&remote, cli->words[1], &rc);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    tenant_body(&body, cli->words[0]);
    rdt_jout_str(&body, "KeyId", key);
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "redoubt:TenantCreate", &body, "%s: made in the ring %s",
                          cli->words[0], key);
}

/* The ring that was named, or the only one. */
static const char *
ring_of(struct rdt_remote *remote, enum rdt_code *rc)
{
    struct rdt_cli *cli = remote->cli;
    const struct rdt_node *answer = NULL;
    if (cli->n_words == 2)
        return rdt_remote_key(remote, cli->words[1], rc);
    *rc = get_tenant(remote, &answer);
    if (*rc != RDT_OK)
        return NULL;
    const struct rdt_node *rings = rdt_node_get(answer, "Rings");
    if (rings != NULL && rings->n == 1)
        return rdt_node_str(rings->members[0].node, "KeyId");
    *rc = rdt_fail(&cli->err, RDT_E_USAGE, "the tenant is in %zu rings",
                   rings == NULL ? 0 : rings->n);
    rdt_hint(&cli->err, "name one: redoubt tenant rotate %s KEY", cli->words[0]);
    return NULL;
}

int
rdt_cmd_tenant_rotate(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *key = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        key = ring_of(&remote, &rc);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    tenant_body(&body, cli->words[0]);
    rdt_jout_str(&body, "KeyId", key);
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "redoubt:TenantRotate", &body,
                          "%s: a new epoch in the ring %s; earlier ones stay readable",
                          cli->words[0], key);
}

int
rdt_cmd_tenant_destroy(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    tenant_body(&body, cli->words[0]);
    rdt_jout_close(&body, '}');
    return rdt_remote_act(
        &remote, "redoubt:TenantDestroy", &body,
        "%s: its keys are refused from now on and being erased; clients hold what "
        "they were given until the times that `redoubt tenant show` has",
        cli->words[0]);
}

int
rdt_cmd_key_ring(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *key = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        key = rdt_remote_key(&remote, cli->words[0], &rc);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "KeyId", key);
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "redoubt:KeyRing", &body,
                          "%s: a ring; now redoubt tenant create NAME %s", key, key);
}
