#include "cli/apply.h"

#include <stdlib.h>

#define CHAIN_MAX 32 /* keys that wrap one another; the loader refuses cycles */
#define NAME_MAX_BYTES ((size_t)64)
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-"
#define NONE SIZE_MAX

void
rdt_apply_done(struct rdt_apply_want *want)
{
    rdt_arena_done(&want->arena);
    free(want->uses);
    free(want->keys);
    free(want->users);
    free(want->stores);
    free(want->holds);
    free(want->notes);
    *want = (struct rdt_apply_want){0};
}

bool
rdt_apply_uses(const struct rdt_apply_want *want, size_t key, size_t user)
{
    return want->uses[key * want->cap_users + user];
}

bool
rdt_apply_holds(const struct rdt_apply_want *want, size_t key, size_t store)
{
    return want->holds[key * want->n_stores + store];
}

static bool
note(struct rdt_apply_want *want, const char *words)
{
    if (words == NULL)
        return false;
    if (want->n_notes == want->cap_notes) {
        size_t cap = want->cap_notes == 0 ? 8 : want->cap_notes * 2;
        const char **grown = realloc(want->notes, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        want->notes = grown;
        want->cap_notes = cap;
    }
    want->notes[want->n_notes++] = words;
    return true;
}

/* ---- keys ---- */

/* Why a key is not one of this server, although its custody is Redoubt's. */
static const char *
left_out(struct rdt_apply_want *want, const struct rdt_node *node)
{
    const char *type = rdt_node_str(node, "type"), *per = rdt_node_str(node, "per");
    const char *account = rdt_node_str(node, "custody.account");
    const char *region = rdt_node_str(node, "custody.region");
    if (strcmp(type, "symmetric") != 0)
        return rdt_arena_fmt(&want->arena, "keys of type %s are not offered yet", type);
    if (per != NULL && strcmp(per, "record") == 0)
        return "the application makes one for each record";
    if (account != NULL && strcmp(account, want->site.account) != 0)
        return rdt_arena_fmt(&want->arena, "it is kept in account %s, and this server is %s",
                             account, want->site.account);
    if (region != NULL && strcmp(region, want->site.region) != 0)
        return rdt_arena_fmt(&want->arena, "it is kept in region %s, and this server is %s", region,
                             want->site.region);
    return NULL;
}

/* The plan's period, or the floor of the strictest data under the key where that is shorter. */
static bool
rotation_of(struct rdt_apply_want *want, const struct rdt_plan *plan,
            const struct rdt_subject *subject, struct rdt_apply_key *key)
{
    double days = rdt_node_number(subject->node, "rotation.every", 0);
    if (strcmp(rdt_node_str(subject->node, "rotation.how"), "manual") == 0)
        return true;
    if (subject->level != RDT_LEVEL_NONE) {
        double floor = rdt_plan_floor(plan, subject->level)->rotation_days;
        days = floor > 0 && (floor < days || days <= 0) ? floor : days;
    }
    bool fits = days >= RDT_ROTATION_DAYS_MIN && days <= RDT_ROTATION_DAYS_MAX;
    key->rotation_days = days < RDT_ROTATION_DAYS_MIN   ? RDT_ROTATION_DAYS_MIN
                         : days > RDT_ROTATION_DAYS_MAX ? RDT_ROTATION_DAYS_MAX
                                                        : (int64_t)days;
    if (fits || key->left_out != NULL)
        return true;
    return note(want, rdt_arena_fmt(&want->arena,
                                    "%s: the plan asks for a rotation every %.0f days, the server "
                                    "offers %d to %d",
                                    key->id, days, RDT_ROTATION_DAYS_MIN, RDT_ROTATION_DAYS_MAX));
}

static bool
add_key(struct rdt_apply_want *want, const struct rdt_plan *plan, const struct rdt_subject *subject)
{
    struct rdt_apply_key *key = &want->keys[want->n_keys++];
    const char *per = rdt_node_str(subject->node, "per");
    key->id = subject->name;
    key->alias = rdt_arena_fmt(&want->arena, "alias/%s", subject->name);
    key->description = rdt_node_str(subject->node, "purpose");
    key->level = rdt_level_name(subject->level);
    key->tenants = per != NULL && strcmp(per, "record") != 0;
    key->left_out = left_out(want, subject->node);
    return key->alias != NULL && rotation_of(want, plan, subject, key);
}

static bool
add_keys(struct rdt_apply_want *want, const struct rdt_plan *plan)
{
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_section(plan, RDT_KEYS, &n);
    want->keys = calloc(n + 1, sizeof *want->keys);
    if (want->keys == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *provider = rdt_node_str(subjects[i].node, "custody.provider");
        if (strcmp(provider, "redoubt") == 0 && !add_key(want, plan, &subjects[i]))
            return false;
    }
    return true;
}

/* The key that keeps another: itself, or the nearest that wraps it and is the server's. */
static size_t
keeper(const struct rdt_apply_want *want, const struct rdt_plan *plan, const char *name)
{
    for (size_t steps = 0; name != NULL && steps < CHAIN_MAX; steps++) {
        char id[128];
        for (size_t i = 0; i < want->n_keys; i++)
            if (strcmp(want->keys[i].id, name) == 0 && want->keys[i].left_out == NULL)
                return i;
        snprintf(id, sizeof id, "keys.%s", name);
        const struct rdt_subject *subject = rdt_plan_find(plan, id);
        name = subject == NULL ? NULL : rdt_node_str(subject->node, "wrapped_by");
    }
    return NONE;
}

/* ---- stores ---- */

static bool
is_object_store(const struct rdt_node *store)
{
    static const char *const kinds[] = {"s3", "s3-glacier", "gcs", "azure-blob", "minio"};
    for (size_t i = 0; i < RDT_COUNT(kinds); i++)
        if (rdt_node_is(rdt_node_get(store, "kind"), kinds[i]))
            return true;
    return false;
}

static const char *
kind_of(const struct rdt_subject *store)
{
    static const char *const files[] = {"disk", "nfs", "endpoints"};
    if (store->links[RDT_LINK_SOURCES].n != 0)
        return "backup";
    if (is_object_store(store->node))
        return "bucket";
    for (size_t i = 0; i < RDT_COUNT(files); i++)
        if (rdt_node_is(rdt_node_get(store->node, "kind"), files[i]))
            return "files";
    return "database";
}

static void
add_held(struct rdt_apply_want *want, size_t key, size_t store)
{
    if (key != NONE)
        want->holds[key * want->n_stores + store] = true;
}

static void
add_fields(struct rdt_apply_want *want, const struct rdt_plan *plan,
           const struct rdt_subject *subject, size_t store)
{
    const struct rdt_node *fields = rdt_node_get(subject->node, "at_rest.fields");
    for (size_t i = 0; fields != NULL && i < fields->n; i++)
        add_held(want, keeper(want, plan, rdt_node_str(fields->members[i].node, "key")), store);
}

/* A backup has a field as it was, under the same key; its volume is under one of its own. Answers
 * whether that added anything: a backup of a backup takes another round. */
static bool
add_of_sources(struct rdt_apply_want *want, const struct rdt_subject *first, size_t all, size_t s)
{
    const struct rdt_links *sources = &first[s].links[RDT_LINK_SOURCES];
    bool added = false;
    for (size_t i = 0; i < sources->n; i++) {
        size_t from = sources->at[i] - all; /* stores stand together among the subjects */
        for (size_t k = 0; k < want->n_keys; k++)
            if (rdt_apply_holds(want, k, from) && !rdt_apply_holds(want, k, s))
                added = want->holds[k * want->n_stores + s] = true;
    }
    return added;
}

static bool
add_stores(struct rdt_apply_want *want, const struct rdt_plan *plan)
{
    const struct rdt_subject *stores = rdt_plan_section(plan, RDT_STORES, &want->n_stores);
    want->stores = calloc(want->n_stores + 1, sizeof *want->stores);
    want->holds = calloc(want->n_keys * want->n_stores + 1, sizeof *want->holds);
    if (want->stores == NULL || want->holds == NULL)
        return false;
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_subjects(plan, &n);
    size_t all = want->n_stores == 0 ? 0 : (size_t)(stores - subjects);
    for (size_t s = 0; s < want->n_stores; s++) {
        want->stores[s] = (struct rdt_apply_store){stores[s].name, kind_of(&stores[s])};
        add_fields(want, plan, &stores[s], s);
    }
    for (bool added = true; added;) { /* each round adds something: it ends */
        added = false;
        for (size_t s = 0; s < want->n_stores; s++)
            added = add_of_sources(want, stores, all, s) || added;
    }
    for (size_t s = 0; s < want->n_stores; s++)
        add_held(want, keeper(want, plan, rdt_node_str(stores[s].node, "at_rest.volume.key")), s);
    return true;
}

/* ---- users ---- */

static size_t
user_named(struct rdt_apply_want *want, const char *name, const char *made_for)
{
    for (size_t i = 0; i < want->n_users; i++)
        if (strcmp(want->users[i].name, name) == 0)
            return i;
    struct rdt_apply_user *user = &want->users[want->n_users];
    user->name = name;
    user->made_for = rdt_arena_fmt(&want->arena, "%s%s", want->front, made_for);
    return user->made_for == NULL ? NONE : want->n_users++;
}

static bool
lists_any(const struct rdt_node *list, const struct rdt_node *of)
{
    for (size_t i = 0; list != NULL && i < list->n; i++)
        for (size_t j = 0; of != NULL && j < of->n; j++)
            if (rdt_node_is(list->members[i].node, rdt_node_text(of->members[j].node)))
                return true;
    return false;
}

static bool
add_use(struct rdt_apply_want *want, size_t key, const struct rdt_subject *service)
{
    if (key == NONE)
        return true;
    size_t user = user_named(want, service->name, service->id);
    if (user != NONE)
        want->uses[key * want->cap_users + user] = true;
    return user != NONE;
}

/* The keys that a service needs for what it exchanges with a store. */
static bool
add_store_uses(struct rdt_apply_want *want, const struct rdt_plan *plan,
               const struct rdt_subject *service, const struct rdt_subject *store,
               const struct rdt_node *carries)
{
    const struct rdt_node *fields = rdt_node_get(store->node, "at_rest.fields");
    bool ok = true;
    for (size_t i = 0; ok && fields != NULL && i < fields->n; i++) {
        const struct rdt_node *entry = fields->members[i].node;
        if (lists_any(rdt_node_get(entry, "data"), carries))
            ok = add_use(want, keeper(want, plan, rdt_node_str(entry, "key")), service);
    }
    /* with server-side encryption, who puts an object or gets one asks for its key */
    if (ok && carries != NULL && carries->n > 0 && is_object_store(store->node))
        ok = add_use(want, keeper(want, plan, rdt_node_str(store->node, "at_rest.volume.key")),
                     service);
    return ok;
}

static const struct rdt_subject *
other_end(const struct rdt_plan *plan, const struct rdt_subject *service,
          const struct rdt_subject *flow)
{
    const char *from = rdt_node_str(flow->node, "from"), *to = rdt_node_str(flow->node, "to");
    char id[128];
    snprintf(id, sizeof id, "stores.%s", strcmp(from, service->name) == 0 ? to : from);
    return rdt_plan_find(plan, id);
}

static bool
add_services(struct rdt_apply_want *want, const struct rdt_plan *plan)
{
    size_t n = 0;
    const struct rdt_subject *services = rdt_plan_section(plan, RDT_SERVICES, &n);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        if (rdt_node_true(services[i].node, "external"))
            continue;
        for (size_t f = 0; ok && f < services[i].links[RDT_LINK_FLOWS].n; f++) {
            const struct rdt_subject *flow = rdt_plan_linked(plan, &services[i], RDT_LINK_FLOWS, f);
            const struct rdt_subject *store = other_end(plan, &services[i], flow);
            if (store != NULL)
                ok = add_store_uses(want, plan, &services[i], store,
                                    rdt_node_get(flow->node, "carries"));
        }
    }
    return ok;
}

/* "role/backup", "arn:aws:iam::1:role/backup": the last part; NULL where that is no name. */
static const char *
principal_name(const char *declared)
{
    const char *slash = strrchr(declared, '/');
    const char *name = slash == NULL ? declared : slash + 1;
    size_t n = strlen(name);
    return n != 0 && n <= NAME_MAX_BYTES && strspn(name, NAME_CHARACTERS) == n ? name : NULL;
}

static bool
add_declared(struct rdt_apply_want *want, const struct rdt_plan *plan, size_t k)
{
    char id[128];
    const char *key = want->keys[k].id;
    snprintf(id, sizeof id, "keys.%s", key);
    const struct rdt_node *list = rdt_node_get(rdt_plan_find(plan, id)->node, "access.principals");
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const char *declared = rdt_node_text(list->members[i].node);
        const char *name = principal_name(declared);
        if (name == NULL) {
            if (!note(want, rdt_arena_fmt(&want->arena,
                                          "%s: access.principals says '%s', which is no "
                                          "principal's name",
                                          key, declared)))
                return false;
            continue;
        }
        size_t user = user_named(want, name, declared);
        if (user == NONE)
            return false;
        want->uses[k * want->cap_users + user] = true;
    }
    return true;
}

static bool
room_for_users(struct rdt_apply_want *want, const struct rdt_plan *plan)
{
    size_t n = 0;
    rdt_plan_section(plan, RDT_SERVICES, &n);
    size_t n_keys = 0;
    const struct rdt_subject *keys = rdt_plan_section(plan, RDT_KEYS, &n_keys);
    for (size_t i = 0; i < n_keys; i++) {
        const struct rdt_node *list = rdt_node_get(keys[i].node, "access.principals");
        n += list == NULL ? 0 : list->n;
    }
    want->cap_users = n + 1;
    want->users = calloc(want->cap_users, sizeof *want->users);
    want->uses = calloc((want->n_keys + 1) * want->cap_users, sizeof *want->uses);
    return want->users != NULL && want->uses != NULL;
}

enum rdt_code
rdt_apply_want(const struct rdt_plan *plan, const struct rdt_apply_site *site,
               struct rdt_apply_want *out, struct rdt_err *err)
{
    const char *env = rdt_plan_env(plan);
    *out = (struct rdt_apply_want){.site = *site, .env = env == NULL ? "-" : env};
    out->plan = rdt_node_str(rdt_plan_root(plan), "product.id");
    out->front = rdt_arena_fmt(&out->arena, "%s/%s/", out->plan, out->env);
    bool ok = out->front != NULL && add_keys(out, plan) && add_stores(out, plan);
    ok = ok && room_for_users(out, plan);
    ok = ok && add_services(out, plan);
    for (size_t i = 0; ok && i < out->n_keys; i++)
        if (out->keys[i].left_out == NULL)
            ok = add_declared(out, plan, i);
    return ok ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "plan what to apply");
}
