/* approvers.h - a service in a folder of its own, principals of persons, approvers with keys. */
#ifndef RDT_TEST_KMS_APPROVERS_H
#define RDT_TEST_KMS_APPROVERS_H

#include "base/clock.h"
#include "codec/base64.h"
#include "crypto/sign.h"
#include "kms/approval_internal.h"

#include "../test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct service {
    char folder[64];
    struct rdt_root *root;
    struct rdt_root_open *open;
    struct rdt_kms *kms;
    struct rdt_kms_thread *thread;
    int64_t now_ms;
    /* of the last call */
    struct rdt_buf out, record;
    struct rdt_request request;
};

static inline void
service_start(struct service *s)
{
    struct rdt_kms_opts opts = {.data = s->folder, .root = s->root, .open = s->open};
    struct rdt_err err = {0};
    if (rdt_kms_open(&opts, &s->kms, &err) != RDT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(rdt_kms_thread_open(s->kms, &s->thread, NULL), RDT_OK);
}

static inline void
service_stop(struct service *s)
{
    rdt_kms_thread_close(s->thread);
    rdt_kms_close(s->kms);
}

static inline void
service_open(struct service *s)
{
    static const uint8_t deployment[16] = {1};
    struct rdt_seal_opts seal = {.type = RDT_SEAL_DEVELOPMENT, .id = "development"};
    struct rdt_kms_new site = {.account = "000000000000", .region = "local-1"};
    *s = (struct service){.folder = "/tmp/redoubt-service-XXXXXX", .now_ms = rdt_now() * 1000};
    assert_non_null(mkdtemp(s->folder));
    assert_int_equal(rdt_root_create(deployment, &seal, NULL, &s->root, &s->open, NULL), RDT_OK);
    struct rdt_kms_opts opts = {.data = s->folder, .root = s->root, .open = s->open};
    assert_int_equal(rdt_kms_make(&opts, &site, NULL), RDT_OK);
    service_start(s);
}

static inline int
remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void
service_close(struct service *s)
{
    service_stop(s);
    rdt_root_lock(s->open);
    rdt_root_free(s->root);
    rdt_buf_done(&s->out);
    rdt_buf_done(&s->record);
    nftw(s->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- calls ---- */

/* As a principal that authenticated; NULL: the service itself. */
static inline enum rdt_fault
call(struct service *s, const char *who, const char *op, const char *body)
{
    char *copy = strdup(body);
    struct rdt_request *one = &s->request;
    s->out.n = s->record.n = 0;
    *one = (struct rdt_request){
        .op = rdt_op_named(op),
        .body = (uint8_t *)copy,
        .body_n = strlen(body),
        .now_ms = s->now_ms,
        .out = &s->out,
        .record = &s->record,
        .caller = {.internal = who == NULL, .by_signature = who != NULL}
    };
    assert_non_null(one->op);
    rdt_kms_request_id(s->thread, one->id);
    if (who != NULL) {
        const struct rdt_principal *principal =
            rdt_principal_named((struct rdt_view){.state = s->kms->state}, rdt_span_str(who));
        struct rdt_span id = {0};
        const struct rdt_credential *c;
        assert_non_null(principal);
        while ((c = rdt_view_next((struct rdt_view){.state = s->kms->state}, RDT_KIND_CREDENTIAL,
                                  id, &id)) != NULL)
            if (rdt_span_eq((struct rdt_span){c->principal, 16},
                            (struct rdt_span){principal->id, 16}))
                snprintf(one->caller.credential, sizeof one->caller.credential, "%s", c->key_id);
        memcpy(one->caller.principal, principal->id, 16);
        snprintf(one->caller.arn, sizeof one->caller.arn, "arn:aws:iam::000000000000:user/%s", who);
        assert_int_equal(rdt_random(s->thread->worker, one->caller.signature, 32, NULL), RDT_OK);
    }
    if (one->op->cls == RDT_OP_WRITE)
        rdt_kms_write(s->kms, s->thread, &one, 1);
    else
        rdt_kms_read(s->kms, s->thread, one);
    free(copy);
    return one->fault;
}

static inline enum rdt_fault callf(struct service *s, const char *who, const char *op,
                                   const char *fmt, ...) RDT_PRINTF(4, 5);

static inline enum rdt_fault
callf(struct service *s, const char *who, const char *op, const char *fmt, ...)
{
    char *body;
    va_list args;
    va_start(args, fmt);
    assert_true(vasprintf(&body, fmt, args) > 0);
    va_end(args);
    enum rdt_fault fault = call(s, who, op, body);
    free(body);
    return fault;
}

static inline const char *
said(struct service *s)
{
    return s->request.message;
}

/* The text of a member of the last answer, in a static buffer; "" when it has none. */
static inline const char *
answer(struct service *s, const char *name)
{
    static char value[4][8192];
    static unsigned turn;
    char *out = value[turn++ % 4], look[64];
    size_t n = (size_t)snprintf(look, sizeof look, "\"%s\":", name);
    const char *text = rdt_buf_cstr(&s->out), *at = strstr(text, look);
    out[0] = '\0';
    if (at == NULL)
        return out;
    at += n + (at[n] == '"');
    snprintf(out, sizeof value[0], "%.*s", (int)strcspn(at, at[-1] == '"' ? "\"" : ",}]"), at);
    return out;
}

#define EVERYTHING                                                                                 \
    "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\","        \
    "\\\"Action\\\":[\\\"kms:*\\\",\\\"redoubt:*\\\"],\\\"Resource\\\":\\\"*\\\"}]}"

/* A principal with a credential that may do everything; person "": a service. */
static inline void
add_principal(struct service *s, const char *name, const char *person)
{
    assert_int_equal(callf(s, NULL, "PrincipalCreate",
                           "{\"Principal\":\"%s\",\"Person\":\"%s\",\"Policy\":\"" EVERYTHING "\"}",
                           name, person),
                     RDT_FAULT_NONE);
    assert_int_equal(callf(s, NULL, "CredentialCreate", "{\"Principal\":\"%s\"}", name),
                     RDT_FAULT_NONE);
}

static inline void
add_key(struct service *s, const char *who, char out[static RDT_UUID_TEXT])
{
    assert_int_equal(call(s, who, "CreateKey", "{}"), RDT_FAULT_NONE);
    snprintf(out, RDT_UUID_TEXT, "%s", answer(s, "KeyId"));
}

/* ---- approvers ---- */

struct approver {
    struct rdt_signer *signer;
    char digits[2 * RDT_PUBLIC_MAX + 1];
};

static inline void
approver_make(struct approver *a, enum rdt_sign_alg alg)
{
    assert_int_equal(rdt_signer_new(alg, &a->signer, NULL), RDT_OK);
    struct rdt_span key = rdt_signer_public(a->signer);
    rdt_hex_put(key, a->digits);
    a->digits[2 * key.n] = '\0';
}

static inline enum rdt_fault
approver_add(struct service *s, const char *who, const struct approver *a, const char *name,
             const char *person)
{
    return callf(s, who, "ApproverAdd", "{\"Name\":\"%s\",\"Person\":\"%s\",\"PublicKey\":\"%s\"}",
                 name, person, a->digits);
}

/* The signature of bytes as base64, in a static buffer. */
static inline const char *
signature(const struct approver *a, struct rdt_span bytes)
{
    static char text[96];
    uint8_t raw[64];
    assert_int_equal(rdt_signer_sign(a->signer, bytes, raw, NULL), RDT_OK);
    rdt_base64_put((struct rdt_span){raw, sizeof raw}, text);
    text[rdt_base64_len(sizeof raw)] = '\0';
    return text;
}

/* What is to be signed of a request with a verb. */
static inline void
to_sign(struct service *s, const char *request, enum rdt_approval_verb verb, struct rdt_buf *out)
{
    uint8_t raw[8192];
    size_t n;
    struct rdt_approval_bytes bytes;
    assert_int_equal(callf(s, NULL, "ApprovalShow", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_NONE);
    assert_true(rdt_base64_get(rdt_span_str(answer(s, "ToSign")), raw, &n));
    assert_int_equal(rdt_approval_read((struct rdt_span){raw, n}, &bytes, NULL), RDT_OK);
    bytes.verb = verb;
    rdt_approval_put(&bytes, out);
    assert_true(rdt_buf_ok(out));
}

/* An approver signs a request, brought by a principal: ApprovalSign, ApprovalDeny, ApprovalReview.
 */
static inline enum rdt_fault
sign_as(struct service *s, const char *op, const struct approver *a, const char *who,
        const char *request)
{
    RDT_BUF bytes = {0};
    to_sign(s, request,
            strcmp(op, "ApprovalDeny") == 0     ? RDT_APPROVAL_DENY
            : strcmp(op, "ApprovalReview") == 0 ? RDT_APPROVAL_REVIEW
                                                : RDT_APPROVAL_APPROVE,
            &bytes);
    return callf(s, who, op, "{\"Request\":\"%s\",\"Approver\":\"%s\",\"Signature\":\"%s\"}",
                 request, a->digits, signature(a, rdt_buf_span(&bytes)));
}

static inline enum rdt_fault
sign(struct service *s, const struct approver *a, const char *request)
{
    return sign_as(s, "ApprovalSign", a, "root", request);
}

/* The request that the last refusal names. */
static inline const char *
named(struct service *s)
{
    static char id[RDT_UUID_TEXT];
    const char *at = strstr(said(s), "Request ");
    if (at == NULL)
        fail_msg("no request is named: %s", said(s));
    snprintf(id, sizeof id, "%.36s", at + 8);
    return id;
}

#endif
