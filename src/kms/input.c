#include "kms/call_internal.h"

#include "base/cursor.h"
#include "base/text.h"
#include "codec/base64.h"

#include <inttypes.h>
#include <stdio.h>

#define QUOTED_MAX 64 /* bytes of a value that a message quotes */

struct rdt_span
rdt_in_text(const struct rdt_call *call, const char *name)
{
    return rdt_jspan(call->in, rdt_jget(call->in, 0, name));
}

uint32_t
rdt_in_token(const struct rdt_call *call, const char *name)
{
    return rdt_jget(call->in, 0, name);
}

bool
rdt_in_has(const struct rdt_call *call, const char *name)
{
    return rdt_in_token(call, name) != 0;
}

int64_t
rdt_in_int(const struct rdt_call *call, const char *name, int64_t otherwise)
{
    int64_t value;
    uint32_t token = rdt_in_token(call, name);
    return token != 0 && rdt_jint(call->in, token, &value) ? value : otherwise;
}

bool
rdt_in_bool(const struct rdt_call *call, const char *name)
{
    uint32_t token = rdt_in_token(call, name);
    return token != 0 && call->in->tok[token].type == RDT_J_TRUE;
}

/*
 * Base64 is never longer in bytes than in text, so it is decoded over its own text: once, when the
 * input is checked; the token then names the bytes.
 */
static bool
decode(struct rdt_call *call, uint32_t token)
{
    struct rdt_jtok *tok = &call->in->tok[token];
    uint8_t *at = call->request->body + tok->start;
    size_t n;
    if (!rdt_base64_get((struct rdt_span){at, tok->n}, at, &n))
        return false;
    tok->n = (uint32_t)n;
    return true;
}

struct rdt_span
rdt_in_blob(struct rdt_call *call, const char *name)
{
    return rdt_in_text(call, name);
}

/* "KeyId" as AWS's messages write it: "keyId". */
static void
member_words(const char *name, char out[static 64])
{
    snprintf(out, 64, "%s", name);
    if (out[0] >= 'A' && out[0] <= 'Z')
        out[0] = (char)(out[0] - 'A' + 'a');
}

static enum rdt_fault
violated(struct rdt_call *call, const struct rdt_in *in, struct rdt_span value, const char *must)
{
    char member[64];
    member_words(in->name, member);
    bool quote = !in->sensitive && in->type != RDT_IN_BLOB && value.n != 0 &&
                 value.n <= QUOTED_MAX && value.p != NULL;
    for (size_t i = 0; quote && i < value.n; i++)
        quote = value.p[i] >= 0x20 && value.p[i] < 0x7f;
    if (quote)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "1 validation error detected: Value '%.*s' at '%s' failed to satisfy "
                             "constraint: Member must %s",
                             RDT_FMT(value), member, must);
    return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                         "1 validation error detected: Value at '%s' failed to satisfy constraint: "
                         "Member must %s",
                         member, must);
}

static bool
type_fits(const struct rdt_jtok *tok, enum rdt_in_type type)
{
    switch (type) {
    case RDT_IN_TEXT:
    case RDT_IN_WORD:
    case RDT_IN_BLOB:
        return tok->type == RDT_J_STRING;
    case RDT_IN_INT:
        return tok->type == RDT_J_NUMBER;
    case RDT_IN_BOOL:
        return tok->type == RDT_J_TRUE || tok->type == RDT_J_FALSE;
    case RDT_IN_MAP:
    case RDT_IN_OBJECT:
        return tok->type == RDT_J_OBJECT;
    case RDT_IN_TEXTS:
    case RDT_IN_OBJECTS:
        return tok->type == RDT_J_ARRAY;
    }
    return false;
}

/* Whether the values of a map, or items of an array, are of one type. */
static bool
items_fit(const struct rdt_jdoc *doc, uint32_t token, enum rdt_in_type type)
{
    bool map = doc->tok[token].type == RDT_J_OBJECT;
    enum rdt_jtype want = type == RDT_IN_OBJECTS ? RDT_J_OBJECT : RDT_J_STRING;
    uint32_t at = token + 1;
    for (uint32_t i = 0; i < doc->tok[token].count; i++) {
        if (map)
            at++; /* the name */
        if (doc->tok[at].type != want)
            return false;
        at = doc->tok[at].next;
    }
    return true;
}

static bool
is_word(const char *words, struct rdt_span value)
{
    struct rdt_span in = rdt_span_str(words), word;
    while (rdt_take_until(&in, ' ', &word))
        if (rdt_span_eq(word, value))
            return true;
    return rdt_span_eq(in, value);
}

/* The model's lengths of texts count characters; those of our own operations bytes. */
static int64_t
text_length(const struct rdt_call *call, struct rdt_span text)
{
    int64_t n = 0;
    if (call->op->front != RDT_FRONT_AWS)
        return (int64_t)text.n;
    for (size_t i = 0; i < text.n; i++)
        n += (text.p[i] & 0xc0) != 0x80;
    return n;
}

static enum rdt_fault
check_length(struct rdt_call *call, const struct rdt_in *in, int64_t n, struct rdt_span value)
{
    char must[96];
    bool items = in->type == RDT_IN_TEXTS || in->type == RDT_IN_OBJECTS;
    if (n < in->min)
        snprintf(must, sizeof must, "have length greater than or equal to %" PRId64 "%s", in->min,
                 items ? " items" : "");
    else if (in->max != 0 && n > in->max)
        snprintf(must, sizeof must, "have length less than or equal to %" PRId64 "%s", in->max,
                 items ? " items" : "");
    else
        return RDT_FAULT_NONE;
    return violated(call, in, value, must);
}

static enum rdt_fault
check_int(struct rdt_call *call, const struct rdt_in *in, uint32_t token)
{
    int64_t value;
    if (!rdt_jint(call->in, token, &value))
        return rdt_call_fail(call, RDT_FAULT_SERIALIZATION, "%s is not a whole number", in->name);
    char must[96];
    if (value < in->min)
        snprintf(must, sizeof must, "have value greater than or equal to %" PRId64, in->min);
    else if (in->max != 0 && value > in->max)
        snprintf(must, sizeof must, "have value less than or equal to %" PRId64, in->max);
    else
        return RDT_FAULT_NONE;
    return violated(call, in, rdt_jspan(call->in, token), must);
}

static enum rdt_fault
check_word(struct rdt_call *call, const struct rdt_in *in, struct rdt_span value)
{
    if (is_word(in->words, value))
        return RDT_FAULT_NONE;
    char must[RDT_MESSAGE_MAX];
    int n = snprintf(must, sizeof must, "satisfy enum value set: [");
    for (const char *p = in->words; *p != '\0' && n < (int)sizeof must - 4; p++) {
        if (*p == ' ')
            must[n++] = ',';
        must[n++] = *p;
    }
    must[n++] = ']';
    must[n] = '\0';
    return violated(call, in, value, must);
}

static enum rdt_fault
check_items(struct rdt_call *call, const struct rdt_in *in, uint32_t token)
{
    uint32_t count = call->in->tok[token].count;
    if (!items_fit(call->in, token, in->type))
        return rdt_call_fail(call, RDT_FAULT_SERIALIZATION, "%s holds another type", in->name);
    enum rdt_fault fault = check_length(call, in, count, (struct rdt_span){0});
    for (uint32_t i = 0; i < count && in->words != NULL && fault == RDT_FAULT_NONE; i++)
        fault = check_word(call, in, rdt_jspan(call->in, token + 1 + i));
    return fault;
}

static enum rdt_fault
check_member(struct rdt_call *call, const struct rdt_in *in)
{
    uint32_t token = rdt_in_token(call, in->name);
    if (token == 0)
        return in->required ? violated(call, in, (struct rdt_span){0}, "not be null")
                            : RDT_FAULT_NONE;
    const struct rdt_jtok *tok = &call->in->tok[token];
    if (!type_fits(tok, in->type))
        return rdt_call_fail(call, RDT_FAULT_SERIALIZATION, "%s is of another type", in->name);
    struct rdt_span value = rdt_jspan(call->in, token);
    switch (in->type) {
    case RDT_IN_WORD:
        return check_word(call, in, value);
    case RDT_IN_INT:
        return check_int(call, in, token);
    case RDT_IN_BOOL:
    case RDT_IN_OBJECT:
        return RDT_FAULT_NONE;
    case RDT_IN_BLOB:
        if (!decode(call, token))
            return rdt_call_fail(call, RDT_FAULT_SERIALIZATION, "%s is not base64", in->name);
        return check_length(call, in, tok->n, (struct rdt_span){0});
    case RDT_IN_MAP:
    case RDT_IN_TEXTS:
    case RDT_IN_OBJECTS:
        return check_items(call, in, token);
    case RDT_IN_TEXT:
        return check_length(call, in, text_length(call, value), value);
    }
    return RDT_FAULT_INTERNAL;
}

enum rdt_fault
rdt_input_check(struct rdt_call *call)
{
    struct rdt_request *request = call->request;
    if (request->body_n == 0 || !rdt_jscan(request->body, request->body_n, call->in) ||
        call->in->tok[0].type != RDT_J_OBJECT)
        return rdt_call_fail(call, RDT_FAULT_SERIALIZATION, "the body is not a JSON object");
    for (size_t i = 0; i < call->op->n_in; i++) {
        enum rdt_fault fault = check_member(call, &call->op->in[i]);
        if (fault != RDT_FAULT_NONE)
            return fault;
    }
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_in_context(struct rdt_call *call, const char *name, struct rdt_context *out)
{
    const struct rdt_jdoc *doc = call->in;
    uint32_t map = rdt_in_token(call, name), at = map + 1;
    out->n = 0;
    for (uint32_t i = 0; map != 0 && i < doc->tok[map].count; i++) {
        if (!rdt_context_add(out, rdt_jspan(doc, at), rdt_jspan(doc, at + 1)))
            return rdt_call_fail(call, RDT_FAULT_VALIDATION, "%s has more than %d pairs", name,
                                 RDT_CONTEXT_PAIRS_MAX);
        at += 2;
    }
    switch (rdt_context_finish(out)) {
    case RDT_OK:
        return RDT_FAULT_NONE;
    case RDT_E_LIMIT:
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "%s is longer than %zu bytes", name,
                             RDT_CONTEXT_MAX);
    default:
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "%s has an empty name", name);
    }
}
