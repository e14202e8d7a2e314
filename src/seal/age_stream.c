#include "seal/age_internal.h"

enum rdt_code
rdt_age_stream_start(struct age_stream *stream, struct rdt_worker *worker,
                     const struct rdt_secret *file_key, const uint8_t *nonce)
{
    struct rdt_span salt = {nonce, AGE_NONCE_LEN};
    stream->worker = worker;
    stream->next = 0;
    enum rdt_code rc = rdt_secret_new(&stream->key, RDT_KEY_LEN, NULL);
    return rc == RDT_OK ? rdt_hkdf(worker, file_key, salt, rdt_span_str("payload"), &stream->key)
                        : rc;
}

/* u88 number of the chunk, big-endian | 1 for the last one, else 0 */
static void
put_nonce(uint64_t number, bool last, uint8_t out[static RDT_CHACHA_NONCE_LEN])
{
    memset(out, 0, RDT_CHACHA_NONCE_LEN);
    for (size_t i = 0; i < sizeof number; i++)
        out[RDT_CHACHA_NONCE_LEN - 2 - i] = (uint8_t)(number >> (8 * i));
    out[RDT_CHACHA_NONCE_LEN - 1] = last;
}

enum rdt_code
rdt_age_chunk_seal(struct age_stream *stream, struct rdt_span plain, bool last, uint8_t *out)
{
    uint8_t nonce[RDT_CHACHA_NONCE_LEN];
    struct rdt_span none = {NULL, 0};
    put_nonce(stream->next++, last, nonce);
    return rdt_chacha_seal(stream->worker, &stream->key, nonce, none, plain, out);
}

enum rdt_code
rdt_age_chunk_open(struct age_stream *stream, struct rdt_span sealed, bool last, uint8_t *out)
{
    uint8_t nonce[RDT_CHACHA_NONCE_LEN];
    struct rdt_span none = {NULL, 0};
    put_nonce(stream->next, last, nonce);
    enum rdt_code rc = rdt_chacha_open(stream->worker, &stream->key, nonce, none, sealed, out);
    stream->next += rc == RDT_OK;
    return rc;
}
