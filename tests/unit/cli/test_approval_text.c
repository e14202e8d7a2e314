/* What an approver is shown cannot be made to say something else. */
#include "cli/approval_text.h"

#include "base/text.h"
#include "kms/model.h"

#include "../test.h"

#include <stdio.h>
#include <string.h>

/* The lines that a person sees. */
static const char *
shown(const char *operation, const char *name, const char *value)
{
    static char text[8192];
    RDT_BUF pairs = {0};
    RDT_BUF out = {0};
    struct rdt_approval_bytes bytes = {.verb = RDT_APPROVAL_APPROVE,
                                       .operation = rdt_span_str(operation),
                                       .rows_revision = 5,
                                       .approvers_revision = 7,
                                       .expires_ms = 1796083200000};
    rdt_pairs_add(&pairs, rdt_span_str(name), rdt_span_str(value));
    bytes.parameters = rdt_buf_span(&pairs);
    rdt_approval_render(&bytes, &out);
    assert_true(rdt_buf_ok(&out) && out.n < sizeof text);
    rdt_text_show_lines(out.p, out.n);
    snprintf(text, sizeof text, "%.*s", RDT_FMT(rdt_buf_span(&out)));
    return text;
}

static size_t
lines_that_begin(const char *text, const char *with)
{
    size_t n = strncmp(text, with, strlen(with)) == 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL;)
        n += strncmp(++at, with, strlen(with)) == 0;
    return n;
}

static void
plain(void **unused)
{
    (void)unused;
    const char *text = shown("key-destroy", "Key", "9b1d");
    assert_non_null(strstr(text, "operation     key-destroy: destroy a key's material for good\n"));
    assert_non_null(strstr(text, "  Key           9b1d\n"));
    assert_non_null(strstr(text, "subject       as of its revision 5\n"));
    assert_non_null(strstr(text, "approvers     as of their revision 7\n"));
    assert_non_null(strstr(text, "expires       2026-12-01T00:00:00Z\n"));
    assert_null(strstr(text, "census"));
    assert_non_null(strstr(shown("new-thing", "A", ""), "not known to this program"));
}

static void
forged(void **unused)
{
    static const struct {
        const char *name, *value;
    } cases[] = {
        {"Key",                           "x\noperation     quorum-set: nothing bad"},
        {"Key\noperation     quorum-set", "x"                                       },
        {"Key",                           "\noperation     quorum-set\n"            },
        {"Key",                           "x\roperation     quorum-set"             },
        {"Key",                           "x\x1b[2J\x1b[Hoperation     quorum-set"  },
    };
    (void)unused;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        const char *text = shown("key-destroy", cases[i].name, cases[i].value);
        assert_int_equal(lines_that_begin(text, "operation"), 1);
        assert_null(strchr(text, '\r'));
        assert_null(strchr(text, '\x1b'));
    }
}

/* A terminal's own line breaks are no way in either. */
static void
long_lines(void **unused)
{
    char value[400];
    (void)unused;
    for (size_t i = 0; i < sizeof value - 1; i++)
        value[i] = i % 2 == 0 ? 'a' : ' ';
    value[sizeof value - 1] = '\0';
    const char *text = shown("policy-widen", "Policy", value);
    assert_int_equal(lines_that_begin(text, "  | "), (sizeof value + 67) / 68);
    for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1)
        assert_true(strcspn(at, "\n") < 80);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(forged),
        cmocka_unit_test(long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
