#include "seal/footer.h"

#include "base/cursor.h"

#define VERSION 1
#define END_MARK "RBFE"
#define END_LEN ((size_t)8) /* u32 length | mark */
#define FLAG_HASHED 0x01
#define FLAG_CONTAINED 0x02
#define FLAGS (FLAG_HASHED | FLAG_CONTAINED)

/* Whether a list ascends, entry by entry. */
static bool
ascends(struct rdt_span list, size_t each)
{
    if (list.n % each != 0 || list.n / each > RDT_SEAL_CONTAINED_MAX)
        return false;
    for (size_t at = each; at < list.n; at += each)
        if (rdt_span_cmp((struct rdt_span){list.p + at - each, each},
                         (struct rdt_span){list.p + at, each}) >= 0)
            return false;
    return true;
}

/* What every footer keeps; the rest is for the reader of the body to compare. */
static bool
footer_ok(const struct rdt_seal_footer *f)
{
    if (!f->contained_known && (f->epochs.n != 0 || f->versions.n != 0))
        return false;
    if (f->coding == RDT_SEAL_RAW && f->plain_len != f->stored_len)
        return false;
    return f->coding <= RDT_SEAL_ZSTD && ascends(f->epochs, RDT_SEAL_EPOCH_LEN) &&
           ascends(f->versions, RDT_SEAL_VERSION_LEN);
}

/* ---- to write ---- */

static void
put_lists(const struct rdt_seal_footer *f, struct rdt_buf *out)
{
    rdt_buf_uint(out, f->epochs.n / RDT_SEAL_EPOCH_LEN, 2);
    rdt_buf_add(out, f->epochs.p, f->epochs.n);
    rdt_buf_uint(out, f->versions.n / RDT_SEAL_VERSION_LEN, 2);
    rdt_buf_add(out, f->versions.p, f->versions.n);
}

enum rdt_seal_fault
rdt_seal_footer_put(const struct rdt_seal_footer *footer, struct rdt_buf *out)
{
    size_t before = out->n;
    uint8_t flags = (uint8_t)((footer->hashed ? FLAG_HASHED : 0) |
                              (footer->contained_known ? FLAG_CONTAINED : 0));
    if (footer->epochs.n > RDT_SEAL_CONTAINED_MAX * RDT_SEAL_EPOCH_LEN ||
        footer->versions.n > RDT_SEAL_CONTAINED_MAX * RDT_SEAL_VERSION_LEN)
        return RDT_SEAL_LIMIT;
    if (!footer_ok(footer))
        return RDT_SEAL_USAGE;
    rdt_buf_uint(out, VERSION, 1);
    rdt_buf_uint(out, flags, 1);
    rdt_buf_uint(out, (uint64_t)footer->coding, 1);
    rdt_buf_uint(out, footer->exit_status, 4);
    rdt_buf_uint(out, footer->plain_len, 8);
    rdt_buf_uint(out, footer->stored_len, 8);
    rdt_buf_add(out, footer->tags, sizeof footer->tags);
    if (footer->hashed)
        rdt_buf_add(out, footer->plain, sizeof footer->plain);
    if (footer->contained_known)
        put_lists(footer, out);
    rdt_buf_uint(out, out->n - before, 4);
    rdt_buf_str(out, END_MARK);
    if (rdt_buf_ok(out))
        return RDT_SEAL_OK;
    out->n = before;
    return RDT_SEAL_INTERNAL;
}

/* ---- to read ---- */

static bool
take_hash(struct rdt_span *in, uint8_t out[static RDT_SHA256_LEN])
{
    struct rdt_span got;
    bool ok = rdt_take(in, RDT_SHA256_LEN, &got);
    if (ok)
        memcpy(out, got.p, RDT_SHA256_LEN);
    return ok;
}

static bool
take_list(struct rdt_span *in, size_t each, struct rdt_span *out)
{
    uint16_t n;
    return rdt_take_u16(in, &n) && rdt_take(in, n * each, out);
}

/* docs/formats/sealed-file.md 6: u8 version | u8 flags | u8 coding | u32 exit | u64 plain |
 * u64 stored | tags 32 | [plain 32] | [u16 n | n epochs 22 | u16 n | n versions 20] */
static bool
read_record(struct rdt_span in, struct rdt_seal_footer *out)
{
    struct rdt_seal_footer f = {.exit_status = 0};
    uint8_t version, flags, coding;
    bool ok = rdt_take_u8(&in, &version) && version == VERSION;
    ok = ok && rdt_take_u8(&in, &flags) && (flags & ~FLAGS) == 0;
    ok = ok && rdt_take_u8(&in, &coding) && coding <= RDT_SEAL_ZSTD;
    ok = ok && rdt_take_u32(&in, &f.exit_status);
    ok = ok && rdt_take_uint(&in, 8, &f.plain_len);
    ok = ok && rdt_take_uint(&in, 8, &f.stored_len);
    ok = ok && take_hash(&in, f.tags);
    f.hashed = ok && (flags & FLAG_HASHED) != 0;
    ok = ok && (!f.hashed || take_hash(&in, f.plain));
    f.contained_known = ok && (flags & FLAG_CONTAINED) != 0;
    if (ok && f.contained_known)
        ok = take_list(&in, RDT_SEAL_EPOCH_LEN, &f.epochs) &&
             take_list(&in, RDT_SEAL_VERSION_LEN, &f.versions);
    if (!ok || in.n != 0)
        return false;
    f.coding = (enum rdt_seal_coding)coding;
    *out = f;
    return footer_ok(out);
}

enum rdt_seal_fault
rdt_seal_footer_read(struct rdt_span tail, struct rdt_seal_footer *out, size_t *len)
{
    struct rdt_span end, mark;
    uint32_t n;
    if (tail.n < END_LEN)
        return RDT_SEAL_INCOMPLETE;
    end = (struct rdt_span){tail.p + tail.n - END_LEN, END_LEN};
    if (!rdt_take_u32(&end, &n) || !rdt_take(&end, END_LEN - 4, &mark) ||
        !rdt_span_is(mark, END_MARK))
        return RDT_SEAL_INCOMPLETE;
    if (n > RDT_SEAL_TAIL_MAX - END_LEN || n > tail.n - END_LEN ||
        !read_record((struct rdt_span){tail.p + tail.n - END_LEN - n, n}, out))
        return RDT_SEAL_FOOTER;
    *len = n + END_LEN;
    return out->exit_status == 0 ? RDT_SEAL_OK : RDT_SEAL_INCOMPLETE;
}
