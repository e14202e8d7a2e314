#include "crypto/p11.h"

#include "../softhsm.h"
#include "../test.h"
#include "base/clock.h"

#include <fcntl.h>
#include <sys/stat.h>

#define QUICK_MS 300
#define LATE_MS 20000 /* on a busy machine */

static struct rdt_secret pin, key;
static const struct rdt_span aad = {(const uint8_t *)"deployment and seal", 19};

static int
set_up(void **state)
{
    (void)state;
    if (softhsm_open() != 0)
        return -1;
    if (rdt_secret_copy(&pin, rdt_span_str(TOKEN_PIN), NULL) != RDT_OK ||
        rdt_secret_new(&key, RDT_P11_KEY_LEN, NULL) != RDT_OK)
        return -1;
    for (size_t i = 0; i < key.n; i++)
        key.p[i] = (uint8_t)(i * 29 + 7);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&pin);
    rdt_secret_wipe(&key);
    return softhsm_close();
}

/* No fault outlives its test. */
static int
no_fault(void **state)
{
    (void)state;
    unsetenv("REDOUBT_P11_FAULT");
    softhsm_logins();
    return 0;
}

static struct rdt_p11
real_one(const char *label, enum rdt_p11_how how)
{
    return (struct rdt_p11){softhsm_module(), TOKEN, label, how, 0};
}

static struct rdt_p11
faulty(const char *label, enum rdt_p11_how how, const char *fault)
{
    setenv("REDOUBT_P11_FAULT", fault, 1);
    return (struct rdt_p11){softhsm_proxy, TOKEN, label, how, 0};
}

static enum rdt_code
unwrap(const struct rdt_p11 *what, struct rdt_span bound, struct rdt_span wrapped, bool *same,
       struct rdt_err *err)
{
    RDT_SECRET got = {0};
    assert_int_equal(rdt_secret_new(&got, RDT_P11_KEY_LEN, NULL), RDT_OK);
    enum rdt_code rc = rdt_p11_unwrap(what, &pin, bound, wrapped, &got, err);
    *same = rc == RDT_OK && rdt_secret_equal(&got, &key);
    for (size_t i = 0; rc != RDT_OK && i < got.n; i++)
        assert_int_equal(got.p[i], 0);
    return rc;
}

static void
wrap(const struct rdt_p11 *what, struct rdt_buf *out)
{
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_p11_wrap(what, &pin, aad, &key, out, &err);
    if (rc != RDT_OK)
        fail_msg("%s", err.text);
}

static const struct {
    const char *label;
    enum rdt_p11_how how;
    uint8_t form;
    size_t wrapped_n;
} ways[] = {
    {"by oaep",   RDT_P11_OAEP,   2, 1 + 384    }, /* SoftHSM has OAEP with SHA-1 alone */
    {"by gcm",    RDT_P11_GCM,    3, 1 + 12 + 48},
    {"by unwrap", RDT_P11_UNWRAP, 4, 1 + 40     },
};

static void
each_way_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(ways); i++) {
        struct rdt_p11 what = real_one(ways[i].label, ways[i].how);
        RDT_BUF wrapped = {0}, again = {0};
        struct rdt_err err = {0};
        bool same = false;
        if (rdt_p11_make(&what, &pin, &err) != RDT_OK)
            fail_msg("%s", err.text);
        assert_int_equal(what.how, ways[i].how);
        wrap(&what, &wrapped);
        assert_int_equal(wrapped.n, ways[i].wrapped_n);
        assert_int_equal(wrapped.p[0], ways[i].form);
        assert_int_equal(unwrap(&what, aad, rdt_buf_span(&wrapped), &same, NULL), RDT_OK);
        assert_true(same);
        /* a second make finds the key, says what it can, and makes no other */
        what.how = RDT_P11_BEST;
        assert_int_equal(rdt_p11_make(&what, &pin, NULL), RDT_OK);
        assert_int_equal(what.how, ways[i].how);
        assert_int_equal(unwrap(&what, aad, rdt_buf_span(&wrapped), &same, NULL), RDT_OK);
        wrap(&what, &again);
        if (what.how != RDT_P11_UNWRAP) /* which has nothing random in it */
            assert_false(rdt_span_eq(rdt_buf_span(&wrapped), rdt_buf_span(&again)));
    }
}

static void
best_is_what_the_token_can(void **state)
{
    static const struct {
        const char *fault;
        enum rdt_p11_how how;
    } cases[] = {
        {"none",      RDT_P11_OAEP  },
        {"no-oaep",   RDT_P11_GCM   },
        {"only-wrap", RDT_P11_UNWRAP},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        char label[32];
        snprintf(label, sizeof label, "best %zu", i);
        struct rdt_p11 what = faulty(label, RDT_P11_BEST, cases[i].fault);
        assert_int_equal(rdt_p11_make(&what, &pin, NULL), RDT_OK);
        assert_int_equal(what.how, cases[i].how);
    }
    struct rdt_p11 none = faulty("best of none", RDT_P11_BEST, "no-mechanism");
    assert_int_equal(rdt_p11_make(&none, &pin, NULL), RDT_E_IO);
}

static void
damage_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(ways); i++) {
        struct rdt_p11 what = real_one(ways[i].label, ways[i].how);
        RDT_BUF wrapped = {0};
        bool same;
        assert_int_equal(rdt_p11_make(&what, &pin, NULL), RDT_OK);
        wrap(&what, &wrapped);
        for (size_t at = 0; at<wrapped.n; at += wrapped.n> 100 ? 61 : 9) {
            wrapped.p[at] ^= 0x40;
            assert_int_equal(unwrap(&what, aad, rdt_buf_span(&wrapped), &same, NULL),
                             RDT_E_TAMPERED);
            wrapped.p[at] ^= 0x40;
            assert_int_equal(unwrap(&what, aad, (struct rdt_span){wrapped.p, at}, &same, NULL),
                             RDT_E_TAMPERED);
        }
        rdt_buf_add(&wrapped, "", 1);
        assert_int_equal(unwrap(&what, aad, rdt_buf_span(&wrapped), &same, NULL), RDT_E_TAMPERED);
        wrapped.n--;
        if (what.how == RDT_P11_GCM)
            assert_int_equal(
                unwrap(&what, rdt_span_str("another"), rdt_buf_span(&wrapped), &same, NULL),
                RDT_E_TAMPERED);
        what.how = what.how == RDT_P11_GCM ? RDT_P11_OAEP : RDT_P11_GCM; /* the wrong form */
        assert_int_equal(unwrap(&what, aad, rdt_buf_span(&wrapped), &same, NULL), RDT_E_TAMPERED);
    }
}

static void
another_key_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(ways); i++) {
        char label[32];
        snprintf(label, sizeof label, "other %zu", i);
        struct rdt_p11 what = real_one(ways[i].label, ways[i].how);
        struct rdt_p11 other = real_one(label, ways[i].how);
        RDT_BUF wrapped = {0};
        bool same;
        assert_int_equal(rdt_p11_make(&what, &pin, NULL), RDT_OK);
        assert_int_equal(rdt_p11_make(&other, &pin, NULL), RDT_OK);
        wrap(&what, &wrapped);
        assert_int_equal(unwrap(&other, aad, rdt_buf_span(&wrapped), &same, NULL), RDT_E_TAMPERED);
    }
}

static void
what_is_not_there(void **state)
{
    static const struct {
        const char *module, *token, *key;
        enum rdt_code make, use;
        const char *words;
    } cases[] = {
        {"/nowhere/module.so", TOKEN,     "by gcm",  RDT_E_NOTFOUND, RDT_E_NOTFOUND, "no such file"    },
        {"libsofthsm2.so",     TOKEN,     "by gcm",  RDT_E_NOTFOUND, RDT_E_NOTFOUND, "begin with /"    },
        {"/etc/passwd",        TOKEN,     "by gcm",  RDT_E_NOTFOUND, RDT_E_NOTFOUND, "cannot be loaded"},
        {NULL,                 "no such", "by gcm",  RDT_E_NOTFOUND, RDT_E_NOTFOUND, "no token has"    },
        {NULL,                 "",        "by gcm",  RDT_E_NOTFOUND, RDT_E_NOTFOUND, "no token has"    },
        {NULL,                 TOKEN,     "no such", RDT_OK,         RDT_E_NOTFOUND, "no key of the"   },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_p11 what = {cases[i].module == NULL ? softhsm_module() : cases[i].module,
                               cases[i].token, cases[i].key, RDT_P11_GCM, 0};
        RDT_BUF wrapped = {0};
        struct rdt_err err = {0};
        assert_int_equal(rdt_p11_wrap(&what, &pin, aad, &key, &wrapped, &err), cases[i].use);
        assert_int_equal(wrapped.n, 0);
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("'%s' lacks '%s'", err.text, cases[i].words);
        if (cases[i].make != RDT_OK)
            assert_int_equal(rdt_p11_make(&what, &pin, NULL), cases[i].make);
    }
}

static void
a_module_that_others_write(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/module.so", softhsm_folder);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && fchmod(fd, 0666) == 0);
    close(fd);
    struct rdt_p11 what = {path, TOKEN, "by gcm", RDT_P11_GCM, 0};
    assert_int_equal(rdt_p11_make(&what, &pin, NULL), RDT_E_DENIED);
}

static void
a_wrong_pin_is_tried_once(void **state)
{
    static const char *const pins[] = {"471109", "", "4", "4711080"};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(pins); i++) {
        struct rdt_p11 what = faulty("by gcm", RDT_P11_GCM, "none");
        RDT_SECRET wrong = {0};
        struct rdt_err err = {0};
        assert_int_equal(rdt_secret_copy(&wrong, rdt_span_str(pins[i]), NULL), RDT_OK);
        softhsm_logins();
        assert_int_equal(rdt_p11_make(&what, &wrong, &err), RDT_E_DENIED);
        assert_null(strstr(err.text, TOKEN_PIN));
        assert_int_equal(softhsm_logins(), 1);
    }
    struct rdt_p11 what = faulty("by gcm", RDT_P11_GCM, "none");
    assert_int_equal(rdt_p11_make(&what, &pin, NULL), RDT_OK);
    assert_int_equal(softhsm_logins(), 1);
}

static void
faults_of_a_token(void **state)
{
    static const struct {
        const char *fault;
        enum rdt_code want;
        long logins;
        const char *words;
    } cases[] = {
        {"final-try",   RDT_E_DENIED,   0, "one more wrong PIN" },
        {"pin-locked",  RDT_E_DENIED,   0, "PIN is locked"      },
        {"locked",      RDT_E_DENIED,   1, "CKR_PIN_LOCKED"     },
        {"strange",     RDT_E_IO,       1, "0x8badf00d"         },
        {"twins",       RDT_E_NOTFOUND, 0, "more than one token"},
        {"extractable", RDT_E_DENIED,   1, "may leave"          },
        {"silent",      RDT_E_DENIED,   1, "may leave"          },
        {"abort-load",  RDT_E_IO,       0, "has died"           },
        {"exit-load",   RDT_E_IO,       0, "has died"           },
        {"abort-login", RDT_E_IO,       1, "has died"           },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_p11 what = faulty("by gcm", RDT_P11_GCM, cases[i].fault);
        struct rdt_err err = {0};
        softhsm_logins();
        assert_int_equal(rdt_p11_make(&what, &pin, &err), cases[i].want);
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("%s: '%s'", cases[i].fault, err.text);
        assert_int_equal(softhsm_logins(), cases[i].logins);
    }
}

static void
a_module_that_never_answers(void **state)
{
    static const char *const faults[] = {"hang-load", "spin-login", "hang-decrypt"};
    struct rdt_p11 good = real_one("by gcm", RDT_P11_GCM);
    RDT_BUF wrapped = {0};
    (void)state;
    assert_int_equal(rdt_p11_make(&good, &pin, NULL), RDT_OK);
    wrap(&good, &wrapped);
    for (size_t i = 0; i < RDT_COUNT(faults); i++) {
        struct rdt_p11 what = faulty("by gcm", RDT_P11_GCM, faults[i]);
        int64_t begin = rdt_monotonic_ms();
        bool same;
        what.timeout_ms = QUICK_MS;
        assert_int_equal(unwrap(&what, aad, rdt_buf_span(&wrapped), &same, NULL), RDT_E_TIMEOUT);
        assert_in_range(rdt_monotonic_ms() - begin, QUICK_MS, LATE_MS);
    }
}

/* A seal is believed only once it has been opened. */
static void
a_token_that_gives_something_else_back(void **state)
{
    static const char *const faults[] = {"lie", "short", "abort-decrypt"};
    struct rdt_p11 good = real_one("by gcm", RDT_P11_GCM);
    (void)state;
    assert_int_equal(rdt_p11_make(&good, &pin, NULL), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(faults); i++) {
        struct rdt_p11 what = faulty("by gcm", RDT_P11_GCM, faults[i]);
        RDT_BUF wrapped = {0};
        assert_int_equal(rdt_p11_wrap(&what, &pin, aad, &key, &wrapped, NULL), RDT_E_IO);
        assert_int_equal(wrapped.n, 0);
    }
}

static void
keeps_limits(void **state)
{
    struct rdt_p11 what = real_one("by gcm", RDT_P11_GCM);
    RDT_SECRET long_pin = {0}, small = {0};
    RDT_BUF wrapped = {0};
    static const uint8_t large[RDT_P11_WRAPPED_MAX + 1];
    bool same;
    (void)state;
    assert_int_equal(rdt_secret_new(&long_pin, RDT_P11_PIN_MAX + 1, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&small, RDT_P11_KEY_LEN - 1, NULL), RDT_OK);
    assert_int_equal(rdt_p11_make(&what, &long_pin, NULL), RDT_E_LIMIT);
    assert_int_equal(rdt_p11_wrap(&what, &pin, aad, &small, &wrapped, NULL), RDT_E_LIMIT);
    what.how = RDT_P11_BEST; /* nobody asked the token */
    assert_int_equal(rdt_p11_wrap(&what, &pin, aad, &key, &wrapped, NULL), RDT_E_INTERNAL);
    assert_int_equal(unwrap(&what, aad, (struct rdt_span){large, sizeof large}, &same, NULL),
                     RDT_E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_way_there_and_back, no_fault),
        cmocka_unit_test_teardown(best_is_what_the_token_can, no_fault),
        cmocka_unit_test_teardown(damage_is_refused, no_fault),
        cmocka_unit_test_teardown(another_key_is_refused, no_fault),
        cmocka_unit_test_teardown(what_is_not_there, no_fault),
        cmocka_unit_test_teardown(a_module_that_others_write, no_fault),
        cmocka_unit_test_teardown(a_wrong_pin_is_tried_once, no_fault),
        cmocka_unit_test_teardown(faults_of_a_token, no_fault),
        cmocka_unit_test_teardown(a_module_that_never_answers, no_fault),
        cmocka_unit_test_teardown(a_token_that_gives_something_else_back, no_fault),
        cmocka_unit_test_teardown(keeps_limits, no_fault),
    };
    if (softhsm_module() == NULL) {
        printf("1..0 # SKIP SoftHSM is not installed\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
