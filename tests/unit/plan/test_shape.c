#include "load.h"

/* One value in one place: whether the shape takes it. `retention` is a duration, and so on. */
static void
values(void **state)
{
    static const struct {
        const char *store, *words; /* NULL: it is taken */
    } cases[] = {
        {"kind: postgres",                                                       NULL                             },
        {"kind: Postgres",                                                       "'Postgres' is not one of"       },
        {"kind: \"postgres\"",                                                   NULL                             },
        {"kind: [postgres]",                                                     "found a list"                   },
        {"kind: disk, retention: 90d",                                           NULL                             },
        {"kind: disk, retention: \"90d\"",                                       NULL                             },
        {"kind: disk, retention: 90",                                            "a duration such as 90d"         },
        {"kind: disk, retention: -1d",                                           "a duration"                     },
        {"kind: disk, retention: 90 d",                                          "a duration"                     },
        {"kind: disk, retention: d",                                             "a duration"                     },
        {"kind: disk, retention: 1.5d",                                          "a duration"                     },
        {"kind: disk, retention: {}",                                            "found a map"                    },
        {"kind: disk, host: a",                                                  NULL                             },
        {"kind: disk, host: 1a",                                                 NULL                             },
        {"kind: disk, host: 1.2.3.4",                                            NULL                             },
        {"kind: disk, host: 1",                                                  "expected text, found '1'"       },
        {"kind: disk, host: 1.5",                                                "expected text"                  },
        {"kind: disk, host: .5",                                                 "expected text"                  },
        {"kind: disk, host: 1e5",                                                "expected text"                  },
        {"kind: disk, host: 0x10",                                               "expected text"                  },
        {"kind: disk, host: 0o10",                                               "expected text"                  },
        {"kind: disk, host: -.inf",                                              "expected text"                  },
        {"kind: disk, host: .NaN",                                               "expected text"                  },
        {"kind: disk, host: True",                                               "expected text"                  },
        {"kind: disk, host: off",                                                "expected text"                  },
        {"kind: disk, host: Y",                                                  "expected text"                  },
        {"kind: disk, host: \"off\"",                                            NULL                             },
        {"kind: disk, host: ''",                                                 "found an empty string"          },
        {"kind: disk, host: ~",                                                  "found nothing"                  },
        {"kind: disk, host: 0o",                                                 NULL                             },
        {"kind: disk, holds: []",                                                NULL                             },
        {"kind: disk, holds: x",                                                 "expected a list"                },
        {"kind: disk, holds: [[x]]",                                             "expected an id, found a list"   },
        {"kind: disk, processor: { name: Pay, expires: 2026-02-28 }",            NULL                             },
        {"kind: disk, processor: { name: Pay, expires: \"2028-02-29\" }",        NULL                             },
        {"kind: disk, processor: { name: Pay, expires: 2026-02-29 }",            "a date such"                    },
        {"kind: disk, processor: { name: Pay, expires: 26-02-01 }",              "a date such"                    },
        {"kind: disk, processor: n",                                             "expected a map"                 },
        {"kind: disk, at_rest: { enforce: { deny_unencrypted_put: true } }",     NULL                             },
        {"kind: disk, at_rest: { enforce: { deny_unencrypted_put: True } }",     "true or false"                  },
        {"kind: disk, at_rest: { enforce: { deny_unencrypted_put: \"true\" } }", "true or false"                  },
        {"kind: disk, hots: a",                                                  "unknown field 'hots' in a store"},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        char text[512];
        snprintf(text, sizeof text, HEAD "stores:\n  s: { %s }\n", cases[i].store);
        if (cases[i].words != NULL) {
            assert_refused(text, 4, cases[i].words, NULL);
        } else {
            LOADED l;
            load(&l, text);
        }
    }
}

static void
whole_numbers(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"0",                    true },
        {"3153600000",           true },
        {"3153600001",           false},
        {"-1",                   false},
        {"1.0",                  false},
        {"01",                   false},
        {"+1",                   false},
        {"\"1\"",                false},
        {"1e3",                  false},
        {"1_000",                false},
        {"99999999999999999999", false},
        {"x",                    false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        char text[512];
        LOADED l;
        snprintf(text, sizeof text,
                 HEAD "services: { a: { zone: z } }\nflows: { f: { from: a, to: a, carries: [], "
                      "http: { hsts: { max_age: %s } } } }\n",
                 cases[i].text);
        load_env(&l, text, NULL);
        if ((l.rc == RDT_OK) != cases[i].ok)
            fail_msg("%s: %s", cases[i].text, l.err.text);
    }
}

static void
ids(void **state)
{
    static const struct {
        const char *section, *id;
        bool ok;
    } cases[] = {
        {"data",       "a",          true },
        {"data",       "a-1",        true },
        {"data",       "nothing",    true },
        {"data",       "A",          false},
        {"data",       "a_b",        false},
        {"data",       "1a",         false},
        {"data",       "-a",         false},
        {"data",       "\"\"",       false},
        {"data",       "yes",        false},
        {"data",       "null",       false},
        {"data",       "a.b",        false},
        {"data",       "\"a b\"",    false},
        {"exceptions", "EX-1",       true },
        {"exceptions", "EX-999999",  true },
        {"exceptions", "EX-1000000", false},
        {"exceptions", "EX-",        false},
        {"exceptions", "EX-1a",      false},
        {"exceptions", "AT-1",       false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        char text[512];
        bool data = strcmp(cases[i].section, "data") == 0;
        LOADED l;
        snprintf(text, sizeof text, HEAD "%s:\n  %s: { %s }\n", cases[i].section, cases[i].id,
                 data ? "level: low"
                      : "rule: R, subject: plan, reason: r, owner: o, approved_by: [a], "
                        "granted: 2026-01-01, expires: 2026-02-01");
        load_env(&l, text, NULL);
        if ((l.rc == RDT_OK) != cases[i].ok)
            fail_msg("%s %s: %s", cases[i].section, cases[i].id, l.err.text);
    }
}

/* The shape gives each value its type, and dates and durations their number of days. */
static void
types(void **state)
{
    LOADED l;
    const struct rdt_plan *plan = load(
        &l, HEAD "stores:\n  s: { kind: disk, retention: 2w, processor: { name: Pay, "
                 "expires: 1970-01-11 }, at_rest: { enforce: { deny_unencrypted_put: true } } }\n");
    const struct rdt_node *s = rdt_plan_find(plan, "stores.s")->node;
    (void)state;
    assert_int_equal(rdt_node_get(s, "retention")->type, RDT_DURATION);
    assert_true(rdt_node_number(s, "retention", 0) == 14);
    assert_int_equal(rdt_node_get(s, "processor.expires")->type, RDT_DATE);
    assert_true(rdt_node_number(s, "processor.expires", 0) == 10);
    assert_int_equal(rdt_node_get(s, "kind")->type, RDT_TEXT);
    assert_true(rdt_node_true(s, "at_rest.enforce.deny_unencrypted_put"));
    assert_true(rdt_node_number(rdt_plan_root(plan), "redoubt", 0) == 1);
}

/* One run shows all mistakes, in the order of their places. */
static void
all_at_once(void **state)
{
    LOADED l;
    (void)state;
    load_env(&l,
             "redoubt: 2\nproduct: { id: p }\ndata:\n  D: { levle: high, kinds: [x] }\n"
             "stores:\n  s: { kind: disk, holds: [e] }\n",
             NULL);
    assert_int_equal(l.rc, RDT_E_BADINPUT);
    assert_int_equal(l.diags.n, 8); /* version, name, owner, D, levle, x, level, e */
    for (size_t i = 1; i < l.diags.n; i++)
        assert_true(l.diags.items[i - 1].mark.line <= l.diags.items[i].mark.line);
    assert_string_equal(l.err.text, "/nonexistent/t.yaml: 8 mistakes");
}

static void
nearest(void **state)
{
    (void)state;
    assert_refused(HEAD "stores: { s: { kindd: disk } }\n", 3, "unknown field 'kindd'",
                   "did you mean 'kind'?");
    assert_refused(HEAD "stores: { s: { kind: postgers } }\n", 3, "is not one of",
                   "did you mean 'postgres'?");
    assert_refused(HEAD "dat: {}\n", 3, "unknown field 'dat' in a plan", "did you mean 'data'?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(whole_numbers), cmocka_unit_test(ids),
        cmocka_unit_test(types),  cmocka_unit_test(all_at_once),   cmocka_unit_test(nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
