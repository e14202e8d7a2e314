#include "work/sink.h"

#include "base/buf.h"
#include "base/file.h"
#include "work/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTIAL ".partial"
#define PIPE_BYTES (1 << 20)
#define BEHIND ((uint64_t)8 << 20) /* the disk begins to write when so much is there */

struct rdt_sink {
    int fd;
    bool file, force, keep, finished;
    char *path, *partial;    /* of a file */
    uint64_t written, begun; /* begun: up to where the disk was told to write */
};

static enum rdt_code
fail_errno(struct rdt_err *err, const char *name, int error)
{
    enum rdt_code code = error == ENOSPC || error == EDQUOT || error == EFBIG  ? RDT_E_FULL
                         : error == EACCES || error == EPERM || error == EROFS ? RDT_E_DENIED
                         : error == ENOENT || error == ENOTDIR                 ? RDT_E_NOTFOUND
                                                                               : RDT_E_IO;
    return rdt_fail(err, code, "%s: %s", name, strerror(error));
}

static const char *
name_of(const struct rdt_sink *sink)
{
    return sink->path == NULL ? "standard output" : sink->path;
}

enum rdt_code
rdt_sync_folder(const char *path, struct rdt_err *err)
{
    RDT_BUF folder = {0};
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        rdt_buf_str(&folder, ".");
    else
        rdt_buf_add(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    const char *name = rdt_buf_cstr(&folder);
    if (name == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "sync a folder");
    RDT_FD fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL && errno != EROFS))
        return rdt_fail(err, RDT_E_IO, "%s: %s", name, strerror(errno));
    return RDT_OK;
}

/* OUT.partial, ours alone: a stale one is begun anew, one that is being written is left alone. */
static enum rdt_code
open_partial(struct rdt_sink *sink, struct rdt_err *err)
{
    struct stat at, there;
    sink->fd = open(sink->partial, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (sink->fd < 0)
        return fail_errno(err, sink->partial, errno);
    if (fstat(sink->fd, &at) != 0 || !S_ISREG(at.st_mode) || at.st_uid != geteuid() ||
        at.st_nlink != 1)
        return rdt_fail(err, RDT_E_STATE, "%s: not a file that was begun here", sink->partial);
    if (flock(sink->fd, LOCK_EX | LOCK_NB) != 0 || stat(sink->partial, &there) != 0 ||
        there.st_ino != at.st_ino || there.st_dev != at.st_dev)
        return rdt_fail(err, RDT_E_STATE, "%s: another process is writing it", sink->partial);
    sink->file = true; /* from here on it is ours to remove */
    if (fchmod(sink->fd, 0600) != 0 || ftruncate(sink->fd, 0) != 0)
        return fail_errno(err, sink->partial, errno);
    if (!sink->keep && !rdt_interrupt_file(sink->partial))
        return rdt_fail(err, RDT_E_LIMIT, "%s: the name is too long", sink->partial);
    return RDT_OK;
}

static enum rdt_code
refuse_there(const struct rdt_sink *sink, struct rdt_err *err)
{
    rdt_fail(err, RDT_E_STATE, "%s is there already", sink->path);
    rdt_hint(err, "--force puts the new file in its place, when that is whole");
    return RDT_E_STATE;
}

static enum rdt_code
open_named(struct rdt_sink *sink, const char *path, struct rdt_err *err)
{
    RDT_BUF partial = {0};
    struct stat there;
    rdt_buf_fmt(&partial, "%s" PARTIAL, path);
    sink->path = strdup(path);
    sink->partial = rdt_buf_cstr(&partial) == NULL ? NULL : strdup(rdt_buf_cstr(&partial));
    if (sink->path == NULL || sink->partial == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "open %s", path);
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) { /* a pipe, a tape, /dev/null */
        sink->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return sink->fd < 0 ? fail_errno(err, path, errno) : RDT_OK;
    }
    if (lstat(path, &there) == 0 && !sink->force)
        return refuse_there(sink, err);
    return open_partial(sink, err);
}

enum rdt_code
rdt_sink_open(const struct rdt_sink_opts *opts, struct rdt_sink **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_sink_close_at) struct rdt_sink *sink = calloc(1, sizeof *sink);
    enum rdt_code rc = RDT_OK;
    if (sink == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "open a result");
    *sink = (struct rdt_sink){.fd = -1, .force = opts->force, .keep = opts->keep_partial};
    if (opts->path == NULL || strcmp(opts->path, "-") == 0)
        sink->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    else
        rc = open_named(sink, opts->path, err);
    if (rc != RDT_OK)
        return rc;
    if (sink->fd < 0)
        return rdt_fail(err, RDT_E_IO, "standard output is closed");
    if (!opts->words && isatty(sink->fd)) {
        rdt_fail(err, RDT_E_STATE, "this is not for a terminal");
        rdt_hint(err, "-o FILE, or a pipe");
        return RDT_E_STATE;
    }
#ifdef F_SETPIPE_SZ
    (void)!fcntl(sink->fd, F_SETPIPE_SZ, PIPE_BYTES); /* no pipe, or not allowed: as it is */
#endif
    *out = RDT_STEAL(sink);
    return RDT_OK;
}

int
rdt_sink_fd(const struct rdt_sink *sink)
{
    return sink->fd;
}

bool
rdt_sink_is_file(const struct rdt_sink *sink)
{
    return sink->file;
}

uint64_t
rdt_sink_written(const struct rdt_sink *sink)
{
    return sink->written;
}

/* Where the other end is not blocking (a terminal's or parent's choice), wait for it. */
static bool
may_go_on(int fd)
{
    struct pollfd out = {.fd = fd, .events = POLLOUT};
    return errno == EINTR || (errno == EAGAIN && poll(&out, 1, -1) >= 0);
}

enum rdt_code
rdt_sink_write(struct rdt_sink *sink, struct rdt_span bytes, struct rdt_err *err)
{
    while (bytes.n != 0) {
        ssize_t n = write(sink->fd, bytes.p, bytes.n);
        if (n < 0 && may_go_on(sink->fd))
            continue;
        if (n < 0)
            return fail_errno(err, name_of(sink), errno);
        bytes.p += n;
        bytes.n -= (size_t)n;
        sink->written += (uint64_t)n;
    }
#ifdef SYNC_FILE_RANGE_WRITE
    if (sink->file && sink->written - sink->begun >= BEHIND) { /* so the sync has little to do */
        (void)!sync_file_range(sink->fd, (off_t)sink->begun, (off_t)(sink->written - sink->begun),
                               SYNC_FILE_RANGE_WRITE);
        sink->begun = sink->written;
    }
#endif
    return RDT_OK;
}

enum rdt_code
rdt_sink_sync(struct rdt_sink *sink, struct rdt_err *err)
{
    if (sink->file && fsync(sink->fd) != 0)
        return fail_errno(err, sink->partial, errno);
    return RDT_OK;
}

/* Under its name; without force only where nothing is. */
static enum rdt_code
give_name(struct rdt_sink *sink, struct rdt_err *err)
{
    if (sink->force) {
        if (rename(sink->partial, sink->path) == 0)
            return RDT_OK;
    } else {
        if (renameat2(AT_FDCWD, sink->partial, AT_FDCWD, sink->path, RENAME_NOREPLACE) == 0)
            return RDT_OK;
        if (errno == EEXIST)
            return refuse_there(sink, err);
        struct stat there; /* file systems without that flag */
        if ((errno == EINVAL || errno == ENOSYS) && lstat(sink->path, &there) != 0 &&
            rename(sink->partial, sink->path) == 0)
            return RDT_OK;
    }
    return fail_errno(err, sink->path, errno);
}

enum rdt_code
rdt_sink_finish(struct rdt_sink *sink, struct rdt_err *err)
{
    enum rdt_code rc = rdt_sink_sync(sink, err);
    if (rc != RDT_OK)
        return rc;
    if (!sink->file) {
        sink->finished = true;
        return RDT_OK;
    }
    rc = give_name(sink, err);
    if (rc != RDT_OK)
        return rc;
    sink->finished = true;
    (void)rdt_interrupt_file(NULL);
    return rdt_sync_folder(sink->path, err);
}

void
rdt_sink_close(struct rdt_sink *sink)
{
    if (sink == NULL)
        return;
    if (sink->file && !sink->finished && !sink->keep)
        unlink(sink->partial);
    if (sink->file)
        (void)rdt_interrupt_file(NULL);
    rdt_fd_close(&sink->fd);
    free(sink->path);
    free(sink->partial);
    free(sink);
}

void
rdt_sink_close_at(struct rdt_sink **sink)
{
    rdt_sink_close(*sink);
}
