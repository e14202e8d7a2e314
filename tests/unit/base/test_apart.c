#include "base/apart.h"

#include "../test.h"
#include "base/clock.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define QUICK_MS 300
#define LATE_MS 3000 /* on a busy machine */
#define MANY 12

static const char context[] = "context";

static void
answer_as_asked(const void *given, struct rdt_span request, struct rdt_buf *answer)
{
    if (rdt_span_is(request, "echo"))
        rdt_buf_fmt(answer, "echo in %s", (const char *)given);
    for (volatile bool on = rdt_span_is(request, "spin"); on;)
        continue;
    if (rdt_span_is(request, "sleep"))
        sleep(60);
    if (rdt_span_is(request, "crash"))
        abort();
    if (rdt_span_is(request, "leave"))
        _exit(0);
    if (rdt_span_is(request, "much"))
        for (size_t i = 0; i < 100000; i++)
            rdt_buf_str(answer, "0123456789");
    if (rdt_span_is(request, "hoard")) {
        void *p = malloc(2 * RDT_APART_MEMORY_MAX);
        rdt_buf_str(answer, p == NULL ? "none left" : "enough");
        free(p);
    }
}

static struct rdt_apart *apart;

static int
open_apart(void **state)
{
    (void)state;
    return rdt_apart_open(answer_as_asked, context, &apart, NULL) == RDT_OK ? 0 : -1;
}

static int
close_apart(void **state)
{
    (void)state;
    rdt_apart_close(apart);
    rdt_apart_close(NULL);
    return 0;
}

static enum rdt_code
ask(const char *what, int64_t ms, size_t max, struct rdt_buf *answer, struct rdt_err *err)
{
    return rdt_apart_ask(apart, rdt_span_str(what), rdt_monotonic_ms() + ms, max, answer, err);
}

static void
answers(void **state)
{
    RDT_BUF got = {0};
    (void)state;
    assert_int_equal(ask("echo", LATE_MS, 100, &got, NULL), RDT_OK);
    assert_string_equal(rdt_buf_cstr(&got), "echo in context");
    got.n = 0;
    assert_int_equal(ask("nothing", LATE_MS, 100, &got, NULL), RDT_OK);
    assert_int_equal(got.n, 0);
    assert_int_equal(ask("much", LATE_MS, 1000000, &got, NULL), RDT_OK);
    assert_int_equal(got.n, 1000000);
}

static void
ends_what_does_not_end(void **state)
{
    static const char *const endless[] = {"spin", "sleep"};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(endless); i++) {
        RDT_BUF got = {0};
        struct rdt_err err = {0};
        int64_t begin = rdt_monotonic_ms();
        assert_int_equal(ask(endless[i], QUICK_MS, 100, &got, &err), RDT_E_TIMEOUT);
        assert_string_equal(err.text, "no answer in time");
        assert_in_range(rdt_monotonic_ms() - begin, QUICK_MS - 1, LATE_MS);
    }
}

static void
survives_what_dies(void **state)
{
    static const char *const deadly[] = {"crash", "leave"};
    RDT_BUF got = {0};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(deadly); i++)
        assert_int_equal(ask(deadly[i], LATE_MS, 100, &got, NULL), RDT_E_IO);
    got.n = 0;
    assert_int_equal(ask("echo", LATE_MS, 100, &got, NULL), RDT_OK);
}

static void
keeps_limits(void **state)
{
    RDT_BUF got = {0}, memory = {0};
    static uint8_t large[RDT_APART_REQUEST_MAX + 1];
    (void)state;
    assert_int_equal(ask("much", LATE_MS, 999999, &got, NULL), RDT_E_LIMIT);
    assert_int_equal(ask("echo", 0, 100, &got, NULL), RDT_E_TIMEOUT);
    assert_int_equal(
        rdt_apart_ask(apart, (struct rdt_span){large, sizeof large}, INT64_MAX, 1, &got, NULL),
        RDT_E_LIMIT);
    assert_int_equal(ask("hoard", LATE_MS, 100, &memory, NULL), RDT_OK);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
    assert_string_equal(rdt_buf_cstr(&memory), "none left");
#endif
}

static void *
ask_in_thread(void *result)
{
    RDT_BUF got = {0};
    enum rdt_code rc = ask("echo", LATE_MS, 100, &got, NULL);
    *(bool *)result = rc == RDT_OK && strcmp(rdt_buf_cstr(&got), "echo in context") == 0;
    return NULL;
}

static size_t
open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static void
answers_many_at_once(void **state)
{
    pthread_t threads[MANY];
    bool good[MANY] = {false};
    size_t before = open_descriptors();
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, &good[i]), 0);
    for (size_t i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < MANY; i++)
        assert_true(good[i]);
    assert_int_equal(open_descriptors(), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(ends_what_does_not_end),
        cmocka_unit_test(survives_what_dies),
        cmocka_unit_test(keeps_limits),
        cmocka_unit_test(answers_many_at_once),
    };
    return cmocka_run_group_tests(tests, open_apart, close_apart);
}
