/*
 * catalogue.h - the trusted catalogue: which columns hold encrypted values, under which ring, of
 * which tenant, bound to which row. A file of the application's, read by whoever encrypts or
 * decrypts; what a database says about itself is never believed instead.
 *
 * Format: docs/formats/catalogue.md. Read-only once loaded; threads may share it.
 */
#ifndef RDT_WORK_CATALOGUE_H
#define RDT_WORK_CATALOGUE_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "field/token.h"

#define RDT_CATALOGUE_BYTES_MAX ((size_t)1 << 20) /* bytes of a catalogue file */
#define RDT_CATALOGUE_COLUMNS_MAX ((size_t)1000)  /* columns of one catalogue */
#define RDT_CATALOGUE_RINGS_MAX ((size_t)64)      /* rings of one catalogue */
#define RDT_CATALOGUE_PARTS_MAX ((size_t)8)       /* columns of a row's key, or of a primary key */
#define RDT_CATALOGUE_NAME_MAX ((size_t)63)       /* bytes of one name in SQL */
#define RDT_CATALOGUE_TEXT_MAX ((size_t)2048)     /* bytes of a key's or tenant's name */

/* What a plaintext is, for tools that show or compare one; a value itself is bytes. */
enum rdt_catalogue_type { RDT_CATALOGUE_TEXT, RDT_CATALOGUE_BYTEA, RDT_CATALOGUE_JSON };

/* The blind index of a searchable column. */
struct rdt_catalogue_index {
    struct rdt_field_index as; /* what makes its key; the tenant is filled in by the caller */
    const char *name;          /* as.name, as text */
    const char *risk_accepted; /* prefix, word: where it is; NULL else */
    const char *ring;          /* the KMS key */
};

struct rdt_catalogue_column {
    const char *name;                   /* "clinic.patients.diagnosis" */
    const char *schema, *table, *field; /* its parts, as PostgreSQL has them */
    uint8_t id[16];
    const char *ring;                         /* the KMS key: id, ARN or alias */
    const char *tenant;                       /* name or UUID of the one tenant, or NULL */
    const char *tenant_column;                /* else the SQL column that holds either */
    const char *row[RDT_CATALOGUE_PARTS_MAX]; /* SQL columns of the row's key */
    size_t n_row;                             /* 0: not row-bound */
    const char *key[RDT_CATALOGUE_PARTS_MAX]; /* SQL columns of the primary key */
    size_t n_key;                             /* 0: as the database says */
    uint16_t padded;                          /* 0: not */
    bool unpadded_too;                        /* padded and other values are both read */
    bool critical;                            /* IV and salt are hedged */
    enum rdt_catalogue_type type;
    const struct rdt_catalogue_index *index; /* NULL: not searchable */
    struct rdt_mark mark;
};

struct rdt_catalogue;

/*
 * rdt_catalogue_load - read and check a file.
 *
 *   path   the file; "-" is standard input
 *   diags  gets every complaint with its place
 *   out    caller frees with rdt_catalogue_free()
 *
 * Fails: RDT_E_BADINPUT (diags says why), RDT_E_NOTFOUND, RDT_E_DENIED, RDT_E_LIMIT, RDT_E_IO,
 * RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_catalogue_load(const char *path, struct rdt_diags *diags,
                                                struct rdt_catalogue **out, struct rdt_err *err);

/* rdt_catalogue_parse - the same for bytes; file is the name for marks. */
RDT_MUST_CHECK enum rdt_code rdt_catalogue_parse(const char *file, struct rdt_span bytes,
                                                 struct rdt_diags *diags,
                                                 struct rdt_catalogue **out, struct rdt_err *err);

/* rdt_catalogue_free - free it and everything borrowed from it; NULL is fine.
 * rdt_catalogue_free_at - closer for RDT_AUTO. */
void rdt_catalogue_free(struct rdt_catalogue *catalogue);
void rdt_catalogue_free_at(struct rdt_catalogue **catalogue);

/* rdt_catalogue_columns - all of them, in the order of the file. */
const struct rdt_catalogue_column *rdt_catalogue_columns(const struct rdt_catalogue *catalogue,
                                                         size_t *n);

/*
 * rdt_catalogue_find - a column by its name, schema.table.column; table.column is enough where only
 * one schema has it.
 *
 * Fails: RDT_E_NOTFOUND, with the one that was most likely meant.
 */
RDT_MUST_CHECK enum rdt_code rdt_catalogue_find(const struct rdt_catalogue *catalogue,
                                                const char *name,
                                                const struct rdt_catalogue_column **out,
                                                struct rdt_err *err);

/* rdt_catalogue_place - the column for one tenant, as src/field asks for it. */
void rdt_catalogue_place(const struct rdt_catalogue_column *column, const uint8_t tenant[static 16],
                         struct rdt_field_column *out);

/*
 * rdt_catalogue_row - append a row's key: the text of one SQL column as it is; of several, each as
 * u16 length | bytes.
 *
 * Fails: RDT_E_BADINPUT (a lone text that is empty, or a part above 65,535 bytes), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_catalogue_row(const struct rdt_span *texts, size_t n,
                                               struct rdt_buf *out, struct rdt_err *err);

/* rdt_catalogue_index - the column's index for one tenant, as src/field asks for it; the column has
 * one.  rdt_catalogue_in_value - whether a token stands in front of each value (a prefix's or a
 * word's have a column of their own). */
void rdt_catalogue_index(const struct rdt_catalogue_column *column, const uint8_t tenant[static 16],
                         struct rdt_field_index *out);
bool rdt_catalogue_in_value(const struct rdt_catalogue_column *column);

/* rdt_catalogue_type_name - its word in the file. */
const char *rdt_catalogue_type_name(enum rdt_catalogue_type type);

#endif
