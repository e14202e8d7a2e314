#include "probe/kms_internal.h"

#define DAY_S 86400

/* A number that is not there gives no member: a rule that needs it says that it is unknown. */
static bool
number(struct rdt_evidence *out, struct rdt_node *map, const char *key, const struct rdt_node *from,
       const char *member)
{
    return rdt_node_get(from, member) == NULL ||
           rdt_value_int(&out->arena, map, key, (int64_t)rdt_node_number(from, member, 0)) != NULL;
}

/* Seconds since 1970 as days; a member that is not there gives none. */
static bool
day(struct rdt_evidence *out, struct rdt_node *map, const char *key, const struct rdt_node *from,
    const char *member)
{
    double seconds = rdt_node_number(from, member, -1);
    if (seconds < 0)
        return true;
    return rdt_value_int(&out->arena, map, key, (int64_t)seconds / DAY_S) != NULL;
}

static struct rdt_node *
truth(struct rdt_evidence *out, struct rdt_node *map, const char *key, const struct rdt_node *from,
      const char *member)
{
    return rdt_value_bool(&out->arena, map, key, rdt_node_true(from, member));
}

/* A text that is not there gives no member. */
static bool
text(struct rdt_evidence *out, struct rdt_node *map, const char *key, const struct rdt_node *from,
     const char *member)
{
    const char *value = rdt_node_str(from, member);
    return value == NULL || rdt_value_text(&out->arena, map, key, value) != NULL;
}

enum rdt_code
rdt_kms_site_fact(struct rdt_evidence *out, const char *subject, const struct rdt_node *site,
                  struct rdt_span raw)
{
    struct rdt_node *map = rdt_node_new(&out->arena, RDT_NODE_MAP, (struct rdt_mark){0});
    bool ok = truth(out, map, "development", site, "Development") != NULL;
    ok = ok && text(out, map, "custody", site, "Custody");
    ok = ok && number(out, map, "quorum", site, "Quorum");
    ok = ok && number(out, map, "approvers", site, "Approvers");
    ok = ok && number(out, map, "waiting", site, "WaitingDays");
    ok = ok && truth(out, map, "clock_blocked", site, "ClockBlocked") != NULL;
    ok = ok && text(out, map, "clock_reason", site, "ClockReason");
    ok = ok && number(out, map, "keys", site, "Keys");
    ok = ok && number(out, map, "pending_deletion", site, "KeysPendingDeletion");
    ok = ok && number(out, map, "principals", site, "Principals");
    ok = ok && number(out, map, "open_approvals", site, "OpenApprovals");
    ok = ok && number(out, map, "open_reviews", site, "OpenReviews");
    return ok ? rdt_evidence_fact(out, subject, "kms.site", map, raw) : RDT_E_NOMEM;
}

/* A tag of another plan or environment; a key without such tags was made by hand, which is fine. */
static bool
is_tagged_otherwise(const struct rdt_node *status, const char *name, const char *value)
{
    const struct rdt_node *tags = rdt_node_get(status, "Tags");
    for (size_t i = 0; value != NULL && tags != NULL && i < tags->n; i++)
        if (rdt_node_is(rdt_node_get(tags->members[i].node, "TagKey"), name))
            return !rdt_node_is(rdt_node_get(tags->members[i].node, "TagValue"), value);
    return false;
}

static enum rdt_code
exists(struct rdt_evidence *out, const char *subject, const struct rdt_kms_owner *owner,
       const struct rdt_node *status, struct rdt_span raw)
{
    bool foreign = is_tagged_otherwise(status, "redoubt:plan", owner->plan) ||
                   is_tagged_otherwise(status, "redoubt:env", owner->env);
    struct rdt_node *map = rdt_node_new(&out->arena, RDT_NODE_MAP, (struct rdt_mark){0});
    bool ok = rdt_value_bool(&out->arena, map, "found", true) != NULL;
    ok = ok && text(out, map, "id", status, "KeyId");
    ok = ok && text(out, map, "state", status, "KeyState");
    ok = ok && truth(out, map, "suspended", status, "Suspended") != NULL;
    ok = ok && day(out, map, "deletion", status, "DeletionDate");
    ok = ok && rdt_value_bool(&out->arena, map, "foreign", foreign) != NULL;
    return ok ? rdt_evidence_fact(out, subject, "key.exists", map, raw) : RDT_E_NOMEM;
}

static enum rdt_code
rotated(struct rdt_evidence *out, const char *subject, const struct rdt_node *status,
        struct rdt_span raw)
{
    struct rdt_node *map = rdt_node_new(&out->arena, RDT_NODE_MAP, (struct rdt_mark){0});
    if (rdt_node_get(status, "LastRotationDate") == NULL)
        return rdt_evidence_unknown(out, subject, "key.rotated",
                                    "the key service names no day of the current version", raw);
    bool ok = day(out, map, "last", status, "LastRotationDate");
    ok = ok && rdt_value_int(&out->arena, map, "every",
                             (int64_t)rdt_node_number(status, "RotationPeriodInDays", 0)) != NULL;
    ok = ok && day(out, map, "next", status, "NextRotationDate");
    ok = ok && number(out, map, "version", status, "CurrentVersion");
    return ok ? rdt_evidence_fact(out, subject, "key.rotated", map, raw) : RDT_E_NOMEM;
}

static enum rdt_code
custody(struct rdt_evidence *out, const char *subject, const struct rdt_node *status,
        struct rdt_span raw)
{
    struct rdt_node *map = rdt_node_new(&out->arena, RDT_NODE_MAP, (struct rdt_mark){0});
    const char *seal = rdt_node_str(status, "Custody");
    if (seal == NULL)
        return rdt_evidence_unknown(out, subject, "key.custody",
                                    "the key service does not name its seal", raw);
    bool ok = rdt_value_text(&out->arena, map, "seal", seal) != NULL;
    return ok ? rdt_evidence_fact(out, subject, "key.custody", map, raw) : RDT_E_NOMEM;
}

enum rdt_code
rdt_kms_key_facts(struct rdt_evidence *out, const char *subject, const struct rdt_kms_owner *owner,
                  const struct rdt_node *status, struct rdt_span raw)
{
    enum rdt_code rc = exists(out, subject, owner, status, raw);
    if (rc == RDT_OK)
        rc = rotated(out, subject, status, raw);
    return rc == RDT_OK ? custody(out, subject, status, raw) : rc;
}

enum rdt_code
rdt_kms_policy_fact(struct rdt_evidence *out, const char *subject, const struct rdt_node *callers,
                    struct rdt_span raw)
{
    struct rdt_arena *arena = &out->arena;
    const struct rdt_node *list = rdt_node_get(callers, "Callers");
    bool listed = list != NULL && list->kind == RDT_NODE_LIST;
    if (!listed || rdt_node_true(callers, "Truncated"))
        return rdt_evidence_unknown(out, subject, "key.policy",
                                    !listed ? "the key service lists no callers"
                                            : "more principals than the key service lists",
                                    raw);
    struct rdt_node *map = rdt_node_new(arena, RDT_NODE_MAP, (struct rdt_mark){0});
    struct rdt_node *administer = rdt_value_list(arena, map, "administer");
    struct rdt_node *use = rdt_value_list(arena, map, "use");
    struct rdt_node *read = rdt_value_list(arena, map, "read");
    struct rdt_node *both = rdt_value_list(arena, map, "both");
    bool ok = both != NULL;
    for (size_t i = 0; ok && i < list->n; i++) {
        const struct rdt_node *one = list->members[i].node;
        const char *name = rdt_node_str(one, "Principal");
        bool administers = rdt_node_true(one, "Administers"), reads = rdt_node_true(one, "Reads");
        if (name == NULL)
            continue;
        ok = !administers || rdt_value_text(arena, administer, NULL, name) != NULL;
        ok = ok && (!rdt_node_true(one, "Uses") || rdt_value_text(arena, use, NULL, name) != NULL);
        ok = ok && (!reads || rdt_value_text(arena, read, NULL, name) != NULL);
        ok = ok && (!administers || !reads || rdt_value_text(arena, both, NULL, name) != NULL);
    }
    return ok ? rdt_evidence_fact(out, subject, "key.policy", map, raw) : RDT_E_NOMEM;
}

enum rdt_code
rdt_kms_key_absent(struct rdt_evidence *out, const char *subject, struct rdt_span raw)
{
    static const char *const others[] = {"key.rotated", "key.custody", "key.policy"};
    struct rdt_node *map = rdt_node_new(&out->arena, RDT_NODE_MAP, (struct rdt_mark){0});
    bool ok = rdt_value_bool(&out->arena, map, "found", false) != NULL;
    enum rdt_code rc = ok ? rdt_evidence_fact(out, subject, "key.exists", map, raw) : RDT_E_NOMEM;
    for (size_t i = 0; rc == RDT_OK && i < RDT_COUNT(others); i++)
        rc = rdt_evidence_unknown(out, subject, others[i], "the key service has no such key", raw);
    return rc;
}

enum rdt_code
rdt_kms_key_unknown(struct rdt_evidence *out, const char *subject, const char *why)
{
    static const char *const facts[] = {RDT_KMS_KEY_FACTS};
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; rc == RDT_OK && i < RDT_COUNT(facts); i++)
        rc = rdt_evidence_unknown(out, subject, facts[i], why, rdt_span_str(why));
    return rc;
}
