#include "probe/path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
free_text(char **text)
{
    free(*text);
}

static enum rdt_code
fail_path(struct rdt_err *err, const char *name)
{
    enum rdt_code rc = errno == ENOMEM   ? RDT_E_NOMEM
                       : errno == EACCES ? RDT_E_DENIED
                                         : RDT_E_NOTFOUND;
    return rdt_fail(err, rc, "%s: %s", name, strerror(errno));
}

enum rdt_code
rdt_probe_path(const char *folder, const char *name, char out[static RDT_PROBE_PATH_MAX],
               struct rdt_err *err)
{
    char joined[RDT_PROBE_PATH_MAX];
    if (name[0] == '/')
        return rdt_fail(err, RDT_E_DENIED, "%s: not under the plan's folder", name);
    int n = snprintf(joined, sizeof joined, "%s/%s", folder[0] == '\0' ? "." : folder, name);
    if (n < 0 || (size_t)n >= sizeof joined)
        return rdt_fail(err, RDT_E_LIMIT, "path of %d bytes", n);
    RDT_AUTO(free_text) char *root = realpath(folder[0] == '\0' ? "." : folder, NULL);
    if (root == NULL)
        return fail_path(err, folder);
    RDT_AUTO(free_text) char *real = realpath(joined, NULL);
    if (real == NULL)
        return fail_path(err, name);
    size_t root_n = strlen(root);
    bool is_top = strcmp(root, "/") == 0;
    if (!is_top && (strncmp(real, root, root_n) != 0 || real[root_n] != '/'))
        return rdt_fail(err, RDT_E_DENIED, "%s: not under the plan's folder", name);
    n = snprintf(out, RDT_PROBE_PATH_MAX, "%s", real);
    if (n < 0 || n >= RDT_PROBE_PATH_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "path of %d bytes", n);
    return RDT_OK;
}
