#include "report/jw_internal.h"

#include "sample.h"

static void
writes_documents(void **state)
{
    (void)state;
    RDT_BUF out = {0};
    struct rdt_jw w = {.out = &out};
    struct rdt_strings two = STRINGS("a", "b\n\"");
    struct rdt_strings none = {0};
    rdt_jw_open(&w, NULL, '{');
    rdt_jw_text(&w, "t", "caf\xc3\xa9 \\ \x01");
    rdt_jw_text(&w, "left out", NULL);
    rdt_jw_text(&w, "bad", "\xff\xc3 x");
    rdt_jw_int(&w, "i", INT64_MIN);
    rdt_jw_line(&w);
    rdt_jw_bool(&w, "b", true);
    rdt_jw_strings(&w, "l", &two);
    rdt_jw_strings(&w, "e", &none);
    rdt_jw_open(&w, "m", '[');
    rdt_jw_line(&w);
    rdt_jw_open(&w, NULL, '{');
    rdt_jw_close(&w, '}');
    rdt_jw_line(&w);
    rdt_jw_bool(&w, NULL, false);
    rdt_jw_close(&w, ']');
    rdt_jw_close(&w, '}');
    assert_string_equal(rdt_buf_cstr(&out),
                        "{\"t\":\"caf\xc3\xa9 \\\\ \\u0001\",\"bad\":\"\\ufffd\\ufffd x\","
                        "\"i\":-9223372036854775808,\n\"b\":true,\"l\":[\"a\",\"b\\n\\\"\"],"
                        "\"e\":[],\"m\":[\n{},\nfalse]}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes_documents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
