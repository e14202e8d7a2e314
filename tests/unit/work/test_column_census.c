/* What a scan says of a ring: other rings' values left out, copies counted under their oldest
 * epoch, what nobody looked at told. */
#include "work/column_census.h"

#include "../test.h"

static const struct rdt_catalogue_index index_of = {.ring = "alias/index"};
static const struct rdt_catalogue_column columns[] = {
    {.name = "a.b.c", .ring = "alias/field"},
    {.name = "a.b.d", .ring = "alias/field", .index = &index_of},
    {.name = "a.b.e", .ring = "alias/other"},
};

/* Handles 1 and 2 are of the ring field, 21 and 22 of the same tenants in index, 3 of other. */
static enum rdt_code
get(void *self, const struct rdt_kek_ask *ask, struct rdt_tenant_kek *out, struct rdt_err *err)
{
    int *asked = self;
    (*asked)++;
    bool field = strcmp(ask->ring, "alias/field") == 0,
         index = strcmp(ask->ring, "alias/index") == 0;
    if (field && ask->handle == 66)
        return rdt_fail(err, RDT_E_NET, "away");
    if (field && ask->handle == 9)
        return rdt_fail(err, RDT_E_STATE, "destroyed");
    if (field && (ask->handle == 1 || ask->handle == 2)) {
        out->tenant[15] = (uint8_t)ask->handle;
        return RDT_OK;
    }
    if (index && ask->tenant != NULL) {
        out->handle = 20 + (uint32_t)(ask->tenant[35] - '0');
        return RDT_OK;
    }
    return rdt_fail(err, RDT_E_NOTFOUND, "none");
}

static struct rdt_column_count counts_c[] = {
    {1, 1, 0, 2, 0, 10},
    {1, 2, 0, 2, 0, 5 },
    {2, 2, 0, 2, 0, 7 },
};
static struct rdt_column_count counts_d[] = {
    {1, 2, 4, 2, 4, 3},
    {2, 2, 4, 2, 4, 1},
    {2, 2, 5, 2, 5, 2},
};
static struct rdt_column_count counts_e[] = {
    {3, 8, 0, 8, 0, 100},
};
static const struct rdt_column_proof proofs[] = {
    {.column = &columns[0], .counts = counts_c, .n_counts = 3},
    {.column = &columns[1], .counts = counts_d, .n_counts = 3},
    {.column = &columns[2], .counts = counts_e, .n_counts = 1},
};

static void
expect(const struct rdt_ring_seen *seen, const struct rdt_census_count *want, size_t n)
{
    struct rdt_span in = {seen->epochs.p, seen->epochs.n};
    struct rdt_census_count got;
    for (size_t i = 0; i < n; i++) {
        assert_true(rdt_census_next(&in, true, &got));
        assert_int_equal(got.handle, want[i].handle);
        assert_int_equal(got.version, want[i].version);
        assert_int_equal(got.count, want[i].count);
    }
    assert_false(rdt_census_next(&in, true, &got));
}

static void
by_ring(void **state)
{
    (void)state;
    int asked = 0;
    struct rdt_column_places none = {.looked = true};
    struct rdt_column_scan scan = {
        proofs, 3, &none, {get, &asked}
    };
    static const struct rdt_census_count field[] = {
        {1, 1, 10},
        {1, 2, 8 },
        {2, 2, 10}
    };
    static const struct rdt_census_count index[] = {
        {21, 4, 3},
        {22, 4, 1},
        {22, 5, 2}
    };
    RDT_AUTO(rdt_ring_seen_done) struct rdt_ring_seen seen = {0};
    assert_int_equal(rdt_ring_see(&scan, "alias/field", false, &seen, NULL), RDT_OK);
    expect(&seen, field, 3);
    assert_int_equal(seen.looked_at, 28);
    assert_int_equal(seen.total, 28);
    assert_int_equal(seen.highest, 2);
    assert_int_equal(asked, 0);
    RDT_AUTO(rdt_ring_seen_done) struct rdt_ring_seen tokens = {0};
    assert_int_equal(rdt_ring_see(&scan, "alias/index", true, &tokens, NULL), RDT_OK);
    expect(&tokens, index, 3);
    assert_int_equal(tokens.total, 6);
}

static void
places(void **state)
{
    (void)state;
    int asked = 0;
    struct rdt_column_place at[] = {
        {"a.b",    "c", "bytea", "rf1",        "",         1, 1, 2, 15, true }, /* proved already */
        {"a.copy", "x", "bytea", "rf1",        "",         1, 1, 2, 4,  false},
        {"a.copy", "y", "text",  "inside",     "",         3, 8, 8, 50, false}, /* of another ring */
        {"a.copy", "z", "bytea", "searchable", "",         9, 6, 7, 2,  false}, /* its tenant is gone */
        {"a.copy", "s", "bytea", "rbf1",       "",         0, 0, 0, 1,  false},
        {"a.shut", "s", "text",  "",           "no right", 0, 0, 0, 0,  false},
    };
    struct rdt_column_places found = {.at = at, .n = 6, .looked = true};
    struct rdt_column_scan scan = {
        proofs, 1, &found, {get, &asked}
    };
    static const struct rdt_census_count want[] = {
        {1, 1, 14},
        {1, 2, 5 },
        {2, 2, 7 },
        {9, 6, 2 }
    };
    RDT_AUTO(rdt_ring_seen_done) struct rdt_ring_seen seen = {0};
    assert_int_equal(rdt_ring_see(&scan, "alias/field", false, &seen, NULL), RDT_OK);
    expect(&seen, want, 4);
    assert_int_equal(seen.looked_at, 28);
    assert_int_equal(seen.total, 29); /* one place was not looked at */
    assert_int_equal(seen.highest, 7);
    RDT_AUTO(rdt_ring_seen_done) struct rdt_ring_seen tokens = {0};
    scan.n_proofs = 2;
    assert_int_equal(rdt_ring_see(&scan, "alias/index", true, &tokens, NULL), RDT_OK);
    assert_int_equal(tokens.looked_at, 6);
    assert_int_equal(tokens.total, 9); /* and two tokens whose epoch nobody told */
}

static void
not_whole(void **state)
{
    (void)state;
    int asked = 0;
    struct rdt_column_places unseen = {.looked = false};
    struct rdt_column_scan scan = {
        proofs, 1, &unseen, {get, &asked}
    };
    RDT_AUTO(rdt_ring_seen_done) struct rdt_ring_seen seen = {0};
    assert_int_equal(rdt_ring_see(&scan, "alias/field", false, &seen, NULL), RDT_OK);
    assert_true(seen.looked_at < seen.total);
    struct rdt_column_place away = {"a.copy", "x", "bytea", "rf1", "", 66, 1, 1, 1, false};
    struct rdt_column_places found = {.at = &away, .n = 1, .looked = true};
    scan.places = &found;
    RDT_AUTO(rdt_ring_seen_done) struct rdt_ring_seen none = {0};
    assert_int_equal(rdt_ring_see(&scan, "alias/field", false, &none, NULL), RDT_E_NET);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_ring),
        cmocka_unit_test(places),
        cmocka_unit_test(not_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
