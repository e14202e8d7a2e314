#include "report/describe_internal.h"

#include "sample.h"

static void
has_words_and_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *word, *text, *bits;
    } cases[] = {
        {"aes-256-gcm",      "AES-256-GCM",       "256-bit"         },
        {"aes-256-xts",      "AES-256-XTS",       "2 x 256-bit"     }, /* X6: XTS has two keys */
        {"aes-128-gcm",      "AES-128-GCM",       "128-bit"         },
        {"sse-kms",          "AES-256 (SSE-KMS)", "256-bit"         },
        {"3des",             "3DES",              "168-bit"         },
        {"des",              "DES",               "56-bit"          },
        {"rsa-2048",         "RSA-2048",          "2048-bit"        },
        {"ecdsa-p384",       "ECDSA P-384",       "384-bit"         },
        {"hmac-sha-512",     "HMAC-SHA-512",      "512-bit"         },
        {"provider-default", "provider default",  "provider default"},
        {"something-new",    "something-new",     "not said"        },
        {NULL,               "none",              "not said"        },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        assert_string_equal(rdt_words_for(cases[i].word), cases[i].text);
        assert_string_equal(rdt_describe_bits(cases[i].word), cases[i].bits);
    }
}

static void
speaks_of_days(void **state)
{
    (void)state;
    static const struct {
        double days;
        const char *want;
    } cases[] = {
        {90,       "90 days" },
        {1,        "1 day"   },
        {365,      "1 year"  },
        {730,      "2 years" },
        {400,      "400 days"},
        {0.5,      "12 hours"},
        {1.0 / 24, "1 hour"  },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        rdt_describe_days(&out, cases[i].days);
        assert_string_equal(rdt_buf_cstr(&out), cases[i].want);
    }
}

static const char *
at_rest(struct sample *s, const char *data, const char *store, struct rdt_buf *out)
{
    out->n = 0;
    rdt_describe_at_rest(out, s->plan, rdt_plan_find(s->plan, data), rdt_plan_find(s->plan, store));
    return rdt_buf_cstr(out);
}

static void
describes_a_plan(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    struct rdt_rest_parts parts;
    sample_open(&s);
    assert_string_equal(at_rest(&s, "data.person", "stores.db", &out),
                        "AES-256-GCM fields, AES-256 volume");
    assert_string_equal(at_rest(&s, "data.secret", "stores.db", &out),
                        "argon2id hash, not reversible; AES-256 volume");
    /* a backup holds the fields as its source encrypted them */
    assert_string_equal(at_rest(&s, "data.person", "stores.copy", &out),
                        "AES-256-GCM fields, AES-256 (SSE-KMS) volume");
    rdt_at_rest_parts(s.plan, rdt_plan_find(s.plan, "data.secret"),
                      rdt_plan_find(s.plan, "stores.copy"), &parts);
    assert_string_equal(parts.form, "argon2id");
    assert_string_equal(parts.volume, "aes-256");
    assert_false(parts.fields);
    out.n = 0;
    rdt_describe_flow(&out, rdt_plan_find(s.plan, "flows.raw"));
    assert_string_equal(rdt_buf_cstr(&out), "plaintext");
    out.n = 0;
    rdt_describe_custody(&out, rdt_plan_find(s.plan, "keys.k2"));
    assert_string_equal(rdt_buf_cstr(&out), "AWS KMS, account 2, hardware");
    out.n = 0;
    rdt_describe_rotation(&out, rdt_plan_find(s.plan, "keys.k3"));
    assert_string_equal(rdt_buf_cstr(&out), "every year, manual");
}

static void
knows_the_last_rotation(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_AUTO(rdt_view_done) struct rdt_view view = {0};
    int64_t days = 0;
    bool observed = false;
    sample_open(&s);
    assert_int_equal(rdt_view_init(&view, &s.report, NULL), RDT_OK);
    assert_true(rdt_key_last(&view, rdt_plan_find(s.plan, "keys.k1"), &days, &observed));
    assert_int_equal(days, 20758); /* 2026-11-01, declared */
    assert_false(observed);
    assert_true(rdt_key_last(&view, rdt_plan_find(s.plan, "keys.cert"), &days, &observed));
    assert_int_equal(days, 20750); /* the certificate seen goes before what was declared */
    assert_true(observed);
    assert_false(rdt_key_last(&view, rdt_plan_find(s.plan, "keys.k3"), &days, &observed));
    view.report = &(struct rdt_report){.run = &s.run, .plan = s.plan};
    assert_true(rdt_key_last(&view, rdt_plan_find(s.plan, "keys.cert"), &days, &observed));
    assert_false(observed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_words_and_sizes),
        cmocka_unit_test(speaks_of_days),
        cmocka_unit_test(describes_a_plan),
        cmocka_unit_test(knows_the_last_rotation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
