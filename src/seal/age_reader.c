#include "seal/age_internal.h"

#include "base/cursor.h"
#include "codec/agekey.h"
#include "crypto/scrypt.h"

#include <stdlib.h>

struct rdt_age_reader {
    struct rdt_worker *worker; /* borrowed */
    struct rdt_age_with with;
    uint8_t (*publics)[RDT_X25519_LEN]; /* of with.keys */
    enum {
        AT_FIRST,
        AT_HEADER,
        AT_NONCE,
        AT_CHUNKS,
        AT_LAST,
        AT_END
    } at; /* AT_LAST: it was read */
    enum rdt_age_fault fault;
    enum rdt_code failed; /* with fault */
    struct rdt_age_about about;
    struct age_dearmor armor;
    struct rdt_buf header;
    struct rdt_secret file_key;
    struct age_stream stream;
    uint8_t nonce[AGE_NONCE_LEN];
    uint8_t *held; /* AGE_SEALED_LEN bytes: a chunk of which not all has come */
    size_t held_n; /* of the nonce, then of a chunk */
};

bool
rdt_age_is(struct rdt_span first)
{
    static const char *const starts[] = {"age-encryption.org/",
                                         "-----BEGIN AGE ENCRYPTED FILE-----"};
    while (first.n != 0 && (first.p[0] == ' ' || (first.p[0] >= '\t' && first.p[0] <= '\r'))) {
        first.p++;
        first.n--;
    }
    for (size_t i = 0; i < RDT_COUNT(starts); i++) {
        size_t n = strlen(starts[i]);
        if (first.n >= n && rdt_span_is((struct rdt_span){first.p, n}, starts[i]))
            return true;
    }
    return false;
}

void
rdt_age_reader_free(struct rdt_age_reader *reader)
{
    if (reader == NULL)
        return;
    rdt_secret_wipe(&reader->stream.key);
    rdt_secret_wipe(&reader->file_key);
    rdt_buf_done(&reader->header);
    free(reader->held);
    free(reader->publics);
    free(reader);
}

void
rdt_age_reader_free_at(struct rdt_age_reader **reader)
{
    rdt_age_reader_free(*reader);
}

static enum rdt_code
check_keys(const struct rdt_secret *keys, size_t n, struct rdt_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (keys[i].n != RDT_AGEKEY_LEN)
            return rdt_fail(err, RDT_E_BADINPUT, "a private key of %zu bytes", keys[i].n);
    return RDT_OK;
}

static enum rdt_code
check_with(const struct rdt_age_with *with, struct rdt_err *err)
{
    if (with->n_keys > RDT_AGE_KEYS_MAX || with->n_hybrid_keys > RDT_AGE_KEYS_MAX - with->n_keys)
        return rdt_fail(err, RDT_E_LIMIT, "over %zu private keys for one file", RDT_AGE_KEYS_MAX);
    if (with->scrypt_log_max > RDT_SCRYPT_LOG_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "scrypt with a cost of 2^%u is out of bounds",
                        with->scrypt_log_max);
    enum rdt_code rc = check_keys(with->keys, with->n_keys, err);
    return rc == RDT_OK ? check_keys(with->hybrid_keys, with->n_hybrid_keys, err) : rc;
}

static enum rdt_code
make_publics(struct rdt_age_reader *r, struct rdt_err *err)
{
    r->publics = calloc(r->with.n_keys + 1, sizeof *r->publics);
    r->held = malloc(AGE_SEALED_LEN);
    if (r->publics == NULL || r->held == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "read an age file");
    for (size_t i = 0; i < r->with.n_keys; i++)
        if (rdt_x25519_public(r->worker, &r->with.keys[i], r->publics[i]) != RDT_OK)
            return rdt_fail(err, RDT_E_INTERNAL, "libcrypto gives no X25519");
    return rdt_secret_new(&r->file_key, AGE_FILE_KEY_LEN, err);
}

enum rdt_code
rdt_age_reader_new(struct rdt_worker *worker, const struct rdt_age_with *with,
                   struct rdt_age_reader **out, struct rdt_err *err)
{
    enum rdt_code rc = check_with(with, err);
    if (rc != RDT_OK)
        return rc;
    RDT_AUTO(rdt_age_reader_free_at) struct rdt_age_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "read an age file");
    r->worker = worker;
    r->with = *with;
    if (r->with.n_hybrid_keys != 0 && !rdt_xwing_has(worker))
        r->with.n_hybrid_keys = 0; /* no_match() says so */
    if (r->with.scrypt_log_max == 0)
        r->with.scrypt_log_max = RDT_AGE_SCRYPT_LOG_MAX;
    rc = make_publics(r, err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(r);
    return rc;
}

enum rdt_age_fault
rdt_age_reader_fault(const struct rdt_age_reader *reader)
{
    return reader->fault;
}

const struct rdt_age_about *
rdt_age_reader_about(const struct rdt_age_reader *reader)
{
    return &reader->about;
}

/* The first fault is the one that stays. */
static enum rdt_code
fault(struct rdt_age_reader *r, enum rdt_age_fault what, enum rdt_code code)
{
    r->fault = what;
    r->failed = code;
    return code;
}

static enum rdt_code
not_the_file(struct rdt_age_reader *r, enum rdt_code code, struct rdt_err *err)
{
    return fault(r, RDT_AGE_OTHER,
                 rdt_fail(err, code, "read an age file: %s", rdt_code_words(code)));
}

/* ---- the file key ---- */

static enum rdt_code
try_passphrase(struct rdt_age_reader *r, const struct age_stanza *stanza, struct rdt_err *err)
{
    if (r->with.passphrase == NULL)
        return RDT_E_TAMPERED;
    if (stanza->log_n > r->with.scrypt_log_max) {
        rdt_fail(err, RDT_E_LIMIT, "a passphrase at a cost of 2^%u, over 2^%u, on an age file",
                 stanza->log_n, r->with.scrypt_log_max);
        return fault(r, RDT_AGE_HEADER, RDT_E_LIMIT);
    }
    enum rdt_code rc =
        rdt_age_unwrap_scrypt(r->worker, r->with.passphrase, stanza, &r->file_key, err);
    return rc == RDT_OK || rc == RDT_E_TAMPERED ? rc : fault(r, RDT_AGE_OTHER, rc);
}

/* age.md: a share that makes every secret the same ends it, whoever else the file is for. */
static enum rdt_code
tried(struct rdt_age_reader *r, enum rdt_code rc, struct rdt_err *err)
{
    if (rc == RDT_E_BADINPUT) {
        rdt_fail(err, rc, "the header of the age file is wrong: a share of low order");
        return fault(r, RDT_AGE_HEADER, rc);
    }
    return rc == RDT_OK || rc == RDT_E_TAMPERED ? rc : not_the_file(r, rc, err);
}

static enum rdt_code
try_keys(struct rdt_age_reader *r, const struct age_stanza *stanza, struct rdt_err *err)
{
    enum rdt_code rc = RDT_E_TAMPERED;
    for (size_t i = 0; rc == RDT_E_TAMPERED && i < r->with.n_keys; i++) {
        struct age_pair pair = {&r->with.keys[i], r->publics[i]};
        rc = rdt_age_unwrap_x25519(r->worker, pair, stanza, &r->file_key);
    }
    return tried(r, rc, err);
}

static enum rdt_code
try_hybrid_keys(struct rdt_age_reader *r, const struct age_stanza *stanza, struct rdt_err *err)
{
    enum rdt_code rc = RDT_E_TAMPERED;
    for (size_t i = 0; rc == RDT_E_TAMPERED && i < r->with.n_hybrid_keys; i++)
        rc = rdt_age_unwrap_hybrid(r->worker, &r->with.hybrid_keys[i], stanza, &r->file_key);
    return tried(r, rc, err);
}

static enum rdt_code
no_match(struct rdt_age_reader *r, struct rdt_err *err)
{
    const char *words = "no key that was given opens this age file";
    if (r->about.n_scrypt != 0)
        words = r->with.passphrase == NULL ? "this age file wants a passphrase"
                                           : "this is not the passphrase of the age file";
    rdt_fail(err, RDT_E_DENIED, "%s", words);
    if (r->about.n_hybrid != 0 && !rdt_xwing_has(r->worker))
        rdt_hint(err, "%zu of its recipients are post-quantum keys, which need OpenSSL 3.5",
                 r->about.n_hybrid);
    return fault(r, RDT_AGE_NO_MATCH, RDT_E_DENIED);
}

static enum rdt_code
find_file_key(struct rdt_age_reader *r, struct rdt_span stanzas, struct rdt_err *err)
{
    struct age_stanza stanza;
    enum rdt_code rc = RDT_E_TAMPERED;
    while (rc == RDT_E_TAMPERED && stanzas.n != 0 && rdt_age_stanza_take(&stanzas, &stanza)) {
        if (stanza.kind == AGE_X25519)
            rc = try_keys(r, &stanza, err);
        else if (stanza.kind == AGE_HYBRID)
            rc = try_hybrid_keys(r, &stanza, err);
        else if (stanza.kind == AGE_SCRYPT)
            rc = try_passphrase(r, &stanza, err);
    }
    return rc == RDT_E_TAMPERED ? no_match(r, err) : rc;
}

static enum rdt_code
use_header(struct rdt_age_reader *r, struct rdt_err *err)
{
    struct age_header header;
    uint8_t mac[RDT_SHA256_LEN];
    bool armored = r->about.armored;
    enum rdt_code rc = rdt_age_header_read(rdt_buf_span(&r->header), &header, err);
    r->about = header.about;
    r->about.armored = armored;
    if (rc != RDT_OK)
        return fault(r, RDT_AGE_HEADER, rc);
    rc = find_file_key(r, header.stanzas, err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_age_header_mac(r->worker, &r->file_key, header.maced, mac);
    if (rc != RDT_OK)
        return not_the_file(r, rc, err);
    if (!rdt_same((struct rdt_span){mac, sizeof mac},
                  (struct rdt_span){header.mac, sizeof header.mac})) {
        rdt_fail(err, RDT_E_TAMPERED, "the header of the age file was changed");
        return fault(r, RDT_AGE_MAC, RDT_E_TAMPERED);
    }
    rdt_buf_done(&r->header);
    r->at = AT_NONCE;
    return RDT_OK;
}

/* ---- the file's parts, in their order ---- */

static enum rdt_code
wrong_header(struct rdt_age_reader *r, enum rdt_code code, const char *words, struct rdt_err *err)
{
    return fault(r, RDT_AGE_HEADER, rdt_fail(err, code, "%s", words));
}

/* A whole line of the header is in the buffer; the last one begins with three dashes, and no other
 * one does. */
static bool
is_last_line(struct rdt_span header, size_t line_at)
{
    return header.n - line_at > 3 && rdt_span_is((struct rdt_span){header.p + line_at, 3}, "---");
}

static size_t
line_start(struct rdt_span header)
{
    const uint8_t *lf = header.n == 0 ? NULL : memrchr(header.p, '\n', header.n);
    return lf == NULL ? 0 : (size_t)(lf + 1 - header.p);
}

/* What is not an age file is not collected until it is too long. */
static bool
may_be_age(struct rdt_span header)
{
    size_t n = strlen(AGE_VERSION_LINE);
    n = header.n < n ? header.n : n;
    return rdt_span_eq((struct rdt_span){header.p, n},
                       (struct rdt_span){(const uint8_t *)AGE_VERSION_LINE, n});
}

static enum rdt_code
take_header(struct rdt_age_reader *r, struct rdt_span *in, struct rdt_err *err)
{
    size_t line_at = line_start(rdt_buf_span(&r->header));
    struct rdt_span part = *in;
    bool whole = rdt_take_until(in, '\n', &part);
    if (!whole)
        in->n = 0;
    part.n += whole;
    if (part.n > RDT_AGE_HEADER_MAX - r->header.n)
        return wrong_header(r, RDT_E_LIMIT, "the header of the age file is too long", err);
    rdt_buf_add(&r->header, part.p, part.n);
    if (!rdt_buf_ok(&r->header))
        return not_the_file(r, RDT_E_NOMEM, err);
    if (!may_be_age(rdt_buf_span(&r->header)))
        return wrong_header(r, RDT_E_BADINPUT, "this is not an age file of version 1", err);
    return whole && is_last_line(rdt_buf_span(&r->header), line_at) ? use_header(r, err) : RDT_OK;
}

/* Up to n bytes in all. */
static bool
hold(struct rdt_age_reader *r, struct rdt_span *in, uint8_t *room, size_t n)
{
    struct rdt_span part;
    size_t want = n - r->held_n;
    if (rdt_take(in, want < in->n ? want : in->n, &part) && part.n != 0) {
        memcpy(room + r->held_n, part.p, part.n);
        r->held_n += part.n;
    }
    return r->held_n == n;
}

static enum rdt_code
take_nonce(struct rdt_age_reader *r, struct rdt_span *in, struct rdt_err *err)
{
    if (!hold(r, in, r->nonce, sizeof r->nonce))
        return RDT_OK;
    enum rdt_code rc = rdt_age_stream_start(&r->stream, r->worker, &r->file_key, r->nonce);
    if (rc != RDT_OK)
        return not_the_file(r, rc, err);
    rdt_secret_wipe(&r->file_key);
    r->held_n = 0;
    r->at = AT_CHUNKS;
    return RDT_OK;
}

static enum rdt_code
wrong_payload(struct rdt_age_reader *r, const char *words, struct rdt_err *err)
{
    rdt_fail(err, RDT_E_TAMPERED, "the age file was changed or cut: %s", words);
    return fault(r, RDT_AGE_PAYLOAD, RDT_E_TAMPERED);
}

/* A full chunk may be the last one all the same; only the tag says which. */
static enum rdt_code
open_chunk(struct rdt_age_reader *r, struct rdt_span sealed, struct rdt_age_out *out,
           struct rdt_err *err)
{
    bool full = sealed.n == AGE_SEALED_LEN;
    size_t n = sealed.n - RDT_CHACHA_TAG_LEN;
    if (n > out->cap - out->n)
        return not_the_file(r, RDT_E_INTERNAL, err);
    uint8_t *to = out->p + out->n;
    enum rdt_code rc = RDT_E_TAMPERED;
    if (full)
        rc = rdt_age_chunk_open(&r->stream, sealed, false, to);
    if (rc == RDT_E_TAMPERED) {
        rc = rdt_age_chunk_open(&r->stream, sealed, true, to);
        r->at = AT_LAST;
    }
    if (rc == RDT_E_TAMPERED)
        return wrong_payload(r, "a chunk is not what was encrypted", err);
    if (rc != RDT_OK)
        return not_the_file(r, rc, err);
    out->n += n;
    return RDT_OK;
}

static enum rdt_code
take_chunk(struct rdt_age_reader *r, struct rdt_span *in, struct rdt_age_out *out,
           struct rdt_err *err)
{
    struct rdt_span chunk;
    if (r->held_n == 0 && rdt_take(in, AGE_SEALED_LEN, &chunk))
        return open_chunk(r, chunk, out, err);
    if (!hold(r, in, r->held, AGE_SEALED_LEN))
        return RDT_OK;
    r->held_n = 0;
    return open_chunk(r, (struct rdt_span){r->held, AGE_SEALED_LEN}, out, err);
}

/* Bytes without armor. */
static enum rdt_code
take_bytes(struct rdt_age_reader *r, struct rdt_span in, struct rdt_age_out *out,
           struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    while (rc == RDT_OK && in.n != 0) {
        if (r->at == AT_HEADER)
            rc = take_header(r, &in, err);
        else if (r->at == AT_NONCE)
            rc = take_nonce(r, &in, err);
        else if (r->at == AT_CHUNKS)
            rc = take_chunk(r, &in, out, err);
        else
            rc = wrong_payload(r, "bytes behind the last chunk", err);
    }
    return rc;
}

static enum rdt_code
wrong_armor(struct rdt_age_reader *r, struct rdt_err *err)
{
    rdt_fail(err, RDT_E_BADINPUT, "the armor of the age file is wrong");
    return fault(r, RDT_AGE_ARMOR, RDT_E_BADINPUT);
}

static enum rdt_code
take_armored(struct rdt_age_reader *r, struct rdt_span in, struct rdt_age_out *out,
             struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    while (rc == RDT_OK && in.n != 0) {
        uint8_t bytes[AGE_LINE_BYTES];
        size_t n = 0;
        if (!rdt_age_dearmor(&r->armor, &in, bytes, &n))
            return wrong_armor(r, err);
        rc = take_bytes(r, (struct rdt_span){bytes, n}, out, err);
    }
    return rc;
}

/* No binary file begins with a dash or white space. */
static void
start(struct rdt_age_reader *r, uint8_t first)
{
    bool looks_armored = first == '-' || first == ' ' || (first >= '\t' && first <= '\r');
    r->about.armored =
        r->with.armor == RDT_AGE_ANY ? looks_armored : r->with.armor == RDT_AGE_ARMORED;
    r->at = AT_HEADER;
}

static enum rdt_code
no_more(struct rdt_age_reader *r, struct rdt_err *err)
{
    if (r->fault != RDT_AGE_OK)
        return rdt_fail(err, r->failed, "this age file could not be read");
    return not_the_file(r, RDT_E_STATE, err);
}

enum rdt_code
rdt_age_reader_feed(struct rdt_age_reader *reader, struct rdt_span in, struct rdt_age_out *out,
                    struct rdt_err *err)
{
    if (reader->fault != RDT_AGE_OK || reader->at == AT_END)
        return no_more(reader, err);
    if (in.n == 0)
        return RDT_OK;
    if (reader->at == AT_FIRST)
        start(reader, in.p[0]);
    return reader->about.armored ? take_armored(reader, in, out, err)
                                 : take_bytes(reader, in, out, err);
}

static enum rdt_code
last_chunk(struct rdt_age_reader *r, struct rdt_age_out *out, struct rdt_err *err)
{
    if (r->held_n < RDT_CHACHA_TAG_LEN)
        return wrong_payload(r, "its end is missing", err);
    /* age.md: empty only where the whole payload is; else one could be cut off and replaced. */
    if (r->held_n == RDT_CHACHA_TAG_LEN && r->stream.next != 0)
        return wrong_payload(r, "its last chunk is empty", err);
    return open_chunk(r, (struct rdt_span){r->held, r->held_n}, out, err);
}

enum rdt_code
rdt_age_reader_end(struct rdt_age_reader *reader, struct rdt_age_out *out, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    if (reader->fault != RDT_AGE_OK || reader->at == AT_END)
        return no_more(reader, err);
    if (reader->about.armored && !rdt_age_dearmor_end(&reader->armor))
        return wrong_armor(reader, err);
    if (reader->at < AT_CHUNKS)
        return wrong_header(reader, RDT_E_BADINPUT, "the age file ends within its header", err);
    if (reader->at == AT_CHUNKS)
        rc = last_chunk(reader, out, err);
    if (rc == RDT_OK)
        reader->at = AT_END;
    return rc;
}
