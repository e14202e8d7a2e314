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
    static const char *const names[] = {"plain",        "pipe",
                                        "link",         "behind",
                                        "long",         "top/sub/in",
                                        "top/in-link",  "top/absolute-link",
                                        "top/out-link", "top/folder-link",
                                        "top/twin",     "top/device",
                                        "top/loop",     "top/fifo",
                                        "out",          "top-twin",
                                        "victim",       "report"};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(names); i++)
        unlink(in_folder(names[i]));
    rmdir(in_folder("top/sub"));
    rmdir(in_folder("top"));
    return rmdir(folder);
}

/* What lies in the folder and what does not, however it is called. */
static void
reads_below(void **state)
{
    static const struct {
        const char *name, *what;
        enum rdt_code want;
    } cases[] = {
        {"sub/in",          "a file",                           RDT_OK        },
        {"./sub//in",       "the same",                         RDT_OK        },
        {"sub/../sub/in",   "the same, by a way that stays",    RDT_OK        },
        {"in-link",         "a link that stays",                RDT_OK        },
        {"absolute-link",   "an absolute link that stays",      RDT_OK        },
        {"../out",          "upwards",                          RDT_E_BADINPUT},
        {"sub/../../out",   "upwards, later",                   RDT_E_BADINPUT},
        {"out-link",        "a link that leads out",            RDT_E_BADINPUT},
        {"folder-link/out", "a folder that leads out",          RDT_E_BADINPUT},
        {"twin",            "a neighbour whose name begins so", RDT_E_BADINPUT},
        {"/etc/passwd",     "an absolute name",                 RDT_E_BADINPUT},
        {"sub",             "a folder",                         RDT_E_BADINPUT},
        {"fifo",            "a FIFO, without waiting for it",   RDT_E_BADINPUT},
        {"device",          "a device",                         RDT_E_BADINPUT},
        {"none",            "nothing",                          RDT_E_NOTFOUND},
        {"loop",            "a link to itself",                 RDT_E_IO      },
    };
    char top[256], out[256], twin[256];
    (void)state;
    snprintf(top, sizeof top, "%s", in_folder("top"));
    snprintf(out, sizeof out, "%s", in_folder("out"));
    snprintf(twin, sizeof twin, "%s", in_folder("top-twin"));
    assert_int_equal(mkdir(top, 0700) | mkdir(in_folder("top/sub"), 0700), 0);
    assert_int_equal(rdt_file_write(in_folder("top/sub/in"), 0600, rdt_span_str("in"), NULL), 0);
    assert_int_equal(rdt_file_write(out, 0600, rdt_span_str("out"), NULL), RDT_OK);
    assert_int_equal(rdt_file_write(twin, 0600, rdt_span_str("out"), NULL), RDT_OK);
    assert_int_equal(
        symlink("sub/in", in_folder("top/in-link")) |
            symlink(in_folder("top/sub/in"), in_folder("top/absolute-link")) |
            symlink("../out", in_folder("top/out-link")) |
            symlink("..", in_folder("top/folder-link")) | symlink(twin, in_folder("top/twin")) |
            symlink("/dev/zero", in_folder("top/device")) | symlink("loop", in_folder("top/loop")) |
            mkfifo(in_folder("top/fifo"), 0600),
        0);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF got = {0};
        struct rdt_err err = {0};
        enum rdt_code rc = rdt_file_read_below(top, cases[i].name, 100, &got, &err);
        if (rc != cases[i].want || rdt_span_is(rdt_buf_span(&got), "in") != (rc == RDT_OK) ||
            rdt_file_is_below(top, cases[i].name) != (rc == RDT_OK))
            fail_msg("%s: %d, %s", cases[i].what, rc, err.text);
    }
}

/* Somebody who can write to the folder has laid out the name that we write to first. */
static void
does_not_write_into_what_was_laid_out(void **state)
{
    char beside[300];
    const char *victim = in_folder("victim"), *path = in_folder("report");
    (void)state;
    assert_int_equal(rdt_file_write(victim, 0600, rdt_span_str("mine"), NULL), RDT_OK);
    snprintf(beside, sizeof beside, "%s.%ld.partial", path, (long)getpid());
    assert_int_equal(link(victim, beside), 0);
    assert_int_equal(rdt_file_write(path, 0600, rdt_span_str("report"), NULL), RDT_OK);
    assert_holds(victim, "mine");
    assert_holds(path, "report");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_below),     cmocka_unit_test(does_not_write_into_what_was_laid_out),
        cmocka_unit_test(replaces_a_file), cmocka_unit_test(writes_into_what_is_no_file),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
