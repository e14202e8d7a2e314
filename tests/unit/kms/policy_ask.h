/* policy_ask.h - requests for the tests of policies, written as text. */
#ifndef RDT_TEST_POLICY_ASK_H
#define RDT_TEST_POLICY_ASK_H

#include "kms/policy.h"

#define ACCOUNT "111122223333"
#define KEY_ARN "arn:aws:kms:eu-central-1:" ACCOUNT ":key/9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
#define ROOT "arn:aws:iam::" ACCOUNT ":root"
#define APP "arn:aws:iam::" ACCOUNT ":user/app"
#define EVE "arn:aws:iam::" ACCOUNT ":user/eve"
#define NOW INT64_C(1795521600) /* 2026-11-24T12:00:00Z */

#define PAIRS_CAP 8

/* What differs from the usual request; pairs are written "k=v;k=v", lists "a;b". */
struct tweak {
    const char *action, *resource, *principal, *alias, *ip;
    const char *context, *request_tags, *resource_tags, *aliases;
    int64_t days;
    int same_key; /* 0: not in the request, 1: no, 2: yes */
    bool plain, bypass;
};

struct asked {
    struct rdt_policy_ask ask;
    const struct tweak *tweak;
    struct rdt_span keys[4][PAIRS_CAP], values[4][PAIRS_CAP];
};

static size_t
split(const char *text, struct rdt_span *keys, struct rdt_span *values)
{
    size_t n = 0;
    while (text != NULL && *text != 0) {
        size_t len = strcspn(text, ";"), key = strcspn(text, "=;");
        keys[n] = (struct rdt_span){(const uint8_t *)text, key};
        size_t from = key < len ? key + 1 : len;
        values[n++] = (struct rdt_span){(const uint8_t *)text + from, len - from};
        text += len + (text[len] != 0);
    }
    return n;
}

static size_t
asked_aliases(const void *user, struct rdt_span *out, size_t max)
{
    const struct asked *a = user;
    struct rdt_span keys[PAIRS_CAP], values[PAIRS_CAP];
    size_t n = split(a->tweak->aliases, keys, values);
    if (n == 1 && rdt_span_is(keys[0], "MANY")) /* more than anybody looks at */
        for (n = 0; n < max; n++)
            out[n] = rdt_span_str("alias/many");
    else
        for (size_t i = 0; i < n && i < max; i++)
            out[i] = keys[i];
    return n;
}

static bool
asked_tag(const void *user, struct rdt_span key, struct rdt_span *value)
{
    const struct asked *a = user;
    struct rdt_span keys[PAIRS_CAP], values[PAIRS_CAP];
    size_t n = split(a->tweak->resource_tags, keys, values);
    for (size_t i = 0; i < n; i++) {
        if (!rdt_span_eq(keys[i], key))
            continue;
        *value = values[i];
        return true;
    }
    return false;
}

#define OR(text, usual) rdt_span_str((text) == NULL ? (usual) : (text))

static void
ask_make(const struct tweak *tweak, struct asked *out)
{
    out->tweak = tweak;
    out->ask = (struct rdt_policy_ask){
        .action = OR(tweak->action, "kms:Decrypt"),
        .resource = OR(tweak->resource, KEY_ARN),
        .principal = OR(tweak->principal, APP),
        .account = rdt_span_str(ACCOUNT),
        .key_spec = rdt_span_str("SYMMETRIC_DEFAULT"),
        .key_usage = rdt_span_str("ENCRYPT_DECRYPT"),
        .key_origin = rdt_span_str("AWS_KMS"),
        .request_alias = OR(tweak->alias, ""),
        .source_ip = OR(tweak->ip, "10.1.2.3"),
        .now_s = NOW,
        .pending_window_days = tweak->days,
        .reencrypt_same_key = tweak->same_key - 1,
        .secure_transport = !tweak->plain,
        .bypass_lockout_check = tweak->bypass,
        .resource_aliases = asked_aliases,
        .resource_tag = asked_tag,
        .user = out,
    };
    out->ask.n_context = split(tweak->context, out->keys[0], out->values[0]);
    out->ask.context_keys = out->keys[0];
    out->ask.context_values = out->values[0];
    out->ask.n_request_tags = split(tweak->request_tags, out->keys[1], out->values[1]);
    out->ask.request_tag_keys = out->keys[1];
    out->ask.request_tag_values = out->values[1];
}

/* A document of the statements; compiled, or the test fails. */
RDT_UNUSED static struct rdt_policy *
policy_of(enum rdt_policy_kind kind, const char *statements)
{
    static char text[2 * RDT_POLICY_MAX];
    struct rdt_policy *policy = NULL;
    struct rdt_err err = {0};
    snprintf(text, sizeof text, "{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statements);
    if (rdt_policy_compile(kind, rdt_span_str(text), ACCOUNT, &policy, &err) != RDT_OK)
        fail_msg("%s: %s", err.text, statements);
    return policy;
}

#endif
