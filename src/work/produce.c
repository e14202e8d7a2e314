#include "work/produce.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 100          /* how often a silent program is asked whether it has ended */
#define PIPE_BYTES (1 << 20) /* a pipe of the usual 64 KiB costs a switch for each of them */
#define OWN_VARIABLES 3

struct rdt_producer {
    pid_t pid;
    int fd;
    bool to;
    bool exited; /* seen, and not yet waited for */
    bool well;   /* and with status 0 */
    int status;  /* -1: not known yet */
    int64_t patience_ms;
    int64_t waited_ms; /* for its output, since it exited */
    char name[64];
};

/* The environment of the program, its strings ours until exec. */
struct environment {
    char *vars[RDT_PRODUCER_ENV_MAX + OWN_VARIABLES + 1];
    size_t n;
};

static void
environment_done(struct environment *environment)
{
    for (size_t i = 0; i < environment->n; i++) {
        explicit_bzero(environment->vars[i], strlen(environment->vars[i])); /* PGPASSWORD */
        free(environment->vars[i]);
    }
}

static enum rdt_code
environment_add(struct environment *to, const char *name, const char *value, struct rdt_err *err)
{
    size_t n = strlen(name) + strlen(value) + 2;
    char *text = malloc(n);
    if (text == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "environment");
    snprintf(text, n, "%s=%s", name, value);
    to->vars[to->n++] = text;
    return RDT_OK;
}

static enum rdt_code
environment_make(const struct rdt_produce *what, struct environment *to, struct rdt_err *err)
{
    static const char *const names[OWN_VARIABLES] = {"PATH", "HOME", "LC_ALL"};
    const char *home = getenv("HOME");
    const char *values[OWN_VARIABLES] = {"/usr/local/bin:/usr/bin:/bin", home == NULL ? "/" : home,
                                         "C.UTF-8"};
    enum rdt_code rc = RDT_OK;
    if (what->n_pass > RDT_PRODUCER_ENV_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d variables", RDT_PRODUCER_ENV_MAX);
    for (size_t i = 0; i < what->n_pass && rc == RDT_OK; i++) {
        const char *name = what->pass[i], *value = getenv(name);
        if (value == NULL || name[0] == '\0' || strchr(name, '=') != NULL)
            rc = rdt_fail(err, RDT_E_NOTFOUND, "variable '%s' is not set", name);
        else
            rc = environment_add(to, name, value, err);
    }
    for (size_t i = 0; i < OWN_VARIABLES && rc == RDT_OK; i++) {
        bool given = false;
        for (size_t k = 0; k < what->n_pass; k++)
            given = given || strcmp(what->pass[k], names[i]) == 0;
        if (!given)
            rc = environment_add(to, names[i], values[i], err);
    }
    return rc;
}

/* In the child: nothing here allocates. say: where an errno goes when there is nothing to run. */
static void
become(const struct rdt_produce *what, char *const *environment, int end, int say)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), error;
    int in = what->to ? end : null, out = what->to ? null : end;
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whoever reads the rest of it is gone */
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (null >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(say, 3) >= 0 &&
        fcntl(3, F_SETFD, FD_CLOEXEC) == 0) {
        close_range(4, ~0u, 0);
        say = 3;
        execvpe(what->argv[0], (char *const *)(uintptr_t)what->argv, environment);
    }
    error = errno;
    while (write(say, &error, sizeof error) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* Whether exec went well: then its end of the pipe closed without a word. */
static enum rdt_code
listen_to(int fd, const char *name, struct rdt_err *err)
{
    int error = 0;
    ssize_t n;
    do
        n = read(fd, &error, sizeof error);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return RDT_OK;
    if (n == sizeof error && error == ENOENT)
        return rdt_fail(err, RDT_E_NOTFOUND, "%s: there is no such program", name);
    return rdt_fail(err, n == sizeof error && error == EACCES ? RDT_E_DENIED : RDT_E_IO, "%s: %s",
                    name, n == sizeof error ? strerror(error) : "could not be started");
}

static enum rdt_code
start(struct rdt_producer *p, const struct rdt_produce *what, char *const *environment,
      struct rdt_err *err)
{
    int data[2], say[2];
    if (pipe2(data, O_CLOEXEC) != 0)
        return rdt_fail(err, RDT_E_IO, "%s: no pipe", p->name);
    p->fd = data[what->to ? 1 : 0];
    RDT_FD theirs = data[what->to ? 0 : 1];
    if (pipe2(say, O_CLOEXEC) != 0)
        return rdt_fail(err, RDT_E_IO, "%s: no pipe", p->name);
    RDT_FD say_read = say[0];
    RDT_FD say_write = say[1];
#ifdef F_SETPIPE_SZ
    (void)!fcntl(p->fd, F_SETPIPE_SZ, PIPE_BYTES); /* refused where many pipes are: slower */
#endif
    p->pid = fork();
    if (p->pid == 0)
        become(what, environment, theirs, say_write);
    if (p->pid < 0)
        return rdt_fail(err, RDT_E_IO, "%s could not be started", p->name);
    setpgid(p->pid, p->pid); /* whoever of both comes first */
    rdt_fd_close(&say_write);
    rdt_fd_close(&theirs);
    return listen_to(say_read, p->name, err);
}

enum rdt_code
rdt_producer_start(const struct rdt_produce *what, struct rdt_producer **out, struct rdt_err *err)
{
    RDT_AUTO(environment_done) struct environment environment = {0};
    RDT_AUTO(rdt_producer_close_at) struct rdt_producer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "start a program");
    *p = (struct rdt_producer){.fd = -1,
                               .pid = -1,
                               .status = -1,
                               .to = what->to,
                               .patience_ms = what->patience_ms == 0 ? RDT_PRODUCER_PATIENCE_MS
                                                                     : what->patience_ms};
    snprintf(p->name, sizeof p->name, "%s", what->argv[0]);
    enum rdt_code rc = environment_make(what, &environment, err);
    if (rc == RDT_OK)
        rc = start(p, what, environment.vars, err);
    if (rc != RDT_OK)
        return rc;
    *out = RDT_STEAL(p);
    return RDT_OK;
}

int
rdt_producer_fd(const struct rdt_producer *producer)
{
    return producer->fd;
}

pid_t
rdt_producer_group(const struct rdt_producer *producer)
{
    return producer->pid;
}

int
rdt_producer_status(const struct rdt_producer *producer)
{
    return producer->status;
}

/* Whether it has ended; it stays to be waited for. */
static bool
has_exited(struct rdt_producer *p)
{
    siginfo_t info = {0};
    if (!p->exited && waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
        p->exited = info.si_pid == p->pid;
    p->well = p->well || (p->exited && info.si_code == CLD_EXITED && info.si_status == 0);
    return p->exited;
}

enum rdt_code
rdt_producer_read(struct rdt_producer *producer, uint8_t *to, size_t n, size_t *got,
                  struct rdt_err *err)
{
    for (;;) {
        struct pollfd in = {.fd = producer->fd, .events = POLLIN};
        int64_t before = rdt_monotonic_ms();
        int ready = poll(&in, 1, LOOK_MS);
        if (ready <= 0) { /* only waiting counts: what is behind us may be slow to take it */
            producer->waited_ms += producer->exited ? rdt_monotonic_ms() - before : 0;
            if (has_exited(producer) && producer->waited_ms >= producer->patience_ms)
                return rdt_fail(err, RDT_E_IO,
                                "%s has ended, but its output is held open by what it started",
                                producer->name);
            continue;
        }
        ssize_t done = read(producer->fd, to, n);
        if (done < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (done < 0)
            return rdt_fail(err, RDT_E_IO, "%s: %s", producer->name, strerror(errno));
        *got = (size_t)done;
        return RDT_OK;
    }
}

static enum rdt_code
judge(struct rdt_producer *p, struct rdt_err *err)
{
    int status = 0;
    if (!p->well)
        kill(-p->pid, SIGKILL); /* its number is ours until it is waited for */
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    p->pid = -1;
    if (WIFSIGNALED(status)) {
        p->status = 128 + WTERMSIG(status);
        return rdt_fail(err, RDT_E_IO, "%s was ended by signal %d (%s)", p->name, WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
    }
    p->status = WEXITSTATUS(status);
    if (p->status == 0)
        return RDT_OK;
    return rdt_fail(err, RDT_E_IO, "%s ended with status %d", p->name, p->status);
}

enum rdt_code
rdt_producer_wait(struct rdt_producer *producer, struct rdt_err *err)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000000};
    int64_t end = rdt_monotonic_ms() + producer->patience_ms;
    rdt_fd_close(&producer->fd);
    if (producer->pid <= 0)
        return rdt_fail(err, RDT_E_STATE, "%s was waited for already", producer->name);
    while (!has_exited(producer)) {
        if (!producer->to && rdt_monotonic_ms() >= end)
            return rdt_fail(err, RDT_E_IO, "%s closed its output, but does not end",
                            producer->name);
        nanosleep(&pause, NULL);
    }
    return judge(producer, err);
}

void
rdt_producer_close(struct rdt_producer *producer)
{
    if (producer == NULL)
        return;
    rdt_fd_close(&producer->fd);
    if (producer->pid > 0) {
        kill(-producer->pid, SIGKILL);
        kill(producer->pid, SIGKILL); /* where its group is not made yet */
        while (waitpid(producer->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    free(producer);
}

void
rdt_producer_close_at(struct rdt_producer **producer)
{
    rdt_producer_close(*producer);
}
