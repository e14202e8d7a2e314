#include "field/password.h"

#include "../test.h"

#include <argon2.h>
#include <dlfcn.h>

/* Stands before libargon2's own, and counts. */
static unsigned n_hashed;
static uint32_t last_memory;

int
argon2_ctx(argon2_context *context, argon2_type type)
{
    static int (*own)(argon2_context *, argon2_type);
    if (own == NULL) { /* the first call keeps the linker from leaving libargon2 out */
        assert_non_null(argon2_error_message(ARGON2_OK));
        *(void **)&own = dlsym(RTLD_NEXT, "argon2_ctx");
        assert_non_null(own);
    }
    n_hashed++;
    last_memory = context->m_cost;
    return own(context, type);
}

static struct rdt_worker *worker;
static struct rdt_field_keys keys;
static struct rdt_secret kek, record;
static struct rdt_field_column column = {.row_bound = true};
static const struct rdt_password_cost least = {RDT_PASSWORD_MEMORY_KIB, RDT_PASSWORD_PASSES,
                                               RDT_PASSWORD_LANES};

static int
set_up(void **state)
{
    (void)state;
    if (rdt_worker_open(&worker, NULL) != RDT_OK || rdt_field_keys_new(&keys, NULL) != RDT_OK ||
        rdt_secret_new(&kek, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_secret_new(&record, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_random_key(worker, &kek, NULL) != RDT_OK ||
        rdt_field_keys_make(worker, &kek, &column, &keys) != RDT_OK)
        return -1;
    keys.handle = 7;
    keys.epoch = 1;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_field_keys_wipe(&keys);
    rdt_secret_wipe(&kek);
    rdt_secret_wipe(&record);
    rdt_worker_close(worker);
    return 0;
}

static enum rdt_password_verdict
check(const char *password, const char *stored)
{
    return rdt_pw_check(worker, &least, rdt_span_str(password), rdt_span_str(stored));
}

#define A72 "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define MATCH RDT_PASSWORD_MATCH
#define REHASH RDT_PASSWORD_REHASH
#define NO RDT_PASSWORD_NO_MATCH

static const struct {
    const char *source, *password, *stored;
    enum rdt_password_verdict want;
} others[] = {
    {"argon2(1) of Debian",                                    "pass",
     "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbmJ5dGVzYWx0cw$"
     "GqqZ3pOAQb9qkR3IQZPrIpT814a9OUs5yGgOEa4axck",                                                                                              MATCH               },
    {"the same, another password",                             "pasS",
     "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbmJ5dGVzYWx0cw$"
     "GqqZ3pOAQb9qkR3IQZPrIpT814a9OUs5yGgOEa4axck",                                                                                              NO                  },
    {"the same, a shorter hash",                               "pass",
     "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbmJ5dGVzYWx0cw$"
     "GqqZ3pOAQb9qkR3IQZPrIg",                                                                                                                   NO                  },
    {"test.c of the Argon2 reference",                         "password",
     "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",                                                     REHASH              },
    {"likewise",                                               "password",
     "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",                                                           REHASH              },
    {"argon2(1) of Debian, 16 bytes, as Django would have it", "password",
     "argon2$argon2id$v=19$m=4096,t=3,p=8$c29tZXNhbHQxMjM0NTY$noMwOsCMn2ZaxzFrE/Mtvw",                                                           REHASH              },
    {"crypt_blowfish",                                         "U*U",            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
     REHASH                                                                                                                                                          },
    {"crypt_blowfish",                                         "U*U*",           "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", NO                  },
    {"the same, other unused bits of the salt",                "U*U",
     "$2a$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",                                                                             REHASH              },
    {"crypt_blowfish",                                         "\xff\xff\xa3",
     "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",                                                                             REHASH              },
    {"crypt_blowfish, all that bcrypt looks at",               A72,
     "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",                                                                             REHASH              },
    {"crypt_blowfish, \"chars after 72 are ignored\"",         A72 "c",
     "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",                                                                             RDT_PASSWORD_UNFIT  },
    {"passlib's manual",                                       "password",
     "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",                                                 REHASH              },
    {"RFC 7914 section 12, 3",                                 "pleaseletmein",
     "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",                                                                 REHASH              },
    {"likewise",                                               "pleaseletmeout",
     "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",                                                                 NO                  },
    {"passlib's manual",                                       "password",
     "$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M",                                                   REHASH              },
    {"the same, as PHC",                                       "password",
     "$pbkdf2-sha256$i=6400,l=32$0ZrzXitFSGltTQnBWOsdAw$"
     "Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M",                                                                                              REHASH              },
    {"Python's hashlib",                                       "password",
     "$pbkdf2-sha512$i=1000,l=64$c2FsdHNhbHRzYWx0$qEWuBHP82uzPrybCUpp9FMGVDoszagDwOgBhAY44y2gPun4R"
     "FBM9zjAnhQjJRk+l/dEEhatLCI65Yj/OYq4dcQ",                                                                                                   REHASH              },
    {"Django's own tests",                                     "l\xc3\xa8tmein",
     "pbkdf2_sha256$1000000$seasalt$r1uLUxoxpP2Ued/qxvmje7UH9PUJBkRrvf9gGPL7Cps=",                                                               REHASH              },
    {"SHA-crypt.txt (U. Drepper)",                             "Hello world!",
     "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZe"
     "HBy/YTBmSK6H9qs/y3RnOaw5v.",                                                                                                               REHASH              },
    {"an account that is locked",                              "password",       "!",                                                            RDT_PASSWORD_UNKNOWN},
    {"a cost that nobody chose",                               "password",
     "$argon2id$v=19$m=4294967295,t=2,p=1$c2l4dGVlbmJ5dGVzYWx0cw$"
     "GqqZ3pOAQb9qkR3IQZPrIpT814a9OUs5yGgOEa4axck",                                                                                              RDT_PASSWORD_COST   },
};

static void
of_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(others); i++) {
        print_message("# %s\n", others[i].source);
        assert_int_equal(check(others[i].password, others[i].stored), others[i].want);
    }
}

static void
made_here(void **state)
{
    (void)state;
    char one[RDT_PASSWORD_TEXT], two[RDT_PASSWORD_TEXT];
    struct rdt_span typed = {(const uint8_t *)"with a \0 in it", 14};
    struct rdt_password_cost dearer = {least.memory_kib + 1024, 2, 2};
    assert_int_equal(rdt_pw_make(worker, &least, typed, one, NULL), RDT_OK);
    assert_int_equal(rdt_pw_make(worker, &least, typed, two, NULL), RDT_OK);
    assert_memory_equal(one, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    assert_int_equal(strlen(one), 31 + 22 + 1 + 43);
    assert_string_not_equal(one, two);
    assert_int_equal(rdt_pw_check(worker, &least, typed, rdt_span_str(one)), MATCH);
    assert_int_equal(rdt_pw_check(worker, &dearer, typed, rdt_span_str(one)), REHASH);
    dearer = (struct rdt_password_cost){least.memory_kib, 2, 2};
    assert_int_equal(rdt_pw_check(worker, &dearer, typed, rdt_span_str(one)), REHASH);
    dearer = (struct rdt_password_cost){least.memory_kib, 3, 1};
    assert_int_equal(rdt_pw_check(worker, &dearer, typed, rdt_span_str(one)), REHASH);
    dearer = (struct rdt_password_cost){least.memory_kib + 1024, 2, 2};
    assert_int_equal(check("with a ", one), NO);
    assert_int_equal(check("", one), NO);
    assert_int_equal(rdt_pw_make(worker, &dearer, typed, two, NULL), RDT_OK);
    assert_int_equal(rdt_pw_check(worker, &dearer, typed, rdt_span_str(two)), MATCH);
    assert_int_equal(rdt_pw_check(worker, &least, typed, rdt_span_str(two)), REHASH);
}

static void
refused(void **state)
{
    (void)state;
    static uint8_t longer[RDT_PASSWORD_MAX + 1];
    char text[RDT_PASSWORD_TEXT];
    struct rdt_err err;
    static const struct rdt_password_cost bad[] = {
        {RDT_PASSWORD_MEMORY_KIB - 1, 2,  1 },
        {RDT_PASSWORD_MEMORY_KIB,     1,  1 },
        {RDT_PASSWORD_MEMORY_KIB,     2,  0 },
        {RDT_PASSWORD_MEMORY_KIB,     2,  17},
        {RDT_PASSWORD_MEMORY_KIB,     11, 1 },
        {RDT_PWHASH_MEMORY_MAX + 1,   2,  1 },
    };
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        assert_int_equal(rdt_pw_make(worker, &bad[i], rdt_span_str("x"), text, &err), RDT_E_LIMIT);
        assert_string_equal(text, "");
    }
    struct rdt_span typed = {longer, sizeof longer};
    assert_int_equal(rdt_pw_make(worker, &least, typed, text, &err), RDT_E_LIMIT);
    assert_int_equal(rdt_pw_make(worker, &least, rdt_span_str(""), text, &err), RDT_E_LIMIT);
    assert_int_equal(rdt_pw_check(worker, &least, typed, rdt_span_str(others[0].stored)),
                     RDT_PASSWORD_UNFIT);
    assert_int_equal(rdt_pw_dummy(worker, &least, typed), RDT_PASSWORD_UNFIT);
    typed.n--;
    assert_int_equal(rdt_pw_dummy(worker, &least, typed), NO);
    assert_int_equal(rdt_pw_make(worker, &least, typed, text, NULL), RDT_OK);
    assert_int_equal(rdt_pw_check(worker, &least, typed, rdt_span_str(text)), MATCH);
    typed.n = 5; /* NULs */
    assert_int_equal(rdt_pw_check(worker, &least, typed, rdt_span_str(others[6].stored)),
                     RDT_PASSWORD_UNFIT);
}

/* Whatever a stored string is, and for whom there is none: one hash of the application's cost. */
static void
no_quick_answer(void **state)
{
    (void)state;
    static const struct {
        const char *password, *stored;
    } quick[] = {
        {"password", "!"                                                              },
        {"password", ""                                                               },
        {"password", "$argon2id$v=19$m=4294967295,t=2,p=1$c2l4dGVlbmJ5dGVzYWx0cw$"
                     "GqqZ3pOAQb9qkR3IQZPrIpT814a9OUs5yGgOEa4axck"},
        {A72 "c",    "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"   },
    };
    for (size_t i = 0; i < RDT_COUNT(quick); i++) {
        n_hashed = last_memory = 0;
        assert_false(rdt_password_is_right(check(quick[i].password, quick[i].stored)));
        assert_int_equal(n_hashed, 1);
        assert_int_equal(last_memory, least.memory_kib);
    }
    n_hashed = last_memory = 0;
    assert_int_equal(rdt_pw_dummy(worker, &least, rdt_span_str("x")), NO);
    assert_int_equal(n_hashed, 1);
    assert_int_equal(last_memory, least.memory_kib);
    n_hashed = 0;
    assert_int_equal(check("pass", others[0].stored), MATCH);
    assert_int_equal(n_hashed, 1);
}

/* Each verdict has words, and two of them let somebody in. */
static void
verdicts(void **state)
{
    (void)state;
    for (int v = 0; v < RDT_PASSWORD_NVERDICTS; v++) {
        assert_true(strlen(rdt_password_verdict_words((enum rdt_password_verdict)v)) > 10);
        assert_int_equal(rdt_password_is_right((enum rdt_password_verdict)v),
                         v == RDT_PASSWORD_MATCH || v == RDT_PASSWORD_REHASH);
    }
    assert_non_null(rdt_password_verdict_words((enum rdt_password_verdict)99));
    assert_false(rdt_password_is_right((enum rdt_password_verdict)99));
}

static struct rdt_rf1_call
call_of(const struct rdt_field_column *of, const char *row)
{
    return (struct rdt_rf1_call){worker, &keys, of, rdt_span_str(row), &record};
}

static void
under_a_pepper(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct rdt_rf1_call ann = call_of(&column, "ann"), bob = call_of(&column, "bob");
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0};
    struct rdt_span typed = rdt_span_str("correct horse");
    assert_int_equal(rdt_pw_seal(&ann, &least, typed, &out, NULL), RDT_OK);
    struct rdt_span value = {bytes, out.n};
    assert_int_equal(out.n, RDT_VALUE_OVER + 97);
    assert_int_equal(rdt_pw_check_sealed(&ann, &least, typed, value), MATCH);
    assert_int_equal(rdt_pw_check_sealed(&ann, &least, rdt_span_str("x"), value), NO);
    n_hashed = 0;
    assert_int_equal(rdt_pw_check_sealed(&bob, &least, typed, value), RDT_PASSWORD_SEAL);
    assert_int_equal(n_hashed, 1);
    bytes[90] ^= 1;
    assert_int_equal(rdt_pw_check_sealed(&ann, &least, typed, value), RDT_PASSWORD_SEAL);
    bytes[90] ^= 1;
    value.n--;
    assert_int_equal(rdt_pw_check_sealed(&ann, &least, typed, value), RDT_PASSWORD_SEAL);
}

/* The pepper changes without the password: the string is opened and sealed again. */
static void
pepper_rotates(void **state)
{
    (void)state;
    uint8_t bytes[512], again[512], plain[512];
    struct rdt_rf1_call call = call_of(&column, "ann");
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0}, text = {plain, sizeof plain, 0},
                       resealed = {again, sizeof again, 0};
    const char *old = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    assert_int_equal(rdt_rf1_seal(&call, rdt_span_str(old), &out), RDT_FIELD_OK);
    struct rdt_span value = {bytes, out.n}, next;
    assert_int_equal(rdt_pw_check_sealed(&call, &least, rdt_span_str("U*U"), value), REHASH);
    assert_int_equal(rdt_rf1_open(&call, value, &text), RDT_FIELD_OK);
    assert_int_equal(rdt_random_key(worker, &kek, NULL), RDT_OK);
    assert_int_equal(rdt_field_keys_make(worker, &kek, &column, &keys), RDT_OK);
    keys.epoch++;
    assert_int_equal(rdt_rf1_seal(&call, (struct rdt_span){plain, text.n}, &resealed),
                     RDT_FIELD_OK);
    next = (struct rdt_span){again, resealed.n};
    assert_int_equal(rdt_pw_check_sealed(&call, &least, rdt_span_str("U*U"), next), REHASH);
    assert_int_equal(rdt_pw_check_sealed(&call, &least, rdt_span_str("U*U"), value),
                     RDT_PASSWORD_SEAL);
}

static void
pepper_refuses(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct rdt_err err;
    struct rdt_field_column loose = {0};
    struct rdt_rf1_call call = call_of(&loose, ""), no_row = call_of(&column, "");
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0}, small = {bytes, 100, 0};
    struct rdt_span typed = rdt_span_str("x");
    assert_int_equal(rdt_pw_seal(&call, &least, typed, &out, &err), RDT_E_BADINPUT);
    assert_int_equal(out.n, 0);
    /* one that was written there all the same */
    assert_int_equal(rdt_rf1_seal(&call, rdt_span_str(others[0].stored), &out), RDT_FIELD_OK);
    assert_int_equal(
        rdt_pw_check_sealed(&call, &least, rdt_span_str("pass"), (struct rdt_span){bytes, out.n}),
        RDT_PASSWORD_SEAL);
    assert_int_equal(rdt_pw_seal(&no_row, &least, typed, &out, &err), RDT_E_BADINPUT);
    call = call_of(&column, "ann");
    assert_int_equal(rdt_pw_seal(&call, &least, typed, &small, &err), RDT_E_BADINPUT);
    assert_int_equal(small.n, 0);
    typed.n = 0;
    assert_int_equal(rdt_pw_seal(&call, &least, typed, &out, &err), RDT_E_LIMIT);
}

static void
calibrated(void **state)
{
    (void)state;
    struct rdt_password_cost cost = {0};
    const uint32_t floor = RDT_PASSWORD_MEMORY_KIB;
    assert_int_equal(rdt_pw_calibrate(worker, 0, floor, &cost, NULL), RDT_OK);
    assert_memory_equal(&cost, &least, sizeof cost);
    /* an hour cannot be reached: all that is allowed is taken */
    assert_int_equal(rdt_pw_calibrate(worker, 3600000, floor, &cost, NULL), RDT_OK);
    assert_int_equal(cost.memory_kib, floor);
    assert_int_equal(cost.passes, RDT_PWHASH_PASSES_MAX);
    assert_int_equal(rdt_pw_calibrate(worker, 3600000, floor + 3000, &cost, NULL), RDT_OK);
    assert_int_equal(cost.memory_kib, floor + 2048);
    assert_int_equal(rdt_pw_calibrate(worker, 1, floor - 1, &cost, NULL), RDT_E_LIMIT);
    assert_int_equal(rdt_pw_calibrate(worker, 1, RDT_PWHASH_MEMORY_MAX + 1, &cost, NULL),
                     RDT_E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_others),      cmocka_unit_test(made_here),
        cmocka_unit_test(refused),        cmocka_unit_test(no_quick_answer),
        cmocka_unit_test(verdicts),       cmocka_unit_test(under_a_pepper),
        cmocka_unit_test(pepper_rotates), cmocka_unit_test(pepper_refuses),
        cmocka_unit_test(calibrated),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
