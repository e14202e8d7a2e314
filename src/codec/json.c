#include "codec/json.h"

#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>

#define NUMBER_TEXT 64                           /* bytes of a number as text */
#define EACH(byte) (~UINT64_C(0) / 255 * (byte)) /* the byte, eight times */

static struct rdt_node *node_of(struct rdt_arena *arena, const char *file, const json_t *json);

static bool
add_members(struct rdt_arena *arena, const char *file, struct rdt_node *out, const json_t *json)
{
    struct rdt_mark mark = {.file = file};
    void *at = json_object_iter((json_t *)(uintptr_t)json);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)json, at)) {
        struct rdt_span key = rdt_span_str(json_object_iter_key(at));
        if (!rdt_node_add(arena, out, key, mark, node_of(arena, file, json_object_iter_value(at))))
            return false;
    }
    return rdt_node_sort(arena, out);
}

static bool
add_items(struct rdt_arena *arena, const char *file, struct rdt_node *out, const json_t *json)
{
    struct rdt_mark mark = {.file = file};
    for (size_t i = 0; i < json_array_size(json); i++) {
        if (!rdt_node_add(arena, out, (struct rdt_span){0}, mark,
                          node_of(arena, file, json_array_get(json, i))))
            return false;
    }
    return true;
}

/* As few digits as give the same number again: 0.1, not 0.10000000000000001. */
static void
real_text(double value, char out[static NUMBER_TEXT])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, NUMBER_TEXT, "%.*g", digits, value);
        double again = strtod(out, NULL);
        if (again >= value && again <= value)
            return;
    }
}

static struct rdt_node *
scalar_of(struct rdt_arena *arena, struct rdt_mark mark, const json_t *json)
{
    char number[NUMBER_TEXT];
    if (json_is_string(json)) {
        struct rdt_span text = {(const uint8_t *)json_string_value(json), json_string_length(json)};
        struct rdt_node *node = rdt_node_scalar(arena, text, mark);
        if (node != NULL) {
            node->quoted = true;
            node->type = RDT_TEXT;
        }
        return node;
    }
    if (json_is_integer(json))
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    else if (json_is_real(json)) /* + 0.0: no minus before a zero, which would be lost later */
        real_text(json_real_value(json) + 0.0, number);
    else
        snprintf(number, sizeof number, "%s", json_is_true(json) ? "true" : "false");
    return rdt_node_scalar(arena, rdt_span_str(number), mark);
}

static struct rdt_node *
node_of(struct rdt_arena *arena, const char *file, const json_t *json)
{
    struct rdt_mark mark = {.file = file};
    if (json_is_null(json))
        return rdt_node_new(arena, RDT_NODE_NULL, mark);
    if (!json_is_object(json) && !json_is_array(json))
        return scalar_of(arena, mark, json);
    struct rdt_node *out =
        rdt_node_new(arena, json_is_object(json) ? RDT_NODE_MAP : RDT_NODE_LIST, mark);
    bool ok = out != NULL && (json_is_object(json) ? add_members(arena, file, out, json)
                                                   : add_items(arena, file, out, json));
    return ok ? out : NULL;
}

/*
 * jansson and the tree take some 400 bytes for a value of two, so that the size of the text is no
 * bound for what it costs.
 */
static bool
too_many_values(struct rdt_span bytes)
{
    size_t n = 1;
    bool in_text = false;
    for (size_t i = 0; i < bytes.n && n <= RDT_JSON_VALUES_MAX; i++) {
        uint8_t c = bytes.p[i];
        if (in_text)
            i += c == '\\'; /* what is escaped ends nothing */
        else
            n += c == ',' || c == '[' || c == '{';
        in_text = in_text != (c == '"');
    }
    return n > RDT_JSON_VALUES_MAX;
}

/* jansson loses a NUL right behind a number or a word, and reads on as if it were not there. */
static enum rdt_code
refuse_nul(const char *file, struct rdt_span bytes, struct rdt_err *err)
{
    int line = 1, column = 1;
    const uint8_t *nul = memchr(bytes.p, 0, bytes.n);
    if (nul == NULL)
        return RDT_OK;
    for (const uint8_t *p = bytes.p; p < nul; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    return rdt_fail(err, RDT_E_BADINPUT, "%s:%d:%d: NUL byte", file, line, column);
}

enum rdt_code
rdt_json_parse(const char *file, struct rdt_span bytes, struct rdt_arena *arena,
               struct rdt_node **out, struct rdt_err *err)
{
    json_error_t why;
    if (bytes.n == 0)
        return rdt_fail(err, RDT_E_BADINPUT, "%s: is empty", file);
    if (bytes.n > RDT_JSON_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "%s: larger than %zu bytes", file, RDT_JSON_MAX);
    if (too_many_values(bytes))
        return rdt_fail(err, RDT_E_LIMIT, "%s: more than %d values", file, RDT_JSON_VALUES_MAX);
    json_t *json = json_loadb((const char *)bytes.p, bytes.n, JSON_REJECT_DUPLICATES, &why);
    if (json == NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "%s:%d:%d: %s", file, why.line, why.column, why.text);
    enum rdt_code rc = refuse_nul(file, bytes, err);
    struct rdt_node *node = rc == RDT_OK ? node_of(arena, file, json) : NULL;
    json_decref(json);
    if (rc != RDT_OK)
        return rc;
    if (node == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", file);
    *out = node;
    return RDT_OK;
}

static void
escape(struct rdt_buf *out, uint8_t c)
{
    static const char shorts[][2] = {
        {'"',  '"' },
        {'\\', '\\'},
        {'\n', 'n' },
        {'\r', 'r' },
        {'\t', 't' },
        {'\b', 'b' },
        {'\f', 'f' }
    };
    for (size_t i = 0; i < RDT_COUNT(shorts); i++) {
        if ((uint8_t)shorts[i][0] == c) {
            rdt_buf_fmt(out, "\\%c", shorts[i][1]);
            return;
        }
    }
    rdt_buf_fmt(out, "\\u%04x", c);
}

/* A character of several bytes that must not be shown as it is: what it stands for stays. */
static void
escape_wide(struct rdt_buf *out, struct rdt_span c)
{
    uint32_t code = c.n == 1 ? 0xfffd : c.p[0] & (0xffu >> (c.n + 1)); /* 1: it was no UTF-8 */
    for (size_t i = 1; i < c.n; i++)
        code = code << 6 | (c.p[i] & 0x3f);
    if (code > 0xffff)
        rdt_buf_fmt(out, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
    else
        rdt_buf_fmt(out, "\\u%04x", code);
}

/* How many bytes at the beginning, by eights, are ASCII and stand for themselves. */
static size_t
plain_words(struct rdt_span text)
{
    size_t n = 0;
    for (uint64_t w; text.n - n >= sizeof w; n += sizeof w) {
        memcpy(&w, text.p + n, sizeof w);
        uint64_t quote = w ^ EACH('"'), back = w ^ EACH('\\'), del = w ^ EACH(0x7f);
        uint64_t stop = w | ((w - EACH(0x20)) & ~w) | ((quote - EACH(1)) & ~quote) |
                        ((back - EACH(1)) & ~back) | ((del - EACH(1)) & ~del);
        if ((stop & EACH(0x80)) != 0)
            break;
    }
    return n;
}

void
rdt_json_text(struct rdt_buf *out, struct rdt_span text)
{
    size_t from = 0;
    rdt_buf_add(out, "\"", 1);
    for (size_t i = plain_words(text), n = 1; i < text.n; i += n) {
        uint8_t c = text.p[i];
        bool fit = c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
        n = c < 0x80 ? 1 : rdt_text_step((struct rdt_span){text.p + i, text.n - i}, &fit);
        if (fit)
            continue;
        rdt_buf_add(out, text.p + from, i - from);
        from = i + n;
        if (c < 0x80)
            escape(out, c);
        else
            escape_wide(out, (struct rdt_span){text.p + i, n});
    }
    if (from < text.n)
        rdt_buf_add(out, text.p + from, text.n - from);
    rdt_buf_add(out, "\"", 1);
}

static void
new_line(struct rdt_buf *out, unsigned indent, unsigned depth)
{
    if (indent != 0)
        rdt_buf_fmt(out, "\n%*s", (int)(indent * depth), "");
}

static void
write_node(struct rdt_buf *out, const struct rdt_node *node, unsigned indent, unsigned depth)
{
    if (node->kind == RDT_NODE_NULL) {
        rdt_buf_str(out, "null");
    } else if (node->kind == RDT_NODE_SCALAR) {
        enum rdt_scalar type = rdt_node_scalar_type(node, NULL);
        if ((type == RDT_NUMBER || type == RDT_BOOL) && rdt_text_bare(node->text))
            rdt_buf_add(out, node->text.p, node->text.n);
        else
            rdt_json_text(out, node->text);
    } else {
        bool map = node->kind == RDT_NODE_MAP;
        rdt_buf_str(out, map ? "{" : "[");
        for (size_t i = 0; i < node->n; i++) {
            rdt_buf_str(out, i == 0 ? "" : ",");
            new_line(out, indent, depth + 1);
            if (map) {
                rdt_json_text(out, node->members[i].key);
                rdt_buf_str(out, indent != 0 ? ": " : ":");
            }
            write_node(out, node->members[i].node, indent, depth + 1);
        }
        if (node->n != 0)
            new_line(out, indent, depth);
        rdt_buf_str(out, map ? "}" : "]");
    }
}

void
rdt_json_node(struct rdt_buf *out, const struct rdt_node *node, unsigned indent)
{
    write_node(out, node, indent, 0);
}
