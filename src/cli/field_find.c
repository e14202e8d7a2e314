#include "cli/field_find.h"

enum rdt_code
rdt_field_fault_code(enum rdt_field_fault fault, struct rdt_err *err)
{
    static const struct {
        enum rdt_field_fault fault;
        enum rdt_code rc;
    } codes[] = {
        {RDT_FIELD_NOT_RF1,  RDT_E_BADINPUT},
        {RDT_FIELD_ROW,      RDT_E_BADINPUT},
        {RDT_FIELD_TEXT,     RDT_E_BADINPUT},
        {RDT_FIELD_FORM,     RDT_E_BADINPUT},
        {RDT_FIELD_UNCLEAR,  RDT_E_BADINPUT},
        {RDT_FIELD_INDEX,    RDT_E_BADINPUT},
        {RDT_FIELD_RISK,     RDT_E_BADINPUT},
        {RDT_FIELD_TOO_LONG, RDT_E_LIMIT   },
        {RDT_FIELD_SUITE,    RDT_E_TAMPERED},
        {RDT_FIELD_TENANT,   RDT_E_TAMPERED},
        {RDT_FIELD_PLACE,    RDT_E_TAMPERED},
        {RDT_FIELD_BODY,     RDT_E_TAMPERED},
        {RDT_FIELD_TOKEN,    RDT_E_TAMPERED},
    };
    if (fault == RDT_FIELD_OK)
        return RDT_OK;
    for (size_t i = 0; i < RDT_COUNT(codes); i++)
        if (codes[i].fault == fault)
            return rdt_fail(err, codes[i].rc, "%s", rdt_field_fault_words(fault));
    return rdt_fail(err, RDT_E_INTERNAL, "%s", rdt_field_fault_words(fault));
}

static enum rdt_code
done(struct rdt_field_job *job, enum rdt_field_fault fault)
{
    return rdt_field_fault_code(fault, &job->cli->err);
}

/* ---- keys ---- */

static enum rdt_code
make(struct rdt_field_job *job, const struct rdt_tenant_kek *kek, struct rdt_index_keys **out)
{
    struct rdt_index_keys *keys = &job->indexes[job->next_index];
    struct rdt_field_index index;
    enum rdt_code rc = RDT_OK;
    keys->epoch = 0; /* an older one has to go */
    if (keys->token.p == NULL)
        rc = rdt_index_keys_new(keys, &job->cli->err);
    rdt_catalogue_index(job->from, kek->tenant, &index);
    if (rc == RDT_OK)
        rc = done(job, rdt_index_keys_make(job->worker, &kek->key, &index, keys));
    if (rc != RDT_OK)
        return rc;
    job->next_index = (job->next_index + 1) % RDT_FIELD_JOB_INDEXES_MAX;
    keys->handle = kek->handle;
    keys->epoch = kek->epoch;
    *out = keys;
    return RDT_OK;
}

/* epoch 0: the current one. */
static enum rdt_code
keys_of(struct rdt_field_job *job, uint16_t epoch, struct rdt_index_keys **out)
{
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    uint16_t want = epoch != 0 ? epoch : job->current_index;
    if (job->from == NULL || job->from->index == NULL)
        return rdt_fail(&job->cli->err, RDT_E_STATE, "the column has no index");
    for (size_t i = 0; want != 0 && i < RDT_FIELD_JOB_INDEXES_MAX; i++)
        if (job->indexes[i].epoch == want) {
            *out = &job->indexes[i];
            return RDT_OK;
        }
    struct rdt_kek_ask ask = {
        .ring = job->from->index->ring, .tenant = job->ask.tenant, .epoch = epoch};
    enum rdt_code rc =
        rdt_client_kek(job->remote.client, job->worker, &ask, NULL, &kek, &job->cli->err);
    if (rc == RDT_OK && epoch == 0)
        job->current_index = kek.epoch;
    return rc == RDT_OK ? make(job, &kek, out)
                        : rdt_fail_in(&job->cli->err, rc, "index %s", job->from->index->name);
}

/* ---- tokens ---- */

static void
wipe(struct rdt_buf *buf)
{
    if (buf->cap != 0)
        explicit_bzero(buf->p, buf->cap);
    rdt_buf_done(buf);
}

/* A plaintext as the index's normaliser writes it; the caller wipes it. */
static enum rdt_code
normal(struct rdt_field_job *job, struct rdt_span plain, struct rdt_buf *out)
{
    const struct rdt_normal *rule = &job->from->index->as.normal;
    size_t n = rdt_normal_len(rule, plain.n);
    if (plain.n > RDT_VALUE_MAX)
        return done(job, RDT_FIELD_TOO_LONG);
    if (!rdt_field_job_room(out, n))
        return rdt_fail(&job->cli->err, RDT_E_NOMEM, "make a token");
    struct rdt_rf1_out to = {out->p, n, 0};
    enum rdt_code rc = done(job, rdt_normal_put(rule, plain, &to));
    out->n = to.n;
    return rc;
}

enum rdt_code
rdt_field_find_tokens(struct rdt_field_job *job, struct rdt_span plain, bool search,
                      struct rdt_tokens *out)
{
    RDT_AUTO(wipe) struct rdt_buf text = {0};
    struct rdt_index_keys *keys;
    enum rdt_code rc = keys_of(job, 0, &keys);
    if (rc == RDT_OK)
        rc = normal(job, plain, &text);
    if (rc != RDT_OK)
        return rc;
    struct rdt_span value = rdt_buf_span(&text);
    out->n = 1;
    if (keys->kind == RDT_INDEX_UNIQUE || keys->kind == RDT_INDEX_TRUNCATED)
        return done(job, rdt_token(job->worker, keys, value, out->at[0]));
    return done(job, search ? rdt_tokens_ask(job->worker, keys, value, out->at[0])
                            : rdt_tokens_put(job->worker, keys, value, out));
}

enum rdt_code
rdt_field_find_front(struct rdt_field_job *job, struct rdt_span plain, struct rdt_buf *out)
{
    struct rdt_tokens tokens;
    struct rdt_index_keys *keys;
    uint8_t front[RDT_SEARCHABLE_FRONT];
    if (job->from == NULL || !rdt_catalogue_in_value(job->from))
        return RDT_OK;
    enum rdt_code rc = rdt_field_find_tokens(job, plain, false, &tokens);
    if (rc == RDT_OK)
        rc = keys_of(job, 0, &keys);
    if (rc != RDT_OK)
        return rc;
    rdt_searchable_put(keys, tokens.at[0], front);
    rdt_buf_add(out, front, sizeof front);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(&job->cli->err, RDT_E_NOMEM, "a token");
}

enum rdt_code
rdt_field_find_check(struct rdt_field_job *job, const struct rdt_searchable *value,
                     struct rdt_span plain)
{
    RDT_AUTO(wipe) struct rdt_buf text = {0};
    struct rdt_index_keys *keys;
    enum rdt_code rc = keys_of(job, value->epoch, &keys);
    if (rc == RDT_OK && value->kind != keys->kind)
        rc = done(job, RDT_FIELD_TOKEN);
    if (rc == RDT_OK)
        rc = normal(job, plain, &text);
    return rc == RDT_OK
               ? done(job, rdt_token_check(job->worker, keys, rdt_buf_span(&text), value->token))
               : rc;
}
