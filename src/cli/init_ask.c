#include "base/text.h"
#include "cli/init.h"

#include <stdlib.h>

#define WORDS_MAX 16 /* that one question offers */

struct question {
    const char *text, *words, *otherwise;
    bool many;
};

#define X(name, question, choices, several, none)                                                  \
    [name] = {.text = (question), .words = (choices), .otherwise = (none), .many = (several)},
static const struct question questions[RDT_NQUESTIONS] = {RDT_QUESTIONS(X)};
#undef X

/* The next word of a list separated by blanks or commas; empty at its end. */
static struct rdt_span
next_word(const char **list)
{
    *list += strspn(*list, " ,\t");
    struct rdt_span word = {(const uint8_t *)*list, strcspn(*list, " ,\t")};
    *list += word.n;
    return word;
}

static int
index_of(const char *words, struct rdt_span word)
{
    struct rdt_span one;
    for (int i = 0; (one = next_word(&words)).n != 0; i++) {
        if (rdt_span_cmp(one, word) == 0)
            return i;
    }
    return -1;
}

bool
rdt_init_chose(const struct rdt_answers *answers, enum rdt_question question, const char *word)
{
    int i = index_of(questions[question].words, rdt_span_str(word));
    return i >= 0 && (answers->chosen[question] & 1u << i) != 0;
}

void
rdt_init_word(const struct rdt_answers *answers, enum rdt_question question, char out[32])
{
    const char *words = questions[question].words;
    struct rdt_span one;
    out[0] = '\0';
    for (int i = 0; (one = next_word(&words)).n != 0; i++) {
        if ((answers->chosen[question] & 1u << i) != 0) {
            snprintf(out, 32, "%.*s", RDT_FMT(one));
            return;
        }
    }
}

static enum rdt_code
no_such_word(const struct question *q, struct rdt_span word, struct rdt_err *err)
{
    char copies[WORDS_MAX][32];
    const char *candidates[WORDS_MAX], *words = q->words;
    struct rdt_span one;
    size_t n = 0;
    for (; n < WORDS_MAX && (one = next_word(&words)).n != 0; n++) {
        snprintf(copies[n], sizeof copies[n], "%.*s", RDT_FMT(one));
        candidates[n] = copies[n];
    }
    const char *near = rdt_text_nearest(word, candidates, n);
    rdt_fail(err, RDT_E_BADINPUT, "%s '%.*s' is not one of: %s", q->text,
             word.n > 40 ? 40 : (int)word.n, (const char *)word.p, q->words);
    if (near != NULL)
        rdt_hint(err, "did you mean '%s'?", near);
    return RDT_E_BADINPUT;
}

static enum rdt_code
choose(const struct question *q, const char *answer, unsigned *chosen, struct rdt_err *err)
{
    struct rdt_span word;
    *chosen = 0;
    while ((word = next_word(&answer)).n != 0) {
        int i = index_of(q->words, word);
        if (i < 0)
            return no_such_word(q, word, err);
        if (*chosen != 0 && !q->many)
            return rdt_fail(err, RDT_E_BADINPUT, "%s One word was expected", q->text);
        *chosen |= 1u << i;
    }
    return RDT_OK;
}

static enum rdt_code
take(const struct question *q, enum rdt_question number, const char *answer,
     struct rdt_answers *answers, struct rdt_err *err)
{
    size_t n = strlen(answer);
    if (n > RDT_ANSWER_MAX || !rdt_text_utf8(rdt_span_str(answer)))
        return rdt_fail(err, RDT_E_BADINPUT, "%s The answer is no text of at most %d bytes",
                        q->text, RDT_ANSWER_MAX);
    if (q->words != NULL)
        return choose(q, answer, &answers->chosen[number], err);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)answer[i] < 0x20 || answer[i] == 0x7f)
            return rdt_fail(err, RDT_E_BADINPUT, "%s The answer holds a control character",
                            q->text);
    }
    snprintf(answers->text[number], sizeof answers->text[number], "%s", answer);
    return RDT_OK;
}

static void
show(FILE *to, const struct question *q, enum rdt_question number)
{
    fprintf(to, "\n%d/%d  %s\n", (int)number + 1, (int)RDT_NQUESTIONS, q->text);
    if (q->words != NULL)
        fprintf(to, "       %s: %s\n", q->many ? "any of" : "one of", q->words);
    fprintf(to, "       [%s] ", q->otherwise);
    fflush(to);
}

/* One line without its end and outer blanks; false at the end of the input. */
static bool
read_line(FILE *in, char **line, size_t *cap)
{
    ssize_t n = getline(line, cap, in);
    if (n < 0)
        return false;
    while (n > 0 && strchr(" \t\r\n", (*line)[n - 1]) != NULL)
        (*line)[--n] = '\0';
    return true;
}

/* What was not asked: no passwords, so no hash; no keys, so nothing about them. */
static bool
is_due(const struct rdt_answers *answers, enum rdt_question number)
{
    if (number == ASK_HASH)
        return rdt_init_chose(answers, ASK_DATA, "passwords");
    if (number == ASK_HARDWARE || number == ASK_FIELDS || number == ASK_ROTATION)
        return !rdt_init_chose(answers, ASK_KEYS, "none");
    return true;
}

enum rdt_code
rdt_init_ask(FILE *in, FILE *to, struct rdt_answers *answers, struct rdt_err *err)
{
    char *line = NULL;
    size_t cap = 0;
    bool more = true;
    enum rdt_code rc = RDT_OK;
    *answers = (struct rdt_answers){0};
    for (unsigned i = 0; rc == RDT_OK && i < RDT_NQUESTIONS; i++) {
        const struct question *q = &questions[i];
        if (is_due(answers, i)) {
            if (to != NULL && more)
                show(to, q, i);
            more = more && read_line(in, &line, &cap);
        }
        const char *given = more && is_due(answers, i) ? line + strspn(line, " \t") : "";
        rc = take(q, i, given[0] == '\0' ? q->otherwise : given, answers, err);
        if (rc != RDT_OK && to != NULL) { /* asked again */
            fprintf(to, "       %s%s%s\n", err->text, err->hint[0] == '\0' ? "" : "; ", err->hint);
            *err = (struct rdt_err){0};
            rc = RDT_OK;
            i--;
        }
    }
    free(line);
    return rc;
}
