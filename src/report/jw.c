#include "report/jw_internal.h"

#include "codec/json.h"

#include <inttypes.h>

static void
next(struct rdt_jw *w, const char *key)
{
    if (w->comma)
        rdt_buf_add(w->out, ",", 1);
    w->comma = true;
    if (key == NULL)
        return;
    rdt_buf_add(w->out, "\"", 1);
    rdt_buf_str(w->out, key);
    rdt_buf_add(w->out, "\":", 2);
}

void
rdt_jw_open(struct rdt_jw *w, const char *key, char bracket)
{
    next(w, key);
    rdt_buf_add(w->out, &bracket, 1);
    w->comma = false;
}

void
rdt_jw_close(struct rdt_jw *w, char bracket)
{
    rdt_buf_add(w->out, &bracket, 1);
    w->comma = true;
}

void
rdt_jw_line(struct rdt_jw *w)
{
    if (w->comma)
        rdt_buf_add(w->out, ",", 1);
    rdt_buf_add(w->out, "\n", 1);
    w->comma = false;
}

/* Ids and most words: nothing to escape, nothing to check. */
static bool
is_plain(struct rdt_span text)
{
    unsigned special = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned c = text.p[i];
        special |= (c < 0x20) | (c > 0x7e) | (c == '"') | (c == '\\');
    }
    return special == 0;
}

void
rdt_jw_text(struct rdt_jw *w, const char *key, const char *text)
{
    if (text == NULL)
        return;
    struct rdt_span span = rdt_span_str(text);
    next(w, key);
    if (is_plain(span)) {
        rdt_buf_add(w->out, "\"", 1);
        rdt_buf_add(w->out, span.p, span.n);
        rdt_buf_add(w->out, "\"", 1);
    } else {
        rdt_json_text(w->out, span);
    }
}

void
rdt_jw_int(struct rdt_jw *w, const char *key, int64_t number)
{
    next(w, key);
    rdt_buf_fmt(w->out, "%" PRId64, number);
}

void
rdt_jw_bool(struct rdt_jw *w, const char *key, bool yes)
{
    next(w, key);
    rdt_buf_str(w->out, yes ? "true" : "false");
}

void
rdt_jw_strings(struct rdt_jw *w, const char *key, const struct rdt_strings *strings)
{
    rdt_jw_open(w, key, '[');
    for (size_t i = 0; i < strings->n; i++)
        rdt_jw_text(w, NULL, strings->at[i]);
    rdt_jw_close(w, ']');
}

void
rdt_jw_node(struct rdt_jw *w, const char *key, const struct rdt_node *node)
{
    next(w, key);
    rdt_json_node(w->out, node, 0);
}

void
rdt_jw_raw(struct rdt_jw *w, struct rdt_span members)
{
    if (members.n == 0)
        return;
    next(w, NULL);
    rdt_buf_add(w->out, members.p, members.n);
}
