/* Prefixes and words beyond the page's vectors: the order of tokens, their number, bad text. */
#include "field/parts.h"

#include "../test.h"

static struct rdt_worker *worker;
static struct rdt_index_keys prefixes, words;

static int
set_up(void **state)
{
    (void)state;
    RDT_SECRET kek = {0};
    struct rdt_field_index index = {
        .kind = RDT_INDEX_PREFIX,
        .bits = 128,
        .name = rdt_span_str("part"),
        .normal = {.rule = RDT_NORMAL_NAME, .version = 1},
        .risk_accepted = true,
    };
    if (rdt_worker_open(&worker, NULL) != RDT_OK || rdt_index_keys_new(&prefixes, NULL) != RDT_OK ||
        rdt_index_keys_new(&words, NULL) != RDT_OK ||
        rdt_secret_new(&kek, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_index_keys_make(worker, &kek, &index, &prefixes) != RDT_FIELD_OK)
        return -1;
    index.kind = RDT_INDEX_WORD;
    return rdt_index_keys_make(worker, &kek, &index, &words) == RDT_FIELD_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_index_keys_wipe(&prefixes);
    rdt_index_keys_wipe(&words);
    rdt_worker_close(worker);
    return 0;
}

static bool
has(const struct rdt_tokens *tokens, const uint8_t *token)
{
    for (size_t i = 0; i < tokens->n; i++)
        if (rdt_span_eq((struct rdt_span){tokens->at[i], RDT_TOKEN_LEN},
                        (struct rdt_span){token, RDT_TOKEN_LEN}))
            return true;
    return false;
}

static void
found_or_not(void **state)
{
    (void)state;
    static const struct {
        bool word;
        const char *value, *part;
        enum rdt_field_fault fault;
        bool found;
    } cases[] = {
        {false, "ada lovelace", "ada",          RDT_FIELD_OK,   true },
        {false, "ada lovelace", "ada love",     RDT_FIELD_OK,   true },
        {false, "ada lovelace", "ada lovelace", RDT_FIELD_OK,   true },
        {false, "ada lovelace", "adb",          RDT_FIELD_OK,   false},
        {false, "ada lovelace", "ad",           RDT_FIELD_FORM, false},
        {false, "ada lovelace", "",             RDT_FIELD_FORM, false},
        {true,  "ada lovelace", "lovelace",     RDT_FIELD_OK,   true },
        {true,  "ada lovelace", "love",         RDT_FIELD_OK,   false},
        {true,  "ada lovelace", "",             RDT_FIELD_FORM, false},
        {true,  "ada lovelace", "ada lovelace", RDT_FIELD_FORM, false},
        {true,  "ada lovelace", "-",            RDT_FIELD_FORM, false},
        {true,  "ada lovelace", "\xff",         RDT_FIELD_TEXT, false},
        {false, "ada lovelace", "ada\xff",      RDT_FIELD_TEXT, false},
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_index_keys *keys = cases[i].word ? &words : &prefixes;
        struct rdt_tokens tokens;
        uint8_t token[RDT_TOKEN_LEN];
        assert_int_equal(rdt_tokens_put(worker, keys, rdt_span_str(cases[i].value), &tokens),
                         RDT_FIELD_OK);
        assert_int_equal(rdt_tokens_ask(worker, keys, rdt_span_str(cases[i].part), token),
                         cases[i].fault);
        if (cases[i].fault == RDT_FIELD_OK)
            assert_int_equal(has(&tokens, token), cases[i].found);
    }
}

static void
in_order_and_once(void **state)
{
    (void)state;
    struct rdt_tokens tokens;
    assert_int_equal(rdt_tokens_put(worker, &words, rdt_span_str("a b c d e f g a b a"), &tokens),
                     RDT_FIELD_OK);
    assert_int_equal(tokens.n, 7);
    for (size_t i = 1; i < tokens.n; i++)
        assert_true(rdt_span_cmp((struct rdt_span){tokens.at[i - 1], RDT_TOKEN_LEN},
                                 (struct rdt_span){tokens.at[i], RDT_TOKEN_LEN}) < 0);
}

static void
limits(void **state)
{
    (void)state;
    char many[4 * (RDT_TOKENS_MAX + 1)];
    struct rdt_tokens tokens;
    for (size_t i = 0; i <= RDT_TOKENS_MAX; i++) {
        many[3 * i] = (char)('a' + i / 26);
        many[3 * i + 1] = (char)('a' + i % 26);
        many[3 * i + 2] = ' ';
    }
    struct rdt_span most = {(const uint8_t *)many, 3 * RDT_TOKENS_MAX}, over = most;
    over.n += 3;
    assert_int_equal(rdt_tokens_put(worker, &words, most, &tokens), RDT_FIELD_OK);
    assert_int_equal(tokens.n, RDT_TOKENS_MAX);
    assert_int_equal(rdt_tokens_put(worker, &words, over, &tokens), RDT_FIELD_TOO_LONG);
    assert_int_equal(tokens.n, 0);
    assert_int_equal(rdt_tokens_put(worker, &words, rdt_span_str("a \xc3"), &tokens),
                     RDT_FIELD_TEXT);
    assert_int_equal(tokens.n, 0);
    assert_int_equal(rdt_tokens_put(worker, &prefixes, rdt_span_str("ab"), &tokens), RDT_FIELD_OK);
    assert_int_equal(tokens.n, 0);
}

static void
other_kinds(void **state)
{
    (void)state;
    struct rdt_tokens tokens;
    uint8_t token[RDT_TOKEN_LEN];
    struct rdt_index_keys of_values = prefixes; /* borrowed */
    of_values.kind = RDT_INDEX_UNIQUE;
    assert_int_equal(rdt_tokens_put(worker, &of_values, rdt_span_str("ada"), &tokens),
                     RDT_FIELD_INDEX);
    assert_int_equal(rdt_tokens_ask(worker, &of_values, rdt_span_str("ada"), token),
                     RDT_FIELD_INDEX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_or_not),
        cmocka_unit_test(in_order_and_once),
        cmocka_unit_test(limits),
        cmocka_unit_test(other_kinds),
    };
    return cmocka_run_group_tests_name("field/parts", tests, set_up, tear_down);
}
