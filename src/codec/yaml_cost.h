/*
 * yaml_cost.h - what makes libfyaml slow or large, found before it sees the bytes.
 */
#ifndef RDT_CODEC_YAML_COST_H
#define RDT_CODEC_YAML_COST_H

#include "base/span.h"

#define RDT_YAML_BLANKS_MAX 64       /* blank lines in a row */
#define RDT_YAML_BRACKETS_MAX 500000 /* opening brackets and braces in one file */

/*
 * rdt_yaml_cost - why these bytes would cost more than any document is worth, a static text that
 * names the limit, or NULL when they would not.
 *
 *   line   set to the line where the limit is passed, from 1
 *
 * libfyaml looks at each line of a run of blank lines again for each of them (80,000: 20 s), and
 * keeps an open bracket until it knows that no key begins there (8 MiB of them: 2.9 GB) [M].
 */
const char *rdt_yaml_cost(struct rdt_span bytes, uint32_t *line);

#endif
