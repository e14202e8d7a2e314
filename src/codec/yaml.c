#include "codec/yaml.h"

#include "base/text.h"
#include "codec/yaml_cost.h"

#include <libfyaml.h>
#include <stdlib.h>

#define YAML_ERRORS_MAX 20 /* complaints of the parser itself about one file */

struct frame {
    struct rdt_node *node;
    bool has_key; /* a map: its next event is the value of key */
    struct rdt_span key;
    struct rdt_mark key_mark;
};

struct builder {
    const char *file;
    struct rdt_arena *arena;
    struct rdt_diags *diags;
    struct rdt_node *root;
    struct frame stack[RDT_YAML_DEPTH_MAX];
    size_t depth;
    size_t n_documents;
    size_t n_bad;         /* complaints made */
    size_t n_syntax;      /* of them, those that leave the tree unfinished */
    struct rdt_mark last; /* place of the last event that had one */
    bool no_memory;
};

/* What was left out (an empty key) has no place of its own: it gets that of what came before. */
static struct rdt_mark
mark_of(struct builder *b, const struct fy_mark *at)
{
    if (at != NULL)
        b->last = (struct rdt_mark){b->file, (uint32_t)at->line + 1, (uint32_t)at->column + 1};
    return b->last;
}

static void
complain(struct builder *b, struct rdt_mark mark, const char *text, const char *hint)
{
    rdt_diag_add(b->diags, mark, "%s", text);
    if (hint != NULL)
        rdt_diag_hint(b->diags, "%s", hint);
    b->n_bad++;
}

/* Puts a finished or opened value where the stack says: root, list item, map key or map value. */
static void
place(struct builder *b, struct rdt_node *node)
{
    if (node == NULL) {
        b->no_memory = true;
        return;
    }
    if (b->depth == 0) {
        b->root = node;
        return;
    }
    struct frame *top = &b->stack[b->depth - 1];
    if (top->node->kind == RDT_NODE_MAP && !top->has_key) {
        if (node->kind != RDT_NODE_SCALAR && node->kind != RDT_NODE_NULL)
            complain(b, node->mark, "a key must be plain text", NULL);
        if (rdt_span_is(node->text, "<<") && !node->quoted)
            complain(b, node->mark, "merge keys (<<) are not part of the format",
                     "use `like: other-id` to inherit from another entry");
        if (node->text.p != NULL)
            top->key = node->text;
        else /* complained of: a list or a map, which has no text */
            top->key = rdt_span_str("");
        top->key_mark = node->mark;
        top->has_key = true;
        return;
    }
    struct rdt_mark mark = top->has_key ? top->key_mark : node->mark;
    if (!rdt_node_put(b->arena, top->node, top->key, mark, node))
        b->no_memory = true;
    top->has_key = false;
    top->key = (struct rdt_span){0};
}

static bool
is_null_word(struct rdt_span text)
{
    return text.n == 0 || rdt_span_is(text, "null") || rdt_span_is(text, "~") ||
           rdt_span_is(text, "Null") || rdt_span_is(text, "NULL");
}

/* libfyaml's marks of quoted texts, anchors and aliases lie behind the sign that begins them. */
static struct rdt_mark
with_sign(struct rdt_mark mark)
{
    mark.column -= mark.column > 1;
    return mark;
}

static struct rdt_mark
token_mark(struct builder *b, struct fy_token *token, struct rdt_mark otherwise)
{
    const struct fy_mark *at = fy_token_start_mark(token);
    return at == NULL ? otherwise : mark_of(b, at);
}

static void
refuse_extras(struct builder *b, struct rdt_mark mark, struct fy_token *anchor,
              struct fy_token *tag)
{
    if (anchor != NULL)
        complain(b, with_sign(token_mark(b, anchor, mark)),
                 "anchors (&name) are not part of the format",
                 "use `like: other-id` to inherit from another entry");
    if (tag != NULL)
        complain(b, token_mark(b, tag, mark), "tags (!name) are not part of the format",
                 "remove the tag: the field's place gives the type");
}

static void
on_scalar(struct builder *b, struct fy_event *event)
{
    size_t n = 0;
    struct rdt_mark mark = mark_of(b, fy_event_start_mark(event));
    const char *text = fy_token_get_text(event->scalar.value, &n);
    enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        mark = with_sign(mark);
    refuse_extras(b, mark, event->scalar.anchor, event->scalar.tag);
    struct rdt_span span = {(const uint8_t *)text, text == NULL ? 0 : n};
    const uint8_t *nul = span.n == 0 ? NULL : memchr(span.p, 0, span.n);
    if (nul != NULL && style == FYSS_DOUBLE_QUOTED)
        complain(b, mark, "a NUL character (\\0) stands in this text", NULL);
    if (nul != NULL) /* written by an escape; or libfyaml's, after an empty block text [M] */
        span.n = (size_t)(nul - span.p);
    bool plain = style == FYSS_PLAIN;
    struct rdt_node *node = rdt_node_scalar(b->arena, span, mark);
    if (node != NULL) {
        node->quoted = !plain;
        bool is_key = b->depth > 0 && b->stack[b->depth - 1].node->kind == RDT_NODE_MAP &&
                      !b->stack[b->depth - 1].has_key;
        if (plain && !is_key && is_null_word(span))
            node->kind = RDT_NODE_NULL;
    }
    place(b, node);
}

static void
on_open(struct builder *b, struct fy_event *event)
{
    bool map = event->type == FYET_MAPPING_START;
    struct rdt_mark mark = mark_of(b, fy_event_start_mark(event));
    refuse_extras(b, mark, map ? event->mapping_start.anchor : event->sequence_start.anchor,
                  map ? event->mapping_start.tag : event->sequence_start.tag);
    if (b->depth == RDT_YAML_DEPTH_MAX) {
        complain(b, mark, "lists and maps stand more than 64 deep", NULL);
        b->n_syntax++;
        return;
    }
    struct rdt_node *node = rdt_node_new(b->arena, map ? RDT_NODE_MAP : RDT_NODE_LIST, mark);
    place(b, node);
    if (node != NULL)
        b->stack[b->depth++] = (struct frame){.node = node};
}

/* Sorting brings equal keys together; each but the first written is a complaint. */
static void
refuse_duplicates(struct builder *b, const struct rdt_node *map)
{
    for (size_t i = 1; i < map->n; i++) {
        const struct rdt_member *member = &map->members[i];
        const struct rdt_member *first = rdt_node_member(map, member->key);
        if (first == member)
            continue;
        rdt_diag_add(b->diags, member->mark, "'%.*s' is written twice", RDT_FMT(member->key));
        rdt_diag_hint(b->diags, "the first is in line %u", first->mark.line);
        b->n_bad++;
    }
}

static void
on_close(struct builder *b, struct fy_event *event)
{
    (void)event;
    if (b->depth == 0)
        return;
    struct rdt_node *node = b->stack[--b->depth].node;
    if (node->kind != RDT_NODE_MAP)
        return;
    if (!rdt_node_sort(b->arena, node))
        b->no_memory = true;
    refuse_duplicates(b, node);
}

static void
on_alias(struct builder *b, struct fy_event *event)
{
    struct rdt_mark mark = with_sign(mark_of(b, fy_event_start_mark(event)));
    complain(b, mark, "aliases (*name) are not part of the format",
             "use `like: other-id` to inherit from another entry, or write the value out");
    place(b, rdt_node_new(b->arena, RDT_NODE_NULL, mark));
}

static void
on_document(struct builder *b, struct fy_event *event)
{
    if (++b->n_documents == 2)
        complain(b, mark_of(b, fy_event_start_mark(event)), "a second document begins here",
                 "a file holds one document: remove the `---` line");
}

static void (*const handlers[])(struct builder *, struct fy_event *) = {
    [FYET_DOCUMENT_START] = on_document,
    [FYET_MAPPING_START] = on_open,
    [FYET_MAPPING_END] = on_close,
    [FYET_SEQUENCE_START] = on_open,
    [FYET_SEQUENCE_END] = on_close,
    [FYET_SCALAR] = on_scalar,
    [FYET_ALIAS] = on_alias,
};

static void
run_events(struct builder *b, struct fy_parser *parser)
{
    struct fy_event *event;
    while ((event = fy_parser_parse(parser)) != NULL) {
        if ((size_t)event->type < RDT_COUNT(handlers) && handlers[event->type] != NULL)
            handlers[event->type](b, event);
        fy_parser_event_free(parser, event);
        /* Past the depth limit the stack no longer matches the events; and one such is enough. */
        if (b->no_memory || b->n_bad >= RDT_DIAGS_MAX || b->n_documents > 1 ||
            (b->n_bad != 0 && b->depth == RDT_YAML_DEPTH_MAX))
            return;
    }
}

static void
take_parser_errors(struct builder *b, struct fy_diag *diag)
{
    void *at = NULL;
    const struct fy_diag_error *e;
    for (size_t n = 0; n < YAML_ERRORS_MAX && (e = fy_diag_errors_iterate(diag, &at)) != NULL;
         n++) {
        struct rdt_mark mark = {b->file, e->line < 0 ? 1 : (uint32_t)e->line,
                                e->column < 0 ? 1 : (uint32_t)e->column};
        complain(b, mark, e->msg, NULL);
        b->n_syntax++;
    }
}

/* libfyaml's own position for bad bytes can be wrong [M]: we look first. */
static bool
check_bytes(struct builder *b, struct rdt_span bytes)
{
    uint32_t line = 1;
    for (size_t at = 0; at < bytes.n; line++) {
        const uint8_t *end = memchr(bytes.p + at, '\n', bytes.n - at);
        size_t n = end == NULL ? bytes.n - at : (size_t)(end - bytes.p) - at;
        struct rdt_span row = {bytes.p + at, n};
        if (!rdt_text_utf8(row)) {
            bool nul = memchr(row.p, 0, row.n) != NULL;
            complain(b, (struct rdt_mark){b->file, line, 1},
                     nul ? "a NUL byte stands in this line" : "this line is not valid UTF-8",
                     "save the file as UTF-8 text");
            b->n_syntax++;
            return false;
        }
        at += n + 1;
    }
    return true;
}

static bool
check_cost(struct builder *b, struct rdt_span bytes)
{
    uint32_t line = 1;
    const char *why = rdt_yaml_cost(bytes, &line);
    if (why == NULL)
        return true;
    complain(b, (struct rdt_mark){b->file, line, 1}, why, NULL);
    b->n_syntax++;
    return false;
}

static void
parse(struct builder *b, struct rdt_span bytes)
{
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.colorize = false;
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    struct fy_parse_cfg cfg = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2, .diag = diag};
    struct fy_parser *parser = diag == NULL ? NULL : fy_parser_create(&cfg);
    if (parser == NULL) {
        b->no_memory = true;
    } else {
        fy_diag_set_collect_errors(diag, true);
        if (fy_parser_set_string(parser, (const char *)bytes.p, bytes.n) != 0)
            b->no_memory = true;
        else
            run_events(b, parser);
        take_parser_errors(b, diag);
    }
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
}

enum rdt_code
rdt_yaml_parse(const char *file, struct rdt_span bytes, struct rdt_arena *arena,
               struct rdt_diags *diags, struct rdt_node **out, struct rdt_err *err)
{
    struct builder b = {
        .file = file, .arena = arena, .diags = diags, .last = {file, 1, 1}
    };
    if (bytes.n > RDT_YAML_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "%s: larger than 8 MiB", file);
    if (bytes.n != 0 && check_bytes(&b, bytes) && check_cost(&b, bytes))
        parse(&b, bytes);
    if (b.no_memory)
        return rdt_fail(err, RDT_E_NOMEM, "%s", file);
    if (b.n_bad == 0 && (b.root == NULL || b.root->kind == RDT_NODE_NULL))
        complain(&b, (struct rdt_mark){file, 1, 1}, "the file is empty", NULL);
    if (b.root == NULL)
        b.n_syntax++;
    if (b.n_syntax == 0)
        *out = b.root;
    if (b.n_bad != 0)
        return rdt_fail(err, RDT_E_BADINPUT, "%s: %zu %s", file, b.n_bad,
                        b.n_bad == 1 ? "mistake" : "mistakes");
    return RDT_OK;
}
