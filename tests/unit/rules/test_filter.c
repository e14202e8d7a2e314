/* Which subjects of the healthy plan a row's filter is about. */
#include "rules/filter_internal.h"

#include "judging.h"

#include "base/buf.h"

/* Sections that are listed in want; the others of the answer are not looked at. */
static const struct {
    const char *filter, *section, *want;
} cases[] = {
    {"section: stores, kind: [postgres]",          "stores",     "db"                            },
    {"section: stores, kind: [postgres]",          "keys",       "root tenant record volume"     },
    {"section: stores, kind: [postgres]",          "flows",      "api-db"                        },
    {"section: stores, kind: [postgres]",          "data",       "patient account password token"},
    {"section: stores, kind: [postgres]",          "services",   "api"                           },
    {"section: stores, kind: [postgres]",          "exceptions", ""                              },
    {"section: stores, kind: postgres",            "stores",     "db"                            },
    {"section: stores, kind: [s3], backup: false", "stores",     "files audit"                   },
    {"section: stores, kind: [s3], backup: true",  "stores",     "backups"                       },
    {"section: stores, backup: true",              "keys",       "backup"                        },
    {"section: stores, kind: [redis]",             "stores",     ""                              },
    {"section: stores, kind: [redis]",             "keys",       ""                              },
    {"section: stores, external: true",            "stores",     "stripe"                        },
    {"section: flows, external: true",             "flows",      "web pay deploy"                },
    {"section: flows, kind: [external]",           "flows",      "pay"                           },
    {"section: flows, kind: [recipient]",          "flows",      ""                              },
    {"section: flows, kind: [service]",            "flows",      "web mesh deploy"               },
    {"section: flows, kind: [s3]",                 "flows",      "api-files ship-log"            },
    {"section: services, external: true",          "services",   "browser ci"                    },
    {"section: services, external: false",         "services",   "api worker"                    },
    {"level: [medium]",                            "data",       "event"                         },
    {"level: [medium]",                            "stores",     "laptops"                       },
    {"level: [medium]",                            "flows",      ""                              },
    {"data_kind: [log]",                           "data",       "log"                           },
    {"data_kind: [log]",                           "stores",     "audit"                         },
    {"data_kind: [log]",                           "flows",      "ship-log"                      },
    {"data_kind: [log]",                           "keys",       "audit"                         },
    {"data_kind: [pan]",                           "stores",     "stripe"                        },
    {"section: keys, kind: [ca]",                  "keys",       "mesh-ca"                       },
    {"section: keys, kind: [ca]",                  "flows",      "mesh"                          },
    {"section: exceptions",                        "exceptions", "EX-1"                          },
    {"section: exceptions",                        "stores",     ""                              },
};

static void
selects(void **state)
{
    struct judging *j = *state;
    struct rdt_filter_facts *facts = rdt_filter_learn(j->plan, &j->arena);
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_subjects(j->plan, &n);
    uint8_t mask[512];
    assert_true(n < sizeof mask);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF got = {0};
        char yaml[256];
        struct rdt_node *filter = NULL;
        snprintf(yaml, sizeof yaml, "{ %s }", cases[i].filter);
        assert_int_equal(
            rdt_yaml_parse("f", rdt_span_str(yaml), &j->arena, &j->diags, &filter, &j->err), 0);
        rdt_filter_mask(j->plan, facts, filter, mask);
        for (size_t s = 0; s < n; s++) {
            if (mask[s] != 0 &&
                strcmp(rdt_section_name(subjects[s].section), cases[i].section) == 0)
                rdt_buf_fmt(&got, "%s%s", got.n == 0 ? "" : " ", subjects[s].name);
            if (subjects[s].section == RDT_PLAN || subjects[s].section == RDT_PROCEDURES)
                assert_int_not_equal(mask[s], 0);
        }
        if (!rdt_span_is(rdt_buf_span(&got), cases[i].want))
            fail_msg("{%s} %s: %s", cases[i].filter, cases[i].section, rdt_buf_cstr(&got));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {JUDGING_TEST(selects)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
