/*
 * What a rule returns: pass(), fail{}, na() and unknown() make opaque values, so that a rule that
 * returns anything else is seen as broken and not as a pass.
 */
#include "rules/engine_internal.h"

#include "base/text.h"

#include <stdio.h>

#define LIST_MAX 50 /* items of a list that are shown as observed or expected */

struct outcome {
    enum rdt_outcome kind;
    int level; /* of a pass; -1: not said */
};

static const char type_name[] = "redoubt.outcome";
static char key_plain_pass; /* its address is the registry key of the one plain pass */

/* An outcome with one value kept: a reason, or the table given to fail(). */
static int
push_outcome(lua_State *L, enum rdt_outcome kind, int level, int kept)
{
    struct outcome *o = lua_newuserdatauv(L, sizeof *o, 1);
    *o = (struct outcome){kind, level};
    luaL_setmetatable(L, type_name);
    if (kept != 0) {
        lua_pushvalue(L, kept);
        lua_setiuservalue(L, -2, 1);
    }
    return 1;
}

static int
make_pass(lua_State *L)
{
    if (lua_isnoneornil(L, 1))
        lua_pushvalue(L, lua_upvalueindex(1)); /* one value serves all plain passes */
    else {
        lua_Integer level = luaL_checkinteger(L, 1);
        luaL_argcheck(L, level >= RDT_A0 && level <= RDT_A4 && level != RDT_A1, 1,
                      "0 declared, 2 imported, 3 observed or 4 exercised");
        push_outcome(L, RDT_OUT_PASS, (int)level, 0);
    }
    return 1;
}

static int
make_na(lua_State *L)
{
    luaL_checkstring(L, 1);
    return push_outcome(L, RDT_OUT_NA, 0, 1);
}

static int
make_unknown(lua_State *L)
{
    luaL_checkstring(L, 1);
    return push_outcome(L, RDT_OUT_UNKNOWN, 0, 1);
}

static int
make_fail(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_getfield(L, 1, "message") != LUA_TSTRING)
        return luaL_error(L, "fail: message must be text");
    lua_settop(L, 1);
    return push_outcome(L, RDT_OUT_FAIL, 0, 1);
}

void
rdt_outcome_add(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"fail",    make_fail   },
        {"na",      make_na     },
        {"unknown", make_unknown},
        {NULL,      NULL        },
    };
    struct rdt_engine *engine = rdt_engine_of(L);
    luaL_newmetatable(L, type_name);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key_plain_pass) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        push_outcome(L, RDT_OUT_PASS, -1, 0);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &key_plain_pass);
        engine->plain_pass = lua_touserdata(L, -1);
    }
    lua_pushcclosure(L, make_pass, 1);
    lua_setfield(L, -2, "pass");
}

/* Text that a pack made, as one line that cannot break a terminal or a report; stays pushed. */
static struct rdt_span
clean_text(lua_State *L, int index)
{
    char line[RDT_WIRE_TEXT_MAX];
    size_t n = 0;
    const char *text = lua_tolstring(L, index, &n);
    rdt_text_line((struct rdt_span){(const uint8_t *)text, n}, line, sizeof line);
    const char *kept = lua_pushstring(L, line);
    return rdt_span_str(kept);
}

/* A value as text: scalars, or a list of them. The result stays pushed. */
static struct rdt_span
value_text(lua_State *L, int index)
{
    if (lua_isboolean(L, index)) {
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        return rdt_span_str(lua_tostring(L, -1));
    }
    if (lua_type(L, index) == LUA_TSTRING || lua_type(L, index) == LUA_TNUMBER)
        return clean_text(L, index);
    if (lua_type(L, index) != LUA_TTABLE) {
        lua_pushnil(L);
        return (struct rdt_span){0};
    }
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    lua_Integer n = luaL_len(L, index);
    for (lua_Integer i = 1; i <= n && i <= LIST_MAX; i++) {
        if (i > 1)
            luaL_addstring(&b, ", ");
        lua_geti(L, index, i);
        if (!lua_isstring(L, -1)) {
            lua_pop(L, 1);
            lua_pushstring(L, "?");
        }
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    return clean_text(L, lua_gettop(L));
}

static bool
read_severity(lua_State *L, int table, uint8_t *out)
{
    if (lua_getfield(L, table, "severity") == LUA_TNIL)
        return true;
    for (unsigned s = RDT_INFO; s <= RDT_SEV_CRITICAL; s++) {
        if (lua_type(L, -1) == LUA_TSTRING &&
            rdt_span_is(rdt_span_str(lua_tostring(L, -1)),
                        rdt_severity_name((enum rdt_severity)s))) {
            *out = (uint8_t)s;
            return true;
        }
    }
    return false;
}

/* Everything that fail{} was given; the texts stay on the stack of the protected call below. */
static void
read_fail(lua_State *L, int table, struct rdt_wire_result *out)
{
    lua_getfield(L, table, "message");
    out->message = clean_text(L, lua_gettop(L));
    if (lua_getfield(L, table, "field") == LUA_TSTRING)
        out->field = clean_text(L, lua_gettop(L));
    lua_getfield(L, table, "observed");
    out->observed = value_text(L, lua_gettop(L));
    lua_getfield(L, table, "expected");
    out->expected = value_text(L, lua_gettop(L));
    if (!read_severity(L, table, &out->severity))
        luaL_error(L, "fail: severity is one of info, low, medium, high, critical");
}

/* Arguments: the returned value, the result to fill. Returns the texts so that they stay alive. */
static int
read_outcome(lua_State *L)
{
    struct rdt_wire_result *out = lua_touserdata(L, 2);
    const struct outcome *o = luaL_testudata(L, 1, type_name);
    lua_checkstack(L, 20);
    if (o == NULL)
        return luaL_error(L, "it returned a %s, not pass(), fail{}, na() or unknown()",
                          luaL_typename(L, 1));
    out->outcome = (uint8_t)o->kind;
    out->level = (uint8_t)(o->level < 0 ? 0 : o->level);
    if (o->kind == RDT_OUT_PASS) {
        if (o->level < 0)
            out->level = out->stage == RDT_STAGE_LIVE ? RDT_A3 : RDT_A0;
        return 0;
    }
    lua_getiuservalue(L, 1, 1);
    int kept = lua_gettop(L);
    if (o->kind == RDT_OUT_FAIL)
        read_fail(L, kept, out);
    else
        out->message = clean_text(L, kept);
    return lua_gettop(L) - kept;
}

bool
rdt_outcome_take(struct rdt_engine *engine, struct rdt_wire_result *out)
{
    lua_State *L = engine->L;
    if (lua_touserdata(L, -1) == engine->plain_pass) {
        out->outcome = RDT_OUT_PASS;
        out->level = out->stage == RDT_STAGE_LIVE ? RDT_A3 : RDT_A0;
        return true;
    }
    lua_pushcfunction(L, read_outcome);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, out);
    return rdt_engine_call(engine, 2, LUA_MULTRET, RDT_FUEL_CALL) == LUA_OK;
}
