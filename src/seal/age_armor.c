#include "seal/age_internal.h"

#include "base/cursor.h"
#include "codec/base64.h"

#define BEGIN_LINE "-----BEGIN AGE ENCRYPTED FILE-----"
#define END_LINE "-----END AGE ENCRYPTED FILE-----"
#define BLANKS_MAX 1024 /* bytes of white space before the armor, and behind it */

static bool
is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Before BEGIN, and behind END: nothing but white space, and not much. */
static bool
take_blanks(struct age_dearmor *a, struct rdt_span *in)
{
    for (; in->n != 0 && is_space(in->p[0]); in->p++, in->n--) {
        a->indented = in->p[0] != '\n';
        if (++a->blanks > BLANKS_MAX)
            return false;
    }
    return in->n == 0 || (a->at == AGE_BEFORE && !a->indented);
}

enum found { PART, WHOLE, TOO_LONG };

static enum found
take_line(struct age_dearmor *a, struct rdt_span *in)
{
    struct rdt_span part = *in;
    enum found found = rdt_take_until(in, '\n', &part) ? WHOLE : PART;
    if (found == PART)
        in->n = 0;
    if (part.n > sizeof a->line - a->n)
        return TOO_LONG;
    if (part.n != 0)
        memcpy(a->line + a->n, part.p, part.n);
    a->n += part.n;
    return found;
}

/* RFC 7468, figure 3: full lines, then one that may be shorter; padding only at its end. */
static bool
read_line(struct age_dearmor *a, uint8_t out[static AGE_LINE_BYTES], size_t *n)
{
    struct rdt_span line = {a->line, a->n};
    a->n = 0;
    if (line.n != 0 && line.p[line.n - 1] == '\r')
        line.n--;
    if (a->at == AGE_BEFORE) {
        a->at = AGE_BODY;
        a->blanks = 0;
        return rdt_span_is(line, BEGIN_LINE);
    }
    if (rdt_span_is(line, END_LINE)) {
        a->at = AGE_AFTER;
        return true;
    }
    if (a->at == AGE_LAST || line.n == 0 || line.n > AGE_LINE_LEN || !rdt_base64_get(line, out, n))
        return false;
    if (*n < AGE_LINE_BYTES)
        a->at = AGE_LAST;
    return true;
}

bool
rdt_age_dearmor(struct age_dearmor *armor, struct rdt_span *in, uint8_t out[static AGE_LINE_BYTES],
                size_t *n)
{
    *n = 0;
    bool outside = armor->at == AGE_AFTER || (armor->at == AGE_BEFORE && armor->n == 0);
    if (outside && !take_blanks(armor, in))
        return false;
    if (in->n == 0)
        return true;
    enum found found = take_line(armor, in);
    return found == WHOLE ? read_line(armor, out, n) : found == PART;
}

/* The last line may lack its end; it cannot hold bytes then, since END has to come. */
bool
rdt_age_dearmor_end(struct age_dearmor *armor)
{
    uint8_t bytes[AGE_LINE_BYTES];
    size_t n = 0;
    bool ok = armor->n == 0 || read_line(armor, bytes, &n);
    return ok && armor->at == AGE_AFTER;
}

/* ---- writing ---- */

void
rdt_age_armor_begin(struct rdt_buf *out)
{
    rdt_buf_str(out, BEGIN_LINE "\n");
}

static void
add_line(struct rdt_span bytes, struct rdt_buf *out)
{
    char line[AGE_LINE_LEN + 1];
    size_t n = rdt_base64_len(bytes.n);
    rdt_base64_put(bytes, line);
    line[n] = '\n';
    rdt_buf_add(out, line, n + 1);
}

void
rdt_age_armor_add(struct age_armorer *armor, struct rdt_span bytes, struct rdt_buf *out)
{
    struct rdt_span line;
    if (armor->n != 0) {
        size_t room = AGE_LINE_BYTES - armor->n, n = bytes.n < room ? bytes.n : room;
        if (!rdt_take(&bytes, n, &line) || n == 0)
            return;
        memcpy(armor->held + armor->n, line.p, n);
        armor->n += n;
        if (armor->n < AGE_LINE_BYTES)
            return;
        add_line((struct rdt_span){armor->held, AGE_LINE_BYTES}, out);
        armor->n = 0;
    }
    while (rdt_take(&bytes, AGE_LINE_BYTES, &line))
        add_line(line, out);
    if (bytes.n != 0)
        memcpy(armor->held, bytes.p, bytes.n);
    armor->n = bytes.n;
}

void
rdt_age_armor_end(struct age_armorer *armor, struct rdt_buf *out)
{
    if (armor->n != 0)
        add_line((struct rdt_span){armor->held, armor->n}, out);
    armor->n = 0;
    rdt_buf_str(out, END_LINE "\n");
}
