#include "seal/age_internal.h"

#include "base/cursor.h"
#include "codec/base64.h"
#include "crypto/scrypt.h"

#include <stdlib.h>

#define HYBRID_MAX ((size_t)512) /* hybrid recipients: more would pass RDT_AGE_HEADER_MAX */

struct rdt_age_writer {
    bool armored, failed, ended;
    struct rdt_buf header; /* header and nonce, until they were handed out */
    struct age_armorer armor;
    struct age_stream stream;
    struct rdt_secret held; /* RDT_AGE_CHUNK_LEN bytes: a chunk that may be the last one */
    size_t held_n;
    uint8_t *sealed; /* AGE_SEALED_LEN bytes */
};

void
rdt_age_writer_free(struct rdt_age_writer *writer)
{
    if (writer == NULL)
        return;
    rdt_secret_wipe(&writer->held);
    rdt_secret_wipe(&writer->stream.key);
    rdt_buf_done(&writer->header);
    free(writer->sealed);
    free(writer);
}

void
rdt_age_writer_free_at(struct rdt_age_writer **writer)
{
    rdt_age_writer_free(*writer);
}

static enum rdt_code
check_to(struct rdt_worker *worker, const struct rdt_age_to *to, struct rdt_err *err)
{
    int kinds = (to->n_keys != 0) + (to->n_hybrid_keys != 0) + (to->passphrase != NULL);
    if (kinds == 0)
        return rdt_fail(err, RDT_E_USAGE, "an age file for nobody");
    /* keeps SECURITY-DESIGN section 8: a passphrase stands alone. And age.md: beside an X25519 key
     * a hybrid one is worth no more than that. */
    if (kinds != 1)
        return rdt_fail(err, RDT_E_USAGE,
                        "an age file is for X25519 keys, for hybrid keys or for a passphrase");
    if (to->n_keys > RDT_AGE_STANZAS_MAX || to->n_hybrid_keys > HYBRID_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "over %zu recipients of one file",
                        to->n_keys != 0 ? RDT_AGE_STANZAS_MAX : HYBRID_MAX);
    if (to->scrypt_log > RDT_SCRYPT_LOG_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "scrypt with a cost of 2^%u is out of bounds",
                        to->scrypt_log);
    if (to->n_hybrid_keys != 0 && !rdt_xwing_has(worker)) {
        rdt_fail(err, RDT_E_STATE, "libcrypto has no ML-KEM for a post-quantum recipient");
        rdt_hint(err, "OpenSSL has it from 3.5 on");
        return RDT_E_STATE;
    }
    return RDT_OK;
}

static enum rdt_code
add_passphrase(struct rdt_worker *worker, const struct rdt_age_to *to,
               const struct rdt_secret *file_key, struct rdt_buf *out, struct rdt_err *err)
{
    struct age_stanza stanza = {.log_n = to->scrypt_log == 0 ? RDT_AGE_SCRYPT_LOG : to->scrypt_log};
    enum rdt_code rc = rdt_age_wrap_scrypt(worker, to->passphrase, file_key, &stanza, err);
    if (rc == RDT_OK)
        rdt_age_stanza_add(out, &stanza);
    return rc;
}

static enum rdt_code
add_keys(struct rdt_worker *worker, const struct rdt_age_to *to, const struct rdt_secret *file_key,
         struct rdt_buf *out, struct rdt_err *err)
{
    for (size_t i = 0; i < to->n_keys + to->n_hybrid_keys; i++) {
        struct age_stanza stanza;
        enum rdt_code rc = to->n_keys != 0
                               ? rdt_age_wrap_x25519(worker, to->keys[i], file_key, &stanza)
                               : rdt_age_wrap_hybrid(worker, to->hybrid_keys[i], file_key, &stanza);
        if (rc == RDT_E_BADINPUT)
            return rdt_fail(err, rc, "recipient %zu is no public key that anybody makes", i + 1);
        if (rc != RDT_OK)
            return rdt_fail(err, rc, "wrap a key for an age file: %s", rdt_code_words(rc));
        rdt_age_stanza_add(out, &stanza);
    }
    return RDT_OK;
}

static enum rdt_code
add_mac(struct rdt_worker *worker, const struct rdt_secret *file_key, struct rdt_buf *out)
{
    uint8_t mac[RDT_SHA256_LEN];
    rdt_buf_str(out, "---");
    if (!rdt_buf_ok(out))
        return RDT_E_NOMEM;
    enum rdt_code rc = rdt_age_header_mac(worker, file_key, rdt_buf_span(out), mac);
    rdt_buf_str(out, " ");
    rdt_base64_raw_add(out, (struct rdt_span){mac, sizeof mac});
    rdt_buf_str(out, "\n");
    return rc;
}

static enum rdt_code
make_header(struct rdt_age_writer *w, struct rdt_worker *worker, const struct rdt_age_to *to,
            struct rdt_err *err)
{
    RDT_SECRET file_key = {0};
    uint8_t nonce[AGE_NONCE_LEN];
    enum rdt_code rc = rdt_secret_new(&file_key, AGE_FILE_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_random_key(worker, &file_key, err);
    if (rc == RDT_OK)
        rc = rdt_random(worker, nonce, sizeof nonce, err);
    rdt_buf_str(&w->header, AGE_VERSION_LINE);
    if (rc == RDT_OK)
        rc = to->passphrase != NULL ? add_passphrase(worker, to, &file_key, &w->header, err)
                                    : add_keys(worker, to, &file_key, &w->header, err);
    if (rc != RDT_OK)
        return rc;
    rc = add_mac(worker, &file_key, &w->header);
    rdt_buf_add(&w->header, nonce, sizeof nonce);
    if (rc == RDT_OK)
        rc = rdt_age_stream_start(&w->stream, worker, &file_key, nonce);
    if (rc == RDT_OK && !rdt_buf_ok(&w->header))
        rc = RDT_E_NOMEM;
    return rc == RDT_OK ? rc : rdt_fail(err, rc, "header of an age file: %s", rdt_code_words(rc));
}

enum rdt_code
rdt_age_writer_new(struct rdt_worker *worker, const struct rdt_age_to *to,
                   struct rdt_age_writer **out, struct rdt_err *err)
{
    enum rdt_code rc = check_to(worker, to, err);
    if (rc != RDT_OK)
        return rc;
    RDT_AUTO(rdt_age_writer_free_at) struct rdt_age_writer *w = calloc(1, sizeof *w);
    if (w != NULL)
        w->sealed = malloc(AGE_SEALED_LEN);
    if (w == NULL || w->sealed == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "write an age file");
    w->armored = to->armor == RDT_AGE_ARMORED;
    rc = rdt_secret_new(&w->held, RDT_AGE_CHUNK_LEN, err);
    if (rc == RDT_OK)
        rc = make_header(w, worker, to, err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(w);
    return rc;
}

static void
emit(struct rdt_age_writer *w, struct rdt_span bytes, struct rdt_buf *out)
{
    if (w->armored)
        rdt_age_armor_add(&w->armor, bytes, out);
    else
        rdt_buf_add(out, bytes.p, bytes.n);
}

static void
emit_header(struct rdt_age_writer *w, struct rdt_buf *out)
{
    if (w->header.n == 0)
        return;
    if (w->armored)
        rdt_age_armor_begin(out);
    emit(w, rdt_buf_span(&w->header), out);
    rdt_buf_done(&w->header);
}

static enum rdt_code
emit_chunk(struct rdt_age_writer *w, struct rdt_span plain, bool last, struct rdt_buf *out)
{
    enum rdt_code rc = rdt_age_chunk_seal(&w->stream, plain, last, w->sealed);
    if (rc == RDT_OK)
        emit(w, (struct rdt_span){w->sealed, plain.n + RDT_CHACHA_TAG_LEN}, out);
    return rc;
}

/* A chunk goes out only when something is behind it: the last one is marked and never empty. */
static enum rdt_code
take_plain(struct rdt_age_writer *w, struct rdt_span in, struct rdt_buf *out)
{
    enum rdt_code rc = RDT_OK;
    while (rc == RDT_OK && in.n != 0) {
        struct rdt_span part;
        size_t room = w->held.n - w->held_n;
        if (room == 0) {
            rc = emit_chunk(w, (struct rdt_span){w->held.p, w->held.n}, false, out);
            w->held_n = 0;
        } else if (w->held_n == 0 && in.n > RDT_AGE_CHUNK_LEN) {
            if (rdt_take(&in, RDT_AGE_CHUNK_LEN, &part))
                rc = emit_chunk(w, part, false, out);
        } else if (rdt_take(&in, in.n < room ? in.n : room, &part)) {
            memcpy(w->held.p + w->held_n, part.p, part.n);
            w->held_n += part.n;
        }
    }
    return rc;
}

static enum rdt_code
finish(struct rdt_age_writer *w, enum rdt_code rc, const struct rdt_buf *out, struct rdt_err *err)
{
    if (rc == RDT_OK && !rdt_buf_ok(out))
        rc = RDT_E_NOMEM;
    w->failed = rc != RDT_OK;
    return rc == RDT_OK ? rc : rdt_fail(err, rc, "write an age file: %s", rdt_code_words(rc));
}

enum rdt_code
rdt_age_writer_feed(struct rdt_age_writer *writer, struct rdt_span in, struct rdt_buf *out,
                    struct rdt_err *err)
{
    if (writer->failed || writer->ended)
        return rdt_fail(err, RDT_E_STATE, "an age file that has ended or failed");
    emit_header(writer, out);
    return finish(writer, take_plain(writer, in, out), out, err);
}

enum rdt_code
rdt_age_writer_end(struct rdt_age_writer *writer, struct rdt_buf *out, struct rdt_err *err)
{
    if (writer->failed || writer->ended)
        return rdt_fail(err, RDT_E_STATE, "an age file that has ended or failed");
    emit_header(writer, out);
    enum rdt_code rc =
        emit_chunk(writer, (struct rdt_span){writer->held.p, writer->held_n}, true, out);
    if (writer->armored)
        rdt_age_armor_end(&writer->armor, out);
    writer->ended = true;
    return finish(writer, rc, out, err);
}
