/*
 * Segment files: made whole before they are needed. Zeroes are written, not only space reserved:
 * the first write into reserved space changes the file's extents, and so waits for the file
 * system's journal as well (docs/formats/audit.md, 7, has the figures).
 */
#include "store/audit_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define FILL                                                                                       \
    ((size_t)1 << 20) /* bytes written between two syncs: the appending thread is not held         \
                         up by a queue of ours */

static const uint8_t zeroes[FILL];

static enum rdt_code
code_of(int e)
{
    return e == ENOSPC || e == EDQUOT || e == EFBIG ? RDT_E_FULL : RDT_E_IO;
}

static enum rdt_code
fail_errno(struct rdt_err *err, const char *name)
{
    int e = errno;
    return rdt_fail(err, code_of(e), "%s: %s", name, strerror(e));
}

enum rdt_code
rdt_audit_write_at(int fd, const char *name, struct rdt_span bytes, uint64_t at,
                   struct rdt_err *err)
{
    while (bytes.n > 0) {
        ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, name);
        bytes.p += n;
        bytes.n -= (size_t)n;
        at += (uint64_t)n;
    }
    return RDT_OK;
}

enum rdt_code
rdt_audit_zero(int fd, const char *name, uint64_t at, uint64_t n, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    while (rc == RDT_OK && n > 0) {
        size_t step = n < FILL ? (size_t)n : FILL;
        rc = rdt_audit_write_at(fd, name, (struct rdt_span){zeroes, step}, at, err);
        at += step;
        n -= step;
    }
    return rc;
}

uint64_t
rdt_audit_reserve(uint64_t segment_bytes)
{
    uint64_t quarter = segment_bytes / 4;
    return quarter < RDT_AUDIT_RESERVE_BYTES ? quarter : RDT_AUDIT_RESERVE_BYTES;
}

/* ---- making one ---- */

static enum rdt_code
fill(int fd, const char *name, uint64_t bytes, struct rdt_err *err)
{
    /* Takes the space at once, or nothing; where a file system cannot, writing finds out. */
    if (fallocate(fd, 0, 0, (off_t)bytes) != 0 && errno != EOPNOTSUPP)
        return fail_errno(err, name);
    for (uint64_t at = 0; at < bytes; at += FILL) {
        uint64_t n = bytes - at < FILL ? bytes - at : FILL;
        enum rdt_code rc = rdt_audit_zero(fd, name, at, n, err);
        if (rc != RDT_OK)
            return rc;
        if (fdatasync(fd) != 0)
            return fail_errno(err, name);
    }
    return RDT_OK;
}

/* What an earlier process made and did not need. */
static bool
is_made(int fd, uint64_t bytes)
{
    struct stat st;
    uint8_t part[65536];
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != bytes ||
        (uint64_t)st.st_blocks * 512 < bytes)
        return false;
    for (uint64_t at = 0; at < bytes; at += sizeof part) {
        ssize_t n = pread(fd, part, sizeof part, (off_t)at);
        if (n <= 0 ||
            !rdt_span_eq((struct rdt_span){part, (size_t)n}, (struct rdt_span){zeroes, (size_t)n}))
            return false;
    }
    return fdatasync(fd) == 0;
}

enum rdt_code
rdt_audit_make(int dir, uint64_t number, uint64_t bytes, struct rdt_err *err)
{
    char name[AUDIT_NAME_LEN];
    rdt_audit_name(number, ".new", name);
    RDT_FD left = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (left >= 0 && is_made(left, bytes))
        return RDT_OK;
    unlinkat(dir, name, 0);
    RDT_FD fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_errno(err, name);
    enum rdt_code rc = fill(fd, name, bytes, err);
    if (rc != RDT_OK)
        unlinkat(dir, name, 0);
    return rc;
}

/* ---- in the background ---- */

static void *
run_maker(void *arg)
{
    struct audit_maker *maker = arg;
    maker->code = rdt_audit_make(maker->dir, maker->number, maker->bytes, &maker->err);
    atomic_store(&maker->ended, true);
    return NULL;
}

static bool
has_space(const struct rdt_audit *audit)
{
    struct statvfs st;
    return fstatvfs(audit->dir, &st) != 0 ||
           (uint64_t)st.f_bfree * st.f_frsize >= audit->segment_bytes;
}

static void
prepare(struct rdt_audit *audit)
{
    struct audit_maker *maker = &audit->maker;
    maker->dir = audit->dir;
    maker->number = audit->header.number + 1;
    maker->bytes = audit->segment_bytes;
    atomic_store(&maker->ended, false);
}

void
rdt_audit_next_start(struct rdt_audit *audit)
{
    struct audit_maker *maker = &audit->maker;
    if (maker->state != AUDIT_NOT_MADE)
        return;
    prepare(audit);
    int rc = pthread_create(&maker->thread, NULL, run_maker, maker);
    maker->state = rc == 0 ? AUDIT_BEING_MADE : AUDIT_FAILED;
    if (rc != 0)
        maker->code = rdt_fail(&maker->err, RDT_E_NOMEM, "a thread: %s", strerror(rc));
}

static void
join(struct audit_maker *maker)
{
    pthread_join(maker->thread, NULL);
    maker->state = maker->code == RDT_OK ? AUDIT_MADE : AUDIT_FAILED;
}

void
rdt_audit_next_forget(struct rdt_audit *audit)
{
    if (audit->maker.state == AUDIT_BEING_MADE)
        join(&audit->maker);
}

bool
rdt_audit_next_ready(struct rdt_audit *audit, bool wait, struct rdt_err *why)
{
    struct audit_maker *maker = &audit->maker;
    if (maker->state == AUDIT_BEING_MADE && (wait || atomic_load(&maker->ended)))
        join(maker);
    bool again = wait && (maker->state == AUDIT_NOT_MADE || maker->state == AUDIT_FAILED);
    if (again && !has_space(audit)) {
        maker->state = AUDIT_FAILED;
        maker->code = rdt_fail(&maker->err, RDT_E_FULL, "%s", strerror(ENOSPC));
    } else if (again) {
        prepare(audit);
        run_maker(maker);
        maker->state = maker->code == RDT_OK ? AUDIT_MADE : AUDIT_FAILED;
    }
    if (maker->state == AUDIT_FAILED && why != NULL)
        *why = maker->err;
    return maker->state == AUDIT_MADE;
}

/* ---- beginning one ---- */

enum rdt_code
rdt_audit_remember(struct rdt_audit *audit, uint64_t number, struct audit_inode inode,
                   struct rdt_err *err)
{
    if (number >= audit->cap_inodes) {
        size_t cap = number + 64;
        struct audit_inode *grown = reallocarray(audit->inodes, cap, sizeof *grown);
        if (grown == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "%zu segments", cap);
        audit->inodes = grown;
        audit->cap_inodes = cap;
    }
    audit->inodes[number] = inode;
    return RDT_OK;
}

static uint64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static enum rdt_code
put_header(struct rdt_audit *audit, uint64_t number, struct audit_header *header, uint8_t *bytes,
           struct rdt_err *err)
{
    RDT_SECRET key = {0};
    *header = (struct audit_header){.number = number,
                                    .bytes = audit->segment_bytes,
                                    .frame = audit->frame,
                                    .time_us = now_us(),
                                    .tree = audit->tree};
    memcpy(header->deployment, audit->header.deployment, sizeof header->deployment);
    memcpy(header->node, audit->header.node, sizeof header->node);
    memcpy(header->link, audit->link, sizeof header->link);
    enum rdt_code rc = rdt_secret_new(&key, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_audit_keys_header(&audit->keys, audit->worker, &key, err);
    if (rc == RDT_OK)
        rc = rdt_audit_header_put(header, audit->worker, &key, bytes, err);
    return rc;
}

/* The file gets its name when its header is on disk, so that a .seg always has one. */
static enum rdt_code
name_it(struct rdt_audit *audit, uint64_t number, const uint8_t *header, int *out,
        struct rdt_err *err)
{
    char made[AUDIT_NAME_LEN], name[AUDIT_NAME_LEN];
    struct stat st;
    rdt_audit_name(number, ".new", made);
    rdt_audit_name(number, ".seg", name);
    RDT_FD fd = openat(audit->dir, made, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail_errno(err, made);
    struct rdt_span bytes = {header, AUDIT_HEADER_LEN};
    enum rdt_code rc = rdt_audit_write_at(fd, made, bytes, 0, err);
    if (rc != RDT_OK)
        return rc;
    if (fdatasync(fd) != 0 || fstat(fd, &st) != 0)
        return fail_errno(err, made);
    rc = rdt_audit_remember(audit, number, (struct audit_inode){st.st_dev, st.st_ino}, err);
    if (rc != RDT_OK)
        return rc;
    if (renameat(audit->dir, made, audit->dir, name) != 0 || fsync(audit->dir) != 0)
        return fail_errno(err, name);
    *out = fd;
    fd = -1;
    return RDT_OK;
}

enum rdt_code
rdt_audit_begin(struct rdt_audit *audit, uint64_t number, struct rdt_err *err)
{
    uint8_t bytes[AUDIT_HEADER_LEN];
    struct audit_header header;
    struct rdt_err why = {0};
    int fd = -1;
    if (number >= AUDIT_SEGMENTS_TOP - 1)
        return rdt_fail(err, RDT_E_FULL, "the audit log has as many segments as it can have");
    enum rdt_code rc = put_header(audit, number, &header, bytes, &why);
    if (rc == RDT_OK)
        rc = name_it(audit, number, bytes, &fd, &why);
    audit->maker.state = AUDIT_NOT_MADE;
    if (rc == RDT_E_FULL || rc == RDT_E_NOMEM)
        return rdt_fail(err, RDT_E_FULL, "begin segment %u: %s", (unsigned)number, why.text);
    if (rc == RDT_OK)
        rc = rdt_audit_keys_segment(&audit->keys, audit->worker, &why);
    if (rc == RDT_OK)
        rc = rdt_audit_link(audit->worker, header.digest, header.mac, audit->link, &why);
    if (audit->fd >= 0)
        close(audit->fd);
    audit->fd = fd;
    if (rc != RDT_OK)
        return rdt_audit_die(audit, rc, err, "begin segment %u: %s", (unsigned)number, why.text);
    audit->header = header;
    audit->at = AUDIT_HEADER_LEN;
    rdt_audit_name(number, ".seg", audit->name);
    return RDT_OK;
}
