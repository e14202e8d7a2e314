/* What threads count, and what becomes of it in the rows. */
#include "world.h"

#include "kms/call_internal.h"
#include "kms/life_internal.h"

#define NOW_MS ((int64_t)1800000000000)
#define CREDITED_S 77
#define MANY 5000 /* more versions than a thread has room for */

static struct world w;
static struct usage *usage;
static struct rdt_request request = {.now_ms = NOW_MS, .id = {0xaa}};
static struct rdt_op encrypt = {.name = "Encrypt"}, decrypt = {.name = "Decrypt"};
static struct rdt_call call = {.request = &request};

static struct rdt_version
version(uint8_t key, uint32_t number)
{
    return (struct rdt_version){
        .key = {key, key, key, key},
          .number = number
    };
}

static void
count(uint8_t key, uint32_t number, bool wrap, int64_t at_ms)
{
    struct rdt_version v = version(key, number);
    request.now_ms = at_ms;
    call.op = wrap ? &encrypt : &decrypt;
    rdt_usage_count(usage, &call, &v, wrap);
}

static void
collect(int64_t now_ms)
{
    struct rdt_tx *tx = begin(&w);
    assert_true(rdt_usage_collect(usage, tx, now_ms));
    seal(&w, tx);
    commit(&w, tx);
    rdt_usage_settle(usage);
}

static const struct rdt_usage *
row(uint8_t key, uint32_t number)
{
    RDT_BUF id = {0};
    struct rdt_usage sample = {
        .key = {key, key, key, key},
          .version = number
    };
    rdt_kind_id(RDT_KIND_USAGE, &sample, &id);
    return rdt_view_get(published(&w), RDT_KIND_USAGE, rdt_buf_span(&id));
}

static void
counted(void **state)
{
    (void)state;
    count(1, 1, true, NOW_MS);
    count(1, 1, true, NOW_MS + 1);
    count(1, 1, false, NOW_MS + 2);
    count(1, 2, false, NOW_MS + 3);
    assert_null(row(1, 1)); /* not before somebody collects */
    collect(NOW_MS + 4);
    const struct rdt_usage *one = row(1, 1), *two = row(1, 2);
    assert_non_null(one);
    assert_int_equal(one->wraps, 2);
    assert_int_equal(one->unwraps, 1);
    assert_int_equal(one->last_ms, NOW_MS + 2);
    assert_string_equal(one->last_operation, "Decrypt");
    assert_int_equal(one->last_request[0], 0xaa);
    assert_int_equal(two->unwraps, 1);
    assert_int_equal(two->wraps, 0);
    collect(NOW_MS + 5); /* nothing is counted twice */
    assert_int_equal(row(1, 1)->wraps, 2);
    count(1, 1, true, NOW_MS + 1); /* another thread's, older: it adds up, it is not the last */
    collect(NOW_MS + 6);
    assert_int_equal(row(1, 1)->wraps, 3);
    assert_int_equal(row(1, 1)->last_ms, NOW_MS + 2);
    assert_string_equal(row(1, 1)->last_operation, "Decrypt");
}

/* The rows outlive a restart with what was counted. */
static void
kept(void **state)
{
    (void)state;
    count(3, 1, true, NOW_MS);
    collect(NOW_MS);
    must_load(&w);
    assert_int_equal(row(3, 1)->wraps, 1);
}

/* A commit that fails loses nothing. */
static void
failed(void **state)
{
    struct rdt_tx *tx = begin(&w);
    (void)state;
    count(4, 1, true, NOW_MS);
    assert_true(rdt_usage_collect(usage, tx, NOW_MS));
    rdt_tx_drop(tx);
    assert_null(row(4, 1));
    count(4, 1, false, NOW_MS - 1); /* older than what waits: not the last use */
    collect(NOW_MS + 2);
    assert_int_equal(row(4, 1)->wraps, 1);
    assert_int_equal(row(4, 1)->unwraps, 1);
    assert_int_equal(row(4, 1)->last_ms, NOW_MS);
    assert_string_equal(row(4, 1)->last_operation, "Encrypt");
}

static void
add_version(uint8_t key, enum rdt_version_state state)
{
    struct rdt_tx *tx = begin(&w);
    struct rdt_version sample = version(key, 1), *v;
    struct rdt_key *owner = rdt_tx_add(tx, RDT_KIND_KEY, (struct rdt_span){sample.key, 16});
    uint8_t id[20];
    rdt_version_id(sample.key, 1, id);
    v = rdt_tx_add(tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
    assert_true(owner != NULL && v != NULL);
    memcpy(owner->id, sample.key, sizeof owner->id);
    memcpy(v->key, sample.key, sizeof v->key);
    v->number = 1;
    v->state = (uint8_t)state;
    v->quiet_s = 1000;
    seal(&w, tx);
    commit(&w, tx);
}

/* One refused use of a quiesced version, or one use of a drained one, returns it to draining: its
 * waiting begins anew. */
static void
moved_back(void **state)
{
    static const struct {
        enum rdt_version_state before;
        bool refused; /* else used */
        enum rdt_version_state after;
    } rows[] = {
        {RDT_VERSION_QUIESCED,  true,  RDT_VERSION_DRAINING },
        {RDT_VERSION_RETAINED,  true,  RDT_VERSION_RETAINED },
        {RDT_VERSION_DRAINED,   true,  RDT_VERSION_DRAINED  },
        {RDT_VERSION_DESTROYED, true,  RDT_VERSION_DESTROYED},
        {RDT_VERSION_DRAINED,   false, RDT_VERSION_DRAINING },
        {RDT_VERSION_RETAINED,  false, RDT_VERSION_RETAINED },
        {RDT_VERSION_QUIESCED,  false, RDT_VERSION_DRAINING }, /* used right before */
    };
    (void)state;
    for (uint8_t i = 0; i < RDT_COUNT(rows); i++) {
        uint8_t key = (uint8_t)(0x40 + i);
        struct rdt_version v = version(key, 1);
        bool moved = rows[i].before != rows[i].after;
        add_version(key, rows[i].before);
        if (rows[i].refused)
            rdt_usage_refused(usage, &v);
        else
            count(key, 1, false, NOW_MS);
        collect(NOW_MS + 9);
        const struct rdt_version *now = rdt_view_version(published(&w), v.key, 1);
        assert_int_equal(now->state, rows[i].after);
        assert_int_equal(now->quiet_s, moved ? 0 : 1000);
        assert_int_equal(now->drain_no, moved ? 1 : 0);
        assert_int_equal(now->refused_ms, moved && rows[i].refused ? NOW_MS + 9 : 0);
        assert_int_equal(row(key, 1) == NULL, rows[i].refused); /* a refusal is no use */
    }
    struct rdt_version gone = version(0x60, 1);
    rdt_usage_refused(usage, &gone); /* its row went meanwhile */
    collect(NOW_MS);
}

/* A refused use that found no place: all waiting begins anew, since nobody knows whose it was. */
static void
refusal_lost(void **state)
{
    (void)state;
    assert_int_equal(rdt_view_site(published(&w))->quiet_floor_s, 0);
    for (uint32_t i = 1; i <= MANY; i++) {
        struct rdt_version v = version(0x70, i);
        rdt_usage_refused(usage, &v);
    }
    collect(NOW_MS);
    assert_true(rdt_view_site(published(&w))->quiet_floor_s >= CREDITED_S);
}

/* A full table drops counts, never memory of another version, and works again once collected. */
static void
full(void **state)
{
    size_t n = 0;
    (void)state;
    for (uint32_t i = 1; i <= MANY; i++)
        count(9, i, true, NOW_MS);
    collect(NOW_MS);
    for (uint32_t i = 1; i <= MANY; i++) {
        const struct rdt_usage *one = row(9, i);
        assert_true(one == NULL || one->wraps == 1);
        n += one != NULL;
    }
    assert_true(n >= 3000 && n < MANY);
    count(9, MANY, true, NOW_MS);
    collect(NOW_MS);
    assert_non_null(row(9, MANY));
}

/* A use of a drained version is kept where counts of others find no place any more. */
static void
full_of_others(void **state)
{
    struct rdt_version drained = version(0x71, 1);
    (void)state;
    add_version(0x71, RDT_VERSION_DRAINED);
    drained.state = RDT_VERSION_DRAINED;
    for (uint32_t i = 1; i <= MANY; i++)
        count(0x72, i, false, NOW_MS);
    rdt_usage_count(usage, &call, &drained, false);
    collect(NOW_MS);
    assert_int_equal(rdt_view_version(published(&w), drained.key, 1)->state, RDT_VERSION_DRAINING);
}

static int
set_up(void **state)
{
    (void)state;
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    struct rdt_site *site = rdt_tx_add(tx, RDT_KIND_SITE, rdt_span_str("site"));
    if (site == NULL)
        return -1;
    site->credited_s = CREDITED_S;
    seal(&w, tx);
    commit(&w, tx);
    usage = rdt_usage_new();
    return usage == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_usage_free(usage);
    rdt_usage_free(NULL);
    world_close(&w);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted),        cmocka_unit_test(kept), cmocka_unit_test(failed),
        cmocka_unit_test(moved_back),     cmocka_unit_test(full), cmocka_unit_test(refusal_lost),
        cmocka_unit_test(full_of_others),
    };
    return cmocka_run_group_tests_name("kms/usage", tests, set_up, tear_down);
}
