#include "probe/credential.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENV_FORM "env:"
#define FILE_FORM "file:"
#define OTHERS_MODE 077

static enum rdt_code
fail_file(struct rdt_err *err, const char *name)
{
    int e = errno;
    enum rdt_code rc = e == ENOENT || e == ENOTDIR               ? RDT_E_NOTFOUND
                       : e == EACCES || e == EPERM || e == ELOOP ? RDT_E_DENIED
                       : e == ENOMEM                             ? RDT_E_NOMEM
                                                                 : RDT_E_IO;
    return rdt_fail(err, rc, "%s: %s", name, strerror(e));
}

static bool
is_env_name(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    return n != 0 && name[n] == '\0';
}

static enum rdt_code
from_env(const char *name, struct rdt_secret *secret, struct rdt_err *err)
{
    if (!is_env_name(name))
        return rdt_fail(err, RDT_E_BADINPUT, "env: needs the name of a variable");
    const char *value = getenv(name);
    if (value == NULL || value[0] == '\0')
        return rdt_fail(err, RDT_E_NOTFOUND, "env:%s: the variable is not set", name);
    if (strlen(value) > RDT_CREDENTIAL_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "env:%s: longer than %zu bytes", name,
                        RDT_CREDENTIAL_MAX);
    return rdt_secret_copy(secret, rdt_span_str(value), err);
}

/* Asked of the open descriptor, so that nobody can swap the file between this look and the use. */
static enum rdt_code
check_rights(int fd, const char *name, struct rdt_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_file(err, name);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return rdt_fail(err, RDT_E_DENIED, "%s: belongs to somebody else", name);
    if ((st.st_mode & OTHERS_MODE) != 0) {
        rdt_fail(err, RDT_E_DENIED, "%s: its mode %04o gives rights to others", name,
                 (unsigned)st.st_mode & 07777);
        rdt_hint(err, "chmod 600 %s", name);
        return RDT_E_DENIED;
    }
    return RDT_OK;
}

static enum rdt_code
read_into(int fd, const char *name, struct rdt_secret *secret, struct rdt_err *err)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fd, secret->p + n, secret->n - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_file(err, name);
        n += (size_t)got;
        if (n > RDT_CREDENTIAL_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "%s: longer than %zu bytes", name,
                            RDT_CREDENTIAL_MAX);
        if (got == 0)
            break;
    }
    if (n > 0 && secret->p[n - 1] == '\n')
        n--;
    if (n > 0 && secret->p[n - 1] == '\r')
        n--;
    rdt_secret_cut(secret, n);
    return RDT_OK;
}

static enum rdt_code
from_file(const char *name, const char *folder, struct rdt_secret *secret, struct rdt_err *err)
{
    RDT_FD fd = -1;
    enum rdt_code rc = rdt_file_open_below(folder, name, &fd, err);
    if (rc == RDT_OK)
        rc = check_rights(fd, name, err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_secret_new(secret, RDT_CREDENTIAL_MAX + 1, err);
    return rc == RDT_OK ? read_into(fd, name, secret, err) : rc;
}

enum rdt_code
rdt_ref_secret(const char *ref, const char *folder, struct rdt_secret *secret, struct rdt_err *err)
{
    enum rdt_code rc;
    if (strncmp(ref, ENV_FORM, strlen(ENV_FORM)) == 0)
        rc = from_env(ref + strlen(ENV_FORM), secret, err);
    else if (strncmp(ref, FILE_FORM, strlen(FILE_FORM)) == 0)
        rc = from_file(ref + strlen(FILE_FORM), folder, secret, err);
    else
        rc = rdt_fail(err, RDT_E_BADINPUT, "a secret is referred to by env:NAME or file:PATH");
    if (rc == RDT_OK && secret->n == 0)
        rc = rdt_fail(err, RDT_E_BADINPUT, "%s: is empty", ref);
    if (rc == RDT_OK && memchr(secret->p, '\0', secret->n) != NULL)
        rc = rdt_fail(err, RDT_E_BADINPUT, "%s: holds a NUL byte", ref);
    if (rc != RDT_OK)
        rdt_secret_wipe(secret);
    return rc;
}
