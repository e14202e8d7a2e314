/* What a stranger does to it is in tests/interop/test_server*.py; here is what its caller does. */
#include "net/server.h"

#include "../test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static const char *const loopback[] = {"127.0.0.1:0"};
static _Atomic int begun, ended, woken;
static int fail_at; /* the begin hook of this thread fails; 0: none */
static struct rdt_loop *loops[RDT_SERVER_LOOPS_MAX];

static enum rdt_code
begin(void *user, struct rdt_loop *loop, void **state, struct rdt_err *err)
{
    int nth = atomic_fetch_add(&begun, 1);
    loops[nth] = loop;
    *state = user;
    if (nth + 1 == fail_at)
        return rdt_fail(err, RDT_E_DENIED, "not today");
    return RDT_OK;
}

static void
end(void *user, void *state)
{
    assert_ptr_equal(user, state);
    atomic_fetch_add(&ended, 1);
}

static void
request(void *state, struct rdt_exchange *x)
{
    (void)state;
    rdt_exchange_send(x);
}

static void
wake(void *state)
{
    (void)state;
    atomic_fetch_add(&woken, 1);
}

static struct rdt_server_opts
plain(unsigned n)
{
    begun = ended = woken = 0;
    fail_at = 0;
    return (struct rdt_server_opts){
        .listen = loopback,
        .n_listen = 1,
        .loops = n,
        .plain = true,
        .hooks = {.user = &begun, .begin = begin, .end = end, .request = request, .wake = wake},
    };
}

static void
life(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= RDT_SERVER_LOOPS_MAX; n *= 4) {
        struct rdt_server_opts opts = plain(n);
        struct rdt_server *server = NULL;
        struct rdt_server_counts counts;
        assert_int_equal(rdt_server_open(&opts, &server, NULL), RDT_OK);
        assert_true(rdt_server_port(server) != 0);
        assert_int_equal(begun, 0);
        assert_int_equal(rdt_server_start(server, NULL), RDT_OK);
        assert_int_equal(begun, (int)n);
        assert_int_equal(rdt_server_start(server, NULL), RDT_E_STATE);
        assert_int_equal(rdt_server_reload(server, NULL), RDT_OK);
        for (unsigned i = 0; i < n; i++)
            rdt_loop_wake(loops[i]);
        rdt_server_stop(server, 60000); /* nothing is kept: it does not take that long */
        assert_int_equal(ended, (int)n);
        assert_true(woken <= (int)n);
        rdt_server_stop(server, 0);
        rdt_loop_wake(loops[0]); /* a writer that is behind */
        rdt_server_counts(server, &counts);
        assert_int_equal(counts.accepted + counts.requests + counts.open, 0);
        assert_int_equal(rdt_server_start(server, NULL), RDT_E_STATE);
        rdt_server_close(server);
    }
    rdt_server_close(NULL);
}

static void
never_started(void **state)
{
    (void)state;
    struct rdt_server_opts opts = plain(2);
    struct rdt_server *server = NULL;
    assert_int_equal(rdt_server_open(&opts, &server, NULL), RDT_OK);
    rdt_server_stop(server, 100);
    rdt_server_close(server);
    assert_int_equal(begun + ended, 0);
}

static void
begin_fails(void **state)
{
    (void)state;
    for (int at = 1; at <= 4; at++) {
        struct rdt_server_opts opts = plain(4);
        struct rdt_server *server = NULL;
        struct rdt_err err = {0};
        fail_at = at;
        assert_int_equal(rdt_server_open(&opts, &server, NULL), RDT_OK);
        assert_int_equal(rdt_server_start(server, &err), RDT_E_DENIED);
        assert_string_equal(err.text, "not today");
        assert_int_equal(begun, 4);
        assert_int_equal(ended, 3); /* no end without a beginning */
        rdt_server_close(server);
    }
}

static void
refusals(void **state)
{
    (void)state;
    struct rdt_server *server = NULL;
    struct rdt_server_opts opts = plain(0);
    assert_int_equal(rdt_server_open(&opts, &server, NULL), RDT_E_BADINPUT);
    opts = plain(RDT_SERVER_LOOPS_MAX + 1);
    assert_int_equal(rdt_server_open(&opts, &server, NULL), RDT_E_BADINPUT);
    opts = plain(1);
    opts.plain = false; /* neither certificate nor key */
    assert_int_equal(rdt_server_open(&opts, &server, NULL), RDT_E_BADINPUT);
    opts.cert_file = opts.key_file = "/nowhere/at/all.pem";
    assert_int_equal(rdt_server_open(&opts, &server, NULL), RDT_E_NOTFOUND);
    opts = plain(1);
    opts.hooks.request = NULL;
    assert_int_equal(rdt_server_open(&opts, &server, NULL), RDT_E_INTERNAL);
    opts = plain(1);
    opts.n_listen = 0;
    assert_int_equal(rdt_server_open(&opts, &server, NULL), RDT_E_BADINPUT);
    assert_null(server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life),
        cmocka_unit_test(never_started),
        cmocka_unit_test(begin_fails),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
