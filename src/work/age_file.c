#include "work/age_file.h"

#include "codec/agekey.h"
#include "seal/age.h"
#include "work/room.h"

#define STEP ((size_t)256 * 1024) /* bytes that are read at a time */

/* Public keys of a file's recipients, one after the other. */
struct keys {
    uint8_t x25519[RDT_RECIPIENTS_MAX][RDT_HPKE_PUBLIC_LEN];
    uint8_t hybrid[RDT_RECIPIENTS_MAX][RDT_AGEKEY_HYBRID_LEN];
};

static enum rdt_code
age_to(const struct rdt_recipients *to, struct keys *keys, struct rdt_age_to *out,
       struct rdt_err *err)
{
    for (size_t i = 0; i < to->n; i++) {
        if (to->items[i].kind == RDT_TO_PASSPHRASE)
            out->passphrase = to->passphrase;
        else if (to->items[i].kind == RDT_TO_X25519)
            memcpy(keys->x25519[out->n_keys++], to->items[i].public_key, RDT_HPKE_PUBLIC_LEN);
        else if (to->items[i].kind == RDT_TO_HYBRID)
            memcpy(keys->hybrid[out->n_hybrid_keys++], to->items[i].hybrid_key,
                   RDT_AGEKEY_HYBRID_LEN);
        else
            return rdt_fail(err, RDT_E_USAGE,
                            "a file in age's format is for age1... keys or a passphrase only");
    }
    out->keys = (const uint8_t(*)[RDT_HPKE_PUBLIC_LEN])keys->x25519;
    out->hybrid_keys = (const uint8_t(*)[RDT_AGEKEY_HYBRID_LEN])keys->hybrid;
    return RDT_OK;
}

static enum rdt_code
pass_on(struct rdt_sink *sink, struct rdt_buf *out, struct rdt_err *err)
{
    if (!rdt_buf_ok(out))
        return rdt_fail(err, RDT_E_NOMEM, "seal");
    enum rdt_code rc = rdt_sink_write(sink, rdt_buf_span(out), err);
    out->n = 0;
    return rc;
}

static enum rdt_code
feed_all(const struct rdt_seal_file *job, struct rdt_age_writer *writer, struct rdt_buf *out,
         struct rdt_err *err)
{
    RDT_ROOM in = {0};
    size_t n = STEP;
    uint64_t done = 0;
    enum rdt_code rc = rdt_room_new(&in, STEP, err);
    while (rc == RDT_OK && n == STEP) {
        rc = rdt_source_fill(job->source, in.p, STEP, &n, err);
        if (rc == RDT_OK)
            rc = rdt_age_writer_feed(writer, (struct rdt_span){in.p, n}, out, err);
        if (rc == RDT_OK)
            rc = pass_on(job->sink, out, err);
        done += n;
        if (job->progress != NULL)
            job->progress(job->arg, done);
    }
    return rc;
}

enum rdt_code
rdt_age_seal(const struct rdt_seal_file *job, bool armor, struct rdt_err *err)
{
    struct keys keys;
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    RDT_AUTO(rdt_age_writer_free_at) struct rdt_age_writer *writer = NULL;
    RDT_BUF out = {0};
    struct rdt_age_to to = {.armor = armor ? RDT_AGE_ARMORED : RDT_AGE_BINARY};
    enum rdt_code rc = age_to(job->opts.to, &keys, &to, err);
    if (rc == RDT_OK)
        rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = rdt_age_writer_new(worker, &to, &writer, err);
    if (rc == RDT_OK)
        rc = feed_all(job, writer, &out, err);
    if (rc == RDT_OK && job->producer != NULL)
        rc = rdt_producer_wait(job->producer, err);
    if (rc == RDT_OK)
        rc = rdt_age_writer_end(writer, &out, err);
    return rc == RDT_OK ? pass_on(job->sink, &out, err) : rc;
}

enum rdt_code
rdt_age_open(struct rdt_source *source, const struct rdt_unlock *with,
             const struct rdt_opener_to *to, struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    RDT_AUTO(rdt_age_reader_free_at) struct rdt_age_reader *reader = NULL;
    RDT_ROOM in = {0};
    RDT_ROOM plain = {0};
    struct rdt_age_with keys = {.keys = with->identities,
                                .n_keys = with->n,
                                .hybrid_keys = with->hybrids,
                                .n_hybrid_keys = with->n_hybrids,
                                .passphrase = with->passphrase.n == 0 ? NULL : &with->passphrase};
    size_t n = STEP;
    uint64_t done = 0;
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = rdt_room_new(&in, STEP, err);
    if (rc == RDT_OK)
        rc = rdt_room_new(&plain, rdt_age_out_room(STEP), err);
    if (rc == RDT_OK)
        rc = rdt_age_reader_new(worker, &keys, &reader, err);
    while (rc == RDT_OK && n == STEP) {
        struct rdt_age_out out = {.p = plain.p, .cap = plain.n};
        rc = rdt_source_fill(source, in.p, STEP, &n, err);
        if (rc == RDT_OK)
            rc = rdt_age_reader_feed(reader, (struct rdt_span){in.p, n}, &out, err);
        if (rc == RDT_OK && to->take != NULL)
            rc = to->take(to->arg, (struct rdt_span){out.p, out.n}, err);
        done += n;
        if (to->progress != NULL)
            to->progress(to->arg, done);
    }
    struct rdt_age_out last = {.p = plain.p, .cap = plain.n};
    if (rc == RDT_OK)
        rc = rdt_age_reader_end(reader, &last, err);
    if (rc == RDT_OK && to->take != NULL)
        rc = to->take(to->arg, (struct rdt_span){last.p, last.n}, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "%s", rdt_source_name(source));
}
