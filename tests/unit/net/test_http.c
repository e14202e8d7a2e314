#include "net/http.h"

#include "../test.h"

#include <string.h>

static const struct {
    const char *text;
    enum rdt_code want;
    const char *back; /* as rdt_url_text() writes it */
    uint16_t port;
} urls[] = {
    {"https://app.example",                      RDT_OK,         "https://app.example/",       443 },
    {"http://App.Example:80/a/b?token=secret#x", RDT_OK,         "http://app.example/a/b",     80  },
    {"HTTPS://app.example:8443/x",               RDT_OK,         "https://app.example:8443/x", 8443},
    {"https://[2001:DB8::1]/",                   RDT_OK,         "https://[2001:db8::1]/",     443 },
    {"https://[::1]:8443/",                      RDT_OK,         "https://[::1]:8443/",        8443},
    {"https://user:password@app.example/",       RDT_E_BADINPUT, NULL,                         0   },
    {"https://user@app.example/",                RDT_E_BADINPUT, NULL,                         0   },
    {"ftp://app.example/",                       RDT_E_BADINPUT, NULL,                         0   },
    {"file:///etc/passwd",                       RDT_E_BADINPUT, NULL,                         0   },
    {"app.example",                              RDT_E_BADINPUT, NULL,                         0   },
    {"https://",                                 RDT_E_BADINPUT, NULL,                         0   },
    {"https://app.example:99999/",               RDT_E_BADINPUT, NULL,                         0   },
    {"https://app.example:0x50/",                RDT_E_BADINPUT, NULL,                         0   },
    {"https://app example/",                     RDT_E_BADINPUT, NULL,                         0   },
    {"https://app.example/\r\nX: y",             RDT_E_BADINPUT, NULL,                         0   },
    {"",                                         RDT_E_BADINPUT, NULL,                         0   },
};

static void
reads_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(urls); i++) {
        static struct rdt_url url;
        RDT_BUF back = {0};
        struct rdt_err err = {0};
        enum rdt_code rc = rdt_url_parse(urls[i].text, &url, &err);
        if (rc != urls[i].want)
            fail_msg("'%s': got %d", urls[i].text, rc);
        assert_null(strstr(err.text, "password@"));
        if (rc != RDT_OK)
            continue;
        rdt_url_text(&url, &back);
        assert_string_equal(rdt_buf_cstr(&back), urls[i].back);
        assert_int_equal(url.port, urls[i].port);
    }
}

static void
long_url(void **state)
{
    static struct rdt_url url;
    static char text[2 * RDT_URL_MAX];
    (void)state;
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "https://a.example/", 18);
    assert_int_equal(rdt_url_parse(text, &url, NULL), RDT_E_BADINPUT);
}

static const struct {
    const char *base, *location, *want; /* NULL: unreadable */
} locations[] = {
    {"http://a.example/x/y",   "https://a.example/",     "https://a.example/"     },
    {"http://a.example/x/y",   "/z",                     "http://a.example/z"     },
    {"http://a.example/x/y",   "z",                      "http://a.example/x/z"   },
    {"http://a.example/x/y",   "//b.example/",           "http://b.example/"      },
    {"http://a.example:8080/", "/z?session=1",           "http://a.example:8080/z"},
    {"http://a.example/",      "https://u:p@a.example/", NULL                     },
    {"http://a.example/",      "javascript:alert(1)",    NULL                     },
    {"http://a.example/",      "",                       NULL                     },
};

static void
resolves(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(locations); i++) {
        static struct rdt_url base, to;
        RDT_BUF back = {0};
        assert_int_equal(rdt_url_parse(locations[i].base, &base, NULL), RDT_OK);
        enum rdt_code rc = rdt_url_resolve(&base, rdt_span_str(locations[i].location), &to, NULL);
        if ((rc == RDT_OK) != (locations[i].want != NULL))
            fail_msg("'%s': got %d", locations[i].location, rc);
        if (rc != RDT_OK)
            continue;
        rdt_url_text(&to, &back);
        assert_string_equal(rdt_buf_cstr(&back), locations[i].want);
    }
}

static void
headers(void **state)
{
    struct rdt_http_answer answer = {.status = 200};
    struct rdt_span value;
    (void)state;
    rdt_buf_str(&answer.head, "HTTP/1.1 200 OK\nX-Empty:\nLocation:\t /a: b \nlocation: c\nodd\n");
    assert_true(rdt_http_header(&answer, "LOCATION", 0, &value));
    assert_true(rdt_span_is(value, "/a: b"));
    assert_true(rdt_http_header(&answer, "location", 1, &value));
    assert_true(rdt_span_is(value, "c"));
    assert_false(rdt_http_header(&answer, "location", 2, &value));
    assert_true(rdt_http_header(&answer, "x-empty", 0, &value));
    assert_int_equal(value.n, 0);
    assert_false(rdt_http_header(&answer, "odd", 0, &value));
    assert_false(rdt_http_header(&answer, "Locatio", 0, &value));
    rdt_http_answer_done(&answer);
    assert_false(rdt_http_header(&answer, "odd", 0, &value));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_urls),
        cmocka_unit_test(long_url),
        cmocka_unit_test(resolves),
        cmocka_unit_test(headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
