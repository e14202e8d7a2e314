#include "base/buf.h"

#include "../test.h"

static void
numbers(void **unused)
{
    static const struct {
        uint64_t v;
        size_t n;
        uint8_t want[8];
    } cases[] = {
        {0,                            1, {0}                     },
        {0xff,                         1, {0xff}                  },
        {0x1ff,                        1, {0xff}                  }, /* higher bytes are cut off */
        {0x0102,                       2, {1, 2}                  },
        {1,                            4, {0, 0, 0, 1}            },
        {UINT32_MAX,                   4, {255, 255, 255, 255}    },
        {UINT64_C(0x0102030405060708), 8, {1, 2, 3, 4, 5, 6, 7, 8}},
        {UINT64_C(0x0102030405060708), 3, {6, 7, 8}               },
    };
    (void)unused;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF buf = {0};
        rdt_buf_str(&buf, "x");
        rdt_buf_uint(&buf, cases[i].v, cases[i].n);
        assert_true(rdt_buf_ok(&buf));
        assert_int_equal(buf.n, 1 + cases[i].n);
        assert_memory_equal(buf.p + 1, cases[i].want, cases[i].n);
    }
}

/* What failed once stays failed, so that one check at the end is enough. */
static void
failed(void **unused)
{
    (void)unused;
    RDT_BUF buf = {.failed = true};
    rdt_buf_uint(&buf, 1, 4);
    rdt_buf_str(&buf, "x");
    assert_int_equal(buf.n, 0);
    assert_false(rdt_buf_ok(&buf));
    assert_null(rdt_buf_cstr(&buf));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(failed),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
