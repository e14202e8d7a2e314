/*
 * fields.c - the table of fields of each kind of row, and which of them make its id. A number
 * stands for its field for ever: a new field gets a new one, that of a dropped field stays unused.
 */
#include "kms/model.h"

#define ID_FIELDS 3

static const struct rdt_record_member site_members[] = {
    RDT_M(1, RDT_M_B16, rdt_site, deployment),
    RDT_M(2, RDT_M_TEXT, rdt_site, account),
    RDT_M(3, RDT_M_TEXT, rdt_site, region),
    RDT_M(4, RDT_M_I64, rdt_site, created_ms),
    RDT_M(5, RDT_M_U8, rdt_site, development),
    RDT_M(6, RDT_M_U32, rdt_site, quorum),
    RDT_M(7, RDT_M_U64, rdt_site, approvers_revision),
    RDT_M(8, RDT_M_U32, rdt_site, waiting_days),
    RDT_M(9, RDT_M_U32, rdt_site, domain),
    RDT_M(10, RDT_M_U32, rdt_site, client_ttl_s),
    RDT_M(11, RDT_M_I64, rdt_site, highest_ms),
    RDT_M(12, RDT_M_U8, rdt_site, clock_blocked),
    RDT_M(13, RDT_M_TEXT, rdt_site, clock_reason),
    RDT_M(14, RDT_M_I64, rdt_site, erased_ms),
    RDT_M(20, RDT_M_I64, rdt_site, credited_s),
    RDT_M(21, RDT_M_U32, rdt_site, backup_days),
    RDT_M(22, RDT_M_I64, rdt_site, quiet_floor_s),
    RDT_M(40, RDT_M_I64, rdt_site, quarantine_ms),
    RDT_M(41, RDT_M_TEXT, rdt_site, quarantine_reason),
    RDT_M(42, RDT_M_I64, rdt_site, restored_ms),
};

static const struct rdt_record_member key_members[] = {
    RDT_M(1, RDT_M_B16, rdt_key, id),
    RDT_M(2, RDT_M_U8, rdt_key, state),
    RDT_M(3, RDT_M_U8, rdt_key, spec),
    RDT_M(4, RDT_M_U8, rdt_key, usage),
    RDT_M(5, RDT_M_U8, rdt_key, origin),
    RDT_M(6, RDT_M_U8, rdt_key, suspended),
    RDT_M(7, RDT_M_I64, rdt_key, created_ms),
    RDT_M(8, RDT_M_TEXT, rdt_key, description),
    RDT_M(9, RDT_M_TEXT, rdt_key, policy),
    RDT_M(10, RDT_M_BYTES, rdt_key, tags),
    RDT_M(11, RDT_M_U32, rdt_key, current),
    RDT_M(12, RDT_M_U32, rdt_key, rotation_days),
    RDT_M(13, RDT_M_I64, rdt_key, next_rotation_ms),
    RDT_M(14, RDT_M_U32, rdt_key, on_demand),
    RDT_M(15, RDT_M_I64, rdt_key, on_demand_ms),
    RDT_M(16, RDT_M_U32, rdt_key, window_days),
    RDT_M(17, RDT_M_I64, rdt_key, deletion_ms),
    RDT_M(18, RDT_M_TEXT, rdt_key, plan_key),
    RDT_M(19, RDT_M_U8, rdt_key, tenants),
    RDT_M(20, RDT_M_U32, rdt_key, epoch_seen),
    RDT_M(21, RDT_M_U32, rdt_key, window_min_days),
    RDT_M(22, RDT_M_U8, rdt_key, gate),
    RDT_M(30, RDT_M_U32, rdt_key, drains),
    RDT_M(31, RDT_M_U32, rdt_key, drain_no),
    RDT_M(32, RDT_M_I64, rdt_key, quiet_s),
    RDT_M(33, RDT_M_I64, rdt_key, refused_ms),
    RDT_M(34, RDT_M_B16, rdt_key, statement),
    RDT_M(35, RDT_M_U32, rdt_key, gate_drain),
    RDT_M(36, RDT_M_B16, rdt_key, gate_approval),
    RDT_M(37, RDT_M_U32, rdt_key, statement_drain),
    RDT_M(38, RDT_M_I64, rdt_key, drain_s),
};

static const struct rdt_record_member version_members[] = {
    RDT_M(1, RDT_M_B16, rdt_version, key),         RDT_M(2, RDT_M_U32, rdt_version, number),
    RDT_M(3, RDT_M_U8, rdt_version, state),        RDT_M(4, RDT_M_U8, rdt_version, rotation),
    RDT_M(5, RDT_M_B32, rdt_version, material_id), RDT_M(6, RDT_M_BYTES, rdt_version, wrapped),
    RDT_M(7, RDT_M_U32, rdt_version, domain),      RDT_M(8, RDT_M_I64, rdt_version, created_ms),
    RDT_M(9, RDT_M_I64, rdt_version, state_ms),    RDT_M(11, RDT_M_I64, rdt_version, refused_ms),
    RDT_M(20, RDT_M_U32, rdt_version, drain_no),   RDT_M(21, RDT_M_I64, rdt_version, quiet_s),
};

static const struct rdt_record_member alias_members[] = {
    RDT_M(1, RDT_M_TEXT, rdt_alias, name),
    RDT_M(2, RDT_M_B16, rdt_alias, key),
    RDT_M(3, RDT_M_I64, rdt_alias, created_ms),
    RDT_M(4, RDT_M_I64, rdt_alias, updated_ms),
};

static const struct rdt_record_member principal_members[] = {
    RDT_M(1, RDT_M_B16, rdt_principal, id),
    RDT_M(2, RDT_M_TEXT, rdt_principal, name),
    RDT_M(3, RDT_M_TEXT, rdt_principal, person),
    RDT_M(4, RDT_M_TEXT, rdt_principal, policy),
    RDT_M(5, RDT_M_U8, rdt_principal, disabled),
    RDT_M(6, RDT_M_I64, rdt_principal, created_ms),
    RDT_M(7, RDT_M_TEXT, rdt_principal, plan_service),
};

static const struct rdt_record_member credential_members[] = {
    RDT_M(1, RDT_M_TEXT, rdt_credential, key_id),
    RDT_M(2, RDT_M_B16, rdt_credential, principal),
    RDT_M(3, RDT_M_BYTES, rdt_credential, wrapped),
    RDT_M(4, RDT_M_U32, rdt_credential, domain),
    RDT_M(5, RDT_M_I64, rdt_credential, created_ms),
    RDT_M(6, RDT_M_I64, rdt_credential, expires_ms),
    RDT_M(7, RDT_M_I64, rdt_credential, revoked_ms),
};

static const struct rdt_record_member client_cert_members[] = {
    RDT_M(1, RDT_M_B32, rdt_client_cert, fingerprint),
    RDT_M(2, RDT_M_B16, rdt_client_cert, principal),
    RDT_M(3, RDT_M_I64, rdt_client_cert, created_ms),
    RDT_M(4, RDT_M_I64, rdt_client_cert, revoked_ms),
};

static const struct rdt_record_member approver_members[] = {
    RDT_M(1, RDT_M_B16, rdt_approver, id),       RDT_M(2, RDT_M_TEXT, rdt_approver, name),
    RDT_M(3, RDT_M_TEXT, rdt_approver, person),  RDT_M(4, RDT_M_BYTES, rdt_approver, public_key),
    RDT_M(5, RDT_M_I64, rdt_approver, added_ms),
};

static const struct rdt_record_member approval_members[] = {
    RDT_M(1, RDT_M_B16, rdt_approval, id),
    RDT_M(2, RDT_M_TEXT, rdt_approval, operation),
    RDT_M(3, RDT_M_BYTES, rdt_approval, parameters),
    RDT_M(4, RDT_M_BYTES, rdt_approval, to_sign),
    RDT_M(5, RDT_M_B16, rdt_approval, requester),
    RDT_M(6, RDT_M_TEXT, rdt_approval, requester_person),
    RDT_M(7, RDT_M_TEXT, rdt_approval, reason),
    RDT_M(8, RDT_M_I64, rdt_approval, created_ms),
    RDT_M(9, RDT_M_I64, rdt_approval, expires_ms),
    RDT_M(10, RDT_M_U8, rdt_approval, state),
    RDT_M(11, RDT_M_U64, rdt_approval, rows_revision),
    RDT_M(12, RDT_M_U64, rdt_approval, approvers_revision),
    RDT_M(13, RDT_M_B32, rdt_approval, census_root),
    RDT_M(14, RDT_M_BYTES, rdt_approval, signatures),
    RDT_M(15, RDT_M_I64, rdt_approval, closed_ms),
    RDT_M(16, RDT_M_I64, rdt_approval, credited_s),
    RDT_M(17, RDT_M_BYTES, rdt_approval, closing),
};

static const struct rdt_record_member tenant_members[] = {
    RDT_M(1, RDT_M_B16, rdt_tenant, id),       RDT_M(2, RDT_M_TEXT, rdt_tenant, name),
    RDT_M(3, RDT_M_U8, rdt_tenant, state),     RDT_M(4, RDT_M_I64, rdt_tenant, created_ms),
    RDT_M(5, RDT_M_I64, rdt_tenant, state_ms), RDT_M(6, RDT_M_BYTES, rdt_tenant, rings),
};

static const struct rdt_record_member tenant_name_members[] = {
    RDT_M(1, RDT_M_TEXT, rdt_tenant_name, name),
    RDT_M(2, RDT_M_B16, rdt_tenant_name, tenant),
};

static const struct rdt_record_member handle_members[] = {
    RDT_M(1, RDT_M_U32, rdt_handle, handle),     RDT_M(2, RDT_M_B16, rdt_handle, key),
    RDT_M(3, RDT_M_B16, rdt_handle, tenant),     RDT_M(4, RDT_M_U32, rdt_handle, epoch),
    RDT_M(5, RDT_M_I64, rdt_handle, rotated_ms), RDT_M(6, RDT_M_U8, rdt_handle, dead),
};

static const struct rdt_record_member seed_members[] = {
    RDT_M(1, RDT_M_U32, rdt_seed, handle),     RDT_M(2, RDT_M_U32, rdt_seed, epoch),
    RDT_M(3, RDT_M_BYTES, rdt_seed, wrapped),  RDT_M(4, RDT_M_U32, rdt_seed, domain),
    RDT_M(5, RDT_M_I64, rdt_seed, created_ms), RDT_M(6, RDT_M_I64, rdt_seed, destroyed_ms),
    RDT_M(7, RDT_M_U32, rdt_seed, version),
};

static const struct rdt_record_member store_reg_members[] = {
    RDT_M(1, RDT_M_TEXT, rdt_store_reg, name),   RDT_M(2, RDT_M_TEXT, rdt_store_reg, kind),
    RDT_M(3, RDT_M_BYTES, rdt_store_reg, keys),  RDT_M(4, RDT_M_I64, rdt_store_reg, added_ms),
    RDT_M(5, RDT_M_U8, rdt_store_reg, declared),
};

static const struct rdt_record_member scanner_members[] = {
    RDT_M(1, RDT_M_B16, rdt_scanner, id),           RDT_M(2, RDT_M_TEXT, rdt_scanner, name),
    RDT_M(3, RDT_M_BYTES, rdt_scanner, public_key), RDT_M(4, RDT_M_BYTES, rdt_scanner, stores),
    RDT_M(5, RDT_M_I64, rdt_scanner, added_ms),     RDT_M(6, RDT_M_U8, rdt_scanner, revoked),
    RDT_M(7, RDT_M_B16, rdt_scanner, approval),
};

static const struct rdt_record_member census_nonce_members[] = {
    RDT_M(1, RDT_M_B16, rdt_census_nonce, nonce),
    RDT_M(2, RDT_M_B16, rdt_census_nonce, key),
    RDT_M(3, RDT_M_U32, rdt_census_nonce, version),
    RDT_M(4, RDT_M_TEXT, rdt_census_nonce, store),
    RDT_M(5, RDT_M_I64, rdt_census_nonce, issued_ms),
    RDT_M(6, RDT_M_U32, rdt_census_nonce, drain_no),
};

static const struct rdt_record_member census_report_members[] = {
    RDT_M(1, RDT_M_TEXT, rdt_census_report, store),
    RDT_M(2, RDT_M_B16, rdt_census_report, key),
    RDT_M(3, RDT_M_B16, rdt_census_report, nonce),
    RDT_M(4, RDT_M_B16, rdt_census_report, scanner),
    RDT_M(5, RDT_M_I64, rdt_census_report, received_ms),
    RDT_M(6, RDT_M_U64, rdt_census_report, looked_at),
    RDT_M(7, RDT_M_U64, rdt_census_report, total),
    RDT_M(8, RDT_M_BYTES, rdt_census_report, counts),
    RDT_M(9, RDT_M_BYTES, rdt_census_report, signed_bytes),
    RDT_M(10, RDT_M_BYTES, rdt_census_report, signature),
    RDT_M(11, RDT_M_U32, rdt_census_report, drain_no),
    RDT_M(12, RDT_M_I64, rdt_census_report, made_ms),
    RDT_M(13, RDT_M_U32, rdt_census_report, highest),
    RDT_M(14, RDT_M_U64, rdt_census_report, asked),
};

static const struct rdt_record_member hold_members[] = {
    RDT_M(1, RDT_M_B16, rdt_hold, file),       RDT_M(2, RDT_M_TEXT, rdt_hold, name),
    RDT_M(3, RDT_M_I64, rdt_hold, created_ms), RDT_M(4, RDT_M_I64, rdt_hold, until_ms),
    RDT_M(5, RDT_M_BYTES, rdt_hold, versions), RDT_M(6, RDT_M_I64, rdt_hold, received_ms),
    RDT_M(7, RDT_M_I64, rdt_hold, received_s),
};

static const struct rdt_record_member kek_export_members[] = {
    RDT_M(1, RDT_M_U32, rdt_kek_export, handle),
    RDT_M(2, RDT_M_U32, rdt_kek_export, epoch),
    RDT_M(3, RDT_M_B16, rdt_kek_export, principal),
    RDT_M(4, RDT_M_I64, rdt_kek_export, first_ms),
    RDT_M(5, RDT_M_I64, rdt_kek_export, last_ms),
    RDT_M(6, RDT_M_I64, rdt_kek_export, ttl_until_ms),
};

static const struct rdt_record_member usage_members[] = {
    RDT_M(1, RDT_M_B16, rdt_usage, key),
    RDT_M(2, RDT_M_U32, rdt_usage, version),
    RDT_M(3, RDT_M_U64, rdt_usage, wraps),
    RDT_M(4, RDT_M_U64, rdt_usage, unwraps),
    RDT_M(5, RDT_M_I64, rdt_usage, last_ms),
    RDT_M(6, RDT_M_B16, rdt_usage, last_request),
    RDT_M(7, RDT_M_TEXT, rdt_usage, last_operation),
    RDT_M(8, RDT_M_I64, rdt_usage, tracking_ms),
};

static const struct rdt_record_member seen_members[] = {
    RDT_M(1, RDT_M_B32, rdt_seen, signature),
    RDT_M(2, RDT_M_I64, rdt_seen, until_ms),
};

static const struct rdt_record_member death_members[] = {
    RDT_M(1, RDT_M_B16, rdt_death, key),           RDT_M(2, RDT_M_U32, rdt_death, version),
    RDT_M(3, RDT_M_BYTES, rdt_death, certificate), RDT_M(4, RDT_M_I64, rdt_death, erased_ms),
    RDT_M(5, RDT_M_I64, rdt_death, backups_ms),    RDT_M(6, RDT_M_I64, rdt_death, erased_s),
    RDT_M(7, RDT_M_U8, rdt_death, final),
};

static const struct rdt_record_member domain_members[] = {
    RDT_M(1, RDT_M_U32, rdt_domain, number),
    RDT_M(2, RDT_M_I64, rdt_domain, created_ms),
    RDT_M(3, RDT_M_U8, rdt_domain, retired),
};

static const struct rdt_record_member grant_members[] = {
    RDT_M(1, RDT_M_B16, rdt_grant, id),
};

static const struct rdt_record_member key_alias_members[] = {
    RDT_M(1, RDT_M_B16, rdt_key_alias, key),
    RDT_M(2, RDT_M_TEXT, rdt_key_alias, name),
};

struct kind {
    struct rdt_record record;
    uint8_t id[ID_FIELDS]; /* numbers of the fields of its id; none: the name of the kind */
};

#define KIND(word, table, ...)                                                                     \
    {                                                                                              \
        {word, sizeof(struct rdt_##table), table##_members, RDT_COUNT(table##_members)},           \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct kind kinds[RDT_KIND_END] = {
    [RDT_KIND_SITE] = KIND("site", site, 0),
    [RDT_KIND_KEY] = KIND("key", key, 1),
    [RDT_KIND_VERSION] = KIND("version", version, 1, 2),
    [RDT_KIND_ALIAS] = KIND("alias", alias, 1),
    [RDT_KIND_PRINCIPAL] = KIND("principal", principal, 1),
    [RDT_KIND_CREDENTIAL] = KIND("credential", credential, 1),
    [RDT_KIND_CERT] = KIND("certificate", client_cert, 1),
    [RDT_KIND_APPROVER] = KIND("approver", approver, 1),
    [RDT_KIND_APPROVAL] = KIND("approval", approval, 1),
    [RDT_KIND_TENANT] = KIND("tenant", tenant, 1),
    [RDT_KIND_HANDLE] = KIND("handle", handle, 1),
    [RDT_KIND_SEED] = KIND("seed", seed, 1, 2),
    [RDT_KIND_STORE] = KIND("store", store_reg, 1),
    [RDT_KIND_SCANNER] = KIND("scanner", scanner, 1),
    [RDT_KIND_NONCE] = KIND("nonce", census_nonce, 1),
    [RDT_KIND_REPORT] = KIND("report", census_report, 1, 2),
    [RDT_KIND_HOLD] = KIND("hold", hold, 1),
    [RDT_KIND_EXPORT] = KIND("export", kek_export, 1, 2, 3),
    [RDT_KIND_USAGE] = KIND("usage", usage, 1, 2),
    [RDT_KIND_SEEN] = KIND("seen", seen, 1),
    [RDT_KIND_DEATH] = KIND("death", death, 1, 2),
    [RDT_KIND_DOMAIN] = KIND("domain", domain, 1),
    [RDT_KIND_GRANT] = KIND("grant", grant, 1),
    [RDT_KIND_KEY_ALIAS] = KIND("key_alias", key_alias, 1, 2),
    [RDT_KIND_TENANT_NAME] = KIND("tenant_name", tenant_name, 1),
};

const struct rdt_record *
rdt_kind_record(enum rdt_kind kind)
{
    return (size_t)kind < RDT_KIND_END && kinds[kind].record.size != 0 ? &kinds[kind].record : NULL;
}

/* Of fixed length by its type; a text that is not the last is ended by a NUL, which none holds. */
static void
put_id_field(const struct rdt_record_member *m, const void *object, bool last, struct rdt_buf *out)
{
    const void *at = (const uint8_t *)object + m->at;
    if (m->type == RDT_M_U32) {
        rdt_buf_uint(out, *(const uint32_t *)at, 4);
    } else if (m->type == RDT_M_TEXT) {
        const char *text = *(char *const *)at;
        rdt_buf_str(out, text == NULL ? "" : text);
        if (!last)
            rdt_buf_add(out, "", 1);
    } else {
        rdt_buf_add(out, at, m->type == RDT_M_B16 ? 16 : 32);
    }
}

void
rdt_kind_id(enum rdt_kind kind, const void *object, struct rdt_buf *out)
{
    const struct kind *k = &kinds[kind];
    if (k->id[0] == 0)
        rdt_buf_str(out, k->record.name);
    for (size_t i = 0; i < ID_FIELDS && k->id[i] != 0; i++) {
        bool last = i + 1 == ID_FIELDS || k->id[i + 1] == 0;
        put_id_field(&k->record.members[k->id[i] - 1], object, last, out);
    }
}
