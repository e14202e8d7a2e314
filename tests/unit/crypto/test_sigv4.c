#include "crypto/sigv4.h"

#include "../test.h"

#include <stdio.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define LONG_SECRET SECRET SECRET SECRET

/* The first: AWS General Reference, "Examples of how to derive a signing key". The others: the same
 * definition by Python's hmac and hashlib. */
static const struct {
    const char *secret, *date, *region, *service, *want;
} cases[] = {
    {SECRET,      "20150830", "us-east-1", "iam",
     "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"},
    {LONG_SECRET, "20261124", "eu-west-1", "kms",
     "144ea1fc2274f535c9d65760ee7199e6397f91e5df9248549e33cae37c3da8f9"},
};

static void
text_of(const struct rdt_secret *s, char out[static 2 * RDT_SHA256_LEN + 1])
{
    struct rdt_span bytes = rdt_secret_view(s);
    for (size_t i = 0; i < bytes.n; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes.p[i]);
}

static void
derives(void **state)
{
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_SECRET secret = {0}, key = {0};
        char got[2 * RDT_SHA256_LEN + 1];
        assert_int_equal(rdt_secret_copy(&secret, rdt_span_str(cases[i].secret), NULL), RDT_OK);
        assert_int_equal(rdt_secret_new(&key, RDT_KEY_LEN, NULL), RDT_OK);
        assert_int_equal(rdt_sigv4_key(*state, &secret, rdt_span_str(cases[i].date),
                                       rdt_span_str(cases[i].region),
                                       rdt_span_str(cases[i].service), &key),
                         RDT_OK);
        text_of(&key, got);
        assert_string_equal(got, cases[i].want);
    }
}

static void
refuses_a_short_key(void **state)
{
    RDT_SECRET secret = {0}, key = {0};
    assert_int_equal(rdt_secret_copy(&secret, rdt_span_str(SECRET), NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&key, 31, NULL), RDT_OK);
    assert_int_equal(rdt_sigv4_key(*state, &secret, rdt_span_str("20150830"), rdt_span_str("r"),
                                   rdt_span_str("s"), &key),
                     RDT_E_INTERNAL);
}

static int
open_worker(void **state)
{
    return rdt_worker_open((struct rdt_worker **)state, NULL) == RDT_OK ? 0 : -1;
}

static int
close_worker(void **state)
{
    rdt_worker_close(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derives),
        cmocka_unit_test(refuses_a_short_key),
    };
    return cmocka_run_group_tests(tests, open_worker, close_worker);
}
