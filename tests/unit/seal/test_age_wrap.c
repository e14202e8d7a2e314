/* The file key of an age file, wrapped for one recipient. */
#include "seal/age_internal.h"

#include "age_pair.h"

static void
new_file_key(struct rdt_secret *out)
{
    assert_int_equal(rdt_secret_new(out, AGE_FILE_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_random_key(worker, out, NULL), RDT_OK);
}

static void
x25519(void **state)
{
    RDT_SECRET file_key = {0}, back = {0}, zeroes = {0};
    struct age_stanza stanza;
    struct age_pair mine = {&private_key, public_key[0]};
    (void)state;
    new_file_key(&file_key);
    assert_int_equal(rdt_secret_new(&back, AGE_FILE_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&zeroes, AGE_FILE_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_age_wrap_x25519(worker, public_key[0], &file_key, &stanza), RDT_OK);
    assert_int_equal(rdt_age_unwrap_x25519(worker, mine, &stanza, &back), RDT_OK);
    assert_true(rdt_secret_equal(&file_key, &back));
    /* every bit of share and body counts; the top bit of a share X25519 leaves out, the salt not */
    for (size_t bit = 0; bit < 8 * (sizeof stanza.share + sizeof stanza.body); bit++) {
        uint8_t *at = bit / 8 < sizeof stanza.share ? stanza.share + bit / 8
                                                    : stanza.body + bit / 8 - sizeof stanza.share;
        *at ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(rdt_age_unwrap_x25519(worker, mine, &stanza, &back), RDT_E_TAMPERED);
        assert_true(rdt_secret_equal(&back, &zeroes));
        *at ^= (uint8_t)(1 << bit % 8);
    }
    mine.private_key = &other_key;
    assert_int_equal(rdt_age_unwrap_x25519(worker, mine, &stanza, &back), RDT_E_TAMPERED);
    memset(stanza.share, 0, sizeof stanza.share);
    assert_int_equal(rdt_age_unwrap_x25519(worker, mine, &stanza, &back), RDT_E_BADINPUT);
}

static void
hybrid(void **state)
{
    RDT_SECRET file_key = {0}, back = {0};
    struct age_stanza stanza;
    static uint8_t hybrid_key[RDT_XWING_PUBLIC_LEN];
    (void)state;
    if (!rdt_xwing_has(worker)) {
        print_message("# skipped: this libcrypto has no ML-KEM (3.5 has it)\n");
        return;
    }
    new_file_key(&file_key);
    assert_int_equal(rdt_secret_new(&back, AGE_FILE_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_xwing_public(worker, &private_key, hybrid_key), RDT_OK);
    assert_int_equal(rdt_age_wrap_hybrid(worker, hybrid_key, &file_key, &stanza), RDT_OK);
    assert_int_equal(rdt_age_unwrap_hybrid(worker, &private_key, &stanza, &back), RDT_OK);
    assert_true(rdt_secret_equal(&file_key, &back));
    assert_int_equal(rdt_age_unwrap_hybrid(worker, &other_key, &stanza, &back), RDT_E_TAMPERED);
    stanza.body[0] ^= 1;
    assert_int_equal(rdt_age_unwrap_hybrid(worker, &private_key, &stanza, &back), RDT_E_TAMPERED);
}

static void
passphrase(void **state)
{
    RDT_SECRET file_key = {0}, back = {0};
    struct age_stanza stanza = {.log_n = 4};
    (void)state;
    new_file_key(&file_key);
    assert_int_equal(rdt_secret_new(&back, AGE_FILE_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_age_wrap_scrypt(worker, &phrase, &file_key, &stanza, NULL), RDT_OK);
    assert_int_equal(stanza.kind, AGE_SCRYPT);
    assert_int_equal(rdt_age_unwrap_scrypt(worker, &phrase, &stanza, &back, NULL), RDT_OK);
    assert_true(rdt_secret_equal(&file_key, &back));
    assert_int_equal(rdt_age_unwrap_scrypt(worker, &other_key, &stanza, &back, NULL),
                     RDT_E_TAMPERED);
    stanza.log_n = 5;
    assert_int_equal(rdt_age_unwrap_scrypt(worker, &phrase, &stanza, &back, NULL), RDT_E_TAMPERED);
    stanza.log_n = 4;
    stanza.salt[0] ^= 1;
    assert_int_equal(rdt_age_unwrap_scrypt(worker, &phrase, &stanza, &back, NULL), RDT_E_TAMPERED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x25519),
        cmocka_unit_test(hybrid),
        cmocka_unit_test(passphrase),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
