/*
 * Aliases: names for keys, which may be moved to another key.
 */
#include "kms/call_internal.h"
#include "kms/op_internal.h"

#include <stdio.h>

#define ALIASES_OF_KEY_MAX 50

static enum rdt_fault
check_name(struct rdt_call *call, struct rdt_span name)
{
    struct rdt_span head = {name.p, name.n < 6 ? name.n : 6};
    struct rdt_span reserved = {name.p, name.n < 10 ? name.n : 10};
    if (!rdt_span_is(head, "alias/") || name.n == 6)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "Invalid identifier: an alias name begins with alias/");
    if (rdt_span_is(reserved, "alias/aws/"))
        return rdt_call_fail(call, RDT_FAULT_INVALID_ALIAS_NAME, "alias/aws/ is reserved");
    for (size_t i = 0; i < name.n; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/_-",
                   name.p[i]) == NULL)
            return rdt_call_fail(
                call, RDT_FAULT_VALIDATION,
                "1 validation error detected: Value at 'aliasName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$");
    return RDT_FAULT_NONE;
}

static void
alias_arn(const struct rdt_call *call, struct rdt_span name, char out[static RDT_STORE_ID_MAX])
{
    snprintf(out, RDT_STORE_ID_MAX, "%s%.*s", call->kms->arn_prefix, RDT_FMT(name));
}

/* The rights that these operations need: one on the alias, one on each key. */
static enum rdt_fault
may_alias(struct rdt_call *call, struct rdt_span name)
{
    char arn[RDT_STORE_ID_MAX];
    alias_arn(call, name, arn);
    if (rdt_call_allowed(call, NULL, NULL, rdt_span_str(arn), NULL))
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                         "User: %s is not authorized to perform: kms:%s on resource: %s",
                         call->request->caller.arn, call->op->name, arn);
}

static bool
is_of(const struct rdt_alias *alias, const struct rdt_key *key)
{
    return rdt_span_eq((struct rdt_span){alias->key, 16}, (struct rdt_span){key->id, 16});
}

static size_t
count_of(struct rdt_call *call, const struct rdt_key *key)
{
    struct rdt_span id = {0};
    size_t n = 0;
    while (rdt_view_key_alias(call->view, key->id, &id) != NULL)
        n++;
    return n;
}

/* The id under which an alias is found from its key. */
struct of_key {
    uint8_t bytes[RDT_STORE_ID_MAX];
    struct rdt_span id;
};

static struct rdt_span
of_key(const uint8_t key[static 16], struct rdt_span name, struct of_key *out)
{
    memcpy(out->bytes, key, 16);
    memcpy(out->bytes + 16, name.p, name.n); /* at most 256 bytes: the member's bound */
    return out->id = (struct rdt_span){out->bytes, 16 + name.n};
}

static bool
add_to_key(struct rdt_tx *tx, const uint8_t key[static 16], struct rdt_span name)
{
    struct of_key at;
    struct rdt_key_alias *row = rdt_tx_add(tx, RDT_KIND_KEY_ALIAS, of_key(key, name, &at));
    if (row == NULL || !rdt_text_set(&row->name, name))
        return false;
    memcpy(row->key, key, sizeof row->key);
    return true;
}

static bool
take_from_key(struct rdt_tx *tx, const uint8_t key[static 16], struct rdt_span name)
{
    struct of_key at;
    return rdt_tx_remove(tx, RDT_KIND_KEY_ALIAS, of_key(key, name, &at));
}

static void
note_alias(struct rdt_call *call, struct rdt_span name)
{
    rdt_pairs_add(&call->note.parameters, rdt_span_str("aliasName"), name);
}

enum rdt_fault
rdt_op_create_alias(struct rdt_call *call)
{
    struct rdt_span name = rdt_in_text(call, "AliasName");
    enum rdt_fault fault = check_name(call, name);
    if (fault == RDT_FAULT_NONE)
        fault = may_alias(call, name);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note_alias(call, name);
    if (rdt_view_get(call->view, RDT_KIND_ALIAS, name) != NULL)
        return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS,
                             "An alias with the name %s%.*s already exists", call->kms->arn_prefix,
                             RDT_FMT(name));
    if (count_of(call, call->key) >= ALIASES_OF_KEY_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED, "a key has at most %d aliases",
                             ALIASES_OF_KEY_MAX);
    struct rdt_alias *alias = rdt_tx_add(call->tx, RDT_KIND_ALIAS, name);
    if (alias == NULL || !rdt_text_set(&alias->name, name))
        return rdt_out_of_memory(call);
    memcpy(alias->key, call->key->id, sizeof alias->key);
    alias->created_ms = alias->updated_ms = call->request->now_ms;
    return add_to_key(call->tx, alias->key, name) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

static enum rdt_fault
find(struct rdt_call *call, struct rdt_span name, const struct rdt_alias **out)
{
    enum rdt_fault fault = check_name(call, name);
    if (fault == RDT_FAULT_NONE)
        fault = may_alias(call, name);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note_alias(call, name);
    *out = rdt_view_get(call->view, RDT_KIND_ALIAS, name);
    if (*out != NULL)
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "Alias %s%.*s is not found.",
                         call->kms->arn_prefix, RDT_FMT(name));
}

/* The right on the key that an alias leaves or loses: its state does not matter. */
static enum rdt_fault
may_leave(struct rdt_call *call, const struct rdt_alias *alias)
{
    const struct rdt_key *key = rdt_view_key(call->view, alias->key);
    char arn[RDT_STORE_ID_MAX];
    if (key == NULL || rdt_call_allowed(call, NULL, key, (struct rdt_span){0}, NULL))
        return RDT_FAULT_NONE;
    alias_arn(call, rdt_span_str(alias->name), arn); /* not which key it means */
    return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                         "User: %s is not authorized to perform: kms:%s on the key of: %s",
                         call->request->caller.arn, call->op->name, arn);
}

enum rdt_fault
rdt_op_update_alias(struct rdt_call *call)
{
    struct rdt_span name = rdt_in_text(call, "AliasName");
    const struct rdt_alias *alias;
    const struct rdt_key *key;
    enum rdt_fault fault = find(call, name, &alias);
    if (fault == RDT_FAULT_NONE)
        fault = may_leave(call, alias);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_call_key(call, rdt_in_text(call, "TargetKeyId"), NULL, NULL, &key);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_call_state(call, key, RDT_STATES_EDIT);
    if (fault != RDT_FAULT_NONE)
        return fault;
    memcpy(call->note.key, key->id, sizeof key->id);
    if (is_of(alias, key))
        return RDT_FAULT_NONE;
    if (count_of(call, key) >= ALIASES_OF_KEY_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED, "a key has at most %d aliases",
                             ALIASES_OF_KEY_MAX);
    struct rdt_alias *moved = rdt_tx_edit(call->tx, RDT_KIND_ALIAS, name);
    if (moved == NULL || !take_from_key(call->tx, moved->key, name) ||
        !add_to_key(call->tx, key->id, name))
        return rdt_out_of_memory(call);
    memcpy(moved->key, key->id, sizeof moved->key);
    moved->updated_ms = call->request->now_ms;
    return RDT_FAULT_NONE;
}

bool
rdt_alias_drop(struct rdt_tx *tx, const struct rdt_alias *alias)
{
    struct rdt_span name = rdt_span_str(alias->name);
    return take_from_key(tx, alias->key, name) && rdt_tx_remove(tx, RDT_KIND_ALIAS, name);
}

bool
rdt_alias_drop_all(struct rdt_tx *tx, const uint8_t key[static 16])
{
    struct rdt_view view = rdt_tx_view(tx);
    const struct rdt_key_alias *name;
    struct rdt_span id = {0};
    while ((name = rdt_view_key_alias(view, key, &id)) != NULL) {
        const struct rdt_alias *alias =
            rdt_view_get(view, RDT_KIND_ALIAS, rdt_span_str(name->name));
        if (alias == NULL || !rdt_alias_drop(tx, alias))
            return false;
        id = (struct rdt_span){0}; /* what it was borrowed from is gone */
    }
    return true;
}

enum rdt_fault
rdt_op_delete_alias(struct rdt_call *call)
{
    struct rdt_span name = rdt_in_text(call, "AliasName");
    const struct rdt_alias *alias;
    enum rdt_fault fault = find(call, name, &alias);
    if (fault == RDT_FAULT_NONE)
        fault = may_leave(call, alias);
    if (fault != RDT_FAULT_NONE)
        return fault;
    memcpy(call->note.key, alias->key, sizeof alias->key);
    return rdt_alias_drop(call->tx, alias) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

static void
put_alias(struct rdt_call *call, const struct rdt_alias *alias)
{
    struct rdt_buf *out = call->request->out;
    char arn[RDT_STORE_ID_MAX];
    alias_arn(call, rdt_span_str(alias->name), arn);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "AliasName", alias->name);
    rdt_jout_str(out, "AliasArn", arn);
    rdt_jout_uuid(out, "TargetKeyId", alias->key);
    rdt_jout_time(out, "CreationDate", alias->created_ms);
    rdt_jout_time(out, "LastUpdatedDate", alias->updated_ms);
    rdt_jout_close(out, '}');
}

/* Of all keys or of one; id: of the row that the walk is at, which differs between the two. */
static const struct rdt_alias *
next_alias(struct rdt_call *call, const struct rdt_key *key, struct rdt_span *id)
{
    if (key == NULL)
        return rdt_view_next(call->view, RDT_KIND_ALIAS, *id, id);
    const struct rdt_key_alias *of = rdt_view_key_alias(call->view, key->id, id);
    return of == NULL ? NULL : rdt_view_get(call->view, RDT_KIND_ALIAS, rdt_span_str(of->name));
}

enum rdt_fault
rdt_op_list_aliases(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_key *key = NULL;
    struct page page;
    struct rdt_span last = {0};
    int64_t n = 0;
    bool more = false;
    enum rdt_fault fault = RDT_FAULT_NONE;
    if (rdt_in_has(call, "KeyId"))
        fault = rdt_call_key(call, rdt_in_text(call, "KeyId"), NULL, NULL, &key);
    else if (!rdt_call_allowed(call, NULL, NULL, rdt_span_str("*"), NULL))
        fault =
            rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                          "User: %s is not authorized to perform: kms:ListAliases on resource: *",
                          call->request->caller.arn);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_page_begin(call, 50, 100, &page);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_span id = {page.after, page.after_n};
    const struct rdt_alias *alias;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_open(out, "Aliases", '[');
    while ((alias = next_alias(call, key, &id)) != NULL) {
        more = n == page.limit;
        if (more)
            break;
        put_alias(call, alias);
        last = id;
        n++;
    }
    rdt_jout_close(out, ']');
    rdt_page_end(call, last, more);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}
