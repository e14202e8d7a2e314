#include "net/https_client.h"

#include "../test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A port of the loopback interface; listening: it accepts, and then says nothing of itself. */
static int
take_port(bool listening, struct rdt_url *url)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    if (listening)
        assert_int_equal(listen(fd, 8), 0);
    *url = (struct rdt_url){.https = true, .host = "127.0.0.1", .port = ntohs(at.sin_port)};
    memcpy(url->path, "/", 2);
    return fd;
}

static enum rdt_code
post(const struct rdt_https_opts *opts, const struct rdt_https_post *what, bool *sent,
     struct rdt_err *err)
{
    RDT_AUTO(rdt_https_close_at) struct rdt_https_client *client = NULL;
    RDT_AUTO(rdt_https_answer_done) struct rdt_https_answer answer = {0};
    assert_int_equal(rdt_https_open(opts, &client, err), RDT_OK);
    return rdt_https_post(client, what, sent, &answer, err);
}

static void
test_refused(void **state)
{
    (void)state;
    struct rdt_url url;
    struct rdt_err err = {0};
    bool sent = true;
    int fd = take_port(false, &url);
    assert_int_equal(
        post(&(struct rdt_https_opts){0}, &(struct rdt_https_post){.url = &url}, &sent, &err),
        RDT_E_NET);
    assert_false(sent);
    assert_string_equal(err.hint, "is the server running?");
    close(fd);
}

static void
test_silent(void **state)
{
    (void)state;
    struct rdt_url url;
    struct rdt_err err = {0};
    bool sent = true;
    int fd = take_port(true, &url);
    struct rdt_https_opts opts = {.connect_ms = 200, .timeout_ms = 300};
    assert_int_equal(post(&opts, &(struct rdt_https_post){.url = &url}, &sent, &err),
                     RDT_E_TIMEOUT);
    assert_false(sent);
    close(fd);
}

static void
test_bad_input(void **state)
{
    (void)state;
    struct rdt_url url;
    struct rdt_err err = {0};
    bool sent;
    int fd = take_port(false, &url);
    const char *line_end[] = {"x-a: b\r\nx-c: d"};
    const char *many[RDT_HTTPS_HEADERS_MAX + 1];
    for (size_t i = 0; i < RDT_COUNT(many); i++)
        many[i] = "x-a: b";
    assert_int_equal(
        post(&(struct rdt_https_opts){0},
             &(struct rdt_https_post){.url = &url, .headers = line_end, .n_headers = 1}, &sent,
             &err),
        RDT_E_BADINPUT);
    assert_int_equal(
        post(&(struct rdt_https_opts){0},
             &(struct rdt_https_post){.url = &url, .headers = many, .n_headers = RDT_COUNT(many)},
             &sent, &err),
        RDT_E_LIMIT);
    url.https = false;
    assert_int_equal(
        post(&(struct rdt_https_opts){0}, &(struct rdt_https_post){.url = &url}, &sent, &err),
        RDT_E_BADINPUT);
    close(fd);
}

static void
test_files(void **state)
{
    (void)state;
    struct rdt_err err = {0};
    static const struct rdt_https_opts bad[] = {{.ca_file = "/nowhere/ca.pem"},
                                                {.cert_file = "/nowhere/c.pem"},
                                                {.key_file = "/nowhere/k"}};
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        struct rdt_https_client *client = NULL;
        assert_int_equal(rdt_https_open(&bad[i], &client, &err), RDT_E_NOTFOUND);
        assert_null(client);
        assert_non_null(strstr(err.text, "/nowhere/"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests_name("net/https_client", tests, NULL, NULL);
}
