/*
 * test_model - the model's words, ids and policies, and that docs/formats/record.md has its tables
 * of fields. `test_kms_model --print` prints what belongs between the marks of that document.
 */
#include "kms/model.h"

#include "../test.h"
#include "filled.h"

#include <stdio.h>

#define BEGIN "<!-- tables of fields: begin -->\n"
#define END "<!-- tables of fields: end -->\n"

static void
test_words(void **unused)
{
    (void)unused;
    assert_string_equal(rdt_key_state_word(RDT_KEY_ENABLED), "Enabled");
    assert_string_equal(rdt_key_state_word(RDT_KEY_DISABLED), "Disabled");
    assert_string_equal(rdt_key_state_word(RDT_KEY_PENDING_DELETION), "PendingDeletion");
    assert_string_equal(rdt_key_state_word(RDT_KEY_PENDING_IMPORT), "PendingImport");
    assert_string_equal(rdt_key_state_word(0), "unknown");
    assert_string_equal(rdt_key_state_word(5), "unknown");
    assert_string_equal(rdt_version_state_word(RDT_VERSION_CURRENT), "current");
    assert_string_equal(rdt_version_state_word(RDT_VERSION_DRAINING), "draining");
    assert_string_equal(rdt_version_state_word(RDT_VERSION_DESTROYED), "destroyed");
    assert_string_equal(rdt_version_state_word(0), "unknown");
    assert_string_equal(rdt_version_state_word(99), "unknown");
}

/* SECURITY-DESIGN section 6, row by row: from current, retained... to the same. */
static void
test_life(void **unused)
{
    (void)unused;
    static const char *const may[] = {
        [RDT_VERSION_CURRENT] = ".x....",  [RDT_VERSION_RETAINED] = "..x...",
        [RDT_VERSION_DRAINING] = ".x.x..", [RDT_VERSION_DRAINED] = "..x.x.",
        [RDT_VERSION_QUIESCED] = "..x..x", [RDT_VERSION_DESTROYED] = "......",
    };
    for (unsigned from = RDT_VERSION_CURRENT; from <= RDT_VERSION_DESTROYED; from++)
        for (unsigned to = RDT_VERSION_CURRENT; to <= RDT_VERSION_DESTROYED; to++)
            if (rdt_version_may_become(from, to) != (may[from][to - 1] == 'x'))
                fail_msg("from %u to %u", from, to);
    assert_false(rdt_version_may_become(0, RDT_VERSION_CURRENT));
    assert_false(rdt_version_may_become(RDT_VERSION_CURRENT, 0));
    assert_false(rdt_version_may_become(RDT_VERSION_CURRENT, 64));
    assert_false(rdt_version_may_become(7, RDT_VERSION_RETAINED));
}

static void
expect_id(enum rdt_kind kind, const void *object, const void *id, size_t n)
{
    RDT_BUF got = {0};
    rdt_kind_id(kind, object, &got);
    if (!rdt_buf_ok(&got) || !rdt_span_eq(rdt_buf_span(&got), (struct rdt_span){id, n}))
        fail_msg("id of a %s", rdt_kind_record(kind)->name);
}

#define ID(literal, kind, ...) expect_id(kind, __VA_ARGS__, literal, sizeof(literal) - 1)

static void
test_ids(void **unused)
{
    (void)unused;
    static const uint8_t sixteen[16] = "0123456789abcdef";
    struct rdt_version version = {.number = 0x01020304};
    struct rdt_census_report report = {.store = (char *)"db"};
    struct rdt_kek_export export = {.handle = 1, .epoch = 0xffff};
    struct rdt_seen seen = {.until_ms = 1};
    memcpy(seen.signature, "abcdefghijklmnopqrstuvwxyz012345", 32);
    memcpy(version.key, sixteen, 16);
    memcpy(report.key, sixteen, 16);
    memcpy(export.principal, sixteen, 16);
    ID("site", RDT_KIND_SITE, &(struct rdt_site){.domain = 9});
    ID("0123456789abcdef\1\2\3\4", RDT_KIND_VERSION, &version);
    ID("db\0"
       "0123456789abcdef",
       RDT_KIND_REPORT, &report);
    ID("\0\0\0\1\0\0\xff\xff"
       "0123456789abcdef",
       RDT_KIND_EXPORT, &export);
    ID("alias/x", RDT_KIND_ALIAS, &(struct rdt_alias){.name = (char *)"alias/x"});
    ID("", RDT_KIND_ALIAS, &(struct rdt_alias){0});
    ID("RDTA", RDT_KIND_CREDENTIAL, &(struct rdt_credential){.key_id = (char *)"RDTA"});
    ID("\0\0\0\5", RDT_KIND_HANDLE, &(struct rdt_handle){.handle = 5});
    ID("\0\0\0\5\0\0\0\6", RDT_KIND_SEED, &(struct rdt_seed){.handle = 5, .epoch = 6});
    ID("abcdefghijklmnopqrstuvwxyz012345", RDT_KIND_SEEN, &seen);
}

static const char policy[] = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                             "\"Action\":\"kms:Encrypt\",\"Resource\":\"*\"}]}";

static void
test_ready(void **unused)
{
    (void)unused;
    struct rdt_principal p = {.policy = strdup(policy)};
    struct rdt_key key = {.policy = strdup(policy)};
    struct rdt_err err;
    assert_int_equal(rdt_kind_ready(RDT_KIND_PRINCIPAL, &p, "000000000000", &err), RDT_OK);
    assert_non_null(p.compiled);
    assert_int_equal(rdt_kind_ready(RDT_KIND_PRINCIPAL, &p, "000000000000", &err), RDT_OK);
    assert_true(rdt_text_set(&p.policy, rdt_span_str("{}")));
    const struct rdt_policy *old = p.compiled;
    assert_int_equal(rdt_kind_ready(RDT_KIND_PRINCIPAL, &p, "000000000000", &err), RDT_E_BADINPUT);
    assert_ptr_equal(p.compiled, old);
    assert_true(rdt_text_set(&p.policy, (struct rdt_span){NULL, 0}));
    assert_int_equal(rdt_kind_ready(RDT_KIND_PRINCIPAL, &p, "000000000000", &err), RDT_OK);
    assert_null(p.compiled);
    rdt_kind_done(RDT_KIND_PRINCIPAL, &p);
    /* a key's policy is of the other kind: it names principals */
    assert_int_equal(rdt_kind_ready(RDT_KIND_KEY, &key, "000000000000", &err), RDT_E_BADINPUT);
    assert_null(key.compiled);
    rdt_kind_done(RDT_KIND_KEY, &key);
    struct rdt_tenant tenant = {.name = strdup("x")};
    assert_int_equal(rdt_kind_ready(RDT_KIND_TENANT, &tenant, "", &err), RDT_OK);
    rdt_kind_done(RDT_KIND_TENANT, &tenant);
    assert_null(tenant.name);
}

/* ---- the document ---- */

/* Whether the id is made of this member: it shows when the member alone is set. */
static bool
is_of_id(enum rdt_kind kind, const struct rdt_record_member *m)
{
    RDT_BUF without = {0}, with = {0};
    void *object = new_object(kind);
    rdt_kind_id(kind, object, &without);
    fill_member(m, 1, object);
    rdt_kind_id(kind, object, &with);
    rdt_record_done(rdt_kind_record(kind), object);
    free(object);
    return !rdt_span_eq(rdt_buf_span(&without), rdt_buf_span(&with));
}

static void
put_id(enum rdt_kind kind, struct rdt_buf *out)
{
    const struct rdt_record *record = rdt_kind_record(kind);
    bool any = false;
    for (size_t i = 0; i < record->n_members; i++)
        if (is_of_id(kind, &record->members[i])) {
            rdt_buf_fmt(out, "%s`%s`", any ? ", " : "", record->members[i].name);
            any = true;
        }
    if (!any)
        rdt_buf_fmt(out, "the text `%s`", record->name);
}

static void
put_tables(struct rdt_buf *out)
{
    static const char *const types[] = {
        [RDT_M_U8] = "u8",     [RDT_M_U32] = "u32",      [RDT_M_U64] = "u64",
        [RDT_M_I64] = "i64",   [RDT_M_B16] = "16 bytes", [RDT_M_B32] = "32 bytes",
        [RDT_M_TEXT] = "text", [RDT_M_BYTES] = "bytes",
    };
    for (unsigned kind = 1; kind < RDT_KIND_END; kind++) {
        const struct rdt_record *record = rdt_kind_record(kind);
        rdt_buf_fmt(out, "\n### Kind %u: `%s`\n\nId: ", kind, record->name);
        put_id(kind, out);
        rdt_buf_str(out, ".\n\n| number | field | type |\n|---|---|---|\n");
        for (size_t i = 0; i < record->n_members; i++)
            rdt_buf_fmt(out, "| %u | `%s` | %s |\n", record->members[i].number,
                        record->members[i].name, types[record->members[i].type]);
    }
    rdt_buf_str(out, "\n");
}

static char *
read_document(void)
{
    char path[1024];
    const char *source = getenv("REDOUBT_SOURCE");
    snprintf(path, sizeof path, "%s/docs/formats/record.md", source == NULL ? "." : source);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static void
test_document(void **unused)
{
    (void)unused;
    RDT_BUF want = {0};
    char *text = read_document();
    put_tables(&want);
    char *from = strstr(text, BEGIN), *to = strstr(text, END);
    assert_non_null(from);
    assert_non_null(to);
    *to = '\0';
    if (strcmp(from + strlen(BEGIN), rdt_buf_cstr(&want)) != 0)
        fail_msg("docs/formats/record.md: put there what test_kms_model --print prints");
    free(text);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words), cmocka_unit_test(test_life),     cmocka_unit_test(test_ids),
        cmocka_unit_test(test_ready), cmocka_unit_test(test_document),
    };
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        RDT_BUF out = {0};
        put_tables(&out);
        fputs(rdt_buf_cstr(&out), stdout);
        return 0;
    }
    return cmocka_run_group_tests_name("kms/model", tests, NULL, NULL);
}
