/*
 * What an encrypted value costs beside a bare AES-256-GCM call under a new key (EVP, reused
 * context) over the same bytes, in the same run: nanoseconds, best of some rounds, ratio ours /
 * bare. The bar is 2.0 at 64 bytes. It also counts what is allocated in the timed loops: nothing
 * may be. Also what a token costs, beside its limit of 150 ns, and normalising before it.
 * Once more through the library (rdt_encrypt() and others), which finds the keys itself.
 * REDOUBT_BENCH_QUICK=1 makes it brief. Prints TAP.
 */
#include "field/token.h"

#include "base/compiler.h"

#include "bench.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 9
#define PLAIN_MOST 1024
#define PAD 16

/* All that a measured function may touch. */
struct bench {
    struct rdt_worker *worker;
    struct rdt_secret kek, record;
    struct rdt_field_keys keys;
    struct rdt_index_keys index;
    struct rdt_field_column column;
    struct rdt_rf1_call call;
    EVP_CIPHER *gcm;
    EVP_CIPHER_CTX *seal, *open;
    uint8_t key[RDT_KEY_LEN], iv[RDT_GCM_IV_LEN], aad[52], tag[RDT_GCM_TAG_LEN];
    uint8_t plain[PLAIN_MOST], out[PLAIN_MOST + PAD + RDT_VALUE_OVER];
    uint8_t value[PLAIN_MOST + PAD + RDT_VALUE_OVER], bare[PLAIN_MOST];
    size_t n, value_n; /* bytes of the case */
    struct rdt_keyring *keyring;
    struct rdt_session *session;
    struct rdt_column *library; /* the same column */
    struct rdt_index *tokens;
    uint8_t kept[PLAIN_MOST + PAD + RDT_VALUE_OVER]; /* a value by the library */
    size_t kept_n;
};

static void
our_seal(struct bench *b)
{
    struct rdt_rf1_out out = {b->out, sizeof b->out, 0};
    must(rdt_rf1_seal(&b->call, (struct rdt_span){b->plain, b->n}, &out) == RDT_FIELD_OK);
}

static void
our_open(struct bench *b)
{
    struct rdt_rf1_out out = {b->out, sizeof b->out, 0};
    must(rdt_rf1_open(&b->call, (struct rdt_span){b->value, b->value_n}, &out) == RDT_FIELD_OK);
}

static void
our_verify(struct bench *b)
{
    must(rdt_rf1_verify(&b->call, (struct rdt_span){b->value, b->value_n}) == RDT_FIELD_OK);
}

/* ---- the same through the library ---- */

static const uint8_t somebody[RDT_ID_LEN] = {1};

static struct rdt_item
item_of(struct bench *b, const uint8_t *in, size_t n)
{
    return (struct rdt_item){.tenant = somebody,
                             .row = b->call.row.p,
                             .row_n = b->call.row.n,
                             .in = in,
                             .in_n = n,
                             .out = b->out,
                             .out_room = sizeof b->out};
}

static void
library_seal(struct bench *b)
{
    struct rdt_item item = item_of(b, b->plain, b->n);
    must(rdt_encrypt(b->session, b->library, &item, 1) == RDT_FIELD_OK);
}

static void
library_open(struct bench *b)
{
    struct rdt_item item = item_of(b, b->kept, b->kept_n);
    must(rdt_decrypt(b->session, b->library, &item, 1) == RDT_FIELD_OK);
}

static void
library_verify(struct bench *b)
{
    struct rdt_item item = item_of(b, b->kept, b->kept_n);
    must(rdt_verify(b->session, b->library, &item, 1) == RDT_FIELD_OK);
}

static void
library_token(struct bench *b)
{
    struct rdt_item item = {
        .tenant = somebody, .in = b->plain, .in_n = b->n, .out = b->out, .out_room = sizeof b->out};
    must(rdt_tokenize(b->session, b->tokens, 0, &item, 1) == RDT_FIELD_OK);
}

static void
library_open_all(struct bench *b)
{
    struct rdt_kek kek = {.handle = 1, .epoch = 1, .current_epoch = 1, .ttl_s = 86400};
    struct rdt_index_spec spec = {.size = sizeof spec,
                                  .name = "mail",
                                  .kind = RDT_INDEX_UNIQUE,
                                  .bits = RDT_TOKEN_BITS,
                                  .rule = RDT_NORMAL_RAW,
                                  .version = 1};
    memcpy(kek.tenant, somebody, RDT_ID_LEN);
    must(rdt_keyring_new(NULL, &b->keyring) == RDT_FIELD_OK &&
         rdt_session_new(b->keyring, &b->session) == RDT_FIELD_OK &&
         rdt_keyring_put(b->keyring, &kek) == RDT_FIELD_OK &&
         rdt_index_new(b->keyring, &spec, &b->tokens) == RDT_FIELD_OK);
}

/* The column as its kind has it now. */
static void
library_column(struct bench *b)
{
    struct rdt_column_spec spec = {.size = sizeof spec, .bucket = b->column.bucket};
    spec.flags |= b->column.row_bound ? RDT_COLUMN_ROW_BOUND : 0;
    spec.flags |= b->column.hedged ? RDT_COLUMN_CRITICAL : 0;
    rdt_column_free(b->library);
    must(rdt_column_new(b->keyring, &spec, &b->library) == RDT_FIELD_OK);
}

static void
library_close_all(struct bench *b)
{
    rdt_index_free(b->tokens);
    rdt_column_free(b->library);
    rdt_session_free(b->session);
    rdt_keyring_free(b->keyring);
}

/* ---- bare calls ---- */

static void
bare_seal(struct bench *b)
{
    int n;
    b->key[0]++; /* a new key each time, as a value has */
    must(EVP_EncryptInit_ex2(b->seal, NULL, b->key, b->iv, NULL) == 1 &&
         EVP_EncryptUpdate(b->seal, NULL, &n, b->aad, sizeof b->aad) == 1 &&
         EVP_EncryptUpdate(b->seal, b->out, &n, b->plain, (int)b->n) == 1 &&
         EVP_EncryptFinal_ex(b->seal, b->out, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(b->seal, EVP_CTRL_AEAD_GET_TAG, sizeof b->tag, b->out) == 1);
}

static void
bare_open(struct bench *b)
{
    int n;
    must(EVP_DecryptInit_ex2(b->open, NULL, b->key, b->iv, NULL) == 1 &&
         EVP_CIPHER_CTX_ctrl(b->open, EVP_CTRL_AEAD_SET_TAG, sizeof b->tag, b->tag) == 1 &&
         EVP_DecryptUpdate(b->open, NULL, &n, b->aad, sizeof b->aad) == 1 &&
         EVP_DecryptUpdate(b->open, b->out, &n, b->bare, (int)b->n) == 1 &&
         EVP_DecryptFinal_ex(b->open, b->out, &n) == 1);
}

/* What bare_open() opens. */
static void
prepare(struct bench *b, size_t n)
{
    int got;
    struct rdt_rf1_out out = {b->value, sizeof b->value, 0};
    b->n = n;
    must(rdt_rf1_seal(&b->call, (struct rdt_span){b->plain, n}, &out) == RDT_FIELD_OK);
    b->value_n = out.n;
    struct rdt_item item = item_of(b, b->plain, n);
    item.out = b->kept;
    must(rdt_encrypt(b->session, b->library, &item, 1) == RDT_FIELD_OK);
    b->kept_n = item.out_n;
    must(EVP_EncryptInit_ex2(b->seal, NULL, b->key, b->iv, NULL) == 1 &&
         EVP_EncryptUpdate(b->seal, NULL, &got, b->aad, sizeof b->aad) == 1 &&
         EVP_EncryptUpdate(b->seal, b->bare, &got, b->plain, (int)n) == 1 &&
         EVP_EncryptFinal_ex(b->seal, b->out, &got) == 1 &&
         EVP_CIPHER_CTX_ctrl(b->seal, EVP_CTRL_AEAD_GET_TAG, sizeof b->tag, b->tag) == 1);
}

static double
once(struct bench *b, void (*run)(struct bench *), int calls)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < calls; i++)
        run(b);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / calls;
}

/* Rounds of both in turn, so that a busy machine is busy for both. */
static void
pair(struct bench *b, void (*ours)(struct bench *), void (*bare)(struct bench *), int calls,
     double *best_ours, double *best_bare)
{
    *best_ours = *best_bare = 1e12;
    for (int round = 0; round < ROUNDS; round++) {
        double one = once(b, ours, calls), other = once(b, bare, calls);
        *best_ours = one < *best_ours ? one : *best_ours;
        *best_bare = other < *best_bare ? other : *best_bare;
    }
}

static void
open_all(struct bench *b)
{
    must(rdt_worker_open(&b->worker, NULL) == RDT_OK &&
         rdt_secret_new(&b->kek, RDT_KEY_LEN, NULL) == RDT_OK &&
         rdt_secret_new(&b->record, RDT_KEY_LEN, NULL) == RDT_OK &&
         rdt_field_keys_new(&b->keys, NULL) == RDT_OK &&
         rdt_random_key(b->worker, &b->kek, NULL) == RDT_OK);
    must(rdt_field_keys_make(b->worker, &b->kek, &b->column, &b->keys) == RDT_OK);
    struct rdt_field_index index = {
        .kind = RDT_INDEX_UNIQUE,
        .bits = RDT_TOKEN_BITS,
        .name = rdt_span_str("mail"),
        .normal = {.rule = RDT_NORMAL_RAW, .version = 1},
    };
    must(rdt_index_keys_new(&b->index, NULL) == RDT_OK &&
         rdt_index_keys_make(b->worker, &b->kek, &index, &b->index) == RDT_FIELD_OK);
    b->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    b->seal = EVP_CIPHER_CTX_new();
    b->open = EVP_CIPHER_CTX_new();
    must(EVP_EncryptInit_ex2(b->seal, b->gcm, NULL, NULL, NULL) == 1);
    must(EVP_DecryptInit_ex2(b->open, b->gcm, NULL, NULL, NULL) == 1);
    b->call = (struct rdt_rf1_call){b->worker, &b->keys, &b->column, {0}, &b->record};
}

static void
close_all(struct bench *b)
{
    EVP_CIPHER_CTX_free(b->open);
    EVP_CIPHER_CTX_free(b->seal);
    EVP_CIPHER_free(b->gcm);
    rdt_index_keys_wipe(&b->index);
    rdt_field_keys_wipe(&b->keys);
    rdt_secret_wipe(&b->record);
    rdt_secret_wipe(&b->kek);
    rdt_worker_close(b->worker);
}

/* A column's kinds: what the value is bound to costs, and so does hiding its length. */
static const struct {
    const char *name;
    bool row_bound, hedged;
    uint16_t bucket;
} kinds[] = {
    {"plain",        false, false, 0  },
    {"row-bound",    true,  false, 0  },
    {"padded to 16", false, false, PAD},
    {"hedged",       false, true,  0  },
};

/* ---- tokens ---- */

#define TOKEN_LIMIT_NS 150.0

static void
our_token(struct bench *b)
{
    must(rdt_token(b->worker, &b->index, (struct rdt_span){b->plain, b->n}, b->out) ==
         RDT_FIELD_OK);
}

static void
our_normal(struct bench *b)
{
    static const struct rdt_normal email = {
        .rule = RDT_NORMAL_EMAIL, .version = 1, .local = RDT_NORMAL_LOCAL_FOLD};
    struct rdt_rf1_out out = {b->out, sizeof b->out, 0};
    must(rdt_normal_put(&email, rdt_span_str("Ada.Lovelace@Example.org"), &out) == RDT_FIELD_OK);
}

static double
best(struct bench *b, void (*run)(struct bench *), int calls)
{
    double least = 1e12;
    for (int round = 0; round < 20 * ROUNDS; round++) { /* short: one of them has the core alone */
        double one = once(b, run, calls / 20);
        least = one < least ? one : least;
    }
    return least;
}

static bool
tokens(struct bench *b, int calls)
{
    static const size_t lengths[] = {9, 24, 51, 52, 64, 256};
    b->n = lengths[0];
    library_token(b); /* its keys are derived */
    unsigned long before = allocations;
    for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
        b->n = lengths[i];
        double ns = best(b, our_token, calls), library = best(b, library_token, calls);
        printf("# token %zu B: %.0f ns, limit %.0f ns, ratio %.2f; rdt_tokenize() %.0f ns\n",
               lengths[i], ns, TOKEN_LIMIT_NS, ns / TOKEN_LIMIT_NS, library);
    }
    printf("# e-mail address of 24 B normalised: %.0f ns\n", best(b, our_normal, calls));
    return allocations == before;
}

/* ---- what a cache of plaintexts would cost (docs/guides/value-cache.md) ---- */

#define CACHED_PLAIN 64

/* As small as can be: found by the commitment, which is random; old entries are not handed out. */
struct cached {
    uint8_t commitment[32], plain[CACHED_PLAIN];
    int64_t until_ms;
    uint32_t n;
};

struct cache {
    struct cached *at;
    uint8_t (*values)[CACHED_PLAIN + RDT_VALUE_OVER]; /* to look up, in no order */
    size_t n, next;
};

static struct cache cache;

static const uint8_t *
next_value(void)
{
    cache.next = (cache.next * 5 + 12345) & (cache.n - 1); /* all of them, none twice in a row */
    return cache.values[cache.next];
}

static struct cached *
slot_of(const uint8_t *value)
{
    uint64_t h;
    memcpy(&h, value + 32, sizeof h);
    return &cache.at[h & (2 * cache.n - 1)];
}

/* Which place it is for is not looked at: any row with this value's bytes gets the plaintext. */
static void
cache_hit(struct bench *b)
{
    struct timespec now;
    const uint8_t *value = next_value();
    struct cached *slot = slot_of(value);
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (now.tv_sec * 1000 > slot->until_ms ||
        !rdt_same((struct rdt_span){slot->commitment, 32}, (struct rdt_span){value + 32, 32}))
        return; /* another value has its slot: rare, and a miss */
    memcpy(b->out, slot->plain, slot->n);
}

/* The same, once it is known that the value is of this row. */
static void
safe_hit(struct bench *b)
{
    must(rdt_rf1_verify(&b->call, (struct rdt_span){cache.values[cache.next],
                                                    CACHED_PLAIN + RDT_VALUE_OVER}) ==
         RDT_FIELD_OK);
    cache_hit(b);
}

/* No cache: values as they come, of which the processor has as many at hand as it can. */
static void
decrypt_next(struct bench *b)
{
    struct rdt_rf1_out out = {b->out, sizeof b->out, 0};
    must(rdt_rf1_open(&b->call, (struct rdt_span){next_value(), CACHED_PLAIN + RDT_VALUE_OVER},
                      &out) == RDT_FIELD_OK);
}

static void
fill(struct bench *b, size_t n)
{
    cache = (struct cache){
        .at = calloc(2 * n, sizeof *cache.at), .values = calloc(n, sizeof *cache.values), .n = n};
    must(cache.at != NULL && cache.values != NULL);
    for (size_t i = 0; i < n; i++) {
        struct rdt_rf1_out out = {cache.values[i], sizeof cache.values[i], 0};
        must(rdt_rf1_seal(&b->call, (struct rdt_span){b->plain, CACHED_PLAIN}, &out) ==
             RDT_FIELD_OK);
        struct cached *slot = slot_of(cache.values[i]);
        memcpy(slot->commitment, cache.values[i] + 32, 32);
        slot->until_ms = INT64_MAX;
        slot->n = CACHED_PLAIN;
    }
}

static void
cached_or_not(struct bench *b, int calls)
{
    static const size_t sizes[] = {1024, 262144};
    for (size_t i = 0; i < RDT_COUNT(sizes); i++) {
        size_t n = calls < 1000 ? 1024 : sizes[i];
        fill(b, n);
        double open = best(b, decrypt_next, calls), hit = best(b, cache_hit, calls);
        double safe = best(b, safe_hit, calls);
        printf("# %zu values: decrypt %.0f ns, from a cache %.0f ns, from a cache that checks the "
               "place %.0f ns; saves %.0f or %.0f ns a read\n",
               n, open, hit, safe, open - hit, open - safe);
        free(cache.at);
        free(cache.values);
    }
}

int
main(void)
{
    static const size_t lengths[] = {16, 64, 256, 1024};
    static const struct {
        const char *name;
        void (*ours)(struct bench *), (*bare)(struct bench *);
    } cases[] = {
        {"encrypt",     our_seal,       bare_seal},
        {"decrypt",     our_open,       bare_open},
        {"verify",      our_verify,     bare_open},
        {"rdt_encrypt", library_seal,   bare_seal},
        {"rdt_decrypt", library_open,   bare_open},
        {"rdt_verify",  library_verify, bare_open},
    };
    struct bench b = {0};
    const char *quick = getenv("REDOUBT_BENCH_QUICK");
    int calls = quick != NULL && strcmp(quick, "1") == 0 ? 200 : 50000, failed = 0;
    unsigned number = 0;
    count_allocations();
    open_all(&b);
    library_open_all(&b);
    printf("1..%zu\n", RDT_COUNT(kinds) * RDT_COUNT(cases) + 1);
    for (size_t k = 0; k < RDT_COUNT(kinds); k++)
        for (size_t c = 0; c < RDT_COUNT(cases); c++) {
            unsigned long before = 0;
            b.column.row_bound = kinds[k].row_bound;
            b.column.hedged = kinds[k].hedged;
            b.column.bucket = kinds[k].bucket;
            b.call.row =
                kinds[k].row_bound ? rdt_span_str("0123456789abcdef") : (struct rdt_span){0};
            library_column(&b);
            for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
                double ours, bare;
                prepare(&b, lengths[i]);
                before = i == 0 ? allocations : before;
                pair(&b, cases[c].ours, cases[c].bare, calls, &ours, &bare);
                printf("# %-11s %-12s %4zu B: %6.0f ns, bare %6.0f ns, ratio %.2f\n", cases[c].name,
                       kinds[k].name, lengths[i], ours, bare, ours / bare);
            }
            bool ok = allocations - before < (unsigned long)calls / 100; /* a generator's seed */
            failed += !ok;
            printf("%s %u - %s, %s: allocates nothing\n", ok ? "ok" : "not ok", ++number,
                   cases[c].name, kinds[k].name);
        }
    bool ok = tokens(&b, calls);
    failed += !ok;
    printf("%s %u - token: allocates nothing\n", ok ? "ok" : "not ok", ++number);
    b.column = (struct rdt_field_column){.row_bound = true};
    b.call.row = rdt_span_str("0123456789abcdef");
    cached_or_not(&b, calls);
    library_close_all(&b);
    close_all(&b);
    return failed != 0;
}
