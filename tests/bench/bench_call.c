/*
 * What one signed call costs without network and disk: head read, signature checked, policy asked,
 * answer and audit record made, on the processor's time of one thread. The limit in the same run is
 * the cryptography that no such call can do without, on as many bytes. Best of some rounds;
 * ratio limit / ours: 1.00 is all that libcrypto gives. REDOUBT_BENCH_QUICK=1 makes it brief.
 * Prints TAP.
 */
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/sigv4.h"
#include "crypto/sigv4.h"
#include "kms/blob.h"
#include "kms/kms.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 9
#define TEXT_MAX 4096

struct bench {
    struct rdt_kms *kms;
    struct rdt_kms_thread *thread;
    struct rdt_worker *worker;
    struct rdt_secret secret; /* access key */
    char access[40], key[64], blob[512];
    struct rdt_buf out, record;
    struct rdt_http_head head;
};

struct asked {
    const char *operation;
    char text[TEXT_MAX];
    size_t n;
};

static char folder[64];

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    printf("Bail out! %s\n", what);
    exit(1);
}

/* ---- a service ---- */

static int
remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void
open_service(struct bench *b)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    static const uint8_t deployment[16] = {1};
    struct rdt_seal_opts seal = {.type = RDT_SEAL_DEVELOPMENT, .id = "development"};
    struct rdt_kms_new site = {.account = "000000000000", .region = "local-1"};
    snprintf(folder, sizeof folder, "/tmp/redoubt-bench-XXXXXX");
    must(mkdtemp(folder) != NULL, "no folder");
    must(rdt_root_create(deployment, &seal, NULL, &root, &open, NULL) == RDT_OK, "root");
    struct rdt_kms_opts opts = {.data = folder, .root = root, .open = open};
    must(rdt_kms_make(&opts, &site, NULL) == RDT_OK, "make");
    must(rdt_kms_open(&opts, &b->kms, NULL) == RDT_OK, "open");
    must(rdt_kms_thread_open(b->kms, &b->thread, NULL) == RDT_OK, "thread");
    must(rdt_worker_open(&b->worker, NULL) == RDT_OK, "worker");
}

/* A text member of an answer that has no escapes in it. */
static void
member(const struct rdt_buf *answer, const char *name, char *out, size_t size)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
    const char *at = memmem(answer->p, answer->n, quoted, strlen(quoted));
    must(at != NULL, name);
    at += strlen(quoted);
    size_t n = strcspn(at, "\"");
    must(n < size, name);
    memcpy(out, at, n);
    out[n] = '\0';
}

static void
local(struct bench *b, const char *operation, const char *body)
{
    struct rdt_err err = {0};
    b->out.n = 0;
    must(rdt_kms_local(b->kms, b->thread, operation, body, &b->out, &err) == RDT_OK, err.text);
    must(rdt_buf_cstr(&b->out) != NULL, "memory");
}

static void
fill(struct bench *b)
{
    RDT_BUF body = {0};
    char secret[64];
    rdt_buf_str(&body, "{\"Principal\":\"app\",\"Policy\":");
    rdt_json_text(&body, rdt_span_str(rdt_policy_everything));
    rdt_buf_str(&body, "}");
    local(b, "PrincipalCreate", rdt_buf_cstr(&body));
    local(b, "CredentialCreate", "{\"Principal\":\"app\"}");
    member(&b->out, "AccessKeyId", b->access, sizeof b->access);
    member(&b->out, "SecretAccessKey", secret, sizeof secret);
    must(rdt_secret_copy(&b->secret, rdt_span_str(secret), NULL) == RDT_OK, "secret");
    local(b, "CreateKey", "{}");
    member(&b->out, "KeyId", b->key, sizeof b->key);
}

/* ---- a request ---- */

static void
sign(struct bench *b, char *text, struct rdt_span body)
{
    RDT_BUF canonical = {0};
    RDT_BUF to_sign = {0};
    RDT_SECRET key = {0};
    struct rdt_sigv4 sig;
    uint8_t hash[RDT_SHA256_LEN];
    char digits[2 * RDT_SHA256_LEN];
    size_t used;
    int status;
    struct rdt_span all = rdt_span_str(text);
    must(rdt_http_head_read(all, &b->head, &used, &status) == RDT_HTTP_HEAD, "head");
    must(rdt_sigv4_parse(&b->head, &sig) == RDT_SIGV4_OK, "signature");
    must(rdt_sha256(body, hash, NULL) == RDT_OK, "hash");
    rdt_hex_put((struct rdt_span){hash, sizeof hash}, digits);
    must(rdt_sigv4_canonical(&b->head, &sig, digits, &canonical) == RDT_SIGV4_OK, "canonical");
    must(rdt_sha256(rdt_buf_span(&canonical), hash, NULL) == RDT_OK, "hash");
    rdt_hex_put((struct rdt_span){hash, sizeof hash}, digits);
    rdt_sigv4_to_sign(&sig, digits, &to_sign);
    must(rdt_secret_new(&key, RDT_SHA256_LEN, NULL) == RDT_OK, "secret");
    must(rdt_sigv4_key(b->worker, &b->secret, sig.date, sig.region, sig.service, &key) == RDT_OK,
         "key");
    struct rdt_span part = rdt_buf_span(&to_sign);
    must(rdt_hmac(b->worker, &key, &part, 1, hash) == RDT_OK, "sign");
    rdt_hex_put((struct rdt_span){hash, sizeof hash}, strstr(text, "Signature=") + 10);
}

static void
ask_for(struct bench *b, struct asked *asked, const char *operation, const char *body)
{
    char stamp[20], day[12];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
    strftime(day, sizeof day, "%Y%m%d", &tm);
    asked->operation = operation;
    int n = snprintf(
        asked->text, sizeof asked->text,
        "POST / HTTP/1.1\r\nAccept-Encoding: identity\r\nContent-Type: application/x-amz-json-1.1"
        "\r\nHost: 127.0.0.1:7443\r\nX-Amz-Date: %s\r\nX-Amz-Target: TrentService.%s\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s/local-1/kms/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=%064d\r\n"
        "Content-Length: %zu\r\n\r\n",
        stamp, operation, b->access, day, 0, strlen(body));
    must(n > 0 && (size_t)n + strlen(body) < sizeof asked->text, "request");
    sign(b, asked->text, rdt_span_str(body));
    memcpy(asked->text + n, body, strlen(body) + 1);
    asked->n = (size_t)n + strlen(body);
}

/* As server/front.c does it. */
static void
call(struct bench *b, const struct asked *asked)
{
    static uint8_t in[TEXT_MAX];
    static struct rdt_request request;
    struct rdt_span target = {0};
    size_t used;
    int status;
    memset(&request, 0, sizeof request);
    memcpy(in, asked->text, asked->n);
    must(rdt_http_head_read((struct rdt_span){in, asked->n}, &b->head, &used, &status) ==
             RDT_HTTP_HEAD,
         "head");
    request.body = in + used;
    request.body_n = asked->n - used;
    request.now_ms = (int64_t)time(NULL) * 1000;
    request.out = &b->out;
    request.record = &b->record;
    b->out.n = b->record.n = 0;
    rdt_kms_request_id(b->thread, request.id);
    memcpy(request.caller.source, "127.0.0.1", 10);
    must(rdt_kms_authenticate(b->kms, b->thread, &b->head, NULL, &request), request.message);
    must(rdt_http_field_find(&b->head, "x-amz-target", 0, &target), "target");
    request.op = rdt_op_find(target, b->head.path);
    must(request.op != NULL, "operation");
    rdt_kms_read(b->kms, b->thread, &request);
    must(request.fault == RDT_FAULT_NONE, request.message);
}

/* ---- the limit ---- */

/* Three hashes for the signature, material unwrapped, its id (Decrypt) or nonce (the others) by an
 * HMAC, a key derived, AES-GCM under it, an HMAC for the context's value in the record. */
static void
bare(struct bench *b, const struct asked *asked)
{
    static struct rdt_secret under, material, derived;
    static uint8_t wrapped[RDT_WRAPPED_LEN], sealed[64], hash[RDT_SHA256_LEN];
    static const uint8_t iv[RDT_GCM_IV_LEN], aad[120];
    struct rdt_span text = {(const uint8_t *)asked->text, asked->n - 180};
    struct rdt_span body = {(const uint8_t *)asked->text, 180};
    struct rdt_span to_sign = {aad, sizeof aad}, short_one = {aad, 32}, key = {aad, 32};
    bool decrypts = strcmp(asked->operation, "Decrypt") == 0;
    if (under.n == 0)
        must(rdt_secret_new(&under, 32, NULL) == RDT_OK &&
                 rdt_secret_new(&material, 32, NULL) == RDT_OK &&
                 rdt_secret_new(&derived, 32, NULL) == RDT_OK &&
                 rdt_key_wrap(b->worker, &under, to_sign, &material, wrapped, NULL) == RDT_OK,
             "wrap");
    must(rdt_digest(b->worker, &body, 1, hash, NULL) == RDT_OK &&
             rdt_digest(b->worker, &text, 1, hash, NULL) == RDT_OK &&
             rdt_hmac(b->worker, &under, &to_sign, 1, hash) == RDT_OK,
         "signature");
    must(rdt_key_unwrap(b->worker, &under, to_sign, (struct rdt_span){wrapped, sizeof wrapped},
                        &material) == RDT_OK,
         "unwrap");
    must(rdt_hmac(b->worker, &under, &to_sign, 1, hash) == RDT_OK &&
             rdt_kbkdf(b->worker, &material, short_one, short_one, &derived) == RDT_OK &&
             rdt_gcm_seal(b->worker, &derived, iv, to_sign, key, sealed) == RDT_OK &&
             (!decrypts || rdt_hmac(b->worker, &material, &short_one, 1, hash) == RDT_OK) &&
             rdt_hmac(b->worker, &under, &short_one, 1, hash) == RDT_OK,
         "crypto");
}

static double
best_us(struct bench *b, const struct asked *asked, unsigned calls,
        void (*run)(struct bench *, const struct asked *))
{
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        struct timespec from, to;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        for (unsigned i = 0; i < calls; i++)
            run(b, asked);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        double us =
            (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
        if (us / calls < best)
            best = us / calls;
    }
    return best;
}

int
main(void)
{
    struct bench *b = calloc(1, sizeof *b);
    static struct asked asked[3];
    char body[1024];
    unsigned calls = getenv("REDOUBT_BENCH_QUICK") != NULL ? 10 : 5000;
    must(b != NULL, "memory");
    open_service(b);
    fill(b);
    snprintf(body, sizeof body,
             "{\"KeyId\": \"%s\", \"Plaintext\": \"MzIgYnl0ZXMsIGFzIGEgZGF0YSBrZXkgd291bGQgYmU=\", "
             "\"EncryptionContext\": {\"tenant\": \"clinic-7\"}}",
             b->key);
    ask_for(b, &asked[0], "Encrypt", body);
    call(b, &asked[0]);
    must(rdt_buf_cstr(&b->out) != NULL, "memory");
    member(&b->out, "CiphertextBlob", b->blob, sizeof b->blob);
    snprintf(body, sizeof body,
             "{\"CiphertextBlob\": \"%s\", \"EncryptionContext\": {\"tenant\": \"clinic-7\"}}",
             b->blob);
    ask_for(b, &asked[1], "Decrypt", body);
    snprintf(body, sizeof body,
             "{\"KeyId\": \"%s\", \"KeySpec\": \"AES_256\", \"EncryptionContext\": "
             "{\"tenant\": \"clinic-7\"}}",
             b->key);
    ask_for(b, &asked[2], "GenerateDataKey", body);
    printf("1..%zu\n", RDT_COUNT(asked));
    for (size_t i = 0; i < RDT_COUNT(asked); i++) {
        double ours = best_us(b, &asked[i], calls, call),
               limit = best_us(b, &asked[i], calls, bare);
        printf("ok %zu - %s: %.2f us, its cryptography alone %.2f us, ratio %.2f\n", i + 1,
               asked[i].operation, ours, limit, limit / ours);
        fflush(stdout);
    }
    rdt_buf_done(&b->out);
    rdt_buf_done(&b->record);
    rdt_secret_wipe(&b->secret);
    rdt_worker_close(b->worker);
    rdt_kms_thread_close(b->thread);
    rdt_kms_close(b->kms);
    free(b);
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
