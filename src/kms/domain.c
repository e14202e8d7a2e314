/*
 * The change of the domain key. What is wrapped (materials, secrets of credentials, seeds) is
 * wrapped anew in steps, while all of it is in use: a row names the key that it is under. Where a
 * pass over everything finds nothing more under an older key, that one is retired; then its item
 * goes from root.json, and it from memory. What is under way is read from the rows alone.
 */
#include "kms/call_internal.h"
#include "kms/op_internal.h"
#include "kms/tenant_internal.h"

#include <stdio.h>

#define LOOK_STEP 16384              /* rows looked at in one tick */
#define WRAP_STEP 1024               /* rows wrapped anew in one call */
#define SECRET_LEN_MAX ((size_t)256) /* of what is wrapped */
#define AGAIN_MS ((int64_t)3600000)  /* after a pass in which something did not open */
#define DAY_MS ((int64_t)86400000)   /* the least time between changes by the clock */
#define LOOK_MS ((int64_t)60000)     /* between looks at what was destroyed */

/* ---- rows of domain keys ---- */

static uint32_t
highest_row(struct rdt_view view)
{
    struct rdt_span id = {0};
    const struct rdt_domain *row;
    uint32_t highest = 0;
    while ((row = rdt_view_next(view, RDT_KIND_DOMAIN, id, &id)) != NULL)
        highest = row->number;
    return highest;
}

static size_t
older(struct rdt_view view)
{
    struct rdt_span id = {0};
    const struct rdt_domain *row;
    const struct rdt_site *site = rdt_view_site(view);
    size_t n = 0;
    while ((row = rdt_view_next(view, RDT_KIND_DOMAIN, id, &id)) != NULL)
        n += row->number != site->domain && !row->retired;
    return n;
}

static const struct rdt_domain *
row_of(struct rdt_view view, uint32_t number)
{
    uint8_t id[4];
    rdt_u32_bytes(number, id);
    return rdt_view_get(view, RDT_KIND_DOMAIN, (struct rdt_span){id, sizeof id});
}

/* The first key made ahead of time; 0: none is left. */
static uint32_t
next_ahead(const struct rdt_kms *kms, uint32_t above)
{
    uint32_t highest = rdt_domains_highest(&kms->domains);
    for (uint32_t number = above; number < highest;)
        if (rdt_domains_get(&kms->domains, ++number) != NULL)
            return number;
    return 0;
}

static size_t
count_ahead(const struct rdt_kms *kms, uint32_t above)
{
    size_t n = 0;
    while ((above = next_ahead(kms, above)) != 0)
        n++;
    return n;
}

void
rdt_kms_domain_info(struct rdt_kms *kms, struct rdt_domain_info *out)
{
    struct rdt_view view = {.state = kms->state};
    *out = (struct rdt_domain_info){0};
    rdt_state_lock_shared(kms->state);
    const struct rdt_site *site = rdt_view_site(view);
    const struct rdt_domain *row = row_of(view, site->domain);
    out->current = site->domain;
    out->since_ms = row == NULL ? 0 : row->created_ms;
    out->older = older(view);
    out->ahead = count_ahead(kms, highest_row(view));
    rdt_state_unlock(kms->state);
}

/* ---- another key ---- */

static enum rdt_fault
domain_rotate(struct rdt_call *call)
{
    uint32_t number = (uint32_t)rdt_in_int(call, "Number", 0);
    char text[16];
    uint8_t id[4];
    if (number <= highest_row(call->view) || rdt_domains_get(&call->kms->domains, number) == NULL)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "domain key %u is not one to be used",
                             number);
    rdt_u32_bytes(number, id);
    struct rdt_site *site = rdt_tx_edit(call->tx, RDT_KIND_SITE, rdt_span_str("site"));
    struct rdt_domain *row =
        rdt_tx_add(call->tx, RDT_KIND_DOMAIN, (struct rdt_span){id, sizeof id});
    if (site == NULL || row == NULL)
        return rdt_out_of_memory(call);
    row->number = site->domain = number;
    row->created_ms = call->request->now_ms;
    snprintf(text, sizeof text, "%u", number);
    rdt_pairs_add(&call->note.parameters, rdt_span_str("domain"), rdt_span_str(text));
    return RDT_FAULT_NONE;
}

static enum rdt_code
use_number(struct rdt_kms *kms, struct rdt_kms_thread *thread, uint32_t number, struct rdt_err *err)
{
    RDT_BUF out = {0};
    char body[32];
    snprintf(body, sizeof body, "{\"Number\":%u}", number);
    return rdt_kms_local(kms, thread, "SystemDomainRotate", body, &out, err);
}

/* Those made ahead of time, from a number on, out of memory. */
static void
forget_ahead(struct rdt_kms *kms, uint32_t from)
{
    uint32_t number;
    while ((number = next_ahead(kms, from - 1)) != 0)
        rdt_domains_drop(&kms->domains, number);
}

/* Keys of numbers between two others were known for some time and never used: nothing is lost. */
static enum rdt_code
drop_items(struct rdt_root *root, uint32_t above, uint32_t below, struct rdt_err *err)
{
    for (uint32_t number = above + 1; number < below; number++) {
        char item[RDT_ROOT_NAME_MAX];
        rdt_domain_item(number, item);
        enum rdt_code rc = rdt_root_drop(root, item, NULL);
        if (rc != RDT_OK && rc != RDT_E_NOTFOUND)
            return rdt_fail(err, rc, "item '%s'", item);
    }
    return RDT_OK;
}

/*
 * The first key made ahead of time that root.json has, too; 0: none. Memory may know more: a save
 * that failed once the file was in its place, or a root.json of another day. What such a key wraps
 * would be lost with the next stop.
 */
static uint32_t
next_stored(struct rdt_kms *kms, uint32_t above)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    if (rdt_root_load(kms->data, &root, NULL) != RDT_OK)
        return 0;
    while ((above = next_ahead(kms, above)) != 0) {
        const char *item;
        for (size_t i = 0; (item = rdt_root_item(root, i)) != NULL; i++)
            if (rdt_domain_number(item) == above)
                return above;
    }
    return 0;
}

/* New keys under the open root, in root.json before anything is wrapped under one. */
static enum rdt_code
fresh(struct rdt_kms *kms, const struct rdt_kms_opts *opts, uint32_t above, uint32_t *number,
      struct rdt_err *err)
{
    size_t made;
    uint32_t highest = rdt_domains_highest(&kms->domains);
    uint32_t first = 1 + (highest > above ? highest : above);
    enum rdt_code rc = rdt_domains_ahead(&kms->domains, first, opts->root, opts->open, &made, err);
    if (rc == RDT_OK)
        rc = drop_items(opts->root, above, first, err);
    if (rc == RDT_OK)
        rc = rdt_root_save(opts->root, opts->data, err);
    if (rc != RDT_OK) {
        forget_ahead(kms, first);
        return rc;
    }
    for (uint32_t old = above + 1; old < first; old++)
        rdt_domains_drop(&kms->domains, old);
    *number = first;
    return RDT_OK;
}

enum rdt_code
rdt_kms_domain_rotate(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                      const struct rdt_kms_opts *opts, struct rdt_err *err)
{
    uint32_t number = 0;
    enum rdt_code rc = RDT_OK;
    rdt_state_lock_shared(kms->state);
    uint32_t above = highest_row((struct rdt_view){.state = kms->state});
    rdt_state_unlock(kms->state);
    if (opts != NULL)
        rc = fresh(kms, opts, above, &number, err);
    else
        number = next_stored(kms, above);
    if (rc == RDT_OK && number == 0) {
        rc = rdt_fail(err, RDT_E_STATE,
                      "root.json has no domain key left that was made ahead of time");
        rdt_hint(err, "redoubt root rotate, or a start of the server, makes more");
    }
    if (rc == RDT_OK)
        rc = use_number(kms, thread, number, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "change the domain key");
}

/* ---- wrapping anew ---- */

/* Where a row of each kind has its wrap, and what its AAD is made of. */
struct wrapped {
    struct rdt_bytes *bytes;
    uint32_t *domain;
    struct wrap_at at;
};

static const enum rdt_kind kinds[] = {RDT_KIND_VERSION, RDT_KIND_CREDENTIAL, RDT_KIND_SEED};

bool
rdt_domain_wraps(enum rdt_kind kind)
{
    for (size_t i = 0; i < RDT_COUNT(kinds); i++)
        if (kinds[i] == kind)
            return true;
    return false;
}

static bool
find_wrapped(struct rdt_view view, enum rdt_kind kind, struct rdt_span id, void *row,
             struct wrapped *out)
{
    out->at = (struct wrap_at){.kind = kind, .id = id};
    if (kind == RDT_KIND_VERSION) {
        struct rdt_version *version = row;
        out->bytes = &version->wrapped;
        out->domain = &version->domain;
        out->at.id = (struct rdt_span){version->key, sizeof version->key};
        out->at.version = version->number;
        out->at.purpose = "material";
        return true;
    }
    if (kind == RDT_KIND_CREDENTIAL) {
        struct rdt_credential *credential = row;
        out->bytes = &credential->wrapped;
        out->domain = &credential->domain;
        out->at.purpose = "secret";
        return true;
    }
    struct rdt_seed *seed = row;
    const struct rdt_handle *handle = rdt_handle_get(view, seed->handle);
    out->bytes = &seed->wrapped;
    out->domain = &seed->domain;
    out->at.version = seed->epoch;
    out->at.purpose = "seed";
    out->at.tenant = handle == NULL ? NULL : handle->tenant;
    return handle != NULL;
}

/* One row under another key; what it was is not changed. */
static enum rdt_code
wrap_anew(struct rdt_call *call, const struct wrapped *w, uint32_t number)
{
    RDT_SECRET secret = {0};
    size_t over = RDT_GCM_IV_LEN + RDT_GCM_TAG_LEN;
    if (w->bytes->n <= over || w->bytes->n - over > SECRET_LEN_MAX)
        return RDT_E_TAMPERED;
    enum rdt_code rc = rdt_secret_new(&secret, w->bytes->n - over, NULL);
    if (rc == RDT_OK)
        rc = rdt_wrap_open(call->kms, call->thread, &w->at, *w->domain, rdt_bytes_span(w->bytes),
                           &secret);
    if (rc == RDT_OK)
        rc = rdt_wrap_put(call->kms, call->thread->worker, &w->at, &secret, number, w->bytes);
    if (rc == RDT_OK)
        *w->domain = number;
    return rc;
}

static bool
is_older(enum rdt_kind kind, const void *row, uint32_t number)
{
    const struct rdt_version *version = row;
    const struct rdt_credential *credential = row;
    const struct rdt_seed *seed = row;
    if (kind == RDT_KIND_VERSION)
        return version->domain != number && version->wrapped.n != 0;
    if (kind == RDT_KIND_CREDENTIAL)
        return credential->domain != number && credential->wrapped.n != 0;
    return seed->domain != number && seed->wrapped.n != 0;
}

static enum rdt_code
rewrap_row(struct rdt_call *call, enum rdt_kind kind, struct rdt_span id, uint32_t number)
{
    struct wrapped w;
    void *row = rdt_tx_edit(call->tx, kind, id);
    if (row == NULL)
        return RDT_E_NOMEM;
    return find_wrapped(call->view, kind, id, row, &w) ? wrap_anew(call, &w, number)
                                                       : RDT_E_TAMPERED;
}

/* The row after where the pass stands, of this kind or the next; NULL: the pass is at its end. */
static const void *
next_row(struct rdt_view view, struct rewrap_at *at, struct rdt_span *id)
{
    while (at->kind < RDT_COUNT(kinds)) {
        const void *row =
            rdt_view_next(view, kinds[at->kind], (struct rdt_span){at->id, at->id_n}, id);
        if (row != NULL && id->n <= sizeof at->id) {
            memcpy(at->id, id->p, id->n);
            at->id_n = id->n;
            return row;
        }
        at->kind++;
        at->id_n = 0;
    }
    return NULL;
}

/* What does not open stays as it is and keeps its key: better found later than lost now. */
static enum rdt_fault
rewrap(struct rdt_call *call)
{
    struct rewrap_at *at = &call->thread->rewrap;
    uint32_t number = rdt_view_site(call->view)->domain;
    size_t moved = 0, failed = 0;
    char text[16];
    const void *row;
    struct rdt_span id;
    for (size_t i = 0;
         i < LOOK_STEP && moved < WRAP_STEP && (row = next_row(call->view, at, &id)) != NULL; i++) {
        if (!is_older(kinds[at->kind], row, number))
            continue;
        enum rdt_code rc = rewrap_row(call, kinds[at->kind], id, number);
        if (rc == RDT_E_NOMEM)
            return rdt_out_of_memory(call);
        moved += rc == RDT_OK;
        failed += rc != RDT_OK;
    }
    at->moved = at->moved || moved != 0;
    at->failed = at->failed || failed != 0;
    snprintf(text, sizeof text, "%zu", failed);
    if (failed != 0)
        rdt_pairs_add(&call->note.parameters, rdt_span_str("failed"), rdt_span_str(text));
    snprintf(text, sizeof text, "%zu", moved);
    rdt_pairs_add(&call->note.parameters, rdt_span_str("rows"), rdt_span_str(text));
    return RDT_FAULT_NONE;
}

static bool
any_older(struct rdt_view view, uint32_t number)
{
    for (size_t i = 0; i < RDT_COUNT(kinds); i++) {
        struct rdt_span id = {0};
        const void *row;
        while ((row = rdt_view_next(view, kinds[i], id, &id)) != NULL)
            if (is_older(kinds[i], row, number))
                return true;
    }
    return false;
}

/*
 * After a pass that found nothing under any of them. Looks at every row once more, all at once:
 * what is still under a key that goes is lost for good.
 */
static enum rdt_fault
domain_retire(struct rdt_call *call)
{
    struct rdt_span id = {0};
    const struct rdt_domain *row;
    const struct rdt_site *site = rdt_view_site(call->view);
    if (any_older(call->view, site->domain))
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE,
                             "something is still wrapped under an older domain key");
    while ((row = rdt_view_next(call->view, RDT_KIND_DOMAIN, id, &id)) != NULL) {
        char text[16];
        if (row->retired || row->number == site->domain)
            continue;
        struct rdt_domain *retired = rdt_tx_edit(call->tx, RDT_KIND_DOMAIN, id);
        if (retired == NULL)
            return rdt_out_of_memory(call);
        retired->retired = 1;
        snprintf(text, sizeof text, "%u", retired->number);
        rdt_pairs_add(&call->note.parameters, rdt_span_str("domain"), rdt_span_str(text));
    }
    return RDT_FAULT_NONE;
}

/* ---- the end of older ones ---- */

/* Needs no unsealed root: an item is only left out. */
static enum rdt_code
drop_retired(struct rdt_kms *kms)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    struct rdt_view view = {.state = kms->state};
    struct rdt_span id = {0};
    const struct rdt_domain *row;
    bool changed = false;
    enum rdt_code rc = rdt_root_load(kms->data, &root, NULL);
    if (rc != RDT_OK)
        return rc;
    while ((row = rdt_view_next(view, RDT_KIND_DOMAIN, id, &id)) != NULL) {
        char item[RDT_ROOT_NAME_MAX];
        rdt_domain_item(row->number, item);
        if (row->retired && rdt_root_drop(root, item, NULL) == RDT_OK)
            changed = true;
    }
    if (changed)
        rc = rdt_root_save(root, kms->data, NULL);
    id = (struct rdt_span){0};
    while (rc == RDT_OK && (row = rdt_view_next(view, RDT_KIND_DOMAIN, id, &id)) != NULL)
        if (row->retired)
            rdt_domains_drop(&kms->domains, row->number);
    return rc;
}

/* ---- by the clock ---- */

/* When key material or a seed was erased last. */
static int64_t
erased_last(struct rdt_view view)
{
    struct rdt_span id = {0};
    const struct rdt_death *death;
    int64_t last = rdt_view_site(view)->erased_ms;
    while ((death = rdt_view_next(view, RDT_KIND_DEATH, id, &id)) != NULL)
        if (death->erased_ms > last)
            last = death->erased_ms;
    return last;
}

/*
 * keeps SECURITY-DESIGN section 6: survivors of a destruction get a new domain key, so that copies
 * of the store from before it are of no use without a copy of root.json from before it. Once a day
 * is enough: copies live for weeks.
 */
static bool
change_is_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms)
{
    struct rdt_view view = {.state = kms->state};
    int64_t since = now_ms - thread->rewrap.looked_ms;
    if (since >= 0 && since < LOOK_MS)
        return false;
    thread->rewrap.looked_ms = now_ms;
    const struct rdt_domain *row = row_of(view, rdt_view_site(view)->domain);
    return row != NULL && now_ms >= row->created_ms + DAY_MS &&
           erased_last(view) >= row->created_ms && next_ahead(kms, highest_row(view)) != 0;
}

static void
local(struct rdt_kms *kms, struct rdt_kms_thread *thread, const char *op)
{
    RDT_BUF out = {0};
    /* a failure is in the audit log; the next tick finds the same thing to do */
    (void)!rdt_kms_local(kms, thread, op, "{}", &out, NULL);
}

/* A new pass over everything; or, after one that found nothing, the end of older keys. */
static void
end_pass(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms)
{
    struct rewrap_at *at = &thread->rewrap;
    if (!at->moved && !at->failed) {
        local(kms, thread, "SystemDomainRetire");
        kms->drop_domains = true;
    }
    if (!at->moved && at->failed)
        at->next_ms = now_ms + AGAIN_MS;
    at->kind = 0;
    at->id_n = 0;
    at->moved = at->failed = false;
}

/* The writer's own reads need no lock: nobody else changes anything. */
void
rdt_domain_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms)
{
    struct rdt_view view = {.state = kms->state};
    struct rewrap_at *at = &thread->rewrap;
    if (change_is_due(kms, thread, now_ms))
        (void)!rdt_kms_domain_rotate(kms, thread, NULL, NULL);
    uint32_t number = rdt_view_site(view)->domain;
    if (older(view) != 0 && at->next_ms <= now_ms) {
        if (at->under != number) /* those that a pass has behind it are older now */
            *at = (struct rewrap_at){.under = number, .looked_ms = at->looked_ms};
        local(kms, thread, "SystemRewrap");
        if (at->kind == RDT_COUNT(kinds))
            end_pass(kms, thread, now_ms);
    }
    if (kms->drop_domains && drop_retired(kms) == RDT_OK)
        kms->drop_domains = false;
}

/* ---- at the start ---- */

static enum rdt_code
check_there(struct rdt_kms *kms, struct rdt_err *err)
{
    struct rdt_view view = {.state = kms->state};
    struct rdt_span id = {0};
    const struct rdt_domain *row;
    while ((row = rdt_view_next(view, RDT_KIND_DOMAIN, id, &id)) != NULL) {
        bool there = rdt_domains_get(&kms->domains, row->number) != NULL;
        if (row->retired && there)
            kms->drop_domains = true;
        if (row->retired || there)
            continue;
        rdt_fail(err, RDT_E_STATE, "root.json lacks domain key %u, which the store needs",
                 row->number);
        rdt_hint(err, "root.json and store.db are of different days: put back those that belong "
                      "together");
        return RDT_E_STATE;
    }
    return RDT_OK;
}

enum rdt_code
rdt_domain_open(struct rdt_kms *kms, const struct rdt_kms_opts *opts, struct rdt_err *err)
{
    size_t made = 0;
    enum rdt_code rc = check_there(kms, err);
    if (rc != RDT_OK)
        return rc;
    uint32_t above = highest_row((struct rdt_view){.state = kms->state});
    uint32_t first = next_ahead(kms, above), was = rdt_domains_highest(&kms->domains);
    rc = rdt_domains_ahead(&kms->domains, first != 0 ? first : above + 1, opts->root, opts->open,
                           &made, NULL);
    if (rc == RDT_OK && made != 0)
        rc = rdt_root_save(opts->root, opts->data, NULL);
    if (rc != RDT_OK) /* what is not in root.json is not there: the next start makes it */
        forget_ahead(kms, was + 1);
    return RDT_OK;
}

/* ---- the table ---- */

static const struct rdt_in number_in[] = {
    {.name = "Number", .type = RDT_IN_INT, .required = true, .min = 1, .max = UINT32_MAX},
};

#define SYSTEM(text, handler)                                                                      \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .cls = RDT_OP_WRITE, .internal = true,               \
        .run = handler                                                                             \
    }

static const struct rdt_op ops[] = {
  /* by name */
    SYSTEM("SystemDomainRetire", domain_retire),
    {.name = "SystemDomainRotate",
                                           .front = RDT_FRONT_OWN,
                                           .cls = RDT_OP_WRITE,
                                           .internal = true,
                                           .in = number_in,
                                           .n_in = RDT_COUNT(number_in),
                                           .run = domain_rotate},
    SYSTEM("SystemRewrap", rewrap),
};

const struct rdt_op_table rdt_ops_domain = {ops, RDT_COUNT(ops)};
