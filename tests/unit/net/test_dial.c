#include "net/dial.h"

#include "../test.h"

#include "base/clock.h"
#include "base/file.h"

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_MS 200
#define MANY 20 /* addresses that a name of ours can have */

/* The C library's resolver, but for names "N.many.test": those have N addresses, each twice. */
static struct addrinfo nodes[2 * MANY];
static struct sockaddr_in many[MANY];

int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
            struct addrinfo **found)
{
    __typeof__(getaddrinfo) *libc = (__typeof__(libc))dlsym(RTLD_NEXT, "getaddrinfo");
    char *end = NULL;
    size_t n = strtoul(host, &end, 10);
    if (strcmp(end, ".many.test") != 0 || (hints->ai_flags & AI_NUMERICHOST) != 0)
        return libc(host, service, hints, found);
    assert_in_range(n, 1, MANY);
    for (size_t i = 0; i < 2 * n; i++) {
        many[i / 2] = (struct sockaddr_in){.sin_family = AF_INET};
        many[i / 2].sin_addr.s_addr = htonl((uint32_t)(0x0a000001 + i / 2));
        nodes[i] = (struct addrinfo){.ai_family = AF_INET, .ai_addrlen = sizeof many[0]};
        nodes[i].ai_addr = (struct sockaddr *)&many[i / 2];
        nodes[i].ai_next = i + 1 < 2 * n ? &nodes[i + 1] : NULL;
    }
    *found = nodes;
    return 0;
}

void
freeaddrinfo(struct addrinfo *found)
{
    __typeof__(freeaddrinfo) *libc = (__typeof__(libc))dlsym(RTLD_NEXT, "freeaddrinfo");
    if (found != nodes)
        libc(found);
}

/* A listening socket on 127.0.0.1 and the port it got. */
static int
listener(int backlog, uint16_t *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    *port = ntohs(sa.sin_port);
    return fd;
}

static int64_t
soon(void)
{
    return rdt_monotonic_ms() + PATIENCE_MS;
}

static void
resolves(void **state)
{
    static const struct {
        const char *host, *want;
    } cases[] = {
        {"127.0.0.1",     "127.0.0.1:5432"    },
        {"::1",           "[::1]:5432"        },
        {"[2001:db8::1]", "[2001:db8::1]:5432"},
    };
    struct rdt_addrs addrs;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(rdt_resolve(cases[i].host, 5432, soon(), &addrs, NULL), RDT_OK);
        assert_int_equal(addrs.n, 1);
        assert_string_equal(addrs.items[0].text, cases[i].want);
    }
    assert_int_equal(rdt_resolve("localhost", 1, soon() + 5000, &addrs, NULL), RDT_OK);
    assert_in_range(addrs.n, 1, 2);
}

/* The first so many are kept, and it is told that there are more: they are not all. */
static void
tells_a_cut(void **state)
{
    static const struct {
        const char *host;
        size_t n;
        bool cut;
    } cases[] = {
        {"1.many.test",  1,             false},
        {"16.many.test", RDT_ADDRS_MAX, false},
        {"17.many.test", RDT_ADDRS_MAX, true },
        {"20.many.test", RDT_ADDRS_MAX, true },
        {"2.many.test",  2,             false},
    };
    struct rdt_addrs addrs;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(rdt_resolve(cases[i].host, 1, soon(), &addrs, NULL), RDT_OK);
        assert_int_equal(addrs.n, cases[i].n);
        assert_int_equal(addrs.cut, cases[i].cut);
        assert_string_equal(addrs.items[0].text, "10.0.0.1:1");
    }
    addrs.cut = true;
    assert_int_equal(rdt_resolve("", 1, soon(), &addrs, NULL), RDT_E_NET);
    assert_false(addrs.cut);
}

static void
refuses_no_name(void **state)
{
    char letters[400] = {0};
    struct rdt_addrs addrs;
    struct rdt_err err = {0};
    (void)state;
    memset(letters, 'a', sizeof letters - 1);
    assert_int_equal(rdt_resolve("", 1, soon(), &addrs, &err), RDT_E_NET);
    assert_int_equal(rdt_resolve(letters, 1, soon(), &addrs, &err), RDT_E_NET);
    enum rdt_code rc = rdt_resolve("no-such-name.invalid", 1, soon() + 5000, &addrs, &err);
    assert_true(rc == RDT_E_NET || rc == RDT_E_TIMEOUT); /* without any resolver it hangs */
    assert_int_equal(addrs.n, 0);
}

/* No time left: the look-up is given up, and what it holds is freed by itself later. */
static void
gives_up_a_look_up(void **state)
{
    struct rdt_addrs addrs;
    (void)state;
    int64_t start = rdt_monotonic_ms();
    enum rdt_code rc = rdt_resolve("also-no-such-name.invalid", 1, start - 1, &addrs, NULL);
    assert_true(rc == RDT_E_TIMEOUT || rc == RDT_E_NET);
    assert_in_range(rdt_monotonic_ms() - start, 0, PATIENCE_MS);
}

static void
talks(void **state)
{
    uint16_t port;
    RDT_FD server = listener(4, &port);
    RDT_FD fd = -1;
    struct rdt_addr used;
    char got[8] = {0};
    size_t n;
    (void)state;
    assert_int_equal(rdt_dial("127.0.0.1", port, soon(), &used, &fd, NULL), RDT_OK);
    assert_int_equal(strncmp(used.text, "127.0.0.1:", 10), 0);
    RDT_FD peer = accept(server, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(rdt_net_write_all(fd, soon(), rdt_span_str("hello"), NULL), RDT_OK);
    assert_int_equal(read(peer, got, sizeof got), 5);
    assert_int_equal(write(peer, "ok", 2), 2);
    assert_int_equal(rdt_net_read(fd, soon(), got, sizeof got, &n, NULL), RDT_OK);
    assert_int_equal(n, 2);
    rdt_fd_close(&peer);
    assert_int_equal(rdt_net_read(fd, soon(), got, sizeof got, &n, NULL), RDT_OK);
    assert_int_equal(n, 0);
}

static void
tells_a_reset(void **state)
{
    uint16_t port;
    RDT_FD server = listener(4, &port);
    RDT_FD fd = -1;
    struct linger now = {.l_onoff = 1};
    char got[8];
    size_t n;
    (void)state;
    assert_int_equal(rdt_dial("127.0.0.1", port, soon(), NULL, &fd, NULL), RDT_OK);
    RDT_FD peer = accept(server, NULL, NULL);
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    rdt_fd_close(&peer);
    assert_int_equal(rdt_net_read(fd, soon(), got, sizeof got, &n, NULL), RDT_E_NET);
    /* and writing to what is gone does not kill the process */
    assert_int_equal(rdt_net_write_all(fd, soon(), rdt_span_str("x"), NULL), RDT_E_NET);
}

static void
keeps_deadlines(void **state)
{
    uint16_t port;
    RDT_FD server = listener(4, &port);
    RDT_FD fd = -1;
    char got[8];
    size_t n;
    enum { MUCH = 32 * 1024 * 1024 };
    uint8_t *much = calloc(1, MUCH);
    (void)state;
    assert_non_null(much);
    assert_int_equal(rdt_dial("127.0.0.1", port, soon(), NULL, &fd, NULL), RDT_OK);
    int64_t start = rdt_monotonic_ms();
    assert_int_equal(rdt_net_read(fd, soon(), got, sizeof got, &n, NULL), RDT_E_TIMEOUT);
    assert_int_equal(rdt_net_write_all(fd, soon(), (struct rdt_span){much, MUCH}, NULL),
                     RDT_E_TIMEOUT);
    assert_in_range(rdt_monotonic_ms() - start, 2 * PATIENCE_MS - 20, 2 * PATIENCE_MS + 2000);
    free(much);
}

static void
tells_a_closed_port(void **state)
{
    uint16_t port;
    RDT_FD silent = listener(-1, &port); /* bound, so that nobody else takes it; not listening */
    RDT_FD fd = -1;
    struct rdt_err err = {0};
    (void)state;
    assert_int_equal(rdt_dial("127.0.0.1", port, soon(), NULL, &fd, &err), RDT_E_NET);
    assert_int_equal(fd, -1);
    assert_non_null(strstr(err.text, "127.0.0.1:"));
}

/* A full backlog drops the handshake, as a firewall does. */
static void
tells_a_dropped_handshake(void **state)
{
    uint16_t port;
    RDT_FD server = listener(0, &port);
    int fds[8];
    enum rdt_code rc = RDT_OK;
    size_t n = 0;
    (void)state;
    while (n < 8 && rc == RDT_OK)
        rc = rdt_dial("127.0.0.1", port, soon(), NULL, &fds[n++], NULL);
    for (size_t i = 0; i < n; i++)
        rdt_fd_close(&fds[i]);
    if (rc == RDT_OK)
        skip(); /* this kernel answers for a full backlog too */
    assert_int_equal(rc, RDT_E_TIMEOUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves),
        cmocka_unit_test(tells_a_cut),
        cmocka_unit_test(refuses_no_name),
        cmocka_unit_test(gives_up_a_look_up),
        cmocka_unit_test(talks),
        cmocka_unit_test(tells_a_reset),
        cmocka_unit_test(keeps_deadlines),
        cmocka_unit_test(tells_a_closed_port),
        cmocka_unit_test(tells_a_dropped_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
