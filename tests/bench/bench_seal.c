/*
 * What sealing and opening cost, memory to null, beside bare AES-256-GCM (EVP, one key, 16 KiB a
 * message) over the same bytes in the same run: MB (10^6) per CPU second of the best round, ratio
 * bare / ours. Counted is all that a file needs: chunks, tags' hash, copies between buffers. The
 * bar is 1,800 MB per CPU second. With SHA-256 of the plaintext as well, to show what that costs.
 * REDOUBT_BENCH_QUICK=1 makes it brief. Prints TAP.
 */
#include "seal/footer.h"

#include "base/compiler.h"

#include "bench.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUFFER ((size_t)64 * RDT_CHUNK_LEN) /* what room work pumps: 1 MiB */
#define ROUNDS 5
#define BAR 1800.0

/* All that a measured function may touch. */
struct bench {
    struct rdt_worker *worker;
    struct rdt_secret file_key;
    struct rdt_buf core;
    struct rdt_chunks *chunks;
    struct rdt_seal_sums *sums;
    EVP_CIPHER *gcm;
    EVP_CIPHER_CTX *ctx;
    uint8_t *plain, *sealed, *out;
    size_t buffers; /* of one round */
    bool hashed;
};

static size_t
sealed_len(void)
{
    return rdt_chunks_sealed_len(BUFFER, false);
}

static void
our_seal(struct bench *b)
{
    for (size_t i = 0; i < b->buffers; i++) {
        struct rdt_chunk_run run = {.first = i * 64};
        struct rdt_span plain = {b->plain, BUFFER}, sealed = {b->out, sealed_len()};
        must(rdt_chunks_seal(b->chunks, run, plain, b->out) == RDT_OK &&
             rdt_seal_sums_plain(b->sums, plain) == RDT_SEAL_OK &&
             rdt_seal_sums_sealed(b->sums, sealed) == RDT_SEAL_OK);
        rdt_seal_sums_stored(b->sums, BUFFER);
    }
}

/* One buffer that was sealed as chunks 0 to 63, again and again. */
static void
our_open(struct bench *b)
{
    size_t n;
    for (size_t i = 0; i < b->buffers; i++) {
        struct rdt_span sealed = {b->sealed, sealed_len()};
        must(rdt_chunks_unseal(b->chunks, (struct rdt_chunk_run){.first = 0}, sealed, b->out, &n) ==
                 RDT_OK &&
             rdt_seal_sums_sealed(b->sums, sealed) == RDT_SEAL_OK &&
             rdt_seal_sums_plain(b->sums, (struct rdt_span){b->out, n}) == RDT_SEAL_OK);
        rdt_seal_sums_stored(b->sums, n);
    }
}

static void
bare_seal(struct bench *b)
{
    uint8_t iv[RDT_GCM_IV_LEN] = {0};
    int n;
    for (size_t i = 0; i < b->buffers; i++)
        for (size_t at = 0; at < BUFFER; at += RDT_CHUNK_LEN) {
            iv[0]++;
            must(EVP_EncryptInit_ex2(b->ctx, NULL, NULL, iv, NULL) == 1 &&
                 EVP_EncryptUpdate(b->ctx, b->out, &n, b->plain + at, RDT_CHUNK_LEN) == 1 &&
                 EVP_EncryptFinal_ex(b->ctx, b->out, &n) == 1);
        }
}

static double
cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
once(struct bench *b, void (*run)(struct bench *))
{
    must(rdt_seal_sums_new(b->hashed, &b->sums) == RDT_SEAL_OK);
    double from = cpu_seconds();
    run(b);
    double took = cpu_seconds() - from;
    rdt_seal_sums_free(b->sums);
    return (double)b->buffers * (double)BUFFER / 1e6 / took;
}

static void
open_all(struct bench *b)
{
    static const uint8_t id[RDT_SEAL_FILE_ID_LEN] = {1};
    static const uint8_t key[RDT_KEY_LEN] = {1};
    uint8_t front[RDT_CHUNK_FRONT_LEN];
    must(rdt_worker_open(&b->worker, NULL) == RDT_OK &&
         rdt_secret_new(&b->file_key, RDT_KEY_LEN, NULL) == RDT_OK &&
         rdt_random_key(b->worker, &b->file_key, NULL) == RDT_OK &&
         rdt_seal_core_make(id, RDT_SEAL_SLOT_LEN, NULL, &b->core) == RDT_SEAL_OK &&
         rdt_seal_body_new(b->worker, rdt_buf_span(&b->core), &b->file_key, front, &b->chunks) ==
             RDT_SEAL_OK);
    b->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    b->ctx = EVP_CIPHER_CTX_new();
    b->plain = malloc(BUFFER);
    b->sealed = malloc(sealed_len());
    b->out = malloc(sealed_len());
    must(b->plain != NULL && b->sealed != NULL && b->out != NULL &&
         EVP_EncryptInit_ex2(b->ctx, b->gcm, key, NULL, NULL) == 1);
    memset(b->plain, 'x', BUFFER);
    must(rdt_chunks_seal(b->chunks, (struct rdt_chunk_run){.first = 0},
                         (struct rdt_span){b->plain, BUFFER}, b->sealed) == RDT_OK);
}

static void
close_all(struct bench *b)
{
    free(b->plain);
    free(b->sealed);
    free(b->out);
    EVP_CIPHER_CTX_free(b->ctx);
    EVP_CIPHER_free(b->gcm);
    rdt_chunks_free(b->chunks);
    rdt_secret_wipe(&b->file_key);
    rdt_buf_done(&b->core);
    rdt_worker_close(b->worker);
}

int
main(void)
{
    static const struct {
        const char *name;
        void (*run)(struct bench *);
        bool hashed;
    } cases[] = {
        {"seal",                      our_seal, false},
        {"open",                      our_open, false},
        {"seal, plaintext's SHA-256", our_seal, true },
        {"open, plaintext's SHA-256", our_open, true },
    };
    struct bench b = {.buffers = 0};
    const char *quick = getenv("REDOUBT_BENCH_QUICK");
    b.buffers = quick != NULL && strcmp(quick, "1") == 0 ? 16 : 1024;
    open_all(&b);
    printf("1..%zu\n", RDT_COUNT(cases));
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        double best = 0, bare = 0;
        b.hashed = cases[i].hashed;
        for (int round = 0; round < ROUNDS; round++) { /* in turn: busy for both, if busy */
            double one = once(&b, cases[i].run), other = once(&b, bare_seal);
            best = one > best ? one : best;
            bare = other > bare ? other : bare;
        }
        printf("# %-26s %6.0f MB per CPU second, bare AES-256-GCM %6.0f, ratio %.2f%s\n",
               cases[i].name, best, bare, bare / best,
               cases[i].hashed ? ""
               : best >= BAR   ? ", bar 1800 met"
                               : ", bar 1800 NOT met");
        printf("ok %zu - %s\n", i + 1, cases[i].name);
    }
    close_all(&b);
    return 0;
}
