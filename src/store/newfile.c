#include "store/newfile_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum rdt_code
rdt_newfile_code(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return RDT_E_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return RDT_E_DENIED;
    case EEXIST:
        return RDT_E_STATE;
    case ENOENT:
    case ENOTDIR:
        return RDT_E_NOTFOUND;
    case ENOMEM:
        return RDT_E_NOMEM;
    default:
        return RDT_E_IO;
    }
}

static enum rdt_code
fail_errno(struct rdt_err *err, const char *path)
{
    int e = errno;
    return rdt_fail(err, rdt_newfile_code(e), "%s: %s", path, strerror(e));
}

enum rdt_code
rdt_newfile_begin(const char *path, struct rdt_buf *beside, struct rdt_err *err)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        return rdt_fail(err, RDT_E_STATE, "%s: is there already", path);
    if (errno != ENOENT)
        return fail_errno(err, path);
    rdt_buf_fmt(beside, "%s.%ld.partial", path, (long)getpid());
    rdt_buf_add(beside, "", 1);
    if (!rdt_buf_ok(beside))
        return rdt_fail(err, RDT_E_NOMEM, "%s", path);
    unlink((const char *)beside->p); /* left by an earlier process of our number */
    RDT_FD fd =
        open((const char *)beside->p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? fail_errno(err, path) : RDT_OK;
}

enum rdt_code
rdt_newfile_write(const char *beside, struct rdt_span bytes, struct rdt_err *err)
{
    RDT_FD fd = open(beside, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail_errno(err, beside);
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, beside);
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return RDT_OK;
}

static enum rdt_code
sync_path(const char *path, int flags, struct rdt_err *err)
{
    RDT_FD fd = open(path, flags | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return fail_errno(err, path);
    return RDT_OK;
}

static enum rdt_code
sync_folder_of(const char *path, struct rdt_err *err)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", path);
    enum rdt_code rc = sync_path(dirname(copy), O_RDONLY | O_DIRECTORY, err);
    free(copy);
    return rc;
}

enum rdt_code
rdt_newfile_finish(const char *beside, const char *path, struct rdt_err *err)
{
    /* link(), not rename(): a file that came to be there meanwhile is not replaced. */
    enum rdt_code rc = sync_path(beside, O_RDWR, err);
    if (rc == RDT_OK && link(beside, path) != 0)
        rc = fail_errno(err, path);
    unlink(beside);
    return rc == RDT_OK ? sync_folder_of(path, err) : rc;
}
