/*
 * fuzz_api_key - what somebody sent as an API key: what is read is within its bounds, is the one
 * text of its kind, and matches no stored key but its own.
 */
#include "field/api_key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct rdt_worker *worker;
static struct rdt_secret key, scratch;
static const struct rdt_field_column column;
static const struct rdt_field_kek kek = {1, 1, &key, &column, &scratch};

static void
set_up(void)
{
    if (rdt_worker_open(&worker, NULL) != RDT_OK ||
        rdt_secret_new(&key, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_secret_new(&scratch, RDT_KEY_LEN, NULL) != RDT_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_span text = {bytes, n}, prefix = {0};
    uint8_t stored[RDT_API_KEY_STORED];
    if (worker == NULL)
        set_up();
    bool is = rdt_apikey_read(text, &prefix);
    if (!is) { /* the bytes as a stored form: none of them is of a key that exists */
        char made[RDT_API_KEY_TEXT];
        if (rdt_apikey_make(worker, rdt_span_str("a"), made, NULL) != RDT_OK ||
            rdt_apikey_check(worker, &kek, rdt_span_str(made), text) == RDT_API_KEY_MATCH)
            abort();
        return 0;
    }
    if (prefix.p != bytes || prefix.n == 0 || prefix.n > RDT_API_KEY_PREFIX_MAX ||
        n != prefix.n + 50 || rdt_apikey_store(worker, &kek, text, stored) != RDT_OK ||
        rdt_apikey_check(worker, &kek, text, (struct rdt_span){stored, sizeof stored}) !=
            RDT_API_KEY_MATCH)
        abort();
    return 0;
}
