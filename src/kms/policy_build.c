#include "kms/policy_internal.h"

#define ACCOUNT_LEN ((size_t)12)

enum rdt_code
rdt_policy_bad(struct policy_build *build, const char *what)
{
    if (build->statement == 0)
        return rdt_fail(build->err, RDT_E_BADINPUT, "policy: %s", what);
    return rdt_fail(build->err, RDT_E_BADINPUT, "policy: statement %zu: %s", build->statement,
                    what);
}

size_t
rdt_policy_items(const struct rdt_node *node)
{
    return node->kind == RDT_NODE_LIST ? node->n : node->kind == RDT_NODE_SCALAR;
}

const struct rdt_node *
rdt_policy_item(const struct rdt_node *node, size_t i)
{
    return node->kind == RDT_NODE_LIST ? node->members[i].node : node;
}

enum rdt_code
rdt_policy_bytes(struct policy_build *build, struct rdt_span bytes, struct policy_value *out)
{
    if (bytes.n > UINT16_MAX)
        return rdt_fail(build->err, RDT_E_LIMIT, "policy: a value is too long");
    out->at = (uint32_t)build->bytes.n;
    out->n = (uint16_t)bytes.n;
    rdt_buf_add(&build->bytes, bytes.p, bytes.n);
    return RDT_OK;
}

enum rdt_code
rdt_policy_value(struct policy_build *build, enum policy_shape shape, struct rdt_span bytes,
                 struct policy_slice *slice)
{
    struct policy_value value = {.shape = (uint8_t)shape};
    size_t n = build->values.n / sizeof value;
    if (n >= RDT_POLICY_VALUES_MAX)
        return rdt_fail(build->err, RDT_E_LIMIT, "policy: more than %d values",
                        RDT_POLICY_VALUES_MAX);
    enum rdt_code rc = rdt_policy_bytes(build, bytes, &value);
    if (rc != RDT_OK)
        return rc;
    if (slice->n++ == 0)
        slice->first = (uint16_t)n;
    rdt_buf_add(&build->values, &value, sizeof value);
    return RDT_OK;
}

enum rdt_code
rdt_policy_pattern(struct policy_build *build, struct rdt_span text, bool arn,
                   struct policy_slice *slice)
{
    struct rdt_span parts[6];
    if (memmem(text.p, text.n, "${", 2) != NULL)
        return rdt_policy_bad(build, "policy variables (${...}) are not supported");
    if (arn && !rdt_policy_parts(text, parts))
        return rdt_policy_bad(build, "an ARN does not have its six parts arn:...");
    /* A part between stars with a ? in it is tried at every place of the text. */
    build->floating += rdt_policy_floating(text);
    if (build->floating > POLICY_FLOATING)
        return rdt_fail(build->err, RDT_E_LIMIT,
                        "policy: more than %zu bytes of patterns that have ? between stars",
                        POLICY_FLOATING);
    enum policy_shape shape = rdt_policy_shape(text);
    return rdt_policy_value(build, arn && shape != SHAPE_EXACT ? SHAPE_ARN : shape, text, slice);
}

/* ---- who ---- */

static bool
is_account(struct rdt_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    return text.n == ACCOUNT_LEN;
}

static enum rdt_code
account_value(struct policy_build *build, struct rdt_span account, struct policy_slice *slice)
{
    bool ours = rdt_span_eq(account, build->account);
    return rdt_policy_value(build, ours ? SHAPE_ACCOUNT : SHAPE_STRANGER, account, slice);
}

static bool
begins(struct rdt_span text, const char *prefix)
{
    struct rdt_span want = rdt_span_str(prefix);
    return text.n > want.n && rdt_span_eq((struct rdt_span){text.p, want.n}, want);
}

/* Stars and question marks mean nothing in a principal, so they must not seem to. */
static bool
is_caller(struct rdt_span parts[static 6])
{
    bool iam = rdt_span_is(parts[2], "iam"), sts = rdt_span_is(parts[2], "sts");
    if (memchr(parts[5].p, '*', parts[5].n) != NULL || memchr(parts[5].p, '?', parts[5].n) != NULL)
        return false;
    return (iam && (begins(parts[5], "user/") || begins(parts[5], "role/"))) ||
           (sts && (begins(parts[5], "assumed-role/") || begins(parts[5], "federated-user/")));
}

static enum rdt_code
aws_principal(struct policy_build *build, const struct rdt_node *node, struct policy_slice *slice)
{
    struct rdt_span parts[6];
    if (node->kind != RDT_NODE_SCALAR || !node->quoted)
        return rdt_policy_bad(build, "a principal is no text");
    if (rdt_node_is(node, "*"))
        return rdt_policy_value(build, SHAPE_ANY, node->text, slice);
    if (is_account(node->text))
        return account_value(build, node->text, slice);
    if (!rdt_policy_parts(node->text, parts) || !rdt_span_is(parts[1], "aws") || parts[3].n != 0 ||
        !is_account(parts[4]))
        return rdt_policy_bad(build, "a principal is neither *, an account nor an ARN "
                                     "arn:aws:iam::ACCOUNT:...");
    if (rdt_span_is(parts[2], "iam") && rdt_span_is(parts[5], "root"))
        return account_value(build, parts[4], slice);
    if (!is_caller(parts))
        return rdt_policy_bad(build, "a principal's ARN is no root, user or role by its full name");
    return rdt_policy_value(build, SHAPE_CALLER, node->text, slice);
}

/* Services, federated and canonical users: in many policies, never a caller here. */
static enum rdt_code
foreign_principal(struct policy_build *build, const struct rdt_node *node,
                  struct policy_slice *slice)
{
    if (node->kind != RDT_NODE_SCALAR || !node->quoted || node->text.n == 0 ||
        memchr(node->text.p, '*', node->text.n) != NULL)
        return rdt_policy_bad(build, "a principal is no name");
    return rdt_policy_value(build, SHAPE_STRANGER, node->text, slice);
}

static enum rdt_code
principals_of(struct policy_build *build, const struct rdt_member *member,
              struct policy_slice *slice)
{
    static const char *const strangers[] = {"Service", "Federated", "CanonicalUser"};
    bool aws = rdt_span_is(member->key, "AWS"), known = aws;
    for (size_t i = 0; i < RDT_COUNT(strangers); i++)
        known = known || rdt_span_is(member->key, strangers[i]);
    size_t n = rdt_policy_items(member->node);
    if (!known || n == 0)
        return rdt_policy_bad(build, known ? "a list of principals is empty"
                                           : "a kind of principal is not known");
    for (size_t i = 0; i < n; i++) {
        const struct rdt_node *item = rdt_policy_item(member->node, i);
        enum rdt_code rc =
            aws ? aws_principal(build, item, slice) : foreign_principal(build, item, slice);
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}

static enum rdt_code
read_principals(struct policy_build *build, const struct rdt_node *node, struct policy_slice *slice)
{
    if (node->kind == RDT_NODE_SCALAR && node->quoted && rdt_node_is(node, "*"))
        return rdt_policy_value(build, SHAPE_ANY, node->text, slice);
    if (node->kind != RDT_NODE_MAP || node->n == 0)
        return rdt_policy_bad(build, "Principal is neither \"*\" nor an object such as "
                                     "{\"AWS\": ...}");
    for (size_t i = 0; i < node->n; i++) {
        enum rdt_code rc = principals_of(build, &node->members[i], slice);
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}

/* ---- what, on what ---- */

static bool
is_action(struct rdt_span text)
{
    const uint8_t *colon = text.n == 0 ? NULL : memchr(text.p, ':', text.n);
    size_t service = colon == NULL ? 0 : (size_t)(colon - text.p);
    if (service == 0 || service + 1 == text.n || text.n > POLICY_ACTION_LEN)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        if (!word && i != service && (i < service || (c != '*' && c != '?' && c != '_')))
            return false;
    }
    return true;
}

static enum rdt_code
read_action(struct policy_build *build, const struct rdt_node *node, struct policy_slice *slice)
{
    uint8_t folded[POLICY_ACTION_LEN];
    if (node->kind != RDT_NODE_SCALAR || !node->quoted || node->text.n > sizeof folded)
        return rdt_policy_bad(build, "an action is no text such as kms:Encrypt");
    if (rdt_node_is(node, "*") || rdt_node_is(node, "*:*"))
        return rdt_policy_value(build, SHAPE_ANY, rdt_span_str("*"), slice);
    for (size_t i = 0; i < node->text.n; i++) {
        uint8_t c = node->text.p[i];
        folded[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
    struct rdt_span text = {folded, node->text.n};
    if (!is_action(text))
        return rdt_policy_bad(build, "an action is not of the form service:Name");
    return rdt_policy_value(build, rdt_policy_shape(text), text, slice);
}

static enum rdt_code
read_resource(struct policy_build *build, const struct rdt_node *node, struct policy_slice *slice)
{
    if (node->kind != RDT_NODE_SCALAR || !node->quoted)
        return rdt_policy_bad(build, "a resource is no text");
    if (rdt_node_is(node, "*"))
        return rdt_policy_value(build, SHAPE_ANY, node->text, slice);
    return rdt_policy_pattern(build, node->text, true, slice);
}

/* ---- the statement ---- */

/* A member that also has a Not form: at most one of both may stand in a statement. */
struct either {
    const char *name, *not_name;
    enum rdt_code (*read)(struct policy_build *build, const struct rdt_node *node,
                          struct policy_slice *slice);
};

static const struct either who = {"Principal", "NotPrincipal", NULL};
static const struct either what = {"Action", "NotAction", read_action};
static const struct either on_what = {"Resource", "NotResource", read_resource};

static enum rdt_code
read_list(struct policy_build *build, const struct either *either, const struct rdt_node *node,
          struct policy_slice *slice)
{
    if (either->read == NULL)
        return read_principals(build, node, slice);
    size_t n = rdt_policy_items(node);
    if (n == 0) /* NotAction: [] would be everything */
        return rdt_policy_bad(build, "an empty list, or neither text nor list");
    for (size_t i = 0; i < n; i++) {
        enum rdt_code rc = either->read(build, rdt_policy_item(node, i), slice);
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}

static enum rdt_code
read_either(struct policy_build *build, const struct rdt_node *statement,
            const struct either *either, bool *negated, struct policy_slice *slice)
{
    const struct rdt_node *plain = rdt_node_get(statement, either->name);
    const struct rdt_node *not = rdt_node_get(statement, either->not_name);
    if (plain != NULL && not != NULL)
        return rdt_policy_bad(build, "an element stands beside its Not form");
    *negated = not != NULL;
    if (plain == NULL && not == NULL)
        return RDT_OK;
    return read_list(build, either, plain == NULL ? not : plain, slice);
}

static enum rdt_code
read_words(struct policy_build *build, const struct rdt_node *node, bool *allow)
{
    static const char *const members[] = {"Sid",          "Effect",      "Principal",
                                          "NotPrincipal", "Action",      "NotAction",
                                          "Resource",     "NotResource", "Condition"};
    if (node->kind != RDT_NODE_MAP)
        return rdt_policy_bad(build, "it is no object");
    for (size_t i = 0; i < node->n; i++) {
        bool known = false;
        for (size_t k = 0; k < RDT_COUNT(members); k++)
            known = known || rdt_span_is(node->members[i].key, members[k]);
        if (!known)
            return rdt_policy_bad(build, "an element is not known (names have upper and lower "
                                         "case)");
    }
    const struct rdt_node *sid = rdt_node_get(node, "Sid"), *effect = rdt_node_get(node, "Effect");
    if (sid != NULL && (sid->kind != RDT_NODE_SCALAR || !sid->quoted))
        return rdt_policy_bad(build, "Sid is no text");
    *allow = rdt_node_is(effect, "Allow");
    if (!*allow && !rdt_node_is(effect, "Deny"))
        return rdt_policy_bad(build, "Effect is neither Allow nor Deny");
    return RDT_OK;
}

static enum rdt_code
check_elements(struct policy_build *build, const struct policy_statement *s)
{
    bool identity = build->kind == RDT_POLICY_IDENTITY;
    if (identity && s->principals.n != 0)
        return rdt_policy_bad(build, "an identity policy has no Principal");
    if (!identity && s->principals.n == 0)
        return rdt_policy_bad(build, "a key policy needs a Principal");
    if (s->allow && s->not_principal)
        return rdt_policy_bad(build, "NotPrincipal goes with Deny only");
    if (identity && (s->actions.n == 0 || s->resources.n == 0))
        return rdt_policy_bad(build, "an identity policy needs Action and Resource");
    return RDT_OK;
}

enum rdt_code
rdt_policy_statement(struct policy_build *build, const struct rdt_node *node)
{
    struct policy_statement s = {0};
    enum rdt_code rc = read_words(build, node, &s.allow);
    if (rc == RDT_OK)
        rc = read_either(build, node, &who, &s.not_principal, &s.principals);
    if (rc == RDT_OK)
        rc = read_either(build, node, &what, &s.not_action, &s.actions);
    if (rc == RDT_OK)
        rc = read_either(build, node, &on_what, &s.not_resource, &s.resources);
    if (rc == RDT_OK)
        rc = check_elements(build, &s);
    const struct rdt_node *conditions = rc == RDT_OK ? rdt_node_get(node, "Condition") : NULL;
    if (conditions != NULL)
        rc = rdt_policy_conditions(build, conditions, &s.conditions);
    if (rc != RDT_OK)
        return rc;
    if (s.actions.n != 0 && s.resources.n != 0) /* else void, as AWS KMS has it */
        rdt_buf_add(&build->statements, &s, sizeof s);
    return RDT_OK;
}
