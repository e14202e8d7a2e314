#include "plan/schema.h"

#include "codec/json.h"
#include "plan/fields.h"

/* Not what another reader of YAML takes for a truth value or for nothing: as the loader. */
static const char id_pattern[] = "^(?!(true|false|yes|no|on|off|y|n|null)$)[a-z][a-z0-9-]{0,62}$";
static const char rule_pattern[] = "^[A-Z][A-Z0-9-]{1,62}$";

/* Objects are written in place, not under $defs: an editor's hover then needs no jump, and each
 * occurs once or twice only. */
struct writer {
    struct rdt_buf *out;
    unsigned depth;
};

static void write_field(struct writer *w, const struct rdt_field *field, bool partial);
static void write_shape(struct writer *w, const struct rdt_shape *shape, const char *help,
                        bool like, bool partial);

static void
line(struct writer *w, const char *text)
{
    rdt_buf_fmt(w->out, "\n%*s%s", (int)(w->depth * 2), "", text);
}

static void
open_object(struct writer *w)
{
    rdt_buf_str(w->out, "{");
    w->depth++;
}

static void
close_object(struct writer *w)
{
    w->depth--;
    line(w, "}");
}

static void
text_member(struct writer *w, const char *key, const char *value)
{
    line(w, "");
    rdt_buf_fmt(w->out, "\"%s\": ", key);
    rdt_json_text(w->out, rdt_span_str(value));
}

static void
enum_member(struct writer *w, const char *const *words)
{
    line(w, "\"enum\": [");
    for (size_t i = 0; words[i] != NULL; i++) {
        rdt_buf_str(w->out, i == 0 ? "" : ", ");
        rdt_json_text(w->out, rdt_span_str(words[i]));
    }
    rdt_buf_str(w->out, "]");
}

static void
write_map(struct writer *w, const struct rdt_field *field, bool partial)
{
    static const char *const patterns[] = {
        [RDT_K_ID] = id_pattern,
        [RDT_K_EXCEPTION] = "^EX-[0-9]{1,6}$",
        [RDT_K_ATTESTATION] = "^AT-[0-9]{1,6}$",
        [RDT_K_LEVEL] = "^(critical|high|medium|low)$",
        [RDT_K_RULE] = rule_pattern,
    };
    bool like = (field->flags & RDT_F_LIKE) != 0;
    rdt_buf_str(w->out, ",");
    text_member(w, "type", "object");
    rdt_buf_str(w->out, ",");
    line(w, "\"propertyNames\": { \"pattern\": ");
    rdt_json_text(w->out, rdt_span_str(patterns[field->keys]));
    rdt_buf_str(w->out, " },");
    line(w, "\"additionalProperties\": ");
    if (field->item->type == RDT_T_OBJECT)
        write_shape(w, field->item->shape, NULL, like, partial);
    else
        write_field(w, field->item, partial);
}

static void
write_text_like(struct writer *w, const struct rdt_field *field)
{
    static const char *const patterns[] = {
        [RDT_T_TEXT] = "[^ \\t]|^[ \\t]+$",      [RDT_T_DATE] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        [RDT_T_DURATION] = "^[0-9]{1,6}[hdwy]$", [RDT_T_SHA256] = "^[0-9a-f]{64}$",
        [RDT_T_SECRET] = "^(env|file):.",
    };
    rdt_buf_str(w->out, ",");
    text_member(w, "type", "string");
    rdt_buf_str(w->out, ",");
    if (field->type == RDT_T_TEXT)
        line(w, "\"minLength\": 1");
    else
        text_member(w, "pattern", field->type == RDT_T_REF ? "." : patterns[field->type]);
}

static void
write_scalar(struct writer *w, const struct rdt_field *field)
{
    if (field->type == RDT_T_ONE) {
        rdt_buf_str(w->out, ",");
        line(w, "\"const\": 1");
    } else if (field->type == RDT_T_BOOL) {
        rdt_buf_str(w->out, ",");
        text_member(w, "type", "boolean");
    } else if (field->type == RDT_T_INT) {
        rdt_buf_str(w->out, ",");
        text_member(w, "type", "integer");
        rdt_buf_fmt(w->out, ",\n%*s\"minimum\": %lld, \"maximum\": %lld", (int)(w->depth * 2), "",
                    (long long)field->min, (long long)field->max);
    } else if (field->type == RDT_T_WORD) {
        rdt_buf_str(w->out, ",");
        enum_member(w, field->words);
    } else {
        write_text_like(w, field);
    }
}

static void
write_list(struct writer *w, const struct rdt_field *field)
{
    rdt_buf_str(w->out, ",");
    text_member(w, "type", "array");
    rdt_buf_str(w->out, ",");
    line(w, "\"items\": ");
    write_field(w, field->item, false);
}

static void
write_field(struct writer *w, const struct rdt_field *field, bool partial)
{
    if (field->type == RDT_T_OBJECT) {
        write_shape(w, field->shape, field->help, false, partial);
        return;
    }
    if (field->type == RDT_T_PATCH) { /* the whole plan again, with null: the loader judges it */
        rdt_buf_str(w->out, "{ \"type\": \"object\", \"description\": ");
        rdt_json_text(w->out, rdt_span_str(field->help));
        rdt_buf_str(w->out, " }");
        return;
    }
    open_object(w);
    text_member(w, "description", field->help != NULL ? field->help : "One entry.");
    if (field->type == RDT_T_MAP)
        write_map(w, field, partial);
    else if (field->type == RDT_T_LIST)
        write_list(w, field);
    else
        write_scalar(w, field);
    close_object(w);
}

static void
write_required(struct writer *w, const struct rdt_shape *shape)
{
    size_t n = 0;
    for (size_t i = 0; i < shape->n; i++) {
        if ((shape->fields[i].flags & RDT_F_REQUIRED) == 0)
            continue;
        rdt_buf_str(w->out, n++ == 0 ? ",\n" : ", ");
        if (n == 1)
            rdt_buf_fmt(w->out, "%*s\"required\": [", (int)(w->depth * 2), "");
        rdt_json_text(w->out, rdt_span_str(shape->fields[i].name));
    }
    rdt_buf_str(w->out, n == 0 ? "" : "]");
}

/* Exactly one of the fields that can stand alone. */
static void
write_one_of(struct writer *w, const struct rdt_shape *shape)
{
    size_t n = 0;
    rdt_buf_str(w->out, ",");
    line(w, "\"oneOf\": [");
    for (size_t i = 0; i < shape->n; i++) {
        if ((shape->fields[i].flags & RDT_F_COMPANION) != 0)
            continue;
        rdt_buf_str(w->out, n++ == 0 ? "{ \"required\": [" : ", { \"required\": [");
        rdt_json_text(w->out, rdt_span_str(shape->fields[i].name));
        rdt_buf_str(w->out, "] }");
    }
    rdt_buf_str(w->out, "]");
}

static bool
has_needs(const struct rdt_field *field)
{
    if ((field->flags & RDT_F_EXACTLY_1) != 0)
        return true;
    for (size_t i = 0; i < field->shape->n; i++) {
        const struct rdt_field *inner = &field->shape->fields[i];
        if ((inner->flags & RDT_F_REQUIRED) != 0 ||
            (inner->type == RDT_T_OBJECT && has_needs(inner)))
            return true;
    }
    return false;
}

/* What an object must have, and what the objects in it must have: without their types, which stand
 * elsewhere. */
static void
write_needs(struct writer *w, const struct rdt_shape *shape, bool one_of)
{
    size_t n = 0;
    open_object(w);
    line(w, "\"type\": \"object\"");
    write_required(w, shape);
    if (one_of)
        write_one_of(w, shape);
    for (size_t i = 0; i < shape->n; i++) {
        const struct rdt_field *field = &shape->fields[i];
        if (field->type != RDT_T_OBJECT || !has_needs(field))
            continue;
        rdt_buf_str(w->out, ",");
        if (n++ == 0) {
            line(w, "\"properties\": ");
            open_object(w);
        }
        line(w, "");
        rdt_json_text(w->out, rdt_span_str(field->name));
        rdt_buf_str(w->out, ": ");
        write_needs(w, field->shape, (field->flags & RDT_F_EXACTLY_1) != 0);
    }
    if (n != 0)
        close_object(w);
    close_object(w);
}

/* An entry that says `like` takes what it lacks from another, so nothing in it is required. */
static void
write_shape(struct writer *w, const struct rdt_shape *shape, const char *help, bool like,
            bool partial)
{
    open_object(w);
    if (help != NULL) {
        text_member(w, "description", help);
        rdt_buf_str(w->out, ",");
    }
    text_member(w, "type", "object");
    rdt_buf_str(w->out, ",");
    line(w, "\"additionalProperties\": false");
    if (!like && !partial)
        write_required(w, shape);
    rdt_buf_str(w->out, ",");
    line(w, "\"properties\": ");
    open_object(w);
    if (like) {
        line(w, "\"like\": { \"type\": \"string\", \"pattern\": ");
        rdt_json_text(w->out, rdt_span_str(id_pattern));
        rdt_buf_str(w->out, ", \"description\": \"Take what is missing here from that entry.\" },");
    }
    for (size_t i = 0; i < shape->n; i++) {
        rdt_buf_str(w->out, i == 0 ? "" : ",");
        line(w, "");
        rdt_json_text(w->out, rdt_span_str(shape->fields[i].name));
        rdt_buf_str(w->out, ": ");
        /* an entry that inherits may leave out parts of its parts as well */
        write_field(w, &shape->fields[i], like || partial);
    }
    close_object(w);
    if (like) {
        rdt_buf_str(w->out, ",");
        line(w, "\"if\": { \"not\": { \"required\": [\"like\"] } },");
        line(w, "\"then\": ");
        write_needs(w, shape, false);
    }
    close_object(w);
}

void
rdt_plan_schema(struct rdt_buf *out)
{
    struct writer w = {.out = out};
    RDT_BUF body = {0};
    struct writer inner = {.out = &body};
    write_shape(&inner, &rdt_plan_shape, NULL, false, false);
    open_object(&w);
    text_member(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    rdt_buf_str(out, ",");
    text_member(&w, "title", "Redoubt encryption plan, format 1");
    rdt_buf_str(out, ",");
    text_member(&w, "description", "References, cycles and levels are judged by `redoubt check`.");
    rdt_buf_str(out, ",");
    if (rdt_buf_ok(&body))
        rdt_buf_add(out, body.p + 1, body.n - 1); /* the shape's members, without its brace */
    else
        out->failed = true;
    rdt_buf_str(out, "\n");
}
