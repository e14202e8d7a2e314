/*
 * The server's configuration: one YAML file, each field a row of the table.
 */
#include "server/server.h"

#include "base/arena.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/text.h"
#include "codec/yaml.h"

#define CONFIG_MAX ((size_t)64 * 1024) /* bytes of the file */

enum field_type { TEXT, NUMBER, LISTEN };

static const struct field {
    const char *name;
    enum field_type type;
    size_t at; /* in struct rdt_serve_opts */
    bool required;
} fields[] = {
    {"data",            TEXT,   offsetof(struct rdt_serve_opts, data),            true },
    {"listen",          LISTEN, offsetof(struct rdt_serve_opts, listen),          true },
    {"certificate",     TEXT,   offsetof(struct rdt_serve_opts, cert_file),       true },
    {"key",             TEXT,   offsetof(struct rdt_serve_opts, key_file),        true },
    {"client_ca",       TEXT,   offsetof(struct rdt_serve_opts, client_ca_file),  false},
    {"metrics",         TEXT,   offsetof(struct rdt_serve_opts, metrics_listen),  false},
    {"workers",         NUMBER, offsetof(struct rdt_serve_opts, workers),         false},
    {"seal",            TEXT,   offsetof(struct rdt_serve_opts, seal),            false},
    {"passphrase_file", TEXT,   offsetof(struct rdt_serve_opts, passphrase_file), false},
};
#define N_FIELDS (sizeof fields / sizeof fields[0])

static const struct field *
field_named(struct rdt_span name)
{
    for (size_t i = 0; i < N_FIELDS; i++)
        if (rdt_span_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

static void
unknown_field(const struct rdt_member *member, struct rdt_diags *diags)
{
    const char *names[N_FIELDS];
    for (size_t i = 0; i < N_FIELDS; i++)
        names[i] = fields[i].name;
    const char *near = rdt_text_nearest(member->key, names, N_FIELDS);
    rdt_diag_add(diags, member->mark, "there is no field '%.*s'", RDT_FMT(member->key));
    if (near != NULL)
        rdt_diag_hint(diags, "did you mean '%s'?", near);
}

/* One address or a list of them. */
static void
take_listen(const struct rdt_node *node, struct rdt_serve_opts *out, struct rdt_diags *diags)
{
    const char *one = rdt_node_text(node);
    if (one != NULL) {
        out->listen[out->n_listen++] = one;
        return;
    }
    for (size_t i = 0; node->kind == RDT_NODE_LIST && i < node->n; i++) {
        const char *address = rdt_node_text(node->members[i].node);
        if (address == NULL || out->n_listen == RDT_SERVE_LISTEN_MAX)
            rdt_diag_add(diags, node->members[i].mark,
                         "an address ADDR:PORT was expected, at most %d", RDT_SERVE_LISTEN_MAX);
        else
            out->listen[out->n_listen++] = address;
    }
    if (out->n_listen == 0)
        rdt_diag_add(diags, node->mark, "an address ADDR:PORT or a list of them was expected");
}

static void
take_field(const struct field *field, const struct rdt_node *node, struct rdt_serve_opts *out,
           struct rdt_diags *diags)
{
    void *at = (char *)out + field->at;
    const char *text = rdt_node_text(node);
    double number = 0;
    if (field->type == LISTEN) {
        take_listen(node, out, diags);
    } else if (field->type == TEXT && text != NULL && text[0] != '\0') {
        memcpy(at, &text, sizeof text);
    } else if (field->type == NUMBER && text != NULL &&
               rdt_node_scalar_type(node, &number) == RDT_NUMBER && number >= 1 && number <= 64 &&
               number == (unsigned)number) {
        unsigned value = (unsigned)number;
        memcpy(at, &value, sizeof value);
    } else {
        rdt_diag_add(diags, node->mark, "%s: %s was expected", field->name,
                     field->type == NUMBER ? "a number from 1 to 64" : "text");
    }
}

static void
missing_fields(const struct rdt_node *root, struct rdt_diags *diags)
{
    for (size_t i = 0; i < N_FIELDS; i++)
        if (fields[i].required && rdt_node_get(root, fields[i].name) == NULL)
            rdt_diag_add(diags, root->mark, "'%s' is missing", fields[i].name);
}

enum rdt_code
rdt_serve_config(const char *file, struct rdt_arena *arena, struct rdt_serve_opts *out,
                 struct rdt_diags *diags, struct rdt_err *err)
{
    RDT_BUF bytes = {0};
    struct rdt_node *root = NULL;
    enum rdt_code rc = rdt_file_read(file, CONFIG_MAX, &bytes, err);
    if (rc == RDT_OK)
        rc = rdt_yaml_parse(file, rdt_buf_span(&bytes), arena, diags, &root, err);
    if (rc != RDT_OK)
        return rc;
    if (root == NULL || root->kind != RDT_NODE_MAP)
        return rdt_fail(err, RDT_E_BADINPUT, "%s: fields were expected", file);
    for (size_t i = 0; i < root->n; i++) {
        const struct field *field = field_named(root->members[i].key);
        if (field == NULL)
            unknown_field(&root->members[i], diags);
        else
            take_field(field, root->members[i].node, out, diags);
    }
    missing_fields(root, diags);
    return diags->n == 0 ? RDT_OK : rdt_fail(err, RDT_E_BADINPUT, "%s", file);
}
