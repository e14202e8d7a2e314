#include "plan/fields.h"

#include "../test.h"

/* Walks the table: whatever the loader and the schema rely on holds for every row. */
static size_t
walk(const struct rdt_shape *shape, unsigned depth)
{
    size_t n = 0, companions = 0;
    assert_true(depth < 8);
    assert_non_null(shape->name);
    assert_true(shape->n > 0 && shape->n < 64); /* unknown_field() lists at most 64 */
    for (size_t i = 0; i < shape->n; i++) {
        const struct rdt_field *f = &shape->fields[i];
        const struct rdt_field *inner = f->type == RDT_T_LIST || f->type == RDT_T_MAP ? f->item : f;
        assert_true(f->name != NULL && f->help != NULL);
        assert_int_equal(f->help[strlen(f->help) - 1], '.');
        assert_string_not_equal(f->name, "like");
        assert_ptr_equal(rdt_shape_field(shape, rdt_span_str(f->name)), f);
        assert_non_null(inner);
        assert_true(inner->type != RDT_T_WORD || inner->words != NULL);
        assert_true(inner->type != RDT_T_REF || inner->sections != 0);
        assert_true(inner->type != RDT_T_INT || inner->min < inner->max);
        assert_true((f->flags & RDT_F_LIKE) == 0 || f->type == RDT_T_MAP);
        assert_true((f->flags & RDT_F_EXACTLY_1) == 0 || f->type == RDT_T_OBJECT);
        companions += (f->flags & RDT_F_COMPANION) != 0;
        n++;
        if (inner->type == RDT_T_OBJECT)
            n += walk(inner->shape, depth + 1);
    }
    assert_true(companions < shape->n);
    return n;
}

static void
table(void **state)
{
    (void)state;
    assert_true(walk(&rdt_plan_shape, 0) > 120);
    assert_true(walk(&rdt_targets_shape, 0) > 20);
}

/* Every section whose entries are subjects is a field of the plan. */
static void
sections(void **state)
{
    (void)state;
    for (unsigned s = 0; s < RDT_PLAN; s++)
        assert_non_null(rdt_shape_field(&rdt_plan_shape, rdt_span_str(rdt_section_name(s))));
    assert_null(rdt_shape_field(&rdt_plan_shape, rdt_span_str("plan")));
    assert_null(rdt_shape_field(&rdt_plan_shape, rdt_span_str("dat")));
    assert_null(rdt_shape_field(&rdt_plan_shape, rdt_span_str("")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
