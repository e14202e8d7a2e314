#include "base/child.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_MEMORY_MAX ((rlim_t)1 << 30)
#define CHILD_STEP ((size_t)16 * 1024)
#define CHILD_NOT_FOUND 127

/* In the child: nothing here allocates. */
static void
become(const struct rdt_child *child, int in, int out)
{
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C.UTF-8";
    static char *const environment[] = {path, locale, NULL};
    struct rlimit memory = {CHILD_MEMORY_MAX, CHILD_MEMORY_MAX}, none = {0, 0};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    setpgid(0, 0);
    if (null < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
        _exit(CHILD_NOT_FOUND);
    close_range(3, ~0u, 0);
    setrlimit(RLIMIT_AS, &memory);
    setrlimit(RLIMIT_CORE, &none);
    execvpe(child->argv[0], (char *const *)(uintptr_t)child->argv, environment);
    _exit(CHILD_NOT_FOUND);
}

static bool
give(int *fd, struct rdt_span *input)
{
    ssize_t n = input->n == 0 ? 0 : write(*fd, input->p, input->n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0 || (size_t)n == input->n) { /* all given, or it stopped reading */
        rdt_fd_close(fd);
        return false;
    }
    input->p += n;
    input->n -= (size_t)n;
    return true;
}

static enum rdt_code
exchange(const struct rdt_child *child, int *to, int from, struct rdt_buf *out, struct rdt_err *err)
{
    int64_t deadline = rdt_monotonic_ms() + child->timeout_ms;
    struct rdt_span input = child->input;
    size_t before = out->n;
    for (;;) {
        uint8_t step[CHILD_STEP];
        int64_t left = deadline - rdt_monotonic_ms();
        struct pollfd fds[2] = {
            {.fd = from, .events = POLLIN },
            {.fd = *to,  .events = POLLOUT}
        };
        if (left <= 0 || poll(fds, 2, (int)left) == 0)
            return rdt_fail(err, RDT_E_TIMEOUT, "%s: no answer in %d s", child->argv[0],
                            child->timeout_ms / 1000);
        if (fds[1].revents != 0)
            give(to, &input);
        if (fds[0].revents == 0)
            continue;
        ssize_t n = read(from, step, sizeof step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RDT_OK;
        rdt_buf_add(out, step, (size_t)n);
        if (out->n - before > child->max_output)
            return rdt_fail(err, RDT_E_LIMIT, "%s: too much output", child->argv[0]);
    }
}

static enum rdt_code
reap(pid_t pid, const struct rdt_child *child, enum rdt_code rc, struct rdt_err *err)
{
    int status = 0;
    if (rc != RDT_OK)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (rc != RDT_OK)
        return rc;
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NOT_FOUND)
        return rdt_fail(err, RDT_E_NOTFOUND, "%s is not installed", child->argv[0]);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return rdt_fail(err, RDT_E_IO, "%s failed", child->argv[0]);
    return RDT_OK;
}

enum rdt_code
rdt_child_run(const struct rdt_child *child, struct rdt_buf *out, struct rdt_err *err)
{
    int in[2] = {-1, -1}, back[2] = {-1, -1};
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(back, O_CLOEXEC) != 0) {
        rdt_fd_close(&in[0]);
        rdt_fd_close(&in[1]);
        return rdt_fail(err, RDT_E_IO, "%s: no pipe", child->argv[0]);
    }
    RDT_FD in_read = in[0];
    RDT_FD in_write = in[1];
    RDT_FD out_read = back[0];
    RDT_FD out_write = back[1];
    struct sigaction ignore = {.sa_handler = SIG_IGN}, was;
    sigaction(SIGPIPE, &ignore, &was);
    pid_t pid = fork();
    if (pid == 0)
        become(child, in_read, out_write);
    rdt_fd_close(&in_read);
    rdt_fd_close(&out_write);
    enum rdt_code rc = RDT_OK;
    if (pid < 0)
        rc = rdt_fail(err, RDT_E_IO, "%s could not be started", child->argv[0]);
    else if (fcntl(in_write, F_SETFL, O_NONBLOCK) != 0)
        rc = rdt_fail(err, RDT_E_IO, "%s: pipe", child->argv[0]);
    if (pid > 0) {
        if (rc == RDT_OK)
            rc = exchange(child, &in_write, out_read, out, err);
        rc = reap(pid, child, rc, err);
    }
    sigaction(SIGPIPE, &was, NULL);
    return rc == RDT_OK && !rdt_buf_ok(out) ? rdt_fail(err, RDT_E_NOMEM, "child") : rc;
}
