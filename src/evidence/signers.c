#include "evidence/signers.h"

#include "base/text.h"
#include "codec/base64.h"
#include "crypto/sign.h"

bool
rdt_signers_find(struct rdt_span text, struct rdt_span public_key,
                 char name[static RDT_SIGNER_NAME_MAX + 1], bool *any)
{
    while (text.n != 0) {
        uint8_t theirs[RDT_PUBLIC_MAX];
        const uint8_t *end = memchr(text.p, '\n', text.n);
        struct rdt_span line = {text.p, end == NULL ? text.n : (size_t)(end - text.p)};
        text.p += line.n + (end != NULL);
        text.n -= line.n + (end != NULL);
        if (line.n != 0 && line.p[line.n - 1] == '\r')
            line.n--;
        const uint8_t *blank = line.n == 0 ? NULL : memchr(line.p, ' ', line.n);
        if (blank == NULL || line.p[0] == '#')
            continue;
        struct rdt_span digits = {blank + 1, (size_t)(line.p + line.n - blank - 1)};
        size_t n = digits.n / 2, name_n = (size_t)(blank - line.p);
        if (digits.n % 2 != 0 || n == 0 || n > sizeof theirs || name_n > RDT_SIGNER_NAME_MAX ||
            !rdt_hex_get(digits, theirs, n))
            continue;
        *any = true;
        if (!rdt_span_eq(public_key, (struct rdt_span){theirs, n}))
            continue;
        memcpy(name, line.p, name_n);
        name[name_n] = '\0';
        rdt_text_show(name);
        return true;
    }
    return false;
}
