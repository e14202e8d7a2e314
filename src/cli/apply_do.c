#include "cli/apply_do.h"

#include "codec/jout.h"

#include <stdlib.h>

void
rdt_apply_have_done(struct rdt_apply_have *have)
{
    rdt_apply_done(&have->want);
    free(have->keys);
    free(have->users);
    free(have->arns);
    free(have->key_steps);
    free(have->user_steps);
}

static void
begin(struct rdt_buf *body, const char *member, const char *name)
{
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, member, name);
}

static enum rdt_code
ask(struct rdt_remote *remote, const char *op, struct rdt_buf *body, const struct rdt_node **out)
{
    rdt_jout_close(body, '}');
    return rdt_remote_ask(remote, op, body, out);
}

static void
put_tags(const struct rdt_apply_want *want, size_t k, struct rdt_buf *body)
{
    const char *name, *value;
    rdt_jout_open(body, "Tags", '[');
    for (size_t i = 0; i < RDT_APPLY_TAGS_N; i++) {
        if (!rdt_apply_tag(want, k, i, &name, &value))
            continue;
        rdt_jout_open(body, NULL, '{');
        rdt_jout_str(body, "TagKey", name);
        rdt_jout_str(body, "TagValue", value);
        rdt_jout_close(body, '}');
    }
    rdt_jout_close(body, ']');
}

static void
put_key_policy(const struct rdt_apply_want *want, size_t k, struct rdt_buf *body)
{
    RDT_BUF policy = {0};
    rdt_apply_key_policy(want, k, &policy);
    rdt_jout_text(body, "Policy", rdt_buf_span(&policy));
    body->failed = body->failed || policy.failed;
}

/* ---- keys ---- */

/* The alias last: until it stands, the tags say whose key it is. */
static enum rdt_code
make_key(struct rdt_remote *remote, struct rdt_apply_have *have, size_t k, const char **id)
{
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    const struct rdt_apply_key *key = &have->want.keys[k];
    begin(&body, "Description", key->description);
    put_key_policy(&have->want, k, &body);
    put_tags(&have->want, k, &body);
    enum rdt_code rc = ask(remote, "kms:CreateKey", &body, &answer);
    if (rc != RDT_OK)
        return rc;
    *id = rdt_node_str(answer, "KeyMetadata.KeyId");
    have->arns[k] = rdt_node_str(answer, "KeyMetadata.Arn");
    if (*id == NULL || have->arns[k] == NULL)
        return rdt_fail(&remote->cli->err, RDT_E_PROTOCOL, "the server names no key id");
    return RDT_OK;
}

static enum rdt_code
set_alias(struct rdt_remote *remote, const char *alias, const char *id)
{
    RDT_BUF body = {0};
    begin(&body, "AliasName", alias);
    rdt_jout_str(&body, "TargetKeyId", id);
    return ask(remote, "kms:CreateAlias", &body, NULL);
}

static enum rdt_code
set_rotation(struct rdt_remote *remote, const char *id, int64_t days)
{
    RDT_BUF body = {0};
    begin(&body, "KeyId", id);
    if (days == 0)
        return ask(remote, "kms:DisableKeyRotation", &body, NULL);
    rdt_jout_int(&body, "RotationPeriodInDays", days);
    return ask(remote, "kms:EnableKeyRotation", &body, NULL);
}

static enum rdt_code
make_ring(struct rdt_remote *remote, const char *id)
{
    RDT_BUF body = {0};
    begin(&body, "KeyId", id);
    return ask(remote, "redoubt:KeyRing", &body, NULL);
}

/* Before a version of the key is destroyed, each of these has to report that it holds none of it.
 */
static enum rdt_code
register_stores(struct rdt_remote *remote, const struct rdt_apply_have *have, size_t k,
                const char *id)
{
    const struct rdt_apply_want *want = &have->want;
    enum rdt_code rc = RDT_OK;
    for (size_t s = 0; rc == RDT_OK && s < want->n_stores; s++) {
        RDT_BUF body = {0};
        if (!rdt_apply_holds(want, k, s) ||
            rdt_apply_has_store(have->keys[k], want->stores[s].name))
            continue;
        begin(&body, "KeyId", id);
        rdt_jout_str(&body, "Store", want->stores[s].name);
        rdt_jout_str(&body, "Kind", want->stores[s].kind);
        rdt_jout_bool(&body, "Declared", true);
        rc = ask(remote, "redoubt:StoreRegister", &body, NULL);
    }
    return rc;
}

static enum rdt_code
set_rest(struct rdt_remote *remote, const struct rdt_apply_want *want, size_t k, const char *id,
         unsigned changes)
{
    RDT_BUF body = {0};
    enum rdt_code rc = RDT_OK;
    if (changes & RDT_APPLY_DESCRIPTION) {
        begin(&body, "KeyId", id);
        rdt_jout_str(&body, "Description", want->keys[k].description);
        rc = ask(remote, "kms:UpdateKeyDescription", &body, NULL);
    }
    if (rc == RDT_OK && (changes & RDT_APPLY_TAGS)) {
        begin(&body, "KeyId", id);
        put_tags(want, k, &body);
        rc = ask(remote, "kms:TagResource", &body, NULL);
    }
    if (rc == RDT_OK && (changes & RDT_APPLY_POLICY)) {
        begin(&body, "KeyId", id);
        put_key_policy(want, k, &body);
        rc = ask(remote, "kms:PutKeyPolicy", &body, NULL);
    }
    return rc;
}

static enum rdt_code
do_key(struct rdt_remote *remote, struct rdt_apply_have *have, size_t k)
{
    const struct rdt_apply_step *step = &have->key_steps[k];
    const struct rdt_apply_key *key = &have->want.keys[k];
    const char *id = rdt_node_str(have->keys[k], "KeyId");
    unsigned changes = step->changes;
    enum rdt_code rc = RDT_OK;
    if (step->action == RDT_APPLY_MAKE) {
        rc = make_key(remote, have, k, &id);
        changes = RDT_APPLY_ALIAS | (key->rotation_days != 0 ? RDT_APPLY_ROTATION : 0u) |
                  (key->tenants ? RDT_APPLY_TENANTS : 0u) | RDT_APPLY_STORES;
    } else if (step->action != RDT_APPLY_CHANGE) {
        return RDT_OK;
    }
    if (rc == RDT_OK)
        rc = set_rest(remote, &have->want, k, id, changes);
    if (rc == RDT_OK && (changes & RDT_APPLY_ROTATION))
        rc = set_rotation(remote, id, key->rotation_days);
    if (rc == RDT_OK && (changes & RDT_APPLY_TENANTS))
        rc = make_ring(remote, id);
    if (rc == RDT_OK && (changes & RDT_APPLY_STORES))
        rc = register_stores(remote, have, k, id);
    if (rc == RDT_OK && (changes & RDT_APPLY_ALIAS))
        rc = set_alias(remote, key->alias, id);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(&remote->cli->err, rc, "key %s", key->id);
}

/* ---- principals ---- */

static enum rdt_code
do_user(struct rdt_remote *remote, struct rdt_apply_have *have, size_t u)
{
    RDT_BUF body = {0};
    RDT_BUF policy = {0};
    const struct rdt_apply_user *user = &have->want.users[u];
    enum rdt_apply_action action = have->user_steps[u].action;
    if (action != RDT_APPLY_MAKE && action != RDT_APPLY_CHANGE)
        return RDT_OK;
    if (!rdt_apply_user_policy(&have->want, u, have->arns, &policy))
        return rdt_fail(&remote->cli->err, RDT_E_STATE,
                        "principal %s: a key that it uses could not be made", user->name);
    begin(&body, "Principal", user->name);
    rdt_jout_text(&body, "Policy", rdt_buf_span(&policy));
    body.failed = body.failed || policy.failed;
    if (action == RDT_APPLY_MAKE)
        rdt_jout_str(&body, "PlanService", user->made_for);
    enum rdt_code rc = ask(
        remote, action == RDT_APPLY_MAKE ? "redoubt:PrincipalCreate" : "redoubt:PrincipalUpdate",
        &body, NULL);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(&remote->cli->err, rc, "principal %s", user->name);
}

/* What one step was refused with: the first is kept, the others are said. */
static void
keep_first(struct rdt_cli *cli, enum rdt_code rc, enum rdt_code *first, struct rdt_err *kept)
{
    if (rc == RDT_OK)
        return;
    if (*first == RDT_OK) {
        *first = rc;
        *kept = cli->err;
    } else {
        rdt_cli_note(cli, "%s", cli->err.text);
    }
    cli->err = (struct rdt_err){0};
}

/* The server said no to one step; anything else would end every further one likewise. */
static bool
is_refusal(enum rdt_code rc)
{
    return rc == RDT_OK || rc == RDT_E_DENIED || rc == RDT_E_NOTFOUND || rc == RDT_E_BADINPUT ||
           rc == RDT_E_STATE || rc == RDT_E_LIMIT;
}

enum rdt_code
rdt_apply_do(struct rdt_remote *remote, struct rdt_apply_have *have)
{
    struct rdt_cli *cli = remote->cli;
    struct rdt_err kept = {0};
    enum rdt_code first = RDT_OK, rc = RDT_OK;
    for (size_t k = 0; is_refusal(rc) && k < have->want.n_keys; k++) {
        rc = do_key(remote, have, k);
        keep_first(cli, rc, &first, &kept);
    }
    for (size_t u = 0; is_refusal(rc) && u < have->want.n_users; u++) {
        rc = do_user(remote, have, u);
        keep_first(cli, rc, &first, &kept);
    }
    if (first != RDT_OK)
        cli->err = kept;
    return first;
}
