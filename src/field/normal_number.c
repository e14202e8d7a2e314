#include "field/normal_internal.h"

#define TYPED_MOST 64 /* digits, signs and brackets of a number */
#define E164_MOST 15
#define E164_LEAST 7
#define CODE_MOST 4 /* characters of a calling code, with a bracket behind it */
#define NANP 1
#define NANP_DIGITS 10

/* What was typed, without what only makes it readable. */
struct typed {
    char at[TYPED_MOST];
    size_t n;
};

static void
typed_wipe(struct typed *typed)
{
    explicit_bzero(typed, sizeof *typed);
}

static bool
dash(int32_t point)
{
    return point == '-' || (point >= 0x2010 && point <= 0x2015) || point == 0x2212;
}

/* Digits, and those of `keep`; blanks, dashes, points and strokes go; anything else is refused. */
static enum rdt_field_fault
take(struct rdt_span value, const char *keep, struct typed *out)
{
    RDT_AUTO(rdt_points_wipe) struct rdt_points points;
    enum rdt_field_fault fault = rdt_points_get(value, true, &points);
    out->n = 0;
    for (size_t i = 0; fault == RDT_FIELD_OK && i < points.n; i++) {
        int32_t c = points.at[i];
        int digit = rdt_point_digit(c);
        char kept = c > 0 && c < 0x80 && strchr(keep, c) != NULL ? (char)c : 0;
        if (digit < 0 && kept == 0) {
            if (!rdt_point_blank(c) && !dash(c) && c != '.' && c != '/')
                return RDT_FIELD_FORM;
            continue;
        }
        if (out->n == sizeof out->at)
            return RDT_FIELD_TOO_LONG;
        out->at[out->n++] = digit >= 0 ? (char)('0' + digit) : kept;
    }
    return fault;
}

static enum rdt_field_fault
put(const char *text, size_t n, struct rdt_rf1_out *out)
{
    if (n > out->room)
        return RDT_FIELD_NO_ROOM;
    memcpy(out->p, text, n);
    out->n = n;
    return RDT_FIELD_OK;
}

/* ---- identifiers of digits ---- */

enum rdt_field_fault
rdt_normal_digits(const struct rdt_normal *normal, struct rdt_span value, struct rdt_rf1_out *out)
{
    _Static_assert(TYPED_MOST == RDT_NORMAL_DIGITS_MAX, "room for the longest");
    (void)normal;
    RDT_AUTO(typed_wipe) struct typed typed = {0};
    enum rdt_field_fault fault = take(value, "", &typed);
    if (fault != RDT_FIELD_OK)
        return fault;
    return typed.n == 0 ? RDT_FIELD_FORM : put(typed.at, typed.n, out);
}

/* ---- telephone numbers ---- */

static bool
starts(const struct typed *in, size_t at, const char *with)
{
    struct rdt_span want = rdt_span_str(with), rest = {(const uint8_t *)in->at + at, in->n - at};
    return rest.n >= want.n && rdt_span_eq((struct rdt_span){rest.p, want.n}, want);
}

static void
cut(struct typed *in, size_t at, size_t n)
{
    memmove(in->at + at, in->at + at + n, in->n - at - n);
    in->n -= n;
}

/* "+49 (0) 151": the zero is for callers within the country. Italy's is part of the number, and
 * what somebody meant who put it in brackets cannot be known. */
static enum rdt_field_fault
leave_out_zero(struct typed *in)
{
    static const char *const keeps[] = {"39", "378", "379"};
    size_t at = 0;
    while (at < in->n && !starts(in, at, "(0)"))
        at++;
    if (at == in->n)
        return RDT_FIELD_OK;
    if (at > CODE_MOST)
        return RDT_FIELD_FORM;
    for (size_t i = 0; i < RDT_COUNT(keeps); i++)
        if (starts(in, 0, keeps[i]))
            return RDT_FIELD_UNCLEAR;
    cut(in, at, 3);
    return RDT_FIELD_OK;
}

static void
drop_brackets(struct typed *in)
{
    size_t kept = 0;
    for (size_t i = 0; i < in->n; i++)
        if (in->at[i] != '(' && in->at[i] != ')')
            in->at[kept++] = in->at[i];
    in->n = kept;
}

/* Whether a number was typed with its calling code, which then stands first. */
static bool
international(const struct rdt_normal *normal, struct typed *in)
{
    static const char *const signs[] = {"+", "(+", "00", "(00"};
    for (size_t i = 0; i < RDT_COUNT(signs); i++)
        if (starts(in, 0, signs[i])) {
            cut(in, 0, strlen(signs[i]));
            return true;
        }
    if (normal->country != NANP || !starts(in, 0, "011"))
        return false;
    cut(in, 0, 3);
    return true;
}

/* A number without its calling code becomes one with it. */
static enum rdt_field_fault
add_country(const struct rdt_normal *normal, struct typed *in)
{
    char code[3];
    size_t n = 0;
    if (normal->country == 0)
        return RDT_FIELD_FORM;
    if (normal->country == NANP) {
        if (in->n == NANP_DIGITS + 1 && in->at[0] == '1')
            return RDT_FIELD_OK;
        if (in->n != NANP_DIGITS)
            return RDT_FIELD_FORM;
    } else if (normal->trunk != 0) {
        /* without it: a local number, or a calling code without its plus */
        if (in->n == 0 || in->at[0] != (char)normal->trunk)
            return RDT_FIELD_UNCLEAR;
        cut(in, 0, 1);
    }
    for (unsigned rest = normal->country; rest != 0; rest /= 10)
        code[n++] = (char)('0' + rest % 10);
    if (in->n + n > E164_MOST)
        return RDT_FIELD_FORM;
    memmove(in->at + n, in->at, in->n);
    for (size_t i = 0; i < n; i++)
        in->at[i] = code[n - 1 - i];
    in->n += n;
    return RDT_FIELD_OK;
}

/* Lengths differ from country to country, and are known here for North America alone. */
static bool
of_e164(const struct typed *in)
{
    if (in->n < E164_LEAST || in->n > E164_MOST || in->at[0] == '0')
        return false;
    return in->at[0] != '1' || in->n == NANP_DIGITS + 1;
}

enum rdt_field_fault
rdt_normal_phone(const struct rdt_normal *normal, struct rdt_span value, struct rdt_rf1_out *out)
{
    RDT_AUTO(typed_wipe) struct typed typed = {0};
    char number[1 + E164_MOST] = "+";
    enum rdt_field_fault fault = take(value, "+()", &typed);
    if (fault != RDT_FIELD_OK)
        return fault;
    bool complete = international(normal, &typed);
    if (complete)
        fault = leave_out_zero(&typed);
    drop_brackets(&typed);
    if (fault == RDT_FIELD_OK && memchr(typed.at, '+', typed.n) != NULL)
        return RDT_FIELD_FORM;
    if (fault == RDT_FIELD_OK && !complete)
        fault = add_country(normal, &typed);
    if (fault != RDT_FIELD_OK)
        return fault;
    if (!of_e164(&typed))
        return RDT_FIELD_FORM;
    memcpy(number + 1, typed.at, typed.n);
    fault = put(number, 1 + typed.n, out);
    explicit_bzero(number, sizeof number);
    return fault;
}

/* ---- dates ---- */

struct date {
    unsigned part[3], digits[3]; /* as they were typed */
    size_t n;
};

/* Groups of digits between one kind of sign. */
static bool
read_date(const struct rdt_points *in, struct date *out)
{
    int32_t sign = 0;
    *out = (struct date){0};
    for (size_t i = 0; i < in->n; i++) {
        int digit = rdt_point_digit(in->at[i]);
        int32_t c = dash(in->at[i]) ? '-' : in->at[i];
        if (digit < 0) {
            if ((c != '-' && c != '/' && c != '.') || (sign != 0 && c != sign) || out->n == 2 ||
                out->digits[out->n] == 0)
                return false;
            sign = c;
            out->n++;
        } else if (out->digits[out->n]++ == 8) {
            return false;
        } else {
            out->part[out->n] = out->part[out->n] * 10 + (unsigned)digit;
        }
    }
    out->n++;
    return out->digits[out->n - 1] != 0;
}

static bool
in_calendar(unsigned y, unsigned m, unsigned d)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (y < 1 || m < 1 || m > 12 || d < 1)
        return false;
    return d <= days[m - 1] + (m == 2 && leap ? 1 : 0);
}

static enum rdt_field_fault
put_date(unsigned y, unsigned m, unsigned d, struct rdt_rf1_out *out)
{
    unsigned digits = y * 10000 + m * 100 + d;
    char text[10];
    if (!in_calendar(y, m, d))
        return RDT_FIELD_FORM;
    for (size_t i = sizeof text; i-- > 0;) {
        if (i == 4 || i == 7) {
            text[i] = '-';
            continue;
        }
        text[i] = (char)('0' + digits % 10);
        digits /= 10;
    }
    return put(text, sizeof text, out);
}

/* Day and month, or month and day: before the year. */
static enum rdt_field_fault
put_other_order(const struct rdt_normal *normal, const struct date *date, struct rdt_rf1_out *out)
{
    unsigned a = date->part[0], b = date->part[1], y = date->part[2];
    bool day_first = normal->order == RDT_NORMAL_ORDER_DMY;
    if (normal->order == RDT_NORMAL_ORDER_ISO) {
        if (in_calendar(y, a, b) && in_calendar(y, b, a) && a != b)
            return RDT_FIELD_UNCLEAR;
        day_first = in_calendar(y, b, a);
    }
    return day_first ? put_date(y, b, a, out) : put_date(y, a, b, out);
}

enum rdt_field_fault
rdt_normal_date(const struct rdt_normal *normal, struct rdt_span value, struct rdt_rf1_out *out)
{
    RDT_AUTO(rdt_points_wipe) struct rdt_points points;
    struct date date;
    enum rdt_field_fault fault = rdt_points_get(value, true, &points);
    if (fault != RDT_FIELD_OK)
        return fault;
    rdt_points_trim(&points);
    if (!read_date(&points, &date))
        return RDT_FIELD_FORM;
    if (date.n == 1 &&
        date.digits[0] == 8) /* as ISO has it without signs; others put the year last */
        return normal->order == RDT_NORMAL_ORDER_ISO
                   ? put_date(date.part[0] / 10000, date.part[0] / 100 % 100, date.part[0] % 100,
                              out)
                   : RDT_FIELD_UNCLEAR;
    if (date.n != 3)
        return RDT_FIELD_FORM;
    bool year_first = date.digits[0] == 4 && date.digits[1] <= 2 && date.digits[2] <= 2;
    bool year_last = date.digits[2] == 4 && date.digits[0] <= 2 && date.digits[1] <= 2;
    if (year_first)
        return put_date(date.part[0], date.part[1], date.part[2], out);
    return year_last ? put_other_order(normal, &date, out) : RDT_FIELD_FORM;
}
