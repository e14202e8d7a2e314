/*
 * The control socket's bytes: docs/formats/control.md. Both sides read strictly; what the server
 * reads may come from any process of its user.
 */
#include "server/control_internal.h"

#include "base/cursor.h"

#include <stdio.h>

#define VERSION 1
#define REQUEST_MAGIC "RDTQ"
#define ANSWER_MAGIC "RDTA"
#define MAGIC_LEN 4

enum how { HOW_WORD = 1, HOW_SHARES };

static void
put_be(uint64_t v, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

/* ---- heads ---- */

bool
rdt_control_request_head(struct rdt_span head, struct control_request *out)
{
    struct rdt_span magic;
    uint8_t version = 0, command = 0;
    uint32_t n = 0;
    bool ok = rdt_take(&head, MAGIC_LEN, &magic) && rdt_span_is(magic, REQUEST_MAGIC);
    ok = ok && rdt_take_u8(&head, &version) && version == VERSION;
    ok = ok && rdt_take_u8(&head, &command) && command != 0 && command < RDT_CONTROL_END;
    ok = ok && rdt_take_u32(&head, &n) && n <= RDT_CONTROL_REQUEST_MAX && head.n == 0;
    if (ok)
        *out = (struct control_request){(enum rdt_control_command)command, n};
    return ok;
}

bool
rdt_control_answer_head(struct rdt_span head, struct control_answer *out)
{
    struct rdt_span magic;
    uint8_t version = 0, code = 0;
    uint64_t n = 0;
    bool ok = rdt_take(&head, MAGIC_LEN, &magic) && rdt_span_is(magic, ANSWER_MAGIC);
    ok = ok && rdt_take_u8(&head, &version) && version == VERSION;
    ok = ok && rdt_take_u8(&head, &code) && code <= RDT_E_INTERNAL;
    ok = ok && rdt_take_uint(&head, 8, &n) && n <= RDT_CONTROL_STREAM_MAX && head.n == 0;
    if (ok)
        *out = (struct control_answer){(enum rdt_code)code, n};
    return ok;
}

void
rdt_control_put_request(const struct control_request *request,
                        uint8_t out[static CONTROL_REQUEST_HEAD])
{
    memcpy(out, REQUEST_MAGIC, MAGIC_LEN);
    out[4] = VERSION;
    out[5] = (uint8_t)request->command;
    put_be(request->body_n, 4, out + 6);
}

void
rdt_control_put_answer(const struct control_answer *answer, uint8_t out[static CONTROL_ANSWER_HEAD])
{
    memcpy(out, ANSWER_MAGIC, MAGIC_LEN);
    out[4] = VERSION;
    out[5] = (uint8_t)answer->code;
    put_be(answer->body_n, 8, out + 6);
}

/* ---- means: u8 n, seal id | u8 how | u8 n, each u16 n and its bytes ---- */

static bool
take_word(struct rdt_span *in, struct rdt_span *out)
{
    uint16_t n = 0;
    return rdt_take_u16(in, &n) && n != 0 && n <= RDT_CONTROL_WORD_MAX && rdt_take(in, n, out);
}

static bool
is_id(struct rdt_span text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return text.n < RDT_ROOT_ID_MAX;
}

bool
rdt_control_means_get(struct rdt_span body, struct control_means *out)
{
    struct control_means means = {.n = 0};
    struct rdt_span id = {0};
    uint8_t id_n = 0, how = 0, n = 0;
    if (body.n == 0) {
        *out = means;
        return true;
    }
    bool ok = rdt_take_u8(&body, &id_n) && rdt_take(&body, id_n, &id) && is_id(id);
    ok = ok && rdt_take_u8(&body, &how) && (how == HOW_WORD || how == HOW_SHARES);
    ok = ok && rdt_take_u8(&body, &n) && n != 0 && n <= (how == HOW_WORD ? 1 : RDT_SHARES_MAX);
    for (; ok && means.n < n; means.n++)
        ok = take_word(&body, &means.words[means.n]);
    if (!ok || body.n != 0)
        return false;
    if (id.n != 0)
        memcpy(means.seal, id.p, id.n);
    means.is_share = how == HOW_SHARES;
    *out = means;
    return true;
}

/* Written twice: first to learn the length, then into locked memory. */
static size_t
put_means(const char *seal, const struct rdt_unseal *means, uint8_t *out)
{
    const struct rdt_secret *const *words =
        means->n_shares != 0 ? means->shares : &means->passphrase;
    size_t n_words = means->n_shares != 0 ? means->n_shares : 1, id_n = strlen(seal), n = 3 + id_n;
    if (out != NULL) {
        out[0] = (uint8_t)id_n;
        memcpy(out + 1, seal, id_n);
        out[1 + id_n] = means->n_shares != 0 ? HOW_SHARES : HOW_WORD;
        out[2 + id_n] = (uint8_t)n_words;
    }
    for (size_t i = 0; i < n_words; i++) {
        if (out != NULL) {
            put_be(words[i]->n, 2, out + n);
            memcpy(out + n + 2, words[i]->p, words[i]->n);
        }
        n += 2 + words[i]->n;
    }
    return n;
}

static bool
means_fit(const char *seal, const struct rdt_unseal *means)
{
    bool fit = strlen(seal) < RDT_ROOT_ID_MAX && means->n_shares <= RDT_SHARES_MAX;
    for (size_t i = 0; fit && i < means->n_shares; i++)
        fit = means->shares[i]->n != 0 && means->shares[i]->n <= RDT_CONTROL_WORD_MAX;
    if (fit && means->n_shares == 0)
        fit = means->passphrase->n != 0 && means->passphrase->n <= RDT_CONTROL_WORD_MAX;
    return fit;
}

enum rdt_code
rdt_control_means_put(const char *seal, const struct rdt_unseal *means, struct rdt_secret *out,
                      struct rdt_err *err)
{
    if (means == NULL || (means->n_shares == 0 && means->passphrase == NULL))
        return RDT_OK;
    seal = seal == NULL ? "" : seal;
    if (!means_fit(seal, means) || put_means(seal, means, NULL) > RDT_CONTROL_REQUEST_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "what opens the root is too long, or empty");
    enum rdt_code rc = rdt_secret_new(out, put_means(seal, means, NULL), err);
    if (rc == RDT_OK)
        (void)put_means(seal, means, out->p);
    return rc;
}

/* ---- failures: u16 n, text | u16 n, hint ---- */

static void
put_text(const char *text, struct rdt_buf *out)
{
    uint8_t n[2];
    put_be(strlen(text), 2, n);
    rdt_buf_add(out, n, sizeof n);
    rdt_buf_str(out, text);
}

void
rdt_control_failure_put(const struct rdt_err *err, struct rdt_buf *out)
{
    put_text(err->text, out);
    put_text(err->hint, out);
}

/* Shown on a terminal, so nothing but what can be shown. */
static bool
take_text(struct rdt_span *in, size_t room, struct rdt_span *out)
{
    uint16_t n = 0;
    bool ok = rdt_take_u16(in, &n) && n < room && rdt_take(in, n, out);
    for (size_t i = 0; ok && i < out->n; i++)
        ok = out->p[i] >= ' ' && out->p[i] != 0x7f;
    return ok;
}

bool
rdt_control_failure_get(struct rdt_span body, struct rdt_err *err)
{
    struct rdt_span text = {0}, hint = {0};
    if (!take_text(&body, RDT_ERR_TEXT_MAX, &text) || !take_text(&body, RDT_ERR_HINT_MAX, &hint) ||
        body.n != 0)
        return false;
    if (err == NULL)
        return true;
    snprintf(err->text, sizeof err->text, "%.*s", RDT_FMT(text));
    snprintf(err->hint, sizeof err->hint, "%.*s", RDT_FMT(hint));
    return true;
}
