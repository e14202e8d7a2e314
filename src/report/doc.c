#include "report/doc_internal.h"

#include "base/text.h"
#include "report/html_internal.h"
#include "report/markup_internal.h"

/* Markdown: what would start markup is escaped, what would end a table's row is taken out. */
static void
markdown(struct rdt_buf *out, const char *text)
{
    struct rdt_span all = rdt_span_str(text == NULL ? "" : text);
    for (size_t i = 0, n = 1; i < all.n; i += n) {
        uint8_t c = all.p[i];
        bool fit = false;
        n = rdt_text_step((struct rdt_span){all.p + i, all.n - i}, &fit);
        if (c == '<' || c == '>' || c == '&')
            rdt_buf_str(out, c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;");
        else if (!fit)
            rdt_buf_add(out, " ", 1);
        else if (strchr("\\`*_[]|", c) != NULL)
            rdt_buf_fmt(out, "\\%c", c);
        else
            rdt_buf_add(out, all.p + i, n);
    }
}

static void
words(struct rdt_doc *doc, const char *text)
{
    if (doc->html)
        rdt_markup_text(doc->out, text);
    else
        markdown(doc->out, text);
}

void
rdt_doc_begin(struct rdt_doc *doc, const char *title)
{
    if (doc->html) {
        rdt_html_head(doc->out, title, "doc");
        rdt_buf_str(doc->out, "<main class=\"doc\">\n");
    }
    rdt_doc_heading(doc, 1, title);
}

void
rdt_doc_end(struct rdt_doc *doc)
{
    if (doc->html)
        rdt_buf_str(doc->out, "</main>\n</body>\n</html>\n");
}

void
rdt_doc_heading(struct rdt_doc *doc, unsigned level, const char *text)
{
    if (doc->html) {
        rdt_buf_fmt(doc->out, "<h%u>", level);
        words(doc, text);
        rdt_buf_fmt(doc->out, "</h%u>\n", level);
        return;
    }
    rdt_buf_str(doc->out, level == 1 ? "# " : level == 2 ? "## " : "### ");
    words(doc, text);
    rdt_buf_str(doc->out, "\n\n");
}

void
rdt_doc_para(struct rdt_doc *doc, const char *text)
{
    rdt_buf_str(doc->out, doc->html ? "<p>" : "");
    words(doc, text);
    rdt_buf_str(doc->out, doc->html ? "</p>\n" : "\n\n");
}

void
rdt_doc_table(struct rdt_doc *doc, const char *const *heads, size_t n)
{
    doc->columns = n;
    doc->at = 0;
    rdt_buf_str(doc->out, doc->html ? "<div class=\"wide\"><table>\n<thead><tr>" : "|");
    for (size_t i = 0; i < n; i++) {
        rdt_buf_str(doc->out, doc->html ? "<th scope=\"col\">" : " ");
        words(doc, heads[i]);
        rdt_buf_str(doc->out, doc->html ? "</th>" : " |");
    }
    rdt_buf_str(doc->out, doc->html ? "</tr></thead>\n<tbody>\n" : "\n|");
    for (size_t i = 0; i < n && !doc->html; i++)
        rdt_buf_str(doc->out, i + 1 < n ? "---|" : "---|\n");
}

void
rdt_doc_cell(struct rdt_doc *doc, const char *text)
{
    bool first = doc->at == 0, last = doc->at + 1 == doc->columns;
    if (doc->html)
        rdt_buf_str(doc->out, first ? "<tr><th scope=\"row\">" : "<td>");
    else
        rdt_buf_str(doc->out, first ? "| " : " ");
    words(doc, text == NULL || *text == '\0' ? "-" : text);
    if (doc->html)
        rdt_buf_str(doc->out, first ? "</th>" : "</td>");
    else
        rdt_buf_str(doc->out, " |");
    if (last)
        rdt_buf_str(doc->out, doc->html ? "</tr>\n" : "\n");
    doc->at = last ? 0 : doc->at + 1;
}

void
rdt_doc_take(struct rdt_doc *doc, struct rdt_buf *text)
{
    const char *string = rdt_buf_cstr(text);
    if (string == NULL)
        doc->out->failed = true;
    rdt_doc_cell(doc, string);
    text->n = 0;
}

void
rdt_doc_table_end(struct rdt_doc *doc)
{
    rdt_buf_str(doc->out, doc->html ? "</tbody></table></div>\n" : "\n");
}

void
rdt_doc_list(struct rdt_doc *doc)
{
    if (doc->html)
        rdt_buf_str(doc->out, "<ul class=\"boxes\">\n");
}

void
rdt_doc_box(struct rdt_doc *doc, enum rdt_box box, const char *text, const char *reason)
{
    static const struct {
        const char *mark, *style, *word;
    } boxes[] = {
        {"\xE2\x98\x91", "pass",       "done"          },
        {"\xE2\x98\x92", "fail",       "not done"      },
        {"\xE2\x98\x90", "unobserved", "open"          },
        {"\xE2\x80\x93", "na",         "not applicable"},
    };
    if (doc->html)
        rdt_buf_fmt(
            doc->out,
            "<li class=\"%s\"><span class=\"box\" role=\"img\" aria-label=\"%s\">%s</span> ",
            boxes[box].style, boxes[box].word, boxes[box].mark);
    else
        rdt_buf_fmt(doc->out, "- %s ", boxes[box].mark);
    words(doc, text);
    if (reason != NULL && *reason != '\0') {
        rdt_buf_str(doc->out, doc->html ? " <span class=\"why\">" : " \xE2\x80\x94 *");
        words(doc, reason);
        rdt_buf_str(doc->out, doc->html ? "</span>" : "*");
    }
    rdt_buf_str(doc->out, doc->html ? "</li>\n" : "\n");
}

void
rdt_doc_list_end(struct rdt_doc *doc)
{
    rdt_buf_str(doc->out, doc->html ? "</ul>\n" : "\n");
}
