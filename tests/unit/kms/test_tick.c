/* What happens once a second, on a service in a folder of its own. */
#include "service.h"

#define LATER_MS (NOW_MS + 3600000)
#define BATCHES 20 /* of RDT_WRITE_BATCH_MAX calls: more rows than one tick looks at */

/* Signed changes at a time: each leaves a row, so that its replay is refused. */
static void
changes(int64_t now_ms, uint32_t series)
{
    static struct rdt_request requests[RDT_WRITE_BATCH_MAX];
    static struct rdt_buf out[RDT_WRITE_BATCH_MAX], record[RDT_WRITE_BATCH_MAX];
    static char body[RDT_WRITE_BATCH_MAX][64];
    struct rdt_request *list[RDT_WRITE_BATCH_MAX];
    for (size_t i = 0; i < RDT_WRITE_BATCH_MAX; i++) {
        snprintf(body[i], sizeof body[i], "{\"Principal\":\"p%u-%zu\"}", series, i);
        requests[i] = (struct rdt_request){
            .op = rdt_op_named("PrincipalCreate"),
            .body = (uint8_t *)body[i],
            .body_n = strlen(body[i]),
            .caller = {.internal = true, .by_signature = true},
            .now_ms = now_ms,
            .out = &out[i],
            .record = &record[i]
        };
        rdt_kms_request_id(thread, requests[i].id);
        assert_int_equal(rdt_random(thread->worker, requests[i].caller.signature, 32, NULL),
                         RDT_OK);
        list[i] = &requests[i];
    }
    rdt_kms_write(kms, thread, list, RDT_WRITE_BATCH_MAX);
    for (size_t i = 0; i < RDT_WRITE_BATCH_MAX; i++) {
        assert_int_equal(requests[i].fault, RDT_FAULT_NONE);
        rdt_buf_done(&out[i]);
        rdt_buf_done(&record[i]);
    }
}

static size_t
seen(void)
{
    rdt_state_lock_shared(kms->state);
    size_t n = rdt_state_count(kms->state, RDT_KIND_SEEN);
    rdt_state_unlock(kms->state);
    return n;
}

/* Old replay rows go although more young ones stand before them than a tick looks at. */
static void
forgets_what_is_old(void **state)
{
    uint32_t series = 0;
    (void)state;
    changes(NOW_MS, series++);
    for (size_t i = 0; i < BATCHES; i++)
        changes(LATER_MS, series++);
    assert_int_equal(seen(), (BATCHES + 1) * RDT_WRITE_BATCH_MAX);
    for (size_t i = 0; i < 4; i++)
        rdt_kms_tick(kms, thread, LATER_MS);
    assert_int_equal(seen(), BATCHES * RDT_WRITE_BATCH_MAX);
    for (size_t i = 0; i < 4; i++)
        rdt_kms_tick(kms, thread, 2 * LATER_MS);
    assert_int_equal(seen(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forgets_what_is_old),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
