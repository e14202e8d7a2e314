/* The tokens in front of searchable values: made, and checked, since who writes the database can
 * put any token before any value. */
#include "base/clock.h"
#include "codec/base64.h"
#include "work/column_internal.h"

#include <stdlib.h>

struct held {
    uint32_t handle;
    uint16_t epoch;
    int64_t until_ms;
    uint64_t used;
    struct rdt_index_keys keys;
};

struct rdt_column_tokens {
    const struct rdt_column_job *job;
    struct rdt_worker *worker;
    struct rdt_plain normal; /* a value as its normaliser has it */
    struct held held[RDT_COLUMN_KEYS_MAX];
    size_t n;
    uint64_t uses;
};

enum rdt_code
rdt_column_tokens_open(const struct rdt_column_job *job, struct rdt_worker *worker,
                       struct rdt_column_tokens **out, struct rdt_err *err)
{
    struct rdt_column_tokens *tokens = calloc(1, sizeof *tokens);
    if (tokens == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "tokens of a column");
    tokens->job = job;
    tokens->worker = worker;
    *out = tokens;
    return RDT_OK;
}

void
rdt_column_tokens_close(struct rdt_column_tokens *tokens)
{
    if (tokens == NULL)
        return;
    for (size_t i = 0; i < tokens->n; i++)
        rdt_index_keys_wipe(&tokens->held[i].keys);
    rdt_plain_done(&tokens->normal);
    free(tokens);
}

/* ---- keys ---- */

enum rdt_code
rdt_column_ask_index(const struct rdt_column_job *job, const struct rdt_field_column *place,
                     uint16_t epoch, struct rdt_tenant_kek *out, struct rdt_err *err)
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(place->tenant, uuid);
    struct rdt_kek_ask ask = {.ring = job->column->index->ring, .tenant = uuid, .epoch = epoch};
    enum rdt_code rc = job->keys.get(job->keys.self, &ask, out, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "index of tenant %s", uuid);
}

/* A free place, or that of the keys unused for longest. */
static enum rdt_code
make_room(struct rdt_column_tokens *tokens, struct held **out, struct rdt_err *err)
{
    if (tokens->n < RDT_COLUMN_KEYS_MAX) {
        enum rdt_code rc = rdt_index_keys_new(&tokens->held[tokens->n].keys, err);
        if (rc == RDT_OK)
            *out = &tokens->held[tokens->n++];
        if (rc == RDT_OK || tokens->n == 0)
            return rc;
    }
    *out = &tokens->held[0];
    for (size_t i = 1; i < tokens->n; i++) {
        if (tokens->held[i].used < (*out)->used)
            *out = &tokens->held[i];
    }
    return RDT_OK;
}

/* *out NULL: the service does not give that key. */
static enum rdt_code
get(struct rdt_column_tokens *tokens, const struct rdt_column_tenant *tenant, uint16_t epoch,
    const struct rdt_index_keys **out, struct rdt_err *err)
{
    struct held *held = NULL;
    int64_t now = rdt_monotonic_ms();
    for (size_t i = 0; i < tokens->n; i++) {
        if (tokens->held[i].handle != tenant->index_handle || tokens->held[i].epoch != epoch)
            continue;
        if (tokens->held[i].until_ms > now) {
            tokens->held[i].used = ++tokens->uses;
            *out = &tokens->held[i].keys;
            return RDT_OK;
        }
        tokens->held[i].handle = 0; /* over: whatever comes next, it is not used again */
    }
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    struct rdt_field_index index;
    enum rdt_code rc = rdt_column_ask_index(tokens->job, &tenant->place, epoch, &kek, err);
    *out = NULL;
    if (rc == RDT_E_NOTFOUND || rc == RDT_E_STATE)
        return RDT_OK;
    if (rc == RDT_OK)
        rc = make_room(tokens, &held, err);
    if (rc != RDT_OK)
        return rc;
    rdt_catalogue_index(tokens->job->column, tenant->place.tenant, &index);
    held->handle = 0;
    if (rdt_index_keys_make(tokens->worker, &kek.key, &index, &held->keys) != RDT_FIELD_OK)
        return rdt_fail(err, RDT_E_INTERNAL, "keys of an index");
    held->keys.handle = held->handle = kek.handle;
    held->keys.epoch = held->epoch = kek.epoch;
    held->until_ms = now + (int64_t)kek.ttl_s * 1000;
    held->used = ++tokens->uses;
    *out = &held->keys;
    return RDT_OK;
}

/* ---- tokens ---- */

/* work->plain as its normaliser has it, into tokens->normal. */
static enum rdt_code
normalise(struct rdt_column_work *work, enum rdt_field_fault *fault, struct rdt_err *err)
{
    struct rdt_column_tokens *tokens = work->tokens;
    const struct rdt_normal *normal = &work->job->column->index->as.normal;
    struct rdt_span plain = {work->plain.p, work->plain.len};
    enum rdt_code rc = rdt_plain_room(&tokens->normal, rdt_normal_len(normal, plain.n), err);
    if (rc != RDT_OK)
        return rc;
    struct rdt_rf1_out out = {tokens->normal.p, tokens->normal.room, 0};
    *fault = rdt_normal_put(normal, plain, &out);
    tokens->normal.n = rdt_normal_len(normal, plain.n); /* whatever it wrote, it is wiped */
    tokens->normal.len = out.n;
    return RDT_OK;
}

enum rdt_code
rdt_column_front(struct rdt_column_work *work, struct rdt_column_value *value, struct rdt_buf *out,
                 struct rdt_err *err)
{
    const struct rdt_index_keys *keys = NULL;
    uint8_t token[RDT_TOKEN_LEN], front[RDT_SEARCHABLE_FRONT];
    enum rdt_code rc = get(work->tokens, value->tenant, value->tenant->index_epoch, &keys, err);
    if (rc == RDT_OK && keys == NULL)
        rc = rdt_fail(err, RDT_E_STATE, "the index key of tenant '%.64s' is not given out any more",
                      value->tenant->name);
    if (rc == RDT_OK)
        rc = normalise(work, &value->fault, err);
    if (rc != RDT_OK || value->fault != RDT_FIELD_OK)
        return rc;
    struct rdt_span text = {work->tokens->normal.p, work->tokens->normal.len};
    value->fault = rdt_token(work->worker, keys, text, token);
    rdt_plain_wipe(&work->tokens->normal);
    if (value->fault != RDT_FIELD_OK)
        return RDT_OK;
    rdt_searchable_put(keys, token, front);
    rdt_buf_add(out, front, sizeof front);
    return RDT_OK;
}

enum rdt_code
rdt_column_front_check(struct rdt_column_work *work, struct rdt_column_value *value,
                       struct rdt_err *err)
{
    const struct rdt_index_keys *keys = NULL;
    uint16_t epoch = (uint16_t)(value->front.p[2] << 8 | value->front.p[3]);
    enum rdt_code rc = get(work->tokens, value->tenant, epoch, &keys, err);
    if (rc != RDT_OK)
        return rc;
    if (keys == NULL || value->front.p[1] != keys->kind) {
        value->fault = keys == NULL ? RDT_FIELD_KEY : RDT_FIELD_TOKEN;
        return RDT_OK;
    }
    rc = normalise(work, &value->fault, err);
    if (rc != RDT_OK || value->fault != RDT_FIELD_OK)
        return rc;
    struct rdt_span text = {work->tokens->normal.p, work->tokens->normal.len};
    value->fault =
        rdt_token_check(work->worker, keys, text, (struct rdt_span){value->front.p + 4, 16});
    rdt_plain_wipe(&work->tokens->normal);
    return RDT_OK;
}
