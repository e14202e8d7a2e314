#include "field/rf1.h"

#include "base/buf.h"

#include <string.h>

/* "rd1.", and four characters for three bytes. */
size_t
rdt_text_len(size_t value_n)
{
    return 4 + value_n / 3 * 4 + (value_n % 3 == 0 ? 0 : value_n % 3 + 1);
}

enum rdt_field_fault
rdt_text_from_value(const void *value, size_t value_n, char *out, size_t room, size_t *out_n)
{
    struct rdt_rf1 rf1;
    RDT_BUF text = {0};
    *out_n = 0;
    if (!rdt_rf1_read((struct rdt_span){value, value_n}, &rf1))
        return RDT_FIELD_NOT_RF1;
    if (room < rdt_text_len(value_n))
        return RDT_FIELD_NO_ROOM;
    rdt_rf1_text_add(&text, (struct rdt_span){value, value_n});
    if (!rdt_buf_ok(&text))
        return RDT_FIELD_NOMEM;
    memcpy(out, text.p, text.n);
    *out_n = text.n;
    return RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_text_to_value(const char *text, size_t text_n, void *out, size_t room, size_t *out_n)
{
    struct rdt_rf1 rf1;
    size_t n = 0;
    *out_n = 0;
    if (room < text_n)
        return RDT_FIELD_NO_ROOM;
    if (!rdt_rf1_text_get((struct rdt_span){(const uint8_t *)text, text_n}, out, &n) ||
        !rdt_rf1_read((struct rdt_span){out, n}, &rf1))
        return RDT_FIELD_NOT_RF1;
    *out_n = n;
    return RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_value_look(const void *value, size_t n, struct rdt_value_head *out)
{
    struct rdt_rf1 rf1;
    if (!rdt_rf1_read((struct rdt_span){value, n}, &rf1))
        return RDT_FIELD_NOT_RF1;
    *out = (struct rdt_value_head){.handle = rf1.handle, .epoch = rf1.epoch, .suite = rf1.suite};
    return RDT_FIELD_OK;
}
