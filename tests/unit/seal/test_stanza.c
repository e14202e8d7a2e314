/* Stanzas as a stranger may write them: cut, of later kinds, of known kinds badly. */
#include "seal/seal_internal.h"

#include "../test.h"

#include <stdlib.h>

static void
add(struct rdt_buf *out, uint8_t kind, const void *bytes, size_t n)
{
    rdt_buf_uint(out, kind, 1);
    rdt_buf_uint(out, n, 2);
    rdt_buf_add(out, bytes, n);
    assert_true(rdt_buf_ok(out));
}

static void
later_kinds_are_skipped(void **state)
{
    RDT_BUF stanzas = {0};
    struct rdt_seal_stanza s;
    bool passphrase;
    (void)state;
    add(&stanzas, 0, "", 0);
    add(&stanzas, 7, "of a later version", 18);
    add(&stanzas, 255, "x", 1);
    struct rdt_span in = rdt_buf_span(&stanzas);
    assert_true(rdt_seal_stanzas_fit(in, &passphrase));
    assert_false(passphrase);
    assert_true(rdt_seal_stanza_next(&in, &s));
    assert_string_equal(rdt_seal_kind_name(s.kind), "unknown");
    assert_true(rdt_seal_stanza_next(&in, &s));
    assert_int_equal(s.bytes.n, 18);
    assert_true(rdt_seal_stanza_next(&in, &s));
    assert_false(rdt_seal_stanza_next(&in, &s));
    assert_int_equal(in.n, 0);
}

/* Of each kind one that is right; and where a change of one byte makes it wrong. */
static const struct {
    const char *name;
    uint8_t kind;
    size_t n;
    uint8_t bytes[124];
} kinds[] = {
    {"kms",         RDT_SEAL_KMS,        7,   {0, 1, 'k', 1, 't', 'b', 'b'}},
    {"tenant",      RDT_SEAL_TENANT,     82,  {0}                          },
    {"x25519",      RDT_SEAL_X25519,     112, {0}                          },
    {"passphrase",  RDT_SEAL_PASSPHRASE, 85,  {0}                          },
    {"p11",         RDT_SEAL_P11,        7,   {1, 1, 't', 1, 'k', 'w', 'w'}},
    {"break-glass", RDT_SEAL_GLASS,      116, {0, 2, 3, 3}                 },
};

static bool
reads(uint8_t kind, const uint8_t *bytes, size_t n)
{
    RDT_BUF stanzas = {0};
    struct rdt_seal_stanza s;
    uint8_t *own = malloc(n + 3);
    assert_non_null(own);
    add(&stanzas, kind, bytes, n);
    memcpy(own, stanzas.p, stanzas.n); /* so that a byte too far is seen */
    struct rdt_span in = {own, n + 3};
    bool ok = rdt_seal_stanza_next(&in, &s);
    assert_int_equal(in.n, ok ? 0 : n + 3);
    free(own);
    return ok;
}

static void
each_kind_has_its_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(kinds); i++) {
        bool open_end = kinds[i].kind == RDT_SEAL_KMS || kinds[i].kind == RDT_SEAL_P11;
        assert_string_equal(rdt_seal_kind_name(kinds[i].kind), kinds[i].name);
        assert_true(reads(kinds[i].kind, kinds[i].bytes, kinds[i].n));
        for (size_t n = 0; n < kinds[i].n; n++)
            assert_int_equal(reads(kinds[i].kind, kinds[i].bytes, n),
                             open_end && n == kinds[i].n - 1);
        assert_int_equal(reads(kinds[i].kind, kinds[i].bytes, kinds[i].n + 1), open_end);
    }
}

static void
each_kind_has_its_values(void **state)
{
    static const struct {
        size_t kind, at;
        uint8_t value;
    } wrong[] = {
        {0, 1, 0   }, /* no name of a key */
        {0, 2, '\n'},
        {0, 4, 0x1b},
        {0, 0, 0xff},
        {4, 0, 0   }, /* how */
        {4, 0, 4   },
        {4, 1, 0   },
        {4, 2, 7   },
        {4, 3, 0   },
        {5, 1, 1   }, /* k */
        {5, 1, 4   },
        {5, 2, 17  },
        {5, 2, 2   },
        {5, 3, 0   }, /* x */
        {5, 3, 4   },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(wrong); i++) {
        uint8_t bytes[sizeof kinds[0].bytes];
        memcpy(bytes, kinds[wrong[i].kind].bytes, sizeof bytes);
        bytes[wrong[i].at] = wrong[i].value;
        if (reads(kinds[wrong[i].kind].kind, bytes, kinds[wrong[i].kind].n))
            fail_msg("%s, byte %zu", kinds[wrong[i].kind].name, wrong[i].at);
    }
}

static void
how_many(void **state)
{
    RDT_BUF stanzas = {0};
    bool passphrase;
    (void)state;
    assert_false(rdt_seal_stanzas_fit((struct rdt_span){NULL, 0}, &passphrase));
    for (size_t i = 0; i < RDT_SEAL_STANZAS_MAX; i++)
        add(&stanzas, 99, "", 0);
    assert_true(rdt_seal_stanzas_fit(rdt_buf_span(&stanzas), &passphrase));
    add(&stanzas, 99, "", 0);
    assert_false(rdt_seal_stanzas_fit(rdt_buf_span(&stanzas), &passphrase));
    stanzas.n = 2; /* cut */
    assert_false(rdt_seal_stanzas_fit(rdt_buf_span(&stanzas), &passphrase));
}

/* Beside whatever, also beside what is not known. */
static void
a_passphrase_stands_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i <= RDT_COUNT(kinds); i++)
        for (size_t before = 0; before < 2; before++) {
            RDT_BUF stanzas = {0};
            bool passphrase;
            if (before == 1 && i < RDT_COUNT(kinds))
                add(&stanzas, kinds[i].kind, kinds[i].bytes, kinds[i].n);
            add(&stanzas, RDT_SEAL_PASSPHRASE, kinds[3].bytes, kinds[3].n);
            if (before == 0 && i < RDT_COUNT(kinds))
                add(&stanzas, kinds[i].kind, kinds[i].bytes, kinds[i].n);
            assert_int_equal(rdt_seal_stanzas_fit(rdt_buf_span(&stanzas), &passphrase),
                             i == RDT_COUNT(kinds));
            assert_true(passphrase);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_kinds_are_skipped),   cmocka_unit_test(each_kind_has_its_length),
        cmocka_unit_test(each_kind_has_its_values),  cmocka_unit_test(how_many),
        cmocka_unit_test(a_passphrase_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
