/*
 * The control socket's thread: one peer after the other, each with one request. Only the server's
 * own user and root are heard; they could read the folder anyway.
 */
#include "server/control_internal.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 16
#define IDLE_MS 60000    /* between looks at shares that nobody completes */
#define EXHAUSTED_MS 100 /* out of descriptors: until somebody has closed some */

/* ---- one peer ---- */

static bool
is_trusted(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static enum rdt_code
read_request(struct control *control, int fd, struct control_request *request,
             struct rdt_secret *body, struct rdt_err *err)
{
    uint8_t head[CONTROL_REQUEST_HEAD];
    int64_t deadline = rdt_monotonic_ms() + CONTROL_READ_MS;
    enum rdt_code rc = rdt_control_read(fd, control->stop, deadline, head, sizeof head, err);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_control_request_head((struct rdt_span){head, sizeof head}, request))
        return rdt_fail(err, RDT_E_PROTOCOL, "that is no request");
    if (request->body_n == 0)
        return RDT_OK;
    rc = rdt_secret_new(body, request->body_n, err);
    return rc == RDT_OK
               ? rdt_control_read(fd, control->stop, deadline, body->p, request->body_n, err)
               : rc;
}

static void
answer(struct control *control, struct control_peer *peer, enum rdt_code code,
       const struct rdt_err *err)
{
    struct rdt_buf *out = &peer->out;
    uint8_t head[CONTROL_ANSWER_HEAD];
    int64_t deadline = rdt_monotonic_ms() + CONTROL_WRITE_MS;
    if (code != RDT_OK) {
        out->n = 0;
        rdt_control_failure_put(err, out);
    }
    if (!rdt_buf_ok(out))
        return; /* hung up: the peer says so */
    rdt_control_put_answer(&(struct control_answer){code, out->n}, head);
    if (rdt_control_write(peer->fd, control->stop, deadline, (struct rdt_span){head, sizeof head},
                          NULL) == RDT_OK)
        (void)!rdt_control_write(peer->fd, control->stop, deadline, rdt_buf_span(out), NULL);
}

static void
serve_peer(struct control *control, int fd)
{
    RDT_SECRET body = {0};
    struct control_peer peer = {.fd = fd};
    struct rdt_err err = {0};
    struct control_request request;
    enum rdt_code rc = RDT_OK;
    if (!is_trusted(fd))
        rc = rdt_fail(&err, RDT_E_DENIED, "only the server's user and root are heard here");
    if (rc == RDT_OK)
        rc = read_request(control, fd, &request, &body, &err);
    if (rc == RDT_OK)
        rc = rdt_control_do(control, &request, (struct rdt_span){body.p, body.n}, &peer, &err);
    if (!peer.written)
        answer(control, &peer, rc, &err);
    rdt_buf_done(&peer.out);
}

static void *
run(void *user)
{
    struct control *control = user;
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = control->listening, .events = POLLIN},
            {.fd = control->stop,      .events = POLLIN},
        };
        int n = poll(fds, 2, IDLE_MS);
        if (n > 0 && (fds[1].revents & POLLIN) != 0)
            return NULL;
        if (rdt_monotonic_ms() - control->shares_ms > CONTROL_SHARES_MS)
            rdt_control_forget(control);
        RDT_FD fd = n > 0 ? accept4(control->listening, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd >= 0)
            serve_peer(control, fd);
        else if (n > 0) /* who waits stays in the queue; without the pause this would spin */
            (void)poll(&fds[1], 1, EXHAUSTED_MS);
    }
}

/* ---- open, start, close ---- */

/* Two sealed servers would not meet at the store's lock before they are unsealed. */
static enum rdt_code
lock_folder(struct control *control, struct rdt_err *err)
{
    const char *dir = control->opts->data;
    control->folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (control->folder < 0)
        return rdt_fail(err, RDT_E_IO, "open %s: %s", dir, strerror(errno));
    if (flock(control->folder, LOCK_EX | LOCK_NB) != 0)
        return rdt_fail(err, RDT_E_STATE, "another process serves %s", dir);
    return RDT_OK;
}

/* What a killed server left is in the way; nobody listens there, since the folder is ours. */
static enum rdt_code
bind_socket(struct control *control, struct rdt_err *err)
{
    struct sockaddr_un address;
    struct stat info;
    bool there = fstatat(control->folder, RDT_CONTROL_SOCKET, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !S_ISSOCK(info.st_mode))
        return rdt_fail(err, RDT_E_STATE, "%s/" RDT_CONTROL_SOCKET " is in the way",
                        control->opts->data);
    if (there)
        (void)unlinkat(control->folder, RDT_CONTROL_SOCKET, 0);
    rdt_control_address(control->folder, &address);
    control->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    bool ok = control->listening >= 0 &&
              bind(control->listening, (const struct sockaddr *)&address, sizeof address) == 0;
    int why = errno;
    umask(before);
    control->bound = ok;
    if (!ok || listen(control->listening, BACKLOG) != 0)
        return rdt_fail(err, RDT_E_IO, "make %s/" RDT_CONTROL_SOCKET ": %s", control->opts->data,
                        strerror(why));
    return RDT_OK;
}

enum rdt_code
rdt_control_open(const struct rdt_serve_opts *opts, struct keys *keys, struct control **out,
                 struct rdt_err *err)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "make the control socket");
    *control =
        (struct control){.opts = opts, .keys = keys, .folder = -1, .listening = -1, .stop = -1};
    enum rdt_code rc = lock_folder(control, err);
    control->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rc == RDT_OK && control->stop < 0)
        rc = rdt_fail(err, RDT_E_IO, "make the control socket: %s", strerror(errno));
    if (rc == RDT_OK)
        rc = bind_socket(control, err);
    if (rc != RDT_OK) {
        rdt_control_close(control);
        return rc;
    }
    *out = control;
    return RDT_OK;
}

enum rdt_code
rdt_control_start(struct control *control, struct rdt_err *err)
{
    control->started = pthread_create(&control->thread, NULL, run, control) == 0;
    return control->started ? RDT_OK
                            : rdt_fail(err, RDT_E_NOMEM, "start the control socket's thread");
}

void
rdt_control_close(struct control *control)
{
    static const uint64_t one = 1;
    if (control == NULL)
        return;
    if (control->started && write(control->stop, &one, sizeof one) == (ssize_t)sizeof one)
        pthread_join(control->thread, NULL);
    rdt_control_forget(control);
    if (control->bound)
        (void)unlinkat(control->folder, RDT_CONTROL_SOCKET, 0);
    rdt_fd_close(&control->listening);
    rdt_fd_close(&control->stop);
    rdt_fd_close(&control->folder);
    free(control);
}
