/*
 * What rules can learn about the world: observations that were made before, files that the plan
 * names, and the run's date. Asking for an observation that is not there leaves the rule.
 */
#include "rules/engine_internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define MAX_AGE_H 24 /* of a live observation; reference 1.0 */
#define MAX_AGE_S (INT64_C(3600) * MAX_AGE_H)

static int
compare_names(const struct rdt_observation *o, const char *subject, const char *fact)
{
    int c = strcmp(o->subject, subject);
    return c != 0 ? c : strcmp(o->fact, fact);
}

/* By subject and fact, the newest first, of equal age the one recorded last. */
static int
by_fact(const void *a, const void *b, void *context)
{
    const struct rdt_evidence *evidence = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct rdt_observation *x = &evidence->items[i], *y = &evidence->items[j];
    int c = compare_names(x, y->subject, y->fact);
    if (c != 0)
        return c;
    if (x->time != y->time)
        return x->time > y->time ? -1 : 1;
    return i > j ? -1 : i < j;
}

bool
rdt_seen_index(struct rdt_engine *engine)
{
    const struct rdt_evidence *evidence = engine->evidence;
    free(engine->by_fact);
    engine->by_fact = NULL;
    if (evidence == NULL || evidence->n == 0)
        return true;
    engine->by_fact = calloc(evidence->n, sizeof engine->by_fact[0]);
    if (engine->by_fact == NULL)
        return false;
    for (uint32_t i = 0; i < evidence->n; i++)
        engine->by_fact[i] = i;
    qsort_r(engine->by_fact, evidence->n, sizeof engine->by_fact[0], by_fact, (void *)evidence);
    return true;
}

static const struct rdt_observation *
find(const struct rdt_engine *engine, const char *subject, const char *fact, uint32_t *index)
{
    const struct rdt_evidence *evidence = engine->evidence;
    size_t low = 0, high = engine->by_fact == NULL ? 0 : evidence->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare_names(&evidence->items[engine->by_fact[mid]], subject, fact) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (engine->by_fact == NULL || low == evidence->n)
        return NULL;
    *index = engine->by_fact[low];
    const struct rdt_observation *found = &evidence->items[*index];
    return compare_names(found, subject, fact) == 0 ? found : NULL;
}

static void
remember_use(struct rdt_engine *engine, uint32_t index)
{
    for (size_t i = 0; i < engine->n_used; i++)
        if (engine->used[i] == index)
            return;
    if (engine->n_used < RDT_USED_MAX)
        engine->used[engine->n_used++] = index;
}

/* The observation that the arguments name, now counted as used; or NULL. */
static const struct rdt_observation *
look(lua_State *L)
{
    struct rdt_engine *engine = rdt_engine_of(L);
    lua_settop(L, 2);
    if (lua_type(L, 1) == LUA_TTABLE) {
        lua_getfield(L, 1, "id");
        lua_replace(L, 1);
    }
    uint32_t index = 0;
    const struct rdt_observation *found =
        find(engine, luaL_checkstring(L, 1), luaL_checkstring(L, 2), &index);
    if (found != NULL)
        remember_use(engine, index);
    return found;
}

static bool
is_old(const struct rdt_engine *engine, const struct rdt_observation *found)
{
    return engine->time - found->time > MAX_AGE_S;
}

/* seen(subject or id, fact): the value, or out of the rule. */
static int
seen(lua_State *L)
{
    struct rdt_engine *engine = rdt_engine_of(L);
    const struct rdt_observation *found = look(L);
    if (found == NULL)
        rdt_engine_leave(L, RDT_LEFT_UNOBSERVED, "%s was not observed", lua_tostring(L, 2));
    if (found->unknown != NULL)
        rdt_engine_leave(L, RDT_LEFT_UNKNOWN, "%s", found->unknown);
    if (is_old(engine, found))
        rdt_engine_leave(L, RDT_LEFT_UNKNOWN, "%s was observed more than %d h before",
                         lua_tostring(L, 2), MAX_AGE_H);
    engine->saw = true;
    rdt_bridge_value(L, found->value);
    return 1;
}

/*
 * also_seen(subject or id, fact): the value or nil. For what can only make a verdict worse; a pass
 * must rest on seen(), which does not take silence for an answer.
 */
static int
also_seen(lua_State *L)
{
    const struct rdt_observation *found = look(L);
    if (found == NULL || found->unknown != NULL || is_old(rdt_engine_of(L), found))
        lua_pushnil(L);
    else
        rdt_bridge_value(L, found->value);
    return 1;
}

static int
compare_paths(const void *key, const void *member)
{
    return strcmp(key, ((const struct rdt_fileinfo *)member)->path);
}

/* Only files that the plan names were looked at; to ask about others would look like an absence. */
static const struct rdt_fileinfo *
check_file(lua_State *L)
{
    const struct rdt_engine *engine = rdt_engine_of(L);
    const char *path = luaL_checkstring(L, 1);
    if (engine->stored)
        rdt_engine_leave(L, RDT_LEFT_UNKNOWN, "a stored run does not hold the plan's files");
    const struct rdt_fileinfo *found =
        engine->n_files == 0
            ? NULL
            : bsearch(path, engine->files, engine->n_files, sizeof engine->files[0], compare_paths);
    if (found == NULL)
        luaL_error(L, "the plan names no file '%s'", path);
    return found;
}

static int
file_exists(lua_State *L)
{
    lua_pushboolean(L, check_file(L)->exists);
    return 1;
}

static int
file_sha256(lua_State *L)
{
    lua_pushstring(L, check_file(L)->sha256); /* NULL pushes nil */
    return 1;
}

/* "90d", "12h": the shortest form that the plan would take. */
static int
days(lua_State *L)
{
    lua_Number n = luaL_checknumber(L, 1);
    lua_Integer whole;
    if (lua_numbertointeger(n, &whole) && (lua_Number)whole == n)
        lua_pushfstring(L, "%Id", (LUAI_UACINT)whole);
    else if (n > -1e9 && n < 1e9)
        lua_pushfstring(L, "%Ih", (LUAI_UACINT)(n * 24 + (n < 0 ? -0.5 : 0.5)));
    else
        return luaL_argerror(L, 1, "no number of days");
    return 1;
}

static int
date(lua_State *L)
{
    lua_Number n = luaL_checknumber(L, 1);
    char text[RDT_DATE_TEXT];
    luaL_argcheck(L, n >= 0 && n < 2932897, 1, "not a day of the years 1970 to 9999");
    rdt_date_text((int64_t)n, text);
    lua_pushstring(L, text);
    return 1;
}

void
rdt_seen_add(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"seen",        seen       },
        {"also_seen",   also_seen  },
        {"file_exists", file_exists},
        {"file_sha256", file_sha256},
        {"days",        days       },
        {"date",        date       },
        {NULL,          NULL       },
    };
    luaL_setfuncs(L, functions, 0);
}
