/*
 * embed.h - data files that live in the binary: packs, schemas, examples. tools/embed says which
 * and makes the table when building; a name is the path from the root of the repository, such as
 * "packs/rules/rest.lua". A binary thus needs no installed data, and nobody can swap its rules.
 */
#ifndef RDT_BASE_EMBED_H
#define RDT_BASE_EMBED_H

#include "base/span.h"

struct rdt_embedded {
    const char *name;
    const unsigned char *bytes; /* n of them, then a NUL that is not counted */
    size_t n;
};

/* In byte order of the names, so the files of one folder are neighbours. */
extern const struct rdt_embedded rdt_embedded[];
extern const size_t rdt_embedded_n;

/*
 * rdt_embed_find - the bytes of one embedded file.
 *
 *   name   path from the root of the repository, exactly as embedded
 *   out    becomes the file's bytes, valid for the life of the program
 *
 * Returns false, leaving *out alone, when no file has that name.  Threads may share.
 */
bool rdt_embed_find(const char *name, struct rdt_span *out);

#endif
