/* The functions that packs get: each line is an expression that must be true, or an error. */
#include "judging.h"

static const char *const truths[] = {
    "str.find('abcabc', 'ca') == 3",
    "str.find('abc', 'x') == nil",
    "str.find('a.c', '.') == 2", /* no patterns */
    "str.find('abc', '') == 1",
    "str.starts('stores.db', 'stores.') and not str.starts('s', 'stores')",
    "str.ends('a.pem', '.pem') and not str.ends('m', '.pem')",
    "str.lower('AbC-1\\xC3\\x84') == 'abc-1\\xC3\\x84'",
    "str.join(str.split('a,b,,c', ','), '|') == 'a|b||c'",
    "#str.split('', ',') == 1 and #str.split('ab', '--') == 1",
    "table.concat({1, 'b', 2.5}, '-') == '1-b-2.5' and table.concat({}) == ''",
    "glob('stores.*', 'stores.db') and not glob('stores.?', 'stores.db')",
    "has({'a', 'b'}, 'b') and not has({'a'}, 'c') and not has({}, nil) and not has(nil, 'a')",
    "tostring(90.0) == '90' and tostring(1.5) == '1.5' and tostring(nil) == 'nil'",
    "tostring({}) == 'table' and tostring(tostring) == 'function'",
    "tostring(true) == 'true' and tostring('x') == 'x'",
    "tonumber('12') == 12 and tonumber('x') == nil and tonumber(nil) == nil and tonumber(3) == 3",
    "type(nil) == 'nil' and type({}) == 'table'",
    "select('#', 1, 2, 3) == 3 and select(2, 'a', 'b', 'c') == 'b'",
    "select(3, 'a', 'b') == nil",
    "math.min(3, 1, 2) == 1 and math.max(3, 7, 2) == 7 and math.floor(2.7) == 2",
    "math.ceil(2.1) == 3 and math.huge > 1e300 and math.floor(-0.5) == -1",
    "next({}) == nil and next({7}) == 1",
    "days(90) == '90d' and days(0.5) == '12h' and days(1) == '1d'",
    "date(20781) == '2026-11-24'",
    "run_date == 20781",
    "level_rank('critical') == 4 and level_rank('low') == 1 and level_rank(nil) == 0",
    "tls_rank('tls1.3') > tls_rank('tls1.2') and tls_rank('ssl2') == 1 and tls_rank('no') == 0",
    "tls_rank(nil) == 0",
    "floor('critical').tls == 'tls1.3' and floor('critical').field == true",
    "floor('critical').rotation == 90 and floor('low').rotation == nil and floor(nil) == nil",
    "get('stores.db').kind == 'postgres' and get('keys.os-managed') == nil",
    "get('stores.db') == plan.stores.db",
    "(function() local t = {3, 1, 2} table.sort(t) return str.join(t, '') == '123' end)()",
    "(function() local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end)"
    " return str.join(t, '') == '321' end)()",
    "(function() local t = {'b1', 'a1', 'b2', 'a2', 'a3'}" /* stable */
    " table.sort(t, function(a, b) return str.starts(a, 'a') and str.starts(b, 'b') end)"
    " return str.join(t, ' ') == 'a1 a2 a3 b1 b2' end)()",
    "(function() local t = {} for i = 1, 1000 do t[i] = (i * 7919) % 1000 end table.sort(t)"
    " for i = 2, 1000 do if t[i - 1] > t[i] then return false end end return true end)()",
    "(function() local t = {1, 2} table.sort(t, function() return true end) return #t == 2 end)()",
    "(function() local t = {} table.sort(t) return #t == 0 end)()",
    "(function() local t = {'a', 'c'} table.insert(t, 2, 'b') table.insert(t, 'd')"
    " return str.join(t, '') == 'abcd' end)()",
    "(function() local t = {'a', 'b', 'c'} return table.remove(t, 1) == 'a' and table.remove(t) == "
    "'c'"
    " and #t == 1 and table.remove({}) == nil end)()",
    "(function() local s = '' for k, v in pairs({z = 1, a = 2, m = 3, [2] = 'y', [1] = 'x'}) do"
    " s = s .. tostring(k) .. tostring(v) end return s == '1x2ya2m3z1' end)()",
    "(function() local n = 0 for i, v in ipairs({5, 6, nil, 8}) do n = n + i * v end return n == "
    "17 end)()",
    "(function() for _ in ipairs(nil) do return false end return true end)()",
};

/* What must not be there, or must not work. */
static const char *const errors[] = {
    "('x'):rep(3)",
    "('x').len",
    "setmetatable({}, {})",
    "getmetatable('')",
    "rawset({}, 1, 1)",
    "rawget({}, 1)",
    "rawequal(1, 1)",
    "pcall(error)",
    "xpcall(error, error)",
    "load('return 1')",
    "loadstring('return 1')",
    "dofile('/etc/passwd')",
    "require('os')",
    "coroutine.create(error)",
    "collectgarbage()",
    "debug.getinfo(1)",
    "os.time()",
    "io.open('/etc/passwd')",
    "package.path",
    "print('x')",
    "string.rep('x', 3)",
    "utf8.char(65)",
    "_G.rule",
    "table.unpack({})",
    "table.move({}, 1, 1, 1)",
    "math.random()",
    "str.split('a', '')",
    "str.find(nil, 'a')",
    "table.concat({{}})",
    "table.insert({}, 5, 'x')",
    "table.remove({1}, 7)",
    "table.sort({1, 'a'})",
    "table.sort({2, 1}, 'x')",
    "math.min()",
    "math.max('a', 2)",
    "select(-1, 'a')",
    "pairs(nil)",
    "days('x')",
    "days(math.huge)",
    "date(-1)",
    "date(math.huge)",
    "file_exists('/etc/passwd')",
    "file_sha256('no/such')",
    "rule { id = 'ACME-2' }",
    "assert(false, 'no')",
    "error('no')",
    "'a' + 1",
    "'10' + 1", /* text is never a number by itself */
    "{} .. 'a'",
};

static void
expressions(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    j->subject = "stores.db";
    for (size_t i = 0; i < RDT_COUNT(truths) + RDT_COUNT(errors); i++) {
        bool truth = i < RDT_COUNT(truths);
        const char *text = truth ? truths[i] : errors[i - RDT_COUNT(truths)];
        char lua[2048];
        snprintf(lua, sizeof lua,
                 PLAN_RULE("ACME-1", "stores",
                           "local x = %s if x then return pass() end return na('false')"),
                 text);
        judging_pack(j, lua);
        if (judging_run(j) != RDT_OK)
            fail_msg("%s: %s", text, j->err.text);
        const struct rdt_result *r = judging_find(j, "ACME-1", "stores.db");
        if (r->verdict != (truth ? RDT_PASS : RDT_UNKNOWN))
            fail_msg("%s: %s, %s", text, rdt_verdict_name(r->verdict),
                     r->message == NULL ? "" : r->message);
        if (!truth) {
            if (strstr(r->message, "rule error: ") == NULL ||
                strstr(r->message, "pack1.lua:1") == NULL)
                fail_msg("%s: %s", text, r->message);
        }
        judging_reset(j);
    }
}

/* A call over its budget ends the run, whatever it spends it on. */
static void
budgets(void **state)
{
    static const struct {
        const char *what, *body, *says;
    } cases[] = {
        {"a loop",                 "while true do end",                                        "more instructions"},
        {"a loop in a comparator", "table.sort({2, 1}, function() while true do end end)",
         "more instructions"                                                                                      },
        {"recursion",              "local function f() return f() end return f()",             "more instructions"},
        {"a doubled text",         "local x = 'aaaaaaaa' while true do x = x .. x end",        "MiB of memory"    },
        {"a large table",          "local t = {} while true do t[#t + 1] = {} end",            "pack1.lua"        },
        {"a large concat",
         "local t = {} for i = 1, 300000 do t[i] = '0123456789012345678901234567890123456789' end "
         "local u = {} for i = 1, 100 do u[i] = table.concat(t) end",                          "pack1.lua"        },
        {"inserts at the front",   "local t = {} for i = 1, 1e6 do table.insert(t, 1, i) end",
         "more instructions"                                                                                      },
        {"globs",
         "local a = 'a' for i = 1, 13 do a = a .. a end local p = '' for i = 1, 400 do p = p .. "
         "'a*' end "
         "while true do glob(p .. 'b', a) end",                                                "more instructions"},
        {"splits",
         "local a = ',' for i = 1, 16 do a = a .. a end while true do str.split(a, ',') end",  "more instructions"},
        {"pairs of a large map",
         "local t = {} for i = 1, 50000 do t['k' .. i] = i end while true do for k in pairs(t) do "
         "end end",                                                                            "more instructions"},
    };
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        char lua[2048];
        snprintf(lua, sizeof lua, PLAN_RULE("ACME-1", "stores", "%s"), cases[i].body);
        judging_pack(j, lua);
        int64_t start = rdt_monotonic_ms();
        enum rdt_code rc = judging_run(j);
        if (rc != RDT_E_SANDBOX || strstr(j->err.text, cases[i].says) == NULL ||
            strstr(j->err.text, "pack1.lua") == NULL || strstr(j->err.text, "ACME-1") == NULL)
            fail_msg("%s: %d, %s", cases[i].what, rc, j->err.text);
        if (rdt_monotonic_ms() - start > 30000)
            fail_msg("%s: took too long", cases[i].what);
        judging_reset(j);
    }
}

/* glob() and its like refuse what would cost too much by itself. */
static void
long_patterns(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    j->subject = "stores.db";
    judging_pack(j, PLAN_RULE("ACME-1", "stores",
                              "local p = 'a*' for i = 1, 10 do p = p .. p end "
                              "glob(p, 'aaaa') return pass()"));
    assert_int_equal(judging_run(j), RDT_OK);
    const struct rdt_result *r = judging_find(j, "ACME-1", "stores.db");
    assert_int_equal(r->verdict, RDT_UNKNOWN);
    assert_non_null(strstr(r->message, "the pattern is too long"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(expressions),
        JUDGING_TEST(budgets),
        JUDGING_TEST(long_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
