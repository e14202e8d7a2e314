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
struct question_head {
    int64_t deadline_ms;
    uint64_t secret; /* 1: request and answer are; as wide as its neighbour, so without padding */
};

struct question {
    struct question_head head;
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
    if (question->head.secret != 0)
        prctl(PR_SET_DUMPABLE, 0);
    if (!set_alarm(question->head.deadline_ms) || setrlimit(RLIMIT_CORE, &none) != 0 ||
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

/* What our maker had open is no business of the library that runs here. */
static void
keep_only(int socket)
{
    if (socket > 3)
        close_range(3, (unsigned)socket - 1, 0);
    close_range((unsigned)socket + 1, UINT_MAX, 0);
}

/* Until the other end is closed, by whatever way its owner came to an end. */
static _Noreturn void
be_keeper(const struct work *work, int socket)
{
    struct question question;
    keep_only(socket);
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
        explicit_bzero(&question, (size_t)n);
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

/* The request goes from where it is, so that no copy of a secret one is left here. */
static enum rdt_code
send_question(const struct rdt_apart *apart, struct question_head *top, struct rdt_span request,
              int to, struct rdt_err *err)
{
    union control control = {.bytes = {0}};
    struct iovec parts[] = {
        {top,                          sizeof *top},
        {(void *)(uintptr_t)request.p, request.n  }
    };
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = RDT_COUNT(parts),
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
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

/* Send the question; *from becomes the end to read its answer from, which the caller closes. */
static enum rdt_code
put_question(const struct rdt_apart *apart, struct question_head top, struct rdt_span request,
             int *from, struct rdt_err *err)
{
    int ends[2];
    if (request.n == 0 || request.n > RDT_APART_REQUEST_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a request of %zu bytes", request.n);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return rdt_fail(err, RDT_E_IO, "ask another process: %s", strerror(errno));
    *from = ends[0];
    RDT_FD to = ends[1];
    return send_question(apart, &top, request, to, err);
}

/* What is there by the deadline, at most room bytes; *got is 0 at the end and -1 for: once more. */
static enum rdt_code
read_some(int from, int64_t deadline_ms, uint8_t *to, size_t room, ssize_t *got,
          struct rdt_err *err)
{
    int64_t left = deadline_ms - rdt_monotonic_ms();
    struct pollfd poller = {.fd = from, .events = POLLIN};
    int ready = left <= 0 ? 0 : poll(&poller, 1, left > INT_MAX ? INT_MAX : (int)left);
    if (ready == 0)
        return rdt_fail(err, RDT_E_TIMEOUT, "no answer in time");
    *got = ready < 0 ? -1 : read(from, to, room);
    if (*got < 0 && errno != EINTR)
        return rdt_fail(err, RDT_E_IO, "read from another process: %s", strerror(errno));
    return RDT_OK;
}

/* Whether an answer came whole, by its last byte; NULL: there was none. */
static enum rdt_code
check_end(const uint8_t *last, int64_t deadline_ms, struct rdt_err *err)
{
    if (rdt_monotonic_ms() >= deadline_ms)
        return rdt_fail(err, RDT_E_TIMEOUT, "no answer in time");
    if (last == NULL || *last != ANSWER_WHOLE)
        return rdt_fail(err, RDT_E_IO, "the process that was asked has died");
    return RDT_OK;
}

enum rdt_code
rdt_apart_ask(struct rdt_apart *apart, struct rdt_span request, int64_t deadline_ms, size_t max,
              struct rdt_buf *answer, struct rdt_err *err)
{
    uint8_t step[READ_STEP];
    size_t before = answer->n;
    ssize_t got = -1;
    RDT_FD from = -1;
    enum rdt_code rc =
        put_question(apart, (struct question_head){deadline_ms, 0}, request, &from, err);
    while (rc == RDT_OK && got != 0) {
        rc = read_some(from, deadline_ms, step, sizeof step, &got, err);
        if (rc == RDT_OK && got > 0)
            rdt_buf_add(answer, step, (size_t)got);
        if (rc == RDT_OK && answer->n - before > max + 1)
            rc = rdt_fail(err, RDT_E_LIMIT, "an answer of over %zu bytes", max);
    }
    if (rc == RDT_OK && !rdt_buf_ok(answer))
        rc = rdt_fail(err, RDT_E_NOMEM, "answer of another process");
    if (rc == RDT_OK)
        rc = check_end(answer->n == before ? NULL : answer->p + answer->n - 1, deadline_ms, err);
    if (rc == RDT_OK)
        answer->n--;
    return rc;
}

/* Into the secret's own memory; beyond it there is room for the byte that says it is whole. */
static enum rdt_code
read_secret(int from, int64_t deadline_ms, struct rdt_secret *answer, struct rdt_err *err)
{
    uint8_t beyond[2] = {0};
    size_t n = 0, n_beyond = 0;
    ssize_t got = -1;
    enum rdt_code rc = RDT_OK;
    while (rc == RDT_OK && got != 0 && n_beyond < sizeof beyond) {
        bool inside = n < answer->n;
        rc = read_some(from, deadline_ms, inside ? answer->p + n : beyond + n_beyond,
                       inside ? answer->n - n : sizeof beyond - n_beyond, &got, err);
        if (rc == RDT_OK && got > 0)
            *(inside ? &n : &n_beyond) += (size_t)got;
    }
    if (rc == RDT_OK && n_beyond == sizeof beyond)
        rc = rdt_fail(err, RDT_E_LIMIT, "an answer of over %zu bytes", answer->n);
    if (rc == RDT_OK)
        rc = check_end(n_beyond != 0 ? beyond
                       : n != 0      ? answer->p + n - 1
                                     : NULL,
                       deadline_ms, err);
    explicit_bzero(beyond, sizeof beyond);
    if (rc == RDT_OK)
        rdt_secret_cut(answer, n_beyond != 0 ? n : n - 1);
    return rc;
}

enum rdt_code
rdt_apart_ask_secret(struct rdt_apart *apart, const struct rdt_secret *request, int64_t deadline_ms,
                     struct rdt_secret *answer, struct rdt_err *err)
{
    RDT_FD from = -1;
    struct rdt_span bytes = {request->p, request->n};
    enum rdt_code rc =
        put_question(apart, (struct question_head){deadline_ms, 1}, bytes, &from, err);
    if (rc == RDT_OK)
        rc = read_secret(from, deadline_ms, answer, err);
    if (rc != RDT_OK)
        rdt_secret_clear(answer);
    return rc;
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
