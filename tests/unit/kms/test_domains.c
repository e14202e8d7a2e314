/* Domain keys in memory and as items of a root. */
#include "kms/domain.h"

#include "../test.h"

static struct rdt_root *root;
static struct rdt_root_open *root_open;

static int
set_up(void **state)
{
    static const uint8_t deployment[16] = {1};
    struct rdt_seal_opts seal = {.type = RDT_SEAL_DEVELOPMENT, .id = "development"};
    (void)state;
    return rdt_root_create(deployment, &seal, NULL, &root, &root_open, NULL) == RDT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_root_lock(root_open);
    rdt_root_free(root);
    return 0;
}

static void
put_item(const char *name, uint8_t byte)
{
    RDT_SECRET key = {0};
    assert_int_equal(rdt_secret_new(&key, RDT_KEY_LEN, NULL), RDT_OK);
    memset(key.p, byte, key.n);
    assert_int_equal(rdt_root_put(root, root_open, name, &key, NULL), RDT_OK);
}

static void
numbers_of_items(void **state)
{
    static const struct {
        const char *item;
        uint32_t number;
    } cases[] = {
        {"domain/1",          1         },
        {"domain/4294967295", UINT32_MAX},
        {"domain/4294967296", 0         },
        {"domain/0",          0         },
        {"domain/01",         0         },
        {"domain/",           0         },
        {"domain/1x",         0         },
        {"domain/-1",         0         },
        {"domain/+1",         0         },
        {"domain/ 1",         0         },
        {"domain",            0         },
        {"rows",              0         },
    };
    char item[RDT_ROOT_NAME_MAX];
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_int_equal(rdt_domain_number(cases[i].item), cases[i].number);
    rdt_domain_item(UINT32_MAX, item);
    assert_string_equal(item, "domain/4294967295");
}

static void
taken_from_the_root(void **state)
{
    struct rdt_domains domains = {0};
    struct rdt_err err = {0};
    (void)state;
    put_item("rows", 1);
    assert_int_equal(rdt_domains_take(&domains, root, root_open, &err), RDT_E_NOTFOUND);
    put_item("domain/7", 7);
    put_item("domain/40", 40);
    put_item("domain/x", 9);
    assert_int_equal(rdt_domains_take(&domains, root, root_open, NULL), RDT_OK);
    assert_int_equal(rdt_domains_get(&domains, 7)->p[0], 7);
    assert_int_equal(rdt_domains_get(&domains, 40)->p[31], 40);
    assert_int_equal(rdt_domains_highest(&domains), 40);
    static const uint32_t none[] = {0, 1, 8, 39, 7 + RDT_DOMAINS_MAX, UINT32_MAX};
    for (size_t i = 0; i < RDT_COUNT(none); i++)
        assert_null(rdt_domains_get(&domains, none[i]));
    rdt_domains_drop(&domains, 7 + RDT_DOMAINS_MAX); /* the same place, another number */
    assert_non_null(rdt_domains_get(&domains, 7));
    rdt_domains_drop(&domains, 7);
    assert_null(rdt_domains_get(&domains, 7));
    rdt_domains_drop(&domains, 7);
    rdt_domains_drop(&domains, 0);
    rdt_domains_done(&domains);
    assert_int_equal(rdt_domains_highest(&domains), 0);
    put_item("domain/39", 1); /* in the place of 7 */
    assert_int_equal(rdt_domains_take(&domains, root, root_open, &err), RDT_E_LIMIT);
    rdt_domains_done(&domains);
}

static void
made_ahead(void **state)
{
    struct rdt_domains domains = {0};
    struct rdt_err err = {0};
    char item[RDT_ROOT_NAME_MAX];
    size_t made;
    (void)state;
    put_item("domain/1", 1);
    assert_int_equal(rdt_domains_take(&domains, root, root_open, NULL), RDT_OK);
    assert_int_equal(rdt_domains_ahead(&domains, 2, root, root_open, &made, NULL), RDT_OK);
    assert_int_equal(made, RDT_DOMAINS_AHEAD_MAX);
    for (uint32_t i = 2; i < 2 + RDT_DOMAINS_AHEAD_MAX; i++) {
        RDT_SECRET key = {0};
        rdt_domain_item(i, item);
        assert_int_equal(rdt_root_get(root, root_open, item, &key, NULL), RDT_OK);
        assert_true(rdt_secret_equal(&key, rdt_domains_get(&domains, i)));
        assert_false(rdt_secret_equal(&key, rdt_domains_get(&domains, i - 1)));
    }
    assert_int_equal(rdt_domains_ahead(&domains, 2, root, root_open, &made, NULL), RDT_OK);
    assert_int_equal(made, 0);
    rdt_domains_drop(&domains, 3);
    assert_int_equal(rdt_domains_ahead(&domains, 2, root, root_open, &made, NULL), RDT_OK);
    assert_int_equal(made, 1);
    /* an older key still stands where a new one would go */
    assert_int_equal(rdt_domains_ahead(&domains, RDT_DOMAINS_MAX, root, root_open, &made, &err),
                     RDT_E_LIMIT);
    assert_int_equal(made, 1);
    assert_non_null(strstr(err.text, "domain key 1"));
    rdt_domains_done(&domains);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_items),
        cmocka_unit_test_setup_teardown(taken_from_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(made_ahead, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
