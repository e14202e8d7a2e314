#include "work/source.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS 100 /* how soon a reader that waits sees that it has to stop */
#define PIPE_BYTES (1 << 20)

struct rdt_source {
    int fd;
    int64_t size;
    off_t base;                    /* where it began */
    struct rdt_producer *producer; /* borrowed, or NULL */
    atomic_bool stopped;
    char *name;
    uint8_t peeked[RDT_SOURCE_PEEK_MAX];
    size_t peeked_n, given; /* of them */
};

static enum rdt_code
make(int fd, const char *name, struct rdt_source **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_source_close_at) struct rdt_source *source = calloc(1, sizeof *source);
    if (source == NULL) {
        rdt_fd_close(&fd);
        return rdt_fail(err, RDT_E_NOMEM, "open %s", name);
    }
    source->fd = fd;
    source->size = -1;
    source->name = strdup(name);
    if (source->name == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "open %s", name);
    *out = RDT_STEAL(source);
    return RDT_OK;
}

/* What kind of descriptor it is, which becomes the source's. */
static enum rdt_code
look_at(int fd, const char *name, struct rdt_source **out, struct rdt_err *err)
{
    struct rdt_source *source = NULL;
    struct stat there;
    enum rdt_code rc = make(fd, name, &source, err);
    if (rc != RDT_OK)
        return rc;
    if (fstat(fd, &there) == 0 && S_ISDIR(there.st_mode)) {
        rdt_source_close(source);
        return rdt_fail(err, RDT_E_BADINPUT, "%s is a folder", name);
    }
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (S_ISREG(there.st_mode) && at >= 0)
        source->size = there.st_size > at ? there.st_size - at : 0;
    source->base = at < 0 ? 0 : at;
#ifdef F_SETPIPE_SZ
    if (S_ISFIFO(there.st_mode))
        (void)!fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* not allowed: slower */
#endif
    if (source->size >= 0)
        (void)!posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *out = source;
    return RDT_OK;
}

enum rdt_code
rdt_source_open(const char *path, struct rdt_source **out, struct rdt_err *err)
{
    bool input = path == NULL || strcmp(path, "-") == 0;
    const char *name = input ? "standard input" : path;
    int fd = input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                   : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return rdt_fail(err,
                        errno == ENOENT || errno == ENOTDIR ? RDT_E_NOTFOUND
                        : errno == EACCES                   ? RDT_E_DENIED
                                                            : RDT_E_IO,
                        "%s: %s", name, strerror(errno));
    return look_at(fd, name, out, err);
}

enum rdt_code
rdt_source_fd(int fd, const char *name, struct rdt_source **out, struct rdt_err *err)
{
    int ours = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (ours < 0 || lseek(ours, 0, SEEK_SET) != 0) {
        rdt_fd_close(&ours);
        return rdt_fail(err, RDT_E_IO, "%s: %s", name, strerror(errno));
    }
    return look_at(ours, name, out, err);
}

enum rdt_code
rdt_source_of(struct rdt_producer *producer, struct rdt_source **out, struct rdt_err *err)
{
    enum rdt_code rc = make(-1, "the command's output", out, err);
    if (rc == RDT_OK)
        (*out)->producer = producer;
    return rc;
}

const char *
rdt_source_name(const struct rdt_source *source)
{
    return source->name;
}

int64_t
rdt_source_size(const struct rdt_source *source)
{
    return source->size;
}

/* Until there is something to read, or somebody stops us. */
static bool
wait_for(struct rdt_source *source)
{
    struct pollfd in = {.fd = source->fd, .events = POLLIN};
    while (!atomic_load(&source->stopped) && source->size < 0) {
        if (poll(&in, 1, LOOK_MS) > 0)
            break;
    }
    return !atomic_load(&source->stopped);
}

static enum rdt_code
read_some(struct rdt_source *source, uint8_t *to, size_t n, size_t *got, struct rdt_err *err)
{
    *got = 0;
    if (source->producer != NULL)
        return rdt_producer_read(source->producer, to, n, got, err);
    for (;;) {
        if (!wait_for(source))
            return rdt_fail(err, RDT_E_STATE, "%s: stopped", source->name);
        ssize_t done = read(source->fd, to, n);
        if (done < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (done < 0)
            return rdt_fail(err, RDT_E_IO, "%s: %s", source->name, strerror(errno));
        *got = (size_t)done;
        return RDT_OK;
    }
}

enum rdt_code
rdt_source_fill(struct rdt_source *source, uint8_t *to, size_t n, size_t *got, struct rdt_err *err)
{
    size_t again = source->peeked_n - source->given;
    *got = again < n ? again : n;
    if (*got != 0)
        memcpy(to, source->peeked + source->given, *got);
    source->given += *got;
    while (*got < n) {
        size_t more;
        enum rdt_code rc = read_some(source, to + *got, n - *got, &more, err);
        if (rc != RDT_OK)
            return rc;
        if (more == 0)
            break;
        *got += more;
    }
    return RDT_OK;
}

enum rdt_code
rdt_source_peek(struct rdt_source *source, size_t n, struct rdt_span *out, struct rdt_err *err)
{
    if (n > sizeof source->peeked || source->peeked_n != 0)
        return rdt_fail(err, RDT_E_LIMIT, "peek");
    enum rdt_code rc = rdt_source_fill(source, source->peeked, n, &source->peeked_n, err);
    source->given = 0;
    *out = (struct rdt_span){source->peeked, source->peeked_n};
    return rc;
}

enum rdt_code
rdt_source_at(struct rdt_source *source, uint64_t offset, uint8_t *to, size_t n, size_t *got,
              struct rdt_err *err)
{
    *got = 0;
    if (source->size < 0)
        return rdt_fail(err, RDT_E_STATE, "%s: not a file that can be read out of order",
                        source->name);
    while (*got < n) {
        ssize_t more =
            pread(source->fd, to + *got, n - *got, source->base + (off_t)(offset + *got));
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return rdt_fail(err, RDT_E_IO, "%s: %s", source->name, strerror(errno));
        if (more == 0)
            break;
        *got += (size_t)more;
    }
    return RDT_OK;
}

void
rdt_source_stop(struct rdt_source *source)
{
    atomic_store(&source->stopped, true);
}

void
rdt_source_close(struct rdt_source *source)
{
    if (source == NULL)
        return;
    rdt_fd_close(&source->fd);
    free(source->name);
    free(source);
}

void
rdt_source_close_at(struct rdt_source **source)
{
    rdt_source_close(*source);
}
