#include "evidence/evidence.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

static struct rdt_node *
map_of(struct rdt_evidence *e)
{
    return rdt_node_new(&e->arena, RDT_NODE_MAP, (struct rdt_mark){0});
}

static void
records_a_fact(void **state)
{
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence e = {0};
    struct rdt_node *value = map_of(&e);
    (void)state;
    rdt_evidence_collector(&e, "pg/1");
    struct rdt_node *app = rdt_value_map(&e.arena, value, "app");
    rdt_value_text(&e.arena, app, "verdict", "refused");
    rdt_value_int(&e.arena, app, "line", -12);
    rdt_value_bool(&e.arena, app, "plaintext", false);
    rdt_value_text(&e.arena, rdt_value_list(&e.arena, app, "l"), NULL, "first");
    assert_int_equal(
        rdt_evidence_fact(&e, "stores.db", "pg.plaintext", value, rdt_span_str("password=hunter2")),
        RDT_OK);
    const struct rdt_observation *o = rdt_evidence_find(&e, "stores.db", "pg.plaintext");
    assert_non_null(o);
    assert_string_equal(o->collector, "pg/1");
    assert_string_equal(o->raw, "password=[hidden]");
    assert_null(o->unknown);
    assert_true(o->time > 1600000000);
    /* printf '%s' 'password=[hidden]' | sha256sum */
    assert_string_equal(o->sha256,
                        "0c5e9b0bded76b837132e3582a22afc80d7a316f1d514459184452f8b46da3cb");
    assert_true(rdt_node_get(o->value, "app.verdict")->quoted);
    assert_string_equal(rdt_node_str(o->value, "app.line"), "-12");
    assert_false(rdt_node_get(o->value, "app.line")->quoted);
    assert_string_equal(rdt_node_str(o->value, "app.plaintext"), "false");
    assert_int_equal(rdt_node_get(o->value, "app.l")->n, 1);
    assert_null(rdt_evidence_find(&e, "stores.db", "pg.hba"));
    assert_null(rdt_evidence_find(&e, "stores.other", "pg.plaintext"));
}

static void
scrubs_texts_of_a_value(void **state)
{
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence e = {0};
    struct rdt_node *value = map_of(&e);
    (void)state;
    struct rdt_node *list = rdt_value_list(&e.arena, value, "list");
    rdt_value_text(&e.arena, list, NULL, "CN=x,emailAddress=someone@private.example");
    rdt_value_text(&e.arena, value, "location", "https://a.example/eyJhbGciOiJIUzI1NiJ9.e.f/x");
    rdt_value_text(&e.arena, value, "cipher", "TLS_AES_256_GCM_SHA384");
    rdt_value_int(&e.arena, value, "n", 1234567890123456789);
    assert_int_equal(rdt_evidence_fact(&e, "s", "f", value, rdt_span_str("")), RDT_OK);
    const struct rdt_node *kept = e.items[0].value;
    assert_string_equal(rdt_node_text(rdt_node_get(kept, "list")->members[0].node),
                        "CN=x,emailAddress=[e-mail]");
    assert_null(strstr(rdt_node_str(kept, "location"), "eyJ"));
    assert_string_equal(rdt_node_str(kept, "cipher"), "TLS_AES_256_GCM_SHA384");
    assert_string_equal(rdt_node_str(kept, "n"), "1234567890123456789");
    assert_false(rdt_node_get(kept, "n")->quoted);
}

static void
records_why_not(void **state)
{
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence e = {0};
    (void)state;
    assert_int_equal(
        rdt_evidence_unknown(&e, "stores.db", "pg.hba", "app:hunter2@db said no", rdt_span_str("")),
        RDT_OK);
    const struct rdt_observation *o = rdt_evidence_find(&e, "stores.db", "pg.hba");
    assert_string_equal(o->unknown, "app:[hidden]@db said no");
    assert_null(o->value);
    assert_string_equal(o->collector, "");
}

static void
refuses_a_broken_value(void **state)
{
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence e = {0};
    (void)state;
    assert_null(rdt_value_map(&e.arena, NULL, "x"));
    assert_null(rdt_value_bool(&e.arena, NULL, "x", true));
    assert_int_equal(rdt_evidence_fact(&e, "s", "f", NULL, rdt_span_str("")), RDT_E_NOMEM);
    assert_int_equal(e.n, 0);
}

static void
cuts_what_is_long(void **state)
{
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence e = {0};
    enum { LONG = 3 * RDT_RAW_MAX };
    uint8_t *raw = malloc(LONG);
    (void)state;
    assert_non_null(raw);
    for (size_t i = 0; i < LONG; i++) /* two-byte characters, one odd byte before them */
        raw[i] = i == 0 ? '!' : i % 2 == 1 ? 0xC3 : 0xBC;
    raw[LONG - 1] = '!';
    assert_int_equal(rdt_evidence_unknown(&e, "s", "f", "y", (struct rdt_span){raw, LONG}), RDT_OK);
    size_t n = strlen(e.items[0].raw);
    assert_in_range(n, RDT_RAW_MAX - 1, RDT_RAW_MAX);
    assert_string_equal(e.items[0].raw + n - 8, "\xc3\xbc\n[cut]");
    free(raw);
}

static void
moves_in_order(void **state)
{
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence into = {0}, from = {0};
    char name[16];
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct rdt_evidence *e = i < 50 ? &into : &from;
        snprintf(name, sizeof name, "s%d", i);
        assert_int_equal(rdt_evidence_unknown(e, name, "f", "why", rdt_span_str("")), RDT_OK);
    }
    assert_int_equal(rdt_evidence_move(&into, &from), RDT_OK);
    assert_int_equal(into.n, 100);
    assert_int_equal(from.n, 0);
    assert_null(from.arena.blocks);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "s%d", i);
        assert_string_equal(into.items[i].subject, name);
    }
    /* what was moved still belongs to a living arena, and more fits in */
    assert_int_equal(rdt_evidence_unknown(&into, "s0", "f", "newest", rdt_span_str("")), RDT_OK);
    assert_string_equal(rdt_evidence_find(&into, "s0", "f")->unknown, "newest");
    assert_int_equal(rdt_evidence_move(&from, &into), RDT_OK); /* also into an empty one */
    assert_int_equal(from.n, 101);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_a_fact),          cmocka_unit_test(records_why_not),
        cmocka_unit_test(scrubs_texts_of_a_value), cmocka_unit_test(refuses_a_broken_value),
        cmocka_unit_test(cuts_what_is_long),       cmocka_unit_test(moves_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
