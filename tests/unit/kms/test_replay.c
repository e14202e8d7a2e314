#include "service.h"

#include "codec/base64.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"
#include "kms/restore_internal.h"
#include "kms/tenant_internal.h"

static const uint8_t key_id[16] = {7};

/* What each test works on: a transaction over the service's rows, never committed. */
struct world {
    struct rdt_backup_info info;
    struct rdt_restore restore;
    struct replay replay;
    struct rdt_buf parameters;
};

static void
begin(struct world *w)
{
    *w = (struct world){.info = {.created_ms = NOW_MS}};
    w->restore.info = &w->info;
    w->replay.restore = &w->restore;
    assert_int_equal(rdt_tx_begin(kms->state, &w->replay.tx, NULL), RDT_OK);
}

static void
done(struct world *w)
{
    rdt_tx_drop(w->replay.tx);
    rdt_buf_done(&w->replay.keys);
    rdt_buf_done(&w->replay.principals);
    rdt_buf_done(&w->restore.notes);
    rdt_buf_done(&w->parameters);
}

#define WORLD RDT_AUTO(done) struct world

static void
parameter(struct world *w, const char *name, const char *value)
{
    rdt_pairs_add(&w->parameters, rdt_span_str(name), rdt_span_str(value));
}

static void
happens(struct world *w, const char *operation, const char *fault)
{
    struct rdt_audit_record record = {
        .operation = (char *)operation,
        .time_ms = NOW_MS,
        .fault = (char *)fault,
        .parameters = {w->parameters.p, w->parameters.n}
    };
    memcpy(record.key, key_id, sizeof record.key);
    assert_int_equal(rdt_replay_record(&w->replay, &record, NULL), RDT_OK);
    w->parameters.n = 0;
}

static void
add_key(struct world *w, uint8_t state)
{
    struct rdt_key *key =
        rdt_tx_add(w->replay.tx, RDT_KIND_KEY, (struct rdt_span){key_id, sizeof key_id});
    memcpy(key->id, key_id, sizeof key->id);
    key->state = state;
    key->current = 2;
    for (uint8_t number = 1; number <= 2; number++) {
        uint8_t id[20];
        rdt_version_id(key_id, number, id);
        struct rdt_version *version =
            rdt_tx_add(w->replay.tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
        memcpy(version->key, key_id, sizeof version->key);
        version->number = number;
        version->state = number == 2 ? RDT_VERSION_CURRENT : RDT_VERSION_QUIESCED;
        assert_true(rdt_bytes_set(&version->wrapped, rdt_span_str("wrapped")));
    }
}

static const struct rdt_key *
the_key(const struct world *w)
{
    return rdt_view_key(rdt_tx_view(w->replay.tx), key_id);
}

static const struct rdt_version *
version(const struct world *w, uint32_t number)
{
    return rdt_view_version(rdt_tx_view(w->replay.tx), key_id, number);
}

/* A changing operation that is forgotten here would be undone by every restore, unseen. */
static void
every_change_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; rdt_op_tables[i] != NULL; i++)
        for (size_t j = 0; j < rdt_op_tables[i]->n; j++) {
            const struct rdt_op *op = &rdt_op_tables[i]->ops[j];
            if (op->cls == RDT_OP_WRITE && !rdt_replay_knows(op->name))
                fail_msg("%s has no row in the table of replay.c", op->name);
        }
    assert_true(rdt_replay_knows("Tick") && rdt_replay_knows("Restore"));
    assert_false(rdt_replay_knows("Encrypt") || rdt_replay_knows(NULL));
}

static void
states_of_keys(void **state)
{
    static const struct {
        uint8_t before;
        const char *first, *second;
        uint8_t after;
    } cases[] = {
        {RDT_KEY_ENABLED,          "DisableKey",          "Tick",        RDT_KEY_DISABLED},
        {RDT_KEY_ENABLED,          "DisableKey",          "EnableKey",   RDT_KEY_ENABLED },
        {RDT_KEY_ENABLED,          "ScheduleKeyDeletion", "Tick",        RDT_KEY_DISABLED},
        {RDT_KEY_PENDING_DELETION, "CancelKeyDeletion",   "Tick",        RDT_KEY_DISABLED},
        {RDT_KEY_PENDING_DELETION, "CancelKeyDeletion",   "EnableKey",   RDT_KEY_ENABLED },
        {RDT_KEY_ENABLED,          "PutKeyPolicy",        "TagResource", RDT_KEY_DISABLED},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        WORLD w;
        begin(&w);
        add_key(&w, cases[i].before);
        happens(&w, cases[i].first, NULL);
        happens(&w, cases[i].second, NULL);
        assert_int_equal(rdt_replay_end(&w.replay, NOW_MS, NULL), RDT_OK);
        assert_int_equal(the_key(&w)->state, cases[i].after);
        assert_string_equal(w.restore.why, "");
    }
}

static void
what_was_refused_does_nothing(void **state)
{
    WORLD w;
    (void)state;
    begin(&w);
    add_key(&w, RDT_KEY_ENABLED);
    happens(&w, "DisableKey", "AccessDeniedException");
    happens(&w, "SystemDestroy", "CensusException");
    assert_int_equal(the_key(&w)->state, RDT_KEY_ENABLED);
    assert_int_equal(w.restore.records, 2);
    assert_int_equal(w.restore.withdrawn, 0);
}

static void
suspended(void **state)
{
    WORLD w;
    (void)state;
    begin(&w);
    add_key(&w, RDT_KEY_ENABLED);
    happens(&w, "KeySuspend", NULL);
    assert_true(the_key(&w)->suspended);
    happens(&w, "KeyUnsuspend", NULL);
    assert_false(the_key(&w)->suspended);
    parameter(&w, "gate", "true");
    happens(&w, "KeyGate", NULL);
    assert_true(the_key(&w)->gate);
}

/* Lost versions, and what a census saw: the next one stands above all of them. */
static void
rings_go_on(void **state)
{
    WORLD w;
    (void)state;
    begin(&w);
    add_key(&w, RDT_KEY_ENABLED);
    happens(&w, "SystemRotate", NULL);
    assert_int_equal(the_key(&w)->epoch_seen, 3);
    parameter(&w, "version", "9");
    happens(&w, "RotateKeyOnDemand", NULL);
    assert_int_equal(the_key(&w)->epoch_seen, 9);
    parameter(&w, "highest", "12");
    happens(&w, "CensusReport", NULL);
    assert_int_equal(the_key(&w)->epoch_seen, 12);
    parameter(&w, "handle", "5");
    parameter(&w, "epoch", "11");
    happens(&w, "TenantRotate", NULL);
    assert_int_equal(the_key(&w)->epoch_seen, 12);
    parameter(&w, "handle", "5");
    parameter(&w, "epoch", "14");
    happens(&w, "TenantRotate", NULL);
    assert_int_equal(the_key(&w)->epoch_seen, 14);
    parameter(&w, "highest", "99999999999");
    happens(&w, "CensusReport", NULL); /* no number that there is */
    assert_int_equal(the_key(&w)->epoch_seen, 14);
}

static void
destroyed_versions(void **state)
{
    WORLD w;
    (void)state;
    begin(&w);
    add_key(&w, RDT_KEY_ENABLED);
    parameter(&w, "version", "1");
    happens(&w, "SystemDestroy", NULL);
    assert_int_equal(version(&w, 1)->state, RDT_VERSION_DESTROYED);
    assert_int_equal(version(&w, 1)->wrapped.n, 0);
    assert_true(version(&w, 2)->wrapped.n != 0);
    assert_non_null(the_key(&w));
    assert_int_equal(rdt_view_site(rdt_tx_view(w.replay.tx))->erased_ms, NOW_MS);
    parameter(&w, "version", "3"); /* made later: lost in any case */
    happens(&w, "SystemDestroy", NULL);
    assert_true(version(&w, 2)->wrapped.n != 0);
    happens(&w, "SystemDestroy", NULL); /* the whole key */
    assert_null(the_key(&w));
    assert_int_equal(version(&w, 2)->wrapped.n, 0);
    assert_int_equal(rdt_replay_end(&w.replay, NOW_MS, NULL), RDT_OK);
}

/* What was on its way out is looked at anew, and waits anew. */
static void
drains_begin_anew(void **state)
{
    WORLD w;
    (void)state;
    begin(&w);
    add_key(&w, RDT_KEY_PENDING_DELETION);
    uint32_t before = the_key(&w)->drain_no;
    assert_int_equal(rdt_replay_end(&w.replay, NOW_MS, NULL), RDT_OK);
    assert_int_equal(version(&w, 1)->state, RDT_VERSION_DRAINING);
    assert_int_equal(version(&w, 2)->state, RDT_VERSION_CURRENT);
    assert_true(the_key(&w)->drain_no > before);
}

static void
principals(void **state)
{
    static const uint8_t id[16] = {9};
    WORLD w;
    (void)state;
    begin(&w);
    struct rdt_principal *bob =
        rdt_tx_add(w.replay.tx, RDT_KIND_PRINCIPAL, (struct rdt_span){id, sizeof id});
    memcpy(bob->id, id, sizeof id);
    assert_true(rdt_text_set(&bob->name, rdt_span_str("bob")));
    struct rdt_credential *credential =
        rdt_tx_add(w.replay.tx, RDT_KIND_CREDENTIAL, rdt_span_str("RDTA1"));
    assert_true(rdt_text_set(&credential->key_id, rdt_span_str("RDTA1")));
    parameter(&w, "principal", "bob"); /* only his person */
    happens(&w, "PrincipalUpdate", NULL);
    parameter(&w, "principal", "bob");
    parameter(&w, "enabled", "false");
    happens(&w, "PrincipalUpdate", NULL);
    assert_true(rdt_view_principal(rdt_tx_view(w.replay.tx), id)->disabled);
    parameter(&w, "principal", "bob");
    parameter(&w, "enabled", "true");
    happens(&w, "PrincipalUpdate", NULL);
    assert_false(rdt_view_principal(rdt_tx_view(w.replay.tx), id)->disabled);
    parameter(&w, "principal", "bob");
    parameter(&w, "policy", "replaced");
    happens(&w, "PrincipalUpdate", NULL);
    parameter(&w, "accessKeyId", "RDTA1");
    happens(&w, "CredentialRevoke", NULL);
    parameter(&w, "accessKeyId", "RDTA2"); /* made later */
    happens(&w, "CredentialRevoke", NULL);
    assert_int_equal(rdt_replay_end(&w.replay, NOW_MS, NULL), RDT_OK);
    assert_true(rdt_view_principal(rdt_tx_view(w.replay.tx), id)->disabled);
    credential = rdt_tx_edit(w.replay.tx, RDT_KIND_CREDENTIAL, rdt_span_str("RDTA1"));
    assert_int_equal(credential->revoked_ms, NOW_MS);
}

static void
add_tenant(struct world *w)
{
    static const uint8_t tenant_id[16] = {6}, handle_id[4] = {0, 0, 0, 5},
                         seed_id[8] = {0, 0, 0, 5, 0, 0, 0, 1};
    uint8_t rings[20] = {7};
    rings[19] = 5;
    struct rdt_tenant *tenant =
        rdt_tx_add(w->replay.tx, RDT_KIND_TENANT, (struct rdt_span){tenant_id, sizeof tenant_id});
    memcpy(tenant->id, tenant_id, sizeof tenant->id);
    tenant->state = RDT_TENANT_LIVES;
    assert_true(rdt_text_set(&tenant->name, rdt_span_str("acme")));
    assert_true(rdt_bytes_set(&tenant->rings, (struct rdt_span){rings, sizeof rings}));
    struct rdt_tenant_name *name =
        rdt_tx_add(w->replay.tx, RDT_KIND_TENANT_NAME, rdt_span_str("acme"));
    assert_true(rdt_text_set(&name->name, rdt_span_str("acme")));
    memcpy(name->tenant, tenant_id, sizeof name->tenant);
    struct rdt_handle *handle =
        rdt_tx_add(w->replay.tx, RDT_KIND_HANDLE, (struct rdt_span){handle_id, 4});
    handle->handle = 5;
    handle->epoch = 1;
    memcpy(handle->key, key_id, sizeof handle->key);
    memcpy(handle->tenant, tenant_id, sizeof handle->tenant);
    struct rdt_seed *seed = rdt_tx_add(w->replay.tx, RDT_KIND_SEED, (struct rdt_span){seed_id, 8});
    seed->handle = 5;
    seed->epoch = 1;
    assert_true(rdt_bytes_set(&seed->wrapped, rdt_span_str("wrapped")));
}

static void
tenants(void **state)
{
    WORLD w;
    char uuid[RDT_UUID_TEXT];
    (void)state;
    begin(&w);
    add_key(&w, RDT_KEY_ENABLED);
    add_tenant(&w);
    struct rdt_view view = rdt_tx_view(w.replay.tx);
    rdt_uuid_text((const uint8_t[16]){6}, uuid);
    parameter(&w, "handle", "5");
    parameter(&w, "epoch", "1");
    happens(&w, "KekExport", NULL);
    struct rdt_span id = {0};
    assert_non_null(rdt_view_next(view, RDT_KIND_EXPORT, id, &id));
    parameter(&w, "tenant", uuid);
    happens(&w, "TenantDestroy", NULL);
    assert_int_equal(rdt_tenant_named(view, rdt_span_str(uuid))->state, RDT_TENANT_DYING);
    assert_null(rdt_tenant_named(view, rdt_span_str("acme")));
    assert_true(rdt_handle_get(view, 5)->dead);
    assert_int_equal(rdt_seed_get(view, 5, 1)->wrapped.n, 0);
    parameter(&w, "handle", "77"); /* a tenant that is lost: its handle is nobody's */
    happens(&w, "TenantCreate", NULL);
    assert_true(rdt_handle_get(view, 77)->dead);
}

static void
people_have_to_look(void **state)
{
    static const struct {
        const char *operation, *word;
    } cases[] = {
        {"SomethingNew",        "SomethingNew"       },
        {"SystemQuorumRecover", "SystemQuorumRecover"},
        {NULL,                  "cannot do again"    },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        WORLD w;
        begin(&w);
        happens(&w, cases[i].operation, NULL);
        assert_non_null(strstr(w.restore.why, cases[i].word));
        assert_int_equal(rdt_replay_end(&w.replay, NOW_MS, NULL), RDT_OK);
        assert_string_equal(rdt_quarantine_why(rdt_tx_view(w.replay.tx)), w.restore.why);
    }
}

static void
approvers_and_requests(void **state)
{
    static const char *const names[] = {"ann", "ben", "cid"};
    static const uint8_t request_id[16] = {3};
    WORLD w;
    (void)state;
    begin(&w);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t id[16] = {(uint8_t)(i + 1)};
        struct rdt_approver *row =
            rdt_tx_add(w.replay.tx, RDT_KIND_APPROVER, (struct rdt_span){id, sizeof id});
        memcpy(row->id, id, sizeof id);
        assert_true(rdt_text_set(&row->name, rdt_span_str(names[i])));
        assert_true(rdt_text_set(&row->person, rdt_span_str(names[i])));
    }
    struct rdt_approval *request =
        rdt_tx_add(w.replay.tx, RDT_KIND_APPROVAL, (struct rdt_span){request_id, 16});
    memcpy(request->id, request_id, sizeof request->id);
    request->state = RDT_APPROVAL_OPEN;
    uint64_t before = rdt_view_site(rdt_tx_view(w.replay.tx))->approvers_revision;
    rdt_replay_begin(&w.replay);
    parameter(&w, "approver", "cid");
    happens(&w, "ApproverRemove", "AccessDeniedException"); /* asked for, not done */
    parameter(&w, "approver", "ben");
    happens(&w, "ApproverRemove", NULL);
    assert_int_equal(rdt_replay_end(&w.replay, NOW_MS, NULL), RDT_OK);
    assert_string_equal(w.restore.why, "");
    parameter(&w, "approver", "cid");
    happens(&w, "ApproverRemove", NULL);
    assert_int_equal(rdt_replay_end(&w.replay, NOW_MS, NULL), RDT_OK);
    assert_non_null(strstr(w.restore.why, "fewer approvers"));
    struct rdt_view view = rdt_tx_view(w.replay.tx);
    request = rdt_tx_edit(w.replay.tx, RDT_KIND_APPROVAL, (struct rdt_span){request_id, 16});
    assert_int_equal(request->state, RDT_APPROVAL_EXPIRED);
    assert_true(rdt_view_site(view)->approvers_revision > before);
    assert_non_null(rdt_quarantine_why(view));
}

static void
what_is_not_there(void **state)
{
    static const char *const operations[] = {"DisableKey",        "KeySuspend",    "PutKeyPolicy",
                                             "SystemRotate",      "ScannerRevoke", "TenantDestroy",
                                             "CertificateRevoke", "StoreRegister", "KekExport"};
    WORLD w;
    (void)state;
    begin(&w);
    for (size_t i = 0; i < RDT_COUNT(operations); i++)
        happens(&w, operations[i], NULL);
    assert_int_equal(w.restore.withdrawn, 0);
    assert_int_equal(w.restore.records, RDT_COUNT(operations));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_known),
        cmocka_unit_test(states_of_keys),
        cmocka_unit_test(what_was_refused_does_nothing),
        cmocka_unit_test(suspended),
        cmocka_unit_test(rings_go_on),
        cmocka_unit_test(destroyed_versions),
        cmocka_unit_test(drains_begin_anew),
        cmocka_unit_test(principals),
        cmocka_unit_test(tenants),
        cmocka_unit_test(people_have_to_look),
        cmocka_unit_test(approvers_and_requests),
        cmocka_unit_test(what_is_not_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
