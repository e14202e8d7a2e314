#include "field/normal_internal.h"

#define VERSION 1
#define COUNTRY_MOST 999 /* calling codes have at most three digits */
#define NANP 1           /* North America: ten digits, and the 1 in front may be missing */

/* ---- what a definition may say ---- */

bool
rdt_normal_check(const struct rdt_normal *normal)
{
    bool phone = normal->rule == RDT_NORMAL_PHONE;
    bool local = normal->local >= RDT_NORMAL_LOCAL_FOLD && normal->local <= RDT_NORMAL_LOCAL_TAG;
    bool order = normal->order >= RDT_NORMAL_ORDER_ISO && normal->order <= RDT_NORMAL_ORDER_MDY;
    if (normal->version != VERSION || normal->rule < RDT_NORMAL_RAW ||
        normal->rule > RDT_NORMAL_DATE)
        return false;
    if (normal->rule == RDT_NORMAL_EMAIL ? !local : normal->local != 0)
        return false;
    if (normal->rule == RDT_NORMAL_DATE ? !order : normal->order != 0)
        return false;
    if (!phone)
        return normal->country == 0 && normal->trunk == 0;
    if (normal->trunk != 0 && (normal->trunk < '0' || normal->trunk > '9'))
        return false;
    if (normal->country > COUNTRY_MOST)
        return false;
    return normal->trunk == 0 || (normal->country != 0 && normal->country != NANP);
}

size_t
rdt_normal_len(const struct rdt_normal *normal, size_t n)
{
    return normal->rule == RDT_NORMAL_RAW ? n : RDT_NORMAL_OUT_MAX;
}

/* ---- raw ---- */

static enum rdt_field_fault
put_raw(const struct rdt_normal *normal, struct rdt_span value, struct rdt_rf1_out *out)
{
    (void)normal;
    if (value.n > RDT_VALUE_MAX)
        return RDT_FIELD_TOO_LONG;
    if (value.n > out->room)
        return RDT_FIELD_NO_ROOM;
    if (value.n != 0)
        memcpy(out->p, value.p, value.n);
    out->n = value.n;
    return RDT_FIELD_OK;
}

/* ---- e-mail ---- */

static size_t
find(const struct rdt_points *in, int32_t point)
{
    size_t i = 0;
    while (i < in->n && in->at[i] != point)
        i++;
    return i;
}

static enum rdt_field_fault
append(const struct rdt_points *domain, struct rdt_points *local)
{
    if (domain->n >= RDT_COUNT(local->at) - local->n)
        return RDT_FIELD_TOO_LONG;
    local->at[local->n++] = '@';
    memcpy(local->at + local->n, domain->at, domain->n * sizeof domain->at[0]);
    local->n += domain->n;
    return RDT_FIELD_OK;
}

/* Labels that are not empty, and nothing that tells a reader where the address ends. */
static bool
good_address(const struct rdt_points *local, const struct rdt_points *domain)
{
    int32_t before = '.';
    for (size_t i = 0; i < local->n; i++)
        if (rdt_point_blank(local->at[i]) || rdt_point_control(local->at[i]))
            return false;
    for (size_t i = 0; i < domain->n; i++) {
        int32_t c = domain->at[i];
        if (rdt_point_blank(c) || rdt_point_control(c) || c == '@' || (c == '.' && before == '.'))
            return false;
        before = c;
    }
    return local->n != 0 && before != '.';
}

static enum rdt_field_fault
split_address(struct rdt_points *local, struct rdt_points *domain)
{
    size_t at = find(local, '@');
    domain->n = 0;
    if (at == local->n)
        return RDT_FIELD_FORM;
    domain->n = local->n - at - 1;
    memcpy(domain->at, local->at + at + 1, domain->n * sizeof domain->at[0]);
    local->n = at;
    return RDT_FIELD_OK;
}

static enum rdt_field_fault
put_email(const struct rdt_normal *normal, struct rdt_span value, struct rdt_rf1_out *out)
{
    RDT_AUTO(rdt_points_wipe) struct rdt_points local;
    RDT_AUTO(rdt_points_wipe) struct rdt_points domain;
    domain.n = 0;
    enum rdt_field_fault fault = rdt_points_get(value, false, &local);
    rdt_points_trim(&local);
    if (fault == RDT_FIELD_OK)
        fault = split_address(&local, &domain);
    if (fault == RDT_FIELD_OK)
        fault = rdt_points_end(&local, false, normal->local != RDT_NORMAL_LOCAL_KEEP);
    if (fault == RDT_FIELD_OK)
        fault = rdt_points_end(&domain, false, true);
    if (fault != RDT_FIELD_OK)
        return fault;
    size_t tag = normal->local == RDT_NORMAL_LOCAL_TAG ? find(&local, '+') : local.n;
    if (tag != 0) /* "+a@example.org" has no other name */
        local.n = tag;
    if (!good_address(&local, &domain))
        return RDT_FIELD_FORM;
    fault = append(&domain, &local);
    return fault == RDT_FIELD_OK ? rdt_points_put(&local, out) : fault;
}

/* ---- names ---- */

/* Blanks within become one U+0020 each run. */
static bool
collapse(struct rdt_points *points)
{
    size_t kept = 0;
    for (size_t i = 0; i < points->n; i++) {
        bool blank = rdt_point_blank(points->at[i]);
        if (!blank && rdt_point_control(points->at[i]))
            return false;
        if (!blank || points->at[kept - 1] != ' ')
            points->at[kept++] = blank ? ' ' : points->at[i];
    }
    points->n = kept;
    return true;
}

static enum rdt_field_fault
put_name(const struct rdt_normal *normal, struct rdt_span value, struct rdt_rf1_out *out)
{
    (void)normal;
    RDT_AUTO(rdt_points_wipe) struct rdt_points name;
    enum rdt_field_fault fault = rdt_points_get(value, true, &name);
    if (fault == RDT_FIELD_OK)
        fault = rdt_points_end(&name, true, true);
    if (fault != RDT_FIELD_OK)
        return fault;
    rdt_points_trim(&name);
    if (name.n == 0)
        return RDT_FIELD_FORM;
    return collapse(&name) ? rdt_points_put(&name, out) : RDT_FIELD_TEXT;
}

/* ---- all of them ---- */

enum rdt_field_fault
rdt_normal_put(const struct rdt_normal *normal, struct rdt_span value, struct rdt_rf1_out *out)
{
    static enum rdt_field_fault (*const rules[])(const struct rdt_normal *, struct rdt_span,
                                                 struct rdt_rf1_out *) = {
        [RDT_NORMAL_RAW] = put_raw,
        [RDT_NORMAL_EMAIL] = put_email,
        [RDT_NORMAL_PHONE] = rdt_normal_phone,
        [RDT_NORMAL_DIGITS] = rdt_normal_digits,
        [RDT_NORMAL_NAME] = put_name,
        [RDT_NORMAL_DATE] = rdt_normal_date,
    };
    out->n = 0;
    if (!rdt_normal_check(normal))
        return RDT_FIELD_INDEX;
    enum rdt_field_fault fault = rules[normal->rule](normal, value, out);
    if (fault != RDT_FIELD_OK && out->room != 0)
        explicit_bzero(out->p, out->room);
    return fault;
}

static bool
join_one(struct rdt_span part, struct rdt_rf1_out *out)
{
    if (out->room - out->n < 4 || out->room - out->n - 4 < part.n)
        return false;
    for (size_t i = 0; i < 4; i++)
        out->p[out->n++] = (uint8_t)(part.n >> (24 - 8 * i));
    if (part.n != 0)
        memcpy(out->p + out->n, part.p, part.n);
    out->n += part.n;
    return true;
}

enum rdt_field_fault
rdt_normal_join(const struct rdt_span *parts, size_t n, struct rdt_rf1_out *out)
{
    size_t total = 0;
    out->n = 0;
    if (n < 2 || n > RDT_NORMAL_PARTS_MAX)
        return RDT_FIELD_INDEX;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > RDT_VALUE_MAX || total + 4 + parts[i].n > RDT_VALUE_MAX)
            return RDT_FIELD_TOO_LONG;
        total += 4 + parts[i].n;
    }
    for (size_t i = 0; i < n; i++)
        if (!join_one(parts[i], out)) {
            out->n = 0;
            return RDT_FIELD_NO_ROOM;
        }
    return RDT_FIELD_OK;
}
