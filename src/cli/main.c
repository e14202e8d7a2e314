#include "cli/command.h"

#include <fcntl.h>
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

int
main(int argc, char **argv)
{
    if (!hold_descriptors())
        return rdt_code_exit_status(RDT_E_IO);
    return rdt_cli_run(argc, argv);
}
