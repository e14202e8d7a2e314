#include "client/client.h"

#include "../test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define URL "https://127.0.0.1:1"

static struct rdt_secret good;

static const struct {
    const char *why;
    struct rdt_client_opts opts;
    enum rdt_code want;
} opens[] = {
    {"all there",
     {.endpoint = URL, .region = "local-1", .key_id = "RDTA1", .secret = &good},
     RDT_OK                                                                                                        },
    {"no endpoint",         {.region = "local-1", .key_id = "RDTA1", .secret = &good},               RDT_E_USAGE   },
    {"empty endpoint",
     {.endpoint = "", .region = "l", .key_id = "A", .secret = &good},
     RDT_E_USAGE                                                                                                   },
    {"http",
     {.endpoint = "http://127.0.0.1", .region = "l", .key_id = "A", .secret = &good},
     RDT_E_BADINPUT                                                                                                },
    {"no URL",
     {.endpoint = "127.0.0.1:7443", .region = "l", .key_id = "A", .secret = &good},
     RDT_E_BADINPUT                                                                                                },
    {"a password in it",
     {.endpoint = "https://u:p@h", .region = "l", .key_id = "A", .secret = &good},
     RDT_E_BADINPUT                                                                                                },
    {"nobody",              {.endpoint = URL, .region = "local-1"},                                  RDT_E_USAGE   },
    {"no secret",           {.endpoint = URL, .region = "local-1", .key_id = "RDTA1"},               RDT_E_USAGE   },
    {"no region",           {.endpoint = URL, .key_id = "RDTA1", .secret = &good},                   RDT_E_BADINPUT},
    {"odd region",
     {.endpoint = URL, .region = "a/b", .key_id = "R", .secret = &good},
     RDT_E_BADINPUT                                                                                                },
    {"odd key id",
     {.endpoint = URL, .region = "l", .key_id = "R\n", .secret = &good},
     RDT_E_BADINPUT                                                                                                },
    {"half a certificate",  {.endpoint = URL, .cert_file = "/dev/null"},                             RDT_E_USAGE   },
    {"no such CA",
     {.endpoint = URL, .ca_file = "/nowhere/ca.pem", .region = "l", .key_id = "A", .secret = &good},
     RDT_E_NOTFOUND                                                                                                },
    {"no such certificate",
     {.endpoint = URL, .cert_file = "/nowhere/c.pem", .key_file = "/nowhere/c.key"},
     RDT_E_NOTFOUND                                                                                                },
};

static void
test_open(void **state)
{
    (void)state;
    assert_int_equal(rdt_secret_copy(&good, rdt_span_str("secret"), NULL), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(opens); i++) {
        RDT_AUTO(rdt_client_close_at) struct rdt_client *client = NULL;
        struct rdt_err err = {0};
        enum rdt_code rc = rdt_client_open(&opens[i].opts, &client, &err);
        if (rc != opens[i].want)
            fail_msg("%s: %d %s", opens[i].why, (int)rc, err.text);
        assert_true((client != NULL) == (rc == RDT_OK));
    }
    rdt_secret_wipe(&good);
}

static void
test_env(void **state)
{
    (void)state;
    RDT_AUTO(rdt_client_close_at) struct rdt_client *client = NULL;
    struct rdt_err err = {0};
    static const char *const none[] = {
        "AWS_ENDPOINT_URL",      "AWS_ENDPOINT_URL_KMS", "AWS_CA_BUNDLE",     "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY", "AWS_REGION",           "AWS_DEFAULT_REGION"};
    for (size_t i = 0; i < RDT_COUNT(none); i++)
        unsetenv(none[i]);
    assert_int_equal(rdt_client_open_env(NULL, NULL, &client, &err), RDT_E_USAGE);
    assert_non_null(strstr(err.hint, "AWS_ENDPOINT_URL"));
    setenv("AWS_ENDPOINT_URL", "https://a.example", 1);
    setenv("AWS_ENDPOINT_URL_KMS", "https://B.example:7443/x", 1);
    setenv("AWS_ACCESS_KEY_ID", "RDTA1", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    setenv("AWS_DEFAULT_REGION", "local-1", 1);
    assert_int_equal(rdt_client_open_env(NULL, NULL, &client, &err), RDT_OK);
    assert_string_equal(rdt_client_endpoint(client), "https://b.example:7443");
}

/* Nothing listens: tried, and said so. An operation has to have a prefix. */
static void
test_stopped(void **state)
{
    (void)state;
    RDT_AUTO(rdt_client_close_at) struct rdt_client *client = NULL;
    RDT_SECRET secret = {0};
    RDT_BUF out = {0};
    struct rdt_err err = {0};
    struct rdt_client_fault fault;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    char endpoint[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0); /* and does not listen */
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    snprintf(endpoint, sizeof endpoint, "https://127.0.0.1:%u", ntohs(at.sin_port));
    assert_int_equal(rdt_secret_copy(&secret, rdt_span_str("s"), NULL), RDT_OK);
    struct rdt_client_opts opts = {
        .endpoint = endpoint, .region = "local-1", .key_id = "RDTA1", .secret = &secret};
    assert_int_equal(rdt_client_open(&opts, &client, &err), RDT_OK);
    assert_int_equal(
        rdt_client_call(client, "kms:ListKeys", rdt_span_str("{}"), &fault, &out, &err), RDT_E_NET);
    assert_non_null(strstr(err.hint, "is the server running?"));
    assert_string_equal(fault.name, "");
    assert_int_equal(rdt_client_call(client, "ListKeys", rdt_span_str("{}"), NULL, &out, &err),
                     RDT_E_INTERNAL);
    assert_int_equal(out.n, 0);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_env),
        cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
