#include "apply_plan.h"

static void
test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *id, *level;
        int64_t days;
        bool tenants;
        const char *left_out; /* part of its words */
    } cases[] = {
        {"ring",  "critical", 0,  true,  NULL                  },
        {"vol",   "critical", 90, false, NULL                  }, /* the floor, not 365 */
        {"files", "high",     90, false, NULL                  }, /* 30 is not offered */
        {"far",   "",         90, false, "account 999999999999"},
        {"mac",   "",         90, false, "type hmac"           },
    };
    WANTED w = {0};
    want_at(&w, &here);
    assert_int_equal(w.want.n_keys, RDT_COUNT(cases)); /* neither record nor cloud */
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        const struct rdt_apply_key *key = &w.want.keys[i];
        assert_string_equal(key->id, cases[i].id);
        assert_string_equal(key->level, cases[i].level);
        assert_int_equal(key->rotation_days, cases[i].days);
        assert_int_equal(key->tenants, cases[i].tenants);
        if (cases[i].left_out == NULL)
            assert_null(key->left_out);
        else
            assert_non_null(strstr(key->left_out, cases[i].left_out));
    }
    assert_string_equal(w.want.keys[0].alias, "alias/ring");
    assert_string_equal(w.want.keys[0].description, "tenants");
}

static void
test_region(void **state)
{
    (void)state;
    WANTED w = {0};
    want_at(&w, &(struct rdt_apply_site){"999999999999", "local-1"});
    assert_null(w.want.keys[key_at(&w.want, "far")].left_out);
    assert_null(w.want.keys[key_at(&w.want, "vol")].left_out); /* names no account */
}

/* Services by what they exchange with stores, and whom the keys themselves name. */
static void
test_uses(void **state)
{
    (void)state;
    static const struct {
        const char *user, *keys, *made_for;
    } cases[] = {
        {"api",   "ring",  "p/dev/services.api"           },
        {"batch", "files", "p/dev/services.batch"         }, /* note is no field of db */
        {"vault", "ring",  "p/dev/role/vault"             },
        {"rds",   "vol",   "p/dev/arn:aws:iam::1:role/rds"},
    };
    WANTED w = {0};
    want_at(&w, &here);
    assert_int_equal(w.want.n_users, RDT_COUNT(cases)); /* neither idle nor browser */
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF keys = {0};
        size_t u = user_at(&w.want, cases[i].user);
        for (size_t k = 0; k < w.want.n_keys; k++)
            if (rdt_apply_uses(&w.want, k, u))
                rdt_buf_fmt(&keys, "%s%s", keys.n == 0 ? "" : " ", w.want.keys[k].id);
        assert_string_equal(rdt_buf_cstr(&keys), cases[i].keys);
        assert_string_equal(w.want.users[u].made_for, cases[i].made_for);
    }
}

/* A backup has the fields of its source, also of a source that is a backup itself. */
static void
test_stores(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"ring",  "db copies copies-of-copies"},
        {"vol",   "db"                        },
        {"files", "bucket"                    },
        {"far",   ""                          },
    };
    static const char *const kinds[] = {"database", "bucket", "backup", "backup"};
    WANTED w = {0};
    want_at(&w, &here);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF stores = {0};
        size_t k = key_at(&w.want, cases[i][0]);
        for (size_t s = 0; s < w.want.n_stores; s++)
            if (rdt_apply_holds(&w.want, k, s))
                rdt_buf_fmt(&stores, "%s%s", stores.n == 0 ? "" : " ", w.want.stores[s].name);
        assert_string_equal(rdt_buf_cstr(&stores), cases[i][1]);
    }
    assert_int_equal(w.want.n_stores, RDT_COUNT(kinds));
    for (size_t s = 0; s < RDT_COUNT(kinds); s++)
        assert_string_equal(w.want.stores[s].kind, kinds[s]);
}

static bool
has_note(const struct rdt_apply_want *want, const char *words)
{
    for (size_t i = 0; i < want->n_notes; i++)
        if (strstr(want->notes[i], words) != NULL)
            return true;
    return false;
}

static void
test_notes(void **state)
{
    (void)state;
    WANTED w = {0};
    want_at(&w, &here);
    assert_true(has_note(&w.want, "files: the plan asks for a rotation every 30 days"));
    assert_true(has_note(&w.want, "vol: access.principals says '*'"));
    assert_int_equal(w.want.n_notes, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),   cmocka_unit_test(test_region), cmocka_unit_test(test_uses),
        cmocka_unit_test(test_stores), cmocka_unit_test(test_notes),
    };
    return cmocka_run_group_tests_name("cli/apply_want", tests, NULL, NULL);
}
