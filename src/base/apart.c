#include "base/apart.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_WHOLE 0x06 /* the last byte of an answer; without it the child has died */
#define READ_STEP ((size_t)16 * 1024)
#define ALARM_EXTRA_MS 100 /* the asker has given up by then, so that it says "in time" */

#ifdef __has_feature /* Clang's way to say it */
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0 /* 1: the sanitizer maps more than any limit of ours would let it */
#endif

struct rdt_apart {
    pid_t keeper;
    int socket;
};

/* One question on its way to the keeper; the descriptor for the answer travels with it. */
struct question {
    int64_t deadline_ms;
    uint8_t request[RDT_APART_REQUEST_MAX];
};

#define QUESTION_HEAD offsetof(struct question, request)

/* ---- in the keeper and its children ---- */

struct work {
    rdt_apart_fn *run;
    const void *context;
};

/* The kernel ends us at the deadline, wherever we are then. */
static bool
set_alarm(int64_t deadline_ms)
{
    int64_t left = deadline_ms - rdt_monotonic_ms();
    sigset_t ours;
    if (left <= 0)
        return false;
    left += ALARM_EXTRA_MS;
    struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)(left / 1000), .tv_usec = (left % 1000) * 1000}
    };
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&ours);
    sigaddset(&ours, SIGALRM);
    return sigprocmask(SIG_UNBLOCK, &ours, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0;
}

static bool
limit_memory(void)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    size_t pages = 0;
    if (statm == NULL)
        return false;
    if (fscanf(statm, "%zu", &pages) != 1)
        pages = 0;
    fclose(statm);
    rlim_t most = pages * (size_t)sysconf(_SC_PAGESIZE) + RDT_APART_MEMORY_MAX;
    return pages != 0 && setrlimit(RLIMIT_AS, &(struct rlimit){most, most}) == 0;
}

static _Noreturn void
be_child(const struct work *work, const struct question *question, size_t n, int to)
{
    static const uint8_t whole = ANSWER_WHOLE;
    struct rdt_buf answer = {0};
    struct rlimit none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!set_alarm(question->deadline_ms) || setrlimit(RLIMIT_CORE, &none) != 0 ||
        (!SANITIZED && !limit_memory()))
        _exit(1);
    work->run(work->context, (struct rdt_span){question->request, n}, &answer);
    rdt_buf_add(&answer, &whole, 1);
    size_t at = 0;
    while (rdt_buf_ok(&answer) && at < answer.n) {
        ssize_t gone = write(to, answer.p + at, answer.n - at);
        if (gone < 0 && errno != EINTR)
            _exit(1);
        at += gone > 0 ? (size_t)gone : 0;
    }
    _exit(0);
}

/* The descriptor that came with a message, or -1. */
static int
passed(struct msghdr *message)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    int fd = -1;
    if (control != NULL && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(control), sizeof fd);
    return fd;
}

union control {
    struct cmsghdr head; /* for its alignment */
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* Until the other end is closed, by whatever way its owner came to an end. */
static _Noreturn void
be_keeper(const struct work *work, int socket)
{
    struct question question;
    signal(SIGCHLD, SIG_IGN); /* nobody waits for the children: none becomes a zombie */
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        union control control;
        struct iovec part = {&question, sizeof question};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < (ssize_t)QUESTION_HEAD)
            _exit(0);
        int to = passed(&message);
        if (to >= 0 && fork() == 0) {
            close(socket);
            be_child(work, &question, (size_t)n - QUESTION_HEAD, to);
        }
        rdt_fd_close(&to); /* where there is no child, the asker reads the end at once */
    }
}

/* ---- in the caller ---- */

enum rdt_code
rdt_apart_open(rdt_apart_fn *run, const void *context, struct rdt_apart **out, struct rdt_err *err)
{
    struct work work = {run, context};
    int ends[2];
    struct rdt_apart *apart = calloc(1, sizeof *apart);
    if (apart == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "start a process");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        free(apart);
        return rdt_fail(err, RDT_E_IO, "start a process: %s", strerror(errno));
    }
    fflush(NULL); /* or a child that prints would print our words again */
    apart->keeper = fork();
    if (apart->keeper == 0) {
        close(ends[0]);
        be_keeper(&work, ends[1]);
    }
    close(ends[1]);
    apart->socket = ends[0];
    if (apart->keeper < 0) {
        rdt_apart_close(apart);
        return rdt_fail(err, RDT_E_IO, "start a process: %s", strerror(errno));
    }
    *out = apart;
    return RDT_OK;
}

static enum rdt_code
send_question(const struct rdt_apart *apart, struct rdt_span request, int64_t deadline_ms, int to,
              struct rdt_err *err)
{
    struct question question = {.deadline_ms = deadline_ms};
    union control control = {.bytes = {0}};
    struct iovec part = {&question, QUESTION_HEAD + request.n};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    memcpy(question.request, request.p, request.n);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof to);
    memcpy(CMSG_DATA(head), &to, sizeof to);
    while (sendmsg(apart->socket, &message, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return rdt_fail(err, RDT_E_IO, "ask another process: %s", strerror(errno));
    }
    return RDT_OK;
}

/* One step of an answer; *ended at its end. */
static enum rdt_code
read_step(int from, int64_t deadline_ms, size_t most, struct rdt_buf *answer, bool *ended,
          struct rdt_err *err)
{
    uint8_t step[READ_STEP];
    int64_t left = deadline_ms - rdt_monotonic_ms();
    struct pollfd poller = {.fd = from, .events = POLLIN};
    int ready = left <= 0 ? 0 : poll(&poller, 1, left > INT_MAX ? INT_MAX : (int)left);
    if (ready == 0)
        return rdt_fail(err, RDT_E_TIMEOUT, "no answer in time");
    ssize_t n = ready < 0 ? -1 : read(from, step, sizeof step);
    if (n < 0 && errno == EINTR)
        return RDT_OK;
    if (n < 0)
        return rdt_fail(err, RDT_E_IO, "read from another process: %s", strerror(errno));
    *ended = n == 0;
    if (n > 0)
        rdt_buf_add(answer, step, (size_t)n);
    return answer->n > most ? rdt_fail(err, RDT_E_LIMIT, "an answer of over %zu bytes", most - 1)
                            : RDT_OK;
}

enum rdt_code
rdt_apart_ask(struct rdt_apart *apart, struct rdt_span request, int64_t deadline_ms, size_t max,
              struct rdt_buf *answer, struct rdt_err *err)
{
    int ends[2];
    size_t before = answer->n;
    bool ended = false;
    if (request.n == 0 || request.n > RDT_APART_REQUEST_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a request of %zu bytes", request.n);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return rdt_fail(err, RDT_E_IO, "ask another process: %s", strerror(errno));
    RDT_FD from = ends[0];
    RDT_FD to = ends[1];
    enum rdt_code rc = send_question(apart, request, deadline_ms, to, err);
    rdt_fd_close(&to);
    while (rc == RDT_OK && !ended)
        rc = read_step(from, deadline_ms, before + max + 1, answer, &ended, err);
    if (rc == RDT_OK && !rdt_buf_ok(answer))
        rc = rdt_fail(err, RDT_E_NOMEM, "answer of another process");
    if (rc != RDT_OK)
        return rc;
    if (rdt_monotonic_ms() >= deadline_ms)
        return rdt_fail(err, RDT_E_TIMEOUT, "no answer in time");
    if (answer->n == before || answer->p[answer->n - 1] != ANSWER_WHOLE)
        return rdt_fail(err, RDT_E_IO, "the process that was asked has died");
    answer->n--;
    return RDT_OK;
}

void
rdt_apart_close(struct rdt_apart *apart)
{
    if (apart == NULL)
        return;
    close(apart->socket);
    while (apart->keeper > 0 && waitpid(apart->keeper, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(apart);
}

void
rdt_apart_close_at(struct rdt_apart **apart)
{
    rdt_apart_close(*apart);
}
