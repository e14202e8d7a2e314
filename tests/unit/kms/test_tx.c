#include "world.h"

static void
test_sees_itself(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    add_letters(&w, "bdf");
    struct rdt_tx *tx = begin(&w);
    struct rdt_view view = rdt_tx_view(tx);
    assert_string_equal(aliases(view), "b1 d2 f3");
    add_alias(tx, "a", 10);
    add_alias(tx, "c", 11);
    add_alias(tx, "g", 12);
    edit_alias(tx, "d", 13);
    assert_true(remove_alias(tx, "f"));
    assert_string_equal(aliases(view), "a10 b1 c11 d13 g12");
    assert_true(remove_alias(tx, "a"));
    assert_true(remove_alias(tx, "b"));
    assert_true(remove_alias(tx, "g"));
    assert_string_equal(aliases(view), "c11 d13");
    assert_string_equal(aliases(published(&w)), "b1 d2 f3"); /* nobody else sees any of it */
    rdt_tx_drop(tx);
    assert_string_equal(aliases(published(&w)), "b1 d2 f3");
    world_close(&w);
}

static void
test_refuses(void **unused)
{
    (void)unused;
    struct world w;
    uint8_t long_id[RDT_STORE_ID_MAX + 1] = {1};
    struct rdt_tx *second;
    world_open(&w);
    add_letters(&w, "a");
    struct rdt_tx *tx = begin(&w);
    assert_int_equal(rdt_tx_begin(w.state, &second, NULL), RDT_E_STATE);
    assert_null(rdt_tx_add(tx, RDT_KIND_ALIAS, rdt_span_str("a")));
    assert_null(rdt_tx_edit(tx, RDT_KIND_ALIAS, rdt_span_str("b")));
    assert_false(remove_alias(tx, "b"));
    assert_null(rdt_tx_add(tx, RDT_KIND_ALIAS, (struct rdt_span){long_id, sizeof long_id}));
    assert_null(rdt_tx_add(tx, RDT_KIND_ALIAS, (struct rdt_span){long_id, 0}));
    assert_null(rdt_tx_add(tx, RDT_KIND_END, rdt_span_str("x")));
    assert_null(rdt_tx_add(tx, 0, rdt_span_str("x")));
    assert_int_equal(rdt_tx_changed(tx, 0), 0);
    assert_true(remove_alias(tx, "a"));
    assert_false(remove_alias(tx, "a"));
    assert_null(rdt_tx_edit(tx, RDT_KIND_ALIAS, rdt_span_str("a")));
    add_alias(tx, "a", 5); /* removed, so its id is free */
    assert_string_equal(aliases(rdt_tx_view(tx)), "a5");
    rdt_tx_drop(tx);
    rdt_tx_drop(NULL);
    world_close(&w);
}

/* Each call of a commit is undone by itself, whatever it and those before it did. */
static void
test_undo(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    add_letters(&w, "abc");
    struct rdt_tx *tx = begin(&w);
    struct rdt_view view = rdt_tx_view(tx);
    size_t one = rdt_tx_mark(tx);
    edit_alias(tx, "a", 20);
    remove_alias(tx, "b");
    add_alias(tx, "x", 21);
    assert_int_equal(rdt_tx_changed(tx, one), 3);
    seal(&w, tx);
    size_t two = rdt_tx_mark(tx);
    edit_alias(tx, "a", 30);
    add_alias(tx, "b", 31);
    remove_alias(tx, "x");
    edit_alias(tx, "c", 32);
    assert_string_equal(aliases(view), "a30 b31 c32");
    rdt_tx_undo(tx, two);
    assert_string_equal(aliases(view), "a20 c3 x21");
    size_t three = rdt_tx_mark(tx);
    edit_alias(tx, "x", 40);
    edit_alias(tx, "x", 41);
    assert_int_equal(rdt_tx_changed(tx, three), 1);
    seal(&w, tx);
    assert_string_equal(aliases(view), "a20 c3 x41");
    rdt_tx_undo(tx, three);
    rdt_tx_undo(tx, three);
    assert_string_equal(aliases(view), "a20 c3 x21");
    rdt_tx_undo(tx, one);
    assert_string_equal(aliases(view), "a1 b2 c3");
    assert_int_equal(rdt_tx_changed(tx, 0), 0);
    edit_alias(tx, "c", 50);
    seal(&w, tx);
    commit(&w, tx);
    assert_string_equal(aliases(published(&w)), "a1 b2 c50");
    must_load(&w);
    assert_string_equal(aliases(published(&w)), "a1 b2 c50");
    world_close(&w);
}

static void
test_changed(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    add_letters(&w, "a");
    struct rdt_tx *tx = begin(&w);
    size_t mark = rdt_tx_mark(tx);
    add_alias(tx, "x", 1);
    assert_int_equal(rdt_tx_changed(tx, mark), 1);
    assert_true(remove_alias(tx, "x"));
    assert_int_equal(rdt_tx_changed(tx, mark), 0); /* came and went */
    edit_alias(tx, "a", 2);
    edit_alias(tx, "a", 3);
    assert_int_equal(rdt_tx_changed(tx, mark), 1);
    mark = rdt_tx_mark(tx);
    assert_int_equal(rdt_tx_changed(tx, mark), 0);
    edit_alias(tx, "a", 4);
    assert_int_equal(rdt_tx_changed(tx, mark), 1);
    rdt_tx_drop(tx);
    world_close(&w);
}

/* What an earlier call staged is not changed by a later one, and what a row was before its removal
 * in the same call is not kept. */
static void
test_copies(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    add_letters(&w, "a");
    struct rdt_tx *tx = begin(&w);
    struct rdt_span id = rdt_span_str("a");
    rdt_tx_mark(tx);
    struct rdt_alias *first = rdt_tx_edit(tx, RDT_KIND_ALIAS, id);
    assert_ptr_equal(rdt_tx_edit(tx, RDT_KIND_ALIAS, id), first);
    rdt_tx_mark(tx);
    struct rdt_alias *second = rdt_tx_edit(tx, RDT_KIND_ALIAS, id);
    assert_ptr_not_equal(second, first);
    assert_ptr_not_equal(second->name, first->name);
    assert_ptr_equal(rdt_view_get(rdt_tx_view(tx), RDT_KIND_ALIAS, id), second);
    rdt_tx_drop(tx);
    world_close(&w);
}

/* Random calls, some undone, against a plain array of what must be there. */
static void
test_model(void **unused)
{
    (void)unused;
    enum { LETTERS = 8 };
    struct world w;
    uint8_t now[LETTERS] = {0}, before[LETTERS];
    char want[256];
    world_open(&w);
    srandom(3);
    for (int round = 0; round < 60; round++) {
        struct rdt_tx *tx = begin(&w);
        for (int call = 0; call < 5; call++) {
            size_t mark = rdt_tx_mark(tx);
            memcpy(before, now, sizeof now);
            for (int step = 0; step < 4; step++) {
                unsigned i = (unsigned)random() % LETTERS;
                uint8_t value = (uint8_t)(1 + random() % 99);
                const char name[] = {(char)('a' + i), '\0'};
                if (now[i] != 0 && random() % 2 == 0) {
                    assert_true(remove_alias(tx, name));
                    value = 0;
                } else if (now[i] != 0) {
                    edit_alias(tx, name, value);
                } else {
                    add_alias(tx, name, value);
                }
                now[i] = value;
            }
            bool sealed = random() % 4 != 0;
            if (sealed)
                seal(&w, tx);
            if (!sealed || random() % 3 == 0) {
                rdt_tx_undo(tx, mark);
                memcpy(now, before, sizeof now);
            }
        }
        size_t n = 0;
        want[0] = '\0';
        for (unsigned i = 0; i < LETTERS; i++)
            if (now[i] != 0)
                n += (size_t)snprintf(want + n, sizeof want - n, "%s%c%u", n == 0 ? "" : " ",
                                      'a' + (int)i, now[i]);
        assert_string_equal(aliases(rdt_tx_view(tx)), want);
        commit(&w, tx);
        assert_string_equal(aliases(published(&w)), want);
        uint8_t digest[32], again[32];
        digest_now(&w, digest);
        uint64_t revision = revision_of(&w);
        if (round % 10 == 9) { /* what a start reads is what was published */
            must_load(&w);
            assert_string_equal(aliases(published(&w)), want);
            digest_now(&w, again);
            assert_memory_equal(digest, again, 32);
            assert_true(revision == revision_of(&w));
        }
    }
    world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sees_itself), cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_undo),        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_copies),      cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests_name("kms/tx", tests, NULL, NULL);
}
