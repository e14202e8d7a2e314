#include "plan/plan_internal.h"

/* DESIGN section 6: what each level demands, before the plan's policy. */
static const struct rdt_floor built_in[RDT_NLEVELS] = {
    [RDT_LEVEL_NONE] = {"provider-default", false, "tls1.2", "provider-default", 0,   false},
    [RDT_LOW] = {"provider-default", false, "tls1.2", "provider-default", 0,   false},
    [RDT_MEDIUM] = {"aes-256",          false, "tls1.2", "key-service",      365, false},
    [RDT_HIGH] = {"aes-256",          false, "tls1.2", "key-service",      365, false},
    [RDT_CRITICAL] = {"aes-256",          true,  "tls1.3", "hardware",         90,  false},
};

static const char *const level_names[RDT_NLEVELS] = {"", "low", "medium", "high", "critical"};

static void
override(struct rdt_floor *floor, const struct rdt_node *change)
{
    const char *volume = rdt_node_str(change, "volume");
    const char *tls = rdt_node_str(change, "tls");
    const char *custody = rdt_node_str(change, "custody");
    if (volume != NULL)
        floor->volume = volume;
    if (tls != NULL)
        floor->tls = tls;
    if (custody != NULL)
        floor->custody = custody;
    if (rdt_node_get(change, "field") != NULL)
        floor->field = rdt_node_true(change, "field");
    floor->rotation_days = rdt_node_number(change, "rotation", floor->rotation_days);
    floor->overridden = true;
}

void
rdt_floors_build(struct rdt_plan *plan)
{
    const struct rdt_node *policy = rdt_node_get(plan->root, "policy");
    memcpy(plan->floors, built_in, sizeof built_in);
    if (rdt_node_is(rdt_node_get(policy, "profile"), "template-lenient")) {
        plan->floors[RDT_CRITICAL].tls = "tls1.2"; /* X1: every path of the template says 1.2 */
        plan->floors[RDT_CRITICAL].overridden = true;
    }
    for (unsigned level = RDT_LOW; level < RDT_NLEVELS; level++) {
        const struct rdt_node *change =
            rdt_node_get(rdt_node_get(policy, "levels"), level_names[level]);
        if (change != NULL)
            override(&plan->floors[level], change);
    }
}

const struct rdt_floor *
rdt_plan_floor(const struct rdt_plan *plan, enum rdt_level level)
{
    return &plan->floors[level];
}

const char *
rdt_level_name(enum rdt_level level)
{
    return level_names[level];
}

enum rdt_level
rdt_level_parse(const char *word)
{
    for (unsigned level = RDT_LOW; word != NULL && level < RDT_NLEVELS; level++) {
        if (strcmp(word, level_names[level]) == 0)
            return level;
    }
    return RDT_LEVEL_NONE;
}
