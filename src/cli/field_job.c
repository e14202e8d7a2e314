#include "cli/field_job.h"

#include "cli/field_find.h"
#include "codec/base64.h"

/* ---- where values belong ---- */

static enum rdt_code
usage(struct rdt_cli *cli, const char *text)
{
    return rdt_fail(&cli->err, RDT_E_USAGE, "%s", text);
}

/* "records" for "alias/records", as elsewhere on the command line. */
static const char *
ring_name(struct rdt_field_job *job, const char *word)
{
    uint8_t id[16];
    if (rdt_uuid_parse(rdt_span_str(word), id) || strncmp(word, "arn:", 4) == 0 ||
        strncmp(word, "alias/", 6) == 0)
        return word;
    rdt_buf_fmt(&job->ring, "alias/%s", word);
    return rdt_buf_cstr(&job->ring);
}

static enum rdt_code
by_catalogue(struct rdt_field_job *job)
{
    struct rdt_cli *cli = job->cli;
    const char *name = rdt_cli_value(cli, OPT_COLUMN, NULL),
               *tenant = rdt_cli_value(cli, OPT_TENANT, NULL);
    if (rdt_cli_has(cli, OPT_TENANT_ID) || rdt_cli_has(cli, OPT_COLUMN_ID) ||
        rdt_cli_has(cli, OPT_RING) || rdt_cli_has(cli, OPT_ROW_BOUND))
        return usage(cli, "with --catalogue it is the catalogue that says ring, ids and row");
    if (name == NULL)
        return usage(cli, "--column NAME is needed: a column of the catalogue");
    enum rdt_code rc = rdt_catalogue_load(rdt_cli_value(cli, OPT_CATALOGUE, NULL), &cli->diags,
                                          &job->catalogue, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_catalogue_find(job->catalogue, name, &job->from, &cli->err);
    if (rc != RDT_OK)
        return rc;
    if (job->from->tenant != NULL && tenant != NULL && strcmp(tenant, job->from->tenant) != 0)
        return usage(cli, "the catalogue says that this column is of another tenant");
    job->ask.tenant = job->from->tenant != NULL ? job->from->tenant : tenant;
    job->ask.ring = job->from->ring;
    return job->ask.tenant != NULL ? RDT_OK
                                   : usage(cli, "--tenant NAME is needed: whose value it is");
}

static enum rdt_code
by_ids(struct rdt_field_job *job)
{
    struct rdt_cli *cli = job->cli;
    const char *ring = rdt_cli_value(cli, OPT_RING, NULL),
               *tenant = rdt_cli_value(cli, OPT_TENANT_ID, NULL),
               *column = rdt_cli_value(cli, OPT_COLUMN_ID, NULL);
    if (ring == NULL || tenant == NULL || column == NULL)
        return usage(cli, "--catalogue and --column, or --ring, --tenant-id and --column-id, are "
                          "needed");
    if (!rdt_uuid_parse(rdt_span_str(tenant), job->column.tenant))
        return usage(cli, "--tenant-id is no UUID: redoubt tenant show NAME");
    if (!rdt_uuid_parse(rdt_span_str(column), job->column.id))
        return usage(cli, "--column-id is no UUID");
    job->column.row_bound = rdt_cli_has(cli, OPT_ROW_BOUND) || rdt_cli_has(cli, OPT_ROW);
    job->column.any_length = true; /* there is no catalogue to say that it is padded */
    job->ask.tenant = tenant;
    job->ask.ring = ring_name(job, ring);
    return job->ask.ring != NULL ? RDT_OK : rdt_fail(&cli->err, RDT_E_NOMEM, "a ring's name");
}

enum rdt_code
rdt_field_job_open(struct rdt_cli *cli, struct rdt_field_job *job)
{
    job->cli = cli;
    enum rdt_code rc = rdt_cli_has(cli, OPT_CATALOGUE) ? by_catalogue(job) : by_ids(job);
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &job->remote);
    if (rc == RDT_OK)
        rc = rdt_worker_open(&job->worker, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&job->record, RDT_KEY_LEN, &cli->err);
    return rc;
}

void
rdt_field_job_close(struct rdt_field_job *job)
{
    for (size_t i = 0; i < RDT_FIELD_JOB_EPOCHS_MAX; i++)
        rdt_field_keys_wipe(&job->epochs[i].keys);
    for (size_t i = 0; i < RDT_FIELD_JOB_INDEXES_MAX; i++)
        rdt_index_keys_wipe(&job->indexes[i]);
    rdt_secret_wipe(&job->record);
    rdt_worker_close(job->worker);
    rdt_remote_close(&job->remote);
    rdt_catalogue_free(job->catalogue);
    rdt_buf_done(&job->ring);
}

enum rdt_code
rdt_field_job_row(const struct rdt_field_job *job, const struct rdt_span *parts, size_t n,
                  struct rdt_buf *out)
{
    size_t want = job->from != NULL ? job->from->n_row : job->column.row_bound ? 1 : 0;
    if (n != want)
        return rdt_fail(&job->cli->err, RDT_E_BADINPUT,
                        want == 0 ? "values of this column belong to no row"
                                  : "a value of this column belongs to a row: %zu texts of its key "
                                    "are needed, not %zu",
                        want, n);
    return want == 0 ? RDT_OK : rdt_catalogue_row(parts, n, out, &job->cli->err);
}

/* ---- keys ---- */

static enum rdt_code
keep(struct rdt_field_job *job, const struct rdt_tenant_kek *kek, struct rdt_field_keys **out)
{
    struct rdt_field_epoch *slot = &job->epochs[job->next];
    if (job->from != NULL)
        rdt_catalogue_place(job->from, kek->tenant, &job->column);
    enum rdt_code rc = RDT_OK;
    slot->epoch = 0; /* an older one has to go */
    if (slot->keys.verify.p == NULL)
        rc = rdt_field_keys_new(&slot->keys, &job->cli->err);
    if (rc == RDT_OK &&
        rdt_field_keys_make(job->worker, &kek->key, &job->column, &slot->keys) != RDT_OK)
        rc = rdt_fail(&job->cli->err, RDT_E_INTERNAL, "make a column's keys");
    if (rc != RDT_OK)
        return rc;
    job->next = (job->next + 1) % RDT_FIELD_JOB_EPOCHS_MAX;
    slot->epoch = kek->epoch;
    slot->keys.handle = kek->handle;
    slot->keys.epoch = kek->epoch;
    *out = &slot->keys;
    return RDT_OK;
}

/* epoch 0: the current one. */
static enum rdt_code
keys_of(struct rdt_field_job *job, uint16_t epoch, struct rdt_field_keys **out)
{
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    uint16_t want = epoch != 0 ? epoch : job->current;
    for (size_t i = 0; want != 0 && i < RDT_FIELD_JOB_EPOCHS_MAX; i++)
        if (job->epochs[i].epoch == want) {
            *out = &job->epochs[i].keys;
            return RDT_OK;
        }
    job->ask.epoch = epoch;
    enum rdt_code rc =
        rdt_client_kek(job->remote.client, job->worker, &job->ask, NULL, &kek, &job->cli->err);
    if (rc == RDT_OK && epoch == 0)
        job->current = kek.epoch;
    return rc == RDT_OK ? keep(job, &kek, out) : rc;
}

/* ---- one value ---- */

static enum rdt_code
done(struct rdt_field_job *job, enum rdt_field_fault fault)
{
    return rdt_field_fault_code(fault, &job->cli->err);
}

bool
rdt_field_job_room(struct rdt_buf *out, size_t n)
{
    static const uint8_t zeroes[4096];
    for (size_t left = n; left != 0 && rdt_buf_ok(out);) {
        size_t step = left < sizeof zeroes ? left : sizeof zeroes;
        rdt_buf_add(out, zeroes, step);
        left -= step;
    }
    return rdt_buf_ok(out);
}

enum rdt_code
rdt_field_job_encrypt(struct rdt_field_job *job, struct rdt_span row, struct rdt_span plain,
                      struct rdt_buf *out)
{
    struct rdt_field_keys *keys;
    enum rdt_code rc = keys_of(job, 0, &keys);
    if (rc != RDT_OK)
        return rc;
    size_t n = rdt_rf1_len(&job->column, plain.n);
    if (n == 0)
        return done(job, RDT_FIELD_TOO_LONG);
    rc = rdt_field_find_front(job, plain, out);
    if (rc != RDT_OK)
        return rc;
    size_t before = out->n;
    if (!rdt_field_job_room(out, n))
        return rdt_fail(&job->cli->err, RDT_E_NOMEM, "encrypt");
    struct rdt_rf1_call call = {job->worker, keys, &job->column, row, &job->record};
    struct rdt_rf1_out to = {out->p + before, n, 0};
    enum rdt_field_fault fault = rdt_rf1_seal(&call, plain, &to);
    out->n = before + (fault == RDT_FIELD_OK ? to.n : 0);
    return done(job, fault);
}

static enum rdt_code
open_rf1(struct rdt_field_job *job, struct rdt_span row, struct rdt_span value, struct rdt_buf *out)
{
    struct rdt_field_keys *keys;
    struct rdt_rf1 rf1;
    size_t before = out->n;
    if (!rdt_rf1_read(value, &rf1) || rf1.epoch == 0)
        return done(job, RDT_FIELD_NOT_RF1);
    enum rdt_code rc = keys_of(job, rf1.epoch, &keys);
    if (rc == RDT_E_NOTFOUND)
        rdt_hint(&job->cli->err, "the value says epoch %u: is it of this tenant and ring?",
                 rf1.epoch);
    if (rc != RDT_OK)
        return rc;
    if (!rdt_field_job_room(out, value.n))
        return rdt_fail(&job->cli->err, RDT_E_NOMEM, "decrypt");
    struct rdt_rf1_call call = {job->worker, keys, &job->column, row, &job->record};
    struct rdt_rf1_out to = {out->p + before, value.n - RDT_VALUE_OVER, 0};
    enum rdt_field_fault fault = rdt_rf1_open(&call, value, &to);
    out->n = before + (fault == RDT_FIELD_OK ? to.n : 0);
    return done(job, fault);
}

enum rdt_code
rdt_field_job_decrypt(struct rdt_field_job *job, struct rdt_span row, struct rdt_span value,
                      struct rdt_buf *out)
{
    struct rdt_searchable searchable;
    size_t before = out->n;
    if (job->from == NULL || !rdt_catalogue_in_value(job->from))
        return open_rf1(job, row, value, out);
    if (!rdt_searchable_read(value, &searchable))
        return done(job, RDT_FIELD_NOT_RF1);
    enum rdt_code rc = open_rf1(job, row, searchable.rf1, out);
    if (rc == RDT_OK)
        rc = rdt_field_find_check(job, &searchable,
                                  (struct rdt_span){out->p + before, out->n - before});
    if (rc != RDT_OK)
        out->n = before;
    return rc;
}
