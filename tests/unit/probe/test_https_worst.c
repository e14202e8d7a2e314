#include "probe/https_internal.h"

#include "../test.h"
#include "codec/json.h"

#include <stdio.h>

#define NOW INT64_C(1796083200) /* 2026-12-01 */
#define DAY INT64_C(86400)

static const struct rdt_addr first_addr = {.text = "10.0.0.1:443"};
static const struct rdt_addr second_addr = {.text = "10.0.0.2:443"};

/* A look at a site without fault; each test changes what it is about. */
static const struct https_look healthy = {
    .addr = &first_addr,
    .reached = true,
    .redirect = {.answered = true, .status = 301, .location = "https://a/", .https = true},
    .tls = {[RDT_SSL3] = {.verdict = RDT_TLS_REFUSED},
                 [RDT_TLS1_0] = {.verdict = RDT_TLS_REFUSED},
                 [RDT_TLS1_1] = {.verdict = RDT_TLS_REFUSED},
                 [RDT_TLS1_2] = {.verdict = RDT_TLS_ACCEPTED},
                 [RDT_TLS1_3] = {.verdict = RDT_TLS_ACCEPTED}},
    .cert = {.seen = true,
                 .cert = {.subject = "CN=a",
                      .issuer = "CN=ca",
                      .not_before_s = NOW - DAY,
                      .not_after_s = NOW + 89 * DAY,
                      .not_before = 20787,
                      .not_after = 20877,
                      .lifetime = 90,
                      .key = "ecdsa-p256",
                      .strength_bits = 128,
                      .host = true},
                 .trust = {.trusted = true}},
    .hsts = {.answered = true, .present = true, .hsts = {31536000, true, true}},
};

/* One change, by what it is called. */
static struct https_look
look(const char *change)
{
    struct https_look l = healthy;
#define IS(name) (strcmp(change, name) == 0)
    if (IS("302")) {
        l.redirect.status = 302;
    } else if (IS("200")) {
        l.redirect.status = 200;
        l.redirect.https = false;
        l.redirect.location[0] = '\0';
    } else if (IS("closed")) {
        l.redirect.answered = l.redirect.https = false;
        l.redirect.closed = true;
    } else if (IS("down")) {
        l.redirect.answered = l.redirect.https = false;
        l.hsts.answered = l.hsts.present = l.cert.seen = false;
        for (int v = 0; v < RDT_TLS_N_VERSIONS; v++)
            l.tls[v].verdict = RDT_TLS_UNDECIDED;
        snprintf(l.tls[RDT_TLS1_3].why, sizeof l.tls[0].why, "down");
        snprintf(l.redirect.why, sizeof l.redirect.why, "down");
        snprintf(l.hsts.why, sizeof l.hsts.why, "down");
        snprintf(l.cert.why, sizeof l.cert.why, "down");
    } else if (IS("old")) {
        l.tls[RDT_TLS1_0].verdict = RDT_TLS_ACCEPTED;
        l.tls[RDT_TLS1_3].verdict = RDT_TLS_REFUSED;
    } else if (IS("odd")) {
        l.tls[RDT_TLS1_0].verdict = RDT_TLS_UNDECIDED;
    } else if (IS("expired")) {
        l.cert.cert.not_after_s = NOW - DAY;
        l.cert.cert.not_after = 20787;
        l.cert.trust = (struct rdt_cert_trust){.why = "expired"};
    } else if (IS("other name")) {
        l.cert.cert.host = false;
    } else if (IS("untrusted")) {
        l.cert.trust = (struct rdt_cert_trust){.why = "bad chain"};
    } else if (IS("weak")) {
        snprintf(l.cert.cert.key, sizeof l.cert.cert.key, "rsa-1024");
        l.cert.cert.strength_bits = 80;
        l.cert.cert.lifetime = 800;
        l.cert.cert.not_after_s += DAY; /* not the earliest: its key counts all the same */
    } else if (IS("short")) {
        l.hsts.hsts = (struct rdt_hsts){300, false, false};
    } else if (IS("no hsts")) {
        l.hsts.present = false;
        snprintf(l.hsts.why, sizeof l.hsts.why, "no header");
    } else if (IS("twice")) {
        snprintf(l.hsts.why, sizeof l.hsts.why, "twice");
    } else {
        assert_string_equal(change, "healthy");
    }
    return l;
}

#define REDIRECT "http.redirect"
#define VERSIONS "tls.versions"
#define CERT "tls.cert"
#define HSTS "http.hsts"
#define CERT_IS(...) CERT_OF("true", __VA_ARGS__)
#define CERT_OF(all, not_after, lifetime, key, host, chain, why)                                   \
    "{\"subject\":\"CN=a\",\"issuer\":\"CN=ca\",\"not_before\":20787,\"not_after\":" not_after     \
    ",\"lifetime\":" lifetime ",\"key\":\"" key "\",\"host\":" host ",\"chain\":" chain            \
    ",\"all\":" all ",\"why\":\"" why "\"}"
#define TLS_IS(v0, v3)                                                                             \
    "{\"ssl3\":\"refused\",\"tls1.0\":\"" v0                                                       \
    "\",\"tls1.1\":\"refused\",\"tls1.2\":\"accepted\",\"tls1.3\":\"" v3 "\"}"
#define HSTS_IS(present, age, subdomains, preload, why)                                            \
    "{\"present\":" present ",\"max_age\":" age ",\"subdomains\":" subdomains                      \
    ",\"preload\":" preload ",\"why\":\"" why "\"}"

/* want: the value as JSON, or the reason for an unknown after a '?' */
static const struct {
    const char *first, *second, *fact, *want;
} cases[] = {
    {"healthy", NULL, REDIRECT,
     "{\"closed\":false,\"status\":301,\"location\":\"https://a/\",\"https\":true}"},
    {"closed", NULL, REDIRECT, "{\"closed\":true,\"https\":false}"},
    {"closed", "healthy", REDIRECT,
     "{\"closed\":false,\"status\":301,\"location\":\"https://a/\",\"https\":true}"},
    {"healthy", "302", REDIRECT,
     "{\"closed\":false,\"status\":302,\"location\":\"https://a/\",\"https\":true}"},
    {"down", "200", REDIRECT,
     "{\"closed\":false,\"status\":200,\"location\":\"\",\"https\":false}"},
    {"200", "down", REDIRECT,
     "{\"closed\":false,\"status\":200,\"location\":\"\",\"https\":false}"},
    {"healthy", "down", REDIRECT, "?10.0.0.2:443: down"},
    {"down", "closed", REDIRECT, "?10.0.0.1:443: down"},

    {"healthy", "healthy", VERSIONS, TLS_IS("refused", "accepted")},
    {"healthy", "old", VERSIONS, TLS_IS("accepted", "refused")},
    {"old", "healthy", VERSIONS, TLS_IS("accepted", "refused")},
    {"healthy", "odd", VERSIONS, TLS_IS("undecided", "accepted")},
    {"odd", "old", VERSIONS, TLS_IS("accepted", "refused")},
    {"down", NULL, VERSIONS, "?10.0.0.1:443: down"},
    {"healthy", "down", VERSIONS,
     "{\"ssl3\":\"undecided\",\"tls1.0\":\"undecided\",\"tls1.1\":\"undecided\",\"tls1.2\":"
     "\"accepted\",\"tls1.3\":"
     "\"undecided\"}"},

    {"healthy", NULL, CERT, CERT_IS("20877", "90", "ecdsa-p256", "true", "true", "")},
    {"healthy", "expired", CERT,
     CERT_IS("20787", "90", "ecdsa-p256", "true", "false", "10.0.0.2:443: expired")},
    {"other name", "untrusted", CERT,
     CERT_IS("20877", "90", "ecdsa-p256", "false", "false",
     "10.0.0.1:443: issued for other names; 10.0.0.2:443: bad chain")},
    {"healthy", "weak", CERT, CERT_IS("20877", "800", "rsa-1024", "true", "true", "")},
    {"healthy", "down", CERT, "?10.0.0.2:443: down"},
    {"untrusted", "down", CERT,
     CERT_OF("false", "20877", "90", "ecdsa-p256", "true", "false", "10.0.0.1:443: bad chain")},

    {"healthy", NULL, HSTS, HSTS_IS("true", "31536000", "true", "true", "")},
    {"healthy", "short", HSTS, HSTS_IS("true", "300", "false", "false", "")},
    {"healthy", "no hsts", HSTS, HSTS_IS("false", "0", "false", "false", "no header")},
    {"no hsts", "down", HSTS, HSTS_IS("false", "0", "false", "false", "no header")},
    {"healthy", "down", HSTS, "?10.0.0.2:443: down"},
    {"twice", "healthy", HSTS, HSTS_IS("true", "31536000", "true", "true", "twice")},
};

static void
worst_of_two(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_evidence_done) struct rdt_evidence out = {0};
        RDT_BUF got = {0};
        struct https_look looks[2] = {look(cases[i].first)};
        size_t n = cases[i].second == NULL ? 1 : 2;
        if (n == 2)
            looks[1] = look(cases[i].second);
        looks[1].addr = &second_addr;
        assert_int_equal(rdt_https_record("flows.web", looks, n, &out), RDT_OK);
        assert_int_equal(out.n, 4);
        const struct rdt_observation *seen = rdt_evidence_find(&out, "flows.web", cases[i].fact);
        assert_non_null(seen);
        if (seen->value != NULL)
            rdt_json_node(&got, seen->value, 0);
        else
            rdt_buf_fmt(&got, "?%s", seen->unknown);
        if (strcmp(rdt_buf_cstr(&got), cases[i].want) != 0)
            fail_msg("%s and %s, %s:\n  got  %s\n  want %s", cases[i].first,
                     cases[i].second == NULL ? "no other" : cases[i].second, cases[i].fact,
                     rdt_buf_cstr(&got), cases[i].want);
    }
}

static void
joins_raw_answers(void **state)
{
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence out = {0};
    struct https_look looks[2] = {look("healthy"), look("healthy")};
    (void)state;
    looks[1].addr = &second_addr;
    rdt_buf_str(&looks[0].tls_raw, "one\n");
    rdt_buf_str(&looks[1].tls_raw, "two\n");
    assert_int_equal(rdt_https_record("flows.web", looks, 2, &out), RDT_OK);
    assert_string_equal(rdt_evidence_find(&out, "flows.web", VERSIONS)->raw, "one\ntwo\n");
    looks[1].tls_raw.failed = true; /* out of memory while it was written */
    assert_int_equal(rdt_https_record("flows.web", looks, 2, &out), RDT_E_NOMEM);
    rdt_buf_done(&looks[0].tls_raw);
    rdt_buf_done(&looks[1].tls_raw);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worst_of_two),
        cmocka_unit_test(joins_raw_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
