#include "field/password_internal.h"

#include "base/cursor.h"
#include "codec/base64.h"

#define SALT_MIN 8 /* bytes of Argon2's */
#define SALT_MOST 48
#define HASH_MIN 12 /* bytes of a hash that is looked at: 96 bits */
#define DIGITS_MOST 10
#define ARGON_FIRST 16u /* version of a string that names none */
#define CRYPT64 "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define BCRYPT_REST 53 /* characters of salt and hash */
#define BCRYPT_TAIL 31
#define SHA512CRYPT_TAIL 86
#define SHA512CRYPT_SALT 16
#define SHA512CRYPT_ROUNDS_MIN 1000u
#define SCRYPT7_TAIL 43
#define SCRYPT7_SALT 64

/* ---- words of a string ---- */

static bool
take_word(struct rdt_span *in, const char *word)
{
    size_t n = strlen(word);
    if (in->n < n || !rdt_span_is((struct rdt_span){in->p, n}, word))
        return false;
    in->p += n;
    in->n -= n;
    return true;
}

/* Decimal, without leading zeroes. */
static bool
take_number(struct rdt_span *in, uint32_t *out)
{
    uint64_t v = 0;
    size_t n = 0;
    while (n < in->n && n <= DIGITS_MOST && in->p[n] >= '0' && in->p[n] <= '9')
        v = 10 * v + (uint64_t)(in->p[n++] - '0');
    if (n == 0 || (n > 1 && in->p[0] == '0') || v > UINT32_MAX)
        return false;
    in->p += n;
    in->n -= n;
    *out = (uint32_t)v;
    return true;
}

/* "word" and a number behind it. */
static bool
take_pair(struct rdt_span *in, const char *word, uint32_t *out)
{
    struct rdt_span at = *in;
    if (!take_word(&at, word) || !take_number(&at, out))
        return false;
    *in = at;
    return true;
}

static bool
all_of(struct rdt_span text, const char *alphabet)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\0' || strchr(alphabet, text.p[i]) == NULL)
            return false;
    return true;
}

/* base64 without padding, in the alphabet whose 62 is `plus`; one spelling of each byte string. */
static bool
from_b64(struct rdt_span text, char plus, uint8_t *out, size_t room, size_t *n)
{
    uint8_t url[(RDT_PASSWORD_SALT + 2) / 3 * 4];
    if (text.n > sizeof url)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '-' || c == '_' || (c == '+' && plus != '+'))
            return false;
        url[i] = c == (uint8_t)plus ? '-' : c == '/' ? '_' : c;
    }
    uint8_t bytes[sizeof url];
    bool ok = rdt_base64url_get((struct rdt_span){url, text.n}, bytes, n) && *n <= room;
    if (ok && *n != 0)
        memcpy(out, bytes, *n);
    explicit_bzero(bytes, sizeof bytes);
    return ok;
}

/* salt "$" hash, to the end. */
static bool
take_salt_and_hash(struct rdt_span *in, char plus, struct rdt_password_form *out)
{
    struct rdt_span salt, hash = {0};
    size_t salt_n = 0;
    bool ok = rdt_take_until(in, '$', &salt) && rdt_take(in, in->n, &hash);
    ok = ok && salt.n != 0 && from_b64(salt, plus, out->salt, sizeof out->salt, &salt_n);
    ok = ok && from_b64(hash, plus, out->hash, sizeof out->hash, &out->hash_n);
    out->how.salt = (struct rdt_span){out->salt, salt_n};
    return ok && out->hash_n >= HASH_MIN;
}

/* ---- the forms ---- */

/* ["argon2"] "$argon2id" | "$argon2i"  ["$v=" n] "$m=" n ",t=" n ",p=" n "$" salt "$" hash; the
 * word in front is Django's. */
static bool
read_argon(struct rdt_span in, struct rdt_password_form *out)
{
    struct rdt_pwhash *how = &out->how;
    out->phc = !take_word(&in, "argon2");
    if (take_word(&in, "$argon2id$"))
        how->kind = RDT_PWHASH_ARGON2ID;
    else if (take_word(&in, "$argon2i$"))
        how->kind = RDT_PWHASH_ARGON2I;
    else
        return false;
    how->version = ARGON_FIRST;
    bool ok = !take_pair(&in, "v=", &how->version) || take_word(&in, "$");
    ok = ok && take_pair(&in, "m=", &how->memory) && take_pair(&in, ",t=", &how->passes);
    ok = ok && take_pair(&in, ",p=", &how->lanes) && take_word(&in, "$");
    ok = ok && take_salt_and_hash(&in, '+', out);
    ok = ok && (how->version == ARGON_FIRST || how->version == 19);
    return ok && how->salt.n >= SALT_MIN && how->salt.n <= SALT_MOST;
}

/* "$scrypt$ln=" n ",r=" n ",p=" n "$" salt "$" hash */
static bool
read_scrypt(struct rdt_span in, struct rdt_password_form *out)
{
    struct rdt_pwhash *how = &out->how;
    how->kind = RDT_PWHASH_SCRYPT;
    bool ok = take_pair(&in, "$scrypt$ln=", &how->memory) && take_pair(&in, ",r=", &how->passes);
    ok = ok && take_pair(&in, ",p=", &how->lanes) && take_word(&in, "$");
    return ok && take_salt_and_hash(&in, '+', out);
}

/* n digits of crypt's alphabet, the lowest first: a number of 6n bits. */
static bool
take_crypt64(struct rdt_span *in, size_t n, uint32_t *out)
{
    struct rdt_span text;
    uint32_t v = 0;
    if (!rdt_take(in, n, &text) || !all_of(text, CRYPT64))
        return false;
    for (size_t i = n; i > 0; i--)
        v = v << 6 | (uint32_t)(strchr(CRYPT64, text.p[i - 1]) - CRYPT64);
    *out = v;
    return true;
}

/* Three bytes to four digits, the lowest byte and digit first. */
static bool
take_crypt64_bytes(struct rdt_span *in, uint8_t *out, size_t n)
{
    for (size_t at = 0; at < n; at += 3) {
        size_t here = n - at < 3 ? n - at : 3;
        uint32_t v;
        if (!take_crypt64(in, here + 1, &v) || v >> 8 * here != 0)
            return false;
        for (size_t i = 0; i < here; i++)
            out[at + i] = (uint8_t)(v >> 8 * i);
    }
    return true;
}

/* "$7$" log2(N) of 1 digit, r of 5, p of 5, salt "$" hash; the salt is used as it is written. */
static bool
read_scrypt7(struct rdt_span in, struct rdt_password_form *out)
{
    struct rdt_pwhash *how = &out->how;
    struct rdt_span salt;
    how->kind = RDT_PWHASH_SCRYPT;
    bool ok = take_word(&in, "$7$") && take_crypt64(&in, 1, &how->memory);
    ok = ok && take_crypt64(&in, 5, &how->passes) && take_crypt64(&in, 5, &how->lanes);
    ok = ok && rdt_take_until(&in, '$', &salt) && salt.n != 0 && salt.n <= SCRYPT7_SALT;
    if (!ok || !all_of(salt, CRYPT64) || in.n != SCRYPT7_TAIL)
        return false;
    memcpy(out->salt, salt.p, salt.n);
    how->salt = (struct rdt_span){out->salt, salt.n};
    out->hash_n = 32;
    return take_crypt64_bytes(&in, out->hash, out->hash_n);
}

/*
 * "$pbkdf2-sha256$" or "$pbkdf2-sha512$", then
 *   "i=" n [",l=" length of the hash] "$" salt "$" hash     PHC
 *   n "$" salt "$" hash                                     passlib: "." stands for "+"
 */
static bool
read_pbkdf2(struct rdt_span in, struct rdt_password_form *out)
{
    struct rdt_pwhash *how = &out->how;
    uint32_t length = 0;
    if (take_word(&in, "$pbkdf2-sha256$"))
        how->kind = RDT_PWHASH_PBKDF2_SHA256;
    else if (take_word(&in, "$pbkdf2-sha512$"))
        how->kind = RDT_PWHASH_PBKDF2_SHA512;
    else
        return false;
    bool phc = take_pair(&in, "i=", &how->passes);
    bool ok = phc || take_number(&in, &how->passes);
    bool has_length = phc && take_pair(&in, ",l=", &length);
    ok = ok && take_word(&in, "$") && take_salt_and_hash(&in, phc ? '+' : '.', out);
    return ok && (!has_length || length == out->hash_n);
}

/* "pbkdf2_sha256$" n "$" salt "$" base64 of 32 bytes; the salt is used as it is written:
 * visible ASCII. */
static bool
read_django(struct rdt_span in, struct rdt_password_form *out)
{
    struct rdt_span salt;
    out->how.kind = RDT_PWHASH_PBKDF2_SHA256;
    bool ok = take_pair(&in, "pbkdf2_sha256$", &out->how.passes) && take_word(&in, "$");
    ok = ok && rdt_take_until(&in, '$', &salt) && salt.n != 0 && salt.n <= sizeof out->salt;
    for (size_t i = 0; ok && i < salt.n; i++)
        ok = salt.p[i] > ' ' && salt.p[i] <= '~';
    if (!ok || in.n != rdt_base64_len(32))
        return false;
    memcpy(out->salt, salt.p, salt.n);
    out->how.salt = (struct rdt_span){out->salt, salt.n};
    return rdt_base64_get(in, out->hash, &out->hash_n) && out->hash_n == 32;
}

static bool
is_crypt(struct rdt_span text, size_t tail, size_t password_most, struct rdt_password_form *out)
{
    out->by_crypt = true;
    out->text = text;
    out->tail = tail;
    out->password_most = password_most;
    return true;
}

/* "$2a$" | "$2b$" | "$2y$"  two digits of cost "$" 22 of salt, 31 of hash */
static bool
read_bcrypt(struct rdt_span in, struct rdt_password_form *out)
{
    struct rdt_span text = in, cost, rest = {0};
    bool ok = take_word(&in, "$2a$") || take_word(&in, "$2b$") || take_word(&in, "$2y$");
    ok = ok && rdt_take(&in, 2, &cost) && all_of(cost, "0123456789") && take_word(&in, "$");
    ok = ok && rdt_take(&in, in.n, &rest) && rest.n == BCRYPT_REST && all_of(rest, CRYPT64);
    if (!ok)
        return false;
    out->how.passes = (uint32_t)(10 * (cost.p[0] - '0') + (cost.p[1] - '0'));
    if (out->how.passes < 4 || out->how.passes > 31) /* bcrypt has no other */
        return false;
    return is_crypt(text, BCRYPT_TAIL, RDT_PWHASH_BCRYPT_PASSWORD, out);
}

/* "$6$" ["rounds=" n "$"] salt of at most 16 "$" hash of 86 */
static bool
read_sha512crypt(struct rdt_span in, struct rdt_password_form *out)
{
    struct rdt_span text = in, salt;
    out->how.passes = 5000;
    bool ok = take_word(&in, "$6$");
    ok = ok && (!take_pair(&in, "rounds=", &out->how.passes) || take_word(&in, "$"));
    ok = ok && out->how.passes >= SHA512CRYPT_ROUNDS_MIN && rdt_take_until(&in, '$', &salt);
    ok = ok && salt.n <= SHA512CRYPT_SALT && all_of(salt, CRYPT64);
    if (!ok || in.n != SHA512CRYPT_TAIL || !all_of(in, CRYPT64))
        return false;
    return is_crypt(text, SHA512CRYPT_TAIL, RDT_PWHASH_CRYPT_MAX, out);
}

/* What libcrypt computes has its cost in passes, too; how far it may go is told by the form. */
static const struct {
    bool (*read)(struct rdt_span in, struct rdt_password_form *out);
    uint32_t passes_most; /* 0: rdt_pwhash_check() says */
} forms[] = {
    {read_argon,       0                    },
    {read_bcrypt,      RDT_PWHASH_BCRYPT_MAX},
    {read_scrypt,      0                    },
    {read_scrypt7,     0                    },
    {read_pbkdf2,      0                    },
    {read_django,      0                    },
    {read_sha512crypt, RDT_PWHASH_ROUNDS_MAX},
};

enum rdt_password_verdict
rdt_pw_read(struct rdt_span stored, struct rdt_password_form *out)
{
    if (stored.n > RDT_PASSWORD_STORED_MAX)
        return RDT_PASSWORD_UNKNOWN;
    for (size_t i = 0; i < RDT_COUNT(forms); i++) {
        *out = (struct rdt_password_form){.password_most = RDT_PASSWORD_MAX};
        if (!forms[i].read(stored, out))
            continue;
        bool fits = forms[i].passes_most != 0 ? out->how.passes <= forms[i].passes_most
                                              : rdt_pwhash_check(&out->how) == RDT_OK;
        return fits ? RDT_PASSWORD_MATCH : RDT_PASSWORD_COST;
    }
    return RDT_PASSWORD_UNKNOWN;
}
