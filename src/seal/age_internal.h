/*
 * age_internal.h - the parts of age v1: age_header.c reads and writes headers, age_wrap.c wraps the
 * file key for a recipient, age_stream.c encrypts chunks, age_armor.c is the text form around it
 * all, age_reader.c and age_writer.c put them together.
 */
#ifndef RDT_SEAL_AGE_INTERNAL_H
#define RDT_SEAL_AGE_INTERNAL_H

#include "crypto/chacha.h"
#include "crypto/x25519.h"
#include "crypto/xwing.h"
#include "seal/age.h"

#define AGE_FILE_KEY_LEN ((size_t)16)
#define AGE_WRAPPED_LEN (AGE_FILE_KEY_LEN + RDT_CHACHA_TAG_LEN)
#define AGE_SALT_LEN ((size_t)16)  /* of scrypt */
#define AGE_NONCE_LEN ((size_t)16) /* before the chunks */
#define AGE_SEALED_LEN (RDT_AGE_CHUNK_LEN + RDT_CHACHA_TAG_LEN)

#define AGE_VERSION_LINE "age-encryption.org/v1\n"

/* ---- headers ---- */

enum age_kind { AGE_OTHER, AGE_X25519, AGE_SCRYPT, AGE_HYBRID };

struct age_stanza {
    enum age_kind kind;
    uint8_t share[RDT_X25519_LEN];  /* X25519: the ephemeral public key */
    uint8_t salt[AGE_SALT_LEN];     /* scrypt */
    unsigned log_n;                 /* scrypt; what is too long a number is UINT_MAX */
    uint8_t enc[RDT_XWING_ENC_LEN]; /* hybrid */
    uint8_t body[AGE_WRAPPED_LEN];  /* of all kinds but AGE_OTHER */
};

struct age_header {
    struct rdt_span stanzas; /* for rdt_age_stanza_take(), which will not fail on them */
    struct rdt_span maced;   /* what the MAC is over */
    uint8_t mac[RDT_SHA256_LEN];
    struct rdt_age_about about;
};

/* rdt_age_stanza_take - the next stanza, checked against the rules of its kind. */
bool rdt_age_stanza_take(struct rdt_span *in, struct age_stanza *out);

/* rdt_age_header_read - a whole header, its last line included.  Fails: RDT_E_BADINPUT, RDT_E_LIMIT
 * (recipients); out->about then says what was seen. */
RDT_MUST_CHECK enum rdt_code rdt_age_header_read(struct rdt_span bytes, struct age_header *out,
                                                 struct rdt_err *err);

/* rdt_age_stanza_add - append a stanza of any kind but AGE_OTHER. */
void rdt_age_stanza_add(struct rdt_buf *out, const struct age_stanza *stanza);

/* rdt_age_header_mac - the MAC over all up to and including the `---` of the last line. */
RDT_MUST_CHECK enum rdt_code rdt_age_header_mac(struct rdt_worker *worker,
                                                const struct rdt_secret *file_key,
                                                struct rdt_span maced,
                                                uint8_t out[static RDT_SHA256_LEN]);

/* ---- the file key of a recipient ---- */

/* rdt_age_wrap_x25519 - fill in a stanza.  Fails: RDT_E_BADINPUT (the public key), RDT_E_INTERNAL,
 * as rdt_secret_new(). */
RDT_MUST_CHECK enum rdt_code rdt_age_wrap_x25519(struct rdt_worker *worker,
                                                 const uint8_t *public_key,
                                                 const struct rdt_secret *file_key,
                                                 struct age_stanza *out);

struct age_pair {
    const struct rdt_secret *private_key;
    const uint8_t *public_key;
};

/* rdt_age_unwrap_x25519 - RDT_E_TAMPERED: it is for somebody else; RDT_E_BADINPUT: it is for
 * everybody (a low-order share). */
RDT_MUST_CHECK enum rdt_code rdt_age_unwrap_x25519(struct rdt_worker *worker, struct age_pair mine,
                                                   const struct age_stanza *stanza,
                                                   struct rdt_secret *file_key);

/* rdt_age_wrap_hybrid, rdt_age_unwrap_hybrid - the same by rdt_xwing_seal() and rdt_xwing_open().
 */
RDT_MUST_CHECK enum rdt_code rdt_age_wrap_hybrid(struct rdt_worker *worker,
                                                 const uint8_t *public_key,
                                                 const struct rdt_secret *file_key,
                                                 struct age_stanza *out);
RDT_MUST_CHECK enum rdt_code rdt_age_unwrap_hybrid(struct rdt_worker *worker,
                                                   const struct rdt_secret *private_key,
                                                   const struct age_stanza *stanza,
                                                   struct rdt_secret *file_key);

/* rdt_age_wrap_scrypt - fill in a stanza whose log_n is set.  Fails as rdt_scrypt(). */
RDT_MUST_CHECK enum rdt_code rdt_age_wrap_scrypt(struct rdt_worker *worker,
                                                 const struct rdt_secret *passphrase,
                                                 const struct rdt_secret *file_key,
                                                 struct age_stanza *stanza, struct rdt_err *err);

/* rdt_age_unwrap_scrypt - RDT_E_TAMPERED: another passphrase. Else as rdt_scrypt(). */
RDT_MUST_CHECK enum rdt_code rdt_age_unwrap_scrypt(struct rdt_worker *worker,
                                                   const struct rdt_secret *passphrase,
                                                   const struct age_stanza *stanza,
                                                   struct rdt_secret *file_key,
                                                   struct rdt_err *err);

/* ---- chunks ---- */

struct age_stream {
    struct rdt_worker *worker;
    struct rdt_secret key;
    uint64_t next; /* the number of the next chunk */
};

/* rdt_age_stream_start - from a file key and the AGE_NONCE_LEN bytes before the chunks. stream->key
 * is the caller's to wipe. */
RDT_MUST_CHECK enum rdt_code rdt_age_stream_start(struct age_stream *stream,
                                                  struct rdt_worker *worker,
                                                  const struct rdt_secret *file_key,
                                                  const uint8_t *nonce);

/* rdt_age_chunk_seal - the next chunk; out has room for a tag more. */
RDT_MUST_CHECK enum rdt_code rdt_age_chunk_seal(struct age_stream *stream, struct rdt_span plain,
                                                bool last, uint8_t *out);

/* rdt_age_chunk_open - the reverse; a failure leaves the stream where it was. */
RDT_MUST_CHECK enum rdt_code rdt_age_chunk_open(struct age_stream *stream, struct rdt_span sealed,
                                                bool last, uint8_t *out);

/* ---- armor ---- */

#define AGE_LINE_LEN 64   /* letters of a full line */
#define AGE_LINE_BYTES 48 /* bytes that it stands for */
#define AGE_LINE_ROOM 80  /* of the longest line, BEGIN or END, and spare */

struct age_dearmor {
    enum { AGE_BEFORE, AGE_BODY, AGE_LAST, AGE_AFTER } at; /* AGE_LAST: only END may follow */
    uint8_t line[AGE_LINE_ROOM];
    size_t n;      /* bytes in line */
    size_t blanks; /* bytes of white space before BEGIN, or behind END */
    bool indented; /* some of it on the line of BEGIN */
};

/*
 * rdt_age_dearmor - read up to one line.
 *
 *   in    moves on
 *   out   0..AGE_LINE_BYTES bytes, and how many
 *
 * False: the armor is not as it has to be.
 */
bool rdt_age_dearmor(struct age_dearmor *armor, struct rdt_span *in,
                     uint8_t out[static AGE_LINE_BYTES], size_t *n);

/* rdt_age_dearmor_end - the same at the end of the file: whether the armor is whole. */
bool rdt_age_dearmor_end(struct age_dearmor *armor);

struct age_armorer {
    uint8_t held[AGE_LINE_BYTES];
    size_t n;
};

/* rdt_age_armor_begin, rdt_age_armor_add, rdt_age_armor_end - write armor: its first line, bytes
 * inside, the rest. */
void rdt_age_armor_begin(struct rdt_buf *out);
void rdt_age_armor_add(struct age_armorer *armor, struct rdt_span bytes, struct rdt_buf *out);
void rdt_age_armor_end(struct age_armorer *armor, struct rdt_buf *out);

#endif
