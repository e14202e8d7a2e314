/*
 * `redoubt audit prove`: that one record is in the log, for somebody who has neither the log nor a
 * reason to trust whoever shows it.
 */
#include "base/file.h"
#include "cli/audit_folder.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"
#include "kms/audit_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PROOF_BYTES ((size_t)1 << 20) /* of a file with a proof */
#define INDEX_DIGITS 15

/* ---- finding the record */

struct finding {
    bool by_id, found;
    uint8_t id[16];
    uint64_t index;
    struct rdt_buf record;
};

static void
finding_done(struct finding *f)
{
    rdt_buf_done(&f->record);
}

/* Stops the reading with RDT_E_LIMIT once it has the record. */
static enum rdt_code
look_at(void *user, uint64_t index, struct rdt_span bytes, struct rdt_err *err)
{
    struct finding *f = user;
    struct rdt_audit_record record = {0};
    bool this = !f->by_id && index == f->index;
    if (f->by_id && rdt_record_get(&rdt_audit_record, bytes, &record, NULL) == RDT_OK)
        this = rdt_span_eq((struct rdt_span){record.id, 16}, (struct rdt_span){f->id, 16});
    rdt_record_done(&rdt_audit_record, &record);
    if (!this)
        return RDT_OK;
    f->found = true;
    f->index = index;
    rdt_buf_add(&f->record, bytes.p, bytes.n);
    return rdt_fail(err, RDT_E_LIMIT, "found");
}

static enum rdt_code
find(struct rdt_cli *cli, const char *dir, const char *word, struct finding *f)
{
    char *end;
    f->by_id = rdt_uuid_parse(rdt_span_str(word), f->id);
    if (!f->by_id) {
        f->index = strtoull(word, &end, 10);
        if (word[0] < '0' || word[0] > '9' || *end != '\0' || strlen(word) > INDEX_DIGITS)
            return rdt_fail(&cli->err, RDT_E_USAGE,
                            "'%s' is neither a request id nor the index of a record", word);
    }
    enum rdt_code rc = rdt_audit_each(dir, f->by_id ? 0 : f->index, look_at, f, &cli->err);
    if (f->found)
        return rdt_buf_ok(&f->record) ? RDT_OK : rdt_fail(&cli->err, RDT_E_NOMEM, "find a record");
    return rc == RDT_OK ? rdt_fail(&cli->err, RDT_E_NOTFOUND, "the log has no record %s", word)
                        : rc;
}

/* ---- printing a proof */

static void
put_record(struct rdt_span bytes, uint64_t index, struct rdt_buf *out)
{
    struct rdt_audit_record record = {0};
    if (rdt_record_get(&rdt_audit_record, bytes, &record, NULL) == RDT_OK)
        rdt_audit_json(&record, index, out);
    else
        rdt_buf_str(out, "null");
    rdt_record_done(&rdt_audit_record, &record);
}

static void
put_proof(const struct rdt_audit_proof *proof, struct rdt_span record, const uint8_t *key,
          struct rdt_buf *out)
{
    RDT_BUF checkpoint = {0};
    rdt_checkpoint_put(&proof->checkpoint, &checkpoint);
    rdt_buf_str(out, "{\"redoubt\":1");
    rdt_jout_open(out, "proof", '{');
    rdt_jout_int(out, "index", (int64_t)proof->index);
    rdt_jout_blob(out, "record", record);
    rdt_jout_open(out, "path", '[');
    for (size_t i = 0; i < proof->n_path; i++)
        rdt_jout_hex(out, NULL, (struct rdt_span){proof->path[i], RDT_SHA256_LEN});
    rdt_jout_close(out, ']');
    rdt_jout_blob(out, "checkpoint", rdt_buf_span(&checkpoint));
    rdt_jout_close(out, '}');
    rdt_jout_hex(out, "key", (struct rdt_span){key, RDT_ED25519_PUBLIC_LEN});
    rdt_buf_str(out, ",\"says\":");
    put_record(record, proof->index, out);
    rdt_buf_str(out, "}\n");
    out->failed = out->failed || !rdt_buf_ok(&checkpoint);
}

static int
prove(struct rdt_cli *cli)
{
    RDT_AUTO(finding_done) struct finding f = {0};
    RDT_BUF out = {0};
    struct rdt_audit_proof proof;
    uint8_t key[RDT_ED25519_PUBLIC_LEN];
    char dir[PATH_MAX];
    enum rdt_code rc = rdt_audit_data(cli, dir);
    if (rc == RDT_OK)
        rc = find(cli, dir, cli->words[0], &f);
    if (rc == RDT_OK)
        rc = rdt_audit_prove(dir, f.index, &proof, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_audit_named_key(dir, key, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    put_proof(&proof, rdt_buf_span(&f.record), key, &out);
    rc = rdt_buf_ok(&out) ? rdt_cli_write(cli, rdt_buf_span(&out))
                          : rdt_fail(&cli->err, RDT_E_NOMEM, "print a proof");
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* ---- checking one */

static bool
take_blob(const struct rdt_node *tree, const char *path, size_t max, struct rdt_buf *out)
{
    const char *text = rdt_node_str(tree, path);
    size_t n = text == NULL ? 0 : strlen(text);
    if (n == 0 || n / 4 * 3 > max)
        return false;
    uint8_t *bytes = malloc(n);
    bool ok = bytes != NULL && rdt_base64_get(rdt_span_str(text), bytes, &n);
    if (ok)
        rdt_buf_add(out, bytes, n);
    free(bytes);
    return ok && rdt_buf_ok(out);
}

static bool
take_path(const struct rdt_node *list, struct rdt_audit_proof *out)
{
    if (list == NULL || list->kind != RDT_NODE_LIST || list->n > RDT_COUNT(out->path))
        return false;
    out->n_path = list->n;
    for (size_t i = 0; i < list->n; i++) {
        const char *digits = rdt_node_text(list->members[i].node);
        if (digits == NULL || !rdt_hex_get(rdt_span_str(digits), out->path[i], RDT_SHA256_LEN))
            return false;
    }
    return true;
}

static bool
take_proof(const struct rdt_node *tree, struct rdt_audit_proof *out, struct rdt_buf *record)
{
    RDT_BUF checkpoint = {0};
    double index = rdt_node_number(tree, "proof.index", -1);
    if (index < 0 || index > (double)((int64_t)1 << 48))
        return false;
    out->index = (uint64_t)index;
    return take_blob(tree, "proof.record", RDT_AUDIT_RECORD_MAX, record) &&
           take_path(rdt_node_get(tree, "proof.path"), out) &&
           take_blob(tree, "proof.checkpoint", RDT_AUDIT_CHECKPOINT_MAX, &checkpoint) &&
           rdt_checkpoint_get(rdt_buf_span(&checkpoint), &out->checkpoint);
}

static enum rdt_code
read_proof(struct rdt_cli *cli, struct rdt_audit_proof *out, struct rdt_buf *record,
           uint8_t key[static RDT_ED25519_PUBLIC_LEN], bool *given)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF text = {0};
    struct rdt_node *tree = NULL;
    const char *file = cli->words[0];
    enum rdt_code rc = rdt_file_read(file, PROOF_BYTES, &text, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_json_parse(file, rdt_buf_span(&text), &arena, &tree, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_audit_key_file(cli, given, key);
    if (rc != RDT_OK)
        return rc;
    const char *named = rdt_node_str(tree, "key");
    if (!take_proof(tree, out, record) ||
        (!*given &&
         (named == NULL || !rdt_hex_get(rdt_span_str(named), key, RDT_ED25519_PUBLIC_LEN)))) {
        rdt_fail(&cli->err, RDT_E_BADINPUT, "%s: not a proof", file);
        rdt_hint(&cli->err, "what `redoubt audit prove ID --data DIR` printed");
        return RDT_E_BADINPUT;
    }
    return RDT_OK;
}

static enum rdt_code
write_verdict(struct rdt_cli *cli, const struct rdt_audit_proof *proof, struct rdt_span record,
              bool given, const char *why)
{
    RDT_BUF out = {0};
    RDT_BUF says = {0};
    bool json = rdt_cli_has(cli, OPT_JSON);
    char stamp[64];
    put_record(record, proof->index, &says);
    const char *words = rdt_buf_cstr(&says);
    if (words == NULL)
        return rdt_fail(&cli->err, RDT_E_NOMEM, "show a record");
    rdt_checkpoint_stamp(&proof->checkpoint, stamp, sizeof stamp);
    if (json) {
        rdt_buf_str(&out, "{\"redoubt\":1");
        rdt_jout_str(&out, "verdict", why == NULL ? "proven" : "not proven");
        rdt_jout_str(&out, "message", why);
        rdt_jout_bool(&out, "key_given", given);
        rdt_buf_fmt(&out, ",\"says\":%s}\n", words);
    } else if (why != NULL) {
        rdt_buf_fmt(&out, "NOT PROVEN: %s\n", why);
    } else {
        rdt_buf_fmt(&out, "proven: record %" PRIu64 " of %" PRIu64 ", signed %s\nkey: %s\n%s\n",
                    proof->index, proof->checkpoint.size, stamp,
                    given ? "the one that was given"
                          : "the proof's own, which a forger could have made too (--key)",
                    words);
    }
    return json && rdt_buf_ok(&out) ? rdt_cli_write(cli, rdt_buf_span(&out))
                                    : rdt_cli_write_words(cli, &out);
}

static int
check(struct rdt_cli *cli)
{
    RDT_BUF record = {0};
    struct rdt_audit_proof proof = {0};
    struct rdt_err why = {0};
    uint8_t key[RDT_ED25519_PUBLIC_LEN];
    bool given = false;
    enum rdt_code rc = read_proof(cli, &proof, &record, key, &given);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    enum rdt_code proven = rdt_audit_proof_check(&proof, rdt_buf_span(&record),
                                                 (struct rdt_span){key, sizeof key}, &why);
    if (proven != RDT_OK && proven != RDT_E_TAMPERED && proven != RDT_E_BADINPUT) {
        cli->err = why;
        return rdt_cli_fail(cli, proven);
    }
    rc = write_verdict(cli, &proof, rdt_buf_span(&record), given,
                       proven == RDT_OK ? NULL : why.text);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return proven == RDT_OK ? 0 : 1;
}

int
rdt_cmd_audit_prove(struct rdt_cli *cli)
{
    return rdt_cli_has(cli, OPT_CHECK) ? check(cli) : prove(cli);
}
