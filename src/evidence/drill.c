#include "evidence/drill.h"

#include "base/arena.h"
#include "base/text.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"

#include <stdio.h>

#define LABEL "redoubt restore drill v1" /* and its NUL, before the text that is signed */

static void
put_text(struct rdt_buf *out, const struct rdt_drill *d)
{
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "key", d->key);
    rdt_jout_str(out, "backup", d->backup);
    rdt_jout_str(out, "made_by", d->made_by);
    rdt_jout_str(out, "file", d->file);
    rdt_jout_int(out, "time", d->time);
    rdt_jout_int(out, "plain_bytes", (int64_t)d->plain_len);
    rdt_jout_int(out, "tables", (int64_t)d->tables);
    rdt_jout_int(out, "rows", (int64_t)d->rows);
    rdt_jout_int(out, "checks", (int64_t)d->checks);
    rdt_jout_bool(out, "passed", d->passed);
    rdt_jout_close(out, '}');
}

/* What is signed: the label and the text. */
static bool
signed_bytes(struct rdt_span text, struct rdt_buf *out)
{
    rdt_buf_add(out, LABEL, sizeof LABEL);
    rdt_buf_add(out, text.p, text.n);
    return rdt_buf_ok(out);
}

enum rdt_code
rdt_drill_put(const struct rdt_drill *drill, struct rdt_signer *signer, struct rdt_buf *out,
              struct rdt_err *err)
{
    RDT_BUF text = {0};
    RDT_BUF bytes = {0};
    uint8_t signature[RDT_SIGNATURE_LEN];
    put_text(&text, drill);
    if (!rdt_buf_ok(&text) || !signed_bytes(rdt_buf_span(&text), &bytes))
        return rdt_fail(err, RDT_E_NOMEM, "record a drill");
    enum rdt_code rc = rdt_signer_sign(signer, rdt_buf_span(&bytes), signature, err);
    if (rc != RDT_OK)
        return rc;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_int(out, "redoubt", 1);
    rdt_jout_text(out, "drill", rdt_buf_span(&text));
    rdt_jout_hex(out, "signed_by", rdt_signer_public(signer));
    rdt_jout_blob(out, "signature", (struct rdt_span){signature, sizeof signature});
    rdt_jout_close(out, '}');
    rdt_buf_str(out, "\n");
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "record a drill");
}

static bool
get_text(const struct rdt_node *tree, const char *name, char *out, size_t cap)
{
    const char *text = rdt_node_str(tree, name);
    if (text == NULL || strlen(text) >= cap || !rdt_text_fit(rdt_span_str(text)))
        return false;
    snprintf(out, cap, "%s", text);
    return true;
}

static bool
get_number(const struct rdt_node *tree, const char *name, uint64_t *out)
{
    double v = rdt_node_number(tree, name, -1);
    *out = v < 0 || v > 9007199254740992.0 ? 0 : (uint64_t)v;
    return v >= 0 && v <= 9007199254740992.0;
}

static bool
read_text(struct rdt_span text, struct rdt_drill *d, struct rdt_arena *arena)
{
    struct rdt_node *tree = NULL;
    uint64_t time = 0;
    *d = (struct rdt_drill){.time = 0};
    bool ok = rdt_json_parse("drill", text, arena, &tree, NULL) == RDT_OK;
    ok = ok && get_text(tree, "key", d->key, sizeof d->key);
    ok = ok && get_text(tree, "backup", d->backup, sizeof d->backup);
    ok = ok && get_text(tree, "made_by", d->made_by, sizeof d->made_by);
    ok = ok && get_text(tree, "file", d->file, sizeof d->file);
    ok = ok && get_number(tree, "time", &time) && get_number(tree, "plain_bytes", &d->plain_len);
    ok = ok && get_number(tree, "tables", &d->tables) && get_number(tree, "rows", &d->rows);
    ok = ok && get_number(tree, "checks", &d->checks) && rdt_node_get(tree, "passed") != NULL;
    d->time = (int64_t)time;
    d->passed = ok && rdt_node_true(tree, "passed");
    return ok;
}

enum rdt_code
rdt_drill_read(struct rdt_span file, struct rdt_span signers, struct rdt_drill *out,
               char by[static RDT_SIGNER_NAME_MAX + 1], struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF bytes = {0};
    struct rdt_node *tree = NULL;
    uint8_t key[RDT_PUBLIC_MAX], signature[RDT_SIGNATURE_LEN + 2];
    size_t n = sizeof signature;
    bool any = false;
    if (rdt_json_parse("drill", file, &arena, &tree, NULL) != RDT_OK)
        return rdt_fail(err, RDT_E_BADINPUT, "not a record of `redoubt seal drill`");
    const char *text = rdt_node_str(tree, "drill"), *who = rdt_node_str(tree, "signed_by"),
               *signs = rdt_node_str(tree, "signature");
    size_t key_n = who == NULL ? 0 : strlen(who) / 2;
    if (text == NULL || signs == NULL || key_n == 0 || key_n > sizeof key || strlen(who) % 2 != 0 ||
        !rdt_hex_get(rdt_span_str(who), key, key_n) || strlen(signs) / 4 * 3 > sizeof signature ||
        !rdt_base64_get(rdt_span_str(signs), signature, &n) ||
        !read_text(rdt_span_str(text), out, &arena))
        return rdt_fail(err, RDT_E_BADINPUT, "not a record of `redoubt seal drill`");
    if (!rdt_signers_find(signers, (struct rdt_span){key, key_n}, by, &any))
        return rdt_fail(err, RDT_E_DENIED, "the drill was signed by nobody of the signers");
    if (!signed_bytes(rdt_span_str(text), &bytes))
        return rdt_fail(err, RDT_E_NOMEM, "drill");
    return rdt_signature_check((struct rdt_span){key, key_n}, rdt_buf_span(&bytes),
                               (struct rdt_span){signature, n}, err);
}
