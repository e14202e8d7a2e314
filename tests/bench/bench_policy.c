/*
 * What it costs to ask policies, and to seal and open a data key, beside a limit: nanoseconds, best
 * of some rounds, ratio ours / limit; at most 1.00 is within it. Nothing may stay allocated
 * after the timed loops. REDOUBT_BENCH_QUICK=1 makes it brief. Prints TAP.
 */
#include "kms/blob.h"
#include "kms/context.h"
#include "kms/policy.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 7
#define ACCOUNT "111122223333"
#define ALLOW(action)                                                                              \
    "{\"Effect\":\"Allow\",\"Action\":" action ",\"Resource\":\"arn:aws:kms:*:*:key/*\"}"

struct bench {
    struct rdt_policy *key, *identity, *rich;
    struct rdt_policy_ask ask;
    struct rdt_worker *worker;
    struct rdt_secret material, hedge, scratch;
    struct rdt_blob_keys keys;
    struct rdt_context context;
    uint8_t id[RDT_MATERIAL_ID_LEN];
    uint8_t plain[32], blob[32 + RDT_BLOB_OVERHEAD];
};

static const uint8_t uuid[16] = "0123456789abcdef";

static void
must(bool ok)
{
    if (ok)
        return;
    printf("Bail out! a call failed\n");
    exit(1);
}

static void
ask_default(struct bench *b)
{
    must(rdt_policy_decide(b->key, b->identity, &b->ask));
}

static void
ask_rich(struct bench *b)
{
    must(rdt_policy_decide(b->rich, b->identity, &b->ask));
}

static void
seal_key(struct bench *b)
{
    struct rdt_span context = {b->context.bytes, b->context.bytes_n};
    must(rdt_blob_seal(b->worker, &b->keys, context, (struct rdt_span){b->plain, sizeof b->plain},
                       b->blob) == RDT_OK);
}

static void
open_key(struct bench *b)
{
    struct rdt_span context = {b->context.bytes, b->context.bytes_n};
    struct rdt_blob blob;
    must(rdt_blob_read((struct rdt_span){b->blob, sizeof b->blob}, &blob));
    must(rdt_blob_open(b->worker, &b->keys, context, &blob, b->plain) == RDT_OK);
}

static void
finish_context(struct bench *b)
{
    must(rdt_context_finish(&b->context) == RDT_OK);
}

static double
best_ns(struct bench *b, void (*run)(struct bench *), unsigned calls)
{
    double best = 1e18;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (unsigned i = 0; i < calls; i++)
            run(b);
        clock_gettime(CLOCK_MONOTONIC, &to);
        double ns =
            ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / calls;
        best = ns < best ? ns : best;
    }
    return best;
}

static void
compile(enum rdt_policy_kind kind, struct rdt_span json, struct rdt_policy **out)
{
    must(rdt_policy_compile(kind, json, ACCOUNT, out, NULL) == RDT_OK);
}

static void
prepare(struct bench *b)
{
    static const char identity[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":["
        "{\"Effect\":\"Deny\",\"Action\":[\"kms:ScheduleKeyDeletion\",\"kms:PutKeyPolicy\"],"
        "\"Resource\":\"*\"}," ALLOW("\"kms:Describe*\"") "," ALLOW("\"kms:List*\"") "," ALLOW(
            "[\"kms:Encrypt\",\"kms:GenerateDataKey*\"]") "," ALLOW("\"kms:Decrypt\"") "]}";
    static const char rich[] =
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"arn:aws:iam::" ACCOUNT
        ":user/a\",\"arn:aws:iam::" ACCOUNT ":user/app\"]},\"Action\":[\"kms:Encrypt\","
        "\"kms:Decrypt\",\"kms:GenerateDataKey*\"],\"Resource\":\"*\",\"Condition\":{"
        "\"StringEquals\":{\"kms:EncryptionContext:tenant\":[\"t1\",\"t2\"]},"
        "\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":[\"tenant\",\"purpose\"]},"
        "\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/"
        "8\"}}},{\"Effect\":\"Deny\",\"Principal\":\"*\","
        "\"Action\":\"kms:*\",\"Resource\":\"*\",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":"
        "\"false\"}}}]}";
    struct rdt_buf text = {0};
    rdt_policy_default(ACCOUNT, &text);
    compile(RDT_POLICY_KEY, rdt_buf_span(&text), &b->key);
    rdt_buf_done(&text);
    compile(RDT_POLICY_IDENTITY, rdt_span_str(identity), &b->identity);
    compile(RDT_POLICY_KEY, rdt_span_str(rich), &b->rich);
    must(rdt_context_add(&b->context, rdt_span_str("tenant"), rdt_span_str("t2")));
    must(rdt_context_add(&b->context, rdt_span_str("purpose"), rdt_span_str("backup")));
    must(rdt_context_finish(&b->context) == RDT_OK);
    b->ask = (struct rdt_policy_ask){
        .action = rdt_span_str("kms:Decrypt"),
        .resource = rdt_span_str("arn:aws:kms:eu-central-1:" ACCOUNT
                                 ":key/9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"),
        .principal = rdt_span_str("arn:aws:iam::" ACCOUNT ":user/app"),
        .account = rdt_span_str(ACCOUNT),
        .source_ip = rdt_span_str("10.1.2.3"),
        .secure_transport = true,
        .context_keys = b->context.keys,
        .context_values = b->context.values,
        .n_context = b->context.n,
    };
    must(rdt_worker_open(&b->worker, NULL) == RDT_OK &&
         rdt_secret_new(&b->material, RDT_KEY_LEN, NULL) == RDT_OK &&
         rdt_secret_new(&b->hedge, RDT_KEY_LEN, NULL) == RDT_OK &&
         rdt_secret_new(&b->scratch, RDT_KEY_LEN, NULL) == RDT_OK &&
         rdt_material_id(b->worker, &b->material, uuid, b->id) == RDT_OK);
    b->keys = (struct rdt_blob_keys){&b->material, &b->hedge, &b->scratch, uuid, b->id};
}

static void
done(struct bench *b)
{
    rdt_policy_free(b->key);
    rdt_policy_free(b->identity);
    rdt_policy_free(b->rich);
    rdt_secret_wipe(&b->material);
    rdt_secret_wipe(&b->hedge);
    rdt_secret_wipe(&b->scratch);
    rdt_worker_close(b->worker);
}

int
main(void)
{
    static struct bench b;
    static const struct {
        const char *name;
        void (*run)(struct bench *);
        double limit_ns;
    } cases[] = {
        {"default key policy and 5 statements of the caller",     ask_default,    1000},
        {"key policy with names, context, network, and the same", ask_rich,       1000},
        {"canonical context of two pairs",                        finish_context, 200 },
        {"seal a data key of 32 bytes",                           seal_key,       4000},
        {"open it",                                               open_key,       3000},
    };
    const char *quick = getenv("REDOUBT_BENCH_QUICK");
    unsigned calls = quick != NULL && quick[0] == '1' ? 100 : 100000;
    prepare(&b);
    printf("# best of %d rounds of %u calls\n", ROUNDS, calls);
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        best_ns(&b, cases[i].run, 1); /* libcrypto makes some things when they are first used */
    size_t allocated = mallinfo2().uordblks, n = 0;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        double ns = best_ns(&b, cases[i].run, calls);
        printf("ok %zu - %s: %.0f ns of %.0f, ratio %.2f\n", ++n, cases[i].name, ns,
               cases[i].limit_ns, ns / cases[i].limit_ns);
    }
    bool none = mallinfo2().uordblks == allocated;
    printf("%sok %zu - nothing stays allocated\n1..%zu\n", none ? "" : "not ", n + 1, n + 1);
    done(&b);
    return none ? 0 : 1;
}
