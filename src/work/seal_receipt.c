#include "work/seal_receipt.h"

#include "base/arena.h"
#include "base/cursor.h"
#include "base/text.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"
#include "evidence/signers.h"

#include <stdio.h>

#define LABEL "redoubt sealed file v1" /* and its NUL */

/* docs/formats/seal-receipt.md: label 00 | file id 16 | digest 32 | u64 plain | u64 sealed | u64
 * made | u8 n, asset */
static void
put_bytes(struct rdt_buf *out, const struct rdt_seal_receipt *r)
{
    rdt_buf_add(out, LABEL, sizeof LABEL);
    rdt_buf_add(out, r->file_id, sizeof r->file_id);
    rdt_buf_add(out, r->digest, sizeof r->digest);
    rdt_buf_uint(out, r->plain_len, 8);
    rdt_buf_uint(out, r->sealed_len, 8);
    rdt_buf_uint(out, (uint64_t)r->made_ms, 8);
    rdt_buf_uint(out, r->asset.n, 1);
    rdt_buf_add(out, r->asset.p, r->asset.n);
}

static bool
get_bytes(struct rdt_span in, struct rdt_seal_receipt *r)
{
    struct rdt_span label, id, digest;
    uint64_t made = 0;
    uint8_t n = 0;
    bool ok = rdt_take(&in, sizeof LABEL, &label) &&
              rdt_span_eq(label, (struct rdt_span){(const uint8_t *)LABEL, sizeof LABEL});
    ok = ok && rdt_take(&in, sizeof r->file_id, &id);
    ok = ok && rdt_take(&in, sizeof r->digest, &digest);
    ok = ok && rdt_take_uint(&in, 8, &r->plain_len) && rdt_take_uint(&in, 8, &r->sealed_len);
    ok = ok && rdt_take_uint(&in, 8, &made) && made <= RDT_SEAL_TIME_MAX;
    ok = ok && rdt_take_u8(&in, &n) && rdt_take(&in, n, &r->asset) && rdt_text_fit(r->asset);
    if (!ok || in.n != 0)
        return false;
    memcpy(r->file_id, id.p, sizeof r->file_id);
    memcpy(r->digest, digest.p, sizeof r->digest);
    r->made_ms = (int64_t)made;
    return true;
}

enum rdt_code
rdt_seal_receipt_put(const struct rdt_seal_receipt *receipt, struct rdt_signer *signer,
                     struct rdt_buf *out, struct rdt_err *err)
{
    RDT_BUF bytes = {0};
    uint8_t signature[RDT_SIGNATURE_LEN];
    if (receipt->asset.n > RDT_SEAL_ASSET_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "the name of an asset is too long");
    put_bytes(&bytes, receipt);
    enum rdt_code rc = rdt_buf_ok(&bytes)
                           ? rdt_signer_sign(signer, rdt_buf_span(&bytes), signature, err)
                           : rdt_fail(err, RDT_E_NOMEM, "receipt");
    if (rc != RDT_OK)
        return rc;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_int(out, "redoubt", 1);
    rdt_jout_hex(out, "file", (struct rdt_span){receipt->file_id, sizeof receipt->file_id});
    rdt_jout_blob(out, "receipt", rdt_buf_span(&bytes));
    rdt_jout_hex(out, "signed_by", rdt_signer_public(signer));
    rdt_jout_blob(out, "signature", (struct rdt_span){signature, sizeof signature});
    rdt_jout_close(out, '}');
    rdt_buf_str(out, "\n");
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "receipt");
}

static bool
get_blob(const struct rdt_node *tree, const char *name, uint8_t *out, size_t cap, size_t *n)
{
    const char *text = rdt_node_str(tree, name);
    if (text == NULL || strlen(text) / 4 * 3 > cap)
        return false;
    *n = cap;
    return rdt_base64_get(rdt_span_str(text), out, n);
}

static enum rdt_code
no_receipt(struct rdt_err *err)
{
    return rdt_fail(err, RDT_E_BADINPUT, "not a receipt of `redoubt seal --receipt`");
}

enum rdt_code
rdt_seal_receipt_read(struct rdt_span file, struct rdt_span signers,
                      struct rdt_seal_receipt_read *out, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_node *tree = NULL;
    uint8_t signature[RDT_SIGNATURE_LEN + 2], key[RDT_PUBLIC_MAX];
    size_t n = 0, signature_n = 0;
    bool any = false;
    if (rdt_json_parse("receipt", file, &arena, &tree, err) != RDT_OK)
        return no_receipt(err);
    const char *by = rdt_node_str(tree, "signed_by");
    size_t key_n = by == NULL ? 0 : strlen(by) / 2;
    *out = (struct rdt_seal_receipt_read){.signer = ""};
    if (!get_blob(tree, "receipt", out->bytes, sizeof out->bytes, &n) ||
        !get_blob(tree, "signature", signature, sizeof signature, &signature_n) || key_n == 0 ||
        key_n > sizeof key || strlen(by) % 2 != 0 || !rdt_hex_get(rdt_span_str(by), key, key_n) ||
        !get_bytes((struct rdt_span){out->bytes, n}, &out->receipt))
        return no_receipt(err);
    struct rdt_span public_key = {key, key_n};
    if (!rdt_signers_find(signers, public_key, out->signer, &any))
        return any ? rdt_fail(err, RDT_E_DENIED, "the receipt is signed by nobody of the signers")
                   : rdt_fail(err, RDT_E_BADINPUT, "no signer: a line is NAME and a public key");
    enum rdt_code rc = rdt_signature_check(public_key, (struct rdt_span){out->bytes, n},
                                           (struct rdt_span){signature, signature_n}, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "receipt");
}
