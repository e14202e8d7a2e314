/* What the record of a call says, and what it does not. */
#include "codec/base64.h"
#include "kms/audit_record.h"

#include "asks.h"

static struct rdt_audit_record record;

static void
read_record(const char *bytes, size_t n)
{
    rdt_record_done(&rdt_audit_record, &record);
    record = (struct rdt_audit_record){0};
    assert_int_equal(rdt_record_get(&rdt_audit_record, (struct rdt_span){(const uint8_t *)bytes, n},
                                    &record, NULL),
                     RDT_OK);
}

static const uint8_t zeroes[32];

static void
calls(void **state)
{
    struct rdt_caller caller = {.internal = true,
                                .principal = {5},
                                .arn = "arn:aws:iam::000000000000:user/ada",
                                .credential = "RDTAX",
                                .source = "192.0.2.1"};
    char id[37], input[256];
    (void)state;
    new_key(id);
    read_record(got.record, got.record_n);
    assert_string_equal(record.operation, "CreateKey");
    assert_true(record.revision != 0);
    assert_memory_not_equal(record.digest, zeroes, sizeof zeroes);
    snprintf(
        input, sizeof input,
        "{\"KeyId\":\"%s\",\"Plaintext\":\"c2VjcmV0LXZhbHVl\",\"EncryptionContext\":{\"patient\":"
        "\"Jane Doe\"}}",
        id);
    assert_int_equal(ask_as(&caller, NOW_MS + 1, "Encrypt", input), RDT_FAULT_NONE);
    read_record(got.record, got.record_n);
    assert_string_equal(record.operation, "Encrypt");
    assert_int_equal(record.time_ms, NOW_MS + 1);
    assert_string_equal(record.caller, caller.arn);
    assert_string_equal(record.credential, "RDTAX");
    assert_string_equal(record.source, "192.0.2.1");
    assert_int_equal(record.principal[0], 5);
    assert_int_equal(record.revision, 0); /* nothing was changed */
    assert_true(record.fault == NULL || record.fault[0] == '\0');
    assert_int_not_equal(record.material[0] | record.material[1] | record.material[2], 0);
    /* the name of the context in the clear, of its value and the plaintext nothing */
    assert_non_null(memmem(got.record, got.record_n, "patient", 7));
    assert_null(memmem(got.record, got.record_n, "Jane", 4));
    assert_null(memmem(got.record, got.record_n, "secret-value", 12));
    assert_null(memmem(got.record, got.record_n, "c2VjcmV0", 8));
}

static struct rdt_span
context_digits(const char *id, const char *name, const char *value, char out[static 64])
{
    char input[256];
    struct rdt_span digits;
    snprintf(input, sizeof input,
             "{\"KeyId\":\"%s\",\"Plaintext\":\"eA==\",\"EncryptionContext\":{\"%s\":\"%s\"}}", id,
             name, value);
    assert_int_equal(ask("Encrypt", input), RDT_FAULT_NONE);
    read_record(got.record, got.record_n);
    assert_true(rdt_pairs_find(rdt_bytes_span(&record.context), rdt_span_str(name), &digits));
    assert_int_equal(digits.n, 16);
    memcpy(out, digits.p, digits.n);
    return (struct rdt_span){(uint8_t *)out, digits.n};
}

/* Equal values of one name have equal digits, so that who knows a value finds its calls. */
static void
contexts(void **state)
{
    char id[37], a[64], b[64];
    (void)state;
    new_key(id);
    struct rdt_span one = context_digits(id, "tenant", "a", a);
    assert_true(rdt_span_eq(one, context_digits(id, "tenant", "a", b)));
    assert_false(rdt_span_eq(one, context_digits(id, "tenant", "b", b)));
    assert_false(rdt_span_eq(one, context_digits(id, "tenan", "ta", b)));
}

static void
refusals(void **state)
{
    struct rdt_caller nobody = {.principal = {9}};
    char id[37], input[128];
    uint8_t key[16];
    (void)state;
    new_key(id);
    assert_true(rdt_uuid_parse(rdt_span_str(id), key));
    snprintf(input, sizeof input, "{\"KeyId\":\"%s\",\"Plaintext\":\"eA==\"}", id);
    assert_int_equal(ask_as(&nobody, NOW_MS, "Encrypt", input), RDT_FAULT_ACCESS_DENIED);
    read_record(got.record, got.record_n);
    assert_string_equal(record.fault, "AccessDeniedException");
    assert_memory_equal(record.key, key, sizeof key); /* what was tried on which key */
    snprintf(input, sizeof input, "{\"KeyId\":\"%s\",\"Plaintext\":\"eA==\",\"DryRun\":true}", id);
    assert_int_equal(ask("Encrypt", input), RDT_FAULT_DRY_RUN);
    read_record(got.record, got.record_n);
    assert_int_equal(record.dry_run, 1);
    assert_string_equal(record.fault, "DryRunOperationException");
    assert_int_equal(ask("Sign", "{}"), RDT_FAULT_UNSUPPORTED);
    read_record(got.record, got.record_n);
    assert_string_equal(record.operation, "Sign");
}

/* A commit that failed after its record was written. */
static void
taken_back(void **state)
{
    char id[37];
    RDT_BUF bytes = {0};
    (void)state;
    new_key(id);
    rdt_buf_str(&bytes, "before");
    rdt_buf_add(&bytes, got.record, got.record_n);
    struct rdt_request request = {.fault = RDT_FAULT_INTERNAL, .record = &bytes};
    rdt_record_take_back(&request, 6);
    assert_memory_equal(bytes.p, "before", 6);
    read_record((const char *)bytes.p + 6, bytes.n - 6);
    assert_string_equal(record.operation, "CreateKey");
    assert_string_equal(record.fault, "KMSInternalException");
    assert_int_equal(record.revision, 0);
    assert_memory_equal(record.digest, zeroes, sizeof zeroes);
}

static void
of_the_service(void **state)
{
    static const uint8_t id[16] = {3}, digest[32] = {4};
    RDT_BUF bytes = {0};
    (void)state;
    rdt_record_system("Start", NOW_MS, 17, digest, id, &bytes);
    read_record((const char *)bytes.p, bytes.n);
    assert_int_equal(record.type, RDT_AUDIT_SYSTEM);
    assert_string_equal(record.operation, "Start");
    assert_int_equal(record.revision, 17);
    assert_memory_equal(record.digest, digest, sizeof digest);
    for (size_t n = 0; n < bytes.n;
         n++) { /* each cut is refused, or reads as less, never as more */
        struct rdt_audit_record cut = {0};
        if (rdt_record_get(&rdt_audit_record, (struct rdt_span){bytes.p, n}, &cut, NULL) == RDT_OK)
            assert_true(cut.revision == 0 || cut.revision == 17);
        rdt_record_done(&rdt_audit_record, &cut);
    }
}

static int
done(void **state)
{
    rdt_record_done(&rdt_audit_record, &record);
    return tear_down(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls),      cmocka_unit_test(contexts),       cmocka_unit_test(refusals),
        cmocka_unit_test(taken_back), cmocka_unit_test(of_the_service),
    };
    return cmocka_run_group_tests_name("kms/audit_record", tests, set_up, done);
}
