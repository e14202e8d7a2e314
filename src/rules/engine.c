#include "rules/engine_internal.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define HOOK_STEP 1000 /* instructions between two looks at the fuel */

static char left_mark; /* its address is the error value of rdt_engine_leave() */

static void *
allocate(void *context, void *old, size_t old_bytes, size_t bytes)
{
    struct rdt_engine *engine = context;
    size_t had = old == NULL ? 0 : old_bytes; /* Lua passes a type there for new objects */
    if (bytes == 0) {
        free(old);
        engine->used_bytes -= had;
        return NULL;
    }
    if (bytes > had && bytes - had > engine->budget_bytes - engine->used_bytes)
        return NULL;
    void *p = realloc(old, bytes);
    if (p != NULL)
        engine->used_bytes = engine->used_bytes - had + bytes;
    return p;
}

static void
burn(lua_State *L, lua_Debug *where)
{
    (void)where;
    rdt_engine_charge(L, HOOK_STEP);
}

void
rdt_engine_charge(lua_State *L, size_t amount)
{
    struct rdt_engine *engine = rdt_engine_of(L);
    engine->fuel -= amount > INT32_MAX ? INT32_MAX : (int64_t)amount;
    if (engine->fuel < 0)
        rdt_engine_leave(L, RDT_LEFT_LIMIT, "more instructions than one call may use");
}

void
rdt_engine_leave(lua_State *L, enum rdt_left left, const char *fmt, ...)
{
    struct rdt_engine *engine = rdt_engine_of(L);
    char text[RDT_ERR_TEXT_MAX];
    const char *where = "";
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (left == RDT_LEFT_LIMIT) {
        luaL_where(L, 0); /* a hook stands in the Lua function, a C function calls itself level 0 */
        where = lua_tostring(L, -1);
        if (*where == '\0') {
            luaL_where(L, 1);
            where = lua_tostring(L, -1);
        }
    }
    engine->left = left;
    snprintf(engine->why, sizeof engine->why, "%s%s", where, text);
    rdt_text_show(engine->why); /* it may hold the words of a server */
    lua_pushlightuserdata(L, &left_mark);
    lua_error(L);
    abort(); /* lua_error() does not return, but its prototype does not say so */
}

void
rdt_text_line(struct rdt_span text, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n && n + 1 < cap; i++)
        out[n++] = (char)(text.p[i] < 0x20 ? ' ' : text.p[i]);
    if (n < text.n) { /* cut: drop the last letter if it has several bytes */
        while (n > 0 && ((uint8_t)out[n - 1] & 0xc0) == 0x80)
            n--;
        if (n > 0 && ((uint8_t)out[n - 1] & 0xc0) == 0xc0)
            n--;
    }
    out[n] = '\0';
    rdt_text_show(out);
}

/* The error value on top becomes engine->why; popped. */
static void
note_error(struct rdt_engine *engine)
{
    lua_State *L = engine->L;
    size_t n = 0;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &n) : NULL;
    if (engine->left == RDT_LEFT_NOT && text != NULL)
        rdt_text_line((struct rdt_span){(const uint8_t *)text, n}, engine->why, sizeof engine->why);
    else if (engine->left == RDT_LEFT_NOT)
        snprintf(engine->why, sizeof engine->why, "an error value that is a %s",
                 luaL_typename(L, -1));
    lua_pop(L, 1);
}

/* A message says where in the pack it happened, also when a function of ours made it. */
static int
add_place(lua_State *L)
{
    lua_Debug at = {0};
    if (lua_type(L, 1) != LUA_TSTRING)
        return 1;
    for (int level = 1; lua_getstack(L, level, &at) != 0; level++) {
        if (lua_getinfo(L, "Sl", &at) == 0 || at.currentline <= 0)
            continue;
        const char *text = lua_tostring(L, 1);
        size_t n = strlen(at.short_src);
        if (strncmp(text, at.short_src, n) != 0 || text[n] != ':')
            lua_pushfstring(L, "%s:%d: %s", at.short_src, at.currentline, text);
        return 1;
    }
    return 1;
}

int
rdt_engine_call(struct rdt_engine *engine, int n_args, int n_results, int64_t fuel)
{
    engine->fuel = fuel;
    engine->left = RDT_LEFT_NOT;
    engine->why[0] = '\0';
    int handler = lua_gettop(engine->L) - n_args;
    lua_pushcfunction(engine->L, add_place);
    lua_insert(engine->L, handler);
    lua_sethook(engine->L, burn, LUA_MASKCOUNT, HOOK_STEP);
    int status = lua_pcall(engine->L, n_args, n_results, handler);
    lua_sethook(engine->L, NULL, 0, 0);
    lua_remove(engine->L, handler);
    if (status == LUA_OK)
        return status;
    if (status == LUA_ERRMEM) {
        engine->left = RDT_LEFT_LIMIT;
        snprintf(engine->why, sizeof engine->why, "more than %zu MiB of memory",
                 engine->budget_bytes >> 20);
    }
    note_error(engine);
    return status;
}

struct protected_run {
    struct rdt_engine *engine;
    void (*run)(struct rdt_engine *, void *);
    void *context;
};

static int
run_protected(lua_State *L)
{
    struct protected_run *p = lua_touserdata(L, 1);
    lua_settop(L, 0);
    p->run(p->engine, p->context);
    return 0;
}

int
rdt_engine_run(struct rdt_engine *engine, void (*run)(struct rdt_engine *, void *), void *context)
{
    struct protected_run p = {engine, run, context};
    engine->fuel = INT64_MAX;
    engine->left = RDT_LEFT_NOT;
    engine->why[0] = '\0';
    lua_pushcfunction(engine->L, run_protected); /* a light C function needs no memory */
    lua_pushlightuserdata(engine->L, &p);
    int status = lua_pcall(engine->L, 1, 0, 0);
    if (status == LUA_ERRMEM) {
        engine->left = RDT_LEFT_LIMIT;
        snprintf(engine->why, sizeof engine->why, "more than %zu MiB of memory",
                 engine->budget_bytes >> 20);
    }
    if (status != LUA_OK)
        note_error(engine);
    return status;
}

enum rdt_code
rdt_engine_open(struct rdt_engine *engine, size_t budget_bytes, struct rdt_err *err)
{
    engine->budget_bytes = budget_bytes;
    engine->rules = calloc(RDT_PACK_RULES_MAX, sizeof engine->rules[0]);
    engine->L = lua_newstate(allocate, engine);
    if (engine->L == NULL || engine->rules == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "start the rule engine");
    *(struct rdt_engine **)lua_getextraspace(engine->L) = engine;
    return RDT_OK;
}

void
rdt_engine_close(struct rdt_engine *engine)
{
    if (engine->L != NULL)
        lua_close(engine->L);
    for (size_t i = 0; i < engine->n_reads; i++)
        free(engine->reads[i].value);
    free(engine->reads);
    free(engine->by_fact);
    free(engine->rules);
    *engine = (struct rdt_engine){0};
}
