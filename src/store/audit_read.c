/*
 * Reading a log without its keys: each, prove. Beside a running server, so the end may move.
 */
#include "base/file.h"
#include "store/audit_scan_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

/* A folder that is being read. */
struct reading {
    const char *path;
    int dir;
    struct rdt_worker *worker;
    struct audit_scan scan;
    uint64_t n_segments; /* when it was opened */
};

static void
reading_close(struct reading *r)
{
    rdt_audit_scan_close(&r->scan);
    rdt_worker_close(r->worker);
    rdt_fd_close(&r->dir);
}

#define READING RDT_AUTO(reading_close) struct reading

static enum rdt_code
reading_open(struct reading *r, const char *path, struct rdt_err *err)
{
    *r = (struct reading){.path = path, .dir = -1, .scan = {.fd = -1}};
    enum rdt_code rc = rdt_audit_folder(path, &r->dir, &r->n_segments, err);
    if (rc == RDT_OK && r->n_segments == 0)
        rc = rdt_fail(err, RDT_E_NOTFOUND, "%s: there is no audit log", path);
    return rc == RDT_OK ? rdt_worker_open(&r->worker, err) : rc;
}

static enum rdt_code
open_segment(struct reading *r, uint64_t number, struct rdt_err *err)
{
    return rdt_audit_scan_open(&r->scan, r->worker, r->dir, number, err);
}

/* The segment with a record: the last one whose records do not all come later. */
static enum rdt_code
seek(struct reading *r, uint64_t index, struct rdt_err *err)
{
    uint64_t low = 0, high = r->n_segments;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        enum rdt_code rc = open_segment(r, middle, err);
        if (rc != RDT_OK)
            return rc;
        if (r->scan.header.tree.size <= index)
            low = middle;
        else
            high = middle;
    }
    return open_segment(r, low, err);
}

/* The link and place that the next segment must go on from. */
static bool
follows(const struct audit_header *header, uint64_t frame, uint64_t first, const uint8_t *link)
{
    return header->frame == frame && header->tree.size == first &&
           rdt_span_eq((struct rdt_span){header->link, RDT_SHA256_LEN},
                       (struct rdt_span){link, RDT_SHA256_LEN});
}

/* On to the segment after this one; *more is false when there is none. What was the end of this
 * one may have been written on before the next was begun: then we stay, and go on reading. */
static enum rdt_code
next_segment(struct reading *r, struct audit_frame *frame, enum audit_step *step, bool *more,
             struct rdt_err *err)
{
    char name[AUDIT_NAME_LEN];
    uint64_t number = r->scan.header.number + 1;
    rdt_audit_name(number, ".seg", name);
    *more = faccessat(r->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*more)
        return RDT_OK;
    enum rdt_code rc = rdt_audit_scan_next(&r->scan, frame, step, err);
    if (rc != RDT_OK || *step == AUDIT_FRAME)
        return rc;
    if (*step == AUDIT_TORN)
        return rdt_fail(err, RDT_E_TAMPERED, "%s, byte %" PRIu64 ": frame %" PRIu64 " is damaged",
                        r->scan.name, r->scan.at, r->scan.frame);
    uint64_t next_frame = r->scan.frame, first = r->scan.first;
    uint8_t link[RDT_SHA256_LEN];
    memcpy(link, r->scan.link, sizeof link);
    rc = open_segment(r, number, err);
    if (rc == RDT_OK && !follows(&r->scan.header, next_frame, first, link))
        rc = rdt_fail(err, RDT_E_TAMPERED, "%s does not follow on the segment before it",
                      r->scan.name);
    return rc == RDT_OK ? rdt_audit_scan_next(&r->scan, frame, step, err) : rc;
}

/* The next frame of the log, from segment to segment; *more is false at its end. */
static enum rdt_code
next_frame(struct reading *r, struct audit_frame *frame, bool *more, struct rdt_err *err)
{
    enum audit_step step;
    enum rdt_code rc = rdt_audit_scan_next(&r->scan, frame, &step, err);
    *more = true;
    while (rc == RDT_OK && step != AUDIT_FRAME && *more)
        rc = next_segment(r, frame, &step, more, err);
    return rc;
}

/* ---- each ---- */

static enum rdt_code
each_of_frame(const struct audit_frame *frame, uint64_t from, rdt_audit_fn *fn, void *user,
              struct rdt_err *err)
{
    struct rdt_span payload = frame->payload, record;
    enum rdt_code rc = RDT_OK;
    uint64_t index = frame->first;
    if (frame->kind != AUDIT_RECORDS || frame->first + frame->count <= from)
        return RDT_OK;
    for (; rc == RDT_OK && rdt_audit_record_take(&payload, &record); index++)
        if (index >= from)
            rc = fn(user, index, record, err);
    if (rc == RDT_OK && (payload.n != 0 || index != frame->first + frame->count))
        rc = rdt_fail(err, RDT_E_TAMPERED, "the records of frame %" PRIu64 " are malformed",
                      frame->number);
    return rc;
}

enum rdt_code
rdt_audit_each(const char *dir, uint64_t from, rdt_audit_fn *fn, void *user, struct rdt_err *err)
{
    struct audit_frame frame;
    bool more = true;
    READING r;
    enum rdt_code rc = reading_open(&r, dir, err);
    if (rc == RDT_OK)
        rc = seek(&r, from, err);
    while (rc == RDT_OK && more) {
        rc = next_frame(&r, &frame, &more, err);
        if (rc == RDT_OK && more)
            rc = each_of_frame(&frame, from, fn, user, err);
    }
    return rc;
}

/* ---- prove ---- */

/* The newest checkpoint of a segment, if it has one. */
static enum rdt_code
newest_of(struct reading *r, struct rdt_checkpoint *out, bool *found, struct rdt_err *err)
{
    struct audit_frame frame;
    enum audit_step step = AUDIT_FRAME;
    enum rdt_code rc = RDT_OK;
    *found = false;
    while (rc == RDT_OK && step == AUDIT_FRAME) {
        rc = rdt_audit_scan_next(&r->scan, &frame, &step, err);
        if (rc == RDT_OK && step == AUDIT_FRAME && frame.kind == AUDIT_CHECKPOINT)
            *found = rdt_checkpoint_get(frame.payload, out);
    }
    return rc;
}

static enum rdt_code
newest(struct reading *r, struct rdt_checkpoint *out, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    bool found = false;
    for (uint64_t number = r->n_segments; rc == RDT_OK && !found && number-- > 0;) {
        rc = open_segment(r, number, err);
        if (rc == RDT_OK)
            rc = newest_of(r, out, &found, err);
    }
    if (rc == RDT_OK && !found)
        rc = rdt_fail(err, RDT_E_NOTFOUND, "the audit log has no checkpoint yet");
    return rc;
}

enum rdt_code
rdt_audit_newest(const char *dir, struct rdt_checkpoint *out, struct rdt_err *err)
{
    struct audit_pub pub;
    READING r;
    enum rdt_code rc = reading_open(&r, dir, err);
    if (rc == RDT_OK)
        rc = newest(&r, out, err);
    if (rc == RDT_OK)
        rc = rdt_audit_pub_read(dir, &pub, err);
    if (rc == RDT_OK)
        rc = rdt_checkpoint_check(out, (struct rdt_span){pub.key, sizeof pub.key}, err);
    return rc;
}

enum rdt_code
rdt_audit_count(const char *dir, uint64_t *out, struct rdt_err *err)
{
    struct audit_frame frame;
    bool more = true;
    READING r;
    enum rdt_code rc = reading_open(&r, dir, err);
    if (rc == RDT_OK)
        rc = open_segment(&r, r.n_segments - 1, err);
    while (rc == RDT_OK && more)
        rc = next_frame(&r, &frame, &more, err);
    if (rc == RDT_OK)
        *out = r.scan.first;
    return rc;
}

/* One record while it passes by, and the path from it to the root. */
struct proving {
    struct rdt_merkle_prover prover;
    struct rdt_worker *worker;
    struct rdt_buf record;
};

static enum rdt_code
prove_one(void *user, uint64_t index, struct rdt_span record, struct rdt_err *err)
{
    struct proving *p = user;
    if (p->prover.at == p->prover.size)
        return RDT_OK;
    if (index == p->prover.index) {
        rdt_buf_add(&p->record, record.p, record.n);
        if (!rdt_buf_ok(&p->record))
            return rdt_fail(err, RDT_E_NOMEM, "record %" PRIu64, index);
    }
    return rdt_merkle_prover_add(&p->prover, p->worker, record, err);
}

static enum rdt_code
make_path(struct reading *r, struct proving *p, uint64_t index, uint64_t size, struct rdt_err *err)
{
    struct audit_frame frame;
    bool more = true;
    enum rdt_code rc = seek(r, index, err);
    if (rc != RDT_OK)
        return rc;
    rdt_merkle_prover_init(&p->prover, index, size, &r->scan.header.tree);
    p->worker = r->worker;
    while (rc == RDT_OK && more && p->prover.at < size) {
        rc = next_frame(r, &frame, &more, err);
        if (rc == RDT_OK && more)
            rc = each_of_frame(&frame, p->prover.at, prove_one, p, err);
    }
    if (rc == RDT_OK && p->prover.at < size)
        rc = rdt_fail(err, RDT_E_TAMPERED, "the audit log ends before its newest checkpoint");
    return rc;
}

/* The path leads where the checkpoint says, and the folder's own key signed that. */
static enum rdt_code
check_path(struct reading *r, const struct proving *p, const struct rdt_checkpoint *checkpoint,
           struct rdt_err *err)
{
    struct audit_pub pub;
    uint8_t root[RDT_SHA256_LEN];
    const struct rdt_merkle_path path = {p->prover.index, p->prover.size, p->prover.path,
                                         p->prover.n_path};
    enum rdt_code rc = rdt_merkle_path_root(&path, r->worker, rdt_buf_span(&p->record), root, err);
    if (rc == RDT_OK && !rdt_span_eq((struct rdt_span){root, sizeof root},
                                     (struct rdt_span){checkpoint->root, RDT_SHA256_LEN}))
        rc = rdt_fail(err, RDT_E_TAMPERED, "record %" PRIu64 " is not under the newest checkpoint",
                      p->prover.index);
    if (rc == RDT_OK)
        rc = rdt_audit_pub_read(r->path, &pub, err);
    if (rc == RDT_OK)
        rc = rdt_checkpoint_check(checkpoint, (struct rdt_span){pub.key, sizeof pub.key}, err);
    return rc;
}

enum rdt_code
rdt_audit_prove(const char *dir, uint64_t index, struct rdt_audit_proof *out, struct rdt_err *err)
{
    struct rdt_checkpoint checkpoint = {0};
    struct proving p = {0};
    READING r;
    enum rdt_code rc = reading_open(&r, dir, err);
    if (rc == RDT_OK)
        rc = newest(&r, &checkpoint, err);
    if (rc == RDT_OK && index >= checkpoint.size)
        rc = rdt_fail(err, RDT_E_NOTFOUND,
                      "record %" PRIu64 " is not under a checkpoint: the newest is over %" PRIu64,
                      index, checkpoint.size);
    if (rc == RDT_OK)
        rc = make_path(&r, &p, index, checkpoint.size, err);
    if (rc == RDT_OK)
        rc = check_path(&r, &p, &checkpoint, err);
    rdt_buf_done(&p.record);
    if (rc != RDT_OK)
        return rc;
    *out = (struct rdt_audit_proof){
        .index = index, .checkpoint = checkpoint, .n_path = p.prover.n_path};
    memcpy(out->path, p.prover.path, sizeof out->path);
    return RDT_OK;
}
