#include "base/file.h"

#include "../test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/redoubt-file-XXXXXX";

static const char *
in_folder(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % RDT_COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void
assert_holds(const char *path, const char *want)
{
    RDT_BUF got = {0};
    assert_int_equal(rdt_file_read(path, 100, &got, NULL), RDT_OK);
    assert_true(rdt_span_is(rdt_buf_span(&got), want));
}

static void
replaces_a_file(void **state)
{
    const char *path = in_folder("plain");
    struct stat st;
    (void)state;
    assert_int_equal(rdt_file_write(path, 0600, rdt_span_str("one"), NULL), RDT_OK);
    assert_int_equal(rdt_file_write(path, 0600, rdt_span_str("two"), NULL), RDT_OK);
    assert_holds(path, "two");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

/* As root, a file renamed onto /dev/null would take it from the whole machine. */
static void
writes_into_what_is_no_file(void **state)
{
    const char *pipe = in_folder("pipe"), *link = in_folder("link"), *behind = in_folder("behind");
    struct stat st;
    char got[8] = "";
    (void)state;
    assert_int_equal(mkfifo(pipe, 0600), 0);
    RDT_FD reader = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_int_equal(rdt_file_write(pipe, 0600, rdt_span_str("words"), NULL), RDT_OK);
    assert_int_equal(read(reader, got, sizeof got), 5);
    assert_string_equal(got, "words");
    assert_true(lstat(pipe, &st) == 0 && S_ISFIFO(st.st_mode));

    assert_int_equal(symlink("behind", link), 0);
    assert_int_equal(rdt_file_write(link, 0600, rdt_span_str("x"), NULL), RDT_E_IO);
    assert_int_equal(rdt_file_write(behind, 0600, rdt_span_str("longer"), NULL), RDT_OK);
    assert_int_equal(rdt_file_write(link, 0600, rdt_span_str("short"), NULL), RDT_OK);
    assert_holds(behind, "short");
    assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
}

static void
refuses(void **state)
{
    RDT_BUF got = {0};
    struct rdt_err err = {0};
    (void)state;
    assert_int_equal(rdt_file_write(folder, 0600, rdt_span_str("x"), &err), RDT_E_IO);
    /* not RDT_E_NOTFOUND: no input is wrong, so the exit status is 4 */
    assert_int_equal(rdt_file_write(in_folder("no/such"), 0600, rdt_span_str("x"), &err), RDT_E_IO);
    assert_int_equal(rdt_file_read(folder, 10, &got, &err), RDT_E_BADINPUT);
    assert_int_equal(rdt_file_read(in_folder("none"), 10, &got, &err), RDT_E_NOTFOUND);
    assert_int_equal(rdt_file_read("/dev/zero", 10, &got, &err), RDT_E_BADINPUT);
    assert_int_equal(rdt_file_write(in_folder("long"), 0600, rdt_span_str("12345"), NULL), RDT_OK);
    assert_int_equal(rdt_file_read(in_folder("long"), 4, &got, &err), RDT_E_LIMIT);
}

static int
make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
drop_folder(void **state)
{
    static const char *const names[] = {"plain", "pipe", "link", "behind", "long"};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(names); i++)
        unlink(in_folder(names[i]));
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_a_file),
        cmocka_unit_test(writes_into_what_is_no_file),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
