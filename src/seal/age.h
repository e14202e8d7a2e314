/*
 * age.h - files of the format age v1 (age-encryption.org/v1), in both directions, as streams of
 * bytes: no I/O, and no more memory than a header and two chunks whatever the size of the file.
 *
 * Recipients: X25519 keys, or hybrid ones against quantum computers where libcrypto has ML-KEM
 * (from 3.5 on), not both in what we write; codec/agekey.h has their text form. Or one passphrase
 * (scrypt), which stands alone. Not SSH keys, no plugins. An age file says nothing about who made
 * it. Source: C2SP age.md. ASCII armor is read as strictly as it asks, and with CRLF.
 */
#ifndef RDT_SEAL_AGE_H
#define RDT_SEAL_AGE_H

#include "base/buf.h"
#include "crypto/worker.h"

#define RDT_AGE_CHUNK_LEN ((size_t)65536)        /* bytes of plaintext that belong together */
#define RDT_AGE_HEADER_MAX ((size_t)1024 * 1024) /* bytes of the header of an age file */
#define RDT_AGE_STANZAS_MAX ((size_t)1024)       /* recipients of an age file */
#define RDT_AGE_KEYS_MAX ((size_t)64)            /* private keys tried on one age file */
#define RDT_AGE_SCRYPT_LOG 18u                   /* cost of a passphrase that we write: 2^18 */
#define RDT_AGE_SCRYPT_LOG_MAX 20u /* the same of a file read, unless the caller allows more */

/* Why a file was not read; RDT_AGE_OK while there is nothing to complain about. */
enum rdt_age_fault {
    RDT_AGE_OK,
    RDT_AGE_ARMOR,    /* the armor is not as it has to be: RDT_E_BADINPUT */
    RDT_AGE_HEADER,   /* nor is the header: RDT_E_BADINPUT; too dear or too long: RDT_E_LIMIT */
    RDT_AGE_NO_MATCH, /* no key, or not the passphrase, that was given: RDT_E_DENIED */
    RDT_AGE_MAC,      /* a recipient's key opens it, but the header was changed: RDT_E_TAMPERED */
    RDT_AGE_PAYLOAD,  /* the body was changed or cut: RDT_E_TAMPERED */
    RDT_AGE_OTHER,    /* nothing about the file: memory, libcrypto, a caller's mistake */
};

enum rdt_age_armor {
    RDT_AGE_ANY,     /* reading: by the first byte; writing: binary */
    RDT_AGE_BINARY,  /* as it is */
    RDT_AGE_ARMORED, /* base64 between BEGIN and END lines */
};

/* ---- reading ---- */

/* What to open a file with. Borrowed until the reader is freed. */
struct rdt_age_with {
    const struct rdt_secret *keys;       /* private X25519 keys of RDT_AGEKEY_LEN bytes */
    size_t n_keys;                       /* with those below, at most RDT_AGE_KEYS_MAX */
    const struct rdt_secret *passphrase; /* NULL: none */
    unsigned scrypt_log_max;             /* 0: RDT_AGE_SCRYPT_LOG_MAX; at most RDT_SCRYPT_LOG_MAX */
    enum rdt_age_armor armor;
    const struct rdt_secret *hybrid_keys; /* likewise; of no use where libcrypto has no ML-KEM */
    size_t n_hybrid_keys;
};

/* What a header says to anybody, without a key and unproven. */
struct rdt_age_about {
    bool complete; /* the header was read to its end, and is well formed */
    bool armored;
    size_t n_x25519, n_scrypt, n_hybrid, n_other; /* recipients */
    unsigned scrypt_log;                          /* 2 to the power of it is the cost; or 0 */
};

/* Where plaintext goes: the caller's memory, apart from the input. */
struct rdt_age_out {
    uint8_t *p;
    size_t cap;
    size_t n; /* bytes in it; what is read is appended */
};

struct rdt_age_reader;

/* rdt_age_is - whether a file that begins with these bytes (40 are enough) means to be an age file.
 */
bool rdt_age_is(struct rdt_span first);

/* rdt_age_out_room - the free bytes in out that a feed of n bytes, or the end (n is 0), may need.
 */
static inline size_t
rdt_age_out_room(size_t n)
{
    return n + RDT_AGE_CHUNK_LEN;
}

/*
 * rdt_age_reader_new - read an age file.
 *
 *   worker   borrowed until the reader is freed
 *   out      caller frees with rdt_age_reader_free()
 *
 * Fails: RDT_E_LIMIT (n_keys, scrypt_log_max), RDT_E_BADINPUT (the length of a key), RDT_E_NOMEM,
 * RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_age_reader_new(struct rdt_worker *worker,
                                                const struct rdt_age_with *with,
                                                struct rdt_age_reader **out, struct rdt_err *err);

/*
 * rdt_age_reader_feed - the next bytes of the file, in any portions.
 *
 *   in    what is read of the file
 *   out   rdt_age_out_room(in.n) bytes free; whole chunks are appended, each of them authentic and
 *         in its place. But only rdt_age_reader_end() says that none is missing.
 *
 * Fails, for good: as rdt_age_reader_fault() has it; what is in out by then is authentic.
 */
RDT_MUST_CHECK enum rdt_code rdt_age_reader_feed(struct rdt_age_reader *reader, struct rdt_span in,
                                                 struct rdt_age_out *out, struct rdt_err *err);

/*
 * rdt_age_reader_end - there are no more bytes: the last chunk, and whether it is the last.
 *
 *   out   rdt_age_out_room(0) bytes free
 *
 * Fails as rdt_age_reader_feed(): all that was read must then be thrown away.
 */
RDT_MUST_CHECK enum rdt_code rdt_age_reader_end(struct rdt_age_reader *reader,
                                                struct rdt_age_out *out, struct rdt_err *err);

/* rdt_age_reader_fault - what was wrong with the file. */
enum rdt_age_fault rdt_age_reader_fault(const struct rdt_age_reader *reader);

/* rdt_age_reader_about - what its header says, borrowed; also after a failure. */
const struct rdt_age_about *rdt_age_reader_about(const struct rdt_age_reader *reader);

/* rdt_age_reader_free - wipe and free; NULL is fine.  rdt_age_reader_free_at - for RDT_AUTO. */
void rdt_age_reader_free(struct rdt_age_reader *reader);
void rdt_age_reader_free_at(struct rdt_age_reader **reader);

/* ---- writing ---- */

/* Who may open a file: keys of one kind, or a passphrase. Borrowed during rdt_age_writer_new(). */
struct rdt_age_to {
    const uint8_t (*keys)[32];           /* public X25519 keys */
    size_t n_keys;                       /* at most RDT_AGE_STANZAS_MAX */
    const struct rdt_secret *passphrase; /* NULL: none */
    unsigned scrypt_log;                 /* 0: RDT_AGE_SCRYPT_LOG; 1..RDT_SCRYPT_LOG_MAX */
    enum rdt_age_armor armor;
    const uint8_t (*hybrid_keys)[1216]; /* public hybrid keys: RDT_AGEKEY_HYBRID_LEN bytes each */
    size_t n_hybrid_keys;
};

struct rdt_age_writer;

/*
 * rdt_age_writer_new - write an age file, under a new file key.
 *
 *   worker   borrowed until the writer is freed
 *   out      caller frees with rdt_age_writer_free()
 *
 * Fails: RDT_E_USAGE (nobody to write to; recipients of two kinds), RDT_E_LIMIT, RDT_E_BADINPUT (a
 * public key that nobody makes), RDT_E_STATE (hybrid keys, and no ML-KEM), RDT_E_NOMEM,
 * RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_age_writer_new(struct rdt_worker *worker,
                                                const struct rdt_age_to *to,
                                                struct rdt_age_writer **out, struct rdt_err *err);

/*
 * rdt_age_writer_feed - the next bytes of plaintext, in any portions.
 *
 *   out   bytes of the file are appended (about in.n, armored about 4/3 of it; a header and a chunk
 *         more at most); the caller writes them away and sets out->n to 0
 *
 * Fails, for good: RDT_E_NOMEM, RDT_E_INTERNAL, RDT_E_STATE (it has failed or ended before).
 */
RDT_MUST_CHECK enum rdt_code rdt_age_writer_feed(struct rdt_age_writer *writer, struct rdt_span in,
                                                 struct rdt_buf *out, struct rdt_err *err);

/* rdt_age_writer_end - the last bytes of the file, without which nobody takes it for whole. Fails
 * as rdt_age_writer_feed(). */
RDT_MUST_CHECK enum rdt_code rdt_age_writer_end(struct rdt_age_writer *writer, struct rdt_buf *out,
                                                struct rdt_err *err);

/* rdt_age_writer_free - wipe and free; NULL is fine.  rdt_age_writer_free_at - for RDT_AUTO. */
void rdt_age_writer_free(struct rdt_age_writer *writer);
void rdt_age_writer_free_at(struct rdt_age_writer **writer);

#endif
