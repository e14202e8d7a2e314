/*
 * password_internal.h - what is in a stored string: password_form.c reads it, password.c computes.
 */
#ifndef RDT_FIELD_PASSWORD_INTERNAL_H
#define RDT_FIELD_PASSWORD_INTERNAL_H

#include "field/password.h"

#define RDT_PASSWORD_SALT 128 /* bytes of the longest salt that is read */
#define RDT_PASSWORD_HASH 64  /* of the longest hash */

struct rdt_password_form {
    bool by_crypt;         /* bcrypt, sha512crypt: text and tail count, how does not */
    bool phc;              /* written as rdt_pw_make() writes it */
    struct rdt_pwhash how; /* its salt is in salt[] below: a form is not copied */
    uint8_t salt[RDT_PASSWORD_SALT], hash[RDT_PASSWORD_HASH];
    size_t hash_n;
    struct rdt_span text; /* all of it */
    size_t tail;          /* characters at its end that are the hash */
    size_t password_most; /* bytes of a password; a longer one would be cut */
};

/*
 * rdt_pw_read - take a stored string apart: RDT_PASSWORD_MATCH when its form and its cost are
 * ones that may be computed, else RDT_PASSWORD_UNKNOWN or RDT_PASSWORD_COST.
 */
enum rdt_password_verdict rdt_pw_read(struct rdt_span stored, struct rdt_password_form *out);

#endif
