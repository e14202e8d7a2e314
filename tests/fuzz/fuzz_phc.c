/*
 * fuzz_phc - stored strings of passwords, out of a database that somebody else may write: what is
 * read is within its bounds, and what would be computed is within the limits.
 */
#include "field/password_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_password_form form;
    if (rdt_pw_read((struct rdt_span){bytes, n}, &form) != RDT_PASSWORD_MATCH)
        return 0;
    if (n > RDT_PASSWORD_STORED_MAX || memchr(bytes, 0, n) != NULL || form.password_most == 0)
        abort();
    if (form.by_crypt) {
        if (form.text.p != bytes || form.text.n != n || form.tail >= n ||
            n >= RDT_PWHASH_CRYPT_TEXT)
            abort();
        return 0;
    }
    if (rdt_pwhash_check(&form.how) != RDT_OK || form.how.salt.n > RDT_PASSWORD_SALT ||
        form.how.salt.p != form.salt || form.hash_n < 12 || form.hash_n > RDT_PASSWORD_HASH)
        abort();
    return 0;
}
