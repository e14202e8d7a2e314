#include "net/server_internal.h"

#include "../test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum rdt_code
listen_at(const char *const *addresses, size_t n, struct rdt_server *server, struct rdt_err *err)
{
    struct rdt_server_opts opts = {.listen = addresses, .n_listen = n};
    *server = (struct rdt_server){0};
    return rdt_server_listen(server, &opts, err);
}

static const struct {
    const char *address;
    enum rdt_code want;
} cases[] = {
    {"127.0.0.1:0",                    RDT_OK        },
    {"0.0.0.0:0",                      RDT_OK        },
    {"",                               RDT_E_BADINPUT},
    {":",                              RDT_E_BADINPUT},
    {":0",                             RDT_E_BADINPUT},
    {"127.0.0.1",                      RDT_E_BADINPUT},
    {"127.0.0.1:",                     RDT_E_BADINPUT},
    {"127.0.0.1:x",                    RDT_E_BADINPUT},
    {"127.0.0.1:+1",                   RDT_E_BADINPUT},
    {"127.0.0.1:-1",                   RDT_E_BADINPUT},
    {"127.0.0.1: 1",                   RDT_E_BADINPUT},
    {"127.0.0.1:1x",                   RDT_E_BADINPUT},
    {"127.0.0.1:65536",                RDT_E_BADINPUT},
    {"127.0.0.1:99999999999999999999", RDT_E_BADINPUT},
    {"localhost:0",                    RDT_E_BADINPUT},
    {"[localhost]:0",                  RDT_E_BADINPUT},
    {"[127.0.0.1]:0",                  RDT_E_BADINPUT},
    {"::1:0",                          RDT_E_BADINPUT},
    {"[::1:0",                         RDT_E_BADINPUT},
    {"::1]:0",                         RDT_E_BADINPUT},
    {"[]:0",                           RDT_E_BADINPUT},
    {"unix:",                          RDT_E_BADINPUT},
    {"unix:/nowhere/at/all/a.sock",    RDT_E_NET     },
};

static void
addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_server server;
        struct rdt_err err = {0};
        enum rdt_code rc = listen_at(&cases[i].address, 1, &server, &err);
        if (rc != cases[i].want || (rc == RDT_OK && server.port == 0))
            fail_msg("'%s': %d %s", cases[i].address, rc, err.text);
        rdt_server_unlisten(&server);
        assert_int_equal(server.n_listeners, 0);
    }
}

static void
numbers(void **state)
{
    (void)state;
    static const char *many[RDT_SERVER_LISTENERS_MAX + 1];
    struct rdt_server server;
    for (size_t i = 0; i < RDT_COUNT(many); i++)
        many[i] = "127.0.0.1:0";
    assert_int_equal(listen_at(many, 0, &server, NULL), RDT_E_BADINPUT);
    assert_int_equal(listen_at(many, RDT_COUNT(many), &server, NULL), RDT_E_BADINPUT);
    assert_int_equal(listen_at(many, RDT_COUNT(many) - 1, &server, NULL), RDT_OK);
    rdt_server_unlisten(&server);
    /* One that fails leaves the others to be closed. */
    many[2] = "nonsense";
    assert_int_equal(listen_at(many, 3, &server, NULL), RDT_E_BADINPUT);
    assert_int_equal(server.n_listeners, 2);
    rdt_server_unlisten(&server);
}

static void
unix_sockets(void **state)
{
    (void)state;
    char folder[] = "/tmp/redoubt-listen-XXXXXX", name[64], path[256];
    struct rdt_server server, second;
    struct stat st;
    const char *address = name;
    assert_non_null(mkdtemp(folder));
    snprintf(name, sizeof name, "unix:%s/a", folder);
    assert_int_equal(listen_at(&address, 1, &server, NULL), RDT_OK);
    assert_int_equal(server.port, 0);
    assert_int_equal(listen_at(&address, 1, &second, NULL), RDT_E_NET); /* it answers */
    rdt_server_unlisten(&server);
    assert_int_equal(stat(name + 5, &st), -1);
    /* A file of somebody else is not taken away. */
    FILE *file = fopen(name + 5, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(listen_at(&address, 1, &server, NULL), RDT_E_NET);
    assert_int_equal(stat(name + 5, &st), 0);
    unlink(name + 5);
    rmdir(folder);
    memset(path, 'a', sizeof path - 1);
    memcpy(path, "unix:", 5);
    path[sizeof path - 1] = '\0';
    address = path;
    assert_int_equal(listen_at(&address, 1, &server, NULL), RDT_E_BADINPUT);
}

static void
descriptors(void **state)
{
    (void)state;
    struct rdt_server server = {0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct rdt_server_opts opts = {.fds = &fd, .n_fds = 1};
    assert_true(fd >= 0);
    assert_int_equal(rdt_server_listen(&server, &opts, NULL), RDT_E_BADINPUT); /* does not listen */
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(rdt_server_listen(&server, &opts, NULL), RDT_OK);
    assert_true(server.port != 0 && server.listeners[0].fd != fd);
    rdt_server_unlisten(&server);
    assert_int_equal(close(fd), 0); /* it was still ours */
    assert_int_equal(rdt_server_listen(&server, &opts, NULL), RDT_E_BADINPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(numbers),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
