#include "base/arena.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/jtok.h"
#include "seal/recipient.h"
#include "work/service_internal.h"

#define MESSAGE_LEN ((size_t)16384) /* bytes of a request or answer, so that it never moves */
#define MESSAGE RDT_AUTO(message_done) struct rdt_buf

/* A buffer with a file key in it stays where it is, and is wiped. */
static enum rdt_code
message_begin(struct rdt_buf *buf, struct rdt_err *err)
{
    static const uint8_t zeroes[MESSAGE_LEN];
    rdt_buf_add(buf, zeroes, sizeof zeroes);
    buf->n = 0;
    return rdt_buf_ok(buf) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "ask the key service");
}

static void
message_done(struct rdt_buf *buf)
{
    if (buf->p != NULL)
        explicit_bzero(buf->p, buf->cap);
    rdt_buf_done(buf);
}

static void
put_ask(struct rdt_buf *body, const struct rdt_file_key_ask *ask)
{
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "KeyId", ask->key);
    rdt_jout_open(body, "EncryptionContext", '{');
    rdt_jout_hex(body, RDT_SEAL_CONTEXT_FILE, ask->file_id);
    if (ask->tenant.n != 0)
        rdt_jout_text(body, RDT_SEAL_CONTEXT_TENANT, ask->tenant);
    rdt_jout_close(body, '}');
}

static enum rdt_code
call(struct rdt_client *client, const char *op, struct rdt_buf *body, struct rdt_buf *answer,
     struct rdt_jdoc *doc, struct rdt_err *err)
{
    if (doc == NULL || !rdt_buf_ok(body))
        return rdt_fail(err, RDT_E_NOMEM, "ask the key service");
    enum rdt_code rc = rdt_client_call(client, op, rdt_buf_span(body), NULL, answer, err);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_buf_ok(answer) || !rdt_jscan(answer->p, answer->n, doc))
        return rdt_fail(err, RDT_E_PROTOCOL, "the key service's answer is no JSON");
    return RDT_OK;
}

enum rdt_code
rdt_file_key_wrap(struct rdt_client *client, const struct rdt_file_key_ask *ask,
                  const struct rdt_secret *file_key, struct rdt_buf *blob, struct rdt_buf *key,
                  struct rdt_err *err)
{
    MESSAGE body = {0};
    MESSAGE answer = {0};
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_jdoc *doc = rdt_arena_new(&arena, sizeof *doc);
    uint8_t bytes[RDT_SEAL_KMS_BLOB_MAX + 3];
    size_t n = sizeof bytes;
    enum rdt_code rc = message_begin(&body, err);
    if (rc == RDT_OK)
        rc = message_begin(&answer, err);
    if (rc != RDT_OK)
        return rc;
    put_ask(&body, ask);
    rdt_jout_blob(&body, "Plaintext", (struct rdt_span){file_key->p, file_key->n});
    rdt_jout_close(&body, '}');
    rc = call(client, "kms:Encrypt", &body, &answer, doc, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "wrap the file's key under %s", ask->key);
    struct rdt_span text = rdt_jspan(doc, rdt_jget(doc, 0, "CiphertextBlob")),
                    id = rdt_jspan(doc, rdt_jget(doc, 0, "KeyId"));
    if (text.n == 0 || text.n > rdt_base64_len(RDT_SEAL_KMS_BLOB_MAX) || id.n == 0 ||
        !rdt_base64_get(text, bytes, &n))
        return rdt_fail(err, RDT_E_PROTOCOL, "the key service's answer has no ciphertext");
    rdt_buf_add(blob, bytes, n);
    rdt_buf_add(key, id.p, id.n);
    return rdt_buf_ok(blob) && rdt_buf_ok(key) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "wrap");
}

enum rdt_code
rdt_file_key_unwrap(struct rdt_client *client, const struct rdt_file_key_ask *ask,
                    struct rdt_span blob, struct rdt_secret *out, struct rdt_err *err)
{
    MESSAGE body = {0};
    MESSAGE answer = {0};
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_jdoc *doc = rdt_arena_new(&arena, sizeof *doc);
    size_t n;
    enum rdt_code rc = message_begin(&body, err);
    if (rc == RDT_OK)
        rc = message_begin(&answer, err);
    if (rc != RDT_OK)
        return rc;
    put_ask(&body, ask);
    rdt_jout_blob(&body, "CiphertextBlob", blob);
    rdt_jout_close(&body, '}');
    rc = call(client, "kms:Decrypt", &body, &answer, doc, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "have the file's key from %s", ask->key);
    struct rdt_span text = rdt_jspan(doc, rdt_jget(doc, 0, "Plaintext"));
    if (text.n != rdt_base64_len(RDT_KEY_LEN))
        return rdt_fail(err, RDT_E_PROTOCOL, "the key service's answer has no file key");
    rc = rdt_secret_new(out, RDT_KEY_LEN + 1, err); /* one more: base64 of 33 is as long */
    if (rc != RDT_OK)
        return rc;
    n = out->n;
    if (!rdt_base64_get(text, out->p, &n) || n != RDT_KEY_LEN) {
        rdt_secret_wipe(out);
        return rdt_fail(err, RDT_E_PROTOCOL, "the key service's answer has no file key");
    }
    rdt_secret_cut(out, n);
    return RDT_OK;
}
