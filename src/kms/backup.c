/*
 * Making a backup. The store's copy lies in the service's own folder meanwhile: a server in its
 * sandbox can write nowhere else.
 */
#include "kms/backup_internal.h"

#include "base/file.h"
#include "kms/call_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COPY                                                                                       \
    ".backup."  /* what its files' names begin with; a sandbox removes files, no folders           \
                 */
#define TRIES 5 /* to copy the store while the root stays as it is */

struct rdt_backup {
    char *data;
    int store; /* the copy */
    struct rdt_backup_info info;
    struct rdt_buf root, head;
};

static enum rdt_code
path_of(char out[static PATH_MAX], const char *data, const char *name, struct rdt_err *err)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", data, name);
    return n > 0 && n < PATH_MAX ? RDT_OK : rdt_fail(err, RDT_E_LIMIT, "the path is too long");
}

static void
remove_copy(const char *data)
{
    DIR *folder = opendir(data);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, COPY, sizeof COPY - 1) == 0)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        closedir(folder);
}

static enum rdt_code
read_root(const char *data, struct rdt_buf *out, struct rdt_err *err)
{
    char path[PATH_MAX];
    enum rdt_code rc = path_of(path, data, "root.json", err);
    out->n = 0;
    return rc == RDT_OK ? rdt_file_read(path, RDT_ROOT_FILE_MAX, out, err) : rc;
}

/*
 * Rows and the domain keys that wrap them have to be of one moment: a rotation adds a domain key
 * before any row uses it and drops one when none does, so the root must not change while the store
 * is copied.
 */
static enum rdt_code
copy_both(struct rdt_kms *kms, struct rdt_backup *backup, const char *path, struct rdt_err *err)
{
    for (int i = 0; i < TRIES; i++) {
        RDT_BUF before = {0};
        enum rdt_code rc = read_root(backup->data, &before, err);
        if (rc == RDT_OK)
            rc = rdt_store_copy(kms->store, path, err);
        if (rc == RDT_OK)
            rc = read_root(backup->data, &backup->root, err);
        if (rc != RDT_OK)
            return rc;
        if (rdt_span_eq(rdt_buf_span(&before), rdt_buf_span(&backup->root)))
            return RDT_OK;
        remove_copy(backup->data);
    }
    return rdt_fail(err, RDT_E_STATE, "the root kept changing while the store was copied");
}

/* Opened once as a store: so it is one, and says which revision it has. */
static enum rdt_code
look_at_copy(struct rdt_backup *backup, const char *path, struct rdt_err *err)
{
    struct rdt_store *store = NULL;
    struct stat info;
    enum rdt_code rc = rdt_store_open(&(struct rdt_store_opts){.path = path}, &store, err);
    if (rc != RDT_OK)
        return rc;
    backup->info.revision = rdt_store_revision(store);
    rdt_store_close(store);
    backup->store = open(path, O_RDONLY | O_CLOEXEC);
    if (backup->store < 0 || fstat(backup->store, &info) != 0)
        return rdt_fail(err, RDT_E_IO, "read the copy of the store");
    backup->info.store.n = (uint64_t)info.st_size;
    return RDT_OK;
}

/* The store's copy, chunk by chunk; without a sink it is only hashed. */
static enum rdt_code
pass_store(struct rdt_backup *backup, uint8_t hash[static RDT_SHA256_LEN], rdt_backup_sink *sink,
           void *user, struct rdt_err *err)
{
    struct backup_hash sum = {.chunks = {0}};
    uint8_t *chunk = malloc(RDT_BACKUP_CHUNK);
    enum rdt_code rc = chunk != NULL ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "read the copy");
    for (uint64_t at = 0; rc == RDT_OK && at < backup->info.store.n;) {
        uint64_t left = backup->info.store.n - at;
        struct rdt_span bytes = {chunk, left < RDT_BACKUP_CHUNK ? (size_t)left : RDT_BACKUP_CHUNK};
        rc = rdt_backup_read_all(backup->store, at, chunk, bytes.n, err);
        if (rc == RDT_OK)
            rc = rdt_backup_hash_add(&sum, bytes, err);
        if (rc == RDT_OK && sink != NULL)
            rc = sink(user, bytes, err);
        at += bytes.n;
    }
    free(chunk);
    enum rdt_code end = rdt_backup_hash_end(&sum, hash, rc == RDT_OK ? err : NULL);
    return rc == RDT_OK ? end : rc;
}

static enum rdt_code
hash_root(struct rdt_backup *backup, struct rdt_err *err)
{
    struct backup_hash sum = {.chunks = {0}};
    backup->info.root.n = backup->root.n;
    enum rdt_code rc = rdt_backup_hash_add(&sum, rdt_buf_span(&backup->root), err);
    enum rdt_code end = rdt_backup_hash_end(&sum, backup->info.root.hash, err);
    return rc == RDT_OK ? end : rc;
}

static enum rdt_code
newest_checkpoint(struct rdt_kms *kms, struct rdt_backup_info *info, struct rdt_err *err)
{
    RDT_BUF bytes = {0};
    struct rdt_checkpoint checkpoint;
    enum rdt_code rc = rdt_audit_newest(kms->audit_dir, &checkpoint, err);
    if (rc == RDT_E_NOTFOUND)
        return RDT_OK; /* in the first second */
    if (rc != RDT_OK)
        return rc;
    rdt_checkpoint_put(&checkpoint, &bytes);
    if (!rdt_buf_ok(&bytes) || bytes.n > sizeof info->checkpoint)
        return rdt_fail(err, RDT_E_NOMEM, "a checkpoint");
    memcpy(info->checkpoint, bytes.p, bytes.n);
    info->checkpoint_n = bytes.n;
    return RDT_OK;
}

static enum rdt_code
make(struct rdt_kms *kms, struct rdt_backup *backup, struct rdt_err *err)
{
    char path[PATH_MAX];
    uint8_t mac[32];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    backup->info.created_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    memcpy(backup->info.deployment, kms->deployment, sizeof backup->info.deployment);
    snprintf(backup->info.version, sizeof backup->info.version, "%s", REDOUBT_VERSION);
    remove_copy(backup->data); /* what an interrupted one left */
    enum rdt_code rc = path_of(path, backup->data, COPY "db", err);
    if (rc == RDT_OK)
        rc = newest_checkpoint(kms, &backup->info, err);
    if (rc == RDT_OK)
        rc = copy_both(kms, backup, path, err);
    if (rc == RDT_OK)
        rc = look_at_copy(backup, path, err);
    if (rc == RDT_OK)
        rc = hash_root(backup, err);
    if (rc == RDT_OK)
        rc = pass_store(backup, backup->info.store.hash, NULL, NULL, err);
    if (rc != RDT_OK)
        return rc;
    rdt_backup_put_head(&backup->info, &backup->head);
    if (!rdt_buf_ok(&backup->head))
        return rdt_fail(err, RDT_E_NOMEM, "a backup's head");
    rc = rdt_backup_mac(&kms->rows, kms->deployment, rdt_buf_span(&backup->head), mac, err);
    rdt_buf_add(&backup->head, mac, sizeof mac);
    return rc;
}

enum rdt_code
rdt_backup_make(struct rdt_kms *kms, const char *data, struct rdt_backup **out, struct rdt_err *err)
{
    struct rdt_backup *backup = calloc(1, sizeof *backup);
    if (backup == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "a backup");
    backup->store = -1;
    backup->data = strdup(data);
    enum rdt_code rc =
        backup->data != NULL ? make(kms, backup, err) : rdt_fail(err, RDT_E_NOMEM, "a backup");
    if (rc == RDT_OK && !rdt_buf_ok(&backup->head))
        rc = rdt_fail(err, RDT_E_NOMEM, "a backup's head");
    if (rc != RDT_OK) {
        rdt_backup_close(backup);
        return rdt_fail_in(err, rc, "back up %s", data);
    }
    *out = backup;
    return RDT_OK;
}

uint64_t
rdt_backup_size(const struct rdt_backup *backup)
{
    return backup->head.n + backup->root.n + backup->info.store.n;
}

enum rdt_code
rdt_backup_send(struct rdt_backup *backup, rdt_backup_sink *sink, void *user, struct rdt_err *err)
{
    uint8_t hash[RDT_SHA256_LEN];
    enum rdt_code rc = sink(user, rdt_buf_span(&backup->head), err);
    if (rc == RDT_OK)
        rc = sink(user, rdt_buf_span(&backup->root), err);
    if (rc == RDT_OK)
        rc = pass_store(backup, hash, sink, user, err);
    if (rc == RDT_OK && !rdt_same((struct rdt_span){hash, sizeof hash},
                                  (struct rdt_span){backup->info.store.hash, sizeof hash}))
        rc = rdt_fail(err, RDT_E_TAMPERED, "the store's copy was changed while it was read");
    return rc;
}

void
rdt_backup_close(struct rdt_backup *backup)
{
    if (backup == NULL)
        return;
    rdt_fd_close(&backup->store);
    if (backup->data != NULL)
        remove_copy(backup->data);
    rdt_buf_done(&backup->root);
    rdt_buf_done(&backup->head);
    free(backup->data);
    free(backup);
}
