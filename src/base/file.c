#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP ((size_t)64 * 1024)

void
rdt_fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static enum rdt_code
code_of_errno(int e)
{
    if (e == ENOENT || e == ENOTDIR)
        return RDT_E_NOTFOUND;
    if (e == EACCES || e == EPERM || e == EROFS)
        return RDT_E_DENIED;
    return e == ENOMEM ? RDT_E_NOMEM : RDT_E_IO;
}

static enum rdt_code
fail_errno(struct rdt_err *err, const char *path)
{
    int e = errno;
    return rdt_fail(err, code_of_errno(e), "%s: %s", path, strerror(e));
}

static enum rdt_code
read_all(int fd, const char *path, size_t max, struct rdt_buf *out, struct rdt_err *err)
{
    uint8_t step[READ_STEP];
    for (;;) {
        ssize_t n = read(fd, step, sizeof step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, path);
        if (n == 0)
            break;
        rdt_buf_add(out, step, (size_t)n);
        if (out->n > max)
            return rdt_fail(err, RDT_E_LIMIT, "%s: larger than %zu bytes", path, max);
    }
    if (!rdt_buf_ok(out))
        return rdt_fail(err, RDT_E_NOMEM, "%s", path);
    return RDT_OK;
}

enum rdt_code
rdt_file_read(const char *path, size_t max, struct rdt_buf *out, struct rdt_err *err)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", max, out, err);
    /* O_NONBLOCK: a FIFO in the file's place must not hang us; it is refused below. */
    RDT_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(err, path);
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(err, path);
    if (S_ISDIR(st.st_mode))
        return rdt_fail(err, RDT_E_BADINPUT, "%s: is a directory, a file was expected", path);
    if (!S_ISREG(st.st_mode))
        return rdt_fail(err, RDT_E_BADINPUT, "%s: is not a regular file", path);
    return read_all(fd, path, max, out, err);
}

/* Where a descriptor leads. Without /proc nobody can say, and nothing is read. */
static bool
real_path(int fd, char out[static PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    if (n <= 0)
        return false;
    out[n] = '\0';
    return true;
}

static bool
is_below(const char *folder, const char *path)
{
    size_t n = strlen(folder);
    if (n > 0 && folder[n - 1] == '/') /* the root itself */
        n--;
    return strncmp(folder, path, n) == 0 && path[n] == '/';
}

/* A regular file in the folder, not opened yet: to open a device or a FIFO can already do
 * something. */
static enum rdt_code
find_below(const char *folder, const char *name, int *out, struct rdt_err *err)
{
    char top[PATH_MAX], path[PATH_MAX];
    struct stat st;
    RDT_FD above = open(*folder == '\0' ? "." : folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (above < 0)
        return fail_errno(err, folder);
    RDT_FD found = *name == '/' ? -1 : openat(above, name, O_PATH | O_CLOEXEC);
    if (found < 0 && *name != '/')
        return fail_errno(err, name);
    if (*name == '/' || !real_path(above, top) || !real_path(found, path) || !is_below(top, path))
        return rdt_fail(err, RDT_E_BADINPUT, "%s leaves the plan's folder", name);
    if (fstat(found, &st) != 0)
        return fail_errno(err, name);
    if (S_ISDIR(st.st_mode))
        return rdt_fail(err, RDT_E_BADINPUT, "%s: is a directory, a file was expected", name);
    if (!S_ISREG(st.st_mode))
        return rdt_fail(err, RDT_E_BADINPUT, "%s: is not a regular file", name);
    *out = found;
    found = -1;
    return RDT_OK;
}

bool
rdt_file_is_below(const char *folder, const char *name)
{
    RDT_FD found = -1;
    return find_below(folder, name, &found, NULL) == RDT_OK;
}

enum rdt_code
rdt_file_open_below(const char *folder, const char *name, int *out, struct rdt_err *err)
{
    char again[64];
    RDT_FD found = -1;
    enum rdt_code rc = find_below(folder, name, &found, err);
    if (rc != RDT_OK)
        return rc;
    snprintf(again, sizeof again, "/proc/self/fd/%d", found);
    *out = open(again, O_RDONLY | O_CLOEXEC);
    return *out < 0 ? fail_errno(err, name) : RDT_OK;
}

enum rdt_code
rdt_file_read_below(const char *folder, const char *name, size_t max, struct rdt_buf *out,
                    struct rdt_err *err)
{
    RDT_FD fd = -1;
    enum rdt_code rc = rdt_file_open_below(folder, name, &fd, err);
    return rc == RDT_OK ? read_all(fd, name, max, out, err) : rc;
}

static enum rdt_code
write_all(int fd, const char *path, struct rdt_span bytes, struct rdt_err *err)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, path);
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return RDT_OK;
}

static enum rdt_code
sync_folder_of(const char *path, struct rdt_err *err)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", path);
    RDT_FD fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0 || fsync(fd) != 0)
        return fail_errno(err, path);
    return RDT_OK;
}

static enum rdt_code
write_beside(const char *path, const char *beside, mode_t mode, struct rdt_span bytes,
             struct rdt_err *err)
{
    unlink(beside); /* what an earlier process of our number left; O_EXCL: or somebody laid out */
    RDT_FD fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 && errno == ENOENT) /* not RDT_E_NOTFOUND: no input is wrong */
        return rdt_fail(err, RDT_E_IO, "%s: its folder does not exist", path);
    if (fd < 0)
        return fail_errno(err, path);
    enum rdt_code rc = write_all(fd, path, bytes, err);
    if (rc == RDT_OK && fsync(fd) != 0)
        rc = fail_errno(err, path);
    return rc;
}

/* A device, a pipe or a link: to be written to, never to be replaced by a file of that name. */
static bool
is_special(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static enum rdt_code
write_into(const char *path, struct rdt_span bytes, struct rdt_err *err)
{
    RDT_FD fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return rdt_fail(err, RDT_E_IO, "%s: is a link to nothing", path);
    if (fd < 0)
        return fail_errno(err, path);
    return write_all(fd, path, bytes, err);
}

enum rdt_code
rdt_file_write(const char *path, mode_t mode, struct rdt_span bytes, struct rdt_err *err)
{
    if (strcmp(path, "-") == 0)
        return write_all(STDOUT_FILENO, "standard output", bytes, err);
    if (is_special(path))
        return write_into(path, bytes, err);
    RDT_BUF name = {0};
    rdt_buf_fmt(&name, "%s.%ld.partial", path, (long)getpid());
    const char *beside = rdt_buf_cstr(&name);
    if (beside == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", path);
    enum rdt_code rc = write_beside(path, beside, mode, bytes, err);
    if (rc == RDT_OK && rename(beside, path) != 0)
        rc = fail_errno(err, path);
    if (rc != RDT_OK) {
        unlink(beside);
        return rc;
    }
    return sync_folder_of(path, err);
}

enum rdt_code
rdt_file_mkdirs(const char *path, struct rdt_err *err)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", path);
    enum rdt_code rc = RDT_OK;
    for (char *at = copy + 1; rc == RDT_OK && at[-1] != '\0'; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char was = *at;
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            rc = fail_errno(err, copy);
        *at = was;
    }
    free(copy);
    return rc;
}
