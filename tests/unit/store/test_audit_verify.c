/* Verifying a stopped node's log: whatever was done to it shows, up to the last checkpoint. */
#include "audit_log.h"

#define SEG0 "00000000.seg"
#define FRAMES_TOP 4096

static const struct rdt_span none = {NULL, 0};

static struct rdt_audit_verdict verdict;
static struct rdt_err err;

static enum rdt_code
verify(const struct log *log, struct rdt_span key, struct rdt_span anchor, struct rdt_span known)
{
    err = (struct rdt_err){0};
    return rdt_audit_verify(log->dir, key, anchor, known, &verdict, &err);
}

static void
good(const struct log *log, uint64_t records, uint64_t proven)
{
    enum rdt_code rc = verify(log, none, none, none);
    if (rc != RDT_OK)
        print_error("%s\n", err.text);
    assert_int_equal(rc, RDT_OK);
    assert_int_equal(verdict.records, records);
    assert_int_equal(verdict.proven, proven);
    assert_false(verdict.key_given);
    assert_false(verdict.fresh);
}

/* bad: the first record that was touched */
static void
found(const struct log *log, uint64_t bad, const char *what, size_t at)
{
    enum rdt_code rc = verify(log, none, none, none);
    if (rc != RDT_E_TAMPERED || verdict.bad_index > bad || err.text[0] == '\0')
        print_error("%s at %zu: %d, bad %llu (%s)\n", what, at, rc,
                    (unsigned long long)verdict.bad_index, err.text);
    assert_int_equal(rc, RDT_E_TAMPERED);
    assert_true(verdict.bad_index <= bad);
    assert_true(verdict.proven <= verdict.bad_index);
    assert_true(err.text[0] != '\0');
}

static void
what_is_right_verifies(void **state)
{
    struct log log;
    uint8_t early[AUDIT_CHECKPOINT_LEN];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    good(&log, 0, 0);
    assert_int_equal(verdict.checkpoints, 0);
    log_append(&log, 3);
    good(&log, 3, 0);
    log_checkpoint(&log);
    memcpy(early, log.known, sizeof early);
    good(&log, 3, 3);
    for (int i = 0; i < 60; i++)
        log_append(&log, 64);
    log_checkpoint(&log);
    log_append(&log, 5);
    good(&log, 3 + 60 * 64 + 5, 3 + 60 * 64);
    assert_int_equal(verdict.checkpoints, 2);
    assert_int_equal(verdict.frames, 64);
    assert_int_equal(verdict.last.revision, 9);
    struct rdt_span anchor = {early, sizeof early};
    struct rdt_span key = rdt_signer_public(log.signer);
    assert_int_equal(verify(&log, key, anchor, log_known(&log)), RDT_OK);
    assert_true(verdict.key_given && verdict.fresh);
    assert_int_equal(verify(&log, key, none, log_known(&log)), RDT_OK);
    assert_true(verdict.key_given && !verdict.fresh);
    log_done(&log);
    assert_int_equal(verify(&log, none, none, none), RDT_E_NOTFOUND);
}

static void
every_flipped_bit_is_found(void **state)
{
    struct log log;
    size_t n, at[FRAMES_TOP];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    log_append(&log, 2);
    log_checkpoint(&log);
    log_append(&log, 1);
    log_checkpoint(&log);
    log_append(&log, 1);
    log_close(&log);
    uint8_t *bytes = log_load(&log, SEG0, &n);
    size_t frames = log_frames(bytes, n, at, FRAMES_TOP);
    static const uint64_t first[] = {0, 2, 2, 3, 3};
    assert_int_equal(frames, 5);
    for (size_t i = 0, frame = 0; i<at[4]; i += i> 140 && i < 4050 ? 61 : 1) {
        while (i >= at[frame + 1])
            frame++;
        uint8_t flipped = (uint8_t)(bytes[i] ^ 1 << i % 8);
        log_poke(&log, SEG0, i, &flipped, 1);
        /* of the last checkpoint's own frame the MAC is under nothing that needs no key */
        if (i < at[4] - 33 || i == at[4] - 1)
            found(&log, first[frame], "a flipped bit", i);
        log_poke(&log, SEG0, i, &bytes[i], 1);
    }
    for (size_t i = at[4]; i < at[5]; i++) { /* behind it: the frame's check sees accidents */
        uint8_t flipped = (uint8_t)(bytes[i] ^ 1 << i % 8);
        log_poke(&log, SEG0, i, &flipped, 1);
        if (i < at[5] - 33 || i == at[5] - 1)
            found(&log, 3, "a flipped bit", i);
        log_poke(&log, SEG0, i, &bytes[i], 1);
    }
    good(&log, 4, 3);
    free(bytes);
    log_done(&log);
}

static void
a_torn_frame_is_said_and_a_cut_log_is_not_seen(void **state)
{
    struct log log;
    size_t n, at[FRAMES_TOP];
    static const uint8_t zero[4096];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    log_append(&log, 2);
    log_checkpoint(&log);
    log_append(&log, 4);
    log_close(&log);
    uint8_t *bytes = log_load(&log, SEG0, &n);
    assert_int_equal(log_frames(bytes, n, at, FRAMES_TOP), 3);
    log_poke(&log, SEG0, at[3] - 30, zero, 30);
    good(&log, 2, 2);
    assert_true(verdict.torn);
    log_poke(&log, SEG0, at[2], zero, at[3] - at[2]); /* all of it: nothing shows */
    good(&log, 2, 2);
    assert_false(verdict.torn);
    log_poke(&log, SEG0, at[1], zero, at[2] - at[1]); /* the checkpoint as well */
    good(&log, 2, 0);
    /* but for somebody who has it */
    assert_int_equal(verify(&log, none, none, log_known(&log)), RDT_E_TAMPERED);
    assert_int_equal(verify(&log, none, log_known(&log), none), RDT_E_TAMPERED);
    assert_non_null(strstr(err.text, "its end is missing"));
    assert_int_equal(verdict.bad_index, 2);
    assert_false(verdict.fresh);
    free(bytes);
    log_done(&log);
}

/* ---- one who knows the format, and has all but the keys ---- */

struct forged {
    struct log *log;
    struct rdt_worker *worker;
    struct audit_keys keys; /* the forger's own */
    struct audit_header header;
    uint8_t out[SEGMENT];
    size_t at;
    uint64_t frame, first;
    uint8_t link[RDT_SHA256_LEN];
};

/* Start over: the header as it is, or with another tree and a MAC of the forger's. */
static void
forge_begin(struct forged *f, struct log *log, const uint8_t *bytes, bool other_tree)
{
    RDT_SECRET chain = {0}, key = {0};
    *f = (struct forged){.log = log, .at = AUDIT_HEADER_LEN};
    log_fill(&chain, 0x66);
    log_fill(&key, 0x67);
    assert_int_equal(rdt_worker_open(&f->worker, NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_start(&f->keys, &chain, NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_segment(&f->keys, f->worker, NULL), RDT_OK);
    struct rdt_span header = {bytes, AUDIT_HEADER_LEN};
    assert_int_equal(rdt_audit_header_get(header, f->worker, &f->header, NULL), RDT_OK);
    memcpy(f->out, bytes, AUDIT_HEADER_LEN);
    if (other_tree) /* which then is not empty */
        f->header.tree.node[__builtin_ctzll(f->header.tree.size)][0] ^= 1;
    if (other_tree)
        assert_int_equal(rdt_audit_header_put(&f->header, f->worker, &key, f->out, NULL), RDT_OK);
    assert_int_equal(rdt_audit_link(f->worker, f->header.digest, f->header.mac, f->link, NULL),
                     RDT_OK);
    f->first = f->header.tree.size;
    f->frame = f->header.frame;
}

/* Another frame, right in every way that needs no key. keep_mac: the one it had. */
static void
forge_frame(struct forged *f, uint8_t kind, uint32_t count, struct rdt_span payload,
            const uint8_t *keep_mac)
{
    struct audit_frame frame = {.kind = kind,
                                .count = count,
                                .number = f->frame++,
                                .first = f->first,
                                .n_payload = payload.n};
    uint8_t *at = f->out + f->at;
    memcpy(frame.tag, f->header.mac, sizeof frame.tag);
    memcpy(frame.link, f->link, sizeof frame.link);
    memcpy(at + AUDIT_HEAD_LEN, payload.p, payload.n);
    assert_int_equal(rdt_audit_frame_put(&frame, f->worker, &f->keys, at, NULL), RDT_OK);
    f->at += payload.n + AUDIT_FRAME_OVER;
    if (keep_mac != NULL) {
        memcpy(frame.mac, keep_mac, RDT_SHA256_LEN);
        memcpy(f->out + f->at - 33, keep_mac, RDT_SHA256_LEN);
    }
    assert_int_equal(rdt_audit_link(f->worker, frame.digest, frame.mac, f->link, NULL), RDT_OK);
    f->first += count;
}

static void
forge_end(struct forged *f, const char *name)
{
    log_save(f->log, name, f->out, SEGMENT);
    rdt_audit_keys_done(&f->keys);
    rdt_worker_close(f->worker);
}

enum forgery {
    NOTHING,    /* the same again: shows that the forger is good at it */
    CHANGED,    /* a letter of record 3 */
    REMOVED,    /* record 3 */
    INSERTED,   /* a record before record 3 */
    SWAPPED,    /* records 3 and 4 */
    FRAME_GONE, /* that of records 2 to 5 */
    FRAMES_SWAPPED,
    FRAMES_MERGED, /* the same records, the same tree */
    CHECKPOINT_GONE,
    CHECKPOINT_BENT, /* its root is mended, its signature is not */
    N_FORGERIES
};

/* Frames of the log: records 0-1, checkpoint, records 2-5, records 6-7, checkpoint, records 8. */
static struct rdt_span
bend(enum forgery how, struct rdt_span payload, uint8_t *out, uint32_t *count)
{
    struct rdt_span in = payload, record[4];
    size_t n = 0, order[5] = {0, 1, 2, 3}, n_order = 4;
    uint8_t text[512];
    while (n < 4 && rdt_audit_record_take(&in, &record[n]))
        n++;
    assert_int_equal(n, 4);
    memcpy(text, record[1].p, record[1].n);
    if (how == CHANGED)
        text[9] ^= 1;
    if (how == REMOVED)
        order[1] = 2, order[2] = 3, n_order = 3;
    if (how == INSERTED)
        order[1] = 0, order[2] = 1, order[3] = 2, order[4] = 3, n_order = 5;
    if (how == SWAPPED)
        order[1] = 2, order[2] = 1;
    struct rdt_span changed = {text, record[1].n};
    size_t at = 0;
    for (size_t i = 0; i < n_order; i++) {
        struct rdt_span one = order[i] == 1 ? changed : record[order[i]];
        out[at] = out[at + 1] = 0;
        out[at + 2] = (uint8_t)(one.n >> 8);
        out[at + 3] = (uint8_t)one.n;
        memcpy(out + at + 4, one.p, one.n);
        at += 4 + one.n;
    }
    *count = (uint32_t)n_order;
    return (struct rdt_span){out, at};
}

static struct rdt_span
payload_at(const uint8_t *bytes, const size_t *at, size_t i)
{
    return (struct rdt_span){bytes + at[i] + AUDIT_HEAD_LEN, at[i + 1] - at[i] - AUDIT_FRAME_OVER};
}

static void
bend_checkpoint(struct forged *f, struct rdt_span payload, const struct rdt_merkle *tree,
                uint8_t *out)
{
    struct rdt_checkpoint checkpoint;
    RDT_BUF bytes = {0};
    assert_true(rdt_checkpoint_get(payload, &checkpoint));
    checkpoint.frame = f->frame;
    memcpy(checkpoint.link, f->link, sizeof checkpoint.link);
    checkpoint.size = tree->size;
    assert_int_equal(rdt_merkle_root(tree, f->worker, checkpoint.root, NULL), RDT_OK);
    rdt_checkpoint_put(&checkpoint, &bytes);
    memcpy(out, bytes.p, bytes.n);
}

static void
grow(struct forged *f, struct rdt_merkle *tree, struct rdt_span payload)
{
    struct rdt_span record;
    while (rdt_audit_record_take(&payload, &record))
        assert_int_equal(rdt_merkle_add(tree, f->worker, record, NULL), RDT_OK);
}

static void
forge(struct log *log, const uint8_t *bytes, const size_t *at, enum forgery how, bool mend)
{
    static const size_t usual[] = {0, 1, 2, 3, 4, 5}, swapped[] = {0, 1, 3, 2, 4, 5};
    static const uint32_t counts[] = {2, 0, 4, 2, 0, 1};
    static struct forged f;
    struct rdt_merkle tree = {0};
    forge_begin(&f, log, bytes, false);
    for (size_t k = 0; k < 6; k++) {
        size_t i = how == FRAMES_SWAPPED ? swapped[k] : usual[k];
        struct rdt_span payload = payload_at(bytes, at, i);
        uint32_t count = counts[i];
        uint8_t made[4096];
        if ((how == FRAME_GONE && i == 2) || (how == CHECKPOINT_GONE && i == 1))
            continue;
        if (how == FRAMES_MERGED && i == 2) {
            struct rdt_span next = payload_at(bytes, at, 3);
            memcpy(made, payload.p, payload.n);
            memcpy(made + payload.n, next.p, next.n);
            payload = (struct rdt_span){made, payload.n + next.n};
            count = 6;
        } else if (how == FRAMES_MERGED && i == 3) {
            continue;
        } else if (i == 2) {
            payload = bend(how, payload, made, &count);
        }
        if (count == 0 && (mend || (how == CHECKPOINT_BENT && i == 4))) {
            bend_checkpoint(&f, payload, &tree, made);
            made[130] ^= how == CHECKPOINT_BENT; /* the revision */
            payload.p = made;
        }
        grow(&f, &tree, count == 0 ? none : payload);
        forge_frame(&f, count == 0 ? AUDIT_CHECKPOINT : AUDIT_RECORDS, count, payload,
                    bytes + at[i + 1] - 33);
    }
    forge_end(&f, SEG0);
}

static void
a_careful_forger_is_found(void **state)
{
    struct log log;
    size_t n, at[FRAMES_TOP];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    log_append(&log, 2);
    log_checkpoint(&log);
    log_append(&log, 4);
    log_append(&log, 2);
    log_checkpoint(&log);
    log_append(&log, 1);
    log_close(&log);
    uint8_t *bytes = log_load(&log, SEG0, &n);
    assert_int_equal(log_frames(bytes, n, at, FRAMES_TOP), 6);
    forge(&log, bytes, at, NOTHING, false);
    good(&log, 9, 8);
    for (int how = CHANGED; how < N_FORGERIES; how++) {
        for (int mend = 0; mend < 2; mend++) { /* and the checkpoints' roots with it */
            forge(&log, bytes, at, (enum forgery)how, mend);
            /* the tree itself may be right, so that no record is wrong but what is signed is */
            found(&log, 3, mend ? "a mended forgery" : "a forgery", (size_t)how);
            assert_true(verdict.bad_index == 0 || verdict.bad_index == 2);
            /* the node sees it too */
            assert_int_equal(log_try(&log, false, none), RDT_E_TAMPERED);
        }
    }
    free(bytes);
    log_done(&log);
}

/* Behind the last checkpoint only the node's own keys help. */
static void
a_forged_end_is_for_the_node_to_find(void **state)
{
    static struct forged f;
    struct log log;
    size_t n, at[FRAMES_TOP];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    log_append(&log, 2);
    log_checkpoint(&log);
    log_append(&log, 1);
    log_close(&log);
    uint8_t *bytes = log_load(&log, SEG0, &n);
    assert_int_equal(log_frames(bytes, n, at, FRAMES_TOP), 3);
    forge_begin(&f, &log, bytes, false);
    forge_frame(&f, AUDIT_RECORDS, 2, payload_at(bytes, at, 0), bytes + at[1] - 33);
    forge_frame(&f, AUDIT_CHECKPOINT, 0, payload_at(bytes, at, 1), bytes + at[2] - 33);
    uint8_t other[] = {0, 0, 0, 3, 'n', 'o', 't'};
    forge_frame(&f, AUDIT_RECORDS, 1, (struct rdt_span){other, sizeof other}, NULL);
    forge_end(&f, SEG0);
    good(&log, 3, 2);
    assert_int_equal(log_try(&log, false, none), RDT_E_TAMPERED);
    assert_non_null(strstr(log.err.text, "MAC of frame 2"));
    free(bytes);
    log_done(&log);
}

/* What a header says of the records before it is compared with them. */
static void
a_forged_tree_in_a_header_is_found(void **state)
{
    static struct forged f;
    static const char *const name = "00000001.seg";
    struct log log;
    char path[128];
    size_t n, at[FRAMES_TOP];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    while (access(log_path(&log, name, path), F_OK) != 0)
        log_append(&log, 63); /* never a power of two: the tree has more than one part */
    log_append(&log, 2);
    uint64_t size = rdt_audit_size(log.audit);
    log_close(&log);
    good(&log, size, 0);
    uint8_t *bytes = log_load(&log, name, &n);
    size_t frames = log_frames(bytes, n, at, FRAMES_TOP);
    assert_int_equal(frames, 2);
    for (int other = 0; other < 2; other++) {
        forge_begin(&f, &log, bytes, other);
        forge_frame(&f, AUDIT_RECORDS, 63, payload_at(bytes, at, 0), NULL);
        forge_frame(&f, AUDIT_RECORDS, 2, payload_at(bytes, at, 1), NULL);
        forge_end(&f, name);
        if (other)
            found(&log, size, "a forged tree", 0);
        else
            good(&log, size, 0); /* no checkpoint, so this shows only to the node */
        assert_int_equal(log_try(&log, false, none), RDT_E_TAMPERED);
    }
    free(bytes);
    log_done(&log);
}

/* ---- other logs ---- */

static void
another_keys_log_is_told_by_the_key(void **state)
{
    struct log real, forged;
    char a[128];
    size_t n;
    (void)state;
    log_init(&real, 1);
    log_init(&forged, 7);
    log_open(&real);
    log_append(&real, 3);
    log_checkpoint(&real);
    log_close(&real);
    log_open(&forged);
    log_append(&forged, 3);
    log_checkpoint(&forged);
    log_close(&forged);
    struct rdt_span key = rdt_signer_public(real.signer);
    good(&forged, 3, 3); /* it is right in itself: key_given is false */
    assert_int_equal(verify(&forged, key, none, none), RDT_E_TAMPERED);
    assert_non_null(strstr(err.text, "another key"));
    assert_int_equal(verify(&forged, none, log_known(&real), none), RDT_E_TAMPERED);
    assert_int_equal(verify(&forged, none, none, log_known(&real)), RDT_E_TAMPERED);
    /* its segment under the real audit.pub */
    uint8_t *bytes = log_load(&forged, SEG0, &n);
    log_save(&real, SEG0, bytes, n);
    free(bytes);
    assert_int_equal(verify(&real, key, none, none), RDT_E_TAMPERED);
    assert_int_equal(verdict.proven, 0);
    assert_int_equal(verdict.bad_index, 0);
    assert_int_equal(verify(&real, (struct rdt_span){key.p, 31}, none, none), RDT_E_BADINPUT);
    assert_int_equal(unlink(log_path(&real, AUDIT_PUB_NAME, a)), 0);
    assert_int_equal(verify(&real, none, none, none), RDT_E_TAMPERED);
    log_done(&real);
    log_done(&forged);
}

static void
anchors(void **state)
{
    struct log log, other;
    uint8_t early[AUDIT_CHECKPOINT_LEN], bent[AUDIT_CHECKPOINT_LEN];
    size_t n;
    (void)state;
    log_init(&log, 1);
    log_init(&other, 1); /* the same keys: two copies that went apart */
    log_open(&log);
    log_append(&log, 3);
    log_checkpoint(&log);
    memcpy(early, log.known, sizeof early);
    log_close(&log);
    uint8_t *bytes = log_load(&log, SEG0, &n), *pub;
    log_save(&other, SEG0, bytes, n);
    free(bytes);
    pub = log_load(&log, AUDIT_PUB_NAME, &n);
    log_save(&other, AUDIT_PUB_NAME, pub, n);
    free(pub);
    log_open(&log);
    log_append(&log, 2);
    log_checkpoint(&log);
    log_open(&other);
    log_append(&other, 2);
    log_checkpoint(&other);
    log_append(&other, 2);
    log_checkpoint(&other);
    struct rdt_span old = {early, sizeof early};
    assert_int_equal(verify(&log, none, old, none), RDT_OK);
    assert_int_equal(verify(&other, none, old, none), RDT_OK);
    assert_int_equal(verify(&log, none, log_known(&log), old), RDT_OK);
    assert_true(verdict.fresh);
    assert_int_equal(verify(&other, none, log_known(&log), none), RDT_E_TAMPERED);
    assert_non_null(strstr(err.text, "another history"));
    assert_int_equal(verdict.proven, 3);
    assert_int_equal(verify(&log, none, log_known(&other), none), RDT_E_TAMPERED);
    assert_non_null(strstr(err.text, "its end is missing"));
    assert_false(verdict.fresh);
    for (size_t i = 0; i < sizeof bent; i += 3) {
        memcpy(bent, log.known, sizeof bent);
        bent[i] ^= 1;
        assert_int_equal(verify(&log, none, (struct rdt_span){bent, sizeof bent}, none),
                         RDT_E_TAMPERED);
        assert_int_equal(verify(&log, none, none, (struct rdt_span){bent, sizeof bent}),
                         RDT_E_TAMPERED);
    }
    for (size_t i = 1; i < sizeof bent; i += 3)
        assert_int_equal(verify(&log, none, (struct rdt_span){log.known, i}, none), RDT_E_TAMPERED);
    log_done(&log);
    log_done(&other);
}

/* ---- segments ---- */

static void
segments_taken_away_swapped_or_repeated(void **state)
{
    static const char *const names[] = {"00000000.seg", "00000001.seg", "00000002.seg",
                                        "00000003.seg"};
    struct log log;
    char path[128];
    size_t n;
    uint8_t *bytes[3];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    while (access(log_path(&log, names[2], path), F_OK) != 0)
        log_append(&log, 64);
    log_append(&log, 64);
    log_checkpoint(&log);
    uint64_t size = rdt_audit_size(log.audit);
    log_close(&log);
    good(&log, size, size);
    for (size_t i = 0; i < 3; i++)
        bytes[i] = log_load(&log, names[i], &n);
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 4; j++) {
            if (i == j)
                continue;
            log_save(&log, names[j], bytes[i], SEGMENT);
            found(&log, size, "a segment in another's place", 10 * i + j);
            if (j < 3)
                log_save(&log, names[j], bytes[j], SEGMENT);
            else
                unlink(log_path(&log, names[j], path));
        }
        unlink(log_path(&log, names[i], path));
        if (i < 2)
            found(&log, size, "a missing segment", i);
        else /* the end is missing: only an anchor tells */
            assert_int_equal(verify(&log, none, log_known(&log), none), RDT_E_TAMPERED);
        log_save(&log, names[i], bytes[i], SEGMENT);
    }
    good(&log, size, size);
    /* a frame cut off the end of a segment that is not the last */
    size_t at[FRAMES_TOP], frames = log_frames(bytes[0], SEGMENT, at, FRAMES_TOP);
    uint8_t *zero = calloc(1, SEGMENT);
    log_poke(&log, names[0], at[frames - 1], zero, at[frames] - at[frames - 1]);
    found(&log, size, "a frame cut off the first segment", 0);
    log_poke(&log, names[0], at[frames - 1], bytes[0] + at[frames - 1], 100);
    found(&log, size, "a frame torn in the first segment", 0);
    free(zero);
    for (size_t i = 0; i < 3; i++)
        free(bytes[i]);
    log_done(&log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_verifies),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(a_torn_frame_is_said_and_a_cut_log_is_not_seen),
        cmocka_unit_test(a_careful_forger_is_found),
        cmocka_unit_test(a_forged_end_is_for_the_node_to_find),
        cmocka_unit_test(a_forged_tree_in_a_header_is_found),
        cmocka_unit_test(another_keys_log_is_told_by_the_key),
        cmocka_unit_test(anchors),
        cmocka_unit_test(segments_taken_away_swapped_or_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
