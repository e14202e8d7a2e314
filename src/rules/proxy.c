/*
 * For `rules explain`: a table that stands before another one and notes each value that is read
 * through it. In all other runs rules get the tables themselves.
 */
#include "rules/engine_internal.h"

#include <stdlib.h>
#include <string.h>

static char key_target, key_path, key_cache; /* their addresses are keys that packs cannot make */

bool
rdt_proxy_target(lua_State *L, int index)
{
    lua_pushvalue(L, index);
    if (!rdt_engine_of(L)->explain || lua_type(L, -1) != LUA_TTABLE)
        return false;
    if (lua_rawgetp(L, -1, &key_target) == LUA_TNIL) {
        lua_pop(L, 1);
        return false;
    }
    lua_remove(L, -2);
    return true;
}

/* The value on top as one line of text for people, malloc'ed; NULL when out of memory. */
static char *
describe(lua_State *L)
{
    char line[RDT_ERR_TEXT_MAX];
    size_t n = 0;
    const char *text = NULL;
    if (lua_type(L, -1) == LUA_TSTRING)
        text = lua_tolstring(L, -1, &n);
    if (text != NULL) {
        rdt_text_line((struct rdt_span){(const uint8_t *)text, n}, line, sizeof line);
        return strdup(line);
    }
    if (lua_isnumber(L, -1)) {
        lua_pushvalue(L, -1); /* converting the original would change it */
        char *copy = strdup(lua_tostring(L, -1));
        lua_pop(L, 1);
        return copy;
    }
    if (lua_isboolean(L, -1))
        return strdup(lua_toboolean(L, -1) ? "true" : "false");
    return strdup(lua_isnil(L, -1) ? "(not written)" : luaL_typename(L, -1));
}

static void
note(struct rdt_engine *engine, const char *path)
{
    for (size_t i = 0; i < engine->n_reads; i++)
        if (strcmp(engine->reads[i].path, path) == 0)
            return;
    if (engine->n_reads == RDT_READS_MAX)
        return;
    if (engine->reads == NULL)
        engine->reads = calloc(RDT_READS_MAX, sizeof engine->reads[0]);
    char *value = engine->reads == NULL ? NULL : describe(engine->L);
    if (value != NULL) /* path is held by the proxy or the value's own proxy in the cache */
        engine->reads[engine->n_reads++] = (struct rdt_read){NULL, path, value};
}

/* "flows.web" + "tls" -> pushed "flows.web.tls"; kept in the registry so that the text stays. */
static const char *
push_path(lua_State *L, const char *base, int key)
{
    lua_pushvalue(L, key);
    const char *name = lua_isstring(L, -1) ? lua_tostring(L, -1) : "?";
    const char *path =
        *base == '\0' ? lua_pushstring(L, name) : lua_pushfstring(L, "%s.%s", base, name);
    lua_remove(L, -2);
    lua_pushvalue(L, -1);
    luaL_ref(L, LUA_REGISTRYINDEX);
    return path;
}

static int
proxy_index(lua_State *L)
{
    lua_settop(L, 2);
    lua_rawgetp(L, 1, &key_path);
    const char *base = lua_tostring(L, 3);
    lua_rawgetp(L, 1, &key_target);
    const char *path = push_path(L, base, 2);
    lua_pushvalue(L, 2);
    lua_gettable(L, 4);
    if (lua_type(L, -1) != LUA_TTABLE)
        note(rdt_engine_of(L), path);
    rdt_proxy_wrap(L, path);
    return 1;
}

static int
proxy_len(lua_State *L)
{
    lua_rawgetp(L, 1, &key_target);
    lua_pushinteger(L, luaL_len(L, -1));
    return 1;
}

static int
proxy_newindex(lua_State *L)
{
    return luaL_error(L, "a rule must not change the plan");
}

static void
push_metatable(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"__index",    proxy_index   },
        {"__len",      proxy_len     },
        {"__newindex", proxy_newindex},
        {NULL,         NULL          },
    };
    if (luaL_newmetatable(L, "redoubt.proxy"))
        luaL_setfuncs(L, methods, 0);
}

/* One proxy for each table, so that == still means the same subject. */
static void
push_cache(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key_cache) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_cache);
}

void
rdt_proxy_wrap(lua_State *L, const char *path)
{
    if (!rdt_engine_of(L)->explain || lua_type(L, -1) != LUA_TTABLE)
        return;
    push_cache(L);
    lua_pushvalue(L, -2);
    if (lua_rawget(L, -2) == LUA_TTABLE) { /* value cache proxy */
        lua_replace(L, -3);
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    lua_newtable(L); /* value cache proxy */
    lua_pushvalue(L, -3);
    lua_rawsetp(L, -2, &key_target);
    if (lua_getfield(L, -3, "section") == LUA_TSTRING)
        lua_getfield(L, -4, "id"); /* a subject is called by its own id, whoever links to it */
    else
        lua_pushstring(L, path);
    lua_remove(L, -2);
    lua_rawsetp(L, -2, &key_path);
    push_metatable(L);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4); /* cache[value] = proxy */
    lua_replace(L, -3);
    lua_pop(L, 1);
}
