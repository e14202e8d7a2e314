#include "service.h"

static void
text_and_back(void **state)
{
    uint8_t value[84] = {0xf8, 1, 0, 0, 0, 7, 0, 3, [83] = 0xff}, back[200];
    char text[200];
    size_t n = 0, m = 0;
    (void)state;
    for (size_t len = 80; len <= sizeof value; len++) {
        assert_int_equal(rdt_text_from_value(value, len, text, sizeof text, &n), RDT_FIELD_OK);
        assert_int_equal(n, rdt_text_len(len));
        assert_int_equal(rdt_text_to_value(text, n, back, sizeof back, &m), RDT_FIELD_OK);
        assert_true(rdt_span_eq((struct rdt_span){back, m}, (struct rdt_span){value, len}));
    }
    assert_int_equal(rdt_text_from_value(value, 84, text, n - 1, &m), RDT_FIELD_NO_ROOM);
    assert_int_equal(rdt_text_from_value(value, 79, text, sizeof text, &m), RDT_FIELD_NOT_RF1);
    assert_int_equal(rdt_text_to_value(text, n, back, n - 1, &m), RDT_FIELD_NO_ROOM);
    assert_int_equal(rdt_text_to_value(text, n - 1, back, sizeof back, &m), RDT_FIELD_NOT_RF1);
    assert_int_equal(rdt_text_to_value("rd1.AAAA", 8, back, sizeof back, &m), RDT_FIELD_NOT_RF1);
    assert_int_equal(rdt_text_to_value("", 0, back, 0, &m), RDT_FIELD_NOT_RF1);
}

static void
a_look(void **state)
{
    uint8_t value[80] = {0xf8, 0x81, 0, 0, 1, 7, 1, 3};
    struct rdt_value_head head;
    (void)state;
    assert_int_equal(rdt_value_look(value, sizeof value, &head), RDT_FIELD_OK);
    assert_int_equal(head.handle, 0x107);
    assert_int_equal(head.epoch, 0x103);
    assert_int_equal(head.suite, 0x81);
    assert_int_equal(rdt_value_look(value, 79, &head), RDT_FIELD_NOT_RF1);
    assert_int_equal(rdt_value_look(NULL, 0, &head), RDT_FIELD_NOT_RF1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_back),
        cmocka_unit_test(a_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
