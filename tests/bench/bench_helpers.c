/*
 * What passwords, API keys and webhooks cost beside what they cannot do without, in the same run:
 * Argon2id and bcrypt beside the bare library call, an API key's check and a webhook beside bare
 * HMACs by libcrypto over the same bytes. Best of some rounds of processor time, ratio ours / bare.
 * A webhook and an API key may allocate nothing. REDOUBT_BENCH_QUICK=1 makes it brief. Prints TAP.
 */
#include "field/api_key.h"
#include "field/password.h"
#include "field/webhook.h"

#include "base/compiler.h"

#include "bench.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BODY 1024
#define BCRYPT "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
#define PASSWORD "correct horse battery staple"

/* All that a measured function may touch. */
struct bench {
    struct rdt_worker *worker;
    struct rdt_secret key, scratch;
    struct rdt_field_column column;
    struct rdt_field_kek kek;
    char phc[RDT_PASSWORD_TEXT], api_key[RDT_API_KEY_TEXT], header[RDT_WEBHOOK_SIGNATURE_TEXT];
    uint8_t stored[RDT_API_KEY_STORED], body[BODY];
    struct rdt_hook_secrets secrets;
    struct rdt_hook hook;
    struct crypt_data crypt;
};

static const struct rdt_password_cost least = {RDT_PASSWORD_MEMORY_KIB, RDT_PASSWORD_PASSES,
                                               RDT_PASSWORD_LANES};

static void
our_argon2(struct bench *b)
{
    must(rdt_pw_check(b->worker, &least, rdt_span_str(PASSWORD), rdt_span_str(b->phc)) ==
         RDT_PASSWORD_MATCH);
}

static void
bare_argon2(struct bench *b)
{
    uint8_t out[32];
    (void)b;
    must(argon2id_hash_raw(least.passes, least.memory_kib, 1, PASSWORD, strlen(PASSWORD),
                           "sixteenbytesalts", 16, out, sizeof out) == ARGON2_OK);
}

static void
our_bcrypt(struct bench *b)
{
    must(rdt_pw_check(b->worker, &least, rdt_span_str(PASSWORD), rdt_span_str(BCRYPT)) ==
         RDT_PASSWORD_NO_MATCH);
}

static void
bare_bcrypt(struct bench *b)
{
    must(crypt_rn(PASSWORD, BCRYPT, &b->crypt, sizeof b->crypt) != NULL);
}

static void
our_api_key(struct bench *b)
{
    must(rdt_apikey_check(b->worker, &b->kek, rdt_span_str(b->api_key),
                          (struct rdt_span){b->stored, sizeof b->stored}) == RDT_API_KEY_MATCH);
}

/* Keys of two uses out of a KEK, and a MAC under each. */
static void
bare_api_key(struct bench *b)
{
    uint8_t key[32], out[32];
    size_t n = strlen(b->api_key);
    for (int i = 0; i < 2; i++) {
        must(HMAC(EVP_sha256(), b->key.p, 32, b->body, 57, key, NULL) != NULL);
        must(HMAC(EVP_sha256(), key, 32, (uint8_t *)b->api_key, n, out, NULL) != NULL);
    }
}

static void
our_sign(struct bench *b)
{
    must(rdt_hook_sign(b->worker, &b->secrets, &b->hook, b->header, NULL) == RDT_OK);
}

static void
our_check(struct bench *b)
{
    must(rdt_hook_check(b->worker, &b->secrets, &b->hook, 1614265330) == RDT_WEBHOOK_MATCH);
}

static void
bare_hook(struct bench *b)
{
    uint8_t out[32];
    must(HMAC(EVP_sha256(), b->key.p, 32, b->body, sizeof b->body, out, NULL) != NULL);
}

static double
seconds_of(struct bench *b, void (*run)(struct bench *), int calls)
{
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    for (int i = 0; i < calls; i++)
        run(b);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return ((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9) / calls;
}

static void
open_all(struct bench *b)
{
    must(rdt_worker_open(&b->worker, NULL) == RDT_OK &&
         rdt_secret_new(&b->key, RDT_KEY_LEN, NULL) == RDT_OK &&
         rdt_secret_new(&b->scratch, RDT_KEY_LEN, NULL) == RDT_OK &&
         rdt_random_key(b->worker, &b->key, NULL) == RDT_OK);
    b->kek = (struct rdt_field_kek){1, 1, &b->key, &b->column, &b->scratch};
    b->secrets = (struct rdt_hook_secrets){&b->key, 1};
    b->hook = (struct rdt_hook){
        rdt_span_str("msg_p5jXN8AQM9LWM0D4loKWxJek"),
        rdt_span_str("1614265330"),
        {0},
        {b->body, sizeof b->body}
    };
    our_sign(b);
    b->hook.signature = rdt_span_str(b->header);
    must(rdt_pw_make(b->worker, &least, rdt_span_str(PASSWORD), b->phc, NULL) == RDT_OK);
    must(rdt_apikey_make(b->worker, rdt_span_str("acme_live"), b->api_key, NULL) == RDT_OK);
    must(rdt_apikey_store(b->worker, &b->kek, rdt_span_str(b->api_key), b->stored) == RDT_OK);
}

static const struct {
    const char *name;
    void (*ours)(struct bench *), (*bare)(struct bench *);
    int calls, quick;
    bool frugal; /* allocates nothing */
} cases[] = {
    {"Argon2id, m=19456 t=2 p=1", our_argon2,  bare_argon2,  20,    1,   false},
    {"bcrypt of cost 10",         our_bcrypt,  bare_bcrypt,  10,    1,   false},
    {"API key, check",            our_api_key, bare_api_key, 50000, 200, true },
    {"webhook of 1 KiB, sign",    our_sign,    bare_hook,    50000, 200, true },
    {"webhook of 1 KiB, check",   our_check,   bare_hook,    50000, 200, true },
};

int
main(void)
{
    static struct bench b;
    const char *text = getenv("REDOUBT_BENCH_QUICK");
    bool quick = text != NULL && strcmp(text, "1") == 0;
    int failed = 0;
    count_allocations();
    open_all(&b);
    printf("1..%zu\n", RDT_COUNT(cases));
    for (size_t c = 0; c < RDT_COUNT(cases); c++) {
        double ours = 1e9, bare = 1e9;
        unsigned long allocated = 0;
        int calls = quick ? cases[c].quick : cases[c].calls;
        for (int round = 0; round < (quick ? 1 : 5); round++) {
            unsigned long before = allocations;
            double one = seconds_of(&b, cases[c].ours, calls);
            allocated += allocations - before;
            double other = seconds_of(&b, cases[c].bare, calls);
            ours = one < ours ? one : ours;
            bare = other < bare ? other : bare;
        }
        bool ok = !cases[c].frugal || allocated == 0;
        failed += !ok;
        printf("# %-26s %10.2f us, bare %10.2f us, ratio %.2f\n", cases[c].name, ours * 1e6,
               bare * 1e6, ours / bare);
        printf("%s %zu - %s%s\n", ok ? "ok" : "not ok", c + 1, cases[c].name,
               cases[c].frugal ? ": allocates nothing" : "");
    }
    rdt_secret_wipe(&b.key);
    rdt_secret_wipe(&b.scratch);
    rdt_worker_close(b.worker);
    return failed != 0;
}
