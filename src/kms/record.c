#include "kms/record.h"

#include "base/cursor.h"
#include "base/text.h"

#include <stdlib.h>

#define LENGTH_TOP ((size_t)0xffffff) /* of the u24 */

static uint64_t
zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t
unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (uint64_t) - (int64_t)(v & 1));
}

static size_t
fixed_len(enum rdt_member_type type)
{
    return type == RDT_M_B16 ? 16 : type == RDT_M_B32 ? 32 : 0;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

/* The number that a member holds; numbers of every width are written alike. */
static uint64_t
number_of(enum rdt_member_type type, const void *at)
{
    if (type == RDT_M_U8)
        return *(const uint8_t *)at;
    if (type == RDT_M_U32)
        return *(const uint32_t *)at;
    return type == RDT_M_U64 ? *(const uint64_t *)at : zigzag(*(const int64_t *)at);
}

static struct rdt_span
number_bytes(uint64_t v, uint8_t room[static 8])
{
    size_t n = 0;
    for (size_t i = 0; i < 8; i++) {
        uint8_t byte = (uint8_t)(v >> (56 - 8 * i));
        if (n != 0 || byte != 0)
            room[n++] = byte;
    }
    return (struct rdt_span){room, n};
}

/* What is written of a member; nothing when it is zero or empty. */
static struct rdt_span
value_of(const struct rdt_record_member *m, const void *object, uint8_t room[static 8])
{
    const void *at = (const uint8_t *)object + m->at;
    size_t fixed = fixed_len(m->type);
    if (fixed != 0)
        return (struct rdt_span){at, all_zero(at, fixed) ? 0 : fixed};
    if (m->type == RDT_M_BYTES)
        return rdt_bytes_span(at);
    if (m->type != RDT_M_TEXT)
        return number_bytes(number_of(m->type, at), room);
    const char *text = *(char *const *)at;
    return text == NULL ? (struct rdt_span){NULL, 0} : rdt_span_str(text);
}

void
rdt_record_put(const struct rdt_record *record, const void *object, struct rdt_buf *out)
{
    for (size_t i = 0; i < record->n_members; i++) {
        const struct rdt_record_member *m = &record->members[i];
        uint8_t room[8];
        struct rdt_span value = value_of(m, object, room);
        if (value.n == 0)
            continue;
        if (value.n > LENGTH_TOP) {
            out->failed = out->full = true;
            return;
        }
        const uint8_t head[] = {m->number, (uint8_t)(value.n >> 16), (uint8_t)(value.n >> 8),
                                (uint8_t)value.n};
        rdt_buf_add(out, head, sizeof head);
        rdt_buf_add(out, value.p, value.n);
    }
}

static bool
set_number(enum rdt_member_type type, struct rdt_span value, void *at)
{
    static const uint64_t top[] = {
        [RDT_M_U8] = UINT8_MAX,
        [RDT_M_U32] = UINT32_MAX,
        [RDT_M_U64] = UINT64_MAX,
        [RDT_M_I64] = UINT64_MAX,
    };
    uint64_t v;
    if (value.p[0] == 0 || !rdt_take_uint(&value, value.n, &v) || v > top[type])
        return false;
    if (type == RDT_M_U8)
        *(uint8_t *)at = (uint8_t)v;
    else if (type == RDT_M_U32)
        *(uint32_t *)at = (uint32_t)v;
    else if (type == RDT_M_U64)
        *(uint64_t *)at = v;
    else
        *(int64_t *)at = unzigzag(v);
    return true;
}

/* value is not empty. RDT_E_BADINPUT without words: the caller has the names. */
static enum rdt_code
set_member(const struct rdt_record_member *m, struct rdt_span value, void *object)
{
    void *at = (uint8_t *)object + m->at;
    size_t fixed = fixed_len(m->type);
    if (fixed != 0) {
        if (value.n != fixed || all_zero(value.p, fixed))
            return RDT_E_BADINPUT;
        memcpy(at, value.p, fixed);
        return RDT_OK;
    }
    if (m->type == RDT_M_BYTES)
        return rdt_bytes_set(at, value) ? RDT_OK : RDT_E_NOMEM;
    if (m->type != RDT_M_TEXT)
        return set_number(m->type, value, at) ? RDT_OK : RDT_E_BADINPUT;
    if (!rdt_text_utf8(value))
        return RDT_E_BADINPUT;
    return rdt_text_set(at, value) ? RDT_OK : RDT_E_NOMEM;
}

/* docs/formats/record.md 1: u8 number | u24 length | value */
static bool
take_field(struct rdt_span *in, uint8_t *number, struct rdt_span *value)
{
    uint64_t n = 0;
    bool ok = rdt_take_u8(in, number);
    ok = ok && rdt_take_uint(in, 3, &n);
    ok = ok && rdt_take(in, n, value);
    return ok && n != 0;
}

enum rdt_code
rdt_record_get(const struct rdt_record *record, struct rdt_span bytes, void *object,
               struct rdt_err *err)
{
    size_t next = 0; /* members before it are behind us: order and repeats need no other check */
    while (bytes.n != 0) {
        uint8_t number;
        struct rdt_span value;
        if (!take_field(&bytes, &number, &value))
            return rdt_fail(err, RDT_E_BADINPUT, "record %s: a field's length is wrong",
                            record->name);
        while (next < record->n_members && record->members[next].number < number)
            next++;
        if (next == record->n_members || record->members[next].number != number)
            return rdt_fail(err, RDT_E_BADINPUT, "record %s: field %u is unknown or out of order",
                            record->name, number);
        const struct rdt_record_member *m = &record->members[next++];
        enum rdt_code rc = set_member(m, value, object);
        if (rc != RDT_OK)
            return rdt_fail(err, rc, "record %s: field %s", record->name, m->name);
    }
    return RDT_OK;
}

static bool
copy_member(const struct rdt_record_member *m, const void *from, void *to)
{
    const void *source = (const uint8_t *)from + m->at;
    void *target = (uint8_t *)to + m->at;
    switch (m->type) {
    case RDT_M_U8:
        memcpy(target, source, sizeof(uint8_t));
        return true;
    case RDT_M_U32:
        memcpy(target, source, sizeof(uint32_t));
        return true;
    case RDT_M_U64:
    case RDT_M_I64:
        memcpy(target, source, sizeof(uint64_t));
        return true;
    case RDT_M_B16:
    case RDT_M_B32:
        memcpy(target, source, fixed_len(m->type));
        return true;
    case RDT_M_TEXT: {
        const char *text = *(char *const *)source;
        return text == NULL || rdt_text_set(target, rdt_span_str(text));
    }
    case RDT_M_BYTES:
        return rdt_bytes_set(target, rdt_bytes_span(source));
    }
    return false;
}

enum rdt_code
rdt_record_copy(const struct rdt_record *record, const void *from, void *to)
{
    memset(to, 0, record->size);
    for (size_t i = 0; i < record->n_members; i++)
        if (!copy_member(&record->members[i], from, to)) {
            rdt_record_done(record, to);
            return RDT_E_NOMEM;
        }
    return RDT_OK;
}

void
rdt_record_done(const struct rdt_record *record, void *object)
{
    for (size_t i = 0; i < record->n_members; i++) {
        void *at = (uint8_t *)object + record->members[i].at;
        if (record->members[i].type == RDT_M_TEXT)
            free(*(char **)at);
        else if (record->members[i].type == RDT_M_BYTES)
            free(((struct rdt_bytes *)at)->p);
    }
    memset(object, 0, record->size);
}

/* malloc alone gives a copy its own life: the new value may be part of the old one. */
static uint8_t *
copied(struct rdt_span bytes, size_t more)
{
    uint8_t *p = malloc(bytes.n + more);
    if (p != NULL)
        memcpy(p, bytes.p, bytes.n);
    return p;
}

bool
rdt_text_set(char **member, struct rdt_span text)
{
    char *new = NULL;
    if (!rdt_text_utf8(text))
        return false;
    if (text.n != 0) {
        new = (char *)copied(text, 1);
        if (new == NULL)
            return false;
        new[text.n] = '\0';
    }
    free(*member);
    *member = new;
    return true;
}

bool
rdt_bytes_set(struct rdt_bytes *member, struct rdt_span bytes)
{
    uint8_t *new = NULL;
    if (bytes.n != 0) {
        new = copied(bytes, 0);
        if (new == NULL)
            return false;
    }
    free(member->p);
    *member = (struct rdt_bytes){new, bytes.n};
    return true;
}
