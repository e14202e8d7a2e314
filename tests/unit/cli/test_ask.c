#include "cli/ask.h"

#include "../test.h"

#include <pty.h>
#include <stdio.h>
#include <unistd.h>

/* A pseudo-terminal: what a person types goes in at `person`, the path is what we ask on. */
static int person = -1, terminal = -1;
static char path[128];

static int
set_up(void **state)
{
    (void)state;
    return openpty(&person, &terminal, path, NULL, NULL);
}

static int
tear_down(void **state)
{
    (void)state;
    close(person);
    return close(terminal);
}

static void
type(const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(write(person, text, n), n);
}

/* What the terminal shows, up to the end of a line: it may come in pieces. */
static const char *
shown(void)
{
    static char text[4096];
    size_t n = 0;
    do {
        ssize_t got = read(person, text + n, sizeof text - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
        text[n] = '\0';
    } while (strchr(text, '\n') == NULL);
    return text;
}

static tcflag_t
flags(void)
{
    struct termios now;
    assert_int_equal(tcgetattr(terminal, &now), 0);
    return now.c_lflag & (ECHO | ICANON | ISIG);
}

static void
lines(void **state)
{
    static const struct {
        const char *typed;
        enum rdt_code want;
        const char *secret;
    } cases[] = {
        {"word\n",             RDT_OK,       "word"     },
        {"word\r",             RDT_OK,       "word"     },
        {"\n",                 RDT_OK,       ""         },
        {"two words\n",        RDT_OK,       "two words"},
        {"worx\x7f"
         "d\n",       RDT_OK,       "word"     },
        {"worx\b"
         "d\n",       RDT_OK,       "word"     },
        {"\x7f\x7fword\n",     RDT_OK,       "word"     },
        {"wor\xc3\xa4\x7f"
         "d\n",       RDT_OK,       "word"     }, /* one character, two bytes */
        {"nonsense\x15word\n", RDT_OK,       "word"     },
        {"wo\x01\x1b"
         "rd\n",      RDT_OK,       "word"     }, /* control characters are dropped */
        {"wo\x04rd\n",         RDT_OK,       "word"     },
        {"\x04",               RDT_E_DENIED, NULL       },
        {"wor\x03",            RDT_E_DENIED, NULL       },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_ASK ask = {.terminal = -1};
        RDT_SECRET got = {0};
        assert_int_equal(rdt_ask_begin(&ask, path, NULL), RDT_OK);
        type(cases[i].typed);
        assert_int_equal(rdt_ask_line(&ask, "say: ", &got, NULL), cases[i].want);
        assert_string_equal(shown(), "say: \r\n");
        if (cases[i].want != RDT_OK) {
            assert_null(got.p);
            continue;
        }
        assert_int_equal(got.n, strlen(cases[i].secret));
        assert_memory_equal(got.p, cases[i].secret, got.n);
    }
}

static void
several_at_once(void **state)
{
    RDT_ASK ask = {.terminal = -1};
    RDT_SECRET a = {0}, b = {0};
    (void)state;
    assert_int_equal(rdt_ask_begin(&ask, path, NULL), RDT_OK);
    type("one\ntwo\n");
    assert_int_equal(rdt_ask_line(&ask, "", &a, NULL), RDT_OK);
    shown();
    assert_int_equal(rdt_ask_line(&ask, "", &b, NULL), RDT_OK);
    assert_memory_equal(a.p, "one", 3);
    assert_memory_equal(b.p, "two", 3);
    shown();
}

static void
too_long(void **state)
{
    static char text[RDT_ASK_MAX + 2];
    RDT_ASK ask = {.terminal = -1};
    RDT_SECRET most = {0}, more = {0};
    (void)state;
    assert_int_equal(rdt_ask_begin(&ask, path, NULL), RDT_OK);
    memset(text, 'x', RDT_ASK_MAX);
    text[RDT_ASK_MAX] = '\n';
    type(text);
    assert_int_equal(rdt_ask_line(&ask, "", &most, NULL), RDT_OK);
    assert_int_equal(most.n, RDT_ASK_MAX);
    shown();
    text[RDT_ASK_MAX] = 'x';
    type(text);
    assert_int_equal(rdt_ask_line(&ask, "", &more, NULL), RDT_E_LIMIT);
    assert_null(more.p);
    shown();
}

static void
the_terminal_is_as_before(void **state)
{
    struct rdt_ask ask = {.terminal = -1};
    sigset_t now;
    tcflag_t before = flags();
    (void)state;
    assert_int_equal(rdt_ask_begin(&ask, path, NULL), RDT_OK);
    assert_int_equal(flags(), 0);
    sigprocmask(SIG_BLOCK, NULL, &now);
    assert_int_equal(sigismember(&now, SIGINT), 1);
    rdt_ask_end(&ask);
    rdt_ask_end(&ask);
    assert_int_equal(flags(), before);
    assert_true(before != 0);
    sigprocmask(SIG_BLOCK, NULL, &now);
    assert_int_equal(sigismember(&now, SIGINT), 0);
}

/* A signal that comes during a question ends it, and takes effect once the terminal echoes. */
static void
a_signal_ends_a_question(void **state)
{
    struct rdt_ask ask = {.terminal = -1};
    RDT_SECRET got = {0};
    (void)state;
    assert_int_equal(rdt_ask_begin(&ask, path, NULL), RDT_OK);
    raise(SIGTERM);
    assert_int_equal(rdt_ask_line(&ask, "", &got, NULL), RDT_E_DENIED);
    assert_null(got.p);
    signal(SIGTERM, SIG_IGN); /* or it would end this test as well */
    rdt_ask_end(&ask);
    signal(SIGTERM, SIG_DFL);
    shown();
}

static void
what_is_no_terminal(void **state)
{
    static const char *const paths[] = {"/dev/null", "/nowhere"};
    struct rdt_ask ask;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(paths); i++) {
        assert_int_equal(rdt_ask_begin(&ask, paths[i], NULL), RDT_E_NOTFOUND);
        assert_int_equal(ask.terminal, -1);
        rdt_ask_end(&ask);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(several_at_once),
        cmocka_unit_test(too_long),
        cmocka_unit_test(the_terminal_is_as_before),
        cmocka_unit_test(a_signal_ends_a_question),
        cmocka_unit_test(what_is_no_terminal),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
