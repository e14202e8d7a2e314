/*
 * The plan as Lua tables: one table for each subject, with its fields typed, its computed members
 * and its links. Built once for each child.
 */
#include "rules/engine_internal.h"

#include "base/clock.h"
#include "plan/fields.h"

#include <stdlib.h>

static char key_plan, key_floors; /* their addresses are registry keys */

static void
push_number(lua_State *L, double n)
{
    lua_Integer whole;
    if (lua_numbertointeger(n, &whole) && (double)whole >= n && (double)whole <= n)
        lua_pushinteger(L, whole);
    else
        lua_pushnumber(L, n);
}

static void
push_text(lua_State *L, struct rdt_span text)
{
    lua_pushlstring(L, (const char *)text.p, text.n);
}

/* The loader has checked the form; a scalar that lacks it all the same stays text. */
static void
push_scalar(lua_State *L, struct rdt_span text, enum rdt_field_type type)
{
    int64_t day;
    double n;
    if (type == RDT_T_BOOL && (rdt_span_is(text, "true") || rdt_span_is(text, "false")))
        lua_pushboolean(L, text.n == 4);
    else if (type == RDT_T_INT && lua_stringtonumber(L, (const char *)text.p) != 0)
        return;
    else if (type == RDT_T_DATE && rdt_date_parse(text, &day))
        lua_pushinteger(L, day);
    else if (type == RDT_T_DURATION && rdt_duration_parse(text, &n))
        push_number(L, n);
    else
        push_text(L, text);
}

static const struct rdt_field *
field_of(const struct rdt_field *field, struct rdt_span key)
{
    if (field == NULL)
        return NULL;
    return field->type == RDT_T_OBJECT ? rdt_shape_field(field->shape, key) : field->item;
}

/*
 * field says what the value is; NULL: text, as below a field that the format does not know (an
 * environment's patch).  The tree has a bounded depth (RDT_YAML_DEPTH_MAX), so this may recurse.
 */
static void
push_node(lua_State *L, const struct rdt_node *node, const struct rdt_field *field)
{
    luaL_checkstack(L, 4, "plan too deep");
    if (node->kind == RDT_NODE_NULL) {
        lua_pushnil(L);
    } else if (node->kind == RDT_NODE_SCALAR) {
        push_scalar(L, node->text, field == NULL ? RDT_T_TEXT : field->type);
    } else if (node->kind == RDT_NODE_LIST) {
        lua_createtable(L, (int)node->n, 0);
        for (size_t i = 0; i < node->n; i++) {
            push_node(L, node->members[i].node, field == NULL ? NULL : field->item);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    } else {
        lua_createtable(L, 0, (int)node->n);
        for (size_t i = 0; i < node->n; i++) {
            push_text(L, node->members[i].key);
            push_node(L, node->members[i].node, field_of(field, node->members[i].key));
            lua_rawset(L, -3);
        }
    }
}

/* An observed scalar: quoted is text, bare true and false are truth values. */
static void
push_plain(lua_State *L, const struct rdt_node *node)
{
    bool truth = rdt_span_is(node->text, "true") || rdt_span_is(node->text, "false");
    if (!node->quoted && truth)
        lua_pushboolean(L, node->text.n == 4);
    else
        push_text(L, node->text);
}

void
rdt_bridge_value(lua_State *L, const struct rdt_node *node)
{
    luaL_checkstack(L, 4, "observation too deep");
    if (node == NULL || node->kind == RDT_NODE_NULL) {
        lua_pushnil(L);
        return;
    }
    if (node->kind == RDT_NODE_SCALAR) {
        if (node->quoted || lua_stringtonumber(L, (const char *)node->text.p) == 0)
            push_plain(L, node);
        return;
    }
    lua_newtable(L);
    for (size_t i = 0; i < node->n; i++) {
        rdt_bridge_value(L, node->members[i].node);
        if (node->kind == RDT_NODE_LIST) {
            lua_rawseti(L, -2, (lua_Integer)i + 1);
            continue;
        }
        push_text(L, node->members[i].key);
        lua_insert(L, -2);
        lua_rawset(L, -3);
    }
}

/* ---- subjects -------------------------------------------------------------------------------- */

static void
set_text(lua_State *L, const char *key, const char *text)
{
    lua_pushstring(L, text); /* NULL pushes nil */
    lua_setfield(L, -2, key);
}

/* The computed members come after the plan's own fields, so that no field can stand in for one. */
static void
push_subject(struct rdt_engine *engine, const struct rdt_subject *s)
{
    lua_State *L = engine->L;
    const struct rdt_field *section =
        rdt_shape_field(&rdt_plan_shape, rdt_span_str(rdt_section_name(s->section)));
    if (s->node != NULL && s->node->kind == RDT_NODE_MAP && s->section != RDT_PLAN)
        push_node(L, s->node, section == NULL ? NULL : field_of(section, rdt_span_str(s->name)));
    else
        lua_newtable(L);
    set_text(L, "id", s->id);
    set_text(L, "name", s->name);
    set_text(L, "section", rdt_section_name(s->section));
    set_text(L, "effective", s->level == RDT_LEVEL_NONE ? NULL : rdt_level_name(s->level));
    set_text(L, "effective_from", s->level_from);
    if (s->section != RDT_ENVIRONMENTS)
        return;
    size_t n = 0;
    const char *const *keys = rdt_plan_shared_keys(engine->plan, s->name, &n);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushstring(L, keys[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "shared_keys");
}

/* Subject table on top; the list of tables at index tables. */
static void
set_links(lua_State *L, const struct rdt_subject *s, int tables)
{
#define X(name, text, meaning) [name] = text,
    static const char *const names[] = {RDT_LINKS(X)};
#undef X
    for (size_t link = 0; link < RDT_NLINKS; link++) {
        const struct rdt_links *links = &s->links[link];
        lua_createtable(L, (int)links->n, 0);
        for (size_t i = 0; i < links->n; i++) {
            lua_rawgeti(L, tables, (lua_Integer)links->at[i] + 1);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_setfield(L, -2, names[link]);
    }
}

/* plan.stores and its like: maps of subjects by name, in the table on top. */
static void
set_section(struct rdt_engine *engine, enum rdt_section section, int tables)
{
    lua_State *L = engine->L;
    size_t n = 0;
    const struct rdt_subject *first = rdt_plan_section(engine->plan, section, &n);
    lua_createtable(L, 0, (int)n);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, tables, (lua_Integer)(first - engine->subjects) + (lua_Integer)i + 1);
        lua_setfield(L, -2, first[i].name);
    }
    lua_setfield(L, -2, rdt_section_name(section));
}

/* `plan` is both the whole and the subject "plan". */
static void
build_whole(struct rdt_engine *engine, int tables)
{
    static const char *const parts[] = {"product", "policy", "ci", "frameworks"};
    lua_State *L = engine->L;
    const struct rdt_node *root = rdt_plan_root(engine->plan);
    const struct rdt_subject *self = rdt_plan_find(engine->plan, "plan");
    if (self == NULL)
        lua_newtable(L);
    else
        lua_rawgeti(L, tables, (lua_Integer)(self - engine->subjects) + 1);
    for (size_t i = 0; i < RDT_COUNT(parts); i++) {
        const struct rdt_node *part = rdt_node_get(root, parts[i]);
        if (part == NULL)
            continue;
        push_node(L, part, rdt_shape_field(&rdt_plan_shape, rdt_span_str(parts[i])));
        lua_setfield(L, -2, parts[i]);
    }
    for (int section = 0; section < RDT_PLAN; section++)
        set_section(engine, (enum rdt_section)section, tables);
    const char *tenancy = rdt_node_str(root, "product.tenancy");
    set_text(L, "tenancy", tenancy != NULL ? tenancy : "single");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_plan);
}

static void
build_floors(struct rdt_engine *engine)
{
    lua_State *L = engine->L;
    lua_newtable(L);
    for (unsigned level = RDT_LOW; level < RDT_NLEVELS; level++) {
        const struct rdt_floor *floor = rdt_plan_floor(engine->plan, (enum rdt_level)level);
        lua_newtable(L);
        set_text(L, "volume", floor->volume);
        set_text(L, "tls", floor->tls);
        set_text(L, "custody", floor->custody);
        lua_pushboolean(L, floor->field);
        lua_setfield(L, -2, "field");
        if (floor->rotation_days > 0) {
            push_number(L, floor->rotation_days);
            lua_setfield(L, -2, "rotation");
        }
        lua_setfield(L, -2, rdt_level_name((enum rdt_level)level));
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_floors);
}

void
rdt_bridge_build(struct rdt_engine *engine)
{
    lua_State *L = engine->L;
    engine->subjects = rdt_plan_subjects(engine->plan, &engine->n_subjects);
    lua_gc(L, LUA_GCSTOP); /* nothing here is garbage */
    lua_createtable(L, (int)engine->n_subjects, 0);
    int tables = lua_gettop(L);
    for (size_t i = 0; i < engine->n_subjects; i++) {
        push_subject(engine, &engine->subjects[i]);
        lua_rawseti(L, tables, (lua_Integer)i + 1);
    }
    for (size_t i = 0; i < engine->n_subjects; i++) {
        lua_rawgeti(L, tables, (lua_Integer)i + 1);
        set_links(L, &engine->subjects[i], tables);
        lua_pop(L, 1);
    }
    build_whole(engine, tables);
    build_floors(engine);
    lua_pushvalue(L, tables);
    engine->tables = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_settop(L, tables - 1);
    lua_gc(L, LUA_GCRESTART);
    lua_gc(L, LUA_GCINC, 1000, 100, 0);
}

void
rdt_bridge_push(struct rdt_engine *engine, size_t subject)
{
    lua_State *L = engine->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, engine->tables);
    lua_rawgeti(L, -1, (lua_Integer)subject + 1);
    lua_remove(L, -2);
    rdt_proxy_wrap(L, engine->subjects[subject].id);
}

/* ---- what packs call ------------------------------------------------------------------------- */

/* get("stores.db"): the subject, or nil. */
static int
get(lua_State *L)
{
    struct rdt_engine *engine = rdt_engine_of(L);
    const char *id = luaL_checkstring(L, 1);
    const struct rdt_subject *found = engine->plan == NULL ? NULL : rdt_plan_find(engine->plan, id);
    if (found == NULL)
        lua_pushnil(L);
    else
        rdt_bridge_push(engine, (size_t)(found - engine->subjects));
    return 1;
}

static int
get_floor(lua_State *L)
{
    const char *level = luaL_optstring(L, 1, "");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key_floors);
    if (lua_type(L, -1) != LUA_TTABLE)
        return 1;
    lua_getfield(L, -1, level);
    return 1;
}

static int
level_rank(lua_State *L)
{
    lua_pushinteger(L, rdt_level_parse(luaL_optstring(L, 1, "")));
    return 1;
}

/* 1 for ssl2 to 6 for tls1.3; 0 for nothing or a word that is none of them. */
static int
tls_rank(lua_State *L)
{
    static const char *const versions[] = {"ssl2", "ssl3", "tls1.0", "tls1.1", "tls1.2", "tls1.3"};
    struct rdt_span word = rdt_span_str(luaL_optstring(L, 1, ""));
    lua_Integer rank = 0;
    for (size_t i = 0; i < RDT_COUNT(versions); i++)
        if (rdt_span_is(word, versions[i]))
            rank = (lua_Integer)i + 1;
    lua_pushinteger(L, rank);
    return 1;
}

void
rdt_bridge_add(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"get",        get       },
        {"floor",      get_floor },
        {"level_rank", level_rank},
        {"tls_rank",   tls_rank  },
        {NULL,         NULL      },
    };
    luaL_setfuncs(L, functions, 0);
    rdt_bridge_rebind(L);
}

void
rdt_bridge_rebind(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key_plan);
    rdt_proxy_wrap(L, "plan");
    lua_setfield(L, -2, "plan");
    lua_pushinteger(L, rdt_engine_of(L)->time / RDT_DAY_S);
    lua_setfield(L, -2, "run_date");
}
