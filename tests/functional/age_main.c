/*
 * age_main - age files from stdin to stdout, for the published vectors and for age itself to argue
 * with. Words are NAME=VALUE:
 *
 *   open [identity=FILE] [passphrase=FILE] [armor=WORD] [portion=N]
 *   seal [to=KEY]... [passphrase=FILE] [log=N] [armor=WORD] [portion=N]
 *   keygen | keygen-hybrid
 *   has                     whether there is ML-KEM: "hybrid" or "no hybrid"
 *
 * armor is any, binary or armored; portion is how many bytes are handed over at a time. After
 * `open` stderr has one word: how it ended.
 */
#include "base/secret_file.h"
#include "codec/agekey.h"
#include "crypto/x25519.h"
#include "crypto/xwing.h"
#include "seal/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PORTION_MAX ((size_t)1 << 20)
#define TO_MAX ((size_t)2048)

struct words {
    const char *identity, *passphrase, *armor, *portion, *log;
    uint8_t (*to)[32];
    size_t n_to;
    uint8_t (*hybrid)[RDT_AGEKEY_HYBRID_LEN];
    size_t n_hybrid;
};

static void
die(const struct rdt_err *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit(2);
}

static void
read_to(const char *text, struct words *out, struct rdt_err *err)
{
    enum rdt_code rc = RDT_E_LIMIT;
    if (strncmp(text, "age1pq1", 7) == 0 && out->n_hybrid < TO_MAX)
        rc = rdt_agekey_hybrid_get(rdt_span_str(text), out->hybrid[out->n_hybrid++], err);
    else if (out->n_to < TO_MAX)
        rc = rdt_agekey_public_get(rdt_span_str(text), out->to[out->n_to++], err);
    if (rc != RDT_OK)
        die(err);
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
    out->hybrid = calloc(TO_MAX, sizeof *out->hybrid);
    for (; *argv != NULL; argv++) {
        bool known = strncmp(*argv, "to=", 3) == 0;
        if (known)
            read_to(*argv + 3, out, err);
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

static void
keygen_hybrid(struct rdt_worker *worker, struct rdt_err *err)
{
    static uint8_t public_key[RDT_XWING_PUBLIC_LEN];
    static char public_text[RDT_AGEKEY_HYBRID_TEXT + 1];
    RDT_SECRET key = {0}, text = {0};
    if (rdt_secret_new(&key, RDT_XWING_PRIVATE_LEN, err) != RDT_OK ||
        rdt_random_key(worker, &key, err) != RDT_OK ||
        rdt_xwing_public(worker, &key, public_key) != RDT_OK ||
        rdt_agekey_hybrid_private_put(&key, &text, err) != RDT_OK)
        die(err);
    rdt_agekey_hybrid_put(public_key, public_text);
    printf("# public key: %s\n%.*s\n", public_text, (int)text.n, (const char *)text.p);
}

struct keys {
    struct rdt_secret of[2][RDT_AGE_KEYS_MAX]; /* by kind */
    size_t n[2];
};

static void
read_keys(const char *path, struct keys *out, struct rdt_err *err)
{
    RDT_SECRET file = {0};
    if (rdt_secret_read(path, &file, err) != RDT_OK)
        die(err);
    struct rdt_span rest = {file.p, file.n};
    while (out->n[0] < RDT_AGE_KEYS_MAX && out->n[1] < RDT_AGE_KEYS_MAX) {
        enum rdt_agekey_kind kind = RDT_AGEKEY_X25519;
        struct rdt_secret key = {0};
        if (rdt_agekey_next(&rest, &kind, &key, err) != RDT_OK)
            die(err);
        if (key.n == 0)
            break;
        out->of[kind][out->n[kind]++] = key;
    }
}

int
main(int argc, char **argv)
{
    static struct keys keys;
    static struct rdt_secret passphrase;
    struct rdt_err err = {0};
    struct words words = {0};
    struct rdt_worker *worker = NULL;
    if (argc < 2 || rdt_worker_open(&worker, &err) != RDT_OK)
        die(&err);
    read_words(argv + 2, &words, &err);
    if (words.passphrase != NULL && rdt_secret_read(words.passphrase, &passphrase, &err) != RDT_OK)
        die(&err);
    if (words.identity != NULL)
        read_keys(words.identity, &keys, &err);
    struct rdt_age_with with = {
        .keys = keys.of[RDT_AGEKEY_X25519],
        .n_keys = keys.n[RDT_AGEKEY_X25519],
        .passphrase = words.passphrase == NULL ? NULL : &passphrase,
        .scrypt_log_max = number(words.log),
        .armor = armor_of(words.armor),
        .hybrid_keys = keys.of[RDT_AGEKEY_HYBRID],
        .n_hybrid_keys = keys.n[RDT_AGEKEY_HYBRID],
    };
    struct rdt_age_to to = {
        .keys = (const uint8_t(*)[32])words.to,
        .n_keys = words.n_to,
        .passphrase = with.passphrase,
        .scrypt_log = with.scrypt_log_max,
        .armor = with.armor,
        .hybrid_keys = (const uint8_t(*)[RDT_AGEKEY_HYBRID_LEN])words.hybrid,
        .n_hybrid_keys = words.n_hybrid,
    };
    if (strcmp(argv[1], "open") == 0)
        open_file(worker, &words, &with, &err);
    else if (strcmp(argv[1], "seal") == 0)
        seal_file(worker, &words, &to, &err);
    else if (strcmp(argv[1], "keygen") == 0)
        keygen(worker, &err);
    else if (strcmp(argv[1], "keygen-hybrid") == 0)
        keygen_hybrid(worker, &err);
    else
        printf("%s\n", rdt_xwing_has(worker) ? "hybrid" : "no hybrid");
    free(words.to);
    free(words.hybrid);
    rdt_worker_close(worker);
    return 0;
}
