/* Tags: kept sorted, replaced by name, all or nothing. */
#include "asks.h"

static char id[37];

static enum rdt_fault
tag(const char *tags)
{
    char input[16384];
    snprintf(input, sizeof input, "{\"KeyId\":\"%s\",\"Tags\":[%s]}", id, tags);
    return ask("TagResource", input);
}

/* "a=1 b=2", as the list gives them. */
static const char *
tags(void)
{
    static char text[16384];
    size_t n = 0;
    assert_int_equal(ask_at(NOW_MS, "ListResourceTags", "{\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_NONE);
    text[0] = '\0';
    for (const char *at = got.answer; (at = strstr(at, "\"TagKey\":\"")) != NULL;) {
        const char *value = strstr(at, "\"TagValue\":\"");
        assert_non_null(value);
        at += 10;
        value += 12;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s=%.*s", n == 0 ? "" : " ",
                              (int)strcspn(at, "\""), at, (int)strcspn(value, "\""), value);
    }
    return text;
}

#define T(key, value) "{\"TagKey\":\"" key "\",\"TagValue\":\"" value "\"}"

static void
merged(void **state)
{
    static const struct {
        const char *add, *now;
    } rows[] = {
        {"", ""},
        {T("m", "1"), "m=1"},
        {T("z", "2") "," T("a", "3"), "a=3 m=1 z=2"},
        {T("m", ""), "a=3 m= z=2"},
        {T("M", "4") "," T("mm", "5"), "M=4 a=3 m= mm=5 z=2"},
        {T("z", "6") "," T("a", "7"), "M=4 a=7 m= mm=5 z=6"},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        assert_int_equal(tag(rows[i].add), RDT_FAULT_NONE);
        assert_string_equal(tags(), rows[i].now);
    }
    assert_int_equal(ask_at(NOW_MS, "UntagResource",
                            "{\"TagKeys\":[\"m\",\"none\",\"M\"],\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_NONE);
    assert_string_equal(tags(), "a=7 mm=5 z=6");
}

static void
refused(void **state)
{
    static const struct {
        const char *tags;
        enum rdt_fault want;
    } rows[] = {
        {T("good", "1") "," T("aws:x", "1"), RDT_FAULT_TAG},
        {T("good", "1") "," T("good", "1"), RDT_FAULT_TAG},
        {T("good", "1") ",{\"TagKey\":\"a\"}", RDT_FAULT_VALIDATION},
        {T("good", "1") ",{\"TagValue\":\"a\"}", RDT_FAULT_VALIDATION},
        {T("good", "1") ",{\"TagKey\":1,\"TagValue\":\"a\"}", RDT_FAULT_VALIDATION},
        {T("good", "1") ",{\"TagKey\":\"a\",\"TagValue\":null}", RDT_FAULT_VALIDATION},
        {T("good", "1") "," T("", "1"), RDT_FAULT_VALIDATION},
        {T("good", "1") ",[]", RDT_FAULT_SERIALIZATION},
        {T("good", "1") "," T("AWS:x", "1"), RDT_FAULT_NONE},
    };
    char before[256];
    (void)state;
    snprintf(before, sizeof before, "%s", tags());
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        enum rdt_fault fault = tag(rows[i].tags);
        if (fault != rows[i].want)
            fail_msg("%s: %s", rows[i].tags, rdt_fault_wire(fault));
        if (fault != RDT_FAULT_NONE)
            assert_string_equal(tags(), before); /* all or nothing */
    }
}

static void
limit(void **state)
{
    char text[8192], one[64];
    size_t n = 0;
    (void)state;
    new_key(id);
    for (unsigned i = 0; i < TAGS_MAX + 1; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "%s{\"TagKey\":\"k%02u\",\"TagValue\":\"\"}", i == 0 ? "" : ",", i);
        if (i == TAGS_MAX - 2)
            assert_int_equal(tag(text), RDT_FAULT_NONE);
    }
    assert_int_equal(tag(text), RDT_FAULT_TAG); /* more than fifty in one request */
    snprintf(one, sizeof one, "%s", T("x1", "") "," T("x2", ""));
    assert_int_equal(tag(one), RDT_FAULT_TAG); /* and together with those that are there */
    assert_int_equal(tag(T("x1", "")), RDT_FAULT_NONE);
    assert_int_equal(tag(T("x2", "")), RDT_FAULT_TAG);
    assert_int_equal(tag(T("x1", "other")), RDT_FAULT_NONE);
}

static int
fill_in(void **state)
{
    if (set_up(state) != 0)
        return -1;
    new_key(id);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged),
        cmocka_unit_test(refused),
        cmocka_unit_test(limit),
    };
    return cmocka_run_group_tests_name("kms/op_tag", tests, fill_in, tear_down);
}
