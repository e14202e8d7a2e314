#include "kms/policy.h"

#include "../test.h"

#include <stdio.h>

#include "policy_ask.h"

#define S(effect, who, action, resource)                                                           \
    "{\"Effect\":\"" effect "\",\"Principal\":{\"AWS\":" who "},\"Action\":" action                \
    ",\"Resource\":" resource "}"
#define C(effect, condition)                                                                       \
    "{\"Effect\":\"" effect "\",\"Principal\":\"*\",\"Action\":\"kms:*\",\"Resource\":\"*\","      \
    "\"Condition\":" condition "}"
#define A_APP "\"" APP "\""
#define A_EVE "\"" EVE "\""
#define A_ROOT "\"" ROOT "\""
#define KEYS "\"arn:aws:kms:*:*:key/*\""
#define BASE S("Allow", A_ROOT, "\"kms:*\"", "\"*\"")

static const struct {
    const char *name, *before, *after;
    bool want;
} cases[] = {
    {"the same", BASE, BASE, false},
    {"the same, other order", BASE "," S("Allow", A_APP, "\"kms:*\"", "\"*\""),
     S("Allow", A_APP, "\"kms:*\"", "\"*\"") "," BASE, false},
    {"an allow less", BASE "," S("Allow", A_APP, "\"kms:*\"", "\"*\""), BASE, false},
    {"an allow more", BASE, BASE "," S("Allow", A_APP, "\"kms:*\"", "\"*\""), true},
    {"a deny more", BASE, BASE "," S("Deny", A_APP, "\"kms:*\"", "\"*\""), false},
    {"a deny less", BASE "," S("Deny", A_APP, "\"kms:*\"", "\"*\""), BASE, true},
    {"a void statement more", BASE,
     BASE ",{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"}", false},
    {"fewer actions", BASE, S("Allow", A_ROOT, "[\"kms:Encrypt\",\"kms:Get*\"]", "\"*\""), false},
    {"more actions", S("Allow", A_ROOT, "[\"kms:Encrypt\",\"kms:Get*\"]", "\"*\""), BASE, true},
    {"all services", BASE, S("Allow", A_ROOT, "\"*\"", "\"*\""), true},
    {"a mark inside a star", S("Allow", A_ROOT, "\"kms:Get*\"", "\"*\""),
     S("Allow", A_ROOT, "\"kms:Get??\"", "\"*\""), false},
    {"a star inside a mark", S("Allow", A_ROOT, "\"kms:Get?\"", "\"*\""),
     S("Allow", A_ROOT, "\"kms:Get*\"", "\"*\""), true},
    {"a letter inside a mark", S("Allow", A_ROOT, "\"kms:Ge?\"", "\"*\""),
     S("Allow", A_ROOT, "\"kms:Get\"", "\"*\""), false},
    {"a star in the middle", S("Allow", A_ROOT, "\"kms:*Key\"", "\"*\""),
     S("Allow", A_ROOT, "\"kms:*DataKey\"", "\"*\""), false},
    {"fewer resources", BASE, S("Allow", A_ROOT, "\"kms:*\"", KEYS), false},
    {"more resources", S("Allow", A_ROOT, "\"kms:*\"", KEYS), BASE, true},
    {"one key of all", S("Allow", A_ROOT, "\"kms:*\"", KEYS),
     S("Allow", A_ROOT, "\"kms:*\"", "\"" KEY_ARN "\""), false},
    {"fewer people", S("Allow", "[" A_APP "," A_EVE "]", "\"kms:*\"", "\"*\""),
     S("Allow", A_EVE, "\"kms:*\"", "\"*\""), false},
    {"more people", S("Allow", A_EVE, "\"kms:*\"", "\"*\""),
     S("Allow", "[" A_APP "," A_EVE "]", "\"kms:*\"", "\"*\""), true},
    {"a person for everybody", S("Allow", "\"*\"", "\"kms:*\"", "\"*\""),
     S("Allow", A_EVE, "\"kms:*\"", "\"*\""), false},
    {"a person for the account: needs no identity policy any more", BASE,
     S("Allow", A_EVE, "\"kms:*\"", "\"*\""), true},
    {"the account for everybody", S("Allow", "\"*\"", "\"kms:*\"", "\"*\""), BASE, false},
    {"everybody for the account", BASE, S("Allow", "\"*\"", "\"kms:*\"", "\"*\""), true},
    {"split in two", S("Allow", A_APP, "[\"kms:Encrypt\",\"kms:Decrypt\"]", "\"*\""),
     S("Allow", A_APP, "\"kms:Encrypt\"", "\"*\"") "," S("Allow", A_APP, "\"kms:Decrypt\"",
     "\"*\""),
     false},
    {"joined, which cannot be shown",
     S("Allow", A_APP, "\"kms:Encrypt\"", "\"*\"") "," S("Allow", A_APP, "\"kms:Decrypt\"",
     "\"*\""),
     S("Allow", A_APP, "[\"kms:Encrypt\",\"kms:Decrypt\"]", "\"*\""), true},

    {"a narrower deny", BASE "," S("Deny", "\"*\"", "\"kms:*\"", "\"*\""),
     BASE "," S("Deny", "\"*\"", "\"kms:Decrypt\"", "\"*\""), true},
    {"a wider deny", BASE "," S("Deny", "\"*\"", "\"kms:Decrypt\"", "\"*\""),
     BASE "," S("Deny", "\"*\"", "\"kms:*\"", "\"*\""), false},
    {"deny spares one more",
     BASE ",{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":" A_APP
          "},\"Action\":\"*\",\"Resource\":\"*\"}", BASE ",{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":[" A_APP "," A_EVE
          "]},\"Action\":\"*\",\"Resource\":\"*\"}", true},
    {"deny spares one less",
     BASE ",{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":[" A_APP "," A_EVE
          "]},\"Action\":\"*\",\"Resource\":\"*\"}", BASE ",{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":" A_APP
          "},\"Action\":\"*\",\"Resource\":\"*\"}", false},
    {"not action, leaves out more",
     "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"kms:Get*\",\"Resource\":\"*\"}", "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"kms:*\",\"Resource\":\"*\"}",
     false},
    {"not action, leaves out less",
     "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"kms:*\",\"Resource\":\"*\"}", "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"kms:Get*\",\"Resource\":\"*\"}",
     true},
    {"action to not action", BASE,
     "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":" A_ROOT
     "},\"NotAction\":\"s3:*\",\"Resource\":\"*\"}", true},

    {"a condition more", C("Allow", "{}"),
     C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"a\"}}"), false},
    {"a condition less", C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"a\"}}"),
     C("Allow", "{}"), true},
    {"a value less", C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":[\"a\",\"b\"]}}"),
     C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"b\"}}"), false},
    {"a value more", C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"b\"}}"),
     C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":[\"a\",\"b\"]}}"), true},
    {"a forbidden value more",
     C("Allow", "{\"StringNotEquals\":{\"kms:EncryptionContext:t\":\"b\"}}"),
     C("Allow", "{\"StringNotEquals\":{\"kms:EncryptionContext:t\":[\"a\",\"b\"]}}"), false},
    {"a forbidden value less",
     C("Allow", "{\"StringNotEquals\":{\"kms:EncryptionContext:t\":[\"a\",\"b\"]}}"),
     C("Allow", "{\"StringNotEquals\":{\"kms:EncryptionContext:t\":\"b\"}}"), true},
    {"a literal star is no pattern",
     C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"*\"}}"),
     C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"a\"}}"), true},
    {"a literal star becomes a pattern",
     C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"*\"}}"),
     C("Allow", "{\"StringLike\":{\"kms:EncryptionContext:t\":\"*\"}}"), true},
    {"a literal star under a deny becomes a pattern",
     BASE "," C("Deny", "{\"StringNotEquals\":{\"kms:EncryptionContext:t\":\"a*\"}}"),
     BASE "," C("Deny", "{\"StringNotLike\":{\"kms:EncryptionContext:t\":\"a*\"}}"), true},
    {"a literal star inside a pattern",
     C("Allow", "{\"StringLike\":{\"kms:EncryptionContext:t\":\"a*\"}}"),
     C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"a*\"}}"), false},
    {"a pattern inside a pattern",
     C("Allow", "{\"StringLike\":{\"kms:EncryptionContext:t\":\"a*\"}}"),
     C("Allow", "{\"StringLike\":{\"kms:EncryptionContext:t\":\"ab?\"}}"), false},
    {"another context key", C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"a\"}}"),
     C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:u\":\"a\"}}"), true},
    {"if exists", C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"a\"}}"),
     C("Allow", "{\"StringEqualsIfExists\":{\"kms:EncryptionContext:t\":\"a\"}}"), true},
    {"another network", C("Allow", "{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}"),
     C("Allow", "{\"IpAddress\":{\"aws:SourceIp\":\"11.0.0.0/8\"}}"), true},
    {"the same network", C("Allow", "{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}"),
     C("Allow", "{\"IpAddress\":{\"aws:SourceIp\":[\"10.1.1.1/8\"]}}"), false},
    {"a condition more on a deny", C("Allow", "{}") "," C("Deny", "{}"),
     C("Allow", "{}") "," C("Deny", "{\"Bool\":{\"aws:SecureTransport\":\"false\"}}"), true},
    {"a condition less on a deny",
     C("Allow", "{}") "," C("Deny", "{\"Bool\":{\"aws:SecureTransport\":\"false\"}}"),
     C("Allow", "{}") "," C("Deny", "{}"), false},
};

static void
each(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_policy *before = policy_of(RDT_POLICY_KEY, cases[i].before);
        struct rdt_policy *after = policy_of(RDT_POLICY_KEY, cases[i].after);
        if (rdt_policy_widens(before, after) != cases[i].want)
            fail_msg("%s", cases[i].name);
        rdt_policy_free(before);
        rdt_policy_free(after);
    }
}

/*
 * Sound: where it says "not wider", no request of a set is answered more freely. Documents are
 * put together from all pairs of pieces.
 */
static const char *const pieces[] = {
    S("Allow", A_ROOT, "\"kms:*\"", "\"*\""),
    S("Allow", A_APP, "\"kms:De*\"", "\"*\""),
    S("Allow", "\"*\"", "\"kms:Decrypt\"", KEYS),
    S("Allow", A_EVE, "[\"kms:?ecrypt\",\"kms:Encrypt\"]", "\"" KEY_ARN "\""),
    S("Deny", A_ROOT, "\"kms:Decrypt\"", "\"*\""),
    S("Deny", "\"*\"", "\"kms:*crypt\"", KEYS),
    S("Deny", A_APP, "\"*\"", "\"*\""),
    C("Allow", "{\"StringEquals\":{\"kms:EncryptionContext:t\":[\"a\",\"b\"]}}"),
    C("Allow", "{\"StringLike\":{\"kms:EncryptionContext:t\":\"?\"}}"),
    C("Allow", "{\"StringNotEquals\":{\"kms:EncryptionContext:t\":\"a\"}}"),
    C("Allow", "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":\"t\"}}"),
    C("Deny", "{\"StringEquals\":{\"kms:EncryptionContext:t\":\"a\"}}"),
    C("Deny", "{\"Null\":{\"kms:EncryptionContext:t\":\"true\"}}"),
    "{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":[" A_APP "," A_EVE "]},\"Action\":\"*\","
    "\"Resource\":\"*\"}",
    "{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":" A_APP
    "},\"Action\":\"*\",\"Resource\":\"*\"}",
    "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"kms:Decrypt\",\"Resource\":\"*\"}",
    "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"kms:*\",\"NotResource\":" KEYS "}",
};
#define N RDT_COUNT(pieces)

static const struct tweak tweaks[] = {
    {0},
    {.action = "kms:Encrypt"},
    {.action = "kms:Encrypt", .principal = EVE},
    {.action = "redoubt:TenantDestroy", .resource = "*"},
    {.principal = EVE},
    {.principal = EVE, .context = "t=a"},
    {.principal = ROOT},
    {.context = "t=a"},
    {.context = "t=b;u=1"},
    {.context = "t=a;T=b"},
    {.context = "t=long"},
    {.resource = "arn:aws:kms:eu-central-1:" ACCOUNT ":key/other"},
    {.resource = "arn:aws:kms:eu-central-1:" ACCOUNT ":alias/x"},
};

/* Silence, delegation and permission are steps; a refusal is the lowest. */
static int
rank(enum rdt_policy_answer answer)
{
    return answer == RDT_POLICY_DENY       ? 0
           : answer == RDT_POLICY_SILENT   ? 1
           : answer == RDT_POLICY_DELEGATE ? 2
                                           : 3;
}

static void
sound(void **state)
{
    static struct rdt_policy *made[N * N];
    static struct asked asks[RDT_COUNT(tweaks)];
    static char text[8192];
    size_t narrow = 0;
    (void)state;
    for (size_t i = 0; i < N * N; i++) {
        snprintf(text, sizeof text, "%s,%s", pieces[i / N], pieces[i % N]);
        made[i] = policy_of(RDT_POLICY_KEY, text);
    }
    for (size_t i = 0; i < RDT_COUNT(tweaks); i++)
        ask_make(&tweaks[i], &asks[i]);
    for (size_t i = 0; i < N * N * N * N; i++) {
        const struct rdt_policy *before = made[i / (N * N)], *after = made[i % (N * N)];
        if (rdt_policy_widens(before, after))
            continue;
        narrow++;
        for (size_t k = 0; k < RDT_COUNT(asks); k++) {
            if (rank(rdt_policy_ask(after, &asks[k].ask)) >
                rank(rdt_policy_ask(before, &asks[k].ask)))
                fail_msg("%zu to %zu, request %zu", i / (N * N), i % (N * N), k);
        }
    }
    assert_true(narrow > N * N); /* it is not "true" for everything */
    for (size_t i = 0; i < N * N; i++)
        rdt_policy_free(made[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each), cmocka_unit_test(sound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
