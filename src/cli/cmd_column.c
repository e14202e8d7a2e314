/* `redoubt column install`, `uninstall`: Redoubt's SQL, from within the binary. */
#include "base/embed.h"
#include "cli/command.h"
#include "work/db.h"

#include <stdio.h>
#include <string.h>

#define FOLDER "pgext/redoubt--"
#define UNINSTALL "pgext/uninstall.sql"
#define CONVERT "SET redoubt.uninstall = 'convert';\n"

/* "pgext/redoubt--1.0.sql" installs; the others bring one version to the next. */
static bool
is_upgrade(const char *name)
{
    return strncmp(name, FOLDER, sizeof FOLDER - 1) == 0 &&
           strstr(name + sizeof FOLDER - 1, "--") != NULL;
}

static const struct rdt_embedded *
find(const char *from)
{
    for (size_t i = 0; i < rdt_embedded_n; i++) {
        const char *name = rdt_embedded[i].name;
        bool of = strncmp(name, FOLDER, sizeof FOLDER - 1) == 0;
        if (of && from == NULL && !is_upgrade(name))
            return &rdt_embedded[i];
        if (of && from != NULL && is_upgrade(name) &&
            strncmp(name + sizeof FOLDER - 1, from, strlen(from)) == 0 &&
            strncmp(name + sizeof FOLDER - 1 + strlen(from), "--", 2) == 0)
            return &rdt_embedded[i];
    }
    return NULL;
}

/* The version that a script makes: what stands between the last "--" and ".sql". */
static void
version_of(const struct rdt_embedded *script, char out[static 32])
{
    const char *at = script->name;
    for (const char *next; (next = strstr(at, "--")) != NULL;)
        at = next + 2;
    snprintf(out, 32, "%.*s", (int)strcspn(at, "s") - 1, at); /* without ".sql" */
}

/* All scripts from one version (NULL: none) to the newest, each a transaction of its own. */
static enum rdt_code
scripts(const char *from, struct rdt_db *db, struct rdt_buf *out, char to[static 32],
        struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    const struct rdt_embedded *script = find(from);
    for (; rc == RDT_OK && script != NULL; script = find(to)) {
        version_of(script, to);
        if (db != NULL) /* a NUL follows its bytes */
            rc = rdt_db_run(db, (const char *)script->bytes, err);
        else
            rdt_buf_add(out, script->bytes, script->n);
    }
    return rc;
}

int
rdt_cmd_column_install(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_db_close_at) struct rdt_db *db = NULL;
    RDT_BUF sql = {0};
    char was[32] = "", to[32] = "";
    bool write = rdt_cli_has(cli, OPT_OUT);
    enum rdt_code rc = RDT_OK;
    if (!write)
        rc = rdt_db_open(rdt_cli_value(cli, OPT_DB, NULL), &db, &cli->err);
    if (rc == RDT_OK && !write)
        rc = rdt_db_pgext(db, was, &cli->err);
    if (rc == RDT_OK) {
        snprintf(to, sizeof to, "%s", was);
        rc = scripts(was[0] == '\0' ? NULL : was, db, &sql, to, &cli->err);
    }
    if (rc == RDT_OK && write)
        rc = rdt_cli_write(cli, rdt_buf_span(&sql));
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (!write && strcmp(was, to) == 0)
        rdt_cli_note(cli, "version %s is there already", to);
    else if (!write)
        rdt_cli_note(cli, "database %s has version %s", rdt_db_name(db), to);
    return 0;
}

int
rdt_cmd_column_uninstall(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_db_close_at) struct rdt_db *db = NULL;
    RDT_BUF sql = {0};
    struct rdt_span script = {0};
    if (!rdt_embed_find(UNINSTALL, &script))
        return rdt_cli_fail(cli, rdt_fail(&cli->err, RDT_E_INTERNAL, "no " UNINSTALL));
    if (rdt_cli_has(cli, OPT_YES))
        rdt_buf_str(&sql, CONVERT);
    rdt_buf_add(&sql, script.p, script.n);
    const char *text = rdt_buf_cstr(&sql);
    if (text == NULL)
        return rdt_cli_fail(cli, rdt_fail(&cli->err, RDT_E_NOMEM, "uninstall"));
    enum rdt_code rc;
    if (rdt_cli_has(cli, OPT_OUT)) {
        rc = rdt_cli_write(cli, rdt_buf_span(&sql));
    } else {
        rc = rdt_db_open(rdt_cli_value(cli, OPT_DB, NULL), &db, &cli->err);
        if (rc == RDT_OK)
            rc = rdt_db_run(db, text, &cli->err);
        if (rc == RDT_OK)
            rdt_cli_note(cli, "database %s has it no more", rdt_db_name(db));
    }
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
