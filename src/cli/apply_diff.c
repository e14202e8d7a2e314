#include "cli/apply.h"
#include "codec/jout.h"

/* Who may administer by an identity policy: everything but use, and the policy's own words. */
static const char *const administration[] = {
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKey*",
    "kms:List*",
    "kms:PutKeyPolicy",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
    "redoubt:BreakGlass*",
    "redoubt:Census*",
    "redoubt:Key*",
    "redoubt:Store*",
    "redoubt:Tenant*",
    "redoubt:Version*",
};
static const char *const use[] = {
    "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*",
};
static const char *const tenant_use[] = {"kms:DescribeKey", "redoubt:KekExport"};

static void
put_texts(struct rdt_buf *out, const char *name, const char *const *texts, size_t n)
{
    rdt_jout_open(out, name, '[');
    for (size_t i = 0; i < n; i++)
        rdt_jout_str(out, NULL, texts[i]);
    rdt_jout_close(out, ']');
}

static void
put_use(struct rdt_buf *out, bool tenants)
{
    if (tenants)
        put_texts(out, "Action", tenant_use, RDT_COUNT(tenant_use));
    else
        put_texts(out, "Action", use, RDT_COUNT(use));
}

static void
begin_policy(struct rdt_buf *out, const char *id)
{
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "Version", "2012-10-17");
    rdt_jout_str(out, "Id", id);
    rdt_jout_open(out, "Statement", '[');
}

static void
begin_statement(struct rdt_buf *out, const char *sid)
{
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "Sid", sid);
    rdt_jout_str(out, "Effect", "Allow");
}

static bool
has_users(const struct rdt_apply_want *want, size_t key)
{
    for (size_t u = 0; u < want->n_users; u++)
        if (rdt_apply_uses(want, key, u))
            return true;
    return false;
}

void
rdt_apply_key_policy(const struct rdt_apply_want *want, size_t key, struct rdt_buf *out)
{
    RDT_BUF arn = {0};
    begin_policy(out, "redoubt-apply-1");
    begin_statement(out, "Administration");
    rdt_jout_open(out, "Principal", '{');
    rdt_buf_fmt(&arn, "arn:aws:iam::%s:root", want->site.account);
    rdt_jout_text(out, "AWS", rdt_buf_span(&arn));
    rdt_jout_close(out, '}');
    put_texts(out, "Action", administration, RDT_COUNT(administration));
    rdt_jout_str(out, "Resource", "*");
    rdt_jout_close(out, '}');
    if (has_users(want, key)) {
        begin_statement(out, "Use");
        rdt_jout_open(out, "Principal", '{');
        rdt_jout_open(out, "AWS", '[');
        for (size_t u = 0; u < want->n_users; u++) {
            if (!rdt_apply_uses(want, key, u))
                continue;
            arn.n = 0;
            rdt_buf_fmt(&arn, "arn:aws:iam::%s:user/%s", want->site.account, want->users[u].name);
            rdt_jout_text(out, NULL, rdt_buf_span(&arn));
        }
        rdt_jout_close(out, ']');
        rdt_jout_close(out, '}');
        put_use(out, want->keys[key].tenants);
        rdt_jout_str(out, "Resource", "*");
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
    rdt_jout_close(out, '}');
}

/* A statement for those of a user's keys that are rings, or for those that are not. */
static bool
put_own(const struct rdt_apply_want *want, size_t user, const char *const *arns, bool tenants,
        struct rdt_buf *out)
{
    bool any = false, complete = true;
    for (size_t k = 0; k < want->n_keys; k++) {
        if (want->keys[k].tenants != tenants || !rdt_apply_uses(want, k, user))
            continue;
        if (!any) {
            begin_statement(out, tenants ? "TenantKeys" : "Keys");
            put_use(out, tenants);
            rdt_jout_open(out, "Resource", '[');
        }
        any = true;
        complete = complete && arns[k] != NULL;
        rdt_jout_str(out, NULL, arns[k]);
    }
    if (any) {
        rdt_jout_close(out, ']');
        rdt_jout_close(out, '}');
    }
    return complete;
}

bool
rdt_apply_user_policy(const struct rdt_apply_want *want, size_t user, const char *const *arns,
                      struct rdt_buf *out)
{
    begin_policy(out, "redoubt-apply-1");
    bool complete = put_own(want, user, arns, false, out);
    complete = put_own(want, user, arns, true, out) && complete;
    rdt_jout_close(out, ']');
    rdt_jout_close(out, '}');
    return complete;
}

/* ---- tags ---- */

bool
rdt_apply_tag(const struct rdt_apply_want *want, size_t key, size_t i, const char **name,
              const char **value)
{
    const struct {
        const char *name, *value;
    } tags[RDT_APPLY_TAGS_N] = {
        {"redoubt:env",      want->env            },
        {"redoubt:level",    want->keys[key].level},
        {"redoubt:plan",     want->plan           },
        {"redoubt:plan-key", want->keys[key].id   },
    };
    *name = tags[i].name;
    *value = tags[i].value;
    return *value[0] != '\0';
}

static const char *
tag_of(const struct rdt_node *status, const char *name)
{
    const struct rdt_node *tags = rdt_node_get(status, "Tags");
    for (size_t i = 0; tags != NULL && i < tags->n; i++)
        if (rdt_node_is(rdt_node_get(tags->members[i].node, "TagKey"), name))
            return rdt_node_str(tags->members[i].node, "TagValue");
    return NULL;
}

static bool
same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* A tag with another value means that the key is another plan's, or another environment's. */
static bool
is_foreign(const struct rdt_apply_want *want, size_t key, const struct rdt_node *status)
{
    const char *name, *value;
    for (size_t i = 0; i < RDT_APPLY_TAGS_N; i++) {
        rdt_apply_tag(want, key, i, &name, &value);
        const char *is = tag_of(status, name);
        if (strcmp(name, "redoubt:level") != 0 && is != NULL && !same(is, value))
            return true;
    }
    return false;
}

static bool
tags_differ(const struct rdt_apply_want *want, size_t key, const struct rdt_node *status)
{
    const char *name, *value;
    for (size_t i = 0; i < RDT_APPLY_TAGS_N; i++)
        if (rdt_apply_tag(want, key, i, &name, &value) && !same(tag_of(status, name), value))
            return true;
    return false;
}

/* ---- steps ---- */

static void
say(struct rdt_buf *words, const char *separator, const char *fmt, const char *text)
{
    if (words->n != 0)
        rdt_buf_str(words, separator);
    rdt_buf_fmt(words, fmt, text);
}

static void
say_rotation(struct rdt_buf *words, int64_t days)
{
    if (days == 0)
        rdt_buf_str(words, "by hand");
    else
        rdt_buf_fmt(words, "%lld days", (long long)days);
}

bool
rdt_apply_has_store(const struct rdt_node *status, const char *store)
{
    const struct rdt_node *list = rdt_node_get(status, "Stores");
    for (size_t i = 0; list != NULL && i < list->n; i++)
        if (rdt_node_is(list->members[i].node, store))
            return true;
    return false;
}

/* Stores that the plan declares and the service does not know of; none is ever taken away. */
static bool
say_stores(const struct rdt_apply_want *want, size_t k, const struct rdt_node *status,
           struct rdt_buf *words)
{
    size_t n = 0;
    for (size_t s = 0; s < want->n_stores; s++) {
        const char *name = want->stores[s].name;
        if (!rdt_apply_holds(want, k, s) || rdt_apply_has_store(status, name))
            continue;
        if (n++ == 0)
            say(words, "; ", "%s", "in ");
        rdt_buf_fmt(words, "%s%s", n == 1 ? "" : ", ", name);
    }
    return n != 0;
}

static void
say_new_key(const struct rdt_apply_want *want, size_t k, struct rdt_buf *words)
{
    const struct rdt_apply_key *key = &want->keys[k];
    say(words, "", "%s", key->level[0] != '\0' ? key->level : "no level");
    rdt_buf_str(words, "; rotation ");
    say_rotation(words, key->rotation_days);
    if (key->tenants)
        rdt_buf_str(words, "; one key a tenant");
    rdt_buf_str(words, has_users(want, k) ? "; for" : "; for nobody");
    for (size_t u = 0, n = 0; u < want->n_users; u++)
        if (rdt_apply_uses(want, k, u))
            rdt_buf_fmt(words, "%s %s", n++ == 0 ? "" : ",", want->users[u].name);
    say_stores(want, k, NULL, words);
}

static bool
has_alias(const struct rdt_node *status, const char *alias)
{
    const struct rdt_node *list = rdt_node_get(status, "Aliases");
    for (size_t i = 0; list != NULL && i < list->n; i++)
        if (rdt_node_is(list->members[i].node, alias))
            return true;
    return false;
}

static unsigned
key_changes(const struct rdt_apply_want *want, size_t k, const struct rdt_node *status,
            struct rdt_buf *words)
{
    RDT_BUF policy = {0};
    const struct rdt_apply_key *key = &want->keys[k];
    unsigned changes = 0;
    int64_t days = (int64_t)rdt_node_number(status, "RotationPeriodInDays", 0);
    rdt_apply_key_policy(want, k, &policy);
    const char *text = rdt_buf_cstr(&policy);
    if (!has_alias(status, key->alias))
        changes |= RDT_APPLY_ALIAS;
    if (!same(rdt_node_str(status, "Description"), key->description))
        changes |= RDT_APPLY_DESCRIPTION;
    if (tags_differ(want, k, status))
        changes |= RDT_APPLY_TAGS;
    if (!same(rdt_node_str(status, "Policy"), text))
        changes |= RDT_APPLY_POLICY;
    if (key->tenants && !rdt_node_true(status, "Tenants"))
        changes |= RDT_APPLY_TENANTS;
    if (changes & RDT_APPLY_ALIAS)
        say(words, "; ", "%s", key->alias);
    if (changes & RDT_APPLY_DESCRIPTION)
        say(words, "; ", "%s", "description");
    if (days != key->rotation_days) {
        changes |= RDT_APPLY_ROTATION;
        say(words, "; ", "%s", "rotation ");
        say_rotation(words, days);
        rdt_buf_str(words, " -> ");
        say_rotation(words, key->rotation_days);
    }
    if (changes & RDT_APPLY_TAGS)
        say(words, "; ", "%s", "tags");
    if (changes & RDT_APPLY_POLICY)
        say(words, "; ", "%s", "policy");
    if (changes & RDT_APPLY_TENANTS)
        say(words, "; ", "%s", "one key a tenant");
    if (say_stores(want, k, status, words))
        changes |= RDT_APPLY_STORES;
    return changes;
}

static enum rdt_code
end_step(struct rdt_apply_want *want, struct rdt_buf *words, struct rdt_apply_step *out,
         struct rdt_err *err)
{
    if (words->n == 0)
        rdt_buf_str(words, "as planned");
    out->words = rdt_buf_ok(words) ? rdt_arena_str(&want->arena, rdt_buf_span(words)) : NULL;
    return out->words != NULL ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "compare with the plan");
}

/* A key that waits to be destroyed takes no change; a disabled one does, and stays disabled. */
static bool
is_blocked(const struct rdt_apply_want *want, size_t k, const struct rdt_node *status,
           struct rdt_buf *words)
{
    const char *state = rdt_node_str(status, "KeyState");
    if (is_foreign(want, k, status))
        rdt_buf_fmt(words, "%s is a key of another plan or environment", want->keys[k].alias);
    else if (same(state, "PendingDeletion"))
        rdt_buf_fmt(words, "its deletion is scheduled: redoubt key cancel-deletion %s",
                    rdt_node_str(status, "KeyId"));
    return words->n != 0;
}

enum rdt_code
rdt_apply_key_step(struct rdt_apply_want *want, size_t key, const struct rdt_node *status,
                   struct rdt_apply_step *out, struct rdt_err *err)
{
    RDT_BUF words = {0};
    *out = (struct rdt_apply_step){.action = RDT_APPLY_KEEP};
    if (status == NULL) {
        out->action = RDT_APPLY_MAKE;
        say_new_key(want, key, &words);
    } else if (is_blocked(want, key, status, &words)) {
        out->action = RDT_APPLY_BLOCKED;
    } else {
        out->changes = key_changes(want, key, status, &words);
        if (out->changes != 0)
            out->action = RDT_APPLY_CHANGE;
        else if (!same(rdt_node_str(status, "KeyState"), "Enabled"))
            say(&words, "", "%s", rdt_node_str(status, "KeyState"));
    }
    return end_step(want, &words, out, err);
}

static void
say_keys(const struct rdt_apply_want *want, size_t user, struct rdt_buf *words)
{
    for (size_t k = 0, n = 0; k < want->n_keys; k++)
        if (rdt_apply_uses(want, k, user))
            rdt_buf_fmt(words, "%s%s", n++ == 0 ? "may use " : ", ", want->keys[k].id);
}

enum rdt_code
rdt_apply_user_step(struct rdt_apply_want *want, size_t user, const struct rdt_node *principal,
                    const char *const *arns, struct rdt_apply_step *out, struct rdt_err *err)
{
    RDT_BUF words = {0};
    RDT_BUF policy = {0};
    *out = (struct rdt_apply_step){.action = RDT_APPLY_KEEP};
    bool complete = rdt_apply_user_policy(want, user, arns, &policy);
    if (principal == NULL) {
        out->action = RDT_APPLY_MAKE;
        say_keys(want, user, &words);
    } else if (!same(rdt_node_str(principal, "PlanService"), want->users[user].made_for)) {
        out->action = RDT_APPLY_BLOCKED;
        rdt_buf_str(&words, "there is a principal of this name, made otherwise");
    } else if (!complete || !same(rdt_node_str(principal, "Policy"), rdt_buf_cstr(&policy))) {
        out->action = RDT_APPLY_CHANGE;
        out->changes = RDT_APPLY_POLICY;
        rdt_buf_str(&words, "policy: ");
        say_keys(want, user, &words);
    } else if (!rdt_node_true(principal, "Enabled")) {
        rdt_buf_str(&words, "disabled");
    }
    if (!rdt_buf_ok(&policy))
        return rdt_fail(err, RDT_E_NOMEM, "compare with the plan");
    return end_step(want, &words, out, err);
}
