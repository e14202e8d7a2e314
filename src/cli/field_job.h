/*
 * field_job.h - values of one column and tenant by hand: the place out of the options, keys from
 * the key service as they are needed, one value after the other.
 */
#ifndef RDT_CLI_FIELD_JOB_H
#define RDT_CLI_FIELD_JOB_H

#include "cli/remote.h"
#include "client/kek.h"
#include "field/token.h"
#include "work/catalogue.h"

#define RDT_FIELD_JOB_EPOCHS_MAX 64 /* epochs whose keys are held at a time */
#define RDT_FIELD_JOB_INDEXES_MAX 8 /* epochs of the index likewise */

/* Keys of one epoch. */
struct rdt_field_epoch {
    uint16_t epoch; /* 0: free */
    struct rdt_field_keys keys;
};

struct rdt_field_job {
    struct rdt_cli *cli;
    struct rdt_remote remote;
    struct rdt_worker *worker;
    struct rdt_catalogue *catalogue;         /* NULL: the options name ids */
    const struct rdt_catalogue_column *from; /* of it */
    struct rdt_buf ring;                     /* its text, if it had to be made */
    struct rdt_kek_ask ask;
    struct rdt_field_column column; /* tenant counts once a key was fetched */
    struct rdt_secret record;
    struct rdt_field_epoch epochs[RDT_FIELD_JOB_EPOCHS_MAX];
    size_t next;      /* the slot to use next */
    uint16_t current; /* epoch to encrypt under; 0: not asked yet */
    struct rdt_index_keys indexes[RDT_FIELD_JOB_INDEXES_MAX]; /* epoch 0: free */
    size_t next_index;
    uint16_t current_index;
};

/*
 * rdt_field_job_open - by --catalogue, --column, --tenant, or --ring, --tenant-id, --column-id.
 *
 *   job   {0}; the caller closes it, also after a failure
 *
 * Fails: RDT_E_USAGE, RDT_E_BADINPUT, as rdt_catalogue_load() and rdt_remote_open().
 */
RDT_MUST_CHECK enum rdt_code rdt_field_job_open(struct rdt_cli *cli, struct rdt_field_job *job);

/* rdt_field_job_close - wipe the keys; the closer for RDT_AUTO. */
void rdt_field_job_close(struct rdt_field_job *job);

#define RDT_FIELD_JOB RDT_AUTO(rdt_field_job_close) struct rdt_field_job

/*
 * rdt_field_job_row - append the key of a row.
 *
 *   parts   texts of the columns that it is made of; none where values are not bound
 *
 * Fails: RDT_E_BADINPUT (more or fewer than the column has), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_field_job_row(const struct rdt_field_job *job,
                                               const struct rdt_span *parts, size_t n,
                                               struct rdt_buf *out);

/*
 * rdt_field_job_encrypt, rdt_field_job_decrypt - one value; of a searchable column with its token,
 * which is checked.
 *
 *   row   as rdt_field_job_row() made it
 *   out   appended: the value; the plaintext, which the caller wipes
 *
 * Fails: RDT_E_BADINPUT (no value, no row), RDT_E_LIMIT, RDT_E_TAMPERED (of another tenant, column
 * or row, or damaged), RDT_E_NOMEM, RDT_E_INTERNAL, as rdt_client_kek().
 */
RDT_MUST_CHECK enum rdt_code rdt_field_job_encrypt(struct rdt_field_job *job, struct rdt_span row,
                                                   struct rdt_span plain, struct rdt_buf *out);
RDT_MUST_CHECK enum rdt_code rdt_field_job_decrypt(struct rdt_field_job *job, struct rdt_span row,
                                                   struct rdt_span value, struct rdt_buf *out);

/* rdt_field_job_room - append n bytes, to be written over.  False: out of memory. */
bool rdt_field_job_room(struct rdt_buf *out, size_t n);

#endif
