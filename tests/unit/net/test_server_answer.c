#include "net/server_internal.h"

#include "../test.h"

#define DATE "Tue, 24 Nov 2026 10:15:00 GMT"

static const struct {
    const char *what;
    int status;
    const char *type, *fields, *body;
    bool close;
    const char *want;
} cases[] = {
    {"a body",                 200, "application/json", NULL,                   "{}",           false,
     "HTTP/1.1 200 OK\r\nDate: " DATE
     "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"                         },
    {"no type",                404, NULL,               NULL,                   "",             false,
     "HTTP/1.1 404 Not Found\r\nDate: " DATE "\r\nContent-Length: 0\r\n\r\n"                   },
    {"fields",                 200, "text/plain",       "X-A: 1\r\nX-B: 2\r\n", "123456789012", false,
     "HTTP/1.1 200 OK\r\nDate: " DATE
     "\r\nContent-Type: text/plain\r\nContent-Length: 12\r\nX-A: 1\r\nX-B: 2\r\n\r\n"          },
    {"closing",                413, "text/plain",       "X-A: 1\r\n",           "x",            true,
     "HTTP/1.1 413 Content Too Large\r\nDate: " DATE
     "\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nConnection: close\r\nX-A: 1\r\n\r\n"},
    {"204 has no length",      204, "text/plain",       NULL,                   "x",            false,
     "HTTP/1.1 204 No Content\r\nDate: " DATE "\r\n\r\n"                                       },
    {"304 likewise",           304, NULL,               "ETag: \"1\"\r\n",      "",             true,
     "HTTP/1.1 304 Not Modified\r\nDate: " DATE "\r\nConnection: close\r\nETag: \"1\"\r\n\r\n" },
    {"a status without words", 299, NULL,               NULL,                   "",             false,
     "HTTP/1.1 299 Status\r\nDate: " DATE "\r\nContent-Length: 0\r\n\r\n"                      },
};

static void
heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        uint8_t out[512];
        struct rdt_exchange x = {.status = cases[i].status, .content_type = cases[i].type};
        if (cases[i].fields != NULL)
            rdt_buf_str(&x.fields, cases[i].fields);
        rdt_buf_str(&x.answer, cases[i].body);
        size_t n = rdt_answer_head(&x, DATE, cases[i].close, out, sizeof out);
        struct rdt_span got = {out, n};
        if (!rdt_span_is(got, cases[i].want))
            fail_msg("%s: %.*s", cases[i].what, RDT_FMT(got));
        /* Whatever room is missing, nothing is cut and nothing is written behind the room. */
        for (size_t cap = 0; cap < n; cap++) {
            memset(out, 0xaa, sizeof out);
            if (rdt_answer_head(&x, DATE, cases[i].close, out, cap) != 0 || out[cap] != 0xaa)
                fail_msg("%s: in %zu bytes", cases[i].what, cap);
        }
        rdt_buf_done(&x.fields);
        rdt_buf_done(&x.answer);
    }
}

static void
words(void **state)
{
    (void)state;
    /* Each status that the server itself answers with has words. */
    static const int own[] = {400, 408, 411, 413, 414, 417, 431, 500, 503, 505};
    for (size_t i = 0; i < RDT_COUNT(own); i++)
        assert_string_not_equal(rdt_status_words(own[i]), "Status");
    assert_string_equal(rdt_status_words(200), "OK");
    assert_string_equal(rdt_status_words(0), "Status");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(heads), cmocka_unit_test(words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
