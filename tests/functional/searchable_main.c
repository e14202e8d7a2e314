/*
 * searchable_main - tokens and normalisers by questions on stdin, for a second implementation to
 * argue with. A line a question, words of hexadecimal ("-": no bytes), a line an answer:
 *
 *   normal RULE VALUE             the normalised value | the fault's number
 *   join PART...                  one value of several | the fault's number
 *   token KEK INDEX NAME VALUE    token 16
 *   parts KEK INDEX NAME VALUE    the tokens of a value, joined
 *   ask KEK INDEX NAME PART       the token to search for
 *   front KEK INDEX NAME VALUE    what stands before the RF1
 *   read VALUE                    kind 1 | epoch 2 | token 16 | RF1 | refused
 *
 * RULE: rule 1 | version 1 | local 1 | country 2 | trunk 1 | order 1.
 * INDEX: epoch 2 | tenant 16 | kind 1 | bits 1 | domain 16 | u8 risk accepted | RULE.
 */
#include "base/cursor.h"
#include "field/parts.h"

#include "words.h"

static uint8_t bytes[2 * WORDS_BYTES];

static bool
read_rule(struct rdt_span *in, struct rdt_normal *out)
{
    return rdt_take_u8(in, &out->rule) && rdt_take_u8(in, &out->version) &&
           rdt_take_u8(in, &out->local) && rdt_take_u16(in, &out->country) &&
           rdt_take_u8(in, &out->trunk) && rdt_take_u8(in, &out->order);
}

static bool
read_index(struct rdt_span in, struct rdt_field_index *out, struct rdt_index_keys *keys)
{
    struct rdt_span tenant, domain;
    uint8_t kind, risk;
    bool ok = rdt_take_u16(&in, &keys->epoch) && rdt_take(&in, 16, &tenant);
    ok = ok && rdt_take_u8(&in, &kind) && rdt_take_u8(&in, &out->bits);
    ok = ok && rdt_take(&in, 16, &domain) && rdt_take_u8(&in, &risk);
    if (!ok || !read_rule(&in, &out->normal) || in.n != 0)
        return false;
    memcpy(out->tenant, tenant.p, 16);
    memcpy(out->domain, domain.p, 16);
    out->kind = (enum rdt_index_kind)kind;
    out->risk_accepted = risk != 0;
    return true;
}

static void
answer(enum rdt_field_fault fault, struct rdt_span result)
{
    if (fault == RDT_FIELD_OK)
        say(result);
    else
        printf("fault %d\n", (int)fault);
}

static bool
do_normal(const struct line *line)
{
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0};
    struct rdt_normal rule = {0};
    struct rdt_span in = line->words[0];
    if (line->n != 2 || !read_rule(&in, &rule) || in.n != 0)
        return false;
    enum rdt_field_fault fault = rdt_normal_put(&rule, line->words[1], &out);
    answer(fault, (struct rdt_span){bytes, out.n});
    return true;
}

static bool
do_join(const struct line *line)
{
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0};
    enum rdt_field_fault fault = rdt_normal_join(line->words, line->n, &out);
    answer(fault, (struct rdt_span){bytes, out.n});
    return true;
}

static bool
do_read(const struct line *line)
{
    struct rdt_searchable s;
    if (line->n != 1 || !rdt_searchable_read(line->words[0], &s))
        return false;
    bytes[0] = s.kind;
    bytes[1] = (uint8_t)(s.epoch >> 8);
    bytes[2] = (uint8_t)s.epoch;
    memcpy(bytes + 3, s.token.p, s.token.n);
    memcpy(bytes + 3 + s.token.n, s.rf1.p, s.rf1.n);
    say((struct rdt_span){bytes, 3 + s.token.n + s.rf1.n});
    return true;
}

static enum rdt_field_fault
front_of(struct rdt_worker *worker, const struct rdt_index_keys *keys, struct rdt_span value)
{
    uint8_t token[RDT_TOKEN_LEN];
    enum rdt_field_fault fault = rdt_token(worker, keys, value, token);
    if (fault == RDT_FIELD_OK)
        rdt_searchable_put(keys, token, bytes);
    if (fault == RDT_FIELD_OK)
        fault = rdt_token_check(worker, keys, value, (struct rdt_span){bytes + 4, RDT_TOKEN_LEN});
    return fault;
}

static bool
do_token(struct rdt_worker *worker, const char *verb, const struct line *line)
{
    RDT_SECRET kek = {0};
    RDT_AUTO(rdt_index_keys_wipe) struct rdt_index_keys keys = {0};
    struct rdt_field_index index = {.name = line->words[2]};
    struct rdt_span value = line->words[3];
    struct rdt_tokens tokens;
    size_t n = RDT_TOKEN_LEN;
    if (line->n != 4 || rdt_index_keys_new(&keys, NULL) != RDT_OK ||
        rdt_secret_copy(&kek, line->words[0], NULL) != RDT_OK ||
        !read_index(line->words[1], &index, &keys))
        return false;
    enum rdt_field_fault fault = rdt_index_keys_make(worker, &kek, &index, &keys);
    if (fault != RDT_FIELD_OK) {
        answer(fault, value);
    } else if (strncmp(verb, "token ", 6) == 0) {
        fault = rdt_token(worker, &keys, value, bytes);
        answer(fault, (struct rdt_span){bytes, n});
    } else if (strncmp(verb, "ask ", 4) == 0) {
        fault = rdt_tokens_ask(worker, &keys, value, bytes);
        answer(fault, (struct rdt_span){bytes, n});
    } else if (strncmp(verb, "front ", 6) == 0) {
        fault = front_of(worker, &keys, value);
        answer(fault, (struct rdt_span){bytes, RDT_SEARCHABLE_FRONT});
    } else {
        fault = rdt_tokens_put(worker, &keys, value, &tokens);
        answer(fault, (struct rdt_span){tokens.at[0], tokens.n * n});
    }
    return true;
}

static bool
do_line(struct rdt_worker *worker, const char *text, const struct line *line)
{
    if (strncmp(text, "normal ", 7) == 0)
        return do_normal(line);
    if (strncmp(text, "join ", 5) == 0)
        return do_join(line);
    if (strncmp(text, "read ", 5) == 0)
        return do_read(line);
    return do_token(worker, text, line);
}

int
main(void)
{
    static char text[4 * WORDS_BYTES];
    static struct line line;
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    struct rdt_err err = {0};
    if (rdt_worker_open(&worker, &err) != RDT_OK) {
        fprintf(stderr, "searchable_main: %s\n", err.text);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(text, sizeof text, stdin) != NULL) {
        char *words = strchr(text, ' ');
        if (words == NULL || !read_words(words, &line) || !do_line(worker, text, &line))
            printf("refused\n");
    }
    return 0;
}
