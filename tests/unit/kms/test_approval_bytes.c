/* What approvers sign, held against the vectors of a second implementation. */
#include "kms/approval.h"

#include "codec/base64.h"
#include "kms/model.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#define RUN_TEXT "(40000*78)" /* a letter that a vector repeats */
#define RUN 40000

static size_t n_good, n_bad;

static void
put_hex(const char *digits, size_t n, struct rdt_buf *out)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        uint8_t byte;
        assert_true(rdt_hex_get((struct rdt_span){(const uint8_t *)digits + i, 2}, &byte, 1));
        rdt_buf_add(out, &byte, 1);
    }
}

static void
expand(const char *text, struct rdt_buf *out)
{
    for (const char *at; (at = strstr(text, RUN_TEXT)) != NULL; text = at + strlen(RUN_TEXT)) {
        put_hex(text, (size_t)(at - text), out);
        for (size_t i = 0; i < RUN; i++)
            rdt_buf_str(out, "x");
    }
    put_hex(text, strlen(text), out);
    assert_true(rdt_buf_ok(out));
}

/* Every beginning is refused, and the bytes come out again as they went in. */
static void
check_good(const char *name, struct rdt_span bytes)
{
    RDT_BUF again = {0};
    struct rdt_approval_bytes read, part;
    if (rdt_approval_read(bytes, &read, NULL) != RDT_OK)
        fail_msg("%s was refused", name);
    rdt_approval_put(&read, &again);
    assert_true(rdt_buf_ok(&again) && rdt_span_eq(rdt_buf_span(&again), bytes));
    for (size_t n = 0; n < bytes.n; n++)
        assert_int_equal(rdt_approval_read((struct rdt_span){bytes.p, n}, &part, NULL),
                         RDT_E_BADINPUT);
    n_good++;
}

static void
check_bad(const char *name, struct rdt_span bytes)
{
    struct rdt_approval_bytes read = {.rows_revision = 77};
    if (rdt_approval_read(bytes, &read, NULL) != RDT_E_BADINPUT || read.rows_revision != 77)
        fail_msg("%s was not refused", name);
    n_bad++;
}

static void
vectors(void **unused)
{
    char path[1024], name[64], *line = NULL;
    size_t cap = 0;
    (void)unused;
    snprintf(path, sizeof path, "%s/tests/vectors/approval.txt", getenv("REDOUBT_SOURCE"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (getline(&line, &cap, file) > 0) {
        RDT_BUF bytes = {0};
        int at = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%*[a-z] %63[a-z0-9-] %n", name, &at) != 1 || line[0] == '#')
            continue;
        expand(line + at, &bytes);
        if (strncmp(line, "good ", 5) == 0)
            check_good(name, rdt_buf_span(&bytes));
        else
            check_bad(name, rdt_buf_span(&bytes));
    }
    free(line);
    fclose(file);
    assert_int_equal(n_good, 5);
    assert_int_equal(n_bad, 15);
}

static void
fields(void **unused)
{
    RDT_BUF pairs = {0};
    RDT_BUF bytes = {0};
    struct rdt_approval_bytes out, in = {
                                       .verb = RDT_APPROVAL_DENY,
                                       .operation = {(const uint8_t *)"key-gate", 8},
                                       .rows_revision = 0x0102030405060708,
                                       .approvers_revision = 9,
                                       .expires_ms = 1796083200123
    };
    struct rdt_span value;
    (void)unused;
    rdt_pairs_add(&pairs, rdt_span_str("Key"), rdt_span_str("k"));
    in.parameters = rdt_buf_span(&pairs);
    memset(in.deployment, 1, 16);
    memset(in.request, 2, 16);
    memset(in.census_root, 3, 32);
    rdt_approval_put(&in, &bytes);
    assert_int_equal(rdt_approval_read(rdt_buf_span(&bytes), &out, NULL), RDT_OK);
    assert_int_equal(out.verb, RDT_APPROVAL_DENY);
    assert_true(rdt_span_is(out.operation, "key-gate"));
    assert_true(rdt_pairs_find(out.parameters, rdt_span_str("Key"), &value));
    assert_true(rdt_span_is(value, "k"));
    assert_true(out.rows_revision == in.rows_revision && out.approvers_revision == 9);
    assert_true(out.expires_ms == in.expires_ms);
    assert_memory_equal(out.deployment, in.deployment, 16);
    assert_memory_equal(out.request, in.request, 16);
    assert_memory_equal(out.census_root, in.census_root, 32);
    in.parameters.n = RDT_APPROVAL_PARAMETERS_MAX + 1;
    rdt_approval_put(&in, &bytes);
    assert_false(rdt_buf_ok(&bytes));
}

static void
suspending(void **unused)
{
    RDT_BUF bytes = {0};
    uint8_t a[16], b[16];
    struct rdt_approval_bytes read;
    (void)unused;
    memset(a, 0x11, 16);
    memset(b, 0x22, 16);
    rdt_suspend_put(a, b, 0x0102, &bytes);
    assert_int_equal(bytes.n, 19 + 16 + 16 + 8);
    assert_memory_equal(bytes.p, "redoubt suspend v1", 19);
    assert_memory_equal(bytes.p + 19 + 32, "\0\0\0\0\0\0\1\2", 8);
    assert_int_equal(rdt_approval_read(rdt_buf_span(&bytes), &read, NULL), RDT_E_BADINPUT);
}

static void
words(void **unused)
{
    (void)unused;
    assert_non_null(rdt_approval_words(rdt_span_str("key-destroy")));
    assert_null(rdt_approval_words(rdt_span_str("key-destroy2")));
    assert_null(rdt_approval_words((struct rdt_span){0}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(fields),
        cmocka_unit_test(suspending),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
