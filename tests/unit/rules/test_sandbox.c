#include "rules/sandbox_internal.h"

#include "../test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void
say(void *context, int fd)
{
    (void)!write(fd, context, strlen(context));
}

static void
say_much(void *context, int fd)
{
    char bytes[4096];
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < *(size_t *)context; i += sizeof bytes)
        (void)!write(fd, bytes, sizeof bytes);
}

static void
spin(void *context, int fd)
{
    (void)context, (void)fd;
    for (volatile unsigned long i = 0;; i++)
        continue;
}

static void
open_file(void *context, int fd)
{
    (void)context, (void)fd;
    (void)!open("/etc/passwd", O_RDONLY);
}

static void
open_socket(void *context, int fd)
{
    (void)context, (void)fd;
    (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void
start_process(void *context, int fd)
{
    (void)context, (void)fd;
    (void)fork();
}

static void
kill_parent(void *context, int fd)
{
    (void)context, (void)fd;
    kill(getppid(), SIGKILL);
}

static void
write_elsewhere(void *context, int fd)
{
    (void)context, (void)fd;
    (void)!write(1, "x", 1);
}

static void
map_code(void *context, int fd)
{
    (void)context, (void)fd;
    mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
crash(void *context, int fd)
{
    (void)context, (void)fd;
    __builtin_trap();
}

/* Exits with 0 and says how much it got, so that the limit is seen and not only felt. */
static void
take_memory(void *context, int fd)
{
    size_t got = 0;
    void *volatile block; /* or the compiler leaves the allocation out */
    (void)context;
    do
        block = malloc((size_t)1024 * 1024);
    while (block != NULL && ++got < 4096);
    (void)!write(fd, got < 1024 ? "few" : "all", 3);
}

static void
ask_clock(void *context, int fd)
{
    struct timespec now;
    (void)context;
    /* by the system call: the vdso needs none */
    (void)!write(fd, clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0 ? "yes" : "no", 2);
}

static const struct rdt_sandbox_limits limits = {
    .what = "pack.lua", .memory_bytes = (size_t)64 << 20, .cpu_s = 1, .output_bytes = 65536};

static enum rdt_code
run(void (*work)(void *, int), void *context, struct rdt_buf *out, struct rdt_err *err)
{
    struct rdt_sandbox box = {0};
    enum rdt_code rc = rdt_sandbox_start(&box, &limits, work, context, err);
    if (rc == RDT_OK)
        rc = rdt_sandbox_collect(&box, out, err);
    assert_int_equal(box.pid, 0);
    return rc;
}

static void
answers_arrive(void **state)
{
    RDT_BUF out = {0};
    (void)state;
    assert_int_equal(run(say, (void *)"hello", &out, NULL), RDT_OK);
    assert_true(rdt_span_is(rdt_buf_span(&out), "hello"));
}

static void
what_is_forbidden_ends_it(void **state)
{
    static const struct {
        const char *name;
        void (*work)(void *, int);
        const char *says;
    } cases[] = {
        {"a file",             open_file,       "system call"   },
        {"a socket",           open_socket,     "system call"   },
        {"a process",          start_process,   "system call"   },
        {"a signal",           kill_parent,     "system call"   },
        {"another descriptor", write_elsewhere, "system call"   },
        {"code pages",         map_code,        "system call"   },
        {"an endless loop",    spin,            "processor time"},
        {"a crash",            crash,           ""              },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        struct rdt_err err = {0};
        enum rdt_code rc = run(cases[i].work, NULL, &out, &err);
        if (rc != RDT_E_SANDBOX || strstr(err.text, cases[i].says) == NULL ||
            strstr(err.text, "pack.lua") == NULL)
            fail_msg("%s: %d, %s", cases[i].name, rc, err.text);
        assert_int_equal(out.n, 0);
    }
}

static void
output_is_bounded(void **state)
{
    RDT_BUF fits = {0}, over = {0};
    struct rdt_err err = {0};
    size_t n = 65536;
    (void)state;
    assert_int_equal(run(say_much, &n, &fits, &err), RDT_OK);
    assert_int_equal(fits.n, 65536);
    n = 65537;
    assert_int_equal(run(say_much, &n, &over, &err), RDT_E_SANDBOX);
    assert_non_null(strstr(err.text, "larger than 65536"));
}

static void
memory_is_bounded(void **state)
{
    RDT_BUF out = {0};
    (void)state;
    if (RDT_SANITIZED)
        return; /* the sanitizer needs the address space itself: there is no limit to see */
    assert_int_equal(run(take_memory, NULL, &out, NULL), RDT_OK);
    assert_true(rdt_span_is(rdt_buf_span(&out), "few"));
}

static void
there_is_no_clock(void **state)
{
    RDT_BUF out = {0};
    (void)state;
    assert_int_equal(run(ask_clock, NULL, &out, NULL), RDT_OK);
    assert_true(rdt_span_is(rdt_buf_span(&out), "no"));
}

static void
ending_twice_is_fine(void **state)
{
    struct rdt_sandbox box = {0};
    (void)state;
    rdt_sandbox_end(&box);
    assert_int_equal(rdt_sandbox_start(&box, &limits, spin, NULL, NULL), RDT_OK);
    rdt_sandbox_end(&box);
    rdt_sandbox_end(&box);
    assert_int_equal(box.pid, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_arrive),    cmocka_unit_test(what_is_forbidden_ends_it),
        cmocka_unit_test(output_is_bounded), cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(there_is_no_clock), cmocka_unit_test(ending_twice_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
