/*
 * The supervisor: it starts the other processes before any secret exists, passes signals on, and
 * ends with what keys ended with. It opens nothing and knows nothing.
 */
#include "server/server.h"

#include "base/clock.h"
#include "base/file.h"
#include "server/process_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Jobs that died are started again: at once when they had worked for a while, else later each time,
 * since what ends them right after their start does not heal within a second. */
#define JOBS_AGAIN_MS 1000
#define JOBS_AGAIN_TOP_MS 60000
#define JOBS_WELL_MS 10000

struct supervisor {
    struct rdt_serve_opts opts;
    int keys_end, jobs_end; /* of one socketpair */
    pid_t keys, jobs;
    int64_t jobs_ms;  /* when jobs are to be started again */
    int64_t wait_ms;  /* how long that was put off */
    int64_t since_ms; /* when they were started */
};

static void
start_jobs(struct supervisor *sup)
{
    sup->since_ms = rdt_monotonic_ms();
    sup->jobs = fork();
    if (sup->jobs != 0)
        return;
    close(sup->keys_end);
    for (size_t i = 0; i < sup->opts.n_fds; i++)
        close(sup->opts.fds[i]); /* else the ports stay taken when keys are gone */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    _exit(rdt_jobs_main(sup->jobs_end, sup->opts.metrics_listen));
}

static void
start_keys(struct supervisor *sup)
{
    sup->keys = fork();
    if (sup->keys != 0)
        return;
    close(sup->jobs_end);
    exit(rdt_keys_main(&sup->opts, sup->keys_end));
}

/* For whoever reads the log: a process that says nothing itself when it is ended by a signal. */
static void
say_ended(const char *name, int how)
{
    if (WIFSIGNALED(how))
        fprintf(stderr, "redoubt: error: the %s process was ended by signal %d (%s)\n", name,
                WTERMSIG(how), strsignal(WTERMSIG(how)));
}

static void
put_off_jobs(struct supervisor *sup)
{
    int64_t now = rdt_monotonic_ms();
    bool well = now - sup->since_ms >= JOBS_WELL_MS;
    sup->wait_ms = well || sup->wait_ms == 0 ? JOBS_AGAIN_MS : 2 * sup->wait_ms;
    if (sup->wait_ms > JOBS_AGAIN_TOP_MS)
        sup->wait_ms = JOBS_AGAIN_TOP_MS;
    sup->jobs_ms = now + sup->wait_ms;
    sup->jobs = -1;
}

/* What a dead child means: keys end everything, jobs are started again. */
static bool
reap(struct supervisor *sup, int *status)
{
    pid_t pid;
    int how;
    bool ended = false;
    while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
        if (pid == sup->keys) {
            *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
            ended = true;
            say_ended("keys", how);
        } else if (pid == sup->jobs) {
            say_ended("jobs", how);
            put_off_jobs(sup);
        }
    }
    return ended;
}

static int
watch(struct supervisor *sup, const sigset_t *wanted)
{
    struct timespec second = {.tv_sec = 1};
    int status = 0;
    for (;;) {
        int signal_no = sigtimedwait(wanted, NULL, &second);
        if (signal_no == SIGTERM || signal_no == SIGINT || signal_no == SIGHUP)
            kill(sup->keys, signal_no == SIGHUP ? SIGHUP : SIGTERM);
        if (reap(sup, &status))
            return status;
        if (sup->jobs == -1 && rdt_monotonic_ms() >= sup->jobs_ms)
            start_jobs(sup);
    }
}

int
rdt_serve(const struct rdt_serve_opts *opts)
{
    struct supervisor sup = {.opts = *opts, .jobs = -1};
    int ends[2], status = 4;
    /* sockets of the service manager are for this process, so they are looked for here */
    int fds[RDT_SERVE_LISTEN_MAX];
    size_t n_fds = rdt_notify_sockets(fds, RDT_SERVE_LISTEN_MAX);
    sigset_t wanted;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        fprintf(stderr, "redoubt: error: make a socket: %s\n", strerror(errno));
        return status;
    }
    if (n_fds != 0) {
        memcpy(sup.opts.fds, fds, sizeof fds);
        sup.opts.n_fds = n_fds;
    }
    sup.keys_end = ends[0];
    sup.jobs_end = ends[1];
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGCHLD);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full disk, and no reason to die */
    start_jobs(&sup);
    start_keys(&sup);
    if (sup.keys > 0)
        status = watch(&sup, &wanted);
    else
        fprintf(stderr, "redoubt: error: start the keys process: %s\n", strerror(errno));
    if (sup.jobs > 0)
        kill(sup.jobs, SIGKILL);
    return status;
}
