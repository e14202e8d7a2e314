#include "field/normal_internal.h"

#include <utf8proc.h>

#define BYTES_MOST (4 * RDT_NORMAL_POINTS_MAX)

_Static_assert(sizeof(utf8proc_int32_t) == sizeof(int32_t), "points are utf8proc's");

void
rdt_points_wipe(struct rdt_points *points)
{
    explicit_bzero(points->at, sizeof points->at);
    points->n = 0;
}

struct range {
    int32_t first, last;
};

static bool
within(const struct range *ranges, size_t n, int32_t point)
{
    for (size_t i = 0; i < n; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

/* The property White_Space. */
bool
rdt_point_blank(int32_t point)
{
    static const struct range blanks[] = {
        {0x09,   0x0d  },
        {0x20,   0x20  },
        {0x85,   0x85  },
        {0xa0,   0xa0  },
        {0x1680, 0x1680},
        {0x2000, 0x200a},
        {0x2028, 0x2029},
        {0x202f, 0x202f},
        {0x205f, 0x205f},
        {0x3000, 0x3000},
    };
    return within(blanks, RDT_COUNT(blanks), point);
}

/* What address books and web pages put around a value and nobody types: soft hyphen, zero width
 * space, direction marks, word joiner, byte order mark. Joiners mean something, and stay. */
static bool
invisible(int32_t point)
{
    static const struct range marks[] = {
        {0xad,   0xad  },
        {0x200b, 0x200b},
        {0x200e, 0x200f},
        {0x202a, 0x202e},
        {0x2060, 0x2060},
        {0x2066, 0x2069},
        {0xfeff, 0xfeff},
    };
    return within(marks, RDT_COUNT(marks), point);
}

bool
rdt_point_control(int32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f);
}

int
rdt_point_digit(int32_t point)
{
    static const int32_t zeroes[] = {'0', 0x660, 0x6f0};
    for (size_t i = 0; i < RDT_COUNT(zeroes); i++)
        if (point >= zeroes[i] && point <= zeroes[i] + 9)
            return (int)(point - zeroes[i]);
    return -1;
}

static utf8proc_option_t
options(bool compat, bool fold)
{
    return (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_REJECTNA |
                               (compat ? UTF8PROC_COMPAT : 0) | (fold ? UTF8PROC_CASEFOLD : 0));
}

static enum rdt_field_fault
decompose(const uint8_t *p, size_t n, utf8proc_option_t how, struct rdt_points *out)
{
    utf8proc_ssize_t got =
        utf8proc_decompose(p, (utf8proc_ssize_t)n, out->at, RDT_COUNT(out->at), how);
    out->n = 0;
    if (got < 0)
        return RDT_FIELD_TEXT;
    if ((size_t)got > RDT_COUNT(out->at))
        return RDT_FIELD_TOO_LONG;
    out->n = (size_t)got;
    return RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_points_get(struct rdt_span text, bool compat, struct rdt_points *out)
{
    out->n = 0;
    if (text.n == 0)
        return RDT_FIELD_FORM;
    if (text.n > RDT_NORMAL_TEXT_MAX)
        return RDT_FIELD_TOO_LONG;
    enum rdt_field_fault fault = decompose(text.p, text.n, options(compat, false), out);
    size_t kept = 0;
    for (size_t i = 0; i < out->n; i++)
        if (!invisible(out->at[i]))
            out->at[kept++] = out->at[i];
    out->n = kept;
    return fault;
}

static size_t
encode(const struct rdt_points *points, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < points->n; i++)
        n += (size_t)utf8proc_encode_char(points->at[i], out + n);
    return n;
}

/* Decomposed once more: what was taken out may have stood between marks that have an order, and
 * folding makes letters that decompose. */
enum rdt_field_fault
rdt_points_end(struct rdt_points *points, bool compat, bool fold)
{
    uint8_t bytes[BYTES_MOST];
    size_t n = encode(points, bytes);
    enum rdt_field_fault fault = decompose(bytes, n, options(compat, fold), points);
    explicit_bzero(bytes, n);
    if (fault != RDT_FIELD_OK)
        return fault;
    utf8proc_ssize_t got =
        utf8proc_normalize_utf32(points->at, (utf8proc_ssize_t)points->n,
                                 (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    points->n = got < 0 ? 0 : (size_t)got;
    return got < 0 ? RDT_FIELD_TEXT : RDT_FIELD_OK;
}

void
rdt_points_trim(struct rdt_points *points)
{
    size_t front = 0;
    while (points->n > 0 && rdt_point_blank(points->at[points->n - 1]))
        points->n--;
    while (front < points->n && rdt_point_blank(points->at[front]))
        front++;
    points->n -= front;
    memmove(points->at, points->at + front, points->n * sizeof points->at[0]);
}

enum rdt_field_fault
rdt_points_put(const struct rdt_points *points, struct rdt_rf1_out *out)
{
    uint8_t one[4];
    size_t n = 0;
    for (size_t i = 0; i < points->n; i++) {
        size_t len = (size_t)utf8proc_encode_char(points->at[i], one);
        if (n + len > RDT_NORMAL_OUT_MAX)
            return RDT_FIELD_TOO_LONG;
        if (n + len > out->room)
            return RDT_FIELD_NO_ROOM;
        memcpy(out->p + n, one, len);
        n += len;
    }
    out->n = n;
    return RDT_FIELD_OK;
}
