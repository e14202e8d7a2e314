/*
 * A new service: keys under the root, a store with its site row, a log whose first record says so.
 */
#include "kms/audit_record.h"
#include "kms/folder.h"
#include "kms/life_internal.h"
#include "kms/root_items.h"

#include "base/clock.h"
#include "base/file.h"

#include <limits.h>
#include <stdio.h>

const char rdt_policy_everything[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"kms:*\","
    "\"redoubt:*\"],\"Resource\":\"*\"}]}";

#define QUORUM 2         /* approvals that an operation needs */
#define WAITING_DAYS 30  /* before destruction */
#define CLIENT_TTL_S 300 /* an exported KEK in a client */

static enum rdt_code
fill_site(struct rdt_tx *tx, const uint8_t deployment[static 16], const struct rdt_kms_new *wanted,
          int64_t now_ms, struct rdt_err *err)
{
    static const uint8_t first[4] = {0, 0, 0, 1};
    struct rdt_site *site = rdt_tx_add(tx, RDT_KIND_SITE, rdt_span_str("site"));
    struct rdt_domain *domain = rdt_tx_add(tx, RDT_KIND_DOMAIN, (struct rdt_span){first, 4});
    if (site == NULL || domain == NULL ||
        !rdt_text_set(&site->account, rdt_span_str(wanted->account)) ||
        !rdt_text_set(&site->region, rdt_span_str(wanted->region)))
        return rdt_fail(err, RDT_E_NOMEM, "make the site");
    memcpy(site->deployment, deployment, sizeof site->deployment);
    site->created_ms = now_ms;
    site->highest_ms = now_ms - HIGHEST_BEHIND_MS;
    site->development = wanted->development;
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
genesis(struct rdt_kms *kms, struct rdt_worker *worker, const struct rdt_kms_new *wanted,
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
        rc = fill_site(tx, kms->deployment, wanted, now_ms, err);
    if (rc == RDT_OK)
        rc = rdt_tx_seal(tx, worker, &revision, digest, err);
    if (rc == RDT_OK)
        rc = rdt_random(worker, entry.id, sizeof entry.id, err);
    if (rc == RDT_OK) {
        rdt_record_system("Genesis", now_ms, revision, digest, entry.id, &record);
        entry.record = rdt_buf_span(&record);
        rc = rdt_buf_ok(&record) ? rdt_log_outbox_mac(kms, worker, &entry) : RDT_E_NOMEM;
    }
    if (rc != RDT_OK) {
        rdt_tx_drop(tx);
        return rc;
    }
    rc = rdt_tx_commit(tx, kms->store, &(struct rdt_tx_records){.outbox = &entry, .n_outbox = 1},
                       err);
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

/* ---- the folder ---- */

#define MAKING ".making" /* while it is there, what lies beside it is not a service yet */

/* A folder is free when it has no service and nothing that could be the rest of one. */
static enum rdt_code
clear_folder(const char *dir, struct rdt_err *err)
{
    static const char *const parts[] = {"store.db", "store.db-wal", "store.db-shm", "audit"};
    if (rdt_folder_has(dir, "root.json"))
        return rdt_fail(err, RDT_E_STATE, "there is a service already");
    bool interrupted = rdt_folder_has(dir, MAKING);
    if (!interrupted && (rdt_folder_has(dir, "store.db") || rdt_folder_has(dir, "audit"))) {
        rdt_fail(err, RDT_E_STATE, "there is a store, but the root that opens it is missing");
        rdt_hint(err, "put root.json back; without it nothing in the store can be read");
        return RDT_E_STATE;
    }
    for (size_t i = 0; interrupted && i < sizeof parts / sizeof parts[0]; i++)
        rdt_folder_remove(dir, parts[i]);
    rdt_folder_remove(dir, MAKING);
    return RDT_OK;
}

static bool
good_site(const struct rdt_kms_new *site)
{
    size_t region = strlen(site->region);
    return strlen(site->account) == 12 && strspn(site->account, "0123456789") == 12 && region > 0 &&
           region < 64 && strspn(site->region, "abcdefghijklmnopqrstuvwxyz0123456789-") == region;
}

static enum rdt_code
make_in(const struct rdt_kms_opts *opts, const struct rdt_kms_new *site, struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    struct rdt_kms *kms = NULL;
    enum rdt_code rc = rdt_file_mkdirs(opts->data, err);
    if (rc == RDT_OK)
        rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = put_items(opts, worker, err);
    if (rc == RDT_OK)
        rc = rdt_root_save(opts->root, opts->data, err);
    if (rc == RDT_OK)
        rc = rdt_open_parts(opts, worker, &kms, err);
    if (rc == RDT_OK)
        rc = genesis(kms, worker, site, err);
    rdt_kms_close(kms);
    return rc;
}

enum rdt_code
rdt_kms_make(const struct rdt_kms_opts *opts, const struct rdt_kms_new *site, struct rdt_err *err)
{
    char making[PATH_MAX];
    struct rdt_kms_opts inside = *opts;
    if (!good_site(site))
        return rdt_fail(err, RDT_E_BADINPUT,
                        "an account has 12 digits, a region letters, digits and -");
    if ((size_t)snprintf(making, sizeof making, "%s/%s", opts->data, MAKING) >= sizeof making)
        return rdt_fail(err, RDT_E_LIMIT, "the folder's name is too long");
    inside.data = making;
    enum rdt_code rc = clear_folder(opts->data, err);
    if (rc == RDT_OK)
        rc = make_in(&inside, site, err);
    if (rc == RDT_OK)
        rc = rdt_folder_move_in(making, opts->data, err);
    if (rc == RDT_OK)
        rdt_folder_remove(opts->data, MAKING);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "make a service in %s", opts->data);
}
