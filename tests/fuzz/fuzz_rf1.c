/*
 * fuzz_rf1 - values out of a database that somebody else may write: what is read is in the bytes,
 * text and value are the same thing, and what was not encrypted by these keys does not open.
 */
#include "field/rf1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct rdt_worker *worker;
static struct rdt_field_keys keys;
static struct rdt_secret record;

static void
set_up(const struct rdt_field_column *column)
{
    RDT_SECRET kek = {0};
    if (rdt_worker_open(&worker, NULL) != RDT_OK || rdt_field_keys_new(&keys, NULL) != RDT_OK ||
        rdt_secret_new(&record, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_secret_new(&kek, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_random_key(worker, &kek, NULL) != RDT_OK ||
        rdt_field_keys_make(worker, &kek, column, &keys) != RDT_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static uint8_t out[1 << 16];
    struct rdt_field_column column = {.bucket = 16, .any_length = true};
    RDT_BUF text = {0};
    struct rdt_span value = {bytes, n};
    struct rdt_rf1 rf1;
    struct rdt_rf1_out plain = {out, sizeof out, 0};
    size_t back = 0;
    if (worker == NULL)
        set_up(&column);
    if (n > sizeof out)
        return 0;
    if (rdt_rf1_text_get(value, out, &back)) {
        rdt_rf1_text_add(&text, (struct rdt_span){out, back});
        if (!rdt_span_eq(rdt_buf_span(&text), value))
            abort();
    }
    if (!rdt_rf1_read(value, &rf1))
        return 0;
    if (rf1.sealed.p + rf1.sealed.n != bytes + n)
        abort();
    keys.handle = rf1.handle;
    keys.epoch = rf1.epoch;
    column.row_bound = (rf1.suite & RDT_RF1_ROW) != 0;
    struct rdt_rf1_call call = {
        worker, &keys, &column, {bytes, column.row_bound ? 1 : 0},
           &record
    };
    if (rdt_rf1_verify(&call, value) == RDT_FIELD_OK ||
        rdt_rf1_open(&call, value, &plain) == RDT_FIELD_OK)
        abort();
    return 0;
}
