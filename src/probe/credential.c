#include "probe/credential.h"

#include "base/file.h"
#include "base/secret_file.h"

#include <stdlib.h>

#define ENV_FORM "env:"
#define FILE_FORM "file:"

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
    if (strlen(value) > RDT_SECRET_FILE_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "env:%s: longer than %zu bytes", name,
                        RDT_SECRET_FILE_MAX);
    return rdt_secret_copy(secret, rdt_span_str(value), err);
}

static enum rdt_code
from_file(const char *name, const char *folder, struct rdt_secret *secret, struct rdt_err *err)
{
    RDT_FD fd = -1;
    enum rdt_code rc = rdt_file_open_below(folder, name, &fd, err);
    return rc == RDT_OK ? rdt_secret_read_fd(fd, name, secret, err) : rc;
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
    if (rc != RDT_OK)
        rdt_secret_wipe(secret);
    return rc;
}
