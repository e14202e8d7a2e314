/* The tables: sorted, without doubles, reached by name and path, and by nobody where internal. */
#include "asks.h"
#include "kms/op_internal.h"

static void
sorted(void **state)
{
    (void)state;
    for (size_t t = 0; rdt_op_tables[t] != NULL; t++) {
        const struct rdt_op_table *table = rdt_op_tables[t];
        assert_true(table->n != 0);
        for (size_t i = 0; i < table->n; i++) {
            if (i != 0 && strcmp(table->ops[i - 1].name, table->ops[i].name) >= 0)
                fail_msg("%s after %s", table->ops[i].name, table->ops[i - 1].name);
            assert_ptr_equal(rdt_op_named(table->ops[i].name), &table->ops[i]);
        }
    }
}

static void
complete(void **state)
{
    (void)state;
    for (size_t t = 0; rdt_op_tables[t] != NULL; t++)
        for (size_t i = 0; i < rdt_op_tables[t]->n; i++) {
            const struct rdt_op *op = &rdt_op_tables[t]->ops[i];
            bool aws = rdt_op_tables[t] == &rdt_ops_aws;
            assert_int_equal(op->front == RDT_FRONT_AWS, aws);
            assert_int_equal(op->run == NULL, op->cls == RDT_OP_UNSUPPORTED);
            assert_true(op->states < RDT_NSTATES);
            assert_true(!aws || op->path == NULL);
            assert_true(aws || op->internal || op->path != NULL);
            for (size_t m = 0; m < op->n_in; m++) {
                assert_non_null(op->in[m].name);
                assert_true(op->in[m].max == 0 || op->in[m].min <= op->in[m].max);
                assert_int_equal(op->in[m].words != NULL,
                                 op->in[m].type == RDT_IN_WORD ||
                                     (op->in[m].type == RDT_IN_TEXTS && op->in[m].words != NULL));
            }
        }
}

static const struct rdt_op *
find(const char *target, const char *path)
{
    return rdt_op_find(rdt_span_str(target), rdt_span_str(path));
}

static void
found(void **state)
{
    char target[128];
    (void)state;
    for (size_t t = 0; rdt_op_tables[t] != NULL; t++)
        for (size_t i = 0; i < rdt_op_tables[t]->n; i++) {
            const struct rdt_op *op = &rdt_op_tables[t]->ops[i];
            bool aws = op->front == RDT_FRONT_AWS;
            snprintf(target, sizeof target, "%s.%s", aws ? "TrentService" : "Redoubt", op->name);
            assert_ptr_equal(find(target, "/"), op->internal ? NULL : op);
            snprintf(target, sizeof target, "%s.%s", aws ? "Redoubt" : "TrentService", op->name);
            assert_null(find(target, "/"));
            if (op->path != NULL)
                assert_ptr_equal(find("", op->path), op->internal ? NULL : op);
        }
    static const char *const none[] = {"TrentService",
                                       "TrentService.",
                                       ".ListKeys",
                                       "trentservice.ListKeys",
                                       "TrentService.listkeys",
                                       "TrentService.ListKeys ",
                                       "TrentService.ListKey",
                                       "TrentService.ListKeys.",
                                       "Redoubt.ListKeys",
                                       "TrentService.PrincipalList",
                                       "X.ListKeys",
                                       "ListKeys"};
    for (size_t i = 0; i < RDT_COUNT(none); i++)
        assert_null(find(none[i], "/"));
    assert_null(find("", "/"));
    assert_null(find("", "/v1/"));
    assert_null(find("", "/v1/key/list/"));
    assert_null(rdt_op_named("Nothing"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted),
        cmocka_unit_test(complete),
        cmocka_unit_test(found),
    };
    return cmocka_run_group_tests_name("kms/op", tests, NULL, NULL);
}
