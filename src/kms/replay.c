/*
 * What a log says after a backup, done again, record by record. Only what a record says can be
 * done: material that was made later is lost, and a policy that was replaced later is not in the
 * log, so what it was about comes back closed. What is not in the table stops everything.
 */
#include "kms/restore_internal.h"

#include "codec/base64.h"
#include "kms/approval_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

struct rdt_key *
rdt_replay_key(struct replay *r, const uint8_t id[static 16])
{
    return rdt_tx_edit(r->tx, RDT_KIND_KEY, (struct rdt_span){id, 16});
}

static bool
has_key(struct replay *r, const uint8_t id[static 16])
{
    return rdt_view_key(rdt_tx_view(r->tx), id) != NULL;
}

struct rdt_span
rdt_replay_text(const struct rdt_audit_record *record, const char *name)
{
    struct rdt_span value = {0};
    (void)rdt_pairs_find(rdt_bytes_span(&record->parameters), rdt_span_str(name), &value);
    return value;
}

uint32_t
rdt_replay_number(const struct rdt_audit_record *record, const char *name)
{
    struct rdt_span text = rdt_replay_text(record, name);
    uint64_t value = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || value > UINT32_MAX)
            return 0;
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    return value <= UINT32_MAX ? (uint32_t)value : 0;
}

/* ---- keys ---- */

static enum replay_done
key_state(struct replay *r, const struct rdt_audit_record *record, enum rdt_key_state state)
{
    if (!has_key(r, record->key))
        return REPLAY_NOTHING;
    struct rdt_key *key = rdt_replay_key(r, record->key);
    if (key != NULL) {
        key->state = (uint8_t)state;
        key->deletion_ms = key->quiet_s = key->refused_ms = 0;
        key->window_days = key->drain_no = key->gate_drain = 0;
    }
    return rdt_replay_done(key);
}

static enum replay_done
disable(struct replay *r, const struct rdt_audit_record *record)
{
    return key_state(r, record, RDT_KEY_DISABLED);
}

static enum replay_done
enable(struct replay *r, const struct rdt_audit_record *record)
{
    return key_state(r, record, RDT_KEY_ENABLED);
}

/* Its date cannot be kept, since waiting begins anew: it is refused, and to be scheduled again. */
static enum replay_done
schedule(struct replay *r, const struct rdt_audit_record *record)
{
    char uuid[RDT_UUID_TEXT];
    enum replay_done done = key_state(r, record, RDT_KEY_DISABLED);
    rdt_uuid_text(record->key, uuid);
    if (done == REPLAY_DONE)
        rdt_buf_fmt(&r->restore->notes,
                    "key %s: its deletion was scheduled later; it is disabled: schedule it again\n",
                    uuid);
    return done;
}

static enum replay_done
suspended(struct replay *r, const struct rdt_audit_record *record, uint8_t value)
{
    if (!has_key(r, record->key))
        return REPLAY_NOTHING;
    struct rdt_key *key = rdt_replay_key(r, record->key);
    if (key != NULL)
        key->suspended = value;
    return rdt_replay_done(key);
}

static enum replay_done
suspend(struct replay *r, const struct rdt_audit_record *record)
{
    return suspended(r, record, 1);
}

static enum replay_done
unsuspend(struct replay *r, const struct rdt_audit_record *record)
{
    return suspended(r, record, 0);
}

static enum replay_done
gate(struct replay *r, const struct rdt_audit_record *record)
{
    if (!has_key(r, record->key))
        return REPLAY_NOTHING;
    struct rdt_key *key = rdt_replay_key(r, record->key);
    if (key != NULL)
        key->gate = rdt_span_is(rdt_replay_text(record, "gate"), "true");
    return rdt_replay_done(key);
}

static enum replay_done
key_policy(struct replay *r, const struct rdt_audit_record *record)
{
    if (!has_key(r, record->key))
        return REPLAY_NOTHING;
    rdt_buf_add(&r->keys, record->key, 16);
    return REPLAY_DONE;
}

/* The version is lost; what comes next stands above it. */
static enum replay_done
rotate(struct replay *r, const struct rdt_audit_record *record)
{
    char uuid[RDT_UUID_TEXT];
    const struct rdt_key *now = rdt_view_key(rdt_tx_view(r->tx), record->key);
    if (now == NULL)
        return REPLAY_NOTHING;
    uint32_t seen = now->current > now->epoch_seen ? now->current : now->epoch_seen;
    uint32_t version = rdt_replay_number(record, "version");
    struct rdt_key *key = rdt_replay_key(r, record->key);
    if (key == NULL)
        return REPLAY_NO_MEMORY;
    key->epoch_seen = version > seen ? version : seen + 1;
    rdt_uuid_text(record->key, uuid);
    rdt_buf_fmt(&r->restore->notes,
                "key %s: version %u was made later and is lost; what it protects cannot be read\n",
                uuid, key->epoch_seen);
    return REPLAY_DONE;
}

static enum replay_done
lost_key(struct replay *r, const struct rdt_audit_record *record)
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(record->key, uuid);
    rdt_buf_fmt(&r->restore->notes,
                "key %s: made later and lost; what it protects cannot be read\n", uuid);
    return REPLAY_NOTHING;
}

/* ---- principals, credentials, certificates ---- */

static enum replay_done
principal(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_span enabled = rdt_replay_text(record, "enabled");
    const struct rdt_principal *now =
        rdt_principal_named(rdt_tx_view(r->tx), rdt_replay_text(record, "principal"));
    if (now == NULL)
        return REPLAY_NOTHING;
    if (rdt_replay_text(record, "policy").n != 0)
        rdt_buf_add(&r->principals, now->id, sizeof now->id);
    if (enabled.n == 0)
        return REPLAY_DONE;
    struct rdt_principal *row =
        rdt_tx_edit(r->tx, RDT_KIND_PRINCIPAL, (struct rdt_span){now->id, sizeof now->id});
    if (row != NULL)
        row->disabled = !rdt_span_is(enabled, "true");
    return rdt_replay_done(row);
}

static enum replay_done
revoke_credential(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_span id = rdt_replay_text(record, "accessKeyId");
    if (rdt_view_get(rdt_tx_view(r->tx), RDT_KIND_CREDENTIAL, id) == NULL)
        return REPLAY_NOTHING;
    struct rdt_credential *row = rdt_tx_edit(r->tx, RDT_KIND_CREDENTIAL, id);
    if (row != NULL && row->revoked_ms == 0)
        row->revoked_ms = record->time_ms;
    return rdt_replay_done(row);
}

static enum replay_done
revoke_certificate(struct replay *r, const struct rdt_audit_record *record)
{
    uint8_t fingerprint[32];
    struct rdt_span id = {fingerprint, sizeof fingerprint};
    if (!rdt_hex_get(rdt_replay_text(record, "fingerprint"), fingerprint, sizeof fingerprint) ||
        rdt_view_get(rdt_tx_view(r->tx), RDT_KIND_CERT, id) == NULL)
        return REPLAY_NOTHING;
    struct rdt_client_cert *row = rdt_tx_edit(r->tx, RDT_KIND_CERT, id);
    if (row != NULL && row->revoked_ms == 0)
        row->revoked_ms = record->time_ms;
    return rdt_replay_done(row);
}

/* ---- approvers ---- */

struct rdt_site *
rdt_replay_site(struct replay *r)
{
    return rdt_tx_edit(r->tx, RDT_KIND_SITE, rdt_span_str("site"));
}

static enum replay_done
add_approver(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_span name = rdt_replay_text(record, "approver");
    rdt_buf_fmt(&r->restore->notes, "approver '%.*s': added later and lost: add again\n",
                RDT_FMT(name));
    return REPLAY_NOTHING;
}

static enum replay_done
remove_approver(struct replay *r, const struct rdt_audit_record *record)
{
    const struct rdt_approver *row =
        rdt_approver_named(rdt_tx_view(r->tx), rdt_replay_text(record, "approver"));
    if (row == NULL)
        return REPLAY_NOTHING;
    return rdt_tx_remove(r->tx, RDT_KIND_APPROVER, (struct rdt_span){row->id, sizeof row->id})
               ? REPLAY_DONE
               : REPLAY_NO_MEMORY;
}

static enum replay_done
set_quorum(struct replay *r, const struct rdt_audit_record *record)
{
    uint32_t quorum = rdt_replay_number(record, "quorum");
    struct rdt_site *site = quorum == 0 ? NULL : rdt_replay_site(r);
    if (site != NULL)
        site->quorum = quorum;
    return quorum == 0 ? REPLAY_NOTHING : rdt_replay_done(site);
}

/* ---- the table ---- */

/* Nothing to be done: it gave something that is lost, or says nothing about the rows. */
static enum replay_done
gone(struct replay *r, const struct rdt_audit_record *record)
{
    (void)r;
    (void)record;
    return REPLAY_NOTHING;
}

/* What it withdrew cannot be told from the record: people have to look. */
static enum replay_done
unclear(struct replay *r, const struct rdt_audit_record *record)
{
    rdt_replay_why(r->restore, "%s came later, and the log does not say all of it",
                   record->operation);
    return REPLAY_NOTHING;
}

static const struct {
    const char *operation;
    enum replay_done (*fn)(struct replay *r, const struct rdt_audit_record *record);
} table[] = {
  /* by name */
    {"ApprovalDeny",         gone                     }, /* what is open is voided in any case */
    {"ApprovalRecover",      gone                     },
    {"ApprovalRequest",      gone                     },
    {"ApprovalReview",       gone                     },
    {"ApprovalSign",         gone                     },
    {"ApproverAdd",          add_approver             },
    {"ApproverRemove",       remove_approver          },
    {"BreakGlassDecrypt",    gone                     },
    {"CancelKeyDeletion",    disable                  },
    {"CensusNonce",          gone                     },
    {"CensusReport",         rdt_replay_census        },
    {"CensusStatement",      gone                     },
    {"CertificateBind",      gone                     },
    {"CertificateRevoke",    revoke_certificate       },
    {"ClockConfirm",         rdt_replay_clock_confirm },
    {"CreateAlias",          gone                     },
    {"CreateKey",            lost_key                 },
    {"CredentialCreate",     gone                     },
    {"CredentialRevoke",     revoke_credential        },
    {"DeleteAlias",          gone                     },
    {"DisableKey",           disable                  },
    {"DisableKeyRotation",   gone                     },
    {"EnableKey",            enable                   },
    {"EnableKeyRotation",    gone                     },
    {"GetKeyLastUsage",      gone                     },
    {"KekExport",            rdt_replay_export        },
    {"KeyGate",              gate                     },
    {"KeyRing",              gone                     },
    {"KeySuspend",           suspend                  },
    {"KeyUnsuspend",         unsuspend                },
    {"PrincipalCreate",      gone                     },
    {"PrincipalUpdate",      principal                },
    {"PutKeyPolicy",         key_policy               },
    {"QuorumSet",            set_quorum               },
    {"Restore",              gone                     },
    {"RestoreRelease",       gone                     },
    {"RotateKeyOnDemand",    rotate                   },
    {"ScannerEnrol",         gone                     },
    {"ScannerRevoke",        rdt_replay_scanner       },
    {"ScheduleKeyDeletion",  schedule                 },
    {"SealReceipt",          rdt_replay_seal          },
    {"StoreRegister",        rdt_replay_store         },
    {"StoreRemove",          gone                     },
    {"SystemApprovalExpire", gone                     },
    {"SystemApprovalForget", gone                     },
    {"SystemClockBlock",     rdt_replay_clock_block   },
    {"SystemDeathFinal",     gone                     },
    {"SystemDestroy",        rdt_replay_destroy       },
    {"SystemDomainRetire",   rdt_replay_domain        },
    {"SystemDomainRotate",   rdt_replay_domain        },
    {"SystemQuorumRecover",  unclear                  }, /* whose place was taken is not in the record */
    {"SystemRewrap",         gone                     },
    {"SystemRingMove",       gone                     },
    {"SystemRotate",         rotate                   },
    {"SystemTenantErase",    gone                     },
    {"TagResource",          gone                     },
    {"TenantCreate",         rdt_replay_handle        },
    {"TenantDestroy",        rdt_replay_tenant_destroy},
    {"TenantRotate",         rdt_replay_tenant_rotate },
    {"Tick",                 gone                     },
    {"UntagResource",        gone                     },
    {"UpdateAlias",          gone                     },
    {"UpdateKeyDescription", gone                     },
    {"VersionDrain",         gone                     },
    {"VersionKeep",          gone                     },
    {"VersionQuiesce",       gone                     },
    {"WaitingSet",           rdt_replay_waiting       },
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
    enum replay_done done = table[row].fn(replay, record);
    replay->restore->withdrawn += done == REPLAY_DONE;
    return done == REPLAY_NO_MEMORY || !rdt_buf_ok(&replay->keys) ||
                   !rdt_buf_ok(&replay->principals)
               ? rdt_fail(err, RDT_E_NOMEM, "do again what the log says")
               : RDT_OK;
}

/* ---- at the end ---- */

static bool
close_keys(struct replay *r)
{
    for (size_t i = 0; i + 16 <= r->keys.n; i += 16) {
        char uuid[RDT_UUID_TEXT];
        struct rdt_key *key = rdt_replay_key(r, r->keys.p + i);
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
    bool ok = close_keys(replay) && close_principals(replay) && void_approvals(replay, now_ms) &&
              rdt_replay_drains(replay, now_ms);
    struct rdt_site *site = ok ? rdt_replay_site(replay) : NULL;
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
