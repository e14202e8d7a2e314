#include "store/audit_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t
clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- a log that can go on, or not ---- */

enum rdt_code
rdt_audit_die(struct rdt_audit *audit, enum rdt_code code, struct rdt_err *err, const char *fmt,
              ...)
{
    char text[RDT_ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    rdt_fail(&audit->dead, code, "%s", text);
    return rdt_fail(err, code, "%s", text);
}

static enum rdt_code
alive(const struct rdt_audit *audit, struct rdt_err *err)
{
    if (audit->dead.code != RDT_OK)
        rdt_fail(err, audit->dead.code, "the audit log is closed since: %s", audit->dead.text);
    return audit->dead.code;
}

/* ---- room ---- */

/* Where frames must end: the reserve is for administrators until there is a next segment. */
static uint64_t
room_end(struct rdt_audit *audit, bool privileged, bool next)
{
    uint64_t end = audit->header.bytes;
    return privileged || next ? end : end - rdt_audit_reserve(end);
}

static bool
fits(struct rdt_audit *audit, uint64_t n, bool privileged, bool next)
{
    return audit->at + n <= room_end(audit, privileged, next);
}

/* A write that found no space may have left a beginning; the next frame may be shorter. */
static enum rdt_code
clean_up(struct rdt_audit *audit, struct rdt_err *err)
{
    if (audit->dirty == 0)
        return RDT_OK;
    enum rdt_code rc = rdt_audit_zero(audit->fd, audit->name, audit->at, audit->dirty, err);
    if (rc == RDT_OK)
        audit->dirty = 0;
    return rc;
}

/* Room for a frame of n bytes, in the next segment if need be. */
static enum rdt_code
make_room(struct rdt_audit *audit, uint64_t n, bool privileged, struct rdt_err *err)
{
    struct rdt_err why = {0};
    enum rdt_code rc = clean_up(audit, err);
    if (rc != RDT_OK)
        return rc;
    if (audit->at + n > audit->header.bytes / 2)
        rdt_audit_next_start(audit);
    bool next = rdt_audit_next_ready(audit, false, NULL);
    if (fits(audit, n, privileged, next))
        return RDT_OK;
    if (!next)
        next = rdt_audit_next_ready(audit, true, &why);
    if (!next)
        return rdt_fail(err, RDT_E_FULL, "the next segment of the audit log cannot be made: %s",
                        why.text);
    if (fits(audit, n, privileged, next))
        return RDT_OK;
    return rdt_audit_begin(audit, audit->header.number + 1, err);
}

enum rdt_code
rdt_audit_room(struct rdt_audit *audit, struct rdt_err *err)
{
    enum rdt_code rc = alive(audit, err);
    if (rc != RDT_OK)
        return rc;
    return make_room(audit, AUDIT_FRAME_OVER + RDT_AUDIT_RECORD_MAX, false, err);
}

/* ---- one frame ---- */

static enum rdt_code
have_bytes(struct rdt_audit *audit, size_t n, struct rdt_err *err)
{
    if (n <= audit->cap)
        return RDT_OK;
    size_t cap = n < 65536 ? 65536 : n;
    uint8_t *grown = realloc(audit->bytes, cap);
    if (grown == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "a frame of the audit log");
    audit->bytes = grown;
    audit->cap = cap;
    return RDT_OK;
}

static void
count(struct rdt_audit *audit, const struct audit_frame *frame, uint64_t us)
{
    struct audit_counts *counts = &audit->counts;
    audit->sync_us = (7 * audit->sync_us + us) / 8;
    pthread_mutex_lock(&counts->lock);
    counts->sync_us[counts->sums.syncs++ % AUDIT_SYNCS_KEPT] =
        us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    counts->sums.records += frame->count;
    counts->sums.bytes += frame->n_payload + AUDIT_FRAME_OVER;
    pthread_mutex_unlock(&counts->lock);
}

/* Asks for no time: the kernel would then give each write a time of its own, and write it down. */
static bool
still_there(const struct rdt_audit *audit)
{
    struct statx st;
    return statx(audit->fd, "", AT_EMPTY_PATH, STATX_NLINK | STATX_SIZE, &st) == 0 &&
           st.stx_nlink != 0 && st.stx_size == audit->header.bytes;
}

/* To disk, and still where it belongs. */
static enum rdt_code
write_frame(struct rdt_audit *audit, const struct audit_frame *frame, struct rdt_err *err)
{
    struct rdt_err why = {0};
    struct rdt_span bytes = {audit->bytes, frame->n_payload + AUDIT_FRAME_OVER};
    uint64_t begin = clock_us(CLOCK_MONOTONIC);
    enum rdt_code rc = rdt_audit_write_at(audit->fd, audit->name, bytes, audit->at, &why);
    if (rc == RDT_E_FULL) { /* only where the file system could not reserve the segment */
        audit->dirty = bytes.n;
        return rdt_fail(err, rc, "%s", why.text);
    }
    if (rc != RDT_OK)
        return rdt_audit_die(audit, rc, err, "%s", why.text);
    /* After a failed sync nobody knows what is on disk, and a second one would not tell. */
    if (fdatasync(audit->fd) != 0)
        return rdt_audit_die(audit, RDT_E_IO, err, "%s: sync: %s", audit->name, strerror(errno));
    count(audit, frame, clock_us(CLOCK_MONOTONIC) - begin);
    if (!still_there(audit))
        return rdt_audit_die(audit, RDT_E_TAMPERED, err, "%s was removed or cut while in use",
                             audit->name);
    return RDT_OK;
}

/* What is counted on, only once it is on disk. */
static enum rdt_code
advance(struct rdt_audit *audit, const struct audit_frame *frame, struct rdt_err *err)
{
    struct rdt_err why = {0};
    enum rdt_code rc = rdt_audit_link(audit->worker, frame->digest, frame->mac, audit->link, &why);
    if (rc == RDT_OK)
        rc = rdt_audit_keys_frame(&audit->keys, audit->worker, &why);
    if (rc != RDT_OK)
        return rdt_audit_die(audit, rc, err, "%s", why.text);
    audit->at += frame->n_payload + AUDIT_FRAME_OVER;
    audit->frame++;
    return RDT_OK;
}

/* The payload is in its place. */
static enum rdt_code
append_frame(struct rdt_audit *audit, struct audit_frame *frame, struct rdt_err *err)
{
    frame->number = audit->frame;
    frame->first = audit->tree.size;
    memcpy(frame->tag, audit->header.mac, AUDIT_TAG_LEN);
    memcpy(frame->link, audit->link, RDT_SHA256_LEN);
    enum rdt_code rc = rdt_audit_frame_put(frame, audit->worker, &audit->keys, audit->bytes, err);
    if (rc == RDT_OK)
        rc = write_frame(audit, frame, err);
    return rc == RDT_OK ? advance(audit, frame, err) : rc;
}

/* ---- records ---- */

size_t
rdt_audit_payload_max(const struct rdt_audit *audit)
{
    uint64_t over = AUDIT_HEADER_LEN + rdt_audit_reserve(audit->segment_bytes) + AUDIT_FRAME_OVER;
    uint64_t room = audit->segment_bytes - over;
    return room < RDT_AUDIT_FRAME_MAX ? (size_t)room : RDT_AUDIT_FRAME_MAX;
}

static enum rdt_code
measure(const struct rdt_audit *audit, const struct rdt_span *records, size_t n, size_t *n_payload,
        struct rdt_err *err)
{
    size_t sum = 0, max = rdt_audit_payload_max(audit);
    for (size_t i = 0; i < n; i++) {
        if (records[i].n > RDT_AUDIT_RECORD_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "an audit record of %zu bytes", records[i].n);
        sum += 4 + records[i].n;
        if (sum > max)
            return rdt_fail(err, RDT_E_LIMIT, "audit records of more than %zu bytes at once", max);
    }
    *n_payload = sum;
    return RDT_OK;
}

static enum rdt_code
put_records(struct rdt_audit *audit, const struct rdt_span *records, size_t n, struct rdt_err *err)
{
    uint8_t *p = audit->bytes + AUDIT_HEAD_LEN;
    enum rdt_code rc = RDT_OK;
    audit->grown = audit->tree;
    for (size_t i = 0; rc == RDT_OK && i < n; i++) {
        uint32_t length = __builtin_bswap32((uint32_t)records[i].n);
        memcpy(p, &length, sizeof length);
        if (records[i].n != 0)
            memcpy(p + sizeof length, records[i].p, records[i].n);
        p += sizeof length + records[i].n;
        rc = rdt_merkle_add(&audit->grown, audit->worker, records[i], err);
    }
    return rc;
}

enum rdt_code
rdt_audit_append(struct rdt_audit *audit, const struct rdt_span *records, size_t n, bool privileged,
                 uint64_t *first, struct rdt_err *err)
{
    struct audit_frame frame = {.kind = AUDIT_RECORDS, .count = (uint32_t)n};
    enum rdt_code rc = alive(audit, err);
    *first = audit->tree.size;
    if (rc != RDT_OK || n == 0)
        return rc;
    rc = measure(audit, records, n, &frame.n_payload, err);
    if (rc == RDT_OK)
        rc = have_bytes(audit, frame.n_payload + AUDIT_FRAME_OVER, err);
    if (rc == RDT_OK)
        rc = make_room(audit, frame.n_payload + AUDIT_FRAME_OVER, privileged, err);
    if (rc == RDT_OK)
        rc = put_records(audit, records, n, err);
    if (rc == RDT_OK)
        rc = append_frame(audit, &frame, err);
    if (rc == RDT_OK)
        audit->tree = audit->grown;
    return rc;
}

/* ---- checkpoints ---- */

static enum rdt_code
make_checkpoint(struct rdt_audit *audit, struct rdt_checkpoint *checkpoint, struct rdt_err *err)
{
    memcpy(checkpoint->deployment, audit->header.deployment, sizeof checkpoint->deployment);
    memcpy(checkpoint->node, audit->header.node, sizeof checkpoint->node);
    checkpoint->frame = audit->frame;
    memcpy(checkpoint->link, audit->link, sizeof checkpoint->link);
    checkpoint->size = audit->tree.size;
    checkpoint->time_us = clock_us(CLOCK_REALTIME);
    enum rdt_code rc = rdt_merkle_root(&audit->tree, audit->worker, checkpoint->root, err);
    return rc == RDT_OK ? rdt_checkpoint_sign(checkpoint, audit->signer, err) : rc;
}

enum rdt_code
rdt_audit_checkpoint(struct rdt_audit *audit, uint64_t revision,
                     const uint8_t digest[static RDT_SHA256_LEN], struct rdt_buf *out,
                     struct rdt_err *err)
{
    struct audit_frame frame = {.kind = AUDIT_CHECKPOINT, .n_payload = AUDIT_CHECKPOINT_LEN};
    struct rdt_checkpoint checkpoint = {.revision = revision};
    RDT_BUF bytes = {0};
    memcpy(checkpoint.digest, digest, sizeof checkpoint.digest);
    enum rdt_code rc = alive(audit, err);
    if (rc == RDT_OK)
        rc = have_bytes(audit, AUDIT_CHECKPOINT_LEN + AUDIT_FRAME_OVER, err);
    if (rc == RDT_OK)
        rc = make_room(audit, AUDIT_CHECKPOINT_LEN + AUDIT_FRAME_OVER, true, err);
    if (rc == RDT_OK)
        rc = make_checkpoint(audit, &checkpoint, err);
    if (rc != RDT_OK)
        return rc;
    rdt_checkpoint_put(&checkpoint, &bytes);
    if (!rdt_buf_ok(&bytes))
        return rdt_fail(err, RDT_E_NOMEM, "a checkpoint");
    memcpy(audit->bytes + AUDIT_HEAD_LEN, bytes.p, bytes.n);
    rc = append_frame(audit, &frame, err);
    if (rc != RDT_OK)
        return rc;
    audit->last = checkpoint;
    audit->has_last = true;
    rdt_buf_add(out, bytes.p, bytes.n);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "a checkpoint");
}

/* ---- looking ---- */

int64_t
rdt_audit_sync_us(const struct rdt_audit *audit)
{
    return (int64_t)audit->sync_us;
}

uint64_t
rdt_audit_size(const struct rdt_audit *audit)
{
    return audit->tree.size;
}

bool
rdt_audit_last(const struct rdt_audit *audit, struct rdt_checkpoint *out)
{
    if (audit->has_last)
        *out = audit->last;
    return audit->has_last;
}

/* The folder is still the one under that name, and each segment is the file that it was. */
static bool
same_files(struct rdt_audit *audit, bool all, char name[static AUDIT_NAME_LEN])
{
    struct stat st;
    uint64_t number = all ? 0 : audit->header.number;
    for (; number <= audit->header.number; number++) {
        rdt_audit_name(number, ".seg", name);
        if (fstatat(audit->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            st.st_ino != audit->inodes[number].ino || st.st_dev != audit->inodes[number].dev)
            return false;
    }
    return (uint64_t)st.st_size == audit->header.bytes;
}

enum rdt_code
rdt_audit_intact(struct rdt_audit *audit, struct rdt_err *err)
{
    struct stat open_one, named;
    char name[AUDIT_NAME_LEN] = "";
    enum rdt_code rc = alive(audit, err);
    if (rc != RDT_OK)
        return rc;
    if (fstat(audit->dir, &open_one) != 0 || stat(audit->path, &named) != 0 ||
        open_one.st_ino != named.st_ino || open_one.st_dev != named.st_dev)
        return rdt_audit_die(audit, RDT_E_TAMPERED, err,
                             "the audit log's folder was removed or replaced while in use");
    bool changed = named.st_ctim.tv_sec != audit->looked.tv_sec ||
                   named.st_ctim.tv_nsec != audit->looked.tv_nsec;
    if (!same_files(audit, changed, name))
        return rdt_audit_die(audit, RDT_E_TAMPERED, err,
                             "%s was removed, replaced or cut while in use", name);
    audit->looked = named.st_ctim;
    return RDT_OK;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void
rdt_audit_stats(const struct rdt_audit *audit, struct rdt_audit_stats *out)
{
    /* the log is the same afterwards; its lock is not */
    struct audit_counts *counts = &((struct rdt_audit *)audit)->counts;
    uint32_t us[AUDIT_SYNCS_KEPT];
    pthread_mutex_lock(&counts->lock);
    *out = counts->sums;
    memcpy(us, counts->sync_us, sizeof us);
    pthread_mutex_unlock(&counts->lock);
    size_t n = out->syncs < AUDIT_SYNCS_KEPT ? (size_t)out->syncs : AUDIT_SYNCS_KEPT;
    if (n == 0)
        return;
    qsort(us, n, sizeof us[0], by_number);
    out->sync_us_p50 = us[n / 2];
    out->sync_us_p99 = us[n * 99 / 100];
}

void
rdt_audit_close(struct rdt_audit *audit)
{
    if (audit == NULL)
        return;
    rdt_audit_next_forget(audit);
    if (audit->fd >= 0)
        close(audit->fd);
    if (audit->dir >= 0)
        close(audit->dir);
    rdt_audit_keys_done(&audit->keys);
    rdt_worker_close(audit->worker);
    pthread_mutex_destroy(&audit->counts.lock);
    free(audit->path);
    free(audit->bytes);
    free(audit->inodes);
    free(audit);
}

void
rdt_audit_close_at(struct rdt_audit **audit)
{
    rdt_audit_close(*audit);
}
