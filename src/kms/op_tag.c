/*
 * Tags of a key: pairs sorted by name, at most TAGS_MAX.
 */
#include "base/text.h"
#include "kms/call_internal.h"
#include "kms/op_internal.h"

#include <stdlib.h>

#define TAG_KEY_MAX 128   /* characters */
#define TAG_VALUE_MAX 256 /* characters */

static size_t
characters(struct rdt_span text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += (text.p[i] & 0xc0) != 0x80;
    return n;
}

static enum rdt_fault
check_tag(struct rdt_call *call, struct rdt_span key, struct rdt_span value)
{
    struct rdt_span head = {key.p, key.n < 4 ? key.n : 4};
    if (key.n == 0 || characters(key) > TAG_KEY_MAX || characters(value) > TAG_VALUE_MAX)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "a tag key has 1 to %d characters, a value at most %d", TAG_KEY_MAX,
                             TAG_VALUE_MAX);
    if (rdt_span_is(head, "aws:"))
        return rdt_call_fail(call, RDT_FAULT_TAG, "tag keys beginning with aws: are reserved");
    return RDT_FAULT_NONE;
}

static int
by_name(const void *a, const void *b)
{
    return rdt_span_cmp(((const struct rdt_pair *)a)->name, ((const struct rdt_pair *)b)->name);
}

/* The array's tags, checked and sorted. */
static enum rdt_fault
read_tags(struct rdt_call *call, uint32_t list, struct rdt_pair out[static TAGS_MAX], size_t *n)
{
    uint32_t count = list == 0 ? 0 : call->in->tok[list].count, at = list + 1;
    *n = 0;
    if (count > TAGS_MAX)
        return rdt_call_fail(call, RDT_FAULT_TAG, "a key has at most %d tags", TAGS_MAX);
    for (uint32_t i = 0; i < count; i++, at = call->in->tok[at].next) {
        uint32_t key = rdt_jget(call->in, at, "TagKey"), value = rdt_jget(call->in, at, "TagValue");
        if (key == 0 || value == 0 || call->in->tok[key].type != RDT_J_STRING ||
            call->in->tok[value].type != RDT_J_STRING)
            return rdt_call_fail(call, RDT_FAULT_VALIDATION, "a tag has a TagKey and a TagValue");
        out[*n] = (struct rdt_pair){rdt_jspan(call->in, key), rdt_jspan(call->in, value)};
        enum rdt_fault fault = check_tag(call, out[*n].name, out[*n].value);
        if (fault != RDT_FAULT_NONE)
            return fault;
        (*n)++;
    }
    if (*n > 1)
        qsort(out, *n, sizeof out[0], by_name);
    for (size_t i = 1; i < *n; i++)
        if (rdt_span_eq(out[i - 1].name, out[i].name))
            return rdt_call_fail(call, RDT_FAULT_TAG, "a tag key stands twice");
    return RDT_FAULT_NONE;
}

/* Old and new tags, both sorted, into one list; a new value replaces an old one. */
static enum rdt_fault
merge(struct rdt_call *call, struct rdt_key *key, const struct rdt_pair *add, size_t n)
{
    RDT_BUF out = {0};
    struct rdt_span in = rdt_bytes_span(&key->tags);
    struct rdt_pair old;
    bool have = rdt_pairs_next(&in, &old);
    size_t i = 0, total = 0;
    while (have || i < n) {
        int c = !have ? 1 : i == n ? -1 : rdt_span_cmp(old.name, add[i].name);
        if (c < 0)
            rdt_pairs_add(&out, old.name, old.value);
        else
            rdt_pairs_add(&out, add[i].name, add[i].value);
        if (c <= 0)
            have = rdt_pairs_next(&in, &old);
        if (c >= 0)
            i++;
        total++;
    }
    if (total > TAGS_MAX)
        return rdt_call_fail(call, RDT_FAULT_TAG, "a key has at most %d tags", TAGS_MAX);
    if (!rdt_buf_ok(&out) || !rdt_bytes_set(&key->tags, rdt_buf_span(&out)))
        return rdt_out_of_memory(call);
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_tags_put(struct rdt_call *call, struct rdt_key *key, const char *member)
{
    struct rdt_pair tags[TAGS_MAX];
    size_t n;
    enum rdt_fault fault = read_tags(call, rdt_in_token(call, member), tags, &n);
    return fault == RDT_FAULT_NONE ? merge(call, key, tags, n) : fault;
}

enum rdt_fault
rdt_op_tag_resource(struct rdt_call *call)
{
    struct rdt_key *key = rdt_edit_key(call);
    return key == NULL ? rdt_out_of_memory(call) : rdt_tags_put(call, key, "Tags");
}

static bool
is_named(const struct rdt_call *call, uint32_t list, struct rdt_span name)
{
    for (uint32_t i = 0; i < call->in->tok[list].count; i++)
        if (rdt_span_eq(rdt_jspan(call->in, list + 1 + i), name))
            return true;
    return false;
}

enum rdt_fault
rdt_op_untag_resource(struct rdt_call *call)
{
    RDT_BUF out = {0};
    uint32_t list = rdt_in_token(call, "TagKeys");
    struct rdt_key *key = rdt_edit_key(call);
    struct rdt_pair old;
    if (key == NULL)
        return rdt_out_of_memory(call);
    struct rdt_span in = rdt_bytes_span(&key->tags);
    while (rdt_pairs_next(&in, &old))
        if (!is_named(call, list, old.name))
            rdt_pairs_add(&out, old.name, old.value);
    if (!rdt_buf_ok(&out) || !rdt_bytes_set(&key->tags, rdt_buf_span(&out)))
        return rdt_out_of_memory(call);
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_op_list_resource_tags(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    struct page page;
    enum rdt_fault fault = rdt_page_begin(call, 50, 50, &page);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_span in = rdt_bytes_span(&call->key->tags), after = {page.after, page.after_n};
    struct rdt_span last = {0};
    struct rdt_pair tag;
    int64_t n = 0;
    bool more = false;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_open(out, "Tags", '[');
    while (!more && rdt_pairs_next(&in, &tag)) {
        if (after.n != 0 && rdt_span_cmp(tag.name, after) <= 0)
            continue;
        more = n == page.limit;
        if (more)
            break;
        rdt_jout_open(out, NULL, '{');
        rdt_jout_text(out, "TagKey", tag.name);
        rdt_jout_text(out, "TagValue", tag.value);
        rdt_jout_close(out, '}');
        last = tag.name;
        n++;
    }
    rdt_jout_close(out, ']');
    rdt_page_end(call, last, more);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}
