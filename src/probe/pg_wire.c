#include "probe/pg_wire.h"

#include "base/cursor.h"

#include <stdio.h>

#define PROTOCOL_3_0 196608
#define SSL_REQUEST 80877103
#define AUTH_MESSAGE_MAX 2000 /* as libpq has it; more is no 'R' */
#define AUTH_CODE_MAX 12      /* SASLFinal, the highest that is given out */

static void
add_u32(struct rdt_buf *out, uint32_t v)
{
    const uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                              (uint8_t)v};
    rdt_buf_add(out, bytes, sizeof bytes);
}

static void
add_cstr(struct rdt_buf *out, const char *s)
{
    rdt_buf_add(out, s, strlen(s) + 1);
}

void
rdt_pg_startup(struct rdt_buf *out, const char *user, const char *database)
{
    /* length | 196608 | "user" name | "database" name | NUL */
    size_t n =
        4 + 4 + sizeof "user" + strlen(user) + 1 + sizeof "database" + strlen(database) + 1 + 1;
    add_u32(out, (uint32_t)n);
    add_u32(out, PROTOCOL_3_0);
    add_cstr(out, "user");
    add_cstr(out, user);
    add_cstr(out, "database");
    add_cstr(out, database);
    rdt_buf_add(out, "", 1);
}

void
rdt_pg_ssl_request(struct rdt_buf *out)
{
    add_u32(out, 8);
    add_u32(out, SSL_REQUEST);
}

static void
copy(char *to, size_t cap, struct rdt_span from)
{
    size_t n = from.n < cap - 1 ? from.n : cap - 1;
    memcpy(to, from.p, n);
    to[n] = '\0';
}

static bool
is_sqlstate(struct rdt_span text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((text.p[i] < '0' || text.p[i] > '9') && (text.p[i] < 'A' || text.p[i] > 'Z'))
            return false;
    }
    return text.n == RDT_PG_SQLSTATE - 1;
}

/* (u8 type | text NUL)* | u8 0 */
static enum rdt_pg_kind
parse_error(struct rdt_span in, struct rdt_pg_answer *out)
{
    struct rdt_pg_answer made = {.kind = RDT_PG_ERROR};
    struct rdt_span text;
    uint8_t type = 0;
    bool ok = rdt_take_u8(&in, &type);
    while (ok && type != '\0') {
        ok = rdt_take_until(&in, '\0', &text);
        if (ok && type == 'C' && is_sqlstate(text))
            copy(made.sqlstate, sizeof made.sqlstate, text);
        if (ok && type == 'M')
            copy(made.text, sizeof made.text, text);
        if (ok && type == 'R')
            copy(made.routine, sizeof made.routine, text);
        ok = ok && rdt_take_u8(&in, &type);
    }
    if (!ok || in.n != 0 || made.sqlstate[0] == '\0')
        return RDT_PG_OTHER;
    *out = made;
    return RDT_PG_ERROR;
}

/* u32 code | what the method needs */
static enum rdt_pg_kind
parse_auth(struct rdt_span in, struct rdt_pg_answer *out)
{
    uint32_t code;
    if (!rdt_take_u32(&in, &code) || code > AUTH_CODE_MAX)
        return RDT_PG_OTHER;
    *out = (struct rdt_pg_answer){.kind = RDT_PG_AUTH, .auth = code};
    return RDT_PG_AUTH;
}

enum rdt_pg_kind
rdt_pg_parse(struct rdt_span in, struct rdt_pg_answer *out)
{
    /* u8 type | u32 length of what follows, itself included | body */
    struct rdt_span body;
    uint8_t type;
    uint32_t n;
    if (!rdt_take_u8(&in, &type))
        return RDT_PG_MORE;
    /* "RTSP/1.0" and "ERR" begin like ours: the length tells them apart */
    if (type != 'R' && type != 'E')
        return RDT_PG_OTHER;
    if (!rdt_take_u32(&in, &n))
        return RDT_PG_MORE;
    if (n < 4 || n > (type == 'R' ? AUTH_MESSAGE_MAX : RDT_PG_MESSAGE_MAX - 5))
        return RDT_PG_OTHER;
    if (!rdt_take(&in, n - 4, &body))
        return RDT_PG_MORE;
    return type == 'R' ? parse_auth(body, out) : parse_error(body, out);
}
