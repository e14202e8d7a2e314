#include "kms/policy.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy_ask.h"

#define ALLOW "\"Effect\":\"Allow\","
#define DENY "\"Effect\":\"Deny\","
#define ALL "\"Principal\":\"*\","
#define DO "\"Action\":\"*\",\"Resource\":\"*\""
#define DOC(statement) "{\"Version\":\"2012-10-17\",\"Statement\":[{" statement "}]}"
#define PRINCIPAL(p) DOC(ALLOW "\"Principal\":" p "," DO)
#define ACTION(a) DOC(ALLOW ALL "\"Action\":" a ",\"Resource\":\"*\"")
#define RESOURCE(r) DOC(ALLOW ALL "\"Action\":\"*\",\"Resource\":" r)
#define IF(c) DOC(ALLOW ALL DO ",\"Condition\":" c)

/* Documents of a key, and what is wrong with them; {RDT_OK} where nothing is. */
static const struct {
    const char *name, *json;
    enum rdt_code want;
} documents[] = {
    {"usual",                                     DOC(ALLOW ALL DO),                                                              RDT_OK        },
    {"one statement without a list",              "{\"Statement\":{" ALLOW ALL DO "}}",                                           RDT_OK        },
    {"old version",                               "{\"Version\":\"2008-10-17\",\"Id\":\"x\",\"Statement\":[{" ALLOW ALL DO "}]}",
     RDT_OK                                                                                                                                     },
    {"with Sid",                                  DOC("\"Sid\":\"any text\"," ALLOW ALL DO),                                      RDT_OK        },
    {"void: no action",                           DOC(ALLOW ALL "\"Resource\":\"*\""),                                            RDT_OK        },
    {"escapes are what they stand for",           DOC("\"\\u0045ffect\":\"Allow\"," ALL DO),                                      RDT_OK        },

    {"empty",                                     "",                                                                             RDT_E_BADINPUT},
    {"no JSON",                                   "{",                                                                            RDT_E_BADINPUT},
    {"bytes after the document",                  DOC(ALLOW ALL DO) "x",                                                          RDT_E_BADINPUT},
    {"a list",                                    "[]",                                                                           RDT_E_BADINPUT},
    {"no Statement",                              "{\"Version\":\"2012-10-17\"}",                                                 RDT_E_BADINPUT},
    {"empty Statement",                           "{\"Statement\":[]}",                                                           RDT_E_BADINPUT},
    {"Statement is text",                         "{\"Statement\":\"x\"}",                                                        RDT_E_BADINPUT},
    {"a statement is text",                       "{\"Statement\":[\"x\"]}",                                                      RDT_E_BADINPUT},
    {"a statement is null",                       "{\"Statement\":[null]}",                                                       RDT_E_BADINPUT},
    {"unknown version",                           "{\"Version\":\"2020-01-01\",\"Statement\":[{" ALLOW ALL DO "}]}",
     RDT_E_BADINPUT                                                                                                                             },
    {"unknown element of the document",           "{\"Extra\":1,\"Statement\":[{" ALLOW ALL DO "}]}",
     RDT_E_BADINPUT                                                                                                                             },
    {"Id is no text",                             "{\"Id\":1,\"Statement\":[{" ALLOW ALL DO "}]}",                                RDT_E_BADINPUT},
    {"unknown element of a statement",            DOC(ALLOW ALL DO ",\"Extra\":1"),                                               RDT_E_BADINPUT},
    {"element in other case",                     DOC(ALLOW ALL DO ",\"condition\":{}"),                                          RDT_E_BADINPUT},
    {"an element twice",                          DOC(DENY ALL DO "," ALLOW "\"Sid\":\"x\""),                                     RDT_E_BADINPUT},
    {"a condition key twice",
     IF("{\"StringEquals\":{\"kms:KeySpec\":\"a\",\"kms:KeySpec\":\"b\"}}"),                                                      RDT_E_BADINPUT},
    {"no Effect",                                 DOC(ALL DO),                                                                    RDT_E_BADINPUT},
    {"Effect in other case",                      DOC("\"Effect\":\"deny\"," ALL DO),                                             RDT_E_BADINPUT},
    {"Sid is no text",                            DOC("\"Sid\":7," ALLOW ALL DO),                                                 RDT_E_BADINPUT},

    {"no Principal",                              DOC(ALLOW DO),                                                                  RDT_E_BADINPUT},
    {"Principal and NotPrincipal",                DOC(DENY ALL "\"NotPrincipal\":\"*\"," DO),                                     RDT_E_BADINPUT},
    {"NotPrincipal with Allow",                   DOC(ALLOW "\"NotPrincipal\":{\"AWS\":\"" EVE "\"}," DO),
     RDT_E_BADINPUT                                                                                                                             },
    {"Principal is a bare name",                  PRINCIPAL("\"" APP "\""),                                                       RDT_E_BADINPUT},
    {"Principal is a number",                     PRINCIPAL("{\"AWS\":111122223333}"),                                            RDT_E_BADINPUT},
    {"Principal is empty",                        PRINCIPAL("{}"),                                                                RDT_E_BADINPUT},
    {"Principal is an empty list",                PRINCIPAL("{\"AWS\":[]}"),                                                      RDT_E_BADINPUT},
    {"Principal is empty text",                   PRINCIPAL("{\"AWS\":\"\"}"),                                                    RDT_E_BADINPUT},
    {"unknown kind of principal",                 PRINCIPAL("{\"aws\":\"*\"}"),                                                   RDT_E_BADINPUT},
    {"part of a name",                            PRINCIPAL("{\"AWS\":\"arn:aws:iam::111122223333:user/*\"}"),                    RDT_E_BADINPUT},
    {"part of an account",                        PRINCIPAL("{\"AWS\":\"arn:aws:iam::*:root\"}"),                                 RDT_E_BADINPUT},
    {"star and more",                             PRINCIPAL("{\"AWS\":\"**\"}"),                                                  RDT_E_BADINPUT},
    {"11 digits",                                 PRINCIPAL("{\"AWS\":\"11112222333\"}"),                                         RDT_E_BADINPUT},
    {"unique id",                                 PRINCIPAL("{\"AWS\":\"AIDACKCEVSQ6C2EXAMPLE\"}"),                               RDT_E_BADINPUT},
    {"group",                                     PRINCIPAL("{\"AWS\":\"arn:aws:iam::111122223333:group/x\"}"),                   RDT_E_BADINPUT},
    {"user without a name",                       PRINCIPAL("{\"AWS\":\"arn:aws:iam::111122223333:user/\"}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"another partition",                         PRINCIPAL("{\"AWS\":\"arn:aws-cn:iam::111122223333:root\"}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"all services",                              PRINCIPAL("{\"Service\":\"*\"}"),                                               RDT_E_BADINPUT},
    {"assumed role",                              PRINCIPAL("{\"AWS\":\"arn:aws:sts::111122223333:assumed-role/r/s\"}"),          RDT_OK        },

    {"empty list of actions",                     ACTION("[]"),                                                                   RDT_E_BADINPUT},
    {"empty NotAction",                           DOC(ALLOW ALL "\"NotAction\":[],\"Resource\":\"*\""),                           RDT_E_BADINPUT},
    {"Action and NotAction",                      DOC(ALLOW ALL DO ",\"NotAction\":\"*\""),                                       RDT_E_BADINPUT},
    {"action without service",                    ACTION("\"Decrypt\""),                                                          RDT_E_BADINPUT},
    {"action without name",                       ACTION("\"kms:\""),                                                             RDT_E_BADINPUT},
    {"action with a star as part of the service", ACTION("\"k*:Decrypt\""),                                                       RDT_E_BADINPUT},
    {"action with a blank",                       ACTION("\"kms:De crypt\""),                                                     RDT_E_BADINPUT},
    {"action in Cyrillic",                        ACTION("\"kms:D\\u0435crypt\""),                                                RDT_E_BADINPUT},
    {"action is null",                            ACTION("null"),                                                                 RDT_E_BADINPUT},
    {"action is an object",                       ACTION("[{}]"),                                                                 RDT_E_BADINPUT},
    {"action is true",                            ACTION("true"),                                                                 RDT_E_BADINPUT},

    {"empty list of resources",                   RESOURCE("[]"),                                                                 RDT_E_BADINPUT},
    {"empty NotResource",                         DOC(ALLOW ALL "\"Action\":\"*\",\"NotResource\":[]"),                           RDT_E_BADINPUT},
    {"resource is no ARN",                        RESOURCE("\"key/x\""),                                                          RDT_E_BADINPUT},
    {"resource of five parts",                    RESOURCE("\"arn:aws:kms:*:1\""),                                                RDT_E_BADINPUT},
    {"resource with a variable",                  RESOURCE("\"arn:aws:kms:*:*:alias/${aws:username}\""),
     RDT_E_BADINPUT                                                                                                                             },
    {"Resource and NotResource",                  DOC(ALLOW ALL DO ",\"NotResource\":\"*\""),                                     RDT_E_BADINPUT},

    {"Condition is a list",                       IF("[]"),                                                                       RDT_E_BADINPUT},
    {"Condition is null",                         IF("null"),                                                                     RDT_E_BADINPUT},
    {"operator without keys",                     IF("{\"StringEquals\":{}}"),                                                    RDT_E_BADINPUT},
    {"operator with text",                        IF("{\"StringEquals\":\"x\"}"),                                                 RDT_E_BADINPUT},
    {"unknown operator",                          IF("{\"StringEqual\":{\"kms:KeySpec\":\"x\"}}"),                                RDT_E_BADINPUT},
    {"binary is not known",                       IF("{\"BinaryEquals\":{\"kms:KeySpec\":\"eA==\"}}"),                            RDT_E_BADINPUT},
    {"unknown prefix",                            IF("{\"ForSomeValues:StringEquals\":{\"aws:TagKeys\":\"x\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"two prefixes",                              IF("{\"ForAnyValue:ForAllValues:StringEquals\":{\"aws:TagKeys\":\"x\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"IfExists alone",                            IF("{\"IfExists\":{\"kms:KeySpec\":\"x\"}}"),                                   RDT_E_BADINPUT},
    {"IfExists twice",                            IF("{\"StringEqualsIfExistsIfExists\":{\"kms:KeySpec\":\"x\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"Null with IfExists",                        IF("{\"NullIfExists\":{\"kms:KeySpec\":\"true\"}}"),                            RDT_E_BADINPUT},
    {"Null with a prefix",                        IF("{\"ForAnyValue:Null\":{\"aws:TagKeys\":\"true\"}}"),                        RDT_E_BADINPUT},
    {"unknown key",                               IF("{\"StringEquals\":{\"kms:KeySpek\":\"x\"}}"),                               RDT_E_BADINPUT},
    {"key that our requests would have",          IF("{\"StringEquals\":{\"aws:UserAgent\":\"x\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"key with text after it",                    IF("{\"StringEquals\":{\"kms:KeySpec:x\":\"x\"}}"),                             RDT_E_BADINPUT},
    {"context without a key",                     IF("{\"StringEquals\":{\"kms:EncryptionContext:\":\"x\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"tag without a key",                         IF("{\"StringEquals\":{\"aws:RequestTag/\":\"x\"}}"),                           RDT_E_BADINPUT},
    {"many values without a prefix",              IF("{\"StringEquals\":{\"kms:EncryptionContextKeys\":\"x\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"never there, many, no prefix",              IF("{\"StringEquals\":{\"aws:CalledVia\":\"x\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"no value",                                  IF("{\"StringEquals\":{\"kms:KeySpec\":[]}}"),                                  RDT_E_BADINPUT},
    {"null value",                                IF("{\"StringEquals\":{\"kms:KeySpec\":null}}"),                                RDT_E_BADINPUT},
    {"object value",                              IF("{\"StringEquals\":{\"kms:KeySpec\":{\"a\":\"b\"}}}"),                       RDT_E_BADINPUT},
    {"list in a list",                            IF("{\"StringEquals\":{\"kms:KeySpec\":[[\"a\"]]}}"),                           RDT_E_BADINPUT},
    {"variable",                                  IF("{\"StringEquals\":{\"kms:EncryptionContext:u\":\"${aws:username}\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"variable in a pattern",                     IF("{\"StringLike\":{\"kms:EncryptionContext:u\":\"a${*}b\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"number with decimals as text",              IF("{\"StringEquals\":{\"kms:EncryptionContext:u\":1.5}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"whole number as text",                      IF("{\"StringEquals\":{\"kms:EncryptionContext:u\":15}}"),                      RDT_OK        },
    {"umlaut without case",
     IF("{\"StringEqualsIgnoreCase\":{\"kms:EncryptionContext:u\":\"\\u00e4\"}}"),                                                RDT_E_BADINPUT},
    {"Bool on text",                              IF("{\"Bool\":{\"kms:KeySpec\":\"true\"}}"),                                    RDT_E_BADINPUT},
    {"Bool is maybe",                             IF("{\"Bool\":{\"aws:SecureTransport\":\"maybe\"}}"),                           RDT_E_BADINPUT},
    {"Bool is 1",                                 IF("{\"Bool\":{\"aws:SecureTransport\":1}}"),                                   RDT_E_BADINPUT},
    {"Null is maybe",                             IF("{\"Null\":{\"aws:SecureTransport\":\"maybe\"}}"),                           RDT_E_BADINPUT},
    {"number on text",                            IF("{\"NumericEquals\":{\"kms:KeySpec\":\"1\"}}"),                              RDT_E_BADINPUT},
    {"number is text",                            IF("{\"NumericEquals\":{\"aws:EpochTime\":\"x\"}}"),                            RDT_E_BADINPUT},
    {"number is empty",                           IF("{\"NumericEquals\":{\"aws:EpochTime\":\"\"}}"),                             RDT_E_BADINPUT},
    {"number is too long",                        IF("{\"NumericEquals\":{\"aws:EpochTime\":\"1234567890123\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"number has 7 decimals",                     IF("{\"NumericEquals\":{\"aws:EpochTime\":\"1.1234567\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"number with exponent",                      IF("{\"NumericEquals\":{\"aws:EpochTime\":1e30}}"),                             RDT_E_BADINPUT},
    {"number beyond JSON",                        IF("{\"NumericEquals\":{\"aws:EpochTime\":99999999999999999999}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"date is a local time",                      IF("{\"DateLessThan\":{\"aws:CurrentTime\":\"2026-11-24T12:00:00\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"date does not exist",                       IF("{\"DateLessThan\":{\"aws:CurrentTime\":\"2026-02-30\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"text on an address",                        IF("{\"StringLike\":{\"aws:SourceIp\":\"10.*\"}}"),                             RDT_E_BADINPUT},
    {"address has three parts",                   IF("{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0/8\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"address with leading zero",                 IF("{\"IpAddress\":{\"aws:SourceIp\":\"010.0.0.1\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"prefix too long",                           IF("{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/33\"}}"),                       RDT_E_BADINPUT},
    {"prefix too long, IPv6",                     IF("{\"IpAddress\":{\"aws:SourceIp\":\"::/129\"}}"),                            RDT_E_BADINPUT},
    {"prefix with leading zero",                  IF("{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/08\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"no prefix after the slash",                 IF("{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"network with a zone",                       IF("{\"IpAddress\":{\"aws:SourceIp\":\"fe80::1%1/64\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"half IPv4, half IPv6",                      IF("{\"IpAddress\":{\"aws:SourceIp\":\"::ffff:0.0.0.0/95\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
    {"ARN operator, no ARN",                      IF("{\"ArnLike\":{\"aws:PrincipalArn\":\"*\"}}"),                               RDT_E_BADINPUT},
    {"ARN operator, five parts",                  IF("{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam:*:x\"}}"),
     RDT_E_BADINPUT                                                                                                                             },
};

static void
each_document(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(documents); i++) {
        struct rdt_policy *policy = NULL;
        struct rdt_err err = {0};
        enum rdt_code rc = rdt_policy_compile(RDT_POLICY_KEY, rdt_span_str(documents[i].json),
                                              ACCOUNT, &policy, &err);
        if (rc != documents[i].want || (rc == RDT_OK) != (policy != NULL))
            fail_msg("%s: got %d %s", documents[i].name, rc, err.text);
        if (rc != RDT_OK && strncmp(err.text, "policy", 6) != 0)
            fail_msg("%s: says '%s'", documents[i].name, err.text);
        rdt_policy_free(policy);
    }
}

/* No key of a person's making, no name of a person: errors are shown and logged. */
static void
quotes_nothing(void **state)
{
    static const char *const secret[] = {
        "{\"Statement\":[{\"Mallory\":1}]}",
        "{\"Mallory\":1}",
        "{Mallory",
        "\"Mallory\"",
        "{\"Statement\":[{\"Effect\":\"Mallory\"}]}",
        PRINCIPAL("{\"AWS\":\"Mallory\"}"),
        PRINCIPAL("{\"Mallory\":\"*\"}"),
        ACTION("\"Mallory\""),
        RESOURCE("\"Mallory\""),
        IF("{\"Mallory\":{\"kms:KeySpec\":\"x\"}}"),
        IF("{\"StringEquals\":{\"Mallory\":\"x\"}}"),
        IF("{\"IpAddress\":{\"aws:SourceIp\":\"Mallory\"}}"),
        "{\"Mallory\":1,\"Mallory\":2}",
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(secret); i++) {
        struct rdt_policy *policy = NULL;
        struct rdt_err err = {0};
        assert_int_equal(
            rdt_policy_compile(RDT_POLICY_KEY, rdt_span_str(secret[i]), ACCOUNT, &policy, &err),
            RDT_E_BADINPUT);
        if (strstr(err.text, "allory") != NULL || strstr(err.hint, "allory") != NULL)
            fail_msg("%s: says '%s'", secret[i], err.text);
    }
}

static void
hints(void **state)
{
    struct rdt_policy *policy = NULL;
    struct rdt_err err = {0};
    (void)state;
    assert_int_equal(rdt_policy_compile(RDT_POLICY_KEY,
                                        rdt_span_str(IF("{\"StringEqual\":{\"a\":\"x\"}}")),
                                        ACCOUNT, &policy, &err),
                     RDT_E_BADINPUT);
    assert_string_equal(err.hint, "is 'StringEquals' meant?");
    assert_string_equal(err.text, "policy: statement 1: an operator of Condition is not known");
    assert_int_equal(
        rdt_policy_compile(RDT_POLICY_KEY,
                           rdt_span_str(IF("{\"StringEquals\":{\"kms:KeySpecs\":\"x\"}}")), ACCOUNT,
                           &policy, &err),
        RDT_E_BADINPUT);
    assert_string_equal(err.hint, "is 'kms:KeySpec' meant?");
}

static void
identity(void **state)
{
    static const struct {
        const char *json;
        enum rdt_code want;
    } cases[] = {
        {DOC(ALLOW DO),                          RDT_OK        },
        {DOC(ALLOW ALL DO),                      RDT_E_BADINPUT},
        {DOC(DENY "\"NotPrincipal\":\"*\"," DO), RDT_E_BADINPUT},
        {DOC(ALLOW "\"Action\":\"*\""),          RDT_E_BADINPUT},
        {DOC(ALLOW "\"Resource\":\"*\""),        RDT_E_BADINPUT},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_policy *policy = NULL;
        assert_int_equal(rdt_policy_compile(RDT_POLICY_IDENTITY, rdt_span_str(cases[i].json),
                                            ACCOUNT, &policy, NULL),
                         cases[i].want);
        rdt_policy_free(policy);
    }
}

/* ---- limits ---- */

static enum rdt_code
compile(const struct rdt_buf *text, struct rdt_policy **policy)
{
    assert_true(rdt_buf_ok(text));
    return rdt_policy_compile(RDT_POLICY_KEY, rdt_buf_span(text), ACCOUNT, policy, NULL);
}

static void
too_long(void **state)
{
    RDT_BUF text = {0};
    struct rdt_policy *policy = NULL;
    struct asked a;
    (void)state;
    rdt_buf_str(&text, "{\"Id\":\"");
    while (text.n < RDT_POLICY_MAX - strlen("\",\"Statement\":{" ALLOW ALL DO "}}"))
        rdt_buf_str(&text, "x");
    rdt_buf_str(&text, "\",\"Statement\":{" ALLOW ALL DO "}}");
    assert_int_equal(text.n, RDT_POLICY_MAX);
    assert_int_equal(compile(&text, &policy), RDT_OK);
    ask_make(&(struct tweak){0}, &a);
    assert_int_equal(rdt_policy_ask(policy, &a.ask), RDT_POLICY_ALLOW);
    rdt_policy_free(policy);
    rdt_buf_str(&text, " ");
    assert_int_equal(compile(&text, &policy), RDT_E_LIMIT);
}

static void
too_many(void **state)
{
    struct rdt_policy *policy = NULL;
    (void)state;
    for (int n = RDT_POLICY_STATEMENTS_MAX; n <= RDT_POLICY_STATEMENTS_MAX + 1; n++) {
        RDT_BUF text = {0};
        rdt_buf_str(&text, "{\"Statement\":[");
        for (int i = 0; i < n; i++)
            rdt_buf_fmt(&text, "%s{" ALLOW ALL DO "}", i == 0 ? "" : ",");
        rdt_buf_str(&text, "]}");
        bool fits = n == RDT_POLICY_STATEMENTS_MAX;
        assert_int_equal(compile(&text, &policy), fits ? RDT_OK : RDT_E_LIMIT);
        if (fits)
            rdt_policy_free(policy);
    }
    for (int n = RDT_POLICY_VALUES_MAX - 2; n <= RDT_POLICY_VALUES_MAX - 1; n++) {
        RDT_BUF text = {0};
        rdt_buf_str(&text, "{\"Statement\":{" ALLOW ALL "\"Resource\":\"*\",\"Action\":[");
        for (int i = 0; i < n; i++)
            rdt_buf_fmt(&text, "%s\"a:b\"", i == 0 ? "" : ",");
        rdt_buf_str(&text, "]}}");
        bool fits = n == RDT_POLICY_VALUES_MAX - 2;
        assert_int_equal(compile(&text, &policy), fits ? RDT_OK : RDT_E_LIMIT);
        if (fits)
            rdt_policy_free(policy);
    }
}

static void
too_deep(void **state)
{
    RDT_BUF text = {0};
    struct rdt_policy *policy = NULL;
    (void)state;
    rdt_buf_str(&text, "{\"Statement\":");
    for (int i = 0; i < 16000; i++)
        rdt_buf_str(&text, "[");
    for (int i = 0; i < 16000; i++)
        rdt_buf_str(&text, "]");
    rdt_buf_str(&text, "}");
    assert_int_equal(compile(&text, &policy), RDT_E_BADINPUT);
}

/* Patterns that are tried at every place of a text are few. */
static void
too_slow(void **state)
{
    struct rdt_policy *policy = NULL;
    (void)state;
    for (int n = 512; n <= 513; n++) {
        RDT_BUF text = {0};
        rdt_buf_str(&text, "{\"Statement\":{" ALLOW ALL DO ",\"Condition\":{\"StringLike\":{"
                           "\"kms:EncryptionContext:x\":\"*");
        for (int i = 1; i < n; i++)
            rdt_buf_str(&text, "a");
        rdt_buf_str(&text, "?*\"}}}}");
        assert_int_equal(compile(&text, &policy), n == 512 ? RDT_OK : RDT_E_LIMIT);
        if (n == 512)
            rdt_policy_free(policy);
    }
}

/* The compiled form holds on to nothing of the document. */
static void
own_memory(void **state)
{
    static const char json[] = IF("{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"a\"}}");
    struct rdt_policy *policy = NULL;
    struct asked a;
    (void)state;
    uint8_t *copy = malloc(sizeof json - 1);
    assert_non_null(copy);
    memcpy(copy, json, sizeof json - 1);
    assert_int_equal(rdt_policy_compile(RDT_POLICY_KEY, (struct rdt_span){copy, sizeof json - 1},
                                        ACCOUNT, &policy, NULL),
                     RDT_OK);
    memset(copy, 'x', sizeof json - 1);
    free(copy);
    ask_make(&(struct tweak){.context = "tenant=a"}, &a);
    assert_int_equal(rdt_policy_ask(policy, &a.ask), RDT_POLICY_ALLOW);
    rdt_policy_free(policy);
    rdt_policy_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_document), cmocka_unit_test(quotes_nothing),
        cmocka_unit_test(hints),         cmocka_unit_test(identity),
        cmocka_unit_test(too_long),      cmocka_unit_test(too_many),
        cmocka_unit_test(too_deep),      cmocka_unit_test(too_slow),
        cmocka_unit_test(own_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
