#include "report/report.h"

#include "report/view_internal.h"

static const struct {
    const char *word, *ending;
} formats[] = {
#define X(name, word, ending) [name] = {word, ending},
    RDT_FORMATS(X)
#undef X
};

enum rdt_format
rdt_format_parse(const char *word)
{
    for (unsigned i = 0; i < RDT_NFORMATS; i++) {
        if (i != RDT_FORMAT_STORED && strcmp(formats[i].word, word) == 0)
            return i;
    }
    return RDT_NFORMATS;
}

const char *
rdt_format_word(enum rdt_format format)
{
    return format < RDT_NFORMATS ? formats[format].word : "?";
}

const char *
rdt_format_ending(enum rdt_format format)
{
    return format < RDT_NFORMATS ? formats[format].ending : "";
}

const struct rdt_framework *
rdt_report_framework(const struct rdt_run *run, const char *word)
{
    const struct rdt_framework *found = NULL;
    const char *at = strchr(word, '@');
    size_t n = at == NULL ? strlen(word) : (size_t)(at - word);
    for (size_t i = 0; i < run->n_frameworks; i++) {
        const struct rdt_framework *f = &run->frameworks[i];
        if (strlen(f->id) != n || strncmp(f->id, word, n) != 0)
            continue;
        if (at != NULL) {
            if (strcmp(f->edition, at + 1) == 0)
                return f;
            continue;
        }
        if (found == NULL || (f->chosen && !found->chosen) || (f->is_default && !found->chosen))
            found = f;
    }
    return found;
}

static enum rdt_code
render(struct rdt_view *view, enum rdt_format format, struct rdt_buf *out, struct rdt_err *err)
{
    switch (format) {
    case RDT_FORMAT_TEXT:
        return rdt_render_text(view, out, err);
    case RDT_FORMAT_JSON:
        return rdt_render_json(view, false, out, err);
    case RDT_FORMAT_STORED:
        return rdt_render_json(view, true, out, err);
    case RDT_FORMAT_SARIF:
        return rdt_render_sarif(view, out, err);
    case RDT_FORMAT_JUNIT:
        return rdt_render_junit(view, out, err);
    case RDT_FORMAT_CSV:
        return rdt_render_csv(view, out, err);
    case RDT_FORMAT_HTML:
        return rdt_render_html(view, out, err);
    case RDT_FORMAT_TEMPLATE_MD:
        return rdt_render_template(view, false, out, err);
    case RDT_FORMAT_TEMPLATE_HTML:
        return rdt_render_template(view, true, out, err);
    default:
        return rdt_fail(err, RDT_E_INTERNAL, "no such format");
    }
}

enum rdt_code
rdt_report_render(const struct rdt_report *report, enum rdt_format format, struct rdt_buf *out,
                  struct rdt_err *err)
{
    RDT_AUTO(rdt_view_done) struct rdt_view view = {0};
    enum rdt_code rc = rdt_view_init(&view, report, err);
    if (rc == RDT_OK)
        rc = render(&view, format, out, err);
    if (rc == RDT_OK && out->full)
        rc = rdt_fail(err, RDT_E_LIMIT, "the report is larger than %zu bytes", RDT_BUF_MAX);
    else if (rc == RDT_OK && !rdt_buf_ok(out))
        rc = rdt_fail(err, RDT_E_NOMEM, "report");
    return rc;
}
