#include "store/audit_scan_internal.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW ((size_t)1 << 20) /* bytes read at once */
#define SECTOR 512               /* bytes that a disk writes whole or not at all */
#define PUB_FILE_MAX ((size_t)4096)

/* ---- the folder ---- */

static bool
segment_of(const char *name, uint64_t *number)
{
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(name[i] - '0');
    }
    *number = n;
    return strcmp(name + 8, ".seg") == 0;
}

static void
close_folder(DIR **folder)
{
    if (*folder != NULL)
        closedir(*folder);
}

enum rdt_code
rdt_audit_list(int dir, uint64_t *n, struct rdt_err *err)
{
    RDT_FD again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    RDT_AUTO(close_folder) DIR *folder = again < 0 ? NULL : fdopendir(again);
    uint64_t number = 0, count = 0, top = 0;
    if (folder == NULL)
        return rdt_fail(err, RDT_E_IO, "the audit log's folder: %s", strerror(errno));
    again = -1; /* the folder's now */
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!segment_of(entry->d_name, &number))
            continue;
        count++;
        top = number + 1 > top ? number + 1 : top;
    }
    *n = count;
    for (number = 0; count != top && number < top; number++) {
        char name[AUDIT_NAME_LEN];
        rdt_audit_name(number, ".seg", name);
        if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
            return rdt_fail(err, RDT_E_TAMPERED, "%s is missing: the audit log goes on to %08u.seg",
                            name, (unsigned)(top - 1));
    }
    return RDT_OK;
}

enum rdt_code
rdt_audit_folder(const char *path, int *dir, uint64_t *n, struct rdt_err *err)
{
    RDT_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        bool none = errno == ENOENT || errno == ENOTDIR;
        enum rdt_code rc = errno == EACCES ? RDT_E_DENIED : RDT_E_IO;
        return rdt_fail(err, none ? RDT_E_NOTFOUND : rc, "%s: %s", path, strerror(errno));
    }
    enum rdt_code rc = rdt_audit_list(fd, n, err);
    if (rc == RDT_OK) {
        *dir = fd;
        fd = -1;
    }
    return rc;
}

enum rdt_code
rdt_audit_pub_read(const char *dir, struct audit_pub *out, struct rdt_err *err)
{
    RDT_BUF path = {0}, text = {0};
    rdt_buf_fmt(&path, "%s/" AUDIT_PUB_NAME, dir);
    const char *name = rdt_buf_cstr(&path);
    if (name == NULL)
        return rdt_fail(err, RDT_E_NOMEM, AUDIT_PUB_NAME);
    enum rdt_code rc = rdt_file_read(name, PUB_FILE_MAX, &text, err);
    if (rc == RDT_E_LIMIT || rc == RDT_E_BADINPUT ||
        (rc == RDT_OK && !rdt_audit_pub_get(rdt_buf_span(&text), out)))
        return rdt_fail(err, RDT_E_TAMPERED, AUDIT_PUB_NAME " is not what Redoubt wrote there");
    return rc;
}

/* ---- the window ---- */

/* n bytes at an offset; fewer at the end of the file. */
static enum rdt_code
look(struct audit_scan *scan, uint64_t at, size_t n, struct rdt_span *out, struct rdt_err *err)
{
    bool inside = at >= scan->window_at && at + n <= scan->window_at + scan->window_n;
    if (!inside && n > scan->window_cap) {
        size_t cap = n < WINDOW ? WINDOW : n;
        uint8_t *grown = realloc(scan->window, cap);
        if (grown == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "%s", scan->name);
        scan->window = grown;
        scan->window_cap = cap;
    }
    if (!inside) {
        scan->window_at = at;
        scan->window_n = 0;
    }
    while (!inside && scan->window_n < scan->window_cap) {
        ssize_t got = pread(scan->fd, scan->window + scan->window_n,
                            scan->window_cap - scan->window_n, (off_t)(at + scan->window_n));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return rdt_fail(err, RDT_E_IO, "%s: %s", scan->name, strerror(errno));
        if (got == 0)
            break;
        scan->window_n += (size_t)got;
    }
    size_t skip = (size_t)(at - scan->window_at), have = scan->window_n - skip;
    *out = (struct rdt_span){scan->window + skip, n < have ? n : have};
    return RDT_OK;
}

/* The file may have changed beside us. */
static void
forget(struct audit_scan *scan)
{
    scan->window_n = 0;
}

/* ---- a segment ---- */

void
rdt_audit_scan_close(struct audit_scan *scan)
{
    if (scan->fd >= 0)
        close(scan->fd);
    free(scan->window);
    *scan = (struct audit_scan){.fd = -1};
}

static enum rdt_code
read_header(struct audit_scan *scan, uint64_t number, struct rdt_err *err)
{
    struct stat st;
    struct rdt_span bytes;
    if (fstat(scan->fd, &st) != 0)
        return rdt_fail(err, RDT_E_IO, "%s: %s", scan->name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return rdt_fail(err, RDT_E_TAMPERED, "%s is not a regular file", scan->name);
    enum rdt_code rc = look(scan, 0, AUDIT_HEADER_LEN, &bytes, err);
    if (rc == RDT_OK)
        rc = rdt_audit_header_get(bytes, scan->worker, &scan->header, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", scan->name);
    if (scan->header.number != number)
        return rdt_fail(err, RDT_E_TAMPERED, "%s is segment %" PRIu64 " under another name",
                        scan->name, scan->header.number);
    if ((uint64_t)st.st_size != scan->header.bytes)
        return rdt_fail(err, RDT_E_TAMPERED, "%s has %" PRIu64 " bytes, it was made with %" PRIu64,
                        scan->name, (uint64_t)st.st_size, scan->header.bytes);
    scan->at = AUDIT_HEADER_LEN;
    scan->frame = scan->header.frame;
    scan->first = scan->header.tree.size;
    return rdt_audit_link(scan->worker, scan->header.digest, scan->header.mac, scan->link, err);
}

enum rdt_code
rdt_audit_scan_open(struct audit_scan *scan, struct rdt_worker *worker, int dir, uint64_t number,
                    struct rdt_err *err)
{
    if (scan->fd >= 0)
        close(scan->fd);
    forget(scan);
    scan->damaged = false;
    scan->worker = worker;
    rdt_audit_name(number, ".seg", scan->name);
    /* O_NONBLOCK: a FIFO in its place must not hang us */
    scan->fd = openat(dir, scan->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (scan->fd < 0 && errno == ENOENT)
        return rdt_fail(err, RDT_E_NOTFOUND, "%s: no such file", scan->name);
    if (scan->fd < 0 && errno == ELOOP)
        return rdt_fail(err, RDT_E_TAMPERED, "%s is a link", scan->name);
    if (scan->fd < 0)
        return rdt_fail(err, errno == EACCES ? RDT_E_DENIED : RDT_E_IO, "%s: %s", scan->name,
                        strerror(errno));
    return read_header(scan, number, err);
}

/* Whether a frame says that it stands where the scan is. */
static bool
belongs(const struct audit_scan *scan, const struct audit_frame *frame)
{
    struct rdt_span link = {scan->link, RDT_SHA256_LEN};
    return frame->number == scan->frame && frame->first == scan->first &&
           rdt_span_eq(link, (struct rdt_span){frame->link, RDT_SHA256_LEN});
}

static bool
is_ours(const struct audit_scan *scan, const struct audit_frame *frame)
{
    struct rdt_span tag = {scan->header.mac, AUDIT_TAG_LEN};
    return rdt_span_eq(tag, (struct rdt_span){frame->tag, AUDIT_TAG_LEN});
}

/* ok: a whole frame of this segment is there, wherever it belongs */
static enum rdt_code
try_frame(struct audit_scan *scan, struct audit_frame *frame, bool *ok, struct rdt_err *err)
{
    struct rdt_span bytes;
    enum rdt_code rc = look(scan, scan->at, AUDIT_HEAD_LEN, &bytes, err);
    if (rc == RDT_OK)
        rc = rdt_audit_head_get(bytes, scan->worker, frame, ok, err);
    if (rc == RDT_OK && *ok)
        rc = look(scan, scan->at, frame->n_payload + AUDIT_FRAME_OVER, &bytes, err);
    if (rc == RDT_OK && *ok)
        rc = rdt_audit_frame_get(bytes, scan->worker, frame, ok, err);
    *ok = rc == RDT_OK && *ok && is_ours(scan, frame);
    return rc;
}

static enum rdt_code
take_frame(struct audit_scan *scan, struct audit_frame *frame, struct rdt_err *err)
{
    if (!belongs(scan, frame))
        return rdt_fail(err, RDT_E_TAMPERED,
                        "%s, byte %" PRIu64 ": frame %" PRIu64 " (record %" PRIu64
                        ") does not follow on what is before it; frame %" PRIu64 " (record %" PRIu64
                        ") was expected",
                        scan->name, scan->at, frame->number, frame->first, scan->frame,
                        scan->first);
    scan->at += frame->n_payload + AUDIT_FRAME_OVER;
    scan->frame++;
    scan->first += frame->count;
    return rdt_audit_link(scan->worker, frame->digest, frame->mac, scan->link, err);
}

/* ---- the end of a segment ---- */

static bool
all_zero(struct rdt_span bytes)
{
    uint64_t any = 0, word;
    size_t i = 0;
    for (; i + sizeof word <= bytes.n; i += sizeof word) {
        memcpy(&word, bytes.p + i, sizeof word);
        any |= word;
    }
    for (; i < bytes.n; i++)
        any |= bytes.p[i];
    return any == 0;
}

enum rdt_code
rdt_audit_scan_dirty(struct audit_scan *scan, uint64_t *end, struct rdt_err *err)
{
    struct rdt_span bytes;
    *end = scan->at;
    for (uint64_t at = scan->at; at < scan->header.bytes; at += bytes.n) {
        enum rdt_code rc = look(scan, at, WINDOW, &bytes, err);
        if (rc != RDT_OK)
            return rc;
        if (bytes.n == 0)
            break;
        size_t n = all_zero(bytes) ? 0 : bytes.n;
        while (n > 0 && bytes.p[n - 1] == 0)
            n--;
        if (n > 0)
            *end = at + n;
    }
    return RDT_OK;
}

/* Whether a later frame of this segment stands somewhere in the bytes: then the one at their start
 * was acknowledged, and is damaged or gone. Its tag is part of a MAC, so that no client can have
 * put a record there that looks like one. */
static enum rdt_code
find_later(struct audit_scan *scan, struct rdt_span bytes, bool *found, struct rdt_err *err)
{
    struct audit_frame frame;
    enum rdt_code rc = RDT_OK;
    *found = false;
    for (size_t i = 1; rc == RDT_OK && !*found && i + AUDIT_HEAD_LEN <= bytes.n; i++) {
        const uint8_t *p = memchr(bytes.p + i, 'R', bytes.n - AUDIT_HEAD_LEN - i + 1);
        if (p == NULL)
            break;
        i = (size_t)(p - bytes.p);
        struct rdt_span tag = {p + 4, AUDIT_TAG_LEN};
        if (!rdt_span_eq(tag, (struct rdt_span){scan->header.mac, AUDIT_TAG_LEN}))
            continue;
        struct rdt_span head = {p, AUDIT_HEAD_LEN};
        rc = rdt_audit_head_get(head, scan->worker, &frame, found, err);
    }
    return rc;
}

/* Whether some sector of the bytes, which begin at an offset, is as it was before: zero. */
static bool
lacks_sector(struct rdt_span bytes, uint64_t at)
{
    while (bytes.n > 0) {
        size_t n = SECTOR - (size_t)(at % SECTOR);
        n = n < bytes.n ? n : bytes.n;
        if (all_zero((struct rdt_span){bytes.p, n}))
            return true;
        bytes.p += n;
        bytes.n -= n;
        at += n;
    }
    return false;
}

/* Whether the bytes, the last of which is not zero, are what a crash leaves of the one frame that
 * was being written: its beginning, or a part of its sectors. A frame that is all there, but
 * damaged, is not: it may have been acknowledged. */
static enum rdt_code
is_torn(struct audit_scan *scan, struct rdt_span bytes, bool *torn, struct rdt_err *err)
{
    struct audit_frame frame;
    bool head = false;
    *torn = bytes.n < AUDIT_HEAD_LEN;
    if (*torn)
        return RDT_OK;
    enum rdt_code rc = rdt_audit_head_get((struct rdt_span){bytes.p, AUDIT_HEAD_LEN}, scan->worker,
                                          &frame, &head, err);
    size_t whole = frame.n_payload + AUDIT_FRAME_OVER;
    if (head && (!is_ours(scan, &frame) || !belongs(scan, &frame) || bytes.n > whole))
        return rc;
    *torn = (head && bytes.n < whole) || lacks_sector(bytes, scan->at);
    return rc;
}

static enum rdt_code
judge_end(struct audit_scan *scan, enum audit_step *step, struct rdt_err *err)
{
    uint64_t end = 0;
    struct rdt_span bytes;
    bool later = false, torn = false;
    enum rdt_code rc = rdt_audit_scan_dirty(scan, &end, err);
    *step = end == scan->at ? AUDIT_END : AUDIT_TORN;
    if (rc != RDT_OK || *step == AUDIT_END)
        return rc;
    if (end - scan->at > RDT_AUDIT_FRAME_MAX + AUDIT_FRAME_OVER)
        return rdt_fail(err, RDT_E_TAMPERED,
                        "%s, byte %" PRIu64 ": frame %" PRIu64 " is damaged, and more follows",
                        scan->name, scan->at, scan->frame);
    rc = look(scan, scan->at, (size_t)(end - scan->at), &bytes, err);
    if (rc == RDT_OK)
        rc = find_later(scan, bytes, &later, err);
    if (rc == RDT_OK && !later)
        rc = is_torn(scan, bytes, &torn, err);
    if (rc == RDT_OK && !torn)
        return rdt_fail(err, RDT_E_TAMPERED, "%s, byte %" PRIu64 ": frame %" PRIu64 " is %s",
                        scan->name, scan->at, scan->frame,
                        later ? "damaged or gone, and later ones follow" : "damaged");
    return rc;
}

enum rdt_code
rdt_audit_scan_next(struct audit_scan *scan, struct audit_frame *frame, enum audit_step *step,
                    struct rdt_err *err)
{
    struct rdt_err why = {0}; /* told only when it stays so */
    bool ok = false;
    *step = AUDIT_FRAME;
    enum rdt_code rc = try_frame(scan, frame, &ok, &why);
    if (rc == RDT_OK && ok)
        return take_frame(scan, frame, err);
    if (rc == RDT_OK)
        rc = judge_end(scan, step, &why);
    if (rc == RDT_OK && *step == AUDIT_END)
        return rc;
    if (rc == RDT_OK || rc == RDT_E_TAMPERED) {
        /* The log may be written beside us: what looked like half a frame may be one by now. */
        forget(scan);
        enum rdt_code again = try_frame(scan, frame, &ok, NULL);
        if (again == RDT_OK && ok) {
            *step = AUDIT_FRAME;
            scan->damaged = false;
            return take_frame(scan, frame, err);
        }
        scan->damaged = rc == RDT_E_TAMPERED;
    }
    if (rc != RDT_OK && err != NULL)
        *err = why;
    return rc;
}

/* ---- what it adds up to ---- */

static enum rdt_code
walk_records(struct audit_walk *walk, const struct audit_frame *frame, struct rdt_err *err)
{
    struct rdt_span payload = frame->payload, record;
    enum rdt_code rc = RDT_OK;
    uint32_t count = 0;
    for (; rc == RDT_OK && rdt_audit_record_take(&payload, &record); count++)
        rc = rdt_merkle_add(&walk->tree, walk->worker, record, err);
    if (rc == RDT_OK && (payload.n != 0 || count != frame->count))
        rc = rdt_fail(err, RDT_E_TAMPERED, "the records of frame %" PRIu64 " are malformed",
                      frame->number);
    return rc;
}

static bool
says_the_same(const struct audit_walk *walk, const struct audit_frame *frame,
              const struct rdt_checkpoint *got, const uint8_t *root)
{
    const struct rdt_span pairs[][2] = {
        {{got->deployment, 16},       {walk->deployment, 16}       },
        {{got->node, 16},             {walk->node, 16}             },
        {{got->link, RDT_SHA256_LEN}, {frame->link, RDT_SHA256_LEN}},
        {{got->root, RDT_SHA256_LEN}, {root, RDT_SHA256_LEN}       },
    };
    for (size_t i = 0; i < RDT_COUNT(pairs); i++)
        if (!rdt_span_eq(pairs[i][0], pairs[i][1]))
            return false;
    return got->frame == frame->number && got->size == walk->tree.size;
}

enum rdt_code
rdt_audit_walk_frame(struct audit_walk *walk, const struct audit_frame *frame, struct rdt_err *err)
{
    struct rdt_checkpoint got;
    uint8_t root[RDT_SHA256_LEN];
    if (frame->kind == AUDIT_RECORDS)
        return walk_records(walk, frame, err);
    enum rdt_code rc = rdt_merkle_root(&walk->tree, walk->worker, root, err);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_checkpoint_get(frame->payload, &got) || !says_the_same(walk, frame, &got, root))
        return rdt_fail(err, RDT_E_TAMPERED,
                        "the checkpoint in frame %" PRIu64 " does not say what the %" PRIu64
                        " records before it are",
                        frame->number, walk->tree.size);
    walk->last = got;
    walk->checkpoints++;
    return RDT_OK;
}
