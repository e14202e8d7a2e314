/*
 * agekey.h - keys as people see them, in the text form of age: a public key of X25519 is `age1...`,
 * a private one `AGE-SECRET-KEY-1...`; such a pair serves age files and Redoubt's own sealed files.
 * The hybrid ones, which stand against a quantum computer too, are `age1pq1...` and
 * `AGE-SECRET-KEY-PQ-1...`, for age files only.
 * Source: C2SP age.md, "Native recipient types".
 */
#ifndef RDT_CODEC_AGEKEY_H
#define RDT_CODEC_AGEKEY_H

#include "base/err.h"
#include "base/secret.h"

enum rdt_agekey_kind { RDT_AGEKEY_X25519, RDT_AGEKEY_HYBRID };

#define RDT_AGEKEY_LEN                                                                             \
    ((size_t)32) /* bytes of a private key of either kind, and of a public X25519 key */
#define RDT_AGEKEY_PUBLIC_TEXT ((size_t)62)         /* letters of a public X25519 key */
#define RDT_AGEKEY_PRIVATE_TEXT ((size_t)74)        /* letters of a private X25519 key */
#define RDT_AGEKEY_HYBRID_LEN ((size_t)1216)        /* bytes of a public hybrid key */
#define RDT_AGEKEY_HYBRID_TEXT ((size_t)1959)       /* letters of a public hybrid key */
#define RDT_AGEKEY_HYBRID_PRIVATE_TEXT ((size_t)77) /* letters of a private hybrid key */
#define RDT_AGEKEY_LINE_MAX ((size_t)4096)          /* bytes of a line in a file of private keys */

/* rdt_agekey_public_put - a public key as text, with a NUL. */
void rdt_agekey_public_put(const uint8_t key[static 32],
                           char out[static RDT_AGEKEY_PUBLIC_TEXT + 1]);

/*
 * rdt_agekey_public_get - the reverse.
 * Fails, leaving zeroes: RDT_E_BADINPUT, with a text and hint that say what it is instead (a
 * private key, a key of a kind that is not supported) but do not repeat it.
 */
RDT_MUST_CHECK enum rdt_code rdt_agekey_public_get(struct rdt_span text, uint8_t out[static 32],
                                                   struct rdt_err *err);

/* rdt_agekey_hybrid_put, rdt_agekey_hybrid_get - the same for a public hybrid key of
 * RDT_AGEKEY_HYBRID_LEN bytes; the text has RDT_AGEKEY_HYBRID_TEXT letters and a NUL. */
void rdt_agekey_hybrid_put(const uint8_t *key, char *out);
RDT_MUST_CHECK enum rdt_code rdt_agekey_hybrid_get(struct rdt_span text, uint8_t *out,
                                                   struct rdt_err *err);

/*
 * rdt_agekey_private_put - a private X25519 key as text.
 *
 *   key   RDT_AGEKEY_LEN bytes
 *   out   an empty secret that becomes RDT_AGEKEY_PRIVATE_TEXT letters
 *
 * Fails: RDT_E_BADINPUT (another length), as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_agekey_private_put(const struct rdt_secret *key,
                                                    struct rdt_secret *out, struct rdt_err *err);

/*
 * rdt_agekey_private_get - the reverse.
 *
 *   text   in the memory of a secret
 *   out    an empty secret that becomes RDT_AGEKEY_LEN bytes
 *
 * Fails, leaving it empty: RDT_E_BADINPUT (says what it is instead, never what it holds), as
 * rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_agekey_private_get(struct rdt_span text, struct rdt_secret *out,
                                                    struct rdt_err *err);

/* rdt_agekey_hybrid_private_put, rdt_agekey_hybrid_private_get - the same for a private hybrid key,
 * of as many bytes and RDT_AGEKEY_HYBRID_PRIVATE_TEXT letters. */
RDT_MUST_CHECK enum rdt_code rdt_agekey_hybrid_private_put(const struct rdt_secret *key,
                                                           struct rdt_secret *out,
                                                           struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code
rdt_agekey_hybrid_private_get(struct rdt_span text, struct rdt_secret *out, struct rdt_err *err);

/*
 * rdt_agekey_next - the next private key of an identity file, as age-keygen writes them: one a
 * line; lines that are empty or begin with `#` are passed over, a CR at the end of a line too.
 *
 *   rest   what is left of the file's bytes, in the memory of a secret; moves on behind the line
 *   kind   which kind it is
 *   out    an empty secret that becomes RDT_AGEKEY_LEN bytes, or stays empty at the file's end
 *
 * Fails, leaving it empty: RDT_E_BADINPUT (the line is no private key), RDT_E_LIMIT (a line above
 * RDT_AGEKEY_LINE_MAX), as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_agekey_next(struct rdt_span *rest, enum rdt_agekey_kind *kind,
                                             struct rdt_secret *out, struct rdt_err *err);

/* rdt_agekey_private_next - the same where only X25519 keys are of use: RDT_E_BADINPUT for another
 * one. */
RDT_MUST_CHECK enum rdt_code rdt_agekey_private_next(struct rdt_span *rest, struct rdt_secret *out,
                                                     struct rdt_err *err);

#endif
