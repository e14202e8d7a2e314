/*
 * What a log says after a backup, done again, record by record. Only what a record says can be
 * done: material that was made later is lost, and a policy that was replaced later is not in the
 * log, so what it was about comes back closed. What is not in the table stops everything.
 */
#include "kms/restore_internal.h"

#include "base/text.h"
#include "codec/base64.h"
#include "kms/approval_internal.h"
#include "kms/tenant_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR_MS ((int64_t)3600000)
#define SEEDS_MAX 8192 /* seeds of one tenant that are erased at once */

void
rdt_replay_why(struct rdt_restore *restore, const char *fmt, ...)
{
    va_list args;
    if (restore->why[0] != '\0')
        return;
    va_start(args, fmt);
    vsnprintf(restore->why, sizeof restore->why, fmt, args);
    va_end(args);
}

/* ---- rows ---- */

static struct rdt_key *
edit_key(struct replay *r, const uint8_t id[static 16])
{
    return rdt_tx_edit(r->tx, RDT_KIND_KEY, (struct rdt_span){id, 16});
}

static bool
has_key(struct replay *r, const uint8_t id[static 16])
{
    return rdt_view_key(rdt_tx_view(r->tx), id) != NULL;
}

static struct rdt_span
parameter(const struct rdt_audit_record *record, const char *name)
{
    struct rdt_span value = {0};
    (void)rdt_pairs_find(rdt_bytes_span(&record->parameters), rdt_span_str(name), &value);
    return value;
}

static uint32_t
number(const struct rdt_audit_record *record, const char *name)
{
    struct rdt_span text = parameter(record, name);
    uint64_t value = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || value > UINT32_MAX)
            return 0;
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    return value <= UINT32_MAX ? (uint32_t)value : 0;
}

/* What a function below answers. */
enum done { NOTHING, DONE, NO_MEMORY };

static enum done
done_if(const void *row)
{
    return row != NULL ? DONE : NO_MEMORY;
}

/* ---- keys ---- */

static enum done
key_state(struct replay *r, const struct rdt_audit_record *record, enum rdt_key_state state)
{
    if (!has_key(r, record->key))
        return NOTHING;
    struct rdt_key *key = edit_key(r, record->key);
    if (key != NULL) {
        key->state = (uint8_t)state;
        key->deletion_ms = 0;
    }
    return done_if(key);
}

static enum done
disable(struct replay *r, const struct rdt_audit_record *record)
{
    return key_state(r, record, RDT_KEY_DISABLED);
}

static enum done
enable(struct replay *r, const struct rdt_audit_record *record)
{
    return key_state(r, record, RDT_KEY_ENABLED);
}

/* Its date cannot be kept, since waiting begins anew: it is refused, and to be scheduled again. */
static enum done
schedule(struct replay *r, const struct rdt_audit_record *record)
{
    char uuid[RDT_UUID_TEXT];
    enum done done = key_state(r, record, RDT_KEY_DISABLED);
    rdt_uuid_text(record->key, uuid);
    if (done == DONE)
        rdt_buf_fmt(&r->restore->notes,
                    "key %s: its deletion was scheduled later; it is disabled: schedule it again\n",
                    uuid);
    return done;
}

static enum done
suspended(struct replay *r, const struct rdt_audit_record *record, uint8_t value)
{
    if (!has_key(r, record->key))
        return NOTHING;
    struct rdt_key *key = edit_key(r, record->key);
    if (key != NULL)
        key->suspended = value;
    return done_if(key);
}

static enum done
suspend(struct replay *r, const struct rdt_audit_record *record)
{
    return suspended(r, record, 1);
}

static enum done
unsuspend(struct replay *r, const struct rdt_audit_record *record)
{
    return suspended(r, record, 0);
}

static enum done
gate(struct replay *r, const struct rdt_audit_record *record)
{
    if (!has_key(r, record->key))
        return NOTHING;
    struct rdt_key *key = edit_key(r, record->key);
    if (key != NULL)
        key->gate = rdt_span_is(parameter(record, "gate"), "true");
    return done_if(key);
}

static enum done
key_policy(struct replay *r, const struct rdt_audit_record *record)
{
    if (!has_key(r, record->key))
        return NOTHING;
    rdt_buf_add(&r->keys, record->key, 16);
    return DONE;
}

/* The version is lost; what comes next stands above it. */
static enum done
rotate(struct replay *r, const struct rdt_audit_record *record)
{
    char uuid[RDT_UUID_TEXT];
    const struct rdt_key *now = rdt_view_key(rdt_tx_view(r->tx), record->key);
    if (now == NULL)
        return NOTHING;
    uint32_t seen = now->current > now->epoch_seen ? now->current : now->epoch_seen;
    uint32_t version = number(record, "version");
    struct rdt_key *key = edit_key(r, record->key);
    if (key == NULL)
        return NO_MEMORY;
    key->epoch_seen = version > seen ? version : seen + 1;
    rdt_uuid_text(record->key, uuid);
    rdt_buf_fmt(&r->restore->notes,
                "key %s: version %u was made later and is lost; what it protects cannot be read\n",
                uuid, key->epoch_seen);
    return DONE;
}

static enum done
lost_key(struct replay *r, const struct rdt_audit_record *record)
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(record->key, uuid);
    rdt_buf_fmt(&r->restore->notes,
                "key %s: made later and lost; what it protects cannot be read\n", uuid);
    return NOTHING;
}

/* ---- principals, credentials, certificates ---- */

static enum done
principal(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_span enabled = parameter(record, "enabled");
    const struct rdt_principal *now =
        rdt_principal_named(rdt_tx_view(r->tx), parameter(record, "principal"));
    if (now == NULL)
        return NOTHING;
    if (parameter(record, "policy").n != 0)
        rdt_buf_add(&r->principals, now->id, sizeof now->id);
    if (enabled.n == 0)
        return DONE;
    struct rdt_principal *row =
        rdt_tx_edit(r->tx, RDT_KIND_PRINCIPAL, (struct rdt_span){now->id, sizeof now->id});
    if (row != NULL)
        row->disabled = !rdt_span_is(enabled, "true");
    return done_if(row);
}

static enum done
revoke_credential(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_span id = parameter(record, "accessKeyId");
    if (rdt_view_get(rdt_tx_view(r->tx), RDT_KIND_CREDENTIAL, id) == NULL)
        return NOTHING;
    struct rdt_credential *row = rdt_tx_edit(r->tx, RDT_KIND_CREDENTIAL, id);
    if (row != NULL && row->revoked_ms == 0)
        row->revoked_ms = record->time_ms;
    return done_if(row);
}

static enum done
revoke_certificate(struct replay *r, const struct rdt_audit_record *record)
{
    uint8_t fingerprint[32];
    struct rdt_span id = {fingerprint, sizeof fingerprint};
    if (!rdt_hex_get(parameter(record, "fingerprint"), fingerprint, sizeof fingerprint) ||
        rdt_view_get(rdt_tx_view(r->tx), RDT_KIND_CERT, id) == NULL)
        return NOTHING;
    struct rdt_client_cert *row = rdt_tx_edit(r->tx, RDT_KIND_CERT, id);
    if (row != NULL && row->revoked_ms == 0)
        row->revoked_ms = record->time_ms;
    return done_if(row);
}

/* ---- approvers ---- */

static struct rdt_site *
edit_site(struct replay *r)
{
    return rdt_tx_edit(r->tx, RDT_KIND_SITE, rdt_span_str("site"));
}

static enum done
add_approver(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_span name = parameter(record, "approver");
    rdt_buf_fmt(&r->restore->notes, "approver '%.*s': added later and lost: add again\n",
                RDT_FMT(name));
    return NOTHING;
}

static enum done
remove_approver(struct replay *r, const struct rdt_audit_record *record)
{
    const struct rdt_approver *row =
        rdt_approver_named(rdt_tx_view(r->tx), parameter(record, "approver"));
    if (row == NULL)
        return NOTHING;
    return rdt_tx_remove(r->tx, RDT_KIND_APPROVER, (struct rdt_span){row->id, sizeof row->id})
               ? DONE
               : NO_MEMORY;
}

static enum done
set_quorum(struct replay *r, const struct rdt_audit_record *record)
{
    uint32_t quorum = number(record, "quorum");
    struct rdt_site *site = quorum == 0 ? NULL : edit_site(r);
    if (site != NULL)
        site->quorum = quorum;
    return quorum == 0 ? NOTHING : done_if(site);
}

static enum done domain(struct replay *r, const struct rdt_audit_record *record);

/* ---- tenants ---- */

/* Its handle was given out, so nobody else gets it. */
static enum done
bury_handle(struct replay *r, const struct rdt_audit_record *record)
{
    uint8_t id[4];
    uint32_t handle = number(record, "handle");
    if (handle == 0 || rdt_handle_get(rdt_tx_view(r->tx), handle) != NULL)
        return NOTHING;
    rdt_u32_bytes(handle, id);
    struct rdt_handle *row = rdt_tx_add(r->tx, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
    if (row == NULL)
        return NO_MEMORY;
    row->handle = handle;
    row->dead = 1;
    memcpy(row->key, record->key, sizeof row->key);
    (void)!rdt_uuid_parse(parameter(record, "tenant"), row->tenant);
    rdt_buf_fmt(&r->restore->notes, "handle %u: its tenant was made later and is lost\n", handle);
    return DONE;
}

/* Seeds of a handle; beyond the number of one transaction the clock goes on, as it does always. */
static bool
erase_seeds(struct replay *r, uint32_t handle, int64_t now_ms, size_t *most)
{
    uint8_t prefix[4];
    rdt_u32_bytes(handle, prefix);
    struct rdt_span id = {prefix, sizeof prefix};
    const struct rdt_seed *seed;
    for (;
         *most != 0 && (seed = rdt_view_next(rdt_tx_view(r->tx), RDT_KIND_SEED, id, &id)) != NULL &&
         seed->handle == handle;
         (*most)--) {
        struct rdt_seed *row = rdt_tx_edit(r->tx, RDT_KIND_SEED, id);
        if (row == NULL || !rdt_bytes_set(&row->wrapped, (struct rdt_span){NULL, 0}))
            return false;
        row->destroyed_ms = row->destroyed_ms == 0 ? now_ms : row->destroyed_ms;
    }
    return true;
}

static enum done
destroy_tenant(struct replay *r, const struct rdt_audit_record *record)
{
    const struct rdt_tenant *now =
        rdt_tenant_named(rdt_tx_view(r->tx), parameter(record, "tenant"));
    size_t most = SEEDS_MAX;
    uint32_t handle;
    if (now == NULL || now->state != RDT_TENANT_LIVES)
        return NOTHING;
    for (size_t i = 0; rdt_tenant_ring(now, i, &handle) != NULL; i++) {
        uint8_t id[4];
        rdt_u32_bytes(handle, id);
        struct rdt_handle *row =
            rdt_tx_edit(r->tx, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
        if (row == NULL || !erase_seeds(r, handle, record->time_ms, &most))
            return NO_MEMORY;
        row->dead = 1;
    }
    struct rdt_tenant *tenant =
        rdt_tx_edit(r->tx, RDT_KIND_TENANT, (struct rdt_span){now->id, sizeof now->id});
    if (tenant == NULL || !rdt_tx_remove(r->tx, RDT_KIND_TENANT_NAME, rdt_span_str(tenant->name)))
        return NO_MEMORY;
    tenant->state = RDT_TENANT_DYING;
    tenant->state_ms = record->time_ms;
    return domain(r, record);
}

/* The seed is lost; the next epoch of the ring stands above it. */
static enum done
rotate_tenant(struct replay *r, const struct rdt_audit_record *record)
{
    uint32_t epoch = number(record, "epoch");
    const struct rdt_key *now = rdt_view_key(rdt_tx_view(r->tx), record->key);
    if (now == NULL || epoch == 0)
        return NOTHING;
    rdt_buf_fmt(&r->restore->notes,
                "handle %u: epoch %u was made later and is lost; what it protects cannot be read\n",
                number(record, "handle"), epoch);
    if (now->epoch_seen >= epoch)
        return DONE;
    struct rdt_key *key = edit_key(r, record->key);
    if (key != NULL)
        key->epoch_seen = epoch;
    return done_if(key);
}

/* Who holds a tenant's key stands in the certificate of its destruction. */
static enum done
exported(struct replay *r, const struct rdt_audit_record *record)
{
    RDT_BUF id = {0};
    struct rdt_kek_export export = {.handle = number(record, "handle"),
                                    .epoch = number(record, "epoch")};
    const struct rdt_site *site = rdt_view_site(rdt_tx_view(r->tx));
    if (rdt_seed_get(rdt_tx_view(r->tx), export.handle, export.epoch) == NULL || site == NULL)
        return NOTHING;
    memcpy(export.principal, record->principal, sizeof export.principal);
    rdt_kind_id(RDT_KIND_EXPORT, &export, &id);
    if (!rdt_buf_ok(&id))
        return NO_MEMORY;
    bool there = rdt_view_get(rdt_tx_view(r->tx), RDT_KIND_EXPORT, rdt_buf_span(&id)) != NULL;
    struct rdt_kek_export *row = there ? rdt_tx_edit(r->tx, RDT_KIND_EXPORT, rdt_buf_span(&id))
                                       : rdt_tx_add(r->tx, RDT_KIND_EXPORT, rdt_buf_span(&id));
    if (row == NULL)
        return NO_MEMORY;
    export.first_ms = there ? row->first_ms : record->time_ms;
    *row = export;
    row->last_ms = record->time_ms;
    row->ttl_until_ms = record->time_ms + (int64_t)site->client_ttl_s * 1000 + HOUR_MS;
    return DONE;
}

/* ---- the table ---- */

/* Nothing to be done: it gave something that is lost, or says nothing about the rows. */
static enum done
gone(struct replay *r, const struct rdt_audit_record *record)
{
    (void)r;
    (void)record;
    return NOTHING;
}

/* The backup's own domain keys are back: who had one has it again. */
static enum done
domain(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_site *site = edit_site(r);
    if (site != NULL && site->erased_ms < record->time_ms)
        site->erased_ms = record->time_ms; /* it changes by itself within a day */
    return done_if(site);
}

/* What it withdrew cannot be told from the record: people have to look. */
static enum done
unclear(struct replay *r, const struct rdt_audit_record *record)
{
    rdt_replay_why(r->restore, "%s came later, and the log does not say all of it",
                   record->operation);
    return NOTHING;
}

static const struct {
    const char *operation;
    enum done (*fn)(struct replay *r, const struct rdt_audit_record *record);
} table[] = {
  /* by name */
    {"ApprovalDeny",         gone              }, /* what is open is voided in any case */
    {"ApprovalRecover",      gone              },
    {"ApprovalRequest",      gone              },
    {"ApprovalReview",       gone              },
    {"ApprovalSign",         gone              },
    {"ApproverAdd",          add_approver      },
    {"ApproverRemove",       remove_approver   },
    {"BreakGlassDecrypt",    gone              },
    {"CancelKeyDeletion",    disable           },
    {"CertificateBind",      gone              },
    {"CertificateRevoke",    revoke_certificate},
    {"CreateAlias",          gone              },
    {"CreateKey",            lost_key          },
    {"CredentialCreate",     gone              },
    {"CredentialRevoke",     revoke_credential },
    {"DeleteAlias",          gone              },
    {"DisableKey",           disable           },
    {"DisableKeyRotation",   gone              },
    {"EnableKey",            enable            },
    {"EnableKeyRotation",    gone              },
    {"GetKeyLastUsage",      gone              },
    {"KekExport",            exported          },
    {"KeyGate",              gate              },
    {"KeyRing",              gone              },
    {"KeySuspend",           suspend           },
    {"KeyUnsuspend",         unsuspend         },
    {"PrincipalCreate",      gone              },
    {"PrincipalUpdate",      principal         },
    {"PutKeyPolicy",         key_policy        },
    {"QuorumSet",            set_quorum        },
    {"Restore",              gone              },
    {"RestoreRelease",       gone              },
    {"RotateKeyOnDemand",    rotate            },
    {"ScheduleKeyDeletion",  schedule          },
    {"SystemApprovalExpire", gone              },
    {"SystemApprovalForget", gone              },
    {"SystemDomainRetire",   domain            },
    {"SystemDomainRotate",   domain            },
    {"SystemQuorumRecover",  unclear           }, /* whose place was taken is not in the record */
    {"SystemRewrap",         gone              },
    {"SystemRingMove",       gone              },
    {"SystemRotate",         rotate            },
    {"SystemTenantErase",    gone              },
    {"TagResource",          gone              },
    {"TenantCreate",         bury_handle       },
    {"TenantDestroy",        destroy_tenant    },
    {"TenantRotate",         rotate_tenant     },
    {"Tick",                 gone              },
    {"UntagResource",        gone              },
    {"UpdateAlias",          gone              },
    {"UpdateKeyDescription", gone              },
};

static int
by_operation(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

static size_t
row_of(const char *operation)
{
    const char *name = operation == NULL ? "" : operation;
    const void *row = bsearch(name, table, RDT_COUNT(table), sizeof table[0], by_operation);
    return row == NULL ? RDT_COUNT(table)
                       : (size_t)((const char *)row - (const char *)table) / sizeof table[0];
}

bool
rdt_replay_knows(const char *operation)
{
    return row_of(operation) < RDT_COUNT(table);
}

void
rdt_replay_begin(struct replay *replay)
{
    replay->quorum_before = rdt_approvals_on(rdt_tx_view(replay->tx));
}

enum rdt_code
rdt_replay_record(struct replay *replay, const struct rdt_audit_record *record, struct rdt_err *err)
{
    size_t row = row_of(record->operation);
    replay->restore->records++;
    if (record->fault != NULL)
        return RDT_OK; /* refused; what changed was a request for approval */
    if (row == RDT_COUNT(table)) {
        rdt_replay_why(replay->restore, "the log has '%.40s', which this version cannot do again",
                       record->operation == NULL ? "" : record->operation);
        return RDT_OK;
    }
    enum done done = table[row].fn(replay, record);
    replay->restore->withdrawn += done == DONE;
    return done == NO_MEMORY || !rdt_buf_ok(&replay->keys) || !rdt_buf_ok(&replay->principals)
               ? rdt_fail(err, RDT_E_NOMEM, "do again what the log says")
               : RDT_OK;
}

/* ---- at the end ---- */

static bool
close_keys(struct replay *r)
{
    for (size_t i = 0; i + 16 <= r->keys.n; i += 16) {
        char uuid[RDT_UUID_TEXT];
        struct rdt_key *key = edit_key(r, r->keys.p + i);
        if (key == NULL)
            return false;
        if (key->state == RDT_KEY_ENABLED)
            key->state = RDT_KEY_DISABLED;
        rdt_uuid_text(key->id, uuid);
        rdt_buf_fmt(&r->restore->notes,
                    "key %s: its policy was replaced later; it is disabled: put the policy again\n",
                    uuid);
    }
    return true;
}

static bool
close_principals(struct replay *r)
{
    for (size_t i = 0; i + 16 <= r->principals.n; i += 16) {
        struct rdt_principal *row =
            rdt_tx_edit(r->tx, RDT_KIND_PRINCIPAL, (struct rdt_span){r->principals.p + i, 16});
        if (row == NULL)
            return false;
        row->disabled = 1;
        rdt_buf_fmt(&r->restore->notes,
                    "principal '%s': its policy was replaced later; it is disabled: put the policy "
                    "again\n",
                    row->name);
    }
    return true;
}

/* What was asked for, signed or used before: none of it counts any more. */
static bool
void_approvals(struct replay *r, int64_t now_ms)
{
    struct rdt_span id = {0};
    const struct rdt_approval *row;
    while ((row = rdt_view_next(rdt_tx_view(r->tx), RDT_KIND_APPROVAL, id, &id)) != NULL) {
        if (row->state != RDT_APPROVAL_OPEN)
            continue;
        struct rdt_approval *edit = rdt_tx_edit(r->tx, RDT_KIND_APPROVAL, id);
        if (edit == NULL)
            return false;
        edit->state = RDT_APPROVAL_EXPIRED;
        edit->closed_ms = now_ms;
    }
    return true;
}

enum rdt_code
rdt_replay_end(struct replay *replay, int64_t now_ms, struct rdt_err *err)
{
    bool ok = close_keys(replay) && close_principals(replay) && void_approvals(replay, now_ms);
    struct rdt_site *site = ok ? edit_site(replay) : NULL;
    if (site == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "do again what the log says");
    if (replay->quorum_before && !rdt_approvals_on(rdt_tx_view(replay->tx)))
        rdt_replay_why(replay->restore, "fewer approvers than the quorum are left");
    site->approvers_revision += replay->restore->records + 1;
    if (replay->newest_ms > site->highest_ms)
        site->highest_ms = replay->newest_ms;
    site->restored_ms = now_ms;
    if (replay->restore->why[0] == '\0') {
        site->quarantine_ms = 0;
        return rdt_text_set(&site->quarantine_reason, (struct rdt_span){0})
                   ? RDT_OK
                   : rdt_fail(err, RDT_E_NOMEM, "restore");
    }
    site->quarantine_ms = now_ms;
    return rdt_text_set(&site->quarantine_reason, rdt_span_str(replay->restore->why))
               ? RDT_OK
               : rdt_fail(err, RDT_E_NOMEM, "restore");
}
