/*
 * An audit log made of a stranger's bytes: its pieces one by one, then a folder with one segment.
 * A plain change to a segment ends at the first check, so the first byte may ask for them to be
 * mended: what is fuzzed then is a log by somebody who knows the format. Whatever comes of it, what
 * verifies can also be read, record by record, and each record be proven.
 */
#include "store/audit_scan_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SEGMENT AUDIT_SEGMENT_MIN
#define HOME_TEXT 64

enum { MEND_FRAMES = 1, MEND_CHECKPOINTS = 2, OWN_HEADER = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Made once; the bytes of the log are new each time. */
static struct {
    char dir[HOME_TEXT], segment[HOME_TEXT + 16], pub[HOME_TEXT + 16];
    struct rdt_worker *worker;
    struct rdt_signer *signer;
    struct rdt_secret chain;
    uint8_t header[AUDIT_HEADER_LEN];
    struct audit_header fields;
    uint8_t bytes[SEGMENT];
} home;

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
save(const char *path, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

static void
leave(void)
{
    unlink(home.segment);
    unlink(home.pub);
    rmdir(home.dir);
    rdt_worker_close(home.worker);
    rdt_signer_free(home.signer);
    rdt_secret_wipe(&home.chain);
}

static void
settle(void)
{
    struct audit_pub pub = {{1}, {2}, {0}};
    RDT_BUF text = {0};
    if (home.worker != NULL)
        return;
    const char *under = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(home.dir, sizeof home.dir, "%s/redoubt-fuzz-XXXXXX", under);
    must(mkdtemp(home.dir) != NULL);
    snprintf(home.segment, sizeof home.segment, "%s/00000000.seg", home.dir);
    snprintf(home.pub, sizeof home.pub, "%s/" AUDIT_PUB_NAME, home.dir);
    atexit(leave);
    must(rdt_worker_open(&home.worker, NULL) == RDT_OK);
    must(rdt_secret_new(&home.chain, RDT_KEY_LEN, NULL) == RDT_OK);
    must(rdt_signer_load(RDT_SIGN_ED25519, &home.chain, &home.signer, NULL) == RDT_OK);
    memcpy(pub.key, rdt_signer_public(home.signer).p, sizeof pub.key);
    rdt_audit_pub_put(&pub, &text);
    save(home.pub, text.p, text.n);
    home.fields = (struct audit_header){.deployment = {1}, .node = {2}, .bytes = SEGMENT};
    must(rdt_audit_header_put(&home.fields, home.worker, &home.chain, home.header, NULL) == RDT_OK);
}

/* ---- mending ---- */

struct mending {
    struct audit_keys keys;
    struct audit_walk walk;
    uint64_t frame;
    uint8_t link[RDT_SHA256_LEN];
    bool checkpoints;
};

static uint64_t
number_at(const uint8_t *p, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

static void
mend_checkpoint(struct mending *m, uint8_t *payload)
{
    struct rdt_checkpoint checkpoint = {.deployment = {1}, .node = {2}, .frame = m->frame};
    RDT_BUF out = {0};
    memcpy(checkpoint.link, m->link, sizeof checkpoint.link);
    checkpoint.size = m->walk.tree.size;
    must(rdt_merkle_root(&m->walk.tree, home.worker, checkpoint.root, NULL) == RDT_OK);
    must(rdt_checkpoint_sign(&checkpoint, home.signer, NULL) == RDT_OK);
    rdt_checkpoint_put(&checkpoint, &out);
    must(out.n == AUDIT_CHECKPOINT_LEN);
    memcpy(payload, out.p, out.n);
}

/* The frame at p, of which n bytes are there, with every check right; its length, or 0. */
static size_t
mend_frame(struct mending *m, uint8_t *p, size_t n)
{
    struct audit_frame frame = {.number = m->frame, .first = m->walk.tree.size};
    if (n < AUDIT_FRAME_OVER || number_at(p + 12, 4) > n - AUDIT_FRAME_OVER)
        return 0;
    frame.kind = p[11];
    frame.n_payload = (size_t)number_at(p + 12, 4);
    frame.count = (uint32_t)number_at(p + 36, 4);
    memcpy(frame.tag, home.fields.mac, sizeof frame.tag);
    memcpy(frame.link, m->link, sizeof frame.link);
    if (m->checkpoints && frame.kind == AUDIT_CHECKPOINT && frame.n_payload == AUDIT_CHECKPOINT_LEN)
        mend_checkpoint(m, p + AUDIT_HEAD_LEN);
    must(rdt_audit_frame_put(&frame, home.worker, &m->keys, p, NULL) == RDT_OK);
    m->frame++;
    must(rdt_audit_link(home.worker, frame.digest, frame.mac, m->link, NULL) == RDT_OK);
    if (frame.kind == AUDIT_RECORDS && rdt_audit_walk_frame(&m->walk, &frame, NULL) != RDT_OK)
        return 0;
    return frame.n_payload + AUDIT_FRAME_OVER;
}

static void
mend(size_t end, bool checkpoints)
{
    struct mending m = {.walk = {.worker = home.worker}, .checkpoints = checkpoints};
    must(rdt_audit_keys_start(&m.keys, &home.chain, NULL) == RDT_OK);
    must(rdt_audit_link(home.worker, home.fields.digest, home.fields.mac, m.link, NULL) == RDT_OK);
    size_t n = 1;
    for (size_t at = AUDIT_HEADER_LEN; n != 0 && at < end; at += n)
        n = mend_frame(&m, home.bytes + at, end - at);
    rdt_audit_keys_done(&m.keys);
}

/* ---- looking ---- */

static void
pieces(struct rdt_span in)
{
    struct audit_header header;
    struct audit_frame frame;
    struct rdt_checkpoint checkpoint;
    struct audit_pub pub;
    bool ok = false;
    RDT_BUF again = {0};
    enum rdt_code rc = rdt_audit_header_get(in, home.worker, &header, NULL);
    must(rc == RDT_OK || rc == RDT_E_TAMPERED || rc == RDT_E_STATE);
    must(rdt_audit_frame_get(in, home.worker, &frame, &ok, NULL) == RDT_OK);
    must(!ok || frame.payload.n + AUDIT_FRAME_OVER == in.n);
    if (rdt_checkpoint_get(in, &checkpoint)) {
        rdt_checkpoint_put(&checkpoint, &again);
        must(rdt_span_eq(rdt_buf_span(&again), in));
    } else if (rdt_audit_pub_get(in, &pub)) {
        rdt_audit_pub_put(&pub, &again);
        must(rdt_span_eq(rdt_buf_span(&again), in));
    }
}

static enum rdt_code
see(void *user, uint64_t index, struct rdt_span record, struct rdt_err *err)
{
    uint64_t *next = user;
    (void)err;
    must(index == *next && record.n <= RDT_AUDIT_RECORD_MAX);
    *next += 1;
    return RDT_OK;
}

static void
look(void)
{
    static const struct rdt_span none = {NULL, 0};
    static struct rdt_audit_verdict verdict;
    static struct rdt_audit_proof proof;
    struct rdt_err err = {0};
    uint64_t seen = 0;
    enum rdt_code rc = rdt_audit_verify(home.dir, none, none, none, &verdict, &err);
    must(rc == RDT_OK || rc == RDT_E_TAMPERED || rc == RDT_E_STATE);
    must(rc == RDT_OK || err.text[0] != '\0');
    must(verdict.proven <= verdict.records || rc != RDT_OK);
    if (rc != RDT_OK && proof.index++ % 4 != 0)
        return; /* most logs are broken, and each look costs the same */
    enum rdt_code each = rdt_audit_each(home.dir, 0, see, &seen, NULL);
    must(rc != RDT_OK || (each == RDT_OK && seen == verdict.records));
    if (rc == RDT_OK && verdict.proven > 0) {
        must(rdt_audit_prove(home.dir, verdict.proven / 2, &proof, NULL) == RDT_OK);
        must(rdt_audit_prove(home.dir, verdict.proven, &proof, NULL) == RDT_E_NOTFOUND);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    settle();
    pieces((struct rdt_span){bytes, n});
    if (n == 0 || n > SEGMENT - AUDIT_HEADER_LEN)
        return 0;
    uint8_t mode = bytes[0];
    memset(home.bytes, 0, sizeof home.bytes);
    memcpy(home.bytes, home.header, AUDIT_HEADER_LEN);
    size_t at = (mode & OWN_HEADER) != 0 ? 0 : AUDIT_HEADER_LEN;
    memcpy(home.bytes + at, bytes + 1, n - 1);
    if ((mode & MEND_FRAMES) != 0 && at != 0)
        mend(AUDIT_HEADER_LEN + n - 1, (mode & MEND_CHECKPOINTS) != 0);
    save(home.segment, home.bytes, sizeof home.bytes);
    look();
    return 0;
}
