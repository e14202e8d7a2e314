/*
 * agekey.h - X25519 keys as people see them, in the text form of age: a public key is `age1...`, a
 * private one `AGE-SECRET-KEY-1...`. One key pair serves age files and Redoubt's own sealed files.
 * Source: C2SP age.md, "The X25519 recipient type".
 */
#ifndef RDT_CODEC_AGEKEY_H
#define RDT_CODEC_AGEKEY_H

#include "base/err.h"
#include "base/secret.h"

#define RDT_AGEKEY_LEN ((size_t)32)          /* bytes of a private or public key */
#define RDT_AGEKEY_PUBLIC_TEXT ((size_t)62)  /* letters of a public key */
#define RDT_AGEKEY_PRIVATE_TEXT ((size_t)74) /* letters of a private key */
#define RDT_AGEKEY_LINE_MAX ((size_t)1024)   /* bytes of a line in a file of private keys */

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

/*
 * rdt_agekey_private_put - a private key as text.
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

/*
 * rdt_agekey_private_next - the next private key of an identity file, as age-keygen writes them:
 * one a line; lines that are empty or begin with `#` are passed over, a CR at the end of a line
 * too.
 *
 *   rest   what is left of the file's bytes, in the memory of a secret; moves on behind the line
 *   out    an empty secret that becomes RDT_AGEKEY_LEN bytes, or stays empty at the file's end
 *
 * Fails, leaving it empty: RDT_E_BADINPUT (the line is no private key), RDT_E_LIMIT (a line above
 * RDT_AGEKEY_LINE_MAX), as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_agekey_private_next(struct rdt_span *rest, struct rdt_secret *out,
                                                     struct rdt_err *err);

#endif
