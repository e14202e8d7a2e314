#include "base/text.h"

#include "base/compiler.h"

#define DISTANCE_MAX 64

static size_t
utf8_tail(uint8_t lead, uint32_t *code, uint32_t *least)
{
    if (lead >= 0xc2 && lead <= 0xdf) {
        *code = lead & 0x1f;
        *least = 0x80;
        return 1;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *code = lead & 0x0f;
        *least = 0x800;
        return 2;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *code = lead & 0x07;
        *least = 0x10000;
        return 3;
    }
    return 0;
}

/* The length of the character at the beginning; 0 when it is not UTF-8, or NUL. */
static size_t
character(struct rdt_span text, uint32_t *code)
{
    uint32_t least = 0;
    *code = text.p[0];
    if (text.p[0] < 0x80)
        return text.p[0] != 0;
    size_t tail = utf8_tail(text.p[0], code, &least);
    if (tail == 0 || text.n <= tail)
        return 0;
    for (size_t k = 1; k <= tail; k++) {
        if ((text.p[k] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text.p[k] & 0x3f);
    }
    if (*code < least || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return tail + 1;
}

bool
rdt_text_utf8(struct rdt_span text)
{
    uint32_t code = 0;
    for (size_t i = 0, n = 0; i < text.n; i += n) {
        n = character((struct rdt_span){text.p + i, text.n - i}, &code);
        if (n == 0)
            return false;
    }
    return true;
}

/* By first code point: controls, what turns the order round, what takes no room or shows nothing.
 */
static const struct {
    uint32_t first, last;
} unfit[] = {
    {0x0000,  0x001f },
    {0x007f,  0x009f },
    {0x00ad,  0x00ad },
    {0x034f,  0x034f },
    {0x061c,  0x061c },
    {0x115f,  0x1160 },
    {0x17b4,  0x17b5 },
    {0x180b,  0x180f },
    {0x200b,  0x200f },
    {0x2028,  0x202e },
    {0x2060,  0x206f },
    {0x3164,  0x3164 },
    {0xfeff,  0xfeff },
    {0xffa0,  0xffa0 },
    {0xfff0,  0xfffb },
    {0xe0000, 0xe0fff},
};

size_t
rdt_text_step(struct rdt_span text, bool *fit)
{
    uint32_t code = 0;
    if (text.p[0] >= 0x20 && text.p[0] < 0x7f) { /* nearly all of them */
        *fit = true;
        return 1;
    }
    size_t n = character(text, &code);
    *fit = n != 0;
    for (size_t i = 0; i < RDT_COUNT(unfit) && code >= unfit[i].first; i++)
        *fit = *fit && code > unfit[i].last;
    return n == 0 ? 1 : n;
}

bool
rdt_text_fit(struct rdt_span text)
{
    bool fit = true;
    for (size_t i = 0; i < text.n && fit;)
        i += rdt_text_step((struct rdt_span){text.p + i, text.n - i}, &fit);
    return fit;
}

void
rdt_text_show(char *text)
{
    struct rdt_span all = rdt_span_str(text);
    for (size_t i = 0, n = 0; i < all.n; i += n) {
        bool fit = false;
        n = rdt_text_step((struct rdt_span){all.p + i, all.n - i}, &fit);
        if (!fit)
            memset(text + i, '?', n);
    }
}

void
rdt_text_show_lines(uint8_t *text, size_t n)
{
    for (size_t i = 0, step = 0; i < n; i += step) {
        bool fit = false;
        step = rdt_text_step((struct rdt_span){text + i, n - i}, &fit);
        if (!fit && text[i] != '\n' && text[i] != '\t')
            memset(text + i, '?', step);
    }
}

static unsigned
least_of(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

unsigned
rdt_text_distance(struct rdt_span a, struct rdt_span b)
{
    unsigned rows[3][DISTANCE_MAX + 1];
    if (a.n > DISTANCE_MAX || b.n > DISTANCE_MAX)
        return DISTANCE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned differ = a.p[i - 1] != b.p[j - 1];
            now[j] = least_of(last[j] + 1, now[j - 1] + 1, last[j - 1] + differ);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return rows[a.n % 3][b.n];
}

const char *
rdt_text_nearest(struct rdt_span text, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    unsigned best_at = text.n < 6 ? 2 : text.n < 9 ? 3 : 4; /* the first distance that is too far */
    for (size_t i = 0; i < n; i++) {
        unsigned at = rdt_text_distance(text, rdt_span_str(candidates[i]));
        if (at < best_at) {
            best = candidates[i];
            best_at = at;
        }
    }
    return best;
}

bool
rdt_text_glob(struct rdt_span pattern, struct rdt_span text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) { /* let the last star swallow one byte more */
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}
