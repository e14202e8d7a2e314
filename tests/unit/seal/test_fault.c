/* Each fault has words and a code of its own kind. */
#include "seal/seal.h"

#include "../test.h"

static void
words_and_codes(void **state)
{
    (void)state;
    struct rdt_err err = {0};
    assert_int_equal(rdt_seal_fail(&err, RDT_SEAL_OK), RDT_OK);
    assert_string_equal(err.text, "");
    for (int fault = RDT_SEAL_OK + 1; fault < RDT_SEAL_NFAULTS; fault++) {
        const char *words = rdt_seal_fault_words(fault);
        assert_non_null(words);
        assert_true(strlen(words) > 8);
        assert_int_not_equal(rdt_seal_fail(&err, fault), RDT_OK);
        assert_string_equal(err.text, words);
        for (int other = RDT_SEAL_OK; other < fault; other++)
            assert_string_not_equal(words, rdt_seal_fault_words(other));
    }
    assert_string_equal(rdt_seal_fault_words(RDT_SEAL_NFAULTS), "an unknown fault");
    assert_int_equal(rdt_seal_fail(NULL, RDT_SEAL_NFAULTS), RDT_E_INTERNAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_and_codes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
