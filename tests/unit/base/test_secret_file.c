#include "base/secret_file.h"

#include "../test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];

static int
set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/redoubt-secret-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/secret", folder);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void
put(const char *bytes, size_t n, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void
what_a_file_holds(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        mode_t mode;
        enum rdt_code want;
        const char *secret;
    } cases[] = {
        {"word",     4, 0600, RDT_OK,         "word"  },
        {"word",     4, 0400, RDT_OK,         "word"  },
        {"word\n",   5, 0600, RDT_OK,         "word"  },
        {"word\r\n", 6, 0600, RDT_OK,         "word"  },
        {"word\n\n", 6, 0600, RDT_OK,         "word\n"},
        {" word ",   6, 0600, RDT_OK,         " word "},
        {"",         0, 0600, RDT_E_BADINPUT, NULL    },
        {"\n",       1, 0600, RDT_E_BADINPUT, NULL    },
        {"wo\0rd",   5, 0600, RDT_E_BADINPUT, NULL    },
        {"word",     4, 0640, RDT_E_DENIED,   NULL    },
        {"word",     4, 0604, RDT_E_DENIED,   NULL    },
        {"word",     4, 0602, RDT_E_DENIED,   NULL    },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_SECRET got = {0};
        struct rdt_err err = {0};
        put(cases[i].bytes, cases[i].n, cases[i].mode);
        assert_int_equal(rdt_secret_read(path, &got, &err), cases[i].want);
        if (cases[i].want == RDT_OK) {
            assert_int_equal(got.n, strlen(cases[i].secret));
            assert_memory_equal(got.p, cases[i].secret, got.n);
        } else {
            assert_null(got.p);
            assert_non_null(strstr(err.text, path));
            assert_null(strstr(err.text, "wo\0rd"));
        }
    }
}

static void
how_long_it_may_be(void **state)
{
    static char bytes[RDT_SECRET_FILE_MAX + 1];
    RDT_SECRET got = {0}, none = {0};
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    put(bytes, RDT_SECRET_FILE_MAX, 0600);
    assert_int_equal(rdt_secret_read(path, &got, NULL), RDT_OK);
    assert_int_equal(got.n, RDT_SECRET_FILE_MAX);
    put(bytes, RDT_SECRET_FILE_MAX + 1, 0600);
    assert_int_equal(rdt_secret_read(path, &none, NULL), RDT_E_LIMIT);
    assert_null(none.p);
}

/* Only in the service manager's own folder, and only the group's reading: an ACL looks like that.
 */
static void
what_the_service_manager_gives(void **state)
{
    static const struct {
        const char *given; /* below folder */
        mode_t mode;
        enum rdt_code want;
    } cases[] = {
        {"",    0440, RDT_OK      },
        {"",    0460, RDT_E_DENIED},
        {"",    0444, RDT_E_DENIED},
        {"x",   0440, RDT_E_DENIED},
        {"/..", 0440, RDT_E_DENIED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_SECRET got = {0};
        char given[96];
        snprintf(given, sizeof given, "%s%s", folder, cases[i].given);
        put("word", 4, cases[i].mode);
        setenv("CREDENTIALS_DIRECTORY", given, 1);
        assert_int_equal(rdt_secret_read(path, &got, NULL), cases[i].want);
    }
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void
what_is_no_file(void **state)
{
    RDT_SECRET got = {0};
    (void)state;
    unlink(path);
    assert_int_equal(rdt_secret_read(path, &got, NULL), RDT_E_NOTFOUND);
    assert_int_equal(rdt_secret_read("/dev/zero", &got, NULL), RDT_E_BADINPUT);
    assert_int_equal(rdt_secret_read(folder, &got, NULL), RDT_E_BADINPUT);
    assert_int_equal(mkfifo(path, 0600), 0); /* which nobody ever writes to */
    assert_int_equal(rdt_secret_read(path, &got, NULL), RDT_E_BADINPUT);
    assert_null(got.p);
}

static void
standard_input(void **state)
{
    RDT_SECRET got = {0}, none = {0};
    int ends[2], was = dup(STDIN_FILENO);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "word\n", 5), 5);
    close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(rdt_secret_read("-", &got, NULL), RDT_OK);
    assert_memory_equal(got.p, "word", 4);
    assert_int_equal(rdt_secret_read("-", &none, NULL), RDT_E_BADINPUT);
    dup2(was, STDIN_FILENO);
    close(was);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_file_holds),
        cmocka_unit_test(how_long_it_may_be),
        cmocka_unit_test(what_the_service_manager_gives),
        cmocka_unit_test(what_is_no_file),
        cmocka_unit_test(standard_input),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
