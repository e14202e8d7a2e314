/* What two approvers have to sign about a tenant, each rule by a case that is refused. */
#include "approvers.h"

#include "kms/tenant_internal.h"

#define HOUR_MS ((int64_t)3600000)

static struct service s;
static struct approver ann, bob, cid;
static char ring[RDT_UUID_TEXT], other[RDT_UUID_TEXT];

static void
new_ring(char out[static RDT_UUID_TEXT])
{
    add_key(&s, "root", out);
    assert_int_equal(callf(&s, "root", "KeyRing", "{\"KeyId\":\"%s\"}", out), RDT_FAULT_NONE);
}

static int
set_up(void **unused)
{
    (void)unused;
    service_open(&s);
    add_principal(&s, "root", "Root R");
    add_principal(&s, "bob2", "bob  b"); /* the same person as an approver */
    approver_make(&ann, RDT_SIGN_ED25519);
    approver_make(&bob, RDT_SIGN_P256);
    approver_make(&cid, RDT_SIGN_ED25519);
    assert_int_equal(approver_add(&s, "root", &ann, "ann", "Ann A"), RDT_FAULT_NONE);
    assert_int_equal(approver_add(&s, "root", &bob, "bob", "Bob B"), RDT_FAULT_NONE);
    new_ring(ring);
    new_ring(other);
    return 0;
}

static int
tear_down(void **unused)
{
    (void)unused;
    rdt_signer_free(ann.signer);
    rdt_signer_free(bob.signer);
    rdt_signer_free(cid.signer);
    service_close(&s);
    return 0;
}

static void
make(const char *name, const char *in)
{
    assert_int_equal(
        callf(&s, "root", "TenantCreate", "{\"Tenant\":\"%s\",\"KeyId\":\"%s\"}", name, in),
        RDT_FAULT_NONE);
}

static enum rdt_fault
destroy_as(const char *who, const char *name)
{
    return callf(&s, who, "TenantDestroy", "{\"Tenant\":\"%s\"}", name);
}

static enum rdt_fault
rotate(const char *name, const char *in)
{
    return callf(&s, "root", "TenantRotate", "{\"Tenant\":\"%s\",\"KeyId\":\"%s\"}", name, in);
}

/* A request, and its id. */
static const char *
ask(const char *who, const char *operation, const char *parameters)
{
    static char id[RDT_UUID_TEXT];
    if (callf(&s, who, "ApprovalRequest", "{\"Operation\":\"%s\",\"Parameters\":{%s}}", operation,
              parameters) != RDT_FAULT_NONE)
        fail_msg("%s", said(&s));
    snprintf(id, sizeof id, "%s", answer(&s, "Request"));
    return id;
}

static const char *
ask_destroy(const char *who, const char *name)
{
    char parameters[128];
    snprintf(parameters, sizeof parameters, "\"Tenant\":\"%s\"", name);
    return ask(who, "tenant-destroy", parameters);
}

static void
both_sign(const char *request)
{
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
}

static const char *
state_of(const char *id)
{
    assert_int_equal(callf(&s, "root", "TenantShow", "{\"Tenant\":\"%s\"}", id), RDT_FAULT_NONE);
    return answer(&s, "State");
}

static void
destroyed_by_two(void **unused)
{
    char id[RDT_UUID_TEXT], request[RDT_UUID_TEXT];
    (void)unused;
    make("acme", ring);
    make("acme", other);
    make("bolt", ring);
    assert_int_equal(callf(&s, "root", "TenantShow", "{\"Tenant\":\"acme\"}"), RDT_FAULT_NONE);
    snprintf(id, sizeof id, "%s", answer(&s, "TenantId"));
    assert_int_equal(destroy_as("root", "acme"), RDT_FAULT_ACCESS_DENIED);
    assert_non_null(strstr(said(&s), "tenant-destroy"));
    snprintf(request, sizeof request, "%s", ask_destroy("root", "acme"));
    assert_int_equal(destroy_as("root", "acme"), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(destroy_as("root", "acme"), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_int_equal(destroy_as("root", "bolt"), RDT_FAULT_ACCESS_DENIED); /* another's approval */
    assert_int_equal(destroy_as("bob2", "acme"), RDT_FAULT_ACCESS_DENIED); /* who did not ask */
    assert_int_equal(destroy_as("root", "acme"), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "State"), "Destroying");
    const struct rdt_handle *handle =
        rdt_handle_get((struct rdt_view){.state = s.kms->state},
                       (uint32_t)strtoul(answer(&s, "Handle"), NULL, 10));
    assert_true(handle->dead);
    assert_string_equal(state_of("bolt"), "Active");
    assert_int_equal(destroy_as("root", "acme"), RDT_FAULT_NOT_FOUND);
    assert_int_equal(destroy_as("root", id), RDT_FAULT_INVALID_STATE);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    assert_string_equal(state_of(id), "Destroyed");
    /* a new tenant of the name is another one */
    make("acme", ring);
    assert_int_equal(destroy_as("root", "acme"), RDT_FAULT_ACCESS_DENIED);
    assert_string_equal(state_of("acme"), "Active");
}

/* One ring more is not what they signed. */
static void
void_when_it_changed(void **unused)
{
    char request[RDT_UUID_TEXT];
    (void)unused;
    make("grows", ring);
    snprintf(request, sizeof request, "%s", ask_destroy("root", "grows"));
    both_sign(request);
    make("grows", other);
    assert_int_equal(destroy_as("root", "grows"), RDT_FAULT_ACCESS_DENIED);
    assert_string_equal(state_of("grows"), "Active");
}

static void
too_late(void **unused)
{
    char request[RDT_UUID_TEXT];
    (void)unused;
    make("late", ring);
    snprintf(request, sizeof request, "%s", ask_destroy("root", "late"));
    both_sign(request);
    s.now_ms += 73 * HOUR_MS;
    assert_int_equal(destroy_as("root", "late"), RDT_FAULT_ACCESS_DENIED);
    s.now_ms -= 73 * HOUR_MS;
    assert_int_equal(destroy_as("root", "late"), RDT_FAULT_NONE);
}

/* An approver does not count for what he asked himself. */
static void
not_by_its_requester(void **unused)
{
    char request[RDT_UUID_TEXT];
    (void)unused;
    make("self", ring);
    snprintf(request, sizeof request, "%s", ask_destroy("bob2", "self"));
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    (void)sign(&s, &bob, request);
    assert_int_equal(destroy_as("bob2", "self"), RDT_FAULT_ACCESS_DENIED);
    assert_string_equal(state_of("self"), "Active");
}

static void
rotated_twice_by_two(void **unused)
{
    char parameters[256], request[RDT_UUID_TEXT];
    (void)unused;
    make("twice", ring);
    make("twice", other);
    assert_int_equal(rotate("twice", ring), RDT_FAULT_NONE);
    assert_int_equal(rotate("twice", other), RDT_FAULT_NONE); /* each ring has its own day */
    assert_int_equal(rotate("twice", ring), RDT_FAULT_ACCESS_DENIED);
    assert_non_null(strstr(said(&s), "tenant-rotate"));
    snprintf(parameters, sizeof parameters, "\"Key\":\"%s\",\"Tenant\":\"twice\"", ring);
    snprintf(request, sizeof request, "%s", ask("root", "tenant-rotate", parameters));
    assert_int_equal(rotate("twice", ring), RDT_FAULT_ACCESS_DENIED);
    both_sign(request);
    assert_int_equal(rotate("twice", other), RDT_FAULT_ACCESS_DENIED); /* the other ring */
    assert_int_equal(rotate("twice", ring), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "Epoch"), "3");
    assert_int_equal(rotate("twice", ring), RDT_FAULT_ACCESS_DENIED); /* once */
    snprintf(request, sizeof request, "%s",
             ask("root", "tenant-rotate", "\"Tenant\":\"twice\"")); /* whatever ring */
    both_sign(request);
    assert_int_equal(rotate("twice", other), RDT_FAULT_NONE);
    assert_int_equal(rotate("twice", ring), RDT_FAULT_ACCESS_DENIED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroyed_by_two),
        cmocka_unit_test(void_when_it_changed),
        cmocka_unit_test(too_late),
        cmocka_unit_test(not_by_its_requester),
        cmocka_unit_test(rotated_twice_by_two),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
