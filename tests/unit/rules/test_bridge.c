/* The plan as rules see it: types, computed members, links. Each line must be true. */
#include "judging.h"

static const struct {
    const char *subject, *section, *text;
} truths[] = {
    {"stores.db",                  "stores",       "s.id == 'stores.db' and s.name == 'db' and s.section == 'stores'"  },
    {"stores.db",                  "stores",       "s.kind == 'postgres' and s.holds[1] == 'patient' and #s.holds == 4"},
    {"stores.db",                  "stores",       "s.retention == 3650"                                               },
    {"stores.db",                  "stores",       "s.at_rest.volume.key == 'volume'"                                  },
    {"stores.db",                  "stores",       "s.at_rest.fields[1].data[2] == 'account'"                          },
    {"stores.db",                  "stores",       "s.effective == 'critical' and s.effective_from == 'data.patient'"  },
    {"stores.db",                  "stores",       "#s.all_data == 4 and s.all_data[1].section == 'data'"              },
    {"stores.db",                  "stores",       "#s.backups == 1 and s.backups[1].name == 'backups'"                },
    {"stores.db",                  "stores",       "has(s.backups[1].sources, s)"                                      },
    {"stores.db",                  "stores",       "s.backups[1] == plan.stores.backups"                               },
    {"stores.db",                  "stores",       "#s.used_keys == 2 and has(s.used_keys, get('keys.record'))"        },
    {"stores.db",                  "stores",       "has(s.in_flows, plan.flows['api-db'])"                             },
    {"stores.db",                  "stores",       "s.nothing == nil and #s.children == 0"                             },
    {"stores.files",               "stores",       "s.at_rest.enforce.deny_unencrypted_put == true"                    },
    {"stores.stripe",              "stores",       "s.processor.expires == 20999 and s.processor.name == 'Stripe'"     },
    {"services.browser",           "services",     "s.external == true"                                                },
    {"services.api",               "services",     "s.scratch[1].path == '/tmp' and s.external == nil"                 },
    {"data.token",                 "data",         "s.form.entropy_bits == 256 and s.form.hashed == 'sha-256'"         },
    {"data.patient",               "data",         "has(s.in_stores, get('stores.backups')) and #s.in_flows >= 4"      },
    {"keys.root",                  "keys",         "s.rotation.every == 90 and s.rotation.last == 20746"               },
    {"keys.root",                  "keys",         "s.custody.account == '111111111111' and s.custody.hardware == true"},
    {"keys.root",                  "keys",         "s.access.break_glass.approvers == 2"                               },
    {"keys.root",                  "keys",         "s.access.break_glass.tested_every == 90"                           },
    {"keys.root",                  "keys",         "#s.children == 1 and s.children[1].name == 'tenant'"               },
    {"keys.root",                  "keys",         "s.retire.wait == 30 and s.retire.destroy_on_rotate == nil"         },
    {"keys.tenant",                "keys",         "s.used_keys[1] == get('keys.root')"                                },
    {"keys.volume",                "keys",         "s.protects[1] == get('stores.db')"                                 },
    {"flows.web",                  "flows",        "s.http.hsts.max_age == 31536000 and s.http.redirect == true"       },
    {"flows.web",                  "flows",        "s.tls.min == 'tls1.3' and s.from == 'browser'"                     },
    {"flows.deploy",               "flows",
     "#s.carries == 0 and s.effective == nil and s.ssh.host_key == 'ed25519'"                                          },
    {"environments.staging",       "environments", "type(s.shared_keys) == 'table'"                                    },
    {"exceptions.EX-1",            "exceptions",
     "s.expires == 20908 and s.approved_by[2] == 'cto@healthy.example'"                                                },
    {"attestations.AT-1",          "attestations",
     "s.signed == 20698 and s.covers[1] == 'ROTATE-REHEARSED'"                                                         },
    {"procedures.cert-monitoring", "procedures",   "s.alerts[1] == 30 and s.alerts[3] == 7"                            },
    {"plan",                       "plan",         "s == plan and s.id == 'plan' and s.section == 'plan'"              },
    {"plan",                       "plan",
     "s.product.id == 'healthy' and s.tenancy == 'multi' and s.ci.check == 'redoubt'"                                  },
    {"plan",                       "plan",         "s.frameworks[1] == 'hipaa' and s.policy.profile == 'template'"     },
    {"plan",                       "plan",         "s.procedures['key-generation'].csprng == 'kms'"                    },
    {"plan",                       "plan",
     "(function() local n = 0 for _ in pairs(s.stores) do n = n + 1 end return n == 7 end)()"                          },
    {"plan",                       "plan",
     "s.stores.db == get('stores.db') and s.trust['db-ca'].pem == 'certs/db-ca.pem'"                                   },
};

static void
as_tables(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    for (size_t i = 0; i < RDT_COUNT(truths); i++) {
        char lua[2048];
        snprintf(
            lua, sizeof lua,
            "rule { " RULE_HEAD(
                "ACME-1") "decided = {'plan'}, subjects = {'%s'}, "
                          "check = function(s) if %s then return pass() end return na('no') end }",
            truths[i].section, truths[i].text);
        judging_pack(j, lua);
        j->subject = truths[i].subject;
        assert_int_equal(judging_run(j), RDT_OK);
        const struct rdt_result *r = judging_find(j, "ACME-1", truths[i].subject);
        assert_non_null(r);
        if (r->verdict != RDT_PASS)
            fail_msg("%s: %s: %s", truths[i].subject, truths[i].text, r->message);
        judging_reset(j);
    }
}

/* What the plan writes cannot stand in for what is computed. */
static void
text_stays_text(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    judging_patch(j, "product: { about: \"true\" }\n"
                     "keys: { root: { purpose: \"90d\", custody: { account: \"2026-11-24\" } } }");
    judging_pack(j, PLAN_RULE("ACME-1", "keys",
                              "if s.name ~= 'root' then return na('another') end "
                              "assert(s.purpose == '90d' and s.custody.account == '2026-11-24') "
                              "assert(plan.product.about == 'true') return pass()"));
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_equal(judging_find(j, "ACME-1", "keys.root")->verdict, RDT_PASS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(as_tables),
        JUDGING_TEST(text_stays_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
