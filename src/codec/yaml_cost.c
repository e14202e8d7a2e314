#include "codec/yaml_cost.h"

#include "base/compiler.h"

/* Bytes of the line end at the front, 0 for none: also those that only YAML 1.1 knew. */
static size_t
line_end(const uint8_t *p, size_t n)
{
    static const char *const ends[] = {"\r\n",     "\n",           "\r",
                                       "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    for (size_t i = 0; i < RDT_COUNT(ends); i++) {
        size_t length = strlen(ends[i]);
        if (n >= length && rdt_span_is((struct rdt_span){p, length}, ends[i]))
            return length;
    }
    return 0;
}

static bool
may_end_line(uint8_t c)
{
    return c == '\n' || c == '\r' || c == 0xc2 || c == 0xe2;
}

const char *
rdt_yaml_cost(struct rdt_span bytes, uint32_t *line)
{
    size_t blanks = 0, brackets = 0, step = 1;
    *line = 1;
    for (size_t i = 0; i < bytes.n; i += step) {
        uint8_t c = bytes.p[i];
        size_t end = may_end_line(c) ? line_end(bytes.p + i, bytes.n - i) : 0;
        step = end == 0 ? 1 : end;
        if (end != 0 && ++blanks > RDT_YAML_BLANKS_MAX + 1) /* the first ends a line with text */
            return "more than 64 blank lines in a row";
        *line += end != 0;
        if (end == 0 && c != ' ' && c != '\t')
            blanks = 0;
        if ((c == '[' || c == '{') && ++brackets > RDT_YAML_BRACKETS_MAX)
            return "more than 500000 brackets and braces in one file";
    }
    return NULL;
}
