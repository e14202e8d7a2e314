#include "cli/command.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/*
 * Whoever starts us with a standard descriptor closed (`>&-`) would have the first file that we
 * open take its number, and our output written into it. What stands there instead fails when it is
 * used.
 */
static bool
hold_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    }
    return true;
}

/*
 * Children are waited for, which an inherited "ignore" prevents; and a limit on the size of files
 * is an error to report, not an end without a word.
 */
static void
settle_signals(void)
{
    signal(SIGCHLD, SIG_DFL);
    signal(SIGXFSZ, SIG_IGN);
}

int
main(int argc, char **argv)
{
    if (!hold_descriptors())
        return rdt_code_exit_status(RDT_E_IO);
    settle_signals();
    return rdt_cli_run(argc, argv);
}
