#include "work/interrupt.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* A handler can only look at these. Signals are held back while they change. */
static char file_to_remove[PATH_MAX];
static volatile pid_t group_to_kill;

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

static void
tidy(int signal_number)
{
    if (group_to_kill > 0)
        kill(-group_to_kill, SIGKILL);
    if (file_to_remove[0] != '\0')
        unlink(file_to_remove);
    signal(signal_number, SIG_DFL); /* and end by it, so that whoever waits for us sees that */
    raise(signal_number);
}

static void
hold(bool on)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
        sigaddset(&set, ending[i]);
    pthread_sigmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void
rdt_interrupt_arm(void)
{
    struct sigaction action = {.sa_handler = tidy, .sa_flags = SA_RESTART}, was;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) {
        if (sigaction(ending[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN) /* nohup */
            sigaction(ending[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
}

bool
rdt_interrupt_file(const char *path)
{
    size_t n = path == NULL ? 0 : strlen(path);
    if (n >= sizeof file_to_remove)
        return false;
    hold(true);
    memcpy(file_to_remove, path == NULL ? "" : path, n + 1);
    hold(false);
    return true;
}

void
rdt_interrupt_group(pid_t group)
{
    group_to_kill = group;
}
