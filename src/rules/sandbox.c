#include "rules/sandbox_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_FD 3          /* where the child finds the pipe */
#define EXIT_NOT_LOCKED 90  /* the child could not lock itself up, so it ran nothing; + step */
#define WALL_FACTOR 4       /* elapsed time allowed, against processor time... */
#define WALL_EXTRA_MS 10000 /* ...on a machine that does other things too */
#define READ_STEP ((size_t)64 * 1024)
#define SLACK_BYTES ((size_t)64 * 1024 * 1024) /* fragmentation, buffers, stack */

/*
 * The system calls that stay: memory, the pipe, the end; and sysinfo, by which qsort() of glibc
 * asks how much memory it may take. It says nothing about files or people.
 */
static const int allowed[] = {
    SCMP_SYS(brk),          SCMP_SYS(munmap), SCMP_SYS(mremap),     SCMP_SYS(madvise),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),   SCMP_SYS(exit_group), SCMP_SYS(sysinfo),
};

/* Asked for by libc as a hint; it goes on without an answer. No clock, no randomness for a rule. */
static const int deaf[] = {
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
};

/* What the address sanitizer asks for before a jump or a report. */
static const int sanitizer[] = {
    SCMP_SYS(sigaltstack),    SCMP_SYS(gettid),      SCMP_SYS(getpid),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(sched_yield), SCMP_SYS(futex),
};

/* Pages that can be executed are never given out. */
static bool
allow_data_pages(scmp_filter_ctx filter, int syscall)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, syscall, 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

static bool
filter_syscalls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return false;
    bool ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                               SCMP_A0(SCMP_CMP_EQ, CHILD_FD, 0)) == 0;
    if (RDT_SANITIZED)
        ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                                    SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO, 0)) == 0;
    ok = ok && allow_data_pages(filter, SCMP_SYS(mmap));
    ok = ok && allow_data_pages(filter, SCMP_SYS(mprotect));
    for (size_t i = 0; ok && i < RDT_COUNT(allowed); i++)
        ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
    for (size_t i = 0; RDT_SANITIZED && ok && i < RDT_COUNT(sanitizer); i++)
        ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, sanitizer[i], 0) == 0;
    for (size_t i = 0; ok && i < RDT_COUNT(deaf); i++)
        ok = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), deaf[i], 0) == 0;
    ok = ok && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok;
}

/* Bytes of address space in use. */
static size_t
address_space(void)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    size_t pages = 0;
    if (statm == NULL)
        return 0;
    if (fscanf(statm, "%zu", &pages) != 1)
        pages = 0;
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Whoever started us may have set a lower limit already, which cannot be raised. */
static bool
limit(int what, rlim_t soft, rlim_t hard)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0)
        return false;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < hard)
        hard = now.rlim_max;
    now = (struct rlimit){soft < hard ? soft : hard, hard};
    return setrlimit((__rlimit_resource_t)what, &now) == 0;
}

/* ---- the steps; each of them fails closed ---- */

/* Signals as after a fresh start: an ignored SIGXCPU would let the soft limit pass. */
static bool
lock_signals(const struct rdt_sandbox_limits *limits, pid_t parent)
{
    sigset_t none;
    (void)limits;
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXCPU, SIG_DFL);
    sigemptyset(&none);
    bool ok = sigprocmask(SIG_SETMASK, &none, NULL) == 0;
    ok = ok && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    return ok && getppid() == parent; /* else it has gone before it could be watched */
}

/* Rules cannot ask for the environment; a pack that breaks out of Lua does not find it either. */
static bool
lock_environment(const struct rdt_sandbox_limits *limits, pid_t parent)
{
    (void)limits, (void)parent;
    for (char **at = environ; at != NULL && *at != NULL; at++)
        explicit_bzero(*at, strlen(*at));
    return clearenv() == 0;
}

static bool
lock_memory(const struct rdt_sandbox_limits *limits, pid_t parent)
{
    size_t now = address_space();
    rlim_t most = now + limits->memory_bytes + SLACK_BYTES;
    (void)parent;
    return RDT_SANITIZED || (now != 0 && limit(RLIMIT_AS, most, most));
}

static bool
lock_limits(const struct rdt_sandbox_limits *limits, pid_t parent)
{
    (void)parent;
    return limit(RLIMIT_NOFILE, 0, 0) && limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_FSIZE, 0, 0) &&
           limit(RLIMIT_CPU, limits->cpu_s, limits->cpu_s + 1);
}

static bool
lock_privileges(const struct rdt_sandbox_limits *limits, pid_t parent)
{
    (void)limits, (void)parent;
    return prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool
lock_syscalls(const struct rdt_sandbox_limits *limits, pid_t parent)
{
    (void)limits, (void)parent;
    return filter_syscalls();
}

/* In this order: memory is measured while files can be opened, the filter comes last. */
static const struct {
    bool (*lock)(const struct rdt_sandbox_limits *limits, pid_t parent);
    const char *why;
} steps[] = {
    {lock_signals,     "its parent could not be watched"                  },
    {lock_environment, "its environment could not be cleared"             },
    {lock_memory,      "memory could not be limited: is /proc mounted?"   },
    {lock_limits,      "resource limits were refused"                     },
    {lock_privileges,  "prctl was refused"                                },
    {lock_syscalls,    "seccomp was refused, as in a container without it"},
};

/* The number of the step that failed; RDT_COUNT(steps): none. */
static size_t
lock_up(const struct rdt_sandbox_limits *limits, pid_t parent)
{
    size_t i = 0;
    while (i < RDT_COUNT(steps) && steps[i].lock(limits, parent))
        i++;
    return i;
}

/* Nothing but the pipe stays open. */
static bool
keep_pipe(int fd)
{
    return (fd == CHILD_FD || dup2(fd, CHILD_FD) == CHILD_FD) &&
           close_range(CHILD_FD + 1, ~0u, 0) == 0 && close_range(0, RDT_SANITIZED ? 1 : 2, 0) == 0;
}

static void
be_child(const struct rdt_sandbox_limits *limits, pid_t parent, int fd,
         void (*work)(void *context, int fd), void *context)
{
    if (!keep_pipe(fd))
        _exit(EXIT_NOT_LOCKED + (int)RDT_COUNT(steps));
    size_t failed = lock_up(limits, parent);
    if (failed < RDT_COUNT(steps))
        _exit(EXIT_NOT_LOCKED + (int)failed);
    work(context, CHILD_FD);
    _exit(0);
}

enum rdt_code
rdt_sandbox_start(struct rdt_sandbox *box, const struct rdt_sandbox_limits *limits,
                  void (*work)(void *context, int fd), void *context, struct rdt_err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return rdt_fail(err, RDT_E_IO, "pipe for the sandbox: %s", strerror(errno));
    fflush(NULL); /* or the child would write our buffers a second time */
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        be_child(limits, parent, ends[1], work, context);
    int failed = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return rdt_fail(err, RDT_E_IO, "process for the sandbox: %s", strerror(failed));
    }
    *box = (struct rdt_sandbox){*limits, pid, ends[0],
                                rdt_monotonic_ms() + (int64_t)limits->cpu_s * 1000 * WALL_FACTOR +
                                    WALL_EXTRA_MS};
    return RDT_OK;
}

/* Its status; where somebody else has taken that, as an ignored SIGCHLD does, it counts as killed.
 */
static int
reap(struct rdt_sandbox *box)
{
    int status = 0;
    pid_t got = -1;
    do
        got = waitpid(box->pid, &status, 0);
    while (got < 0 && errno == EINTR);
    box->pid = 0;
    return got < 0 ? SIGKILL : status;
}

void
rdt_sandbox_end(struct rdt_sandbox *box)
{
    if (box->pid != 0) {
        kill(box->pid, SIGKILL);
        reap(box);
        close(box->fd);
    }
    *box = (struct rdt_sandbox){0};
}

static enum rdt_code
judge_end(const struct rdt_sandbox_limits *limits, int status, struct rdt_err *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return RDT_OK;
    int step = WIFEXITED(status) ? WEXITSTATUS(status) - EXIT_NOT_LOCKED : -1;
    if (step >= 0 && step <= (int)RDT_COUNT(steps)) {
        const char *why =
            step < (int)RDT_COUNT(steps) ? steps[step].why : "descriptors could not be closed";
        rdt_fail(err, RDT_E_SANDBOX, "%s: the sandbox could not be closed, so nothing was run",
                 limits->what);
        rdt_hint(err, "%s", why);
        return RDT_E_SANDBOX;
    }
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (sig == SIGXCPU)
        return rdt_fail(err, RDT_E_SANDBOX, "%s: used more than %u s of processor time",
                        limits->what, limits->cpu_s);
    if (sig == SIGKILL)
        return rdt_fail(err, RDT_E_SANDBOX, "%s: the process was killed; is memory short?",
                        limits->what);
    if (sig == SIGSYS)
        return rdt_fail(err, RDT_E_SANDBOX, "%s: tried a system call that rules may not make",
                        limits->what);
    return rdt_fail(err, RDT_E_SANDBOX, "%s: the process ended early (%s %d)", limits->what,
                    sig != 0 ? "signal" : "status", sig != 0 ? sig : WEXITSTATUS(status));
}

/* True: more may come. False with *rc set: the end, or the failure. */
static bool
collect_some(struct rdt_sandbox *box, struct rdt_buf *out, enum rdt_code *rc, struct rdt_err *err)
{
    uint8_t bytes[READ_STEP];
    int64_t left = box->deadline_ms - rdt_monotonic_ms();
    struct pollfd ready = {.fd = box->fd, .events = POLLIN};
    if (left <= 0) {
        *rc = rdt_fail(err, RDT_E_SANDBOX, "%s: did not end in time", box->limits.what);
        return false;
    }
    if (poll(&ready, 1, left > 1000 ? 1000 : (int)left) <= 0)
        return true; /* a signal or nothing yet: the deadline is looked at again */
    ssize_t n = read(box->fd, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0)
        *rc = rdt_fail(err, RDT_E_IO, "read from the sandbox: %s", strerror(errno));
    if (n <= 0)
        return false;
    if ((size_t)n > box->limits.output_bytes - out->n) {
        *rc = rdt_fail(err, RDT_E_SANDBOX, "%s: its results are larger than %zu bytes",
                       box->limits.what, box->limits.output_bytes);
        return false;
    }
    rdt_buf_add(out, bytes, (size_t)n);
    if (!rdt_buf_ok(out))
        *rc = rdt_fail(err, RDT_E_NOMEM, "results of %s", box->limits.what);
    return rdt_buf_ok(out);
}

enum rdt_code
rdt_sandbox_collect(struct rdt_sandbox *box, struct rdt_buf *out, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    while (collect_some(box, out, &rc, err))
        continue;
    if (rc != RDT_OK) {
        rdt_sandbox_end(box);
        return rc;
    }
    close(box->fd);
    int status = reap(box);
    rc = judge_end(&box->limits, status, err);
    *box = (struct rdt_sandbox){0};
    return rc;
}
