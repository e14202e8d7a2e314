#include "client/fault_internal.h"

#include "../test.h"

#include <string.h>

#define HEAD "HTTP/1.1 400 Bad Request\nx-amzn-RequestId: 7d3ab1ea-2f0c-4d42-9f0c-0d5b4f1d9a11\n"
#define ID "7d3ab1ea-2f0c-4d42-9f0c-0d5b4f1d9a11"

static const struct {
    const char *head, *body;
    int status;
    enum rdt_code want;
    const char *name, *text, *hint; /* NULL: none, or any */
} cases[] = {
    {HEAD, "{\"__type\":\"AccessDeniedException\",\"message\":\"This needs approval. x\"}", 400,
     RDT_E_DENIED,                                                                                               "AccessDeniedException",
     "AccessDeniedException: This needs approval. x (request " ID ")",                                                                                                                   "approval list"   },
    {HEAD, "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}",                     400, RDT_E_DENIED,
     "AccessDeniedException",                                                                                                             "AccessDeniedException: no (request " ID ")",  "principal policy"},
    {HEAD, "{\"__type\":\"com.amazonaws.kms#NotFoundException\",\"message\":\"Key\"}",      400,
     RDT_E_NOTFOUND,                                                                                             "NotFoundException",     "NotFoundException: Key (request " ID ")",     NULL              },
    {HEAD, "{\"__type\":\"RequestTimeTooSkewed\",\"message\":\"late\"}",                    400, RDT_E_DENIED,
     "RequestTimeTooSkewed",                                                                                                              "RequestTimeTooSkewed: late (request " ID ")", "clock"           },
    {"",   "{\"__type\":\"KMSInternalException\"}",                                         500, RDT_E_IO,       "KMSInternalException",
     "KMSInternalException: no words",                                                                                                                                                   NULL              },
    {"",   "{\"__type\":\"SomethingNew\",\"message\":\"x\"}",                               400, RDT_E_DENIED,   "SomethingNew",
     "SomethingNew: x",                                                                                                                                                                  NULL              },
    {"",   "{\"__type\":\"TagException\",\"message\":\"a\\u001b[31mb\"}",                   400, RDT_E_BADINPUT,
     "TagException",                                                                                                                      "TagException: a?[31mb",                       NULL              },
    {"",   "<html>502 Bad Gateway</html>",                                                  502, RDT_E_PROTOCOL, "",
     "HTTP status 502 and no fault that a key service would answer",                                                                                                                     "AWS_ENDPOINT_URL"},
    {"",   "",                                                                              404, RDT_E_PROTOCOL, "",
     "HTTP status 404 and no fault that a key service would answer",                                                                                                                     "AWS_ENDPOINT_URL"},
    {"",   "{\"message\":\"x\"}",                                                           400, RDT_E_PROTOCOL, "",
     "HTTP status 400 and no fault that a key service would answer",                                                                                                                     NULL              },
    {"",   "[1]",                                                                           400, RDT_E_PROTOCOL, "",                      NULL,                                          NULL              },
};

static void
test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_https_answer_done) struct rdt_https_answer answer = {0};
        struct rdt_client_fault fault;
        struct rdt_err err = {0};
        answer.status = cases[i].status;
        rdt_buf_str(&answer.head, cases[i].head);
        rdt_buf_str(&answer.body, cases[i].body);
        assert_int_equal(rdt_client_fault_read(&answer, &fault, &err), cases[i].want);
        assert_string_equal(fault.name, cases[i].name);
        assert_int_equal(fault.status, cases[i].status);
        if (cases[i].text != NULL)
            assert_string_equal(err.text, cases[i].text);
        if (cases[i].hint != NULL)
            assert_non_null(strstr(err.hint, cases[i].hint));
    }
}

/* A server's words are cut, not trusted. */
static void
test_long(void **state)
{
    (void)state;
    RDT_AUTO(rdt_https_answer_done) struct rdt_https_answer answer = {.status = 400};
    struct rdt_client_fault fault;
    struct rdt_err err = {0};
    rdt_buf_str(&answer.body, "{\"__type\":\"");
    for (size_t i = 0; i < 1000; i++)
        rdt_buf_str(&answer.body, "N");
    rdt_buf_str(&answer.body, "\",\"message\":\"");
    for (size_t i = 0; i < 5000; i++)
        rdt_buf_str(&answer.body, "m");
    rdt_buf_str(&answer.body, "\"}");
    assert_int_equal(rdt_client_fault_read(&answer, &fault, &err), RDT_E_DENIED);
    assert_int_equal(strlen(fault.name), RDT_CLIENT_FAULT_MAX);
    assert_int_equal(strlen(fault.message), RDT_CLIENT_MESSAGE_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests_name("client/fault", tests, NULL, NULL);
}
