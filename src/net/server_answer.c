#include "net/server_internal.h"

#include <stdlib.h>

#define SEND_PER_TURN ((size_t)256 * 1024) /* bytes of one answer to a peer that takes them all */

static const struct {
    int status;
    const char *words;
} statuses[] = {
    {200, "OK"                             },
    {201, "Created"                        },
    {202, "Accepted"                       },
    {204, "No Content"                     },
    {206, "Partial Content"                },
    {301, "Moved Permanently"              },
    {302, "Found"                          },
    {303, "See Other"                      },
    {304, "Not Modified"                   },
    {307, "Temporary Redirect"             },
    {308, "Permanent Redirect"             },
    {400, "Bad Request"                    },
    {401, "Unauthorized"                   },
    {403, "Forbidden"                      },
    {404, "Not Found"                      },
    {405, "Method Not Allowed"             },
    {406, "Not Acceptable"                 },
    {408, "Request Timeout"                },
    {409, "Conflict"                       },
    {410, "Gone"                           },
    {411, "Length Required"                },
    {412, "Precondition Failed"            },
    {413, "Content Too Large"              },
    {414, "URI Too Long"                   },
    {415, "Unsupported Media Type"         },
    {417, "Expectation Failed"             },
    {421, "Misdirected Request"            },
    {422, "Unprocessable Content"          },
    {423, "Locked"                         },
    {428, "Precondition Required"          },
    {429, "Too Many Requests"              },
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"          },
    {501, "Not Implemented"                },
    {502, "Bad Gateway"                    },
    {503, "Service Unavailable"            },
    {504, "Gateway Timeout"                },
    {505, "HTTP Version Not Supported"     },
    {507, "Insufficient Storage"           },
};

const char *
rdt_status_words(int status)
{
    for (size_t i = 0; i < RDT_COUNT(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].words;
    return "Status";
}

/* ---- the head: bytes put together, since formatting costs more than all the rest of it */

struct sink {
    uint8_t *p;
    size_t n, cap;
    bool full;
};

static void
put(struct sink *out, const void *bytes, size_t n)
{
    if (n > out->cap - out->n) {
        out->full = true;
        return;
    }
    if (n > 0)
        memcpy(out->p + out->n, bytes, n);
    out->n += n;
}

static void
put_text(struct sink *out, const char *text)
{
    put(out, text, strlen(text));
}

static void
put_number(struct sink *out, size_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(out, digits + at, sizeof digits - at);
}

static bool
has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

size_t
rdt_answer_head(const struct rdt_exchange *x, const char *date, bool close, uint8_t *out,
                size_t cap)
{
    struct sink head = {.p = out, .cap = cap};
    put_text(&head, "HTTP/1.1 ");
    put_number(&head, (size_t)x->status);
    put_text(&head, " ");
    put_text(&head, rdt_status_words(x->status));
    put_text(&head, "\r\nDate: ");
    put_text(&head, date);
    if (has_body(x->status)) {
        if (x->content_type != NULL) {
            put_text(&head, "\r\nContent-Type: ");
            put_text(&head, x->content_type);
        }
        put_text(&head, "\r\nContent-Length: ");
        put_number(&head, x->answer.n);
    }
    put_text(&head, close ? "\r\nConnection: close\r\n" : "\r\n");
    put(&head, x->fields.p, x->fields.n);
    put_text(&head, "\r\n");
    return head.full ? 0 : head.n;
}

/* ---- sending */

static void
blocked(struct rdt_conn *conn)
{
    if (conn->phase != RDT_PHASE_SEND)
        rdt_conn_phase(conn, RDT_PHASE_SEND);
    rdt_conn_arm(conn, UV_WRITABLE);
}

/* Sends bytes from *at on; what a peer does not take at once is tried again with the same bytes. */
static ssize_t
send_from(struct rdt_conn *conn, struct rdt_span bytes, size_t *at, size_t *budget)
{
    while (*at < bytes.n) {
        size_t n = bytes.n - *at < RDT_RECORD_LEN ? bytes.n - *at : RDT_RECORD_LEN;
        if (*budget == 0)
            return RDT_IO_AGAIN; /* others first; poll tells at once that there is room */
        ssize_t put_n = rdt_conn_write(conn, bytes.p + *at, n);
        if (put_n < 0)
            return put_n;
        *at += (size_t)put_n;
        *budget -= (size_t)put_n < *budget ? (size_t)put_n : *budget;
    }
    return 0;
}

/* Keeps what the peer has not taken yet. False when out of memory. */
static bool
hold(struct rdt_flight *flight, const uint8_t *p, size_t n)
{
    rdt_buf_add(&flight->held, p, n);
    return rdt_buf_ok(&flight->held);
}

static void
go_on(struct rdt_conn *conn, size_t budget)
{
    struct rdt_flight *flight = conn->flight;
    ssize_t rc = send_from(conn, rdt_buf_span(&flight->held), &flight->held_at, &budget);
    if (rc == 0)
        rc = send_from(conn, rdt_buf_span(&flight->x.answer), &flight->answer_at, &budget);
    if (rc == 0)
        rdt_conn_answered(conn);
    else if (rc == RDT_IO_AGAIN)
        blocked(conn);
    else
        rdt_conn_close(conn);
}

void
rdt_answer_flush(struct rdt_conn *conn)
{
    go_on(conn, SEND_PER_TURN);
}

void
rdt_answer_continue(struct rdt_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct rdt_span bytes = {(const uint8_t *)text, sizeof text - 1};
    ssize_t n = rdt_conn_write(conn, bytes.p, bytes.n);
    if (n == RDT_IO_AGAIN) /* it goes out with the answer; the peer need not have waited for it */
        n = hold(conn->flight, bytes.p, bytes.n) ? (ssize_t)bytes.n : RDT_IO_DEAD;
    if (n != (ssize_t)bytes.n)
        rdt_conn_close(conn);
}

/* An answer that cannot be sent as it is becomes one that says so. */
static void
check_answer(struct rdt_exchange *x)
{
    if (x->status >= 200 && x->status <= 599 && rdt_buf_ok(&x->fields) && rdt_buf_ok(&x->answer) &&
        x->answer.n <= RDT_SERVER_ANSWER_MAX)
        return;
    x->status = 500;
    x->content_type = NULL;
    x->close = true;
    x->fields.n = x->answer.n = 0;
}

/* Head and as much of the body as goes into the same record. */
static size_t
first_record(struct rdt_conn *conn)
{
    struct rdt_flight *flight = conn->flight;
    struct rdt_exchange *x = &flight->x;
    struct rdt_loop *loop = conn->loop;
    uint8_t *out = loop->scratch;
    const char *date = rdt_loop_date(loop);
    size_t n = rdt_answer_head(x, date, conn->closing, out, sizeof loop->scratch);
    if (n == 0) { /* the caller's fields are beyond all measure */
        x->status = 500;
        x->fields.n = x->answer.n = 0;
        n = rdt_answer_head(x, date, conn->closing, out, sizeof loop->scratch);
    }
    bool bare = (flight->has_head && rdt_span_is(x->head.method, "HEAD")) || !has_body(x->status);
    size_t body = sizeof loop->scratch - n;
    if (body > x->answer.n)
        body = x->answer.n;
    if (bare) {
        body = 0;
        flight->answer_at = x->answer.n;
    }
    if (body > 0)
        memcpy(out + n, x->answer.p, body);
    flight->answer_at += body;
    return n + body;
}

void
rdt_answer_send(struct rdt_conn *conn)
{
    struct rdt_flight *flight = conn->flight;
    struct rdt_loop *loop = conn->loop;
    check_answer(&flight->x);
    conn->closing =
        flight->x.close || loop->stopping || (flight->has_head && !flight->x.head.keep_alive);
    size_t n = first_record(conn), at = 0;
    size_t budget = SEND_PER_TURN;
    struct rdt_span bytes = {loop->scratch, n};
    ssize_t rc = 0;
    if (flight->held.n == 0)
        rc = send_from(conn, bytes, &at, &budget);
    bool kept = rc != RDT_IO_DEAD && (at == n || hold(flight, bytes.p + at, n - at));
    explicit_bzero(loop->scratch, n); /* an answer may be a data key */
    if (!kept)
        rdt_conn_close(conn);
    else if (rc == RDT_IO_AGAIN)
        blocked(conn);
    else
        go_on(conn, budget);
}
