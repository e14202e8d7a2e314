/*
 * Reading a backup: from anywhere, so nothing is believed before its hash, and nothing is trusted
 * before its MAC.
 */
#include "kms/backup_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAC_LEN 32

struct rdt_backup_file {
    int fd;
    struct rdt_backup_info info;
    uint8_t head[RDT_BACKUP_HEAD_MAX];
    size_t head_n; /* with its MAC */
    struct rdt_buf root;
};

void
rdt_backup_file_close(struct rdt_backup_file *file)
{
    if (file == NULL)
        return;
    rdt_fd_close(&file->fd);
    rdt_buf_done(&file->root);
    free(file);
}

void
rdt_backup_file_close_at(struct rdt_backup_file **file)
{
    rdt_backup_file_close(*file);
}

const struct rdt_backup_info *
rdt_backup_file_info(const struct rdt_backup_file *file)
{
    return &file->info;
}

static enum rdt_code
same_hash(const uint8_t got[static RDT_SHA256_LEN], const struct rdt_backup_part *part,
          const char *what, struct rdt_err *err)
{
    if (rdt_same((struct rdt_span){got, RDT_SHA256_LEN},
                 (struct rdt_span){part->hash, RDT_SHA256_LEN}))
        return RDT_OK;
    return rdt_fail(err, RDT_E_TAMPERED, "%s is not what the backup says: it was changed", what);
}

static enum rdt_code
read_root(struct rdt_backup_file *file, struct rdt_err *err)
{
    struct backup_hash sum = {.chunks = {0}};
    uint8_t hash[RDT_SHA256_LEN];
    uint8_t *bytes = malloc((size_t)file->info.root.n);
    if (bytes == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "read a backup");
    enum rdt_code rc =
        rdt_backup_read_all(file->fd, file->head_n, bytes, (size_t)file->info.root.n, err);
    if (rc == RDT_OK)
        rdt_buf_add(&file->root, bytes, (size_t)file->info.root.n);
    free(bytes);
    if (rc == RDT_OK)
        rc = rdt_backup_hash_add(&sum, rdt_buf_span(&file->root), err);
    enum rdt_code end = rdt_backup_hash_end(&sum, hash, rc == RDT_OK ? err : NULL);
    rc = rc == RDT_OK ? end : rc;
    return rc == RDT_OK ? same_hash(hash, &file->info.root, "root.json", err) : rc;
}

static enum rdt_code
read_head(struct rdt_backup_file *file, struct rdt_err *err)
{
    struct stat info;
    if (fstat(file->fd, &info) != 0 || !S_ISREG(info.st_mode))
        return rdt_fail(err, RDT_E_BADINPUT, "not a file");
    uint64_t size = (uint64_t)info.st_size;
    size_t n = size < sizeof file->head ? (size_t)size : sizeof file->head;
    enum rdt_code rc = rdt_backup_read_all(file->fd, 0, file->head, n, err);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_backup_head((struct rdt_span){file->head, n}, &file->info, &file->head_n))
        return rdt_fail(err, RDT_E_BADINPUT, "not a backup that this version reads");
    if (size != file->head_n + file->info.root.n + file->info.store.n)
        return rdt_fail(
            err, RDT_E_BADINPUT, "%llu bytes, not the %llu of the backup: cut off?",
            (unsigned long long)size,
            (unsigned long long)(file->head_n + file->info.root.n + file->info.store.n));
    return RDT_OK;
}

enum rdt_code
rdt_backup_open(const char *path, struct rdt_backup_file **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_backup_file_close_at) struct rdt_backup_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "read a backup");
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us */
    if (file->fd < 0)
        return rdt_fail(err,
                        errno == ENOENT   ? RDT_E_NOTFOUND
                        : errno == EACCES ? RDT_E_DENIED
                                          : RDT_E_IO,
                        "%s: %s", path, strerror(errno));
    enum rdt_code rc = read_head(file, err);
    if (rc == RDT_OK)
        rc = read_root(file, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", path);
    *out = RDT_STEAL(file);
    return RDT_OK;
}

enum rdt_code
rdt_backup_unpack_root(const struct rdt_backup_file *file, const char *dir, struct rdt_err *err)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/root.json", dir) >= sizeof path)
        return rdt_fail(err, RDT_E_LIMIT, "the path is too long");
    return rdt_file_write(path, 0600, rdt_buf_span(&file->root), err);
}

enum rdt_code
rdt_backup_check(const struct rdt_backup_file *file, const struct rdt_root *root,
                 struct rdt_root_open *open, struct rdt_err *err)
{
    RDT_SECRET rows = {0};
    uint8_t mac[MAC_LEN];
    size_t n = file->head_n - MAC_LEN;
    if (!rdt_same((struct rdt_span){file->info.deployment, 16},
                  (struct rdt_span){rdt_root_deployment(root), 16}))
        return rdt_fail(err, RDT_E_TAMPERED, "the backup's root is of another deployment");
    enum rdt_code rc = rdt_root_get(root, open, "rows", &rows, err);
    if (rc == RDT_OK)
        rc = rdt_backup_mac(&rows, file->info.deployment, (struct rdt_span){file->head, n}, mac,
                            err);
    if (rc == RDT_OK && !rdt_same((struct rdt_span){mac, sizeof mac},
                                  (struct rdt_span){file->head + n, sizeof mac}))
        rc = rdt_fail(err, RDT_E_TAMPERED, "the backup was changed, or is of another root");
    return rc;
}

static enum rdt_code
write_all(int fd, struct rdt_span bytes, struct rdt_err *err)
{
    while (bytes.n != 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rdt_fail(err, errno == ENOSPC || errno == EDQUOT ? RDT_E_FULL : RDT_E_IO,
                            "write the store: %s", strerror(errno));
        bytes = (struct rdt_span){bytes.p + n, bytes.n - (size_t)n};
    }
    return RDT_OK;
}

static enum rdt_code
copy_store(const struct rdt_backup_file *file, int to, struct rdt_err *err) /* to -1: look at it */
{
    struct backup_hash sum = {.chunks = {0}};
    uint8_t hash[RDT_SHA256_LEN];
    uint64_t from = file->head_n + file->info.root.n;
    uint8_t *chunk = malloc(RDT_BACKUP_CHUNK);
    enum rdt_code rc = chunk != NULL ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "read a backup");
    for (uint64_t at = 0; rc == RDT_OK && at < file->info.store.n;) {
        uint64_t left = file->info.store.n - at;
        struct rdt_span bytes = {chunk, left < RDT_BACKUP_CHUNK ? (size_t)left : RDT_BACKUP_CHUNK};
        rc = rdt_backup_read_all(file->fd, from + at, chunk, bytes.n, err);
        if (rc == RDT_OK)
            rc = rdt_backup_hash_add(&sum, bytes, err);
        if (rc == RDT_OK && to >= 0)
            rc = write_all(to, bytes, err);
        at += bytes.n;
    }
    free(chunk);
    enum rdt_code end = rdt_backup_hash_end(&sum, hash, rc == RDT_OK ? err : NULL);
    rc = rc == RDT_OK ? end : rc;
    if (rc == RDT_OK)
        rc = same_hash(hash, &file->info.store, "the store", err);
    if (rc == RDT_OK && to >= 0 && fsync(to) != 0)
        rc = rdt_fail(err, RDT_E_IO, "sync the store: %s", strerror(errno));
    return rc;
}

enum rdt_code
rdt_backup_read(const struct rdt_backup_file *file, struct rdt_err *err)
{
    return copy_store(file, -1, err);
}

enum rdt_code
rdt_backup_unpack_store(const struct rdt_backup_file *file, const char *dir, struct rdt_err *err)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/store.db", dir) >= sizeof path)
        return rdt_fail(err, RDT_E_LIMIT, "the path is too long");
    RDT_FD to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return rdt_fail(err, errno == EEXIST ? RDT_E_STATE : RDT_E_IO, "%s: %s", path,
                        strerror(errno));
    enum rdt_code rc = copy_store(file, to, err);
    if (rc != RDT_OK)
        (void)unlink(path);
    return rc;
}
