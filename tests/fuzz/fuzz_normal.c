/*
 * fuzz_normal - values as somebody typed them, and searchable values out of a database: what is
 * normalised stays as it is when it is normalised again, is UTF-8 within its limits, and its parts
 * can be asked for. The first byte picks the rule.
 */
#include "field/parts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct rdt_worker *worker;
static struct rdt_index_keys prefixes, words;

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
set_up(void)
{
    RDT_SECRET kek = {0};
    struct rdt_field_index index = {
        .kind = RDT_INDEX_PREFIX,
        .bits = 20,
        .name = rdt_span_str("fuzz"),
        .normal = {.rule = RDT_NORMAL_NAME, .version = 1},
        .risk_accepted = true,
    };
    must(rdt_worker_open(&worker, NULL) == RDT_OK && rdt_index_keys_new(&words, NULL) == RDT_OK &&
         rdt_index_keys_new(&prefixes, NULL) == RDT_OK &&
         rdt_secret_new(&kek, RDT_KEY_LEN, NULL) == RDT_OK);
    must(rdt_index_keys_make(worker, &kek, &index, &prefixes) == RDT_FIELD_OK);
    index.kind = RDT_INDEX_WORD;
    must(rdt_index_keys_make(worker, &kek, &index, &words) == RDT_FIELD_OK);
}

/* What stands for itself when it is read again: a phone number is complete then, a date ISO. */
static void
again(const struct rdt_normal *rule, struct rdt_span once)
{
    static uint8_t bytes[RDT_NORMAL_OUT_MAX];
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0};
    if (once.n > RDT_NORMAL_TEXT_MAX)
        return;
    must(rdt_normal_put(rule, once, &out) == RDT_FIELD_OK);
    must(rdt_span_eq((struct rdt_span){bytes, out.n}, once));
}

static void
parts(struct rdt_span value)
{
    struct rdt_tokens tokens;
    uint8_t token[RDT_TOKEN_LEN];
    enum rdt_field_fault fault = rdt_tokens_put(worker, &words, value, &tokens);
    must(fault == RDT_FIELD_OK || fault == RDT_FIELD_TOO_LONG);
    must(rdt_tokens_put(worker, &prefixes, value, &tokens) == RDT_FIELD_OK);
    fault = rdt_tokens_ask(worker, &prefixes, value, token);
    must((fault == RDT_FIELD_OK) == (tokens.n != 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct rdt_normal rules[] = {
        {.rule = RDT_NORMAL_EMAIL, .version = 1, .local = RDT_NORMAL_LOCAL_TAG},
        {.rule = RDT_NORMAL_EMAIL, .version = 1, .local = RDT_NORMAL_LOCAL_KEEP},
        {.rule = RDT_NORMAL_PHONE, .version = 1, .country = 49, .trunk = '0'},
        {.rule = RDT_NORMAL_PHONE, .version = 1, .country = 1},
        {.rule = RDT_NORMAL_DIGITS, .version = 1},
        {.rule = RDT_NORMAL_NAME, .version = 1},
        {.rule = RDT_NORMAL_DATE, .version = 1, .order = RDT_NORMAL_ORDER_ISO},
        {.rule = RDT_NORMAL_DATE, .version = 1, .order = RDT_NORMAL_ORDER_DMY},
    };
    static uint8_t out_bytes[RDT_NORMAL_OUT_MAX];
    struct rdt_rf1_out out = {out_bytes, sizeof out_bytes, 0};
    struct rdt_searchable searchable;
    if (worker == NULL)
        set_up();
    if (rdt_searchable_read((struct rdt_span){bytes, n}, &searchable))
        must(searchable.rf1.p + searchable.rf1.n == bytes + n);
    if (n == 0)
        return 0;
    const struct rdt_normal *rule = &rules[bytes[0] % RDT_COUNT(rules)];
    if (rdt_normal_put(rule, (struct rdt_span){bytes + 1, n - 1}, &out) != RDT_FIELD_OK)
        return 0;
    must(out.n != 0 && out.n <= RDT_NORMAL_OUT_MAX);
    again(rule, (struct rdt_span){out_bytes, out.n});
    parts((struct rdt_span){out_bytes, out.n});
    return 0;
}
