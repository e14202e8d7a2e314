/* fuzz_policy - policy documents; a deny of everything must be stronger than whatever they say. */
#include "codec/json.h"
#include "kms/policy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define ACCOUNT "111122223333"
#define DENY_KEY "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}"
#define DENY_IDENTITY "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}"

static size_t
aliases(const void *user, struct rdt_span *out, size_t max)
{
    (void)user;
    if (max != 0)
        out[0] = rdt_span_str("alias/a");
    return 1;
}

static bool
tag(const void *user, struct rdt_span key, struct rdt_span *value)
{
    (void)user;
    *value = key;
    return key.n % 2 == 0;
}

static enum rdt_policy_answer
ask(const struct rdt_policy *policy, const char *action)
{
    struct rdt_span keys[] = {rdt_span_str("Tenant"), rdt_span_str("a"), rdt_span_str("tenant")};
    struct rdt_span values[] = {rdt_span_str("x"), rdt_span_str("\xc3\xa4"), rdt_span_str("")};
    struct rdt_policy_ask request = {
        .action = rdt_span_str(action),
        .resource = rdt_span_str("arn:aws:kms:eu-central-1:" ACCOUNT ":key/k"),
        .principal = rdt_span_str("arn:aws:iam::" ACCOUNT ":user/app"),
        .account = rdt_span_str(ACCOUNT),
        .key_spec = rdt_span_str("SYMMETRIC_DEFAULT"),
        .source_ip = rdt_span_str("10.1.2.3"),
        .now_s = 1795521600,
        .pending_window_days = 7,
        .context_keys = keys,
        .context_values = values,
        .n_context = 3,
        .request_tag_keys = keys,
        .request_tag_values = values,
        .n_request_tags = 2,
        .resource_aliases = aliases,
        .resource_tag = tag,
    };
    return rdt_policy_ask(policy, &request);
}

/* The document with one statement more, or nothing where that passes a limit. */
static struct rdt_policy *
with(enum rdt_policy_kind kind, struct rdt_span json, const char *statement)
{
    struct rdt_arena arena = {0};
    struct rdt_node *root = NULL, *more = NULL;
    struct rdt_policy *policy = NULL;
    struct rdt_buf text = {0};
    if (rdt_json_parse("policy", json, &arena, &root, NULL) != RDT_OK ||
        rdt_json_parse("more", rdt_span_str(statement), &arena, &more, NULL) != RDT_OK)
        abort();
    const struct rdt_node *old = rdt_node_get(root, "Statement");
    rdt_buf_str(&text, "{\"Statement\":[");
    for (size_t i = 0; old->kind == RDT_NODE_LIST && i < old->n; i++) {
        rdt_json_node(&text, old->members[i].node, 0);
        rdt_buf_str(&text, ",");
    }
    if (old->kind == RDT_NODE_MAP) {
        rdt_json_node(&text, old, 0);
        rdt_buf_str(&text, ",");
    }
    rdt_json_node(&text, more, 0);
    rdt_buf_str(&text, "]}");
    enum rdt_code rc = rdt_policy_compile(kind, rdt_buf_span(&text), ACCOUNT, &policy, NULL);
    if (rc != RDT_OK && rc != RDT_E_LIMIT)
        abort();
    rdt_buf_done(&text);
    rdt_arena_done(&arena);
    return policy;
}

static void
try_kind(enum rdt_policy_kind kind, struct rdt_span json)
{
    static const char *const actions[] = {"kms:Decrypt", "redoubt:TenantCreate"};
    struct rdt_policy *policy = NULL;
    if (rdt_policy_compile(kind, json, ACCOUNT, &policy, NULL) != RDT_OK)
        return;
    if (rdt_policy_widens(policy, policy))
        abort();
    struct rdt_policy *denied = with(kind, json, kind == RDT_POLICY_KEY ? DENY_KEY : DENY_IDENTITY);
    if (denied != NULL && rdt_policy_widens(policy, denied))
        abort();
    for (size_t i = 0; i < RDT_COUNT(actions); i++) {
        enum rdt_policy_answer got = ask(policy, actions[i]);
        if (kind == RDT_POLICY_IDENTITY && got == RDT_POLICY_DELEGATE)
            abort();
        if (denied != NULL && ask(denied, actions[i]) != RDT_POLICY_DENY)
            abort();
    }
    rdt_policy_free(denied);
    rdt_policy_free(policy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    try_kind(RDT_POLICY_KEY, (struct rdt_span){bytes, n});
    try_kind(RDT_POLICY_IDENTITY, (struct rdt_span){bytes, n});
    return 0;
}
