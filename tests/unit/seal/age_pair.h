/*
 * age_pair.h - one file written and read again, for the tests of both directions.
 */
#ifndef RDT_TEST_AGE_PAIR_H
#define RDT_TEST_AGE_PAIR_H

#include "crypto/x25519.h"
#include "seal/age.h"

#include "../test.h"

#include <stdlib.h>

static struct rdt_worker *worker;
static struct rdt_secret private_key, other_key, phrase;
static uint8_t public_key[1][32];

static int
set_up(void **state)
{
    uint8_t nobody[32];
    (void)state;
    return rdt_worker_open(&worker, NULL) != RDT_OK ||
           rdt_x25519_keypair(worker, &private_key, public_key[0], NULL) != RDT_OK ||
           rdt_x25519_keypair(worker, &other_key, nobody, NULL) != RDT_OK ||
           rdt_secret_copy(&phrase, rdt_span_str("correct horse"), NULL) != RDT_OK;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&private_key);
    rdt_secret_wipe(&other_key);
    rdt_secret_wipe(&phrase);
    rdt_worker_close(worker);
    return 0;
}

static struct rdt_age_to RDT_UNUSED
to_key(enum rdt_age_armor armor)
{
    return (struct rdt_age_to){
        .keys = (const uint8_t(*)[32])public_key, .n_keys = 1, .armor = armor};
}

/* Seal in portions of `step` bytes. */
static void RDT_UNUSED
seal(const struct rdt_age_to *to, struct rdt_span plain, size_t step, struct rdt_buf *out)
{
    RDT_AUTO(rdt_age_writer_free_at) struct rdt_age_writer *writer = NULL;
    assert_int_equal(rdt_age_writer_new(worker, to, &writer, NULL), RDT_OK);
    for (size_t at = 0; at < plain.n; at += step) {
        size_t n = plain.n - at < step ? plain.n - at : step;
        assert_int_equal(rdt_age_writer_feed(writer, (struct rdt_span){plain.p + at, n}, out, NULL),
                         RDT_OK);
    }
    assert_int_equal(rdt_age_writer_end(writer, out, NULL), RDT_OK);
}

/* Open in portions of `step` bytes, each in a block without a byte to spare; gives how it ended. */
static enum rdt_age_fault RDT_UNUSED
open_with(const struct rdt_age_with *with, struct rdt_span file, size_t step, struct rdt_buf *out)
{
    RDT_AUTO(rdt_age_reader_free_at) struct rdt_age_reader *reader = NULL;
    enum rdt_code rc = RDT_OK;
    size_t room = rdt_age_out_room(step);
    uint8_t *plain = malloc(room);
    assert_non_null(plain);
    assert_int_equal(rdt_age_reader_new(worker, with, &reader, NULL), RDT_OK);
    for (size_t at = 0; rc == RDT_OK && at < file.n; at += step) {
        size_t n = file.n - at < step ? file.n - at : step;
        struct rdt_age_out to = {plain, rdt_age_out_room(n), 0};
        uint8_t *exact = malloc(n);
        memcpy(exact, file.p + at, n);
        rc = rdt_age_reader_feed(reader, (struct rdt_span){exact, n}, &to, NULL);
        free(exact);
        rdt_buf_add(out, plain, to.n);
    }
    struct rdt_age_out to = {plain, rdt_age_out_room(0), 0};
    if (rc == RDT_OK)
        rc = rdt_age_reader_end(reader, &to, NULL);
    rdt_buf_add(out, plain, to.n);
    free(plain);
    assert_true((rc == RDT_OK) == (rdt_age_reader_fault(reader) == RDT_AGE_OK));
    return rdt_age_reader_fault(reader);
}

static struct rdt_age_with RDT_UNUSED
with_key(const struct rdt_secret *key)
{
    return (struct rdt_age_with){.keys = key, .n_keys = 1};
}

static void RDT_UNUSED
pattern(struct rdt_buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rdt_buf_add(out, &(uint8_t){(uint8_t)(i * 7 + i / 251)}, 1);
    assert_true(rdt_buf_ok(out));
}

#endif
