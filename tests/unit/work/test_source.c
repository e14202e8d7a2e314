#include "work/source.h"

#include "base/file.h"

#include "../test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/rdt-source-XXXXXX";

static const char *
path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void
test_file(void **state)
{
    (void)state;
    RDT_AUTO(rdt_source_close_at) struct rdt_source *source = NULL;
    uint8_t bytes[16] = {0};
    size_t got = 0;
    assert_int_equal(rdt_file_write(path_of("a"), 0600, rdt_span_str("0123456789"), NULL), RDT_OK);
    assert_int_equal(rdt_source_open(path_of("a"), &source, NULL), RDT_OK);
    assert_int_equal(rdt_source_size(source), 10);
    assert_string_equal(rdt_source_name(source), path_of("a"));
    assert_int_equal(rdt_source_fill(source, bytes, 4, &got, NULL), RDT_OK);
    assert_int_equal(got, 4);
    assert_memory_equal(bytes, "0123", 4);
    assert_int_equal(rdt_source_at(source, 8, bytes, 16, &got, NULL), RDT_OK);
    assert_int_equal(got, 2);
    assert_memory_equal(bytes, "89", 2);
    assert_int_equal(rdt_source_fill(source, bytes, 16, &got, NULL), RDT_OK);
    assert_int_equal(got, 6);
    assert_memory_equal(bytes, "456789", 6);
    assert_int_equal(rdt_source_fill(source, bytes, 16, &got, NULL), RDT_OK);
    assert_int_equal(got, 0);
}

static void
test_refused(void **state)
{
    (void)state;
    struct rdt_source *source = NULL;
    assert_int_equal(rdt_source_open(path_of("none"), &source, NULL), RDT_E_NOTFOUND);
    assert_int_equal(rdt_source_open(folder, &source, NULL), RDT_E_BADINPUT);
    assert_null(source);
}

static void *
stop_soon(void *arg)
{
    usleep(50000);
    rdt_source_stop(arg);
    return NULL;
}

/* A pipe that nobody writes to does not hold a reader that has to stop. */
static void
test_pipe(void **state)
{
    (void)state;
    struct rdt_source *source = NULL;
    pthread_t thread;
    uint8_t bytes[16];
    size_t got = 0;
    int ends[2], was = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(rdt_source_open("-", &source, NULL), RDT_OK);
    assert_int_equal(rdt_source_size(source), -1);
    assert_int_equal(rdt_source_at(source, 0, bytes, 1, &got, NULL), RDT_E_STATE);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    assert_int_equal(rdt_source_fill(source, bytes, 3, &got, NULL), RDT_OK);
    assert_memory_equal(bytes, "abc", 3);
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, source), 0);
    assert_int_equal(rdt_source_fill(source, bytes, 3, &got, NULL), RDT_E_STATE);
    pthread_join(thread, NULL);
    rdt_source_close(source);
    close(ends[1]);
    dup2(was, STDIN_FILENO);
    close(was);
}

static void
test_program(void **state)
{
    (void)state;
    static const char *const argv[] = {"sh", "-c", "printf ab; sleep 0.05; printf cd", NULL};
    RDT_AUTO(rdt_producer_close_at) struct rdt_producer *producer = NULL;
    RDT_AUTO(rdt_source_close_at) struct rdt_source *source = NULL;
    uint8_t bytes[16];
    size_t got = 0;
    assert_int_equal(rdt_producer_start(&(struct rdt_produce){.argv = argv}, &producer, NULL),
                     RDT_OK);
    assert_int_equal(rdt_source_of(producer, &source, NULL), RDT_OK);
    assert_int_equal(rdt_source_fill(source, bytes, sizeof bytes, &got, NULL), RDT_OK);
    assert_int_equal(got, 4);
    assert_memory_equal(bytes, "abcd", 4);
    assert_int_equal(rdt_producer_wait(producer, NULL), RDT_OK);
}

static int
begin(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int
end(void **state)
{
    (void)state;
    unlink(path_of("a"));
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_program),
    };
    return cmocka_run_group_tests_name("work/source", tests, begin, end);
}
