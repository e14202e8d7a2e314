/*
 * pwhash.h - slow hashes of passwords: Argon2 by libargon2, scrypt and PBKDF2 by libcrypto, bcrypt
 * and sha512crypt by libcrypt. The strings that they are stored in: field/password.h.
 *
 * Costs come out of rows that somebody else may have written: what passes a limit below is refused
 * before anything is computed. All of it runs in the caller's thread. A password is the caller's
 * memory; what is copied of it lies in locked memory, or where the library keeps it and wipes it.
 */
#ifndef RDT_CRYPTO_PWHASH_H
#define RDT_CRYPTO_PWHASH_H

#include "crypto/worker.h"

#define RDT_PWHASH_MEMORY_MAX (1u << 20)        /* KiB of one Argon2 or scrypt hash: 1 GiB */
#define RDT_PWHASH_PASSES_MAX 10u               /* passes of Argon2 over that memory */
#define RDT_PWHASH_LANES_MAX 16u                /* lanes of Argon2, or parallel parts of scrypt */
#define RDT_PWHASH_SCRYPT_MAX (1u << 24)        /* N * r * p of scrypt: what it costs */
#define RDT_PWHASH_ITERATIONS_MAX 10000000u     /* iterations of PBKDF2 */
#define RDT_PWHASH_BCRYPT_MAX 16u               /* cost of bcrypt, a power of two */
#define RDT_PWHASH_ROUNDS_MAX 1000000u          /* rounds of sha512crypt */
#define RDT_PWHASH_CRYPT_MAX ((size_t)511)      /* bytes of a password that libcrypt takes */
#define RDT_PWHASH_CRYPT_TEXT 128               /* room for what libcrypt makes, and its NUL */
#define RDT_PWHASH_BCRYPT_PASSWORD ((size_t)72) /* bytes of a password that bcrypt looks at */

enum rdt_pwhash_kind {
    RDT_PWHASH_ARGON2ID,
    RDT_PWHASH_ARGON2I,
    RDT_PWHASH_SCRYPT,
    RDT_PWHASH_PBKDF2_SHA256,
    RDT_PWHASH_PBKDF2_SHA512,
    RDT_PWHASH_NKINDS
};

/* What to compute. */
struct rdt_pwhash {
    enum rdt_pwhash_kind kind;
    uint32_t version; /* Argon2: 16 or 19 */
    uint32_t memory;  /* Argon2: KiB; scrypt: log2 of N */
    uint32_t passes;  /* Argon2: passes; scrypt: r; PBKDF2: iterations */
    uint32_t lanes;   /* Argon2: lanes; scrypt: p */
    struct rdt_span salt;
};

/* rdt_pwhash_check - whether the costs lie within the limits above: RDT_OK or RDT_E_LIMIT. */
RDT_MUST_CHECK enum rdt_code rdt_pwhash_check(const struct rdt_pwhash *how);

/*
 * rdt_pwhash - hash a password.
 *
 *   out   n bytes, 4 to 64; zeroes after a failure
 *
 * Allocates what the algorithm is there to need; scrypt and PBKDF2 a libcrypto context, too.
 * Fails: RDT_E_LIMIT (rdt_pwhash_check()), RDT_E_NOMEM, RDT_E_INTERNAL (libcrypto lacks it).
 */
RDT_MUST_CHECK enum rdt_code rdt_pwhash(struct rdt_worker *worker, const struct rdt_pwhash *how,
                                        struct rdt_span password, uint8_t *out, size_t n);

/*
 * rdt_pwhash_crypt - bcrypt and sha512crypt: what crypt() makes of a password and a stored string,
 * whose form and cost the caller has checked. Copies 33 KiB of state into locked memory.
 *
 *   password   0..RDT_PWHASH_CRYPT_MAX bytes without a NUL
 *   stored     under RDT_PWHASH_CRYPT_TEXT characters without a NUL
 *   out        a NUL-terminated string; empty after a failure
 *
 * Fails: RDT_E_LIMIT (a length above, or a NUL), RDT_E_NOMEM, RDT_E_DENIED (memory cannot be
 * locked), RDT_E_INTERNAL (libcrypt refuses it).
 */
RDT_MUST_CHECK enum rdt_code rdt_pwhash_crypt(struct rdt_span password, struct rdt_span stored,
                                              char out[static RDT_PWHASH_CRYPT_TEXT]);

#endif
