#include "load.h"

static void
assert_floor(const struct rdt_plan *plan, enum rdt_level level, struct rdt_floor want)
{
    const struct rdt_floor *got = rdt_plan_floor(plan, level);
    assert_string_equal(got->volume, want.volume);
    assert_int_equal(got->field, want.field);
    assert_string_equal(got->tls, want.tls);
    assert_string_equal(got->custody, want.custody);
    assert_true(got->rotation_days == want.rotation_days);
    assert_int_equal(got->overridden, want.overridden);
}

/* DESIGN section 6, the table. */
static void
built_in(void **state)
{
    LOADED l;
    const struct rdt_plan *plan = load(&l, HEAD);
    (void)state;
    assert_floor(plan, RDT_CRITICAL,
                 (struct rdt_floor){"aes-256", true, "tls1.3", "hardware", 90, false});
    assert_floor(plan, RDT_HIGH,
                 (struct rdt_floor){"aes-256", false, "tls1.2", "key-service", 365, false});
    assert_floor(plan, RDT_MEDIUM,
                 (struct rdt_floor){"aes-256", false, "tls1.2", "key-service", 365, false});
    assert_floor(
        plan, RDT_LOW,
        (struct rdt_floor){"provider-default", false, "tls1.2", "provider-default", 0, false});
}

static void
lenient(void **state)
{
    LOADED l;
    const struct rdt_plan *plan = load(&l, HEAD "policy: { profile: template-lenient }\n");
    (void)state;
    assert_floor(plan, RDT_CRITICAL,
                 (struct rdt_floor){"aes-256", true, "tls1.2", "hardware", 90, true});
    assert_false(rdt_plan_floor(plan, RDT_HIGH)->overridden);
}

static void
overridden(void **state)
{
    LOADED l;
    const struct rdt_plan *plan = load(
        &l, HEAD "policy: { levels: { critical: { field: false, rotation: 2w }, low: { volume: "
                 "aes-128, tls: tls1.0, custody: key-service } } }\n");
    (void)state;
    assert_floor(plan, RDT_CRITICAL,
                 (struct rdt_floor){"aes-256", false, "tls1.3", "hardware", 14, true});
    assert_floor(plan, RDT_LOW,
                 (struct rdt_floor){"aes-128", false, "tls1.0", "key-service", 0, true});
    assert_false(rdt_plan_floor(plan, RDT_MEDIUM)->overridden);
}

static void
words(void **state)
{
    (void)state;
    for (unsigned level = RDT_LOW; level < RDT_NLEVELS; level++)
        assert_int_equal(rdt_level_parse(rdt_level_name(level)), level);
    assert_int_equal(rdt_level_parse("Critical"), RDT_LEVEL_NONE);
    assert_int_equal(rdt_level_parse(""), RDT_LEVEL_NONE);
    assert_int_equal(rdt_level_parse(NULL), RDT_LEVEL_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in),
        cmocka_unit_test(lenient),
        cmocka_unit_test(overridden),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
