#include "world.h"

static enum rdt_code
try_seal(struct world *w, struct rdt_tx *tx)
{
    uint64_t revision = 0;
    uint8_t digest[32];
    return rdt_tx_seal(tx, w->worker, &revision, digest, NULL);
}

static void
test_revisions(void **unused)
{
    (void)unused;
    struct world w;
    uint8_t one[32], two[32], published_digest[32];
    uint64_t revision;
    world_open(&w);
    uint64_t base = revision_of(&w);
    digest_now(&w, published_digest);
    struct rdt_tx *tx = begin(&w);
    assert_true(seal(&w, tx) == base); /* nothing changed */
    rdt_tx_mark(tx);
    add_alias(tx, "a", 1);
    assert_int_equal(rdt_tx_seal(tx, w.worker, &revision, one, NULL), RDT_OK);
    assert_true(revision == base + 1);
    assert_memory_not_equal(one, published_digest, 32);
    size_t mark = rdt_tx_mark(tx);
    add_alias(tx, "b", 2);
    assert_int_equal(rdt_tx_seal(tx, w.worker, &revision, two, NULL), RDT_OK);
    assert_true(revision == base + 2);
    assert_memory_not_equal(one, two, 32);
    assert_true(seal(&w, tx) == base + 2);
    rdt_tx_undo(tx, mark);
    assert_int_equal(rdt_tx_seal(tx, w.worker, &revision, two, NULL), RDT_OK);
    assert_true(revision == base + 1);
    assert_memory_equal(one, two, 32); /* the undone call left nothing behind */
    commit(&w, tx);
    assert_true(revision_of(&w) == base + 1);
    digest_now(&w, two);
    assert_memory_equal(one, two, 32);
    must_load(&w);
    digest_now(&w, two);
    assert_memory_equal(one, two, 32);
    world_close(&w);
}

/* The digest says what is there, not how it came to be there... apart from the revisions, which are
 * part of each row's MAC. */
static void
test_sum(void **unused)
{
    (void)unused;
    struct world w;
    uint8_t before[32], after[32];
    world_open(&w);
    add_letters(&w, "abc");
    digest_now(&w, before);
    struct rdt_tx *tx = begin(&w);
    rdt_tx_mark(tx);
    edit_alias(tx, "a", 9);
    seal(&w, tx);
    edit_alias(tx, "a", 10); /* sealed again in its place */
    add_alias(tx, "d", 4);
    seal(&w, tx);
    rdt_tx_mark(tx);
    remove_alias(tx, "d");
    remove_alias(tx, "b");
    seal(&w, tx);
    rdt_tx_mark(tx);
    edit_alias(tx, "a", 11);
    add_alias(tx, "b", 12);
    seal(&w, tx);
    commit(&w, tx);
    digest_now(&w, after);
    assert_memory_not_equal(before, after, 32);
    must_load(&w); /* adds it up anew */
    digest_now(&w, before);
    assert_memory_equal(before, after, 32);
    assert_string_equal(aliases(published(&w)), "a11 b12 c3");
    world_close(&w);
}

static void
bad_text(struct rdt_tx *tx)
{
    edit_alias(tx, "a", 3);
    struct rdt_tenant *tenant = rdt_tx_add(tx, RDT_KIND_TENANT, rdt_span_str("0123456789abcdef"));
    memcpy(tenant->id, "0123456789abcdef", 16);
    tenant->name = strdup("\xff"); /* round the back of rdt_text_set() */
}

static void
bad_id(struct rdt_tx *tx)
{
    set_alias(rdt_tx_add(tx, RDT_KIND_ALIAS, rdt_span_str("b")), "c", 1);
}

static void
changed_id(struct rdt_tx *tx)
{
    set_alias(rdt_tx_edit(tx, RDT_KIND_ALIAS, rdt_span_str("a")), "b", 1);
}

static void
too_large(struct rdt_tx *tx)
{
    struct rdt_bytes big = {calloc(1, RDT_STORE_BODY_MAX), RDT_STORE_BODY_MAX};
    struct rdt_death *death = rdt_tx_add(tx, RDT_KIND_DEATH, rdt_span_str("0123456789abcdef1234"));
    memcpy(death->key, "0123456789abcdef", 16);
    death->version = 0x31323334;
    death->certificate = big;
}

static void
bad_policy(struct rdt_tx *tx)
{
    struct rdt_key *key = rdt_tx_add(tx, RDT_KIND_KEY, rdt_span_str("0123456789abcdef"));
    memcpy(key->id, "0123456789abcdef", 16);
    assert_true(rdt_text_set(&key->policy, rdt_span_str("no JSON")));
}

static const struct {
    const char *what;
    void (*make)(struct rdt_tx *tx);
    enum rdt_code want;
} refused[] = {
    {"a text that is no UTF-8", bad_text,   RDT_E_BADINPUT},
    {"a new row of another id", bad_id,     RDT_E_INTERNAL},
    {"an id that changed",      changed_id, RDT_E_INTERNAL},
    {"a row that is too large", too_large,  RDT_E_LIMIT   },
    {"a policy that is none",   bad_policy, RDT_E_BADINPUT},
};

static void
test_refused(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    add_letters(&w, "a");
    for (size_t i = 0; i < RDT_COUNT(refused); i++) {
        uint8_t mark_value = (uint8_t)(10 + i);
        struct rdt_tx *tx = begin(&w);
        rdt_tx_mark(tx);
        edit_alias(tx, "a", mark_value);
        uint64_t revision = seal(&w, tx);
        size_t mark = rdt_tx_mark(tx);
        refused[i].make(tx);
        if (try_seal(&w, tx) != refused[i].want)
            fail_msg("%s", refused[i].what);
        assert_int_equal(try_seal(&w, tx), RDT_E_INTERNAL); /* half done, so nothing goes on */
        rdt_tx_undo(tx, mark);
        assert_true(seal(&w, tx) == revision);
        commit(&w, tx);
        must_load(&w);
        assert_int_equal(((const struct rdt_alias *)rdt_view_next(published(&w), RDT_KIND_ALIAS,
                                                                  (struct rdt_span){NULL, 0},
                                                                  &(struct rdt_span){NULL, 0}))
                             ->key[0],
                         mark_value);
        /* and what was not undone is not committed */
        tx = begin(&w);
        refused[i].make(tx);
        assert_int_equal(try_seal(&w, tx), refused[i].want);
        assert_int_equal(rdt_tx_commit(tx, w.store, NULL, NULL), RDT_E_INTERNAL);
    }
    world_close(&w);
}

static void
test_many(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    for (uint32_t i = 0; i <= RDT_STORE_CHANGES_MAX; i++) {
        const uint8_t id[] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
                              (uint8_t)i};
        struct rdt_domain *domain = rdt_tx_add(tx, RDT_KIND_DOMAIN, (struct rdt_span){id, 4});
        assert_non_null(domain);
        domain->number = i;
    }
    assert_int_equal(try_seal(&w, tx), RDT_E_LIMIT);
    rdt_tx_undo(tx, 1);
    seal(&w, tx);
    commit(&w, tx);
    assert_int_equal(rdt_state_count(w.state, RDT_KIND_DOMAIN), 1);
    world_close(&w);
}

/* A row without anything in it has a body of no bytes, which must not look like a removal. */
static void
test_empty_row(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    assert_non_null(rdt_tx_add(tx, RDT_KIND_SITE, rdt_span_str("site")));
    seal(&w, tx);
    commit(&w, tx);
    must_load(&w);
    assert_non_null(rdt_view_site(published(&w)));
    world_close(&w);
}

/* Between an edit and the seal a policy must not look like none, which is the default one. */
static void
test_policy_kept(void **unused)
{
    (void)unused;
    static const char policy[] = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                                 "\"Action\":\"kms:Encrypt\",\"Resource\":\"*\"}]}";
    struct world w;
    struct rdt_span id = rdt_span_str("0123456789abcdef");
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    struct rdt_principal *p = rdt_tx_add(tx, RDT_KIND_PRINCIPAL, id);
    memcpy(p->id, id.p, 16);
    assert_true(rdt_text_set(&p->policy, rdt_span_str(policy)));
    seal(&w, tx);
    assert_non_null(p->compiled);
    commit(&w, tx);
    assert_non_null(rdt_view_principal(published(&w), id.p)->compiled);
    tx = begin(&w);
    p = rdt_tx_edit(tx, RDT_KIND_PRINCIPAL, id);
    assert_non_null(p->compiled);
    assert_ptr_not_equal(p->compiled, rdt_view_principal(published(&w), id.p)->compiled);
    assert_true(rdt_text_set(&p->policy, (struct rdt_span){NULL, 0}));
    seal(&w, tx);
    assert_null(p->compiled);
    commit(&w, tx);
    assert_null(rdt_view_principal(published(&w), id.p)->compiled);
    must_load(&w);
    world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_revisions), cmocka_unit_test(test_sum),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_many),
        cmocka_unit_test(test_empty_row), cmocka_unit_test(test_policy_kept),
    };
    return cmocka_run_group_tests_name("kms/seal", tests, NULL, NULL);
}
