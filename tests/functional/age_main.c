/*
 * age_main - age files from stdin to stdout, for the published vectors and for age itself to argue
 * with. Words are NAME=VALUE:
 *
 *   open [identity=FILE] [passphrase=FILE] [armor=WORD] [portion=N]
 *   seal [to=age1...]... [passphrase=FILE] [log=N] [armor=WORD] [portion=N]
 *   keygen
 *
 * armor is any, binary or armored; portion is how many bytes are handed over at a time. After
 * `open` stderr has one word: how it ended.
 */
#include "base/secret_file.h"
#include "codec/agekey.h"
#include "crypto/x25519.h"
#include "seal/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PORTION_MAX ((size_t)1 << 20)
#define TO_MAX 2048

struct words {
    const char *identity, *passphrase, *armor, *portion, *log;
    uint8_t (*to)[32];
    size_t n_to;
};

static void
die(const struct rdt_err *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit(2);
}

static void
read_words(char **argv, struct words *out, struct rdt_err *err)
{
    const struct {
        const char *name;
        const char **to;
    } names[] = {
        {"identity=",   &out->identity  },
        {"passphrase=", &out->passphrase},
        {"armor=",      &out->armor     },
        {"portion=",    &out->portion   },
        {"log=",        &out->log       },
    };
    out->to = calloc(TO_MAX, sizeof *out->to);
    for (; *argv != NULL; argv++) {
        bool known = false;
        if (strncmp(*argv, "to=", 3) == 0 && out->n_to < TO_MAX) {
            if (rdt_agekey_public_get(rdt_span_str(*argv + 3), out->to[out->n_to++], err) != RDT_OK)
                die(err);
            continue;
        }
        for (size_t i = 0; i < RDT_COUNT(names); i++) {
            size_t n = strlen(names[i].name);
            if (strncmp(*argv, names[i].name, n) != 0)
                continue;
            *names[i].to = *argv + n;
            known = true;
        }
        if (!known)
            exit(2);
    }
}

static enum rdt_age_armor
armor_of(const char *word)
{
    if (word == NULL || strcmp(word, "any") == 0)
        return RDT_AGE_ANY;
    return strcmp(word, "armored") == 0 ? RDT_AGE_ARMORED : RDT_AGE_BINARY;
}

static unsigned
number(const char *word)
{
    return word == NULL ? 0 : (unsigned)strtoul(word, NULL, 10);
}

static size_t
next_portion(const struct words *words, uint8_t *bytes)
{
    size_t want = number(words->portion), n = 0;
    want = want == 0 || want > PORTION_MAX ? PORTION_MAX : want;
    while (n < want) {
        ssize_t got = read(STDIN_FILENO, bytes + n, want - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return n;
}

static void
put_out(const void *bytes, size_t n)
{
    if (n != 0 && fwrite(bytes, 1, n, stdout) != n)
        exit(2);
}

static void
end_with(enum rdt_age_fault fault, const struct rdt_err *err)
{
    static const char *const faults[] = {"success",  "armor failure", "header failure",
                                         "no match", "HMAC failure",  "payload failure",
                                         "other"};
    fflush(stdout);
    fprintf(stderr, "%s\n%s\n", faults[fault], err->text);
    exit(fault != RDT_AGE_OK);
}

static void
open_file(struct rdt_worker *worker, const struct words *words, const struct rdt_age_with *with,
          struct rdt_err *err)
{
    static uint8_t bytes[PORTION_MAX], plain[PORTION_MAX + RDT_AGE_CHUNK_LEN];
    RDT_AUTO(rdt_age_reader_free_at) struct rdt_age_reader *reader = NULL;
    if (rdt_age_reader_new(worker, with, &reader, err) != RDT_OK)
        die(err);
    enum rdt_code rc = RDT_OK;
    size_t n = 1;
    while (rc == RDT_OK && n != 0) {
        struct rdt_age_out out = {plain, sizeof plain, 0};
        n = next_portion(words, bytes);
        rc = n == 0 ? rdt_age_reader_end(reader, &out, err)
                    : rdt_age_reader_feed(reader, (struct rdt_span){bytes, n}, &out, err);
        put_out(plain, out.n);
    }
    end_with(rdt_age_reader_fault(reader), err);
}

static void
seal_file(struct rdt_worker *worker, const struct words *words, const struct rdt_age_to *to,
          struct rdt_err *err)
{
    static uint8_t bytes[PORTION_MAX];
    RDT_AUTO(rdt_age_writer_free_at) struct rdt_age_writer *writer = NULL;
    RDT_BUF out = {0};
    if (rdt_age_writer_new(worker, to, &writer, err) != RDT_OK)
        die(err);
    for (size_t n = 1; n != 0;) {
        n = next_portion(words, bytes);
        if ((n == 0
                 ? rdt_age_writer_end(writer, &out, err)
                 : rdt_age_writer_feed(writer, (struct rdt_span){bytes, n}, &out, err)) != RDT_OK)
            die(err);
        put_out(out.p, out.n);
        out.n = 0;
    }
}

static void
keygen(struct rdt_worker *worker, struct rdt_err *err)
{
    RDT_SECRET key = {0}, text = {0};
    uint8_t public_key[RDT_X25519_LEN];
    char public_text[RDT_AGEKEY_PUBLIC_TEXT + 1];
    if (rdt_x25519_keypair(worker, &key, public_key, err) != RDT_OK ||
        rdt_agekey_private_put(&key, &text, err) != RDT_OK)
        die(err);
    rdt_agekey_public_put(public_key, public_text);
    printf("# public key: %s\n%.*s\n", public_text, (int)text.n, (const char *)text.p);
}

/* As many as there are in an identity file. */
static size_t
read_keys(const char *path, struct rdt_secret *keys, struct rdt_err *err)
{
    RDT_SECRET file = {0};
    size_t n = 0;
    if (rdt_secret_read(path, &file, err) != RDT_OK)
        die(err);
    struct rdt_span rest = {file.p, file.n};
    for (; n < RDT_AGE_KEYS_MAX; n++) {
        if (rdt_agekey_private_next(&rest, &keys[n], err) != RDT_OK)
            die(err);
        if (keys[n].n == 0)
            break;
    }
    return n;
}

int
main(int argc, char **argv)
{
    static struct rdt_secret keys[RDT_AGE_KEYS_MAX], passphrase;
    struct rdt_err err = {0};
    struct words words = {0};
    struct rdt_worker *worker = NULL;
    if (argc < 2 || rdt_worker_open(&worker, &err) != RDT_OK)
        die(&err);
    read_words(argv + 2, &words, &err);
    if (words.passphrase != NULL && rdt_secret_read(words.passphrase, &passphrase, &err) != RDT_OK)
        die(&err);
    size_t n_keys = words.identity == NULL ? 0 : read_keys(words.identity, keys, &err);
    const struct rdt_secret *phrase = words.passphrase == NULL ? NULL : &passphrase;
    enum rdt_age_armor armor = armor_of(words.armor);
    if (strcmp(argv[1], "open") == 0)
        open_file(worker, &words,
                  &(struct rdt_age_with){keys, n_keys, phrase, number(words.log), armor}, &err);
    else if (strcmp(argv[1], "seal") == 0)
        seal_file(worker, &words,
                  &(struct rdt_age_to){(const uint8_t(*)[32])words.to, words.n_to, phrase,
                                       number(words.log), armor},
                  &err);
    else
        keygen(worker, &err);
    free(words.to);
    rdt_worker_close(worker);
    return 0;
}
