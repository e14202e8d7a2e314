/*
 * Principals, their credentials and certificates. A principal is who a policy speaks about; it
 * belongs to one person or is a service. A secret access key is shown once, when it is made.
 */
#include "codec/base64.h"
#include "kms/approval_internal.h"
#include "kms/op_internal.h"

#include <stdio.h>

#define KEY_ID_PREFIX "RDTA"
#define KEY_ID_RANDOM 16 /* characters after the prefix: 80 bits */
#define SECRET_RANDOM 30 /* bytes: 40 characters of base64 */
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-"
#define DAY_MS ((int64_t)86400000)

static bool
good_name(struct rdt_span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (strchr(NAME_CHARACTERS, name.p[i]) == NULL)
            return false;
    return name.n != 0;
}

/* Principals are few: a name is looked for among all of them. */
const struct rdt_principal *
rdt_principal_named(struct rdt_view view, struct rdt_span name)
{
    struct rdt_span id = {0};
    const struct rdt_principal *principal;
    while ((principal = rdt_view_next(view, RDT_KIND_PRINCIPAL, id, &id)) != NULL)
        if (rdt_span_is(name, principal->name))
            return principal;
    return NULL;
}

static enum rdt_fault
find(struct rdt_call *call, const struct rdt_principal **out)
{
    *out = rdt_principal_named(call->view, rdt_in_text(call, "Principal"));
    if (*out != NULL)
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such principal");
}

static void
note(struct rdt_call *call, const char *name, struct rdt_span value)
{
    rdt_pairs_add(&call->note.parameters, rdt_span_str(name), value);
}

/* The policy of the input, compiled; the caller frees it. */
static enum rdt_fault
compile(struct rdt_call *call, struct rdt_policy **policy)
{
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_policy_compile(RDT_POLICY_IDENTITY, rdt_in_text(call, "Policy"),
                                          call->kms->account, policy, &err);
    if (rc == RDT_E_NOMEM)
        return rdt_out_of_memory(call);
    return rc == RDT_OK ? RDT_FAULT_NONE
                        : rdt_call_fail(call, RDT_FAULT_MALFORMED_POLICY, "%s", err.text);
}

static enum rdt_fault
set_policy(struct rdt_call *call, struct rdt_principal *principal)
{
    struct rdt_policy *policy = NULL;
    struct rdt_span document = rdt_in_text(call, "Policy");
    if (document.n == 0)
        return RDT_FAULT_NONE;
    enum rdt_fault fault = compile(call, &policy);
    rdt_policy_free(policy);
    if (fault != RDT_FAULT_NONE)
        return fault;
    return rdt_text_set(&principal->policy, document) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

/* ---- where there is a quorum it decides who may do more ---- */

/* What a call asks for that is the quorum's to give. */
struct more {
    bool widens, enables, moves; /* may do more; is enabled again; becomes another person's */
};

/* now: the principal as it is; NULL: a new one. */
static enum rdt_fault
what_more(struct rdt_call *call, const struct rdt_principal *now, struct more *out)
{
    struct rdt_policy *policy = NULL;
    enum rdt_fault fault = rdt_in_has(call, "Policy") ? compile(call, &policy) : RDT_FAULT_NONE;
    out->widens = policy != NULL && (now == NULL || now->compiled == NULL ||
                                     rdt_policy_widens(now->compiled, policy));
    rdt_policy_free(policy);
    if (now == NULL)
        return fault;
    out->enables = now->disabled && rdt_in_bool(call, "Enabled");
    out->moves = rdt_in_has(call, "Person") &&
                 !rdt_span_is(rdt_in_text(call, "Person"), now->person == NULL ? "" : now->person);
    return fault;
}

/* What is signed says whose the principal then is, also where that stays as it was. */
static void
put_more(struct rdt_call *call, const struct rdt_principal *now, const struct more *more,
         struct rdt_buf *out)
{
    struct rdt_span person = rdt_in_text(call, "Person");
    if (now != NULL && !more->moves && now->person != NULL)
        person = rdt_span_str(now->person);
    if (more->enables)
        rdt_pairs_add(out, rdt_span_str("Enabled"), rdt_span_str("true"));
    if (person.n != 0 || more->moves)
        rdt_pairs_add(out, rdt_span_str("Person"), person);
    if (more->widens)
        rdt_pairs_add(out, rdt_span_str("Policy"), rdt_in_text(call, "Policy"));
    rdt_pairs_add(out, rdt_span_str("Principal"), rdt_in_text(call, "Principal"));
}

/*
 * Approvals rest on who is which person, so a person is not exchanged alone either. Who holds the
 * folder and its root is not asked: that is how a service gets its administrator back.
 */
static enum rdt_fault
gate(struct rdt_call *call, const struct rdt_principal *now)
{
    RDT_BUF parameters = {0};
    struct more more = {0};
    if (call->request->caller.internal || !rdt_approvals_on(call->view))
        return RDT_FAULT_NONE;
    enum rdt_fault fault = what_more(call, now, &more);
    if (fault != RDT_FAULT_NONE || (!more.widens && !more.enables && !more.moves))
        return fault;
    put_more(call, now, &more, &parameters);
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    const char *operation = now == NULL ? "principal-create" : "principal-update";
    return rdt_approval_gate(call,
                             &(struct approval_about){operation, rdt_buf_span(&parameters), NULL});
}

static void
put_members(struct rdt_call *call, const struct rdt_principal *principal)
{
    struct rdt_buf *out = call->request->out;
    char arn[RDT_CALLER_TEXT];
    rdt_principal_arn(call->kms, principal->name, arn);
    rdt_jout_str(out, "Principal", principal->name);
    rdt_jout_str(out, "Arn", arn);
    rdt_jout_str(out, "Person", principal->person);
    rdt_jout_bool(out, "Enabled", !principal->disabled);
    rdt_jout_bool(out, "HasPolicy", principal->policy != NULL);
    rdt_jout_time(out, "CreationDate", principal->created_ms);
    rdt_jout_str(out, "PlanService", principal->plan_service);
}

static void
put_principal(struct rdt_call *call, const void *row)
{
    const struct rdt_principal *principal = row;
    rdt_jout_open(call->request->out, NULL, '{');
    put_members(call, principal);
    rdt_jout_close(call->request->out, '}');
}

static enum rdt_fault
principal_create(struct rdt_call *call)
{
    struct rdt_span name = rdt_in_text(call, "Principal");
    uint8_t id[16];
    if (!good_name(name))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "a principal's name has 1 to 64 of letters, digits and +=,.@_-");
    note(call, "principal", name);
    if (rdt_principal_named(call->view, name) != NULL)
        return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS, "there is a principal with this name");
    enum rdt_fault fault = gate(call, NULL);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_kms_request_id(call->thread, id);
    struct rdt_principal *principal =
        rdt_tx_add(call->tx, RDT_KIND_PRINCIPAL, (struct rdt_span){id, sizeof id});
    if (principal == NULL || !rdt_text_set(&principal->name, name) ||
        !rdt_text_set(&principal->person, rdt_in_text(call, "Person")) ||
        !rdt_text_set(&principal->plan_service, rdt_in_text(call, "PlanService")))
        return rdt_out_of_memory(call);
    memcpy(principal->id, id, sizeof id);
    principal->created_ms = call->request->now_ms;
    fault = set_policy(call, principal);
    if (fault == RDT_FAULT_NONE)
        put_principal(call, principal);
    return fault;
}

/* Policy, Person and Enabled; what is not given stays. */
static enum rdt_fault
principal_update(struct rdt_call *call)
{
    const struct rdt_principal *now;
    enum rdt_fault fault = find(call, &now);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note(call, "principal", rdt_span_str(now->name));
    fault = gate(call, now);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_principal *principal =
        rdt_tx_edit(call->tx, RDT_KIND_PRINCIPAL, (struct rdt_span){now->id, sizeof now->id});
    if (principal == NULL)
        return rdt_out_of_memory(call);
    if (rdt_in_has(call, "Person") &&
        !rdt_text_set(&principal->person, rdt_in_text(call, "Person")))
        return rdt_out_of_memory(call);
    if (rdt_in_has(call, "Enabled"))
        principal->disabled = !rdt_in_bool(call, "Enabled");
    if (rdt_in_has(call, "Enabled"))
        note(call, "enabled", rdt_span_str(principal->disabled ? "false" : "true"));
    if (rdt_in_has(call, "Policy")) /* its text is too long for the log; a restore asks for this */
        note(call, "policy", rdt_span_str("replaced"));
    fault = set_policy(call, principal);
    if (fault == RDT_FAULT_NONE)
        put_principal(call, principal);
    return fault;
}

static enum rdt_fault
principal_list(struct rdt_call *call)
{
    return rdt_page_rows(call, "Principals", RDT_KIND_PRINCIPAL, 100, 1000, put_principal);
}

static enum rdt_fault
principal_get_policy(struct rdt_call *call)
{
    const struct rdt_principal *principal;
    enum rdt_fault fault = find(call, &principal);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_jout_open(call->request->out, NULL, '{');
    rdt_jout_str(call->request->out, "Principal", principal->name);
    rdt_jout_str(call->request->out, "Policy", principal->policy);
    rdt_jout_close(call->request->out, '}');
    return RDT_FAULT_NONE;
}

/* ---- credentials ---- */

static bool
new_key_id(struct rdt_call *call, char out[static 40])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t random[KEY_ID_RANDOM];
    size_t at = sizeof KEY_ID_PREFIX - 1;
    if (rdt_random(call->thread->worker, random, sizeof random, NULL) != RDT_OK)
        return false;
    memcpy(out, KEY_ID_PREFIX, at);
    for (size_t i = 0; i < sizeof random; i++)
        out[at++] = alphabet[random[i] % 32];
    out[at] = '\0';
    return true;
}

/* A secret of 40 characters in the thread's plain, cleared by the caller. */
static enum rdt_fault
new_secret(struct rdt_call *call, struct rdt_credential *credential)
{
    RDT_SECRET secret = {0};
    struct rdt_secret *plain = &call->thread->plain;
    const struct rdt_site *site = rdt_view_site(call->view);
    struct wrap_at at = {
        .kind = RDT_KIND_CREDENTIAL, .id = rdt_span_str(credential->key_id), .purpose = "secret"};
    if (rdt_secret_new(&secret, rdt_base64_len(SECRET_RANDOM), NULL) != RDT_OK ||
        rdt_random(call->thread->worker, plain->p, SECRET_RANDOM, NULL) != RDT_OK)
        return rdt_out_of_memory(call);
    rdt_base64_put((struct rdt_span){plain->p, SECRET_RANDOM}, (char *)secret.p);
    credential->domain = site->domain;
    if (rdt_wrap_put(call->kms, call->thread->worker, &at, &secret, site->domain,
                     &credential->wrapped) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "the credential could not be wrapped");
    memcpy(plain->p, secret.p, secret.n);
    return RDT_FAULT_NONE;
}

/*
 * Who may make keys for another person's principal could ask for approvals in that person's name,
 * and sign them in his own: the quorum decides. Services are nobody's name.
 */
static enum rdt_fault
may_give(struct rdt_call *call, const struct rdt_principal *principal)
{
    RDT_BUF parameters = {0};
    const char *person = principal->person;
    if (call->request->caller.internal || person == NULL || person[0] == '\0' ||
        !rdt_approvals_on(call->view) ||
        (call->principal != NULL && rdt_same_person(person, call->principal->person)))
        return RDT_FAULT_NONE;
    rdt_pairs_add(&parameters, rdt_span_str("Principal"), rdt_span_str(principal->name));
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    return rdt_approval_gate(
        call, &(struct approval_about){"credential-give", rdt_buf_span(&parameters), NULL});
}

static enum rdt_fault
credential_create(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_principal *principal;
    char key_id[40];
    int64_t days = rdt_in_int(call, "LifetimeDays", 0);
    enum rdt_fault fault = find(call, &principal);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note(call, "principal", rdt_span_str(principal->name));
    fault = may_give(call, principal);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (!new_key_id(call, key_id))
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "no random bytes");
    struct rdt_credential *credential =
        rdt_tx_add(call->tx, RDT_KIND_CREDENTIAL, rdt_span_str(key_id));
    if (credential == NULL || !rdt_text_set(&credential->key_id, rdt_span_str(key_id)))
        return rdt_out_of_memory(call);
    memcpy(credential->principal, principal->id, sizeof credential->principal);
    credential->created_ms = call->request->now_ms;
    credential->expires_ms = days == 0 ? 0 : call->request->now_ms + days * DAY_MS;
    note(call, "accessKeyId", rdt_span_str(key_id));
    fault = new_secret(call, credential);
    if (fault == RDT_FAULT_NONE) {
        rdt_jout_open(out, NULL, '{');
        rdt_jout_str(out, "Principal", principal->name);
        rdt_jout_str(out, "AccessKeyId", key_id);
        rdt_jout_text(out, "SecretAccessKey",
                      (struct rdt_span){call->thread->plain.p, rdt_base64_len(SECRET_RANDOM)});
        if (credential->expires_ms != 0)
            rdt_jout_time(out, "Expires", credential->expires_ms);
        rdt_jout_close(out, '}');
    }
    rdt_secret_clear(&call->thread->plain);
    return fault;
}

static void
put_credentials(struct rdt_call *call, const struct rdt_principal *principal)
{
    struct rdt_buf *out = call->request->out;
    struct rdt_span id = {0};
    const struct rdt_credential *credential;
    rdt_jout_open(out, "Credentials", '[');
    while ((credential = rdt_view_next(call->view, RDT_KIND_CREDENTIAL, id, &id)) != NULL) {
        if (!rdt_span_eq((struct rdt_span){credential->principal, 16},
                         (struct rdt_span){principal->id, 16}))
            continue;
        rdt_jout_open(out, NULL, '{');
        rdt_jout_str(out, "AccessKeyId", credential->key_id);
        rdt_jout_time(out, "CreationDate", credential->created_ms);
        if (credential->expires_ms != 0)
            rdt_jout_time(out, "Expires", credential->expires_ms);
        if (credential->revoked_ms != 0)
            rdt_jout_time(out, "Revoked", credential->revoked_ms);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
}

static enum rdt_fault
credential_list(struct rdt_call *call)
{
    const struct rdt_principal *principal;
    enum rdt_fault fault = find(call, &principal);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_jout_open(call->request->out, NULL, '{');
    put_credentials(call, principal);
    rdt_jout_close(call->request->out, '}');
    return RDT_FAULT_NONE;
}

static enum rdt_fault
credential_revoke(struct rdt_call *call)
{
    struct rdt_span key_id = rdt_in_text(call, "AccessKeyId");
    struct rdt_credential *credential = rdt_tx_edit(call->tx, RDT_KIND_CREDENTIAL, key_id);
    note(call, "accessKeyId", key_id);
    if (credential == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such credential");
    if (credential->revoked_ms == 0)
        credential->revoked_ms = call->request->now_ms;
    return RDT_FAULT_NONE;
}

/* ---- certificates ---- */

static enum rdt_fault
fingerprint_of(struct rdt_call *call, uint8_t out[static 32])
{
    if (rdt_hex_get(rdt_in_text(call, "Fingerprint"), out, 32))
        return RDT_FAULT_NONE;
    return rdt_call_fail(
        call, RDT_FAULT_VALIDATION,
        "a fingerprint is the SHA-256 of the certificate's DER, 64 hexadecimal digits");
}

static enum rdt_fault
certificate_bind(struct rdt_call *call)
{
    const struct rdt_principal *principal;
    uint8_t fingerprint[32];
    enum rdt_fault fault = fingerprint_of(call, fingerprint);
    if (fault == RDT_FAULT_NONE)
        fault = find(call, &principal);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note(call, "fingerprint", rdt_in_text(call, "Fingerprint"));
    note(call, "principal", rdt_span_str(principal->name));
    fault = may_give(call, principal);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_client_cert *cert =
        rdt_tx_add(call->tx, RDT_KIND_CERT, (struct rdt_span){fingerprint, sizeof fingerprint});
    if (cert == NULL)
        return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS, "the certificate is bound already");
    memcpy(cert->fingerprint, fingerprint, sizeof fingerprint);
    memcpy(cert->principal, principal->id, sizeof cert->principal);
    cert->created_ms = call->request->now_ms;
    return RDT_FAULT_NONE;
}

static enum rdt_fault
certificate_revoke(struct rdt_call *call)
{
    uint8_t fingerprint[32];
    enum rdt_fault fault = fingerprint_of(call, fingerprint);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note(call, "fingerprint", rdt_in_text(call, "Fingerprint"));
    struct rdt_client_cert *cert =
        rdt_tx_edit(call->tx, RDT_KIND_CERT, (struct rdt_span){fingerprint, sizeof fingerprint});
    if (cert == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "the certificate is not bound");
    if (cert->revoked_ms == 0)
        cert->revoked_ms = call->request->now_ms;
    return RDT_FAULT_NONE;
}

static void
put_certificates(struct rdt_call *call, const struct rdt_principal *principal)
{
    struct rdt_buf *out = call->request->out;
    struct rdt_span id = {0};
    const struct rdt_client_cert *cert;
    rdt_jout_open(out, "Certificates", '[');
    while ((cert = rdt_view_next(call->view, RDT_KIND_CERT, id, &id)) != NULL) {
        if (!rdt_span_eq((struct rdt_span){cert->principal, 16},
                         (struct rdt_span){principal->id, 16}))
            continue;
        rdt_jout_open(out, NULL, '{');
        rdt_jout_hex(out, "Fingerprint", (struct rdt_span){cert->fingerprint, 32});
        rdt_jout_time(out, "CreationDate", cert->created_ms);
        if (cert->revoked_ms != 0)
            rdt_jout_time(out, "Revoked", cert->revoked_ms);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
}

/* All about one principal: what it may do and how it shows who it is; no secret. */
static enum rdt_fault
principal_get(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_principal *principal;
    enum rdt_fault fault = find(call, &principal);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_jout_open(out, NULL, '{');
    put_members(call, principal);
    rdt_jout_str(out, "Policy", principal->policy);
    put_credentials(call, principal);
    put_certificates(call, principal);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- the table ---- */

#define PRINCIPAL                                                                                  \
    {                                                                                              \
        .name = "Principal", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 64            \
    }
#define FINGERPRINT                                                                                \
    {                                                                                              \
        .name = "Fingerprint", .type = RDT_IN_TEXT, .required = true, .min = 64, .max = 64         \
    }

static const struct rdt_in create_in[] = {
    PRINCIPAL,
    {.name = "Person", .type = RDT_IN_TEXT, .max = 128},
    {.name = "Policy", .type = RDT_IN_TEXT, .min = 1, .max = RDT_POLICY_MAX},
    {.name = "PlanService", .type = RDT_IN_TEXT, .max = 256},
};
static const struct rdt_in update_in[] = {
    PRINCIPAL,
    {.name = "Person", .type = RDT_IN_TEXT, .max = 128},
    {.name = "Policy", .type = RDT_IN_TEXT, .min = 1, .max = RDT_POLICY_MAX},
    {.name = "Enabled", .type = RDT_IN_BOOL},
};
static const struct rdt_in principal_in[] = {PRINCIPAL};
static const struct rdt_in list_in[] = {
    {.name = "Limit",  .type = RDT_IN_INT,  .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};
static const struct rdt_in credential_in[] = {
    PRINCIPAL,
    {.name = "LifetimeDays", .type = RDT_IN_INT, .min = 1, .max = 3650},
};
static const struct rdt_in key_id_in[] = {
    {.name = "AccessKeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 128},
};
static const struct rdt_in bind_in[] = {PRINCIPAL, FINGERPRINT};
static const struct rdt_in fingerprint_in[] = {FINGERPRINT};

static const struct rdt_op ops[] = {
    /* by name */
    OP_OWN("CertificateBind", "/v1/certificate/bind", WRITE, bind_in, certificate_bind),
    OP_OWN("CertificateRevoke", "/v1/certificate/revoke", WRITE, fingerprint_in,
           certificate_revoke),
    OP_OWN("CredentialCreate", "/v1/credential/create", WRITE, credential_in, credential_create),
    OP_OWN("CredentialList", "/v1/credential/list", READ, principal_in, credential_list),
    OP_OWN("CredentialRevoke", "/v1/credential/revoke", WRITE, key_id_in, credential_revoke),
    OP_OWN("PrincipalCreate", "/v1/principal/create", WRITE, create_in, principal_create),
    OP_OWN("PrincipalGet", "/v1/principal/get", READ, principal_in, principal_get),
    OP_OWN("PrincipalGetPolicy", "/v1/principal/policy", READ, principal_in, principal_get_policy),
    OP_OWN("PrincipalList", "/v1/principal/list", READ, list_in, principal_list),
    OP_OWN("PrincipalUpdate", "/v1/principal/update", WRITE, update_in, principal_update),
};

const struct rdt_op_table rdt_ops_principal = {ops, sizeof ops / sizeof ops[0]};
