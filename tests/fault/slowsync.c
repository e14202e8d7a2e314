/*
 * slowsync.so - a disk that is slow once: with LD_PRELOAD, the first fdatasync() after the file
 * $SLOWSYNC_FILE has appeared takes SLOW_S seconds.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SLOW_S 13 /* longer than the 10 s that a server gives the calls under way when it stops */

static atomic_bool was_slow;

int
fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *path = getenv("SLOWSYNC_FILE");
    struct stat info;
    if (path != NULL && stat(path, &info) == 0 && !atomic_exchange(&was_slow, true)) {
        struct timespec left = {.tv_sec = SLOW_S};
        while (nanosleep(&left, &left) != 0)
            ;
    }
    return real(fd);
}
