#include "kms/quota.h"

#include "world.h"

static void
add_approver(struct rdt_tx *tx, uint8_t number)
{
    uint8_t id[16] = {number};
    struct rdt_approver *approver =
        rdt_tx_add(tx, RDT_KIND_APPROVER, (struct rdt_span){id, sizeof id});
    assert_non_null(approver);
    memcpy(approver->id, id, sizeof id);
}

/* The one above the number is refused, whether the others are published or of the same commit. */
static void
test_number(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    for (size_t i = 0; i < RDT_APPROVERS_MAX / 2; i++)
        add_approver(tx, (uint8_t)i);
    seal(&w, tx);
    commit(&w, tx);
    tx = begin(&w);
    for (size_t i = RDT_APPROVERS_MAX / 2; i < RDT_APPROVERS_MAX; i++)
        add_approver(tx, (uint8_t)i);
    assert_null(rdt_quota_passed(tx, 0));
    size_t mark = rdt_tx_mark(tx);
    add_approver(tx, RDT_APPROVERS_MAX);
    assert_int_equal(rdt_tx_rows(tx, RDT_KIND_APPROVER), RDT_APPROVERS_MAX + 1);
    const struct rdt_quota *full = rdt_quota_passed(tx, mark);
    assert_non_null(full);
    assert_int_equal(full->kind, RDT_KIND_APPROVER);
    rdt_tx_undo(tx, mark);
    assert_null(rdt_quota_passed(tx, 0));
    rdt_tx_drop(tx);
    world_close(&w);
}

/* A row that goes makes room; a change of rows that are there needs none. */
static void
test_room(void **unused)
{
    (void)unused;
    struct world w;
    const uint8_t first[16] = {0}, other[16] = {1};
    world_open(&w);
    struct rdt_tx *tx = begin(&w);
    for (size_t i = 0; i < RDT_APPROVERS_MAX; i++)
        add_approver(tx, (uint8_t)i);
    size_t mark = rdt_tx_mark(tx);
    assert_non_null(rdt_tx_edit(tx, RDT_KIND_APPROVER, (struct rdt_span){other, 16}));
    assert_false(rdt_tx_added(tx, mark, RDT_KIND_APPROVER));
    assert_null(rdt_quota_passed(tx, mark));
    assert_true(rdt_tx_remove(tx, RDT_KIND_APPROVER, (struct rdt_span){first, 16}));
    add_approver(tx, RDT_APPROVERS_MAX);
    assert_true(rdt_tx_added(tx, mark, RDT_KIND_APPROVER));
    assert_null(rdt_quota_passed(tx, mark));
    add_approver(tx, RDT_APPROVERS_MAX + 1);
    assert_non_null(rdt_quota_passed(tx, mark));
    rdt_tx_drop(tx);
    world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests_name("kms/quota", tests, NULL, NULL);
}
