#include "cli/approval_text.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/text.h"
#include "codec/base64.h"
#include "kms/model.h"

#define LABEL 14 /* columns of what stands before a value */
#define ROW 68   /* characters of a value in one row */

static void
label(struct rdt_buf *out, struct rdt_span name)
{
    rdt_buf_add(out, name.p, name.n);
    for (size_t i = name.n; i < LABEL; i++)
        rdt_buf_str(out, " ");
}

static void
line(struct rdt_buf *out, const char *name, const char *value)
{
    label(out, rdt_span_str(name));
    rdt_buf_str(out, value);
    rdt_buf_str(out, "\n");
}

/* A name is one line whatever stands in it. */
static void
name_of(struct rdt_buf *out, struct rdt_span name)
{
    size_t from = out->n;
    label(out, name);
    for (size_t i = from; rdt_buf_ok(out) && i < out->n; i++)
        if (out->p[i] == '\n' || out->p[i] == '\t')
            out->p[i] = '?';
}

/* As much as a terminal shows without going to its next line by itself. */
static struct rdt_span
row_of(struct rdt_span *line)
{
    bool fit;
    struct rdt_span row = {line->p, 0}, all = *line;
    for (size_t i = 0; i < ROW && all.n != 0; i++) {
        size_t n = rdt_text_step(all, &fit);
        (void)rdt_take(&all, n, &row);
        row = (struct rdt_span){line->p, line->n - all.n};
    }
    *line = all;
    return row;
}

/* One line as it is; several, or a long one, behind bars. */
static void
parameter(struct rdt_buf *out, const struct rdt_pair *pair)
{
    struct rdt_span rest = pair->value, part;
    rdt_buf_str(out, "  ");
    name_of(out, pair->name);
    if (rest.n == 0 || (rest.n <= ROW && memchr(rest.p, '\n', rest.n) == NULL)) {
        rdt_buf_add(out, rest.p, rest.n);
        rdt_buf_str(out, "\n");
        return;
    }
    rdt_buf_str(out, "\n");
    while (rdt_take_line(&rest, &part))
        do {
            struct rdt_span row = row_of(&part);
            rdt_buf_str(out, "  | ");
            rdt_buf_add(out, row.p, row.n);
            rdt_buf_str(out, "\n");
        } while (part.n != 0);
}

static void
id_line(struct rdt_buf *out, const char *name, const uint8_t id[static 16])
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(id, uuid);
    line(out, name, uuid);
}

static void
bindings(const struct rdt_approval_bytes *approval, struct rdt_buf *out)
{
    static const uint8_t none[32];
    char stamp[RDT_STAMP_TEXT];
    struct rdt_span root = {approval->census_root, 32};
    rdt_buf_fmt(out, "approvers     as of their revision %llu\n",
                (unsigned long long)approval->approvers_revision);
    if (approval->rows_revision != 0)
        rdt_buf_fmt(out, "subject       as of its revision %llu\n",
                    (unsigned long long)approval->rows_revision);
    if (!rdt_span_eq(root, (struct rdt_span){none, sizeof none})) {
        label(out, rdt_span_str("census"));
        rdt_hex_add(out, root);
        rdt_buf_str(out, "\n");
    }
    rdt_stamp_text(approval->expires_ms / 1000, stamp);
    line(out, "expires", stamp);
}

void
rdt_approval_render(const struct rdt_approval_bytes *approval, struct rdt_buf *out)
{
    static const char *const verbs[] = {
        [RDT_APPROVAL_APPROVE] = "APPROVE: it may be done",
        [RDT_APPROVAL_DENY] = "DENY: it shall not be done",
        [RDT_APPROVAL_REVIEW] = "REVIEW: it was done, and looked at",
    };
    struct rdt_span pairs = approval->parameters;
    struct rdt_pair pair;
    const char *words = rdt_approval_words(approval->operation);
    line(out, "signature", verbs[approval->verb]);
    label(out, rdt_span_str("operation"));
    rdt_buf_add(out, approval->operation.p, approval->operation.n);
    rdt_buf_fmt(out, ": %s\n",
                words != NULL ? words : "not known to this program: find out what it does first");
    while (rdt_pairs_next(&pairs, &pair))
        parameter(out, &pair);
    id_line(out, "request", approval->request);
    id_line(out, "deployment", approval->deployment);
    bindings(approval, out);
}
