#include "kms/policy_internal.h"

#include "codec/json.h"

#include <stdlib.h>

static void
drop(struct policy_build *build)
{
    rdt_buf_done(&build->statements);
    rdt_buf_done(&build->conditions);
    rdt_buf_done(&build->values);
    rdt_buf_done(&build->bytes);
}

/* ---- the block ---- */

static void *
place(uint8_t **at, struct rdt_span bytes)
{
    uint8_t *here = *at;
    if (bytes.n != 0)
        memcpy(here, bytes.p, bytes.n);
    *at += (bytes.n + 7) & ~(size_t)7; /* the next array is aligned too */
    return here;
}

/* Denies first: the first statement that applies then often ends it. */
static void
place_statements(struct policy_statement *out, struct rdt_span from)
{
    const struct policy_statement *s = (const void *)from.p;
    size_t n = from.n / sizeof *s, k = 0;
    for (size_t i = 0; i < n; i++)
        if (!s[i].allow)
            out[k++] = s[i];
    for (size_t i = 0; i < n; i++)
        if (s[i].allow)
            out[k++] = s[i];
}

static enum rdt_code
pack(struct policy_build *build, struct rdt_policy **out)
{
    if (!rdt_buf_ok(&build->statements) || !rdt_buf_ok(&build->conditions) ||
        !rdt_buf_ok(&build->values) || !rdt_buf_ok(&build->bytes))
        return rdt_fail(build->err, RDT_E_NOMEM, "policy");
    struct rdt_policy *policy = malloc(sizeof *policy + build->statements.n + build->conditions.n +
                                       build->values.n + build->bytes.n + 4 * sizeof(uint64_t));
    if (policy == NULL)
        return rdt_fail(build->err, RDT_E_NOMEM, "policy");
    uint8_t *at = (uint8_t *)(policy + 1);
    struct policy_statement *statements = place(&at, rdt_buf_span(&build->statements));
    place_statements(statements, rdt_buf_span(&build->statements));
    policy->kind = build->kind;
    policy->n_statements = build->statements.n / sizeof *statements;
    policy->statements = statements;
    policy->conditions = place(&at, rdt_buf_span(&build->conditions));
    policy->values = place(&at, rdt_buf_span(&build->values));
    policy->bytes = place(&at, rdt_buf_span(&build->bytes));
    *out = policy;
    return RDT_OK;
}

/* ---- the document ---- */

static enum rdt_code
read_frame(struct policy_build *build, const struct rdt_node *root)
{
    if (root->kind != RDT_NODE_MAP)
        return rdt_policy_bad(build, "the document is no object");
    for (size_t i = 0; i < root->n; i++) {
        struct rdt_span key = root->members[i].key;
        if (!rdt_span_is(key, "Version") && !rdt_span_is(key, "Id") &&
            !rdt_span_is(key, "Statement"))
            return rdt_policy_bad(build, "an element of the document is not known");
    }
    const struct rdt_node *version = rdt_node_get(root, "Version"), *id = rdt_node_get(root, "Id");
    if (version != NULL && !rdt_node_is(version, "2012-10-17") &&
        !rdt_node_is(version, "2008-10-17"))
        return rdt_policy_bad(build, "Version is neither 2012-10-17 nor 2008-10-17");
    if (id != NULL && (id->kind != RDT_NODE_SCALAR || !id->quoted))
        return rdt_policy_bad(build, "Id is no text");
    return RDT_OK;
}

static enum rdt_code
read_document(struct policy_build *build, const struct rdt_node *root)
{
    enum rdt_code rc = read_frame(build, root);
    if (rc != RDT_OK)
        return rc;
    const struct rdt_node *list = rdt_node_get(root, "Statement");
    bool one = list != NULL && list->kind == RDT_NODE_MAP;
    if (list == NULL || (!one && (list->kind != RDT_NODE_LIST || list->n == 0)))
        return rdt_policy_bad(build, "Statement is no list of statements, or is empty");
    size_t n = one ? 1 : list->n;
    if (n > RDT_POLICY_STATEMENTS_MAX)
        return rdt_fail(build->err, RDT_E_LIMIT, "policy: more than %d statements",
                        RDT_POLICY_STATEMENTS_MAX);
    for (size_t i = 0; i < n; i++) {
        build->statement = i + 1;
        rc = rdt_policy_statement(build, one ? list : list->members[i].node);
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}

/* The parser's own words may quote the document; ours do not. */
static enum rdt_code
read_json(struct rdt_span json, struct rdt_arena *arena, struct rdt_node **out, struct rdt_err *err)
{
    if (json.n > RDT_POLICY_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "policy: longer than %zu bytes", RDT_POLICY_MAX);
    enum rdt_code rc = rdt_json_parse("policy", json, arena, out, NULL);
    if (rc == RDT_OK)
        return RDT_OK;
    return rdt_fail(err, rc,
                    rc == RDT_E_BADINPUT ? "policy: no JSON, or a name stands twice in one object"
                                         : "policy");
}

enum rdt_code
rdt_policy_compile(enum rdt_policy_kind kind, struct rdt_span json, const char *account,
                   struct rdt_policy **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_AUTO(drop)
    struct policy_build build = {.kind = kind, .account = rdt_span_str(account), .err = err};
    struct rdt_node *root = NULL;
    enum rdt_code rc = read_json(json, &arena, &root, err);
    if (rc == RDT_OK)
        rc = read_document(&build, root);
    return rc == RDT_OK ? pack(&build, out) : rc;
}

void
rdt_policy_free(struct rdt_policy *policy)
{
    free(policy);
}

void
rdt_policy_default(const char *account, struct rdt_buf *out)
{
    rdt_buf_fmt(out,
                "{\n"
                "  \"Version\" : \"2012-10-17\",\n"
                "  \"Id\" : \"key-default-1\",\n"
                "  \"Statement\" : [ {\n"
                "    \"Sid\" : \"Enable IAM User Permissions\",\n"
                "    \"Effect\" : \"Allow\",\n"
                "    \"Principal\" : {\n"
                "      \"AWS\" : \"arn:aws:iam::%s:root\"\n"
                "    },\n"
                "    \"Action\" : \"kms:*\",\n"
                "    \"Resource\" : \"*\"\n"
                "  } ]\n"
                "}",
                account);
}
