#include "kms/policy_internal.h"

#include "base/clock.h"

/* An operator as it is written: prefix, name, suffix. */
struct written {
    const struct policy_op *op;
    enum policy_set set;
    bool if_exists;
};

static bool
strip_front(struct rdt_span *name, const char *prefix)
{
    struct rdt_span want = rdt_span_str(prefix);
    if (name->n < want.n || !rdt_policy_nocase((struct rdt_span){name->p, want.n}, want))
        return false;
    *name = (struct rdt_span){name->p + want.n, name->n - want.n};
    return true;
}

static bool
strip_back(struct rdt_span *name, const char *suffix)
{
    struct rdt_span want = rdt_span_str(suffix);
    if (name->n < want.n ||
        !rdt_policy_nocase((struct rdt_span){name->p + name->n - want.n, want.n}, want))
        return false;
    name->n -= want.n;
    return true;
}

static enum rdt_code
read_operator(struct policy_build *build, struct rdt_span name, struct written *out)
{
    out->set = strip_front(&name, "ForAnyValue:")    ? SET_ANY
               : strip_front(&name, "ForAllValues:") ? SET_ALL
                                                     : SET_ONE;
    out->if_exists = strip_back(&name, "IfExists");
    out->op = rdt_policy_op_find(name);
    if (out->op == NULL) {
        const char *near = rdt_policy_op_near(name);
        rdt_policy_bad(build, "an operator of Condition is not known");
        if (near != NULL)
            rdt_hint(build->err, "is '%s' meant?", near);
        return RDT_E_BADINPUT;
    }
    if (out->op->test == TEST_NULL && (out->set != SET_ONE || out->if_exists))
        return rdt_policy_bad(build, "Null takes neither a prefix nor IfExists");
    return RDT_OK;
}

static enum rdt_code
read_key(struct policy_build *build, struct rdt_span name, const struct written *written,
         const struct policy_key **key, struct policy_value *rest_out)
{
    struct rdt_span rest;
    *key = rdt_policy_key_find(name, &rest);
    if (*key == NULL) {
        const char *near = rdt_policy_key_near(name);
        rdt_policy_bad(build, "a key of Condition is not known");
        if (near != NULL)
            rdt_hint(build->err, "is '%s' meant?", near);
        return RDT_E_BADINPUT;
    }
    if ((written->op->family & (*key)->families) == 0) {
        rdt_policy_bad(build, "an operator of Condition does not fit the type of its key");
        rdt_hint(build->err, "%s does not go with %s", written->op->name, (*key)->name);
        return RDT_E_BADINPUT;
    }
    if ((*key)->many && written->set == SET_ONE && written->op->test != TEST_NULL) {
        rdt_policy_bad(build, "a key of Condition that has several values needs ForAnyValue: or "
                              "ForAllValues: before the operator");
        rdt_hint(build->err, "%s has several values", (*key)->name);
        return RDT_E_BADINPUT;
    }
    return rdt_policy_bytes(build, rest, rest_out);
}

static bool
is_ascii(struct rdt_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] >= 0x80)
            return false;
    return true;
}

static enum rdt_code
number_value(struct policy_build *build, const struct policy_op *op, struct rdt_span text,
             struct policy_slice *slice)
{
    int64_t v = 0, seconds = 0;
    bool ok = op->family == FAMILY_TIME && rdt_stamp_parse(text, &seconds);
    if (ok)
        v = seconds * POLICY_UNIT;
    else if (!rdt_policy_number(text, &v))
        return rdt_policy_bad(build, op->family == FAMILY_TIME
                                         ? "a value of Condition is no date such as "
                                           "2026-11-24T10:15:00Z and no seconds since 1970"
                                         : "a value of Condition is no number of up to 12 digits "
                                           "and 6 decimals");
    return rdt_policy_value(build, SHAPE_NUMBER, (struct rdt_span){(uint8_t *)&v, sizeof v}, slice);
}

static enum rdt_code
truth_value(struct policy_build *build, struct rdt_span text, struct policy_slice *slice)
{
    bool yes = rdt_policy_nocase(text, rdt_span_str("true"));
    if (!yes && !rdt_policy_nocase(text, rdt_span_str("false")))
        return rdt_policy_bad(build, "a value of Condition is neither true nor false");
    return rdt_policy_value(build, SHAPE_EXACT, rdt_span_str(yes ? "true" : "false"), slice);
}

static enum rdt_code
text_value(struct policy_build *build, const struct policy_op *op, const struct rdt_node *node,
           struct policy_slice *slice)
{
    static const uint8_t real[] = {'.', 'e', 'E'};
    for (size_t i = 0; !node->quoted && i < sizeof real; i++)
        if (memchr(node->text.p, real[i], node->text.n) != NULL && !rdt_node_is(node, "true") &&
            !rdt_node_is(node, "false"))
            return rdt_policy_bad(build, "a number with decimals among texts of Condition: put "
                                         "it in quotes");
    if (op->pattern)
        return rdt_policy_pattern(build, node->text, op->test == TEST_ARN, slice);
    if (memmem(node->text.p, node->text.n, "${", 2) != NULL)
        return rdt_policy_bad(build, "policy variables (${...}) are not supported");
    if (op->test == TEST_NOCASE && !is_ascii(node->text))
        return rdt_policy_bad(build, "IgnoreCase operators take ASCII values only");
    return rdt_policy_value(build, SHAPE_EXACT, node->text, slice);
}

static enum rdt_code
read_value(struct policy_build *build, const struct policy_op *op, const struct rdt_node *node,
           struct policy_slice *slice)
{
    uint8_t network[17];
    if (node->kind != RDT_NODE_SCALAR)
        return rdt_policy_bad(build,
                              "a value of Condition is neither text, number nor truth value");
    if (op->family == FAMILY_BOOL || op->test == TEST_NULL)
        return truth_value(build, node->text, slice);
    if (op->test == TEST_NUMBER)
        return number_value(build, op, node->text, slice);
    if (op->test == TEST_NETWORK)
        return rdt_policy_network(node->text, network)
                   ? rdt_policy_value(build, SHAPE_NETWORK,
                                      (struct rdt_span){network, sizeof network}, slice)
                   : rdt_policy_bad(build, "a value of Condition is no address or network");
    return text_value(build, op, node, slice);
}

static enum rdt_code
read_condition(struct policy_build *build, const struct written *written,
               const struct rdt_member *member)
{
    const struct policy_key *key = NULL;
    struct policy_condition c = {.test = written->op->test,
                                 .order = written->op->order,
                                 .set = (uint8_t)written->set,
                                 .negated = written->op->negated,
                                 .if_exists = written->if_exists};
    enum rdt_code rc = read_key(build, member->key, written, &key, &c.name);
    if (rc != RDT_OK)
        return rc;
    c.key = key->id;
    size_t n = rdt_policy_items(member->node);
    if (n == 0)
        return rdt_policy_bad(build, "a key of Condition has no value");
    for (size_t i = 0; i < n; i++) {
        rc = read_value(build, written->op, rdt_policy_item(member->node, i), &c.values);
        if (rc != RDT_OK)
            return rc;
    }
    rdt_buf_add(&build->conditions, &c, sizeof c);
    return RDT_OK;
}

enum rdt_code
rdt_policy_conditions(struct policy_build *build, const struct rdt_node *node,
                      struct policy_slice *slice)
{
    if (node->kind != RDT_NODE_MAP)
        return rdt_policy_bad(build, "Condition is no object");
    slice->first = (uint16_t)(build->conditions.n / sizeof(struct policy_condition));
    for (size_t i = 0; i < node->n; i++) {
        struct written written;
        enum rdt_code rc = read_operator(build, node->members[i].key, &written);
        if (rc != RDT_OK)
            return rc;
        const struct rdt_node *keys = node->members[i].node;
        if (keys->kind != RDT_NODE_MAP || keys->n == 0)
            return rdt_policy_bad(build, "an operator of Condition without a key");
        for (size_t k = 0; k < keys->n; k++) {
            rc = read_condition(build, &written, &keys->members[k]);
            if (rc != RDT_OK)
                return rc;
            slice->n++;
        }
    }
    return RDT_OK;
}
