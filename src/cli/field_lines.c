#include "cli/field_lines.h"

#include <errno.h>

enum rdt_code
rdt_field_lines_open(const char *path, struct rdt_field_lines *out, struct rdt_err *err)
{
    bool standard = path == NULL || strcmp(path, "-") == 0;
    *out = (struct rdt_field_lines){.file = stdin, .name = "standard input"};
    if (standard)
        return RDT_OK;
    out->name = path;
    out->file = fopen(path, "rbe");
    out->ours = out->file != NULL;
    if (out->file != NULL)
        return RDT_OK;
    return rdt_fail(err,
                    errno == ENOENT   ? RDT_E_NOTFOUND
                    : errno == EACCES ? RDT_E_DENIED
                                      : RDT_E_IO,
                    "%s: %s", path, strerror(errno));
}

static void
forget(struct rdt_field_lines *lines)
{
    if (lines->wipe && lines->line.cap != 0)
        explicit_bzero(lines->line.p, lines->line.cap);
    lines->line.n = 0;
}

void
rdt_field_lines_close(struct rdt_field_lines *lines)
{
    forget(lines);
    rdt_buf_done(&lines->line);
    if (lines->ours)
        fclose(lines->file);
    *lines = (struct rdt_field_lines){.ours = false};
}

enum rdt_code
rdt_field_lines_next(struct rdt_field_lines *lines, struct rdt_span *line, bool *more,
                     struct rdt_err *err)
{
    int c;
    forget(lines);
    while ((c = getc_unlocked(lines->file)) != EOF && c != '\n') {
        uint8_t byte = (uint8_t)c;
        if (lines->line.n == RDT_FIELD_LINE_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "%s:%zu: a line above 32 MiB", lines->name,
                            lines->number + 1);
        rdt_buf_add(&lines->line, &byte, 1);
    }
    if (c == EOF && ferror(lines->file))
        return rdt_fail(err, RDT_E_IO, "%s: %s", lines->name, strerror(errno));
    if (!rdt_buf_ok(&lines->line))
        return rdt_fail(err, RDT_E_NOMEM, "%s: a line", lines->name);
    *more = c != EOF || lines->line.n != 0;
    lines->number += *more;
    *line = rdt_buf_span(&lines->line);
    return RDT_OK;
}
