/*
 * password.h - passwords of an application's users: hashed by Argon2id, stored as a PHC string, and
 * that string encrypted as an RF1 value under a key that rotates (a pepper that can change).
 *
 * Stored forms: docs/formats/password.md. A password is bytes in the caller's memory, as typed:
 * what normalising an application wants it does first, and it wipes them after. A right password
 * under an old form or cost is told apart, so that it is hashed anew while it is at hand.
 *
 * Threads: a worker, and so a call, is of one thread at a time. Hashing allocates nothing but the
 * memory that Argon2 is there to need; the old forms also what libcrypto or libcrypt need.
 */
#ifndef RDT_FIELD_PASSWORD_H
#define RDT_FIELD_PASSWORD_H

#include "crypto/pwhash.h"
#include "field/rf1.h"
#include "redoubt/helpers.h"

/*
 * rdt_pw_calibrate - a cost that takes this thread about so long: memory first, then passes.
 * Never under the least cost, however long that takes. Measures by hashing a few times.
 *
 *   target_ms        milliseconds of processor time for one hash
 *   memory_kib_most  KiB that one hash may take, RDT_PASSWORD_MEMORY_KIB..RDT_PWHASH_MEMORY_MAX:
 *                    what the machine has for as many logins as it lets run at once
 *
 * Fails: RDT_E_LIMIT (memory_kib_most), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_pw_calibrate(struct rdt_worker *worker, uint32_t target_ms,
                                              uint32_t memory_kib_most,
                                              struct rdt_password_cost *out, struct rdt_err *err);

/* rdt_pw_cost_fits - whether a cost is one that new hashes may have. */
bool rdt_pw_cost_fits(const struct rdt_password_cost *cost);

/*
 * rdt_pw_make - hash a new password.
 *
 *   password   1..RDT_PASSWORD_MAX bytes, NUL bytes too
 *   out        becomes a PHC string, NUL-terminated; empty after a failure
 *
 * Fails: RDT_E_LIMIT (password or cost), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_pw_make(struct rdt_worker *worker,
                                         const struct rdt_password_cost *cost,
                                         struct rdt_span password,
                                         char out[static RDT_PASSWORD_TEXT], struct rdt_err *err);

/*
 * rdt_pw_check - a password against a stored string of any form that is read.
 *
 *   cost     of new hashes: a match of another one is RDT_PASSWORD_REHASH
 *   stored   from the database: untrusted
 *
 * Where nothing slow had to be computed (an unknown form, an unfit password), a hash of `cost` is
 * computed nevertheless, so that the time does not tell why. A password over RDT_PASSWORD_MAX is
 * refused at once, whoever it is for.
 */
RDT_MUST_CHECK enum rdt_password_verdict rdt_pw_check(struct rdt_worker *worker,
                                                      const struct rdt_password_cost *cost,
                                                      struct rdt_span password,
                                                      struct rdt_span stored);

/*
 * rdt_pw_dummy - what to call where there is no such user: takes as long as a check against
 * a new hash, and is never right.
 */
enum rdt_password_verdict rdt_pw_dummy(struct rdt_worker *worker,
                                       const struct rdt_password_cost *cost,
                                       struct rdt_span password);

/*
 * rdt_pw_seal - hash a new password and encrypt the string. A stored string of an old form
 * is brought under the pepper by rdt_rf1_seal() alone, without its password.
 *
 *   call   of a row-bound column, its row the user's id
 *   out    rdt_rf1_len(call->column, RDT_PASSWORD_TEXT) bytes of room
 *
 * Fails: as rdt_pw_make(), and RDT_E_BADINPUT (what rdt_rf1_seal() refuses, or a column that
 * is not row-bound: a hash could be moved to another user).
 */
RDT_MUST_CHECK enum rdt_code rdt_pw_seal(const struct rdt_rf1_call *call,
                                         const struct rdt_password_cost *cost,
                                         struct rdt_span password, struct rdt_rf1_out *out,
                                         struct rdt_err *err);

/*
 * rdt_pw_check_sealed - a password against an encrypted string.
 *
 *   call    as it was sealed, with the keys of the value's epoch; the column's bucket at most
 *           RDT_PASSWORD_STORED_MAX
 *   value   from the database: untrusted
 */
RDT_MUST_CHECK enum rdt_password_verdict rdt_pw_check_sealed(const struct rdt_rf1_call *call,
                                                             const struct rdt_password_cost *cost,
                                                             struct rdt_span password,
                                                             struct rdt_span value);

#endif
