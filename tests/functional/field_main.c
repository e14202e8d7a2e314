/*
 * field_main - RF1 by questions on stdin, for a second implementation to argue with. A line a
 * question, words of hexadecimal ("-": no bytes), a line an answer:
 *
 *   seal KEK PLACE ROW PLAIN      value
 *   open KEK PLACE ROW VALUE      plaintext | the fault's number
 *   verify KEK PLACE ROW VALUE    - | the fault's number; by the verify key alone
 *   text VALUE                    the text's bytes
 *   value TEXT                    the value | refused
 *
 * PLACE: handle 4 | epoch 2 | tenant 16 | column 16 | u8 row-bound | u16 bucket, 0: none | u8 any
 * length | u8 hedged.
 */
#include "base/cursor.h"
#include "field/rf1.h"

#include "words.h"

struct asked {
    struct rdt_field_column column;
    struct rdt_field_keys keys;
    struct rdt_secret kek, record;
};

static void
asked_done(struct asked *asked)
{
    rdt_field_keys_wipe(&asked->keys);
    rdt_secret_wipe(&asked->kek);
    rdt_secret_wipe(&asked->record);
}

static bool
read_place(struct rdt_span in, struct asked *out)
{
    struct rdt_span tenant, column;
    uint8_t bound, any, hedged;
    bool ok = rdt_take_u32(&in, &out->keys.handle) && rdt_take_u16(&in, &out->keys.epoch);
    ok = ok && rdt_take(&in, 16, &tenant) && rdt_take(&in, 16, &column) && rdt_take_u8(&in, &bound);
    ok = ok && rdt_take_u16(&in, &out->column.bucket) && rdt_take_u8(&in, &any);
    if (!ok || !rdt_take_u8(&in, &hedged) || in.n != 0)
        return false;
    memcpy(out->column.tenant, tenant.p, 16);
    memcpy(out->column.id, column.p, 16);
    out->column.row_bound = bound != 0;
    out->column.any_length = any != 0;
    out->column.hedged = hedged != 0;
    return true;
}

static bool
ask(struct rdt_worker *worker, const struct line *line, struct asked *out)
{
    if (line->n != 4 || rdt_field_keys_new(&out->keys, NULL) != RDT_OK ||
        rdt_secret_copy(&out->kek, line->words[0], NULL) != RDT_OK ||
        rdt_secret_new(&out->record, RDT_KEY_LEN, NULL) != RDT_OK ||
        !read_place(line->words[1], out))
        return false;
    return rdt_field_keys_make(worker, &out->kek, &out->column, &out->keys) == RDT_OK;
}

/* The verify key goes out of the KEK and into keys that hold nothing else. */
static enum rdt_field_fault
verify(struct rdt_worker *worker, struct asked *asked, const struct rdt_rf1_call *call,
       struct rdt_span value)
{
    RDT_SECRET key = {0};
    if (rdt_secret_new(&key, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_field_verify_key(worker, &asked->kek, &asked->column, &key) != RDT_OK ||
        rdt_field_verifier(worker, &key, &asked->keys) != RDT_OK)
        return RDT_FIELD_INTERNAL;
    return rdt_rf1_verify(call, value);
}

static bool
do_value(struct rdt_worker *worker, const char *verb, const struct line *line)
{
    static uint8_t bytes[2 * WORDS_BYTES];
    struct asked asked = {0};
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0};
    bool ok = ask(worker, line, &asked);
    struct rdt_rf1_call call = {worker, &asked.keys, &asked.column, line->words[2], &asked.record};
    enum rdt_field_fault fault = RDT_FIELD_INTERNAL;
    if (ok && strncmp(verb, "seal ", 5) == 0)
        fault = rdt_rf1_seal(&call, line->words[3], &out);
    else if (ok && strncmp(verb, "open ", 5) == 0)
        fault = rdt_rf1_open(&call, line->words[3], &out);
    else if (ok)
        fault = verify(worker, &asked, &call, line->words[3]);
    asked_done(&asked);
    if (fault == RDT_FIELD_OK)
        say((struct rdt_span){bytes, out.n});
    else
        printf("fault %d\n", (int)fault);
    return ok;
}

static bool
do_text(const char *verb, const struct line *line)
{
    static uint8_t bytes[WORDS_BYTES];
    RDT_BUF text = {0};
    size_t n = 0;
    if (line->n != 1)
        return false;
    if (strncmp(verb, "text ", 5) == 0) {
        rdt_rf1_text_add(&text, line->words[0]);
        say(rdt_buf_span(&text));
        return rdt_buf_ok(&text);
    }
    if (!rdt_rf1_text_get(line->words[0], bytes, &n))
        return false;
    say((struct rdt_span){bytes, n});
    return true;
}

int
main(void)
{
    static char text[4 * WORDS_BYTES];
    static struct line line;
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    struct rdt_err err = {0};
    if (rdt_worker_open(&worker, &err) != RDT_OK) {
        fprintf(stderr, "field_main: %s\n", err.text);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(text, sizeof text, stdin) != NULL) {
        char *words = strchr(text, ' ');
        bool ok = words != NULL && read_words(words, &line);
        if (ok && (strncmp(text, "text ", 5) == 0 || strncmp(text, "value ", 6) == 0))
            ok = do_text(text, &line);
        else if (ok)
            ok = do_value(worker, text, &line);
        if (!ok)
            printf("refused\n");
    }
    return 0;
}
