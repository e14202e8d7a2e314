/* Keys of a column: asked for once, forgotten when their time is over, few held at a time. */
#include "work/column_internal.h"

#include "../test.h"

#include <stdio.h>

static struct rdt_worker *worker;
static struct rdt_catalogue_column column = {
    .name = "a.b.c", .ring = "alias/field", .tenant_column = "t"};

struct service {
    int asked;
    uint32_t ttl_s;
    enum rdt_code refuses; /* older epochs */
};

/* Tenant tN has handle N and is in epoch 7. */
static enum rdt_code
get(void *self, const struct rdt_kek_ask *ask, struct rdt_tenant_kek *out, struct rdt_err *err)
{
    struct service *service = self;
    unsigned n = ask->handle;
    service->asked++;
    if (ask->tenant != NULL && sscanf(ask->tenant, "t%u", &n) != 1)
        return rdt_fail(err, RDT_E_NOTFOUND, "no such tenant");
    if (service->refuses != RDT_OK && ask->epoch != 0)
        return rdt_fail(err, service->refuses, "refused");
    out->handle = n;
    out->current_epoch = 7;
    out->epoch = ask->epoch == 0 ? 7 : ask->epoch;
    out->ttl_s = service->ttl_s;
    out->tenant[0] = (uint8_t)n;
    enum rdt_code rc = rdt_secret_new(&out->key, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        out->key.p[0] = (uint8_t)(n + out->epoch);
    return rc;
}

static struct rdt_column_keys *
start(struct service *service, struct rdt_column_job *job)
{
    struct rdt_column_keys *keys = NULL;
    *job = (struct rdt_column_job){
        .column = &column, .keys = {get, service}
    };
    assert_int_equal(rdt_column_keys_open(job, worker, &keys, NULL), RDT_OK);
    return keys;
}

static void
asked_once(void **state)
{
    (void)state;
    struct service service = {.ttl_s = 300};
    struct rdt_column_job job;
    RDT_AUTO(rdt_column_keys_close_at) struct rdt_column_keys *keys = start(&service, &job);
    const struct rdt_column_tenant *tenant;
    const struct rdt_field_keys *of;
    static const char *const names[] = {"t3", "t1", "t2", "t1", "t3"};
    for (size_t i = 0; i < RDT_COUNT(names); i++) {
        assert_int_equal(rdt_column_tenant_get(keys, rdt_span_str(names[i]), &tenant, NULL),
                         RDT_OK);
        assert_string_equal(tenant->name, names[i]);
        assert_int_equal(tenant->handle, names[i][1] - '0');
        assert_int_equal(tenant->epoch, 7);
        assert_int_equal(rdt_column_keys_get(keys, tenant, 7, &of, NULL), RDT_OK);
        assert_int_equal(of->handle, tenant->handle);
    }
    assert_int_equal(service.asked, 3);
    assert_int_equal(rdt_column_keys_get(keys, tenant, 6, &of, NULL), RDT_OK);
    assert_int_equal(of->epoch, 6);
    assert_int_equal(rdt_column_keys_get(keys, tenant, 6, &of, NULL), RDT_OK);
    assert_int_equal(service.asked, 4);
    assert_int_equal(rdt_column_keys_ttl(keys), 300);
}

/* Time is over at once: each use asks anew, so a key that is withdrawn is not used again. */
static void
forgotten(void **state)
{
    (void)state;
    struct service service = {.ttl_s = 0};
    struct rdt_column_job job;
    RDT_AUTO(rdt_column_keys_close_at) struct rdt_column_keys *keys = start(&service, &job);
    const struct rdt_column_tenant *tenant;
    const struct rdt_field_keys *of = NULL;
    assert_int_equal(rdt_column_tenant_get(keys, rdt_span_str("t1"), &tenant, NULL), RDT_OK);
    assert_int_equal(rdt_column_keys_get(keys, tenant, 7, &of, NULL), RDT_OK);
    assert_int_equal(service.asked, 2);
    service.refuses = RDT_E_STATE;
    assert_int_equal(rdt_column_keys_get(keys, tenant, 7, &of, NULL), RDT_OK);
    assert_null(of);
    service.refuses = RDT_E_DENIED; /* that is not "there is none": the job stops */
    assert_int_equal(rdt_column_keys_get(keys, tenant, 7, &of, NULL), RDT_E_DENIED);
}

static void
refused(void **state)
{
    (void)state;
    struct service service = {.ttl_s = 300};
    struct rdt_column_job job;
    struct rdt_err err = {0};
    RDT_AUTO(rdt_column_keys_close_at) struct rdt_column_keys *keys = start(&service, &job);
    const struct rdt_column_tenant *tenant;
    assert_int_equal(rdt_column_tenant_get(keys, rdt_span_str("nobody"), &tenant, &err),
                     RDT_E_NOTFOUND);
    assert_non_null(strstr(err.text, "tenant 'nobody'"));
    assert_int_equal(rdt_column_tenant_get(keys, rdt_span_str(""), &tenant, &err), RDT_E_STATE);
    assert_non_null(strstr(err.text, "has no tenant"));
}

/* More epochs than are held: the one unused for longest goes, and comes back when it is needed. */
static void
many(void **state)
{
    (void)state;
    struct service service = {.ttl_s = 300};
    struct rdt_column_job job;
    RDT_AUTO(rdt_column_keys_close_at) struct rdt_column_keys *keys = start(&service, &job);
    const struct rdt_column_tenant *tenant;
    const struct rdt_field_keys *of;
    char name[16];
    for (unsigned i = 1; i <= RDT_COLUMN_KEYS_MAX + 40; i++) {
        snprintf(name, sizeof name, "t%u", i);
        assert_int_equal(rdt_column_tenant_get(keys, rdt_span_str(name), &tenant, NULL), RDT_OK);
        assert_int_equal(rdt_column_keys_get(keys, tenant, 7, &of, NULL), RDT_OK);
        assert_int_equal(of->handle, i);
    }
    int before = service.asked;
    assert_int_equal(rdt_column_tenant_get(keys, rdt_span_str("t1"), &tenant, NULL), RDT_OK);
    assert_int_equal(service.asked, before); /* who it is stays known */
    assert_int_equal(rdt_column_keys_get(keys, tenant, 7, &of, NULL), RDT_OK);
    assert_int_equal(of->handle, 1);
    assert_int_equal(service.asked, before + 1);
}

static void
plaintexts(void **state)
{
    (void)state;
    static const uint8_t zeroes[16];
    RDT_AUTO(rdt_plain_done) struct rdt_plain plain = {0};
    assert_int_equal(rdt_plain_room(&plain, 10, NULL), RDT_OK);
    memcpy(plain.p, "planted-plain", 10);
    plain.n = 10;
    uint8_t *was = plain.p;
    assert_int_equal(rdt_plain_room(&plain, 16, NULL), RDT_OK);
    assert_ptr_equal(plain.p, was);
    assert_memory_equal(plain.p, zeroes, 10); /* the one before is gone */
    assert_int_equal(rdt_plain_room(&plain, 1 << 20, NULL), RDT_OK);
    assert_true(plain.room >= 1 << 20);
}

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) == RDT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_worker_close(worker);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asked_once), cmocka_unit_test(forgotten),  cmocka_unit_test(refused),
        cmocka_unit_test(many),       cmocka_unit_test(plaintexts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
