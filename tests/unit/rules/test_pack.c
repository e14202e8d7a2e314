/* Packs that do not load, and what is said about them. */
#include "judging.h"

#define GOOD PLAN_RULE("ACME-1", "stores", "return pass()")
#define FUNCTION "check = function(s) return pass() end"
#define LISTS "decided = {\"plan\"}, subjects = {\"stores\"}, "

struct case_row {
    const char *what, *lua, *says; /* says NULL: it loads */
    enum rdt_code rc;
};

static const struct case_row cases[] = {
    {"a good one", GOOD, NULL, RDT_OK},
    {"an empty one", "", NULL, RDT_OK},
    {"syntax", "x = = 1", "pack1.lua:1: unexpected symbol", RDT_E_BADINPUT},
    {"bytecode", "\033Lua", "binary chunk", RDT_E_BADINPUT},
    {"endless loop", "\nwhile true do end", "pack1.lua:2: more instructions", RDT_E_SANDBOX},
    {"endless recursion", "local function f() return f() end f()", "more instructions",
     RDT_E_SANDBOX},
    {"deep recursion", "local function f() return 1 + f() end f()", "MiB of memory", RDT_E_SANDBOX},
    {"doubled text", "x = 'aaaaaaaa' while true do x = x .. x end", "MiB of memory", RDT_E_SANDBOX},
    {"large table", "t = {} i = 0 while true do i = i + 1 t[i] = 'x' .. i .. t[1] end", "pack1.lua",
     RDT_E_BADINPUT},
    {"a runtime error", "\n\nlocal x = nil + 1", "pack1.lua:3:", RDT_E_BADINPUT},
    {"error with a table", "error({})", "an error value that is a table", RDT_E_BADINPUT},
    {"error with a newline", "error('a\\nb\\27[31m')", "a b [31m", RDT_E_BADINPUT},
    {"seen() outside", "seen('stores.db', 'host.disk')", "belongs into a check", RDT_E_BADINPUT},
    {"a built-in id", PLAN_RULE("REST-1", "stores", "return pass()"),
     "pack1.lua:1: rule REST-1 is there already (builtin)", RDT_E_BADINPUT},
    {"twice", GOOD "\n" GOOD, "pack1.lua:3: rule ACME-1: it is there already, at", RDT_E_BADINPUT},
    {"no tests",
     "rule { id = 'ACME-1', title = 'T', severity = 'low', why = 'W', fix = 'F', " LISTS FUNCTION
     " }", "it has no tests", RDT_E_BADINPUT},
    {"empty tests",
     "rule { id = 'ACME-1', title = 'T', severity = 'low', why = 'W', fix = 'F', tests = {}, " LISTS
         FUNCTION " }",
     "it has no tests", RDT_E_BADINPUT},
    {"no check", "rule { " RULE_HEAD("ACME-1") LISTS "}", "check must be a function",
     RDT_E_BADINPUT},
    {"live is no function", "rule { " RULE_HEAD("ACME-1") LISTS FUNCTION ", live = 1 }",
     "live must be a function", RDT_E_BADINPUT},
    {"no id", "rule { title = 'T' }", "id must be capitals", RDT_E_BADINPUT},
    {"small id", "rule { " RULE_HEAD("acme-1") LISTS FUNCTION " }", "id must be capitals",
     RDT_E_BADINPUT},
    {"id with an end", "rule { " RULE_HEAD("ACME-") LISTS FUNCTION " }", "id must be capitals",
     RDT_E_BADINPUT},
    {"id is a table", "rule { id = {} }", "id must be capitals", RDT_E_BADINPUT},
    {"no title", "rule { id = 'ACME-1', severity = 'low' }", "title must be one line",
     RDT_E_BADINPUT},
    {"title of two lines", "rule { id = 'ACME-1', title = 'a\\nb' }", "title must be one line",
     RDT_E_BADINPUT},
    {"title with a NUL", "rule { id = 'ACME-1', title = 'a\\0b' }", "title must be one line",
     RDT_E_BADINPUT},
    {"title that is no UTF-8", "rule { id = 'ACME-1', title = '\\255' }", "title must be one line",
     RDT_E_BADINPUT},
    {"severity", "rule { id = 'ACME-1', title = 'T', severity = 'urgent' }", "severity is one of",
     RDT_E_BADINPUT},
    {"no such section",
     "rule { " RULE_HEAD("ACME-1") "decided = {'plan'}, subjects = {'store'}, " FUNCTION " }",
     "subjects: item 1 is none", RDT_E_BADINPUT},
    {"no sections",
     "rule { " RULE_HEAD("ACME-1") "decided = {'plan'}, subjects = {}, " FUNCTION " }",
     "subjects is empty", RDT_E_BADINPUT},
    {"subjects is a word",
     "rule { " RULE_HEAD("ACME-1") "decided = {'plan'}, subjects = 'stores', " FUNCTION " }",
     "subjects must be a list", RDT_E_BADINPUT},
    {"decided by nobody",
     "rule { " RULE_HEAD("ACME-1") "decided = {'fate'}, subjects = {'stores'}, " FUNCTION " }",
     "decided: item 1", RDT_E_BADINPUT},
    {"source is a number", "rule { " RULE_HEAD("ACME-1") LISTS "source = 4, " FUNCTION " }",
     "source must be a list", RDT_E_BADINPUT},
    {"unknown field", "rule { " RULE_HEAD("ACME-1") LISTS FUNCTION ", chekc = 1 }",
     "unknown field 'chekc'; did you mean 'check'?", RDT_E_BADINPUT},
    {"unknown field, a number", "rule { " RULE_HEAD("ACME-1") LISTS FUNCTION ", 5 }",
     "unknown field '?'", RDT_E_BADINPUT},
    {"not a table", "rule('ACME-1')", "pack1.lua:1: bad argument", RDT_E_BADINPUT},
    {"10,000 rules",
     "for i = 1, 10000 do rule { id = 'ACME-' .. i, title = 'T', severity = 'low', why = 'W', "
     "fix = 'F', tests = {{}}, " LISTS FUNCTION " } end",
     "more than 1000 rules", RDT_E_BADINPUT},
};

static void
loads_or_says_why(void **state)
{
    struct judging *j = *state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        const struct case_row *c = &cases[i];
        struct rdt_run *run = NULL;
        judging_pack(j, c->lua);
        enum rdt_code rc =
            rdt_rules_list(&(struct rdt_strings){j->packs, j->n_packs}, &run, &j->err);
        if (rc != c->rc || (c->says != NULL && strstr(j->err.text, c->says) == NULL) ||
            (rc != RDT_OK && strstr(j->err.text, "pack1.lua") == NULL))
            fail_msg("%s: %d, %s", c->what, rc, j->err.text);
        rdt_run_free(run);
        judging_reset(j);
    }
}

/* Too large, and a file that is none. */
static void
files(void **state)
{
    struct judging *j = *state;
    struct rdt_run *run = NULL;
    static char big[(1 << 20) + 1];
    memset(big, ' ', sizeof big);
    judging_pack_bytes(j, (struct rdt_span){(const uint8_t *)big, sizeof big});
    struct rdt_strings packs = {j->packs, 1};
    assert_int_equal(rdt_rules_list(&packs, &run, &j->err), RDT_E_LIMIT);
    j->packs[0] = "/nonexistent/pack.lua";
    assert_int_equal(rdt_rules_list(&packs, &run, &j->err), RDT_E_NOTFOUND);
    j->packs[0] = j->folder;
    assert_int_equal(rdt_rules_list(&packs, &run, &j->err), RDT_E_BADINPUT);
    assert_null(run);
}

static void
a_rule_is_described(void **state)
{
    struct judging *j = *state;
    judging_pack(
        j, "\nrule { id = 'ACME-1', title = 'T', severity = 'critical', why = 'W', fix = 'F',\n"
           "tests = {{}}, source = {'REST-1', 'X'}, subjects = {'flows', 'plan'},\n"
           "decided = {'live', 'human'}, check = function() return pass() end }");
    struct rdt_strings packs = {j->packs, 1};
    assert_int_equal(rdt_rules_list(&packs, &j->run, &j->err), RDT_OK);
    const struct rdt_rule *r = &j->run->rules[j->run->n_rules - 1];
    assert_string_equal(r->id, "ACME-1");
    assert_string_equal(r->pack, j->path[0]);
    assert_int_equal(r->severity, RDT_SEV_CRITICAL);
    assert_int_equal(r->decided, RDT_BY_LIVE | RDT_BY_HUMAN);
    assert_int_equal(r->source.n, 2);
    assert_string_equal(r->source.at[1], "X");
    assert_int_equal(r->subjects.n, 2);
    assert_string_equal(r->subjects.at[0], "flows");
    assert_string_equal(r->subjects.at[1], "plan");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(loads_or_says_why),
        JUDGING_TEST(files),
        JUDGING_TEST(a_rule_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
