#include "net/quiet.h"

#include <signal.h>
#include <time.h>

static void
only_pipe(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGPIPE);
}

struct rdt_quiet
rdt_quiet_begin(void)
{
    sigset_t set, old, pending;
    sigpending(&pending);
    only_pipe(&set);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    return (struct rdt_quiet){.was_blocked = sigismember(&old, SIGPIPE) == 1,
                              .was_pending = sigismember(&pending, SIGPIPE) == 1};
}

void
rdt_quiet_end(struct rdt_quiet *quiet)
{
    static const struct timespec now = {0};
    sigset_t set, pending;
    only_pipe(&set);
    /* One that was waiting before is not ours to drop. Threads: SIGPIPE goes to the writer's. */
    if (!quiet->was_pending && sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1)
        (void)sigtimedwait(&set, NULL, &now);
    if (!quiet->was_blocked)
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
