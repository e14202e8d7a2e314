/*
 * clockshift.so - a machine on which time has passed: with LD_PRELOAD, the calendar and the time
 * since start are ahead by as many seconds as the file $CLOCKSHIFT_FILE has bytes. The file is
 * there when the program starts, and grows while it runs.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int file = -1;

__attribute__((constructor)) static void
open_file(void)
{
    const char *path = getenv("CLOCKSHIFT_FILE");
    if (path != NULL)
        file = open(path, O_RDONLY | O_CLOEXEC);
}

static time_t
shift(void)
{
    struct stat info;
    return file >= 0 && fstat(file, &info) == 0 ? (time_t)info.st_size : 0;
}

/* Asks the kernel itself: to look for libc's function allocates, and a sanitizer, which asks for
 * the time when memory is freed, would come back here in the middle of it. */
int
clock_gettime(clockid_t clock, struct timespec *out)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, out);
    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME))
        out->tv_sec += shift();
    return rc;
}

time_t
time(time_t *out)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
