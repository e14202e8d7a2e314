/*
 * `redoubt field inspect`: what a value says of itself, without any key.
 */
#include "base/file.h"
#include "cli/field_lines.h"
#include "cli/remote.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "field/token.h"

#define TEXT_PREFIX "rd1."
#define TAG_LEN ((size_t)16)

struct seen {
    struct rdt_rf1 rf1;
    bool text, searchable;
    struct rdt_searchable front;
    size_t bytes, plain; /* plain: at most, where it is padded */
};

static bool
look(struct rdt_span in, struct rdt_buf *room, struct seen *out)
{
    size_t n = strlen(TEXT_PREFIX), got = 0;
    struct rdt_span value = in;
    *out = (struct seen){.text = in.n >= n && rdt_span_is((struct rdt_span){in.p, n}, TEXT_PREFIX)};
    room->n = 0;
    if (out->text) {
        while (in.n != 0 && (in.p[in.n - 1] == '\n' || in.p[in.n - 1] == '\r'))
            in.n--;
        rdt_buf_add(room, in.p, in.n);
        if (!rdt_buf_ok(room) || !rdt_rf1_text_get(in, room->p, &got))
            return false;
        value = (struct rdt_span){room->p, got};
    }
    out->bytes = value.n;
    out->searchable = rdt_searchable_read(value, &out->front);
    if (!rdt_rf1_read(out->searchable ? out->front.rf1 : value, &out->rf1))
        return false;
    out->plain = out->rf1.sealed.n - TAG_LEN;
    if ((out->rf1.suite & RDT_RF1_PADDED) != 0 && out->plain != 0)
        out->plain--;
    return true;
}

static const char *
cipher(const struct seen *seen)
{
    return (seen->rf1.suite & ~(RDT_RF1_PADDED | RDT_RF1_ROW)) == RDT_RF1_GCM ? "AES-256-GCM"
                                                                              : "unknown";
}

static const char *
kind(const struct seen *seen)
{
    return seen->front.kind == RDT_INDEX_UNIQUE ? "unique" : "truncated";
}

static void
put_json(const struct seen *seen, struct rdt_buf *out)
{
    char suite[8];
    snprintf(suite, sizeof suite, "0x%02x", seen->rf1.suite);
    rdt_buf_str(out, "{"); /* a document of its own: no comma before it */
    rdt_jout_str(out, "format", seen->searchable ? "searchable RF1" : "RF1");
    rdt_jout_bool(out, "text", seen->text);
    rdt_jout_str(out, "suite", suite);
    rdt_jout_str(out, "cipher", cipher(seen));
    rdt_jout_bool(out, "padded", (seen->rf1.suite & RDT_RF1_PADDED) != 0);
    rdt_jout_bool(out, "row_bound", (seen->rf1.suite & RDT_RF1_ROW) != 0);
    rdt_jout_int(out, "handle", seen->rf1.handle);
    rdt_jout_int(out, "epoch", seen->rf1.epoch);
    rdt_jout_int(out, "bytes", (int64_t)seen->bytes);
    rdt_jout_int(out, "plaintext_bytes", (int64_t)seen->plain);
    if (seen->searchable) {
        rdt_jout_str(out, "index_kind", kind(seen));
        rdt_jout_int(out, "index_epoch", seen->front.epoch);
        rdt_jout_hex(out, "token", seen->front.token);
    }
    rdt_jout_close(out, '}');
    rdt_buf_str(out, "\n");
}

static void
put_words(const struct seen *seen, struct rdt_buf *out)
{
    bool padded = (seen->rf1.suite & RDT_RF1_PADDED) != 0;
    rdt_buf_fmt(out, "format     RF1%s, %s\n", seen->searchable ? " behind a token" : "",
                seen->text ? "as text" : "as bytes");
    if (seen->searchable) {
        rdt_buf_fmt(out, "index      %s, epoch %u\ntoken      ", kind(seen), seen->front.epoch);
        rdt_hex_add(out, seen->front.token);
        rdt_buf_str(out, "\n");
    }
    rdt_buf_fmt(out, "suite      0x%02x: %s%s%s\n", seen->rf1.suite, cipher(seen),
                padded ? ", padded" : "",
                (seen->rf1.suite & RDT_RF1_ROW) != 0 ? ", bound to its row" : "");
    rdt_buf_fmt(out, "handle     %08x\n", seen->rf1.handle);
    rdt_buf_fmt(out, "epoch      %u\n", seen->rf1.epoch);
    rdt_buf_fmt(out, "value      %zu bytes\n", seen->bytes);
    rdt_buf_fmt(out, "plaintext  %s%zu bytes\n", padded ? "at most " : "", seen->plain);
}

static void
put_row(const struct seen *seen, struct rdt_buf *out)
{
    rdt_buf_fmt(out, "%08x  %5u  0x%02x  %8zu\n", seen->rf1.handle, seen->rf1.epoch,
                seen->rf1.suite, seen->bytes);
}

static enum rdt_code
no_value(struct rdt_cli *cli)
{
    return rdt_fail(&cli->err, RDT_E_BADINPUT, "%s", rdt_field_fault_words(RDT_FIELD_NOT_RF1));
}

static enum rdt_code
one(struct rdt_cli *cli, const char *path, struct rdt_buf *out)
{
    RDT_BUF in = {0};
    RDT_BUF room = {0};
    struct seen seen;
    enum rdt_code rc = rdt_file_read(path == NULL ? "-" : path, RDT_FIELD_LINE_MAX, &in, &cli->err);
    if (rc != RDT_OK)
        return rc;
    if (!look(rdt_buf_span(&in), &room, &seen))
        return no_value(cli);
    if (rdt_cli_has(cli, OPT_JSON))
        put_json(&seen, out);
    else
        put_words(&seen, out);
    return RDT_OK;
}

static enum rdt_code
lines_of(struct rdt_cli *cli, const char *path, struct rdt_buf *out)
{
    RDT_AUTO(rdt_field_lines_close) struct rdt_field_lines lines = {0};
    RDT_BUF room = {0};
    struct rdt_span line;
    struct seen seen;
    bool more = true, json = rdt_cli_has(cli, OPT_JSON);
    enum rdt_code rc = rdt_field_lines_open(path, &lines, &cli->err);
    if (!json)
        rdt_buf_str(out, "HANDLE    EPOCH  SUITE     BYTES\n");
    while (rc == RDT_OK && (rc = rdt_field_lines_next(&lines, &line, &more, &cli->err)) == RDT_OK &&
           more) {
        if (!look(line, &room, &seen))
            return rdt_fail_in(&cli->err, no_value(cli), "%s:%zu", lines.name, lines.number);
        if (json)
            put_json(&seen, out);
        else
            put_row(&seen, out);
    }
    return rc;
}

int
rdt_cmd_field_inspect(struct rdt_cli *cli)
{
    RDT_BUF out = {0};
    const char *path = cli->n_words == 0 ? NULL : cli->words[0];
    enum rdt_code rc =
        rdt_cli_has(cli, OPT_LINES) ? lines_of(cli, path, &out) : one(cli, path, &out);
    if (rc == RDT_OK)
        rc = rdt_buf_ok(&out) ? rdt_cli_write(cli, rdt_buf_span(&out))
                              : rdt_fail(&cli->err, RDT_E_NOMEM, "field inspect");
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
