#include "world.h"

static const uint8_t one[16] = "key-number-one..", two[16] = "key-number-two..";

static void
add_key(struct rdt_tx *tx, const uint8_t id[static 16], uint32_t versions)
{
    struct rdt_key *key = rdt_tx_add(tx, RDT_KIND_KEY, (struct rdt_span){id, 16});
    memcpy(key->id, id, 16);
    for (uint32_t i = 1; i <= versions; i++) {
        RDT_BUF version_id = {0};
        struct rdt_version made = {.number = i};
        memcpy(made.key, id, 16);
        rdt_kind_id(RDT_KIND_VERSION, &made, &version_id);
        struct rdt_version *version = rdt_tx_add(tx, RDT_KIND_VERSION, rdt_buf_span(&version_id));
        assert_non_null(version);
        *version = made;
    }
}

static void
test_by_kind(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    assert_null(rdt_view_site(published(&w)));
    struct rdt_tx *tx = begin(&w);
    add_key(tx, one, 300);
    add_key(tx, two, 1);
    rdt_tx_add(tx, RDT_KIND_SITE, rdt_span_str("site"));
    struct rdt_principal *p = rdt_tx_add(tx, RDT_KIND_PRINCIPAL, (struct rdt_span){one, 16});
    memcpy(p->id, one, 16);
    seal(&w, tx);
    for (int pass = 0; pass < 2; pass++) {
        struct rdt_view view = pass == 0 ? rdt_tx_view(tx) : published(&w);
        assert_non_null(rdt_view_site(view));
        assert_memory_equal(rdt_view_key(view, two)->id, two, 16);
        assert_int_equal(rdt_view_version(view, one, 300)->number, 300);
        assert_null(rdt_view_version(view, one, 301));
        assert_null(rdt_view_version(view, two, 2));
        assert_non_null(rdt_view_principal(view, one));
        assert_null(rdt_view_principal(view, two));
        if (pass == 0)
            commit(&w, tx);
    }
    assert_int_equal(rdt_state_count(w.state, RDT_KIND_VERSION), 301);
    assert_int_equal(rdt_state_count(w.state, RDT_KIND_END), 0);
    world_close(&w);
}

/* Versions of one key: those after its id alone, until another key's begin. */
static void
test_range(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    add_key(tx, one, 258);
    add_key(tx, two, 3);
    seal(&w, tx);
    commit(&w, tx);
    struct rdt_span id = {one, 16};
    uint32_t n = 0;
    for (const struct rdt_version *v;
         (v = rdt_view_next(published(&w), RDT_KIND_VERSION, id, &id)) != NULL &&
         rdt_span_eq((struct rdt_span){v->key, 16}, (struct rdt_span){one, 16});)
        assert_int_equal(v->number, ++n); /* numbers are big-endian in ids, so they are in order */
    assert_int_equal(n, 258);
    world_close(&w);
}

static void
test_next(void **unused)
{
    (void)unused;
    static const struct {
        const char *after, *next; /* NULL: none */
    } cases[] = {
        {"",   "b" },
        {"a",  "b" },
        {"b",  "d" },
        {"bb", "d" },
        {"c",  "d" },
        {"d",  "f" },
        {"e",  "f" },
        {"f",  NULL},
        {"g",  NULL},
        {"dd", "f" }
    };
    struct world w;
    world_open(&w);
    add_letters(&w, "bdf");
    struct rdt_tx *tx = begin(&w);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_span id = rdt_span_str(cases[i].after);
        const struct rdt_alias *a = rdt_view_next(published(&w), RDT_KIND_ALIAS, id, &id);
        assert_int_equal(a == NULL, cases[i].next == NULL);
        if (a != NULL)
            assert_string_equal(a->name, cases[i].next);
        id = rdt_span_str(cases[i].after);
        assert_ptr_equal(rdt_view_next(rdt_tx_view(tx), RDT_KIND_ALIAS, id, &id), a);
    }
    struct rdt_span id = {NULL, 0};
    assert_null(rdt_view_next(published(&w), RDT_KIND_KEY, id, &id));
    assert_null(rdt_view_next(published(&w), RDT_KIND_END, id, &id));
    assert_null(rdt_view_get(published(&w), RDT_KIND_END, rdt_span_str("b")));
    assert_null(rdt_view_get(published(&w), RDT_KIND_KEY, rdt_span_str("b")));
    assert_null(rdt_view_get(published(&w), RDT_KIND_ALIAS, id));
    rdt_tx_drop(tx);
    world_close(&w);
}

/* A walk may remove and change what it passes. */
static void
test_walk_and_change(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    add_letters(&w, "abcdef");
    struct rdt_tx *tx = begin(&w);
    add_alias(tx, "bb", 50);
    add_alias(tx, "zz", 60); /* behind the last published one */
    struct rdt_span id = {NULL, 0};
    unsigned n = 0;
    for (const struct rdt_alias *a;
         (a = rdt_view_next(rdt_tx_view(tx), RDT_KIND_ALIAS, id, &id)) != NULL; n++) {
        if (n % 2 == 0)
            assert_true(rdt_tx_remove(tx, RDT_KIND_ALIAS, id));
        else
            ((struct rdt_alias *)rdt_tx_edit(tx, RDT_KIND_ALIAS, id))->created_ms = 7;
    }
    assert_int_equal(n, 8);
    assert_string_equal(aliases(rdt_tx_view(tx)), "b2 c3 e5 zz60");
    rdt_tx_drop(tx);
    world_close(&w);
}

static void
test_revision(void **unused)
{
    (void)unused;
    struct world w;
    struct rdt_span a = rdt_span_str("a"), b = rdt_span_str("b");
    world_open(&w);
    add_letters(&w, "ab");
    uint64_t revision = revision_of(&w);
    struct rdt_tx *tx = begin(&w);
    assert_true(rdt_view_revision(rdt_tx_view(tx), RDT_KIND_ALIAS, a) == revision);
    edit_alias(tx, "a", 5);
    assert_true(rdt_view_revision(rdt_tx_view(tx), RDT_KIND_ALIAS, a) == 0);
    assert_true(rdt_view_revision(rdt_tx_view(tx), RDT_KIND_ALIAS, b) == revision);
    assert_true(rdt_view_revision(published(&w), RDT_KIND_ALIAS, a) == revision);
    assert_true(rdt_view_revision(published(&w), RDT_KIND_ALIAS, rdt_span_str("c")) == 0);
    assert_true(rdt_view_revision(published(&w), RDT_KIND_END, a) == 0);
    seal(&w, tx);
    commit(&w, tx);
    assert_true(rdt_view_revision(published(&w), RDT_KIND_ALIAS, a) == revision + 1);
    world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_kind),  cmocka_unit_test(test_range),
        cmocka_unit_test(test_next),     cmocka_unit_test(test_walk_and_change),
        cmocka_unit_test(test_revision),
    };
    return cmocka_run_group_tests_name("kms/view", tests, NULL, NULL);
}
