#include "seal/age_internal.h"

#include "base/cursor.h"
#include "codec/base64.h"

#include <limits.h>

#define ARGS_KEPT 3 /* no kind that is known has more */
#define MAC_LETTERS 43
#define SHARE_LETTERS 43
#define SALT_LETTERS 22
#define DIGITS_MAX 4 /* of a cost: more is far too dear */

/* ---- reading ---- */

/* A stanza as it stands there. */
struct raw {
    struct rdt_span args[ARGS_KEPT];
    size_t n_args;
    uint8_t body[AGE_WRAPPED_LEN]; /* its beginning */
    size_t body_n;
};

static bool
is_visible(struct rdt_span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x21 || text.p[i] > 0x7e)
            return false;
    return text.n != 0;
}

/* argument *(SP argument), each 1*VCHAR */
static bool
take_args(struct rdt_span line, struct raw *out)
{
    struct rdt_span arg;
    bool more = true;
    while (more) {
        more = rdt_take_until(&line, ' ', &arg);
        if (!more)
            arg = line;
        if (!is_visible(arg))
            return false;
        if (out->n_args < ARGS_KEPT)
            out->args[out->n_args] = arg;
        out->n_args++;
    }
    return true;
}

/* *full-line final-line: base64 without padding, in lines of 64 letters; the last one is shorter.
 */
static bool
take_body(struct rdt_span *in, struct raw *out)
{
    struct rdt_span line = {NULL, AGE_LINE_LEN};
    while (line.n == AGE_LINE_LEN) {
        uint8_t bytes[AGE_LINE_LEN];
        size_t n = 0;
        if (!rdt_take_until(in, '\n', &line) || line.n > AGE_LINE_LEN ||
            !rdt_base64_raw_get(line, bytes, &n))
            return false;
        for (size_t i = 0; i < n; i++, out->body_n++)
            if (out->body_n < sizeof out->body)
                out->body[out->body_n] = bytes[i];
    }
    return true;
}

/* age.md, ABNF: arg-line *full-line final-line */
static bool
take_raw(struct rdt_span *in, struct raw *out)
{
    struct rdt_span line, arrow;
    *out = (struct raw){.n_args = 0};
    return rdt_take_until(in, '\n', &line) && rdt_take(&line, 3, &arrow) &&
           rdt_span_is(arrow, "-> ") && take_args(line, out) && take_body(in, out);
}

/* Letters of a length that fits n bytes exactly, so that out has room. */
static bool
get_exactly(struct rdt_span text, size_t letters, uint8_t *out, size_t n)
{
    uint8_t bytes[MAC_LETTERS];
    size_t got = 0;
    bool ok = text.n == letters && letters <= sizeof bytes &&
              rdt_base64_raw_get(text, bytes, &got) && got == n;
    if (ok)
        memcpy(out, bytes, n);
    return ok;
}

/* ^[1-9][0-9]*$ */
static bool
get_cost(struct rdt_span text, unsigned *out)
{
    unsigned value = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        if (i < DIGITS_MAX)
            value = value * 10 + (text.p[i] - '0');
    }
    *out = text.n > DIGITS_MAX ? UINT_MAX : value;
    return text.n != 0 && text.p[0] != '0';
}

static bool
get_x25519(const struct raw *raw, struct age_stanza *out)
{
    return get_exactly(raw->args[1], SHARE_LETTERS, out->share, sizeof out->share);
}

static bool
get_scrypt(const struct raw *raw, struct age_stanza *out)
{
    return get_exactly(raw->args[1], SALT_LETTERS, out->salt, sizeof out->salt) &&
           get_cost(raw->args[2], &out->log_n);
}

static bool
get_hybrid(const struct raw *raw, struct age_stanza *out)
{
    uint8_t enc[(RDT_XWING_ENC_LEN * 8 + 5) / 6]; /* as many as letters */
    size_t n = 0;
    if (raw->args[1].n != sizeof enc || !rdt_base64_raw_get(raw->args[1], enc, &n) ||
        n != sizeof out->enc)
        return false;
    memcpy(out->enc, enc, sizeof out->enc);
    return true;
}

/* A stanza of a kind that is known has to be in order even if there is no key for it. */
static const struct {
    const char *name;
    enum age_kind kind;
    size_t n_args;
    bool (*get)(const struct raw *raw, struct age_stanza *out);
} kinds[] = {
    {"X25519",         AGE_X25519, 2, get_x25519},
    {"scrypt",         AGE_SCRYPT, 3, get_scrypt},
    {"mlkem768x25519", AGE_HYBRID, 2, get_hybrid},
};

bool
rdt_age_stanza_take(struct rdt_span *in, struct age_stanza *out)
{
    struct raw raw;
    if (!take_raw(in, &raw))
        return false;
    *out = (struct age_stanza){.kind = AGE_OTHER};
    for (size_t i = 0; i < RDT_COUNT(kinds); i++) {
        if (!rdt_span_is(raw.args[0], kinds[i].name))
            continue;
        out->kind = kinds[i].kind;
        memcpy(out->body, raw.body, sizeof out->body);
        return raw.n_args == kinds[i].n_args && raw.body_n == AGE_WRAPPED_LEN &&
               kinds[i].get(&raw, out);
    }
    return true;
}

static void
count(const struct age_stanza *stanza, struct rdt_age_about *about)
{
    about->n_x25519 += stanza->kind == AGE_X25519;
    about->n_scrypt += stanza->kind == AGE_SCRYPT;
    about->n_hybrid += stanza->kind == AGE_HYBRID;
    about->n_other += stanza->kind == AGE_OTHER;
    if (stanza->kind == AGE_SCRYPT)
        about->scrypt_log = stanza->log_n;
}

/* "--- " 43base64char LF */
static bool
take_end(struct rdt_span *in, uint8_t mac[static RDT_SHA256_LEN])
{
    struct rdt_span line, mark;
    return rdt_take_until(in, '\n', &line) && rdt_take(&line, 4, &mark) &&
           rdt_span_is(mark, "--- ") && get_exactly(line, MAC_LETTERS, mac, RDT_SHA256_LEN) &&
           in->n == 0;
}

static enum rdt_code
refuse(struct rdt_err *err, const char *words)
{
    return rdt_fail(err, RDT_E_BADINPUT, "the header of the age file is wrong: %s", words);
}

static bool
is_at_end(struct rdt_span in)
{
    return in.n >= 3 && rdt_span_is((struct rdt_span){in.p, 3}, "---");
}

/* age.md, ABNF: header = v1-line 1*stanza end */
enum rdt_code
rdt_age_header_read(struct rdt_span bytes, struct age_header *out, struct rdt_err *err)
{
    struct rdt_span in = bytes, version;
    size_t n = 0;
    *out = (struct age_header){.mac = {0}};
    if (!rdt_take(&in, strlen(AGE_VERSION_LINE), &version) ||
        !rdt_span_is(version, AGE_VERSION_LINE))
        return refuse(err, "its first line");
    out->stanzas = in;
    for (; !is_at_end(in); n++) {
        struct age_stanza stanza;
        if (n == RDT_AGE_STANZAS_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "an age file with over %zu recipients", n);
        if (!rdt_age_stanza_take(&in, &stanza))
            return refuse(err, "a recipient");
        count(&stanza, &out->about);
    }
    out->stanzas.n -= in.n;
    out->maced = (struct rdt_span){bytes.p, bytes.n - in.n + 3};
    if (!take_end(&in, out->mac))
        return refuse(err, "its last line");
    if (n == 0)
        return refuse(err, "no recipient");
    /* age.md: authentication is expected of a passphrase, so nobody else may have made the file. */
    if (out->about.n_scrypt != 0 && n != 1)
        return refuse(err, "a passphrase beside other recipients");
    out->about.complete = true;
    return RDT_OK;
}

/* ---- writing ---- */

static void
add_args(struct rdt_buf *out, const struct age_stanza *stanza)
{
    switch (stanza->kind) {
    case AGE_X25519:
        rdt_buf_str(out, "X25519 ");
        rdt_base64_raw_add(out, (struct rdt_span){stanza->share, sizeof stanza->share});
        break;
    case AGE_HYBRID:
        rdt_buf_str(out, "mlkem768x25519 ");
        rdt_base64_raw_add(out, (struct rdt_span){stanza->enc, sizeof stanza->enc});
        break;
    default:
        rdt_buf_str(out, "scrypt ");
        rdt_base64_raw_add(out, (struct rdt_span){stanza->salt, sizeof stanza->salt});
        rdt_buf_fmt(out, " %u", stanza->log_n);
    }
}

void
rdt_age_stanza_add(struct rdt_buf *out, const struct age_stanza *stanza)
{
    rdt_buf_str(out, "-> ");
    add_args(out, stanza);
    rdt_buf_str(out, "\n");
    rdt_base64_raw_add(out, (struct rdt_span){stanza->body, sizeof stanza->body});
    rdt_buf_str(out, "\n");
}

enum rdt_code
rdt_age_header_mac(struct rdt_worker *worker, const struct rdt_secret *file_key,
                   struct rdt_span maced, uint8_t out[static RDT_SHA256_LEN])
{
    RDT_SECRET key = {0};
    struct rdt_span none = {NULL, 0};
    enum rdt_code rc = rdt_secret_new(&key, RDT_KEY_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_hkdf(worker, file_key, none, rdt_span_str("header"), &key);
    return rc == RDT_OK ? rdt_hmac(worker, &key, &maced, 1, out) : rc;
}
