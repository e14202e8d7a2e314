#include "work/pump.h"

#include "base/buf.h"

#include "../test.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define UNIT ((size_t)64)

struct line {
    uint64_t units;                        /* full ones; the last has 7 bytes */
    uint64_t bad_fill, bad_work, bad_give; /* numbers that fail; UINT64_MAX: none */
    uint64_t filled;
    unsigned threads_seen;
    bool stopped;
    struct rdt_buf got;
};

static enum rdt_code
fill(void *arg, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    struct line *line = arg;
    if (unit->number == line->bad_fill)
        return rdt_fail(err, RDT_E_IO, "fill");
    assert_int_equal(unit->number, line->filled);
    line->filled++;
    unit->last = unit->number == line->units;
    unit->n = unit->last ? 7 : UNIT;
    memset(unit->in.p, (int)(unit->number & 0xff), unit->n);
    return RDT_OK;
}

static enum rdt_code
work(void *arg, unsigned thread, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    struct line *line = arg;
    struct timespec pause = {.tv_nsec = (long)(unit->number * 7919 % 13) * 10000};
    assert_false(unit->last);
    nanosleep(&pause, NULL);
    __atomic_or_fetch(&line->threads_seen, 1u << thread, __ATOMIC_RELAXED);
    if (unit->number == line->bad_work)
        return rdt_fail(err, RDT_E_TAMPERED, "work");
    for (size_t i = 0; i < unit->n; i++)
        unit->out.p[i] = (uint8_t)(unit->in.p[i] + 1);
    unit->out_n = unit->n;
    return RDT_OK;
}

static enum rdt_code
give(void *arg, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    struct line *line = arg;
    if (unit->number == line->bad_give)
        return rdt_fail(err, RDT_E_FULL, "give");
    if (unit->last)
        rdt_buf_add(&line->got, unit->in.p, unit->n);
    else
        rdt_buf_add(&line->got, unit->out.p, unit->out_n);
    return RDT_OK;
}

static void
stop(void *arg)
{
    ((struct line *)arg)->stopped = true;
}

static const struct {
    uint64_t units, bad_fill, bad_work, bad_give;
    uint64_t given; /* full units */
    enum rdt_code want;
} cases[] = {
    {0,   UINT64_MAX, UINT64_MAX, UINT64_MAX, 0,   RDT_OK        },
    {1,   UINT64_MAX, UINT64_MAX, UINT64_MAX, 1,   RDT_OK        },
    {300, UINT64_MAX, UINT64_MAX, UINT64_MAX, 300, RDT_OK        },
    {300, 40,         UINT64_MAX, UINT64_MAX, 40,  RDT_E_IO      },
    {300, UINT64_MAX, 40,         UINT64_MAX, 40,  RDT_E_TAMPERED},
    {300, UINT64_MAX, UINT64_MAX, 40,         40,  RDT_E_FULL    },
    {300, 41,         40,         UINT64_MAX, 40,  RDT_E_TAMPERED}, /* the first, not the earliest */
    {300, 0,          UINT64_MAX, UINT64_MAX, 0,   RDT_E_IO      },
};

static void
test_run(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        for (size_t i = 0; i < RDT_COUNT(cases); i++) {
            struct line line = {.units = cases[i].units,
                                .bad_fill = cases[i].bad_fill,
                                .bad_work = cases[i].bad_work,
                                .bad_give = cases[i].bad_give};
            struct rdt_pump_job job = {.arg = &line,
                                       .threads = threads,
                                       .in_len = UNIT,
                                       .out_len = UNIT,
                                       .fill = fill,
                                       .work = work,
                                       .give = give,
                                       .stop = stop};
            struct rdt_err err = {0};
            assert_int_equal(rdt_pump_run(&job, &err), cases[i].want);
            bool good = cases[i].want == RDT_OK;
            assert_int_equal(line.got.n, cases[i].given * UNIT + (good ? 7 : 0));
            assert_int_equal(line.stopped, !good);
            assert_int_equal(err.text[0] == '\0', good);
            for (size_t k = 0; k < cases[i].given * UNIT; k++)
                assert_int_equal(line.got.p[k], (uint8_t)(k / UNIT + 1));
            if (threads == 4 && cases[i].given == 300)
                assert_int_equal(line.threads_seen, 0xf);
            rdt_buf_done(&line.got);
        }
    }
}

static void
test_limits(void **state)
{
    (void)state;
    struct line line = {0};
    struct rdt_pump_job job = {
        .arg = &line, .in_len = UNIT, .fill = fill, .work = work, .give = give};
    assert_int_equal(rdt_pump_run(&job, NULL), RDT_E_LIMIT);
    job.threads = RDT_PUMP_THREADS_MAX + 1;
    assert_int_equal(rdt_pump_run(&job, NULL), RDT_E_LIMIT);
    job.threads = 1;
    job.in_len = RDT_ROOM_MAX + 1;
    assert_int_equal(rdt_pump_run(&job, NULL), RDT_E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_run), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests_name("work/pump", tests, NULL, NULL);
}
