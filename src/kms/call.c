#include "kms/call_internal.h"

#include "base/text.h"
#include "kms/op_internal.h"
#include "kms/restore_internal.h"
#include "kms/tenant_internal.h"

#include <stdarg.h>
#include <stdio.h>

#define ACTION_MAX 96           /* bytes of "redoubt:..." */
#define NAMED_MAX ((size_t)160) /* bytes of an identifier that a refusal repeats */

enum rdt_fault
rdt_call_fail(struct rdt_call *call, enum rdt_fault fault, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(call->request->message, sizeof call->request->message, fmt, args);
    va_end(args);
    return fault;
}

/* ---- the state matrix: reference kms.md 2.6 ---- */

/* A DisabledException, B and I KMSInvalidStateException, U UnsupportedOperationException. */
enum cell { OK, DISABLED, PENDING, IMPORT, NOT_PENDING, UNSUPPORTED };

static const enum cell matrix[RDT_NSTATES][5] = {
  /*                       -   Enabled      Disabled     PendingDeletion PendingImport */
    [RDT_STATES_ALL] = {OK, OK,          OK,          OK,          OK         },
    [RDT_STATES_USE] = {OK, OK,          DISABLED,    PENDING,     IMPORT     },
    [RDT_STATES_ROTATION] = {OK, OK,          DISABLED,    PENDING,     UNSUPPORTED},
    [RDT_STATES_ABLE] = {OK, OK,          OK,          PENDING,     IMPORT     },
    [RDT_STATES_EDIT] = {OK, OK,          OK,          PENDING,     OK         },
    [RDT_STATES_CANCEL] = {OK, NOT_PENDING, NOT_PENDING, OK,          NOT_PENDING},
    [RDT_STATES_EXTERNAL] = {OK, UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, OK         },
};

static const struct {
    enum rdt_fault fault;
    const char *words;
} cells[] = {
    [OK] = {RDT_FAULT_NONE,          ""                                             },
    [DISABLED] = {RDT_FAULT_DISABLED,      "%s is disabled."                              },
    [PENDING] = {RDT_FAULT_INVALID_STATE, "%s is pending deletion."                      },
    [IMPORT] = {RDT_FAULT_INVALID_STATE, "%s is pending import."                        },
    [NOT_PENDING] = {RDT_FAULT_INVALID_STATE, "%s is not pending deletion."                  },
    [UNSUPPORTED] = {RDT_FAULT_UNSUPPORTED,   "%s: its origin does not allow this operation."},
};

enum rdt_fault
rdt_call_state(struct rdt_call *call, const struct rdt_key *key, enum rdt_op_states states)
{
    /* a suspended key is Disabled to all who ask */
    bool stopped = key->suspended && key->state == RDT_KEY_ENABLED;
    enum cell cell = matrix[states][stopped ? RDT_KEY_DISABLED : key->state];
    if (cell == OK)
        return RDT_FAULT_NONE;
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, key->id, arn);
    return rdt_call_fail(call, cells[cell].fault, cells[cell].words, arn);
}

/* ---- who may do what ---- */

static size_t
resource_aliases(const void *user, struct rdt_span *out, size_t max)
{
    const struct rdt_call *call = user;
    struct rdt_span id = {0};
    const struct rdt_key_alias *alias;
    size_t n = 0;
    while (call->key != NULL && n < max &&
           (alias = rdt_view_key_alias(call->view, call->key->id, &id)) != NULL)
        out[n++] = rdt_span_str(alias->name);
    return n;
}

static bool
resource_tag(const void *user, struct rdt_span key, struct rdt_span *value)
{
    const struct rdt_call *call = user;
    return call->key != NULL && rdt_pairs_find(rdt_bytes_span(&call->key->tags), key, value);
}

static const char *
action_name(const struct rdt_op *op, const char *action, char out[static ACTION_MAX])
{
    const char *prefix = op->front == RDT_FRONT_AWS ? "kms:" : "redoubt:";
    size_t n = rdt_text_put(out, ACTION_MAX, 0, prefix);
    (void)rdt_text_put(out, ACTION_MAX, n, action == NULL ? op->name : action);
    return out;
}

static int
same_key(const struct rdt_call *call)
{
    if (call->op->key != RDT_KEY_OWN || call->key == NULL)
        return -1;
    static const uint8_t none[16];
    const struct note *note = &call->note;
    if (rdt_same((struct rdt_span){note->key2, 16}, (struct rdt_span){none, 16}))
        return -1;
    return rdt_same((struct rdt_span){note->key, 16}, (struct rdt_span){note->key2, 16}) ? 1 : 0;
}

/*
 * Redoubt's own operations on a key. Policies written for AWS cannot name them: where a key's
 * policy lets kms:NAME pass (so kms:*), the caller's own policy decides about redoubt:NAME; a deny
 * of either name holds. One that names redoubt:NAME is followed as it is.
 */
static bool
decide_own(const struct rdt_policy *policy, const struct rdt_policy *own_policy,
           const struct rdt_policy_ask *ask)
{
    struct rdt_policy_ask as_kms = *ask;
    char name[ACTION_MAX];
    const char *colon = memchr(ask->action.p, ':', ask->action.n);
    int n = colon == NULL
                ? -1
                : snprintf(name, sizeof name, "kms%.*s",
                           (int)(ask->action.n - (size_t)(colon - (char *)ask->action.p)), colon);
    if (n < 0 || (size_t)n >= sizeof name)
        return false;
    as_kms.action = rdt_span_str(name);
    enum rdt_policy_answer own = rdt_policy_ask(policy, ask), kms = rdt_policy_ask(policy, &as_kms);
    enum rdt_policy_answer identity =
        own_policy == NULL ? RDT_POLICY_SILENT : rdt_policy_ask(own_policy, ask);
    if (own == RDT_POLICY_DENY || kms == RDT_POLICY_DENY || identity == RDT_POLICY_DENY)
        return false;
    return own == RDT_POLICY_ALLOW || (identity == RDT_POLICY_ALLOW &&
                                       (own == RDT_POLICY_DELEGATE || kms != RDT_POLICY_SILENT));
}

/* ---- what a policy may ask about a request ---- */

static struct rdt_span
text_or(const struct rdt_call *call, const char *member, const char *otherwise)
{
    struct rdt_span text = rdt_in_text(call, member);
    return text.n != 0 ? text : rdt_span_str(otherwise);
}

/* kms:KeySpec and its kin: of the key, or of the one that the request would make. */
static void
ask_kind(const struct rdt_call *call, const struct rdt_key *key, struct rdt_policy_ask *ask)
{
    if (key != NULL) {
        ask->key_spec = rdt_span_str("SYMMETRIC_DEFAULT");
        ask->key_usage = rdt_span_str("ENCRYPT_DECRYPT");
        ask->key_origin = rdt_span_str(key->origin == RDT_ORIGIN_EXTERNAL ? "EXTERNAL" : "AWS_KMS");
    } else if (call->op->key == RDT_KEY_NEW) {
        struct rdt_span old_name = text_or(call, "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT");
        ask->key_spec = rdt_in_has(call, "KeySpec") ? rdt_in_text(call, "KeySpec") : old_name;
        ask->key_usage = text_or(call, "KeyUsage", "ENCRYPT_DECRYPT");
        ask->key_origin = text_or(call, "Origin", "AWS_KMS");
    }
}

/*
 * aws:RequestTag and aws:TagKeys: tags to be set have values, those to be removed have none. A
 * request with more than TAGS_MAX is refused by its handler whatever a policy said of the first.
 */
static void
ask_tags(const struct rdt_call *call, struct rdt_span names[static TAGS_MAX],
         struct rdt_span values[static TAGS_MAX], struct rdt_policy_ask *ask)
{
    uint32_t set = rdt_in_token(call, "Tags"), unset = rdt_in_token(call, "TagKeys");
    uint32_t list = set != 0 ? set : unset;
    if (call->op->cls != RDT_OP_WRITE || list == 0)
        return;
    uint32_t count = call->in->tok[list].count, at = list + 1;
    for (uint32_t i = 0; i < count && i < TAGS_MAX; i++, at = call->in->tok[at].next) {
        names[i] = rdt_jspan(call->in, set != 0 ? rdt_jget(call->in, at, "TagKey") : at);
        values[i] = set != 0 ? rdt_jspan(call->in, rdt_jget(call->in, at, "TagValue"))
                             : (struct rdt_span){0};
        ask->n_request_tags++;
    }
    ask->request_tag_keys = names;
    ask->request_tag_values = set != 0 ? values : NULL;
}

/* kms:ScheduleKeyDeletionPendingWindowInDays: what the call would use, also when it is not given.
 */
static int64_t
ask_window(const struct rdt_call *call, const struct rdt_key *key)
{
    if (key == NULL || call->op->run != rdt_op_schedule_key_deletion)
        return 0;
    return rdt_in_int(call, "PendingWindowInDays", rdt_deletion_window(key));
}

bool
rdt_call_allowed(struct rdt_call *call, const char *action, const struct rdt_key *key,
                 struct rdt_span resource, const struct rdt_context *context)
{
    struct rdt_span names[TAGS_MAX], values[TAGS_MAX];
    if (call->request->caller.internal)
        return true;
    if (call->principal == NULL || call->principal->disabled)
        return false;
    if (key != NULL && key->policy != NULL && key->compiled == NULL)
        return false; /* being changed in this very call: nothing may be decided by it yet */
    char name[ACTION_MAX], arn[ARN_TEXT];
    if (key != NULL) {
        rdt_key_arn(call->kms, key->id, arn);
        resource = rdt_span_str(arn);
    }
    const struct rdt_key *before = call->key;
    call->key = key; /* what the callbacks look at */
    struct rdt_policy_ask ask = {
        .action = rdt_span_str(action_name(call->op, action, name)),
        .resource = resource,
        .principal = rdt_span_str(call->request->caller.arn),
        .account = rdt_span_str(call->kms->account),
        .request_alias = call->alias,
        .source_ip = rdt_span_str(call->request->caller.source),
        .now_s = call->request->now_ms / 1000,
        .pending_window_days = ask_window(call, key),
        .reencrypt_same_key = same_key(call),
        .secure_transport = true,
        .bypass_lockout_check = rdt_in_bool(call, "BypassPolicyLockoutSafetyCheck"),
        .resource_aliases = resource_aliases,
        .resource_tag = resource_tag,
        .user = call,
    };
    ask_kind(call, key, &ask);
    ask_tags(call, names, values, &ask);
    if (context != NULL) {
        ask.context_keys = context->keys;
        ask.context_values = context->values;
        ask.n_context = context->n;
    }
    const struct rdt_policy *policy = key == NULL             ? NULL
                                      : key->compiled != NULL ? key->compiled
                                                              : call->kms->default_policy;
    bool allowed = key != NULL && call->op->front == RDT_FRONT_OWN
                       ? decide_own(policy, call->principal->compiled, &ask)
                       : rdt_policy_decide(policy, call->principal->compiled, &ask);
    call->key = before;
    return allowed;
}

bool
rdt_call_could(struct rdt_call *call, const struct rdt_principal *principal, const char *action,
               const struct rdt_key *key)
{
    char arn[ARN_TEXT], caller[RDT_CALLER_TEXT];
    if (principal->disabled)
        return false;
    rdt_key_arn(call->kms, key->id, arn);
    rdt_principal_arn(call->kms, principal->name, caller);
    struct rdt_policy_ask ask = {
        .action = rdt_span_str(action),
        .resource = rdt_span_str(arn),
        .principal = rdt_span_str(caller),
        .account = rdt_span_str(call->kms->account),
        .reencrypt_same_key = -1,
        .any_condition = true,
    };
    const struct rdt_policy *policy =
        key->policy == NULL ? call->kms->default_policy : key->compiled;
    if (policy == NULL)
        return true; /* it cannot be told, so it must not be ruled out */
    return strncmp(action, "kms:", 4) == 0 ? rdt_policy_decide(policy, principal->compiled, &ask)
                                           : decide_own(policy, principal->compiled, &ask);
}

static enum rdt_fault
refused(struct rdt_call *call, const char *action, const char *resource)
{
    char name[ACTION_MAX];
    return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                         "User: %s is not authorized to perform: %s on resource: %s",
                         call->request->caller.arn, action_name(call->op, action, name), resource);
}

/*
 * A key as the caller named it: what it says must not depend on whether there is such a key, nor
 * tell which one an alias means.
 */
static void
as_named(const struct rdt_call *call, struct rdt_span id, char out[static ARN_TEXT])
{
    static const char arn[] = "arn:", alias[] = "alias/";
    const char *before = call->kms->arn_prefix, *kind = "key/";
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] <= ' ' || id.p[i] > '~')
            id.n = 0; /* names nothing */
    if (id.n == 0 || id.n > NAMED_MAX) {
        (void)rdt_text_put(out, ARN_TEXT, 0, "*");
        return;
    }
    if (id.n >= sizeof arn - 1 && rdt_span_is((struct rdt_span){id.p, sizeof arn - 1}, arn))
        before = kind = "";
    else if (id.n >= sizeof alias - 1 &&
             rdt_span_is((struct rdt_span){id.p, sizeof alias - 1}, alias))
        kind = "";
    snprintf(out, ARN_TEXT, "%s%s%.*s", before, kind, RDT_FMT(id));
}

enum rdt_fault
rdt_call_key(struct rdt_call *call, struct rdt_span id, const char *action,
             const struct rdt_context *context, const struct rdt_key **out)
{
    struct rdt_span alias;
    char named[ARN_TEXT];
    bool any = call->op->key == RDT_KEY_ANY || call->op->cls == RDT_OP_DATA ||
               (call->op->key == RDT_KEY_OWN && call->op->front == RDT_FRONT_OWN);
    enum rdt_fault fault = rdt_arn_key(call, id, any, out, &alias);
    if (fault != RDT_FAULT_NONE) {
        /* who may not use such a key does not learn whether it exists */
        if (rdt_call_allowed(call, action, NULL, rdt_span_str("*"), context))
            return fault;
        as_named(call, id, named);
        return refused(call, action, named);
    }
    call->alias = alias;
    if (!rdt_call_allowed(call, action, *out, (struct rdt_span){0}, context)) {
        as_named(call, id, named);
        return refused(call, action, named);
    }
    fault = rdt_call_state(call, *out, call->op->states);
    /* whoever may use a key and finds it on its way out shows that something is left under it; a
     * tenant's key is used by whoever it is exported to */
    bool uses = call->op->cls == RDT_OP_DATA || call->op->run == rdt_op_kek_export;
    if (fault != RDT_FAULT_NONE && uses && !rdt_in_bool(call, "DryRun"))
        rdt_usage_refused_key(call->thread->usage, *out);
    return fault;
}

/* ---- one call ---- */

static enum rdt_fault
about_key(struct rdt_call *call)
{
    if (call->op->key == RDT_KEY_OWN)
        return RDT_FAULT_NONE; /* the handler asks */
    if (call->op->key == RDT_KEY_NONE || call->op->key == RDT_KEY_NEW)
        return rdt_call_allowed(call, NULL, NULL, rdt_span_str("*"), call->context)
                   ? RDT_FAULT_NONE
                   : refused(call, NULL, "*");
    const struct rdt_key *key = NULL;
    const char *member = call->op->key == RDT_KEY_TARGET ? "TargetKeyId" : "KeyId";
    enum rdt_fault fault = rdt_call_key(call, rdt_in_text(call, member), NULL, call->context, &key);
    if (key != NULL) /* a refused call has its key in the record, too */
        memcpy(call->note.key, key->id, sizeof key->id);
    if (fault == RDT_FAULT_NONE)
        call->key = key;
    return fault;
}

enum rdt_fault
rdt_call_dry_run(struct rdt_call *call)
{
    if (!rdt_in_bool(call, "DryRun"))
        return RDT_FAULT_NONE;
    call->note.dry_run = true;
    return rdt_call_fail(call, RDT_FAULT_DRY_RUN,
                         "The request would have succeeded, but the DryRun option is set.");
}

enum rdt_fault
rdt_call_run(struct rdt_call *call)
{
    if (call->op->cls == RDT_OP_UNSUPPORTED)
        return rdt_call_fail(call, RDT_FAULT_UNSUPPORTED, "%s is not offered by this service",
                             call->op->name);
    enum rdt_fault fault = rdt_input_check(call);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (!rdt_quarantine_lets(call))
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE,
                             "the service was restored and stands in quarantine: %s",
                             rdt_quarantine_why(call->view));
    if (rdt_in_has(call, "EncryptionContext")) {
        fault = rdt_in_context(call, "EncryptionContext", &call->thread->context);
        if (fault != RDT_FAULT_NONE)
            return fault;
        call->context = &call->thread->context;
    }
    if (rdt_in_has(call, "Recipient"))
        return rdt_call_fail(call, RDT_FAULT_UNSUPPORTED, "attested recipients are not offered");
    fault = about_key(call);
    if (fault != RDT_FAULT_NONE)
        return fault;
    return call->op->run(call);
}
