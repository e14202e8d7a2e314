/* words.h - lines of hexadecimal words, for programs that a second implementation argues with. */
#ifndef RDT_TEST_WORDS_H
#define RDT_TEST_WORDS_H

#include "base/buf.h"
#include "codec/base64.h"

#include <stdio.h>
#include <stdlib.h>

#define WORDS 160
#define WORDS_BYTES ((size_t)32768) /* of all words of a line */

struct line {
    struct rdt_span words[WORDS];
    size_t n;
    uint8_t bytes[WORDS_BYTES];
};

/* "-": no bytes. False: not hexadecimal, or too much. */
static inline bool
read_words(char *text, struct line *out)
{
    size_t used = 0;
    out->n = 0;
    for (char *word = strtok_r(text, " \n", &text); word != NULL && out->n < WORDS;
         word = strtok_r(NULL, " \n", &text)) {
        size_t n = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;
        if (n > WORDS_BYTES - used ||
            (n != 0 && !rdt_hex_get(rdt_span_str(word), out->bytes + used, n)))
            return false;
        out->words[out->n++] = (struct rdt_span){out->bytes + used, n};
        used += n;
    }
    return true;
}

static inline void
say(struct rdt_span bytes)
{
    RDT_BUF text = {0};
    rdt_hex_add(&text, bytes);
    printf("%s\n", bytes.n == 0 ? "-" : rdt_buf_cstr(&text));
}

#endif
