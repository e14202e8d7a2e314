/* scrypt. */
#include "crypto/scrypt.h"

#include "wycheproof.h"

static struct rdt_worker *worker;

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) == RDT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_worker_close(worker);
    return 0;
}

/* RFC 7914 section 12, third case; the other one with r = 8 and p = 1 takes 1 GiB. */
static void
known(void **state)
{
    static const char want[] = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                               "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887";
    RDT_SECRET phrase = {0}, key = {0};
    RDT_BUF bytes = {0};
    (void)state;
    hex_add(&bytes, want);
    assert_int_equal(rdt_secret_copy(&phrase, rdt_span_str("pleaseletmein"), NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&key, 64, NULL), RDT_OK);
    assert_int_equal(rdt_scrypt(worker, &phrase, rdt_span_str("SodiumChloride"), 14, &key, NULL),
                     RDT_OK);
    assert_memory_equal(key.p, bytes.p, key.n);
}

static void
refused(void **state)
{
    static const unsigned costs[] = {0, RDT_SCRYPT_LOG_MAX + 1, 63, 64, 65, (unsigned)-1};
    RDT_SECRET phrase = {0}, empty = {0}, key = {0}, zeroes = {0};
    struct rdt_span salt = rdt_span_str("salt");
    struct rdt_err err;
    (void)state;
    assert_int_equal(rdt_secret_copy(&phrase, rdt_span_str("hunter2"), NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&key, RDT_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&zeroes, RDT_KEY_LEN, NULL), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(costs); i++) {
        memset(key.p, 1, key.n);
        assert_int_equal(rdt_scrypt(worker, &phrase, salt, costs[i], &key, &err), RDT_E_LIMIT);
        assert_true(rdt_secret_equal(&key, &zeroes));
        assert_null(strstr(err.text, "hunter2"));
    }
    assert_int_equal(rdt_scrypt(worker, &empty, salt, 1, &key, &err), RDT_E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),
        cmocka_unit_test(refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
