/*
 * kms_ops_main - the table of AWS's operations and the list of faults, as JSON, for the test that
 * holds both against the public model.
 */
#include "codec/jout.h"
#include "kms/op_internal.h"

#include <stdio.h>

static const char *const types[] = {
    [RDT_IN_TEXT] = "text",   [RDT_IN_WORD] = "word",       [RDT_IN_BLOB] = "blob",
    [RDT_IN_INT] = "integer", [RDT_IN_BOOL] = "boolean",    [RDT_IN_MAP] = "map",
    [RDT_IN_TEXTS] = "texts", [RDT_IN_OBJECTS] = "objects", [RDT_IN_OBJECT] = "object",
};
static const char *const classes[] = {
    [RDT_OP_UNSUPPORTED] = "unsupported",
    [RDT_OP_READ] = "read",
    [RDT_OP_SLOW] = "slow",
    [RDT_OP_DATA] = "data",
    [RDT_OP_WRITE] = "write",
};

static void
put_member(struct rdt_buf *out, const struct rdt_in *in)
{
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "name", in->name);
    rdt_jout_str(out, "type", types[in->type]);
    rdt_jout_bool(out, "required", in->required);
    rdt_jout_bool(out, "sensitive", in->sensitive);
    rdt_jout_int(out, "min", in->min);
    rdt_jout_int(out, "max", in->max);
    rdt_jout_str(out, "words", in->words);
    rdt_jout_close(out, '}');
}

static void
put_op(struct rdt_buf *out, const struct rdt_op *op)
{
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "name", op->name);
    rdt_jout_str(out, "class", classes[op->cls]);
    rdt_jout_int(out, "key", op->key);
    rdt_jout_int(out, "states", op->states);
    rdt_jout_open(out, "in", '[');
    for (size_t i = 0; i < op->n_in; i++)
        put_member(out, &op->in[i]);
    rdt_jout_close(out, ']');
    rdt_jout_close(out, '}');
}

int
main(void)
{
    RDT_BUF out = {0};
    rdt_jout_open(&out, NULL, '{');
    rdt_jout_open(&out, "ops", '[');
    for (size_t i = 0; i < rdt_ops_aws.n; i++)
        put_op(&out, &rdt_ops_aws.ops[i]);
    rdt_jout_close(&out, ']');
    rdt_jout_open(&out, "faults", '[');
    for (unsigned fault = 1; fault < RDT_NFAULTS; fault++) {
        rdt_jout_open(&out, NULL, '{');
        rdt_jout_str(&out, "name", rdt_fault_wire((enum rdt_fault)fault));
        rdt_jout_int(&out, "status", rdt_fault_status((enum rdt_fault)fault));
        rdt_jout_close(&out, '}');
    }
    rdt_jout_close(&out, ']');
    rdt_jout_close(&out, '}');
    const char *text = rdt_buf_cstr(&out);
    return text == NULL || puts(text) < 0;
}
