#include "base/apart.h"

#include "../test.h"
#include "base/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define QUICK_MS 300
#define LATE_MS 3000 /* on a busy machine */
#define MANY 12

static const char context[] = "context";

static size_t
open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;
    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

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
    if (request.n > 1 && request.p[0] == '!') /* back to front, so that it is not the request */
        for (size_t i = request.n; i > 1; i--)
            rdt_buf_add(answer, request.p + i - 1, 1);
    if (rdt_span_is(request, "descriptors"))
        rdt_buf_fmt(answer, "%zu", open_descriptors());
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

/* "!" and digits that stand nowhere else in our memory. */
static void
make_number(struct rdt_secret *secret, size_t n)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    assert_int_equal(rdt_secret_new(secret, n, NULL), RDT_OK);
    assert_true(fd >= 0 && read(fd, secret->p, n) == (ssize_t)n);
    close(fd);
    for (size_t i = 0; i < n; i++)
        secret->p[i] = (uint8_t)(i == 0 ? '!' : 'a' + secret->p[i] % 16);
}

static enum rdt_code
ask_secret(const struct rdt_secret *request, size_t room, struct rdt_secret *answer)
{
    assert_int_equal(rdt_secret_new(answer, room, NULL), RDT_OK);
    return rdt_apart_ask_secret(apart, request, rdt_monotonic_ms() + LATE_MS, answer, NULL);
}

static void
answers_in_secret(void **state)
{
    static const struct {
        size_t n, room;
        enum rdt_code want;
    } cases[] = {
        {2,                         1,                         RDT_OK     },
        {33,                        32,                        RDT_OK     },
        {33,                        4096,                      RDT_OK     },
        {33,                        31,                        RDT_E_LIMIT},
        {33,                        1,                         RDT_E_LIMIT},
        {RDT_APART_REQUEST_MAX,     RDT_APART_REQUEST_MAX - 1, RDT_OK     },
        {RDT_APART_REQUEST_MAX,     RDT_APART_REQUEST_MAX - 2, RDT_E_LIMIT},
        {RDT_APART_REQUEST_MAX + 1, RDT_APART_REQUEST_MAX,     RDT_E_LIMIT},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_SECRET request = {0}, got = {0};
        make_number(&request, cases[i].n);
        assert_int_equal(ask_secret(&request, cases[i].room, &got), cases[i].want);
        if (cases[i].want == RDT_OK)
            assert_int_equal(got.n, cases[i].n - 1);
        for (size_t at = 0; at < got.n; at++)
            assert_int_equal(got.p[at],
                             cases[i].want == RDT_OK ? request.p[request.n - 1 - at] : 0);
    }
}

static void
secrets_of_what_dies(void **state)
{
    static const char *const deadly[] = {"crash", "leave"};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(deadly); i++) {
        RDT_SECRET request = {0}, got = {0};
        assert_int_equal(rdt_secret_copy(&request, rdt_span_str(deadly[i]), NULL), RDT_OK);
        assert_int_equal(ask_secret(&request, 10, &got), RDT_E_IO);
    }
}

/* The keeper is our only child. */
static int
open_keeper(const char *what)
{
    char path[64];
    int keeper = 0;
    FILE *children = fopen("/proc/thread-self/children", "re");
    assert_non_null(children);
    assert_int_equal(fscanf(children, "%d", &keeper), 1);
    fclose(children);
    snprintf(path, sizeof path, "/proc/%d/%s", keeper, what);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool
keeper_holds(const struct rdt_secret *secret)
{
    unsigned long from, to;
    bool found = false;
    char line[512];
    FILE *maps = fdopen(open_keeper("maps"), "r");
    int memory = open_keeper("mem");
    assert_true(maps != NULL && memory >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        /* what can be read and is no mapping of the sanitizer's terabytes */
        if (sscanf(line, "%lx-%lx r", &from, &to) != 2 || to - from > 64UL << 20)
            continue;
        uint8_t *copy = malloc(to - from);
        assert_non_null(copy);
        ssize_t n = pread(memory, copy, to - from, (off_t)from);
        found = found || (n > 0 && memmem(copy, (size_t)n, secret->p + 1, secret->n - 1) != NULL);
        free(copy);
    }
    fclose(maps);
    close(memory);
    return found;
}

static void
the_keeper_forgets(void **state)
{
    RDT_SECRET request = {0}, got = {0};
    (void)state;
    make_number(&request, 40);
    assert_int_equal(ask_secret(&request, 64, &got), RDT_OK);
    /* it may still be about to: the child does not wait for it */
    for (int64_t end = rdt_monotonic_ms() + LATE_MS; rdt_monotonic_ms() < end;)
        if (!keeper_holds(&request))
            break;
    assert_false(keeper_holds(&request));
    assert_false(keeper_holds(&got));
    /* the search finds what is there */
    for (size_t i = 0; i < RDT_COUNT(context); i++)
        request.p[i + 1] = (uint8_t)context[i];
    rdt_secret_cut(&request, RDT_COUNT(context));
    assert_true(keeper_holds(&request));
}

static void
nothing_of_ours_is_open_there(void **state)
{
    RDT_BUF mine = {0}, more = {0};
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
        fd_2 = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct rdt_apart *other = NULL;
    (void)state;
    assert_int_equal(ask("descriptors", LATE_MS, 10, &mine, NULL), RDT_OK);
    assert_int_equal(rdt_apart_open(answer_as_asked, context, &other, NULL), RDT_OK);
    assert_int_equal(rdt_apart_ask(other, rdt_span_str("descriptors"), rdt_monotonic_ms() + LATE_MS,
                                   10, &more, NULL),
                     RDT_OK);
    rdt_apart_close(other);
    close(fd);
    close(fd_2);
    assert_string_equal(rdt_buf_cstr(&mine), rdt_buf_cstr(&more));
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
        cmocka_unit_test(answers_in_secret),
        cmocka_unit_test(secrets_of_what_dies),
        cmocka_unit_test(the_keeper_forgets),
        cmocka_unit_test(nothing_of_ours_is_open_there),
    };
    return cmocka_run_group_tests(tests, open_apart, close_apart);
}
