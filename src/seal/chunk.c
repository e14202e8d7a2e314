#include "seal/chunk.h"

#include "base/cursor.h"
#include "crypto/stream.h"

#include <stdlib.h>

#define LABEL "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM" /* and its NUL */
#define COMMITMENT_LEN ((size_t)32)
#define DERIVED_LEN (RDT_KEY_LEN + RDT_GCM_IV_LEN + COMMITMENT_LEN)

struct rdt_chunks {
    struct rdt_secret key;
    uint8_t nonce[RDT_GCM_IV_LEN];
    struct rdt_stream *stream;
};

void
rdt_chunks_free(struct rdt_chunks *chunks)
{
    if (chunks == NULL)
        return;
    rdt_stream_free(chunks->stream);
    rdt_secret_wipe(&chunks->key);
    explicit_bzero(chunks->nonce, sizeof chunks->nonce);
    free(chunks);
}

void
rdt_chunks_free_at(struct rdt_chunks **chunks)
{
    rdt_chunks_free(*chunks);
}

/* derived: key | base nonce, and more that is not for here. */
static enum rdt_code
make(struct rdt_worker *worker, struct rdt_span derived, struct rdt_chunks **out)
{
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *chunks = calloc(1, sizeof *chunks);
    struct rdt_span key, nonce;
    if (chunks == NULL || !rdt_take(&derived, RDT_KEY_LEN, &key) ||
        !rdt_take(&derived, RDT_GCM_IV_LEN, &nonce))
        return RDT_E_INTERNAL;
    enum rdt_code rc = rdt_secret_copy(&chunks->key, key, NULL);
    memcpy(chunks->nonce, nonce.p, nonce.n);
    if (rc == RDT_OK)
        rc = rdt_stream_new(worker, &chunks->key, &chunks->stream);
    if (rc != RDT_OK)
        return rc;
    *out = RDT_STEAL(chunks);
    return RDT_OK;
}

/* c2sp.org/chunked-encryption, "Key derivation" */
static enum rdt_code
derive(struct rdt_worker *worker, const struct rdt_secret *key, struct rdt_span salt,
       struct rdt_span context, struct rdt_secret *out)
{
    const struct rdt_span info[] = {
        {(const uint8_t *)LABEL, sizeof LABEL},
        salt, context
    };
    if (key->n != RDT_KEY_LEN)
        return RDT_E_BADINPUT;
    enum rdt_code rc = rdt_secret_new(out, DERIVED_LEN, NULL);
    return rc == RDT_OK ? rdt_expand_sha512(worker, key, info, RDT_COUNT(info), out) : rc;
}

static struct rdt_span
commitment_of(const struct rdt_secret *derived)
{
    return (struct rdt_span){derived->p + DERIVED_LEN - COMMITMENT_LEN, COMMITMENT_LEN};
}

enum rdt_code
rdt_chunks_new(struct rdt_worker *worker, const struct rdt_secret *key, struct rdt_span context,
               uint8_t front[static RDT_CHUNK_FRONT_LEN], struct rdt_chunks **out)
{
    RDT_SECRET derived = {0};
    struct rdt_span salt = {front, RDT_CHUNK_SALT_LEN};
    enum rdt_code rc = derive(worker, key, salt, context, &derived);
    if (rc != RDT_OK)
        return rc;
    memcpy(front + RDT_CHUNK_SALT_LEN, commitment_of(&derived).p, COMMITMENT_LEN);
    return make(worker, rdt_secret_view(&derived), out);
}

enum rdt_code
rdt_chunks_open(struct rdt_worker *worker, const struct rdt_secret *key, struct rdt_span context,
                struct rdt_span front, struct rdt_chunks **out)
{
    RDT_SECRET derived = {0};
    struct rdt_span salt, commitment;
    if (!rdt_take(&front, RDT_CHUNK_SALT_LEN, &salt) ||
        !rdt_take(&front, COMMITMENT_LEN, &commitment) || front.n != 0)
        return RDT_E_BADINPUT;
    enum rdt_code rc = derive(worker, key, salt, context, &derived);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_same(commitment, commitment_of(&derived)))
        return RDT_E_TAMPERED;
    return make(worker, rdt_secret_view(&derived), out);
}

enum rdt_code
rdt_chunks_copy(const struct rdt_chunks *chunks, struct rdt_worker *worker, struct rdt_chunks **out)
{
    RDT_SECRET derived = {0};
    enum rdt_code rc = rdt_secret_new(&derived, RDT_KEY_LEN + RDT_GCM_IV_LEN, NULL);
    if (rc != RDT_OK)
        return rc;
    memcpy(derived.p, chunks->key.p, RDT_KEY_LEN);
    memcpy(derived.p + RDT_KEY_LEN, chunks->nonce, RDT_GCM_IV_LEN);
    return make(worker, rdt_secret_view(&derived), out);
}

size_t
rdt_chunks_sealed_len(size_t n, bool last)
{
    return n + (n / RDT_CHUNK_LEN + (last ? 1 : 0)) * RDT_GCM_TAG_LEN;
}

/* The base nonce, its last bytes combined with the number. */
static void
nonce_of(const struct rdt_chunks *chunks, uint64_t number, uint8_t out[static RDT_GCM_IV_LEN])
{
    memcpy(out, chunks->nonce, RDT_GCM_IV_LEN);
    for (size_t i = RDT_GCM_IV_LEN; number != 0; number >>= 8)
        out[--i] ^= (uint8_t)number;
}

/* How many chunks n bytes are, each of len but the last; false: no such message. */
static bool
count(struct rdt_chunk_run run, size_t n, size_t len, uint64_t *out)
{
    *out = n / len + (run.last ? 1 : 0);
    return run.last || n % len == 0;
}

static bool
in_range(struct rdt_chunk_run run, uint64_t n)
{
    return run.first <= RDT_CHUNKS_MAX && n <= RDT_CHUNKS_MAX - run.first;
}

enum rdt_code
rdt_chunks_seal(struct rdt_chunks *chunks, struct rdt_chunk_run run, struct rdt_span plain,
                uint8_t *out)
{
    uint8_t nonce[RDT_GCM_IV_LEN];
    enum rdt_code rc = RDT_OK;
    uint64_t n;
    if (!count(run, plain.n, RDT_CHUNK_LEN, &n))
        return RDT_E_BADINPUT;
    if (!in_range(run, n))
        return RDT_E_LIMIT;
    for (uint64_t i = 0; rc == RDT_OK && i < n; i++) {
        size_t len = plain.n < RDT_CHUNK_LEN ? plain.n : RDT_CHUNK_LEN;
        nonce_of(chunks, run.first + i, nonce);
        rc = rdt_stream_seal(chunks->stream, nonce, (struct rdt_span){plain.p, len}, out);
        out += len + RDT_GCM_TAG_LEN;
        if (len != 0)
            plain = (struct rdt_span){plain.p + len, plain.n - len};
    }
    return rc;
}

enum rdt_code
rdt_chunks_unseal(struct rdt_chunks *chunks, struct rdt_chunk_run run, struct rdt_span sealed,
                  uint8_t *out, size_t *n)
{
    uint8_t nonce[RDT_GCM_IV_LEN];
    enum rdt_code rc = RDT_OK;
    struct rdt_span chunk;
    uint64_t chunks_n;
    size_t done = 0;
    *n = 0;
    if (!count(run, sealed.n, RDT_CHUNK_SEALED_LEN, &chunks_n))
        return RDT_E_BADINPUT;
    if (!in_range(run, chunks_n))
        return RDT_E_LIMIT;
    for (uint64_t i = 0; rc == RDT_OK && i < chunks_n; i++) {
        size_t len = sealed.n < RDT_CHUNK_SEALED_LEN ? sealed.n : RDT_CHUNK_SEALED_LEN;
        if (len < RDT_GCM_TAG_LEN || !rdt_take(&sealed, len, &chunk)) {
            rc = RDT_E_TAMPERED; /* cut: not even a tag is left */
            break;
        }
        nonce_of(chunks, run.first + i, nonce);
        rc = rdt_stream_open(chunks->stream, nonce, chunk, out + done);
        if (rc == RDT_OK)
            done += len - RDT_GCM_TAG_LEN;
    }
    if (rc != RDT_OK && done != 0)
        explicit_bzero(out, done);
    *n = rc == RDT_OK ? done : 0;
    return rc;
}
