/*
 * What a log says after a backup about the ends of things: versions, keys, tenants, and what stands
 * in their way.
 */
#include "kms/restore_internal.h"

#include "base/text.h"
#include "codec/base64.h"
#include "kms/life_internal.h"
#include "kms/tenant_internal.h"

#define HOUR_MS ((int64_t)3600000)
#define SEEDS_MAX 8192 /* seeds of one tenant that are erased at once */

/* The backup's own domain keys are back: who had one has it again. */
enum replay_done
rdt_replay_domain(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_site *site = rdt_replay_site(r);
    if (site != NULL && site->erased_ms < record->time_ms)
        site->erased_ms = record->time_ms; /* it changes by itself within a day */
    return rdt_replay_done(site);
}

/* ---- tenants ---- */

/* Its handle was given out, so nobody else gets it. */
enum replay_done
rdt_replay_handle(struct replay *r, const struct rdt_audit_record *record)
{
    uint8_t id[4];
    uint32_t handle = rdt_replay_number(record, "handle");
    if (handle == 0 || rdt_handle_get(rdt_tx_view(r->tx), handle) != NULL)
        return REPLAY_NOTHING;
    rdt_u32_bytes(handle, id);
    struct rdt_handle *row = rdt_tx_add(r->tx, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
    if (row == NULL)
        return REPLAY_NO_MEMORY;
    row->handle = handle;
    row->dead = 1;
    memcpy(row->key, record->key, sizeof row->key);
    (void)!rdt_uuid_parse(rdt_replay_text(record, "tenant"), row->tenant);
    rdt_buf_fmt(&r->restore->notes, "handle %u: its tenant was made later and is lost\n", handle);
    return REPLAY_DONE;
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

enum replay_done
rdt_replay_tenant_destroy(struct replay *r, const struct rdt_audit_record *record)
{
    const struct rdt_tenant *now =
        rdt_tenant_named(rdt_tx_view(r->tx), rdt_replay_text(record, "tenant"));
    size_t most = SEEDS_MAX;
    uint32_t handle;
    if (now == NULL || now->state != RDT_TENANT_LIVES)
        return REPLAY_NOTHING;
    for (size_t i = 0; rdt_tenant_ring(now, i, &handle) != NULL; i++) {
        uint8_t id[4];
        rdt_u32_bytes(handle, id);
        struct rdt_handle *row =
            rdt_tx_edit(r->tx, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
        if (row == NULL || !erase_seeds(r, handle, record->time_ms, &most))
            return REPLAY_NO_MEMORY;
        row->dead = 1;
    }
    struct rdt_tenant *tenant =
        rdt_tx_edit(r->tx, RDT_KIND_TENANT, (struct rdt_span){now->id, sizeof now->id});
    if (tenant == NULL || !rdt_tx_remove(r->tx, RDT_KIND_TENANT_NAME, rdt_span_str(tenant->name)))
        return REPLAY_NO_MEMORY;
    tenant->state = RDT_TENANT_DYING;
    tenant->state_ms = record->time_ms;
    return rdt_replay_domain(r, record);
}

/* The seed is lost; the next epoch of the ring stands above it. */
enum replay_done
rdt_replay_tenant_rotate(struct replay *r, const struct rdt_audit_record *record)
{
    uint32_t epoch = rdt_replay_number(record, "epoch");
    const struct rdt_key *now = rdt_view_key(rdt_tx_view(r->tx), record->key);
    if (now == NULL || epoch == 0)
        return REPLAY_NOTHING;
    rdt_buf_fmt(&r->restore->notes,
                "handle %u: epoch %u was made later and is lost; what it protects cannot be read\n",
                rdt_replay_number(record, "handle"), epoch);
    if (now->epoch_seen >= epoch)
        return REPLAY_DONE;
    struct rdt_key *key = rdt_replay_key(r, record->key);
    if (key != NULL)
        key->epoch_seen = epoch;
    return rdt_replay_done(key);
}

/* Who holds a tenant's key stands in the certificate of its destruction. */
enum replay_done
rdt_replay_export(struct replay *r, const struct rdt_audit_record *record)
{
    RDT_BUF id = {0};
    struct rdt_kek_export export = {.handle = rdt_replay_number(record, "handle"),
                                    .epoch = rdt_replay_number(record, "epoch")};
    const struct rdt_site *site = rdt_view_site(rdt_tx_view(r->tx));
    if (rdt_seed_get(rdt_tx_view(r->tx), export.handle, export.epoch) == NULL || site == NULL)
        return REPLAY_NOTHING;
    memcpy(export.principal, record->principal, sizeof export.principal);
    rdt_kind_id(RDT_KIND_EXPORT, &export, &id);
    if (!rdt_buf_ok(&id))
        return REPLAY_NO_MEMORY;
    bool there = rdt_view_get(rdt_tx_view(r->tx), RDT_KIND_EXPORT, rdt_buf_span(&id)) != NULL;
    struct rdt_kek_export *row = there ? rdt_tx_edit(r->tx, RDT_KIND_EXPORT, rdt_buf_span(&id))
                                       : rdt_tx_add(r->tx, RDT_KIND_EXPORT, rdt_buf_span(&id));
    if (row == NULL)
        return REPLAY_NO_MEMORY;
    export.first_ms = there ? row->first_ms : record->time_ms;
    *row = export;
    row->last_ms = record->time_ms;
    row->ttl_until_ms = record->time_ms + (int64_t)site->client_ttl_s * 1000 + HOUR_MS;
    return REPLAY_DONE;
}

/* ---- versions and keys ---- */

static bool
erase(struct replay *r, const struct rdt_version *version, int64_t time_ms)
{
    uint8_t id[20];
    rdt_version_id(version->key, version->number, id);
    struct rdt_version *row =
        rdt_tx_edit(r->tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
    if (row == NULL || !rdt_bytes_set(&row->wrapped, (struct rdt_span){0}))
        return false;
    row->state = RDT_VERSION_DESTROYED;
    row->state_ms = time_ms;
    return true;
}

static bool
erase_key(struct replay *r, const uint8_t key[static 16], int64_t time_ms)
{
    struct rdt_view view = rdt_tx_view(r->tx);
    const struct rdt_version *version;
    for (uint32_t number = 0; (version = rdt_view_version_after(view, key, number)) != NULL;) {
        number = version->number;
        if (!erase(r, version, time_ms))
            return false;
    }
    if (!rdt_alias_drop_all(r->tx, key))
        return false;
    return rdt_view_key(view, key) == NULL ||
           rdt_tx_remove(r->tx, RDT_KIND_KEY, (struct rdt_span){key, 16});
}

/* Of a version, or of the whole key where none is named. The certificate was given out then. */
enum replay_done
rdt_replay_destroy(struct replay *r, const struct rdt_audit_record *record)
{
    uint32_t number = rdt_replay_number(record, "version");
    const struct rdt_version *version = rdt_view_version(rdt_tx_view(r->tx), record->key, number);
    char uuid[RDT_UUID_TEXT];
    bool whole = rdt_replay_text(record, "version").n == 0;
    if (!whole && version == NULL)
        return REPLAY_NOTHING; /* made later: lost anyway */
    if (whole ? !erase_key(r, record->key, record->time_ms) : !erase(r, version, record->time_ms))
        return REPLAY_NO_MEMORY;
    rdt_uuid_text(record->key, uuid);
    rdt_buf_fmt(&r->restore->notes,
                "key %s: destroyed later, and again now; its certificate is only where it was "
                "kept\n",
                uuid);
    return rdt_replay_domain(r, record);
}

/*
 * Whatever was found drained may have been used since, by stores that nobody knows of any more: all
 * of it is looked at anew, and waits anew.
 */
bool
rdt_replay_drains(struct replay *r, int64_t now_ms)
{
    struct rdt_view view = rdt_tx_view(r->tx);
    struct rdt_span id = {0};
    const struct rdt_version *version;
    const struct rdt_key *key;
    while ((version = rdt_view_next(view, RDT_KIND_VERSION, id, &id)) != NULL) {
        bool under_way = version->state == RDT_VERSION_DRAINING ||
                         version->state == RDT_VERSION_DRAINED ||
                         version->state == RDT_VERSION_QUIESCED;
        if (under_way && !rdt_drain_begin(r->tx, version, now_ms))
            return false;
    }
    id = (struct rdt_span){0};
    while ((key = rdt_view_next(view, RDT_KIND_KEY, id, &id)) != NULL)
        if (key->state == RDT_KEY_PENDING_DELETION && !rdt_drain_restart(r->tx, key->id))
            return false;
    return rdt_drain_floor(r->tx);
}

/* ---- stores, scanners, what they saw ---- */

enum replay_done
rdt_replay_store(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_span name = rdt_replay_text(record, "store");
    if (name.n == 0 || rdt_view_key(rdt_tx_view(r->tx), record->key) == NULL)
        return REPLAY_NOTHING;
    return rdt_store_register(r->tx, name, rdt_span_str("files"), record->key, record->time_ms)
               ? REPLAY_DONE
               : REPLAY_NO_MEMORY;
}

enum replay_done
rdt_replay_scanner(struct replay *r, const struct rdt_audit_record *record)
{
    const struct rdt_scanner *now =
        rdt_scanner_named(rdt_tx_view(r->tx), rdt_replay_text(record, "scanner"));
    if (now == NULL)
        return REPLAY_NOTHING;
    struct rdt_scanner *row =
        rdt_tx_edit(r->tx, RDT_KIND_SCANNER, (struct rdt_span){now->id, sizeof now->id});
    if (row != NULL)
        row->revoked = 1;
    return rdt_replay_done(row);
}

/* The ring goes on above what a census saw. */
enum replay_done
rdt_replay_census(struct replay *r, const struct rdt_audit_record *record)
{
    uint32_t highest = rdt_replay_number(record, "highest");
    const struct rdt_key *now = rdt_view_key(rdt_tx_view(r->tx), record->key);
    if (now == NULL || highest <= now->epoch_seen)
        return REPLAY_NOTHING;
    struct rdt_key *key = rdt_replay_key(r, record->key);
    if (key != NULL)
        key->epoch_seen = highest;
    return rdt_replay_done(key);
}

enum replay_done
rdt_replay_seal(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_span file = rdt_replay_text(record, "file");
    rdt_buf_fmt(&r->restore->notes,
                "sealed file '%.*s': its receipt came later and is lost: give it again before "
                "anything is destroyed\n",
                RDT_FMT(file));
    return REPLAY_NOTHING;
}

/* ---- the clock ---- */

enum replay_done
rdt_replay_clock_block(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_site *site = rdt_replay_site(r);
    (void)record;
    if (site == NULL || !rdt_text_set(&site->clock_reason, rdt_span_str("before the restore")))
        return REPLAY_NO_MEMORY;
    site->clock_blocked = 1;
    return REPLAY_DONE;
}

enum replay_done
rdt_replay_clock_confirm(struct replay *r, const struct rdt_audit_record *record)
{
    struct rdt_site *site = rdt_replay_site(r);
    (void)record;
    if (site != NULL)
        site->clock_blocked = 0;
    return rdt_replay_done(site);
}

/* Shorter ones, too: the quorum had its say. */
enum replay_done
rdt_replay_waiting(struct replay *r, const struct rdt_audit_record *record)
{
    uint32_t waiting = rdt_replay_number(record, "WaitingDays");
    uint32_t backups = rdt_replay_number(record, "BackupDays");
    struct rdt_site *site = rdt_replay_site(r);
    if (site != NULL && waiting != 0)
        site->waiting_days = waiting;
    if (site != NULL && backups != 0)
        site->backup_days = backups;
    return rdt_replay_done(site);
}
