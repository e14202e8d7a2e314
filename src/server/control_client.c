/*
 * The side that asks. What opens a root goes only to a process of the folder's owner.
 */
#include "server/control_internal.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MS ((int64_t)10 * 60 * 1000) /* for an answer to begin, and for each piece of it */
#define PIECE ((size_t)64 * 1024)

static enum rdt_code
no_server(int why, const char *dir, struct rdt_err *err)
{
    if (why == EACCES || why == EPERM)
        return rdt_fail(err, RDT_E_DENIED, "the server's user, or root, may ask the server of %s",
                        dir);
    if (why == ENOENT || why == ECONNREFUSED || why == ENOTDIR)
        return rdt_fail(err, RDT_E_NOTFOUND, "no server runs on %s", dir);
    return rdt_fail(err, RDT_E_IO, "ask the server of %s: %s", dir, strerror(why));
}

/* The socket is as trusted as the folder: another's must not take a passphrase. */
static enum rdt_code
check_peer(int fd, int folder, const char *dir, struct rdt_err *err)
{
    struct ucred peer;
    struct stat info;
    socklen_t n = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0 || fstat(folder, &info) != 0)
        return rdt_fail(err, RDT_E_IO, "see who answers on %s", dir);
    if (peer.uid != info.st_uid && peer.uid != geteuid() && peer.uid != 0)
        return rdt_fail(err, RDT_E_DENIED, "what answers on %s is not of the folder's owner", dir);
    return RDT_OK;
}

static enum rdt_code
connect_to(const char *dir, int *out, struct rdt_err *err)
{
    struct sockaddr_un address;
    RDT_FD folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return no_server(errno, dir, err);
    RDT_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    rdt_control_address(folder, &address);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return no_server(errno, dir, err);
    enum rdt_code rc = check_peer(fd, folder, dir, err);
    if (rc != RDT_OK)
        return rc;
    *out = fd;
    fd = -1;
    return RDT_OK;
}

static enum rdt_code
send_request(int fd, const struct rdt_control_ask *ask, struct rdt_err *err)
{
    RDT_SECRET body = {0};
    uint8_t head[CONTROL_REQUEST_HEAD];
    int64_t deadline = rdt_monotonic_ms() + CONTROL_WRITE_MS;
    enum rdt_code rc = rdt_control_means_put(ask->seal, ask->means, &body, err);
    rdt_control_put_request(&(struct control_request){ask->command, body.n}, head);
    if (rc == RDT_OK)
        rc = rdt_control_write(fd, -1, deadline, (struct rdt_span){head, sizeof head}, err);
    if (rc == RDT_OK && body.n != 0)
        rc = rdt_control_write(fd, -1, deadline, (struct rdt_span){body.p, body.n}, err);
    return rc;
}

static enum rdt_code
write_file(int fd, struct rdt_span bytes, struct rdt_err *err)
{
    while (bytes.n != 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rdt_fail(err, errno == ENOSPC ? RDT_E_FULL : RDT_E_IO, "write: %s",
                            strerror(errno));
        bytes = (struct rdt_span){bytes.p + n, bytes.n - (size_t)n};
    }
    return RDT_OK;
}

static enum rdt_code
take_body(int fd, uint64_t n, int to, struct rdt_buf *out, struct rdt_err *err)
{
    uint8_t piece[PIECE];
    enum rdt_code rc = RDT_OK;
    if (to < 0 && n > RDT_CONTROL_ANSWER_MAX)
        return rdt_fail(err, RDT_E_PROTOCOL, "the server's answer is too long");
    while (rc == RDT_OK && n != 0) {
        size_t now = n < sizeof piece ? (size_t)n : sizeof piece;
        rc = rdt_control_read(fd, -1, rdt_monotonic_ms() + ANSWER_MS, piece, now, err);
        if (rc == RDT_OK && to >= 0)
            rc = write_file(to, (struct rdt_span){piece, now}, err);
        else if (rc == RDT_OK)
            rdt_buf_add(out, piece, now);
        n -= now;
    }
    if (rc == RDT_OK && to < 0 && !rdt_buf_ok(out))
        rc = rdt_fail(err, RDT_E_NOMEM, "the server's answer");
    return rc;
}

static enum rdt_code
take_failure(int fd, const struct control_answer *answer, struct rdt_err *err)
{
    RDT_BUF body = {0};
    enum rdt_code rc = take_body(fd, answer->body_n, -1, &body, err);
    if (rc != RDT_OK)
        return rc;
    rdt_fail(err, answer->code, "the server refused");
    if (!rdt_control_failure_get(rdt_buf_span(&body), err))
        return rdt_fail(err, RDT_E_PROTOCOL, "the server's answer is malformed");
    return answer->code;
}

enum rdt_code
rdt_control_ask(const struct rdt_control_ask *ask, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_FD fd = -1;
    uint8_t head[CONTROL_ANSWER_HEAD];
    struct control_answer answer;
    enum rdt_code rc = connect_to(ask->dir, &fd, err);
    if (rc == RDT_OK)
        rc = send_request(fd, ask, err);
    if (rc == RDT_OK)
        rc = rdt_control_read(fd, -1, rdt_monotonic_ms() + ANSWER_MS, head, sizeof head, err);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_control_answer_head((struct rdt_span){head, sizeof head}, &answer))
        return rdt_fail(err, RDT_E_PROTOCOL, "the server's answer is malformed");
    return answer.code == RDT_OK ? take_body(fd, answer.body_n, ask->fd, out, err)
                                 : take_failure(fd, &answer, err);
}
