/*
 * Census reports and receipts of sealed files. Nothing a scanner says is believed for a store that
 * the quorum did not give it, twice, or about a time before it was asked.
 */
#include "base/arena.h"
#include "base/cursor.h"
#include "codec/base64.h"
#include "codec/census.h"
#include "crypto/sign.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"
#include "kms/tenant_internal.h"

#include <stdlib.h>

#define NONCE_LIFE_MS ((int64_t)7 * DAY_MS) /* for a census of a large store */
#define NONCES_STEP 64                      /* nonces looked at for old ones when one is issued */
#define SKEW_MS ((int64_t)RDT_CLOCK_SKEW_S * 1000)
#define EPOCH_MAX 65535 /* highest epoch that a ciphertext can carry */
#define EPOCH_STEP 256  /* one report raises what was seen by no more: a lie costs few epochs */
#define RETENTION_MAX_MS ((int64_t)100 * 366 * DAY_MS)

static void
note(struct rdt_call *call, const char *name, struct rdt_span value)
{
    rdt_pairs_add(&call->note.parameters, rdt_span_str(name), value);
}

/* What a scanner signed; the scanner, not revoked. */
static enum rdt_fault
signed_by(struct rdt_call *call, struct rdt_span bytes, const struct rdt_scanner **out)
{
    struct rdt_span name = rdt_in_text(call, "Scanner");
    *out = rdt_scanner_named(call->view, name);
    note(call, "scanner", name);
    if (*out == NULL || (*out)->revoked)
        return rdt_call_fail(call, RDT_FAULT_CENSUS, "no such scanner is enrolled");
    if (rdt_signature_check(rdt_bytes_span(&(*out)->public_key), bytes,
                            rdt_in_blob(call, "Signature"), NULL) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_CENSUS, "the signature is not that of the scanner");
    return RDT_FAULT_NONE;
}

static enum rdt_fault
this_deployment(struct rdt_call *call, const uint8_t deployment[static 16])
{
    if (rdt_span_eq((struct rdt_span){deployment, 16},
                    (struct rdt_span){call->kms->deployment, 16}))
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_CENSUS, "it is about another deployment");
}

/* ---- nonces ---- */

/* Ids are random, so a few that follow the new one are as good as any: old ones go in time. */
static void
drop_old_nonces(struct rdt_call *call, const uint8_t from[static 16])
{
    RDT_BUF old = {0};
    struct rdt_span id = {from, 16};
    const struct rdt_census_nonce *nonce;
    for (size_t i = 0;
         i < NONCES_STEP && (nonce = rdt_view_next(call->view, RDT_KIND_NONCE, id, &id)) != NULL;
         i++)
        if (nonce->issued_ms < call->request->now_ms - NONCE_LIFE_MS)
            rdt_buf_add(&old, nonce->nonce, 16);
    for (size_t i = 0; rdt_buf_ok(&old) && i + 16 <= old.n; i += 16)
        (void)rdt_tx_remove(call->tx, RDT_KIND_NONCE, (struct rdt_span){old.p + i, 16});
}

/*
 * A client that was given a tenant's key may write under it until its TTL is over, also after the
 * ring went on: what is asked for within that time says nothing of what is written after the scan.
 * By the credited clock, which is never ahead.
 */
static bool
may_still_write(struct rdt_view view, const struct rdt_key *key)
{
    const struct rdt_site *site = rdt_view_site(view);
    return key->tenants && key->drains != 0 &&
           site->credited_s < key->drain_s + (int64_t)site->client_ttl_s;
}

static enum rdt_fault
census_nonce(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    struct rdt_span store = rdt_in_text(call, "Store");
    uint8_t id[16];
    enum rdt_fault fault = rdt_store_name_check(call, store);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note(call, "store", store);
    if (rdt_random(call->thread->worker, id, sizeof id, NULL) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "no random bytes");
    drop_old_nonces(call, id);
    struct rdt_census_nonce *nonce =
        rdt_tx_add(call->tx, RDT_KIND_NONCE, (struct rdt_span){id, sizeof id});
    if (nonce == NULL || !rdt_text_set(&nonce->store, store))
        return rdt_out_of_memory(call);
    memcpy(nonce->nonce, id, sizeof id);
    memcpy(nonce->key, call->key->id, sizeof nonce->key);
    nonce->version = (uint32_t)rdt_in_int(call, "Version", 0);
    nonce->issued_ms = call->request->now_ms;
    nonce->drain_no = may_still_write(call->view, call->key) ? 0 : call->key->drains;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "Deployment", call->kms->deployment);
    rdt_jout_hex(out, "Nonce", (struct rdt_span){id, sizeof id});
    rdt_jout_uuid(out, "KeyId", call->key->id);
    rdt_jout_text(out, "Store", store);
    rdt_jout_time(out, "Issued", nonce->issued_ms);
    rdt_jout_time(out, "Expires", nonce->issued_ms + NONCE_LIFE_MS);
    rdt_jout_bool(out, "TooEarly", nonce->drain_no != call->key->drains);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- reports ---- */

static enum rdt_fault
no_census(struct rdt_call *call, const char *why)
{
    return rdt_call_fail(call, RDT_FAULT_CENSUS, "%s", why);
}

/*
 * The version under which a tenant's epoch lies; 0: the handle is none of this key. An epoch that
 * is not known here is one that an older copy of the store does not have: it counts as a version of
 * its number, which is then none that may die.
 */
static uint32_t
version_of_epoch(struct rdt_view view, const uint8_t key[static 16],
                 const struct rdt_census_count *epoch)
{
    const struct rdt_handle *handle = rdt_handle_get(view, epoch->handle);
    if (handle == NULL ||
        !rdt_span_eq((struct rdt_span){handle->key, 16}, (struct rdt_span){key, 16}))
        return 0;
    const struct rdt_seed *seed = rdt_seed_get(view, epoch->handle, epoch->version);
    return seed == NULL || seed->version == 0 ? epoch->version : seed->version;
}

static int
by_version(const void *a, const void *b)
{
    uint32_t x = ((const struct rdt_census_count *)a)->version,
             y = ((const struct rdt_census_count *)b)->version;
    return (x > y) - (x < y);
}

/* Versions and tenants' epochs as one list by version. */
static enum rdt_fault
add_counts(struct rdt_call *call, const struct rdt_census *census, struct rdt_buf *out)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_span counts = census->counts, epochs = census->epochs;
    struct rdt_census_count *all =
        rdt_arena_new(&arena, (2 * RDT_CENSUS_COUNTS_MAX + 1) * sizeof *all);
    size_t n = 0;
    if (all == NULL)
        return rdt_out_of_memory(call);
    while (rdt_census_next(&counts, false, &all[n]))
        n++;
    while (rdt_census_next(&epochs, true, &all[n])) {
        all[n].version = version_of_epoch(call->view, census->key, &all[n]);
        if (all[n].version == 0)
            return no_census(call, "it counts values of a tenant whose keys are not of this key");
        n++;
    }
    qsort(all, n, sizeof *all, by_version);
    for (size_t i = 0; i < n; i++) {
        struct rdt_census_count sum = all[i];
        while (i + 1 < n && all[i + 1].version == sum.version) {
            uint64_t more = all[++i].count;
            sum.count = more > UINT64_MAX - sum.count ? UINT64_MAX : sum.count + more;
        }
        rdt_census_add(out, false, &sum);
    }
    return rdt_buf_ok(out) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

/* The highest number in a report, however it says it. */
static uint32_t
highest_in(const struct rdt_census *census)
{
    struct rdt_span counts = census->counts, epochs = census->epochs;
    struct rdt_census_count count;
    uint32_t highest = census->highest;
    while (rdt_census_next(&counts, false, &count))
        highest = count.version > highest ? count.version : highest;
    while (rdt_census_next(&epochs, true, &count))
        highest = count.version > highest ? count.version : highest;
    return highest;
}

static enum rdt_fault
check_highest(struct rdt_call *call, const struct rdt_key *key, uint32_t highest)
{
    if (highest <= key->current || highest <= key->epoch_seen)
        return RDT_FAULT_NONE; /* as nearly always: no walk over all handles */
    uint32_t known = rdt_ring_highest(call->view, key);
    if (highest <= known || (highest <= EPOCH_MAX && highest - known <= EPOCH_STEP))
        return RDT_FAULT_NONE;
    return no_census(call, "it saw a version far above those that this key has had");
}

/* When a report was asked for: by drains, and by the store's revision. */
struct asked {
    uint32_t drain_no;
    uint64_t revision;
};

/*
 * The nonce: one that was given out for this key and store, not used before, not too old. A scan
 * that another one overtook has seen what was there earlier, whenever it ends: no clock tells.
 */
static enum rdt_fault
check_nonce(struct rdt_call *call, const struct rdt_census *census, struct asked *asked)
{
    int64_t now_ms = call->request->now_ms;
    struct rdt_span id = {census->nonce, sizeof census->nonce};
    const struct rdt_census_nonce *nonce = rdt_view_get(call->view, RDT_KIND_NONCE, id);
    if (nonce == NULL)
        return no_census(call, "its nonce was not given out here, or is used up");
    if (!rdt_span_eq((struct rdt_span){nonce->key, 16}, (struct rdt_span){census->key, 16}) ||
        !rdt_span_is(census->store, nonce->store))
        return no_census(call, "its nonce was given out for another key or store");
    if (nonce->issued_ms < now_ms - NONCE_LIFE_MS)
        return no_census(call, "its nonce is too old");
    if (census->made_ms < nonce->issued_ms - SKEW_MS || census->made_ms > now_ms + SKEW_MS)
        return no_census(call, "its time is not between the nonce's and now");
    asked->drain_no = nonce->drain_no;
    asked->revision = rdt_view_revision(call->view, RDT_KIND_NONCE, id);
    const struct rdt_census_report *newest = rdt_report_of(call->view, census->store, census->key);
    if (newest != NULL && asked->revision < newest->asked)
        return no_census(call, "there is a report of this store that was asked for later");
    return rdt_tx_remove(call->tx, RDT_KIND_NONCE, id) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

static struct rdt_census_report *
report_row(struct rdt_call *call, const struct rdt_census *census)
{
    RDT_BUF id = {0};
    rdt_report_id(census->store, census->key, &id);
    if (!rdt_buf_ok(&id))
        return NULL;
    struct rdt_census_report *row = rdt_tx_edit(call->tx, RDT_KIND_REPORT, rdt_buf_span(&id));
    if (row == NULL)
        row = rdt_tx_add(call->tx, RDT_KIND_REPORT, rdt_buf_span(&id));
    if (row == NULL || !rdt_text_set(&row->store, census->store))
        return NULL;
    memcpy(row->key, census->key, sizeof row->key);
    return row;
}

/* The newest report of a store about a key takes the place of the one before. */
static enum rdt_fault
keep_report(struct rdt_call *call, const struct rdt_census *census,
            const struct rdt_scanner *scanner, const struct asked *asked)
{
    RDT_BUF counts = {0};
    enum rdt_fault fault = add_counts(call, census, &counts);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_census_report *row = report_row(call, census);
    if (row == NULL || !rdt_bytes_set(&row->counts, rdt_buf_span(&counts)) ||
        !rdt_bytes_set(&row->signed_bytes, rdt_in_blob(call, "Report")) ||
        !rdt_bytes_set(&row->signature, rdt_in_blob(call, "Signature")))
        return rdt_out_of_memory(call);
    memcpy(row->nonce, census->nonce, sizeof row->nonce);
    memcpy(row->scanner, scanner->id, sizeof row->scanner);
    row->received_ms = call->request->now_ms;
    row->looked_at = census->looked_at;
    row->total = census->total;
    row->drain_no = asked->drain_no;
    row->asked = asked->revision;
    row->made_ms = census->made_ms;
    row->highest = highest_in(census);
    return RDT_FAULT_NONE;
}

/* What follows from a report: the ring goes on above, what has data goes back, the rest goes on. */
static enum rdt_fault
follow_report(struct rdt_call *call, const struct rdt_census *census)
{
    struct rdt_view view = call->view;
    const struct rdt_census_report *report = rdt_report_of(view, census->store, census->key);
    const struct rdt_key *key = rdt_view_key(view, census->key);
    int64_t now_ms = call->request->now_ms;
    bool ok = report != NULL;
    if (ok && report->highest > key->epoch_seen && report->highest > key->current) {
        struct rdt_key *row = rdt_edit_key(call);
        ok = row != NULL;
        if (ok)
            row->epoch_seen = report->highest;
    }
    if (ok && report->highest != 0) /* seen there now, or once */
        ok = rdt_store_register(call->tx, census->store, (struct rdt_span){0}, census->key,
                                now_ms) &&
             rdt_drain_found(call->tx, report, now_ms);
    ok = ok && rdt_drain_advance(call, key);
    return ok ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

static void
put_counts(struct rdt_call *call, const struct rdt_census_report *report)
{
    struct rdt_buf *out = call->request->out;
    struct rdt_span in = rdt_bytes_span(&report->counts);
    struct rdt_census_count count;
    rdt_jout_open(out, "Counts", '[');
    while (rdt_census_next(&in, false, &count)) {
        rdt_jout_open(out, NULL, '{');
        rdt_jout_int(out, "Version", count.version);
        rdt_jout_int(out, "Count", rdt_count_int(count.count));
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
}

/* Read, whether the caller may, whose it is, about what, whether it may be believed: in this order,
 * each refused at once. Who may not learns nothing about scanners. */
static enum rdt_fault
believe(struct rdt_call *call, struct rdt_census *census, const struct rdt_scanner **scanner)
{
    struct rdt_err err = {0};
    struct rdt_span bytes = rdt_in_blob(call, "Report");
    char uuid[RDT_UUID_TEXT], highest[16];
    if (rdt_census_read(bytes, census, &err) != RDT_OK)
        return no_census(call, err.text);
    rdt_uuid_text(census->key, uuid);
    memcpy(call->note.key, census->key, sizeof call->note.key);
    enum rdt_fault fault = rdt_call_key(call, rdt_span_str(uuid), NULL, NULL, &call->key);
    if (fault == RDT_FAULT_NONE)
        fault = signed_by(call, bytes, scanner);
    if (fault == RDT_FAULT_NONE)
        fault = this_deployment(call, census->deployment);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note(call, "store", census->store);
    if (!rdt_scanner_covers(*scanner, census->store))
        return no_census(call, "the scanner is not enrolled for this store");
    snprintf(highest, sizeof highest, "%u", highest_in(census)); /* a restore asks for it */
    note(call, "highest", rdt_span_str(highest));
    return check_highest(call, call->key, highest_in(census));
}

static enum rdt_fault
census_report(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    struct rdt_census census;
    const struct rdt_scanner *scanner;
    struct asked asked = {0};
    enum rdt_fault fault = believe(call, &census, &scanner);
    if (fault == RDT_FAULT_NONE)
        fault = check_nonce(call, &census, &asked);
    if (fault == RDT_FAULT_NONE)
        fault = keep_report(call, &census, scanner, &asked);
    if (fault == RDT_FAULT_NONE)
        fault = follow_report(call, &census);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", census.key);
    rdt_jout_text(out, "Store", census.store);
    rdt_jout_bool(out, "Complete", census.looked_at == census.total);
    put_counts(call, rdt_report_of(call->view, census.store, census.key));
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- what is known ---- */

static void
put_report(struct rdt_call *call, const struct rdt_census_report *report)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_scanner *scanner =
        rdt_view_get(call->view, RDT_KIND_SCANNER, (struct rdt_span){report->scanner, 16});
    rdt_jout_open(out, "Report", '{');
    rdt_jout_str(out, "Scanner", scanner == NULL ? NULL : scanner->name);
    rdt_jout_bool(out, "Enrolled", scanner != NULL && !scanner->revoked);
    rdt_jout_time(out, "Received", report->received_ms);
    rdt_jout_time(out, "Made", report->made_ms);
    rdt_jout_int(out, "LookedAt", rdt_count_int(report->looked_at));
    rdt_jout_int(out, "Total", rdt_count_int(report->total));
    rdt_jout_int(out, "Highest", report->highest);
    rdt_jout_int(out, "Drain", report->drain_no);
    put_counts(call, report);
    rdt_jout_close(out, '}');
}

static enum rdt_fault
census_status(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_store_reg *store = NULL;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", call->key->id);
    rdt_jout_int(out, "Drains", call->key->drains);
    rdt_jout_open(out, "Stores", '[');
    while ((store = rdt_store_after(call->view, call->key->id,
                                    store == NULL ? NULL : store->name)) != NULL) {
        const struct rdt_census_report *report =
            rdt_report_of(call->view, rdt_span_str(store->name), call->key->id);
        rdt_jout_open(out, NULL, '{');
        rdt_jout_str(out, "Store", store->name);
        rdt_jout_str(out, "Kind", store->kind);
        rdt_jout_bool(out, "Declared", store->declared);
        if (report != NULL)
            put_report(call, report);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- receipts of sealed files ---- */

/* A receipt of the same file may hold longer; it never holds less. What passes counts from the
 * first time that it came: brought again under another date, it would be over at once. */
static enum rdt_fault
keep_hold(struct rdt_call *call, const struct rdt_receipt *receipt)
{
    struct rdt_span id = {receipt->file, 16};
    const struct rdt_hold *now = rdt_view_get(call->view, RDT_KIND_HOLD, id);
    if (now != NULL &&
        (receipt->until_ms < now->until_ms || receipt->created_ms < now->created_ms ||
         !rdt_span_eq(rdt_bytes_span(&now->versions), receipt->versions)))
        return rdt_call_fail(
            call, RDT_FAULT_ALREADY_EXISTS,
            "there is a receipt of this file that says otherwise, or holds longer");
    bool first = now == NULL || call->request->now_ms < now->received_ms;
    struct rdt_hold *hold = rdt_tx_edit(call->tx, RDT_KIND_HOLD, id);
    if (hold == NULL)
        hold = rdt_tx_add(call->tx, RDT_KIND_HOLD, id);
    if (hold == NULL || !rdt_text_set(&hold->name, receipt->name) ||
        !rdt_bytes_set(&hold->versions, receipt->versions))
        return rdt_out_of_memory(call);
    memcpy(hold->file, receipt->file, sizeof hold->file);
    hold->created_ms = receipt->created_ms;
    hold->until_ms = receipt->until_ms;
    if (!first)
        return RDT_FAULT_NONE;
    hold->received_ms = call->request->now_ms;
    hold->received_s = rdt_credited_s(call->view);
    return RDT_FAULT_NONE;
}

static enum rdt_fault
seal_receipt(struct rdt_call *call)
{
    struct rdt_err err = {0};
    struct rdt_receipt receipt;
    const struct rdt_scanner *scanner;
    struct rdt_span bytes = rdt_in_blob(call, "Receipt");
    if (rdt_receipt_read(bytes, &receipt, &err) != RDT_OK)
        return no_census(call, err.text);
    enum rdt_fault fault = signed_by(call, bytes, &scanner);
    if (fault == RDT_FAULT_NONE)
        fault = this_deployment(call, receipt.deployment);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (receipt.created_ms > call->request->now_ms + SKEW_MS ||
        receipt.until_ms - receipt.created_ms > RETENTION_MAX_MS)
        return no_census(call, "it is of the future, or holds for more than a hundred years");
    note(call, "file", receipt.name);
    return keep_hold(call, &receipt);
}

static void
put_hold(struct rdt_call *call, const void *row)
{
    const struct rdt_hold *hold = row;
    struct rdt_buf *out = call->request->out;
    struct rdt_span in = rdt_bytes_span(&hold->versions), id;
    uint32_t number;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "File", hold->file);
    rdt_jout_str(out, "Name", hold->name);
    rdt_jout_time(out, "Created", hold->created_ms);
    rdt_jout_time(out, "Until", hold->until_ms);
    rdt_jout_bool(out, "Unknown", in.n == 0);
    rdt_jout_open(out, "Versions", '[');
    while (rdt_take(&in, 16, &id) && rdt_take_u32(&in, &number)) {
        rdt_jout_open(out, NULL, '{');
        rdt_jout_uuid(out, "KeyId", id.p);
        rdt_jout_int(out, "Version", number);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
    rdt_jout_close(out, '}');
}

static enum rdt_fault
hold_list(struct rdt_call *call)
{
    return rdt_page_rows(call, "Holds", RDT_KIND_HOLD, 100, 1000, put_hold);
}

/* ---- the table ---- */

#define TEXT(member, must, most)                                                                   \
    {                                                                                              \
        .name = member, .type = RDT_IN_TEXT, .required = must, .min = 1, .max = most               \
    }
#define SIGNED(member)                                                                             \
    TEXT("Scanner", true, RDT_CENSUS_STORE_MAX),                                                   \
        {.name = member,                                                                           \
         .type = RDT_IN_BLOB,                                                                      \
         .required = true,                                                                         \
         .min = 1,                                                                                 \
         .max = RDT_CENSUS_BYTES_MAX},                                                             \
    {                                                                                              \
        .name = "Signature", .type = RDT_IN_BLOB, .required = true, .min = RDT_SIGNATURE_LEN,      \
        .max = RDT_SIGNATURE_LEN                                                                   \
    }

static const struct rdt_in nonce_in[] = {
    TEXT("KeyId", true, 2048),
    TEXT("Store", true, RDT_CENSUS_STORE_MAX),
    {.name = "Version", .type = RDT_IN_INT, .min = 1, .max = UINT32_MAX},
};
static const struct rdt_in key_in[] = {TEXT("KeyId", true, 2048)};
static const struct rdt_in list_in[] = {
    {.name = "Limit", .type = RDT_IN_INT, .min = 1, .max = 1000},
    TEXT("Marker", false, 1024),
};
static const struct rdt_in report_in[] = {SIGNED("Report")};
static const struct rdt_in receipt_in[] = {SIGNED("Receipt")};

static const struct rdt_op ops[] = {
    /* by name */
    OP_OWN_KEY("CensusNonce", "/v1/census/nonce", WRITE, ANY, nonce_in, census_nonce),
    OP_OWN_KEY("CensusReport", "/v1/census", WRITE, OWN, report_in, census_report),
    OP_OWN_KEY("CensusStatus", "/v1/census/status", READ, ANY, key_in, census_status),
    OP_OWN("HoldList", "/v1/hold/list", READ, list_in, hold_list),
    OP_OWN("SealReceipt", "/v1/seal/receipt", WRITE, receipt_in, seal_receipt),
};

const struct rdt_op_table rdt_ops_census = {ops, sizeof ops / sizeof ops[0]};
