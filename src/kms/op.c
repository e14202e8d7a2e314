#include "kms/op_internal.h"

#include "base/cursor.h"

#include <stdlib.h>

const struct rdt_op_table *const rdt_op_tables[] = {
    &rdt_ops_aws,           /* op_aws.c */
    &rdt_ops_approval,      /* op_approval.c */
    &rdt_ops_approval_life, /* approval_life.c */
    &rdt_ops_approver,      /* op_approver.c */
    &rdt_ops_audit,         /* op_audit.c */
    &rdt_ops_breakglass,    /* breakglass.c */
    &rdt_ops_census,        /* op_census.c */
    &rdt_ops_clock,         /* op_clock.c */
    &rdt_ops_death,         /* death.c */
    &rdt_ops_domain,        /* domain.c */
    &rdt_ops_list,          /* op_list.c */
    &rdt_ops_principal,     /* op_principal.c */
    &rdt_ops_quarantine,    /* quarantine.c */
    &rdt_ops_ring,          /* ring.c */
    &rdt_ops_status,        /* op_status.c */
    &rdt_ops_store,         /* op_store.c */
    &rdt_ops_system,        /* life.c */
    &rdt_ops_tenant,        /* op_tenant.c */
    &rdt_ops_version,       /* op_version.c */
    NULL,
};

static int
by_name(const void *key, const void *row)
{
    return rdt_span_cmp(*(const struct rdt_span *)key,
                        rdt_span_str(((const struct rdt_op *)row)->name));
}

static const struct rdt_op *
in_table(const struct rdt_op_table *table, struct rdt_span name)
{
    return bsearch(&name, table->ops, table->n, sizeof table->ops[0], by_name);
}

const struct rdt_op *
rdt_op_named(const char *name)
{
    const struct rdt_op *op = NULL;
    for (size_t i = 0; op == NULL && rdt_op_tables[i] != NULL; i++)
        op = in_table(rdt_op_tables[i], rdt_span_str(name));
    return op;
}

static const struct rdt_op *
by_target(struct rdt_span target)
{
    struct rdt_span service, name = target;
    if (!rdt_take_until(&name, '.', &service))
        return NULL;
    enum rdt_op_front front;
    if (rdt_span_is(service, "TrentService"))
        front = RDT_FRONT_AWS;
    else if (rdt_span_is(service, "Redoubt"))
        front = RDT_FRONT_OWN;
    else
        return NULL;
    for (size_t i = 0; rdt_op_tables[i] != NULL; i++) {
        const struct rdt_op *op = in_table(rdt_op_tables[i], name);
        if (op != NULL && op->front == front && !op->internal)
            return op;
    }
    return NULL;
}

const struct rdt_op *
rdt_op_find(struct rdt_span target, struct rdt_span path)
{
    if (target.n != 0)
        return by_target(target);
    for (size_t i = 0; rdt_op_tables[i] != NULL; i++)
        for (size_t j = 0; j < rdt_op_tables[i]->n; j++) {
            const struct rdt_op *op = &rdt_op_tables[i]->ops[j];
            if (op->path != NULL && rdt_span_is(path, op->path))
                return op;
        }
    return NULL;
}
