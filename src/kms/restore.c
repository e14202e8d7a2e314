/*
 * Restoring: store and root of a backup, the log of the lost server or a new one. What the log has
 * beyond the backup goes through one transaction, whose revision is above all that the log names:
 * the next start finds store and log to tell the same story.
 */
#include "kms/restore_internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "kms/state_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_BACK 100000 /* records before the checkpoint in which outbox entries are sought */

/* An outbox entry of the copy. */
struct entry {
    uint8_t id[16];
    struct rdt_buf record;
    uint64_t revision;
    bool logged;
};

struct restoring {
    const struct rdt_kms_opts *opts;
    struct rdt_restore *restore;
    struct rdt_kms *kms;
    struct rdt_worker *worker;
    struct replay replay;
    struct entry *entries;
    size_t n_entries, cap;
    uint64_t told; /* highest revision that log and outbox tell of */
};

static void
restoring_done(struct restoring *r)
{
    for (size_t i = 0; i < r->n_entries; i++)
        rdt_buf_done(&r->entries[i].record);
    free(r->entries);
    rdt_buf_done(&r->replay.keys);
    rdt_buf_done(&r->replay.principals);
    rdt_tx_drop(r->replay.tx);
    rdt_kms_close(r->kms);
    rdt_worker_close(r->worker);
}

/* ---- the lost server's log, copied ---- */

static bool
is_log_file(const char *name)
{
    size_t n = strlen(name);
    return strcmp(name, "audit.pub") == 0 ||
           (n == 12 && strspn(name, "0123456789") == 8 && strcmp(name + 8, ".seg") == 0);
}

static enum rdt_code
copy_bytes(int from, int to, const char *name, struct rdt_err *err)
{
    enum { PIECE = 256 * 1024 };
    uint8_t *piece = malloc(PIECE);
    enum rdt_code rc = piece != NULL ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "copy the log");
    while (rc == RDT_OK) {
        ssize_t n = read(from, piece, PIECE);
        if (n == 0)
            break;
        for (ssize_t at = 0, now; rc == RDT_OK && at < n; at += now) {
            now = write(to, piece + at, (size_t)(n - at));
            if (now <= 0)
                rc = rdt_fail(err, errno == ENOSPC ? RDT_E_FULL : RDT_E_IO, "write %s: %s", name,
                              strerror(errno));
        }
        if (n < 0)
            rc = rdt_fail(err, RDT_E_IO, "read %s: %s", name, strerror(errno));
    }
    free(piece);
    if (rc == RDT_OK && fsync(to) != 0)
        rc = rdt_fail(err, RDT_E_IO, "sync %s: %s", name, strerror(errno));
    return rc;
}

static enum rdt_code
copy_file(int from, int to, const char *name, struct rdt_err *err)
{
    struct stat info;
    RDT_FD in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    RDT_FD out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (in < 0 || out < 0 || fstat(in, &info) != 0 || !S_ISREG(info.st_mode))
        return rdt_fail(err, RDT_E_IO, "copy %s of the log", name);
    return copy_bytes(in, out, name, err);
}

static void
close_folder(DIR **folder)
{
    if (*folder != NULL)
        closedir(*folder);
}

static enum rdt_code
copy_log(const char *log, const char *dir, struct rdt_err *err)
{
    enum rdt_code rc = rdt_file_mkdirs(dir, err);
    if (rc != RDT_OK)
        return rc;
    RDT_AUTO(close_folder) DIR *from = opendir(log);
    RDT_FD to = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from == NULL)
        return rdt_fail(err, RDT_E_NOTFOUND, "%s: %s", log, strerror(errno));
    for (const struct dirent *entry; rc == RDT_OK && (entry = readdir(from)) != NULL;) {
        if (is_log_file(entry->d_name))
            rc = copy_file(dirfd(from), to, entry->d_name, err);
    }
    if (rc == RDT_OK && fsync(to) != 0)
        rc = rdt_fail(err, RDT_E_IO, "sync the log's copy");
    return rc;
}

static struct rdt_span
known(const struct rdt_restore *restore)
{
    return (struct rdt_span){restore->info->checkpoint, restore->info->checkpoint_n};
}

/* The whole log, by the key that the root has: nobody may have cut or changed it. */
static enum rdt_code
verify_log(struct restoring *r, struct rdt_err *err)
{
    struct rdt_audit_verdict verdict;
    enum rdt_code rc = rdt_audit_verify(r->kms->audit_dir, rdt_signer_public(r->kms->signer),
                                        r->restore->anchor, known(r->restore), &verdict, err);
    if (rc == RDT_OK && !verdict.fresh)
        rdt_buf_str(&r->restore->notes, "whether the end of the log is missing nobody can tell "
                                        "without a checkpoint kept elsewhere (--anchor)\n");
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "the audit log that was given");
}

/* ---- what it says ---- */

static enum rdt_code
take_entry(void *user, const struct rdt_outbox *entry, struct rdt_err *err)
{
    struct restoring *r = user;
    struct rdt_outbox check = *entry;
    enum rdt_code rc = rdt_log_outbox_mac(r->kms, r->worker, &check);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_same((struct rdt_span){check.mac, 32}, (struct rdt_span){entry->mac, 32}))
        return rdt_fail(err, RDT_E_TAMPERED, "an audit record in the store's outbox is not ours");
    if (r->n_entries == r->cap) {
        size_t cap = r->cap == 0 ? 64 : r->cap * 2;
        struct entry *more = reallocarray(r->entries, cap, sizeof *more);
        if (more == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "read the outbox");
        r->entries = more;
        r->cap = cap;
    }
    struct entry *one = &r->entries[r->n_entries++];
    *one = (struct entry){.logged = false};
    memcpy(one->id, entry->id, sizeof one->id);
    rdt_buf_add(&one->record, entry->record.p, entry->record.n);
    if (!rdt_buf_ok(&one->record))
        return rdt_fail(err, RDT_E_NOMEM, "read the outbox");
    struct rdt_audit_record record = {0};
    rc = rdt_record_get(&rdt_audit_record, entry->record, &record, err);
    one->revision = record.revision;
    rdt_record_done(&rdt_audit_record, &record);
    return rc;
}

static enum rdt_code
look_at(struct restoring *r, const struct rdt_audit_record *record, struct rdt_err *err)
{
    for (size_t i = 0; i < r->n_entries; i++)
        if (rdt_span_eq((struct rdt_span){r->entries[i].id, 16}, (struct rdt_span){record->id, 16}))
            r->entries[i].logged = true;
    if (record->time_ms > r->replay.newest_ms)
        r->replay.newest_ms = record->time_ms;
    if (record->revision > r->restore->highest)
        r->restore->highest = record->revision;
    if (record->revision > r->told)
        r->told = record->revision;
    return record->revision > r->restore->stored ? rdt_replay_record(&r->replay, record, err)
                                                 : RDT_OK;
}

static enum rdt_code
each_record(void *user, uint64_t index, struct rdt_span bytes, struct rdt_err *err)
{
    struct restoring *r = user;
    struct rdt_audit_record record = {0};
    enum rdt_code rc = rdt_record_get(&rdt_audit_record, bytes, &record, err);
    if (rc == RDT_OK)
        rc = look_at(r, &record, err);
    else if (rc != RDT_E_NOMEM) { /* of a later version; it may have changed anything */
        rdt_replay_why(r->restore, "record %llu of the log is not understood by this version",
                       (unsigned long long)index);
        rc = RDT_OK;
    }
    rdt_record_done(&rdt_audit_record, &record);
    return rc;
}

static enum rdt_code
read_log(struct restoring *r, struct rdt_err *err)
{
    struct rdt_checkpoint checkpoint;
    uint64_t from = 0;
    if (rdt_checkpoint_get(known(r->restore), &checkpoint)) {
        r->told = checkpoint.revision;
        from = checkpoint.size > LOOK_BACK ? checkpoint.size - LOOK_BACK : 0;
    }
    enum rdt_code rc = rdt_audit_each(r->kms->audit_dir, from, each_record, r, err);
    for (size_t i = 0; i < r->n_entries; i++)
        if (r->entries[i].revision == r->told + 1) /* oldest first */
            r->told++;
    if (rc != RDT_OK || r->told >= r->restore->stored)
        return rc;
    return rdt_fail(err, RDT_E_TAMPERED, "the log ends at change %llu, the backup is of %llu",
                    (unsigned long long)r->told, (unsigned long long)r->restore->stored);
}

/* Committed before the backup, and not in the log: it goes there now. */
static enum rdt_code
append_entries(struct restoring *r, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; rc == RDT_OK && i < r->n_entries; i++) {
        struct rdt_span record = rdt_buf_span(&r->entries[i].record);
        uint64_t first;
        if (!r->entries[i].logged)
            rc = rdt_audit_append(r->kms->audit, &record, 1, true, &first, err);
    }
    return rc;
}

/* ---- the one transaction ---- */

static void
put_record(const struct restoring *r, const struct rdt_outbox *entry, uint64_t revision,
           const uint8_t digest[static 32], struct rdt_buf *out)
{
    RDT_BUF parameters = {0};
    char text[RDT_STAMP_TEXT];
    rdt_stamp_text((int64_t)(r->restore->info->created_ms / 1000), text);
    rdt_pairs_add(&parameters, rdt_span_str("backup"), rdt_span_str(text));
    snprintf(text, sizeof text, "%llu", (unsigned long long)r->restore->stored);
    rdt_pairs_add(&parameters, rdt_span_str("revision"), rdt_span_str(text));
    struct rdt_audit_record record = {
        .type = RDT_AUDIT_SYSTEM,
        .time_ms = rdt_now() * 1000,
        .operation = (char *)"Restore",
        .reason = r->restore->why[0] == '\0' ? NULL : (char *)r->restore->why,
        .parameters = {parameters.p, parameters.n},
        .count = r->restore->withdrawn,
        .revision = revision,
    };
    memcpy(record.id, entry->id, sizeof record.id);
    memcpy(record.digest, digest, sizeof record.digest);
    rdt_record_put(&rdt_audit_record, &record, out);
    out->failed = out->failed || !rdt_buf_ok(&parameters);
}

static enum rdt_code
commit(struct restoring *r, struct rdt_err *err)
{
    RDT_BUF record = {0};
    RDT_BUF sent = {0};
    struct rdt_outbox entry = {0};
    uint64_t revision = 0, first;
    uint8_t digest[32];
    for (size_t i = 0; i < r->n_entries; i++)
        rdt_buf_add(&sent, r->entries[i].id, 16);
    rdt_tx_raise(r->replay.tx, r->restore->highest);
    enum rdt_code rc = rdt_tx_seal(r->replay.tx, r->worker, &revision, digest, err);
    if (rc == RDT_OK)
        rc = rdt_random(r->worker, entry.id, sizeof entry.id, err);
    if (rc != RDT_OK)
        return rc;
    put_record(r, &entry, revision, digest, &record);
    entry.record = rdt_buf_span(&record);
    if (!rdt_buf_ok(&record) || !rdt_buf_ok(&sent))
        return rdt_fail(err, RDT_E_NOMEM, "the record of a restore");
    rc = rdt_log_outbox_mac(r->kms, r->worker, &entry);
    if (rc != RDT_OK)
        return rdt_fail(err, rc, "authenticate the record of a restore");
    struct rdt_tx_records records = {&entry, 1, (const uint8_t(*)[16])sent.p, sent.n / 16};
    struct rdt_tx *tx = r->replay.tx;
    r->replay.tx = NULL; /* gone in either case */
    rc = rdt_tx_commit(tx, r->kms->store, &records, err);
    if (rc == RDT_OK)
        rc = rdt_audit_append(r->kms->audit, &entry.record, 1, true, &first, err);
    return rc == RDT_OK ? rdt_open_first_checkpoint(r->kms, revision, digest, err) : rc;
}

/* ---- all of it ---- */

static enum rdt_code
run(struct restoring *r, struct rdt_err *err)
{
    bool new_log = r->restore->log == NULL;
    char dir[PATH_MAX];
    uint8_t digest[32];
    int64_t now_ms = rdt_now() * 1000;
    if ((size_t)snprintf(dir, sizeof dir, "%s/audit", r->opts->data) >= sizeof dir)
        return rdt_fail(err, RDT_E_LIMIT, "the path is too long");
    enum rdt_code rc = rdt_worker_open(&r->worker, err);
    if (rc == RDT_OK && !new_log)
        rc = copy_log(r->restore->log, dir, err);
    if (rc == RDT_OK)
        rc = rdt_open_restored(r->opts, r->worker,
                               new_log ? (struct rdt_span){0} : known(r->restore), new_log, &r->kms,
                               err);
    if (rc == RDT_OK)
        rc = rdt_store_outbox(r->kms->store, take_entry, r, err);
    if (rc == RDT_OK)
        rc = rdt_tx_begin(r->kms->state, &r->replay.tx, err);
    if (rc != RDT_OK)
        return rc;
    rdt_state_published(r->kms->state, &r->restore->stored, digest);
    r->restore->highest = r->restore->stored;
    r->replay.restore = r->restore;
    r->replay.newest_ms = (int64_t)r->restore->info->created_ms;
    rdt_replay_begin(&r->replay);
    if (new_log)
        rdt_replay_why(r->restore,
                       "restored without the audit log: nobody knows what was withdrawn later");
    else
        rc = verify_log(r, err);
    if (rc == RDT_OK && !new_log)
        rc = read_log(r, err);
    if (rc == RDT_OK)
        rc = rdt_replay_end(&r->replay, now_ms, err);
    if (rc == RDT_OK)
        rc = append_entries(r, err);
    return rc == RDT_OK ? commit(r, err) : rc;
}

enum rdt_code
rdt_kms_restore(const struct rdt_kms_opts *opts, struct rdt_restore *restore, struct rdt_err *err)
{
    RDT_AUTO(restoring_done) struct restoring r = {.opts = opts, .restore = restore};
    return run(&r, err);
}

enum rdt_code
rdt_kms_verify(const struct rdt_kms_opts *opts, struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    struct rdt_kms *kms = NULL;
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = rdt_open_rows_alone(opts, worker, &kms, err);
    rdt_kms_close(kms);
    return rc;
}
