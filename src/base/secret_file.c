#include "base/secret_file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS_MODE 077

static enum rdt_code
fail_errno(struct rdt_err *err, const char *path)
{
    int e = errno;
    enum rdt_code rc = e == ENOENT || e == ENOTDIR ? RDT_E_NOTFOUND
                       : e == EACCES || e == EPERM ? RDT_E_DENIED
                                                   : RDT_E_IO;
    return rdt_fail(err, rc, "%s: %s", path, strerror(e));
}

/*
 * A credential of the service manager (systemd's LoadCredential=) is readable through an ACL, whose
 * mask shows where the group's rights stand; its folder is closed to everybody else.
 */
static bool
is_managed(const char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    size_t n = folder == NULL ? 0 : strlen(folder);
    return n != 0 && folder[0] == '/' && strncmp(path, folder, n) == 0 && path[n] == '/' &&
           strchr(path + n + 1, '/') == NULL;
}

/* Asked of the open descriptor, so that nobody can swap the file between this look and the use. */
static enum rdt_code
check_file(int fd, const char *path, struct rdt_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(err, path);
    if (!S_ISREG(st.st_mode))
        return rdt_fail(err, RDT_E_BADINPUT, "%s: is not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return rdt_fail(err, RDT_E_DENIED, "%s: belongs to somebody else", path);
    mode_t refused = is_managed(path) ? OTHERS_MODE & ~0040 : OTHERS_MODE;
    if ((st.st_mode & refused) != 0) {
        rdt_fail(err, RDT_E_DENIED, "%s: its mode %04o gives rights to others", path,
                 (unsigned)st.st_mode & 07777);
        rdt_hint(err, "chmod 600 %s", path);
        return RDT_E_DENIED;
    }
    return RDT_OK;
}

static enum rdt_code
read_all(int fd, const char *path, struct rdt_secret *secret, struct rdt_err *err)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fd, secret->p + n, secret->n - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(err, path);
        n += (size_t)got;
        if (n > RDT_SECRET_FILE_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "%s: longer than %zu bytes", path,
                            RDT_SECRET_FILE_MAX);
        if (got == 0)
            break;
    }
    if (n > 0 && secret->p[n - 1] == '\n')
        n--;
    if (n > 0 && secret->p[n - 1] == '\r')
        n--;
    rdt_secret_cut(secret, n);
    if (n == 0)
        return rdt_fail(err, RDT_E_BADINPUT, "%s: is empty", path);
    if (memchr(secret->p, '\0', n) != NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "%s: holds a NUL byte", path);
    return RDT_OK;
}

static enum rdt_code
read_checked(int fd, const char *name, struct rdt_secret *secret, struct rdt_err *err)
{
    enum rdt_code rc = rdt_secret_new(secret, RDT_SECRET_FILE_MAX + 1, err);
    if (rc != RDT_OK)
        return rc;
    rc = read_all(fd, name, secret, err);
    if (rc != RDT_OK)
        rdt_secret_wipe(secret);
    return rc;
}

enum rdt_code
rdt_secret_read_fd(int fd, const char *name, struct rdt_secret *secret, struct rdt_err *err)
{
    enum rdt_code rc = check_file(fd, name, err);
    return rc == RDT_OK ? read_checked(fd, name, secret, err) : rc;
}

enum rdt_code
rdt_secret_read(const char *path, struct rdt_secret *secret, struct rdt_err *err)
{
    if (strcmp(path, "-") == 0)
        return read_checked(STDIN_FILENO, "standard input", secret, err);
    /* O_NONBLOCK: a FIFO in the file's place must not hang us; it is refused above */
    RDT_FD file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return file < 0 ? fail_errno(err, path) : rdt_secret_read_fd(file, path, secret, err);
}
