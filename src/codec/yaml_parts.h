/*
 * yaml_parts.h - where each part of a YAML document stands in its bytes, for whoever rewrites the
 * layout and must not touch the content.
 */
#ifndef RDT_CODEC_YAML_PARTS_H
#define RDT_CODEC_YAML_PARTS_H

#include "base/arena.h"
#include "base/err.h"

enum rdt_yaml_part_kind {
    RDT_PART_MAP,   /* begins */
    RDT_PART_LIST,  /* begins */
    RDT_PART_CLOSE, /* the innermost map or list ends */
    RDT_PART_SCALAR
};

enum rdt_yaml_style {
    RDT_STYLE_BLOCK,  /* map, list: by indentation */
    RDT_STYLE_FLOW,   /* map, list: in brackets */
    RDT_STYLE_PLAIN,  /* scalar */
    RDT_STYLE_SINGLE, /* scalar in '...' */
    RDT_STYLE_DOUBLE, /* scalar in "..." */
    RDT_STYLE_TEXT    /* scalar of whole lines, after | or > */
};

/*
 * One part. bytes from..to are its text: a bracket (none where a map stands without one), a scalar
 * with its quotes, the lines of a block text without the header. Between two parts stand blanks,
 * line ends, comments, `:`, `,`, `-`, `?`, `|` or `>` with its options, `---` and `...`.
 */
struct rdt_yaml_part {
    enum rdt_yaml_part_kind kind;
    enum rdt_yaml_style style; /* of what ends, for RDT_PART_CLOSE */
    size_t from, to;
};

/*
 * rdt_yaml_parts - the parts of a document in the order they stand.
 *
 *   bytes  what rdt_yaml_parse() accepts
 *   out    n parts in the arena
 *
 * Fails: RDT_E_BADINPUT (not such a document), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_yaml_parts(struct rdt_span bytes, struct rdt_arena *arena,
                                            struct rdt_yaml_part **out, size_t *n,
                                            struct rdt_err *err);

#endif
