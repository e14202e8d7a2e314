#include "cli/backup_folder.h"

#include "base/file.h"
#include "kms/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESTORING ".restoring"

enum rdt_code
rdt_backup_folder_temporary(struct rdt_backup_folder *out, struct rdt_err *err)
{
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(out->path, sizeof out->path, "%s/redoubt-backup-XXXXXX",
                     tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (n > 0 && (size_t)n < sizeof out->path && mkdtemp(out->path) != NULL)
        return RDT_OK;
    out->path[0] = '\0';
    return rdt_fail(err, RDT_E_IO, "make a temporary folder: %s", strerror(errno));
}

/* Whether a folder has nothing but what an interrupted restore left; one that is not there has. */
static bool
is_free(const char *dir)
{
    DIR *folder = opendir(dir);
    bool nothing = folder != NULL || errno == ENOENT;
    const struct dirent *entry;
    while (folder != NULL && nothing && (entry = readdir(folder)) != NULL)
        nothing = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                  strcmp(entry->d_name, RESTORING) == 0;
    if (folder != NULL)
        closedir(folder);
    return nothing;
}

enum rdt_code
rdt_backup_folder_in(const char *dir, struct rdt_backup_folder *out, struct rdt_err *err)
{
    char path[PATH_MAX];
    if (!is_free(dir)) {
        rdt_fail(err, RDT_E_STATE, "%s is not an empty folder", dir);
        rdt_hint(err, "a backup is restored into a folder of its own");
        return RDT_E_STATE;
    }
    if ((size_t)snprintf(path, sizeof path, "%s/" RESTORING, dir) >= sizeof path)
        return rdt_fail(err, RDT_E_LIMIT, "the path is too long");
    rdt_folder_remove(dir, RESTORING);
    enum rdt_code rc = rdt_file_mkdirs(path, err);
    if (rc == RDT_OK)
        memcpy(out->path, path, sizeof path);
    return rc;
}

enum rdt_code
rdt_backup_folder_move_up(struct rdt_backup_folder *folder, const char *dir, struct rdt_err *err)
{
    return rdt_folder_move_in(folder->path, dir, err);
}

void
rdt_backup_folder_remove(struct rdt_backup_folder *folder)
{
    if (folder->path[0] != '\0')
        rdt_folder_remove(folder->path, ".");
    if (folder->path[0] != '\0')
        (void)rmdir(folder->path);
    folder->path[0] = '\0';
}

enum rdt_code
rdt_backup_sync_folder(const char *file, struct rdt_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", file);
    RDT_FD fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0
               ? RDT_OK
               : rdt_fail(err, RDT_E_IO, "sync the folder of %s: %s", file, strerror(errno));
}
