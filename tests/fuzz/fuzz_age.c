/*
 * fuzz_age - age files from anybody: however the bytes are portioned the same comes out of them, by
 * the same fault; what a header says is bounded; armor and keys have one spelling. The seeds open
 * with the key and the passphrase below.
 */
#include "base/compiler.h"
#include "codec/agekey.h"
#include "seal/age.h"

#include <stdlib.h>

#define KEY "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
#define SCRYPT_LOG_MAX 4u /* dearer ones are refused: a run has to be short */
#define INPUT_MAX ((size_t)1 << 18)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct rdt_worker *worker;
static struct rdt_secret key, passphrase;

struct result {
    enum rdt_age_fault fault;
    struct rdt_age_about about;
    uint8_t *plain;
    size_t n;
};

static void
set_up(void)
{
    if (rdt_worker_open(&worker, NULL) != RDT_OK ||
        rdt_agekey_private_get(rdt_span_str(KEY), &key, NULL) != RDT_OK ||
        rdt_secret_copy(&passphrase, rdt_span_str("password"), NULL) != RDT_OK)
        abort();
}

/* Each portion into exactly the room that the contract asks for. */
static void
open_file(struct rdt_span file, size_t step, struct result *out)
{
    RDT_AUTO(rdt_age_reader_free_at) struct rdt_age_reader *reader = NULL;
    struct rdt_age_with with = {
        .keys = &key,
        .n_keys = 1,
        .passphrase = &passphrase,
        .scrypt_log_max = SCRYPT_LOG_MAX,
        .hybrid_keys = &key, /* any seed is one */
        .n_hybrid_keys = 1,
    };
    enum rdt_code rc = rdt_age_reader_new(worker, &with, &reader, NULL);
    if (rc != RDT_OK)
        abort();
    out->plain = malloc(file.n + 2 * RDT_AGE_CHUNK_LEN);
    out->n = 0;
    for (size_t at = 0; rc == RDT_OK && at < file.n; at += step) {
        size_t n = file.n - at < step ? file.n - at : step;
        struct rdt_age_out to = {out->plain + out->n, rdt_age_out_room(n), 0};
        rc = rdt_age_reader_feed(reader, (struct rdt_span){file.p + at, n}, &to, NULL);
        out->n += to.n;
        if (out->n > at + n)
            abort(); /* more plaintext than ciphertext */
    }
    struct rdt_age_out to = {out->plain + out->n, rdt_age_out_room(0), 0};
    if (rc == RDT_OK)
        rc = rdt_age_reader_end(reader, &to, NULL);
    out->n += to.n;
    out->fault = rdt_age_reader_fault(reader);
    out->about = *rdt_age_reader_about(reader);
    if ((rc == RDT_OK) != (out->fault == RDT_AGE_OK) || out->fault == RDT_AGE_OTHER)
        abort();
    if (out->about.n_x25519 + out->about.n_scrypt + out->about.n_hybrid + out->about.n_other >
        RDT_AGE_STANZAS_MAX)
        abort();
    if (out->fault == RDT_AGE_OK && (!out->about.complete || !rdt_age_is(file)))
        abort();
}

/* A key that is read is written the same. */
static void
as_key(struct rdt_span text)
{
    RDT_SECRET secret = {0}, again = {0};
    uint8_t public_key[32];
    char public_text[RDT_AGEKEY_PUBLIC_TEXT + 1];
    struct rdt_span rest = text;
    if (rdt_agekey_public_get(text, public_key, NULL) == RDT_OK) {
        rdt_agekey_public_put(public_key, public_text);
        if (!rdt_span_is(text, public_text))
            abort();
    }
    if (rdt_agekey_private_get(text, &secret, NULL) == RDT_OK &&
        (rdt_agekey_private_put(&secret, &again, NULL) != RDT_OK ||
         !rdt_span_eq(text, (struct rdt_span){again.p, again.n})))
        abort();
    rdt_secret_wipe(&secret);
    rdt_secret_wipe(&secret);
    rdt_secret_wipe(&again);
    if (rdt_agekey_hybrid_private_get(text, &secret, NULL) == RDT_OK &&
        (rdt_agekey_hybrid_private_put(&secret, &again, NULL) != RDT_OK ||
         !rdt_span_eq(text, (struct rdt_span){again.p, again.n})))
        abort();
    rdt_secret_wipe(&secret);
    enum rdt_agekey_kind kind;
    while (rdt_agekey_next(&rest, &kind, &secret, NULL) == RDT_OK && secret.n != 0)
        rdt_secret_wipe(&secret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct result whole, parts;
    struct rdt_span file = {bytes, n};
    if (n > INPUT_MAX)
        return 0;
    if (worker == NULL)
        set_up();
    open_file(file, n + 1, &whole);
    open_file(file, 1 + n / 7, &parts);
    if (whole.fault != parts.fault || whole.n != parts.n ||
        (whole.n != 0 && !rdt_same((struct rdt_span){whole.plain, whole.n},
                                   (struct rdt_span){parts.plain, parts.n})))
        abort();
    free(whole.plain);
    free(parts.plain);
    as_key(file);
    return 0;
}
