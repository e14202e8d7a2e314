#include "server/control_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* Until fd can be read or written. */
static enum rdt_code
wait_for(int fd, short events, int stop, int64_t deadline_ms, struct rdt_err *err)
{
    struct pollfd fds[2] = {
        {.fd = fd,   .events = events},
        {.fd = stop, .events = POLLIN}, /* poll() leaves out -1 */
    };
    for (;;) {
        int64_t left = deadline_ms - rdt_monotonic_ms();
        if (left <= 0)
            return rdt_fail(err, RDT_E_TIMEOUT, "the other side is silent");
        int n = poll(fds, 2, (int)(left < 60000 ? left : 60000));
        if (n < 0 && errno != EINTR)
            return rdt_fail(err, RDT_E_IO, "wait: %s", strerror(errno));
        if (n > 0 && (fds[1].revents & POLLIN) != 0)
            return rdt_fail(err, RDT_E_STATE, "the server is stopping");
        if (n > 0 && fds[0].revents != 0)
            return RDT_OK;
    }
}

enum rdt_code
rdt_control_read(int fd, int stop, int64_t deadline_ms, uint8_t *out, size_t n, struct rdt_err *err)
{
    for (size_t got = 0; got < n;) {
        enum rdt_code rc = wait_for(fd, POLLIN, stop, deadline_ms, err);
        if (rc != RDT_OK)
            return rc;
        ssize_t now = recv(fd, out + got, n - got, MSG_DONTWAIT);
        if (now == 0)
            return rdt_fail(err, RDT_E_IO, "the other side has hung up");
        if (now < 0 && errno != EAGAIN && errno != EINTR)
            return rdt_fail(err, RDT_E_IO, "read: %s", strerror(errno));
        got += now > 0 ? (size_t)now : 0;
    }
    return RDT_OK;
}

enum rdt_code
rdt_control_write(int fd, int stop, int64_t deadline_ms, struct rdt_span bytes, struct rdt_err *err)
{
    while (bytes.n != 0) {
        enum rdt_code rc = wait_for(fd, POLLOUT, stop, deadline_ms, err);
        if (rc != RDT_OK)
            return rc;
        ssize_t now = send(fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (now < 0 && errno != EAGAIN && errno != EINTR)
            return rdt_fail(err, RDT_E_IO, "the other side has hung up");
        if (now > 0)
            bytes = (struct rdt_span){bytes.p + now, bytes.n - (size_t)now};
    }
    return RDT_OK;
}

void
rdt_control_address(int folder, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/" RDT_CONTROL_SOCKET, folder);
}
