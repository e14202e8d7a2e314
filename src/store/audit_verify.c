/*
 * Verifying a stopped node's log: every byte of it up to the last checkpoint, whose signature is
 * over a link that is over all of them. So one signature is checked when all is well; only when it
 * is wrong are the earlier ones looked at, to say up to where the log is good.
 */
#include "base/file.h"
#include "store/audit_scan_internal.h"

#include <inttypes.h>

/* A checkpoint from outside the log, which must stand in it. */
struct claim {
    const char *what;
    struct rdt_span bytes; /* empty: there is none */
    struct rdt_checkpoint checkpoint;
    bool met;
};

struct verifying {
    const char *path;
    int dir;
    struct rdt_worker *worker;
    struct audit_scan scan;
    struct audit_walk walk;
    uint64_t n_segments;
    uint8_t link[RDT_SHA256_LEN]; /* of the last frame before the segment */
    uint64_t frame;               /* and its number + 1 */
    struct audit_pub pub;
    struct rdt_span key;
    struct claim anchor, known;
    bool each_signature;
    struct rdt_audit_verdict *out;
};

static void
verifying_close(struct verifying *v)
{
    rdt_audit_scan_close(&v->scan);
    rdt_worker_close(v->worker);
    rdt_fd_close(&v->dir);
}

/* ---- what is given ---- */

static enum rdt_code
open_folder(struct verifying *v, struct rdt_err *err)
{
    enum rdt_code rc = rdt_audit_folder(v->path, &v->dir, &v->n_segments, err);
    bool claimed = v->anchor.bytes.n != 0 || v->known.bytes.n != 0;
    if (rc == RDT_OK && v->n_segments == 0)
        rc = rdt_fail(err, claimed ? RDT_E_TAMPERED : RDT_E_NOTFOUND,
                      "there is no audit log, or it has lost all of its segments");
    return rc == RDT_OK ? rdt_worker_open(&v->worker, err) : rc;
}

/* A key from outside makes audit.pub a mere note, which still must not say otherwise. */
static enum rdt_code
read_key(struct verifying *v, struct rdt_span given, struct rdt_err *err)
{
    v->out->key_given = given.n != 0;
    enum rdt_code rc = rdt_audit_pub_read(v->path, &v->pub, err);
    if (rc == RDT_E_NOTFOUND)
        rc = rdt_fail(err, RDT_E_TAMPERED, AUDIT_PUB_NAME " is missing");
    if (rc != RDT_OK)
        return rc;
    v->key = (struct rdt_span){v->pub.key, sizeof v->pub.key};
    if (given.n != 0 && !rdt_span_eq(given, v->key))
        return rdt_fail(err, RDT_E_TAMPERED,
                        AUDIT_PUB_NAME " names another key than the one given: another node's "
                                       "log, or a forged one");
    return RDT_OK;
}

static bool
is_of_node(const struct verifying *v, const uint8_t *deployment, const uint8_t *node)
{
    return rdt_span_eq((struct rdt_span){deployment, 16},
                       (struct rdt_span){v->pub.deployment, 16}) &&
           rdt_span_eq((struct rdt_span){node, 16}, (struct rdt_span){v->pub.node, 16});
}

static enum rdt_code
take_claim(struct verifying *v, struct claim *claim, struct rdt_err *err)
{
    if (claim->bytes.n == 0)
        return RDT_OK;
    if (!rdt_checkpoint_get(claim->bytes, &claim->checkpoint))
        return rdt_fail(err, RDT_E_TAMPERED, "%s is no checkpoint", claim->what);
    if (!is_of_node(v, claim->checkpoint.deployment, claim->checkpoint.node))
        return rdt_fail(err, RDT_E_TAMPERED, "%s is of another deployment or node", claim->what);
    enum rdt_code rc = rdt_checkpoint_check(&claim->checkpoint, v->key, err);
    return rc == RDT_OK ? rc : rdt_fail_in(err, rc, "%s", claim->what);
}

/* ---- one frame after the other ---- */

static enum rdt_code
meet(struct claim *claim, const struct audit_frame *frame, struct rdt_err *err)
{
    if (claim->bytes.n == 0 || frame->number != claim->checkpoint.frame)
        return RDT_OK;
    claim->met = frame->kind == AUDIT_CHECKPOINT && rdt_span_eq(claim->bytes, frame->payload);
    if (claim->met)
        return RDT_OK;
    return rdt_fail(err, RDT_E_TAMPERED,
                    "%s is over %" PRIu64 " records with another history than this log's",
                    claim->what, claim->checkpoint.size);
}

static enum rdt_code
take_frame(struct verifying *v, const struct audit_frame *frame, struct rdt_err *err)
{
    enum rdt_code rc = rdt_audit_walk_frame(&v->walk, frame, err);
    if (rc == RDT_OK)
        rc = meet(&v->anchor, frame, err);
    if (rc == RDT_OK)
        rc = meet(&v->known, frame, err);
    if (rc == RDT_OK && v->each_signature && frame->kind == AUDIT_CHECKPOINT) {
        rc = rdt_checkpoint_check(&v->walk.last, v->key, err);
        if (rc != RDT_OK)
            return rdt_fail_in(err, rc, "the checkpoint in frame %" PRIu64, frame->number);
        v->out->proven = v->walk.last.size;
    }
    if (rc != RDT_OK)
        return rc;
    v->out->frames++;
    v->out->records = v->walk.tree.size;
    return RDT_OK;
}

/* The header says what the segments before it were. */
static bool
header_fits(const struct verifying *v)
{
    const struct audit_header *header = &v->scan.header;
    const struct rdt_merkle *tree = &v->walk.tree;
    bool fits = is_of_node(v, header->deployment, header->node) && header->frame == v->frame &&
                header->tree.size == tree->size &&
                rdt_span_eq((struct rdt_span){header->link, RDT_SHA256_LEN},
                            (struct rdt_span){v->link, RDT_SHA256_LEN});
    for (size_t level = 0; fits && level < RDT_MERKLE_LEVELS; level++)
        fits = (tree->size >> level & 1) == 0 ||
               rdt_span_eq((struct rdt_span){header->tree.node[level], RDT_SHA256_LEN},
                           (struct rdt_span){tree->node[level], RDT_SHA256_LEN});
    return fits;
}

static enum rdt_code
walk_segment(struct verifying *v, uint64_t number, struct rdt_err *err)
{
    struct audit_frame frame;
    enum audit_step step = AUDIT_FRAME;
    enum rdt_code rc = rdt_audit_scan_open(&v->scan, v->worker, v->dir, number, err);
    if (rc == RDT_OK && !header_fits(v))
        rc = rdt_fail(err, RDT_E_TAMPERED, "%s does not follow on what is before it", v->scan.name);
    while (rc == RDT_OK && step == AUDIT_FRAME) {
        rc = rdt_audit_scan_next(&v->scan, &frame, &step, err);
        if (rc == RDT_OK && step == AUDIT_FRAME)
            rc = take_frame(v, &frame, err);
    }
    if (rc == RDT_OK && step == AUDIT_TORN && number + 1 < v->n_segments)
        rc = rdt_fail(err, RDT_E_TAMPERED, "%s, byte %" PRIu64 ": frame %" PRIu64 " is damaged",
                      v->scan.name, v->scan.at, v->scan.frame);
    v->out->torn = step == AUDIT_TORN;
    memcpy(v->link, v->scan.link, sizeof v->link);
    v->frame = v->scan.frame;
    return rc;
}

static enum rdt_code
walk_all(struct verifying *v, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    v->walk = (struct audit_walk){.worker = v->worker};
    memcpy(v->walk.deployment, v->pub.deployment, sizeof v->walk.deployment);
    memcpy(v->walk.node, v->pub.node, sizeof v->walk.node);
    memset(v->link, 0, sizeof v->link);
    v->frame = v->out->frames = v->out->records = v->out->proven = 0;
    for (uint64_t number = 0; rc == RDT_OK && number < v->n_segments; number++)
        rc = walk_segment(v, number, err);
    v->out->checkpoints = v->walk.checkpoints;
    v->out->last = v->walk.last;
    return rc;
}

/* ---- the end ---- */

static enum rdt_code
check_claim(const struct verifying *v, const struct claim *claim, struct rdt_err *err)
{
    if (claim->bytes.n == 0 || claim->met)
        return RDT_OK;
    return rdt_fail(err, RDT_E_TAMPERED,
                    "the log ends at record %" PRIu64 ", %s is over %" PRIu64
                    ": its end is missing",
                    v->walk.tree.size, claim->what, claim->checkpoint.size);
}

/* Up to where is it good? Looks at every signature, since what was walked may all be forged. */
static void
find_bad(struct verifying *v)
{
    v->each_signature = true;
    enum rdt_code rc = walk_all(v, NULL);
    /* where a frame is damaged, that is where; what was changed with care shows only later */
    v->out->bad_index = rc != RDT_OK && v->scan.damaged ? v->scan.first : v->out->proven;
}

static enum rdt_code
verify(struct verifying *v, struct rdt_err *err)
{
    enum rdt_code rc = walk_all(v, err);
    if (rc == RDT_OK && v->walk.checkpoints > 0) {
        rc = rdt_checkpoint_check(&v->walk.last, v->key, err);
        if (rc != RDT_OK)
            rdt_fail_in(err, rc, "the newest checkpoint, in frame %" PRIu64, v->walk.last.frame);
    }
    if (rc != RDT_OK) {
        find_bad(v);
        return rc;
    }
    v->out->proven = v->walk.checkpoints > 0 ? v->walk.last.size : 0;
    v->out->bad_index = v->walk.tree.size; /* what is missing, if something is */
    rc = check_claim(v, &v->known, err);
    if (rc == RDT_OK)
        rc = check_claim(v, &v->anchor, err);
    v->out->fresh = rc == RDT_OK && v->anchor.met;
    return rc;
}

enum rdt_code
rdt_audit_verify(const char *dir, struct rdt_span public_key, struct rdt_span anchor,
                 struct rdt_span known, struct rdt_audit_verdict *out, struct rdt_err *err)
{
    RDT_AUTO(verifying_close)
    struct verifying v = {
        .path = dir,
        .dir = -1,
        .scan = {.fd = -1},
        .anchor = {.what = "the anchor", .bytes = anchor},
        .known = {.what = "the store's newest checkpoint", .bytes = known},
        .out = out
    };
    *out = (struct rdt_audit_verdict){0};
    if (public_key.n != 0 && public_key.n != RDT_ED25519_PUBLIC_LEN)
        return rdt_fail(err, RDT_E_BADINPUT, "the key of an audit log has %zu bytes",
                        RDT_ED25519_PUBLIC_LEN);
    enum rdt_code rc = open_folder(&v, err);
    if (rc == RDT_OK)
        rc = read_key(&v, public_key, err);
    if (rc == RDT_OK)
        rc = take_claim(&v, &v.anchor, err);
    if (rc == RDT_OK)
        rc = take_claim(&v, &v.known, err);
    return rc == RDT_OK ? verify(&v, err) : rc;
}
