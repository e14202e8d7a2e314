#include "field/kek.h"

#include "codec/base64.h"
#include "codec/jtok.h"
#include "crypto/hpke.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

/* The third export of tests/vectors/tenant-kek.json, as the service answers. */
#define PRIVATE "90072644ab0902a6b563a523d6225ee148dc25a1092055459f124459ee664a80"
#define KEK "23c4f872ad8119430695ee9cabd3f0ff74de3cf6694fc89d740013bf4b92d339"
#define RING "e39c98b5-bd17-58ce-351c-d1d6d845c55a"
#define TENANT "193ff20e-cd61-84ca-f31d-ae1a9e8ba7aa"
#define OTHER "00000000-0000-0000-0000-000000000001"
#define ENC "taU8QRUDErFQrta83iJKU6AwsYOqVD2LjTeF9WX7pm0="
#define SEALED "jzcc+ogJMuaq9up64sLJSeMMBlJg25K4DuulwNvIkdN4PiWtoJnNAr+5h5uLS8on"
#define HANDLE 455884110
#define EPOCH 300
#define ARN "arn:aws:kms:local-1:000000000000:"

static struct rdt_worker *worker;

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

/* ---- requests ---- */

static char long_name[RDT_KEK_RING_MAX + 2];

static const struct {
    const char *why;
    struct rdt_kek_ask ask;
    enum rdt_code want;
} asks[] = {
    {"by name",         {.ring = "alias/records", .tenant = "acme"},   RDT_OK        },
    {"by handle",       {.ring = RING, .handle = 7, .epoch = 9},       RDT_OK        },
    {"no ring",         {.tenant = "acme"},                            RDT_E_BADINPUT},
    {"empty ring",      {.ring = "", .tenant = "acme"},                RDT_E_BADINPUT},
    {"ring too long",   {.ring = long_name, .tenant = "acme"},         RDT_E_BADINPUT},
    {"nobody",          {.ring = RING},                                RDT_E_BADINPUT},
    {"both",            {.ring = RING, .tenant = "acme", .handle = 1}, RDT_E_BADINPUT},
    {"empty tenant",    {.ring = RING, .tenant = ""},                  RDT_E_BADINPUT},
    {"tenant too long", {.ring = RING, .tenant = long_name},           RDT_E_BADINPUT},
    {"no UTF-8",        {.ring = RING, .tenant = "a\xff"},             RDT_E_BADINPUT},
    {"a line end",      {.ring = "alias/a\n", .tenant = "acme"},       RDT_E_BADINPUT},
};

static void
test_requests(void **state)
{
    (void)state;
    memset(long_name, 'a', sizeof long_name - 1);
    for (size_t i = 0; i < RDT_COUNT(asks); i++) {
        RDT_SECRET private_key = {0};
        RDT_BUF body = {0};
        struct rdt_err err = {0};
        enum rdt_code rc = rdt_kek_request(worker, &asks[i].ask, &private_key, &body, &err);
        if (rc != asks[i].want)
            fail_msg("%s: %d %s", asks[i].why, (int)rc, err.text);
        assert_int_equal(private_key.n, rc == RDT_OK ? RDT_HPKE_PRIVATE_LEN : 0);
        assert_true((body.n != 0) == (rc == RDT_OK));
    }
}

static void
test_request_text(void **state)
{
    (void)state;
    RDT_SECRET private_key = {0};
    RDT_SECRET kek = {0};
    RDT_SECRET back = {0};
    RDT_BUF body = {0};
    RDT_AUTO(rdt_buf_done) struct rdt_buf room = {0};
    struct rdt_jdoc *doc = malloc(sizeof *doc);
    uint8_t public_key[36], enc[RDT_HPKE_PUBLIC_LEN], sealed[RDT_KEY_LEN + RDT_GCM_TAG_LEN];
    size_t n = 0;
    int64_t handle = 0, epoch = 0;
    struct rdt_kek_ask ask = {.ring = "alias/\"x\"", .handle = UINT32_MAX, .epoch = 65535};
    assert_int_equal(rdt_kek_request(worker, &ask, &private_key, &body, NULL), RDT_OK);
    assert_true(rdt_jscan(body.p, body.n, doc));
    assert_true(rdt_span_is(rdt_jspan(doc, rdt_jget(doc, 0, "KeyId")), "alias/\"x\""));
    assert_int_equal(rdt_jget(doc, 0, "Tenant"), 0);
    assert_true(rdt_jint(doc, rdt_jget(doc, 0, "Handle"), &handle) && handle == UINT32_MAX);
    assert_true(rdt_jint(doc, rdt_jget(doc, 0, "Epoch"), &epoch) && epoch == 65535);
    assert_true(rdt_base64_get(rdt_jspan(doc, rdt_jget(doc, 0, "PublicKey")), public_key, &n));
    /* it is the other half of the private key */
    assert_int_equal(rdt_secret_copy(&kek, rdt_span_str("a key of somebody"), NULL), RDT_OK);
    assert_int_equal(rdt_hpke_seal(worker,
                                   (struct rdt_span){
                                       public_key, n
    },
                                   &(struct rdt_hpke_about){.info = {NULL, 0}}, &kek, enc, sealed),
                     RDT_OK);
    assert_int_equal(rdt_hpke_open(worker, &private_key,
                                   &(struct rdt_hpke_about){
                                       .info = {NULL, 0}
    },
                                   (struct rdt_span){enc, sizeof enc},
                                   (struct rdt_span){sealed, kek.n + RDT_GCM_TAG_LEN}, &back),
                     RDT_OK);
    assert_true(rdt_secret_equal(&kek, &back));
    free(doc);
}

/* ---- answers ---- */

#define MEMBERS 9

static const char *const members[MEMBERS][2] = {
    {"KeyId",        "\"" RING "\""  },
    {"Tenant",       "\"acme\""      },
    {"TenantId",     "\"" TENANT "\""},
    {"Handle",       "455884110"     },
    {"Epoch",        "300"           },
    {"CurrentEpoch", "301"           },
    {"Encapsulated", "\"" ENC "\""   },
    {"SealedKey",    "\"" SEALED "\""},
    {"TtlSeconds",   "300"           },
};

/* The answer with one member replaced; NULL: without it. */
static void
make_answer(const char *name, const char *with, struct rdt_buf *out)
{
    const char *comma = "";
    rdt_buf_str(out, "{");
    for (size_t i = 0; i < MEMBERS; i++) {
        bool other = name != NULL && strcmp(members[i][0], name) == 0;
        if (other && with == NULL)
            continue;
        rdt_buf_fmt(out, "%s\"%s\":%s", comma, members[i][0], other ? with : members[i][1]);
        comma = ",";
    }
    rdt_buf_str(out, "}");
}

static void
vector_key(struct rdt_secret *out)
{
    assert_int_equal(rdt_secret_new(out, RDT_HPKE_PRIVATE_LEN, NULL), RDT_OK);
    assert_true(rdt_hex_get(rdt_span_str(PRIVATE), out->p, out->n));
}

static enum rdt_code
open_answer(const struct rdt_kek_ask *ask, struct rdt_span json, struct rdt_tenant_kek *out,
            struct rdt_err *err)
{
    RDT_SECRET private_key = {0};
    vector_key(&private_key);
    return rdt_kek_open(
        worker, &(struct rdt_kek_answer){.ask = ask, .private_key = &private_key, .json = json},
        out, err);
}

/* What may be asked so that this is the answer. */
static const struct rdt_kek_ask fitting[] = {
    {.ring = RING,                .tenant = "acme", .epoch = EPOCH},
    {.ring = RING,                .tenant = TENANT, .epoch = EPOCH},
    {.ring = RING,                .handle = HANDLE, .epoch = EPOCH},
    {.ring = ARN "key/" RING,     .handle = HANDLE, .epoch = EPOCH},
    {.ring = "alias/records",     .tenant = "acme", .epoch = EPOCH},
    {.ring = ARN "alias/records", .tenant = "acme", .epoch = EPOCH},
};

static void
test_fitting(void **state)
{
    (void)state;
    uint8_t want[RDT_KEY_LEN], ring[16], tenant[16];
    assert_true(rdt_hex_get(rdt_span_str(KEK), want, sizeof want));
    assert_true(rdt_uuid_parse(rdt_span_str(RING), ring));
    assert_true(rdt_uuid_parse(rdt_span_str(TENANT), tenant));
    for (size_t i = 0; i < RDT_COUNT(fitting); i++) {
        RDT_BUF json = {0};
        RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
        struct rdt_err err = {0};
        make_answer(NULL, NULL, &json);
        if (open_answer(&fitting[i], rdt_buf_span(&json), &kek, &err) != RDT_OK)
            fail_msg("%zu: %s", i, err.text);
        assert_int_equal(kek.key.n, sizeof want);
        assert_memory_equal(kek.key.p, want, sizeof want);
        assert_memory_equal(kek.ring, ring, sizeof ring);
        assert_memory_equal(kek.tenant, tenant, sizeof tenant);
        assert_string_equal(kek.name, "acme");
        assert_int_equal(kek.handle, HANDLE);
        assert_int_equal(kek.epoch, EPOCH);
        assert_int_equal(kek.current_epoch, EPOCH + 1);
        assert_int_equal(kek.ttl_s, 300);
    }
}

static const struct {
    struct rdt_kek_ask ask;
    const char *word;
} other[] = {
    {{.ring = OTHER, .tenant = "acme", .epoch = EPOCH},            "ring"  },
    {{.ring = ARN "key/" OTHER, .tenant = "acme", .epoch = EPOCH}, "ring"  },
    {{.ring = RING, .tenant = "acme2", .epoch = EPOCH},            "tenant"},
    {{.ring = RING, .tenant = OTHER, .epoch = EPOCH},              "tenant"},
    {{.ring = RING, .handle = HANDLE + 1, .epoch = EPOCH},         "handle"},
    {{.ring = RING, .handle = HANDLE, .epoch = EPOCH + 1},         "epoch" },
    {{.ring = RING, .handle = HANDLE},                             "epoch" }, /* not the current */
};

static void
test_about_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(other); i++) {
        RDT_BUF json = {0};
        struct rdt_tenant_kek kek = {0};
        struct rdt_err err = {0};
        make_answer(NULL, NULL, &json);
        assert_int_equal(open_answer(&other[i].ask, rdt_buf_span(&json), &kek, &err),
                         RDT_E_PROTOCOL);
        if (strstr(err.text, other[i].word) == NULL)
            fail_msg("%zu: %s", i, err.text);
        assert_null(kek.key.p);
    }
}

static const struct {
    const char *name, *with;
    enum rdt_code want;
} changed[] = {
    {"Handle",       "455884111",                                                            RDT_E_TAMPERED}, /* by alias and tenant */
    {"TenantId",     "\"" OTHER "\"",                                                        RDT_E_TAMPERED},
    {"KeyId",        "\"" OTHER "\"",                                                        RDT_E_TAMPERED},
    {"CurrentEpoch", "300",                                                                  RDT_OK        },
    {"CurrentEpoch", "299",                                                                  RDT_E_PROTOCOL},
    {"CurrentEpoch", "65536",                                                                RDT_E_PROTOCOL},
    {"Handle",       "0",                                                                    RDT_E_PROTOCOL},
    {"Handle",       "4294967296",                                                           RDT_E_PROTOCOL},
    {"Handle",       "\"455884110\"",                                                        RDT_E_PROTOCOL},
    {"Epoch",        "0",                                                                    RDT_E_PROTOCOL},
    {"Epoch",        "3e2",                                                                  RDT_E_PROTOCOL},
    {"TtlSeconds",   "0",                                                                    RDT_E_PROTOCOL},
    {"TtlSeconds",   "86400",                                                                RDT_OK        },
    {"TtlSeconds",   "86401",                                                                RDT_E_PROTOCOL},
    {"Tenant",       "\"\"",                                                                 RDT_E_PROTOCOL},
    {"Tenant",       "\"a\\u0007\"",                                                         RDT_E_PROTOCOL},
    {"Tenant",       "[\"acme\"]",                                                           RDT_E_PROTOCOL},
    {"KeyId",        "\"alias/records\"",                                                    RDT_E_PROTOCOL},
    {"Encapsulated", "\"" SEALED "\"",                                                       RDT_E_PROTOCOL},
    {"Encapsulated", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",                     RDT_E_TAMPERED},
    {"SealedKey",    "\"" ENC "\"",                                                          RDT_E_PROTOCOL},
    {"SealedKey",    "\"kzcc+ogJMuaq9up64sLJSeMMBlJg25K4DuulwNvIkdN4PiWtoJnNAr+5h5uLS8on\"",
     RDT_E_TAMPERED                                                                                        },
};

static void
test_changed(void **state)
{
    (void)state;
    struct rdt_kek_ask ask = {.ring = "alias/records", .tenant = "acme", .epoch = EPOCH};
    for (size_t i = 0; i < RDT_COUNT(changed); i++) {
        RDT_BUF json = {0};
        RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
        make_answer(changed[i].name, changed[i].with, &json);
        enum rdt_code rc = open_answer(&ask, rdt_buf_span(&json), &kek, NULL);
        if (rc != changed[i].want)
            fail_msg("%zu: %s %s: %d", i, changed[i].name, changed[i].with, (int)rc);
        assert_true((kek.key.p != NULL) == (rc == RDT_OK));
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        RDT_BUF json = {0};
        struct rdt_tenant_kek kek = {0};
        make_answer(members[i][0], NULL, &json);
        if (open_answer(&ask, rdt_buf_span(&json), &kek, NULL) != RDT_E_PROTOCOL)
            fail_msg("without %s", members[i][0]);
    }
}

static void
test_cut(void **state)
{
    (void)state;
    RDT_BUF json = {0};
    RDT_BUF long_one = {0};
    RDT_SECRET wrong = {0};
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    struct rdt_kek_ask ask = {.ring = RING, .tenant = "acme", .epoch = EPOCH};
    make_answer(NULL, NULL, &json);
    for (size_t n = 0; n < json.n; n++)
        assert_int_equal(open_answer(&ask, (struct rdt_span){json.p, n}, &kek, NULL),
                         RDT_E_PROTOCOL);
    rdt_buf_add(&long_one, json.p, json.n);
    while (long_one.n <= RDT_KEK_ANSWER_MAX)
        rdt_buf_str(&long_one, " ");
    assert_int_equal(open_answer(&ask, rdt_buf_span(&long_one), &kek, NULL), RDT_E_PROTOCOL);
    vector_key(&wrong);
    wrong.p[5] ^= 1;
    struct rdt_kek_answer answer = {&ask, &wrong, rdt_buf_span(&json)};
    assert_int_equal(rdt_kek_open(worker, &answer, &kek, NULL), RDT_E_TAMPERED);
    assert_null(kek.key.p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests), cmocka_unit_test(test_request_text),
        cmocka_unit_test(test_fitting),  cmocka_unit_test(test_about_another),
        cmocka_unit_test(test_changed),  cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests_name("field/kek", tests, set_up, tear_down);
}
