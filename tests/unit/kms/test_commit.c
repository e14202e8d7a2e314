#include "world.h"

#include <signal.h>
#include <sys/resource.h>

struct seen {
    size_t rows, records;
    uint8_t first[16]; /* id of the first record */
};

static enum rdt_code
see_row(void *user, const struct rdt_row *row, struct rdt_err *err)
{
    (void)row;
    (void)err;
    ((struct seen *)user)->rows++;
    return RDT_OK;
}

static enum rdt_code
see_record(void *user, const struct rdt_outbox *entry, struct rdt_err *err)
{
    struct seen *seen = user;
    (void)err;
    if (seen->records++ == 0)
        memcpy(seen->first, entry->id, 16);
    return RDT_OK;
}

static struct seen
see(struct world *w)
{
    struct seen seen = {0};
    assert_int_equal(rdt_store_rows(w->store, see_row, &seen, NULL), RDT_OK);
    assert_int_equal(rdt_store_outbox(w->store, see_record, &seen, NULL), RDT_OK);
    return seen;
}

/* Adds, edits and removals of several calls arrive together; each row is written once. */
static void
test_publish(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    add_letters(&w, "abc");
    uint64_t revision = revision_of(&w);
    struct rdt_tx *tx = begin(&w);
    rdt_tx_mark(tx);
    edit_alias(tx, "a", 10);
    add_alias(tx, "x", 11);
    seal(&w, tx);
    rdt_tx_mark(tx);
    edit_alias(tx, "a", 12);
    remove_alias(tx, "c");
    remove_alias(tx, "x");
    add_alias(tx, "y", 13);
    seal(&w, tx);
    assert_string_equal(aliases(published(&w)), "a1 b2 c3");
    const struct rdt_alias *old = rdt_view_get(published(&w), RDT_KIND_ALIAS, rdt_span_str("a"));
    commit(&w, tx);
    assert_string_equal(aliases(published(&w)), "a12 b2 y13");
    assert_ptr_equal(rdt_view_get(published(&w), RDT_KIND_ALIAS, rdt_span_str("a")), old);
    assert_int_equal(rdt_state_count(w.state, RDT_KIND_ALIAS), 3);
    assert_true(rdt_view_revision(published(&w), RDT_KIND_ALIAS, rdt_span_str("a")) ==
                revision + 2);
    assert_true(rdt_view_revision(published(&w), RDT_KIND_ALIAS, rdt_span_str("b")) == revision);
    assert_int_equal(see(&w).rows, 3);
    must_load(&w);
    assert_string_equal(aliases(published(&w)), "a12 b2 y13");
    assert_true(rdt_view_revision(published(&w), RDT_KIND_ALIAS, rdt_span_str("a")) ==
                revision + 2);
    world_close(&w);
}

static void
test_came_and_went(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    rdt_tx_mark(tx);
    add_alias(tx, "x", 1);
    seal(&w, tx);
    rdt_tx_mark(tx);
    remove_alias(tx, "x");
    seal(&w, tx);
    commit(&w, tx);
    assert_int_equal(see(&w).rows, 0);
    assert_string_equal(aliases(published(&w)), "");
    must_load(&w);
    world_close(&w);
}

static void
test_outbox(void **unused)
{
    (void)unused;
    struct world w;
    struct rdt_outbox two[2] = {
        {.id = {1}, .record = rdt_span_str("first") },
        {.id = {2}, .record = rdt_span_str("second")}
    };
    const struct rdt_tx_records made = {.outbox = two, .n_outbox = 2},
                                sent = {.sent = &two[0].id, .n_sent = 1},
                                sent2 = {.sent = &two[1].id, .n_sent = 1};
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    add_alias(tx, "a", 1);
    seal(&w, tx);
    assert_int_equal(rdt_tx_commit(tx, w.store, &made, NULL), RDT_OK);
    assert_int_equal(see(&w).records, 2);
    tx = begin(&w);
    edit_alias(tx, "a", 2);
    seal(&w, tx);
    assert_int_equal(rdt_tx_commit(tx, w.store, &sent, NULL), RDT_OK);
    assert_int_equal(see(&w).records, 1);
    assert_int_equal(see(&w).first[0], 2);
    /* without a change there is nothing to record, and revision and rows stay */
    uint64_t revision = rdt_store_revision(w.store);
    assert_int_equal(rdt_tx_commit(begin(&w), w.store, &made, NULL), RDT_E_INTERNAL);
    commit(&w, begin(&w));
    assert_int_equal(rdt_tx_commit(begin(&w), w.store, &sent2, NULL), RDT_OK);
    assert_int_equal(see(&w).records, 0);
    assert_true(rdt_store_revision(w.store) == revision);
    assert_true(revision_of(&w) == revision);
    must_load(&w);
    world_close(&w);
}

static void
test_unsealed(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    add_alias(tx, "a", 1);
    seal(&w, tx);
    add_alias(tx, "b", 1);
    assert_int_equal(rdt_tx_commit(tx, w.store, NULL, NULL), RDT_E_INTERNAL);
    assert_string_equal(aliases(published(&w)), "");
    assert_int_equal(see(&w).rows, 0);
    world_close(&w);
}

/* Everything of a commit that must not show when the store refuses it. */
static struct rdt_tx *
change_all(struct world *w)
{
    struct rdt_tx *tx = begin(w);
    edit_alias(tx, "a", 20);
    remove_alias(tx, "b");
    add_alias(tx, "x", 21);
    struct rdt_death *death = rdt_tx_add(tx, RDT_KIND_DEATH, rdt_span_str("0123456789abcdef1234"));
    memcpy(death->key, "0123456789abcdef", 16);
    death->version = 0x31323334;
    death->certificate = (struct rdt_bytes){calloc(1, 500000), 500000};
    seal(w, tx);
    return tx;
}

static void
expect_unchanged(struct world *w, struct rdt_tx *tx, enum rdt_code one, enum rdt_code other)
{
    uint8_t before[32], after[32];
    uint64_t revision = revision_of(w);
    struct rdt_err err;
    digest_now(w, before);
    enum rdt_code rc = rdt_tx_commit(tx, w->store, NULL, &err);
    if (rc != one && rc != other)
        fail_msg("%d: %s", rc, rc == RDT_OK ? "" : err.text);
    digest_now(w, after);
    assert_memory_equal(before, after, 32);
    assert_true(revision_of(w) == revision);
    assert_string_equal(aliases(published(w)), "a1 b2 c3");
    assert_int_equal(rdt_state_count(w->state, RDT_KIND_DEATH), 0);
}

static void
test_disk_full(void **unused)
{
    (void)unused;
    struct world w;
    struct rlimit old, small;
    world_open(&w);
    add_letters(&w, "abc");
    struct rdt_tx *tx = change_all(&w);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){256 * 1024, old.rlim_max}; /* less than what is to be written */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    expect_unchanged(&w, tx, RDT_E_FULL, RDT_E_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    commit(&w, change_all(&w)); /* once there is room it goes on */
    assert_string_equal(aliases(published(&w)), "a20 c3 x21");
    must_load(&w);
    assert_string_equal(aliases(published(&w)), "a20 c3 x21");
    world_close(&w);
}

static void
test_foreign_writer(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    add_letters(&w, "abc");
    struct rdt_tx *tx = change_all(&w);
    const struct rdt_commit other = {.revision = rdt_store_revision(w.store) + 5};
    assert_int_equal(rdt_store_commit(w.store, &other, NULL), RDT_OK);
    expect_unchanged(&w, tx, RDT_E_STATE, RDT_E_STATE);
    world_close(&w);
}

/* Enough rows that tables grow several times while they are in use. */
static void
test_growth(void **unused)
{
    (void)unused;
    enum { COMMITS = 12, ROWS = 700 };
    struct world w;
    world_open(&w);
    for (uint32_t i = 0; i < COMMITS; i++) {
        struct rdt_tx *tx = begin(&w);
        for (uint32_t k = 0; k < ROWS; k++) {
            uint32_t n = k * COMMITS + i; /* between those that are there */
            const uint8_t id[] = {0, 0, (uint8_t)(n >> 8), (uint8_t)n};
            struct rdt_domain *domain = rdt_tx_add(tx, RDT_KIND_DOMAIN, (struct rdt_span){id, 4});
            domain->number = n;
        }
        seal(&w, tx);
        commit(&w, tx);
    }
    struct rdt_span id = {NULL, 0};
    uint32_t n = 0;
    for (const struct rdt_domain *d;
         (d = rdt_view_next(published(&w), RDT_KIND_DOMAIN, id, &id)) != NULL; n++)
        assert_int_equal(d->number, n);
    assert_int_equal(n, COMMITS * ROWS);
    world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish),   cmocka_unit_test(test_came_and_went),
        cmocka_unit_test(test_outbox),    cmocka_unit_test(test_unsealed),
        cmocka_unit_test(test_disk_full), cmocka_unit_test(test_foreign_writer),
        cmocka_unit_test(test_growth),
    };
    return cmocka_run_group_tests_name("kms/commit", tests, NULL, NULL);
}
