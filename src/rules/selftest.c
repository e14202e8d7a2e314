/*
 * A rule's own tests, run inside of the sandbox: each starts from the healthy plan, moves what
 * `set`, `facts`, `files`, `date` and `env` say, and expects one verdict on one subject.
 */
#include "rules/child_internal.h"
#include "rules/engine_internal.h"
#include "rules/fileinfo_internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define HEALTHY "packs/rules/healthy.yaml"
#define DEFAULT_DATE 20781 /* 2026-11-24 */
#define TESTS_MAX 1000     /* of one rule */
#define VALUE_DEPTH_MAX 16
#define ABSENT "<absent>"   /* as a value in set: the field is taken out */
#define UNKNOWN "<unknown>" /* as the start of a fact: it could not be read, and why */

struct test {
    struct rdt_arena arena;
    struct rdt_evidence evidence; /* items are malloc'ed by us, the rest lies in arena */
    struct rdt_node *root;
    struct rdt_plan *plan;
    const char *on, *expect;
    struct rdt_fileinfo *files;
    size_t n_files;
};

struct selftest {
    struct rdt_engine *engine;
    const struct rdt_child_job *job;
    struct rdt_buf *out;
    uint32_t rule, number;
    struct test test;
    bool passes, fails; /* the rule has a test of that sort */
};

static void
done(struct test *test)
{
    rdt_plan_close(test->plan);
    free(test->evidence.items);
    rdt_arena_done(&test->arena);
    *test = (struct test){0};
}

/* ---- the plan of a test -----------------------------------------------------------------------
 */

static struct rdt_node *
copy_node(struct rdt_arena *arena, const struct rdt_node *node)
{
    struct rdt_node *copy = rdt_node_new(arena, node->kind, node->mark);
    if (copy == NULL)
        return NULL;
    copy->quoted = node->quoted;
    copy->text = node->text;
    for (size_t i = 0; i < node->n; i++) {
        const struct rdt_member *m = &node->members[i];
        if (!rdt_node_add(arena, copy, m->key, m->mark, copy_node(arena, m->node)))
            return NULL;
    }
    return copy;
}

static struct rdt_node *to_node(lua_State *L, struct rdt_arena *arena, int depth);

static void
need(lua_State *L, bool ok)
{
    if (!ok)
        luaL_error(L, "out of memory");
}

static struct rdt_node *
table_to_node(lua_State *L, struct rdt_arena *arena, int depth)
{
    bool list = luaL_len(L, -1) > 0;
    struct rdt_node *node =
        rdt_node_new(arena, list ? RDT_NODE_LIST : RDT_NODE_MAP, (struct rdt_mark){0});
    rdt_packlib_keys(L, -1);
    lua_Integer n = luaL_len(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        lua_pushvalue(L, -1);
        lua_gettable(L, -4);
        struct rdt_node *value = to_node(L, arena, depth + 1);
        lua_pop(L, 1);
        struct rdt_span key = rdt_span_str(luaL_tolstring(L, -1, NULL));
        need(L, node != NULL && rdt_node_add(arena, node, key, (struct rdt_mark){0}, value));
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return node;
}

/* The value on top of the stack; an empty table is an empty list. */
static struct rdt_node *
to_node(lua_State *L, struct rdt_arena *arena, int depth)
{
    luaL_checkstack(L, 10, "test too deep");
    if (depth > VALUE_DEPTH_MAX)
        luaL_error(L, "a value is nested too deep");
    if (lua_type(L, -1) == LUA_TTABLE) {
        lua_pushnil(L);
        if (lua_next(L, -2) == 0)
            return rdt_node_new(arena, RDT_NODE_LIST, (struct rdt_mark){0});
        lua_pop(L, 2);
        return table_to_node(L, arena, depth);
    }
    bool text = lua_type(L, -1) == LUA_TSTRING;
    if (!text && !lua_isnumber(L, -1) && !lua_isboolean(L, -1))
        luaL_error(L, "a value is a %s", luaL_typename(L, -1));
    size_t n = 0;
    const char *s = luaL_tolstring(L, -1, &n);
    struct rdt_node *node =
        rdt_node_scalar(arena, (struct rdt_span){(const uint8_t *)s, n}, (struct rdt_mark){0});
    need(L, node != NULL);
    node->quoted = text;
    lua_pop(L, 1);
    return node;
}

static struct rdt_member *
find_member(struct rdt_node *node, struct rdt_span key)
{
    for (size_t i = 0; i < node->n; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        if (node->kind == RDT_NODE_LIST ? rdt_span_is(key, number)
                                        : rdt_span_cmp(node->members[i].key, key) == 0)
            return &node->members[i];
    }
    return NULL;
}

static void
remove_member(struct rdt_node *node, struct rdt_member *m)
{
    size_t after = node->n - (size_t)(m - node->members) - 1;
    memmove(m, m + 1, after * sizeof *m);
    node->n--;
    node->order = NULL;
}

/* path -> value in the tree; value NULL takes it out. Numbers in a path count items from 1. */
static bool
set_path(struct rdt_arena *arena, struct rdt_node *node, struct rdt_span path,
         struct rdt_node *value)
{
    struct rdt_span key;
    bool last = !rdt_take_until(&path, '.', &key);
    if (last)
        key = path;
    struct rdt_member *m = find_member(node, key);
    if (last && value == NULL) {
        if (m != NULL)
            remove_member(node, m);
        return m != NULL;
    }
    if (m == NULL) {
        struct rdt_node *fresh =
            last ? value : rdt_node_new(arena, RDT_NODE_MAP, (struct rdt_mark){0});
        if ((node->kind != RDT_NODE_MAP && node->kind != RDT_NODE_LIST) ||
            !rdt_node_add(arena, node, key, (struct rdt_mark){0}, fresh))
            return false;
        m = &node->members[node->n - 1];
    } else if (last) {
        m->node = value;
    }
    return last || set_path(arena, m->node, path, value);
}

/* set = { ["flows.web.tls.min"] = "tls1.1" }; the test's table is at index 1. */
static void
apply_set(lua_State *L, struct test *test)
{
    if (lua_getfield(L, 1, "set") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE);
    int set = lua_gettop(L);
    rdt_packlib_keys(L, set);
    lua_Integer n = luaL_len(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, set + 1, i);
        const char *path = luaL_checkstring(L, -1);
        lua_getfield(L, set, path);
        struct rdt_node *value = NULL;
        if (lua_type(L, -1) != LUA_TSTRING ||
            !rdt_span_is(rdt_span_str(lua_tostring(L, -1)), ABSENT))
            value = to_node(L, &test->arena, 0);
        if (!set_path(&test->arena, test->root, rdt_span_str(path), value))
            luaL_error(L, "set: '%s' leads nowhere in the healthy plan", path);
        lua_pop(L, 2);
    }
}

/* ---- facts and files ---------------------------------------------------------------------------
 */

static void
add_fact(lua_State *L, struct test *test, const char *subject, const char *fact, int64_t time)
{
    struct rdt_evidence *evidence = &test->evidence;
    if (evidence->n == evidence->cap) {
        size_t cap = evidence->cap == 0 ? 8 : evidence->cap * 2;
        void *items = reallocarray(evidence->items, cap, sizeof evidence->items[0]);
        need(L, items != NULL);
        evidence->items = items;
        evidence->cap = cap;
    }
    struct rdt_observation *o = &evidence->items[evidence->n];
    *o = (struct rdt_observation){.collector = "test", .raw = "", .time = time};
    o->subject = rdt_arena_fmt(&test->arena, "%s", subject);
    o->fact = rdt_arena_fmt(&test->arena, "%s", fact);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    struct rdt_span start = {(const uint8_t *)text, sizeof UNKNOWN - 1};
    if (strlen(text) >= start.n && rdt_span_is(start, UNKNOWN))
        o->unknown = rdt_arena_fmt(&test->arena, "%s", text + start.n);
    else
        o->value = to_node(L, &test->arena, 0);
    need(L, o->subject != NULL && o->fact != NULL && (o->unknown != NULL || o->value != NULL));
    evidence->n++;
}

/* facts = { ["flows.web"] = { ["tls.versions"] = value } } */
static void
apply_facts(lua_State *L, struct test *test, int64_t time)
{
    if (lua_getfield(L, 1, "facts") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        luaL_checktype(L, -1, LUA_TTABLE);
        luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, 1, "facts: a subject's id is no text");
        const char *subject = lua_tostring(L, -2);
        if (rdt_plan_find(test->plan, subject) == NULL)
            luaL_error(L, "facts: the plan has no '%s'", subject);
        for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
            luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, 1, "facts: a name is no text");
            add_fact(L, test, subject, lua_tostring(L, -2), time);
        }
    }
}

/* files = { ["docs/x.md"] = false }: not there; true: there; a text: there with that hash. */
static void
apply_files(lua_State *L, struct test *test)
{
    if (lua_getfield(L, 1, "files") != LUA_TTABLE)
        return;
    for (size_t i = 0; i < test->n_files; i++) {
        struct rdt_fileinfo *info = &test->files[i];
        if (lua_getfield(L, -1, info->path) == LUA_TSTRING) {
            info->exists = true;
            info->sha256 = rdt_arena_fmt(&test->arena, "%s", lua_tostring(L, -1));
        } else if (lua_isboolean(L, -1)) {
            info->exists = lua_toboolean(L, -1);
            info->sha256 = info->exists ? info->sha256 : NULL;
        }
        lua_pop(L, 1);
    }
}

/*
 * The files that the healthy plan names are there, with the hashes that it gives, whatever the test
 * makes the plan say; others are not.
 */
static void
gather_files(lua_State *L, struct selftest *self)
{
    struct test *test = &self->test;
    struct rdt_fileinfo *healthy = NULL;
    size_t n = 0;
    need(L, rdt_fileinfo_gather(self->job->healthy, NULL, &test->arena, &healthy, &n, NULL) ==
                    RDT_OK &&
                rdt_fileinfo_gather(rdt_plan_root(test->plan), NULL, &test->arena, &test->files,
                                    &test->n_files, NULL) == RDT_OK);
    for (size_t i = 0; i < test->n_files; i++) {
        test->files[i] = (struct rdt_fileinfo){.path = test->files[i].path};
        for (size_t j = 0; j < n; j++)
            if (rdt_span_is(rdt_span_str(healthy[j].path), test->files[i].path))
                test->files[i] = healthy[j];
    }
    apply_files(L, test);
}

/* ---- one test -----------------------------------------------------------------------------------
 */

static int64_t
test_date(lua_State *L)
{
    int64_t day = DEFAULT_DATE;
    if (lua_getfield(L, 1, "date") != LUA_TNIL &&
        !rdt_date_parse(rdt_span_str(luaL_checkstring(L, -1)), &day))
        luaL_error(L, "date must look like 2026-11-24");
    return day * RDT_DAY_S;
}

static void
load_plan(lua_State *L, struct test *test)
{
    struct rdt_err err = {0};
    static struct rdt_diags diags; /* large; emptied each time */
    lua_getfield(L, 1, "env");
    struct rdt_plan_opts opts = {.env = lua_tostring(L, -1)};
    enum rdt_code rc = rdt_plan_from_node(test->root, HEALTHY, &opts, &diags, &test->plan, &err);
    const char *why = lua_pushstring(L, diags.n != 0 ? diags.items[0].text : err.text);
    rdt_diags_done(&diags);
    if (rc != RDT_OK)
        luaL_error(L, "the plan is refused: %s", why);
}

/* Runs protected: the test's table is the only thing on the stack. */
static void
prepare(struct rdt_engine *engine, void *context)
{
    static const char *const fields[] = {"on",    "expect", "set", "facts",
                                         "files", "date",   "env", "name"};
    struct selftest *self = context;
    struct test *test = &self->test;
    lua_State *L = engine->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, engine->rules[self->rule].tests);
    lua_rawgeti(L, -1, (lua_Integer)self->number);
    lua_remove(L, 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        bool known = false;
        for (size_t i = 0; i < RDT_COUNT(fields) && lua_type(L, -2) == LUA_TSTRING; i++)
            known = known || rdt_span_is(rdt_span_str(lua_tostring(L, -2)), fields[i]);
        if (!known)
            luaL_error(L, "a test takes: on, expect, set, facts, files, date, env, name");
    }
    lua_getfield(L, 1, "on");
    lua_getfield(L, 1, "expect");
    test->on = rdt_arena_fmt(&test->arena, "%s", luaL_checkstring(L, 2));
    test->expect = rdt_arena_fmt(&test->arena, "%s", luaL_checkstring(L, 3));
    test->root = copy_node(&test->arena, self->job->healthy);
    need(L, test->on != NULL && test->expect != NULL && test->root != NULL);
    engine->time = test_date(L);
    apply_set(L, test);
    load_plan(L, test);
    apply_facts(L, test, engine->time);
    gather_files(L, self);
    if (rdt_plan_find(test->plan, test->on) == NULL)
        luaL_error(L, "the plan has no '%s'", test->on);
    engine->plan = test->plan;
    engine->evidence = &test->evidence;
    engine->files = test->files;
    engine->n_files = test->n_files;
    need(L, rdt_seen_index(engine));
    luaL_unref(L, LUA_REGISTRYINDEX, engine->tables);
    lua_settop(L, 0);
    rdt_bridge_build(engine);
    rdt_pack_rebind(L);
}

static void
put(struct selftest *self, bool good, const char *got, struct rdt_span message)
{
    const struct test *test = &self->test;
    rdt_wire_put_test(self->out,
                      &(struct rdt_wire_test){
                          .rule = self->rule,
                          .number = self->number,
                          .good = good,
                          .subject = rdt_span_str(test->on != NULL ? test->on : ""),
                          .expected = rdt_span_str(test->expect != NULL ? test->expect : ""),
                          .got = rdt_span_str(got),
                          .message = message,
                      });
}

static void
note_sort(struct selftest *self)
{
    struct rdt_span expect = rdt_span_str(self->test.expect);
    bool fails = rdt_span_is(expect, "fail") || rdt_span_is(expect, "drift");
    bool passes = rdt_span_is(expect, "pass") || rdt_span_is(expect, "unobserved");
    self->fails = self->fails || fails;
    self->passes = self->passes || passes;
}

/* False: a limit was passed. */
static bool
run_test(struct selftest *self)
{
    struct rdt_engine *engine = self->engine;
    struct rdt_wire_result result;
    if (rdt_engine_run(engine, prepare, self) != LUA_OK) {
        put(self, false, "", rdt_span_str(engine->why));
        return true;
    }
    note_sort(self);
    const struct rdt_subject *on = rdt_plan_find(self->test.plan, self->test.on);
    const struct rdt_wire_rule *rule = &engine->rules[self->rule].text;
    if ((rule->sections >> on->section & 1) == 0) {
        put(self, false, "", rdt_span_str("the rule is not for subjects of that section"));
        return true;
    }
    if (!rdt_child_judge_one(engine, self->rule, (uint32_t)(on - engine->subjects), &result))
        return false;
    const char *got = rdt_verdict_name(rdt_combine_plain(&result, rule->decided));
    put(self, rdt_span_is(rdt_span_str(got), self->test.expect), got, result.message);
    return true;
}

/* Number 0 is a remark about the rule: what nobody has seen fail may not be able to. */
static void
put_remarks(struct selftest *self)
{
    bool by_plan = (self->engine->rules[self->rule].text.decided & RDT_BY_PLAN) != 0;
    self->number = 0;
    if (!self->passes)
        put(self, true, "", rdt_span_str("no test in which it passes"));
    if (!self->fails && by_plan)
        put(self, true, "", rdt_span_str("no test in which it fails"));
}

static void
count_tests(struct rdt_engine *engine, void *context)
{
    struct selftest *self = context;
    lua_rawgeti(engine->L, LUA_REGISTRYINDEX, engine->rules[self->rule].tests);
    self->number = (uint32_t)luaL_len(engine->L, -1);
}

enum rdt_code
rdt_selftest_run(struct rdt_engine *engine, const struct rdt_child_job *job, struct rdt_buf *out,
                 struct rdt_err *err)
{
    engine->tables = LUA_NOREF;
    for (uint32_t r = 0; r < engine->n_rules; r++) {
        if (!rdt_child_selects(job->judge, engine->rules[r].text.id))
            continue;
        struct selftest self = {.engine = engine, .job = job, .out = out, .rule = r};
        uint32_t n = rdt_engine_run(engine, count_tests, &self) == LUA_OK ? self.number : 0;
        for (self.number = 1; self.number <= n && self.number <= TESTS_MAX; self.number++) {
            bool ok = run_test(&self);
            done(&self.test);
            lua_settop(engine->L, 0);
            if (!ok)
                return rdt_fail(err, RDT_E_SANDBOX, "pack %s: rule %s: test %u: %s",
                                engine->rules[r].pack, (const char *)engine->rules[r].text.id.p,
                                (unsigned)self.number, engine->why);
        }
        put_remarks(&self);
    }
    engine->plan = NULL;
    engine->evidence = NULL;
    return RDT_OK;
}
