/*
 * engine_internal.h - one Lua state with budgets, and what packs see of it. Lives in the sandboxed
 * child only.
 *
 * Packs get no standard library: every function they can call is in packlib.c, outcome.c, seen.c
 * and bridge.c. Strings have no metatable, so ("x"):rep() does not exist. Nothing that a pack can
 * call catches an error, so the two ways out (a limit, a missing observation) always reach us.
 */
#ifndef RDT_RULES_ENGINE_INTERNAL_H
#define RDT_RULES_ENGINE_INTERNAL_H

#include "rules/fileinfo_internal.h"
#include "rules/wire_internal.h"

#include "rules/run.h"

#include <lauxlib.h>
#include <lua.h>

#define RDT_FUEL_LOAD INT64_C(10000000) /* instructions to load one pack */
#define RDT_FUEL_CALL INT64_C(1000000)  /* instructions of one check... */
#define RDT_FUEL_SUBJECT INT64_C(2000)  /* ...and for each subject of the plan */
#define RDT_USED_MAX 16                 /* observations that one verdict may rest on */

struct rdt_pack_rule {
    struct rdt_wire_rule text; /* strings live in the Lua state */
    const char *pack;
    int check, live, tests; /* registry references; live may be LUA_NOREF */
    uint32_t sections;      /* bits: 1 << enum rdt_section */
};

struct rdt_read {
    const char *subject, *path; /* "flows.web", "tls.min" */
    char *value;
};

/* Why a rule was left by one of our own errors. */
enum rdt_left { RDT_LEFT_NOT, RDT_LEFT_LIMIT, RDT_LEFT_UNOBSERVED, RDT_LEFT_UNKNOWN };

struct rdt_engine {
    lua_State *L;
    size_t used_bytes, budget_bytes;
    int64_t fuel; /* instructions left of the present call */
    enum rdt_left left;
    char why[RDT_ERR_TEXT_MAX]; /* of left */

    const struct rdt_plan *plan;
    const struct rdt_evidence *evidence;
    int64_t time;
    const struct rdt_subject *subjects; /* of plan */
    size_t n_subjects;
    int tables;        /* registry: list of subject tables, 1 + index */
    uint32_t *by_fact; /* evidence items, by subject, fact, newest first */
    const struct rdt_fileinfo *files;
    size_t n_files;

    uint32_t used[RDT_USED_MAX]; /* observations that the present call asked for */
    size_t n_used;
    bool saw; /* seen() has given it a value: a pass may rest on that */

    bool stored;  /* files were not looked at */
    bool explain; /* subject tables are proxies that note what is read */
    struct rdt_read *reads;
    size_t n_reads;

    const char *pack; /* being loaded, or NULL */
    struct rdt_pack_rule *rules;
    size_t n_rules;
    const void *plain_pass; /* what pass() returns */
};

/* rdt_engine_of - the engine that a Lua state belongs to. */
static inline struct rdt_engine *
rdt_engine_of(lua_State *L)
{
    return *(struct rdt_engine **)lua_getextraspace(L);
}

/*
 * rdt_engine_open - a state with budget_bytes to allocate.  Fails: RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_engine_open(struct rdt_engine *engine, size_t budget_bytes,
                                             struct rdt_err *err);

/* rdt_engine_close - free everything; {0} is fine. */
void rdt_engine_close(struct rdt_engine *engine);

/*
 * rdt_engine_call - call what lies on the stack (function, n_args arguments) with fuel to burn.
 *
 * Returns LUA_OK, or a Lua status with engine->left set for our own ways out, or with a message in
 * engine->why (one line, printable).  On failure nothing is left on the stack.
 */
int rdt_engine_call(struct rdt_engine *engine, int n_args, int n_results, int64_t fuel);

/* rdt_engine_run - run(engine, context) protected, for our own set-up; status as rdt_engine_call().
 */
int rdt_engine_run(struct rdt_engine *engine, void (*run)(struct rdt_engine *, void *),
                   void *context);

/* rdt_engine_charge - burn fuel for work that a C function does; may leave by RDT_LEFT_LIMIT. */
void rdt_engine_charge(lua_State *L, size_t amount);

/* rdt_engine_leave - leave the rule, uncatchably; text says why. */
_Noreturn void rdt_engine_leave(lua_State *L, enum rdt_left left, const char *fmt, ...)
    RDT_PRINTF(3, 4);

/* rdt_text_line - text as one printable line of at most cap - 1 bytes, UTF-8 kept whole. */
void rdt_text_line(struct rdt_span text, char *out, size_t cap);

/* packlib.c: rdt_packlib_add - put the plain functions into the table on top of the stack. */
void rdt_packlib_add(lua_State *L);

/* packlib.c: rdt_packlib_keys - push the keys of the table at index as a list, in a fixed order. */
void rdt_packlib_keys(lua_State *L, int index);

/* outcome.c: rdt_outcome_add - pass, fail, na, unknown. */
void rdt_outcome_add(lua_State *L);

/*
 * outcome.c: rdt_outcome_take - read the value on top of the stack, which a rule returned; out has
 * its stage set.  Texts in out lie on the Lua stack: copy them, then set the top back.  False: it
 * is no outcome, and engine->why says so.
 */
bool rdt_outcome_take(struct rdt_engine *engine, struct rdt_wire_result *out);

/* seen.c: rdt_seen_index - order the evidence for look-ups; false when out of memory. */
bool rdt_seen_index(struct rdt_engine *engine);

/* seen.c: rdt_seen_add - seen, file_exists, file_sha256, days, date. */
void rdt_seen_add(lua_State *L);

/* bridge.c: rdt_bridge_build - make the tables of the plan; call it under rdt_engine_run(). */
void rdt_bridge_build(struct rdt_engine *engine);

/* bridge.c: rdt_bridge_add - plan, run_date, get, floor, level_rank, tls_rank. */
void rdt_bridge_add(lua_State *L);

/* bridge.c: rdt_bridge_rebind - plan and run_date again, after another plan was built. */
void rdt_bridge_rebind(lua_State *L);

/* bridge.c: rdt_bridge_push - push the table of a subject. */
void rdt_bridge_push(struct rdt_engine *engine, size_t subject);

/* bridge.c: rdt_bridge_value - push an observed value: quoted text stays text. */
void rdt_bridge_value(lua_State *L, const struct rdt_node *node);

/* proxy.c: rdt_proxy_wrap - replace the table on top by one that notes reads, when explaining. */
void rdt_proxy_wrap(lua_State *L, const char *path);

/* proxy.c: rdt_proxy_target - push what a proxy stands for, or the value itself; true for one. */
bool rdt_proxy_target(lua_State *L, int index);

/* pack.c: rdt_pack_rebind - give the environments of all packs the plan that was built last. */
void rdt_pack_rebind(lua_State *L);

/* pack.c: rdt_pack_load - run one pack's text in an environment of its own. */
RDT_MUST_CHECK enum rdt_code rdt_pack_load(struct rdt_engine *engine, const char *name,
                                           struct rdt_span text, struct rdt_err *err);

#endif
