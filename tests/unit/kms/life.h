/* life.h - a service whose clocks the test sets, a key, a scanner, and what is said about both. */
#ifndef RDT_TEST_KMS_LIFE_H
#define RDT_TEST_KMS_LIFE_H

#include "codec/base64.h"
#include "codec/census.h"
#include "kms/life_internal.h"

/* on a service with approvers (approvers.h), or on one without */
#ifdef RDT_TEST_KMS_APPROVERS_H
#define NOW_MS ((int64_t)1800000000000)
static struct rdt_kms *kms;
static struct rdt_kms_thread *thread;
#else
#include "service.h"
#endif

#include "crypto/sign.h"

#include <stdarg.h>

#define MINUTE_MS ((int64_t)60000)

static int64_t real_ms = NOW_MS, boot_ms = 1000000;
static char told[16384], message[RDT_MESSAGE_MAX];
static struct rdt_signer *scanner;
static const char *scanner_name = "s1";
static char key[RDT_UUID_TEXT]; /* the one that tests are about */
static uint8_t key_id[16];

static inline void
read_clocks(void *user, int64_t *real, int64_t *boot)
{
    (void)user;
    *real = real_ms;
    *boot = boot_ms;
}

/* One call by the service itself; the answer and the message are kept. */
static inline enum rdt_fault
run(const char *op, const char *body)
{
    RDT_BUF out = {0};
    RDT_BUF record = {0};
    RDT_BUF input = {0};
    struct rdt_request request = {.op = rdt_op_named(op),
                                  .caller = {.internal = true},
                                  .now_ms = real_ms,
                                  .out = &out,
                                  .record = &record};
    struct rdt_request *one = &request;
    assert_non_null(request.op);
    rdt_buf_str(&input, body);
    request.body = input.p;
    request.body_n = input.n;
    rdt_kms_request_id(thread, request.id);
    if (request.op->cls == RDT_OP_WRITE)
        rdt_kms_write(kms, thread, &one, 1);
    else
        rdt_kms_read(kms, thread, &request);
    snprintf(told, sizeof told, "%s", rdt_buf_cstr(&out));
    snprintf(message, sizeof message, "%s", request.message);
    return request.fault;
}

static inline enum rdt_fault RDT_PRINTF(2, 3) runf(const char *op, const char *fmt, ...)
{
    char body[8192];
    va_list args;
    va_start(args, fmt);
    vsnprintf(body, sizeof body, fmt, args);
    va_end(args);
    return run(op, body);
}

#define must(...)                                                                                  \
    do {                                                                                           \
        if (runf(__VA_ARGS__) != RDT_FAULT_NONE)                                                   \
            fail_msg("refused: %s", message);                                                      \
    } while (0)

/* A text member of the last answer. */
static inline void
member(const char *name, char *out, size_t size)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
    const char *from = strstr(told, quoted);
    assert_non_null(from);
    from += strlen(quoted);
    snprintf(out, size, "%.*s", (int)strcspn(from, "\""), from);
}

static inline void
new_key(void)
{
    must("CreateKey", "{}");
    member("KeyId", key, sizeof key);
    assert_true(rdt_uuid_parse(rdt_span_str(key), key_id));
}

static inline void
tick(void)
{
    rdt_kms_tick(kms, thread, real_ms);
}

/* Time goes by as it does: both clocks, a tick each hour. */
static inline void
hours_pass(int64_t hours)
{
    for (int64_t i = 0; i < hours; i++) {
        real_ms += 60 * MINUTE_MS;
        boot_ms += 60 * MINUTE_MS;
        tick();
    }
}

/* The same as so many of them, without a commit each. */
static inline void
days_pass(int64_t days)
{
    struct clock *clock = &kms->clock;
    int64_t *moved[] = {&real_ms,          &boot_ms,          &clock->real_ms,  &clock->boot_ms,
                        &clock->from_real, &clock->from_boot, &clock->credit_ms};
    for (size_t i = 0; i < RDT_COUNT(moved); i++)
        *moved[i] += days * DAY_MS - 60 * MINUTE_MS;
    hours_pass(1);
}

static inline struct rdt_view
now(void)
{
    return (struct rdt_view){.state = kms->state};
}

static inline const struct rdt_version *
version(uint32_t number)
{
    const struct rdt_version *row = rdt_view_version(now(), key_id, number);
    assert_non_null(row);
    return row;
}

#define assert_state(number, want)                                                                 \
    assert_string_equal(rdt_version_state_word(version(number)->state), want)

/* ---- scanners and reports ---- */

static inline void
enrol(const char *name, struct rdt_signer *signer, const char *stores)
{
    char digits[2 * RDT_PUBLIC_MAX + 1] = "";
    rdt_hex_put(rdt_signer_public(signer), digits);
    must("ScannerEnrol", "{\"Scanner\":\"%s\",\"PublicKey\":\"%s\",\"Stores\":[%s]}", name, digits,
         stores);
}

static inline void
nonce(const char *store, uint8_t out[static 16])
{
    char digits[64];
    must("CensusNonce", "{\"KeyId\":\"%s\",\"Store\":\"%s\"}", key, store);
    member("Nonce", digits, sizeof digits);
    assert_true(rdt_hex_get(rdt_span_str(digits), out, 16));
}

/* A report that would be good: full coverage, nothing found, over a new nonce. */
static inline struct rdt_census
empty_report(const char *store)
{
    struct rdt_census census = {
        .store = rdt_span_str(store), .looked_at = 10, .total = 10, .made_ms = real_ms};
    memcpy(census.deployment, kms->deployment, 16);
    memcpy(census.key, key_id, 16);
    nonce(store, census.nonce);
    return census;
}

static inline enum rdt_fault
send_bytes(const char *op, const char *name, struct rdt_signer *signer, struct rdt_span bytes)
{
    RDT_BUF body = {0};
    uint8_t signature[64];
    assert_int_equal(rdt_signer_sign(signer, bytes, signature, NULL), RDT_OK);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Scanner", name);
    rdt_jout_blob(&body, strcmp(op, "SealReceipt") == 0 ? "Receipt" : "Report", bytes);
    rdt_jout_blob(&body, "Signature", (struct rdt_span){signature, sizeof signature});
    rdt_jout_close(&body, '}');
    return run(op, rdt_buf_cstr(&body));
}

static inline enum rdt_fault
send(const struct rdt_census *census)
{
    RDT_BUF bytes = {0};
    rdt_census_put(census, &bytes);
    return send_bytes("CensusReport", scanner_name, scanner, rdt_buf_span(&bytes));
}

static inline void
report_empty(const char *store)
{
    struct rdt_census census = empty_report(store);
    if (send(&census) != RDT_FAULT_NONE)
        fail_msg("refused: %s", message);
}

static inline void
report_found(const char *store, uint32_t number, uint64_t count)
{
    RDT_BUF counts = {0};
    struct rdt_census census = empty_report(store);
    rdt_census_add(&counts, false, &(struct rdt_census_count){.version = number, .count = count});
    census.counts = rdt_buf_span(&counts);
    if (send(&census) != RDT_FAULT_NONE)
        fail_msg("refused: %s", message);
}

/* ---- set-up ---- */

static inline void
life_begin(void)
{
    kms->clock.read = read_clocks;
    assert_int_equal(rdt_signer_new(RDT_SIGN_ED25519, &scanner, NULL), RDT_OK);
    enrol("s1", scanner, "\"db\",\"bucket\",\"seal\"");
    tick();
}

#ifndef RDT_TEST_KMS_APPROVERS_H
static inline int
life_set_up(void **state)
{
    if (set_up(state) != 0)
        return -1;
    life_begin();
    return 0;
}

static inline int
life_tear_down(void **state)
{
    rdt_signer_free(scanner);
    return tear_down(state);
}
#endif

/* A new key whose version 1 is retained; it has encrypted, and db may hold what it made. */
static inline int
rotated_key(void **state)
{
    (void)state;
    new_key();
    must("Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key);
    must("RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", key);
    must("StoreRegister", "{\"KeyId\":\"%s\",\"Store\":\"db\",\"Kind\":\"database\"}", key);
    tick();
    return 0;
}

#endif
