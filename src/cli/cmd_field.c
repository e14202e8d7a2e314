/*
 * `redoubt field encrypt`, `decrypt`, `token`: values of a column by hand. They come from standard
 * input or a file, never from the command line, which other users of the machine can see.
 */
#include "base/file.h"
#include "base/text.h"
#include "cli/field_find.h"
#include "cli/field_lines.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"

#include <unistd.h>

#define FLUSH_AT ((size_t)64 * 1024) /* bytes of results that are kept back */
#define TEXT_PREFIX "rd1."

/* What a command works with. */
struct work {
    struct rdt_cli *cli;
    struct rdt_field_job *job;
    bool encrypt;
    struct rdt_buf *out; /* results */
    struct rdt_buf scratch;
};

static void
wipe(struct rdt_buf *buf)
{
    if (buf->cap != 0)
        explicit_bzero(buf->p, buf->cap);
    rdt_buf_done(buf);
}

/* A buffer that may hold plaintexts. */
#define PLAIN_BUF RDT_AUTO(wipe) struct rdt_buf

static bool
begins_as_text(struct rdt_span bytes)
{
    size_t n = strlen(TEXT_PREFIX);
    return bytes.n >= n && rdt_span_is((struct rdt_span){bytes.p, n}, TEXT_PREFIX);
}

/* The value that a text stands for, into scratch. */
static enum rdt_code
value_of_text(struct work *work, struct rdt_span text, struct rdt_span *out)
{
    struct rdt_buf *room = &work->scratch;
    size_t n = 0;
    room->n = 0;
    rdt_buf_add(room, text.p, text.n);
    if (!rdt_buf_ok(room))
        return rdt_fail(&work->cli->err, RDT_E_NOMEM, "decrypt");
    if (!begins_as_text(text) || !rdt_rf1_text_get(text, room->p, &n))
        return rdt_fail(&work->cli->err, RDT_E_BADINPUT, "%s",
                        rdt_field_fault_words(RDT_FIELD_NOT_RF1));
    *out = (struct rdt_span){room->p, n};
    return RDT_OK;
}

/* One value: in a plaintext, or a value's text; appended to got as the same kind of thing. */
static enum rdt_code
convert(struct work *work, struct rdt_span row, struct rdt_span in, struct rdt_buf *got)
{
    struct rdt_span value;
    if (work->encrypt)
        return rdt_field_job_encrypt(work->job, row, in, got);
    enum rdt_code rc = value_of_text(work, in, &value);
    return rc == RDT_OK ? rdt_field_job_decrypt(work->job, row, value, got) : rc;
}

/* ---- as JSON ---- */

/* "value": text; "bytes": base64 of what is no text. */
static void
put_member(struct work *work, struct rdt_span got)
{
    RDT_BUF text = {0};
    if (work->encrypt) {
        rdt_rf1_text_add(&text, got);
        rdt_jout_text(work->out, "value", rdt_buf_span(&text));
        work->out->failed = work->out->failed || text.failed;
    } else if (rdt_text_utf8(got)) {
        rdt_jout_text(work->out, "value", got);
    } else {
        rdt_jout_blob(work->out, "bytes", got);
    }
}

static enum rdt_code
bad_line(struct work *work, const char *why)
{
    return rdt_fail(&work->cli->err, RDT_E_BADINPUT, "%s", why);
}

static enum rdt_code
json_row(struct work *work, const struct rdt_node *tree, struct rdt_buf *out)
{
    struct rdt_span parts[RDT_CATALOGUE_PARTS_MAX] = {
        {NULL, 0}
    };
    const struct rdt_node *row = rdt_node_get(tree, "row");
    size_t n = row == NULL ? 0 : row->kind == RDT_NODE_LIST ? row->n : 1;
    if (n > RDT_CATALOGUE_PARTS_MAX)
        return bad_line(work, "a row with more parts than a key has");
    for (size_t i = 0; i < n; i++) {
        const char *text = rdt_node_text(row->kind == RDT_NODE_LIST ? row->members[i].node : row);
        if (text == NULL)
            return bad_line(work, "\"row\" is a text, or a list of texts");
        parts[i] = rdt_span_str(text);
    }
    return rdt_field_job_row(work->job, parts, n, out);
}

static enum rdt_code
json_value(struct work *work, const struct rdt_node *tree, struct rdt_buf *out)
{
    const struct rdt_node *value = rdt_node_get(tree, "value");
    const char *bytes = work->encrypt ? rdt_node_str(tree, "bytes") : NULL;
    size_t n = 0;
    if ((value != NULL) == (bytes != NULL) ||
        (value != NULL && (value->kind != RDT_NODE_SCALAR || !value->quoted)))
        return bad_line(work, work->encrypt ? "a line is {\"value\": text} or {\"bytes\": base64}"
                                            : "a line is {\"value\": text}");
    if (value != NULL) {
        rdt_buf_add(out, value->text.p, value->text.n);
        return RDT_OK;
    }
    rdt_buf_str(out, bytes);
    if (rdt_buf_ok(out) && !rdt_base64_get(rdt_span_str(bytes), out->p, &n))
        return bad_line(work, "\"bytes\" is no base64");
    out->n = n;
    return RDT_OK;
}

static enum rdt_code
json_line(struct work *work, struct rdt_span line)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF row = {0};
    PLAIN_BUF in = {0};
    PLAIN_BUF got = {0};
    struct rdt_node *tree = NULL;
    enum rdt_code rc = rdt_json_parse("line", line, &arena, &tree, NULL);
    if (rc != RDT_OK || tree->kind != RDT_NODE_MAP)
        return bad_line(work, "this is not a JSON object"); /* whose parts stay unsaid */
    rc = json_row(work, tree, &row);
    if (rc == RDT_OK)
        rc = json_value(work, tree, &in);
    if (rc == RDT_OK && !rdt_buf_ok(&in))
        rc = rdt_fail(&work->cli->err, RDT_E_NOMEM, "a line");
    if (rc == RDT_OK)
        rc = convert(work, rdt_buf_span(&row), rdt_buf_span(&in), &got);
    if (rc != RDT_OK)
        return rc;
    rdt_buf_str(work->out, "{");
    if (rdt_node_get(tree, "row") != NULL) {
        rdt_buf_str(work->out, "\"row\":");
        rdt_json_node(work->out, rdt_node_get(tree, "row"), 0);
    }
    put_member(work, rdt_buf_span(&got));
    rdt_buf_str(work->out, "}\n");
    return RDT_OK;
}

/* ---- lines ---- */

static enum rdt_code
cli_row(struct work *work, struct rdt_buf *out)
{
    struct rdt_span parts[RDT_REPEATS_MAX];
    size_t n = work->cli->n_values[OPT_ROW];
    for (size_t i = 0; i < n; i++)
        parts[i] = rdt_span_str(work->cli->values[OPT_ROW][i]);
    return rdt_field_job_row(work->job, parts, n, out);
}

static enum rdt_code
text_line(struct work *work, struct rdt_span row, struct rdt_span line)
{
    PLAIN_BUF got = {0};
    enum rdt_code rc = convert(work, row, line, &got);
    if (rc != RDT_OK)
        return rc;
    if (work->encrypt)
        rdt_rf1_text_add(work->out, rdt_buf_span(&got));
    else if (got.n != 0 && memchr(got.p, '\n', got.n) != NULL)
        return rdt_fail(&work->cli->err, RDT_E_STATE,
                        "a plaintext with a line end cannot stand on a line: use --json");
    else
        rdt_buf_add(work->out, got.p, got.n);
    rdt_buf_str(work->out, "\n");
    return RDT_OK;
}

static enum rdt_code
write_out(struct work *work, bool last)
{
    const char *path = rdt_cli_value(work->cli, OPT_OUT, "-");
    bool to_file = strcmp(path, "-") != 0;
    enum rdt_code rc = RDT_OK;
    if (!rdt_buf_ok(work->out))
        return rdt_fail(&work->cli->err, RDT_E_NOMEM, "results");
    if (to_file && last) /* plaintexts: for its owner alone */
        rc = rdt_file_write(path, work->encrypt ? 0644 : 0600, rdt_buf_span(work->out),
                            &work->cli->err);
    if (!to_file && (last || work->out->n >= FLUSH_AT)) {
        if (fwrite(work->out->p, 1, work->out->n, work->cli->out) != work->out->n ||
            fflush(work->cli->out) != 0)
            rc = rdt_fail(&work->cli->err, RDT_E_IO, "standard output could not be written");
        work->out->n = 0;
    }
    return rc;
}

static enum rdt_code
all_lines(struct work *work, const char *path)
{
    RDT_AUTO(rdt_field_lines_close) struct rdt_field_lines lines = {0};
    RDT_BUF row = {0};
    struct rdt_span line;
    bool more = true, json = rdt_cli_has(work->cli, OPT_JSON);
    enum rdt_code rc = rdt_field_lines_open(path, &lines, &work->cli->err);
    lines.wipe = work->encrypt;
    if (rc == RDT_OK && !json)
        rc = cli_row(work, &row);
    while (rc == RDT_OK &&
           (rc = rdt_field_lines_next(&lines, &line, &more, &work->cli->err)) == RDT_OK && more) {
        rc = json ? json_line(work, line) : text_line(work, rdt_buf_span(&row), line);
        if (rc != RDT_OK)
            rc = rdt_fail_in(&work->cli->err, rc, "%s:%zu", lines.name, lines.number);
        if (rc == RDT_OK)
            rc = write_out(work, false);
    }
    return rc == RDT_OK ? write_out(work, true) : rc;
}

/* ---- one ---- */

/* A text, with the line end that an editor put behind it, or the bytes. */
static enum rdt_code
decrypt_one(struct work *work, struct rdt_span row, struct rdt_span in, struct rdt_buf *got)
{
    if (!begins_as_text(in))
        return rdt_field_job_decrypt(work->job, row, in, got);
    while (in.n != 0 && (in.p[in.n - 1] == '\n' || in.p[in.n - 1] == '\r'))
        in.n--;
    return convert(work, row, in, got);
}

static enum rdt_code
one_value(struct work *work, const char *path)
{
    RDT_BUF row = {0};
    PLAIN_BUF in = {0};
    PLAIN_BUF got = {0};
    enum rdt_code rc = cli_row(work, &row);
    if (rc == RDT_OK)
        rc = rdt_file_read(path == NULL ? "-" : path, RDT_FIELD_LINE_MAX, &in, &work->cli->err);
    if (rc == RDT_OK)
        rc = work->encrypt
                 ? rdt_field_job_encrypt(work->job, rdt_buf_span(&row), rdt_buf_span(&in), &got)
                 : decrypt_one(work, rdt_buf_span(&row), rdt_buf_span(&in), &got);
    if (rc != RDT_OK)
        return rc;
    if (rdt_cli_has(work->cli, OPT_JSON)) {
        rdt_jout_open(work->out, NULL, '{');
        put_member(work, rdt_buf_span(&got));
        rdt_jout_close(work->out, '}');
        rdt_buf_str(work->out, "\n");
    } else if (work->encrypt && rdt_cli_has(work->cli, OPT_TEXT)) {
        rdt_rf1_text_add(work->out, rdt_buf_span(&got));
        rdt_buf_str(work->out, "\n");
    } else {
        rdt_buf_add(work->out, got.p, got.n);
    }
    return write_out(work, true);
}

/* ---- commands ---- */

/* Bytes of a value would do to a terminal whatever they say. */
static bool
to_a_terminal(const struct rdt_cli *cli)
{
    return !rdt_cli_has(cli, OPT_TEXT) && !rdt_cli_has(cli, OPT_JSON) &&
           !rdt_cli_has(cli, OPT_LINES) && strcmp(rdt_cli_value(cli, OPT_OUT, "-"), "-") == 0 &&
           isatty(STDOUT_FILENO);
}

static int
run(struct rdt_cli *cli, bool encrypt)
{
    RDT_FIELD_JOB job = {.cli = cli};
    PLAIN_BUF out = {0};
    struct work work = {.cli = cli, .job = &job, .encrypt = encrypt, .out = &out};
    const char *path = cli->n_words == 0 ? NULL : cli->words[0];
    enum rdt_code rc = rdt_field_job_open(cli, &job);
    if (rc == RDT_OK)
        rc = rdt_cli_has(cli, OPT_LINES) ? all_lines(&work, path) : one_value(&work, path);
    wipe(&work.scratch);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_field_encrypt(struct rdt_cli *cli)
{
    if (!to_a_terminal(cli))
        return run(cli, true);
    rdt_fail(&cli->err, RDT_E_USAGE, "a value is bytes, not for a terminal");
    rdt_hint(&cli->err, "--text, or -o FILE");
    return rdt_cli_fail(cli, RDT_E_USAGE);
}

int
rdt_cmd_field_decrypt(struct rdt_cli *cli)
{
    return run(cli, false);
}

/* ---- tokens ---- */

static void
put_tokens(struct work *work, const struct rdt_tokens *tokens)
{
    bool json = rdt_cli_has(work->cli, OPT_JSON);
    rdt_buf_str(work->out, json ? "{\"tokens\":[" : "");
    for (size_t i = 0; i < tokens->n; i++) {
        struct rdt_span token = {tokens->at[i], RDT_TOKEN_LEN};
        if (json) {
            rdt_jout_hex(work->out, NULL, token);
        } else {
            rdt_buf_str(work->out, i == 0 ? "" : " ");
            rdt_hex_add(work->out, token);
        }
    }
    rdt_buf_str(work->out, json ? "]}\n" : "\n");
}

static enum rdt_code
token_of(struct work *work, struct rdt_span plain)
{
    struct rdt_tokens tokens;
    enum rdt_code rc =
        rdt_field_find_tokens(work->job, plain, rdt_cli_has(work->cli, OPT_SEARCH), &tokens);
    if (rc == RDT_OK)
        put_tokens(work, &tokens);
    return rc;
}

static enum rdt_code
token_lines(struct work *work, const char *path)
{
    RDT_AUTO(rdt_field_lines_close) struct rdt_field_lines lines = {0};
    struct rdt_span line;
    bool more = true;
    enum rdt_code rc = rdt_field_lines_open(path, &lines, &work->cli->err);
    lines.wipe = true;
    while (rc == RDT_OK &&
           (rc = rdt_field_lines_next(&lines, &line, &more, &work->cli->err)) == RDT_OK && more) {
        rc = token_of(work, line);
        if (rc != RDT_OK)
            rc = rdt_fail_in(&work->cli->err, rc, "%s:%zu", lines.name, lines.number);
        if (rc == RDT_OK)
            rc = write_out(work, false);
    }
    return rc == RDT_OK ? write_out(work, true) : rc;
}

static enum rdt_code
token_one(struct work *work, const char *path)
{
    PLAIN_BUF in = {0};
    enum rdt_code rc =
        rdt_file_read(path == NULL ? "-" : path, RDT_FIELD_LINE_MAX, &in, &work->cli->err);
    if (rc == RDT_OK)
        rc = token_of(work, rdt_buf_span(&in));
    return rc == RDT_OK ? write_out(work, true) : rc;
}

int
rdt_cmd_field_token(struct rdt_cli *cli)
{
    RDT_FIELD_JOB job = {.cli = cli};
    RDT_BUF out = {0};
    struct work work = {.cli = cli, .job = &job, .encrypt = true, .out = &out};
    const char *path = cli->n_words == 0 ? NULL : cli->words[0];
    enum rdt_code rc = rdt_field_job_open(cli, &job);
    if (rc == RDT_OK)
        rc = rdt_cli_has(cli, OPT_LINES) ? token_lines(&work, path) : token_one(&work, path);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
