#include "probe/pg_hba.h"

#include "codec/json.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

/* pg_hba.conf lines, as a person writes them, to rows as the server shows them. */
static struct rdt_node *
rules_of(struct rdt_arena *arena, const char *lines)
{
    RDT_BUF json = {0};
    struct rdt_node *out = NULL;
    char type[32], db[64], user[64], addr[64], mask[64], method[32];
    const char *next = lines;
    int n = 0, used = 0;
    rdt_buf_str(&json, "[");
    while (sscanf(next, "%31s %63s %63s %63s %63s %31s%n", type, db, user, addr, mask, method,
                  &used) == 6) {
        next += used;
        rdt_buf_str(&json, n++ == 0 ? "" : ",");
        rdt_buf_fmt(&json,
                    "{\"line\":%d,\"type\":\"%s\",\"database\":[\"%s\"],\"user_name\":[\"%s\"],"
                    "\"address\":\"%s\",\"netmask\":",
                    n, type, db, user, addr);
        rdt_buf_fmt(&json, strcmp(mask, "-") == 0 ? "null" : "\"%s\"", mask);
        rdt_buf_fmt(&json, ",\"auth_method\":\"%s\",\"error\":null}", method);
    }
    rdt_buf_str(&json, "]");
    assert_int_equal(rdt_json_parse("rules", rdt_buf_span(&json), arena, &out, NULL), RDT_OK);
    return out;
}

#define V4 "255.255.255.255"

static void
judges(void **state)
{
    static const struct {
        const char *rules;
        bool plaintext;
        int line; /* of the rule that lets it through */
    } cases[] = {
        {"",                                                                                    false, 0},
        {"host all all all - scram-sha-256",                                                    true,  1},
        {"host all all 0.0.0.0 0.0.0.0 scram-sha-256",                                          true,  1},
        {"hostssl all all all - scram-sha-256",                                                 false, 0},
        {"hostgssenc all all all - gss",                                                        false, 0},
        {"hostnogssenc all all all - scram-sha-256",                                            true,  1},
        {"hostnossl all all all - trust",                                                       true,  1},
        {"local all all - - trust",                                                             false, 0},
 /* a rejection first, then an open door that it covers */
        {"hostnossl all all all - reject host all all all - scram-sha-256",                     false, 0},
        {"hostnossl all all 0.0.0.0 0.0.0.0 reject hostnossl all all :: :: reject "
         "host all all all - scram-sha-256",                                           false, 0},
        {"hostnossl all all 0.0.0.0 0.0.0.0 reject host all all all - scram-sha-256",           true,  2},
        {"hostnossl all all 10.0.0.0 255.0.0.0 reject host all all 10.1.0.0 255.255.0.0 md5",   false,
         0                                                                                              },
        {"hostnossl all all 10.1.0.0 255.255.0.0 reject host all all 10.0.0.0 255.0.0.0 md5",   true,
         2                                                                                              },
        {"hostnossl all all 10.1.0.0 255.255.0.0 reject host all all 10.2.0.0 255.255.0.0 md5",
         true,                                                                                         2},
 /* the other way round the rejection comes too late */
        {"host all all all - scram-sha-256 hostnossl all all all - reject",                     true,  1},
 /* a rejection of TLS only covers nothing in clear */
        {"hostssl all all all - reject host all all all - md5",                                 true,  2},
 /* databases and users */
        {"host other all all - trust",                                                          false, 0},
        {"host all other all - trust",                                                          false, 0},
        {"host shop app all - trust",                                                           true,  1},
        {"host replication all all - trust",                                                    false, 0},
        {"host sameuser all all - trust",                                                       false, 0},
        {"host samerole all all - trust",                                                       true,  1},
        {"host all +staff all - trust",                                                         true,  1},
        {"host all +admins all - trust",                                                        false, 0},
        {"hostnossl all +staff all - reject host all all all - md5",                            false, 0},
        {"hostnossl all +admins all - reject host all all all - md5",                           true,  2},
        {"hostnossl other all all - reject host all all all - md5",                             true,  2},
 /* left open: an allowing pattern counts, a rejecting one does not */
        {"host /^sh all all - trust",                                                           true,  1},
        {"host all /^ap all - trust",                                                           true,  1},
        {"hostnossl all /^ap all - reject host all all all - md5",                              true,  2},
        {"hostnossl samerole all all - reject host all all all - md5",                          true,  2},
 /* where from */
        {"host all all 127.0.0.1 " V4 " trust host all all 127.0.0.0 255.0.0.0 trust",          false, 0},
        {"host all all ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff trust",                      false, 0},
        {"host all all 126.0.0.0 254.0.0.0 trust",                                              true,  1},
        {"host all all samehost - trust",                                                       false, 0},
        {"host all all samenet - trust",                                                        true,  1},
        {"host all all app.internal - trust",                                                   true,  1},
        {"hostnossl all all samenet - reject host all all samenet - md5",                       true,  2},
        {"hostnossl all all all - reject host all all app.internal - md5",                      false, 0},
        {"host all all 10.0.0.0 nonsense trust",                                                true,  1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
        struct rdt_node *groups = NULL;
        struct rdt_hba_verdict got;
        assert_int_equal(
            rdt_json_parse("g", rdt_span_str("[\"app\",\"staff\"]"), &arena, &groups, NULL),
            RDT_OK);
        struct rdt_hba_login login = {"app", "shop", groups};
        assert_true(rdt_hba_judge(rules_of(&arena, cases[i].rules), &login, &got));
        int line = got.rule == NULL ? 0 : (int)strtol(rdt_node_str(got.rule, "line"), NULL, 10);
        if (got.plaintext != cases[i].plaintext || line != cases[i].line)
            fail_msg("%s: %d, line %d", cases[i].rules, got.plaintext, line);
    }
}

/* Without the application's user every user's rule may be its own. */
static void
assumes_the_worse_without_a_user(void **state)
{
    static const struct {
        const char *rules;
        bool plaintext;
    } cases[] = {
        {"host all somebody all - trust",                              true },
        {"hostnossl all somebody all - reject host all all all - md5", true },
        {"hostnossl all all all - reject host all somebody all - md5", false},
        {"host sameuser all all - trust",                              true },
    };
    struct rdt_hba_login login = {NULL, "shop", NULL};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
        struct rdt_hba_verdict got;
        assert_true(rdt_hba_judge(rules_of(&arena, cases[i].rules), &login, &got));
        assert_int_equal(got.plaintext, cases[i].plaintext);
    }
}

static void
refuses_what_it_does_not_understand(void **state)
{
    static const char *const cases[] = {
        "{}",
        "[1]",
        "[{}]",
        "[{\"type\":\"host\",\"database\":[\"all\"],\"user_name\":\"all\",\"auth_method\":\"x\"}]",
        "[{\"type\":\"host\",\"database\":[[]],\"user_name\":[\"all\"],\"auth_method\":\"x\"}]",
        "[{\"type\":null,\"database\":[\"all\"],\"user_name\":[\"all\"],\"auth_method\":\"x\"}]",
    };
    struct rdt_hba_login login = {"app", "shop", NULL};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
        struct rdt_node *rules = NULL;
        struct rdt_hba_verdict got;
        assert_int_equal(rdt_json_parse("r", rdt_span_str(cases[i]), &arena, &rules, NULL), RDT_OK);
        assert_false(rdt_hba_judge(rules, &login, &got));
    }
}

static void
refuses_too_many(void **state)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_hba_login login = {"app", "shop", NULL};
    struct rdt_hba_verdict got;
    struct rdt_node *one = rules_of(&arena, "hostnossl all all 10.0.0.0 255.0.0.0 reject");
    struct rdt_node *all = rdt_node_new(&arena, RDT_NODE_LIST, (struct rdt_mark){0});
    (void)state;
    for (size_t i = 0; i < RDT_HBA_RULES_MAX; i++)
        assert_true(rdt_node_add(&arena, all, rdt_span_str(""), (struct rdt_mark){0},
                                 one->members[0].node));
    assert_true(rdt_hba_judge(all, &login, &got));
    assert_true(
        rdt_node_add(&arena, all, rdt_span_str(""), (struct rdt_mark){0}, one->members[0].node));
    assert_false(rdt_hba_judge(all, &login, &got));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(assumes_the_worse_without_a_user),
        cmocka_unit_test(refuses_what_it_does_not_understand),
        cmocka_unit_test(refuses_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
