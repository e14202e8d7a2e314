#include "probe/path.h"

#include "../test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    enum rdt_code want;
} cases[] = {
    {"in",             RDT_OK        },
    {"./in",           RDT_OK        },
    {"sub/../in",      RDT_OK        },
    {"link-in",        RDT_OK        },
    {"none",           RDT_E_NOTFOUND},
    {"../out",         RDT_E_BADINPUT},
    {"sub/../../out",  RDT_E_BADINPUT},
    {"link-out",       RDT_E_BADINPUT},
    {"../plan-too/in", RDT_E_BADINPUT}, /* a name that only begins like the folder's */
    {"/etc/passwd",    RDT_E_BADINPUT},
    {"",               RDT_E_NOTFOUND}, /* the folder itself is not under the folder */
};

static void
touch(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void
stays_inside(void **state)
{
    char top[] = "/tmp/test_path.XXXXXX", out[RDT_PROBE_PATH_MAX];
    (void)state;
    assert_non_null(mkdtemp(top));
    assert_int_equal(chdir(top), 0);
    assert_int_equal(mkdir("plan", 0700) | mkdir("plan-too", 0700) | mkdir("plan/sub", 0700), 0);
    touch("out");
    touch("plan/in");
    touch("plan-too/in");
    assert_int_equal(symlink("in", "plan/link-in") | symlink("../out", "plan/link-out"), 0);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        enum rdt_code rc = rdt_probe_path("plan", cases[i].name, out, NULL);
        if (rc != cases[i].want)
            fail_msg("'%s': got %d", cases[i].name, rc);
        if (rc == RDT_OK)
            assert_string_equal(out + strlen(top), "/plan/in");
    }
    assert_int_equal(chdir("plan"), 0);
    assert_int_equal(rdt_probe_path("", "in", out, NULL), RDT_OK);
    assert_int_equal(rdt_probe_path("", "../out", out, NULL), RDT_E_BADINPUT);
    assert_int_equal(chdir(".."), 0);
    unlink("plan/link-in");
    unlink("plan/link-out");
    unlink("plan/in");
    unlink("plan-too/in");
    unlink("out");
    rmdir("plan/sub");
    rmdir("plan");
    rmdir("plan-too");
    rmdir(top);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
