#include "kms/folder.h"

#include "base/file.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool
rdt_folder_has(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    return n > 0 && (size_t)n < sizeof path && lstat(path, &info) == 0;
}

static int
remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

void
rdt_folder_remove(const char *dir, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n > 0 && (size_t)n < sizeof path)
        (void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

enum rdt_code
rdt_folder_move_in(const char *from, const char *dir, struct rdt_err *err)
{
    static const char *const parts[] = {"store.db", "audit", "root.json"}; /* the root last */
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char old[PATH_MAX + 16], new[PATH_MAX + 16];
        snprintf(old, sizeof old, "%s/%s", from, parts[i]);
        snprintf(new, sizeof new, "%s/%s", dir, parts[i]);
        if (rename(old, new) != 0)
            return rdt_fail(err, RDT_E_IO, "move %s into place", parts[i]);
        RDT_FD folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0 || fsync(folder) != 0)
            return rdt_fail(err, RDT_E_IO, "sync the folder");
    }
    return RDT_OK;
}
