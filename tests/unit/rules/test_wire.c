#include "rules/wire_internal.h"

#include "../test.h"

#include <stdlib.h>

static struct rdt_wire_rule
a_rule(void)
{
    struct rdt_wire_rule r = {
        .line = 7,
        .severity = RDT_SEV_HIGH,
        .decided = RDT_BY_PLAN | RDT_BY_LIVE,
        .live = 1,
        .sections = 1u << RDT_STORES,
        .id = rdt_span_str("ACME-1"),
        .title = rdt_span_str("a title"),
        .why = rdt_span_str("why"),
        .fix = rdt_span_str("fix"),
        .n_source = 2,
    };
    r.source[0] = rdt_span_str("REST-1");
    r.source[1] = rdt_span_str("REST-2");
    return r;
}

static struct rdt_wire_result
a_result(void)
{
    return (struct rdt_wire_result){
        .rule = 0,
        .subject = 3,
        .outcome = RDT_OUT_FAIL,
        .stage = RDT_STAGE_LIVE,
        .level = RDT_A3,
        .severity = RDT_SEV_CRITICAL,
        .field = rdt_span_str("tls.min"),
        .message = rdt_span_str("too old"),
        .observed = rdt_span_str("tls1.1"),
        .expected = rdt_span_str("tls1.3"),
        .evidence = {0, 2},
        .n_evidence = 2,
    };
}

/* One record of each sort. */
static void
write_all(struct rdt_buf *out)
{
    static const uint32_t subjects[] = {0, 4};
    struct rdt_wire_rule rule = a_rule();
    struct rdt_wire_result result = a_result();
    rdt_wire_put_rule(out, &rule);
    rdt_wire_put_detail(out, &result);
    result.outcome = RDT_OUT_NA;
    rdt_wire_put_group(out, &result, subjects, 2);
    rdt_wire_put_test(out, &(struct rdt_wire_test){.number = 2,
                                                   .good = true,
                                                   .subject = rdt_span_str("stores.db"),
                                                   .expected = rdt_span_str("fail"),
                                                   .got = rdt_span_str("pass"),
                                                   .message = rdt_span_str("m")});
    rdt_wire_put_value(out, &(struct rdt_wire_value){.path = rdt_span_str("flows.web.tls.min"),
                                                     .value = rdt_span_str("tls1.2")});
    rdt_wire_put_end(out, 1);
}

static const struct rdt_wire_bounds bounds = {.rules = 0, .subjects = 5, .evidence = 3};

/* Reads all; the number of records, or -1 on a complaint. */
static int
read_all(struct rdt_span in, struct rdt_wire_bounds within)
{
    struct rdt_wire_record record;
    int n = 0;
    for (; in.n != 0; n++)
        if (rdt_wire_take(&in, &within, &record, NULL) != RDT_OK)
            return -1;
    return n;
}

static void
round_trip(void **state)
{
    RDT_BUF out = {0};
    struct rdt_wire_record r;
    struct rdt_wire_bounds within = bounds;
    (void)state;
    write_all(&out);
    struct rdt_span in = rdt_buf_span(&out);
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_OK);
    assert_int_equal(r.type, 'R');
    assert_int_equal(r.rule.line, 7);
    assert_true(rdt_span_is(r.rule.id, "ACME-1"));
    assert_int_equal(r.rule.n_source, 2);
    assert_true(rdt_span_is(r.rule.source[1], "REST-2"));
    assert_int_equal(within.rules, 1);
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_OK);
    assert_int_equal(r.type, 'D');
    assert_int_equal(r.result.subject, 3);
    assert_int_equal(r.result.n_subjects, 0);
    assert_int_equal(r.result.evidence[1], 2);
    assert_true(rdt_span_is(r.result.expected, "tls1.3"));
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_OK);
    assert_int_equal(r.type, 'G');
    assert_int_equal(r.result.n_subjects, 2);
    assert_int_equal(rdt_wire_subject(&r.result, 1), 4);
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_OK);
    assert_true(r.type == 'T' && r.test.good && r.test.number == 2);
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_OK);
    assert_true(r.type == 'V' && rdt_span_is(r.value.value, "tls1.2"));
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_OK);
    assert_true(r.type == 'E' && r.n_rules == 1 && in.n == 0);
}

static void
failures_travel(void **state)
{
    RDT_BUF out = {0};
    struct rdt_err err = {0};
    struct rdt_wire_record r;
    struct rdt_wire_bounds within = bounds;
    (void)state;
    rdt_fail(&err, RDT_E_BADINPUT, "pack x.lua:3: no");
    rdt_hint(&err, "try yes");
    rdt_wire_put_failure(&out, &err);
    struct rdt_span in = rdt_buf_span(&out);
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_OK);
    assert_int_equal(r.failure.code, RDT_E_BADINPUT);
    assert_true(rdt_span_is(r.failure.what, "pack x.lua:3: no"));
    assert_true(rdt_span_is(r.failure.hint, "try yes"));
}

/* Cut anywhere but between two records: a complaint. Between: the end is missing, which gather.c
 * sees. */
static void
every_truncation(void **state)
{
    RDT_BUF out = {0};
    size_t whole = 0, good = 0;
    (void)state;
    write_all(&out);
    for (size_t n = 0; n < out.n; n++) {
        uint8_t *copy = malloc(n + 1); /* so that reading past the end is seen */
        assert_non_null(copy);
        memcpy(copy, out.p, n);
        whole += read_all((struct rdt_span){copy, n}, bounds) >= 0;
        free(copy);
    }
    good = 6; /* nothing, and after each of the first five records */
    assert_int_equal(whole, good);
}

/* Byte offsets in the 'D' record that a_result() makes: type 1, length 4, then the body. */
static void
numbers_out_of_bounds(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } cases[] = {
        {"rule 1 of 1",      5 + 3,  1   },
        {"subject 5 of 5",   5 + 7,  5   },
        {"no such outcome",  5 + 8,  6   },
        {"no such stage",    5 + 9,  2   },
        {"no A5",            5 + 10, 5   },
        {"no such severity", 5 + 11, 5   },
        {"length one more",  4,      0xff},
        {"no such record",   0,      'X' },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        struct rdt_wire_result result = a_result();
        struct rdt_wire_bounds within = {.rules = 1, .subjects = 5, .evidence = 3};
        rdt_wire_put_detail(&out, &result);
        assert_int_equal(read_all(rdt_buf_span(&out), within), 1);
        out.p[cases[i].at] = cases[i].value;
        if (read_all(rdt_buf_span(&out), within) != -1)
            fail_msg("%s was taken", cases[i].what);
    }
}

/* A record that is longer than what is in it. */
static void
bytes_left_over(void **state)
{
    RDT_BUF out = {0};
    struct rdt_wire_result result = a_result();
    struct rdt_wire_bounds within = {.rules = 1, .subjects = 5, .evidence = 3};
    (void)state;
    rdt_wire_put_detail(&out, &result);
    rdt_buf_add(&out, "x", 1);
    out.p[4]++;
    assert_int_equal(read_all(rdt_buf_span(&out), within), -1);
}

static void
evidence_and_groups_are_checked(void **state)
{
    RDT_BUF detail = {0}, group = {0}, crowd = {0};
    struct rdt_wire_result result = a_result();
    const uint32_t bad[] = {0, 5}, many[] = {0, 1, 2, 3, 4, 0};
    struct rdt_wire_bounds within = {.rules = 1, .subjects = 5, .evidence = 2};
    (void)state;
    rdt_wire_put_detail(&detail, &result);
    assert_int_equal(read_all(rdt_buf_span(&detail), within), -1);
    rdt_wire_put_group(&group, &result, bad, 2);
    assert_int_equal(read_all(rdt_buf_span(&group), within), -1);
    rdt_wire_put_group(&crowd, &result, many, 6);
    assert_int_equal(read_all(rdt_buf_span(&crowd), within), -1);
}

static void
texts_are_checked(void **state)
{
    static const char *const bad[] = {"\xff", "\xc0\xaf", "cut \xe2\x82"};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(bad) + 1; i++) {
        RDT_BUF out = {0};
        struct rdt_wire_result result = a_result();
        struct rdt_wire_bounds within = {.rules = 1, .subjects = 5, .evidence = 3};
        result.message = i < RDT_COUNT(bad) ? rdt_span_str(bad[i])
                                            : (struct rdt_span){(const uint8_t *)"a\0b", 3};
        rdt_wire_put_detail(&out, &result);
        assert_int_equal(read_all(rdt_buf_span(&out), within), -1);
    }
}

/* A long text is cut by the writer, between letters. */
static void
long_texts_are_cut(void **state)
{
    RDT_BUF out = {0};
    static char text[3 * RDT_WIRE_TEXT_MAX];
    struct rdt_wire_result result = a_result();
    struct rdt_wire_bounds within = {.rules = 1, .subjects = 5, .evidence = 3};
    struct rdt_wire_record r;
    (void)state;
    for (size_t i = 0; i + 3 <= sizeof text; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    result.message = (struct rdt_span){(const uint8_t *)text, sizeof text};
    rdt_wire_put_detail(&out, &result);
    struct rdt_span in = rdt_buf_span(&out);
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_OK);
    assert_int_equal(r.result.message.n, RDT_WIRE_TEXT_MAX / 3 * 3);
}

static void
bad_rules(void **state)
{
    struct rdt_wire_rule rules[6];
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rules); i++)
        rules[i] = a_rule();
    rules[0].id = (struct rdt_span){0};
    rules[1].sections = 0;
    rules[2].sections = 1u << RDT_NSECTIONS;
    rules[3].decided = 0;
    rules[4].decided = 0x80;
    rules[5].live = 2;
    for (size_t i = 0; i < RDT_COUNT(rules); i++) {
        RDT_BUF out = {0};
        rdt_wire_put_rule(&out, &rules[i]);
        assert_int_equal(read_all(rdt_buf_span(&out), bounds), -1);
    }
}

static void
nothing_after_the_end(void **state)
{
    RDT_BUF out = {0}, wrong = {0};
    (void)state;
    rdt_wire_put_end(&out, 0);
    assert_int_equal(read_all(rdt_buf_span(&out), bounds), 1);
    rdt_wire_put_end(&out, 0);
    assert_int_equal(read_all(rdt_buf_span(&out), bounds), -1);
    rdt_wire_put_end(&wrong, 1); /* as many rules as were described */
    assert_int_equal(read_all(rdt_buf_span(&wrong), bounds), -1);
}

/* A child that was taken over must not make the parent compare rules without end. */
static void
too_many_rules(void **state)
{
    struct rdt_wire_bounds within = {.rules = RDT_PACK_RULES_MAX - 1};
    struct rdt_wire_rule rule = a_rule();
    struct rdt_wire_record r;
    RDT_BUF out = {0};
    (void)state;
    rdt_wire_put_rule(&out, &rule);
    rdt_wire_put_rule(&out, &rule);
    struct rdt_span in = rdt_buf_span(&out);
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_OK);
    assert_int_equal(rdt_wire_take(&in, &within, &r, NULL), RDT_E_SANDBOX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(failures_travel),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(numbers_out_of_bounds),
        cmocka_unit_test(bytes_left_over),
        cmocka_unit_test(evidence_and_groups_are_checked),
        cmocka_unit_test(texts_are_checked),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(bad_rules),
        cmocka_unit_test(too_many_rules),
        cmocka_unit_test(nothing_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
