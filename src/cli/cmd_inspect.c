/*
 * `redoubt inspect`: what a sealed file says of itself, and how far that is proved.
 */
#include "base/clock.h"
#include "cli/seal_args.h"
#include "codec/agekey.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"
#include "seal/age.h"
#include "work/opener.h"

/* How far a file was looked at. */
struct looked {
    bool keyed, deep;
    struct rdt_opened opened;
};

static const char *const levels[] = {[RDT_SEAL_NO_LEVEL] = NULL,
                                     [RDT_SEAL_LOW] = "low",
                                     [RDT_SEAL_MEDIUM] = "medium",
                                     [RDT_SEAL_HIGH] = "high",
                                     [RDT_SEAL_CRITICAL] = "critical"};

static void
put_time(struct rdt_buf *out, const char *name, int64_t ms)
{
    char text[RDT_STAMP_TEXT];
    if (ms == 0)
        return;
    rdt_stamp_text(ms / 1000, text);
    rdt_jout_str(out, name, text);
}

static void
put_recipient(struct rdt_buf *out, const struct rdt_seal_stanza *s)
{
    char key[RDT_AGEKEY_PUBLIC_TEXT + 1];
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "kind", rdt_seal_kind_name(s->kind));
    switch (s->kind) {
    case RDT_SEAL_KMS:
        rdt_jout_text(out, "key", s->as.kms.key);
        if (s->as.kms.tenant.n != 0)
            rdt_jout_text(out, "tenant", s->as.kms.tenant);
        break;
    case RDT_SEAL_TENANT:
        rdt_jout_uuid(out, "ring", s->as.tenant.ring.p);
        rdt_jout_int(out, "handle", s->as.tenant.handle);
        rdt_jout_int(out, "epoch", s->as.tenant.epoch);
        break;
    case RDT_SEAL_X25519:
    case RDT_SEAL_GLASS:
        rdt_agekey_public_put(
            s->kind == RDT_SEAL_GLASS ? s->as.glass.public_key.p : s->as.x25519.public_key.p, key);
        rdt_jout_str(out, "key", key);
        if (s->kind == RDT_SEAL_GLASS) {
            rdt_jout_int(out, "needs", s->as.glass.k);
            rdt_jout_int(out, "of", s->as.glass.n);
        }
        break;
    case RDT_SEAL_P11:
        rdt_jout_text(out, "token", s->as.p11.token);
        rdt_jout_text(out, "key", s->as.p11.key);
        break;
    default:
        break;
    }
    rdt_jout_close(out, '}');
}

/* The slot that counts: where a key was used the one that it proved, else that of the higher
 * generation. */
static const struct rdt_seal_slot *
newest(const struct rdt_opener *opener, const struct looked *looked)
{
    const struct rdt_seal_head *head = rdt_opener_head(opener);
    if (looked->keyed)
        return &head->slots[rdt_opener_at(opener)->slot];
    if (!head->slots[1].readable)
        return &head->slots[0];
    if (!head->slots[0].readable)
        return &head->slots[1];
    return head->slots[1].generation > head->slots[0].generation ? &head->slots[1]
                                                                 : &head->slots[0];
}

static void
put_all(struct rdt_buf *out, const struct rdt_opener *opener, const struct looked *looked)
{
    const struct rdt_seal_head *head = rdt_opener_head(opener);
    const struct rdt_seal_slot *slot = newest(opener, looked);
    struct rdt_span stanzas = slot->stanzas;
    struct rdt_seal_stanza stanza;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "format", "RBF1");
    rdt_jout_str(out, "proof", looked->deep ? "PROVEN" : looked->keyed ? "KEY" : "FORMAT");
    rdt_jout_hex(out, "file", head->file_id);
    if (head->policy.asset.n != 0)
        rdt_jout_text(out, "asset", head->policy.asset);
    rdt_jout_str(out, "level", levels[head->policy.level]);
    put_time(out, "created", head->policy.created_ms);
    put_time(out, "expires", head->policy.expires_ms);
    rdt_jout_str(out, "coding", head->policy.coding == RDT_SEAL_ZSTD ? "zstd" : "raw");
    rdt_jout_int(out, "generation", (int64_t)slot->generation);
    rdt_jout_open(out, "recipients", '[');
    while (rdt_seal_stanza_next(&stanzas, &stanza))
        put_recipient(out, &stanza);
    rdt_jout_close(out, ']');
    if (looked->deep) {
        const struct rdt_seal_footer *f = &looked->opened.footer;
        rdt_jout_int(out, "plain_bytes", (int64_t)f->plain_len);
        rdt_jout_int(out, "sealed_bytes", (int64_t)looked->opened.sealed_len);
        rdt_jout_hex(out, "digest",
                     (struct rdt_span){looked->opened.digest, sizeof looked->opened.digest});
        if (f->hashed)
            rdt_jout_hex(out, "sha256", (struct rdt_span){f->plain, sizeof f->plain});
        rdt_jout_bool(out, "contained_known", f->contained_known);
        rdt_jout_int(out, "contained_versions", (int64_t)(f->versions.n / RDT_SEAL_VERSION_LEN));
        rdt_jout_int(out, "contained_epochs", (int64_t)(f->epochs.n / RDT_SEAL_EPOCH_LEN));
    }
    rdt_jout_close(out, '}');
}

/* `name: value` a line, of the JSON: one list of what is told. */
static enum rdt_code
put_words(struct rdt_cli *cli, struct rdt_span json, struct rdt_buf *out)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_node *tree = NULL;
    enum rdt_code rc = rdt_json_parse("inspect", json, &arena, &tree, &cli->err);
    if (rc != RDT_OK)
        return rc;
    for (size_t i = 0; i < tree->n; i++) {
        const struct rdt_node *node = tree->members[i].node;
        bool list = rdt_span_is(tree->members[i].key, "recipients");
        for (size_t k = 0; list && k < node->n; k++) {
            const struct rdt_node *one = node->members[k].node;
            rdt_buf_fmt(out, "%-18s", k == 0 ? "recipients" : "");
            for (size_t m = 0; m < one->n; m++)
                rdt_buf_fmt(out, "%s%s",
                            m == 0   ? ""
                            : m == 1 ? " "
                                     : ", ",
                            rdt_node_text(one->members[m].node));
            rdt_buf_str(out, "\n");
        }
        if (!list)
            rdt_buf_fmt(out, "%-18s%s\n", (const char *)tree->members[i].key.p,
                        rdt_node_text(node));
    }
    return RDT_OK;
}

static enum rdt_code
look(struct rdt_cli *cli, struct rdt_seal_args *args, struct rdt_opener *opener,
     struct looked *looked)
{
    enum rdt_code rc = RDT_OK;
    bool keys = args->with.n != 0 || args->with.passphrase.n != 0 ||
                args->with.p11_module != NULL || args->with.client != NULL;
    if (rdt_cli_has(cli, OPT_DEEP) && !keys)
        return rdt_fail(&cli->err, RDT_E_USAGE,
                        "--deep needs a key: -i FILE, --passphrase-file...");
    if (keys)
        rc = rdt_opener_unlock(opener, &args->with, &cli->err);
    looked->keyed = keys && rc == RDT_OK;
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_DEEP)) {
        rc = rdt_opener_run(opener, &(struct rdt_opener_to){.arg = NULL}, &looked->opened,
                            &cli->err);
        looked->deep = rc == RDT_OK;
    }
    return rc;
}

int
rdt_cmd_inspect(struct rdt_cli *cli)
{
    RDT_SEAL_ARGS args = {.cli = cli};
    RDT_AUTO(rdt_source_close_at) struct rdt_source *source = NULL;
    RDT_AUTO(rdt_opener_close_at) struct rdt_opener *opener = NULL;
    RDT_BUF json = {0};
    RDT_BUF words = {0};
    struct rdt_span first = {0};
    struct looked looked = {.keyed = false};
    enum rdt_code rc =
        rdt_source_open(cli->n_words == 0 ? NULL : cli->words[0], &source, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_seal_args_with(&args);
    if (rc == RDT_OK)
        rc = rdt_source_peek(source, 40, &first, &cli->err);
    if (rc == RDT_OK && rdt_age_is(first)) {
        rdt_buf_str(&json, "{\"format\":\"age\",\"proof\":\"FORMAT\"}");
    } else if (rc == RDT_OK) {
        rc = rdt_opener_new(source, &opener, &cli->err);
        if (rc == RDT_OK)
            rc = look(cli, &args, opener, &looked);
        if (rc == RDT_OK)
            put_all(&json, opener, &looked);
    }
    if (rc == RDT_OK && !rdt_buf_ok(&json))
        rc = rdt_fail(&cli->err, RDT_E_NOMEM, "inspect");
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_JSON)) {
        rdt_buf_str(&json, "\n");
        rc = rdt_cli_write(cli, rdt_buf_span(&json));
    } else if (rc == RDT_OK) {
        rc = put_words(cli, rdt_buf_span(&json), &words);
        if (rc == RDT_OK)
            rc = rdt_cli_write_words(cli, &words);
    }
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
