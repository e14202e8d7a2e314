/* Reading a segment: frame by frame, to an end that is told apart from damage. */
#include "audit_log.h"
#include "store/audit_scan_internal.h"

#define SEG0 "00000000.seg"

struct scanned {
    struct log log;
    struct rdt_worker *worker;
    struct audit_scan scan;
    uint8_t *bytes; /* of the segment, as it was written */
    size_t n, at[16], n_frames;
    int dir;
};

/* frames: 2 records, a checkpoint, 3 records */
static void
begin(struct scanned *s)
{
    *s = (struct scanned){.scan = {.fd = -1}};
    log_init(&s->log, 1);
    log_open(&s->log);
    log_append(&s->log, 2);
    log_checkpoint(&s->log);
    log_append(&s->log, 3);
    log_close(&s->log);
    s->bytes = log_load(&s->log, SEG0, &s->n);
    s->n_frames = log_frames(s->bytes, s->n, s->at, 16);
    assert_int_equal(s->n_frames, 3);
    s->dir = open(s->log.dir, O_RDONLY | O_DIRECTORY);
    assert_int_equal(rdt_worker_open(&s->worker, NULL), RDT_OK);
}

static void
end(struct scanned *s)
{
    rdt_audit_scan_close(&s->scan);
    rdt_worker_close(s->worker);
    close(s->dir);
    free(s->bytes);
    log_done(&s->log);
}

static void
scan_open(struct scanned *s)
{
    assert_int_equal(rdt_audit_scan_open(&s->scan, s->worker, s->dir, 0, NULL), RDT_OK);
}

static enum audit_step
next(struct scanned *s, struct audit_frame *frame)
{
    enum audit_step step = AUDIT_END;
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_audit_scan_next(&s->scan, frame, &step, &err);
    if (rc != RDT_OK)
        print_error("%s\n", err.text);
    assert_int_equal(rc, RDT_OK);
    return step;
}

static void
frames_and_their_sum(void **state)
{
    struct scanned s;
    struct audit_frame frame;
    uint64_t dirty;
    (void)state;
    begin(&s);
    struct audit_walk walk = {
        .worker = s.worker, .deployment = {1, 2, 3},
             .node = {4, 5}
    };
    scan_open(&s);
    static const struct {
        enum audit_kind kind;
        uint64_t first;
        uint32_t count;
    } want[] = {
        {AUDIT_RECORDS,    0, 2},
        {AUDIT_CHECKPOINT, 2, 0},
        {AUDIT_RECORDS,    2, 3}
    };
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(next(&s, &frame), AUDIT_FRAME);
        assert_int_equal(frame.kind, want[i].kind);
        assert_int_equal(frame.number, i);
        assert_int_equal(frame.first, want[i].first);
        assert_int_equal(frame.count, want[i].count);
        assert_int_equal(s.scan.at, s.at[i + 1]);
        assert_int_equal(rdt_audit_walk_frame(&walk, &frame, NULL), RDT_OK);
    }
    assert_int_equal(next(&s, &frame), AUDIT_END);
    assert_int_equal(next(&s, &frame), AUDIT_END);
    assert_int_equal(rdt_audit_scan_dirty(&s.scan, &dirty, NULL), RDT_OK);
    assert_int_equal(dirty, s.at[3]);
    assert_int_equal(walk.tree.size, 5);
    assert_int_equal(walk.checkpoints, 1);
    assert_int_equal(walk.last.size, 2);
    end(&s);
}

/* What is read while it is being written: half of a frame now, all of it a moment later. */
static void
a_frame_that_grows_while_it_is_looked_at(void **state)
{
    struct scanned s;
    struct audit_frame frame;
    static const uint8_t zero[4096];
    (void)state;
    begin(&s);
    for (size_t half = 10; half < s.at[3] - s.at[2]; half += 57) {
        size_t rest = s.at[3] - s.at[2] - half;
        log_poke(&s.log, SEG0, s.at[2] + half, zero, rest);
        scan_open(&s);
        assert_int_equal(next(&s, &frame), AUDIT_FRAME);
        assert_int_equal(next(&s, &frame), AUDIT_FRAME);
        assert_int_equal(next(&s, &frame), AUDIT_TORN);
        assert_int_equal(next(&s, &frame), AUDIT_TORN);
        log_poke(&s.log, SEG0, s.at[2] + half, s.bytes + s.at[2] + half, rest);
        assert_int_equal(next(&s, &frame), AUDIT_FRAME);
        assert_int_equal(frame.count, 3);
        assert_int_equal(next(&s, &frame), AUDIT_END);
    }
    end(&s);
}

static void
damage_is_told_from_what_does_not_follow(void **state)
{
    struct scanned s;
    struct audit_frame frame;
    enum audit_step step;
    struct rdt_err err = {0};
    (void)state;
    begin(&s);
    uint8_t flipped = s.bytes[s.at[1] + 90] ^ 1;
    log_poke(&s.log, SEG0, s.at[1] + 90, &flipped, 1);
    scan_open(&s);
    assert_int_equal(next(&s, &frame), AUDIT_FRAME);
    assert_int_equal(rdt_audit_scan_next(&s.scan, &frame, &step, &err), RDT_E_TAMPERED);
    assert_true(s.scan.damaged);
    assert_int_equal(s.scan.first, 2);
    assert_non_null(strstr(err.text, "frame 1"));
    /* the second one taken out: the third is good, but not there */
    uint8_t *without = calloc(1, s.n);
    memcpy(without, s.bytes, s.at[1]);
    memcpy(without + s.at[1], s.bytes + s.at[2], s.at[3] - s.at[2]);
    log_save(&s.log, SEG0, without, s.n);
    free(without);
    scan_open(&s);
    assert_int_equal(next(&s, &frame), AUDIT_FRAME);
    assert_int_equal(rdt_audit_scan_next(&s.scan, &frame, &step, &err), RDT_E_TAMPERED);
    assert_false(s.scan.damaged);
    assert_non_null(strstr(err.text, "does not follow"));
    end(&s);
}

static void
the_walk_refuses_what_does_not_add_up(void **state)
{
    static const struct {
        const char *what;
        const char *payload;
        size_t n;
        uint32_t count;
        enum rdt_code want;
    } cases[] = {
        {"two",              "\0\0\0\1a\0\0\0\0", 9, 2, RDT_OK        },
        {"one more",         "\0\0\0\1a\0\0\0\0", 9, 3, RDT_E_TAMPERED},
        {"one less",         "\0\0\0\1a\0\0\0\0", 9, 1, RDT_E_TAMPERED},
        {"a byte left",      "\0\0\0\1ab",        6, 1, RDT_E_TAMPERED},
        {"a byte missing",   "\0\0\0\2a",         5, 1, RDT_E_TAMPERED},
        {"too long a one",   "\0\1\0\1a",         5, 1, RDT_E_TAMPERED},
        {"half of a length", "\0\0\0\1a\0\0",     7, 2, RDT_E_TAMPERED},
    };
    struct rdt_worker *worker = NULL;
    (void)state;
    assert_int_equal(rdt_worker_open(&worker, NULL), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct audit_walk walk = {.worker = worker};
        struct audit_frame frame = {
            .kind = AUDIT_RECORDS,
            .count = cases[i].count,
            .payload = {(const uint8_t *)cases[i].payload, cases[i].n}
        };
        enum rdt_code rc = rdt_audit_walk_frame(&walk, &frame, NULL);
        if (rc != cases[i].want)
            print_error("%s: %d\n", cases[i].what, rc);
        assert_int_equal(rc, cases[i].want);
    }
    rdt_worker_close(worker);
}

/* Each thing that a checkpoint says, said otherwise. */
static void
the_walk_refuses_another_checkpoint(void **state)
{
    struct scanned s;
    struct audit_frame frame;
    (void)state;
    begin(&s);
    scan_open(&s);
    assert_int_equal(next(&s, &frame), AUDIT_FRAME);
    struct audit_walk before = {
        .worker = s.worker, .deployment = {1, 2, 3},
             .node = {4, 5}
    };
    assert_int_equal(rdt_audit_walk_frame(&before, &frame, NULL), RDT_OK);
    assert_int_equal(next(&s, &frame), AUDIT_FRAME);
    assert_int_equal(frame.kind, AUDIT_CHECKPOINT);
    for (size_t i = 0; i < AUDIT_CHECKPOINT_LEN; i++) {
        uint8_t bent[AUDIT_CHECKPOINT_LEN];
        struct audit_walk walk = before;
        memcpy(bent, frame.payload.p, sizeof bent);
        bent[i] ^= 0x10;
        struct audit_frame other = frame;
        other.payload.p = bent;
        /* time, revision and digest are the node's to say; they are under the signature */
        bool free_to_say = i >= 120;
        assert_int_equal(rdt_audit_walk_frame(&walk, &other, NULL),
                         free_to_say ? RDT_OK : RDT_E_TAMPERED);
        assert_true(!free_to_say ||
                    rdt_checkpoint_check(&walk.last, rdt_signer_public(s.log.signer), NULL) ==
                        RDT_E_TAMPERED);
    }
    end(&s);
}

static void
what_lies_in_the_folder(void **state)
{
    struct log log;
    uint64_t n = 9;
    int dir = -1;
    (void)state;
    log_init(&log, 1);
    assert_int_equal(rdt_audit_folder(log.dir, &dir, &n, NULL), RDT_OK);
    assert_int_equal(n, 0);
    static const char *const others[] = {"00000000.new",  "0000000.seg",  "000000000.seg",
                                         "00000000.seg~", "0000000x.seg", "notes"};
    for (size_t i = 0; i < RDT_COUNT(others); i++)
        log_save(&log, others[i], (const uint8_t *)"x", 1);
    assert_int_equal(rdt_audit_list(dir, &n, NULL), RDT_OK);
    assert_int_equal(n, 0);
    log_save(&log, "00000000.seg", (const uint8_t *)"x", 1);
    log_save(&log, "00000001.seg", (const uint8_t *)"x", 1);
    assert_int_equal(rdt_audit_list(dir, &n, NULL), RDT_OK);
    assert_int_equal(n, 2);
    log_save(&log, "99999999.seg", (const uint8_t *)"x", 1);
    struct rdt_err err = {0};
    assert_int_equal(rdt_audit_list(dir, &n, &err), RDT_E_TAMPERED);
    assert_non_null(strstr(err.text, "00000002.seg is missing"));
    close(dir);
    log_done(&log);
    assert_int_equal(rdt_audit_folder(log.dir, &dir, &n, NULL), RDT_E_NOTFOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_and_their_sum),
        cmocka_unit_test(a_frame_that_grows_while_it_is_looked_at),
        cmocka_unit_test(damage_is_told_from_what_does_not_follow),
        cmocka_unit_test(the_walk_refuses_what_does_not_add_up),
        cmocka_unit_test(the_walk_refuses_another_checkpoint),
        cmocka_unit_test(what_lies_in_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
