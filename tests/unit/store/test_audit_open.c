/* Opening an audit log: what a crash left is cut off, anything else that is wrong is refused. */
#include "audit_log.h"

#define SEG0 "00000000.seg"
#define FRAMES_TOP 2048

/* A log of one segment, closed, and its bytes. */
struct closed {
    struct log log;
    uint8_t *bytes; /* as it was */
    size_t n, at[FRAMES_TOP], n_frames;
    uint64_t size;
};

static void
closed_take(struct closed *c)
{
    c->size = rdt_audit_size(c->log.audit);
    log_close(&c->log);
    c->bytes = log_load(&c->log, SEG0, &c->n);
    c->n_frames = log_frames(c->bytes, c->n, c->at, FRAMES_TOP);
}

/* frames: 3 records, a checkpoint, 2 records, then last records */
static void
closed_make(struct closed *c, size_t last)
{
    log_init(&c->log, 1);
    log_open(&c->log);
    log_append(&c->log, 3);
    log_checkpoint(&c->log);
    log_append(&c->log, 2);
    log_append(&c->log, last);
    closed_take(c);
    assert_int_equal(c->n_frames, 4);
}

static void
closed_done(struct closed *c)
{
    free(c->bytes);
    log_done(&c->log);
}

static enum rdt_code
try_again(struct closed *c, struct rdt_span known)
{
    log_close(&c->log);
    return log_try(&c->log, false, known);
}

static void
refused(struct closed *c, struct rdt_span known, enum rdt_code want, const char *what, size_t at)
{
    bool look = at % 8 == 0; /* it takes longer than the rest */
    uint64_t before = look ? log_sum(&c->log) : 0;
    enum rdt_code rc = try_again(c, known);
    if (rc != want)
        print_error("%s at %zu: %d, not %d (%s)\n", what, at, rc, want, c->log.err.text);
    assert_int_equal(rc, want);
    assert_null(c->log.audit);
    assert_true(c->log.err.text[0] != '\0');
    if (look && log_sum(&c->log) != before) {
        print_error("%s at %zu: files were changed\n", what, at);
        fail();
    }
}

/* The last frame is gone, and nothing else; the log goes on. */
static void
is_cut(struct closed *c, size_t lost, const char *what, size_t at)
{
    static const uint8_t zero[64];
    enum rdt_code rc = try_again(c, log_known(&c->log));
    if (rc != RDT_OK)
        print_error("%s at %zu: %s\n", what, at, c->log.err.text);
    assert_int_equal(rc, RDT_OK);
    assert_int_equal(rdt_audit_size(c->log.audit), c->size - lost);
    size_t n;
    uint8_t *now = log_load(&c->log, SEG0, &n);
    assert_memory_equal(now, c->bytes, c->at[c->n_frames - 1]);
    for (size_t i = c->at[c->n_frames - 1]; i + sizeof zero <= n; i += sizeof zero)
        assert_memory_equal(now + i, zero, sizeof zero);
    free(now);
    log_append(&c->log, 1);
    assert_int_equal(try_again(c, log_known(&c->log)), RDT_OK);
    assert_int_equal(rdt_audit_size(c->log.audit), c->size - lost + 1);
    log_close(&c->log);
}

static void
a_beginning_of_the_last_frame_is_cut_off(void **state)
{
    struct closed c;
    (void)state;
    closed_make(&c, 2);
    size_t last = c.at[3], end = c.at[4];
    for (size_t at = last; at < end; at++) {
        uint8_t *torn = malloc(c.n);
        memcpy(torn, c.bytes, c.n);
        memset(torn + at, 0, end - at);
        log_save(&c.log, SEG0, torn, c.n);
        free(torn);
        is_cut(&c, 2, "a beginning", at);
    }
    closed_done(&c);
}

/* Sectors reach the disk in any order. */
static void
any_sectors_of_the_last_frame_are_cut_off(void **state)
{
    struct closed c;
    uint32_t dice = 12345;
    (void)state;
    closed_make(&c, 20);
    size_t last = c.at[3], end = c.at[4], sectors = (end - 1) / 512 - last / 512 + 1;
    assert_true(sectors > 6);
    for (int round = 0; round < 100; round++) {
        uint8_t *torn = malloc(c.n);
        memcpy(torn, c.bytes, c.n);
        dice = dice * 1103515245 + 12345;
        uint32_t lost = round < 20 ? 1u << (uint32_t)round % sectors : dice >> 8;
        lost &= (1u << sectors) - 1;
        lost |= lost == 0;
        for (size_t s = 0; s < sectors; s++) {
            size_t lo = (last / 512 + s) * 512, hi = lo + 512;
            lo = lo < last ? last : lo;
            hi = hi > end ? end : hi;
            if ((lost >> s & 1) != 0)
                memset(torn + lo, 0, hi - lo);
        }
        log_save(&c.log, SEG0, torn, c.n);
        free(torn);
        is_cut(&c, 20, "lost sectors", lost);
    }
    closed_done(&c);
}

/* Any bit of what was acknowledged, also in the last frame, which nothing covers but its MAC. */
static void
a_flipped_bit_is_refused(void **state)
{
    struct closed c;
    (void)state;
    closed_make(&c, 1);
    for (size_t at = 0; at < c.at[4];
         at += at < AUDIT_HEADER_LEN && at > 140 && at < 4050 ? 61 : 1) {
        uint8_t flipped = (uint8_t)(c.bytes[at] ^ 1 << at % 8);
        log_poke(&c.log, SEG0, at, &flipped, 1);
        refused(&c, (struct rdt_span){NULL, 0}, RDT_E_TAMPERED, "a flipped bit", at);
        log_poke(&c.log, SEG0, at, &c.bytes[at], 1);
    }
    assert_int_equal(try_again(&c, log_known(&c.log)), RDT_OK);
    closed_done(&c);
}

/* A frame that later ones follow is no torn one, whatever is left of it. */
static void
a_frame_lost_in_the_middle_is_refused(void **state)
{
    struct closed c;
    (void)state;
    closed_make(&c, 1);
    for (size_t i = 0; i < 3; i++) {
        for (size_t keep = 0; keep < 3; keep++) {
            size_t from = c.at[i] + keep * 45, n = c.at[i + 1] - from;
            uint8_t *zero = calloc(1, n);
            log_poke(&c.log, SEG0, from, zero, n);
            refused(&c, (struct rdt_span){NULL, 0}, RDT_E_TAMPERED, "a lost frame", i);
            log_poke(&c.log, SEG0, from, c.bytes + from, n);
            free(zero);
        }
    }
    closed_done(&c);
}

static void
a_file_of_another_length_is_refused(void **state)
{
    struct closed c;
    char path[128];
    (void)state;
    closed_make(&c, 1);
    log_path(&c.log, SEG0, path);
    for (size_t at = c.at[3]; at <= c.at[4]; at++) {
        assert_int_equal(truncate(path, (off_t)at), 0);
        refused(&c, (struct rdt_span){NULL, 0}, RDT_E_TAMPERED, "cut", at);
    }
    static const size_t lengths[] = {0, 1, 4095, 4096, SEGMENT - 1, SEGMENT + 1, SEGMENT + 4096};
    for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
        assert_int_equal(truncate(path, (off_t)lengths[i]), 0);
        refused(&c, (struct rdt_span){NULL, 0}, RDT_E_TAMPERED, "length", lengths[i]);
    }
    closed_done(&c);
}

/* Bytes behind the end that no crash leaves. */
static void
what_no_crash_leaves_is_refused(void **state)
{
    struct closed c;
    (void)state;
    closed_make(&c, 1);
    uint8_t *junk = malloc(SEGMENT);
    memset(junk, 0x33, SEGMENT);
    size_t end = c.at[4];
    log_poke(&c.log, SEG0, end, junk, 2000); /* a whole something, no sector missing */
    refused(&c, log_known(&c.log), RDT_E_TAMPERED, "junk", end);
    log_save(&c.log, SEG0, c.bytes, c.n);
    /* the last frame again: right in itself, but not here */
    log_poke(&c.log, SEG0, end, c.bytes + c.at[3], c.at[4] - c.at[3]);
    refused(&c, log_known(&c.log), RDT_E_TAMPERED, "a repeated frame", end);
    /* and behind a torn one */
    log_save(&c.log, SEG0, c.bytes, c.n);
    log_poke(&c.log, SEG0, end, "RAF1", 4);
    log_poke(&c.log, SEG0, end + 700, c.bytes + c.at[3], c.at[4] - c.at[3]);
    refused(&c, log_known(&c.log), RDT_E_TAMPERED, "a frame behind a torn one", end);
    /* what a crash does leave, to show that the rest of the test is right */
    log_save(&c.log, SEG0, c.bytes, c.n);
    log_poke(&c.log, SEG0, end + 2000, junk, 300);
    assert_int_equal(try_again(&c, log_known(&c.log)), RDT_OK);
    assert_int_equal(rdt_audit_size(c.log.audit), c.size);
    free(junk);
    closed_done(&c);
}

/* A checkpoint is never cut off once it is known. */
static void
a_torn_known_checkpoint_is_refused(void **state)
{
    struct closed c;
    static const uint8_t zero[40];
    (void)state;
    log_init(&c.log, 1);
    log_open(&c.log);
    log_append(&c.log, 3);
    log_checkpoint(&c.log);
    closed_take(&c);
    log_poke(&c.log, SEG0, c.at[2] - sizeof zero, zero, sizeof zero);
    refused(&c, log_known(&c.log), RDT_E_TAMPERED, "torn", 0);
    assert_non_null(strstr(c.log.err.text, "known checkpoint"));
    assert_int_equal(try_again(&c, (struct rdt_span){NULL, 0}), RDT_OK);
    closed_done(&c);
}

/* ---- what the node knows ---- */

static void
known_checkpoints(void **state)
{
    static const struct rdt_span none = {NULL, 0};
    struct closed c, other, fork;
    uint8_t bent[AUDIT_CHECKPOINT_LEN];
    (void)state;
    closed_make(&c, 1);
    closed_make(&other, 1);
    struct rdt_checkpoint checkpoint;
    for (size_t i = 0; i < sizeof bent; i += 5) {
        memcpy(bent, c.log.known, sizeof bent);
        bent[i] ^= 4;
        refused(&c, (struct rdt_span){bent, sizeof bent}, RDT_E_TAMPERED, "bent", i);
    }
    refused(&c, (struct rdt_span){c.log.known, 231}, RDT_E_TAMPERED, "short", 0);
    /* the same keys and the same records, but another log: times differ */
    refused(&c, log_known(&other.log), RDT_E_TAMPERED, "fork", 0);
    assert_non_null(strstr(c.log.err.text, "otherwise"));
    assert_true(rdt_checkpoint_get(log_known(&c.log), &checkpoint));
    assert_int_equal(checkpoint.size, 3);
    /* an older copy of the folder */
    assert_int_equal(try_again(&c, none), RDT_OK);
    log_append(&c.log, 5);
    log_checkpoint(&c.log);
    log_close(&c.log);
    log_save(&c.log, SEG0, c.bytes, c.n);
    refused(&c, log_known(&c.log), RDT_E_TAMPERED, "older", 0);
    assert_non_null(strstr(c.log.err.text, "ends at record"));
    /* all of it gone */
    log_empty(&c.log);
    assert_int_equal(log_try(&c.log, true, log_known(&c.log)), RDT_E_TAMPERED);
    assert_int_equal(log_try(&c.log, false, none), RDT_E_NOTFOUND);
    /* signed by another node's key */
    log_init(&fork.log, 2);
    log_open(&fork.log);
    log_append(&fork.log, 1);
    log_checkpoint(&fork.log);
    closed_take(&fork);
    refused(&fork, log_known(&other.log), RDT_E_TAMPERED, "another key", 0);
    closed_done(&fork);
    closed_done(&other);
    closed_done(&c);
}

/* A checkpoint some segments back, still in its place; and one that is not. */
static void
known_in_an_earlier_segment(void **state)
{
    uint8_t early[AUDIT_CHECKPOINT_LEN];
    struct log log;
    char path[128];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    log_append(&log, 64);
    log_checkpoint(&log);
    memcpy(early, log.known, sizeof early);
    while (access(log_path(&log, "00000002.seg", path), F_OK) != 0)
        log_append(&log, 64);
    log_close(&log);
    struct rdt_checkpoint last;
    struct rdt_span known = {early, sizeof early};
    assert_int_equal(log_try(&log, false, known), RDT_OK);
    assert_true(rdt_audit_last(log.audit, &last)); /* found two segments back */
    assert_int_equal(last.size, 64);
    log_close(&log);
    size_t n, at[FRAMES_TOP];
    uint8_t *bytes = log_load(&log, SEG0, &n);
    assert_true(log_frames(bytes, n, at, FRAMES_TOP) > 2);
    uint8_t flipped = bytes[at[1] + AUDIT_HEAD_LEN + 160] ^ 1;
    log_poke(&log, SEG0, at[1] + AUDIT_HEAD_LEN + 160, &flipped, 1);
    assert_int_equal(log_try(&log, false, known), RDT_E_TAMPERED);
    free(bytes);
    log_done(&log);
}

/* ---- whose log ---- */

static void
of_somebody_else(void **state)
{
    static const struct rdt_span none = {NULL, 0};
    static const char pub[] = "redoubt audit 1\n";
    struct closed c;
    struct rdt_signer *signer = NULL;
    RDT_SECRET seed = {0};
    char path[128];
    size_t n;
    (void)state;
    closed_make(&c, 1);
    c.log.chain.p[0] ^= 1;
    refused(&c, none, RDT_E_TAMPERED, "another chain", 0);
    assert_non_null(strstr(c.log.err.text, "MAC"));
    c.log.chain.p[0] ^= 1;
    log_fill(&seed, 9);
    struct rdt_signer *own = c.log.signer;
    assert_int_equal(rdt_signer_load(RDT_SIGN_ED25519, &seed, &signer, NULL), RDT_OK);
    c.log.signer = signer;
    refused(&c, none, RDT_E_TAMPERED, "another signer", 0);
    c.log.signer = own;
    rdt_signer_free(signer);
    uint8_t *text = log_load(&c.log, AUDIT_PUB_NAME, &n);
    log_save(&c.log, AUDIT_PUB_NAME, (const uint8_t *)pub, sizeof pub - 1);
    refused(&c, none, RDT_E_TAMPERED, "a cut audit.pub", 0);
    text[n - 3] = text[n - 3] == '0' ? '1' : '0';
    log_save(&c.log, AUDIT_PUB_NAME, text, n);
    refused(&c, none, RDT_E_TAMPERED, "another audit.pub", 0);
    assert_int_equal(unlink(log_path(&c.log, AUDIT_PUB_NAME, path)), 0);
    refused(&c, none, RDT_E_TAMPERED, "no audit.pub", 0);
    free(text);
    closed_done(&c);
}

/* A segment that holds nothing yet is its header alone, which says what came before. */
static void
a_forged_header_is_refused(void **state)
{
    struct closed c;
    struct audit_header header;
    struct rdt_worker *worker = NULL;
    RDT_SECRET key = {0};
    (void)state;
    log_init(&c.log, 1);
    log_open(&c.log);
    closed_take(&c);
    assert_int_equal(c.n_frames, 0);
    assert_int_equal(try_again(&c, (struct rdt_span){NULL, 0}), RDT_OK);
    assert_int_equal(rdt_worker_open(&worker, NULL), RDT_OK);
    log_fill(&key, 3);
    struct rdt_span bytes = {c.bytes, AUDIT_HEADER_LEN};
    assert_int_equal(rdt_audit_header_get(bytes, worker, &header, NULL), RDT_OK);
    header.frame = 7;
    assert_int_equal(rdt_audit_header_put(&header, worker, &key, c.bytes, NULL), RDT_OK);
    log_close(&c.log);
    log_save(&c.log, SEG0, c.bytes, c.n);
    refused(&c, (struct rdt_span){NULL, 0}, RDT_E_TAMPERED, "a forged header", 0);
    assert_non_null(strstr(c.log.err.text, "header's MAC"));
    rdt_worker_close(worker);
    closed_done(&c);
}

static void
used_by_somebody_else(void **state)
{
    struct log log;
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    struct rdt_audit *first = log.audit;
    log.audit = NULL;
    assert_int_equal(log_try(&log, false, (struct rdt_span){NULL, 0}), RDT_E_STATE);
    log.audit = first;
    log_append(&log, 1);
    log_done(&log);
}

/* Put a version in and mend the check: a newer program's log, not a damaged one. */
static void
a_newer_format_is_refused(void **state)
{
    struct closed c;
    uint8_t hash[RDT_SHA256_LEN];
    (void)state;
    closed_make(&c, 1);
    c.bytes[9] = 2;
    assert_int_equal(rdt_sha256((struct rdt_span){c.bytes, 4056}, hash, NULL), RDT_OK);
    memcpy(c.bytes + 4056, hash, 8);
    log_save(&c.log, SEG0, c.bytes, c.n);
    refused(&c, (struct rdt_span){NULL, 0}, RDT_E_STATE, "newer", 0);
    closed_done(&c);
}

/* ---- the folder ---- */

static void
segments_that_are_missing_or_moved(void **state)
{
    static const struct rdt_span none = {NULL, 0};
    char a[128], b[128];
    struct log log;
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    while (access(log_path(&log, "00000002.seg", a), F_OK) != 0)
        log_append(&log, 64);
    log_close(&log);
    log_path(&log, "00000001.seg", a);
    log_path(&log, "aside", b);
    assert_int_equal(rename(a, b), 0);
    assert_int_equal(log_try(&log, true, none), RDT_E_TAMPERED);
    assert_non_null(strstr(log.err.text, "00000001.seg is missing"));
    assert_int_equal(rename(b, a), 0);
    assert_int_equal(log_try(&log, false, none), RDT_OK);
    log_close(&log);
    /* the last one, put in the middle's place as well */
    log_path(&log, "00000002.seg", b);
    assert_int_equal(rename(a, b), 0);
    assert_int_equal(log_try(&log, false, none), RDT_E_TAMPERED);
    log_done(&log);
}

/* What was made ahead and not used, by us or not; a link in a segment's place. */
static void
leftovers_and_links(void **state)
{
    static const struct rdt_span none = {NULL, 0};
    char a[128], b[128];
    struct stat before, after;
    struct log log;
    (void)state;
    log_init(&log, 1);
    log_save(&log, "00000000.new", (const uint8_t *)"half", 4);
    log_open(&log);
    log_append(&log, 5);
    log_save(&log, "00000001.new", (const uint8_t *)"half", 4);
    while (access(log_path(&log, "00000001.seg", a), F_OK) != 0)
        log_append(&log, 64);
    while (access(log_path(&log, "00000002.new", a), F_OK) != 0)
        log_append(&log, 8);
    log_close(&log);
    assert_int_equal(stat(a, &before), 0);
    assert_int_equal(log_try(&log, false, none), RDT_OK);
    while (access(log_path(&log, "00000002.seg", b), F_OK) != 0)
        log_append(&log, 64);
    assert_int_equal(stat(b, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino); /* was good, and is used */
    log_close(&log);
    log_path(&log, "aside", a);
    assert_int_equal(rename(b, a), 0);
    assert_int_equal(symlink("aside", b), 0);
    assert_int_equal(log_try(&log, false, none), RDT_E_TAMPERED);
    log_done(&log);
}

static void
folders_that_are_not_there(void **state)
{
    struct log log;
    char outer[sizeof log.dir];
    struct stat st;
    (void)state;
    log_init(&log, 1);
    memcpy(outer, log.dir, sizeof outer);
    memcpy(log.dir + strlen(log.dir), "/a", 3);
    assert_int_equal(log_try(&log, false, (struct rdt_span){NULL, 0}), RDT_E_NOTFOUND);
    log_open(&log);
    assert_int_equal(stat(log.dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    log_close(&log);
    log_empty(&log);
    rmdir(log.dir);
    memcpy(log.dir, outer, sizeof outer);
    log_done(&log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_beginning_of_the_last_frame_is_cut_off),
        cmocka_unit_test(any_sectors_of_the_last_frame_are_cut_off),
        cmocka_unit_test(a_flipped_bit_is_refused),
        cmocka_unit_test(a_frame_lost_in_the_middle_is_refused),
        cmocka_unit_test(a_file_of_another_length_is_refused),
        cmocka_unit_test(what_no_crash_leaves_is_refused),
        cmocka_unit_test(a_torn_known_checkpoint_is_refused),
        cmocka_unit_test(known_checkpoints),
        cmocka_unit_test(known_in_an_earlier_segment),
        cmocka_unit_test(of_somebody_else),
        cmocka_unit_test(a_forged_header_is_refused),
        cmocka_unit_test(used_by_somebody_else),
        cmocka_unit_test(a_newer_format_is_refused),
        cmocka_unit_test(segments_that_are_missing_or_moved),
        cmocka_unit_test(leftovers_and_links),
        cmocka_unit_test(folders_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
