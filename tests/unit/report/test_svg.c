#include "sample.h"

#define OPEN "<svg xmlns=\"http://www.w3.org/2000/svg\">"

static void
keeps_what_is_harmless(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"<svg/>",                                                                        "<svg/>"                             },
        {OPEN "<g id=\"a\" class='b'><path d=\"M0 0\"/></g></svg>",
         OPEN "<g id=\"a\" class=\"b\"><path d=\"M0 0\"/></g></svg>"                                                           },
        {"<?xml version=\"1.0\"?>\n<!DOCTYPE svg PUBLIC \"-//W3C\" \"http://x/svg.dtd\">\n"
         "<!-- made by dot --><svg></svg>\n",                                    "<svg></svg>"                        },
        {"<svg><title>a&#45;&gt;b &#xe9; &amp; &quot;</title></svg>",
         "<svg><title>a-&gt;b \xc3\xa9 &amp; &quot;</title></svg>"                                                             },
 /* a link keeps what it holds, and goes */
        {"<svg><a xlink:href=\"javascript:alert(1)\" xlink:title=\"t\"><text "
         "x=\"1\">hi</text></a></svg>",                                          "<svg><text x=\"1\">hi</text></svg>" },
 /* what runs or loads goes with all it holds */
        {"<svg><script>alert(1)</script><g/></svg>",                                      "<svg><g/></svg>"                    },
        {"<svg><style>*{x:url(a)}</style><g/></svg>",                                     "<svg><g/></svg>"                    },
        {"<svg><foreignObject><g><b>x</b></g></foreignObject>y</svg>",                    "<svg>y</svg>"                       },
        {"<svg><image href=\"http://x/\"/><use href=\"#a\"/><animate/></svg>",            "<svg></svg>"                        },
        {"<svg onload=\"x\" style=\"a\"><g onclick='x' xml:base='y' href='z'/></svg>",
         "<svg><g/></svg>"                                                                                                     },
 /* values that lead elsewhere go */
        {"<svg><g fill=\"url(http://x)\" stroke=\"URL(#a)\" class=\"u\\72l(x)\"/></svg>",
         "<svg><g/></svg>"                                                                                                     },
        {"<svg><g fill=\"u&#114;l(x)\" id=\"javaScript:x\"/></svg>",                      "<svg><g/></svg>"                    },
        {"<svg xmlns=\"http://evil\"/>",                                                  "<svg/>"                             },
        {"<svg><g id='a\"b&lt;'/></svg>",                                                 "<svg><g id=\"a&quot;b&lt;\"/></svg>"},
 /* inside a title HTML would read markup as its own */
        {"<svg><title>a<g id=\"x\">b</g>c</title></svg>",                                 "<svg><title>ac</title></svg>"       },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        struct rdt_err err = {0};
        if (rdt_svg_filter(rdt_span_str(cases[i].in), &out, &err) != RDT_OK)
            fail_msg("%s: %s", cases[i].in, err.text);
        assert_string_equal(rdt_buf_cstr(&out), cases[i].want);
    }
}

static void
refuses_what_is_not_well_formed(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "text",
        "<html></html>",
        "<svg>",
        "<svg></g></svg>",
        "<svg></svg><svg></svg>",
        "<svg></svg>text",
        "<svg><g></svg></g>",
        "<svg a=b/>",
        "<svg a/>",
        "<svg a=\"x/>",
        "<svg a=\"<\"/>",
        "<svg><!-- x</svg>",
        "<svg><? x</svg>",
        "<svg><![CDATA[<script>]]></svg>",
        "<!DOCTYPE svg [<!ENTITY x \"y\">]><svg>&x;</svg>",
        "<svg>&x;</svg>",
        "<svg>&#0;</svg>",
        "<svg>&#xD800;</svg>",
        "<svg>&#1114112;</svg>",
        "<svg>&#99999999999;</svg>",
        "<svg>&amp</svg>",
        "<svg id=\"&x;\"/>",
        "<svg><script>&x;</script></svg>",
        "<svg",
        "<svg/",
        "<",
        "</svg>",
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        struct rdt_err err = {0};
        if (rdt_svg_filter(rdt_span_str(cases[i]), &out, &err) != RDT_E_BADINPUT)
            fail_msg("taken for good: %s", cases[i]);
        assert_true(err.text[0] != '\0');
    }
}

static void
bounds_depth_and_size(void **state)
{
    (void)state;
    RDT_BUF deep = {0}, out = {0};
    rdt_buf_str(&deep, "<svg>");
    for (int i = 0; i < 63; i++)
        rdt_buf_str(&deep, "<g>");
    for (int i = 0; i < 63; i++)
        rdt_buf_str(&deep, "</g>");
    rdt_buf_str(&deep, "</svg>");
    assert_int_equal(rdt_svg_filter(rdt_buf_span(&deep), &out, NULL), RDT_OK);
    deep.n = 0;
    rdt_buf_str(&deep, "<svg>");
    for (int i = 0; i < 64; i++)
        rdt_buf_str(&deep, "<g>");
    assert_int_equal(rdt_svg_filter(rdt_buf_span(&deep), &out, NULL), RDT_E_LIMIT);
    struct rdt_span big = {deep.p, RDT_SVG_MAX + 1};
    assert_int_equal(rdt_svg_filter(big, &out, NULL), RDT_E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_is_harmless),
        cmocka_unit_test(refuses_what_is_not_well_formed),
        cmocka_unit_test(bounds_depth_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
