/*
 * What a certificate says. Lists that could be long are cut at LIST_MAX items and say how many
 * there are; the census root commits to all stores.
 */
#include "kms/death_internal.h"

#include "base/clock.h"
#include "codec/base64.h"
#include "kms/approval_internal.h"
#include "kms/tenant_internal.h"

#define LIST_MAX 500
#define HOLDERS_MOST 2048 /* principals: half a certificate at the most */
#define BEGIN "{\"format\":\"redoubt destruction certificate 1\","
#define ERASED BEGIN "\"state\":\"erased\","

static void
put_stamp(struct rdt_buf *out, const char *name, int64_t ms)
{
    char text[RDT_STAMP_TEXT];
    rdt_stamp_text(ms / 1000, text);
    rdt_jout_str(out, name, text);
}

static void
put_hash(struct rdt_buf *out, const char *name, struct rdt_span bytes)
{
    uint8_t hash[RDT_SHA256_LEN];
    if (rdt_sha256(bytes, hash, NULL) == RDT_OK)
        rdt_jout_hex(out, name, (struct rdt_span){hash, sizeof hash});
    else
        out->failed = true;
}

static void
put_versions(const struct gate *gate, struct rdt_buf *out)
{
    const struct rdt_version *version;
    int64_t n = 0;
    rdt_jout_open(out, "versions", '[');
    for (uint32_t number = 0;
         (version = rdt_view_version_after(gate->view, gate->key->id, number)) != NULL;) {
        number = version->number;
        bool dies = gate->version == NULL ? version->state != RDT_VERSION_DESTROYED
                                          : number == gate->version->number;
        if (!dies || n++ >= LIST_MAX)
            continue;
        rdt_jout_open(out, NULL, '{');
        rdt_jout_int(out, "version", number);
        rdt_jout_hex(out, "materialId", (struct rdt_span){version->material_id, 32});
        put_stamp(out, "created", version->created_ms);
        rdt_jout_int(out, "domainKey", version->domain);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
    rdt_jout_int(out, "versionsInAll", n);
}

/* ---- the census ---- */

static void
put_report(const struct gate *gate, const struct rdt_census_report *report, struct rdt_buf *out)
{
    const struct rdt_scanner *scanner =
        rdt_view_get(gate->view, RDT_KIND_SCANNER, (struct rdt_span){report->scanner, 16});
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "store", report->store);
    rdt_jout_str(out, "scanner", scanner == NULL ? NULL : scanner->name);
    if (scanner != NULL)
        rdt_jout_hex(out, "scannerKey", rdt_bytes_span(&scanner->public_key));
    put_stamp(out, "made", report->made_ms);
    put_stamp(out, "received", report->received_ms);
    rdt_jout_int(out, "lookedAt", rdt_count_int(report->looked_at));
    rdt_jout_int(out, "total", rdt_count_int(report->total));
    rdt_jout_hex(out, "nonce", (struct rdt_span){report->nonce, 16});
    put_hash(out, "report", rdt_bytes_span(&report->signed_bytes));
    rdt_jout_hex(out, "signature", rdt_bytes_span(&report->signature));
    rdt_jout_close(out, '}');
}

static void
put_census(const struct gate *gate, struct rdt_buf *out)
{
    const struct rdt_store_reg *store = NULL;
    uint8_t root[32];
    int64_t n = 0;
    rdt_jout_open(out, "census", '{');
    if (rdt_census_root(gate, root))
        rdt_jout_hex(out, "root", (struct rdt_span){root, sizeof root});
    else
        out->failed = true;
    rdt_jout_int(out, "drain",
                 gate->version == NULL ? gate->key->drain_no : gate->version->drain_no);
    if (rdt_gate_stated(gate))
        rdt_jout_uuid(out, "statementNoStores", gate->key->statement);
    rdt_jout_open(out, "reports", '[');
    while ((store = rdt_store_after(gate->view, gate->key->id,
                                    store == NULL ? NULL : store->name)) != NULL) {
        const struct rdt_census_report *report =
            rdt_report_of(gate->view, rdt_span_str(store->name), gate->key->id);
        if (report != NULL && n++ < LIST_MAX)
            put_report(gate, report, out);
    }
    rdt_jout_close(out, ']');
    rdt_jout_int(out, "stores", n);
    rdt_jout_close(out, '}');
}

/* ---- who approved ---- */

static void
put_signers(struct rdt_call *call, const struct rdt_approval *row, struct rdt_buf *out)
{
    struct rdt_span in = rdt_bytes_span(&row->signatures);
    rdt_jout_open(out, "approvers", '[');
    for (; in.n >= APPROVAL_SIGNED; in.p += APPROVAL_SIGNED, in.n -= APPROVAL_SIGNED) {
        const struct rdt_approver *approver =
            rdt_view_get(call->view, RDT_KIND_APPROVER, (struct rdt_span){in.p, 16});
        if (approver == NULL)
            continue; /* removed since: it was not counted */
        rdt_jout_open(out, NULL, '{');
        rdt_jout_str(out, "approver", approver->name);
        rdt_jout_hex(out, "key", rdt_bytes_span(&approver->public_key));
        rdt_jout_hex(out, "signature", (struct rdt_span){in.p + 16, RDT_SIGNATURE_LEN});
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
}

static void
put_approval(struct rdt_call *call, struct rdt_buf *out)
{
    RDT_BUF bytes = {0};
    const struct rdt_approval *row =
        rdt_view_get(call->view, RDT_KIND_APPROVAL, (struct rdt_span){call->note.approval, 16});
    rdt_jout_open(out, "approval", '{');
    rdt_jout_uuid(out, "request", call->note.approval);
    if (row != NULL) { /* one that was taken when the deletion was scheduled may be gone by now */
        rdt_jout_str(out, "operation", row->operation);
        rdt_approval_bytes_of(call->kms, row, RDT_APPROVAL_APPROVE, &bytes);
        out->failed = out->failed || !rdt_buf_ok(&bytes);
        rdt_jout_blob(out, "signed", rdt_buf_span(&bytes));
        put_signers(call, row, out);
    }
    rdt_jout_close(out, '}');
}

/* ---- what held it, who has copies ---- */

static void
put_holds(const struct gate *gate, struct rdt_buf *out)
{
    struct rdt_span id = {0};
    const struct rdt_hold *hold;
    int64_t n = 0;
    rdt_jout_open(out, "holdsPassed", '[');
    while ((hold = rdt_view_next(gate->view, RDT_KIND_HOLD, id, &id)) != NULL) {
        if (!rdt_gate_held_by(gate, hold) || n++ >= LIST_MAX)
            continue;
        rdt_jout_open(out, NULL, '{');
        rdt_jout_uuid(out, "file", hold->file);
        rdt_jout_str(out, "name", hold->name);
        put_stamp(out, "until", hold->until_ms);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
    rdt_jout_int(out, "holds", n);
}

static bool
is_export_of(const struct gate *gate, const struct rdt_kek_export *export)
{
    const struct rdt_handle *handle = rdt_handle_get(gate->view, export->handle);
    if (handle == NULL ||
        !rdt_span_eq((struct rdt_span){handle->key, 16}, (struct rdt_span){gate->key->id, 16}))
        return false;
    const struct rdt_seed *seed = rdt_seed_get(gate->view, export->handle, export->epoch);
    return gate->version == NULL || seed == NULL || seed->version == gate->version->number;
}

/* Somebody who was given a tenant's key, and until when it may be held. */
struct holder {
    uint8_t principal[16];
    int64_t until_ms;
};

static int
by_principal(const void *a, const void *b)
{
    const struct holder *x = a, *y = b;
    return rdt_span_cmp((struct rdt_span){x->principal, 16}, (struct rdt_span){y->principal, 16});
}

/* n of one principal: how many keys, and the last end of them all. */
static void
put_holder(const struct gate *gate, const struct holder *of, size_t n, struct rdt_buf *out)
{
    const struct rdt_principal *principal = rdt_view_principal(gate->view, of->principal);
    int64_t until_ms = 0;
    for (size_t i = 0; i < n; i++)
        until_ms = of[i].until_ms > until_ms ? of[i].until_ms : until_ms;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "principal", of->principal);
    rdt_jout_str(out, "name", principal == NULL ? NULL : principal->name);
    rdt_jout_int(out, "keys", (int64_t)n);
    put_stamp(out, "heldUntil", until_ms);
    rdt_jout_close(out, '}');
}

/* By principal: an auditor asks who has been given what died, and a ring has keys without number.
 */
static void
put_exports(const struct gate *gate, struct rdt_buf *out)
{
    RDT_BUF found = {0};
    struct rdt_span id = {0};
    const struct rdt_kek_export *export;
    while ((export = rdt_view_next(gate->view, RDT_KIND_EXPORT, id, &id)) != NULL) {
        struct holder one = {.until_ms = export->ttl_until_ms};
        memcpy(one.principal, export->principal, sizeof one.principal);
        if (is_export_of(gate, export))
            rdt_buf_add(&found, &one, sizeof one);
    }
    out->failed = out->failed || !rdt_buf_ok(&found); /* a list with holes would be a lie */
    struct holder *all = (struct holder *)(void *)found.p;
    size_t n = rdt_buf_ok(&found) ? found.n / sizeof *all : 0;
    int64_t principals = 0;
    if (n != 0)
        qsort(all, n, sizeof *all, by_principal);
    rdt_jout_open(out, "keyExports", '[');
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && by_principal(&all[i], &all[i + run]) == 0;)
            run++;
        if (principals++ < HOLDERS_MOST)
            put_holder(gate, &all[i], run, out);
    }
    rdt_jout_close(out, ']');
    rdt_jout_int(out, "exporters", principals);
    rdt_jout_int(out, "exports", (int64_t)n);
}

/* ---- all of it ---- */

int64_t
rdt_death_backups_ms(struct rdt_view view, int64_t now_ms)
{
    const struct rdt_site *site = rdt_view_site(view);
    return now_ms + (int64_t)(site->backup_days == 0 ? BACKUP_DAYS : site->backup_days) * DAY_MS;
}

static void
put_log(struct rdt_call *call, const struct intent *intent, struct rdt_buf *out)
{
    rdt_jout_open(out, "auditLog", '{');
    rdt_jout_uuid(out, "intent", intent->id);
    rdt_jout_int(out, "intentIndex", (int64_t)intent->index);
    rdt_jout_uuid(out, "outcome", call->request->id);
    rdt_jout_close(out, '}');
}

void
rdt_death_put(struct rdt_call *call, const struct gate *gate, const struct intent *intent,
              struct rdt_buf *out)
{
    char arn[ARN_TEXT];
    int64_t now_ms = call->request->now_ms;
    int64_t quiet = gate->version == NULL ? gate->key->quiet_s : gate->version->quiet_s;
    rdt_key_arn(call->kms, gate->key->id, arn);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "format", "redoubt destruction certificate 1");
    rdt_jout_str(out, "state", "erased");
    rdt_jout_uuid(out, "deployment", call->kms->deployment);
    rdt_jout_str(out, "key", arn);
    rdt_jout_str(out, "of", gate->version == NULL ? "key" : "version");
    put_versions(gate, out);
    put_stamp(out, "liveCopyErased", now_ms);
    put_stamp(out, "lastBackupExpires", rdt_death_backups_ms(gate->view, now_ms));
    rdt_jout_int(out, "waitedSeconds", rdt_view_site(gate->view)->credited_s - quiet);
    put_census(gate, out);
    put_approval(call, out);
    put_holds(gate, out);
    put_exports(gate, out);
    put_log(call, intent, out);
    rdt_jout_close(out, '}');
}

bool
rdt_death_final(struct rdt_span says, int64_t now_ms, struct rdt_buf *out)
{
    char text[RDT_STAMP_TEXT];
    struct rdt_span rest;
    if (says.n <= sizeof ERASED - 1 ||
        !rdt_span_is((struct rdt_span){says.p, sizeof ERASED - 1}, ERASED))
        return false;
    rest = (struct rdt_span){says.p + sizeof ERASED - 1, says.n - (sizeof ERASED - 1)};
    rdt_stamp_text(now_ms / 1000, text);
    rdt_buf_str(out, BEGIN "\"state\":\"destroyed\",\"destroyed\":\"");
    rdt_buf_str(out, text);
    rdt_buf_str(out, "\",");
    rdt_buf_add(out, rest.p, rest.n);
    return rdt_buf_ok(out);
}

static bool
still_wrapped(struct rdt_view view, const struct rdt_death *death)
{
    const struct rdt_version *version;
    for (uint32_t number = 0;
         (version = rdt_view_version_after(view, death->key, number)) != NULL;) {
        uint8_t id[4];
        number = version->number;
        if (death->version != 0 && number != death->version)
            continue;
        rdt_u32_bytes(version->domain, id);
        const struct rdt_domain *domain =
            rdt_view_get(view, RDT_KIND_DOMAIN, (struct rdt_span){id, sizeof id});
        if (domain != NULL && !domain->retired)
            return true;
    }
    return false;
}

const char *
rdt_death_waits(struct rdt_view view, const struct rdt_death *death, int64_t now_ms)
{
    const struct rdt_site *site = rdt_view_site(view);
    if (death->final)
        return NULL;
    if (site->clock_blocked)
        return "the clock is not to be trusted: redoubt clock confirm";
    if (now_ms < death->backups_ms ||
        site->credited_s - death->erased_s < (death->backups_ms - death->erased_ms) / 1000)
        return "backups that hold it have not expired";
    if (still_wrapped(view, death))
        return "the domain key that wrapped it is in use: redoubt root rotate";
    return NULL;
}
