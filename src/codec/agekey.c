#include "codec/agekey.h"

#include "base/cursor.h"
#include "codec/bech32.h"

#define PUBLIC "age"
#define HYBRID "age1pq" /* with a 1 of its own: the last one divides */

/* By enum rdt_agekey_kind. */
static const struct {
    const char *prefix, *wanted;
    size_t letters;
} privates[] = {
    {"AGE-SECRET-KEY-",    "AGE-SECRET-KEY-1",    RDT_AGEKEY_PRIVATE_TEXT       },
    {"AGE-SECRET-KEY-PQ-", "AGE-SECRET-KEY-PQ-1", RDT_AGEKEY_HYBRID_PRIVATE_TEXT},
};

/* What people take for another one; of two prefixes that fit the longer comes first. */
static const struct {
    const char *prefix, *words;
    const char *mistyped; /* words where this prefix was wanted */
} others[] = {
    {"AGE-SECRET-KEY-PQ-1", "a post-quantum private key",                               "a mistyped one"                       },
    {"AGE-SECRET-KEY-1",    "a private key",                                            "a mistyped one"                       },
    {"age-secret-key-",     "a private key in small letters",                           NULL                                   },
    {"AGE-PLUGIN-",         "a key of a plugin of age, which Redoubt does not run",     NULL                                   },
    {"age1pq1",             "a post-quantum public key",                                "a mistyped one"                       },
    {"age1tag",             "the public key of a token, which this version cannot use", NULL                                   },
    {"age1",                "a public key",                                             "a mistyped one, or of a plugin of age"},
    {"ssh-",                "an SSH key",                                               NULL                                   },
    {"-----BEGIN ",         "a PEM file",                                               NULL                                   },
};

static bool
starts(struct rdt_span text, const char *prefix)
{
    size_t n = strlen(prefix);
    return text.n >= n && rdt_span_is((struct rdt_span){text.p, n}, prefix);
}

static enum rdt_code
not_a_key(struct rdt_span text, const char *wanted, struct rdt_err *err)
{
    for (size_t i = 0; i < RDT_COUNT(others); i++) {
        bool mistyped = strcmp(wanted, others[i].prefix) == 0;
        if (starts(text, others[i].prefix))
            return rdt_fail(err, RDT_E_BADINPUT, "not a key %s...: this is %s", wanted,
                            mistyped ? others[i].mistyped : others[i].words);
    }
    return rdt_fail(err, RDT_E_BADINPUT, "not a key %s...", wanted);
}

void
rdt_agekey_public_put(const uint8_t key[static 32], char out[static RDT_AGEKEY_PUBLIC_TEXT + 1])
{
    rdt_bech32_put(PUBLIC, (struct rdt_span){key, RDT_AGEKEY_LEN}, out);
    out[RDT_AGEKEY_PUBLIC_TEXT] = '\0';
}

enum rdt_code
rdt_agekey_public_get(struct rdt_span text, uint8_t out[static 32], struct rdt_err *err)
{
    if (rdt_bech32_get(text, PUBLIC, out, RDT_AGEKEY_LEN))
        return RDT_OK;
    return not_a_key(text, PUBLIC "1", err);
}

void
rdt_agekey_hybrid_put(const uint8_t *key, char *out)
{
    rdt_bech32_put(HYBRID, (struct rdt_span){key, RDT_AGEKEY_HYBRID_LEN}, out);
    out[RDT_AGEKEY_HYBRID_TEXT] = '\0';
}

enum rdt_code
rdt_agekey_hybrid_get(struct rdt_span text, uint8_t *out, struct rdt_err *err)
{
    if (rdt_bech32_get(text, HYBRID, out, RDT_AGEKEY_HYBRID_LEN))
        return RDT_OK;
    return not_a_key(text, HYBRID "1", err);
}

static enum rdt_code
private_put(enum rdt_agekey_kind kind, const struct rdt_secret *key, struct rdt_secret *out,
            struct rdt_err *err)
{
    if (key->n != RDT_AGEKEY_LEN)
        return rdt_fail(err, RDT_E_BADINPUT, "a private key has %zu bytes, not %zu", RDT_AGEKEY_LEN,
                        key->n);
    enum rdt_code rc = rdt_secret_new(out, privates[kind].letters, err);
    if (rc == RDT_OK)
        rdt_bech32_put(privates[kind].prefix, (struct rdt_span){key->p, key->n}, (char *)out->p);
    return rc;
}

static enum rdt_code
private_get(enum rdt_agekey_kind kind, struct rdt_span text, struct rdt_secret *out,
            struct rdt_err *err)
{
    enum rdt_code rc = rdt_secret_new(out, RDT_AGEKEY_LEN, err);
    if (rc != RDT_OK || rdt_bech32_get(text, privates[kind].prefix, out->p, out->n))
        return rc;
    rdt_secret_wipe(out);
    return not_a_key(text, privates[kind].wanted, err);
}

enum rdt_code
rdt_agekey_private_put(const struct rdt_secret *key, struct rdt_secret *out, struct rdt_err *err)
{
    return private_put(RDT_AGEKEY_X25519, key, out, err);
}

enum rdt_code
rdt_agekey_private_get(struct rdt_span text, struct rdt_secret *out, struct rdt_err *err)
{
    return private_get(RDT_AGEKEY_X25519, text, out, err);
}

enum rdt_code
rdt_agekey_hybrid_private_put(const struct rdt_secret *key, struct rdt_secret *out,
                              struct rdt_err *err)
{
    return private_put(RDT_AGEKEY_HYBRID, key, out, err);
}

enum rdt_code
rdt_agekey_hybrid_private_get(struct rdt_span text, struct rdt_secret *out, struct rdt_err *err)
{
    return private_get(RDT_AGEKEY_HYBRID, text, out, err);
}

/* ---- identity files ---- */

/* The next line that says something; empty at the file's end. */
static enum rdt_code
next_line(struct rdt_span *rest, struct rdt_span *line, struct rdt_err *err)
{
    while (rdt_take_line(rest, line)) {
        if (line->n != 0 && line->p[line->n - 1] == '\r')
            line->n--;
        if (line->n > RDT_AGEKEY_LINE_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "a line of over %zu bytes", RDT_AGEKEY_LINE_MAX);
        if (line->n != 0 && line->p[0] != '#')
            return RDT_OK;
    }
    line->n = 0;
    return RDT_OK;
}

enum rdt_code
rdt_agekey_next(struct rdt_span *rest, enum rdt_agekey_kind *kind, struct rdt_secret *out,
                struct rdt_err *err)
{
    struct rdt_span line = {NULL, 0};
    enum rdt_code rc = next_line(rest, &line, err);
    bool hybrid = starts(line, privates[RDT_AGEKEY_HYBRID].wanted);
    *kind = hybrid ? RDT_AGEKEY_HYBRID : RDT_AGEKEY_X25519;
    return rc != RDT_OK || line.n == 0 ? rc : private_get(*kind, line, out, err);
}

enum rdt_code
rdt_agekey_private_next(struct rdt_span *rest, struct rdt_secret *out, struct rdt_err *err)
{
    struct rdt_span line = {NULL, 0};
    enum rdt_code rc = next_line(rest, &line, err);
    return rc != RDT_OK || line.n == 0 ? rc : private_get(RDT_AGEKEY_X25519, line, out, err);
}
