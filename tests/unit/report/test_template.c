#include "sample.h"

static void
fills_in_the_template(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const char *text = sample_render(&s.report, RDT_FORMAT_TEMPLATE_MD, &out);
    static const char *const parts[] = {
        "# Encryption plan: Acme &lt;b&gt;&amp;\"\\| Ltd\n",
        "2 of 4 subjects observed, 1 failed, 1 drifted, 1 unknown, 2 unobserved",
        "## Part 1",
        "### Data inventory",
        "## Part 2",
        "### Checklist: at rest",
        "## Part 3",
        "### Checklist: in transit",
        "## Part 4",
        "### Key inventory",
        "### Key generation",
        "### Key storage",
        "### Key rotation",
        "### Key retirement",
        "## Part 5",
        "## Common mistakes",
        "## Notes",
        "| critical | Exposure does severe harm: fines, identity theft, lives | person, secret | "
        "AES-256 volume, and fields encrypted by the application | TLS 1.3 or newer | hardware, "
        "replaced within 90 days |",
        "| person | critical | db, copy | web (TLS 1.3), sql (TLS 1.2) | user, app | db: "
        "AES-256-GCM fields, AES-256 volume; copy: AES-256-GCM fields, AES-256 (SSE-KMS) volume |",
        "| lost | low | none | nowhere | - | - |",
        "| copy (S3) | server-side encryption | AES-256 (SSE-KMS) | 256-bit | AWS KMS (k2) | every "
        "90 days, automatic | backup of db |",
        "| db: person | fields encrypted by the application | AES-256-GCM | 256-bit | k3, wrapped "
        "by k1 | every year, manual | - |",
        "| user to app (web) | HTTPS | TLS 1.3 | cert | max-age=31536000, includeSubDomains | no |",
        "| app to db (sql) | TLS | TLS 1.2 | the peer's | not HTTP | rds-ca, then nothing |",
        "| app to copy (raw) | plaintext | none | none | not HTTP | no |",
        /* Last rotated is never a blank */
        "| every 90 days, automatic | 2026-11-01 (declared) |",
        "| every 90 days, automatic | 2026-10-24 (certificate seen) |",
        "| every year, manual | never recorded |",
        "| backups \\| all |",
        /* each box with its reason, and only what decided it */
        "- \xE2\x98\x92 Every store is encrypted \xE2\x80\x94 *broken by R-FAIL stores.db*",
        "- \xE2\x98\x91 Fields \\| are encrypted \xE2\x80\x94 *exercised: what is forbidden was "
        "tried and refused*",
        "- \xE2\x98\x90 Backups are apart \xE2\x80\x94 *nothing has looked: R-UNOBSERVED "
        "stores.copy*",
        "- \xE2\x80\x93 Nothing here \xE2\x80\x94 *applies to nothing in this plan*",
        /* part 5: corrected controls, our words, the state of the run */
        "| Requirement | SOC 2 | ISO 27001 | HIPAA | PCI DSS | GDPR | Your implementation | State "
        "|",
        "CC6.1 (2022)",
        "not met, broken by R-FAIL stores.db |",
        "copy under k2",
    };
    for (size_t i = 0; i < RDT_COUNT(parts); i++)
        assert_has(text, parts[i]);
    assert_lacks(text, "___"); /* the template's blanks */
    assert_lacks(text, "<");
}

/* Six rows, and as many cells in each as the header has. */
static void
maps_six_requirements(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const char *p = strstr(sample_render(&s.report, RDT_FORMAT_TEMPLATE_MD, &out), "| Requirement");
    assert_non_null(p);
    size_t rows = 0;
    for (; *p == '|'; rows++) {
        size_t cells = 0;
        for (; *p != '\n'; p++)
            cells += *p == '|' && p[-1] != '\\';
        assert_int_equal(cells, 9);
        p++;
    }
    assert_int_equal(rows, 2 + 6);
}

static void
is_a_page_too(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const char *text = sample_render(&s.report, RDT_FORMAT_TEMPLATE_HTML, &out);
    assert_has(text, "<!DOCTYPE html>");
    assert_has(text, "<h1>Encryption plan: Acme &lt;b&gt;&amp;&quot;| Ltd</h1>");
    assert_has(text, "</html>");
    assert_lacks(text, "<script");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_the_template),
        cmocka_unit_test(maps_six_requirements),
        cmocka_unit_test(is_a_page_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
