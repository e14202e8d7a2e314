#include "net/server_internal.h"

#include "../test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct sockaddr_storage
peer_of(const char *text)
{
    struct sockaddr_storage peer = {0};
    struct sockaddr_in *in = (void *)&peer;
    struct sockaddr_in6 *in6 = (void *)&peer;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
        peer.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
        peer.ss_family = AF_INET6;
    else
        peer.ss_family = AF_UNIX;
    return peer;
}

/* Whether two peers are counted as one source. */
static const struct {
    const char *a, *b;
    bool same;
} pairs[] = {
    {"192.0.2.1",       "192.0.2.254",           true },
    {"192.0.2.1",       "192.0.3.1",             false},
    {"192.0.2.1",       "193.0.2.1",             false},
    {"192.0.2.1",       "::ffff:192.0.2.7",      true },
    {"192.0.2.1",       "::ffff:192.0.3.7",      false},
    {"2001:db8:0:1::1", "2001:db8:0:ff:1:2:3:4", true },
    {"2001:db8:0:1::1", "2001:db8:0:100::1",     false},
    {"2001:db8::1",     "2001:db9::1",           false},
    {"0.0.0.1",         "::1",                   false},
    {"::",              "::ff",                  true },
};

static void
prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(pairs); i++) {
        struct rdt_sources *sources = rdt_sources_new();
        struct sockaddr_storage a = peer_of(pairs[i].a), b = peer_of(pairs[i].b);
        struct rdt_source *one = NULL, *other = NULL;
        assert_non_null(sources);
        assert_true(rdt_source_take(sources, &a, false, &one));
        assert_true(rdt_source_take(sources, &b, false, &other));
        if (one == NULL || other == NULL || (one == other) != pairs[i].same)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
        rdt_source_drop(sources, one, false);
        rdt_source_drop(sources, other, false);
        rdt_sources_free(sources);
    }
}

static void
limits(void **state)
{
    (void)state;
    struct rdt_sources *sources = rdt_sources_new();
    struct sockaddr_storage here = peer_of("192.0.2.1"), there = peer_of("198.51.100.1");
    struct rdt_source *source = NULL, *other = NULL, *none = NULL;
    assert_non_null(sources);
    for (int i = 0; i < RDT_SERVER_SOURCE_HANDSHAKES_MAX; i++)
        assert_true(rdt_source_take(sources, &here, true, &source));
    assert_false(rdt_source_take(sources, &here, true, &none));
    assert_null(none);
    assert_true(rdt_source_take(sources, &there, true, &other));
    rdt_source_shaken(sources, source);
    assert_true(rdt_source_take(sources, &here, true, &source));
    assert_false(rdt_source_take(sources, &here, true, &none));
    for (int i = 0; i < RDT_SERVER_SOURCE_HANDSHAKES_MAX; i++)
        rdt_source_shaken(sources, source);
    for (int i = RDT_SERVER_SOURCE_HANDSHAKES_MAX + 1; i < RDT_SERVER_SOURCE_CONNS_MAX; i++)
        assert_true(rdt_source_take(sources, &here, false, &source));
    assert_false(rdt_source_take(sources, &here, false, &none));
    rdt_source_drop(sources, source, false);
    assert_true(rdt_source_take(sources, &here, true, &source));
    rdt_source_drop(sources, source, true);
    for (int i = 1; i < RDT_SERVER_SOURCE_CONNS_MAX; i++)
        rdt_source_drop(sources, source, false);
    /* Nothing is left of it, so all counts begin anew. */
    for (int i = 0; i < RDT_SERVER_SOURCE_HANDSHAKES_MAX; i++)
        assert_true(rdt_source_take(sources, &here, true, &source));
    rdt_sources_free(sources); /* with sources in it */
}

static void
no_address(void **state)
{
    (void)state;
    struct rdt_sources *sources = rdt_sources_new();
    struct sockaddr_storage peer = peer_of("a path");
    struct rdt_source *source = (void *)&peer;
    assert_non_null(sources);
    for (int i = 0; i < 2 * RDT_SERVER_SOURCE_CONNS_MAX; i++) {
        assert_true(rdt_source_take(sources, &peer, true, &source));
        assert_null(source);
        rdt_source_shaken(sources, source);
        rdt_source_drop(sources, source, false);
    }
    rdt_sources_free(sources);
    rdt_sources_free(NULL);
}

/* Many prefixes, dropped in another order than they came in. */
static void
many(void **state)
{
    (void)state;
    enum { N = 20000 };
    static struct rdt_source *taken[N];
    struct rdt_sources *sources = rdt_sources_new();
    assert_non_null(sources);
    for (unsigned i = 0; i < N; i++) {
        struct sockaddr_storage peer = {.ss_family = AF_INET};
        ((struct sockaddr_in *)(void *)&peer)->sin_addr.s_addr = htonl(i << 8);
        assert_true(rdt_source_take(sources, &peer, true, &taken[i]));
    }
    for (unsigned i = 0; i < N; i++)
        rdt_source_drop(sources, taken[i * 7919 % N], true);
    rdt_sources_free(sources);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes),
        cmocka_unit_test(limits),
        cmocka_unit_test(no_address),
        cmocka_unit_test(many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
