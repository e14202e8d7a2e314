/* What a KeyId names, in all its forms, and how the wrong ones are answered. */
#include "codec/base64.h"
#include "kms/op_internal.h"

#include "asks.h"

static char id[37], key_arn[128], other[37];
static struct rdt_jdoc doc;

static enum rdt_fault
resolve(const char *op, const char *input, struct rdt_span text, bool any, char *message,
        const struct rdt_key **key, struct rdt_span *alias)
{
    static char body[64];
    struct rdt_request request = {.now_ms = NOW_MS};
    snprintf(body, sizeof body, "%s", input);
    assert_true(rdt_jscan((uint8_t *)body, strlen(body), &doc));
    struct rdt_call call = {.kms = kms,
                            .thread = thread,
                            .request = &request,
                            .op = rdt_op_named(op),
                            .in = &doc,
                            .view = {.state = kms->state}};
    enum rdt_fault fault = rdt_arn_key(&call, text, any, key, alias);
    snprintf(message, RDT_MESSAGE_MAX, "%s", request.message);
    return fault;
}

#define P "arn:aws:kms:local-1:000000000000:"
#define NO "00000000-0000-4000-8000-000000000000"

static const struct {
    const char *text; /* ID stands for the key's id */
    bool any;         /* aliases are taken */
    enum rdt_fault want;
    const char *message; /* NULL: whatever */
} rows[] = {
    {"ID",                                         false, RDT_FAULT_NONE,        NULL                                  },
    {P "key/ID",                                   false, RDT_FAULT_NONE,        NULL                                  },
    {"alias/a/b",                                  true,  RDT_FAULT_NONE,        NULL                                  },
    {P "alias/a/b",                                true,  RDT_FAULT_NONE,        NULL                                  },
    {"alias/a/b",                                  false, RDT_FAULT_NOT_FOUND,   "Invalid keyId 'alias/a/b'"           },
    {P "alias/a/b",                                false, RDT_FAULT_INVALID_ARN, NULL                                  },
    {"alias/c",                                    true,  RDT_FAULT_NOT_FOUND,   "Alias " P "alias/c is not found."    },
    {P "alias/c",                                  true,  RDT_FAULT_NOT_FOUND,   "Alias " P "alias/c is not found."    },
    {NO,                                           true,  RDT_FAULT_NOT_FOUND,   "Key '" P "key/" NO "' does not exist"},
    {P "key/" NO,                                  true,  RDT_FAULT_NOT_FOUND,   "Key '" P "key/" NO "' does not exist"},
    {"mrk-0123456789abcdef0123456789abcdef",       true,  RDT_FAULT_NOT_FOUND,
     "Key '" P "key/mrk-0123456789abcdef0123456789abcdef' does not exist"                                              },
    {"mrk-0123456789abcdef0123456789abcde",        true,  RDT_FAULT_NOT_FOUND,
     "Invalid keyId 'mrk-0123456789abcdef0123456789abcde'"                                                             },
    {"",                                           true,  RDT_FAULT_NOT_FOUND,   "Invalid keyId ''"                    },
    {"ID ",                                        true,  RDT_FAULT_NOT_FOUND,   NULL                                  },
    {"alias",                                      true,  RDT_FAULT_NOT_FOUND,   "Invalid keyId 'alias'"               },
    {"arn:",                                       true,  RDT_FAULT_INVALID_ARN, NULL                                  },
    {"arn:aws:kms:local-1:000000000000",           true,  RDT_FAULT_INVALID_ARN, NULL                                  },
    {P,                                            true,  RDT_FAULT_INVALID_ARN, NULL                                  },
    {P "key",                                      true,  RDT_FAULT_INVALID_ARN, NULL                                  },
    {P "key/",                                     true,  RDT_FAULT_NOT_FOUND,   "Invalid keyId ''"                    },
    {P "KEY/ID",                                   true,  RDT_FAULT_INVALID_ARN, NULL                                  },
    {P "key/ID:x",                                 true,  RDT_FAULT_NOT_FOUND,   NULL                                  },
    {"arn:aws:s3:local-1:000000000000:key/ID",     true,  RDT_FAULT_INVALID_ARN, NULL                                  },
    {"arn:aws:kms:local-2:000000000000:key/ID",    true,  RDT_FAULT_NOT_FOUND,   "Invalid arn local-2"                 },
    {"arn:aws:kms::000000000000:key/ID",           true,  RDT_FAULT_NOT_FOUND,   "Invalid arn "                        },
    {"arn:aws:kms:local-1:000000000001:key/ID",    true,  RDT_FAULT_NOT_FOUND,   NULL                                  },
    {"arn:aws:kms:local-1::key/ID",                true,  RDT_FAULT_NOT_FOUND,   NULL                                  },
    {"arn:aws-cn:kms:local-1:000000000000:key/ID", true,  RDT_FAULT_NOT_FOUND,   NULL                                  },
};

static void
forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        char text[256], message[RDT_MESSAGE_MAX];
        const struct rdt_key *key = NULL;
        struct rdt_span alias = {0};
        const char *at = strstr(rows[i].text, "ID");
        int n = at == NULL ? (int)strlen(rows[i].text) : (int)(at - rows[i].text);
        snprintf(text, sizeof text, "%.*s%s%s", n, rows[i].text, at == NULL ? "" : id,
                 at == NULL ? "" : at + 2);
        enum rdt_fault fault =
            resolve("DescribeKey", "{}", rdt_span_str(text), rows[i].any, message, &key, &alias);
        if (fault != rows[i].want || (key != NULL) != (fault == RDT_FAULT_NONE) ||
            (rows[i].message != NULL && strcmp(message, rows[i].message) != 0))
            fail_msg("'%s': %s '%s'", text, rdt_fault_wire(fault), message);
        if (fault == RDT_FAULT_NONE && strstr(text, "alias/") != NULL)
            assert_true(rdt_span_is(alias, "alias/a/b"));
        else if (fault == RDT_FAULT_NONE)
            assert_int_equal(alias.n, 0);
    }
}

/* The model has no InvalidArnException for calls that use keys, nor for those that move aliases. */
static void
whose_error(void **state)
{
    static const struct {
        const char *op, *input;
        enum rdt_fault want;
    } ops[] = {
        {"DescribeKey", "{}",                         RDT_FAULT_INVALID_ARN},
        {"EnableKey",   "{}",                         RDT_FAULT_INVALID_ARN},
        {"Encrypt",     "{}",                         RDT_FAULT_NOT_FOUND  },
        {"Decrypt",     "{}",                         RDT_FAULT_NOT_FOUND  },
        {"CreateAlias", "{\"TargetKeyId\":\"arn:\"}", RDT_FAULT_NOT_FOUND  },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(ops); i++) {
        char message[RDT_MESSAGE_MAX];
        const struct rdt_key *key;
        struct rdt_span alias;
        assert_int_equal(resolve(ops[i].op, ops[i].input, rdt_span_str("arn:aws:kms"), true,
                                 message, &key, &alias),
                         ops[i].want);
    }
}

/* Whatever is quoted of a stranger's text is bounded. */
static void
long_texts(void **state)
{
    static uint8_t text[2048];
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        static const char *const heads[] = {"", "alias/", "arn:aws:kms:", P "key/"};
        char message[RDT_MESSAGE_MAX];
        const struct rdt_key *key;
        struct rdt_span alias;
        memset(text, 0xc3, sizeof text);
        memcpy(text, heads[kind], strlen(heads[kind]));
        assert_int_not_equal(resolve("DescribeKey", "{}", (struct rdt_span){text, sizeof text},
                                     true, message, &key, &alias),
                             RDT_FAULT_NONE);
        assert_null(key);
        assert_true(strlen(message) < RDT_MESSAGE_MAX);
    }
}

static void
written(void **state)
{
    uint8_t uuid[16];
    char text[ARN_TEXT], caller[RDT_CALLER_TEXT];
    (void)state;
    assert_true(rdt_uuid_parse(rdt_span_str(id), uuid));
    rdt_key_arn(kms, uuid, text);
    assert_string_equal(text, key_arn);
    rdt_principal_arn(kms, "ada", caller);
    assert_string_equal(caller, "arn:aws:iam::000000000000:user/ada");
}

static int
fill_in(void **state)
{
    if (set_up(state) != 0)
        return -1;
    new_key(id);
    answered("Arn", key_arn, sizeof key_arn);
    new_key(other);
    return ask_at(NOW_MS, "CreateAlias", "{\"AliasName\":\"alias/a/b\",\"TargetKeyId\":\"", id,
                  "\"}") == RDT_FAULT_NONE
               ? 0
               : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(whose_error),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(written),
    };
    return cmocka_run_group_tests_name("kms/arn", tests, fill_in, tear_down);
}
