#include "cli/table.h"

#include "../test.h"

static void
test_columns(void **state)
{
    (void)state;
    RDT_TABLE table = {.columns = 3};
    RDT_BUF out = {0};
    static const char *const cells[] = {
        "NAME", "AT", "WHAT", "a", "x\ny", "", "\xc3\xa4\xc3\xb6", "\x1b[31m", "a long last cell"};
    for (size_t i = 0; i < RDT_COUNT(cells); i++)
        rdt_table_text(&table, cells[i]);
    rdt_table_text(&table, NULL);
    rdt_table_time(&table, 1795516248.298);
    rdt_table_time(&table, 0);
    assert_true(rdt_table_put(&table, &out));
    assert_string_equal(rdt_buf_cstr(&out), "NAME  AT                    WHAT\n"
                                            "a     x?y                   -\n"
                                            "\xc3\xa4\xc3\xb6    ?[31m                 a long last "
                                            "cell\n"
                                            "-     2026-11-24T10:30:48Z  -\n");
}

static void
test_empty(void **state)
{
    (void)state;
    RDT_TABLE table = {.columns = 2};
    RDT_BUF out = {0};
    assert_true(rdt_table_put(&table, &out));
    assert_int_equal(out.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests_name("cli/table", tests, NULL, NULL);
}
