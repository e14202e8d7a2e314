#include "codec/jout.h"

#include "codec/base64.h"
#include "codec/json.h"

#include <inttypes.h>

static void
lead(struct rdt_buf *out, const char *name)
{
    uint8_t last = out->n == 0 ? '{' : out->p[out->n - 1];
    if (last != '{' && last != '[' && last != ':')
        rdt_buf_add(out, ",", 1);
    if (name == NULL)
        return;
    rdt_buf_add(out, "\"", 1);
    rdt_buf_str(out, name);
    rdt_buf_add(out, "\":", 2);
}

void
rdt_jout_open(struct rdt_buf *out, const char *name, char bracket)
{
    if (out->n != 0)
        lead(out, name);
    rdt_buf_add(out, &bracket, 1);
}

void
rdt_jout_close(struct rdt_buf *out, char bracket)
{
    rdt_buf_add(out, &bracket, 1);
}

void
rdt_jout_text(struct rdt_buf *out, const char *name, struct rdt_span text)
{
    lead(out, name);
    rdt_json_text(out, text);
}

void
rdt_jout_str(struct rdt_buf *out, const char *name, const char *text)
{
    if (text != NULL)
        rdt_jout_text(out, name, rdt_span_str(text));
}

void
rdt_jout_blob(struct rdt_buf *out, const char *name, struct rdt_span bytes)
{
    lead(out, name);
    rdt_buf_add(out, "\"", 1);
    rdt_base64_add(out, bytes);
    rdt_buf_add(out, "\"", 1);
}

void
rdt_jout_hex(struct rdt_buf *out, const char *name, struct rdt_span bytes)
{
    lead(out, name);
    rdt_buf_add(out, "\"", 1);
    rdt_hex_add(out, bytes);
    rdt_buf_add(out, "\"", 1);
}

void
rdt_jout_uuid(struct rdt_buf *out, const char *name, const uint8_t uuid[static 16])
{
    char text[RDT_UUID_TEXT];
    rdt_uuid_text(uuid, text);
    rdt_jout_str(out, name, text);
}

void
rdt_jout_int(struct rdt_buf *out, const char *name, int64_t value)
{
    lead(out, name);
    rdt_buf_fmt(out, "%" PRId64, value);
}

void
rdt_jout_bool(struct rdt_buf *out, const char *name, bool value)
{
    lead(out, name);
    rdt_buf_str(out, value ? "true" : "false");
}

void
rdt_jout_time(struct rdt_buf *out, const char *name, int64_t ms)
{
    lead(out, name);
    rdt_buf_fmt(out, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
}
