#include "crypto/pwhash.h"

#include "../test.h"

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

#define ARGON2ID RDT_PWHASH_ARGON2ID
#define ARGON2I RDT_PWHASH_ARGON2I
#define SCRYPT RDT_PWHASH_SCRYPT
#define PBKDF2_256 RDT_PWHASH_PBKDF2_SHA256
#define PBKDF2_512 RDT_PWHASH_PBKDF2_SHA512

/* out: as many bytes of the published result as are given. */
static const struct {
    const char *source;
    enum rdt_pwhash_kind kind;
    uint32_t version, memory, passes, lanes;
    const char *password, *salt;
    size_t n;
    uint8_t out[16];
} vectors[] = {
    {"RFC 7914 section 12, 1",
     SCRYPT,     0,
     4,   1,
     1,  "",
     "",         64,
     {0x77, 0xd6, 0x57, 0x62, 0x38, 0x65, 0x7b, 0x20, 0x3b, 0x19, 0xca, 0x42}},
    {"RFC 7914 section 12, 2",
     SCRYPT,     0,
     10,  8,
     16, "password",
     "NaCl",     64,
     {0xfd, 0xba, 0xbe, 0x1c, 0x9d, 0x34, 0x72, 0x00, 0x78, 0x56, 0xe7, 0x19}},
    {"RFC 7914 section 11, 1",
     PBKDF2_256, 0,
     0,   1,
     0,  "passwd",
     "salt",     64,
     {0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f, 0xec, 0x16, 0x91, 0xc2}},
    {"Python's hashlib, PBKDF2 with SHA-512",
     PBKDF2_512, 0,
     0,   1,
     0,  "password",
     "salt",     64,
     {0x86, 0x7f, 0x70, 0xcf, 0x1a, 0xde, 0x02, 0xcf, 0xf3, 0x75, 0x25, 0x99}},
    {"test.c of the Argon2 reference: id, m=256, p=1",
     ARGON2ID,   19,
     256, 2,
     1,  "password",
     "somesalt", 32,
     {0x9d, 0xfe, 0xb9, 0x10, 0xe8, 0x0b, 0xad, 0x03, 0x11, 0xfe, 0xe2, 0x0f}},
    {"likewise: id, m=256, p=2",
     ARGON2ID,   19,
     256, 2,
     2,  "password",
     "somesalt", 32,
     {0x6d, 0x09, 0x3c, 0x50, 0x1f, 0xd5, 0x99, 0x96, 0x45, 0xe0, 0xea, 0x3b}},
    {"likewise: i, version 16, m=256",
     ARGON2I,    16,
     256, 2,
     1,  "password",
     "somesalt", 32,
     {0xfd, 0x4d, 0xd8, 0x3d, 0x76, 0x2c, 0x49, 0xbd, 0xea, 0xf5, 0x7c, 0x47}},
};

static void
published(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(vectors); i++) {
        uint8_t out[64];
        struct rdt_pwhash how = {vectors[i].kind,   vectors[i].version,
                                 vectors[i].memory, vectors[i].passes,
                                 vectors[i].lanes,  rdt_span_str(vectors[i].salt)};
        print_message("# %s\n", vectors[i].source);
        assert_int_equal(
            rdt_pwhash(worker, &how, rdt_span_str(vectors[i].password), out, vectors[i].n), RDT_OK);
        assert_memory_equal(out, vectors[i].out, 12);
    }
}

/* Costs out of bounds; whatever else they say would be computed. */
static const struct rdt_pwhash dear[] = {
    {ARGON2ID,          19, RDT_PWHASH_MEMORY_MAX + 1, 1,                             1,  {0}},
    {ARGON2ID,          19, UINT32_MAX,                1,                             1,  {0}},
    {ARGON2ID,          19, 256,                       RDT_PWHASH_PASSES_MAX + 1,     1,  {0}},
    {ARGON2ID,          19, 256,                       0,                             1,  {0}},
    {ARGON2ID,          19, 256,                       1,                             0,  {0}},
    {ARGON2ID,          19, 256,                       1,                             17, {0}},
    {ARGON2ID,          19, 15,                        1,                             2,  {0}},
    {ARGON2ID,          18, 256,                       1,                             1,  {0}},
    {ARGON2I,           0,  256,                       1,                             1,  {0}},
    {SCRYPT,            0,  24,                        1,                             1,  {0}},
    {SCRYPT,            0,  20,                        9,                             1,  {0}},
    {SCRYPT,            0,  20,                        8,                             3,  {0}},
    {SCRYPT,            0,  0,                         8,                             1,  {0}},
    {SCRYPT,            0,  10,                        0,                             1,  {0}},
    {SCRYPT,            0,  10,                        UINT32_MAX,                    1,  {0}},
    {SCRYPT,            0,  10,                        8,                             0,  {0}},
    {SCRYPT,            0,  1,                         1,                             17, {0}},
    {SCRYPT,            0,  16,                        1,                             1,  {0}},
    {SCRYPT,            0,  64,                        8,                             1,  {0}},
    {PBKDF2_256,        0,  0,                         0,                             0,  {0}},
    {PBKDF2_512,        0,  0,                         RDT_PWHASH_ITERATIONS_MAX + 1, 0,  {0}},
    {RDT_PWHASH_NKINDS, 19, 256,                       1,                             1,  {0}},
};

static void
limits(void **state)
{
    (void)state;
    static const uint8_t zeroes[32];
    struct rdt_pwhash how = {ARGON2ID, 19, 16, 1, 1, rdt_span_str("somesalt")};
    uint8_t out[32];
    for (size_t i = 0; i < RDT_COUNT(dear); i++) {
        struct rdt_pwhash one = dear[i];
        one.salt = how.salt;
        memset(out, 1, sizeof out);
        assert_int_equal(rdt_pwhash_check(&one), RDT_E_LIMIT);
        assert_int_equal(rdt_pwhash(worker, &one, rdt_span_str("x"), out, 32), RDT_E_LIMIT);
        assert_memory_equal(out, zeroes, sizeof out);
    }
    assert_int_equal(rdt_pwhash(worker, &how, rdt_span_str("x"), out, 3), RDT_E_LIMIT);
    assert_int_equal(rdt_pwhash(worker, &how, rdt_span_str("x"), out, 65), RDT_E_LIMIT);
    assert_int_equal(rdt_pwhash(worker, &how, rdt_span_str("x"), out, 32), RDT_OK);
    how.salt.n = 7;
    assert_int_equal(rdt_pwhash_check(&how), RDT_E_LIMIT);
    how = (struct rdt_pwhash){SCRYPT, 0, 20, 8, 2, how.salt}; /* 1 GiB, the dearest */
    assert_int_equal(rdt_pwhash_check(&how), RDT_OK);
}

static const struct {
    const char *source, *password, *stored;
} crypts[] = {
    {"crypt_blowfish",             "U*U",          "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"crypt_blowfish",             "\xff\xff\xa3",
     "$2b$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"                                              },
    {"SHA-crypt.txt (U. Drepper)", "Hello world!",
     "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
     "O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"                                                        },
};

static void
by_libcrypt(void **state)
{
    (void)state;
    char out[RDT_PWHASH_CRYPT_TEXT], longer[RDT_PWHASH_CRYPT_MAX + 1];
    for (size_t i = 0; i < RDT_COUNT(crypts); i++) {
        struct rdt_span stored = rdt_span_str(crypts[i].stored);
        assert_int_equal(rdt_pwhash_crypt(rdt_span_str(crypts[i].password), stored, out), RDT_OK);
        assert_string_equal(out, crypts[i].stored);
        assert_int_equal(rdt_pwhash_crypt(rdt_span_str("U*u"), stored, out), RDT_OK);
        assert_string_not_equal(out, crypts[i].stored);
    }
    struct rdt_span stored = rdt_span_str(crypts[0].stored);
    struct rdt_span nul = {(const uint8_t *)"U*\0U", 4};
    memset(longer, 'x', sizeof longer);
    assert_int_equal(rdt_pwhash_crypt(nul, stored, out), RDT_E_LIMIT);
    assert_string_equal(out, "");
    struct rdt_span typed = {(uint8_t *)longer, sizeof longer};
    assert_int_equal(rdt_pwhash_crypt(typed, stored, out), RDT_E_LIMIT);
    typed.n--;
    assert_int_equal(rdt_pwhash_crypt(typed, rdt_span_str(crypts[2].stored), out), RDT_OK);
    assert_int_equal(rdt_pwhash_crypt(typed, (struct rdt_span){(uint8_t *)longer, 200}, out),
                     RDT_E_LIMIT);
    assert_int_equal(rdt_pwhash_crypt(rdt_span_str("x"), rdt_span_str("$2a$99$x"), out),
                     RDT_E_INTERNAL);
    assert_string_equal(out, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),
        cmocka_unit_test(limits),
        cmocka_unit_test(by_libcrypt),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
