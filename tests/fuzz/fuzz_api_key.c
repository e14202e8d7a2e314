/*
 * fuzz_api_key - what somebody sent as an API key: what is read is within its bounds, is the one
 * text of its kind, and matches no stored key but its own.
 */
#include "field/api_key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct rdt_worker *worker;
static struct rdt_api_key_keys keys;

static void
set_up(void)
{
    struct rdt_field_column column = {0};
    RDT_SECRET kek = {0};
    if (rdt_worker_open(&worker, NULL) != RDT_OK || rdt_api_key_keys_new(&keys, NULL) != RDT_OK ||
        rdt_secret_new(&kek, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_api_key_keys_make(worker, &kek, &column, &keys) != RDT_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_span text = {bytes, n}, prefix = {0};
    uint8_t stored[RDT_API_KEY_STORED];
    if (worker == NULL)
        set_up();
    bool is = rdt_api_key_read(text, &prefix);
    if (!is) { /* the bytes as a stored form: none of them is of a key that exists */
        char key[RDT_API_KEY_TEXT];
        if (rdt_api_key_make(worker, rdt_span_str("a"), key, NULL) != RDT_OK ||
            rdt_api_key_check(worker, &keys, rdt_span_str(key), text) == RDT_API_KEY_MATCH)
            abort();
        return 0;
    }
    if (prefix.p != bytes || prefix.n == 0 || prefix.n > RDT_API_KEY_PREFIX_MAX ||
        n != prefix.n + 50 || rdt_api_key_store(worker, &keys, text, stored) != RDT_OK ||
        rdt_api_key_check(worker, &keys, text, (struct rdt_span){stored, sizeof stored}) !=
            RDT_API_KEY_MATCH)
        abort();
    return 0;
}
