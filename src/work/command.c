#include "base/buf.h"
#include "work/produce.h"

/* What a shell gives a meaning, and nobody here does. */
#define SHELL_WORDS "$`|&;<>()*?[]{}~#!\n\r"

struct splitter {
    const char *at;
    struct rdt_buf *word;
};

static enum rdt_code
refuse(struct rdt_err *err, char what)
{
    if (what == '\n' || what == '\r')
        rdt_fail(err, RDT_E_USAGE, "a command is one line");
    else
        rdt_fail(err, RDT_E_USAGE, "no shell runs the command, so '%c' would mean nothing", what);
    rdt_hint(err, "put it into '...' where it is meant as it stands, or run sh -c '...'");
    return RDT_E_USAGE;
}

/* After the opening quote. */
static enum rdt_code
quoted(struct splitter *s, char quote, struct rdt_err *err)
{
    for (; *s->at != '\0' && *s->at != quote; s->at++) {
        if (quote == '"' && (*s->at == '$' || *s->at == '`'))
            return refuse(err, *s->at);
        if (quote == '"' && *s->at == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
            s->at++;
        rdt_buf_add(s->word, s->at, 1);
    }
    if (*s->at == '\0')
        return rdt_fail(err, RDT_E_USAGE, "a quote (%c) does not end", quote);
    s->at++;
    return RDT_OK;
}

/* One word, from its first character; stops at a blank or the end. */
static enum rdt_code
take_word(struct splitter *s, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    s->word->n = 0;
    while (rc == RDT_OK && *s->at != '\0' && *s->at != ' ' && *s->at != '\t') {
        char c = *s->at++;
        if (c == '\'' || c == '"')
            rc = quoted(s, c, err);
        else if (strchr(SHELL_WORDS, c) != NULL)
            rc = refuse(err, c);
        else if (c == '\\' && *s->at == '\0')
            rc = rdt_fail(err, RDT_E_USAGE, "a \\ at the end stands before nothing");
        else
            rdt_buf_add(s->word, c == '\\' ? s->at++ : s->at - 1, 1);
    }
    return rc;
}

enum rdt_code
rdt_command_split(const char *text, struct rdt_arena *arena, const char *const **out,
                  struct rdt_err *err)
{
    RDT_BUF word = {0};
    struct splitter s = {.at = text, .word = &word};
    const char *words[RDT_PRODUCER_WORDS_MAX];
    size_t n = 0;
    enum rdt_code rc = RDT_OK;
    for (;;) {
        s.at += strspn(s.at, " \t");
        if (*s.at == '\0' || rc != RDT_OK)
            break;
        if (n + 1 == RDT_COUNT(words)) {
            rc = rdt_fail(err, RDT_E_LIMIT, "a command of more than %d words",
                          RDT_PRODUCER_WORDS_MAX - 1);
            break;
        }
        rc = take_word(&s, err);
        if (rc == RDT_OK && (!rdt_buf_ok(s.word) ||
                             (words[n++] = rdt_arena_str(arena, rdt_buf_span(s.word))) == NULL))
            rc = rdt_fail(err, RDT_E_NOMEM, "split a command");
    }
    if (rc != RDT_OK)
        return rc;
    if (n == 0 || words[0][0] == '\0')
        return rdt_fail(err, RDT_E_USAGE, "a command without a word");
    const char **argv = rdt_arena_new(arena, (n + 1) * sizeof *argv);
    if (argv == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "split a command");
    memcpy(argv, words, n * sizeof *argv);
    *out = argv;
    return RDT_OK;
}
