#include "load.h"

static const char shop[] =
    HEAD "services: { web: { zone: i, external: true }, api: { zone: z } }\n"
         "data:\n"
         "  low: { level: low }\n"
         "  raised: { level: medium, raise_to: high }\n"
         "  lowered: { level: high, raise_to: low }\n"
         "  top: { level: critical }\n"
         "  fake: { level: critical, raise_to: critical, synthetic: true }\n"
         "keys:\n"
         "  root: { " KEY " }\n"
         "  mid: { like: root, wrapped_by: root }\n"
         "  leaf: { like: root, wrapped_by: mid }\n"
         "  vol: { like: root }\n"
         "  cert: { like: root }\n"
         "  idle: { like: root }\n"
         "stores:\n"
         "  db: { kind: postgres, holds: [low, raised], at_rest: { volume: { algorithm: aes-256, "
         "key: vol },"
         " fields: [{ data: [raised], algorithm: aes-256-gcm, key: leaf }] } }\n"
         "  side: { kind: disk, holds: [top], backup: copies }\n"
         "  copies: { kind: s3, backup_of: [db] }\n"
         "  cold: { kind: s3, backup_of: [copies], holds: [low] }\n"
         "  fakes: { kind: disk, holds: [fake] }\n"
         "  empty: { kind: disk }\n"
         "flows:\n"
         "  in: { from: web, to: api, carries: [top], tls: { min: tls1.3, cert: cert } }\n"
         "  out: { from: api, to: db, carries: [low] }\n"
         "  self: { from: db, to: db, carries: [low] }\n";

static void
levels(void **state)
{
    LOADED l;
    const struct rdt_plan *plan = load(&l, shop);
    (void)state;
    assert_level(plan, "data.raised", RDT_HIGH, "data.raised");
    assert_level(plan, "data.lowered", RDT_HIGH, "data.lowered");
    assert_level(plan, "data.fake", RDT_LOW, "data.fake");
    assert_level(plan, "stores.db", RDT_HIGH, "data.raised");
    assert_level(plan, "stores.side", RDT_CRITICAL, "data.top");
    assert_level(plan, "stores.copies", RDT_CRITICAL, "data.top"); /* by `backup` of side */
    assert_level(plan, "stores.cold", RDT_CRITICAL, "data.top");   /* through copies */
    assert_level(plan, "stores.fakes", RDT_LOW, "data.fake");
    assert_level(plan, "stores.empty", RDT_LEVEL_NONE, NULL);
    assert_level(plan, "flows.in", RDT_CRITICAL, "data.top");
    assert_level(plan, "flows.out", RDT_LOW, "data.low");
    assert_level(plan, "services.api", RDT_CRITICAL, "data.top");
    assert_level(plan, "keys.vol", RDT_HIGH, "data.raised");
    assert_level(plan, "keys.leaf", RDT_HIGH, "data.raised");
    assert_level(plan, "keys.root", RDT_HIGH, "data.raised"); /* two keys above the field's */
    assert_level(plan, "keys.cert", RDT_CRITICAL, "data.top");
    assert_level(plan, "keys.idle", RDT_LEVEL_NONE, NULL);
    assert_level(plan, "plan", RDT_LEVEL_NONE, NULL);
}

static void
links(void **state)
{
    LOADED l;
    const struct rdt_plan *plan = load(&l, shop);
    (void)state;
    assert_link(plan, "stores.db", RDT_LINK_DATA, "low raised");
    assert_link(plan, "stores.cold", RDT_LINK_DATA, "low raised top"); /* low once */
    assert_link(plan, "data.top", RDT_LINK_STORES, "side copies cold");
    assert_link(plan, "data.low", RDT_LINK_FLOWS, "out self");
    assert_link(plan, "stores.db", RDT_LINK_FLOWS, "out self"); /* self once */
    assert_link(plan, "services.api", RDT_LINK_FLOWS, "in out");
    assert_link(plan, "stores.db", RDT_LINK_KEYS, "leaf vol");
    assert_link(plan, "keys.mid", RDT_LINK_KEYS, "root");
    assert_link(plan, "keys.root", RDT_LINK_CHILDREN, "mid");
    assert_link(plan, "keys.leaf", RDT_LINK_PROTECTS, "db");
    assert_link(plan, "stores.db", RDT_LINK_BACKUPS, "copies");
    assert_link(plan, "stores.side", RDT_LINK_BACKUPS, "copies");
    assert_link(plan, "stores.copies", RDT_LINK_SOURCES, "db side");
    assert_link(plan, "stores.copies", RDT_LINK_BACKUPS, "cold");
    assert_link(plan, "stores.empty", RDT_LINK_DATA, "");
}

static void
subjects(void **state)
{
    LOADED l;
    const struct rdt_plan *plan = load(&l, shop);
    size_t n = 0, n_keys = 0;
    const struct rdt_subject *all = rdt_plan_subjects(plan, &n);
    const struct rdt_subject *keys = rdt_plan_section(plan, RDT_KEYS, &n_keys);
    (void)state;
    assert_int_equal(n, 2 + 5 + 6 + 6 + 3 + 1);
    assert_int_equal(n_keys, 6);
    assert_string_equal(keys[0].id, "keys.root");
    assert_string_equal(all[n - 1].id, "plan");
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(rdt_plan_find(plan, all[i].id), &all[i]);
    assert_null(rdt_plan_find(plan, "stores.none"));
    assert_null(rdt_plan_find(plan, "stores"));
    assert_null(rdt_plan_find(plan, "storesXdb"));
    assert_null(rdt_plan_find(plan, ""));
    assert_int_equal(rdt_plan_find(plan, "stores.db")->mark.line, 18);
}

static void
rings(void **state)
{
    (void)state;
    assert_refused(HEAD "keys:\n  a: { " KEY ", wrapped_by: a }\n", 4, "leads back to keys.a",
                   NULL);
    assert_refused(HEAD "keys:\n  a: { " KEY ", wrapped_by: b }\n  b: { like: a, wrapped_by: c }\n"
                        "  c: { like: a, wrapped_by: b }\n",
                   5, "leads back to keys.b", NULL);
    assert_refused(HEAD
                   "stores:\n  a: { kind: s3, backup_of: [b] }\n  b: { kind: s3, backup: b }\n",
                   5, "leads back to stores.b", NULL);
    assert_refused(HEAD "stores:\n  a: { kind: s3, backup_of: [b] }\n"
                        "  b: { kind: s3, backup_of: [a] }\n",
                   4, "stores.a.backup_of", NULL);
}

/* n entries in a row, each naming the one before. */
static enum rdt_code
chain(const char *first, const char *other, unsigned n)
{
    LOADED l;
    RDT_BUF text = {0};
    rdt_buf_str(&text, HEAD);
    rdt_buf_str(&text, first);
    for (unsigned i = 1; i < n; i++) {
        rdt_buf_fmt(&text, "  e%u: { ", i);
        rdt_buf_fmt(&text, other, i - 1);
        rdt_buf_str(&text, " }\n");
    }
    load_env(&l, rdt_buf_cstr(&text), NULL);
    if (l.rc == RDT_E_BADINPUT)
        assert_non_null(strstr(l.diags.items[0].text, "a chain of more than 16"));
    return l.rc;
}

static void
chains(void **state)
{
    static const char keys[] = "keys:\n  e0: { " KEY " }\n", key[] = "like: e0, wrapped_by: e%u";
    static const char stores[] = "stores:\n  e0: { kind: s3 }\n";
    static const char store[] = "kind: s3, backup_of: [e%u]";
    static const char data[] = "data:\n  e0: { level: high }\n";
    (void)state;
    assert_int_equal(chain(keys, key, 16), RDT_OK);
    assert_int_equal(chain(keys, key, 17), RDT_E_BADINPUT);
    assert_int_equal(chain(keys, key, 5000), RDT_E_BADINPUT);
    assert_int_equal(chain(stores, store, 17), RDT_OK);
    assert_int_equal(chain(stores, store, 18), RDT_E_BADINPUT);
    assert_int_equal(chain(stores, store, 5000), RDT_E_BADINPUT);
    assert_int_equal(chain(data, "like: e%u", 10000), RDT_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels), cmocka_unit_test(links),  cmocka_unit_test(subjects),
        cmocka_unit_test(rings),  cmocka_unit_test(chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
