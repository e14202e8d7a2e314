/*
 * fuzz_kms_request - a whole request as it comes: head, signature, operation, over a service in a
 * folder. No bytes of a stranger are taken for somebody's; then the same request is run for one
 * who may do nothing, which must be refused, and for an administrator. Each answer is JSON, each
 * call leaves a record that can be read.
 */
#include "base/arena.h"
#include "codec/json.h"
#include "kms/audit_record.h"
#include "kms/call_internal.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW_MS ((int64_t)1800000000000) /* the seeds' signatures are of this time */
#define WRITES_MAX 4000                 /* then the service is made anew */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static char folder[64];
static struct rdt_kms *kms;
static struct rdt_kms_thread *thread;
static uint8_t admin[16], nobody[16];
static size_t writes;

static void
must(bool good)
{
    if (!good)
        abort();
}

static int
remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void
close_service(void)
{
    rdt_kms_thread_close(thread);
    rdt_kms_close(kms);
    thread = NULL;
    kms = NULL;
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void
local(const char *op, const char *body)
{
    RDT_BUF out = {0};
    must(rdt_kms_local(kms, thread, op, body, &out, NULL) == RDT_OK);
}

static void
find_principals(void)
{
    const struct rdt_principal *principal;
    struct rdt_span id = {0};
    rdt_state_lock_shared(kms->state);
    while ((principal = rdt_view_next((struct rdt_view){.state = kms->state}, RDT_KIND_PRINCIPAL,
                                      id, &id)) != NULL)
        memcpy(strcmp(principal->name, "admin") == 0 ? admin : nobody, principal->id, 16);
    rdt_state_unlock(kms->state);
}

static void
open_service(void)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    static const uint8_t deployment[16] = {1};
    struct rdt_seal_opts seal = {.type = RDT_SEAL_DEVELOPMENT, .id = "development"};
    struct rdt_kms_new site = {.account = "000000000000", .region = "local-1"};
    RDT_BUF body = {0};
    snprintf(folder, sizeof folder, "%s/redoubt-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(folder) != NULL);
    must(rdt_root_create(deployment, &seal, NULL, &root, &open, NULL) == RDT_OK);
    struct rdt_kms_opts opts = {.data = folder, .root = root, .open = open};
    must(rdt_kms_make(&opts, &site, NULL) == RDT_OK && rdt_kms_open(&opts, &kms, NULL) == RDT_OK &&
         rdt_kms_thread_open(kms, &thread, NULL) == RDT_OK);
    rdt_buf_str(&body, "{\"Principal\":\"admin\",\"Policy\":");
    rdt_json_text(&body, rdt_span_str(rdt_policy_everything));
    rdt_buf_str(&body, "}");
    local("PrincipalCreate", rdt_buf_cstr(&body));
    local("PrincipalCreate", "{\"Principal\":\"nobody\"}");
    local("CredentialCreate", "{\"Principal\":\"admin\"}");
    local("CreateKey", "{\"Description\":\"x\"}");
    find_principals();
    writes = 0;
}

static void
check_answer(const struct rdt_request *request)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_audit_record record = {0};
    struct rdt_node *tree;
    must(rdt_json_parse("answer", rdt_buf_span(request->out), &arena, &tree, NULL) == RDT_OK);
    must((rdt_node_get(tree, "__type") != NULL) == (request->fault != RDT_FAULT_NONE));
    must(rdt_record_get(&rdt_audit_record, rdt_buf_span(request->record), &record, NULL) == RDT_OK);
    must(record.operation != NULL && strcmp(record.operation, request->op->name) == 0);
    must((record.fault != NULL) == (request->fault != RDT_FAULT_NONE));
    rdt_record_done(&rdt_audit_record, &record);
}

static void
run_as(const uint8_t who[static 16], const struct rdt_op *op, struct rdt_span body)
{
    RDT_BUF copy = {0}, out = {0}, record = {0};
    rdt_buf_add(&copy, body.p, body.n);
    must(rdt_buf_ok(&copy));
    struct rdt_request request = {
        .op = op,
        .body = copy.p,
        .body_n = copy.n,
        .now_ms = NOW_MS,
        .caller = {.source = "192.0.2.1", .credential = "cert:0"},
        .out = &out,
        .record = &record
    };
    struct rdt_request *one = &request;
    memcpy(request.caller.principal, who, 16);
    snprintf(request.caller.arn, sizeof request.caller.arn, "arn:aws:iam::000000000000:user/%s",
             who == admin ? "admin" : "nobody");
    rdt_kms_request_id(thread, request.id);
    if (op->cls == RDT_OP_WRITE)
        rdt_kms_write(kms, thread, &one, 1);
    else
        rdt_kms_read(kms, thread, &request);
    writes += op->cls == RDT_OP_WRITE;
    must(who == admin || request.fault != RDT_FAULT_NONE);
    check_answer(&request);
}

/* As server/front.c: which operation a request is for. */
static const struct rdt_op *
op_of(const struct rdt_http_head *head)
{
    struct rdt_span target = {0}, v1 = {head->path.p, head->path.n < 4 ? head->path.n : 4};
    if (!rdt_span_is(head->method, "POST") || head->query.n != 0)
        return NULL;
    bool aws = rdt_span_is(head->path, "/") &&
               rdt_http_field_find(head, "x-amz-target", 0, &target) && target.n != 0;
    return aws || rdt_span_is(v1, "/v1/") ? rdt_op_find(target, head->path) : NULL;
}

static void
check_stranger(const struct rdt_http_head *head, struct rdt_span body)
{
    RDT_BUF copy = {0};
    rdt_buf_add(&copy, body.p, body.n);
    struct rdt_request request = {.body = copy.p, .body_n = copy.n, .now_ms = NOW_MS};
    must(!rdt_kms_authenticate(kms, thread, head, NULL, &request));
    must(request.fault != RDT_FAULT_NONE && request.message[0] != '\0' && copy.n == body.n);
    must(!request.caller.by_signature);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct rdt_http_head head;
    size_t used;
    int status;
    if (kms == NULL) {
        open_service();
        atexit(close_service);
    } else if (writes > WRITES_MAX) {
        close_service();
        open_service();
    }
    if (rdt_http_head_read((struct rdt_span){bytes, n}, &head, &used, &status) != RDT_HTTP_HEAD)
        return 0;
    struct rdt_span body = {bytes + used, n - used};
    check_stranger(&head, body);
    const struct rdt_op *op = op_of(&head);
    if (op == NULL || op->cls == RDT_OP_SLOW)
        return 0;
    must(!op->internal);
    run_as(nobody, op, body);
    run_as(admin, op, body);
    return 0;
}
