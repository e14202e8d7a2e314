/*
 * Loading a pack: its text runs once in an environment of its own, and calls rule{} for each rule.
 */
#include "rules/child_internal.h"
#include "rules/engine_internal.h"

#include "base/embed.h"
#include "base/text.h"

#include <stdio.h>

#define ID_MAX 64
#define TITLE_MAX 200
#define PROSE_MAX 1000 /* why, fix */

/* Registry names of lists. */
static const char environments[] = "redoubt.environments";
static const char kept_texts[] = "redoubt.texts"; /* registry: a list that no pack can reach */

static const char *const rule_fields[] = {"id",       "title",   "severity", "source",
                                          "subjects", "decided", "why",      "fix",
                                          "check",    "live",    "tests"};

static const struct {
    const char *word;
    enum rdt_decided bit;
} decided_words[] = {
    {"plan",     RDT_BY_PLAN    },
    {"live",     RDT_BY_LIVE    },
    {"snapshot", RDT_BY_SNAPSHOT},
    {"human",    RDT_BY_HUMAN   },
    {"loader",   RDT_BY_LOADER  },
};

/* Letters, digits and single dashes: "TRANSIT-TLS-FLOOR", "ACME-7". */
static bool
is_id(struct rdt_span id)
{
    bool ok = id.n > 0 && id.n <= ID_MAX && id.p[0] >= 'A' && id.p[0] <= 'Z';
    for (size_t i = 0; ok && i < id.n; i++) {
        uint8_t c = id.p[i];
        bool dash = c == '-' && id.p[i - 1] != '-' && i + 1 < id.n;
        ok = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || dash;
    }
    return ok;
}

/* Text that goes into reports: one line, printable. */
static bool
is_line(struct rdt_span text, size_t max)
{
    return text.n > 0 && text.n <= max && rdt_text_fit(text);
}

/*
 * The text on top of the stack, which stays there. The rule points to its bytes, and the pack may
 * take it out of the rule's table later: so it is kept elsewhere too.
 */
static struct rdt_span
keep_text(lua_State *L)
{
    struct rdt_span text = {0};
    if (lua_type(L, -1) != LUA_TSTRING)
        return text;
    text.p = (const uint8_t *)lua_tolstring(L, -1, &text.n);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, kept_texts);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
    return text;
}

/* The rule table is at 1; id is "?" until it is known. Leaves the text on the stack. */
static struct rdt_span
take_line(lua_State *L, const char *id, const char *field, size_t max)
{
    lua_getfield(L, 1, field);
    struct rdt_span text = keep_text(L);
    if (!is_line(text, max))
        luaL_error(L, "rule %s: %s must be one line of text, at most %d bytes", id, field,
                   (int)max);
    return text;
}

static struct rdt_span
take_id(lua_State *L)
{
    lua_getfield(L, 1, "id");
    struct rdt_span id = keep_text(L);
    if (!is_id(id))
        luaL_error(L, "rule ?: id must be capitals, digits and dashes, such as \"ACME-7\"");
    return id;
}

static void
check_fields(lua_State *L, const char *id)
{
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        bool known = false;
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        for (size_t i = 0; i < RDT_COUNT(rule_fields); i++)
            known = known || rdt_span_is(rdt_span_str(key), rule_fields[i]);
        if (known)
            continue;
        const char *near = rdt_text_nearest(rdt_span_str(key), rule_fields, RDT_COUNT(rule_fields));
        luaL_error(L, "rule %s: unknown field '%s'%s%s%s", id, key,
                   near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                   near != NULL ? "'?" : "");
    }
}

static uint8_t
take_severity(lua_State *L, const char *id)
{
    struct rdt_span word = take_line(L, id, "severity", ID_MAX);
    for (unsigned s = RDT_INFO; s <= RDT_SEV_CRITICAL; s++)
        if (rdt_span_is(word, rdt_severity_name((enum rdt_severity)s)))
            return (uint8_t)s;
    luaL_error(L, "rule %s: severity is one of info, low, medium, high, critical", id);
    return 0;
}

static uint32_t
section_bit(struct rdt_span word)
{
    for (unsigned s = 0; s < RDT_NSECTIONS; s++)
        if (rdt_span_is(word, rdt_section_name((enum rdt_section)s)))
            return 1u << s;
    return 0;
}

static uint32_t
decided_bit(struct rdt_span word)
{
    for (size_t i = 0; i < RDT_COUNT(decided_words); i++)
        if (rdt_span_is(word, decided_words[i].word))
            return decided_words[i].bit;
    return 0;
}

/* A list of words, each of which must have a bit. */
static uint32_t
take_bits(lua_State *L, const char *id, const char *field, uint32_t (*bit_of)(struct rdt_span))
{
    uint32_t bits = 0;
    if (lua_getfield(L, 1, field) != LUA_TTABLE)
        luaL_error(L, "rule %s: %s must be a list of words", id, field);
    lua_Integer n = luaL_len(L, -1);
    for (lua_Integer i = 1; i <= n && i <= RDT_WIRE_SOURCES_MAX; i++) {
        struct rdt_span word = {0};
        if (lua_geti(L, -1, i) == LUA_TSTRING)
            word.p = (const uint8_t *)lua_tolstring(L, -1, &word.n);
        uint32_t bit = bit_of(word);
        if (bit == 0)
            luaL_error(L, "rule %s: %s: item %d is none of the words it takes", id, field, (int)i);
        bits |= bit;
        lua_pop(L, 1);
    }
    if (bits == 0)
        luaL_error(L, "rule %s: %s is empty", id, field);
    lua_pop(L, 1);
    return bits;
}

static void
take_sources(lua_State *L, struct rdt_wire_rule *rule, const char *id)
{
    if (lua_getfield(L, 1, "source") == LUA_TNIL)
        return;
    lua_Integer n = lua_istable(L, -1) ? luaL_len(L, -1) : -1;
    if (n < 0 || n > RDT_WIRE_SOURCES_MAX)
        luaL_error(L, "rule %s: source must be a list of at most %d ids", id, RDT_WIRE_SOURCES_MAX);
    for (lua_Integer i = 1; i <= n; i++) {
        struct rdt_span *text = &rule->source[rule->n_source++];
        lua_geti(L, -1, i);
        *text = keep_text(L);
        if (!is_line(*text, ID_MAX))
            luaL_error(L, "rule %s: source: item %d is no id", id, (int)i);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static int
take_function(lua_State *L, const char *id, const char *field, bool needed)
{
    int type = lua_getfield(L, 1, field);
    if (type == LUA_TNIL && !needed) {
        lua_pop(L, 1);
        return LUA_NOREF;
    }
    if (type != LUA_TFUNCTION)
        luaL_error(L, "rule %s: %s must be a function", id, field);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

static int
take_tests(lua_State *L, const char *id)
{
    if (lua_getfield(L, 1, "tests") != LUA_TTABLE || luaL_len(L, -1) == 0)
        luaL_error(L, "rule %s: it has no tests; write one that passes and one that fails", id);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

static void
refuse_twice(lua_State *L, const struct rdt_engine *engine, struct rdt_span id)
{
    for (size_t i = 0; i < engine->n_rules; i++)
        if (rdt_span_cmp(engine->rules[i].text.id, id) == 0)
            luaL_error(L, "rule %s: it is there already, at %s:%d", (const char *)id.p,
                       engine->rules[i].pack, (int)engine->rules[i].text.line);
}

static uint32_t
caller_line(lua_State *L)
{
    lua_Debug at = {0};
    if (lua_getstack(L, 1, &at) == 0 || lua_getinfo(L, "l", &at) == 0 || at.currentline < 0)
        return 0;
    return (uint32_t)at.currentline;
}

/* rule { ... } */
static int
add_rule(lua_State *L)
{
    struct rdt_engine *engine = rdt_engine_of(L);
    if (engine->pack == NULL)
        return luaL_error(L, "rule{} belongs into the pack itself, not into a check");
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (engine->n_rules == RDT_PACK_RULES_MAX)
        return luaL_error(L, "more than %d rules", RDT_PACK_RULES_MAX);
    struct rdt_pack_rule rule = {.pack = engine->pack, .text.line = caller_line(L)};
    rule.text.id = take_id(L);
    const char *id = (const char *)rule.text.id.p;
    refuse_twice(L, engine, rule.text.id);
    check_fields(L, id);
    rule.text.title = take_line(L, id, "title", TITLE_MAX);
    rule.text.severity = take_severity(L, id);
    rule.text.why = take_line(L, id, "why", PROSE_MAX);
    rule.text.fix = take_line(L, id, "fix", PROSE_MAX);
    rule.text.sections = take_bits(L, id, "subjects", section_bit);
    rule.text.decided = (uint8_t)take_bits(L, id, "decided", decided_bit);
    take_sources(L, &rule.text, id);
    rule.check = take_function(L, id, "check", true);
    rule.live = take_function(L, id, "live", false);
    rule.text.live = rule.live != LUA_NOREF;
    rule.tests = take_tests(L, id);
    lua_settop(L, 1);
    engine->rules[engine->n_rules++] = rule;
    return 0;
}

/* Pushes a fresh environment: nothing in it is shared with another pack but the plan's tables. */
static int
make_environment(lua_State *L)
{
    lua_newtable(L);
    rdt_packlib_add(L);
    rdt_outcome_add(L);
    rdt_seen_add(L);
    rdt_bridge_add(L);
    lua_pushcfunction(L, add_rule);
    lua_setfield(L, -2, "rule");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, environments);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
    return 1;
}

void
rdt_pack_rebind(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, environments);
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        rdt_bridge_rebind(L);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* Lua's own messages begin with the pack's name and the line; what does not, gets the name. */
static enum rdt_code
fail_load(const struct rdt_engine *engine, const char *name, struct rdt_err *err)
{
    size_t n = strlen(name);
    bool named = strncmp(engine->why, name, n) == 0 && engine->why[n] == ':';
    enum rdt_code rc = engine->left == RDT_LEFT_LIMIT ? RDT_E_SANDBOX : RDT_E_BADINPUT;
    if (engine->left != RDT_LEFT_NOT && engine->left != RDT_LEFT_LIMIT)
        return rdt_fail(err, rc, "pack %s: seen() belongs into a check, not here", name);
    return rdt_fail(err, rc, "pack %s%s%s", named ? "" : name, named ? "" : ": ", engine->why);
}

/* Run text in the environment on top of the stack, which stays. */
static enum rdt_code
run_text(struct rdt_engine *engine, const char *name, struct rdt_span text, struct rdt_err *err)
{
    lua_State *L = engine->L;
    char chunk[RDT_ERR_TEXT_MAX];
    snprintf(chunk, sizeof chunk, "@%s", name);
    if (luaL_loadbufferx(L, (const char *)text.p, text.n, chunk, "t") != LUA_OK) {
        char line[RDT_ERR_TEXT_MAX];
        size_t n = 0;
        const char *why = lua_tolstring(L, -1, &n);
        rdt_text_line((struct rdt_span){(const uint8_t *)why, n}, line, sizeof line);
        lua_pop(L, 1);
        return rdt_fail(err, RDT_E_BADINPUT, "pack %s: %s", name, line);
    }
    lua_pushvalue(L, -2);
    lua_setupvalue(L, -2, 1);
    if (rdt_engine_call(engine, 0, 0, RDT_FUEL_LOAD) != LUA_OK)
        return fail_load(engine, name, err);
    return RDT_OK;
}

enum rdt_code
rdt_pack_load(struct rdt_engine *engine, const char *name, struct rdt_span text,
              struct rdt_err *err)
{
    struct rdt_span lib = {0};
    if (text.n > RDT_PACK_BYTES_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "pack %s: larger than %zu bytes", name,
                        RDT_PACK_BYTES_MAX);
    lua_pushcfunction(engine->L, make_environment);
    if (rdt_engine_call(engine, 0, 1, RDT_FUEL_LOAD) != LUA_OK)
        return fail_load(engine, name, err);
    if (rdt_embed_find("packs/rules/lib.lua", &lib)) {
        enum rdt_code rc = run_text(engine, "packs/rules/lib.lua", lib, err);
        if (rc != RDT_OK)
            return rc;
    }
    engine->pack = name;
    enum rdt_code rc = run_text(engine, name, text, err);
    engine->pack = NULL;
    lua_settop(engine->L, 0);
    return rc;
}
