#include "plan/fmt.h"

#include "codec/yaml.h"
#include "codec/yaml_parts.h"

#define STEP 2        /* blanks a level */
#define COMMENT_GAP 2 /* blanks before a comment at the end of a line, at least */
#define EMPTY_MAX 1   /* empty lines in a row */

/* What stood last on the line that is being written. */
enum last {
    LAST_NOTHING, /* the line is empty so far */
    LAST_SCALAR,
    LAST_BRACE, /* { */
    LAST_BRACKET,
    LAST_CLOSER,
    LAST_COMMA,
    LAST_COLON,
    LAST_DASH,
    LAST_MARKER, /* --- */
    LAST_COMMENT
};

/* A map or list by indentation: the column it was written at, and the one it gets. */
struct block {
    bool map, key_done; /* key_done: a map's next scalar is a value */
    size_t was, now;
};

struct comment {
    size_t from, to; /* in the bytes */
    size_t column;   /* as written */
    unsigned breaks; /* line ends before it */
    bool in_flow;    /* between brackets */
};

struct writer {
    struct rdt_span in;
    struct rdt_buf *out;
    struct block blocks[RDT_YAML_DEPTH_MAX + 1];
    size_t depth;    /* blocks open */
    size_t was_open; /* blocks[0..was_open] as they were when a comment was kept */
    struct block before[RDT_YAML_DEPTH_MAX + 1];
    size_t flow, flow_base; /* brackets open; column that their content is counted from */
    unsigned breaks;        /* line ends since the last thing written */
    enum last last;
    struct rdt_buf *waiting; /* struct comment: on lines of their own, not yet written */
    struct rdt_buf *kept;    /* text of every comment written so far, in order */
    const char *refused;     /* something legal in YAML that no plan needs: what, and where */
    size_t refused_at;
    bool lost; /* something stands where nothing should */
};

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool
is_break(uint8_t c)
{
    return c == '\n' || c == '\r';
}

/* The length of the line end at a place: 0, 1, or 2 for CR LF. */
static size_t
break_at(struct rdt_span in, size_t at)
{
    if (at >= in.n || !is_break(in.p[at]))
        return 0;
    return in.p[at] == '\r' && at + 1 < in.n && in.p[at + 1] == '\n' ? 2 : 1;
}

static size_t
line_end(struct rdt_span in, size_t at)
{
    while (at < in.n && !is_break(in.p[at]))
        at++;
    return at;
}

static size_t
column_of(struct rdt_span in, size_t at)
{
    size_t start = at;
    while (start > 0 && !is_break(in.p[start - 1]))
        start--;
    return at - start;
}

/* Blanks before a line end mean nothing, but for one that a backslash makes part of the text. */
static size_t
trimmed(struct rdt_span in, size_t from, size_t to, bool escapes)
{
    size_t end = to, slashes = 0;
    while (end > from && is_blank(in.p[end - 1]))
        end--;
    while (escapes && end - slashes > from && in.p[end - slashes - 1] == '\\')
        slashes++;
    return slashes % 2 == 1 && end < to ? end + 1 : end;
}

static uint32_t
line_of(struct rdt_span in, size_t at)
{
    uint32_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += in.p[i] == '\n';
    return line;
}

/* ---- where a line begins ---- */

static const struct block *
top(const struct writer *w)
{
    return w->depth == 0 ? NULL : &w->blocks[w->depth - 1];
}

/* The column of a value that begins a line, or of the next line of a text of several. */
static size_t
value_column(const struct writer *w)
{
    if (w->flow != 0)
        return w->flow_base + w->flow * STEP;
    return w->depth == 0 ? 0 : top(w)->now + STEP;
}

/* A closing bracket stands one step further left, but never as far as the key it belongs to. */
static size_t
closer_column(const struct writer *w)
{
    size_t column = w->flow_base + (w->flow - 1) * STEP;
    size_t least = w->depth == 0 ? 0 : top(w)->now + STEP;
    return column > least ? column : least;
}

static void
break_line(struct writer *w, unsigned breaks, size_t column)
{
    if (w->out->n == 0)
        breaks = 0; /* nothing empty at the top */
    if (breaks > EMPTY_MAX + 1)
        breaks = EMPTY_MAX + 1;
    for (unsigned i = 0; i < breaks; i++)
        rdt_buf_str(w->out, "\n");
    rdt_buf_fmt(w->out, "%*s", (int)column, "");
    w->last = LAST_NOTHING;
}

/* ---- comments on lines of their own ---- */

static void
keep_comment(struct writer *w, size_t from, size_t to)
{
    struct comment comment = {.from = from,
                              .to = to,
                              .column = column_of(w->in, from),
                              .breaks = w->breaks,
                              .in_flow = w->flow != 0};
    if (w->waiting->n == 0) {
        memcpy(w->before, w->blocks, sizeof w->before);
        w->was_open = w->depth;
    }
    rdt_buf_add(w->waiting, &comment, sizeof comment);
    w->breaks = 0;
}

/*
 * A comment belongs to the deepest block that it was not left of, of those open before it and the
 * one that goes on after it; if two begin in the same column, to the one that goes on.
 */
static size_t
comment_column(const struct writer *w, const struct comment *comment)
{
    size_t best = 0, column = 0;
    bool found = false;
    if (comment->in_flow)
        return value_column(w);
    for (size_t i = 0; i < w->was_open; i++) {
        const struct block *block = &w->before[i];
        if (block->was <= comment->column && (!found || block->was >= best)) {
            found = true;
            best = block->was;
            column = block->now;
        }
    }
    const struct block *next = top(w);
    if (next != NULL && next->was <= comment->column && (!found || next->was >= best))
        column = next->now;
    return column;
}

static void
write_comment_text(struct writer *w, size_t from, size_t to)
{
    to = trimmed(w->in, from, to, false);
    rdt_buf_add(w->out, w->in.p + from, to - from);
    rdt_buf_add(w->kept, w->in.p + from, to - from);
    rdt_buf_str(w->kept, "\n");
    w->last = LAST_COMMENT;
}

static void
write_comments(struct writer *w)
{
    size_t n = w->waiting->n / sizeof(struct comment);
    for (size_t i = 0; i < n; i++) {
        struct comment comment;
        memcpy(&comment, w->waiting->p + i * sizeof comment, sizeof comment);
        break_line(w, comment.breaks, comment_column(w, &comment));
        write_comment_text(w, comment.from, comment.to);
    }
    w->waiting->n = 0;
}

/* ---- one thing after another ---- */

static bool
needs_blank(enum last last, char next)
{
    if (last == LAST_COLON || last == LAST_DASH || last == LAST_MARKER)
        return true;
    if (next == ',' || next == ']')
        return false;
    if (next == '}' || last == LAST_BRACE)
        return !(next == '}' && last == LAST_BRACE);
    return last == LAST_COMMA;
}

/* Goes to where the next thing stands: on a new line at this column, or after a blank. */
static void
advance(struct writer *w, char next, size_t column)
{
    write_comments(w);
    if (w->breaks != 0 || w->out->n == 0)
        break_line(w, w->breaks, column);
    else if (w->last != LAST_NOTHING && needs_blank(w->last, next))
        rdt_buf_str(w->out, " ");
    w->breaks = 0;
}

static void
put(struct writer *w, char c, size_t column, enum last last)
{
    advance(w, c, column);
    rdt_buf_add(w->out, &c, 1);
    w->last = last;
}

/* ---- what stands between two parts ---- */

static void
refuse(struct writer *w, size_t at, const char *what)
{
    if (w->refused != NULL)
        return;
    w->refused = what;
    w->refused_at = at;
}

static void
on_comment(struct writer *w, size_t from, size_t to)
{
    if (w->breaks != 0 || w->out->n == 0) {
        keep_comment(w, from, to);
        return;
    }
    size_t gap = 0; /* the writer's, so that comments in a column stay in it */
    while (gap < from && is_blank(w->in.p[from - gap - 1]))
        gap++;
    rdt_buf_fmt(w->out, "%*s", (int)(gap > COMMENT_GAP ? gap : COMMENT_GAP), "");
    write_comment_text(w, from, to);
}

static bool
stands(struct rdt_span in, size_t at, const char *text)
{
    size_t n = strlen(text);
    return in.n - at >= n && rdt_span_is((struct rdt_span){in.p + at, n}, text);
}

static bool
starts_marker(const struct writer *w, size_t at)
{
    if (at != 0 && !is_break(w->in.p[at - 1]))
        return false;
    return w->in.p[at] == '%' || stands(w->in, at, "---") || stands(w->in, at, "...");
}

static size_t
on_marker(struct writer *w, size_t at)
{
    size_t end = w->in.p[at] == '%' ? line_end(w->in, at) : at + 3;
    advance(w, '-', 0);
    rdt_buf_add(w->out, w->in.p + at, trimmed(w->in, at, end, false) - at);
    w->last = LAST_MARKER;
    return end;
}

static void
on_sign(struct writer *w, size_t at)
{
    struct block *block = w->depth == 0 ? NULL : &w->blocks[w->depth - 1];
    size_t column = w->flow != 0 || block == NULL ? value_column(w) : block->now;
    char c = (char)w->in.p[at];
    if (c == ':')
        put(w, c, column, LAST_COLON);
    else if (c == ',')
        put(w, c, column, LAST_COMMA);
    else if (c == '-')
        put(w, c, column, LAST_DASH);
    else if (c == '?')
        refuse(w, at, "a key after `?` cannot be tidied");
    else
        w->lost = true;
}

/* Reads from..to, all of it between two parts. Stops early at `|` or `>` and returns its place. */
static size_t
between(struct writer *w, size_t from, size_t to)
{
    for (size_t at = from; at < to;) {
        uint8_t c = w->in.p[at];
        size_t n = break_at(w->in, at);
        if (n != 0) {
            w->breaks++;
            at += n;
        } else if (is_blank(c)) {
            at++;
        } else if (c == '#') {
            size_t end = line_end(w->in, at);
            on_comment(w, at, end < to ? end : to);
            at = end;
        } else if (starts_marker(w, at)) {
            at = on_marker(w, at);
        } else if (c == '|' || c == '>') {
            return at;
        } else {
            on_sign(w, at++);
        }
    }
    return to;
}

/* ---- scalars ---- */

static void
write_lines(struct writer *w, const struct rdt_yaml_part *part)
{
    size_t column = value_column(w);
    for (size_t at = part->from; at < part->to;) {
        size_t end = line_end(w->in, at);
        end = end < part->to ? end : part->to;
        size_t next = end + (end < part->to ? break_at(w->in, end) : 0);
        size_t text = at;
        while (at != part->from && text < end && is_blank(w->in.p[text]))
            text++;
        size_t stop =
            end < part->to ? trimmed(w->in, text, end, part->style == RDT_STYLE_DOUBLE) : end;
        if (at != part->from && stop > text)
            rdt_buf_fmt(w->out, "%*s", (int)column, "");
        rdt_buf_add(w->out, w->in.p + text, stop - text);
        if (next > end)
            rdt_buf_str(w->out, "\n");
        at = next;
    }
    w->last = LAST_SCALAR;
}

static void
on_scalar(struct writer *w, const struct rdt_yaml_part *part)
{
    struct block *block = w->depth == 0 || w->flow != 0 ? NULL : &w->blocks[w->depth - 1];
    bool key = block != NULL && block->map && !block->key_done;
    if (block != NULL && block->map)
        block->key_done = !block->key_done;
    if (part->to == part->from && key)
        refuse(w, part->from, "a key is missing before `:`");
    if (part->to == part->from)
        return; /* a value left out */
    advance(w, 'a', key ? block->now : value_column(w));
    write_lines(w, part);
}

/* ---- texts of whole lines ---- */

static size_t
blanks_at(struct rdt_span in, size_t at)
{
    size_t n = 0;
    while (at + n < in.n && in.p[at + n] == ' ')
        n++;
    return n;
}

static bool
is_empty_line(struct rdt_span in, size_t at)
{
    at += blanks_at(in, at);
    return at >= in.n || is_break(in.p[at]);
}

struct text {
    size_t from, to; /* whole lines */
    size_t indent;   /* of the content, as written */
    bool keep;       /* `+`: empty lines at the end count */
};

/* The header: the sign, a chomping sign, a number that says how far the content is indented. */
static size_t
text_header(struct writer *w, size_t at, struct text *text)
{
    char number = 0, chomp = 0;
    if (w->waiting->n == 0)
        w->breaks = 0; /* the sign stands beside its key */
    advance(w, '|', value_column(w));
    rdt_buf_add(w->out, w->in.p + at, 1);
    for (at++; at < w->in.n && strchr("+-123456789", w->in.p[at]) != NULL && w->in.p[at] != 0;
         at++) {
        if (w->in.p[at] == '+' || w->in.p[at] == '-')
            chomp = (char)w->in.p[at];
        else
            number = (char)w->in.p[at];
    }
    text->keep = chomp == '+';
    text->indent = number == 0 ? 0 : (size_t)(number - '0') + (w->depth == 0 ? 0 : top(w)->was);
    if (number != 0)
        rdt_buf_fmt(w->out, "%d", STEP);
    if (chomp != 0)
        rdt_buf_add(w->out, &chomp, 1);
    w->last = LAST_SCALAR;
    return at;
}

/* The lines of content; empty ones at the end belong to what follows, unless they count. */
static void
text_bounds(const struct writer *w, const struct rdt_yaml_part *part, struct text *text)
{
    size_t start = part->to - column_of(w->in, part->to), last = text->from;
    bool next_begins = part->to < w->in.n && start + blanks_at(w->in, start) >= part->to;
    text->to = next_begins ? start : part->to;
    for (size_t at = text->from; at < text->to;) {
        size_t end = line_end(w->in, at), n = blanks_at(w->in, at);
        bool empty = is_empty_line(w->in, at);
        if (text->indent == 0 && !empty)
            text->indent = n;
        at = end + break_at(w->in, end);
        if (!empty || (text->indent != 0 && n > text->indent))
            last = at;
    }
    if (!text->keep && last < text->to)
        text->to = last;
}

static void
on_text(struct writer *w, size_t header, const struct rdt_yaml_part *part)
{
    struct text text = {0};
    size_t column = value_column(w);
    struct block *block = w->depth == 0 ? NULL : &w->blocks[w->depth - 1];
    if (block != NULL && block->map)
        block->key_done = !block->key_done;
    size_t at = text_header(w, header, &text);
    size_t end = line_end(w->in, at);
    between(w, at, end); /* a comment, perhaps */
    text.from = end + break_at(w->in, end);
    text_bounds(w, part, &text);
    for (at = text.from; at < text.to;) {
        size_t n = blanks_at(w->in, at);
        end = line_end(w->in, at);
        end = end < text.to ? end : text.to;
        rdt_buf_str(w->out, "\n");
        n = n < text.indent ? n : text.indent;
        if (end > at + n && text.indent != 0) /* blanks alone stay as they are */
            rdt_buf_fmt(w->out, "%*s", (int)column, "");
        rdt_buf_add(w->out, w->in.p + at + n, end - at - n);
        at = end + break_at(w->in, end);
    }
    w->breaks = 1; /* that of the last line */
    w->last = LAST_SCALAR;
    between(w, text.to > text.from ? text.to : text.from, part->to);
}

/* ---- maps and lists ---- */

static void
on_open(struct writer *w, const struct rdt_yaml_part *part)
{
    bool map = part->kind == RDT_PART_MAP;
    if (part->style == RDT_STYLE_FLOW) {
        if (part->to == part->from)
            return; /* [a: b], a map without brackets */
        if (w->flow == 0) {
            struct block *block = w->depth == 0 ? NULL : &w->blocks[w->depth - 1];
            bool alone = w->breaks != 0 || w->waiting->n != 0;
            w->flow_base = block == NULL ? 0 : block->now + (alone || !block->map ? STEP : 0);
            if (block != NULL && block->map)
                block->key_done = !block->key_done;
        }
        put(w, map ? '{' : '[', value_column(w), map ? LAST_BRACE : LAST_BRACKET);
        w->flow++;
        return;
    }
    struct block *parent = w->depth == 0 ? NULL : &w->blocks[w->depth - 1];
    if (parent != NULL && parent->map)
        parent->key_done = !parent->key_done;
    struct block block = {.map = map,
                          .was = column_of(w->in, part->from),
                          .now = parent == NULL ? 0 : parent->now + STEP};
    w->blocks[w->depth++] = block;
}

static void
on_close(struct writer *w, const struct rdt_yaml_part *part)
{
    if (part->style == RDT_STYLE_BLOCK) {
        w->depth -= w->depth > 0;
        return;
    }
    if (part->to == part->from || w->flow == 0)
        return;
    put(w, (char)w->in.p[part->from], closer_column(w), LAST_CLOSER);
    w->flow--;
}

static void
write_parts(struct writer *w, const struct rdt_yaml_part *parts, size_t n)
{
    size_t at = stands(w->in, 0, "\xef\xbb\xbf") ? 3 : 0; /* a byte order mark says nothing */
    for (size_t i = 0; i < n && !w->lost && w->refused == NULL; i++) {
        const struct rdt_yaml_part *part = &parts[i];
        size_t stop = between(w, at, part->from);
        if (part->style == RDT_STYLE_TEXT)
            on_text(w, stop, part);
        else if (stop != part->from)
            w->lost = true;
        else if (part->kind == RDT_PART_SCALAR)
            on_scalar(w, part);
        else if (part->kind == RDT_PART_CLOSE)
            on_close(w, part);
        else
            on_open(w, part);
        at = part->to;
    }
    between(w, at, w->in.n);
    write_comments(w);
    if (w->out->n != 0)
        rdt_buf_str(w->out, "\n"); /* nothing above ends its own line */
}

/* ---- the same document as before? ---- */

static bool
same(const struct rdt_node *a, const struct rdt_node *b)
{
    if (a->kind != b->kind || a->quoted != b->quoted || a->n != b->n ||
        rdt_span_cmp(a->text, b->text) != 0)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (rdt_span_cmp(a->members[i].key, b->members[i].key) != 0 ||
            !same(a->members[i].node, b->members[i].node))
            return false;
    }
    return true;
}

/* Tidies once; comments gets the text of every comment, in order. */
static enum rdt_code
tidy(const char *file, struct rdt_span bytes, struct rdt_buf *out, struct rdt_buf *comments,
     struct rdt_diags *diags, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF waiting = {0};
    struct writer w = {.in = bytes, .out = out, .kept = comments, .waiting = &waiting};
    struct rdt_yaml_part *parts = NULL;
    size_t n = 0;
    enum rdt_code rc = rdt_yaml_parts(bytes, &arena, &parts, &n, err);
    if (rc != RDT_OK)
        return rc;
    write_parts(&w, parts, n);
    if (w.refused != NULL) {
        struct rdt_mark mark = {file, line_of(bytes, w.refused_at),
                                (uint32_t)column_of(bytes, w.refused_at) + 1};
        rdt_diag_add(diags, mark, "%s", w.refused);
        rdt_diag_hint(diags, "write `key: value`");
        return rdt_fail(err, RDT_E_BADINPUT, "%s: 1 mistake", file);
    }
    if (w.lost)
        return rdt_fail(err, RDT_E_INTERNAL, "a part that was not expected");
    return rdt_buf_ok(out) && rdt_buf_ok(comments) && rdt_buf_ok(&waiting)
               ? RDT_OK
               : rdt_fail(err, RDT_E_NOMEM, "%s", file);
}

static bool
equal(const struct rdt_buf *a, const struct rdt_buf *b)
{
    return rdt_span_cmp(rdt_buf_span(a), rdt_buf_span(b)) == 0;
}

/* Reads the tidy text again: the same tree, the same comments, and nothing left to tidy. */
static enum rdt_code
prove(const char *file, const struct rdt_node *was, const struct rdt_buf *text,
      const struct rdt_buf *comments, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_BUF again = {0}, comments_again = {0};
    struct rdt_node *now = NULL;
    enum rdt_code rc = rdt_yaml_parse(file, rdt_buf_span(text), &arena, &diags, &now, err);
    if (rc == RDT_OK)
        rc = tidy(file, rdt_buf_span(text), &again, &comments_again, &diags, err);
    if (rc == RDT_E_NOMEM ||
        (rc == RDT_OK && same(was, now) && equal(text, &again) && equal(comments, &comments_again)))
        return rc;
    rdt_fail(err, RDT_E_INTERNAL, "%s: tidying it would change it; it is left as it is", file);
    rdt_hint(err, "this is a defect in redoubt: please report it with the file");
    return RDT_E_INTERNAL;
}

enum rdt_code
rdt_plan_fmt(const char *file, struct rdt_span bytes, struct rdt_diags *diags, struct rdt_buf *out,
             struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF text = {0}, comments = {0};
    struct rdt_node *was = NULL;
    enum rdt_code rc = rdt_yaml_parse(file, bytes, &arena, diags, &was, err);
    if (rc == RDT_OK && was->kind != RDT_NODE_MAP) {
        rdt_diag_add(diags, was->mark, "expected a map of sections");
        rc = rdt_fail(err, RDT_E_BADINPUT, "%s: 1 mistake", file);
    }
    if (rc == RDT_OK)
        rc = tidy(file, bytes, &text, &comments, diags, err);
    if (rc == RDT_OK)
        rc = prove(file, was, &text, &comments, err);
    if (rc == RDT_OK)
        rdt_buf_add(out, text.p, text.n);
    return rc;
}
