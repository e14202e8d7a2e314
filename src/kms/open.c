/*
 * A service's folder: made once, opened with what the root gives. Opening settles what a crash left
 * and refuses whatever does not fit together, having changed nothing.
 */
#include "kms/audit_record.h"
#include "kms/life_internal.h"
#include "kms/root_items.h"

#include "base/clock.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECKPOINT_VALUE "checkpoint" /* the newest one, in the store beside the rows */
#define LOOK_BACK                                                                                  \
    100000 /* records before the last checkpoint in which outbox entries are sought                \
            */

static void
path_in(const struct rdt_kms_opts *opts, const char *name, char out[static 4096])
{
    snprintf(out, 4096, "%s/%s", opts->data, name);
}

/* ---- what comes out of the root ---- */

static enum rdt_code
take_keys(struct rdt_kms *kms, const struct rdt_kms_opts *opts, struct rdt_err *err)
{
    const struct {
        const char *name;
        struct rdt_secret *to;
    } items[] = {
        {"rows",    &kms->rows   },
        {"digest",  &kms->digest },
        {"cursor",  &kms->cursor },
        {"hedge",   &kms->hedge  },
        {"context", &kms->context},
    };
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        enum rdt_code rc = rdt_root_get(opts->root, opts->open, items[i].name, items[i].to, err);
        if (rc != RDT_OK)
            return rc;
    }
    memcpy(kms->deployment, rdt_root_deployment(opts->root), sizeof kms->deployment);
    kms->custody = rdt_root_custody(opts->root);
    return rdt_domains_take(&kms->domains, opts->root, opts->open, err);
}

static enum rdt_code
open_audit(struct rdt_kms *kms, const struct rdt_kms_opts *opts, struct rdt_span known, bool create,
           struct rdt_err *err)
{
    RDT_SECRET chain = {0};
    RDT_SECRET seed = {0};
    char dir[4096];
    path_in(opts, "audit", dir);
    kms->audit_dir = strdup(dir);
    kms->data = strdup(opts->data);
    if (kms->audit_dir == NULL || kms->data == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "open the audit log");
    enum rdt_code rc = rdt_root_get(opts->root, opts->open, "audit-signer", &seed, err);
    if (rc == RDT_OK)
        rc = rdt_signer_load(RDT_SIGN_ED25519, &seed, &kms->signer, err);
    if (rc == RDT_OK)
        rc = rdt_signer_load(RDT_SIGN_ED25519, &seed, &kms->certifier, err);
    if (rc == RDT_OK)
        rc = rdt_root_get(opts->root, opts->open, "audit-chain", &chain, err);
    if (rc == RDT_OK && create)
        rc = rdt_file_mkdirs(dir, err);
    if (rc != RDT_OK)
        return rc;
    struct rdt_audit_opts audit = {
        .dir = dir, .chain = &chain, .signer = kms->signer, .known = known, .create = create};
    memcpy(audit.deployment, kms->deployment, sizeof audit.deployment);
    memcpy(audit.node, kms->deployment, sizeof audit.node); /* the only node */
    return rdt_audit_open(&audit, &kms->audit, err);
}

/* ---- store and log have to tell the same story ---- */

/* An outbox entry found at start. */
struct left {
    uint8_t id[16];
    struct rdt_buf record;
    bool logged;
};

struct story {
    struct rdt_kms *kms;
    struct rdt_worker *worker;
    struct left *left;
    size_t n_left, cap;
    uint64_t revision; /* highest that a checkpoint, a record or an outbox entry names */
    uint8_t digest[32];
};

static void
story_done(struct story *story)
{
    for (size_t i = 0; i < story->n_left; i++)
        rdt_buf_done(&story->left[i].record);
    free(story->left);
}

static void
heard(struct story *story, uint64_t revision, const uint8_t digest[static 32])
{
    if (revision <= story->revision)
        return;
    story->revision = revision;
    memcpy(story->digest, digest, 32);
}

static enum rdt_code
hear_record(struct story *story, struct rdt_span bytes, uint8_t id[static 16], struct rdt_err *err)
{
    struct rdt_audit_record record = {0};
    enum rdt_code rc = rdt_record_get(&rdt_audit_record, bytes, &record, err);
    if (rc == RDT_OK) {
        heard(story, record.revision, record.digest);
        memcpy(id, record.id, sizeof record.id);
    }
    rdt_record_done(&rdt_audit_record, &record);
    return rc;
}

static enum rdt_code
each_left(void *user, const struct rdt_outbox *entry, struct rdt_err *err)
{
    struct story *story = user;
    struct rdt_outbox check = *entry;
    uint8_t id[16];
    enum rdt_code rc = rdt_log_outbox_mac(story->kms, story->worker, &check);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_same((struct rdt_span){check.mac, 32}, (struct rdt_span){entry->mac, 32}))
        return rdt_fail(err, RDT_E_TAMPERED, "an audit record in the store's outbox is not ours");
    if (story->n_left == story->cap) {
        size_t cap = story->cap == 0 ? 64 : story->cap * 2;
        struct left *more = reallocarray(story->left, cap, sizeof *more);
        if (more == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "read the outbox");
        story->left = more;
        story->cap = cap;
    }
    struct left *left = &story->left[story->n_left++];
    *left = (struct left){0};
    memcpy(left->id, entry->id, sizeof left->id);
    rdt_buf_add(&left->record, entry->record.p, entry->record.n);
    if (!rdt_buf_ok(&left->record))
        return rdt_fail(err, RDT_E_NOMEM, "read the outbox");
    return hear_record(story, entry->record, id, err);
}

static enum rdt_code
each_logged(void *user, uint64_t index, struct rdt_span bytes, struct rdt_err *err)
{
    struct story *story = user;
    uint8_t id[16];
    (void)index;
    enum rdt_code rc = hear_record(story, bytes, id, err);
    for (size_t i = 0; rc == RDT_OK && i < story->n_left; i++)
        if (rdt_span_eq((struct rdt_span){story->left[i].id, 16}, (struct rdt_span){id, 16}))
            story->left[i].logged = true;
    return rc;
}

/* What committed but did not reach the log goes there now, in order. */
static enum rdt_code
drain(struct story *story, struct rdt_err *err)
{
    for (size_t i = 0; i < story->n_left; i++) {
        struct rdt_span record = rdt_buf_span(&story->left[i].record);
        uint64_t first;
        if (!story->left[i].logged) {
            enum rdt_code rc = rdt_audit_append(story->kms->audit, &record, 1, true, &first, err);
            if (rc != RDT_OK)
                return rc;
        }
        rdt_log_sent(story->kms, story->left[i].id);
    }
    return RDT_OK;
}

static enum rdt_code
same_story(struct rdt_kms *kms, const struct story *story, struct rdt_err *err)
{
    uint64_t revision;
    uint8_t digest[32];
    rdt_state_published(kms->state, &revision, digest);
    if (revision < story->revision) {
        rdt_fail(err, RDT_E_TAMPERED,
                 "the store is older than the audit log: revision %llu, the log knows %llu",
                 (unsigned long long)revision, (unsigned long long)story->revision);
        rdt_hint(err, "a copy was put back? use 'redoubt backup restore', which replays what came "
                      "after");
        return RDT_E_TAMPERED;
    }
    if (revision > story->revision)
        return rdt_fail(err, RDT_E_TAMPERED,
                        "the store is newer than the audit log: revision %llu, the log knows %llu",
                        (unsigned long long)revision, (unsigned long long)story->revision);
    if (!rdt_same((struct rdt_span){digest, 32}, (struct rdt_span){story->digest, 32}))
        return rdt_fail(
            err, RDT_E_TAMPERED,
            "the store's rows are not those that the audit log signed for revision %llu",
            (unsigned long long)revision);
    return RDT_OK;
}

static enum rdt_code
settle_story(struct rdt_kms *kms, const char *dir, struct rdt_worker *worker, struct rdt_err *err)
{
    RDT_AUTO(story_done) struct story story = {.kms = kms, .worker = worker};
    struct rdt_checkpoint last;
    uint64_t from = 0;
    if (rdt_audit_last(kms->audit, &last)) {
        heard(&story, last.revision, last.digest);
        from = last.size;
    }
    enum rdt_code rc = rdt_store_outbox(kms->store, each_left, &story, err);
    if (rc == RDT_OK && story.n_left != 0)
        from = from > LOOK_BACK ? from - LOOK_BACK : 0;
    if (rc == RDT_OK)
        rc = rdt_audit_each(dir, from, each_logged, &story, err);
    if (rc == RDT_OK)
        rc = same_story(kms, &story, err);
    return rc == RDT_OK ? drain(&story, err) : rc;
}

/* ---- open ---- */

static enum rdt_code
take_site(struct rdt_kms *kms, struct rdt_err *err)
{
    const struct rdt_site *site = rdt_view_site((struct rdt_view){.state = kms->state});
    RDT_BUF policy = {0};
    if (site == NULL)
        return rdt_fail(err, RDT_E_TAMPERED, "the store has no site row");
    if (!rdt_same((struct rdt_span){site->deployment, 16}, (struct rdt_span){kms->deployment, 16}))
        return rdt_fail(err, RDT_E_DENIED, "the store belongs to another root");
    snprintf(kms->account, sizeof kms->account, "%s", site->account);
    snprintf(kms->region, sizeof kms->region, "%s", site->region);
    snprintf(kms->arn_prefix, sizeof kms->arn_prefix, "arn:aws:kms:%s:%s:", site->region,
             site->account);
    kms->development = site->development;
    rdt_policy_default(kms->account, &policy);
    return rdt_policy_compile(RDT_POLICY_KEY, rdt_buf_span(&policy), kms->account,
                              &kms->default_policy, err);
}

static void
state_of(void *user, uint64_t *revision, uint8_t digest[static 32])
{
    struct rdt_kms *kms = user;
    rdt_state_published(kms->state, revision, digest);
}

/* Store and state; create: both are made empty. */
static enum rdt_code
open_rows(struct rdt_kms *kms, const struct rdt_kms_opts *opts, struct rdt_worker *worker,
          bool create, struct rdt_err *err)
{
    char path[4096];
    path_in(opts, "store.db", path);
    struct rdt_state_keys keys = {&kms->rows, &kms->digest};
    enum rdt_code rc = take_keys(kms, opts, err);
    if (rc == RDT_OK)
        rc = rdt_store_open(
            &(struct rdt_store_opts){.path = path, .create = create, .reserve = true}, &kms->store,
            err);
    return rc == RDT_OK ? rdt_state_load(kms->store, &keys, worker, &kms->state, err) : rc;
}

static enum rdt_code
open_all(struct rdt_kms *kms, const struct rdt_kms_opts *opts, struct rdt_worker *worker,
         struct rdt_err *err)
{
    char dir[4096];
    RDT_BUF known = {0};
    path_in(opts, "audit", dir);
    enum rdt_code rc = open_rows(kms, opts, worker, false, err);
    if (rc == RDT_OK)
        rc = take_site(kms, err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_store_value(kms->store, CHECKPOINT_VALUE, &known, err);
    if (rc != RDT_OK && rc != RDT_E_NOTFOUND)
        return rc;
    rc = open_audit(kms, opts, rdt_buf_span(&known), false, err);
    if (rc == RDT_OK)
        rc = settle_story(kms, dir, worker, err);
    if (rc == RDT_OK)
        rc = rdt_missed_uses(kms, dir, err);
    if (rc == RDT_OK)
        rc = rdt_domain_open(kms, opts, err);
    if (rc == RDT_OK)
        rc = rdt_audit_writer_open(kms->audit, state_of, rdt_log_checkpoint_made, kms, &kms->log,
                                   err);
    return rc;
}

static struct rdt_kms *
kms_new(struct rdt_err *err)
{
    struct rdt_kms *kms = calloc(1, sizeof *kms);
    if (kms != NULL) {
        kms->late = rdt_late_new();
        kms->clock.read = rdt_clock_system;
    }
    if (kms == NULL || kms->late == NULL) {
        free(kms);
        rdt_fail(err, RDT_E_NOMEM, "open the service");
        return NULL;
    }
    return kms;
}

enum rdt_code
rdt_open_parts(const struct rdt_kms_opts *opts, struct rdt_worker *worker, struct rdt_kms **out,
               struct rdt_err *err)
{
    *out = kms_new(err);
    if (*out == NULL)
        return RDT_E_NOMEM;
    enum rdt_code rc = open_rows(*out, opts, worker, true, err);
    return rc == RDT_OK ? open_audit(*out, opts, (struct rdt_span){0}, true, err) : rc;
}

enum rdt_code
rdt_open_rows_alone(const struct rdt_kms_opts *opts, struct rdt_worker *worker,
                    struct rdt_kms **out, struct rdt_err *err)
{
    *out = kms_new(err);
    if (*out == NULL)
        return RDT_E_NOMEM;
    enum rdt_code rc = open_rows(*out, opts, worker, false, err);
    return rc == RDT_OK ? take_site(*out, err) : rc;
}

enum rdt_code
rdt_open_restored(const struct rdt_kms_opts *opts, struct rdt_worker *worker, struct rdt_span known,
                  bool new_log, struct rdt_kms **out, struct rdt_err *err)
{
    enum rdt_code rc = rdt_open_rows_alone(opts, worker, out, err);
    return rc == RDT_OK ? open_audit(*out, opts, known, new_log, err) : rc;
}

enum rdt_code
rdt_open_first_checkpoint(struct rdt_kms *kms, uint64_t revision, const uint8_t digest[static 32],
                          struct rdt_err *err)
{
    RDT_BUF checkpoint = {0};
    enum rdt_code rc = rdt_audit_checkpoint(kms->audit, revision, digest, &checkpoint, err);
    if (rc == RDT_OK && !rdt_buf_ok(&checkpoint))
        rc = rdt_fail(err, RDT_E_NOMEM, "a checkpoint");
    return rc == RDT_OK
               ? rdt_store_put_value(kms->store, CHECKPOINT_VALUE, rdt_buf_span(&checkpoint), err)
               : rc;
}

enum rdt_code
rdt_kms_open(const struct rdt_kms_opts *opts, struct rdt_kms **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    struct rdt_kms *kms = kms_new(err);
    if (kms == NULL)
        return RDT_E_NOMEM;
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = open_all(kms, opts, worker, err);
    if (rc == RDT_E_NOTFOUND) { /* there is a root, so all of it was here once */
        rc = RDT_E_STATE;
        rdt_hint(err, "a part of the service is missing: put it back as it was with the rest");
    }
    if (rc != RDT_OK) {
        rdt_kms_close(kms);
        return rdt_fail_in(err, rc, "open %s", opts->data);
    }
    *out = kms;
    return RDT_OK;
}

/* The newest checkpoint beside the rows: a log that is cut afterwards is noticed at the next start.
 */
void
rdt_open_keep_checkpoint(struct rdt_kms *kms)
{
    RDT_BUF checkpoint = {0};
    if (rdt_log_checkpoint_take(kms, &checkpoint) && rdt_buf_ok(&checkpoint))
        (void)!rdt_store_put_value(kms->store, CHECKPOINT_VALUE, rdt_buf_span(&checkpoint), NULL);
}

void
rdt_kms_close(struct rdt_kms *kms)
{
    if (kms == NULL)
        return;
    rdt_audit_writer_close(kms->log);
    if (kms->store != NULL && kms->late != NULL)
        rdt_open_keep_checkpoint(kms);
    rdt_audit_close(kms->audit);
    rdt_signer_free(kms->signer);
    rdt_signer_free(kms->certifier);
    rdt_state_free(kms->state);
    rdt_store_close(kms->store);
    rdt_policy_free(kms->default_policy);
    rdt_domains_done(&kms->domains);
    rdt_secret_wipe(&kms->rows);
    rdt_secret_wipe(&kms->digest);
    rdt_secret_wipe(&kms->cursor);
    rdt_secret_wipe(&kms->hedge);
    rdt_secret_wipe(&kms->context);
    rdt_usage_free(kms->missed);
    rdt_late_free(kms->late);
    free(kms->audit_dir);
    free(kms->data);
    free(kms);
}

/* ---- threads ---- */

void
rdt_kms_thread_close(struct rdt_kms_thread *thread)
{
    if (thread == NULL)
        return;
    rdt_log_thread_remove(thread->kms, thread);
    rdt_worker_close(thread->worker);
    rdt_secret_wipe(&thread->material);
    rdt_secret_wipe(&thread->derived);
    rdt_secret_wipe(&thread->plain);
    rdt_buf_done(&thread->aad);
    rdt_buf_done(&thread->scratch);
    rdt_usage_free(thread->usage);
    rdt_sign_cache_free(thread->signing);
    free(thread);
}

enum rdt_code
rdt_kms_thread_open(struct rdt_kms *kms, struct rdt_kms_thread **out, struct rdt_err *err)
{
    struct rdt_kms_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "start a thread");
    thread->kms = kms;
    enum rdt_code rc = rdt_worker_open(&thread->worker, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&thread->material, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&thread->derived, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&thread->plain, PLAINTEXT_MAX, err);
    thread->usage = rc == RDT_OK ? rdt_usage_new() : NULL;
    thread->signing = rc == RDT_OK ? rdt_sign_cache_new(err) : NULL;
    if (rc == RDT_OK && (thread->usage == NULL || thread->signing == NULL))
        rc = rdt_fail(err, RDT_E_NOMEM, "start a thread");
    if (rc != RDT_OK) {
        rdt_kms_thread_close(thread);
        return rc;
    }
    rdt_log_thread_add(kms, thread);
    *out = thread;
    return RDT_OK;
}

struct rdt_audit_writer *
rdt_kms_log(struct rdt_kms *kms)
{
    return kms->log;
}
