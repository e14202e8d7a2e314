#include "work/interrupt.h"

#include "../test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    int signal_number;
    bool named, gone; /* the file was named; and is gone afterwards */
} cases[] = {
    {SIGTERM, true,  true },
    {SIGINT,  true,  true },
    {SIGHUP,  true,  true },
    {SIGTERM, false, false},
    {SIGKILL, true,  false}, /* nobody can: OUT.partial tells */
};

static void
test_signal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[] = "/tmp/rdt-interrupt-XXXXXX";
        int fd = mkstemp(path), status = 0;
        assert_true(fd >= 0);
        close(fd);
        pid_t pid = fork();
        if (pid == 0) {
            rdt_interrupt_arm();
            if (!rdt_interrupt_file(path) || (!cases[i].named && !rdt_interrupt_file(NULL)))
                _exit(1);
            raise(cases[i].signal_number);
            _exit(2);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), cases[i].signal_number);
        assert_int_equal(access(path, F_OK) != 0, cases[i].gone);
        unlink(path);
    }
}

static void
test_group(void **state)
{
    (void)state;
    int status = 0;
    pid_t below = fork();
    if (below == 0) {
        setpgid(0, 0);
        pause();
        _exit(0);
    }
    setpgid(below, below);
    pid_t pid = fork();
    if (pid == 0) {
        rdt_interrupt_arm();
        rdt_interrupt_group(below);
        raise(SIGTERM);
        _exit(2);
    }
    assert_int_equal(waitpid(below, &status, 0), below);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void
test_long(void **state)
{
    (void)state;
    static char name[PATH_MAX + 2];
    memset(name, 'a', PATH_MAX);
    assert_false(rdt_interrupt_file(name));
    name[PATH_MAX - 1] = '\0';
    assert_true(rdt_interrupt_file(name));
    assert_true(rdt_interrupt_file(NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests_name("work/interrupt", tests, NULL, NULL);
}
