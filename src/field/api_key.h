/*
 * api_key.h - keys that an application hands out to programs: `acme_live_` and 49 letters and
 * digits. The last six of them are a checksum, so that a typing error, or a string that only looks
 * like a key, is told apart without a database. What is stored cannot be turned back into the key.
 *
 * Format: docs/formats/password.md section 5. No call but rdt_apikey_make() allocates; a worker,
 * and a KEK's scratch, is of one thread at a time.
 */
#ifndef RDT_FIELD_API_KEY_H
#define RDT_FIELD_API_KEY_H

#include "field/keys.h"
#include "redoubt/helpers.h"

/*
 * rdt_apikey_make - a new key: 32 random bytes that no other copy of this machine draws.
 *
 *   prefix   1..RDT_API_KEY_PREFIX_MAX of a-z, 0-9 and single `_` between them, a letter first
 *   out      becomes the key, NUL-terminated: to be shown once and wiped; empty after a failure
 *
 * Fails: RDT_E_BADINPUT (prefix), RDT_E_INTERNAL, RDT_E_NOMEM, RDT_E_DENIED.
 */
RDT_MUST_CHECK enum rdt_code rdt_apikey_make(struct rdt_worker *worker, struct rdt_span prefix,
                                             char out[static RDT_API_KEY_TEXT],
                                             struct rdt_err *err);

/* rdt_apikey_read - whether a text is a key with the right checksum, and its prefix (borrowed;
 * may be NULL). Uses no key and no database. */
bool rdt_apikey_read(struct rdt_span text, struct rdt_span *prefix);

/*
 * rdt_apikey_look_up - the token to find a key's row by, under one epoch. While two epochs are in
 * use, there are two to look for. A key is looked up before its owner is known: tenant and KEK are
 * the application's own.
 * rdt_apikey_store - what to store of a key; the token stands in it at RDT_API_KEY_STORED_AT.
 *
 * Fails: RDT_E_BADINPUT (rdt_apikey_read() says no), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_apikey_look_up(struct rdt_worker *worker,
                                                const struct rdt_field_kek *kek,
                                                struct rdt_span text,
                                                uint8_t out[static RDT_API_KEY_LOOK_UP]);
RDT_MUST_CHECK enum rdt_code rdt_apikey_store(struct rdt_worker *worker,
                                              const struct rdt_field_kek *kek, struct rdt_span text,
                                              uint8_t out[static RDT_API_KEY_STORED]);

/* rdt_apikey_head - what KEK a stored form was made under; false: it is none. */
bool rdt_apikey_head(struct rdt_span stored, uint32_t *handle, uint16_t *epoch);

/*
 * rdt_apikey_check - a key against what is stored of it, in constant time.
 *
 *   stored   from the database: untrusted
 */
RDT_MUST_CHECK enum rdt_api_key_verdict rdt_apikey_check(struct rdt_worker *worker,
                                                         const struct rdt_field_kek *kek,
                                                         struct rdt_span text,
                                                         struct rdt_span stored);

#endif
