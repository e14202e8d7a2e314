#include "probe/path.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum rdt_code
rdt_probe_path(const char *folder, const char *name, char out[static RDT_PROBE_PATH_MAX],
               struct rdt_err *err)
{
    char link[64];
    RDT_FD fd = -1;
    enum rdt_code rc = rdt_file_open_below(folder, name, &fd, err);
    if (rc != RDT_OK)
        return rc;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd); /* where it really is: no link any more */
    ssize_t n = readlink(link, out, RDT_PROBE_PATH_MAX - 1);
    if (n <= 0)
        return rdt_fail(err, RDT_E_IO, "%s: %s", name, strerror(errno));
    out[n] = '\0';
    return RDT_OK;
}
