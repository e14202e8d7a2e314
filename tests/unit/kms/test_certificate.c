/*
 * A certificate is what was signed, or refused. The vector is that of docs/formats/destruction.md;
 * with --print this writes it.
 */
#include "kms/certificate.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

static const char says[] =
    "{\"format\":\"redoubt destruction certificate 1\",\"state\":\"erased\","
    "\"key\":\"arn:aws:kms:local-1:000000000000:key/"
    "30313233-3435-3637-3839-3a3b3c3d3e3f\",\"of\":\"version\","
    "\"versions\":[{\"version\":1}],\"holdsPassed\":[{\"name\":\"a \\\" b: c\"}]}";

static struct rdt_signer *
signer_of(uint8_t seed_byte)
{
    struct rdt_signer *signer = NULL;
    RDT_SECRET seed = {0};
    assert_int_equal(rdt_secret_new(&seed, 32, NULL), RDT_OK);
    memset(seed.p, seed_byte, 32);
    assert_int_equal(rdt_signer_load(RDT_SIGN_ED25519, &seed, &signer, NULL), RDT_OK);
    return signer;
}

static void
put_vector(struct rdt_buf *out)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = signer_of(0x5a);
    assert_int_equal(rdt_certificate_seal(signer, rdt_span_str(says), out, NULL), RDT_OK);
}

static void
whole(void **state)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = signer_of(0x5a);
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *other = signer_of(0x5b);
    RDT_BUF bytes = {0};
    RDT_BUF out = {0};
    (void)state;
    put_vector(&bytes);
    struct rdt_span in = rdt_buf_span(&bytes);
    assert_int_equal(rdt_certificate_check(in, rdt_signer_public(signer), &out, NULL), RDT_OK);
    assert_true(rdt_span_is(rdt_buf_span(&out), says));
    assert_true(rdt_span_is(rdt_certificate_says(in), says));
    assert_int_equal(rdt_certificate_check(in, (struct rdt_span){0}, &out, NULL), RDT_OK);
    assert_int_equal(rdt_certificate_check(in, rdt_signer_public(other), &out, NULL),
                     RDT_E_TAMPERED);
}

/* As a tool writes it that sets it in lines. */
static void
spaced(void **state)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = signer_of(0x5a);
    RDT_BUF bytes = {0};
    RDT_BUF lines = {0};
    RDT_BUF out = {0};
    bool text = false;
    (void)state;
    put_vector(&bytes);
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] == '"' && bytes.p[i - 1] != '\\')
            text = !text;
        rdt_buf_add(&lines, bytes.p + i, 1);
        if (!text && strchr(",:[{", bytes.p[i]) != NULL)
            rdt_buf_str(&lines, "\n\t \r");
    }
    assert_int_equal(
        rdt_certificate_check(rdt_buf_span(&lines), rdt_signer_public(signer), &out, NULL), RDT_OK);
    assert_true(rdt_span_is(rdt_buf_span(&out), says));
}

static void
changed(void **state)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = signer_of(0x5a);
    struct rdt_span key = rdt_signer_public(signer);
    RDT_BUF bytes = {0};
    RDT_BUF out = {0};
    (void)state;
    put_vector(&bytes);
    for (size_t i = 0; i < bytes.n; i++) {
        bytes.p[i] ^= 1;
        if (rdt_certificate_check(rdt_buf_span(&bytes), key, &out, NULL) == RDT_OK)
            fail_msg("byte %zu was changed", i);
        bytes.p[i] ^= 1;
        if (rdt_certificate_check((struct rdt_span){bytes.p, i}, key, &out, NULL) == RDT_OK)
            fail_msg("cut at %zu", i);
    }
    assert_int_equal(out.n, 0);
    rdt_buf_str(&bytes, "}");
    assert_int_equal(rdt_certificate_check(rdt_buf_span(&bytes), key, &out, NULL), RDT_E_BADINPUT);
}

static void
vector(void **state)
{
    RDT_BUF want = {0};
    char path[1024];
    const char *source = getenv("REDOUBT_SOURCE");
    (void)state;
    snprintf(path, sizeof path, "%s/docs/formats/destruction.md", source == NULL ? "." : source);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 16);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    put_vector(&want);
    if (strstr(text, rdt_buf_cstr(&want)) == NULL)
        fail_msg("docs/formats/destruction.md: put there what test_kms_certificate --print prints");
    free(text);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(spaced),
        cmocka_unit_test(changed),
        cmocka_unit_test(vector),
    };
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        RDT_BUF out = {0};
        put_vector(&out);
        puts(rdt_buf_cstr(&out));
        return 0;
    }
    return cmocka_run_group_tests_name("kms/certificate", tests, NULL, NULL);
}
