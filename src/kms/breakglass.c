/*
 * Break-glass: one ciphertext is decrypted, once, for one person whom the key's policy does not let
 * decrypt, or under a key that is disabled. The quorum approves the exact ciphertext and context;
 * the key's policy is not asked, the caller's own has to allow redoubt:BreakGlassDecrypt. What was
 * done stays open until an approver has reviewed it: docs/adr/0017-approvals.md.
 */
#include "kms/approval_internal.h"
#include "kms/blob.h"
#include "kms/op_internal.h"

#include "codec/base64.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

/* [["name","value"],...] in the order of the context's canonical form: one text for one context. */
static void
put_context(const struct rdt_context *context, struct rdt_buf *out)
{
    rdt_jout_open(out, NULL, '[');
    for (size_t i = 0; context != NULL && i < context->n; i++) {
        rdt_jout_open(out, NULL, '[');
        rdt_jout_text(out, NULL, context->keys[i]);
        rdt_jout_text(out, NULL, context->values[i]);
        rdt_jout_close(out, ']');
    }
    rdt_jout_close(out, ']');
}

static enum rdt_fault
parameters_of(struct rdt_call *call, struct rdt_span ciphertext, struct rdt_buf *out)
{
    RDT_BUF context = {0};
    char hash[2 * RDT_SHA256_LEN + 1], uuid[RDT_UUID_TEXT];
    if (rdt_sha256_text(ciphertext, hash, NULL) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "no hash");
    rdt_uuid_text(call->key->id, uuid);
    put_context(call->context, &context);
    rdt_pairs_add(out, rdt_span_str("Ciphertext"), rdt_span_str(hash));
    rdt_pairs_add(out, rdt_span_str("Context"), rdt_buf_span(&context));
    rdt_pairs_add(out, rdt_span_str("Key"), rdt_span_str(uuid));
    return rdt_buf_ok(&context) && rdt_buf_ok(out) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

/*
 * Who suspended a key had a reason: the quorum lifts that first. A key on its way out is brought
 * back first. A try shows that something is left under a key or a version on its way out: it is
 * counted here, since the quorum may come after the destruction.
 */
static enum rdt_fault
key_of(struct rdt_call *call, const struct rdt_blob *blob)
{
    const struct rdt_version *version;
    const struct rdt_key *key = rdt_view_key(call->view, blob->key.p);
    if (key == NULL)
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                             "the ciphertext names a key that does not exist here");
    memcpy(call->note.key, key->id, sizeof key->id);
    if (key->suspended || key->state == RDT_KEY_PENDING_DELETION)
        rdt_usage_refused_key(call->thread->usage, key);
    if (key->suspended)
        return rdt_call_fail(call, RDT_FAULT_DISABLED,
                             "an approver suspended this key: redoubt key unsuspend");
    if (key->state != RDT_KEY_ENABLED && key->state != RDT_KEY_DISABLED)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "this key is %s",
                             rdt_key_state_word(key->state));
    call->key = key;
    return rdt_blob_version(call, blob, &version);
}

static enum rdt_fault
break_glass(struct rdt_call *call)
{
    RDT_BUF parameters = {0};
    struct rdt_buf *out = call->request->out;
    struct rdt_span ciphertext = rdt_in_blob(call, "CiphertextBlob");
    struct rdt_blob blob;
    size_t n = 0;
    if (!rdt_blob_read(ciphertext, &blob) || blob.sealed.n - RDT_GCM_TAG_LEN > PLAINTEXT_MAX)
        return rdt_call_fail(call, RDT_FAULT_INVALID_CIPHERTEXT, "%s", "");
    enum rdt_fault fault = key_of(call, &blob);
    if (fault == RDT_FAULT_NONE)
        fault = parameters_of(call, ciphertext, &parameters);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_approval_gate(
            call, &(struct approval_about){"break-glass", rdt_buf_span(&parameters), NULL});
    if (fault == RDT_FAULT_NONE)
        fault = rdt_open_blob(call, &blob, call->context, &n);
    if (fault == RDT_FAULT_NONE) {
        rdt_jout_open(out, NULL, '{');
        rdt_jout_uuid(out, "KeyId", call->key->id);
        rdt_jout_blob(out, "Plaintext", (struct rdt_span){call->thread->plain.p, n});
        rdt_jout_hex(out, "KeyMaterialId", blob.material_id);
        rdt_jout_uuid(out, "Request", call->note.approval);
        rdt_jout_close(out, '}');
    }
    rdt_secret_clear(&call->thread->plain);
    return fault;
}

static const struct rdt_in decrypt_in[] = {
    {.name = "CiphertextBlob", .type = RDT_IN_BLOB, .required = true, .min = 1, .max = BLOB_MAX},
    {.name = "EncryptionContext", .type = RDT_IN_MAP},
    {.name = "Reason", .type = RDT_IN_TEXT, .max = APPROVAL_REASON_MAX},
};

static const struct rdt_op ops[] = {
    OP_OWN("BreakGlassDecrypt", "/v1/breakglass/decrypt", WRITE, decrypt_in, break_glass),
};

const struct rdt_op_table rdt_ops_breakglass = {ops, sizeof ops / sizeof ops[0]};
