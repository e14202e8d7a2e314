#include "field/keyring_internal.h"
#include "field/rf1.h"

#include <stdlib.h>
#include <string.h>

#define FLAGS (RDT_COLUMN_ROW_BOUND | RDT_COLUMN_ANY_LENGTH | RDT_COLUMN_CRITICAL)

void
rdt_column_add(struct rdt_column *column)
{
    struct rdt_keyring *keyring = column->keyring;
    pthread_mutex_lock(&keyring->lock);
    column->number = ++keyring->columns_made;
    column->next = keyring->columns;
    keyring->columns = column;
    pthread_mutex_unlock(&keyring->lock);
}

void
rdt_column_remove(struct rdt_column *column)
{
    struct rdt_column **link = &column->keyring->columns;
    pthread_mutex_lock(&column->keyring->lock);
    while (*link != column)
        link = &(*link)->next;
    *link = column->next;
    pthread_mutex_unlock(&column->keyring->lock);
}

enum rdt_field_fault
rdt_column_new(struct rdt_keyring *keyring, const struct rdt_column_spec *spec,
               struct rdt_column **out)
{
    struct rdt_column_spec s = {0};
    if (spec->size != sizeof s)
        return RDT_FIELD_USAGE;
    s = *spec;
    if ((s.flags & ~FLAGS) != 0 || s.bucket > UINT16_MAX)
        return RDT_FIELD_USAGE;
    if (!rdt_keyring_here(keyring))
        return RDT_FIELD_FORKED;
    struct rdt_column *column = calloc(1, sizeof *column);
    if (column == NULL)
        return RDT_FIELD_NOMEM;
    column->keyring = keyring;
    column->place = (struct rdt_field_column){
        .row_bound = (s.flags & RDT_COLUMN_ROW_BOUND) != 0,
        .any_length = (s.flags & RDT_COLUMN_ANY_LENGTH) != 0,
        .hedged = (s.flags & RDT_COLUMN_CRITICAL) != 0,
        .bucket = (uint16_t)s.bucket,
    };
    memcpy(column->ring, s.ring, RDT_ID_LEN);
    memcpy(column->place.id, s.id, RDT_ID_LEN);
    rdt_column_add(column);
    *out = column;
    return RDT_FIELD_OK;
}

void
rdt_column_free(struct rdt_column *column)
{
    if (column == NULL || !rdt_keyring_here(column->keyring))
        return;
    rdt_column_remove(column);
    for (size_t i = 0; i < column->n_verifiers; i++)
        rdt_secret_wipe(&column->verifiers[i].key);
    free(column->verifiers);
    free(column);
}

size_t
rdt_value_len(const struct rdt_column *column, size_t n)
{
    return rdt_rf1_len(&column->place, n);
}

/* ---- verify keys ---- */

struct rdt_column_verifier *
rdt_column_verifier(struct rdt_column *column, const uint8_t *tenant, uint16_t epoch)
{
    for (size_t i = 0; i < column->n_verifiers; i++) {
        struct rdt_column_verifier *v = &column->verifiers[i];
        if (v->epoch == epoch && rdt_same_id(v->tenant, tenant))
            return v;
    }
    return NULL;
}

static struct rdt_column_verifier *
add_verifier(struct rdt_column *column)
{
    if (column->n_verifiers == column->room_verifiers) {
        size_t room = column->room_verifiers == 0 ? 8 : 2 * column->room_verifiers;
        struct rdt_column_verifier *more =
            realloc(column->verifiers, room * sizeof *column->verifiers);
        if (more == NULL)
            return NULL;
        column->verifiers = more;
        column->room_verifiers = room;
    }
    struct rdt_column_verifier *v = &column->verifiers[column->n_verifiers];
    *v = (struct rdt_column_verifier){0};
    return v;
}

static enum rdt_field_fault
put_verifier(struct rdt_column *column, const struct rdt_verifier *verifier)
{
    struct rdt_column_verifier *v = rdt_column_verifier(column, verifier->tenant, verifier->epoch);
    bool is_new = v == NULL;
    if (is_new)
        v = add_verifier(column);
    if (v == NULL)
        return RDT_FIELD_NOMEM;
    if (is_new && rdt_secret_new(&v->key, RDT_KEK_LEN, NULL) != RDT_OK)
        return RDT_FIELD_UNLOCKED;
    memcpy(v->key.p, verifier->key, RDT_KEK_LEN);
    memcpy(v->tenant, verifier->tenant, RDT_ID_LEN);
    v->handle = verifier->handle;
    v->epoch = verifier->epoch;
    v->until_ms = rdt_boot_ms() + (int64_t)verifier->ttl_s * 1000;
    column->n_verifiers += is_new;
    return RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_column_put_verifier(struct rdt_column *column, const struct rdt_verifier *verifier)
{
    if (verifier->handle == 0 || verifier->epoch == 0 || verifier->ttl_s == 0)
        return RDT_FIELD_USAGE;
    if (!rdt_keyring_here(column->keyring))
        return RDT_FIELD_FORKED;
    pthread_mutex_lock(&column->keyring->lock);
    enum rdt_field_fault fault = put_verifier(column, verifier);
    pthread_mutex_unlock(&column->keyring->lock);
    return fault;
}

void
rdt_column_forget(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *tenant)
{
    for (struct rdt_column *c = keyring->columns; c != NULL; c = c->next) {
        if (!rdt_same_id(c->ring, ring))
            continue;
        size_t kept = 0;
        for (size_t i = 0; i < c->n_verifiers; i++) {
            struct rdt_column_verifier *v = &c->verifiers[i];
            if (tenant == NULL || rdt_same_id(v->tenant, tenant))
                rdt_secret_wipe(&v->key);
            else
                c->verifiers[kept++] = *v;
        }
        c->n_verifiers = kept;
    }
}
