#include "codec/yaml_parts.h"

#include "base/buf.h"
#include "codec/yaml.h"

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

struct gatherer {
    struct rdt_span bytes;
    struct rdt_buf parts;
    size_t last; /* where the part before ended */
    enum rdt_yaml_style open[RDT_YAML_DEPTH_MAX];
    size_t depth;
};

/*
 * libfyaml's marks leave the quotes out; an empty value has none at all; and a map without
 * brackets, as in [a: b], is said to begin behind its first key.
 */
static bool
place(struct gatherer *g, struct fy_event *event, struct rdt_yaml_part *part)
{
    const struct fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);
    bool quoted = part->style == RDT_STYLE_SINGLE || part->style == RDT_STYLE_DOUBLE;
    part->from = start == NULL ? g->last : start->input_pos;
    part->to = end == NULL ? part->from : end->input_pos;
    if (quoted && part->from > 0) {
        part->from--;
        part->to++;
    }
    if (part->kind == RDT_PART_MAP && part->style == RDT_STYLE_FLOW && part->to == part->from)
        part->from = part->to = g->last;
    return part->from >= g->last && part->to >= part->from && part->to <= g->bytes.n;
}

/* What ends has the style of what began: libfyaml is not sure of it. */
static bool
nest(struct gatherer *g, struct rdt_yaml_part *part)
{
    if (part->kind == RDT_PART_SCALAR)
        return true;
    if (part->kind == RDT_PART_CLOSE) {
        if (g->depth == 0)
            return false;
        part->style = g->open[--g->depth];
        return true;
    }
    if (g->depth == RDT_YAML_DEPTH_MAX)
        return false;
    g->open[g->depth++] = part->style;
    return true;
}

static bool
gather(struct gatherer *g, struct fy_parser *parser)
{
    struct fy_event *event;
    bool ok = true;
    while (ok && (event = fy_parser_parse(parser)) != NULL) {
        struct rdt_yaml_part part = {0};
        if (part_of_event(event, &part)) {
            part.style = style_of(event);
            ok = nest(g, &part) && place(g, event, &part);
            g->last = part.to;
            rdt_buf_add(&g->parts, &part, sizeof part);
        }
        fy_parser_event_free(parser, event);
    }
    return ok && !fy_parser_get_stream_error(parser);
}

/* Reads the document; libfyaml's own words about it go nowhere, rdt_yaml_parse() has said them. */
static bool
read_parts(struct gatherer *g)
{
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&quiet);
    struct fy_parse_cfg cfg = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2, .diag = diag};
    struct fy_parser *parser = diag == NULL ? NULL : fy_parser_create(&cfg);
    if (diag != NULL)
        fy_diag_set_collect_errors(diag, true);
    bool ok = parser != NULL && g->bytes.n != 0 &&
              fy_parser_set_string(parser, (const char *)g->bytes.p, g->bytes.n) == 0 &&
              gather(g, parser);
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return ok;
}

enum rdt_code
rdt_yaml_parts(struct rdt_span bytes, struct rdt_arena *arena, struct rdt_yaml_part **out,
               size_t *n, struct rdt_err *err)
{
    struct gatherer g = {.bytes = bytes};
    enum rdt_code rc = RDT_OK;
    struct rdt_yaml_part *kept = NULL;
    if (!read_parts(&g))
        rc = rdt_fail(err, RDT_E_BADINPUT, "YAML parts: not a document");
    else if (!rdt_buf_ok(&g.parts) || (kept = rdt_arena_new(arena, g.parts.n + 1)) == NULL)
        rc = rdt_fail(err, RDT_E_NOMEM, "YAML parts");
    if (rc == RDT_OK) {
        if (g.parts.n != 0)
            memcpy(kept, g.parts.p, g.parts.n);
        *out = kept;
        *n = g.parts.n / sizeof *kept;
    }
    rdt_buf_done(&g.parts);
    return rc;
}
