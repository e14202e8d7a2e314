#include "store/audit_format_internal.h"

#include "base/cursor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define HEADER_MAGIC "RDTAUDIT"
#define FRAME_MAGIC "RAF1"
#define FRAME_END 0x2E
#define CHECKPOINT_MAGIC "RDTACKP1"
#define CHECKPOINT_LABEL "redoubt audit checkpoint 1"                     /* with its NUL */
#define CHECKED_LEN (AUDIT_HEADER_LEN - AUDIT_CHECK_LEN - RDT_SHA256_LEN) /* of a header */

/* Fixed layouts, written front to back. */
struct pen {
    uint8_t *p;
};

static void
put(struct pen *pen, const void *bytes, size_t n)
{
    memcpy(pen->p, bytes, n);
    pen->p += n;
}

static void
put_uint(struct pen *pen, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++)
        pen->p[i] = (uint8_t)(value >> 8 * (n - 1 - i));
    pen->p += n;
}

static bool
take_into(struct rdt_span *in, uint8_t *out, size_t n)
{
    struct rdt_span raw;
    if (!rdt_take(in, n, &raw))
        return false;
    memcpy(out, raw.p, n);
    return true;
}

static bool
take_text(struct rdt_span *in, const char *text)
{
    struct rdt_span raw;
    return rdt_take(in, strlen(text), &raw) && rdt_span_is(raw, text);
}

static bool
take_zeroes(struct rdt_span *in, size_t n)
{
    struct rdt_span raw;
    uint8_t any = 0;
    if (!rdt_take(in, n, &raw))
        return false;
    for (size_t i = 0; i < n; i++)
        any |= raw.p[i];
    return any == 0;
}

void
rdt_audit_name(uint64_t number, const char *suffix, char out[static AUDIT_NAME_LEN])
{
    assert(number < AUDIT_SEGMENTS_TOP);
    snprintf(out, AUDIT_NAME_LEN, "%08u%s", (unsigned)number, suffix);
}

/* ---- keys ---- */

/* S(s + 1) = HMAC(S(s), "segment"), F(0) = HMAC(S(s), "frame"), header's = HMAC(S(s), "header"),
 * F(i + 1) = HMAC(F(i), "next") */
static enum rdt_code
derive(struct rdt_worker *worker, const struct rdt_secret *from, const char *label,
       struct rdt_secret *out, struct rdt_err *err)
{
    struct rdt_span part = rdt_span_str(label);
    enum rdt_code rc = rdt_hmac_key(worker, from, &part, 1, out);
    return rc == RDT_OK ? rc : rdt_fail(err, rc, "HMAC failed in libcrypto");
}

static enum rdt_code
mac_of(struct rdt_worker *worker, const struct rdt_secret *key, const uint8_t *digest, uint8_t *out,
       struct rdt_err *err)
{
    struct rdt_span part = {digest, RDT_SHA256_LEN};
    enum rdt_code rc = rdt_hmac(worker, key, &part, 1, out);
    return rc == RDT_OK ? rc : rdt_fail(err, rc, "HMAC failed in libcrypto");
}

enum rdt_code
rdt_audit_keys_start(struct audit_keys *keys, const struct rdt_secret *chain, struct rdt_err *err)
{
    assert(chain->n == RDT_KEY_LEN);
    enum rdt_code rc = rdt_secret_copy(&keys->next, rdt_secret_view(chain), err);
    return rc == RDT_OK ? rdt_secret_new(&keys->frame, RDT_KEY_LEN, err) : rc;
}

enum rdt_code
rdt_audit_keys_header(const struct audit_keys *keys, struct rdt_worker *worker,
                      struct rdt_secret *out, struct rdt_err *err)
{
    return derive(worker, &keys->next, "header", out, err);
}

enum rdt_code
rdt_audit_keys_segment(struct audit_keys *keys, struct rdt_worker *worker, struct rdt_err *err)
{
    enum rdt_code rc = derive(worker, &keys->next, "frame", &keys->frame, err);
    return rc == RDT_OK ? derive(worker, &keys->next, "segment", &keys->next, err) : rc;
}

enum rdt_code
rdt_audit_keys_mac(const struct audit_keys *keys, struct rdt_worker *worker,
                   const uint8_t digest[static RDT_SHA256_LEN], uint8_t out[static RDT_SHA256_LEN],
                   struct rdt_err *err)
{
    return mac_of(worker, &keys->frame, digest, out, err);
}

enum rdt_code
rdt_audit_keys_frame(struct audit_keys *keys, struct rdt_worker *worker, struct rdt_err *err)
{
    return derive(worker, &keys->frame, "next", &keys->frame, err);
}

void
rdt_audit_keys_done(struct audit_keys *keys)
{
    rdt_secret_wipe(&keys->next);
    rdt_secret_wipe(&keys->frame);
}

/* ---- segment header ---- */

enum rdt_code
rdt_audit_header_put(struct audit_header *header, struct rdt_worker *worker,
                     const struct rdt_secret *key, uint8_t *out, struct rdt_err *err)
{
    struct pen pen = {out};
    memset(out, 0, AUDIT_HEADER_LEN);
    put(&pen, HEADER_MAGIC, 8);
    put_uint(&pen, 2, AUDIT_VERSION);
    put_uint(&pen, 6, AUDIT_HEADER_LEN);
    put(&pen, header->deployment, 16);
    put(&pen, header->node, 16);
    put_uint(&pen, 8, header->number);
    put_uint(&pen, 8, header->bytes);
    put_uint(&pen, 8, header->frame);
    put_uint(&pen, 8, header->time_us);
    put(&pen, header->link, RDT_SHA256_LEN);
    put_uint(&pen, 8, header->tree.size);
    for (size_t level = 0; level < RDT_MERKLE_LEVELS; level++, pen.p += RDT_SHA256_LEN)
        if ((header->tree.size >> level & 1) != 0)
            memcpy(pen.p, header->tree.node[level], RDT_SHA256_LEN);
    pen.p = out + CHECKED_LEN;
    enum rdt_code rc =
        rdt_digest(worker, &(struct rdt_span){out, CHECKED_LEN}, 1, header->digest, err);
    if (rc != RDT_OK)
        return rc;
    put(&pen, header->digest, AUDIT_CHECK_LEN);
    rc = mac_of(worker, key, header->digest, header->mac, err);
    put(&pen, header->mac, RDT_SHA256_LEN);
    return rc;
}

/* docs/formats/audit.md 3, up to the check */
static bool
take_header(struct rdt_span in, struct audit_header *out)
{
    uint64_t length;
    bool ok = rdt_take_uint(&in, 6, &length) && length == AUDIT_HEADER_LEN;
    ok = ok && take_into(&in, out->deployment, 16);
    ok = ok && take_into(&in, out->node, 16);
    ok = ok && rdt_take_uint(&in, 8, &out->number);
    ok = ok && rdt_take_uint(&in, 8, &out->bytes);
    ok = ok && rdt_take_uint(&in, 8, &out->frame);
    ok = ok && rdt_take_uint(&in, 8, &out->time_us);
    ok = ok && take_into(&in, out->link, RDT_SHA256_LEN);
    ok = ok && rdt_take_uint(&in, 8, &out->tree.size);
    for (size_t level = 0; ok && level < RDT_MERKLE_LEVELS; level++)
        ok = (out->tree.size >> level & 1) != 0
                 ? take_into(&in, out->tree.node[level], RDT_SHA256_LEN)
                 : take_zeroes(&in, RDT_SHA256_LEN);
    ok = ok && take_zeroes(&in, in.n);
    return ok && out->number < AUDIT_SEGMENTS_TOP && out->bytes >= AUDIT_SEGMENT_MIN &&
           out->bytes <= AUDIT_SEGMENT_TOP && out->frame < AUDIT_RECORDS_TOP &&
           out->tree.size < AUDIT_RECORDS_TOP;
}

enum rdt_code
rdt_audit_header_get(struct rdt_span bytes, struct rdt_worker *worker, struct audit_header *out,
                     struct rdt_err *err)
{
    struct rdt_span checked, in = bytes, check = {out->digest, AUDIT_CHECK_LEN};
    uint16_t version = 0;
    *out = (struct audit_header){0};
    bool ok = rdt_take(&in, CHECKED_LEN, &checked);
    struct rdt_span fields = checked;
    ok = ok && take_text(&fields, HEADER_MAGIC) && rdt_take_u16(&fields, &version);
    if (!ok)
        return rdt_fail(err, RDT_E_TAMPERED, "not a segment of an audit log");
    enum rdt_code rc = rdt_digest(worker, &checked, 1, out->digest, err);
    if (rc != RDT_OK)
        return rc;
    /* checked before the version is believed: a flipped bit is damage, not a newer program */
    ok = rdt_take(&in, AUDIT_CHECK_LEN, &checked) && rdt_span_eq(checked, check);
    if (ok && version != AUDIT_VERSION)
        return rdt_fail(err, RDT_E_STATE, "audit format %u, this program knows %d", version,
                        AUDIT_VERSION);
    ok = ok && take_header(fields, out) && take_into(&in, out->mac, RDT_SHA256_LEN) && in.n == 0;
    return ok ? RDT_OK : rdt_fail(err, RDT_E_TAMPERED, "the segment's header is damaged");
}

/* ---- frames ---- */

enum rdt_code
rdt_audit_frame_put(struct audit_frame *frame, struct rdt_worker *worker,
                    const struct audit_keys *keys, uint8_t *bytes, struct rdt_err *err)
{
    struct pen pen = {bytes};
    put(&pen, FRAME_MAGIC, 4);
    put(&pen, frame->tag, AUDIT_TAG_LEN);
    put_uint(&pen, 4, frame->kind);
    put_uint(&pen, 4, frame->n_payload);
    put_uint(&pen, 8, frame->number);
    put_uint(&pen, 8, frame->first);
    put_uint(&pen, 8, frame->count);
    put(&pen, frame->link, RDT_SHA256_LEN);
    struct rdt_span part = {bytes, AUDIT_HEAD_LEN - AUDIT_CHECK_LEN};
    enum rdt_code rc = rdt_digest(worker, &part, 1, frame->digest, err);
    if (rc != RDT_OK)
        return rc;
    put(&pen, frame->digest, AUDIT_CHECK_LEN);
    frame->payload = (struct rdt_span){pen.p, frame->n_payload};
    pen.p += frame->n_payload;
    part.n = AUDIT_HEAD_LEN + frame->n_payload;
    rc = rdt_digest(worker, &part, 1, frame->digest, err);
    if (rc != RDT_OK)
        return rc;
    put(&pen, frame->digest, AUDIT_CHECK_LEN);
    rc = rdt_audit_keys_mac(keys, worker, frame->digest, frame->mac, err);
    put(&pen, frame->mac, RDT_SHA256_LEN);
    put_uint(&pen, 1, FRAME_END);
    return rc;
}

/* docs/formats/audit.md 4 */
static bool
take_head(struct rdt_span in, struct audit_frame *out)
{
    uint64_t kind, n, count;
    bool ok = take_text(&in, FRAME_MAGIC);
    ok = ok && take_into(&in, out->tag, AUDIT_TAG_LEN);
    ok = ok && rdt_take_uint(&in, 4, &kind) && (kind == AUDIT_RECORDS || kind == AUDIT_CHECKPOINT);
    ok = ok && rdt_take_uint(&in, 4, &n) && n <= RDT_AUDIT_FRAME_MAX;
    ok = ok && rdt_take_uint(&in, 8, &out->number) && out->number < AUDIT_RECORDS_TOP;
    ok = ok && rdt_take_uint(&in, 8, &out->first) && out->first < AUDIT_RECORDS_TOP;
    ok = ok && rdt_take_uint(&in, 8, &count) && count <= n / 4;
    ok = ok && take_into(&in, out->link, RDT_SHA256_LEN);
    if (!ok)
        return false;
    out->kind = (uint8_t)kind;
    out->n_payload = (size_t)n;
    out->count = (uint32_t)count;
    return kind == AUDIT_RECORDS ? count > 0 : count == 0 && n == AUDIT_CHECKPOINT_LEN;
}

enum rdt_code
rdt_audit_head_get(struct rdt_span bytes, struct rdt_worker *worker, struct audit_frame *out,
                   bool *ok, struct rdt_err *err)
{
    struct rdt_span checked, check, got = {out->digest, AUDIT_CHECK_LEN};
    *out = (struct audit_frame){0};
    *ok = rdt_take(&bytes, AUDIT_HEAD_LEN - AUDIT_CHECK_LEN, &checked) &&
          rdt_take(&bytes, AUDIT_CHECK_LEN, &check) && take_head(checked, out);
    if (!*ok)
        return RDT_OK;
    enum rdt_code rc = rdt_digest(worker, &checked, 1, out->digest, err);
    *ok = rc == RDT_OK && rdt_span_eq(check, got);
    return rc;
}

enum rdt_code
rdt_audit_frame_get(struct rdt_span bytes, struct rdt_worker *worker, struct audit_frame *out,
                    bool *ok, struct rdt_err *err)
{
    struct rdt_span in = bytes, head, check, got = {out->digest, AUDIT_CHECK_LEN};
    uint8_t end = 0;
    *ok = false;
    enum rdt_code rc = rdt_audit_head_get(bytes, worker, out, ok, err);
    if (rc != RDT_OK || !*ok)
        return rc;
    *ok = rdt_take(&in, AUDIT_HEAD_LEN, &head) && rdt_take(&in, out->n_payload, &out->payload) &&
          rdt_take(&in, AUDIT_CHECK_LEN, &check) && take_into(&in, out->mac, RDT_SHA256_LEN) &&
          rdt_take_u8(&in, &end) && end == FRAME_END && in.n == 0;
    if (!*ok)
        return RDT_OK;
    bytes.n = AUDIT_HEAD_LEN + out->n_payload;
    rc = rdt_digest(worker, &bytes, 1, out->digest, err);
    *ok = rc == RDT_OK && rdt_span_eq(check, got);
    return rc;
}

enum rdt_code
rdt_audit_link(struct rdt_worker *worker, const uint8_t digest[static RDT_SHA256_LEN],
               const uint8_t mac[static RDT_SHA256_LEN], uint8_t out[static RDT_SHA256_LEN],
               struct rdt_err *err)
{
    const struct rdt_span parts[] = {
        {digest, RDT_SHA256_LEN},
        {mac,    RDT_SHA256_LEN}
    };
    return rdt_digest(worker, parts, RDT_COUNT(parts), out, err);
}

bool
rdt_audit_record_take(struct rdt_span *payload, struct rdt_span *record)
{
    struct rdt_span in = *payload;
    uint32_t n;
    if (!rdt_take_u32(&in, &n) || n > RDT_AUDIT_RECORD_MAX || !rdt_take(&in, n, record))
        return false;
    *payload = in;
    return true;
}

/* ---- checkpoints ---- */

static void
put_checkpoint(const struct rdt_checkpoint *checkpoint, uint8_t out[static AUDIT_CHECKPOINT_LEN])
{
    struct pen pen = {out};
    put(&pen, CHECKPOINT_MAGIC, 8);
    put(&pen, checkpoint->deployment, 16);
    put(&pen, checkpoint->node, 16);
    put_uint(&pen, 8, checkpoint->frame);
    put(&pen, checkpoint->link, RDT_SHA256_LEN);
    put_uint(&pen, 8, checkpoint->size);
    put(&pen, checkpoint->root, RDT_SHA256_LEN);
    put_uint(&pen, 8, checkpoint->time_us);
    put_uint(&pen, 8, checkpoint->revision);
    put(&pen, checkpoint->digest, RDT_SHA256_LEN);
    put(&pen, checkpoint->signature, RDT_SIGNATURE_LEN);
}

void
rdt_checkpoint_put(const struct rdt_checkpoint *checkpoint, struct rdt_buf *out)
{
    uint8_t bytes[AUDIT_CHECKPOINT_LEN];
    put_checkpoint(checkpoint, bytes);
    rdt_buf_add(out, bytes, sizeof bytes);
}

bool
rdt_checkpoint_get(struct rdt_span bytes, struct rdt_checkpoint *out)
{
    struct rdt_checkpoint got;
    bool ok = take_text(&bytes, CHECKPOINT_MAGIC);
    ok = ok && take_into(&bytes, got.deployment, 16);
    ok = ok && take_into(&bytes, got.node, 16);
    ok = ok && rdt_take_uint(&bytes, 8, &got.frame);
    ok = ok && take_into(&bytes, got.link, RDT_SHA256_LEN);
    ok = ok && rdt_take_uint(&bytes, 8, &got.size);
    ok = ok && take_into(&bytes, got.root, RDT_SHA256_LEN);
    ok = ok && rdt_take_uint(&bytes, 8, &got.time_us);
    ok = ok && rdt_take_uint(&bytes, 8, &got.revision);
    ok = ok && take_into(&bytes, got.digest, RDT_SHA256_LEN);
    ok = ok && take_into(&bytes, got.signature, RDT_SIGNATURE_LEN);
    if (!ok || bytes.n != 0)
        return false;
    *out = got;
    return true;
}

/* What is signed: the label and its NUL, then everything before the signature. */
#define SIGNED_LEN (sizeof CHECKPOINT_LABEL + AUDIT_CHECKPOINT_LEN - RDT_SIGNATURE_LEN)

static void
put_signed(const struct rdt_checkpoint *checkpoint, uint8_t out[static SIGNED_LEN])
{
    uint8_t bytes[AUDIT_CHECKPOINT_LEN];
    struct pen pen = {out};
    put_checkpoint(checkpoint, bytes);
    put(&pen, CHECKPOINT_LABEL, sizeof CHECKPOINT_LABEL);
    put(&pen, bytes, AUDIT_CHECKPOINT_LEN - RDT_SIGNATURE_LEN);
}

enum rdt_code
rdt_checkpoint_sign(struct rdt_checkpoint *checkpoint, struct rdt_signer *signer,
                    struct rdt_err *err)
{
    uint8_t message[SIGNED_LEN];
    put_signed(checkpoint, message);
    return rdt_signer_sign(signer, (struct rdt_span){message, sizeof message},
                           checkpoint->signature, err);
}

enum rdt_code
rdt_checkpoint_check(const struct rdt_checkpoint *checkpoint, struct rdt_span public_key,
                     struct rdt_err *err)
{
    uint8_t message[SIGNED_LEN];
    put_signed(checkpoint, message);
    return rdt_signature_check(public_key, (struct rdt_span){message, sizeof message},
                               (struct rdt_span){checkpoint->signature, RDT_SIGNATURE_LEN}, err);
}

/* ---- audit.pub ---- */

static void
put_hex(struct rdt_buf *out, const char *word, const uint8_t *bytes, size_t n)
{
    rdt_buf_str(out, word);
    for (size_t i = 0; i < n; i++)
        rdt_buf_fmt(out, "%02x", bytes[i]);
    rdt_buf_str(out, "\n");
}

void
rdt_audit_pub_put(const struct audit_pub *pub, struct rdt_buf *out)
{
    rdt_buf_str(out, "redoubt audit 1\n");
    put_hex(out, "deployment ", pub->deployment, sizeof pub->deployment);
    put_hex(out, "node ", pub->node, sizeof pub->node);
    put_hex(out, "ed25519 ", pub->key, sizeof pub->key);
}

static bool
take_digit(struct rdt_span *in, uint8_t *out)
{
    uint8_t c;
    if (!rdt_take_u8(in, &c) || !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
        return false;
    *out = (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    return true;
}

static bool
take_hex(struct rdt_span *in, const char *word, uint8_t *out, size_t n)
{
    bool ok = take_text(in, word);
    for (size_t i = 0; ok && i < n; i++) {
        uint8_t high = 0, low = 0;
        ok = take_digit(in, &high) && take_digit(in, &low);
        out[i] = (uint8_t)(high << 4 | low);
    }
    return ok && take_text(in, "\n");
}

bool
rdt_audit_pub_get(struct rdt_span text, struct audit_pub *out)
{
    struct audit_pub got;
    bool ok = take_text(&text, "redoubt audit 1\n");
    ok = ok && take_hex(&text, "deployment ", got.deployment, sizeof got.deployment);
    ok = ok && take_hex(&text, "node ", got.node, sizeof got.node);
    ok = ok && take_hex(&text, "ed25519 ", got.key, sizeof got.key);
    if (!ok || text.n != 0)
        return false;
    *out = got;
    return true;
}
