#include "store/audit_internal.h"

#include "base/cursor.h"
#include "base/file.h"
#include "store/audit_scan_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What opening needs to know beside the log itself. */
struct opening {
    const struct rdt_audit_opts *opts;
    struct rdt_audit *audit;
    struct audit_scan scan;
    struct audit_walk walk;
    bool has_known, met_known;
    struct rdt_checkpoint known;
};

/* ---- the folder ---- */

static enum rdt_code
fail_errno(struct rdt_err *err, const char *name)
{
    int e = errno;
    enum rdt_code rc = e == ENOSPC || e == EDQUOT ? RDT_E_FULL : RDT_E_IO;
    return rdt_fail(err, e == ENOENT ? RDT_E_NOTFOUND : rc, "%s: %s", name, strerror(e));
}

static enum rdt_code
open_folder(struct rdt_audit *audit, const struct rdt_audit_opts *opts, struct rdt_err *err)
{
    struct stat st;
    enum rdt_code rc = opts->create ? rdt_file_mkdirs(opts->dir, err) : RDT_OK;
    if (rc != RDT_OK)
        return rc;
    audit->dir = open(opts->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (audit->dir < 0)
        return fail_errno(err, opts->dir);
    /* The folder itself: there is no lock file that could be removed. */
    if (flock(audit->dir, LOCK_EX | LOCK_NB) != 0)
        return rdt_fail(err, RDT_E_STATE, "%s: another process has this audit log open", opts->dir);
    if (fstat(audit->dir, &st) != 0)
        return fail_errno(err, opts->dir);
    audit->looked = st.st_ctim;
    return RDT_OK;
}

static enum rdt_code
check_pub(struct opening *o, struct rdt_err *err)
{
    struct audit_pub got;
    struct rdt_span key = rdt_signer_public(o->audit->signer);
    enum rdt_code rc = rdt_audit_pub_read(o->opts->dir, &got, err);
    if (rc == RDT_E_NOTFOUND)
        return rdt_fail(err, RDT_E_TAMPERED, AUDIT_PUB_NAME " is missing");
    if (rc != RDT_OK)
        return rc;
    bool same = rdt_span_eq((struct rdt_span){got.deployment, 16},
                            (struct rdt_span){o->opts->deployment, 16}) &&
                rdt_span_eq((struct rdt_span){got.node, 16}, (struct rdt_span){o->opts->node, 16});
    if (!same)
        return rdt_fail(err, RDT_E_TAMPERED,
                        AUDIT_PUB_NAME " names another deployment or node than the store");
    if (!rdt_span_eq(key, (struct rdt_span){got.key, sizeof got.key}))
        return rdt_fail(err, RDT_E_TAMPERED, AUDIT_PUB_NAME " names another key than the node has");
    return RDT_OK;
}

/* ---- a new log ---- */

static enum rdt_code
write_pub(struct opening *o, struct rdt_err *err)
{
    struct audit_pub pub = {0};
    struct rdt_span key = rdt_signer_public(o->audit->signer);
    RDT_BUF text = {0}, path = {0};
    assert(key.n == sizeof pub.key);
    memcpy(pub.deployment, o->opts->deployment, sizeof pub.deployment);
    memcpy(pub.node, o->opts->node, sizeof pub.node);
    memcpy(pub.key, key.p, sizeof pub.key);
    rdt_audit_pub_put(&pub, &text);
    rdt_buf_fmt(&path, "%s/" AUDIT_PUB_NAME, o->opts->dir);
    const char *name = rdt_buf_cstr(&path);
    if (name == NULL || !rdt_buf_ok(&text))
        return rdt_fail(err, RDT_E_NOMEM, AUDIT_PUB_NAME);
    return rdt_file_write(name, 0600, rdt_buf_span(&text), err);
}

static enum rdt_code
create(struct opening *o, struct rdt_err *err)
{
    struct rdt_audit *audit = o->audit;
    memcpy(audit->header.deployment, o->opts->deployment, sizeof audit->header.deployment);
    memcpy(audit->header.node, o->opts->node, sizeof audit->header.node);
    enum rdt_code rc = rdt_audit_make(audit->dir, 0, audit->segment_bytes, err);
    if (rc == RDT_OK)
        rc = write_pub(o, err); /* before the first segment: a log is never without it */
    return rc == RDT_OK ? rdt_audit_begin(audit, 0, err) : rc;
}

/* ---- one that is there ---- */

static enum rdt_code
check_header(struct opening *o, struct rdt_err *err)
{
    const struct audit_header *header = &o->scan.header;
    const struct rdt_audit_opts *opts = o->opts;
    struct rdt_audit *audit = o->audit;
    uint8_t mac[RDT_SHA256_LEN];
    RDT_SECRET key = {0};
    struct rdt_span digest = {header->digest, RDT_SHA256_LEN};
    if (!rdt_span_eq((struct rdt_span){header->deployment, 16},
                     (struct rdt_span){opts->deployment, 16}) ||
        !rdt_span_eq((struct rdt_span){header->node, 16}, (struct rdt_span){opts->node, 16}))
        return rdt_fail(err, RDT_E_TAMPERED, "%s is of another deployment or node", o->scan.name);
    enum rdt_code rc = rdt_secret_new(&key, RDT_KEY_LEN, err);
    for (uint64_t i = 0; rc == RDT_OK && i < header->number; i++)
        rc = rdt_audit_keys_segment(&audit->keys, audit->worker, err);
    if (rc == RDT_OK)
        rc = rdt_audit_keys_header(&audit->keys, audit->worker, &key, err);
    if (rc == RDT_OK)
        rc = rdt_audit_keys_segment(&audit->keys, audit->worker, err);
    if (rc == RDT_OK && rdt_hmac(audit->worker, &key, &digest, 1, mac) != RDT_OK)
        rc = rdt_fail(err, RDT_E_INTERNAL, "HMAC failed in libcrypto");
    if (rc == RDT_OK && !rdt_same((struct rdt_span){mac, sizeof mac},
                                  (struct rdt_span){header->mac, RDT_SHA256_LEN}))
        rc = rdt_fail(err, RDT_E_TAMPERED, "%s: the header's MAC is wrong", o->scan.name);
    return rc;
}

static void
meet_known(struct opening *o, const struct audit_frame *frame)
{
    if (!o->has_known || frame->kind != AUDIT_CHECKPOINT || frame->number != o->known.frame)
        return;
    o->met_known = rdt_span_eq(o->opts->known, frame->payload);
}

static enum rdt_code
check_frame(struct opening *o, const struct audit_frame *frame, struct rdt_err *err)
{
    struct rdt_audit *audit = o->audit;
    uint8_t mac[RDT_SHA256_LEN];
    uint64_t checkpoints = o->walk.checkpoints;
    enum rdt_code rc = rdt_audit_keys_mac(&audit->keys, audit->worker, frame->digest, mac, err);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_same((struct rdt_span){mac, sizeof mac},
                  (struct rdt_span){frame->mac, RDT_SHA256_LEN}))
        return rdt_fail(err, RDT_E_TAMPERED, "%s: the MAC of frame %" PRIu64 " is wrong",
                        o->scan.name, frame->number);
    rc = rdt_audit_keys_frame(&audit->keys, audit->worker, err);
    if (rc == RDT_OK)
        rc = rdt_audit_walk_frame(&o->walk, frame, err);
    if (rc == RDT_OK && o->walk.checkpoints > checkpoints)
        meet_known(o, frame);
    return rc;
}

/* The whole last segment: what was never acknowledged may be cut off its end, nothing else may be
 * wrong with it. */
static enum rdt_code
walk_last(struct opening *o, enum audit_step *step, struct rdt_err *err)
{
    struct audit_frame frame;
    o->walk.worker = o->audit->worker;
    o->walk.tree = o->scan.header.tree;
    memcpy(o->walk.deployment, o->opts->deployment, sizeof o->walk.deployment);
    memcpy(o->walk.node, o->opts->node, sizeof o->walk.node);
    for (;;) {
        enum rdt_code rc = rdt_audit_scan_next(&o->scan, &frame, step, err);
        if (rc != RDT_OK || *step != AUDIT_FRAME)
            return rc;
        rc = check_frame(o, &frame, err);
        if (rc != RDT_OK)
            return rc;
    }
}

/* ---- checkpoints ---- */

static enum rdt_code
check_signature(struct opening *o, const struct rdt_checkpoint *checkpoint, const char *which,
                struct rdt_err *err)
{
    enum rdt_code rc = rdt_checkpoint_check(checkpoint, rdt_signer_public(o->audit->signer), err);
    return rc == RDT_OK ? rc : rdt_fail_in(err, rc, "the %s checkpoint", which);
}

static enum rdt_code
take_known(struct opening *o, struct rdt_err *err)
{
    if (o->opts->known.n == 0)
        return RDT_OK;
    o->has_known = true;
    if (!rdt_checkpoint_get(o->opts->known, &o->known) || o->known.frame >= AUDIT_RECORDS_TOP)
        return rdt_fail(err, RDT_E_TAMPERED, "the known checkpoint is malformed");
    return check_signature(o, &o->known, "known", err);
}

/* Go through segments backwards to the one with a frame. */
static enum rdt_code
open_back_to(struct opening *o, struct audit_scan *scan, uint64_t frame, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    *scan = (struct audit_scan){.fd = -1};
    for (uint64_t number = o->scan.header.number; rc == RDT_OK && number-- > 0;) {
        rc = rdt_audit_scan_open(scan, o->audit->worker, o->audit->dir, number, err);
        if (rc == RDT_OK && scan->header.frame <= frame)
            break;
    }
    return rc;
}

/* The known checkpoint stands before the last segment: it must still be in its place. */
static enum rdt_code
find_known(struct opening *o, struct rdt_err *err)
{
    struct audit_frame frame;
    enum audit_step step = AUDIT_FRAME;
    RDT_AUTO(rdt_audit_scan_close) struct audit_scan scan = {.fd = -1};
    enum rdt_code rc = open_back_to(o, &scan, o->known.frame, err);
    while (rc == RDT_OK && !o->met_known && step == AUDIT_FRAME && scan.frame <= o->known.frame) {
        rc = rdt_audit_scan_next(&scan, &frame, &step, err);
        if (rc == RDT_OK && step == AUDIT_FRAME)
            meet_known(o, &frame);
    }
    return rc;
}

static enum rdt_code
check_known(struct opening *o, struct rdt_err *err)
{
    if (!o->has_known)
        return RDT_OK;
    if (o->known.frame >= o->scan.frame)
        return rdt_fail(err, RDT_E_TAMPERED,
                        "the audit log ends at record %" PRIu64
                        ", a known checkpoint is over %" PRIu64 " (frame %" PRIu64 " of %" PRIu64
                        ")",
                        o->walk.tree.size, o->known.size, o->known.frame, o->scan.frame);
    enum rdt_code rc = o->known.frame < o->scan.header.frame ? find_known(o, err) : RDT_OK;
    if (rc == RDT_OK && !o->met_known)
        rc = rdt_fail(err, RDT_E_TAMPERED,
                      "the audit log says otherwise than a known checkpoint over %" PRIu64
                      " records",
                      o->known.size);
    return rc;
}

/* The newest checkpoint, which a crash at a segment's start may have left in the one before. */
static enum rdt_code
find_last(struct opening *o, struct rdt_err *err)
{
    struct audit_frame frame;
    RDT_AUTO(rdt_audit_scan_close) struct audit_scan scan = {.fd = -1};
    enum rdt_code rc = RDT_OK;
    for (uint64_t n = o->scan.header.number; rc == RDT_OK && !o->walk.checkpoints && n-- > 0;) {
        enum audit_step step = AUDIT_FRAME;
        rc = rdt_audit_scan_open(&scan, o->audit->worker, o->audit->dir, n, err);
        while (rc == RDT_OK && step == AUDIT_FRAME) {
            rc = rdt_audit_scan_next(&scan, &frame, &step, err);
            if (rc == RDT_OK && step == AUDIT_FRAME && frame.kind == AUDIT_CHECKPOINT &&
                rdt_checkpoint_get(frame.payload, &o->walk.last))
                o->walk.checkpoints++;
        }
    }
    if (rc == RDT_OK && o->walk.checkpoints > 0)
        rc = check_signature(o, &o->walk.last, "newest", err);
    return rc;
}

/* ---- all of it ---- */

static enum rdt_code
cut(struct rdt_audit *audit, struct opening *o, struct rdt_err *err)
{
    uint64_t end = 0;
    enum rdt_code rc = rdt_audit_scan_dirty(&o->scan, &end, err);
    if (rc == RDT_OK)
        rc = rdt_audit_zero(audit->fd, audit->name, audit->at, end - audit->at, err);
    if (rc == RDT_OK && fdatasync(audit->fd) != 0)
        rc = fail_errno(err, audit->name);
    return rc;
}

static enum rdt_code
remember_all(struct rdt_audit *audit, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    for (uint64_t number = audit->header.number + 1; rc == RDT_OK && number-- > 0;) {
        char name[AUDIT_NAME_LEN];
        struct stat st;
        rdt_audit_name(number, ".seg", name);
        if (fstatat(audit->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return fail_errno(err, name);
        rc = rdt_audit_remember(audit, number, (struct audit_inode){st.st_dev, st.st_ino}, err);
    }
    return rc;
}

static enum rdt_code
resume(struct opening *o, uint64_t n, struct rdt_err *err)
{
    struct rdt_audit *audit = o->audit;
    enum audit_step step = AUDIT_END;
    enum rdt_code rc = check_pub(o, err);
    if (rc == RDT_OK)
        rc = rdt_audit_scan_open(&o->scan, audit->worker, audit->dir, n - 1, err);
    if (rc == RDT_OK)
        rc = check_header(o, err);
    if (rc == RDT_OK)
        rc = walk_last(o, &step, err);
    if (rc == RDT_OK)
        rc = check_known(o, err);
    if (rc == RDT_OK)
        rc = find_last(o, err);
    if (rc != RDT_OK)
        return rc;
    audit->header = o->scan.header;
    audit->tree = o->walk.tree;
    audit->at = o->scan.at;
    audit->frame = o->scan.frame;
    memcpy(audit->link, o->scan.link, sizeof audit->link);
    audit->has_last = o->walk.checkpoints > 0;
    audit->last = o->walk.last;
    memcpy(audit->name, o->scan.name, sizeof audit->name);
    audit->fd = openat(audit->dir, audit->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (audit->fd < 0)
        return fail_errno(err, audit->name);
    rc = remember_all(audit, err);
    return rc == RDT_OK && step == AUDIT_TORN ? cut(audit, o, err) : rc;
}

static enum rdt_code
open_log(struct opening *o, struct rdt_err *err)
{
    uint64_t n = 0;
    enum rdt_code rc = open_folder(o->audit, o->opts, err);
    if (rc == RDT_OK)
        rc = rdt_audit_list(o->audit->dir, &n, err);
    if (rc == RDT_OK)
        rc = take_known(o, err);
    if (rc != RDT_OK)
        return rc;
    if (n > 0)
        return resume(o, n, err);
    if (o->has_known)
        return rdt_fail(err, RDT_E_TAMPERED,
                        "there is no audit log, a known checkpoint is over %" PRIu64 " records",
                        o->known.size);
    if (!o->opts->create)
        return rdt_fail(err, RDT_E_NOTFOUND, "there is no audit log");
    return create(o, err);
}

static enum rdt_code
prepare(struct rdt_audit *audit, const struct rdt_audit_opts *opts, struct rdt_err *err)
{
    size_t bytes = opts->segment_bytes == 0 ? RDT_AUDIT_SEGMENT_BYTES : opts->segment_bytes;
    if (bytes < AUDIT_SEGMENT_MIN || bytes > AUDIT_SEGMENT_TOP)
        return rdt_fail(err, RDT_E_LIMIT, "an audit segment of %zu bytes", bytes);
    audit->segment_bytes = bytes;
    audit->signer = opts->signer;
    audit->path = strdup(opts->dir);
    if (audit->path == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "the audit log");
    enum rdt_code rc = rdt_worker_open(&audit->worker, err);
    return rc == RDT_OK ? rdt_audit_keys_start(&audit->keys, opts->chain, err) : rc;
}

enum rdt_code
rdt_audit_open(const struct rdt_audit_opts *opts, struct rdt_audit **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_audit_close_at) struct rdt_audit *audit = calloc(1, sizeof *audit);
    if (audit == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "the audit log");
    audit->dir = audit->fd = -1;
    pthread_mutex_init(&audit->counts.lock, NULL);
    struct opening o = {.opts = opts, .audit = audit, .scan = {.fd = -1}};
    enum rdt_code rc = prepare(audit, opts, err);
    if (rc == RDT_OK)
        rc = open_log(&o, err);
    rdt_audit_scan_close(&o.scan);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "audit log %s", opts->dir);
    *out = RDT_STEAL(audit);
    return RDT_OK;
}
