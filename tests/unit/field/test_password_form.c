/* Which strings are of a form that is read; what is computed from them: test_password.c. */
#include "field/password_internal.h"

#include "../test.h"

#define S22 "c2l4dGVlbmJ5dGVzYWx0cw"
#define H43 "GqqZ3pOAQb9qkR3IQZPrIpT814a9OUs5yGgOEa4axck"
#define B53 "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
#define C86 "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
#define D44 "r1uLUxoxpP2Ued/qxvmje7UH9PUJBkRrvf9gGPL7Cps="
#define Y43 "kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D"

#define OK RDT_PASSWORD_MATCH
#define DEAR RDT_PASSWORD_COST
#define NOT RDT_PASSWORD_UNKNOWN

static const struct {
    const char *stored;
    enum rdt_password_verdict want;
} cases[] = {
    {"$argon2id$v=19$m=19456,t=2,p=1$" S22 "$" H43,                               OK  },
    {"$argon2i$v=19$m=19456,t=2,p=1$" S22 "$" H43,                                OK  },
    {"$argon2i$m=19456,t=2,p=1$" S22 "$" H43,                                     OK  },
    {"$argon2id$v=16$m=8,t=1,p=1$" S22 "$" H43,                                   OK  },
    {"argon2$argon2id$v=19$m=102400,t=2,p=8$" S22 "$" H43,                        OK  },
    {"$argon2id$v=19$m=1048576,t=10,p=16$" S22 "$" H43,                           OK  },
    {"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$" H43,                           OK  }, /* a salt of 8 */
    {"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbA$" H43,                            NOT }, /* of 7 */
    {"$argon2id$v=19$m=1048577,t=2,p=1$" S22 "$" H43,                             DEAR},
    {"$argon2id$v=19$m=4294967295,t=2,p=1$" S22 "$" H43,                          DEAR},
    {"$argon2id$v=19$m=4294967296,t=2,p=1$" S22 "$" H43,                          NOT },
    {"$argon2id$v=19$m=19456,t=11,p=1$" S22 "$" H43,                              DEAR},
    {"$argon2id$v=19$m=19456,t=2,p=17$" S22 "$" H43,                              DEAR},
    {"$argon2id$v=19$m=19456,t=0,p=1$" S22 "$" H43,                               DEAR},
    {"$argon2id$v=19$m=15,t=2,p=2$" S22 "$" H43,                                  DEAR},
    {"$argon2d$v=19$m=19456,t=2,p=1$" S22 "$" H43,                                NOT },
    {"$argon2id$v=20$m=19456,t=2,p=1$" S22 "$" H43,                               NOT },
    {"$argon2id$v=19$m=019456,t=2,p=1$" S22 "$" H43,                              NOT },
    {"$argon2id$v=19$m=+19456,t=2,p=1$" S22 "$" H43,                              NOT },
    {"$argon2id$v=19$m= 19456,t=2,p=1$" S22 "$" H43,                              NOT },
    {"$argon2id$v=19$t=2,m=19456,p=1$" S22 "$" H43,                               NOT }, /* order */
    {"$argon2id$v=19$m=19456,t=2$" S22 "$" H43,                                   NOT },
    {"$argon2id$v=19$m=19456,t=2,p=1,keyid=Hj5$" S22 "$" H43,                     NOT },
    {"$argon2id$v=19$m=19456,t=2,p=1$" S22 "$" H43 "$",                           NOT },
    {"$argon2id$v=19$m=19456,t=2,p=1$" S22 "$" H43 "\n",                          NOT },
    {"$argon2id$v=19$m=19456,t=2,p=1$" S22 "==$" H43,                             NOT }, /* padding */
    {"$argon2id$v=19$m=19456,t=2,p=1$" S22 "$",                                   NOT },
    {"$argon2id$v=19$m=19456,t=2,p=1$" S22,                                       NOT },
    {"$argon2id$v=19$m=19456,t=2,p=1$$" H43,                                      NOT },
    {"$argon2id$v=19$m=19456,t=2,p=1$" S22 "$AAAAAAAAAAA",                        NOT }, /* a hash of 8 */
    {"$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbmJ5dGVzYWx0cx$" H43,                NOT }, /* bits left over */
    {"$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbmJ5-GVzYWx0cw$" H43,                NOT },
    {"$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbmJ5.GVzYWx0cw$" H43,                NOT },
    {" $argon2id$v=19$m=19456,t=2,p=1$" S22 "$" H43,                              NOT },
    {"$2a$05$" B53,                                                               OK  },
    {"$2b$16$" B53,                                                               OK  },
    {"$2y$05$" B53,                                                               OK  },
    {"$2b$17$" B53,                                                               DEAR},
    {"$2b$31$" B53,                                                               DEAR},
    {"$2b$32$" B53,                                                               NOT },
    {"$2b$03$" B53,                                                               NOT },
    {"$2x$05$" B53,                                                               NOT },
    {"$2$05$" B53,                                                                NOT },
    {"$2b$5$" B53,                                                                NOT },
    {"$2b$05$" B53 "W",                                                           NOT },
    {"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe:",              NOT },
    {"$scrypt$ln=16,r=8,p=1$" S22 "$" H43,                                        OK  },
    {"$scrypt$ln=21,r=8,p=1$" S22 "$" H43,                                        DEAR},
    {"$scrypt$ln=16,p=1,r=8$" S22 "$" H43,                                        NOT },
    {"$scrypt$ln=16,r=8,p=1$" S22 "==$" H43 "=",                                  NOT },
    {"$7$C6..../....SodiumChloride$" Y43,                                         OK  },
    {"$7$L6..../....SodiumChloride$" Y43,                                         DEAR}, /* N = 2^23 */
    {"$7$C6zzzz/....SodiumChloride$" Y43,                                         DEAR}, /* r = 2^30 - 58 */
    {"$7$C6..../....Sodium$Chloride$" Y43,                                        NOT },
    {"$7$C6..../....$" Y43,                                                       NOT },
    {"$7$C6..../....SodiumChloride$" Y43 ".",                                     NOT },
    {"$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8z",  NOT },
    {"$pbkdf2-sha256$i=6400$" S22 "$" H43,                                        OK  },
    {"$pbkdf2-sha256$i=6400,l=32$" S22 "$" H43,                                   OK  },
    {"$pbkdf2-sha256$i=6400,l=31$" S22 "$" H43,                                   NOT },
    {"$pbkdf2-sha512$6400$" S22 "$" H43,                                          OK  },
    {"$pbkdf2-sha256$6400$c2l4dGVlbmJ5.GVzYWx0cw$" H43,                           OK  },
    {"$pbkdf2-sha256$6400$c2l4dGVlbmJ5+GVzYWx0cw$" H43,                           NOT },
    {"$pbkdf2-sha256$i=10000001$" S22 "$" H43,                                    DEAR},
    {"$pbkdf2-sha256$i=0$" S22 "$" H43,                                           DEAR},
    {"$pbkdf2-sha1$i=6400$" S22 "$" H43,                                          NOT },
    {"pbkdf2_sha256$1000000$seasalt$" D44,                                        OK  },
    {"pbkdf2_sha256$99999999$seasalt$" D44,                                       DEAR},
    {"pbkdf2_sha256$1000000$$" D44,                                               NOT },
    {"pbkdf2_sha256$1000000$seasalt$r1uLUxoxpP2Ued/qxvmje7UH9PUJBkRrvf9gGPL7Cps", NOT },
    {"$6$saltstring$" C86,                                                        OK  },
    {"$6$rounds=1000000$saltstring$" C86,                                         OK  },
    {"$6$rounds=1000001$saltstring$" C86,                                         DEAR},
    {"$6$rounds=999$saltstring$" C86,                                             NOT },
    {"$6$saltstringsaltstr$" C86,                                                 NOT }, /* 17 */
    {"$5$saltstring$" C86,                                                        NOT },
    {"$1$saltstring$" C86,                                                        NOT },
    {"5f4dcc3b5aa765d61d8327deb882cf99",                                          NOT },
    {"!",                                                                         NOT },
    {"",                                                                          NOT },
};

static void
forms(void **state)
{
    (void)state;
    struct rdt_password_form form;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        enum rdt_password_verdict got = rdt_pw_read(rdt_span_str(cases[i].stored), &form);
        if (got != cases[i].want)
            print_message("# %s: %d\n", cases[i].stored, (int)got);
        assert_int_equal(got, cases[i].want);
    }
}

/* A string cut anywhere is of no form; one with a NUL or with more than is looked at neither. */
static void
cut(void **state)
{
    (void)state;
    struct rdt_password_form form;
    char text[RDT_PASSWORD_STORED_MAX + 1];
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_span whole = rdt_span_str(cases[i].stored);
        if (cases[i].want != OK)
            continue;
        bool base64 = whole.p[1] != '2' && whole.p[1] != '6' && whole.p[1] != '7';
        for (size_t n = 0; n < whole.n; n++) {
            struct rdt_span part = {whole.p, n};
            enum rdt_password_verdict got = rdt_pw_read(part, &form);
            if (!base64 || whole.n - n > 27) /* a shorter hash is a hash; it will not match */
                assert_int_equal(got, NOT);
            else
                assert_true(got == NOT || form.hash_n < 32);
        }
        for (size_t n = 0; n < whole.n; n++) {
            memcpy(text, whole.p, whole.n);
            text[n] = '\0';
            assert_int_not_equal(rdt_pw_read((struct rdt_span){(uint8_t *)text, whole.n}, &form),
                                 OK);
        }
    }
    memset(text, 'A', sizeof text);
    memcpy(text, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    text[60] = '$';
    assert_int_equal(rdt_pw_read((struct rdt_span){(uint8_t *)text, sizeof text}, &form), NOT);
}

static void
what_is_in_it(void **state)
{
    (void)state;
    struct rdt_password_form form;
    assert_int_equal(rdt_pw_read(rdt_span_str(cases[0].stored), &form), OK);
    assert_int_equal(form.how.memory, 19456);
    assert_int_equal(form.how.passes, 2);
    assert_int_equal(form.how.lanes, 1);
    assert_int_equal(form.how.version, 19);
    assert_true(rdt_span_is(form.how.salt, "sixteenbytesalts"));
    assert_int_equal(form.hash_n, 32);
    assert_int_equal(form.hash[31], 0xc9);
    assert_true(form.phc && !form.by_crypt);
    assert_int_equal(rdt_pw_read(rdt_span_str("$7$C6..../....SodiumChloride$" Y43), &form), OK);
    assert_int_equal(form.how.memory, 14);
    assert_int_equal(form.how.passes, 8);
    assert_int_equal(form.how.lanes, 1);
    assert_int_equal(form.hash[0], 0x70); /* RFC 7914 section 12, 3 */
    assert_int_equal(form.hash[31], 0xf2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(cut),
        cmocka_unit_test(what_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
