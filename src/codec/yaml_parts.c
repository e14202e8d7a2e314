#include "codec/yaml_parts.h"

#include "base/buf.h"

#include <libfyaml.h>

static bool
part_of_event(struct fy_event *event, struct rdt_yaml_part *part)
{
    switch (event->type) {
    case FYET_MAPPING_START:
        part->kind = RDT_PART_MAP;
        break;
    case FYET_SEQUENCE_START:
        part->kind = RDT_PART_LIST;
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        part->kind = RDT_PART_CLOSE;
        break;
    case FYET_SCALAR:
        part->kind = RDT_PART_SCALAR;
        break;
    default:
        return false;
    }
    return true;
}

static enum rdt_yaml_style
style_of(struct fy_event *event)
{
    if (event->type != FYET_SCALAR)
        return fy_event_get_node_style(event) == FYNS_FLOW ? RDT_STYLE_FLOW : RDT_STYLE_BLOCK;
    switch (fy_token_scalar_style(event->scalar.value)) {
    case FYSS_SINGLE_QUOTED:
        return RDT_STYLE_SINGLE;
    case FYSS_DOUBLE_QUOTED:
        return RDT_STYLE_DOUBLE;
    case FYSS_LITERAL:
    case FYSS_FOLDED:
        return RDT_STYLE_TEXT;
    default:
        return RDT_STYLE_PLAIN;
    }
}

/* libfyaml's marks leave the quotes out; an empty value has none at all. */
static bool
place(struct fy_event *event, struct rdt_span bytes, size_t last, struct rdt_yaml_part *part)
{
    const struct fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);
    bool quoted = part->style == RDT_STYLE_SINGLE || part->style == RDT_STYLE_DOUBLE;
    part->from = start == NULL ? last : start->input_pos;
    part->to = end == NULL ? part->from : end->input_pos;
    if (quoted && part->from > 0) {
        part->from--;
        part->to++;
    }
    return part->from >= last && part->to >= part->from && part->to <= bytes.n;
}

static bool
gather(struct fy_parser *parser, struct rdt_span bytes, struct rdt_buf *parts)
{
    struct fy_event *event;
    size_t last = 0;
    bool ok = true;
    while (ok && (event = fy_parser_parse(parser)) != NULL) {
        struct rdt_yaml_part part = {0};
        if (part_of_event(event, &part)) {
            part.style = style_of(event);
            ok = place(event, bytes, last, &part);
            last = part.to;
            rdt_buf_add(parts, &part, sizeof part);
        }
        fy_parser_event_free(parser, event);
    }
    return ok && !fy_parser_get_stream_error(parser);
}

enum rdt_code
rdt_yaml_parts(struct rdt_span bytes, struct rdt_arena *arena, struct rdt_yaml_part **out,
               size_t *n, struct rdt_err *err)
{
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2};
    struct fy_parser *parser = fy_parser_create(&cfg);
    RDT_BUF parts = {0};
    if (parser == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "YAML parts");
    bool ok = bytes.n != 0 && fy_parser_set_string(parser, (const char *)bytes.p, bytes.n) == 0 &&
              gather(parser, bytes, &parts);
    fy_parser_destroy(parser);
    if (!ok)
        return rdt_fail(err, RDT_E_BADINPUT, "YAML parts: not a document");
    struct rdt_yaml_part *kept = rdt_arena_new(arena, parts.n + 1);
    if (kept == NULL || !rdt_buf_ok(&parts))
        return rdt_fail(err, RDT_E_NOMEM, "YAML parts");
    if (parts.n != 0)
        memcpy(kept, parts.p, parts.n);
    *out = kept;
    *n = parts.n / sizeof *kept;
    return RDT_OK;
}
