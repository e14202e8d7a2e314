/*
 * Bytes of reports and receipts. Both sides use these functions, so what one writes the other
 * reads, and there is one way to write anything.
 */
#include "codec/census.h"

#include "base/cursor.h"
#include "base/text.h"

#include <string.h>

#define CENSUS_LABEL "redoubt census v1"
#define RECEIPT_LABEL "redoubt seal receipt v2"
#define COUNT_LEN ((size_t)12)
#define EPOCH_LEN ((size_t)16)
#define HELD_LEN ((size_t)20)
#define NAME_MAX_LEN 255
#define TIME_MAX ((uint64_t)1 << 53) /* ms: beyond any date that people use */
#define STORE_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-"

bool
rdt_store_name_ok(struct rdt_span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '\0' || strchr(STORE_CHARACTERS, name.p[i]) == NULL)
            return false;
    return name.n != 0 && name.n <= RDT_CENSUS_STORE_MAX;
}

static void
put_short(struct rdt_buf *out, struct rdt_span text)
{
    rdt_buf_uint(out, text.n, 1);
    rdt_buf_add(out, text.p, text.n);
}

static bool
take_label(struct rdt_span *in, const char *label)
{
    struct rdt_span got;
    return rdt_take(in, strlen(label) + 1, &got) && got.p[got.n - 1] == '\0' &&
           rdt_span_is((struct rdt_span){got.p, got.n - 1}, label);
}

static bool
take_16(struct rdt_span *in, uint8_t out[static 16])
{
    struct rdt_span got;
    bool ok = rdt_take(in, 16, &got);
    if (ok)
        memcpy(out, got.p, 16);
    return ok;
}

static bool
take_short(struct rdt_span *in, struct rdt_span *out)
{
    uint8_t n;
    return rdt_take_u8(in, &n) && rdt_take(in, n, out);
}

static bool
take_time(struct rdt_span *in, int64_t *out)
{
    uint64_t v;
    if (!rdt_take_uint(in, 8, &v) || v > TIME_MAX)
        return false;
    *out = (int64_t)v;
    return true;
}

static bool
take_list(struct rdt_span *in, size_t each, struct rdt_span *out)
{
    uint16_t n;
    return rdt_take_u16(in, &n) && n <= RDT_CENSUS_COUNTS_MAX && rdt_take(in, n * each, out);
}

/* ---- counts ---- */

bool
rdt_census_next(struct rdt_span *in, bool epochs, struct rdt_census_count *out)
{
    *out = (struct rdt_census_count){0};
    return (!epochs || rdt_take_u32(in, &out->handle)) && rdt_take_u32(in, &out->version) &&
           rdt_take_uint(in, 8, &out->count);
}

void
rdt_census_add(struct rdt_buf *out, bool epochs, const struct rdt_census_count *count)
{
    if (epochs)
        rdt_buf_uint(out, count->handle, 4);
    rdt_buf_uint(out, count->version, 4);
    rdt_buf_uint(out, count->count, 8);
}

static bool
in_order(struct rdt_span list, bool epochs)
{
    struct rdt_census_count count;
    uint64_t last = 0;
    while (rdt_census_next(&list, epochs, &count)) {
        uint64_t place = (uint64_t)count.handle << 32 | count.version;
        if (count.version == 0 || count.count == 0 || place <= last)
            return false;
        last = place;
    }
    return true;
}

/* ---- a report ---- */

void
rdt_census_put(const struct rdt_census *census, struct rdt_buf *out)
{
    rdt_buf_add(out, CENSUS_LABEL, sizeof CENSUS_LABEL);
    rdt_buf_add(out, census->deployment, 16);
    rdt_buf_add(out, census->nonce, 16);
    put_short(out, census->store);
    rdt_buf_add(out, census->key, 16);
    rdt_buf_uint(out, census->looked_at, 8);
    rdt_buf_uint(out, census->total, 8);
    rdt_buf_uint(out, census->counts.n / COUNT_LEN, 2);
    rdt_buf_add(out, census->counts.p, census->counts.n);
    rdt_buf_uint(out, census->epochs.n / EPOCH_LEN, 2);
    rdt_buf_add(out, census->epochs.p, census->epochs.n);
    rdt_buf_uint(out, census->highest, 4);
    rdt_buf_uint(out, (uint64_t)census->made_ms, 8);
}

/* docs/formats/census.md 1 */
enum rdt_code
rdt_census_read(struct rdt_span bytes, struct rdt_census *out, struct rdt_err *err)
{
    struct rdt_span in = bytes;
    struct rdt_census c = {0};
    bool ok = take_label(&in, CENSUS_LABEL);
    ok = ok && take_16(&in, c.deployment);
    ok = ok && take_16(&in, c.nonce);
    ok = ok && take_short(&in, &c.store);
    ok = ok && take_16(&in, c.key);
    ok = ok && rdt_take_uint(&in, 8, &c.looked_at);
    ok = ok && rdt_take_uint(&in, 8, &c.total);
    ok = ok && take_list(&in, COUNT_LEN, &c.counts);
    ok = ok && take_list(&in, EPOCH_LEN, &c.epochs);
    ok = ok && rdt_take_u32(&in, &c.highest);
    ok = ok && take_time(&in, &c.made_ms);
    if (!ok || in.n != 0)
        return rdt_fail(err, RDT_E_BADINPUT, "not a census report");
    if (!rdt_store_name_ok(c.store))
        return rdt_fail(err, RDT_E_BADINPUT, "a census report of a store without a proper name");
    if (c.looked_at > c.total)
        return rdt_fail(err, RDT_E_BADINPUT, "a census report that looked at more than there is");
    if (!in_order(c.counts, false) || !in_order(c.epochs, true))
        return rdt_fail(err, RDT_E_BADINPUT, "a census report with counts out of order");
    *out = c;
    return RDT_OK;
}

/* ---- a receipt ---- */

void
rdt_receipt_put(const struct rdt_receipt *receipt, struct rdt_buf *out)
{
    rdt_buf_add(out, RECEIPT_LABEL, sizeof RECEIPT_LABEL);
    rdt_buf_add(out, receipt->deployment, 16);
    rdt_buf_add(out, receipt->file, 16);
    rdt_buf_add(out, receipt->digest, sizeof receipt->digest);
    put_short(out, receipt->name);
    rdt_buf_uint(out, (uint64_t)receipt->created_ms, 8);
    rdt_buf_uint(out, (uint64_t)receipt->until_ms, 8);
    rdt_buf_uint(out, receipt->versions.n / HELD_LEN, 2);
    rdt_buf_add(out, receipt->versions.p, receipt->versions.n);
}

/* docs/formats/census.md 3 */
enum rdt_code
rdt_receipt_read(struct rdt_span bytes, struct rdt_receipt *out, struct rdt_err *err)
{
    struct rdt_span in = bytes;
    struct rdt_receipt r = {0};
    bool ok = take_label(&in, RECEIPT_LABEL);
    ok = ok && take_16(&in, r.deployment);
    ok = ok && take_16(&in, r.file);
    ok = ok && take_16(&in, r.digest) && take_16(&in, r.digest + 16);
    ok = ok && take_short(&in, &r.name);
    ok = ok && take_time(&in, &r.created_ms);
    ok = ok && take_time(&in, &r.until_ms);
    ok = ok && take_list(&in, HELD_LEN, &r.versions);
    if (!ok || in.n != 0)
        return rdt_fail(err, RDT_E_BADINPUT, "not a seal receipt");
    /* it is shown on terminals, and a certificate has to find room for hundreds of them */
    if (!rdt_text_fit(r.name))
        return rdt_fail(err, RDT_E_BADINPUT,
                        "a seal receipt whose name has characters that cannot be shown");
    if (r.until_ms < r.created_ms)
        return rdt_fail(err, RDT_E_BADINPUT, "a seal receipt that ends before it begins");
    *out = r;
    return RDT_OK;
}
