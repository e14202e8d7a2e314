/* The catalogue file: what is read, and each way to be wrong with its place. */
#include "work/catalogue.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#define ID1 "3f0ab2d4-6c1e-4b7a-9d52-8e41f07c6a11"
#define ID2 "5d1c7e90-2b4f-4f0e-8a36-c97b1d20e4f2"
#define HEAD "catalogue: 1\nrings: { field: alias/f, index: alias/i }\ncolumns:\n"
#define COLUMN(more) HEAD "  s.t.c: { id: " ID1 ", tenant: { name: acme }" more " }\n"
#define INDEX(more) COLUMN(", index: { domain: " ID2 ", name: n, normaliser: " more " }")

static enum rdt_code
parse(const char *text, struct rdt_diags *diags, struct rdt_catalogue **out)
{
    struct rdt_err err = {0};
    return rdt_catalogue_parse("fields.yaml", rdt_span_str(text), diags, out, &err);
}

static void
the_example(void **state)
{
    (void)state;
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_AUTO(rdt_catalogue_free_at) struct rdt_catalogue *catalogue = NULL;
    char path[4096];
    struct rdt_err err = {0};
    const struct rdt_catalogue_column *column;
    size_t n;
    snprintf(path, sizeof path, "%s/examples/medtrack/fields.yaml", getenv("REDOUBT_SOURCE"));
    assert_int_equal(rdt_catalogue_load(path, &diags, &catalogue, &err), RDT_OK);
    column = rdt_catalogue_columns(catalogue, &n);
    assert_int_equal(n, 3);
    assert_string_equal(column->name, "clinic.patients.diagnosis");
    assert_string_equal(column->schema, "clinic");
    assert_string_equal(column->table, "patients");
    assert_string_equal(column->field, "diagnosis");
    assert_string_equal(column->ring, "alias/medtrack-fields");
    assert_string_equal(column->tenant_column, "hospital");
    assert_null(column->tenant);
    assert_int_equal(column->n_row, 1);
    assert_int_equal(column->padded, 64);
    assert_true(column->critical);
    assert_int_equal(column->id[0], 0x3f);
    assert_null(column->index);
    assert_int_equal(rdt_catalogue_find(catalogue, "patients.email", &column, &err), RDT_OK);
    assert_non_null(column->index);
    assert_int_equal(column->index->as.bits, 128);
    assert_int_equal(column->index->as.normal.rule, RDT_NORMAL_EMAIL);
    assert_int_equal(column->index->as.normal.local, RDT_NORMAL_LOCAL_FOLD);
    assert_int_equal(column->index->as.normal.version, 1);
    assert_true(rdt_catalogue_in_value(column));
    struct rdt_field_index index;
    static const uint8_t tenant[16] = {7};
    rdt_catalogue_index(column, tenant, &index);
    assert_int_equal(index.tenant[0], 7);
    assert_int_equal(rdt_field_index_check(&index), RDT_FIELD_OK);
    assert_string_equal(column->index->ring, "alias/medtrack-index");
    assert_int_equal(rdt_catalogue_find(catalogue, "clinic.visits.notes", &column, &err), RDT_OK);
    assert_int_equal(column->type, RDT_CATALOGUE_JSON);
    assert_int_equal(column->n_row, 2);
    assert_int_equal(column->n_key, 2);
    assert_string_equal(column->key[1], "visit");
}

static void
good(void **state)
{
    (void)state;
    static const char *const texts[] = {
        COLUMN(""),
        COLUMN(", row: [a, b, c], key: id, padded: 16, unpadded_too: true, type: bytea"),
        INDEX("phone, kind: truncated, bits: 12, country: 44, trunk: 0, version: 1"),
        INDEX("email, kind: unique, bits: 128, local: tag"),
        INDEX("date, kind: truncated, bits: 40, order: day-month"),
        INDEX("name, kind: word, bits: 128, risk_accepted: EX-9"),
        /* columns before rings */
        "columns: { s.t.c: { id: " ID1 ", tenant: { column: x } } }\n"
        "rings: { field: k }\ncatalogue: 1\n",
        HEAD "  {}\n",
    };
    for (size_t i = 0; i < RDT_COUNT(texts); i++) {
        RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
        RDT_AUTO(rdt_catalogue_free_at) struct rdt_catalogue *catalogue = NULL;
        enum rdt_code rc = parse(texts[i], &diags, &catalogue);
        if (diags.n != 0)
            print_message("# %zu: %s\n", i, diags.items[0].text);
        assert_int_equal(rc, RDT_OK);
    }
}

static void
bad(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says, *hint;
        unsigned line;
    } cases[] = {
        {"",                                                                "",                            NULL,             0},
        {"[]",                                                              "expected a map",              NULL,             1},
        {"catalogue: 2\nrings: {}\ncolumns: {}\n",                          "format's version",            "format 1 only",  1},
        {"rings: {}\ncolumns: {}\n",                                        "'catalogue' is missing",      NULL,             1},
        {"catalogue: 1\nrings: []\ncolumns: {}\n",                          "rings: expected a map",       NULL,             2},
        {"catalogue: 1\nrings: { a: k, b: k }\ncolumns: {}\n",              "are one key",                 NULL,             2},
        {"catalogue: 1\nring: {}\ncolumns: {}\n",                           "unknown field 'ring'",        "'rings'",        2},
        {"catalogue: 1\nrings: { f: k }\ncolumns: { s.t.c: { id: " ID1
         ", tenant: { name: a }, ring: F } }\n",                   "no ring 'F'",                 "'f'",            3},
        {"catalogue: 1\nrings: { f: k }\ncolumns: { s.t.c: { id: " ID1
         ", tenant: { name: a } } }\n",                            "no ring 'field'",             NULL,             3},
        {HEAD "  t.c: { id: " ID1 ", tenant: { name: a } }\n",              "is no schema.table.column",   NULL,
         4                                                                                                                    },
        {HEAD "  a.s.t.c: { id: " ID1 ", tenant: { name: a } }\n",          "is no schema.table",          NULL,             4},
        {HEAD "  s.t.c.: { id: " ID1 ", tenant: { name: a } }\n",           "is no schema.table",          NULL,             4},
        {HEAD "  s..c: { id: " ID1 ", tenant: { name: a } }\n",             "is no schema.table",          NULL,             4},
        {HEAD "  s.t.c: { tenant: { name: a } }\n",                         "'id' is missing",             NULL,             4},
        {HEAD "  s.t.c: { id: " ID1 " }\n",                                 "'tenant' is missing",         NULL,             4},
        {HEAD "  s.t.c: { id: 7, tenant: { name: a } }\n",                  "a UUID",                      NULL,             4},
        {HEAD "  s.t.c: { id: " ID1 ", tenant: acme }\n",                   "expected a map",              NULL,             4},
        {HEAD "  s.t.c: { id: " ID1 ", tenant: {} }\n",                     "a name or a column",          "{ name: acme }", 4},
        {HEAD "  s.t.c: { id: " ID1 ", tenant: { name: a, column: b } }\n", "a name or a column",
         NULL,                                                                                                               4},
        {HEAD "  s.t.c: { id: " ID1 ", tenant: { name: a } }\n  s.t.d: { id: " ID1
              ", tenant: { name: a } }\n",                         "has the id of s.t.c",         NULL,             5},
        {COLUMN(", tennant: x"),                                            "unknown field 'tennant'",     "'tenant'",       4},
        {COLUMN(", row: []"),                                               "a name, or a list",           NULL,             4},
        {COLUMN(", row: [a, a]"),                                           "'a' stands here twice",       NULL,             4},
        {COLUMN(", row: [a, b, c, d, e, f, g, h, i]"),                      "a list of up to 8",           NULL,             4},
        {COLUMN(", row: 'a b'"),                                            "name of a SQL column",        NULL,             4},
        {COLUMN(", row: 'a.b'"),                                            "name of a SQL column",        NULL,             4},
        {COLUMN(", padded: 1"),                                             "from 2 to 65535",             NULL,             4},
        {COLUMN(", padded: 65536"),                                         "from 2 to 65535",             NULL,             4},
        {COLUMN(", padded: 0x10"),                                          "from 2 to 65535",             NULL,             4},
        {COLUMN(", unpadded_too: true"),                                    "for a column that is padded", NULL,             4},
        {COLUMN(", critical: yes"),                                         "true or false",               NULL,             4},
        {COLUMN(", type: txt"),                                             "one of text, bytea, json",    "'text'",         4},
        {INDEX("email"),                                                    "'kind' is missing",           NULL,             4},
        {INDEX("email, kind: unqiue"),                                      "one of unique",               "'unique'",       4},
        {INDEX("email, kind: unique, bits: 64"),                            "all 128 bits",                NULL,             4},
        {INDEX("email, kind: truncated"),                                   "'bits' is missing",           "index-plan",     4},
        {INDEX("email, kind: truncated, bits: 128"),                        "1 to 40 bits",                NULL,             4},
        {INDEX("email, kind: truncated, bits: 0"),                          "from 1 to 128",               NULL,             4},
        {INDEX("name, kind: prefix, bits: 128"),                            "how often each part occurs",  "risk_accepted",  4},
        {INDEX("name, kind: prefix, bits: 41, risk_accepted: EX-1"),        "1 to 40 bits, or 128",        NULL,
         4                                                                                                                    },
        {INDEX("name, kind: unique, country: 44"),                          "for phone numbers",           NULL,             4},
        {INDEX("name, kind: unique, local: fold"),                          "for e-mail",                  NULL,             4},
        {INDEX("soundex, kind: unique"),                                    "one of raw",                  NULL,             4},
        {INDEX("raw, kind: unique, ring: fields"),                          "no ring 'fields'",            "'field'",        4},
        {INDEX("name, kind: unique, order: iso"),                           "for dates",                   NULL,             4},
        {INDEX("email, kind: unique, version: 2"),                          "from 1 to 1",                 NULL,             4},
        {INDEX("raw, kind: word, bits: 128, risk_accepted: EX-1"),          "no index that can be made",
         NULL,                                                                                                               4},
        {INDEX("phone, kind: unique, trunk: 0"),                            "no index that can be made",   NULL,             4},
        {COLUMN(", row: &a id"),                                            "",                            NULL,             4},
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
        RDT_AUTO(rdt_catalogue_free_at) struct rdt_catalogue *catalogue = NULL;
        enum rdt_code rc = parse(cases[i].text, &diags, &catalogue);
        const struct rdt_diag *said = NULL;
        for (size_t k = 0; said == NULL && k < diags.n; k++)
            said = strstr(diags.items[k].text, cases[i].says) != NULL ? &diags.items[k] : NULL;
        if (rc != RDT_E_BADINPUT || said == NULL)
            print_message("# %zu: %s\n", i, diags.n == 0 ? "no complaint" : diags.items[0].text);
        assert_int_equal(rc, RDT_E_BADINPUT);
        assert_null(catalogue);
        assert_non_null(said);
        if (cases[i].line != 0)
            assert_int_equal(said->mark.line, cases[i].line);
        if (cases[i].hint != NULL) {
            assert_non_null(said->hint);
            assert_non_null(strstr(said->hint, cases[i].hint));
        }
    }
}

static void
find(void **state)
{
    (void)state;
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_AUTO(rdt_catalogue_free_at) struct rdt_catalogue *catalogue = NULL;
    struct rdt_err err = {0};
    const struct rdt_catalogue_column *column = NULL;
    assert_int_equal(parse(HEAD "  a.patients.name: { id: " ID1 ", tenant: { name: x } }\n"
                                "  b.patients.name: { id: " ID2 ", tenant: { name: x } }\n",
                           &diags, &catalogue),
                     RDT_OK);
    assert_int_equal(rdt_catalogue_find(catalogue, "b.patients.name", &column, &err), RDT_OK);
    assert_string_equal(column->schema, "b");
    assert_int_equal(rdt_catalogue_find(catalogue, "patients.name", &column, &err),
                     RDT_E_NOTFOUND); /* which one? */
    assert_int_equal(rdt_catalogue_find(catalogue, "a.patient.name", &column, &err),
                     RDT_E_NOTFOUND);
    assert_non_null(strstr(err.hint, "a.patients.name"));
    assert_int_equal(rdt_catalogue_find(catalogue, "", &column, &err), RDT_E_NOTFOUND);
}

static void
place_and_row(void **state)
{
    (void)state;
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_AUTO(rdt_catalogue_free_at) struct rdt_catalogue *catalogue = NULL;
    static const uint8_t tenant[16] = {7};
    struct rdt_field_column place;
    size_t n;
    assert_int_equal(parse(COLUMN(", row: id, padded: 32, critical: true"), &diags, &catalogue),
                     RDT_OK);
    rdt_catalogue_place(rdt_catalogue_columns(catalogue, &n), tenant, &place);
    assert_memory_equal(place.tenant, tenant, 16);
    assert_int_equal(place.id[15], 0x11);
    assert_int_equal(place.bucket, 32);
    assert_true(place.row_bound && place.hedged && !place.any_length);

    static const struct {
        const char *parts[2];
        size_t n;
        const char *want;
        size_t want_n;
    } rows[] = {
        {{"42"},      1, "42",              2},
        {{"1", "22"}, 2, "\0\0011\0\00222", 7},
        {{"12", "2"}, 2, "\0\00212\0\0012", 7},
        {{"", "x"},   2, "\0\0\0\1x",       5},
    };
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        RDT_BUF out = {0};
        struct rdt_span parts[2];
        for (size_t k = 0; k < rows[i].n; k++)
            parts[k] = rdt_span_str(rows[i].parts[k]);
        assert_int_equal(rdt_catalogue_row(parts, rows[i].n, &out, NULL), RDT_OK);
        assert_int_equal(out.n, rows[i].want_n);
        assert_memory_equal(out.p, rows[i].want, out.n);
    }
    RDT_BUF out = {0};
    struct rdt_span none = {NULL, 0}, long_one = {tenant, UINT16_MAX + 1};
    assert_int_equal(rdt_catalogue_row(&none, 1, &out, NULL), RDT_E_BADINPUT);
    assert_int_equal(rdt_catalogue_row(&long_one, 1, &out, NULL), RDT_E_BADINPUT);
}

static void
too_long(void **state)
{
    (void)state;
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    struct rdt_catalogue *catalogue = NULL;
    char *text = malloc(RDT_CATALOGUE_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, '#', RDT_CATALOGUE_BYTES_MAX + 1);
    struct rdt_span bytes = {(const uint8_t *)text, RDT_CATALOGUE_BYTES_MAX + 1};
    assert_int_equal(rdt_catalogue_parse("f", bytes, &diags, &catalogue, NULL), RDT_E_LIMIT);
    assert_null(catalogue);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example), cmocka_unit_test(good),          cmocka_unit_test(bad),
        cmocka_unit_test(find),        cmocka_unit_test(place_and_row), cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
