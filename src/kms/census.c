/*
 * Registered stores, scanners and reports as rows: finding them, and what they say about a version.
 */
#include "kms/life_internal.h"

#include "codec/census.h"

void
rdt_version_id(const uint8_t key[static 16], uint32_t number, uint8_t out[static 20])
{
    memcpy(out, key, 16);
    for (size_t i = 0; i < 4; i++)
        out[16 + i] = (uint8_t)(number >> (24 - 8 * i));
}

void
rdt_report_id(struct rdt_span store, const uint8_t key[static 16], struct rdt_buf *out)
{
    rdt_buf_add(out, store.p, store.n);
    rdt_buf_add(out, "", 1);
    rdt_buf_add(out, key, 16);
}

/* ---- stores ---- */

/* Where a key stands among a store's, or would stand. */
static bool
find_key(const struct rdt_store_reg *store, const uint8_t key[static 16], size_t *at)
{
    size_t low = 0, high = store->keys.n / 16;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = rdt_span_cmp((struct rdt_span){store->keys.p + middle * 16, 16},
                                 (struct rdt_span){key, 16});
        if (order == 0) {
            *at = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    return false;
}

const struct rdt_store_reg *
rdt_store_of(struct rdt_view view, struct rdt_span name, const uint8_t key[static 16])
{
    size_t at;
    const struct rdt_store_reg *store = rdt_view_get(view, RDT_KIND_STORE, name);
    return store != NULL && find_key(store, key, &at) ? store : NULL;
}

const struct rdt_store_reg *
rdt_store_after(struct rdt_view view, const uint8_t key[static 16], const char *name)
{
    struct rdt_span id = name == NULL ? (struct rdt_span){0} : rdt_span_str(name);
    const struct rdt_store_reg *store;
    size_t at;
    while ((store = rdt_view_next(view, RDT_KIND_STORE, id, &id)) != NULL)
        if (find_key(store, key, &at))
            return store;
    return NULL;
}

bool
rdt_store_register(struct rdt_tx *tx, struct rdt_span name, struct rdt_span kind,
                   const uint8_t key[static 16], int64_t now_ms)
{
    RDT_BUF keys = {0};
    size_t at;
    if (rdt_store_of(rdt_tx_view(tx), name, key) != NULL)
        return true;
    struct rdt_store_reg *store = rdt_tx_edit(tx, RDT_KIND_STORE, name);
    if (store == NULL) {
        store = rdt_tx_add(tx, RDT_KIND_STORE, name);
        if (store == NULL || !rdt_text_set(&store->name, name) || !rdt_text_set(&store->kind, kind))
            return false;
        store->added_ms = now_ms;
    }
    (void)find_key(store, key, &at);
    rdt_buf_add(&keys, store->keys.p, at * 16);
    rdt_buf_add(&keys, key, 16);
    if (store->keys.n > at * 16)
        rdt_buf_add(&keys, store->keys.p + at * 16, store->keys.n - at * 16);
    return rdt_buf_ok(&keys) && rdt_bytes_set(&store->keys, rdt_buf_span(&keys)) &&
           rdt_drain_back(tx, key, now_ms);
}

/* ---- scanners ---- */

/* Scanners are few: a name is looked for among all of them. */
const struct rdt_scanner *
rdt_scanner_named(struct rdt_view view, struct rdt_span name)
{
    struct rdt_span id = {0};
    const struct rdt_scanner *scanner;
    while ((scanner = rdt_view_next(view, RDT_KIND_SCANNER, id, &id)) != NULL)
        if (rdt_span_is(name, scanner->name))
            return scanner;
    return NULL;
}

bool
rdt_scanner_covers(const struct rdt_scanner *scanner, struct rdt_span store)
{
    for (size_t from = 0, i = 0; i < scanner->stores.n; i++) {
        if (scanner->stores.p[i] != '\0')
            continue;
        if (rdt_span_eq((struct rdt_span){scanner->stores.p + from, i - from}, store))
            return true;
        from = i + 1;
    }
    return false;
}

/* ---- reports ---- */

const struct rdt_census_report *
rdt_report_of(struct rdt_view view, struct rdt_span store, const uint8_t key[static 16])
{
    RDT_BUF id = {0};
    rdt_report_id(store, key, &id);
    return rdt_buf_ok(&id) ? rdt_view_get(view, RDT_KIND_REPORT, rdt_buf_span(&id)) : NULL;
}

uint64_t
rdt_report_count(struct rdt_view view, const struct rdt_census_report *report, uint32_t version)
{
    struct rdt_span in = rdt_bytes_span(&report->counts);
    struct rdt_census_count count;
    uint64_t sum = 0;
    while (rdt_census_next(&in, false, &count)) {
        if (version != 0 && count.version != version)
            continue;
        const struct rdt_version *row = rdt_view_version(view, report->key, count.version);
        if (version == 0 && row != NULL && row->state == RDT_VERSION_DESTROYED)
            continue;
        sum = count.count > UINT64_MAX - sum ? UINT64_MAX : sum + count.count;
    }
    return sum;
}
