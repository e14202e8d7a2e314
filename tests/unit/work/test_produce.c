#include "work/produce.h"

#include "base/buf.h"
#include "base/clock.h"

#include "../test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rdt_producer *
start(const char *script)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct rdt_producer *p = NULL;
    struct rdt_err err = {0};
    if (rdt_producer_start(&(struct rdt_produce){.argv = argv}, &p, &err) != RDT_OK)
        fail_msg("%s", err.text);
    return p;
}

/* All of its output, as text. */
static enum rdt_code
take(struct rdt_producer *p, struct rdt_buf *out, struct rdt_err *err)
{
    uint8_t bytes[512];
    size_t got = 1;
    enum rdt_code rc = RDT_OK;
    while (rc == RDT_OK && got != 0) {
        rc = rdt_producer_read(p, bytes, sizeof bytes, &got, err);
        rdt_buf_add(out, bytes, rc == RDT_OK ? got : 0);
    }
    return rc;
}

static const struct {
    const char *script, *output;
    int status;
    const char *words; /* in the error; NULL: none */
} ends[] = {
    {"echo hello",                 "hello\n",   0,   NULL                 },
    {"true",                       "",          0,   NULL                 },
    {"echo part; exit 3",          "part\n",    3,   "ended with status 3"},
    {"echo part; kill -9 $$",      "part\n",    137, "by signal 9"        },
    {"cat",                        "",          0,   NULL                 }, /* its input is empty */
    {"echo -n $TERM$RDT_SEEN",     "",          0,   NULL                 }, /* a clean environment */
    {"trap '' TERM; echo $LC_ALL", "C.UTF-8\n", 0,   NULL                 },
};

static void
test_ends(void **state)
{
    (void)state;
    setenv("RDT_SEEN", "seen", 1);
    for (size_t i = 0; i < RDT_COUNT(ends); i++) {
        RDT_AUTO(rdt_producer_close_at) struct rdt_producer *p = start(ends[i].script);
        RDT_BUF out = {0};
        struct rdt_err err = {0};
        assert_int_equal(rdt_producer_status(p), -1);
        assert_int_equal(take(p, &out, &err), RDT_OK);
        assert_string_equal(rdt_buf_cstr(&out), ends[i].output);
        enum rdt_code rc = rdt_producer_wait(p, &err);
        assert_int_equal(rc, ends[i].words == NULL ? RDT_OK : RDT_E_IO);
        assert_int_equal(rdt_producer_status(p), ends[i].status);
        if (ends[i].words != NULL && strstr(err.text, ends[i].words) == NULL)
            fail_msg("%s: %s", ends[i].script, err.text);
        assert_int_equal(rdt_producer_fd(p), -1);
        assert_int_equal(rdt_producer_wait(p, NULL), RDT_E_STATE);
    }
}

static void
test_pass(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "echo $RDT_ONE $RDT_TWO $PATH", NULL};
    const char *const names[] = {"RDT_ONE", "PATH"}, *const absent[] = {"RDT_ABSENT"},
                      *const odd[] = {"RDT_ONE=x"};
    RDT_AUTO(rdt_producer_close_at) struct rdt_producer *p = NULL;
    struct rdt_produce what = {.argv = argv, .pass = names, .n_pass = 2};
    RDT_BUF out = {0};
    RDT_BUF want = {0};
    setenv("RDT_ONE", "1", 1);
    setenv("RDT_TWO", "2", 1);
    assert_int_equal(rdt_producer_start(&what, &p, NULL), RDT_OK);
    assert_int_equal(take(p, &out, NULL), RDT_OK);
    rdt_buf_fmt(&want, "1 %s\n", getenv("PATH"));
    assert_string_equal(rdt_buf_cstr(&out), rdt_buf_cstr(&want));
    struct rdt_producer *none = NULL;
    what = (struct rdt_produce){.argv = argv, .pass = absent, .n_pass = 1};
    assert_int_equal(rdt_producer_start(&what, &none, NULL), RDT_E_NOTFOUND);
    what.pass = odd;
    assert_int_equal(rdt_producer_start(&what, &none, NULL), RDT_E_NOTFOUND);
    what.n_pass = RDT_PRODUCER_ENV_MAX + 1;
    assert_int_equal(rdt_producer_start(&what, &none, NULL), RDT_E_LIMIT);
    assert_null(none);
}

static void
test_no_program(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum rdt_code want;
    } names[] = {
        {"no-such-program-here", RDT_E_NOTFOUND},
        {"/etc/passwd",          RDT_E_DENIED  },
        {"/no/such/folder/x",    RDT_E_NOTFOUND},
    };
    for (size_t i = 0; i < RDT_COUNT(names); i++) {
        const char *const argv[] = {names[i].name, NULL};
        struct rdt_producer *p = NULL;
        assert_int_equal(rdt_producer_start(&(struct rdt_produce){.argv = argv}, &p, NULL),
                         names[i].want);
        assert_null(p);
    }
}

/* Gone, or nobody has waited for it yet. */
static bool
is_gone(pid_t pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return true;
    int n = fscanf(file, "%*d %*s %c", &state);
    fclose(file);
    return n != 1 || state == 'Z';
}

/* Whether a process goes away, within a second. */
static bool
ends_soon(pid_t pid)
{
    for (int i = 0; i < 100 && !is_gone(pid); i++)
        usleep(10000);
    return is_gone(pid);
}

/* What it started goes with it. */
static void
test_killed(void **state)
{
    (void)state;
    RDT_BUF out = {0};
    struct rdt_producer *p = start("sleep 60 & echo $!; sleep 60");
    uint8_t bytes[64];
    size_t got = 0;
    assert_int_equal(rdt_producer_read(p, bytes, sizeof bytes, &got, NULL), RDT_OK);
    rdt_buf_add(&out, bytes, got);
    pid_t below = (pid_t)strtol(rdt_buf_cstr(&out), NULL, 10);
    assert_true(below > 1);
    assert_int_equal(kill(below, 0), 0);
    rdt_producer_close(p);
    assert_true(ends_soon(below));
}

/* The end of its output and its own end belong together. */
static void
test_patience(void **state)
{
    (void)state;
    static const char *const held[] = {"sh", "-c", "echo x; sleep 60 & exit 0", NULL};
    static const char *const lives[] = {"sh", "-c", "echo x; exec >&-; sleep 60", NULL};
    for (int i = 0; i < 2; i++) {
        RDT_AUTO(rdt_producer_close_at) struct rdt_producer *p = NULL;
        RDT_BUF out = {0};
        struct rdt_err err = {0};
        struct rdt_produce what = {.argv = i == 0 ? held : lives, .patience_ms = 300};
        assert_int_equal(rdt_producer_start(&what, &p, NULL), RDT_OK);
        assert_int_equal(take(p, &out, &err), i == 0 ? RDT_E_IO : RDT_OK);
        assert_string_equal(rdt_buf_cstr(&out), "x\n");
        if (i == 1)
            assert_int_equal(rdt_producer_wait(p, &err), RDT_E_IO);
        assert_non_null(strstr(err.text, i == 0 ? "held open" : "does not end"));
    }
}

static void
test_reads(void **state)
{
    (void)state;
    static const char *const fine[] = {"sh", "-c", "read x; test \"$x\" = hello", NULL};
    static const char *const odd[] = {"sh", "-c", "cat >/dev/null; exit 5", NULL};
    for (int i = 0; i < 2; i++) {
        RDT_AUTO(rdt_producer_close_at) struct rdt_producer *p = NULL;
        struct rdt_produce what = {.argv = i == 0 ? fine : odd, .to = true};
        assert_int_equal(rdt_producer_start(&what, &p, NULL), RDT_OK);
        assert_int_equal(write(rdt_producer_fd(p), "hello\n", 6), 6);
        assert_int_equal(rdt_producer_wait(p, NULL), i == 0 ? RDT_OK : RDT_E_IO);
        assert_int_equal(rdt_producer_status(p), i == 0 ? 0 : 5);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),       cmocka_unit_test(test_pass),
        cmocka_unit_test(test_no_program), cmocka_unit_test(test_killed),
        cmocka_unit_test(test_reads),      cmocka_unit_test(test_patience),
    };
    return cmocka_run_group_tests_name("work/produce", tests, NULL, NULL);
}
