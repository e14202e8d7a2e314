#include "base/err.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum rdt_code
rdt_fail(struct rdt_err *err, enum rdt_code code, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    rdt_text_show(err->text); /* it may quote what a stranger wrote */
    err->code = code;
    err->hint[0] = '\0';
    return code;
}

enum rdt_code
rdt_fail_in(struct rdt_err *err, enum rdt_code code, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    char doing[RDT_ERR_TEXT_MAX];
    char before[RDT_ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(doing, sizeof doing, fmt, ap);
    va_end(ap);
    memcpy(before, err->text, sizeof before);
    int n = snprintf(err->text, sizeof err->text, "%s: ", doing);
    if (n > 0 && (size_t)n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t)n, "%s", before);
    rdt_text_show(err->text);
    err->code = code;
    return code;
}

void
rdt_hint(struct rdt_err *err, const char *fmt, ...)
{
    if (err == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    rdt_text_show(err->hint);
}

int
rdt_code_exit_status(enum rdt_code code)
{
#define X(name, exit_status, words) [name] = exit_status,
    static const int exits[] = {RDT_CODES(X)};
#undef X
    return exits[code];
}

const char *
rdt_code_words(enum rdt_code code)
{
#define X(name, exit_status, words) [name] = words,
    static const char *const all[] = {RDT_CODES(X)};
#undef X
    return all[code];
}
