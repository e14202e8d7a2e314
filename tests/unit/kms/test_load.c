#include "world.h"

#include "base/clock.h"

#include <sqlite3.h>

/* Rows as a writer of the database sees them. */
struct kept {
    uint16_t kind;
    uint8_t id[64], body[512], mac[32];
    size_t id_n, body_n;
    uint64_t revision;
};

struct keep {
    struct kept rows[16];
    size_t n;
};

static enum rdt_code
keep_row(void *user, const struct rdt_row *row, struct rdt_err *err)
{
    struct keep *keep = user;
    (void)err;
    assert_true(keep->n < RDT_COUNT(keep->rows));
    struct kept *k = &keep->rows[keep->n++];
    assert_true(row->id.n <= sizeof k->id && row->body.n <= sizeof k->body);
    *k = (struct kept){
        .kind = row->kind, .id_n = row->id.n, .body_n = row->body.n, .revision = row->revision};
    memcpy(k->id, row->id.p, row->id.n);
    memcpy(k->body, row->body.p, row->body.n);
    memcpy(k->mac, row->mac, sizeof k->mac);
    return RDT_OK;
}

static struct keep
keep_rows(struct world *w)
{
    struct keep keep = {.n = 0};
    assert_int_equal(rdt_store_rows(w->store, keep_row, &keep, NULL), RDT_OK);
    return keep;
}

static struct rdt_row
as_row(const struct kept *k)
{
    struct rdt_row row = {
        .kind = k->kind,
        .id = {k->id,   k->id_n  },
        .revision = k->revision,
        .body = {k->body, k->body_n}
    };
    memcpy(row.mac, k->mac, sizeof row.mac);
    return row;
}

/* Writes to the store past the state: what whoever owns the database can do. */
static void
write_row(struct world *w, const struct rdt_row *row)
{
    const struct rdt_commit commit = {
        .revision = rdt_store_revision(w->store) + 1, .rows = row, .n_rows = 1};
    assert_int_equal(rdt_store_commit(w->store, &commit, NULL), RDT_OK);
}

static void
drop_row(struct world *w, const struct kept *k)
{
    struct rdt_row row = as_row(k);
    row.body = (struct rdt_span){NULL, 0};
    write_row(w, &row);
}

static struct kept *
row_of(struct keep *keep, enum rdt_kind kind, const char *id)
{
    for (size_t i = 0; i < keep->n; i++)
        if (keep->rows[i].kind == kind &&
            rdt_span_is((struct rdt_span){keep->rows[i].id, keep->rows[i].id_n}, id))
            return &keep->rows[i];
    fail_msg("no row %s", id);
    return NULL;
}

/* The MAC as kms/state.h says, put together byte by byte. */
static void
mac_of(const struct world *w, const struct kept *k, uint8_t out[32])
{
    uint8_t bytes[1024];
    size_t n = 0;
    bytes[n++] = (uint8_t)(k->kind >> 8);
    bytes[n++] = (uint8_t)k->kind;
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes[n++] = (uint8_t)(k->id_n >> shift);
    memcpy(bytes + n, k->id, k->id_n);
    n += k->id_n;
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes[n++] = (uint8_t)(k->revision >> shift);
    memcpy(bytes + n, k->body, k->body_n);
    n += k->body_n;
    const struct rdt_span all = {bytes, n};
    assert_int_equal(rdt_hmac(w->worker, &w->rows, &all, 1, out), RDT_OK);
}

/* The digest as kms/state.h says, added up byte by byte. */
static void
digest_of(const struct world *w, const struct keep *keep, uint8_t out[32])
{
    uint8_t bytes[17 + 8 + 32] = "redoubt digest v1", *sum = bytes + 25;
    bytes[24] = (uint8_t)keep->n;
    for (size_t i = 0; i < keep->n; i++) {
        uint8_t term[32];
        unsigned carry = 0;
        const struct rdt_span mac = {keep->rows[i].mac, 32};
        assert_int_equal(rdt_hmac(w->worker, &w->digest, &mac, 1, term), RDT_OK);
        for (size_t k = 32; k-- > 0; carry >>= 8) {
            carry += (unsigned)sum[k] + term[k];
            sum[k] = (uint8_t)carry;
        }
    }
    const struct rdt_span all = {bytes, sizeof bytes};
    assert_int_equal(rdt_hmac(w->worker, &w->digest, &all, 1, out), RDT_OK);
}

static void
some_rows(struct world *w)
{
    world_open(w);
    add_letters(w, "abc");
    struct rdt_tx *tx = begin(w);
    struct rdt_domain *domain = rdt_tx_add(tx, RDT_KIND_DOMAIN, rdt_span_str("0001"));
    domain->number = 0x30303031;
    struct rdt_handle *handle = rdt_tx_add(tx, RDT_KIND_HANDLE, rdt_span_str("0002"));
    handle->handle = 0x30303032;
    seal(w, tx);
    commit(w, tx);
}

static void
test_formulas(void **unused)
{
    (void)unused;
    struct world w;
    uint8_t want[32], got[32];
    some_rows(&w);
    struct keep keep = keep_rows(&w);
    assert_int_equal(keep.n, 5);
    for (size_t i = 0; i < keep.n; i++) {
        mac_of(&w, &keep.rows[i], want);
        assert_memory_equal(want, keep.rows[i].mac, 32);
    }
    digest_of(&w, &keep, want);
    digest_now(&w, got);
    assert_memory_equal(want, got, 32);
    must_load(&w);
    digest_now(&w, got);
    assert_memory_equal(want, got, 32);
    world_close(&w);
}

/* ---- rows with a MAC that is not theirs ---- */

static void
turn_body(struct kept *k, const struct kept *other)
{
    (void)other;
    k->body[k->body_n - 1] ^= 1;
}

static void
longer_body(struct kept *k, const struct kept *other)
{
    (void)other;
    k->body[k->body_n++] = 0;
}

static void
turn_id(struct kept *k, const struct kept *other)
{
    (void)other;
    k->id[0] ^= 4;
}

static void
turn_mac(struct kept *k, const struct kept *other)
{
    (void)other;
    k->mac[31] ^= 0x80;
}

static void
lower_revision(struct kept *k, const struct kept *other)
{
    (void)other;
    k->revision--;
}

static void
other_kind(struct kept *k, const struct kept *other)
{
    (void)other;
    k->kind = RDT_KIND_STORE;
}

static void
other_mac(struct kept *k, const struct kept *other)
{
    memcpy(k->mac, other->mac, sizeof k->mac);
}

static void
other_row(struct kept *k, const struct kept *other)
{
    k->body_n = other->body_n;
    memcpy(k->body, other->body, other->body_n);
    other_mac(k, other);
}

static void
zero_mac(struct kept *k, const struct kept *other)
{
    (void)other;
    memset(k->mac, 0, sizeof k->mac);
}

static const struct {
    const char *what;
    void (*change)(struct kept *k, const struct kept *other);
    const char *words;
} changes[] = {
    {"a bit of the body",           turn_body,      "1 rows were changed outside of Redoubt (alias 1)"},
    {"a byte more",                 longer_body,    "alias 1"                                         },
    {"another id",                  turn_id,        "alias 1"                                         },
    {"a bit of the MAC",            turn_mac,       "alias 1"                                         },
    {"another revision",            lower_revision, "alias 1"                                         },
    {"another kind",                other_kind,     "store 1"                                         },
    {"the MAC of another row",      other_mac,      "alias 1"                                         },
    {"body and MAC of another row", other_row,      "alias 1"                                         },
    {"no MAC",                      zero_mac,       "alias 1"                                         },
};

static void
test_tampered(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < RDT_COUNT(changes); i++) {
        struct world w;
        struct rdt_err err;
        some_rows(&w);
        struct keep keep = keep_rows(&w);
        struct kept *a = row_of(&keep, RDT_KIND_ALIAS, "a"), changed = *a;
        changes[i].change(&changed, row_of(&keep, RDT_KIND_ALIAS, "b"));
        struct rdt_row row = as_row(&changed);
        write_row(&w, &row);
        enum rdt_code rc = load(&w, &err);
        if (rc != RDT_E_TAMPERED || strstr(err.text, changes[i].words) == NULL)
            fail_msg("%s: %d, %s", changes[i].what, rc, rc == RDT_OK ? "" : err.text);
        world_close(&w);
    }
}

static void
test_counted(void **unused)
{
    (void)unused;
    struct world w;
    struct rdt_err err;
    some_rows(&w);
    struct keep keep = keep_rows(&w);
    const struct {
        enum rdt_kind kind;
        const char *id;
    } rows[] = {
        {RDT_KIND_ALIAS,  "a"   },
        {RDT_KIND_ALIAS,  "c"   },
        {RDT_KIND_HANDLE, "0002"}
    };
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        struct kept *k = row_of(&keep, rows[i].kind, rows[i].id);
        k->mac[0] ^= 1;
        struct rdt_row row = as_row(k);
        write_row(&w, &row);
    }
    assert_int_equal(load(&w, &err), RDT_E_TAMPERED);
    assert_non_null(strstr(err.text, "3 rows"));
    assert_non_null(strstr(err.text, "(alias 2, handle 1)"));
    world_close(&w);
}

/* ---- rows whose MACs are good: the digest tells ---- */

static void
test_deleted(void **unused)
{
    (void)unused;
    struct world w;
    uint8_t before[32], after[32];
    some_rows(&w);
    struct keep keep = keep_rows(&w);
    digest_now(&w, before);
    drop_row(&w, row_of(&keep, RDT_KIND_ALIAS, "b"));
    must_load(&w);
    assert_string_equal(aliases(published(&w)), "a1 c3");
    digest_now(&w, after);
    assert_memory_not_equal(before, after, 32);
    world_close(&w);
}

static void
test_put_back(void **unused)
{
    (void)unused;
    struct world w;
    uint8_t before[32], after[32];
    some_rows(&w);
    struct keep keep = keep_rows(&w);
    struct rdt_tx *tx = begin(&w);
    edit_alias(tx, "b", 99);
    seal(&w, tx);
    commit(&w, tx);
    digest_now(&w, before);
    struct rdt_row row = as_row(row_of(&keep, RDT_KIND_ALIAS, "b"));
    write_row(&w, &row);
    must_load(&w);
    assert_string_equal(aliases(published(&w)), "a1 b2 c3");
    digest_now(&w, after);
    assert_memory_not_equal(before, after, 32);
    world_close(&w);
}

/* Two old rows for two new ones: a sum that could be balanced would not notice. */
static void
test_swapped(void **unused)
{
    (void)unused;
    struct world w;
    uint8_t before[32], after[32];
    some_rows(&w);
    struct keep keep = keep_rows(&w);
    digest_now(&w, before);
    struct kept a = *row_of(&keep, RDT_KIND_ALIAS, "a"), b = *row_of(&keep, RDT_KIND_ALIAS, "b");
    struct rdt_tx *tx = begin(&w);
    edit_alias(tx, "a", 1);
    edit_alias(tx, "b", 2); /* the same content at a new revision */
    seal(&w, tx);
    commit(&w, tx);
    digest_now(&w, after);
    assert_memory_not_equal(before, after, 32);
    struct rdt_row row = as_row(&a);
    write_row(&w, &row);
    row = as_row(&b);
    write_row(&w, &row);
    must_load(&w);
    digest_now(&w, after);
    assert_memory_equal(before, after, 32); /* all old again: only the revision tells */
    world_close(&w);
}

/* ---- rows that carry a good MAC and are wrong ---- */

static enum rdt_code
load_forged(struct world *w, struct kept *k, struct rdt_err *err)
{
    mac_of(w, k, k->mac);
    struct rdt_row row = as_row(k);
    write_row(w, &row);
    return load(w, err);
}

static void
test_not_understood(void **unused)
{
    (void)unused;
    static const struct {
        const char *what;
        struct kept row;
        enum rdt_code want;
    } rows[] = {
        {"good",
         {.kind = RDT_KIND_ALIAS,
          .id = "z",
          .id_n = 1,
          .body = {1, 0, 0, 1, 'z'},
          .body_n = 5,
          .revision = 1},
         RDT_OK                                                                          },
        {"kind 99",     {.kind = 99, .id = "z", .id_n = 1, .revision = 1}, RDT_E_BADINPUT},
        {"kind 0",      {.kind = 0, .id = "z", .id_n = 1, .revision = 1},  RDT_E_BADINPUT},
        {"another id",
         {.kind = RDT_KIND_ALIAS,
          .id = "y",
          .id_n = 1,
          .body = {1, 0, 0, 1, 'z'},
          .body_n = 5,
          .revision = 1},
         RDT_E_BADINPUT                                                                  },
        {"a new field",
         {.kind = RDT_KIND_ALIAS,
          .id = "z",
          .id_n = 1,
          .body = {1, 0, 0, 1, 'z', 200, 0, 0, 1, 1},
          .body_n = 10,
          .revision = 1},
         RDT_E_BADINPUT                                                                  },
        {"no policy",
         {.kind = RDT_KIND_KEY,
          .id = "0123456789abcdef",
          .id_n = 16,
          .body = {1,   0,   0,   16,  '0', '1', '2', '3', '4', '5', '6', '7', '8',
                   '9', 'a', 'b', 'c', 'd', 'e', 'f', 9,   0,   0,   1,   'x'},
          .body_n = 25,
          .revision = 1},
         RDT_E_BADINPUT                                                                  },
    };
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        struct world w;
        struct rdt_err err = {0};
        some_rows(&w);
        struct kept forged = rows[i].row;
        enum rdt_code rc = load_forged(&w, &forged, &err);
        if (rc != rows[i].want)
            fail_msg("%s: %d, %s", rows[i].what, rc, err.text);
        world_close(&w);
    }
}

/* A store whose own revision was set back: rows that it cannot have yet. */
static void
test_set_back(void **unused)
{
    (void)unused;
    struct world w;
    struct rdt_err err;
    sqlite3 *db;
    some_rows(&w);
    rdt_state_free(RDT_STEAL(w.state));
    rdt_store_close(RDT_STEAL(w.store));
    assert_int_equal(sqlite3_open(w.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE rdt_head SET revision = 1", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    open_store(&w);
    assert_int_equal(load(&w, &err), RDT_E_TAMPERED);
    assert_non_null(strstr(err.text, "(handle 1, domain 1)")); /* of the second commit */
    world_close(&w);
}

static void
test_wrong_keys(void **unused)
{
    (void)unused;
    struct world w;
    uint8_t before[32], after[32];
    some_rows(&w);
    digest_now(&w, before);
    w.digest.p[0] ^= 1;
    must_load(&w); /* MACs are still good */
    digest_now(&w, after);
    assert_memory_not_equal(before, after, 32);
    w.rows.p[0] ^= 1;
    assert_int_equal(load(&w, NULL), RDT_E_TAMPERED);
    world_close(&w);
}

/* What fill() writes is no policy. */
static void
no_policy(enum rdt_kind kind, void *object)
{
    struct rdt_span none = {NULL, 0};
    if (kind == RDT_KIND_KEY)
        assert_true(rdt_text_set(&((struct rdt_key *)object)->policy, none));
    if (kind == RDT_KIND_PRINCIPAL)
        assert_true(rdt_text_set(&((struct rdt_principal *)object)->policy, none));
}

/* Every kind, full of values, comes back as it was. */
static void
test_every_kind(void **unused)
{
    (void)unused;
    struct world w;
    struct rdt_buf want[RDT_KIND_END] = {{0}};
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    for (unsigned kind = 1; kind < RDT_KIND_END; kind++) {
        void *object = new_object(kind);
        RDT_BUF id = {0};
        fill(kind, kind, object);
        no_policy(kind, object);
        rdt_kind_id(kind, object, &id);
        rdt_record_put(rdt_kind_record(kind), object, &want[kind]);
        void *row = rdt_tx_add(tx, kind, rdt_buf_span(&id));
        assert_non_null(row);
        memcpy(row, object, rdt_kind_record(kind)->size); /* and all that it owns */
        free(object);
    }
    seal(&w, tx);
    commit(&w, tx);
    must_load(&w);
    for (unsigned kind = 1; kind < RDT_KIND_END; kind++) {
        struct rdt_span id;
        RDT_BUF got = {0};
        const void *row = rdt_view_next(published(&w), kind, (struct rdt_span){NULL, 0}, &id);
        assert_non_null(row);
        rdt_record_put(rdt_kind_record(kind), row, &got);
        assert_true(rdt_span_eq(rdt_buf_span(&got), rdt_buf_span(&want[kind])));
        rdt_buf_done(&want[kind]);
    }
    world_close(&w);
}

static void
test_speed(void **unused)
{
    (void)unused;
    enum { COMMITS = 2, ROWS = 50000 };
    struct world w;
    world_open(&w);
    for (uint32_t i = 0; i < COMMITS; i++) {
        struct rdt_tx *tx = begin(&w);
        for (uint32_t k = 0; k < ROWS; k++) {
            uint32_t n = i * ROWS + k;
            uint8_t id[16] = {(uint8_t)(n * 2654435761U >> 24), (uint8_t)(n >> 16),
                              (uint8_t)(n >> 8), (uint8_t)n};
            struct rdt_key *key = rdt_tx_add(tx, RDT_KIND_KEY, (struct rdt_span){id, 16});
            memcpy(key->id, id, 16);
            key->state = RDT_KEY_ENABLED;
            key->created_ms = INT64_C(1796083200000);
        }
        seal(&w, tx);
        commit(&w, tx);
    }
    int64_t start = rdt_monotonic_ms();
    must_load(&w);
    print_message("# 100,000 keys loaded in %lld ms\n", (long long)(rdt_monotonic_ms() - start));
    assert_int_equal(rdt_state_count(w.state, RDT_KIND_KEY), COMMITS * ROWS);
    world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),       cmocka_unit_test(test_tampered),
        cmocka_unit_test(test_counted),        cmocka_unit_test(test_deleted),
        cmocka_unit_test(test_put_back),       cmocka_unit_test(test_swapped),
        cmocka_unit_test(test_not_understood), cmocka_unit_test(test_wrong_keys),
        cmocka_unit_test(test_set_back),       cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests_name("kms/load", tests, NULL, NULL);
}
