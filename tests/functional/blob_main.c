/*
 * blob_main - the KMS ciphertext by questions on stdin, for a second implementation to argue with.
 * A line a question, words of hexadecimal ("-": no bytes), a line an answer:
 *
 *   context KEY VALUE KEY VALUE...            canonical bytes | refused
 *   seal MATERIAL HEDGE UUID CONTEXT PLAIN    ciphertext
 *   open MATERIAL UUID CONTEXT BLOB           plaintext | refused
 *
 * CONTEXT: canonical bytes.
 */
#include "kms/blob.h"
#include "kms/context.h"

#include "words.h"

static bool
do_context(const struct line *line)
{
    static struct rdt_context context;
    context.n = 0;
    bool ok = line->n % 2 == 0;
    for (size_t i = 0; ok && i < line->n; i += 2)
        ok = rdt_context_add(&context, line->words[i], line->words[i + 1]);
    if (!ok || rdt_context_finish(&context) != RDT_OK)
        return false;
    say((struct rdt_span){context.bytes, context.bytes_n});
    return true;
}

static bool
do_seal(struct rdt_worker *worker, const struct line *line)
{
    static uint8_t out[WORDS_BYTES + RDT_BLOB_OVERHEAD];
    RDT_SECRET material = {0}, hedge = {0}, scratch = {0};
    uint8_t id[RDT_MATERIAL_ID_LEN];
    if (line->n != 5 || line->words[2].n != 16 ||
        rdt_secret_copy(&material, line->words[0], NULL) != RDT_OK ||
        rdt_secret_copy(&hedge, line->words[1], NULL) != RDT_OK ||
        rdt_secret_new(&scratch, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_material_id(worker, &material, line->words[2].p, id) != RDT_OK)
        return false;
    struct rdt_blob_keys keys = {&material, &hedge, &scratch, line->words[2].p, id};
    if (rdt_blob_seal(worker, &keys, line->words[3], line->words[4], out) != RDT_OK)
        return false;
    say((struct rdt_span){out, line->words[4].n + RDT_BLOB_OVERHEAD});
    return true;
}

static bool
do_open(struct rdt_worker *worker, const struct line *line)
{
    static uint8_t out[WORDS_BYTES];
    RDT_SECRET material = {0}, scratch = {0};
    uint8_t id[RDT_MATERIAL_ID_LEN];
    struct rdt_blob blob;
    if (line->n != 4 || line->words[1].n != 16 || !rdt_blob_read(line->words[3], &blob) ||
        rdt_secret_copy(&material, line->words[0], NULL) != RDT_OK ||
        rdt_secret_new(&scratch, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_material_id(worker, &material, line->words[1].p, id) != RDT_OK)
        return false;
    struct rdt_blob_keys keys = {&material, NULL, &scratch, line->words[1].p, id};
    if (rdt_blob_open(worker, &keys, line->words[2], &blob, out) != RDT_OK)
        return false;
    say((struct rdt_span){out, blob.sealed.n - RDT_GCM_TAG_LEN});
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
        fprintf(stderr, "blob_main: %s\n", err.text);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(text, sizeof text, stdin) != NULL) {
        char *words = strchr(text, ' ');
        bool ok = words == NULL || read_words(words, &line);
        if (words == NULL)
            line.n = 0;
        if (ok && strncmp(text, "context", 7) == 0)
            ok = do_context(&line);
        else if (ok && strncmp(text, "seal ", 5) == 0)
            ok = do_seal(worker, &line);
        else if (ok)
            ok = do_open(worker, &line);
        if (!ok)
            printf("refused\n");
    }
    return 0;
}
