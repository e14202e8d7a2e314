/*
 * The two things of systemd that a server needs: sockets that it was given, and saying that it is
 * ready. Source: sd_listen_fds(3), sd_notify(3).
 */
#include "server/process_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3

void
rdt_notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path == NULL ? 0 : strlen(path);
    if (n == 0 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    RDT_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t to_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (fd >= 0)
        (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to, to_n);
}

static long
number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    errno = 0;
    long n = text == NULL ? -1 : strtol(text, &end, 10);
    return text == NULL || errno != 0 || end == text || *end != '\0' ? -1 : n;
}

size_t
rdt_notify_sockets(int *out, size_t max)
{
    long n = number_of("LISTEN_FDS");
    if (number_of("LISTEN_PID") != (long)getpid() || n <= 0 || (size_t)n > max)
        return 0;
    for (long i = 0; i < n; i++) {
        out[i] = FIRST_FD + (int)i;
        (void)fcntl(out[i], F_SETFD, FD_CLOEXEC);
    }
    unsetenv("LISTEN_PID"); /* nobody below is meant */
    unsetenv("LISTEN_FDS");
    return (size_t)n;
}
