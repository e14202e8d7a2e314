#include "server/process_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool
rdt_message_send(int fd, enum message kind, struct rdt_span bytes)
{
    uint8_t head = (uint8_t)kind;
    struct iovec parts[] = {
        {&head,           1      },
        {(void *)bytes.p, bytes.n}
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (bytes.n >= MESSAGE_MAX)
        return true; /* too long to be said: lost, as when the socket is full */
    ssize_t n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n >= 0 || errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == EMSGSIZE;
}

bool
rdt_message_take(int fd, enum message *kind, struct rdt_buf *out)
{
    static uint8_t bytes[MESSAGE_MAX]; /* one thread of one process takes messages */
    ssize_t n;
    do
        n = recv(fd, bytes, sizeof bytes, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0 || bytes[0] != MESSAGE_METRICS)
        return false;
    *kind = (enum message)bytes[0];
    rdt_buf_add(out, bytes + 1, (size_t)n - 1);
    return rdt_buf_ok(out);
}
