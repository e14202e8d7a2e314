#include "work/sink.h"

#include "base/buf.h"
#include "base/file.h"

#include "../test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/rdt-sink-XXXXXX";
static char out[64], partial[80];

static bool
is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void
has(const char *path, const char *text)
{
    RDT_BUF bytes = {0};
    assert_int_equal(rdt_file_read(path, 100000, &bytes, NULL), RDT_OK);
    assert_true(rdt_span_is(rdt_buf_span(&bytes), text));
}

static struct rdt_sink *
opened(struct rdt_sink_opts opts)
{
    struct rdt_sink *sink = NULL;
    struct rdt_err err = {0};
    opts.path = out;
    if (rdt_sink_open(&opts, &sink, &err) != RDT_OK)
        fail_msg("%s", err.text);
    return sink;
}

static void
test_whole(void **state)
{
    (void)state;
    struct stat st;
    struct rdt_sink *sink = opened((struct rdt_sink_opts){0}), *other = NULL;
    assert_true(rdt_sink_is_file(sink));
    assert_int_equal(rdt_sink_write(sink, rdt_span_str("hello "), NULL), RDT_OK);
    assert_int_equal(rdt_sink_write(sink, rdt_span_str("world"), NULL), RDT_OK);
    assert_int_equal(rdt_sink_written(sink), 11);
    assert_false(is_there(out)); /* not before it is whole */
    assert_int_equal(stat(partial, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(rdt_sink_open(&(struct rdt_sink_opts){.path = out}, &other, NULL),
                     RDT_E_STATE);
    assert_int_equal(rdt_sink_finish(sink, NULL), RDT_OK);
    rdt_sink_close(sink);
    assert_false(is_there(partial));
    has(out, "hello world");
    assert_int_equal(stat(out, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* What is there stays, until something whole takes its place. */
static void
test_there(void **state)
{
    (void)state;
    struct rdt_sink *sink = NULL;
    assert_int_equal(rdt_file_write(out, 0644, rdt_span_str("old"), NULL), RDT_OK);
    assert_int_equal(rdt_sink_open(&(struct rdt_sink_opts){.path = out}, &sink, NULL), RDT_E_STATE);
    assert_false(is_there(partial));
    sink = opened((struct rdt_sink_opts){.force = true});
    assert_int_equal(rdt_sink_write(sink, rdt_span_str("new"), NULL), RDT_OK);
    rdt_sink_close(sink); /* not finished */
    assert_false(is_there(partial));
    has(out, "old");
    sink = opened((struct rdt_sink_opts){.force = true});
    assert_int_equal(rdt_sink_write(sink, rdt_span_str("new"), NULL), RDT_OK);
    assert_int_equal(rdt_sink_finish(sink, NULL), RDT_OK);
    rdt_sink_close(sink);
    has(out, "new");
    unlink(out);
    sink = opened((struct rdt_sink_opts){0}); /* somebody comes between */
    assert_int_equal(rdt_file_write(out, 0644, rdt_span_str("theirs"), NULL), RDT_OK);
    assert_int_equal(rdt_sink_finish(sink, NULL), RDT_E_STATE);
    rdt_sink_close(sink);
    assert_false(is_there(partial));
    has(out, "theirs");
}

static void
test_partial(void **state)
{
    (void)state;
    struct rdt_sink *sink = opened((struct rdt_sink_opts){.keep_partial = true});
    assert_int_equal(rdt_sink_write(sink, rdt_span_str("some"), NULL), RDT_OK);
    rdt_sink_close(sink);
    has(partial, "some");
    assert_false(is_there(out));
    sink = opened((struct rdt_sink_opts){0}); /* stale: begun anew */
    assert_int_equal(rdt_sink_write(sink, rdt_span_str("x"), NULL), RDT_OK);
    assert_int_equal(rdt_sink_finish(sink, NULL), RDT_OK);
    rdt_sink_close(sink);
    has(out, "x");
    unlink(out);
    assert_int_equal(symlink("elsewhere", partial), 0); /* not where a link leads */
    sink = NULL;
    assert_int_not_equal(rdt_sink_open(&(struct rdt_sink_opts){.path = out}, &sink, NULL), RDT_OK);
    assert_null(sink);
    assert_true(is_there(partial));
    unlink(partial);
    assert_int_equal(mkdir(partial, 0700), 0);
    assert_int_not_equal(rdt_sink_open(&(struct rdt_sink_opts){.path = out}, &sink, NULL), RDT_OK);
    assert_true(is_there(partial));
    rmdir(partial);
}

/* A limit on the size of files stands for a full disk. */
static void
test_full(void **state)
{
    (void)state;
    static uint8_t bytes[8192];
    struct rlimit was, small;
    struct rdt_err err = {0};
    struct rdt_sink *sink = opened((struct rdt_sink_opts){0});
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small = (struct rlimit){10000, was.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    enum rdt_code first = rdt_sink_write(sink, (struct rdt_span){bytes, sizeof bytes}, &err);
    enum rdt_code second = rdt_sink_write(sink, (struct rdt_span){bytes, sizeof bytes}, &err);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(first, RDT_OK);
    assert_int_equal(second, RDT_E_FULL);
    assert_non_null(strstr(err.text, out));
    rdt_sink_close(sink);
    assert_false(is_there(out));
    assert_false(is_there(partial));
    sink = NULL;
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(rdt_sink_open(&(struct rdt_sink_opts){.path = "/dev/full"}, &sink, NULL),
                         RDT_OK);
        assert_false(rdt_sink_is_file(sink));
        assert_int_equal(rdt_sink_write(sink, rdt_span_str("x"), NULL), RDT_E_FULL);
        rdt_sink_close(sink);
    }
}

static void
test_refused(void **state)
{
    (void)state;
    struct rdt_sink *sink = NULL;
    assert_int_equal(rdt_sink_open(&(struct rdt_sink_opts){.path = "/no/such/x"}, &sink, NULL),
                     RDT_E_NOTFOUND);
    assert_int_equal(rdt_sink_open(&(struct rdt_sink_opts){.path = folder}, &sink, NULL), RDT_E_IO);
    assert_null(sink);
    assert_int_equal(rdt_sync_folder("/no/such/x", NULL), RDT_E_IO);
    assert_int_equal(rdt_sync_folder("x", NULL), RDT_OK);
    assert_int_equal(rdt_sync_folder("/x", NULL), RDT_OK);
}

static int
begin(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(partial, sizeof partial, "%s.partial", out);
    return 0;
}

static int
clean(void **state)
{
    (void)state;
    unlink(out);
    unlink(partial);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_whole, clean),
        cmocka_unit_test_teardown(test_there, clean),
        cmocka_unit_test_teardown(test_partial, clean),
        cmocka_unit_test_teardown(test_full, clean),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("work/sink", tests, begin, end);
}
