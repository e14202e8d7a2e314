/*
 * kek_main - tenants' keys and their exports by questions on stdin, for a second implementation to
 * argue with. A line a question, words of hexadecimal, a line an answer:
 *
 *   kek MATERIAL KEY SEED HANDLE EPOCH          the key
 *   info KEY TENANT HANDLE EPOCH                what an export is bound to
 *   seal PUBLIC INFO KEK                        encapsulated sealed
 *   open PRIVATE INFO ENCAPSULATED SEALED       the key | refused
 *
 * HANDLE has 8 digits, EPOCH 4.
 */
#include "codec/base64.h"
#include "crypto/hpke.h"
#include "kms/kek.h"

#include <stdio.h>
#include <stdlib.h>

#define WORDS 8
#define BYTES ((size_t)4096) /* of all words of a line */

struct line {
    struct rdt_span words[WORDS];
    size_t n;
    uint8_t bytes[BYTES];
};

static bool
read_words(char *text, struct line *out)
{
    size_t used = 0;
    out->n = 0;
    for (char *word = strtok_r(text, " \n", &text); word != NULL && out->n < WORDS;
         word = strtok_r(NULL, " \n", &text)) {
        size_t n = strlen(word) / 2;
        if (n > BYTES - used || !rdt_hex_get(rdt_span_str(word), out->bytes + used, n))
            return false;
        out->words[out->n++] = (struct rdt_span){out->bytes + used, n};
        used += n;
    }
    return true;
}

static void
say(struct rdt_span bytes, const char *end)
{
    RDT_BUF text = {0};
    rdt_hex_add(&text, bytes);
    printf("%s%s", rdt_buf_cstr(&text), end);
}

static bool
secret_of(struct rdt_span bytes, struct rdt_secret *out)
{
    return rdt_secret_copy(out, bytes, NULL) == RDT_OK;
}

/* HANDLE EPOCH at word i. */
static bool
place_at(const struct line *line, size_t i, struct rdt_kek_place *place)
{
    const uint8_t *h = line->words[i].p, *e = line->words[i + 1].p;
    if (line->words[i].n != 4 || line->words[i + 1].n != 2)
        return false;
    place->handle = (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
    place->epoch = (uint16_t)(e[0] << 8 | e[1]);
    return true;
}

static bool
do_kek(struct rdt_worker *worker, const struct line *line)
{
    RDT_SECRET material = {0};
    RDT_SECRET seed = {0};
    RDT_SECRET kek = {0};
    struct rdt_kek_place place = {.key = line->words[1].p};
    if (line->n != 5 || line->words[1].n != 16 || !secret_of(line->words[0], &material) ||
        !secret_of(line->words[2], &seed) || !place_at(line, 3, &place) ||
        rdt_secret_new(&kek, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_kek_derive(worker, &material, &seed, &place, &kek) != RDT_OK)
        return false;
    say((struct rdt_span){kek.p, kek.n}, "\n");
    return true;
}

static bool
do_info(const struct line *line)
{
    struct rdt_kek_place place = {.key = line->words[0].p, .tenant = line->words[1].p};
    uint8_t info[RDT_KEK_INFO_LEN];
    if (line->n != 4 || line->words[0].n != 16 || line->words[1].n != 16 ||
        !place_at(line, 2, &place))
        return false;
    rdt_kek_info(&place, info);
    say((struct rdt_span){info, sizeof info}, "\n");
    return true;
}

static bool
do_seal(struct rdt_worker *worker, const struct line *line)
{
    RDT_SECRET kek = {0};
    struct rdt_hpke_about about = {.info = line->words[1]};
    uint8_t enc[RDT_HPKE_PUBLIC_LEN], sealed[BYTES + RDT_GCM_TAG_LEN];
    if (line->n != 3 || !secret_of(line->words[2], &kek) ||
        rdt_hpke_seal(worker, line->words[0], &about, &kek, enc, sealed) != RDT_OK)
        return false;
    say((struct rdt_span){enc, sizeof enc}, " ");
    say((struct rdt_span){sealed, kek.n + RDT_GCM_TAG_LEN}, "\n");
    return true;
}

static bool
do_open(struct rdt_worker *worker, const struct line *line)
{
    RDT_SECRET private_key = {0};
    RDT_SECRET kek = {0};
    struct rdt_hpke_about about = {.info = line->words[1]};
    if (line->n != 4 || !secret_of(line->words[0], &private_key) ||
        rdt_hpke_open(worker, &private_key, &about, line->words[2], line->words[3], &kek) != RDT_OK)
        return false;
    say((struct rdt_span){kek.p, kek.n}, "\n");
    return true;
}

static bool
answer(struct rdt_worker *worker, const char *what, const struct line *line)
{
    if (strcmp(what, "kek") == 0)
        return do_kek(worker, line);
    if (strcmp(what, "info") == 0)
        return do_info(line);
    if (strcmp(what, "seal") == 0)
        return do_seal(worker, line);
    return strcmp(what, "open") == 0 && do_open(worker, line);
}

int
main(void)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    static struct line line;
    static char text[3 * BYTES];
    if (rdt_worker_open(&worker, NULL) != RDT_OK)
        return EXIT_FAILURE;
    while (fgets(text, sizeof text, stdin) != NULL) {
        char *rest = text;
        const char *what = strtok_r(text, " \n", &rest);
        if (what == NULL || !read_words(rest, &line) || !answer(worker, what, &line))
            printf("refused\n");
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
