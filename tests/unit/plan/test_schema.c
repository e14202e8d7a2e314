#include "plan/schema.h"

#include "codec/json.h"

#include "../test.h"

/* What editors rely on; tests/functional/test_plan.py holds the whole against the loader. */
static void
schema(void **state)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF out = {0}, again = {0};
    struct rdt_node *root = NULL;
    (void)state;
    rdt_plan_schema(&out);
    rdt_plan_schema(&again);
    assert_int_equal(rdt_json_parse("schema", rdt_buf_span(&out), &arena, &root, NULL), RDT_OK);
    assert_int_equal(rdt_span_cmp(rdt_buf_span(&out), rdt_buf_span(&again)), 0);
    const struct rdt_member *dialect = rdt_node_member(root, rdt_span_str("$schema"));
    assert_non_null(dialect);
    assert_true(rdt_node_is(dialect->node, "https://json-schema.org/draft/2020-12/schema"));
    const struct rdt_node *store = rdt_node_get(root, "properties.stores.additionalProperties");
    assert_string_equal(rdt_node_str(store, "properties.kind.description"), "What kind of store.");
    assert_true(rdt_node_is(rdt_node_get(store, "additionalProperties"), "false"));
    assert_int_equal(rdt_node_get(store, "properties.kind.enum")->kind, RDT_NODE_LIST);
    assert_null(rdt_node_get(store, "required")); /* an entry may say `like` */
    assert_int_equal(rdt_node_get(store, "then.required")->n, 1);
    assert_int_equal(
        rdt_node_get(root, "properties.data.additionalProperties.then.properties.form.oneOf")->n,
        4);
    assert_int_equal(rdt_node_get(root, "required")->n, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(schema)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
