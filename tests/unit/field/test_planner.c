/* The bounds of reference tables, and what has no index. */
#include "field/planner.h"

#include "../test.h"

#define OF(rows_, distinct_)                                                                       \
    (struct rdt_planner_field)                                                                     \
    {                                                                                              \
        .rows = (rows_), .distinct = (distinct_)                                                   \
    }

/* CipherSweet's planner, for a field whose values differ. */
static void
ciphersweet(void **state)
{
    (void)state;
    static const struct {
        uint64_t rows;
        unsigned least, most;
        float at_least, at_most; /* coincidences */
    } cases[] = {
        {1000,      5,  8,  31.25F,  3.90625F   },
        {10000,     7,  12, 78.125F, 2.44140625F},
        {100000,    9,  15, 195.31F, 3.0517F    },
        {1000000,   10, 18, 976.56F, 3.8147F    },
        {10000000,  12, 22, 2441.4F, 2.3842F    },
        {100000000, 14, 25, 6103.5F, 2.9802F    },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_planner_field field = OF(cases[i].rows, cases[i].rows);
        struct rdt_planner_sizes sizes;
        assert_int_equal(rdt_planner_sizes(&field, &sizes), RDT_PLANNER_OK);
        assert_int_equal(sizes.least, cases[i].least);
        assert_int_equal(sizes.most, cases[i].most);
        assert_float_equal((float)sizes.coincidences_least, cases[i].at_least,
                           cases[i].at_least / 1e4F);
        assert_float_equal((float)sizes.coincidences_most, cases[i].at_most,
                           cases[i].at_most / 1e4F);
    }
}

static void
judged(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint64_t rows, distinct;
        unsigned bits;
        enum rdt_planner_why want;
    } cases[] = {
        {"as the table says",        1000000,    1000000,    10,  RDT_PLANNER_OK     },
        {"a bit less",               1000000,    1000000,    9,   RDT_PLANNER_FEW    },
        {"the most",                 1000000,    1000000,    18,  RDT_PLANNER_OK     },
        {"a bit more",               1000000,    1000000,    19,  RDT_PLANNER_MANY   },
        {"values that repeat",       1000000,    1000,       9,   RDT_PLANNER_MANY   },
        {"yes and no",               1000000,    2,          1,   RDT_PLANNER_DOMAIN },
        {"63 values",                1000000,    63,         1,   RDT_PLANNER_DOMAIN },
        {"64 values, unique",        1000000,    64,         128, RDT_PLANNER_OK     },
        {"yes and no, unique",       1000000,    2,          128, RDT_PLANNER_DOMAIN },
        {"nobody has counted",       1000000,    0,          10,  RDT_PLANNER_UNKNOWN},
        {"nobody, unique",           1000000,    0,          128, RDT_PLANNER_UNKNOWN},
        {"15 rows",                  15,         1000,       1,   RDT_PLANNER_ROWS   },
        {"16 rows",                  16,         1000,       2,   RDT_PLANNER_OK     },
        {"15 rows, unique",          15,         1000,       128, RDT_PLANNER_OK     },
        {"no overflow",              UINT64_MAX, UINT64_MAX, 40,  RDT_PLANNER_OK     },
        {"a domain beyond its rows", 1000,       UINT64_MAX, 8,   RDT_PLANNER_OK     },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_planner_field field = OF(cases[i].rows, cases[i].distinct);
        double shared;
        if (rdt_planner_judge(&field, cases[i].bits, &shared) != cases[i].want)
            fail_msg("%s: %s", cases[i].what,
                     rdt_planner_words(rdt_planner_judge(&field, cases[i].bits, &shared)));
    }
}

static void
refused(void **state)
{
    (void)state;
    struct rdt_planner_sizes sizes;
    struct rdt_planner_field field = OF(1000000, 2);
    assert_int_equal(rdt_planner_sizes(&field, &sizes), RDT_PLANNER_DOMAIN);
    assert_int_equal(sizes.most, 0);
    field = OF(1000000, 0);
    assert_int_equal(rdt_planner_sizes(&field, &sizes), RDT_PLANNER_UNKNOWN);
    field = OF(15, 1000);
    assert_int_equal(rdt_planner_sizes(&field, &sizes), RDT_PLANNER_ROWS);
    /* what hides costs more than the root of all rows: the one that hides is named */
    field = OF(1000000, 1000);
    assert_int_equal(rdt_planner_sizes(&field, &sizes), RDT_PLANNER_FEW);
    assert_int_equal(sizes.most, 8);
    assert_int_equal(sizes.least, 10);
}

/* What another index of the field shows counts, too. */
static void
others(void **state)
{
    (void)state;
    struct rdt_planner_field field = OF(1000000, 1000000);
    struct rdt_planner_sizes sizes;
    field.others[field.n_others++] = 8;
    assert_int_equal(rdt_planner_sizes(&field, &sizes), RDT_PLANNER_OK);
    assert_int_equal(sizes.least, 2);
    assert_int_equal(sizes.most, 10);
    field.others[field.n_others++] = 12;
    assert_int_equal(rdt_planner_sizes(&field, &sizes), RDT_PLANNER_MANY);
    field.others[0] = RDT_TOKEN_BITS;
    field.n_others = 1;
    assert_int_equal(rdt_planner_sizes(&field, &sizes), RDT_PLANNER_MANY);
}

static void
tenants(void **state)
{
    (void)state;
    static const uint64_t rows[] = {9000000, 200, 0, 15, 100000};
    struct rdt_planner_field table = OF(9100215, 9000000);
    struct rdt_planner_finding found[4];
    assert_int_equal(rdt_planner_review(&table, 12, rows, RDT_COUNT(rows), found, 4), 2);
    assert_int_equal(found[0].tenant, 1);
    assert_int_equal(found[0].why, RDT_PLANNER_MANY);
    assert_true(found[0].coincidences < 1);
    assert_int_equal(found[1].tenant, 3);
    assert_int_equal(found[1].why, RDT_PLANNER_ROWS);
    assert_int_equal(rdt_planner_review(&table, 12, rows, RDT_COUNT(rows), NULL, 0), 2);
    /* a table that grew: once it was right */
    table = OF(9100215, 9000000);
    assert_int_equal(rdt_planner_review(&table, 12, NULL, 0, found, 4), 0);
    table.rows = 100000000;
    table.distinct = 90000000;
    assert_int_equal(rdt_planner_review(&table, 12, NULL, 0, found, 4), 1);
    assert_int_equal(found[0].why, RDT_PLANNER_FEW);
    assert_true(found[0].tenant == SIZE_MAX);
    table.distinct = 2; /* said once, not for each tenant */
    assert_int_equal(rdt_planner_review(&table, 12, rows, RDT_COUNT(rows), found, 4), 1);
    assert_int_equal(found[0].why, RDT_PLANNER_DOMAIN);
}

static void
words(void **state)
{
    (void)state;
    for (int i = 0; i < RDT_PLANNER_NWHYS; i++)
        assert_non_null(rdt_planner_words((enum rdt_planner_why)i));
    assert_string_equal(rdt_planner_words(RDT_PLANNER_NWHYS), "an unknown reason");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciphersweet), cmocka_unit_test(judged),  cmocka_unit_test(refused),
        cmocka_unit_test(others),      cmocka_unit_test(tenants), cmocka_unit_test(words),
    };
    return cmocka_run_group_tests_name("field/planner", tests, NULL, NULL);
}
