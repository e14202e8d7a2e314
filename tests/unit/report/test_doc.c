#include "report/doc_internal.h"

#include "sample.h"

static const char *
draw(struct rdt_buf *out, bool html)
{
    static const char *const heads[] = {"A|B", "C"};
    struct rdt_doc doc = {.out = out, .html = html};
    RDT_BUF cell = {0};
    out->n = 0;
    rdt_doc_heading(&doc, 2, "Part <1>");
    rdt_doc_table(&doc, heads, 2);
    rdt_doc_cell(&doc, "x|y\nz");
    rdt_doc_cell(&doc, NULL);
    rdt_buf_str(&cell, "*b* `c` [d](e) \\ _f_");
    rdt_doc_take(&doc, &cell);
    assert_int_equal(cell.n, 0);
    rdt_doc_cell(&doc, "&");
    rdt_doc_table_end(&doc);
    rdt_doc_list(&doc);
    rdt_doc_box(&doc, RDT_BOX_TICKED, "done", "observed");
    rdt_doc_box(&doc, RDT_BOX_CROSSED, "broken", NULL);
    rdt_doc_box(&doc, RDT_BOX_OPEN, "open", "");
    rdt_doc_list_end(&doc);
    return rdt_buf_cstr(out);
}

static void
writes_markdown(void **state)
{
    (void)state;
    RDT_BUF out = {0};
    assert_string_equal(draw(&out, false), "## Part &lt;1&gt;\n\n"
                                           "| A\\|B | C |\n"
                                           "|---|---|\n"
                                           "| x\\|y z | - |\n"
                                           "| \\*b\\* \\`c\\` \\[d\\](e) \\\\ \\_f\\_ | &amp; |\n"
                                           "\n"
                                           "- \xE2\x98\x91 done \xE2\x80\x94 *observed*\n"
                                           "- \xE2\x98\x92 broken\n"
                                           "- \xE2\x98\x90 open\n"
                                           "\n");
}

static void
writes_html(void **state)
{
    (void)state;
    RDT_BUF out = {0};
    const char *text = draw(&out, true);
    assert_has(text, "<h2>Part &lt;1&gt;</h2>");
    assert_has(text, "<th scope=\"col\">A|B</th><th scope=\"col\">C</th></tr></thead>");
    assert_has(text, "<tr><th scope=\"row\">x|y\nz</th><td>-</td></tr>");
    assert_has(text, "<td>&amp;</td></tr>");
    assert_has(text, "aria-label=\"not done\"");
    assert_int_equal(sample_occurs(text, "<tr>"), 3);
    assert_int_equal(sample_occurs(text, "</tr>"), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_markdown),
        cmocka_unit_test(writes_html),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
