/*
 * op_internal.h - the handlers behind the rows, each in an op_*.c, and the tables.
 */
#ifndef RDT_KMS_OP_INTERNAL_H
#define RDT_KMS_OP_INTERNAL_H

#include "kms/op.h"

extern const struct rdt_op_table rdt_ops_aws;           /* op_aws.c */
extern const struct rdt_op_table rdt_ops_approval;      /* op_approval.c */
extern const struct rdt_op_table rdt_ops_approval_life; /* approval_life.c */
extern const struct rdt_op_table rdt_ops_approver;      /* op_approver.c */
extern const struct rdt_op_table rdt_ops_audit;         /* op_audit.c */
extern const struct rdt_op_table rdt_ops_breakglass;    /* breakglass.c */
extern const struct rdt_op_table rdt_ops_domain;        /* domain.c */
extern const struct rdt_op_table rdt_ops_census;        /* op_census.c */
extern const struct rdt_op_table rdt_ops_clock;         /* op_clock.c */
extern const struct rdt_op_table rdt_ops_death;         /* death.c */
extern const struct rdt_op_table rdt_ops_list;          /* op_list.c */
extern const struct rdt_op_table rdt_ops_principal;     /* op_principal.c */
extern const struct rdt_op_table rdt_ops_ring;          /* ring.c */
extern const struct rdt_op_table rdt_ops_status;        /* op_status.c */
extern const struct rdt_op_table rdt_ops_store;         /* op_store.c */
extern const struct rdt_op_table rdt_ops_quarantine;    /* quarantine.c */
extern const struct rdt_op_table rdt_ops_system;        /* life.c */
extern const struct rdt_op_table rdt_ops_tenant;        /* op_tenant.c */
extern const struct rdt_op_table rdt_ops_version;       /* op_version.c */

/* A row of Redoubt's own operations that is about no single KMS key. */
#define OP_OWN(text, where, how, members, handler)                                                 \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .path = where, .cls = RDT_OP_##how, .in = members,   \
        .n_in = sizeof members / sizeof members[0], .run = handler                                 \
    }

/* The same about one key, in any state: ANY (KeyId), OWN (the handler looks it up). */
#define OP_OWN_KEY(text, where, how, which, members, handler)                                      \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .path = where, .cls = RDT_OP_##how,                  \
        .key = RDT_KEY_##which, .in = members, .n_in = sizeof members / sizeof members[0],         \
        .run = handler                                                                             \
    }

rdt_op_fn rdt_op_cancel_key_deletion;
rdt_op_fn rdt_op_create_alias;
rdt_op_fn rdt_op_create_key;
rdt_op_fn rdt_op_decrypt;
rdt_op_fn rdt_op_delete_alias;
rdt_op_fn rdt_op_describe_key;
rdt_op_fn rdt_op_disable_key;
rdt_op_fn rdt_op_disable_key_rotation;
rdt_op_fn rdt_op_enable_key;
rdt_op_fn rdt_op_enable_key_rotation;
rdt_op_fn rdt_op_encrypt;
rdt_op_fn rdt_op_generate_data_key;
rdt_op_fn rdt_op_generate_data_key_without_plaintext;
rdt_op_fn rdt_op_generate_random;
rdt_op_fn rdt_op_get_key_last_usage;
rdt_op_fn rdt_op_get_key_policy;
rdt_op_fn rdt_op_get_key_rotation_status;
rdt_op_fn rdt_op_list_aliases;
rdt_op_fn rdt_op_list_key_policies;
rdt_op_fn rdt_op_list_key_rotations;
rdt_op_fn rdt_op_list_keys;
rdt_op_fn rdt_op_list_resource_tags;
rdt_op_fn rdt_op_put_key_policy;
rdt_op_fn rdt_op_re_encrypt;
rdt_op_fn rdt_op_rotate_key_on_demand;
rdt_op_fn rdt_op_schedule_key_deletion;
rdt_op_fn rdt_op_tag_resource;
rdt_op_fn rdt_op_untag_resource;
rdt_op_fn rdt_op_update_alias;
rdt_op_fn rdt_op_update_key_description;

#endif
