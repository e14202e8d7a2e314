#include "load.h"

static void
required(void **state)
{
    static const struct {
        const char *text, *words;
        uint32_t line;
    } cases[] = {
        {"product: { id: p, name: P, owner: o }\n",                                                        "needs the field 'redoubt'",                   1},
        {"redoubt: 1\nproduct: { id: p, name: P }\n",                                                      "product: a product needs the field 'owner'",
         2                                                                                                                                                 },
        {HEAD "data:\n  d: {}\n",                                                                          "data.d: a data type needs the field 'level'", 4},
        {HEAD "keys:\n  k: { purpose: x }\n",                                                              "needs the field 'custody'",                   4},
        {HEAD "stores:\n  s: { kind: disk, at_rest: { volume: {} } }\n",
         "stores.s.at_rest.volume: a volume needs the field 'algorithm'",                                                                                 4},
        {HEAD
         "services: { a: { zone: z } }\nflows:\n  f: { from: a, to: a, carries: [], tls: {} }\n", "needs the field 'min'",                       5},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_refused(cases[i].text, cases[i].line, cases[i].words, NULL);
}

static void
references(void **state)
{
    static const struct {
        const char *text, *words, *hint;
        uint32_t line;
    } cases[] = {
        {HEAD "data: { account: { level: low } }\nstores:\n  s: { kind: disk, holds: [acount] }\n",
         "there is no 'acount' in data",                                                                                                      "did you mean 'account'?",    5},
        {HEAD "services: { api: { zone: z } }\nstores: { db: { kind: disk } }\n"
              "flows:\n  f: { from: api, to: bd, carries: [] }\n",                         "there is no 'bd' in services or stores", "did you mean 'db'?",         6},
        {HEAD "stores:\n  s: { kind: disk, at_rest: { volume: { algorithm: aes-256, key: os-manged "
              "} } }\n",                                                                   "there is no 'os-manged' in keys",        "did you mean 'os-managed'?", 4},
        {HEAD "stores:\n  s: { kind: disk, backup: None }\n",                                       "there is no 'None' in stores",           NULL,
         4                                                                                                                                                                   },
        {HEAD "data: [x]\nstores:\n  s: { kind: disk, holds: [x] }\n",                              "there is no 'x' in data",
         NULL,                                                                                                                                                              5},
    };
    LOADED l;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_refused(cases[i].text, cases[i].line, cases[i].words, cases[i].hint);
    load(&l,
         HEAD "stores: { a: { kind: disk, backup: none, at_rest: { volume: { algorithm: aes-256, "
              "key: os-managed } } } }\nflows: { f: { from: a, to: a, carries: [], tls: { min: "
              "tls1.3, pin: system } } }\n");
}

static void
one_form(void **state)
{
    static const char *const good[] = {"hashed: md5", "client_side: true", "tokenised: x",
                                       "hashed: sha-256, entropy_bits: 128"};
    static const char *const bad[] = {"", "entropy_bits: 1", "hashed: md5, tokenised: x"};
    char text[256];
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(good); i++) {
        LOADED l;
        snprintf(text, sizeof text, HEAD "data: { d: { level: low, form: { %s } } }\n", good[i]);
        load(&l, text);
    }
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        snprintf(text, sizeof text, HEAD "data: { d: { level: low, form: { %s } } }\n", bad[i]);
        assert_refused(text, 3, "data.d.form: expected exactly one of", NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(required),
        cmocka_unit_test(references),
        cmocka_unit_test(one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
