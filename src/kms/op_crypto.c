/*
 * Encrypt, Decrypt, ReEncrypt, GenerateDataKey, GenerateRandom: what runs thousands of times a
 * second. Nothing here allocates but the answer's buffer, which is kept.
 */
#include "codec/base64.h"
#include "kms/blob.h"
#include "kms/call_internal.h"
#include "kms/op_internal.h"

#define AES_128_LEN 16
#define AES_256_LEN 32

static struct rdt_span
context_bytes(const struct rdt_context *context)
{
    static const uint8_t none[4]; /* no pairs */
    return context == NULL ? (struct rdt_span){none, sizeof none}
                           : (struct rdt_span){context->bytes, context->bytes_n};
}

static enum rdt_fault
broken(struct rdt_call *call)
{
    return rdt_call_fail(call, RDT_FAULT_INTERNAL, "the operation failed; nothing was done");
}

/* Only the one algorithm of symmetric keys fits a symmetric key. */
static enum rdt_fault
check_algorithm(struct rdt_call *call, const char *member, const struct rdt_key *key)
{
    struct rdt_span algorithm = rdt_in_text(call, member);
    if (algorithm.n == 0 || rdt_span_is(algorithm, "SYMMETRIC_DEFAULT"))
        return RDT_FAULT_NONE;
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, key->id, arn);
    return rdt_call_fail(call, RDT_FAULT_INVALID_KEY_USAGE,
                         "%s: algorithm %.*s does not fit key spec SYMMETRIC_DEFAULT.", arn,
                         RDT_FMT(algorithm));
}

/* ---- sealing ---- */

/* Encrypts under the current version into thread->blob. */
static enum rdt_fault
seal(struct rdt_call *call, const struct rdt_key *key, const struct rdt_context *context,
     struct rdt_span plain, const struct rdt_version **used)
{
    struct rdt_kms_thread *thread = call->thread;
    const struct rdt_version *version = rdt_view_version(call->view, key->id, key->current);
    if (version == NULL || version->state != RDT_VERSION_CURRENT ||
        rdt_material_open(call->kms, thread, version) != RDT_OK)
        return broken(call);
    struct rdt_blob_keys keys = {.material = &thread->material,
                                 .hedge = &call->kms->hedge,
                                 .scratch = &thread->derived,
                                 .key = key->id,
                                 .material_id = version->material_id};
    enum rdt_code rc =
        rdt_blob_seal(thread->worker, &keys, context_bytes(context), plain, thread->blob);
    rdt_secret_clear(&thread->material);
    if (rc != RDT_OK)
        return broken(call);
    rdt_usage_count(thread->usage, call, version, true);
    memcpy(call->note.material, version->material_id, sizeof call->note.material);
    *used = version;
    return RDT_FAULT_NONE;
}

static void
put_key(struct rdt_call *call, const char *name, const struct rdt_key *key)
{
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, key->id, arn);
    rdt_jout_str(call->request->out, name, arn);
}

static void
put_sealed(struct rdt_call *call, size_t plain_n)
{
    rdt_jout_blob(call->request->out, "CiphertextBlob",
                  (struct rdt_span){call->thread->blob, plain_n + RDT_BLOB_OVERHEAD});
}

enum rdt_fault
rdt_op_encrypt(struct rdt_call *call)
{
    const struct rdt_version *version;
    struct rdt_span plain = rdt_in_blob(call, "Plaintext");
    enum rdt_fault fault = check_algorithm(call, "EncryptionAlgorithm", call->key);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_call_dry_run(call);
    if (fault == RDT_FAULT_NONE)
        fault = seal(call, call->key, call->context, plain, &version);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_jout_open(call->request->out, NULL, '{');
    put_sealed(call, plain.n);
    put_key(call, "KeyId", call->key);
    rdt_jout_str(call->request->out, "EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    rdt_jout_close(call->request->out, '}');
    return RDT_FAULT_NONE;
}

/* ---- data keys ---- */

static enum rdt_fault
data_key_length(struct rdt_call *call, size_t *n)
{
    struct rdt_span spec = rdt_in_text(call, "KeySpec");
    int64_t bytes = rdt_in_int(call, "NumberOfBytes", 0);
    if ((spec.n != 0) == (bytes != 0))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "give either keySpec or numberOfBytes, and not both");
    *n = bytes != 0 ? (size_t)bytes : rdt_span_is(spec, "AES_128") ? AES_128_LEN : AES_256_LEN;
    return RDT_FAULT_NONE;
}

static enum rdt_fault
data_key(struct rdt_call *call, bool plaintext)
{
    struct rdt_kms_thread *thread = call->thread;
    const struct rdt_version *version;
    size_t n = 0;
    enum rdt_fault fault = data_key_length(call, &n);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_call_dry_run(call);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_secret *plain = &thread->plain;
    if (rdt_random(thread->worker, plain->p, n, NULL) != RDT_OK)
        return broken(call);
    struct rdt_span bytes = {plain->p, n};
    fault = seal(call, call->key, call->context, bytes, &version);
    if (fault == RDT_FAULT_NONE) {
        rdt_jout_open(call->request->out, NULL, '{');
        put_sealed(call, n);
        if (plaintext)
            rdt_jout_blob(call->request->out, "Plaintext", bytes);
        put_key(call, "KeyId", call->key);
        rdt_jout_hex(call->request->out, "KeyMaterialId",
                     (struct rdt_span){version->material_id, 32});
        rdt_jout_close(call->request->out, '}');
    }
    rdt_secret_clear(plain);
    return fault;
}

enum rdt_fault
rdt_op_generate_data_key(struct rdt_call *call)
{
    return data_key(call, true);
}

enum rdt_fault
rdt_op_generate_data_key_without_plaintext(struct rdt_call *call)
{
    return data_key(call, false);
}

enum rdt_fault
rdt_op_generate_random(struct rdt_call *call)
{
    struct rdt_secret *plain = &call->thread->plain;
    int64_t n = rdt_in_int(call, "NumberOfBytes", 0);
    if (n == 0)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "numberOfBytes is required");
    if (rdt_in_has(call, "CustomKeyStoreId"))
        return rdt_call_fail(call, RDT_FAULT_UNSUPPORTED, "custom key stores are not offered");
    if (rdt_random(call->thread->worker, plain->p, (size_t)n, NULL) != RDT_OK)
        return broken(call);
    rdt_jout_open(call->request->out, NULL, '{');
    rdt_jout_blob(call->request->out, "Plaintext", (struct rdt_span){plain->p, (size_t)n});
    rdt_jout_close(call->request->out, '}');
    rdt_secret_clear(plain);
    return RDT_FAULT_NONE;
}

/* ---- opening ---- */

static bool
has_material(const struct rdt_version *version, struct rdt_span material_id)
{
    return version != NULL && rdt_span_eq((struct rdt_span){version->material_id, 32}, material_id);
}

/* The version that made a ciphertext: the header names its material. Most are of the current one.
 */
static const struct rdt_version *
version_of(struct rdt_view view, const struct rdt_key *key, struct rdt_span material_id)
{
    const struct rdt_version *version = rdt_view_version(view, key->id, key->current);
    if (has_material(version, material_id))
        return version;
    version = rdt_view_version_after(view, key->id, 0);
    while (version != NULL && !has_material(version, material_id))
        version = rdt_view_version_after(view, key->id, version->number);
    return version;
}

/*
 * Which key a ciphertext is about, and whether the caller may. expected is the KeyId that the
 * request names, if any.
 */
static enum rdt_fault
source_key(struct rdt_call *call, const struct rdt_blob *blob, const char *action,
           struct rdt_span expected, const struct rdt_context *context)
{
    const struct rdt_key *key, *named;
    char uuid[RDT_UUID_TEXT];
    enum rdt_fault fault;
    if (expected.n != 0) {
        fault = rdt_call_key(call, expected, action, context, &named);
        if (fault != RDT_FAULT_NONE)
            return fault;
        if (!rdt_span_eq((struct rdt_span){named->id, 16}, blob->key))
            return rdt_call_fail(call, RDT_FAULT_INCORRECT_KEY,
                                 "the ciphertext was made under another key");
        key = named;
    } else {
        rdt_uuid_text(blob->key.p, uuid);
        fault = rdt_call_key(call, rdt_span_str(uuid), action, context, &key);
        if (fault == RDT_FAULT_NOT_FOUND)
            return rdt_call_fail(
                call, RDT_FAULT_ACCESS_DENIED,
                "the ciphertext names a key that does not exist here, or that you may "
                "not use");
        if (fault != RDT_FAULT_NONE)
            return fault;
    }
    call->key = key;
    memcpy(call->note.key, key->id, sizeof key->id);
    return RDT_FAULT_NONE;
}

/* A ciphertext of a version on its way out is refused, and the refusal moves the version back. */
static enum rdt_fault
version_usable(struct rdt_call *call, const struct rdt_version *version)
{
    if (version->state == RDT_VERSION_DESTROYED)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE,
                             "the key material that made this ciphertext was destroyed");
    if (version->state != RDT_VERSION_QUIESCED)
        return RDT_FAULT_NONE;
    rdt_usage_refused(call->thread->usage, version);
    return rdt_call_fail(
        call, RDT_FAULT_INVALID_STATE,
        "the key material that made this ciphertext is quiesced before destruction; "
        "this attempt has put it back to draining");
}

enum rdt_fault
rdt_blob_version(struct rdt_call *call, const struct rdt_blob *blob, const struct rdt_version **out)
{
    const struct rdt_version *version = version_of(call->view, call->key, blob->material_id);
    if (version == NULL)
        return rdt_call_fail(call, RDT_FAULT_INVALID_CIPHERTEXT, "%s", "");
    memcpy(call->note.material, version->material_id, sizeof call->note.material);
    *out = version;
    return version_usable(call, version);
}

enum rdt_fault
rdt_open_blob(struct rdt_call *call, const struct rdt_blob *blob, const struct rdt_context *context,
              size_t *n)
{
    struct rdt_kms_thread *thread = call->thread;
    const struct rdt_version *version;
    enum rdt_fault fault = rdt_blob_version(call, blob, &version);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (rdt_material_open(call->kms, thread, version) != RDT_OK)
        return broken(call);
    struct rdt_blob_keys keys = {.material = &thread->material,
                                 .scratch = &thread->derived,
                                 .key = call->key->id,
                                 .material_id = version->material_id};
    enum rdt_code rc =
        rdt_blob_open(thread->worker, &keys, context_bytes(context), blob, thread->plain.p);
    rdt_secret_clear(&thread->material);
    if (rc == RDT_E_TAMPERED)
        return rdt_call_fail(call, RDT_FAULT_INVALID_CIPHERTEXT, "%s", "");
    if (rc != RDT_OK)
        return broken(call);
    *n = blob->sealed.n - RDT_GCM_TAG_LEN;
    rdt_usage_count(thread->usage, call, version, false);
    return RDT_FAULT_NONE;
}

static bool
ignores_ciphertext(const struct rdt_call *call)
{
    uint32_t list = rdt_in_token(call, "DryRunModifiers");
    for (uint32_t i = 0, at = list + 1; list != 0 && i < call->in->tok[list].count; i++, at++)
        if (rdt_span_is(rdt_jspan(call->in, at), "IGNORE_CIPHERTEXT"))
            return rdt_in_bool(call, "DryRun");
    return false;
}

/* A dry run without a ciphertext: the key has to be named. */
static enum rdt_fault
dry_without_blob(struct rdt_call *call, const char *member, const char *action,
                 const struct rdt_context *context)
{
    const struct rdt_key *key;
    struct rdt_span id = rdt_in_text(call, member);
    if (id.n == 0)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "%s is required with IGNORE_CIPHERTEXT",
                             member);
    enum rdt_fault fault = rdt_call_key(call, id, action, context, &key);
    if (fault == RDT_FAULT_NONE) {
        call->key = key;
        memcpy(call->note.key, key->id, sizeof key->id);
    }
    return fault;
}

/* The ciphertext of a request and its key; RDT_FAULT_NONE with blob->head.p NULL: none is needed.
 */
static enum rdt_fault
source(struct rdt_call *call, const char *member, const char *action,
       const struct rdt_context *context, struct rdt_blob *blob)
{
    struct rdt_span bytes = rdt_in_blob(call, "CiphertextBlob");
    *blob = (struct rdt_blob){0};
    if (bytes.n == 0 && ignores_ciphertext(call))
        return dry_without_blob(call, member, action, context);
    if (bytes.n == 0)
        return rdt_call_fail(
            call, RDT_FAULT_VALIDATION,
            "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy "
            "constraint: Member must not be null");
    if (!rdt_blob_read(bytes, blob) || blob->sealed.n - RDT_GCM_TAG_LEN > PLAINTEXT_MAX)
        return rdt_call_fail(call, RDT_FAULT_INVALID_CIPHERTEXT, "%s", "");
    return source_key(call, blob, action, rdt_in_text(call, member), context);
}

enum rdt_fault
rdt_op_decrypt(struct rdt_call *call)
{
    struct rdt_blob blob;
    size_t n = 0;
    enum rdt_fault fault = source(call, "KeyId", NULL, call->context, &blob);
    if (fault == RDT_FAULT_NONE)
        fault = check_algorithm(call, "EncryptionAlgorithm", call->key);
    if (fault == RDT_FAULT_NONE && blob.head.p != NULL && !rdt_in_bool(call, "DryRun"))
        fault = rdt_open_blob(call, &blob, call->context, &n);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_call_dry_run(call);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_buf *out = call->request->out;
    rdt_jout_open(out, NULL, '{');
    put_key(call, "KeyId", call->key);
    rdt_jout_blob(out, "Plaintext", (struct rdt_span){call->thread->plain.p, n});
    rdt_jout_str(out, "EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    rdt_jout_hex(out, "KeyMaterialId", blob.material_id);
    rdt_jout_close(out, '}');
    rdt_secret_clear(&call->thread->plain);
    return RDT_FAULT_NONE;
}

/*
 * Both keys before either is asked for, so that kms:ReEncryptOnSameKey means something to both
 * policies. What cannot be found here is refused where it is looked for in earnest.
 */
static void
note_both(struct rdt_call *call)
{
    const struct rdt_key *source_of = NULL, *target = NULL;
    struct rdt_span alias, named = rdt_in_text(call, "SourceKeyId");
    struct rdt_blob blob;
    if (rdt_blob_read(rdt_in_blob(call, "CiphertextBlob"), &blob))
        memcpy(call->note.key, blob.key.p, sizeof call->note.key);
    else if (named.n != 0 && rdt_arn_key(call, named, true, &source_of, &alias) == RDT_FAULT_NONE)
        memcpy(call->note.key, source_of->id, sizeof call->note.key);
    if (rdt_arn_key(call, rdt_in_text(call, "DestinationKeyId"), true, &target, &alias) ==
        RDT_FAULT_NONE)
        memcpy(call->note.key2, target->id, sizeof call->note.key2);
    call->request->message[0] = '\0';
}

enum rdt_fault
rdt_op_re_encrypt(struct rdt_call *call)
{
    struct rdt_context *from = &call->thread->context, *to = &call->thread->context2;
    struct rdt_blob blob;
    const struct rdt_key *source_of, *target;
    const struct rdt_version *version = NULL;
    size_t n = 0;
    enum rdt_fault fault = rdt_in_context(call, "SourceEncryptionContext", from);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_in_context(call, "DestinationEncryptionContext", to);
    note_both(call);
    if (fault == RDT_FAULT_NONE)
        fault = source(call, "SourceKeyId", "ReEncryptFrom", from, &blob);
    if (fault == RDT_FAULT_NONE)
        fault = check_algorithm(call, "SourceEncryptionAlgorithm", call->key);
    if (fault != RDT_FAULT_NONE)
        return fault;
    source_of = call->key;
    call->context = from;
    fault = rdt_call_key(call, rdt_in_text(call, "DestinationKeyId"), "ReEncryptTo", to, &target);
    if (fault == RDT_FAULT_NONE)
        fault = check_algorithm(call, "DestinationEncryptionAlgorithm", target);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_call_dry_run(call);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_open_blob(call, &blob, from, &n);
    if (fault == RDT_FAULT_NONE)
        fault = seal(call, target, to, (struct rdt_span){call->thread->plain.p, n}, &version);
    rdt_secret_clear(&call->thread->plain);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_buf *out = call->request->out;
    rdt_jout_open(out, NULL, '{');
    put_sealed(call, n);
    put_key(call, "SourceKeyId", source_of);
    put_key(call, "KeyId", target);
    rdt_jout_str(out, "SourceEncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    rdt_jout_str(out, "DestinationEncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    rdt_jout_hex(out, "SourceKeyMaterialId", blob.material_id);
    rdt_jout_hex(out, "DestinationKeyMaterialId", (struct rdt_span){version->material_id, 32});
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}
