/*
 * root_help.h - roots and seals for the tests of kms/root*.c, at the least cost.
 */
#ifndef RDT_TEST_ROOT_HELP_H
#define RDT_TEST_ROOT_HELP_H

#include "../test.h"
#include "kms/root_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define GOOD "correct horse battery"
#define WRONG "correct horse batters"

static const uint8_t deployment[16] = {0xd0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static inline void
secret_of(struct rdt_secret *secret, const char *text)
{
    assert_int_equal(rdt_secret_copy(secret, rdt_span_str(text), NULL), RDT_OK);
}

static inline struct rdt_seal_opts
development(const char *id)
{
    return (struct rdt_seal_opts){.type = RDT_SEAL_DEVELOPMENT, .id = id};
}

static inline struct rdt_seal_opts
passphrase(const char *id, const struct rdt_secret *secret)
{
    return (struct rdt_seal_opts){.type = RDT_SEAL_PASSPHRASE,
                                  .id = id,
                                  .passphrase = secret,
                                  .argon_memory_kib = RDT_ARGON_MEMORY_MIN,
                                  .argon_passes = 1};
}

static inline struct rdt_seal_opts
shamir(const char *id, unsigned threshold, unsigned shares)
{
    return (struct rdt_seal_opts){
        .type = RDT_SEAL_SHAMIR, .id = id, .threshold = threshold, .shares = shares};
}

/* The lines of a text of shares, each a secret of its own. */
struct lines {
    struct rdt_secret all[RDT_SHARES_MAX];
    const struct rdt_secret *pointers[RDT_SHARES_MAX];
    size_t n;
};

static inline void
split_lines(const struct rdt_secret *text, struct lines *out)
{
    struct rdt_span rest = {text->p, text->n};
    *out = (struct lines){.n = 0};
    while (rest.n != 0) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        assert_non_null(end);
        size_t n = (size_t)(end - rest.p);
        assert_true(out->n < RDT_SHARES_MAX);
        assert_int_equal(rdt_secret_copy(&out->all[out->n], (struct rdt_span){rest.p, n}, NULL),
                         RDT_OK);
        out->pointers[out->n] = &out->all[out->n];
        out->n++;
        rest = (struct rdt_span){end + 1, rest.n - n - 1};
    }
}

static inline void
lines_done(struct lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        rdt_secret_wipe(&lines->all[i]);
}

#define LINES RDT_AUTO(lines_done) struct lines
#define ROOT RDT_AUTO(rdt_root_free_at) struct rdt_root *
#define OPEN RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *

static inline void
create(const struct rdt_seal_opts *first, struct rdt_secret *shares, struct rdt_root **root,
       struct rdt_root_open **open)
{
    struct rdt_err err = {0};
    if (rdt_root_create(deployment, first, shares, root, open, &err) != RDT_OK)
        fail_msg("%s", err.text);
}

/* The file's text with its first `from` replaced; the root that is read from it, or why not. */
static inline enum rdt_code
edited(const struct rdt_root *root, const char *from, const char *to, struct rdt_root **out)
{
    RDT_BUF text = {0}, changed = {0};
    rdt_root_text(root, &text);
    const uint8_t *at = memmem(text.p, text.n, from, strlen(from));
    if (at == NULL)
        fail_msg("'%s' is not in the file", from);
    size_t before = (size_t)(at - text.p), after = before + strlen(from);
    rdt_buf_add(&changed, text.p, before);
    rdt_buf_str(&changed, to);
    rdt_buf_add(&changed, text.p + after, text.n - after);
    return rdt_root_parse(rdt_buf_span(&changed), out, NULL);
}

static inline void
assert_text(const struct rdt_root *a, const struct rdt_root *b)
{
    RDT_BUF x = {0}, y = {0};
    rdt_root_text(a, &x);
    rdt_root_text(b, &y);
    assert_string_equal(rdt_buf_cstr(&x), rdt_buf_cstr(&y));
}

#endif
