#include "../test.h"

#include "server/control_internal.h"

#include <stdio.h>

static void
heads(void **state)
{
    static const struct {
        const char *what, *bytes;
        size_t n;
        bool good;
    } cases[] = {
        {"status",          "RDTQ\1\1\0\0\0\0",         10, true },
        {"largest body",    "RDTQ\1\2\0\0\x40\0",       10, true },
        {"one more",        "RDTQ\1\2\0\0\x40\1",       10, false},
        {"huge",            "RDTQ\1\2\xff\xff\xff\xff", 10, false},
        {"no command",      "RDTQ\1\0\0\0\0\0",         10, false},
        {"unknown command", "RDTQ\1\6\0\0\0\0",         10, false},
        {"another version", "RDTQ\2\1\0\0\0\0",         10, false},
        {"an answer",       "RDTA\1\1\0\0\0\0",         10, false},
        {"cut short",       "RDTQ\1\1\0\0\0\0",         9,  false},
        {"left over",       "RDTQ\1\1\0\0\0\0\0",       11, false},
        {"nothing",         "",                         0,  false},
    };
    struct control_request request;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_span bytes = {(const uint8_t *)cases[i].bytes, cases[i].n};
        if (rdt_control_request_head(bytes, &request) != cases[i].good)
            fail_msg("%s", cases[i].what);
    }
}

static void
heads_there_and_back(void **state)
{
    uint8_t head[CONTROL_REQUEST_HEAD], back[CONTROL_ANSWER_HEAD];
    struct control_request request;
    struct control_answer answer;
    (void)state;
    for (int command = 1; command < RDT_CONTROL_END; command++) {
        rdt_control_put_request(&(struct control_request){(enum rdt_control_command)command, 1000},
                                head);
        assert_true(rdt_control_request_head((struct rdt_span){head, sizeof head}, &request));
        assert_true((int)request.command == command && request.body_n == 1000);
    }
    for (int code = 0; code <= RDT_E_INTERNAL; code++) {
        rdt_control_put_answer(
            &(struct control_answer){(enum rdt_code)code, RDT_CONTROL_STREAM_MAX}, back);
        assert_true(rdt_control_answer_head((struct rdt_span){back, sizeof back}, &answer));
        assert_true((int)answer.code == code && answer.body_n == RDT_CONTROL_STREAM_MAX);
    }
    rdt_control_put_answer(&(struct control_answer){RDT_OK, RDT_CONTROL_STREAM_MAX + 1}, back);
    assert_false(rdt_control_answer_head((struct rdt_span){back, sizeof back}, &answer));
    back[5] = RDT_E_INTERNAL + 1;
    assert_false(rdt_control_answer_head((struct rdt_span){back, sizeof back}, &answer));
}

static void
put(struct rdt_secret *secret, const char *text)
{
    assert_int_equal(rdt_secret_copy(secret, rdt_span_str(text), NULL), RDT_OK);
}

static void
means_there_and_back(void **state)
{
    RDT_SECRET one = {0}, two = {0}, body = {0}, word = {0}, none = {0};
    struct control_means means;
    (void)state;
    put(&one, "first share");
    put(&two, "s");
    const struct rdt_secret *shares[] = {&one, &two};
    struct rdt_unseal by_shares = {.shares = shares, .n_shares = 2};
    assert_int_equal(rdt_control_means_put("paper-1", &by_shares, &body, NULL), RDT_OK);
    struct rdt_span bytes = {body.p, body.n};
    assert_true(rdt_control_means_get(bytes, &means));
    assert_true(means.is_share && means.n == 2 && strcmp(means.seal, "paper-1") == 0);
    assert_true(rdt_span_is(means.words[0], "first share") && rdt_span_is(means.words[1], "s"));
    for (size_t n = 1; n < bytes.n; n++) /* every truncation; none at all has no means */
        assert_false(rdt_control_means_get((struct rdt_span){bytes.p, n}, &means));
    assert_true(rdt_control_means_get((struct rdt_span){bytes.p, 0}, &means) && means.n == 0);
    struct rdt_unseal by_word = {.passphrase = &one};
    assert_int_equal(rdt_control_means_put(NULL, &by_word, &word, NULL), RDT_OK);
    assert_true(rdt_control_means_get((struct rdt_span){word.p, word.n}, &means));
    assert_true(!means.is_share && means.n == 1 && means.seal[0] == '\0');
    assert_int_equal(rdt_control_means_put(NULL, &(struct rdt_unseal){.n_shares = 0}, &none, NULL),
                     RDT_OK);
    assert_true(none.n == 0);
}

static void
means_too_long(void **state)
{
    RDT_SECRET large = {0}, fits = {0}, out = {0}, empty = {0};
    const struct rdt_secret *many[RDT_SHARES_MAX];
    (void)state;
    assert_int_equal(rdt_secret_new(&large, RDT_CONTROL_WORD_MAX + 1, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&fits, RDT_CONTROL_WORD_MAX, NULL), RDT_OK);
    for (size_t i = 0; i < RDT_SHARES_MAX; i++)
        many[i] = &fits;
    const struct rdt_unseal cases[] = {
        {.passphrase = &large},
        {.passphrase = &empty},
        {.shares = many, .n_shares = RDT_SHARES_MAX}, /* each fits, together they do not */
        {.shares = many, .n_shares = RDT_SHARES_MAX + 1},
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        assert_int_equal(rdt_control_means_put("a", &cases[i], &out, NULL), RDT_E_LIMIT);
        assert_null(out.p);
    }
    struct rdt_unseal good = {.passphrase = &fits};
    char id[RDT_ROOT_ID_MAX + 1];
    memset(id, 'a', sizeof id);
    id[RDT_ROOT_ID_MAX] = '\0';
    assert_int_equal(rdt_control_means_put(id, &good, &out, NULL), RDT_E_LIMIT);
    id[RDT_ROOT_ID_MAX - 1] = '\0';
    assert_int_equal(rdt_control_means_put(id, &good, &out, NULL), RDT_OK);
}

static void
bad_means(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {
        {"\0\1\2\0\1x\0\1y", 9}, /* two passphrases */
        {"\0\3\1\0\1x",      6}, /* no such way */
        {"\0\0\1\0\1x",      6}, /* none */
        {"\0\1\0",           3}, /* no word */
        {"\0\1\1\0\0",       5}, /* an empty one */
        {"\0\1\1\x10\1x",    6}, /* longer than it may be */
        {"\1A\1\1\0\1x",     7}, /* capitals in an id */
        {"\2a\0\1\1\0\1x",   8}, /* a NUL in it */
        {"\0\1\1\0\1xx",     7}, /* left over */
        {"\0\2\x11\0\1x",    6}, /* 17 shares */
    };
    struct control_means means;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        if (rdt_control_means_get((struct rdt_span){(const uint8_t *)cases[i].bytes, cases[i].n},
                                  &means))
            fail_msg("case %zu", i);
}

static void
failures(void **state)
{
    RDT_BUF out = {0};
    struct rdt_err err = {0}, back = {0};
    (void)state;
    rdt_fail(&err, RDT_E_STATE, "the server is not sealed");
    rdt_hint(&err, "do nothing");
    rdt_control_failure_put(&err, &out);
    assert_true(rdt_control_failure_get(rdt_buf_span(&out), &back));
    assert_string_equal(back.text, err.text);
    assert_string_equal(back.hint, err.hint);
    for (size_t n = 0; n < out.n; n++)
        assert_false(rdt_control_failure_get((struct rdt_span){out.p, n}, &back));
    rdt_buf_str(&out, "x");
    assert_false(rdt_control_failure_get(rdt_buf_span(&out), &back));
    out.n--;
    out.p[5] = 0x1b; /* nothing that moves a terminal's cursor */
    assert_false(rdt_control_failure_get(rdt_buf_span(&out), &back));
    assert_false(rdt_control_failure_get((struct rdt_span){(const uint8_t *)"\xff\xff", 2}, &back));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads),
        cmocka_unit_test(heads_there_and_back),
        cmocka_unit_test(means_there_and_back),
        cmocka_unit_test(means_too_long),
        cmocka_unit_test(bad_means),
        cmocka_unit_test(failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
