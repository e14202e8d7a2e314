#include "probe/credential.h"

#include "base/secret_file.h"

#include "../test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static char *
in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void
make(const char *name, mode_t mode, const void *bytes, size_t n)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int
set_up(void **state)
{
    static char big[RDT_SECRET_FILE_MAX + 2];
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/redoubt-credential-XXXXXX");
    if (mkdtemp(folder) == NULL || mkdir(in_folder("plan"), 0700) != 0 ||
        mkdir(in_folder("plan/sub"), 0700) != 0)
        return -1;
    memset(big, 'x', sizeof big);
    make("outside", 0600, "hunter2", 7);
    make("plan/pw", 0600, "hunter2\n", 8);
    make("plan/sub/pw", 0400, "hunter2", 7);
    make("plan/crlf", 0600, "hunter2\r\n", 9);
    make("plan/two", 0600, "hunter2\n\n", 9);
    make("plan/wide", 0640, "hunter2", 7);
    make("plan/world", 0604, "hunter2", 7);
    make("plan/empty", 0600, "\n", 1);
    make("plan/nul", 0600, "a\0b", 3);
    make("plan/full", 0600, big, RDT_SECRET_FILE_MAX);
    make("plan/over", 0600, big, RDT_SECRET_FILE_MAX + 1);
    return symlink("../outside", in_folder("plan/escape")) != 0 ||
           symlink("sub/pw", in_folder("plan/inner")) != 0 ||
           symlink("loop", in_folder("plan/loop")) != 0 ||
           symlink("..", in_folder("plan/up")) != 0 || mkfifo(in_folder("plan/fifo"), 0600) != 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int
tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
fetches(void **state)
{
    static const struct {
        const char *ref, *want;
    } cases[] = {
        {"file:pw",             "hunter2"  },
        {"file:sub/pw",         "hunter2"  },
        {"file:crlf",           "hunter2"  },
        {"file:two",            "hunter2\n"},
        {"file:inner",          "hunter2"  },
        {"file:./sub/../pw",    "hunter2"  },
        {"env:TEST_CREDENTIAL", "hunter2"  },
    };
    char plan[96];
    (void)state;
    snprintf(plan, sizeof plan, "%s/plan", folder);
    setenv("TEST_CREDENTIAL", "hunter2", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_SECRET got = {0};
        struct rdt_err err = {0};
        if (rdt_ref_secret(cases[i].ref, plan, &got, &err) != RDT_OK)
            fail_msg("%s: %s", cases[i].ref, err.text);
        assert_true(rdt_span_is(rdt_secret_view(&got), cases[i].want));
    }
    RDT_SECRET got = {0};
    assert_int_equal(rdt_ref_secret("file:full", plan, &got, NULL), RDT_OK);
    assert_int_equal(got.n, RDT_SECRET_FILE_MAX);
}

static void
refuses(void **state)
{
    static const struct {
        const char *ref;
        enum rdt_code want;
        const char *words;
    } cases[] = {
        {"hunter2",          RDT_E_BADINPUT, "env:NAME or file:PATH"   },
        {"",                 RDT_E_BADINPUT, "env:NAME or file:PATH"   },
        {"File:pw",          RDT_E_BADINPUT, "env:NAME or file:PATH"   },
        {"env:",             RDT_E_BADINPUT, "name of a variable"      },
        {"env:hunter2 x",    RDT_E_BADINPUT, "name of a variable"      },
        {"env:TEST_UNSET",   RDT_E_NOTFOUND, "not set"                 },
        {"env:TEST_EMPTY",   RDT_E_NOTFOUND, "not set"                 },
        {"file:",            RDT_E_NOTFOUND, "No such file"            },
        {"file:none",        RDT_E_NOTFOUND, "No such file"            },
        {"file:wide",        RDT_E_DENIED,   "mode 0640"               },
        {"file:world",       RDT_E_DENIED,   "mode 0604"               },
        {"file:../outside",  RDT_E_BADINPUT, "leaves the plan's folder"},
        {"file:escape",      RDT_E_BADINPUT, "leaves the plan's folder"},
        {"file:up/outside",  RDT_E_BADINPUT, "leaves the plan's folder"},
        {"file:/etc/passwd", RDT_E_BADINPUT, "leaves the plan's folder"},
        {"file:loop",        RDT_E_IO,       "symbolic links"          },
        {"file:sub",         RDT_E_BADINPUT, "is a directory"          },
        {"file:fifo",        RDT_E_BADINPUT, "not a regular file"      },
        {"file:empty",       RDT_E_BADINPUT, "is empty"                },
        {"file:nul",         RDT_E_BADINPUT, "NUL"                     },
        {"file:over",        RDT_E_LIMIT,    "longer than"             },
    };
    char plan[96];
    (void)state;
    snprintf(plan, sizeof plan, "%s/plan", folder);
    unsetenv("TEST_UNSET");
    setenv("TEST_EMPTY", "", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_SECRET got = {0};
        struct rdt_err err = {0};
        enum rdt_code rc = rdt_ref_secret(cases[i].ref, plan, &got, &err);
        if (rc != cases[i].want || strstr(err.text, cases[i].words) == NULL)
            fail_msg("%s: %d %s", cases[i].ref, rc, err.text);
        assert_null(got.p);
        assert_null(strstr(err.text, "hunter2"));
        assert_null(strstr(err.hint, "hunter2"));
    }
}

/* The neighbour whose name begins like the folder's is not in it. */
static void
tells_folders_apart(void **state)
{
    char path[128];
    RDT_SECRET got = {0};
    (void)state;
    snprintf(path, sizeof path, "%s/plan-b", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    make("plan-b/pw", 0600, "hunter2", 7);
    snprintf(path, sizeof path, "%s/plan", folder);
    assert_int_equal(rdt_ref_secret("file:../plan-b/pw", path, &got, NULL), RDT_E_BADINPUT);
    snprintf(path, sizeof path, "%s/none", folder);
    assert_int_equal(rdt_ref_secret("file:pw", path, &got, NULL), RDT_E_NOTFOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetches),
        cmocka_unit_test(refuses),
        cmocka_unit_test(tells_folders_apart),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
