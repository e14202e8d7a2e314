/*
 * A new service: keys under the root, a store with its site row, a log whose first record says so.
 */
#include "kms/audit_record.h"
#include "kms/call_internal.h"
#include "kms/root_items.h"

#include "base/clock.h"
#include "base/file.h"

#include <stdio.h>
#include <time.h>

#define QUORUM 2         /* approvals that an operation needs */
#define WAITING_DAYS 30  /* before destruction */
#define CLIENT_TTL_S 300 /* an exported KEK in a client */

static enum rdt_code
fill_site(struct rdt_tx *tx, const uint8_t deployment[static 16], const struct rdt_kms_new *new,
          int64_t now_ms, struct rdt_err *err)
{
    static const uint8_t first[4] = {0, 0, 0, 1};
    struct rdt_site *site = rdt_tx_add(tx, RDT_KIND_SITE, rdt_span_str("site"));
    struct rdt_domain *domain = rdt_tx_add(tx, RDT_KIND_DOMAIN, (struct rdt_span){first, 4});
    if (site == NULL || domain == NULL ||
        !rdt_text_set(&site->account, rdt_span_str(new->account)) ||
        !rdt_text_set(&site->region, rdt_span_str(new->region)))
        return rdt_fail(err, RDT_E_NOMEM, "make the site");
    memcpy(site->deployment, deployment, sizeof site->deployment);
    site->created_ms = site->highest_ms = now_ms;
    site->development = new->development;
    site->quorum = QUORUM;
    site->approvers_revision = 1;
    site->waiting_days = WAITING_DAYS;
    site->domain = domain->number = 1;
    site->client_ttl_s = CLIENT_TTL_S;
    domain->created_ms = now_ms;
    return RDT_OK;
}

/* The first commit and the first record; kms has keys, store and an empty state. */
static enum rdt_code
genesis(struct rdt_kms *kms, struct rdt_worker *worker, const struct rdt_kms_new *new,
        struct rdt_err *err)
{
    RDT_BUF record = {0};
    struct rdt_outbox entry = {0};
    struct rdt_tx *tx = NULL;
    uint64_t revision, first;
    uint8_t digest[32];
    int64_t now_ms = rdt_now() * 1000;
    enum rdt_code rc = rdt_tx_begin(kms->state, &tx, err);
    if (rc == RDT_OK)
        rc = fill_site(tx, kms->deployment, new, now_ms, err);
    if (rc == RDT_OK)
        rc = rdt_tx_seal(tx, worker, &revision, digest, err);
    if (rc == RDT_OK)
        rc = rdt_random(worker, entry.id, sizeof entry.id, err);
    if (rc == RDT_OK) {
        record_system("Genesis", NULL, now_ms, revision, digest, entry.id, &record);
        entry.record = rdt_buf_span(&record);
        rc = rdt_buf_ok(&record) ? log_outbox_mac(kms, worker, &entry) : RDT_E_NOMEM;
    }
    if (rc != RDT_OK) {
        rdt_tx_drop(tx);
        return rc;
    }
    rc = rdt_tx_commit(tx, kms->store, &entry, 1, NULL, 0, err);
    return rc == RDT_OK ? rdt_audit_append(kms->audit, &entry.record, 1, true, &first, err) : rc;
}

static enum rdt_code
put_items(const struct rdt_kms_opts *opts, struct rdt_worker *worker, struct rdt_err *err)
{
    for (size_t i = 0; rdt_kms_root_items[i] != NULL; i++) {
        RDT_SECRET secret = {0};
        enum rdt_code rc = rdt_secret_new(&secret, RDT_KEY_LEN, err);
        if (rc == RDT_OK)
            rc = rdt_random_key(worker, &secret, err);
        if (rc == RDT_OK)
            rc = rdt_root_put(opts->root, opts->open, rdt_kms_root_items[i], &secret, err);
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}

enum rdt_code
rdt_kms_make(const struct rdt_kms_opts *opts, const struct rdt_kms_new *new, struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = put_items(opts, worker, err);
    struct rdt_kms *kms = NULL;
    if (rc == RDT_OK)
        rc = open_parts(opts, worker, &kms, err);
    if (rc == RDT_OK)
        rc = genesis(kms, worker, new, err);
    rdt_kms_close(kms);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "make a service in %s", opts->data);
}
