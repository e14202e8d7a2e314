#include "seal/seal_internal.h"

#include "base/cursor.h"
#include "base/text.h"

#define MAGIC "RBF1"
#define MAGIC_LEN ((size_t)4)
#define VERSION 1
#define SUITE 1
#define FILE_ID_AT ((size_t)10)
#define UUID_LEN ((size_t)16)

/* Kinds of what a policy says; each at most once, ascending. */
enum { ASSET = 1, LEVEL = 2, CREATED = 3, EXPIRES = 4, RING = 5, CODING = 6, LATER = 7 };

/* ---- to write ---- */

static bool
time_ok(int64_t ms)
{
    return ms >= 0 && (uint64_t)ms <= RDT_SEAL_TIME_MAX;
}

static bool
policy_ok(const struct rdt_seal_policy *p)
{
    return p->asset.n <= RDT_SEAL_ASSET_MAX && rdt_text_fit(p->asset) &&
           p->level <= RDT_SEAL_CRITICAL && time_ok(p->created_ms) && time_ok(p->expires_ms) &&
           (p->ring.n == 0 || p->ring.n == UUID_LEN) && p->coding <= RDT_SEAL_ZSTD;
}

static void
put_item(struct rdt_buf *out, uint8_t kind, struct rdt_span bytes)
{
    if (bytes.n == 0)
        return;
    rdt_buf_uint(out, kind, 1);
    rdt_buf_uint(out, bytes.n, 2);
    rdt_buf_add(out, bytes.p, bytes.n);
}

static void
put_number(struct rdt_buf *out, uint8_t kind, uint64_t v, size_t n)
{
    if (v == 0)
        return;
    rdt_buf_uint(out, kind, 1);
    rdt_buf_uint(out, n, 2);
    rdt_buf_uint(out, v, n);
}

static void
put_policy(struct rdt_buf *out, const struct rdt_seal_policy *p)
{
    put_item(out, ASSET, p->asset);
    put_number(out, LEVEL, (uint64_t)p->level, 1);
    put_number(out, CREATED, (uint64_t)p->created_ms, 8);
    put_number(out, EXPIRES, (uint64_t)p->expires_ms, 8);
    put_item(out, RING, p->ring);
    put_number(out, CODING, (uint64_t)p->coding, 1);
}

enum rdt_seal_fault
rdt_seal_core_make(const uint8_t *file_id, uint32_t slot_len, const struct rdt_seal_policy *policy,
                   struct rdt_buf *out)
{
    static const struct rdt_seal_policy silent = {.level = RDT_SEAL_NO_LEVEL};
    RDT_BUF items = {0};
    if (policy == NULL)
        policy = &silent;
    if (slot_len < RDT_SEAL_SLOT_MIN || slot_len > RDT_SEAL_SLOT_MAX || !policy_ok(policy))
        return RDT_SEAL_USAGE;
    put_policy(&items, policy);
    size_t before = out->n;
    rdt_buf_str(out, MAGIC);
    rdt_buf_uint(out, VERSION, 1);
    rdt_buf_uint(out, SUITE, 1);
    rdt_buf_uint(out, slot_len, 4);
    rdt_buf_add(out, file_id, RDT_SEAL_FILE_ID_LEN);
    rdt_buf_uint(out, items.n, 2);
    rdt_buf_add(out, items.p, items.n);
    if (rdt_buf_ok(&items) && rdt_buf_ok(out))
        return RDT_SEAL_OK;
    out->n = before;
    return RDT_SEAL_INTERNAL;
}

bool
rdt_seal_file_id(struct rdt_span core, struct rdt_span *out)
{
    if (core.n < RDT_SEAL_FRONT_LEN)
        return false;
    *out = (struct rdt_span){core.p + FILE_ID_AT, RDT_SEAL_FILE_ID_LEN};
    return true;
}

/* ---- to read ---- */

/* docs/formats/sealed-file.md 2: "RBF1" | u8 version | u8 suite | u32 slot | file id 16 | u16 n */
struct front {
    uint32_t slot_len;
    struct rdt_span file_id;
    uint16_t policy_len;
};

static enum rdt_seal_fault
take_front(struct rdt_span *in, struct front *out)
{
    struct rdt_span magic;
    uint8_t version, suite;
    if (!rdt_take(in, MAGIC_LEN, &magic) || !rdt_span_is(magic, MAGIC))
        return RDT_SEAL_NOT_RBF1;
    if (!rdt_take_u8(in, &version) || !rdt_take_u8(in, &suite))
        return RDT_SEAL_NOT_RBF1;
    if (version != VERSION || suite != SUITE)
        return RDT_SEAL_VERSION;
    bool ok = rdt_take_u32(in, &out->slot_len);
    ok = ok && rdt_take(in, RDT_SEAL_FILE_ID_LEN, &out->file_id);
    ok = ok && rdt_take_u16(in, &out->policy_len);
    if (!ok)
        return RDT_SEAL_NOT_RBF1;
    ok = out->slot_len >= RDT_SEAL_SLOT_MIN && out->slot_len <= RDT_SEAL_SLOT_MAX &&
         out->policy_len <= RDT_SEAL_POLICY_MAX;
    return ok ? RDT_SEAL_OK : RDT_SEAL_HEAD;
}

static bool
read_time(struct rdt_span in, int64_t *out)
{
    uint64_t v;
    if (!rdt_take_uint(&in, 8, &v) || in.n != 0 || v == 0 || v > RDT_SEAL_TIME_MAX)
        return false;
    *out = (int64_t)v;
    return true;
}

static bool
read_level(struct rdt_span in, enum rdt_seal_level *out)
{
    if (in.n != 1 || in.p[0] < RDT_SEAL_LOW || in.p[0] > RDT_SEAL_CRITICAL)
        return false;
    *out = (enum rdt_seal_level)in.p[0];
    return true;
}

static bool
read_item(uint8_t kind, struct rdt_span bytes, struct rdt_seal_policy *out)
{
    switch (kind) {
    case ASSET:
        out->asset = bytes;
        return bytes.n <= RDT_SEAL_ASSET_MAX && rdt_text_fit(bytes);
    case LEVEL:
        return read_level(bytes, &out->level);
    case CREATED:
        return read_time(bytes, &out->created_ms);
    case EXPIRES:
        return read_time(bytes, &out->expires_ms);
    case RING:
        out->ring = bytes;
        return bytes.n == UUID_LEN;
    case CODING:
        out->coding = RDT_SEAL_ZSTD;
        return bytes.n == 1 && bytes.p[0] == RDT_SEAL_ZSTD;
    default:
        return false;
    }
}

/* (u8 kind | vec16 bytes)..., kinds ascending, no value empty */
static enum rdt_seal_fault
read_policy(struct rdt_span in, struct rdt_seal_policy *out)
{
    uint8_t kind, last = 0;
    uint16_t n;
    struct rdt_span bytes;
    while (in.n != 0) {
        bool ok = rdt_take_u8(&in, &kind) && rdt_take_u16(&in, &n) && rdt_take(&in, n, &bytes);
        if (!ok || n == 0 || kind <= last)
            return RDT_SEAL_HEAD;
        if (kind >= LATER) /* nobody here knows what it asks for */
            return RDT_SEAL_VERSION;
        if (!read_item(kind, bytes, out))
            return RDT_SEAL_HEAD;
        last = kind;
    }
    return RDT_SEAL_OK;
}

static size_t
head_len(const struct front *front)
{
    return RDT_SEAL_FRONT_LEN + front->policy_len + 2 * (size_t)front->slot_len;
}

enum rdt_seal_fault
rdt_seal_head_len(struct rdt_span front, size_t *len)
{
    struct front f = {0};
    enum rdt_seal_fault fault = take_front(&front, &f);
    if (fault == RDT_SEAL_OK)
        *len = head_len(&f);
    return fault;
}

size_t
rdt_seal_slot_at(const struct rdt_seal_head *head, unsigned slot)
{
    return head->core.n + (slot == 0 ? 0 : head->slot_len);
}

/* u64 generation | u32 n | n stanzas | zeroes | MAC 32 */
static void
read_slot(struct rdt_span bytes, struct rdt_seal_slot *out)
{
    struct rdt_span in = {bytes.p, bytes.n - RDT_SHA256_LEN};
    uint32_t n;
    *out = (struct rdt_seal_slot){.bytes = bytes};
    bool ok = rdt_take_uint(&in, 8, &out->generation) && out->generation != 0;
    ok = ok && rdt_take_u32(&in, &n) && rdt_take(&in, n, &out->stanzas);
    for (size_t i = 0; ok && i < in.n; i++)
        ok = in.p[i] == 0;
    out->readable = ok && rdt_seal_stanzas_fit(out->stanzas, &out->passphrase);
}

enum rdt_seal_fault
rdt_seal_head_read(struct rdt_span bytes, struct rdt_seal_head *out)
{
    struct rdt_span in = bytes, policy, slot;
    struct rdt_seal_head head = {.slot_len = 0};
    struct front front = {0};
    enum rdt_seal_fault fault = take_front(&in, &front);
    if (fault != RDT_SEAL_OK)
        return fault;
    if (!rdt_take(&in, front.policy_len, &policy))
        return RDT_SEAL_HEAD;
    fault = read_policy(policy, &head.policy);
    if (fault != RDT_SEAL_OK)
        return fault;
    head.core = (struct rdt_span){bytes.p, RDT_SEAL_FRONT_LEN + front.policy_len};
    head.file_id = front.file_id;
    head.slot_len = front.slot_len;
    for (size_t i = 0; i < RDT_COUNT(head.slots); i++) {
        if (!rdt_take(&in, front.slot_len, &slot))
            return RDT_SEAL_HEAD;
        read_slot(slot, &head.slots[i]);
    }
    if (!head.slots[0].readable && !head.slots[1].readable)
        return RDT_SEAL_HEAD;
    *out = head;
    return RDT_SEAL_OK;
}
