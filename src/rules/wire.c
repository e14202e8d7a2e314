#include "rules/wire_internal.h"

#include "base/text.h"

#define KNOWN_DECIDED (RDT_BY_PLAN | RDT_BY_LIVE | RDT_BY_SNAPSHOT | RDT_BY_HUMAN | RDT_BY_LOADER)

/* ---- reading --------------------------------------------------------------------------------- */

static bool
take_text(struct rdt_span *in, struct rdt_span *out)
{
    uint16_t n;
    return rdt_take_u16(in, &n) && n <= RDT_WIRE_TEXT_MAX && rdt_take(in, n, out) &&
           rdt_text_utf8(*out);
}

static bool
take_below(struct rdt_span *in, uint32_t end, uint32_t *out)
{
    return rdt_take_u32(in, out) && *out < end;
}

static bool
take_small(struct rdt_span *in, unsigned end, uint8_t *out)
{
    return rdt_take_u8(in, out) && *out < end;
}

/* u32 line | u8 severity | u8 decided | u8 live | u32 sections | text id, title, why, fix | texts
 */
static bool
take_rule(struct rdt_span *in, struct rdt_wire_rule *r)
{
    uint16_t n = 0;
    bool ok = rdt_take_u32(in, &r->line);
    ok = ok && take_small(in, RDT_SEV_CRITICAL + 1, &r->severity);
    ok = ok && rdt_take_u8(in, &r->decided) && r->decided != 0 &&
         (r->decided & ~(unsigned)KNOWN_DECIDED) == 0;
    ok = ok && take_small(in, 2, &r->live);
    ok = ok && take_below(in, 1u << RDT_NSECTIONS, &r->sections) && r->sections != 0;
    ok = ok && take_text(in, &r->id) && r->id.n != 0;
    ok = ok && take_text(in, &r->title) && r->title.n != 0;
    ok = ok && take_text(in, &r->why);
    ok = ok && take_text(in, &r->fix);
    ok = ok && rdt_take_u16(in, &n) && n <= RDT_WIRE_SOURCES_MAX;
    for (r->n_source = 0; ok && r->n_source < n; r->n_source++)
        ok = take_text(in, &r->source[r->n_source]);
    return ok;
}

/* u32 rule | u8 outcome | u8 stage | u8 level | text message | u32 count | u32 subject... */
static bool
take_group(struct rdt_span *in, const struct rdt_wire_bounds *bounds, struct rdt_wire_result *r)
{
    uint32_t n = 0;
    bool ok = take_below(in, bounds->rules, &r->rule);
    ok = ok && take_small(in, RDT_NOUTCOMES, &r->outcome);
    ok = ok && take_small(in, RDT_NSTAGES, &r->stage);
    ok = ok && take_small(in, RDT_A4 + 1, &r->level);
    ok = ok && take_text(in, &r->message);
    ok = ok && rdt_take_u32(in, &n) && n != 0 && n <= bounds->subjects;
    ok = ok && rdt_take(in, (size_t)n * 4, &r->subjects);
    r->n_subjects = n;
    for (size_t i = 0; ok && i < n; i++)
        ok = rdt_wire_subject(r, i) < bounds->subjects;
    return ok;
}

/* u32 rule | u32 subject | u8 outcome | u8 stage | u8 level | u8 severity | four texts |
 * u16 count | u32 evidence... */
static bool
take_detail(struct rdt_span *in, const struct rdt_wire_bounds *bounds, struct rdt_wire_result *r)
{
    uint16_t n = 0;
    bool ok = take_below(in, bounds->rules, &r->rule);
    ok = ok && take_below(in, bounds->subjects, &r->subject);
    ok = ok && take_small(in, RDT_NOUTCOMES, &r->outcome);
    ok = ok && take_small(in, RDT_NSTAGES, &r->stage);
    ok = ok && take_small(in, RDT_A4 + 1, &r->level);
    ok = ok && take_small(in, RDT_SEV_CRITICAL + 1, &r->severity);
    ok = ok && take_text(in, &r->field);
    ok = ok && take_text(in, &r->message);
    ok = ok && take_text(in, &r->observed);
    ok = ok && take_text(in, &r->expected);
    ok = ok && rdt_take_u16(in, &n) && n <= RDT_WIRE_EVIDENCE_MAX;
    for (r->n_evidence = 0; ok && r->n_evidence < n; r->n_evidence++)
        ok = take_below(in, bounds->evidence, &r->evidence[r->n_evidence]);
    return ok;
}

/* u32 rule | u32 number | u8 good | text subject, expected, got, message */
static bool
take_test(struct rdt_span *in, const struct rdt_wire_bounds *bounds, struct rdt_wire_test *t)
{
    uint8_t good = 0;
    bool ok = take_below(in, bounds->rules, &t->rule);
    ok = ok && rdt_take_u32(in, &t->number);
    ok = ok && take_small(in, 2, &good);
    ok = ok && take_text(in, &t->subject);
    ok = ok && take_text(in, &t->expected);
    ok = ok && take_text(in, &t->got);
    ok = ok && take_text(in, &t->message);
    t->good = good != 0;
    return ok;
}

/* u8 code | text what, hint. The codes that a pack can cause; it cannot claim another. */
static bool
take_failure(struct rdt_span *in, struct rdt_wire_failure *f)
{
    uint8_t code = 0;
    bool ok = rdt_take_u8(in, &code);
    ok = ok && (code == RDT_E_BADINPUT || code == RDT_E_SANDBOX || code == RDT_E_NOMEM ||
                code == RDT_E_LIMIT || code == RDT_E_NOTFOUND || code == RDT_E_INTERNAL);
    ok = ok && take_text(in, &f->what);
    ok = ok && take_text(in, &f->hint);
    f->code = (enum rdt_code)code;
    return ok;
}

static bool
take_body(struct rdt_span *body, struct rdt_wire_bounds *bounds, struct rdt_wire_record *out)
{
    switch (out->type) {
    case 'R':
        if (bounds->rules == RDT_PACK_RULES_MAX || !take_rule(body, &out->rule))
            return false;
        bounds->rules++;
        return true;
    case 'G':
        return take_group(body, bounds, &out->result);
    case 'D':
        return take_detail(body, bounds, &out->result);
    case 'T':
        return take_test(body, bounds, &out->test);
    case 'V':
        return take_text(body, &out->value.subject) && take_text(body, &out->value.path) &&
               take_text(body, &out->value.value);
    case 'F':
        return take_failure(body, &out->failure);
    case 'E':
        return rdt_take_u32(body, &out->n_rules) && out->n_rules == bounds->rules;
    default:
        return false;
    }
}

enum rdt_code
rdt_wire_take(struct rdt_span *in, struct rdt_wire_bounds *bounds, struct rdt_wire_record *out,
              struct rdt_err *err)
{
    struct rdt_span body;
    uint32_t n = 0;
    *out = (struct rdt_wire_record){0};
    bool ok = rdt_take_u8(in, &out->type);
    ok = ok && rdt_take_u32(in, &n);
    ok = ok && rdt_take(in, n, &body);
    ok = ok && take_body(&body, bounds, out);
    ok = ok && body.n == 0;
    ok = ok && ((out->type != 'E' && out->type != 'F') || in->n == 0);
    if (!ok)
        return rdt_fail(err, RDT_E_SANDBOX, "the rules' process sent a malformed answer");
    return RDT_OK;
}

uint32_t
rdt_wire_subject(const struct rdt_wire_result *group, size_t i)
{
    const uint8_t *p = group->subjects.p + i * 4;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Cut between letters, never inside of one. */
static void
put_text(struct rdt_buf *out, struct rdt_span text)
{
    if (text.n > RDT_WIRE_TEXT_MAX) {
        text.n = RDT_WIRE_TEXT_MAX;
        while (text.n > 0 && (text.p[text.n] & 0xc0) == 0x80)
            text.n--;
    }
    rdt_buf_uint(out, (uint32_t)text.n, 2);
    rdt_buf_add(out, text.p, text.n);
}

/* Returns where the body starts, for end_record(). */
static size_t
begin_record(struct rdt_buf *out, char type)
{
    rdt_buf_uint(out, (uint8_t)type, 1);
    rdt_buf_uint(out, 0, 4);
    return out->n;
}

static void
end_record(struct rdt_buf *out, size_t start)
{
    if (!rdt_buf_ok(out))
        return;
    size_t n = out->n - start;
    for (unsigned i = 0; i < 4; i++)
        out->p[start - 4 + i] = (uint8_t)(n >> (8 * (3 - i)));
}

void
rdt_wire_put_rule(struct rdt_buf *out, const struct rdt_wire_rule *rule)
{
    size_t start = begin_record(out, 'R');
    rdt_buf_uint(out, rule->line, 4);
    rdt_buf_uint(out, rule->severity, 1);
    rdt_buf_uint(out, rule->decided, 1);
    rdt_buf_uint(out, rule->live, 1);
    rdt_buf_uint(out, rule->sections, 4);
    put_text(out, rule->id);
    put_text(out, rule->title);
    put_text(out, rule->why);
    put_text(out, rule->fix);
    rdt_buf_uint(out, (uint32_t)rule->n_source, 2);
    for (size_t i = 0; i < rule->n_source; i++)
        put_text(out, rule->source[i]);
    end_record(out, start);
}

void
rdt_wire_put_group(struct rdt_buf *out, const struct rdt_wire_result *group,
                   const uint32_t *subjects, size_t n)
{
    size_t start = begin_record(out, 'G');
    rdt_buf_uint(out, group->rule, 4);
    rdt_buf_uint(out, group->outcome, 1);
    rdt_buf_uint(out, group->stage, 1);
    rdt_buf_uint(out, group->level, 1);
    put_text(out, group->message);
    rdt_buf_uint(out, (uint32_t)n, 4);
    for (size_t i = 0; i < n; i++)
        rdt_buf_uint(out, subjects[i], 4);
    end_record(out, start);
}

void
rdt_wire_put_detail(struct rdt_buf *out, const struct rdt_wire_result *detail)
{
    size_t start = begin_record(out, 'D');
    rdt_buf_uint(out, detail->rule, 4);
    rdt_buf_uint(out, detail->subject, 4);
    rdt_buf_uint(out, detail->outcome, 1);
    rdt_buf_uint(out, detail->stage, 1);
    rdt_buf_uint(out, detail->level, 1);
    rdt_buf_uint(out, detail->severity, 1);
    put_text(out, detail->field);
    put_text(out, detail->message);
    put_text(out, detail->observed);
    put_text(out, detail->expected);
    rdt_buf_uint(out, (uint32_t)detail->n_evidence, 2);
    for (size_t i = 0; i < detail->n_evidence; i++)
        rdt_buf_uint(out, detail->evidence[i], 4);
    end_record(out, start);
}

void
rdt_wire_put_test(struct rdt_buf *out, const struct rdt_wire_test *test)
{
    size_t start = begin_record(out, 'T');
    rdt_buf_uint(out, test->rule, 4);
    rdt_buf_uint(out, test->number, 4);
    rdt_buf_uint(out, test->good, 1);
    put_text(out, test->subject);
    put_text(out, test->expected);
    put_text(out, test->got);
    put_text(out, test->message);
    end_record(out, start);
}

void
rdt_wire_put_value(struct rdt_buf *out, const struct rdt_wire_value *value)
{
    size_t start = begin_record(out, 'V');
    put_text(out, value->subject);
    put_text(out, value->path);
    put_text(out, value->value);
    end_record(out, start);
}

void
rdt_wire_put_failure(struct rdt_buf *out, const struct rdt_err *err)
{
    size_t start = begin_record(out, 'F');
    rdt_buf_uint(out, (uint32_t)err->code, 1);
    put_text(out, rdt_span_str(err->text));
    put_text(out, rdt_span_str(err->hint));
    end_record(out, start);
}

void
rdt_wire_put_end(struct rdt_buf *out, uint32_t n_rules)
{
    size_t start = begin_record(out, 'E');
    rdt_buf_uint(out, n_rules, 4);
    end_record(out, start);
}
