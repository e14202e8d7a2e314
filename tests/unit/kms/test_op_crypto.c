/* Ciphertexts and the versions behind them: what opens, what is refused, and that nothing stays. */
#include "codec/base64.h"
#include "kms/blob.h"

#include "asks.h"

#define PLAIN "c2VjcmV0"

static char id[37], other[37], blob[1024];

static enum rdt_fault
decrypt(const char *ciphertext, const char *more)
{
    char input[4096];
    snprintf(input, sizeof input, "{\"CiphertextBlob\":\"%s\"%s}", ciphertext, more);
    return ask("Decrypt", input);
}

static void
encrypt(const char *key, const char *more, char out[static 1024])
{
    char input[1024];
    snprintf(input, sizeof input, "{\"KeyId\":\"%s\",\"Plaintext\":\"" PLAIN "\"%s}", key, more);
    assert_int_equal(ask("Encrypt", input), RDT_FAULT_NONE);
    answered("CiphertextBlob", out, 1024);
}

static bool
wiped(const struct rdt_secret *secret)
{
    uint8_t any = 0;
    for (size_t i = 0; i < secret->n; i++)
        any |= secret->p[i];
    return any == 0;
}

/* After each call, however it ended. */
static void
nothing_stays(void)
{
    assert_true(wiped(&thread->plain) && wiped(&thread->material) && wiped(&thread->derived));
}

static void
round_trip(void **state)
{
    char made[256], opened[256];
    (void)state;
    encrypt(id, "", blob);
    nothing_stays();
    assert_int_equal(decrypt(blob, ""), RDT_FAULT_NONE);
    answered("Plaintext", opened, sizeof opened);
    assert_string_equal(opened, PLAIN);
    nothing_stays();
    assert_int_equal(
        ask_at(NOW_MS, "GenerateDataKey", "{\"NumberOfBytes\":9,\"KeyId\":\"", id, "\"}"),
        RDT_FAULT_NONE);
    nothing_stays();
    answered("Plaintext", made, sizeof made);
    answered("CiphertextBlob", blob, sizeof blob);
    assert_int_equal(decrypt(blob, ""), RDT_FAULT_NONE);
    answered("Plaintext", opened, sizeof opened);
    assert_string_equal(opened, made);
    assert_int_equal(ask("GenerateRandom", "{\"NumberOfBytes\":1024}"), RDT_FAULT_NONE);
    nothing_stays();
}

/* Cut at each length, and each byte changed: refused without a word, or as a key that is not here.
 */
static void
broken(void **state)
{
    uint8_t whole[256], bytes[256];
    size_t n;
    (void)state;
    encrypt(id, "", blob);
    assert_true(rdt_base64_get(rdt_span_str(blob), whole, &n));
    assert_int_equal(n, 6 + RDT_BLOB_OVERHEAD);
    for (size_t i = 0; i < 2 * n; i++) {
        RDT_BUF text = {0};
        memcpy(bytes, whole, n);
        if (i >= n)
            bytes[i - n] ^= 0x40;
        rdt_base64_add(&text, (struct rdt_span){bytes, i < n ? i : n});
        enum rdt_fault fault = decrypt(rdt_buf_cstr(&text), "");
        bool of_key = i >= n + 1 && i < n + 17; /* the key's UUID */
        enum rdt_fault want = i == 0   ? RDT_FAULT_VALIDATION
                              : of_key ? RDT_FAULT_ACCESS_DENIED
                                       : RDT_FAULT_INVALID_CIPHERTEXT;
        if (fault != want)
            fail_msg("%zu of %zu: %s", i, n, rdt_fault_wire(fault));
        assert_int_equal(got.message[0] == '\0', fault == RDT_FAULT_INVALID_CIPHERTEXT);
        nothing_stays();
    }
}

static void
other_places(void **state)
{
    char more[256];
    (void)state;
    encrypt(id, ",\"EncryptionContext\":{\"a\":\"1\",\"b\":\"2\"}", blob);
    static const struct {
        const char *more;
        enum rdt_fault want;
    } rows[] = {
        {",\"EncryptionContext\":{\"b\":\"2\",\"a\":\"1\"}",            RDT_FAULT_NONE              },
        {"",                                                            RDT_FAULT_INVALID_CIPHERTEXT},
        {",\"EncryptionContext\":{}",                                   RDT_FAULT_INVALID_CIPHERTEXT},
        {",\"EncryptionContext\":{\"a\":\"1\"}",                        RDT_FAULT_INVALID_CIPHERTEXT},
        {",\"EncryptionContext\":{\"a\":\"2\",\"b\":\"1\"}",            RDT_FAULT_INVALID_CIPHERTEXT},
        {",\"EncryptionContext\":{\"a\":\"1\",\"b\":\"2\",\"c\":\"\"}",
         RDT_FAULT_INVALID_CIPHERTEXT                                                               },
        {",\"EncryptionContext\":{\"a\":\"1\",\"B\":\"2\"}",            RDT_FAULT_INVALID_CIPHERTEXT},
    };
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        assert_int_equal(decrypt(blob, rows[i].more), rows[i].want);
        nothing_stays();
    }
    snprintf(more, sizeof more, ",\"KeyId\":\"%s\",\"EncryptionContext\":{\"a\":\"1\",\"b\":\"2\"}",
             other);
    assert_int_equal(decrypt(blob, more), RDT_FAULT_INCORRECT_KEY);
}

static void
re_encrypted(void **state)
{
    char input[4096];
    (void)state;
    encrypt(id, ",\"EncryptionContext\":{\"a\":\"1\"}", blob);
    snprintf(input, sizeof input,
             "{\"CiphertextBlob\":\"%s\",\"SourceEncryptionContext\":{\"a\":\"1\"},"
             "\"DestinationEncryptionContext\":{\"b\":\"2\"},\"DestinationKeyId\":\"%s\"}",
             blob, other);
    assert_int_equal(ask("ReEncrypt", input), RDT_FAULT_NONE);
    nothing_stays();
    assert_null(strstr(got.answer, PLAIN));
    answered("CiphertextBlob", blob, sizeof blob);
    assert_int_equal(decrypt(blob, ",\"EncryptionContext\":{\"b\":\"2\"}"), RDT_FAULT_NONE);
    assert_non_null(strstr(got.answer, other));
    assert_int_equal(decrypt(blob, ",\"EncryptionContext\":{\"a\":\"1\"}"),
                     RDT_FAULT_INVALID_CIPHERTEXT);
    snprintf(input, sizeof input, "{\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"%s\"}", blob,
             id);
    assert_int_equal(ask("ReEncrypt", input),
                     RDT_FAULT_INVALID_CIPHERTEXT); /* the source's context */
    nothing_stays();
}

static void
dry(void **state)
{
    char input[4096];
    (void)state;
    encrypt(id, "", blob);
    assert_int_equal(decrypt(blob, ",\"DryRun\":true"), RDT_FAULT_DRY_RUN);
    assert_null(strstr(got.answer, "\"Plaintext\""));
    assert_int_equal(
        ask_at(NOW_MS, "Decrypt",
               "{\"DryRun\":true,\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"],\"KeyId\":\"", id,
               "\"}"),
        RDT_FAULT_DRY_RUN);
    assert_int_equal(
        ask("Decrypt", "{\"DryRun\":true,\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]}"),
        RDT_FAULT_VALIDATION);
    assert_int_equal(ask_at(NOW_MS, "Decrypt",
                            "{\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"],\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_VALIDATION); /* no dry run: then a ciphertext it has to be */
    snprintf(input, sizeof input,
             "{\"DryRun\":true,\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"%s\"}", blob,
             other);
    assert_int_equal(ask("ReEncrypt", input), RDT_FAULT_DRY_RUN);
    assert_null(strstr(got.answer, "CiphertextBlob"));
    nothing_stays();
}

/* ---- what becomes of the version ---- */

static void
set_version(const char *key, enum rdt_version_state to)
{
    uint8_t uuid[16], row[20], digest[32];
    uint64_t revision;
    struct rdt_tx *tx;
    assert_true(rdt_uuid_parse(rdt_span_str(key), uuid));
    memcpy(row, uuid, sizeof uuid);
    memcpy(row + 16, (const uint8_t[]){0, 0, 0, 1}, 4);
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_version *version =
        rdt_tx_edit(tx, RDT_KIND_VERSION, (struct rdt_span){row, sizeof row});
    assert_non_null(version);
    version->state = (uint8_t)to;
    assert_int_equal(rdt_tx_seal(tx, thread->worker, &revision, digest, NULL), RDT_OK);
    assert_int_equal(rdt_tx_commit(tx, kms->store, NULL, NULL), RDT_OK);
}

/* All that is not on its way out serves decrypting; only the current one serves encrypting. */
static void
versions(void **state)
{
    static const struct {
        enum rdt_version_state is;
        enum rdt_fault want;
    } rows[] = {
        {RDT_VERSION_RETAINED,  RDT_FAULT_NONE         },
        {RDT_VERSION_DRAINING,  RDT_FAULT_NONE         },
        {RDT_VERSION_DRAINED,   RDT_FAULT_NONE         },
        {RDT_VERSION_QUIESCED,  RDT_FAULT_INVALID_STATE},
        {RDT_VERSION_DESTROYED, RDT_FAULT_INVALID_STATE},
    };
    char key[37], fresh[1024];
    (void)state;
    new_key(key);
    encrypt(key, "", blob);
    assert_int_equal(ask_at(NOW_MS, "RotateKeyOnDemand", "{\"KeyId\":\"", key, "\"}"),
                     RDT_FAULT_NONE);
    encrypt(key, "", fresh);
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        set_version(key, rows[i].is);
        enum rdt_fault fault = decrypt(blob, "");
        if (fault != rows[i].want)
            fail_msg("%s: %s", rdt_version_state_word(rows[i].is), rdt_fault_wire(fault));
        nothing_stays();
        assert_int_equal(decrypt(fresh, ""), RDT_FAULT_NONE);
    }
}

static int
fill_in(void **state)
{
    if (set_up(state) != 0)
        return -1;
    new_key(id);
    new_key(other);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),   cmocka_unit_test(broken), cmocka_unit_test(other_places),
        cmocka_unit_test(re_encrypted), cmocka_unit_test(dry),    cmocka_unit_test(versions),
    };
    return cmocka_run_group_tests_name("kms/op_crypto", tests, fill_in, tear_down);
}
