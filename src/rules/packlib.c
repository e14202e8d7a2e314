/*
 * What packs get instead of Lua's libraries: only functions whose cost is bounded or charged, and
 * whose result depends on nothing but the arguments (no addresses, no hash order, no random pivot).
 */
#include "rules/engine_internal.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define GLOB_PATTERN_MAX 1024
#define GLOB_TEXT_MAX 65536
#define BYTES_A_STEP 16 /* bytes of plain text work that count as one instruction */

static struct rdt_span
check_span(lua_State *L, int arg)
{
    size_t n = 0;
    const char *s = luaL_checklstring(L, arg, &n);
    rdt_engine_charge(L, n / BYTES_A_STEP);
    return (struct rdt_span){(const uint8_t *)s, n};
}

static int
push_span(lua_State *L, struct rdt_span s)
{
    lua_pushlstring(L, (const char *)s.p, s.n);
    return 1;
}

static int
str_find(lua_State *L)
{
    struct rdt_span text = check_span(L, 1), part = check_span(L, 2);
    const uint8_t *at = part.n == 0 ? text.p : memmem(text.p, text.n, part.p, part.n);
    if (at == NULL)
        lua_pushnil(L);
    else
        lua_pushinteger(L, at - text.p + 1);
    return 1;
}

static int
str_starts(lua_State *L)
{
    struct rdt_span text = check_span(L, 1), part = check_span(L, 2);
    if (text.n > part.n)
        text.n = part.n;
    lua_pushboolean(L, rdt_span_cmp(text, part) == 0);
    return 1;
}

static int
str_ends(lua_State *L)
{
    struct rdt_span text = check_span(L, 1), part = check_span(L, 2);
    if (text.n > part.n)
        text = (struct rdt_span){text.p + (text.n - part.n), part.n};
    lua_pushboolean(L, rdt_span_cmp(text, part) == 0);
    return 1;
}

/* ASCII only: the answer must not depend on a locale. */
static int
str_lower(lua_State *L)
{
    struct rdt_span text = check_span(L, 1);
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, text.n);
    for (size_t i = 0; i < text.n; i++)
        out[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] + 32 : text.p[i]);
    luaL_pushresultsize(&b, text.n);
    return 1;
}

static int
str_split(lua_State *L)
{
    struct rdt_span text = check_span(L, 1), sep = check_span(L, 2);
    luaL_argcheck(L, sep.n != 0, 2, "an empty separator");
    lua_newtable(L);
    for (lua_Integer i = 1;; i++) {
        const uint8_t *at = memmem(text.p, text.n, sep.p, sep.n);
        struct rdt_span part = {text.p, at == NULL ? text.n : (size_t)(at - text.p)};
        rdt_engine_charge(L, 1);
        push_span(L, part);
        lua_seti(L, -2, i);
        if (at == NULL)
            return 1;
        text = (struct rdt_span){at + sep.n, text.n - part.n - sep.n};
    }
}

/* table.concat and str.join: list, separator, texts and numbers only. */
static int
list_concat(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t sep_n = 0;
    const char *sep = luaL_optlstring(L, 2, "", &sep_n);
    lua_Integer n = luaL_len(L, 1);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (lua_Integer i = 1; i <= n; i++) {
        rdt_engine_charge(L, 1);
        lua_geti(L, 1, i);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "item %I of the list is a %s, not text", (LUAI_UACINT)i,
                              luaL_typename(L, -1));
        luaL_addvalue(&b);
        if (i < n)
            luaL_addlstring(&b, sep, sep_n);
    }
    luaL_pushresult(&b);
    return 1;
}

static int
list_insert(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer n = luaL_len(L, 1), at = n + 1;
    if (lua_gettop(L) == 3) {
        at = luaL_checkinteger(L, 2);
        luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "outside of the list");
        rdt_engine_charge(L, (size_t)(n + 1 - at));
    }
    for (lua_Integer i = n + 1; i > at; i--) {
        lua_geti(L, 1, i - 1);
        lua_seti(L, 1, i);
    }
    lua_seti(L, 1, at);
    return 0;
}

static int
list_remove(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer n = luaL_len(L, 1), at = luaL_optinteger(L, 2, n);
    if (n == 0)
        return 0;
    luaL_argcheck(L, at >= 1 && at <= n, 2, "outside of the list");
    rdt_engine_charge(L, (size_t)(n - at));
    lua_geti(L, 1, at);
    for (lua_Integer i = at; i < n; i++) {
        lua_geti(L, 1, i + 1);
        lua_seti(L, 1, i);
    }
    lua_pushnil(L);
    lua_seti(L, 1, n);
    return 1;
}

/* Whether the item at b sorts before the item at a (stack indices); comparator at 2 or none. */
static bool
before(lua_State *L, int b, int a)
{
    rdt_engine_charge(L, 1);
    if (lua_isnil(L, 2))
        return lua_compare(L, b, a, LUA_OPLT) != 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, b);
    lua_pushvalue(L, a);
    lua_call(L, 2, 1);
    bool yes = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return yes;
}

/* Merge two sorted runs [lo, mid) and [mid, hi) of table `from` into `to`. */
static void
merge(lua_State *L, int from, int to, lua_Integer lo, lua_Integer mid, lua_Integer hi)
{
    lua_Integer i = lo, j = mid;
    for (lua_Integer k = lo; k < hi; k++) {
        bool right = i >= mid;
        if (i < mid && j < hi) {
            lua_rawgeti(L, from, i);
            lua_rawgeti(L, from, j);
            right = before(L, lua_gettop(L), lua_gettop(L) - 1);
            lua_pop(L, 2);
        }
        lua_rawgeti(L, from, right ? j++ : i++);
        lua_rawseti(L, to, k);
    }
}

/*
 * Stable, and the same comparisons on each machine. Lua's own sort asks the clock for a pivot, runs
 * in no fixed order and may complain about a comparator that contradicts itself.
 */
static int
list_sort(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_Integer n = luaL_len(L, 1);
    luaL_argcheck(L, n < INT32_MAX, 1, "too long");
    lua_createtable(L, (int)n, 0);
    lua_createtable(L, (int)n, 0);
    int from = 3, to = 4;
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, 1, i);
        lua_rawseti(L, from, i);
    }
    for (lua_Integer width = 1; width < n; width *= 2) {
        for (lua_Integer lo = 1; lo <= n; lo += 2 * width) {
            lua_Integer mid = lo + width > n ? n + 1 : lo + width;
            merge(L, from, to, lo, mid, lo + 2 * width > n ? n + 1 : lo + 2 * width);
        }
        int swap = from;
        from = to;
        to = swap;
    }
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, from, i);
        lua_seti(L, 1, i);
    }
    return 0;
}

static int
list_has(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_isnil(L, 1)) { /* a list that was not written is empty */
        lua_pushboolean(L, false);
        return 1;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer n = luaL_len(L, 1);
    bool found = false;
    for (lua_Integer i = 1; i <= n && !found; i++) {
        rdt_engine_charge(L, 1);
        lua_geti(L, 1, i);
        found = lua_compare(L, 2, -1, LUA_OPEQ);
        lua_pop(L, 1);
    }
    lua_pushboolean(L, found);
    return 1;
}

static int
text_glob(lua_State *L)
{
    struct rdt_span pattern = check_span(L, 1), text = check_span(L, 2);
    luaL_argcheck(L, pattern.n <= GLOB_PATTERN_MAX, 1, "the pattern is too long");
    luaL_argcheck(L, text.n <= GLOB_TEXT_MAX, 2, "the text is too long");
    rdt_engine_charge(L, pattern.n * text.n / BYTES_A_STEP);
    lua_pushboolean(L, rdt_text_glob(pattern, text));
    return 1;
}

/* ---- order of keys ------------------------------------------------------------------------- */

struct key {
    int rank; /* numbers, then texts, then the rest in the order found */
    double number;
    struct rdt_span text;
    lua_Integer at; /* where it stands in the list of keys as found */
};

static int
by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->rank == 0 && (x->number < y->number || x->number > y->number))
        return x->number < y->number ? -1 : 1;
    int c = x->rank == 1 ? rdt_span_cmp(x->text, y->text) : 0;
    return c != 0 ? c : (x->at > y->at) - (x->at < y->at);
}

/* The key on top of the stack. Its text stays valid: the table that it came from holds it. */
static struct key
read_key(lua_State *L, lua_Integer at)
{
    struct key key = {.rank = 2, .at = at};
    if (lua_type(L, -1) == LUA_TNUMBER) {
        key.rank = 0;
        key.number = lua_tonumber(L, -1);
    } else if (lua_type(L, -1) == LUA_TSTRING) {
        key.rank = 1;
        key.text.p = (const uint8_t *)lua_tolstring(L, -1, &key.text.n);
    }
    return key;
}

void
rdt_packlib_keys(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    lua_newtable(L); /* keys as found */
    lua_Integer n = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0;) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++n);
    }
    rdt_engine_charge(L, (size_t)n);
    struct key *keys = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *keys, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -2, i);
        keys[i - 1] = read_key(L, i);
        lua_pop(L, 1);
    }
    qsort(keys, (size_t)n, sizeof *keys, by_key);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -3, keys[i - 1].at);
        lua_rawseti(L, -2, i);
    }
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* Upvalues: the keys, how many were given out, and the table is the argument. */
static int
next_in_order(lua_State *L)
{
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(2)) + 1;
    lua_pushinteger(L, i);
    lua_replace(L, lua_upvalueindex(2));
    if (lua_rawgeti(L, lua_upvalueindex(1), i) == LUA_TNIL)
        return 1;
    lua_pushvalue(L, -1);
    lua_gettable(L, 1);
    return 2;
}

static int
pack_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    rdt_proxy_target(L, 1);
    rdt_packlib_keys(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_in_order, 2);
    lua_pushvalue(L, 1);
    return 2;
}

static int
next_index(lua_State *L)
{
    lua_Integer i = luaL_checkinteger(L, 2) + 1;
    lua_pushinteger(L, i);
    return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
}

static int
pack_ipairs(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) { /* a list that was not written is empty */
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushcfunction(L, next_index);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

static int
pack_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    rdt_proxy_target(L, 1);
    lua_insert(L, 2);
    if (lua_next(L, 2) != 0)
        return 2;
    lua_pushnil(L);
    return 1;
}

/* ---- the rest of the base library ----------------------------------------------------------- */

static int
pack_type(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushstring(L, luaL_typename(L, 1));
    return 1;
}

/* No address of a table or function: a rule must come out the same each time. */
static int
pack_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TNUMBER && !lua_isinteger(L, 1)) {
        lua_Integer whole;
        if (lua_numbertointeger(lua_tonumber(L, 1), &whole) &&
            (lua_Number)whole == lua_tonumber(L, 1)) {
            lua_pushinteger(L, whole);
            lua_replace(L, 1);
        }
    }
    if (lua_type(L, 1) == LUA_TNUMBER || lua_type(L, 1) == LUA_TSTRING)
        lua_pushfstring(L, "%s", lua_tostring(L, 1));
    else if (lua_isboolean(L, 1))
        lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false");
    else
        lua_pushstring(L, luaL_typename(L, 1));
    return 1;
}

static int
pack_tonumber(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TNUMBER)
        return 1;
    const char *text = lua_tostring(L, 1);
    if (text == NULL || lua_stringtonumber(L, text) == 0)
        lua_pushnil(L);
    return 1;
}

static int
pack_select(lua_State *L)
{
    int n = lua_gettop(L);
    if (lua_type(L, 1) == LUA_TSTRING && rdt_span_is(rdt_span_str(lua_tostring(L, 1)), "#")) {
        lua_pushinteger(L, n - 1);
        return 1;
    }
    lua_Integer i = luaL_checkinteger(L, 1);
    luaL_argcheck(L, i >= 1, 1, "from 1 or \"#\"");
    return i >= n ? 0 : n - (int)i;
}

static int
pack_error(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, 1);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int
pack_assert(lua_State *L)
{
    if (lua_toboolean(L, 1))
        return lua_gettop(L);
    return luaL_error(L, "%s", luaL_optstring(L, 2, "assertion failed"));
}

/* ---- numbers --------------------------------------------------------------------------------- */

static int
pick_extreme(lua_State *L, int less_at, int than_at)
{
    int n = lua_gettop(L), best = 1;
    for (int i = 1; i <= n; i++)
        luaL_checknumber(L, i);
    luaL_argcheck(L, n >= 1, 1, "a number is missing");
    for (int i = 2; i <= n; i++) {
        int pair[2] = {best, i};
        if (lua_compare(L, pair[less_at], pair[than_at], LUA_OPLT))
            best = i;
    }
    lua_pushvalue(L, best);
    return 1;
}

static int
math_min(lua_State *L)
{
    return pick_extreme(L, 1, 0);
}

static int
math_max(lua_State *L)
{
    return pick_extreme(L, 0, 1);
}

/* The whole number next to x on one side: step -1 down, 1 up. A number too large is one already. */
static int
push_whole(lua_State *L, lua_Number x, int step)
{
    lua_Integer whole;
    if (!lua_numbertointeger(x, &whole)) {
        lua_pushnumber(L, x);
        return 1;
    }
    bool beside = step < 0 ? (lua_Number)whole > x : (lua_Number)whole < x;
    lua_pushinteger(L, beside ? whole + step : whole);
    return 1;
}

static int
math_floor(lua_State *L)
{
    return push_whole(L, luaL_checknumber(L, 1), -1);
}

static int
math_ceil(lua_State *L)
{
    return push_whole(L, luaL_checknumber(L, 1), 1);
}

static const luaL_Reg base_functions[] = {
    {"pairs",    pack_pairs   },
    {"ipairs",   pack_ipairs  },
    {"next",     pack_next    },
    {"type",     pack_type    },
    {"tostring", pack_tostring},
    {"tonumber", pack_tonumber},
    {"select",   pack_select  },
    {"error",    pack_error   },
    {"assert",   pack_assert  },
    {"glob",     text_glob    },
    {"has",      list_has     },
    {NULL,       NULL         },
};

static const luaL_Reg str_functions[] = {
    {"find",   str_find   },
    {"starts", str_starts },
    {"ends",   str_ends   },
    {"lower",  str_lower  },
    {"split",  str_split  },
    {"join",   list_concat},
    {NULL,     NULL       },
};

static const luaL_Reg table_functions[] = {
    {"insert", list_insert},
    {"remove", list_remove},
    {"concat", list_concat},
    {"sort",   list_sort  },
    {NULL,     NULL       },
};

static const luaL_Reg math_functions[] = {
    {"min",   math_min  },
    {"max",   math_max  },
    {"floor", math_floor},
    {"ceil",  math_ceil },
    {NULL,    NULL      },
};

static void
add_library(lua_State *L, const char *name, const luaL_Reg *functions)
{
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    lua_setfield(L, -2, name);
}

void
rdt_packlib_add(lua_State *L)
{
    luaL_setfuncs(L, base_functions, 0);
    add_library(L, "str", str_functions);
    add_library(L, "table", table_functions);
    add_library(L, "math", math_functions);
    lua_getfield(L, -1, "math");
    lua_pushnumber(L, (lua_Number)HUGE_VAL);
    lua_setfield(L, -2, "huge");
    lua_pop(L, 1);
}
