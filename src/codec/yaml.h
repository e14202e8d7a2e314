/*
 * yaml.h - YAML 1.2 text to a tree, by libfyaml's event parser. One document, plain data only:
 * anchors, aliases, tags and merge keys are refused, duplicate keys too.
 */
#ifndef RDT_CODEC_YAML_H
#define RDT_CODEC_YAML_H

#include "base/err.h"
#include "codec/node.h"

#define RDT_YAML_MAX ((size_t)8 * 1024 * 1024) /* bytes of one file */
#define RDT_YAML_DEPTH_MAX 64                  /* lists and maps inside each other */

/*
 * rdt_yaml_parse - read a document.
 *
 *   file   name for marks, borrowed by the tree for its whole life
 *   bytes  at most RDT_YAML_MAX
 *   diags  gets each complaint with its place
 *   out    the root, in the arena; set also when only duplicate keys, anchors and the like were
 *          found, so that the caller can go on and find the other mistakes; else left alone
 *
 * Fails: RDT_E_BADINPUT (diags has at least one entry), RDT_E_LIMIT, RDT_E_NOMEM.
 * Threads: each with its own arena and diags.
 */
RDT_MUST_CHECK enum rdt_code rdt_yaml_parse(const char *file, struct rdt_span bytes,
                                            struct rdt_arena *arena, struct rdt_diags *diags,
                                            struct rdt_node **out, struct rdt_err *err);

#endif
