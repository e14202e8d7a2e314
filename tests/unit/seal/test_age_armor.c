/* The text form of age files. What the published vectors refuse is in tests/functional/test_age.py.
 */
#include "seal/age_internal.h"

#include "../test.h"

#define BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define END "-----END AGE ENCRYPTED FILE-----"

/* In portions of `step` bytes. */
static bool
dearmor(struct rdt_span text, size_t step, struct rdt_buf *out)
{
    struct age_dearmor armor = {.n = 0};
    for (size_t at = 0; at < text.n; at += step) {
        struct rdt_span in = {text.p + at, text.n - at < step ? text.n - at : step};
        while (in.n != 0) {
            uint8_t bytes[AGE_LINE_BYTES];
            size_t n = 0;
            if (!rdt_age_dearmor(&armor, &in, bytes, &n))
                return false;
            rdt_buf_add(out, bytes, n);
        }
    }
    return rdt_age_dearmor_end(&armor);
}

static void
there_and_back(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n++)
        for (size_t step = 1; step < 60; step += 7) {
            struct age_armorer armor = {.n = 0};
            RDT_BUF plain = {0}, text = {0}, back = {0};
            for (size_t i = 0; i < n; i++)
                rdt_buf_add(&plain, &(uint8_t){(uint8_t)(i * 31 + n)}, 1);
            rdt_age_armor_begin(&text);
            for (size_t at = 0; at < n; at += step)
                rdt_age_armor_add(
                    &armor, (struct rdt_span){plain.p + at, n - at < step ? n - at : step}, &text);
            rdt_age_armor_end(&armor, &text);
            assert_true(dearmor(rdt_buf_span(&text), step, &back));
            assert_true(rdt_span_eq(rdt_buf_span(&plain), rdt_buf_span(&back)));
        }
}

static void
strict(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {BEGIN "\nYWdl\n" END "\n",                  true },
        {BEGIN "\nYWdl\n" END,                       true },
        {BEGIN "\r\nYWdl\r\n" END "\r\n",            true },
        {BEGIN "\n" END,                             true }, /* no bytes: what is inside then has no header */
        {" \n\t\r\n" BEGIN "\nYWdl\n" END "\n \n\n", true },
        {"",                                         false},
        {"\n",                                       false},
        {BEGIN,                                      false},
        {BEGIN "\n",                                 false},
        {BEGIN "\nYWdl\n",                           false},
        {BEGIN "\nYWdl" END,                         false},
        {BEGIN "YWdl\n" END,                         false},
        {" " BEGIN "\nYWdl\n" END,                   false},
        {BEGIN " \nYWdl\n" END,                      false},
        {BEGIN "\nYWdl\n" END "x",                   false},
        {BEGIN "\nYWdl\n" END "\nx",                 false},
        {BEGIN "\nYWdl\n" END "\n" END,              false},
        {BEGIN "\nYWdl\n " END,                      false},
        {BEGIN "\nYWdl\n\n" END,                     false},
        {BEGIN "\n\nYWdl\n" END,                     false},
        {BEGIN "\nYWdl\nYWdl\n" END,                 false}, /* only the last line may be short */
        {BEGIN "\nYWdl \n" END,                      false},
        {BEGIN "\nYW\rdl\n" END,                     false},
        {BEGIN "\nYWdl\r\r\n" END,                   false},
        {BEGIN "\nYWd=\n" END,                       false}, /* bits left over */
        {BEGIN "\nYWc\n" END,                        false}, /* without padding */
        {BEGIN "\nYW-_\n" END,                       false},
        {BEGIN "\n" BEGIN "\n" END,                  false},
        {BEGIN "\nYWdl\n" END " ",                   false},
        {END "\n" BEGIN,                             false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        for (size_t step = 1; step < 100; step += 13) {
            RDT_BUF out = {0};
            if (dearmor(rdt_span_str(cases[i].text), step, &out) != cases[i].good)
                fail_msg("case %zu: %s", i, cases[i].text);
        }
}

static void
long_lines(void **state)
{
    (void)state;
    for (size_t n = 60; n < 200; n += 4) {
        RDT_BUF text = {0}, out = {0};
        rdt_buf_str(&text, BEGIN "\n");
        for (size_t i = 0; i < n; i++)
            rdt_buf_str(&text, "A");
        rdt_buf_str(&text, "\n" END "\n");
        assert_int_equal(dearmor(rdt_buf_span(&text), 50, &out), n <= AGE_LINE_LEN);
    }
}

/* White space around it is bounded on both sides: as in age itself. */
static void
blanks(void **state)
{
    (void)state;
    for (int behind = 0; behind < 2; behind++)
        for (size_t n = 1023; n <= 1025; n++) {
            RDT_BUF text = {0}, out = {0};
            if (behind)
                rdt_buf_str(&text, BEGIN "\nYWdl\n" END "\n");
            for (size_t i = 0; i < n; i++)
                rdt_buf_str(&text, "\n");
            if (!behind)
                rdt_buf_str(&text, BEGIN "\nYWdl\n" END "\n");
            assert_int_equal(dearmor(rdt_buf_span(&text), 100, &out), n <= 1024);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(strict),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(blanks),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
