/* Pages, and markers that are not ours. */
#include "asks.h"

#define KEYS 7

static char markers[KEYS][1024];

static size_t
count(const char *what)
{
    size_t n = 0;
    for (const char *at = got.answer; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static bool
truncated(void)
{
    return strstr(got.answer, "\"Truncated\":true") != NULL;
}

static void
pages(void **state)
{
    char seen[KEYS][37], marker[1024] = "";
    size_t n = 0;
    (void)state;
    for (;;) {
        char input[1200];
        if (marker[0] == '\0')
            snprintf(input, sizeof input, "{\"Limit\":1}");
        else
            snprintf(input, sizeof input, "{\"Limit\":1,\"Marker\":\"%s\"}", marker);
        assert_int_equal(ask("ListKeys", input), RDT_FAULT_NONE);
        assert_int_equal(count("KeyId"), 1);
        assert_true(n < KEYS);
        answered("KeyId", seen[n], 37);
        if (n > 0)
            assert_true(strcmp(seen[n - 1], seen[n]) < 0); /* in order, none twice */
        n++;
        if (!truncated())
            break;
        answered("NextMarker", marker, sizeof marker);
        snprintf(markers[n - 1], sizeof markers[0], "%s", marker);
    }
    assert_int_equal(n, KEYS);
    assert_int_equal(count("NextMarker"), 0);
    for (unsigned limit = 1; limit <= KEYS + 1; limit++) {
        char input[64];
        snprintf(input, sizeof input, "{\"Limit\":%u}", limit);
        assert_int_equal(ask("ListKeys", input), RDT_FAULT_NONE);
        assert_int_equal(count("KeyId"), limit < KEYS ? limit : KEYS);
        assert_int_equal(truncated(), limit < KEYS);
    }
}

static enum rdt_fault
with(const struct rdt_caller *caller, const char *op, const char *marker)
{
    char input[2200];
    snprintf(input, sizeof input, "{\"Marker\":\"%s\"}", marker);
    return ask_as(caller, NOW_MS, op, input);
}

static void
forged(void **state)
{
    struct rdt_caller us = {.internal = true}, them = {.internal = true, .principal = {1}};
    char marker[1100];
    size_t n = strlen(markers[0]);
    (void)state;
    assert_true(n > 20);
    assert_int_equal(with(&us, "ListKeys", markers[0]), RDT_FAULT_NONE);
    assert_int_equal(with(&them, "ListKeys", markers[0]), RDT_FAULT_INVALID_MARKER);
    assert_int_equal(with(&us, "ListAliases", markers[0]), RDT_FAULT_INVALID_MARKER);
    for (size_t i = 0; i < n; i++) {
        snprintf(marker, sizeof marker, "%s", markers[0]);
        marker[i] = marker[i] == 'A' ? 'B' : 'A'; /* its MAC, or the id */
        assert_int_equal(with(&us, "ListKeys", marker), RDT_FAULT_INVALID_MARKER);
        snprintf(marker, sizeof marker, "%.*s", (int)i, markers[0]);
        if (i != 0)
            assert_int_equal(with(&us, "ListKeys", marker), RDT_FAULT_INVALID_MARKER);
    }
    for (size_t more = 1; more < 1000; more += 111) {
        snprintf(marker, sizeof marker, "%s", markers[0]);
        memset(marker + n, 'A', more > 1024 - n ? 1024 - n : more);
        marker[n + (more > 1024 - n ? 1024 - n : more)] = '\0';
        assert_int_equal(with(&us, "ListKeys", marker), RDT_FAULT_INVALID_MARKER);
    }
    assert_int_equal(with(&us, "ListKeys", "\\u00e4\\u0001"), RDT_FAULT_INVALID_MARKER);
    assert_int_equal(with(&us, "ListKeys", ""), RDT_FAULT_VALIDATION);
}

static void
limits(void **state)
{
    (void)state;
    assert_int_equal(ask("ListKeys", "{\"Limit\":1000}"), RDT_FAULT_NONE);
    assert_int_equal(ask("ListAliases", "{\"Limit\":100}"), RDT_FAULT_NONE);
    assert_int_equal(ask("ListAliases", "{\"Limit\":101}"), RDT_FAULT_VALIDATION);
    assert_non_null(strstr(got.message, "Value '101' at 'limit'"));
}

static int
fill_in(void **state)
{
    char id[37];
    if (set_up(state) != 0)
        return -1;
    for (unsigned i = 0; i < KEYS; i++)
        new_key(id);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages),
        cmocka_unit_test(forged),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests_name("kms/page", tests, fill_in, tear_down);
}
