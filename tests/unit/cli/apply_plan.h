/* apply_plan.h - a plan with keys in Redoubt, and what `apply` wants for it. */
#ifndef RDT_TEST_CLI_APPLY_PLAN_H
#define RDT_TEST_CLI_APPLY_PLAN_H

#include "cli/apply.h"

#include "../plan/load.h"

#define OURS "custody: { provider: redoubt }"
#define AUTO(days) "rotation: { every: " days ", how: auto }"

/* ring wraps record; vol is for the volume, files for an object store, old is turned by hand. */
static const char plan_text[] = HEAD
    "services:\n"
    "  browser: { zone: z, external: true }\n"
    "  api: { zone: z }\n"
    "  batch: { zone: z }\n"
    "  idle: { zone: z }\n"
    "data:\n"
    "  card: { level: critical }\n"
    "  note: { level: high }\n"
    "keys:\n"
    "  ring: { purpose: tenants, type: symmetric, algorithm: aes-256, per: tenant, " OURS ", "
    "rotation: { every: 90d, how: manual }, access: { principals: [role/api, role/vault] } }\n"
    "  record: { purpose: r, type: symmetric, algorithm: aes-256-gcm, per: record, wrapped_by: "
    "ring, custody: { provider: envelope }, rotation: { every: 90d, how: manual } }\n"
    "  vol: { purpose: disk, type: symmetric, algorithm: aes-256, " OURS ", " AUTO(
        "365d") ", "
                "access: { principals: [\"arn:aws:iam::1:role/rds\", \"*\"] } }\n"
                "  files: { purpose: objects, type: symmetric, algorithm: aes-256, " OURS ", " AUTO(
                    "30d") " }\n"
                           "  far: { purpose: far, type: symmetric, algorithm: aes-256, custody: { "
                           "provider: redoubt, "
                           "account: \"999999999999\" }, " AUTO(
                               "90d") " }\n"
                                      "  mac: { purpose: mac, type: hmac, algorithm: "
                                      "hmac-sha-256, " OURS ", " AUTO(
                                          "90d") " }\n"
                                                 "  cloud: { purpose: c, type: symmetric, "
                                                 "algorithm: aes-256, custody: { provider: aws-kms "
                                                 "}, " AUTO(
                                                     "90d") " }\n"
                                                            "stores:\n"
                                                            "  db: { kind: postgres, holds: [card, "
                                                            "note], at_rest: { volume: { "
                                                            "algorithm: aes-256, key: vol }, "
                                                            "fields: [{ data: [card], algorithm: "
                                                            "aes-256-gcm, key: record }] } }\n"
                                                            "  bucket: { kind: s3, holds: [note], "
                                                            "at_rest: { volume: { algorithm: "
                                                            "sse-kms, key: files } } }\n"
                                                            "  copies: { kind: disk, backup_of: "
                                                            "[db] }\n"
                                                            "  copies-of-copies: { kind: s3, "
                                                            "backup_of: [copies] }\n"
                                                            "flows:\n"
                                                            "  a: { from: api, to: db, carries: "
                                                            "[card], tls: { min: tls1.3 } }\n"
                                                            "  b: { from: db, to: batch, carries: "
                                                            "[note], tls: { min: tls1.3 } }\n"
                                                            "  c: { from: batch, to: bucket, "
                                                            "carries: [note], tls: { min: tls1.3 } "
                                                            "}\n"
                                                            "  d: { from: idle, to: bucket, "
                                                            "carries: [], tls: { min: tls1.3 } }\n"
                                                            "  e: { from: browser, to: bucket, "
                                                            "carries: [note], tls: { min: tls1.3 } "
                                                            "}\n"
                                                            "environments: { dev: {} }\n";

static const struct rdt_apply_site here = {"000000000000", "local-1"};

struct wanted {
    struct loaded plan;
    struct rdt_apply_want want;
};

static inline void
wanted_done(struct wanted *w)
{
    rdt_apply_done(&w->want);
    loaded_done(&w->plan);
}

#define WANTED RDT_AUTO(wanted_done) struct wanted

static inline void
want_at(struct wanted *w, const struct rdt_apply_site *site)
{
    load_env(&w->plan, plan_text, "dev");
    if (w->plan.rc != RDT_OK)
        fail_msg("%s: %s", w->plan.err.text,
                 w->plan.diags.n == 0 ? "" : w->plan.diags.items[0].text);
    assert_int_equal(rdt_apply_want(w->plan.plan, site, &w->want, NULL), RDT_OK);
}

/* The index of a key or user by its name; fails where there is none. */
static inline size_t
key_at(const struct rdt_apply_want *want, const char *id)
{
    for (size_t i = 0; i < want->n_keys; i++)
        if (strcmp(want->keys[i].id, id) == 0)
            return i;
    fail_msg("no key %s", id);
    return 0;
}

static inline size_t
user_at(const struct rdt_apply_want *want, const char *name)
{
    for (size_t i = 0; i < want->n_users; i++)
        if (strcmp(want->users[i].name, name) == 0)
            return i;
    fail_msg("no user %s", name);
    return 0;
}

#endif
