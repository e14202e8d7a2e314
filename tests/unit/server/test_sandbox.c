#include "../test.h"

#include "server/process_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child found that it may do, one bit each. */
enum could {
    EXEC = 1 << 0,
    READ_ETC = 1 << 1,  /* a file that has nothing to do with us */
    WRITE_OWN = 1 << 2, /* below the folder */
    READ_CERT = 1 << 3, /* beside a file that may be read */
    WRITE_CERT = 1 << 4,
    WRITE_TMP = 1 << 5,
    PEEK = 1 << 6, /* into another process */
    CONNECT = 1 << 7,
    KILL = 1 << 8,
    RACE = 1 << 9, /* what kernel exploits are made of: bpf, userfaultfd, io_uring... */
    DUMP = 1 << 10,
    PRIVILEGES = 1 << 11, /* may still be gained by exec */
};

static char folder[] = "/tmp/redoubt-sandbox-XXXXXX";
static char data[64], cert[64], cert_new[64];
static bool landlock;

static bool
opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static unsigned
files(void)
{
    char own[128], tmp[] = "/tmp/redoubt-sandbox-other";
    unsigned could = 0;
    snprintf(own, sizeof own, "%s/x", data);
    could |= opens("/etc/passwd", O_RDONLY) ? READ_ETC : 0;
    could |= opens(own, O_WRONLY | O_CREAT) && truncate(own, 10) == 0 && unlink(own) == 0
                 ? WRITE_OWN
                 : 0;
    could |= opens(cert, O_RDONLY) ? READ_CERT : 0;
    could |= opens(cert_new, O_WRONLY | O_CREAT) || opens(cert, O_WRONLY) ? WRITE_CERT : 0;
    could |= opens(tmp, O_WRONLY | O_CREAT) ? WRITE_TMP : 0;
    unlink(tmp);
    return could;
}

static bool
connects(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr nowhere = {.sa_family = AF_UNIX};
    bool refused = fd < 0 || (connect(fd, &nowhere, sizeof nowhere) != 0 && errno == EPERM);
    if (fd >= 0)
        close(fd);
    return !refused;
}

static bool
kernel_calls(void)
{
    static const long calls[] = {
        SYS_bpf,           SYS_userfaultfd,  SYS_io_uring_setup,  SYS_unshare,     SYS_setns,
        SYS_mount,         SYS_memfd_create, SYS_perf_event_open, SYS_keyctl,      SYS_init_module,
        SYS_clock_settime, SYS_chroot,       SYS_kexec_load,      SYS_pidfd_getfd, SYS_personality};
    for (size_t i = 0; i < RDT_COUNT(calls); i++)
        if (syscall(calls[i], -1L, 0L, 0L, 0L, 0L) != -1 || errno != EPERM)
            return true;
    return false;
}

static bool
peeks(void)
{
    char byte, from[1];
    struct iovec here = {&byte, 1}, there = {from, 1};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1 || errno != EPERM ||
           ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0 || errno != EPERM;
}

static unsigned
tries(void)
{
    unsigned could = files();
    could |= connects() ? CONNECT : 0;
    could |= kill(getpid(), 0) == 0 ? KILL : 0;
    could |= kernel_calls() ? RACE : 0;
    could |= peeks() ? PEEK : 0;
    could |= prctl(PR_GET_DUMPABLE) != 0 ? DUMP : 0;
    could |= prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ? PRIVILEGES : 0;
    (void)execl("/bin/true", "true", (char *)NULL);
    return could | (errno == EPERM || errno == EACCES ? 0 : EXEC);
}

/* In a child of its own, since there is no way back. */
static unsigned
inside(bool enter, enum sandbox_role role)
{
    const char *read_too[] = {cert, NULL};
    int ends[2];
    unsigned could = ~0u;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool keys = role == SANDBOX_KEYS;
        if (enter &&
            rdt_sandbox_enter(role, keys ? data : NULL, keys ? read_too : NULL, NULL) != RDT_OK)
            _exit(1);
        if (!enter && prctl(PR_SET_DUMPABLE, 0) != 0)
            _exit(1);
        could = enter ? tries() : files();
        _exit(write(ends[1], &could, sizeof could) == sizeof could ? 0 : 1);
    }
    close(ends[1]);
    bool got = read(ends[0], &could, sizeof could) == sizeof could;
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    assert_true(got);
    return could;
}

static void
without_it_all_is_possible(void **state)
{
    (void)state;
    unsigned could = inside(false, SANDBOX_KEYS);
    assert_int_equal(could, READ_ETC | WRITE_OWN | READ_CERT | WRITE_CERT | WRITE_TMP);
}

static void
keys_have_their_folder(void **state)
{
    (void)state;
    unsigned could = inside(true, SANDBOX_KEYS);
    unsigned elsewhere = landlock ? 0 : READ_ETC | WRITE_CERT | WRITE_TMP;
    assert_int_equal(could, WRITE_OWN | READ_CERT | CONNECT | KILL | elsewhere);
}

static void
jobs_have_no_file(void **state)
{
    (void)state;
    assert_int_equal(inside(true, SANDBOX_JOBS), 0);
}

static int
set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(cert, sizeof cert, "%s/tls/cert.pem", folder);
    snprintf(cert_new, sizeof cert_new, "%s/tls/new.pem", folder);
    char tls[64];
    snprintf(tls, sizeof tls, "%s/tls", folder);
    landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
    if (!landlock)
        print_message("# no Landlock in this kernel: files are not restricted\n");
    return mkdir(data, 0700) == 0 && mkdir(tls, 0700) == 0 && opens(cert, O_WRONLY | O_CREAT) ? 0
                                                                                              : -1;
}

static int
tear_down(void **state)
{
    char path[128];
    static const char *const names[] = {"tls/new.pem", "tls/cert.pem", "tls", "data", ""};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)remove(path);
    }
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_it_all_is_possible),
        cmocka_unit_test(keys_have_their_folder),
        cmocka_unit_test(jobs_have_no_file),
    };
    if (RDT_SANITIZED) {
        printf("1..0 # SKIP the sandbox stays open under a sanitizer\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
