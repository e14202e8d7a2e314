/*
 * sample.h - a run with one result of each verdict, and with values that a page, a terminal, a
 * spreadsheet or Markdown would take for something else. Made by hand, so that reports are tested
 * apart from the rules.
 */
#ifndef RDT_TEST_REPORT_SAMPLE_H
#define RDT_TEST_REPORT_SAMPLE_H

#include "base/clock.h"
#include "codec/yaml.h"
#include "report/report.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#define HOSTILE "</p><script>alert(1)</script>|`a` \"q\" 'r' \x1b[31mred & *bold*"
#define FORMULA "=cmd|'/C calc'!A0"
#define SAMPLE_TIME 1795514400 /* 2026-11-24T10:00:00Z */

static const char sample_plan[] =
    "redoubt: 1\n"
    "product: { id: acme, name: 'Acme <b>&\"| Ltd', owner: sec@acme.example }\n"
    "frameworks: [soc2]\n"
    "services:\n"
    "  app: { zone: 'net \"] ; evil [', note: x }\n"
    "  user: { zone: internet, external: true }\n"
    "data:\n"
    "  person: { level: critical, kinds: [pii] }\n"
    "  secret: { level: critical, kinds: [credential], form: { hashed: argon2id } }\n"
    "  lost: { level: low }\n"
    "keys:\n"
    "  k1: { purpose: volumes, type: symmetric, algorithm: aes-256, custody: { provider: aws-kms,\n"
    "        account: '1', hardware: true }, rotation: { every: 90d, how: auto, last: 2026-11-01 } "
    "}\n"
    "  k2: { like: k1, purpose: 'backups | all', rotation: { last: 2026-01-01 } }\n"
    "  k3: { purpose: fields, type: symmetric, algorithm: aes-256-gcm, wrapped_by: k1,\n"
    "        custody: { provider: envelope }, rotation: { every: 1y, how: manual } }\n"
    "  cert: { purpose: web, type: certificate, algorithm: ecdsa-p256, custody: { provider: acm "
    "},\n"
    "          rotation: { every: 90d, how: auto, last: 2020-01-01 } }\n"
    "stores:\n"
    "  db: { kind: postgres, holds: [person, secret], at_rest: { volume: { algorithm: aes-256,\n"
    "        key: k1 }, fields: [{ data: [person], algorithm: aes-256-gcm, key: k3 }] } }\n"
    "  copy: { kind: s3, backup_of: [db], at_rest: { volume: { algorithm: sse-kms, key: k2 } } }\n"
    "flows:\n"
    "  web: { from: user, to: app, carries: [person, secret], tls: { min: tls1.3, cert: cert },\n"
    "         http: { redirect: true, hsts: { max_age: 31536000, subdomains: true } } }\n"
    "  sql: { from: app, to: db, carries: [person], tls: { min: tls1.2, pin: rds-ca } }\n"
    "  raw: { from: app, to: copy, carries: [] }\n"
    "environments:\n"
    "  prod: { patch: { keys: { k2: { custody: { account: '2' } } } } }\n"
    "exceptions:\n"
    "  EX-1: { rule: R-ACCEPTED, subject: flows.sql, reason: later, owner: dana@acme.example,\n"
    "          approved_by: [a@acme.example, b@acme.example], granted: 2026-10-01,\n"
    "          expires: 2027-03-31 }\n"
    "attestations:\n"
    "  AT-1: { covers: [R-PASS], statement: seen, by: sam@acme.example, signed: 2026-09-02,\n"
    "          expires: 2026-12-02 }\n";

#define STRINGS(...)                                                                               \
    {                                                                                              \
        (const char *const[]){__VA_ARGS__},                                                        \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)                            \
    }

#define RULE(i, t, s, d)                                                                           \
    {                                                                                              \
        .id = (i), .title = (t), .why = "Because " i, .fix = "Mend " i, .pack = "builtin",         \
        .severity = (s), .decided = (d), .subjects = STRINGS("stores"),                            \
        .controls = STRINGS("soc2@2022:CC6.1", "gdpr@2016:32(1)(a)"), .rollups = STRINGS("REST-1") \
    }

enum { R_FAIL, R_DRIFT, R_UNKNOWN, R_UNOBSERVED, R_ACCEPTED, R_PASS, R_NA, R_QUIET };

static struct rdt_rule sample_rules[] = {
    RULE("R-FAIL", "A thing is wrong", RDT_SEV_CRITICAL, RDT_BY_PLAN),
    RULE("R-DRIFT", "A thing drifts", RDT_SEV_HIGH, RDT_BY_PLAN | RDT_BY_LIVE),
    RULE("R-UNKNOWN", "A thing is unclear", RDT_SEV_MEDIUM, RDT_BY_LIVE),
    RULE("R-UNOBSERVED", "A thing was not seen", RDT_SEV_LOW, RDT_BY_LIVE | RDT_BY_HUMAN),
    RULE("R-ACCEPTED", "A thing is accepted", RDT_SEV_HIGH, RDT_BY_PLAN),
    RULE("R-PASS", "A thing is good", RDT_SEV_MEDIUM, RDT_BY_PLAN),
    RULE("R-NA", "A thing is not there", RDT_INFO, RDT_BY_PLAN),
    {.id = "R-OFF", .title = "Switched off", .severity = RDT_SEV_LOW, .disabled = "too loud"},
};

static struct rdt_run_subject sample_subjects[] = {
    {"stores.db",   RDT_CRITICAL,   "data.person", {"dir/plan.yaml", 21, 3}},
    {"stores.copy", RDT_CRITICAL,   "data.person", {"dir/plan.yaml", 23, 3}},
    {"flows.web",   RDT_CRITICAL,   "data.person", {"dir/plan.yaml", 25, 3}},
    {"flows.sql",   RDT_CRITICAL,   "data.person", {"dir/plan.yaml", 27, 3}},
    {"keys.k1",     RDT_CRITICAL,   "data.person", {"dir/plan.yaml", 12, 3}},
    {"plan",        RDT_LEVEL_NONE, NULL,          {0}                     },
};

static struct rdt_result sample_results[] = {
    {.rule = R_FAIL,
     .subject = 0,
     .verdict = RDT_FAIL,
     .severity = RDT_SEV_CRITICAL,
     .message = HOSTILE,
     .observed = FORMULA,
     .expected = "aes-256",
     .where = {"dir/plan.yaml", 22, 9}},
    {.rule = R_DRIFT,
     .subject = 2,
     .verdict = RDT_DRIFT,
     .severity = RDT_SEV_HIGH,
     .message = "web accepts tls1.0",
     .observed = "tls1.0",
     .expected = "tls1.3",
     .where = {"dir/plan.yaml", 25, 60},
     .evidence = STRINGS("54bfa1e2d9a1ac3e1c5a3ee1b2b1a7e1b5a1f4b9d7a33f4f3a8d7c2f9c1d0e11")},
    {.rule = R_UNKNOWN,
     .subject = 3,
     .verdict = RDT_UNKNOWN,
     .severity = RDT_SEV_MEDIUM,
     .message = "timed out after 5 s",
     .where = {"dir/plan.yaml", 27, 3}},
    {.rule = R_UNOBSERVED,
     .subject = 0,
     .verdict = RDT_UNOBSERVED,
     .severity = RDT_SEV_LOW,
     .where = {"dir/plan.yaml", 21, 3}},
    {.rule = R_UNOBSERVED,
     .subject = 1,
     .verdict = RDT_UNOBSERVED,
     .severity = RDT_SEV_LOW,
     .where = {"dir/plan.yaml", 23, 3}},
    {.rule = R_ACCEPTED,
     .subject = 3,
     .verdict = RDT_ACCEPTED,
     .before = RDT_FAIL,
     .severity = RDT_SEV_HIGH,
     .message = "sql allows tls1.2",
     .observed = "tls1.2",
     .expected = "tls1.3",
     .exception = "EX-1",
     .where = {"dir/plan.yaml", 27, 50}},
    {.rule = R_PASS,
     .subject = 0,
     .verdict = RDT_PASS,
     .severity = RDT_SEV_MEDIUM,
     .where = {"dir/plan.yaml", 21, 3}},
    {.rule = R_PASS,
     .subject = 1,
     .verdict = RDT_PASS,
     .severity = RDT_SEV_MEDIUM,
     .where = {"dir/plan.yaml", 23, 3}},
    {.rule = R_PASS,
     .subject = 2,
     .verdict = RDT_PASS,
     .assurance = RDT_A4,
     .severity = RDT_SEV_MEDIUM,
     .observed = "refused",
     .where = {"dir/plan.yaml", 25, 3},
     .evidence = STRINGS("54bfa1e2d9a1ac3e1c5a3ee1b2b1a7e1b5a1f4b9d7a33f4f3a8d7c2f9c1d0e11")},
    {.rule = R_PASS,
     .subject = 4,
     .verdict = RDT_PASS,
     .assurance = RDT_A1,
     .severity = RDT_SEV_MEDIUM,
     .message = "attested by AT-1",
     .where = {"dir/plan.yaml", 12, 3}},
    {.rule = R_NA,
     .subject = 5,
     .verdict = RDT_NA,
     .severity = RDT_INFO,
     .message = "there is none"},
};

static struct rdt_row sample_rows[] = {
    {.id = "REST-1",
     .title = "Every store is encrypted",
     .checklist = "rest",
     .part = 2,
     .verdict = RDT_FAIL,
     .by = STRINGS("R-FAIL", "R-UNOBSERVED"),
     .broken = STRINGS("R-UNOBSERVED stores.db", "R-FAIL stores.db")},
    {.id = "REST-2",
     .title = "Fields | are encrypted",
     .checklist = "rest",
     .part = 2,
     .verdict = RDT_PASS,
     .assurance = RDT_A4,
     .by = STRINGS("R-PASS")},
    {.id = "REST-3",
     .title = "Backups are apart",
     .checklist = "rest",
     .part = 2,
     .verdict = RDT_UNOBSERVED,
     .by = STRINGS("R-UNOBSERVED"),
     .broken = STRINGS("R-UNOBSERVED stores.copy")},
    {.id = "REST-4",
     .title = "Nothing here",
     .checklist = "rest",
     .part = 2,
     .verdict = RDT_NA,
     .by = STRINGS("R-NA")},
    {.id = "MAP-1",
     .title = "At rest",
     .part = 5,
     .verdict = RDT_FAIL,
     .by = STRINGS("R-FAIL"),
     .broken = STRINGS("R-FAIL stores.db")},
};

static const struct rdt_control_rule sample_mapped[] = {
    {"R-FAIL", true, RDT_FAIL, RDT_A0},
    {"R-PASS", true, RDT_PASS, RDT_A0},
};

static const struct rdt_control_rule sample_met[] = {
    {"R-PASS", true, RDT_PASS, RDT_A3}
};

static const struct rdt_control sample_controls[] = {
    {.id = "CC6.1",
     .title = "Keys & <data>",
     .verified = true,
     .state = RDT_NOT_MET,
     .rules = sample_mapped,
     .n_rules = 2},
    {.id = "CC6.7",
     .title = "Transit",
     .note = "a note",
     .state = RDT_MET,
     .rules = sample_met,
     .n_rules = 1},
    {.id = "A1.2", .title = "Nobody shows it", .verified = true, .state = RDT_UNPROVEN},
    {.id = "C1.1", .title = "Not here", .verified = true, .state = RDT_NOT_APPLICABLE},
};

static struct rdt_framework sample_frameworks[] = {
    {.id = "soc2", .edition = "2017", .title = "SOC 2 (2017)"},
    {.id = "soc2",
     .edition = "2022",
     .title = "SOC 2 (2022)",
     .published = "2022-10-01",
     .chosen = true,
     .is_default = true,
     .notes = STRINGS("about it"),
     .controls = sample_controls,
     .n_controls = RDT_COUNT(sample_controls)},
    {.id = "gdpr", .edition = "2016", .title = "GDPR", .is_default = true},
};

static const char *const sample_notes[] = {"rule R-OFF is disabled: too loud"};

struct sample {
    struct rdt_arena arena;
    struct rdt_plan *plan;
    struct rdt_evidence evidence;
    struct rdt_run run;
    struct rdt_report report;
};

static inline void
sample_count(struct rdt_run *run)
{
    memset(run->count, 0, sizeof run->count);
    for (size_t i = 0; i < run->n_results; i++)
        run->count[run->results[i].verdict]++;
}

static inline void
sample_evidence(struct rdt_evidence *evidence)
{
    struct rdt_node *value = rdt_node_new(&evidence->arena, RDT_NODE_MAP, (struct rdt_mark){0});
    rdt_evidence_collector(evidence, "https/1");
    rdt_value_int(&evidence->arena, value, "not_before", 20750); /* 2026-10-24 */
    rdt_value_bool(&evidence->arena, value, "chain", true);
    rdt_value_text(&evidence->arena, value, "why", HOSTILE);
    assert_int_equal(rdt_evidence_fact(evidence, "flows.web", "tls.cert", value,
                                       rdt_span_str("asked\nanswered " HOSTILE)),
                     RDT_OK);
    assert_int_equal(
        rdt_evidence_unknown(evidence, "flows.sql", "tls.versions", "timed out", rdt_span_str("")),
        RDT_OK);
    for (size_t i = 0; i < evidence->n; i++)
        evidence->items[i].time = SAMPLE_TIME - 60;
}

static inline void
sample_open(struct sample *s)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    struct rdt_err err = {0};
    struct rdt_node *root = NULL;
    *s = (struct sample){0};
    enum rdt_code rc =
        rdt_yaml_parse("dir/plan.yaml", rdt_span_str(sample_plan), &s->arena, &diags, &root, &err);
    struct rdt_plan_opts opts = {.env = "prod"};
    if (rc == RDT_OK)
        rc = rdt_plan_from_node(root, "dir/plan.yaml", &opts, &diags, &s->plan, &err);
    if (rc != RDT_OK)
        fail_msg("%s: %s", err.text, diags.n == 0 ? "" : diags.items[0].text);
    sample_evidence(&s->evidence);
    s->run = (struct rdt_run){
        .id = "0b7e3c1e-7a53-4c44-9d0e-6a1f0d9b2c11",
        .time = SAMPLE_TIME,
        .plan = "dir/plan.yaml",
        .product = "Acme <b>&\"| Ltd",
        .env = "prod",
        .version = "0.1.0",
        .rules = sample_rules,
        .n_rules = RDT_COUNT(sample_rules),
        .subjects = sample_subjects,
        .n_subjects = RDT_COUNT(sample_subjects),
        .results = sample_results,
        .n_results = RDT_COUNT(sample_results),
        .rows = sample_rows,
        .n_rows = RDT_COUNT(sample_rows),
        .frameworks = sample_frameworks,
        .n_frameworks = RDT_COUNT(sample_frameworks),
        .notes = {sample_notes, RDT_COUNT(sample_notes)},
        .planned = 4,
        .observed = 2,
        .live = true,
    };
    sample_count(&s->run);
    s->report = (struct rdt_report){.run = &s->run, .plan = s->plan, .evidence = &s->evidence};
}

static inline void
sample_close(struct sample *s)
{
    rdt_plan_close(s->plan);
    rdt_evidence_done(&s->evidence);
    rdt_arena_done(&s->arena);
}

#define SAMPLE RDT_AUTO(sample_close) struct sample

/* Renders or fails the test; NUL-terminated. */
static inline const char *
sample_render(const struct rdt_report *report, enum rdt_format format, struct rdt_buf *out)
{
    struct rdt_err err = {0};
    out->n = 0;
    if (rdt_report_render(report, format, out, &err) != RDT_OK)
        fail_msg("%s: %s", rdt_format_word(format), err.text);
    return rdt_buf_cstr(out);
}

static inline size_t
sample_occurs(const char *text, const char *part)
{
    /* memmem: a sanitizer's strstr() measures the whole rest of the text at every call */
    const char *end = text + strlen(text);
    size_t n = 0, step = strlen(part);
    for (; (text = memmem(text, (size_t)(end - text), part, step)) != NULL; text += step)
        n++;
    return n;
}

#define assert_has(text, part)                                                                     \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("missing: %s\nin: %.3000s", (part), (text));                                  \
    } while (0)
#define assert_lacks(text, part)                                                                   \
    do {                                                                                           \
        if (strstr((text), (part)) != NULL)                                                        \
            fail_msg("should not be there: %s\nin: %.3000s", (part), (text));                      \
    } while (0)

#endif
