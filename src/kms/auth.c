/*
 * Who calls: a client certificate that is bound to a principal, or a signature by a credential that
 * this service made. Both are looked up for each request, so a revocation counts from the next one.
 */
#include "base/text.h"
#include "codec/base64.h"
#include "codec/sigv4.h"
#include "crypto/sigv4.h"
#include "kms/call_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CACHED 256                   /* signing keys of one thread */
#define SECRET_TEXT_LEN ((size_t)40) /* characters of a secret access key */
#define REGION_MAX 64

/* Signing keys last a day; deriving one costs four HMACs and an unwrap. */
struct cached {
    char key_id[40];
    char date[8 + 1], region[REGION_MAX];
};

struct sign_cache {
    struct cached entries[CACHED];
    struct rdt_secret_block *keys;
    struct rdt_secret secret; /* SECRET_TEXT_LEN: unwrapped for one derivation */
    struct rdt_secret spare;  /* the key of a credential that does not exist */
    struct rdt_buf canonical, to_sign;
};

void
rdt_sign_cache_free(struct sign_cache *cache)
{
    if (cache == NULL)
        return;
    rdt_secret_block_free(cache->keys);
    rdt_secret_wipe(&cache->secret);
    rdt_secret_wipe(&cache->spare);
    rdt_buf_done(&cache->canonical);
    rdt_buf_done(&cache->to_sign);
    free(cache);
}

struct sign_cache *
rdt_sign_cache_new(struct rdt_err *err)
{
    struct sign_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL || rdt_secret_block_new(CACHED, RDT_KEY_LEN, &cache->keys, err) != RDT_OK ||
        rdt_secret_new(&cache->secret, SECRET_TEXT_LEN, err) != RDT_OK ||
        rdt_secret_new(&cache->spare, RDT_KEY_LEN, err) != RDT_OK) {
        rdt_sign_cache_free(cache);
        return NULL;
    }
    return cache;
}

static bool
fail(struct rdt_request *request, enum rdt_fault fault, const char *message)
{
    request->fault = fault;
    snprintf(request->message, sizeof request->message, "%s", message);
    return false;
}

/* ---- principals ---- */

static bool
known(struct rdt_kms *kms, const struct rdt_principal *principal, struct rdt_request *request)
{
    if (principal == NULL || principal->disabled)
        return false;
    memcpy(request->caller.principal, principal->id, sizeof principal->id);
    rdt_principal_arn(kms, principal->name, request->caller.arn);
    return true;
}

static bool
by_certificate(struct rdt_kms *kms, struct rdt_view view, const uint8_t *fingerprint,
               struct rdt_request *request)
{
    const struct rdt_client_cert *cert =
        rdt_view_get(view, RDT_KIND_CERT, (struct rdt_span){fingerprint, RDT_SHA256_LEN});
    if (cert == NULL || cert->revoked_ms != 0 ||
        !known(kms, rdt_view_principal(view, cert->principal), request))
        return fail(request, RDT_FAULT_UNRECOGNIZED_CLIENT,
                    "the client certificate is not bound to a principal");
    memcpy(request->caller.certificate, fingerprint, RDT_SHA256_LEN);
    char *name = request->caller.credential;
    memcpy(name, "cert:", 5);
    rdt_hex_put((struct rdt_span){fingerprint, 8}, name + 5);
    name[5 + 16] = '\0';
    return true;
}

/* ---- signatures ---- */

static const struct {
    enum rdt_sigv4_fault fault;
    enum rdt_fault answer;
    const char *words;
} sig_faults[] = {
    {RDT_SIGV4_MISSING,    RDT_FAULT_MISSING_TOKEN,        "Missing Authentication Token"},
    {RDT_SIGV4_INCOMPLETE, RDT_FAULT_INCOMPLETE_SIGNATURE,
     "the Authorization header is malformed, or a header that it names did not arrive"   },
    {RDT_SIGV4_UNSIGNED,   RDT_FAULT_INVALID_SIGNATURE,
     "host, the date and every x-amz-* header have to be signed"                         },
    {RDT_SIGV4_PAYLOAD,    RDT_FAULT_INVALID_SIGNATURE,
     "x-amz-content-sha256 is not the hash of the body"                                  },
};

static bool
sig_fault(struct rdt_request *request, enum rdt_sigv4_fault fault)
{
    for (size_t i = 0; i < sizeof sig_faults / sizeof sig_faults[0]; i++)
        if (sig_faults[i].fault == fault)
            return fail(request, sig_faults[i].answer, sig_faults[i].words);
    return fail(request, RDT_FAULT_INVALID_SIGNATURE, "the signature was not understood");
}

static bool
derive(struct rdt_kms *kms, struct rdt_kms_thread *thread, const struct rdt_credential *credential,
       const struct rdt_sigv4 *sig, struct rdt_secret *out)
{
    struct sign_cache *cache = thread->signing;
    struct wrap_at at = {
        .kind = RDT_KIND_CREDENTIAL, .id = rdt_span_str(credential->key_id), .purpose = "secret"};
    bool ok = rdt_wrap_open(kms, thread, &at, credential->domain,
                            rdt_bytes_span(&credential->wrapped), &cache->secret) == RDT_OK &&
              rdt_sigv4_key(thread->worker, &cache->secret, sig->date, sig->region, sig->service,
                            out) == RDT_OK;
    rdt_secret_clear(&cache->secret);
    return ok;
}

/* The signing key of a credential, date and region; NULL: it could not be made. */
static const struct rdt_secret *
signing_key(struct rdt_kms *kms, struct rdt_kms_thread *thread,
            const struct rdt_credential *credential, const struct rdt_sigv4 *sig)
{
    struct sign_cache *cache = thread->signing;
    uint32_t at = 2166136261u; /* FNV-1a: which of the slots, nothing more */
    for (const char *p = credential->key_id; *p != '\0'; p++)
        at = (at ^ (uint8_t)*p) * 16777619u;
    at %= CACHED;
    struct cached *entry = &cache->entries[at];
    struct rdt_secret *key = rdt_secret_block_at(cache->keys, at);
    if (strcmp(entry->key_id, credential->key_id) == 0 && rdt_span_is(sig->date, entry->date) &&
        rdt_span_is(sig->region, entry->region))
        return key;
    entry->key_id[0] = '\0';
    if (!derive(kms, thread, credential, sig, key))
        return NULL;
    snprintf(entry->key_id, sizeof entry->key_id, "%s", credential->key_id);
    snprintf(entry->date, sizeof entry->date, "%.*s", RDT_FMT(sig->date));
    snprintf(entry->region, sizeof entry->region, "%.*s", RDT_FMT(sig->region));
    return key;
}

/* What a good signature would be. */
static enum rdt_sigv4_fault
expected(struct rdt_kms_thread *thread, const struct rdt_http_head *head,
         const struct rdt_sigv4 *sig, const struct rdt_request *request,
         const struct rdt_secret *key, uint8_t out[static RDT_SHA256_LEN])
{
    struct sign_cache *cache = thread->signing;
    uint8_t hash[RDT_SHA256_LEN];
    char digits[2 * RDT_SHA256_LEN + 1] = "";
    struct rdt_span body = {request->body, request->body_n}, part;
    if (rdt_digest(thread->worker, &body, 1, hash, NULL) != RDT_OK)
        return RDT_SIGV4_INCOMPLETE;
    rdt_hex_put((struct rdt_span){hash, sizeof hash}, digits);
    cache->canonical.n = cache->to_sign.n = 0;
    enum rdt_sigv4_fault fault = rdt_sigv4_canonical(head, sig, digits, &cache->canonical);
    part = rdt_buf_span(&cache->canonical);
    if (rdt_digest(thread->worker, &part, 1, hash, NULL) != RDT_OK)
        return RDT_SIGV4_INCOMPLETE;
    rdt_hex_put((struct rdt_span){hash, sizeof hash}, digits);
    rdt_sigv4_to_sign(sig, digits, &cache->to_sign);
    part = rdt_buf_span(&cache->to_sign);
    if (!rdt_buf_ok(&cache->canonical) || !rdt_buf_ok(&cache->to_sign) ||
        rdt_hmac(thread->worker, key, &part, 1, out) != RDT_OK)
        return RDT_SIGV4_INCOMPLETE;
    return fault;
}

static bool
usable(const struct rdt_credential *credential, int64_t now_ms)
{
    return credential != NULL && credential->revoked_ms == 0 &&
           (credential->expires_ms == 0 || now_ms < credential->expires_ms);
}

static bool
in_time(const struct rdt_sigv4 *sig, int64_t restored_ms, struct rdt_request *request)
{
    int64_t skew = request->now_ms / 1000 - sig->time_s;
    bool good = skew >= -RDT_CLOCK_SKEW_S && skew <= RDT_CLOCK_SKEW_S;
    if (good && sig->time_s > restored_ms / 1000)
        return true;
    if (good) /* it may have been carried out; the rows that would tell are gone */
        return fail(request, RDT_FAULT_TIME_SKEWED,
                    "it was signed before this service was restored; sign it again");
    request->fault = RDT_FAULT_TIME_SKEWED;
    snprintf(request->message, sizeof request->message,
             "the signature's time is %" PRId64 " s away from this server's; %d s are allowed",
             skew < 0 ? -skew : skew, RDT_CLOCK_SKEW_S);
    return false;
}

static bool
by_signature(struct rdt_kms *kms, struct rdt_kms_thread *thread, struct rdt_view view,
             const struct rdt_http_head *head, struct rdt_request *request)
{
    struct rdt_sigv4 sig;
    enum rdt_sigv4_fault fault = rdt_sigv4_parse(head, &sig);
    if (fault != RDT_SIGV4_OK)
        return sig_fault(request, fault);
    if (!rdt_span_is(sig.service, "kms") || !rdt_span_is(sig.region, kms->region))
        return fail(request, RDT_FAULT_INVALID_SIGNATURE,
                    "the credential scope is of another region or service");
    if (sig.token.n != 0)
        return fail(request, RDT_FAULT_UNRECOGNIZED_CLIENT,
                    "the security token in the request is invalid");
    const struct rdt_credential *credential = rdt_view_get(view, RDT_KIND_CREDENTIAL, sig.key_id);
    const struct rdt_secret *key = NULL;
    bool usable_now = usable(credential, request->now_ms);
    if (usable_now)
        key = signing_key(kms, thread, credential, &sig);
    /* an unknown id takes the same way, under a key of zeroes */
    uint8_t want[RDT_SHA256_LEN];
    fault =
        expected(thread, head, &sig, request, key == NULL ? &thread->signing->spare : key, want);
    if (!usable_now)
        return fail(request, RDT_FAULT_UNRECOGNIZED_CLIENT,
                    "the security credential in the request is invalid");
    if (fault != RDT_SIGV4_OK)
        return sig_fault(request, fault);
    if (key == NULL)
        return fail(request, RDT_FAULT_INTERNAL, "the credential could not be read");
    if (!rdt_same((struct rdt_span){want, sizeof want},
                  (struct rdt_span){sig.signature, sizeof sig.signature}))
        return fail(request, RDT_FAULT_INVALID_SIGNATURE,
                    "the request signature does not match; check the secret access key");
    const struct rdt_site *site = rdt_view_site(view);
    if (!in_time(&sig, site == NULL ? 0 : site->restored_ms, request))
        return false;
    if (!known(kms, rdt_view_principal(view, credential->principal), request))
        return fail(request, RDT_FAULT_UNRECOGNIZED_CLIENT,
                    "the security credential in the request is invalid");
    (void)rdt_text_put(request->caller.credential, sizeof request->caller.credential, 0,
                       credential->key_id);
    request->caller.by_signature = true;
    memcpy(request->caller.signature, sig.signature, sizeof sig.signature);
    return true;
}

const struct rdt_principal *
rdt_caller_principal(struct rdt_view view, const struct rdt_request *request)
{
    const struct rdt_caller *caller = &request->caller;
    if (caller->internal)
        return NULL;
    if (caller->by_signature) {
        const struct rdt_credential *credential =
            rdt_view_get(view, RDT_KIND_CREDENTIAL, rdt_span_str(caller->credential));
        if (!usable(credential, request->now_ms))
            return NULL;
    } else {
        const struct rdt_client_cert *cert = rdt_view_get(
            view, RDT_KIND_CERT, (struct rdt_span){caller->certificate, RDT_SHA256_LEN});
        if (cert == NULL || cert->revoked_ms != 0)
            return NULL;
    }
    return rdt_view_principal(view, caller->principal);
}

bool
rdt_kms_authenticate(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                     const struct rdt_http_head *head, const uint8_t *fingerprint,
                     struct rdt_request *request)
{
    struct rdt_span value;
    rdt_state_lock_shared(kms->state);
    struct rdt_view view = {.state = kms->state};
    bool ok = fingerprint != NULL && !rdt_http_field_find(head, "authorization", 0, &value)
                  ? by_certificate(kms, view, fingerprint, request)
                  : by_signature(kms, thread, view, head, request);
    rdt_state_unlock(kms->state);
    return ok;
}
