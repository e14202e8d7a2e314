/*
 * policy_internal.h - the compiled form of a policy, and what its files give each other.
 *
 * A policy is one block of memory: statements, their conditions, one list of values for all, and
 * the bytes that values point into. Nothing in it is a pointer to the document.
 */
#ifndef RDT_KMS_POLICY_INTERNAL_H
#define RDT_KMS_POLICY_INTERNAL_H

#include "codec/node.h"
#include "kms/policy.h"

#define POLICY_ALIASES ((size_t)64) /* aliases of a key that a condition looks at */
#define POLICY_FLOATING                                                                            \
    ((size_t)512) /* bytes of a document that match slowly: see text_value()                       \
                   */
#define POLICY_ACTION_LEN ((size_t)128)
#define POLICY_UNIT INT64_C(1000000) /* numbers and times are kept in millionths */

enum policy_shape {
    SHAPE_EXACT,
    SHAPE_ANY,    /* "*" */
    SHAPE_PREFIX, /* text, then one star */
    SHAPE_GLOB,
    SHAPE_ARN,     /* six parts, each a pattern */
    SHAPE_NUMBER,  /* int64_t, in POLICY_UNIT */
    SHAPE_NETWORK, /* u8 bits | 16 bytes */
    /* of principals */
    SHAPE_ACCOUNT,  /* its 12 digits */
    SHAPE_CALLER,   /* an ARN */
    SHAPE_STRANGER, /* nobody here: a service, another account */
};

struct policy_value {
    uint32_t at; /* in policy->bytes */
    uint16_t n;
    uint8_t shape;
};

struct policy_slice {
    uint16_t first, n;
};

enum policy_test { TEST_TEXT, TEST_NOCASE, TEST_ARN, TEST_NUMBER, TEST_NETWORK, TEST_NULL };
enum policy_order { ORDER_EQ, ORDER_LT, ORDER_LE, ORDER_GT, ORDER_GE };
enum policy_set { SET_ONE, SET_ANY, SET_ALL };

/* Which operators a key may stand under. */
enum policy_family {
    FAMILY_TEXT = 1,
    FAMILY_ARN = 2,
    FAMILY_BOOL = 4,
    FAMILY_NUMBER = 8,
    FAMILY_TIME = 16,
    FAMILY_NETWORK = 32,
    FAMILY_NULL = 64,
    FAMILY_EVERY = 127
};

struct policy_op {
    const char *name; /* as AWS writes it */
    uint8_t test, order, family;
    bool negated;
    bool pattern; /* * and ? in values mean something */
};

enum policy_key_id {
    KEY_NEVER, /* known, and never in a request to this service */
    KEY_FALSE, /* always there, always false */
    KEY_CONTEXT,
    KEY_CONTEXT_KEYS,
    KEY_SPEC,
    KEY_USAGE,
    KEY_ORIGIN,
    KEY_REQUEST_ALIAS,
    KEY_RESOURCE_ALIASES,
    KEY_SAME_KEY,
    KEY_WINDOW,
    KEY_ACCOUNT,
    KEY_RESOURCE_ACCOUNT,
    KEY_BYPASS,
    KEY_SOURCE_IP,
    KEY_PRINCIPAL_ARN,
    KEY_USERNAME,
    KEY_TIME,
    KEY_SECURE,
    KEY_RESOURCE_TAG,
    KEY_REQUEST_TAG,
    KEY_TAG_KEYS
};

struct policy_key {
    const char *name; /* as AWS writes it; ends with : or / where a name of the user's follows */
    uint8_t id;
    uint8_t families;
    bool many; /* several values in one request: needs ForAnyValue or ForAllValues */
};

struct policy_condition {
    uint8_t test, order, set, key;
    bool negated, if_exists;
    struct policy_value name; /* what follows the key's : or / */
    struct policy_slice values;
};

struct policy_statement {
    bool allow, not_principal, not_action, not_resource;
    struct policy_slice principals, actions, resources, conditions;
};

struct rdt_policy {
    enum rdt_policy_kind kind;
    size_t n_statements;
    const struct policy_statement *statements; /* denies first */
    const struct policy_condition *conditions;
    const struct policy_value *values;
    const uint8_t *bytes;
};

/* rdt_policy_text - the bytes of a value, borrowed from the policy. */
static inline struct rdt_span
rdt_policy_text(const struct rdt_policy *policy, const struct policy_value *value)
{
    return (struct rdt_span){policy->bytes + value->at, value->n};
}

/* ---- policy_keys.c ---- */

/* rdt_policy_op_find - an operator by its name without prefix and IfExists, any case; or NULL. */
const struct policy_op *rdt_policy_op_find(struct rdt_span name);

/* rdt_policy_key_find - a condition key, any case, or NULL.  rest: what follows a prefix. */
const struct policy_key *rdt_policy_key_find(struct rdt_span name, struct rdt_span *rest);

/* rdt_policy_op_near, rdt_policy_key_near - the known name that the writer most likely meant. */
const char *rdt_policy_op_near(struct rdt_span name);
const char *rdt_policy_key_near(struct rdt_span name);

/* ---- policy_ask.c ---- */

enum policy_presence { IS_ABSENT, IS_PRESENT, IS_UNCLEAR };

/* The values that a request has for a condition key. */
struct policy_got {
    enum policy_presence is;
    const struct rdt_span *texts; /* n of them, borrowed from the request or from here */
    size_t n;
    int64_t number;     /* keys that are numbers or times, in POLICY_UNIT */
    uint8_t source[16]; /* an address, IPv4 as ::ffff:a.b.c.d */
    struct rdt_span one;
    char digits[24];
    struct rdt_span aliases[POLICY_ALIASES];
};

/* rdt_policy_get - look a key up in the request; name: the rest after a prefix. */
void rdt_policy_get(const struct rdt_policy_ask *ask, enum policy_key_id key, struct rdt_span name,
                    struct policy_got *out);

/* ---- policy_match.c ---- */

/* rdt_policy_shape - what kind of pattern a text is: SHAPE_EXACT, _ANY, _PREFIX or _GLOB. */
enum policy_shape rdt_policy_shape(struct rdt_span pattern);

/* rdt_policy_floating - bytes of those parts between two stars that have a ? in them. */
size_t rdt_policy_floating(struct rdt_span pattern);

/* rdt_policy_match - whether a text matches; shape: of the pattern, SHAPE_ARN included. */
bool rdt_policy_match(enum policy_shape shape, struct rdt_span pattern, struct rdt_span text);

/* rdt_policy_nocase - whether both are the same but for the case of ASCII letters. */
bool rdt_policy_nocase(struct rdt_span a, struct rdt_span b);

/* rdt_policy_parts - the six parts of an ARN; the last may have colons.  False: no ARN. */
bool rdt_policy_parts(struct rdt_span arn, struct rdt_span parts[static 6]);

/* rdt_policy_address - IPv4 or IPv6 text as 16 bytes; a zone after % is ignored. */
bool rdt_policy_address(struct rdt_span text, uint8_t out[static 16]);

/* rdt_policy_network - "10.0.0.0/8", "2001:db8::/32", or an address; bits past the prefix are
 * cleared. */
bool rdt_policy_network(struct rdt_span text, uint8_t out[static 17]);

/* rdt_policy_inside - whether an address lies in a network of the same family. */
bool rdt_policy_inside(const uint8_t network[static 17], const uint8_t address[static 16]);

/* rdt_policy_number - digits with an optional sign and up to 6 decimals, in POLICY_UNIT. */
bool rdt_policy_number(struct rdt_span text, int64_t *out);

/* ---- policy_build.c, policy_condition.c ---- */

/* A policy in the making. */
struct policy_build {
    enum rdt_policy_kind kind;
    struct rdt_span account;
    struct rdt_buf statements, conditions, values, bytes; /* arrays of the structs above */
    size_t floating;
    size_t statement; /* 1..: for messages */
    struct rdt_err *err;
};

/* rdt_policy_bad - BADINPUT about the statement being read, in our words only. */
enum rdt_code rdt_policy_bad(struct policy_build *build, const char *what);

/* rdt_policy_items - members of a list, or 1 for a single scalar; 0 for anything else.
 * rdt_policy_item - the one of index i. */
size_t rdt_policy_items(const struct rdt_node *node);
const struct rdt_node *rdt_policy_item(const struct rdt_node *node, size_t i);

/* rdt_policy_value - append a value with its bytes; slice counts it. */
RDT_MUST_CHECK enum rdt_code rdt_policy_value(struct policy_build *build, enum policy_shape shape,
                                              struct rdt_span bytes, struct policy_slice *slice);

/* rdt_policy_bytes - append bytes that a value or a name stands for. */
RDT_MUST_CHECK enum rdt_code rdt_policy_bytes(struct policy_build *build, struct rdt_span bytes,
                                              struct policy_value *out);

/* rdt_policy_pattern - append a text where * and ? count; ${ and too slow a pattern are refused. */
RDT_MUST_CHECK enum rdt_code rdt_policy_pattern(struct policy_build *build, struct rdt_span text,
                                                bool arn, struct policy_slice *slice);

/* rdt_policy_conditions - read a Condition element. */
RDT_MUST_CHECK enum rdt_code rdt_policy_conditions(struct policy_build *build,
                                                   const struct rdt_node *node,
                                                   struct policy_slice *slice);

/* rdt_policy_statement - read one statement. */
RDT_MUST_CHECK enum rdt_code rdt_policy_statement(struct policy_build *build,
                                                  const struct rdt_node *node);

#endif
